//! libwbxml as a second opinion: what one of the two writes, the other has to read as the same elements.
//!
//! Where they disagree, a test says on what and why, so that the documents that both are given need not touch it, and so that a
//! libwbxml that has come to agree is noticed.

#![expect(
    clippy::disallowed_types,
    reason = "the crate is pure, its tests run foreign programs"
)]

mod disagreements;
mod generate;
mod tool;

use oma_dm::wbxml;
use oma_dm::xml::{Element, Node};
use rstest::rstest;

use generate::Generator;

/// Documents of each kind that are tried in each direction.
const DOCUMENTS: u64 = 300;

type Generate = fn(&mut Generator) -> Element<'static>;

#[rstest]
#[case::messages(Generator::message)]
#[case::objects(Generator::object)]
#[case::provisioning_documents(Generator::provisioning)]
fn what_is_written_here_is_read_there(#[case] generate: Generate) {
    if tool::is_missing() {
        return;
    }
    for seed in 0..DOCUMENTS {
        let document = generate(&mut Generator::new(seed));
        let theirs = tool::to_xml(&wbxml::encode(&document)).expect("libwbxml reads what is written here");
        let theirs = Element::parse(&theirs).expect("libwbxml writes XML");
        assert_same(&theirs, &document, seed);
    }
}

#[rstest]
#[case::messages(Generator::message)]
#[case::objects(Generator::object)]
#[case::provisioning_documents(Generator::provisioning)]
fn what_is_written_there_is_read_here(
    #[case] generate: Generate,
    // With the string table, into which they put what comes twice, and without; the versions take turns.
    #[values(true, false)] has_string_table: bool,
) {
    if tool::is_missing() {
        return;
    }
    let mut references = 0;
    for seed in 0..DOCUMENTS {
        let document = generate(&mut Generator::new(seed));
        let version = ["1.1", "1.2", "1.3"][usize::try_from(seed % 3).expect("below three")];
        let mut options = vec!["-v", version];
        if !has_string_table {
            options.push("-n");
        }
        let theirs =
            tool::to_wbxml(&document.to_xml(), &options).expect("libwbxml reads the XML written here");
        references += theirs.iter().filter(|octet| **octet == STRING_TABLE).count();
        let theirs = wbxml::decode(&theirs).expect("what libwbxml writes can be read");
        assert_eq!(theirs.observations, [], "seed {seed}");
        assert_same(&theirs.root, &document, seed);
    }
    assert_eq!(
        references > 0,
        has_string_table,
        "{references} references into string tables"
    );
}

/// The token of a reference into the string table; no octet of the texts that are made here.
const STRING_TABLE: u8 = 0x83;

/// Asserts that both are the same elements, and shows the first that is not.
fn assert_same(theirs: &Element, ours: &Element, seed: u64) {
    let (theirs, ours) = (outline(theirs), outline(ours));
    let pairs = theirs.lines().zip(ours.lines());
    if let Some((theirs, ours)) = pairs.into_iter().find(|(theirs, ours)| theirs != ours) {
        panic!("seed {seed}: libwbxml has\n{theirs}\nwhere here is\n{ours}");
    }
    assert_eq!(theirs.lines().count(), ours.lines().count(), "seed {seed}");
}

/// The element on lines of its own, without places; octets that are text are text.
fn outline(element: &Element) -> String {
    lines(element, 0).concat()
}

fn lines(element: &Element, depth: usize) -> Vec<String> {
    let namespace = element.name.namespace.as_deref().unwrap_or("");
    let indent = "  ".repeat(depth);
    let attributes = element.attributes.iter();
    let attributes = attributes.map(|attribute| format!(" {}={:?}", attribute.name.local, attribute.value));
    let attributes: String = attributes.collect();
    let has_text = element
        .children
        .iter()
        .any(|child| !matches!(child, Node::Element(_)));
    let text = match has_text {
        true => format!(" {:?}", element.text()),
        false => String::new(),
    };
    let mut lines = vec![format!(
        "{indent}{{{namespace}}}{}{attributes}{text}\n",
        element.name.local
    )];
    lines.extend(element.elements().flat_map(|child| self::lines(child, depth + 1)));
    lines
}

/// A document type, an element to stand around the others, and a code page.
#[rstest]
#[case::syncml(b"\x02\xA4\x01\x6A\x00\x6D", 0)]
#[case::metinf(b"\x02\xA4\x01\x6A\x00\x6D", 1)]
#[case::dmddf(b"\x02\x00\x00\x6A\x1B-//OMA//DTD-DM-DDF 1.2//EN\x00\x00\x02\x60", 2)]
fn every_tag_has_the_same_name_there(#[case] head: &[u8], #[case] page: u8) {
    if tool::is_missing() {
        return;
    }
    let mut document = [head, &[0x00, page]].concat();
    // The first reserved token is a disagreement of its own.
    document.extend((0x05..0x40).filter(|token| (page, *token) != (0, 0x30)));
    document.push(0x01);
    let ours = wbxml::decode(&document).expect("it is WBXML").root;
    let names = |element: &Element| -> Vec<String> {
        let unknown = ["unknown".to_owned()];
        let names = element.elements().map(|child| child.name.local.to_string());
        names
            .filter(|name| !name.starts_with("token-") && !unknown.contains(name))
            .collect()
    };
    let theirs = tool::to_xml(&document).expect("libwbxml reads it");
    let theirs = Element::parse(&theirs).expect("libwbxml writes XML");
    assert_eq!(names(&theirs), names(&ours));
    assert!(names(&ours).len() >= 18);
}

#[rstest]
fn every_token_of_provisioning_stands_for_the_same_there(#[values(0, 1)] page: u8) {
    if tool::is_missing() {
        return;
    }
    let head = [0x03, 0x0B, 0x6A, 0x00, 0x45];
    let is_misspelt = |token: u8| (page, token) == (0, 0xB5) || (page, token) == (0, 0xB6);
    let attributes = (0x05..0x80).map(|token| vec![0x87, 0x00, page, token, 0x01]);
    let values = (0x85..=0xFF)
        .filter(|token| !is_misspelt(*token))
        .map(|token| vec![0x87, 0x00, 0x00, 0x06, 0x00, page, token, 0x01]);
    let mut known = 0;
    for element in attributes.chain(values) {
        let document = [head.as_slice(), &element, &[0x01]].concat();
        // Extension tokens want more than one octet.
        let Ok(ours) = wbxml::decode(&document) else {
            continue;
        };
        if !ours.observations.is_empty() {
            continue;
        }
        known += 1;
        let theirs = tool::to_xml(&document).expect("libwbxml reads it");
        let theirs = Element::parse(&theirs).expect("libwbxml writes XML");
        assert_same(&theirs, &ours.root, 0);
    }
    assert_eq!(known, [137, 38][usize::from(page)], "tokens that are known");
}
