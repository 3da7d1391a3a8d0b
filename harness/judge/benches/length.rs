//! How fast stored transcripts are judged, and in how much memory, as they grow: a delegation in which the client polls on and on.
//!
//! Each length is judged by a process of its own, so that its peak of memory is its own. Lengths may be named on the command line.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the crate is pure, what measures it is not"
)]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dmconform_judge::Judge;
use dmconform_model::Verdict;

#[path = "../tests/common/polls.rs"]
mod polls;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GOOD: &str = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");

/// What the program is told when it is to judge.
const JUDGE: &str = "--judge";

const LENGTHS: [u64; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [told, path, events] = arguments.as_slice()
        && told == JUDGE
    {
        return judge(Path::new(path), events);
    }
    let named: Vec<u64> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let lengths = if named.is_empty() { LENGTHS.to_vec() } else { named };
    println!(
        "{:>10} {:>10} {:>10} {:>14} {:>12} {:>10}",
        "events", "MB", "ms", "processor ms", "events/s", "peak MB"
    );
    for length in lengths {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("polls-{length}.jsonl"));
        let events = write(&path, length);
        let program = std::env::current_exe().expect("the program knows where it is");
        let status = Command::new(program)
            .args([JUDGE, &path.display().to_string(), &events.to_string()])
            .status();
        assert!(
            status.expect("it can be run again").success(),
            "it judges {events} events"
        );
        std::fs::remove_file(&path).expect("the transcript was there a moment ago");
    }
}

fn write(path: &Path, events: u64) -> u64 {
    let file = File::create(path).expect("there is a place for transcripts");
    let mut file = BufWriter::new(file);
    let events = polls::write(GOOD, events, &mut file).expect("there is room for the transcript");
    file.flush().expect("there is room for the transcript");
    events
}

fn judge(path: &Path, events: &str) {
    let octets = std::fs::metadata(path).expect("the transcript is there").len();
    let processor_before = processor_ms().unwrap_or(0.0);
    let began = Instant::now();
    let file = File::open(path).expect("the transcript is there");
    let records = dmconform_judge::open(BufReader::new(file)).expect("it has a header");
    let result = Judge::stored(records).expect("the transcript is whole");
    let took = began.elapsed();
    assert_eq!(result.verdict, Verdict::Pass, "polls break nothing");
    let took_s = took.as_secs_f64();
    let processor_ms =
        processor_ms().map_or_else(|| "-".to_owned(), |now| format!("{:.0}", now - processor_before));
    let rate = events.parse::<f64>().expect("it is a number") / took_s;
    println!(
        "{events:>10} {:>10.1} {:>10.1} {processor_ms:>14} {rate:>12.0} {:>10}",
        octets as f64 / 1e6,
        took_s * 1e3,
        peak()
    );
}

/// How long all threads of this process have been on a processor, to a hundredth of a second, where the system tells it.
fn processor_ms() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name of the program, which may hold anything.
    let (_, fields) = told.rsplit_once(')')?;
    let ticks = fields.split_ascii_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks * 10.0)
}

/// The peak of memory of this process in megabytes, where the system tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.map_or_else(|| "-".to_owned(), |number| format!("{:.1}", number / 1e3))
}
