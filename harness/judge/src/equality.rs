//! Values that must be the same wherever they are carried.

use std::collections::BTreeSet;

use dmconform_case::field::FieldRef;
use dmconform_case::procedure::{EqualField, Relation};
use dmconform_model::{FindingCode, MessageId, Place, RequirementId, Role};

use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::Observed;
use crate::view;

/// Judges that a field has the values of its reference; the sender of the field's message is to blame.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    (reference, field, relation): (&FieldRef, &FieldRef, Relation),
    requirement: &RequirementId,
    place: Option<&Place>,
) -> Outcome {
    let (expected, mut records) = view::values(header, observed, reference);
    let (found, more) = view::values(header, observed, field);
    if expected.is_empty() {
        return Outcome::Unreached(format!("nothing was seen of {reference}"));
    }
    if found.is_empty() {
        return Outcome::Unreached(format!("nothing was seen of {field}"));
    }
    records.extend(more);
    if agree(field, relation, &expected, &found) {
        let verb = match relation {
            _ if expected == found => "is",
            Relation::Includes => "includes",
            Relation::Same | Relation::Within => "is within",
        };
        return held(
            requirement,
            format!("{field} {verb} {reference}: {}", view::list(&found)),
            records,
        );
    }
    let FieldRef::Message(message, _) = field else {
        return Outcome::Unreached(format!("{field} is fixed by the case"));
    };
    let Some(blame) = view::sender(header, *message) else {
        return Outcome::Unreached(format!("nobody sends {message}"));
    };
    broken(
        header,
        Breach {
            code: FindingCode::Equality,
            requirement,
            step: message.step,
            blame,
            observed_by: observer(observed, *message),
            expected: format!("{field} = {reference} = {}", view::list(&expected)),
            observed: differing(field, &expected, &found),
            records,
            place,
        },
    )
}

/// Judges that the product has taken up what a case gives it. Where it has not, nothing is proven, and nothing broken.
pub(crate) fn premise(header: &Header, observed: &Observed, fields: &[FieldRef]) -> Outcome {
    let Some((first, others)) = fields.split_first() else {
        return Outcome::Unreached("nothing is compared".to_owned());
    };
    let (expected, _) = view::values(header, observed, first);
    for field in others {
        let (found, _) = view::values(header, observed, field);
        if found.is_empty() || !agree(field, Relation::Same, &expected, &found) {
            return Outcome::Unreached(format!(
                "the case is about {first} = {}, and {field} is {}",
                view::list(&expected),
                view::list(&found)
            ));
        }
    }
    Outcome::Held(Vec::new())
}

fn agree(
    field: &FieldRef,
    relation: Relation,
    expected: &BTreeSet<String>,
    found: &BTreeSet<String>,
) -> bool {
    match relation {
        _ if expected == found => true,
        Relation::Includes => expected.is_subset(found),
        Relation::Within => reached(expected, found).is_some(),
        Relation::Same if is_of_nodes(field) => {
            reached(expected, found).is_some_and(|reached| reached.len() == expected.len())
        }
        Relation::Same => false,
    }
}

/// Whether a field holds places in the device's tree.
fn is_of_nodes(field: &FieldRef) -> bool {
    matches!(field, FieldRef::Message(_, name) if name == "nodes")
}

/// The parts of the tree that nodes are in; nothing where one of them is in none. A part has all in it that is below: a child that has
/// an ACL of its own is not reached by that of its parent (OMA-TS-DM_TND 7.7.1.3).
fn reached<'a>(parts: &'a BTreeSet<String>, nodes: &BTreeSet<String>) -> Option<BTreeSet<&'a str>> {
    let mut reached = BTreeSet::new();
    for node in nodes {
        let mut around = parts.iter().filter(|part| view::is_within(node, part)).peekable();
        around.peek()?;
        reached.extend(around.map(String::as_str));
    }
    Some(reached)
}

fn differing(field: &FieldRef, expected: &BTreeSet<String>, found: &BTreeSet<String>) -> String {
    let seen = format!("{field} = {}", view::list(found));
    let missing: Vec<_> = expected.difference(found).collect();
    if expected.len() < 2 || missing.is_empty() {
        return seen;
    }
    format!("{seen}; missing: {}", view::list(missing))
}

/// The mock role that saw a message.
pub(crate) fn observer(observed: &Observed, message: MessageId) -> Option<Role> {
    observed.first(message).map(|occurrence| occurrence.observer)
}

/// What came of the comparisons of the procedure that concern a role, with the requirement of each.
pub(crate) fn of_role<'a>(
    header: &'a Header,
    observed: &Observed,
    role: Role,
    place: &Place,
) -> impl Iterator<Item = (&'a RequirementId, Outcome)> {
    let all = header.procedure.equal.iter();
    all.flat_map(|equality| equality.fields.iter().map(|other| (&equality.reference, other)))
        .filter(move |(_, other)| match &other.field {
            FieldRef::Message(message, _) => view::sender(header, *message) == Some(role),
            FieldRef::Given(_) => false,
        })
        .map(move |(reference, other)| {
            let EqualField {
                field,
                requirement,
                relation,
            } = other;
            let compared = (reference, field, *relation);
            let outcome = judge(header, observed, compared, requirement, Some(place));
            (requirement, outcome)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(nodes: &[&str]) -> BTreeSet<String> {
        nodes.iter().map(|node| (*node).to_owned()).collect()
    }

    /// Whether nodes are as a part of the tree has them: none outside, and something of each.
    fn of(parts: &[&str], nodes: &[&str]) -> (bool, bool) {
        let field = "8/nodes".parse().expect("it is a field");
        let agree = |relation| agree(&field, relation, &set(parts), &set(nodes));
        (agree(Relation::Within), agree(Relation::Same))
    }

    #[test]
    fn a_node_below_a_part_of_the_tree_is_part_of_it_and_its_neighbour_is_not() {
        let parts = ["./Com", "./Net"];
        assert_eq!(of(&parts, &["./Com", "./Com/Name", "./Net"]), (true, true));
        assert_eq!(of(&parts, &["./Com/Name", "./Net/Name"]), (true, true));
        assert_eq!(of(&parts, &["./Com", "./Company/Name", "./Net"]), (false, false));
        assert_eq!(
            of(&["./Com", "./Com/VPN"], &["./Com", "./Com/VPN/x"]),
            (true, true)
        );
        assert_eq!(of(&["."], &["./Com"]), (true, true));
    }

    #[test]
    fn a_part_that_is_not_reached_is_no_node_outside() {
        assert_eq!(of(&["./Com", "./Net"], &["./Com"]), (true, false));
    }

    fn judge_of_a_good_delegation(tree: &[&str]) -> crate::Judge {
        let good = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
        let mut transcript = crate::read(good).expect("the transcript is whole");
        transcript.header.case.given.tree = tree.iter().map(|node| (*node).to_owned()).collect();
        let mut judge = crate::Judge::new(transcript.header);
        transcript.records.iter().for_each(|record| judge.feed(record));
        judge
    }

    #[test]
    fn a_case_proves_nothing_where_the_product_delegates_something_else_than_it_gives() {
        let fields = ["given/tree-part", "2/tree-part"].map(|field| field.parse().expect("it is a field"));
        let of = |tree: &[&str]| {
            let judge = judge_of_a_good_delegation(tree);
            premise(judge.header(), judge.observed(), &fields)
        };
        assert!(matches!(of(&["./Com"]), Outcome::Held(checks) if checks.is_empty()));
        let Outcome::Unreached(why) = of(&["./Com", "./Net"]) else {
            panic!("one part is not two")
        };
        insta::assert_snapshot!(why, @"the case is about given/tree-part = `./Com`, `./Net`, and 2/tree-part is `./Com`");
    }

    #[test]
    fn what_is_no_place_in_the_tree_is_the_same_or_not() {
        let field = "6/address".parse().expect("it is a field");
        assert!(!agree(&field, Relation::Same, &set(&["./a"]), &set(&["./a/b"])));
    }

    #[test]
    fn what_is_there_among_others_is_included_and_not_the_same() {
        let field = "5.answer/server".parse().expect("it is a field");
        let agree = |relation, found: &[&str]| agree(&field, relation, &set(&["dms2"]), &set(found));
        assert!(agree(Relation::Includes, &["dms2", "other"]));
        assert!(!agree(Relation::Same, &["dms2", "other"]));
        assert!(!agree(Relation::Includes, &["other"]));
    }
}
