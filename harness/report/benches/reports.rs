//! How long reports on runs of more and more cases take, and in how much memory: of ten cases, one has failed and has a ladder.
//!
//! Each size is measured by a process of its own, so that its peak of memory is its own. Sizes may be named on the command line.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::process::Command;
use std::time::Instant;

use dmconform_model::result::{summarise, summarise_robustness};
use dmconform_model::{CaseId, RunRecord};
use dmconform_report::{Ladders, html, json, junit, markdown};

#[path = "../tests/common/mod.rs"]
mod common;

/// What the program is told when it is to measure one size.
const MEASURE: &str = "--measure";

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

type Report = fn(&RunRecord, &Ladders) -> usize;

const REPORTS: [(&str, Report); 4] = [
    ("html", |record, ladders| html::write(record, ladders).len()),
    ("markdown", |record, ladders| {
        markdown::write(record, ladders).len()
    }),
    ("junit", |record, _| {
        junit::write(record).expect("it can be written").len()
    }),
    ("json", |record, _| json::write(record).len()),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [told, cases] = arguments.as_slice()
        && told == MEASURE
    {
        return measure(cases.parse().expect("the program tells itself a number"));
    }
    let named: Vec<usize> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let sizes = if named.is_empty() { SIZES.to_vec() } else { named };
    print!("{:>8}", "cases");
    REPORTS
        .iter()
        .for_each(|(name, _)| print!(" {:>12} {:>9}", format!("{name} ms"), "MB"));
    println!(" {:>9}", "peak MB");
    for size in sizes {
        let program = std::env::current_exe().expect("the program knows where it is");
        let status = Command::new(program).args([MEASURE, &size.to_string()]).status();
        assert!(
            status.expect("it can be run again").success(),
            "it reports on {size} cases"
        );
    }
}

fn measure(cases: usize) {
    let (record, ladders) = run(cases);
    print!("{cases:>8}");
    for (_, write) in REPORTS {
        let began = Instant::now();
        let octets = write(&record, &ladders);
        let took = began.elapsed().as_secs_f64() * 1e3;
        print!(" {took:>12.1} {:>9.2}", octets as f64 / 1e6);
    }
    println!(" {:>9}", peak());
}

/// A run of so many cases.
fn run(cases: usize) -> (RunRecord, Ladders) {
    let good = common::judged("good-dms-1", "acme");
    let failed = common::judged("acl-before-bootstrap-complete", "acme");
    let ladder = dmconform_judge::ladder(&common::transcript("acl-before-bootstrap-complete"));
    let (mut record, _) = common::eventful();
    let mut ladders = Ladders::new();
    record.cases.clear();
    for number in 0..cases {
        let has_failed = number.is_multiple_of(10);
        let mut case = if has_failed { failed.clone() } else { good.clone() };
        case.id = CaseId(format!("DEL-DMS1-0-{number}"));
        if has_failed {
            ladders.insert((case.implementation.clone(), case.id.clone()), ladder.clone());
        }
        record.cases.push(case);
    }
    record.summary = summarise(&record.cases);
    record.robustness = summarise_robustness(&record.cases);
    (record, ladders)
}

/// The peak of memory of this process in megabytes, where the system tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.map_or_else(|| "-".to_owned(), |number| format!("{:.1}", number / 1e3))
}
