//! Profiles: how the messages of the procedure look on the wire.

mod place;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::MessageId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::place::{BadPath, Content, Namespaces, Place, XmlPath};
pub use self::target::{BadTarget, TargetPattern};
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
    /// What the documents are written in.
    #[serde(default)]
    pub syntax: Syntax,
    /// The HTTP method of requests that name no other.
    pub method: String,
    /// The media type.
    pub media_type: String,
    /// The XML namespace of every element; for documents in XML only.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The namespaces of the prefixes in paths: prefix → namespace; for documents in XML only.
    #[serde(default)]
    pub prefixes: Namespaces,
    /// The body of a refusal, a template over `session` and `reason`.
    pub refusal: String,
}

/// What documents are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    /// XML.
    #[default]
    Xml,
    /// JSON.
    Json,
}

impl Syntax {
    /// The name that people use.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Xml => "XML",
            Self::Json => "JSON",
        }
    }
}

/// One message between the servers: an HTTP request or an answer to one, and the document in it.
///
/// Whatever it says about method, target, root and conditions must hold of a message for it to be this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Document {
    /// The HTTP method of the request, if it is not the usual one.
    pub method: Option<String>,
    /// Where the request goes, below the receiver's address for delegations: `/delegations/{session}/events`. The names in
    /// braces are fields.
    #[schemars(with = "Option<String>")]
    pub target: Option<TargetPattern>,
    /// Header fields: name → the field of the message that it carries.
    pub headers: BTreeMap<String, String>,
    /// The status of the answer when it accepts.
    pub status: Option<u16>,
    /// The root element, in XML.
    pub root: Option<String>,
    /// What must stand in the document: place → text.
    #[schemars(with = "BTreeMap<String, String>")]
    pub when: BTreeMap<Place, String>,
    /// Where each field is in the document: a path of names below the root in XML, a JSONPath in JSON. What occurs more than once
    /// gives a field several values.
    #[schemars(with = "BTreeMap<String, String>")]
    pub fields: BTreeMap<String, Place>,
    /// The document as a template over the fields; a field that is removed is empty there. JSON whose fields stand at plain
    /// places (`$.device.id`, `$.tree[*]`) needs none.
    pub write: Option<String>,
    /// Whether an answer may be without a body (2xx alone is acceptance).
    pub body_optional: bool,
    /// Other forms in which the message is recognised, besides the one that is written.
    pub also: Vec<Self>,
}

impl Document {
    /// The fields that it can carry.
    pub fn field_names(&self) -> BTreeSet<&str> {
        let in_target = self.target.iter().flat_map(TargetPattern::fields);
        let in_headers = self.headers.values().map(String::as_str);
        let in_document = self.fields.keys().map(String::as_str);
        in_document.chain(in_target).chain(in_headers).collect()
    }

    /// Whether it is a message without a body.
    pub fn is_bodiless(&self) -> bool {
        self.root.is_none() && self.when.is_empty() && self.fields.is_empty() && self.write.is_none()
    }

    /// The form that is written, then the others.
    pub fn forms(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.also)
    }
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
