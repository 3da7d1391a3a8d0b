//! Carries out a run: shows how it goes, writes the results, and says what came out.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dmconform_model::{CaseResult, Date, RunEvent, RunRecord};
use dmconform_report::github::{self, Files};
use dmconform_report::progress::{IsKnown, Progress, Screen};
use dmconform_report::terminal::{self, Style};
use dmconform_report::{json, markdown};
use dmconform_runner::{Emit, RunOptions};

use super::run::write_results;
use super::{gating, stored, work};
use crate::arguments::{LogFormat, Output, OutputFormat};
use crate::output::{Failure, colours, is_terminal, print, size, tell, width};

/// Runs, writes the results, and says what came out. `own` are the files of the run that are the user's.
pub(super) fn carry_out(options: RunOptions, output: Output, own: Vec<String>) -> Result<RunRecord, Failure> {
    if output.format != OutputFormat::Github {
        return carry_out_and_tell(options, output);
    }
    let directory = options.directory.clone();
    let token = token();
    print(&github::stop_commands(&token));
    let ended = carry_out_and_tell(options, output);
    print(&github::resume_commands(&token));
    let record = ended?;
    let workspace = std::env::var("GITHUB_WORKSPACE").ok();
    print(&github::annotations(&record, &Files { own, workspace }));
    add_to_summary(&markdown::write(&record, &stored::ladders(&directory, &record)))?;
    Ok(record)
}

fn carry_out_and_tell(options: RunOptions, output: Output) -> Result<RunRecord, Failure> {
    let directory = options.directory.clone();
    work::make_directory(&directory)?;
    let emit = match output.log_format {
        LogFormat::Text => progress(output, is_known(&options)),
        LogFormat::Json => Arc::new(|event: RunEvent| tell(&json::event(&event))),
    };
    let record = work::to_the_end(|cancelled| dmconform_runner::run(options, emit, cancelled))?;
    // What came out is told where it cannot be written, too.
    let written = write_results(&directory, &record);
    gating::explain_nothing(&record);
    let style = Style {
        colour: colours(output.color).0,
        width: width(),
    };
    match (output.format, output.quiet) {
        (OutputFormat::Json, _) => print(&json::write(&record)),
        (_, true) => print(&terminal::brief(&record, style)),
        (_, false) => {
            print(&terminal::summary(&record, style));
            if written.is_ok() {
                print(&format!("results in {}\n", directory.display()));
            }
        }
    }
    written?;
    Ok(record)
}

/// Whether a failure was known before, on the day on which the run begins.
fn is_known(options: &RunOptions) -> IsKnown {
    let known = options.gating.expectations.clone();
    let known = known.zip(Date::of_moment(&options.started));
    Box::new(move |case: &CaseResult| {
        let mut known = known.iter();
        known.any(|(known, day)| known.excuse(case, *day))
    })
}

/// Shows progress on standard error.
fn progress(output: Output, is_known: IsKnown) -> Emit {
    let (width, height) = size();
    let screen = Screen {
        style: Style {
            colour: colours(output.color).1,
            width,
        },
        height: is_terminal().then_some(height),
        quiet: output.quiet,
    };
    let began = Instant::now();
    let progress = Mutex::new(Progress::new(screen, is_known));
    Arc::new(move |event: RunEvent| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.resize(size());
        let text = progress.event(&event, began.elapsed());
        // Under the lock: what is drawn again must come in order.
        if !text.is_empty() {
            tell(&text);
        }
    })
}

/// Something that no product can know.
fn token() -> String {
    let state = RandomState::new();
    format!(
        "{:016x}{:016x}",
        state.hash_one(1),
        RandomState::new().hash_one(2)
    )
}

/// Adds to the summary of the job, where there is one.
fn add_to_summary(text: &str) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::environment(format!(
            "write the summary of the job to `{}`: {error}; is GITHUB_STEP_SUMMARY right?",
            path.display()
        ))
    })
}
