//! Elements to octets.

use std::collections::BTreeMap;
use std::slice;

use super::tables::{CodeSpace, DMDDF, SYNCML_1_1, SYNCML_1_2};
use super::{DocumentType, Version};
use crate::xml::{Attribute, Element, Node};

/// Writes an element as a WBXML 1.2 document, of the type that belongs to its namespace.
///
/// Elements and attributes without a token are written as literals, which carry no namespace. White space between
/// elements is left out, since it has no meaning in these documents and the readers of devices stumble over it.
pub fn encode(element: &Element) -> Vec<u8> {
    let document_type = match element.name.namespace.as_deref() {
        Some(SYNCML_1_1) => DocumentType::SyncMl11,
        Some(SYNCML_1_2) => DocumentType::SyncMl12,
        Some(DMDDF) => DocumentType::DmDdf12,
        None if element.name.local == ROOT_OF_PROVISIONING => DocumentType::Provisioning10,
        _ => DocumentType::Number(1),
    };
    encode_as(element, Version::default(), &document_type)
}

/// Writes an element as a WBXML document that says of itself what it is told to.
pub fn encode_as(element: &Element, version: Version, document_type: &DocumentType) -> Vec<u8> {
    let mut strings = StringTable::default();
    let public_id = match document_type.number() {
        Some(number) => Public::Number(number),
        None => Public::InTable(strings.offset_of(&document_type.to_string())),
    };
    let body = Body {
        code_space: CodeSpace::of(document_type),
        strings,
        octets: Vec::new(),
        element_page: 0,
        attribute_page: 0,
    };
    let body = body.write(element);

    let mut document = vec![version.octet()];
    match public_id {
        Public::Number(number) => write_number(&mut document, number),
        Public::InTable(offset) => {
            write_number(&mut document, 0);
            write_number(&mut document, offset);
        }
    }
    write_number(&mut document, UTF_8);
    write_counted(&mut document, &body.strings.octets);
    document.extend_from_slice(&body.octets);
    document
}

/// IANA MIBenum of UTF-8.
const UTF_8: u32 = 106;

enum Public {
    Number(u32),
    InTable(u32),
}

const ROOT_OF_PROVISIONING: &str = "wap-provisioningdoc";

struct Body {
    code_space: CodeSpace,
    strings: StringTable,
    octets: Vec<u8>,
    element_page: u8,
    attribute_page: u8,
}

impl Body {
    /// Writes without recursion: an element built in code may be deeper than the stack.
    fn write(mut self, root: &Element) -> Self {
        let mut open: Vec<(slice::Iter<'_, Node>, bool)> = Vec::new();
        self.start(root, &mut open);
        while let Some((children, has_elements)) = open.last_mut() {
            let has_elements = *has_elements;
            match children.next() {
                Some(Node::Element(element)) => self.start(element, &mut open),
                Some(Node::Text(text)) if has_elements && text.trim().is_empty() => {}
                Some(Node::Text(text)) => self.text(text),
                Some(Node::Opaque(octets)) => self.opaque(octets),
                None => {
                    self.octets.push(END);
                    open.pop();
                }
            }
        }
        self
    }

    fn start<'e>(&mut self, element: &'e Element, open: &mut Vec<(slice::Iter<'e, Node>, bool)>) {
        let has_content = !element.children.is_empty();
        let mut bits = 0;
        if has_content {
            bits |= HAS_CONTENT;
        }
        if !element.attributes.is_empty() {
            bits |= HAS_ATTRIBUTES;
        }
        let namespace = element.name.namespace.as_deref();
        match self.code_space.element_token(namespace, &element.name.local) {
            Some((page, token)) => {
                if self.element_page != page {
                    self.octets.extend([SWITCH_PAGE, page]);
                    self.element_page = page;
                }
                self.octets.push(token | bits);
            }
            None => self.literal(bits, &element.name.local),
        }
        element
            .attributes
            .iter()
            .for_each(|attribute| self.attribute(attribute));
        if !element.attributes.is_empty() {
            self.octets.push(END);
        }
        if has_content {
            let has_elements = element
                .children
                .iter()
                .any(|child| matches!(child, Node::Element(_)));
            open.push((element.children.iter(), has_elements));
        }
    }

    fn attribute(&mut self, attribute: &Attribute) {
        let name = &attribute.name.local;
        let value = match self.code_space.attribute_token(name, &attribute.value) {
            Some((page, token, rest)) => {
                self.attribute_octet(page, token);
                rest
            }
            None => {
                self.literal(0, name);
                &attribute.value
            }
        };
        match self.code_space.value_token(value) {
            Some((page, token)) => self.attribute_octet(page, token),
            None => self.text(value),
        }
    }

    /// Pages are switched for attributes apart from those for elements.
    fn attribute_octet(&mut self, page: u8, token: u8) {
        if self.attribute_page != page {
            self.octets.extend([SWITCH_PAGE, page]);
            self.attribute_page = page;
        }
        self.octets.push(token);
    }

    fn literal(&mut self, bits: u8, name: &str) {
        let offset = self.strings.offset_of(name);
        self.octets.push(LITERAL | bits);
        write_number(&mut self.octets, offset);
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        // An inline string ends at its first zero.
        if text.contains('\0') {
            return self.opaque(text.as_bytes());
        }
        self.octets.push(STRING_INLINE);
        self.octets.extend_from_slice(text.as_bytes());
        self.octets.push(0);
    }

    fn opaque(&mut self, octets: &[u8]) {
        self.octets.push(OPAQUE);
        write_counted(&mut self.octets, octets);
    }
}

const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const STRING_INLINE: u8 = 0x03;
const LITERAL: u8 = 0x04;
const OPAQUE: u8 = 0xC3;
const HAS_CONTENT: u8 = 0x40;
const HAS_ATTRIBUTES: u8 = 0x80;

#[derive(Default)]
struct StringTable {
    octets: Vec<u8>,
    offsets: BTreeMap<String, u32>,
}

impl StringTable {
    fn offset_of(&mut self, text: &str) -> u32 {
        if let Some(offset) = self.offsets.get(text) {
            return *offset;
        }
        let offset = u32::try_from(self.octets.len()).expect("names of one document stay below 4 GiB");
        self.octets.extend_from_slice(text.as_bytes());
        self.octets.push(0);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }
}

fn write_counted(document: &mut Vec<u8>, octets: &[u8]) {
    let length = u32::try_from(octets.len()).expect("values of one document stay below 4 GiB");
    write_number(document, length);
    document.extend_from_slice(octets);
}

/// `mb_u_int32`.
fn write_number(document: &mut Vec<u8>, number: u32) {
    let groups = (number.checked_ilog2().unwrap_or(0) / 7) + 1;
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        document.push(u8::try_from((number >> (7 * group)) & 0x7F).expect("seven bits") | more);
    }
}
