//! The ladder of a case: what it expects and what was observed, aligned row by row, with the first breach marked.
//!
//! The findings are the judge's; a ladder decides nothing. It only says where in the sequence they are, and what would
//! not have been so without them.

mod alignment;
mod bounds;
mod marking;
mod timeline;

use std::collections::BTreeSet;
use std::io::BufRead;

use dmconform_model::ladder::{Lane, Played, Row};
use dmconform_model::transcript::ConnectionId;
use dmconform_model::{CaseResult, Finding, Ladder, Record, Role};

use crate::header::Header;
use crate::observed::Observed;
use crate::redact::Redaction;
use crate::stored::{Records, Transcript, TranscriptError};
use crate::{Judge, exhibit};

use alignment::Alignment;
use timeline::{Seen, timeline};

/// The ladder of a transcript.
pub fn ladder(transcript: &Transcript) -> Ladder {
    let mut judge = Judge::new(transcript.header.clone());
    for record in &transcript.records {
        judge.feed(record);
    }
    Sequence::of(&judge).shown_with(judge.header(), &transcript.records)
}

/// The ladder of a stored transcript that is read anew as often as it takes, so that only what is shown of it has to be kept.
///
/// # Errors
///
/// The first line that is not what belongs there, by its number; or why it cannot be opened.
pub fn stored_ladder<R: BufRead + Send>(
    open: impl Fn() -> Result<Records<R>, TranscriptError>,
) -> Result<Ladder, TranscriptError> {
    let judge = Judge::fed(open()?)?;
    let sequence = Sequence::of(&judge);
    let mut shown = kept(open()?, |record| sequence.shown.contains(&record.seq))?;
    let connections: BTreeSet<ConnectionId> = shown.iter().filter_map(exhibit::connection_of).collect();
    let of_connections = kept(open()?, |record| {
        exhibit::connection_of(record).is_some_and(|connection| connections.contains(&connection))
            && exhibit::is_about_connection(record)
            && !sequence.shown.contains(&record.seq)
    })?;
    shown.extend(of_connections);
    shown.sort_by_key(|record| record.seq);
    Ok(sequence.shown_with(judge.header(), &shown))
}

/// The records of which something holds.
fn kept(
    records: Records<impl BufRead>,
    is_wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, TranscriptError> {
    let wanted = |record: &Result<Record, _>| record.as_ref().map_or(true, &is_wanted);
    records.filter(wanted).collect()
}

/// The rows of a ladder, before anything of the records is shown in it.
struct Sequence {
    rows: Vec<Row>,
    first_divergence: Option<usize>,
    /// The records that people will want to see.
    shown: BTreeSet<u64>,
}

impl Sequence {
    fn of(judge: &Judge) -> Self {
        let (header, observed, result) = (judge.header(), judge.observed(), judge.result());
        let mut rows = rows(header, observed, &result.findings);
        let first_divergence = marking::mark(header, observed, &result, &mut rows);
        let (rows, first_divergence) = bounds::bounded(rows, first_divergence);
        Self {
            shown: shown_records(&rows, &result),
            rows,
            first_divergence,
        }
    }

    /// The ladder, with what these records show; they are in their order, and some may be left out that nothing is shown of.
    fn shown_with(mut self, header: &Header, records: &[Record]) -> Ladder {
        let redaction = Redaction::of(header);
        for row in &mut self.rows {
            match row {
                Row::Happening(happening) => {
                    happening.at_us = time_of(records, happening.record);
                    happening.text = redaction.text(&happening.text);
                }
                Row::Message(row) => {
                    if let Some(seen) = &mut row.observed {
                        seen.note = redaction.text(&seen.note);
                    }
                }
            }
        }
        let (exhibits, connections) = exhibit::of(header, records, &redaction, &self.shown);
        Ladder {
            lanes: lanes(header),
            rows: self.rows,
            first_divergence: self.first_divergence,
            exhibits,
            connections,
        }
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

fn time_of(records: &[Record], seq: u64) -> u64 {
    let found = records.binary_search_by_key(&seq, |record| record.seq);
    found.map_or(0, |index| records[index].at_us)
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
