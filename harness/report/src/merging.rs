//! Runs merged into one: the parts of a run that several machines have done.

use std::collections::BTreeSet;

use dmconform_model::RunRecord;
use dmconform_model::result::{summarise, summarise_robustness};

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

/// Merges runs. The ledger is left empty: whoever knows the suite makes it of the cases.
///
/// # Errors
/// When they are not parts of one run: made with other options, or with a case in two of them.
pub fn merge(records: &[RunRecord]) -> Result<RunRecord, MergeError> {
    let [first, others @ ..] = records else {
        return Err(MergeError::Nothing);
    };
    let mut merged = first.clone();
    let mut known: BTreeSet<_> = keys(first).collect();
    for other in others {
        if let Some(what) = difference(first, other) {
            return Err(MergeError::Unlike {
                first: first.run.id.clone(),
                other: other.run.id.clone(),
                what,
            });
        }
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
        let (run, of) = (&mut merged.run, &other.run);
        run.id = format!("{}+{}", run.id, of.id);
        // RFC 3339 in UTC: the earlier one comes first as a text, too.
        run.started = run.started.clone().min(of.started.clone());
        run.duration_ms += of.duration_ms;
        run.jobs = run.jobs.max(of.jobs);
        run.cancelled |= of.cancelled;
    }
    merged.summary = summarise(&merged.cases);
    merged.robustness = summarise_robustness(&merged.cases);
    merged.ledger = Vec::new();
    Ok(merged)
}

fn keys(record: &RunRecord) -> impl Iterator<Item = (String, String)> {
    let cases = record.cases.iter();
    cases.map(|case| (case.implementation.clone(), case.id.0.clone()))
}

/// What two runs differ in that parts of one run do not.
fn difference(one: &RunRecord, other: &RunRecord) -> Option<&'static str> {
    let (one, other) = (&one.run, &other.run);
    let same_target = |target: &dmconform_model::Target| {
        let mut others = other.targets.iter();
        others.all(|other| other.name != target.name || other == target)
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
            !one.targets.iter().all(same_target),
            "what an implementation of the same name is",
        ),
    ];
    let found = differences.into_iter().find(|(differs, _)| *differs);
    found.map(|(_, what)| what)
}
