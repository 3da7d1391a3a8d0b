//! The DM profile: a message that adds objects to the Inbox, without authentication and without an answer
//! (OMA-TS-DM_Bootstrap 5.4).

use std::borrow::Cow;

use super::{BootstrapError, Entry};
use crate::account::{self, Account};
use crate::acl::{Acl, Right};
use crate::media_type::MediaType;
use crate::syncml::{
    self, Address, Command, Data, Encoding, Group, Header, Item, Message, Meta, Observation, Operation,
};
use crate::tnds::{self, ManagementTree, TreeNode};
use crate::tree::{Outcome, Tree};
use crate::uri::NodeUri;
use crate::xml::Element;

const INBOX: &str = "./Inbox";

/// Whom the commands of a bootstrap are carried out for, while it is read.
const BOOTSTRAP_SERVER: &str = "bootstrap";

/// What a bootstrap message brings.
pub(super) struct BootstrapMessage {
    pub(super) entries: Vec<Entry>,
    pub(super) observations: Vec<Observation>,
    /// Identifiers of the objects that were passed over, and other nodes.
    pub(super) skipped: Vec<String>,
}

/// Writes a message of a server that adds objects to the Inbox, each with a command of its own.
pub(super) fn write(server_id: &str, objects: &[ManagementTree], encoding: Encoding) -> Vec<u8> {
    let adds = objects.iter().enumerate().map(|(index, object)| {
        Command::Add(Operation {
            id: (index + 1).to_string(),
            items: vec![item(object, encoding)],
            ..Operation::default()
        })
    });
    let message = Message {
        header: Header {
            session_id: "0".into(),
            message_id: "1".into(),
            // Nothing is said of how a device is addressed that has not been heard of; the root is.
            target: Address {
                uri: ".".to_owned(),
                name: None,
            },
            source: Address {
                uri: server_id.to_owned(),
                name: None,
            },
            ..Header::default()
        },
        commands: adds.collect(),
        is_final: true,
    };
    syncml::write(&message, encoding)
}

fn item(object: &ManagementTree, encoding: Encoding) -> Item {
    let (format, media_type, data) = match encoding {
        Encoding::Wbxml => ("bin", tnds::WBXML_MEDIA_TYPE, Data::Bytes(object.to_wbxml())),
        Encoding::Xml => {
            let xml = String::from_utf8(object.to_xml()).expect("the XML writer writes UTF-8");
            ("xml", tnds::XML_MEDIA_TYPE, Data::Text(xml))
        }
    };
    let meta = Meta {
        format: Some(format.to_owned()),
        media_type: Some(media_type.to_owned()),
        ..Meta::default()
    };
    Item {
        target: Some(INBOX.into()),
        meta,
        data: Some(data),
        ..Item::default()
    }
}

/// Reads a message. It is carried out on a device that has nothing, so that it may be worded in any way that a device takes.
pub(super) fn read(
    octets: &[u8],
    encoding: Encoding,
    media_type: &MediaType,
) -> Result<BootstrapMessage, BootstrapError> {
    let reading = syncml::read(octets, encoding)?;
    let mut device = Tree::new();
    let everything = Acl::empty()
        .with(&Right::ALL, BOOTSTRAP_SERVER)
        .expect("the name can stand in an ACL");
    device
        .set_acl(&NodeUri::root(), everything)
        .expect("the root is there, and the ACL is not empty");
    let mut passed = Passed {
        accounts: Vec::new(),
        skipped: Vec::new(),
        observations: [media_type.departures(&reading), reading.observations].concat(),
    };
    for command in reading.message.commands {
        let supported = passed.supported(command);
        let Some(command) = supported.map_err(|error| passed.wrong_account().unwrap_or(error))? else {
            continue;
        };
        for outcome in device.execute(BOOTSTRAP_SERVER, &command) {
            if !outcome.status.is_success() {
                return Err(passed.refused(outcome));
            }
        }
    }
    let root = NodeUri::root();
    let others = device
        .children(&root)
        .map(|(place, _)| place)
        .filter(|place| !device.settings().account_root.starts_with(place));
    passed.skipped.extend(others.map(NodeUri::to_string));
    Ok(BootstrapMessage {
        entries: entries(&device)?,
        observations: passed.observations,
        skipped: passed.skipped,
    })
}

/// What is passed over and noted on the way.
struct Passed {
    /// What the Inbox was to make accounts of.
    accounts: Vec<TreeNode>,
    skipped: Vec<String>,
    observations: Vec<Observation>,
}

impl Passed {
    /// Why a command was refused: what is wrong with an account, where its status alone would not say it.
    fn refused(&self, outcome: Outcome) -> BootstrapError {
        self.wrong_account().unwrap_or_else(|| BootstrapError::Command {
            command: outcome.command,
            target: outcome.target.unwrap_or_default(),
            status: outcome.status,
        })
    }

    /// What is wrong with the first account that is none.
    fn wrong_account(&self) -> Option<BootstrapError> {
        let of_account = |node| Account::from_object(node).err();
        self.accounts
            .iter()
            .find_map(of_account)
            .map(BootstrapError::from)
    }

    /// The command without the objects that are not supported, which a device may skip (OMA-TS-DM_Bootstrap 5.4.5); nothing where
    /// nothing is left of it.
    fn supported(&mut self, command: Command) -> Result<Option<Command>, BootstrapError> {
        match command {
            Command::Add(add) => self.items(add),
            Command::Atomic(group) => Ok(Some(Command::Atomic(self.members(group)?))),
            Command::Sequence(group) => Ok(Some(Command::Sequence(self.members(group)?))),
            other => Ok(Some(other)),
        }
    }

    fn members(&mut self, mut group: Group) -> Result<Group, BootstrapError> {
        let mut kept = Vec::new();
        for member in group.commands {
            kept.extend(self.supported(member)?);
        }
        group.commands = kept;
        Ok(group)
    }

    fn items(&mut self, mut add: Operation) -> Result<Option<Command>, BootstrapError> {
        let mut kept = Vec::new();
        for mut item in std::mem::take(&mut add.items) {
            if let Some(object) = ManagementTree::element_of_item(&add.meta, &item)? {
                let known = self.known_of(item.target.as_deref(), &object)?;
                let read = match object {
                    Cow::Owned(read) => Some(read),
                    Cow::Borrowed(_) => None,
                };
                item.data = match known {
                    Known::All => read.map(Data::Element).or(item.data),
                    Known::Some(known) => Some(Data::Element(known.to_element().into_owned())),
                    Known::Nothing => continue,
                };
            }
            kept.push(item);
        }
        if kept.is_empty() {
            return Ok(None);
        }
        add.items = kept;
        Ok(Some(Command::Add(add)))
    }

    fn known_of(&mut self, target: Option<&str>, object: &Element) -> Result<Known, BootstrapError> {
        let tree = ManagementTree::from_element(object)?;
        // An object in text or octets has places of its own, which are none of the message.
        let inside = tnds::departures(object).into_iter().map(|noted| Observation {
            path: format!("SyncBody/Add/Item/Data/{}", noted.path),
            at: 0..0,
            ..noted
        });
        self.observations.extend(inside);
        let is_for_inbox = target.is_some_and(is_inbox);
        let is_account = |node: &TreeNode| node.type_name.as_deref().is_some_and(account::is_object_id);
        let (known, unknown): (Vec<_>, Vec<_>) = tree
            .nested()
            .nodes
            .into_iter()
            .partition(|node| !is_for_inbox || is_account(node));
        let accounts = known.iter().filter(|node| is_account(node));
        match is_for_inbox {
            // The Inbox looks at them itself.
            true => self.accounts.extend(accounts.cloned()),
            false => accounts
                .into_iter()
                .try_for_each(|node| Account::from_object(node).map(drop))?,
        }
        let is_all = unknown.is_empty() && is_for_inbox;
        self.skipped.extend(unknown.into_iter().map(identifier));
        Ok(match known.as_slice() {
            [] => Known::Nothing,
            _ if is_all => Known::All,
            _ => Known::Some(ManagementTree {
                nodes: known,
                ..ManagementTree::default()
            }),
        })
    }
}

/// What of an object is known here.
enum Known {
    All,
    Some(ManagementTree),
    Nothing,
}

fn is_inbox(target: &str) -> bool {
    let inbox = NodeUri::parse(INBOX).expect("it is a node URI");
    NodeUri::parse(target).is_ok_and(|target| target.starts_with(&inbox))
}

fn identifier(node: TreeNode) -> String {
    node.type_name
        .filter(|identifier| !identifier.is_empty())
        .unwrap_or(node.name)
}

fn entries(device: &Tree) -> Result<Vec<Entry>, BootstrapError> {
    let entry = |place: &NodeUri| {
        let account = Account::read(device, place)?;
        let object = ManagementTree::from_tree(device, place, |_, _| true)
            .nodes
            .into_iter()
            .next();
        let object = object
            .map(|object| TreeNode { path: None, ..object })
            .unwrap_or_default();
        Ok(Entry { account, object })
    };
    device
        .children(&device.settings().account_root)
        .map(|(place, _)| entry(place))
        .collect()
}
