//! What libwbxml (0.11.8) does otherwise, and why what is done here is right.
//!
//! Each test asserts both, so that none of it goes unnoticed when either changes.

use oma_dm::wbxml::{self, DocumentType, Oddity};
use oma_dm::xml::{Element, Node, XmlError};

use crate::{outline, tool};

/// A document of SyncML 1.2 with this body.
fn document(body: &[u8]) -> Vec<u8> {
    [&[0x02, 0xA4, 0x01, 0x6A, 0x00], body].concat()
}

/// The element `local` of SyncML with this content.
fn element(local: &str, content: &str) -> Element<'static> {
    let text = format!("<{local} xmlns=\"SYNCML:SYNCML1.2\">{content}</{local}>");
    Element::parse(text.as_bytes())
        .expect("the content is XML")
        .into_owned()
}

fn here(wbxml: &[u8]) -> Element<'static> {
    wbxml::decode(wbxml).expect("it is WBXML").root
}

fn there(wbxml: &[u8]) -> String {
    String::from_utf8(tool::to_xml(wbxml).expect("libwbxml reads it")).expect("libwbxml writes UTF-8")
}

/// There is no way to write `]]>` in a CDATA section (XML 1.0, 2.7), in which libwbxml puts the data of Add and Replace.
#[test]
fn the_end_of_a_cdata_section_in_data_becomes_malformed_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = document(b"\x6D\x6B\x45\x54\x4F\x03]]>\x00\x01\x01\x01\x01\x01");
    let theirs = there(&wbxml);
    let theirs = Element::parse(theirs.as_bytes());
    assert!(matches!(theirs, Err(XmlError::Syntax { .. })), "{theirs:?}");
    let ours = here(&wbxml).to_xml();
    let ours = Element::parse(&ours).expect("what is written here is XML");
    assert_eq!(
        outline(&ours).lines().last(),
        Some("        {SYNCML:SYNCML1.2}Data \"]]>\"")
    );
}

/// A reader of XML makes a line feed of a carriage return that is not written as a reference (XML 1.0, 2.11), and a space of
/// every tabulator and line break in an attribute (3.3.3).
#[test]
fn line_breaks_are_not_escaped_there() {
    if tool::is_missing() {
        return;
    }
    let text = document(b"\x57\x03a\rb\x00\x01");
    let theirs = there(&text);
    let theirs = Element::parse(theirs.as_bytes()).expect("libwbxml writes XML");
    assert_eq!(
        (theirs.text().as_ref(), here(&text).text().as_ref()),
        ("a\nb", "a\rb")
    );

    let value = b"\x03\x0B\x6A\x00\x87\x06\x03a\t\nb\x00\x01";
    let theirs = there(value);
    let theirs = Element::parse(theirs.as_bytes()).expect("libwbxml writes XML");
    assert_eq!(
        (theirs.attribute("value"), here(value).attribute("value")),
        (Some("a  b"), Some("a\t\nb"))
    );
}

/// libwbxml takes the data of Add and Replace for text of mail, and ends its lines as mail does; OMA-TS-DM_RepPro knows nothing
/// of that: data are the octets of a node's value.
#[test]
fn line_breaks_in_data_become_those_of_mail_there() {
    if tool::is_missing() {
        return;
    }
    let ours = element(
        "SyncML",
        "<SyncBody><Add><Item><Data>a\nb</Data></Item></Add></SyncBody>",
    );
    let data = |wbxml: &[u8]| outline(&here(wbxml)).lines().last().map(str::to_owned);
    let theirs = tool::to_wbxml(&ours.to_xml(), &[]).expect("libwbxml reads it");
    assert_eq!(
        data(&theirs).as_deref(),
        Some("        {SYNCML:SYNCML1.2}Data \"a\\r\\nb\"")
    );
    assert_eq!(
        data(&wbxml::encode(&ours)).as_deref(),
        Some("        {SYNCML:SYNCML1.2}Data \"a\\nb\"")
    );
}

/// A literal carries no namespace, so none is known here; libwbxml writes the bare name, and a reader of XML then gives it the
/// namespace around it.
#[test]
fn a_literal_is_in_the_namespace_around_it_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = b"\x02\xA4\x01\x6A\x02x\x00\x6D\x44\x00\x03a\x00\x01\x01";
    let theirs = there(wbxml);
    let theirs = Element::parse(theirs.as_bytes()).expect("libwbxml writes XML");
    let theirs = theirs
        .elements()
        .next()
        .map(|literal| literal.name.namespace.clone());
    assert_eq!(theirs, Some(Some("SYNCML:SYNCML1.2".into())));
    let ours = here(wbxml);
    let ours = ours
        .elements()
        .next()
        .map(|literal| literal.name.namespace.clone());
    assert_eq!(ours, Some(None));
}

/// An attribute is content like any other; libwbxml drops those of languages that should have none.
#[test]
fn attributes_of_syncml_are_dropped_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = b"\x02\xA4\x01\x6A\x02x\x00\xAD\x04\x00\x03a\x00\x01";
    assert!(
        there(wbxml).ends_with("<SyncML xmlns=\"SYNCML:SYNCML1.2\"/>"),
        "{}",
        there(wbxml)
    );
    let ours = wbxml::decode(wbxml).expect("it is WBXML");
    assert_eq!(ours.root.attribute("x"), Some("a"));
    assert_eq!(ours.observations[0].oddity, Oddity::Attributes);
}

/// Code page 2 of SyncML is that of tree descriptions (OMA-TS-DM_TND 10); libwbxml knows it only in documents that are one.
#[test]
fn an_object_in_a_message_is_unknown_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = document(b"\x4F\x00\x02\x60\x64\x66\x03x\x00\x01\x01\x01\x01");
    assert!(
        there(&wbxml).contains("<unknown><unknown><unknown>x</unknown>"),
        "{}",
        there(&wbxml)
    );
    assert_eq!(
        outline(&here(&wbxml)),
        "{SYNCML:SYNCML1.2}Data\n  {syncml:dmddf1.2}MgmtTree\n    {syncml:dmddf1.2}Node\n      {syncml:dmddf1.2}NodeName \"x\"\n"
    );
}

/// Instead, libwbxml makes a document of its own of such an object, and octets of that; both ways are in use.
#[test]
fn an_object_in_a_message_is_a_document_of_its_own_there() {
    if tool::is_missing() {
        return;
    }
    let object = "<MgmtTree xmlns=\"syncml:dmddf1.2\"><VerDTD>1.2</VerDTD></MgmtTree>";
    let theirs = tool::to_wbxml(&element("Data", object).to_xml(), &[]).expect("libwbxml reads it");
    let theirs = here(&theirs);
    let [Node::Opaque(inner)] = theirs.children.as_slice() else {
        panic!("the data are octets: {theirs:?}")
    };
    let inner = wbxml::decode(inner).expect("the octets are WBXML");
    assert_eq!(inner.document_type, DocumentType::DmDdf12);
    assert_eq!(
        outline(&inner.root),
        outline(&Element::parse(object.as_bytes()).expect("it is XML"))
    );
}

/// Octets that are no text cannot stand in XML as they are; libwbxml writes them nevertheless.
#[test]
fn octets_that_are_no_text_are_not_xml_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = document(b"\x4F\xC3\x02a\xFF\x01");
    let theirs = tool::to_xml(&wbxml).expect("libwbxml reads it");
    assert!(matches!(Element::parse(&theirs), Err(XmlError::Encoding { .. })));
    assert_eq!(here(&wbxml).octets(), b"a\xFF");
}

/// A nonce is octets to libwbxml, which are base64 in XML; here it stays what it was, and the message says what it is.
#[test]
fn a_nonce_in_octets_becomes_base64_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = document(b"\x49\x5A\x00\x01\x50\xC3\x03\x01\x02\x03\x01\x01\x01");
    assert!(there(&wbxml).contains(">AQID</NextNonce>"), "{}", there(&wbxml));
    assert_eq!(
        outline(&here(&wbxml)).lines().last(),
        Some("    {syncml:metinf}NextNonce \"\\u{1}\\u{2}\\u{3}\"")
    );
}

/// The bearers are those of terrestrial trunked radio (TETRA); libwbxml misspells them.
#[test]
fn two_bearers_are_misspelt_there() {
    if tool::is_missing() {
        return;
    }
    for (token, name) in [(0xB5, "TETRA-SDS"), (0xB6, "TETRA-PACKET")] {
        let wbxml = [b"\x03\x0B\x6A\x00\x87\x06".as_slice(), &[token, 0x01]].concat();
        let theirs = there(&wbxml);
        let theirs = Element::parse(theirs.as_bytes()).expect("libwbxml writes XML");
        assert_eq!(
            theirs
                .attribute("value")
                .map(|value| value.replacen("TRE", "TE", 1))
                .as_deref(),
            Some(name)
        );
        assert_ne!(theirs.attribute("value"), Some(name));
        assert_eq!(here(&wbxml).attribute("value"), Some(name));
    }
}

/// A tag that is reserved is not that of an element called "reserved".
#[test]
fn a_reserved_tag_becomes_malformed_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = document(b"\x6D\x30\x01");
    assert!(
        there(&wbxml).contains("<Reserved for future use/>"),
        "{}",
        there(&wbxml)
    );
    assert_eq!(
        outline(&here(&wbxml)).lines().last(),
        Some("  {urn:oma-dm:unknown-token}token-0-30")
    );
}

/// A document of no known type is read with the code pages of SyncML, and says so; libwbxml gives up.
#[test]
fn a_document_of_no_known_type_is_refused_there() {
    if tool::is_missing() {
        return;
    }
    let wbxml = b"\x02\x01\x6A\x00\x2D";
    let refused = tool::to_xml(wbxml).expect_err("libwbxml refuses it");
    assert!(refused.contains("Unknown Public ID"), "{refused}");
    assert_eq!(here(wbxml).name.local, "SyncML");
}
