//! `summary.md`, as pull requests and pages show it.

use dmconform_model::ledger::{Coverage, State};
use dmconform_model::{CaseResult, LedgerEntry, RunRecord, Verdict};

use crate::wording;

/// The whole run.
pub fn write(record: &RunRecord) -> String {
    let run = &record.run;
    let mut parts = vec![format!("# dmconform run {}", escape(&run.id))];
    parts.push(format!(
        "{}: {}. Began {}, took {}, seed {}, {} at once{}.",
        capitalised(wording::outcome(record)),
        wording::all_counts(record),
        run.started,
        wording::duration(run.duration_ms),
        run.seed,
        run.jobs,
        if run.cancelled { ", cancelled" } else { "" }
    ));
    if !run.deviations.is_empty() {
        parts.push(format!(
            "The reference implementation had these defects: {}.",
            escape(&run.deviations.join(", "))
        ));
    }
    for problem in &record.problems {
        let output = wording_block(&problem.output);
        parts.push(format!(
            "**{}** could not be tested: failed to {}{output}",
            escape(&problem.implementation),
            escape(&problem.message)
        ));
    }
    for target in &run.targets {
        let cases: Vec<&CaseResult> = record
            .cases
            .iter()
            .filter(|case| case.implementation == target.name)
            .collect();
        parts.push(format!("## {}", escape(&target.product_line())));
        let (weighing, apart): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.weighs());
        if !weighing.is_empty() || apart.is_empty() {
            parts.push(wording::counts(weighing.iter().copied()));
            parts.push(table(&weighing));
        }
        if !apart.is_empty() {
            parts.push(format!("### {}", capitalised(wording::ROBUSTNESS)));
            parts.push(wording::counts(apart.iter().copied()));
            parts.push(table(&apart));
        }
    }
    let noteworthy = record.cases.iter().filter(|case| !case.findings.is_empty());
    for case in noteworthy {
        parts.push(format!(
            "### {}: {}",
            case.verdict,
            escape(&wording::headline(case))
        ));
        for finding in &case.findings {
            let lines = wording::finding(case, finding).into_iter();
            let lines: Vec<String> = lines
                .map(|(label, text)| format!("- **{label}**: {}", escape(&text)))
                .collect();
            parts.push(lines.join("\n"));
        }
    }
    if !record.ledger.is_empty() {
        parts.push(format!(
            "## Requirements\n\n{LEDGER_NOTE}\n\n{}",
            ledger(&record.ledger)
        ));
    }
    if !record.strays.is_empty() {
        let strays: Vec<String> = record
            .strays
            .iter()
            .map(|stray| format!("- {}", escape(stray)))
            .collect();
        parts.push(format!("## What belonged to no case\n\n{}", strays.join("\n")));
    }
    let readings: Vec<String> = run
        .own_readings
        .iter()
        .map(|reading| format!("- {}", reading_text(reading)))
        .collect();
    parts.push(format!(
        "## Our own readings\n\nWhere the texts are silent, this run was judged by these readings of the profile:\n\n{}",
        readings.join("\n")
    ));
    format!("{}\n", parts.join("\n\n"))
}

const LEDGER_NOTE: &str = "Positive: the peers keep to the procedure. Negative: a peer departs from it, and the \
product must not follow. `results.json` names the cases.";

/// Every requirement and role that anything is known of; the roles that nobody plays are left out.
fn ledger(entries: &[LedgerEntry]) -> String {
    let mut rows = vec![
        "| requirement | of | verdict | positive | negative |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    let mut left_out = 0;
    for entry in entries {
        let states = [entry.positive.state, entry.negative.state];
        let known = states
            .iter()
            .any(|state| !matches!(state, State::NotRun | State::NotTested));
        if !known && states.contains(&State::NotRun) {
            left_out += 1;
            continue;
        }
        let mark = if entry.verdict == Verdict::Pass {
            "pass".to_owned()
        } else {
            format!("**{}**", entry.verdict)
        };
        rows.push(format!(
            "| {} | {} | {mark} | {} | {} |",
            escape(&entry.requirement.0),
            entry.role,
            covered(&entry.positive),
            covered(&entry.negative)
        ));
    }
    if left_out > 0 {
        rows.push(format!(
            "\n{left_out} more were not run: their cases were not selected, or nobody played the role."
        ));
    }
    rows.join("\n")
}

fn covered(coverage: &Coverage) -> String {
    let why = coverage.why.as_ref().map(|why| format!(": {}", escape(why)));
    let cases = match coverage.state {
        State::Held => format!(" ({})", coverage.cases.len()),
        State::Broken | State::Open => {
            let cases: Vec<&str> = coverage.cases.iter().map(|case| case.0.as_str()).collect();
            format!(" ({})", escape(&cases.join(", ")))
        }
        State::NotRun | State::NotTested => String::new(),
    };
    format!("{}{cases}{}", coverage.state, why.unwrap_or_default())
}

/// Readings are our own text, with code in backticks.
fn reading_text(reading: &str) -> String {
    wording::clean(reading).replace('<', "&lt;")
}

fn wording_block(output: &str) -> String {
    if output.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = output
        .lines()
        .map(|line| format!("    {}", wording::clean(line)))
        .collect();
    format!("\n\n{}", lines.join("\n"))
}

fn table(cases: &[&CaseResult]) -> String {
    if cases.is_empty() {
        return "No case was run.".to_owned();
    }
    let mut rows = vec![
        "| verdict | case | title | requirements | time |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for case in cases {
        let covers: Vec<&str> = case.covers.iter().map(|id| id.0.as_str()).collect();
        let mark = match case.verdict {
            Verdict::Pass | Verdict::NotApplicable => case.verdict.to_string(),
            noteworthy => format!("**{noteworthy}**"),
        };
        rows.push(format!(
            "| {mark} | {} | {} | {} | {} |",
            escape(&case.id.0),
            escape(&case.title),
            escape(&covers.join(", ")),
            wording::duration(case.duration_ms)
        ));
    }
    rows.join("\n")
}

/// Escapes what Markdown and the HTML in it would take for markup.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in wording::clean(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

trait ProductLine {
    fn product_line(&self) -> String;
}

impl ProductLine for dmconform_model::Target {
    fn product_line(&self) -> String {
        let roles: Vec<&str> = self.plays.iter().map(|role| role.title()).collect();
        format!("{} ({}: {})", self.name, self.product, roles.join(", "))
    }
}
