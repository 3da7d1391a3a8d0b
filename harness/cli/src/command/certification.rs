//! `dmconform run --certification`: a run in which nothing can be left out or added, and that leaves its trace.

use std::io::ErrorKind;
use std::path::Path;

use dmconform_bundle::{
    Certification, Ended, Files, Locked, Log, Outcome, Stage, catalogue, evidence, names, sha256,
};
use dmconform_judge::JUDGE_VERSION;
use dmconform_model::{CaseId, RunRecord, quoted};
use dmconform_runner::{RunOptions, TargetFile};

use super::attempts::AttemptLog;
use super::carrying_out::carry_out;
use super::run::{beside, options, quick_look};
use super::work;
use crate::arguments::{OutputFormat, Run};
use crate::output::{Failure, print, tell};
use crate::{below, bounded, suite};

/// The folder of a run in which is what its bundle needs besides results and transcripts.
pub(super) const FOLDER: &str = "certification";
/// The statement of the run, in that folder.
const STATEMENT: &str = "statement.json";

/// Certifies one product.
pub(super) fn run(arguments: &Run) -> Result<u8, Failure> {
    check_locked(arguments)?;
    let options = options(arguments)?;
    let product = Certified::new(arguments, &options)?;
    quick_look(&options)?;
    let (run, directory, format) = (
        options.id.clone(),
        options.directory.clone(),
        arguments.output.format,
    );
    let log = AttemptLog::new(
        &arguments.attempts,
        &product.locked.implementation.implementation,
        &run,
    );
    let began = product.locked.began(
        env!("CARGO_PKG_VERSION"),
        JUDGE_VERSION,
        &binary(&options.program)?,
    );
    log.write(Stage::Began(began.clone()))?;
    let record = carry_out(options, arguments.output, Vec::new())?;
    let log = log.write(Stage::Ended(ended(&directory, &product.locked, &record)?))?;
    let number = log.began(&run).map_or(1, |(number, _)| number);
    let certification = product.locked.certification(&record, &began, number);
    product.write(&directory, &certification, &log)?;
    let hint = match product.locked.is_wholly_judged(&record) {
        true => format!(
            "`dmconform bundle create {} --out FILE` makes a signed bundle of it",
            quoted(&directory.display().to_string())
        ),
        false => "not every case was judged, and there is no bundle of such a run; the attempt is in the log"
            .to_owned(),
    };
    say(&certification, &log, &hint, format);
    Ok(certification.outcome.exit_code())
}

/// What changes what is asked of a product, and therefore has no place in a certification.
fn check_locked(arguments: &Run) -> Result<(), Failure> {
    let turned = [
        ("--role", !arguments.role.is_empty()),
        ("--case", !arguments.case.is_empty()),
        ("--cases", !arguments.cases.is_empty()),
        ("--seed", arguments.seed != 0),
        ("--strict", arguments.strict),
        ("--deviation", !arguments.deviation.is_empty()),
        ("--oddity", !arguments.oddity.is_empty()),
        ("--peer-oddity", !arguments.peer_oddity.is_empty()),
        ("--expectations", arguments.gating.expectations.is_some()),
        ("--rerun-failed", arguments.gating.rerun_failed.is_some()),
        ("--shard", arguments.gating.shard.is_some()),
        ("--fail-fast", arguments.gating.fail_fast),
        ("--retries", arguments.gating.retries > 0),
    ];
    if let Some((name, _)) = turned.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Failure::usage(format!(
            "certify with {name}: a certification is by every case that the product's claims ask for, as the catalogue has \
             it; leave out {name}, or leave out --certification"
        )));
    }
    match arguments.implementation.len() {
        1 => Ok(()),
        0 => Err(Failure::usage(
            "certify: no product is named; name it with --implementation FILE",
        )),
        _ => Err(Failure::usage(
            "certify several products at once: a certification is of one; name one --implementation",
        )),
    }
}

/// The product, with the files that say what is asked of it, as they were before the run.
struct Certified {
    locked: Locked,
    implementation: Vec<u8>,
    profile: Vec<u8>,
}

impl Certified {
    fn new(arguments: &Run, options: &RunOptions) -> Result<Self, Failure> {
        let [
            TargetFile {
                name,
                path: Some(path),
                implementation,
                ..
            },
        ] = options.targets.as_slice()
        else {
            return Err(Failure::usage("certify: name one product with --implementation"));
        };
        let own = implementation.profile.as_ref();
        let profile = arguments
            .profile
            .clone()
            .or_else(|| own.map(|profile| beside(path, profile)));
        let (_, profile) = suite::profile_text(profile.as_deref().unwrap_or_else(|| Path::new("default")))?;
        let text = bounded::octets(path).map_err(|error| {
            Failure::usage(format!(
                "read the implementation file `{}`: {error}",
                path.display()
            ))
        })?;
        let locked = Locked::new(&catalogue(), &text, profile.as_bytes(), name)
            .map_err(|error| Failure::usage(format!("certify {name}: failed to {error}")))?;
        if locked.implementation != *implementation {
            return Err(Failure::usage(format!(
                "certify {name}: its file `{}` was changed meanwhile; begin again",
                path.display()
            )));
        }
        Ok(Self {
            locked,
            implementation: text,
            profile: profile.into_bytes(),
        })
    }

    /// Writes what the bundle of this run will need.
    fn write(&self, directory: &Path, certification: &Certification, log: &Log) -> Result<(), Failure> {
        let folder = directory.join(FOLDER);
        // Credentials of the product may stand in its file.
        work::make_private_directory(&folder)?;
        let statement = serde_json::to_string_pretty(certification)
            .map_err(|error| Failure::environment(format!("write down the certification: {error}")))?;
        let files = [
            (names::IMPLEMENTATION, self.implementation.clone()),
            (names::PROFILE, self.profile.clone()),
            (names::ATTEMPTS, log.part(&certification.run).into_bytes()),
            (STATEMENT, format!("{statement}\n").into_bytes()),
        ];
        work::write(&folder, &files)
    }
}

/// The digest of this program.
fn binary(program: &Path) -> Result<String, Failure> {
    let octets = std::fs::read(program).map_err(|error| {
        Failure::environment(format!("read this program, `{}`: {error}", program.display()))
    })?;
    Ok(sha256(&octets))
}

/// What the run came to, with the digests of what it has left behind.
fn ended(directory: &Path, locked: &Locked, record: &RunRecord) -> Result<Ended, Failure> {
    let path = directory.join(names::RESULTS);
    let results = bounded::octets(&path)
        .map_err(|error| Failure::environment(format!("read `{}`: {error}", path.display())))?;
    let cases = locked.selection.cases.iter().map(|case| &case.id);
    let transcripts = transcripts(directory, &locked.target.name, cases)?;
    let all = transcripts.iter();
    Ok(Ended {
        outcome: Outcome::of(record),
        results: sha256(&results),
        transcripts: evidence(all.map(|(name, octets)| (name.as_str(), octets.as_slice()))),
    })
}

/// The transcripts of cases of a product in a run, by their places in its directory, as far as they are there. What else a run
/// leaves beside them, such as captures, is no evidence of a verdict.
pub(super) fn transcripts<'a>(
    directory: &Path,
    product: &str,
    cases: impl Iterator<Item = &'a CaseId>,
) -> Result<Files, Failure> {
    let mut files = Files::new();
    for case in cases {
        let place = names::transcript(product, case);
        let path = directory.join(&place);
        let read = below::octets(directory, Path::new(&place));
        match read {
            Ok(octets) => drop(files.insert(place, octets)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Failure::usage(format!(
                    "read the transcript `{}`: {error}",
                    path.display()
                )));
            }
        }
    }
    Ok(files)
}

fn say(certification: &Certification, log: &Log, hint: &str, format: OutputFormat) {
    let others = log.others(&certification.run);
    let text = format!("\n{}{hint}\n", certification.to_text(&others));
    match format {
        OutputFormat::Text => print(&text),
        // Standard output is for the results, or for annotations.
        OutputFormat::Json | OutputFormat::Github => tell(&text),
    }
}
