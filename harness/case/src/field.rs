//! References to what a message carries, such as `3.answer/url`, and conditions on it.

use std::fmt;
use std::str::FromStr;

use dmconform_model::MessageId;
use serde::{Deserialize, Serialize};

use crate::as_text::as_text;
use crate::schema::names;

/// A value named by where it is carried: in a message, or in what was given to the case beforehand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldRef {
    /// A field of a message: `3.answer/url`.
    Message(MessageId, String),
    /// A fact that was fixed before the case began: `given/dms-2-server-id`.
    Given(Given),
}

/// A fact that is fixed before a case begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// The identifier of DMS-1.
    Dms1ServerId,
    /// The identifier of DMS-2.
    Dms2ServerId,
    /// The URL of DMS-2's DM sessions.
    Dms2Address,
    /// The identifier of the device.
    Device,
    /// The manufacturer of the device.
    Manufacturer,
    /// The model of the device.
    Model,
    /// The nodes whose management is delegated.
    TreePart,
    /// The type of delegation.
    DelegationType,
}

impl Given {
    /// Every fact that can be referred to.
    pub const ALL: [Self; 8] = [
        Self::Dms1ServerId,
        Self::Dms2ServerId,
        Self::Dms2Address,
        Self::Device,
        Self::Manufacturer,
        Self::Model,
        Self::TreePart,
        Self::DelegationType,
    ];

    /// The name used after `given/`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dms1ServerId => "dms-1-server-id",
            Self::Dms2ServerId => "dms-2-server-id",
            Self::Dms2Address => "dms-2-address",
            Self::Device => "device",
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::TreePart => "tree-part",
            Self::DelegationType => "delegation-type",
        }
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message, field) => write!(f, "{message}/{field}"),
            Self::Given(given) => write!(f, "given/{}", given.as_str()),
        }
    }
}

/// A text that refers to no field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read `{0}` as a field: write a message and a field (`3.answer/url`) or a fact (`given/dms-2-server-id`)"
)]
pub struct UnknownField(pub String);

impl FromStr for FieldRef {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        let unknown = || UnknownField(text.to_owned());
        let (message, field) = text.split_once('/').ok_or_else(unknown)?;
        if message == "given" {
            let given = Given::ALL.into_iter().find(|given| given.as_str() == field);
            return given.map(Self::Given).ok_or_else(unknown);
        }
        let message = message.parse().map_err(|_| unknown())?;
        let well_formed = !field.is_empty() && field.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        well_formed
            .then(|| Self::Message(message, field.to_owned()))
            .ok_or_else(unknown)
    }
}

as_text!(FieldRef);

/// What a field must be like. A field may have several values (tree parts, server ids); a condition on a
/// value holds when it holds for every value and there is at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// There is a value, and it is not empty.
    Present,
    /// There is no value.
    Absent,
    /// It is this text, octet for octet.
    Equals(String),
    /// It is one of these texts.
    OneOf(Vec<String>),
    /// No value is this text.
    Not(String),
    /// It has the same set of values as another field.
    SameAs(#[schemars(with = "names::Field")] FieldRef),
    /// No value is a value of another field.
    Lacks(#[schemars(with = "names::Field")] FieldRef),
    /// All values of another field are among its own.
    Includes(#[schemars(with = "names::Field")] FieldRef),
    /// It is an absolute URL of the scheme `https` with a host.
    AbsoluteHttps,
}
