//! Sequence diagrams of the procedure and of cases.
//!
//! They are made from the procedure's data file, so that diagram and behaviour cannot disagree.

use dmconform_model::diagram::{Diagram, Lifeline, Line};
use dmconform_model::{MessageId, Part, Role};

use crate::course::{self, Manner, spoken_of};
use crate::procedure::Procedure;
use crate::test_case::{Expectation, How, Opener, TestCase, What};
use crate::words;

/// The diagram of the procedure; `opener` says which of the two servers is drawn as the opener.
pub fn of_procedure(procedure: &Procedure, opener: Opener) -> Diagram {
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
    Diagram {
        title: procedure.title.clone(),
        lifelines,
        lines,
    }
}

/// The diagram of a case: the procedure, with changes and expectations as notes.
pub fn of_case(procedure: &Procedure, case: &TestCase) -> Diagram {
    let lifelines = Role::ALL
        .map(|role| Lifeline {
            role,
            judged: Some(case.iut.contains(&role)),
        })
        .to_vec();
    let mut lines = vec![tls_note(procedure, case.given.opens)];
    let shown: Vec<MessageId> = course::of_case(procedure, case, case.given.removes_account)
        .into_iter()
        .filter(|expected| expected.manner != Manner::Refuses)
        .map(|expected| expected.message)
        .collect();
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
    Diagram {
        title: format!("{}: {}", case.id, case.title),
        lifelines,
        lines,
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

/// The expectations of a case, each with the message that its note belongs to, and whether it stands before it.
struct Placed<'a> {
    at: Option<MessageId>,
    before: bool,
    expectation: &'a Expectation,
}

fn placed<'a>(case: &'a TestCase, shown: &[MessageId]) -> Vec<Placed<'a>> {
    let position = |message: &MessageId| shown.iter().position(|other| other == message);
    let last = |what: &What| spoken_of(what).into_iter().max_by_key(position);
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
