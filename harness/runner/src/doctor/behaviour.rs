//! What the product does: whether its triggers lead to a delegation, and whether it does what it claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use dmconform_case::claims::Claim;
use dmconform_case::pattern::globs;
use dmconform_case::test_case::TestCase;
use dmconform_model::{CaseResult, Class, RunRecord, Verdict};
use tokio::sync::watch;

use super::{Examination, Topic};
use crate::gating::Gating;
use crate::options::{RunOptions, TargetFile};
use crate::run::run;

/// Looks at whole delegations, and then at the claims.
pub(super) async fn look(examination: &Examination<'_>, cancelled: &watch::Receiver<bool>) {
    let file = examination.file;
    let whole = whole_delegations(file);
    let ids: Vec<String> = whole.iter().map(|case| case.id.0.clone()).collect();
    let record = try_cases(examination, file.clone(), &ids, cancelled).await;
    if let Some(problem) = record.problems.first() {
        examination.bad(
            Topic::Triggers,
            format!("failed to {}", problem.message),
            "mend that, and look again",
        );
        return;
    }
    if record
        .cases
        .iter()
        .all(|case| case.verdict == Verdict::NotApplicable)
    {
        let reason = record.cases.iter().find_map(|case| case.reason.clone());
        return examination.bad(
            Topic::Triggers,
            format!(
                "no whole delegation can be had with it: {}",
                reason.unwrap_or_default()
            ),
            "add the trigger `start-delegation`, or let `supports.opens` name who opens",
        );
    }
    for case in &record.cases {
        said_of(examination, case);
    }
    claims(examination, cancelled).await;
}

fn said_of(examination: &Examination<'_>, case: &CaseResult) {
    let called = format!("{} ({})", case.title, case.id);
    let finding = case.findings.first();
    let seen = finding.map(|finding| finding.observed.clone());
    let seen = seen.or_else(|| case.reason.clone()).unwrap_or_default();
    match case.verdict {
        Verdict::Pass => examination.good(Topic::Triggers, called),
        // Why it does not apply is what the file says.
        Verdict::NotApplicable => {}
        Verdict::Warn | Verdict::Fail => examination.doubtful(
            Topic::Triggers,
            format!("{called} goes on, and breaks a requirement: {seen}"),
            &format!(
                "`dmconform run --case {}` shows it, `dmconform explain {}` what it is about",
                case.id, case.id
            ),
        ),
        Verdict::Inconclusive | Verdict::Error => examination.bad(
            Topic::Triggers,
            format!("{called} does not come about: {seen}"),
            "look at the triggers and addresses in the implementation file, and at the product's own log",
        ),
    }
}

/// The plainest whole delegation of each of the product's roles and openers.
fn whole_delegations(file: &TargetFile) -> Vec<&TestCase> {
    let cases = file.suite.cases.iter();
    let whole = cases.filter(|case| {
        let is_theirs = case
            .iut
            .iter()
            .all(|role| file.implementation.plays.contains(role));
        case.is_whole_delegation() && is_theirs
    });
    whole.collect()
}

/// Tries what the product claims, and what it might have claimed.
async fn claims(examination: &Examination<'_>, cancelled: &watch::Receiver<bool>) {
    let file = examination.file;
    let made = &file.implementation.supports.claims;
    let mut about: BTreeMap<Claim, Vec<String>> = BTreeMap::new();
    for claim in Claim::ALL {
        let cases = file.suite.cases.iter().filter(|case| is_about(file, case, claim));
        let theirs = cases.filter(|case| {
            case.iut
                .iter()
                .all(|role| file.implementation.plays.contains(role))
        });
        about.insert(claim, theirs.map(|case| case.id.0.clone()).collect());
    }
    for (claim, ids) in about {
        let name = claim.as_str();
        let mut forced = file.clone();
        if !made.contains(&claim) {
            forced.implementation.supports.claims.push(claim);
        }
        let record = try_cases(examination, forced, &ids, cancelled).await;
        if *cancelled.borrow() {
            return;
        }
        if let Some(problem) = record.problems.first() {
            return examination.bad(
                Topic::Claims,
                format!("{name} could not be looked at: failed to {}", problem.message),
                "mend that, and look again",
            );
        }
        let judged: Vec<&CaseResult> = record
            .cases
            .iter()
            .filter(|case| case.verdict != Verdict::NotApplicable)
            .collect();
        let passes = judged.iter().filter(|case| case.verdict == Verdict::Pass).count();
        match (made.contains(&claim), judged.is_empty(), passes == judged.len()) {
            (true, true, _) => examination.doubtful(
                Topic::Claims,
                format!("{name} is claimed, and no case can show it here"),
                "look at `dmconform list` for the cases that need it, and why they do not apply",
            ),
            (true, false, true) => examination.good(
                Topic::Claims,
                format!("{name} is claimed, and shown by {}", counted(passes)),
            ),
            (true, false, false) => examination.doubtful(
                Topic::Claims,
                format!(
                    "{name} is claimed, and {} of {} cases do not pass",
                    judged.len() - passes,
                    judged.len()
                ),
                "withdraw the claim, or mend the product",
            ),
            (false, false, true) => examination.doubtful(
                Topic::Claims,
                format!(
                    "{name} is not claimed, and shown by {} all the same",
                    counted(passes)
                ),
                "claim it under `supports.claims`, so that it is tested",
            ),
            (false, _, _) => {}
        }
    }
}

fn counted(cases: usize) -> String {
    match cases {
        1 => "1 case".to_owned(),
        _ => format!("{cases} cases"),
    }
}

/// Whether a case depends on a claim.
fn is_about(file: &TargetFile, case: &TestCase, claim: Claim) -> bool {
    let name = claim.as_str();
    let of_requirement = case.covers.iter().any(|id| {
        let known = file.suite.requirements.get(id);
        known.is_some_and(|known| known.claims == [name])
    });
    case.withdrawn.is_none()
        && case.class == Class::Conformance
        && (of_requirement || case.requires.iter().any(|required| required == name))
}

/// Runs some cases, and keeps the results to itself.
async fn try_cases(
    examination: &Examination<'_>,
    file: TargetFile,
    ids: &[String],
    cancelled: &watch::Receiver<bool>,
) -> RunRecord {
    let nothing = vec!["-".to_owned()];
    let asked = if ids.is_empty() { &nothing } else { ids };
    let options = RunOptions {
        suite: Arc::clone(&file.suite),
        targets: vec![file],
        cases: globs(asked).ok().flatten(),
        gating: Gating::default(),
        ..examination.options.clone()
    };
    run(options, Arc::new(|_| ()), cancelled.clone()).await
}
