//! The four roles of a server delegation.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A party to the delegation procedure (change request 5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Role {
    /// The DM Client on the device.
    #[serde(rename = "dm-client")]
    DmClient,
    /// The delegating server, which manages the device at the start.
    #[serde(rename = "dms-1")]
    Dms1,
    /// The delegated server, which the device is handed to.
    #[serde(rename = "dms-2")]
    Dms2,
    /// The server that hands DMS-2's bootstrap to the client; it may be DMS-2 itself.
    #[serde(rename = "bootstrap-server")]
    BootstrapServer,
}

impl Role {
    /// Every role, in the order in which tables show them.
    pub const ALL: [Self; 4] = [Self::DmClient, Self::Dms1, Self::Dms2, Self::BootstrapServer];

    /// The name used in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DmClient => "dm-client",
            Self::Dms1 => "dms-1",
            Self::Dms2 => "dms-2",
            Self::BootstrapServer => "bootstrap-server",
        }
    }

    /// The name used in prose.
    pub const fn title(self) -> &'static str {
        match self {
            Self::DmClient => "DM Client",
            Self::Dms1 => "DMS-1",
            Self::Dms2 => "DMS-2",
            Self::BootstrapServer => "Bootstrap Server",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is none of the four roles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as a role: it is dm-client, dms-1, dms-2 or bootstrap-server")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}
