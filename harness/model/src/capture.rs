//! What passed over the connections of a case, octet by octet, and the secrets that decrypt it.
//!
//! It stands beside a transcript where a run was asked for it. Nothing is judged by it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::transcript::{ConnectionId, Side};
use crate::{Role, hex};

/// What passed over the connections of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// When the case began: microseconds since 1970, UTC.
    pub began_us: u64,
    /// The connections, in the order of their numbers.
    pub flows: Vec<Flow>,
}

impl Capture {
    /// Where the capture of a case stands, by where its transcript does.
    pub fn beside(transcript: &str) -> String {
        format!("{}.capture.json", transcript.trim_end_matches(".jsonl"))
    }
}

/// One TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Its number in the transcript.
    pub connection: ConnectionId,
    /// The role at whose socket it was seen.
    pub observer: Role,
    /// Whether the observer accepted or dialled it.
    pub side: Side,
    /// The address of the end that dialled.
    pub client: String,
    /// The address of the end that accepted.
    pub server: String,
    /// What passed, in order.
    pub segments: Vec<Segment>,
    /// Whether more passed than is kept.
    pub is_cut: bool,
    /// What decrypts it; nothing unless the run was asked to keep it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
}

/// Octets that were written or read at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Microseconds since the case began; 0 for what came before.
    pub at_us: u64,
    /// Whether the end that dialled sent them.
    pub from_client: bool,
    /// The octets, in hexadecimal where they are stored.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub octets: Vec<u8>,
}

/// A secret of a TLS connection, as the format of key logs has it (RFC 9850).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Which of its secrets, such as `CLIENT_TRAFFIC_SECRET_0`.
    pub label: String,
    /// The random octets of the ClientHello, by which the connection is found.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub client_random: Vec<u8>,
    /// The secret.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub secret: Vec<u8>,
}

impl Secret {
    /// The secret as a line of a key log, without its end.
    pub fn line(&self) -> String {
        format!(
            "{} {} {}",
            self.label,
            hex::write(&self.client_random),
            hex::write(&self.secret)
        )
    }
}

fn to_hex<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::write(octets))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom("octets are written as pairs of hexadecimal digits");
    hex::read(&text).ok_or_else(wrong)
}
