//! WBXML 1.1 to 1.3: octets to elements with positions, and back (WAP-192, and domain code pages of OMA DM).
//!
//! ```
//! use oma_dm::{wbxml, xml::Element};
//!
//! let element = Element::new("SYNCML:SYNCML1.2", "SyncML").with_child(Element::new("SYNCML:SYNCML1.2", "SyncHdr"));
//! let octets = wbxml::encode(&element);
//! assert_eq!(octets, [0x02, 0xA4, 0x01, 0x6A, 0x00, 0x6D, 0x2C, 0x01]);
//! assert_eq!(wbxml::decode(&octets)?.root.name, element.name);
//! # Ok::<(), wbxml::WbxmlError>(())
//! ```

use std::fmt;

use thiserror::Error;

use crate::syncml;
use crate::xml::Element;

mod decode;
mod encode;
#[cfg(test)]
mod properties;
mod provisioning;
mod reader;
mod tables;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use encode::{encode, encode_as};

/// Largest document read, in octets.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// Deepest nesting of elements read.
pub const MAX_DEPTH: usize = 64;

/// Most elements, attributes and pieces of text read in one document.
pub const MAX_NODES: usize = 256 * 1024;

/// Most attributes of one element.
pub const MAX_ATTRIBUTES: usize = 64;

/// The namespace given to elements whose token has no name on its code page; the name is then `token-<page>-<token>`.
pub const UNKNOWN_NAMESPACE: &str = "urn:oma-dm:unknown-token";

/// A WBXML document, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The outermost element. Places are octets of the document, from the tag to the end.
    pub root: Element<'static>,
    /// What the document says it is written in.
    pub version: Version,
    /// The document type.
    pub document_type: DocumentType,
    /// What departs from the specification, in the order of the document.
    pub observations: Vec<Observation>,
}

impl Decoded {
    /// What departs from the specification, as it is noted of documents: in the element `path`.
    pub(crate) fn departures(&self, path: &str) -> Vec<syncml::Observation> {
        let departure = |noted: &Observation| syncml::Observation {
            departure: syncml::Departure::Wbxml(noted.oddity.clone()),
            path: path.to_owned(),
            at: noted.at..noted.at + 1,
        };
        self.observations.iter().map(departure).collect()
    }
}

/// One departure from the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What is not as it should be.
    pub oddity: Oddity,
    /// The octet where it is.
    pub at: usize,
}

/// A kind of departure that leaves the document a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A version later than 1.3; read as 1.3.
    Version(u8),
    /// A document type that is not known; read with the code pages of SyncML.
    DocumentType(DocumentType),
    /// The last string of the string table lacks its terminator.
    Terminator,
    /// A tag that has no name on its code page; the element is in [`UNKNOWN_NAMESPACE`].
    Tag {
        /// The code page.
        page: u8,
        /// The token, without the bits for content and attributes.
        token: u8,
    },
    /// An attribute that has no name on its code page; it is called `token-<page>-<token>`.
    AttributeName {
        /// The code page.
        page: u8,
        /// The token.
        token: u8,
    },
    /// An attribute's value that stands for nothing on its code page; the text is `[token-<page>-<token>]`.
    AttributeValue {
        /// The code page.
        page: u8,
        /// The token.
        token: u8,
    },
    /// Attributes in a document whose kind has none.
    Attributes,
    /// An attribute that its element has already; left out.
    RepeatedAttribute(String),
    /// An extension token, which no kind of document gives a meaning; left out.
    Extension(u8),
    /// A processing instruction; left out.
    ProcessingInstruction,
    /// Octets behind the outermost element; left out.
    Trailing(usize),
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(octet) => write!(f, "version octet 0x{octet:02X} is read as WBXML 1.3"),
            Self::DocumentType(document_type) => write!(f, "`{document_type}` is no known document type"),
            Self::Terminator => f.write_str("the string table has no terminator"),
            Self::Tag { page, token } => write!(f, "tag 0x{token:02X} has no name on code page {page}"),
            Self::AttributeName { page, token } => {
                write!(f, "attribute 0x{token:02X} has no name on code page {page}")
            }
            Self::AttributeValue { page, token } => {
                write!(
                    f,
                    "attribute value 0x{token:02X} stands for nothing on code page {page}"
                )
            }
            Self::Attributes => f.write_str("the element has attributes"),
            Self::RepeatedAttribute(name) => write!(f, "attribute `{name}` is there more than once"),
            Self::Extension(token) => write!(f, "extension token 0x{token:02X} means nothing"),
            Self::ProcessingInstruction => f.write_str("a processing instruction means nothing"),
            Self::Trailing(octets) => write!(f, "{octets} octets follow the outermost element"),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (octet {})", self.oddity, self.at)
    }
}

/// A version of WBXML. All that is read and written here is alike in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.1
    V1_1,
    /// 1.2, which is what SyncML messages mostly carry.
    #[default]
    V1_2,
    /// 1.3
    V1_3,
}

impl Version {
    fn octet(self) -> u8 {
        match self {
            Self::V1_1 => 1,
            Self::V1_2 => 2,
            Self::V1_3 => 3,
        }
    }

    fn from_octet(octet: u8) -> Option<Self> {
        [Self::V1_1, Self::V1_2, Self::V1_3]
            .into_iter()
            .find(|version| version.octet() == octet)
    }
}

/// The public identifier of a document: it selects the code pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentType {
    /// SyncML 1.1, 0x0FD3.
    SyncMl11,
    /// SyncML 1.2, 0x1201.
    SyncMl12,
    /// MetInf 1.2, 0x1202.
    MetInf12,
    /// DM tree descriptions and objects (TNDS); has no number.
    DmDdf12,
    /// Client provisioning, 0x0B.
    Provisioning10,
    /// Another number.
    Number(u32),
    /// Another public identifier.
    Text(String),
}

impl DocumentType {
    const NAMED: [(Self, u32, &'static str); 5] = [
        (Self::SyncMl11, 0x0FD3, "-//SYNCML//DTD SyncML 1.1//EN"),
        (Self::SyncMl12, 0x1201, "-//SYNCML//DTD SyncML 1.2//EN"),
        (Self::MetInf12, 0x1202, "-//SYNCML//DTD MetInf 1.2//EN"),
        (Self::DmDdf12, 0, "-//OMA//DTD-DM-DDF 1.2//EN"),
        (Self::Provisioning10, 0x0B, "-//WAPFORUM//DTD PROV 1.0//EN"),
    ];

    /// Whether it selects code pages.
    fn is_known(&self) -> bool {
        !matches!(self, Self::Number(_) | Self::Text(_))
    }

    fn number(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            named => Self::NAMED
                .iter()
                .find(|(of, _, _)| of == named)
                .map(|(_, number, _)| *number),
        }
        .filter(|number| *number != 0)
    }

    fn from_number(number: u32) -> Self {
        let named = Self::NAMED
            .into_iter()
            .find(|(_, of, _)| *of == number && number != 0);
        named.map_or(Self::Number(number), |(document_type, _, _)| document_type)
    }

    fn from_text(text: &str) -> Self {
        let named = Self::NAMED.into_iter().find(|(_, _, of)| *of == text);
        named.map_or_else(
            || Self::Text(text.to_owned()),
            |(document_type, _, _)| document_type,
        )
    }
}

impl fmt::Display for DocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "public id 0x{number:X}"),
            Self::Text(text) => f.write_str(text),
            named => {
                let text = Self::NAMED
                    .iter()
                    .find(|(of, _, _)| of == named)
                    .map_or("", |(_, _, text)| text);
                f.write_str(text)
            }
        }
    }
}

/// Why octets could not be read as WBXML, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem} (octet {at})")]
pub struct WbxmlError {
    /// Offset of the offending octet.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a WBXML document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The first octet is no version of WBXML later than 1.0.
    #[error("not WBXML 1.1 to 1.3: version octet 0x{0:02X}")]
    Version(u8),
    /// The document stops in the middle.
    #[error("document ends too early; is the body complete?")]
    End,
    /// A number of more than 32 bits.
    #[error("number of more than 32 bits")]
    Number,
    /// A character set other than UTF-8, US-ASCII and ISO-8859-1.
    #[error("character set {0} (IANA MIBenum); only UTF-8 (106), US-ASCII (3) and ISO-8859-1 (4) are read")]
    CharacterSet(u32),
    /// Text that is not in the document's character set.
    #[error("text is not in the document's character set")]
    Text,
    /// A reference that points behind the string table.
    #[error("reference to {offset} in a string table of {length} octets")]
    StringTable {
        /// Where the reference points.
        offset: u32,
        /// Octets in the table.
        length: usize,
    },
    /// A literal that can name nothing.
    #[error("a literal that is no name")]
    Name,
    /// A number that is no character.
    #[error("entity {0} is no character")]
    Entity(u32),
    /// Text outside of the outermost element, or an END with nothing open.
    #[error("token 0x{0:02X} outside of the outermost element")]
    Outside(u8),
    /// A value in an attribute list before the attribute's name.
    #[error("attribute value without a name")]
    AttributeValue,
    /// Past [`MAX_ATTRIBUTES`].
    #[error("more than {MAX_ATTRIBUTES} attributes of one element")]
    Attributes,
    /// Past [`MAX_DEPTH`].
    #[error("elements nested more than {MAX_DEPTH} deep")]
    Depth,
    /// Past [`MAX_NODES`].
    #[error("more than {MAX_NODES} elements, attributes and texts")]
    Nodes,
    /// Past [`MAX_DOCUMENT`].
    #[error("document of {0} octets; at most {MAX_DOCUMENT} are read")]
    Size(usize),
    /// References to the string table add up to far more text than the document is long.
    #[error("string table references blow the document up")]
    Expansion,
}
