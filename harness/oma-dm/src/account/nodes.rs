//! The nodes of an account (`AppID` to `AAuthData`): their names, and how they are found where a device chose them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{
    APPLICATION_ID, Account, AccountError, AccountObject, AddressType, Authentication, AuthenticationType,
    Credentials, Level, OBJECT_ID, ServerAddress,
};
use crate::auth::Secret;
use crate::tnds::{ManagementTree, TreeNode};
use crate::tree::{Format, Node, Tree, TreeError};
use crate::uri::NodeUri;

pub(super) fn read(tree: &Tree, root: &NodeUri) -> Result<Account, AccountError> {
    let at = Reader::of_account(tree, root)?;
    let server_id = at.required("ServerID")?;
    let place = at
        .first_child("AppAddr")
        .filter(|place| place.text("Addr").is_some())
        .ok_or_else(|| at.missing("AppAddr/<X>/Addr"))?;
    let ServerAddress {
        address,
        address_type,
        ports,
    } = place.address()?;
    let credentials = |level| at.of_level(level).map(|at| at.credentials()).transpose();
    Ok(Account {
        server_id,
        name: at.text("Name"),
        address,
        address_type,
        port: ports.first().copied(),
        preferred_authentication: at.preferred_authentication()?,
        client_credentials: credentials(Level::Client)?,
        server_credentials: credentials(Level::Server)?,
    })
}

/// Whether the account at a place is that of a server, as far as it says.
pub(super) fn is_of(tree: &Tree, root: &NodeUri, server_id: &str) -> bool {
    tree.child(root, "ServerID").and_then(Node::text) == Some(server_id)
}

pub(super) fn read_all(tree: &Tree, root: &NodeUri) -> Result<AccountObject, AccountError> {
    let at = Reader::of_account(tree, root)?;
    Ok(AccountObject {
        server_id: at.required("ServerID")?,
        name: at.text("Name"),
        preferred_connection: at.text("PrefConRef"),
        connections: at
            .all_children("ToConRef")
            .iter()
            .map(|at| at.required("ConRef"))
            .collect::<Result<_, _>>()?,
        addresses: at
            .all_children("AppAddr")
            .iter()
            .map(Reader::address)
            .collect::<Result<_, _>>()?,
        preferred_authentication: at.preferred_authentication()?,
        authentications: at
            .all_children("AppAuth")
            .iter()
            .map(Reader::authentication)
            .collect::<Result<_, _>>()?,
        extension: at.subtree("Ext"),
    })
}

pub(super) fn write(account: &Account, tree: &mut Tree, root: &NodeUri) -> Result<(), AccountError> {
    let mut at = Writer {
        tree,
        root: root.clone(),
    };
    at.interior_of_type("", OBJECT_ID)?;
    at.text("AppID", APPLICATION_ID)?;
    at.text("ServerID", &account.server_id)?;
    at.optional_text("Name", account.name.as_deref())?;
    at.optional_text(
        "AAuthPref",
        account.preferred_authentication.map(AuthenticationType::name),
    )?;
    let mut place = at.first_child("AppAddr", "1")?;
    place.text("Addr", &account.address)?;
    place.text("AddrType", account.address_type.name())?;
    if let Some(port) = account.port {
        place
            .first_child("Port", "1")?
            .text("PortNbr", &port.to_string())?;
    }
    let both = [
        (Level::Client, &account.client_credentials),
        (Level::Server, &account.server_credentials),
    ];
    for (level, credentials) in both {
        if let Some(credentials) = credentials {
            at.credentials(level, credentials)?;
        }
    }
    Ok(())
}

pub(super) fn write_nonces(account: &Account, tree: &mut Tree, root: &NodeUri) -> Result<(), AccountError> {
    let both = [
        (Level::Client, &account.client_credentials),
        (Level::Server, &account.server_credentials),
    ];
    // Nothing is written where there is no account.
    Reader::of_account(tree, root)?.required("ServerID")?;
    for (level, credentials) in both {
        let Some(credentials) = credentials else {
            continue;
        };
        let Some(at) = Reader::of_account(tree, root)?.of_level(level) else {
            continue;
        };
        if at.credentials()?.nonce != credentials.nonce {
            let root = at.root;
            Writer { tree, root }.nonce(&credentials.nonce)?;
        }
    }
    Ok(())
}

/// Reads below one node.
struct Reader<'a> {
    tree: &'a Tree,
    root: NodeUri,
}

impl<'a> Reader<'a> {
    fn of_account(tree: &'a Tree, root: &NodeUri) -> Result<Self, AccountError> {
        let root = root.clone();
        let at = Self { tree, root };
        match at.text("AppID") {
            Some(application) if application != APPLICATION_ID => {
                Err(AccountError::OtherApplication { root: at.root })
            }
            _ => Ok(at),
        }
    }

    fn node(&self, name: &str) -> Option<&'a Node> {
        self.tree.child(&self.root, name)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.node(name)?.text().map(str::to_owned)
    }

    fn required(&self, name: &'static str) -> Result<String, AccountError> {
        self.text(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, leaf: &'static str) -> AccountError {
        AccountError::Missing {
            leaf,
            root: self.root.clone(),
        }
    }

    /// The nodes below an interior child, whatever they are called.
    fn all_children(&self, name: &str) -> Vec<Self> {
        let Ok(parent) = self.root.join(name) else {
            return Vec::new();
        };
        let children = self.tree.children(&parent);
        children
            .map(|(child, _)| Self {
                tree: self.tree,
                root: child.clone(),
            })
            .collect()
    }

    fn first_child(&self, name: &str) -> Option<Self> {
        self.all_children(name).into_iter().next()
    }

    /// The place of the credentials of one level: of several, the first of the kind that is to be tried first, if there is one.
    fn of_level(&self, level: Level) -> Option<Self> {
        let mut places = self.all_children("AppAuth");
        places.retain(|at| at.text("AAuthLevel").as_deref() == Some(level.name()));
        let preferred = self.text("AAuthPref");
        let is_preferred = |at: &Self| preferred.is_some() && at.text("AAuthType") == preferred;
        let chosen = places.iter().position(is_preferred).unwrap_or(0);
        places.into_iter().nth(chosen)
    }

    /// A place of `AppAddr`.
    fn address(&self) -> Result<ServerAddress, AccountError> {
        let address_type = match self.text("AddrType") {
            None => AddressType::Uri,
            Some(value) => AddressType::from_name(&value).ok_or(AccountError::Value {
                leaf: "AddrType",
                value,
            })?,
        };
        let ports = self.all_children("Port").into_iter().map(|at| {
            let value = at.required("PortNbr")?;
            value.parse().map_err(|_| AccountError::Value {
                leaf: "PortNbr",
                value,
            })
        });
        Ok(ServerAddress {
            address: self.required("Addr")?,
            address_type,
            ports: ports.collect::<Result<_, _>>()?,
        })
    }

    /// A place of `AppAuth`.
    fn authentication(&self) -> Result<Authentication, AccountError> {
        let level = self.required("AAuthLevel")?;
        Ok(Authentication {
            level: Level::from_name(&level).ok_or(AccountError::Value {
                leaf: "AAuthLevel",
                value: level,
            })?,
            credentials: self.credentials()?,
        })
    }

    fn credentials(&self) -> Result<Credentials, AccountError> {
        let nonce = match self.node("AAuthData") {
            None => Vec::new(),
            Some(node) => read_nonce(node)?,
        };
        Ok(Credentials {
            authentication_type: authentication_type("AAuthType", self.required("AAuthType")?)?,
            name: self.text("AAuthName").unwrap_or_default(),
            secret: Secret::new(self.text("AAuthSecret").unwrap_or_default()),
            nonce,
        })
    }

    /// Empty means what was agreed on last time.
    fn preferred_authentication(&self) -> Result<Option<AuthenticationType>, AccountError> {
        let name = self.text("AAuthPref").filter(|name| !name.is_empty());
        name.map(|name| authentication_type("AAuthPref", name))
            .transpose()
    }

    /// A child with all below it.
    fn subtree(&self, name: &str) -> Option<TreeNode> {
        let place = self.root.join(name).ok()?;
        let object = ManagementTree::from_tree(self.tree, &place, |_, _| true);
        let node = object.nodes.into_iter().next()?;
        Some(TreeNode { path: None, ..node })
    }
}

/// The leaf is `bin`; where a server wrote it as text it means base64, as everywhere else that a nonce is text.
fn read_nonce(node: &Node) -> Result<Vec<u8>, AccountError> {
    let value = node.value().unwrap_or_default();
    if node.format() == Format::Bin {
        return Ok(value.to_vec());
    }
    BASE64.decode(value).map_err(|_| AccountError::Value {
        leaf: "AAuthData",
        value: "(text that is not base64)".to_owned(),
    })
}

/// Writes below one node.
struct Writer<'a> {
    tree: &'a mut Tree,
    root: NodeUri,
}

impl Writer<'_> {
    fn place(&self, name: &str) -> Result<NodeUri, AccountError> {
        match name {
            "" => Ok(self.root.clone()),
            _ => Ok(self.root.join(name).map_err(TreeError::from)?),
        }
    }

    fn interior_of_type(&mut self, name: &str, type_name: &str) -> Result<(), AccountError> {
        let place = self.place(name)?;
        Ok(self.tree.insert_interior(&place, type_name)?)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), AccountError> {
        let place = self.place(name)?;
        Ok(self.tree.insert_leaf(&place, Format::Chr, "text/plain", text)?)
    }

    /// A leaf that may be missing: it goes when there is nothing to write.
    fn optional_text(&mut self, name: &str, text: Option<&str>) -> Result<(), AccountError> {
        if let Some(text) = text {
            return self.text(name, text);
        }
        let place = self.place(name)?;
        if self.tree.get(&place).is_some() {
            self.tree.remove(&place)?;
        }
        Ok(())
    }

    /// The first node below an interior child, or a new one with the name given.
    fn first_child(&mut self, name: &str, otherwise: &str) -> Result<Writer<'_>, AccountError> {
        let parent = self.place(name)?;
        let first = self.tree.children(&parent).next().map(|(child, _)| child.clone());
        let root = match first {
            Some(first) => first,
            None => parent.join(otherwise).map_err(TreeError::from)?,
        };
        Ok(Writer {
            tree: self.tree,
            root,
        })
    }

    fn credentials(&mut self, level: Level, credentials: &Credentials) -> Result<(), AccountError> {
        let there = Reader {
            tree: self.tree,
            root: self.root.clone(),
        }
        .of_level(level)
        .map(|at| at.root);
        let root = match there {
            Some(root) => root,
            None => self
                .tree
                .free_child(&self.place("AppAuth")?, level.name())
                .map_err(TreeError::from)?,
        };
        let mut at = Writer {
            tree: self.tree,
            root,
        };
        at.text("AAuthLevel", level.name())?;
        at.text("AAuthType", credentials.authentication_type.name())?;
        at.text("AAuthName", &credentials.name)?;
        at.text("AAuthSecret", credentials.secret.expose())?;
        at.nonce(&credentials.nonce)
    }

    /// The nonce of the credentials here.
    fn nonce(&mut self, nonce: &[u8]) -> Result<(), AccountError> {
        let place = self.place("AAuthData")?;
        Ok(self
            .tree
            .insert_leaf(&place, Format::Bin, "application/octet-stream", nonce)?)
    }
}

fn authentication_type(leaf: &'static str, name: String) -> Result<AuthenticationType, AccountError> {
    AuthenticationType::from_name(&name).ok_or(AccountError::Value { leaf, value: name })
}
