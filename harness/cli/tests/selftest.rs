//! `dmconform selftest` on a few deviations: what it says, what it writes, and how it ends.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn selftest(out: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["selftest", "--format", "json", "--out"])
        .arg(out)
        .args(options)
        .output()
        .expect("the binary was just built")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is JSON")
}

#[test]
fn a_deviation_that_is_caught_is_shown_with_the_case_that_caught_it() {
    let out = tempfile::tempdir().expect("a directory can be made");
    let output = selftest(out.path(), &["--deviation", "acl-wildcard"]);
    let found = json(&output);
    assert_eq!(output.status.code(), Some(0), "{found:#}");
    assert_eq!(found["schema_version"], 1);
    assert_eq!(
        (&found["deviations"], &found["mutants"], &found["killed"]),
        (&1.into(), &1.into(), &1.into())
    );
    for key in [
        "survivors",
        "unprovable_cases",
        "wrong_killer",
        "oddity_failures",
        "flaky",
    ] {
        assert_eq!(found[key], Value::Array(Vec::new()), "{key}");
    }
    for key in ["cases", "identical_kill_sets", "duration_ms"] {
        assert!(found.get(key).is_some(), "{key}");
    }
    let row = &found["matrix"][0];
    assert_eq!(row["mutant"]["deviation"], "acl-wildcard");
    let named = row["named"].as_array().expect("a list of cases");
    assert!(named.contains(&"DEL-DMS1-8-020".into()), "{row:#}");
    let stored = std::fs::read(out.path().join("selftest.json")).expect("it was written");
    assert_eq!(stored, output.stdout);
    for name in ["selftest.md", "selftest.html"] {
        let text = std::fs::read_to_string(out.path().join(name)).expect("it was written");
        assert!(text.contains("DEL-DMS1-8-020"), "{name}");
    }
    // What went as it should has left nothing behind.
    assert!(!out.path().join("runs/1/acl-wildcard-dms-1").exists());
}

#[test]
fn an_unknown_deviation_is_a_mistake_of_the_user() {
    let out = tempfile::tempdir().expect("a directory can be made");
    let output = selftest(out.path(), &["--deviation", "acl-wildcart"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("did you mean `acl-wildcard`?"), "{error}");
}
