//! What a case expects, judged one expectation at a time.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::field::Condition;
use dmconform_case::procedure::Relation;
use dmconform_case::test_case::{Expectation, What};
use dmconform_model::{FindingCode, MessageId, Part, Step};

use crate::condition::{self, Judged};
use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::Observed;
use crate::occurrence::Occurrence;
use crate::{
    equality, harm, is_carried_by_dm_session, never, presence, refuse, regularity, state, view, whole,
};

/// How a transcript names it that another delegation has come to where it could be mixed up with this one.
pub const BESIDE: &str = "another delegation beside this one";

/// Judges one expectation of the case.
pub(crate) fn judge(header: &Header, observed: &Observed, expectation: &Expectation) -> Vec<Outcome> {
    let outcomes = alone(header, observed, expectation);
    match header.case.given.beside && !had_company(observed) {
        true => outcomes.into_iter().map(without_company).collect(),
        false => outcomes,
    }
}

/// Whether another delegation had come to where it could be mixed up, while this one held a message back.
fn had_company(observed: &Observed) -> bool {
    let mut triggers = observed.triggers.iter();
    let Some((seq, _, _)) = triggers.find(|(_, trigger, _)| trigger == BESIDE) else {
        return false;
    };
    let mut windows = observed.windows.iter();
    windows.any(|window| window.opened.0 < *seq && window.closed.is_none_or(|(closed, _)| *seq < closed))
}

/// Who has nothing to mix up has mixed up nothing.
fn without_company(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Held(_) => {
            let why = "no other delegation came far enough meanwhile to be mixed up with this one";
            Outcome::Unreached(why.to_owned())
        }
        other => other,
    }
}

fn alone(header: &Header, observed: &Observed, expectation: &Expectation) -> Vec<Outcome> {
    let Expectation {
        what,
        requirement,
        place,
    } = expectation;
    match what {
        What::Procedure => whole::judge(header, observed, place),
        What::Secured => whole::inside_tls(header, observed, requirement, place),
        What::Sessions(rule) => regularity::judge(header, observed, *rule, requirement, place),
        What::Step { message, fields } => step(header, observed, expectation, *message, fields),
        What::Never { message, until } => {
            vec![never::judge(
                header,
                observed,
                *message,
                *until,
                requirement,
                place,
            )]
        }
        What::Equal(fields) => {
            let Some((reference, others)) = fields.split_first() else {
                return vec![Outcome::Unreached("nothing is compared".to_owned())];
            };
            let compare = |field| {
                let relation = Relation::Same;
                equality::judge(
                    header,
                    observed,
                    (reference, field, relation),
                    requirement,
                    Some(place),
                )
            };
            others.iter().map(compare).collect()
        }
        What::Premise(fields) => vec![equality::premise(header, observed, fields)],
        What::Refuse(message) => vec![refuse::judge(header, observed, *message, requirement, place)],
        What::Serves(message) => vec![harm::serves(header, observed, *message, requirement, place)],
        What::Survives => vec![harm::survives(header, observed, requirement, place)],
        What::FetchesNothing => vec![harm::fetches_nothing(header, observed, requirement, place)],
        What::State(look) => vec![state::judge(header, observed, look, requirement, place)],
        What::OneOf(alternatives) => vec![one_of(header, observed, alternatives)],
    }
}

/// A message came, and its fields are as they must be.
fn step(
    header: &Header,
    observed: &Observed,
    expectation: &Expectation,
    message: MessageId,
    fields: &BTreeMap<String, Vec<Condition>>,
) -> Vec<Outcome> {
    let requirement = &expectation.requirement;
    let own = header.procedure.presence(message);
    if !observed.seen(message) {
        // Its absence is this case's matter only if this case speaks for its presence: by its requirement, by asking for
        // nothing else, or by a claim of which only this case makes use.
        let owns =
            own == Some(requirement) || own.is_none() || fields.is_empty() || header.is_claim(requirement);
        let absent = presence::judge(header, observed, message, requirement, Some(&expectation.place));
        return vec![match absent {
            Outcome::Broken(finding) if !owns => Outcome::Unreached(format!(
                "{} did not come: {}",
                view::called(header, message),
                finding.observed
            )),
            other => other,
        }];
    }
    if fields.is_empty() {
        return vec![presence::judge(
            header,
            observed,
            message,
            requirement,
            Some(&expectation.place),
        )];
    }
    fields
        .iter()
        .flat_map(|(field, conditions)| conditions.iter().map(move |condition| (field, condition)))
        .map(|(field, condition)| on_field(header, observed, expectation, message, field, condition))
        .collect()
}

/// How often a message came, where so many records have it. What a server does in DM sessions may be spread over several messages:
/// what counts is how many entries it has written, and how often it wrote the same node.
fn times(observed: &Observed, message: MessageId, records: usize) -> usize {
    if !is_carried_by_dm_session(message) || message.part == Part::Answer {
        return records;
    }
    let all: Vec<_> = observed.all(message).collect();
    let taken: Vec<_> = all
        .iter()
        .copied()
        .filter(|seen| !is_challenged(observed, seen))
        .collect();
    let counted = if taken.is_empty() { &all } else { &taken };
    let mut entries = BTreeSet::new();
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    for occurrence in counted {
        entries.extend(occurrence.values("entry"));
        for node in occurrence.values("node") {
            *written.entry(node).or_default() += 1;
        }
    }
    let most = written.values().copied().max();
    most.map_or(records, |most| most.max(entries.len()))
}

/// Whether what a message says was answered with a challenge: said again with credentials, it is no second one.
fn is_challenged(observed: &Observed, said: &Occurrence) -> bool {
    let answer = MessageId::answer(said.message.step);
    let mut after = observed
        .occurrences
        .iter()
        .filter(|seen| seen.seq > said.seq && (seen.message == said.message || seen.message == answer));
    after
        .next()
        .is_some_and(|next| next.message == answer && next.is_challenge())
}

fn on_field(
    header: &Header,
    observed: &Observed,
    expectation: &Expectation,
    message: MessageId,
    field: &str,
    condition: &Condition,
) -> Outcome {
    let mut records = Vec::new();
    let mut values = std::collections::BTreeSet::new();
    for occurrence in observed.all(message).filter(|occurrence| occurrence.accepted) {
        records.push(occurrence.seq);
        values.extend(occurrence.values(field));
    }
    let times = times(observed, message, records.len()).to_string();
    if field == "times" {
        values = std::collections::BTreeSet::from([times.as_str()]);
    }
    let requirement = &expectation.requirement;
    if values.is_empty()
        && !matches!(
            condition,
            Condition::Present | Condition::Absent | Condition::Not(_)
        )
    {
        return Outcome::Unreached(format!("{} carries no {field}", view::called(header, message)));
    }
    match condition::judge(header, observed, condition, &values) {
        Judged::Holds
            if field == "times"
                && let Err(reason) = never::could_have_come_again(header, observed, message, requirement) =>
        {
            Outcome::Unreached(format!(
                "{} came {times} times, and whether it comes again is not known: {reason}",
                view::called(header, message)
            ))
        }
        Judged::Holds => held(
            requirement,
            format!("{message}/{field} is {}", view::list(&values)),
            records,
        ),
        Judged::Unknown(reason) => Outcome::Unreached(reason),
        Judged::Violated {
            expected,
            observed: seen,
        } => {
            let Some(blame) = view::sender(header, message) else {
                return Outcome::Unreached(format!("nobody sends {message}"));
            };
            broken(
                header,
                Breach {
                    code: FindingCode::Field,
                    requirement,
                    step: message.step,
                    blame,
                    observed_by: equality::observer(observed, message),
                    expected: format!("{message}/{field}: {expected}"),
                    observed: format!("{message}/{field}: {seen}"),
                    records,
                    place: Some(&expectation.place),
                },
            )
        }
    }
}

/// At least one alternative holds; otherwise the first that was broken speaks for all.
fn one_of(header: &Header, observed: &Observed, alternatives: &[Expectation]) -> Outcome {
    let mut first_broken = None;
    let mut reasons = Vec::new();
    for alternative in alternatives {
        let outcomes = judge(header, observed, alternative);
        let mut checks = Vec::new();
        let mut holds = !outcomes.is_empty();
        for outcome in outcomes {
            match outcome {
                Outcome::Held(more) => checks.extend(more),
                Outcome::Broken(finding) => {
                    holds = false;
                    first_broken.get_or_insert(finding);
                }
                Outcome::Unreached(reason) => {
                    holds = false;
                    reasons.push(reason);
                }
            }
        }
        if holds {
            return Outcome::Held(checks);
        }
    }
    // An alternative that could not be judged might have held: nothing is proven then.
    match first_broken {
        Some(finding) if reasons.is_empty() => Outcome::Broken(finding),
        _ => Outcome::Unreached(format!("no alternative was seen: {}", reasons.join("; "))),
    }
}

/// The step a case is about, for findings about the case as a whole.
pub(crate) fn main_step(header: &Header) -> Option<Step> {
    header
        .case
        .expect
        .iter()
        .find_map(|expectation| match &expectation.what {
            What::Step { message, .. } | What::Never { message, .. } | What::Refuse(message) => {
                Some(message.step)
            }
            What::State(state) => Some(state.after.step),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use dmconform_model::transcript::TriggerOutcome;

    use super::*;
    use crate::occurrence::Fields;

    /// What DMS-1 writes in a message for each of these nodes, with the entry that each is of.
    fn observed(nodes: &[(&str, &str)]) -> Observed {
        let occurrences = nodes.iter().map(|(entry, node)| Occurrence {
            fields: Fields::from([
                ("entry".to_owned(), vec![(*entry).to_owned()]),
                ("node".to_owned(), vec![(*node).to_owned()]),
            ]),
            ..Occurrence::said(MessageId::request(Step::BootstrapEntry), 0)
        });
        Observed {
            occurrences: occurrences.collect(),
            ..Observed::default()
        }
    }

    #[test]
    fn an_entry_that_is_spread_over_messages_is_one_and_a_second_one_or_the_same_again_is_not() {
        let count = |nodes: &[(&str, &str)]| {
            times(
                &observed(nodes),
                MessageId::request(Step::BootstrapEntry),
                nodes.len(),
            )
        };
        assert_eq!(count(&[("x", "./B/x"), ("x", "./B/x/URL")]), 1);
        assert_eq!(count(&[("x", "./B/x/URL"), ("y", "./B/y/URL")]), 2);
        assert_eq!(count(&[("x", "./B/x/URL"), ("x", "./B/x/URL")]), 2);
        assert_eq!(count(&[]), 0);
    }

    #[test]
    fn what_was_challenged_and_said_again_was_said_once_and_what_was_refused_was_said() {
        let entry = |seq| Occurrence {
            fields: Fields::from([("node".to_owned(), vec!["./B/x/URL".to_owned()])]),
            ..Occurrence::said(MessageId::request(Step::BootstrapEntry), seq)
        };
        let answer = |seq, code: &str| Occurrence {
            accepted: code == "200",
            fields: Fields::from([("status".to_owned(), vec![code.to_owned()])]),
            ..Occurrence::said(MessageId::answer(Step::BootstrapEntry), seq)
        };
        let count = |occurrences: Vec<Occurrence>| {
            let observed = Observed {
                occurrences,
                ..Observed::default()
            };
            times(&observed, MessageId::request(Step::BootstrapEntry), 2)
        };
        assert_eq!(
            count(vec![entry(1), answer(2, "407"), entry(3), answer(4, "200")]),
            1
        );
        assert_eq!(
            count(vec![entry(1), answer(2, "200"), entry(3), answer(4, "200")]),
            2
        );
        assert_eq!(
            count(vec![entry(1), answer(2, "200"), entry(3), answer(4, "418")]),
            2
        );
        assert_eq!(count(vec![entry(1), answer(2, "407")]), 1);
    }

    #[test]
    fn nothing_is_kept_apart_by_who_has_nothing_beside_it() {
        let mut observed = Observed::default();
        assert!(!had_company(&observed));
        observed.windows.push(crate::observed::Window {
            holding: MessageId::answer(Step::UrlRequest),
            opened: (3, 0),
            closed: Some((6, 0)),
        });
        let beside = |seq| (seq, BESIDE.to_owned(), TriggerOutcome::Taken);
        observed.triggers.push(beside(7));
        assert!(!had_company(&observed));
        observed.triggers[0] = beside(5);
        assert!(had_company(&observed));
        assert!(matches!(
            without_company(Outcome::Held(Vec::new())),
            Outcome::Unreached(_)
        ));
    }
}
