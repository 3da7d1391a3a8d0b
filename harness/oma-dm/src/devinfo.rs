//! What a device says of itself: DevInfo (OMA-TS-DM_StdObj 5.3.2), in its tree and in package 1.

use thiserror::Error;

use crate::acl::Right;
use crate::syncml::{Command, Data, Item, Operation};
use crate::tree::{AccessTypes, Format, Tree, TreeError};
use crate::uri::NodeUri;

/// Management object identifier of DevInfo.
pub const OBJECT_ID: &str = "urn:oma:mo:oma-dm-devinfo:1.0";

/// What a device says of itself at the start of each session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// `DevId`, a URN that is the device's own.
    pub device_id: String,
    /// `Man`.
    pub manufacturer: String,
    /// `Mod`.
    pub model: String,
    /// `DmV`, version of the client.
    pub dm_version: String,
    /// `Lang`, as in RFC 1766.
    pub language: String,
}

impl DeviceInfo {
    /// Writes it at `./DevInfo`, as permanent nodes that servers can only read.
    ///
    /// # Errors
    /// When it does not fit the tree.
    pub fn write_to(&self, tree: &mut Tree) -> Result<(), TreeError> {
        let mut changed = tree.clone();
        let root = root();
        changed.insert_interior(&root, OBJECT_ID)?;
        let mut places = vec![root.clone()];
        for (name, value) in self.leaves() {
            let place = root.join(name)?;
            changed.insert_leaf(&place, Format::Chr, "text/plain", value)?;
            places.push(place);
        }
        for place in places {
            changed.set_access(&place, AccessTypes::only(&[Right::Get]))?;
            changed.set_permanent(&place, true)?;
        }
        *tree = changed;
        Ok(())
    }

    /// Reads it from `./DevInfo`.
    ///
    /// # Errors
    /// Names the leaf that is missing.
    pub fn read(tree: &Tree) -> Result<Self, DeviceInfoError> {
        let root = root();
        Self::from_leaves(|name| {
            root.join(name)
                .ok()
                .and_then(|place| tree.text(&place))
                .map(str::to_owned)
        })
    }

    /// The Replace of package 1 that says it: an item for each leaf, named as its source.
    pub fn to_command(&self, command_id: &str) -> Command {
        let item = |(name, value): (&str, &str)| Item {
            source: Some(format!("{ROOT}/{name}").as_str().into()),
            data: Some(Data::Text(value.to_owned())),
            ..Item::default()
        };
        let items = self.leaves().into_iter().map(item).collect();
        Command::Replace(Operation {
            id: command_id.into(),
            items,
            ..Operation::default()
        })
    }

    /// Reads it out of a Replace of package 1. Other items, which devices send too, are passed over.
    ///
    /// # Errors
    /// Names the leaf that is missing.
    pub fn from_command(replace: &Operation) -> Result<Self, DeviceInfoError> {
        let place_of = |item: &Item| {
            item.source
                .as_ref()
                .and_then(|source| NodeUri::parse(source.as_str()).ok())
        };
        let of_leaf = |name: &str| {
            let place = root().join(name).ok();
            let item = replace
                .items
                .iter()
                .find(|item| place.is_some() && place_of(item) == place)?;
            text_of(item.data.as_ref()?)
        };
        Self::from_leaves(of_leaf)
    }

    fn leaves(&self) -> [(&'static str, &str); 5] {
        [
            ("DevId", &self.device_id),
            ("Man", &self.manufacturer),
            ("Mod", &self.model),
            ("DmV", &self.dm_version),
            ("Lang", &self.language),
        ]
    }

    fn from_leaves(mut value: impl FnMut(&'static str) -> Option<String>) -> Result<Self, DeviceInfoError> {
        let mut required = |leaf| value(leaf).ok_or(DeviceInfoError { leaf });
        Ok(Self {
            device_id: required("DevId")?,
            manufacturer: required("Man")?,
            model: required("Mod")?,
            dm_version: required("DmV")?,
            language: required("Lang")?,
        })
    }
}

const ROOT: &str = "./DevInfo";

fn root() -> NodeUri {
    NodeUri::parse(ROOT).expect("it is a node URI")
}

fn text_of(data: &Data) -> Option<String> {
    match data {
        Data::Text(text) => Some(text.clone()),
        Data::Bytes(octets) => String::from_utf8(octets.clone()).ok(),
        Data::Element(_) => None,
    }
}

/// A leaf of DevInfo that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("device information without `{ROOT}/{leaf}`")]
pub struct DeviceInfoError {
    /// Its name.
    pub leaf: &'static str,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::syncml::Meta;

    fn info() -> DeviceInfo {
        DeviceInfo {
            device_id: "IMEI:004999010640000".into(),
            manufacturer: "Example Maker".into(),
            model: "Model-1".into(),
            dm_version: "0.1".into(),
            language: "en".into(),
        }
    }

    fn operation() -> Operation {
        let Command::Replace(operation) = info().to_command("2") else {
            panic!("it is a Replace")
        };
        operation
    }

    #[test]
    fn it_goes_through_a_tree() {
        let mut tree = Tree::new();
        info().write_to(&mut tree).unwrap();
        assert_eq!(DeviceInfo::read(&tree), Ok(info()));
        info().write_to(&mut tree).unwrap();
        assert_eq!(DeviceInfo::read(&tree), Ok(info()));
    }

    #[test]
    fn it_goes_through_the_command_of_package_1() {
        let operation = operation();
        assert_eq!(operation.id, "2");
        let sources: Vec<_> = operation
            .items
            .iter()
            .filter_map(|item| item.source.as_deref())
            .collect();
        assert_eq!(
            sources,
            [
                "./DevInfo/DevId",
                "./DevInfo/Man",
                "./DevInfo/Mod",
                "./DevInfo/DmV",
                "./DevInfo/Lang"
            ]
        );
        assert_eq!(DeviceInfo::from_command(&operation), Ok(info()));
    }

    #[test]
    fn other_items_and_another_order_and_spelling_do_no_harm() {
        let mut operation = operation();
        operation.items.reverse();
        operation.items[0].source = Some("DevInfo/Lang".into());
        operation.items[0].data = Some(Data::Bytes(b"en".to_vec()));
        let ext = Item {
            source: Some("./DevInfo/Ext".into()),
            meta: Meta::default(),
            ..Item::default()
        };
        operation.items.insert(0, ext);
        assert_eq!(DeviceInfo::from_command(&operation), Ok(info()));
    }

    #[rstest]
    #[case(0, "DevId")]
    #[case(4, "Lang")]
    fn what_is_missing_is_named(#[case] index: usize, #[case] leaf: &'static str) {
        let mut operation = operation();
        operation.items.remove(index);
        assert_eq!(
            DeviceInfo::from_command(&operation),
            Err(DeviceInfoError { leaf })
        );
    }

    #[test]
    fn servers_can_read_it_only() {
        let mut tree = Tree::new();
        info().write_to(&mut tree).unwrap();
        let everything = crate::acl::Acl::parse("Add=*&Delete=*&Get=*&Replace=*").unwrap();
        tree.set_acl(&NodeUri::root(), everything).unwrap();
        let item = Item {
            target: Some("./DevInfo/Man".into()),
            ..Item::default()
        };
        let operation = Operation {
            items: vec![item.with_text("x")],
            ..Operation::default()
        };
        let status = |command: Command, tree: &mut Tree| tree.execute("s", &command)[0].status.0;
        assert_eq!(status(Command::Replace(operation.clone()), &mut tree), 405);
        assert_eq!(status(Command::Delete(operation.clone()), &mut tree), 405);
        assert_eq!(status(Command::Get(operation), &mut tree), 200);
    }
}
