//! Products in Python, which share nothing with the harness and speak one profile or the other, tested as a vendor would test them.

use std::fs;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{fixtures, is_there};

/// Runs the suite, or these cases of it, against a product with a switch that breaks it, or none.
fn run(product: &str, switch: Option<&str>, cases: &[&str]) -> (Output, Value) {
    let folder = TempDir::new().expect("a folder can be made");
    let file = fixtures().join(format!("{product}.yaml"));
    let out = folder.path().join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command.args(["run", "--implementation"]);
    command.arg(&file).arg("--out").arg(&out);
    // Products in Python are slow, and share the machine with the other tests.
    command.args(["--jobs", "12"]);
    if let Some(switch) = switch {
        command.args(["--deviation", switch]);
    }
    for case in cases {
        command.args(["--case", case]);
    }
    let output = command.output().expect("the program starts");
    let results = fs::read(out.join("results.json")).expect("the run writes its results");
    (
        output,
        serde_json::from_slice(&results).expect("the results are JSON"),
    )
}

#[rstest]
#[case("python-dms-1", &[], 120)]
#[case("python-dms-2", &[], 110)]
// What differs from those is how they write to the other server; what they withstand does not.
#[case("python-dms-1-xml", &["DEL-*"], 85)]
#[case("python-dms-2-xml", &["DEL-*"], 75)]
fn a_product_of_another_make_passes_every_case_that_applies(
    #[case] product: &str,
    #[case] chosen: &[&str],
    #[case] at_least: usize,
) {
    if !is_there("python3", "products in Python") {
        return;
    }
    let (output, results) = run(product, None, chosen);
    let cases = results["cases"].as_array().expect("there are cases");
    let others: Vec<String> = cases
        .iter()
        .filter(|case| case["verdict"] != "pass" && case["verdict"] != "not-applicable")
        .map(|case| format!("{} {}: {}", case["verdict"], case["id"], case["findings"]))
        .collect();
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(output.status.code(), Some(0));
    let passed = cases.iter().filter(|case| case["verdict"] == "pass").count();
    assert!(passed >= at_least, "{passed} passed");
}

#[rstest]
#[case("python-dms-1", "accepts-any-credentials", "DEL-DMS1-4-*", "dms-1")]
#[case("python-dms-1", "prepared-before-acl-status", "DEL-DMS1-9-*", "dms-1")]
#[case("python-dms-1", "acl-wildcard", "DEL-DMS1-8-*", "dms-1")]
#[case("python-dms-1", "accepts-foreign-server", "DEL-DMS1-*", "dms-1")]
#[case("python-dms-2", "complete-before-prepared", "DEL-DMS2-10-*", "dms-2")]
#[case("python-dms-2", "complete-never-sent", "DEL-DMS2-10-*", "dms-2")]
#[case("python-dms-2", "bootstrap-complete-on-fetch", "DEL-DMS2-7-*", "dms-2")]
#[case("python-dms-1-xml", "prepared-before-acl-status", "DEL-DMS1-9-*", "dms-1")]
#[case("python-dms-2-xml", "complete-before-prepared", "DEL-DMS2-10-*", "dms-2")]
fn a_switch_that_breaks_a_product_is_seen_and_blamed_on_it(
    #[case] product: &str,
    #[case] switch: &str,
    #[case] cases: &str,
    #[case] blamed: &str,
) {
    if !is_there("python3", "products in Python") {
        return;
    }
    let (output, results) = run(product, Some(switch), &[cases]);
    assert_eq!(output.status.code(), Some(1));
    let failed = results["cases"].as_array().expect("there are cases").iter();
    let blames: Vec<&Value> = failed
        .filter(|case| case["verdict"] == "fail")
        .flat_map(|case| case["findings"].as_array().into_iter().flatten())
        .filter(|finding| finding["verdict"] == "fail")
        .map(|finding| &finding["blame"])
        .collect();
    assert!(!blames.is_empty(), "something fails");
    assert!(blames.iter().all(|blame| **blame == *blamed), "{blames:?}");
}

/// A product that is DMS-2 and Bootstrap Server refuses the client that it has given the wrong password: that is right of DMS-2.
#[test]
fn wrong_credentials_in_a_bootstrap_are_blamed_on_the_bootstrap_server() {
    if !is_there("python3", "products in Python") {
        return;
    }
    let cases = ["DEL-DMS2-0-0[1-4]0", "DEL-DMS2-6-010", "DEL-BS-5-040"];
    let (output, results) = run("python-dms-2", Some("wrong-credentials-in-bootstrap"), &cases);
    assert_eq!(output.status.code(), Some(3));
    for case in results["cases"].as_array().expect("there are cases") {
        let is_about_it = case["id"] == "DEL-BS-5-040";
        let verdict = if is_about_it { "warn" } else { "inconclusive" };
        assert_eq!(case["verdict"], verdict, "{case:#}");
        for finding in case["findings"].as_array().expect("there are findings") {
            assert_eq!(finding["blame"], "bootstrap-server", "{finding:#}");
        }
    }
}
