//! The nodes of an account (`AppID` to `AAuthData`): their names, and how they are found where a device chose them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{
    APPLICATION_ID, Account, AccountError, AddressType, AuthenticationType, Credentials, Level, OBJECT_ID,
};
use crate::auth::Secret;
use crate::tree::{Format, Node, Tree, TreeError};
use crate::uri::NodeUri;

pub(super) fn read(tree: &Tree, root: &NodeUri) -> Result<Account, AccountError> {
    let at = Reader {
        tree,
        root: root.clone(),
    };
    if at
        .text("AppID")
        .is_some_and(|application| application != APPLICATION_ID)
    {
        return Err(AccountError::OtherApplication { root: root.clone() });
    }
    let place = at.first_child("AppAddr");
    let address = place.as_ref().and_then(|place| place.text("Addr"));
    let port = place
        .as_ref()
        .and_then(|place| place.first_child("Port")?.text("PortNbr"));
    Ok(Account {
        server_id: at.required("ServerID")?,
        name: at.text("Name"),
        address: address.ok_or_else(|| at.missing("AppAddr/<X>/Addr"))?,
        address_type: place.and_then(|place| place.text("AddrType")).map_or(
            Ok(AddressType::Uri),
            |name| {
                AddressType::from_name(&name).ok_or(AccountError::Value {
                    leaf: "AddrType",
                    value: name,
                })
            },
        )?,
        port: port
            .map(|port| {
                port.parse().map_err(|_| AccountError::Value {
                    leaf: "PortNbr",
                    value: port,
                })
            })
            .transpose()?,
        // Empty: what was agreed on last time.
        preferred_authentication: at
            .text("AAuthPref")
            .filter(|name| !name.is_empty())
            .map(|name| authentication_type("AAuthPref", name))
            .transpose()?,
        client_credentials: at.credentials(Level::Client)?,
        server_credentials: at.credentials(Level::Server)?,
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

/// Reads below one node.
struct Reader<'a> {
    tree: &'a Tree,
    root: NodeUri,
}

impl<'a> Reader<'a> {
    fn node(&self, name: &str) -> Option<&'a Node> {
        self.tree.get(&self.root.join(name).ok()?)
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

    /// The place of the credentials of one level.
    fn of_level(&self, level: Level) -> Option<Self> {
        self.all_children("AppAuth")
            .into_iter()
            .find(|at| at.text("AAuthLevel").as_deref() == Some(level.name()))
    }

    fn credentials(&self, level: Level) -> Result<Option<Credentials>, AccountError> {
        let Some(at) = self.of_level(level) else {
            return Ok(None);
        };
        let nonce = match at.node("AAuthData") {
            None => Vec::new(),
            Some(node) => read_nonce(node)?,
        };
        Ok(Some(Credentials {
            authentication_type: authentication_type("AAuthType", at.required("AAuthType")?)?,
            name: at.text("AAuthName").unwrap_or_default(),
            secret: Secret::new(at.text("AAuthSecret").unwrap_or_default()),
            nonce,
        }))
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
        let nonce = at.place("AAuthData")?;
        at.tree.insert_leaf(
            &nonce,
            Format::Bin,
            "application/octet-stream",
            credentials.nonce.as_slice(),
        )?;
        Ok(())
    }
}

fn authentication_type(leaf: &'static str, name: String) -> Result<AuthenticationType, AccountError> {
    AuthenticationType::from_name(&name).ok_or(AccountError::Value { leaf, value: name })
}
