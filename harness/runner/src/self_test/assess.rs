//! What the runs of a self-test come to: a pure function of their results.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::test_case::TestCase;
use dmconform_model::result::{Blame, Problem};
use dmconform_model::self_test::{BrokenPromise, Caught, FalseAlarm, Flake, Mutant, Row, Trial};
use dmconform_model::{CaseId, CaseResult, FindingCode, SelfTest, Verdict};

use super::{SelfTestOptions, is_judged};

/// The results of everything once.
#[derive(Clone, Debug, Default)]
pub(super) struct Pass {
    pub(super) clean: Vec<CaseResult>,
    pub(super) rows: Vec<Row>,
    /// What failed because of an oddity.
    pub(super) odd: Vec<FalseAlarm>,
    /// How many oddities were tried.
    pub(super) oddities: usize,
    pub(super) problems: Vec<Problem>,
}

/// What a case says about a deviation; nothing where it does not apply.
pub(super) fn trial(row: &Row, case: &CaseResult) -> Option<Trial> {
    if !is_judged(case) {
        return None;
    }
    let blamed = case.findings.iter().filter(|finding| {
        matches!(finding.verdict, Verdict::Fail | Verdict::Warn)
            && finding.blame == Some(Blame::from(row.mutant.role))
    });
    let caught = blamed
        .map(|finding| match &finding.requirement {
            Some(requirement) if *requirement == row.breaks => Caught::Yes,
            _ => Caught::ForAnotherReason,
        })
        .max();
    Some(Trial {
        case: case.id.clone(),
        implementation: case.implementation.clone(),
        named: row.named.contains(&case.id),
        verdict: case.verdict,
        caught: caught.unwrap_or(Caught::No),
        findings: findings(case),
    })
}

/// What a case found, without what differs from run to run.
fn findings(case: &CaseResult) -> Vec<String> {
    case.findings
        .iter()
        .map(|finding| {
            let requirement = finding.requirement.as_ref().map_or("", |id| id.0.as_str());
            format!("{} {} {requirement}", finding.verdict, finding.code)
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// The cases that do not let a product without deviations pass.
pub(super) fn false_alarms(cases: &[CaseResult]) -> Vec<FalseAlarm> {
    let alarms = cases
        .iter()
        .filter(|case| is_judged(case) && case.verdict != Verdict::Pass);
    alarms
        .map(|case| FalseAlarm {
            case: case.id.clone(),
            implementation: case.implementation.clone(),
            oddity: None,
            had_by: None,
            verdict: case.verdict,
        })
        .collect()
}

/// Puts together what the passes found.
pub(super) fn assess(options: &SelfTestOptions, passes: Vec<Pass>) -> SelfTest {
    let active: Vec<&CaseId> = options
        .suite
        .cases
        .iter()
        .filter(|case| case.withdrawn.is_none())
        .map(|case| &case.id)
        .collect();
    let cases = options.suite.cases.iter();
    let families: BTreeSet<&CaseId> = cases
        .filter(|case| case.withdrawn.is_none())
        .map(TestCase::family)
        .collect();
    let flaky = flaky(&passes);
    let mut clean_failures: Vec<FalseAlarm> =
        passes.iter().flat_map(|pass| false_alarms(&pass.clean)).collect();
    clean_failures.sort();
    clean_failures.dedup();
    let mut oddity_failures: Vec<FalseAlarm> = passes.iter().flat_map(|pass| pass.odd.clone()).collect();
    oddity_failures.sort();
    oddity_failures.dedup();
    let oddities = passes.first().map_or(0, |pass| pass.oddities);
    let problems = passes.iter().flat_map(|pass| pass.problems.clone()).collect();
    let matrix = passes.into_iter().next().unwrap_or_default().rows;
    let failed = failed_by(&matrix);
    let unprovable = active.iter().filter(|case| !failed.contains_key(**case));
    let mutants = |which: fn(&Row) -> bool| -> Vec<Mutant> {
        matrix
            .iter()
            .filter(|row| which(row))
            .map(|row| row.mutant.clone())
            .collect()
    };
    let deviations: BTreeSet<&str> = matrix.iter().map(|row| row.mutant.deviation.as_str()).collect();
    SelfTest {
        schema_version: SelfTest::SCHEMA_VERSION,
        id: options.id.clone(),
        started: options.started.clone(),
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        full: options.full,
        cases: count(families.len()),
        deviations: count(deviations.len()),
        mutants: count(matrix.len()),
        killed: count(matrix.iter().filter(|row| row.is_killed()).count()),
        oddities: count(oddities),
        survivors: mutants(|row| !row.is_killed() && !row.is_noticed()),
        // Of a few deviations nothing follows about all cases.
        unprovable_cases: if options.is_everything() {
            unprovable.map(|case| (*case).clone()).collect()
        } else {
            Vec::new()
        },
        wrong_killer: mutants(|row| !row.is_killed() && row.is_noticed()),
        broken_promises: matrix.iter().flat_map(broken_promises).collect(),
        clean_failures,
        oddity_failures,
        flaky,
        identical_kill_sets: identical(&of_families(options, &failed)),
        problems,
        cancelled: false,
        duration_ms: 0,
        matrix,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// By which deviations each case is failed.
fn failed_by(matrix: &[Row]) -> BTreeMap<&CaseId, BTreeSet<&Mutant>> {
    let mut failed: BTreeMap<&CaseId, BTreeSet<&Mutant>> = BTreeMap::new();
    for row in matrix {
        for trial in row.trials.iter().filter(|trial| trial.caught != Caught::No) {
            failed.entry(&trial.case).or_default().insert(&row.mutant);
        }
    }
    failed
}

/// The same, with variants as the one case that they are.
fn of_families<'a>(
    options: &'a SelfTestOptions,
    failed: &BTreeMap<&'a CaseId, BTreeSet<&'a Mutant>>,
) -> BTreeMap<&'a CaseId, BTreeSet<&'a Mutant>> {
    let mut families: BTreeMap<&CaseId, BTreeSet<&Mutant>> = BTreeMap::new();
    for case in &options.suite.cases {
        if let Some(mutants) = failed.get(&case.id) {
            families.entry(case.family()).or_default().extend(mutants);
        }
    }
    families
}

fn broken_promises(row: &Row) -> Vec<BrokenPromise> {
    let broken = row.named.iter().filter(|case| !row.is_killed_by(case));
    broken
        .map(|case| BrokenPromise {
            case: case.clone(),
            mutant: row.mutant.clone(),
            verdicts: row
                .trials
                .iter()
                .filter(|trial| trial.case == *case)
                .map(|trial| format!("{}: {}", trial.implementation, trial.verdict))
                .collect(),
        })
        .collect()
}

/// Cases with the same, not empty, set of deviations that fail them.
fn identical(failed: &BTreeMap<&CaseId, BTreeSet<&Mutant>>) -> Vec<Vec<CaseId>> {
    let mut groups: BTreeMap<&BTreeSet<&Mutant>, Vec<CaseId>> = BTreeMap::new();
    for (case, mutants) in failed {
        groups.entry(mutants).or_default().push((*case).clone());
    }
    let mut groups: Vec<Vec<CaseId>> = groups.into_values().filter(|cases| cases.len() > 1).collect();
    groups.sort();
    groups
}

/// What two passes judged differently.
///
/// Where a case holds nothing back, whether a message was seen to come too early or merely crossed the other one is a
/// matter of luck (docs/decisions/0002-order-is-proven-by-one-lock.md): findings of kind `order` are left out. So are those of
/// kind `went-on`: what a product does anyway comes before the client has tried again, or after it. A product that dies, or
/// hangs, takes whatever cases go on beside the one that it dies of: only those that are named for that are compared. A case that
/// is not named for a deviation and comes to no verdict on it contradicts none. And where the same requirement was found broken, what
/// that was found by may differ.
fn flaky(passes: &[Pass]) -> Vec<Flake> {
    // In the short form that is compared → in full.
    let mut said: BTreeMap<(Option<Mutant>, String, CaseId), BTreeMap<String, String>> = BTreeMap::new();
    let mut say = |key, findings: &[String]| {
        let of_case = said.entry(key).or_default();
        of_case
            .entry(in_short(findings))
            .or_insert_with(|| in_full(findings));
    };
    for pass in passes {
        for case in pass.clean.iter().filter(|case| is_judged(case)) {
            let key = (None, case.implementation.clone(), case.id.clone());
            say(key, &findings(case));
        }
        for row in &pass.rows {
            let is_luck = |trial: &&Trial| {
                !row.named.contains(&trial.case)
                    && (row.breaks.is_of_robustness() || trial.verdict == Verdict::Inconclusive)
            };
            for trial in row.trials.iter().filter(|trial| !is_luck(trial)) {
                let key = (
                    Some(row.mutant.clone()),
                    trial.implementation.clone(),
                    trial.case.clone(),
                );
                say(key, &trial.findings);
            }
        }
    }
    let differing = said.into_iter().filter(|(_, said)| said.len() > 1);
    differing
        .map(|((mutant, implementation, case), said)| Flake {
            case,
            implementation,
            mutant,
            said: Vec::from_iter(said.into_values().collect::<BTreeSet<_>>()),
        })
        .collect()
}

/// What findings come to: which requirements were broken, how gravely; nothing of what is a matter of luck.
fn in_short(findings: &[String]) -> String {
    let luck = [FindingCode::Order, FindingCode::WentOn].map(FindingCode::as_str);
    let short = findings.iter().filter_map(|finding| {
        let mut parts = finding.split(' ');
        let (verdict, code) = (parts.next()?, parts.next()?);
        let requirement = parts.next().unwrap_or_default();
        (!luck.contains(&code)).then(|| format!("{verdict} {requirement}"))
    });
    let short: BTreeSet<String> = short.collect();
    Vec::from_iter(short).join(", ")
}

fn in_full(findings: &[String]) -> String {
    match findings {
        [] => Verdict::Pass.to_string(),
        findings => findings.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use dmconform_model::{RequirementId, Role};

    use super::*;

    fn mutant(name: &str) -> Mutant {
        Mutant {
            deviation: name.to_owned(),
            role: Role::Dms1,
        }
    }

    fn tried(case: &str, caught: Caught) -> Trial {
        Trial {
            case: CaseId(case.to_owned()),
            implementation: "reference-dms-1".to_owned(),
            named: true,
            verdict: if caught == Caught::No {
                Verdict::Pass
            } else {
                Verdict::Fail
            },
            caught,
            findings: match caught {
                Caught::No => Vec::new(),
                _ => vec!["fail field DEL-8-2".to_owned()],
            },
        }
    }

    fn row(name: &str, named: &[&str], trials: Vec<Trial>) -> Row {
        Row {
            mutant: mutant(name),
            breaks: RequirementId("DEL-8-2".to_owned()),
            words: String::new(),
            named: named.iter().map(|case| CaseId((*case).to_owned())).collect(),
            trials,
        }
    }

    fn pass(rows: Vec<Row>) -> Pass {
        Pass {
            rows,
            ..Pass::default()
        }
    }

    #[test]
    fn a_case_that_fails_for_another_reason_has_not_kept_its_promise() {
        let row = row(
            "one",
            &["a", "b"],
            vec![tried("a", Caught::Yes), tried("b", Caught::ForAnotherReason)],
        );
        let broken: Vec<String> = broken_promises(&row)
            .into_iter()
            .map(|broken| broken.case.0)
            .collect();
        assert_eq!(broken, ["b"]);
        assert!(row.is_killed());
    }

    #[test]
    fn a_case_that_catches_it_on_one_of_two_implementations_has_kept_its_promise() {
        let row = row(
            "one",
            &["a"],
            vec![tried("a", Caught::No), tried("a", Caught::Yes)],
        );
        assert_eq!(broken_promises(&row), []);
    }

    #[test]
    fn a_deviation_that_only_others_notice_is_not_killed() {
        let row = row(
            "one",
            &["a"],
            vec![tried("a", Caught::No), tried("b", Caught::Yes)],
        );
        assert!(!row.is_killed());
        assert!(row.is_noticed());
    }

    #[test]
    fn cases_that_the_same_deviations_fail_are_put_together() {
        let rows = [
            row(
                "one",
                &[],
                vec![
                    tried("a", Caught::Yes),
                    tried("b", Caught::Yes),
                    tried("c", Caught::Yes),
                ],
            ),
            row(
                "two",
                &[],
                vec![
                    tried("a", Caught::Yes),
                    tried("b", Caught::Yes),
                    tried("d", Caught::No),
                ],
            ),
        ];
        let ids =
            |cases: &[&str]| -> Vec<CaseId> { cases.iter().map(|case| CaseId((*case).to_owned())).collect() };
        assert_eq!(identical(&failed_by(&rows)), [ids(&["a", "b"])]);
    }

    #[test]
    fn what_two_passes_say_differently_is_flaky() {
        let first = pass(vec![row(
            "one",
            &[],
            vec![tried("a", Caught::Yes), tried("b", Caught::No)],
        )]);
        let second = pass(vec![row(
            "one",
            &[],
            vec![tried("a", Caught::No), tried("b", Caught::No)],
        )]);
        let found = flaky(&[first.clone(), second]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].case.0, "a");
        assert_eq!(found[0].said, ["fail field DEL-8-2", "pass"]);
        assert_eq!(flaky(&[first.clone(), first]), []);
    }

    #[test]
    fn what_dies_takes_others_with_it_as_luck_has_it() {
        let died_in = |caught_by_named, in_another| {
            let mut row = row(
                "dies",
                &["a"],
                vec![tried("a", caught_by_named), tried("b", in_another)],
            );
            row.breaks = RequirementId("ROB-0-1".to_owned());
            pass(vec![row])
        };
        let differ = |first: Pass, second: Pass| flaky(&[first, second]).len();
        let luck = differ(
            died_in(Caught::Yes, Caught::Yes),
            died_in(Caught::Yes, Caught::No),
        );
        assert_eq!(luck, 0);
        let named = differ(died_in(Caught::Yes, Caught::No), died_in(Caught::No, Caught::No));
        assert_eq!(named, 1);
    }

    #[test]
    fn no_verdict_contradicts_none_unless_the_case_is_named_for_the_deviation() {
        let undecided = Trial {
            verdict: Verdict::Inconclusive,
            findings: vec!["inconclusive inconclusive DEL-6-2".to_owned()],
            ..tried("a", Caught::No)
        };
        let passes = |named: &[&str]| {
            let trials = [undecided.clone(), tried("a", Caught::No)];
            trials.map(|trial| pass(vec![row("one", named, vec![trial])]))
        };
        assert_eq!(flaky(&passes(&[])), []);
        assert_eq!(flaky(&passes(&["a"])).len(), 1);
    }

    #[test]
    fn what_the_same_breach_was_found_by_is_no_difference() {
        let found = |finding: &str| {
            let trial = Trial {
                findings: vec![finding.to_owned()],
                ..tried("a", Caught::Yes)
            };
            pass(vec![row("one", &["a"], vec![trial])])
        };
        let missing = found("warn missing DEL-0-2");
        assert_eq!(flaky(&[missing.clone(), found("warn refused DEL-0-2")]), []);
        let differing = [found("fail missing DEL-0-2"), found("warn missing DEL-8-2")];
        for other in differing {
            assert_eq!(flaky(&[missing.clone(), other]).len(), 1);
        }
    }

    #[test]
    fn whether_two_messages_crossed_is_no_difference() {
        let order = Trial {
            findings: vec!["fail order DEL-8-3".to_owned()],
            ..tried("a", Caught::Yes)
        };
        let first = pass(vec![row("one", &[], vec![order])]);
        let second = pass(vec![row("one", &[], vec![tried("a", Caught::No)])]);
        assert_eq!(flaky(&[first, second]), []);
    }
}
