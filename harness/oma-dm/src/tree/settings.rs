//! What differs between devices: well-known places, limits, access types of nodes that come into being later.

use super::node::{AccessTypes, Node};
use crate::account;
use crate::acl::{ANY_SERVER, Acl, Right};
use crate::uri::{NodeUri, UriLimits};

/// Most octets that all values of a tree have together, usually: many times what an object in parts may have.
const MAX_OCTETS: usize = 32 * 1024 * 1024;

/// What a device's tree follows beyond the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the accounts are, one interior node for each; `./DMAcc` here, though devices may choose.
    pub account_root: NodeUri,
    /// The place whose Adds the device puts elsewhere, by management object identifier (OMA-TS-DM_StdObj 5.3.4).
    pub inbox: NodeUri,
    /// Where other objects than accounts are put that come through the Inbox: identifier of the object, and the node above it.
    pub objects: Vec<(String, NodeUri)>,
    /// What an Add does when nodes above its target are missing; both are allowed.
    pub missing_parents: MissingParents,
    /// Most nodes the tree holds; past it, Add is answered with 420.
    pub max_nodes: usize,
    /// Most octets a value has; past it, 413 is answered.
    pub max_value: usize,
    /// Most octets that all values have together; past it, Add, Copy and Replace are answered with 420.
    pub max_octets: usize,
    /// How long and how deep URIs may be; past it, 414 is answered.
    pub uri_limits: UriLimits,
    /// Whether TNDS objects are supported. Where they are not, 415 is answered to an Add of one, and 406 to `?list=TNDS`.
    pub takes_objects: bool,
    /// Access types of nodes as they are made; the first rule that fits counts. Secrets and nonces of accounts cannot be read in any
    /// case.
    pub rules: Vec<Rule>,
    /// The ACL of the root when the device left the factory, `Add=*&Get=*` where it is empty.
    pub root_acl: Acl,
}

impl Settings {
    pub(super) fn factory_root_acl(&self) -> Acl {
        if !self.root_acl.is_empty() {
            return self.root_acl.clone();
        }
        Acl::empty()
            .with(&[Right::Add, Right::Get], ANY_SERVER)
            .expect("`*` can stand in an ACL")
    }

    /// Below which node an object comes that is added through the Inbox; nothing where it is not supported.
    pub fn object_parent(&self, identifier: &str) -> Option<&NodeUri> {
        if account::is_object_id(identifier) {
            return Some(&self.account_root);
        }
        self.objects
            .iter()
            .find(|(of, _)| of == identifier)
            .map(|(_, parent)| parent)
    }

    /// Gives a command at the root that `gone` was the last to hold back to whom the factory gave it, else to all.
    pub(super) fn restore_root_right(&self, acl: &mut Acl, right: Right, gone: &str) {
        for (_, server_id) in self
            .root_acl
            .entries()
            .filter(|(of, id)| *of == right && *id != gone)
        {
            acl.add(right, server_id).expect("it stood in an ACL before");
        }
        if !acl.has(right) {
            acl.add(right, ANY_SERVER).expect("`*` can stand in an ACL");
        }
    }

    /// A node about to be made, with the access types it has at that place.
    pub(super) fn describe(&self, uri: &NodeUri, node: Node) -> Node {
        let rule = self.rules.iter().find(|rule| rule.fits(uri));
        let access = rule.map_or(node.access, |rule| rule.access);
        let access = match self.is_credential(uri) {
            true => access.without(Right::Get),
            false => access,
        };
        Node { access, ..node }
    }

    /// Whether this is one of the two leaves of an account that cannot be read (OMA-TS-DM_StdObj 5.3.1).
    fn is_credential(&self, uri: &NodeUri) -> bool {
        if uri.depth() != self.account_root.depth() + 4 || !uri.starts_with(&self.account_root) {
            return false;
        }
        let mut upwards = uri.names().rev();
        let leaf = upwards.next();
        matches!(leaf, Some("AAuthSecret" | "AAuthData")) && upwards.nth(1) == Some("AppAuth")
    }
}

impl Default for Settings {
    fn default() -> Self {
        let place = |name: &str| NodeUri::root().join(name).expect("a plain name is a node name");
        Self {
            account_root: place("DMAcc"),
            inbox: place("Inbox"),
            objects: Vec::new(),
            missing_parents: MissingParents::Create,
            max_nodes: 10_000,
            max_value: 1024 * 1024,
            max_octets: MAX_OCTETS,
            uri_limits: UriLimits::default(),
            takes_objects: true,
            rules: Vec::new(),
            root_acl: Acl::empty(),
        }
    }
}

/// What an Add does when nodes above its target are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingParents {
    /// They are made.
    Create,
    /// The Add is answered with 404.
    Refuse,
}

/// The access types of the nodes at certain places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pattern: Vec<String>,
    access: AccessTypes,
}

impl Rule {
    /// A rule for the nodes whose names, from the root down, are these; `*` is any name.
    pub fn new(names: &[&str], access: AccessTypes) -> Self {
        Self {
            pattern: names.iter().map(|name| (*name).to_owned()).collect(),
            access,
        }
    }

    fn fits(&self, uri: &NodeUri) -> bool {
        self.pattern.len() == uri.depth()
            && self
                .pattern
                .iter()
                .zip(uri.names())
                .all(|(pattern, name)| pattern == "*" || pattern == name)
    }
}
