//! Products that answer garbage, half a message, nothing, or far too much to a mock role that dials them: what
//! happened is recorded, memory is bounded, and the case is not passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Event, Role, Verdict};
use dmconform_roles::{Errand, Presents, Stage, play};
use dmconform_tls::{ClientCertificates, ServerConfig, accept};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::scene::{DELEGATION, LIMIT, PATIENCE, Scene, stage};
use crate::tools::{assert_memory_is_bounded, gzip_bomb, much};

/// What a product answers once it has read a request.
#[derive(Clone, Copy, Debug)]
enum Answers {
    /// These octets, and the end of the connection.
    Octets(&'static [u8]),
    /// These octets, and then nothing more.
    Stalling(&'static [u8]),
    /// These octets, and filler an octet at a time, without an end.
    Trickling(&'static [u8]),
    /// These octets, and 100 MB of filler.
    Much(&'static [u8]),
}

#[rstest]
#[case::garbage(
    Answers::Octets(b"\x00\x01\x02 this is no HTTP \xff\r\n\r\n"),
    "the answer is no HTTP",
    false,
    true
)]
#[case::another_protocol(
    Answers::Octets(b"220 mail.example ESMTP\r\n"),
    "the answer is no HTTP",
    false,
    true
)]
#[case::half_a_line(
    Answers::Octets(b"HTTP/1.1 20"),
    "closed the connection without an answer",
    true,
    false
)]
#[case::half_a_header(
    Answers::Octets(b"HTTP/1.1 200 OK\r\ncontent-len"),
    "closed the connection without an answer",
    true,
    false
)]
#[case::half_a_body(
    Answers::Octets(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<Answ"),
    "the answer broke off",
    false,
    true
)]
#[case::half_a_chunk(
    Answers::Octets(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n<Answ"),
    "the answer broke off",
    false,
    true
)]
#[case::nothing(Answers::Octets(b""), "closed the connection without an answer", true, false)]
#[case::silence(Answers::Stalling(b""), "no answer came in time", false, false)]
#[case::a_stalled_header(
    Answers::Stalling(b"HTTP/1.1 200 OK\r\n"),
    "no answer came in time",
    false,
    false
)]
#[case::a_stalled_body(
    Answers::Stalling(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<Answ"),
    "no answer came in time",
    false,
    false
)]
#[case::a_header_without_an_end(
    Answers::Trickling(b"HTTP/1.1 200 OK\r\nx-filler: "),
    "no answer came in time",
    false,
    false
)]
#[case::a_body_without_an_end(
    Answers::Trickling(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"),
    "no answer came in time",
    false,
    false
)]
#[case::much_header(
    Answers::Much(b"HTTP/1.1 200 OK\r\nx-filler: "),
    "the answer is no HTTP",
    false,
    true
)]
#[tokio::test]
async fn an_answer_that_is_none_is_recorded_as_that(
    #[case] answers: Answers,
    #[case] what: &str,
    #[case] refused: bool,
    #[case] no_http: bool,
) {
    let scene = dialled_over_tls(answers).await;
    let failed = scene.events().into_iter().find_map(|event| match event {
        Event::ExchangeFailed {
            reason,
            refused_by_peer,
            unreadable,
            connection,
            ..
        } => Some((reason, refused_by_peer, unreadable, connection)),
        _ => None,
    });
    let (reason, refused_by_peer, unreadable, connection) = failed.expect("there is no answer");
    assert!(reason.contains(what), "{reason}");
    assert_eq!((refused_by_peer, unreadable), (refused, no_http), "{reason}");
    assert!(connection.is_some());
    assert_not_passed(&scene, &reason);
}

#[rstest]
#[case::announced(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")]
#[case::chunked(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")]
#[case::without_an_end(b"HTTP/1.1 200 OK\r\n\r\n")]
#[tokio::test]
async fn a_hundred_megabytes_of_answer_are_cut_and_not_kept(#[case] head: &'static [u8]) {
    let scene = dialled_over_tls(Answers::Much(head)).await;
    let body = scene.events().into_iter().find_map(|event| match event {
        Event::ResponseReceived(response) => Some(response.body),
        _ => None,
    });
    let body = body.expect("the answer is recorded");
    assert!(body.bytes.is_empty());
    assert!(body.whole_length.is_some_and(|length| length > 1024 * 1024));
    assert_memory_is_bounded();
    // A positive answer to step 2 needs no body, and whatever is in one is not looked at.
    assert_ne!(scene.judged().verdict, Verdict::Pass);
}

#[tokio::test]
async fn an_answer_that_is_packed_is_not_unpacked() {
    let bomb = gzip_bomb();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        bomb.len()
    );
    let answer = [head.as_bytes(), &bomb].concat();
    let scene = dialled_over_tls(Answers::Octets(answer.leak())).await;
    let body = scene.events().into_iter().find_map(|event| match event {
        Event::ResponseReceived(response) => Some(response.body),
        _ => None,
    });
    assert!(
        body.expect("the answer is recorded").bytes == bomb,
        "it is not kept as it came"
    );
    assert_memory_is_bounded();
    assert_ne!(scene.judged().verdict, Verdict::Pass);
}

const MUCH: Answers = Answers::Much(b"HTTP/1.1 200 OK\r\n\r\n");

#[tokio::test]
async fn what_a_trigger_or_a_knock_answers_without_an_end_is_not_kept() {
    let stage = stage();
    let product = Product::of(&stage, MUCH).await;
    let url = format!("https://{}/delegation", product.address);
    let errand = Errand {
        method: "POST".to_owned(),
        url: url.clone(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    assert_eq!(stage.run_errand(&errand, LIMIT).await, Ok((200, String::new())));
    let knock = stage.knock(&url, Presents::Nothing, None, LIMIT).await;
    assert_eq!(knock.status, Some(200), "{knock:?}");
    assert_memory_is_bounded();
}

#[tokio::test]
async fn what_passes_a_relay_without_an_end_is_cut_there() {
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let product = Product::of(&scene.stage, MUCH).await;
    let upstream = format!("https://{}/delegation", product.address);
    scene.stage.relay(DELEGATION, Role::Dms1, upstream);
    let errand = Errand {
        method: "POST".to_owned(),
        url: format!("https://{address}/delegation"),
        headers: Vec::new(),
        body: scene.initiation(),
    };
    let presents = Presents::Own(Role::Dms1, Certificate::Good);
    let answer = scene.stage.ask(presents, &errand, LIMIT).await;
    assert!(answer.is_err(), "half an answer passed as a whole one");
    let received = |event: &Event| matches!(event, Event::ResponseReceived(_));
    match scene.seen("the answer", received).await {
        Event::ResponseReceived(response) => {
            assert!(response.body.bytes.is_empty());
            assert_eq!(response.body.whole_length, Some(4 * 1024 * 1024 + 1));
        }
        other => panic!("asked for an answer, got {other:?}"),
    }
    assert_memory_is_bounded();
}

#[tokio::test]
async fn nobody_is_followed_to_where_a_redirection_leads() {
    let elsewhere = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /delegation\r\ncontent-length: 0\r\n\r\n";
    let scene = dialled_over_tls(Answers::Octets(elsewhere)).await;
    let events = scene.events();
    let sent = events
        .iter()
        .filter(|event| matches!(event, Event::RequestSent(_)))
        .count();
    assert_eq!(sent, 1, "{events:#?}");
    let answered = events
        .iter()
        .any(|event| matches!(event, Event::ResponseReceived(response) if response.status == 307));
    assert!(answered, "{events:#?}");
    assert_ne!(scene.judged().verdict, Verdict::Pass);
}

#[tokio::test]
async fn no_trigger_knock_or_relay_follows_a_redirection_in_a_circle() {
    let circle = b"HTTP/1.1 308 Permanent Redirect\r\nlocation: /delegation\r\ncontent-length: 0\r\n\r\n";
    let (scene, address) = Scene::accepting(EndpointKind::Delegation).await;
    let stage = &scene.stage;
    let product = Product::of(stage, Answers::Octets(circle)).await;
    let url = format!("https://{}/delegation", product.address);
    let mut errand = Errand {
        method: "POST".to_owned(),
        url: url.clone(),
        headers: Vec::new(),
        body: scene.initiation(),
    };
    assert_eq!(stage.run_errand(&errand, LIMIT).await, Ok((308, String::new())));
    let knock = stage.knock(&url, Presents::Nothing, None, LIMIT).await;
    assert_eq!(knock.status, Some(308), "{knock:?}");
    stage.relay(DELEGATION, Role::Dms1, url);
    errand.url = format!("https://{address}/delegation");
    let presents = Presents::Own(Role::Dms1, Certificate::Good);
    // A relay passes it on to whom it is for.
    assert_eq!(
        stage.ask(presents, &errand, LIMIT).await,
        Ok((308, String::new()))
    );
    // One connection for each of the three.
    assert_eq!(product.accepted.load(Ordering::Relaxed), 3);
}

#[rstest]
#[case::no_tls(Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice()), "refused the peer: ", false)]
#[case::zeros(Some([0; 512].as_slice()), "refused the peer: ", false)]
#[case::half_a_record(Some(b"\x16\x03\x03\x00\x7a\x02\x00".as_slice()), "closed the connection during", true)]
#[case::nothing(Some(b"".as_slice()), "closed the connection during", true)]
#[case::silence(None, "the handshake was not finished in time", false)]
#[tokio::test]
async fn what_is_no_handshake_is_recorded_as_that(
    #[case] octets: Option<&'static [u8]>,
    #[case] what: &str,
    #[case] refused: bool,
) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let product = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let Some(octets) = octets else {
                held.push(socket);
                continue;
            };
            // The hello first: closing with it unread would be a reset.
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(octets).await;
            let _ = socket.shutdown().await;
        }
    });
    let scene = dialled(stage(), &address).await;
    product.abort();
    let failed = scene.events().into_iter().find_map(|event| match event {
        Event::TlsFailed {
            reason,
            refused_by_peer,
            ..
        } => Some((reason, refused_by_peer)),
        _ => None,
    });
    let (reason, refused_by_peer) = failed.expect("the handshake fails");
    assert!(reason.contains(what), "{reason}");
    assert_eq!(refused_by_peer, refused, "{reason}");
    assert_not_passed(&scene, &reason);
}

#[tokio::test]
async fn nobody_listening_is_no_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    drop(listener);
    let scene = dialled(stage(), &address).await;
    let failed = scene.events().into_iter().find_map(|event| match event {
        Event::ExchangeFailed {
            reason,
            refused_by_peer,
            connection,
            ..
        } => Some((reason, refused_by_peer, connection)),
        _ => None,
    });
    let (reason, refused_by_peer, connection) = failed.expect("there is no answer");
    assert!(
        reason.starts_with(&format!("no connection to {address}")),
        "{reason}"
    );
    assert!(!refused_by_peer);
    assert_eq!(connection, None);
    assert_not_passed(&scene, &reason);
}

/// The case is inconclusive at best, and says what happened.
fn assert_not_passed(scene: &Scene, happened: &str) {
    let result = scene.judged();
    assert!(
        matches!(result.verdict, Verdict::Fail | Verdict::Inconclusive),
        "{result:#?}"
    );
    let told = result
        .findings
        .iter()
        .any(|finding| finding.observed.contains(happened));
    assert!(told, "nothing says `{happened}`: {result:#?}");
}

/// Lets mock DMS-1 dial an address until it has nothing more to say.
async fn dialled(stage: Arc<Stage>, address: &str) -> Scene {
    let scene = Scene::dialling(stage, address);
    let playing = play(Arc::clone(&scene.stage), Arc::clone(&scene.context), Role::Dms1);
    // What follows an accepted step 2 waits for the client, who is not there.
    let stopped = scene.seen("the end of the script", |event| {
        matches!(event, Event::ScriptStopped { .. })
    });
    tokio::select! {
        () = playing => {}
        _ = stopped => {}
    }
    scene
}

async fn dialled_over_tls(answers: Answers) -> Scene {
    let stage = stage();
    let product = Product::of(&stage, answers).await;
    dialled(stage, &product.address).await
}

/// A product that answers everything in the same way, as DMS-2.
struct Product {
    address: String,
    /// How many connections it has had.
    accepted: Arc<AtomicUsize>,
    answering: tokio::task::JoinHandle<()>,
}

impl Product {
    async fn of(stage: &Stage, answers: Answers) -> Self {
        let identity = stage.identity(stage.party(Role::Dms2), Certificate::Good);
        let identity = identity
            .expect("a certificate is made")
            .expect("a good one is one");
        let tls = ServerConfig::new(&identity, ClientCertificates::Observed, stage.roots());
        let tls = tls.expect("the certificate is good");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let answering = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(socket, tls.clone(), answers));
            }
        });
        Self {
            address,
            accepted,
            answering,
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

async fn answer(socket: TcpStream, tls: ServerConfig, answers: Answers) {
    let Ok(mut stream) = accept(socket, &tls, LIMIT, None).await else {
        return;
    };
    // One read holds the whole request: it is written in one piece, and small.
    let _ = stream.read(&mut [0; 64 * 1024]).await;
    match answers {
        Answers::Octets(octets) => {
            let _ = stream.write_all(octets).await;
            let _ = stream.shutdown().await;
        }
        Answers::Stalling(octets) => {
            let _ = stream.write_all(octets).await;
            // Until the mock role goes.
            let _ = stream.read(&mut [0; 16]).await;
        }
        Answers::Trickling(octets) => {
            let _ = stream.write_all(octets).await;
            while stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(PATIENCE / 20).await;
            }
        }
        Answers::Much(head) => {
            let _ = stream.write_all(head).await;
            let chunked = head.windows(7).any(|part| part == b"chunked");
            much(&mut stream, chunked).await;
            let _ = stream.shutdown().await;
        }
    }
}
