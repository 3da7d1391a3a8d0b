//! Looks up the names in a case file, and checks what the file alone cannot say.

mod change;
mod expectation;
mod names;

use std::collections::BTreeMap;
use std::ops::Range;

use dmconform_model::{CaseId, Class, Deviation, Diagnostic, Requirement, RequirementId, Role, Step};

pub use self::names::{TIMES, settable_fields, typed_fields};
use super::diagnose::{Source, shown};
use super::located::Located;
use super::raw_case::RawCase;
use super::{node, typed};
use crate::procedure::Procedure;
use crate::profile::Profile;
use crate::test_case::{Change, Circumstances, Expectation, TestCase};

/// What the names in a case file refer to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The requirements.
    pub requirements: &'a BTreeMap<RequirementId, Requirement>,
    /// The procedure.
    pub procedure: &'a Procedure,
    /// The profile.
    pub profile: &'a Profile,
    /// The deviations that cases can name.
    pub deviations: &'a [Deviation],
}

/// Reads a case file.
///
/// # Errors
/// Every problem that can be found in one pass, each with its place.
pub fn case(source: Source<'_>, known: Known<'_>) -> Result<TestCase, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let raw: RawCase = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut resolver = Resolver {
        source,
        known,
        problems: Vec::new(),
        iut: Vec::new(),
        covers: Vec::new(),
        given: Circumstances::default(),
        changes_known: true,
    };
    let case = resolver.case(raw);
    resolver
        .problems
        .sort_by_key(|problem| (problem.place.line, problem.place.column));
    if resolver.problems.is_empty() {
        Ok(case)
    } else {
        Err(resolver.problems)
    }
}

struct Resolver<'a> {
    source: Source<'a>,
    known: Known<'a>,
    problems: Vec<Diagnostic>,
    iut: Vec<Role>,
    covers: Vec<RequirementId>,
    given: Circumstances,
    /// Whether every change could be read: what is expected of them can be checked only then.
    changes_known: bool,
}

impl Resolver<'_> {
    fn case(&mut self, raw: RawCase) -> TestCase {
        self.given = raw.given.and_then(|given| given.value).unwrap_or_default();
        let class = raw.class.as_ref().map(|class| class.value).unwrap_or_default();
        self.id(&raw.id, class);
        for (text, name) in [(&raw.title, "title"), (&raw.purpose, "purpose")] {
            if text.value.trim().is_empty() {
                self.problem(
                    &text.at,
                    format!("read an empty `{name}`"),
                    "say it in a sentence",
                );
            }
        }
        self.iut = self.roles(&raw.iut.value.0);
        if raw.iut.value.0.is_empty() {
            self.problem(&raw.iut.at, "judge nobody", "name the judged role in `iut`");
        }
        self.covers = self.covered(&raw.covers.value);
        if raw.covers.value.is_empty() {
            self.problem(
                &raw.covers.at,
                "cover no requirement",
                "name at least one in `covers`",
            );
        }
        self.class(
            raw.class.as_ref().map_or(&raw.covers.at, |class| &class.at),
            class,
        );
        let changes: Vec<Change> = raw
            .change
            .iter()
            .filter_map(|change| self.change(&change.at, change.value.as_ref()?))
            .collect();
        self.changes_known = changes.len() == raw.change.len();
        if raw.expect.value.is_empty() {
            self.problem(
                &raw.expect.at,
                "expect nothing",
                "a case that checks nothing can only pass; name something that must be seen",
            );
        }
        let expect: Vec<Expectation> = raw
            .expect
            .value
            .iter()
            .filter_map(|expectation| {
                self.expectation(&expectation.at, expectation.value.as_ref()?, &changes)
            })
            .collect();
        let catches = self.caught(&raw.catches);
        self.withdrawn(raw.withdrawn.as_ref());
        TestCase {
            id: CaseId(raw.id.value),
            title: words(&raw.title.value),
            purpose: words(&raw.purpose.value),
            class,
            covers: std::mem::take(&mut self.covers),
            iut: std::mem::take(&mut self.iut),
            requires: raw.requires,
            given: std::mem::take(&mut self.given),
            changes,
            expect,
            catches,
            withdrawn: raw.withdrawn.map(|reason| words(&reason.value)),
            file: self.source.name.to_owned(),
        }
    }

    fn problem(&mut self, at: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.problems.push(self.source.error(at.clone(), message, help));
    }

    fn withdrawn(&mut self, reason: Option<&Located<String>>) {
        if let Some(reason) = reason
            && reason.value.trim().is_empty()
        {
            let help = "say in a sentence why the case is not run any more, or remove the key";
            self.problem(&reason.at, "read an empty `withdrawn`", help);
        }
    }

    /// A case covers requirements of the procedure or of robustness, and the former only in the class that weighs.
    fn class(&mut self, at: &Range<usize>, class: Class) {
        let robust = self.covers.iter().filter(|id| id.is_of_robustness()).count();
        if robust > 0 && class == Class::Conformance {
            let help = "write `class: robustness`, or cover requirements of the procedure only";
            self.problem(at, "weigh a requirement of robustness on conformance", help);
        }
        if robust > 0 && robust < self.covers.len() {
            let help = "make two cases of it: one weighs on conformance, and the other does not";
            self.problem(
                at,
                "cover requirements of the procedure and of robustness at once",
                help,
            );
        }
    }

    fn id(&mut self, id: &Located<String>, class: Class) {
        let parts: Vec<&str> = id.value.split('-').collect();
        let ([prefix, role, step, number], true) = (parts.as_slice(), id.value.is_ascii()) else {
            self.malformed_id(id);
            return;
        };
        let of_class = match class {
            Class::Conformance => "DEL",
            Class::Robustness => "ROB",
        };
        if *prefix != of_class {
            self.malformed_id(id);
            return;
        }
        let numbered = number.len() == 3 && number.bytes().all(|octet| octet.is_ascii_digit());
        let of_step = *step == "0" || step.parse::<Step>().is_ok();
        if !matches!(*role, "CLIENT" | "DMS1" | "DMS2" | "BS") || !of_step || !numbered {
            self.malformed_id(id);
        }
    }

    fn malformed_id(&mut self, id: &Located<String>) {
        let help = "write DEL (ROB in the class robustness), the role (CLIENT, DMS1, DMS2, BS), the step (0 for all) and three digits: `DEL-DMS1-8-030`";
        let message = format!("read `{}` as the identifier of a case", shown(&id.value));
        self.problem(&id.at, message, help);
    }
}

/// A text without line breaks and double spaces.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
