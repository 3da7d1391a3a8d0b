//! Evidence for other tools: what passed in a case opens in Wireshark, and tells its secrets only where it was asked to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::is_there;

/// A whole delegation: what it shows is known message by message.
const CASE: &str = "DEL-DMS2-0-010";

fn dmconform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn said(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A run of one case, with these options more.
fn run(folder: &Path, options: &[&str]) -> PathBuf {
    let run = folder.join("run");
    let out = run.display().to_string();
    let mut arguments = vec!["run", "--case", CASE, "--out", &out];
    arguments.extend(options);
    let output = dmconform(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    assert_eq!(
        said(&output.stderr).contains("warning: --key-log keeps the secrets"),
        options.contains(&"--key-log")
    );
    run
}

fn evidence(run: &Path, out: &Path, options: &[&str]) -> Output {
    let (run, out) = (run.display().to_string(), out.display().to_string());
    let mut arguments = vec!["report", "evidence", &run, "--out", &out];
    arguments.extend(options);
    dmconform(&arguments)
}

/// What tshark makes of a file of packets: the fields that are asked for, of the packets that the filter lets pass.
fn dissected(packets: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
    // Not every product says by ALPN that it speaks HTTP.
    tshark.args(["-o", "http.tls.port:1-65535"]);
    tshark.arg("-r").arg(packets).args(["-Y", filter, "-T", "fields"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark starts");
    assert!(output.status.success(), "{}", said(&output.stderr));
    said(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn packets_open_in_wireshark_and_are_readable_with_the_secrets() {
    if !is_there("tshark", "packets as evidence") {
        return;
    }
    let folder = TempDir::new().expect("a folder can be made");
    let run = run(folder.path(), &["--capture", "--key-log"]);
    let out = folder.path().join("open");
    let output = evidence(&run, &out, &["--key-log"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    assert!(said(&output.stderr).contains("reads everything that passed"));
    let case = out.join("reference-dms-2").join(CASE);
    let packets = case.join("packets.pcapng");
    let requests = dissected(
        &packets,
        "http.request",
        &["http.request.method", "http.request.uri"],
    );
    // Steps 2, 4 and 7 to 10, and what the client asks for.
    let is_to = |method: &str, path: &str| {
        let expected = format!("{method}\t{path}");
        requests
            .iter()
            .filter(|request| request.starts_with(&expected))
            .count()
    };
    assert_eq!(is_to("GET", "/bootstrap"), 1, "{requests:?}");
    assert!(is_to("POST", "/delegation") >= 5, "{requests:?}");
    assert!(is_to("POST", "/dm") >= 4, "{requests:?}");
    let odd = "_ws.malformed || tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0";
    assert_eq!(dissected(&packets, odd, &["frame.number"]), Vec::<String>::new());
    let log = fs::read_to_string(case.join("key-log.txt")).expect("it was written");
    assert!(
        log.lines()
            .any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")),
        "{log}"
    );

    // The same run, and nobody is told its secrets.
    let out = folder.path().join("sealed");
    assert_eq!(evidence(&run, &out, &[]).status.code(), Some(0));
    let case = out.join("reference-dms-2").join(CASE);
    let packets = case.join("packets.pcapng");
    assert_eq!(
        dissected(&packets, "http", &["frame.number"]),
        Vec::<String>::new()
    );
    assert!(dissected(&packets, "tls.handshake.type == 1", &["frame.number"]).len() > 5);
    assert!(!case.join("key-log.txt").exists());
}

#[test]
fn the_device_before_and_after_differs_by_what_the_delegation_did_to_it() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = run(folder.path(), &["--capture"]);
    let out = folder.path().join("evidence");
    assert_eq!(
        evidence(&run, &out, &["--case", "DEL-DMS2-*"]).status.code(),
        Some(0)
    );
    let case = out.join("reference-dms-2").join(CASE);
    let read = |name: &str| fs::read_to_string(case.join(name)).expect("it was written");
    let (before, after) = (read("device-before.txt"), read("device-after.txt"));
    assert!(before.starts_with("# the case begins\n"), "{before}");
    assert!(after.starts_with("# the case ends\n"), "{after}");
    assert!(!before.contains("dms2.reference.test"), "{before}");
    assert!(after.contains("dms2.reference.test"), "{after}");
    assert!(
        after.contains("AAuthSecret  chr  (left out: a credential)"),
        "{after}"
    );
    let output = evidence(&run, &out, &["--key-log"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output.stderr).contains("run it with --capture --key-log"));
}

#[test]
fn evidence_that_was_not_kept_is_not_made_up() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = run(folder.path(), &[]);
    let out = folder.path().join("evidence");
    let output = evidence(&run, &out, &[]);
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output.stderr);
    assert!(
        error.contains("packets are kept with `dmconform run --capture`"),
        "{error}"
    );
    let output = evidence(&run, &out, &["--case", "DEL-CLIENT-*"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output.stderr).contains("matches DEL-CLIENT-*"));
}

/// Results may come from anybody: what they call a case or a product is no way out of the folder that was named.
#[test]
fn results_that_lead_elsewhere_are_refused_before_anything_is_written() {
    let folder = TempDir::new().expect("a folder can be made");
    let run = run(folder.path(), &["--capture", "--role", "dms-2"]);
    let path = run.join("results.json");
    let results = fs::read_to_string(&path).expect("it was written");
    let results: Value = serde_json::from_str(&results).expect("it is JSON");
    let out = folder.path().join("within/evidence");
    let absolute = folder.path().join("elsewhere").display().to_string();
    for (key, name) in [
        ("id", absolute.as_str()),
        ("id", "../.."),
        ("implementation", "../.."),
    ] {
        let mut hostile = results.clone();
        let cases = hostile["cases"].as_array_mut().expect("there are cases");
        let passed = cases.iter_mut().find(|case| case["verdict"] == "pass");
        let case = passed.expect("it passed");
        case["attempts"] = serde_json::json!([{
            "verdict": "pass",
            "transcript": format!("transcripts/reference-dms-2/{CASE}.jsonl"),
            "duration_ms": 0,
        }]);
        case[key] = Value::from(name);
        fs::write(&path, hostile.to_string()).expect("it can be written");
        let output = evidence(&run, &out, &["--case", "*"]);
        let error = said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {error}");
        assert!(error.contains("leads elsewhere"), "{name}: {error}");
    }
    let left = fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(left, 1, "there is more than the run");
}
