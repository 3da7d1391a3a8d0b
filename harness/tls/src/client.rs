//! The client side: connects, with or without a certificate of its own.

use std::sync::Arc;
use std::time::Duration;

use dmconform_model::tls::Version;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{CipherSuite, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::authority::Roots;
use crate::clock::Steady;
use crate::error::HandshakeError;
use crate::facts::{KnownCertificates, facts};
use crate::identity::Identity;
use crate::outdated;
use crate::server::Rewound;
use crate::stream::Stream;
use crate::tap::{KeyLog, Tap};
use crate::verify::Remembering;

/// How a client connects.
#[derive(Clone)]
pub struct ClientConfig {
    config: Arc<rustls::ClientConfig>,
    certificates: Arc<KnownCertificates>,
    outdated: bool,
}

impl ClientConfig {
    /// A client that trusts some roots and presents an identity, or none.
    ///
    /// # Errors
    /// When the library refuses the identity or the roots.
    pub fn new(roots: &Roots, identity: Option<&Identity>) -> Result<Self, HandshakeError> {
        Self::of_version(roots, identity, None)
    }

    /// The same, of one version of TLS only. Version 1.1 is offered, and not carried through.
    ///
    /// # Errors
    /// When the library refuses the identity or the roots.
    pub fn of_version(
        roots: &Roots,
        identity: Option<&Identity>,
        version: Option<Version>,
    ) -> Result<Self, HandshakeError> {
        let setup = |reason: String| HandshakeError::Setup { reason };
        let provider = Arc::new(provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots.store), Arc::clone(&provider))
                .build()
                .map_err(|error| setup(error.to_string()))?;
        let builder = rustls::ClientConfig::builder_with_details(provider, Arc::new(Steady))
            .with_protocol_versions(protocol_versions(version))
            .map_err(|error| setup(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Remembering::new(verifier)));
        let mut config = match identity {
            Some(identity) => {
                let resolver = rustls::sign::SingleCertAndKey::from(Arc::clone(&identity.key));
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            certificates: Arc::default(),
            outdated: version.is_some_and(Version::is_outdated),
        })
    }

    /// The same, with the secrets of its connections kept.
    #[must_use]
    pub fn logging(&self, keys: &KeyLog) -> Self {
        let mut config = rustls::ClientConfig::clone(&self.config);
        config.key_log = Arc::new(keys.clone());
        Self {
            config: Arc::new(config),
            certificates: Arc::clone(&self.certificates),
            outdated: self.outdated,
        }
    }

    /// The same with sessions that are resumed where the server lets it: as long as the value is used again.
    #[must_use]
    pub fn resuming(&self) -> Self {
        let mut config = rustls::ClientConfig::clone(&self.config);
        config.resumption = Resumption::in_memory_sessions(8);
        Self {
            config: Arc::new(config),
            certificates: Arc::clone(&self.certificates),
            outdated: self.outdated,
        }
    }
}

/// The cryptography of both sides. Of the cipher suites, the one that every implementation of TLS 1.3 has comes first (RFC 8446,
/// section 9.1).
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let suites = &mut provider.cipher_suites;
    suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

/// The versions that the library speaks.
pub(crate) fn protocol_versions(only: Option<Version>) -> &'static [&'static SupportedProtocolVersion] {
    const TLS_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
    const TLS_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    match only {
        Some(Version::V1_2) => TLS_1_2,
        Some(Version::V1_3) => TLS_1_3,
        Some(Version::V1_1) | None => rustls::DEFAULT_VERSIONS,
    }
}

/// Connects over a socket to the server that `host` names (a DNS name, or an address
/// without brackets). A tap keeps what passes.
///
/// # Errors
/// Who broke the handshake off, and why.
pub async fn connect(
    socket: TcpStream,
    host: &str,
    config: &ClientConfig,
    timeout: Duration,
    tap: Option<Tap>,
) -> Result<Stream, HandshakeError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| HandshakeError::Setup {
        reason: format!("`{host}` is no host: {error}"),
    })?;
    if config.outdated {
        let mut socket = socket;
        let offering = outdated::offer(&mut socket, host);
        let found = tokio::time::timeout(timeout, offering).await;
        return Err(found.unwrap_or(HandshakeError::TimedOut));
    }
    let connector = TlsConnector::from(Arc::clone(&config.config));
    let connecting = connector.connect(name, Rewound::new(None, socket, tap, true));
    let stream = tokio::time::timeout(timeout, connecting)
        .await
        .map_err(|_| HandshakeError::TimedOut)?
        .map_err(|error| HandshakeError::from_io(&error))?;
    let facts = Arc::new(facts(stream.get_ref().1, None, &config.certificates));
    Ok(Stream {
        inner: stream.into(),
        facts,
    })
}
