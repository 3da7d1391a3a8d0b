//! `xmllint` with a DTD of the project's own, as another judge of content models.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a foreign program and files for it: the library stays pure"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oma_dm::syncml::{self, Encoding, ReadError, Rule};
use oma_dm::xml::Element;

use super::mutate::{Dice, SEEDS, change, each_change};

const DTD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/syncml/syncml.dtd");

/// How many documents with changes at random are made of each seed.
const RANDOM_DOCUMENTS: usize = 250;

#[test]
fn the_reader_and_xmllint_agree_on_content_models() {
    if missing("xmllint") {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("content-models");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let documents: Vec<_> = documents()
        .iter()
        .enumerate()
        .map(|(number, element)| {
            let path = folder.join(format!("{number:04}.xml"));
            let octets = element.to_xml();
            fs::write(&path, &octets).unwrap();
            (path, octets)
        })
        .collect();
    let refused = refused_by_xmllint(&documents);
    let mut agreed = (0, 0);
    for (path, octets) in &documents {
        let is_valid = is_valid_to_the_reader(octets);
        let text = String::from_utf8_lossy(octets);
        assert_eq!(is_valid, !refused.contains(path), "{}\n{text}", path.display());
        match is_valid {
            true => agreed.0 += 1,
            false => agreed.1 += 1,
        }
    }
    // Neither says the same of all.
    assert!(agreed.0 > documents.len() / 10, "{agreed:?}");
    assert!(agreed.1 > documents.len() / 3, "{agreed:?}");
}

/// Every single change to the message that has everything in it, and several at once to each of the messages.
fn documents() -> Vec<Element<'static>> {
    let seeds = SEEDS.map(|seed| Element::parse(seed).expect("the seeds are XML"));
    let mut documents = each_change(&seeds[0]);
    let mut dice = Dice(1);
    for seed in seeds {
        for _ in 0..RANDOM_DOCUMENTS {
            let mut element = seed.clone();
            for _ in 0..1 + dice.below(3) {
                change(&mut element, &mut dice);
            }
            documents.push(element);
        }
        documents.push(seed);
    }
    documents
}

fn is_valid_to_the_reader(octets: &[u8]) -> bool {
    match syncml::read(octets, Encoding::Xml) {
        Ok(reading) => reading.departures_from(Rule::ContentModel).next().is_none(),
        Err(ReadError::Missing { .. }) => false,
        Err(error) => panic!("what was written is SyncML: {error}"),
    }
}

/// Those of the documents that are not valid. One process takes many of them.
fn refused_by_xmllint(documents: &[(PathBuf, Vec<u8>)]) -> BTreeSet<PathBuf> {
    let mut refused = BTreeSet::new();
    for some in documents.chunks(500) {
        let output = Command::new("xmllint")
            .args(["--nonet", "--noout", "--dtdvalid", DTD])
            .args(some.iter().map(|(path, _)| path))
            .env("LC_ALL", "C")
            .output()
            .expect("the program was there a moment ago");
        let said = String::from_utf8_lossy(&output.stderr);
        let verdicts = said
            .lines()
            .filter_map(|line| line.strip_prefix("Document ")?.split_once(" does not validate"));
        refused.extend(verdicts.map(|(path, _)| PathBuf::from(path)));
        // Well-formed, all of them, and some not valid.
        assert_eq!(output.status.code(), Some(3), "{said}");
    }
    refused
}

/// Whether a tool is not there, so that a test has to be skipped; says so where people see it.
fn missing(tool: &str) -> bool {
    let here = Command::new(tool)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    if here {
        return false;
    }
    let skipped = format!("skipped: {tool} not installed");
    assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
    // Written past the test framework, which would keep it to itself.
    let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
    true
}
