//! Transcripts of other forms: old ones are read, newer ones are refused with what to do.

use dmconform_judge::{TRANSCRIPT_FORMAT, header_line, read};
use rstest::rstest;
use serde_json::Value;

/// The first transcripts, which do not say of which form they are.
const FIRST: &str = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");

#[test]
fn a_transcript_that_does_not_say_its_form_is_of_the_first() {
    assert!(!FIRST.lines().next().unwrap_or_default().contains("\"format\":1,"));
    let transcript = read(FIRST).expect("it is read");
    assert_eq!(transcript.header.format, 1);
    let written = header_line(&transcript.header);
    assert!(
        written.starts_with(&format!("{{\"format\":{TRANSCRIPT_FORMAT},")),
        "{written}"
    );
}

/// The first transcript, with something else in its header.
fn with(changes: &[(&str, Value)]) -> String {
    let (first, records) = FIRST.split_once('\n').expect("there are records");
    let mut header: Value = serde_json::from_str(first).expect("it is JSON");
    for (key, value) in changes {
        header[*key] = value.clone();
    }
    format!("{header}\n{records}")
}

#[test]
fn a_transcript_of_a_newer_form_is_refused_with_what_to_do() {
    let newer = with(&[
        ("format", Value::from(TRANSCRIPT_FORMAT + 1)),
        ("judge", Value::from("9.1.0")),
        ("something-new", Value::from("that no older program knows")),
    ]);
    let refused = read(&newer).expect_err("it is newer");
    assert_eq!(
        refused.to_string(),
        "read the transcript: it has the form 2, and this program reads up to 1; judge it with dmconform 9.1.0, which wrote it, \
         or a later one"
    );
}

/// What no program of today knows the form of is newer all the same, and neither cut nor edited.
#[test]
fn a_newer_form_is_told_whatever_else_its_header_holds() {
    let newer = with(&[
        ("format", Value::from(u64::from(u32::MAX) + 1)),
        ("judge", Value::from(vec!["a", "list"])),
    ]);
    let refused = read(&newer).expect_err("it is newer").to_string();
    assert!(refused.contains("it has the form 4294967296"), "{refused}");
}

#[test]
fn a_form_that_no_program_wrote_is_refused() {
    let refused = read(&with(&[("format", Value::from(0))])).expect_err("there is no such form");
    assert_eq!(
        refused.to_string(),
        "read the transcript: it has the form 0, and the first one is 1; was the file edited?"
    );
}

/// Half of a record understood is half of a transcript understood.
#[rstest]
#[case::of_a_record("{\"seq\":1,", "{\"seq\":1,\"new\":0,", "unknown field `new`")]
#[case::of_an_event(
    "\"connection-opened\":{",
    "\"connection-opened\":{\"new\":0,",
    "unknown field `new`"
)]
#[case::of_a_request("\"request-sent\":{", "\"request-sent\":{\"new\":0,", "unknown field `new`")]
#[case::of_the_case("\"case\":{", "\"case\":{\"new\":0,", "unknown field `new`")]
fn a_key_that_no_record_has_is_refused(#[case] known: &str, #[case] other: &str, #[case] reason: &str) {
    let edited = FIRST.replacen(known, other, 1);
    assert_ne!(edited, FIRST);
    let refused = read(&edited).err().map(|error| error.to_string());
    assert!(
        refused.as_ref().is_some_and(|refused| refused.contains(reason)),
        "{refused:?}"
    );
}
