//! What a listener takes at most, with limits that a test can wait for: slow peers, silent ones, and many at once.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use dmconform_case::test_case::CloseAt;
use dmconform_model::certificate::Certificate;
use dmconform_oddity::Oddities;
use dmconform_tls::{
    Authority, ClientCertificates, ClientConfig, Party, ServerConfig, Stream, accept, connect, now,
};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::MAX_FIELDS;
use super::client::{self, Sending, Target};
use super::server::{Handler, LONGEST_DRAIN, Limits, Received, Reply, Server};
use crate::errand::Nobody;

/// How long a listener under test waits.
const SHORT: Duration = Duration::from_millis(150);
/// How long a test waits before it gives up.
const LONG: Duration = Duration::from_secs(20);

/// Answers everything with nothing.
struct Content;

impl Handler for Content {
    fn handle(self: Arc<Self>, _: Received) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(async { Reply::new(204, "", Vec::new()) })
    }
}

/// More than sockets hold on the way.
const MUCH: usize = 64 * 1024 * 1024;

/// Answers everything with more than sockets hold.
struct Plenty;

impl Handler for Plenty {
    fn handle(self: Arc<Self>, _: Received) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(async { Reply::new(200, "text/plain", vec![b'x'; MUCH]) })
    }
}

async fn listener(limits: Limits) -> (Server, ClientConfig) {
    answering(Arc::new(Content), limits).await
}

async fn answering(handler: Arc<dyn Handler>, limits: Limits) -> (Server, ClientConfig) {
    let (tls, client) = certified();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let oddities = Oddities::default();
    let server = Server::bind(address, tls, handler, Arc::new(Nobody), limits, oddities);
    (server.await.expect("loopback has a free port"), client)
}

fn certified() -> (ServerConfig, ClientConfig) {
    let authority = Authority::new(now()).expect("an authority is made");
    let party = Party {
        server_id: "dms2.dmconform.test".to_owned(),
        hosts: Vec::new(),
    };
    let identity = authority.issue(&party, Certificate::Good);
    let identity = identity
        .expect("a certificate is made")
        .expect("a good one is one");
    let roots = authority.roots();
    let tls = ServerConfig::new(&identity, ClientCertificates::NotAsked, &roots);
    let client = ClientConfig::new(&roots, None).expect("a client needs no certificate");
    (tls.expect("the certificate is good"), client)
}

async fn established(server: &Server, client: &ClientConfig) -> Stream {
    let socket = TcpStream::connect(server.address())
        .await
        .expect("the listener accepts");
    let stream = connect(socket, "127.0.0.1", client, LONG, None).await;
    stream.expect("the handshake is good")
}

/// Everything until the listener closes the connection.
async fn until_closed(stream: &mut Stream) -> String {
    let mut all = Vec::new();
    let reading = tokio::time::timeout(LONG, stream.read_to_end(&mut all)).await;
    // A connection that is reset is closed, too.
    let _ = reading.expect("the listener closes the connection");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_handshake_that_stops_is_given_up() {
    let limits = Limits {
        patience: SHORT,
        ..Limits::default()
    };
    let (server, _) = listener(limits).await;
    let mut socket = TcpStream::connect(server.address())
        .await
        .expect("the listener accepts");
    // A record is announced, and never comes.
    socket
        .write_all(b"\x16\x03\x01\x02\x00")
        .await
        .expect("it is read");
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(LONG, socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the handshake is waited for without end");
}

#[tokio::test]
async fn draining_waits_for_no_connection_that_is_opened_meanwhile() {
    let (server, client) = listener(Limits::default()).await;
    let address = server.address();
    let mut before = established(&server, &client).await;
    let knocking = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(TcpStream::connect(address).await);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(SHORT).await;
    let drained = tokio::time::timeout(LONGEST_DRAIN / 2, server.drain()).await;
    knocking.abort();
    assert!(drained.is_ok(), "it is waited for those that came later");
    assert_eq!(until_closed(&mut before).await, "");
}

#[rstest]
#[case::silence(b"")]
#[case::half_a_head(b"POST /dm HTTP/1.1\r\nhost: loc")]
#[tokio::test]
async fn a_request_whose_head_does_not_arrive_is_given_up(#[case] octets: &[u8]) {
    let limits = Limits {
        head_patience: SHORT,
        ..Limits::default()
    };
    let (server, client) = listener(limits).await;
    let mut stream = established(&server, &client).await;
    stream.write_all(octets).await.expect("the listener reads");
    assert_eq!(until_closed(&mut stream).await, "");
}

#[tokio::test]
async fn a_head_that_arrives_octet_by_octet_gets_no_more_time() {
    let limits = Limits {
        head_patience: SHORT,
        ..Limits::default()
    };
    let (server, client) = listener(limits).await;
    let stream = established(&server, &client).await;
    let (mut reading, mut writing) = tokio::io::split(stream);
    let slow = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() && writing.flush().await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut all = Vec::new();
    let closed = tokio::time::timeout(LONG, reading.read_to_end(&mut all)).await;
    assert!(closed.is_ok(), "a slow peer holds the connection");
    slow.abort();
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let limits = Limits {
        patience: SHORT,
        ..Limits::default()
    };
    let (server, client) = listener(limits).await;
    let mut stream = established(&server, &client).await;
    let head = b"POST /dm HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc";
    stream.write_all(head).await.expect("the listener reads");
    assert_eq!(until_closed(&mut stream).await, "");
}

#[rstest]
#[case::as_many_as_may_be(MAX_FIELDS - 2, "204 No Content")]
#[case::one_too_many(MAX_FIELDS - 1, "431 ")]
#[tokio::test]
async fn a_header_has_a_number_of_fields(#[case] fields: usize, #[case] answer: &str) {
    let (server, client) = listener(Limits::default()).await;
    let mut stream = established(&server, &client).await;
    // Two fields besides.
    let head = format!(
        "GET /dm HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\n",
        "x-filler: x\r\n".repeat(fields)
    );
    let written = stream.write_all(head.as_bytes()).await;
    written.expect("the listener reads");
    let said = until_closed(&mut stream).await;
    assert!(said.starts_with(&format!("HTTP/1.1 {answer}")), "{said}");
}

#[tokio::test]
async fn of_many_connections_at_once_the_last_ones_wait_until_others_end() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let (server, client) = listener(limits).await;
    let (first, _second) = (
        established(&server, &client).await,
        established(&server, &client).await,
    );
    let mut third = Box::pin(established(&server, &client));
    let early = tokio::time::timeout(SHORT, &mut third).await;
    assert!(early.is_err(), "a third connection was served beside the others");
    drop(first);
    let served = tokio::time::timeout(LONG, third).await;
    assert!(served.is_ok(), "the room that became free is not used");
}

#[rstest]
#[case::takes_nothing(0)]
#[case::takes_it_octet_by_octet(1)]
#[tokio::test]
async fn a_peer_that_does_not_take_its_answer_is_given_up(#[case] octets: usize) {
    let limits = Limits {
        write_patience: SHORT,
        connections: 1,
        ..Limits::default()
    };
    let (server, client) = answering(Arc::new(Plenty), limits).await;
    let mut stream = established(&server, &client).await;
    let request = b"GET /dm HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("the listener reads");
    let taking = async {
        let mut some = vec![0; octets];
        while stream.read_exact(&mut some).await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
        // What was on its way is read: the connection is open as far as this end is concerned.
        std::future::pending::<()>().await;
    };
    // Another one is served once there is room.
    let next = tokio::time::timeout(LONG, established(&server, &client));
    tokio::select! {
        () = taking => {}
        served = next => assert!(served.is_ok(), "who takes no answer holds the connection"),
    }
}

#[rstest]
#[case::a_whole_request(None)]
#[case::one_that_is_to_break_off(Some(CloseAt::End))]
#[tokio::test]
async fn a_product_that_does_not_take_its_request_is_given_up(#[case] close_at: Option<CloseAt>) {
    let (accepting, dialling) = certified();
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let product = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("somebody connects");
        let stream = accept(socket, &accepting, LONG, None).await;
        // Held, and never read.
        std::future::pending::<()>().await;
        drop(stream);
    });
    let target = Target {
        address,
        host: "127.0.0.1".to_owned(),
        authority: address.to_string(),
    };
    let sending = Sending {
        method: "POST".to_owned(),
        target: "/dm".to_owned(),
        headers: Vec::new(),
        body: vec![b'x'; MUCH].into(),
        close_at,
    };
    let limits = client::Limits {
        body: 0,
        patience: SHORT,
    };
    let oddities = Oddities::default();
    let trying = async {
        if close_at.is_some() {
            let (_, error) =
                client::break_off(&target, &dialling, Arc::new(Nobody), &sending, |_| (), limits).await;
            return error;
        }
        let opened = client::open(&target, &dialling, Arc::new(Nobody), limits, &oddities).await;
        let Ok(mut connection) = opened else {
            panic!("the product accepts");
        };
        let answered = connection.exchange(sending, || (), limits).await;
        answered.expect_err("nobody has read the request")
    };
    let given_up = tokio::time::timeout(LONG, trying).await;
    let error = given_up.expect("who takes no request is waited for without end");
    assert!(!error.refused_by_peer, "{error}");
    product.abort();
}
