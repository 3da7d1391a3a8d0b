//! The ledger of requirements: which cases check which requirement for which role, and what a run's results say of it.

use dmconform_model::ledger::{CheckKind, Coverage, State};
use dmconform_model::result::Blame;
use dmconform_model::{CaseResult, LedgerEntry, Requirement, RequirementId, Role, Verdict};

use crate::claims::BeforeNotification;
use crate::suite::Suite;
use crate::test_case::TestCase;

/// The kind of check that a case makes.
pub const fn kind(case: &TestCase) -> CheckKind {
    if case.changes.is_empty() && matches!(case.given.before_notification, BeforeNotification::Nothing) {
        CheckKind::Positive
    } else {
        CheckKind::Negative
    }
}

/// The cases that check a requirement for a role, in the order of the suite; withdrawn ones do not count.
pub fn cases<'a>(
    suite: &'a Suite,
    requirement: &'a RequirementId,
    role: Role,
    check: CheckKind,
) -> impl Iterator<Item = &'a TestCase> {
    suite.cases.iter().filter(move |case| {
        case.withdrawn.is_none()
            && case.iut.contains(&role)
            && case.covers.contains(requirement)
            && kind(case) == check
    })
}

/// What the results of a run say of every requirement, for every role that it binds.
pub fn ledger(suite: &Suite, results: &[CaseResult]) -> Vec<LedgerEntry> {
    let mut entries = Vec::new();
    for requirement in in_order(suite) {
        for role in &requirement.binds {
            let positive = coverage(suite, results, requirement, *role, CheckKind::Positive);
            let negative = coverage(suite, results, requirement, *role, CheckKind::Negative);
            entries.push(LedgerEntry {
                requirement: requirement.id.clone(),
                words: requirement.words.clone(),
                weight: Some(requirement.weight),
                basis: Some(requirement.basis),
                role: *role,
                verdict: verdict(results, requirement, *role, [&positive, &negative]),
                positive,
                negative,
            });
        }
    }
    entries
}

/// The requirements in the order of the steps; those that concern all steps come last, and those of
/// robustness after them.
pub fn in_order(suite: &Suite) -> Vec<&Requirement> {
    let key = |requirement: &&Requirement| {
        let mut parts = requirement.id.0.split('-').skip(1);
        let step = parts.next().unwrap_or("");
        let known = dmconform_model::Step::ALL
            .iter()
            .position(|known| known.as_str() == step);
        let number: u32 = parts.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        (
            requirement.id.is_of_robustness(),
            known.unwrap_or(usize::MAX),
            number,
        )
    };
    let mut requirements: Vec<&Requirement> = suite.requirements.values().collect();
    requirements.sort_by_key(key);
    requirements
}

/// What the results say of one kind of check.
fn coverage(
    suite: &Suite,
    results: &[CaseResult],
    requirement: &Requirement,
    role: Role,
    check: CheckKind,
) -> Coverage {
    let mut found: Vec<(State, &CaseResult)> = Vec::new();
    let mut exist = false;
    for case in cases(suite, &requirement.id, role, check) {
        exist = true;
        let of_case = results.iter().filter(|result| result.id == case.id);
        found.extend(of_case.filter_map(|result| Some((state(result, requirement, role)?, result))));
    }
    let worst = [State::Broken, State::Held, State::Open, State::NotRun]
        .into_iter()
        .find(|state| found.iter().any(|(known, _)| known == state));
    let Some(state) = worst else {
        return match (exist, requirement.untested(role, check)) {
            (false, Some(untested)) => Coverage {
                state: State::NotTested,
                cases: Vec::new(),
                why: Some(format!("{}: {}", untested.reason, untested.why)),
            },
            (false, None) => Coverage {
                state: State::NotTested,
                cases: Vec::new(),
                why: Some("no case is made for it".to_owned()),
            },
            (true, _) => Coverage {
                state: State::NotRun,
                cases: Vec::new(),
                why: Some("none of its cases was selected, or no implementation plays the role".to_owned()),
            },
        };
    };
    let saying: Vec<&CaseResult> = found
        .iter()
        .filter(|(known, _)| *known == state)
        .map(|(_, result)| *result)
        .collect();
    let mut cases: Vec<_> = saying.iter().map(|result| result.id.clone()).collect();
    cases.dedup();
    let why = match state {
        State::Open | State::NotRun => saying.first().and_then(|result| result.reason.clone()),
        _ => None,
    };
    Coverage { state, cases, why }
}

/// What one result says of a requirement; nothing where it passed without a word about it.
fn state(result: &CaseResult, requirement: &Requirement, role: Role) -> Option<State> {
    let of = |id: &Option<RequirementId>| id.as_ref() == Some(&requirement.id);
    let broken = result.findings.iter().any(|finding| {
        of(&finding.requirement)
            && finding.blame == Some(Blame::from(role))
            && matches!(finding.verdict, Verdict::Fail | Verdict::Warn)
    });
    if broken {
        return Some(State::Broken);
    }
    // What held before a case came to nothing is a part of what was to be seen: it is never rounded up.
    let came_to_a_verdict = !matches!(result.verdict, Verdict::Inconclusive | Verdict::Error);
    if came_to_a_verdict && result.checks.iter().any(|check| of(&check.requirement)) {
        return Some(State::Held);
    }
    match result.verdict {
        Verdict::NotApplicable => Some(State::NotRun),
        Verdict::Pass => None,
        _ => Some(State::Open),
    }
}

/// The worst that any case says of a requirement.
fn verdict(
    results: &[CaseResult],
    requirement: &Requirement,
    role: Role,
    coverage: [&Coverage; 2],
) -> Verdict {
    let said = results
        .iter()
        .flat_map(|result| &result.findings)
        .filter(|finding| {
            finding.requirement.as_ref() == Some(&requirement.id) && finding.blame == Some(Blame::from(role))
        });
    let said: Vec<Verdict> = said.map(|finding| finding.verdict).collect();
    for worst in [Verdict::Fail, Verdict::Warn] {
        if said.contains(&worst) {
            return worst;
        }
    }
    let any = |state: State| coverage.iter().any(|known| known.state == state);
    if any(State::Held) {
        Verdict::Pass
    } else if any(State::Open) {
        Verdict::Inconclusive
    } else {
        Verdict::NotApplicable
    }
}

#[cfg(test)]
mod tests {
    use dmconform_model::{CaseId, Check, Class, Spent};

    use super::*;

    fn result(verdict: Verdict, held: &RequirementId) -> CaseResult {
        CaseResult {
            id: CaseId("DEL-DMS1-0-110".to_owned()),
            title: String::new(),
            purpose: String::new(),
            implementation: String::new(),
            iut: vec![Role::Dms1],
            verdict,
            reason: None,
            class: Class::Conformance,
            covers: vec![held.clone()],
            checks: vec![Check {
                requirement: Some(held.clone()),
                what: "3/session is 2/session".to_owned(),
                records: Vec::new(),
            }],
            findings: Vec::new(),
            observed: Vec::new(),
            file: String::new(),
            duration_ms: 0,
            spent: Spent::default(),
            attempts: Vec::new(),
        }
    }

    #[test]
    fn what_held_before_a_case_came_to_nothing_does_not_hold_for_the_requirement() {
        let suite = Suite::embedded();
        let requirement = &suite.requirements[&RequirementId("DEL-0-1".to_owned())];
        let said = |verdict| state(&result(verdict, &requirement.id), requirement, Role::Dms1);
        assert_eq!(said(Verdict::Pass), Some(State::Held));
        assert_eq!(said(Verdict::Fail), Some(State::Held));
        assert_eq!(said(Verdict::Inconclusive), Some(State::Open));
        assert_eq!(said(Verdict::Error), Some(State::Open));
    }
}
