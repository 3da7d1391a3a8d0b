//! Implementation files: what a product claims (ICS) and what the harness must know to test it (IXIT).

use std::collections::BTreeMap;

use dmconform_model::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::names;

mod credentials;
mod devices;
mod limits;
mod start;
mod supports;
mod trigger;

pub use credentials::{AccountCredentials, AccountEntry, Accounts, Credentials, Secret};
pub use devices::{Device, Devices};
pub use limits::{Duration, Limits};
pub use start::{Command, Ready, Start};
pub use supports::{Opens, Removal, Supports};
pub use trigger::{HttpTrigger, Trigger, Triggers};

/// One product and how it is tested, as `fixtures/implementations/*.yaml` states it.
///
/// Texts may contain variables, `${name}`; [`crate::template`] says which there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Implementation {
    /// Who makes it and what it is called.
    pub implementation: Product,
    /// How it writes the messages between the servers: the name of a profile that is built in, or a profile file beside
    /// this one. Absent, it is the default; `--profile` takes precedence.
    #[serde(default)]
    pub profile: Option<String>,
    /// The roles it plays; every other role is a mock.
    #[schemars(with = "Vec<names::Role>", length(min = 1))]
    pub plays: Vec<Role>,
    /// What it claims to support.
    #[serde(default)]
    pub supports: Supports,
    /// The identifiers of the roles it plays.
    #[serde(default)]
    #[schemars(with = "names::ByRole<Identity>")]
    pub identity: BTreeMap<Role, Identity>,
    /// What it knows of the roles that it does not play, where that is fixed in its configuration.
    #[serde(default)]
    #[schemars(with = "names::ByRole<Peer>")]
    pub peers: BTreeMap<Role, Peer>,
    /// The devices that cases lease; each runs one case at a time.
    pub devices: Devices,
    /// Names of free TCP ports that the harness picks: `${port.NAME}`.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Where it listens.
    #[serde(default)]
    #[schemars(with = "names::ByRole<Endpoints>")]
    pub endpoints: BTreeMap<Role, Endpoints>,
    /// Where names of hosts lead, in place of the system's name resolution: name → IP address.
    #[serde(default)]
    pub hosts: BTreeMap<String, String>,
    /// Who issues the certificates, and which others are trusted.
    #[serde(default)]
    pub certificates: Certificates,
    /// Where the nodes that cases delegate are on its devices: node of the cases → node of the product.
    #[serde(default)]
    pub nodes: BTreeMap<String, String>,
    /// Files written to its working directory before it starts: name → content.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// How it is started; absent for a product that runs already.
    #[serde(default)]
    pub start: Option<Start>,
    /// A command that ends it, for one that `start` leaves behind in the background.
    #[serde(default)]
    pub stop: Option<Command>,
    /// A command that puts it back to where it was before the first delegation; run before it is started.
    #[serde(default)]
    pub reset: Option<Command>,
    /// How it is made to do something.
    #[serde(default)]
    pub triggers: Triggers,
    /// How long it may take.
    #[serde(default)]
    pub limits: Limits,
    /// The credentials in use between the device and the servers.
    #[serde(default)]
    pub credentials: Credentials,
}

/// A product's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub product: String,
    /// Which version.
    pub version: String,
}

impl std::fmt::Display for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.vendor, self.product, self.version)
    }
}

/// The identifiers of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// The server identifier (DMAcc ServerID).
    pub server_id: String,
}

/// Where a role of the product listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Endpoints {
    /// The URL of DM sessions.
    pub dm: Option<String>,
    /// The URL of messages between the servers.
    pub delegation: Option<String>,
    /// The URL of the bootstrap of one device; `${device}` stands for its identifier.
    pub bootstrap: Option<String>,
}

impl Endpoints {
    /// Those that are there, by their names.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let named = [
            ("dm", &self.dm),
            ("delegation", &self.delegation),
            ("bootstrap", &self.bootstrap),
        ];
        named
            .into_iter()
            .filter_map(|(name, part)| Some((name, part.as_ref()?)))
    }
}

/// What the product knows of a role that the harness plays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Peer {
    /// The server identifier; one of ours if absent.
    pub server_id: Option<String>,
    /// The IP addresses with ports at which it listens; `127.0.0.1` and any free port if absent.
    pub listen: Endpoints,
    /// The URLs by which the product reaches it, where they are not made of the addresses at which it listens.
    pub endpoints: Endpoints,
}

/// Who issues the certificates, and which others are trusted. Without any of this, an authority that is made for the run
/// issues all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Certificates {
    /// An authority of the user's own, which the product trusts already.
    pub authority: Option<AuthorityFiles>,
    /// Files of certificates that the mock roles trust too: those above a chain of the product's own.
    pub trust: Vec<String>,
}

/// The files of an authority, in PEM, beside the implementation file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthorityFiles {
    /// The certificates that everybody trusts.
    pub roots: String,
    /// The certificate that issues.
    pub certificate: String,
    /// Its key.
    pub key: String,
}
