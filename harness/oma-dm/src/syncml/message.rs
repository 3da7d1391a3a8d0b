//! A SyncML message, as types.

use super::{AlertCode, StatusCode};
use crate::xml::Element;

/// A message (`SyncML`): one body of a request or response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// `SyncHdr`
    pub header: Header,
    /// What is in `SyncBody`, in its order.
    pub commands: Vec<Command>,
    /// Whether it is the last message of its package (`Final`).
    pub is_final: bool,
}

/// The header of a message (`SyncHdr`).
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// `VerDTD`
    pub dtd_version: String,
    /// `VerProto`
    pub protocol_version: String,
    /// `SessionID`
    pub session_id: String,
    /// `MsgID`
    pub message_id: String,
    /// `Target`: to whom it goes.
    pub target: Address,
    /// `Source`: whom it is from; its name is the user name of the credentials.
    pub source: Address,
    /// `RespURI`: where the answer is to be sent.
    pub response_uri: Option<String>,
    /// `Cred`
    pub credentials: Option<Credentials>,
    /// `MaxMsgSize` in `Meta`, in octets.
    pub max_message_size: Option<u64>,
    /// `MaxObjSize` in `Meta`, in octets.
    pub max_object_size: Option<u64>,
}

impl Default for Header {
    /// A header of DM 1.2 without anything else in it.
    fn default() -> Self {
        Self {
            dtd_version: "1.2".to_owned(),
            protocol_version: "DM/1.2".to_owned(),
            session_id: String::new(),
            message_id: String::new(),
            target: Address::default(),
            source: Address::default(),
            response_uri: None,
            credentials: None,
            max_message_size: None,
            max_object_size: None,
        }
    }
}

/// A place (`Target`, `Source`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// `LocURI`
    pub uri: String,
    /// `LocName`
    pub name: Option<String>,
}

impl Address {
    /// The same with a name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }
}

impl From<&str> for Address {
    fn from(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            name: None,
        }
    }
}

impl From<String> for Address {
    fn from(uri: String) -> Self {
        Self { uri, name: None }
    }
}

/// What a sender proves itself with (`Cred`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// `Meta`: the kind in `Type`, base64 or not in `Format`.
    pub meta: Meta,
    /// `Data`
    pub data: String,
}

/// Information about data (`Meta`), as far as Device Management uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// `Format`
    pub format: Option<String>,
    /// `Type`: a media type, a management object identifier or a kind of authentication.
    pub media_type: Option<String>,
    /// `Size`, in octets.
    pub size: Option<u64>,
    /// `Mark`: how urgent an Alert is.
    pub mark: Option<String>,
    /// `NextNonce`, in base64 as it is written.
    pub next_nonce: Option<String>,
}

impl Meta {
    /// With nothing but a format.
    pub fn of_format(format: &str) -> Self {
        Self {
            format: Some(format.to_owned()),
            ..Self::default()
        }
    }

    /// The same with a type.
    #[must_use]
    pub fn with_type(self, media_type: &str) -> Self {
        Self {
            media_type: Some(media_type.to_owned()),
            ..self
        }
    }
}

/// Something in the body of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// What became of a command.
    Status(StatusCommand),
    /// What a Get found.
    Results(ResultsCommand),
    /// Something to take note of.
    Alert(AlertCommand),
    /// Read nodes.
    Get(Operation),
    /// Make nodes.
    Add(Operation),
    /// Write nodes that are there; in package 1, the device information.
    Replace(Operation),
    /// Remove nodes.
    Delete(Operation),
    /// Copy nodes.
    Copy(Operation),
    /// Carry out what a node stands for.
    Exec(Operation),
    /// All of these, or none.
    Atomic(Group),
    /// These in this order.
    Sequence(Group),
}

/// What became of a command (`Status`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusCommand {
    /// `CmdID`
    pub id: String,
    /// `MsgRef`: the message that had the command.
    pub message_ref: String,
    /// `CmdRef`: the command, `0` for the header.
    pub command_ref: String,
    /// `Cmd`: its name, `SyncHdr` for the header.
    pub command: String,
    /// `TargetRef`
    pub target_refs: Vec<String>,
    /// `SourceRef`
    pub source_refs: Vec<String>,
    /// `Cred`
    pub credentials: Option<Credentials>,
    /// `Chal`: its `Meta` names the kind of credentials and the next nonce.
    pub challenge: Option<Meta>,
    /// `Data`; 0 where it was no number.
    pub code: StatusCode,
    /// `Item`: for instance what the user chose.
    pub items: Vec<Item>,
}

/// What a Get found (`Results`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultsCommand {
    /// `CmdID`
    pub id: String,
    /// `MsgRef`: the message that had the Get.
    pub message_ref: String,
    /// `CmdRef`: the Get.
    pub command_ref: String,
    /// `Meta` for all items.
    pub meta: Meta,
    /// `TargetRef`
    pub target_ref: Option<String>,
    /// `SourceRef`
    pub source_ref: Option<String>,
    /// `Item`: the nodes.
    pub items: Vec<Item>,
}

/// Something to take note of (`Alert`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertCommand {
    /// `CmdID`
    pub id: String,
    /// `Data`; 0 where it was no number.
    pub code: AlertCode,
    /// `Correlator`
    pub correlator: Option<String>,
    /// `Item`
    pub items: Vec<Item>,
}

/// A command on nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {
    /// `CmdID`
    pub id: String,
    /// `Meta` for all items.
    pub meta: Meta,
    /// `Correlator` of an Exec.
    pub correlator: Option<String>,
    /// `Item`: the nodes.
    pub items: Vec<Item>,
}

/// Commands that belong together (`Atomic`, `Sequence`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// `CmdID`
    pub id: String,
    /// `Meta`
    pub meta: Meta,
    /// Its members.
    pub commands: Vec<Command>,
}

/// A node with its data (`Item`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// `Target`
    pub target: Option<Address>,
    /// `Source`
    pub source: Option<Address>,
    /// `Meta`
    pub meta: Meta,
    /// `Data`
    pub data: Option<Data>,
    /// Whether the data goes on in the next message (`MoreData`).
    pub more_data: bool,
}

/// What is in `Data`.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Text.
    Text(String),
    /// Octets, as WBXML can carry them; in XML they are written as base64.
    Bytes(Vec<u8>),
    /// An element, for instance a TNDS object that is not escaped.
    Element(Element),
}

impl Command {
    /// A Get of one node or property, without an identifier.
    pub fn get(target: &str) -> Self {
        Self::Get(Operation::on(target))
    }

    /// A Delete of one node, without an identifier.
    pub fn delete(target: &str) -> Self {
        Self::Delete(Operation::on(target))
    }

    /// An Add of one interior node, without an identifier.
    pub fn add_node(target: &str) -> Self {
        Self::Add(Operation::one(Item {
            meta: Meta::of_format("node"),
            ..Item::at(target)
        }))
    }

    /// An Add of one leaf with a text, without an identifier.
    pub fn add_text(target: &str, text: &str) -> Self {
        Self::Add(Operation::one(Item::at(target).with_text(text)))
    }

    /// A Replace of the text of one leaf, or of a property (`?prop=ACL`), without an identifier.
    pub fn replace_text(target: &str, text: &str) -> Self {
        Self::Replace(Operation::one(Item::at(target).with_text(text)))
    }

    /// An Alert with nothing but a number, without an identifier.
    pub fn alert(code: AlertCode) -> Self {
        Self::Alert(AlertCommand {
            code,
            ..AlertCommand::default()
        })
    }

    /// Its identifier (`CmdID`), empty where it has none.
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

    /// The same with another identifier.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        let place = match &mut self {
            Self::Status(status) => &mut status.id,
            Self::Results(results) => &mut results.id,
            Self::Alert(alert) => &mut alert.id,
            Self::Get(operation)
            | Self::Add(operation)
            | Self::Replace(operation)
            | Self::Delete(operation)
            | Self::Copy(operation)
            | Self::Exec(operation) => &mut operation.id,
            Self::Atomic(group) | Self::Sequence(group) => &mut group.id,
        };
        *place = id.into();
        self
    }

    /// Its name, as in `Cmd`.
    pub fn name(&self) -> &'static str {
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

    /// Its items; none for a group.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Status(status) => &status.items,
            Self::Results(results) => &results.items,
            Self::Alert(alert) => &alert.items,
            Self::Get(operation)
            | Self::Add(operation)
            | Self::Replace(operation)
            | Self::Delete(operation)
            | Self::Copy(operation)
            | Self::Exec(operation) => &operation.items,
            Self::Atomic(_) | Self::Sequence(_) => &[],
        }
    }

    /// The members of a group; none for another command.
    pub fn members(&self) -> &[Self] {
        match self {
            Self::Atomic(group) | Self::Sequence(group) => &group.commands,
            _ => &[],
        }
    }

    /// Whether it is something to carry out on a tree, as only a server sends it (and the Replace of package 1).
    pub fn is_operation(&self) -> bool {
        !matches!(self, Self::Status(_) | Self::Results(_) | Self::Alert(_))
    }
}

impl Operation {
    /// On one node, without data.
    pub fn on(target: &str) -> Self {
        Self::one(Item::at(target))
    }

    /// With one item.
    pub fn one(item: Item) -> Self {
        Self {
            items: vec![item],
            ..Self::default()
        }
    }
}

impl Item {
    /// With nothing but a target.
    pub fn at(target: &str) -> Self {
        Self {
            target: Some(target.into()),
            ..Self::default()
        }
    }

    /// The same with a text.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        Self {
            data: Some(Data::Text(text.into())),
            ..self
        }
    }

    /// Where its target is.
    pub fn target_uri(&self) -> Option<&str> {
        self.target.as_ref().map(|target| target.uri.as_str())
    }

    /// Where its source is.
    pub fn source_uri(&self) -> Option<&str> {
        self.source.as_ref().map(|source| source.uri.as_str())
    }

    /// Its data, if it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Some(Data::Text(text)) => Some(text),
            _ => None,
        }
    }
}
