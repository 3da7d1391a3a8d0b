//! `dmconform load`: many delegations at once against one product, each judged.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dmconform_case::implementation::Duration;
use dmconform_model::load::{Arrivals, Fault, LoadResult};
use dmconform_model::result::Problem;
use dmconform_model::{Ladder, Role, Verdict, form};
use dmconform_report::load as report;
use dmconform_runner::{EmitLoad, LoadError, LoadOptions, LoadProgress, RunOptions, TargetFile};

use crate::arguments::{Format, Load, Run};
use crate::bounded;
use crate::output::{Failure, is_terminal, print, size, tell};

use super::{run, stored, work};

/// How many ladders of delegations that did not pass are drawn.
const LADDERS: usize = 5;

/// How many delegations are in flight where nothing is said.
const IN_FLIGHT: u32 = 20;

/// Puts the load on the product, writes the results, and says what came out; or compares two.
pub(crate) fn run(arguments: &Load) -> Result<u8, Failure> {
    if let (Some(before), Some(after)) = (&arguments.compare, &arguments.with) {
        print(&report::compare(&read(before)?, &read(after)?));
        return Ok(0);
    }
    let options = options(arguments)?;
    run::quick_look(&options.run)?;
    let directory = options.run.directory.clone();
    work::make_directory(&directory)?;
    let found = work::to_the_end(|cancelled| dmconform_runner::load(options, emitter(), cancelled))?;
    let (found, problems) = found.map_err(failure)?;
    let json = serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
    let ladders = ladders(&directory, &found);
    let files = [
        ("load.json", json.clone().into_bytes()),
        ("load.md", report::markdown(&found, &ladders).into_bytes()),
    ];
    let written = work::write(&directory, &files);
    match arguments.format {
        Format::Json => print(&json),
        Format::Text => {
            print(&report::text(&found));
            if written.is_ok() {
                print(&format!("results in {}\n", directory.display()));
            }
        }
    }
    written?;
    match problems.into_iter().next() {
        Some(problem) => Err(Failure::environment(with_output(problem))),
        None => Ok(found.exit_code()),
    }
}

/// What kept the load from being put on the product to its end, with the last that the product said.
fn with_output(problem: Problem) -> String {
    match problem.output.is_empty() {
        true => problem.message,
        false => format!("{}; its last output:\n{}", problem.message, problem.output),
    }
}

fn failure(error: LoadError) -> Failure {
    match error {
        LoadError::Target(error) => Failure::environment(error.to_string()),
        LoadError::NoRoom(_) | LoadError::NoCase { .. } => Failure::usage(error.to_string()),
    }
}

fn options(arguments: &Load) -> Result<LoadOptions, Failure> {
    let mut options = run::options(&Run {
        implementation: arguments.implementation.iter().cloned().collect(),
        role: arguments.role.iter().cloned().collect(),
        profile: arguments.profile.clone(),
        certificates: arguments.certificates.clone(),
        deviation: arguments.deviation.clone(),
        out: arguments.out.clone(),
        ..Run::default()
    })?;
    if arguments.out.is_none() {
        options.directory = PathBuf::from("reports/load").join(&options.id);
    }
    let arrivals = match (arguments.rate, arguments.concurrency) {
        (Some(rate), _) => Arrivals::PerSecond(rate),
        (None, at_once) => Arrivals::Concurrency(at_once.unwrap_or(IN_FLIGHT)),
    };
    if arguments.implementation.is_none() {
        let role = options.roles.first().copied().unwrap_or(Role::Dms1);
        options.roles = vec![role];
        let reference = reference(&options, role)?;
        options.targets = vec![at_ease(reference, arguments, arrivals)];
    }
    if options.roles.contains(&Role::DmClient) {
        let why = "put a load on a DM Client: it is one device; name a server role with --role";
        return Err(Failure::usage(why));
    }
    Ok(LoadOptions {
        run: options,
        delegations: arguments.devices,
        arrivals,
    })
}

/// The form of the reference implementation that plays this role and no other.
fn reference(options: &RunOptions, role: Role) -> Result<TargetFile, Failure> {
    let mut targets = options.targets.iter();
    let found = targets.find(|target| target.implementation.plays == [role]);
    found
        .cloned()
        .ok_or_else(|| Failure::usage(format!("find the reference implementation of {role} alone")))
}

/// The reference implementation with as many devices as there are delegations, and with time for all that are in flight: it
/// shares the machine with the harness.
fn at_ease(mut target: TargetFile, arguments: &Load, arrivals: Arrivals) -> TargetFile {
    let product = &mut target.implementation;
    product.devices.grow(arguments.devices);
    let limit = &mut product.limits.step_deadline;
    let in_flight = match arrivals {
        Arrivals::Concurrency(count) => count,
        Arrivals::PerSecond(rate) => {
            rate.saturating_mul(u32::try_from(limit.get().as_secs()).unwrap_or(u32::MAX))
        }
    };
    let in_flight = in_flight.min(arguments.devices);
    *limit = Duration {
        milliseconds: limit.milliseconds + u64::from(in_flight) * 50,
    };
    target
}

/// Shows how far it has come, on standard error: a line that is redrawn on a terminal, and one every ten seconds elsewhere.
fn emitter() -> EmitLoad {
    let on_terminal = is_terminal();
    // A busy machine tells it later than it should: not each tenth second has its own.
    let told = AtomicU64::new(0);
    Arc::new(move |at: LoadProgress| {
        let tens = at.elapsed.as_secs() / 10;
        let line = report::progress(at.elapsed, at.begun, at.ended, at.not_passed, at.p99_us);
        if on_terminal {
            // What goes on in the next line of the terminal would not be drawn over.
            let columns = usize::from(size().0).saturating_sub(1);
            let line: String = line.chars().take(columns).collect();
            tell(&format!("\r\u{1b}[K{line}"));
        } else if told.fetch_max(tens, Ordering::Relaxed) < tens {
            tell(&format!("{line}\n"));
        }
    })
}

/// The ladders of the first delegations that did not pass. Where one cannot be read, that is said.
fn ladders(directory: &Path, found: &LoadResult) -> Vec<(String, Ladder)> {
    let has_not_passed = |fault: &&Fault| !matches!(fault.verdict, Verdict::Pass | Verdict::Warn);
    let faults = found.faults.iter().filter(has_not_passed);
    let kept = faults.flat_map(|fault| &fault.transcripts);
    let mut ladders: Vec<(String, Ladder)> = Vec::new();
    for transcript in kept {
        if ladders.len() == LADDERS || ladders.iter().any(|(known, _)| known == transcript) {
            continue;
        }
        match stored::ladder_of(directory, Path::new(transcript)) {
            Ok(ladder) => ladders.push((transcript.clone(), ladder)),
            Err(why) => tell(&format!("note: no ladder: failed to {why}\n")),
        }
    }
    ladders
}

fn read(path: &Path) -> Result<LoadResult, Failure> {
    let failed = |why: String| Failure::usage(format!("read the load `{}`: {why}", path.display()));
    let octets = bounded::octets(path).map_err(|error| {
        failed(format!(
            "{error}; name the `load.json` that `dmconform load` wrote"
        ))
    })?;
    form::read(&octets, LoadResult::SCHEMA_VERSION).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_load_of_another_form_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("load.json");
        let refused = |text: &str| {
            std::fs::write(&path, text).expect("the folder can be written to");
            let failure = read(&path).expect_err("it is none");
            let (_, why) = failure.message.split_once("load.json`: ").expect("it is named");
            why.to_owned()
        };
        assert_eq!(
            refused(r#"{"schema_version": 2, "harness": "9.1.0", "something-new": 1}"#),
            "it has schema version 2, and this program reads 1; use the version of dmconform that wrote it, 9.1.0"
        );
        let cut = refused(r#"{"schema_version": 1}"#);
        assert!(cut.starts_with("missing field"), "{cut}");
    }
}
