//! The pool of devices that cases lease.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credentials::Credentials;

/// The pool of devices: numbered ones by `pattern` and `count`, or those of a `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Devices {
    /// The device identifier with `{}` where a number goes, from 1 to `count`: `urn:example:{}`.
    #[serde(default)]
    pub(crate) pattern: Option<String>,
    /// How many there are of the pattern.
    #[serde(default)]
    pub(crate) count: Option<u32>,
    /// The devices one by one, in place of a pattern.
    #[serde(default)]
    pub(crate) list: Vec<Device>,
    /// The manufacturer in DevInfo.
    #[serde(default = "default_manufacturer")]
    pub manufacturer: String,
    /// The model in DevInfo.
    #[serde(default = "default_model")]
    pub model: String,
}

/// One device, and what is special about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Device {
    /// Its identifier.
    pub id: String,
    /// Its credentials, where they are not those of all.
    #[serde(default)]
    pub credentials: Credentials,
    /// The URL of its bootstrap, where it is not that of all.
    #[serde(default)]
    pub bootstrap: Option<String>,
}

fn default_manufacturer() -> String {
    "Example Devices".to_owned()
}

fn default_model() -> String {
    "Model 1".to_owned()
}

impl Devices {
    /// The identifier of the device with a number, from 1.
    pub fn id(&self, number: u32) -> String {
        match self.listed(number) {
            Some(device) => device.id.clone(),
            None => self.pattern().replace("{}", &number.to_string()),
        }
    }

    /// Lets there be at least so many of a pattern.
    pub fn grow(&mut self, count: u32) {
        if self.pattern.is_some() {
            self.count = Some(self.count().max(count));
        }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
            .unwrap_or_else(|| u32::try_from(self.list.len()).unwrap_or(u32::MAX))
    }

    /// The pattern of their identifiers; empty where they are listed.
    pub fn pattern(&self) -> &str {
        self.pattern.as_deref().unwrap_or_default()
    }

    /// The device with a number, from 1, where devices are listed.
    pub fn listed(&self, number: u32) -> Option<&Device> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.list.get(at)
    }

    /// The URLs of the bootstraps of devices that have one of their own.
    pub fn bootstraps(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter_map(|device| device.bootstrap.as_deref())
    }
}

impl std::fmt::Display for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.pattern {
            Some(pattern) => write!(f, "{} of `{pattern}`", self.count()),
            None => write!(f, "a list that begins with `{}`", self.id(1)),
        }
    }
}
