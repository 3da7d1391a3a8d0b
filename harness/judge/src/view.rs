//! Small questions that every rule asks about a transcript.

use std::collections::BTreeSet;

use dmconform_case::field::{FieldRef, Given};
use dmconform_model::{MessageId, Role, Step};

use crate::header::Header;
use crate::observed::Observed;
use crate::occurrence::Occurrence;
use crate::package::from_root;

/// Whether step 8b takes place: DMS-1 was to do it, or did it.
pub(crate) fn with_removal(header: &Header, observed: &Observed) -> bool {
    header.case.given.removes_account
        || observed
            .all(MessageId::request(Step::AccountRemoval))
            .next()
            .is_some()
}

/// Who sends a message in this case.
pub(crate) fn sender(header: &Header, message: MessageId) -> Option<Role> {
    header.procedure.sender(message, header.case.given.opens)
}

/// A message with its name, as findings call it: `step 8 (ACL update)`.
pub(crate) fn called(header: &Header, message: MessageId) -> String {
    let name = header.procedure.name(message);
    match message.part {
        dmconform_model::Part::Request => format!("step {} ({name})", message.step),
        dmconform_model::Part::Answer => format!("the answer of step {} ({name})", message.step),
    }
}

/// The values of a field over all occurrences of its message, with the records they are in.
pub(crate) fn values(header: &Header, observed: &Observed, field: &FieldRef) -> (BTreeSet<String>, Vec<u64>) {
    match field {
        FieldRef::Given(given) => (given_values(header, *given), Vec::new()),
        FieldRef::Message(message, name) => {
            let mut values = BTreeSet::new();
            let mut records = Vec::new();
            for occurrence in observed.all(*message).filter(|occurrence| occurrence.accepted) {
                let found = occurrence.values(name);
                if !found.is_empty() {
                    records.push(occurrence.seq);
                    values.extend(found.into_iter().map(|value| as_compared(name, value)));
                }
            }
            (values, records)
        }
    }
}

/// A value as it is compared: places in the device's tree from the root, however they are written.
fn as_compared(field: &str, value: &str) -> String {
    match field {
        "tree-part" | "nodes" => from_root(value).into_owned(),
        _ => value.to_owned(),
    }
}

fn given_values(header: &Header, given: Given) -> BTreeSet<String> {
    let parties = &header.parties;
    let one = |text: &String| BTreeSet::from([text.clone()]);
    match given {
        Given::Dms1ServerId => one(&parties.dms_1),
        Given::Dms2ServerId => one(&parties.dms_2),
        Given::Dms2Address => {
            let endpoints = header.endpoints.get(&Role::Dms2);
            endpoints
                .and_then(|endpoints| endpoints.dm.clone())
                .into_iter()
                .collect()
        }
        Given::Device => one(&parties.device),
        Given::Manufacturer => one(&parties.manufacturer),
        Given::Model => one(&parties.model),
        Given::TreePart => {
            let parts = header.case.given.tree.iter();
            parts.map(|part| as_compared("tree-part", part)).collect()
        }
        Given::DelegationType => BTreeSet::from([header.case.given.delegation_type.as_str().to_owned()]),
    }
}

/// Whether a node is a part of the device's tree, or below it.
pub(crate) fn is_within(node: &str, part: &str) -> bool {
    let below = node.strip_prefix(part);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A set of values as text: `a, b`, or `nothing`.
pub(crate) fn list<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for value in values {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push('`');
        text.push_str(value.as_ref());
        text.push('`');
    }
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text
    }
}

/// Whether DMS-2's answer of step 6 takes the session: a Status for everything, and its own credentials. Of those only the
/// client can tell whether they are right; what a real one makes of them is its next message.
pub(crate) fn takes_session(header: &Header, answer: &Occurrence) -> bool {
    let is = |field: &str, value: &str| answer.values(field).contains(value);
    is("statuses", "complete") && (header.is_real(Role::DmClient) || is("authentication", "verified"))
}
