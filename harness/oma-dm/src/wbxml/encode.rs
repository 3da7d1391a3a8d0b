//! Elements to octets.

use std::collections::BTreeMap;
use std::slice;

use super::tables::{CodeSpace, DMDDF, METINF, SYNCML_1_1, SYNCML_1_2};
use super::{DocumentType, Version};
use crate::xml::{Element, Node, is_white_space};

/// Writes an element as a WBXML 1.2 document, of the type that belongs to it.
///
/// Elements and attributes without a token are written as literals, which carry no namespace. White space between
/// elements is left out, since it has no meaning in these documents and the readers of devices stumble over it.
pub fn encode(element: &Element) -> Vec<u8> {
    let document_type = match element.name.namespace.as_deref() {
        Some(SYNCML_1_1) => DocumentType::SyncMl11,
        Some(SYNCML_1_2) => DocumentType::SyncMl12,
        Some(METINF) => DocumentType::MetInf12,
        Some(DMDDF) => DocumentType::DmDdf12,
        None if element.name.local == ROOT_OF_PROVISIONING => DocumentType::Provisioning10,
        _ => DocumentType::Number(1),
    };
    encode_as(element, Version::default(), &document_type)
}

const ROOT_OF_PROVISIONING: &str = "wap-provisioningdoc";

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
        page: 0,
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

struct Body {
    code_space: CodeSpace,
    strings: StringTable,
    octets: Vec<u8>,
    page: u8,
    attribute_page: u8,
}

impl Body {
    /// Writes without recursion: an element built in code may be deeper than the stack.
    fn write(mut self, root: &Element) -> Self {
        let mut open: Vec<Open<'_>> = Vec::new();
        self.start(root, &mut open);
        while let Some(element) = open.last_mut() {
            let Some(child) = element.children.next() else {
                self.octets.push(END);
                open.pop();
                continue;
            };
            if element.is_layout(child) {
                continue;
            }
            match child {
                Node::Element(child) => self.start(child, &mut open),
                Node::Text(text) => self.text(text),
                Node::Opaque(octets) => self.opaque(octets),
            }
        }
        self
    }

    fn start<'e>(&mut self, element: &'e Element, open: &mut Vec<Open<'e>>) {
        let content = Open::new(element);
        let has_content = element.children.iter().any(|child| !content.is_layout(child));
        let mut bits = 0;
        if has_content {
            bits |= HAS_CONTENT;
        }
        if !element.attributes.is_empty() {
            bits |= HAS_ATTRIBUTES;
        }
        let token = self
            .code_space
            .element_token(element.name.namespace.as_deref(), &element.name.local);
        match token {
            Some((page, token)) => {
                self.switch_to(page);
                self.octets.push(token | bits);
            }
            None => self.literal(bits, &element.name.local),
        }
        for attribute in &element.attributes {
            self.attribute(&attribute.name.local, &attribute.value);
        }
        if !element.attributes.is_empty() {
            self.octets.push(END);
        }
        if has_content {
            open.push(content);
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match self.code_space.attribute_token(name, value) {
            Some((page, token, is_whole)) => {
                self.attribute_octet(page, token);
                if is_whole {
                    return;
                }
            }
            None => self.literal(0, name),
        }
        match self.code_space.attribute_value_token(value) {
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

    fn switch_to(&mut self, page: u8) {
        if self.page != page {
            self.octets.extend([SWITCH_PAGE, page]);
            self.page = page;
        }
    }

    fn literal(&mut self, bits: u8, name: &str) {
        let offset = self.strings.offset_of(name);
        self.octets.push(LITERAL | bits);
        write_number(&mut self.octets, offset);
    }

    /// An inline string ends at its first zero; the character itself has to be an entity.
    fn text(&mut self, text: &str) {
        for (number, piece) in text.split('\0').enumerate() {
            if number > 0 {
                self.octets.extend([ENTITY, 0]);
            }
            if !piece.is_empty() {
                self.octets.push(STRING_INLINE);
                self.octets.extend_from_slice(piece.as_bytes());
                self.octets.push(0);
            }
        }
    }

    fn opaque(&mut self, octets: &[u8]) {
        self.octets.push(OPAQUE);
        write_counted(&mut self.octets, octets);
    }
}

/// An element whose content is being written.
struct Open<'e> {
    children: slice::Iter<'e, Node<'e>>,
    has_elements: bool,
}

impl<'e> Open<'e> {
    fn new(element: &'e Element) -> Self {
        Self {
            children: element.children.iter(),
            has_elements: element.elements().next().is_some(),
        }
    }

    /// Whether a child says nothing: no text at all, or white space between elements.
    fn is_layout(&self, child: &Node) -> bool {
        match child {
            Node::Text(text) => text.is_empty() || (self.has_elements && is_white_space(text)),
            Node::Element(_) | Node::Opaque(_) => false,
        }
    }
}

const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const ENTITY: u8 = 0x02;
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
