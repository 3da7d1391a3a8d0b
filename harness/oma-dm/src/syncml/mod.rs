//! SyncML messages of OMA DM: typed, read leniently with every departure noted, written in both encodings.
//!
//! Reading goes as far as there is a meaning, and notes what departs from the specification, each with its place and with
//! the kind of rule that it breaks:
//!
//! ```
//! use oma_dm::syncml::{self, Encoding, Rule};
//!
//! let octets = br#"<SyncML xmlns="SYNCML:SYNCML1.2">
//!   <SyncHdr>
//!     <VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>A7</SessionID><MsgID>1</MsgID>
//!     <Target><LocURI>https://dms2.example/dm</LocURI></Target><Source><LocURI>IMEI:1</LocURI></Source>
//!   </SyncHdr>
//!   <SyncBody>
//!     <Alert><CmdID>1</CmdID><Correlator>c</Correlator><Data>1201</Data></Alert>
//!     <Final/>
//!   </SyncBody>
//! </SyncML>"#;
//! let reading = syncml::read(octets, Encoding::Xml)?;
//! assert_eq!(reading.message.header.session_id, "A7");
//! let [observation] = reading.observations.as_slice() else { panic!("one thing is not as it should be") };
//! assert_eq!(observation.departure.rule(), Rule::ContentModel);
//! assert_eq!(observation.departure.to_string(), "`Data` should precede `Correlator`");
//! assert_eq!(syncml::place(octets, observation.at.start).to_string(), "line 7, column 54");
//! assert!(syncml::read_strict(octets, Encoding::Xml).is_err());
//!
//! // What is written is as it should be, in either encoding.
//! let written = syncml::write(&reading.message, Encoding::Wbxml);
//! assert_eq!(syncml::read_strict(&written, Encoding::Wbxml).as_ref(), Ok(&reading.message));
//! # Ok::<(), syncml::ReadError>(())
//! ```

mod check;
mod dm;
mod grammar;
mod lower;
mod media_type;
mod message;
mod meta;
mod observation;
mod pattern;
mod place;
mod raise;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod text;

pub use message::{
    Address, Alert, Challenge, Command, Credentials, Data, Format, Group, Header, Item, Message, Meta,
    Operation, Results, Status,
};
pub use observation::{Departure, Observation, Rule};
pub use pattern::Pattern;
pub use place::{Place, place};
pub use status::{AlertCode, StatusCode};

use crate::wbxml::{self, DocumentType, Oddity, WbxmlError};
use crate::xml::{Element, XmlError};
use observation::Notes;

/// The namespace of SyncML 1.2.
pub const NAMESPACE: &str = "SYNCML:SYNCML1.2";
/// The namespace of SyncML 1.1, which is read as well.
pub const NAMESPACE_1_1: &str = "SYNCML:SYNCML1.1";
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

/// A message as it was read, with every departure from the specification.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'d> {
    /// The message. What it cannot hold is among the observations, and in the element.
    pub message: Message,
    /// The outermost element, as it was read: all that the sender said, with its places.
    pub element: Element<'d>,
    /// The departures, in the order of the document.
    pub observations: Vec<Observation>,
}

impl<'d> Reading<'d> {
    /// Whether no rule is broken; customs may be.
    pub fn is_strict(&self) -> bool {
        self.breaches().next().is_none()
    }

    /// The departures that break a rule.
    pub fn breaches(&self) -> impl Iterator<Item = &Observation> {
        self.observations
            .iter()
            .filter(|observation| observation.departure.is_breach())
    }

    /// The departures from rules of one kind.
    pub fn departures_from(&self, rule: Rule) -> impl Iterator<Item = &Observation> {
        self.observations
            .iter()
            .filter(move |observation| observation.departure.rule() == rule)
    }

    /// The element of the command with a CmdID, in a group or not: where it is, and what all of it says.
    pub fn command(&self, id: &str) -> Option<&Element<'d>> {
        let mut waiting: Vec<_> = self.element.children_named("SyncBody").collect();
        while let Some(around) = waiting.pop() {
            let is_it = |command: &&Element| {
                let found = command.child("CmdID");
                found.is_some_and(|found| found.text().trim() == id)
            };
            if let Some(command) = around.elements().find(is_it) {
                return Some(command);
            }
            let is_group = |command: &&Element| matches!(&*command.name.local, "Atomic" | "Sequence");
            waiting.extend(around.elements().filter(is_group));
        }
        None
    }
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

/// Why octets are no SyncML message that is as it should be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StrictError {
    /// They are no message.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// They are a message that breaks rules.
    #[error("read the message strictly: {}", several(.0))]
    Breaches(Vec<Observation>),
}

fn several(breaches: &[Observation]) -> String {
    let texts: Vec<_> = breaches.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// Reads a message. Lenient: whatever departs from the specification but leaves a meaning is read and noted.
///
/// # Errors
/// When the octets are no document of that encoding, or not SyncML.
pub fn read(octets: &[u8], encoding: Encoding) -> Result<Reading<'_>, ReadError> {
    let (element, mut observations) = match encoding {
        Encoding::Xml => (Element::parse(octets)?, Vec::new()),
        Encoding::Wbxml => {
            let document = wbxml::decode(octets)?;
            let observations = of_wbxml(&document, octets.len());
            (document.root, observations)
        }
    };
    if element.name.local != "SyncML" {
        return Err(ReadError::Root {
            root: element.name.local.into_owned(),
        });
    }
    let mut notes = Notes::default();
    check::document(&element, encoding, &mut notes);
    dm::document(&element, encoding, &mut notes);
    let message = lower::message(&element, &mut notes)?;
    observations.extend(notes.into_observations());
    observations.sort_by_key(|observation| observation.at.start);
    Ok(Reading {
        message,
        element,
        observations,
    })
}

/// Reads a message that has to be as the specifications of OMA DM 1.2 have it. What is only unusual is taken.
///
/// # Errors
/// When the octets are no message, or one that breaks a rule: all of the breaches then.
pub fn read_strict(octets: &[u8], encoding: Encoding) -> Result<Message, StrictError> {
    let reading = read(octets, encoding)?;
    if reading.is_strict() {
        return Ok(reading.message);
    }
    let breaches = reading
        .observations
        .into_iter()
        .filter(|observation| observation.departure.is_breach());
    Err(StrictError::Breaches(breaches.collect()))
}

/// What is not as it should be around the elements of a document in WBXML.
fn of_wbxml(document: &wbxml::Decoded, length: usize) -> Vec<Observation> {
    let note = |departure, at| Observation {
        departure,
        path: "SyncML".to_owned(),
        at,
    };
    let noted = document
        .observations
        .iter()
        .filter_map(|noted| match &noted.oddity {
            // Elements and attributes are noted where they stand in the message, the type below.
            Oddity::Tag { .. } | Oddity::Attributes | Oddity::DocumentType(_) => None,
            Oddity::Trailing(octets) => Some(note(
                Departure::Wbxml(noted.oddity.clone()),
                length.saturating_sub(*octets)..length,
            )),
            oddity => Some(note(Departure::Wbxml(oddity.clone()), noted.at..noted.at + 1)),
        });
    // What SyncML 1.1 brings along is its namespace, which is noted already.
    let is_syncml = matches!(
        document.document_type,
        DocumentType::SyncMl12 | DocumentType::SyncMl11
    );
    let other_type = (!is_syncml).then(|| {
        let departure = Departure::Version {
            element: "public identifier",
            found: document.document_type.to_string(),
        };
        note(departure, 1..document.root.at.start)
    });
    noted.chain(other_type).collect()
}

/// Writes a message, in the order of the DTD.
pub fn write(message: &Message, encoding: Encoding) -> Vec<u8> {
    let element = raise::message(message, encoding);
    match encoding {
        Encoding::Xml => element.to_xml(),
        Encoding::Wbxml => wbxml::encode(&element),
    }
}
