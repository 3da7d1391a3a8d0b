//! Octets to elements.

use std::borrow::Cow;

use super::tables::CodeSpace;
use super::{
    Document, DocumentType, MAX_DEPTH, MAX_DOCUMENT, MAX_NODES, Problem, UNKNOWN_NAMESPACE, Version,
    WbxmlError,
};
use crate::xml::{Attribute, Element, Name, Node};

/// Reads a WBXML document. Tokens without a name are kept as elements of [`UNKNOWN_NAMESPACE`].
///
/// # Errors
/// When the octets are no WBXML, or pass one of the limits of this module; work and memory stay in proportion to the
/// length of `octets`.
pub fn decode(octets: &[u8]) -> Result<Document, WbxmlError> {
    if octets.len() > MAX_DOCUMENT {
        return Err(WbxmlError {
            at: 0,
            problem: Problem::Size(octets.len()),
        });
    }
    let mut reader = Reader { octets, at: 0 };
    let version_octet = reader.octet()?;
    let version = Version::from_octet(version_octet).ok_or(WbxmlError {
        at: 0,
        problem: Problem::Version(version_octet),
    })?;
    let public_id = PublicId::read(&mut reader)?;
    let character_set = CharacterSet::read(&mut reader)?;
    let string_table = reader.counted()?;
    // Each reference costs two octets, and may stand for as much text as the table is long.
    let expansion_left = 64 * 1024 + 8 * octets.len();
    let mut strings = Strings {
        table: string_table,
        character_set,
        expansion_left,
    };
    let document_type = public_id.resolve(&mut strings)?;
    let decoder = Decoder {
        code_space: CodeSpace::of(&document_type),
        reader,
        strings,
        element_page: 0,
        attribute_page: 0,
        open: Vec::new(),
        nodes: 0,
    };
    let (root, end) = decoder.run()?;
    Ok(Document {
        version,
        document_type,
        root,
        end,
    })
}

// Structure of a document: the tokens that mean the same on every page.
const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const ENTITY: u8 = 0x02;
const STRING_INLINE: u8 = 0x03;
const LITERAL: u8 = 0x04;
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
    open: Vec<Element>,
    nodes: usize,
}

impl Decoder<'_> {
    /// Reads up to the end of the outermost element.
    fn run(mut self) -> Result<(Element, usize), WbxmlError> {
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
                // PI, EXT_I, EXT_T and EXT: what a tag with the number 0 to 3 and a bit would be.
                _ if token & 0x3F < LITERAL => return Err(problem(at, Problem::Token(token))),
                _ => self.open(token, at)?,
            };
            let Some(element) = complete else { continue };
            if self.open.is_empty() {
                return Ok((element, self.reader.at));
            }
            self.push(Node::Element(element), token, at)?;
        }
    }

    /// Begins an element; gives it back when it has no content and so is complete.
    fn open(&mut self, token: u8, at: usize) -> Result<Option<Element>, WbxmlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(problem(at, Problem::Depth));
        }
        let name = self.element_name(token & 0x3F, at)?;
        let mut attributes = Vec::new();
        if token & HAS_ATTRIBUTES != 0 {
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

    fn close(&mut self, at: usize) -> Result<Element, WbxmlError> {
        let mut element = self
            .open
            .pop()
            .ok_or_else(|| problem(at, Problem::Outside(END)))?;
        element.at.end = self.reader.at;
        Ok(element)
    }

    fn element_name(&mut self, token: u8, at: usize) -> Result<Name, WbxmlError> {
        if token == LITERAL {
            let local = self.strings.at(self.reader.number()?, at)?;
            return Ok(Name {
                namespace: None,
                local,
            });
        }
        Ok(match self.code_space.element(self.element_page, token) {
            Some((namespace, local)) => Name {
                namespace: namespace.map(Cow::Borrowed),
                local: local.to_owned(),
            },
            None => Name {
                namespace: Some(Cow::Borrowed(UNKNOWN_NAMESPACE)),
                local: format!("token-{}-{token:02X}", self.element_page),
            },
        })
    }

    fn attributes(&mut self) -> Result<Vec<Attribute>, WbxmlError> {
        let mut attributes: Vec<Attribute> = Vec::new();
        loop {
            let at = self.reader.at;
            let token = self.reader.octet()?;
            let piece = match token {
                END => return Ok(attributes),
                SWITCH_PAGE => {
                    self.attribute_page = self.reader.octet()?;
                    continue;
                }
                ENTITY | STRING_INLINE | STRING_TABLE => self.text(token, at)?,
                OPAQUE => {
                    let octets = self.reader.counted()?;
                    self.strings
                        .character_set
                        .text(octets)
                        .ok_or_else(|| problem(at, Problem::Text))?
                }
                _ if token != LITERAL && token & 0x3F < LITERAL => {
                    return Err(problem(at, Problem::Token(token)));
                }
                _ if token & HAS_ATTRIBUTES != 0 => {
                    let value = self.code_space.attribute_value(self.attribute_page, token);
                    value.map_or_else(
                        || format!("[token-{}-{token:02X}]", self.attribute_page),
                        str::to_owned,
                    )
                }
                _ => {
                    self.count(at)?;
                    attributes.push(self.attribute_start(token, at)?);
                    continue;
                }
            };
            let attribute = attributes
                .last_mut()
                .ok_or_else(|| problem(at, Problem::AttributeValue))?;
            attribute.value.push_str(&piece);
        }
    }

    fn attribute_start(&mut self, token: u8, at: usize) -> Result<Attribute, WbxmlError> {
        let (name, value) = match token {
            LITERAL => (self.strings.at(self.reader.number()?, at)?, ""),
            _ => match self.code_space.attribute(self.attribute_page, token) {
                Some((name, value)) => (name.to_owned(), value),
                None => (format!("token-{}-{token:02X}", self.attribute_page), ""),
            },
        };
        Ok(Attribute {
            name: Name {
                namespace: None,
                local: name,
            },
            value: value.to_owned(),
        })
    }

    fn text(&mut self, token: u8, at: usize) -> Result<String, WbxmlError> {
        match token {
            STRING_INLINE => {
                let octets = self.reader.terminated()?;
                self.strings
                    .character_set
                    .text(octets)
                    .ok_or_else(|| problem(at, Problem::Text))
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

    /// Text follows text where a writer cut it, or wrote entities: it is one text.
    fn push_text(&mut self, text: String, token: u8, at: usize) -> Result<(), WbxmlError> {
        if let Some(Node::Text(before)) = self
            .open
            .last_mut()
            .and_then(|element| element.children.last_mut())
        {
            before.push_str(&text);
            return Ok(());
        }
        self.push(Node::Text(text), token, at)
    }

    fn push(&mut self, node: Node, token: u8, at: usize) -> Result<(), WbxmlError> {
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

    fn count(&mut self, at: usize) -> Result<(), WbxmlError> {
        self.nodes += 1;
        match self.nodes > MAX_NODES {
            true => Err(problem(at, Problem::Nodes)),
            false => Ok(()),
        }
    }
}

/// The public identifier as it stands before the string table that it may refer to.
enum PublicId {
    Number(u32),
    InTable { offset: u32, at: usize },
}

impl PublicId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WbxmlError> {
        match reader.number()? {
            0 => {
                let at = reader.at;
                Ok(Self::InTable {
                    offset: reader.number()?,
                    at,
                })
            }
            number => Ok(Self::Number(number)),
        }
    }

    fn resolve(self, strings: &mut Strings<'_>) -> Result<DocumentType, WbxmlError> {
        match self {
            Self::Number(number) => Ok(DocumentType::from_number(number)),
            Self::InTable { offset, at } => Ok(DocumentType::from_text(&strings.at(offset, at)?)),
        }
    }
}

#[derive(Clone, Copy)]
enum CharacterSet {
    Utf8,
    Latin1,
}

impl CharacterSet {
    /// IANA's MIBenum numbers; 0 means that the transport told, and it tells UTF-8 unless it says otherwise.
    fn read(reader: &mut Reader<'_>) -> Result<Self, WbxmlError> {
        let at = reader.at;
        match reader.number()? {
            0 | 3 | 106 => Ok(Self::Utf8),
            4 => Ok(Self::Latin1),
            other => Err(problem(at, Problem::CharacterSet(other))),
        }
    }

    fn text(self, octets: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(octets).ok().map(str::to_owned),
            Self::Latin1 => Some(octets.iter().copied().map(char::from).collect()),
        }
    }
}

/// The string table.
struct Strings<'a> {
    table: &'a [u8],
    character_set: CharacterSet,
    expansion_left: usize,
}

impl Strings<'_> {
    /// The string that begins at `offset`; `at` is where it is referred to.
    fn at(&mut self, offset: u32, at: usize) -> Result<String, WbxmlError> {
        let outside = || {
            problem(
                at,
                Problem::StringTable {
                    offset,
                    length: self.table.len(),
                },
            )
        };
        let start = usize::try_from(offset).map_err(|_| outside())?;
        let from = self
            .table
            .get(start..)
            .filter(|from| !from.is_empty())
            .ok_or_else(outside)?;
        // The last string of a table may lack its terminator.
        let octets = from.split(|octet| *octet == 0).next().unwrap_or_default();
        let text = self
            .character_set
            .text(octets)
            .ok_or_else(|| problem(at, Problem::Text))?;
        self.expansion_left = self
            .expansion_left
            .checked_sub(octets.len())
            .ok_or_else(|| problem(at, Problem::Expansion))?;
        Ok(text)
    }
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn octet(&mut self) -> Result<u8, WbxmlError> {
        let octet = self.octets.get(self.at).copied().ok_or_else(|| self.end())?;
        self.at += 1;
        Ok(octet)
    }

    /// `mb_u_int32`: seven bits in an octet, the highest bit says that more follow.
    fn number(&mut self) -> Result<u32, WbxmlError> {
        let at = self.at;
        let mut number: u32 = 0;
        for _ in 0..5 {
            let octet = self.octet()?;
            if number >> 25 != 0 {
                return Err(problem(at, Problem::Number));
            }
            number = (number << 7) | u32::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(problem(at, Problem::Number))
    }

    /// A length and that many octets, which must be there.
    fn counted(&mut self) -> Result<&'a [u8], WbxmlError> {
        let length = usize::try_from(self.number()?).map_err(|_| self.end())?;
        let end = self.at.checked_add(length).ok_or_else(|| self.end())?;
        let octets = self.octets.get(self.at..end).ok_or_else(|| self.end())?;
        self.at = end;
        Ok(octets)
    }

    /// Octets up to a zero, which is taken too.
    fn terminated(&mut self) -> Result<&'a [u8], WbxmlError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|octet| *octet == 0)
            .ok_or_else(|| self.end())?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn end(&self) -> WbxmlError {
        problem(self.octets.len(), Problem::End)
    }
}

fn problem(at: usize, problem: Problem) -> WbxmlError {
    WbxmlError { at, problem }
}
