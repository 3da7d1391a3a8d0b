//! Runs as they are stored: results, and the transcripts beside them.

use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use dmconform_judge::{Records, Transcript, TranscriptError};
use dmconform_model::{CaseResult, Ladder, Record, RunRecord, Verdict};
use dmconform_report::Ladders;
use serde_json::Value;

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
    read_record(&text).map_err(failed)
}

/// The results in a text, if they are of the form that this program reads.
fn read_record(text: &str) -> Result<RunRecord, String> {
    let why = match serde_json::from_str::<RunRecord>(text) {
        Ok(record) if record.schema_version == RunRecord::SCHEMA_VERSION => return Ok(record),
        Ok(_) => "it is of another form".to_owned(),
        Err(error) => error.to_string(),
    };
    // Results of another form may hold anything: what they say of themselves is looked at without the rest.
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    match said["schema_version"].as_u64() {
        Some(version) if version != u64::from(RunRecord::SCHEMA_VERSION) => Err(format!(
            "it has schema version {version}, and this program reads {}; use the version of dmconform that wrote it, {}",
            RunRecord::SCHEMA_VERSION,
            said["run"]["harness"]
                .as_str()
                .unwrap_or("which it does not name")
        )),
        _ => Err(format!("{why}; was it written by another version, or edited?")),
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

/// Reads a transcript of a run.
pub(super) fn transcript(directory: &Path, place: &Path) -> Result<Transcript, String> {
    let failed = |error| unread(directory, place, &error);
    let mut records = open(directory, place).map_err(failed)?;
    let all: Result<Vec<Record>, _> = records.by_ref().collect();
    Ok(Transcript {
        records: all.map_err(failed)?,
        header: records.header().clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = include_str!("../../../../reports/samples/reference/results.json");

    #[test]
    fn results_of_another_form_are_refused_with_what_to_do() {
        let mut newer: Value = serde_json::from_str(RESULTS).expect("the sample is JSON");
        newer["schema_version"] = Value::from(2);
        newer["run"]["harness"] = Value::from("9.1.0");
        newer["something-new"] = Value::from("that no older program knows");
        assert_eq!(
            read_record(&newer.to_string()).expect_err("it is newer"),
            "it has schema version 2, and this program reads 1; use the version of dmconform that wrote it, 9.1.0"
        );
    }

    #[test]
    fn results_that_were_edited_are_told_from_others() {
        assert!(read_record(RESULTS).is_ok());
        let mut edited: Value = serde_json::from_str(RESULTS).expect("the sample is JSON");
        edited["something-new"] = Value::from("which takes nothing away");
        assert!(read_record(&edited.to_string()).is_ok());
        edited["cases"] = Value::from(1);
        let refused = read_record(&edited.to_string()).err().unwrap_or_default();
        assert!(
            refused.ends_with("was it written by another version, or edited?"),
            "{refused}"
        );
        let refused = read_record(&RESULTS[..1000]).err().unwrap_or_default();
        assert!(refused.starts_with("EOF while parsing"), "{refused}");
    }

    #[test]
    fn a_transcript_is_looked_for_below_its_run_only() {
        let record = read_record(RESULTS).expect("the sample is read");
        let mut case = record.cases[0].clone();
        assert!(transcript_of(&case).is_ok());
        case.implementation = "../../elsewhere".to_owned();
        assert!(transcript_of(&case).is_err());
    }
}
