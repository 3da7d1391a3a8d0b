//! Which instance of a product a case runs on.

use std::fs;
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

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
