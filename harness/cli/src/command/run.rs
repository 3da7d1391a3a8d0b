//! `dmconform run`: the main job.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dmconform_case::Suite;
use dmconform_case::implementation::Implementation;
use dmconform_case::pattern::{GlobSet, globs};
use dmconform_case::read::{self, Source};
use dmconform_case::test_case::TestCase;
use dmconform_model::{RunRecord, quoted};
use dmconform_report::{html, json, junit, markdown};
use dmconform_runner::{Captured, Examined, Health, Kept, Pace, RunOptions, TargetFile};

use crate::arguments::{Evidence, Run};
use crate::bounded;
use crate::bundled::IMPLEMENTATIONS;
use crate::output::{Failure, tell};
use crate::suite;

use super::{
    announced, carrying_out, certification, doctor, gating, named, operator, resuming, stored, work,
};

/// Runs what was asked for, writes the results, and says what came out.
pub(crate) fn run(arguments: &Run) -> Result<u8, Failure> {
    if arguments.certification {
        return certification::run(arguments);
    }
    let mut options = options(arguments)?;
    gating::select_failed(&arguments.gating, &mut options)?;
    resuming::take_over(arguments.resume.as_deref(), &mut options)?;
    quick_look(&options)?;
    let directory = options.directory.clone();
    let record = carrying_out::carry_out(options, arguments.output, own_files(arguments)?)?;
    if record.is_broken_off() {
        tell(&format!(
            "to go on where it ended: {}\n",
            resuming::command(&directory)
        ));
    }
    Ok(record.exit_code())
}

/// The files that are the user's own: cases, and known failures. Those that are built in have names of the same form.
fn own_files(arguments: &Run) -> Result<Vec<String>, Failure> {
    let mut files: Vec<PathBuf> = arguments.gating.expectations.iter().cloned().collect();
    for path in &arguments.cases {
        files.extend(suite::case_files(path)?);
    }
    Ok(files.iter().map(|path| path.display().to_string()).collect())
}

/// What `dmconform doctor` looks at without the products. What is bad there ends the run before it begins.
pub(super) fn quick_look(options: &RunOptions) -> Result<(), Failure> {
    announced::announce(&options.targets);
    let is_bad = |found: &Examined| found.state == Health::Bad;
    let found: Arc<Mutex<Vec<Examined>>> = Arc::default();
    let keep = Arc::clone(&found);
    let tell = Arc::new(move |one: Examined| {
        keep.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    });
    work::to_the_end(|_| dmconform_runner::quick_look(options, tell))?;
    let found = found.lock().unwrap_or_else(PoisonError::into_inner);
    let bad: Vec<String> = found.iter().filter(|one| is_bad(one)).map(doctor::line).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let all = bad.concat();
    Err(Failure::environment(format!(
        "begin the run:\n{}",
        all.trim_end()
    )))
}

/// What is run, as it was asked for.
pub(super) fn options(arguments: &Run) -> Result<RunOptions, Failure> {
    let suite = suite::load_with(&arguments.cases, arguments.profile.as_deref())?;
    let roles = suite::roles(&arguments.role)?;
    let suite = Arc::new(suite);
    let targets = targets(arguments, &suite)?;
    check_deviations(arguments, &targets)?;
    if let Some(directory) = &arguments.certificates {
        dmconform_runner::check_certificates(directory).map_err(|error| Failure::usage(error.to_string()))?;
    }
    let oddities = named::oddities(&arguments.oddity)?;
    if !oddities.is_empty() && !arguments.implementation.is_empty() {
        let why = "give an oddity to this implementation: only the bundled reference implementation has them; \
                   --peer-oddity gives it to the roles that the harness plays";
        return Err(Failure::usage(why));
    }
    let cases = globs_over(&arguments.case, &suite)?;
    let started = dmconform_runner::timestamp();
    let id = work::id(&started);
    let directory = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("reports/runs").join(&id));
    let program = std::env::current_exe()
        .map_err(|error| Failure::environment(format!("find this program: {error}")))?;
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let for_a_processor = cases_for_a_processor(arguments.implementation.is_empty());
    let jobs = arguments
        .jobs
        .unwrap_or_else(|| u32::try_from(processors * for_a_processor).unwrap_or(32));
    let gating = gating::gating(&arguments.gating, selection(arguments), &suite)?;
    Ok(RunOptions {
        id,
        started,
        suite,
        targets,
        roles,
        cases,
        jobs,
        seed: arguments.seed,
        strict: arguments.strict,
        deviations: arguments.deviation.clone(),
        oddities,
        peer_oddities: named::oddities(&arguments.peer_oddity)?,
        certificates: arguments.certificates.clone(),
        operator: operator::at_the_terminal(),
        suite_options: suite_options(arguments),
        rerun: None,
        kept: Kept::All,
        pace: Pace::default(),
        captured: captured(&arguments.evidence),
        gating,
        keep_work: arguments.evidence.keep_work,
        directory,
        program,
    })
}

/// What is kept of what passes over connections. With the secrets, that is said: a capture gets around.
fn captured(evidence: &Evidence) -> Captured {
    if !evidence.capture {
        return Captured::Nothing;
    }
    if !evidence.key_log {
        return Captured::Octets;
    }
    tell(
        "warning: --key-log keeps the secrets of all TLS connections beside the transcripts; whoever has them and the captures \
         reads everything that passed, credentials of the products included\n",
    );
    Captured::WithSecrets
}

/// The options that leave cases out.
fn selection(arguments: &Run) -> Vec<String> {
    let cases = arguments.case.iter().map(|glob| format!("--case {glob}"));
    let roles = arguments.role.iter().map(|role| format!("--role {role}"));
    cases.chain(roles).collect()
}

/// How many cases run at once for each processor, where nobody says it. They wait far more than they compute; but what a product has
/// to do at once is not to make it late. What the bundled reference implementation can do is known, unless it was built to be
/// looked into.
const fn cases_for_a_processor(is_bundled: bool) -> usize {
    match is_bundled && cfg!(optimised) {
        true => 40,
        false => 16,
    }
}

/// Whether the products can be given these deviations: the names of the bundled reference implementation are known, those of
/// another product are its own.
fn check_deviations(arguments: &Run, targets: &[TargetFile]) -> Result<(), Failure> {
    if arguments.implementation.is_empty() {
        return named::check_deviations(&arguments.deviation);
    }
    let takes_none = targets
        .iter()
        .find(|target| !takes_deviations(&target.implementation));
    match takes_none.filter(|_| !arguments.deviation.is_empty()) {
        None => Ok(()),
        Some(target) => Err(Failure::usage(format!(
            "give a deviation to {}: its file has no `${{deviations}}`; write that where the product takes the names of its \
             switches, as in `start: {{command: [..., --break, \"${{deviations}}\"]}}`",
            target.name
        ))),
    }
}

/// Whether a product is told which deviations it is to have.
fn takes_deviations(implementation: &Implementation) -> bool {
    let starts = implementation.start.iter();
    let started_with = starts.flat_map(|start| start.command.iter().chain(start.environment.values()));
    let mut texts = started_with.chain(implementation.files.values());
    texts.any(|text| text.contains("${deviations}"))
}

/// The options with which these cases, this profile and these certificates are found again.
fn suite_options(arguments: &Run) -> Vec<String> {
    let with = |option: &'static str| {
        move |path: &PathBuf| format!("{option} {}", quoted(&path.display().to_string()))
    };
    let cases = arguments.cases.iter().map(with("--cases"));
    let profile = arguments.profile.iter().map(with("--profile"));
    let certificates = arguments.certificates.iter().map(with("--certificates"));
    cases.chain(profile).chain(certificates).collect()
}

/// How many cases are named where none matches.
const FEW: usize = 20;

/// The cases of a suite that are asked for by patterns, of which one must match.
pub(super) fn globs_over(patterns: &[String], suite: &Suite) -> Result<Option<GlobSet>, Failure> {
    let cases = globs(patterns).map_err(Failure::usage)?;
    let Some(asked) = &cases else { return Ok(None) };
    let is_asked_for = |case: &TestCase| asked.is_match(&case.id.0) || asked.is_match(&case.family().0);
    if suite.cases.iter().any(is_asked_for) {
        return Ok(cases);
    }
    let patterns = patterns.join(", ");
    let known = suite.cases.iter().map(|case| case.id.0.as_str());
    let near = read::nearest(&patterns, known).map(|near| format!("did you mean `{near}`? "));
    let help = near.unwrap_or_default();
    let all: Vec<&str> = suite.cases.iter().map(|case| case.id.0.as_str()).collect();
    // Products that are observed have a few cases of their own, which no list has.
    let all = match all.len() <= FEW {
        true => format!("there are {}", all.join(", ")),
        false => "`dmconform list` names them all".to_owned(),
    };
    Err(Failure {
        message: format!("find a case that matches {patterns}; {help}{all}"),
        code: 4,
    })
}

fn targets(arguments: &Run, suite: &Arc<Suite>) -> Result<Vec<TargetFile>, Failure> {
    if arguments.implementation.is_empty() {
        return bundled(suite);
    }
    let mut targets: Vec<TargetFile> = Vec::new();
    for path in &arguments.implementation {
        let text = bounded::text(path).map_err(|error| {
            Failure::usage(format!(
                "read the implementation file `{}`: {error}",
                path.display()
            ))
        })?;
        let mut target = target(&path.display().to_string(), &text, Some(path), suite)?;
        if let (Some(profile), None) = (&target.implementation.profile, &arguments.profile) {
            let profile = beside(path, profile);
            target.suite = Arc::new(suite::load_with(&arguments.cases, Some(&profile))?);
        }
        let stem = path.file_stem().map_or_else(
            || "product".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        target.name = free_name(&stem, |name| targets.iter().any(|known| known.name == name));
        targets.push(target);
    }
    Ok(targets)
}

/// A name that no other product has: places of results and transcripts go by it.
fn free_name(stem: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{stem}-{number}"));
    let mut names = std::iter::once(stem.to_owned()).chain(numbered);
    names
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| stem.to_owned())
}

/// A profile that is built in, or the file beside an implementation file.
pub(super) fn beside(implementation: &Path, profile: &str) -> PathBuf {
    if suite::is_built_in(profile) {
        return PathBuf::from(profile);
    }
    implementation
        .parent()
        .unwrap_or_else(|| Path::new(""))
        .join(profile)
}

/// The bundled reference implementation, in each of its forms.
pub(super) fn bundled(suite: &Arc<Suite>) -> Result<Vec<TargetFile>, Failure> {
    let bundled = IMPLEMENTATIONS.iter();
    bundled
        .map(|(name, text)| target(name, text, None, suite))
        .collect()
}

fn target(name: &str, text: &str, path: Option<&PathBuf>, suite: &Arc<Suite>) -> Result<TargetFile, Failure> {
    let implementation = read::implementation(Source { name, text })
        .map_err(|problems| Failure::usage(suite::rendered(&problems)))?;
    Ok(TargetFile {
        name: name.to_owned(),
        path: path.cloned(),
        implementation,
        suite: Arc::clone(suite),
        parts: Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::free_name;

    #[test]
    fn no_two_products_have_the_same_name() {
        let taken = ["dms-2", "acme-client", "dms"];
        let name = |stem| free_name(stem, |name| taken.contains(&name));
        assert_eq!(name("dms"), "dms-3");
        assert_eq!(name("acme"), "acme");
        assert_eq!(name("acme-client"), "acme-client-2");
    }
}
