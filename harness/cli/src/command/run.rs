//! `dmconform run`: the main job.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dmconform_case::read::{self, Source};
use dmconform_model::{RunEvent, RunRecord};
use dmconform_oddity::Oddity;
use dmconform_reference::Deviation;
use dmconform_report::progress::Progress;
use dmconform_report::terminal::{self, Style};
use dmconform_report::{html, json, junit, markdown};
use dmconform_runner::{RunOptions, TargetFile};

use crate::arguments::{Format, Run};
use crate::bundled::IMPLEMENTATIONS;
use crate::output::{Failure, is_terminal, print, tell};
use crate::suite;

use super::{stored, work};

/// Runs what was asked for, writes the results, and says what came out.
pub(crate) fn run(arguments: &Run) -> Result<u8, Failure> {
    let options = options(arguments)?;
    let directory = options.directory.clone();
    work::make_directory(&directory)?;
    let emit = emitter();
    let record = work::to_the_end(|cancelled| dmconform_runner::run(options, emit, cancelled))?;
    write_results(&directory, &record)?;
    match arguments.format {
        Format::Json => print(&json::write(&record)),
        Format::Text => {
            let style = Style {
                colour: std::io::stdout().is_terminal(),
                width: width(),
            };
            print(&terminal::summary(&record, style));
            print(&format!("results in {}\n", directory.display()));
        }
    }
    Ok(record.exit_code())
}

fn width() -> u16 {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(100)
}

/// Shows progress on standard error.
fn emitter() -> dmconform_runner::Emit {
    let began = Instant::now();
    let progress = Mutex::new(Progress::new(is_terminal()));
    Arc::new(move |event: RunEvent| {
        let text = progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .event(&event, began.elapsed());
        if !text.is_empty() {
            tell(&text);
        }
    })
}

fn options(arguments: &Run) -> Result<RunOptions, Failure> {
    let suite = suite::load_with(&arguments.cases, arguments.profile.as_deref())?;
    let roles = suite::roles(&arguments.role)?;
    let targets = targets(arguments)?;
    for name in &arguments.deviation {
        name.parse::<Deviation>()
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    if !arguments.deviation.is_empty() && !arguments.implementation.is_empty() {
        let why =
            "give a deviation to this implementation: only the bundled reference implementation has them";
        return Err(Failure::usage(why));
    }
    if let Some(directory) = &arguments.certificates {
        dmconform_runner::check_certificates(directory).map_err(|error| Failure::usage(error.to_string()))?;
    }
    let oddities = oddities_named(&arguments.oddity)?;
    if !oddities.is_empty() && !arguments.implementation.is_empty() {
        let why = "give an oddity to this implementation: only the bundled reference implementation has them; \
                   --peer-oddity gives it to the roles that the harness plays";
        return Err(Failure::usage(why));
    }
    let cases = globs(&arguments.case)?;
    if let Some(cases) = &cases
        && !suite
            .cases
            .iter()
            .any(|case| cases.is_match(&case.id.0) || cases.is_match(&case.family().0))
    {
        let patterns = arguments.case.join(", ");
        let known = suite.cases.iter().map(|case| case.id.0.as_str());
        let near = read::nearest(&patterns, known).map(|near| format!("did you mean `{near}`? "));
        let help = near.unwrap_or_default();
        return Err(Failure {
            message: format!("find a case that matches {patterns}; {help}`dmconform list` names them all"),
            code: 4,
        });
    }
    let started = dmconform_runner::timestamp();
    let id = work::id(&started);
    let directory = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("reports/runs").join(&id));
    let program = std::env::current_exe()
        .map_err(|error| Failure::environment(format!("find this program: {error}")))?;
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let jobs = arguments
        .jobs
        .unwrap_or_else(|| u32::try_from(processors * 16).unwrap_or(32));
    Ok(RunOptions {
        id,
        started,
        suite: Arc::new(suite),
        targets,
        roles,
        cases,
        jobs,
        seed: arguments.seed,
        strict: arguments.strict,
        deviations: arguments.deviation.clone(),
        oddities,
        peer_oddities: oddities_named(&arguments.peer_oddity)?,
        certificates: arguments.certificates.clone(),
        suite_options: suite_options(arguments),
        directory,
        program,
    })
}

/// The oddities of these names; `all` are all.
pub(super) fn oddities_named(names: &[String]) -> Result<Vec<Oddity>, Failure> {
    if names.iter().any(|name| name == "all") {
        return Ok(Oddity::ALL.to_vec());
    }
    let found = names.iter().map(|name| name.parse::<Oddity>());
    found
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(error.to_string()))
}

/// The options with which these cases, this profile and these certificates are found again.
fn suite_options(arguments: &Run) -> Vec<String> {
    let cases = arguments
        .cases
        .iter()
        .map(|path| format!("--cases {}", path.display()));
    let profile = arguments
        .profile
        .iter()
        .map(|path| format!("--profile {}", path.display()));
    let certificates = arguments
        .certificates
        .iter()
        .map(|path| format!("--certificates {}", path.display()));
    cases.chain(profile).chain(certificates).collect()
}

fn globs(patterns: &[String]) -> Result<Option<dmconform_runner::GlobSet>, Failure> {
    dmconform_runner::globs(patterns).map_err(Failure::usage)
}

fn targets(arguments: &Run) -> Result<Vec<TargetFile>, Failure> {
    if arguments.implementation.is_empty() {
        return bundled();
    }
    let mut targets: Vec<TargetFile> = Vec::new();
    for path in &arguments.implementation {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!(
                "read the implementation file `{}`: {error}",
                path.display()
            ))
        })?;
        let mut target = target(&path.display().to_string(), &text, Some(path))?;
        let stem = path.file_stem().map_or_else(
            || "product".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        let taken = targets
            .iter()
            .filter(|known| known.name == stem || known.name.starts_with(&format!("{stem}-")))
            .count();
        target.name = if taken == 0 {
            stem
        } else {
            format!("{stem}-{}", taken + 1)
        };
        targets.push(target);
    }
    Ok(targets)
}

/// The bundled reference implementation, in each of its forms.
pub(super) fn bundled() -> Result<Vec<TargetFile>, Failure> {
    let bundled = IMPLEMENTATIONS.iter();
    bundled.map(|(name, text)| target(name, text, None)).collect()
}

fn target(name: &str, text: &str, path: Option<&PathBuf>) -> Result<TargetFile, Failure> {
    let implementation = read::implementation(Source { name, text })
        .map_err(|problems| Failure::usage(suite::rendered(&problems)))?;
    Ok(TargetFile {
        name: name.to_owned(),
        path: path.cloned(),
        implementation,
    })
}

/// Writes every report of a run to its directory.
pub(super) fn write_results(directory: &Path, record: &RunRecord) -> Result<(), Failure> {
    let junit = junit::write(record).map_err(|error| Failure::environment(error.to_string()))?;
    let ladders = stored::ladders(directory, record);
    let files = [
        ("results.json", json::write(record).into_bytes()),
        ("junit.xml", junit),
        ("summary.md", markdown::write(record, &ladders).into_bytes()),
        ("report.html", html::write(record, &ladders).into_bytes()),
    ];
    work::write(directory, &files)
}
