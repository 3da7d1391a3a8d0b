//! The suite that commands work on.

use dmconform_case::Suite;
use dmconform_case::suite::embedded_files;
use dmconform_model::{Diagnostic, Role};

use crate::output::Failure;

/// The suite that is built in.
pub(crate) fn load() -> Result<Suite, Failure> {
    Suite::load(embedded_files().iter().copied()).map_err(|problems| Failure::usage(rendered(&problems)))
}

/// Diagnostics, ready to print.
pub(crate) fn rendered(problems: &[Diagnostic]) -> String {
    problems
        .iter()
        .map(|problem| problem.rendered.as_str())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The roles named on the command line.
pub(crate) fn roles(names: &[String]) -> Result<Vec<Role>, Failure> {
    names
        .iter()
        .map(|name| {
            name.parse()
                .map_err(|error: dmconform_model::role::UnknownRole| Failure::usage(error.to_string()))
        })
        .collect()
}
