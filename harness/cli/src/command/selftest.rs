//! `dmconform selftest`: the suite tested by products that break it on purpose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dmconform_model::SelfTest;
use dmconform_reference::Deviation;
use dmconform_report::self_test as report;
use dmconform_runner::{EmitSelfTest, SelfTestEvent, SelfTestOptions};
use tokio::sync::watch;

use crate::arguments::{Format, Selftest};
use crate::output::{Failure, print, tell};
use crate::suite;

use super::run::{bundled, cancel_on_signal, make_private, run_id};

/// Lets every deviation loose on the cases, writes the kill matrix, and says what came out.
pub(crate) fn run(arguments: &Selftest) -> Result<u8, Failure> {
    let options = options(arguments)?;
    let directory = options.directory.clone();
    make_private(&directory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("start threads: {error}")))?;
    let (cancel, cancelled) = watch::channel(false);
    let found = runtime.block_on(async {
        tokio::spawn(cancel_on_signal(cancel));
        dmconform_runner::self_test(options, emitter(), cancelled).await
    });
    write(&directory, &found)?;
    match arguments.format {
        Format::Json => print(&report::json(&found)),
        Format::Text => {
            print(&report::summary(&found));
            print(&format!("kill matrix in {}\n", directory.display()));
        }
    }
    Ok(found.exit_code())
}

fn options(arguments: &Selftest) -> Result<SelfTestOptions, Failure> {
    for name in &arguments.deviation {
        name.parse::<Deviation>()
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    let started = dmconform_runner::timestamp();
    let id = run_id(&started);
    let directory = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("reports/selftest").join(&id));
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Ok(SelfTestOptions {
        id,
        started,
        suite: suite::load()?,
        targets: bundled()?,
        full: arguments.full,
        deviations: arguments.deviation.clone(),
        // The few cases named for a deviation wait far more than they compute; all cases together do not.
        at_once: arguments
            .jobs
            .map_or(processors * if arguments.full { 2 } else { 8 }, |jobs| {
                usize::try_from(jobs).unwrap_or(1)
            }),
        jobs: if arguments.full { 24 } else { 8 },
        directory,
        program: std::env::current_exe()
            .map_err(|error| Failure::environment(format!("find this program: {error}")))?,
    })
}

/// Shows progress on standard error.
fn emitter() -> EmitSelfTest {
    Arc::new(|event| match event {
        SelfTestEvent::CleanTested { judged, not_passed } => {
            tell(&format!(
                "without deviations: {judged} cases judged, {not_passed} of them did not pass\n"
            ));
        }
        SelfTestEvent::MutantTried { row, tried, of } => tell(&report::progress(&row, tried, of)),
    })
}

fn write(directory: &Path, found: &SelfTest) -> Result<(), Failure> {
    let files = [
        ("selftest.json", report::json(found)),
        ("selftest.md", report::markdown::write(found)),
        ("selftest.html", report::html::write(found)),
    ];
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Failure::environment(format!("write `{}`: {error}; is the disk full?", path.display()))
        })?;
    }
    Ok(())
}
