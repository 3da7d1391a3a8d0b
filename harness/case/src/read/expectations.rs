//! Reads the failures that are known.

use std::collections::BTreeMap;

use dmconform_model::gate::{KnownFailure, KnownVerdict};
use dmconform_model::{Date, Diagnostic, Requirement, RequirementId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::diagnose::{Source, nearest};
use super::located::{Located, OneOrMany, Tried};
use super::{node, typed};
use crate::expectations::{Expectations, Expected};
use crate::pattern::glob;
use crate::schema::names;

/// Failures that are known, and expected until they are mended.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Known failures")]
pub(crate) struct RawExpectations {
    /// The failures: each says which, why, whose it is, and until when.
    #[serde(rename = "known-failures")]
    known_failures: Vec<Tried<RawKnownFailure>>,
}

/// A failure that is known.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KnownFailure")]
pub(crate) struct RawKnownFailure {
    /// The case, a family of cases, or a pattern such as `DEL-DMS1-8-*`; or a list of them. It is to happen in each case that is meant.
    #[schemars(with = "OneOrMany<String>")]
    case: OneOrMany<Located<String>>,
    /// The implementation by its name in results, or a pattern; any, if absent.
    #[schemars(with = "Option<String>")]
    implementation: Option<Located<String>>,
    /// What the case comes to.
    #[serde(default)]
    verdict: KnownVerdict,
    /// The requirement that is broken; any, if absent.
    #[schemars(with = "Option<names::RequirementId>")]
    requirement: Option<Located<RequirementId>>,
    /// A part of what is found (requirement, expected or observed), in which `*` stands for anything; anything, if absent.
    #[schemars(with = "Option<String>", length(min = 1))]
    message: Option<Located<String>>,
    /// Why it is not mended yet.
    #[schemars(with = "String", length(min = 1))]
    reason: Located<String>,
    /// Who mends it.
    #[schemars(with = "String", length(min = 1))]
    owner: Located<String>,
    /// Where that is written down, such as an issue.
    link: Option<String>,
    /// The last day on which it is expected, such as `2026-12-31`.
    #[schemars(with = "Date")]
    expires: Located<String>,
}

/// Reads the failures that are known. That the cases exist is for the run to say, which may have others.
///
/// # Errors
/// What is wrong with the text, with its place: an entry without reason, owner or last day; a pattern or a day that is
/// none; a requirement that is not known; the same entry twice.
pub fn expectations(
    source: Source<'_>,
    requirements: &BTreeMap<RequirementId, Requirement>,
) -> Result<Expectations, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let read: RawExpectations = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut check = Check {
        source,
        requirements,
        found: Vec::new(),
        problems: Vec::new(),
    };
    for tried in read.known_failures {
        // One that could not be read has been said already.
        if let Some(raw) = tried.value {
            check.entry(raw);
        }
    }
    if !check.problems.is_empty() {
        check
            .problems
            .sort_by_key(|problem| (problem.place.line, problem.place.column));
        return Err(check.problems);
    }
    Ok(Expectations { entries: check.found })
}

struct Check<'a> {
    source: Source<'a>,
    requirements: &'a BTreeMap<RequirementId, Requirement>,
    found: Vec<Expected>,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    fn problem(&mut self, at: &std::ops::Range<usize>, message: impl Into<String>, help: &str) {
        self.problems
            .push(self.source.error(at.clone(), message, Some(help.to_owned())));
    }

    /// A value, or nothing and the problem with it.
    fn right<T>(&mut self, at: &std::ops::Range<usize>, read: Result<T, String>, help: &str) -> Option<T> {
        read.map_err(|why| self.problem(at, why, help)).ok()
    }

    fn entry(&mut self, raw: RawKnownFailure) {
        for (key, text) in [("reason", &raw.reason), ("owner", &raw.owner)] {
            if text.value.trim().is_empty() {
                let help = "say it in words: whoever meets the entry later has nothing else";
                self.problem(&text.at, format!("leave `{key}` empty"), help);
            }
        }
        self.message(raw.message.as_ref());
        self.requirement(raw.requirement.as_ref());
        let expires = self.right(&raw.expires.at, raw.expires.value.parse(), Date::FORM);
        let implementation = raw.implementation.as_ref().and_then(|name| {
            self.right(
                &name.at,
                glob(&name.value),
                "write a name, with `*` for any characters",
            )
        });
        if raw.case.0.is_empty() {
            self.problem(
                &raw.reason.at,
                "expect a failure of no case",
                "name one in `case`",
            );
        }
        for case in raw.case.0 {
            let help = "write an identifier, with `*` for any characters";
            let pattern = self.right(&case.at, glob(&case.value), help);
            let (Some(pattern), Some(expires)) = (pattern, expires) else {
                continue;
            };
            let known = KnownFailure {
                case: case.value,
                implementation: raw.implementation.as_ref().map(|name| name.value.clone()),
                verdict: raw.verdict,
                requirement: raw.requirement.as_ref().map(|id| id.value.clone()),
                message: raw.message.as_ref().map(|message| message.value.clone()),
                reason: raw.reason.value.clone(),
                owner: raw.owner.value.clone(),
                link: raw.link.clone(),
                expires,
                place: self.source.place(&case.at),
            };
            if self.found.iter().any(|other| same(&other.known, &known)) {
                let message = format!("expect the same failure of `{}` twice", known.case);
                self.problem(&case.at, message, "remove one of the two");
            }
            self.found.push(Expected {
                known,
                case: pattern,
                implementation: implementation.clone(),
            });
        }
    }

    fn message(&mut self, message: Option<&Located<String>>) {
        let Some(message) = message else { return };
        if message
            .value
            .chars()
            .all(|character| character == '*' || character.is_whitespace())
        {
            let help = "write a part of what is found, or remove this: without it, anything is meant";
            self.problem(&message.at, "recognise a finding by nothing", help);
        }
    }

    fn requirement(&mut self, id: Option<&Located<RequirementId>>) {
        let Some(Located { at, value: id }) = id else {
            return;
        };
        if self.requirements.contains_key(id) {
            return;
        }
        let near = nearest(&id.0, self.requirements.keys().map(|id| id.0.as_str()));
        let help = near.map_or_else(
            || "`dmconform list --requirements` names those there are".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.problem(at, format!("find the requirement `{id}`"), &help);
    }
}

/// Whether two entries mean the same failure.
fn same(one: &KnownFailure, other: &KnownFailure) -> bool {
    let key = |known: &KnownFailure| {
        (
            known.case.clone(),
            known.implementation.clone(),
            known.verdict,
            known.requirement.clone(),
            known.message.clone(),
        )
    };
    key(one) == key(other)
}
