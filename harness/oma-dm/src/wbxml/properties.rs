//! What holds of every element and of any octets.

use proptest::prelude::*;

use super::tables::CodeSpace;
use super::*;
use crate::xml::tests::normal;
use crate::xml::{Attribute, Name, Node, namespace_of};

/// Every name on every code page of a kind of document, tokens that have none, and literals.
fn names(document_type: &DocumentType) -> Vec<Name<'static>> {
    let space = CodeSpace::of(document_type);
    let mut names = Vec::new();
    for page in 0..=3 {
        for token in 0x05..0x40 {
            let unknown = tables::unknown_name(page, token);
            let (namespace, local) = match space.element(page, token) {
                Some((namespace, local)) => (namespace, local.into()),
                None => (Some(UNKNOWN_NAMESPACE), unknown.into()),
            };
            names.push(Name {
                namespace: namespace.and_then(namespace_of),
                local,
            });
        }
    }
    let literals = ["Vendor", "_x-1.2", "é"];
    names.extend(literals.map(|local| Name {
        namespace: None,
        local: local.into(),
    }));
    names
}

/// Names of attributes: those that have tokens, and literals; values that have tokens, and others.
fn attributes() -> impl Strategy<Value = Vec<Attribute<'static>>> + Clone {
    let value = prop_oneof![
        proptest::sample::select(
            provisioning::values()
                .map(|(_, _, value)| value.to_owned())
                .collect::<Vec<_>>()
        ),
        proptest::sample::select(
            provisioning::attributes()
                .filter_map(|(_, _, _, value)| value.map(str::to_owned))
                .collect::<Vec<_>>()
        ),
        "(?s).{0,12}",
    ];
    let one = (
        proptest::sample::select(vec!["name", "value", "type", "version", "other"]),
        value,
    );
    proptest::collection::vec(one, 0..4).prop_map(|pairs| {
        let mut attributes: Vec<Attribute<'static>> = Vec::new();
        for (local, value) in pairs {
            if attributes.iter().all(|earlier| earlier.name.local != local) {
                attributes.push(Attribute {
                    name: Name {
                        namespace: None,
                        local: local.into(),
                    },
                    value: value.into(),
                });
            }
        }
        attributes
    })
}

fn elements(document_type: &DocumentType) -> impl Strategy<Value = Element<'static>> + use<> {
    let names = proptest::sample::select(names(document_type));
    let text =
        prop_oneof!["(?s).{1,12}", "[a\0]{1,4}", "[ \n]{1,3}"].prop_map(|text| Node::Text(text.into()));
    let octets = proptest::collection::vec(any::<u8>(), 0..6).prop_map(Node::Opaque);
    let empty = (names, attributes()).prop_map(|(name, attributes)| Element {
        name,
        attributes,
        ..Element::new("", "")
    });
    let leaf = (
        empty.clone(),
        proptest::collection::vec(prop_oneof![text.clone(), octets], 0..3),
    );
    let leaf = leaf.prop_map(|(mut element, children)| {
        element.children = children;
        element
    });
    leaf.prop_recursive(6, 40, 5, move |inner| {
        let child = prop_oneof![4 => inner.prop_map(Node::Element), 1 => text.clone()];
        (empty.clone(), proptest::collection::vec(child, 0..5)).prop_map(|(mut element, children)| {
            element.children = children;
            element
        })
    })
    .prop_map(normal)
}

/// Elements of any kind of document, and the kind.
fn documents() -> impl Strategy<Value = (DocumentType, Element<'static>)> {
    let kinds = [
        DocumentType::SyncMl11,
        DocumentType::SyncMl12,
        DocumentType::MetInf12,
        DocumentType::DmDdf12,
        DocumentType::Provisioning10,
        DocumentType::Number(1),
        DocumentType::Text("-//EXAMPLE//DTD Other 1.0//EN".to_owned()),
    ];
    proptest::sample::select(kinds.to_vec()).prop_flat_map(|kind| {
        let elements = elements(&kind);
        (Just(kind), elements)
    })
}

/// Elements, attributes and texts in a tree, and octets of all its names and texts.
fn weight(element: &Element) -> (usize, usize) {
    let mut nodes = 1;
    let mut octets = element.name.local.len();
    for attribute in &element.attributes {
        nodes += 1;
        octets += attribute.name.local.len() + attribute.value.len();
    }
    for child in &element.children {
        let (more_nodes, more_octets) = match child {
            Node::Element(element) => weight(element),
            Node::Text(text) => (1, text.len()),
            Node::Opaque(part) => (1, part.len()),
        };
        nodes += more_nodes;
        octets += more_octets;
    }
    (nodes, octets)
}

/// Every element lies inside of its parent, behind the one before it, and begins with its tag.
fn places_are_right(element: &Element, document: &[u8]) -> bool {
    let mut from = element.at.start + 1;
    let begins_with_tag = document
        .get(element.at.start)
        .is_some_and(|tag| tag & 0x3F >= 0x04);
    begins_with_tag
        && element.at.end <= document.len()
        && element.elements().all(|child| {
            let follows = child.at.start >= from && child.at.end <= element.at.end;
            from = child.at.end;
            follows && places_are_right(child, document)
        })
}

fn check_any(octets: &[u8]) -> Result<(), TestCaseError> {
    let Ok(read) = decode(octets) else {
        return Ok(());
    };
    prop_assert!(places_are_right(&read.root, octets));
    let (nodes, text) = weight(&read.root);
    prop_assert!(nodes <= octets.len(), "each node costs an octet");
    prop_assert!(
        text <= 64 * 1024 + 16 * octets.len(),
        "no text comes from nothing"
    );
    let written = encode_as(&read.root, read.version, &read.document_type);
    let again = decode(&written).expect("what was written can be read");
    prop_assert_eq!(
        encode_as(&again.root, again.version, &again.document_type),
        written
    );
    Ok(())
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same((document_type, element) in documents()) {
        for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
            let document = encode_as(&element, version, &document_type);
            let read = decode(&document).expect("what was written can be read");
            prop_assert_eq!(read.root.at.end, document.len());
            prop_assert!(places_are_right(&read.root, &document));
            prop_assert_eq!((read.version, &read.document_type), (version, &document_type));
            prop_assert_eq!(read.root.without_places(), element.clone());
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(
        head in proptest::sample::select(vec!["02 a4 01 6a 05 61 62 00 63 00 6d", "03 0b 6a 05 61 62 00 63 00 c5 45"]),
        tail in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        check_any(&[tests::octets(head), tail].concat())?;
    }

    #[test]
    fn octets_of_the_structure_are_read_or_refused(
        tail in proptest::collection::vec(
            proptest::sample::select(vec![0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x40, 0x43, 0x44, 0x47, 0x80, 0x83, 0x84, 0xC0, 0xC3, 0xC5]),
            0..60,
        ),
    ) {
        check_any(&[tests::octets("02 a4 01 6a 05 61 62 00 63 00 6d"), tail].concat())?;
    }

    #[test]
    fn a_changed_octet_in_a_message_is_read_or_refused(at in 0_usize..83, octet in any::<u8>()) {
        let mut document = tests::octets(tests::PACKAGE_1);
        document[at] = octet;
        check_any(&document)?;
    }
}
