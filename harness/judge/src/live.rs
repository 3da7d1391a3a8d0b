//! The judge: fed record by record while a case runs, or with a stored transcript afterwards.

use std::io::BufRead;
use std::sync::Arc;

use dmconform_case::test_case::What;
use dmconform_model::transcript::{BROKEN_OFF, Event, Request, Response};
use dmconform_model::{CaseResult, MessageId, Record, Role, Verdict};

use crate::forget::Memory;
use crate::header::Header;
use crate::observed::{Applied, Connection, Exchange, Observed, Window};
use crate::package::{Package, content_type};
use crate::readings::Readings;
use crate::recognise::Recogniser;
use crate::spent::Spending;
use crate::stored::{Records, Transcript, TranscriptError};
use crate::{absence, expectation, finding::Outcome, plaintext, spent, verdict, view};

/// Judges one case.
#[derive(Clone, Debug)]
pub struct Judge {
    header: Arc<Header>,
    observed: Observed,
    recogniser: Recogniser,
    memory: Memory,
    spending: Spending,
}

impl Judge {
    /// A judge that has seen nothing yet.
    pub fn new(header: impl Into<Arc<Header>>) -> Self {
        Self::reading(header, Arc::default())
    }

    /// A judge that has seen nothing yet, and reads messages together with others: with the mock roles, and the judges of other cases.
    pub fn reading(header: impl Into<Arc<Header>>, readings: Arc<Readings>) -> Self {
        let header = header.into();
        Self {
            memory: Memory::of(&header),
            header,
            observed: Observed::default(),
            recogniser: Recogniser::reading(readings),
            spending: Spending::default(),
        }
    }

    /// Judges a stored transcript.
    pub fn transcript(transcript: Transcript) -> CaseResult {
        let mut judge = Self::new(transcript.header);
        for record in &transcript.records {
            judge.feed(record);
        }
        judge.result()
    }

    /// Judges a stored transcript record by record, in memory that does not grow with its length. While some records are judged, the
    /// next ones are read.
    ///
    /// # Errors
    ///
    /// The first line that is not what belongs there, by its number.
    pub fn stored(records: Records<impl BufRead + Send>) -> Result<CaseResult, TranscriptError> {
        Ok(Self::fed(records)?.result())
    }

    /// A judge that has seen all of a stored transcript.
    pub(crate) fn fed(records: Records<impl BufRead + Send>) -> Result<Self, TranscriptError> {
        let readings = Arc::<Readings>::default();
        let mut judge = Self::reading(records.header().clone(), Arc::clone(&readings));
        let ahead = |record: &Record| {
            let (body, media_type) = message_of(record)?;
            readings.familiar_message(body, media_type)
        };
        records.hand_out(ahead, |record, read| judge.take(record, read))?;
        Ok(judge)
    }

    /// What the case is judged with.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What has been seen so far.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Takes the next record.
    pub fn feed(&mut self, record: &Record) {
        self.take(record, None);
    }

    /// Takes the next record, and the message in it, where somebody has read it already.
    fn take(&mut self, record: &Record, read: Option<&Arc<Package>>) {
        self.observe(record, read);
        self.memory.take(&mut self.observed, record);
    }

    /// Takes what the next record shows, and keeps all of it.
    pub(crate) fn observe(&mut self, record: &Record, read: Option<&Arc<Package>>) {
        let before = spent::progress(&self.observed);
        collect(&self.header, &mut self.observed, record);
        self.recogniser
            .feed(&self.header, &mut self.observed, record, read);
        let goes_on = spent::progress(&self.observed) != before;
        self.spending.take(&self.header, record, goes_on);
    }

    /// The verdict on what has been seen; final once everything was.
    pub fn result(&self) -> CaseResult {
        CaseResult {
            spent: self.spending.so_far(),
            ..verdict::judge(&self.header, &self.observed)
        }
    }

    /// Whether every expectation is decided already, so that nothing is gained by waiting. Whether the product survives is
    /// for a delegation after the case to show: what the case can do for that, it has done with its change.
    pub fn settled(&self) -> bool {
        let expectations = &self.header.case.expect;
        !expectations.is_empty()
            && expectations.iter().all(|expected| {
                if expected.what == What::Survives {
                    return !self.observed.changes.is_empty();
                }
                let outcomes = expectation::judge(&self.header, &self.observed, expected);
                // A whole delegation is not whole while one of its messages is still to come, whoever sends it.
                if expected.what == What::Procedure && !self.due().is_empty() {
                    return outcomes
                        .iter()
                        .any(|outcome| matches!(outcome, Outcome::Broken(_)));
                }
                !outcomes.is_empty()
                    && !outcomes
                        .iter()
                        .any(|outcome| matches!(outcome, Outcome::Unreached(_)))
            })
    }

    /// Whether something was broken already.
    pub fn failed(&self) -> bool {
        matches!(self.result().verdict, Verdict::Fail | Verdict::Warn)
    }

    /// The messages that are due, with their senders: everything they follow was seen, and they were not.
    pub fn due(&self) -> Vec<(MessageId, Role)> {
        let with_removal = view::with_removal(&self.header, &self.observed);
        let procedure = &self.header.procedure;
        let unseen = procedure
            .messages(with_removal)
            .filter(|message| !self.observed.seen(*message));
        unseen
            .filter(|message| {
                procedure.is_after_all(*message, with_removal, &mut |before| self.observed.seen(before))
            })
            .filter_map(|message| Some((message, view::sender(&self.header, message)?)))
            .filter(|(message, _)| {
                !matches!(
                    absence::explain(&self.header, &self.observed, *message),
                    absence::Absence::Refused { .. } | absence::Absence::NoAnswer { .. }
                )
            })
            .collect()
    }
}

/// What may be a message in a record, and what it is said to be.
fn message_of(record: &Record) -> Option<(&[u8], &str)> {
    let (body, headers) = match &record.event {
        Event::RequestSent(request) | Event::RequestReceived(request) => (&request.body, &request.headers),
        Event::ResponseSent(response) | Event::ResponseReceived(response) => {
            (&response.body, &response.headers)
        }
        _ => return None,
    };
    Some((&body.bytes, content_type(headers)))
}

/// Keeps what verdicts depend on besides the messages themselves.
fn collect(header: &Header, observed: &mut Observed, record: &Record) {
    let seq = record.seq;
    observed.last_seq = seq;
    // What is tried with the product before and after a case is not the case's time.
    if !matches!(record.event, Event::Health { .. } | Event::Ended) || observed.health.is_empty() {
        observed.last_us = record.at_us;
    }
    match &record.event {
        Event::ConnectionOpened {
            connection,
            observer,
            side,
            endpoint,
            since_us,
            ..
        } => {
            let opened = Connection {
                observer: *observer,
                side: *side,
                endpoint: *endpoint,
                opened: seq,
                since_us: *since_us,
                presented: None,
                established: None,
                version: None,
                failed: None,
                plaintext: None,
            };
            observed.connections.insert(*connection, opened);
        }
        Event::TlsEstablished {
            connection,
            presented,
            facts,
        } => {
            if let Some(connection) = observed.connections.get_mut(connection) {
                connection.established = Some(seq);
                connection.version = Some(facts.version.clone());
                connection.presented = Some(*presented);
            }
        }
        Event::TlsFailed {
            connection,
            reason,
            refused_by_peer,
            presented,
        } => {
            if let Some(connection) = observed.connections.get_mut(connection) {
                connection.failed = Some((seq, reason.clone(), *refused_by_peer));
                connection.presented = Some(*presented);
            }
        }
        Event::Plaintext {
            connection,
            first_bytes,
        } => {
            if let Some(connection) = observed.connections.get_mut(connection)
                && plaintext::is_request_to(header, connection.endpoint, &first_bytes.bytes)
            {
                connection.plaintext = Some(seq);
            }
        }
        Event::RequestSent(request) => begin(observed, request, seq, true),
        Event::RequestReceived(request) => begin(observed, request, seq, false),
        Event::ResponseSent(response) | Event::ResponseReceived(response) => end(observed, response, seq),
        Event::ExchangeFailed {
            exchange,
            observer,
            endpoint,
            connection,
            reason,
            refused_by_peer,
            unreadable,
        } => {
            // One that failed before anything was written has no request.
            let entry = observed.exchanges.entry(*exchange).or_insert_with(|| Exchange {
                observer: *observer,
                endpoint: *endpoint,
                connection: *connection,
                sent: true,
                request: None,
                status: None,
                failed: None,
                message: None,
            });
            entry.failed = Some((seq, reason.clone(), *refused_by_peer, *unreadable));
        }
        Event::DeviceState(state) => observed.states.push((seq, state.clone())),
        Event::Changed { at, exchange, change } => observed.changes.push(Applied {
            seq,
            at: *at,
            exchange: *exchange,
            change: change.clone(),
        }),
        Event::WindowOpened { holding } => {
            observed.windows.push(Window {
                holding: *holding,
                opened: (seq, record.at_us),
                closed: None,
            });
        }
        Event::WindowClosed { holding } => {
            let window = observed
                .windows
                .iter_mut()
                .rev()
                .find(|window| window.holding == *holding);
            if let Some(window) = window {
                window.closed.get_or_insert((seq, record.at_us));
            }
        }
        Event::DeadlinePassed { awaiting } => {
            observed.deadlines.entry(*awaiting).or_insert(seq);
        }
        Event::Triggered { trigger, outcome } => {
            observed.triggers.push((seq, trigger.clone(), outcome.clone()));
        }
        Event::ScriptStopped { role, reason } => observed.stopped.push((seq, *role, reason.clone())),
        Event::ProductExited { reason } => observed.exited = Some((seq, reason.clone())),
        Event::Aborted { reason } => observed.aborted = Some((seq, reason.clone())),
        Event::Health {
            when,
            whole,
            observed: seen,
        } => observed.health.push((seq, *when, *whole, seen.clone())),
        Event::Fetched { url, .. } => observed.fetched.push((seq, url.clone())),
        Event::Ended => observed.ended = true,
        Event::ConnectionClosed { connection, how } if how.starts_with(BROKEN_OFF) => {
            let mut passed = observed.occurrences.iter();
            if passed.any(|passed| passed.connection == *connection) {
                observed.broken_off.insert(*connection, (seq, how.clone()));
            }
        }
        Event::ConnectionClosed { .. } | Event::Authenticated { .. } => {}
    }
}

fn begin(observed: &mut Observed, request: &Request, seq: u64, sent: bool) {
    let exchange = Exchange {
        observer: request.observer,
        endpoint: request.endpoint,
        connection: Some(request.connection),
        sent,
        request: Some(seq),
        status: None,
        failed: None,
        message: None,
    };
    observed.exchanges.insert(request.exchange, exchange);
}

fn end(observed: &mut Observed, response: &Response, seq: u64) {
    if let Some(exchange) = observed.exchanges.get_mut(&response.exchange) {
        exchange.status = Some((seq, response.status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored;

    #[test]
    fn what_was_read_ahead_is_judged_as_what_was_not() {
        for text in [
            include_str!("../../../fixtures/transcripts/good-dms-1.jsonl"),
            include_str!("../../../fixtures/transcripts/omits-statuses.jsonl"),
        ] {
            let transcript = stored::read(text).expect("the transcript is whole");
            let readings = Readings::default();
            let mut judge = Judge::new(transcript.header.clone());
            let mut ahead = 0;
            for record in &transcript.records {
                let read = message_of(record).and_then(|(body, media_type)| {
                    // Its own way of writing is known then.
                    let _ = readings.message(body, media_type);
                    readings.familiar_message(body, media_type)
                });
                ahead += usize::from(read.is_some());
                judge.take(record, read.as_ref());
            }
            assert!(ahead > 10, "{ahead}");
            assert_eq!(judge.result(), Judge::transcript(transcript));
        }
    }
}
