//! The ladder of a case: what it expects and what was observed, aligned row by row, with the first breach marked.
//!
//! The findings are the judge's; a ladder decides nothing. It only says where in the sequence they are, and what would
//! not have been so without them.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::course::{self, Expected};
use dmconform_model::ladder::{Happening, Lane, Manner, MessageRow, Played, Row, Sighting, Standing};
use dmconform_model::transcript::{Endpoint, Moment, TriggerOutcome};
use dmconform_model::{
    Blame, CaseResult, Finding, FindingCode, Ladder, MessageId, Part, Role, Step, Verdict,
};

use crate::absence::{Absence, explain};
use crate::exhibit;
use crate::header::Header;
use crate::never::speaker;
use crate::observed::Observed;
use crate::occurrence::Occurrence;
use crate::redact::Redaction;
use crate::stored::Transcript;
use crate::{Judge, order, root_cause, view};

/// What concerns no role in particular.
const EVERYBODY: (Role, Role) = (Role::DmClient, Role::BootstrapServer);

/// The ladder of a stored transcript.
pub fn ladder(transcript: &Transcript) -> Ladder {
    let mut judge = Judge::new(transcript.header.clone());
    for record in &transcript.records {
        judge.feed(record);
    }
    let (header, observed, result) = (judge.header(), judge.observed(), judge.result());
    let mut rows = rows(header, observed, &result.findings);
    let first_divergence = mark(header, observed, &result, &mut rows);
    let redaction = Redaction::of(header);
    for row in &mut rows {
        match row {
            Row::Happening(happening) => {
                happening.at_us = time_of(transcript, happening.record);
                happening.text = redaction.text(&happening.text);
            }
            Row::Message(row) => {
                if let Some(seen) = &mut row.observed {
                    seen.note = redaction.text(&seen.note);
                }
            }
        }
    }
    let (exhibits, connections) = exhibit::of(transcript, &redaction, &shown_records(&rows, &result));
    Ladder {
        lanes: lanes(header),
        rows,
        first_divergence,
        exhibits,
        connections,
    }
}

fn lanes(header: &Header) -> Vec<Lane> {
    let played = |role| match (header.is_judged(role), header.is_real(role)) {
        (true, _) => Played::Judged,
        (false, true) => Played::Real,
        (false, false) => Played::Mock,
    };
    let lanes = Role::ALL.map(|role| Lane {
        role,
        played: played(role),
    });
    lanes.to_vec()
}

fn time_of(transcript: &Transcript, record: u64) -> u64 {
    let index = usize::try_from(record).unwrap_or(usize::MAX).saturating_sub(1);
    transcript.records.get(index).map_or(0, |record| record.at_us)
}

/// The records that people will want to see.
fn shown_records(rows: &[Row], result: &CaseResult) -> BTreeSet<u64> {
    let of_findings = result
        .findings
        .iter()
        .flat_map(|finding| finding.evidence.records.iter().copied());
    rows.iter().filter_map(Row::record).chain(of_findings).collect()
}

fn rows(header: &Header, observed: &Observed, findings: &[Finding]) -> Vec<Row> {
    let mut aligned = Alignment::new(header, observed);
    let mut timeline = timeline(header, observed);
    add_findings(&mut timeline, findings);
    for event in timeline {
        match event {
            Seen::Message(occurrence) => aligned.take(occurrence),
            Seen::Happening(happening) => aligned.rows.push(Row::Happening(happening)),
            Seen::Deadline(message, happening) => aligned.limit_passed(message, happening),
        }
    }
    aligned.finish()
}

/// What happened, in the order of the records.
enum Seen<'a> {
    Message(&'a Occurrence),
    Deadline(MessageId, Happening),
    Happening(Happening),
}

impl Seen<'_> {
    fn record(&self) -> u64 {
        match self {
            Self::Message(occurrence) => occurrence.seq,
            Self::Deadline(_, happening) | Self::Happening(happening) => happening.record,
        }
    }
}

/// Lays what was observed beside what was expected.
struct Alignment<'a> {
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
    fn new(header: &'a Header, observed: &'a Observed) -> Self {
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

    fn take(&mut self, seen: &Occurrence) {
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
            Some(_) if self.is_too_early(seen) => {
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
            .map(|(message, row)| (*message, *row))
            .collect();
        for (message, row) in due {
            self.placed.insert(message);
            self.expected_only(message, Standing::CameEarlier, Some(row));
        }
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

    fn limit_passed(&mut self, message: MessageId, happening: Happening) {
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
    fn finish(mut self) -> Vec<Row> {
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

/// Everything that a ladder shows, in the order of the records.
fn timeline<'a>(header: &Header, observed: &'a Observed) -> Vec<Seen<'a>> {
    let mut seen: Vec<Seen<'a>> = observed.occurrences.iter().map(Seen::Message).collect();
    let procedure = &header.procedure;
    let over_message = |message: MessageId| {
        let opener = header.case.given.opens;
        let from = procedure.sender(message, opener).unwrap_or(Role::Dms1);
        let to = procedure.receiver(message, opener).unwrap_or(Role::Dms2);
        (from.min(to), from.max(to))
    };
    let mut happen = |over: (Role, Role), record: u64, text: String| {
        seen.push(Seen::Happening(Happening {
            over,
            text,
            record,
            at_us: 0,
            findings: Vec::new(),
        }));
    };
    for (record, trigger, outcome) in &observed.triggers {
        let taken = match outcome {
            TriggerOutcome::Taken => String::new(),
            TriggerOutcome::Refused(why) => format!("; the product would not: {why}"),
            TriggerOutcome::Unreachable(why) => format!("; the product could not be asked: {why}"),
        };
        happen(EVERYBODY, *record, format!("asked the product: {trigger}{taken}"));
    }
    for applied in &observed.changes {
        let text = format!("changed at {}: {}", applied.at, applied.change);
        happen(over_message(applied.at), applied.seq, text);
    }
    for window in &observed.windows {
        let called = view::called(header, window.holding);
        happen(
            over_message(window.holding),
            window.opened.0,
            format!("{called} is ready, and held back from here"),
        );
        if let Some((record, at)) = window.closed {
            let length = crate::never::milliseconds(at.saturating_sub(window.opened.1));
            let text = format!("{called} is let go after {length}");
            happen(over_message(window.holding), record, text);
        }
    }
    for connection in observed.connections.values() {
        let over = ends(connection.observer, connection.endpoint);
        if let Some((record, reason, by_peer)) = &connection.failed {
            let who = if *by_peer {
                "by the other end"
            } else {
                "by the mock role"
            };
            happen(over, *record, format!("TLS was broken off {who}: {reason}"));
        }
        if let Some(record) = connection.plaintext {
            happen(over, record, "octets that are no TLS".to_owned());
        }
    }
    for exchange in observed.exchanges.values() {
        if let Some((record, reason, ..)) = &exchange.failed {
            happen(
                ends(exchange.observer, exchange.endpoint),
                *record,
                format!("no answer: {reason}"),
            );
        }
    }
    for (record, what) in &observed.unrecognised {
        happen(EVERYBODY, *record, format!("no message of the procedure: {what}"));
    }
    for (record, role, reason) in &observed.stopped {
        happen(
            (*role, *role),
            *record,
            format!("mock {} could not go on: {reason}", role.title()),
        );
    }
    for (record, when, whole, seen) in &observed.health {
        let when = match when {
            Moment::Before => "before the case",
            Moment::After => "after the case",
        };
        let came = if *whole {
            "a whole delegation"
        } else {
            "no whole delegation"
        };
        happen(
            EVERYBODY,
            *record,
            format!("{when}, with another device: {came}: {seen}"),
        );
    }
    for (record, url) in &observed.fetched {
        happen(EVERYBODY, *record, format!("somebody fetched {url}"));
    }
    if let Some((record, reason)) = &observed.exited {
        happen(EVERYBODY, *record, format!("the product ended: {reason}"));
    }
    if let Some((record, reason)) = &observed.aborted {
        happen(EVERYBODY, *record, format!("the case was broken off: {reason}"));
    }
    for (message, record) in &observed.deadlines {
        let called = view::called(header, *message);
        let happening = Happening {
            over: over_message(*message),
            text: format!("the limit for {called} passed"),
            record: *record,
            at_us: 0,
            findings: Vec::new(),
        };
        seen.push(Seen::Deadline(*message, happening));
    }
    seen.sort_by_key(Seen::record);
    seen
}

/// Marks the findings, the first breach, and what follows from it; tells the row of that.
fn mark(header: &Header, observed: &Observed, result: &CaseResult, rows: &mut [Row]) -> Option<usize> {
    if matches!(result.verdict, Verdict::Pass | Verdict::NotApplicable) {
        return None;
    }
    let mut marked = Vec::new();
    for (number, finding) in result.findings.iter().enumerate() {
        let Some(index) = row_of(rows, finding) else {
            continue;
        };
        marked.push(index);
        match &mut rows[index] {
            Row::Message(row) => row.findings.push(number),
            Row::Happening(happening) => happening.findings.push(number),
        }
    }
    let root = root_cause::find(header, observed).and_then(|cause| row_of_record(rows, cause.seq));
    let departing = || rows.iter().position(departs);
    // What does no whole delegation to begin with is tried with nothing else.
    let unwell = || {
        let mut health = observed.health.iter();
        let (record, ..) = health.find(|(_, _, whole, _)| !whole)?;
        row_of_record(rows, *record)
    };
    let first = marked
        .iter()
        .copied()
        .chain(root)
        .min()
        .or_else(departing)
        .or_else(unwell)?;
    for index in marked.into_iter().chain([first]) {
        // It came, where it was expected or where it may, and yet something is wrong with it.
        if let Row::Message(row) = &mut rows[index] {
            row.standing = match row.standing {
                Standing::Matched | Standing::Refused => Standing::Differs,
                Standing::Besides => Standing::Unexpected,
                other => other,
            };
        }
    }
    for row in rows.iter_mut().skip(first + 1) {
        if let Row::Message(row) = row
            && row.findings.is_empty()
            && (row.standing.departs() || matches!(row.standing, Standing::NotReached | Standing::Refused))
        {
            row.follows.get_or_insert(first);
        }
    }
    Some(first)
}

fn departs(row: &Row) -> bool {
    matches!(row, Row::Message(row) if row.standing.departs())
}

/// The roles at the ends of a connection.
fn ends(observer: Role, endpoint: Endpoint) -> (Role, Role) {
    let other = if observer == endpoint.role {
        speaker(endpoint.role, endpoint.kind)
    } else {
        endpoint.role
    };
    (observer.min(other), observer.max(other))
}

/// Adds what a finding rests on where nothing of that is shown otherwise: a message of a DM session that carries no step,
/// the state of a tree.
fn add_findings(timeline: &mut Vec<Seen<'_>>, findings: &[Finding]) {
    for finding in findings {
        let is_shown = |record: &u64| timeline.iter().any(|seen| seen.record() == *record);
        let records = &finding.evidence.records;
        let (Some(last), false) = (records.last(), records.iter().any(is_shown)) else {
            continue;
        };
        let blamed = finding.blame.and_then(Blame::role);
        let ends = blamed.zip(finding.observed_by.or(blamed));
        let over = ends.map_or(EVERYBODY, |(one, other)| (one.min(other), one.max(other)));
        timeline.push(Seen::Happening(Happening {
            over,
            text: finding.observed.clone(),
            record: *last,
            at_us: 0,
            findings: Vec::new(),
        }));
    }
    timeline.sort_by_key(Seen::record);
}

/// The row that a finding is about: of its proof the first that departs from what was expected, or else the last; for
/// what is missing, its own row.
fn row_of(rows: &[Row], finding: &Finding) -> Option<usize> {
    let missing = |step: Step| {
        rows.iter().position(|row| {
            matches!(row, Row::Message(row) if row.message.step == step && row.standing == Standing::Missing)
        })
    };
    let is_absence = matches!(
        FindingCode::from_name(&finding.code),
        Some(FindingCode::Missing | FindingCode::NoAnswer)
    );
    let absent = finding.step.filter(|_| is_absence).and_then(missing);
    let proves = |row: &Row| {
        row.record()
            .is_some_and(|record| finding.evidence.records.contains(&record))
    };
    let proven = || (0..rows.len()).filter(|index| proves(&rows[*index]));
    absent
        .or_else(|| proven().find(|index| departs(&rows[*index])))
        .or_else(|| proven().next_back())
}

/// The row of a record. A limit that passed stands right before the row of what did not come.
fn row_of_record(rows: &[Row], record: u64) -> Option<usize> {
    let index = rows.iter().position(|row| row.record() == Some(record))?;
    let is_missing = |row: &Row| matches!(row, Row::Message(row) if row.standing == Standing::Missing);
    match (&rows[index], rows.get(index + 1)) {
        (Row::Happening(_), Some(next)) if is_missing(next) => Some(index + 1),
        _ => Some(index),
    }
}
