//! What certifying and making bundles take and refuse.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use dmconform_bundle::{Log, Stage, Trust, verify};
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use super::lab::{KEY, LAB, bundle, certify, dmconform, lab_key, product, text};

#[test]
fn a_product_is_certified_and_anybody_can_verify_its_bundle() {
    for line in [
        "outcome: certified\n",
        "product: Acme Bootstrapper 0.1 as bootstrap-server",
        "claims: authentication: md5",
        "attempt: 2; the others until then: error",
        "selected: 15 cases",
    ] {
        assert!(LAB.said.contains(line), "{line}\n{}", LAB.said);
    }
    let path = LAB.at("bundle.tar").display().to_string();
    let fingerprint = lab_key().public().fingerprint();
    let output = dmconform(&[
        "bundle",
        "verify",
        &path,
        "--fingerprint",
        &fingerprint,
        "--certified",
    ]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("verified: the bundle is whole"), "{said}");
    assert!(
        said.contains(&format!("signed by: {fingerprint}, as was asked for")),
        "{said}"
    );
    let output = dmconform(&["bundle", "verify", &path, "--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(told["verified"], true);
    assert_eq!(told["certification"]["outcome"], "certified");
    assert_eq!(told["other-attempts"][0]["outcome"], "error");
    let stated = fs::read(LAB.at("run/certification/statement.json")).expect("it was written");
    let stated: Value = serde_json::from_slice(&stated).expect("it is JSON");
    assert_eq!(stated["harness"], env!("CARGO_PKG_VERSION"));
    assert_eq!(stated, told["certification"]);
}

#[test]
fn the_same_run_and_the_same_key_make_the_same_bundle() {
    let output = bundle(&LAB.folder, "again.tar");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(fs::read(LAB.at("again.tar")).expect("it was written") == LAB.bundle);
    let output = bundle(&LAB.folder, "again.tar");
    assert_eq!(output.status.code(), Some(2), "nothing is overwritten");
}

#[test]
fn a_bundle_can_be_made_without_a_key_and_says_whose_it_is_not() {
    let [run, out] = ["run", "unkeyed.tar"].map(|name| LAB.at(name).display().to_string());
    let output = dmconform(&["bundle", "create", &run, "--out", &out]);
    assert!(text(&output.stdout).contains("made for this bundle and is kept nowhere"));
    let bundle = fs::read(&out).expect("it was written");
    assert!(verify(&bundle, &Trust::Anybody).is_ok());
    let lab = Trust::Fingerprint(lab_key().public().fingerprint());
    assert_eq!(
        verify(&bundle, &lab).expect_err("it is another key").code(),
        "other-key"
    );
}

/// A folder with a copy of the certification, and the key.
fn copied() -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    let output = Command::new("cp")
        .args(["-r"])
        .arg(LAB.at("run"))
        .arg(folder.path())
        .output();
    assert!(output.is_ok_and(|output| output.status.success()));
    fs::write(folder.path().join("key.pem"), KEY).expect("the folder can be written to");
    folder
}

/// What a bundle is made of is in the run: a link leads to something else, which would be signed.
#[cfg(unix)]
#[rstest]
#[case("results.json")]
#[case("certification/attempts.jsonl")]
#[case("certification/profile.yaml")]
fn a_link_makes_no_bundle(#[case] place: &str) {
    let folder = copied();
    let (place, elsewhere) = (
        folder.path().join("run").join(place),
        folder.path().join("elsewhere"),
    );
    fs::rename(&place, &elsewhere).expect("it is there");
    std::os::unix::fs::symlink(&elsewhere, &place).expect("a link can be made");
    let output = bundle(folder.path(), "bundle.tar");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("is a link, and may lead elsewhere"), "{said}");
}

#[test]
fn a_run_that_was_changed_afterwards_makes_no_bundle() {
    let folder = copied();
    let results = folder.path().join("run/results.json");
    let changed = fs::read_to_string(&results).expect("it is there").replacen(
        "\"verdict\": \"pass\"",
        "\"verdict\": \"fail\"",
        1,
    );
    fs::write(&results, changed).expect("it can be written");
    let output = bundle(folder.path(), "bundle.tar");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("the results say fail, and its transcript shows pass"),
        "{said}"
    );
}

#[test]
fn what_is_no_bundle_is_refused_and_what_is_not_there_is_a_mistake() {
    let path = LAB.at("acme.yaml").display().to_string();
    let output = dmconform(&["bundle", "verify", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("refused: failed to read the archive"));
    assert_eq!(
        dmconform(&["bundle", "verify", "nowhere.tar"]).status.code(),
        Some(2)
    );
    let output = dmconform(&["bundle", "verify", &path, "--fingerprint", "abc"]);
    assert_eq!(output.status.code(), Some(2));
}

#[rstest]
#[case(&["--case", "DEL-BS-*"])]
#[case(&["--role", "bootstrap-server"])]
#[case(&["--cases", "acme.yaml"])]
#[case(&["--seed", "7"])]
#[case(&["--strict"])]
#[case(&["--deviation", "acl-wildcard"])]
#[case(&["--oddity", "chunked-body"])]
#[case(&["--peer-oddity", "all"])]
#[case(&["--shard", "1/2"])]
#[case(&["--fail-fast"])]
#[case(&["--retries", "1"])]
#[case(&["--rerun-failed", "earlier"])]
#[case(&["--expectations", "known.yaml"])]
fn nothing_turns_what_is_asked_of_a_product(#[case] option: &[&str]) {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("acme.yaml"), product()).expect("the folder can be written to");
    let output = certify(folder.path(), "run", option);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains(&format!("certify with {}", option[0])), "{said}");
    assert!(!folder.path().join("attempts.jsonl").exists());
}

#[test]
fn a_certification_is_of_one_product() {
    let output = dmconform(&["run", "--certification"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("name it with --implementation"));
    let path = LAB.at("acme.yaml").display().to_string();
    let two = [
        "run",
        "--certification",
        "--implementation",
        &path,
        "--implementation",
        &path,
    ];
    let output = dmconform(&two);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("several products at once"));
}

#[test]
fn a_log_of_attempts_that_was_changed_ends_a_certification_before_it_begins() {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("acme.yaml"), product()).expect("the folder can be written to");
    let log = fs::read_to_string(LAB.at("attempts.jsonl")).expect("it is there");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 4, "two attempts began and ended");
    let without_the_first = format!("{}\n", lines[2..].join("\n"));
    fs::write(folder.path().join("attempts.jsonl"), without_the_first).expect("it can be written");
    let output = certify(folder.path(), "run", &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("line 1") && said.contains("lines were taken out"),
        "{said}"
    );
    assert!(!folder.path().join("run").exists());
}

#[test]
fn an_attempt_that_is_ended_from_outside_leaves_its_trace() {
    let folder = TempDir::new().expect("a folder can be made");
    let starts_slowly = product().replace("[\"${self}\", reference, bootstrap-server", "[sleep, \"3\"");
    let starts_slowly = starts_slowly.replace(", --config, \"${work}/reference.toml\"", "]\n  # [");
    fs::write(folder.path().join("acme.yaml"), starts_slowly).expect("the folder can be written to");
    let [product, log, out] =
        ["acme.yaml", "attempts.jsonl", "run"].map(|name| folder.path().join(name).display().to_string());
    let mut run = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args([
            "run",
            "--certification",
            "--implementation",
            &product,
            "--attempts",
            &log,
            "--out",
            &out,
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let is_written = || fs::read_to_string(&log).is_ok_and(|text| text.ends_with('\n'));
    let mut looks = 0;
    while !is_written() && looks < 500 {
        std::thread::sleep(Duration::from_millis(10));
        looks += 1;
    }
    run.kill().expect("it runs");
    run.wait().expect("it ends");
    let written = fs::read_to_string(&log).expect("it was written");
    let log = Log::read(&written).expect("it holds together");
    let last = log.last().expect("there is a line");
    assert!(matches!(last.stage, Stage::Began(_)), "{written}");
    let output = dmconform(&["bundle", "create", &out, "--out", "never.tar"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("it is no certification that was ended"),
        "{output:?}"
    );
}
