//! Requirements and deviations as the command line shows them, and the ledger that a run writes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn dmconform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(arguments)
        .output()
        .expect("the binary was just built")
}

fn json(arguments: &[&str]) -> Value {
    let output = dmconform(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    serde_json::from_slice(&output.stdout).expect("standard output is JSON")
}

fn text(arguments: &[&str]) -> String {
    let output = dmconform(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).expect("standard output is text")
}

#[test]
fn requirements_are_listed_with_their_checks_or_the_reason_why_there_is_none() {
    let listed = json(&["list", "--requirements", "--format", "json"]);
    let requirements = listed["requirements"].as_array().expect("a list");
    let stated = dmconform_case::Suite::embedded().requirements.len();
    assert_eq!(requirements.len(), stated);
    for requirement in requirements {
        for key in ["id", "words", "basis", "weight", "text", "binds"] {
            assert!(requirement.get(key).is_some(), "{key} of {requirement:#}");
        }
        for check in requirement["checks"].as_array().expect("a list") {
            let is_made = check["cases"].as_array().is_some_and(|cases| !cases.is_empty());
            assert_eq!(
                is_made,
                check["not-tested"].is_null(),
                "{}: {check:#}",
                requirement["id"]
            );
        }
    }
    assert!(!listed["open"].as_array().expect("a list").is_empty());
}

#[test]
fn the_table_of_requirements_can_be_limited_to_a_role() {
    let table = text(&["list", "--requirements", "--role", "bootstrap-server"]);
    assert!(table.contains("DEL-5-2"), "{table}");
    assert!(!table.contains("DEL-8-3"), "{table}");
}

#[test]
fn deviations_are_listed_by_the_implementation_that_has_them() {
    let listed = json(&["reference", "--list-deviations", "--format", "json"]);
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), dmconform_reference::Deviation::ALL.len());
    for deviation in listed {
        assert!(
            deviation["breaks"]
                .as_str()
                .is_some_and(|id| ["DEL-", "DM-", "ROB-"].iter().any(|known| id.starts_with(known))),
            "{deviation:#}"
        );
    }
    let table = text(&["reference", "--list-deviations"]);
    assert!(table.contains("acl-wildcard"), "{table}");
}

#[test]
fn what_has_no_name_is_answered_with_the_nearest_one() {
    let output = dmconform(&["explain", "acl-wildcart"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("did you mean `acl-wildcard`?"), "{said}");
}

/// The entry of a requirement for a role in the ledger of a run of one case.
fn entry(deviation: &[&str]) -> (Value, String) {
    let out = tempfile::tempdir().expect("a directory can be made");
    let path = out.path().display().to_string();
    let mut arguments = vec![
        "run",
        "--format",
        "json",
        "--case",
        "DEL-DMS1-8-020",
        "--out",
        &path,
    ];
    arguments.extend(deviation);
    let output = dmconform(&arguments);
    let record: Value = serde_json::from_slice(&output.stdout).expect("standard output is JSON");
    let ledger = record["ledger"].as_array().expect("a run keeps a ledger");
    let of_dms_1 = |entry: &&Value| entry["requirement"] == "DEL-8-2" && entry["role"] == "dms-1";
    let entry = ledger.iter().find(of_dms_1).expect("it binds DMS-1").clone();
    (entry, summary(out.path()))
}

fn summary(out: &Path) -> String {
    std::fs::read_to_string(out.join("summary.md")).expect("it was written")
}

#[test]
fn the_ledger_of_a_run_says_what_held_and_what_was_not_run() {
    let (entry, summary) = entry(&[]);
    assert_eq!(entry["verdict"], "pass");
    assert_eq!(entry["positive"]["state"], "held");
    assert_eq!(entry["positive"]["cases"], serde_json::json!(["DEL-DMS1-8-020"]));
    assert_eq!(entry["negative"]["state"], "not-run");
    assert!(
        summary.contains("| DEL-8-2 | dms-1 | pass | held (1) | not-run"),
        "{summary}"
    );
}

#[test]
fn the_ledger_of_a_run_says_what_was_broken() {
    let (entry, summary) = entry(&["--deviation", "acl-wildcard"]);
    assert_eq!(entry["verdict"], "fail");
    assert_eq!(entry["positive"]["state"], "broken");
    assert!(
        summary.contains("| DEL-8-2 | dms-1 | **fail** | broken (DEL-DMS1-8-020)"),
        "{summary}"
    );
}
