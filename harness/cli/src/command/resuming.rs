//! `dmconform run --resume`: what a run that was broken off has judged stands; the rest is run.

use std::collections::BTreeMap;
use std::path::Path;

use dmconform_judge::{Judge, Transcript};
use dmconform_model::{CaseOf, CaseResult, Event};
use dmconform_runner::{RunOptions, TargetFile};

use super::stored;
use crate::output::{Failure, tell};

/// Takes over what the transcripts of an earlier beginning of this run show, in its directory.
pub(super) fn take_over(directory: Option<&Path>, options: &mut RunOptions) -> Result<(), Failure> {
    let Some(directory) = directory else {
        return Ok(());
    };
    if !directory.is_dir() {
        return Err(Failure::usage(format!(
            "resume the run `{}`: there is no such directory; name the one that a run has begun to write",
            directory.display()
        )));
    }
    if came_to_its_end(directory) {
        return Err(Failure::usage(format!(
            "resume the run `{}`: it came to its end, and its results are written; run what failed again with --rerun-failed",
            directory.display()
        )));
    }
    options.directory = directory.to_owned();
    let mut already: BTreeMap<CaseOf, CaseResult> = BTreeMap::new();
    for target in &options.targets {
        for (result, run) in judged(directory, target, options.strict) {
            options.id = run;
            already.insert(CaseOf::result(&result), result);
        }
    }
    tell(&format!(
        "{} cases were judged before, and stand; the others are run\n",
        already.len()
    ));
    options.gating.already = already;
    Ok(())
}

/// Whether a run has results that lack nothing: it was not cancelled, and nothing went wrong outside of its cases.
fn came_to_its_end(directory: &Path) -> bool {
    stored::record(directory)
        .is_ok_and(|record| !record.run.cancelled && record.problems.is_empty() && record.not_run.is_empty())
}

/// The results of the cases of which there are whole transcripts, with the run they are of.
fn judged(directory: &Path, target: &TargetFile, strict: bool) -> Vec<(CaseResult, String)> {
    let mut found = Vec::new();
    for case in &target.suite.cases {
        let place = format!("transcripts/{}/{}.jsonl", target.name, case.id);
        // What is torn, or of another time, is run again: nothing is lost by that.
        let Ok(transcript) = stored::transcript(directory, Path::new(&place)) else {
            continue;
        };
        let case = case.clone().at_nodes(&target.implementation.nodes);
        if transcript.header.case == case && stands(&transcript, target, strict) {
            let run = transcript.header.run.clone();
            found.push((Judge::transcript(transcript), run));
        }
    }
    found
}

/// Whether a transcript is whole, and of the product, the profile and the options of this run.
fn stands(transcript: &Transcript, target: &TargetFile, strict: bool) -> bool {
    let (header, product) = (&transcript.header, &target.implementation);
    let is_whole = transcript
        .records
        .last()
        .is_some_and(|last| last.event == Event::Ended);
    let is_broken_off = transcript
        .records
        .iter()
        .any(|record| matches!(record.event, Event::Aborted { .. }));
    let suite = &target.suite;
    is_whole
        && !is_broken_off
        && header.strict == strict
        && header.claims == product.supports
        && header.limits == product.limits
        && header.target.product == product.implementation.to_string()
        && header.profile == suite.profile
        && header.procedure == suite.procedure
        && header.requirements == suite.requirements
}
