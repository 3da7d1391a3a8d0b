//! What preceded what, and who can be convicted of it.

use dmconform_case::procedure::OrderRule;
use dmconform_model::{MessageId, Role, Step};

use crate::absence::unwatched;
use crate::header::Header;
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
            first: observed.first(rule.first),
            then,
        })
        .filter(|breach| relation(observed, breach.first, breach.then) == Relation::Broken)
        // What may have passed the relay by may have come in time.
        .filter(|breach| breach.first.is_some() || unwatched(header, observed, breach.rule.first).is_none())
        .collect();
    breaches.sort_by_key(|breach| breach.rule.first);
    breaches
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
}
