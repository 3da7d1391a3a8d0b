//! How long recognising, judging, reading and writing of a stored delegation take.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use dmconform_judge::{Judge, header_line, ladder, read, record_line};

/// A whole delegation without a defect, and one with a finding.
const GOOD: &str = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
const FAILED: &str = include_str!("../../../fixtures/transcripts/acl-before-bootstrap-complete.jsonl");

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let good = read(GOOD).expect("the transcript is whole");
    let failed = read(FAILED).expect("the transcript is whole");

    let mut group = criterion.benchmark_group("a delegation");
    group.throughput(Throughput::Elements(good.records.len() as u64));
    group.bench_function("recognise", |bencher| {
        bencher.iter(|| {
            let mut judge = Judge::new(good.header.clone());
            for record in &good.records {
                judge.feed(black_box(record));
            }
            black_box(judge.observed().occurrences.len())
        });
    });
    group.bench_function("judge what was recognised", |bencher| {
        let mut judge = Judge::new(good.header.clone());
        good.records.iter().for_each(|record| judge.feed(record));
        bencher.iter(|| black_box(judge.result()));
    });
    group.bench_function("judge a stored transcript", |bencher| {
        bencher.iter(|| {
            let records = dmconform_judge::open(black_box(GOOD.as_bytes())).expect("the transcript is whole");
            black_box(Judge::stored(records).expect("the transcript is whole"))
        });
    });
    group.bench_function("read a transcript", |bencher| {
        bencher.iter(|| black_box(read(black_box(GOOD)).expect("the transcript is whole")));
    });
    group.bench_function("write a transcript", |bencher| {
        bencher.iter(|| {
            let mut text = header_line(black_box(&good.header));
            good.records
                .iter()
                .for_each(|record| text.push_str(&record_line(record)));
            black_box(text)
        });
    });
    group.bench_function("make the ladder of a failed one", |bencher| {
        bencher.iter(|| black_box(ladder(black_box(&failed))));
    });
    group.finish();
    criterion.final_summary();
}
