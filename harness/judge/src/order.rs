//! What preceded what, and who can be convicted of it.

use dmconform_case::procedure::OrderRule;
use dmconform_model::{MessageId, Part, Role, Step};

use crate::absence::unwatched;
use crate::header::Header;
use crate::is_carried_by_dm_session;
use crate::observed::Observed;
use crate::occurrence::Occurrence;

/// How two messages that must come in an order did come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// In that order, or with nothing to show the contrary.
    Kept,
    /// In the wrong order, and the harness can prove it.
    Broken,
    /// On different connections at about the same time: they may have crossed.
    Crossed,
}

/// How `first` and `then` came; `first` may not have come at all.
///
/// Convicts only through the harness: `then` had been read completely before the first byte of `first` was
/// written, or before the connection that carried `first` was even opened.
pub(crate) fn relation(observed: &Observed, first: Option<&Occurrence>, then: &Occurrence) -> Relation {
    let Some(first) = first else {
        return Relation::Broken;
    };
    if first.seq < then.seq {
        return Relation::Kept;
    }
    // In one message: what it says first comes first.
    if first.seq == then.seq {
        let place = |of: &Occurrence| {
            observed
                .occurrences
                .iter()
                .position(|seen| std::ptr::eq(seen, of))
        };
        return match place(first) <= place(then) {
            true => Relation::Kept,
            false => Relation::Broken,
        };
    }
    if first.sent_by_observer || first.connection == then.connection {
        return Relation::Broken;
    }
    // What a server says in a DM session answers a request: it cannot be older than that.
    let asked_later = observed
        .exchanges
        .get(&first.exchange)
        .is_some_and(|exchange| exchange.sent && exchange.request.is_some_and(|request| request > then.seq));
    let opened_later = observed
        .connections
        .get(&first.connection)
        .is_some_and(|connection| connection.since_us > then.at_us);
    if opened_later || asked_later {
        Relation::Broken
    } else {
        Relation::Crossed
    }
}

/// An order rule that was broken.
#[derive(Clone, Debug)]
pub(crate) struct OrderBreach<'a> {
    /// The rule.
    pub rule: &'a OrderRule,
    /// What should have come first, if it came at all.
    pub first: Option<&'a Occurrence>,
    /// What came too early.
    pub then: &'a Occurrence,
}

/// The order rules that one occurrence breaks, the one whose `first` is earliest in the figure first.
pub(crate) fn breached_by<'a>(
    header: &'a Header,
    observed: &'a Observed,
    then: &'a Occurrence,
) -> Vec<OrderBreach<'a>> {
    let mut breaches: Vec<_> = header
        .procedure
        .order
        .iter()
        .filter(|rule| rule.then == then.message)
        .filter(|rule| applies(observed, rule))
        .map(|rule| OrderBreach {
            rule,
            first: preceding(observed, rule.first, then),
            then,
        })
        .filter(|breach| relation(observed, breach.first, breach.then) == Relation::Broken)
        // What may have passed the relay by may have come in time.
        .filter(|breach| breach.first.is_some() || unwatched(header, observed, breach.rule.first).is_none())
        .collect();
    breaches.sort_by_key(|breach| breach.rule.first);
    breaches
}

/// What of a message has to come before `then`: the first of it. What DMS-1 writes in DM sessions may be spread over several messages,
/// and an answer has come when all of them are answered that were sent by then.
pub(crate) fn preceding<'a>(
    observed: &'a Observed,
    message: MessageId,
    then: &Occurrence,
) -> Option<&'a Occurrence> {
    let first = observed.first(message);
    let request = MessageId::request(message.step);
    let is_spread = message.part == Part::Answer && is_carried_by_dm_session(request);
    let mut asked = observed.all(request);
    let Some(last_asked) = asked.rfind(|asked| asked.seq < then.seq).filter(|_| is_spread) else {
        return first;
    };
    // Whether it is a good one is not asked: what was refused is answered, too. What was challenged is yet to be said.
    let mut answers = observed.all(message).filter(|answer| !answer.is_challenge());
    answers.find(|answer| answer.seq > last_asked.seq).or(first)
}

/// Whether a rule holds in this delegation: some hold only where an optional step takes place.
pub(crate) fn applies(observed: &Observed, rule: &OrderRule) -> bool {
    rule.where_done
        .is_none_or(|step: Step| observed.all(MessageId::request(step)).next().is_some())
}

/// Every broken order rule of a role, in the order of the records.
pub(crate) fn breaches<'a>(header: &'a Header, observed: &'a Observed, role: Role) -> Vec<OrderBreach<'a>> {
    let mut found: Vec<OrderBreach<'a>> = Vec::new();
    for then in observed
        .occurrences
        .iter()
        .filter(|occurrence| occurrence.from == role)
    {
        let already = |breach: &OrderBreach<'_>| {
            found
                .iter()
                .any(|earlier| std::ptr::eq(earlier.rule, breach.rule))
        };
        let new: Vec<_> = breached_by(header, observed, then)
            .into_iter()
            .filter(|breach| !already(breach))
            .collect();
        found.extend(new);
    }
    found
}

#[cfg(test)]
mod tests {
    use dmconform_model::MessageId;

    use super::*;
    use crate::occurrence::Fields;

    fn said(step: Step, seq: u64) -> Occurrence {
        Occurrence::said(MessageId::request(step), seq)
    }

    fn removal_after_update(said: Vec<Occurrence>) -> Relation {
        let observed = Observed {
            occurrences: said,
            ..Observed::default()
        };
        let of = |step| observed.first(MessageId::request(step));
        let removal = of(Step::AccountRemoval).expect("it was said");
        relation(&observed, of(Step::AclUpdate), removal)
    }

    #[test]
    fn what_one_message_says_is_in_the_order_of_the_message() {
        let (update, removal) = (said(Step::AclUpdate, 7), said(Step::AccountRemoval, 7));
        let kept = removal_after_update(vec![update.clone(), removal.clone()]);
        assert_eq!(kept, Relation::Kept);
        assert_eq!(removal_after_update(vec![removal, update]), Relation::Broken);
    }

    #[test]
    fn what_an_earlier_message_says_comes_first() {
        let (update, removal) = (said(Step::AclUpdate, 8), said(Step::AccountRemoval, 7));
        assert_eq!(removal_after_update(vec![removal, update]), Relation::Broken);
    }

    /// How step 9 came after what was said of step 8 before and after it: requests and answers, by their records.
    fn prepared(update: &[(Part, u64)], prepared: u64) -> Relation {
        let of_update = |(part, seq): &(Part, u64)| {
            let step = Step::AclUpdate;
            let message = match part {
                Part::Request => MessageId::request(step),
                Part::Answer => MessageId::answer(step),
            };
            Occurrence {
                sent_by_observer: *part == Part::Answer,
                ..Occurrence::said(message, *seq)
            }
        };
        let mut occurrences: Vec<_> = update.iter().map(of_update).collect();
        occurrences.push(said(Step::ClientPrepared, prepared));
        occurrences.sort_by_key(|occurrence| occurrence.seq);
        let observed = Observed {
            occurrences,
            ..Observed::default()
        };
        let then = observed.first(MessageId::request(Step::ClientPrepared));
        let then = then.expect("it was said");
        let first = preceding(&observed, MessageId::answer(Step::AclUpdate), then);
        relation(&observed, first, then)
    }

    #[test]
    fn an_update_that_is_spread_over_messages_is_answered_when_all_of_them_are() {
        let (asked, answered) = (Part::Request, Part::Answer);
        let both = [(asked, 1), (answered, 2), (asked, 3), (answered, 5)];
        assert_eq!(prepared(&both, 6), Relation::Kept);
        assert_eq!(prepared(&both, 4), Relation::Broken);
        // What comes of an update after that is another matter.
        assert_eq!(
            prepared(&[(asked, 1), (answered, 2), (asked, 4), (answered, 5)], 3),
            Relation::Kept
        );
        // What was said again after an answer had been lost was answered once.
        assert_eq!(
            prepared(&[(asked, 1), (asked, 2), (answered, 3)], 4),
            Relation::Kept
        );
        assert_eq!(prepared(&[(asked, 1), (answered, 3)], 2), Relation::Broken);
        assert_eq!(prepared(&[(asked, 1)], 2), Relation::Broken);
    }

    #[test]
    fn what_was_challenged_is_not_answered() {
        let answer = |seq, code: &str| Occurrence {
            sent_by_observer: true,
            accepted: code == "200",
            fields: Fields::from([("status".to_owned(), vec![code.to_owned()])]),
            ..Occurrence::said(MessageId::answer(Step::AclUpdate), seq)
        };
        let relation_of = |code: &str| {
            let observed = Observed {
                occurrences: vec![
                    said(Step::AclUpdate, 1),
                    answer(2, code),
                    said(Step::ClientPrepared, 3),
                    said(Step::AclUpdate, 4),
                    answer(5, "200"),
                ],
                ..Observed::default()
            };
            let then = observed
                .first(MessageId::request(Step::ClientPrepared))
                .expect("it was said");
            relation(
                &observed,
                preceding(&observed, MessageId::answer(Step::AclUpdate), then),
                then,
            )
        };
        assert_eq!(relation_of("407"), Relation::Broken);
        assert_eq!(relation_of("425"), Relation::Kept);
    }
}
