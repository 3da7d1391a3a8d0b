//! Octets to elements.

use std::borrow::Cow;

use super::reader::{CharacterSet, PublicId, Reader, Strings, problem};
use super::tables::{CodeSpace, unknown_name};
use super::{
    Decoded, MAX_ATTRIBUTES, MAX_DEPTH, MAX_DOCUMENT, MAX_NODES, Observation, Oddity, Problem,
    UNKNOWN_NAMESPACE, Version, WbxmlError,
};
use crate::xml::{Attribute, Element, Name, Node, is_name};

/// Reads a WBXML document. Lenient: what departs from the specification but leaves a meaning is read and noted.
///
/// # Errors
/// When the octets are no WBXML, or pass one of the limits of this module; work and memory stay in proportion to the
/// length of `octets`.
pub fn decode(octets: &[u8]) -> Result<Decoded, WbxmlError> {
    if octets.len() > MAX_DOCUMENT {
        return Err(problem(0, Problem::Size(octets.len())));
    }
    let mut reader = Reader { octets, at: 0 };
    let mut observations = Vec::new();
    let mut note = |at, oddity| observations.push(Observation { oddity, at });

    let version = reader.octet()?;
    let version = match Version::from_octet(version) {
        Some(version) => version,
        // Later ones would differ in what they add only; 1.0 has no character set, and cannot be read as if it had.
        None if (0x04..0x10).contains(&version) => {
            note(0, Oddity::Version(version));
            Version::V1_3
        }
        None => return Err(problem(0, Problem::Version(version))),
    };
    let public_id = PublicId::read(&mut reader)?;
    let character_set = CharacterSet::read(&mut reader)?;
    let mut strings = Strings::read(&mut reader, character_set)?;
    let document_type = public_id.resolve(&mut strings)?;
    if !document_type.is_known() {
        note(1, Oddity::DocumentType(document_type.clone()));
    }
    if strings.is_cut() {
        note(reader.at - 1, Oddity::Terminator);
    }

    let decoder = Decoder {
        code_space: CodeSpace::of(&document_type),
        reader,
        strings,
        element_page: 0,
        attribute_page: 0,
        open: Vec::new(),
        nodes: 0,
        observations,
    };
    let (root, observations) = decoder.run()?;
    Ok(Decoded {
        root,
        version,
        document_type,
        observations,
    })
}

// Structure of a document: the tokens that mean the same on every page.
const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const ENTITY: u8 = 0x02;
const STRING_INLINE: u8 = 0x03;
const LITERAL: u8 = 0x04;
const PROCESSING_INSTRUCTION: u8 = 0x43;
const STRING_TABLE: u8 = 0x83;
const OPAQUE: u8 = 0xC3;
const HAS_CONTENT: u8 = 0x40;
const HAS_ATTRIBUTES: u8 = 0x80;

struct Decoder<'a> {
    code_space: CodeSpace,
    reader: Reader<'a>,
    strings: Strings<'a>,
    element_page: u8,
    attribute_page: u8,
    open: Vec<Element<'static>>,
    nodes: usize,
    observations: Vec<Observation>,
}

impl Decoder<'_> {
    /// Reads up to the end of the outermost element.
    fn run(mut self) -> Result<(Element<'static>, Vec<Observation>), WbxmlError> {
        loop {
            let at = self.reader.at;
            let token = self.reader.octet()?;
            let complete = match token {
                SWITCH_PAGE => {
                    self.element_page = self.reader.octet()?;
                    None
                }
                END => Some(self.close(at)?),
                ENTITY | STRING_INLINE | STRING_TABLE => {
                    let text = self.text(token, at)?;
                    self.push_text(text, token, at)?;
                    None
                }
                OPAQUE => {
                    let octets = self.reader.counted()?.to_vec();
                    self.push(Node::Opaque(octets), token, at)?;
                    None
                }
                PROCESSING_INSTRUCTION => {
                    self.attributes()?;
                    self.note(at, Oddity::ProcessingInstruction)?;
                    None
                }
                // What a tag with the number 0 to 2 and a bit would be.
                _ if token & 0x3F < STRING_INLINE => {
                    self.extension(token, at)?;
                    None
                }
                _ => self.open(token, at)?,
            };
            let Some(element) = complete else { continue };
            if self.open.is_empty() {
                let rest = self.reader.octets.len() - self.reader.at;
                if rest > 0 {
                    self.note(self.reader.at, Oddity::Trailing(rest))?;
                }
                return Ok((element, self.observations));
            }
            self.push(Node::Element(element), token, at)?;
        }
    }

    /// Begins an element; gives it back when it has no content and so is complete.
    fn open(&mut self, token: u8, at: usize) -> Result<Option<Element<'static>>, WbxmlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(problem(at, Problem::Depth));
        }
        let name = self.element_name(token & 0x3F, at)?;
        let mut attributes = Vec::new();
        if token & HAS_ATTRIBUTES != 0 {
            if !self.code_space.has_attributes() {
                self.note(at, Oddity::Attributes)?;
            }
            attributes = self.attributes()?;
        }
        let element = Element {
            name,
            attributes,
            children: Vec::new(),
            at: at..self.reader.at,
        };
        if token & HAS_CONTENT == 0 {
            return Ok(Some(element));
        }
        self.open.push(element);
        Ok(None)
    }

    fn close(&mut self, at: usize) -> Result<Element<'static>, WbxmlError> {
        let mut element = self
            .open
            .pop()
            .ok_or_else(|| problem(at, Problem::Outside(END)))?;
        element.at.end = self.reader.at;
        Ok(element)
    }

    fn element_name(&mut self, token: u8, at: usize) -> Result<Name<'static>, WbxmlError> {
        if token == LITERAL {
            return Ok(Name {
                namespace: None,
                local: self.literal(at)?.into(),
            });
        }
        let page = self.element_page;
        if let Some((namespace, local)) = self.code_space.element(page, token) {
            return Ok(Name {
                namespace: namespace.map(Cow::Borrowed),
                local: local.into(),
            });
        }
        self.note(at, Oddity::Tag { page, token })?;
        Ok(Name {
            namespace: Some(Cow::Borrowed(UNKNOWN_NAMESPACE)),
            local: unknown_name(page, token).into(),
        })
    }

    /// A name from the string table. What is none in XML is refused: it could not be written, or would mean something else.
    fn literal(&mut self, at: usize) -> Result<String, WbxmlError> {
        let name = self.strings.at(self.reader.number()?, at)?;
        match is_name(&name) {
            true => Ok(name),
            false => Err(problem(at, Problem::Name)),
        }
    }

    fn attributes(&mut self) -> Result<Vec<Attribute<'static>>, WbxmlError> {
        let mut attributes = Vec::new();
        let mut current: Option<(Attribute<'static>, usize)> = None;
        loop {
            let at = self.reader.at;
            let token = self.reader.octet()?;
            let piece = match token {
                END => {
                    self.keep(current, &mut attributes)?;
                    return Ok(attributes);
                }
                SWITCH_PAGE => {
                    self.attribute_page = self.reader.octet()?;
                    continue;
                }
                ENTITY | STRING_INLINE | STRING_TABLE => self.text(token, at)?,
                OPAQUE => {
                    let octets = self.reader.counted()?;
                    let text = self.strings.character_set.text(octets);
                    text.ok_or_else(|| problem(at, Problem::Text))?
                }
                _ if token != LITERAL && token & 0x3F < STRING_INLINE => {
                    self.extension(token, at)?;
                    continue;
                }
                _ if token & HAS_ATTRIBUTES != 0 => self.attribute_value(token, at)?,
                _ => {
                    self.keep(current, &mut attributes)?;
                    current = Some((self.attribute_start(token, at)?, at));
                    continue;
                }
            };
            let (attribute, _) = current
                .as_mut()
                .ok_or_else(|| problem(at, Problem::AttributeValue))?;
            attribute.value.to_mut().push_str(&piece);
        }
    }

    /// Takes an attribute that is complete. No element can have two of one name.
    fn keep(
        &mut self,
        complete: Option<(Attribute<'static>, usize)>,
        attributes: &mut Vec<Attribute<'static>>,
    ) -> Result<(), WbxmlError> {
        let Some((attribute, at)) = complete else {
            return Ok(());
        };
        self.count(at)?;
        if attributes.iter().any(|earlier| earlier.name == attribute.name) {
            return self.note(at, Oddity::RepeatedAttribute(attribute.name.local.into_owned()));
        }
        if attributes.len() >= MAX_ATTRIBUTES {
            return Err(problem(at, Problem::Attributes));
        }
        attributes.push(attribute);
        Ok(())
    }

    fn attribute_start(&mut self, token: u8, at: usize) -> Result<Attribute<'static>, WbxmlError> {
        let page = self.attribute_page;
        let (local, value) = match token {
            LITERAL => (self.literal(at)?.into(), None),
            _ => match self.code_space.attribute(page, token) {
                Some((name, value)) => (name.into(), value),
                None => {
                    self.note(at, Oddity::AttributeName { page, token })?;
                    (unknown_name(page, token).into(), None)
                }
            },
        };
        Ok(Attribute {
            name: Name {
                namespace: None,
                local,
            },
            value: value.unwrap_or_default().into(),
        })
    }

    fn attribute_value(&mut self, token: u8, at: usize) -> Result<String, WbxmlError> {
        let page = self.attribute_page;
        if let Some(value) = self.code_space.attribute_value(page, token) {
            return Ok(value.to_owned());
        }
        self.note(at, Oddity::AttributeValue { page, token })?;
        Ok(format!("[{}]", unknown_name(page, token)))
    }

    fn text(&mut self, token: u8, at: usize) -> Result<String, WbxmlError> {
        match token {
            STRING_INLINE => {
                let octets = self.reader.terminated()?;
                let text = self.strings.character_set.text(octets);
                text.ok_or_else(|| problem(at, Problem::Text))
            }
            STRING_TABLE => {
                let offset = self.reader.number()?;
                self.strings.at(offset, at)
            }
            _ => {
                let number = self.reader.number()?;
                let character = char::from_u32(number).ok_or_else(|| problem(at, Problem::Entity(number)))?;
                Ok(character.to_string())
            }
        }
    }

    /// Passes over an extension token, which means nothing in documents of OMA DM.
    fn extension(&mut self, token: u8, at: usize) -> Result<(), WbxmlError> {
        match token & !0x3F {
            HAS_CONTENT => drop(self.reader.terminated()?),
            HAS_ATTRIBUTES => drop(self.reader.number()?),
            _ => {}
        }
        self.note(at, Oddity::Extension(token))
    }

    /// Text follows text where a writer cut it, or wrote entities: it is one text.
    fn push_text(&mut self, text: String, token: u8, at: usize) -> Result<(), WbxmlError> {
        let parent = self
            .open
            .last_mut()
            .ok_or_else(|| problem(at, Problem::Outside(token)))?;
        let goes_on = matches!(parent.children.last(), Some(Node::Text(_)));
        if !text.is_empty() {
            parent.push_text(text.into());
        }
        if goes_on { Ok(()) } else { self.count(at) }
    }

    fn push(&mut self, node: Node<'static>, token: u8, at: usize) -> Result<(), WbxmlError> {
        self.count(at)?;
        let parent = self
            .open
            .last_mut()
            .ok_or_else(|| problem(at, Problem::Outside(token)))?;
        match node {
            Node::Element(_) => parent.children.push(node),
            Node::Text(_) | Node::Opaque(_) => parent.push_leaf(node),
        }
        Ok(())
    }

    fn note(&mut self, at: usize, oddity: Oddity) -> Result<(), WbxmlError> {
        self.observations.push(Observation { oddity, at });
        self.count(at)
    }

    fn count(&mut self, at: usize) -> Result<(), WbxmlError> {
        self.nodes += 1;
        match self.nodes > MAX_NODES {
            true => Err(problem(at, Problem::Nodes)),
            false => Ok(()),
        }
    }
}
