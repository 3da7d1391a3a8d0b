//! The self-test: what it found in words, and the kill matrix as JSON, Markdown and HTML.

pub mod html;
pub mod markdown;

use dmconform_model::SelfTest;
use dmconform_model::self_test::{FalseAlarm, HadBy, Mutant, Row, Trial};
use dmconform_model::{CaseId, self_test::Caught};

use crate::wording;

/// `selftest.json`.
///
/// # Panics
/// Never: a self-test holds only what JSON can.
pub fn json(found: &SelfTest) -> String {
    let mut text = serde_json::to_string_pretty(found).expect("results have text keys and integers only");
    text.push('\n');
    text
}

/// What people read in a terminal: what is not as it should be, and the counts.
pub fn summary(found: &SelfTest) -> String {
    let mut text = String::new();
    for section in sections(found)
        .into_iter()
        .filter(|section| !section.items.is_empty())
    {
        text = format!("{text}{}:\n", section.title);
        for item in section.items {
            text = format!("{text}  {item}\n");
        }
        text.push('\n');
    }
    format!("{text}{}\n", counts(found))
}

/// One line for a deviation that was tried.
pub fn progress(row: &Row, tried: usize, of: usize) -> String {
    let killers: Vec<&str> = row
        .named
        .iter()
        .filter(|case| row.is_killed_by(case))
        .map(|case| case.0.as_str())
        .collect();
    let outcome = if !killers.is_empty() {
        format!("caught by {}", killers.join(", "))
    } else if row.is_noticed() {
        "NOT caught by a case named for it, but noticed".to_owned()
    } else {
        "SURVIVES".to_owned()
    };
    let missed: Vec<&str> = row
        .named
        .iter()
        .filter(|case| !row.is_killed_by(case))
        .map(|case| case.0.as_str())
        .collect();
    let missed = if missed.is_empty() {
        String::new()
    } else {
        format!("; NOT caught by {}, which name it", missed.join(", "))
    };
    format!("{tried:>4}/{of} {}: {outcome}{missed}\n", row.mutant)
}

/// One line for an oddity that was tried.
pub fn oddity_progress(oddity: &str, had_by: HadBy, judged: usize, failed: usize) -> String {
    let outcome = match failed {
        0 => format!("{judged} judgements, all pass"),
        _ => format!("{judged} judgements, {failed} do NOT pass"),
    };
    format!("    oddity {oddity} of {had_by}: {outcome}\n")
}

/// The counts in one line.
fn counts(found: &SelfTest) -> String {
    let kind = if found.full {
        "every case, twice"
    } else {
        "the cases named for them"
    };
    let cancelled = if found.cancelled { " (cancelled)" } else { "" };
    format!(
        "{} cases; {} deviations, {} with their roles, against {kind}: {} caught by a case named for them; {} oddities; {}{cancelled}",
        found.cases,
        found.deviations,
        found.mutants,
        found.killed,
        found.oddities,
        wording::duration(found.duration_ms)
    )
}

/// What is not as it should be, or should be looked at.
struct Section {
    title: &'static str,
    items: Vec<String>,
}

fn sections(found: &SelfTest) -> Vec<Section> {
    let mutants = |mutants: &[Mutant]| -> Vec<String> {
        let row = |mutant: &Mutant| found.matrix.iter().find(|row| row.mutant == *mutant);
        mutants
            .iter()
            .map(|mutant| match row(mutant) {
                Some(row) => format!("{mutant} ({}: {}){}", row.breaks, row.words, others(row)),
                None => mutant.to_string(),
            })
            .collect()
    };
    let alarms = |alarms: &[FalseAlarm]| -> Vec<String> {
        let line = |alarm: &FalseAlarm| {
            let oddity = match (&alarm.oddity, alarm.had_by) {
                (Some(oddity), Some(had_by)) => format!(" with {oddity} of {had_by}"),
                _ => String::new(),
            };
            format!(
                "{} on {}{oddity}: {}",
                alarm.case, alarm.implementation, alarm.verdict
            )
        };
        alarms.iter().map(line).collect()
    };
    let sections = [
        ("Deviations that no case notices", mutants(&found.survivors)),
        (
            "Deviations that no case named for them catches, though another one, or another requirement, does",
            mutants(&found.wrong_killer),
        ),
        (
            "Cases that name a deviation and do not catch it",
            found
                .broken_promises
                .iter()
                .map(|promise| {
                    let verdicts = if promise.verdicts.is_empty() {
                        "it does not apply".to_owned()
                    } else {
                        promise.verdicts.join(", ")
                    };
                    format!("{}: {} ({verdicts})", promise.case, promise.mutant)
                })
                .collect(),
        ),
        ("Cases that no deviation fails", ids(&found.unprovable_cases)),
        (
            "Cases that the reference implementation without deviations does not pass",
            alarms(&found.clean_failures),
        ),
        ("Cases that fail an oddity", alarms(&found.oddity_failures)),
        (
            "Cases that two runs judged differently",
            found
                .flaky
                .iter()
                .map(|flake| {
                    let mutant = flake.mutant.as_ref().map(|mutant| format!(" with {mutant}"));
                    format!(
                        "{} on {}{}: {}",
                        flake.case,
                        flake.implementation,
                        mutant.unwrap_or_default(),
                        flake.said.join(" | ")
                    )
                })
                .collect(),
        ),
        (
            "What could not be tested",
            found
                .problems
                .iter()
                .map(|problem| format!("{}: failed to {}", problem.implementation, problem.message))
                .collect(),
        ),
        (
            "Cases that the same deviations fail (no fault, but perhaps one of them is enough)",
            found
                .identical_kill_sets
                .iter()
                .map(|cases| ids(cases).join(", "))
                .collect(),
        ),
    ];
    sections
        .into_iter()
        .map(|(title, items)| Section {
            title,
            items: items.iter().map(|item| wording::clean(item)).collect(),
        })
        .collect()
}

fn ids(cases: &[CaseId]) -> Vec<String> {
    cases.iter().map(|case| case.0.clone()).collect()
}

/// Who noticed a deviation that was not caught as it should be.
fn others(row: &Row) -> String {
    let noticed = row.trials.iter().filter(|trial| trial.caught != Caught::No);
    let noticed: Vec<String> = noticed.map(in_short).collect();
    if noticed.is_empty() {
        String::new()
    } else {
        format!("; noticed by {}", noticed.join(", "))
    }
}

fn in_short(trial: &Trial) -> String {
    format!("{} ({})", trial.case, trial.findings.join(", "))
}

/// The cases that caught a deviation, once each: those that name it, and the others.
fn killers(row: &Row) -> (Vec<&str>, Vec<&str>) {
    let mut named = Vec::new();
    let mut others = Vec::new();
    for trial in row.trials.iter().filter(|trial| trial.caught == Caught::Yes) {
        let list = if trial.named { &mut named } else { &mut others };
        if !list.contains(&trial.case.0.as_str()) {
            list.push(trial.case.0.as_str());
        }
    }
    (named, others)
}
