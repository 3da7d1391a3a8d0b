//! What somebody who may sign can do, and what is refused all the same.

use std::fs;

use dmconform_bundle::{Refusal, Trust, names, seal, sha256, unpack, verify};
use dmconform_case::implementation::{Limits, Supports};
use dmconform_case::stated::stated;
use dmconform_model::result::{Attempt, Claim};
use dmconform_model::{CaseId, CaseOf, Date, Gate, RunRecord, Verdict};
use rstest::rstest;
use serde_json::Value;

use super::forger::{Forger, refused, signed_by_hand};
use super::lab::{CASE, LAB, dmconform, lab_key, text};

#[test]
fn a_forger_who_changes_nothing_makes_a_bundle_that_is_true() {
    let verified = verify(&Forger::new().sealed(), &Trust::Anybody);
    verified.expect("what is in it is true");
}

#[test]
fn a_case_that_was_left_out_is_missed_whoever_signs() {
    let mut forger = Forger::new();
    forger.leave_out(CASE);
    let missed = CaseId(CASE.to_owned());
    assert_eq!(refused(&forger.signed()), Refusal::PartialSelection(missed));
}

#[test]
fn a_case_that_was_said_not_to_apply_is_missed_whoever_signs() {
    let mut forger = Forger::new();
    forger.files.remove(&format!("transcripts/acme/{CASE}.jsonl"));
    forger.say(Verdict::NotApplicable);
    assert_eq!(refused(&forger.signed()).code(), "partial-selection");
}

#[rstest]
#[case(Verdict::Fail)]
#[case(Verdict::Inconclusive)]
#[case(Verdict::Warn)]
fn a_verdict_that_does_not_follow_from_its_transcript_is_refused(#[case] verdict: Verdict) {
    let mut forger = Forger::new();
    forger.say(verdict);
    let expected = Refusal::OtherVerdict {
        case: CaseId(CASE.to_owned()),
        stated: verdict.to_string(),
        here: "pass".to_owned(),
    };
    assert_eq!(refused(&forger.signed()), expected);
}

#[test]
fn a_pass_is_refused_where_the_transcript_shows_none() {
    let mut forger = Forger::new();
    let transcript = text(forger.transcript());
    *forger.transcript() = transcript
        .replace("\"status\":200", "\"status\":404")
        .into_bytes();
    assert_eq!(refused(&forger.signed()).code(), "other-verdict");
}

#[test]
fn what_is_said_beside_the_verdict_has_to_follow_too() {
    let mut forger = Forger::new();
    forger.result().observed.clear();
    assert_eq!(refused(&forger.signed()).code(), "other-account");
}

#[test]
fn a_bundle_with_something_that_could_not_be_judged_is_true_and_no_certificate() {
    let mut forger = Forger::new();
    let transcript = text(forger.transcript()).replace("\"status\":200", "\"status\":404");
    let read = dmconform_judge::read(&transcript).expect("it is a transcript");
    *forger.transcript() = transcript.into_bytes();
    *forger.result() = dmconform_judge::Judge::transcript(read);
    let path = LAB.at("inconclusive.tar");
    fs::write(&path, forger.sealed()).expect("it can be written");
    let path = path.display().to_string();
    let output = dmconform(&["bundle", "verify", &path]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("outcome: not certified: something could not be judged"),
        "{said}"
    );
    let output = dmconform(&["bundle", "verify", &path, "--certified"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("refused: what it states was verified, and it does not state"),
        "{said}"
    );
}

#[test]
fn a_failure_that_is_excused_certifies_nothing_whoever_signs() {
    let excuses: [fn(&mut RunRecord); 6] = [
        |record| {
            record.gate = Some(Gate {
                day: Date::of_moment(&record.run.started).expect("it began on a day"),
                known: record.cases.iter().map(CaseOf::result).collect(),
                entries: Vec::new(),
            });
        },
        |record| record.run.selection.push("--case DEL-BS-5-0*".to_owned()),
        |record| record.run.allow_flaky = true,
        |record| record.run.stopped_by = Some(CaseOf::result(&record.cases[0])),
        |record| record.not_run.push(CaseOf::result(&record.cases[0])),
        |record| {
            let attempt = Attempt {
                verdict: Verdict::Fail,
                reason: None,
                duration_ms: 1,
                transcript: String::new(),
            };
            record.cases[0].attempts.push(attempt);
        },
    ];
    for excuse in excuses {
        let mut forger = Forger::new();
        excuse(&mut forger.record);
        assert_eq!(refused(&forger.signed()).code(), "not-locked");
    }
}

#[test]
fn a_transcript_is_judged_by_the_case_that_was_published() {
    let mut forger = Forger::new();
    let transcript = text(forger.transcript());
    let (header, records) = transcript.split_once('\n').expect("there are records");
    let mut header: Value = serde_json::from_str(header).expect("it is JSON");
    header["case"]["expect"] = Value::Array(Vec::new());
    *forger.transcript() = format!("{header}\n{records}").into_bytes();
    assert_eq!(
        refused(&forger.signed()).to_string(),
        format!(
            "take the transcript of {CASE}: its case is not that of the catalogue, the claims or the run"
        )
    );
}

#[test]
fn a_transcript_of_another_run_is_refused() {
    let mut forger = Forger::new();
    let id = format!("\"run\":\"{}\"", forger.record.run.id);
    let transcript = text(forger.transcript()).replace(&id, "\"run\":\"20260101T000000-1\"");
    *forger.transcript() = transcript.into_bytes();
    assert_eq!(refused(&forger.signed()).code(), "other-header");
}

#[test]
fn other_claims_than_those_of_the_run_are_refused() {
    let mut forger = Forger::new();
    forger.replace(names::IMPLEMENTATION, "step-deadline: 5s", "step-deadline: 9s");
    assert_eq!(refused(&forger.signed()).code(), "not-locked");
}

#[test]
fn a_catalogue_that_was_never_published_is_refused() {
    let mut forger = Forger::new();
    let name = forger
        .files
        .keys()
        .find(|name| name.starts_with(names::CATALOGUE));
    let name = name.expect("it is there").clone();
    forger
        .files
        .get_mut(&name)
        .expect("it is there")
        .extend_from_slice(b"# Nothing.\n");
    let files = forger.files;
    let sealed = seal(files.clone(), &lab_key());
    assert_eq!(
        sealed.expect_err("nothing can be stated").code(),
        "unknown-catalogue"
    );
    // Who has a program of their own may sign it all the same.
    assert_eq!(refused(&signed_by_hand(files)).code(), "unknown-catalogue");
}

#[test]
fn a_file_that_was_cut_is_refused_whoever_signs() {
    let transcript = format!("transcripts/acme/{CASE}.jsonl");
    for name in [
        names::RESULTS,
        names::ATTEMPTS,
        names::IMPLEMENTATION,
        names::PROFILE,
        names::CASES,
        names::CERTIFICATES,
        &transcript,
    ] {
        let mut files = unpack(&LAB.bundle).expect("it is an archive");
        let octets = files.get_mut(name).expect("it is there");
        octets.truncate(octets.len() / 2);
        assert!(verify(&signed_by_hand(files), &Trust::Anybody).is_err(), "{name}");
    }
}

#[test]
fn a_statement_that_says_something_else_than_the_files_is_refused() {
    let files = unpack(&LAB.bundle).expect("it is an archive");
    assert_eq!(refused(&signed_by_hand(files)), Refusal::OtherStatement);
}

#[test]
fn a_file_that_has_no_place_in_a_bundle_is_refused_whoever_signs() {
    let mut forger = Forger::new();
    forger
        .files
        .insert("waiver.txt".to_owned(), b"all is well".to_vec());
    assert_eq!(
        refused(&forger.signed()),
        Refusal::Unexpected("waiver.txt".to_owned())
    );
}

#[rstest]
#[case::the_first_attempt(0..2, "broken-log")]
#[case::an_end_in_between(1..2, "broken-log")]
#[case::the_end_of_this_run(3..4, "other-attempt")]
fn attempts_with_a_gap_are_refused_whoever_signs(
    #[case] gap: std::ops::Range<usize>,
    #[case] expected: &str,
) {
    let mut files = unpack(&LAB.bundle).expect("it is an archive");
    let lines = text(&files[names::ATTEMPTS]);
    let lines = lines.lines().enumerate().filter(|(at, _)| !gap.contains(at));
    let kept: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    files.insert(names::ATTEMPTS.to_owned(), kept.into_bytes());
    assert_eq!(refused(&signed_by_hand(files)).code(), expected);
}

#[test]
fn what_another_version_of_the_judge_says_otherwise_is_reported_case_by_case() {
    let of_another_version = |verdict: Option<Verdict>| {
        let mut forger = Forger::new();
        forger.replace_in_transcripts(",\"judge\":\"0.1.0\"", ",\"judge\":\"0.0.9\"");
        forger.replace(names::ATTEMPTS, "\"judge\":\"0.1.0\"", "\"judge\":\"0.0.9\"");
        if let Some(verdict) = verdict {
            forger.say(verdict);
        }
        verify(&forger.sealed(), &Trust::Anybody)
    };
    let verified = of_another_version(None).expect("this version says the same");
    assert_eq!(verified.certification.judge, "0.0.9");
    let refusal =
        of_another_version(Some(Verdict::Inconclusive)).expect_err("this version says something else");
    assert!(
        refusal
            .to_string()
            .ends_with("judges one case otherwise; verify with 0.0.9"),
        "{refusal}"
    );
    let Refusal::JudgedOtherwise { differences, .. } = refusal else {
        panic!("it is another reason: {refusal}");
    };
    let found: Vec<_> = differences
        .iter()
        .map(|found| (found.case.0.as_str(), found.stated.as_str(), found.here.as_str()))
        .collect();
    assert_eq!(found, [(CASE, "inconclusive", "pass")]);
}

/// A bundle that another version made, or that somebody wants to be taken for that.
fn of_another_version() -> Forger {
    let mut forger = Forger::new();
    forger.replace_in_transcripts(",\"judge\":\"0.1.0\"", ",\"judge\":\"0.0.9\"");
    forger.replace(names::ATTEMPTS, "\"judge\":\"0.1.0\"", "\"judge\":\"0.0.9\"");
    forger
}

/// Puts other cases in a bundle, of which its log knows.
fn replace_cases(forger: &mut Forger, change: impl Fn(&str) -> String) {
    let known = sha256(&forger.files[names::CASES]);
    let changed = change(&text(&forger.files[names::CASES]));
    assert_ne!(known, sha256(changed.as_bytes()));
    forger.replace(names::ATTEMPTS, &known, &sha256(changed.as_bytes()));
    forger.files.insert(names::CASES.to_owned(), changed.into_bytes());
}

/// Whether a claim is what every product claims that does not say otherwise.
fn is_usual(claim: &Claim) -> bool {
    stated(&Supports::default(), &Limits::default()).contains(claim)
}

fn laid_out_otherwise(cases: &str) -> String {
    cases.replace("  ", " ")
}

#[test]
fn what_another_version_wrote_otherwise_and_judged_the_same_is_verified() {
    let mut forger = of_another_version();
    // As if it had not known of a limit that this product has not stated, and had laid out cases otherwise.
    let claims = &mut forger.record.run.targets[0].claims;
    let usual = claims.iter().position(is_usual);
    let left_out = claims.remove(usual.expect("something was left as it is"));
    replace_cases(&mut forger, laid_out_otherwise);
    let verified = verify(&forger.sealed(), &Trust::Anybody).expect("this version says the same");
    assert_eq!(verified.certification.judge, "0.0.9");
    assert!(!verified.certification.claims.contains(&left_out));
}

#[test]
fn of_this_version_cases_are_written_as_it_writes_them() {
    let mut forger = Forger::new();
    replace_cases(&mut forger, laid_out_otherwise);
    let refusal = refused(&forger.sealed());
    assert_eq!(refusal, Refusal::Unexpected(names::CASES.to_owned()));
}

#[rstest]
#[case::a_claim_of_nobody(
    |forger: &mut Forger| forger.record.run.targets[0].claims.push(Claim {
        name: "reacts within".to_owned(),
        value: "1ms".to_owned(),
    }),
    "not-locked"
)]
#[case::a_claim_that_is_kept_quiet(
    |forger: &mut Forger| forger.record.run.targets[0].claims.retain(is_usual),
    "not-locked"
)]
#[case::other_cases(|forger: &mut Forger| replace_cases(forger, |_| "[]".to_owned()), "unexpected")]
fn naming_another_version_excuses_nothing_else(#[case] forge: fn(&mut Forger), #[case] code: &str) {
    let mut forger = of_another_version();
    forge(&mut forger);
    assert_eq!(refused(&forger.sealed()).code(), code);
}
