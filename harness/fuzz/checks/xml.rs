//! XML to elements: what was read lies where it says, and what is written of it reads back the same.

use oma_dm::xml::Element;

use super::places;

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Ok(element) = Element::parse(octets) else {
        return;
    };
    places::check(&element, octets.len());
    let _for_people = element.to_pretty_xml();
    let written = element.to_xml();
    let again = Element::parse(&written).expect("what was written is XML");
    assert_eq!(again.without_places(), element.without_places());
}
