//! Counts the instructions that reading and writing SyncML and judging a delegation take, and compares them with those checked in.
//!
//! Instructions, unlike time, are the same on a busy machine, so that this can fail where something has become slower. The program
//! runs itself under Callgrind, once for each figure. With `--write` it writes down what it has counted.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the crate is pure, what measures it is not"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use dmconform_judge::{Judge, Readings, header_line, open, read, record_line};
use dmconform_model::Verdict;
use oma_dm::syncml::{self, Encoding};

/// What the program is told when it runs under Callgrind.
const MEASURE: &str = "--measure";
/// What it is told when the figures are to be written down.
const WRITE: &str = "--write";
/// How many times as many instructions as are written down it may take.
const MOST: f64 = 1.15;

const FIGURES: [&str; 8] = [
    "read SyncML in XML",
    "read SyncML in WBXML",
    "write SyncML in XML",
    "write SyncML in WBXML",
    "judge a delegation",
    "judge another delegation",
    "read a transcript",
    "write a transcript",
];

/// The messages of a whole session.
const SESSION: [&str; 4] = [
    include_str!("../../oma-dm/tests/worked-session/1-client-package1.xml"),
    include_str!("../../oma-dm/tests/worked-session/2-server-package2.xml"),
    include_str!("../../oma-dm/tests/worked-session/3-client-package3.xml"),
    include_str!("../../oma-dm/tests/worked-session/4-server-package4.xml"),
];
/// A whole delegation.
const DELEGATION: &str = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [MEASURE, figure] => {
            measure(figure);
            ExitCode::SUCCESS
        }
        [] => compare(false),
        [WRITE] => compare(true),
        _ => {
            println!("use it without an option, or with {WRITE}");
            ExitCode::from(2)
        }
    }
}

fn compare(writes: bool) -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind not installed (counts of instructions)");
        return match std::env::var_os("DMCONFORM_NO_SKIPS") {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        };
    }
    let counted = FIGURES.map(|figure| (figure, instructions(figure)));
    if writes {
        let lines = counted.map(|(figure, count)| format!("{count:>12} {figure}\n"));
        std::fs::write(place(), lines.concat()).expect("the project can be written to");
        println!("wrote {}", place().display());
        return ExitCode::SUCCESS;
    }
    let expected = expected();
    let mut has_grown = false;
    println!(
        "{:24} {:>12} {:>12} {:>7}",
        "instructions, unoptimised", "expected", "counted", "times"
    );
    for (figure, count) in counted {
        let Some(known) = expected.get(figure).copied() else {
            println!("{figure:25} {:>12} {count:12}  not written down yet", "-");
            has_grown = true;
            continue;
        };
        let times = count as f64 / known as f64;
        let more = times > MOST;
        let note = if more { "  too many" } else { "" };
        println!("{figure:25} {known:12} {count:12} {times:7.3}{note}");
        has_grown |= more;
    }
    if !has_grown {
        return ExitCode::SUCCESS;
    }
    println!(
        "failed to stay within {MOST} times what is written down in {}; see what has become slower. Where it is worth that, or \
         another version of Rust counts otherwise, write the new figures down:\n\
         cargo run -p dmconform-judge --example count-instructions -- {WRITE}",
        place().display()
    );
    ExitCode::FAILURE
}

/// Where the expected figures are.
fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/instructions.txt")
}

fn expected() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(place()).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.trim().split_once(' '));
    lines
        .filter_map(|(count, figure)| Some((figure.to_owned(), count.parse().ok()?)))
        .collect()
}

/// Runs this program under Callgrind, which counts what passes inside of [`counted`].
fn instructions(figure: &str) -> u64 {
    let program = std::env::current_exe().expect("the program knows where it is");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*counted*",
        ])
        .arg(program)
        .args([MEASURE, figure])
        .output()
        .expect("valgrind was there a moment ago");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let collected = collected.and_then(|(_, number)| number.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("Callgrind tells how much it collected, and not:\n{said}"))
}

/// The only place in which instructions count.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

/// Does once what a figure is of.
fn measure(figure: &str) {
    match figure {
        "read SyncML in XML" => on_session(Encoding::Xml, |octets| {
            black_box(syncml::read(octets, Encoding::Xml).expect("it is SyncML"));
        }),
        "read SyncML in WBXML" => on_session(Encoding::Wbxml, |octets| {
            black_box(syncml::read(octets, Encoding::Wbxml).expect("it is SyncML"));
        }),
        "write SyncML in XML" => write(Encoding::Xml),
        "write SyncML in WBXML" => write(Encoding::Wbxml),
        "judge a delegation" => judge(DELEGATION, &Arc::default()),
        // One of the same product, after the first one.
        "judge another delegation" => {
            let readings = Arc::default();
            let other = DELEGATION.replace("</SessionID>", "7</SessionID>");
            let transcript = read(DELEGATION).expect("the transcript is whole");
            let mut judged = Judge::reading(transcript.header, Arc::clone(&readings));
            transcript.records.iter().for_each(|record| judged.feed(record));
            judge(&other, &readings);
        }
        "read a transcript" => counted(&mut || {
            let records = open(DELEGATION.as_bytes()).expect("it has a header");
            black_box(
                records
                    .map(|record| record.expect("it is whole").seq)
                    .sum::<u64>(),
            );
        }),
        "write a transcript" => {
            let transcript = read(DELEGATION).expect("the transcript is whole");
            counted(&mut || {
                black_box(header_line(&transcript.header));
                transcript.records.iter().for_each(|record| {
                    black_box(record_line(record));
                });
            });
        }
        unknown => panic!("`{unknown}` is nothing that is counted"),
    }
}

/// Judges a transcript by what was read before.
fn judge(transcript: &str, readings: &Arc<Readings>) {
    let transcript = read(transcript).expect("the transcript is whole");
    let mut judge = Judge::reading(transcript.header, Arc::clone(readings));
    counted(&mut || {
        transcript.records.iter().for_each(|record| judge.feed(record));
        assert_eq!(
            judge.result().verdict,
            Verdict::Pass,
            "the product did what it should"
        );
    });
}

fn on_session(encoding: Encoding, mut work: impl FnMut(&[u8])) {
    for xml in SESSION {
        let reading = syncml::read(xml.as_bytes(), Encoding::Xml).expect("it is SyncML");
        let octets = syncml::write(&reading.message, encoding);
        counted(&mut || work(black_box(&octets)));
    }
}

fn write(encoding: Encoding) {
    for xml in SESSION {
        let reading = syncml::read(xml.as_bytes(), Encoding::Xml).expect("it is SyncML");
        counted(&mut || {
            black_box(syncml::write(&reading.message, encoding));
        });
    }
}
