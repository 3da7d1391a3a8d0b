//! Forms in which something is stored: what they look like, and how they are read, by their version first.

use std::path::{Component, Path};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::RunRecord;

/// Why something that was stored cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// It is of another form than this program knows.
    #[error(
        "it has schema version {found}, and this program reads {known}; use the version of dmconform that wrote it, {writer}"
    )]
    OtherVersion {
        /// Its version.
        found: u64,
        /// The version that is read.
        known: u32,
        /// The version of dmconform that wrote it.
        writer: String,
    },
    /// It is not what its version says.
    #[error("{0}; was it written by another version, or edited?")]
    Broken(#[from] serde_json::Error),
    /// A name in it is none: files go by it.
    #[error("`{name}` is no name of {what}, and leads elsewhere; was it edited?")]
    LeadsElsewhere {
        /// The name.
        name: String,
        /// What has it.
        what: &'static str,
    },
}

/// What every form says of itself; one of another version may hold anything beside it.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    schema_version: Value,
    /// Who wrote it, where it says so itself.
    #[serde(default)]
    harness: Value,
    /// The run that it is of, which says it otherwise.
    #[serde(default)]
    run: Value,
}

/// Reads what was stored in a form of this version.
///
/// # Errors
/// It is of another version, or not what its version says.
pub fn read<T: DeserializeOwned>(octets: &[u8], known: u32) -> Result<T, FormError> {
    // What says nothing of itself is told where all of it is read.
    if let Ok(said) = serde_json::from_slice::<Said>(octets)
        && let Some(found) = said.schema_version.as_u64()
        && found != u64::from(known)
    {
        let writer = said.run["harness"].as_str().or(said.harness.as_str());
        return Err(FormError::OtherVersion {
            found,
            known,
            writer: writer.unwrap_or("which it does not name").to_owned(),
        });
    }
    Ok(serde_json::from_slice(octets)?)
}

/// What programs may rely on: the JSON Schema of a form.
pub fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}

impl RunRecord {
    /// Reads results as they are stored. They may be from anybody: what files go by in them is a name and no way to elsewhere.
    ///
    /// # Errors
    /// They are of another version, or not what it says; or a name in them leads elsewhere.
    pub fn read(octets: &[u8]) -> Result<Self, FormError> {
        let record: Self = read(octets, Self::SCHEMA_VERSION)?;
        let targets = record.run.targets.iter().map(|target| target.name.as_str());
        let implementations = record.cases.iter().map(|case| case.implementation.as_str());
        let implementations = targets
            .chain(implementations)
            .map(|name| (name, "an implementation"));
        let cases = record.cases.iter().map(|case| (case.id.0.as_str(), "a case"));
        match implementations.chain(cases).find(|(name, _)| !is_one_part(name)) {
            None => Ok(record),
            Some((name, what)) => Err(FormError::LeadsElsewhere {
                name: name.to_owned(),
                what,
            }),
        }
    }
}

/// Whether a name is one part of a path, and leads nowhere else than to what is called so.
fn is_one_part(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let first = parts.next();
    // A path may be written in several ways; a name is in one.
    matches!(first, Some(Component::Normal(part)) if part == name) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = include_str!("../../../reports/samples/reference/results.json");

    fn refused(change: impl FnOnce(&mut Value)) -> String {
        let mut results: Value = serde_json::from_str(RESULTS).expect("the sample is JSON");
        change(&mut results);
        let read = RunRecord::read(results.to_string().as_bytes());
        read.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn results_of_another_form_are_refused_with_what_to_do() {
        let said = refused(|newer| {
            newer["schema_version"] = Value::from(2);
            newer["run"] = serde_json::json!({ "harness": "9.1.0", "shard": "of a form of its own" });
            newer["cases"] = Value::from("elsewhere");
        });
        assert_eq!(
            said,
            "it has schema version 2, and this program reads 1; use the version of dmconform that wrote it, 9.1.0"
        );
        let said = refused(|newer| *newer = serde_json::json!({ "schema_version": 2 }));
        assert!(said.ends_with("which it does not name"), "{said}");
    }

    #[test]
    fn results_that_were_edited_are_told_from_others() {
        assert_eq!(refused(|_| ()), "");
        assert_eq!(
            refused(|more| more["something-new"] = Value::from("which takes nothing away")),
            ""
        );
        let said = refused(|edited| edited["cases"] = Value::from(1));
        assert!(
            said.ends_with("was it written by another version, or edited?"),
            "{said}"
        );
        let cut = RunRecord::read(&RESULTS.as_bytes()[..1000]).expect_err("it is cut");
        assert!(cut.to_string().starts_with("EOF while parsing"), "{cut}");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["", ".", "..", "../..", "/etc", "a/b", "a/", "./a"] {
            assert_eq!(
                refused(|results| results["cases"][0]["id"] = Value::from(name)),
                format!("`{name}` is no name of a case, and leads elsewhere; was it edited?")
            );
            let expected =
                format!("`{name}` is no name of an implementation, and leads elsewhere; was it edited?");
            let of_case = refused(|results| results["cases"][0]["implementation"] = Value::from(name));
            assert_eq!(of_case, expected);
            let of_target = refused(|results| results["run"]["targets"][0]["name"] = Value::from(name));
            assert_eq!(of_target, expected);
        }
    }
}
