//! What comes before a run: `init`, `doctor`, and mock roles on a workbench.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use tempfile::TempDir;

fn fixture(product: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/implementations")
        .join(format!("{product}.yaml"))
}

/// The file of a form of the reference implementation with a text in place of another, in a folder of its own.
fn changed(product: &str, from: &str, to: &str) -> (TempDir, PathBuf) {
    let text = fs::read_to_string(fixture(product)).expect("the file is there");
    assert!(text.contains(from), "`{from}` is not in\n{text}");
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path().join("product.yaml");
    fs::write(&path, text.replace(from, to)).expect("the folder can be written to");
    (folder, path)
}

fn doctor(implementation: &Path) -> Output {
    let folder = TempDir::new().expect("a folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["doctor", "--implementation"])
        .arg(implementation)
        .arg("--out")
        .arg(folder.path().join("out"))
        .output();
    output.expect("the program starts")
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_doctor_finds_a_sound_product_well() {
    let output = doctor(&fixture("reference-dms-1"));
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for topic in ["files", "clock", "start", "tls", "contract", "triggers", "claims"] {
        assert!(
            text.lines()
                .any(|line| line.starts_with("ok") && line.contains(topic)),
            "nothing is said of {topic}:\n{text}"
        );
    }
    assert!(text.contains("all is well"), "{text}");
    // The report reaches the product as one of the procedure: it is the session that is refused, and not the document.
    assert!(text.contains("a session that nobody opened, with 404"), "{text}");
}

#[rstest]
// A product that is not installed.
#[case(
    "[\"${self}\", reference, dms-1,",
    "[no-such-program,",
    "start",
    "`no-such-program`"
)]
// One whose trigger leads nowhere.
#[case("/delegations\"", "/nowhere\"", "triggers", "does not come about")]
fn the_doctor_says_what_is_bad_and_what_to_do(
    #[case] from: &str,
    #[case] to: &str,
    #[case] topic: &str,
    #[case] said: &str,
) {
    let (_folder, path) = changed("reference-dms-1", from, to);
    let output = doctor(&path);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    let bad = text.lines().find(|line| line.starts_with("bad"));
    assert!(
        bad.is_some_and(|line| line.contains(topic)) && text.contains(said),
        "{text}"
    );
}

#[rstest]
#[case(
    "claims: [server-certificate-identity, revocation, large-objects]",
    "claims: [server-certificate-identity]",
    "revocation is not claimed, and shown by"
)]
#[case(
    "${deviations}",
    "accepts-certificate-of-another-server",
    "server-certificate-identity is claimed, and"
)]
#[case(
    "${deviations}",
    "accepts-any-client-certificate",
    "to a peer without a certificate"
)]
fn the_doctor_doubts_what_a_run_would_find(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
    let (_folder, path) = changed("reference-dms-1", from, to);
    let output = doctor(&path);
    let text = shown(&output);
    let mut doubtful = text.lines().filter(|line| line.starts_with("doubtful"));
    assert!(doubtful.any(|line| line.contains(said)), "{text}");
}

#[test]
fn the_doctor_says_that_a_product_does_not_trust_the_harness() {
    let folder = TempDir::new().expect("a folder can be made");
    let other = folder.path().join("other");
    let made = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["certs", "--out"])
        .arg(&other)
        .output();
    assert!(made.expect("the program starts").status.success());
    let roots = other.join("roots.pem").display().to_string();
    let (_folder, path) = changed("reference-dms-1", "${tls.roots}", &roots);
    let output = doctor(&path);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("if it refuses ours, let it trust"), "{text}");
}

#[test]
fn a_run_begins_with_the_quick_part_of_that() {
    let (folder, path) = changed(
        "reference-dms-1",
        "endpoints:\n",
        "hosts: {}\ncertificates: {trust: [nowhere.pem]}\nendpoints:\n",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["run", "--implementation"])
        .arg(&path)
        .arg("--out")
        .arg(folder.path().join("out"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("nowhere.pem` cannot be read"), "{said}");
    assert!(!folder.path().join("out").exists(), "something was run");
}

#[test]
fn a_file_to_begin_with_is_written_where_nothing_is_yet() {
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path().join("product.yaml");
    let init = || {
        Command::new(env!("CARGO_BIN_EXE_dmconform"))
            .args(["init", "dms-2", "bootstrap-server", "--out"])
            .arg(&path)
            .output()
            .expect("the program starts")
    };
    assert_eq!(init().status.code(), Some(0));
    let checked = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .arg("check")
        .arg(&path)
        .status();
    assert!(checked.expect("the program starts").success());
    let again = init();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("choose a path where nothing is yet"));
}

#[test]
fn mock_roles_on_a_workbench_show_the_ladder_and_the_verdict() {
    let folder = TempDir::new().expect("a folder can be made");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["mock", "dms-1", "dm-client", "--implementation"])
        .arg(fixture("reference-dms-2-bootstrap-server"))
        .arg("--out")
        .arg(folder.path().join("out"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it has an input");
    // One delegation more, and then nobody asks for another.
    input.write_all(b"\n").expect("it reads its input");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("\n  pass\n").count(), 2, "{text}");
    for part in [
        "dms-1             https://",
        "10.answer",
        "ACL update",
        "device urn:dmconform:device:2",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let kept = fs::read_dir(
        folder
            .path()
            .join("out/transcripts/reference-dms-2-bootstrap-server"),
    );
    let kept = kept.expect("there are transcripts").count();
    assert_eq!(kept, 2, "each delegation has a transcript of its own");
}

/// Mock roles beside a product, whose delegations the mock DMS-1 opens.
fn workbench(out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command
        .args(["mock", "--implementation"])
        .arg(fixture("reference-dms-2-bootstrap-server"))
        .arg("--out")
        .arg(out);
    command
}

#[test]
fn mock_roles_speak_of_the_nodes_that_the_product_has() {
    let nodes = "plays: [dms-2, bootstrap-server]\nnodes: {./Com: ./Acme}";
    let (folder, path) = changed(
        "reference-dms-2-bootstrap-server",
        "plays: [dms-2, bootstrap-server]",
        nodes,
    );
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["mock", "--implementation"])
        .arg(&path)
        .arg("--out")
        .arg(&out)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(shown(&output).contains("\n  pass\n"), "{}", shown(&output));
    let mut kept = fs::read_dir(out.join("transcripts/product")).expect("there are transcripts");
    let transcript = kept.next().expect("there is one").expect("it is readable");
    let transcript = fs::read_to_string(transcript.path()).expect("it is readable");
    assert!(transcript.contains("<TreePart>./Acme</TreePart>"));
    assert!(!transcript.contains("<TreePart>./Com</TreePart>"));
}

#[test]
fn mock_roles_say_what_they_could_not_keep() {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("transcripts"), "in the way").expect("it can be written to");
    let output = workbench(folder.path()).stdin(Stdio::null()).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("error: failed to write `"), "{said}");
    assert!(shown(&output).contains("\n  pass\n"), "{}", shown(&output));
}

#[cfg(unix)]
#[test]
fn mock_roles_end_when_nobody_reads_what_they_print() {
    let folder = TempDir::new().expect("a folder can be made");
    let mut child = workbench(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    // Held open: it could be asked for another delegation.
    let input = child.stdin.take();
    drop(child.stdout.take());
    let begun = Instant::now();
    while child.try_wait().expect("it is a child").is_none() {
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it is a child");
            panic!("it goes on for nobody");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let status = child.wait().expect("it has ended");
    drop(input);
    assert_eq!(status.code(), Some(0));
}

#[rstest]
// Two delegations at once, of a product with one device.
#[case(
    "count: 200",
    "count: 1",
    "DEL-DMS1-0-510",
    "it takes part in one delegation at a time"
)]
#[case(
    "plays: [dms-1]",
    "plays: [dms-1]",
    "DEL-DMS2-0-010",
    "it does not play dms-2"
)]
#[case(
    "opens: either",
    "opens: dms-1",
    "DEL-DMS1-2-030",
    "it does not claim delegations that dms-2 opens"
)]
fn mock_roles_play_no_case_that_does_not_apply(
    #[case] from: &str,
    #[case] to: &str,
    #[case] case: &str,
    #[case] said: &str,
) {
    let (folder, path) = changed("reference-dms-1", from, to);
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["mock", "--case", case, "--implementation"])
        .arg(&path)
        .arg("--out")
        .arg(folder.path().join("out"))
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let why = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{why}");
    assert!(why.contains(said), "{why}");
}

#[test]
fn certificates_are_not_written_over_those_that_products_may_have() {
    let folder = TempDir::new().expect("a folder can be made");
    let certs = || {
        let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
            .args(["certs", "--out"])
            .arg(folder.path())
            .output();
        output.expect("the program starts")
    };
    let roots = || fs::read(folder.path().join("roots.pem")).expect("there are roots");
    assert_eq!(certs().status.code(), Some(0));
    let first = roots();
    let again = certs();
    let why = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(2), "{why}");
    assert!(why.contains("roots.pem` is there already"), "{why}");
    assert_eq!(roots(), first);
}

/// What `check` says of a path, and its exit code.
fn checked(path: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .arg("check")
        .arg(path)
        .output()
        .expect("the program starts");
    let said = format!("{}{}", shown(&output), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

#[rstest]
#[case::a_profile_that_is_not_there(
    "product.yaml",
    concat!(include_str!("../../../fixtures/implementations/reference-dms-1.yaml"), "\nprofile: nowhere.yaml\n"),
    "nowhere.yaml"
)]
#[case::an_identifier_that_is_taken(
    "case.yaml",
    "id: DEL-DMS1-8-030\ntitle: A case\npurpose: To be read.\ncovers: [DEL-8-2]\niut: dms-1\nexpect: [{step: 8}]\n",
    "give two cases the identifier DEL-DMS1-8-030"
)]
fn what_a_run_would_refuse_is_not_in_order(#[case] name: &str, #[case] text: &str, #[case] said: &str) {
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the folder can be written to");
    for path in [path.as_path(), folder.path()] {
        let (code, why) = checked(path);
        assert_eq!(code, Some(2), "{why}");
        assert!(why.contains(said), "{why}");
    }
}

#[test]
fn a_profile_without_what_the_cases_look_at_is_not_in_order() {
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path().join("acme.yaml");
    let shipped = include_str!("../../../fixtures/profiles/json-rest.yaml");
    fs::write(&path, shipped).expect("the folder can be written to");
    assert_eq!(checked(&path), (Some(0), "1 files are in order\n".to_owned()));
    let without = shipped.replace("      device: $.device\n", "");
    fs::write(&path, without).expect("the folder can be written to");
    let (code, why) = checked(&path);
    assert_eq!(code, Some(2), "{why}");
    assert!(why.contains("find the field `device` of 7"), "{why}");
}

#[test]
fn a_folder_without_files_is_not_in_order() {
    let folder = TempDir::new().expect("a folder can be made");
    let (code, why) = checked(folder.path());
    assert_eq!(code, Some(2), "{why}");
    assert!(why.contains("there is no `.yaml` file in it"), "{why}");
}

#[rstest]
#[case(&["dms-2", "--out", "nowhere/product.yaml"], Some(2), "make its folder first")]
#[case(&["dms-2", "--out", "-"], Some(0), "plays: [dms-2]")]
#[case(&["dms-2", "--out", "my product.yaml"], Some(0), "`dmconform check 'my product.yaml'`")]
fn init_says_what_to_do_about_a_path(
    #[case] arguments: &[&str],
    #[case] code: Option<i32>,
    #[case] said: &str,
) {
    let folder = TempDir::new().expect("a folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .arg("init")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let all = format!("{}{}", shown(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), code, "{all}");
    assert!(all.contains(said), "{all}");
    assert!(!folder.path().join("-").exists());
}

#[rstest]
#[case(&["dms-2"], "the product plays it by its implementation file")]
#[case(&["dms-1"], "neither the product plays it nor is it asked for")]
fn mock_roles_are_those_that_the_product_does_not_play(#[case] roles: &[&str], #[case] said: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .arg("mock")
        .args(roles)
        .arg("--implementation")
        .arg(fixture("reference-dms-2-bootstrap-server"))
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(said));
}

#[test]
fn a_doctor_that_is_broken_off_does_not_say_that_all_is_well() {
    let folder = TempDir::new().expect("a folder can be made");
    let text = fs::read_to_string(fixture("reference-dms-1")).expect("the fixture is there");
    // A product that never gets ready.
    let slow = text
        .replace("[\"${self}\", reference, dms-1,", "[sleep, \"60\"]  # ")
        .replace("within: 20s", "within: 60s");
    let path = folder.path().join("slow.yaml");
    fs::write(&path, slow).expect("the folder can be written to");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["doctor", "--implementation"])
        .arg(&path)
        .arg("--out")
        .arg(folder.path().join("out"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut said = BufReader::new(child.stdout.take().expect("it is a pipe"));
    let mut text = String::new();
    said.read_line(&mut text).expect("it says something");
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill is everywhere").success());
    said.read_to_string(&mut text).expect("it says the rest");
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(5), "{text}");
    assert!(text.contains("it was broken off"), "{text}");
    assert!(!text.contains("all is well"), "{text}");
}
