//! What people read in a terminal.

use comfy_table::presets;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use dmconform_model::result::Problem;
use dmconform_model::{CaseResult, Finding, RunRecord, Verdict};

use crate::{gate, spent, wording};

/// How a terminal is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are shown.
    pub colour: bool,
    /// How many characters fit a line.
    pub width: u16,
}

/// The whole run: tables, every finding in full, the counts.
pub fn summary(record: &RunRecord, style: Style) -> String {
    let mut parts = vec![table(record, style)];
    parts.extend(failures(record, style));
    parts.extend(record.problems.iter().map(|found| problem(found, style)));
    parts.extend(against_known(record, style));
    if !record.run.own_readings.is_empty() {
        parts.push(format!(
            "our own readings, where public texts are silent: {} (summary.md lists them)\n",
            record.run.own_readings.len()
        ));
    }
    let extent = gate::extent(record).into_iter();
    let extent: String = extent.map(|(label, text)| format!("{label}: {text}\n")).collect();
    if !extent.is_empty() {
        parts.push(extent);
    }
    parts.extend(spent::lines(record));
    parts.push(last_line(record));
    parts.join("\n")
}

/// What failed and could not be tested, and the last line.
pub fn brief(record: &RunRecord, style: Style) -> String {
    let mut parts = failures(record, style);
    parts.extend(record.problems.iter().map(|found| problem(found, style)));
    parts.extend(against_known(record, style));
    parts.push(last_line(record));
    parts.join("\n")
}

/// The counts, and what they come to.
fn last_line(record: &RunRecord) -> String {
    let cancelled = if record.run.cancelled { " (cancelled)" } else { "" };
    format!(
        "{}; {} in {}{cancelled}\n",
        wording::all_counts(record),
        wording::outcome(record),
        wording::duration(record.run.duration_ms)
    )
}

/// Every finding in full, but for what was known: that takes a line.
fn failures(record: &RunRecord, style: Style) -> Vec<String> {
    let mut parts = Vec::new();
    for case in &record.cases {
        if let Some(known) = record.known(case) {
            let mark = painted("known", Verdict::Warn, style);
            parts.push(format!(
                "{mark} {} [{}]\n  {:>11}: {}\n",
                wording::headline(case),
                wording::clean(&case.implementation),
                "why",
                gate::why(known)
            ));
            continue;
        }
        parts.extend(case.findings.iter().map(|found| finding(case, found, style)));
        if let Some(attempts) = gate::attempts(case) {
            let what = if case.is_flaky() { "flaky" } else { "tried" };
            let mark = painted(what, Verdict::Warn, style);
            parts.push(format!(
                "{mark} {} [{}]\n  {:>11}: {attempts}\n",
                wording::headline(case),
                wording::clean(&case.implementation),
                "attempts"
            ));
        }
    }
    parts
}

/// What is not as the known failures say, and entries for what is not among them.
fn against_known(record: &RunRecord, style: Style) -> Vec<String> {
    let mut parts = Vec::new();
    for (place, fault) in gate::faults(record) {
        let mark = painted("fail", Verdict::Fail, style);
        parts.push(format!("{mark} {fault}\n  {:>11}: {place}\n", "entry"));
    }
    if let Some(entries) = gate::to_paste(record) {
        parts.push(format!(
            "to expect what failed until it is mended, add under `known-failures`, with its reason and owner:\n{entries}"
        ));
    }
    parts.extend(gate::passed_over(record).map(|said| format!("{said}\n")));
    parts
}

fn problem(problem: &Problem, style: Style) -> String {
    let output = if problem.output.is_empty() {
        String::new()
    } else {
        let lines = problem
            .output
            .lines()
            .map(|line| format!("    {}", wording::clean(line)));
        format!("\n  its last output:\n{}", lines.collect::<Vec<_>>().join("\n"))
    };
    let mark = painted("error", Verdict::Error, style);
    format!(
        "{mark} {}: failed to {}{output}\n",
        wording::clean(&problem.implementation),
        wording::clean(&problem.message)
    )
}

/// A table of verdicts per implementation.
pub fn table(record: &RunRecord, style: Style) -> String {
    let mut text = String::new();
    for target in &record.run.targets {
        let cases: Vec<&CaseResult> = record
            .cases
            .iter()
            .filter(|case| case.implementation == target.name)
            .collect();
        let heading = format!(
            "{} · {}",
            wording::clean(&target.name),
            wording::clean(&target.product)
        );
        let (weighing, apart): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.weighs());
        let sections = [
            (heading.clone(), weighing),
            (format!("{heading} · {}", wording::ROBUSTNESS), apart),
        ];
        for (heading, cases) in sections.iter().filter(|(_, cases)| !cases.is_empty()) {
            let rows = rows(record, cases, style);
            let counts = wording::counts(cases.iter().copied());
            text = format!("{text}{heading}\n{rows}\n{counts}\n\n");
        }
    }
    text
}

fn rows(record: &RunRecord, cases: &[&CaseResult], style: Style) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(style.width);
    for case in cases {
        let title = match (&case.reason, case.verdict) {
            (Some(reason), Verdict::NotApplicable) => format!("{} ({reason})", case.title),
            _ => case.title.clone(),
        };
        table.add_row(vec![
            Cell::new(gate::mark(record, case)),
            Cell::new(wording::clean(&case.id.0)),
            Cell::new(wording::clean(&title)),
            Cell::new(wording::duration(case.duration_ms)).set_alignment(CellAlignment::Right),
        ]);
    }
    let rows = table.trim_fmt();
    if style.colour { coloured(&rows) } else { rows }
}

/// A finding in full.
pub fn finding(case: &CaseResult, finding: &Finding, style: Style) -> String {
    let mark = painted(finding.verdict.as_str(), finding.verdict, style);
    let mut text = format!(
        "{mark} {} [{}]\n",
        wording::headline(case),
        wording::clean(&case.implementation)
    );
    for (label, line) in wording::finding(case, finding) {
        text = format!("{text}  {label:>11}: {line}\n");
    }
    text
}

const fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "\u{1b}[32m",
        Verdict::Warn => "\u{1b}[33m",
        Verdict::Fail | Verdict::Error => "\u{1b}[31m",
        Verdict::Inconclusive => "\u{1b}[35m",
        Verdict::NotApplicable => "\u{1b}[2m",
    }
}

pub(crate) fn painted(text: &str, verdict: Verdict, style: Style) -> String {
    if style.colour {
        format!("{}{text}\u{1b}[0m", colour(verdict))
    } else {
        text.to_owned()
    }
}

/// Colours the verdict at the beginning of each row.
fn coloured(rows: &str) -> String {
    let style = Style {
        colour: true,
        width: 0,
    };
    let lines = rows.lines().map(|line| {
        let found = Verdict::ALL
            .into_iter()
            .find(|verdict| line.trim_start().starts_with(verdict.as_str()));
        match found {
            Some(verdict) => line.replacen(verdict.as_str(), &painted(verdict.as_str(), verdict, style), 1),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
