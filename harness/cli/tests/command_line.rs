//! The program as its users meet it: what it prints, what it writes, how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
}

fn dmconform(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program starts")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("the program prints UTF-8")
}

fn bundled(name: &str) -> String {
    let path = format!(
        "{}/../../fixtures/implementations/{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::read_to_string(path).expect("the file is checked in")
}

/// A folder with one file, and the arguments that run it with the results beside it.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new(name: &str, content: &str) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join(name), content).expect("it can be written to");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn run(&self, implementation: &str, more: &[&str]) -> Output {
        let (file, out) = (self.path(implementation), self.path("out"));
        dmconform(&[&["run", "--implementation", &file, "--out", &out], more].concat())
    }

    fn results(&self) -> Value {
        results(&self.out())
    }
}

fn results(out: &Path) -> Value {
    let text = fs::read_to_string(out.join("results.json")).expect("there are results");
    serde_json::from_str(&text).expect("results are JSON")
}

fn cases(results: &Value) -> &[Value] {
    results["cases"].as_array().expect("there are cases")
}

fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).expect("it is there").permissions().mode() & 0o077 == 0
}

#[test]
fn without_arguments_the_reference_passes_in_every_role_and_everything_is_on_disk() {
    let folder = TempDir::new().expect("a folder can be made");
    let output = program()
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let runs: Vec<_> = fs::read_dir(folder.path().join("reports/runs"))
        .expect("there are runs")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    let [run] = runs.as_slice() else {
        panic!("one run: {runs:?}")
    };
    let results = results(run);
    let mut judged: Vec<(&str, &str)> = Vec::new();
    for case in cases(&results) {
        let verdict = case["verdict"].as_str().expect("a case has a verdict");
        assert!(matches!(verdict, "pass" | "not-applicable"), "{case:#}");
        let target = case["implementation"]
            .as_str()
            .expect("a case has an implementation");
        judged.push((target, verdict));
    }
    for target in [
        "reference-dm-client",
        "reference-dms-1",
        "reference-dms-2",
        "reference-bootstrap-server",
        "reference-dms-2-bootstrap-server",
    ] {
        assert!(
            judged.iter().filter(|known| **known == (target, "pass")).count() >= 6,
            "{target}"
        );
    }
    for name in ["junit.xml", "summary.md"] {
        let written = fs::read_to_string(run.join(name)).expect("it was written");
        assert!(written.contains("DEL-DMS1-8-030"), "{name}");
    }
    assert!(text(&output.stdout).contains("everything that was selected was judged, and nothing failed"));

    // Judged again, a stored transcript gives what stands in the results, byte for byte.
    let mut judged_again = 0;
    for case in cases(&results)
        .iter()
        .filter(|case| case["verdict"] == "pass")
        .step_by(9)
    {
        let transcript = run.join(format!(
            "transcripts/{}/{}.jsonl",
            case["implementation"].as_str().unwrap(),
            case["id"].as_str().unwrap()
        ));
        assert!(
            is_private(&transcript),
            "a transcript holds credentials: {}",
            transcript.display()
        );
        let judged = dmconform(&["judge", transcript.to_str().unwrap()]);
        assert_eq!(judged.status.code(), Some(0));
        let stored = serde_json::to_string_pretty(case).expect("it is JSON");
        let again: Value = serde_json::from_slice(&judged.stdout).expect("it is JSON");
        assert_eq!(serde_json::to_string_pretty(&again).expect("it is JSON"), stored);
        judged_again += 1;
    }
    assert!(judged_again > 10);
}

/// Each defect fails the case that owns it. Others pass, or are inconclusive and point to it; only the whole
/// delegation may fail too.
#[rstest]
#[case("forwards-wrong-url", "dms-1", "DEL-DMS1-4-020", "DEL-4-2")]
#[case("acl-before-bootstrap-complete", "dms-1", "DEL-DMS1-8-030", "DEL-8-3")]
#[case("bootstrap-complete-too-early", "dms-2", "DEL-DMS2-7-020", "DEL-7-2")]
#[case("prepared-before-acl-status", "dms-1", "DEL-DMS1-9-020", "DEL-9-2")]
#[case("acl-names-another-server", "dms-1", "DEL-DMS1-8-020", "DEL-8-2")]
#[case("bootstrap-for-another-server", "bootstrap-server", "DEL-BS-5-020", "DEL-5-3")]
#[case(
    "accepts-any-client-certificate",
    "dms-1",
    "DEL-DMS1-1-010.unknown-authority",
    "DEL-1-2"
)]
#[case("session-to-wrong-server", "dm-client", "DEL-CLIENT-6-010", "DEL-6-1")]
#[case("never-sends-client-prepared", "dms-1", "DEL-DMS1-9-010", "DEL-9-1")]
#[case("complete-before-prepared", "dms-2", "DEL-DMS2-10-020", "DEL-10-2")]
fn a_defect_fails_the_case_that_owns_it(
    #[case] deviation: &str,
    #[case] role: &str,
    #[case] owner: &str,
    #[case] requirement: &str,
) {
    let folder = TempDir::new().expect("a folder can be made");
    let out = folder.path().join("out");
    // What other steps make of it, the full self-test says.
    let of_role = owner.splitn(4, '-').take(2).collect::<Vec<_>>().join("-");
    let of_step = owner.splitn(4, '-').take(3).collect::<Vec<_>>().join("-");
    let output = dmconform(&[
        "run",
        "--role",
        role,
        "--case",
        &format!("{of_step}-*"),
        "--case",
        &format!("{of_role}-0-0*"),
        "--deviation",
        deviation,
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let results = results(&out);
    let owned = cases(&results)
        .iter()
        .find(|case| case["id"] == owner)
        .expect("the owner was run");
    assert_eq!(owned["verdict"], "fail", "{owned:#}");
    let finding = &owned["findings"][0];
    assert_eq!(finding["requirement"], requirement, "{finding:#}");
    assert_eq!(finding["blame"], role, "{finding:#}");
    for case in cases(&results) {
        let id = case["id"].as_str().expect("a case has an identifier");
        let is_whole = case["file"]
            .as_str()
            .is_some_and(|file| file.starts_with("cases/full/"));
        // What a claim adds to a step cannot be seen where the step does not come.
        let is_of_claim = case["file"]
            .as_str()
            .is_some_and(|file| file.starts_with("cases/claims/"));
        let of_requirement = case["covers"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(|id| *id == requirement));
        match case["verdict"].as_str().expect("a case has a verdict") {
            "pass" | "not-applicable" => {}
            // Some breaches have several cases: each certificate that should have been refused has one.
            "fail" => {
                // Nor can, in one case, two breaches that keep the same message from coming.
                let is_alike = ["code", "step"]
                    .iter()
                    .all(|key| case["findings"][0][*key] == finding[*key]);
                let is_due =
                    is_whole || is_of_claim || of_requirement || is_alike || requirement == "DEL-1-2";
                assert!(is_due, "{case:#}");
            }
            "inconclusive" => assert!(
                !case["findings"][0]["blame"].is_null(),
                "{id} blames nobody: {case:#}"
            ),
            other => panic!("{other}: {case:#}"),
        }
    }
    // The report says it in full.
    let summary = text(&output.stdout);
    for part in [
        "requirement: ",
        "expected: ",
        "observed: ",
        "blame: ",
        "case file: ",
        "evidence: ",
        "run again: dmconform run --case ",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
}

#[test]
fn a_warning_fails_only_where_it_is_asked_to() {
    let folder = TempDir::new().expect("a folder can be made");
    let out = folder.path().join("out");
    let arguments = [
        "run",
        "--case",
        "DEL-DMS1-2-020",
        "--deviation",
        "initiation-without-type",
        "--out",
        out.to_str().unwrap(),
    ];
    assert_eq!(dmconform(&arguments).status.code(), Some(0));
    assert_eq!(cases(&results(&out))[0]["verdict"], "warn");
    assert_eq!(
        dmconform(&[&arguments[..], &["--strict"]].concat()).status.code(),
        Some(1)
    );
    assert_eq!(cases(&results(&out))[0]["verdict"], "fail");
}

#[rstest]
#[case::unknown_key("plays: [dms-1]", "plays: [dms-1]\nplayz: [dms-2]", "did you mean `plays`?")]
#[case::unknown_role("plays: [dms-1]", "plays: [dms-11]", "dms-11")]
#[case::no_yaml("plays: [dms-1]", "plays: [dms-1", "")]
fn a_broken_implementation_file_is_located_and_nothing_is_started(
    #[case] good: &str,
    #[case] bad: &str,
    #[case] says: &str,
) {
    let content = bundled("reference-dms-1").replace(good, bad);
    let scene = Scene::new("broken.yaml", &content);
    let output = scene.run("broken.yaml", &[]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("broken.yaml:") && error.contains(says), "{error}");
    assert!(!scene.out().exists(), "nothing was written");
}

#[rstest]
#[case::unknown_option(&["run", "--strictly"], 2)]
#[case::unknown_role(&["run", "--role", "dms-3"], 2)]
#[case::unknown_deviation(&["run", "--deviation", "forwards-wrong-urls"], 2)]
#[case::no_such_file(&["run", "--implementation", "nowhere.yaml"], 2)]
#[case::no_such_certificates(&["run", "--certificates", "nowhere"], 2)]
#[case::bad_pattern(&["run", "--case", "[x"], 2)]
#[case::nothing_matches(&["run", "--case", "DEL-DMS1-8-03O"], 4)]
#[case::no_such_transcript(&["judge", "nowhere.jsonl"], 2)]
#[case::no_such_case(&["explain", "DEL-DMS1-8-03O"], 2)]
#[case::a_case_says_itself_who_opens(&["diagram", "DEL-DMS1-8-030", "--opens", "dms-2"], 2)]
#[case::no_such_cases(&["list", "--cases", "nowhere.yaml"], 2)]
fn what_cannot_be_done_is_said_with_its_exit_code(#[case] arguments: &[&str], #[case] code: i32) {
    let output = dmconform(arguments);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).is_empty());
}

#[test]
fn a_product_that_takes_no_deviations_is_given_none() {
    let scene = Scene::new(
        "plain.yaml",
        &bundled("reference-dms-1").replace("${deviations}", ""),
    );
    let output = scene.run("plain.yaml", &["--deviation", "acl-wildcard"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains("give a deviation to plain: its file has no `${deviations}`"),
        "{error}"
    );
}

/// A product that is started by this script instead of the reference implementation.
fn with_command(script: &str, within: &str) -> String {
    let file = bundled("reference-dms-1");
    let start = file.find("start:").expect("it is started");
    let triggers = file.find("triggers:").expect("it is triggered");
    let ready = "{tcp: [\"127.0.0.1:${port.dm}\"], within: ";
    format!(
        "{}start:\n  command: [sh, \"-c\", \"{script}\"]\n  ready: {ready}{within}}}\n{}",
        &file[..start],
        &file[triggers..]
    )
}

#[rstest]
#[case::exits(
    "echo reading the licence; echo licence expired >&2; exit 3",
    "20s",
    "exit status: 3",
    "licence expired"
)]
#[case::never_ready(
    "echo starting up; sleep 4711",
    "1s",
    "1s passed before it listened at",
    "starting up"
)]
fn a_product_that_does_not_come_up_is_an_error_with_its_last_words(
    #[case] script: &str,
    #[case] within: &str,
    #[case] why: &str,
    #[case] words: &str,
) {
    let scene = Scene::new("product.yaml", &with_command(script, within));
    let output = scene.run("product.yaml", &[]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{shown}");
    assert!(shown.contains(why) && shown.contains(words), "{shown}");
    assert!(
        cases(&scene.results())
            .iter()
            .all(|case| case["verdict"] != "pass")
    );
    let left = Command::new("pgrep").args(["-f", "sleep 4711"]).output();
    if let Ok(left) = left {
        assert!(
            left.stdout.is_empty(),
            "a process is left behind: {}",
            text(&left.stdout)
        );
    }
}

#[test]
fn a_product_is_found_beside_its_implementation_file() {
    let file = with_command("cat ${directory}/beside.txt; exit 3", "20s");
    let scene = Scene::new("product.yaml", &file);
    fs::write(scene.folder.path().join("beside.txt"), "what lies beside it\n").expect("it can be written");
    let output = program()
        .current_dir(scene.folder.path())
        .args(["run", "--implementation", "product.yaml", "--out", "out"])
        .output()
        .expect("the program starts");
    let shown = text(&output.stdout);
    assert!(shown.contains("what lies beside it"), "{shown}");
}

#[test]
fn a_product_whose_port_is_taken_is_named_with_what_it_said() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = holder.local_addr().expect("it has an address").port();
    let file = bundled("reference-dms-1")
        .replace("${port.dm}", &port.to_string())
        .replace("  instances: 6\n", "");
    let scene = Scene::new("taken.yaml", &file);
    let output = scene.run("taken.yaml", &[]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{shown}");
    assert!(shown.contains(&port.to_string()), "{shown}");
}

#[test]
fn a_run_that_is_interrupted_keeps_what_was_judged_and_leaves_nothing_running() {
    let folder = TempDir::new().expect("a folder can be made");
    let out = folder.path().join("out");
    let child = program()
        .args([
            "run",
            "--role",
            "dms-1",
            "--jobs",
            "1",
            "--out",
            out.to_str().unwrap(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let began = Instant::now();
    while transcripts(&out) < 3 {
        assert!(began.elapsed() < Duration::from_secs(60), "no case ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = interrupted(child);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    let results = results(&out);
    assert_eq!(results["run"]["cancelled"], true);
    let passed = cases(&results)
        .iter()
        .filter(|case| case["verdict"] == "pass")
        .count();
    assert!(passed >= 2, "{results:#}");
    let configuration = out.join("work").display().to_string();
    let left = Command::new("pgrep").args(["-f", &configuration]).output();
    if let Ok(left) = left {
        assert!(
            left.stdout.is_empty(),
            "a product is left behind: {}",
            text(&left.stdout)
        );
    }
}

fn transcripts(out: &Path) -> usize {
    fs::read_dir(out.join("transcripts/reference-dms-1")).map_or(0, Iterator::count)
}

fn interrupted(child: Child) -> Output {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill is everywhere").success());
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_product_that_was_configured_by_hand_is_tested_with_its_certificates_where_it_is_reached() {
    let folder = TempDir::new().expect("a folder can be made");
    let certificates = folder.path().join("certificates");
    let names = ["--dms-1", "dms1.reference.test", "--host", "dms1host.test"];
    let written = dmconform(&[&["certs", "--out", certificates.to_str().unwrap()][..], &names].concat());
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    for entry in fs::read_dir(&certificates).expect("it was written") {
        let path = entry.expect("it can be read").path();
        assert!(is_private(&path), "{}", path.display());
    }
    // The product knows nothing but the files that were written then.
    let file = bundled("reference-dms-1")
        .replace("${tls.roots}", certificates.join("roots.pem").to_str().unwrap())
        .replace(
            "${tls.dms-1.certificate}",
            certificates.join("dms-1.pem").to_str().unwrap(),
        )
        .replace(
            "${tls.dms-1.key}",
            certificates.join("dms-1.key").to_str().unwrap(),
        );
    let file = file
        .replace("\"https://127.0.0.1:", "\"https://dms1host.test:")
        .replace("\nendpoints:", "\nhosts: {dms1host.test: 127.0.0.1}\nendpoints:");
    let scene = Scene::new("by-hand.yaml", &file);
    let only = [
        "--case",
        "DEL-DMS1-0-010",
        "--case",
        "DEL-DMS1-1-010.unknown-authority",
    ];
    let given = ["--certificates", certificates.to_str().unwrap()];
    let output = scene.run("by-hand.yaml", &[&only[..], &given].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    // With an authority of the run's own, the two do not know each other.
    let output = scene.run("by-hand.yaml", &only);
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn certificates_that_do_not_belong_together_are_refused_before_anything_starts() {
    let folder = TempDir::new().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["one", "other"] {
        assert_eq!(dmconform(&["certs", "--out", &path(name)]).status.code(), Some(0));
    }
    fs::copy(path("other/intermediate.key"), path("one/intermediate.key")).expect("it can be copied");
    let output = dmconform(&["run", "--certificates", &path("one"), "--out", &path("out")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("it is not the key of intermediate.pem"),
        "{}",
        text(&output.stderr)
    );
    assert!(!Path::new(&path("out")).exists());
}

#[test]
fn a_list_for_programs_names_each_case_with_its_roles_requirements_and_file() {
    let output = dmconform(&["list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let list = list.as_array().expect("it is an array");
    assert!(list.len() > 100);
    for case in list {
        for key in ["id", "title", "iut", "covers", "file"] {
            assert!(!case[key].is_null(), "{key}: {case}");
        }
    }
}

#[rstest]
#[case("explain_a_case", &["explain", "DEL-DMS1-8-030"])]
#[case("diagram_of_the_procedure", &["diagram"])]
#[case("diagram_of_a_case_as_mermaid", &["diagram", "DEL-DMS1-8-030", "--format", "mermaid"])]
fn what_is_derived_from_the_procedure_reads_like_this(#[case] name: &str, #[case] arguments: &[&str]) {
    let output = dmconform(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    insta::assert_snapshot!(name, text(&output.stdout));
}

#[test]
fn cases_of_ones_own_are_listed_explained_and_drawn() {
    let own = "id: DEL-DMS1-8-900\ntitle: A case of our own\npurpose: To be read.\ncovers: [DEL-8-2]\niut: dms-1\nexpect: [{step: 8}]\n";
    let scene = Scene::new("own.yaml", own);
    let path = scene.path("own.yaml");
    let commands: [&[&str]; 3] = [
        &["list"],
        &["explain", "DEL-DMS1-8-900"],
        &["diagram", "DEL-DMS1-8-900"],
    ];
    for command in commands {
        let output = dmconform(&[command, &["--cases", &path]].concat());
        let shown = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(shown.contains("A case of our own"), "{shown}");
    }
}

/// Products are told of their folders in texts.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;

    let folder = tempfile::tempdir().expect("a folder can be made");
    let name = std::ffi::OsString::from_vec(b"o\xFFt".to_vec());
    let mut command = program();
    command.args(["run", "--case", "DEL-BS-5-010", "--out"]);
    let output = command.arg(folder.path().join(name)).output();
    let output = output.expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("its path is not UTF-8"));
}
