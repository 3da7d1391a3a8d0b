//! The suite that commands work on.

use std::path::{Path, PathBuf};

use dmconform_case::Suite;
use dmconform_case::profile::Profile;
use dmconform_case::read::{Source, nearest};
use dmconform_case::suite::{PROFILE, embedded_files};
use dmconform_case::test_case::TestCase;
use dmconform_model::{Diagnostic, Role};

use crate::bounded;
use crate::bundled::PROFILES;
use crate::output::Failure;

/// The suite that is built in.
pub(crate) fn load() -> Result<Suite, Failure> {
    Suite::load(embedded_files()).map_err(|problems| Failure::usage(rendered(&problems)))
}

/// The suite that is built in, with cases and a profile from the user's files.
pub(crate) fn load_with(cases: &[PathBuf], profile: Option<&Path>) -> Result<Suite, Failure> {
    let mut files: Vec<(String, String)> = embedded_files()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let profile = profile.map(profile_text).transpose()?;
    if let Some((_, text)) = &profile {
        files.retain(|(name, _)| name != PROFILE);
        files.push((PROFILE.to_owned(), text.clone()));
    }
    for path in cases {
        for path in files_at(path)? {
            files.push((path.display().to_string(), read_case(&path)?));
        }
    }
    let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    Suite::load_named(files, profile.as_ref().map(|(name, _)| name.as_str()))
        .map_err(|problems| Failure::usage(rendered(&problems)))
}

/// The default profile, another one that is built in, or one from the user's file.
pub(crate) fn profile(path: Option<&Path>) -> Result<Profile, Failure> {
    let (name, text) = profile_text(path.unwrap_or_else(|| Path::new("default")))?;
    let source = Source {
        name: &name,
        text: &text,
    };
    dmconform_case::read::profile(source).map_err(|problems| Failure::usage(rendered(&problems)))
}

/// Whether a profile of this name is built in.
pub(crate) fn is_built_in(name: &str) -> bool {
    PROFILES.iter().any(|(known, _, _)| *known == name)
}

/// The name and the text of a profile: of one that is built in, or of a file. What lies about in a folder by chance never stands in
/// for what is built in: a file of such a name is meant by `./default`.
pub(crate) fn profile_text(path: &Path) -> Result<(String, String), Failure> {
    let built_in = PROFILES.iter().find(|(name, _, _)| path.as_os_str() == *name);
    if let Some((_, file, text)) = built_in {
        return Ok(((*file).to_owned(), (*text).to_owned()));
    }
    let text = bounded::text(path).map_err(|error| {
        let names = PROFILES.map(|(name, _, _)| name).join(" and ");
        Failure::usage(format!(
            "read the profile file `{}`: {error}; look whether the path is right ({names} are built in)",
            path.display()
        ))
    })?;
    Ok((path.display().to_string(), text))
}

/// The file itself, or every YAML file below a folder, of which there must be one.
pub(crate) fn files_at(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = case_files(path)?;
    if found.is_empty() {
        let why = format!(
            "find files in `{}`: there is no `.yaml` file in it; write one, or name another folder",
            path.display()
        );
        return Err(Failure::usage(why));
    }
    Ok(found)
}

/// The file itself, or every YAML file below a folder, in order.
pub(crate) fn case_files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error| Failure::usage(format!("look into the folder `{}`: {error}", path.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        if entry.is_dir() {
            found.extend(case_files(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "yaml") {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}

fn read_case(path: &Path) -> Result<String, Failure> {
    bounded::text(path).map_err(|error| {
        Failure::usage(format!(
            "read the case file `{}`: {error}; look whether the path is right",
            path.display()
        ))
    })
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
