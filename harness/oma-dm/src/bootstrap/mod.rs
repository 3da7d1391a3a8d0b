//! Bootstrap documents: what makes a device know a server (OMA-TS-DM_Bootstrap), in both profiles and both encodings.
//!
//! ```
//! use oma_dm::account::Account;
//! use oma_dm::auth::Secret;
//! use oma_dm::bootstrap::{self, Form, Keys, Protection, SecurityMethod};
//!
//! let account = Account::new("dms2.example", "https://dms2.example/dm");
//! let document = bootstrap::write(&[(&account).into()], Form::PROVISIONING_WBXML)?;
//! let keys = Keys { user_pin: Some(Secret::new("1234")), ..Keys::default() };
//! let media_type = bootstrap::protect(&document, Form::PROVISIONING_WBXML, SecurityMethod::UserPin, &keys)?;
//!
//! let bootstrap = bootstrap::read_protected(&document, &media_type.to_string(), &Protection::by_mac(keys))?;
//! assert_eq!(bootstrap.accounts().collect::<Vec<_>>(), [&account]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use thiserror::Error;

use crate::account::{Account, AccountError, AccountObject};
use crate::media_type::{MediaType, bad_parameter};
use crate::syncml::{Encoding, Observation, ReadError, StatusCode};
use crate::tnds::{ManagementTree, TndsError, TreeNode};
use crate::tree::Tree;
use crate::uri::NodeUri;

mod dm;
mod provisioning;
mod security;
#[cfg(test)]
mod tests;

pub use provisioning::ProvisioningError;
pub(crate) use provisioning::ROOT as PROVISIONING_ROOT;
pub use security::{
    Integrity, Keys, ParameterError, Protection, SecurityError, SecurityMethod, mac, pin_with_mac,
};

/// How a bootstrap is worded (OMA-TS-DM_Bootstrap 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// As a message of OMA DM, with TNDS objects.
    Dm,
    /// As a document of OMA Client Provisioning.
    ClientProvisioning,
}

/// What a bootstrap is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// How it is worded.
    pub profile: Profile,
    /// How that is put in octets.
    pub encoding: Encoding,
}

impl Form {
    /// `application/vnd.syncml.dm+wbxml`, which the specification wants for the DM profile.
    pub const DM_WBXML: Self = Self {
        profile: Profile::Dm,
        encoding: Encoding::Wbxml,
    };
    /// `application/vnd.syncml.dm+xml`, for people and for tests.
    pub const DM_XML: Self = Self {
        profile: Profile::Dm,
        encoding: Encoding::Xml,
    };
    /// `application/vnd.wap.connectivity-wbxml`.
    pub const PROVISIONING_WBXML: Self = Self {
        profile: Profile::ClientProvisioning,
        encoding: Encoding::Wbxml,
    };
    /// `text/vnd.wap.connectivity-xml`.
    pub const PROVISIONING_XML: Self = Self {
        profile: Profile::ClientProvisioning,
        encoding: Encoding::Xml,
    };

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match (self.profile, self.encoding) {
            (Profile::Dm, encoding) => encoding.media_type(),
            (Profile::ClientProvisioning, Encoding::Wbxml) => "application/vnd.wap.connectivity-wbxml",
            (Profile::ClientProvisioning, Encoding::Xml) => "text/vnd.wap.connectivity-xml",
        }
    }

    /// The form that a media type stands for.
    pub fn of(media_type: &MediaType) -> Option<Self> {
        if let Some(encoding) = Encoding::from_media_type(media_type.essence()) {
            let profile = Profile::Dm;
            return Some(Self { profile, encoding });
        }
        [Self::PROVISIONING_WBXML, Self::PROVISIONING_XML]
            .into_iter()
            .find(|form| form.media_type() == media_type.essence())
    }
}

/// A bootstrap document, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// What it is written in.
    pub form: Form,
    /// What is known of who wrote it.
    pub integrity: Integrity,
    /// The accounts it brings, at least one, each with all its nodes.
    pub entries: Vec<Entry>,
    /// What departs from the specification without making the document useless.
    pub observations: Vec<Observation>,
    /// What was passed over, since it is not supported here: identifiers of objects, other nodes, other characteristics.
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
    /// What it says, as far as sessions need it.
    pub account: Account,
    /// All its nodes, with their ACLs, those among them that [`Account`] does not know too. Without a name where the device is to
    /// choose.
    pub object: TreeNode,
}

impl Entry {
    /// An account for which the document sets no ACL: its server gets Get, Replace and Delete (OMA-TS-DM_Bootstrap 5.3.4).
    fn of_object(object: &AccountObject) -> Result<Self, AccountError> {
        let object = object.to_node("", Some(object.bootstrap_acl()?))?;
        Ok(Self {
            account: Account::from_object(&object)?,
            object,
        })
    }
}

/// Writes a bootstrap with accounts, in which each server gets Get, Replace and Delete on its own.
///
/// # Errors
/// When an account is not usable.
pub fn write(accounts: &[AccountObject], form: Form) -> Result<Vec<u8>, AccountError> {
    if form.profile == Profile::ClientProvisioning {
        return provisioning::write(accounts, form.encoding);
    }
    let objects = accounts.iter().enumerate().map(|(index, account)| {
        let name = (index + 1).to_string();
        let node = account.to_node(&name, Some(account.bootstrap_acl()?))?;
        Ok(ManagementTree {
            nodes: vec![node],
            ..ManagementTree::default()
        })
    });
    let objects: Vec<_> = objects.collect::<Result<_, AccountError>>()?;
    let sender = accounts.first().map_or("", |account| account.server_id.as_str());
    Ok(dm::write(sender, &objects, form.encoding))
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
    Ok(dm::write(&account.server_id, &[object], encoding))
}

/// The media type to send a bootstrap with, so that its receiver can check it: with `SEC`, and `MAC` unless the PIN carries it
/// ([`pin_with_mac`]).
///
/// # Errors
/// When the profile does not have the method, or a key for it is missing.
pub fn protect(
    document: &[u8],
    form: Form,
    method: SecurityMethod,
    keys: &Keys,
) -> Result<MediaType, SecurityError> {
    let media_type = MediaType::parse(form.media_type()).expect("it is a media type");
    security::protect(media_type, form.profile, document, method, keys)
}

/// Reads a bootstrap document that came over a connection which protects it. A `MAC` is noted, but not checked.
///
/// # Errors
/// When the media type is none of a bootstrap, the octets are not of that type, the document brings no account, or one that
/// no session could be held with.
pub fn read(octets: &[u8], media_type: &str) -> Result<Bootstrap, BootstrapError> {
    read_protected(octets, media_type, &Protection::by_transport())
}

/// Reads a bootstrap document, and checks how it is protected itself.
///
/// # Errors
/// As [`read`], and when the protection is not what is wanted.
pub fn read_protected(
    octets: &[u8],
    media_type: &str,
    protection: &Protection,
) -> Result<Bootstrap, BootstrapError> {
    let mut observations = Vec::new();
    let parsed = parse_media_type(media_type, &mut observations);
    let (parsed, form) = parsed
        .and_then(|parsed| Some((Form::of(&parsed)?, parsed)))
        .map(|(form, parsed)| (parsed, form))
        .ok_or_else(|| BootstrapError::MediaType {
            media_type: media_type.to_owned(),
        })?;
    let integrity = security::check(octets, &parsed, form.profile, protection, &mut observations)?;
    let (entries, noted, skipped) = match form.profile {
        Profile::Dm => {
            let read = dm::read(octets, form.encoding, &parsed)?;
            (read.entries, read.observations, read.skipped)
        }
        Profile::ClientProvisioning => {
            let read = provisioning::read(octets, form.encoding)?;
            (read.entries, read.observations, read.skipped)
        }
    };
    if entries.is_empty() {
        return Err(BootstrapError::NoAccount);
    }
    observations.extend(noted);
    Ok(Bootstrap {
        form,
        integrity,
        entries,
        observations,
        skipped,
    })
}

/// Parameters that cannot be read are noted, and left out.
fn parse_media_type(text: &str, observations: &mut Vec<Observation>) -> Option<MediaType> {
    match MediaType::parse(text) {
        Ok(media_type) => Some(media_type),
        Err(_) => {
            let plain = text.split(';').next().unwrap_or_default();
            let media_type = MediaType::parse(plain).ok()?;
            observations.push(bad_parameter("Content-Type", "a media type", text));
            Some(media_type)
        }
    }
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
    let mut moves = Vec::new();
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
                let accounts = changed.settings().account_root.clone();
                let place = changed
                    .place_for_object(&accounts, &object.name)
                    .map_err(TndsError::from)?;
                object.add_as(&mut changed, &place)?;
                if let Ok(read_at) = Tree::new().settings().account_root.join(&object.name) {
                    moves.push((read_at, place.clone()));
                }
                place
            }
        });
    }
    for (_, place) in &moves {
        changed.redirect(place, &moves).map_err(TndsError::from)?;
    }
    *tree = changed;
    Ok(places)
}

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

/// Why a bootstrap document cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BootstrapError {
    /// Not a media type of bootstrap documents.
    #[error(
        "`{media_type}` is no media type of a bootstrap document; send application/vnd.syncml.dm+wbxml \
         or application/vnd.wap.connectivity-wbxml"
    )]
    MediaType {
        /// The one given.
        media_type: String,
    },
    /// Not a document of that type at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Not protected as it has to be.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// Not a provisioning document that makes sense.
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
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
    #[error("the bootstrap brings no account; add a DMAcc object to ./Inbox, or an application w7")]
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
