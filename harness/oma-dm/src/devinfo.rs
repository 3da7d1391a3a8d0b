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
        Self::from_leaves(|name| root.join(name).ok().and_then(|place| tree.text(&place)).map(str::to_owned))
    }

    /// The Replace of package 1 that says it: an item for each leaf, named as its source.
    pub fn to_command(&self, command_id: &str) -> Command {
        let item = |(name, value): (&str, &str)| Item {
            source: Some(format!("{ROOT}/{name}").as_str().into()),
            data: Some(Data::Text(value.to_owned())),
            ..Item::default()
        };
        let items = self.leaves().into_iter().map(item).collect();
        Command::Replace(Operation { id: command_id.into(), items, ..Operation::default() })
    }

    /// Reads it out of a Replace of package 1. Other items, which devices send too, are passed over.
    ///
    /// # Errors
    /// Names the leaf that is missing.
    pub fn from_command(replace: &Operation) -> Result<Self, DeviceInfoError> {
        let place_of = |item: &Item| item.source.as_ref().and_then(|source| NodeUri::parse(source.as_str()).ok());
        let of_leaf = |name: &str| {
            let place = root().join(name).ok();
            let item = replace.items.iter().find(|item| place.is_some() && place_of(item) == place)?;
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
