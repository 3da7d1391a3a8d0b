//! DMS-2, message by message.

use std::collections::BTreeSet;

use rstest::rstest;

use super::Delegated;
use crate::config::{BootstrapUrls, Token};
use crate::delegation::document::{DelegationType, Document, Kind, Scope};
use crate::delegation::ledger::{Desk, Machine, Outgoing, Side};
use crate::deviation::Deviation;

fn terms() -> Document {
    Document {
        kind: Kind::InitiationRequest,
        session: "s1".to_owned(),
        delegating: "dms1.example".to_owned(),
        delegated: "dms2.example".to_owned(),
        device: "urn:dev".to_owned(),
        scope: Some(Scope {
            manufacturer: "Maker".to_owned(),
            model: "Model".to_owned(),
            tree_parts: vec!["./Com".to_owned()],
            delegation_type: DelegationType::from_name("full-permanent"),
        }),
    }
}

fn notice(kind: Kind) -> Document {
    Document {
        kind,
        scope: None,
        ..terms()
    }
}

fn machine(deviations: &[Deviation], sees_fetches: bool) -> Delegated {
    let desk = Desk {
        side: Side::Delegated,
        server_id: "dms2.example".to_owned(),
        peers: BTreeSet::from(["dms1.example".to_owned()]),
        deviations: deviations.iter().copied().collect(),
    };
    let url = "https://bootstrap.example/b".parse().expect("a URL");
    Delegated::new(
        desk,
        BootstrapUrls {
            url,
            token: None,
            provision: None,
        },
        Token::Device,
        sees_fetches,
    )
}

/// Takes a message of DMS-1: the URL in the answer, and what is sent then.
fn hear(machine: &mut Delegated, document: &Document) -> Result<(Option<String>, Vec<Kind>), u16> {
    let certificate = ["dms1.example".to_owned()];
    let result = machine.receive(document, Some(&certificate));
    result
        .map(|(answer, consequences)| (answer.bootstrap_url, kinds(&consequences.outgoing)))
        .map_err(|refusal| refusal.status)
}

fn kinds(outgoing: &[Outgoing]) -> Vec<Kind> {
    outgoing.iter().map(|message| message.document.kind).collect()
}

/// Up to the answer of step 3.
fn with_url(deviations: &[Deviation], sees_fetches: bool) -> Delegated {
    let mut machine = machine(deviations, sees_fetches);
    assert_eq!(hear(&mut machine, &terms()), Ok((None, vec![])));
    hear(&mut machine, &notice(Kind::BootstrapServerUrlRequest)).expect("it is time for step 3");
    machine
}

#[test]
fn the_whole_delegation_goes_in_order() {
    let mut machine = machine(&[], false);
    assert_eq!(hear(&mut machine, &terms()), Ok((None, vec![])));
    let url = Some("https://bootstrap.example/b/urn:dev".to_owned());
    assert_eq!(
        hear(&mut machine, &notice(Kind::BootstrapServerUrlRequest)),
        Ok((url, vec![]))
    );
    assert_eq!(
        kinds(&machine.session_begun("urn:dev", true)),
        [Kind::BootstrapComplete]
    );
    assert!(
        machine.session_begun("urn:dev", true).is_empty(),
        "a second session is no second step 7"
    );
    machine.sent("s1", Kind::BootstrapComplete, Ok(None));
    assert_eq!(
        hear(&mut machine, &notice(Kind::ClientPrepared)),
        Ok((None, vec![Kind::DelegationComplete]))
    );
    machine.sent("s1", Kind::DelegationComplete, Ok(None));
    assert_eq!(machine.view("s1").expect("it was accepted").state, "complete");
}

#[test]
fn it_may_open_and_is_asked_before_its_request_is_answered() {
    let mut machine = machine(&[], false);
    assert_eq!(kinds(&machine.open(terms())), [Kind::InitiationRequest]);
    assert!(hear(&mut machine, &notice(Kind::BootstrapServerUrlRequest)).is_ok());
}

#[test]
fn a_session_whose_credentials_were_refused_proves_nothing() {
    assert!(with_url(&[], false).session_begun("urn:dev", false).is_empty());
}

#[test]
fn a_session_of_another_device_proves_nothing() {
    assert!(with_url(&[], false).session_begun("urn:other", true).is_empty());
}

#[test]
fn a_session_before_the_url_was_given_proves_nothing() {
    let mut machine = machine(&[], false);
    hear(&mut machine, &terms()).expect("it is accepted");
    assert!(machine.session_begun("urn:dev", true).is_empty());
}

#[test]
fn where_it_sees_who_fetches_a_session_without_a_fetch_proves_nothing() {
    let mut machine = with_url(&[], true);
    assert!(machine.session_begun("urn:dev", true).is_empty());
    assert!(machine.fetched("urn:dev").is_empty());
    assert_eq!(
        kinds(&machine.session_begun("urn:dev", true)),
        [Kind::BootstrapComplete]
    );
}

#[rstest]
#[case(Kind::ClientPrepared, 409)]
#[case(Kind::BootstrapComplete, 400)]
#[case(Kind::DelegationComplete, 400)]
fn what_is_not_due_is_refused(#[case] kind: Kind, #[case] status: u16) {
    assert_eq!(hear(&mut with_url(&[], false), &notice(kind)), Err(status));
}

#[test]
fn questions_about_unknown_sessions_and_devices_are_refused() {
    let mut machine = machine(&[], false);
    let question = notice(Kind::BootstrapServerUrlRequest);
    assert_eq!(hear(&mut machine, &question), Err(404));
    hear(&mut machine, &terms()).expect("it is accepted");
    assert_eq!(
        hear(
            &mut machine,
            &Document {
                device: "urn:other".to_owned(),
                ..question
            }
        ),
        Err(404)
    );
}

#[test]
fn a_request_without_a_type_is_not_understood() {
    let mut document = terms();
    document.scope.as_mut().expect("it has one").delegation_type = None;
    assert_eq!(hear(&mut machine(&[], false), &document), Err(400));
}

#[test]
fn a_repeated_question_gets_the_same_url() {
    let mut machine = with_url(&[], false);
    machine.token = Token::Random;
    let again = hear(&mut machine, &notice(Kind::BootstrapServerUrlRequest));
    assert_eq!(
        again,
        Ok((Some("https://bootstrap.example/b/urn:dev".to_owned()), vec![]))
    );
}

#[test]
fn a_repeated_notice_leads_to_one_completion() {
    let mut machine = with_url(&[], false);
    machine.session_begun("urn:dev", true);
    assert_eq!(
        hear(&mut machine, &notice(Kind::ClientPrepared)),
        Ok((None, vec![Kind::DelegationComplete]))
    );
    assert_eq!(
        hear(&mut machine, &notice(Kind::ClientPrepared)),
        Ok((None, vec![]))
    );
}

#[rstest]
#[case(Deviation::AnswersNoUrl, None)]
#[case(Deviation::AnswersRelativeUrl, Some("/b/urn:dev"))]
#[case(Deviation::AnswersPlainHttpUrl, Some("http://bootstrap.example/b/urn:dev"))]
fn a_deviation_shows_in_the_url(#[case] deviation: Deviation, #[case] url: Option<&str>) {
    let mut machine = machine(&[deviation], false);
    hear(&mut machine, &terms()).expect("it is accepted");
    let answer = hear(&mut machine, &notice(Kind::BootstrapServerUrlRequest));
    assert_eq!(answer, Ok((url.map(str::to_owned), vec![])));
}

#[test]
fn bootstrap_complete_too_early_comes_with_the_url() {
    let mut machine = machine(&[Deviation::BootstrapCompleteTooEarly], false);
    hear(&mut machine, &terms()).expect("it is accepted");
    let (_, sent) =
        hear(&mut machine, &notice(Kind::BootstrapServerUrlRequest)).expect("it is time for step 3");
    assert_eq!(sent, [Kind::BootstrapComplete]);
}

#[test]
fn repeats_as_second_step_completes_twice() {
    let mut machine = with_url(&[Deviation::RepeatsAsSecondStep], false);
    machine.session_begun("urn:dev", true);
    for _ in 0..2 {
        let sent = hear(&mut machine, &notice(Kind::ClientPrepared));
        assert_eq!(sent, Ok((None, vec![Kind::DelegationComplete])));
    }
}

#[test]
fn complete_before_prepared_does_not_wait() {
    let mut machine = with_url(&[Deviation::CompleteBeforePrepared], false);
    machine.session_begun("urn:dev", true);
    assert_eq!(
        kinds(&machine.sent("s1", Kind::BootstrapComplete, Ok(None))),
        [Kind::DelegationComplete]
    );
}

#[test]
fn a_question_for_the_url_that_was_refused_is_refused_when_it_comes_again() {
    let mut machine = with_url(&[], true);
    let kind = Kind::BootstrapServerUrlRequest;
    machine.sent("s1", kind, Err("the Bootstrap Server answered 500".to_owned()));
    assert_eq!(machine.view("s1").expect("it was accepted").state, "failed");
    assert_eq!(hear(&mut machine, &notice(kind)), Err(409));
    assert_eq!(
        hear(&mut machine, &terms()),
        Ok((None, vec![])),
        "what was accepted is"
    );
}
