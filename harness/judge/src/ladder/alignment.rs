//! Lays what was observed beside what was expected, by meaning and not by position: the procedure is a partial order.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::course::{self, Expected};
use dmconform_model::ladder::{Happening, Manner, MessageRow, Row, Sighting, Standing};
use dmconform_model::{MessageId, Part};

use crate::absence::{Absence, explain};
use crate::header::Header;
use crate::observed::Observed;
use crate::occurrence::Occurrence;
use crate::{order, view};

/// Lays what was observed beside what was expected.
pub(super) struct Alignment<'a> {
    header: &'a Header,
    observed: &'a Observed,
    course: Vec<Expected>,
    /// The messages of the course that have a row.
    placed: BTreeSet<MessageId>,
    /// The messages that came too early, and in which row.
    early: BTreeMap<MessageId, usize>,
    rows: Vec<Row>,
}

impl<'a> Alignment<'a> {
    pub(super) fn new(header: &'a Header, observed: &'a Observed) -> Self {
        let with_removal = view::with_removal(header, observed);
        Self {
            header,
            observed,
            course: course::of_case(&header.procedure, &header.case, with_removal),
            placed: BTreeSet::new(),
            early: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    fn manner(&self, message: MessageId) -> Option<Manner> {
        let mut course = self.course.iter();
        let expected = course.find(|expected| expected.message == message)?;
        Some(expected.manner)
    }

    /// Takes the next row that is no message.
    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Takes the next message.
    pub(super) fn take(&mut self, seen: &Occurrence) {
        let message = seen.message;
        let manner = self.manner(message);
        let is_first = !self.placed.contains(&message) && !self.early.contains_key(&message);
        // A challenge is followed by what it asks for: that is what stands beside the expectation.
        let is_taken_later = !seen.accepted
            && self
                .observed
                .all(message)
                .any(|other| other.accepted && other.seq > seen.seq);
        let (expected, standing) = match manner {
            None => (None, Standing::Unexpected),
            // What answers nothing belongs to another delegation.
            Some(_) if self.answers_nothing(seen) => (None, Standing::Unexpected),
            Some(_) if !is_first || is_taken_later => (None, Standing::Besides),
            Some(_) if self.is_too_early(seen) || self.answers_early(message) => {
                self.early.insert(message, self.rows.len());
                (None, Standing::TooEarly)
            }
            Some(manner) => {
                self.placed.insert(message);
                let standing = match (seen.accepted, manner) {
                    (true, Manner::Comes) | (false, Manner::Refuses) => Standing::Matched,
                    (false, Manner::Comes | Manner::IsLeftOut) => Standing::Refused,
                    (true, Manner::Refuses | Manner::IsLeftOut) => Standing::Differs,
                };
                (Some(manner), standing)
            }
        };
        let row = MessageRow {
            message,
            name: self.header.procedure.name(message).to_owned(),
            from: seen.from,
            to: seen.to,
            expected,
            observed: Some(Sighting {
                record: seen.seq,
                at_us: seen.at_us,
                note: seen.note.clone(),
            }),
            standing,
            follows: None,
            findings: Vec::new(),
        };
        self.rows.push(Row::Message(row));
        self.place_early();
    }

    fn answers_nothing(&self, seen: &Occurrence) -> bool {
        let request = MessageId::request(seen.message.step);
        let mut requests = self.observed.all(request);
        seen.message.part == Part::Answer && !requests.any(|request| request.seq <= seen.seq)
    }

    /// Whether it answers a request that has not got its place yet: it gets its own after that.
    fn answers_early(&self, message: MessageId) -> bool {
        let request = MessageId::request(message.step);
        message.part == Part::Answer && self.early.contains_key(&request) && !self.placed.contains(&request)
    }

    fn is_too_early(&self, seen: &Occurrence) -> bool {
        let breaches = order::breached_by(self.header, self.observed, seen);
        breaches
            .iter()
            .any(|breach| self.manner(breach.rule.first).is_some())
    }

    /// What came too early gets its place once everything is there that it had to wait for.
    fn place_early(&mut self) {
        let due: Vec<(MessageId, usize)> = self
            .early
            .iter()
            .filter(|(message, _)| !self.placed.contains(message))
            .filter(|(message, _)| {
                let mut rules = self.header.procedure.order.iter();
                rules.all(|rule| rule.then != **message || self.is_placed_or_unexpected(rule.first))
            })
            .filter(|(message, _)| !self.answers_early(**message))
            .map(|(message, row)| (*message, *row))
            .collect();
        if due.is_empty() {
            return;
        }
        for (message, row) in due {
            self.placed.insert(message);
            self.expected_only(message, Standing::CameEarlier, Some(row));
        }
        // What had to wait for these may have its turn now.
        self.place_early();
    }

    fn is_placed_or_unexpected(&self, message: MessageId) -> bool {
        self.placed.contains(&message) || self.manner(message).is_none()
    }

    fn expected_only(&mut self, message: MessageId, standing: Standing, follows: Option<usize>) {
        let opener = self.header.case.given.opens;
        let procedure = &self.header.procedure;
        let (Some(from), Some(to)) = (
            procedure.sender(message, opener),
            procedure.receiver(message, opener),
        ) else {
            return;
        };
        self.rows.push(Row::Message(MessageRow {
            message,
            name: procedure.name(message).to_owned(),
            from,
            to,
            expected: self.manner(message),
            observed: None,
            standing,
            follows,
            findings: Vec::new(),
        }));
    }

    /// Takes the end of the time that a message had.
    pub(super) fn limit_passed(&mut self, message: MessageId, happening: Happening) {
        self.rows.push(Row::Happening(happening));
        let is_open = self.manner(message) == Some(Manner::Comes)
            && !self.placed.contains(&message)
            && self.observed.all(message).next().is_none();
        if is_open
            && matches!(
                explain(self.header, self.observed, message),
                Absence::Missing { .. }
            )
        {
            self.placed.insert(message);
            self.expected_only(message, Standing::Missing, None);
        }
    }

    /// What was expected and never came, in the order of the figure.
    pub(super) fn finish(mut self) -> Vec<Row> {
        let rest: Vec<Expected> = self
            .course
            .iter()
            .filter(|expected| !self.placed.contains(&expected.message))
            .copied()
            .collect();
        for Expected { message, manner } in rest {
            let early = self.early.get(&message).copied();
            let standing = match (manner, early) {
                (_, Some(_)) => Standing::CameEarlier,
                (Manner::IsLeftOut, None) => Standing::Matched,
                (Manner::Refuses, None) if self.was_refused(message) => Standing::Matched,
                (Manner::Comes, None) if self.is_missing(message) => Standing::Missing,
                (Manner::Comes | Manner::Refuses, None) => Standing::NotReached,
            };
            self.expected_only(message, standing, early);
        }
        self.rows
    }

    fn is_missing(&self, message: MessageId) -> bool {
        matches!(
            explain(self.header, self.observed, message),
            Absence::Missing { .. } | Absence::NoAnswer { .. }
        )
    }

    /// Whether a changed request came to its end without an answer.
    fn was_refused(&self, answer: MessageId) -> bool {
        let request = MessageId::request(answer.step);
        let mut changes = self.observed.changes.iter();
        changes.any(|applied| applied.at == request)
    }
}
