//! Elements: the one tree that XML and WBXML documents both become, with the place of everything in the octets.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::ops::Range;

mod guard;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub(crate) use self::write::text_of;

/// The deepest nesting of elements that is read.
pub const MAX_DEPTH: usize = 64;
/// The most nodes that are read.
pub const MAX_NODES: u32 = 200_000;
/// The largest document that is read, in octets.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;
/// The longest namespace that is read, in octets: every element carries a copy of one that is not of OMA DM.
pub const MAX_NAMESPACE: usize = 256;
/// The longest tag that is read, in octets.
pub const MAX_TAG: usize = 4096;
/// The most attributes that are read, in all elements together.
pub const MAX_ATTRIBUTES: usize = 100_000;
/// The most declarations of namespace prefixes that one element is inside of.
pub const MAX_PREFIXES: usize = 16;
/// The most different declarations of namespaces that are read.
pub const MAX_NAMESPACES: usize = 1024;

/// The name of an element or attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'d> {
    /// Its namespace, if it has one.
    pub namespace: Option<Cow<'d, str>>,
    /// Its local name.
    pub local: Cow<'d, str>,
}

/// A namespace as names carry it: an empty one is none.
pub fn namespace_of<'d>(text: impl Into<Cow<'d, str>>) -> Option<Cow<'d, str>> {
    Some(text.into()).filter(|text| !text.is_empty())
}

/// Whether a text can be a local name in XML (Namespaces in XML 1.0, NCName).
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(is_name_start) && text.chars().all(is_name_character)
}

/// Whether a local name can begin so.
const fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}' | '\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Whether a local name can go on so.
const fn is_name_character(character: char) -> bool {
    is_name_start(character)
        || matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}' | '\u{2040}')
}

/// Whether a text is nothing but white space, as layout between elements is.
pub(crate) fn is_white_space(text: &str) -> bool {
    text.chars()
        .all(|character| matches!(character, ' ' | '\t' | '\r' | '\n'))
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute<'d> {
    /// Its name.
    pub name: Name<'d>,
    /// Its value, unescaped.
    pub value: Cow<'d, str>,
}

/// An element. What it says is borrowed from the document that it was read from, wherever it stands there as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'d> {
    /// Its name.
    pub name: Name<'d>,
    /// Its attributes, without namespace declarations.
    pub attributes: Vec<Attribute<'d>>,
    /// What is in it, without comments and processing instructions.
    pub children: Vec<Node<'d>>,
    /// Where it is, in octets from the beginning of the document; `0..0` for one that was not read.
    pub at: Range<usize>,
}

/// By what it says, wherever it stands.
impl Hash for Element<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.attributes, &self.children).hash(state);
    }
}

/// Something in an element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node<'d> {
    /// An element.
    Element(Element<'d>),
    /// Text, unescaped.
    Text(Cow<'d, str>),
    /// Octets (WBXML `OPAQUE`).
    Opaque(Vec<u8>),
}

/// Why octets are no XML document that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// They are too many.
    #[error("read a document of {octets} octets; at most {MAX_DOCUMENT} are read")]
    Size {
        /// How many there are.
        octets: usize,
    },
    /// A tag is too long.
    #[error("read the document as XML: a tag of more than {MAX_TAG} octets at octet {at}")]
    Tag {
        /// Where it begins.
        at: usize,
    },
    /// Too many attributes.
    #[error("read the document as XML: more than {MAX_ATTRIBUTES} attributes at octet {at}")]
    Attributes {
        /// The tag with the one too many.
        at: usize,
    },
    /// Too many namespace prefixes are in scope.
    #[error("read the document as XML: more than {MAX_PREFIXES} namespace prefixes in scope at octet {at}")]
    Prefixes {
        /// The tag that declares the one too many.
        at: usize,
    },
    /// Too many different namespaces are declared.
    #[error("read the document as XML: more than {MAX_NAMESPACES} different declarations of namespaces")]
    Namespaces,
    /// A namespace is too long.
    #[error("read the document as XML: a namespace of more than {MAX_NAMESPACE} octets at octet {at}")]
    Namespace {
        /// The element that has it.
        at: usize,
    },
    /// They are not UTF-8.
    #[error("read the document as UTF-8: octet {at} does not belong there")]
    Encoding {
        /// The first octet that is not.
        at: usize,
    },
    /// They are not well formed, or declare a document type with entities.
    #[error("read the document as XML: {reason}")]
    Syntax {
        /// What is wrong, with line and column.
        reason: String,
    },
    /// Elements are nested too deeply.
    #[error("read the document as XML: elements are nested more than {MAX_DEPTH} deep at octet {at}")]
    Depth {
        /// Where.
        at: usize,
    },
}

impl<'d> Element<'d> {
    /// An element without anything in it; an empty namespace is none.
    pub fn new(namespace: impl Into<Cow<'d, str>>, local: impl Into<Cow<'d, str>>) -> Self {
        let name = Name {
            namespace: namespace_of(namespace),
            local: local.into(),
        };
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            at: 0..0,
        }
    }

    /// The same with this text added.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'d, str>>) -> Self {
        self.push_leaf(Node::Text(text.into()));
        self
    }

    /// The same with this element added.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// Adds what is mostly the only thing in its element: room for more is not taken in advance.
    pub(crate) fn push_leaf(&mut self, leaf: Node<'d>) {
        if self.children.is_empty() {
            self.children.reserve_exact(1);
        }
        self.children.push(leaf);
    }

    /// Adds text as a reader finds it, which may be in pieces.
    pub(crate) fn push_text(&mut self, text: Cow<'d, str>) {
        match self.children.last_mut() {
            Some(Node::Text(before)) => before.to_mut().push_str(&text),
            _ => self.push_leaf(Node::Text(text)),
        }
    }

    /// The first child element with a local name, whatever its namespace.
    pub fn child(&self, local: &str) -> Option<&Self> {
        self.elements().find(|element| element.name.local == local)
    }

    /// The child elements with a local name, whatever their namespace.
    pub fn children_named<'a>(&'a self, local: &'a str) -> impl Iterator<Item = &'a Self> + use<'a, 'd> {
        self.elements().filter(move |element| element.name.local == local)
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Opaque(_) => None,
        })
    }

    /// All text directly in the element, with octets that are not UTF-8 replaced.
    pub fn text(&self) -> Cow<'_, str> {
        match self.children.as_slice() {
            [] => Cow::Borrowed(""),
            [Node::Text(text)] => Cow::Borrowed(text),
            _ => Cow::Owned(String::from_utf8_lossy(&self.octets()).into_owned()),
        }
    }

    /// All text and octets directly in the element.
    pub fn octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for node in &self.children {
            match node {
                Node::Text(part) => octets.extend_from_slice(part.as_bytes()),
                Node::Opaque(part) => octets.extend_from_slice(part),
                Node::Element(_) => {}
            }
        }
        octets
    }

    /// The same element with a copy of all that it borrows.
    pub fn into_owned(self) -> Element<'static> {
        Element {
            name: self.name.into_owned(),
            attributes: self.attributes.into_iter().map(Attribute::into_owned).collect(),
            children: self.children.into_iter().map(Node::into_owned).collect(),
            at: self.at,
        }
    }

    /// The same element without places, as if it had been built: to compare what was read.
    #[must_use]
    pub fn without_places(mut self) -> Self {
        self.forget_places();
        self
    }

    fn forget_places(&mut self) {
        self.at = 0..0;
        for node in &mut self.children {
            if let Node::Element(child) = node {
                child.forget_places();
            }
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|attribute| attribute.name.local == local);
        found.map(|attribute| &*attribute.value)
    }
}

impl Node<'_> {
    fn into_owned(self) -> Node<'static> {
        match self {
            Self::Element(element) => Node::Element(element.into_owned()),
            Self::Text(text) => Node::Text(Cow::Owned(text.into_owned())),
            Self::Opaque(octets) => Node::Opaque(octets),
        }
    }
}

impl Attribute<'_> {
    fn into_owned(self) -> Attribute<'static> {
        Attribute {
            name: self.name.into_owned(),
            value: Cow::Owned(self.value.into_owned()),
        }
    }
}

impl Name<'_> {
    fn into_owned(self) -> Name<'static> {
        Name {
            namespace: self.namespace.map(|namespace| Cow::Owned(namespace.into_owned())),
            local: Cow::Owned(self.local.into_owned()),
        }
    }
}
