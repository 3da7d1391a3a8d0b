//! The ladder of a case: what was expected and what was observed between the four roles, row by row, with what it rests on.
//!
//! It is made from a transcript on demand and is no part of a result: `docs/decisions/0007-ladders-come-from-transcripts.md`.

use serde::{Deserialize, Serialize};

use crate::transcript::ConnectionId;
use crate::{MessageId, Role};

/// What was expected and what was observed in a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// The roles, from left to right.
    pub lanes: Vec<Lane>,
    /// What passed and what should have, from top to bottom.
    pub rows: Vec<Row>,
    /// The row with the first breach, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_divergence: Option<usize>,
    /// The records that the rows and the findings rest on, readably and without secrets.
    pub exhibits: Vec<Exhibit>,
    /// The connections that these records speak of.
    pub connections: Vec<ConnectionFacts>,
}

/// A role of the delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Which.
    pub role: Role,
    /// Who plays it.
    pub played: Played,
}

/// Who plays a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Played {
    /// The product, which is judged in it.
    Judged,
    /// The product, which is not judged in it by this case.
    Real,
    /// The harness.
    Mock,
}

impl Played {
    /// As it is said in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Real => "real",
            Self::Mock => "mock",
        }
    }
}

/// One row of a ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// A message that was expected, observed, or both.
    Message(MessageRow),
    /// Something else that matters to the case.
    Happening(Happening),
}

/// A message that was expected, observed, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Which message of the procedure it is.
    pub message: MessageId,
    /// Its name: `ACL update`.
    pub name: String,
    /// Who sends it.
    pub from: Role,
    /// Who receives it.
    pub to: Role,
    /// How it is expected; absent where nothing here was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Manner>,
    /// How it was observed; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Sighting>,
    /// What the two come to.
    pub standing: Standing,
    /// The row from which this one follows, if it would have been otherwise without that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<usize>,
    /// The findings about it, by their number in the result, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<usize>,
}

/// How a message is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// It comes; an answer is positive.
    Comes,
    /// It is a refusal, or does not come at all.
    Refuses,
    /// The case keeps a mock role from sending it.
    IsLeftOut,
}

/// How a message was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The record in which it was recognised.
    pub record: u64,
    /// When, in microseconds since the case began.
    pub at_us: u64,
    /// What it said, in a few words.
    pub note: String,
}

/// What expecting and observing a message come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is as it was expected.
    Matched,
    /// It came, and is not as it had to be.
    Differs,
    /// It is a refusal, and no finding says that it must not be.
    Refused,
    /// It did not come.
    Missing,
    /// It came before what it had to wait for.
    TooEarly,
    /// Its place is here; it came too early.
    CameEarlier,
    /// Nothing expected it.
    Unexpected,
    /// It came more often than it had to, and may.
    Besides,
    /// The case was over before it was due.
    NotReached,
}

impl Standing {
    /// As it is said in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "as expected",
            Self::Differs => "differs",
            Self::Refused => "refused",
            Self::Missing => "missing",
            Self::TooEarly => "too early",
            Self::CameEarlier => "came earlier",
            Self::Unexpected => "unexpected",
            Self::Besides => "besides",
            Self::NotReached => "not reached",
        }
    }

    /// Whether it is a departure from what was expected.
    pub const fn departs(self) -> bool {
        matches!(
            self,
            Self::Differs | Self::Missing | Self::TooEarly | Self::CameEarlier | Self::Unexpected
        )
    }
}

/// Something that matters to a case and is no message: a change that took effect, a refused connection, a limit that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// The outermost roles that it is about.
    pub over: (Role, Role),
    /// What happened.
    pub text: String,
    /// The record that says so.
    pub record: u64,
    /// When, in microseconds since the case began.
    pub at_us: u64,
    /// The findings about it, by their number in the result, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<usize>,
}

/// A record, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// Its number in the transcript.
    pub record: u64,
    /// When, in microseconds since the case began.
    pub at_us: u64,
    /// What it is, in one line.
    pub title: String,
    /// The connection it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// Header fields, or facts of another kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, String)>,
    /// The body, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<ExhibitBody>,
}

/// A body, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExhibitBody {
    /// What it is: `SyncML message in WBXML`.
    pub kind: String,
    /// How many octets it has on the wire.
    pub octets: u64,
    /// What it says, decoded.
    pub text: String,
    /// Whether there is more than is shown.
    pub is_cut: bool,
}

/// What is known of a connection: names and values, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionFacts {
    /// Its number.
    pub connection: ConnectionId,
    /// What is known.
    pub facts: Vec<(String, String)>,
}

impl Row {
    /// The findings about it, by their number in the result, from 0.
    pub fn findings(&self) -> &[usize] {
        match self {
            Self::Message(row) => &row.findings,
            Self::Happening(happening) => &happening.findings,
        }
    }

    /// The record that shows it; nothing for what was not observed.
    pub fn record(&self) -> Option<u64> {
        match self {
            Self::Message(row) => row.observed.as_ref().map(|seen| seen.record),
            Self::Happening(happening) => Some(happening.record),
        }
    }
}
