//! Transcripts as they are stored: a header line, then one record per line, all JSON.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread;

use dmconform_model::{Event, Record};
use serde::Deserialize;
use serde_json::Value;

use crate::header::{Header, TRANSCRIPT_FORMAT};
use crate::lines::{Line, Lines, Pile, parsed};
use crate::package::Package;

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

/// Begins to read a stored transcript.
///
/// # Errors
///
/// Why its first line cannot be read as a header.
pub fn open<R: BufRead>(source: R) -> Result<Records<R>, TranscriptError> {
    let mut lines = Lines::of(source);
    let first = lines.first()?.ok_or(TranscriptError::Empty)?;
    refuse_newer(first)?;
    let header = parsed(first, 1, "a header")?;
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
            Some(line) => self.sequence.take(line.number, line.record).map(Some),
            None => self.sequence.end().map(|()| None),
        }
    }
}

impl<R: BufRead + Send> Records<R> {
    /// Hands out each of them, while the next ones are read; and the message in it, as far as there was time to read that, too.
    ///
    /// # Errors
    ///
    /// The first line that is not what belongs there, by its number.
    pub(crate) fn hand_out(
        mut self,
        ahead: impl Fn(&Record) -> Option<Arc<Package>> + Send,
        mut take: impl FnMut(&Record, Option<&Arc<Package>>),
    ) -> Result<(), TranscriptError> {
        let mut sequence = self.sequence;
        let mut take_all = |pile: Pile| -> Result<Vec<_>, TranscriptError> {
            let lines = pile.into_iter().map(|line| {
                let record = sequence.take(line.number, line.record)?;
                take(&record, line.package.as_ref());
                Ok((record, line.package))
            });
            lines.collect()
        };
        take_all(std::mem::take(&mut self.waiting))?;
        thread::scope(|scope| {
            // Two piles wait at the most, and one is in hand.
            let (to_judge, piles) = mpsc::sync_channel(1);
            // Memory costs less where the thread gives it back that took it.
            let (give_back, judged) = mpsc::channel();
            let lines = &mut self.lines;
            let reader = thread::Builder::new().spawn_scoped(scope, move || {
                loop {
                    let pile = lines.pile();
                    // Where one could not be read, nobody waits for more.
                    if pile.is_empty() || !hand_over(&to_judge, pile, &ahead) {
                        return;
                    }
                    judged.try_iter().for_each(drop);
                }
            });
            // Where there is no room for another thread, this one can do both.
            if reader.is_err() {
                return Ok::<_, TranscriptError>(());
            }
            for pile in piles {
                // Who has read everything takes nothing back any more.
                let _ = give_back.send(take_all(pile)?);
            }
            Ok(())
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

/// Hands over a pile to who judges; whether that goes on. While it has enough to do, messages in the pile are read for it.
fn hand_over(to: &SyncSender<Pile>, mut pile: Pile, ahead: impl Fn(&Record) -> Option<Arc<Package>>) -> bool {
    for next in 0.. {
        pile = match to.try_send(pile) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(pile)) => pile,
        };
        match pile.get_mut(next) {
            Some(Line {
                record: Ok(record),
                package,
                ..
            }) => *package = ahead(record),
            Some(_) => {}
            None => break,
        }
    }
    to.send(pile).is_ok()
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
    use std::time::Duration;

    use super::*;
    use crate::lines::AT_ONCE;
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
        let whole = records.hand_out(
            |_| None,
            |record, _| {
                judged += record_line(record).len();
                most = most.max(read.load(Ordering::SeqCst) - judged);
            },
        );
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
    fn what_was_judged_is_let_go() {
        let good = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
        let mut text = Vec::new();
        polls::write(good, 10_000, &mut text).expect("a vector takes everything");
        let known: Arc<Package> = Arc::default();
        let (mut read, mut most) = (0, 0);
        let records = open(text.as_slice()).expect("it has a header");
        let whole = records.hand_out(
            |_| Some(Arc::clone(&known)),
            |record, package| {
                read += usize::from(package.is_some());
                most = most.max(Arc::strong_count(&known));
                // Who judges is the slower one, so that messages are read ahead.
                assert!((0..9).all(|_| !record_line(record).is_empty()));
            },
        );
        whole.expect("it is whole");
        // Those of four piles, of some 130 records each.
        assert!(most < 1_000, "{most} were kept");
        assert!(read > 2_000, "{read} would hardly be more");
    }

    #[test]
    fn while_a_pile_waits_the_messages_in_the_next_one_are_read() {
        let good = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
        let piles = || Lines::of(good.split_once('\n').expect("it has lines").1.as_bytes()).pile();
        let (to, from) = mpsc::sync_channel(1);
        let (read, has_read) = mpsc::channel();
        let ahead = |record: &Record| {
            read.send(record.seq).expect("somebody waits for it");
            Some(Arc::default())
        };
        let are_read = |pile: &Pile| pile.iter().filter(|line| line.package.is_some()).count();
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(hand_over(&to, piles(), ahead));
                assert!(hand_over(&to, piles(), ahead));
                drop(to);
            });
            // In here it is gone with a failure, and nobody waits for it.
            let from = from;
            // Nobody takes the first before all of the second is read.
            let records = piles().len();
            for _ in 0..records {
                let read = has_read.recv_timeout(Duration::from_secs(60));
                read.expect("there is time enough");
            }
            assert_eq!(
                from.iter().map(|pile| are_read(&pile)).collect::<Vec<_>>(),
                [0, records]
            );
        });
    }

    #[test]
    fn where_nobody_takes_any_more_nothing_is_handed_over() {
        let (to, from) = mpsc::sync_channel(1);
        drop(from);
        assert!(!hand_over(&to, Pile::new(), |_| None));
    }
}
