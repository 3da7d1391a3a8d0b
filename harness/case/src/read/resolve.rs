//! Looks up the names in a case file, and checks what the file alone cannot say.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::{CaseId, Diagnostic, MessageId, Part, Requirement, RequirementId, Role, Step};

use super::diagnose::{Source, nearest};
use super::raw_case::{Located, RawCase, RawChange, RawExpectation};
use super::yaml;
use crate::field::{Condition, FieldRef};
use crate::procedure::Procedure;
use crate::profile::Profile;
use crate::test_case::{Change, Expectation, How, State, TestCase, What};

/// What the names in a case file refer to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The requirements.
    pub requirements: &'a BTreeMap<RequirementId, Requirement>,
    /// The procedure.
    pub procedure: &'a Procedure,
    /// The profile.
    pub profile: &'a Profile,
}

/// The fields of a message that is no document: the mock roles write and recognise them by type.
pub const fn typed_fields(message: MessageId) -> &'static [&'static str] {
    match (message.step, message.part) {
        (Step::BootstrapEntry, Part::Request) => &["url", "entry", "node"],
        (Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval, Part::Answer) => &["status"],
        (Step::BootstrapFetch, Part::Request) => &["url", "method"],
        (Step::BootstrapFetch, Part::Answer) => &["server", "address", "readable"],
        (Step::ClientSession, Part::Request) => &[
            "device",
            "address",
            "manufacturer",
            "model",
            "authentication",
            "alert",
        ],
        (Step::ClientSession, Part::Answer) => &["statuses", "authentication"],
        (Step::AclUpdate, Part::Request) => &["nodes", "node", "servers", "removed", "acl", "well-formed"],
        (Step::AccountRemoval, Part::Request) => &["node", "server"],
        _ => &[],
    }
}

/// Reads a case file.
///
/// # Errors
/// Every problem that can be found in one pass, each with its place.
pub fn case(source: Source<'_>, known: Known<'_>) -> Result<TestCase, Vec<Diagnostic>> {
    let raw: RawCase = yaml::parse(source).map_err(|error| vec![error])?;
    let mut resolver = Resolver {
        source,
        known,
        problems: Vec::new(),
        iut: Vec::new(),
        covers: Vec::new(),
    };
    let case = resolver.case(raw);
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
}

impl Resolver<'_> {
    fn case(&mut self, raw: RawCase) -> TestCase {
        self.check_id(&raw.id);
        self.iut = raw.iut.iter().filter_map(|name| self.role(name)).collect();
        if raw.iut.is_empty() {
            self.problem_at_id(&raw.id, "judge nobody", "name the judged role in `iut`");
        }
        self.covers = raw.covers.iter().filter_map(|id| self.covered(id)).collect();
        if raw.covers.is_empty() {
            self.problem_at_id(&raw.id, "cover no requirement", "name at least one in `covers`");
        }
        for (text, name) in [(&raw.title, "title"), (&raw.purpose, "purpose")] {
            if text.trim().is_empty() {
                self.problem_at_id(
                    &raw.id,
                    &format!("read an empty `{name}`"),
                    "say it in a sentence",
                );
            }
        }
        let changes: Vec<Change> = raw
            .change
            .iter()
            .filter_map(|change| self.change(change))
            .collect();
        if raw.expect.is_empty() {
            self.problem_at_id(
                &raw.id,
                "expect nothing",
                "a case that checks nothing can only pass; add to `expect`",
            );
        }
        let expect: Vec<Expectation> = raw
            .expect
            .iter()
            .filter_map(|expectation| self.expectation(expectation, &changes))
            .collect();
        TestCase {
            id: CaseId(raw.id.value.clone()),
            title: raw.title.trim().to_owned(),
            purpose: raw.purpose.split_whitespace().collect::<Vec<_>>().join(" "),
            covers: self.covers.clone(),
            iut: self.iut.clone(),
            given: raw.given,
            changes,
            expect,
            catches: raw.catches,
            file: self.source.name.to_owned(),
        }
    }

    fn problem<T>(&mut self, at: &Located<T>, message: impl Into<String>, help: Option<String>) {
        let at = octets(self.source.text, at);
        self.problems.push(self.source.error(at, message, help));
    }

    fn problem_at_id(&mut self, id: &Located<String>, message: &str, help: &str) {
        self.problem(id, message, Some(help.to_owned()));
    }

    fn check_id(&mut self, id: &Located<String>) {
        let parts: Vec<&str> = id.value.split('-').collect();
        let well_formed = matches!(
            parts.as_slice(),
            ["DEL", "CLIENT" | "DMS1" | "DMS2" | "BS", step, number]
                if (step.parse::<Step>().is_ok() || *step == "0") && number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit())
        );
        if !well_formed {
            let help = "write DEL, the role (CLIENT, DMS1, DMS2, BS), the step (0 for all) and three digits: `DEL-DMS1-8-010`";
            self.problem_at_id(id, &format!("read `{}` as a case identifier", id.value), help);
        }
    }

    fn role(&mut self, name: &Located<String>) -> Option<Role> {
        match name.value.parse() {
            Ok(role) => Some(role),
            Err(error) => {
                let near = nearest(&name.value, Role::ALL.iter().map(|role| role.as_str()));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                self.problem(name, dmconform_model::role::UnknownRole::to_string(&error), help);
                None
            }
        }
    }

    fn message(&mut self, name: &Located<String>) -> Option<MessageId> {
        let message: MessageId = match name.value.parse() {
            Ok(message) => message,
            Err(error) => {
                let help = nearest(&name.value, Step::ALL.iter().map(|step| step.as_str()));
                let help = help.map(|near| format!("did you mean `{near}`?"));
                self.problem(
                    name,
                    dmconform_model::message::UnknownMessage::to_string(&error),
                    help,
                );
                return None;
            }
        };
        if self.known.procedure.step(message.step).is_none() {
            let help = "step 1 is every connection between the servers: change or refuse the message that it carries";
            self.problem(
                name,
                format!("find step {} in the procedure", message.step),
                Some(help.to_owned()),
            );
            return None;
        }
        Some(message)
    }

    fn requirement(&mut self, id: &Located<String>) -> Option<&Requirement> {
        let key = RequirementId(id.value.clone());
        if !self.known.requirements.contains_key(&key) {
            let near = nearest(
                &id.value,
                self.known.requirements.keys().map(|known| known.0.as_str()),
            );
            let help = near.map(|near| format!("did you mean `{near}`?"));
            self.problem(id, format!("find the requirement `{}`", id.value), help);
            return None;
        }
        self.known.requirements.get(&key)
    }

    fn covered(&mut self, id: &Located<String>) -> Option<RequirementId> {
        let iut = self.iut.clone();
        let requirement = self.requirement(id)?;
        let found = requirement.id.clone();
        let binds: Vec<&str> = requirement.binds.iter().map(|role| role.as_str()).collect();
        if !requirement.binds.iter().any(|role| iut.contains(role)) {
            let message = format!("cover {}: it does not bind the judged role", id.value);
            let help = format!(
                "it binds {}; judge that role, or cover another requirement",
                binds.join(", ")
            );
            self.problem(id, message, Some(help));
            return None;
        }
        Some(found)
    }

    fn change(&mut self, raw: &Located<RawChange>) -> Option<Change> {
        let change = &raw.value;
        let at = self.message(&change.at)?;
        let opener = crate::test_case::Opener::Dms1;
        let sender = self.known.procedure.sender(at, opener);
        let fixed = at.step != Step::Initiation;
        if fixed && sender.is_some_and(|sender| self.iut.contains(&sender)) {
            let message = format!("change {at}: the judged role sends it");
            let help =
                "only what a mock role sends can be changed; change a message that the judged role receives";
            self.problem(&change.at, message, Some(help.to_owned()));
        }
        let mut hows: Vec<How> = Vec::new();
        hows.extend(change.delay.as_ref().map(|_| How::Delay));
        hows.extend(change.omit.filter(|omit| *omit).map(|_| How::Omit));
        hows.extend(change.repeat.map(How::Repeat));
        if let Some(fields) = &change.set_field {
            for name in fields.keys() {
                self.field(&change.at, at, name);
            }
            hows.push(How::SetField(fields.clone()));
        }
        hows.extend(change.corrupt.map(How::Corrupt));
        hows.extend(change.answer.map(How::Answer));
        hows.extend(change.close_at.map(How::CloseAt));
        hows.extend(change.tls.as_ref().map(|tls| How::Tls(tls.certificate)));
        hows.extend(
            change
                .from_third_server
                .filter(|third| *third)
                .map(|_| How::FromThirdServer),
        );
        let count = hows.len();
        let Some(how) = hows.pop().filter(|_| count == 1) else {
            let help =
                "one of delay, omit, repeat, set-field, corrupt, answer, close-at, tls, from-third-server";
            self.problem(
                raw,
                format!("read a change with {count} things that are different"),
                Some(help.to_owned()),
            );
            return None;
        };
        if matches!(how, How::Answer(_)) && at.part == Part::Request {
            let help = format!("write `at: {at}.answer`");
            self.problem(
                &change.at,
                format!("give {at} a status: it is no answer"),
                Some(help),
            );
        }
        Some(Change {
            at,
            how,
            place: self.source.place(&octets(self.source.text, raw)),
        })
    }

    /// Checks that a message has a field.
    fn field(&mut self, at: &Located<String>, message: MessageId, name: &str) {
        let document = self.known.profile.messages.get(&message);
        let known: BTreeSet<&str> = match document {
            Some(document) => document.fields.keys().map(String::as_str).collect(),
            None => typed_fields(message).iter().copied().collect(),
        };
        if !known.contains(name) {
            let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let all = || format!("it has {}", known.iter().copied().collect::<Vec<_>>().join(", "));
            let help = near.unwrap_or_else(all);
            self.problem(at, format!("find the field `{name}` of {message}"), Some(help));
        }
    }

    fn field_ref(&mut self, text: &Located<String>) -> Option<FieldRef> {
        match text.value.parse() {
            Ok(FieldRef::Message(message, name)) => {
                self.field(text, message, &name);
                Some(FieldRef::Message(message, name))
            }
            Ok(given) => Some(given),
            Err(error) => {
                self.problem(text, crate::field::UnknownField::to_string(&error), None);
                None
            }
        }
    }

    fn expectation(&mut self, raw: &Located<RawExpectation>, changes: &[Change]) -> Option<Expectation> {
        let whats = self.whats(raw, changes);
        let count = whats.len();
        let what = whats.into_iter().next().filter(|_| count == 1);
        let Some(what) = what else {
            if self.problems.is_empty() {
                let help = "one of procedure, step, never, equal, refuse, state, one-of";
                let message = format!("read an expectation with {count} things that must be seen");
                self.problem(raw, message, Some(help.to_owned()));
            }
            return None;
        };
        let requirement = self.expected_requirement(raw, &what)?;
        Some(Expectation {
            what,
            requirement,
            place: self.source.place(&octets(self.source.text, raw)),
        })
    }

    fn expected_requirement(&mut self, raw: &Located<RawExpectation>, what: &What) -> Option<RequirementId> {
        if let Some(id) = &raw.value.requirement {
            let found = self.requirement(id)?.id.clone();
            if !self.covers.contains(&found) {
                let help = "add it to `covers`, or name one that is there".to_owned();
                self.problem(
                    id,
                    format!("expect something of {}: the case does not cover it", id.value),
                    Some(help),
                );
            }
            return Some(found);
        }
        match (self.covers.as_slice(), what) {
            ([only], _) => Some(only.clone()),
            ([first, ..], What::Procedure) => Some(first.clone()),
            ([], _) => None,
            _ => {
                let help = "add `requirement:` with one of those in `covers`".to_owned();
                self.problem(
                    raw,
                    "tell which requirement this expectation speaks for",
                    Some(help),
                );
                None
            }
        }
    }

    fn whats(&mut self, raw: &Located<RawExpectation>, changes: &[Change]) -> Vec<What> {
        let expectation = &raw.value;
        let mut whats = Vec::new();
        whats.extend(expectation.procedure.as_ref().map(|_| What::Procedure));
        if let Some(step) = &expectation.step {
            let fields = expectation.fields.clone().unwrap_or_default();
            whats.extend(self.step(step, fields));
        } else if expectation.fields.is_some() {
            self.problem(
                raw,
                "read `where` without `step`",
                Some("name the message in `step`".to_owned()),
            );
        }
        if let Some(never) = &expectation.never {
            whats.extend(self.never(never, expectation.until.as_ref(), changes));
        } else if expectation.until.is_some() || expectation.within.is_some() {
            self.problem(
                raw,
                "read `until` or `within` without `never`",
                Some("name the message in `never`".to_owned()),
            );
        }
        if let Some(fields) = &expectation.equal {
            let fields: Vec<FieldRef> = fields.iter().filter_map(|field| self.field_ref(field)).collect();
            if fields.len() < 2 {
                self.problem(raw, "compare fewer than two fields", None);
            }
            whats.push(What::Equal(fields));
        }
        if let Some(refused) = &expectation.refuse {
            whats.extend(self.refuse(refused, changes));
        }
        if let Some(state) = &expectation.state {
            let after = self.message(&state.after);
            whats.extend(after.map(|after| {
                What::State(State {
                    after,
                    look: state.look.clone(),
                })
            }));
        }
        if let Some(alternatives) = &expectation.one_of {
            let alternatives: Vec<Expectation> = alternatives
                .iter()
                .filter_map(|alternative| self.expectation(alternative, changes))
                .collect();
            whats.push(What::OneOf(alternatives));
        }
        whats
    }

    fn step(&mut self, step: &Located<String>, fields: BTreeMap<String, Condition>) -> Option<What> {
        let message = self.message(step)?;
        for (name, condition) in &fields {
            self.field(step, message, name);
            if let Condition::SameAs(FieldRef::Message(other, name))
            | Condition::Lacks(FieldRef::Message(other, name))
            | Condition::Includes(FieldRef::Message(other, name)) = condition
            {
                self.field(step, *other, name);
            }
        }
        let fields = fields
            .into_iter()
            .map(|(name, condition)| (name, vec![condition]))
            .collect();
        Some(What::Step { message, fields })
    }

    fn never(
        &mut self,
        never: &Located<String>,
        until: Option<&Located<String>>,
        changes: &[Change],
    ) -> Option<What> {
        let message = self.message(never)?;
        let held = |message: MessageId| {
            changes
                .iter()
                .any(|change| change.at == message && matches!(change.how, How::Delay | How::Omit))
        };
        let until = match until {
            None if changes.is_empty() => {
                let help = "change something, or say `until` what".to_owned();
                self.problem(
                    never,
                    format!("wait for {message} not to come: nothing opens a window"),
                    Some(help),
                );
                None
            }
            None => None,
            Some(until) => {
                let ends = self.message(until)?;
                if !held(ends) {
                    let help = format!("add `{{at: {ends}, delay: window}}` to `change`");
                    let message = format!("see {message} not come before {ends}: {ends} is not held back");
                    self.problem(until, message, Some(help));
                }
                Some(ends)
            }
        };
        Some(What::Never { message, until })
    }

    fn refuse(&mut self, refused: &Located<String>, changes: &[Change]) -> Option<What> {
        let message = self.message(refused)?;
        if !changes.iter().any(|change| change.at == message) {
            let help = format!("change something `at: {message}`");
            self.problem(
                refused,
                format!("see {message} refused: nothing is wrong with it"),
                Some(help),
            );
        }
        Some(What::Refuse(message))
    }
}

/// The octets of a located value, without what the YAML library counts to the next line.
fn octets<T>(text: &str, located: &Located<T>) -> std::ops::Range<usize> {
    let span = located.referenced.span();
    let start = span
        .byte_offset()
        .and_then(|start| usize::try_from(start).ok())
        .unwrap_or(0)
        .min(text.len());
    let length = span
        .byte_len()
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    let end = (start + length).clamp(start, text.len());
    let value = text.get(start..end).unwrap_or("");
    let first_line = value.lines().next().unwrap_or("").trim_end();
    start..start + first_line.len().max(1).min(text.len() - start)
}
