//! Diagrams as SVG: arrows and notes between lifelines, in one panel or in several side by side.
//!
//! There is no way to measure text here, so widths are estimated, and labels are broken where they might not fit.

use dmconform_model::diagram::{Diagram, Line};
use dmconform_model::plain::{length, wrapped};
use dmconform_model::{Role, ladder::Played};

use crate::markup::escape;

/// The looks, for a page as for a file of its own. Colours are variables, so that a page can have its own.
pub const STYLE: &str = "\
.d{--d-ink:#1b1f24;--d-faint:#656d76;--d-line:#d0d7de;--d-paper:#fff;--d-note:#f6f8fa;--d-bad:#b3141f;--d-mark:#ffebe9;\
font:12px/1.2 system-ui,-apple-system,'Segoe UI',sans-serif}\
.d text{fill:var(--d-ink)}.d .q text,.d text.q{fill:var(--d-faint)}.d .b text,.d text.b{fill:var(--d-bad);font-weight:600}\
.d path{stroke:var(--d-ink);fill:none;stroke-width:1.3}.d .q path{stroke:var(--d-faint)}.d .b path{stroke:var(--d-bad);stroke-width:1.8}\
.d .h{fill:var(--d-ink);stroke:none}.d .q .h{fill:var(--d-faint)}.d .b .h{fill:var(--d-bad)}\
.d .l{stroke:var(--d-line);stroke-width:1}.d .n{fill:var(--d-note);stroke:var(--d-line)}.d .b .n{stroke:var(--d-bad)}\
.d .a{stroke-dasharray:5 3}.d .g{stroke-dasharray:1 4;stroke-linecap:round}.d .m{fill:var(--d-mark)}.d .o{fill:transparent}\
.d .r{font-weight:600}.d a:hover text,.d a:focus text{text-decoration:underline}\
@media (prefers-color-scheme:dark){.d{--d-ink:#e6edf3;--d-faint:#9198a1;--d-line:#3d444d;--d-paper:#0d1117;--d-note:#151b23;\
--d-bad:#ff8e87;--d-mark:#3a1518}}\
@media print{.d{--d-ink:#000;--d-faint:#444;--d-line:#bbb;--d-paper:#fff;--d-note:#f6f8fa;--d-bad:#a00;--d-mark:#fdd}}";

/// From the edge of a panel to its first lifeline, and from one lifeline to the next.
const MARGIN: usize = 64;
const GAP: usize = 134;
/// Between two panels.
const GUTTER: usize = 96;
/// From one line of text to the next.
const LINE: usize = 14;
/// What a character takes, mostly.
const CHARACTER: usize = 7;
/// The names over the lifelines.
const HEAD: usize = 40;

/// What is drawn: panels side by side, and rows through all of them.
pub(crate) struct Sheet {
    /// What it is, for who does not see it.
    pub(crate) label: String,
    pub(crate) panels: Vec<Panel>,
    /// Whether the names of the lifelines stand over it; they do not over what goes on from another sheet.
    pub(crate) is_headed: bool,
    pub(crate) rows: Vec<SheetRow>,
}

/// A set of lifelines.
pub(crate) struct Panel {
    /// What stands over it, if there are several.
    pub(crate) title: &'static str,
    pub(crate) lifelines: Vec<(Role, Option<Played>)>,
}

/// What stands at the same height in all panels.
#[derive(Default)]
pub(crate) struct SheetRow {
    /// For each panel.
    pub(crate) cells: Vec<Option<Cell>>,
    /// Between the panels: lines of text.
    pub(crate) between: Vec<String>,
    pub(crate) tone: Tone,
    /// Whether it is marked.
    pub(crate) is_marked: bool,
    /// Where it leads, and what that is called.
    pub(crate) link: Option<(String, String)>,
}

/// How much a row catches the eye.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Quiet,
    Bad,
}

/// One thing in a panel.
pub(crate) enum Cell {
    Arrow {
        from: Role,
        to: Role,
        label: String,
        stroke: Stroke,
        /// Whether it does not arrive.
        is_lost: bool,
    },
    Note {
        over: (Role, Role),
        text: String,
    },
    /// A line through the whole panel.
    Rule(String),
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    Whole,
    /// An answer.
    Dashed,
    /// Something that is not there.
    Dotted,
}

/// A diagram as a file of its own.
pub fn write(diagram: &Diagram) -> String {
    let lifelines = diagram.lifelines.iter().map(|lifeline| {
        let played = |judged| if judged { Played::Judged } else { Played::Mock };
        (lifeline.role, lifeline.judged.map(played))
    });
    let sheet = Sheet {
        label: diagram.title.clone(),
        panels: vec![Panel {
            title: "",
            lifelines: lifelines.collect(),
        }],
        is_headed: true,
        rows: diagram.lines.iter().map(row).collect(),
    };
    let drawing = drawing(&sheet);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"d\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" style=\"fill:var(--d-paper)\"/>\n\
         <text class=\"r\" x=\"12\" y=\"20\">{title}</text>\n<g transform=\"translate(0 28)\">\n{marks}</g>\n</svg>\n",
        width = drawing.width,
        height = drawing.height + 28,
        title = escape(&diagram.title),
        marks = drawing.marks
    )
}

fn row(line: &Line) -> SheetRow {
    let (cell, tone) = match line {
        Line::Arrow {
            from,
            to,
            label,
            answer,
            omitted,
        } => {
            let arrow = Cell::Arrow {
                from: *from,
                to: *to,
                label: label.clone(),
                stroke: if *answer { Stroke::Dashed } else { Stroke::Whole },
                is_lost: *omitted,
            };
            (arrow, Tone::Plain)
        }
        Line::Note { over, text } => (
            Cell::Note {
                over: *over,
                text: text.clone(),
            },
            Tone::Plain,
        ),
        Line::OptionBegins(text) => (Cell::Rule(text.clone()), Tone::Quiet),
        Line::OptionEnds => (Cell::Rule(String::new()), Tone::Quiet),
    };
    SheetRow {
        cells: vec![Some(cell)],
        tone,
        ..SheetRow::default()
    }
}

/// The inside of an SVG, and its size.
pub(crate) struct Drawing {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) marks: String,
}

/// Draws a sheet, from top to bottom.
pub(crate) fn drawing(sheet: &Sheet) -> Drawing {
    let canvases = canvases(sheet);
    let width = canvases.last().map_or(0, |last| last.left + last.width());
    let is_titled = sheet.panels.iter().any(|panel| !panel.title.is_empty());
    let top = match (sheet.is_headed, is_titled) {
        (true, true) => HEAD + 20,
        (true, false) => HEAD,
        (false, _) => 0,
    };
    let mut rows = Vec::new();
    let mut y = if sheet.is_headed { top + 8 } else { 0 };
    for row in &sheet.rows {
        let height = height(row, &canvases);
        rows.push(marks(row, &canvases, (y, height), width));
        y += height;
    }
    let height = y + 4;
    let heads = canvases.iter();
    let heads: Vec<String> = heads
        .map(|canvas| canvas.head(sheet.is_headed, top, height))
        .collect();
    Drawing {
        width,
        height,
        marks: format!("{}{}", heads.concat(), rows.concat()),
    }
}

struct Canvas<'a> {
    panel: &'a Panel,
    left: usize,
}

fn canvases(sheet: &Sheet) -> Vec<Canvas<'_>> {
    let mut left = 0;
    let mut canvases = Vec::new();
    for panel in &sheet.panels {
        let canvas = Canvas { panel, left };
        left += canvas.width() + GUTTER;
        canvases.push(canvas);
    }
    canvases
}

fn height(row: &SheetRow, canvases: &[Canvas<'_>]) -> usize {
    let cells = row.cells.iter().zip(canvases);
    let cells = cells.filter_map(|(cell, canvas)| Some(canvas.height(cell.as_ref()?)));
    let between = row.between.len() * LINE + 8;
    cells.chain([between]).max().unwrap_or(LINE)
}

fn marks(row: &SheetRow, canvases: &[Canvas<'_>], (y, height): (usize, usize), width: usize) -> String {
    let mut marks = String::new();
    if row.is_marked {
        marks = format!("<rect class=\"m\" x=\"0\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
    }
    for (cell, canvas) in row.cells.iter().zip(canvases) {
        if let Some(cell) = cell {
            marks.push_str(&canvas.cell(cell, y, height));
        }
    }
    if let Some(first) = canvases.first() {
        let middle = first.width() + GUTTER / 2;
        let start = y + (height.saturating_sub(row.between.len() * LINE)) / 2;
        for (index, text) in row.between.iter().enumerate() {
            marks.push_str(&centred(middle, start + index * LINE + 11, text, ""));
        }
    }
    let class = match row.tone {
        Tone::Plain => "",
        Tone::Quiet => " class=\"q\"",
        Tone::Bad => " class=\"b\"",
    };
    match &row.link {
        Some((to, called)) => format!(
            "<a href=\"{}\" aria-label=\"{}\"{class}><rect class=\"o\" x=\"0\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>{marks}</a>\n",
            escape(to),
            escape(called)
        ),
        None => format!("<g{class}>{marks}</g>\n"),
    }
}

impl Canvas<'_> {
    fn width(&self) -> usize {
        2 * MARGIN + GAP * self.panel.lifelines.len().saturating_sub(1)
    }

    fn x(&self, role: Role) -> usize {
        let mut lifelines = self.panel.lifelines.iter();
        let index = lifelines.position(|(known, _)| *known == role).unwrap_or(0);
        self.left + MARGIN + index * GAP
    }

    fn head(&self, is_headed: bool, top: usize, bottom: usize) -> String {
        let mut marks = String::new();
        if is_headed && !self.panel.title.is_empty() {
            let middle = self.left + self.width() / 2;
            marks = centred(middle, 13, self.panel.title, "r");
        }
        for (role, played) in &self.panel.lifelines {
            let x = self.x(*role);
            if is_headed {
                let played = played.map_or("", Played::as_str);
                marks.push_str(&centred(x, top - 20, role.title(), "r"));
                marks.push_str(&centred(x, top - 6, played, "q"));
            }
            marks = format!("{marks}<path class=\"l\" d=\"M{x} {top}V{bottom}\"/>\n");
        }
        marks
    }

    fn height(&self, cell: &Cell) -> usize {
        match cell {
            Cell::Arrow { .. } => self.lines(cell).len() * LINE + 16,
            Cell::Note { .. } => self.lines(cell).len() * LINE + 16,
            Cell::Rule(_) => LINE + 8,
        }
    }

    /// The text of a cell, in lines that fit.
    fn lines(&self, cell: &Cell) -> Vec<String> {
        match cell {
            Cell::Arrow { from, to, label, .. } => {
                let room = self.x(*from).abs_diff(self.x(*to)).max(GAP) - 14;
                wrapped(label, room / CHARACTER)
            }
            Cell::Note { over, text } => {
                let room = self.x(over.0).abs_diff(self.x(over.1)) + 88;
                wrapped(text, room.max(GAP + 88) / CHARACTER)
            }
            Cell::Rule(text) => vec![text.clone()],
        }
    }

    fn cell(&self, cell: &Cell, y: usize, height: usize) -> String {
        let lines = self.lines(cell);
        match cell {
            Cell::Arrow {
                from,
                to,
                stroke,
                is_lost,
                ..
            } => {
                let (from, to) = (self.x(*from), self.x(*to));
                let middle = usize::midpoint(from, to);
                // At the foot of the row, so that arrows side by side are at one height.
                let base = y + height - 8;
                let first = base - 5 - (lines.len().saturating_sub(1)) * LINE;
                let texts = lines.iter().enumerate();
                let texts = texts.map(|(index, line)| centred(middle, first + index * LINE, line, ""));
                format!(
                    "{}{}",
                    texts.collect::<String>(),
                    arrow((from, to), base, *stroke, *is_lost)
                )
            }
            Cell::Note { over, .. } => self.note(*over, &lines, y),
            Cell::Rule(text) => {
                let (left, right) = (self.left + 6, self.left + self.width() - 6);
                let middle = y + height / 2;
                let text = format!("<text x=\"{left}\" y=\"{}\">{}</text>", middle - 3, escape(text));
                format!("<path class=\"a\" d=\"M{left} {middle}H{right}\"/>{text}")
            }
        }
    }

    fn note(&self, (left, right): (Role, Role), lines: &[String], y: usize) -> String {
        let longest = lines.iter().map(|line| length(line)).max().unwrap_or(0);
        let width = (longest * CHARACTER + 16).min(self.width());
        let middle = usize::midpoint(self.x(left), self.x(right));
        let start = middle
            .saturating_sub(width / 2)
            .clamp(self.left, self.left + self.width() - width);
        let height = lines.len() * LINE + 8;
        let texts = lines.iter().enumerate();
        let texts: String = texts
            .map(|(index, line)| centred(start + width / 2, y + 17 + index * LINE, line, ""))
            .collect();
        format!(
            "<rect class=\"n\" x=\"{start}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"3\"/>{texts}",
            y + 3
        )
    }
}

fn arrow((from, to): (usize, usize), y: usize, stroke: Stroke, is_lost: bool) -> String {
    let class = match stroke {
        Stroke::Whole => "",
        Stroke::Dashed => " class=\"a\"",
        Stroke::Dotted => " class=\"g\"",
    };
    let rightwards = from < to;
    let tip = |by: usize| if rightwards { to - by } else { to + by };
    if is_lost {
        let end = tip(24);
        return format!(
            "<path{class} d=\"M{from} {y}H{end}\"/><path d=\"M{} {}l10 10m0 -10l-10 10\"/>",
            end.saturating_sub(5),
            y - 5
        );
    }
    let back = if rightwards { "-9" } else { "9" };
    format!(
        "<path{class} d=\"M{from} {y}H{}\"/><path class=\"h\" d=\"M{to} {y}l{back} -4v8z\"/>",
        tip(8)
    )
}

fn centred(x: usize, y: usize, text: &str, class: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!(
        "<text{class} x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
        escape(text)
    )
}
