//! Products against products: what several observed runs say of each pair of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::fixtures;

fn dmconform(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// The reference implementation in one form, as another vendor's product, perhaps with a defect.
fn product(folder: &Path, name: &str, form: &str, deviation: &str) -> PathBuf {
    let text = fs::read_to_string(fixtures().join(format!("{form}.yaml"))).expect("the file is there");
    let text = text
        .replace(
            "vendor: dmconform, product: reference implementation",
            &format!("vendor: Acme, product: {name}"),
        )
        .replace("${deviations}", deviation);
    let file = folder.join(format!("{name}.yaml"));
    fs::write(&file, text).expect("the folder can be written to");
    file
}

fn observe(folder: &Path, products: &[&PathBuf], name: &str) -> String {
    let run = folder.join(name).display().to_string();
    let mut arguments = vec!["observe".to_owned()];
    for product in products {
        arguments.extend(["--implementation".to_owned(), product.display().to_string()]);
    }
    arguments.extend(["--out".to_owned(), run.clone()]);
    let output = dmconform(&arguments);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", shown(&output));
    // The identifier of a run is its time and its process: nothing that a snapshot could hold.
    let results = folder.join(name).join("results.json");
    let text = fs::read_to_string(&results).expect("the run writes its results");
    let record: Value = serde_json::from_str(&text).expect("the results are JSON");
    let id = record["run"]["id"].as_str().expect("a run has an identifier");
    fs::write(&results, text.replace(id, name)).expect("the results can be written");
    run
}

fn matrix(runs: &[String], format: &str) -> Output {
    let mut arguments: Vec<String> = ["report", "matrix", "--format", format].map(str::to_owned).into();
    arguments.extend_from_slice(runs);
    dmconform(&arguments)
}

fn shown(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

#[test]
fn a_matrix_says_of_each_pair_which_step_fails_and_whose_fault_it_is() {
    let folder = TempDir::new().expect("a folder can be made");
    let folder = folder.path();
    let sound = product(folder, "alpha", "reference-dms-1", "");
    let hasty = product(folder, "beta", "reference-dms-1", "acl-wildcard");
    let other = product(folder, "gamma", "reference-dms-2-bootstrap-server", "");
    let client = product(folder, "delta", "reference-dm-client", "");
    let runs = [
        observe(folder, &[&sound, &other], "first"),
        observe(folder, &[&hasty, &other], "second"),
        observe(folder, &[&sound, &client], "third"),
    ];
    let output = matrix(&runs, "markdown");
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    insta::assert_snapshot!("matrix", shown(&output));

    let json: Value = serde_json::from_slice(&matrix(&runs, "json").stdout).expect("the matrix is JSON");
    assert_eq!(json["schema_version"], 1);
    let pairs = json["pairs"].as_array().expect("there are pairs");
    let verdict_of = |row: &str, column: &str| {
        let is_it = |pair: &&Value| pair["row"]["name"] == row && pair["column"]["name"] == column;
        pairs.iter().find(is_it).map(|pair| pair["verdict"].clone())
    };
    assert_eq!(verdict_of("alpha", "gamma"), Some("pass".into()));
    assert_eq!(verdict_of("beta", "gamma"), Some("fail".into()));
    assert_eq!(verdict_of("alpha", "delta"), Some("pass".into()));
    assert_eq!(verdict_of("beta", "delta"), None);

    let page = shown(&matrix(&runs, "html"));
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(
        page.contains("Acme alpha 0.1") && page.contains("blamed on beta"),
        "{page}"
    );
}

#[test]
fn a_matrix_is_made_of_observed_runs_only() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run").display().to_string();
    let arguments = ["run", "--case", "DEL-BS-5-010", "--out", &run];
    let ran = dmconform(&arguments.map(str::to_owned));
    assert_eq!(ran.status.code(), Some(0), "{}", shown(&ran));
    let output = matrix(&[run], "markdown");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        shown(&output).contains("a matrix is made of runs of `dmconform observe`"),
        "{}",
        shown(&output)
    );
}
