//! Messages that must not come until another one does.

use dmconform_model::transcript::EndpointKind;
use dmconform_model::{FindingCode, MessageId, Part, Place, RequirementId, Role, Step};

use crate::absence::{Absence, explain};
use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::{OPPORTUNITY, Observed, Window};
use crate::occurrence::Occurrence;
use crate::order::{OrderBreach, Relation, breached_by, preceding, relation};
use crate::view;

/// Judges that `message` did not come before `until`, or in the case's window where there is no `until`.
///
/// Credited only where it could have come: the window was open for at least as long as the product declares to
/// react within, what is carried in a DM session had two of them, and the product was alive.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    until: Option<MessageId>,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let held_back = until.or_else(|| header.case.changes.first().map(|change| change.at));
    let window = held_back.and_then(|held_back| observed.window(held_back));
    // A product that leaves out what it should wait for is judged where that is expected.
    if let Some(missing) = until.map(|until| MessageId::request(until.step))
        && view::sender(header, missing).is_some_and(|role| header.is_judged(role))
        && observed.first(missing).is_none()
        && !matches!(explain(header, observed, missing), Absence::Prevented { .. })
    {
        return Outcome::Unreached(format!("{} did not come", view::called(header, missing)));
    }
    let since = held_back.and_then(|held_back| stimulus(observed, held_back));
    if let Some(early) = first_early(observed, message, until, since) {
        return too_early(header, observed, early, until, requirement, place);
    }
    if until.is_none()
        && let Some(since) = since
        && let Some(breach) = out_of_order(header, observed, message, since)
    {
        return too_early(
            header,
            observed,
            breach.then,
            Some(breach.rule.first),
            requirement,
            place,
        );
    }
    if let Some(until) =
        until.filter(|until| view::sender(header, *until).is_some_and(|role| header.is_judged(role)))
    {
        return in_order(header, observed, message, until, requirement);
    }
    let Some(window) = window else {
        return Outcome::Unreached(match held_back {
            Some(held_back) => format!("it never came to {}", view::called(header, held_back)),
            None => "the case opens no window".to_owned(),
        });
    };
    credit(header, observed, message, window, requirement)
}

/// Two messages of judged roles came in their order: nothing has to be held back to see that.
fn in_order(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    until: MessageId,
    requirement: &RequirementId,
) -> Outcome {
    match (observed.first(until), observed.first(message)) {
        // Which of them was sent first, nobody can tell.
        (Some(first), Some(then)) if relation(observed, Some(first), then) != Relation::Kept => {
            let (first, then) = (view::called(header, until), view::called(header, message));
            Outcome::Unreached(format!(
                "{first} and {then} came on two connections at about the same time"
            ))
        }
        (Some(first), Some(then)) => {
            let what = format!(
                "{} came before {}",
                view::called(header, until),
                view::called(header, message)
            );
            held(requirement, what, vec![first.seq, then.seq])
        }
        (None, _) => Outcome::Unreached(format!("{} did not come", view::called(header, until))),
        (_, None) => Outcome::Unreached(format!("{} did not come", view::called(header, message))),
    }
}

/// The first occurrence that came before `until` (provably), or after what the window is about: a product that reacts
/// at once has reacted before the harness has begun to wait for it.
fn first_early(
    observed: &Observed,
    message: MessageId,
    until: Option<MessageId>,
    since: Option<u64>,
) -> Option<&Occurrence> {
    observed.all(message).find(|occurrence| match until {
        Some(until) => {
            relation(observed, preceding(observed, until, occurrence), occurrence) == Relation::Broken
        }
        // What came before belongs to the preamble.
        None => since.is_some_and(|since| occurrence.seq > since),
    })
}

/// The first occurrence that came against the order before that already. It is not going to come again, so that its absence
/// afterwards proves nothing.
fn out_of_order<'a>(
    header: &'a Header,
    observed: &'a Observed,
    message: MessageId,
    since: u64,
) -> Option<OrderBreach<'a>> {
    let mut before = observed.all(message).filter(|occurrence| occurrence.seq <= since);
    before.find_map(|occurrence| breached_by(header, observed, occurrence).into_iter().next())
}

fn too_early(
    header: &Header,
    observed: &Observed,
    early: &Occurrence,
    until: Option<MessageId>,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let breaches = breached_by(header, observed, early);
    // Too early by an earlier rule already: that is another case's matter.
    if let Some(OrderBreach { rule, .. }) = breaches.first()
        && (rule.requirement != *requirement || until.is_some_and(|until| rule.first < until))
        && header.owner(&rule.requirement, early.from).is_some()
    {
        return Outcome::Unreached(format!(
            "{} came before {} already",
            view::called(header, early.message),
            view::called(header, rule.first)
        ));
    }
    let what = view::called(header, early.message);
    let (expected, records) = match until {
        Some(until) => {
            let first = preceding(observed, until, early);
            let text = format!("{what} not before {}", view::called(header, until));
            (
                text,
                first
                    .map(|first| first.seq)
                    .into_iter()
                    .chain([early.seq])
                    .collect(),
            )
        }
        None => (format!("no {what} after that"), vec![early.seq]),
    };
    let seen = match until.and_then(|until| preceding(observed, until, early)) {
        Some(first) => format!(
            "{} {} before {} was sent: {}",
            early.from.title(),
            milliseconds(first.at_us.saturating_sub(early.at_us)),
            view::called(header, first.message),
            early.note
        ),
        None => format!("{} sent it: {}", early.from.title(), early.note),
    };
    broken(
        header,
        Breach {
            code: FindingCode::TooEarly,
            requirement,
            step: early.message.step,
            blame: early.from,
            observed_by: Some(early.observer),
            expected,
            observed: seen,
            records,
            place: Some(place),
        },
    )
}

/// Whether the window proves anything.
fn credit(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    window: &Window,
    requirement: &RequirementId,
) -> Outcome {
    let called = view::called(header, message);
    let Some((closed, closed_us)) = window.closed else {
        return Outcome::Unreached("the case ended before its window did".to_owned());
    };
    let length_us = closed_us.saturating_sub(window.opened.1);
    let reacts_us = header.limits.reacts_within.milliseconds.saturating_mul(1000);
    if length_us < reacts_us {
        return Outcome::Unreached(format!(
            "the window of {} is shorter than the {} in which the product reacts",
            milliseconds(length_us),
            header.limits.reacts_within
        ));
    }
    if is_carried_by_dm_session(message) && !header.is_real(Role::DmClient) {
        let sessions = opportunities(header, observed, window.opened.0, closed);
        if sessions < OPPORTUNITY {
            return Outcome::Unreached(format!(
                "{called} could not have come: DMS-1 answered {sessions} DM sessions of the client in the window, \
                 and {OPPORTUNITY} are needed"
            ));
        }
    }
    let Some(sender) = view::sender(header, message) else {
        return Outcome::Unreached(format!("nobody sends {message}"));
    };
    let Some(life) = sign_of_life(
        header,
        observed,
        sender,
        stimulus(observed, window.holding).unwrap_or(window.opened.0),
    ) else {
        return Outcome::Unreached(format!(
            "{} gave no sign of life in the window or after it",
            sender.title()
        ));
    };
    let what = format!("{called} did not come in {}", milliseconds(length_us));
    held(requirement, what, vec![window.opened.0, closed, life])
}

/// Whether a message that came could have come again: in a window after it, or, where the case opens none, before its sender went on.
/// Otherwise why not.
pub(crate) fn could_have_come_again(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    requirement: &RequirementId,
) -> Result<(), String> {
    let since = observed.first(message).map_or(0, |first| first.seq);
    let mut windows = observed.windows.iter().rev();
    let Some(window) = windows.find(|window| window.closed.is_some_and(|(closed, _)| closed > since)) else {
        let sender = view::sender(header, message);
        let mut later = observed.occurrences.iter().filter(|seen| seen.seq > since);
        return match later.any(|seen| Some(seen.from) == sender && seen.message != message) {
            true => Ok(()),
            false => Err("no window was open after it, and its sender did not go on".to_owned()),
        };
    };
    match credit(header, observed, message, window, requirement) {
        Outcome::Unreached(reason) => Err(reason),
        Outcome::Held(_) | Outcome::Broken(_) => Ok(()),
    }
}

/// How many DM sessions of the client DMS-1 answered between two records, so that it could have said something in them.
/// A session that it refuses is none, unless the client has given it reason to.
fn opportunities(header: &Header, observed: &Observed, after: u64, before: u64) -> usize {
    let admitted = observed.dm_sessions_between(Role::Dms1, after, before);
    match header.case.other_credentials_for_dms_1() {
        Some(_) => admitted + observed.refused_dm_sessions_between(Role::Dms1, after, before),
        None => admitted,
    }
}

/// Whether the window that holds a message has given DMS-1 its opportunity to speak to the client by now.
pub fn had_opportunity(header: &Header, observed: &Observed, holding: MessageId) -> bool {
    let window = observed.window(holding);
    window.is_some_and(|window| opportunities(header, observed, window.opened.0, u64::MAX) >= OPPORTUNITY)
}

/// Whether DMS-1 can send a message only in a DM session that the client opens.
pub const fn is_carried_by_dm_session(message: MessageId) -> bool {
    matches!(
        message.step,
        Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval
    ) && matches!(message.part, Part::Request)
}

/// The record from which the product is to show that it is alive, and from which a prohibition holds: the change that
/// the window follows, or else the opening of the window.
fn stimulus(observed: &Observed, holding: MessageId) -> Option<u64> {
    let changes = observed.changes.iter().filter(|applied| applied.at == holding);
    let window = observed.window(holding).map(|window| window.opened.0);
    changes.map(|applied| applied.seq).chain(window).min()
}

/// A record after another one that shows that a real role is alive: it answered, or sent something.
pub(crate) fn sign_of_life(header: &Header, observed: &Observed, role: Role, after: u64) -> Option<u64> {
    let from_it = observed
        .occurrences
        .iter()
        .find(|occurrence| occurrence.from == role && occurrence.seq > after && !occurrence.sent_by_observer);
    if let Some(occurrence) = from_it {
        return Some(occurrence.seq);
    }
    observed.exchanges.values().find_map(|exchange| {
        let at_its_endpoint = exchange.sent && exchange.endpoint.role == role;
        let by_it = !exchange.sent && speaker(exchange.endpoint.role, exchange.endpoint.kind) == role;
        if !header.is_real(role) || !(at_its_endpoint || by_it) {
            return None;
        }
        let seq = if at_its_endpoint {
            exchange.status.map(|(seq, _)| seq)
        } else {
            exchange.request
        };
        seq.filter(|seq| *seq > after)
    })
}

/// Who speaks to an endpoint.
pub const fn speaker(listener: Role, kind: EndpointKind) -> Role {
    match (kind, listener) {
        (EndpointKind::Delegation, Role::Dms1) => Role::Dms2,
        (EndpointKind::Delegation, _) => Role::Dms1,
        _ => Role::DmClient,
    }
}

/// A time as people read it.
pub(crate) fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]
mod tests {
    use dmconform_model::transcript::{Endpoint, Side};

    use super::*;
    use crate::observed::Connection;

    fn header() -> Header {
        let text = std::fs::read_to_string("../../fixtures/transcripts/good-dms-1.jsonl");
        let text = text.expect("the transcript is checked in");
        crate::read(&text).expect("the transcript is whole").header
    }

    fn said(step: Step, seq: u64, connection: u64) -> Occurrence {
        Occurrence {
            connection,
            exchange: seq,
            ..Occurrence::said(MessageId::request(step), seq)
        }
    }

    fn opened(at: u64) -> Connection {
        Connection {
            observer: Role::DmClient,
            side: Side::Dialled,
            endpoint: Endpoint {
                role: Role::Dms1,
                kind: EndpointKind::Dm,
            },
            opened: at,
            since_us: at,
            presented: None,
            established: None,
            version: None,
            failed: None,
            plaintext: None,
        }
    }

    #[test]
    fn a_message_could_have_come_again_only_in_a_window_or_where_its_sender_went_on() {
        let (header, requirement) = (header(), RequirementId("DEL-0-4".to_owned()));
        let entry = MessageId::request(Step::BootstrapEntry);
        let mut observed = Observed {
            occurrences: vec![said(Step::BootstrapEntry, 5, 1)],
            ..Observed::default()
        };
        let could = |observed: &Observed| could_have_come_again(&header, observed, entry, &requirement);
        let why = could(&observed).expect_err("nothing followed");
        assert!(why.contains("did not go on"), "{why}");
        observed.occurrences.push(said(Step::AclUpdate, 9, 1));
        assert_eq!(could(&observed), Ok(()));
        // A window that was open, and gave no opportunity, is no better than none.
        observed.windows.push(Window {
            holding: MessageId::request(Step::BootstrapComplete),
            opened: (6, 6),
            closed: Some((8, 60_000_000)),
        });
        let why = could(&observed).expect_err("no session was held in it");
        assert!(why.contains("could not have come"), "{why}");
    }

    #[test]
    fn two_messages_that_crossed_are_in_no_order() {
        let (header, requirement) = (header(), RequirementId("DEL-8b-1".to_owned()));
        let (update, removal) = (Step::AclUpdate, Step::AccountRemoval);
        let [update_id, removal_id] = [update, removal].map(MessageId::request);
        let judged = |occurrences: Vec<Occurrence>| {
            let observed = Observed {
                occurrences,
                connections: [(1, opened(1)), (2, opened(2))].into(),
                ..Observed::default()
            };
            in_order(&header, &observed, removal_id, update_id, &requirement)
        };
        let kept = judged(vec![said(update, 5, 1), said(removal, 6, 1)]);
        assert!(matches!(kept, Outcome::Held(_)));
        let crossed = judged(vec![said(removal, 5, 1), said(update, 6, 2)]);
        assert!(matches!(crossed, Outcome::Unreached(_)));
    }
}
