//! What captured octets are, by what is in them: for people who have a body, but not the header fields that came with it.
//!
//! Whoever knows the media type reads by that instead ([`of_media_type`]); nothing here is for receivers of messages.

use thiserror::Error;

use crate::bootstrap::{self, Form};
use crate::media_type::MediaType;
use crate::notification::{self, Notification};
use crate::syncml::{self, Command, Encoding, Message};
use crate::tnds;
use crate::uri::NodeUri;
use crate::wbxml::{self, WbxmlError};
use crate::xml::{Element, XmlError};

/// What octets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A SyncML message.
    Message(Encoding),
    /// A bootstrap, of either profile.
    Bootstrap(Form),
    /// A TNDS object.
    Object(Encoding),
    /// A notification.
    Notification,
    /// XML of another kind; whoever knows its root may know it.
    OtherXml,
}

/// Tells what octets are.
///
/// A message that adds accounts and says nothing else is taken for a bootstrap; there is no other difference between the two.
///
/// # Errors
/// When they are nothing that OMA DM knows: what they seem to be, and where that breaks off.
pub fn sniff(octets: &[u8]) -> Result<Kind, SniffError> {
    let start = octets
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(octets)
        .trim_ascii_start();
    let found = match start.first() {
        None => return Err(SniffError::Empty),
        Some(b'<') => match Element::parse(octets) {
            Ok(root) => Ok(of_xml(octets, &root)),
            Err(error) => Err(SniffError::Xml {
                at: place_of(&error, octets),
                error,
            }),
        },
        Some(1..=3) => of_wbxml(octets),
        Some(first) => Err(SniffError::Unknown { first: *first }),
    };
    // A digest may begin like anything.
    found.or_else(|error| match is_notification(octets) {
        true => Ok(Kind::Notification),
        false => Err(error),
    })
}

/// What octets are whose media type is known; nothing where it is none of OMA DM. Whether a message is a bootstrap, no media type
/// tells.
pub fn of_media_type(octets: &[u8], media_type: &MediaType) -> Option<Kind> {
    let essence = media_type.essence();
    if notification::is_media_type(essence) {
        return Some(Kind::Notification);
    }
    match essence {
        tnds::XML_MEDIA_TYPE => return Some(Kind::Object(Encoding::Xml)),
        tnds::WBXML_MEDIA_TYPE => return Some(Kind::Object(Encoding::Wbxml)),
        _ => {}
    }
    let form = Form::of(media_type)?;
    match form.profile {
        bootstrap::Profile::ClientProvisioning => Some(Kind::Bootstrap(form)),
        bootstrap::Profile::Dm => Some(of_message(octets, form.encoding)),
    }
}

/// Where XML breaks off.
fn place_of(error: &XmlError, octets: &[u8]) -> Option<usize> {
    match error {
        XmlError::Tag { at }
        | XmlError::Attributes { at }
        | XmlError::Prefixes { at }
        | XmlError::Namespace { at }
        | XmlError::Encoding { at }
        | XmlError::Depth { at } => Some(*at),
        // The parser tells lines and columns, but not of the end.
        XmlError::Syntax { reason } => ["end of stream", "never closed"]
            .iter()
            .any(|end| reason.contains(end))
            .then_some(octets.len()),
        XmlError::Size { .. } | XmlError::Namespaces => None,
    }
}

fn of_xml(octets: &[u8], root: &Element) -> Kind {
    of_root(octets, &root.name.local, Encoding::Xml).unwrap_or(Kind::OtherXml)
}

fn of_wbxml(octets: &[u8]) -> Result<Kind, SniffError> {
    let root = wbxml::decode(octets).map_err(SniffError::Wbxml)?.root;
    match of_root(octets, &root.name.local, Encoding::Wbxml) {
        Some(kind) => Ok(kind),
        None => Err(SniffError::WbxmlRoot {
            root: root.name.local.into_owned(),
            at: root.at.start,
        }),
    }
}

fn of_root(octets: &[u8], root: &str, encoding: Encoding) -> Option<Kind> {
    match root {
        "SyncML" => Some(of_message(octets, encoding)),
        "MgmtTree" => Some(Kind::Object(encoding)),
        bootstrap::PROVISIONING_ROOT => Some(Kind::Bootstrap(Form {
            profile: bootstrap::Profile::ClientProvisioning,
            encoding,
        })),
        _ => None,
    }
}

fn of_message(octets: &[u8], encoding: Encoding) -> Kind {
    match syncml::read(octets, encoding) {
        Ok(reading) if is_bootstrap(&reading.message) => Kind::Bootstrap(Form {
            profile: bootstrap::Profile::Dm,
            encoding,
        }),
        _ => Kind::Message(encoding),
    }
}

/// Whether a message does what a bootstrap does (OMA-TS-DM_Bootstrap 5.4): it adds to the Inbox or to accounts, and is neither
/// an answer to anything nor asks for one.
fn is_bootstrap(message: &Message) -> bool {
    let mut adds = false;
    let mut waiting: Vec<_> = message.commands.iter().collect();
    while let Some(command) = waiting.pop() {
        match command {
            Command::Add(add) => {
                let targets = add.items.iter().filter_map(|item| item.target.as_deref());
                adds |= targets.into_iter().any(is_for_accounts);
            }
            Command::Replace(_) => {}
            Command::Atomic(group) | Command::Sequence(group) => waiting.extend(&group.commands),
            _ => return false,
        }
    }
    adds && message.header.credentials.is_none()
}

fn is_for_accounts(target: &str) -> bool {
    let place = NodeUri::parse(target);
    place.is_ok_and(|place| {
        let first = place.names().next();
        matches!(first, Some("Inbox" | "DMAcc"))
    })
}

/// Octets of any kind can be read as a notification; those of one have zeros where they belong, a version near 1 and a name.
fn is_notification(octets: &[u8]) -> bool {
    let Ok(signed) = Notification::read(octets) else {
        return false;
    };
    let Notification {
        version,
        future_use,
        server_id,
        ..
    } = signed.notification;
    let is_name = !server_id.is_empty() && server_id.chars().all(|character| character.is_ascii_graphic());
    (10..=20).contains(&version.0) && future_use == 0 && is_name
}

/// Why octets are nothing that OMA DM knows.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SniffError {
    /// There are none.
    #[error("there is nothing in it; was the body captured?")]
    Empty,
    /// They begin like XML.
    #[error("it begins like XML: failed to {error}")]
    Xml {
        /// Why they are none.
        error: XmlError,
        /// Where, as far as that is known.
        at: Option<usize>,
    },
    /// They begin like WBXML.
    #[error("it begins like WBXML: {0}")]
    Wbxml(WbxmlError),
    /// They are WBXML of another kind.
    #[error("it is WBXML, but its root `{root}` (octet {at}) is none of OMA DM")]
    WbxmlRoot {
        /// The root.
        root: String,
        /// Offset of its tag.
        at: usize,
    },
    /// They begin like nothing that is known.
    #[error(
        "it is neither XML (which begins with `<`), nor WBXML (01, 02 or 03), nor a notification: octet 0 is {first:02X}"
    )]
    Unknown {
        /// The first octet.
        first: u8,
    },
}

impl SniffError {
    /// The octet where what it seems to be breaks off, as far as it is known.
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::Wbxml(error) => Some(error.at),
            Self::WbxmlRoot { at, .. } => Some(*at),
            Self::Unknown { .. } => Some(0),
            Self::Xml { at, .. } => *at,
            Self::Empty => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::account::{Account, AccountObject};
    use crate::auth::Secret;

    fn account() -> AccountObject {
        AccountObject::from(&Account::new("dms2.example", "https://dms2.example/dm"))
    }

    fn object() -> tnds::ManagementTree {
        tnds::ManagementTree {
            nodes: vec![account().to_node("x", None).unwrap()],
            ..tnds::ManagementTree::default()
        }
    }

    fn message() -> Message {
        let octets = include_bytes!("../tests/worked-session/1-client-package1.xml");
        syncml::read(octets, Encoding::Xml).unwrap().message
    }

    fn notification() -> Vec<u8> {
        Notification::new("dms2.example", 7)
            .sign(&Secret::new("s"), b"n")
            .unwrap()
    }

    #[rstest]
    fn a_message_is_known_in_either_encoding(#[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding) {
        let octets = syncml::write(&message(), encoding);
        assert_eq!(sniff(&octets), Ok(Kind::Message(encoding)));
    }

    #[rstest]
    #[case(include_bytes!("../tests/worked-session/2-server-package2.xml"))]
    #[case(include_bytes!("../tests/worked-session/3-client-package3.xml"))]
    #[case(include_bytes!("../tests/worked-session/4-server-package4.xml"))]
    fn messages_of_a_session_are_no_bootstraps(#[case] octets: &[u8]) {
        assert_eq!(sniff(octets), Ok(Kind::Message(Encoding::Xml)));
    }

    #[rstest]
    fn a_bootstrap_is_known_in_every_form(
        #[values(
            Form::DM_XML,
            Form::DM_WBXML,
            Form::PROVISIONING_XML,
            Form::PROVISIONING_WBXML
        )]
        form: Form,
    ) {
        let octets = bootstrap::write(&[account()], form).unwrap();
        assert_eq!(sniff(&octets), Ok(Kind::Bootstrap(form)));
        let media_type = MediaType::parse(form.media_type()).unwrap();
        assert_eq!(of_media_type(&octets, &media_type), Some(Kind::Bootstrap(form)));
    }

    #[test]
    fn an_object_is_known_in_either_encoding() {
        assert_eq!(sniff(&object().to_xml()), Ok(Kind::Object(Encoding::Xml)));
        assert_eq!(sniff(&object().to_wbxml()), Ok(Kind::Object(Encoding::Wbxml)));
    }

    #[rstest]
    #[case(b'<')]
    #[case(b' ')]
    #[case(1)]
    #[case(3)]
    #[case(0xFF)]
    fn a_notification_is_known_whatever_its_digest_begins_with(#[case] first: u8) {
        let mut octets = notification();
        octets[0] = first;
        octets[1] = b'<';
        assert_eq!(sniff(&octets), Ok(Kind::Notification));
    }

    #[test]
    fn other_xml_is_for_others_to_know() {
        assert_eq!(
            sniff(b"\xEF\xBB\xBF<?xml version='1.0'?><x/>"),
            Ok(Kind::OtherXml)
        );
    }

    #[rstest]
    #[case::nothing(b"", "there is nothing in it; was the body captured?")]
    #[case::white_space(b" \n", "there is nothing in it; was the body captured?")]
    #[case::text(
        b"hello",
        "it is neither XML (which begins with `<`), nor WBXML (01, 02 or 03), nor a notification: octet 0 is 68"
    )]
    #[case::cut_wbxml(
        b"\x02\xA4\x01\x6A\x00\x6D",
        "it begins like WBXML: document ends too early; is the body complete? (octet 6)"
    )]
    #[case::other_wbxml(
        b"\x02\x01\x6A\x02x\x00\x04\x00",
        "it is WBXML, but its root `x` (octet 6) is none of OMA DM"
    )]
    fn what_is_nothing_that_is_known_is_refused_with_the_reason(
        #[case] octets: &[u8],
        #[case] expected: &str,
    ) {
        assert_eq!(sniff(octets).unwrap_err().to_string(), expected);
    }

    #[test]
    fn xml_that_breaks_off_is_refused_with_the_place() {
        let error = sniff(b"<SyncML><SyncHdr>").unwrap_err();
        assert_eq!(error.at(), Some(17));
        assert!(
            error
                .to_string()
                .starts_with("it begins like XML: failed to read the document as XML"),
            "{error}"
        );
    }

    #[rstest]
    #[case(
        "application/vnd.syncml.dm+xml;charset=utf-8",
        Some(Kind::Message(Encoding::Xml))
    )]
    #[case("application/vnd.syncml+wbxml", Some(Kind::Message(Encoding::Wbxml)))]
    #[case("application/vnd.syncml.dmtnds+xml", Some(Kind::Object(Encoding::Xml)))]
    #[case("application/vnd.syncml.dmtnds+wbxml", Some(Kind::Object(Encoding::Wbxml)))]
    #[case("application/vnd.syncml.notification", Some(Kind::Notification))]
    #[case("application/vnd.syncml.dm.notification", Some(Kind::Notification))]
    #[case(
        "text/vnd.wap.connectivity-xml",
        Some(Kind::Bootstrap(Form::PROVISIONING_XML))
    )]
    #[case("text/html", None)]
    fn a_media_type_is_believed_whatever_the_octets_are(
        #[case] media_type: &str,
        #[case] expected: Option<Kind>,
    ) {
        let media_type = MediaType::parse(media_type).unwrap();
        assert_eq!(of_media_type(b"?", &media_type), expected);
    }

    proptest! {
        #[test]
        fn any_octets_are_known_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Err(error) = sniff(&octets) {
                prop_assert!(error.at().is_none_or(|at| at <= octets.len()));
            }
        }
    }
}
