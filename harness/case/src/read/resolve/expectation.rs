//! What must be seen, with its names looked up.

use std::collections::BTreeMap;
use std::ops::Range;

use dmconform_model::{MessageId, RequirementId};

use super::Resolver;
use super::names::Use;
use crate::field::{Condition, FieldRef};
use crate::read::located::{Entries, Located, OneOrMany, Tried};
use crate::read::raw_case::{RawExpectation, RawState};
use crate::test_case::{Change, Expectation, How, Look, State, What};

/// The things that can be expected.
const THINGS: &str = "write one of procedure, secured, sessions, step, never, equal, premise, refuse, serves, survives, fetches-nothing, state, one-of";

impl Resolver<'_> {
    pub(super) fn expectation(
        &mut self,
        at: &Range<usize>,
        raw: &RawExpectation,
        changes: &[Change],
    ) -> Option<Expectation> {
        let named = [
            raw.procedure.is_some(),
            raw.secured == Some(true),
            raw.sessions.is_some(),
            raw.step.is_some(),
            raw.never.is_some(),
            raw.equal.is_some(),
            raw.premise.is_some(),
            raw.refuse.is_some(),
            raw.serves.is_some(),
            raw.survives == Some(true),
            raw.fetches_nothing == Some(true),
            raw.state.is_some(),
            raw.one_of.is_some(),
        ];
        let count = named.into_iter().filter(|named| *named).count();
        if count != 1 {
            let message = format!("read an expectation with {count} things that must be seen");
            self.problem(at, message, THINGS);
            return None;
        }
        self.strays(raw);
        let what = self.what(raw, changes)?;
        let requirement = self.expected_requirement(at, raw, &what)?;
        Some(Expectation {
            what,
            requirement,
            place: self.source.place(at),
        })
    }

    /// Keys that say something about a thing that is not there.
    fn strays(&mut self, raw: &RawExpectation) {
        if let (Some(fields), None) = (&raw.fields, &raw.step) {
            self.problem(
                &fields.at,
                "read `where` without `step`",
                "name the message in `step`",
            );
        }
        let until = raw.until.as_ref().map(|until| (&until.at, "until"));
        let within = raw.within.as_ref().map(|within| (&within.at, "within"));
        if let (Some((at, key)), None) = (until.or(within), &raw.never) {
            self.problem(
                at,
                format!("read `{key}` without `never`"),
                "name the message that must not be seen in `never`",
            );
        }
        if let (Some(_), Some(within)) = (&raw.until, &raw.within) {
            self.problem(
                &within.at,
                "end a prohibition by a message and by a window",
                "keep `until`, which lasts for the window in which its message is held back",
            );
        }
    }

    fn what(&mut self, raw: &RawExpectation, changes: &[Change]) -> Option<What> {
        if raw.procedure.is_some() {
            return Some(What::Procedure);
        }
        if raw.secured == Some(true) {
            return Some(What::Secured);
        }
        if let Some(rule) = raw.sessions {
            return Some(What::Sessions(rule));
        }
        if let Some(step) = &raw.step {
            return self.step(step, raw.fields.as_ref().map(|fields| &fields.value));
        }
        if let Some(never) = &raw.never {
            return self.never(never, raw, changes);
        }
        if let Some(fields) = &raw.equal {
            return self.compared(fields).map(What::Equal);
        }
        if let Some(fields) = &raw.premise {
            return self.compared(fields).map(What::Premise);
        }
        if let Some(refused) = &raw.refuse {
            return self.refuse(refused, changes);
        }
        if let Some(served) = &raw.serves {
            return self.serves(served, changes);
        }
        if raw.survives == Some(true) {
            return Some(What::Survives);
        }
        if raw.fetches_nothing == Some(true) {
            return Some(What::FetchesNothing);
        }
        if let Some(Tried { at, value }) = &raw.state {
            return self.state(at, value.as_ref()?).map(What::State);
        }
        let alternatives = raw.one_of.as_ref()?;
        if alternatives.value.is_empty() {
            self.problem(
                &alternatives.at,
                "choose from nothing",
                "write at least one expectation",
            );
        }
        let mut found = Vec::new();
        for alternative in &alternatives.value {
            found.extend(self.expectation(&alternative.at, alternative.value.as_ref()?, changes));
        }
        Some(What::OneOf(found))
    }

    fn expected_requirement(
        &mut self,
        at: &Range<usize>,
        raw: &RawExpectation,
        what: &What,
    ) -> Option<RequirementId> {
        if let Some(id) = &raw.requirement {
            let found = self.requirement(id)?.id;
            if !self.covers.contains(&found) {
                self.problem(
                    &id.at,
                    format!("expect something of {found}: the case does not cover it"),
                    "add it to `covers`, or name one that is there",
                );
            }
            return Some(found);
        }
        match (self.covers.as_slice(), what) {
            ([only], _) => Some(only.clone()),
            ([first, ..], What::Procedure) => Some(first.clone()),
            // Each alternative says what it speaks for; the first stands for all.
            (_, What::OneOf(alternatives)) => alternatives.first().map(|first| first.requirement.clone()),
            // Nothing is covered: that is a problem of its own.
            ([], _) => None,
            _ => {
                self.problem(
                    at,
                    "tell which requirement this expectation speaks for",
                    "add `requirement:` with one of those in `covers`",
                );
                None
            }
        }
    }

    fn step(
        &mut self,
        step: &Located<String>,
        fields: Option<&Entries<OneOrMany<Located<Condition>>>>,
    ) -> Option<What> {
        let message = self.message(step)?;
        let mut conditions = BTreeMap::new();
        for (name, OneOrMany(found)) in fields.into_iter().flat_map(|fields| &fields.0) {
            self.field(&name.at, message, &name.value, Use::Seen);
            for condition in found {
                if let Condition::SameAs(FieldRef::Message(other, field))
                | Condition::Lacks(FieldRef::Message(other, field))
                | Condition::Includes(FieldRef::Message(other, field)) = &condition.value
                {
                    self.known_field(&condition.at, *other, field);
                }
            }
            let found = found.iter().map(|condition| condition.value.clone()).collect();
            conditions.insert(name.value.clone(), found);
        }
        Some(What::Step {
            message,
            fields: conditions,
        })
    }

    fn never(&mut self, never: &Located<String>, raw: &RawExpectation, changes: &[Change]) -> Option<What> {
        let message = self.message(never)?;
        let sender = self.known.procedure.sender(message, self.given.opens);
        if let Some(sender) = sender.filter(|sender| !self.iut.is_empty() && !self.iut.contains(sender)) {
            self.problem(
                &never.at,
                format!("see that {message} does not come: {sender} sends it, which is not judged"),
                "name a message that the judged role sends",
            );
        }
        let until = match &raw.until {
            Some(until) => Some(self.until(message, until, changes)?),
            None => None,
        };
        if until.is_none() && changes.is_empty() {
            self.problem(
                &never.at,
                format!("wait for {message} not to come: nothing keeps it from coming"),
                "change something, or say `until` what",
            );
        }
        Some(What::Never { message, until })
    }

    fn until(
        &mut self,
        message: MessageId,
        until: &Located<String>,
        changes: &[Change],
    ) -> Option<MessageId> {
        let ends = self.message(until)?;
        if ends == message {
            let help = "name the message that comes before it in the procedure";
            self.problem(&until.at, format!("see {message} not come before itself"), help);
            return None;
        }
        let held = changes
            .iter()
            .any(|change| change.at == ends && matches!(change.how, How::Delay | How::Omit));
        // What the judged role sends itself needs no holding back: it came in that order, or it did not.
        let own = self.known.procedure.sender(ends, self.given.opens);
        let own = own.is_some_and(|sender| self.iut.contains(&sender));
        if !held && !own && self.changes_known {
            let message = format!("see {message} not come before {ends}: {ends} is not held back");
            self.problem(
                &until.at,
                message,
                format!("add `- {{at: {ends}, delay: window}}` to `change`"),
            );
        }
        Some(ends)
    }

    fn compared(&mut self, fields: &Located<Vec<Located<String>>>) -> Option<Vec<FieldRef>> {
        let found: Vec<FieldRef> = fields
            .value
            .iter()
            .filter_map(|field| self.field_ref(field))
            .collect();
        if fields.value.len() < 2 {
            self.problem(&fields.at, "compare fewer than two fields", "name at least two");
        }
        (found.len() == fields.value.len()).then_some(found)
    }

    fn refuse(&mut self, refused: &Located<String>, changes: &[Change]) -> Option<What> {
        let message = self.message(refused)?;
        if self.changes_known && !changes.iter().any(|change| change.at == message) {
            let help = format!("change something `at: {message}`");
            self.problem(
                &refused.at,
                format!("see {message} refused: nothing is wrong with it"),
                help,
            );
        }
        let receiver = self.known.procedure.receiver(message, self.given.opens);
        if let Some(receiver) = receiver.filter(|role| !self.iut.is_empty() && !self.iut.contains(role)) {
            self.problem(
                &refused.at,
                format!("see {message} refused: {receiver} receives it, which is not judged"),
                "name a message that the judged role receives",
            );
        }
        Some(What::Refuse(message))
    }

    fn serves(&mut self, served: &Located<String>, changes: &[Change]) -> Option<What> {
        let message = self.message(served)?;
        let of_version = |change: &Change| change.at == message && matches!(change.how, How::TlsVersion(_));
        if self.changes_known && !changes.iter().any(of_version) {
            let help = format!("add `- {{at: {message}, tls: {{version: \"1.2\"}}}}` to `change`");
            self.problem(
                &served.at,
                format!("see {message} served: its sender speaks every version of TLS"),
                help,
            );
        }
        Some(What::Serves(message))
    }

    fn state(&mut self, at: &Range<usize>, raw: &RawState) -> Option<State> {
        let after = self.message(&raw.after)?;
        let mut looks = Vec::new();
        if let Some(probe) = &raw.probe {
            looks.push(Look::Probe {
                role: self.role(&probe.role)?,
                command: probe.command,
                node: probe.node.clone(),
                gives: probe.gives.0.clone(),
                lacks: probe.lacks.clone(),
                contains: probe.contains.clone(),
            });
        }
        if let Some(account) = &raw.account {
            looks.push(Look::Account {
                server: self.role(&account.server)?,
                present: account.present,
            });
        }
        looks.extend(raw.acl.as_ref().map(|acl| Look::Acl {
            node: acl.node.clone(),
            grants: acl.grants.clone(),
            lacks: acl.lacks.clone(),
        }));
        looks.extend(
            raw.unchanged
                .filter(|unchanged| *unchanged)
                .map(|_| Look::Unchanged),
        );
        let count = looks.len();
        let look = looks.pop().filter(|_| count == 1);
        if look.is_none() {
            self.problem(
                at,
                format!("read {count} looks at the client's tree"),
                "write one of probe, account, acl, `unchanged: true`",
            );
        }
        look.map(|look| State { after, look })
    }
}
