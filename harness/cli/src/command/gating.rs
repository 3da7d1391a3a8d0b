//! What those who gate a change on a run have asked for, read and checked before it begins.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dmconform_case::Suite;
use dmconform_case::expectations::Expectations;
use dmconform_case::read::{self, Source};
use dmconform_model::{CaseOf, RunRecord, Verdict};
use dmconform_runner::{RunOptions, TargetFile};

use super::stored;
use crate::arguments;
use crate::bounded;
use crate::output::{Failure, tell};
use crate::suite;

/// What was asked for. `selection` are the other options that leave cases out.
pub(super) fn gating(
    asked: &arguments::Gating,
    selection: Vec<String>,
    suite: &Suite,
) -> Result<dmconform_runner::Gating, Failure> {
    let expectations = asked
        .expectations
        .as_deref()
        .map(|path| expectations(path, suite));
    let again = asked
        .rerun_failed
        .iter()
        .map(|run| format!("--rerun-failed {}", run.display()));
    Ok(dmconform_runner::Gating {
        only: None,
        shard: asked.shard,
        selection: selection.into_iter().chain(again).collect(),
        fail_fast: asked.fail_fast,
        retries: asked.retries,
        allow_flaky: asked.allow_flaky,
        expectations: expectations.transpose()?.map(Arc::new),
        already: std::collections::BTreeMap::new(),
        problems: Vec::new(),
        began: None,
    })
}

fn expectations(path: &Path, suite: &Suite) -> Result<Expectations, Failure> {
    let text = bounded::text(path).map_err(|error| {
        Failure::usage(format!(
            "read the known failures `{}`: {error}; look whether the path is right",
            path.display()
        ))
    })?;
    let name = path.display().to_string();
    let source = Source {
        name: &name,
        text: &text,
    };
    read::expectations(source, &suite.requirements)
        .map_err(|problems| Failure::usage(suite::rendered(&problems)))
}

/// Selects what failed in a stored run, once it is known which implementations are run.
pub(super) fn select_failed(asked: &arguments::Gating, options: &mut RunOptions) -> Result<(), Failure> {
    let Some(run) = &asked.rerun_failed else {
        return Ok(());
    };
    let record = stored::record(run)?;
    let failed: BTreeSet<CaseOf> = failed(&record).collect();
    for problem in &record.problems {
        tell(&format!(
            "note: {} could not be tested in that run: run it without --rerun-failed, too\n",
            problem.implementation
        ));
    }
    if !record.not_run.is_empty() {
        tell(&format!(
            "note: {} cases were not run there: run them without --rerun-failed, too\n",
            record.not_run.len()
        ));
    }
    if failed.is_empty() {
        return Err(Failure {
            message: format!(
                "run anything again: nothing failed in `{}`; run without --rerun-failed",
                run.display()
            ),
            code: 4,
        });
    }
    for of in &failed {
        is_there(of, &options.targets, &record)?;
    }
    tell(&format!(
        "{} of {} cases are run again: those that did not pass in {}\n",
        failed.len(),
        record.cases.len(),
        run.display()
    ));
    options.gating.only = Some(failed);
    Ok(())
}

/// The cases that failed, could not be judged, or met an error.
fn failed(record: &RunRecord) -> impl Iterator<Item = CaseOf> {
    let is_failed = |verdict| matches!(verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::Error);
    let cases = record.cases.iter().filter(move |case| is_failed(case.verdict));
    cases.map(CaseOf::result)
}

/// Whether a case that is to run again can be.
fn is_there(of: &CaseOf, targets: &[TargetFile], record: &RunRecord) -> Result<(), Failure> {
    let Some(target) = targets.iter().find(|target| target.name == of.implementation) else {
        let mut known = record.run.targets.iter();
        let product = known.find(|known| known.name == of.implementation);
        let product = product.map_or("", |known| known.product.as_str());
        return Err(Failure::usage(format!(
            "run {of} again: {} ({product}) is not among the products of this run; name its file with --implementation, as that run did",
            of.implementation
        )));
    };
    if target.suite.case(&of.case.0).is_none() {
        return Err(Failure::usage(format!(
            "run {of} again: there is no such case; name its file with --cases, as that run did"
        )));
    }
    Ok(())
}

/// Says why a part of a run has nothing to do: that is no success.
pub(super) fn explain_nothing(record: &RunRecord) {
    let Some(shard) = record.run.shard.filter(|_| record.cases.is_empty()) else {
        return;
    };
    tell(&format!(
        "note: no selected case belongs to part {shard}: choose fewer parts, or let the job take exit code 4 for good; \
         the results are written, for `dmconform report merge`\n"
    ));
}
