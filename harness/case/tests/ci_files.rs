//! The ready files for CI servers, as far as this project can look at them: they are YAML, and their keys are those that
//! the servers know.

use std::collections::BTreeMap;
use std::path::Path;

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};
use rstest::rstest;
use serde_json::Value;

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read their input"
)]
fn text(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci");
    std::fs::read_to_string(folder.join(file)).expect("the file is there")
}

/// The keys that are known at a place; `*` is any key there, and `[]` an item of a list.
fn known(file: &str) -> BTreeMap<&'static str, &'static str> {
    let places: &[(&str, &str)] = match file {
        "github/action.yml" => &[
            ("", "name description inputs outputs runs"),
            ("inputs.*", "description required default"),
            ("outputs.*", "description value"),
            ("runs", "using steps"),
            ("runs.steps.[]", "id shell env run"),
        ],
        "github/workflow.yml" => &[
            ("", "name on permissions jobs"),
            ("on", "pull_request push"),
            ("on.push", "branches"),
            ("permissions", "contents"),
            ("jobs.*", "needs if runs-on strategy steps"),
            ("jobs.*.strategy", "fail-fast matrix"),
            ("jobs.*.strategy.matrix", "part"),
            ("jobs.*.steps.[]", "uses run if with continue-on-error"),
        ],
        _ => &[
            ("", "stages conformance verdict"),
            ("*", "stage script parallel allow_failure artifacts"),
            ("*.allow_failure", "exit_codes"),
            ("*.artifacts", "when expire_in expose_as paths reports"),
            ("*.artifacts.reports", "junit"),
        ],
    };
    places.iter().copied().collect()
}

/// Every place with keys that are not known there.
fn unknown(value: &Value, place: &str, known: &BTreeMap<&str, &str>, found: &mut Vec<String>) {
    let below = |key: &str| match place {
        "" => key.to_owned(),
        place => format!("{place}.{key}"),
    };
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if known
                    .get(place)
                    .is_some_and(|known| !known.split(' ').any(|known| known == key))
                {
                    found.push(below(key));
                }
                let any = below("*");
                let is_any = known
                    .keys()
                    .any(|known| *known == any || known.starts_with(&format!("{any}.")));
                unknown(value, &if is_any { any } else { below(key) }, known, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                unknown(item, &below("[]"), known, found);
            }
        }
        _ => {}
    }
}

fn unknown_keys(file: &str, text: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(text).expect("it is YAML");
    let mut found = Vec::new();
    unknown(&value, "", &known(file), &mut found);
    found
}

#[rstest]
fn every_key_is_one_that_the_server_knows(
    #[values("github/action.yml", "github/workflow.yml", "gitlab/.gitlab-ci.yml")] file: &str,
) {
    assert_eq!(unknown_keys(file, &text(file)), Vec::<String>::new());
}

#[test]
fn a_misspelt_key_is_found() {
    let wrong = text("gitlab/.gitlab-ci.yml").replace("exit_codes", "exit-codes");
    assert_eq!(
        unknown_keys("gitlab/.gitlab-ci.yml", &wrong),
        ["*.allow_failure.exit-codes"]
    );
    let wrong = text("github/workflow.yml").replace("runs-on", "run-on");
    assert_eq!(unknown_keys("github/workflow.yml", &wrong).len(), 2);
}

/// What a job of parts merges is what the parts have written, all of it.
#[rstest]
#[case("github/workflow.yml", "/jobs/part/strategy/matrix/part", "part-4 --out")]
#[case("gitlab/.gitlab-ci.yml", "/conformance/parallel", "part-4 --out")]
fn as_many_parts_are_merged_as_there_are(#[case] file: &str, #[case] pointer: &str, #[case] last: &str) {
    let text = text(file);
    let value: Value = serde_saphyr::from_str(&text).expect("it is YAML");
    let parts = match value.pointer(pointer) {
        Some(Value::Array(parts)) => parts.len() as u64,
        Some(number) => number.as_u64().expect("it is a number"),
        None => panic!("{pointer} is not in {file}"),
    };
    assert_eq!(parts, 4);
    assert!(text.contains(last), "{file}");
}

/// The file to begin with is in order, and so is the entry in its comment.
#[test]
fn the_file_of_known_failures_is_in_order() {
    let suite = Suite::embedded();
    let read = |text: &str| {
        let source = Source {
            name: "known-failures.yaml",
            text,
        };
        read::expectations(source, &suite.requirements).map_err(|problems| problems[0].rendered.clone())
    };
    let text = text("known-failures.yaml");
    read(&text).expect("it is in order");
    let (comment, _) = text.split_once("known-failures: []").expect("it begins empty");
    let entry: Vec<&str> = comment
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .skip_while(|line| !line.starts_with("known-failures:"))
        .collect();
    assert!(entry.len() > 5, "{entry:?}");
    read(&entry.join("\n")).expect("the entry in its comment is in order");
}
