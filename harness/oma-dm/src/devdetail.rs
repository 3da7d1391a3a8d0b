//! What a device says of itself on request: DevDetail (OMA-TS-DM_StdObj 5.3.3).

use thiserror::Error;

use crate::acl::Right;
use crate::tree::{AccessTypes, Format, Tree, TreeError};
use crate::uri::{NodeUri, UriLimits};

/// Management object identifier of DevDetail.
pub const OBJECT_ID: &str = "urn:oma:mo:oma-dm-devdetail:1.0";

/// What a device says of itself when it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceDetails {
    /// `URI/MaxDepth`, `URI/MaxTotLen` and `URI/MaxSegLen`.
    pub uri_limits: UriLimits,
    /// `DevTyp`.
    pub device_type: String,
    /// `OEM`.
    pub oem: String,
    /// `FwV`.
    pub firmware_version: String,
    /// `SwV`.
    pub software_version: String,
    /// `HwV`.
    pub hardware_version: String,
    /// `LrgObj`: whether objects may come in chunks (OMA-TS-DM_Protocol 7).
    pub supports_large_objects: bool,
}

impl DeviceDetails {
    /// Writes it at `./DevDetail`, as permanent nodes that servers can only read.
    ///
    /// # Errors
    /// When it does not fit the tree; the tree is then as before.
    pub fn write_to(&self, tree: &mut Tree) -> Result<(), TreeError> {
        let mut changed = tree.clone();
        let root = root();
        changed.insert_interior(&root, OBJECT_ID)?;
        for (leaf, format, value) in self.leaves() {
            let place = root.append(&NodeUri::parse(leaf)?)?;
            changed.insert_leaf(&place, format, "text/plain", value)?;
        }
        let places: Vec<_> = changed.subtree(&root).map(|(place, _)| place.clone()).collect();
        for place in places {
            changed.set_access(&place, AccessTypes::only(&[Right::Get]))?;
            changed.set_permanent(&place, true)?;
        }
        *tree = changed;
        Ok(())
    }

    /// Reads it from `./DevDetail`.
    ///
    /// # Errors
    /// Names the leaf that is missing, or that has a value which it cannot have.
    pub fn read(tree: &Tree) -> Result<Self, DeviceDetailsError> {
        Self::from_leaves(|leaf| {
            let place = root().append(&NodeUri::parse(leaf).ok()?).ok()?;
            tree.text(&place).map(str::to_owned)
        })
    }

    fn leaves(&self) -> [(&'static str, Format, String); 9] {
        let text = |leaf, value: &str| (leaf, Format::Chr, value.to_owned());
        let limit = |leaf, value: Option<u32>| (leaf, Format::Chr, value.unwrap_or(0).to_string());
        let large_objects = self.supports_large_objects.to_string();
        [
            limit("URI/MaxDepth", self.uri_limits.depth),
            limit("URI/MaxTotLen", self.uri_limits.total_length),
            limit("URI/MaxSegLen", self.uri_limits.segment_length),
            text("DevTyp", &self.device_type),
            text("OEM", &self.oem),
            text("FwV", &self.firmware_version),
            text("SwV", &self.software_version),
            text("HwV", &self.hardware_version),
            ("LrgObj", Format::Bool, large_objects),
        ]
    }

    fn from_leaves(value: impl Fn(&str) -> Option<String>) -> Result<Self, DeviceDetailsError> {
        let required = |leaf| value(leaf).ok_or(DeviceDetailsError::Missing { leaf });
        let limit = |leaf| {
            let text = required(leaf)?;
            match text.parse() {
                Ok(0) => Ok(None),
                Ok(limit) => Ok(Some(limit)),
                Err(_) => Err(DeviceDetailsError::Value {
                    leaf,
                    value: text,
                    expected: "a number",
                }),
            }
        };
        let large_objects = required("LrgObj")?;
        Ok(Self {
            uri_limits: UriLimits {
                depth: limit("URI/MaxDepth")?,
                total_length: limit("URI/MaxTotLen")?,
                segment_length: limit("URI/MaxSegLen")?,
            },
            device_type: required("DevTyp")?,
            oem: required("OEM")?,
            firmware_version: required("FwV")?,
            software_version: required("SwV")?,
            hardware_version: required("HwV")?,
            supports_large_objects: match large_objects.as_str() {
                "true" => true,
                "false" => false,
                _ => {
                    return Err(DeviceDetailsError::Value {
                        leaf: "LrgObj",
                        value: large_objects,
                        expected: "`true` or `false`",
                    });
                }
            },
        })
    }
}

const ROOT: &str = "./DevDetail";

fn root() -> NodeUri {
    NodeUri::parse(ROOT).expect("it is a node URI")
}

/// Why there are no details of a device.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeviceDetailsError {
    /// A leaf that has to be there.
    #[error("device details without `{ROOT}/{leaf}`")]
    Missing {
        /// Its name, from the object down.
        leaf: &'static str,
    },
    /// A value that the leaf cannot have.
    #[error("`{ROOT}/{leaf}` is `{value}`, where {expected} belongs")]
    Value {
        /// Its name, from the object down.
        leaf: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::acl::Acl;
    use crate::syncml::{Command, Data};

    fn details() -> DeviceDetails {
        DeviceDetails {
            uri_limits: UriLimits {
                depth: Some(12),
                total_length: None,
                segment_length: Some(32),
            },
            device_type: "phone".into(),
            oem: "Example Devices".into(),
            firmware_version: "1".into(),
            software_version: "2".into(),
            hardware_version: "3".into(),
            supports_large_objects: true,
        }
    }

    #[test]
    fn it_goes_through_a_tree() {
        let mut tree = Tree::new();
        details().write_to(&mut tree).unwrap();
        assert_eq!(DeviceDetails::read(&tree), Ok(details()));
        details().write_to(&mut tree).unwrap();
        assert_eq!(DeviceDetails::read(&tree), Ok(details()));
    }

    #[test]
    fn it_has_every_node_of_the_object_once() {
        let mut tree = Tree::new();
        details().write_to(&mut tree).unwrap();
        let nodes: Vec<_> = tree
            .subtree(&root())
            .map(|(at, node)| format!("{at} {} {}", node.format(), node.text().unwrap_or("-")))
            .collect();
        insta::assert_snapshot!(nodes.join("\n"), @r#"
        ./DevDetail node -
        ./DevDetail/DevTyp chr phone
        ./DevDetail/FwV chr 1
        ./DevDetail/HwV chr 3
        ./DevDetail/LrgObj bool true
        ./DevDetail/OEM chr Example Devices
        ./DevDetail/SwV chr 2
        ./DevDetail/URI node -
        ./DevDetail/URI/MaxDepth chr 12
        ./DevDetail/URI/MaxSegLen chr 32
        ./DevDetail/URI/MaxTotLen chr 0
        "#);
    }

    #[rstest]
    #[case(
        "URI/MaxDepth",
        "deep",
        "`./DevDetail/URI/MaxDepth` is `deep`, where a number belongs"
    )]
    #[case(
        "LrgObj",
        "yes",
        "`./DevDetail/LrgObj` is `yes`, where `true` or `false` belongs"
    )]
    fn a_value_that_cannot_be_is_named(#[case] leaf: &str, #[case] value: &str, #[case] expected: &str) {
        let mut tree = Tree::new();
        details().write_to(&mut tree).unwrap();
        let place = root().append(&NodeUri::parse(leaf).unwrap()).unwrap();
        tree.insert_leaf(&place, Format::Chr, "text/plain", value)
            .unwrap();
        assert_eq!(DeviceDetails::read(&tree).unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut tree = Tree::new();
        details().write_to(&mut tree).unwrap();
        tree.remove(&root().join("SwV").unwrap()).unwrap();
        assert_eq!(
            DeviceDetails::read(&tree),
            Err(DeviceDetailsError::Missing { leaf: "SwV" })
        );
    }

    #[test]
    fn servers_can_read_it_only() {
        let mut tree = Tree::new();
        details().write_to(&mut tree).unwrap();
        tree.set_acl(
            &NodeUri::root(),
            Acl::parse("Add=*&Delete=*&Get=*&Replace=*").unwrap(),
        )
        .unwrap();
        let mut status = |command: Command| tree.execute("s", &command)[0].clone();
        let read = status(Command::get("./DevDetail/LrgObj"));
        assert_eq!(read.status.0, 200);
        assert_eq!(read.results[0].data, Some(Data::Text("true".into())));
        assert_eq!(read.results[0].meta.format.as_deref(), Some("bool"));
        for refused in [
            Command::replace_text("./DevDetail/LrgObj", "false"),
            Command::delete("./DevDetail"),
            Command::delete("./DevDetail/URI"),
            Command::add_text("./DevDetail/New", "x"),
        ] {
            assert_eq!(status(refused.clone()).status.0, 405, "{refused:?}");
        }
    }
}
