//! Delegations that a connection kept from going on: what did not arrive blames nobody, and what did not come is no pass.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]

use dmconform_judge::{Judge, Transcript, read};
use dmconform_model::transcript::BROKEN_OFF;
use dmconform_model::{Blame, CaseResult, Event, MessageId, Record, Step, Verdict};
use rstest::rstest;

/// A whole delegation, as DMS-1.
fn whole() -> Transcript {
    let text = std::fs::read_to_string("../../fixtures/transcripts/good-dms-1.jsonl");
    read(&text.expect("the transcript is checked in")).expect("the transcript is whole")
}

/// The verdict on the beginning of a transcript, to which something more happened.
fn judged(mut transcript: Transcript, until: usize, more: &[Event]) -> CaseResult {
    transcript.records.truncate(until);
    let at_us = transcript.records.last().map_or(0, |last| last.at_us);
    for event in more.iter().chain([&Event::Ended]) {
        transcript.records.push(Record {
            seq: transcript.records.len() as u64 + 1,
            at_us,
            event: event.clone(),
        });
    }
    Judge::transcript(transcript)
}

/// How many records there are before the first that is meant.
fn before(transcript: &Transcript, meant: impl Fn(&Event) -> bool) -> usize {
    let mut records = transcript.records.iter();
    records
        .position(|record| meant(&record.event))
        .expect("there is one")
}

#[rstest]
#[case::in_order("closed", Verdict::Fail)]
#[case::reset("broken off: connection error", Verdict::Inconclusive)]
fn who_does_not_go_on_after_an_answer_is_blamed_only_if_it_arrived(
    #[case] how: &str,
    #[case] verdict: Verdict,
) {
    let transcript = whole();
    let answered = before(&transcript, |event| matches!(event, Event::ResponseSent(_)));
    let Event::ResponseSent(answer) = &transcript.records[answered].event else {
        panic!("it is one");
    };
    let ended = Event::ConnectionClosed {
        connection: answer.connection,
        how: how.to_owned(),
    };
    let passed = Event::DeadlinePassed {
        awaiting: MessageId::request(Step::UrlRequest),
    };
    let result = judged(transcript, answered + 1, &[ended, passed]);
    assert_eq!(result.verdict, verdict, "{result:#?}");
    let said = result.reason.unwrap_or_default();
    let is_lost = how.starts_with(BROKEN_OFF);
    assert_eq!(
        said.contains("the answer of step 2 (acceptance) may not have arrived"),
        is_lost,
        "{said}"
    );
    let blames = |blame| result.findings.iter().any(|finding| finding.blame == Some(blame));
    assert_eq!(blames(Blame::Dms1), !is_lost);
}

#[test]
fn a_delegation_whose_last_message_a_mock_role_could_not_send_is_no_whole_one() {
    let transcript = whole();
    // The connection that step 10 goes over is the last.
    let last = transcript
        .records
        .iter()
        .rposition(|record| matches!(record.event, Event::ConnectionOpened { .. }));
    let result = judged(transcript, last.expect("there are some"), &[]);
    assert_eq!(result.verdict, Verdict::Inconclusive, "{result:#?}");
    let said = result.reason.unwrap_or_default();
    assert!(
        said.contains("step 10 (delegation complete) did not come"),
        "{said}"
    );
}

/// In a DM session, a status of 200 says of a message that it was carried, and not what was made of it.
#[rstest]
#[case::nothing(200, true)]
#[case::refused(503, false)]
fn an_answer_in_a_dm_session_that_says_nothing_is_told_and_a_refusal_by_http_is_not(
    #[case] status: u16,
    #[case] told: bool,
) {
    let mut transcript = whole();
    // The one with the entry's Status in its request.
    let answer = transcript
        .records
        .iter_mut()
        .find_map(|record| match &mut record.event {
            Event::ResponseReceived(response) if response.exchange == 6 => Some(response),
            _ => None,
        });
    let answer = answer.expect("there is one");
    answer.body.bytes.clear();
    answer.status = status;
    let mut judge = Judge::new(transcript.header.clone());
    for record in &transcript.records {
        judge.feed(record);
    }
    let irregular = &judge.observed().irregular;
    let found = irregular
        .iter()
        .any(|irregular| irregular.code == "broken-off" && irregular.sender == dmconform_model::Role::Dms1);
    assert_eq!(found, told, "{irregular:?}");
}
