//! Credentials and other secrets: where they come from, and what they are.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::read::TEXT_OR_OTHER;

/// The credentials in use between the device and the servers, as a file states them. What it leaves out is as in
/// [`Accounts::usual`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Credentials {
    /// Between the device and DMS-1.
    pub dms_1: AccountEntry,
    /// Between the device and DMS-2.
    pub dms_2: AccountEntry,
}

/// The credentials of one account, as a file states them; texts may use `${device}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AccountEntry {
    /// The name the device authenticates with (AAuthName).
    pub client_name: Option<String>,
    /// The device's secret.
    pub client_secret: Option<Secret>,
    /// The server's secret; its name is its server identifier.
    pub server_secret: Option<Secret>,
    /// The first nonce, in base64.
    pub nonce: Option<String>,
    /// The root node of the account in the client's tree.
    pub node: Option<String>,
}

/// The credentials of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AccountCredentials {
    /// The name the device authenticates with (AAuthName).
    pub client_name: String,
    /// The device's secret.
    pub client_secret: String,
    /// The server's secret; its name is its server identifier.
    pub server_secret: String,
    /// The first nonce, in base64.
    pub nonce: String,
    /// The root node of the account in the client's tree.
    pub node: String,
}

/// The credentials of a device with both servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// With DMS-1.
    pub dms_1: AccountCredentials,
    /// With DMS-2.
    pub dms_2: AccountCredentials,
}

impl Accounts {
    /// Test credentials that are no secret: what holds where a file says nothing.
    pub fn usual() -> Self {
        Self {
            dms_1: AccountCredentials::usual(1),
            dms_2: AccountCredentials::usual(2),
        }
    }
}

impl AccountCredentials {
    fn usual(server: u8) -> Self {
        Self {
            client_name: "${device}".to_owned(),
            client_secret: format!("client-secret-{server}"),
            server_secret: format!("server-secret-{server}"),
            nonce: "bm9uY2U=".to_owned(),
            node: format!("./DMAcc/dms{server}"),
        }
    }
}

/// A value that may be a secret: written here as a text, it is none; one that comes from the environment or from a file
/// shows in nothing that the harness writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The value itself.
    Inline(String),
    /// The name of a variable of the harness's environment that holds it.
    Environment(String),
    /// The path of a file beside the implementation file that holds it, and the end of a line perhaps.
    File(String),
}

/// Where a secret comes from.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SecretSource {
    /// A variable of the harness's environment.
    Environment(String),
    /// A file beside the implementation file.
    File(String),
}

struct SecretVisitor;

impl<'de> serde::de::Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or `{environment: NAME}`, or `{file: PATH}`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Inline(text.to_owned()))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<Secret, D::Error> {
        Ok(match SecretSource::deserialize(other)? {
            SecretSource::Environment(name) => Secret::Environment(name),
            SecretSource::File(path) => Secret::File(path),
        })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TEXT_OR_OTHER, SecretVisitor)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inline(value) => serializer.serialize_str(value),
            Self::Environment(name) => SecretSource::Environment(name.clone()).serialize(serializer),
            Self::File(path) => SecretSource::File(path.clone()).serialize(serializer),
        }
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let source = generator.subschema_for::<SecretSource>();
        schemars::json_schema!({
            "description": "A value; or where it comes from, for one that must not show in anything that is written.",
            "anyOf": [{"type": "string"}, source]
        })
    }
}
