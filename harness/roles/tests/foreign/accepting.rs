//! OpenSSL and curl as clients of the mock servers: what they see, and what the transcript records.

use std::time::Duration;

use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Facts;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Event, MessageId, Role, Step};
use rstest::rstest;

use crate::scene::{DELEGATION, Scene};
use crate::tools::{Said, missing, run};

const DMS_1: &str = "dms1.dmconform.test";

#[rstest]
#[case("-tls1_2", "TLSv1.2")]
#[case("-tls1_3", "TLSv1.3")]
#[tokio::test]
async fn openssl_with_a_good_certificate_is_answered(#[case] option: &str, #[case] version: &str) {
    if missing("openssl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let said = s_client(&scene, &address, Some(Certificate::Good), &[option]).await;
    for wanted in [
        "HTTP/1.1 200 OK",
        "Verify return code: 0 (ok)",
        version,
        "<Answer",
    ] {
        assert!(said.text.contains(wanted), "`{wanted}` is not in {said:#?}");
    }
    // The listener says whose certificates it takes no more than it must: any that the root vouches for.
    assert!(said.text.contains("CN = dmconform test root"), "{said:#?}");

    let facts = established(&scene).await;
    assert_eq!(facts.version, version);
    assert!(facts.cipher_suite.starts_with("TLS_"), "{facts:?}");
    let peer = facts.peer.expect("a certificate was presented");
    assert_eq!(peer.subject, format!("CN={DMS_1}"));
    assert_eq!(peer.issuer, "CN=dmconform test intermediate");
    assert_eq!(peer.names, [DMS_1, "localhost", "127.0.0.1", "::1"]);
    assert_eq!(peer.chain_length, 2);
    let recognised = scene.context.recorder.with(|observed| {
        let first = observed.first(MessageId::request(Step::Initiation));
        first.is_some_and(|first| first.fields["session"] == ["session-of-the-peer"])
    });
    assert!(recognised, "the request of step 2 was not recognised");
    assert!(answered(&scene), "no answer was recorded");
}

#[rstest]
#[case::none(None, "certificate required", "peer sent no certificates")]
#[case::unknown_authority(Some(Certificate::UnknownAuthority), "unknown ca", "UnknownIssuer")]
#[case::self_signed(Some(Certificate::SelfSigned), "unknown ca", "UnknownIssuer")]
#[case::missing_intermediate(Some(Certificate::MissingIntermediate), "unknown ca", "UnknownIssuer")]
#[case::expired(Some(Certificate::Expired), "certificate expired", "expired")]
#[case::not_yet_valid(Some(Certificate::NotYetValid), "alert", "not valid yet")]
#[case::wrong_use(Some(Certificate::WrongUse), "alert", "key usage")]
#[tokio::test]
async fn openssl_without_a_good_certificate_gets_an_alert_and_the_transcript_says_why(
    #[case] certificate: Option<Certificate>,
    #[case] alert: &str,
    #[case] reason: &str,
    #[values("-tls1_2", "-tls1_3")] version: &str,
) {
    if missing("openssl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let said = s_client(&scene, &address, certificate, &[version]).await;
    assert!(said.text.contains(alert), "{said:#?}");
    assert!(!said.text.contains("HTTP/1.1"), "{said:#?}");

    let (recorded, refused_by_peer, presented) = failed(&scene).await;
    assert!(recorded.starts_with("refused the peer: "), "{recorded}");
    assert!(recorded.contains(reason), "{recorded}");
    assert!(!refused_by_peer);
    assert_eq!(presented, Certificate::Good);
    assert_eq!(scene.closed().await, "closed during the handshake");
    assert!(!answered(&scene));
}

#[tokio::test]
async fn the_certificate_of_another_server_is_let_in_and_recorded_for_the_judge() {
    if missing("openssl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    s_client(&scene, &address, Some(Certificate::OtherServer), &[]).await;
    let peer = established(&scene)
        .await
        .peer
        .expect("a certificate was presented");
    assert_eq!(
        peer.names,
        ["other.dmconform.test", "localhost", "127.0.0.1", "::1"]
    );
}

#[tokio::test]
async fn a_listener_is_nobody_elses_unless_an_address_is_given() {
    for kind in [
        EndpointKind::Delegation,
        EndpointKind::Dm,
        EndpointKind::Bootstrap,
    ] {
        let (_scene, address) = Scene::sharing(kind).await;
        let address: std::net::SocketAddr = address.parse().expect("it is an address");
        assert!(address.ip().is_loopback(), "{address}");
    }
}

#[tokio::test]
async fn a_protocol_version_of_yesterday_is_refused() {
    if missing("openssl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let yesterday = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"];
    let said = s_client(&scene, &address, Some(Certificate::Good), &yesterday).await;
    assert!(said.text.contains("SSL alert number"), "{said:#?}");
    let (reason, refused_by_peer, _) = failed(&scene).await;
    assert!(
        reason.starts_with("refused the peer: peer is incompatible"),
        "{reason}"
    );
    assert!(!refused_by_peer);
}

#[rstest]
#[case("1.2", "TLSv1.2")]
#[case("1.3", "TLSv1.3")]
#[tokio::test]
async fn curl_with_a_good_certificate_is_answered(#[case] at_most: &str, #[case] version: &str) {
    if missing("curl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let certificate = scene.certificate(Role::Dms1, Certificate::Good);
    let options = [
        "--cert",
        &certificate.chain,
        "--key",
        &certificate.key,
        "--tls-max",
        at_most,
    ];
    let said = curl_initiation(&scene, &address, &options).await;
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.text.contains("<Result>accepted</Result>"), "{said:#?}");
    assert!(said.text.ends_with("200"), "{said:#?}");
    assert_eq!(established(&scene).await.version, version);
    assert!(answered(&scene));
}

#[rstest]
#[case::none(None)]
#[case::unknown_authority(Some(Certificate::UnknownAuthority))]
#[case::expired(Some(Certificate::Expired))]
#[tokio::test]
async fn curl_without_a_good_certificate_gets_no_answer(#[case] certificate: Option<Certificate>) {
    if missing("curl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let certificate = certificate.map(|flavour| scene.certificate(Role::Dms1, flavour));
    let options: Vec<&str> = certificate
        .iter()
        .flat_map(|files| ["--cert", &files.chain, "--key", &files.key])
        .collect();
    let said = curl_initiation(&scene, &address, &options).await;
    assert_ne!(said.code, Some(0), "{said:#?}");
    assert!(said.text.ends_with("000"), "{said:#?}");
    let (_, refused_by_peer, _) = failed(&scene).await;
    assert!(!refused_by_peer);
    assert!(!answered(&scene));
}

#[rstest]
#[case::expired(Certificate::Expired, "expired", "certificate_expired")]
#[case::wrong_name(Certificate::WrongName, "no alternative certificate subject name matches", "")]
#[case::unknown_authority(Certificate::UnknownAuthority, "self-signed certificate", "unknown_ca")]
#[tokio::test]
async fn curl_refuses_a_listener_with_a_bad_certificate_and_the_transcript_says_so(
    #[case] presented: Certificate,
    #[case] complaint: &str,
    #[case] alert: &str,
) {
    if missing("curl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let changed = scene.stage.present(DELEGATION, presented, None).await;
    changed.expect("the listener takes another certificate");
    let certificate = scene.certificate(Role::Dms1, Certificate::Good);
    let options = ["--cert", &certificate.chain, "--key", &certificate.key];
    let said = curl_initiation(&scene, &address, &options).await;
    assert_eq!(said.code, Some(60), "{said:#?}");
    assert!(said.text.contains(complaint), "{said:#?}");
    assert!(!answered(&scene));
    // A host name is compared once the handshake is through; the connection is then closed without a word.
    if alert.is_empty() {
        scene.closed().await;
        return;
    }
    let (reason, refused_by_peer, recorded) = failed(&scene).await;
    assert_eq!(reason, format!("the peer sent the alert `{alert}`"));
    assert!(refused_by_peer);
    assert_eq!(recorded, presented);

    // The good one put back, the same client is answered.
    let restored = scene.stage.present(DELEGATION, Certificate::Good, None).await;
    restored.expect("the listener takes the good certificate again");
    let said = curl_initiation(&scene, &address, &options).await;
    assert!(said.text.ends_with("200"), "{said:#?}");
}

#[tokio::test]
async fn devices_need_no_certificate_for_the_bootstrap() {
    if missing("curl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Bootstrap).await;
    let roots = scene.roots();
    let url = format!("https://{address}/bootstrap/token-1");
    let shown = "%{content_type} %{http_code}";
    let arguments = ["-sS", "-o", "/dev/null", "--cacert", &roots, "-w", shown, &url];
    let said = run("curl", &arguments, Vec::new()).await;
    assert_eq!(said.text, "application/vnd.syncml.dm+wbxml 200");
    assert_eq!(established(&scene).await.peer, None);
}

#[tokio::test]
async fn plain_http_where_tls_is_spoken_is_recorded_as_that() {
    if missing("curl") {
        return;
    }
    let (scene, address) = Scene::accepting(EndpointKind::Dm).await;
    let said = run("curl", &["-sS", &format!("http://{address}/dm")], Vec::new()).await;
    assert_ne!(said.code, Some(0), "{said:#?}");
    let plaintext = |event: &Event| matches!(event, Event::Plaintext { .. });
    match scene.seen("plain HTTP", plaintext).await {
        Event::Plaintext { first_bytes, .. } => assert!(first_bytes.bytes.starts_with(b"GET /dm")),
        other => panic!("asked for plain HTTP, got {other:?}"),
    }
}

#[tokio::test]
async fn where_cases_share_a_listener_a_refused_peer_is_noted_for_the_run() {
    if missing("openssl") {
        return;
    }
    let (scene, address) = Scene::sharing(EndpointKind::Delegation).await;
    s_client(&scene, &address, None, &[]).await;
    let good = s_client(&scene, &address, Some(Certificate::Good), &[]).await;
    assert!(good.text.contains("HTTP/1.1 200 OK"), "{good:#?}");
    let strays = scene.stage.strays();
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert!(strays[0].contains("peer sent no certificates"), "{strays:?}");
    // The case has only the connection that its message came on.
    let opened = scene.events().into_iter();
    let opened = opened.filter(|event| matches!(event, Event::ConnectionOpened { .. }));
    assert_eq!(opened.count(), 1);
}

#[tokio::test]
async fn who_refuses_the_good_certificate_of_a_shared_listener_is_shown_to_its_cases_once() {
    if missing("openssl") {
        return;
    }
    let (scene, address) = Scene::sharing(EndpointKind::Delegation).await;
    let strict = ["-verify_return_error", "-verify_hostname", "elsewhere.test"];
    for _ in 0..2 {
        s_client(&scene, &address, Some(Certificate::Good), &strict).await;
    }
    let (reason, refused_by_peer, presented) = failed(&scene).await;
    assert!(reason.starts_with("the peer sent the alert"), "{reason}");
    assert!(refused_by_peer);
    assert_eq!(presented, Certificate::Good);
    let both_are_counted = async {
        while scene.stage.handshakes_broken_off() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), both_are_counted)
        .await
        .expect("two were broken off");
    let failures = scene.events().into_iter();
    let failures = failures.filter(|event| matches!(event, Event::TlsFailed { .. }));
    assert_eq!(failures.count(), 1);
}

async fn s_client(scene: &Scene, address: &str, certificate: Option<Certificate>, more: &[&str]) -> Said {
    let roots = scene.roots();
    let certificate = certificate.map(|flavour| scene.certificate(Role::Dms1, flavour));
    let mut arguments = vec!["s_client", "-connect", address, "-CAfile", &roots, "-ign_eof"];
    if let Some(files) = &certificate {
        arguments.extend(["-cert", &files.chain, "-key", &files.key]);
        if let Some(issuers) = &files.issuers {
            arguments.extend(["-cert_chain", issuers]);
        }
    }
    arguments.extend(more);
    run("openssl", &arguments, scene.initiation_request()).await
}

async fn curl_initiation(scene: &Scene, address: &str, more: &[&str]) -> Said {
    let roots = scene.roots();
    let url = format!("https://{address}/delegation");
    let media_type = format!(
        "content-type: {}",
        scene.context.header.profile.delegation.media_type
    );
    let mut arguments = vec!["-sS", "--cacert", &roots, "-w", "%{stderr}%{http_code}"];
    arguments.extend(["-H", &media_type, "--data-binary", "@-"]);
    arguments.extend(more);
    arguments.push(&url);
    run("curl", &arguments, scene.initiation()).await
}

async fn established(scene: &Scene) -> Facts {
    let established = |event: &Event| matches!(event, Event::TlsEstablished { .. });
    match scene.seen("a TLS handshake", established).await {
        Event::TlsEstablished { facts, presented, .. } => {
            assert_eq!(presented, Certificate::Good);
            facts
        }
        other => panic!("asked for a handshake, got {other:?}"),
    }
}

async fn failed(scene: &Scene) -> (String, bool, Certificate) {
    let failed = |event: &Event| matches!(event, Event::TlsFailed { .. });
    match scene.seen("a failed handshake", failed).await {
        Event::TlsFailed {
            reason,
            refused_by_peer,
            presented,
            ..
        } => (reason, refused_by_peer, presented),
        other => panic!("asked for a failed handshake, got {other:?}"),
    }
}

fn answered(scene: &Scene) -> bool {
    let mut events = scene.events().into_iter();
    events.any(|event| matches!(event, Event::ResponseSent(response) if response.status == 200))
}

#[tokio::test]
async fn a_window_ends_when_whoever_waits_in_it_hangs_up() {
    let (scene, _) = Scene::accepting(EndpointKind::Delegation).await;
    let message = MessageId::answer(Step::UrlRequest);
    let holding = tokio::time::timeout(Duration::from_millis(50), scene.context.hold(message));
    assert!(holding.await.is_err(), "the window is longer than that");
    let events = scene.events();
    let opened = Event::WindowOpened { holding: message };
    let closed = Event::WindowClosed { holding: message };
    assert_eq!(events.iter().filter(|event| **event == opened).count(), 1);
    assert_eq!(events.iter().filter(|event| **event == closed).count(), 1);
}
