//! Transcripts as they are stored: a header line, then one record per line, all JSON.

use std::collections::VecDeque;
use std::io::{BufRead, Read as _};
use std::ops::Range;
use std::sync::mpsc;
use std::thread;

use dmconform_model::{Event, Record};
use serde::Deserialize;
use serde_json::Value;

use crate::header::{Header, TRANSCRIPT_FORMAT};

/// The longest line that is read, in octets: a record holds one body, of 8 MiB at most, which JSON may write several times longer.
const LONGEST_LINE: u64 = 128 * 1024 * 1024;

/// How many octets of lines are read at once, or one line, where that is longer.
const AT_ONCE: usize = 128 * 1024;

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
    /// It cannot be read at all.
    #[error("read the transcript: {0}; is the file there, and readable?")]
    Unreadable(#[from] std::io::Error),
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
        format: u64,
        /// The version of the judge that ran along.
        judge: String,
    },
    /// It is of a form that no program ever wrote.
    #[error("read the transcript: it has the form 0, and the first one is 1; was the file edited?")]
    NoForm,
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
    /// It lacks its end.
    #[error(
        "read the transcript: it breaks off after record {records}, without the one that ends a case; run the case again, or find a \
         whole copy"
    )]
    Cut {
        /// How many records there are.
        records: u64,
    },
    /// Something follows its end.
    #[error(
        "read line {line} of the transcript: it follows the end of the case, and nothing belongs there; was the file edited?"
    )]
    AfterEnd {
        /// The line, from 1.
        line: usize,
    },
}

/// A stored transcript of which the header has been read. The records come one by one, so that a transcript may be longer than
/// what there is of memory.
#[derive(Debug)]
pub struct Records<R> {
    header: Header,
    lines: Lines<R>,
    /// What was read of the next lines.
    waiting: Pile,
    sequence: Sequence,
    /// Whether there is nothing more to come: it is at its end, or what comes cannot be read.
    is_over: bool,
}

/// Some lines, each with its number and what it says as a record.
type Pile = VecDeque<(usize, Result<Record, TranscriptError>)>;

/// Begins to read a stored transcript.
///
/// # Errors
///
/// Why its first line cannot be read as a header.
pub fn open<R: BufRead>(source: R) -> Result<Records<R>, TranscriptError> {
    let mut lines = Lines {
        source,
        text: Vec::new(),
        number: 0,
        is_at_end: false,
    };
    if lines.append()? == 0 {
        return Err(TranscriptError::Empty);
    }
    refuse_newer(&lines.text)?;
    let header = parsed(&lines.text, 1, "a header")?;
    Ok(Records {
        header,
        lines,
        waiting: Pile::new(),
        sequence: Sequence::default(),
        is_over: false,
    })
}

/// Reads a whole stored transcript.
///
/// # Errors
///
/// The first line that is not what belongs there, by its number.
pub fn read(text: &str) -> Result<Transcript, TranscriptError> {
    let mut records = open(text.as_bytes())?;
    let all: Result<Vec<Record>, TranscriptError> = records.by_ref().collect();
    Ok(Transcript {
        records: all?,
        header: records.header,
    })
}

impl<R> Records<R> {
    /// What the records are judged with.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, TranscriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let record = self.record().transpose();
        self.is_over = !matches!(record, Some(Ok(_)));
        record
    }
}

impl<R: BufRead> Records<R> {
    fn record(&mut self) -> Result<Option<Record>, TranscriptError> {
        if self.waiting.is_empty() {
            self.waiting = self.lines.pile();
        }
        match self.waiting.pop_front() {
            Some((line, read)) => self.sequence.take(line, read).map(Some),
            None => self.sequence.end().map(|()| None),
        }
    }
}

impl<R: BufRead + Send> Records<R> {
    /// Hands out each of them, while the next ones are read.
    ///
    /// # Errors
    ///
    /// The first line that is not what belongs there, by its number.
    pub(crate) fn hand_out(mut self, mut take: impl FnMut(&Record)) -> Result<(), TranscriptError> {
        let mut sequence = self.sequence;
        let mut take_all = |pile: Pile| -> Result<(), TranscriptError> {
            for (line, read) in pile {
                take(&sequence.take(line, read)?);
            }
            Ok(())
        };
        take_all(std::mem::take(&mut self.waiting))?;
        thread::scope(|scope| {
            // Two piles wait at the most, and one is in hand.
            let (read, piles) = mpsc::sync_channel(1);
            let lines = &mut self.lines;
            let reader = thread::Builder::new().spawn_scoped(scope, move || {
                loop {
                    let pile = lines.pile();
                    // Where one could not be read, nobody waits for more.
                    if pile.is_empty() || read.send(pile).is_err() {
                        return;
                    }
                }
            });
            match reader {
                Ok(_) => piles.into_iter().try_for_each(&mut take_all),
                // Where there is no room for another thread, this one can do both.
                Err(_) => Ok(()),
            }
        })?;
        // What is left where nobody has read ahead.
        loop {
            let pile = self.lines.pile();
            if pile.is_empty() {
                break;
            }
            take_all(pile)?;
        }
        sequence.end()
    }
}

/// How far the records of a transcript have come.
#[derive(Debug)]
struct Sequence {
    /// The number of the next record.
    next: u64,
    /// Whether the last record is the one that ends a case. What lacks it is a part: judged as if it were all, it might come to
    /// anything.
    has_ended: bool,
}

impl Default for Sequence {
    fn default() -> Self {
        Self {
            next: 1,
            has_ended: false,
        }
    }
}

impl Sequence {
    /// Takes what the next line says: the record, if it is the one that belongs there.
    fn take(
        &mut self,
        line: usize,
        read: Result<Record, TranscriptError>,
    ) -> Result<Record, TranscriptError> {
        if self.has_ended {
            // What cannot be read at all may not be there.
            return Err(match read {
                Err(error @ TranscriptError::Unreadable(_)) => error,
                _ => TranscriptError::AfterEnd { line },
            });
        }
        let record = read?;
        let expected = self.next;
        if record.seq != expected {
            return Err(TranscriptError::Gap {
                line,
                found: record.seq,
                expected,
            });
        }
        self.next += 1;
        self.has_ended = matches!(record.event, Event::Ended);
        Ok(record)
    }

    /// Whether it may end here.
    const fn end(&self) -> Result<(), TranscriptError> {
        match self.has_ended {
            true => Ok(()),
            false => Err(TranscriptError::Cut {
                records: self.next - 1,
            }),
        }
    }
}

/// The lines of a transcript, some at a time.
#[derive(Debug)]
struct Lines<R> {
    source: R,
    /// Those that were read last.
    text: Vec<u8>,
    /// The number of the last of them, from 1; 0 before the first.
    number: usize,
    /// Whether nothing more is to be read: there is no more, or it failed.
    is_at_end: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads one more line; how many octets it has, none where there is no more.
    fn append(&mut self) -> Result<usize, TranscriptError> {
        self.number += 1;
        let mut source = (&mut self.source).take(LONGEST_LINE + 1);
        let octets = source.read_until(b'\n', &mut self.text)?;
        if octets as u64 > LONGEST_LINE {
            let why = format!(
                "line {} has more than {LONGEST_LINE} octets, which no record has",
                self.number
            );
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, why).into());
        }
        Ok(octets)
    }

    /// Reads the records of the next lines, up to the first that is none: each with the number of its line. None where there are no more.
    fn pile(&mut self) -> Pile {
        self.text.clear();
        let first = self.number + 1;
        let mut ends = Vec::new();
        let mut failed = None;
        while self.text.len() < AT_ONCE && !self.is_at_end {
            match self.append() {
                Ok(0) => self.is_at_end = true,
                Ok(_) => ends.push(self.text.len()),
                Err(error) => {
                    self.is_at_end = true;
                    failed = Some((self.number, Err(error)));
                }
            }
        }
        let mut records = Pile::with_capacity(ends.len() + 1);
        // What reads them one after the other looks once whether they are UTF-8, and makes room once for the texts in them.
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        let mut all = serde_json::Deserializer::from_str(text).into_iter::<Record>();
        let mut start = 0;
        for (number, end) in (first..).zip(ends) {
            let record = match all.next() {
                Some(Ok(record)) if is_all_of(&self.text, start..end, all.byte_offset()) => Ok(record),
                // Read alone, a line says what is wrong with it.
                _ => parsed(&self.text[start..end], number, "a record"),
            };
            let is_none = record.is_err();
            records.push_back((number, record));
            if is_none {
                self.is_at_end = true;
                return records;
            }
            start = end;
        }
        records.extend(failed);
        records
    }
}

/// Whether what ends at an octet is in one line, and nothing follows it there but what JSON takes for white space (RFC 8259, 2).
fn is_all_of(text: &[u8], line: Range<usize>, end: usize) -> bool {
    let is_in_line = end > line.start && end <= line.end;
    let is_blank = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    is_in_line && text[end..line.end].iter().all(is_blank)
}

fn parsed<T: serde::de::DeserializeOwned>(
    line: &[u8],
    number: usize,
    what: &'static str,
) -> Result<T, TranscriptError> {
    serde_json::from_slice(line).map_err(|source| TranscriptError::Line {
        line: number,
        what,
        source,
    })
}

/// What a header of any form says of itself, in whatever way.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    format: Value,
    judge: Value,
}

/// Looks at the form before anything else: the header of a newer one may hold anything.
fn refuse_newer(header: &[u8]) -> Result<(), TranscriptError> {
    // What is no header at all is told where it is read.
    let said: Said = serde_json::from_slice(header).unwrap_or_default();
    match said.format.as_u64() {
        Some(0) => Err(TranscriptError::NoForm),
        Some(format) if format > u64::from(TRANSCRIPT_FORMAT) => Err(TranscriptError::Newer {
            format,
            judge: said
                .judge
                .as_str()
                .unwrap_or("of a version that it does not name")
                .to_owned(),
        }),
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Read};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::polls;

    /// What counts the octets that were read of a text.
    struct Counting<'t> {
        text: &'t [u8],
        read: &'t AtomicUsize,
    }

    impl Read for Counting<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let octets = self.text.read(to)?;
            self.read.fetch_add(octets, Ordering::SeqCst);
            Ok(octets)
        }
    }

    #[test]
    fn no_more_than_a_few_piles_are_read_before_they_are_judged() {
        let good = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
        let mut text = Vec::new();
        polls::write(good, 3_000, &mut text).expect("a vector takes everything");
        let read = AtomicUsize::new(0);
        let source = BufReader::new(Counting {
            text: &text,
            read: &read,
        });
        let (mut judged, mut most) = (0, 0);
        let records = open(source).expect("it has a header");
        let whole = records.hand_out(|record| {
            judged += record_line(record).len();
            most = most.max(read.load(Ordering::SeqCst) - judged);
        });
        whole.expect("it is whole");
        // One is read, one waits to be handed over, one waits, and one is judged.
        assert!(most < 5 * AT_ONCE, "{most} octets were read and not judged");
        assert!(
            text.len() > 15 * AT_ONCE,
            "{} octets would hardly be more",
            text.len()
        );
    }

    #[test]
    fn a_line_without_an_end_is_not_read_to_it() {
        let endless = BufReader::new(std::io::repeat(b' '));
        let refused = open(endless.take(u64::MAX)).expect_err("no header is that long");
        assert!(refused.to_string().contains("line 1 has more than"), "{refused}");
    }
}
