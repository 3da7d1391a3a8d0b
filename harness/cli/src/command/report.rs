//! `dmconform report`: reports of stored runs.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use dmconform_case::Suite;
use dmconform_case::expectations::judge_whole;
use dmconform_case::test_case::Opener;
use dmconform_model::{CaseId, Gate, MessageId, Role, RunRecord, Step};
use dmconform_report::matrix::{self, Between, Matrix};
use dmconform_report::{comparison, html, junit, markdown, merging};

use super::run::write_results;
use super::{evidence, stored, work};
use crate::arguments::{Compare, ComparisonFormat, MatrixFormat, MatrixOf, Merge, Report, ReportCommand};
use crate::output::{Failure, print};
use crate::{below, suite};

/// The folder of a run that its transcripts are in.
const TRANSCRIPTS: &str = "transcripts";

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
        Some(path) => work::write_whole(path, octets).map_err(|error| {
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
    // Cases of one's own, and those of products that are observed, are not in the suite.
    let judged = merged.cases.iter().map(|case| &case.id);
    let known: Vec<&CaseId> = suite.cases.iter().map(|case| &case.id).chain(judged).collect();
    let gate = judge_whole(&gates, &merged, &known).map_err(Failure::usage)?;
    let merged = RunRecord { gate, ..merged };
    if runs.out.exists() {
        return Err(Failure::usage(format!(
            "merge into `{}`: it is there already; name a directory that is not",
            runs.out.display()
        )));
    }
    work::make_directory(&runs.out)?;
    let mut parts = runs.runs.iter().zip(&records);
    let gathered = parts.try_for_each(|(run, record)| gather(run, record, &records, &runs.out));
    if let Err(failure) = gathered.and_then(|()| write_results(&runs.out, &merged)) {
        // Nobody is to take a part for the whole.
        let _ = std::fs::remove_dir_all(&runs.out);
        return Err(failure);
    }
    print(&format!("results in {}\n", runs.out.display()));
    Ok(merged.exit_code())
}

/// Copies the transcripts of a part, and what is kept beside them, for nobody but the user. What its directory holds of cases that are
/// not its own is left there: it may be of a run before.
fn gather(run: &Path, record: &RunRecord, all: &[RunRecord], out: &Path) -> Result<(), Failure> {
    let from = run.join(TRANSCRIPTS);
    let failed = |error: std::io::Error| {
        let why = format!("copy the transcripts of `{}`: {error}", from.display());
        match error.kind() {
            ErrorKind::InvalidInput => Failure::usage(why),
            _ => Failure::environment(why),
        }
    };
    let implementations: BTreeSet<&str> = record
        .cases
        .iter()
        .map(|case| case.implementation.as_str())
        .collect();
    for implementation in implementations {
        let folder = Path::new(TRANSCRIPTS).join(implementation);
        // One of which nothing was run has no folder.
        let Some(files) = below::entries(run, &folder).map_err(failed)? else {
            continue;
        };
        for name in files {
            let case = owner(all, implementation, &name);
            let is_own = |case: &CaseId| {
                let mut cases = record.cases.iter();
                cases.any(|own| own.implementation == implementation && own.id == *case)
            };
            if case.is_some_and(is_own) {
                let place = folder.join(&name);
                let octets = below::octets(run, &place);
                let copied =
                    octets.and_then(|octets| dmconform_runner::write_private(&out.join(&place), octets));
                copied.map_err(failed)?;
            }
        }
    }
    Ok(())
}

/// The case that a file among the transcripts of an implementation is of: `DEL-DMS1-1-010.none` has one, `DEL-DMS1-1-010` another.
fn owner<'a>(records: &'a [RunRecord], implementation: &str, file: &str) -> Option<&'a CaseId> {
    let cases = records.iter().flat_map(|record| &record.cases);
    let ids = cases
        .filter(|case| case.implementation == implementation)
        .map(|case| &case.id);
    let named = ids.filter(|id| {
        let rest = file.strip_prefix(id.0.as_str());
        rest.is_some_and(|rest| rest.starts_with('.'))
    });
    named.max_by_key(|id| id.0.len())
}
