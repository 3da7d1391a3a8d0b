//! Clocks that jump: the wall clock is set by weeks in the middle of a run, and nothing but the clock on the wall is different.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{fixtures, is_there};

/// The library that lies about the clock; nothing where it is not installed, which is said.
fn faketime() -> Option<PathBuf> {
    if !is_there("faketime", "clocks that jump") {
        return None;
    }
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = libraries.find(|library| library.exists());
    Some(found.expect("the program comes with its library"))
}

/// Sets the clock of what was started with this file.
fn set(clock: &Path, to: &str) {
    let new = clock.with_extension("new");
    fs::write(&new, format!("{to}\n")).expect("the folder can be written to");
    fs::rename(&new, clock).expect("the folder can be written to");
}

/// The program, with a clock that a file sets. The time that is measured goes on as it does.
fn with_clock(library: &Path, clock: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .args([
            "run",
            "--case",
            "DEL-DMS2-0-0[1-4]0",
            "--case",
            "DEL-DMS2-1-040*",
            "--jobs",
            "1",
        ])
        .stdin(Stdio::null());
    command
}

/// DMS-2, on which nobody plays that trick.
fn product(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(fixtures().join("reference-dms-2.yaml")).expect("the file is there");
    let text = text.replace(
        "command: [\"${self}\"",
        "command: [env, -u, LD_PRELOAD, \"${self}\"",
    );
    assert!(text.contains("LD_PRELOAD"), "{text}");
    let path = folder.join("product.yaml");
    fs::write(&path, text).expect("the folder can be written to");
    path
}

fn transcripts(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("transcripts/product"))
        .into_iter()
        .flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}

#[test]
fn a_clock_that_jumps_by_weeks_changes_no_verdict() {
    let Some(library) = faketime() else { return };
    let folder = TempDir::new().expect("a folder can be made");
    let (clock, run) = (folder.path().join("clock"), folder.path().join("run"));
    set(&clock, "+0");
    let mut command = with_clock(&library, &clock);
    command
        .arg("--implementation")
        .arg(product(folder.path()))
        .arg("--out")
        .arg(&run);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the program starts");
    let began = Instant::now();
    for (judged, to) in [(1, "+60d"), (2, "-20d"), (3, "+400d")] {
        while transcripts(&run).len() < judged && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        set(&clock, to);
    }
    let ended = child.wait_with_output().expect("it ends");
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(
        ended.status.code(),
        Some(0),
        "{said}{}",
        String::from_utf8_lossy(&ended.stdout)
    );

    let results = fs::read_to_string(run.join("results.json")).expect("the results are written");
    let record: Value = serde_json::from_str(&results).expect("the results are JSON");
    let milliseconds = |value: &Value| Duration::from_millis(value.as_u64().expect("it is a number"));
    assert!(
        milliseconds(&record["run"]["duration_ms"]) <= took,
        "{}",
        record["run"]
    );
    let cases = record["cases"].as_array().expect("there are cases");
    assert!(cases.len() > 4, "the clock was not set in the middle of the run");
    for case in cases.iter().filter(|case| case["verdict"] != "not-applicable") {
        assert_eq!(case["verdict"], "pass", "{case:#}");
        assert!(milliseconds(&case["duration_ms"]) <= took, "{case:#}");
    }
    for path in transcripts(&run) {
        let text = fs::read_to_string(&path).expect("it is there");
        let records = text.lines().skip(1).map(serde_json::from_str::<Value>);
        let times = records.map(|record| {
            record.expect("it is JSON")["at_us"]
                .as_u64()
                .expect("it is a number")
        });
        let times: Vec<u64> = times.collect();
        assert!(times.is_sorted(), "{}: {times:?}", path.display());
        assert!(
            times
                .last()
                .is_some_and(|last| Duration::from_micros(*last) <= took)
        );
    }
}

#[test]
fn a_clock_that_is_years_late_is_found_before_a_run() {
    let Some(library) = faketime() else { return };
    let folder = TempDir::new().expect("a folder can be made");
    let clock = folder.path().join("clock");
    set(&clock, "-3000d");
    let mut command = with_clock(&library, &clock);
    command.arg("--implementation").arg(product(folder.path()));
    let ended = command.arg("--out").arg(folder.path().join("run")).output();
    let ended = ended.expect("the program starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(5), "{said}");
    assert!(
        said.contains("before this program was made") && said.contains("set the clock"),
        "{said}"
    );
}
