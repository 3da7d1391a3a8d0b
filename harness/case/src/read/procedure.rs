//! Reads the requirements and the procedure.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::requirement::OpenQuestion;
use dmconform_model::{Diagnostic, MessageId, Requirement, RequirementId, Weight};
use schemars::JsonSchema;
use serde::Deserialize;

use super::diagnose::{Source, nearest};
use super::located::Located;
use super::node::{self, Node};
use super::typed;
use crate::field::FieldRef;
use crate::procedure::Procedure;
use crate::schema::names;

/// The requirements: what the change request asks for, item by item.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Requirements")]
pub(crate) struct Requirements {
    /// The requirements.
    #[schemars(with = "Vec<names::Requirement>")]
    requirements: Vec<Located<Requirement>>,
    /// What is not tested because no requirement states it.
    #[serde(default)]
    #[schemars(with = "Vec<names::OpenQuestion>")]
    open: Vec<OpenQuestion>,
}

/// The requirements by their identifiers, and the questions that they leave open.
pub type Stated = (BTreeMap<RequirementId, Requirement>, Vec<OpenQuestion>);

/// Reads the requirements.
///
/// # Errors
/// What is wrong with the text, with its place; an identifier that is there twice.
pub fn requirements(source: Source<'_>) -> Result<Stated, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let read: Requirements = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut known = BTreeMap::new();
    let mut problems = Vec::new();
    for Located { at, value } in read.requirements {
        let id = value.id.clone();
        if value.binds.is_empty() {
            let help = "name the roles that can break it in `binds`".to_owned();
            problems.push(source.error(at.clone(), format!("bind nobody by {id}"), Some(help)));
        }
        if (value.weight == Weight::FailIfClaimed) == value.claims.is_empty() {
            let help = "weight fail-if-claimed goes with `claims`, and no other weight does".to_owned();
            problems.push(source.error(at.clone(), format!("weigh {id}"), Some(help)));
        }
        if (value.weight == Weight::Robustness) != id.is_of_robustness() {
            let help =
                "weight robustness goes with identifiers that begin with `ROB-`, and no other weight does"
                    .to_owned();
            problems.push(source.error(at.clone(), format!("weigh {id}"), Some(help)));
        }
        let of = value.not_tested.iter().flat_map(|untested| &untested.of);
        for role in of.filter(|role| !value.binds.contains(role)) {
            let help = "name roles of `binds`, or none for all of them".to_owned();
            let message = format!("say why {id} is not tested for {role}: it does not bind that role");
            problems.push(source.error(at.clone(), message, Some(help)));
        }
        if known.insert(id.clone(), value).is_some() {
            let help = "give one of the two another identifier".to_owned();
            problems.push(source.error(at, format!("state {id} twice"), Some(help)));
        }
    }
    if problems.is_empty() {
        Ok((known, read.open))
    } else {
        Err(problems)
    }
}

/// Reads the procedure, and checks that what it refers to exists and that its order has no circle.
///
/// # Errors
/// What is wrong with the text, with its place; a requirement or step that is not known.
pub fn procedure(
    source: Source<'_>,
    requirements: &BTreeMap<RequirementId, Requirement>,
) -> Result<Procedure, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let procedure: Procedure = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut check = Check {
        source,
        node: &node,
        requirements,
        procedure: &procedure,
        problems: Vec::new(),
    };
    check.steps();
    check.order();
    check.equalities();
    if check.problems.is_empty() {
        Ok(procedure)
    } else {
        Err(check.problems)
    }
}

struct Check<'a> {
    source: Source<'a>,
    node: &'a Node,
    requirements: &'a BTreeMap<RequirementId, Requirement>,
    procedure: &'a Procedure,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    fn problem(&mut self, path: &[&str], message: String, help: Option<String>) {
        let at = self.node.place_of(path);
        self.problems.push(self.source.error(at, message, help));
    }

    fn requirement(&mut self, path: &[&str], id: &RequirementId) {
        if self.requirements.contains_key(id) {
            return;
        }
        let near = nearest(&id.0, self.requirements.keys().map(|id| id.0.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        self.problem(path, format!("find the requirement `{id}`"), help);
    }

    fn message(&mut self, path: &[&str], message: MessageId) {
        if self.procedure.step(message.step).is_none() {
            let help = "name one of `steps`, or add it there".to_owned();
            self.problem(
                path,
                format!("find step {} among the steps", message.step),
                Some(help),
            );
        }
    }

    fn steps(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, step) in self.procedure.steps.iter().enumerate() {
            let index = index.to_string();
            let path = ["steps", index.as_str()];
            if !seen.insert(step.step) {
                let help = "keep one of the two".to_owned();
                self.problem(&path, format!("describe step {} twice", step.step), Some(help));
            }
            if let Some(id) = &step.presence {
                self.requirement(&[path[0], path[1], "presence"], id);
            }
            if let Some(id) = &step.answer.presence {
                self.requirement(&[path[0], path[1], "answer", "presence"], id);
            }
            for (position, after) in step.after.iter().enumerate() {
                let position = position.to_string();
                let path = [path[0], path[1], "after", &position];
                self.message(&path, *after);
                // Steps follow the figure, so that what comes after comes below: there is no circle.
                if !seen.contains(&after.step) || after.step == step.step {
                    let help = "a step follows steps that are described above it".to_owned();
                    let message = format!("let step {} follow {after}", step.step);
                    self.problem(&path, message, Some(help));
                }
            }
        }
    }

    fn order(&mut self) {
        for (index, rule) in self.procedure.order.iter().enumerate() {
            let index = index.to_string();
            self.message(&["order", &index, "first"], rule.first);
            self.message(&["order", &index, "then"], rule.then);
            self.requirement(&["order", &index, "requirement"], &rule.requirement);
            if rule.first == rule.then {
                let help = "name two messages".to_owned();
                self.problem(
                    &["order", &index],
                    format!("put {} before itself", rule.first),
                    Some(help),
                );
            }
        }
    }

    fn equalities(&mut self) {
        for (index, equality) in self.procedure.equal.iter().enumerate() {
            let index = index.to_string();
            if let FieldRef::Message(message, _) = &equality.reference {
                self.message(&["equal", &index, "reference"], *message);
            }
            for (position, other) in equality.fields.iter().enumerate() {
                let position = position.to_string();
                let path = ["equal", &index, "fields", &position];
                match &other.field {
                    FieldRef::Message(message, _) => self.message(&path, *message),
                    FieldRef::Given(_) => {
                        let help =
                            "only a `reference` is given beforehand: compare a field of a message".to_owned();
                        self.problem(&path, format!("blame somebody for {}", other.field), Some(help));
                    }
                }
                self.requirement(&path, &other.requirement);
            }
        }
    }
}
