//! Everything that a ladder shows, in the order of the records.

use dmconform_model::ladder::Happening;
use dmconform_model::transcript::{Endpoint, Moment, TriggerOutcome};
use dmconform_model::{Blame, Finding, MessageId, Role};

use crate::expectation::BESIDE;
use crate::header::Header;
use crate::never::speaker;
use crate::observed::Observed;
use crate::occurrence::Occurrence;
use crate::view;

/// What concerns no role in particular.
const EVERYBODY: (Role, Role) = (Role::DmClient, Role::BootstrapServer);

/// What happened, in the order of the records.
pub(super) enum Seen<'a> {
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

/// Everything that a ladder shows, in the order of the records.
pub(super) fn timeline<'a>(header: &Header, observed: &'a Observed, findings: &[Finding]) -> Vec<Seen<'a>> {
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
        let text = match trigger == BESIDE {
            true => format!("{trigger} has come as far"),
            false => format!("asked the product: {trigger}{taken}"),
        };
        happen(EVERYBODY, *record, text);
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
    add_findings(&mut seen, findings);
    seen.sort_by_key(Seen::record);
    seen
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
}
