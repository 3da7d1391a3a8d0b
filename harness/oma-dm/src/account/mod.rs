//! The account of a server on a device: DMAcc 1.2 (OMA-TS-DM_StdObj 5.3.1), from and to a management tree.

use std::borrow::Cow;

use thiserror::Error;

use crate::acl::{ANY_SERVER, Acl, AclError, Right, check_server_id};
use crate::auth::Secret;
use crate::tnds::{ManagementTree, TndsError, TreeNode};
use crate::tree::{Tree, TreeError};
use crate::uri::NodeUri;

mod nodes;
mod object;
#[cfg(test)]
pub(crate) mod tests;

pub use object::{AccountObject, Authentication, ServerAddress};

/// Management object identifier of an account.
pub const OBJECT_ID: &str = "urn:oma:mo:oma-dm-dmacc:1.0";

/// Whether an identifier is that of accounts: public files of the object say 1.0 and 1.1, and which number later versions of the enabler
/// have could not be established.
pub fn is_object_id(identifier: &str) -> bool {
    let minor = identifier.strip_prefix("urn:oma:mo:oma-dm-dmacc:1.");
    minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|octet| octet.is_ascii_digit()))
}

/// `AppID` of an account.
pub const APPLICATION_ID: &str = "w7";

/// What a device needs to know of a server to hold sessions with it.
///
/// Of several addresses the first is taken, and of several credentials of one level the first of the kind that the account prefers, or
/// else the first; nodes that are not named here stay in the tree, but
/// are not part of this. [`AccountObject`] has them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `ServerID`, the name under which rights are granted.
    pub server_id: String,
    /// `Name`, for people.
    pub name: Option<String>,
    /// `AppAddr/<X>/Addr`, a URL unless [`Account::address_type`] says otherwise.
    pub address: String,
    /// `AppAddr/<X>/AddrType`.
    pub address_type: AddressType,
    /// `AppAddr/<X>/Port/<X>/PortNbr`, where it is not in the address.
    pub port: Option<u16>,
    /// `AAuthPref`, the kind of authentication to try first.
    pub preferred_authentication: Option<AuthenticationType>,
    /// What the client proves itself to the server with (level `CLCRED`).
    pub client_credentials: Option<Credentials>,
    /// What the server proves itself to the client with (level `SRVCRED`).
    pub server_credentials: Option<Credentials>,
}

impl Account {
    /// An account that is reached at a URL, without credentials.
    pub fn new(server_id: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            server_id: server_id.into(),
            name: None,
            address: address.into(),
            address_type: AddressType::Uri,
            port: None,
            preferred_authentication: None,
            client_credentials: None,
            server_credentials: None,
        }
    }

    /// Where sessions are held: the address, with the port where one is stated beside it and none in it. An address that is no URL is
    /// as it is.
    pub fn url(&self) -> Cow<'_, str> {
        let address = self.address.as_str();
        let (Some(port), Some((scheme, rest))) = (self.port, address.split_once("://")) else {
            return address.into();
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // The colons of an IPv6 address are in brackets.
        let behind_host = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
        let is_usual = matches!(
            (scheme.to_ascii_lowercase().as_str(), port),
            ("https", 443) | ("http", 80)
        );
        match is_usual || behind_host.contains(':') {
            true => address.into(),
            false => format!("{scheme}://{authority}:{port}{path}").into(),
        }
    }

    /// Writes the account at `root`, the interior node of the account itself (`./DMAcc/<X>`).
    ///
    /// Over an account that is there, it changes what differs: names of inner nodes, ACLs and nodes it does not know stay.
    ///
    /// # Errors
    /// When the account is not usable ([`Account::check`]), or does not fit the tree; the tree is then as before.
    pub fn write_to(&self, tree: &mut Tree, root: &NodeUri) -> Result<(), AccountError> {
        self.check()?;
        let mut changed = tree.clone();
        nodes::write(self, &mut changed, root)?;
        *tree = changed;
        Ok(())
    }

    /// Writes nothing of the account but its nonces, where it has others than the account at `root`: what else is there stays, and
    /// so does the lack of it.
    ///
    /// # Errors
    /// When there is no account at `root`, its credentials cannot be read, or they do not fit the tree; the tree is then as
    /// before.
    pub fn write_nonces_to(&self, tree: &mut Tree, root: &NodeUri) -> Result<(), AccountError> {
        let mut changed = tree.clone();
        nodes::write_nonces(self, &mut changed, root)?;
        *tree = changed;
        Ok(())
    }

    /// Reads the account at `root`, the interior node of the account itself.
    ///
    /// # Errors
    /// When there is none, or one that no session could be held with.
    pub fn read(tree: &Tree, root: &NodeUri) -> Result<Self, AccountError> {
        let account = nodes::read(tree, root)?;
        account.check()?;
        Ok(account)
    }

    /// All accounts of a tree that can be read, with the place of each, by place.
    pub fn read_all(tree: &Tree) -> Vec<(NodeUri, Self)> {
        tree.children(&tree.settings().account_root)
            .filter_map(|(root, _)| Some((root.clone(), Self::read(tree, root).ok()?)))
            .collect()
    }

    /// The account of a server, with its place.
    pub fn find(tree: &Tree, server_id: &str) -> Option<(NodeUri, Self)> {
        tree.children(&tree.settings().account_root)
            .filter(|(root, _)| nodes::is_of(tree, root, server_id))
            .find_map(|(root, _)| Some((root.clone(), Self::read(tree, root).ok()?)))
    }

    /// The account as an object for TNDS: one node of that name, with an ACL where one is given.
    ///
    /// # Errors
    /// As [`Account::write_to`].
    pub fn to_object(&self, name: &str, acl: Option<Acl>) -> Result<ManagementTree, AccountError> {
        let mut tree = Tree::new();
        let root = NodeUri::root().join(name).map_err(TreeError::from)?;
        self.write_to(&mut tree, &root)?;
        tree.set_acl(&root, acl.unwrap_or_default())?;
        Ok(ManagementTree::from_tree(&tree, &root, |_, _| true))
    }

    /// Reads the account out of a node of an object for TNDS.
    ///
    /// # Errors
    /// As [`Account::read`], and when the node does not make a tree.
    pub fn from_object(node: &TreeNode) -> Result<Self, AccountError> {
        let mut tree = Tree::new();
        let root = NodeUri::root().join("account").map_err(TreeError::from)?;
        node.add_as(&mut tree, &root)?;
        Self::read(&tree, &root)
    }

    /// The ACL that the nodes of an account have after a bootstrap that sets none itself: Get, Replace and Delete for
    /// its server (OMA-TS-DM_Bootstrap 5.3.4).
    ///
    /// # Errors
    /// When the server identifier cannot stand in an ACL.
    pub fn bootstrap_acl(&self) -> Result<Acl, AclError> {
        bootstrap_acl(&self.server_id)
    }

    /// Whether sessions can be held with this: a server identifier that rights can be granted to, and an address.
    ///
    /// # Errors
    /// What is not so.
    pub fn check(&self) -> Result<(), AccountError> {
        check(&self.server_id, &self.address)
    }
}

fn check(server_id: &str, address: &str) -> Result<(), AccountError> {
    check_server_id(server_id)?;
    if server_id == ANY_SERVER {
        return Err(AccountError::Value {
            leaf: "ServerID",
            value: server_id.to_owned(),
        });
    }
    if address.trim().is_empty() {
        return Err(AccountError::Value {
            leaf: "Addr",
            value: address.to_owned(),
        });
    }
    Ok(())
}

/// The ACL that the nodes of an account have after a bootstrap that sets none itself.
fn bootstrap_acl(server_id: &str) -> Result<Acl, AclError> {
    Acl::empty().with(&[Right::Get, Right::Replace, Right::Delete], server_id)
}

/// What one side proves itself with (`AppAuth/<X>`). Its Debug form shows neither the secret nor the nonce.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AAuthType`.
    pub authentication_type: AuthenticationType,
    /// `AAuthName`, the user name; for a server usually its identifier.
    pub name: String,
    /// `AAuthSecret`, the password.
    pub secret: Secret,
    /// `AAuthData`, the octets of the next nonce.
    pub nonce: Vec<u8>,
}

impl Credentials {
    /// Credentials for digests.
    pub fn digest(name: impl Into<String>, secret: Secret, nonce: impl Into<Vec<u8>>) -> Self {
        Self {
            authentication_type: AuthenticationType::Digest,
            name: name.into(),
            secret,
            nonce: nonce.into(),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("authentication_type", &self.authentication_type)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Who proves itself to whom (`AAuthLevel`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The client to the server.
    Client,
    /// The server to the client.
    Server,
    /// Both ends of OBEX.
    Obex,
    /// The client to what serves HTTP.
    Http,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 4] = [Self::Client, Self::Server, Self::Obex, Self::Http];

    /// As written in an account.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "CLCRED",
            Self::Server => "SRVCRED",
            Self::Obex => "OBEX",
            Self::Http => "HTTP",
        }
    }

    /// The level with that name, in exactly that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// How one side proves itself (`AAuthType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthenticationType {
    /// HTTP basic.
    HttpBasic,
    /// HTTP digest.
    HttpDigest,
    /// `syncml:auth-basic`.
    Basic,
    /// `syncml:auth-md5`.
    Digest,
    /// `syncml:auth-MAC`.
    Hmac,
    /// `syncml:auth-X509`.
    X509,
    /// `syncml:auth-securid`.
    SecurId,
    /// `syncml:auth-safeword`.
    Safeword,
    /// `syncml:auth-digipass`.
    Digipass,
    /// What carries the session does it.
    Transport,
}

impl AuthenticationType {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::HttpBasic,
        Self::HttpDigest,
        Self::Basic,
        Self::Digest,
        Self::Hmac,
        Self::X509,
        Self::SecurId,
        Self::Safeword,
        Self::Digipass,
        Self::Transport,
    ];

    /// As written in an account.
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpBasic => "HTTP-BASIC",
            Self::HttpDigest => "HTTP-DIGEST",
            Self::Basic => "BASIC",
            Self::Digest => "DIGEST",
            Self::Hmac => "HMAC",
            Self::X509 => "X509",
            Self::SecurId => "SECURID",
            Self::Safeword => "SAFEWORD",
            Self::Digipass => "DIGIPASS",
            Self::Transport => "TRANSPORT",
        }
    }

    /// The kind with that name, in exactly that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What kind of address a server has (`AddrType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressType {
    /// A URL.
    Uri,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
}

impl AddressType {
    /// As written in an account.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uri => "URI",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }

    /// The type with that name; client provisioning writes it in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Uri, Self::Ipv4, Self::Ipv6]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// Why something is no account that can be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum AccountError {
    /// A leaf that has to be there.
    #[error("account `{root}` without `{leaf}`")]
    Missing {
        /// Its name.
        leaf: &'static str,
        /// Where it is missing.
        root: NodeUri,
    },
    /// A value that the leaf cannot have.
    #[error("`{value}` is no value for `{leaf}` of an account")]
    Value {
        /// Name of the leaf.
        leaf: &'static str,
        /// The value.
        value: String,
    },
    /// An account of something other than device management.
    #[error("account `{root}` is not one of device management (AppID `w7`)")]
    OtherApplication {
        /// The place.
        root: NodeUri,
    },
    /// A server identifier that no rights can be granted to.
    #[error(transparent)]
    Acl(#[from] AclError),
    /// It does not fit the tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// It does not make a tree.
    #[error(transparent)]
    Object(#[from] TndsError),
}
