//! A stored transcript is read many lines at once, and what is wrong with it is told of its line all the same.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]

use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use dmconform_judge::{Judge, TranscriptError, open};
use dmconform_model::{Record, Verdict};
use rstest::rstest;

#[path = "common/polls.rs"]
mod polls;

/// A whole delegation with so many polls that it is read in several goes, by its lines.
fn lines() -> Vec<String> {
    let good = std::fs::read_to_string("../../fixtures/transcripts/good-dms-1.jsonl");
    let mut text = Vec::new();
    polls::write(&good.expect("the transcript is checked in"), 600, &mut text)
        .expect("a vector takes everything");
    let text = String::from_utf8(text).expect("a transcript is text");
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// Both ways of reading one: record by record, and while it is judged.
fn errors(text: &[u8]) -> [Option<String>; 2] {
    let one_by_one: Result<Vec<Record>, TranscriptError> = open(text).expect("it has a header").collect();
    let judged = open(text).and_then(Judge::stored);
    [one_by_one.err(), judged.err()].map(|error| error.map(|error| error.to_string()))
}

#[test]
fn a_long_one_is_read_to_its_end_as_each_of_its_lines_is() {
    let lines = lines();
    let text = lines.concat();
    assert!(text.len() > 4 * 128 * 1024, "{}", text.len());
    let read: Result<Vec<Record>, _> = open(text.as_bytes()).expect("it has a header").collect();
    let alone = lines[1..].iter().map(|line| serde_json::from_str::<Record>(line));
    let alone: Result<Vec<Record>, _> = alone.collect();
    assert_eq!(read.expect("it is whole"), alone.expect("each is a record"));
    let judged = open(text.as_bytes())
        .and_then(Judge::stored)
        .expect("it is whole");
    assert_eq!(judged.verdict, Verdict::Pass);
}

#[rstest]
fn what_is_read_while_it_is_judged_is_judged_as_what_was_read_before(
    #[files("../../fixtures/transcripts/*.jsonl")] path: PathBuf,
) {
    let text = std::fs::read_to_string(path).expect("the transcript is checked in");
    let whole = dmconform_judge::read(&text).expect("it is whole");
    let judged = open(text.as_bytes()).and_then(Judge::stored);
    assert_eq!(judged.expect("it is whole"), Judge::transcript(whole));
}

#[rstest]
#[case::with_the_line_ends_of_another_system("\n", "\r\n")]
#[case::with_white_space_at_the_ends_of_lines("\n", " \t\n")]
fn white_space_that_json_knows_may_follow_a_record(#[case] from: &str, #[case] to: &str) {
    let text = lines().concat().replace(from, to);
    assert_eq!(errors(text.as_bytes()), [None, None]);
}

#[test]
fn the_last_line_needs_no_end() {
    let text = lines().concat();
    assert_eq!(errors(text.trim_end().as_bytes()), [None, None]);
}

#[rstest]
#[case::two_records_in_a_line("\n", "")]
#[case::a_record_over_two_lines(",\"event\"", ",\n\"event\"")]
#[case::a_line_with_nothing_in_it("\n", "\n\n")]
#[case::something_behind_a_record("\n", "}\n")]
#[case::a_form_feed_behind_a_record("\n", "\u{c}\n")]
#[case::no_record("{\"seq\"", "{\"number\"")]
fn what_is_wrong_in_a_late_line_is_told_of_it(#[case] what: &str, #[case] instead: &str) {
    let mut lines = lines();
    // Line 500, counted from 1, is far behind what is read first.
    lines[499] = lines[499].replacen(what, instead, 1);
    let expected = match instead {
        // It is the next one that has nothing in it.
        "\n\n" => "read line 501 of the transcript as a record: ",
        _ => "read line 500 of the transcript as a record: ",
    };
    for error in errors(lines.concat().as_bytes()) {
        let error = error.expect("it is damaged");
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn what_is_no_utf_8_is_told_of_its_line_and_not_of_those_before() {
    let mut text = lines().concat().into_bytes();
    let ends = text.iter().enumerate().filter(|(_, octet)| **octet == b'\n');
    let (end, _) = ends
        .map(|(at, octet)| (at, *octet))
        .nth(498)
        .expect("there are as many lines");
    let quote = text[end..]
        .iter()
        .position(|octet| *octet == b'"')
        .expect("a record has texts");
    text[end + quote + 1] = 0xff;
    for error in errors(&text) {
        let error = error.expect("it is damaged");
        assert!(
            error.starts_with("read line 500 of the transcript as a record: "),
            "{error}"
        );
    }
}

/// Gives what there is, and then fails.
struct Broken<'t>(&'t [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.0.read(to)? {
            0 => Err(io::Error::other("the disk is gone")),
            octets => Ok(octets),
        }
    }
}

#[rstest]
#[case::at_the_end_of_a_line(0)]
#[case::inside_a_line(10)]
fn what_cannot_be_read_any_further_is_told_after_what_could(#[case] of_the_next: usize) {
    let lines = lines();
    let text = lines[..400].concat() + &lines[400][..of_the_next];
    let source = || BufReader::new(Broken(text.as_bytes()));
    let read: Vec<_> = open(source()).expect("it has a header").collect();
    assert_eq!(read.len(), 400);
    assert_eq!(read.iter().filter(|record| record.is_ok()).count(), 399);
    let judged = open(source()).and_then(Judge::stored);
    let error = judged.expect_err("it cannot be read").to_string();
    assert_eq!(
        error,
        "read the transcript: the disk is gone; is the file there, and readable?"
    );
}
