//! The transcript of a running case: one lock through which everything that happens is numbered, timed, judged
//! along and kept.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use dmconform_judge::{Header, Judge, Observed, Readings, header_line, record_line};
use dmconform_model::{CaseResult, Event, MessageId, Record, Role};
use tokio::sync::watch;

use crate::hidden::Hidden;
use crate::spool::{Spool, Texts};

/// The most records that a case may have; what floods it past that ends it.
const MAX_RECORDS: u64 = 20_000;
/// The most octets that peers may bring into the transcript of a case; what floods it past that ends it, too. A whole
/// delegation has a few ten thousand.
const MAX_OCTETS: usize = 32 * 1024 * 1024;

/// The transcript of a running case.
pub struct Recorder {
    began: Instant,
    hidden: Arc<Hidden>,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

struct State {
    judge: Judge,
    /// How many records there are.
    count: u64,
    records: Records,
    /// How many octets peers brought into them.
    octets: usize,
    closed: bool,
}

/// Where the records are.
enum Records {
    InMemory(Vec<Record>),
    /// As lines: many cases are in flight at once, and of most nobody wants to see the transcript.
    Spooled(Texts),
}

impl Records {
    fn push(&mut self, record: Record) {
        match self {
            Self::InMemory(records) => records.push(record),
            Self::Spooled(lines) => lines.push(record_line(&record)),
        }
    }

    fn write_to(&self, text: &mut String) -> io::Result<()> {
        match self {
            Self::InMemory(records) => {
                let lines = records.iter().map(record_line);
                lines.for_each(|line| text.push_str(&line));
                Ok(())
            }
            Self::Spooled(lines) => lines.write_to(text),
        }
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.count >= MAX_RECORDS || self.octets >= MAX_OCTETS
    }
}

impl Recorder {
    /// A transcript that begins now, without the secrets that are to be hidden; in memory, unless there is a spool. Its judge reads
    /// messages together with others.
    pub fn new(
        header: impl Into<Arc<Header>>,
        hidden: Arc<Hidden>,
        spool: Option<Arc<Spool>>,
        readings: Arc<Readings>,
    ) -> Self {
        let state = State {
            judge: Judge::reading(header, readings),
            count: 0,
            records: spool.map_or_else(
                || Records::InMemory(Vec::new()),
                |spool| Records::Spooled(Texts::new(spool)),
            ),
            octets: 0,
            closed: false,
        };
        Self {
            began: Instant::now(),
            hidden,
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        }
    }

    /// When the case began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Adds what happened; its number, or 0 if the case is over or flooded.
    pub fn record(&self, event: Event) -> u64 {
        let event = self.hidden.event(event);
        let mut state = self.lock();
        // How it came to an end stands in it all the same.
        let ends = matches!(event, Event::Ended | Event::ScriptStopped { .. });
        if state.closed || (state.is_full() && !ends) {
            return 0;
        }
        let record = Record {
            seq: state.count + 1,
            at_us: micros(self.began),
            event,
        };
        state.judge.feed(&record);
        let seq = record.seq;
        state.closed |= record.event == Event::Ended;
        state.octets += octets(&record.event);
        state.count = seq;
        state.records.push(record);
        drop(state);
        self.changed.send_replace(seq);
        seq
    }

    /// Whether the transcript has run full: a peer floods the case.
    pub fn is_full(&self) -> bool {
        self.lock().is_full()
    }

    /// A receiver that is told of every new record.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Asks something of what has been observed so far.
    pub fn with<T>(&self, ask: impl FnOnce(&Observed) -> T) -> T {
        ask(self.lock().judge.observed())
    }

    /// Whether a message was seen.
    pub fn seen(&self, message: MessageId) -> bool {
        self.with(|observed| observed.seen(message))
    }

    /// The messages that are due, with their senders.
    pub fn due(&self) -> Vec<(MessageId, Role)> {
        self.lock().judge.due()
    }

    /// Whether every expectation is decided.
    pub fn settled(&self) -> bool {
        self.lock().judge.settled()
    }

    /// Microseconds since the case began, for a moment; 0 for one before it.
    pub fn since_us(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// The verdict on what has been recorded.
    pub fn result(&self) -> CaseResult {
        self.lock().judge.result()
    }

    /// The transcript as it is stored.
    ///
    /// # Errors
    /// When what was spooled of it cannot be read again.
    pub fn stored(&self) -> io::Result<String> {
        let state = self.lock();
        let mut text = header_line(state.judge.header());
        state.records.write_to(&mut text)?;
        Ok(text)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held is a defect of the judge; what was recorded is whole all the same.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How many octets of an event a peer chose, or were chosen for it.
fn octets(event: &Event) -> usize {
    match event {
        Event::RequestSent(request) | Event::RequestReceived(request) => {
            request.body.bytes.len() + request.url.len() + fields(&request.headers)
        }
        Event::ResponseSent(response) | Event::ResponseReceived(response) => {
            response.body.bytes.len() + fields(&response.headers)
        }
        Event::TlsEstablished { facts, .. } => facts.peer.as_ref().map_or(0, |peer| {
            let names: usize = peer.names.iter().map(String::len).sum();
            names + peer.subject.len() + peer.issuer.len()
        }),
        _ => 0,
    }
}

fn fields(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use dmconform_model::transcript::{Body, Endpoint, EndpointKind, Request, Response};

    use super::*;

    #[test]
    fn bodies_header_fields_and_urls_all_fill_a_transcript() {
        let headers = vec![("x-filler".to_owned(), "x".repeat(1000))];
        let received = Request {
            exchange: 1,
            connection: 1,
            observer: Role::Dms2,
            endpoint: Endpoint {
                role: Role::Dms2,
                kind: EndpointKind::Dm,
            },
            method: "POST".to_owned(),
            url: "u".repeat(500),
            headers: headers.clone(),
            body: Body::new(vec![0; 100]),
        };
        let answered = Response {
            exchange: 1,
            connection: 1,
            observer: Role::Dms2,
            status: 200,
            headers,
            body: Body::new(vec![0; 100]),
        };
        assert_eq!(octets(&Event::RequestReceived(received)), 100 + 500 + 1008);
        assert_eq!(octets(&Event::ResponseReceived(answered)), 100 + 1008);
    }
}
