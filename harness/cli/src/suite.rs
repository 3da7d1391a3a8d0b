//! The suite that commands work on.

use dmconform_case::Suite;
use dmconform_case::read::nearest;
use dmconform_case::suite::embedded_files;
use dmconform_case::test_case::TestCase;
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

/// A case by its identifier.
pub(crate) fn find<'a>(suite: &'a Suite, id: &str) -> Result<&'a TestCase, Failure> {
    suite.case(id).ok_or_else(|| {
        let near = nearest(id, suite.cases.iter().map(|case| case.id.0.as_str()));
        let help = near.map_or_else(
            || "`dmconform list` names them all".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::usage(format!("find the case `{id}`; {help}"))
    })
}
