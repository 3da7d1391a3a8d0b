//! What a transcript shows, collected record by record and ready to be judged at any time.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::test_case::ProbeCommand;
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::{
    ConnectionId, DeviceState, Endpoint, EndpointKind, ExchangeId, Moment, Side, TriggerOutcome,
};
use dmconform_model::{MessageId, Role};

use crate::occurrence::Occurrence;
use crate::regularity::Irregular;

/// Everything of a transcript that verdicts depend on.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The messages recognised, in the order of their records.
    pub occurrences: Vec<Occurrence>,
    /// The connections, but for good ones that have ended and that nothing is to be said of.
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// The connections that were broken off after a message had passed on them: record, and how.
    pub broken_off: BTreeMap<ConnectionId, (u64, String)>,
    /// The HTTP exchanges, but for answered ones that carried no message of the procedure and are like another one.
    pub exchanges: BTreeMap<ExchangeId, Exchange>,
    /// The answers of servers to a client that they admitted; more of them between the same two messages count once.
    pub dm_answers: Vec<DmAnswer>,
    /// The messages of DM sessions: sender → how many, and the record of the last.
    pub said: BTreeMap<Role, (u64, u64)>,
    /// What messages of DM sessions say of the headers that they answer, as far as it counts.
    pub header_codes: Vec<HeaderCode>,
    /// The rules that messages of DM sessions break, each with the first message of a sender that does.
    pub irregular: Vec<Irregular>,
    /// The times during which a message was held back.
    pub windows: Vec<Window>,
    /// The limits that passed: message → record.
    pub deadlines: BTreeMap<MessageId, u64>,
    /// The changes that took effect.
    pub changes: Vec<Applied>,
    /// The states of the mock client's tree.
    pub states: Vec<(u64, DeviceState)>,
    /// The looks at a real client's tree: what mock servers ask of it, and real ones that a case expects something of.
    pub probes: Vec<Probe>,
    /// Documents that no message of the procedure was recognised in: record and what they are.
    pub unrecognised: Vec<(u64, String)>,
    /// Mock roles that could not go on: record, role, why.
    pub stopped: Vec<(u64, Role, String)>,
    /// What the product was asked to do, and its answer.
    pub triggers: Vec<(u64, String, TriggerOutcome)>,
    /// The whole delegations beside the case: record, when, whether it was whole, what was seen.
    pub health: Vec<(u64, Moment, bool, String)>,
    /// What was fetched that a hostile document refers to: record and address.
    pub fetched: Vec<(u64, String)>,
    /// How the product's process ended, if it did.
    pub exited: Option<(u64, String)>,
    /// Why the case was broken off, if it was.
    pub aborted: Option<(u64, String)>,
    /// Whether the last record was seen.
    pub ended: bool,
    /// The number of the last record.
    pub last_seq: u64,
    /// The time of the last record, in microseconds.
    pub last_us: u64,
}

/// How many DM sessions of the client make an opportunity for what a server says in one.
pub const OPPORTUNITY: usize = 2;

/// The answer of a server to a client that it admitted.
#[derive(Clone, Debug)]
pub struct DmAnswer {
    /// The server.
    pub server: Role,
    /// The SessionID.
    pub session: String,
    /// The record of the client's message.
    pub asked: u64,
    /// The record of the answer.
    pub answered: u64,
}

/// What a message of a DM session says of the header that it answers.
#[derive(Clone, Debug)]
pub struct HeaderCode {
    /// The record of the message.
    pub seq: u64,
    /// The exchange that it passed in.
    pub exchange: ExchangeId,
    /// Who sent it.
    pub sender: Role,
    /// The server of the session.
    pub server: Role,
    /// The SessionID.
    pub session: String,
    /// The code of the Status.
    pub code: u16,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Who observed it.
    pub observer: Role,
    /// Which end the observer is.
    pub side: Side,
    /// Where it leads.
    pub endpoint: Endpoint,
    /// The record that introduces it.
    pub opened: u64,
    /// When it was opened, in microseconds since the case began.
    pub since_us: u64,
    /// The certificate the observer presented, once that is known.
    pub presented: Option<Certificate>,
    /// The record in which TLS was established.
    pub established: Option<u64>,
    /// The version of TLS that was agreed upon.
    pub version: Option<String>,
    /// How TLS failed: record, reason, whether the peer refused.
    pub failed: Option<(u64, String, bool)>,
    /// The record in which the beginning of a request arrived without TLS.
    pub plaintext: Option<u64>,
}

impl Connection {
    /// Whether the other end refused. What the observer broke off itself, or waited for in vain, shows nothing of the other end.
    pub fn is_refused_by_peer(&self) -> bool {
        self.failed.as_ref().is_some_and(|(_, _, by_peer)| *by_peer)
    }

    /// Whether a version of TLS was agreed upon that nobody should speak any more (RFC 8996).
    pub fn is_outdated(&self) -> bool {
        let is_current = |version: &String| matches!(version.as_str(), "TLSv1.2" | "TLSv1.3");
        self.version.as_ref().is_some_and(|version| !is_current(version))
    }
}

/// One HTTP exchange, as one observer saw it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Who observed it.
    pub observer: Role,
    /// Where it went.
    pub endpoint: Endpoint,
    /// On which connection, if one was established.
    pub connection: Option<ConnectionId>,
    /// Whether the observer sent the request.
    pub sent: bool,
    /// The record of the request, if one was written or read.
    pub request: Option<u64>,
    /// The answer: record and status.
    pub status: Option<(u64, u16)>,
    /// Why there was no answer: record, reason, whether the peer refused, whether it was unreadable.
    pub failed: Option<(u64, String, bool, bool)>,
    /// What its request was recognised as.
    pub message: Option<MessageId>,
}

/// A time during which a message was held back.
#[derive(Clone, Debug)]
pub struct Window {
    /// The message.
    pub holding: MessageId,
    /// The record and time of its beginning.
    pub opened: (u64, u64),
    /// The record and time of its end.
    pub closed: Option<(u64, u64)>,
}

/// A change that took effect.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The record.
    pub seq: u64,
    /// At which message.
    pub at: MessageId,
    /// In which exchange.
    pub exchange: Option<ExchangeId>,
    /// What was changed.
    pub change: String,
}

/// A look at a real client's tree.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The record in which the command was sent.
    pub sent: u64,
    /// Which mock server sent it.
    pub server: Role,
    /// The command.
    pub command: ProbeCommand,
    /// The node, with its query.
    pub node: String,
    /// The client's Status: record and code.
    pub status: Option<(u64, u16)>,
    /// The client's result.
    pub result: Option<String>,
}

impl Observed {
    /// Whether a message is being held back.
    pub fn is_holding(&self) -> bool {
        self.windows.iter().any(|window| window.closed.is_none())
    }

    /// The occurrences of a message.
    pub fn all(&self, message: MessageId) -> impl DoubleEndedIterator<Item = &Occurrence> {
        self.occurrences
            .iter()
            .filter(move |occurrence| occurrence.message == message)
    }

    /// The first occurrence of a message; of an answer, the first positive one.
    pub fn first(&self, message: MessageId) -> Option<&Occurrence> {
        self.all(message).find(|occurrence| occurrence.accepted)
    }

    /// Whether a message was seen; an answer only if it is positive.
    pub fn seen(&self, message: MessageId) -> bool {
        self.first(message).is_some()
    }

    /// The last window that holds a message.
    pub fn window(&self, holding: MessageId) -> Option<&Window> {
        self.windows.iter().rev().find(|window| window.holding == holding)
    }

    /// The DM sessions of the client in which a server had its say between two records: it admitted the client, and
    /// answered. A challenge is not that yet.
    pub fn dm_sessions_between(&self, server: Role, after: u64, before: u64) -> usize {
        let within = self
            .dm_answers
            .iter()
            .filter(|answer| answer.server == server && answer.asked > after && answer.answered < before);
        within
            .map(|answer| &answer.session)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Whether the client and a server have admitted each other in a DM session, and the server has answered what it heard of that.
    pub fn had_session(&self, server: Role) -> bool {
        let admits = |found: &&HeaderCode| found.server == server && (200..300).contains(&found.code);
        let mut admitted = self.header_codes.iter().filter(admits);
        let first = admitted.find(|found| found.sender == Role::DmClient);
        first.is_some_and(|first| {
            admitted.any(|found| found.sender == server && found.session == first.session)
        })
    }

    /// The DM sessions of the client that a server refused between two records, in a message or by the status of HTTP.
    pub fn refused_dm_sessions_between(&self, server: Role, after: u64, before: u64) -> usize {
        let within = |seq: u64| seq > after && seq < before;
        let refusals = self.header_codes.iter().filter(|found| {
            found.sender == server && found.server == server && found.code >= 400 && within(found.seq)
        });
        let in_messages: BTreeSet<_> = refusals.map(|found| &found.session).collect();
        let by_http = self.exchanges.values().filter(|exchange| {
            exchange.sent
                && exchange.endpoint
                    == Endpoint {
                        role: server,
                        kind: EndpointKind::Dm,
                    }
                && exchange
                    .status
                    .is_some_and(|(seq, status)| status >= 400 && within(seq))
        });
        in_messages.len() + by_http.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(session: &str, asked: u64, answered: u64) -> DmAnswer {
        DmAnswer {
            server: Role::Dms1,
            session: session.to_owned(),
            asked,
            answered,
        }
    }

    #[test]
    fn two_messages_of_one_session_are_one_opportunity() {
        let mut observed = Observed {
            dm_answers: vec![answer("1", 11, 12), answer("1", 13, 14)],
            ..Observed::default()
        };
        assert_eq!(observed.dm_sessions_between(Role::Dms1, 10, 20), 1);
        observed.dm_answers.push(answer("2", 15, 16));
        assert_eq!(observed.dm_sessions_between(Role::Dms1, 10, 20), 2);
    }

    #[test]
    fn a_session_that_began_before_or_ended_after_is_none() {
        let observed = Observed {
            dm_answers: vec![answer("1", 9, 12), answer("2", 13, 21)],
            ..Observed::default()
        };
        assert_eq!(observed.dm_sessions_between(Role::Dms1, 10, 20), 0);
        assert_eq!(observed.dm_sessions_between(Role::Dms2, 0, 30), 0);
    }
}
