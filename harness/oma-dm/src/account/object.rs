//! The whole of an account, as its object has it: every address, every port, every kind of credentials.

use super::{
    APPLICATION_ID, Account, AccountError, AddressType, AuthenticationType, Credentials, Level, OBJECT_ID,
    bootstrap_acl, check, nodes,
};
use crate::acl::{Acl, AclError};
use crate::tnds::TreeNode;
use crate::tree::{Format, Tree, TreeError};
use crate::uri::NodeUri;

/// An account with all that its object can hold (OMA-TS-DM_StdObj 5.3.1). Names of inner nodes are the device's own, and not
/// part of this.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountObject {
    /// `ServerID`.
    pub server_id: String,
    /// `Name`.
    pub name: Option<String>,
    /// `PrefConRef`, a node or a name of the device's own that says how to connect.
    pub preferred_connection: Option<String>,
    /// `ToConRef/<X>/ConRef`, further ones.
    pub connections: Vec<String>,
    /// `AppAddr/<X>`.
    pub addresses: Vec<ServerAddress>,
    /// `AAuthPref`; nothing where it is empty, too, which means what was agreed on last time.
    pub preferred_authentication: Option<AuthenticationType>,
    /// `AppAuth/<X>`.
    pub authentications: Vec<Authentication>,
    /// `Ext`, which belongs to vendors.
    pub extension: Option<TreeNode>,
}

/// Where a server is reached (`AppAddr/<X>`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// `Addr`.
    pub address: String,
    /// `AddrType`.
    pub address_type: AddressType,
    /// `Port/<X>/PortNbr`, where they are not in the address.
    pub ports: Vec<u16>,
}

/// Credentials and what they are for (`AppAuth/<X>`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// `AAuthLevel`.
    pub level: Level,
    /// The rest.
    pub credentials: Credentials,
}

impl AccountObject {
    /// Reads the account at `root`, the interior node of the account itself.
    ///
    /// # Errors
    /// When there is none, one that no session could be held with, or a leaf of it has a value that it cannot have.
    pub fn read(tree: &Tree, root: &NodeUri) -> Result<Self, AccountError> {
        let object = nodes::read_all(tree, root)?;
        let address = object.addresses.first().ok_or_else(|| AccountError::Missing {
            leaf: "AppAddr/<X>/Addr",
            root: root.clone(),
        })?;
        check(&object.server_id, &address.address)?;
        Ok(object)
    }

    /// Reads the account out of a node of an object for TNDS.
    ///
    /// # Errors
    /// As [`AccountObject::read`], and when the node does not make a tree.
    pub fn from_node(node: &TreeNode) -> Result<Self, AccountError> {
        let mut tree = Tree::new();
        let root = NodeUri::root().join("account").map_err(TreeError::from)?;
        node.add_as(&mut tree, &root)?;
        Self::read(&tree, &root)
    }

    /// The account as a node of that name for TNDS, with an ACL where one is given. Inner nodes are called 1, 2, 3.
    ///
    /// # Errors
    /// When no session could be held with it.
    pub fn to_node(&self, name: &str, acl: Option<Acl>) -> Result<TreeNode, AccountError> {
        let first = self.addresses.first();
        check(&self.server_id, first.map_or("", |first| first.address.as_str()))?;
        let preferred = self.preferred_authentication.map(AuthenticationType::name);
        let connections = numbered(
            self.connections
                .iter()
                .map(|connection| vec![leaf("ConRef", connection)]),
        );
        let addresses = numbered(self.addresses.iter().map(address_nodes));
        let authentications = numbered(self.authentications.iter().map(authentication_nodes));
        let children = [
            Some(leaf("AppID", APPLICATION_ID)),
            Some(leaf("ServerID", &self.server_id)),
            self.name.as_deref().map(|name| leaf("Name", name)),
            self.preferred_connection
                .as_deref()
                .map(|connection| leaf("PrefConRef", connection)),
            parent("ToConRef", connections),
            parent("AppAddr", addresses),
            preferred.map(|preferred| leaf("AAuthPref", preferred)),
            parent("AppAuth", authentications),
            self.extension.clone(),
        ];
        Ok(TreeNode {
            acl,
            type_name: Some(OBJECT_ID.to_owned()),
            ..interior(name, children.into_iter().flatten().collect())
        })
    }

    /// As [`Account::bootstrap_acl`].
    ///
    /// # Errors
    /// When the server identifier cannot stand in an ACL.
    pub fn bootstrap_acl(&self) -> Result<Acl, AclError> {
        bootstrap_acl(&self.server_id)
    }
}

impl From<&Account> for AccountObject {
    fn from(account: &Account) -> Self {
        let both = [
            (Level::Client, &account.client_credentials),
            (Level::Server, &account.server_credentials),
        ];
        let authentications = both.into_iter().filter_map(|(level, credentials)| {
            Some(Authentication {
                level,
                credentials: credentials.clone()?,
            })
        });
        Self {
            server_id: account.server_id.clone(),
            name: account.name.clone(),
            addresses: vec![ServerAddress {
                address: account.address.clone(),
                address_type: account.address_type,
                ports: account.port.into_iter().collect(),
            }],
            preferred_authentication: account.preferred_authentication,
            authentications: authentications.collect(),
            ..Self::default()
        }
    }
}

fn address_nodes(address: &ServerAddress) -> Vec<TreeNode> {
    let ports = numbered(
        address
            .ports
            .iter()
            .map(|port| vec![leaf("PortNbr", &port.to_string())]),
    );
    [
        Some(leaf("Addr", &address.address)),
        Some(leaf("AddrType", address.address_type.name())),
        parent("Port", ports),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn authentication_nodes(authentication: &Authentication) -> Vec<TreeNode> {
    let credentials = &authentication.credentials;
    let nonce = TreeNode {
        format: Some(Format::Bin),
        type_name: Some("application/octet-stream".to_owned()),
        value: Some(credentials.nonce.clone()),
        ..leaf("AAuthData", "")
    };
    vec![
        leaf("AAuthLevel", authentication.level.name()),
        leaf("AAuthType", credentials.authentication_type.name()),
        leaf("AAuthName", &credentials.name),
        leaf("AAuthSecret", credentials.secret.expose()),
        nonce,
    ]
}

fn leaf(name: &str, text: &str) -> TreeNode {
    TreeNode {
        name: name.to_owned(),
        format: Some(Format::Chr),
        type_name: Some("text/plain".to_owned()),
        value: Some(text.as_bytes().to_vec()),
        ..TreeNode::default()
    }
}

fn interior(name: &str, children: Vec<TreeNode>) -> TreeNode {
    TreeNode {
        name: name.to_owned(),
        format: Some(Format::Node),
        // An interior node that is no object of its own has a type all the same, the empty one (OMA-TS-DM_TNDS 6).
        type_name: Some(String::new()),
        children,
        ..TreeNode::default()
    }
}

/// A node that is left out where it would hold nothing.
fn parent(name: &str, children: Vec<TreeNode>) -> Option<TreeNode> {
    (!children.is_empty()).then(|| interior(name, children))
}

fn numbered(all: impl Iterator<Item = Vec<TreeNode>>) -> Vec<TreeNode> {
    all.enumerate()
        .map(|(index, children)| interior(&(index + 1).to_string(), children))
        .collect()
}
