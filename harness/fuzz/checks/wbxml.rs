//! WBXML to elements: what was read lies where it says, and what is written of it reads back the same.

use oma_dm::wbxml;
use oma_dm::xml::{Element, XmlError};

use super::places;

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Ok(document) = wbxml::decode(octets) else {
        return;
    };
    places::check(&document.root, octets.len());
    let written = wbxml::encode_as(&document.root, document.version, &document.document_type);
    let again = wbxml::decode(&written).expect("what was written is WBXML");
    let rewritten = wbxml::encode_as(&again.root, again.version, &again.document_type);
    assert_eq!(rewritten, written);
    // XML holds no octets and not all characters, but takes every element, if not every length.
    let in_xml = document.root.to_xml();
    let in_xml = Element::parse(&in_xml);
    let is_malformed = matches!(in_xml, Err(XmlError::Syntax { .. } | XmlError::Encoding { .. }));
    assert!(!is_malformed, "{in_xml:?}");
}
