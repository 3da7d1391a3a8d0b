//! What the client's tree must be like.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::test_case::{Expectation, Look, ProbeCommand, State, What};
use dmconform_model::transcript::{DeviceState, TriggerOutcome};
use dmconform_model::{FindingCode, MessageId, Place, RequirementId, Role, Step};
use oma_dm::acl::{Acl, Right};

use crate::dm_session::OtherCommand;
use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::{Observed, Probe};
use crate::view;

/// Judges a look at the client's tree.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    state: &State,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let Some(after) = observed.first(state.after) else {
        return Outcome::Unreached(format!("{} did not come", view::called(header, state.after)));
    };
    let asked = Asked {
        header,
        requirement,
        place,
        observed,
        step: state.after.step,
    };
    if let Look::Probe {
        role,
        command,
        node,
        gives,
        lacks,
        contains,
    } = &state.look
    {
        let probe = observed.probes.iter().find(|probe| {
            probe.sent > after.seq
                && probe.server == *role
                && probe.command == *command
                && probe.node == *node
        });
        let wanted = Wanted {
            gives,
            lacks: lacks.as_deref(),
            contains: contains.as_deref(),
        };
        let told = format!("contact-server {role}");
        let of_server = observed
            .triggers
            .iter()
            .filter(|(_, trigger, _)| *trigger == told);
        // A trigger that has never worked for this server says nothing of the client.
        let has_worked = of_server
            .clone()
            .any(|(_, _, outcome)| *outcome == TriggerOutcome::Taken);
        let refused = of_server.clone().find_map(|(seq, _, outcome)| match outcome {
            TriggerOutcome::Refused(said) if *seq > after.seq => Some((*seq, said.as_str())),
            _ => None,
        });
        if let (None, Some((_, said)), false) = (probe, refused, has_worked) {
            return Outcome::Unreached(format!("the trigger `{told}` was refused: {said}"));
        }
        if let (None, Some((seq, said))) = (probe, refused) {
            let expected = format!("the client still opens sessions with {}", role.title());
            return asked.broken(
                Role::DmClient,
                expected,
                format!("told to, it said: {said}"),
                vec![after.seq, seq],
            );
        }
        return asked.probe(*role, *command, node, &wanted, probe);
    }
    let Some((_, before)) = observed.states.first() else {
        return Outcome::Unreached("the client is not a mock: its tree cannot be looked at".to_owned());
    };
    let last = observed.states.last().filter(|(seq, _)| *seq > after.seq);
    let Some((seq, found)) = last else {
        return Outcome::Unreached(format!(
            "the tree was not looked at after {}",
            view::called(header, state.after)
        ));
    };
    match &state.look {
        Look::Account { server, present } => asked.account(*server, *present, *seq, found),
        Look::Acl { node, grants, lacks } => {
            asked.acl(node, grants.as_deref(), lacks.as_deref(), *seq, found)
        }
        Look::Unchanged => asked.unchanged(before, *seq, found),
        Look::Probe { .. } => Outcome::Unreached("a probe is judged above".to_owned()),
    }
}

/// Whether a case expects something of a command that a server sends to the client.
pub(crate) fn is_looked_at(header: &Header, server: Role, sent: &OtherCommand) -> bool {
    fn asks(expectation: &Expectation, server: Role, sent: &OtherCommand) -> bool {
        match &expectation.what {
            What::State(State {
                look: Look::Probe {
                    role, command, node, ..
                },
                ..
            }) => *role == server && *command == sent.command && *node == sent.node,
            What::OneOf(alternatives) => alternatives.iter().any(|one| asks(one, server, sent)),
            _ => false,
        }
    }
    header
        .case
        .expect
        .iter()
        .any(|expectation| asks(expectation, server, sent))
}

/// What every look has in common.
struct Asked<'a> {
    header: &'a Header,
    requirement: &'a RequirementId,
    place: &'a Place,
    observed: &'a Observed,
    step: Step,
}

/// What a probe must give.
struct Wanted<'a> {
    gives: &'a [u16],
    lacks: Option<&'a str>,
    contains: Option<&'a str>,
}

/// Whether the result of a Get has a text in it: in an ACL as the identifier of a server, in the names of an interior node's children as
/// one of them, as the value of a leaf.
fn has(node: &str, result: &str, text: &str) -> bool {
    match node.split_once('?') {
        Some((_, "prop=ACL")) => result.split(['=', '&', '+']).any(|part| part.trim() == text),
        _ => result == text || result.split('/').any(|name| name == text),
    }
}

impl Asked<'_> {
    fn broken(&self, blame: Role, expected: String, observed: String, records: Vec<u64>) -> Outcome {
        broken(
            self.header,
            Breach {
                code: FindingCode::State,
                requirement: self.requirement,
                step: self.step,
                blame,
                observed_by: Some(if blame == Role::DmClient {
                    Role::Dms2
                } else {
                    Role::DmClient
                }),
                expected,
                observed,
                records,
                place: Some(self.place),
            },
        )
    }

    /// A text of a case with what it stands for: `${entry-url}` for the URL that was written in step 4, `${removed-account}` for the name
    /// of the account that was removed in step 8b.
    fn filled(&self, text: &str) -> String {
        let said = |step, field| {
            let mut all = self.observed.all(MessageId::request(step));
            all.find_map(|occurrence| occurrence.values(field).into_iter().next().map(str::to_owned))
                .unwrap_or_default()
        };
        let removed = said(Step::AccountRemoval, "node");
        let name = removed.rsplit('/').next().unwrap_or_default();
        let text = self.header.fill(text).replace("${removed-account}", name);
        text.replace("${entry-url}", &said(Step::BootstrapEntry, "url"))
    }

    fn probe(
        &self,
        role: Role,
        command: ProbeCommand,
        node: &str,
        wanted: &Wanted<'_>,
        probe: Option<&Probe>,
    ) -> Outcome {
        let what = format!("{} {} on {node}", role.title(), name(command));
        let Some(probe) = probe else {
            return Outcome::Unreached(format!(
                "{what} was not sent: the client opened no further session"
            ));
        };
        let Some((seq, status)) = probe.status else {
            return Outcome::Unreached(format!("{what} got no Status"));
        };
        let records = vec![probe.sent, seq];
        let for_its_result = wanted.lacks.is_some() || wanted.contains.is_some();
        if !wanted.gives.contains(&status) && for_its_result {
            return Outcome::Unreached(format!(
                "{what} was refused with {status}, so its result is not known"
            ));
        }
        if !wanted.gives.contains(&status) {
            let codes: Vec<_> = wanted.gives.iter().map(u16::to_string).collect();
            let expected = format!("status {} for {what}", codes.join(" or "));
            return self.broken(Role::DmClient, expected, format!("status {status}"), records);
        }
        if probe.result.is_none() && wanted.lacks.is_some() {
            return Outcome::Unreached(format!(
                "{what} got no result, so that it is not known what is there"
            ));
        }
        let result = probe.result.as_deref().unwrap_or("");
        if let Some(text) = wanted
            .lacks
            .map(|text| self.filled(text))
            .filter(|text| has(node, result, text))
        {
            return self.broken(
                Role::DmClient,
                format!("no `{text}` in the result of {what}"),
                format!("`{result}`"),
                records,
            );
        }
        if let Some(text) = wanted
            .contains
            .map(|text| self.filled(text))
            .filter(|text| !has(node, result, text))
        {
            return self.broken(
                Role::DmClient,
                format!("`{text}` in the result of {what}"),
                format!("`{result}`"),
                records,
            );
        }
        held(self.requirement, format!("{what} gave {status}"), records)
    }

    fn account(&self, server: Role, present: bool, seq: u64, found: &DeviceState) -> Outcome {
        let id = match server {
            Role::Dms1 => &self.header.parties.dms_1,
            _ => &self.header.parties.dms_2,
        };
        let is_there = found.accounts.iter().any(|account| account.server_id == *id);
        let with = |there: bool| {
            format!(
                "{} account of {} (`{id}`)",
                if there { "an" } else { "no" },
                server.title()
            )
        };
        if is_there == present {
            return held(
                self.requirement,
                format!("the client has {}", with(present)),
                vec![seq],
            );
        }
        self.broken(Role::Dms1, with(present), with(is_there), vec![seq])
    }

    fn acl(
        &self,
        node: &str,
        grants: Option<&str>,
        lacks: Option<&str>,
        seq: u64,
        found: &DeviceState,
    ) -> Outcome {
        let text = found
            .acls
            .iter()
            .find(|(uri, _)| uri == node)
            .map_or("", |(_, acl)| acl);
        let pairs = rights(text);
        let wanted = rights(&self.header.fill(grants.unwrap_or("")));
        let unwanted = rights(&self.header.fill(lacks.unwrap_or("")));
        let everybody = |(right, _): &&(Right, String)| pairs.contains(&(*right, "*".to_owned()));
        let missing: Vec<_> = wanted
            .difference(&pairs)
            .filter(|wanted| !everybody(wanted))
            .map(pair)
            .collect();
        let surplus: Vec<_> = unwanted.intersection(&pairs).map(pair).collect();
        if !missing.is_empty() {
            let expected = format!("{} in the ACL of {node}", view::list(&missing));
            return self.broken(Role::Dms1, expected, format!("`{text}`"), vec![seq]);
        }
        if !surplus.is_empty() {
            let expected = format!("no {} in the ACL of {node}", view::list(&surplus));
            return self.broken(Role::Dms1, expected, format!("`{text}`"), vec![seq]);
        }
        held(
            self.requirement,
            format!("the ACL of {node} is `{text}`"),
            vec![seq],
        )
    }

    /// DMS-2's own account and the delegated nodes may have changed; nothing else.
    fn unchanged(&self, before: &DeviceState, seq: u64, found: &DeviceState) -> Outcome {
        let accounts = |state: &DeviceState| -> BTreeSet<(String, String)> {
            let accounts = state
                .accounts
                .iter()
                .filter(|account| account.server_id != self.header.parties.dms_2);
            accounts
                .map(|account| (account.node.clone(), account.server_id.clone()))
                .collect()
        };
        let own = |state: &DeviceState, uri: &str| {
            state.accounts.iter().any(|account| {
                account.server_id == self.header.parties.dms_2 && view::is_within(uri, &account.node)
            })
        };
        let acls = |state: &DeviceState| -> BTreeMap<String, BTreeSet<(Right, String)>> {
            let others = state.acls.iter().filter(|(uri, _)| {
                !own(state, uri)
                    && !self
                        .header
                        .case
                        .given
                        .tree
                        .iter()
                        .any(|part| view::is_within(uri, part))
            });
            others.map(|(uri, acl)| (uri.clone(), rights(acl))).collect()
        };
        if accounts(before) != accounts(found) {
            let text = |state| {
                view::list(
                    accounts(state)
                        .iter()
                        .map(|(node, server)| format!("{node} of {server}")),
                )
            };
            return self.broken(
                self.changer(),
                format!("accounts {}", text(before)),
                format!("accounts {}", text(found)),
                vec![seq],
            );
        }
        if acls(before) != acls(found) {
            let text =
                |state: &DeviceState| view::list(state.acls.iter().map(|(uri, acl)| format!("{uri}: {acl}")));
            return self.broken(
                self.changer(),
                format!("ACLs {}", text(before)),
                format!("ACLs {}", text(found)),
                vec![seq],
            );
        }
        held(
            self.requirement,
            "other accounts and ACLs are as they were",
            vec![seq],
        )
    }

    /// Who could have changed the mock client's tree: the judged server.
    fn changer(&self) -> Role {
        let judged = self
            .header
            .case
            .iut
            .iter()
            .copied()
            .find(|role| *role != Role::DmClient);
        judged.unwrap_or(Role::Dms1)
    }
}

const fn name(command: ProbeCommand) -> &'static str {
    match command {
        ProbeCommand::Get => "Get",
        ProbeCommand::Replace => "Replace",
        ProbeCommand::Add => "Add",
    }
}

/// An ACL as a set of right and server; empty where it is not well formed.
pub(crate) fn rights(text: &str) -> BTreeSet<(Right, String)> {
    let Ok(acl) = Acl::parse(text) else {
        return BTreeSet::new();
    };
    acl.entries()
        .map(|(right, server)| (right, server.to_owned()))
        .collect()
}

fn pair((right, server): &(Right, String)) -> String {
    format!("{right}={server}")
}
