//! What is written reads back; what is hostile is refused.

use proptest::prelude::*;

use super::*;

/// The element as a reader would have it, with all that is in it: text in one piece, none that is layout.
pub(crate) fn normal(mut element: Element<'_>) -> Element<'_> {
    let has_elements = element.elements().next().is_some();
    let children = std::mem::take(&mut element.children);
    let is_layout = |text: &str| text.is_empty() || (has_elements && is_white_space(text));
    for child in children {
        match child {
            Node::Text(text) if is_layout(&text) => {}
            Node::Text(text) => element.push_text(text),
            Node::Element(child) => element.children.push(Node::Element(normal(child))),
            Node::Opaque(octets) => element.children.push(Node::Opaque(octets)),
        }
    }
    element
}

#[test]
fn what_is_written_reads_back() {
    let element = Element::new("urn:a", "a")
        .with_child(Element::new("urn:b", "b").with_text("x < y & \"z\" ]]> \r"))
        .with_child(Element::new("", "c"));
    let written = element.to_xml();
    let read = Element::parse(&written).expect("what was written is XML");
    assert_eq!(read.without_places(), element);
}

#[test]
fn places_are_octets_of_the_document() {
    let text = "<a>\u{e9}<b/></a>";
    let element = Element::parse(text.as_bytes()).expect("the text is XML");
    let place = element.child("b").map(|b| b.at.clone()).expect("b is in a");
    assert_eq!(&text[place], "<b/>");
}

#[test]
fn a_document_type_with_entities_is_refused_and_a_plain_one_is_not() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"b\">]><a>&b;</a>";
    assert!(matches!(
        Element::parse(bomb.as_bytes()),
        Err(XmlError::Syntax { .. })
    ));
    let plain = "<!DOCTYPE SyncML PUBLIC \"-//SYNCML//DTD SyncML 1.2//EN\" \"x\"><SyncML/>";
    assert_eq!(
        Element::parse(plain.as_bytes()).map(|element| element.at),
        Ok(60..69)
    );
    let in_text = "<a><![CDATA[<!DOCTYPE b>]]></a>";
    assert_eq!(
        Element::parse(in_text.as_bytes())
            .expect("the text is XML")
            .text(),
        "<!DOCTYPE b>"
    );
}

#[test]
fn endless_nesting_is_refused() {
    for open in ["<a>", "<a b='/>'>", "<!--<a/>--><a>"] {
        let deep = open.repeat(100_000) + &"</a>".repeat(100_000);
        assert!(
            matches!(Element::parse(deep.as_bytes()), Err(XmlError::Depth { .. })),
            "{open}"
        );
    }
}

#[test]
fn what_would_cost_more_than_it_is_long_is_refused() {
    let attributes: String = (0..10_000).map(|number| format!(" a{number}=''")).collect();
    assert_eq!(
        Element::parse(format!("<a{attributes}/>").as_bytes()),
        Err(XmlError::Tag { at: 0 })
    );
    // However it goes on, a tag is given up where it is too long: looking back to its beginning at each quote would take hours.
    let quotes = format!("<a{}", "=\"\"".repeat(MAX_DOCUMENT / 4));
    assert_eq!(Element::parse(quotes.as_bytes()), Err(XmlError::Tag { at: 0 }));
    let attributes = "<a b='' c=''/>".repeat(MAX_ATTRIBUTES / 2 + 1);
    assert!(matches!(
        Element::parse(format!("<a>{attributes}</a>").as_bytes()),
        Err(XmlError::Attributes { .. })
    ));
    let namespaces: String = (0..=MAX_NAMESPACES)
        .map(|number| format!("<a xmlns='{number}'/>"))
        .collect();
    assert_eq!(
        Element::parse(format!("<a>{namespaces}</a>").as_bytes()),
        Err(XmlError::Namespaces)
    );
    let namespace = "x".repeat(MAX_NAMESPACE + 1);
    assert_eq!(
        Element::parse(format!("<a xmlns='{namespace}'/>").as_bytes()),
        Err(XmlError::Namespace { at: 0 })
    );
    assert_eq!(
        Element::parse(&vec![b' '; MAX_DOCUMENT + 1]),
        Err(XmlError::Size {
            octets: MAX_DOCUMENT + 1
        })
    );
}

#[test]
fn the_number_of_nodes_is_bounded() {
    let of = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    let most = usize::try_from(MAX_NODES).expect("it is small");
    // The document and its root are nodes, too.
    assert!(Element::parse(of(most - 2).as_bytes()).is_ok());
    assert!(Element::parse(of(most + 1).as_bytes()).is_err());
}

#[test]
fn prefixes_are_counted_where_they_are_in_scope() {
    let prefixes: String = (0..=MAX_PREFIXES)
        .map(|number| format!(" xmlns:p{number}='x'"))
        .collect();
    assert_eq!(
        Element::parse(format!("<a{prefixes}/>").as_bytes()),
        Err(XmlError::Prefixes { at: 0 })
    );
    let nested = "<a xmlns:p='x'>".repeat(MAX_PREFIXES + 1) + &"</a>".repeat(MAX_PREFIXES + 1);
    assert_eq!(
        Element::parse(nested.as_bytes()),
        Err(XmlError::Prefixes {
            at: 15 * MAX_PREFIXES
        })
    );
    let beside = "<p:a xmlns:p = 'x'><b/></p:a>".repeat(MAX_PREFIXES + 1);
    assert!(Element::parse(format!("<a>{beside}</a>").as_bytes()).is_ok());
    let in_text = "<![CDATA[<a xmlns:p='x'>]]>".repeat(MAX_PREFIXES + 1);
    assert!(Element::parse(format!("<a>{in_text}</a>").as_bytes()).is_ok());
}

#[test]
fn text_in_pieces_is_one_text() {
    let element = Element::parse(b"<a>b<!-- c -->d<![CDATA[<e>]]></a>").expect("the text is XML");
    assert_eq!(element.children, [Node::Text("bd<e>".into())]);
}

#[test]
fn an_attribute_keeps_its_namespace() {
    let text = "<a xmlns:p=\"urn:p\" p:b=\"1\" b=\"2\" xml:lang=\"en\"/>";
    let element = Element::parse(text.as_bytes()).expect("the text is XML");
    assert_eq!(element.attributes[0].name.namespace.as_deref(), Some("urn:p"));
    assert_eq!(element.attributes[1].name.namespace, None);
    let written = element.to_xml();
    let again = Element::parse(&written).expect("what was written is XML");
    assert_eq!(again.without_places(), element.without_places());
}

#[test]
fn indented_for_people_it_says_the_same() {
    let element = Element::new("urn:a", "a")
        .with_child(Element::new("urn:a", "b").with_child(Element::new("", "c")))
        .with_child(
            Element::new("urn:a", "d")
                .with_text("e")
                .with_child(Element::new("urn:a", "f")),
        );
    insta::assert_snapshot!(element.to_pretty_xml(), @r#"
    <a xmlns="urn:a">
      <b>
        <c xmlns=""/>
      </b>
      <d>e<f/></d>
    </a>
    "#);
}

#[test]
fn octets_that_are_no_text_are_located() {
    assert_eq!(Element::parse(b"<a>\xff</a>"), Err(XmlError::Encoding { at: 3 }));
}

fn names() -> impl Strategy<Value = Name<'static>> + Clone {
    const NAMESPACES: [&str; 6] = [
        "",
        "SYNCML:SYNCML1.2",
        "syncml:metinf",
        "syncml:dmddf1.2",
        "urn:a",
        "<&'\">",
    ];
    const LOCALS: [&str; 6] = ["SyncML", "Data", "node", "_x-1.2", "é", "\u{10000}"];
    (
        proptest::sample::select(&NAMESPACES[..]),
        proptest::sample::select(&LOCALS[..]),
    )
        .prop_map(|(namespace, local)| Name {
            namespace: namespace_of(namespace),
            local: local.into(),
        })
}

/// Text of all characters that XML can hold.
const TEXT: &str = "[\t\n\r -\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{1,12}";

fn elements() -> impl Strategy<Value = Element<'static>> {
    let attributes = proptest::collection::vec((names(), TEXT), 0..3).prop_map(|pairs| {
        let mut attributes: Vec<Attribute<'static>> = Vec::new();
        for (name, value) in pairs {
            if attributes.iter().all(|earlier| earlier.name != name) {
                attributes.push(Attribute {
                    name,
                    value: value.into(),
                });
            }
        }
        attributes
    });
    let empty = (names(), attributes).prop_map(|(name, attributes)| Element {
        name,
        attributes,
        ..Element::new("", "")
    });
    let text = prop_oneof![TEXT, "[<>&'\"\\]\r ]{1,4}"].prop_map(|text| Node::Text(text.into()));
    let with = |(mut element, children): (Element<'static>, Vec<Node<'static>>)| {
        element.children = children;
        element
    };
    let leaf = (empty.clone(), proptest::collection::vec(text.clone(), 0..2)).prop_map(with);
    leaf.prop_recursive(5, 30, 4, move |inner| {
        let child = prop_oneof![4 => inner.prop_map(Node::Element), 1 => text.clone()];
        (empty.clone(), proptest::collection::vec(child, 0..4)).prop_map(with)
    })
    .prop_map(normal)
}

/// Every element lies inside of its parent, behind the one before it, and is what its place in the document says.
fn places_are_right(element: &Element, document: &str) -> bool {
    let mut from = element.at.start + 1;
    let here = document.get(element.at.clone()).unwrap_or("");
    let is_whole = here.starts_with('<') && here.ends_with('>') && here.contains(&*element.name.local);
    is_whole
        && element.elements().all(|child| {
            let follows = child.at.start >= from && child.at.end <= element.at.end;
            from = child.at.end;
            follows && places_are_right(child, document)
        })
}

proptest! {
    #[test]
    fn every_element_reads_back_as_it_was_written(element in elements()) {
        let document = element.to_xml();
        let read = Element::parse(&document).expect("what was written is XML");
        prop_assert!(places_are_right(&read, std::str::from_utf8(&document).expect("XML is text")));
        prop_assert_eq!(read.without_places(), element);
    }

    #[test]
    fn what_is_indented_for_people_reads_back(element in elements()) {
        let written = element.to_pretty_xml();
        let read = Element::parse(written.as_bytes()).expect("what was written is XML");
        prop_assert_eq!(read.without_places(), element);
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _either = Element::parse(&octets);
    }

    #[test]
    fn pieces_of_markup_are_read_or_refused(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "<a>", "</a>", "<a/>", "<a b='c'>", "<a xmlns:p='q' p:b=\"/>\">", "<a", "xmlns=''", " ", "<!--", "-->",
                "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE a>", "<!DOCTYPE a [", "]>", "&amp;", "&b;", "&#0;", "&#x20;", "'", "\"", ">",
                "é", "\r", "\u{feff}",
            ]),
            0..30,
        ),
    ) {
        let document = pieces.concat();
        if let Ok(read) = Element::parse(document.as_bytes()) {
            prop_assert!(places_are_right(&read, &document));
            let written = read.to_xml();
            let again = Element::parse(&written).expect("what was written is XML");
            prop_assert_eq!(again.without_places(), read.without_places());
        }
    }
}
