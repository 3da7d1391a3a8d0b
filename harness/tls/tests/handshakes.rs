//! Handshakes over loopback that come to nothing, and what is said of them.

use std::time::Duration;

use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use dmconform_tls::{
    AcceptError, Authority, ClientCertificates, ClientConfig, HandshakeError, Party, ServerConfig, accept,
    connect, now,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits before it gives up.
const LONG: Duration = Duration::from_secs(20);

fn configured(of_server: Option<Version>, of_client: Option<Version>) -> (ServerConfig, ClientConfig) {
    let authority = Authority::new(now()).expect("an authority is made");
    let party = Party {
        server_id: "dms2.dmconform.test".to_owned(),
        hosts: Vec::new(),
    };
    let identity = authority
        .issue(&party, Certificate::Good)
        .expect("a certificate is made")
        .expect("a good one is one");
    let roots = authority.roots();
    let server = ServerConfig::of_version(&identity, ClientCertificates::NotAsked, &roots, of_server);
    let client = ClientConfig::of_version(&roots, None, of_client);
    (server.expect("it is set up"), client.expect("it is set up"))
}

/// Two ends of a connection: who listens, and who dialled.
async fn ends() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (
        accepted.expect("it is accepted").0,
        dialled.expect("it is dialled"),
    )
}

#[tokio::test]
async fn a_reset_before_the_first_octet_is_no_handshake() {
    let (server, _) = configured(None, None);
    let (accepted, dialled) = ends().await;
    // Without lingering, a close is a reset.
    dialled.set_zero_linger().expect("it is a socket");
    drop(dialled);
    let refused = accept(accepted, &server, LONG, None).await.err();
    assert_eq!(refused, Some(AcceptError::Nothing));
}

#[tokio::test]
async fn a_first_line_without_tls_is_read_as_a_whole_though_it_comes_in_parts() {
    let (server, _) = configured(None, None);
    let (accepted, mut dialled) = ends().await;
    let line = b"POST /delegation HTTP/1.1\r\n";
    let writing = async {
        for octet in line {
            dialled.write_all(&[*octet]).await.expect("it is read");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let (refused, ()) = tokio::join!(accept(accepted, &server, LONG, None), writing);
    let first = line.to_vec();
    assert_eq!(refused.err(), Some(AcceptError::Plaintext { first }));
}

#[tokio::test]
async fn who_speaks_another_version_only_is_told_from_who_is_refused_for_anything_else() {
    for (of_server, of_client) in [(Version::V1_3, Version::V1_2), (Version::V1_2, Version::V1_3)] {
        let (server, client) = configured(Some(of_server), Some(of_client));
        let (accepted, dialled) = ends().await;
        let (accepted, dialled) = tokio::join!(
            accept(accepted, &server, LONG, None),
            connect(dialled, "localhost", &client, LONG, None)
        );
        let other = AcceptError::Handshake(HandshakeError::OtherVersion);
        assert_eq!(accepted.err(), Some(other), "{of_server}");
        let dialled = dialled.err().expect("it is refused");
        assert!(dialled.refused_by_peer(), "{dialled}");
    }
}
