//! Documents as people read them: objects inside of data opened, octets written as base64, secrets left out.

use std::borrow::Cow;

use crate::auth;
use crate::syncml::{Departure, Encoding, Item, Meta, Observation};
use crate::tnds;
use crate::uri::NodeUri;
use crate::wbxml;
use crate::xml::{Element, Node};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "…";

/// Whether people get to see passwords, nonces and credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// [`HIDDEN`] stands in their place.
    Hidden,
    /// They are shown.
    Shown,
}

/// A document of any kind that is read here, for people. Places are as they were, but for what was inside of data.
pub fn readable(root: &Element<'_>, secrets: Secrets) -> Element<'static> {
    let opened = 0;
    Reader { secrets, opened }.element(root, &Meta::default())
}

/// A departure in words; what stands where secrets stand is left out of them.
pub fn readable_departure(observation: &Observation, secrets: Secrets) -> String {
    let is_secret_place = observation
        .path
        .split('/')
        .any(|element| matches!(element, "Cred" | "APPAUTH"));
    let hidden = || HIDDEN.to_owned();
    let departure = match observation.departure.clone() {
        departure if secrets == Secrets::Shown || !is_secret_place => departure,
        Departure::BadValue {
            element, expected, ..
        } => Departure::BadValue {
            element,
            expected,
            found: hidden(),
        },
        Departure::ReadAs { element, .. } => Departure::ReadAs {
            element,
            found: hidden(),
            read: hidden(),
        },
        departure => departure,
    };
    departure.to_string()
}

/// Whether a leaf of that name holds something that is not to be seen (OMA-TS-DM_StdObj 5.3.1).
fn is_secret_leaf(name: &str) -> bool {
    matches!(name, "AAuthSecret" | "AAuthData")
}

/// Whether a parm of that name holds something that is not to be seen.
fn is_secret_parm(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "AAUTHDATA" || name.ends_with("SECRET") || name.ends_with("-PW")
}

/// Objects inside of objects that are opened; nobody writes any, but who means harm.
const MAX_OPENED: usize = 3;

struct Reader {
    secrets: Secrets,
    /// How many objects this is inside of.
    opened: usize,
}

impl Reader {
    /// `meta` is what the command around says of its items.
    fn element(&self, element: &Element<'_>, meta: &Meta) -> Element<'static> {
        match &*element.name.local {
            "Item" => self.item(element, meta),
            "Cred" => self.with_hidden(element, "Data"),
            "Node"
                if element
                    .child("NodeName")
                    .is_some_and(|name| is_secret_leaf(&name.text())) =>
            {
                self.with_hidden(element, "Value")
            }
            "parm" if element.attribute("name").is_some_and(is_secret_parm) => {
                let mut parm = element.clone().into_owned();
                let values = parm
                    .attributes
                    .iter_mut()
                    .filter(|attribute| attribute.name.local == "value");
                values.for_each(|attribute| self.hide(&mut attribute.value));
                parm
            }
            _ => {
                let own = meta_of(element);
                let meta = Meta {
                    format: own.format.or_else(|| meta.format.clone()),
                    media_type: own.media_type.or_else(|| meta.media_type.clone()),
                    ..Meta::default()
                };
                with_children(element, |child| self.element(child, &meta))
            }
        }
    }

    fn item(&self, item: &Element<'_>, meta: &Meta) -> Element<'static> {
        let own = meta_of(item);
        let meta = Meta {
            format: own.format.or_else(|| meta.format.clone()),
            media_type: own.media_type.or_else(|| meta.media_type.clone()),
            ..Meta::default()
        };
        let is_secret = ["Target", "Source"].iter().any(|end| {
            let uri = item.child(end).and_then(|end| end.child("LocURI"));
            uri.is_some_and(|uri| names_secret(uri.text().trim()))
        });
        with_children(item, |child| match &*child.name.local {
            "Data" if is_secret => self.hidden(child),
            "Data" => self.data(child, &meta),
            _ => self.element(child, &meta),
        })
    }

    /// Data, with an object in it opened.
    fn data(&self, data: &Element<'_>, meta: &Meta) -> Element<'static> {
        if data.elements().next().is_some() {
            return with_children(data, |child| self.element(child, &Meta::default()));
        }
        let object = object_in(data, meta).filter(|_| self.opened < MAX_OPENED);
        if let Some(object) = object {
            let inside = Self {
                secrets: self.secrets,
                opened: self.opened + 1,
            };
            let mut opened = data.clone().into_owned();
            opened.children = vec![Node::Element(inside.element(&object, &Meta::default()))];
            return opened;
        }
        // An object that cannot be read may hold secrets all the same.
        let text = data.text();
        let is_object = is_announced(meta) || text.contains("AAuthSecret") || text.contains("AAuthData");
        match is_object {
            true => self.hidden(data),
            false => with_children(data, |child| self.element(child, &Meta::default())),
        }
    }

    fn with_hidden(&self, element: &Element<'_>, local: &str) -> Element<'static> {
        with_children(element, |child| match child.name.local == local {
            true => self.hidden(child),
            false => self.element(child, &Meta::default()),
        })
    }

    fn hidden(&self, element: &Element<'_>) -> Element<'static> {
        match self.secrets {
            Secrets::Shown => with_children(element, |child| self.element(child, &Meta::default())),
            Secrets::Hidden if element.children.is_empty() => element.clone().into_owned(),
            Secrets::Hidden => {
                let mut hidden = element.clone().into_owned();
                hidden.children = vec![Node::Text(HIDDEN.into())];
                hidden
            }
        }
    }

    fn hide(&self, value: &mut Cow<'static, str>) {
        if self.secrets == Secrets::Hidden && !value.is_empty() {
            *value = HIDDEN.into();
        }
    }
}

/// The element with other children, and with octets that are no text as base64.
fn with_children(
    element: &Element<'_>,
    change: impl Fn(&Element<'_>) -> Element<'static>,
) -> Element<'static> {
    let children = element.children.iter().map(|child| match child {
        Node::Element(child) => Node::Element(change(child)),
        Node::Text(text) => Node::Text(text.to_string().into()),
        Node::Opaque(octets) => Node::Text(match std::str::from_utf8(octets) {
            Ok(text)
                if !text
                    .contains(|character: char| character.is_control() && !"\n\r\t".contains(character)) =>
            {
                text.to_owned().into()
            }
            _ => format!("(base64) {}", auth::to_base64(octets)).into(),
        }),
    });
    Element {
        children: children.collect(),
        ..Element {
            name: element.name.clone(),
            attributes: element.attributes.clone(),
            children: Vec::new(),
            at: element.at.clone(),
        }
        .into_owned()
    }
}

/// Type and format that an element says of its data, in a `MetInf` or not.
fn meta_of(element: &Element<'_>) -> Meta {
    let meta = element.child("Meta");
    let text_of = |local: &str| {
        let around = meta?.child("MetInf").or(meta)?;
        Some(around.child(local)?.text().trim().to_owned())
    };
    Meta {
        format: text_of("Format"),
        media_type: text_of("Type"),
        ..Meta::default()
    }
}

fn is_announced(meta: &Meta) -> bool {
    tnds::ManagementTree::is_announced(meta, &Item::default())
}

/// The object that data holds, whatever is said of it.
fn object_in(data: &Element<'_>, meta: &Meta) -> Option<Element<'static>> {
    let octets = data.octets();
    let octets: Cow<'_, [u8]> = match meta.format.as_deref() {
        Some("b64") if is_announced(meta) => tnds::from_base64(&octets)?.into(),
        _ => octets.into(),
    };
    let encoding = match octets.trim_ascii_start().first()? {
        b'<' => Encoding::Xml,
        _ if is_announced(meta) => Encoding::Wbxml,
        _ => return None,
    };
    let root = match encoding {
        Encoding::Xml => Element::parse(&octets).ok()?.into_owned(),
        Encoding::Wbxml => wbxml::decode(&octets).ok()?.root,
    };
    (root.name.local == "MgmtTree").then_some(root)
}

/// Whether a URI names a leaf that is not to be seen, or something of it.
fn names_secret(uri: &str) -> bool {
    let node = uri.split('?').next().unwrap_or_default();
    NodeUri::parse(node).is_ok_and(|node| node.name().is_some_and(is_secret_leaf))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::account::tests::full_account;
    use crate::bootstrap::{self, Form};

    fn shown(octets: &[u8], encoding: Encoding, secrets: Secrets) -> String {
        let root = match encoding {
            Encoding::Xml => Element::parse(octets).unwrap(),
            Encoding::Wbxml => wbxml::decode(octets).unwrap().root,
        };
        readable(&root, secrets).to_pretty_xml()
    }

    #[rstest]
    fn of_a_bootstrap_in_any_form_everything_is_shown_but_secrets(
        #[values(
            Form::DM_XML,
            Form::DM_WBXML,
            Form::PROVISIONING_XML,
            Form::PROVISIONING_WBXML
        )]
        form: Form,
    ) {
        let octets = bootstrap::write(&[full_account()], form).unwrap();
        let hidden = shown(&octets, form.encoding, Secrets::Hidden);
        assert!(
            !hidden.contains("secret-of") && !hidden.contains("AAH/"),
            "{hidden}"
        );
        assert!(hidden.contains(HIDDEN));
        for visible in ["dms2.example", "https://dms2.example/dm", "dev-0001", "HMAC"] {
            assert!(hidden.contains(visible), "{visible} in {hidden}");
        }
        let all = shown(&octets, form.encoding, Secrets::Shown);
        assert!(
            all.contains("secret-of-dev-0001") && all.contains("AAH/"),
            "{all}"
        );
        assert!(!all.contains(HIDDEN));
    }

    #[test]
    fn credentials_of_a_message_are_hidden_and_nothing_else() {
        let octets = include_bytes!("../tests/worked-session/1-client-package1.xml");
        let hidden = shown(octets, Encoding::Xml, Secrets::Hidden);
        let all = shown(octets, Encoding::Xml, Secrets::Shown);
        assert_eq!(hidden, all.replace("lBXwH+VDIDoSQRfB1kGzdg==", HIDDEN));
    }

    fn item(contents: &str) -> String {
        let meta = "<Meta><Format xmlns='syncml:metinf'>xml</Format></Meta>";
        let xml = format!("<Add xmlns='SYNCML:SYNCML1.2'>{meta}<Item>{contents}</Item></Add>");
        shown(xml.as_bytes(), Encoding::Xml, Secrets::Hidden)
    }

    #[rstest]
    #[case::by_target("<Target><LocURI>./DMAcc/x/AppAuth/1/AAuthSecret</LocURI></Target><Data>pass</Data>")]
    #[case::by_source(
        "<Source><LocURI> DMAcc/x/AppAuth/1/AAuthData?prop=x</LocURI></Source><Data>pass</Data>"
    )]
    #[case::object_without_type(
        "<Data>&lt;MgmtTree&gt;&lt;Node&gt;&lt;NodeName&gt;AAuthSecret&lt;/NodeName&gt;&lt;Value&gt;pass&lt;/Value&gt;&lt;/Node&gt;&lt;/MgmtTree&gt;</Data>"
    )]
    #[case::object_as_markup(
        "<Data><MgmtTree><Node><NodeName>AAuthSecret</NodeName><Value>pass</Value></Node></MgmtTree></Data>"
    )]
    #[case::broken_object(
        "<Data>&lt;MgmtTree&gt;&lt;NodeName&gt;AAuthSecret&lt;/NodeName&gt;&lt;Value&gt;pass&lt;/Value</Data>"
    )]
    #[case::object_of_no_kind(
        "<Meta><Type xmlns='syncml:metinf'>application/vnd.syncml.dmtnds+wbxml</Type></Meta><Data>pass</Data>"
    )]
    fn a_secret_is_hidden_however_it_is_added(#[case] contents: &str) {
        let shown = item(contents);
        assert!(!shown.contains("pass") && shown.contains(HIDDEN), "{shown}");
    }

    #[test]
    fn an_object_in_data_is_opened_by_the_type_of_the_command() {
        let object = crate::tnds::ManagementTree {
            nodes: vec![full_account().to_node("x", None).unwrap()],
            ..crate::tnds::ManagementTree::default()
        };
        let data = auth::to_base64(&object.to_wbxml());
        let xml = format!(
            "<Results xmlns='SYNCML:SYNCML1.2'><Meta><MetInf xmlns='syncml:metinf'><Format>b64</Format>\
             <Type>application/vnd.syncml.dmtnds+wbxml</Type></MetInf></Meta><Item><Data>{data}</Data></Item></Results>"
        );
        let shown = shown(xml.as_bytes(), Encoding::Xml, Secrets::Hidden);
        assert!(shown.contains("<NodeName>ServerID</NodeName>"), "{shown}");
        assert!(!shown.contains("secret-of"), "{shown}");
    }

    #[test]
    fn objects_inside_of_objects_are_opened_to_a_depth_that_does_no_harm() {
        let inside = |octets: Vec<u8>| {
            let type_name = Element::new("syncml:metinf", "Type").with_text(tnds::WBXML_MEDIA_TYPE);
            let meta = Element::new("SYNCML:SYNCML1.2", "Meta").with_child(type_name);
            let mut data = Element::new("SYNCML:SYNCML1.2", "Data");
            data.children.push(Node::Opaque(octets));
            let item = Element::new("SYNCML:SYNCML1.2", "Item")
                .with_child(meta)
                .with_child(data);
            wbxml::encode(&Element::new("syncml:dmddf1.2", "MgmtTree").with_child(item))
        };
        let innermost = wbxml::encode(&Element::new("syncml:dmddf1.2", "MgmtTree"));
        let octets = (0..2_000).fold(innermost, |octets, _| inside(octets));
        let shown = shown(&octets, Encoding::Wbxml, Secrets::Hidden);
        assert_eq!(shown.matches("<MgmtTree").count(), 1 + MAX_OPENED);
        assert!(shown.contains(HIDDEN), "what is not opened is not shown");
    }

    #[test]
    fn octets_that_are_no_text_are_base64() {
        let mut data = Element::new("SYNCML:SYNCML1.2", "Data");
        data.children.push(Node::Opaque(vec![0, 1, 255]));
        let item = Element::new("SYNCML:SYNCML1.2", "Item").with_child(data);
        let shown = readable(&item, Secrets::Hidden);
        assert_eq!(shown.child("Data").unwrap().text(), "(base64) AAH/");
    }

    #[rstest]
    #[case("SyncHdr/Cred", "`Data` is `…`, and read as `…`")]
    #[case("SyncHdr", "`Data` is ` x `, and read as `x`")]
    fn a_departure_does_not_tell_a_secret(#[case] path: &str, #[case] expected: &str) {
        let departure = Departure::ReadAs {
            element: "Data".into(),
            found: " x ".into(),
            read: "x".into(),
        };
        let observation = Observation {
            departure,
            path: path.into(),
            at: 0..1,
        };
        assert_eq!(readable_departure(&observation, Secrets::Hidden), expected);
        assert!(readable_departure(&observation, Secrets::Shown).contains("` x `"));
    }

    #[test]
    fn an_empty_secret_is_no_secret() {
        assert!(!item("<Target><LocURI>./x/AAuthSecret</LocURI></Target><Data/>").contains(HIDDEN));
    }
}
