//! The four roles against each other, over sockets, as they are configured in the examples.

use crate::common::{CLIENT, DMS_1, DMS_2, World, encoded, node, servers};
use dmconform_reference::{Deviation, Manners, RoleName};
use rstest::rstest;
use serde_json::json;

const DEVICE: &str = "urn:example:device:1";

fn order() -> serde_json::Value {
    json!({
        "device": DEVICE, "manufacturer": "Example Devices", "model": "Model 1", "tree": ["./Com", "./Net"],
        "type": "full-permanent",
    })
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ten_steps_lead_to_their_end(
    #[values(true, false)] is_apart: bool,
    #[values(DMS_1, DMS_2)] opener: u16,
    #[values(true, false)] removes: bool,
) {
    let mut world = World::new();
    world.start_all(is_apart, None).await;
    let mut order = order();
    if opener == DMS_1 {
        order["remove-account"] = json!(removes);
    } else {
        let expectation = json!({
            "device": DEVICE, "peer": "dms2.example", "opener": "dms-2", "remove-account": removes,
        });
        assert_eq!(
            world
                .ask(DMS_1, "POST", "/delegations", Some(expectation))
                .await
                .0,
            202
        );
    }
    let session = world.open(opener, order).await;
    assert_eq!(world.wait_for(DMS_1, &session, "entry-due").await, "entry-due");
    let (status, outcome) = world.poll(DEVICE).await;
    assert_eq!(status, 200, "{outcome}: {}", world.device(DEVICE).await["events"]);
    assert_eq!(
        world.wait_for(DMS_1, &session, "bootstrapped").await,
        "bootstrapped"
    );
    assert_eq!(
        servers(&world.device(DEVICE).await),
        ["dms2.example", "dms1.example"]
    );
    let (status, outcome) = world.poll(DEVICE).await;
    assert_eq!(status, 200, "{outcome}");
    assert_eq!(world.wait_for(DMS_1, &session, "complete").await, "complete");
    assert_eq!(world.wait_for(DMS_2, &session, "complete").await, "complete");

    let device = world.device(DEVICE).await;
    let acl = |uri: &str| {
        node(&device, uri).expect("the node is there")["acl"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for acl in [acl("./Com"), acl("./Net")] {
        assert!(acl.contains("dms2.example"), "{acl}");
        assert_eq!(acl.contains("dms1.example"), !removes, "{acl}");
    }
    assert!(
        acl("./Net").contains("dms9.example"),
        "other servers keep what they have"
    );
    let expected: &[&str] = if removes {
        &["dms2.example"]
    } else {
        &["dms2.example", "dms1.example"]
    };
    assert_eq!(servers(&device), expected);
    let (status, _) = world.poll(DEVICE).await;
    assert_eq!(status, if removes { 409 } else { 200 });
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_token_can_be_put_at_a_bootstrap_server_in_another_process() {
    let mut world = World::new();
    world.edit("dms-2.toml", "token = \"device\"", "token = \"random\"");
    world.edit("dms-2.toml", "# provision", "provision");
    world.edit("bootstrap-server.toml", "count = 100", "count = 0");
    world.start_all(true, None).await;
    let session = world.open(DMS_1, order()).await;
    world.wait_for(DMS_1, &session, "entry-due").await;
    assert_eq!(world.poll(DEVICE).await.0, 200);
    assert_eq!(
        world.wait_for(DMS_1, &session, "bootstrapped").await,
        "bootstrapped"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xml_does_as_well_as_wbxml() {
    let mut world = World::new();
    world.edit("dm-client.toml", "# encoding = \"wbxml\"", "encoding = \"xml\"");
    world.edit(
        "bootstrap-server.toml",
        "# encoding = \"wbxml\"",
        "encoding = \"xml\"",
    );
    world.start_all(true, None).await;
    let session = world.open(DMS_1, order()).await;
    world.wait_for(DMS_1, &session, "entry-due").await;
    assert_eq!(world.poll(DEVICE).await.0, 200);
    assert_eq!(
        world.wait_for(DMS_1, &session, "bootstrapped").await,
        "bootstrapped"
    );
    assert_eq!(world.poll(DEVICE).await.0, 200);
    assert_eq!(world.wait_for(DMS_2, &session, "complete").await, "complete");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_devices_are_delegated_at_once_and_again_after_a_reset() {
    let mut world = World::new();
    world.start_all(false, None).await;
    for _ in 0..2 {
        let devices: Vec<_> = (1..=20)
            .map(|number| format!("urn:example:device:{number}"))
            .collect();
        let mut sessions = Vec::new();
        for device in &devices {
            let mut order = order();
            order["device"] = json!(device);
            sessions.push(world.open(DMS_1, order).await);
        }
        for wanted in ["entry-due", "bootstrapped"] {
            for (device, session) in devices.iter().zip(&sessions) {
                assert_eq!(world.wait_for(DMS_1, session, wanted).await, wanted);
                let target = format!("/devices/{}/sessions", encoded(device));
                assert_eq!(world.ask(CLIENT, "POST", &target, None).await.0, 202);
            }
        }
        for (device, session) in devices.iter().zip(&sessions) {
            assert_eq!(world.wait_for(DMS_2, session, "complete").await, "complete");
            let target = format!("/devices/{}/reset", encoded(device));
            assert_eq!(world.ask(CLIENT, "POST", &target, None).await.0, 204);
            assert_eq!(servers(&world.device(device).await), ["dms1.example"]);
        }
    }
    world.stop().await;
}

#[rstest]
#[case::expired("expired")]
#[case::of_an_unknown_authority("stranger")]
#[case::of_another_server("dms3")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_a_bad_certificate_gets_nowhere(#[case] certificate: &str) {
    let mut world = World::new();
    world.edit(
        "dms-2.toml",
        "certificates/dms2",
        &format!("certificates/{certificate}"),
    );
    world.start_all(true, None).await;
    let session = world.open(DMS_2, order()).await;
    assert_eq!(world.wait_for(DMS_2, &session, "failed").await, "failed");
    assert_eq!(world.state(DMS_1, &session).await, "unknown");
    world.stop().await;
}

#[rstest]
#[case::any("stranger", Deviation::AcceptsAnyClientCertificate)]
#[case::expired("expired", Deviation::IgnoresExpiredCertificate)]
#[case::of_another_server("dms3", Deviation::AcceptsCertificateOfAnotherServer)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deviation_lets_a_bad_certificate_in(#[case] certificate: &str, #[case] deviation: Deviation) {
    let mut world = World::new();
    world.edit(
        "dms-2.toml",
        "certificates/dms2",
        &format!("certificates/{certificate}"),
    );
    world.start_all(true, Some((RoleName::Dms1, deviation))).await;
    let session = world.open(DMS_2, order()).await;
    world.wait_for(DMS_2, &session, "agreed").await;
    assert_ne!(world.state(DMS_1, &session).await, "unknown");
    world.stop().await;
}

#[rstest]
#[case(None, "failed")]
#[case(Some((RoleName::Dms1, Deviation::SkipsServerNameCheck)), "entry-due")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_that_was_dialled_must_be_in_the_certificate(
    #[case] deviation: Option<(RoleName, Deviation)>,
    #[case] state: &str,
) {
    let mut world = World::new();
    world.edit("dms-2.toml", "certificates/dms2", "certificates/elsewhere");
    world.start_all(true, deviation).await;
    let session = world.open(DMS_1, order()).await;
    assert_eq!(world.wait_for(DMS_1, &session, state).await, state);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_server_with_a_certificate_of_its_own_is_refused() {
    let mut world = World::new();
    world.edit("dms-1.toml", "dms1.example", "dms3.example");
    world.edit("dms-1.toml", "certificates/dms1", "certificates/dms3");
    world.start_all(true, None).await;
    let session = world.open(DMS_1, order()).await;
    assert_eq!(world.wait_for(DMS_1, &session, "failed").await, "failed");
    let (_, shown) = world
        .ask(DMS_1, "GET", &format!("/delegations/{session}"), None)
        .await;
    let reason = "InitiationRequest: `dms2.example` refused with HTTP status 403: there is no contract with `dms3.example`";
    assert_eq!(shown["reason"], reason);
    world.stop().await;
}

#[rstest]
#[case(
    "dms-1.toml",
    "server-id = \"dms1.example\"",
    "server-id = \"a b\"",
    RoleName::Dms1
)]
#[case("dms-1.toml", "dm-listen", "dm-lisden", RoleName::Dms1)]
#[case(
    "dms-1.toml",
    "certificates/dms1.pem",
    "certificates/none.pem",
    RoleName::Dms1
)]
#[case("dms-2.toml", "token = \"device\"", "token = \"random\"", RoleName::Dms2)]
#[case("dm-client.toml", "acl = \"Get=*&", "acl = \"Fetch=*&", RoleName::DmClient)]
#[case(
    "dm-client.toml",
    "[dm-client.devices]",
    "[dm-client.device]",
    RoleName::DmClient
)]
#[case("dm-client.toml", "127.0.0.1:", "192.0.2.1:", RoleName::DmClient)]
#[case(
    "dms-1.toml",
    "delegation-url = \"https:",
    "delegation-url = \"http:",
    RoleName::Dms1
)]
#[case("dms-2.toml", "\nurl = \"https:", "\nurl = \"http:", RoleName::Dms2)]
#[case("dms-2.toml", "# provision = \"http", "provision = \"https", RoleName::Dms2)]
#[case("dm-client.toml", "device:{}", "device", RoleName::DmClient)]
#[case(
    "dm-client.toml",
    "pattern = \"urn:example:device:{}\"",
    "# no pattern",
    RoleName::DmClient
)]
#[case(
    "bootstrap-server.toml",
    "count = 100",
    "count = 4000000000",
    RoleName::BootstrapServer
)]
#[case("dms-1.toml", "url-leaf = \"URL\"", "url-leaf = \"a/b\"", RoleName::Dms1)]
#[tokio::test]
async fn a_bad_configuration_is_located(
    #[case] name: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] role: RoleName,
) {
    let world = World::new();
    world.edit(name, from, to);
    let error = dmconform_reference::serve(&[role], &world.path(name), Manners::default(), async {}).await;
    let text = error.expect_err("the configuration cannot be used").to_string();
    let folder = world.path("").display().to_string();
    insta::with_settings!({
        snapshot_suffix => format!("{role}-{}", to.chars().filter(char::is_ascii_alphanumeric).collect::<String>()),
        filters => vec![(r":\d{4,5}", ":PORT")],
    }, {
        insta::assert_snapshot!(text.replace(&folder, ""));
    });
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let world = World::new();
    let _taken = std::net::TcpListener::bind(world.address(DMS_1)).expect("it was free");
    let error = dmconform_reference::serve(
        &[RoleName::Dms1],
        &world.path("dms-1.toml"),
        Manners::default(),
        async {},
    )
    .await;
    let text = error.expect_err("the port is taken").to_string();
    assert!(
        text.starts_with("listen for `dms-1` at `management-listen = \"127.0.0.1:"),
        "{text}"
    );
}
