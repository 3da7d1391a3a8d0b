//! Profiles: how the messages of the procedure look on the wire.

use std::collections::BTreeMap;

use dmconform_model::MessageId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::names;

/// How the messages of the procedure look on the wire, as `fixtures/profiles/*.yaml` states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Its short name.
    pub profile: String,
    /// Its title.
    pub title: String,
    /// What it reads into texts that are silent; printed in every report.
    pub own_readings: Vec<String>,
    /// The media type of a delegation document and its refusals.
    pub delegation: Delegation,
    /// The client's Bootstrap Config object.
    pub bootstrap_config: BootstrapConfig,
    /// The messages between the servers.
    #[schemars(with = "names::ByMessage<Document>")]
    pub messages: BTreeMap<MessageId, Document>,
}

/// What all messages between the servers have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Delegation {
    /// The HTTP method.
    pub method: String,
    /// The media type.
    pub media_type: String,
    /// The XML namespace of every element.
    pub namespace: String,
    /// The body of a refusal, a template over `session` and `reason`.
    pub refusal: String,
}

/// One message between the servers: a document in an HTTP request or answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// The root element, which is what a request is recognised by.
    pub root: String,
    /// Where each field is: local names separated by `/`, below the root. An element that occurs more than once
    /// gives a field several values.
    pub fields: BTreeMap<String, String>,
    /// The document as a template over the fields; a field that is removed is empty there.
    pub write: String,
    /// Whether an answer may be without a body (2xx alone is acceptance).
    #[serde(default)]
    pub body_optional: bool,
}

/// Where a client keeps the addresses of Bootstrap Servers. The object belongs to OMA DM 1.3, whose names are not
/// public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BootstrapConfig {
    /// The object's root node.
    pub root: String,
    /// The name of the leaf with the URL, below an entry.
    pub url_leaf: String,
}
