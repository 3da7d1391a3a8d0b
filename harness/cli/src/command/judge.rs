//! `dmconform judge`: a stored transcript, again.

use dmconform_judge::Judge as CaseJudge;
use dmconform_model::RunRecord;

use crate::arguments::Judge;
use crate::bounded;
use crate::output::{Failure, print};

/// Judges a transcript; prints the case's entry as it stands in `results.json`.
pub(crate) fn run(arguments: &Judge) -> Result<u8, Failure> {
    let path = arguments.transcript.display();
    let text = bounded::text(&arguments.transcript).map_err(|error| {
        Failure::usage(format!(
            "read the transcript `{path}`: {error}; runs keep them under `transcripts`"
        ))
    })?;
    let transcript =
        dmconform_judge::read(&text).map_err(|error| Failure::usage(format!("judge `{path}`: {error}")))?;
    let result = CaseJudge::transcript(transcript);
    print(&dmconform_report::json::case(&result));
    Ok(RunRecord::code_of(&[result.verdict]))
}
