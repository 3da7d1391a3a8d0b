//! Forgets what no rule will ask for any more: a client may poll for hours, and of that counts only that it did.
//!
//! Rules ask what came before or after a *mark*: a message of the procedure, a change, a window, a limit. Between two marks one
//! quiet exchange, answered session or good connection is as good as another, so that the first is kept, and the rest is not.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::test_case::How;
use dmconform_model::transcript::{ConnectionId, Endpoint, ExchangeId, Side};
use dmconform_model::{Event, Record, Role};

use crate::header::Header;
use crate::observed::{Connection, Exchange, HeaderCode, OPPORTUNITY, Observed};

/// What decides which of the things observed are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The case changes what is seen of TLS: how each connection fared counts, and what was said on it.
    is_about_tls: bool,
    /// The case changes how messages prove their senders: what is said of each counts.
    is_about_proof: bool,
    /// The last mark.
    mark: u64,
    /// How many messages of the procedure there were by then.
    messages: usize,
    /// The quiet exchange with the lowest number since the mark, by observer, endpoint and whether the observer asked.
    quiet: BTreeMap<(Role, Endpoint, bool), ExchangeId>,
    /// The DM sessions that each server has answered since the mark.
    answered: BTreeMap<Role, BTreeSet<String>>,
    /// The first session in which the client has admitted each server, and whether that has admitted the client since.
    admitted: BTreeMap<Role, (String, bool)>,
    /// How many exchanges are known on each connection.
    used: BTreeMap<ConnectionId, usize>,
    /// The good connection with the lowest number, of those that no rule could tell apart.
    good: BTreeMap<(Role, bool, Endpoint, Option<String>), ConnectionId>,
}

impl Memory {
    /// For a case, of which nothing was seen yet.
    pub(crate) fn of(header: &Header) -> Self {
        let changes = || header.case.changes.iter().map(|change| &change.how);
        let is_about_seal = |how: &How| matches!(how, How::SetField(fields) if fields.contains_key("mac"));
        Self {
            is_about_tls: changes().any(|how| matches!(how, How::Tls(_) | How::TlsVersion(_))),
            is_about_proof: changes().any(is_about_seal)
                || header.case.other_credentials_for_dms_1().is_some(),
            ..Self::default()
        }
    }

    /// Takes what was observed of a record, and lets go of what that has made useless.
    pub(crate) fn take(&mut self, observed: &mut Observed, record: &Record) {
        if observed.occurrences.len() > self.messages || !is_traffic(&record.event) {
            self.messages = observed.occurrences.len();
            self.mark = record.seq;
            self.quiet.clear();
            self.answered.clear();
        }
        match &record.event {
            Event::RequestSent(request) | Event::RequestReceived(request) => {
                *self.used.entry(request.connection).or_default() += 1;
                self.header_code(observed, record.seq);
            }
            Event::ResponseSent(response) | Event::ResponseReceived(response) => {
                self.header_code(observed, record.seq);
                self.answer(observed, record.seq);
                self.exchange(observed, response.exchange);
            }
            Event::ConnectionClosed { connection, .. } => self.connection(observed, *connection),
            _ => {}
        }
    }

    /// What the last message says of the header that it answers: it counts where a case is about that, and for whether the two
    /// ends have admitted each other at all.
    fn header_code(&mut self, observed: &mut Observed, seq: u64) {
        let codes = &mut observed.header_codes;
        if !self.is_about_proof
            && let Some(last) = codes.pop_if(|last| last.seq == seq)
            && self.is_first_admission(&last)
        {
            codes.push(last);
        }
    }

    fn is_first_admission(&mut self, code: &HeaderCode) -> bool {
        if !(200..300).contains(&code.code) {
            return false;
        }
        match self.admitted.get_mut(&code.server) {
            None if code.sender == Role::DmClient => {
                let session = (code.session.clone(), false);
                self.admitted.insert(code.server, session);
                true
            }
            Some((session, is_mutual))
                if !*is_mutual && code.sender == code.server && code.session == *session =>
            {
                *is_mutual = true;
                true
            }
            _ => false,
        }
    }

    /// Answers between the same two marks count once for each session, and no more of them than make an opportunity.
    fn answer(&mut self, observed: &mut Observed, seq: u64) {
        let mark = self.mark;
        let since_mark = |last: &mut crate::observed::DmAnswer| last.answered == seq && last.asked > mark;
        let Some(last) = observed.dm_answers.pop_if(since_mark) else {
            return;
        };
        let sessions = self.answered.entry(last.server).or_default();
        if sessions.len() < OPPORTUNITY && sessions.insert(last.session.clone()) {
            observed.dm_answers.push(last);
        }
    }

    /// An exchange that is over, of which nothing is to be said but that it took place.
    fn exchange(&mut self, observed: &mut Observed, number: ExchangeId) {
        let Some(exchange) = observed.exchanges.get(&number) else {
            return;
        };
        if self.is_about_tls || !is_quiet(observed, number, exchange) {
            return;
        }
        let class = (exchange.observer, exchange.endpoint, exchange.sent);
        let seen = if exchange.sent {
            exchange.status.map(|(seq, _)| seq)
        } else {
            exchange.request
        };
        match self.quiet.get_mut(&class) {
            Some(kept) if *kept < number => {
                if let Some(connection) = exchange.connection
                    && let Some(used) = self.used.get_mut(&connection)
                {
                    *used = used.saturating_sub(1);
                }
                observed.exchanges.remove(&number);
            }
            Some(kept) if seen > Some(self.mark) => *kept = number,
            None if seen > Some(self.mark) => {
                self.quiet.insert(class, number);
            }
            _ => {}
        }
    }

    /// A connection that has ended.
    fn connection(&mut self, observed: &mut Observed, number: ConnectionId) {
        let Some(connection) = observed.connections.get(&number) else {
            return;
        };
        if self.is_about_tls || !is_good(connection) {
            return;
        }
        let class = (
            connection.observer,
            connection.side == Side::Accepted,
            connection.endpoint,
            connection.version.clone(),
        );
        let first = *self.good.entry(class).or_insert(number);
        let is_used = self.used.get(&number).is_some_and(|used| *used > 0);
        if first < number && !is_used {
            observed.connections.remove(&number);
            self.used.remove(&number);
        }
    }
}

/// Whether a record is of what passes all the time, so that no rule counts from it.
const fn is_traffic(event: &Event) -> bool {
    matches!(
        event,
        Event::RequestSent(_)
            | Event::RequestReceived(_)
            | Event::ResponseSent(_)
            | Event::ResponseReceived(_)
            | Event::Authenticated { .. }
            | Event::ConnectionOpened { .. }
            | Event::TlsEstablished { .. }
            | Event::ConnectionClosed { .. }
    )
}

/// Whether an exchange was answered, changed by nobody, and carried no message of the procedure.
fn is_quiet(observed: &Observed, number: ExchangeId, exchange: &Exchange) -> bool {
    let Some(asked) = exchange.request else {
        return false;
    };
    let is_taken = exchange.status.is_some_and(|(_, status)| status < 400);
    let since = observed.occurrences.iter().rev();
    let carries = since
        .take_while(|occurrence| occurrence.seq >= asked)
        .any(|occurrence| occurrence.exchange == number);
    let mut changes = observed.changes.iter();
    is_taken
        && exchange.failed.is_none()
        && exchange.message.is_none()
        && !carries
        && !changes.any(|change| change.exchange == Some(number))
}

/// Whether a connection came about as it should.
const fn is_good(connection: &Connection) -> bool {
    connection.established.is_some() && connection.failed.is_none() && connection.plaintext.is_none()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use dmconform_model::transcript::{Body, Request, Response};
    use rstest::rstest;

    use crate::live::Judge;
    use crate::polls;
    use crate::stored::{Transcript, read};

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "tests read what is checked in; the crate itself reads nothing"
    )]
    fn stored(path: &PathBuf) -> String {
        std::fs::read_to_string(path).expect("the transcript is checked in")
    }

    /// The verdict while the records come, and after the last, with everything that is said of it.
    fn assert_same_verdicts(transcript: &Transcript) {
        let mut forgetful = Judge::new(transcript.header.clone());
        let mut remembering = forgetful.clone();
        for record in &transcript.records {
            forgetful.feed(record);
            remembering.observe(record, None);
            if !record.seq.is_multiple_of(5) && record.event != Event::Ended {
                continue;
            }
            let (short, long) = (&forgetful, &remembering);
            assert_eq!(short.result(), long.result(), "after record {}", record.seq);
            assert_eq!(short.due(), long.due(), "after record {}", record.seq);
            assert_eq!(short.settled(), long.settled(), "after record {}", record.seq);
        }
        assert_same_answers(&forgetful, &remembering);
    }

    /// What rules ask about the time between two marks, for any two and any role, whether the case at hand asks it or not.
    fn assert_same_answers(forgetful: &Judge, remembering: &Judge) {
        let mut header = remembering.header().clone();
        Arc::make_mut(&mut header.target).plays = Role::ALL.to_vec();
        let (short, long) = (forgetful.observed(), remembering.observed());
        let messages = long.occurrences.iter().map(|occurrence| occurrence.seq);
        let changes = long.changes.iter().map(|change| change.seq);
        let windows = long.windows.iter();
        let windows = windows.flat_map(|window| [Some(window.opened.0), window.closed.map(|(seq, _)| seq)]);
        let limits = long.deadlines.values().copied();
        let marks: BTreeSet<u64> = messages
            .chain(changes)
            .chain(windows.flatten())
            .chain(limits)
            .chain([0, u64::MAX])
            .collect();
        for role in Role::ALL {
            assert_eq!(short.had_session(role), long.had_session(role));
            for &after in &marks {
                let alive = |observed| crate::never::sign_of_life(&header, observed, role, after);
                assert_eq!(alive(short), alive(long), "{role} after {after}");
                for &before in &marks {
                    let sessions = |observed: &Observed| {
                        observed.dm_sessions_between(role, after, before).min(OPPORTUNITY)
                    };
                    assert_eq!(sessions(short), sessions(long), "{role} from {after} to {before}");
                }
            }
        }
    }

    #[rstest]
    fn no_verdict_changes_by_what_is_forgotten(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
        let transcript = read(&stored(&path)).expect("the transcript is whole");
        assert_same_verdicts(&polled_more(transcript));
    }

    /// The same, in which every request of the client that was answered at once is said three times more, in sessions of their own.
    fn polled_more(transcript: Transcript) -> Transcript {
        let mut more = Transcript {
            header: transcript.header,
            records: Vec::new(),
        };
        let mut put = |event: Event, at_us| {
            let seq = more.records.len() as u64 + 1;
            more.records.push(Record { seq, at_us, event });
        };
        let mut asked = None;
        for record in transcript.records {
            put(record.event.clone(), record.at_us);
            match (&record.event, asked.take()) {
                (Event::RequestSent(request), _) => asked = Some(request.clone()),
                (Event::ResponseReceived(response), Some(request)) => {
                    for time in 1..=3 {
                        let exchange = response.exchange + 1_000 * time;
                        let body = |body: &Body| in_another_session(body, time);
                        let (request, response) = (
                            Request {
                                exchange,
                                body: body(&request.body),
                                ..request.clone()
                            },
                            Response {
                                exchange,
                                body: body(&response.body),
                                ..response.clone()
                            },
                        );
                        put(Event::RequestSent(request), record.at_us);
                        put(Event::ResponseReceived(response), record.at_us);
                    }
                }
                _ => {}
            }
        }
        more
    }

    fn in_another_session(body: &Body, time: u64) -> Body {
        let text = String::from_utf8_lossy(&body.bytes);
        let text = text.replace("</SessionID>", &format!("-{time}</SessionID>"));
        Body::new(text.into_bytes())
    }

    #[test]
    fn what_is_observed_of_a_client_that_polls_does_not_grow() {
        let good = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
        let observed = |records| {
            let mut text = Vec::new();
            polls::write(good, records, &mut text).expect("a vector takes everything");
            let text = String::from_utf8(text).expect("a transcript is text");
            let transcript = read(&text).expect("the transcript is whole");
            let mut judge = Judge::new(transcript.header.clone());
            for record in &transcript.records {
                judge.feed(record);
            }
            let observed = judge.observed();
            [
                observed.exchanges.len(),
                observed.connections.len(),
                observed.dm_answers.len(),
                observed.header_codes.len(),
                observed.probes.len(),
                observed.irregular.len(),
            ]
        };
        assert_eq!(observed(500), observed(2_000));
    }
}
