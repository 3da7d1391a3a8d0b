//! Runs as they are stored: results, and the transcripts beside them.

use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use dmconform_judge::{Records, TranscriptError};
use dmconform_model::{CaseResult, Ladder, Record, RunRecord, Verdict};
use dmconform_report::Ladders;

use crate::output::{Failure, tell};

/// Reads the results of a run.
pub(super) fn record(directory: &Path) -> Result<RunRecord, Failure> {
    let path = directory.join("results.json");
    let text = std::fs::read_to_string(&path).map_err(|error| {
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
    ladder_of(directory, &transcript_of(case)?)
}

/// The ladder of a transcript of a run.
pub(super) fn ladder_of(directory: &Path, place: &Path) -> Result<Ladder, String> {
    dmconform_judge::stored_ladder(|| open(directory, place))
        .map_err(|error| unread(directory, place, &error))
}

/// Where the transcript of a case stands, below its run.
pub(super) fn transcript_of(case: &CaseResult) -> Result<PathBuf, String> {
    let place = PathBuf::from(format!("transcripts/{}/{}.jsonl", case.implementation, case.id));
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

/// Begins to read a transcript of a run.
fn open(directory: &Path, place: &Path) -> Result<Records<BufReader<File>>, TranscriptError> {
    dmconform_judge::open(BufReader::new(File::open(directory.join(place))?))
}

fn unread(directory: &Path, place: &Path, error: &TranscriptError) -> String {
    format!("judge `{}`: {error}", directory.join(place).display())
}

/// What is wanted of a transcript of a run, record by record.
pub(super) fn picked<T>(
    directory: &Path,
    place: &Path,
    wanted: impl Fn(Record) -> Option<T>,
) -> Result<Vec<T>, String> {
    let failed = |error| unread(directory, place, &error);
    let mut found = Vec::new();
    for record in open(directory, place).map_err(failed)? {
        found.extend(wanted(record.map_err(failed)?));
    }
    Ok(found)
}
