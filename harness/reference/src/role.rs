//! The names of the four roles.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A role that a process can play; several where they are co-located.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleName {
    /// The devices.
    DmClient,
    /// The delegating server.
    Dms1,
    /// The delegated server.
    Dms2,
    /// The server that hands out bootstraps.
    BootstrapServer,
}

impl RoleName {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::DmClient, Self::Dms1, Self::Dms2, Self::BootstrapServer];

    /// The name as it is written on the command line and as a section of the configuration file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DmClient => "dm-client",
            Self::Dms1 => "dms-1",
            Self::Dms2 => "dms-2",
            Self::BootstrapServer => "bootstrap-server",
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RoleName {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| UnknownRole {
                name: text.to_owned(),
            })
    }
}

/// A name that no role has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("find a role `{name}`: write dm-client, dms-1, dms-2 or bootstrap-server")]
pub struct UnknownRole {
    /// What was written.
    pub name: String,
}
