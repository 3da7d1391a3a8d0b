//! Why a message did not come, and whether its sender can be blamed for it.

use std::collections::BTreeSet;

use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::{EndpointKind, Side};
use dmconform_model::{MessageId, Part, Role, Step};

use crate::header::Header;
use crate::never::is_carried_by_dm_session;
use crate::observed::{OPPORTUNITY, Observed};

/// Why a message did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Everything was there for it, and the declared limit passed: it is missing.
    Missing {
        /// The records that prove it.
        records: Vec<u64>,
    },
    /// An answer came, and it is a refusal.
    Refused {
        /// What it said.
        note: String,
        /// Its record.
        record: u64,
    },
    /// The exchange failed without an answer.
    NoAnswer {
        /// What happened.
        reason: String,
        /// The record.
        record: u64,
    },
    /// Something that had to come first did not.
    Waiting {
        /// What.
        missing: MessageId,
    },
    /// Its sender made it impossible by a step that should have come later, or somebody else by what he gave.
    Prevented {
        /// How.
        reason: String,
    },
    /// There was no proof that it could have been sent.
    NoProof {
        /// Why not.
        reason: String,
    },
}

/// Why a message that was not seen did not come.
pub(crate) fn explain(header: &Header, observed: &Observed, message: MessageId) -> Absence {
    if let Some(refusal) = observed.all(message).last() {
        if message == MessageId::answer(Step::ClientSession) && has_wrong_bootstrap(observed) {
            return Absence::Prevented {
                reason: format!(
                    "the bootstrap has other credentials than the device and DMS-2 have: {}",
                    refusal.note
                ),
            };
        }
        return Absence::Refused {
            note: refusal.note.clone(),
            record: refusal.seq,
        };
    }
    let with_removal = crate::view::with_removal(header, observed);
    let predecessors = header.procedure.predecessors(message, with_removal);
    if let Some(&missing) = predecessors.iter().find(|before| !observed.seen(**before)) {
        return Absence::Waiting { missing };
    }
    if let Some((_, reason)) = &observed.exited {
        return Absence::NoProof {
            reason: format!("the product ended: {reason}"),
        };
    }
    if let Some(reason) = not_asked(header, observed, message) {
        return Absence::NoProof { reason };
    }
    if let Some(reason) = unwatched(header, observed, message) {
        return Absence::NoProof { reason };
    }
    if message.part == Part::Answer
        && let Some(failure) = failed_exchange(observed, message.step)
    {
        return failure;
    }
    if let Some(reason) = undelivered(header, observed, &predecessors) {
        return Absence::NoProof { reason };
    }
    // Without its account DMS-1 has no session any more in which it could write.
    if message.step == Step::AclUpdate && observed.seen(MessageId::answer(Step::AccountRemoval)) {
        return Absence::Prevented {
            reason: "DMS-1 had removed its own account by then".to_owned(),
        };
    }
    let ready = predecessors
        .iter()
        .filter_map(|before| observed.first(*before))
        .map(|seen| seen.seq)
        .max();
    let Some(&deadline) = observed.deadlines.get(&message) else {
        return Absence::NoProof {
            reason: format!("the case ended before the limit for step {} passed", message.step),
        };
    };
    let ready_at = ready.unwrap_or(0);
    if let Some(reason) = shut_out(header, observed, message, ready_at) {
        return Absence::NoProof { reason };
    }
    if let Some(reason) = without_opportunity(header, observed, message, ready_at, deadline) {
        // Who refuses the opportunity has had it.
        return refused_sessions(observed, ready_at, deadline).unwrap_or(Absence::NoProof { reason });
    }
    Absence::Missing {
        records: ready.into_iter().chain([deadline]).collect(),
    }
}

/// Why a product did not open the delegation: the harness could not make it do so, which no requirement is about.
fn not_asked(header: &Header, observed: &Observed, message: MessageId) -> Option<String> {
    let opens = header.procedure.predecessors(message, false).is_empty();
    let sender = header.procedure.sender(message, header.case.given.opens)?;
    let mut stopped = observed.stopped.iter();
    let (_, _, reason) = stopped.find(|(_, role, _)| opens && *role == sender && header.is_real(sender))?;
    Some(reason.clone())
}

/// Why nobody can tell whether a message between two real products was sent: nothing at all passed where it would have been
/// seen.
pub(crate) fn unwatched(header: &Header, observed: &Observed, message: MessageId) -> Option<String> {
    let opens = header.case.given.opens;
    let sender = header.procedure.sender(message, opens)?;
    let receiver = header.procedure.receiver(message, opens)?;
    if header.target.products.is_empty() || !header.is_real(sender) || !header.is_real(receiver) {
        return None;
    }
    // The client is called by nobody, whatever it is told in its sessions.
    let (caller, called) = match (message.part, sender, receiver) {
        (_, Role::DmClient, server) | (_, server, Role::DmClient) => (Role::DmClient, server),
        (Part::Request, sender, receiver) => (sender, receiver),
        (Part::Answer, sender, receiver) => (receiver, sender),
    };
    let between_servers = caller != Role::DmClient;
    let has_passed = observed.exchanges.values().any(|exchange| {
        let endpoint = exchange.endpoint;
        endpoint.role == called && (endpoint.kind == EndpointKind::Delegation) == between_servers
    });
    (!has_passed).then(|| {
        format!(
            "nothing has passed between {caller} and {called} where it is recorded: {caller} may reach {called} past the relay, \
             or not at all; configure it with the address that the run gives to {called}"
        )
    })
}

/// Whether the client was given a bootstrap with which it cannot prove itself to DMS-2: that it is refused then is right, and
/// not DMS-2's doing (DEL-5-6).
fn has_wrong_bootstrap(observed: &Observed) -> bool {
    let bootstrap = observed.first(MessageId::answer(Step::BootstrapFetch));
    bootstrap.is_some_and(|bootstrap| bootstrap.values("credentials").contains("wrong"))
}

/// Why nobody can tell whether a sender has got what had to come first: a mock role said it, and then its connection was broken off
/// before anything else passed there.
fn undelivered(header: &Header, observed: &Observed, before: &BTreeSet<MessageId>) -> Option<String> {
    let sent = before.iter().filter_map(|before| observed.first(*before));
    sent.filter(|sent| sent.sent_by_observer).find_map(|sent| {
        let (end, how) = observed.broken_off.get(&sent.connection)?;
        let mut later = observed.occurrences.iter().filter(|later| later.seq > sent.seq);
        let has_gone_on = later.any(|later| later.connection == sent.connection && !later.sent_by_observer);
        (*end > sent.seq && !has_gone_on).then(|| {
            let called = crate::view::called(header, sent.message);
            format!("{called} may not have arrived: the connection was {how}")
        })
    })
}

/// Why nobody can tell whether a product would have sent what it dials for: it broke off a handshake in which it was shown the good
/// certificate, and has not come through since the message became due. What it lacks may be the trust that the harness asks its user for.
fn shut_out(header: &Header, observed: &Observed, message: MessageId, ready: u64) -> Option<String> {
    let opens = header.case.given.opens;
    let (sender, receiver) = (
        header.procedure.sender(message, opens)?,
        header.procedure.receiver(message, opens)?,
    );
    let between_servers = sender != Role::DmClient && receiver != Role::DmClient;
    if message.part == Part::Answer || !between_servers || header.is_real(receiver) {
        return None;
    }
    let accepted = || {
        observed.connections.values().filter(|connection| {
            let endpoint = connection.endpoint;
            connection.side == Side::Accepted
                && (endpoint.role, endpoint.kind) == (receiver, EndpointKind::Delegation)
        })
    };
    if accepted().any(|connection| connection.established.is_some_and(|seq| seq > ready)) {
        return None;
    }
    let refused = accepted().find(|connection| {
        connection.is_refused_by_peer() && connection.presented == Some(Certificate::Good)
    })?;
    let (_, reason, _) = refused.failed.as_ref()?;
    Some(format!(
        "{sender} broke off its handshake with {receiver}: {reason}; if it does not trust the roots of the run (`${{tls.roots}}`), let it"
    ))
}

/// How the exchange that should have brought an answer ended.
fn failed_exchange(observed: &Observed, step: Step) -> Option<Absence> {
    let request = observed.first(MessageId::request(step))?;
    let exchange = observed.exchanges.get(&request.exchange)?;
    let (record, reason, _, _) = exchange.failed.as_ref()?;
    Some(Absence::NoAnswer {
        reason: reason.clone(),
        record: *record,
    })
}

/// The client came as often as it takes, and DMS-1 refused it each time by the status of HTTP.
fn refused_sessions(observed: &Observed, ready: u64, deadline: u64) -> Option<Absence> {
    let refusals: Vec<(u64, u16)> = observed
        .exchanges
        .values()
        .filter(|exchange| exchange.sent && exchange.observer == Role::DmClient)
        .filter(|exchange| exchange.endpoint.role == Role::Dms1)
        .filter(|exchange| exchange.request.is_some_and(|seq| seq > ready))
        .filter_map(|exchange| exchange.status)
        .filter(|(seq, status)| *seq < deadline && *status >= 400)
        .collect();
    let (record, status) = *refusals.last()?;
    (refusals.len() >= OPPORTUNITY).then(|| Absence::Refused {
        note: format!("DMS-1 answered the DM sessions of the client with {status}"),
        record,
    })
}

/// DMS-1 can write to the client only in a DM session that the client opens: without two that it answered
/// since the message became due there is no proof that it could have.
fn without_opportunity(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    ready: u64,
    deadline: u64,
) -> Option<String> {
    if !is_carried_by_dm_session(message) || header.is_real(Role::DmClient) {
        return None;
    }
    let sessions = observed.dm_sessions_between(Role::Dms1, ready, deadline);
    (sessions < OPPORTUNITY).then(|| {
        format!(
            "DMS-1 answered {sessions} DM sessions of the client while step {} was due; {OPPORTUNITY} are needed",
            message.step
        )
    })
}
