//! Lets every deviation loose on the cases, each in a run of its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use dmconform_case::pattern::globs;
use dmconform_model::result::Problem;
use dmconform_model::self_test::{Mutant, Row};
use dmconform_model::{CaseId, Deviation};
use tokio::task::JoinSet;

use super::assess::trial;
use super::{SelfTestEvent, SelfTestOptions, Test, broken_off, discard, run_options, silent_run};
use crate::options::{Kept, RunOptions, TargetFile};

/// The requirement about delegations at once: what breaks it disturbs every case that runs beside it.
const TWO_AT_ONCE: &str = "DEL-0-2";

/// How long a message of a deviating reference implementation is waited for, in milliseconds. Its implementation files
/// allow for slow machines; a deviation that leaves out something early makes every case wait for as long.
const DEADLINE_MS: u64 = 3_000;

/// Every deviation that is asked for, in each of its roles.
pub(super) fn chosen(options: &SelfTestOptions) -> Vec<(Mutant, Deviation)> {
    let asked =
        |deviation: &&Deviation| options.is_everything() || options.deviations.contains(&deviation.name);
    let chosen = options.suite.deviations.iter().filter(asked);
    chosen
        .flat_map(|deviation| {
            deviation.of.iter().map(|role| {
                let mutant = Mutant {
                    deviation: deviation.name.clone(),
                    role: *role,
                };
                (mutant, deviation.clone())
            })
        })
        .collect()
}

/// Whether a product with this deviation makes most cases wait: it is gone again and again, or takes part in one delegation at a
/// time.
fn waits(deviation: &Deviation) -> bool {
    deviation.breaks.is_of_robustness() || deviation.breaks.0 == TWO_AT_ONCE
}

/// A deviation with its place among all of them.
type Numbered<'a> = (usize, &'a (Mutant, Deviation));

/// The deviations of one pass, beside each other.
pub(super) async fn try_all(
    number: usize,
    directory: &Path,
    test: &Arc<Test>,
    mutants: &[(Mutant, Deviation)],
) -> (Vec<Row>, Vec<Problem>) {
    let numbered = mutants.iter().enumerate();
    let (waiting, busy): (Vec<Numbered<'_>>, Vec<_>) =
        numbered.partition(|(_, (_, deviation))| waits(deviation));
    let tried = tokio::join!(
        try_some(number, directory, test, true, waiting),
        try_some(number, directory, test, false, busy)
    );
    let (mut rows, mut problems) = tried.0;
    rows.extend(tried.1.0);
    problems.extend(tried.1.1);
    rows.sort_by_key(|(index, _)| *index);
    (rows.into_iter().map(|(_, row)| row).collect(), problems)
}

/// Those that wait most of the time, or those that do not. In the second pass, those that took longest in the first come first, so that
/// none is left over at the end.
async fn try_some(
    number: usize,
    directory: &Path,
    test: &Arc<Test>,
    waits: bool,
    mut mutants: Vec<Numbered<'_>>,
) -> (Vec<(usize, Row)>, Vec<Problem>) {
    if number > 1 {
        let firsts = test.firsts(waits);
        firsts.all_begun(mutants.len()).await;
        firsts.longest_first(&mut mutants);
    }
    let mut trials = JoinSet::new();
    for (index, (mutant, deviation)) in mutants {
        let test = Arc::clone(test);
        let (mutant, deviation) = (mutant.clone(), deviation.clone());
        let directory = directory.join(format!("{}-{}", mutant.deviation, mutant.role));
        trials.spawn(async move {
            let _turn = test.turn(waits).await;
            let began = Instant::now();
            if number == 1 {
                test.firsts(waits).begin();
            }
            let tried = try_mutant(&test, mutant, &deviation, &directory).await;
            test.firsts(waits).end(index, began.elapsed());
            (index, tried)
        });
    }
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    while let Some(tried) = trials.join_next().await {
        let (index, (row, found)) = match tried {
            Ok(tried) => tried,
            Err(error) => {
                problems.push(broken_off("deviation", &error));
                continue;
            }
        };
        problems.extend(found);
        rows.push((index, row.clone()));
        (test.emit)(SelfTestEvent::MutantTried {
            row: Box::new(row),
            tried: test.tried.fetch_add(1, Ordering::Relaxed) + 1,
            of: test.of,
        });
    }
    (rows, problems)
}

/// Tries one deviation: on the cases that name it, on one form of the reference implementation after the other until
/// all of them caught it; or on every case, where what one form has shown is not asked of the next, unless it should have
/// been caught.
async fn try_mutant(
    test: &Test,
    mutant: Mutant,
    deviation: &Deviation,
    directory: &Path,
) -> (Row, Vec<Problem>) {
    let options = &test.options;
    let named = |name: &str| {
        let cases = options.suite.cases.iter();
        let active = cases.filter(|case| case.withdrawn.is_none() && case.iut.contains(&mutant.role));
        let naming = active.filter(move |case| case.catches.iter().any(|caught| caught == name));
        naming.map(|case| case.id.clone()).collect::<Vec<CaseId>>()
    };
    let mut row = Row {
        named: named(&mutant.deviation),
        breaks: deviation.breaks.clone(),
        words: deviation.words.clone(),
        trials: Vec::new(),
        mutant,
    };
    let mut problems = Vec::new();
    let mut open: BTreeSet<CaseId> = row.named.iter().cloned().collect();
    for target in &options.targets {
        let plays = target.implementation.plays.contains(&row.mutant.role);
        let asked: Vec<String> = match options.full {
            true => untried(options, &row, &open),
            false => open.iter().map(|case| case.0.clone()).collect(),
        };
        if !plays || test.is_cancelled() || asked.is_empty() {
            continue;
        }
        let jobs = if row.breaks.0 == TWO_AT_ONCE {
            1
        } else {
            options.jobs
        };
        let run = RunOptions {
            roles: vec![row.mutant.role],
            cases: globs(&asked).ok().flatten(),
            deviations: vec![row.mutant.deviation.clone()],
            jobs,
            // Why the others come out as they do is not asked.
            kept: Kept::Of(row.named.iter().cloned().collect()),
            directory: directory.join(&target.name),
            ..run_options(options, vec![impatient(target)])
        };
        let record = silent_run(run, &test.cancelled).await;
        problems.extend(record.problems);
        let trials = record.cases.iter().filter_map(|case| trial(&row, case));
        let trials: Vec<_> = trials.collect();
        row.trials.extend(trials);
        open.retain(|case| !row.is_killed_by(case));
    }
    if open.is_empty() && row.is_killed() && problems.is_empty() && !test.is_cancelled() {
        discard(directory);
    }
    (row, problems)
}

/// The cases that have not judged a deviation yet, and those that should have caught it and did not.
fn untried(options: &SelfTestOptions, row: &Row, open: &BTreeSet<CaseId>) -> Vec<String> {
    let tried: BTreeSet<&CaseId> = row.trials.iter().map(|trial| &trial.case).collect();
    let cases = options.suite.cases.iter();
    let untried = cases.filter(|case| !tried.contains(&case.id) || open.contains(&case.id));
    untried.map(|case| case.id.0.clone()).collect()
}

/// The target, with a shorter limit for what it must do.
fn impatient(target: &TargetFile) -> TargetFile {
    let mut target = target.clone();
    let limit = &mut target.implementation.limits.step_deadline;
    limit.milliseconds = limit.milliseconds.min(DEADLINE_MS);
    target
}
