//! TLS 1.1 as far as it takes to see whether somebody still speaks it: no library offers it any more (RFC 8996).
//!
//! Nothing is ever encrypted: a handshake is begun by hand (RFC 4346, section 7.4), and what the other end makes of it
//! is read. Whoever answers with a hello of an old version, or goes on after one, speaks it.

use std::io;
use std::time::Duration;

use rustls::AlertDescription;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::error::{HandshakeError, alert_name};

/// The version as records and hellos write it.
const VERSION: [u8; 2] = [3, 2];
/// TLS 1.2, which is current.
const CURRENT: [u8; 2] = [3, 3];
/// Types of records (RFC 4346, section 6.2.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// What alerts begin with that end nothing, and the one that ends the connection all the same (RFC 5246, section 7.2).
const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;
/// Types of handshake messages (RFC 4346, section 7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
/// The suites of TLS 1.1: with AES in CBC mode, and with 3DES. Those that go with the harness's keys come first.
const SUITES: [[u8; 2]; 7] = [
    [0xc0, 0x09],
    [0xc0, 0x0a],
    [0xc0, 0x13],
    [0xc0, 0x14],
    [0x00, 0x2f],
    [0x00, 0x35],
    [0x00, 0x0a],
];
/// The longest record that is read, in octets.
const MAX_RECORD: usize = 18 * 1024;
/// The most records that are read until a message is whole.
const MAX_RECORDS: usize = 64;
/// No secret depends on it.
const RANDOM: [u8; 32] = *b"dmconform speaks no TLS before 2";

/// Offers TLS 1.1 and nothing else.
///
/// # Errors
/// Always: [`HandshakeError::Outdated`] if the other end takes it, and how it refused otherwise.
pub(crate) async fn offer<S>(stream: &mut S, host: &str) -> HandshakeError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if stream.write_all(&client_hello(host)).await.is_err() {
        return HandshakeError::Closed;
    }
    match said(stream).await {
        Ok(Said::Message(message)) => chosen(&message),
        Ok(Said::Alert(alert)) => refused(alert),
        Ok(Said::Else(kind)) => unexpected(kind),
        Err(error) => ended(&error),
    }
}

/// Answers whatever is offered with a hello of TLS 1.1 and the certificates. What would follow is signed, and left out:
/// who speaks TLS 1.1 waits for it, and who does not has refused the hello.
///
/// # Errors
/// Always: [`HandshakeError::Outdated`] if the other end goes on or waits for more, and how it refused otherwise.
pub(crate) async fn choose<S>(
    stream: &mut S,
    chain: &[CertificateDer<'_>],
    patience: Duration,
) -> HandshakeError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let offered = match said(stream).await {
        Ok(Said::Message(message)) => message,
        Ok(Said::Alert(alert)) => return refused(alert),
        Ok(Said::Else(kind)) => return unexpected(kind),
        Err(error) => return ended(&error),
    };
    if stream.write_all(&server_flight(&offered, chain)).await.is_err() {
        return HandshakeError::Closed;
    }
    match tokio::time::timeout(patience, said(stream)).await {
        Ok(Ok(Said::Alert(alert))) => refused(alert),
        Ok(Ok(_)) | Err(_) => outdated(VERSION),
        Ok(Err(error)) => ended(&error),
    }
}

/// What a server has chosen by its first handshake message.
fn chosen(body: &[u8]) -> HandshakeError {
    match body {
        [SERVER_HELLO, _, _, _, major, minor, ..] if [*major, *minor] < CURRENT => outdated([*major, *minor]),
        _ => HandshakeError::Refused {
            reason: "it answered an offer of TLS 1.1 with something else than a hello of that version"
                .to_owned(),
        },
    }
}

fn outdated(version: [u8; 2]) -> HandshakeError {
    let version = match version {
        [3, 0] => "SSLv3".to_owned(),
        [3, minor] => format!("TLSv1.{}", minor.saturating_sub(1)),
        [major, minor] => format!("version {major}.{minor}"),
    };
    HandshakeError::Outdated { version }
}

fn refused(alert: u8) -> HandshakeError {
    HandshakeError::AlertReceived {
        alert: alert_name(AlertDescription::from(alert)),
    }
}

/// Nothing more is read: the other end has closed, or says more than a handshake needs.
fn ended(error: &io::Error) -> HandshakeError {
    match error.kind() {
        io::ErrorKind::InvalidData => HandshakeError::Refused {
            reason: "what it said is longer than any message of a handshake".to_owned(),
        },
        _ => HandshakeError::Closed,
    }
}

fn unexpected(kind: u8) -> HandshakeError {
    HandshakeError::Refused {
        reason: format!("a record of type {kind} arrived where a handshake begins"),
    }
}

/// What the other end says next.
enum Said {
    /// A handshake message, whole.
    Message(Vec<u8>),
    /// The alert with which it ends the handshake.
    Alert(u8),
    /// A record of another type.
    Else(u8),
}

/// What the other end says next. A handshake message may come in several records (RFC 5246, section 6.2.1; RFC 8446, section 5.1), and
/// a warning ends nothing (RFC 5246, section 7.2), as `unrecognized_name` before a server's hello (RFC 6066, section 3).
async fn said<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Said> {
    let mut message = Vec::new();
    for _ in 0..MAX_RECORDS {
        let (kind, body) = record(stream).await?;
        match kind {
            HANDSHAKE => message.extend(body),
            ALERT => match body[..] {
                [WARNING, alert] if alert != CLOSE_NOTIFY => continue,
                [_, alert] => return Ok(Said::Alert(alert)),
                _ => return Ok(Said::Else(ALERT)),
            },
            other => return Ok(Said::Else(other)),
        }
        if let [_, high, middle, low, rest @ ..] = &message[..] {
            let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
            if rest.len() >= length || message.len() > MAX_RECORD {
                return Ok(Said::Message(message));
            }
        }
    }
    Err(io::Error::from(io::ErrorKind::InvalidData))
}

async fn record<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).await?;
    let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
    if length > MAX_RECORD {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((head[0], body))
}

fn client_hello(host: &str) -> Vec<u8> {
    let mut extensions = Vec::new();
    // Addresses are no server names (RFC 6066, section 3).
    if host.parse::<std::net::IpAddr>().is_err() {
        let name = [&[0][..], &with_length(2, host.as_bytes())].concat();
        extensions.extend([&[0, 0][..], &with_length(2, &with_length(2, &name))].concat());
    }
    // Groups secp256r1 and secp384r1, points uncompressed (RFC 8422, section 5.1).
    extensions.extend([0, 10, 0, 6, 0, 4, 0, 23, 0, 24]);
    extensions.extend([0, 11, 0, 2, 1, 0]);
    let hello = [
        &VERSION[..],
        &RANDOM,
        &[0],
        &with_length(2, &SUITES.concat()),
        &[1, 0],
        &with_length(2, &extensions),
    ]
    .concat();
    handshake_record([3, 1], &message(CLIENT_HELLO, &hello))
}

fn server_flight(offered: &[u8], chain: &[CertificateDer<'_>]) -> Vec<u8> {
    let suites = offered_suites(offered).unwrap_or_default();
    let is_offered = |suite: &&[u8; 2]| suites.chunks_exact(2).any(|known| known == *suite);
    let suite = SUITES.iter().find(is_offered).unwrap_or(&SUITES[0]);
    let hello = [&VERSION[..], &RANDOM, &[0], suite, &[0]].concat();
    let certificates: Vec<u8> = chain
        .iter()
        .flat_map(|certificate| with_length(3, certificate))
        .collect();
    [
        handshake_record(VERSION, &message(SERVER_HELLO, &hello)),
        handshake_record(VERSION, &message(CERTIFICATE, &with_length(3, &certificates))),
    ]
    .concat()
}

/// The suites of a client's hello: after its type and length, the version and the random octets comes the session.
fn offered_suites(hello: &[u8]) -> Option<&[u8]> {
    let (session, rest) = hello.get(4 + 2 + 32..)?.split_first()?;
    let rest = rest.get(usize::from(*session)..)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

fn handshake_record(version: [u8; 2], body: &[u8]) -> Vec<u8> {
    [&[HANDSHAKE][..], &version, &with_length(2, body)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &with_length(3, body)].concat()
}

/// A body after its length, which takes this many octets.
fn with_length(octets: usize, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_be_bytes();
    [&length[length.len() - octets..], body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered_with(answer: &[u8]) -> HandshakeError {
        let (mut here, mut there) = tokio::io::duplex(4096);
        there.write_all(answer).await.expect("there is room");
        offer(&mut here, "dms1.example").await
    }

    #[tokio::test]
    async fn a_hello_of_an_old_version_is_what_was_looked_for() {
        let hello = handshake_record(VERSION, &message(SERVER_HELLO, &[3, 2, 0, 0]));
        assert_eq!(
            answered_with(&hello).await,
            HandshakeError::Outdated {
                version: "TLSv1.1".to_owned()
            }
        );
        let older = handshake_record([3, 1], &message(SERVER_HELLO, &[3, 1, 0, 0]));
        assert_eq!(
            answered_with(&older).await,
            HandshakeError::Outdated {
                version: "TLSv1.0".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn an_alert_and_a_close_refuse() {
        let refused = answered_with(&[ALERT, 3, 3, 0, 2, 2, 70]).await;
        assert_eq!(
            refused,
            HandshakeError::AlertReceived {
                alert: "protocol_version".to_owned()
            }
        );
        assert!(refused.refused_by_peer());
        let (mut here, there) = tokio::io::duplex(4096);
        drop(there);
        assert!(offer(&mut here, "127.0.0.1").await.refused_by_peer());
    }

    #[tokio::test]
    async fn a_record_that_is_longer_than_any_is_not_waited_for() {
        let (mut here, mut there) = tokio::io::duplex(4096);
        let [high, low] = u16::try_from(MAX_RECORD + 1)
            .expect("it has two octets")
            .to_be_bytes();
        let head = [HANDSHAKE, 3, 3, high, low];
        there.write_all(&head).await.expect("there is room");
        // The other end stays open, and says nothing more.
        let found = offer(&mut here, "127.0.0.1").await;
        assert!(matches!(found, HandshakeError::Refused { .. }), "{found:?}");
    }

    #[tokio::test]
    async fn a_warning_before_a_hello_of_an_old_version_refuses_nothing() {
        let hello = handshake_record(VERSION, &message(SERVER_HELLO, &[3, 2, 0, 0]));
        let warned = [&[ALERT, 3, 2, 0, 2, WARNING, 112][..], &hello].concat();
        let found = answered_with(&warned).await;
        assert!(matches!(found, HandshakeError::Outdated { .. }), "{found:?}");
        let closing = [ALERT, 3, 2, 0, 2, WARNING, CLOSE_NOTIFY];
        assert!(answered_with(&closing).await.refused_by_peer());
    }

    #[tokio::test]
    async fn warnings_without_an_end_are_not_listened_to() {
        let warnings = [ALERT, 3, 2, 0, 2, WARNING, 112].repeat(MAX_RECORDS);
        // The other end stays open, and could go on.
        let found = answered_with(&warnings).await;
        assert!(matches!(found, HandshakeError::Refused { .. }), "{found:?}");
    }

    /// Who refuses TLS 1.1, having said its hello in two records.
    #[tokio::test]
    async fn a_hello_in_two_records_is_one_hello() {
        let (mut here, mut there) = tokio::io::duplex(64 * 1024);
        let hello = client_hello("dms1.example")[5..].to_vec();
        let (one, other) = hello.split_at(hello.len() / 2);
        let sent = [one, other].map(|part| handshake_record([3, 1], part)).concat();
        there.write_all(&sent).await.expect("there is room");
        let choosing = async {
            let patience = Duration::from_secs(5);
            choose(&mut here, &[], patience).await
        };
        let refusing = async {
            record(&mut there).await.expect("it is answered with a hello");
            let refusal = [ALERT, 3, 3, 0, 2, 2, 70];
            there.write_all(&refusal).await.expect("there is room");
        };
        let (found, ()) = tokio::join!(choosing, refusing);
        assert_eq!(
            found,
            HandshakeError::AlertReceived {
                alert: "protocol_version".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn a_hello_of_a_current_version_is_no_breach() {
        let hello = handshake_record(CURRENT, &message(SERVER_HELLO, &[3, 3, 0, 0]));
        assert!(matches!(
            answered_with(&hello).await,
            HandshakeError::Refused { .. }
        ));
    }

    #[test]
    fn a_suite_is_chosen_that_was_offered() {
        let hello = client_hello("dms1.example");
        let suites = offered_suites(&hello[5..]).expect("the hello has suites");
        assert_eq!(suites, SUITES.concat());
        assert_eq!(offered_suites(&hello[5..20]), None);
    }

    #[tokio::test]
    async fn two_that_speak_it_find_each_other() {
        let (mut here, mut there) = tokio::io::duplex(64 * 1024);
        let chain = [CertificateDer::from(vec![0x30, 0x00])];
        let (client, server) = tokio::join!(
            offer(&mut here, "dms1.example"),
            choose(&mut there, &chain, Duration::from_millis(20))
        );
        assert!(matches!(client, HandshakeError::Outdated { .. }));
        assert!(matches!(server, HandshakeError::Outdated { .. }));
    }

    proptest::proptest! {
        /// These octets are read by hand, and come from whoever is at the other end.
        #[test]
        fn whatever_is_said_there_is_an_answer_and_no_end_of_the_program(
            kind in proptest::prelude::any::<u8>(),
            body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
            cut in 0_usize..320,
        ) {
            let mut record = [&[kind, 3, 3][..], &with_length(2, &body)].concat();
            record.truncate(cut);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a run time can be made");
            runtime.block_on(async {
                for is_client in [true, false] {
                    let (mut here, mut there) = tokio::io::duplex(64 * 1024);
                    there.write_all(&record).await.expect("there is room");
                    there.shutdown().await.expect("it is open");
                    let found = match is_client {
                        true => offer(&mut here, "dms1.example").await,
                        false => choose(&mut here, &[], Duration::from_millis(1)).await,
                    };
                    let is_said = !found.to_string().is_empty();
                    assert!(is_said, "{found:?}");
                }
            });
            let _ = offered_suites(&body);
        }
    }
}
