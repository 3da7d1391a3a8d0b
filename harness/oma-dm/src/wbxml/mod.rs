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

use crate::xml::Element;

mod decode;
mod encode;
mod provisioning;
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

/// The namespace given to elements whose token has no name on its code page; the name is then `token-<page>-<token>`.
pub const UNKNOWN_NAMESPACE: &str = "urn:oma-dm:unknown-token";

/// A WBXML document, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What the document says it is written in.
    pub version: Version,
    /// The document type.
    pub document_type: DocumentType,
    /// The outermost element. Positions are offsets in the document.
    pub root: Element,
    /// Where the element ended; octets behind it were not read.
    pub end: usize,
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
    /// The first octet is none of 1, 2, 3.
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
    /// A number that is no character.
    #[error("entity {0} is no character")]
    Entity(u32),
    /// An extension token or processing instruction, which no document of OMA DM uses.
    #[error("token 0x{0:02X} (extension or processing instruction) is not supported")]
    Token(u8),
    /// Text outside of the outermost element, or an END with nothing open.
    #[error("token 0x{0:02X} outside of the outermost element")]
    Outside(u8),
    /// A value in an attribute list before the attribute's name.
    #[error("attribute value without a name")]
    AttributeValue,
    /// Past [`MAX_DEPTH`].
    #[error("elements nested more than {MAX_DEPTH} deep")]
    Depth,
    /// Past [`MAX_NODES`].
    #[error("more than {MAX_NODES} elements and texts")]
    Nodes,
    /// Past [`MAX_DOCUMENT`].
    #[error("document of {0} octets; at most {MAX_DOCUMENT} are read")]
    Size(usize),
    /// References to the string table add up to far more text than the document is long.
    #[error("string table references blow the document up")]
    Expansion,
}
