//! The vocabulary of claims (ICS): what of OMA DM a product may support, and what a case may make use of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the messages of DM sessions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// `application/vnd.syncml.dm+xml`.
    #[default]
    Xml,
    /// `application/vnd.syncml.dm+wbxml`.
    Wbxml,
}

impl Encoding {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Wbxml => "wbxml",
        }
    }
}

/// How the ends of a DM session prove themselves to each other (OMA-TS-DM_Security 5.3, 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// `syncml:auth-basic`: the password itself, in `Cred`.
    Basic,
    /// `syncml:auth-md5`: a digest in `Cred`.
    #[default]
    Md5,
    /// `syncml:auth-MAC`: a digest over each message, in the header `x-syncml-hmac`.
    Mac,
}

impl Authentication {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Md5 => "md5",
            Self::Mac => "mac",
        }
    }
}

/// The form of a bootstrap document (OMA-TS-DM_Bootstrap 5.3, 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapForm {
    /// The DM profile in WBXML, as the specification has it.
    #[default]
    DmWbxml,
    /// The DM profile in XML, which some clients take over TLS.
    DmXml,
    /// The client provisioning profile in WBXML, as the specification has it.
    CpWbxml,
    /// The client provisioning profile in XML, which some clients take over TLS.
    CpXml,
}

impl BootstrapForm {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DmWbxml => "dm-wbxml",
            Self::DmXml => "dm-xml",
            Self::CpWbxml => "cp-wbxml",
            Self::CpXml => "cp-xml",
        }
    }
}

/// What is delegated, and for how long (one of the data items of the IANA registration).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DelegationType {
    /// All of the management, for good.
    FullPermanent,
    /// All of the management, for a time.
    FullTemporary,
    /// A part of the management, for good.
    PartialPermanent,
    /// A part of the management, for a time.
    PartialTemporary,
}

impl DelegationType {
    /// Every type.
    pub const ALL: [Self; 4] = [
        Self::FullPermanent,
        Self::FullTemporary,
        Self::PartialPermanent,
        Self::PartialTemporary,
    ];

    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FullPermanent => "full-permanent",
            Self::FullTemporary => "full-temporary",
            Self::PartialPermanent => "partial-permanent",
            Self::PartialTemporary => "partial-temporary",
        }
    }
}

/// Who makes the client open its session with DMS-1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StartedBy {
    /// The client itself comes (Alert 1201).
    #[default]
    Client,
    /// DMS-1 asks it to by a notification, package 0 (Alert 1200).
    Notification,
}

/// What comes before the notification that asks a client to come for the entry of step 4, a window ahead of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BeforeNotification {
    /// Nothing.
    #[default]
    Nothing,
    /// A notification whose digest is not the server's.
    Forged,
    /// A notification that the client has come for before, once more.
    Replayed,
}

/// A capability that not every product has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// A server takes it that the peer's certificate names the server that speaks.
    ServerCertificateIdentity,
    /// A server looks whether the peer's certificate is revoked.
    Revocation,
    /// A client opens a session when a notification asks it to.
    Notification,
    /// Data that does not fit one message is taken, or sent, in several (OMA-TS-DM_Protocol 7).
    LargeObjects,
    /// A client goes on where the server's RespURI says.
    ResponseUri,
}

impl Claim {
    /// Every claim.
    pub const ALL: [Self; 5] = [
        Self::ServerCertificateIdentity,
        Self::Revocation,
        Self::Notification,
        Self::LargeObjects,
        Self::ResponseUri,
    ];

    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerCertificateIdentity => "server-certificate-identity",
            Self::Revocation => "revocation",
            Self::Notification => "notification",
            Self::LargeObjects => "large-objects",
            Self::ResponseUri => "response-uri",
        }
    }
}
