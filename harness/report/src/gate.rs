//! Known failures in words: what was known, what is not as the file says, and entries to paste.

use std::fmt::Write as _;

use dmconform_model::{CaseResult, Date, Finding, KnownFailure, RunRecord, Verdict};

use crate::wording;

/// For how many days an entry that is pasted holds: long enough to mend something, too short to forget it.
const DAYS: u32 = 30;

/// The verdict on a case, and what else is to be known of it at a glance: `fail (known)`.
pub(crate) fn mark(record: &RunRecord, case: &CaseResult) -> String {
    match (record.known(case), case.is_flaky()) {
        (Some(_), _) => format!("{} (known)", case.verdict),
        (None, true) => format!("{} (flaky)", case.verdict),
        (None, false) => case.verdict.to_string(),
    }
}

/// Why a failure is known: `the job queue is slow (protocol team, until 2026-12-31, https://…)`.
pub(crate) fn why(known: &KnownFailure) -> String {
    let link = known.link.iter().map(|link| format!(", {link}"));
    wording::clean(&format!(
        "{} ({}, until {}{})",
        known.reason,
        known.owner,
        known.expires,
        link.collect::<String>()
    ))
}

/// What came of the attempts at a case, where there were several: `fail, fail, pass`.
pub(crate) fn attempts(case: &CaseResult) -> Option<String> {
    let verdicts: Vec<&str> = case
        .attempts
        .iter()
        .map(|attempt| attempt.verdict.as_str())
        .collect();
    (!verdicts.is_empty()).then(|| verdicts.join(", "))
}

/// The cases of which everything was known, each with the reason.
pub(crate) fn known(record: &RunRecord) -> Vec<(&CaseResult, &KnownFailure)> {
    let cases = record.cases.iter();
    cases
        .filter_map(|case| Some((case, record.known(case)?)))
        .collect()
}

/// Everything that is not as the known failures say, each with the place of its entry.
pub(crate) fn faults(record: &RunRecord) -> Vec<(String, String)> {
    let faults = record.gate.iter().flat_map(|gate| gate.faults());
    faults
        .map(|(place, fault)| {
            let place = format!("{}:{}:{}", place.file, place.line, place.column);
            (wording::clean(&place), wording::clean(&fault))
        })
        .collect()
}

/// How many known failures the run was not about, in a sentence; nothing if there are none.
pub(crate) fn passed_over(record: &RunRecord) -> Option<String> {
    let gate = record.gate.as_ref()?;
    let count = gate.entries.iter().filter(|entry| entry.is_passed_over()).count();
    match count {
        0 => None,
        1 => Some("1 known failure is about what was not selected".to_owned()),
        _ => Some(format!("{count} known failures are about what was not selected")),
    }
}

/// Entries for what failed and was not known, ready to be pasted under `known-failures`; nothing where no file of known
/// failures was named, or where an entry is there already, and over.
pub fn to_paste(record: &RunRecord) -> Option<String> {
    let gate = record.gate.as_ref()?;
    let is_over = |case: &CaseResult| {
        let mut over = gate.entries.iter().filter(|entry| entry.expired);
        over.any(|entry| entry.happened.iter().any(|happened| happened.is(case)))
    };
    let mut text = String::new();
    for case in record.unexpected().filter(|case| !is_over(case)) {
        for what in what(case) {
            entry(&mut text, case, &what, gate.day.plus_days(DAYS));
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Each different thing that was found in a case.
fn what(case: &CaseResult) -> Vec<What<'_>> {
    if !matches!(case.verdict, Verdict::Fail | Verdict::Inconclusive) {
        return Vec::new();
    }
    let mut found: Vec<What<'_>> = Vec::new();
    for finding in case.findings.iter().filter(|found| found.verdict == case.verdict) {
        let what = What::of(finding);
        if !found.contains(&what) {
            found.push(what);
        }
    }
    if found.is_empty() {
        found.push(What {
            requirement: None,
            message: without_values(case.reason.as_deref().unwrap_or_default()),
        });
    }
    found
}

/// A finding without what differs from run to run.
#[derive(PartialEq, Eq)]
struct What<'a> {
    requirement: Option<&'a str>,
    message: String,
}

impl<'a> What<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            requirement: finding.requirement.as_ref().map(|id| id.0.as_str()),
            message: without_values(&finding.expected),
        }
    }
}

/// A text with `*` for the values in it that a run has made: those in backticks with a number in them.
fn without_values(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts =
        parts.map(
            |(number, part)| match number % 2 == 1 && part.contains(|c: char| c.is_ascii_digit()) {
                true => "*",
                false => part,
            },
        );
    parts.collect::<Vec<_>>().join("`")
}

fn entry(text: &mut String, case: &CaseResult, what: &What<'_>, expires: Date) {
    let mut line = |line: String| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format!("  - case: {}", quoted(&case.id.0)));
    line(format!("    implementation: {}", quoted(&case.implementation)));
    if case.verdict == Verdict::Inconclusive {
        line("    verdict: inconclusive".to_owned());
    }
    if let Some(requirement) = what.requirement {
        line(format!("    requirement: {}", quoted(requirement)));
    }
    if !what.message.trim().is_empty() {
        line(format!("    message: {}", quoted(&what.message)));
    }
    line("    reason: why is it not mended yet?".to_owned());
    line("    owner: who mends it?".to_owned());
    line(format!("    expires: {expires}"));
}

/// A text as YAML has it: plain where nothing in it means anything, otherwise in double quotes, as JSON.
///
/// # Panics
/// Never: every text can be written as JSON.
fn quoted(text: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_');
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    // What JSON leaves as it is, and would reorder or end a line elsewhere.
    quoted
        .chars()
        .map(|character| match character {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                format!("\\u{:04x}", u32::from(character))
            }
            other => other.to_string(),
        })
        .collect()
}

/// What is to be known of a run as a whole, apart from its verdicts: what it left out, and why it ended.
pub(crate) fn extent(record: &RunRecord) -> Vec<(&'static str, String)> {
    let run = &record.run;
    let mut facts = Vec::new();
    if !run.selection.is_empty() {
        facts.push(("selected", wording::clean(&run.selection.join(" "))));
    }
    if let Some(shard) = run.shard {
        facts.push((
            "part",
            format!("{shard}; `dmconform report merge` makes the whole"),
        ));
    }
    if let Some(by) = &run.stopped_by {
        facts.push((
            "stopped early",
            wording::clean(&format!("at the failure of {by}")),
        ));
    }
    if !record.not_run.is_empty() {
        let cases: Vec<String> = record.not_run.iter().map(ToString::to_string).collect();
        let cases = wording::shortened(&wording::clean(&cases.join(", ")), 2_000);
        facts.push((
            "not run",
            format!("{}: {cases}", wording::count(record.not_run.len(), "case")),
        ));
    }
    facts
}
