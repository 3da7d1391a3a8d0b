//! The parts of a SyncML message, as far as OMA DM uses them (OMA-TS-DM_RepPro 6).
//!
//! Texts are as they were sent, without the white space around them where that means nothing; an identifier that was missing
//! is empty.

use super::{AlertCode, StatusCode};
use crate::xml::Element;

/// A SyncML message.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Message {
    /// Who says it to whom, in which session.
    pub header: Header,
    /// What is said.
    pub commands: Vec<Command>,
    /// Whether it ends its package (`Final`).
    pub is_final: bool,
}

/// `SyncHdr` (OMA-TS-DM_Protocol 8). `VerDTD` and `VerProto` are those of OMA DM 1.2 when it is written; another one is an
/// observation when it is read.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Header {
    /// `SessionID`: the client's, the same in the whole session.
    pub session_id: String,
    /// `MsgID`: the sender's, another one in each message.
    pub message_id: String,
    /// Who it is for.
    pub target: Address,
    /// Who says it.
    pub source: Address,
    /// `RespURI`: where the answer goes.
    pub response_uri: Option<String>,
    /// `Cred`, if the sender proves itself here and not in HTTP or TLS.
    pub credentials: Option<Credentials>,
    /// `MaxMsgSize`: the largest message that the sender takes, in octets.
    pub max_message_size: Option<u64>,
    /// `MaxObjSize`: the largest object that the sender takes, in octets.
    pub max_object_size: Option<u64>,
}

/// `Target` or `Source` of a header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address {
    /// `LocURI`.
    pub uri: String,
    /// `LocName`; in the source, the name that credentials are for.
    pub name: Option<String>,
}

impl From<&str> for Address {
    fn from(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            name: None,
        }
    }
}

/// `Cred` (OMA-TS-DM_RepPro 6.1.6). Its Debug form does not show the data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The scheme, such as `syncml:auth-md5`.
    pub scheme: String,
    /// The format, `b64` for all schemes of OMA DM.
    pub format: Option<String>,
    /// The data.
    pub data: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// `Chal` (OMA-TS-DM_RepPro 6.1.2). Its Debug form does not show the nonce.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// The scheme asked for.
    pub scheme: String,
    /// The format, `b64`.
    pub format: Option<String>,
    /// `NextNonce`, in base64.
    pub next_nonce: Option<String>,
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenge")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// A part of a message's body (OMA-TS-DM_RepPro 6.5, 6.6).
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Command {
    /// What came of a command.
    Status(Status),
    /// What a Get found.
    Results(Results),
    /// A notice.
    Alert(Alert),
    /// Reads nodes.
    Get(Operation),
    /// Adds nodes.
    Add(Operation),
    /// Replaces values.
    Replace(Operation),
    /// Deletes nodes.
    Delete(Operation),
    /// Copies nodes.
    Copy(Operation),
    /// Executes nodes.
    Exec(Operation),
    /// All or nothing.
    Atomic(Group),
    /// In this order.
    Sequence(Group),
}

/// A command on nodes (OMA-TS-DM_RepPro 6.6).
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Operation {
    /// `CmdID`: unique in its message, never `0`.
    pub id: String,
    /// `Meta` for all items.
    pub meta: Meta,
    /// `Correlator` (Exec only).
    pub correlator: Option<String>,
    /// The items.
    pub items: Vec<Item>,
}

/// Commands that belong together (OMA-TS-DM_RepPro 6.6).
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Group {
    /// `CmdID`.
    pub id: String,
    /// `Meta` for all of them.
    pub meta: Meta,
    /// The commands.
    pub commands: Vec<Command>,
}

/// `Status` (OMA-TS-DM_RepPro 6.5.1).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Status {
    /// `CmdID`.
    pub id: String,
    /// MsgID of the message with the command.
    pub message_ref: String,
    /// CmdID of the command; `0` is the header.
    pub command_ref: String,
    /// Name of the command.
    pub command: String,
    /// `TargetRef`s.
    pub target_refs: Vec<String>,
    /// `SourceRef`s.
    pub source_refs: Vec<String>,
    /// `Chal`.
    pub challenge: Option<Challenge>,
    /// The code.
    pub code: StatusCode,
    /// Further items.
    pub items: Vec<Item>,
}

/// `Results` (OMA-TS-DM_RepPro 6.6.12).
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Results {
    /// `CmdID`.
    pub id: String,
    /// MsgID of the message with the Get; empty where it is left out.
    pub message_ref: String,
    /// CmdID of the Get.
    pub command_ref: String,
    /// `Meta` for all items.
    pub meta: Meta,
    /// `TargetRef`.
    pub target_ref: Option<String>,
    /// `SourceRef`.
    pub source_ref: Option<String>,
    /// The items.
    pub items: Vec<Item>,
}

/// `Alert` (OMA-TS-DM_RepPro 7).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Alert {
    /// `CmdID`.
    pub id: String,
    /// The code.
    pub code: AlertCode,
    /// `Correlator`.
    pub correlator: Option<String>,
    /// The items.
    pub items: Vec<Item>,
}

/// `Item` (OMA-TS-DM_RepPro 6.3.2).
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Item {
    /// LocURI of `Target`.
    pub target: Option<String>,
    /// LocURI of `Source`.
    pub source: Option<String>,
    /// `Meta`.
    pub meta: Meta,
    /// `Data` (OMA-TS-DM_RepPro 6.3.1).
    pub data: Option<Data>,
    /// Whether more of the data follows in the next message (`MoreData`).
    pub more_data: bool,
}

/// `Meta`, as far as OMA DM uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Meta {
    /// `Format`, such as `chr` or `node`.
    pub format: Option<String>,
    /// `Type`: a media type, or the identifier of a management object.
    pub media_type: Option<String>,
    /// `Size` of the whole data as it is sent, in octets.
    pub size: Option<u64>,
    /// `Mark` of an alert.
    pub mark: Option<String>,
}

/// `Data`.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Data {
    /// Text.
    Text(String),
    /// Markup, such as a TNDS object, that stands as it is. WBXML is written so; in XML it is written as text, which it
    /// reads back as (OMA-TS-DM_RepPro 6.3.1).
    Element(Element<'static>),
    /// Octets (WBXML only).
    Bytes(Vec<u8>),
}

impl Data {
    /// How many octets it has; nothing of markup, since that depends on how it is written.
    pub(crate) fn octets(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.len()),
            Self::Bytes(octets) => Some(octets.len()),
            Self::Element(_) => None,
        }
    }
}

/// The formats of values (OMA-TS-DM_TND 7.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// An interior node.
    Node,
    /// Text.
    Chr,
    /// Octets in base64.
    B64,
}

impl Format {
    /// The name used in `Format`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Chr => "chr",
            Self::B64 => "b64",
        }
    }
}

impl Meta {
    /// A meta of a format only.
    pub fn of_format(format: Format) -> Self {
        Self {
            format: Some(format.name().to_owned()),
            ..Self::default()
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Item {
    /// An item that names a target.
    pub fn at(target: &str) -> Self {
        Self {
            target: Some(target.to_owned()),
            ..Self::default()
        }
    }

    /// The same with this text.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.data = Some(Data::Text(text.to_owned()));
        self
    }

    /// The same with this meta.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = meta;
        self
    }

    /// The data as text, as far as it is text.
    pub fn text(&self) -> Option<&str> {
        match self.data.as_ref()? {
            Data::Text(text) => Some(text),
            Data::Bytes(octets) => std::str::from_utf8(octets).ok(),
            Data::Element(_) => None,
        }
    }
}

impl Operation {
    /// An operation on items, without a CmdID yet.
    pub fn on(items: Vec<Item>) -> Self {
        Self {
            items,
            ..Self::default()
        }
    }
}

impl Command {
    /// A Get of a node or a property, without a CmdID yet.
    pub fn get(target: &str) -> Self {
        Self::Get(Operation::on(vec![Item::at(target)]))
    }

    /// A Delete of a node, without a CmdID yet.
    pub fn delete(target: &str) -> Self {
        Self::Delete(Operation::on(vec![Item::at(target)]))
    }

    /// An Add of an interior node, without a CmdID yet.
    pub fn add_node(target: &str) -> Self {
        Self::Add(Operation::on(vec![
            Item::at(target).with_meta(Meta::of_format(Format::Node)),
        ]))
    }

    /// An Add of a leaf with a text, without a CmdID yet.
    pub fn add_text(target: &str, text: &str) -> Self {
        Self::Add(Operation::on(vec![Item::at(target).with_text(text)]))
    }

    /// A Replace of the text of a leaf or of a property (`?prop=ACL`), without a CmdID yet.
    pub fn replace_text(target: &str, text: &str) -> Self {
        Self::Replace(Operation::on(vec![Item::at(target).with_text(text)]))
    }

    /// The same with a CmdID.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.set_id(id.into());
        self
    }

    /// Its CmdID.
    pub fn id(&self) -> &str {
        match self {
            Self::Status(status) => &status.id,
            Self::Results(results) => &results.id,
            Self::Alert(alert) => &alert.id,
            Self::Get(operation)
            | Self::Add(operation)
            | Self::Replace(operation)
            | Self::Delete(operation)
            | Self::Copy(operation)
            | Self::Exec(operation) => &operation.id,
            Self::Atomic(group) | Self::Sequence(group) => &group.id,
        }
    }

    /// Gives it a CmdID.
    pub fn set_id(&mut self, id: String) {
        match self {
            Self::Status(status) => status.id = id,
            Self::Results(results) => results.id = id,
            Self::Alert(alert) => alert.id = id,
            Self::Get(operation)
            | Self::Add(operation)
            | Self::Replace(operation)
            | Self::Delete(operation)
            | Self::Copy(operation)
            | Self::Exec(operation) => operation.id = id,
            Self::Atomic(group) | Self::Sequence(group) => group.id = id,
        }
    }

    /// The name of its element.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "Status",
            Self::Results(_) => "Results",
            Self::Alert(_) => "Alert",
            Self::Get(_) => "Get",
            Self::Add(_) => "Add",
            Self::Replace(_) => "Replace",
            Self::Delete(_) => "Delete",
            Self::Copy(_) => "Copy",
            Self::Exec(_) => "Exec",
            Self::Atomic(_) => "Atomic",
            Self::Sequence(_) => "Sequence",
        }
    }
}
