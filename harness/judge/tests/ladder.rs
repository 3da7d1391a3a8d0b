//! Ladders of stored transcripts: what was expected and observed, where they part, and what follows.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]

use std::path::PathBuf;

use dmconform_judge::{Judge, Transcript, ladder, read};
use dmconform_model::ladder::{Row, Standing};
use dmconform_model::transcript::Moment;
use dmconform_model::{Event, Ladder, Record, Verdict};
use rstest::rstest;

fn transcript(path: &PathBuf) -> Transcript {
    let text = std::fs::read_to_string(path).expect("the transcript is checked in");
    read(&text).expect("the transcript is whole")
}

fn named(name: &str) -> Transcript {
    transcript(&PathBuf::from(format!(
        "{}/../../fixtures/transcripts/{name}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    )))
}

/// A ladder in lines: mark, expected, observed, standing.
fn in_lines(ladder: &Ladder) -> String {
    let mut lines = String::new();
    for (index, row) in ladder.rows.iter().enumerate() {
        let mark = if ladder.first_divergence == Some(index) {
            ">"
        } else {
            " "
        };
        let line = match row {
            Row::Message(row) => format!(
                "{:<10} {:<10} {} → {} {}{}{}",
                row.expected.map(|_| row.message.to_string()).unwrap_or_default(),
                row.observed
                    .as_ref()
                    .map(|_| row.message.to_string())
                    .unwrap_or_default(),
                row.from,
                row.to,
                row.standing.as_str(),
                row.follows
                    .map(|row| format!(", follows from row {row}"))
                    .unwrap_or_default(),
                findings(&row.findings),
            ),
            Row::Happening(happening) => format!(
                "{:<21} {}–{} {}{}",
                "",
                happening.over.0,
                happening.over.1,
                happening.text,
                findings(&happening.findings)
            ),
        };
        lines = format!("{lines}{mark}{index:>3} {line}\n");
    }
    format!(
        "{lines}{} exhibits, {} connections\n",
        ladder.exhibits.len(),
        ladder.connections.len()
    )
}

fn findings(findings: &[usize]) -> String {
    match findings {
        [] => String::new(),
        some => format!(", findings {some:?}"),
    }
}

#[rstest]
fn every_transcript_has_its_ladder(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
    let name = path
        .file_stem()
        .expect("a transcript has a name")
        .to_string_lossy()
        .into_owned();
    insta::with_settings!({omit_expression => true, filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d+\.\d ms", "TIME"),
    ]}, {
        insta::assert_snapshot!(name, in_lines(&ladder(&transcript(&path))));
    });
}

/// A ladder parts where, and only where, the case did not pass.
#[rstest]
fn a_ladder_parts_where_the_case_did_not_pass(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
    let transcript = transcript(&path);
    let ladder = ladder(&transcript);
    let result = Judge::transcript(transcript);
    assert_eq!(
        ladder.first_divergence.is_some(),
        result.verdict != Verdict::Pass,
        "{}",
        in_lines(&ladder)
    );
    let departs = |row: &Row| matches!(row, Row::Message(row) if row.standing.departs());
    if result.verdict == Verdict::Pass {
        assert!(!ladder.rows.iter().any(departs), "{}", in_lines(&ladder));
    }
    // Every finding has its row, and nothing after the first breach counts as another one without a finding.
    for number in 0..result.findings.len() {
        let has_row = ladder.rows.iter().any(|row| row.findings().contains(&number));
        assert!(
            has_row || result.verdict == Verdict::Inconclusive,
            "{number}: {}",
            in_lines(&ladder)
        );
    }
}

#[test]
fn what_came_too_early_stands_where_it_came_and_where_it_belongs() {
    let ladder = ladder(&named("acl-before-bootstrap-complete"));
    let first = ladder.first_divergence.expect("the case failed");
    let Row::Message(early) = &ladder.rows[first] else {
        panic!("a message came too early");
    };
    assert_eq!(
        (early.standing, early.message.to_string().as_str()),
        (Standing::TooEarly, "8")
    );
    assert!(early.expected.is_none() && early.observed.is_some());
    let place = ladder.rows.iter().skip(first).find_map(|row| match row {
        Row::Message(row) if row.standing == Standing::CameEarlier => Some(row),
        _ => None,
    });
    let place = place.expect("its place is in the ladder");
    assert_eq!((place.message, place.follows), (early.message, Some(first)));
}

/// Nothing that is a secret of the run leaves it by a ladder.
#[rstest]
fn no_ladder_tells_a_secret(#[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf) {
    let transcript = transcript(&path);
    let stored = std::fs::read_to_string(&path).expect("the transcript is checked in");
    let credentials = &transcript.header.dms_2_credentials;
    let secrets = [&credentials.client_secret, &credentials.server_secret];
    let shown = serde_json::to_string(&ladder(&transcript)).expect("a ladder is JSON");
    for secret in secrets {
        assert!(
            secret.len() > 4 && stored.contains(secret.as_str()),
            "the transcript has it"
        );
        assert!(!shown.contains(secret.as_str()), "{secret} is shown");
    }
    assert!(!shown.to_ascii_lowercase().contains("authorization\",\"basic"));
}

/// What does no whole delegation to begin with is tried with nothing else, and that is where its ladder parts.
#[test]
fn a_product_that_was_unwell_before_the_case_parts_there() {
    let mut transcript = named("good-dms-1");
    transcript.records.truncate(2);
    for event in [
        Event::Health {
            when: Moment::Before,
            whole: false,
            observed: "4 was not seen".to_owned(),
        },
        Event::Ended,
    ] {
        let seq = transcript.records.len() as u64 + 1;
        transcript.records.push(Record {
            seq,
            at_us: seq,
            event,
        });
    }
    let ladder = ladder(&transcript);
    let first = ladder.first_divergence.expect("nothing could be judged");
    let Row::Happening(happening) = &ladder.rows[first] else {
        panic!("{}", in_lines(&ladder));
    };
    assert_eq!(
        happening.text,
        "before the case, with another device: no whole delegation: 4 was not seen"
    );
}
