//! Test cases, resolved: the procedure, plus a small change, plus what the implementation under test must then do.

use std::collections::BTreeMap;

use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use dmconform_model::{CaseId, Class, MessageId, Place, RequirementId, Role, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claims::{Authentication, BeforeNotification, BootstrapForm, DelegationType, Encoding, StartedBy};
use crate::field::{Condition, FieldRef};

/// One test case, as the judge and the mock roles use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestCase {
    /// Its identifier.
    pub id: CaseId,
    /// What it is about, in one line.
    pub title: String,
    /// The test purpose.
    pub purpose: String,
    /// What it weighs on.
    #[serde(default, skip_serializing_if = "Class::is_conformance")]
    pub class: Class,
    /// The requirements it speaks for; each binds a role in `iut`.
    pub covers: Vec<RequirementId>,
    /// The roles that are judged; all of them must be real for the case to apply.
    pub iut: Vec<Role>,
    /// The claims without which it does not apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// The circumstances.
    pub given: Circumstances,
    /// What the mock roles do differently from the procedure.
    pub changes: Vec<Change>,
    /// What must then be seen.
    pub expect: Vec<Expectation>,
    /// The deviations of the reference implementation that it must catch.
    pub catches: Vec<String>,
    /// The case that it is a variant of, where a case file has several: what differs between them is a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_of: Option<CaseId>,
    /// Why it is not run any more, where it is not: it is listed, and never counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Where it was read.
    pub file: String,
}

impl TestCase {
    /// Whether it is a whole delegation in which nothing is changed.
    pub fn is_whole_delegation(&self) -> bool {
        let judges_all = |expected: &Expectation| matches!(expected.what, What::Procedure);
        self.class == Class::Conformance
            && self.withdrawn.is_none()
            && self.changes.is_empty()
            && self.expect.iter().any(judges_all)
    }

    /// The identifier in the case file, which variants have in common.
    pub fn family(&self) -> &CaseId {
        self.variant_of.as_ref().unwrap_or(&self.id)
    }

    /// What a mock client has instead of its secret, in the sessions with DMS-1 in which it would come for the entry of
    /// step 4; nothing where it has what it should.
    pub fn other_credentials_for_dms_1(&self) -> Option<&FieldChange> {
        let answer = MessageId::answer(Step::BootstrapEntry);
        let here = self.changes.iter().filter(|change| change.at == answer);
        here.filter_map(|change| match &change.how {
            How::SetField(fields) => fields.get("credentials"),
            _ => None,
        })
        .next()
    }
}

/// Which server opens the delegation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Opener {
    /// The delegating server.
    #[default]
    #[serde(rename = "dms-1")]
    Dms1,
    /// The delegated server.
    #[serde(rename = "dms-2")]
    Dms2,
}

/// Where the Bootstrap Server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapPlace {
    /// At an address of its own.
    #[default]
    Apart,
    /// At the address of DMS-2.
    CoLocated,
}

/// The circumstances of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Circumstances {
    /// Who opens the delegation.
    pub opens: Opener,
    /// Whether DMS-1 removes its own account in step 8b.
    pub removes_account: bool,
    /// Where the Bootstrap Server is, where it is a mock.
    pub bootstrap_server: BootstrapPlace,
    /// The nodes whose management is delegated.
    pub tree: Vec<String>,
    /// The type of delegation.
    pub delegation_type: DelegationType,
    /// ACLs that the client's tree has at the start, where the client is a mock: node → ACL. `${third}` stands
    /// for the identifier of a third server, `${dms-1}` and `${dms-2}` for those of the two.
    pub acls: BTreeMap<String, String>,
    /// How a mock client writes the messages of its DM sessions.
    pub encoding: Encoding,
    /// How the device and the servers prove themselves to each other, where accounts are made for the case.
    pub authentication: Authentication,
    /// The form in which a mock Bootstrap Server hands out the bootstrap.
    pub bootstrap: BootstrapForm,
    /// Who makes a real client open its session with DMS-1.
    pub started_by: StartedBy,
    /// What comes before the notification that asks a real client to come for the entry of step 4.
    #[serde(skip_serializing_if = "is_usual")]
    pub before_notification: BeforeNotification,
    /// Whether mock servers tell the client by RespURI to go on at another address of theirs.
    pub response_uri: bool,
    /// The longest message that a mock takes in DM sessions, in octets (`MaxMsgSize`): what is longer comes in
    /// several. A mock server also cuts its own data to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 512, max = 65536))]
    pub max_message_size: Option<u32>,
    /// Whether another delegation, of another device, is opened while this case holds back a message.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

fn is_usual(before: &BeforeNotification) -> bool {
    *before == BeforeNotification::default()
}

impl Default for Circumstances {
    fn default() -> Self {
        Self {
            opens: Opener::Dms1,
            removes_account: false,
            bootstrap_server: BootstrapPlace::Apart,
            tree: vec!["./Com".to_owned()],
            delegation_type: DelegationType::FullPermanent,
            acls: BTreeMap::new(),
            encoding: Encoding::default(),
            authentication: Authentication::default(),
            bootstrap: BootstrapForm::default(),
            started_by: StartedBy::default(),
            before_notification: BeforeNotification::default(),
            response_uri: false,
            max_message_size: None,
            beside: false,
        }
    }
}

/// One change to what a mock role does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Change {
    /// The message it concerns; its sender must be a mock.
    pub at: MessageId,
    /// What is different.
    pub how: How,
    /// Where the case file says so.
    pub place: Place,
}

/// What is different about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum How {
    /// It is held back for the declared window.
    Delay,
    /// It is not sent.
    Omit,
    /// After it was answered it is sent again, this many times, octet for octet.
    Repeat(u32),
    /// Fields have other values.
    SetField(BTreeMap<String, FieldChange>),
    /// Its body is spoiled.
    Corrupt(Corruption),
    /// It has another status: of HTTP for an exchange, of OMA DM for a Status.
    Answer(u16),
    /// The connection is closed while it is sent.
    CloseAt(CloseAt),
    /// Its sender presents another certificate.
    Tls(Certificate),
    /// Its sender speaks no other version of TLS.
    TlsVersion(Version),
    /// Before it is sent, a third server sends the same message with its own valid certificate.
    FromThirdServer,
    /// Before it is sent, a third server sends it in its own name, with the session identifier of this delegation.
    Forged,
    /// Before it is sent, a third server sends the same, twice: the second time on a resumed TLS session.
    ResumedByThirdServer,
    /// When the delegation is complete it is sent again, octet for octet.
    Replayed,
    /// It is sent an octet at a time, and never to its end.
    Slow,
    /// It is sent without TLS.
    Plaintext,
    /// It is sent as soon as this message was seen, whatever it says, and not when the procedure has it.
    After(MessageId),
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum FieldChange {
    /// It has this value. `${third}`, `${dms-1}`, `${dms-2}`, `${unused-url}` stand for what they say.
    To(String),
    /// It is left out.
    Removed,
}

/// How a body is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// Bytes that are no document of any kind.
    Garbage,
    /// The first half of the document.
    Truncated,
    /// Nothing.
    Empty,
    /// A well-formed document of a kind that is not known.
    UnknownDocument,
    /// The document under a media type that is not its own.
    WrongMediaType,
    /// A body larger than any document could be.
    Huge,
    /// XML with entities that refer to each other, and would be gigabytes if they were replaced.
    EntityBomb,
    /// XML with an entity that is to be fetched from an address at which the harness listens.
    ExternalEntity,
    /// XML with elements nested a hundred thousand deep.
    DeepNesting,
    /// WBXML with a reference beyond the end of the string table.
    StringReference,
    /// WBXML with a length of four gigabytes.
    HugeLength,
}

/// Where a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CloseAt {
    /// Before the first byte of the message.
    Start,
    /// In the middle of the message.
    Middle,
    /// After the last byte, without waiting for what would follow.
    End,
}

/// One thing that must be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expectation {
    /// What must be seen.
    pub what: What,
    /// The requirement that is broken otherwise.
    pub requirement: RequirementId,
    /// Where the case file says so.
    pub place: Place,
}

/// What must be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum What {
    /// The whole procedure, with its order and its equalities.
    Procedure,
    /// What passes between the servers passes inside TLS.
    Secured,
    /// The messages of the judged roles in DM sessions keep rules of this kind.
    Sessions(SessionRule),
    /// A message, with conditions on what it carries.
    Step {
        /// The message.
        message: MessageId,
        /// What its fields must be like.
        fields: BTreeMap<String, Vec<Condition>>,
    },
    /// A message must not be seen until another one is; or, without `until`, not at all in a window that begins
    /// when everything that the message follows in the procedure has happened.
    Never {
        /// The message that must not be seen.
        message: MessageId,
        /// What ends the prohibition; it is held back by the case.
        until: Option<MessageId>,
    },
    /// Fields must have the same values.
    Equal(Vec<FieldRef>),
    /// Fields that the product decides have the same values, without which the case proves nothing. No requirement is broken where
    /// they differ.
    Premise(Vec<FieldRef>),
    /// A message of a mock role must be refused: alert, close or a status that is not 2xx, and no later step of
    /// the refusing role.
    Refuse(MessageId),
    /// A message of a mock role that speaks one version of TLS only must find the other end to speak it, too.
    Serves(MessageId),
    /// After what the case does, the product must do a whole delegation without any change, as it did before.
    Survives,
    /// Nothing must be fetched that a hostile document refers to.
    FetchesNothing,
    /// The client's tree must be in this state.
    State(State),
    /// At least one of these must hold.
    OneOf(Vec<Expectation>),
}

/// A kind of rule on the messages of DM sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionRule {
    /// What binds whoever speaks in a session: who answers what, when, with which references.
    Regular,
    /// The form of messages and what is recommended, from which products that work with each other depart.
    InForm,
    /// Who seals a message of a session seals all that he says after it.
    Sealed,
}

/// What the client's tree must be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct State {
    /// After which message it is looked at.
    pub after: MessageId,
    /// How it is looked at and what must be found.
    pub look: Look,
}

/// A look at the client's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Look {
    /// A mock server sends a command to the real client.
    Probe {
        /// Which server.
        #[serde(rename = "as")]
        #[schemars(with = "String")]
        role: Role,
        /// The command.
        command: ProbeCommand,
        /// The node, with `?prop=ACL` where a property is meant.
        node: String,
        /// The statuses that are acceptable.
        gives: Vec<u16>,
        /// What the result must not have in it, as a server in an ACL, as a name among those of a node's children, or as the value of a
        /// leaf: `${dms-1}`, `${dms-2}` stand for the server identifiers, `${removed-account}` for the name
        /// of the account that was removed in step 8b.
        #[serde(default)]
        lacks: Option<String>,
        /// What the result must have in it, in the same way; `${entry-url}` stands for the URL that was written in step 4.
        #[serde(default)]
        contains: Option<String>,
    },
    /// The mock client's tree has an account of a server, or has none.
    Account {
        /// Whose.
        #[schemars(with = "String")]
        server: Role,
        /// Whether there is one.
        present: bool,
    },
    /// The ACL of a node in the mock client's tree.
    Acl {
        /// The node.
        node: String,
        /// ACL entries that must be there, written as an ACL: `Get=${third}`.
        #[serde(default)]
        grants: Option<String>,
        /// ACL entries that must not be there.
        #[serde(default)]
        lacks: Option<String>,
    },
    /// No account and no ACL of the mock client has changed since the start, but for the delegated nodes.
    Unchanged,
}

/// A command that a mock server sends to look at a real client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeCommand {
    /// Read a value or a property.
    Get,
    /// Write a value.
    Replace,
    /// Add a node below.
    Add,
}
