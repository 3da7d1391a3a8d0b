//! Peers that send garbage, half a message, nothing, or far too much to a mock listener: a recorded end, bounded
//! memory, and everybody else is served as before.

use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Event, Role};
use dmconform_tls::{ClientConfig, Stream, connect};
use rstest::rstest;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scene::{LIMIT, Scene};
use crate::tools::{assert_memory_is_bounded, gzip_bomb, much};

/// A client hello is announced, and something else follows.
const NO_HELLO: &[u8] = b"\x16\x03\x01\x00\x10no client hello!";
/// The first octets of a real client hello, which promise more than 500.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

#[rstest]
#[case::no_tls(b"SSH-2.0-OpenSSH_9.2\r\n", "closed, because it is no TLS")]
#[case::zeros(&[0; 4096], "closed, because it is no TLS")]
#[case::no_hello(NO_HELLO, "closed during the handshake")]
#[case::half_a_hello(HALF_A_HELLO, "closed during the handshake")]
#[case::nothing(b"", "closed, nothing was said")]
#[tokio::test]
async fn what_is_no_handshake_is_recorded_and_harms_nobody(#[case] octets: &[u8], #[case] end: &str) {
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let mut neighbour = established(&scene, &address).await;
    let mut socket = TcpStream::connect(&address).await.expect("the listener accepts");
    // The listener may close before everything is written.
    let _ = socket.write_all(octets).await;
    let _ = socket.shutdown().await;
    drain(&mut socket).await;
    assert_eq!(scene.closed().await, end);
    assert!(answered(&scene, &mut neighbour).await);
}

#[rstest]
#[case::garbage(b"\x00\x01\x02 this is no HTTP \xff\xfe\r\n\r\n".to_vec(), "broken off: ")]
#[case::half_a_line(b"POST /dele".to_vec(), "broken off: ")]
#[case::half_a_header(b"POST /delegation HTTP/1.1\r\nhost: loc".to_vec(), "broken off: ")]
#[case::half_a_body(
    b"POST /delegation HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n<Init".to_vec(),
    "broken off: "
)]
#[case::half_a_chunk(
    b"POST /delegation HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n<Init".to_vec(),
    "broken off: "
)]
#[case::two_lengths(
    b"POST /delegation HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nabc".to_vec(),
    "broken off: "
)]
#[case::another_version(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "broken off: ")]
#[case::nothing(Vec::new(), "closed")]
#[tokio::test]
async fn what_is_no_request_is_recorded_and_harms_nobody(#[case] octets: Vec<u8>, #[case] end: &str) {
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let mut neighbour = established(&scene, &address).await;
    let mut stream = established(&scene, &address).await;
    let _ = stream.write_all(&octets).await;
    let _ = stream.shutdown().await;
    drain(&mut stream).await;
    let how = scene.closed().await;
    assert!(how.starts_with(end), "{how}");
    let mut events = scene.events().into_iter();
    assert!(!events.any(|event| matches!(event, Event::RequestReceived(_))));
    assert!(answered(&scene, &mut neighbour).await);
}

#[rstest]
#[case::garbage(b"\x00\xff no XML".to_vec())]
#[case::empty(Vec::new())]
#[case::another_document(b"<html><body>It works!</body></html>".to_vec())]
#[case::half(b"<InitiationRequest xmlns=\"urn:dmconform:delegation:0\"><SessionID>1".to_vec())]
#[case::entities(
    b"<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><a>&c;</a>".to_vec()
)]
#[case::deep([b"<a>".repeat(100_000), b"</a>".repeat(100_000)].concat())]
#[tokio::test]
async fn a_document_that_cannot_be_read_is_refused_and_recorded(
    #[case] body: Vec<u8>,
    #[values(EndpointKind::Delegation, EndpointKind::Dm)] kind: EndpointKind,
) {
    let (scene, address) = Scene::accepting(kind).await;
    let mut stream = established(&scene, &address).await;
    let head = format!(
        "POST /any HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.into_bytes(), body.clone()].concat();
    stream
        .write_all(&request)
        .await
        .expect("the listener reads a request");
    let answer = drain(&mut stream).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 400 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let received = |event: &Event| matches!(event, Event::RequestReceived(_));
    match scene.seen("the request", received).await {
        Event::RequestReceived(request) => {
            assert_eq!(request.body.bytes, body);
            assert_eq!(request.body.whole_length, None);
        }
        other => panic!("asked for a request, got {other:?}"),
    }
}

#[rstest]
#[tokio::test]
async fn what_is_packed_is_refused_and_not_unpacked(
    #[values(EndpointKind::Delegation, EndpointKind::Dm)] kind: EndpointKind,
) {
    let (scene, address) = Scene::accepting(kind).await;
    let mut stream = established(&scene, &address).await;
    let bomb = gzip_bomb();
    let head = format!(
        "POST /any HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        bomb.len()
    );
    let request = [head.as_bytes(), &bomb].concat();
    stream
        .write_all(&request)
        .await
        .expect("the listener reads a request");
    let answer = drain(&mut stream).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 400 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let received = |event: &Event| matches!(event, Event::RequestReceived(_));
    match scene.seen("the request", received).await {
        Event::RequestReceived(request) => {
            assert_eq!(request.body.bytes, bomb);
        }
        other => panic!("asked for a request, got {other:?}"),
    }
    assert_memory_is_bounded();
}

#[rstest]
#[case::announced("content-length: 104857600", 413)]
#[case::chunked("transfer-encoding: chunked", 413)]
#[case::in_a_header("x-filler: ", 431)]
#[tokio::test]
async fn a_hundred_megabytes_are_refused_and_not_kept(#[case] header: &'static str, #[case] status: u16) {
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let mut neighbour = established(&scene, &address).await;
    let mut stream = established(&scene, &address).await;
    let in_header = status == 431;
    let end = if in_header { "" } else { "\r\n\r\n" };
    let head = format!("POST /delegation HTTP/1.1\r\nhost: localhost\r\n{header}{end}");
    stream
        .write_all(head.as_bytes())
        .await
        .expect("the listener reads a request");
    let (mut reading, mut writing) = tokio::io::split(stream);
    let flood = tokio::spawn(async move { much(&mut writing, header.contains("chunked")).await });
    let answer = drain(&mut reading).await;
    let wanted = format!("HTTP/1.1 {status} ");
    assert!(
        answer.starts_with(wanted.as_bytes()),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let written = flood.await.expect("writing does not panic");
    // What a listener does not want it does not read: sockets hold a few megabytes on the way.
    assert!(written < 50 * 1024 * 1024, "{written} octets were taken");
    scene.closed().await;
    let received = scene.events().into_iter().find_map(|event| match event {
        Event::RequestReceived(request) => Some(request.body),
        _ => None,
    });
    assert_eq!(received.is_none(), in_header);
    if let Some(body) = received {
        assert!(body.bytes.is_empty());
        assert!(body.whole_length.is_some_and(|length| length > 1024 * 1024));
    }
    assert_memory_is_bounded();
    assert!(answered(&scene, &mut neighbour).await);
}

#[tokio::test]
async fn a_flood_of_large_requests_ends_the_case_before_memory_does() {
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let mut stream = established(&scene, &address).await;
    // As large as a body may be that is kept whole.
    let body = vec![b'x'; 256 * 1024];
    let head = format!(
        "POST /delegation HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut requests = 0;
    while !scene.context.recorder.is_full() {
        requests += 1;
        assert!(requests <= 400, "100 MB were kept");
        stream
            .write_all(head.as_bytes())
            .await
            .expect("the listener reads requests");
        stream
            .write_all(&body)
            .await
            .expect("the listener reads requests");
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).await.expect("the listener answers");
        assert!(answer[..read].starts_with(b"HTTP/1.1 400 "));
    }
    assert!(requests > 100, "a product that sends a lot is no flood");
    let closed = Event::ConnectionClosed {
        connection: 1,
        how: "closed".to_owned(),
    };
    assert_eq!(scene.context.recorder.record(closed), 0);
    // But for what ends it.
    let stopped = scene.context.recorder.record(Event::ScriptStopped {
        role: dmconform_model::Role::Dms2,
        reason: "its transcript is full".to_owned(),
    });
    assert!(stopped > 0);
    let result = scene.judged();
    assert_eq!(
        result.verdict,
        dmconform_model::Verdict::Inconclusive,
        "{result:#?}"
    );
}

#[tokio::test]
async fn a_flood_of_small_things_ends_the_case_too() {
    let (scene, _) = Scene::accepting(EndpointKind::Delegation).await;
    let recorder = &scene.context.recorder;
    let small = |number: u64| Event::ConnectionClosed {
        connection: number,
        how: "closed".to_owned(),
    };
    let kept = (1..=30_000).filter(|number| recorder.record(small(*number)) != 0);
    assert_eq!(kept.count(), 20_000);
    assert!(recorder.is_full());
}

#[tokio::test]
async fn of_what_belongs_to_no_case_the_first_are_noted() {
    let (scene, _) = Scene::sharing(EndpointKind::Delegation).await;
    (0..300).for_each(|number| scene.stage.note(format!("{number}{}", "x".repeat(100_000))));
    let strays = scene.stage.strays();
    assert_eq!(strays.len(), 200);
    assert!(strays.iter().all(|stray| stray.len() < 1000), "they are not cut");
}

#[tokio::test]
async fn garbage_between_cases_is_noted_for_the_run() {
    let (scene, address) = Scene::sharing(EndpointKind::Delegation).await;
    let mut stream = established(&scene, &address).await;
    let _ = stream.write_all(b"\x00\x01\x02 this is no HTTP\r\n\r\n").await;
    drain(&mut stream).await;
    drop(stream);
    // A connection on which nobody says anything is no news: products open them ahead of time.
    let mut silent = established(&scene, &address).await;
    let _ = silent.shutdown().await;
    drain(&mut silent).await;
    let noted = async {
        while scene.stage.strays().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, noted)
        .await
        .expect("the garbage is noted");
    let strays = scene.stage.strays();
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert!(
        strays[0].starts_with("dms-2 Delegation: a connection was broken off: "),
        "{strays:?}"
    );
    assert!(scene.events().is_empty());
}

/// A good handshake as DMS-1.
async fn established(scene: &Scene, address: &str) -> Stream {
    let identity = scene
        .stage
        .identity(scene.stage.party(Role::Dms1), Certificate::Good);
    let identity = identity.expect("a certificate is made");
    let tls = ClientConfig::new(scene.stage.roots(), identity.as_ref()).expect("the certificate is good");
    let socket = TcpStream::connect(address).await.expect("the listener accepts");
    connect(socket, "127.0.0.1", &tls, LIMIT, None)
        .await
        .expect("the handshake is good")
}

/// Whether a good request on an open connection is answered well.
async fn answered(scene: &Scene, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> bool {
    let written = stream.write_all(&scene.initiation_request()).await;
    written.expect("the connection was left alone");
    drain(stream).await.starts_with(b"HTTP/1.1 200 OK")
}

/// Everything until the other end closes, or resets.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    // What arrived before a reset counts.
    let reading = stream.read_to_end(&mut all);
    let _ = tokio::time::timeout(LIMIT, reading)
        .await
        .expect("the listener closes the connection");
    all
}
