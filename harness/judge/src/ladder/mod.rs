//! The ladder of a case: what it expects and what was observed, aligned row by row, with the first breach marked.
//!
//! The findings are the judge's; a ladder decides nothing. It only says where in the sequence they are, and what would
//! not have been so without them.

mod alignment;
mod marking;
mod timeline;

use std::collections::BTreeSet;

use dmconform_model::ladder::{Lane, Played, Row};
use dmconform_model::{CaseResult, Finding, Ladder, Role};

use crate::header::Header;
use crate::observed::Observed;
use crate::redact::Redaction;
use crate::stored::Transcript;
use crate::{Judge, exhibit};

use alignment::Alignment;
use timeline::{Seen, timeline};

/// The ladder of a stored transcript.
pub fn ladder(transcript: &Transcript) -> Ladder {
    let mut judge = Judge::new(transcript.header.clone());
    for record in &transcript.records {
        judge.feed(record);
    }
    let (header, observed, result) = (judge.header(), judge.observed(), judge.result());
    let mut rows = rows(header, observed, &result.findings);
    let first_divergence = marking::mark(header, observed, &result, &mut rows);
    let redaction = Redaction::of(header);
    for row in &mut rows {
        match row {
            Row::Happening(happening) => {
                happening.at_us = time_of(transcript, happening.record);
                happening.text = redaction.text(&happening.text);
            }
            Row::Message(row) => {
                if let Some(seen) = &mut row.observed {
                    seen.note = redaction.text(&seen.note);
                }
            }
        }
    }
    let (exhibits, connections) = exhibit::of(transcript, &redaction, &shown_records(&rows, &result));
    Ladder {
        lanes: lanes(header),
        rows,
        first_divergence,
        exhibits,
        connections,
    }
}

fn lanes(header: &Header) -> Vec<Lane> {
    let played = |role| match (header.is_judged(role), header.is_real(role)) {
        (true, _) => Played::Judged,
        (false, true) => Played::Real,
        (false, false) => Played::Mock,
    };
    let lanes = Role::ALL.map(|role| Lane {
        role,
        played: played(role),
    });
    lanes.to_vec()
}

fn time_of(transcript: &Transcript, record: u64) -> u64 {
    let index = usize::try_from(record).unwrap_or(usize::MAX).saturating_sub(1);
    transcript.records.get(index).map_or(0, |record| record.at_us)
}

/// The records that people will want to see.
fn shown_records(rows: &[Row], result: &CaseResult) -> BTreeSet<u64> {
    let of_findings = result
        .findings
        .iter()
        .flat_map(|finding| finding.evidence.records.iter().copied());
    rows.iter().filter_map(Row::record).chain(of_findings).collect()
}

fn rows(header: &Header, observed: &Observed, findings: &[Finding]) -> Vec<Row> {
    let mut aligned = Alignment::new(header, observed);
    for event in timeline(header, observed, findings) {
        match event {
            Seen::Message(occurrence) => aligned.take(occurrence),
            Seen::Happening(happening) => aligned.add(Row::Happening(happening)),
            Seen::Deadline(message, happening) => aligned.limit_passed(message, happening),
        }
    }
    aligned.finish()
}
