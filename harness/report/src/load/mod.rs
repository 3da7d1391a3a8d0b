//! What came of a load, for people: at a terminal, and as Markdown with the ladders of the first delegations that failed.

mod comparison;

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use dmconform_model::load::{Arrivals, Fault, Latency, Level, LoadResult};
use dmconform_model::{Ladder, Verdict};

pub use self::comparison::compare;
use crate::diagram::mermaid;
use crate::ladder;
use crate::markdown::escape;
use crate::wording::{self, clean};

/// The most kinds of findings that are listed.
const FAULTS: usize = 20;

/// A line while it goes on, what counts most first: a narrow terminal shows the beginning. What 99 of a hundred did not exceed is told
/// once one has passed; how many pass in a second, on average since it began.
pub fn progress(elapsed: Duration, begun: u32, ended: u32, not_passed: u32, p99_us: Option<u64>) -> String {
    let in_flight = begun.saturating_sub(ended);
    let passed = ended.saturating_sub(not_passed);
    let per_second = f64::from(passed) / elapsed.as_secs_f64().max(1.0);
    format!(
        "{} s: {in_flight} in flight, {passed} passed ({per_second:.1} in a second, p99 {}), {not_passed} did not; {begun} begun",
        elapsed.as_secs(),
        p99_us.map_or_else(|| "-".to_owned(), time)
    )
}

/// The result at a terminal.
pub fn text(found: &LoadResult) -> String {
    let mut text = format!("\n{}\n\n{}\n", head(found), latencies(found));
    if found.levels.len() > 1 || found.fails_from().is_some() {
        let _ = write!(text, "\n{}\n", levels(found));
    }
    let _ = write!(text, "\n{}\n", said(found));
    for fault in found.faults.iter().take(FAULTS) {
        let _ = writeln!(text, "  {}", clean(&line(fault)));
        for transcript in fault.transcripts.iter().take(1) {
            let _ = writeln!(text, "      transcript {}", clean(transcript));
        }
    }
    let left = found.faults.len().saturating_sub(FAULTS);
    if left > 0 {
        let _ = writeln!(text, "  and {left} kinds more");
    }
    let _ = write!(text, "\n{}\n", resources(found));
    text
}

/// The result as Markdown, with the ladders of delegations that did not pass.
pub fn markdown(found: &LoadResult, ladders: &[(String, Ladder)]) -> String {
    let mut text = format!(
        "# Load on {}\n\n{}\n\n{}\n\n```text\n{}\n```\n",
        escape(&found.target.product),
        escape(&head(found)),
        escape(&said(found)),
        latencies(found)
    );
    let _ = write!(text, "\n```text\n{}\n```\n", levels(found));
    if !found.faults.is_empty() {
        text.push_str("\n## What was found\n\n");
    }
    for fault in found.faults.iter().take(FAULTS) {
        let _ = writeln!(text, "- {}", escape(&line(fault)));
    }
    let left = found.faults.len().saturating_sub(FAULTS);
    if left > 0 {
        let _ = writeln!(text, "- and {left} kinds more");
    }
    for (transcript, ladder) in ladders {
        let diagram = ladder::sequence(ladder, transcript);
        let _ = write!(
            text,
            "\n## {}\n\n```mermaid\n{}```\n",
            escape(transcript),
            mermaid::write(&diagram)
        );
    }
    let _ = write!(text, "\n{}\n", escape(&resources(found)));
    text
}

fn head(found: &LoadResult) -> String {
    let how = match found.arrivals {
        Arrivals::Concurrency(count) => format!("{count} at once"),
        Arrivals::PerSecond(rate) => format!("{rate} in a second"),
    };
    format!(
        "{} delegations of {}, {how}, on {}: {:.1} passed in a second, at most {} in flight, {}",
        found.judged(),
        found.case,
        clean(&found.target.product),
        found.per_second,
        found.most_in_flight,
        wording::duration(found.duration_ms)
    )
}

/// The verdicts, and from which load on they are bad.
fn said(found: &LoadResult) -> String {
    let counts: Vec<String> = found
        .verdicts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let counts = match counts.is_empty() {
        true => "nothing was judged".to_owned(),
        false => counts.join(", "),
    };
    let broken = if found.cancelled {
        "; it was broken off"
    } else {
        ""
    };
    let late = match found.resources.is_harness_late() {
        true => {
            "; the harness itself did not keep up, so that what did not come in time may be owed to that: let fewer be in flight, or \
             begin fewer in a second"
        }
        false => "",
    };
    let fewer = match found.fewer_than_asked() {
        Some(most) => {
            format!("; the product takes part in {most} delegations at once, fewer than were asked for")
        }
        None => String::new(),
    };
    let handshakes = handshakes(found);
    match found.fails_from() {
        None => format!("{counts}{broken}{fewer}"),
        Some(level) => format!(
            "{counts}{handshakes}{broken}{fewer}; the least load at which one did not pass: {} in flight{late}",
            range(level)
        ),
    }
}

/// What handshakes that were broken off explain of what is inconclusive.
fn handshakes(found: &LoadResult) -> String {
    let inconclusive = found.verdicts.get(&Verdict::Inconclusive).copied().unwrap_or(0);
    match (inconclusive, found.handshakes_broken_off) {
        (0, _) | (_, 0) => String::new(),
        (_, broken_off) => format!(
            "; handshakes that were broken off at the other end, nobody can say for which delegation: {broken_off}; each explains one of \
             the inconclusive ones at the most"
        ),
    }
}

fn latencies(found: &LoadResult) -> String {
    let mut table = table(&["", "number", "least", "median", "90 %", "99 %", "99.9 %", "most"]);
    let mut add = |name: String, latency: &Latency| {
        let mut row = vec![name, latency.count.to_string()];
        let at = |per_mille| measured(latency.count > 0, latency.at(per_mille));
        row.extend(Latency::KEPT.map(at));
        table.add_row(row);
    };
    add("whole, where it passed".to_owned(), &found.whole);
    for of in &found.messages {
        add(format!("{} from {}", of.message, of.from), &of.latency);
    }
    let closed = match found.arrivals {
        Arrivals::Concurrency(_) => {
            "the whole is measured from when each began: who would have waited does not show (see --rate); messages, from the one before"
        }
        Arrivals::PerSecond(_) => {
            "the whole is measured from when each was to begin, so that waiting counts; messages, from the one before"
        }
    };
    format!("{}\n{closed}", lines(&table))
}

fn levels(found: &LoadResult) -> String {
    let mut table = table(&[
        "in flight",
        "delegations",
        "did not pass",
        "median of the others",
        "99 %",
    ]);
    for level in &found.levels {
        table.add_row([
            range(level),
            level.delegations.to_string(),
            level.not_passed.to_string(),
            measured(level.delegations > level.not_passed, level.median_us),
            measured(level.delegations > level.not_passed, level.p99_us),
        ]);
    }
    lines(&table)
}

fn range(level: &Level) -> String {
    match level.from == level.to {
        true => level.from.to_string(),
        false => format!("{} to {}", level.from, level.to),
    }
}

fn line(fault: &Fault) -> String {
    let blame = fault.blame.map_or_else(
        || "nobody is blamed".to_owned(),
        |blame| format!("blamed on {blame}"),
    );
    let requirement = fault
        .requirement
        .as_ref()
        .map(|id| format!(" {id}"))
        .unwrap_or_default();
    let first = match fault.observed.is_empty() || fault.observed == fault.statement {
        true => String::new(),
        false => format!("; in the first: {}", fault.observed),
    };
    // What is no breach of a requirement has its verdict for a code.
    let code = match fault.code == fault.verdict.as_str() {
        true => String::new(),
        false => format!(" {}", fault.code),
    };
    format!(
        "{} x {}{code}{requirement}: {} ({blame}){first}",
        fault.count, fault.verdict, fault.statement
    )
}

fn resources(found: &LoadResult) -> String {
    let mut parts = vec![format!(
        "an idle client comes every {} ms",
        found.poll_interval_ms
    )];
    if let (Some(most), Some(each)) = (found.resources.memory_most_kib, found.memory_per_delegation_kib()) {
        parts.push(format!(
            "memory of the harness: {} MiB at most, {each} KiB for each delegation in flight",
            most / 1024
        ));
    }
    if let (Some(usual), Some(most)) = (found.resources.late_p99_us, found.resources.late_most_us) {
        parts.push(format!(
            "the harness itself was late by {} (99 %), {} at most",
            time(usual),
            time(most)
        ));
    }
    if let Some(files) = found.resources.open_files {
        parts.push(format!("{files} open files allowed"));
    }
    if let Some(ports) = found.resources.local_ports {
        parts.push(format!("{ports} local ports"));
    }
    parts.join("; ")
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn lines(table: &Table) -> String {
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A time, where there is one.
fn measured(is_measured: bool, us: u64) -> String {
    match is_measured {
        true => time(us),
        false => "-".to_owned(),
    }
}

/// A time as people read it: three digits.
fn time(us: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let us = us as f64;
    match us {
        us if us < 1_000.0 => format!("{us} µs"),
        us if us < 100_000.0 => format!("{:.1} ms", us / 1_000.0),
        us if us < 1_000_000.0 => format!("{:.0} ms", us / 1_000.0),
        us => format!("{:.2} s", us / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_latency_before_a_delegation_has_passed() {
        let line = |ended, p99_us| progress(Duration::from_millis(12_500), 70, ended, 30, p99_us);
        assert_eq!(
            line(30, None),
            "12 s: 40 in flight, 0 passed (0.0 in a second, p99 -), 30 did not; 70 begun"
        );
        assert_eq!(
            line(60, Some(1_500)),
            "12 s: 10 in flight, 30 passed (2.4 in a second, p99 1.5 ms), 30 did not; 70 begun"
        );
    }

    /// What came of ten delegations, of which so many are inconclusive.
    fn found(inconclusive: u32, handshakes_broken_off: u32) -> LoadResult {
        let result = serde_json::json!({
            "schema_version": 1, "id": "a", "started": "2026-11-29T12:00:00Z", "duration_ms": 1000, "harness": "0.1.0",
            "target": {"name": "a", "product": "p", "plays": ["dms-1"]},
            "case": "DEL-DMS1-0-010", "arrivals": {"concurrency": 10}, "asked": 10,
            "verdicts": {"inconclusive": inconclusive, "fail": 10 - inconclusive},
            "per_second": 0.0, "most_in_flight": 10, "poll_interval_ms": 10,
            "whole": {"count": 0, "mean_us": 0.0, "per_mille_us": {}}, "messages": [], "faults": [],
            "levels": [{"from": 8, "to": 15, "delegations": 10, "not_passed": 10, "median_us": 0, "p99_us": 0}],
            "handshakes_broken_off": handshakes_broken_off, "resources": {}, "cancelled": false
        });
        serde_json::from_value(result).expect("it is a result")
    }

    #[test]
    fn handshakes_that_were_broken_off_explain_as_many_delegations_at_the_most() {
        assert_eq!(
            said(&found(9, 1)),
            "1 fail, 9 inconclusive; handshakes that were broken off at the other end, nobody can say for which delegation: 1; each explains \
             one of the inconclusive ones at the most; the least load at which one did not pass: 8 to 15 in flight"
        );
        for silent in [found(0, 2), found(9, 0)] {
            assert!(!said(&silent).contains("handshake"), "{}", said(&silent));
        }
    }
}
