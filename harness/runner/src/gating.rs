//! What a run is told by those who gate a change on it: which part it is, when it stops, what is known to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use dmconform_case::expectations::Expectations;
use dmconform_case::test_case::TestCase;
use dmconform_model::result::{Attempt, Problem};
use dmconform_model::{CaseId, CaseOf, CaseResult, Class, Date, Shard, Verdict};

/// What a run is told by those who gate a change on it.
#[derive(Clone, Debug, Default)]
pub struct Gating {
    /// Only these cases of these implementations; all if absent.
    pub only: Option<BTreeSet<CaseOf>>,
    /// Only the cases of this part.
    pub shard: Option<Shard>,
    /// The options that leave cases out, for the record.
    pub selection: Vec<String>,
    /// Whether no other case begins after one that makes the run fail.
    pub fail_fast: bool,
    /// How many times a case that did not pass is tried again.
    pub retries: u32,
    /// Whether a case that passes at a later attempt fails no run.
    pub allow_flaky: bool,
    /// The failures that are known.
    pub expectations: Option<Arc<Expectations>>,
    /// What an earlier beginning of this run has judged: these cases are not run again.
    pub already: BTreeMap<CaseOf, CaseResult>,
    /// What went wrong then outside of its cases. It stays true of an implementation of which nothing is left to run.
    pub problems: Vec<Problem>,
    /// When that beginning was, where it is known: RFC 3339, UTC. What was known to fail still is asked of the day of this one.
    pub began: Option<String>,
}

impl Gating {
    /// Whether a case is selected.
    pub(crate) fn selects(&self, implementation: &str, case: &CaseId) -> bool {
        let of = || CaseOf {
            implementation: implementation.to_owned(),
            case: case.clone(),
        };
        self.shard.is_none_or(|shard| shard.has(implementation, case))
            && self.only.as_ref().is_none_or(|only| only.contains(&of()))
    }
}

impl Gating {
    /// What is known of a case from an earlier beginning of the run.
    pub(crate) fn known(&self, implementation: &str, case: &CaseId) -> Option<&CaseResult> {
        self.already.get(&CaseOf {
            implementation: implementation.to_owned(),
            case: case.clone(),
        })
    }
}

/// The end of a run at its first failure.
pub(crate) struct Stop {
    /// Whether it is asked for.
    fail_fast: bool,
    strict: bool,
    allow_flaky: bool,
    expectations: Option<(Arc<Expectations>, Date)>,
    /// Whether cases count that do not weigh on conformance, since there are no others.
    counts_all: bool,
    by: OnceLock<CaseOf>,
}

impl Stop {
    /// What ends a run of these cases.
    pub(crate) fn new<'a>(
        gating: &Gating,
        strict: bool,
        day: Option<Date>,
        mut cases: impl Iterator<Item = &'a TestCase>,
    ) -> Self {
        let is_part = gating.shard.is_some() && gating.selection.is_empty();
        Self {
            fail_fast: gating.fail_fast,
            strict,
            allow_flaky: gating.allow_flaky,
            expectations: gating.expectations.clone().zip(day),
            counts_all: !is_part && !cases.any(weighs),
            by: OnceLock::new(),
        }
    }

    /// Whether what a product withstands counts: under `--strict`, or where nothing else was asked for.
    pub(crate) const fn counts_robustness(&self) -> bool {
        self.strict || self.counts_all
    }

    /// Looks whether a result ends the run.
    pub(crate) fn look_at(&self, result: &CaseResult) {
        if self.fail_fast && self.fails(result) {
            // The first one ends it.
            let _ = self.by.set(CaseOf::result(result));
        }
    }

    fn fails(&self, result: &CaseResult) -> bool {
        let counts = result.weighs() || result.verdict == Verdict::Error || self.strict || self.counts_all;
        let is_excused = || {
            let mut known = self.expectations.iter();
            known.any(|(known, day)| known.excuse(result, *day))
        };
        let is_allowed = result.is_flaky() && self.allow_flaky;
        counts && !passed(result) && !is_allowed && !is_excused()
    }

    /// The case that has ended the run.
    pub(crate) fn by(&self) -> Option<&CaseOf> {
        self.by.get()
    }
}

/// Whether a case weighs on conformance; [`CaseResult::weighs`] says it of its result.
fn weighs(case: &TestCase) -> bool {
    case.class == Class::Conformance || case.covers.iter().any(|id| !id.is_of_robustness())
}

/// Whether a result is not one to try again.
pub(crate) const fn passed(result: &CaseResult) -> bool {
    matches!(
        result.verdict,
        Verdict::Pass | Verdict::Warn | Verdict::NotApplicable
    )
}

/// One result of several attempts, each with its transcript: that of the first that failed, or of the first if none did.
pub(crate) fn standing(mut attempts: Vec<(CaseResult, String)>) -> Option<CaseResult> {
    let listed: Vec<Attempt> = attempts
        .iter()
        .map(|(result, transcript)| Attempt {
            verdict: result.verdict,
            reason: result.reason.clone(),
            transcript: transcript.clone(),
            duration_ms: result.duration_ms,
        })
        .collect();
    let failed = attempts
        .iter()
        .position(|(result, _)| result.verdict == Verdict::Fail);
    if attempts.is_empty() {
        return None;
    }
    let (mut result, _) = attempts.swap_remove(failed.unwrap_or(0));
    if listed.len() > 1 {
        result.attempts = listed;
    }
    Some(result)
}
