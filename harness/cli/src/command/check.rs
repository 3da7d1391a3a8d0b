//! `dmconform check`: files, without running anything.

use std::collections::BTreeSet;
use std::path::Path;

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};
use dmconform_runner::check_named_certificates;

use crate::arguments::Check;
use crate::bounded;
use crate::bundled::IMPLEMENTATIONS;
use crate::output::{Failure, print};
use crate::suite;

use super::run;

/// Checks files, or the suite and the implementation files that are built in.
pub(crate) fn run(arguments: &Check) -> Result<u8, Failure> {
    let suite = suite::load()?;
    if arguments.files.is_empty() {
        for (name, text) in IMPLEMENTATIONS {
            read::implementation(Source { name, text })
                .map_err(|found| Failure::usage(suite::rendered(&found)))?;
        }
        print(&format!(
            "{} cases and {} implementation files are in order\n",
            suite.cases.len(),
            IMPLEMENTATIONS.len()
        ));
        return Ok(0);
    }
    let mut files = Vec::new();
    for path in &arguments.files {
        files.extend(suite::files_at(path)?);
    }
    // However it is spelt, a file is one.
    let mut seen = BTreeSet::new();
    files.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    let mut problems = Vec::new();
    let mut cases = Vec::new();
    for path in &files {
        match check(&suite, path) {
            Ok(Checked::Case) => cases.push(path.clone()),
            Ok(Checked::Other) => {}
            Err(problem) => problems.push(problem),
        }
    }
    // What is good by itself may still have the identifier of another case.
    if problems.is_empty() && !cases.is_empty() {
        problems.extend(
            suite::load_with(&cases, None)
                .err()
                .map(|failure| failure.rendered()),
        );
    }
    if problems.is_empty() {
        print(&format!("{} files are in order\n", files.len()));
        return Ok(0);
    }
    Err(Failure::usage(problems.join("\n\n")))
}

/// What was checked.
enum Checked {
    /// Cases, which have to go with others.
    Case,
    Other,
}

/// Checks one file, as what its first key says that it is, with the profile and the certificates that it names.
fn check(suite: &Suite, path: &Path) -> Result<Checked, String> {
    let text = bounded::text(path).map_err(|error| {
        format!(
            "error: failed to read `{}`: {error}\n  = help: look whether the path is right",
            path.display()
        )
    })?;
    let name = path.display().to_string();
    let source = Source {
        name: &name,
        text: &text,
    };
    let has = |key: &str| {
        text.lines()
            .any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
    };
    let with_profile = |profile: &Path| {
        let loaded = suite::load_with(&[], Some(profile));
        loaded.map(drop).map_err(|failure| failure.rendered())
    };
    let checked = if has("known-failures") {
        read::expectations(source, &suite.requirements).map(drop)
    } else if has("implementation") || has("plays") {
        let read = read::implementation(source).map_err(|problems| suite::rendered(&problems))?;
        if let Some(profile) = &read.profile {
            with_profile(&run::beside(path, profile))?;
        }
        let directory = path.parent().unwrap_or_else(|| Path::new(""));
        check_named_certificates(&read, directory)
            .map_err(|error| format!("error: failed to {error}\n --> {name}"))?;
        Ok(())
    } else if has("profile") || has("own-readings") {
        read::profile(source).map_err(|problems| suite::rendered(&problems))?;
        // The cases look at what its messages carry.
        with_profile(path)?;
        Ok(())
    } else if has("procedure") && has("steps") {
        read::procedure(source, &suite.requirements).map(drop)
    } else if has("deviations") {
        read::deviations(source, &suite.requirements).map(drop)
    } else if has("requirements") {
        read::requirements(source).map(drop)
    } else {
        read::cases(source, suite.known()).map_err(|problems| suite::rendered(&problems))?;
        return Ok(Checked::Case);
    };
    checked.map_err(|problems| suite::rendered(&problems))?;
    Ok(Checked::Other)
}
