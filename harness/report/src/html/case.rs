//! A case on the page: what it asked, what was found, its ladder, its evidence.

use std::cell::{Cell, RefCell};

use dmconform_model::ladder::{Row, Standing};
use dmconform_model::{CaseResult, Finding, Ladder, RunRecord, Step, Verdict};

use super::{chip, evidence, list};
use crate::Ladders;
use crate::diagram::svg;
use crate::ladder::{self, Piece};
use crate::markup::escape;
use crate::{gate, wording};

/// How much evidence a page carries, in octets: it is to be opened by a browser, and sent by mail.
const MOST_EVIDENCE: usize = 6 * 1024 * 1024;

/// The cases of a run, each with its place on the page.
pub(super) struct Cases<'a> {
    record: &'a RunRecord,
    ladders: &'a Ladders,
    /// The sequences of cases that passed, each drawn once: roles and messages → symbol.
    symbols: RefCell<Vec<(String, svg::Drawing)>>,
    evidence: Cell<usize>,
    opened: Cell<bool>,
}

/// Whether a case is reported apart: it weighs on no conformance (docs/decisions/0005).
pub(super) fn is_robustness(case: &CaseResult) -> bool {
    !case.weighs()
}

/// The step that a case is about, by its identifier; nothing if it is about all of them.
pub(super) fn step(case: &CaseResult) -> Option<Step> {
    case.id.0.split(['-', '.']).nth(2)?.parse().ok()
}

impl<'a> Cases<'a> {
    pub(super) fn of(record: &'a RunRecord, ladders: &'a Ladders) -> Self {
        Self {
            record,
            ladders,
            symbols: RefCell::default(),
            evidence: Cell::new(0),
            opened: Cell::new(false),
        }
    }

    /// Every case, with what its addresses begin with.
    pub(super) fn all(&self) -> impl Iterator<Item = (String, &'a CaseResult)> {
        let cases = self.record.cases.iter().enumerate();
        cases.map(|(number, case)| (format!("c{number}"), case))
    }

    /// The cases of a kind, by role.
    pub(super) fn group(&self, title: &str, is_of_kind: impl Fn(&CaseResult) -> bool) -> String {
        let mut cases: Vec<_> = self.all().filter(|(_, case)| is_of_kind(case)).collect();
        if cases.is_empty() {
            return String::new();
        }
        cases.sort_by_key(|(_, case)| case.iut.first().copied());
        let counts = wording::counts(cases.iter().map(|(_, case)| *case));
        let cases: String = cases
            .iter()
            .map(|(anchor, case)| self.case(anchor, case))
            .collect();
        format!(
            "<section class=\"group\">\n<h3>{} <span class=\"faint\">({counts})</span></h3>\n{cases}</section>\n",
            escape(title)
        )
    }

    fn case(&self, anchor: &str, case: &CaseResult) -> String {
        let roles: Vec<&str> = case.iut.iter().map(|role| role.as_str()).collect();
        let product = self
            .record
            .run
            .targets
            .iter()
            .position(|target| target.name == case.implementation);
        let step = step(case).map_or_else(|| "whole".to_owned(), |step| step.to_string());
        let is_noteworthy = !matches!(case.verdict, Verdict::Pass | Verdict::NotApplicable);
        let open = is_noteworthy && !self.opened.replace(self.opened.get() || is_noteworthy);
        let key = (case.implementation.clone(), case.id.clone());
        let ladder = match self.ladders.get(&key) {
            Some(ladder) => self.of_transcript(anchor, ladder),
            None => self.of_result(case),
        };
        format!(
            "<article class=\"case\" data-v=\"{verdict}\" data-r=\"{roles}\" data-s=\"{step}\" data-p=\"{product}\">\
             <details{open}><summary>{chip}<span class=\"id\">{id}</span><span class=\"title\">{title}</span>\
             <span class=\"who\">{roles} · {time}</span></summary>\n<div class=\"inside\" id=\"{anchor}-in\">{about}{findings}{ladder}{checks}</div></details></article>\n",
            verdict = case.verdict,
            roles = escape(&roles.join(" ")),
            product = product.map(|number| number.to_string()).unwrap_or_default(),
            open = if open { " open" } else { "" },
            chip = chip(case.verdict),
            id = escape(&case.id.0),
            title = escape(&case.title),
            time = wording::duration(case.duration_ms),
            about = self.about(case),
            findings = findings(anchor, case, self.ladders.get(&key)),
            checks = checks(case),
        )
    }

    fn about(&self, case: &CaseResult) -> String {
        let covers: Vec<&str> = case.covers.iter().map(|id| id.0.as_str()).collect();
        let covers = covers.join(", ");
        let reason = case.reason.as_deref().filter(|_| case.findings.is_empty());
        let product = (self.record.run.targets.len() > 1).then_some(case.implementation.as_str());
        let known = self.record.known(case).map(gate::why).unwrap_or_default();
        let attempts = gate::attempts(case).unwrap_or_default();
        let facts = [
            ("purpose", case.purpose.as_str()),
            ("covers", &covers),
            ("product", product.unwrap_or_default()),
            ("why", reason.unwrap_or_default()),
            ("known", &known),
            ("attempts", &attempts),
            ("case file", &case.file),
        ];
        list(facts)
    }

    /// What was expected and what was observed, with the evidence.
    fn of_transcript(&self, anchor: &str, ladder: &Ladder) -> String {
        let mut evidence = evidence::section(anchor, ladder);
        let sum = self.evidence.get() + evidence.len();
        let without;
        let ladder = if sum > MOST_EVIDENCE {
            evidence = "<p class=\"faint\">The evidence is left out of this page, which would be too large with it; \
                        the transcript has it.</p>\n"
                .to_owned();
            without = Ladder {
                exhibits: Vec::new(),
                connections: Vec::new(),
                ..ladder.clone()
            };
            &without
        } else {
            self.evidence.set(sum);
            ladder
        };
        let parts: String = ladder::side_by_side(ladder, anchor).iter().map(drawn).collect();
        format!(
            "<h4>Expected and observed</h4>\n<div class=\"ladder scroll\" role=\"region\" tabindex=\"0\" \
             aria-label=\"expected and observed sequence\">\n{parts}</div>\n{rows}{evidence}",
            rows = rows(ladder, anchor),
        )
    }

    /// The sequence of a case that passed: as expected, and drawn once for all that are alike.
    fn of_result(&self, case: &CaseResult) -> String {
        if case.observed.is_empty() {
            return String::new();
        }
        let sheet = ladder::observed(&case.observed, &case.iut);
        let drawing = svg::drawing(&sheet);
        let mut symbols = self.symbols.borrow_mut();
        let known = symbols.iter().position(|(_, known)| known.marks == drawing.marks);
        let (width, height) = (drawing.width, drawing.height);
        let number = known.unwrap_or_else(|| {
            let number = symbols.len();
            symbols.push((format!("l{number}"), drawing));
            number
        });
        format!(
            "<h4>Observed</h4>\n<div class=\"ladder one scroll\" role=\"region\" tabindex=\"0\" aria-label=\"observed sequence\">\
             <svg class=\"d\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\"><use href=\"#{}\"/></svg></div>\n",
            escape(&wording::sequence(case)),
            symbols[number].0
        )
    }

    /// What the cases refer to; to be written after them.
    pub(super) fn symbols(&self) -> String {
        let symbols = self.symbols.borrow();
        if symbols.is_empty() {
            return String::new();
        }
        let symbols: String = symbols
            .iter()
            .map(|(id, drawing)| {
                format!(
                    "<symbol id=\"{id}\" viewBox=\"0 0 {} {}\">\n{}</symbol>\n",
                    drawing.width, drawing.height, drawing.marks
                )
            })
            .collect();
        format!(
            "<svg class=\"d\" width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\">{symbols}</svg>\n"
        )
    }
}

/// A part of a ladder, folded if it only follows from another.
fn drawn(part: &ladder::Drawn) -> String {
    let drawing = svg::drawing(&part.sheet);
    let svg = format!(
        "<svg class=\"d\" viewBox=\"0 0 {} {}\" role=\"group\" aria-label=\"{}\">\n{}</svg>\n",
        drawing.width,
        drawing.height,
        escape(&part.sheet.label),
        drawing.marks
    );
    match &part.folded_as {
        None => svg,
        Some(called) => format!(
            "<details class=\"fold\"><summary>{}</summary>\n{svg}</details>\n",
            escape(called)
        ),
    }
}

fn findings(anchor: &str, case: &CaseResult, ladder: Option<&Ladder>) -> String {
    let findings = case.findings.iter().enumerate();
    findings
        .map(|(number, finding)| one_finding(&format!("{anchor}-f{number}"), anchor, case, finding, ladder))
        .collect()
}

fn one_finding(
    id: &str,
    anchor: &str,
    case: &CaseResult,
    finding: &Finding,
    ladder: Option<&Ladder>,
) -> String {
    let lines: String = wording::finding(case, finding)
        .into_iter()
        .filter(|(label, _)| !matches!(*label, "sequence" | "evidence" | "run again"))
        .map(|(label, text)| format!("<dt>{label}</dt><dd>{}</dd>", escape(&text)))
        .collect();
    let records: Vec<String> = finding
        .evidence
        .records
        .iter()
        .map(|record| {
            let is_shown = ladder.is_some_and(|ladder| {
                let mut exhibits = ladder.exhibits.iter();
                exhibits.any(|exhibit| exhibit.record == *record)
            });
            if is_shown {
                format!("<a href=\"#{anchor}-r{record}\">record {record}</a>")
            } else {
                format!("record {record}")
            }
        })
        .collect();
    format!(
        "<div class=\"finding {verdict}\" id=\"{id}\"><p>{chip} <span class=\"faint\">{code}</span></p><dl>{lines}\
         <dt>evidence</dt><dd><code>{transcript}</code> {records}</dd><dt>run again</dt><dd><code>{rerun}</code></dd></dl></div>\n",
        verdict = finding.verdict,
        chip = chip(finding.verdict),
        code = escape(&finding.code),
        transcript = escape(&finding.evidence.transcript),
        records = records.join(", "),
        rerun = escape(&finding.rerun),
    )
}

/// The ladder as a list, for screens on which the drawing does not fit.
fn rows(ladder: &Ladder, anchor: &str) -> String {
    let items: String = ladder::folded(ladder)
        .into_iter()
        .map(|piece| match piece {
            Piece::NotReached(rows) => {
                format!(
                    "<li class=\"quiet\">{}</li>\n",
                    escape(&ladder::not_reached(&rows))
                )
            }
            Piece::Row(index, row) => item(ladder, anchor, index, row),
        })
        .collect();
    format!("<ol class=\"rows\">\n{items}</ol>\n")
}

fn item(ladder: &Ladder, anchor: &str, index: usize, row: &Row) -> String {
    let is_first = ladder.first_divergence == Some(index);
    let evidence = row
        .record()
        .filter(|record| ladder.exhibits.iter().any(|exhibit| exhibit.record == *record))
        .map(|record| {
            format!(" <a href=\"#{anchor}-r{record}\" aria-label=\"evidence: record {record}\">evidence</a>")
        })
        .unwrap_or_default();
    let is_bad = is_first || !row.findings().is_empty();
    match row {
        Row::Message(row) => {
            let remarks = ladder::remarks(ladder, index, row).join(", ");
            let class = if is_bad {
                "bad"
            } else if row.follows.is_some() || row.standing == Standing::Besides {
                "quiet"
            } else {
                ""
            };
            let seen = row.observed.as_ref();
            let when = seen.map(|seen| format!(" at {}", wording::moment(seen.at_us)));
            let note = seen.map(|seen| seen.note.as_str()).unwrap_or_default();
            let remarks = if remarks.is_empty() {
                String::new()
            } else {
                format!(" – <b>{}</b>", escape(&remarks))
            };
            format!(
                "<li class=\"{class}\"><b>{}</b> {} → {}{}{remarks}<br><span class=\"faint\">{}</span>{evidence}</li>\n",
                escape(&ladder::titled(row)),
                row.from.title(),
                row.to.title(),
                when.unwrap_or_default(),
                escape(note),
            )
        }
        Row::Happening(happening) => format!(
            "<li class=\"{}\">{}{}{evidence}</li>\n",
            if is_bad { "bad" } else { "quiet" },
            if is_first { "<b>first divergence</b>: " } else { "" },
            escape(&happening.text)
        ),
    }
}

fn checks(case: &CaseResult) -> String {
    if case.checks.is_empty() {
        return String::new();
    }
    let items: String = case
        .checks
        .iter()
        .map(|check| {
            let requirement = check.requirement.as_ref().map(|id| format!("{id}: "));
            format!(
                "<li>{}{}</li>",
                escape(&requirement.unwrap_or_default()),
                escape(&check.what)
            )
        })
        .collect();
    format!("<h4>What held</h4>\n<ul>{items}</ul>\n")
}
