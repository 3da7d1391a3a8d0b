//! What peers that are no part of it, or make no sense, get to hear.

use crate::common::{DMS_1, DMS_2, World};
use dmconform_reference::{Deviation, RoleName};
use oma_dm::account::{Account, Credentials};
use oma_dm::auth::Secret;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::session::client::{ClientConfig, ClientSession, End, Step};
use oma_dm::syncml::{self, AlertCode, Encoding};
use oma_dm::tree::Tree;
use rstest::rstest;
use serde_json::json;

const DELEGATION: (&str, &str) = ("/delegation", "application/vnd.dm.delegation+xml");
const DM: (&str, &str) = ("/dm", "application/vnd.syncml.dm+xml");

const DMS_1_DM: u16 = 18101;
const DMS_1_DELEGATION: u16 = 18102;
const DMS_2_DM: u16 = 18201;
const DMS_2_DELEGATION: u16 = 18202;
const BOOTSTRAP: u16 = 18301;

fn initiation(device: &str, delegating: &str) -> String {
    format!(
        "<InitiationRequest xmlns=\"urn:dmconform:delegation:0\"><SessionID>s1</SessionID>\
         <DelegatingServerID>{delegating}</DelegatingServerID><DelegatedServerID>dms2.example</DelegatedServerID>\
         <DeviceID>{device}</DeviceID><Manufacturer>M</Manufacturer><Model>M</Model><TreePart>./Com</TreePart>\
         <DelegationType>full-permanent</DelegationType></InitiationRequest>"
    )
}

fn notice(name: &str) -> String {
    format!(
        "<{name} xmlns=\"urn:dmconform:delegation:0\"><SessionID>s1</SessionID>\
         <DelegatingServerID>dms1.example</DelegatingServerID><DelegatedServerID>dms2.example</DelegatedServerID>\
         <DeviceID>d</DeviceID></{name}>"
    )
}

async fn dms_2() -> World {
    let mut world = World::new();
    world.start(&[RoleName::Dms2], "dms-2.toml", &[]).await;
    world
}

#[rstest]
#[case::not_xml("dms1", "no XML".to_owned(), 400)]
#[case::empty("dms1", String::new(), 400)]
#[case::no_device("dms1", initiation("", "dms1.example"), 400)]
#[case::too_large("dms1", "x".repeat(2 * 1024 * 1024), 413)]
#[case::for_somebody_elses_name("dms3", initiation("d", "dms1.example"), 403)]
#[case::without_a_contract("dms3", initiation("d", "dms3.example"), 403)]
#[case::unknown_session("dms1", notice("BootstrapServerURLRequest"), 404)]
#[case::for_the_other_server("dms1", notice("BootstrapComplete"), 400)]
#[case::well_formed("dms1", initiation("d", "dms1.example"), 200)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegation_message_is_answered_with(
    #[case] sender: &str,
    #[case] body: String,
    #[case] status: u16,
) {
    let world = dms_2().await;
    let (found, answer) = world
        .post_tls(DMS_2_DELEGATION, Some(sender), DELEGATION, body.as_bytes())
        .await;
    assert_eq!(found, status, "{answer}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_paths_and_media_types_are_refused() {
    let world = dms_2().await;
    let body = initiation("d", "dms1.example");
    for (place, status) in [(("/", DELEGATION.1), 404), (("/delegation", "text/plain"), 415)] {
        assert_eq!(
            world
                .post_tls(DMS_2_DELEGATION, Some("dms1"), place, body.as_bytes())
                .await
                .0,
            status
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_question_gets_the_same_answer_and_a_repeated_request_too() {
    let world = dms_2().await;
    let mut answers = Vec::new();
    for body in [
        initiation("d", "dms1.example"),
        notice("BootstrapServerURLRequest"),
    ] {
        for _ in 0..2 {
            let (status, answer) = world
                .post_tls(DMS_2_DELEGATION, Some("dms1"), DELEGATION, body.as_bytes())
                .await;
            assert_eq!(status, 200, "{answer}");
            answers.push(answer.split_once("\r\n\r\n").expect("a body").1.to_owned());
        }
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[2], answers[3]);
    assert!(
        answers[3].contains("<BootstrapServerURL>https://localhost:"),
        "{}",
        answers[3]
    );
    world.stop().await;
}

#[rstest]
#[case::none(None)]
#[case::of_another_authority(Some("stranger"))]
#[case::expired(Some("expired"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_good_certificate_hears_nothing(#[case] certificate: Option<&str>) {
    let world = dms_2().await;
    let request = "POST /delegation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    world
        .send_tls(DMS_2_DELEGATION, certificate, request.as_bytes())
        .await
        .expect_err("the connection ends with an alert");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_deviation_who_shows_none_is_heard() {
    let mut world = World::new();
    world
        .start(
            &[RoleName::Dms2],
            "dms-2.toml",
            &[Deviation::AcceptsAnyClientCertificate],
        )
        .await;
    let body = initiation("d", "dms1.example");
    for certificate in [None, Some("stranger")] {
        let (status, answer) = world
            .post_tls(DMS_2_DELEGATION, certificate, DELEGATION, body.as_bytes())
            .await;
        // The stranger's certificate names DMS-2.
        assert_eq!(status, if certificate.is_none() { 200 } else { 403 }, "{answer}");
    }
    world.stop().await;
}

#[rstest]
#[case::not_xml("no XML", 400)]
#[case::of_nobody(SYNCML, 200)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dm_message_is_answered_with(#[case] body: &str, #[case] status: u16) {
    let mut world = World::new();
    world.start(&[RoleName::Dms1], "dms-1.toml", &[]).await;
    let (found, answer) = world.post_tls(DMS_1_DM, None, DM, body.as_bytes()).await;
    assert_eq!(found, status, "{answer}");
    if found == 200 {
        assert!(
            answer.contains("<Data>407</Data>") && answer.contains("NextNonce"),
            "{answer}"
        );
    }
    assert!(
        world
            .send_tls(DMS_1_DELEGATION, None, b"GET / HTTP/1.1\r\n\r\n")
            .await
            .is_err()
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deviation_of_one_server_is_none_of_the_other_in_the_same_process() {
    let mut world = World::new();
    let read = |name: &str| std::fs::read_to_string(world.path(name)).expect("it was written");
    let (first, second) = (read("dms-1.toml"), read("dms-2.toml"));
    let of_second = second.find("[dms-2]").expect("it has the section");
    std::fs::write(
        world.path("both.toml"),
        format!("{first}\n{}", &second[of_second..]),
    )
    .expect("the folder can be written");
    world
        .start(
            &[RoleName::Dms1, RoleName::Dms2],
            "both.toml",
            &[Deviation::OmitsHeaderStatus],
        )
        .await;
    for (port, has_status) in [(DMS_1_DM, true), (DMS_2_DM, false)] {
        let (_, answer) = world.post_tls(port, None, DM, SYNCML.as_bytes()).await;
        assert_eq!(answer.contains("<Cmd>SyncHdr</Cmd>"), has_status, "{answer}");
    }
    world.stop().await;
}

/// Posts a DM message to DMS-1; the body of the answer.
async fn say(world: &World, body: &[u8]) -> String {
    let (status, answer) = world.post_tls(DMS_1_DM, None, DM, body).await;
    assert_eq!(status, 200, "{answer}");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_dm_message_gets_the_same_challenge() {
    let mut world = World::new();
    world.start(&[RoleName::Dms1], "dms-1.toml", &[]).await;
    let challenge = say(&world, SYNCML.as_bytes()).await;
    assert_eq!(say(&world, SYNCML.as_bytes()).await, challenge);
    // Another session, of another device, has another nonce.
    let other = say(&world, SYNCML.replace("nobody", "somebody").as_bytes()).await;
    assert_ne!(other.replace("somebody", "nobody"), challenge);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_dm_message_may_come_again_even_after_the_next_session() {
    const DEVICE: &str = "urn:example:device:1";

    let mut world = World::new();
    world.start(&[RoleName::Dms1], "dms-1.toml", &[]).await;
    let mut account = Account::new("dms1.example", "https://localhost/dm");
    let credentials = |name, password| Credentials::digest(name, Secret::new(password), *b"nonce");
    account.client_credentials = Some(credentials(DEVICE, "client-secret-1"));
    account.server_credentials = Some(credentials("dms1.example", "server-secret-1"));
    let device_info = DeviceInfo {
        device_id: DEVICE.to_owned(),
        manufacturer: "M".to_owned(),
        model: "M".to_owned(),
        dm_version: "1.2".to_owned(),
        language: "en".to_owned(),
    };
    let mut first = None;
    for session_id in ["1", "2", "3"] {
        let config = ClientConfig::new(
            account.clone(),
            device_info.clone(),
            session_id,
            AlertCode::CLIENT_INITIATED,
            session_id.as_bytes(),
        );
        let (mut session, package_1) = ClientSession::start(config);
        let octets = syncml::write(&package_1, Encoding::Xml);
        let answer = say(&world, &octets).await;
        let message = syncml::read(answer.as_bytes(), Encoding::Xml)
            .expect("a message")
            .message;
        let end = session.receive(&message, &mut Tree::new());
        assert_eq!(end, Step::Ended(End::Finished), "session {session_id}: {answer}");
        account = session.renew(account);
        let (octets, answer) = first.get_or_insert((octets, answer));
        assert_eq!(say(&world, octets).await, *answer, "after session {session_id}");
    }
    world.stop().await;
}

const SYNCML: &str = r#"<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>
<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>https://localhost/dm</LocURI></Target>
<Source><LocURI>nobody</LocURI></Source></SyncHdr>
<SyncBody><Alert><CmdID>1</CmdID><Data>1201</Data></Alert><Final/></SyncBody></SyncML>"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_token_gets_no_bootstrap() {
    let mut world = World::new();
    world
        .start(&[RoleName::BootstrapServer], "bootstrap-server.toml", &[])
        .await;
    for (path, status) in [
        ("/bootstrap/urn%3Aexample%3Adevice%3A1", "200"),
        ("/bootstrap/urn%3Aexample%3Adevice%3A101", "404"),
        ("/bootstrap/", "404"),
        ("/bootstrap/%zz", "404"),
        ("/", "404"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = world
            .send_tls(BOOTSTRAP, None, request.as_bytes())
            .await
            .expect("an answer");
        assert_eq!(&answer[9..12], status.as_bytes(), "{path}");
    }
    world.stop().await;
}

#[rstest]
#[case(json!({"device": "d"}), 400)]
#[case(json!({"device": "", "manufacturer": "M", "model": "M"}), 400)]
#[case(json!({"device": "d", "manufacturer": "M", "model": "M", "peer": "dms9.example"}), 400)]
#[case(json!({"device": "d", "manufacturer": "M", "model": "M", "tree": ["../x"]}), 400)]
#[case(json!({"device": "d", "manufacturer": "M", "model": "M", "type": "whole"}), 400)]
#[case(json!({"device": "d", "manufacturer": "M", "model": "M", "remove": true}), 400)]
#[case(json!({"device": "d", "manufacturer": "M", "model": "M", "opener": "dms-2"}), 202)]
#[case(json!({"device": "d", "manufacturer": "M", "model": "M", "session": "s1"}), 201)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_answered_with(#[case] order: serde_json::Value, #[case] status: u16) {
    let mut world = World::new();
    world.start(&[RoleName::Dms1], "dms-1.toml", &[]).await;
    let (found, answer) = world.ask(DMS_1, "POST", "/delegations", Some(order)).await;
    assert_eq!(found, status, "{answer}");
    assert_eq!(answer["error"].is_string(), status == 400, "{answer}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegation_can_be_given_up() {
    let world = dms_2().await;
    let order = json!({"device": "a b", "manufacturer": "M", "model": "M", "session": "s1"});
    assert_eq!(
        world
            .ask(DMS_2, "POST", "/delegations", Some(order.clone()))
            .await
            .0,
        201
    );
    assert_eq!(
        world.wait_for(DMS_2, "s1", "failed").await,
        "failed",
        "nobody listens there"
    );
    assert_eq!(world.ask(DMS_2, "POST", "/delegations", Some(order)).await.0, 409);
    assert_eq!(
        world
            .ask(DMS_2, "DELETE", "/delegations?device=a%20b", None)
            .await,
        (200, json!({"cancelled": 0}))
    );
    assert_eq!(world.ask(DMS_2, "DELETE", "/delegations", None).await.0, 400);
    assert_eq!(world.ask(DMS_2, "GET", "/delegations/none", None).await.0, 404);
    world.stop().await;
}
