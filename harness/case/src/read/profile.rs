//! Reads the procedure, the requirements and profiles.

use std::collections::BTreeMap;

use dmconform_model::{Diagnostic, Part, Requirement, RequirementId, Step};
use serde::Deserialize;

use super::diagnose::Source;
use super::yaml;
use crate::document;
use crate::field::FieldRef;
use crate::procedure::Procedure;
use crate::profile::Profile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirements {
    requirements: Vec<Requirement>,
}

/// Reads the requirements.
///
/// # Errors
/// What is wrong with the text, with its place; an identifier that is there twice.
pub fn requirements(source: Source<'_>) -> Result<BTreeMap<RequirementId, Requirement>, Vec<Diagnostic>> {
    let read: Requirements = yaml::parse(source).map_err(|error| vec![error])?;
    let mut known = BTreeMap::new();
    let mut problems = Vec::new();
    for requirement in read.requirements {
        let id = requirement.id.clone();
        if known.insert(id.clone(), requirement).is_some() {
            problems.push(source.error_in_file(
                format!("state {id} twice"),
                Some("give one another id".to_owned()),
            ));
        }
    }
    if problems.is_empty() {
        Ok(known)
    } else {
        Err(problems)
    }
}

/// Reads the procedure, and checks that what it refers to exists.
///
/// # Errors
/// What is wrong with the text, with its place; a requirement or step that is not known.
pub fn procedure(
    source: Source<'_>,
    requirements: &BTreeMap<RequirementId, Requirement>,
) -> Result<Procedure, Vec<Diagnostic>> {
    let procedure: Procedure = yaml::parse(source).map_err(|error| vec![error])?;
    let mut problems = Vec::new();
    let of_steps = procedure
        .steps
        .iter()
        .flat_map(|step| step.presence.iter().chain(&step.answer.presence));
    let of_order = procedure.order.iter().map(|rule| &rule.requirement);
    let of_fields = procedure.equal.iter().flat_map(|equality| &equality.fields);
    for id in of_steps
        .chain(of_order)
        .chain(of_fields.map(|field| &field.requirement))
    {
        if !requirements.contains_key(id) {
            problems.push(source.error_in_file(format!("find the requirement {id}"), None));
        }
    }
    let mut messages: Vec<_> = procedure
        .order
        .iter()
        .flat_map(|rule| [rule.first, rule.then])
        .collect();
    messages.extend(procedure.steps.iter().flat_map(|step| step.after.iter().copied()));
    for equality in &procedure.equal {
        let fields = equality
            .fields
            .iter()
            .map(|other| &other.field)
            .chain([&equality.reference]);
        messages.extend(fields.filter_map(|field| match field {
            FieldRef::Message(message, _) => Some(*message),
            FieldRef::Given(_) => None,
        }));
    }
    for message in messages {
        if procedure.step(message.step).is_none() {
            problems.push(source.error_in_file(format!("find step {} among the steps", message.step), None));
        }
    }
    if problems.is_empty() {
        Ok(procedure)
    } else {
        Err(problems)
    }
}

/// Reads a profile, and checks that every document between the servers can be written.
///
/// # Errors
/// What is wrong with the text, with its place; a document that is missing or whose template is broken.
pub fn profile(source: Source<'_>) -> Result<Profile, Vec<Diagnostic>> {
    let profile: Profile = yaml::parse(source).map_err(|error| vec![error])?;
    let mut problems = Vec::new();
    let steps = [
        Step::Initiation,
        Step::UrlRequest,
        Step::BootstrapComplete,
        Step::ClientPrepared,
        Step::DelegationComplete,
    ];
    for step in steps {
        for part in [Part::Request, Part::Answer] {
            let message = dmconform_model::MessageId { step, part };
            let Some(known) = profile.messages.get(&message) else {
                let help = "say its root, fields and template under `messages`".to_owned();
                problems.push(source.error_in_file(format!("find a document for {message}"), Some(help)));
                continue;
            };
            if let Err(error) = document::write(known, &BTreeMap::new()) {
                problems.push(source.error_in_file(format!("write {message}: {error}"), None));
            }
        }
    }
    if problems.is_empty() {
        Ok(profile)
    } else {
        Err(problems)
    }
}
