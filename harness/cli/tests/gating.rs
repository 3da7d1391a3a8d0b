//! A run that gates a change: known failures, parts, what failed before, the first failure, attempts, annotations.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{fixtures, is_there};

/// What a command has come to.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A folder in which commands are run.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the folder can be written to");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn results(&self, run: &str) -> Value {
        serde_json::from_str(&self.read(&format!("{run}/results.json"))).expect("results are JSON")
    }

    /// The identifiers of the cases in a run.
    fn cases(&self, run: &str) -> Vec<String> {
        let results = self.results(run);
        let cases = results["cases"].as_array().expect("there is a list");
        cases
            .iter()
            .filter_map(|case| case["id"].as_str().map(str::to_owned))
            .collect()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path());
        for variable in [
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "GITHUB_STEP_SUMMARY",
            "GITHUB_WORKSPACE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    fn ended(&self, mut command: Command) -> Ended {
        let output = command.output().expect("the program starts");
        Ended {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn dmconform(&self, arguments: &str) -> Ended {
        self.ended(self.command(arguments))
    }
}

/// DMS-1 writes the ACLs too early: the first of these cases fails, the other passes.
const DEVIANT: &str =
    "run --role dms-1 --case DEL-DMS1-8-030 --case DEL-DMS1-8-010 --deviation acl-before-bootstrap-complete";

const KNOWN: &str = "known-failures:
  - case: DEL-DMS1-8-030
    requirement: DEL-8-3
    message: \"step 8 * not before step 7\"
    reason: The ACLs go out with the job queue.
    owner: protocol team
    expires: 9999-12-31
";

#[test]
fn a_known_failure_fails_no_run_and_is_in_every_report() {
    let folder = Folder::new();
    folder.write("known.yaml", KNOWN);
    let ended = folder.dmconform(&format!("{DEVIANT} --expectations known.yaml --out run"));
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.out.contains("fail (known)"), "{}", ended.out);
    assert!(
        ended.out.contains("nothing failed but what was known"),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("known DEL-DMS1-8-030"), "{}", ended.err);
    let results = folder.results("run");
    assert_eq!(results["summary"]["fail"], 1, "the verdict stays");
    assert_eq!(results["gate"]["known"][0]["case"], "DEL-DMS1-8-030");
    assert!(
        folder
            .read("run/junit.xml")
            .contains("<skipped message=\"known fail: The ACLs go out")
    );
    assert!(
        folder
            .read("run/summary.md")
            .contains("The ACLs go out with the job queue. (protocol team")
    );
    assert!(folder.read("run/report.html").contains("(known)"));
}

#[test]
fn what_is_not_as_the_file_says_fails_the_run_and_an_entry_can_be_pasted() {
    let folder = Folder::new();
    folder.write(
        "known.yaml",
        "known-failures:
  - {case: DEL-DMS1-8-010, reason: it failed, owner: protocol team, expires: 9999-12-31}
  - {case: DEL-DMS1-8-03O, reason: it failed, owner: protocol team, expires: 2026-01-01}
  - {case: DEL-DMS1-4-*, reason: it fails, owner: protocol team, expires: 9999-12-31}
",
    );
    let ended = folder.dmconform(&format!("{DEVIANT} --expectations known.yaml --out run --quiet"));
    assert_eq!(ended.code, Some(1));
    for said in [
        "DEL-DMS1-8-010 [reference-dms-1]: the known failure did not happen: it passed",
        "entry: known.yaml:2:12",
        "this was expected until 2026-01-01",
        "no case has this name; did you mean `DEL-DMS1-8-030`?",
        "1 known failure is about what was not selected",
    ] {
        assert!(ended.out.contains(said), "{said}\n{}", ended.out);
    }
    let entry: Vec<&str> = ended
        .out
        .lines()
        .skip_while(|line| !line.starts_with("  - case:"))
        .take_while(|line| !line.is_empty())
        .collect();
    folder.write("known.yaml", &format!("known-failures:\n{}\n", entry.join("\n")));
    let ended = folder.dmconform("check known.yaml");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let ended = folder.dmconform(&format!("{DEVIANT} --expectations known.yaml --out again"));
    assert_eq!(ended.code, Some(0), "{entry:?}\n{}", ended.out);
}

#[test]
fn a_file_of_known_failures_without_an_owner_is_refused_where_it_stands() {
    let folder = Folder::new();
    folder.write("known.yaml", &KNOWN.replace("    owner: protocol team\n", ""));
    for command in ["check known.yaml", "run --expectations known.yaml --out run"] {
        let ended = folder.dmconform(command);
        assert_eq!(ended.code, Some(2), "{command}");
        assert!(
            ended.err.contains("cannot find `owner`\n --> known.yaml:2:5"),
            "{}",
            ended.err
        );
    }
    assert!(!folder.path("run").exists());
}

#[test]
fn parts_are_disjoint_and_merge_into_the_whole() {
    let folder = Folder::new();
    // The second entry is about a case that no part has.
    folder.write(
        "known.yaml",
        &format!("{KNOWN}  - {{case: DEL-DMS2-1-*, reason: r, owner: o, expires: 9999-12-31}}\n"),
    );
    let select = "run --role dms-1 --case DEL-DMS1-8-01* --case DEL-DMS1-8-03[0-4] --expectations known.yaml";
    let run = format!("{select} --deviation acl-before-bootstrap-complete");
    let mut cases = Vec::new();
    for part in ["1", "2", "3"] {
        let ended = folder.dmconform(&format!("{run} --shard {part}/3 --out part-{part}"));
        assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.err);
        assert!(!folder.cases(&format!("part-{part}")).is_empty());
        cases.extend(folder.cases(&format!("part-{part}")));
    }
    let ended = folder.dmconform("report merge part-1 part-2 --out whole");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("part 3/3 is missing"), "{}", ended.err);
    let ended = folder.dmconform("report merge part-1 part-2 part-2 --out whole");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("are both part 2/3"), "{}", ended.err);
    let ended = folder.dmconform("report merge part-1 part-2 part-3 --out whole");
    assert_eq!(ended.code, Some(1), "DEL-DMS1-8-032 fails, too");
    cases.sort();
    let mut whole = folder.cases("whole");
    whole.sort();
    assert_eq!(whole, cases);
    whole.dedup();
    assert_eq!(whole.len(), cases.len(), "each is there once");
    let gate = &folder.results("whole")["gate"];
    assert_eq!(gate["known"].as_array().map(Vec::len), Some(1), "{gate}");
    assert!(folder.read("whole/report.html").contains("(known)"));
}

#[test]
fn several_processes_run_the_parts_and_the_merge_says_what_they_come_to() {
    let folder = Folder::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci/shell/run-in-parts");
    let in_parts = |arguments: &str| {
        let ended = Command::new("sh")
            .arg(&script)
            .args(arguments.split_whitespace())
            .env("DMCONFORM", env!("CARGO_BIN_EXE_dmconform"))
            .current_dir(folder.0.path())
            .output()
            .expect("the shell starts");
        let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        (ended.status.code(), said)
    };
    let select = "--role dms-1 --case DEL-DMS1-8-01* --case DEL-DMS1-8-03[0-4]";
    let (code, said) = in_parts(&format!("3 good {select}"));
    assert_eq!(code, Some(0), "{said}");
    let mut cases = folder.cases("good/whole");
    cases.sort();
    folder.dmconform(&format!("run {select} --out alone"));
    let mut alone = folder.cases("alone");
    alone.sort();
    assert_eq!(cases, alone);

    let (code, said) = in_parts(&format!(
        "2 bad {select} --deviation acl-before-bootstrap-complete"
    ));
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = in_parts("2 wrong --no-such-option");
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("part 1 left no results") && said.contains("--no-such-option"),
        "{said}"
    );
}

#[test]
fn a_part_without_cases_is_no_success_and_says_why() {
    let folder = Folder::new();
    let ended = folder.dmconform("run --case DEL-DMS1-8-030 --shard 1/5 --out part");
    assert_eq!(ended.code, Some(4), "{}", ended.out);
    assert!(
        ended.err.contains("no selected case belongs to part 1/5"),
        "{}",
        ended.err
    );
    assert_eq!(folder.results("part")["run"]["shard"]["number"], 1);
    let ended = folder.dmconform("run --shard 6/5");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("such as `2/5`"), "{}", ended.err);
}

#[test]
fn what_failed_is_run_again_and_nothing_else() {
    let folder = Folder::new();
    assert_eq!(folder.dmconform(&format!("{DEVIANT} --out first")).code, Some(1));
    let ended = folder.dmconform("run --rerun-failed first --out second");
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.err.contains("1 of 2 cases are run again"), "{}", ended.err);
    assert_eq!(folder.cases("second"), ["DEL-DMS1-8-030"]);
    let ended = folder.dmconform("run --rerun-failed second --out third");
    assert_eq!(ended.code, Some(4));
    assert!(ended.err.contains("nothing failed in `second`"), "{}", ended.err);
    let other = fixtures().join("reference-dm-client.yaml");
    let ended = folder.dmconform(&format!(
        "run --rerun-failed first --implementation {}",
        other.display()
    ));
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .err
            .contains("reference-dms-1 (dmconform reference implementation 0.1) is not among the products"),
        "{}",
        ended.err
    );
}

#[test]
fn after_the_first_failure_no_other_case_begins() {
    let folder = Folder::new();
    let select = "run --case DEL-DMS1-8-010 --case DEL-DMS1-8-03[02] --jobs 1 --fail-fast";
    let run = format!("{select} --deviation acl-before-bootstrap-complete");
    let ended = folder.dmconform(&format!("{run} --out run"));
    assert_eq!(ended.code, Some(1));
    let results = folder.results("run");
    let by = results["run"]["stopped_by"]["case"]
        .as_str()
        .expect("one has stopped it");
    assert!(
        ended.out.contains(&format!(
            "stopped early: at the failure of {by} [reference-dms-1]"
        )),
        "{}",
        ended.out
    );
    // Both would fail; which of them is first is open.
    let other = match by {
        "DEL-DMS1-8-030" => "DEL-DMS1-8-032",
        _ => "DEL-DMS1-8-030",
    };
    let not_run = results["not_run"].to_string();
    assert!(not_run.contains(other) && !not_run.contains(by), "{not_run}");
    assert!(!folder.cases("run").contains(&other.to_owned()));
    // What was known stops nothing: the next one does.
    folder.write("known.yaml", KNOWN);
    folder.dmconform(&format!("{run} --expectations known.yaml --out known"));
    assert_eq!(
        folder.results("known")["run"]["stopped_by"]["case"],
        "DEL-DMS1-8-032"
    );
}

/// The reference implementation with a trigger that does nothing at first.
fn forgetful(folder: &Folder) {
    let file = fixtures().join("reference-dms-1.yaml");
    let text = fs::read_to_string(file).expect("the file is there");
    let at = text.find("  start-delegation:").expect("it has a trigger");
    let end = text.find("limits:").expect("it has limits");
    let trigger = r#"  start-delegation:
    command:
      command:
        - sh
        - -c
        - |
          if [ -e "${work}/asked" ]; then
            curl --fail --silent --show-error "http://127.0.0.1:${port.management}/delegations" --data '{"device": "${device}", "manufacturer": "${manufacturer}", "model": "${model}", "peer": "${peer}", "tree": ${tree}, "type": "${type}", "remove-account": ${remove-account}, "session": "${session}"}'
          else
            touch "${work}/asked"
          fi
"#;
    let limits = "limits: {reacts-within: 300ms, window: 400ms, step-deadline: 1s}\n";
    assert!(text[end..].lines().count() == 1, "limits are last");
    folder.write("product.yaml", &format!("{}{trigger}{limits}", &text[..at]));
}

#[test]
fn a_case_that_passes_at_its_second_attempt_is_flaky() {
    if !is_there("curl", "a trigger that works the second time only") {
        return;
    }
    let folder = Folder::new();
    forgetful(&folder);
    let run = "run --implementation product.yaml --case DEL-DMS1-8-010 --retries 3 --out run";
    let ended = folder.dmconform(run);
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.out, ended.err);
    assert!(
        ended.out.contains("(flaky)") && ended.out.contains("1 of these flaky"),
        "{}",
        ended.out
    );
    let results = folder.results("run");
    let attempts = results["cases"][0]["attempts"]
        .as_array()
        .expect("all attempts are there");
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!(attempts[1]["verdict"], "pass");
    assert_ne!(results["cases"][0]["verdict"], "pass");
    for attempt in attempts {
        let transcript = attempt["transcript"].as_str().expect("it has a transcript");
        let ended = folder.dmconform(&format!("judge run/{transcript}"));
        let judged: Value = serde_json::from_str(&ended.out).expect("a result is JSON");
        assert_eq!(judged["verdict"], attempt["verdict"], "{transcript}");
    }
    assert!(folder.read("run/junit.xml").contains("<flaky"));
}

#[test]
fn annotations_lead_to_the_users_case_and_no_product_can_forge_them() {
    let folder = Folder::new();
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../cases/step-08/acl-waits-for-bootstrap-complete.yaml");
    let text = fs::read_to_string(case).expect("the case is there");
    fs::create_dir(folder.path("cases")).expect("a folder can be made");
    folder.write(
        "cases/own.yaml",
        &text.replace("DEL-DMS1-8-030", "DEL-DMS1-8-930"),
    );
    let mut command = folder.command(
        "run --cases cases --case DEL-DMS1-8-?30 --deviation acl-before-bootstrap-complete --format github --out run",
    );
    command.env("GITHUB_STEP_SUMMARY", folder.path("summary.md"));
    folder.write("summary.md", "before\n");
    let ended = folder.ended(command);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    let token = lines[0]
        .strip_prefix("::stop-commands::")
        .expect("the first line stops commands");
    let end = lines.iter().position(|line| *line == format!("::{token}::"));
    let annotations = &lines[end.expect("commands are resumed") + 1..];
    assert_eq!(annotations.len(), 2, "{annotations:?}");
    assert!(
        annotations.iter().all(|line| line.starts_with("::error ")),
        "{annotations:?}"
    );
    let own = "::error file=cases/own.yaml,line=10,col=5,title=fail DEL-DMS1-8-930 [reference-dms-1]::requirement: DEL-8-3";
    assert!(
        annotations.iter().any(|line| line.starts_with(own)),
        "{annotations:?}"
    );
    assert!(
        annotations
            .iter()
            .any(|line| line.starts_with("::error title=fail DEL-DMS1-8-030 [")),
        "{annotations:?}"
    );
    assert!(folder.read("summary.md").starts_with("before\n# dmconform run "));
}

#[rstest]
#[case::forced("", &[("CLICOLOR_FORCE", "1")], true)]
#[case::forbidden("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false)]
#[case::asked_for_all_the_same("--color always", &[("NO_COLOR", "1")], true)]
fn colours_are_shown_where_they_are_wanted(
    #[case] option: &str,
    #[case] variables: &[(&str, &str)],
    #[case] coloured: bool,
) {
    let folder = Folder::new();
    let mut command = folder.command(&format!("run --case DEL-DMS1-8-010 {option} --out run"));
    command.envs(variables.iter().copied());
    let ended = folder.ended(command);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.out.contains("\u{1b}[32mpass"), coloured, "{:?}", ended.out);
    assert_eq!(ended.err.contains('\u{1b}'), coloured, "{:?}", ended.err);
}

#[test]
fn a_quiet_run_says_one_line_and_programs_get_an_object_for_each_event() {
    let folder = Folder::new();
    let ended = folder.dmconform("run --case DEL-DMS1-8-010 --quiet --out quiet");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.out.lines().count(), 1, "{}", ended.out);
    let ended = folder.dmconform("run --case DEL-DMS1-8-010 --log-format json --quiet --out log");
    let events: Vec<Value> = ended
        .err
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is an object"))
        .collect();
    let names: Vec<&String> = events
        .iter()
        .filter_map(|event| event.as_object()?.keys().next())
        .collect();
    assert_eq!(
        names,
        [
            "run-started",
            "target-starting",
            "target-ready",
            "case-started",
            "case-finished",
            "run-finished"
        ]
    );
    assert_eq!(events[5]["run-finished"], folder.results("log"));
}

/// What this project cannot look at itself.
#[test]
fn actionlint_has_nothing_to_say_about_the_workflow() {
    if Command::new("actionlint").arg("-version").output().is_err() {
        // Written past the test framework, which would keep it to itself.
        let skipped = "skipped: actionlint is not installed (the workflow in docs/ci/github)\n";
        let _ = std::io::stderr().write_all(skipped.as_bytes());
        return;
    }
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci/github");
    let folder = Folder::new();
    for (file, place) in [
        ("workflow.yml", ".github/workflows/conformance.yml"),
        ("action.yml", ".github/actions/dmconform/action.yml"),
    ] {
        let place = folder.path(place);
        fs::create_dir_all(place.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::copy(ready.join(file), place).expect("a file can be copied");
    }
    // By this it finds where the repository begins.
    fs::create_dir(folder.path(".git")).expect("a folder can be made");
    let output = Command::new("actionlint")
        .current_dir(folder.path("."))
        .output()
        .expect("actionlint starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
