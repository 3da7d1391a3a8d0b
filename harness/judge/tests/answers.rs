//! Answers between the servers that have no body: what they say stands in their header fields and their status.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use dmconform_case::profile::Document;
use dmconform_judge::{Judge, Occurrence, Transcript, read};
use dmconform_model::transcript::Response;
use dmconform_model::{Event, MessageId, Step, Verdict};
use rstest::rstest;

/// A whole delegation, as DMS-2.
fn whole() -> Transcript {
    let text = std::fs::read_to_string("../../fixtures/transcripts/good-dms-2.jsonl");
    read(&text.expect("the transcript is checked in")).expect("the transcript is whole")
}

/// The same, with another form of an answer in the profile.
fn with_answer(step: Step, change: impl FnOnce(&mut Document)) -> Transcript {
    let mut transcript = whole();
    let profile = Arc::make_mut(&mut transcript.header.profile);
    let answer = profile.messages.get_mut(&MessageId::answer(step));
    change(answer.expect("every step has an answer"));
    transcript
}

/// Changes the answer to an exchange.
fn answered(transcript: &mut Transcript, exchange: u64, change: impl FnOnce(&mut Response)) {
    let mut events = transcript.records.iter_mut().map(|record| &mut record.event);
    let answer = events.find_map(|event| match event {
        Event::ResponseReceived(answer) | Event::ResponseSent(answer) if answer.exchange == exchange => {
            Some(answer)
        }
        _ => None,
    });
    change(answer.expect("the exchange has an answer"));
}

/// An answer without a body, with these header fields.
fn bodiless(answer: &mut Response, status: u16, headers: &[(&str, &str)]) {
    answer.status = status;
    answer.body.bytes.clear();
    let headers = headers.iter();
    answer.headers = headers
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs
        .iter()
        .map(|(name, field)| ((*name).to_owned(), (*field).to_owned()));
    owned.collect()
}

/// The exchange of step 3, and that of step 7.
const URL_REQUEST: u64 = 2;
const BOOTSTRAP_COMPLETE: u64 = 10;

/// How the answer of a step is understood.
fn understood(transcript: &Transcript, step: Step) -> Occurrence {
    let mut judge = Judge::new(transcript.header.clone());
    for record in &transcript.records {
        judge.feed(record);
    }
    let mut all = judge.observed().occurrences.iter();
    let answer = all.find(|seen| seen.message == MessageId::answer(step));
    answer.expect("the step is answered").clone()
}

#[rstest]
#[case::of_a_message_without_a_body(false, false)]
#[case::of_one_whose_body_may_lack(false, true)]
#[case::of_one_that_has_a_body_mostly(true, true)]
fn an_answer_without_a_body_says_what_its_header_fields_say(
    #[case] has_document: bool,
    #[case] body_optional: bool,
) {
    let stored = understood(&whole(), Step::UrlRequest).fields;
    let (url, session) = (&stored["url"][0], &stored["session"][0]);
    let mut transcript = with_answer(Step::UrlRequest, |answer| {
        if !has_document {
            *answer = Document::default();
        }
        answer.status = Some(201);
        answer.headers = headers(&[("Location", "url"), ("X-Session", "session")]);
        answer.body_optional = body_optional;
    });
    answered(&mut transcript, URL_REQUEST, |answer| {
        bodiless(answer, 201, &[("location", url), ("x-session", session)]);
    });
    let understood = understood(&transcript, Step::UrlRequest);
    let carried = ["url", "session"].map(|field| (field.to_owned(), stored[field].clone()));
    assert!(understood.accepted);
    assert_eq!(understood.fields, BTreeMap::from(carried));
    let result = Judge::transcript(transcript);
    assert_eq!(result.verdict, Verdict::Pass, "{result:#?}");
}

#[rstest]
#[case::of_a_message_without_a_body(false)]
#[case::of_one_that_has_a_body_mostly(true)]
fn an_answer_of_step_3_that_says_no_url_anywhere_is_no_acceptance(#[case] has_document: bool) {
    let mut transcript = with_answer(Step::UrlRequest, |answer| {
        if !has_document {
            *answer = Document::default();
        }
        answer.headers = headers(&[("Location", "url")]);
        answer.body_optional = true;
    });
    answered(&mut transcript, URL_REQUEST, |answer| bodiless(answer, 201, &[]));
    let understood = understood(&transcript, Step::UrlRequest);
    assert!(!understood.accepted);
    assert!(!understood.fields.contains_key("url"));
    let result = Judge::transcript(transcript);
    assert_eq!(result.verdict, Verdict::Fail, "{result:#?}");
}

#[rstest]
#[case::accepted(204, true)]
#[case::refused(403, false)]
fn a_status_alone_is_an_answer_where_the_profile_has_no_more(#[case] status: u16, #[case] accepted: bool) {
    let mut transcript = with_answer(Step::BootstrapComplete, |answer| {
        *answer = Document {
            status: Some(204),
            ..Document::default()
        };
    });
    answered(&mut transcript, BOOTSTRAP_COMPLETE, |answer| {
        bodiless(answer, status, &[]);
    });
    assert_eq!(
        understood(&transcript, Step::BootstrapComplete).accepted,
        accepted
    );
    let passed = Judge::transcript(transcript).verdict == Verdict::Pass;
    assert!(passed || !accepted);
}
