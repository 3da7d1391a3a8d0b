//! XML to elements.

use std::borrow::Cow;

use roxmltree::{Document, NodeType, ParsingOptions, StringStorage};

use super::guard::{check_tags, without_document_type};
use super::{
    Attribute, Element, MAX_DEPTH, MAX_DOCUMENT, MAX_NAMESPACE, MAX_NODES, Name, Node, XmlError,
    is_white_space, namespace_of,
};

impl<'d> Element<'d> {
    /// Reads an XML document. A document type declaration that declares entities is refused, a plain one passed over.
    ///
    /// # Errors
    /// When the octets are not well-formed XML in UTF-8 within the limits of this module.
    pub fn parse(octets: &'d [u8]) -> Result<Self, XmlError> {
        if octets.len() > MAX_DOCUMENT {
            return Err(XmlError::Size { octets: octets.len() });
        }
        let text = std::str::from_utf8(octets).map_err(|error| XmlError::Encoding {
            at: error.valid_up_to(),
        })?;
        // The document type of SyncML itself is harmless, but roxmltree can only take all or none.
        match without_document_type(text) {
            Cow::Borrowed(text) => read(text),
            Cow::Owned(text) => read(&text).map(Element::into_owned),
        }
    }
}

fn read(text: &str) -> Result<Element<'_>, XmlError> {
    check_tags(text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|error| XmlError::Syntax {
        reason: error.to_string(),
    })?;
    lower(document.root_element(), 0)
}

fn lower<'d>(node: roxmltree::Node<'_, 'd>, depth: usize) -> Result<Element<'d>, XmlError> {
    let at = node.range();
    if depth >= MAX_DEPTH {
        return Err(XmlError::Depth { at: at.start });
    }
    let tag = node.tag_name();
    let name = name(tag.namespace(), tag.name(), at.start)?;
    let attributes = node.attributes().map(|attribute| {
        Ok(Attribute {
            name: self::name(attribute.namespace(), attribute.name(), at.start)?,
            value: borrowed(attribute.value_storage()),
        })
    });
    let elements = node.children().filter(|child| child.is_element()).count();
    let mut element = Element {
        name,
        attributes: attributes.collect::<Result<_, _>>()?,
        children: Vec::with_capacity(elements),
        at,
    };
    for child in node.children() {
        match child.node_type() {
            NodeType::Element => element.children.push(Node::Element(lower(child, depth + 1)?)),
            NodeType::Text => {
                let text = child.text_storage().map(borrowed).unwrap_or_default();
                // White space between elements is layout.
                if !(elements > 0 && is_white_space(&text)) {
                    element.push_text(text);
                }
            }
            NodeType::Comment | NodeType::PI | NodeType::Root => {}
        }
    }
    Ok(element)
}

/// What stands in the document as it is, is borrowed from there.
fn borrowed<'d>(text: &StringStorage<'d>) -> Cow<'d, str> {
    match text {
        StringStorage::Borrowed(text) => Cow::Borrowed(text),
        StringStorage::Owned(text) => Cow::Owned(text.to_string()),
    }
}

fn name<'d>(namespace: Option<&str>, local: &'d str, at: usize) -> Result<Name<'d>, XmlError> {
    /// The namespaces of OMA DM are not copied for each element.
    const KNOWN: [&str; 4] = [
        "SYNCML:SYNCML1.2",
        "syncml:metinf",
        "syncml:dmddf1.2",
        "SYNCML:SYNCML1.1",
    ];
    let namespace = namespace.unwrap_or("");
    if namespace.len() > MAX_NAMESPACE {
        return Err(XmlError::Namespace { at });
    }
    let known = KNOWN.into_iter().find(|known| *known == namespace);
    Ok(Name {
        namespace: known.map_or_else(|| namespace_of(namespace.to_owned()), namespace_of),
        local: local.into(),
    })
}
