//! `dmconform run --resume`: what a run that was broken off has judged stands; the rest is run.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use dmconform_judge::{Judge, Transcript, TranscriptError};
use dmconform_model::quoted;
use dmconform_model::{CaseOf, CaseResult, Event, RunRecord, Verdict};
use dmconform_runner::{RunOptions, TargetFile};

use super::{certification, stored};
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
    if directory.join(certification::FOLDER).exists() {
        return Err(Failure::usage(format!(
            "resume the run `{}`: it is an attempt at a certification, which is made in one go; make another with --certification",
            directory.display()
        )));
    }
    if let Some(other) = product_of_another(directory, options) {
        return Err(Failure::usage(format!(
            "resume the run `{}`: `{other}` was tested in it, and is none of the products of this command; give the options again that \
             it began with, and only --resume in place of --out",
            directory.display()
        )));
    }
    let before = stored::record_if_written(directory).map_err(|failure| Failure {
        message: format!(
            "resume the run `{}`, which would write over its results: failed to {}",
            directory.display(),
            failure.message
        ),
        ..failure
    })?;
    if before.as_ref().is_some_and(came_to_its_end) {
        return Err(Failure::usage(format!(
            "resume the run `{}`: it came to its end, and its results are written; run what failed again with --rerun-failed",
            directory.display()
        )));
    }
    options.directory = directory.to_owned();
    let mut found = Vec::new();
    for target in &options.targets {
        found.extend(judged(directory, target, options)?);
    }
    // Another run may have left its transcripts there before. Identifiers begin with the time: the last is the one that goes on.
    if let Some(last) = found.iter().map(|(_, run)| run).max() {
        options.id.clone_from(last);
    }
    found.retain(|(_, run)| *run == options.id);
    let already: BTreeMap<CaseOf, CaseResult> = found
        .into_iter()
        .map(|(result, _)| (CaseOf::result(&result), result))
        .collect();
    tell(&format!(
        "{} cases were judged before, and stand; the others are run\n",
        already.len()
    ));
    options.gating.already = already;
    if let Some(before) = before {
        options.gating.problems = before.problems;
        options.gating.began = Some(before.run.started);
    }
    Ok(())
}

/// A product that a run was about, and that is not to be tested now: its results would be lost.
fn product_of_another(directory: &Path, options: &RunOptions) -> Option<String> {
    let tested = std::fs::read_dir(directory.join("transcripts")).ok()?;
    let names = tested.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    let is_known = |name: &String| options.targets.iter().any(|target| target.name == *name);
    names.into_iter().find(|name| !is_known(name))
}

/// The command with which a run that was broken off goes on: the one that it began with, and where it is in place of where it is to be.
pub(super) fn command(directory: &Path) -> String {
    let mut words = vec!["dmconform".to_owned()];
    let mut arguments = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = arguments.next() {
        match word.split_once('=').map_or(word.as_str(), |(name, _)| name) {
            "--out" | "--resume" => {
                if !word.contains('=') {
                    arguments.next();
                }
            }
            _ => words.push(quoted(&word)),
        }
    }
    words.push("--resume".to_owned());
    words.push(quoted(&directory.display().to_string()));
    words.join(" ")
}

/// Whether a run has results that lack nothing: it was not cancelled, and nothing went wrong outside of its cases.
fn came_to_its_end(record: &RunRecord) -> bool {
    !record.run.cancelled && record.problems.is_empty() && record.not_run.is_empty()
}

/// The results of the cases of which there are whole transcripts, with the run they are of.
fn judged(
    directory: &Path,
    target: &TargetFile,
    options: &RunOptions,
) -> Result<Vec<(CaseResult, String)>, Failure> {
    let mut found = Vec::new();
    for case in &target.suite.cases {
        let place = format!("transcripts/{}/{}.jsonl", target.name, case.id);
        let Some(transcript) = whole(directory, Path::new(&place))? else {
            continue;
        };
        let case = case.clone().at_nodes(&target.implementation.nodes);
        if transcript.header.case != case || !stands(&transcript, target, options) {
            continue;
        }
        let run = transcript.header.run.clone();
        let result = Judge::transcript(transcript);
        // What did not pass is tried again where that is allowed, and this is its first attempt only.
        if options.gating.retries == 0 || result.verdict == Verdict::Pass {
            found.push((result, run));
        }
    }
    Ok(found)
}

/// A transcript, if it is there and whole. What is torn is run again: nothing is lost by that. What this program cannot judge may be
/// whole, and is not written over.
fn whole(directory: &Path, place: &Path) -> Result<Option<Transcript>, Failure> {
    match stored::transcript(directory, place) {
        Ok(transcript) => Ok(Some(transcript)),
        Err(TranscriptError::Unreadable(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error @ (TranscriptError::Newer { .. } | TranscriptError::Unreadable(_))) => {
            Err(Failure::usage(format!(
                "resume the run `{}`, which would write over a transcript: failed to {}",
                directory.display(),
                stored::unread(directory, place, &error)
            )))
        }
        Err(_) => Ok(None),
    }
}

/// Whether a transcript was not broken off, and is of the product, the profile and the options of this run.
fn stands(transcript: &Transcript, target: &TargetFile, options: &RunOptions) -> bool {
    let (header, product) = (&transcript.header, &target.implementation);
    let is_broken_off = transcript
        .records
        .iter()
        .any(|record| matches!(record.event, Event::Aborted { .. }));
    let suite = &target.suite;
    !is_broken_off
        && header.strict == options.strict
        && options.turn_verdicts_as(&header.rerun)
        && header.target.plays == product.plays
        && *header.claims == product.supports
        && header.limits == product.limits
        && header.target.product == product.implementation.to_string()
        && header.profile == suite.profile
        && header.procedure == suite.procedure
        && header.requirements == suite.requirements
}
