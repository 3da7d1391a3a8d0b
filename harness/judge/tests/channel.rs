//! What connections show: who refused whom, and who has refused nobody.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what is checked in; the crate itself reads nothing"
)]

use dmconform_case::test_case::{Change, Expectation, How, What};
use dmconform_judge::{Judge, Transcript, read};
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::{Facts, Version};
use dmconform_model::transcript::{Body, Endpoint, EndpointKind, Request, Response, Side};
use dmconform_model::{CaseResult, Event, MessageId, Place, Record, RequirementId, Role, Step, Verdict};
use rstest::rstest;

/// Where a mock DMS-2 listens for DMS-1.
const LISTENER: Endpoint = Endpoint {
    role: Role::Dms2,
    kind: EndpointKind::Delegation,
};

/// The connection that a test is about.
const CONNECTION: u64 = 900;

/// A case against DMS-1 in which a message is sent otherwise, and one thing is expected.
fn judged(at: MessageId, how: How, what: What, requirement: &str, events: Vec<Event>) -> CaseResult {
    let text = std::fs::read_to_string("../../fixtures/transcripts/good-dms-1.jsonl");
    let Transcript { mut header, .. } =
        read(&text.expect("the transcript is checked in")).expect("the transcript is whole");
    let place = Place {
        file: "cases/a.yaml".to_owned(),
        line: 1,
        column: 1,
    };
    header.case.changes = vec![Change {
        at,
        how,
        place: place.clone(),
    }];
    header.case.expect = vec![Expectation {
        what,
        requirement: RequirementId(requirement.to_owned()),
        place,
    }];
    let changed = Event::Changed {
        at,
        exchange: None,
        change: "something else".to_owned(),
    };
    let events = [changed].into_iter().chain(events).chain([Event::Ended]);
    let records = (1..).zip(events).map(|(seq, event)| Record {
        seq,
        at_us: seq * 1000,
        event,
    });
    Judge::transcript(Transcript {
        header,
        records: records.collect(),
    })
}

fn opened(side: Side, observer: Role, endpoint: Endpoint) -> Event {
    Event::ConnectionOpened {
        connection: CONNECTION,
        observer,
        side,
        endpoint,
        address: "127.0.0.1:40000".to_owned(),
        since_us: 0,
    }
}

fn established(version: &str, presented: Certificate) -> Event {
    Event::TlsEstablished {
        connection: CONNECTION,
        facts: Facts {
            version: version.to_owned(),
            ..Facts::default()
        },
        presented,
    }
}

fn failed(reason: &str, refused_by_peer: bool, presented: Certificate) -> Event {
    Event::TlsFailed {
        connection: CONNECTION,
        reason: reason.to_owned(),
        refused_by_peer,
        presented,
    }
}

/// The mock DMS-2 listens with a bad certificate. Only who breaks off, or comes in and stays silent, has refused it.
#[rstest]
#[case::alert(
    failed("the peer sent the alert `unknown_ca`", true, Certificate::UnknownAuthority),
    Verdict::Pass
)]
#[case::silent(established("TLSv1.3", Certificate::UnknownAuthority), Verdict::Pass)]
#[case::without_a_certificate(
    failed(
        "refused the peer: peer sent no certificates",
        false,
        Certificate::UnknownAuthority
    ),
    Verdict::Inconclusive
)]
#[case::too_late(
    failed(
        "the handshake was not finished in time",
        false,
        Certificate::UnknownAuthority
    ),
    Verdict::Inconclusive
)]
fn a_peer_that_our_listener_refused_has_refused_nothing(#[case] end: Event, #[case] verdict: Verdict) {
    let at = MessageId::answer(Step::Initiation);
    let events = vec![opened(Side::Accepted, Role::Dms2, LISTENER), end];
    let how = How::Tls(Certificate::UnknownAuthority);
    let result = judged(at, how, What::Refuse(at), "DEL-1-2", events);
    assert_eq!(result.verdict, verdict, "{result:#?}");
}

/// The mock DMS-2 listens with one version of TLS. What its listener breaks off for anything else is not about versions.
#[rstest]
#[case::spoken(established("TLSv1.2", Certificate::Good), Verdict::Pass)]
#[case::refused(
    failed("the peer sent the alert `protocol_version`", true, Certificate::Good),
    Verdict::Fail
)]
#[case::not_offered(
    failed(
        "refused the peer: it speaks no version of TLS that is spoken here",
        false,
        Certificate::Good
    ),
    Verdict::Fail
)]
#[case::no_suite(
    failed(
        "refused the peer: peer is incompatible: NoCipherSuitesInCommon",
        false,
        Certificate::Good
    ),
    Verdict::Inconclusive
)]
#[case::no_certificate(
    failed("refused the peer: peer sent no certificates", false, Certificate::Good),
    Verdict::Inconclusive
)]
fn who_is_broken_off_for_something_else_may_well_speak_the_version(
    #[case] end: Event,
    #[case] verdict: Verdict,
) {
    let at = MessageId::answer(Step::Initiation);
    let events = vec![opened(Side::Accepted, Role::Dms2, LISTENER), end];
    let how = How::TlsVersion(Version::V1_2);
    let result = judged(at, how, What::Serves(at), "ROB-1-2", events);
    assert_eq!(result.verdict, verdict, "{result:#?}");
}

/// The mock DMS-2 dials with TLS 1.3 only.
#[rstest]
#[case::answered(true, Verdict::Pass)]
#[case::not_answered(false, Verdict::Inconclusive)]
fn a_handshake_that_only_our_side_has_completed_is_no_acceptance(
    #[case] is_answered: bool,
    #[case] verdict: Verdict,
) {
    let at = MessageId::request(Step::BootstrapComplete);
    let endpoint = Endpoint {
        role: Role::Dms1,
        kind: EndpointKind::Delegation,
    };
    let mut events = vec![
        opened(Side::Dialled, Role::Dms2, endpoint),
        established("TLSv1.3", Certificate::Good),
    ];
    if is_answered {
        events.extend([
            Event::RequestSent(Request {
                exchange: 900,
                connection: CONNECTION,
                observer: Role::Dms2,
                endpoint,
                method: "POST".to_owned(),
                url: "https://127.0.0.1/delegation".to_owned(),
                headers: Vec::new(),
                body: Body::default(),
            }),
            Event::ResponseReceived(Response {
                exchange: 900,
                connection: CONNECTION,
                observer: Role::Dms2,
                status: 400,
                headers: Vec::new(),
                body: Body::default(),
            }),
        ]);
    }
    let how = How::TlsVersion(Version::V1_3);
    let result = judged(at, how, What::Serves(at), "ROB-1-2", events);
    assert_eq!(result.verdict, verdict, "{result:#?}");
}

/// What is no TLS arrives at the mock DMS-2 while a case has its listener to itself.
#[rstest]
#[case::a_request("POST /delegation HTTP/1.1\r\nhost: 127.0.0.1", Verdict::Fail)]
#[case::of_anybody("GET /health HTTP/1.0\r\n\r\n", Verdict::Inconclusive)]
#[case::of_no_kind("\u{1}\u{2}\u{3}", Verdict::Inconclusive)]
fn what_anybody_sends_without_tls_is_not_held_against_the_product(
    #[case] octets: &str,
    #[case] verdict: Verdict,
) {
    let at = MessageId::answer(Step::Initiation);
    let plaintext = Event::Plaintext {
        connection: CONNECTION,
        first_bytes: Body::new(octets.as_bytes().to_vec()),
    };
    let events = vec![opened(Side::Accepted, Role::Dms2, LISTENER), plaintext];
    let how = How::Tls(Certificate::UnknownAuthority);
    let result = judged(at, how, What::Secured, "DEL-1-1", events);
    assert_eq!(result.verdict, verdict, "{result:#?}");
}

/// DMS-1 is to open the delegation, and does not.
#[rstest]
#[case::refused(Some("the peer sent the alert `unknown_ca`"), Verdict::Inconclusive)]
#[case::not_tried(None, Verdict::Fail)]
fn who_does_not_take_the_good_certificate_is_not_blamed_for_what_does_not_come(
    #[case] reason: Option<&str>,
    #[case] verdict: Verdict,
) {
    let at = MessageId::request(Step::Initiation);
    let mut events = Vec::new();
    if let Some(reason) = reason {
        events.push(opened(Side::Accepted, Role::Dms2, LISTENER));
        events.push(failed(reason, true, Certificate::Good));
    }
    events.push(Event::DeadlinePassed { awaiting: at });
    let comes = What::Step {
        message: at,
        fields: std::collections::BTreeMap::new(),
    };
    let result = judged(at, How::Delay, comes, "DEL-2-1", events);
    assert_eq!(result.verdict, verdict, "{result:#?}");
    let said = result.reason.unwrap_or_default();
    assert!(reason.is_none_or(|reason| said.contains(reason)), "{said}");
}
