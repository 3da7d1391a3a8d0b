//! Transcripts as they are stored: a header line, then one record per line, all JSON.

use dmconform_model::Record;
use serde::Deserialize;

use crate::header::{Header, TRANSCRIPT_FORMAT};

/// A transcript as it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// What the records are judged with.
    pub header: Header,
    /// What happened.
    pub records: Vec<Record>,
}

/// Why a transcript cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// There is nothing in it.
    #[error(
        "read the transcript: it is empty; a case that was broken off before it began leaves such a file"
    )]
    Empty,
    /// A line is not what belongs there.
    #[error("read line {line} of the transcript as {what}: {source}; was the file cut or edited?")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What should have been there.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is of a form that this program does not know.
    #[error(
        "read the transcript: it has the form {format}, and this program reads up to {TRANSCRIPT_FORMAT}; judge it with dmconform \
         {judge}, which wrote it, or a later one"
    )]
    Newer {
        /// Its form.
        format: u32,
        /// The version of the judge that ran along.
        judge: String,
    },
    /// The records are not numbered without gaps.
    #[error(
        "read line {line} of the transcript: record {found} follows where {expected} should; lines were lost or moved"
    )]
    Gap {
        /// The line, from 1.
        line: usize,
        /// The number found.
        found: u64,
        /// The number that should be there.
        expected: u64,
    },
}

/// Reads a stored transcript.
///
/// # Errors
///
/// The first line that is not what belongs there, by its number.
pub fn read(text: &str) -> Result<Transcript, TranscriptError> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let (line, first) = lines.next().ok_or(TranscriptError::Empty)?;
    refuse_newer(first)?;
    let header = serde_json::from_str(first).map_err(|source| TranscriptError::Line {
        line,
        what: "a header",
        source,
    })?;
    let mut records: Vec<Record> = Vec::new();
    for (line, text) in lines {
        let record: Record = serde_json::from_str(text).map_err(|source| TranscriptError::Line {
            line,
            what: "a record",
            source,
        })?;
        let expected = records.len() as u64 + 1;
        if record.seq != expected {
            return Err(TranscriptError::Gap {
                line,
                found: record.seq,
                expected,
            });
        }
        records.push(record);
    }
    Ok(Transcript { header, records })
}

/// What a header of any form says of itself.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    format: u32,
    #[serde(default)]
    judge: String,
}

/// Looks at the form before anything else: the header of a newer one may hold anything.
fn refuse_newer(header: &str) -> Result<(), TranscriptError> {
    // What is no header at all is told where it is read.
    let said = serde_json::from_str::<Said>(header).ok();
    match said.filter(|said| said.format > TRANSCRIPT_FORMAT) {
        Some(Said { format, judge }) => Err(TranscriptError::Newer { format, judge }),
        None => Ok(()),
    }
}

/// The header line, with its line end.
///
/// # Panics
///
/// Never: a header has only types that JSON can hold.
pub fn header_line(header: &Header) -> String {
    let mut line = serde_json::to_string(header).expect("a header has text keys and finite numbers only");
    line.push('\n');
    line
}

/// A record's line, with its line end.
///
/// # Panics
///
/// Never: a record has only types that JSON can hold.
pub fn record_line(record: &Record) -> String {
    let mut line = serde_json::to_string(record).expect("a record has text keys and finite numbers only");
    line.push('\n');
    line
}
