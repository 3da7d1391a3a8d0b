//! Runs as they are stored: results, and the transcripts beside them.

use std::path::{Component, Path, PathBuf};

use dmconform_judge::Transcript;
use dmconform_model::{CaseResult, Ladder, RunRecord, Verdict};
use dmconform_report::Ladders;

use crate::bounded;
use crate::output::{Failure, tell};

/// Reads the results of a run.
pub(super) fn record(directory: &Path) -> Result<RunRecord, Failure> {
    let path = directory.join("results.json");
    let text = bounded::text(&path).map_err(|error| {
        Failure::usage(format!(
            "read the run `{}`: {error}; name the directory that `dmconform run` wrote, with `results.json` in it",
            path.display()
        ))
    })?;
    let failed = |why: String| Failure::usage(format!("read the run `{}`: {why}", path.display()));
    let record: RunRecord = serde_json::from_str(&text)
        .map_err(|error| failed(format!("{error}; was it written by another version, or edited?")))?;
    if record.schema_version != RunRecord::SCHEMA_VERSION {
        return Err(failed(format!(
            "it has schema version {}, and this program reads {}; use the version of dmconform that wrote it, {}",
            record.schema_version,
            RunRecord::SCHEMA_VERSION,
            record.run.harness
        )));
    }
    Ok(record)
}

/// The ladders of the cases that did not pass, from their transcripts. Where one cannot be read, that is said, and the
/// report goes without.
pub(super) fn ladders(directory: &Path, record: &RunRecord) -> Ladders {
    let noteworthy = record
        .cases
        .iter()
        .filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::NotApplicable));
    let mut ladders = Ladders::new();
    for case in noteworthy {
        match ladder(directory, case) {
            Ok(ladder) => {
                ladders.insert((case.implementation.clone(), case.id.clone()), ladder);
            }
            Err(why) => tell(&format!("note: no ladder of {}: failed to {why}\n", case.id)),
        }
    }
    ladders
}

fn ladder(directory: &Path, case: &CaseResult) -> Result<Ladder, String> {
    let transcript = transcript(directory, &transcript_of(case)?)?;
    Ok(dmconform_judge::ladder(&transcript))
}

/// Where the transcript of a case stands, below its run: that of the attempt whose verdict stands.
pub(super) fn transcript_of(case: &CaseResult) -> Result<PathBuf, String> {
    let mut attempts = case.attempts.iter();
    let standing = attempts.find(|attempt| attempt.verdict == case.verdict);
    let place = standing.map_or_else(
        || format!("transcripts/{}/{}.jsonl", case.implementation, case.id),
        |attempt| attempt.transcript.clone(),
    );
    let place = PathBuf::from(place);
    // Results may come from anybody; a transcript stands below its run.
    if !place
        .components()
        .all(|component| matches!(component, Component::Normal(_)))
    {
        return Err(format!(
            "take `{}` for the place of a transcript: it leads elsewhere",
            place.display()
        ));
    }
    Ok(place)
}

/// Reads a transcript of a run.
pub(super) fn transcript(directory: &Path, place: &Path) -> Result<Transcript, String> {
    let path = directory.join(place);
    let text =
        bounded::text(&path).map_err(|error| format!("read the transcript `{}`: {error}", path.display()))?;
    dmconform_judge::read(&text).map_err(|error| format!("judge `{}`: {error}", path.display()))
}
