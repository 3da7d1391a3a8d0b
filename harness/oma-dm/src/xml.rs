//! Elements: the one tree that XML and WBXML documents both become, with the place of everything in the octets.

use std::borrow::Cow;
use std::ops::Range;

use roxmltree::{Document, NodeType, ParsingOptions};

/// The deepest nesting of elements that is read.
pub const MAX_DEPTH: usize = 64;
/// The most nodes that are read.
pub const MAX_NODES: u32 = 200_000;
/// The largest document that is read, in octets.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;
/// The longest namespace that is read, in octets: every element carries a copy of its own.
pub const MAX_NAMESPACE: usize = 512;
/// The longest tag that is read, in octets.
pub const MAX_TAG: usize = 4096;
/// The most namespace prefixes that are read.
pub const MAX_PREFIXES: usize = 128;

/// The name of an element or attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Its namespace, if it has one.
    pub namespace: Option<String>,
    /// Its local name.
    pub local: String,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: Name,
    /// Its value, unescaped.
    pub value: String,
}

/// An element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: Name,
    /// Its attributes, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// What is in it, without comments and processing instructions.
    pub children: Vec<Node>,
    /// Where it is, in octets from the beginning of the document; `0..0` for one that was not read.
    pub at: Range<usize>,
}

/// Something in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, unescaped.
    Text(String),
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
    /// Too many namespace prefixes are declared.
    #[error("read the document as XML: more than {MAX_PREFIXES} declarations of namespace prefixes")]
    Prefixes,
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

impl Element {
    /// An element without anything in it; an empty namespace is none.
    pub fn new(namespace: &str, local: &str) -> Self {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        let name = Name {
            namespace,
            local: local.to_owned(),
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
    pub fn with_text(mut self, text: &str) -> Self {
        self.children.push(Node::Text(text.to_owned()));
        self
    }

    /// The same with this element added.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

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

    /// The document as XML in UTF-8, with an XML declaration.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text, None);
        text.into_bytes()
    }

    /// The element as XML text without a declaration, indented for people.
    pub fn to_pretty_xml(&self) -> String {
        let mut text = String::new();
        self.write_pretty(&mut text, None, 0);
        text
    }

    /// The first child element with a local name, whatever its namespace.
    pub fn child(&self, local: &str) -> Option<&Self> {
        self.elements().find(|element| element.name.local == local)
    }

    /// The child elements with a local name, whatever their namespace.
    pub fn children_named<'a>(&'a self, local: &'a str) -> impl Iterator<Item = &'a Self> {
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
        found.map(|attribute| attribute.value.as_str())
    }

    fn open(&self, text: &mut String, inherited: Option<&str>) {
        text.push('<');
        text.push_str(&self.name.local);
        let own = self.name.namespace.as_deref();
        if own != inherited {
            text.push_str(" xmlns=\"");
            escape(text, own.unwrap_or(""), true);
            text.push('"');
        }
        for attribute in &self.attributes {
            text.push(' ');
            text.push_str(&attribute.name.local);
            text.push_str("=\"");
            escape(text, &attribute.value, true);
            text.push('"');
        }
    }

    fn write(&self, text: &mut String, inherited: Option<&str>) {
        self.open(text, inherited);
        if self.children.is_empty() {
            text.push_str("/>");
            return;
        }
        text.push('>');
        for node in &self.children {
            match node {
                Node::Element(element) => element.write(text, self.name.namespace.as_deref()),
                Node::Text(part) => escape(text, part, false),
                Node::Opaque(octets) => escape(text, &String::from_utf8_lossy(octets), false),
            }
        }
        text.push_str("</");
        text.push_str(&self.name.local);
        text.push('>');
    }

    fn write_pretty(&self, text: &mut String, inherited: Option<&str>, depth: usize) {
        let indent = "  ".repeat(depth);
        text.push_str(&indent);
        if self.elements().next().is_none() {
            self.write(text, inherited);
            text.push('\n');
            return;
        }
        self.open(text, inherited);
        text.push_str(">\n");
        for element in self.elements() {
            element.write_pretty(text, self.name.namespace.as_deref(), depth + 1);
        }
        text.push_str(&indent);
        text.push_str("</");
        text.push_str(&self.name.local);
        text.push_str(">\n");
    }
}

/// Blanks out a document type declaration without an internal subset, keeping every position.
fn without_document_type(text: &str) -> Cow<'_, str> {
    let Some(start) = prologue_end(text).filter(|at| text[*at..].starts_with("<!DOCTYPE")) else {
        return text.into();
    };
    let mut quote = None;
    let end = text[start..].bytes().position(|octet| match (quote, octet) {
        (None, b'"' | b'\'') => {
            quote = Some(octet);
            false
        }
        (Some(open), _) => {
            if octet == open {
                quote = None;
            }
            false
        }
        // What begins here could declare entities: the parser is to see and refuse it.
        (None, b'[' | b'>') => true,
        (None, _) => false,
    });
    let Some(end) = end
        .map(|length| start + length)
        .filter(|end| text.as_bytes()[*end] == b'>')
    else {
        return text.into();
    };
    [&text[..start], &" ".repeat(end + 1 - start), &text[end + 1..]]
        .concat()
        .into()
}

/// Where white space, comments and processing instructions at the beginning end.
fn prologue_end(text: &str) -> Option<usize> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        let closing = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ => return Some(text.len() - rest.len()),
        };
        rest = &rest[rest.find(closing)? + closing.len()..];
    }
}

/// Bounds what the parser's work and memory grow with faster than the document does: attributes of one tag (each is compared
/// with each), prefixes in scope (each element may copy them all) and, for all that follows, depth.
fn check_tags(text: &str) -> Result<(), XmlError> {
    if text.matches("xmlns:").nth(MAX_PREFIXES).is_some() {
        return Err(XmlError::Prefixes);
    }
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|found| at + found) {
        let rest = &text[start..];
        let skipped = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        let skipped = skipped.iter().find(|(open, _)| rest.starts_with(open));
        if let Some((_, close)) = skipped {
            // Without an end it is for the parser to complain.
            let Some(length) = rest.find(close) else {
                return Ok(());
            };
            at = start + length + close.len();
            continue;
        }
        let Some(length) = tag_length(rest) else {
            return Ok(());
        };
        if length > MAX_TAG {
            return Err(XmlError::Tag { at: start });
        }
        let tag = &rest[..length];
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.ends_with("/>") {
            depth += 1;
        }
        if depth > MAX_DEPTH {
            return Err(XmlError::Depth { at: start });
        }
        at = start + length;
    }
    Ok(())
}

/// Octets of the tag that `text` begins with; what is in quotes does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, octet) in text.bytes().enumerate() {
        match quote {
            Some(open) if octet == open => quote = None,
            Some(_) => {}
            None if octet == b'>' => return Some(at + 1),
            None if matches!(octet, b'"' | b'\'') => quote = Some(octet),
            None => {}
        }
    }
    None
}

fn lower(node: roxmltree::Node<'_, '_>, depth: usize) -> Result<Element, XmlError> {
    if depth >= MAX_DEPTH {
        return Err(XmlError::Depth {
            at: node.range().start,
        });
    }
    let tag = node.tag_name();
    let namespace = tag.namespace().filter(|namespace| !namespace.is_empty());
    if namespace.is_some_and(|namespace| namespace.len() > MAX_NAMESPACE) {
        return Err(XmlError::Namespace {
            at: node.range().start,
        });
    }
    let name = Name {
        namespace: namespace.map(str::to_owned),
        local: tag.name().to_owned(),
    };
    let attributes = node.attributes().map(|attribute| Attribute {
        name: Name {
            namespace: None,
            local: attribute.name().to_owned(),
        },
        value: attribute.value().to_owned(),
    });
    let mut element = Element {
        name,
        attributes: attributes.collect(),
        children: Vec::new(),
        at: node.range(),
    };
    let has_elements = node.children().any(|child| child.is_element());
    for child in node.children() {
        match child.node_type() {
            NodeType::Element => element.children.push(Node::Element(lower(child, depth + 1)?)),
            NodeType::Text => {
                let text = child.text().unwrap_or("");
                // White space between elements is layout.
                if !(has_elements && text.trim().is_empty()) {
                    element.children.push(Node::Text(text.to_owned()));
                }
            }
            NodeType::Comment | NodeType::PI | NodeType::Root => {}
        }
    }
    Ok(element)
}

/// Escapes text for XML 1.0. Characters that XML cannot hold become U+FFFD.
fn escape(text: &mut String, raw: &str, in_attribute: bool) {
    for character in raw.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' if in_attribute => text.push_str("&quot;"),
            '\r' => text.push_str("&#13;"),
            '\n' | '\t' if in_attribute => text.push_str(if character == '\n' { "&#10;" } else { "&#9;" }),
            '\n' | '\t' => text.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let element = Element::new("urn:a", "a")
            .with_child(Element::new("urn:b", "b").with_text("x < y & \"z\" ]]> \r"))
            .with_child(Element::new("", "c"));
        let read = Element::parse(&element.to_xml()).expect("what was written is XML");
        assert_eq!(read.without_places(), element);
    }

    #[test]
    fn places_are_octets_of_the_document() {
        let text = "<a>\u{e9}<b/></a>";
        let element = Element::parse(text.as_bytes()).expect("the text is XML");
        let place = element.child("b").map(|b| b.at.clone()).expect("b is in a");
        assert_eq!(&text[place], "<b/>");
    }

    #[test]
    fn a_document_type_with_entities_is_refused_and_a_plain_one_is_not() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"b\">]><a>&b;</a>";
        assert!(matches!(
            Element::parse(bomb.as_bytes()),
            Err(XmlError::Syntax { .. })
        ));
        let plain = "<!DOCTYPE SyncML PUBLIC \"-//SYNCML//DTD SyncML 1.2//EN\" \"x\"><SyncML/>";
        assert_eq!(
            Element::parse(plain.as_bytes()).map(|element| element.at),
            Ok(60..69)
        );
        let in_text = "<a><![CDATA[<!DOCTYPE b>]]></a>";
        assert_eq!(
            Element::parse(in_text.as_bytes())
                .expect("the text is XML")
                .text(),
            "<!DOCTYPE b>"
        );
    }

    #[test]
    fn endless_nesting_is_refused() {
        for open in ["<a>", "<a b='/>'>", "<!--<a/>--><a>"] {
            let deep = open.repeat(100_000) + &"</a>".repeat(100_000);
            assert!(
                matches!(Element::parse(deep.as_bytes()), Err(XmlError::Depth { .. })),
                "{open}"
            );
        }
    }

    #[test]
    fn what_would_cost_more_than_it_is_long_is_refused() {
        let attributes: String = (0..10_000).map(|number| format!(" a{number}=''")).collect();
        assert_eq!(
            Element::parse(format!("<a{attributes}/>").as_bytes()),
            Err(XmlError::Tag { at: 0 })
        );
        let prefixes: String = (0..1000)
            .map(|number| format!("<a xmlns:p{number}='x'/>"))
            .collect();
        assert_eq!(
            Element::parse(format!("<a>{prefixes}</a>").as_bytes()),
            Err(XmlError::Prefixes)
        );
        let namespace = "x".repeat(MAX_NAMESPACE + 1);
        assert_eq!(
            Element::parse(format!("<a xmlns='{namespace}'/>").as_bytes()),
            Err(XmlError::Namespace { at: 0 })
        );
        assert_eq!(
            Element::parse(&vec![b' '; MAX_DOCUMENT + 1]),
            Err(XmlError::Size {
                octets: MAX_DOCUMENT + 1
            })
        );
    }

    #[test]
    fn octets_that_are_no_text_are_located() {
        assert_eq!(Element::parse(b"<a>\xff</a>"), Err(XmlError::Encoding { at: 3 }));
    }
}
