//! Departures of a message from the specification, with their places.

use std::fmt;
use std::ops::Range;

/// One departure from the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What is not as it should be.
    pub departure: Departure,
    /// The path of the element concerned: `SyncBody/Status`.
    pub path: String,
    /// Where it is, in octets of the document.
    pub at: Range<usize>,
}

/// A kind of departure (OMA-TS-SyncML_RepPro DTD; OMA-TS-DM_RepPro section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// An element that is not known there.
    UnknownElement(String),
    /// An element whose namespace is not the one of its kind.
    WrongNamespace {
        /// The element.
        element: String,
        /// The namespace found.
        found: Option<String>,
    },
    /// An element that comes after one that it should precede.
    WrongOrder {
        /// The element.
        element: String,
        /// What it should precede.
        before: String,
    },
    /// An element that may be there once only.
    Repeated(String),
    /// An element that should be there.
    Missing(String),
    /// A text that is not of the kind that belongs there.
    BadValue {
        /// The element.
        element: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A CmdID that an earlier command of the message has.
    ReusedCommandId(String),
    /// Credentials inside a command (OMA-TS-DM_RepPro 6.1.6).
    MisplacedCredentials,
    /// An element that OMA DM never uses (OMA-TS-DM_RepPro 6.1).
    NotForDm(String),
    /// A group nested too deeply to be read.
    TooDeep(String),
    /// A version that is not the one of OMA DM 1.2.
    Version {
        /// `VerDTD` or `VerProto`.
        element: &'static str,
        /// What it says.
        found: String,
    },
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownElement(name) => write!(f, "`{name}` is not known here"),
            Self::WrongNamespace {
                element,
                found: Some(found),
            } => {
                write!(f, "`{element}` is in the namespace `{found}`")
            }
            Self::WrongNamespace { element, found: None } => write!(f, "`{element}` is in no namespace"),
            Self::WrongOrder { element, before } => write!(f, "`{element}` should precede `{before}`"),
            Self::Repeated(name) => write!(f, "`{name}` is there more than once"),
            Self::Missing(name) => write!(f, "`{name}` is missing"),
            Self::BadValue {
                element,
                expected,
                found,
            } => {
                write!(f, "`{element}` is `{found}`, where {expected} belongs")
            }
            Self::ReusedCommandId(id) => write!(f, "CmdID `{id}` is used twice"),
            Self::MisplacedCredentials => f.write_str("`Cred` belongs in the header only"),
            Self::NotForDm(name) => write!(f, "`{name}` has no place in OMA DM"),
            Self::TooDeep(name) => write!(f, "`{name}` is nested too deeply, and left out"),
            Self::Version { element, found } => write!(f, "{element} is `{found}`"),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (octet {})", self.path, self.departure, self.at.start)
    }
}
