//! `dmconform check`: files, without running anything.

use std::path::Path;

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};

use crate::arguments::Check;
use crate::bounded;
use crate::bundled::IMPLEMENTATIONS;
use crate::output::{Failure, print};
use crate::suite;

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
    let mut problems = Vec::new();
    for path in &arguments.files {
        if let Err(problem) = check(&suite, path) {
            problems.push(problem);
        }
    }
    if problems.is_empty() {
        print(&format!("{} files are in order\n", arguments.files.len()));
        return Ok(0);
    }
    Err(Failure::usage(problems.join("\n\n")))
}

/// Checks one file, as what its first key says that it is.
fn check(suite: &Suite, path: &Path) -> Result<(), String> {
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
    let checked = if has("known-failures") {
        read::expectations(source, &suite.requirements).map(drop)
    } else if has("implementation") || has("plays") {
        read::implementation(source).map(drop)
    } else if has("profile") || has("own-readings") {
        read::profile(source).map(drop)
    } else if has("procedure") && has("steps") {
        read::procedure(source, &suite.requirements).map(drop)
    } else if has("deviations") {
        read::deviations(source, &suite.requirements).map(drop)
    } else if has("requirements") {
        read::requirements(source).map(drop)
    } else {
        read::cases(source, suite.known()).map(drop)
    };
    checked.map_err(|problems| suite::rendered(&problems))
}
