//! The Bootstrap Config object of OMA DM 1.3: where a device keeps the addresses of Bootstrap Servers.
//!
//! That the object exists is public, its node names are not. Those of [`BootstrapConfig::default`] are this project's own:
//! `./BootstrapConfig/<entry>/URL`.

use thiserror::Error;

use crate::acl::Acl;
use crate::syncml::{Command, Group};
use crate::tree::{Format, Tree, TreeError};
use crate::uri::{NodeUri, UriError};

/// Where the object is, and what its nodes are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapConfig {
    /// Its root node, with an interior node for each entry.
    pub root: NodeUri,
    /// The leaf of an entry that holds the URL of a Bootstrap Server.
    pub url_leaf: String,
    /// Its management object identifier; empty, since it is not public.
    pub object_id: String,
}

/// An entry of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's interior node.
    pub place: NodeUri,
    /// The URL of the Bootstrap Server.
    pub url: String,
}

impl BootstrapConfig {
    /// An object at this root, with this leaf for URLs.
    ///
    /// # Errors
    /// When one of both can be no place in a tree, or the root is that of the tree.
    pub fn new(root: &str, url_leaf: &str) -> Result<Self, BootstrapConfigError> {
        let root = NodeUri::parse(root)?;
        if root.is_root() {
            return Err(BootstrapConfigError::Root);
        }
        // An entry and its leaf have to fit below it.
        root.join("entry")?.join(url_leaf)?;
        Ok(Self {
            root,
            url_leaf: url_leaf.to_owned(),
            object_id: String::new(),
        })
    }

    /// Puts the object into a device's tree, permanent and without entries; `acl` says who may add some.
    ///
    /// # Errors
    /// When it does not fit the tree; the tree is then as before.
    pub fn write_to(&self, tree: &mut Tree, acl: Acl) -> Result<(), TreeError> {
        let mut changed = tree.clone();
        changed.insert_interior(&self.root, &self.object_id)?;
        changed.set_permanent(&self.root, true)?;
        changed.set_acl(&self.root, acl)?;
        *tree = changed;
        Ok(())
    }

    /// Writes an entry, as the device itself.
    ///
    /// # Errors
    /// When it does not fit the tree.
    pub fn write_entry(&self, tree: &mut Tree, name: &str, url: &str) -> Result<(), TreeError> {
        tree.insert_leaf(&self.leaf_of(name)?, Format::Chr, "text/plain", url)
    }

    /// The entries that have a URL, by place.
    pub fn entries(&self, tree: &Tree) -> Vec<Entry> {
        let entry = |place: &NodeUri| {
            let leaf = place.join(&self.url_leaf).ok()?;
            Some(Entry {
                place: place.clone(),
                url: tree.text(&leaf)?.to_owned(),
            })
        };
        tree.children(&self.root)
            .filter_map(|(place, _)| entry(place))
            .collect()
    }

    /// What a server sends to add an entry: its node and its leaf, in this order, without CmdIDs yet.
    ///
    /// # Errors
    /// When `name` is no node name.
    pub fn commands_to_add(&self, name: &str, url: &str) -> Result<Command, UriError> {
        let leaf = self.leaf_of(name)?;
        let entry = self.root.join(name)?;
        Ok(Command::Sequence(Group {
            commands: vec![
                Command::add_node(&entry.to_string()),
                Command::add_text(&leaf.to_string(), url),
            ],
            ..Group::default()
        }))
    }

    fn leaf_of(&self, name: &str) -> Result<NodeUri, UriError> {
        self.root.join(name)?.join(&self.url_leaf)
    }
}

impl Default for BootstrapConfig {
    /// This project's own names: `./BootstrapConfig/<entry>/URL`.
    fn default() -> Self {
        Self::new("./BootstrapConfig", "URL").expect("the names can stand in a tree")
    }
}

/// Why names are none of a Bootstrap Config object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BootstrapConfigError {
    /// One of them can be no place in a tree.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The tree has a root already.
    #[error(
        "the root of the tree is no place for an object; name a node below it, as in `./BootstrapConfig`"
    )]
    Root,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn device(config: &BootstrapConfig) -> Tree {
        let mut tree = Tree::new();
        let acl = Acl::parse("Add=dms1&Get=dms1&Replace=dms1").unwrap();
        config.write_to(&mut tree, acl).unwrap();
        tree
    }

    fn statuses(tree: &mut Tree, server_id: &str, command: &Command) -> Vec<u16> {
        let outcomes = tree.execute(server_id, command);
        outcomes.iter().map(|outcome| outcome.status.0).collect()
    }

    #[rstest]
    #[case(BootstrapConfig::default(), "./BootstrapConfig/dms2/URL")]
    #[case(BootstrapConfig::new("./Vendor/Boot", "Address").unwrap(), "./Vendor/Boot/dms2/Address")]
    fn a_server_with_rights_adds_an_entry(#[case] config: BootstrapConfig, #[case] leaf: &str) {
        let mut tree = device(&config);
        let add = config
            .commands_to_add("dms2", "https://dms2.example/boot/1")
            .unwrap();
        assert_eq!(statuses(&mut tree, "other", &add), [200, 425, 425]);
        assert_eq!(config.entries(&tree), []);
        assert_eq!(statuses(&mut tree, "dms1", &add), [200, 200, 200]);
        assert_eq!(
            tree.text(&NodeUri::parse(leaf).unwrap()),
            Some("https://dms2.example/boot/1")
        );
        let [entry] = config.entries(&tree).try_into().unwrap();
        assert_eq!(entry.place.name(), Some("dms2"));
        assert_eq!(entry.url, "https://dms2.example/boot/1");
    }

    #[test]
    fn an_entry_without_a_url_is_none_yet() {
        let config = BootstrapConfig::default();
        let mut tree = device(&config);
        tree.insert_interior(&config.root.join("empty").unwrap(), "")
            .unwrap();
        config.write_entry(&mut tree, "one", "https://one/").unwrap();
        let urls: Vec<_> = config.entries(&tree).into_iter().map(|entry| entry.url).collect();
        assert_eq!(urls, ["https://one/"]);
    }

    #[test]
    fn the_object_stays() {
        let config = BootstrapConfig::default();
        let mut tree = device(&config);
        tree.set_acl(&config.root, Acl::parse("Delete=dms1").unwrap())
            .unwrap();
        let delete = Command::delete(&config.root.to_string());
        assert_eq!(statuses(&mut tree, "dms1", &delete), [405]);
    }

    #[rstest]
    #[case(
        ".",
        "URL",
        "the root of the tree is no place for an object; name a node below it, as in `./BootstrapConfig`"
    )]
    #[case(
        "./A//B",
        "URL",
        "empty node name; a URI has no `//` and does not end with `/`"
    )]
    #[case("./A", "", "empty node name; a URI has no `//` and does not end with `/`")]
    #[case("./A", "U/RL", "node name `U/RL` contains '/'; write it percent-escaped")]
    fn names_that_cannot_be_are_refused(#[case] root: &str, #[case] leaf: &str, #[case] expected: &str) {
        assert_eq!(
            BootstrapConfig::new(root, leaf).unwrap_err().to_string(),
            expected
        );
    }
}
