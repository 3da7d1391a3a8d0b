//! What the sender said is in the typed message, or in an observation: nothing is dropped unsaid.

use rstest::rstest;

use oma_dm::syncml::{self, Encoding};
use oma_dm::wbxml;
use oma_dm::xml::{Element, Node};

use super::mutate::{Dice, SEEDS, change};

#[rstest]
fn what_is_read_without_an_observation_is_written_as_it_was(
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
    // All but the one with the elements that a message has no place for.
    #[values(1, 2, 3, 4, 5)] seed: usize,
) {
    let original = Element::parse(SEEDS[seed]).unwrap();
    let mut dice = Dice(2);
    let mut compared = 0;
    for document in 0..400 {
        let mut element = original.clone();
        for _ in 0..document.min(1 + dice.below(2)) {
            change(&mut element, &mut dice);
        }
        let octets = match encoding {
            Encoding::Xml => element.to_xml(),
            Encoding::Wbxml => wbxml::encode(&element),
        };
        let Ok(reading) = syncml::read(&octets, encoding) else {
            continue;
        };
        if !reading.observations.is_empty() {
            continue;
        }
        let written = syncml::write(&reading.message, encoding);
        let again = syncml::read(&written, encoding).unwrap();
        assert_eq!(
            substance(again.element),
            substance(reading.element),
            "{}",
            String::from_utf8_lossy(&element.to_xml())
        );
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// The element without what says nothing: places, the order of meta information, meta information that is empty.
fn substance(element: Element<'_>) -> Element<'_> {
    fn reduce(element: &mut Element<'_>) {
        for child in &mut element.children {
            if let Node::Element(child) = child {
                reduce(child);
            }
        }
        element.children.retain(|child| match child {
            Node::Element(child) => child.name.local != "Meta" || !child.children.is_empty(),
            Node::Text(text) => !text.is_empty(),
            Node::Opaque(octets) => !octets.is_empty(),
        });
        if element.name.local == "Meta" {
            element.children.sort_by_key(|child| match child {
                Node::Element(child) => child.name.local.to_string(),
                Node::Text(_) | Node::Opaque(_) => String::new(),
            });
        }
    }
    let mut element = element.without_places();
    reduce(&mut element);
    element
}
