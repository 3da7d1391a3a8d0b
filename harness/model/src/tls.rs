//! What a TLS handshake showed, as it is written to the transcript.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How it is told, at the end of a reason, that a handshake came to nothing because the other end speaks other versions only.
pub const NO_COMMON_VERSION: &str = "it speaks no version of TLS that is spoken here";

/// A version of TLS, as case files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// TLS 1.1, which nobody should speak any more (RFC 8996).
    #[serde(rename = "1.1")]
    V1_1,
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

impl Version {
    /// Whether it is older than what may be spoken.
    pub const fn is_outdated(self) -> bool {
        matches!(self, Self::V1_1)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "TLS 1.1",
            Self::V1_2 => "TLS 1.2",
            Self::V1_3 => "TLS 1.3",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was negotiated and presented in one TLS handshake, as one end saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The protocol version: `TLSv1.2`, `TLSv1.3`, or an older one that the other end agreed to.
    pub version: String,
    /// The cipher suite, by its IANA name.
    pub cipher_suite: String,
    /// The server name that the client asked for, where the observer is the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The certificate of the other end; absent if it presented none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerCertificate>,
}

/// A certificate that the other end presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerCertificate {
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// The DNS names and IP addresses of its subject alternative name.
    pub names: Vec<String>,
    /// When its validity begins and ends.
    pub validity: String,
    /// The SHA-256 digest of its DER form, in hexadecimal digits.
    pub sha256: String,
    /// How many certificates came with it.
    pub chain_length: u32,
}
