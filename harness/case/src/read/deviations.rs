//! Reads the deviations and oddities.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use dmconform_model::{Deviation, Diagnostic, Oddity, Requirement, RequirementId, Role};
use schemars::JsonSchema;
use serde::Deserialize;

use super::diagnose::{Source, nearest};
use super::located::Located;
use super::{node, typed};
use crate::schema::names;

/// What products do wrong, and what they do otherwise and rightly so.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Deviations and oddities")]
pub(crate) struct Deviations {
    /// The deviations: each breaks a requirement.
    #[schemars(with = "Vec<names::Deviation>")]
    deviations: Vec<Located<Deviation>>,
    /// The oddities: each is legal.
    #[serde(default)]
    #[schemars(with = "Vec<names::Oddity>")]
    oddities: Vec<Located<Oddity>>,
}

/// What products do other than usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departures {
    /// What is wrong, in the order of the steps.
    pub deviations: Vec<Deviation>,
    /// What is legal.
    pub oddities: Vec<Oddity>,
}

/// Reads the deviations and oddities.
///
/// # Errors
/// What is wrong with the text, with its place; a name that is there twice; a requirement that is not known or binds no
/// role that has the deviation.
pub fn deviations(
    source: Source<'_>,
    requirements: &BTreeMap<RequirementId, Requirement>,
) -> Result<Departures, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let read: Deviations = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut check = Check {
        source,
        requirements,
        names: BTreeSet::new(),
        problems: Vec::new(),
    };
    for Located { at, value } in &read.deviations {
        check.name(at, &value.name, &value.of);
        check.breaks(at, value);
    }
    for Located { at, value } in &read.oddities {
        check.name(at, &value.name, &value.of);
    }
    if !check.problems.is_empty() {
        return Err(check.problems);
    }
    Ok(Departures {
        deviations: read.deviations.into_iter().map(|found| found.value).collect(),
        oddities: read.oddities.into_iter().map(|found| found.value).collect(),
    })
}

struct Check<'a> {
    source: Source<'a>,
    requirements: &'a BTreeMap<RequirementId, Requirement>,
    names: BTreeSet<String>,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    fn problem(&mut self, at: &Range<usize>, message: String, help: String) {
        self.problems
            .push(self.source.error(at.clone(), message, Some(help)));
    }

    fn name(&mut self, at: &Range<usize>, name: &str, of: &[Role]) {
        if !self.names.insert(name.to_owned()) {
            let help = "give one of the two another name".to_owned();
            self.problem(at, format!("describe {name} twice"), help);
        }
        if of.is_empty() {
            let help = "name the roles that can have it in `of`".to_owned();
            self.problem(at, format!("let nobody have {name}"), help);
        }
    }

    fn breaks(&mut self, at: &Range<usize>, deviation: &Deviation) {
        let id = &deviation.breaks;
        let Some(requirement) = self.requirements.get(id) else {
            let near = nearest(&id.0, self.requirements.keys().map(|id| id.0.as_str()));
            let help = near.map_or_else(
                || format!("`{}` lists those there are", crate::suite::REQUIREMENTS),
                |near| format!("did you mean `{near}`?"),
            );
            return self.problem(at, format!("find the requirement `{id}`"), help);
        };
        for role in deviation
            .of
            .iter()
            .filter(|role| !requirement.binds.contains(role))
        {
            let message = format!(
                "break {id} by {} of {role}: it does not bind that role",
                deviation.name
            );
            let help = "name a requirement that binds every role in `of`".to_owned();
            self.problem(at, message, help);
        }
    }
}
