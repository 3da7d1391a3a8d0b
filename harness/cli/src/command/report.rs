//! `dmconform report`: reports of stored runs.

use std::path::Path;

use dmconform_case::Suite;
use dmconform_case::expectations::judge_whole;
use dmconform_case::ledger::ledger;
use dmconform_case::test_case::Opener;
use dmconform_model::{CaseId, Gate, MessageId, Role, RunRecord, Step};
use dmconform_report::matrix::{self, Between, Matrix};
use dmconform_report::{comparison, html, junit, markdown, merging};

use super::run::write_results;
use super::{evidence, stored, work};
use crate::arguments::{Compare, ComparisonFormat, MatrixFormat, MatrixOf, Merge, Report, ReportCommand};
use crate::output::{Failure, print};
use crate::suite;

/// Writes a report of a stored run, compares two, or merges several.
pub(crate) fn run(arguments: &Report) -> Result<u8, Failure> {
    match &arguments.what {
        ReportCommand::Html(run) => {
            let record = stored::record(&run.run)?;
            let ladders = stored::ladders(&run.run, &record);
            put(run.out.as_deref(), html::write(&record, &ladders).as_bytes())
        }
        ReportCommand::Markdown(run) => {
            let record = stored::record(&run.run)?;
            let ladders = stored::ladders(&run.run, &record);
            put(run.out.as_deref(), markdown::write(&record, &ladders).as_bytes())
        }
        ReportCommand::Junit(run) => {
            let record = stored::record(&run.run)?;
            let text = junit::write(&record).map_err(|error| Failure::environment(error.to_string()))?;
            put(run.out.as_deref(), &text)
        }
        ReportCommand::Evidence(of) => evidence::run(of),
        ReportCommand::Matrix(of) => matrix(of),
        ReportCommand::Compare(runs) => compare(runs),
        ReportCommand::Merge(runs) => merge(runs),
    }
}

/// Sets the products of runs against each other.
fn matrix(arguments: &MatrixOf) -> Result<u8, Failure> {
    let records = arguments.runs.iter().map(|run| stored::record(run));
    let records: Vec<RunRecord> = records.collect::<Result<_, _>>()?;
    let matrix =
        Matrix::of(&records, &between(&suite::load()?)).map_err(|error| Failure::usage(error.to_string()))?;
    let text = match arguments.format {
        MatrixFormat::Markdown => matrix::markdown(&matrix),
        MatrixFormat::Html => matrix::html(&matrix),
        MatrixFormat::Json => matrix.json(),
    };
    put(arguments.out.as_deref(), text.as_bytes())?;
    Ok(matrix.exit_code())
}

/// Between which roles each step passes; whoever opens, the two are the same.
fn between(suite: &Suite) -> Between {
    let roles = |step: Step| {
        let request = MessageId::request(step);
        let sender = suite.procedure.sender(request, Opener::Dms1)?;
        let receiver = suite.procedure.receiver(request, Opener::Dms1)?;
        Some((step, [sender, receiver]))
    };
    // The procedure has messages; what precedes them is in the figure only.
    let connection = (Step::TlsConnection, [Role::Dms1, Role::Dms2]);
    let steps = Step::ALL.into_iter().filter_map(roles);
    steps.chain([connection]).collect()
}

/// Writes to the file that was named, or prints.
fn put(out: Option<&Path>, octets: &[u8]) -> Result<u8, Failure> {
    match out {
        None => print(&String::from_utf8_lossy(octets)),
        Some(path) => std::fs::write(path, octets).map_err(|error| {
            Failure::environment(format!(
                "write the report `{}`: {error}; choose another place with --out",
                path.display()
            ))
        })?,
    }
    Ok(0)
}

fn compare(runs: &Compare) -> Result<u8, Failure> {
    let (before, after) = (stored::record(&runs.before)?, stored::record(&runs.after)?);
    let found = comparison::compare(&before, &after);
    print(&match runs.format {
        ComparisonFormat::Text => comparison::text(&found),
        ComparisonFormat::Markdown => comparison::markdown(&found),
        ComparisonFormat::Json => comparison::json(&found),
    });
    Ok(found.exit_code())
}

/// Merges the results, gathers the transcripts, and writes every report of the whole.
fn merge(runs: &Merge) -> Result<u8, Failure> {
    let records = runs.runs.iter().map(|run| stored::record(run));
    let records: Vec<RunRecord> = records.collect::<Result<_, _>>()?;
    let merged = merging::merge(&records).map_err(|error| Failure::usage(error.to_string()))?;
    let suite = suite::load()?;
    let gates: Vec<&Gate> = records.iter().filter_map(|record| record.gate.as_ref()).collect();
    let known: Vec<&CaseId> = suite.cases.iter().map(|case| &case.id).collect();
    let gate = judge_whole(&gates, &merged, &known).map_err(Failure::usage)?;
    let merged = RunRecord {
        ledger: ledger(&suite, &merged.cases),
        gate,
        ..merged
    };
    if runs.out.exists() {
        return Err(Failure::usage(format!(
            "merge into `{}`: it is there already; name a directory that is not",
            runs.out.display()
        )));
    }
    work::make_directory(&runs.out)?;
    for run in &runs.runs {
        gather(&run.join("transcripts"), &runs.out.join("transcripts"))?;
    }
    write_results(&runs.out, &merged)?;
    print(&format!("results in {}\n", runs.out.display()));
    Ok(merged.exit_code())
}

/// Copies a folder of transcripts, with who may read them. No two parts have the same.
fn gather(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::environment(format!("copy the transcripts of `{}`: {error}", from.display()))
    };
    if !from.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let place = to.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            gather(&entry.path(), &place)?;
        } else {
            std::fs::copy(entry.path(), place).map_err(failed)?;
        }
    }
    Ok(())
}
