//! How a product is started and ended.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::Duration;

/// How a product is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Start {
    /// The program and its arguments, started without a shell. `${self}` is this harness.
    pub command: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Whether the command ends by itself and leaves the product behind, which `stop` ends.
    #[serde(default)]
    pub detached: bool,
    /// How many of it may run beside each other on one machine, each with ports and a directory of its own. Cases that want
    /// a listener of the harness to themselves, of which one product can have one at a time, then take less time; of three or more,
    /// one is for the cases that may harm the product, which otherwise come last.
    #[serde(default = "one")]
    pub instances: u32,
    /// When it is ready.
    pub ready: Ready,
}

const fn one() -> u32 {
    1
}

/// When a product is ready: when all that is said here holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ready {
    /// The addresses that must accept connections.
    #[serde(default)]
    pub tcp: Vec<String>,
    /// The URLs (http or https) that must answer with a status of 2xx.
    #[serde(default)]
    pub http: Vec<String>,
    /// A text that a line of its output must hold.
    #[serde(default)]
    pub log: Option<String>,
    /// A program and its arguments that must end with status 0; it is run again until it does.
    #[serde(default)]
    pub command: Vec<String>,
    /// How long that may take.
    pub within: Duration,
}

/// A command that is run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Command {
    /// The program and its arguments, started without a shell.
    pub command: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// How long it may take.
    #[serde(default = "half_a_minute")]
    pub within: Duration,
}

const fn half_a_minute() -> Duration {
    Duration { milliseconds: 30_000 }
}
