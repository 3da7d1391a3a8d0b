//! Departures of a message from the specification, with their places.

use std::fmt;
use std::ops::Range;

use crate::wbxml::Oddity;
use crate::xml::Element;

/// One departure from the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What is not as it should be.
    pub departure: Departure,
    /// The path of the element that it is in, without the outermost one: `SyncBody/Status`. The middle of a very long one is
    /// left out.
    pub path: String,
    /// The element concerned, in octets of the document; the one that lacks something where something is missing.
    pub at: Range<usize>,
}

/// What kind of rule a departure is one from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The content models of the SyncML DTD: which elements, in which order, how often, and where text.
    ContentModel,
    /// The namespaces of SyncML and of its meta information.
    Namespace,
    /// Meta information, apart from which elements it has.
    MetaInformation,
    /// What an element's text may say.
    Value,
    /// The versions of OMA DM 1.2.
    Version,
    /// How elements are put in octets.
    Encoding,
    /// What OMA DM narrows further.
    Dm,
    /// None: it is allowed, but unusual, or not kept in the typed message.
    Unusual,
}

/// A departure (OMA-TS-SyncML_RepPro DTD; OMA-TS-DM_RepPro section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// An element that SyncML does not know.
    UnknownElement(String),
    /// An element of SyncML where it does not belong.
    MisplacedElement(String),
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
    /// Text, white space aside, where only elements belong; any text where nothing belongs.
    StrayText {
        /// The element that it is in.
        element: String,
    },
    /// Markup as it is in `Data`, where XML has it escaped or in CDATA (OMA-TS-DM_RepPro 6.3.1).
    MarkupInData,
    /// An attribute; SyncML has none.
    Attribute {
        /// The element.
        element: String,
        /// The attribute.
        attribute: String,
    },
    /// An element whose namespace is not the one of its kind. Noted where it begins, not for what is below.
    WrongNamespace {
        /// The element.
        element: String,
        /// The namespace found.
        found: Option<String>,
    },
    /// Meta information that is there more than once.
    RepeatedMeta(String),
    /// A text that is not of the kind that belongs there.
    BadValue {
        /// The element.
        element: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A version that is not the one of OMA DM 1.2. `DM/1.3` is [`Rule::Unusual`] only, all else a breach.
    Version {
        /// `VerDTD`, `VerProto`, `SyncML` for its namespace, or `public identifier` of WBXML.
        element: &'static str,
        /// What it says.
        found: String,
    },
    /// A media type that is not of OMA DM ([`Reading::departures_of_media_type`](super::Reading::departures_of_media_type)).
    MediaType(String),
    /// A parameter of the media type that contradicts the message.
    MediaTypeVersion {
        /// `verproto` or `verdtd`.
        parameter: &'static str,
        /// What it says.
        found: String,
        /// What the message says.
        message: String,
    },
    /// Something about how the document is put in WBXML.
    Wbxml(Oddity),
    /// An element that OMA DM never uses (OMA-TS-DM_RepPro 6.1).
    NotForDm(String),
    /// An element that the DTD leaves out at will, but OMA DM needs there.
    MissingForDm(String),
    /// A CmdID that an earlier command of the message has.
    ReusedCommandId(String),
    /// Credentials elsewhere than in the header (OMA-TS-DM_RepPro 6.1.6).
    MisplacedCredentials,
    /// Credentials or a challenge whose digest is not said to be in base64 (OMA-TS-DM_RepPro 6.1.2, 6.1.6).
    NotBase64 {
        /// `Cred` or `Chal`.
        element: &'static str,
        /// The format that it says.
        found: Option<String>,
    },
    /// Credentials for `syncml:auth-MAC`, which stand in a header of HTTP (OMA-TS-DM_Security 5.4).
    MacInCredentials,
    /// An Atomic inside an Atomic (OMA-TS-DM_RepPro 6.6.3).
    NestedAtomic,
    /// A Get inside an Atomic (OMA-TS-DM_RepPro 6.6.3).
    GetInAtomic,
    /// An item without data for a node that has a value (OMA-TS-DM_RepPro 6.3.2).
    MissingData {
        /// The command.
        command: String,
    },
    /// Data for an interior node that is to be added. [`Rule::Unusual`] only where the data is empty.
    InteriorWithData {
        /// Whether there is nothing in it.
        is_empty: bool,
    },
    /// Format `bin` in XML, where octets are `b64`.
    BinaryInXml,
    /// An Alert whose code is reserved (OMA-TS-DM_RepPro 7).
    ReservedAlert(u16),
    /// A group nested too deeply to be read.
    TooDeep(String),
    /// A `MetInf` around meta information, which is usually left out.
    WrappedMeta,
    /// Something that may be there, but is not kept in the typed message.
    LeftOut(String),
    /// A text that is kept in another spelling: without white space around it, or without leading zeros.
    ReadAs {
        /// The element.
        element: String,
        /// What it holds.
        found: String,
        /// What is kept.
        read: String,
    },
}

impl Departure {
    /// The kind of rule that it is one from.
    pub fn rule(&self) -> Rule {
        match self {
            Self::UnknownElement(_)
            | Self::MisplacedElement(_)
            | Self::WrongOrder { .. }
            | Self::Repeated(_)
            | Self::Missing(_)
            | Self::StrayText { .. }
            | Self::MarkupInData
            | Self::Attribute { .. } => Rule::ContentModel,
            Self::WrongNamespace { .. } => Rule::Namespace,
            Self::RepeatedMeta(_) => Rule::MetaInformation,
            Self::BadValue { .. } => Rule::Value,
            Self::Version { found, .. } if found == "DM/1.3" => Rule::Unusual,
            Self::Version { .. } | Self::MediaTypeVersion { .. } => Rule::Version,
            Self::Wbxml(_) => Rule::Encoding,
            Self::InteriorWithData { is_empty: true }
            | Self::WrappedMeta
            | Self::LeftOut(_)
            | Self::ReadAs { .. } => Rule::Unusual,
            Self::NotForDm(_)
            | Self::MissingForDm(_)
            | Self::ReusedCommandId(_)
            | Self::MisplacedCredentials
            | Self::NotBase64 { .. }
            | Self::MacInCredentials
            | Self::NestedAtomic
            | Self::GetInAtomic
            | Self::MissingData { .. }
            | Self::InteriorWithData { is_empty: false }
            | Self::BinaryInXml
            | Self::ReservedAlert(_)
            | Self::MediaType(_)
            | Self::TooDeep(_) => Rule::Dm,
        }
    }

    /// Whether a rule is broken, not only custom.
    pub fn is_breach(&self) -> bool {
        self.rule() != Rule::Unusual
    }

    /// A name that stays the same, to be quoted in findings: `wrong-order`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownElement(_) => "unknown-element",
            Self::MisplacedElement(_) => "misplaced-element",
            Self::WrongOrder { .. } => "wrong-order",
            Self::Repeated(_) => "repeated-element",
            Self::Missing(_) => "missing-element",
            Self::StrayText { .. } => "stray-text",
            Self::MarkupInData => "markup-in-data",
            Self::Attribute { .. } => "attribute",
            Self::WrongNamespace { .. } => "wrong-namespace",
            Self::RepeatedMeta(_) => "repeated-meta",
            Self::BadValue { .. } => "bad-value",
            Self::Version { .. } => "version",
            Self::MediaType(_) => "media-type",
            Self::MediaTypeVersion { .. } => "media-type-version",
            Self::Wbxml(_) => "wbxml",
            Self::NotForDm(_) => "not-for-dm",
            Self::MissingForDm(_) => "missing-for-dm",
            Self::ReusedCommandId(_) => "reused-cmd-id",
            Self::MisplacedCredentials => "misplaced-cred",
            Self::NotBase64 { .. } => "not-base64",
            Self::MacInCredentials => "mac-in-cred",
            Self::NestedAtomic => "nested-atomic",
            Self::GetInAtomic => "get-in-atomic",
            Self::MissingData { .. } => "missing-data",
            Self::InteriorWithData { .. } => "interior-with-data",
            Self::BinaryInXml => "bin-in-xml",
            Self::ReservedAlert(_) => "reserved-alert",
            Self::TooDeep(_) => "too-deep",
            Self::WrappedMeta => "wrapped-meta",
            Self::LeftOut(_) => "left-out",
            Self::ReadAs { .. } => "read-as",
        }
    }

    /// Where the rule is written.
    pub const fn section(&self) -> &'static str {
        match self {
            Self::UnknownElement(_)
            | Self::MisplacedElement(_)
            | Self::WrongOrder { .. }
            | Self::Repeated(_)
            | Self::Missing(_)
            | Self::StrayText { .. }
            | Self::Attribute { .. }
            | Self::TooDeep(_) => "OMA-TS-SyncML_RepPro, DTD",
            Self::WrongNamespace { .. } => "OMA-TS-SyncML_RepPro, namespace",
            Self::MediaType(_) => "OMA-TS-DM_RepPro 5.1",
            Self::MediaTypeVersion { .. } => "registration of application/vnd.syncml.dm+xml",
            Self::RepeatedMeta(_) | Self::WrappedMeta | Self::LeftOut(_) => "OMA-TS-SyncML_MetaInfo, DTD",
            Self::NotForDm(_) => "OMA-TS-DM_RepPro 6.1",
            Self::BadValue { .. } | Self::MissingForDm(_) | Self::ReadAs { .. } => "OMA-TS-DM_RepPro 6",
            Self::Version { .. } => "OMA-TS-DM_Protocol 8",
            Self::Wbxml(_) => "WAP-192 5",
            Self::MarkupInData => "OMA-TS-DM_RepPro 6.3.1",
            Self::ReusedCommandId(_) => "OMA-TS-SyncML_RepPro, CmdID",
            Self::MisplacedCredentials => "OMA-TS-DM_RepPro 6.1.6",
            Self::NotBase64 { .. } => "OMA-TS-DM_RepPro 6.1.2, 6.1.6",
            Self::MacInCredentials => "OMA-TS-DM_Security 5.4",
            Self::NestedAtomic | Self::GetInAtomic => "OMA-TS-DM_RepPro 6.6.3",
            Self::MissingData { .. } => "OMA-TS-DM_RepPro 6.3.2",
            Self::InteriorWithData { .. } => "OMA-TS-DM_TND 6.2.4",
            Self::BinaryInXml => "OMA-TS-DM_TND 7.7.2",
            Self::ReservedAlert(_) => "OMA-TS-DM_RepPro 7",
        }
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownElement(name) => write!(f, "`{name}` is not known here"),
            Self::MisplacedElement(name) => write!(f, "`{name}` does not belong here"),
            Self::WrongOrder { element, before } => write!(f, "`{element}` should precede `{before}`"),
            Self::Repeated(name) | Self::RepeatedMeta(name) => write!(f, "`{name}` is there more than once"),
            Self::Missing(name) => write!(f, "`{name}` is missing"),
            Self::StrayText { element } => write!(f, "`{element}` has text of its own"),
            Self::MarkupInData => f.write_str("`Data` has markup that is not escaped"),
            Self::Attribute { element, attribute } => write!(f, "`{element}` has an attribute `{attribute}`"),
            Self::WrongNamespace {
                element,
                found: Some(found),
            } => {
                write!(f, "`{element}` is in the namespace `{found}`")
            }
            Self::WrongNamespace { element, found: None } => write!(f, "`{element}` is in no namespace"),
            Self::BadValue {
                element,
                expected,
                found,
            } => {
                write!(f, "`{element}` is `{found}`, where {expected} belongs")
            }
            Self::Version { element, found } => write!(f, "{element} is `{found}`"),
            Self::MediaType(found) => write!(f, "the media type is `{found}`, which is not of OMA DM"),
            Self::MediaTypeVersion {
                parameter,
                found,
                message,
            } => write!(f, "{parameter} is `{found}`, where the message says `{message}`"),
            Self::Wbxml(oddity) => oddity.fmt(f),
            Self::NotForDm(name) => write!(f, "`{name}` has no place in OMA DM"),
            Self::MissingForDm(name) => write!(f, "`{name}` is missing, which OMA DM needs here"),
            Self::ReusedCommandId(id) => write!(f, "CmdID `{id}` is used twice"),
            Self::MisplacedCredentials => f.write_str("`Cred` belongs in the header only"),
            Self::NotBase64 {
                element,
                found: Some(found),
            } => {
                write!(f, "`{element}` has the format `{found}`, where b64 belongs")
            }
            Self::NotBase64 { element, found: None } => write!(f, "`{element}` does not say the format b64"),
            Self::MacInCredentials => f.write_str("`Cred` is for syncml:auth-MAC, which goes with HTTP"),
            Self::NestedAtomic => f.write_str("an Atomic is inside another"),
            Self::GetInAtomic => f.write_str("a Get is inside an Atomic"),
            Self::MissingData { command } => write!(f, "an item of `{command}` has no `Data`"),
            Self::InteriorWithData { is_empty: false } => f.write_str("an interior node is added with data"),
            Self::InteriorWithData { is_empty: true } => {
                f.write_str("an interior node is added with empty data")
            }
            Self::BinaryInXml => f.write_str("the format is `bin`, where XML needs b64"),
            Self::ReservedAlert(code) => write!(f, "the code {code} of an Alert is reserved"),
            Self::TooDeep(name) => write!(f, "`{name}` is nested too deeply, and left out"),
            Self::WrappedMeta => f.write_str("`MetInf` is around meta information"),
            Self::LeftOut(name) => write!(f, "`{name}` is not kept"),
            Self::ReadAs { element, found, read } => {
                write!(f, "`{element}` is `{found}`, and read as `{read}`")
            }
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (octet {})", self.path, self.departure, self.at.start)
    }
}

/// The longest path that is told in full, in elements.
const DEEPEST_PATH: usize = 12;

/// Departures as they are found, on the way through the elements.
#[derive(Default)]
pub(super) struct Notes<'e> {
    path: Vec<&'e str>,
    found: Vec<Observation>,
}

impl<'e> Notes<'e> {
    /// Goes into an element.
    pub(super) fn enter(&mut self, element: &'e Element) {
        self.path.push(&element.name.local);
    }

    /// Comes out of it again.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// The name of the element around the one that was gone into last.
    pub(super) fn around(&self) -> Option<&'e str> {
        self.path.iter().rev().nth(1).copied()
    }

    /// Notes what is not as it should be with an element.
    pub(super) fn note(&mut self, element: &Element, departure: Departure) {
        // The outermost element is in every path: it says nothing.
        let path = match self.path.as_slice() {
            [] => element.name.local.to_string(),
            [outermost] => (*outermost).to_owned(),
            // Deeper than anything that means something: a document of such would fill the memory with paths.
            [_, inner @ ..] if inner.len() > DEEPEST_PATH => {
                let (begin, end) = (
                    &inner[..DEEPEST_PATH / 2],
                    &inner[inner.len() - DEEPEST_PATH / 2..],
                );
                format!("{}/…/{}", begin.join("/"), end.join("/"))
            }
            [_, inner @ ..] => inner.join("/"),
        };
        self.found.push(Observation {
            departure,
            path,
            at: element.at.clone(),
        });
    }

    /// All of it, in the order of the document.
    pub(super) fn into_observations(mut self) -> Vec<Observation> {
        self.found.sort_by_key(|observation| observation.at.start);
        self.found
    }
}
