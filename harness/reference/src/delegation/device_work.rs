//! What DMS-1 does on a device in its DM sessions: steps 4, 8 and 8b of one delegation.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use dmconform_oddity::{Oddities, Oddity};
use oma_dm::syncml::StatusCode;
use oma_dm::uri::NodeUri;

use crate::config::BootstrapConfig;
use crate::delegation::acl_update;
use crate::delegation::document::Document;
use crate::delegation::ledger::{Desk, Stage};
use crate::deviation::Deviation;
use crate::url::decode_segment;

/// What is the same for every delegation of a server.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) bootstrap_config: BootstrapConfig,
    pub(crate) account_root: NodeUri,
    /// How long a DM session may be silent before its work is done again in another one.
    pub(crate) session_timeout: Duration,
    pub(crate) oddities: Oddities,
}

impl Site {
    /// Where the entry of a delegation goes; the same each time it is asked for, and another one for each.
    pub(crate) fn entry(&self, session: &str) -> NodeUri {
        self.bootstrap_config
            .root
            .join(&self.oddities.entry_name(&entry_name(session)))
            .unwrap_or_else(|_| self.bootstrap_config.root.clone())
    }
}

/// A name for the entry of a delegation that is short enough for a node: its session, or the beginning and a digest of it.
fn entry_name(session: &str) -> String {
    const LONGEST: usize = 16;
    const BEGINNING: usize = 6;
    let can_stand = |character: &char| character.is_ascii_alphanumeric();
    if session.len() <= LONGEST && !session.is_empty() && session.chars().all(|one| can_stand(&one)) {
        return session.to_owned();
    }
    let beginning: String = session.chars().filter(can_stand).take(BEGINNING).collect();
    let mut digest = DefaultHasher::new();
    session.hash(&mut digest);
    format!("{beginning}-{:016x}", digest.finish())
}

/// A package of a DM session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) site: &'a Site,
    pub(crate) dm_session: &'a str,
    pub(crate) now: Instant,
}

/// How far one delegation is.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) initiation: Stage,
    pub(crate) url: Option<String>,
    entry: NodeUri,
    pub(crate) entry_stage: Stage,
    entry_attempts: u32,
    pub(crate) is_bootstrapped: bool,
    pub(crate) acls: Stage,
    acl_rounds: u32,
    wants_removal: bool,
    removal: Stage,
    /// The own account, once it was found to be removed with the ACL update: an oddity.
    removed_with_acls: Option<NodeUri>,
    pub(crate) prepared: Stage,
    /// Whether step 8 is to begin again once step 9 is done: a deviation.
    pub(crate) begins_again: bool,
    work: Option<Work>,
}

/// What is under way in a DM session.
#[derive(Clone, Debug)]
struct Work {
    dm_session: String,
    last_heard: Instant,
    phase: Phase,
}

/// The operations of one server package.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Entry,
    ReadingAcls,
    /// With the ACLs that are to be written.
    WritingAcls(Vec<(NodeUri, String)>),
    ListingAccounts,
    ReadingServerIds(Vec<NodeUri>),
    Removing(NodeUri),
}

/// One thing to do on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Add an entry with its URL (step 4).
    AddEntry {
        entry: NodeUri,
        leaf: String,
        url: String,
    },
    /// Get an ACL.
    ReadAcl { node: NodeUri },
    /// Replace an ACL (step 8).
    WriteAcl { node: NodeUri, acl: String },
    /// Replace ACLs, and delete an account after that (steps 8 and 8b).
    WriteAclsAndDelete {
        acls: Vec<(NodeUri, String)>,
        account: NodeUri,
    },
    /// Get a value, or the names of children.
    Read { node: NodeUri },
    /// Delete a node and all below it (step 8b).
    Delete { node: NodeUri },
}

/// An operation and the delegation it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) session: String,
    pub(crate) operation: Operation,
}

/// What the device said to an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The first status that is no success, else a success; nothing when there was none.
    pub(crate) status: Option<u16>,
    pub(crate) value: Option<String>,
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| StatusCode(status).is_success())
    }

    pub(crate) fn describe(&self) -> String {
        self.status
            .map_or_else(|| "no Status".to_owned(), |status| format!("Status {status}"))
    }
}

impl Progress {
    pub(crate) fn new(entry: NodeUri, wants_removal: bool) -> Self {
        Self {
            initiation: Stage::Due,
            url: None,
            entry,
            entry_stage: Stage::Due,
            entry_attempts: 0,
            is_bootstrapped: false,
            acls: Stage::Due,
            acl_rounds: 0,
            wants_removal,
            removal: Stage::Due,
            removed_with_acls: None,
            prepared: Stage::Due,
            begins_again: false,
            work: None,
        }
    }

    /// The operations that are due now, if no other session is at it.
    pub(crate) fn operations(&mut self, terms: &Document, moment: Moment<'_>) -> Vec<Operation> {
        let Moment {
            desk,
            site,
            dm_session,
            now,
        } = moment;
        if let Some(work) = &self.work
            && work.dm_session != dm_session
        {
            if now.duration_since(work.last_heard) < site.session_timeout {
                return Vec::new();
            }
            self.work = None;
        }
        let phase = match self.work.take() {
            Some(work) => work.phase,
            None => match self.next_phase(desk, site) {
                Some(phase) => phase,
                None => return Vec::new(),
            },
        };
        let operations = match &phase {
            Phase::Entry => {
                self.entry_attempts += 1;
                let url = self.url.clone().unwrap_or_default();
                let has = |deviation| desk.deviations.has(deviation);
                let url = match () {
                    () if has(Deviation::ForwardsWrongUrl) => format!("{url}-other"),
                    () if has(Deviation::DropsUrlQuery) => url
                        .split_once('?')
                        .map_or_else(|| url.clone(), |(start, _)| start.to_owned()),
                    () if has(Deviation::NormalisesUrl) => decode_segment(&url).unwrap_or(url),
                    () => url,
                };
                vec![Operation::AddEntry {
                    entry: self.entry.clone(),
                    leaf: site.bootstrap_config.url_leaf.clone(),
                    url,
                }]
            }
            Phase::ReadingAcls => acl_update::nodes_with_ancestors(terms)
                .into_iter()
                .map(|node| Operation::ReadAcl { node })
                .collect(),
            Phase::WritingAcls(acls) => {
                let acls = acls
                    .iter()
                    .map(|(node, acl)| (node.clone(), site.oddities.acl(acl)));
                match &self.removed_with_acls {
                    Some(account) => vec![Operation::WriteAclsAndDelete {
                        acls: acls.collect(),
                        account: account.clone(),
                    }],
                    None => acls
                        .map(|(node, acl)| Operation::WriteAcl { node, acl })
                        .collect(),
                }
            }
            Phase::ListingAccounts => vec![Operation::Read {
                node: site.account_root.clone(),
            }],
            Phase::ReadingServerIds(accounts) => accounts
                .iter()
                .filter_map(|account| account.join("ServerID").ok())
                .map(|node| Operation::Read { node })
                .collect(),
            Phase::Removing(account) => vec![Operation::Delete {
                node: account.clone(),
            }],
        };
        self.work = Some(Work {
            dm_session: dm_session.to_owned(),
            last_heard: now,
            phase,
        });
        operations
    }

    /// What to begin with in a DM session, if anything is due.
    fn next_phase(&self, desk: &Desk, site: &Site) -> Option<Phase> {
        let has = |deviation| desk.deviations.has(deviation);
        if self.entry_stage == Stage::Due && self.url.is_some() && !has(Deviation::NeverWritesEntry) {
            return Some(Phase::Entry);
        }
        if self.entry_stage != Stage::Done {
            return None;
        }
        let may_write = self.is_bootstrapped || has(Deviation::AclBeforeBootstrapComplete);
        let removes_now = match () {
            () if !self.wants_removal || self.removal != Stage::Due => false,
            () if has(Deviation::RemovesAccountBeforeAcl) => self.is_bootstrapped,
            () if has(Deviation::RemovesAccountAfterPrepared) => self.prepared == Stage::Done,
            () if has(Deviation::NeverWritesAcls) => self.is_bootstrapped,
            () => self.acls == Stage::Done,
        };
        if removes_now {
            return Some(Phase::ListingAccounts);
        }
        let writes_now = match self.acls {
            Stage::Due => may_write && !has(Deviation::NeverWritesAcls),
            Stage::Sent => false,
            Stage::Done => {
                has(Deviation::WritesAclsTwice)
                    && self.acl_rounds < 2
                    && self.prepared == Stage::Done
                    && !self.wants_removal
            }
        };
        let looks_first = self.removes_with_acls(site) && self.removed_with_acls.is_none();
        writes_now.then_some(match looks_first {
            true => Phase::ListingAccounts,
            false => Phase::ReadingAcls,
        })
    }

    /// Whether the account is to go with the ACL update.
    fn removes_with_acls(&self, site: &Site) -> bool {
        self.wants_removal && self.removal == Stage::Due && site.oddities.has(Oddity::RemovalWithAcls)
    }

    /// Whether step 9 is due.
    pub(crate) fn is_prepared(&self, desk: &Desk) -> bool {
        let has = |deviation| desk.deviations.has(deviation);
        let has_removed =
            !self.wants_removal || self.removal == Stage::Done || has(Deviation::RemovesAccountAfterPrepared);
        let has_written =
            self.acls == Stage::Done || (has(Deviation::NeverWritesAcls) && self.is_bootstrapped);
        self.prepared == Stage::Due
            && self.is_bootstrapped
            && has_written
            && has_removed
            && !has(Deviation::NeverSendsClientPrepared)
    }

    /// Begins again in another session what is under way in one in which nothing more comes.
    pub(crate) fn abandoned(&mut self, dm_session: &str) {
        self.work.take_if(|work| work.dm_session == dm_session);
    }

    /// Goes on with what the device said to the operations of a phase.
    pub(crate) fn advance(
        &mut self,
        terms: &Document,
        outcomes: &[(Operation, Outcome)],
        moment: Moment<'_>,
    ) -> Result<(), String> {
        let Moment {
            desk,
            site,
            dm_session,
            now,
        } = moment;
        let Some(work) = self.work.take_if(|work| work.dm_session == dm_session) else {
            return Ok(());
        };
        let refused = |what: &str| {
            let first = outcomes
                .iter()
                .map(|(_, outcome)| outcome)
                .find(|outcome| !outcome.is_success());
            first.map(|outcome| format!("the client refused {what}: {}", outcome.describe()))
        };
        let next = match work.phase {
            Phase::Entry => {
                // What is already there was added by an attempt whose Status got lost.
                let is_there = self.entry_attempts > 1
                    && outcomes.iter().all(|(_, outcome)| outcome.status == Some(418));
                if let Some(reason) = refused("the entry")
                    && !is_there
                    && !desk.deviations.has(Deviation::IgnoresRefusedEntry)
                {
                    return Err(reason);
                }
                let is_repeated = desk.deviations.has(Deviation::WritesEntryTwice) && self.entry_attempts < 2;
                if is_repeated {
                    self.entry = site.entry(&format!("2{}", terms.session));
                } else {
                    self.entry_stage = Stage::Done;
                }
                None
            }
            Phase::ReadingAcls => Some(Phase::WritingAcls(acl_update::new_acls(
                terms,
                outcomes,
                desk,
                site,
                self.acl_rounds,
            )?)),
            Phase::WritingAcls(_) => {
                if let Some(reason) = refused("the ACL") {
                    return Err(reason);
                }
                self.acls = Stage::Done;
                self.acl_rounds += 1;
                if self.removed_with_acls.is_some() {
                    self.removal = Stage::Done;
                }
                None
            }
            Phase::ListingAccounts => {
                if let Some(reason) = refused("to list its accounts") {
                    return Err(reason);
                }
                let accounts = accounts(outcomes);
                // Nothing would be asked then, and nothing answered.
                if accounts.is_empty() {
                    return Err(format!(
                        "the client shows no accounts below `{}`",
                        site.account_root
                    ));
                }
                Some(Phase::ReadingServerIds(accounts))
            }
            Phase::ReadingServerIds(accounts) => {
                let own = own_account(&accounts, outcomes, desk)?;
                if self.removes_with_acls(site) && self.acls == Stage::Due {
                    self.removed_with_acls = Some(own);
                    Some(Phase::ReadingAcls)
                } else {
                    Some(Phase::Removing(own))
                }
            }
            Phase::Removing(_) => {
                if let Some(reason) = refused("to remove the account") {
                    return Err(reason);
                }
                self.removal = Stage::Done;
                None
            }
        };
        self.work = next.map(|phase| Work {
            phase,
            last_heard: now,
            dm_session: work.dm_session,
        });
        Ok(())
    }
}

/// The accounts, from the names that a Get of their root gave.
fn accounts(outcomes: &[(Operation, Outcome)]) -> Vec<NodeUri> {
    let mut found = Vec::new();
    for (operation, outcome) in outcomes {
        let Operation::Read { node } = operation else {
            continue;
        };
        let names = outcome.value.as_deref().unwrap_or_default();
        found.extend(names.split('/').filter_map(|name| node.join(name.trim()).ok()));
    }
    found
}

fn own_account(
    accounts: &[NodeUri],
    outcomes: &[(Operation, Outcome)],
    desk: &Desk,
) -> Result<NodeUri, String> {
    let own = outcomes.iter().find_map(|(operation, outcome)| match operation {
        Operation::Read { node }
            if outcome.is_success() && outcome.value.as_deref() == Some(&desk.server_id) =>
        {
            node.parent()
        }
        _ => None,
    });
    own.filter(|account| accounts.contains(account))
        .ok_or_else(|| format!("the client shows no account of `{}`", desk.server_id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_delegations_have_an_entry_of_the_same_name() {
        let sessions = [
            "s1",
            "s-1",
            "s1-",
            "0123456789abcdef",
            "0123456789abcdef0",
            "0123456789abcdef1",
            "-",
            "_",
        ];
        let names: BTreeSet<_> = sessions.into_iter().map(entry_name).collect();
        assert_eq!(names.len(), sessions.len(), "{names:?}");
        for name in names {
            // With what an oddity adds to it, too.
            assert!(name.len() <= 24, "{name}");
            assert!(
                NodeUri::parse(&format!("./BootstrapConfig/{name}")).is_ok(),
                "{name}"
            );
        }
        assert_eq!(entry_name("s1"), "s1");
    }
}
