//! Lets every legal oddity loose on the cases: none may fail.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dmconform_case::pattern::{GlobSet, globs};
use dmconform_model::result::Problem;
use dmconform_model::self_test::{FalseAlarm, HadBy};
use dmconform_model::{CaseId, CaseResult, Role};
use dmconform_oddity::Oddity;
use tokio::task::JoinSet;

use super::assess::false_alarms;
use super::{SelfTestEvent, SelfTestOptions, Test, broken_off, discard, is_judged, run_options, silent_run};
use crate::options::{RunOptions, TargetFile};

/// What all of them came to.
#[derive(Default)]
pub(super) struct Odd {
    /// How many were tried.
    pub(super) tried: usize,
    /// What failed because of one.
    pub(super) alarms: Vec<FalseAlarm>,
    pub(super) problems: Vec<Problem>,
}

/// What one oddity came to.
struct Tried {
    oddity: Oddity,
    had_by: HadBy,
    judged: usize,
    alarms: Vec<FalseAlarm>,
    problems: Vec<Problem>,
}

/// The cases of full delegations in which nothing is changed.
pub(super) fn full_delegations() -> Option<GlobSet> {
    globs(&["DEL-*-0-0[1-4]0".to_owned()]).ok().flatten()
}

/// Tries every oddity that is asked for.
///
/// At once on both sides, on the full delegations and on as few forms of the reference implementation as play every role; or, where
/// all is asked for, on every case and every form: by the product in the first pass, by its peers in the second.
pub(super) async fn try_all(number: usize, directory: &Path, test: &Arc<Test>) -> Odd {
    let options = &test.options;
    let asked = |oddity: &&Oddity| options.is_everything() || options.oddities.contains(oddity);
    let oddities: Vec<Oddity> = Oddity::ALL.iter().filter(asked).copied().collect();
    let mut found = Odd {
        tried: oddities.len(),
        ..Odd::default()
    };
    let had_by = match (options.full, number) {
        (false, _) => HadBy::Everybody,
        (true, 1) => HadBy::Product,
        (true, _) => HadBy::Peers,
    };
    let mut trials = JoinSet::new();
    for oddity in oddities {
        let test = Arc::clone(test);
        let directory = directory.join(format!("{oddity}-{had_by:?}").to_lowercase());
        trials.spawn(async move {
            let _turn = test.turn(false).await;
            try_oddity(&test, oddity, had_by, number, &directory).await
        });
    }
    while let Some(tried) = trials.join_next().await {
        let tried = match tried {
            Ok(tried) => tried,
            Err(error) => {
                found.problems.push(broken_off("oddity", &error));
                continue;
            }
        };
        (test.emit)(SelfTestEvent::OddityTried {
            oddity: tried.oddity,
            had_by: tried.had_by,
            judged: tried.judged,
            failed: tried.alarms.len(),
        });
        found.alarms.extend(tried.alarms);
        found.problems.extend(tried.problems);
    }
    found
}

async fn try_oddity(test: &Test, oddity: Oddity, had_by: HadBy, number: usize, directory: &Path) -> Tried {
    let options = &test.options;
    let of = |who: HadBy| match had_by == who || had_by == HadBy::Everybody {
        true => vec![oddity],
        false => Vec::new(),
    };
    let known = options
        .suite
        .oddities
        .iter()
        .find(|known| known.name == oddity.name());
    let roles: &[Role] = known.map_or(&[], |known| &known.of);
    let mut results: Vec<CaseResult> = Vec::new();
    let mut problems = Vec::new();
    for target in targets(options, had_by, roles) {
        // What one form of the reference implementation has passed is not asked of the next.
        let cases = match options.full {
            true => globs(&untried(options, &results)).ok().flatten(),
            false => full_delegations(),
        };
        let run = RunOptions {
            cases,
            seed: u64::try_from(number).unwrap_or(1),
            oddities: of(HadBy::Product),
            peer_oddities: of(HadBy::Peers),
            directory: directory.join(&target.name),
            ..run_options(options, vec![target])
        };
        let record = silent_run(run, &test.cancelled).await;
        results.extend(record.cases);
        problems.extend(record.problems);
    }
    let mut alarms = false_alarms(&results);
    for alarm in &mut alarms {
        alarm.oddity = Some(oddity.to_string());
        alarm.had_by = Some(had_by);
    }
    if alarms.is_empty() && problems.is_empty() {
        discard(directory);
    }
    Tried {
        oddity,
        had_by,
        judged: results.iter().filter(|case| is_judged(case)).count(),
        alarms,
        problems,
    }
}

/// The cases that have not been judged yet.
fn untried(options: &SelfTestOptions, results: &[CaseResult]) -> Vec<String> {
    let judged: BTreeSet<&CaseId> = results
        .iter()
        .filter(|case| is_judged(case))
        .map(|case| &case.id)
        .collect();
    let cases = options.suite.cases.iter();
    let untried = cases.filter(|case| !judged.contains(&case.id));
    untried.map(|case| case.id.0.clone()).collect()
}

/// The forms of the reference implementation with which an oddity of these roles is seen.
fn targets(options: &SelfTestOptions, had_by: HadBy, roles: &[Role]) -> Vec<TargetFile> {
    let plays = |target: &TargetFile, role: &Role| target.implementation.plays.contains(role);
    let shows = |target: &&TargetFile| match had_by {
        HadBy::Product => roles.iter().any(|role| plays(target, role)),
        HadBy::Peers => roles.iter().any(|role| !plays(target, role)),
        HadBy::Everybody => true,
    };
    let mut chosen: Vec<TargetFile> = options.targets.iter().filter(shows).cloned().collect();
    // Those with several roles make those with one of them superfluous.
    chosen.sort_by_key(|target| std::cmp::Reverse(target.implementation.plays.len()));
    if options.full {
        return chosen;
    }
    let mut fewest: Vec<TargetFile> = Vec::new();
    for target in chosen {
        let is_new = |role: &Role| !fewest.iter().any(|known| plays(known, role));
        if target.implementation.plays.iter().any(is_new) {
            fewest.push(target);
        }
    }
    fewest
}
