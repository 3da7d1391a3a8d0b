//! Ladders drawn: what was expected and what was observed side by side, or as one sequence of messages.

use std::collections::BTreeSet;

use dmconform_model::diagram::{Diagram, Lifeline, Line};
use dmconform_model::ladder::{Happening, Manner, MessageRow, Played, Row, Standing};
use dmconform_model::result::Arrow;
use dmconform_model::{Ladder, MessageId, Part, Role};

use crate::diagram::svg::{Cell, Panel, Sheet, SheetRow, Stroke, Tone};
use crate::wording::{clean, moment, shortened};

/// How much of a remark fits a drawing.
const REMARK: usize = 160;

/// A part of a drawn ladder.
pub(crate) struct Drawn {
    pub(crate) sheet: Sheet,
    /// What it is called when it is folded, as what only follows from something else is.
    pub(crate) folded_as: Option<String>,
}

/// Both sides of a ladder, in parts from top to bottom. `anchor` begins the addresses of its evidence.
pub(crate) fn side_by_side(ladder: &Ladder, anchor: &str) -> Vec<Drawn> {
    let lifelines: Vec<(Role, Option<Played>)> = ladder
        .lanes
        .iter()
        .map(|lane| (lane.role, Some(lane.played)))
        .collect();
    let shown = Shown::of(ladder, anchor);
    let sheet = |rows: &[usize], is_headed| Sheet {
        label: "expected and observed sequence".to_owned(),
        panels: vec![
            Panel {
                title: "expected",
                lifelines: lifelines.clone(),
            },
            Panel {
                title: "observed",
                lifelines: lifelines.clone(),
            },
        ],
        is_headed,
        rows: rows
            .iter()
            .map(|index| shown.row(*index, &ladder.rows[*index]))
            .collect(),
    };
    let parts = parts(ladder);
    let parts = parts.iter().enumerate();
    parts
        .map(|(number, (rows, is_consequence))| Drawn {
            sheet: sheet(rows, number == 0),
            folded_as: is_consequence.then(|| consequences(ladder, rows)),
        })
        .collect()
}

/// The rows in parts: those that only follow from another one apart, where they are several.
fn parts(ladder: &Ladder) -> Vec<(Vec<usize>, bool)> {
    let mut parts: Vec<(Vec<usize>, bool)> = Vec::new();
    for (index, row) in ladder.rows.iter().enumerate() {
        let is_consequence = is_consequence(row);
        match parts.last_mut() {
            Some((rows, known)) if *known == is_consequence => rows.push(index),
            _ => parts.push((vec![index], is_consequence)),
        }
    }
    // One row is not worth folding; nor can a ladder begin with a fold.
    let mut joined: Vec<(Vec<usize>, bool)> = Vec::new();
    for (rows, is_consequence) in parts {
        let folds = is_consequence && rows.len() > 1 && !joined.is_empty();
        match joined.last_mut() {
            Some((known, false)) if !folds => known.extend(rows),
            _ => joined.push((rows, folds)),
        }
    }
    joined
}

fn is_consequence(row: &Row) -> bool {
    match row {
        Row::Message(row) => {
            let follows = row.follows.is_some() && row.standing != Standing::CameEarlier;
            row.findings.is_empty() && (follows || row.standing == Standing::NotReached)
        }
        Row::Happening(_) => false,
    }
}

/// What is folded, in words.
fn consequences(ladder: &Ladder, rows: &[usize]) -> String {
    let messages = rows.iter().filter_map(|index| match &ladder.rows[*index] {
        Row::Message(row) => Some(row),
        Row::Happening(_) => None,
    });
    let messages: Vec<&MessageRow> = messages.collect();
    let ends = match (messages.first(), messages.last()) {
        (Some(first), Some(last)) => format!("{} … {}", first.message, last.message),
        _ => String::new(),
    };
    let is_after = ladder.first_divergence.is_some();
    let why = match messages.iter().all(|row| row.standing == Standing::NotReached) {
        true if is_after => "were not reached after that",
        true => "were not reached",
        false => "only follow from that",
    };
    format!("{ends}: {} messages {why}", messages.len())
}

/// A part of a ladder that is shown as one.
pub(crate) enum Piece<'a> {
    /// A row, with its number.
    Row(usize, &'a Row),
    /// Messages that were not reached, in order.
    NotReached(Vec<&'a MessageRow>),
}

/// The rows of a ladder, with what only follows from something else folded.
pub(crate) fn folded(ladder: &Ladder) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (index, row) in ladder.rows.iter().enumerate() {
        let not_reached = match row {
            Row::Message(row) if row.standing == Standing::NotReached && row.findings.is_empty() => Some(row),
            _ => None,
        };
        match (not_reached, pieces.last_mut()) {
            (Some(row), Some(Piece::NotReached(rows))) => rows.push(row),
            (Some(row), _) => pieces.push(Piece::NotReached(vec![row])),
            (None, _) => pieces.push(Piece::Row(index, row)),
        }
    }
    pieces
}

/// Messages that were not reached, in words.
pub(crate) fn not_reached(rows: &[&MessageRow]) -> String {
    match rows {
        [] => String::new(),
        [one] => format!("{} was not reached", titled(one)),
        [first, .., last] => format!(
            "{} … {}: {} messages were not reached",
            first.message,
            last.message,
            rows.len()
        ),
    }
}

/// A message by number and name.
pub(crate) fn titled(row: &MessageRow) -> String {
    match row.message.part {
        Part::Request => format!("{} {}", row.message, clean(&row.name)),
        Part::Answer => format!("{}: {}", row.message, clean(&row.name)),
    }
}

/// What a row comes to, and where the first breach is.
pub(crate) fn remarks(ladder: &Ladder, index: usize, row: &MessageRow) -> Vec<String> {
    let mut remarks = Vec::new();
    if ladder.first_divergence == Some(index) {
        remarks.push("first divergence".to_owned());
    }
    match (row.expected, &row.observed, row.standing) {
        (Some(Manner::IsLeftOut), None, _) => remarks.push("left out".to_owned()),
        (Some(Manner::Refuses), _, Standing::Matched) => remarks.push("refused, as expected".to_owned()),
        (_, _, Standing::Matched) => {}
        (_, _, standing) => remarks.push(standing.as_str().to_owned()),
    }
    if row.follows.is_some() && row.standing != Standing::CameEarlier {
        remarks.push("consequence".to_owned());
    }
    remarks
}

/// A ladder with the addresses of its evidence.
struct Shown<'a> {
    ladder: &'a Ladder,
    anchor: &'a str,
    /// The records that there is an exhibit of.
    exhibited: BTreeSet<u64>,
}

impl<'a> Shown<'a> {
    fn of(ladder: &'a Ladder, anchor: &'a str) -> Self {
        let exhibited = ladder.exhibits.iter().map(|exhibit| exhibit.record).collect();
        Self {
            ladder,
            anchor,
            exhibited,
        }
    }

    fn row(&self, index: usize, row: &Row) -> SheetRow {
        match row {
            Row::Message(row) => self.message(index, row),
            Row::Happening(happening) => self.happening(index, happening),
        }
    }

    fn message(&self, index: usize, row: &MessageRow) -> SheetRow {
        let remarks = remarks(self.ladder, index, row);
        let is_first = self.ladder.first_divergence == Some(index);
        let tone = if is_first || !row.findings.is_empty() {
            Tone::Bad
        } else if row.follows.is_some()
            || matches!(
                row.standing,
                Standing::Besides | Standing::Refused | Standing::NotReached
            )
        {
            Tone::Quiet
        } else if row.standing.departs() {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let seen = row.observed.as_ref();
        let called = [titled(row), format!("{} to {}", row.from.title(), row.to.title())];
        let note = seen.map(|seen| clean(&seen.note)).filter(|note| !note.is_empty());
        let called: Vec<String> = called
            .into_iter()
            .chain(remarks.iter().cloned())
            .chain(note)
            .collect();
        SheetRow {
            cells: vec![expected_cell(row), observed_cell(row)],
            between: remarks
                .into_iter()
                .chain(seen.map(|seen| moment(seen.at_us)))
                .collect(),
            tone,
            is_marked: is_first,
            link: self
                .link(seen.map(|seen| seen.record), &row.findings)
                .map(|to| (to, format!("{}: to the evidence", called.join(", ")))),
        }
    }

    fn happening(&self, index: usize, happening: &Happening) -> SheetRow {
        let is_first = self.ladder.first_divergence == Some(index);
        let text = shortened(&clean(&happening.text), REMARK);
        let mut between = vec![moment(happening.at_us)];
        if is_first {
            between.insert(0, "first divergence".to_owned());
        }
        SheetRow {
            cells: vec![
                None,
                Some(Cell::Note {
                    over: happening.over,
                    text: text.clone(),
                }),
            ],
            between,
            tone: if is_first || !happening.findings.is_empty() {
                Tone::Bad
            } else {
                Tone::Plain
            },
            is_marked: is_first,
            link: self
                .link(Some(happening.record), &happening.findings)
                .map(|to| (to, format!("{text}: to the evidence"))),
        }
    }

    fn link(&self, record: Option<u64>, findings: &[usize]) -> Option<String> {
        let exhibit = record.filter(|record| self.exhibited.contains(record));
        exhibit
            .map(|record| format!("#{}-r{record}", self.anchor))
            .or_else(|| {
                findings
                    .first()
                    .map(|number| format!("#{}-f{number}", self.anchor))
            })
    }
}

fn expected_cell(row: &MessageRow) -> Option<Cell> {
    let manner = row.expected?;
    let label = match manner {
        Manner::Refuses => format!("{}: refusal", row.message),
        Manner::Comes | Manner::IsLeftOut => titled(row),
    };
    Some(Cell::Arrow {
        from: row.from,
        to: row.to,
        label,
        stroke: stroke(row.message),
        is_lost: manner == Manner::IsLeftOut,
    })
}

fn observed_cell(row: &MessageRow) -> Option<Cell> {
    let is_gone = matches!(row.standing, Standing::Missing) && row.observed.is_none();
    if row.observed.is_none() && !is_gone {
        return None;
    }
    Some(Cell::Arrow {
        from: row.from,
        to: row.to,
        label: if is_gone {
            "did not come".to_owned()
        } else {
            titled(row)
        },
        stroke: if is_gone {
            Stroke::Dotted
        } else {
            stroke(row.message)
        },
        is_lost: is_gone,
    })
}

fn stroke(message: MessageId) -> Stroke {
    match message.part {
        Part::Request => Stroke::Whole,
        Part::Answer => Stroke::Dashed,
    }
}

/// What was observed where all of it was as expected: one panel.
pub(crate) fn observed(arrows: &[Arrow], iut: &[Role]) -> Sheet {
    let lifelines = Role::ALL.map(|role| {
        let judged = iut.contains(&role).then_some(Played::Judged);
        (role, judged)
    });
    let rows = arrows.iter().map(|arrow| SheetRow {
        cells: vec![Some(Cell::Arrow {
            from: arrow.from,
            to: arrow.to,
            label: match arrow.message.part {
                Part::Request => format!("{} {}", arrow.message, arrow.message.step.title()),
                Part::Answer => arrow.message.to_string(),
            },
            stroke: stroke(arrow.message),
            is_lost: false,
        })],
        ..SheetRow::default()
    });
    Sheet {
        label: "observed sequence".to_owned(),
        panels: vec![Panel {
            title: "",
            lifelines: lifelines.to_vec(),
        }],
        is_headed: true,
        rows: rows.collect(),
    }
}

/// A ladder as one sequence, for what draws no two side by side: what was observed, with what was expected as remarks.
pub(crate) fn sequence(ladder: &Ladder, title: &str) -> Diagram {
    let lifelines = ladder.lanes.iter().map(|lane| Lifeline {
        role: lane.role,
        judged: Some(lane.played == Played::Judged),
    });
    let mut lines = Vec::new();
    for piece in folded(ladder) {
        match piece {
            Piece::NotReached(rows) => lines.push(Line::Note {
                over: (Role::DmClient, Role::BootstrapServer),
                text: not_reached(&rows),
            }),
            Piece::Row(index, Row::Message(row)) => {
                let remarks = remarks(ladder, index, row);
                if row.standing != Standing::CameEarlier {
                    lines.push(Line::Arrow {
                        from: row.from,
                        to: row.to,
                        label: titled(row),
                        answer: row.message.part == Part::Answer,
                        omitted: row.observed.is_none(),
                    });
                }
                if !remarks.is_empty() {
                    let name = if row.standing == Standing::CameEarlier {
                        format!("expected here: {}: ", titled(row))
                    } else {
                        String::new()
                    };
                    lines.push(Line::Note {
                        over: (row.from.min(row.to), row.from.max(row.to)),
                        text: format!("{name}{}", remarks.join(", ")),
                    });
                }
            }
            Piece::Row(index, Row::Happening(happening)) => {
                let first = if ladder.first_divergence == Some(index) {
                    "first divergence: "
                } else {
                    ""
                };
                lines.push(Line::Note {
                    over: happening.over,
                    text: format!("{first}{}", shortened(&clean(&happening.text), REMARK)),
                });
            }
        }
    }
    Diagram {
        title: title.to_owned(),
        lifelines: lifelines.collect(),
        lines,
    }
}
