//! Pieces of a management tree as one object: OMA-TS-DM_TNDS, from and to elements, octets and trees.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::acl::{Acl, AclError};
use crate::syncml::{Data, Encoding, Item, Meta};
use crate::tree::{Format, Node, Tree, TreeError};
use crate::uri::{NodeUri, UriError};
use crate::wbxml::{self, WbxmlError};
use crate::xml::{self, Element, XmlError};

mod check;
#[cfg(test)]
mod tests;

pub use check::departures;

/// Namespace of the elements.
pub const NAMESPACE: &str = "syncml:dmddf1.2";

/// Media type of an object in XML.
pub const XML_MEDIA_TYPE: &str = "application/vnd.syncml.dmtnds+xml";

/// Media type of an object in WBXML.
pub const WBXML_MEDIA_TYPE: &str = "application/vnd.syncml.dmtnds+wbxml";

/// Deepest nesting of nodes read.
pub const MAX_DEPTH: usize = 32;

/// Most nodes of one object read.
pub const MAX_NODES: usize = 20_000;

/// A TNDS object (`MgmtTree`): some nodes, each with what is below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManagementTree {
    /// `Man`, the maker of the device that it is meant for.
    pub manufacturer: Option<String>,
    /// `Mod`, the model that it is meant for.
    pub model: Option<String>,
    /// The outermost nodes.
    pub nodes: Vec<TreeNode>,
}

/// A node of a [`ManagementTree`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeNode {
    /// `NodeName`; empty where the device is to choose.
    pub name: String,
    /// `Path`, of the parent, relative to the target of the command that carries the object.
    pub path: Option<NodeUri>,
    /// `ACL`, where the object sets one.
    pub acl: Option<Acl>,
    /// `Format`, where the object sets one.
    pub format: Option<Format>,
    /// `Type`: media type of a leaf, management object identifier of an interior node.
    pub type_name: Option<String>,
    /// `Title`.
    pub title: Option<String>,
    /// `Value` of a leaf, decoded.
    pub value: Option<Vec<u8>>,
    /// What is below the node.
    pub children: Vec<Self>,
}

impl ManagementTree {
    /// Reads an object in XML.
    ///
    /// # Errors
    /// When the octets are no XML, or no object.
    pub fn from_xml(octets: &[u8]) -> Result<Self, TndsError> {
        Self::from_element(&Element::parse(octets)?)
    }

    /// Reads an object in WBXML.
    ///
    /// # Errors
    /// When the octets are no WBXML, or no object.
    pub fn from_wbxml(octets: &[u8]) -> Result<Self, TndsError> {
        Self::from_element(&wbxml::decode(octets)?.root)
    }

    /// Reads the object that an item of a command carries, if its type (or that of the command, where it has none) says that it
    /// is one.
    ///
    /// # Errors
    /// When it is not what its type says.
    pub fn of_item(command: &Meta, item: &Item) -> Result<Option<Self>, TndsError> {
        let element = Self::element_of_item(command, item)?;
        element.map(|element| Self::from_element(&element)).transpose()
    }

    /// The element that an item of a command carries, if its type says that it is an object: for what departs in it
    /// ([`departures`]). Places are those of a document of its own.
    ///
    /// # Errors
    /// When it is not even an element.
    pub fn element_of_item<'i>(
        command: &Meta,
        item: &'i Item,
    ) -> Result<Option<Cow<'i, Element<'static>>>, TndsError> {
        let Some(encoding) = announced(command, item) else {
            return Ok(None);
        };
        let octets = match &item.data {
            None => return Err(TndsError::NoData),
            // In XML the object may stand as it is, beside the usual text.
            Some(Data::Element(element)) => return Ok(Some(Cow::Borrowed(element))),
            Some(Data::Text(text)) => text.as_bytes(),
            Some(Data::Bytes(octets)) => octets.as_slice(),
        };
        let is_base64 = item
            .meta
            .format
            .as_ref()
            .or(command.format.as_ref())
            .is_some_and(|format| format == "b64");
        let decoded = match is_base64 {
            true => Cow::Owned(from_base64(octets).ok_or(TndsError::Base64 { at: 0 })?),
            false => Cow::Borrowed(octets),
        };
        let element = match encoding {
            Encoding::Xml => Element::parse(&decoded)?.into_owned(),
            Encoding::Wbxml => wbxml::decode(&decoded)?.root,
        };
        Ok(Some(Cow::Owned(element)))
    }

    /// Whether the type of an item (or that of the command, where it has none) says that it carries an object.
    pub fn is_announced(command: &Meta, item: &Item) -> bool {
        announced(command, item).is_some()
    }

    /// Reads an element `MgmtTree`. Elements it does not know, and the order, are passed over.
    ///
    /// # Errors
    /// When the element is no object.
    pub fn from_element(element: &Element) -> Result<Self, TndsError> {
        if element.name.local != "MgmtTree" {
            let found = element.name.local.to_string();
            return Err(TndsError::Unexpected {
                found,
                at: element.at.start,
            });
        }
        let mut left = MAX_NODES;
        let nodes: Vec<_> = element
            .children_named("Node")
            .map(|node| TreeNode::read(node, 1, &mut left))
            .collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(TndsError::Missing {
                child: "Node",
                parent: "MgmtTree",
                at: element.at.start,
            });
        }
        Ok(Self {
            manufacturer: text_of(element, "Man"),
            model: text_of(element, "Mod"),
            nodes,
        })
    }

    /// The object as an element.
    pub fn to_element(&self) -> Element<'_> {
        let head = [
            Some(new("VerDTD").with_text("1.2")),
            named("Man", self.manufacturer.as_deref()),
            named("Mod", self.model.as_deref()),
        ];
        let nodes = self.nodes.iter().map(TreeNode::to_element);
        head.into_iter()
            .flatten()
            .chain(nodes)
            .fold(new("MgmtTree"), Element::with_child)
    }

    /// The object in XML.
    pub fn to_xml(&self) -> Vec<u8> {
        self.to_element().to_xml()
    }

    /// The object in WBXML.
    pub fn to_wbxml(&self) -> Vec<u8> {
        wbxml::encode(&self.to_element())
    }

    /// The node at `uri` and what is below it, as far as `shown` admits; a node not shown hides what is below it.
    ///
    /// The outermost node carries the path of its parent, so that the object says where it comes from.
    pub fn from_tree(tree: &Tree, uri: &NodeUri, shown: impl Fn(&NodeUri, &Node) -> bool) -> Self {
        let mut nodes: Vec<_> = TreeNode::from_tree(tree, uri, &shown).into_iter().collect();
        for node in &mut nodes {
            node.path = uri.parent().filter(|parent| !parent.is_root());
        }
        Self {
            nodes,
            ..Self::default()
        }
    }

    /// The same object with every outermost node that says by its `Path` that it lies below another one put there, as if the
    /// object had been written nested.
    #[must_use]
    pub fn nested(self) -> Self {
        let mut flat = self.nodes;
        flat.sort_by_key(|node| node.path.as_ref().map_or(0, NodeUri::depth));
        let mut nodes: Vec<TreeNode> = Vec::new();
        let mut places = BTreeMap::new();
        for node in flat {
            let parent = node.path.as_ref().and_then(|path| {
                let above = std::iter::successors(Some(path.clone()), NodeUri::parent);
                let (place, index) = above.into_iter().find_map(|place| {
                    let index = *places.get(&place)?;
                    Some((place, index))
                })?;
                nodes
                    .get_mut::<usize>(index)?
                    .descendant_mut(&path.relative_to(&place)?)
            });
            match parent {
                Some(parent) => parent.children.push(TreeNode { path: None, ..node }),
                None => {
                    if let Ok(place) = node.place(&NodeUri::root()) {
                        places.insert(place, nodes.len());
                    }
                    nodes.push(node);
                }
            }
        }
        Self { nodes, ..self }
    }

    /// Where the outermost nodes come to lie when the object is added at `target`, in their order.
    ///
    /// # Errors
    /// When a node has no name, or the place is too deep.
    pub fn places(&self, target: &NodeUri) -> Result<Vec<NodeUri>, TndsError> {
        self.nodes.iter().map(|node| node.place(target)).collect()
    }

    /// Adds the object at `target`, whole or not at all, and says where its outermost nodes came to lie.
    ///
    /// # Errors
    /// When one of its nodes is there already, has no name, or does not fit the tree.
    pub fn add_to(&self, tree: &mut Tree, target: &NodeUri) -> Result<Vec<NodeUri>, TndsError> {
        let mut changed = tree.clone();
        let places = self.places(target)?;
        for (place, node) in places.iter().zip(&self.nodes) {
            node.add_to(&mut changed, place)?;
        }
        *tree = changed;
        Ok(places)
    }
}

impl TreeNode {
    /// Adds the node, with what is below it, as `place`, whatever its own name and path; whole or not at all.
    ///
    /// # Errors
    /// When a node is there already, one below has no name, or something does not fit the tree.
    pub fn add_as(&self, tree: &mut Tree, place: &NodeUri) -> Result<(), TndsError> {
        let mut changed = tree.clone();
        self.add_to(&mut changed, place)?;
        *tree = changed;
        Ok(())
    }

    /// Whether the node can have children: by its format, or where it has none by what it holds.
    pub fn is_interior(&self) -> bool {
        match self.format {
            Some(format) => format == Format::Node,
            None => !self.children.is_empty(),
        }
    }

    /// The child with that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The node below by these names. Nodes that go together are written one after the other: of several, the last is meant.
    fn descendant_mut(&mut self, below: &NodeUri) -> Option<&mut Self> {
        below.names().try_fold(self, |node, name| {
            node.children.iter_mut().rev().find(|child| child.name == *name)
        })
    }

    fn add_to(&self, tree: &mut Tree, place: &NodeUri) -> Result<(), TndsError> {
        if tree.get(place).is_some() {
            return Err(TreeError::Exists { uri: place.clone() }.into());
        }
        let type_name = self.type_name.as_deref();
        if self.is_interior() {
            tree.insert_interior(place, type_name.unwrap_or_default())?;
        } else {
            let value = self.value.clone().unwrap_or_default();
            tree.insert_leaf(
                place,
                self.format.unwrap_or_default(),
                type_name.unwrap_or("text/plain"),
                value,
            )?;
        }
        if let Some(acl) = &self.acl {
            tree.set_acl(place, acl.clone())?;
        }
        tree.set_title(place, self.title.clone())?;
        self.children
            .iter()
            .try_for_each(|child| child.add_to(tree, &child.place(place)?))
    }

    /// Where the node comes to lie when its object is added at `target`.
    pub(crate) fn place(&self, target: &NodeUri) -> Result<NodeUri, TndsError> {
        let parent = match &self.path {
            Some(path) => target.append(path)?,
            None => target.clone(),
        };
        Ok(parent.join(&self.name)?)
    }

    fn from_tree(tree: &Tree, uri: &NodeUri, shown: &impl Fn(&NodeUri, &Node) -> bool) -> Option<Self> {
        let node = tree.get(uri).filter(|node| shown(uri, node))?;
        Some(Self {
            name: uri.name().unwrap_or_default().to_owned(),
            path: None,
            acl: Some(node.acl.clone()).filter(|acl| !acl.is_empty()),
            format: Some(node.format()),
            type_name: Some(node.type_name.clone()),
            title: node.title.clone(),
            value: node.value().map(<[u8]>::to_vec),
            children: tree
                .children(uri)
                .filter_map(|(child, _)| Self::from_tree(tree, child, shown))
                .collect(),
        })
    }

    fn read(element: &Element, depth: usize, left: &mut usize) -> Result<Self, TndsError> {
        let at = element.at.start;
        if depth > MAX_DEPTH {
            return Err(TndsError::Depth { at });
        }
        *left = left.checked_sub(1).ok_or(TndsError::Nodes { at })?;
        let name = text_of(element, "NodeName").ok_or(TndsError::Missing {
            child: "NodeName",
            parent: "Node",
            at,
        })?;
        let path = match text_of(element, "Path").filter(|path| !path.is_empty()) {
            Some(path) => Some(NodeUri::parse(&path)?),
            None => None,
        };
        let properties = element.child("RTProperties");
        let property = |local: &str| properties.and_then(|properties| properties.child(local));
        let acl = match property("ACL") {
            Some(acl) => Some(Acl::parse(acl.text().trim())?),
            None => None,
        };
        let format = property("Format").map(read_format).transpose()?;
        let type_name = property("Type").map(|element| match element.elements().next() {
            Some(kind) => kind.text().into_owned(),
            None => element.text().into_owned(),
        });
        let value = match element.child("Value") {
            Some(value) => Some(read_value(value, format.unwrap_or_default())?),
            None => None,
        };
        let children = element
            .children_named("Node")
            .map(|child| Self::read(child, depth + 1, left))
            .collect::<Result<Vec<_>, _>>()?;
        if value.is_some() && (!children.is_empty() || format == Some(Format::Node)) {
            return Err(TndsError::ValueOfInterior { name, at });
        }
        let title = property("Title").map(|title| title.text().into_owned());
        Ok(Self {
            name,
            path,
            acl,
            format: format.map(Format::stored),
            type_name,
            title,
            value,
            children,
        })
    }

    fn to_element(&self) -> Element<'_> {
        let is_text = self
            .value
            .as_deref()
            .is_none_or(|value| xml::text_of(value).is_some());
        let is_binary = self.format == Some(Format::Bin) || !is_text;
        let mut properties = new("RTProperties");
        if let Some(acl) = &self.acl {
            properties = properties.with_child(new("ACL").with_text(acl.to_string()));
        }
        if self.format.is_some() || is_binary {
            // Base64 goes through either encoding, and through every reader.
            let written = match self.format {
                Some(format) if !is_binary => format,
                _ => Format::B64,
            };
            properties = properties.with_child(new("Format").with_child(new(written.name())));
        }
        if let Some(title) = &self.title {
            properties = properties.with_child(new("Title").with_text(title));
        }
        if let Some(type_name) = &self.type_name {
            let kind = if self.is_interior() { "DDFName" } else { "MIME" };
            properties = properties.with_child(new("Type").with_child(new(kind).with_text(type_name)));
        }
        let mut element = new("Node").with_child(new("NodeName").with_text(&self.name));
        if let Some(path) = &self.path {
            element = element.with_child(new("Path").with_text(path.to_string()));
        }
        if !properties.children.is_empty() {
            element = element.with_child(properties);
        }
        if let Some(value) = &self.value {
            element = element.with_child(write_value(value, is_binary));
        }
        self.children
            .iter()
            .map(Self::to_element)
            .fold(element, Element::with_child)
    }
}

/// The encoding of the object that an item's type announces.
fn announced(command: &Meta, item: &Item) -> Option<Encoding> {
    let media_type = item.meta.media_type.as_ref().or(command.media_type.as_ref())?;
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is = |known: &str| essence.eq_ignore_ascii_case(known);
    match (is(XML_MEDIA_TYPE), is(WBXML_MEDIA_TYPE)) {
        (true, _) => Some(Encoding::Xml),
        (_, true) => Some(Encoding::Wbxml),
        _ => None,
    }
}

fn new<'a>(local: &'static str) -> Element<'a> {
    Element::new(NAMESPACE, local)
}

fn named<'a>(local: &'static str, text: Option<&'a str>) -> Option<Element<'a>> {
    text.map(|text| new(local).with_text(text))
}

fn text_of(element: &Element<'_>, local: &str) -> Option<String> {
    element.child(local).map(|child| child.text().into_owned())
}

fn read_format(element: &Element) -> Result<Format, TndsError> {
    let name = match element.elements().next() {
        Some(kind) => kind.name.local.to_string(),
        None => element.text().trim().to_owned(),
    };
    Format::from_name(&name).ok_or(TndsError::Format {
        name,
        at: element.at.start,
    })
}

fn read_value(element: &Element, format: Format) -> Result<Vec<u8>, TndsError> {
    let octets = element.octets();
    if format != Format::B64 {
        return Ok(octets);
    }
    from_base64(&octets).ok_or(TndsError::Base64 { at: element.at.start })
}

/// Base64, in lines or not.
pub(crate) fn from_base64(octets: &[u8]) -> Option<Vec<u8>> {
    let packed: Vec<_> = octets
        .iter()
        .copied()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    BASE64.decode(packed).ok()
}

fn write_value(value: &[u8], is_binary: bool) -> Element<'_> {
    match xml::text_of(value) {
        Some(text) if !is_binary => new("Value").with_text(text),
        _ => new("Value").with_text(BASE64.encode(value)),
    }
}

/// Why something is no TNDS object, or cannot be put into a tree.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TndsError {
    /// Not XML at all.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Not WBXML at all.
    #[error(transparent)]
    Wbxml(#[from] WbxmlError),
    /// Another document.
    #[error("`{found}` where a TNDS object begins with `MgmtTree` (octet {at})")]
    Unexpected {
        /// Name of the element met.
        found: String,
        /// Offset of the element.
        at: usize,
    },
    /// An item that should carry an object carries nothing.
    #[error("item without data where a TNDS object is announced")]
    NoData,
    /// An element that has to be there.
    #[error("`{parent}` without `{child}` (octet {at})")]
    Missing {
        /// What is missing.
        child: &'static str,
        /// Where.
        parent: &'static str,
        /// Offset of the element that lacks it.
        at: usize,
    },
    /// A format that there is not.
    #[error("unknown format `{name}` (octet {at})")]
    Format {
        /// Its name.
        name: String,
        /// Offset of the element.
        at: usize,
    },
    /// A value in the format `b64` that is not base64.
    #[error("value is not base64 (octet {at})")]
    Base64 {
        /// Offset of the element.
        at: usize,
    },
    /// A node with children, or of the format `node`, that has a value.
    #[error("interior node `{name}` has a value (octet {at})")]
    ValueOfInterior {
        /// Its name.
        name: String,
        /// Offset of the element.
        at: usize,
    },
    /// Past [`MAX_DEPTH`].
    #[error("nodes nested more than {MAX_DEPTH} deep (octet {at})")]
    Depth {
        /// Offset of the element.
        at: usize,
    },
    /// Past [`MAX_NODES`].
    #[error("more than {MAX_NODES} nodes in one object (octet {at})")]
    Nodes {
        /// Offset of the first node too many.
        at: usize,
    },
    /// A name or path that is none.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// An ACL that is none.
    #[error(transparent)]
    Acl(#[from] AclError),
    /// It does not fit the tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
}
