//! What is known of the encoding from other implementations, and what must never happen with hostile octets.

use rstest::rstest;

use super::*;
use crate::xml::Node;

/// As libwbxml writes a package 1 (domain facts, 8.7).
pub(super) const PACKAGE_1: &str =
    "02 a4 01 6a 00 6d 6c 71 03 31 2e 32 00 01 72 03 44 4d 2f 31 2e 32 00 01 65 03 41 37 00 01 5b 03
    31 00 01 6e 57 03 64 00 01 01 67 57 03 73 00 01 01 5a 00 01 4c 03 34 30 39 36 00 01 01 01 00 00
    6b 46 4b 03 31 00 01 4f 03 31 32 30 31 00 01 01 12 01 01";

/// As libwbxml writes a TNDS object: the document type has no number.
const TNDS: &str =
    "02 00 00 6a 1b 2d 2f 2f 4f 4d 41 2f 2f 44 54 44 2d 44 4d 2d 44 44 46 20 31 2e 32 2f 2f 45 4e 00
    00 02 60 77 03 31 2e 32 00 01 64 66 03 64 6d 73 32 00 01 6f 5c 25 01 75 51 03 75 72 6e 3a 6f 6d
    61 3a 6d 6f 3a 6f 6d 61 2d 64 6d 2d 64 6d 61 63 63 3a 31 2e 30 00 01 01 01 01 01";

/// As libwbxml writes a client provisioning document, without a string table.
const PROVISIONING: &str =
    "02 0b 6a 00 c5 45 03 31 2e 31 00 01 c6 00 01 55 01 87 36 00 00 06 03 77 37 00 01 87 00 01 38 00
    00 06 03 64 6d 73 32 2e 65 78 61 6d 70 6c 65 00 01 87 07 06 03 44 4d 53 2d 32 00 01 c6 00 01 56
    01 87 34 00 00 06 03 68 74 74 70 73 3a 2f 2f 64 6d 73 32 2e 65 78 61 6d 70 6c 65 2f 64 6d 00 01
    87 00 01 35 00 00 06 86 01 c6 53 01 87 23 06 03 34 34 33 00 01 01 01 c6 00 01 57 01 87 30 00 00
    06 00 01 8d 01 87 33 00 00 06 00 01 93 01 87 33 00 00 06 9d 01 87 05 03 46 4f 4f 00 06 03 78 00
    01 01 01 01";

pub(super) fn octets(hex: &str) -> Vec<u8> {
    hex.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// An element as text: names, attributes and texts, without positions.
fn outline(element: &Element) -> String {
    let attributes: String = element
        .attributes
        .iter()
        .map(|attribute| format!(" {}={:?}", attribute.name.local, attribute.value))
        .collect();
    let children: Vec<_> = element
        .children
        .iter()
        .map(|child| match child {
            Node::Element(element) => outline(element),
            Node::Text(text) => text.to_string(),
            Node::Opaque(octets) => format!("{octets:02x?}"),
        })
        .collect();
    format!("{}{attributes}({})", element.name.local, children.join(" "))
}

fn problem_of(hex: &str) -> (usize, Problem) {
    let error = decode(&octets(hex)).unwrap_err();
    (error.at, error.problem)
}

#[test]
fn a_message_of_another_implementation_is_read() {
    let document = decode(&octets(PACKAGE_1)).unwrap();
    assert_eq!(document.version, Version::V1_2);
    assert_eq!(document.document_type, DocumentType::SyncMl12);
    assert_eq!(document.observations, []);
    assert_eq!(document.root.name.namespace.as_deref(), Some("SYNCML:SYNCML1.2"));
    insta::assert_snapshot!(outline(&document.root), @"SyncML(SyncHdr(VerDTD(1.2) VerProto(DM/1.2) SessionID(A7) MsgID(1) Target(LocURI(d)) Source(LocURI(s)) Meta(MaxMsgSize(4096))) SyncBody(Alert(CmdID(1) Data(1201)) Final()))");
}

#[rstest]
#[case(PACKAGE_1)]
#[case(TNDS)]
#[case(PROVISIONING)]
fn what_another_implementation_wrote_is_written_the_same(#[case] hex: &str) {
    assert_eq!(encode(&decode(&octets(hex)).unwrap().root), octets(hex));
}

#[test]
fn an_object_whose_document_type_has_no_number_is_read() {
    let document = decode(&octets(TNDS)).unwrap();
    assert_eq!(document.document_type, DocumentType::DmDdf12);
    assert_eq!(document.root.name.namespace.as_deref(), Some("syncml:dmddf1.2"));
    insta::assert_snapshot!(outline(&document.root), @"MgmtTree(VerDTD(1.2) Node(NodeName(dms2) RTProperties(Format(node()) Type(DDFName(urn:oma:mo:oma-dm-dmacc:1.0)))))");
}

#[test]
fn every_element_knows_its_octets() {
    let bytes = octets(PACKAGE_1);
    let root = decode(&bytes).unwrap().root;
    assert_eq!(root.at, 5..83);
    let Node::Element(header) = &root.children[0] else {
        panic!("the header is an element")
    };
    let Node::Element(version) = &header.children[0] else {
        panic!("so is what is in it")
    };
    assert_eq!(&bytes[version.at.clone()], b"\x71\x031.2\x00\x01");
}

#[rstest]
#[case::wbxml_1_1("01 a4 01 6a 00 2d")]
#[case::wbxml_1_3("03 a4 01 6a 00 2d")]
#[case::public_id_in_the_string_table(
    "02 00 00 6a 1e 2d 2f 2f 53 59 4e 43 4d 4c 2f 2f 44 54 44 20 53 79 6e 63 4d 4c 20 31 2e 32 2f 2f 45 4e 00 2d"
)]
#[case::unknown_public_id("02 01 6a 00 2d")]
#[case::us_ascii("02 a4 01 03 00 2d")]
fn the_header_may_be_written_in_other_ways(#[case] hex: &str) {
    let root = decode(&octets(hex)).unwrap().root;
    assert_eq!(root.name, Element::new("SYNCML:SYNCML1.2", "SyncML").name);
}

#[rstest]
#[case::inline("02 01 6a 00 4f 03 61 62 63 00 01", "Data(abc)")]
#[case::string_table("02 01 6a 04 61 62 63 00 4f 83 00 01", "Data(abc)")]
#[case::inside_the_string_table("02 01 6a 04 61 62 63 00 4f 83 01 01", "Data(bc)")]
#[case::last_string_without_terminator("02 01 6a 03 61 62 63 4f 83 00 01", "Data(abc)")]
#[case::in_pieces("02 01 6a 02 62 00 4f 03 61 00 83 00 02 63 01", "Data(abc)")]
#[case::entity("02 01 6a 00 4f 02 81 20 01", "Data(\u{a0})")]
#[case::opaque("02 01 6a 00 4f c3 03 61 00 63 01", "Data([61, 00, 63])")]
#[case::latin_1("02 01 04 00 4f 03 e9 00 01", "Data(é)")]
fn text_may_be_written_in_many_ways(#[case] hex: &str, #[case] expected: &str) {
    assert_eq!(outline(&decode(&octets(hex)).unwrap().root), expected);
}

#[test]
fn a_tag_without_a_name_is_kept_and_says_its_token() {
    let hex = "02 a4 01 6a 00 6d 30 00 07 3f 01";
    let document = decode(&octets(hex)).unwrap();
    assert_eq!(outline(&document.root), "SyncML(token-0-30() token-7-3F())");
    let unknown = document.root.elements().next().expect("the token is an element");
    assert_eq!(unknown.name.namespace.as_deref(), Some(UNKNOWN_NAMESPACE));
    assert_eq!(encode(&document.root), octets(hex), "and is written again");
}

#[test]
fn a_literal_tag_has_its_name_from_the_string_table() {
    let root = decode(&octets(
        "02 01 6a 02 78 00 44 00 03 61 00 84 00 04 00 03 76 00 01 01",
    ))
    .unwrap()
    .root;
    assert_eq!(outline(&root), "x(a x x=\"v\"())");
}

#[test]
fn a_provisioning_document_of_another_implementation_is_read() {
    let document = decode(&octets(PROVISIONING)).unwrap();
    assert_eq!(document.document_type, DocumentType::Provisioning10);
    assert_eq!(document.observations, []);
    insta::assert_snapshot!(document.root.to_pretty_xml(), @r#"
    <wap-provisioningdoc version="1.1">
      <characteristic type="APPLICATION">
        <parm name="APPID" value="w7"/>
        <parm name="PROVIDER-ID" value="dms2.example"/>
        <parm name="NAME" value="DMS-2"/>
        <characteristic type="APPADDR">
          <parm name="ADDR" value="https://dms2.example/dm"/>
          <parm name="ADDRTYPE" value="IPV6"/>
          <characteristic type="PORT">
            <parm name="PORTNBR" value="443"/>
          </characteristic>
        </characteristic>
        <characteristic type="APPAUTH">
          <parm name="AAUTHLEVEL" value="APPSRV"/>
          <parm name="AAUTHTYPE" value="DIGEST"/>
          <parm name="AAUTHTYPE" value="HTTP-DIGEST"/>
          <parm name="FOO" value="x"/>
        </characteristic>
      </characteristic>
    </wap-provisioningdoc>
    "#);
}

#[rstest]
#[case::later_version("05 a4 01 6a 00 2d", &[(0, Oddity::Version(5))])]
#[case::unknown_number("02 95 12 6a 00 2d", &[(1, Oddity::DocumentType(DocumentType::Number(0x0A92)))])]
#[case::unknown_text("02 00 00 6a 02 78 00 2d", &[(1, Oddity::DocumentType(DocumentType::Text("x".to_owned())))])]
#[case::string_table_without_terminator("02 a4 01 6a 01 78 2d", &[(5, Oddity::Terminator)])]
#[case::tag("02 a4 01 6a 00 30", &[(5, Oddity::Tag { page: 0, token: 0x30 })])]
#[case::page("02 a4 01 6a 00 00 09 45 01", &[(7, Oddity::Tag { page: 9, token: 5 })])]
#[case::attributes("02 a4 01 6a 02 78 00 ad 04 00 03 76 00 01", &[(7, Oddity::Attributes)])]
#[case::extensions("02 a4 01 6a 00 6d 40 61 00 81 05 c2 01", &[
    (6, Oddity::Extension(0x40)), (9, Oddity::Extension(0x81)), (11, Oddity::Extension(0xC2)),
])]
#[case::processing_instruction("03 0b 6a 00 43 05 03 61 00 01 05", &[(4, Oddity::ProcessingInstruction)])]
#[case::trailing("02 a4 01 6a 00 2d 2d 2d", &[(6, Oddity::Trailing(2))])]
#[case::attribute_name("03 0b 6a 00 85 4d 03 61 00 01", &[(5, Oddity::AttributeName { page: 0, token: 0x4D })])]
#[case::attribute_value("03 0b 6a 00 87 06 ff 01", &[(6, Oddity::AttributeValue { page: 0, token: 0xFF })])]
#[case::attribute_twice("03 0b 6a 00 87 07 05 03 61 00 01", &[
    (6, Oddity::RepeatedAttribute("name".to_owned())),
])]
fn a_departure_that_leaves_a_meaning_is_noted_with_its_place(
    #[case] hex: &str,
    #[case] expected: &[(usize, Oddity)],
) {
    let found = decode(&octets(hex)).unwrap().observations;
    let found: Vec<_> = found
        .into_iter()
        .map(|observation| (observation.at, observation.oddity))
        .collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case::nothing("", 0, Problem::End)]
#[case::xml("3c 3f 78 6d 6c", 0, Problem::Version(0x3c))]
#[case::cut_header("02 a4", 2, Problem::End)]
#[case::cut_element("02 01 6a 00 6d", 5, Problem::End)]
#[case::cut_string("02 01 6a 00 4f 03 61", 7, Problem::End)]
#[case::opaque_longer_than_the_document("02 01 6a 00 4f c3 8f ff ff ff 7f 61", 12, Problem::End)]
#[case::string_table_longer_than_the_document("02 01 6a 8f ff ff ff 7f 2d", 9, Problem::End)]
#[case::number_of_36_bits("02 01 6a 9f ff ff ff 7f 2d", 3, Problem::Number)]
#[case::number_without_end("02 01 6a ff ff ff ff ff ff", 3, Problem::Number)]
#[case::utf_16("02 01 87 77 00 2d", 2, Problem::CharacterSet(1015))]
#[case::not_utf_8("02 01 6a 00 4f 03 ff 00 01", 5, Problem::Text)]
#[case::reference_without_table("02 01 6a 00 4f 83 00 01", 5, Problem::StringTable { offset: 0, length: 0 })]
#[case::reference_behind_the_table("02 01 6a 02 61 00 4f 83 02 01", 7, Problem::StringTable { offset: 2, length: 2 })]
#[case::surrogate("02 01 6a 00 4f 02 83 b0 00 01", 5, Problem::Entity(0xD800))]
#[case::wbxml_1_0("00 01 00 2d", 0, Problem::Version(0))]
#[case::literal_that_is_no_name("02 01 6a 04 61 3e 3c 00 04 00", 8, Problem::Name)]
#[case::literal_without_name("02 01 6a 01 00 04 00", 5, Problem::Name)]
#[case::attribute_that_is_no_name("02 01 6a 04 61 20 62 00 84 01 04 00 01", 8, Problem::Name)]
#[case::end_of_nothing("02 01 6a 00 01", 4, Problem::Outside(1))]
#[case::text_outside("02 01 6a 00 03 61 00 2d", 4, Problem::Outside(3))]
#[case::value_without_attribute("02 01 6a 00 8f 03 61 00 01", 5, Problem::AttributeValue)]
fn what_cannot_be_read_is_refused_with_place_and_reason(
    #[case] hex: &str,
    #[case] at: usize,
    #[case] expected: Problem,
) {
    assert_eq!(problem_of(hex), (at, expected));
}

#[test]
fn nesting_is_bounded() {
    let document = |depth: usize| [octets("02 01 6a 00"), vec![0x6d; depth], vec![0x01; depth]].concat();
    assert!(decode(&document(MAX_DEPTH)).is_ok());
    assert_eq!(
        decode(&document(MAX_DEPTH + 1)).unwrap_err().problem,
        Problem::Depth
    );
    assert_eq!(decode(&document(100_000)).unwrap_err().problem, Problem::Depth);
}

#[test]
fn the_number_of_elements_is_bounded() {
    let document = [octets("02 01 6a 00 6d"), vec![0x12; MAX_NODES + 1], vec![0x01]].concat();
    assert_eq!(decode(&document).unwrap_err().problem, Problem::Nodes);
}

#[test]
fn attributes_are_bounded() {
    let document = |count: usize| {
        let names: Vec<u8> = (0..count)
            .flat_map(|number| format!("a{number:02}\0").into_bytes())
            .collect();
        let two = |number: usize| [0x80 | (number >> 7) as u8, (number & 0x7f) as u8];
        let attributes: Vec<u8> = (0..count)
            .flat_map(|number| [vec![0x04], two(4 * number).to_vec()].concat())
            .collect();
        let start = [octets("02 a4 01 6a"), two(names.len()).to_vec(), names].concat();
        [start, vec![0xad], attributes, vec![0x01, 0x01]].concat()
    };
    assert!(decode(&document(MAX_ATTRIBUTES)).is_ok());
    assert_eq!(
        decode(&document(MAX_ATTRIBUTES + 1)).unwrap_err().problem,
        Problem::Attributes
    );
}

#[test]
fn a_string_table_cannot_blow_a_small_document_up() {
    let table = [vec![b'a'; 50_000], vec![0]].concat();
    let references = [0x83, 0x00].repeat(50_000);
    let document = [
        octets("02 01 6a"),
        vec![0x83, 0x86, 0x51],
        table,
        octets("4f"),
        references,
        vec![0x01],
    ]
    .concat();
    assert_eq!(decode(&document).unwrap_err().problem, Problem::Expansion);
}

#[test]
fn a_document_too_large_is_refused_unread() {
    let document = vec![0x02; MAX_DOCUMENT + 1];
    assert_eq!(
        decode(&document).unwrap_err().problem,
        Problem::Size(MAX_DOCUMENT + 1)
    );
}

#[test]
fn an_element_built_deeper_than_any_stack_is_written() {
    let deep = (0..2_000).fold(Element::new("SYNCML:SYNCML1.2", "Item"), |inner, _| {
        Element::new("SYNCML:SYNCML1.2", "Item").with_child(inner)
    });
    assert_eq!(encode(&deep).len(), 5 + 2_001 + 2_000);
}

#[test]
fn an_empty_text_is_no_content() {
    let empty = decode(&octets("02 a4 01 6a 00 4f 03 00 01")).unwrap().root;
    assert_eq!(empty.children, []);
    assert_eq!(encode(&empty), octets("02 a4 01 6a 00 0f"));
    let built = Element::new("SYNCML:SYNCML1.2", "Data").with_text("");
    assert_eq!(encode(&built), octets("02 a4 01 6a 00 0f"));
}

#[test]
fn a_zero_in_text_stays_text() {
    let data = Element::new("SYNCML:SYNCML1.2", "Data").with_text("a\0b");
    let octets = encode(&data);
    assert_eq!(octets[5..], *b"\x4F\x03a\0\x02\0\x03b\0\x01");
    assert_eq!(decode(&octets).unwrap().root.without_places(), data);
}

#[test]
fn white_space_between_elements_is_left_out_and_white_space_as_value_is_kept() {
    let value = Element::new("SYNCML:SYNCML1.2", "Data").with_text("  ");
    let mut item = Element::new("SYNCML:SYNCML1.2", "Item")
        .with_text("\n  ")
        .with_child(value);
    item.children.push(Node::Text("\n".into()));
    assert_eq!(outline(&decode(&encode(&item)).unwrap().root), "Item(Data(  ))");
}
