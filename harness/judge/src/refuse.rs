//! Messages of a mock role that must be refused.

use dmconform_case::test_case::How;
use dmconform_model::transcript::{ExchangeId, Side};
use dmconform_model::{FindingCode, MessageId, Part, Place, RequirementId, Role, Step};

use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::{Applied, Observed};
use crate::{harm, view};

/// Judges that the changed message was refused: by a TLS alert, a close, or an answer that is not positive, and
/// by not going on. Under TLS 1.3 a handshake that the client completed is no acceptance yet.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let called = view::called(header, message);
    let applied: Vec<_> = observed
        .changes
        .iter()
        .filter(|applied| applied.at == message)
        .collect();
    let Some(first) = applied.first() else {
        return Outcome::Unreached(format!("it never came to {called}"));
    };
    let receiver = header.procedure.receiver(message, header.case.given.opens);
    let Some(receiver) = receiver.filter(|role| header.is_real(*role)) else {
        return Outcome::Unreached(format!("the receiver of {called} is a mock"));
    };
    let mut proof = Vec::new();
    for change in &applied {
        match reaction(header, observed, message, change) {
            Reaction::Refused(records) => proof.extend(records),
            Reaction::Accepted(what, records) => {
                return broken(
                    header,
                    Breach {
                        code: FindingCode::Accepted,
                        requirement,
                        step: message.step,
                        blame: receiver,
                        observed_by: observer(observed, change),
                        expected: format!(
                            "{called} refused ({}): a TLS alert, a close or an answer that is not positive",
                            change.change
                        ),
                        observed: what,
                        records,
                        place: Some(place),
                    },
                );
            }
            Reaction::Unknown(reason) => return Outcome::Unreached(reason),
        }
    }
    if let Some(outcome) = went_on(header, observed, message, first, receiver, requirement, place) {
        return outcome;
    }
    held(
        requirement,
        format!("{called} was refused ({})", first.change),
        proof,
    )
}

/// How the product took a changed message.
enum Reaction {
    /// It refused it: the records that show it.
    Refused(Vec<u64>),
    /// It accepted it: what it did, and the records that show it.
    Accepted(String, Vec<u64>),
    /// Nothing shows either.
    Unknown(String),
}

/// Whether the case changes what proves a message, and nothing of the message itself.
fn is_about_seal(header: &Header, message: MessageId) -> bool {
    header.case.changes.iter().any(|change| {
        change.at == message && matches!(&change.how, How::SetField(fields) if fields.contains_key("mac"))
    })
}

fn reaction(header: &Header, observed: &Observed, message: MessageId, change: &Applied) -> Reaction {
    if listens(header, message, change) {
        return reaction_to_listener(header, observed, change);
    }
    if message.part == Part::Answer && is_about_seal(header, message) {
        return reaction_to_package(observed, message, change);
    }
    let in_session =
        carried_in_dm_session(message.step) || message == MessageId::request(Step::ClientSession);
    if in_session && change.exchange.is_none() {
        return reaction_in_dm_session(observed, message, change);
    }
    let Some(exchange) = change.exchange else {
        return Reaction::Unknown(format!("{} was not sent", view::called(header, message)));
    };
    reaction_in_exchange(header, observed, exchange, change)
}

/// Whether the change is at a listener: nothing of the message passed, only connections show it.
fn listens(header: &Header, message: MessageId, change: &Applied) -> bool {
    let by_answer = message.part == Part::Answer || carried_in_dm_session(message.step);
    let tls = header
        .case
        .changes
        .iter()
        .any(|wanted| wanted.at == change.at && matches!(wanted.how, How::Tls(_) | How::TlsVersion(_)));
    let by_client = header.procedure.sender(message, header.case.given.opens) == Some(Role::DmClient);
    by_answer && tls && !by_client
}

const fn carried_in_dm_session(step: Step) -> bool {
    matches!(
        step,
        Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval
    )
}

/// A listener presented something else than it should: was it taken for good?
fn reaction_to_listener(header: &Header, observed: &Observed, change: &Applied) -> Reaction {
    let sender = header.procedure.sender(change.at, header.case.given.opens);
    let listener = sender.map(|sender| harm::listener(change.at, sender));
    let changes = |is: fn(&How) -> bool| {
        let here = header.case.changes.iter().filter(|wanted| wanted.at == change.at);
        here.map(|wanted| &wanted.how).any(is)
    };
    let speaks_one_version = changes(|how| matches!(how, How::TlsVersion(_)));
    let of_version = speaks_one_version && !changes(|how| matches!(how, How::Tls(_)));
    let changed = |connection: &&crate::observed::Connection| {
        connection.side == Side::Accepted
            && connection.opened > change.seq
            && if of_version {
                Some(connection.endpoint) == listener
            } else {
                connection
                    .presented
                    .is_some_and(|presented| presented != dmconform_model::certificate::Certificate::Good)
            }
    };
    let outdated =
        |connection: &&crate::observed::Connection| changed(connection) && connection.is_outdated();
    if let Some(connection) = observed.connections.values().find(outdated) {
        let what = format!(
            "it went on with {}",
            connection.version.as_deref().unwrap_or("it")
        );
        let records = connection.established.into_iter().chain([change.seq]).collect();
        return Reaction::Accepted(what, records);
    }
    let over_changed = observed.exchanges.values().find(|exchange| {
        let connection = exchange
            .connection
            .and_then(|number| observed.connections.get(&number));
        !exchange.sent && exchange.request.is_some() && connection.as_ref().is_some_and(changed)
    });
    if let Some(exchange) = over_changed {
        let what = "it sent its request all the same".to_owned();
        return Reaction::Accepted(what, vec![change.seq, exchange.request.unwrap_or(change.seq)]);
    }
    // Who connects and says nothing has refused nothing, nor has who was refused here: it may well have taken the certificate.
    let has_refused = |connection: &&crate::observed::Connection| {
        connection.is_refused_by_peer() || (connection.established.is_some() && connection.failed.is_none())
    };
    let tried = || observed.connections.values().filter(changed);
    let refused: Vec<u64> = tried()
        .filter(has_refused)
        .map(|connection| {
            let failed = connection.failed.as_ref();
            failed.map_or(connection.opened, |(seq, _, _)| *seq)
        })
        .collect();
    if !refused.is_empty() {
        return Reaction::Refused(refused);
    }
    let broken_off_here = tried().find_map(|connection| connection.failed.as_ref());
    Reaction::Unknown(match broken_off_here {
        Some((_, reason, _)) => {
            format!("the product neither refused what the listener presented nor sent anything: {reason}")
        }
        None => "the product did not connect while the listener presented that certificate".to_owned(),
    })
}

/// What a mock said in a DM session was changed: the Status of the other end says how it took it.
fn reaction_in_dm_session(observed: &Observed, message: MessageId, change: &Applied) -> Reaction {
    let answer = observed
        .all(MessageId::answer(message.step))
        .find(|answer| answer.seq > change.seq);
    match answer {
        Some(answer) if answer.accepted => {
            Reaction::Accepted(answer.note.clone(), vec![change.seq, answer.seq])
        }
        Some(answer) => Reaction::Refused(vec![change.seq, answer.seq]),
        None => Reaction::Unknown("there was no Status for it".to_owned()),
    }
}

/// How the other end took a whole message of a DM session, by what it says of its header.
fn reaction_to_package(observed: &Observed, message: MessageId, change: &Applied) -> Reaction {
    let Some(exchange) = change.exchange else {
        return Reaction::Unknown("it was not sent".to_owned());
    };
    let answer = if message.step == Step::ClientSession {
        let session = observed
            .header_codes
            .iter()
            .find(|found| found.exchange == exchange && found.sender == Role::Dms2);
        session.and_then(|of| {
            observed.header_codes.iter().find(|found| {
                found.seq > of.seq
                    && found.sender == Role::DmClient
                    && (found.server, &found.session) == (of.server, &of.session)
            })
        })
    } else {
        let mut answers = observed.header_codes.iter();
        answers.find(|found| found.exchange == exchange && found.sender != Role::DmClient)
    };
    let window = observed.window(message).and_then(|window| window.closed);
    match (answer, window) {
        (Some(answer), _) if (200..300).contains(&answer.code) => Reaction::Accepted(
            format!("it answered the header with {}", answer.code),
            vec![change.seq, answer.seq],
        ),
        (Some(answer), _) => Reaction::Refused(vec![change.seq, answer.seq]),
        // Who says no more has not acted either.
        (None, Some((closed, _))) => Reaction::Refused(vec![change.seq, closed]),
        (None, None) => Reaction::Unknown("nothing was said of its header".to_owned()),
    }
}

fn reaction_in_exchange(
    header: &Header,
    observed: &Observed,
    exchange: ExchangeId,
    change: &Applied,
) -> Reaction {
    let mut changes = header.case.changes.iter();
    let shows_certificate = changes.any(|wanted| wanted.at == change.at && matches!(wanted.how, How::Tls(_)));
    let Some(exchange) = observed.exchanges.get(&exchange) else {
        return Reaction::Unknown("the exchange is not in the transcript".to_owned());
    };
    let connection = exchange
        .connection
        .and_then(|number| observed.connections.get(&number));
    if let Some(connection) = connection.filter(|connection| connection.is_outdated()) {
        let what = format!("it chose {}", connection.version.as_deref().unwrap_or("it"));
        let records = connection.established.into_iter().chain([change.seq]).collect();
        return Reaction::Accepted(what, records);
    }
    if let Some((seq, status)) = exchange.status {
        let records = exchange.request.into_iter().chain([seq]).collect();
        if (200..300).contains(&status) {
            return Reaction::Accepted(format!("it answered {status}"), records);
        }
        return Reaction::Refused(records);
    }
    match &exchange.failed {
        // Refused for its version, a peer with another certificate has not shown it.
        Some((_, reason, true, _)) if shows_certificate && reason.contains("`protocol_version`") => {
            Reaction::Unknown(format!(
                "the product did not come to look at the certificate: {reason}"
            ))
        }
        Some((seq, _, true, _)) => Reaction::Refused(vec![change.seq, *seq]),
        Some((_, reason, _, _)) => {
            Reaction::Unknown(format!("it was neither answered nor refused: {reason}"))
        }
        None => Reaction::Unknown("it was neither answered nor refused before the case ended".to_owned()),
    }
}

fn observer(observed: &Observed, change: &Applied) -> Option<Role> {
    let exchange = change
        .exchange
        .and_then(|exchange| observed.exchanges.get(&exchange));
    exchange.map(|exchange| exchange.observer)
}

/// Who refuses a message does not go on to what follows from it, unless the good message came after all.
fn went_on(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    change: &Applied,
    receiver: Role,
    requirement: &RequirementId,
    place: &Place,
) -> Option<Outcome> {
    let third = header.case.changes.iter().any(|wanted| {
        wanted.at == message
            && matches!(
                wanted.how,
                How::FromThirdServer | How::Forged | How::ResumedByThirdServer
            )
    });
    if third {
        // The good message follows; what comes after it is the procedure.
        return None;
    }
    let put_right = put_right(header, observed, message, change);
    let with_removal = view::with_removal(header, observed);
    let later = observed.occurrences.iter().find(|occurrence| {
        occurrence.from == receiver
            && put_right.is_none_or(|seq| occurrence.seq < seq)
            && !occurrence.sent_by_observer
            && occurrence.message.part == Part::Request
            && occurrence.seq > change.seq
            && follows(header, occurrence.message, message, with_removal)
    })?;
    Some(broken(
        header,
        Breach {
            code: FindingCode::WentOn,
            requirement,
            step: later.message.step,
            blame: receiver,
            observed_by: Some(later.observer),
            expected: format!(
                "{} refused ({}), and no later step",
                view::called(header, message),
                change.change
            ),
            observed: format!(
                "it went on to {}: {}",
                view::called(header, later.message),
                later.note
            ),
            records: vec![change.seq, later.seq],
            place: Some(place),
        },
    ))
}

/// The record by which a message that was refused for its proof only was said with a good one, before or after.
fn put_right(header: &Header, observed: &Observed, message: MessageId, change: &Applied) -> Option<u64> {
    let is_of_proof = |how: &How| match how {
        How::SetField(fields) => fields
            .keys()
            .all(|field| matches!(field.as_str(), "mac" | "nonce")),
        _ => false,
    };
    let mut own = header.case.changes.iter().filter(|wanted| wanted.at == message);
    if !own.all(|wanted| is_of_proof(&wanted.how)) {
        return None;
    }
    let good = match message.part {
        Part::Request => observed.all(MessageId::answer(message.step)),
        Part::Answer => observed.all(message),
    };
    let mut good = good.filter(|seen| seen.accepted);
    let good = good.find(|seen| Some(seen.exchange) != change.exchange)?;
    // What comes of it may be seen before its answer is: they pass on different connections.
    observed.exchanges.get(&good.exchange)?.request
}

/// Whether one message follows from another in the procedure.
fn follows(header: &Header, later: MessageId, earlier: MessageId, with_removal: bool) -> bool {
    let mut waiting = vec![later];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(message) = waiting.pop() {
        for before in header.procedure.predecessors(message, with_removal) {
            let same_step = before.step == earlier.step && before.part >= earlier.part;
            if same_step {
                return true;
            }
            if seen.insert(before) {
                waiting.push(before);
            }
        }
    }
    false
}
