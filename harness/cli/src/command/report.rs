//! `dmconform report`: reports of stored runs.

use dmconform_report::{html, junit, markdown};

use super::stored;
use crate::arguments::{Report, ReportCommand, StoredRun};
use crate::output::{Failure, print};

/// Writes a report of a stored run.
pub(crate) fn run(arguments: &Report) -> Result<u8, Failure> {
    match &arguments.what {
        ReportCommand::Html(run) => {
            let record = stored::record(&run.run)?;
            let ladders = stored::ladders(&run.run, &record);
            put(run, html::write(&record, &ladders).as_bytes())
        }
        ReportCommand::Markdown(run) => {
            let record = stored::record(&run.run)?;
            let ladders = stored::ladders(&run.run, &record);
            put(run, markdown::write(&record, &ladders).as_bytes())
        }
        ReportCommand::Junit(run) => {
            let record = stored::record(&run.run)?;
            let text = junit::write(&record).map_err(|error| Failure::environment(error.to_string()))?;
            put(run, &text)
        }
    }
}

/// Writes to the file that was named, or prints.
fn put(run: &StoredRun, octets: &[u8]) -> Result<u8, Failure> {
    match &run.out {
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
