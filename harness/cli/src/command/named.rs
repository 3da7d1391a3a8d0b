//! Deviations and oddities as users name them.

use dmconform_case::read::nearest;
use dmconform_oddity::Oddity;
use dmconform_reference::Deviation;

use crate::output::Failure;

/// Whether the reference implementation has deviations of these names.
pub(super) fn check_deviations(names: &[String]) -> Result<(), Failure> {
    for name in names {
        let known = Deviation::ALL.iter().map(|deviation| deviation.name());
        name.parse::<Deviation>()
            .map_err(|error| unknown(&error.to_string(), name, known))?;
    }
    Ok(())
}

/// The oddities of these names; `all` are all.
pub(super) fn oddities(names: &[String]) -> Result<Vec<Oddity>, Failure> {
    if names.iter().any(|name| name == "all") {
        return Ok(Oddity::ALL.to_vec());
    }
    let found = names.iter().map(|name| {
        let known = Oddity::ALL.iter().map(|oddity| oddity.name());
        name.parse::<Oddity>()
            .map_err(|error| unknown(&error.to_string(), name, known))
    });
    found.collect()
}

/// The error with the name that may have been meant.
fn unknown<'a>(error: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let near = nearest(name, known).map(|near| format!("; did you mean `{near}`?"));
    Failure::usage(format!("{error}{}", near.unwrap_or_default()))
}
