//! A transcript of any length: a delegation in which the client polls on and on before the product has anything to say.

use std::io::{self, Write};

/// How many records one poll takes: a request, its answer, and what its credentials are.
const POLL: u64 = 3;
/// After how many polls the client comes on a connection of its own, as after a pause.
const RECONNECTS: u64 = 50;
/// How long a poll takes, in microseconds.
const PAUSE_US: u64 = 20_000;

/// Writes a good delegation of DMS-1 (that of `fixtures/transcripts/good-dms-1.jsonl`) with polls in it, until it has at least
/// this many records; how many it has.
///
/// # Errors
///
/// What the writer says.
///
/// # Panics
///
/// Where the transcript is not the one that is checked in.
pub(crate) fn write(good: &str, records: u64, to: &mut impl Write) -> io::Result<u64> {
    let lines: Vec<&str> = good.lines().collect();
    let place = |wanted: &str| {
        let found = lines.iter().position(|line| line.contains(wanted));
        found.expect("the delegation has what a poll is made of")
    };
    // The client's second session with DMS-1, in which nobody has anything to say.
    let first = place(r#"{"request-sent":{"exchange":3,"#);
    let after = first + 3;
    let opened = lines[place(r#"{"connection-opened":{"connection":1,"#)];
    let established = lines[place(r#"{"tls-established":{"connection":1,"#)];
    let closed = r#"{"seq":0,"at_us":0,"event":{"connection-closed":{"connection":1,"how":"closed"}}}"#;

    let mut out = Numbered {
        to,
        seq: 0,
        later_us: 0,
    };
    out.line(lines[0])?;
    for line in &lines[1..after] {
        out.record(line)?;
    }
    let left = lines.len() - after;
    let began_us = at_us(lines[first]);
    let mut poll = 0_u64;
    while out.seq + (left as u64) < records {
        poll += 1;
        let exchange = 1_000 + poll;
        let reconnects = poll.is_multiple_of(RECONNECTS);
        let connection = if reconnects { 1_000 + poll } else { 1 };
        let on = |line: &str| line.replacen("\"connection\":1,", &format!("\"connection\":{connection},"), 1);
        out.later_us += PAUSE_US;
        if reconnects {
            for line in [opened, established] {
                out.record_at(&on(line), began_us)?;
            }
        }
        for line in &lines[first..after] {
            let line = on(line)
                .replacen("\"exchange\":3,", &format!("\"exchange\":{exchange},"), 1)
                .replacen("<SessionID>2<", &format!("<SessionID>{exchange}<"), 1);
            out.record(&line)?;
        }
        if reconnects {
            out.record_at(&on(closed), began_us + POLL)?;
        }
    }
    for line in &lines[after..] {
        out.record(line)?;
    }
    Ok(out.seq)
}

/// What writes records one after the other, each with its number and time.
struct Numbered<'a, W> {
    to: &'a mut W,
    seq: u64,
    /// How much later than in the delegation that it is made of everything is by now.
    later_us: u64,
}

impl<W: Write> Numbered<'_, W> {
    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.to, "{line}")
    }

    fn record(&mut self, line: &str) -> io::Result<()> {
        self.record_at(line, at_us(line))
    }

    fn record_at(&mut self, line: &str, at_us: u64) -> io::Result<()> {
        self.seq += 1;
        let (_, event) = line.split_once(",\"event\":").expect("a record has an event");
        let at_us = at_us + self.later_us;
        writeln!(
            self.to,
            "{{\"seq\":{},\"at_us\":{at_us},\"event\":{event}",
            self.seq
        )
    }
}

fn at_us(line: &str) -> u64 {
    let (_, rest) = line.split_once("\"at_us\":").expect("a record has a time");
    let digits = rest.split(',').next().expect("a text has a beginning");
    digits.parse().expect("a time is a number")
}
