//! Runs compared and merged.

use dmconform_model::{CaseId, CaseOf, CaseResult, Role, RunRecord, Verdict};
use dmconform_report::comparison::{self, Kind, compare};
use dmconform_report::merging::{MergeError, merge};
use rstest::rstest;

use crate::common::{judged, run, target};

fn with(id: &str, result: CaseResult) -> CaseResult {
    CaseResult {
        id: CaseId(id.to_owned()),
        ..result
    }
}

fn passing(id: &str) -> CaseResult {
    with(id, judged("good-dms-1", "acme"))
}

fn failing(id: &str) -> CaseResult {
    with(id, judged("acl-before-bootstrap-complete", "acme"))
}

fn otherwise(id: &str) -> CaseResult {
    with(id, judged("wrong-session-id", "acme"))
}

fn not_applicable(id: &str) -> CaseResult {
    CaseResult {
        verdict: Verdict::NotApplicable,
        findings: Vec::new(),
        ..passing(id)
    }
}

fn of(id: &str, cases: Vec<CaseResult>) -> RunRecord {
    let mut record = run(cases, vec![target("acme", &[Role::Dms1])]);
    id.clone_into(&mut record.run.id);
    record.run.cancelled = false;
    record
}

fn before() -> RunRecord {
    let cases = vec![
        passing("A-still-passes"),
        passing("B-breaks"),
        failing("C-is-mended"),
        failing("D-still-fails"),
        failing("E-fails-otherwise"),
        failing("F-is-not-judged"),
        passing("G-goes"),
    ];
    of("before", cases)
}

fn after() -> RunRecord {
    let mut slower = failing("D-still-fails");
    // Times differ from run to run, and are no other reason.
    slower.findings[0].observed = slower.findings[0].observed.replace("484.0 ms", "12.5 ms");
    let cases = vec![
        passing("A-still-passes"),
        failing("B-breaks"),
        passing("C-is-mended"),
        slower,
        otherwise("E-fails-otherwise"),
        not_applicable("F-is-not-judged"),
        passing("H-comes"),
        failing("I-comes-and-fails"),
    ];
    of("after", cases)
}

#[test]
fn every_case_is_what_has_become_of_it() {
    let found = compare(&before(), &after());
    let kinds: Vec<(&str, Kind)> = found
        .changes
        .iter()
        .map(|change| (change.case.0.as_str(), change.kind))
        .collect();
    let expected = [
        ("B-breaks", Kind::NewFailure),
        ("I-comes-and-fails", Kind::NewFailure),
        ("E-fails-otherwise", Kind::ChangedReason),
        ("D-still-fails", Kind::StillFailing),
        ("F-is-not-judged", Kind::NoLongerJudged),
        ("C-is-mended", Kind::Fixed),
        ("H-comes", Kind::Added),
        ("G-goes", Kind::Removed),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(found.unchanged, 1);
    insta::assert_snapshot!("compared_as_text", comparison::text(&found));
    insta::assert_snapshot!("compared_as_markdown", comparison::markdown(&found));
    let json: serde_json::Value = serde_json::from_str(&comparison::json(&found)).expect("it is JSON");
    assert_eq!(json["changes"][0]["kind"], "new-failure");
    assert_eq!(json["schema_version"], 1);
}

/// What got worse fails; what is as bad as it was does not.
#[rstest]
#[case(passing("A"), failing("A"), 1)]
#[case(failing("A"), failing("A"), 0)]
#[case(failing("A"), otherwise("A"), 3)]
#[case(failing("A"), passing("A"), 0)]
#[case(passing("A"), passing("A"), 0)]
#[case(passing("A"), CaseResult { verdict: Verdict::Error, ..failing("A") }, 5)]
fn the_exit_code_is_of_what_got_worse(#[case] old: CaseResult, #[case] new: CaseResult, #[case] code: u8) {
    let found = compare(&of("before", vec![old]), &of("after", vec![new]));
    assert_eq!(found.exit_code(), code, "{}", comparison::text(&found));
}

#[test]
fn nothing_compared_is_no_success() {
    let nothing = of("nothing", Vec::new());
    assert_eq!(compare(&nothing, &nothing).exit_code(), 4);
}

#[test]
fn a_run_that_judged_less_is_no_improvement() {
    let old = of("before", vec![passing("A")]);
    let nothing = of("after", vec![not_applicable("A")]);
    assert_eq!(compare(&old, &nothing).exit_code(), 4);
    let mut partial = of("after", Vec::new());
    partial.not_run = vec![CaseOf::result(&passing("A"))];
    assert_eq!(compare(&old, &partial).exit_code(), 5);
    partial.cases = vec![failing("B")];
    assert_eq!(compare(&old, &partial).exit_code(), 1, "a failure says more");
    // That it was asked to end there makes it no comparison either.
    partial.cases = vec![failing("A")];
    partial.not_run = vec![CaseOf::result(&passing("B"))];
    partial.run.stopped_by = Some(CaseOf::result(&failing("A")));
    let failed = of("before", vec![failing("A"), passing("B")]);
    assert_eq!(compare(&failed, &partial).exit_code(), 5);
}

#[test]
fn what_the_harness_calls_a_delegation_is_no_reason() {
    let expecting = |text: &str| {
        let mut case = failing("A");
        text.clone_into(&mut case.findings[0].expected);
        case
    };
    let kind = |old: &str, new: &str| {
        let found = compare(&of("1", vec![expecting(old)]), &of("2", vec![expecting(new)]));
        found.changes[0].kind
    };
    let session = "3/session = `session-1a2b3c4d-17-del-dms1-8-010`, as";
    let again = "3/session = `session-99999999-1-del-dms1-8-010`, as";
    assert_eq!(kind(session, again), Kind::StillFailing);
    assert_eq!(
        kind(session, &again.replace("session-", "other-")),
        Kind::ChangedReason
    );
    assert_eq!(kind("a-1-b", "a-2-b"), Kind::ChangedReason);
    assert_eq!(kind("é1a2b3c4-1-x", "é1a2b3c4-2-x"), Kind::ChangedReason);
}

#[test]
fn two_products_are_compared_by_case() {
    let theirs = CaseResult {
        implementation: "other".to_owned(),
        ..failing("B-breaks")
    };
    let theirs = run(vec![theirs], vec![target("other", &[Role::Dms1])]);
    let found = compare(&of("ours", vec![passing("B-breaks")]), &theirs);
    assert_eq!(found.changes[0].kind, Kind::NewFailure);
    assert_eq!(found.changes.len(), 1);
    assert_eq!(found.remarks.len(), 1, "the other run was broken off");
}

#[test]
fn parts_of_a_run_are_merged_into_the_whole() {
    let whole = merge(&[of("1", vec![passing("A")]), of("2", vec![failing("B")])]).expect("they are parts");
    assert_eq!(whole.cases.len(), 2);
    assert_eq!(
        (whole.summary[&Verdict::Pass], whole.summary[&Verdict::Fail]),
        (1, 1)
    );
    assert_eq!(whole.run.id, "1+2");
    assert_eq!(whole.run.targets.len(), 1);
    assert_eq!(whole.exit_code(), 1);
}

#[test]
fn what_another_part_judged_is_no_more_to_be_run() {
    let not_run = |ids: &[&str]| ids.iter().map(|id| CaseOf::result(&passing(id))).collect();
    let mut first = of("1", vec![passing("A")]);
    first.not_run = not_run(&["D", "B", "C"]);
    let mut second = of("2", vec![passing("B")]);
    second.not_run = not_run(&["C", "A"]);
    let whole = merge(&[first, second]).expect("they are parts");
    let expected: Vec<CaseOf> = not_run(&["C", "D"]);
    assert_eq!(whole.not_run, expected);
}

/// A run of everything leaves nothing out, whatever it is merged with.
#[rstest]
#[case(&["--case A", "--role dms-1"], &["--case B", "--role dms-1"], &["--case A", "--role dms-1", "--case B"])]
#[case(&["--case A"], &[], &[])]
#[case(&[], &["--case B"], &[])]
fn the_whole_was_selected_by_what_its_parts_were(
    #[case] one: &[&str],
    #[case] other: &[&str],
    #[case] whole: &[&str],
) {
    let selected = |id: &str, cases, selection: &[&str]| {
        let mut record = of(id, cases);
        record.run.selection = selection.iter().map(|option| (*option).to_owned()).collect();
        record
    };
    let parts = [
        selected("1", vec![passing("A")], one),
        selected("2", vec![passing("B")], other),
    ];
    assert_eq!(merge(&parts).expect("they are parts").run.selection, whole);
}

#[test]
fn what_are_no_parts_of_one_run_are_not_merged() {
    assert_eq!(merge(&[]), Err(MergeError::Nothing));
    let mut strict = of("2", vec![failing("B")]);
    strict.run.strict = true;
    let unlike = merge(&[of("1", vec![passing("A")]), strict]).expect_err("they differ");
    assert_eq!(
        unlike.to_string(),
        "merge `1` and `2`: they differ in whether warnings fail (--strict); merge parts of one run only"
    );
    let twice = merge(&[
        of("1", vec![passing("A")]),
        of("2", vec![failing("B")]),
        of("3", vec![failing("B")]),
    ]);
    assert_eq!(
        twice.expect_err("B is in two").to_string(),
        "merge the runs: B of acme is in `2` and in `3`; leave one of them out"
    );
}

/// However much is different, a comment on a pull request can hold it.
#[test]
fn a_comparison_for_a_pull_request_has_an_end() {
    let cases = |result: &CaseResult| {
        let numbered = (0..2000).map(|number| with(&format!("A-{number:04}"), result.clone()));
        numbered.collect()
    };
    let (old, new) = (cases(&failing("A")), cases(&otherwise("A")));
    let found = compare(&of("before", old), &of("after", new));
    let text = comparison::markdown(&found);
    assert!(text.contains("and 1970 more"));
    assert!(text.len() < 60_000, "{} octets", text.len());
}
