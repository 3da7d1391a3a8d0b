//! Runs as they are stored: results, and the transcripts beside them.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Component, Path, PathBuf};

use dmconform_judge::{Records, Transcript, TranscriptError};
use dmconform_model::{CaseResult, Ladder, Record, RunRecord, Verdict};
use dmconform_report::Ladders;

use crate::below;
use crate::output::{Failure, tell};

/// The file that has the results of a run, in its directory.
const RESULTS: &str = "results.json";

/// Reads the results of a run.
pub(super) fn record(directory: &Path) -> Result<RunRecord, Failure> {
    let path = directory.join(RESULTS);
    let octets = below::octets(directory, Path::new(RESULTS)).map_err(|error| {
        // What is in the way of what is there says itself what to do.
        let remedy = match error.kind() {
            ErrorKind::InvalidInput => String::new(),
            _ => format!("; name the directory that `dmconform run` wrote, with `{RESULTS}` in it"),
        };
        Failure::usage(format!("read the run `{}`: {error}{remedy}", path.display()))
    })?;
    RunRecord::read(&octets)
        .map_err(|error| Failure::usage(format!("read the run `{}`: {error}", path.display())))
}

/// Reads the results of a run if there are any: one that was killed has none, and only of such a one nothing is known.
pub(super) fn record_if_written(directory: &Path) -> Result<Option<RunRecord>, Failure> {
    match directory.join(RESULTS).symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => record(directory).map(Some),
    }
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

/// Begins to read a transcript of a run.
fn open(directory: &Path, place: &Path) -> Result<Records<BufReader<File>>, TranscriptError> {
    dmconform_judge::open(BufReader::new(below::open(directory, place)?))
}

/// Why a transcript of a run could not be read.
pub(super) fn unread(directory: &Path, place: &Path, error: &TranscriptError) -> String {
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

/// Reads a transcript of a run.
pub(super) fn transcript(directory: &Path, place: &Path) -> Result<Transcript, TranscriptError> {
    let mut records = open(directory, place)?;
    let all: Result<Vec<Record>, _> = records.by_ref().collect();
    Ok(Transcript {
        records: all?,
        header: records.header().clone(),
    })
}

#[cfg(test)]
mod tests {
    use dmconform_model::result::Attempt;

    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../../../../reports/samples/reference/results.json");

    #[test]
    fn a_transcript_is_looked_for_below_its_run_only() {
        let record = RunRecord::read(SAMPLE).expect("the sample is read");
        let mut case = record.cases[0].clone();
        assert!(transcript_of(&case).is_ok());
        for place in ["../../elsewhere", "/elsewhere"] {
            case.attempts = vec![Attempt {
                verdict: case.verdict,
                reason: None,
                transcript: place.to_owned(),
                duration_ms: 0,
            }];
            assert!(transcript_of(&case).is_err());
        }
    }

    #[test]
    fn only_results_that_are_not_there_are_none() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        assert!(matches!(record_if_written(folder.path()), Ok(None)));
        std::fs::create_dir(folder.path().join(RESULTS)).expect("a folder can be made");
        assert!(record_if_written(folder.path()).is_err());
    }
}
