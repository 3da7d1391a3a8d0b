//! `dmconform judge`: a stored transcript, again.

use std::fs::File;
use std::io::BufReader;

use dmconform_judge::Judge as CaseJudge;
use dmconform_model::RunRecord;

use crate::arguments::Judge;
use crate::output::{Failure, print};

/// Judges a transcript; prints the case's entry as it stands in `results.json`.
pub(crate) fn run(arguments: &Judge) -> Result<u8, Failure> {
    let path = arguments.transcript.display();
    let file = File::open(&arguments.transcript).map_err(|error| {
        Failure::usage(format!(
            "read the transcript `{path}`: {error}; runs keep them under `transcripts`"
        ))
    })?;
    let result = dmconform_judge::open(BufReader::new(file)).and_then(CaseJudge::stored);
    let result = result.map_err(|error| Failure::usage(format!("judge `{path}`: {error}")))?;
    print(&dmconform_report::json::case(&result));
    Ok(RunRecord::code_of(&[result.verdict]))
}
