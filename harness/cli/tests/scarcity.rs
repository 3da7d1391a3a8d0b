//! A machine that has no more of something: room on the disk, rights, directories, open files. The harness says what, where and
//! what to do, with the exit code for that; what was judged so far can be read, and gone on with.

#![cfg(target_os = "linux")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::certification::LAB;

/// Three short cases, one at a time.
const CASES: [&str; 3] = ["DEL-DMS2-0-010", "DEL-DMS2-2-030", "DEL-DMS2-3-010"];
/// The implementation files.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/implementations");
/// What every write to it is answered with is that there is no room.
const FULL: &str = "/dev/full";

fn dmconform() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command.stdin(Stdio::null());
    command
}

/// A run of the cases against DMS-2.
fn run(more: &[&str]) -> Command {
    let mut command = dmconform();
    command.args(["run", "--jobs", "1", "--implementation"]);
    command.arg(Path::new(FIXTURES).join("reference-dms-2.yaml"));
    command.args(CASES.iter().flat_map(|case| ["--case", case]));
    command.args(more);
    command
}

fn said(output: &Output) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn out(folder: &TempDir) -> (PathBuf, String) {
    let run = folder.path().join("run");
    let out = run.display().to_string();
    (run, out)
}

fn transcript(run: &Path, case: &str) -> PathBuf {
    run.join(format!("transcripts/reference-dms-2/{case}.jsonl"))
}

fn results(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("results.json")).expect("the results are there");
    serde_json::from_str(&text).expect("the results are JSON")
}

/// All cases were judged, and nothing is held against the product.
fn assert_all_passed(run: &Path) {
    let record = results(run);
    let cases = record["cases"].as_array().expect("there are cases");
    let passed = cases.iter().filter(|case| case["verdict"] == "pass").count();
    assert_eq!((passed, cases.len()), (CASES.len(), CASES.len()), "{cases:#?}");
}

#[test]
fn a_transcript_for_which_there_is_no_room_is_an_error_and_its_case_is_run_again() {
    let folder = TempDir::new().expect("a folder can be made");
    let (directory, out) = out(&folder);
    let lost = transcript(&directory, CASES[1]);
    fs::create_dir_all(lost.parent().expect("it has one")).expect("the folder can be written to");
    symlink(FULL, &lost).expect("the folder can be written to");
    let full = run(&["--out", &out]).output().expect("the program starts");
    let text = said(&full);
    assert_eq!(full.status.code(), Some(5), "{text}");
    assert!(
        text.contains(&format!("write `{}`: No space left on device", lost.display())),
        "{text}"
    );
    assert!(text.contains("make room there"), "{text}");
    assert_all_passed(&directory);
    assert!(!lost.exists(), "half a transcript is left behind");
    let judged = dmconform()
        .arg("judge")
        .arg(transcript(&directory, CASES[0]))
        .output();
    assert_eq!(judged.expect("the program starts").status.code(), Some(0));

    let resumed = run(&["--resume", &out]).output().expect("the program starts");
    let text = said(&resumed);
    assert_eq!(resumed.status.code(), Some(0), "{text}");
    assert!(text.contains("2 cases were judged before, and stand"), "{text}");
    assert!(lost.exists());
    assert_all_passed(&directory);
}

#[test]
fn results_for_which_there_is_no_room_are_told_and_can_be_had_later() {
    let folder = TempDir::new().expect("a folder can be made");
    let (directory, out) = out(&folder);
    fs::create_dir(&directory).expect("the folder can be written to");
    symlink(FULL, directory.join("results.json.part")).expect("the folder can be written to");
    let full = run(&["--out", &out]).output().expect("the program starts");
    let text = said(&full);
    assert_eq!(full.status.code(), Some(5), "{text}");
    assert!(text.contains("3 pass"), "what came out is not told:\n{text}");
    let results = directory.join("results.json");
    assert!(
        text.contains(&format!("write `{}`: No space left on device", results.display())),
        "{text}"
    );
    assert!(!results.exists(), "half of the results are left behind");

    let resumed = run(&["--resume", &out]).output().expect("the program starts");
    let text = said(&resumed);
    assert_eq!(resumed.status.code(), Some(0), "{text}");
    assert!(text.contains("3 cases were judged before, and stand"), "{text}");
    assert_all_passed(&directory);
}

#[test]
fn a_directory_that_is_moved_away_in_the_middle_of_a_run_is_not_made_again_and_the_run_can_be_gone_on_with() {
    let folder = TempDir::new().expect("a folder can be made");
    let (directory, out) = out(&folder);
    let child = run(&["--out", &out])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.expect("the program starts");
    let began = Instant::now();
    let is_there = || CASES.iter().any(|case| transcript(&directory, case).exists());
    while !is_there() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&directory, &elsewhere).expect("it is there");
    let ended = child.wait_with_output().expect("it ends");
    let text = said(&ended);
    assert_eq!(ended.status.code(), Some(5), "{text}");
    assert!(
        text.contains("leave those of a run alone while it goes on"),
        "{text}"
    );
    assert!(text.contains("3 pass"), "what came out is not told:\n{text}");
    assert!(
        !directory.exists(),
        "it was made again, with a part of the evidence"
    );

    let resumed = run(&["--resume", &elsewhere.display().to_string()]).output();
    let resumed = resumed.expect("the program starts");
    let text = said(&resumed);
    assert_eq!(resumed.status.code(), Some(0), "{text}");
    assert!(!text.contains("0 cases were judged before"), "{text}");
    assert_all_passed(&elsewhere);
}

#[test]
fn a_load_that_cannot_keep_a_transcript_tells_what_came_out_and_fails() {
    let folder = TempDir::new().expect("a folder can be made");
    // Where the transcripts are to be, there is something else.
    fs::write(folder.path().join("transcripts"), "").expect("the folder can be written to");
    let ended = dmconform()
        .args([
            "load",
            "--devices",
            "2",
            "--concurrency",
            "1",
            "--deviation",
            "acl-wildcard",
            "--out",
        ])
        .arg(folder.path())
        .output();
    let ended = ended.expect("the program starts");
    let text = said(&ended);
    assert_eq!(ended.status.code(), Some(5), "{text}");
    assert!(text.contains("2 x fail equality DEL-8-2"), "{text}");
    let lost = folder.path().join("transcripts/reference-dms-1/");
    assert!(
        text.contains(&format!("failed to write `{}", lost.display())),
        "{text}"
    );
    assert!(folder.path().join("load.json").exists());
}

#[rstest]
#[case::run(&["run", "--role", "dms-2"])]
#[case::load(&["load", "--role", "dms-2", "--devices", "1"])]
#[case::observe(&["observe", "--implementation", "reference-dms-1.yaml", "--implementation", "reference-dms-2-bootstrap-server.yaml"])]
fn a_directory_that_cannot_be_written_to_is_refused_before_anything_is_run(#[case] arguments: &[&str]) {
    let folder = TempDir::new().expect("a folder can be made");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).expect("it is ours");
    // Who may write anywhere may not write there.
    let is_ours = File::create(folder.path().join("trial")).is_ok();
    let place = if is_ours { Path::new("/sys") } else { folder.path() };
    let ended = dmconform()
        .current_dir(FIXTURES)
        .args(arguments)
        .arg("--out")
        .arg(place)
        .output();
    let ended = ended.expect("the program starts");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("it is ours");
    let text = said(&ended);
    assert_eq!(ended.status.code(), Some(5), "{text}");
    let told = format!("failed to write to the directory `{}`: ", place.display());
    assert!(text.contains(&told), "{text}");
    assert!(
        text.contains("choose a directory with --out that this user may write to"),
        "{text}"
    );
}

/// Ends a command for which no file may be longer than nothing: that is answered as a full disk is, once the signal for it is ignored.
fn with_a_full_disk(arguments: &[&str], out: &Path) -> Output {
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let ended = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_dmconform")])
        .args(arguments)
        .arg("--out")
        .arg(out)
        .output();
    ended.expect("there is a shell")
}

#[test]
fn a_full_disk_leaves_no_half_of_a_bundle_or_a_report() {
    let certified = LAB.at("run").display().to_string();
    let folder = TempDir::new().expect("a folder can be made");
    let bundle = folder.path().join("bundle.tar");
    let ended = with_a_full_disk(&["bundle", "create", &certified], &bundle);
    assert_eq!(ended.status.code(), Some(5), "{}", said(&ended));
    let report = folder.path().join("report.html");
    fs::write(&report, "of another run").expect("the folder can be written to");
    let ended = with_a_full_disk(&["report", "html", &certified], &report);
    assert_eq!(ended.status.code(), Some(5), "{}", said(&ended));
    assert_eq!(
        fs::read_to_string(&report).expect("it is there"),
        "of another run"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
}

#[test]
fn a_disk_that_is_full_from_the_beginning_is_found_then() {
    let folder = TempDir::new().expect("a folder can be made");
    let ended = with_a_full_disk(&["run", "--role", "dms-2"], &folder.path().join("run"));
    let text = said(&ended);
    assert_eq!(ended.status.code(), Some(5), "{text}");
    assert!(text.contains("failed to write to the directory"), "{text}");
    assert!(text.contains("make room there"), "{text}");
}

#[test]
fn a_result_that_cannot_be_printed_is_no_success() {
    let full = File::options()
        .write(true)
        .open(FULL)
        .expect("it is on every Linux");
    let ended = dmconform().arg("list").stdout(full).output();
    let ended = ended.expect("the program starts");
    let text = said(&ended);
    assert_eq!(ended.status.code(), Some(5), "{text}");
    assert_eq!(
        text.matches("write to standard output: No space left").count(),
        1,
        "{text}"
    );
}

/// Ends a run in which the harness may have only so many open files; its product may have more.
fn run_with_open_files(count: u32, folder: &Path) -> Output {
    let text =
        fs::read_to_string(Path::new(FIXTURES).join("reference-dms-2.yaml")).expect("the file is there");
    let more = "command: [sh, -c, 'ulimit -S -n 1024; exec \"$0\" \"$@\"', \"${self}\"";
    let text = text
        .replace("command: [\"${self}\"", more)
        .replace("step-deadline: 5s", "step-deadline: 1s");
    assert!(text.contains("ulimit"), "{text}");
    let product = folder.join("product.yaml");
    fs::write(&product, text).expect("the folder can be written to");
    let script = format!("ulimit -S -n {count}; exec \"$@\"");
    let ended = Command::new("sh")
        .args([
            "-c",
            &script,
            "sh",
            env!("CARGO_BIN_EXE_dmconform"),
            "run",
            "--case",
            "DEL-DMS2-0-0[1-4]0",
        ])
        .arg("--implementation")
        .arg(product)
        .arg("--out")
        .arg(folder.join("run"))
        .stdin(Stdio::null())
        .output();
    ended.expect("there is a shell")
}

#[test]
fn without_open_files_there_is_an_error_and_nobody_is_blamed() {
    let mut verdicts = Vec::new();
    // Too few to listen with, too few to start a product, and just not enough for what goes on in a case.
    for count in [10, 15, 23] {
        let folder = TempDir::new().expect("a folder can be made");
        let ended = run_with_open_files(count, folder.path());
        let text = said(&ended);
        assert_eq!(ended.status.code(), Some(5), "with {count}: {text}");
        assert!(
            text.contains("Too many open files") && text.contains("`ulimit -n`"),
            "with {count}: {text}"
        );
        let results = fs::read_to_string(folder.path().join("run/results.json")).unwrap_or_default();
        let record: Value = serde_json::from_str(&results).unwrap_or_default();
        let cases = record["cases"].as_array().cloned().unwrap_or_default();
        verdicts.extend(cases.into_iter().map(|case| case["verdict"].clone()));
    }
    assert!(verdicts.iter().any(|verdict| verdict == "error"), "{verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict != "fail"), "{verdicts:?}");
}
