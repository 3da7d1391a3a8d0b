//! The transcript of a case: everything that passed, in one order, as it is stored and judged.
//!
//! *Sent* records are taken before the first byte is written and *received* records after the last byte was
//! read, all under one lock. So when a received record precedes a sent one, the first had been read completely
//! before the second began, on whatever connections they travelled: the order of records convicts.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::certificate::Certificate;
use crate::tls::Facts;
use crate::{MessageId, Role, hex};

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number within the case, from 1, without gaps.
    pub seq: u64,
    /// Microseconds since the case began.
    pub at_us: u64,
    /// What happened.
    pub event: Event,
}

/// How the end of a connection that was not in order begins to be told, as far as its observer can tell: reset, or given up.
pub const BROKEN_OFF: &str = "broken off";

/// The number of a connection, unique within a run.
pub type ConnectionId = u64;
/// The number of an HTTP exchange as one observer counts it, unique within a run.
pub type ExchangeId = u64;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Event {
    /// A TCP connection was accepted or dialled by a mock role.
    ConnectionOpened {
        /// Its number.
        connection: ConnectionId,
        /// The mock role that observes it.
        observer: Role,
        /// Whether the observer accepted or dialled it.
        side: Side,
        /// The endpoint it belongs to.
        endpoint: Endpoint,
        /// The address of the other end.
        address: String,
        /// When it was opened, in microseconds since the case began; 0 if it is older than the case. Products
        /// keep connections over cases, so a connection may be recorded only when it first matters to a case.
        since_us: u64,
    },
    /// A TLS handshake was completed, as far as the observer can tell.
    TlsEstablished {
        /// On which connection.
        connection: ConnectionId,
        /// What was negotiated and presented.
        facts: Facts,
        /// The certificate the observer itself presented.
        presented: Certificate,
    },
    /// A TLS handshake did not come about, or was taken back by an alert.
    TlsFailed {
        /// On which connection.
        connection: ConnectionId,
        /// Who broke it off and why, in words.
        reason: String,
        /// Whether it was the other end that refused (an alert or a close from it).
        refused_by_peer: bool,
        /// The certificate the observer itself presented.
        presented: Certificate,
    },
    /// Something that is no TLS arrived where TLS is spoken.
    Plaintext {
        /// On which connection.
        connection: ConnectionId,
        /// The first bytes.
        first_bytes: Body,
    },
    /// A connection ended.
    ConnectionClosed {
        /// Which one.
        connection: ConnectionId,
        /// How it ended.
        how: String,
    },
    /// A mock role is about to write a request.
    RequestSent(Request),
    /// A mock role has read a whole request.
    RequestReceived(Request),
    /// A mock role is about to write an answer.
    ResponseSent(Response),
    /// A mock role has read a whole answer.
    ResponseReceived(Response),
    /// An exchange a mock role began came to no answer.
    ExchangeFailed {
        /// Which one.
        exchange: ExchangeId,
        /// The mock role that began it.
        observer: Role,
        /// The endpoint it was for.
        endpoint: Endpoint,
        /// On which connection; absent if none was established.
        connection: Option<ConnectionId>,
        /// What happened, in words.
        reason: String,
        /// Whether the other end refused: TLS alert, close, reset.
        refused_by_peer: bool,
        /// Whether what came back was unreadable as HTTP.
        unreadable: bool,
    },
    /// The mock client's management tree at this point.
    DeviceState(DeviceState),
    /// A mock role checked the credentials that the other end of a DM session gave.
    Authenticated {
        /// In which exchange they arrived.
        exchange: ExchangeId,
        /// Whose credentials they are.
        who: Role,
        /// What came out.
        outcome: Authentication,
    },
    /// A change of the case took effect.
    Changed {
        /// At which message.
        at: MessageId,
        /// In which exchange; absent where the change is that there is none.
        exchange: Option<ExchangeId>,
        /// What was changed, in words.
        change: String,
    },
    /// A mock role holds a message back from here.
    WindowOpened {
        /// The message that is ready but held.
        holding: MessageId,
    },
    /// The held message is released.
    WindowClosed {
        /// The message.
        holding: MessageId,
    },
    /// The declared limit for a message passed without it.
    DeadlinePassed {
        /// The message that was awaited.
        awaiting: MessageId,
    },
    /// The harness asked the product to begin something.
    Triggered {
        /// What it asked for.
        trigger: String,
        /// Whether the product took it, and what it said.
        outcome: TriggerOutcome,
    },
    /// A mock role cannot go on with its script.
    ScriptStopped {
        /// Which role.
        role: Role,
        /// Why.
        reason: String,
    },
    /// The product's process ended while the case ran.
    ProductExited {
        /// How it ended.
        reason: String,
    },
    /// The case was ended from outside: cancelled, or the harness failed.
    Aborted {
        /// Why.
        reason: String,
    },
    /// A whole delegation without any change was tried with the product, beside what the case is about.
    Health {
        /// Before or after that.
        when: Moment,
        /// Whether every message of the procedure was seen.
        whole: bool,
        /// What was seen, in words.
        observed: String,
    },
    /// Somebody fetched what a hostile document refers to.
    Fetched {
        /// What it refers to.
        url: String,
        /// The first bytes that arrived.
        first_bytes: Body,
    },
    /// The last record: nothing more belongs to the case.
    Ended,
}

/// When a whole delegation is tried beside a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before the case begins.
    Before,
    /// After everything that the case is about.
    After,
}

/// Which end of a connection the observer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The observer listened.
    Accepted,
    /// The observer connected.
    Dialled,
}

/// The kind of an endpoint of a server role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointKind {
    /// Where DM sessions are held.
    Dm,
    /// Where the servers talk to each other.
    Delegation,
    /// Where the bootstrap is fetched.
    Bootstrap,
}

/// An endpoint of a server role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The role that listens there.
    pub role: Role,
    /// What is spoken there.
    pub kind: EndpointKind,
}

/// An HTTP request, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The exchange it begins.
    pub exchange: ExchangeId,
    /// The connection it travelled on.
    pub connection: ConnectionId,
    /// The mock role that observed it.
    pub observer: Role,
    /// The endpoint it was sent to.
    pub endpoint: Endpoint,
    /// The method.
    pub method: String,
    /// The absolute URL it was sent to, as far as the observer can tell.
    pub url: String,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// An HTTP answer, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The exchange it ends.
    pub exchange: ExchangeId,
    /// The connection it travelled on.
    pub connection: ConnectionId,
    /// The mock role that observed it.
    pub observer: Role,
    /// The status code.
    pub status: u16,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// What checking credentials came to (OMA DM security 1.2, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// They are right.
    Verified,
    /// They are wrong.
    Wrong,
    /// There were none.
    Missing,
}

/// How the product answered a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerOutcome {
    /// It took it.
    Taken,
    /// It answered, but would not.
    Refused(String),
    /// It could not be asked.
    Unreachable(String),
}

/// The accounts and ACLs of the mock client's tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceState {
    /// What led to this state, in words.
    pub after: String,
    /// The accounts: server identifier and the account's root node.
    pub accounts: Vec<AccountState>,
    /// Every node that carries an ACL of its own, with the ACL's text.
    pub acls: Vec<(String, String)>,
    /// Every node, where a run was asked to keep the whole tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeState>,
}

/// One node of the mock client's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeState {
    /// Where it is.
    pub uri: String,
    /// Its format, such as `chr` or `node`.
    pub format: String,
    /// Its own ACL; empty if it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acl: String,
    /// What a leaf holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Body>,
}

/// One account of the mock client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountState {
    /// The node at its root.
    pub node: String,
    /// The server identifier in it.
    pub server_id: String,
}

/// The bytes of a body, readable where they are text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The bytes kept.
    pub bytes: Vec<u8>,
    /// The number of bytes there were, where not all were kept.
    pub whole_length: Option<u64>,
}

impl Body {
    /// All bytes of a body.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            whole_length: None,
        }
    }

    /// Whether there are no bytes.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// How a body is written: as text where it is text, in hexadecimal digits otherwise.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Written<'a> {
    Text(Cow<'a, str>),
    Hex(String),
    TextCut { start: Cow<'a, str>, of: u64 },
    HexCut { start: String, of: u64 },
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match (std::str::from_utf8(&self.bytes), self.whole_length) {
            (Ok(text), None) => Written::Text(Cow::Borrowed(text)),
            (Err(_), None) => Written::Hex(hex::write(&self.bytes)),
            (Ok(text), Some(of)) => Written::TextCut {
                start: Cow::Borrowed(text),
                of,
            },
            (Err(_), Some(of)) => Written::HexCut {
                start: hex::write(&self.bytes),
                of,
            },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bad_hex = || D::Error::custom("read hexadecimal digits: an even number of 0-9, a-f is needed");
        let (bytes, whole_length) = match Written::deserialize(deserializer)? {
            Written::Text(text) => (text.into_owned().into_bytes(), None),
            Written::Hex(digits) => (hex::read(&digits).ok_or_else(bad_hex)?, None),
            Written::TextCut { start, of } => (start.into_owned().into_bytes(), Some(of)),
            Written::HexCut { start, of } => (hex::read(&start).ok_or_else(bad_hex)?, Some(of)),
        };
        Ok(Self { bytes, whole_length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_text_stays_readable() {
        let json = serde_json::to_string(&Body::new(b"<a/>".to_vec())).expect("a body is serialisable");
        assert_eq!(json, r#"{"text":"<a/>"}"#);
    }

    #[test]
    fn every_body_reads_back_as_it_was() {
        for body in [
            Body::new(vec![]),
            Body::new(b"text".to_vec()),
            Body::new(vec![0xff, 0x00, 0x10]),
            Body {
                bytes: b"cut".to_vec(),
                whole_length: Some(1000),
            },
            Body {
                bytes: vec![0xfe],
                whole_length: Some(7),
            },
        ] {
            let json = serde_json::to_string(&body).expect("a body is serialisable");
            assert_eq!(
                serde_json::from_str::<Body>(&json).expect("what was written is readable"),
                body
            );
        }
    }

    #[test]
    fn broken_hexadecimal_digits_are_an_error() {
        for digits in ["abc", "zz", "+c", "-c", " c"] {
            let body = format!(r#"{{"hex":"{digits}"}}"#);
            assert!(serde_json::from_str::<Body>(&body).is_err(), "{digits}");
        }
    }
}
