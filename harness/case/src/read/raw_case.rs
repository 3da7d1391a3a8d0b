//! A case file as it is written, before names are looked up.

use dmconform_model::Class;
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use schemars::JsonSchema;
use serde::Deserialize;

use super::located::{Entries, Located, OneOrMany, RawFieldChange, Tried};
use crate::field::Condition;
use crate::schema::names;
use crate::test_case::{Circumstances, CloseAt, Corruption, ProbeCommand, SessionRule};

/// A case file: the procedure, plus a small change, plus what the judged role must then do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Test case")]
pub(crate) struct RawCase {
    /// The identifier: `DEL-<CLIENT|DMS1|DMS2|BS>-<step, 0 for all>-<three digits>`.
    #[schemars(with = "names::CaseId")]
    pub(crate) id: Located<String>,
    /// What it is about, in one line.
    pub(crate) title: Located<String>,
    /// The test purpose: what the judged role must do, and when.
    pub(crate) purpose: Located<String>,
    /// What it weighs on: `conformance` (the default) or `robustness`.
    #[serde(default)]
    #[schemars(with = "names::Class")]
    pub(crate) class: Option<Located<Class>>,
    /// The requirements it speaks for; each binds a judged role.
    #[schemars(with = "Vec<names::RequirementId>", length(min = 1))]
    pub(crate) covers: Located<Vec<Located<String>>>,
    /// The role that is judged, or several: the implementation under test.
    #[schemars(with = "OneOrMany<names::Role>")]
    pub(crate) iut: Located<OneOrMany<Located<String>>>,
    /// The claims (`supports.claims` of an implementation file) without which it does not apply.
    #[serde(default)]
    pub(crate) requires: Vec<String>,
    /// The circumstances.
    #[serde(default)]
    #[schemars(with = "Circumstances")]
    pub(crate) given: Option<Tried<Circumstances>>,
    /// What the mock roles do differently from the procedure.
    #[serde(default)]
    pub(crate) change: Vec<Tried<RawChange>>,
    /// Variants, where the same must be seen for several values: the name of each, and what it changes besides. The case is judged
    /// for each of them.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, Vec<RawChange>>")]
    pub(crate) variants: Entries<Vec<Tried<RawChange>>>,
    /// What must be seen.
    #[schemars(with = "Vec<RawExpectation>", length(min = 1))]
    pub(crate) expect: Located<Vec<Tried<RawExpectation>>>,
    /// The deviations of the reference implementation that it must catch.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) catches: Vec<Located<String>>,
    /// Why the case is not run any more: it is still listed, and never counted.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) withdrawn: Option<Located<String>>,
}

/// One change: a message, and exactly one thing that is different about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Change")]
pub(crate) struct RawChange {
    /// The message; its sender is a mock.
    #[schemars(with = "names::Message")]
    pub(crate) at: Located<String>,
    /// It is held back for the window that the implementation file declares.
    #[serde(default)]
    pub(crate) delay: Option<Delay>,
    /// It is not sent.
    #[serde(default)]
    pub(crate) omit: Option<bool>,
    /// After it was answered it is sent again, this many times, octet for octet.
    #[serde(default)]
    #[schemars(with = "Option<u32>", range(min = 1, max = 10))]
    pub(crate) repeat: Option<Located<u32>>,
    /// Fields have other values: a text, `{to: text}`, or `removed`.
    #[serde(default)]
    pub(crate) set_field: Option<Entries<RawFieldChange>>,
    /// Its body is spoiled.
    #[serde(default)]
    pub(crate) corrupt: Option<Corruption>,
    /// It has another status: of HTTP for an exchange, of OMA DM for a client's Status.
    #[serde(default)]
    #[schemars(with = "Option<u16>", range(min = 100, max = 599))]
    pub(crate) answer: Option<Located<u16>>,
    /// The connection is closed while it is sent.
    #[serde(default)]
    pub(crate) close_at: Option<CloseAt>,
    /// It is sent an octet at a time, and never to its end.
    #[serde(default)]
    pub(crate) slow: Option<bool>,
    /// Its sender presents another certificate, or speaks only one version of TLS.
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    /// Before it is sent, a third server sends the same with a valid certificate of its own.
    #[serde(default)]
    pub(crate) from_third_server: Option<bool>,
    /// Before it is sent, a third server sends it in its own name, with the session identifier of this delegation.
    #[serde(default)]
    pub(crate) forged: Option<bool>,
    /// Before it is sent, a third server sends the same on a TLS session of its own that it resumes.
    #[serde(default)]
    pub(crate) resumed_by_third_server: Option<bool>,
    /// When the delegation is complete it is sent again, octet for octet.
    #[serde(default)]
    pub(crate) replayed: Option<bool>,
    /// It is sent without TLS.
    #[serde(default)]
    pub(crate) plaintext: Option<bool>,
    /// It is sent as soon as this message was seen, whatever it says, and not when the procedure has it.
    #[serde(default)]
    #[schemars(with = "Option<names::Message>")]
    pub(crate) after: Option<Located<String>>,
}

/// How long something lasts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Delay {
    /// For the window that the implementation file declares.
    Window,
}

/// What is different about the TLS handshake: exactly one thing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Tls {
    /// The certificate that is presented.
    #[serde(default)]
    #[schemars(with = "Option<names::Certificate>")]
    pub(crate) certificate: Option<Certificate>,
    /// The only version that is spoken. 1.1 is offered or chosen, and not carried through.
    #[serde(default)]
    #[schemars(with = "Option<names::Version>")]
    pub(crate) version: Option<Version>,
}

/// One expectation: exactly one thing that must be seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Expectation")]
pub(crate) struct RawExpectation {
    /// The requirement that is broken otherwise; needed where the case covers several.
    #[serde(default)]
    #[schemars(with = "Option<names::RequirementId>")]
    pub(crate) requirement: Option<Located<String>>,
    /// The whole procedure: every message of the judged roles, in order, with equal data.
    #[serde(default)]
    pub(crate) procedure: Option<Whole>,
    /// What passes between the servers passes inside TLS.
    #[serde(default)]
    pub(crate) secured: Option<bool>,
    /// The messages of the judged roles in DM sessions keep rules of this kind.
    #[serde(default)]
    pub(crate) sessions: Option<SessionRule>,
    /// A message.
    #[serde(default)]
    #[schemars(with = "Option<names::Message>")]
    pub(crate) step: Option<Located<String>>,
    /// What the fields of that message must be like.
    #[serde(default, rename = "where")]
    pub(crate) fields: Option<Located<Entries<OneOrMany<Located<Condition>>>>>,
    /// A message that must not be seen.
    #[serde(default)]
    #[schemars(with = "Option<names::Message>")]
    pub(crate) never: Option<Located<String>>,
    /// What ends the prohibition: a message that the case holds back.
    #[serde(default)]
    #[schemars(with = "Option<names::Message>")]
    pub(crate) until: Option<Located<String>>,
    /// How long the prohibition lasts, where no message ends it.
    #[serde(default)]
    pub(crate) within: Option<Located<Delay>>,
    /// Fields that must have the same values; the first is what the others are compared with.
    #[serde(default)]
    #[schemars(with = "Option<Vec<names::Field>>", length(min = 2))]
    pub(crate) equal: Option<Located<Vec<Located<String>>>>,
    /// Fields that the product decides, and that must have the same values for the case to prove anything: where they have others, it is
    /// inconclusive.
    #[serde(default)]
    #[schemars(with = "Option<Vec<names::Field>>", length(min = 2))]
    pub(crate) premise: Option<Located<Vec<Located<String>>>>,
    /// A changed message that must be refused.
    #[serde(default)]
    #[schemars(with = "Option<names::Message>")]
    pub(crate) refuse: Option<Located<String>>,
    /// A message of a party that speaks one version of TLS only: the other end must speak it, too.
    #[serde(default)]
    #[schemars(with = "Option<names::Message>")]
    pub(crate) serves: Option<Located<String>>,
    /// After what the case does, a whole delegation without any change, as before it.
    #[serde(default)]
    pub(crate) survives: Option<bool>,
    /// Nothing is fetched that a hostile document refers to.
    #[serde(default)]
    pub(crate) fetches_nothing: Option<bool>,
    /// The client's tree.
    #[serde(default)]
    pub(crate) state: Option<Tried<RawState>>,
    /// Alternatives, of which one must hold.
    #[serde(default)]
    #[schemars(with = "Option<Vec<RawExpectation>>", length(min = 1))]
    pub(crate) one_of: Option<Located<Vec<Tried<Self>>>>,
}

/// The whole procedure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Whole {
    /// Every message of the judged roles, in order, with equal data.
    Whole,
}

/// What the client's tree must be like: exactly one look at it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Look")]
pub(crate) struct RawState {
    /// After which message it is looked at.
    #[schemars(with = "names::Message")]
    pub(crate) after: Located<String>,
    /// A mock server sends a command to the real client.
    #[serde(default)]
    pub(crate) probe: Option<RawProbe>,
    /// The mock client's tree has an account of a server, or has none.
    #[serde(default)]
    pub(crate) account: Option<RawAccount>,
    /// The ACL of a node in the mock client's tree.
    #[serde(default)]
    pub(crate) acl: Option<RawAcl>,
    /// No account and no ACL of the mock client has changed, but for the delegated nodes.
    #[serde(default)]
    pub(crate) unchanged: Option<bool>,
}

/// A command that a mock server sends to look at a real client's tree.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Probe")]
pub(crate) struct RawProbe {
    /// Which server sends it.
    #[serde(rename = "as")]
    #[schemars(with = "names::Role")]
    pub(crate) role: Located<String>,
    /// The command.
    pub(crate) command: ProbeCommand,
    /// The node, with `?prop=ACL` where a property is meant.
    pub(crate) node: String,
    /// The statuses that are acceptable.
    pub(crate) gives: OneOrMany<u16>,
    /// What the result must not contain: `${dms-1}`, `${dms-2}`, `${third}` stand for the server identifiers.
    #[serde(default)]
    pub(crate) lacks: Option<String>,
    /// What the result must contain.
    #[serde(default)]
    pub(crate) contains: Option<String>,
}

/// An account of a server in the client's tree.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "AccountLook")]
pub(crate) struct RawAccount {
    /// Whose.
    #[schemars(with = "names::Role")]
    pub(crate) server: Located<String>,
    /// Whether there is one.
    pub(crate) present: bool,
}

/// The ACL of a node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "AclLook")]
pub(crate) struct RawAcl {
    /// The node.
    pub(crate) node: String,
    /// ACL entries that must be there, written as an ACL: `Get=${third}`.
    #[serde(default)]
    pub(crate) grants: Option<String>,
    /// ACL entries that must not be there.
    #[serde(default)]
    pub(crate) lacks: Option<String>,
}
