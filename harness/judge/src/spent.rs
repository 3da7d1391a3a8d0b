//! What the time of a case goes into, moment by moment as its records come.

use std::collections::BTreeSet;

use dmconform_model::transcript::ExchangeId;
use dmconform_model::{Event, MessageId, Record, Spent};

use crate::header::Header;
use crate::observed::Observed;

/// The time of a case so far, and what decides what the next moments count as.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spending {
    /// Up to the last record with which the case went on.
    spent: Spent,
    /// Since then: if nothing goes on any more, the rest at the end.
    since: Spent,
    has_begun: bool,
    /// Up to when it is counted, in microseconds.
    until_us: u64,
    /// How many messages are being held back.
    held: usize,
    /// The requests of mock roles that the product has not answered yet.
    asked: BTreeSet<ExchangeId>,
    /// The messages that have been changed.
    changed: BTreeSet<MessageId>,
    is_over: bool,
}

impl Spending {
    /// Counts the time up to a record, by what went on before it; whether the case goes on with it.
    pub(crate) fn take(&mut self, header: &Header, record: &Record, goes_on: bool) {
        // A connection may be closed when the case has long done with it: what passed until then counts with the next record.
        if matches!(record.event, Event::ConnectionClosed { .. }) {
            return;
        }
        let passed = record.at_us.saturating_sub(self.until_us);
        self.until_us = self.until_us.max(record.at_us);
        if self.is_over {
            return;
        }
        // What is tried with the product before and after a case is not the case's time.
        if matches!(record.event, Event::Health { .. }) {
            self.is_over = self.has_begun;
            return self.come_to_rest();
        }
        *self.kind() += passed;
        match &record.event {
            Event::Changed { at, .. } => drop(self.changed.insert(*at)),
            Event::WindowOpened { holding } => {
                // What is not held back is over: the window is opened when the product has rested for as long as it takes to react.
                if self.changed.contains(holding) {
                    self.since = all_as(self.since, |spent| &mut spent.rests);
                }
                self.held += 1;
            }
            Event::WindowClosed { .. } => self.held = self.held.saturating_sub(1),
            Event::RequestSent(request) if header.is_real(request.endpoint.role) => {
                self.asked.insert(request.exchange);
            }
            Event::ResponseReceived(response) => drop(self.asked.remove(&response.exchange)),
            Event::ExchangeFailed { exchange, .. } => drop(self.asked.remove(exchange)),
            // Polls and their answers went on meanwhile.
            Event::DeadlinePassed { .. } => self.since = all_as(self.since, |spent| &mut spent.limits),
            Event::Ended => {
                self.is_over = true;
                return self.come_to_rest();
            }
            _ => {}
        }
        if goes_on || matches!(record.event, Event::WindowClosed { .. }) {
            self.has_begun = true;
            self.spent += std::mem::take(&mut self.since);
        }
    }

    /// What has been counted.
    pub(crate) fn so_far(&self) -> Spent {
        let mut spent = self.spent;
        spent += self.since;
        spent
    }

    fn come_to_rest(&mut self) {
        let since = std::mem::take(&mut self.since);
        self.spent += all_as(since, |spent| &mut spent.rests);
    }

    /// What the time before a record counts as.
    fn kind(&mut self) -> &mut u64 {
        match () {
            () if self.held > 0 => &mut self.since.windows,
            () if !self.asked.is_empty() => &mut self.since.answers,
            () => &mut self.since.others,
        }
    }
}

/// Time in which the case did not go on, but for its windows, as time of one kind.
fn all_as(since: Spent, kind: fn(&mut Spent) -> &mut u64) -> Spent {
    let mut spent = Spent {
        answers: 0,
        others: 0,
        ..since
    };
    *kind(&mut spent) += since.answers + since.others;
    spent
}

/// How far a case has come. Polls go on while it does not.
pub(crate) fn progress(observed: &Observed) -> usize {
    observed.occurrences.len()
        + observed.windows.len()
        + observed.changes.len()
        + observed.deadlines.len()
        + observed.stopped.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Judge, Transcript, read};

    /// A transcript that is checked in.
    fn stored(name: &str) -> Transcript {
        let path = format!(
            "{}/../../fixtures/transcripts/{name}.jsonl",
            env!("CARGO_MANIFEST_DIR")
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "tests read what is checked in; the crate itself reads nothing"
        )]
        let text = std::fs::read_to_string(path).expect("it is there");
        read(&text).expect("it can be read")
    }

    /// Its time, and when its last record was.
    fn spent(name: &str) -> (Spent, u64) {
        let transcript = stored(name);
        let last = transcript.records.last().map_or(0, |last| last.at_us);
        (Judge::transcript(transcript).spent, last)
    }

    #[test]
    fn every_moment_of_a_case_counts_once() {
        let (spent, last) = spent("good-dms-1");
        assert_eq!(spent.total(), last);
    }

    #[test]
    fn a_good_delegation_takes_answers_and_a_rest_at_the_end() {
        let (spent, _) = spent("good-dms-1");
        insta::assert_snapshot!(format!("{spent:#?}"));
    }

    #[test]
    fn what_is_held_back_takes_its_window() {
        let (spent, _) = spent("acl-before-bootstrap-complete");
        insta::assert_snapshot!(format!("{spent:#?}"));
    }

    #[test]
    fn the_rest_after_which_a_window_is_opened_is_a_rest() {
        let (spent, _) = spent("entry-before-the-question");
        insta::assert_snapshot!(format!("{spent:#?}"));
    }

    #[test]
    fn a_connection_that_is_closed_after_the_case_takes_none_of_its_time() {
        let mut transcript = stored("good-dms-1");
        let ended = transcript.records.pop().expect("it has a last record");
        let mut late = ended.clone();
        late.at_us += 30_000_000;
        late.event = Event::ConnectionClosed {
            connection: 1,
            how: "closed".to_owned(),
        };
        let health = Record {
            event: Event::Health {
                when: dmconform_model::transcript::Moment::After,
                whole: true,
                observed: String::new(),
            },
            ..late
        };
        transcript.records.extend([late, health]);
        let spent = Judge::transcript(transcript).spent;
        assert!(spent.total() < ended.at_us, "{spent:#?}");
    }

    #[test]
    fn what_never_came_took_its_limit() {
        let (spent, _) = spent("never-sends-client-prepared");
        insta::assert_snapshot!(format!("{spent:#?}"));
    }
}
