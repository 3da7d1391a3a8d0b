//! Which cases apply to an implementation, and why the others do not.

use dmconform_case::claims::{Claim, StartedBy};
use dmconform_case::implementation::{Implementation, Removal};
use dmconform_case::procedure::Procedure;
use dmconform_case::profile::Syntax;
use dmconform_case::suite::Suite;
use dmconform_case::test_case::{
    BootstrapPlace, Circumstances, Corruption, How, Look, Opener, TestCase, What,
};
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use dmconform_model::transcript::{Endpoint, EndpointKind};
use dmconform_model::{MessageId, Part, Role, Step, Weight};
use dmconform_roles::Changes;

use crate::case_run::at_once;

/// Why a case does not apply to an implementation; nothing if it does.
pub(crate) fn why_not(suite: &Suite, case: &TestCase, product: &Implementation) -> Option<String> {
    against(suite, case, product, Hand::Away)
}

/// Why a case cannot be played beside a product that is worked on; nothing if it can. What a trigger brings about in a run is
/// brought about by hand there, unless triggers are pulled.
pub fn why_not_at_the_bench(
    suite: &Suite,
    case: &TestCase,
    product: &Implementation,
    pulls_triggers: bool,
) -> Option<String> {
    let hand = if pulls_triggers { Hand::Away } else { Hand::There };
    against(suite, case, product, hand)
}

/// Whether somebody is there who does what a trigger does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hand {
    There,
    Away,
}

fn against(suite: &Suite, case: &TestCase, product: &Implementation, hand: Hand) -> Option<String> {
    let real = |role: Role| product.plays.contains(&role);
    if let Some(role) = case.iut.iter().find(|role| !real(**role)) {
        return Some(format!("it does not play {role}"));
    }
    let opener = case.given.opens;
    for change in &case.changes {
        let sender = suite.procedure.sender(change.at, opener);
        if let Some(role) = sender.filter(|role| real(*role)) {
            return Some(format!(
                "the case changes {}, which {role} sends, and {role} is real",
                change.at
            ));
        }
    }
    if let Some(reason) = unspoilt(suite, case) {
        return Some(reason);
    }
    let opening = if opener == Opener::Dms1 {
        Role::Dms1
    } else {
        Role::Dms2
    };
    let servers_real = real(Role::Dms1) || real(Role::Dms2);
    if servers_real && !product.supports.opens.includes(opener) {
        return Some(format!("it does not claim delegations that {opening} opens"));
    }
    if hand == Hand::Away && real(opening) && product.triggers.start_delegation.is_none() {
        return Some("there is no trigger by which it opens a delegation".to_owned());
    }
    if let Some(reason) = removal(case, product, opening) {
        return Some(reason);
    }
    let half_real = real(Role::Dms2) != real(Role::BootstrapServer);
    if case.given.bootstrap_server == BootstrapPlace::CoLocated && half_real {
        return Some("DMS-2 and the Bootstrap Server are not on one machine here".to_owned());
    }
    let missing = case
        .requires
        .iter()
        .find(|claim| !product.supports.includes(claim));
    if let Some(claim) = missing {
        return Some(format!("it does not claim {claim}, which the case is about"));
    }
    if case.given.beside && at_once(product) < 2 {
        return Some("it takes part in one delegation at a time, and the case needs two".to_owned());
    }
    if servers_real
        && !product
            .supports
            .delegation_types
            .contains(&case.given.delegation_type)
    {
        let delegation_type = case.given.delegation_type.as_str();
        return Some(format!(
            "it does not claim delegations of the type {delegation_type}"
        ));
    }
    if let Some(reason) = session(case, product, hand).or_else(|| looks(case, product)) {
        return Some(reason);
    }
    unclaimed(suite, case, product)
}

/// A document that cannot be spoiled as the case has it, the way the profile writes it.
fn unspoilt(suite: &Suite, case: &TestCase) -> Option<String> {
    case.changes.iter().find_map(|change| {
        let How::Corrupt(corruption) = change.how else {
            return None;
        };
        let document = suite.profile.messages.get(&change.at)?;
        let of_xml = matches!(corruption, Corruption::EntityBomb | Corruption::ExternalEntity);
        if of_xml && suite.profile.delegation.syntax != Syntax::Xml {
            return Some(format!(
                "in its profile {} is no XML, and has no entities",
                change.at
            ));
        }
        document
            .is_bodiless()
            .then(|| format!("in its profile {} has no body that could be spoiled", change.at))
    })
}

fn removal(case: &TestCase, product: &Implementation, opening: Role) -> Option<String> {
    if !product.plays.contains(&Role::Dms1) {
        return None;
    }
    match (product.supports.removes_own_account, case.given.removes_account) {
        (Removal::Always, false) => Some("it always removes its own account".to_owned()),
        (Removal::Never, true) => Some("it never removes its own account".to_owned()),
        (Removal::OnRequest, true) if opening != Role::Dms1 => {
            Some("it removes its own account on request only, and nobody asks it here".to_owned())
        }
        _ => None,
    }
}

/// Whether DM sessions can be held as the case has them: what a real role would have to support, and claims not to;
/// what a real role decides itself.
fn session(case: &TestCase, product: &Implementation, hand: Hand) -> Option<String> {
    let given = &case.given;
    let supports = &product.supports;
    let real = |role: Role| product.plays.contains(&role);
    let real_server = real(Role::Dms1) || real(Role::Dms2);
    let unclaimed = |what: &str| Some(format!("it does not claim {what}"));
    let usual = Circumstances::default();
    if given.encoding != usual.encoding && real(Role::DmClient) {
        return Some("the client is real, and writes as it does".to_owned());
    }
    if real_server && !real(Role::DmClient) && !supports.encodings.contains(&given.encoding) {
        return unclaimed(&format!("DM sessions in {}", given.encoding.as_str()));
    }
    let judged_in_sessions = real_server || real(Role::DmClient);
    if judged_in_sessions && !supports.authentication.contains(&given.authentication) {
        return unclaimed(&format!("authentication by {}", given.authentication.as_str()));
    }
    let bootstrap_is_made =
        given.bootstrap != usual.bootstrap || given.authentication != usual.authentication;
    if real(Role::BootstrapServer) && bootstrap_is_made {
        return Some("the Bootstrap Server is real, and its bootstrap is as it is".to_owned());
    }
    if real(Role::DmClient) && !real(Role::BootstrapServer) && !supports.bootstraps.contains(&given.bootstrap)
    {
        return unclaimed(&format!("bootstraps of the form {}", given.bootstrap.as_str()));
    }
    let claims = [
        (given.started_by == StartedBy::Notification, Claim::Notification),
        (given.max_message_size.is_some(), Claim::LargeObjects),
        (given.response_uri && real(Role::DmClient), Claim::ResponseUri),
    ];
    for (needed, claim) in claims {
        if needed && judged_in_sessions && !supports.claims.contains(&claim) {
            return unclaimed(claim.as_str());
        }
    }
    if given.started_by == StartedBy::Notification {
        if !real(Role::DmClient) {
            return Some("the client is a mock, and comes by itself".to_owned());
        }
        if hand == Hand::Away && product.triggers.notify_device.is_none() {
            return Some("there is no trigger that hands it a notification".to_owned());
        }
    }
    None
}

fn looks(case: &TestCase, product: &Implementation) -> Option<String> {
    let real_client = product.plays.contains(&Role::DmClient);
    case.expect
        .iter()
        .find_map(|expectation| match &expectation.what {
            What::State(state) => match (&state.look, real_client) {
                (Look::Probe { .. }, false) => Some("only a real client is probed".to_owned()),
                (Look::Probe { role, .. }, true) if product.plays.contains(role) => {
                    Some(format!("{role} is real and sends no probes"))
                }
                (Look::Account { .. } | Look::Acl { .. } | Look::Unchanged, true) => {
                    Some("the tree of a real client cannot be looked into".to_owned())
                }
                _ => None,
            },
            _ => None,
        })
}

fn unclaimed(suite: &Suite, case: &TestCase, product: &Implementation) -> Option<String> {
    let mut covered = case.covers.iter().filter_map(|id| suite.requirements.get(id));
    let unclaimed = covered.find(|requirement| {
        let claimed = |claim: &String| product.supports.includes(claim);
        requirement.weight == Weight::FailIfClaimed && !requirement.claims.iter().any(claimed)
    });
    unclaimed.map(|requirement| {
        format!(
            "it does not claim {}, which {} depends on",
            requirement.claims.join(" or "),
            requirement.id
        )
    })
}

/// A listener of a mock server that a case wants to itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExclusiveListener {
    /// The message that the case changes.
    pub(crate) at: MessageId,
    /// The listener.
    pub(crate) endpoint: Endpoint,
    /// The certificate that it presents.
    pub(crate) certificate: Certificate,
    /// The only version of TLS that it speaks.
    pub(crate) version: Option<Version>,
}

/// The listener of a mock server that a case wants to itself, because it presents another certificate there, speaks one
/// version of TLS only, or both.
pub(crate) fn exclusive_listener(procedure: &Procedure, case: &TestCase) -> Option<ExclusiveListener> {
    case.changes.iter().find_map(|change| {
        if !matches!(change.how, How::Tls(_) | How::TlsVersion(_)) {
            return None;
        }
        let changes = Changes::at(case, change.at);
        // The client has no listener: it dials for its answers, too.
        let role = procedure
            .sender(change.at, case.given.opens)
            .filter(|role| *role != Role::DmClient)?;
        let kind = match (change.at.step, change.at.part) {
            (Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval, Part::Request)
            | (Step::ClientSession, Part::Answer) => EndpointKind::Dm,
            (Step::BootstrapFetch, Part::Answer) => EndpointKind::Bootstrap,
            (_, Part::Answer) => EndpointKind::Delegation,
            (_, Part::Request) => return None,
        };
        Some(ExclusiveListener {
            at: change.at,
            endpoint: Endpoint { role, kind },
            certificate: changes.certificate.unwrap_or(Certificate::Good),
            version: changes.version,
        })
    })
}

#[cfg(test)]
mod tests {
    use dmconform_case::read::{self, Source};

    use super::*;

    /// A DMS-1 that has to be made to begin by hand.
    fn without_triggers() -> Implementation {
        let text = include_str!("../../../fixtures/implementations/reference-dms-1.yaml");
        let name = "reference-dms-1.yaml";
        let read = read::implementation(Source { name, text });
        let mut product = read.expect("the file is tested to be readable");
        product.triggers = dmconform_case::implementation::Triggers::default();
        product
    }

    #[test]
    fn what_no_trigger_brings_about_is_brought_about_by_hand_on_a_workbench() {
        let (suite, product) = (Suite::embedded(), without_triggers());
        let case = suite.case("DEL-DMS1-0-010").expect("there is such a case");
        let missing = Some("there is no trigger by which it opens a delegation".to_owned());
        assert_eq!(why_not(&suite, case, &product), missing);
        assert_eq!(why_not_at_the_bench(&suite, case, &product, true), missing);
        assert_eq!(why_not_at_the_bench(&suite, case, &product, false), None);
    }

    #[test]
    fn a_case_of_another_role_is_not_for_a_workbench_either() {
        let (suite, product) = (Suite::embedded(), without_triggers());
        let case = suite.case("DEL-DMS2-0-010").expect("there is such a case");
        let why = why_not_at_the_bench(&suite, case, &product, false);
        assert_eq!(why.as_deref(), Some("it does not play dms-2"));
    }
}
