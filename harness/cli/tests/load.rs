//! Many delegations at once: each is judged, and what is said of them is what happened.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::common;

fn load(out: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .arg("load")
        .args(arguments)
        .arg("--out")
        .arg(out)
        .output()
        .expect("the program starts")
}

fn said(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn result(out: &Path) -> Value {
    let text = fs::read_to_string(out.join("load.json")).expect("the results are written");
    serde_json::from_str(&text).expect("the results are JSON")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("it is a number")
}

#[test]
fn a_closed_load_keeps_so_many_in_flight_and_judges_each() {
    let folder = TempDir::new().expect("a folder can be made");
    let output = load(folder.path(), &["--devices", "12", "--concurrency", "4"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    assert!(
        said(&output.stdout).contains("12 pass"),
        "{}",
        said(&output.stdout)
    );
    assert!(
        said(&output.stdout).contains("the harness itself was late by"),
        "{}",
        said(&output.stdout)
    );
    let found = result(folder.path());
    assert_eq!(number(&found["verdicts"]["pass"]), 12);
    assert_eq!(number(&found["most_in_flight"]), 4);
    assert_eq!(number(&found["whole"]["count"]), 12);
    let messages = found["messages"].as_array().expect("there are messages");
    let seen: Vec<&str> = messages.iter().filter_map(|of| of["message"].as_str()).collect();
    assert_eq!(seen, ["3", "4", "7.answer", "8", "9", "10.answer"]);
    for of in messages {
        assert_eq!(number(&of["latency"]["count"]), 12, "{of}");
    }
    // What passed leaves nothing behind.
    assert!(!folder.path().join("transcripts").exists());
}

#[test]
fn an_open_load_begins_in_time_and_counts_the_waiting() {
    let folder = TempDir::new().expect("a folder can be made");
    let arguments = [
        "--role",
        "dms-2",
        "--devices",
        "8",
        "--rate",
        "200",
        "--format",
        "json",
    ];
    let output = load(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("standard output is JSON");
    assert_eq!(found, result(folder.path()));
    // Eight in forty milliseconds, each of which takes longer than that.
    assert!(number(&found["most_in_flight"]) > 1, "{found}");
    assert_eq!(number(&found["verdicts"]["pass"]), 8);
}

#[test]
fn what_fails_is_counted_once_for_its_kind_and_drawn() {
    let folder = TempDir::new().expect("a folder can be made");
    let arguments = [
        "--devices",
        "6",
        "--concurrency",
        "3",
        "--deviation",
        "acl-wildcard",
    ];
    let output = load(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    let shown = said(&output.stdout);
    assert!(shown.contains("6 x fail equality DEL-8-2"), "{shown}");
    assert!(
        shown.contains("the least load at which one did not pass: "),
        "{shown}"
    );
    let found = result(folder.path());
    let faults = found["faults"].as_array().expect("there are faults");
    assert_eq!(faults[0]["blame"], "dms-1");
    let transcripts = faults[0]["transcripts"].as_array().expect("some are kept");
    assert_eq!(transcripts.len(), 3);
    for transcript in transcripts.iter().filter_map(Value::as_str) {
        assert!(folder.path().join(transcript).is_file(), "{transcript}");
    }
    let page = fs::read_to_string(folder.path().join("load.md")).expect("it was written");
    assert_eq!(page.matches("```mermaid").count(), 3, "{page}");
    let file = folder.path().join("load.json").display().to_string();
    let compared = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["load", "--compare", &file, "--with", &file])
        .output()
        .expect("the program starts");
    let compared = said(&compared.stdout);
    assert!(
        compared.contains("1.00") && compared.contains("6 fail"),
        "{compared}"
    );
}

#[test]
fn a_bootstrap_server_takes_a_load_too() {
    let folder = TempDir::new().expect("a folder can be made");
    let output = load(folder.path(), &["--role", "bootstrap-server", "--devices", "6"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    let found = result(folder.path());
    assert_eq!(number(&found["verdicts"]["pass"]), 6);
    assert_eq!(found["messages"][0]["message"], "5.answer");
    assert_eq!(number(&found["messages"][0]["latency"]["count"]), 6);
}

#[test]
fn a_load_that_there_is_no_room_for_is_refused_before_it_begins() {
    let folder = TempDir::new().expect("a folder can be made");
    let output = load(
        folder.path(),
        &["--devices", "1000000", "--concurrency", "1000000"],
    );
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output.stderr);
    assert!(error.contains("hold 1000000 delegations at once"), "{error}");
    let output = load(folder.path(), &["--role", "dm-client"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output.stderr).contains("name a server role"),
        "{}",
        said(&output.stderr)
    );
}

/// The reference DMS-1 as a product of one's own, with something in its file that is otherwise.
fn product(folder: &Path, from: &str, to: &str) -> String {
    let text = fs::read_to_string(common::fixtures().join("reference-dms-1.yaml"));
    let text = text.expect("the file is there");
    assert!(text.contains(from), "{from} is not in {text}");
    let file = folder.join("product.yaml");
    fs::write(&file, text.replacen(from, to, 1)).expect("the folder can be written to");
    file.display().to_string()
}

#[test]
fn no_more_are_in_flight_than_the_product_has_room_for_and_that_is_said() {
    let folder = TempDir::new().expect("a folder can be made");
    let file = product(folder.path(), "count: 200", "count: 3");
    let arguments = ["--implementation", &file, "--devices", "9", "--concurrency", "6"];
    let output = load(folder.path(), &arguments);
    let shown = said(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", said(&output.stderr));
    assert!(
        shown.contains("takes part in 3 delegations at once, fewer than"),
        "{shown}"
    );
    let found = result(folder.path());
    assert_eq!(number(&found["most_in_flight"]), 3);
    assert_eq!(number(&found["most_possible"]), 3);
}

#[test]
fn a_product_that_ends_under_a_load_ends_the_load_and_that_is_an_error() {
    let folder = TempDir::new().expect("a folder can be made");
    let file = product(
        folder.path(),
        "[\"${self}\", reference",
        "[sh, -c, 'exec timeout 2 \"$0\" \"$@\"', \"${self}\", reference",
    );
    let arguments = [
        "--implementation",
        &file,
        "--devices",
        "100000",
        "--concurrency",
        "2",
    ];
    let output = load(folder.path(), &arguments);
    let error = said(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{error}");
    assert!(error.contains("to the end: ") && error.contains("124"), "{error}");
    let found = result(folder.path());
    let judged: u64 = found["verdicts"]
        .as_object()
        .expect("they are counted")
        .values()
        .map(number)
        .sum();
    assert!(judged < 5_000, "{judged} were begun with a product that is gone");
}

#[test]
fn a_client_takes_no_load_whether_its_role_is_named_or_not() {
    let folder = TempDir::new().expect("a folder can be made");
    let file = common::fixtures()
        .join("reference-dm-client.yaml")
        .display()
        .to_string();
    let output = load(folder.path(), &["--implementation", &file]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output.stdout));
    let error = said(&output.stderr);
    assert!(
        error.contains("none judges a server role that it plays"),
        "{error}"
    );
}

#[test]
fn what_a_comparison_has_no_use_for_is_refused_with_it() {
    let folder = TempDir::new().expect("a folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args([
            "load",
            "--compare",
            "a.json",
            "--with",
            "b.json",
            "--format",
            "json",
        ])
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output.stderr);
    assert!(
        error.contains("--format") && error.contains("cannot be used with"),
        "{error}"
    );
}
