//! Values that must be the same wherever they are carried.

use std::collections::BTreeSet;

use dmconform_case::field::FieldRef;
use dmconform_model::{FindingCode, MessageId, Place, RequirementId, Role, Step};

use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::Observed;
use crate::view;

/// Judges that a field has the values of its reference; the sender of the field's message is to blame.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    reference: &FieldRef,
    field: &FieldRef,
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
    if expected == found || (is_of_nodes(field) && without_parts(&found, &expected) == expected) {
        return held(
            requirement,
            format!("{field} is {reference}: {}", view::list(&found)),
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

/// Whether a field holds places in the device's tree.
fn is_of_nodes(field: &FieldRef) -> bool {
    matches!(field, FieldRef::Message(_, name) if name == "nodes")
}

/// The nodes without those below one that is expected, which is a part of the tree with all in it: a child that has an ACL of its own
/// is not reached by that of its parent (OMA-TS-DM_TND 7.7.1.3).
fn without_parts(nodes: &BTreeSet<String>, expected: &BTreeSet<String>) -> BTreeSet<String> {
    let is_part = |node: &String| {
        let mut parts = expected.iter();
        parts.any(|part| {
            node.strip_prefix(part.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let mut nodes = nodes.clone();
    nodes.retain(|node| expected.contains(node) || !is_part(node));
    nodes
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

/// The field comparisons of the procedure that concern a role: reference, field, requirement.
pub(crate) fn of_role(
    header: &Header,
    role: Role,
) -> impl Iterator<Item = (&FieldRef, &FieldRef, &RequirementId, Step)> {
    header.procedure.equal.iter().flat_map(move |equality| {
        equality
            .fields
            .iter()
            .filter_map(move |other| match &other.field {
                FieldRef::Message(message, _) if view::sender(header, *message) == Some(role) => Some((
                    &equality.reference,
                    &other.field,
                    &other.requirement,
                    message.step,
                )),
                _ => None,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_below_a_part_of_the_tree_is_part_of_it_and_its_neighbour_is_not() {
        let set = |nodes: &[&str]| {
            nodes
                .iter()
                .map(|node| (*node).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let parts = set(&["./Com", "./Net"]);
        assert_eq!(
            without_parts(&set(&["./Com", "./Com/Name", "./Net"]), &parts),
            parts
        );
        let nested = set(&["./Com", "./Com/VPN"]);
        assert_eq!(
            without_parts(&set(&["./Com", "./Com/VPN", "./Com/VPN/x"]), &nested),
            nested
        );
        let other = set(&["./Com", "./Company/Name"]);
        assert_eq!(without_parts(&other, &parts), other);
    }
}
