//! What a TLS handshake showed, as it is written to the transcript.

use serde::{Deserialize, Serialize};

/// What was negotiated and presented in one TLS handshake, as one end saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The protocol version: `TLSv1.2` or `TLSv1.3`.
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
