//! Reports of stored runs: what `dmconform report` writes is what the run wrote.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn dmconform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it was written")
}

/// A run in which one case failed and another passed.
fn deviant(out: &str) {
    let output = dmconform(&[
        "run",
        "--role",
        "dms-1",
        "--case",
        "DEL-DMS1-8-030",
        "--case",
        "DEL-DMS1-8-010",
        "--deviation",
        "acl-before-bootstrap-complete",
        "--out",
        out,
    ]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_run_writes_its_page_and_its_reports_can_be_written_again() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    deviant(&out);
    let page = read(&run.join("report.html"));
    for part in [
        "first divergence",
        "too early",
        "came earlier",
        "SyncML message in",
        "certificate of the other end",
        "DMS-1 does not touch the ACLs before",
        "acl-before-bootstrap-complete",
        "removes own account",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let again = folder.path().join("again");
    for (kind, name) in [
        ("html", "report.html"),
        ("markdown", "summary.md"),
        ("junit", "junit.xml"),
    ] {
        let place = again.display().to_string();
        let output = dmconform(&["report", kind, &out, "--out", &place]);
        assert_eq!(output.status.code(), Some(0), "{kind}");
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(read(&again), read(&run.join(name)), "{name}");
        let printed = dmconform(&["report", kind, &out]);
        assert_eq!(String::from_utf8_lossy(&printed.stdout), read(&again), "{kind}");
    }
    // Without its transcript a case has no ladder, and that is said.
    fs::remove_dir_all(run.join("transcripts")).expect("they can be removed");
    let output = dmconform(&["report", "html", &out]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no ladder of DEL-DMS1-8-030"), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("first divergence"));
}

#[test]
fn what_is_no_run_is_said_to_be_none() {
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path().display().to_string();
    let output = dmconform(&["report", "html", &path]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("with `results.json` in it"), "{said}");
    fs::write(folder.path().join("results.json"), "{}").expect("it can be written");
    let output = dmconform(&["report", "html", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("was it written by another version"));
}

/// A run from elsewhere leads to no file outside of it.
#[test]
fn a_run_that_leads_out_of_its_directory_is_not_followed() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    deviant(&out);
    let results = read(&run.join("results.json"));
    let elsewhere = results.replace(
        "\"implementation\": \"reference-dms-1\"",
        "\"implementation\": \"../..\"",
    );
    assert_ne!(results, elsewhere);
    fs::write(run.join("results.json"), elsewhere).expect("it can be written");
    let output = dmconform(&["report", "html", &out]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("and leads elsewhere"), "{said}");
}

/// What a run from elsewhere refers to by a link is of the machine that it is read on, and no part of it.
#[cfg(unix)]
#[test]
fn a_link_in_a_run_from_elsewhere_is_not_followed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    deviant(&out);
    let whole = folder.path().join("whole");
    let merge = || dmconform(&["report", "merge", &out, "--out", &whole.display().to_string()]);
    assert_eq!(merge().status.code(), Some(1));
    let place = "transcripts/reference-dms-1/DEL-DMS1-8-030.jsonl";
    let known = fs::metadata(whole.join(place)).expect("it was copied");
    assert_eq!(known.permissions().mode() & 0o777, 0o600);
    fs::remove_dir_all(&whole).expect("it is there");

    let secret = folder.path().join("secret");
    fs::rename(run.join(place), &secret).expect("it is there");
    symlink(&secret, run.join(place)).expect("a link can be made");
    let refused = |output: Output, code: i32| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("is a link, and may lead elsewhere"), "{said}");
    };
    refused(merge(), 2);
    assert!(!whole.exists(), "a part of it is left");
    refused(dmconform(&["report", "html", &out]), 0);
    let transcripts = run.join("transcripts/reference-dms-1");
    fs::remove_file(run.join(place)).expect("it is there");
    fs::rename(&secret, run.join(place)).expect("it is there");
    let moved = folder.path().join("moved");
    fs::rename(&transcripts, &moved).expect("it is there");
    symlink(&moved, &transcripts).expect("a link can be made");
    refused(merge(), 2);

    let results = run.join("results.json");
    fs::rename(&results, &secret).expect("it is there");
    symlink(&secret, &results).expect("a link can be made");
    refused(dmconform(&["report", "html", &out]), 2);
    // Opening a pipe would wait for somebody who writes to it: one who comes to write nothing ends that.
    fs::remove_file(&results).expect("it is there");
    let made = std::process::Command::new("mkfifo").arg(&results).status();
    assert!(made.expect("pipes can be made").success());
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(60));
        fs::OpenOptions::new().write(true).open(results)
    });
    let output = dmconform(&["report", "html", &out]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("is no plain file"), "{said}");
}

#[test]
fn a_diagram_is_drawn_as_svg() {
    let output = dmconform(&["diagram", "DEL-DMS1-8-030", "--format", "svg"]);
    assert_eq!(output.status.code(), Some(0));
    let drawn = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && drawn.ends_with("</svg>\n"));
    assert!(drawn.contains("DEL-DMS1-8-030: ACLs stay untouched"));
}

/// What the program says to two runs, and how it ends.
fn compared(before: &Path, after: &Path) -> (Option<i32>, String) {
    let (before, after) = (before.display().to_string(), after.display().to_string());
    let output = dmconform(&["report", "compare", &before, &after]);
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn runs_are_compared_and_parts_of_a_run_are_merged() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = |name: &str, case: &str, deviation: &[&str]| {
        let out = folder.path().join(name);
        let place = out.display().to_string();
        let arguments = [
            &["run", "--role", "dms-1", "--case", case, "--out", &place],
            deviation,
        ]
        .concat();
        dmconform(&arguments);
        out
    };
    let good = run("good", "DEL-DMS1-8-030", &[]);
    let bad = run(
        "bad",
        "DEL-DMS1-8-030",
        &["--deviation", "acl-before-bootstrap-complete"],
    );
    let (code, said) = compared(&good, &bad);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 fails now, 0 as before"), "{said}");
    let (code, said) = compared(&bad, &good);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 passes now"), "{said}");

    let other = run("other", "DEL-DMS1-8-010", &[]);
    // What a run before has left in a directory is no part of what is merged.
    let left = other.join("transcripts/reference-dms-1/DEL-DMS1-8-030.jsonl");
    fs::write(&left, "of a run before").expect("the folder can be written to");
    let whole = folder.path().join("whole");
    let [first, second, out] = [&good, &other, &whole].map(|path| path.display().to_string());
    let output = dmconform(&["report", "merge", &first, &second, "--out", &out]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for name in ["results.json", "junit.xml", "summary.md", "report.html"] {
        let text = read(&whole.join(name));
        assert!(
            text.contains("DEL-DMS1-8-030") && text.contains("DEL-DMS1-8-010"),
            "{name}"
        );
    }
    for case in ["DEL-DMS1-8-030", "DEL-DMS1-8-010"] {
        let place = format!("transcripts/reference-dms-1/{case}.jsonl");
        let transcript = whole.join(place);
        let again = dmconform(&["judge", &transcript.display().to_string()]);
        assert_eq!(again.status.code(), Some(0), "{case}");
    }
    let results: Value = serde_json::from_str(&read(&whole.join("results.json"))).expect("it is JSON");
    let ledger = results["ledger"].as_array().expect("there is a ledger");
    let held = |id: &str| {
        let of_role = |entry: &&Value| entry["requirement"] == id && entry["role"] == "dms-1";
        ledger.iter().find(of_role).map(|entry| entry["verdict"].clone())
    };
    // One of either part.
    assert_eq!(held("DEL-8-3"), Some("pass".into()));
    assert_eq!(held("DEL-8-1"), Some("pass".into()));
    let output = dmconform(&["report", "merge", &first, &second, "--out", &out]);
    assert_eq!(output.status.code(), Some(2), "it is there already");
    let output = dmconform(&["report", "merge", &first, &first, "--out", "nowhere"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("leave one of them out"), "{said}");
}
