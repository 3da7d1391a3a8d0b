//! Stored transcripts are judged as they were: the reference implementation without defects, and with one each.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]

use std::path::PathBuf;
use std::sync::Arc;

use dmconform_case::test_case::What;
use dmconform_judge::{Judge, Transcript, read, record_line};
use dmconform_model::{Event, Record, Verdict};
use rstest::rstest;

fn transcript(path: &PathBuf) -> Transcript {
    let text = std::fs::read_to_string(path).expect("the transcript is checked in");
    transcript_of(&text)
}

fn transcript_of(text: &str) -> Transcript {
    read(text).expect("the transcript is whole")
}

/// The transcripts of defects, each with the case that owns the defect.
#[rstest]
fn every_transcript_gets_its_verdict(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
    let name = path
        .file_stem()
        .expect("a transcript has a name")
        .to_string_lossy()
        .into_owned();
    let result = Judge::transcript(transcript(&path));
    let mut summary = format!("{} {}\n", result.id, result.verdict);
    for finding in &result.findings {
        let requirement = finding.requirement.as_ref().map_or("-", |id| id.0.as_str());
        let blame = finding.blame.map(|blame| blame.to_string()).unwrap_or_default();
        let see = finding
            .see
            .as_ref()
            .map(|see| format!(", see {see}"))
            .unwrap_or_default();
        let step = finding.step.map(|step| step.to_string()).unwrap_or_default();
        summary = format!(
            "{summary}{} {requirement}, step {step}, by {blame}, {}{see}\n",
            finding.verdict, finding.code
        );
    }
    summary = format!("{summary}{} checks held\n", result.checks.len());
    insta::assert_snapshot!(name, summary);
}

#[rstest]
fn judging_twice_gives_the_same_bytes(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
    let once = serde_json::to_string(&Judge::transcript(transcript(&path))).expect("a result is JSON");
    let again = serde_json::to_string(&Judge::transcript(transcript(&path))).expect("a result is JSON");
    assert_eq!(once, again);
}

/// Nobody passes or breaks a requirement that does not bind them.
#[rstest]
fn requirements_are_held_against_those_they_bind(
    #[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf,
) {
    let stored = transcript(&path);
    let requirements = stored.header.requirements.clone();
    let result = Judge::transcript(stored);
    for finding in &result.findings {
        let blame = finding.blame.map(|blame| blame.to_string());
        let binds = finding.requirement.as_ref().map(|id| &requirements[id].binds);
        let bound =
            binds.is_some_and(|binds| binds.iter().any(|role| Some(role.as_str()) == blame.as_deref()));
        assert!(bound || finding.verdict == Verdict::Inconclusive, "{finding:#?}");
    }
    for check in &result.checks {
        let binds = check.requirement.as_ref().map(|id| &requirements[id].binds);
        let bound = binds.is_none_or(|binds| binds.iter().any(|role| result.iut.contains(role)));
        assert!(bound, "{check:#?}");
    }
}

/// A defective message was refused because of its defect: the refusal of the last answer breaks nothing by itself.
#[test]
fn a_refused_completion_is_no_breach_of_the_server_that_refuses() {
    let path = PathBuf::from("../../fixtures/transcripts/wrong-session-id.jsonl");
    let result = Judge::transcript(transcript(&path));
    assert_eq!(result.verdict, Verdict::Inconclusive);
    assert!(
        result
            .findings
            .iter()
            .any(|finding| finding.verdict == Verdict::Warn)
    );
    assert!(
        result
            .reason
            .is_some_and(|reason| reason.contains("step 10 was not accepted"))
    );
}

/// The order rules of the procedure are what convicts: without its rule nothing is found wrong in the whole procedure.
#[rstest]
#[case("acl-before-bootstrap-complete", "DEL-8-3")]
#[case("bootstrap-complete-on-fetch", "DEL-7-3")]
#[case("complete-before-prepared", "DEL-10-2")]
#[case("prepared-before-acl-status", "DEL-9-2")]
fn without_its_order_rule_a_breach_goes_unseen(#[case] name: &str, #[case] requirement: &str) {
    let path = PathBuf::from(format!("../../fixtures/transcripts/{name}.jsonl"));
    let whole = |without: Option<&str>| {
        let mut stored = transcript(&path);
        stored.header.case.expect.truncate(1);
        stored.header.case.expect[0].what = What::Procedure;
        Arc::make_mut(&mut stored.header.procedure)
            .order
            .retain(|rule| Some(rule.requirement.0.as_str()) != without);
        let result = Judge::transcript(stored);
        result
            .findings
            .iter()
            .any(|finding| finding.requirement.as_ref().is_some_and(|id| id.0 == requirement))
    };
    assert!(whole(None), "the rule convicts");
    assert!(!whole(Some(requirement)), "nothing else does");
}

#[test]
fn a_message_that_merely_crossed_is_no_breach() {
    let path = PathBuf::from("../../fixtures/transcripts/good-dms-1.jsonl");
    let result = Judge::transcript(transcript(&path));
    assert_eq!(result.verdict, Verdict::Pass);
}

/// A transcript in which nothing happened proves nothing: never a vacuous pass.
#[rstest]
fn an_empty_transcript_is_inconclusive(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
    let mut stored = transcript(&path);
    stored.records.clear();
    assert_eq!(Judge::transcript(stored).verdict, Verdict::Inconclusive);
}

/// A part may look like a breach, or like a delegation without one: it is not judged.
#[rstest]
fn a_transcript_that_is_cut_at_a_line_end_is_refused(
    #[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf,
) {
    let text = std::fs::read_to_string(&path).expect("the transcript is checked in");
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let ends: Vec<usize> = ends.collect();
    let (whole, ends) = ends.split_last().expect("there are lines");
    assert_eq!(*whole, text.len());
    // Above all the last one: everything but the end itself is there.
    for (records, end) in ends.iter().enumerate().rev().step_by(7) {
        let judged = dmconform_judge::open(&text.as_bytes()[..*end]).and_then(Judge::stored);
        assert_eq!(
            judged.expect_err("it lacks its end").to_string(),
            format!(
                "read the transcript: it breaks off after record {records}, without the one that ends a case; run the case again, \
                 or find a whole copy"
            )
        );
    }
}

#[test]
fn what_follows_the_end_of_a_transcript_is_refused() {
    let path = PathBuf::from("../../fixtures/transcripts/good-dms-1.jsonl");
    let text = std::fs::read_to_string(path).expect("the transcript is checked in");
    let last = transcript_of(&text).records.len() as u64;
    let more = Record {
        seq: last + 1,
        at_us: 0,
        event: Event::ProductExited {
            reason: "too late".to_owned(),
        },
    };
    let error = read(&(text + &record_line(&more))).expect_err("it goes on");
    assert_eq!(
        error.to_string(),
        format!(
            "read line {} of the transcript: it follows the end of the case, and nothing belongs there; was the file edited?",
            last + 2
        )
    );
}

#[test]
fn a_window_shorter_than_the_product_reacts_credits_nothing() {
    let path = PathBuf::from("../../fixtures/transcripts/acl-before-bootstrap-complete.jsonl");
    let mut stored = transcript(&path);
    // Without the early write itself, the window alone would have to carry the verdict.
    stored.header.limits.reacts_within.milliseconds = 60_000;
    for record in &mut stored.records {
        let early = match &record.event {
            Event::ResponseReceived(response) => {
                String::from_utf8_lossy(&response.body.bytes).contains("prop=ACL")
            }
            _ => false,
        };
        if early {
            record.event = Event::ConnectionClosed {
                connection: 0,
                how: "taken out by the test".to_owned(),
            };
        }
    }
    assert_eq!(Judge::transcript(stored).verdict, Verdict::Inconclusive);
}

#[test]
fn a_damaged_transcript_is_an_error_with_its_line() {
    let path = PathBuf::from("../../fixtures/transcripts/good-dms-1.jsonl");
    let text = std::fs::read_to_string(path).expect("the transcript is checked in");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(5);
    let error = read(&lines.join("\n")).expect_err("a record is missing");
    assert_eq!(
        error.to_string(),
        "read line 6 of the transcript: record 6 follows where 5 should; lines were lost or moved"
    );
    assert!(read("").is_err());
    assert!(
        read("{}")
            .expect_err("that is no header")
            .to_string()
            .starts_with("read line 1 of the transcript as a header")
    );
}

/// What ends a case early must not end it before the last message, which here a mock role sends.
#[rstest]
#[case::of_dms_1("good-dms-1")]
#[case::of_dms_2("good-dms-2")]
fn a_whole_delegation_is_not_settled_before_its_last_message(#[case] name: &str) {
    let path = PathBuf::from(format!("../../fixtures/transcripts/{name}.jsonl"));
    let transcript = transcript(&path);
    let mut judge = Judge::new(transcript.header);
    for record in &transcript.records {
        judge.feed(record);
        // Between an answer and what was made of its credentials, these seem to be missing.
        let is_whole = judge.due().is_empty() || judge.failed();
        assert!(!judge.settled() || is_whole, "after record {}", record.seq);
    }
    assert!(judge.settled());
}
