//! A node of the management tree: kind, value and properties (OMA-TS-DM_TND 6 and 7).

use std::fmt;

use crate::acl::{Acl, Right};

/// A node and its properties. Its name and place are the key under which the tree holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// What the node is, and its value if it has one.
    pub content: Content,
    /// Property `Type`: media type of a leaf, management object identifier (or nothing) of an interior node.
    pub type_name: String,
    /// Property `Title`.
    pub title: Option<String>,
    /// Property `ACL`, without what is inherited.
    pub acl: Acl,
    /// The commands the node can take at all, whatever the ACL grants.
    pub access: AccessTypes,
    /// Whether the node can neither be deleted nor renamed.
    pub is_permanent: bool,
}

impl Node {
    /// An interior node that inherits its ACL.
    pub fn interior(type_name: &str) -> Self {
        Self::new(Content::Interior, type_name)
    }

    /// A leaf node that inherits its ACL.
    pub fn leaf(format: Format, media_type: &str, value: impl Into<Vec<u8>>) -> Self {
        Self::new(
            Content::Leaf {
                format,
                value: value.into(),
            },
            media_type,
        )
    }

    /// Whether the node can have children.
    pub fn is_interior(&self) -> bool {
        matches!(self.content, Content::Interior)
    }

    /// The value of a leaf.
    pub fn value(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Interior => None,
            Content::Leaf { value, .. } => Some(value),
        }
    }

    /// The value of a leaf, where it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.value()?).ok()
    }

    /// Property `Format`.
    pub fn format(&self) -> Format {
        match &self.content {
            Content::Interior => Format::Node,
            Content::Leaf { format, .. } => *format,
        }
    }

    fn new(content: Content, type_name: &str) -> Self {
        Self {
            content,
            type_name: type_name.to_owned(),
            title: None,
            acl: Acl::empty(),
            access: AccessTypes::default(),
            is_permanent: false,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What no server may read (secrets, nonces) is not printed either.
        let value = match (self.value(), self.access.contains(Right::Get)) {
            (None, _) => None,
            (Some(_), false) => Some("(hidden)".into()),
            (Some(value), true) => Some(String::from_utf8_lossy(value)),
        };
        f.debug_struct("Node")
            .field("format", &self.format())
            .field("type_name", &self.type_name)
            .field("value", &value)
            .field("title", &self.title)
            .field("acl", &self.acl.to_string())
            .field("access", &self.access)
            .field("is_permanent", &self.is_permanent)
            .finish()
    }
}

/// What a node is.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// It has children, possibly none yet.
    Interior,
    /// It has a value.
    Leaf {
        /// How the value is to be understood; never [`Format::Node`] or [`Format::B64`].
        format: Format,
        /// The value, unencoded.
        value: Vec<u8>,
    },
}

/// Property `Format` of a node, and the element of the same name in `Meta` (OMA-TS-DM_TND 7.7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Base64 text on the way; stored as `bin`.
    B64,
    /// Octets.
    Bin,
    /// `true` or `false`.
    Bool,
    /// Text; what an absent format means.
    #[default]
    Chr,
    /// Date, as in ISO 8601.
    Date,
    /// Decimal number with a fraction.
    Float,
    /// Whole number.
    Int,
    /// An interior node.
    Node,
    /// No value.
    Null,
    /// Time of day, as in ISO 8601.
    Time,
    /// A document.
    Xml,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::B64,
        Self::Bin,
        Self::Bool,
        Self::Chr,
        Self::Date,
        Self::Float,
        Self::Int,
        Self::Node,
        Self::Null,
        Self::Time,
        Self::Xml,
    ];

    /// As written in `Meta` and in a property.
    pub fn name(self) -> &'static str {
        match self {
            Self::B64 => "b64",
            Self::Bin => "bin",
            Self::Bool => "bool",
            Self::Chr => "chr",
            Self::Date => "date",
            Self::Float => "float",
            Self::Int => "int",
            Self::Node => "node",
            Self::Null => "null",
            Self::Time => "time",
            Self::Xml => "xml",
        }
    }

    /// The format with that name, in exactly that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What a leaf that arrives in this format is stored as.
    pub fn stored(self) -> Self {
        match self {
            Self::B64 => Self::Bin,
            other => other,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The commands that a node can take (`AccessType` of its description, OMA-TS-DM_TND 6.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccessTypes(u8);

impl AccessTypes {
    /// Exactly these commands.
    pub fn only(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |bits, right| bits | bit(*right)))
    }

    /// These commands, less one.
    #[must_use]
    pub fn without(self, right: Right) -> Self {
        Self(self.0 & !bit(right))
    }

    /// Whether the command can be taken.
    pub fn contains(self, right: Right) -> bool {
        self.0 & bit(right) != 0
    }
}

impl Default for AccessTypes {
    /// Everything but Exec, as for a node that a server added.
    fn default() -> Self {
        Self::only(&[Right::Add, Right::Delete, Right::Get, Right::Replace])
    }
}

impl fmt::Debug for AccessTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(Right::ALL.iter().filter(|right| self.contains(**right)))
            .finish()
    }
}

fn bit(right: Right) -> u8 {
    match right {
        Right::Add => 1,
        Right::Delete => 2,
        Right::Exec => 4,
        Right::Get => 8,
        Right::Replace => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_printed() {
        let mut secret = Node::leaf(Format::Chr, "text/plain", "pass-phrase");
        assert!(format!("{secret:?}").contains("pass-phrase"));
        secret.access = secret.access.without(Right::Get);
        assert!(!format!("{secret:?}").contains("pass-phrase"));
    }

    #[test]
    fn access_types_hold_what_they_were_given() {
        let get_and_exec = AccessTypes::only(&[Right::Get, Right::Exec]);
        assert!(get_and_exec.contains(Right::Exec) && !get_and_exec.contains(Right::Replace));
        assert!(!get_and_exec.without(Right::Exec).contains(Right::Exec));
        assert!(!AccessTypes::default().contains(Right::Exec));
        assert_eq!(format!("{get_and_exec:?}"), "{Exec, Get}");
    }

    #[test]
    fn base64_is_only_a_way_to_write_octets() {
        assert_eq!(Format::from_name("b64").map(Format::stored), Some(Format::Bin));
        assert_eq!(Format::from_name("chr").map(Format::stored), Some(Format::Chr));
        assert_eq!(Format::from_name("CHR"), None);
    }
}
