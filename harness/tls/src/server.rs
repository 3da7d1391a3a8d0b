//! The server side: accepts TLS, and notices what is no TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use dmconform_model::tls::Version;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::authority::Roots;
use crate::client::{protocol_versions, provider};
use crate::clock::Steady;
use crate::error::HandshakeError;
use crate::facts::{KnownCertificates, facts};
use crate::identity::Identity;
use crate::outdated;
use crate::stream::Stream;
use crate::tap::{KeyLog, Tap, Tapping};
use crate::verify::{Observing, Remembering};

/// The first octet of a TLS record that begins a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// How many octets of a plaintext are kept.
const PLAINTEXT_KEPT: usize = 64;
/// How long the rest of them may take.
const PLAINTEXT_PATIENCE: Duration = Duration::from_millis(500);

/// What a listener wants of clients' certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked for.
    NotAsked,
    /// They are asked for, and any or none is taken.
    Observed,
    /// A good one is required.
    Required,
}

/// How a listener accepts TLS.
#[derive(Clone)]
pub struct ServerConfig {
    config: Arc<rustls::ServerConfig>,
    certificates: Arc<KnownCertificates>,
    /// The chain with which an outdated hello is followed, where that is what is answered.
    outdated: Option<Arc<CertifiedKey>>,
}

/// A connection that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// Something that is no TLS arrived.
    #[error("accept TLS: something else arrived")]
    Plaintext {
        /// The first octets.
        first: Vec<u8>,
    },
    /// Nothing came at all, not even where it was reset: somebody has looked whether anybody listens, or keeps a connection at hand.
    #[error("accept TLS: nothing was said")]
    Nothing,
    /// The handshake came to nothing.
    #[error("accept TLS: {0}")]
    Handshake(#[from] HandshakeError),
}

impl ServerConfig {
    /// A listener that presents an identity. Sessions are never resumed, so that every connection shows its
    /// certificates.
    ///
    /// # Errors
    /// When the library refuses the identity or the roots.
    pub fn new(
        identity: &Identity,
        client_certificates: ClientCertificates,
        roots: &Roots,
    ) -> Result<Self, HandshakeError> {
        Self::of_version(identity, client_certificates, roots, None)
    }

    /// The same, of one version of TLS only. Version 1.1 is chosen whatever is offered, and not carried through.
    ///
    /// # Errors
    /// When the library refuses the identity or the roots.
    pub fn of_version(
        identity: &Identity,
        client_certificates: ClientCertificates,
        roots: &Roots,
        version: Option<Version>,
    ) -> Result<Self, HandshakeError> {
        let setup = |reason: String| HandshakeError::Setup { reason };
        let provider = Arc::new(provider());
        let builder = rustls::ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(Steady))
            .with_protocol_versions(protocol_versions(version))
            .map_err(|error| setup(error.to_string()))?;
        let builder = match client_certificates {
            ClientCertificates::NotAsked => builder.with_no_client_auth(),
            ClientCertificates::Observed => {
                builder.with_client_cert_verifier(Arc::new(Observing { provider }))
            }
            ClientCertificates::Required => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots.store), provider)
                        .build()
                        .map_err(|error| setup(error.to_string()))?;
                builder.with_client_cert_verifier(Arc::new(Remembering::new(verifier)))
            }
        };
        let resolver = rustls::sign::SingleCertAndKey::from(Arc::clone(&identity.key));
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let outdated = version.is_some_and(Version::is_outdated);
        Ok(Self {
            config: Arc::new(config),
            certificates: Arc::default(),
            outdated: outdated.then(|| Arc::clone(&identity.key)),
        })
    }

    /// The same, with the secrets of its connections kept.
    #[must_use]
    pub fn logging(&self, keys: &KeyLog) -> Self {
        let mut config = rustls::ServerConfig::clone(&self.config);
        config.key_log = Arc::new(keys.clone());
        Self {
            config: Arc::new(config),
            certificates: Arc::clone(&self.certificates),
            outdated: self.outdated.clone(),
        }
    }
}

/// Accepts TLS on a socket. A tap keeps what passes.
///
/// # Errors
/// What arrived instead, or who broke the handshake off.
pub async fn accept(
    socket: TcpStream,
    config: &ServerConfig,
    timeout: Duration,
    tap: Option<Tap>,
) -> Result<Stream, AcceptError> {
    let first = tokio::time::timeout(timeout, first_octet(socket, tap)).await;
    let mut rewound = first.unwrap_or(Err(AcceptError::Nothing))?;
    let handshake = async {
        if let Some(key) = &config.outdated {
            return Err(outdated::choose(&mut rewound, &key.cert, timeout / 2)
                .await
                .into());
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&config.config));
        let stream = acceptor
            .accept(rewound)
            .await
            .map_err(|error| HandshakeError::from_io(&error))?;
        let facts = {
            let connection = stream.get_ref().1;
            Arc::new(facts(connection, connection.server_name(), &config.certificates))
        };
        Ok(Stream {
            inner: stream.into(),
            facts,
        })
    };
    tokio::time::timeout(timeout, handshake)
        .await
        .unwrap_or(Err(HandshakeError::TimedOut.into()))
}

async fn first_octet(mut socket: TcpStream, tap: Option<Tap>) -> Result<Rewound, AcceptError> {
    let mut first = [0; 1];
    // A reset is no more than a close: who has not begun a handshake has not come to look at a certificate.
    let read = socket.read(&mut first).await.unwrap_or(0);
    if read == 0 {
        return Err(AcceptError::Nothing);
    }
    if first[0] != HANDSHAKE {
        let mut first = first.to_vec();
        // What a first line says may come in parts.
        let reading = async {
            while first.len() < PLAINTEXT_KEPT && !first.contains(&b'\n') {
                let mut more = [0; PLAINTEXT_KEPT];
                let room = PLAINTEXT_KEPT - first.len();
                match socket.read(&mut more[..room]).await {
                    Ok(read) if read > 0 => first.extend_from_slice(&more[..read]),
                    _ => break,
                }
            }
        };
        let _ = tokio::time::timeout(PLAINTEXT_PATIENCE, reading).await;
        return Err(AcceptError::Plaintext { first });
    }
    Ok(Rewound::new(Some(first[0]), socket, tap, false))
}

/// A socket of which the first octet was read already.
pub(crate) struct Rewound {
    pub(crate) first: Option<u8>,
    pub(crate) socket: TcpStream,
    tapping: Option<Tapping>,
}

impl Rewound {
    /// A socket with the octet that was read of it; `dialled` says whether it is the end that dialled.
    pub(crate) fn new(first: Option<u8>, socket: TcpStream, tap: Option<Tap>, dialled: bool) -> Self {
        let tapping = tap.map(|tap| {
            tap.learn(&socket, dialled);
            Tapping { tap, dialled }
        });
        Self {
            first,
            socket,
            tapping,
        }
    }

    fn poll_more(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.poll_more(context, buffer);
        if let Some(tapping) = &self.tapping {
            tapping.read(&buffer.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(context, octets);
        if let (Some(tapping), Poll::Ready(Ok(written))) = (&self.tapping, &polled) {
            tapping.written(&octets[..*written]);
        }
        polled
    }

    /// Several records leave together, as a flight of a handshake does.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        records: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(context, records);
        if let (Some(tapping), Poll::Ready(Ok(written))) = (&self.tapping, &polled) {
            let octets = records.iter().flat_map(|record| record.iter().copied());
            tapping.written(&octets.take(*written).collect::<Vec<_>>());
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
