//! Several products that are observed as they talk to each other: one implementation made of them, and its cases.

use std::collections::BTreeSet;
use std::sync::Arc;

use dmconform_case::Suite;
use dmconform_case::implementation::{Implementation, Opens, Product};
use dmconform_case::test_case::{BootstrapPlace, Circumstances, Opener, TestCase};
use dmconform_model::{CaseId, Role};

use crate::options::TargetFile;

/// Why products cannot be observed together.
#[derive(Debug, thiserror::Error)]
pub enum ObservationError {
    /// One product has nobody to talk to.
    #[error("observe {count} product: it takes two to talk; name another with --implementation")]
    TooFew {
        /// How many there are.
        count: usize,
    },
    /// Two play the same role.
    #[error("observe {one} and {other} together: both play {role}; each role is played by one product")]
    SameRole {
        /// One product.
        one: String,
        /// The other one.
        other: String,
        /// Their role.
        role: Role,
    },
    /// They have no devices in common.
    #[error(
        "observe {one} and {other} together: their devices are not the same ({of_one} and {of_other}); give both files the same `devices`"
    )]
    OtherDevices {
        /// One product.
        one: String,
        /// The other one.
        other: String,
        /// Its devices.
        of_one: String,
        /// The devices of the other one.
        of_other: String,
    },
    /// Neither may open a delegation with the other.
    #[error(
        "observe {one} and {other} together: one takes part in delegations that DMS-1 opens, the other in those that DMS-2 opens \
         (`supports.opens`, and a trigger `start-delegation` for who opens)"
    )]
    NobodyOpens {
        /// One product.
        one: String,
        /// The other one.
        other: String,
    },
    /// They write the messages between the servers in different ways.
    #[error(
        "observe {one} and {other} together: one writes the messages between the servers as the profile {of_one} has them, the other as {of_other}; \
         they could not understand each other"
    )]
    OtherProfiles {
        /// One product.
        one: String,
        /// The other one.
        other: String,
        /// Its profile.
        of_one: String,
        /// The profile of the other one.
        of_other: String,
    },
    /// Their files say different things of what they have in common.
    #[error(
        "observe {one} and {other} together: `{key}` is not the same in both files; one of them would be blamed for it"
    )]
    Unlike {
        /// One product.
        one: String,
        /// The other one.
        other: String,
        /// What differs.
        key: &'static str,
    },
    /// A client and a server could not have a DM session.
    #[error(
        "observe {one} and {other} together: `supports.{key}` has nothing in common, so no DM session between them can succeed; \
         configure them for the same, and say so in both files"
    )]
    NoSession {
        /// One product.
        one: String,
        /// The other one.
        other: String,
        /// What they have not in common.
        key: &'static str,
    },
}

/// Products as one implementation, whose cases are whole delegations between them.
///
/// # Errors
/// Why they cannot be observed together.
pub fn observation(parts: Vec<TargetFile>) -> Result<TargetFile, ObservationError> {
    if parts.len() < 2 {
        return Err(ObservationError::TooFew { count: parts.len() });
    }
    let played: BTreeSet<Role> = parts
        .iter()
        .flat_map(|part| part.implementation.plays.clone())
        .collect();
    for (at, one) in parts.iter().enumerate() {
        for other in &parts[at + 1..] {
            check(one, other, &played)?;
        }
    }
    let implementation = combined(&parts);
    let name = parts
        .iter()
        .map(|part| part.name.as_str())
        .collect::<Vec<_>>()
        .join("+");
    let mut suite = Suite::clone(&parts[0].suite);
    suite.cases = whole_delegations(&suite, &implementation);
    Ok(TargetFile {
        name,
        path: None,
        implementation,
        suite: Arc::new(suite),
        parts,
    })
}

fn check(one: &TargetFile, other: &TargetFile, played: &BTreeSet<Role>) -> Result<(), ObservationError> {
    let names = || (one.name.clone(), other.name.clone());
    let plays = &other.implementation.plays;
    if let Some(role) = one.implementation.plays.iter().find(|role| plays.contains(role)) {
        let (one, other) = names();
        let role = *role;
        return Err(ObservationError::SameRole { one, other, role });
    }
    let profiles = [one, other].map(|part| part.implementation.profile.clone());
    let [of_one, of_other] = profiles.map(|profile| profile.unwrap_or_else(|| "default".to_owned()));
    if one.suite.profile != other.suite.profile {
        let (one, other) = names();
        return Err(ObservationError::OtherProfiles {
            one,
            other,
            of_one,
            of_other,
        });
    }
    if both(opens(&one.implementation), opens(&other.implementation)).is_none() {
        let (one, other) = names();
        return Err(ObservationError::NobodyOpens { one, other });
    }
    if let Some(key) = not_in_common(&one.implementation, &other.implementation) {
        let (one, other) = names();
        return Err(ObservationError::NoSession { one, other, key });
    }
    if let Some(key) = unlike(&one.implementation, &other.implementation, played) {
        let (one, other) = names();
        return Err(ObservationError::Unlike { one, other, key });
    }
    let [of_one, of_other] = [one, other].map(|part| part.implementation.devices.to_string());
    if (1..=common(one, other))
        .any(|number| one.implementation.devices.id(number) != other.implementation.devices.id(number))
    {
        let (one, other) = names();
        return Err(ObservationError::OtherDevices {
            one,
            other,
            of_one,
            of_other,
        });
    }
    Ok(())
}

/// What two files say differently of the devices, or of a role that nobody plays.
fn unlike(one: &Implementation, other: &Implementation, played: &BTreeSet<Role>) -> Option<&'static str> {
    let (mine, theirs) = (&one.devices, &other.devices);
    if mine.manufacturer != theirs.manufacturer {
        return Some("devices.manufacturer");
    }
    if mine.model != theirs.model {
        return Some("devices.model");
    }
    let (mine, theirs) = (&one.nodes, &other.nodes);
    if !mine.is_empty() && !theirs.is_empty() && mine != theirs {
        return Some("nodes");
    }
    let mut of_others = one.peers.iter().filter(|(role, _)| !played.contains(role));
    let differs = of_others.any(|(role, peer)| other.peers.get(role).is_some_and(|known| known != peer));
    differs.then_some("peers")
}

/// What a client and a server lack for a DM session: without it the server would be blamed for what it never claimed.
fn not_in_common(one: &Implementation, other: &Implementation) -> Option<&'static str> {
    let is_client = |product: &Implementation| product.plays.contains(&Role::DmClient);
    let is_server = |product: &Implementation| {
        let plays = &product.plays;
        plays.contains(&Role::Dms1) || plays.contains(&Role::Dms2)
    };
    if !(is_client(one) && is_server(other) || is_server(one) && is_client(other)) {
        return None;
    }
    let (one, other) = (&one.supports, &other.supports);
    if one.encodings.iter().all(|known| !other.encodings.contains(known)) {
        return Some("encodings");
    }
    let (mine, theirs) = (&one.authentication, &other.authentication);
    let has_none = mine.iter().all(|known| !theirs.contains(known));
    has_none.then_some("authentication")
}

/// How many devices both have.
fn common(one: &TargetFile, other: &TargetFile) -> u32 {
    let [one, other] = [one, other].map(|part| part.implementation.devices.count());
    one.min(other)
}

/// What products can do together: what all of them can, where it takes all of them.
fn combined(parts: &[TargetFile]) -> Implementation {
    let mut parts = parts.iter().map(|part| &part.implementation);
    let Some(first) = parts.next() else {
        unreachable!("there are two products at least");
    };
    let mut all = first.clone();
    all.supports.opens = opens(first);
    for part in parts {
        let (mine, theirs) = (&mut all.supports, &part.supports);
        // Every two of them have been found to have something in common, and then all have.
        mine.opens = both(mine.opens, opens(part)).unwrap_or(mine.opens);
        mine.encodings.retain(|known| theirs.encodings.contains(known));
        mine.authentication
            .retain(|known| theirs.authentication.contains(known));
        mine.delegation_types
            .retain(|known| theirs.delegation_types.contains(known));
        mine.claims.retain(|known| theirs.claims.contains(known));
        mine.concurrent_delegations = [mine.concurrent_delegations, theirs.concurrent_delegations]
            .into_iter()
            .flatten()
            .min();
        if part.plays.contains(&Role::Dms1) {
            mine.removes_own_account = theirs.removes_own_account;
        }
        if part.plays.contains(&Role::DmClient) {
            mine.bootstraps.clone_from(&theirs.bootstraps);
        }
        let limits = &mut all.limits;
        limits.reacts_within = limits.reacts_within.max(part.limits.reacts_within);
        limits.window = limits.window.max(part.limits.window);
        limits.step_deadline = limits.step_deadline.max(part.limits.step_deadline);
        if part.devices.count() < all.devices.count() {
            all.devices = part.devices.clone();
        }
        for (role, peer) in &part.peers {
            all.peers.entry(*role).or_insert_with(|| peer.clone());
        }
        // Where the delegated nodes are, one file is enough to say.
        if all.nodes.is_empty() {
            all.nodes.clone_from(&part.nodes);
        }
        all.plays.extend(&part.plays);
        all.identity.extend(part.identity.clone());
        all.endpoints.extend(part.endpoints.clone());
        let (mine, theirs) = (&mut all.triggers, &part.triggers);
        mine.start_delegation = mine
            .start_delegation
            .take()
            .or_else(|| theirs.start_delegation.clone());
        mine.notify_device = mine.notify_device.take().or_else(|| theirs.notify_device.clone());
    }
    all.plays.sort();
    all.implementation = Product {
        vendor: String::new(),
        product: String::new(),
        version: String::new(),
    };
    // Where a role is played after all, nothing is known of it as of a mock.
    let plays = all.plays.clone();
    all.peers.retain(|role, _| !plays.contains(role));
    all
}

/// Who may open a delegation with a product, as far as it can be made to do so.
fn opens(product: &Implementation) -> Opens {
    let has_trigger = product.triggers.start_delegation.is_some();
    let can = |role: Role, opener: Opener| {
        product.supports.opens.includes(opener) && (has_trigger || !product.plays.contains(&role))
    };
    match (can(Role::Dms1, Opener::Dms1), can(Role::Dms2, Opener::Dms2)) {
        (true, true) => Opens::Either,
        (false, true) => Opens::Dms2,
        _ => Opens::Dms1,
    }
}

/// Who may open a delegation in which both take part.
const fn both(one: Opens, other: Opens) -> Option<Opens> {
    match (one, other) {
        (Opens::Either, opens) | (opens, Opens::Either) => Some(opens),
        (Opens::Dms1, Opens::Dms1) | (Opens::Dms2, Opens::Dms2) => Some(one),
        (Opens::Dms1, Opens::Dms2) | (Opens::Dms2, Opens::Dms1) => None,
    }
}

/// The whole delegations of the suite that products can have with each other, one for each of the circumstances, in which
/// all of them are judged.
fn whole_delegations(suite: &Suite, product: &Implementation) -> Vec<TestCase> {
    let is_theirs = |case: &&TestCase| case.iut.iter().any(|role| product.plays.contains(role));
    let mut merged: Vec<TestCase> = Vec::new();
    for case in suite
        .cases
        .iter()
        .filter(|case| case.is_whole_delegation())
        .filter(is_theirs)
    {
        if !case.requires.iter().all(|claim| product.supports.includes(claim)) {
            continue;
        }
        let mut given = case.given.clone();
        if product.plays.contains(&Role::BootstrapServer) {
            // Where a real one is, is its own affair.
            given.bootstrap_server = BootstrapPlace::default();
        }
        let known = merged.iter_mut().find(|known| known.given == given);
        let Some(known) = known else {
            merged.push(first(case, given));
            continue;
        };
        for role in &case.iut {
            if !known.iut.contains(role) {
                known.iut.push(*role);
            }
        }
        for requirement in &case.covers {
            if !known.covers.contains(requirement) {
                known.covers.push(requirement.clone());
            }
        }
    }
    for case in &mut merged {
        case.iut.retain(|role| product.plays.contains(role));
        case.iut.sort();
    }
    merged
}

/// A case of observed products, made of the first that has its circumstances.
fn first(case: &TestCase, given: Circumstances) -> TestCase {
    let (id, words) = circumstances(&given);
    TestCase {
        id: CaseId(format!("OBS-{id}")),
        title: format!("A whole delegation between products, {words}"),
        purpose: "Each product takes its part in a delegation from the first to the last step, in order and with the data \
                  that it was given."
            .to_owned(),
        catches: Vec::new(),
        given,
        ..case.clone()
    }
}

/// Circumstances as part of an identifier, and in words.
fn circumstances(given: &Circumstances) -> (String, String) {
    let usual = Circumstances::default();
    let (mut id, mut words) = match given.opens {
        Opener::Dms1 => ("DMS1".to_owned(), "opened by DMS-1".to_owned()),
        Opener::Dms2 => ("DMS2".to_owned(), "opened by DMS-2".to_owned()),
    };
    let mut add = |part: &str, in_words: &str| {
        id = format!("{id}-{part}");
        words = format!("{words}, {in_words}");
    };
    if given.removes_account {
        add("REMOVAL", "in which DMS-1 removes its own account");
    }
    if given.bootstrap_server == BootstrapPlace::CoLocated {
        add("CO-LOCATED", "with DMS-2 and the Bootstrap Server on one machine");
    }
    if given.delegation_type != usual.delegation_type {
        let name = given.delegation_type.as_str();
        add(&name.to_uppercase(), &format!("of the type {name}"));
    }
    if given.encoding != usual.encoding {
        let name = given.encoding.as_str();
        add(&name.to_uppercase(), &format!("in {name}"));
    }
    if given.authentication != usual.authentication {
        let name = given.authentication.as_str();
        add(&name.to_uppercase(), &format!("with authentication by {name}"));
    }
    if given.bootstrap != usual.bootstrap {
        let name = given.bootstrap.as_str();
        add(
            &name.to_uppercase(),
            &format!("with a bootstrap of the form {name}"),
        );
    }
    if given.tree != usual.tree {
        let nodes = given.tree.join(" and ");
        add(&format!("{}-NODES", given.tree.len()), &format!("of {nodes}"));
    }
    if given.max_message_size.is_some() {
        add("SHORT-MESSAGES", "in short messages");
    }
    if given.response_uri {
        add("RESPONSE-URI", "going on at another address");
    }
    (id, words)
}

#[cfg(test)]
mod tests {
    use dmconform_case::implementation::Opens;

    use super::both;

    #[test]
    fn a_delegation_is_opened_by_who_may_with_both() {
        assert_eq!(both(Opens::Either, Opens::Dms2), Some(Opens::Dms2));
        assert_eq!(both(Opens::Dms1, Opens::Either), Some(Opens::Dms1));
        assert_eq!(both(Opens::Either, Opens::Either), Some(Opens::Either));
        assert_eq!(both(Opens::Dms1, Opens::Dms2), None);
    }
}
