//! XML to elements.

use roxmltree::{Document, NodeType, ParsingOptions};

use super::guard::{check_tags, without_document_type};
use super::{
    Attribute, Element, MAX_DEPTH, MAX_DOCUMENT, MAX_NAMESPACE, MAX_NODES, Name, Node, XmlError,
    is_white_space, namespace_of,
};

impl Element {
    /// Reads an XML document. A document type declaration that declares entities is refused, a plain one passed over.
    ///
    /// # Errors
    /// When the octets are not well-formed XML in UTF-8 within the limits of this module.
    pub fn parse(octets: &[u8]) -> Result<Self, XmlError> {
        if octets.len() > MAX_DOCUMENT {
            return Err(XmlError::Size { octets: octets.len() });
        }
        let text = std::str::from_utf8(octets).map_err(|error| XmlError::Encoding {
            at: error.valid_up_to(),
        })?;
        // The document type of SyncML itself is harmless, but roxmltree can only take all or none.
        let text = without_document_type(text);
        check_tags(&text)?;
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(&text, options).map_err(|error| XmlError::Syntax {
            reason: error.to_string(),
        })?;
        lower(document.root_element(), 0)
    }
}

fn lower(node: roxmltree::Node<'_, '_>, depth: usize) -> Result<Element, XmlError> {
    if depth >= MAX_DEPTH {
        return Err(XmlError::Depth {
            at: node.range().start,
        });
    }
    let tag = node.tag_name();
    let name = name(tag.namespace(), tag.name(), node.range().start)?;
    let attributes = node.attributes().map(|attribute| {
        Ok(Attribute {
            name: self::name(attribute.namespace(), attribute.name(), node.range().start)?,
            value: attribute.value().to_owned(),
        })
    });
    let elements = node.children().filter(|child| child.is_element()).count();
    let mut element = Element {
        name,
        attributes: attributes.collect::<Result<_, _>>()?,
        children: Vec::with_capacity(elements),
        at: node.range(),
    };
    for child in node.children() {
        match child.node_type() {
            NodeType::Element => element.children.push(Node::Element(lower(child, depth + 1)?)),
            NodeType::Text => {
                let text = child.text().unwrap_or("");
                // White space between elements is layout.
                if !(elements > 0 && is_white_space(text)) {
                    element.push_text(text.to_owned());
                }
            }
            NodeType::Comment | NodeType::PI | NodeType::Root => {}
        }
    }
    Ok(element)
}

fn name(namespace: Option<&str>, local: &str, at: usize) -> Result<Name, XmlError> {
    let namespace = namespace.unwrap_or("");
    if namespace.len() > MAX_NAMESPACE {
        return Err(XmlError::Namespace { at });
    }
    Ok(Name {
        namespace: namespace_of(namespace),
        local: local.to_owned(),
    })
}
