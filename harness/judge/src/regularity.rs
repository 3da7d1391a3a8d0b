//! What products say in DM sessions, against the rules of OMA DM: between messages, and inside of each.

use std::sync::Arc;

use dmconform_case::test_case::SessionRule;
use dmconform_model::{FindingCode, Place, RequirementId, Role, Step};
use oma_dm::conversation::{Conversation, Irregularity, Note, Sender, Strength};
use oma_dm::syncml::Departure;

use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::Observed;
use crate::package::{Departed, Package};

/// A rule that a message of a DM session breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irregular {
    /// The record of the message.
    pub seq: u64,
    /// Who sent it.
    pub sender: Role,
    /// The mock role that observed it.
    pub observer: Role,
    /// The kind of rule.
    pub rule: SessionRule,
    /// The name of the rule.
    pub code: &'static str,
    /// What is wrong, in which message, and where the rule is written.
    pub what: String,
    /// How many times more the sender breaks the rule after that.
    pub further: u64,
}

/// Adds what a message breaks; what its sender has broken before is counted.
pub(crate) fn add(known: &mut Vec<Irregular>, new: Vec<Irregular>) {
    for irregular in new {
        let same = |known: &&mut Irregular| {
            (known.sender, known.rule, known.code) == (irregular.sender, irregular.rule, irregular.code)
        };
        match known.iter_mut().find(same) {
            Some(first) => first.further += 1,
            None => known.push(irregular),
        }
    }
}

/// What is kept of the last message of a client: the message may be long, and many sessions are followed at once.
#[derive(Clone, Debug)]
struct Last {
    digest: u64,
    session_id: String,
    message_id: String,
}

impl Last {
    fn of(package: &Package) -> Self {
        let header = package.header();
        Self {
            digest: package.digest(),
            session_id: header.session_id.clone(),
            message_id: header.message_id.clone(),
        }
    }

    fn is(&self, package: &Package) -> bool {
        self.message_id == package.header().message_id && self.digest == package.digest()
    }
}

/// A message of a DM session, and who saw it.
pub(crate) struct Said<'a> {
    pub(crate) seq: u64,
    pub(crate) sender: Role,
    pub(crate) observer: Role,
    pub(crate) package: &'a Arc<Package>,
    /// Whether it goes with a digest of all of it.
    pub(crate) is_sealed: bool,
}

/// A DM session as it is checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regularity {
    conversation: Conversation,
    /// What the client said last.
    last: Option<Last>,
    /// Whether the server has yet to answer that.
    is_awaited: bool,
    /// Whether the harness has spoiled the session: what follows from that is nobody's fault.
    is_spoiled: bool,
    /// Which of both ends has sealed a message.
    sealed: Vec<Role>,
    /// The CmdIDs that the server's last message left without a Status.
    without_status: Vec<String>,
}

impl Regularity {
    /// Whether a message of the client is the last one once more.
    pub(crate) fn is_repeated(&self, package: &Package) -> bool {
        self.last.as_ref().is_some_and(|last| last.is(package))
    }

    /// Whether nobody has to say any more.
    pub(crate) fn is_over(&self) -> bool {
        self.conversation.is_over()
    }

    /// What comes from here on follows from what a case has spoiled, or cannot be followed.
    pub(crate) fn spoil(&mut self) {
        self.is_spoiled = true;
    }

    /// Takes a message of the client.
    pub(crate) fn client_sent(&mut self, said: &Said<'_>) -> Vec<Irregular> {
        if self.is_repeated(said.package) {
            return Vec::new();
        }
        // An answer that nobody could read, or that was lost.
        self.is_spoiled |= self.is_awaited;
        self.is_awaited = true;
        self.last = Some(Last::of(said.package));
        let notes = self.conversation.take(Sender::Client, &said.package.message);
        self.irregular(said, notes)
    }

    /// Takes a message of the server.
    pub(crate) fn server_sent(&mut self, said: &Said<'_>) -> Vec<Irregular> {
        // The answer to what was repeated was checked the first time.
        if !std::mem::take(&mut self.is_awaited) {
            return Vec::new();
        }
        let notes = self.conversation.take(Sender::Server, &said.package.message);
        let missing = notes.iter().filter_map(|note| match &note.irregularity {
            Irregularity::MissingStatus { command, .. } => Some(command.clone()),
            _ => None,
        });
        self.without_status = missing.collect();
        self.irregular(said, notes)
    }

    /// Takes an answer of the server that is good and holds no message: what is missing of it.
    pub(crate) fn server_said_nothing(&self, seq: u64, server: Role, observer: Role) -> Vec<Irregular> {
        let Some(last) = self.last.as_ref().filter(|_| self.is_awaited && !self.is_spoiled) else {
            return Vec::new();
        };
        let place = Where {
            seq,
            sender: server,
            observer,
            session_id: &last.session_id,
            message_id: &last.message_id,
        };
        let notes = self.conversation.end().into_iter();
        notes
            .filter(|note| note.sender == Sender::Server)
            .map(|note| of_note(&place, &note))
            .collect()
    }

    /// Which of the client's commands (and its header, CmdRef 0) the last message of the server leaves without a Status.
    pub(crate) fn without_status(&self) -> &[String] {
        &self.without_status
    }

    fn irregular(&mut self, said: &Said<'_>, notes: Vec<Note>) -> Vec<Irregular> {
        let was_sealed = self.sealed.contains(&said.sender);
        if said.is_sealed && !was_sealed {
            self.sealed.push(said.sender);
        }
        if self.is_spoiled {
            return Vec::new();
        }
        let place = Where::from(said);
        let unsealed = (was_sealed && !said.is_sealed).then(|| {
            let text = "it has no x-syncml-hmac, where one before it has";
            irregular(
                &place,
                SessionRule::Sealed,
                "unsealed",
                text,
                "OMA-TS-DM_Security 5.4.3",
            )
        });
        let between = notes.into_iter().map(|note| of_note(&place, &note));
        let inside = said
            .package
            .departures
            .iter()
            .map(|departed| of_departure(&place, departed));
        unsealed.into_iter().chain(between).chain(inside).collect()
    }
}

/// Where something was said, or was not.
struct Where<'a> {
    seq: u64,
    sender: Role,
    observer: Role,
    session_id: &'a str,
    message_id: &'a str,
}

impl<'a> From<&Said<'a>> for Where<'a> {
    fn from(said: &Said<'a>) -> Self {
        let header = &said.package.message.header;
        Self {
            seq: said.seq,
            sender: said.sender,
            observer: said.observer,
            session_id: &header.session_id,
            message_id: &header.message_id,
        }
    }
}

fn irregular(
    place: &Where<'_>,
    rule: SessionRule,
    code: &'static str,
    text: &str,
    section: &str,
) -> Irregular {
    let (message, session) = (place.message_id, place.session_id);
    Irregular {
        seq: place.seq,
        sender: place.sender,
        observer: place.observer,
        rule,
        code,
        what: format!("{code} in message {message} of session {session}: {text} ({section})"),
        further: 0,
    }
}

fn of_note(place: &Where<'_>, note: &Note) -> Irregular {
    let irregularity = &note.irregularity;
    let rule = match irregularity.strength() {
        Strength::Must => SessionRule::Regular,
        Strength::Should => SessionRule::InForm,
    };
    let text = match &note.command {
        Some(command) => format!("CmdID {command}: {irregularity}"),
        None => irregularity.to_string(),
    };
    irregular(place, rule, irregularity.code(), &text, irregularity.section())
}

fn of_departure(place: &Where<'_>, departed: &Departed) -> Irregular {
    let departure = &departed.departure;
    let rule = match is_binding(departure) {
        true => SessionRule::Regular,
        false => SessionRule::InForm,
    };
    let text = match &departed.path {
        Some(path) => format!("{path}: {departure}"),
        None => departure.to_string(),
    };
    irregular(place, rule, departure.code(), &text, departure.section())
}

/// Whether a departure is one from a rule that changes what is meant. Clients that work with every server depart from the others:
/// they write elements in another order, and use the media types of data synchronisation.
const fn is_binding(departure: &Departure) -> bool {
    matches!(
        departure,
        Departure::ReusedCommandId(_)
            | Departure::MisplacedCredentials
            | Departure::NotBase64 { .. }
            | Departure::MacInCredentials
            | Departure::NestedAtomic
            | Departure::GetInAtomic
            | Departure::MissingData { .. }
            | Departure::BinaryInXml
    )
}

/// Judges what the judged roles said in DM sessions.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    rule: SessionRule,
    requirement: &RequirementId,
    place: &Place,
) -> Vec<Outcome> {
    let judged = header.case.iut.iter().filter(|role| header.is_real(**role));
    judged
        .flat_map(|role| of_role(header, observed, *role, rule, requirement, place))
        .collect()
}

/// Judges what a role said in DM sessions.
pub(crate) fn of_role(
    header: &Header,
    observed: &Observed,
    role: Role,
    rule: SessionRule,
    requirement: &RequirementId,
    place: &Place,
) -> Vec<Outcome> {
    let mut own: Vec<_> = observed
        .irregular
        .iter()
        .filter(|irregular| irregular.sender == role && irregular.rule == rule)
        .collect();
    if own.is_empty() {
        return vec![kept(observed, role, rule, requirement)];
    }
    own.sort_by_key(|irregular| irregular.code);
    own.into_iter()
        .map(|first| {
            let seen = match first.further {
                0 => first.what.clone(),
                further => format!("{}; and {further} more of the kind", first.what),
            };
            broken(
                header,
                Breach {
                    code: FindingCode::Irregular,
                    requirement,
                    step: step_at(observed, first.seq),
                    blame: role,
                    observed_by: Some(first.observer),
                    expected: expected(rule).to_owned(),
                    observed: seen,
                    records: vec![first.seq],
                    place: Some(place),
                },
            )
        })
        .collect()
}

fn kept(observed: &Observed, role: Role, rule: SessionRule, requirement: &RequirementId) -> Outcome {
    let Some((count, last)) = observed.said.get(&role) else {
        return Outcome::Unreached(format!("{} said nothing in a DM session", role.title()));
    };
    // What it says next may be otherwise.
    if !observed.ended {
        return Outcome::Unreached(format!("{} may have more to say", role.title()));
    }
    let what = format!("{count} messages of {}: {}", role.title(), expected(rule));
    held(requirement, what, vec![*last])
}

const fn expected(rule: SessionRule) -> &'static str {
    match rule {
        SessionRule::Regular => "messages that keep the rules of DM sessions",
        SessionRule::InForm => "messages in the form of SyncML and OMA DM, as it is recommended",
        SessionRule::Sealed => "a digest with each message, once one has it",
    }
}

/// The step that the procedure had come to.
fn step_at(observed: &Observed, seq: u64) -> Step {
    let before = observed
        .occurrences
        .iter()
        .rev()
        .find(|occurrence| occurrence.seq <= seq);
    before.map_or(Step::BootstrapEntry, |occurrence| occurrence.message.step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE_1: &[u8] = include_bytes!("../../oma-dm/tests/worked-session/1-client-package1.xml");
    const PACKAGE_2: &[u8] = include_bytes!("../../oma-dm/tests/worked-session/2-server-package2.xml");
    const PACKAGE_3: &[u8] = include_bytes!("../../oma-dm/tests/worked-session/3-client-package3.xml");
    const PACKAGE_4: &[u8] = include_bytes!("../../oma-dm/tests/worked-session/4-server-package4.xml");
    const XML: &str = "application/vnd.syncml.dm+xml";

    fn package(octets: &[u8], from: &str, to: &str) -> Arc<Package> {
        let text = String::from_utf8(octets.to_vec()).expect("it is text");
        assert!(text.contains(from), "{from} is not in {text}");
        let read = crate::package::read(text.replacen(from, to, 1).as_bytes(), XML);
        Arc::new(read.expect("it is a message"))
    }

    fn said(package: &Arc<Package>, sender: Role, is_sealed: bool) -> Said<'_> {
        Said {
            seq: 1,
            sender,
            observer: Role::DmClient,
            package,
            is_sealed,
        }
    }

    /// What is wrong in the worked session, of which package 2 is changed.
    fn with_package_2(from: &str, to: &str) -> Vec<(Role, SessionRule, &'static str)> {
        let mut regularity = Regularity::default();
        let mut found = Vec::new();
        let same = |octets| package(octets, "SyncHdr", "SyncHdr");
        found.extend(regularity.client_sent(&said(&same(PACKAGE_1), Role::DmClient, false)));
        found.extend(regularity.server_sent(&said(&package(PACKAGE_2, from, to), Role::Dms2, false)));
        found.extend(regularity.client_sent(&said(&same(PACKAGE_3), Role::DmClient, false)));
        found.extend(regularity.server_sent(&said(&same(PACKAGE_4), Role::Dms2, false)));
        found
            .into_iter()
            .map(|irregular| (irregular.sender, irregular.rule, irregular.code))
            .collect()
    }

    #[test]
    fn nothing_is_wrong_with_the_worked_session() {
        assert_eq!(with_package_2("SyncHdr", "SyncHdr"), []);
    }

    #[test]
    fn what_a_server_does_wrong_is_its_own_and_weighs_what_the_rule_does() {
        let cases = [
            (
                "<CmdRef>1</CmdRef>",
                "<CmdRef>7</CmdRef>",
                SessionRule::Regular,
                "unknown-cmd-ref",
            ),
            (
                "<CmdID>2</CmdID>",
                "<CmdID>1</CmdID>",
                SessionRule::Regular,
                "reused-cmd-id",
            ),
            (
                "<Source>",
                "<!-- --><Source x=\"\">",
                SessionRule::InForm,
                "attribute",
            ),
        ];
        for (from, to, rule, code) in cases {
            let found = with_package_2(from, to);
            assert!(found.contains(&(Role::Dms2, rule, code)), "{to}: {found:?}");
            assert!(
                found.iter().all(|(sender, ..)| *sender == Role::Dms2),
                "{to}: {found:?}"
            );
        }
    }

    #[test]
    fn a_finding_names_the_rule_the_message_the_place_and_the_section() {
        let mut regularity = Regularity::default();
        let package_1 = package(PACKAGE_1, "SyncHdr", "SyncHdr");
        regularity.client_sent(&said(&package_1, Role::DmClient, false));
        let package_2 = package(PACKAGE_2, "<CmdRef>2</CmdRef>", "<CmdRef>7</CmdRef>");
        let found = regularity.server_sent(&said(&package_2, Role::Dms2, false));
        let texts: Vec<_> = found.iter().map(|irregular| irregular.what.as_str()).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        unknown-cmd-ref in message 1 of session A7: CmdID 3: CmdRef `7` is no command of message `1` (OMA-TS-DM_RepPro 6.5)
        missing-status in message 1 of session A7: no Status for Replace (CmdID 2) of message 1 (OMA-TS-DM_RepPro 6.5)
        ");
        assert_eq!(regularity.without_status(), ["2"]);
    }

    #[test]
    fn what_is_said_again_is_checked_once() {
        let mut regularity = Regularity::default();
        let package_1 = package(PACKAGE_1, "SyncHdr", "SyncHdr");
        let package_2 = package(PACKAGE_2, "SyncHdr", "SyncHdr");
        for _ in 0..2 {
            assert_eq!(
                regularity.client_sent(&said(&package_1, Role::DmClient, false)),
                []
            );
            assert_eq!(regularity.server_sent(&said(&package_2, Role::Dms2, false)), []);
        }
    }

    #[test]
    fn what_follows_from_a_lost_answer_or_from_the_harness_is_nobodys_fault() {
        let package_1 = package(PACKAGE_1, "SyncHdr", "SyncHdr");
        let wrong = package(PACKAGE_2, "<CmdRef>2</CmdRef>", "<CmdRef>7</CmdRef>");
        let mut regularity = Regularity::default();
        regularity.client_sent(&said(&package_1, Role::DmClient, false));
        let mut again = Package::clone(&package_1);
        again.message.header.message_id = "2".to_owned();
        let again = Arc::new(again);
        assert_eq!(regularity.client_sent(&said(&again, Role::DmClient, false)), []);

        let mut regularity = Regularity::default();
        regularity.client_sent(&said(&package_1, Role::DmClient, false));
        regularity.spoil();
        assert_eq!(regularity.server_sent(&said(&wrong, Role::Dms2, false)), []);
    }

    #[test]
    fn who_has_sealed_one_message_seals_the_next() {
        let mut regularity = Regularity::default();
        let same = |octets| package(octets, "SyncHdr", "SyncHdr");
        regularity.client_sent(&said(&same(PACKAGE_1), Role::DmClient, true));
        assert_eq!(
            regularity.server_sent(&said(&same(PACKAGE_2), Role::Dms2, false)),
            []
        );
        let found = regularity.client_sent(&said(&same(PACKAGE_3), Role::DmClient, false));
        let found: Vec<_> = found
            .iter()
            .map(|irregular| (irregular.rule, irregular.code))
            .collect();
        assert_eq!(found, [(SessionRule::Sealed, "unsealed")]);
    }
}
