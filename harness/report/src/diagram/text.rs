//! Diagrams as plain text.

use dmconform_model::Role;
use dmconform_model::diagram::{Diagram, Line};
use dmconform_model::plain::{length, wrapped};

/// How wide a diagram is, in characters.
const WIDTH: usize = 100;
/// The column of the first lifeline, and the distance between two.
const FIRST: usize = 9;
const DISTANCE: usize = 27;

/// The diagram as plain text, at most 100 characters wide.
pub fn write(diagram: &Diagram) -> String {
    let canvas = Canvas {
        columns: diagram
            .lifelines
            .iter()
            .enumerate()
            .map(|(index, lifeline)| (lifeline.role, FIRST + index * DISTANCE))
            .collect(),
    };
    let mut lines = wrapped(&diagram.title, WIDTH);
    lines.push(String::new());
    lines.push(canvas.header(|index| diagram.lifelines[index].role.title().to_owned()));
    if diagram.lifelines.iter().any(|lifeline| lifeline.judged.is_some()) {
        lines.push(canvas.header(|index| {
            let judged = diagram.lifelines[index].judged == Some(true);
            if judged { "judged" } else { "mock" }.to_owned()
        }));
    }
    lines.push(canvas.lifelines());
    for line in &diagram.lines {
        canvas.line(line, &mut lines);
    }
    lines.push(canvas.lifelines());
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

struct Canvas {
    columns: Vec<(Role, usize)>,
}

impl Canvas {
    fn column(&self, role: Role) -> usize {
        let found = self.columns.iter().find(|(known, _)| *known == role);
        found.map_or(FIRST, |(_, column)| *column)
    }

    fn header(&self, text: impl Fn(usize) -> String) -> String {
        let mut line = vec![' '; WIDTH];
        for (index, (_, column)) in self.columns.iter().enumerate() {
            centred(&mut line, *column, &text(index));
        }
        line.into_iter().collect()
    }

    fn lifelines(&self) -> String {
        self.blank().into_iter().collect()
    }

    fn blank(&self) -> Vec<char> {
        let mut line = vec![' '; WIDTH];
        for (_, column) in &self.columns {
            line[*column] = '|';
        }
        line
    }

    fn line(&self, line: &Line, lines: &mut Vec<String>) {
        match line {
            Line::Arrow {
                from,
                to,
                label,
                answer,
                omitted,
            } => self.arrow((*from, *to), label, (*answer, *omitted), lines),
            Line::Note { over, text } => self.note(*over, text, lines),
            Line::OptionBegins(text) => lines.push(ruled(&format!("[ {text} ]"))),
            Line::OptionEnds => lines.push(ruled("")),
        }
    }

    fn arrow(
        &self,
        (from, to): (Role, Role),
        label: &str,
        (answer, omitted): (bool, bool),
        lines: &mut Vec<String>,
    ) {
        let (from, to) = (self.column(from), self.column(to));
        let (left, right) = (from.min(to), from.max(to));
        for part in wrapped(label, right - left - 3) {
            let mut line = self.blank();
            centred(&mut line, usize::midpoint(left, right), &part);
            lines.push(line.into_iter().collect());
        }
        let mut line = self.blank();
        for (offset, place) in line[left + 1..right].iter_mut().enumerate() {
            *place = if answer && offset % 2 == 1 { ' ' } else { '-' };
        }
        let (head, place) = if from < to {
            ('>', right - 1)
        } else {
            ('<', left + 1)
        };
        line[place] = if omitted { 'x' } else { head };
        lines.push(line.into_iter().collect());
    }

    /// A box over the lifelines it is about, wider where they are close together.
    fn note(&self, (left, right): (Role, Role), text: &str, lines: &mut Vec<String>) {
        let (left, right) = (self.column(left), self.column(right));
        let middle = usize::midpoint(left, right);
        let wanted = (right - left + 1).max(60);
        let inner = length(text).min(wanted - 4);
        let parts = wrapped(text, inner);
        let inner = parts.iter().map(|part| length(part)).max().unwrap_or(0);
        let width = inner + 4;
        let start = middle.saturating_sub(width / 2).min(WIDTH - width);
        for part in parts {
            let mut line = self.blank();
            let boxed = format!("[ {part}{} ]", " ".repeat(inner - length(&part)));
            put(&mut line, start, &boxed);
            lines.push(line.into_iter().collect());
        }
    }
}

/// A line across the diagram with a text in it.
fn ruled(text: &str) -> String {
    let mut line = vec!['.'; WIDTH];
    put(&mut line, 2, text);
    line.into_iter().collect()
}

fn centred(line: &mut [char], middle: usize, text: &str) {
    let start = middle.saturating_sub(length(text) / 2);
    let start = start.min(line.len().saturating_sub(length(text)));
    put(line, start, text);
}

fn put(line: &mut [char], start: usize, text: &str) {
    for (place, character) in line.iter_mut().skip(start).zip(text.chars()) {
        *place = character;
    }
}
