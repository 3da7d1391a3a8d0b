//! Runs merged into one: the parts of a run that several machines have done.

use std::collections::BTreeSet;

use dmconform_model::ledger::{Coverage, State};
use dmconform_model::result::{summarise, summarise_robustness};
use dmconform_model::{CaseOf, LedgerEntry, RunRecord, Shard, Verdict};

/// Why runs cannot be merged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("merge runs: none was named")]
    Nothing,
    /// They were not made alike.
    #[error("merge `{first}` and `{other}`: they differ in {what}; merge parts of one run only")]
    Unlike {
        /// The first run.
        first: String,
        /// The one that differs.
        other: String,
        /// In what.
        what: &'static str,
    },
    /// The same part was done twice.
    #[error("merge the runs: `{first}` and `{other}` are both part {shard}; leave one of them out")]
    SamePart {
        /// The part.
        shard: Shard,
        /// The run that is it.
        first: String,
        /// The run that is it, too.
        other: String,
    },
    /// Not every part is there.
    #[error(
        "merge the runs: {missing} is missing, and without it nothing is known of the whole; name its directory, too"
    )]
    MissingPart {
        /// The parts that are not there.
        missing: String,
    },
    /// A case is in two of them.
    #[error(
        "merge the runs: {case} of {implementation} is in `{first}` and in `{other}`; leave one of them out"
    )]
    Twice {
        /// The case.
        case: String,
        /// The implementation.
        implementation: String,
        /// The run that has it.
        first: String,
        /// The run that has it, too.
        other: String,
    },
}

/// Merges runs. Known failures are left out: whoever knows the suite judges them.
///
/// # Errors
/// When they are not parts of one run: made with other options, or with a case in two of them.
pub fn merge(records: &[RunRecord]) -> Result<RunRecord, MergeError> {
    let [first, others @ ..] = records else {
        return Err(MergeError::Nothing);
    };
    for other in others {
        if let Some(what) = difference(first, other) {
            return Err(MergeError::Unlike {
                first: first.run.id.clone(),
                other: other.run.id.clone(),
                what,
            });
        }
    }
    check_parts(records)?;
    let mut merged = first.clone();
    let mut known: BTreeSet<_> = keys(first).collect();
    for other in others {
        for key in keys(other) {
            if !known.insert(key.clone()) {
                let has = |record: &&RunRecord| keys(record).any(|known| known == key);
                let first = records.iter().find(has).map(|record| record.run.id.clone());
                return Err(MergeError::Twice {
                    case: key.1,
                    implementation: key.0,
                    first: first.unwrap_or_default(),
                    other: other.run.id.clone(),
                });
            }
        }
        for target in &other.run.targets {
            if !merged.run.targets.contains(target) {
                merged.run.targets.push(target.clone());
            }
        }
        merged.cases.extend(other.cases.iter().cloned());
        merged.strays.extend(other.strays.iter().cloned());
        merged.problems.extend(other.problems.iter().cloned());
        merged.not_run.extend(other.not_run.iter().cloned());
        let (run, of) = (&mut merged.run, &other.run);
        run.id = format!("{}+{}", run.id, of.id);
        // Where a part was of everything, the whole leaves nothing out.
        match run.selection.is_empty() || of.selection.is_empty() {
            true => run.selection.clear(),
            false => {
                let new = of
                    .selection
                    .iter()
                    .filter(|option| !run.selection.contains(option));
                let new: Vec<String> = new.cloned().collect();
                run.selection.extend(new);
            }
        }
        // RFC 3339 in UTC: the earlier one comes first as a text, too.
        run.started = run.started.clone().min(of.started.clone());
        run.duration_ms += of.duration_ms;
        run.jobs = run.jobs.max(of.jobs);
        run.cancelled |= of.cancelled;
        run.stopped_by = run.stopped_by.take().or_else(|| of.stopped_by.clone());
    }
    // What one part did not come to another one may have judged.
    let judged: BTreeSet<CaseOf> = merged.cases.iter().map(CaseOf::result).collect();
    merged.not_run.retain(|of| !judged.contains(of));
    merged.not_run.sort();
    merged.not_run.dedup();
    // The parts are the whole.
    merged.run.shard = None;
    merged.gate = None;
    merged.summary = summarise(&merged.cases);
    merged.robustness = summarise_robustness(&merged.cases);
    merged.ledger = ledgers(records);
    Ok(merged)
}

/// What all ledgers together say: of each requirement and role the most that any says.
fn ledgers(records: &[RunRecord]) -> Vec<LedgerEntry> {
    let mut merged: Vec<LedgerEntry> = Vec::new();
    for entry in records.iter().flat_map(|record| &record.ledger) {
        let same =
            |known: &&mut LedgerEntry| (&known.requirement, known.role) == (&entry.requirement, entry.role);
        match merged.iter_mut().find(same) {
            Some(known) => add(known, entry),
            None => merged.push(entry.clone()),
        }
    }
    merged
}

fn add(known: &mut LedgerEntry, other: &LedgerEntry) {
    more(&mut known.positive, &other.positive);
    more(&mut known.negative, &other.negative);
    let said = [known.verdict, other.verdict];
    let broken = [Verdict::Fail, Verdict::Warn]
        .into_iter()
        .find(|verdict| said.contains(verdict));
    let any = |state: State| {
        [&known.positive, &known.negative]
            .iter()
            .any(|known| known.state == state)
    };
    known.verdict = match broken {
        Some(verdict) => verdict,
        None if any(State::Held) => Verdict::Pass,
        None if any(State::Open) => Verdict::Inconclusive,
        None => Verdict::NotApplicable,
    };
}

/// Takes what says more of a kind of check; where both say the same, the cases of both.
fn more(known: &mut Coverage, other: &Coverage) {
    let order = [
        State::Broken,
        State::Held,
        State::Open,
        State::NotRun,
        State::NotTested,
    ];
    let place = |of: &Coverage| order.iter().position(|state| *state == of.state);
    if place(other) < place(known) {
        known.clone_from(other);
    } else if other.state == known.state {
        let new = other.cases.iter().filter(|case| !known.cases.contains(case));
        let new: Vec<_> = new.cloned().collect();
        known.cases.extend(new);
    }
}

/// Whether parts of a whole are all there, each once; runs that are no parts of one may be of any cases.
fn check_parts(records: &[RunRecord]) -> Result<(), MergeError> {
    let mut done: Vec<(Shard, &RunRecord)> = Vec::new();
    for (shard, record) in records
        .iter()
        .filter_map(|record| Some((record.run.shard?, record)))
    {
        if let Some((_, first)) = done.iter().find(|(known, _)| *known == shard) {
            return Err(MergeError::SamePart {
                shard,
                first: first.run.id.clone(),
                other: record.run.id.clone(),
            });
        }
        done.push((shard, record));
    }
    let Some((Shard { of, .. }, _)) = done.first() else {
        return Ok(());
    };
    let parts = (1..=*of).map(|number| Shard { number, of: *of });
    let missing: Vec<String> = parts
        .filter(|part| done.iter().all(|(known, _)| known != part))
        .map(|part| format!("part {part}"))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(MergeError::MissingPart {
            missing: missing.join(", "),
        }),
    }
}

fn keys(record: &RunRecord) -> impl Iterator<Item = (String, String)> {
    let cases = record.cases.iter();
    cases.map(|case| (case.implementation.clone(), case.id.0.clone()))
}

/// What two runs differ in that parts of one run do not.
fn difference(one: &RunRecord, other: &RunRecord) -> Option<&'static str> {
    let entries = |record: &RunRecord| {
        let gate = record.gate.as_ref();
        gate.map(|gate| {
            gate.entries
                .iter()
                .map(|entry| entry.known.clone())
                .collect::<Vec<_>>()
        })
    };
    let same_known = entries(one) == entries(other);
    let (one, other) = (&one.run, &other.run);
    let of = |shard: Option<Shard>| shard.map(|shard| shard.of);
    let same_target = |target: &dmconform_model::Target| {
        let mut others = other.targets.iter();
        others.all(|other| other.name != target.name || other == target)
    };
    let names = |run: &dmconform_model::result::RunInfo| -> BTreeSet<String> {
        run.targets.iter().map(|target| target.name.clone()).collect()
    };
    let differences = [
        (one.harness != other.harness, "the version of the harness"),
        (one.strict != other.strict, "whether warnings fail (--strict)"),
        (one.seed != other.seed, "their seed (--seed)"),
        (
            one.deviations != other.deviations,
            "the defects of the reference implementation",
        ),
        (one.oddities != other.oddities, "the oddities of the product"),
        (
            one.peer_oddities != other.peer_oddities,
            "the oddities of its peers",
        ),
        (
            one.own_readings != other.own_readings,
            "how messages are read (--profile)",
        ),
        (
            of(one.shard) != of(other.shard),
            "into how many parts they are divided (--shard)",
        ),
        (
            one.shard.is_some() && one.selection != other.selection,
            "which cases were selected (--case, --role, --rerun-failed)",
        ),
        (
            one.allow_flaky != other.allow_flaky,
            "whether flaky cases fail (--allow-flaky)",
        ),
        (
            one.shard.is_some() && names(one) != names(other),
            "which implementations were tested (--implementation)",
        ),
        (!same_known, "the failures that were known (--expectations)"),
        (
            !one.targets.iter().all(same_target),
            "what an implementation of the same name is",
        ),
    ];
    let found = differences.into_iter().find(|(differs, _)| *differs);
    found.map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(state: State, cases: &[&str]) -> Coverage {
        Coverage {
            state,
            cases: cases
                .iter()
                .map(|case| dmconform_model::CaseId((*case).to_owned()))
                .collect(),
            why: None,
        }
    }

    #[test]
    fn of_two_parts_the_one_counts_that_says_more_and_both_where_they_say_the_same() {
        let merged = |mut one: Coverage, other: Coverage| {
            more(&mut one, &other);
            one
        };
        let held = || coverage(State::Held, &["A"]);
        assert_eq!(merged(coverage(State::NotRun, &[]), held()), held());
        assert_eq!(merged(held(), coverage(State::NotRun, &[])), held());
        assert_eq!(
            merged(held(), coverage(State::Broken, &["B"])),
            coverage(State::Broken, &["B"])
        );
        assert_eq!(
            merged(held(), coverage(State::Held, &["A", "B"])),
            coverage(State::Held, &["A", "B"])
        );
    }
}
