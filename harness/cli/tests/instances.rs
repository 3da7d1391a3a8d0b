//! Which instance of a product a case runs on.

use std::fs;
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

use crate::common;

/// A conformance case, and one that may harm the product.
const CASES: [&str; 2] = ["DEL-DMS1-0-010", "ROB-DMS1-0-020.status"];

#[rstest]
#[case::with_some_at_once(&[], false)]
#[case::one_after_the_other(&["--jobs", "1"], true)]
fn what_may_harm_a_product_has_an_instance_of_it_to_itself(#[case] options: &[&str], #[case] is_same: bool) {
    let folder = TempDir::new().expect("a folder can be made");
    let out = folder.path().join("out").display().to_string();
    let ended = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["run", "--role", "dms-1", "--out", &out])
        .args(CASES.iter().flat_map(|case| ["--case", case]))
        .args(options)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let [conformance, harmful] = CASES.map(|case| {
        let path = format!("{out}/transcripts/reference-dms-1/{case}.jsonl");
        let text = fs::read_to_string(path).expect("the transcript is stored");
        let header = text.lines().next().expect("it has a header");
        let header: serde_json::Value = serde_json::from_str(header).expect("the header is JSON");
        let endpoint = header["endpoints"]["dms-1"]["dm"].as_str();
        endpoint.expect("DMS-1 has an endpoint for devices").to_owned()
    });
    assert_eq!(conformance == harmful, is_same, "{conformance} {harmful}");
}

/// Runs, one at a time; the cases that were begun of one of the implementations, in order.
fn begun(arguments: &[&str]) -> Vec<String> {
    let folder = TempDir::new().expect("a folder can be made");
    let ended = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["run", "--jobs", "1", "--log-format", "json", "--out"])
        .arg(folder.path().join("out"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let events = said
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let begun = events.map(|event| event["case-started"].clone());
    begun
        .filter(|begun| begun["implementation"] == "reference-bootstrap-server")
        .filter_map(|begun| Some(begun["case"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn one_at_a_time_the_cases_begin_in_the_order_of_the_suite_or_of_the_seed() {
    let selected = ["--role", "bootstrap-server", "--case", "DEL-BS-5-0*"];
    let of_suite = begun(&selected);
    assert!(of_suite.len() > 5, "{of_suite:?}");
    assert!(of_suite.is_sorted(), "{of_suite:?}");
    let of_seed = begun(&[&selected[..], &["--seed", "7"]].concat());
    assert_ne!(of_seed, of_suite);
    assert_eq!(of_seed, begun(&[&selected[..], &["--seed", "7"]].concat()));
}

#[test]
fn a_product_that_robustness_cases_harm_only_together_is_not_passed_over_in_silence() {
    let folder = TempDir::new().expect("a folder can be made");
    let product = fs::read_to_string(common::fixtures().join("reference-bootstrap-server.yaml"));
    // It dies of a broken connection until it is started for the second time.
    let product = product
        .expect("the file is there")
        .replace(
            "[\"${self}\", reference",
            "[sh, -c, 'if mkdir \"$0\"; then exec \"$@\" --deviations dies-with-a-broken-connection; else exec \"$@\"; fi', \
             \"${work}/started\", \"${self}\", reference",
        )
        .replace("--deviations, \"${deviations}\", ", "");
    let file = folder.path().join("product.yaml");
    fs::write(&file, product).expect("the folder can be written to");
    let ended = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["run", "--case", "ROB-BS-5-0*", "--implementation"])
        .arg(&file)
        .arg("--out")
        .arg(folder.path().join("out"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(5), "{said}");
    assert!(
        said.contains("failed to show which robustness case harms product: it did no whole delegation after"),
        "{said}"
    );
    assert!(!said.contains("ROB-BS-5-030 failed"), "{said}");
}
