//! Bootstrap documents: what makes a device know a server (OMA-TS-DM_Bootstrap).

use thiserror::Error;

use crate::account::{Account, AccountError};
use crate::acl::{Acl, Right};
use crate::syncml::{
    self, Address, Command, Data, Encoding, Header, Item, Message, Meta, Observation, Operation, ReadError,
    StatusCode,
};
use crate::tnds::{self, ManagementTree, TndsError, TreeNode};
use crate::tree::{Outcome, Tree};
use crate::uri::NodeUri;

#[cfg(test)]
mod tests;

/// A bootstrap document, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// The accounts it brings, at least one, each with all its nodes.
    pub entries: Vec<Entry>,
    /// What departs from the specification without making the document useless.
    pub observations: Vec<Observation>,
    /// Commands that were passed over, each with its target: objects that are not supported here.
    pub skipped: Vec<String>,
}

impl Bootstrap {
    /// The accounts it brings.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.entries.iter().map(|entry| &entry.account)
    }
}

/// An account in a bootstrap document.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it says.
    pub account: Account,
    /// All its nodes, with their ACLs, those among them that [`Account`] does not know too.
    pub object: TreeNode,
}

/// Writes a bootstrap of the DM profile: a message without authentication that adds an account to `./Inbox`, with Get, Replace
/// and Delete on it for its server (OMA-TS-DM_Bootstrap 5.4).
///
/// The specification wants WBXML; XML is for people and for tests.
///
/// # Errors
/// When the account is not usable ([`Account::check`]).
pub fn write_dm_profile(account: &Account, encoding: Encoding) -> Result<Vec<u8>, AccountError> {
    let object = account.to_object("account", Some(account.bootstrap_acl()?))?;
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
    let item = Item {
        target: Some(INBOX.into()),
        meta,
        data: Some(data),
        ..Item::default()
    };
    let add = Operation {
        id: "1".into(),
        items: vec![item],
        ..Operation::default()
    };
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
                uri: account.server_id.clone(),
                name: None,
            },
            ..Header::default()
        },
        commands: vec![Command::Add(add)],
        is_final: true,
    };
    Ok(syncml::write(&message, encoding))
}

/// Reads a bootstrap document.
///
/// # Errors
/// When the media type is none of a bootstrap, the octets are not of that type, the document brings no account, or one that
/// no session could be held with.
pub fn read(octets: &[u8], media_type: &str) -> Result<Bootstrap, BootstrapError> {
    let encoding = Encoding::from_media_type(media_type).ok_or_else(|| BootstrapError::MediaType {
        media_type: media_type.to_owned(),
    })?;
    let reading = syncml::read(octets, encoding)?;
    // The message is carried out on a device that has nothing, so that it may be worded in any way that a device takes.
    let mut device = Tree::new();
    let everything = Acl::empty()
        .with(&Right::ALL, BOOTSTRAP_SERVER)
        .expect("the name can stand in an ACL");
    device
        .set_acl(&NodeUri::root(), everything)
        .expect("the root is there, and the ACL is not empty");
    let mut skipped = Vec::new();
    for command in &reading.message.commands {
        check_objects(command)?;
        for outcome in device.execute(BOOTSTRAP_SERVER, command) {
            match outcome.status {
                status if status.is_success() => {}
                StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED => skipped.push(target_of(&outcome)),
                status => {
                    return Err(BootstrapError::Command {
                        command: outcome.command,
                        target: target_of(&outcome),
                        status,
                    });
                }
            }
        }
    }
    let entries = entries(&device)?;
    if entries.is_empty() {
        return Err(BootstrapError::NoAccount);
    }
    Ok(Bootstrap {
        entries,
        observations: reading.observations,
        skipped,
    })
}

/// Adds the accounts of a bootstrap to a device, under names of their own below `./DMAcc`, and says where. All or none; nothing
/// else in the tree changes.
///
/// An account that is there already, but for nonces that have moved on since, is left as it is: a repeated bootstrap does no harm.
///
/// # Errors
/// When a server that has another account here would get a second one, or the tree cannot take it.
pub fn apply(bootstrap: &Bootstrap, tree: &mut Tree) -> Result<Vec<NodeUri>, BootstrapError> {
    let mut changed = tree.clone();
    let mut places = Vec::new();
    for Entry { account, object } in &bootstrap.entries {
        places.push(match account_of(&changed, &account.server_id) {
            Some((place, there)) if there.as_ref().is_some_and(|there| is_repeat(there, account)) => place,
            Some((place, _)) => {
                return Err(BootstrapError::ServerHasAccount {
                    server_id: account.server_id.clone(),
                    place,
                });
            }
            None => {
                let place = crate::account::free_place(&changed, object).map_err(TndsError::from)?;
                object.add_as(&mut changed, &place)?;
                place
            }
        });
    }
    *tree = changed;
    Ok(places)
}

const INBOX: &str = "./Inbox";

/// Whom the commands of a bootstrap are carried out for, while it is read.
const BOOTSTRAP_SERVER: &str = "bootstrap";

/// The account of a server, usable or not.
fn account_of(tree: &Tree, server_id: &str) -> Option<(NodeUri, Option<Account>)> {
    tree.children(&tree.settings().account_root)
        .find(|(place, _)| {
            place
                .join("ServerID")
                .is_ok_and(|leaf| tree.text(&leaf) == Some(server_id))
        })
        .map(|(place, _)| (place.clone(), Account::read(tree, place).ok()))
}

fn is_repeat(there: &Account, account: &Account) -> bool {
    let without_nonces = |account: &Account| {
        let mut account = account.clone();
        let both = [
            account.client_credentials.as_mut(),
            account.server_credentials.as_mut(),
        ];
        both.into_iter()
            .flatten()
            .for_each(|credentials| credentials.nonce.clear());
        account
    };
    without_nonces(there) == without_nonces(account)
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

/// Says of an object what is wrong with it, where its status alone would not.
fn check_objects(command: &Command) -> Result<(), BootstrapError> {
    let Command::Add(add) = command else { return Ok(()) };
    for item in &add.items {
        for node in ManagementTree::of_item(&add.meta, item)?
            .iter()
            .flat_map(|object| &object.nodes)
        {
            if node.type_name.as_deref() == Some(crate::account::OBJECT_ID) {
                Account::from_object(node)?;
            }
        }
    }
    Ok(())
}

fn target_of(outcome: &Outcome) -> String {
    outcome.target.clone().unwrap_or_default()
}

/// Why a bootstrap document cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BootstrapError {
    /// Not a media type of bootstrap documents.
    #[error("`{media_type}` is no media type of a bootstrap document; send application/vnd.syncml.dm+wbxml")]
    MediaType {
        /// The one given.
        media_type: String,
    },
    /// Not a message at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A command of it that no device could carry out.
    #[error("{command} of `{target}` in the bootstrap is refused with {}", status.0)]
    Command {
        /// Name of the command.
        command: &'static str,
        /// Its target.
        target: String,
        /// With what it was refused.
        status: StatusCode,
    },
    /// It tells of no server.
    #[error("the bootstrap brings no account; add a DMAcc object to ./Inbox")]
    NoAccount,
    /// The account it brings is not usable.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The object it brings is none.
    #[error(transparent)]
    Object(#[from] TndsError),
    /// It would get in the way of an account that is there.
    #[error(
        "server `{server_id}` has the account `{place}` already, with other data; the bootstrap is not applied"
    )]
    ServerHasAccount {
        /// The server.
        server_id: String,
        /// Its account.
        place: NodeUri,
    },
}
