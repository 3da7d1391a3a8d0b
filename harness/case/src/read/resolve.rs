//! Looks up the names in a case file, and checks what the file alone cannot say.

mod change;
mod expectation;
mod names;

use std::collections::BTreeMap;
use std::ops::Range;

use dmconform_model::{CaseId, Class, Deviation, Diagnostic, Requirement, RequirementId, Role, Step};

pub use self::names::{TIMES, settable_fields, typed_fields};
pub(super) use self::names::{document_fields, suggestion};
use super::diagnose::{Source, shown};
use super::located::{Located, Tried};
use super::raw_case::{RawCase, RawChange};
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

/// Reads a case file: one case, or one for each of its variants.
///
/// # Errors
/// Every problem that can be found in one pass, each with its place.
pub fn cases(source: Source<'_>, known: Known<'_>) -> Result<Vec<TestCase>, Vec<Diagnostic>> {
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
    let cases = resolver.cases(raw);
    resolver
        .problems
        .sort_by_key(|problem| (problem.place.line, problem.place.column));
    // What all variants have in common is wrong in each of them.
    resolver.problems.dedup();
    if resolver.problems.is_empty() {
        Ok(cases)
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
    fn cases(&mut self, raw: RawCase) -> Vec<TestCase> {
        let common = self.common(&raw);
        if raw.variants.0.is_empty() {
            return vec![self.with(&raw, common, &[])];
        }
        let variants = raw.variants.0.iter();
        variants
            .map(|(name, changes)| {
                self.variant(name, changes);
                let id = CaseId(format!("{}.{}", raw.id.value, name.value));
                let title = format!("{}: {}", common.title, name.value.replace('-', " "));
                let case = TestCase {
                    id,
                    title,
                    variant_of: Some(common.id.clone()),
                    ..common.clone()
                };
                self.with(&raw, case, changes)
            })
            .collect()
    }

    /// What variants have in common.
    fn common(&mut self, raw: &RawCase) -> TestCase {
        let given = raw.given.as_ref().and_then(|given| given.value.clone());
        self.given = given.unwrap_or_default();
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
        if raw.expect.value.is_empty() {
            self.problem(
                &raw.expect.at,
                "expect nothing",
                "a case that checks nothing can only pass; name something that must be seen",
            );
        }
        let catches = self.caught(&raw.catches);
        self.withdrawn(raw.withdrawn.as_ref());
        TestCase {
            id: CaseId(raw.id.value.clone()),
            title: words(&raw.title.value),
            purpose: words(&raw.purpose.value),
            class,
            covers: self.covers.clone(),
            iut: self.iut.clone(),
            requires: raw.requires.clone(),
            given: self.given.clone(),
            changes: Vec::new(),
            expect: Vec::new(),
            catches,
            variant_of: None,
            withdrawn: raw.withdrawn.as_ref().map(|reason| words(&reason.value)),
            file: self.source.name.to_owned(),
        }
    }

    /// The case with its changes, some of which may be those of a variant, and what is expected of them.
    fn with(&mut self, raw: &RawCase, case: TestCase, further: &[Tried<RawChange>]) -> TestCase {
        let written = raw.change.iter().chain(further);
        let changes: Vec<Change> = written
            .filter_map(|change| self.change(&change.at, change.value.as_ref()?))
            .collect();
        self.changes_known = changes.len() == raw.change.len() + further.len();
        let expect: Vec<Expectation> = raw
            .expect
            .value
            .iter()
            .filter_map(|expectation| {
                self.expectation(&expectation.at, expectation.value.as_ref()?, &changes)
            })
            .collect();
        TestCase {
            changes,
            expect,
            ..case
        }
    }

    fn variant(&mut self, name: &Located<String>, changes: &[Tried<RawChange>]) {
        let is_name = |text: &str| {
            let part = |part: &str| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit())
            };
            text.split('-').all(part)
        };
        if !is_name(&name.value) {
            let message = format!("read `{}` as the name of a variant", shown(&name.value));
            let help = "write small letters, digits and single hyphens: `not-yet-valid`";
            self.problem(&name.at, message, help);
        }
        if changes.is_empty() {
            let message = format!("tell the variant `{}` from the others", shown(&name.value));
            self.problem(&name.at, message, "say what it changes");
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
