//! What people and programs read of a run: stored transcripts are judged, and the results written in every format.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use dmconform_model::result::Problem;
use dmconform_model::{CaseId, CaseResult, Role, RunRecord, Verdict};
use dmconform_report::Ladders;
use dmconform_report::terminal::{self, Style};
use dmconform_report::{json, junit, markdown};

use crate::common::{judged, run, target, transcript, xmllint};

const PLAIN: Style = Style {
    colour: false,
    width: 90,
};

/// A run with every verdict in it, and everything that can go wrong around the cases.
fn record() -> RunRecord {
    let not_applicable = CaseResult {
        id: CaseId("DEL-DMS1-9-900".to_owned()),
        verdict: Verdict::NotApplicable,
        reason: Some("the product does not claim it".to_owned()),
        findings: Vec::new(),
        checks: Vec::new(),
        observed: Vec::new(),
        ..judged("good-dms-1", "acme-dms-1")
    };
    let cases = vec![
        judged("good-dms-1", "acme-dms-1"),
        judged("acl-before-bootstrap-complete", "acme-dms-1"),
        judged("points-to-the-owner", "acme-dms-1"),
        not_applicable,
        judged("repeats-as-second-step", "acme-dms-2"),
    ];
    let targets = vec![
        target("acme-dms-1", &[Role::Dms1]),
        target("acme-dms-2", &[Role::Dms2]),
        target("broken", &[Role::DmClient]),
    ];
    RunRecord {
        problems: vec![Problem {
            implementation: "broken".to_owned(),
            message: "get `product` ready: it ended with exit status: 3 before it listened at 127.0.0.1:7"
                .to_owned(),
            output: "reading configuration\n\u{1b}[31mno licence\u{1b}[0m".to_owned(),
        }],
        ..run(cases, targets)
    }
}

/// The ladder of the case in it that failed first.
fn ladders() -> Ladders {
    let transcript = transcript("acl-before-bootstrap-complete");
    let key = ("acme-dms-1".to_owned(), transcript.header.case.id.clone());
    Ladders::from([(key, dmconform_judge::ladder(&transcript))])
}

#[test]
fn a_terminal_shows_the_tables_then_every_finding_then_the_counts() {
    insta::assert_snapshot!(terminal::summary(&record(), PLAIN));
}

#[test]
fn colour_marks_verdicts_and_nothing_else() {
    let plain = terminal::summary(&record(), PLAIN);
    let coloured = terminal::summary(
        &record(),
        Style {
            colour: true,
            ..PLAIN
        },
    );
    let mut stripped = coloured.clone();
    for code in ["31", "32", "33", "35", "2", "0"] {
        stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_ne!(plain, coloured);
    assert_eq!(plain, stripped);
    assert!(coloured.contains("\u{1b}[31mfail\u{1b}[0m"));
}

#[test]
fn a_pull_request_shows_the_summary() {
    insta::assert_snapshot!(markdown::write(&record(), &ladders()));
}

#[test]
fn a_ci_server_reads_failures_errors_and_skips_apart() {
    let xml = String::from_utf8(junit::write(&record()).expect("it can be written")).expect("it is UTF-8");
    insta::assert_snapshot!(xml);
}

/// What Jenkins would say to it; the schema is written from the elements and attributes that its plugin knows.
#[test]
fn jenkins_takes_the_file() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jenkins.xsd");
    let xml = junit::write(&record()).expect("it can be written");
    let Some((is_valid, said)) = xmllint(schema, &xml) else {
        return;
    };
    assert!(is_valid, "{said}");
    // And it would notice: cases had properties once.
    let text = String::from_utf8(xml).expect("it is UTF-8");
    let with_properties = text.replacen("<failure", "<properties/><failure", 1);
    assert_ne!(text, with_properties);
    let checked = xmllint(schema, with_properties.as_bytes());
    assert!(checked.is_some_and(|(is_valid, _)| !is_valid));
}

#[test]
fn a_program_reads_back_what_was_written() {
    let record = record();
    let read: RunRecord = serde_json::from_str(&json::write(&record)).expect("it is a run record");
    assert_eq!(read, record);
    let values: serde_json::Value = serde_json::from_str(&json::write(&record)).expect("it is JSON");
    // What the first users' scripts rely on.
    for key in [
        "id",
        "title",
        "iut",
        "verdict",
        "covers",
        "findings",
        "duration_ms",
    ] {
        assert!(values["cases"][1].get(key).is_some(), "{key}");
    }
    for key in ["requirement", "step", "blame", "expected", "observed", "evidence"] {
        assert!(values["cases"][1]["findings"][0].get(key).is_some(), "{key}");
    }
    assert_eq!(values["summary"]["fail"], 1);
}

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../reports/schema/results.schema.json"
);

#[test]
fn the_published_schemas_are_current() {
    let folder = Path::new(SCHEMA).parent().expect("it is in a folder");
    for (name, schema) in json::schemas() {
        let published = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            published == schema,
            "{name} is not what the types say; run `cargo run -p dmconform-report --example write-schema`"
        );
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("a schema is JSON");
        // An event is one of several, each described where it stands.
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            assert!(value.get("description").is_some(), "{key} in {name}");
        }
    }
}

/// What a validator of another make says.
const VALIDATE: &str = "import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
errors = list(jsonschema.Draft202012Validator(schema).iter_errors(json.load(sys.stdin)))
print(len(errors), [error.message[:200] for error in errors[:3]])";

#[test]
fn results_are_what_the_schema_says() {
    let (eventful, _) = crate::common::eventful();
    for record in [record(), eventful] {
        let written = json::write(&record);
        let Some(said) = validated(&written) else {
            return;
        };
        assert_eq!(said, "0 []");
        let mut broken: serde_json::Value = serde_json::from_str(&written).expect("it is JSON");
        broken["cases"][0]["verdict"] = serde_json::json!("passed");
        let said = validated(&broken.to_string()).unwrap_or_default();
        assert!(said.starts_with("1 "), "{said}");
    }
}

/// What the validator says; nothing where there is none.
fn validated(results: &str) -> Option<String> {
    let has_validator = |python: &&str| {
        let found = Command::new(python)
            .args(["-c", "import jsonschema; jsonschema.Draft202012Validator"])
            .stderr(Stdio::null())
            .status();
        found.is_ok_and(|status| status.success())
    };
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(has_validator) else {
        let skipped = "skipped: jsonschema for python3 not installed";
        assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
        // Written past the test framework, which would keep it to itself.
        let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
        return None;
    };
    let mut child = Command::new(python)
        .args(["-c", VALIDATE, SCHEMA])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was there just now");
    let mut input = child.stdin.take().expect("standard input is a pipe");
    input
        .write_all(results.as_bytes())
        .expect("the program reads its input");
    drop(input);
    let output = child.wait_with_output().expect("its output is readable");
    assert!(output.status.success(), "the validator did not run");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What a product sends reaches no terminal, parser or page as such.
#[test]
fn what_a_product_says_stays_text_everywhere() {
    let hostile = "\u{1b}[2J</failure>]]>\0\u{202e}<script>alert(1)</script> | `x` **y**\n# heading";
    let mut record = record();
    record.cases[1].findings[0].observed = hostile.to_owned();
    record.cases[1].reason = Some(hostile.to_owned());
    record.cases[1].title = hostile.to_owned();
    record.problems[0].output = hostile.to_owned();
    record.strays = vec![hostile.to_owned()];
    for text in [
        terminal::summary(&record, PLAIN),
        markdown::write(&record, &ladders()),
    ] {
        assert!(!text.contains('\u{1b}') && !text.contains('\0') && !text.contains('\u{202e}'));
        assert!(!text.contains("\n# heading"));
    }
    // The last output of a product stands in a block of code, where nothing is markup.
    let page = markdown::write(&record, &ladders());
    let is_markup = |line: &&str| !line.starts_with("    ");
    assert!(
        page.lines()
            .filter(is_markup)
            .all(|line| !line.contains("<script>"))
    );
    let xml = String::from_utf8(junit::write(&record).expect("it can be written")).expect("it is UTF-8");
    assert!(!xml.contains("<script>") && !xml.contains('\u{1b}'));
}

#[test]
fn nothing_run_is_said_to_be_nothing() {
    let record = RunRecord {
        cases: Vec::new(),
        problems: Vec::new(),
        ..record()
    };
    assert_eq!(record.exit_code(), 4);
    assert!(terminal::summary(&record, PLAIN).contains("nothing was run; nothing was judged"));
}

/// GitHub takes comments of at most 65,536 characters, and leaves longer ones.
#[test]
fn the_summary_of_a_large_run_fits_a_comment() {
    let bad = judged("acl-before-bootstrap-complete", "acme-dms-1");
    let cases = (0..2000).map(|number| CaseResult {
        id: CaseId(format!("DEL-DMS1-8-{number:04}")),
        ..bad.clone()
    });
    let record = run(cases.collect(), vec![target("acme-dms-1", &[Role::Dms1])]);
    let page = markdown::write(&record, &ladders());
    assert!(page.len() < 65_536, "{} octets", page.len());
    assert!(
        page.contains("the findings of") && page.contains("`report.html` and `results.json` have everything")
    );
    assert!(page.contains("2000 fail"));
}
