//! What was recognised in a transcript: occurrences of messages, with what they carry.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::transcript::{ConnectionId, ExchangeId};
use dmconform_model::{MessageId, Role};

/// The fields of a message: name → values.
pub type Fields = BTreeMap<String, Vec<String>>;

/// One message of the procedure, recognised in a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Which message it is.
    pub message: MessageId,
    /// Who sent it.
    pub from: Role,
    /// Who it was for.
    pub to: Role,
    /// The record in which it was complete (received) or about to be written (sent).
    pub seq: u64,
    /// The time of that record, in microseconds.
    pub at_us: u64,
    /// The connection it travelled on.
    pub connection: ConnectionId,
    /// The exchange it belongs to.
    pub exchange: ExchangeId,
    /// The mock role that observed it.
    pub observer: Role,
    /// Whether the observer sent it.
    pub sent_by_observer: bool,
    /// For an answer: whether it is positive. A request always counts as accepted.
    pub accepted: bool,
    /// What it carries.
    pub fields: Fields,
    /// What it says, in a few words.
    pub note: String,
}

impl Occurrence {
    /// The values of a field, as a set; empty where the message does not carry it.
    pub fn values(&self, field: &str) -> BTreeSet<&str> {
        self.fields
            .get(field)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }

    /// Whether it is the answer to what was said without the right credentials, which is said again (OMA-TS-DM_Protocol 9).
    pub(crate) fn is_challenge(&self) -> bool {
        let codes = self.values("status");
        !codes.is_empty() && codes.iter().all(|code| matches!(*code, "401" | "407"))
    }
}

#[cfg(test)]
impl Occurrence {
    /// A message of DMS-1 to the mock client that carries nothing, for tests.
    pub(crate) fn said(message: MessageId, seq: u64) -> Self {
        Self {
            message,
            from: Role::Dms1,
            to: Role::DmClient,
            seq,
            at_us: seq,
            connection: 1,
            exchange: 1,
            observer: Role::DmClient,
            sent_by_observer: false,
            accepted: true,
            fields: Fields::new(),
            note: String::new(),
        }
    }
}
