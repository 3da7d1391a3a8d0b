//! A case file as it is written, before names are looked up.

use std::collections::BTreeMap;

use dmconform_model::certificate::Certificate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::field::Condition;
use crate::test_case::{Circumstances, CloseAt, Corruption, FieldChange, Look};

/// A value with its place.
pub(crate) type Located<T> = serde_saphyr::Spanned<T>;

/// A case file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Test case")]
pub struct RawCase {
    /// The identifier: `DEL-<CLIENT|DMS1|DMS2|BS>-<step>-<number>`.
    #[schemars(with = "String")]
    pub(crate) id: Located<String>,
    /// What it is about, in one line.
    pub(crate) title: String,
    /// The test purpose: what the judged role must do, and when.
    pub(crate) purpose: String,
    /// The requirements it speaks for.
    #[schemars(with = "Vec<String>")]
    pub(crate) covers: Vec<Located<String>>,
    /// The role that is judged, or several.
    #[schemars(with = "Vec<String>")]
    pub(crate) iut: Vec<Located<String>>,
    /// The circumstances.
    #[serde(default)]
    pub(crate) given: Circumstances,
    /// What the mock roles do differently.
    #[serde(default)]
    #[schemars(with = "Vec<RawChange>")]
    pub(crate) change: Vec<Located<RawChange>>,
    /// What must be seen.
    #[schemars(with = "Vec<RawExpectation>")]
    pub(crate) expect: Vec<Located<RawExpectation>>,
    /// The deviations of the reference implementation that it must catch.
    #[serde(default)]
    pub(crate) catches: Vec<String>,
}

/// One change: a message, and one thing that is different about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawChange {
    /// The message.
    #[schemars(with = "String")]
    pub(crate) at: Located<String>,
    /// It is held back for the declared window.
    #[serde(default)]
    pub(crate) delay: Option<Delay>,
    /// It is not sent.
    #[serde(default)]
    pub(crate) omit: Option<bool>,
    /// It is sent again, this many times.
    #[serde(default)]
    pub(crate) repeat: Option<u32>,
    /// Fields have other values.
    #[serde(default)]
    pub(crate) set_field: Option<BTreeMap<String, FieldChange>>,
    /// Its body is spoiled.
    #[serde(default)]
    pub(crate) corrupt: Option<Corruption>,
    /// It has another status.
    #[serde(default)]
    pub(crate) answer: Option<u16>,
    /// The connection is closed while it is sent.
    #[serde(default)]
    pub(crate) close_at: Option<CloseAt>,
    /// Its sender presents another certificate.
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    /// A third server, with a valid certificate of its own, sends it first.
    #[serde(default)]
    pub(crate) from_third_server: Option<bool>,
}

/// How long a message is held back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Delay {
    /// For the window that the implementation file declares.
    Window,
}

/// What is presented in the TLS handshake.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Tls {
    /// The certificate.
    #[schemars(with = "String")]
    pub(crate) certificate: Certificate,
}

/// One expectation: one thing that must be seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawExpectation {
    /// The requirement that is broken otherwise; needed where the case covers several.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) requirement: Option<Located<String>>,
    /// The whole procedure.
    #[serde(default)]
    pub(crate) procedure: Option<Whole>,
    /// A message.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) step: Option<Located<String>>,
    /// What its fields must be like.
    #[serde(default, rename = "where")]
    pub(crate) fields: Option<BTreeMap<String, Condition>>,
    /// A message that must not be seen.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) never: Option<Located<String>>,
    /// What ends the prohibition.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) until: Option<Located<String>>,
    /// How long the prohibition lasts, where nothing ends it.
    #[serde(default)]
    pub(crate) within: Option<Delay>,
    /// Fields that must be the same.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) equal: Option<Vec<Located<String>>>,
    /// A message that must be refused.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) refuse: Option<Located<String>>,
    /// The client's tree.
    #[serde(default)]
    pub(crate) state: Option<RawState>,
    /// Alternatives, of which one must hold.
    #[serde(default)]
    #[schemars(with = "Option<Vec<RawExpectation>>")]
    pub(crate) one_of: Option<Vec<Located<RawExpectation>>>,
}

/// The whole procedure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Whole {
    /// Every message of the judged role, in order, with equal data.
    Whole,
}

/// What the client's tree must be like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawState {
    /// After which message it is looked at.
    #[schemars(with = "String")]
    pub(crate) after: Located<String>,
    /// How it is looked at.
    pub(crate) look: Look,
}
