//! SyncML messages of OMA DM: typed, read leniently with every departure noted, written in both encodings.

mod lower;
mod message;
mod observation;
mod raise;
mod status;
#[cfg(test)]
pub(crate) mod tests;

pub use message::{
    Address, Alert, Challenge, Command, Credentials, Data, Format, Group, Header, Item, Message, Meta,
    Operation, Results, Status,
};
pub use observation::{Departure, Observation};
pub use status::{AlertCode, StatusCode};

use crate::wbxml::{self, WbxmlError};
use crate::xml::{Element, XmlError};

/// The namespace of SyncML 1.2.
pub const NAMESPACE: &str = "SYNCML:SYNCML1.2";
/// The namespace of meta information.
pub const METINF: &str = "syncml:metinf";

/// How a message is written in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// XML.
    Xml,
    /// WBXML.
    Wbxml,
}

impl Encoding {
    /// The media type of a DM message in this encoding.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/vnd.syncml.dm+xml",
            Self::Wbxml => "application/vnd.syncml.dm+wbxml",
        }
    }

    /// The encoding that a media type stands for, parameters aside. The types of data synchronisation are met on
    /// the wire too.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let kind = media_type
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        match kind.as_str() {
            "application/vnd.syncml.dm+xml" | "application/vnd.syncml+xml" => Some(Self::Xml),
            "application/vnd.syncml.dm+wbxml" | "application/vnd.syncml+wbxml" => Some(Self::Wbxml),
            _ => None,
        }
    }
}

/// A message as it was read, with every departure from the specification.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The message.
    pub message: Message,
    /// The departures, in the order of the document.
    pub observations: Vec<Observation>,
}

/// Why octets are no SyncML message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// They are no XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// They are no WBXML.
    #[error(transparent)]
    Wbxml(#[from] WbxmlError),
    /// They are a document of another kind.
    #[error("read the document as SyncML: its root is `{root}`")]
    Root {
        /// The root element.
        root: String,
    },
    /// A part without which nothing can be said is missing.
    #[error("read the document as SyncML: there is no `{missing}`")]
    Missing {
        /// What is missing.
        missing: &'static str,
    },
}

/// Reads a message. Lenient: whatever departs from the specification but leaves a meaning is read and noted.
///
/// # Errors
/// When the octets are no document of that encoding, or not SyncML.
pub fn read(octets: &[u8], encoding: Encoding) -> Result<Reading, ReadError> {
    let element = match encoding {
        Encoding::Xml => Element::parse(octets)?,
        Encoding::Wbxml => wbxml::decode(octets)?.root,
    };
    lower::message(&element)
}

/// Writes a message.
pub fn write(message: &Message, encoding: Encoding) -> Vec<u8> {
    let element = raise::message(message, encoding);
    match encoding {
        Encoding::Xml => element.to_xml(),
        Encoding::Wbxml => wbxml::encode(&element),
    }
}
