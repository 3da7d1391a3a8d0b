//! How results are put in words, the same in every format.

use std::collections::BTreeMap;

use dmconform_model::ledger::State;
use dmconform_model::{CaseResult, Finding, LedgerEntry, RunRecord, Verdict};

use crate::gate;

/// One line of a finding: what it is, and its text.
pub(crate) type Line = (&'static str, String);

/// A finding as labelled lines, in the order in which a developer asks.
pub(crate) fn finding(case: &CaseResult, finding: &Finding) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |label, text: String| {
        if !text.is_empty() {
            lines.push((label, clean(&text)));
        }
    };
    match &finding.requirement {
        Some(id) if finding.statement == case.purpose => {
            add("requirement", id.to_string());
            add("purpose", finding.statement.clone());
        }
        Some(id) => add("requirement", format!("{id}: {}", finding.statement)),
        None => add("purpose", finding.statement.clone()),
    }
    add("expected", finding.expected.clone());
    let by = finding
        .observed_by
        .map(|role| match finding.product {
            Some(_) => format!(" (seen at {})", role.title()),
            None => format!(" (seen by mock {})", role.title()),
        })
        .unwrap_or_default();
    add("observed", format!("{}{by}", finding.observed));
    let blame = finding.blame.map(|blame| match &finding.product {
        Some(product) => format!("{blame}, which is {product}"),
        None => blame.to_string(),
    });
    add("blame", blame.unwrap_or_default());
    add(
        "step",
        finding.step.map(|step| step.to_string()).unwrap_or_default(),
    );
    let see = finding
        .see
        .as_ref()
        .map(|see| format!("{see} first: it owns what went wrong here"));
    add("see", see.unwrap_or_default());
    add("sequence", sequence(case));
    let place = finding
        .place
        .as_ref()
        .map(|place| format!("{}:{}:{}", place.file, place.line, place.column));
    add("case file", place.unwrap_or_default());
    let records: Vec<String> = finding.evidence.records.iter().map(u64::to_string).collect();
    let records = if records.is_empty() {
        String::new()
    } else {
        format!(", records {}", records.join(", "))
    };
    add("evidence", format!("{}{records}", finding.evidence.transcript));
    add("run again", finding.rerun.clone());
    lines
}

/// How many messages a sequence in one line has at its beginning and at its end, at most: a delegation has 26, a product that floods
/// has thousands.
const SEQUENCE: (usize, usize) = (60, 10);

/// What was observed, in one line: `2 → 2.answer → 3 → …`.
pub(crate) fn sequence(case: &CaseResult) -> String {
    let mut messages: Vec<String> = case
        .observed
        .iter()
        .map(|arrow| arrow.message.to_string())
        .collect();
    let (first, last) = SEQUENCE;
    if let Some(left_out) = messages
        .len()
        .checked_sub(first + last)
        .filter(|count| *count > 1)
    {
        let middle = first..first + left_out;
        messages.splice(middle, [format!("… {left_out} more …")]);
    }
    messages.join(" → ")
}

/// A case in one line.
pub(crate) fn headline(case: &CaseResult) -> String {
    let roles: Vec<&str> = case.iut.iter().map(|role| role.as_str()).collect();
    clean(&format!("{} {} ({})", case.id, case.title, roles.join(", ")))
}

/// The counts of a run: `58 pass, 2 fail`.
pub(crate) fn counts<'a>(cases: impl IntoIterator<Item = &'a CaseResult>) -> String {
    let mut counts: BTreeMap<Verdict, u32> = BTreeMap::new();
    for case in cases {
        *counts.entry(case.verdict).or_default() += 1;
    }
    let texts: Vec<String> = counts
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    if texts.is_empty() {
        "nothing was run".to_owned()
    } else {
        texts.join(", ")
    }
}

/// What stands over the cases that are counted apart.
pub(crate) const ROBUSTNESS: &str = "robustness (weighs on no conformance verdict)";

/// The counts of a whole run: those that weigh on conformance, then the others.
pub(crate) fn all_counts(record: &RunRecord) -> String {
    let (weighing, apart): (Vec<&CaseResult>, Vec<&CaseResult>) =
        record.cases.iter().partition(|case| case.weighs());
    let mut text = match (weighing.is_empty(), apart.is_empty()) {
        (_, true) => counts(weighing),
        (true, false) => format!("robustness: {}", counts(apart)),
        (false, false) => format!("{}; robustness: {}", counts(weighing), counts(apart)),
    };
    let flaky = record.cases.iter().filter(|case| case.is_flaky()).count();
    let of_these = [(gate::known(record).len(), "known"), (flaky, "flaky")];
    for (number, what) in of_these.into_iter().filter(|(number, _)| *number > 0) {
        text = format!("{text}; {number} of these {what}");
    }
    if !record.not_run.is_empty() {
        text = format!("{text}; {} not run", record.not_run.len());
    }
    text
}

/// Whether anything is to be said of a requirement on a role: its cases came to something, or somebody plays the role and there are none.
pub(crate) fn is_known(record: &RunRecord, entry: &LedgerEntry) -> bool {
    let states = [entry.positive.state, entry.negative.state];
    let has = |state: State| states.contains(&state);
    let is_played = || {
        record
            .run
            .targets
            .iter()
            .any(|target| target.plays.contains(&entry.role))
    };
    has(State::Broken) || has(State::Held) || has(State::Open) || (!has(State::NotRun) && is_played())
}

/// What the exit code means, in words.
pub(crate) fn outcome(record: &RunRecord) -> &'static str {
    let is_broken = |case: &CaseResult| case.verdict == Verdict::Fail && !case.is_flaky();
    match record.exit_code() {
        0 if !gate::known(record).is_empty() => {
            "everything that was selected was judged, and nothing failed but what was known"
        }
        0 => "everything that was selected was judged, and nothing failed",
        1 if record.unexpected().any(is_broken) => "at least one requirement was broken",
        1 if record.has_faults() => "the known failures are not as their file says",
        1 => "at least one case passed at a later attempt only",
        3 => "nothing failed, but something could not be judged",
        4 => "nothing was judged",
        _ => "something could not be tested",
    }
}

/// Text without control characters: nothing a peer sends reaches a terminal or a parser as such.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            control if control.is_control() => '\u{fffd}',
            // Marks that reorder text could make a report say something else.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            other => other,
        })
        .collect()
}

/// A time as people read it.
pub(crate) fn duration(ms: u64) -> String {
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}

/// A moment of a case, as people read it: `575.1 ms`, `12.3 s`.
pub(crate) fn moment(us: u64) -> String {
    if us < 10_000_000 {
        format!("{}.{} ms", us / 1000, us % 1000 / 100)
    } else {
        format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000)
    }
}

/// A number of things: `1 case`, `2 cases`.
pub(crate) fn count(number: usize, of: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {of}{plural}")
}

/// A text as it begins a sentence.
pub(crate) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next();
    first.map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// The beginning of a text that is too long.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
