//! Known failures, held against what a run came to.

use std::sync::LazyLock;

use dmconform_case::Suite;
use dmconform_case::expectations::Expectations;
use dmconform_case::read::{self, Source};
use dmconform_model::gate::Entry;
use dmconform_model::result::{Evidence, RunInfo, summarise, summarise_robustness};
use dmconform_model::{
    CaseId, CaseOf, CaseResult, Class, Date, Finding, Gate, RequirementId, Role, RunRecord, Shard, Spent,
    Target, Verdict,
};
use rstest::rstest;

static SUITE: LazyLock<Suite> = LazyLock::new(Suite::embedded);

const DAY: &str = "2026-11-28";

fn read(entries: &str) -> Expectations {
    let text = format!("known-failures:\n{entries}");
    let source = Source {
        name: "known.yaml",
        text: &text,
    };
    read::expectations(source, &SUITE.requirements).expect("the entries are in order")
}

/// An entry about a case, with more lines of it.
fn entry(case: &str, more: &str) -> String {
    format!("  - {{case: {case}, reason: not mended yet, owner: protocol team, expires: 2026-12-31{more}}}\n")
}

fn finding(requirement: &str, observed: &str) -> Finding {
    Finding {
        verdict: Verdict::Fail,
        code: "too-early".to_owned(),
        requirement: Some(RequirementId(requirement.to_owned())),
        statement: "DMS-1 does not touch the ACLs.".to_owned(),
        step: None,
        blame: None,
        product: None,
        observed_by: None,
        expected: "step 8 not before step 7".to_owned(),
        observed: observed.to_owned(),
        place: None,
        evidence: Evidence::default(),
        see: None,
        rerun: String::new(),
    }
}

fn case(id: &str, verdict: Verdict, findings: Vec<Finding>) -> CaseResult {
    CaseResult {
        id: CaseId(id.to_owned()),
        title: String::new(),
        purpose: String::new(),
        implementation: "acme".to_owned(),
        iut: vec![Role::Dms1],
        verdict,
        reason: (verdict != Verdict::Pass).then(|| "the client did not come".to_owned()),
        class: Class::Conformance,
        covers: vec![RequirementId("DEL-8-3".to_owned())],
        checks: Vec::new(),
        findings,
        observed: Vec::new(),
        file: String::new(),
        duration_ms: 0,
        spent: Spent::default(),
        attempts: Vec::new(),
    }
}

fn failing(id: &str) -> CaseResult {
    case(
        id,
        Verdict::Fail,
        vec![finding("DEL-8-3", "575.1 ms before step 7")],
    )
}

fn record(cases: Vec<CaseResult>) -> RunRecord {
    let target = Target {
        name: "acme".to_owned(),
        product: "Acme".to_owned(),
        plays: vec![Role::Dms1],
        products: std::collections::BTreeMap::new(),
        full_names: std::collections::BTreeMap::new(),
        claims: Vec::new(),
    };
    RunRecord {
        schema_version: RunRecord::SCHEMA_VERSION,
        run: RunInfo {
            id: "run".to_owned(),
            started: format!("{DAY}T10:00:00Z"),
            duration_ms: 0,
            harness: String::new(),
            seed: 0,
            jobs: 1,
            strict: false,
            deviations: Vec::new(),
            oddities: Vec::new(),
            peer_oddities: Vec::new(),
            targets: vec![target],
            own_readings: Vec::new(),
            cancelled: false,
            selection: Vec::new(),
            shard: None,
            stopped_by: None,
            allow_flaky: false,
        },
        summary: summarise(&cases),
        robustness: summarise_robustness(&cases),
        cases,
        ledger: Vec::new(),
        strays: Vec::new(),
        problems: Vec::new(),
        not_run: Vec::new(),
        gate: None,
    }
}

fn judge(entries: &str, record: &RunRecord, day: &str) -> Gate {
    let cases: Vec<&CaseId> = SUITE.cases.iter().map(|case| &case.id).collect();
    let day: Date = day.parse().expect("it is a day");
    read(entries).judge(record, &cases, day)
}

fn faults(gate: &Gate) -> Vec<String> {
    gate.faults()
        .map(|(place, fault)| format!("{}: {fault}", place.line))
        .collect()
}

#[rstest]
#[case::any("")]
#[case::requirement(", requirement: DEL-8-3")]
#[case::expected(", message: step 8 not before")]
#[case::observed(", message: \"* ms before step 7\"")]
#[case::implementation(", implementation: ac*")]
fn a_failure_is_known_by_what_its_entry_says(#[case] more: &str) {
    let gate = judge(
        &entry("DEL-DMS1-8-030", more),
        &record(vec![failing("DEL-DMS1-8-030")]),
        DAY,
    );
    assert_eq!(gate.known.len(), 1);
    assert_eq!(faults(&gate), Vec::<String>::new());
}

#[rstest]
#[case::requirement(", requirement: DEL-8-1")]
#[case::message(", message: after step 7")]
#[case::verdict(", verdict: inconclusive")]
fn a_failure_for_another_reason_is_not_known_and_the_known_one_is_missed(#[case] more: &str) {
    let gate = judge(
        &entry("DEL-DMS1-8-030", more),
        &record(vec![failing("DEL-DMS1-8-030")]),
        DAY,
    );
    assert!(gate.known.is_empty());
    let said = faults(&gate).concat();
    assert!(said.contains("it failed for another reason"), "{said}");
}

#[test]
fn a_case_that_came_to_nothing_is_known_by_what_it_covers() {
    let mut nothing = finding("DEL-8-3", "the client did not come");
    nothing.requirement = None;
    nothing.verdict = Verdict::Inconclusive;
    let result = case("DEL-DMS1-8-030", Verdict::Inconclusive, vec![nothing]);
    let known = |requirement: &str| {
        let more = format!(", verdict: inconclusive, requirement: {requirement}");
        judge(
            &entry("DEL-DMS1-8-030", &more),
            &record(vec![result.clone()]),
            DAY,
        )
    };
    assert_eq!(known("DEL-8-3").known.len(), 1);
    assert!(known("DEL-8-1").known.is_empty());
}

#[test]
fn a_second_breach_in_the_same_case_is_not_covered_by_the_entry_for_the_first() {
    let mut result = failing("DEL-DMS1-8-030");
    result.findings.push(finding("DEL-8-1", "rights for everybody"));
    let first = entry("DEL-DMS1-8-030", ", requirement: DEL-8-3");
    let gate = judge(&first, &record(vec![result.clone()]), DAY);
    assert!(gate.known.is_empty());
    assert_eq!(faults(&gate), Vec::<String>::new());
    let both = format!("{first}{}", entry("DEL-DMS1-8-030", ", requirement: DEL-8-1"));
    assert_eq!(judge(&both, &record(vec![result]), DAY).known.len(), 1);
}

#[test]
fn an_entry_is_to_happen_in_each_case_that_it_means() {
    let cases = vec![
        failing("DEL-DMS1-8-030"),
        case("DEL-DMS1-8-010", Verdict::Pass, Vec::new()),
        case("DEL-DMS1-8-020", Verdict::NotApplicable, Vec::new()),
    ];
    let gate = judge(&entry("DEL-DMS1-8-*", ""), &record(cases), DAY);
    assert_eq!(gate.known.len(), 1);
    let said = faults(&gate);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("DEL-DMS1-8-010 [acme]") && said[0].contains("it passed"),
        "{said:?}"
    );
}

#[test]
fn an_entry_means_the_variants_of_a_family() {
    let gate = judge(
        &entry("DEL-DMS1-1-010", ""),
        &record(vec![failing("DEL-DMS1-1-010.none")]),
        DAY,
    );
    assert_eq!(gate.known.len(), 1);
}

#[test]
fn an_entry_holds_to_its_last_day_and_excuses_nothing_after_it() {
    let run = record(vec![failing("DEL-DMS1-8-030")]);
    let entries = entry("DEL-DMS1-8-030", "");
    assert_eq!(judge(&entries, &run, "2026-12-31").known.len(), 1);
    let gate = judge(&entries, &run, "2027-01-01");
    assert!(gate.known.is_empty());
    assert!(
        faults(&gate)
            .concat()
            .contains("expected until 2026-12-31; protocol team"),
        "{:?}",
        faults(&gate)
    );
}

#[test]
fn what_cannot_be_judged_is_known_only_where_the_entry_says_so() {
    let result = case("DEL-DMS1-8-030", Verdict::Inconclusive, Vec::new());
    let run = record(vec![result]);
    assert!(judge(&entry("DEL-DMS1-8-030", ""), &run, DAY).known.is_empty());
    let more = ", verdict: inconclusive, message: did not come";
    assert_eq!(judge(&entry("DEL-DMS1-8-030", more), &run, DAY).known.len(), 1);
    let fault_of_the_harness = record(vec![case("DEL-DMS1-8-030", Verdict::Error, Vec::new())]);
    assert!(
        judge(&entry("DEL-DMS1-8-030", more), &fault_of_the_harness, DAY)
            .known
            .is_empty()
    );
}

#[rstest]
#[case::misspelt("DEL-DMS1-8-03", true, Some("did you mean `DEL-DMS1-8-030`?"))]
#[case::not_run("DEL-CLIENT-8-020", false, Some("no product here is tested by it"))]
#[case::not_selected("DEL-CLIENT-8-020", true, None)]
#[case::observed("OBS-DMS1", false, None)]
fn an_entry_that_means_nothing_is_unused_unless_its_case_was_not_selected(
    #[case] id: &str,
    #[case] is_narrowed: bool,
    #[case] said: Option<&str>,
) {
    let mut run = record(vec![case("DEL-DMS1-8-010", Verdict::Pass, Vec::new())]);
    if is_narrowed {
        run.run.shard = Some(Shard { number: 1, of: 2 });
    }
    let gate = judge(&entry(id, ""), &run, DAY);
    let found = faults(&gate).concat();
    match said {
        Some(said) => assert!(found.contains(said), "{found}"),
        None => {
            assert_eq!(found, "");
            assert!(gate.entries.iter().all(Entry::is_passed_over));
        }
    }
}

#[test]
fn an_entry_about_another_product_is_passed_over() {
    let run = record(vec![failing("DEL-DMS1-8-030")]);
    let gate = judge(&entry("DEL-DMS1-8-030", ", implementation: other"), &run, DAY);
    assert!(gate.known.is_empty() && gate.entries.iter().all(Entry::is_passed_over));
    assert_eq!(run.cases.iter().map(CaseOf::result).count(), 1);
}
