//! A run that was killed: what it has judged is there, and the same command goes on where it ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Seven cases, one at a time.
const SELECTED: [&str; 6] = ["--role", "dms-2", "--case", "DEL-DMS2-0-0*", "--jobs", "1"];

fn command(more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command.arg("run").args(SELECTED).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn transcripts(run: &Path) -> Vec<PathBuf> {
    let folder = run.join("transcripts/reference-dms-2");
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

/// How a transcript ends that was written to its end.
const ENDED: &str = "\"event\":\"ended\"}\n";

fn results(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("results.json")).expect("the results are written");
    serde_json::from_str(&text).expect("the results are JSON")
}

fn change_results(run: &Path, change: impl FnOnce(&mut Value)) {
    let mut results = results(run);
    change(&mut results);
    fs::write(run.join("results.json"), results.to_string()).expect("they can be written");
}

fn verdicts(run: &Path) -> BTreeMap<String, String> {
    let record = results(run);
    let cases = record["cases"].as_array().expect("there are cases");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |case: &Value| format!("{} {}", text(&case["implementation"]), text(&case["id"]));
    cases
        .iter()
        .map(|case| (of(case), text(&case["verdict"])))
        .collect()
}

/// The product ends with the harness, although nobody could tell it to.
fn assert_ends(config: &str) {
    let runs = || {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines.any(|line| String::from_utf8_lossy(&line).contains(config))
    };
    let began = Instant::now();
    while runs() && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!runs(), "the product with {config} is left behind");
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_ended() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    let mut child = command(&["--out", &out]).spawn().expect("the program starts");
    let began = Instant::now();
    while transcripts(&run).len() < 3 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    let config = run
        .join("work/reference-dms-2/reference.toml")
        .display()
        .to_string();
    assert_ends(&config);
    assert!(
        !run.join("results.json").exists(),
        "it came to its end before it was killed"
    );
    let before = transcripts(&run);
    // The one that was being written may be torn already; the first one is torn now.
    let torn = before.first().expect("there are transcripts").clone();
    let text = fs::read_to_string(&torn).expect("it was written");
    fs::write(&torn, &text[..text.len() / 2]).expect("it can be written");
    let texts = before[1..]
        .iter()
        .map(|path| (path, fs::read_to_string(path).expect("it is there")));
    let (kept, whole) = texts
        .into_iter()
        .find(|(_, text)| text.ends_with(ENDED))
        .expect("one was written to its end");

    let resumed = command(&["--resume", &out]).output().expect("the program starts");
    let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert_eq!(resumed.status.code(), Some(0), "{said}");
    assert!(said.contains("were judged before, and stand"), "{said}");
    assert!(!said.contains("\n0 cases were judged before"), "{said}");
    assert!(
        fs::read_to_string(kept).expect("it is still there") == whole,
        "{} was written anew",
        kept.display()
    );
    assert!(fs::read_to_string(&torn).expect("it is there").ends_with(ENDED));

    let fresh = folder.path().join("fresh");
    let once = command(&["--out", &fresh.display().to_string()])
        .output()
        .expect("the program starts");
    assert_eq!(once.status.code(), Some(0));
    assert_eq!(verdicts(&run), verdicts(&fresh));

    // What came to its end is not gone on with.
    let again = command(&["--resume", &out]).output().expect("the program starts");
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("it came to its end"));
}

#[test]
fn a_run_that_was_cancelled_goes_on_although_its_results_are_written() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    let child = command(&["--out", &out]).spawn().expect("the program starts");
    let began = Instant::now();
    while transcripts(&run).is_empty() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(asked.expect("`kill` is on every Unix").success());
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("to go on where it ended: dmconform run "), "{said}");
    assert!(said.contains(&format!("--resume {out}\n")), "{said}");
    let judged = verdicts(&run).len();
    assert!(judged > 0, "what was judged is not written");
    const BEGAN: &str = "2026-01-02T03:04:05Z";
    change_results(&run, |results| results["run"]["started"] = Value::from(BEGAN));

    let resumed = command(&["--resume", &out]).output().expect("the program starts");
    let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert_eq!(resumed.status.code(), Some(0), "{said}");
    assert!(verdicts(&run).len() > judged, "{said}");
    assert_eq!(results(&run)["run"]["started"], BEGAN);
    assert!(verdicts(&run).values().all(|verdict| verdict == "pass"), "{said}");
}

#[test]
fn transcripts_of_another_product_or_other_options_do_not_stand() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    let ran = command(&["--case", "DEL-DMS2-0-010", "--out", &out])
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(0));
    fs::remove_file(run.join("results.json")).expect("it is there");
    let resumed = command(&["--strict", "--resume", &out])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert!(said.contains("0 cases were judged before"), "{said}");
}

#[test]
fn a_run_of_another_product_or_a_certification_is_not_written_over() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    let refused = |why: &str| {
        let resumed = command(&["--resume", &out]).output().expect("the program starts");
        let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
        assert_eq!(resumed.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    };
    fs::create_dir_all(run.join("transcripts/acme")).expect("a folder can be made");
    refused("`acme` was tested in it, and is none of the products of this command");
    fs::create_dir_all(run.join("certification")).expect("a folder can be made");
    refused("it is an attempt at a certification");
}

/// What this program cannot read may be all that somebody has of a run.
#[test]
fn a_run_that_cannot_be_read_is_not_written_over() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = folder.path().join("run");
    let out = run.display().to_string();
    let one = || command(&["--case", "DEL-DMS2-0-010", "--out", &out]).output();
    assert_eq!(one().expect("the program starts").status.code(), Some(0));
    let path = run.join("results.json");
    let written = fs::read_to_string(&path).expect("the results are written");
    let refused = |why: &str| {
        let resumed = command(&["--resume", &out]).output().expect("the program starts");
        let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
        assert_eq!(resumed.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    };
    change_results(&run, |results| results["schema_version"] = Value::from(2));
    let newer = fs::read_to_string(&path).expect("they are there");
    refused("which would write over its results: failed to read the run");
    assert_eq!(fs::read_to_string(&path).expect("they are there"), newer);
    fs::write(&path, &written[..written.len() / 2]).expect("it can be written");
    refused("which would write over its results: failed to read the run");

    // Its results may be missing, and its transcripts say more than this program knows.
    fs::remove_file(&path).expect("it is there");
    let transcript = transcripts(&run).remove(0);
    let text = fs::read_to_string(&transcript).expect("it was written");
    let newer = text.replacen("{\"format\":1,", "{\"format\":2,", 1);
    assert_ne!(newer, text);
    fs::write(&transcript, &newer).expect("it can be written");
    refused("which would write over a transcript: failed to judge");
    assert_eq!(fs::read_to_string(&transcript).expect("it is there"), newer);
}
