//! Sequence diagrams of the procedure and of cases, as Mermaid and as plain text.
//!
//! Both are printed from the procedure's data file, so that diagram and behaviour cannot disagree.

mod mermaid;
mod text;

use std::collections::BTreeSet;

use dmconform_model::{MessageId, Part, Role};

use crate::field::FieldRef;
use crate::procedure::Procedure;
use crate::test_case::{Expectation, How, Opener, TestCase, What};
use crate::words;

/// A sequence diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// Its title.
    pub title: String,
    /// The lifelines, from left to right.
    pub lifelines: Vec<Lifeline>,
    /// What passes, from top to bottom.
    pub lines: Vec<Line>,
}

/// A role in a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifeline {
    /// The role.
    pub role: Role,
    /// Whether it is judged; absent where the diagram is of no case.
    pub judged: Option<bool>,
}

/// One line of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A message.
    Arrow {
        /// Who sends it.
        from: Role,
        /// Who receives it.
        to: Role,
        /// Its number and name.
        label: String,
        /// Whether it is an answer.
        answer: bool,
        /// Whether it is kept from coming.
        omitted: bool,
    },
    /// A remark over some lifelines.
    Note {
        /// The outermost lifelines it is about.
        over: (Role, Role),
        /// What it says.
        text: String,
    },
    /// An optional step begins.
    OptionBegins(String),
    /// An optional step ends.
    OptionEnds,
}

impl Diagram {
    /// The diagram of the procedure; `opener` says which of the two servers is drawn as the opener.
    pub fn of_procedure(procedure: &Procedure, opener: Opener) -> Self {
        let lifelines = Role::ALL.map(|role| Lifeline { role, judged: None }).to_vec();
        let mut lines = vec![tls_note(procedure, opener)];
        for step in &procedure.steps {
            let from_either = step.from.role(Opener::Dms1) != step.from.role(Opener::Dms2);
            if from_either {
                let (from, to) = (step.from.role(opener), step.to.role(opener));
                lines.push(Line::Note {
                    over: ordered(from, to),
                    text: "either server may open".to_owned(),
                });
            }
            if step.optional {
                lines.push(Line::OptionBegins(format!("optional: {}", step.name)));
            }
            for part in [Part::Request, Part::Answer] {
                let message = MessageId {
                    step: step.step,
                    part,
                };
                lines.extend(arrow(procedure, message, opener, false));
            }
            if step.optional {
                lines.push(Line::OptionEnds);
            }
        }
        Self {
            title: procedure.title.clone(),
            lifelines,
            lines,
        }
    }

    /// The diagram of a case: the procedure, with changes and expectations as notes.
    pub fn of_case(procedure: &Procedure, case: &TestCase) -> Self {
        let lifelines = Role::ALL
            .map(|role| Lifeline {
                role,
                judged: Some(case.iut.contains(&role)),
            })
            .to_vec();
        let mut lines = vec![tls_note(procedure, case.given.opens)];
        let shown = shown(procedure, case);
        let mut notes = placed(case, &shown);
        for message in shown {
            lines.extend(case_lines(procedure, case, message, &mut notes));
        }
        for placed in notes {
            lines.push(Line::Note {
                over: (Role::DmClient, Role::BootstrapServer),
                text: expected(procedure, placed.expectation),
            });
        }
        Self {
            title: format!("{}: {}", case.id, case.title),
            lifelines,
            lines,
        }
    }

    /// The diagram in the language of Mermaid.
    pub fn mermaid(&self) -> String {
        mermaid::render(self)
    }

    /// The diagram as plain text, at most 100 characters wide.
    pub fn text(&self) -> String {
        text::render(self)
    }
}

/// Step 1 is no message of its own: it is every connection between the servers.
fn tls_note(procedure: &Procedure, opener: Opener) -> Line {
    let servers = [Role::Dms1, Role::Dms2];
    let carried: Vec<&str> = procedure
        .steps
        .iter()
        .filter(|step| servers.contains(&step.from.role(opener)) && servers.contains(&step.to.role(opener)))
        .map(|step| step.step.as_str())
        .collect();
    Line::Note {
        over: (Role::Dms1, Role::Dms2),
        text: format!("1 TLS connection setup, for {}", carried.join(", ")),
    }
}

fn arrow(procedure: &Procedure, message: MessageId, opener: Opener, omitted: bool) -> Option<Line> {
    let name = procedure.name(message);
    Some(Line::Arrow {
        from: procedure.sender(message, opener)?,
        to: procedure.receiver(message, opener)?,
        label: match message.part {
            Part::Request => format!("{} {name}", message.step),
            Part::Answer => name.to_owned(),
        },
        answer: message.part == Part::Answer,
        omitted,
    })
}

/// The messages that pass when the judged roles do what the case expects.
fn shown(procedure: &Procedure, case: &TestCase) -> Vec<MessageId> {
    let optional = |message: &MessageId| procedure.step(message.step).is_some_and(|step| step.optional);
    let changed = case.changes.iter().map(|change| change.at);
    let expected = case
        .expect
        .iter()
        .flat_map(|expectation| messages(&expectation.what));
    let with_removal =
        case.given.removes_account || changed.chain(expected).any(|message| optional(&message));
    let mut kept_away: BTreeSet<MessageId> = BTreeSet::new();
    for expectation in &case.expect {
        match &expectation.what {
            What::Never { message, until: None } => {
                kept_away.insert(*message);
            }
            What::Refuse(message) if message.part == Part::Request => {
                kept_away.insert(MessageId::answer(message.step));
            }
            _ => {}
        }
    }
    let mut shown = Vec::new();
    // What follows something that does not come does not come either; the figure's order makes one pass enough.
    for message in procedure.messages(with_removal) {
        let earlier = procedure.predecessors(message, with_removal);
        if kept_away.contains(&message) || !kept_away.is_disjoint(&earlier) {
            kept_away.insert(message);
        } else {
            shown.push(message);
        }
    }
    shown
}

/// The expectations of a case, each with the message that its note belongs to, and whether it stands before it.
struct Placed<'a> {
    at: Option<MessageId>,
    before: bool,
    expectation: &'a Expectation,
}

fn placed<'a>(case: &'a TestCase, shown: &[MessageId]) -> Vec<Placed<'a>> {
    let position = |message: &MessageId| shown.iter().position(|other| other == message);
    let last = |what: &What| messages(what).into_iter().max_by_key(position);
    let place = |expectation: &'a Expectation| {
        let (at, before) = match &expectation.what {
            What::Procedure | What::Secured | What::Sessions(_) => (shown.first().copied(), true),
            What::Survives | What::FetchesNothing => (shown.last().copied(), false),
            What::Never {
                until: Some(until), ..
            } => (Some(*until), true),
            // What opens the window is the last change.
            What::Never { message, until: None } => {
                let opened = case.changes.iter().map(|change| change.at).max_by_key(position);
                (opened.or(Some(*message)), false)
            }
            what => (last(what), false),
        };
        Placed {
            at: at.filter(|message| shown.contains(message)),
            before,
            expectation,
        }
    };
    case.expect.iter().map(place).collect()
}

/// The messages that an expectation speaks of.
fn messages(what: &What) -> Vec<MessageId> {
    match what {
        What::Procedure | What::Secured | What::Sessions(_) | What::Survives | What::FetchesNothing => {
            Vec::new()
        }
        What::Step { message, .. } | What::Refuse(message) | What::Serves(message) => vec![*message],
        What::Never { message, until } => until.iter().copied().chain([*message]).collect(),
        What::Equal(fields) => fields
            .iter()
            .filter_map(|field| match field {
                FieldRef::Message(message, _) => Some(*message),
                FieldRef::Given(_) => None,
            })
            .collect(),
        What::State(state) => vec![state.after],
        What::OneOf(alternatives) => alternatives
            .iter()
            .flat_map(|alternative| messages(&alternative.what))
            .collect(),
    }
}

fn case_lines(
    procedure: &Procedure,
    case: &TestCase,
    message: MessageId,
    notes: &mut Vec<Placed<'_>>,
) -> Vec<Line> {
    let opener = case.given.opens;
    let parties = procedure
        .sender(message, opener)
        .zip(procedure.receiver(message, opener));
    let Some((from, to)) = parties else {
        return Vec::new();
    };
    let note = |text: String| Line::Note {
        over: ordered(from, to),
        text,
    };
    let mut lines = Vec::new();
    let mut take = |before: bool, lines: &mut Vec<Line>| {
        notes.retain(|placed| {
            let here = placed.at == Some(message) && placed.before == before;
            if here {
                lines.push(note(expected(procedure, placed.expectation)));
            }
            !here
        });
    };
    let changes: Vec<&How> = case
        .changes
        .iter()
        .filter(|change| change.at == message)
        .map(|change| &change.how)
        .collect();
    for how in &changes {
        lines.push(note(format!("changed: {message} {}", words::how(how))));
    }
    take(true, &mut lines);
    let omitted = changes.iter().any(|how| matches!(how, How::Omit));
    lines.extend(arrow(procedure, message, opener, omitted));
    take(false, &mut lines);
    lines
}

fn expected(procedure: &Procedure, expectation: &Expectation) -> String {
    let what = words::expected(procedure, &expectation.what);
    format!("expected: {what} ({})", expectation.requirement)
}

/// Two lifelines from left to right.
fn ordered(one: Role, other: Role) -> (Role, Role) {
    (one.min(other), one.max(other))
}
