//! What CI reads of a run: known failures, attempts, parts, annotations.

use dmconform_model::gate::{Entry, KnownFailure, KnownVerdict, Missing};
use dmconform_model::result::Attempt;
use dmconform_model::{CaseId, CaseOf, CaseResult, Gate, Place, Role, RunRecord, Shard, Verdict};
use dmconform_report::github::{self, Files};
use dmconform_report::merging::merge;
use dmconform_report::terminal::{self, Style};
use dmconform_report::{Ladders, gate, html, junit, markdown};

use crate::common::{judged, run, target};

const PLAIN: Style = Style {
    colour: false,
    width: 90,
};

fn known(case: &str, line: u32) -> KnownFailure {
    KnownFailure {
        case: case.to_owned(),
        implementation: None,
        verdict: KnownVerdict::Fail,
        requirement: None,
        message: None,
        reason: "the job queue | is <slow>".to_owned(),
        owner: "protocol team".to_owned(),
        link: Some("https://example.invalid/17".to_owned()),
        expires: "2026-12-31".parse().expect("it is a day"),
        place: Place {
            file: "ci/known.yaml".to_owned(),
            line,
            column: 5,
        },
    }
}

fn entry(known: KnownFailure) -> Entry {
    Entry {
        known,
        expired: false,
        happened: Vec::new(),
        missing: Vec::new(),
        unused: None,
    }
}

fn attempts(verdicts: &[Verdict], id: &CaseId) -> Vec<Attempt> {
    let numbered = verdicts.iter().enumerate();
    numbered
        .map(|(number, verdict)| Attempt {
            verdict: *verdict,
            reason: (*verdict != Verdict::Pass).then(|| "the client did not come".to_owned()),
            transcript: format!("transcripts/acme/{id}.attempt-{}.jsonl", number + 1),
            duration_ms: 250,
        })
        .collect()
}

/// One failure that is known, one that is not, one that is flaky, one that failed twice, and a file that is not all right.
fn record() -> RunRecord {
    let mut flaky = judged("sends-plaintext", "acme");
    flaky.attempts = attempts(&[Verdict::Inconclusive, flaky.verdict, Verdict::Pass], &flaky.id);
    let mut twice = judged("ignores-acl", "acme");
    twice.attempts = attempts(&[twice.verdict, Verdict::Inconclusive], &twice.id);
    let cases = vec![
        judged("good-dms-1", "acme"),
        judged("acl-before-bootstrap-complete", "acme"),
        judged("points-to-the-owner", "acme"),
        flaky,
        twice,
    ];
    let of = |case: &CaseResult| CaseOf::result(case);
    let mut happened = entry(known("DEL-DMS1-8-030", 2));
    happened.happened.push(of(&cases[1]));
    let mut missing = entry(known("DEL-DMS1-0-*", 9));
    missing.missing.push(Missing {
        case: of(&cases[0]),
        instead: "it passed".to_owned(),
    });
    let mut over = entry(known("DEL-DMS1-4-04O", 16));
    over.expired = true;
    over.unused = Some("no case has this name; did you mean `DEL-DMS1-4-040`?".to_owned());
    let gate = Gate {
        day: "2026-11-28".parse().expect("it is a day"),
        known: vec![of(&cases[1])],
        entries: vec![happened, missing, over, entry(known("DEL-DMS2-1-010", 23))],
    };
    let mut record = run(cases, vec![target("acme", &[Role::Dms1])]);
    record.run.cancelled = false;
    record.run.selection = vec!["--role dms-1".to_owned()];
    record.run.shard = Some(Shard { number: 2, of: 5 });
    record.run.stopped_by = Some(of(&record.cases[2]));
    record.not_run = vec![CaseOf {
        implementation: "acme".to_owned(),
        case: CaseId("DEL-DMS1-9-010".to_owned()),
    }];
    record.gate = Some(gate);
    record
}

fn files() -> Files {
    Files {
        own: vec![
            "ci/known.yaml".to_owned(),
            "/repository/cases/own, with: signs.yaml".to_owned(),
        ],
        workspace: Some("/repository".to_owned()),
    }
}

#[test]
fn a_terminal_shows_what_was_known_in_a_line_and_what_was_not_with_an_entry_to_paste() {
    insta::assert_snapshot!(terminal::brief(&record(), PLAIN));
}

#[test]
fn a_page_a_summary_and_a_table_mark_what_was_known_and_what_is_flaky() {
    let record = record();
    let table = terminal::table(&record, PLAIN);
    let summary = markdown::write(&record, &Ladders::new());
    let page = html::write(&record, &Ladders::new());
    for text in [&table, &summary] {
        assert!(
            text.contains("fail (known)") && text.contains("fail (flaky)"),
            "{text}"
        );
    }
    for part in [
        "the job queue \\| is &lt;slow&gt; (protocol team, until 2026-12-31",
        "the known failure did not happen: it passed",
        "1 of these known; 1 of these flaky; 1 not run",
        "Part: 2/5",
        "Stopped early: at the failure of",
        "- **attempts**: inconclusive, fail, pass",
    ] {
        assert!(summary.contains(part), "{part}\n{summary}");
    }
    for part in [
        "(known)",
        "(flaky)",
        "the job queue | is &lt;slow&gt; (protocol team, until 2026-12-31",
        "the known failure did not happen: it passed",
        "<dt>stopped early</dt>",
        "<dt>attempts</dt>",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_ci_server_skips_what_was_known_and_counts_what_is_flaky_or_not_as_the_file_says() {
    let xml = junit::write(&record()).expect("it can be written");
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jenkins.xsd");
    if let Some((is_valid, said)) = crate::common::xmllint(schema, &xml) {
        assert!(is_valid, "{said}");
    }
    insta::assert_snapshot!(String::from_utf8(xml).expect("it is UTF-8"));
}

#[test]
fn a_flaky_case_that_is_allowed_is_a_success_with_its_attempts() {
    let mut record = record();
    record.run.allow_flaky = true;
    let xml = String::from_utf8(junit::write(&record).expect("it can be written")).expect("it is UTF-8");
    assert_eq!(xml.matches("<flakyFailure").count(), 1, "{xml}");
    assert!(!xml.contains("type=\"flaky\""), "{xml}");
}

#[test]
fn annotations_say_what_failed_where_it_is_the_users_own() {
    let mut record = record();
    let case = &mut record.cases[2];
    case.file = "/repository/cases/own, with: signs.yaml".to_owned();
    for finding in &mut case.findings {
        if let Some(place) = &mut finding.place {
            case.file.clone_into(&mut place.file);
        }
        finding.observed = "50 % of it\r\n::error::forged".to_owned();
    }
    let annotations = github::annotations(&record, &files());
    insta::assert_snapshot!(annotations);
    assert!(annotations.lines().all(|line| line.starts_with("::")));
}

#[test]
fn annotations_are_no_more_than_are_shown() {
    let mut record = record();
    record.gate = None;
    let case = record.cases[2].clone();
    record.cases = (0..40)
        .map(|number| CaseResult {
            id: CaseId(format!("DEL-DMS1-4-{number:03}")),
            ..case.clone()
        })
        .collect();
    let findings: usize = record.cases.iter().map(|case| case.findings.len()).sum();
    let annotations = github::annotations(&record, &files());
    let lines: Vec<&str> = annotations.lines().collect();
    assert_eq!(lines.len(), 10);
    let said = format!("title={} more::", findings - 9);
    assert!(lines[9].contains(&said), "{}", lines[9]);
}

#[test]
fn entries_to_paste_hold_what_does_not_differ_from_run_to_run() {
    let mut record = record();
    record.cases[2].findings[0].expected = "9/session = `session-5eed-1`, in \u{202e}one".to_owned();
    record.cases[2].id = CaseId("ODD: #1 \"x\"".to_owned());
    let text = gate::to_paste(&record).expect("something failed");
    assert!(
        text.contains("  - case: \"ODD: #1 \\\"x\\\"\"\n    implementation: acme\n"),
        "{text}"
    );
    assert!(text.contains("    expires: 2026-12-28\n"), "{text}");
    assert!(!text.contains("DEL-DMS1-8-030"), "it is known: {text}");
    assert!(
        text.contains("    message: \"9/session = `*`, in \\u202eone\"\n"),
        "{text}"
    );
    record.gate = None;
    assert_eq!(gate::to_paste(&record), None);
}

#[test]
fn parts_are_merged_when_all_are_there_each_once() {
    let part = |number| {
        let mut part = record();
        part.run.id = format!("run-{number}");
        part.run.shard = Some(Shard { number, of: 3 });
        part.cases.truncate(1);
        part.cases[0].id = CaseId(format!("CASE-{number}"));
        part.not_run[0].case = CaseId(format!("LEFT-{number}"));
        part
    };
    let whole = merge(&[part(2), part(3), part(1)]).expect("they are all there");
    assert_eq!((whole.run.shard, whole.cases.len()), (None, 3));
    assert_eq!(whole.not_run.len(), 3);
    let said = |parts: &[RunRecord]| merge(parts).expect_err("they are not the whole").to_string();
    assert_eq!(
        said(&[part(1), part(3)]),
        "merge the runs: part 2/3 is missing, and without it nothing is known of the whole; name its directory, too"
    );
    assert_eq!(
        said(&[part(1), part(2), part(2)]),
        "merge the runs: `run-2` and `run-2` are both part 2/3; leave one of them out"
    );
    let mut of_four = part(3);
    of_four.run.shard = Some(Shard { number: 3, of: 4 });
    assert!(said(&[part(1), of_four]).contains("into how many parts they are divided"));
    let mut other = part(2);
    other.run.selection.clear();
    assert!(said(&[part(1), other]).contains("which cases were selected"));
    let mut other = part(2);
    other.gate = None;
    assert!(said(&[part(1), other]).contains("the failures that were known"));
}

#[test]
fn what_makes_a_run_fail_is_said_and_nothing_else() {
    let headline = |record: &RunRecord| {
        let summary = markdown::write(record, &Ladders::new());
        summary.lines().nth(2).unwrap_or_default().to_owned()
    };
    let mut inconclusive = judged("good-dms-1", "acme");
    inconclusive.verdict = Verdict::Inconclusive;
    let mut mended = run(vec![inconclusive.clone()], vec![target("acme", &[Role::Dms1])]);
    let mut over = entry(known("DEL-DMS1-0-*", 9));
    over.missing.push(Missing {
        case: CaseOf::result(&inconclusive),
        instead: "it passed".to_owned(),
    });
    mended.gate = Some(Gate {
        day: "2026-11-28".parse().expect("it is a day"),
        known: Vec::new(),
        entries: vec![over],
    });
    assert_eq!(mended.exit_code(), 1);
    let said = headline(&mended);
    assert!(
        said.starts_with("The known failures are not as their file says"),
        "{said}"
    );

    let mut flaky = judged("good-dms-1", "acme");
    flaky.attempts = attempts(&[Verdict::Inconclusive, Verdict::Pass], &flaky.id);
    let record = run(vec![flaky, inconclusive], vec![target("acme", &[Role::Dms1])]);
    assert_eq!(record.exit_code(), 1);
    let said = headline(&record);
    assert!(
        said.starts_with("At least one case passed at a later attempt only"),
        "{said}"
    );
}
