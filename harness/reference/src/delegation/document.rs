//! The documents that the servers exchange. The specification that fixes their syntax is not public: namespace, element
//! names and the use of HTTP are this implementation's own reading of the registration of their media type.

use oma_dm::xml::Element;
use thiserror::Error;

/// The media type (registered with IANA, without parameters).
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dm.delegation+xml";

const NAMESPACE: &str = "urn:dmconform:delegation:0";

/// The longest text of an element, in octets.
const MAX_TEXT: usize = 2048;

/// The most tree parts in a request.
const MAX_TREE_PARTS: usize = 64;

/// Which message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Step 2.
    InitiationRequest,
    /// Step 3.
    BootstrapServerUrlRequest,
    /// Step 7.
    BootstrapComplete,
    /// Step 9.
    ClientPrepared,
    /// Step 10.
    DelegationComplete,
}

impl Kind {
    /// Every message.
    pub(crate) const ALL: [Self; 5] = [
        Self::InitiationRequest,
        Self::BootstrapServerUrlRequest,
        Self::BootstrapComplete,
        Self::ClientPrepared,
        Self::DelegationComplete,
    ];

    /// The name of the root element.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::InitiationRequest => "InitiationRequest",
            Self::BootstrapServerUrlRequest => "BootstrapServerURLRequest",
            Self::BootstrapComplete => "BootstrapComplete",
            Self::ClientPrepared => "ClientPrepared",
            Self::DelegationComplete => "DelegationComplete",
        }
    }
}

/// A request or notification from one server to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    /// The identifier of the delegation, chosen by its opener.
    pub(crate) session: String,
    /// DMS-1.
    pub(crate) delegating: String,
    /// DMS-2.
    pub(crate) delegated: String,
    pub(crate) device: String,
    /// Only in an initiation request.
    pub(crate) scope: Option<Scope>,
}

/// What is to be delegated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) tree_parts: Vec<String>,
    pub(crate) delegation_type: Option<DelegationType>,
}

/// How much is delegated, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DelegationType {
    pub(crate) is_full: bool,
    pub(crate) is_permanent: bool,
}

impl DelegationType {
    const ALL: [(&str, Self); 4] = [
        (
            "full-permanent",
            Self {
                is_full: true,
                is_permanent: true,
            },
        ),
        (
            "full-temporary",
            Self {
                is_full: true,
                is_permanent: false,
            },
        ),
        (
            "partial-permanent",
            Self {
                is_full: false,
                is_permanent: true,
            },
        ),
        (
            "partial-temporary",
            Self {
                is_full: false,
                is_permanent: false,
            },
        ),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, found)| *found)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == self)
            .map_or("full-permanent", |(name, _)| name)
    }
}

impl Document {
    /// Writes it; an element without text is left out.
    pub(crate) fn to_xml(&self) -> Vec<u8> {
        let mut root = Element::new(NAMESPACE, self.kind.name());
        let mut add = |name: &'static str, text: &str| {
            if !text.is_empty() {
                let child = Element::new(NAMESPACE, name).with_text(text.to_owned());
                root = std::mem::replace(&mut root, Element::new(NAMESPACE, "")).with_child(child);
            }
        };
        add("SessionID", &self.session);
        add("DelegatingServerID", &self.delegating);
        add("DelegatedServerID", &self.delegated);
        add("DeviceID", &self.device);
        if let Some(scope) = &self.scope {
            add("Manufacturer", &scope.manufacturer);
            add("Model", &scope.model);
            scope.tree_parts.iter().for_each(|part| add("TreePart", part));
            add(
                "DelegationType",
                scope.delegation_type.map_or("", DelegationType::name),
            );
        }
        root.to_xml()
    }

    /// Reads one; elements that are not known are passed over.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let root = parse(bytes)?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == root.name.local)
            .ok_or_else(|| DocumentError::UnknownRoot {
                name: shortened(&root.name.local),
            })?;
        Ok(Self {
            kind,
            session: required(&root, "SessionID")?,
            delegating: server_id(&root, "DelegatingServerID")?,
            delegated: server_id(&root, "DelegatedServerID")?,
            device: required(&root, "DeviceID")?,
            scope: match kind {
                Kind::InitiationRequest => Some(Scope::read(&root)?),
                _ => None,
            },
        })
    }
}

impl Scope {
    fn read(root: &Element) -> Result<Self, DocumentError> {
        let tree_parts = children(root, "TreePart").map(|part| text(part, "TreePart"));
        let tree_parts: Vec<_> = tree_parts.take(MAX_TREE_PARTS + 1).collect::<Result<_, _>>()?;
        if tree_parts.is_empty() {
            return Err(DocumentError::Missing { name: "TreePart" });
        }
        if tree_parts.len() > MAX_TREE_PARTS {
            return Err(DocumentError::Repeated { name: "TreePart" });
        }
        if let Some(part) = tree_parts
            .iter()
            .find(|part| oma_dm::uri::NodeUri::parse(part).is_err())
        {
            return Err(DocumentError::Value {
                name: "TreePart",
                value: shortened(part),
            });
        }
        let delegation_type = match optional(root, "DelegationType")? {
            None => None,
            Some(name) => Some(
                DelegationType::from_name(&name).ok_or_else(|| DocumentError::Value {
                    name: "DelegationType",
                    value: shortened(&name),
                })?,
            ),
        };
        Ok(Self {
            manufacturer: optional(root, "Manufacturer")?.unwrap_or_default(),
            model: optional(root, "Model")?.unwrap_or_default(),
            tree_parts,
            delegation_type,
        })
    }
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) session: String,
    /// Why not; nothing when it is accepted.
    pub(crate) refusal: Option<String>,
    /// Only in the answer of step 3.
    pub(crate) bootstrap_url: Option<String>,
}

impl Answer {
    pub(crate) fn to_xml(&self) -> Vec<u8> {
        let element =
            |name: &'static str, text: &str| Element::new(NAMESPACE, name).with_text(text.to_owned());
        let result = if self.refusal.is_none() {
            "accepted"
        } else {
            "refused"
        };
        let mut root = Element::new(NAMESPACE, "Answer")
            .with_child(element("SessionID", &self.session))
            .with_child(element("Result", result));
        if let Some(reason) = &self.refusal {
            root = root.with_child(element("Reason", reason));
        }
        if let Some(url) = &self.bootstrap_url {
            root = root.with_child(element("BootstrapServerURL", url));
        }
        root.to_xml()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let root = parse(bytes)?;
        if root.name.local != "Answer" {
            return Err(DocumentError::UnknownRoot {
                name: shortened(&root.name.local),
            });
        }
        let result = required(&root, "Result")?;
        let refusal = match result.as_str() {
            "accepted" => None,
            "refused" => Some(optional(&root, "Reason")?.unwrap_or_else(|| "no reason given".to_owned())),
            _ => {
                return Err(DocumentError::Value {
                    name: "Result",
                    value: shortened(&result),
                });
            }
        };
        Ok(Self {
            session: required(&root, "SessionID")?,
            refusal,
            bootstrap_url: optional(&root, "BootstrapServerURL")?,
        })
    }
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum DocumentError {
    #[error("read the document as XML: {problem}")]
    Xml { problem: String },
    #[error("find the namespace `{NAMESPACE}` on the root element")]
    Namespace,
    #[error("recognise the root element `{name}`")]
    UnknownRoot { name: String },
    #[error("find the element `{name}`")]
    Missing { name: &'static str },
    #[error("choose among several elements `{name}`")]
    Repeated { name: &'static str },
    #[error("use the value `{value}` of the element `{name}`")]
    Value { name: &'static str, value: String },
}

fn parse(bytes: &[u8]) -> Result<Element<'_>, DocumentError> {
    let root = Element::parse(bytes).map_err(|error| DocumentError::Xml {
        problem: error.to_string(),
    })?;
    match root.name.namespace.as_deref() {
        Some(NAMESPACE) => Ok(root),
        _ => Err(DocumentError::Namespace),
    }
}

fn required(root: &Element, name: &'static str) -> Result<String, DocumentError> {
    optional(root, name)?.ok_or(DocumentError::Missing { name })
}

/// The child elements of a name; those of another namespace are somebody's extensions.
fn children<'a>(root: &'a Element, name: &'static str) -> impl Iterator<Item = &'a Element<'a>> {
    root.children_named(name)
        .filter(|child| child.name.namespace.as_deref() == Some(NAMESPACE))
}

fn optional(root: &Element, name: &'static str) -> Result<Option<String>, DocumentError> {
    let mut found = children(root, name);
    let Some(first) = found.next() else {
        return Ok(None);
    };
    match found.next() {
        Some(_) => Err(DocumentError::Repeated { name }),
        None => text(first, name).map(Some),
    }
}

fn text(element: &Element, name: &'static str) -> Result<String, DocumentError> {
    let text = element.text();
    let text = text.trim();
    match text.is_empty() || text.len() > MAX_TEXT {
        true => Err(DocumentError::Value {
            name,
            value: shortened(text),
        }),
        false => Ok(text.to_owned()),
    }
}

fn server_id(root: &Element, name: &'static str) -> Result<String, DocumentError> {
    let id = required(root, name)?;
    match oma_dm::acl::check_server_id(&id) {
        Ok(()) => Ok(id),
        Err(_) => Err(DocumentError::Value {
            name,
            value: shortened(&id),
        }),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn initiation() -> Document {
        Document {
            kind: Kind::InitiationRequest,
            session: "s & 1".to_owned(),
            delegating: "dms1.example".to_owned(),
            delegated: "dms2.example".to_owned(),
            device: "urn:example:1".to_owned(),
            scope: Some(Scope {
                manufacturer: "Maker <1>".to_owned(),
                model: "Model".to_owned(),
                tree_parts: vec!["./Com".to_owned(), "./Net".to_owned()],
                delegation_type: DelegationType::from_name("full-permanent"),
            }),
        }
    }

    #[test]
    fn an_initiation_request_reads_as_it_was_written() {
        assert_eq!(Document::read(&initiation().to_xml()), Ok(initiation()));
    }

    #[test]
    fn every_notification_reads_as_it_was_written() {
        for kind in Kind::ALL.into_iter().skip(1) {
            let document = Document {
                kind,
                scope: None,
                ..initiation()
            };
            assert_eq!(Document::read(&document.to_xml()), Ok(document));
        }
    }

    #[test]
    fn an_initiation_request_looks_like_this() {
        let document = Document {
            session: "1".to_owned(),
            ..initiation()
        };
        insta::assert_snapshot!(String::from_utf8(document.to_xml()).expect("XML is UTF-8"));
    }

    #[rstest]
    #[case(Answer { session: "1".to_owned(), refusal: None, bootstrap_url: Some("https://b/?a=1&b=2".to_owned()) })]
    #[case(Answer { session: "1".to_owned(), refusal: Some("no such device".to_owned()), bootstrap_url: None })]
    fn an_answer_reads_as_it_was_written(#[case] answer: Answer) {
        assert_eq!(Answer::read(&answer.to_xml()), Ok(answer));
    }

    #[rstest]
    #[case::no_device(("DeviceID", "Gadget"), DocumentError::Missing { name: "DeviceID" })]
    #[case::no_tree_part(("TreePart", "Twig"), DocumentError::Missing { name: "TreePart" })]
    #[case::other_root(("InitiationRequest", "Invitation"), DocumentError::UnknownRoot { name: "Invitation".to_owned() })]
    #[case::other_namespace((":delegation:0", ":delegation:1"), DocumentError::Namespace)]
    #[case::two_models(("Manufacturer", "Model"), DocumentError::Repeated { name: "Model" })]
    #[case::unknown_type(("full-", "half-"), DocumentError::Value { name: "DelegationType", value: "half-permanent".to_owned() })]
    #[case::bad_server_id(("dms1.example", "a=b"), DocumentError::Value { name: "DelegatingServerID", value: "a=b".to_owned() })]
    fn what_cannot_be_read_is_refused(#[case] change: (&str, &str), #[case] expected: DocumentError) {
        let xml = String::from_utf8(initiation().to_xml())
            .expect("XML is UTF-8")
            .replace(change.0, change.1);
        assert_eq!(Document::read(xml.as_bytes()), Err(expected));
    }

    #[rstest]
    #[case::of_one_element("<Model>", "<v:Model xmlns:v=\"urn:example\">other</v:Model><Model>")]
    #[case::of_one_of_several(
        "<TreePart>",
        "<v:TreePart xmlns:v=\"urn:example\">no URI</v:TreePart><TreePart>"
    )]
    fn an_element_of_another_namespace_is_passed_over(#[case] from: &str, #[case] to: &str) {
        let xml = String::from_utf8(initiation().to_xml()).expect("XML is UTF-8");
        assert!(xml.contains(from), "{xml}");
        let extended = xml.replacen(from, to, 1);
        assert_eq!(Document::read(extended.as_bytes()), Ok(initiation()));
    }

    #[test]
    fn garbage_is_refused() {
        assert!(matches!(
            Document::read(b"\x00\xff<"),
            Err(DocumentError::Xml { .. })
        ));
        assert!(matches!(Document::read(b""), Err(DocumentError::Xml { .. })));
    }
}
