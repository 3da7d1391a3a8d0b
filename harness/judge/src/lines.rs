//! The lines of a stored transcript, many at a time, and the records in them.

use std::collections::VecDeque;
use std::io::{BufRead, Read as _};
use std::ops::Range;
use std::sync::Arc;

use dmconform_model::Record;

use crate::package::Package;
use crate::stored::TranscriptError;

/// The longest line that is read, in octets: a record holds one body, of 8 MiB at most, which JSON may write several times longer.
const LONGEST_LINE: u64 = 128 * 1024 * 1024;

/// How many octets of lines are read at once, or one line, where that is longer.
pub(crate) const AT_ONCE: usize = 128 * 1024;

/// Some lines in their order.
pub(crate) type Pile = VecDeque<Line>;

/// A line that was read.
#[derive(Debug)]
pub(crate) struct Line {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// What it says.
    pub(crate) record: Result<Record, TranscriptError>,
    /// The message in the record, where it was read already.
    pub(crate) package: Option<Arc<Package>>,
}

impl Line {
    const fn of(number: usize, record: Result<Record, TranscriptError>) -> Self {
        Self {
            number,
            record,
            package: None,
        }
    }
}

/// The lines of a transcript, some at a time.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    source: R,
    /// Those that were read last.
    text: Vec<u8>,
    /// How many lines were read, with these.
    number: usize,
    /// Whether nothing more is to be read: there is no more, or it failed.
    is_at_end: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn of(source: R) -> Self {
        Self {
            source,
            text: Vec::new(),
            number: 0,
            is_at_end: false,
        }
    }

    /// Reads the first line; nothing where there is none.
    pub(crate) fn first(&mut self) -> Result<Option<&[u8]>, TranscriptError> {
        self.end_line()?;
        self.number = 1;
        Ok((!self.text.is_empty()).then_some(self.text.as_slice()))
    }

    /// Reads on to the end of a line of which the text may hold the beginning.
    fn end_line(&mut self) -> Result<(), TranscriptError> {
        let begins = memchr::memrchr(b'\n', &self.text).map_or(0, |at| at + 1);
        let begun = (self.text.len() - begins) as u64;
        let mut source = (&mut self.source).take(LONGEST_LINE + 1 - begun);
        let octets = source.read_until(b'\n', &mut self.text)?;
        if begun + octets as u64 > LONGEST_LINE {
            let number = self.number + memchr::memchr_iter(b'\n', &self.text[..begins]).count() + 1;
            let why = format!("line {number} has more than {LONGEST_LINE} octets, which no record has");
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, why).into());
        }
        Ok(())
    }

    /// Reads the next lines; an error belongs to the line that the text leaves open.
    fn fill(&mut self) -> Result<(), TranscriptError> {
        self.text.clear();
        let mut source = (&mut self.source).take(AT_ONCE as u64);
        self.is_at_end = source.read_to_end(&mut self.text)? < AT_ONCE;
        match self.is_at_end || self.text.ends_with(b"\n") {
            true => Ok(()),
            false => self.end_line(),
        }
    }

    /// Reads the records of the next lines, up to the first that is none: each with the number of its line. None where there are no more.
    pub(crate) fn pile(&mut self) -> Pile {
        if self.is_at_end {
            return Pile::new();
        }
        let failed = self.fill().err();
        self.is_at_end |= failed.is_some();
        let mut ends: Vec<usize> = memchr::memchr_iter(b'\n', &self.text).map(|at| at + 1).collect();
        if failed.is_none() && ends.last().copied().unwrap_or(0) < self.text.len() {
            // The last line of all may lack its end.
            ends.push(self.text.len());
        }
        let first = self.number + 1;
        self.number += ends.len();
        let failed = failed.map(|error| Line::of(self.number + 1, Err(error)));
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
            records.push_back(Line::of(number, record));
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

pub(crate) fn parsed<T: serde::de::DeserializeOwned>(
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

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read as _};

    use rstest::rstest;

    use super::*;
    use crate::stored::open;

    const GOOD: &str = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");

    #[rstest]
    #[case::the_first("", 1)]
    #[case::one_behind_others(GOOD, 76)]
    fn a_line_without_an_end_is_not_read_to_it(#[case] before: &str, #[case] number: usize) {
        let endless = BufReader::new(before.as_bytes().chain(std::io::repeat(b' ')));
        let read: Result<Vec<_>, _> = open(endless).and_then(Iterator::collect);
        let refused = read.expect_err("no line is that long").to_string();
        assert!(
            refused.contains(&format!("line {number} has more than")),
            "{refused}"
        );
    }

    #[rstest]
    #[case::in_the_middle_of_a_line(0)]
    #[case::at_the_end_of_a_line(1)]
    fn what_is_read_at_once_may_end_anywhere(#[case] ends: usize, #[values(0, 3)] behind: usize) {
        let (_, records) = GOOD.split_once('\n').expect("it has a header");
        let record = records.lines().next().expect("it has records");
        // So many octets that one more would be read by itself.
        let blanks = " ".repeat(AT_ONCE - record.len() - ends);
        let end = "\n".repeat(ends.max(behind.min(1)));
        let text = [record, &blanks, &end, &format!("{record}\n").repeat(behind)].concat();
        let mut lines = Lines::of(text.as_bytes());
        let piles = std::iter::from_fn(|| Some(lines.pile()).filter(|pile| !pile.is_empty()));
        let read: Vec<_> = piles.flatten().collect();
        let numbers: Vec<_> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, (1..=behind + 1).collect::<Vec<_>>());
        assert!(read.iter().all(|line| line.record.is_ok()));
    }
}
