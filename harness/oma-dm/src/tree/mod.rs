//! The management tree of a device: nodes, properties, access control, and the commands of a server on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::acl::{Acl, Right};
use crate::uri::{NodeUri, UriError};

#[cfg(test)]
mod command_tests;
mod error;
mod execute;
#[cfg(test)]
mod invariant_tests;
mod list;
mod node;
mod object;
#[cfg(test)]
mod object_tests;
mod outcome;
mod settings;
#[cfg(test)]
mod tests;
mod value;

pub use error::TreeError;
pub use node::{AccessTypes, Content, Format, Node};
pub use outcome::{Outcome, UserAnswer};
pub use settings::{MissingParents, Rule, Settings};

/// A copy of them, as a snapshot needs once one of both changes, shares every node that does not.
type Nodes = BTreeMap<NodeUri, Arc<Node>>;

/// A management tree (OMA-TS-DM_TND).
///
/// There is always a root, an interior node whose ACL is never empty; every other node has an interior parent.
/// A clone shares the nodes until one of both changes, so that a snapshot costs next to nothing.
///
/// What is here is the side of the device itself, without access control; [`Tree::execute`] is that of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    nodes: Arc<Nodes>,
    /// Octets of all values together.
    octets: usize,
    settings: Arc<Settings>,
}

impl Tree {
    /// A tree with nothing but a root, `Add=*&Get=*` on it, and the usual settings.
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    /// A tree with nothing but a root, that follows `settings`.
    pub fn with_settings(settings: Settings) -> Self {
        let root = Node {
            acl: settings.factory_root_acl(),
            is_permanent: true,
            ..Node::interior("")
        };
        let nodes = Nodes::from([(NodeUri::root(), Arc::new(root))]);
        Self {
            nodes: Arc::new(nodes),
            octets: 0,
            settings: Arc::new(settings),
        }
    }

    /// The same tree, that shares with another one what is the same in both: devices of a kind have most of their nodes alike.
    #[must_use]
    pub fn sharing(self, with: &Self) -> Self {
        let shared = |(uri, node)| {
            let (uri, known) = with.nodes.get_key_value(uri).unwrap_or((uri, node));
            let node = if known == node { known } else { node };
            (uri.clone(), Arc::clone(node))
        };
        let nodes = match self.nodes == with.nodes {
            true => Arc::clone(&with.nodes),
            false => Arc::new(self.nodes.iter().map(shared).collect()),
        };
        let settings = match self.settings == with.settings {
            true => Arc::clone(&with.settings),
            false => self.settings,
        };
        Self {
            nodes,
            octets: self.octets,
            settings,
        }
    }

    /// What this tree follows.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The node at that place.
    pub fn get(&self, uri: &NodeUri) -> Option<&Node> {
        self.nodes.get(uri).map(Arc::as_ref)
    }

    /// The text of a leaf; nothing when there is no such node, or its value is no text.
    pub fn text(&self, uri: &NodeUri) -> Option<&str> {
        self.get(uri)?.text()
    }

    /// All nodes, a parent before its children, siblings by name.
    pub fn nodes(&self) -> impl Iterator<Item = (&NodeUri, &Node)> {
        self.nodes.iter().map(|(uri, node)| (uri, node.as_ref()))
    }

    /// The node at `uri` and all below it, in the order of [`Tree::nodes`].
    pub fn subtree<'a>(&'a self, uri: &'a NodeUri) -> impl Iterator<Item = (&'a NodeUri, &'a Node)> {
        self.nodes
            .range::<NodeUri, _>(uri..)
            .take_while(move |(below, _)| below.starts_with(uri))
            .map(|(below, node)| (below, node.as_ref()))
    }

    /// The children of a node, by name.
    pub fn children<'a>(&'a self, uri: &'a NodeUri) -> impl Iterator<Item = (&'a NodeUri, &'a Node)> {
        self.nodes
            .range::<NodeUri, _>(uri..)
            .map_while(move |(at, node)| Some((at.below(uri)?, at, node)))
            .filter(|(below, _, _)| NodeUri::is_one_name(below))
            .map(|(_, at, node)| (at, node.as_ref()))
    }

    /// The child of a node with a name; without a node URI made for it.
    pub(crate) fn child(&self, uri: &NodeUri, name: &str) -> Option<&Node> {
        self.nodes.get(uri.key_of_child(name).as_str()).map(Arc::as_ref)
    }

    /// The ACL stored at a node, empty where it inherits.
    pub fn acl(&self, uri: &NodeUri) -> Option<&Acl> {
        self.get(uri).map(|node| &node.acl)
    }

    /// The ACL that counts at a place: the nearest one, from there upwards, that is not empty (OMA-TS-DM_TND 7.7.1.2).
    pub fn effective_acl(&self, uri: &NodeUri) -> &Acl {
        uri.upwards()
            .filter_map(|at| Some(&self.nodes.get(at)?.acl))
            .find(|acl| !acl.is_empty())
            .expect("the root has an ACL that is not empty")
    }

    /// Whether the effective ACL grants a server this command.
    pub fn permits(&self, server_id: &str, right: Right, uri: &NodeUri) -> bool {
        self.effective_acl(uri).grants(server_id, right)
    }

    /// Whether a server may replace the ACL of a node: on an interior node with Replace on it or on its parent, on a leaf only
    /// with Replace on its parent (OMA-TS-DM_TND 7.7.1.3).
    pub fn permits_acl_change(&self, server_id: &str, uri: &NodeUri) -> bool {
        let by_parent = uri
            .parent()
            .is_some_and(|parent| self.permits(server_id, Right::Replace, &parent));
        let is_interior = self.get(uri).is_some_and(Node::is_interior);
        by_parent || (is_interior && self.permits(server_id, Right::Replace, uri))
    }

    /// Makes sure of an interior node and of all above it; one that is there keeps what it has.
    ///
    /// # Errors
    /// When a leaf stands there or above, or the tree is full.
    pub fn insert_interior(&mut self, uri: &NodeUri, type_name: &str) -> Result<(), TreeError> {
        match self.get(uri) {
            Some(node) if node.is_interior() => Ok(()),
            Some(_) => Err(TreeError::IsLeaf { uri: uri.clone() }),
            None => self.insert(uri, Node::interior(type_name)),
        }
    }

    /// Writes a leaf, and makes sure of all above it; one that is there keeps its ACL and title.
    ///
    /// # Errors
    /// When an interior node stands there, a leaf above, the tree is full or the value too large.
    pub fn insert_leaf(
        &mut self,
        uri: &NodeUri,
        format: Format,
        media_type: &str,
        value: impl Into<Vec<u8>>,
    ) -> Result<(), TreeError> {
        let leaf = Node::leaf(format.stored(), media_type, value);
        match self.get(uri) {
            Some(node) if node.is_interior() => Err(TreeError::IsInterior { uri: uri.clone() }),
            Some(_) => self.overwrite(uri, leaf),
            None => self.insert(uri, leaf),
        }
    }

    /// Removes a node and all below it, permanent or not. A server whose account goes with it is taken out of every ACL.
    ///
    /// # Errors
    /// When there is no such node, or it is the root.
    pub fn remove(&mut self, uri: &NodeUri) -> Result<(), TreeError> {
        if uri.is_root() {
            return Err(TreeError::IsRoot);
        }
        if self.get(uri).is_none() {
            return Err(TreeError::NotFound { uri: uri.clone() });
        }
        let values: usize = self.subtree(uri).map(|(_, node)| octets_of(node)).sum();
        self.octets = self.octets.saturating_sub(values);
        self.watching_accounts(uri, |nodes| {
            let gone: Vec<_> = nodes
                .range::<NodeUri, _>(uri..)
                .map(|(at, _)| at)
                .take_while(|at| at.starts_with(uri))
                .cloned()
                .collect();
            for at in gone {
                nodes.remove(&at);
            }
        });
        Ok(())
    }

    /// Stores an ACL at a node, the empty one to make it inherit.
    ///
    /// # Errors
    /// When there is no such node, or the root would be left without an ACL.
    pub fn set_acl(&mut self, uri: &NodeUri, acl: Acl) -> Result<(), TreeError> {
        if uri.is_root() && acl.is_empty() {
            return Err(TreeError::EmptyRootAcl);
        }
        self.node_mut(uri)?.acl = acl;
        Ok(())
    }

    /// Sets the commands that a node can take.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn set_access(&mut self, uri: &NodeUri, access: AccessTypes) -> Result<(), TreeError> {
        self.node_mut(uri)?.access = access;
        Ok(())
    }

    /// Sets the title of a node, or takes it away.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn set_title(&mut self, uri: &NodeUri, title: Option<String>) -> Result<(), TreeError> {
        self.node_mut(uri)?.title = title;
        Ok(())
    }

    /// Makes a node permanent, or no longer so.
    ///
    /// # Errors
    /// When there is no such node, or it is the root, which stays permanent.
    pub fn set_permanent(&mut self, uri: &NodeUri, is_permanent: bool) -> Result<(), TreeError> {
        if uri.is_root() && !is_permanent {
            return Err(TreeError::IsRoot);
        }
        self.node_mut(uri)?.is_permanent = is_permanent;
        Ok(())
    }

    /// The identifiers of the servers that have an account here (leaves `ServerID` below the account root).
    pub fn server_ids(&self) -> BTreeSet<String> {
        server_ids(&self.nodes, &self.settings.account_root)
    }

    /// Takes a server out of every ACL, and says at which nodes it was (OMA-TS-DM_TND 7.7.1.4). Its accounts stay.
    ///
    /// A list left empty goes, an ACL left empty inherits; at the root, a command left to nobody is given back to whom it
    /// belonged when the device left the factory, or to all.
    pub fn remove_server(&mut self, server_id: &str) -> Vec<NodeUri> {
        let named: Vec<_> = self
            .nodes()
            .filter(|(_, node)| node.acl.names(server_id))
            .map(|(uri, _)| uri.clone())
            .collect();
        if !named.is_empty() {
            remove_server(Arc::make_mut(&mut self.nodes), &self.settings, server_id);
        }
        named
    }

    /// Whether what is said of every tree holds of this one; for tests.
    pub fn is_sound(&self) -> bool {
        let has_interior_parent = |uri: &NodeUri| match uri.parent() {
            Some(parent) => self.get(&parent).is_some_and(Node::is_interior),
            None => true,
        };
        let root_has_acl = self.acl(&NodeUri::root()).is_some_and(|acl| !acl.is_empty());
        let octets: usize = self.nodes().map(|(_, node)| octets_of(node)).sum();
        root_has_acl && self.octets == octets && self.nodes.keys().all(has_interior_parent)
    }

    /// A place below `parent` that is free: `wanted` itself, or with the first number behind it that makes it so.
    pub fn free_child(&self, parent: &NodeUri, wanted: &str) -> Result<NodeUri, UriError> {
        let plain = parent.join(wanted)?;
        if self.get(&plain).is_none() {
            return Ok(plain);
        }
        let mut number = 2_usize;
        loop {
            let numbered = parent.join(&format!("{wanted}-{number}"))?;
            if self.get(&numbered).is_none() {
                return Ok(numbered);
            }
            number += 1;
        }
    }

    /// A place below `parent` for an object of that name, or where it has none the first number that is free, as devices name
    /// accounts (OMA-TS-DM_Bootstrap 5.3).
    pub(crate) fn place_for_object(&self, parent: &NodeUri, name: &str) -> Result<NodeUri, UriError> {
        if !name.is_empty() {
            return self.free_child(parent, name);
        }
        let mut number = 1_usize;
        loop {
            let numbered = parent.join(&number.to_string())?;
            if self.get(&numbered).is_none() {
                return Ok(numbered);
            }
            number += 1;
        }
    }

    /// Values at and below `place` that name a node at or below the first place of a move name it below the second from now on.
    pub(crate) fn redirect(
        &mut self,
        place: &NodeUri,
        moves: &[(NodeUri, NodeUri)],
    ) -> Result<(), TreeError> {
        let mut changes = Vec::new();
        for (at, node) in self.subtree(place) {
            let text = node.text().filter(|text| text.starts_with("./"));
            let Some(named) = text.and_then(|text| NodeUri::parse(text).ok()) else {
                continue;
            };
            let moved = moves
                .iter()
                .find_map(|(from, to)| Some((to, named.relative_to(from)?)));
            if let Some((to, below)) = moved {
                let value = to.append(&below)?.to_string();
                changes.push((at.clone(), Node::leaf(node.format(), &node.type_name, value)));
            }
        }
        changes
            .into_iter()
            .try_for_each(|(at, node)| self.overwrite(&at, node))
    }

    /// Inserts a node where none is, and what is missing above it.
    fn insert(&mut self, uri: &NodeUri, node: Node) -> Result<(), TreeError> {
        self.check_value(uri, &node)?;
        let octets = self.octets_with(&node, 0)?;
        self.settings.uri_limits.check(uri)?;
        let missing: Vec<_> = std::iter::successors(uri.parent(), NodeUri::parent)
            .take_while(|above| self.get(above).is_none())
            .collect();
        let nearest = missing.last().unwrap_or(uri).parent().unwrap_or_default();
        if !self.get(&nearest).is_some_and(Node::is_interior) {
            return Err(TreeError::IsLeaf { uri: nearest });
        }
        if self.nodes.len() + missing.len() + 1 > self.settings.max_nodes {
            return Err(TreeError::Full {
                nodes: self.settings.max_nodes,
            });
        }
        let settings = Arc::clone(&self.settings);
        let nodes = Arc::make_mut(&mut self.nodes);
        for above in missing.into_iter().rev() {
            let described = settings.describe(&above, Node::interior(""));
            nodes.insert(above, Arc::new(described));
        }
        nodes.insert(uri.clone(), Arc::new(settings.describe(uri, node)));
        self.octets = octets;
        Ok(())
    }

    /// Changes value, format and type of a node that is there.
    fn overwrite(&mut self, uri: &NodeUri, node: Node) -> Result<(), TreeError> {
        self.check_value(uri, &node)?;
        if let Some(old) = self.get(uri) {
            self.octets = self.octets_with(&node, octets_of(old))?;
        }
        self.watching_accounts(uri, |nodes| {
            if let Some(old) = nodes.get_mut(uri) {
                let old = Arc::make_mut(old);
                old.content = node.content;
                old.type_name = node.type_name;
            }
        });
        Ok(())
    }

    /// Gives a node, with all below it, another name.
    fn rename(&mut self, from: &NodeUri, to: &NodeUri) -> Result<(), TreeError> {
        if from.is_root() {
            return Err(TreeError::IsRoot);
        }
        if self.get(from).is_none() {
            return Err(TreeError::NotFound { uri: from.clone() });
        }
        if self.get(to).is_some() {
            return Err(TreeError::Exists { uri: to.clone() });
        }
        let moved: Result<Vec<_>, UriError> = self
            .subtree(from)
            .map(|(old, node)| {
                let below = old.relative_to(from).unwrap_or_default();
                let new = to.append(&below)?;
                self.settings.uri_limits.check(&new)?;
                Ok((old.clone(), new, Arc::new(node.clone())))
            })
            .collect();
        let moved = moved?;
        self.watching_accounts(from, |nodes| {
            for (old, new, node) in moved {
                nodes.remove(&old);
                nodes.insert(new, node);
            }
        });
        Ok(())
    }

    fn check_value(&self, uri: &NodeUri, node: &Node) -> Result<(), TreeError> {
        let octets = octets_of(node);
        match octets > self.settings.max_value {
            true => Err(TreeError::ValueTooLarge {
                uri: uri.clone(),
                octets,
                limit: self.settings.max_value,
            }),
            false => Ok(()),
        }
    }

    /// The octets of all values once a node is there in place of so many.
    fn octets_with(&self, node: &Node, in_place_of: usize) -> Result<usize, TreeError> {
        let octets = self.octets.saturating_sub(in_place_of) + octets_of(node);
        match octets > self.settings.max_octets {
            true => Err(TreeError::FullOfValues {
                octets: self.settings.max_octets,
            }),
            false => Ok(octets),
        }
    }

    fn node_mut(&mut self, uri: &NodeUri) -> Result<&mut Node, TreeError> {
        Arc::make_mut(&mut self.nodes)
            .get_mut(uri)
            .map(Arc::make_mut)
            .ok_or_else(|| TreeError::NotFound { uri: uri.clone() })
    }

    /// Makes a change at `uri`, and takes every server that has no account any more because of it out of the ACLs.
    fn watching_accounts(&mut self, uri: &NodeUri, change: impl FnOnce(&mut Nodes)) {
        let account_root = &self.settings.account_root;
        let is_above = account_root.starts_with(uri);
        let is_account = uri.starts_with(account_root) && uri.depth() == account_root.depth() + 1;
        if !is_above && !is_account && !is_server_id(uri, account_root) {
            return change(Arc::make_mut(&mut self.nodes));
        }
        let before = self.server_ids();
        change(Arc::make_mut(&mut self.nodes));
        let after = self.server_ids();
        for server_id in before.difference(&after) {
            remove_server(Arc::make_mut(&mut self.nodes), &self.settings, server_id);
        }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

fn octets_of(node: &Node) -> usize {
    node.value().map_or(0, <[u8]>::len)
}

/// Whether this is the leaf of an account that names its server.
fn is_server_id(uri: &NodeUri, account_root: &NodeUri) -> bool {
    uri.depth() == account_root.depth() + 2 && uri.name() == Some("ServerID") && uri.starts_with(account_root)
}

fn server_ids(nodes: &Nodes, account_root: &NodeUri) -> BTreeSet<String> {
    nodes
        .range::<NodeUri, _>(account_root..)
        .take_while(|(uri, _)| uri.starts_with(account_root))
        .filter(|(uri, _)| is_server_id(uri, account_root))
        .filter_map(|(_, node)| node.text())
        .map(str::to_owned)
        .collect()
}

fn remove_server(nodes: &mut Nodes, settings: &Settings, server_id: &str) {
    for (uri, node) in nodes.iter_mut().filter(|(_, node)| node.acl.names(server_id)) {
        let node = Arc::make_mut(node);
        let before = node.acl.clone();
        if !node.acl.remove_server(server_id) || !uri.is_root() {
            continue;
        }
        for right in Right::ALL {
            if before.lists(right, server_id) && !node.acl.has(right) {
                settings.restore_root_right(&mut node.acl, right, server_id);
            }
        }
    }
}
