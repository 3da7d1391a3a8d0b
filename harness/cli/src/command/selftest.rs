//! `dmconform selftest`: the suite tested by products that break it on purpose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dmconform_model::SelfTest;
use dmconform_report::self_test as report;
use dmconform_runner::{EmitSelfTest, SelfTestEvent, SelfTestOptions};

use crate::arguments::{Format, Selftest};
use crate::output::{Failure, print, tell};
use crate::suite;

use super::run::bundled;
use super::{named, work};

/// Lets every deviation loose on the cases, writes the kill matrix, and says what came out.
pub(crate) fn run(arguments: &Selftest) -> Result<u8, Failure> {
    let options = options(arguments)?;
    let directory = options.directory.clone();
    work::make_directory(&directory)?;
    let found = work::to_the_end(|cancelled| dmconform_runner::self_test(options, emitter(), cancelled))?;
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
    named::check_deviations(&arguments.deviation)?;
    let started = dmconform_runner::timestamp();
    let id = work::id(&started);
    let directory = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("reports/selftest").join(&id));
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let suite = Arc::new(suite::load()?);
    Ok(SelfTestOptions {
        id,
        started,
        targets: bundled(&suite)?,
        suite,
        full: arguments.full,
        deviations: arguments.deviation.clone(),
        oddities: named::oddities(&arguments.oddity)?,
        at_once: arguments.jobs.map_or_else(
            || processors * deviations_for_a_processor(arguments.full),
            |jobs| usize::try_from(jobs).unwrap_or(1),
        ),
        waiting_at_once: match (arguments.full, arguments.jobs) {
            (true, None) => processors * WAITING_FOR_A_PROCESSOR,
            _ => 0,
        },
        jobs: if arguments.full { 24 } else { 8 },
        directory,
        program: std::env::current_exe()
            .map_err(|error| Failure::environment(format!("find this program: {error}")))?,
    })
}

/// How many deviations are tried at once for each processor. The few cases that are named for one wait far more than they
/// compute, unless the program was built without optimisation; all cases together do not. Where more than enough is going on,
/// every message takes long, and what a deviation does comes after the window in which it is looked for.
const fn deviations_for_a_processor(full: bool) -> usize {
    match (full, cfg!(optimised)) {
        (false, true) => 16,
        (false, false) => 6,
        (true, _) => 4,
    }
}

/// How many more deviations are tried at once for each processor where every case is: of those after which the product is gone, say,
/// which wait some ten times as long as they compute.
const WAITING_FOR_A_PROCESSOR: usize = 6;

/// Shows progress on standard error.
fn emitter() -> EmitSelfTest {
    Arc::new(|event| match event {
        SelfTestEvent::CleanTested { judged, not_passed } => {
            tell(&format!(
                "without deviations: {judged} cases judged, {not_passed} of them did not pass\n"
            ));
        }
        SelfTestEvent::MutantTried { row, tried, of } => tell(&report::progress(&row, tried, of)),
        SelfTestEvent::OddityTried {
            oddity,
            had_by,
            judged,
            failed,
        } => tell(&report::oddity_progress(oddity.name(), had_by, judged, failed)),
    })
}

fn write(directory: &Path, found: &SelfTest) -> Result<(), Failure> {
    let files = [
        ("selftest.json", report::json(found).into_bytes()),
        ("selftest.md", report::markdown::write(found).into_bytes()),
        ("selftest.html", report::html::write(found).into_bytes()),
    ];
    work::write(directory, &files)
}
