//! Elements to XML.

use super::{Attribute, Element, Node};

/// The namespace that the prefix `xml` always stands for.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

impl Element<'_> {
    /// The document as XML in UTF-8, with an XML declaration. Octets are written as the text they are; what XML cannot hold
    /// becomes U+FFFD.
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

    fn open(&self, text: &mut String, inherited: Option<&str>) {
        text.push('<');
        text.push_str(&self.name.local);
        let own = self.name.namespace.as_deref();
        if own != inherited {
            text.push_str(" xmlns=\"");
            escape(text, own.unwrap_or(""), true);
            text.push('"');
        }
        for (number, attribute) in self.attributes.iter().enumerate() {
            open_attribute(text, number, attribute);
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
        // Between texts, an indent would be content.
        let only_elements = self
            .children
            .iter()
            .all(|child| matches!(child, Node::Element(_)));
        if self.children.is_empty() || !only_elements {
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

/// An attribute, the one with this number of its element. One in a namespace needs a prefix.
fn open_attribute(text: &mut String, number: usize, attribute: &Attribute<'_>) {
    text.push(' ');
    match attribute.name.namespace.as_deref() {
        None => {}
        Some(XML) => text.push_str("xml:"),
        Some(namespace) => {
            let prefix = format!("n{number}");
            text.push_str("xmlns:");
            text.push_str(&prefix);
            text.push_str("=\"");
            escape(text, namespace, true);
            text.push_str("\" ");
            text.push_str(&prefix);
            text.push(':');
        }
    }
    text.push_str(&attribute.name.local);
    text.push_str("=\"");
    escape(text, &attribute.value, true);
    text.push('"');
}

/// Octets as the text of an element, where they are one that XML 1.0 can hold.
pub(crate) fn text_of(octets: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(octets).ok()?;
    text.chars().all(is_character).then_some(text)
}

/// Whether XML 1.0 can hold a character (2.2).
const fn is_character(character: char) -> bool {
    match character {
        '\n' | '\t' | '\r' => true,
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

/// Escapes text for XML 1.0. Characters that XML cannot hold become U+FFFD.
fn escape(text: &mut String, raw: &str, in_attribute: bool) {
    // Everything up to here is written.
    let mut written = 0;
    for (at, character) in raw.char_indices() {
        let escaped = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' if in_attribute => "&quot;",
            '\r' => "&#13;",
            '\n' if in_attribute => "&#10;",
            '\t' if in_attribute => "&#9;",
            '\n' | '\t' => continue,
            _ if !is_character(character) => "\u{fffd}",
            _ => continue,
        };
        text.push_str(&raw[written..at]);
        text.push_str(escaped);
        written = at + character.len_utf8();
    }
    text.push_str(&raw[written..]);
}
