//! `summary.md`, as pull requests and pages show it.

use dmconform_model::ledger::{Coverage, State};
use dmconform_model::{CaseResult, RunRecord, Target, Verdict};

use crate::Ladders;
use crate::diagram::mermaid;
use crate::{gate, ladder, markup, wording};

/// How long a summary gets, in octets: a comment on GitHub has at most 65,536 characters, and there may be other text in it.
const LONGEST: usize = 60_000;
/// How many ladders are drawn.
const LADDERS: usize = 3;

/// The whole run, what did not pass first; what does not fit is counted.
pub fn write(record: &RunRecord, ladders: &Ladders) -> String {
    let mut page = Page::default();
    page.add(head(record));
    for problem in &record.problems {
        let output = wording_block(&problem.output);
        page.add(format!(
            "**{}** could not be tested: failed to {}{output}",
            escape(&problem.implementation),
            escape(&problem.message)
        ));
    }
    for part in against_known(record) {
        page.add(part);
    }
    failures(record, ladders, &mut page);
    for target in &record.run.targets {
        for (title, table) in tables(record, target) {
            page.add_folded(&title, &table);
        }
    }
    if !record.ledger.is_empty() {
        page.add_folded("Requirements", &format!("{LEDGER_NOTE}\n\n{}", ledger(record)));
    }
    if !record.strays.is_empty() {
        let strays = record.strays.iter().map(|stray| format!("- {}", escape(stray)));
        let strays: Vec<String> = strays.collect();
        page.add_folded("What belonged to no case", &strays.join("\n"));
    }
    let readings: Vec<String> = record
        .run
        .own_readings
        .iter()
        .map(|reading| format!("- {}", reading_text(reading)))
        .collect();
    page.add_folded(
        "Our own readings",
        &format!(
            "Where the texts are silent, this run was judged by these readings of the profile:\n\n{}",
            readings.join("\n")
        ),
    );
    page.finish()
}

/// Parts, as long as there is room for them.
#[derive(Default)]
struct Page {
    parts: Vec<String>,
    length: usize,
    left_out: Vec<String>,
}

impl Page {
    fn has_room(&self, part: &str) -> bool {
        self.length + part.len() <= LONGEST
    }

    fn add(&mut self, part: String) {
        if self.has_room(&part) {
            self.length += part.len() + 2;
            self.parts.push(part);
        } else {
            self.left_out.push("a part of it".to_owned());
        }
    }

    /// Adds something that is shown on demand.
    fn add_folded(&mut self, title: &str, text: &str) {
        let part = format!(
            "<details><summary>{}</summary>\n\n{text}\n\n</details>",
            // A block of HTML goes on to the next empty line: nothing in it is read as Markdown.
            markup::escape(title)
        );
        if self.has_room(&part) {
            self.add(part);
        } else {
            self.left_out.push(format!("“{}”", escape(title)));
        }
    }

    fn finish(mut self) -> String {
        if !self.left_out.is_empty() {
            self.parts.push(format!(
                "Left out, since there is no room for it here: {}. `report.html` and `results.json` have everything.",
                wording::shortened(&self.left_out.join(", "), 1_000)
            ));
        }
        format!("{}\n", self.parts.join("\n\n"))
    }
}

fn head(record: &RunRecord) -> String {
    let run = &record.run;
    let on_purpose = if run.deviations.is_empty() {
        String::new()
    } else {
        format!(
            "\n\nThe reference implementation had these defects: {}.",
            escape(&run.deviations.join(", "))
        )
    };
    let extent: String = gate::extent(record)
        .iter()
        .map(|(label, text)| format!("\n\n{}: {}.", wording::capitalised(label), escape(text)))
        .collect();
    format!(
        "# dmconform run {}\n\n{}: {}. Began {}, took {}, seed {}, {} at once{}.{on_purpose}{extent}",
        escape(&run.id),
        wording::capitalised(wording::outcome(record)),
        wording::all_counts(record),
        escape(&run.started),
        wording::duration(run.duration_ms),
        run.seed,
        run.jobs,
        if run.cancelled { ", cancelled" } else { "" }
    )
}

/// What is not as the known failures say, then what was known.
fn against_known(record: &RunRecord) -> Vec<String> {
    let mut parts = Vec::new();
    let faults: Vec<String> = gate::faults(record)
        .iter()
        .map(|(place, fault)| format!("- {} ({})", escape(fault), escape(place)))
        .collect();
    if !faults.is_empty() {
        parts.push(format!(
            "### Not as the known failures say\n\n{}",
            faults.join("\n")
        ));
    }
    let known: Vec<String> = gate::known(record)
        .into_iter()
        .map(|(case, why)| {
            let headline = escape(&wording::headline(case));
            let implementation = escape(&case.implementation);
            format!("- {headline} [{implementation}]: {}", escape(&gate::why(why)))
        })
        .collect();
    if !known.is_empty() {
        parts.push(format!("### Known, and failing nothing\n\n{}", known.join("\n")));
    }
    if let Some(entries) = gate::to_paste(record) {
        parts.push(format!(
            "<details><summary>To expect what failed until it is mended</summary>\n\n````yaml\nknown-failures:\n{entries}````\n\n</details>"
        ));
    }
    parts
}

/// Every finding, the worst first, with the ladders of the first cases.
fn failures(record: &RunRecord, ladders: &Ladders, page: &mut Page) {
    let mut cases: Vec<&CaseResult> = record
        .cases
        .iter()
        .filter(|case| !case.findings.is_empty())
        .collect();
    let order = |case: &&CaseResult| match case.verdict {
        Verdict::Error => 0,
        Verdict::Fail => 1,
        Verdict::Inconclusive => 2,
        Verdict::Warn | Verdict::Pass | Verdict::NotApplicable => 3,
    };
    cases.sort_by_key(|case| (record.known(case).is_some(), !record.counts(case), order(case)));
    let mut left_out = 0;
    for (number, case) in cases.into_iter().enumerate() {
        let text = failure(record, case);
        let ladder = ladders.get(&(case.implementation.clone(), case.id.clone()));
        let drawn = ladder.filter(|_| number < LADDERS).map(|ladder| {
            let diagram = ladder::sequence(ladder, &case.id.0);
            format!("{text}\n\n```mermaid\n{}```", mermaid::write(&diagram))
        });
        match drawn.filter(|drawn| page.has_room(drawn)) {
            Some(drawn) => page.add(drawn),
            // What comes after is to have some room, too.
            None if page.length + text.len() < LONGEST / 4 * 3 => page.add(text),
            None => left_out += 1,
        }
    }
    if left_out > 0 {
        page.left_out.push(format!("the findings of {left_out} cases"));
    }
}

fn failure(record: &RunRecord, case: &CaseResult) -> String {
    let headline = escape(&wording::headline(case));
    let mut parts = vec![format!("### {}: {headline}", gate::mark(record, case))];
    if let Some(attempts) = gate::attempts(case) {
        parts.push(format!("- **attempts**: {attempts}"));
    }
    for (number, finding) in case.findings.iter().enumerate() {
        // What was observed and how to see it again is the same for all findings of a case.
        let is_new = |label: &str| number == 0 || !matches!(label, "sequence" | "run again");
        let lines: Vec<String> = wording::finding(case, finding)
            .into_iter()
            .filter(|(label, _)| is_new(label))
            .map(|(label, text)| format!("- **{label}**: {}", escape(&text)))
            .collect();
        parts.push(lines.join("\n"));
    }
    parts.join("\n\n")
}

/// The cases of a target: those that weigh on conformance, then the others.
fn tables(record: &RunRecord, target: &Target) -> Vec<(String, String)> {
    let cases = record
        .cases
        .iter()
        .filter(|case| case.implementation == target.name);
    let (weighing, apart): (Vec<_>, Vec<_>) = cases.partition(|case| case.weighs());
    let mut tables = Vec::new();
    let name = product_line(target);
    if !weighing.is_empty() || apart.is_empty() {
        let counts = wording::counts(weighing.iter().copied());
        tables.push((format!("{name}: {counts}"), table(record, &weighing)));
    }
    if !apart.is_empty() {
        let counts = wording::counts(apart.iter().copied());
        tables.push((
            format!("{name}, {}: {counts}", wording::ROBUSTNESS),
            table(record, &apart),
        ));
    }
    tables
}

const LEDGER_NOTE: &str = "Positive: the peers keep to the procedure. Negative: a peer departs from it, and the \
product must not follow. `results.json` names the cases.";

/// Every requirement and role that anything is known of; the roles that nobody plays are left out.
fn ledger(record: &RunRecord) -> String {
    let mut rows = vec![
        "| requirement | of | verdict | positive | negative |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    let mut left_out = 0;
    for entry in &record.ledger {
        if !wording::is_known(record, entry) {
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

/// Readings are our own text, with code in backticks: in that, nothing is escaped.
fn reading_text(reading: &str) -> String {
    let reading = wording::clean(reading);
    // One that is not closed begins nothing.
    let last = reading.matches('`').count();
    let parts = reading.split('`').enumerate();
    let parts = parts.map(|(number, part)| match number % 2 == 1 && number < last {
        true => part.to_owned(),
        false => part.replace('<', "&lt;"),
    });
    parts.collect::<Vec<_>>().join("`")
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

fn table(record: &RunRecord, cases: &[&CaseResult]) -> String {
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
            _ => format!("**{}**", gate::mark(record, case)),
        };
        rows.push(format!(
            "| {mark} | {} | {} | {} | {} |",
            escape(&case.id.0),
            title(case),
            escape(&covers.join(", ")),
            wording::duration(case.duration_ms)
        ));
    }
    rows.join("\n")
}

/// The title of a case, with why it does not apply where it does not: no finding says that.
fn title(case: &CaseResult) -> String {
    let title = escape(&case.title);
    match &case.reason {
        Some(reason) if case.verdict == Verdict::NotApplicable => format!("{title}: {}", escape(reason)),
        _ => title,
    }
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

fn product_line(target: &Target) -> String {
    let roles: Vec<&str> = target.plays.iter().map(|role| role.title()).collect();
    format!("{} ({}: {})", target.name, target.product, roles.join(", "))
}
