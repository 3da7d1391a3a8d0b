//! The course that a case expects: which messages of the procedure pass, and in which manner.

use std::collections::BTreeSet;

use dmconform_model::{MessageId, Part};

pub use dmconform_model::ladder::Manner;

use crate::field::FieldRef;
use crate::procedure::Procedure;
use crate::test_case::{Change, How, TestCase, What};

/// A message that a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Which.
    pub message: MessageId,
    /// In which manner.
    pub manner: Manner,
}

/// What passes when the judged roles do what the case expects, in the order of the figure. Step 8b is part of it where
/// `with_removal` says so, or the case speaks of it.
pub fn of_case(procedure: &Procedure, case: &TestCase, with_removal: bool) -> Vec<Expected> {
    let optional = |message: &MessageId| procedure.step(message.step).is_some_and(|step| step.optional);
    let changed = case.changes.iter().map(|change| change.at);
    let spoken_of = case
        .expect
        .iter()
        .flat_map(|expectation| spoken_of(&expectation.what));
    let with_removal = with_removal || changed.chain(spoken_of).any(|message| optional(&message));
    let mut kept_away: BTreeSet<MessageId> = BTreeSet::new();
    let mut refused: BTreeSet<MessageId> = BTreeSet::new();
    for expectation in &case.expect {
        match &expectation.what {
            What::Never { message, until: None } => {
                kept_away.insert(*message);
            }
            // What somebody else says besides is refused, and the delegation goes on.
            What::Refuse(message) if !is_besides(case, *message) => {
                refused.insert(*message);
            }
            _ => {}
        }
    }
    let mut course = Vec::new();
    // What follows something that does not come does not come either; the figure's order makes one pass enough.
    for message in procedure.messages(with_removal) {
        let earlier = procedure.predecessors(message, with_removal);
        let manner = if !kept_away.contains(&message) && kept_away.is_disjoint(&earlier) {
            if refused.is_disjoint(&earlier) {
                Some(own_manner(case, message))
            } else {
                // The answer to a refused request says so; nothing answers a refused answer.
                (message.part == Part::Answer).then_some(Manner::Refuses)
            }
        } else {
            None
        };
        if manner.is_none_or(|manner| manner == Manner::Refuses) {
            kept_away.insert(message);
        }
        course.extend(manner.map(|manner| Expected { message, manner }));
    }
    course
}

fn own_manner(case: &TestCase, message: MessageId) -> Manner {
    let mut own = case.changes.iter().filter(|change| change.at == message);
    if own.any(|change| change.how == How::Omit) {
        Manner::IsLeftOut
    } else {
        Manner::Comes
    }
}

/// Whether a change of a message leaves the message itself as it is.
fn is_besides(case: &TestCase, message: MessageId) -> bool {
    let besides = |change: &Change| {
        matches!(
            change.how,
            How::FromThirdServer | How::Forged | How::ResumedByThirdServer | How::Replayed | How::Repeat(_)
        )
    };
    let mut own = case
        .changes
        .iter()
        .filter(|change| change.at == message)
        .peekable();
    own.peek().is_some() && own.all(besides)
}

/// The messages that an expectation speaks of.
pub fn spoken_of(what: &What) -> Vec<MessageId> {
    match what {
        What::Procedure | What::Secured | What::Sessions(_) | What::Survives | What::FetchesNothing => {
            Vec::new()
        }
        What::Step { message, .. } | What::Refuse(message) | What::Serves(message) => vec![*message],
        What::Never { message, until } => until.iter().copied().chain([*message]).collect(),
        What::Equal(fields) | What::Premise(fields) => fields
            .iter()
            .filter_map(|field| match field {
                FieldRef::Message(message, _) => Some(*message),
                FieldRef::Given(_) => None,
            })
            .collect(),
        What::State(state) => vec![state.after],
        What::OneOf(alternatives) => alternatives
            .iter()
            .flat_map(|alternative| spoken_of(&alternative.what))
            .collect(),
    }
}
