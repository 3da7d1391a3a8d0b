//! The client side: connects, with or without a certificate of its own.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::authority::Roots;
use crate::error::HandshakeError;
use crate::facts::facts;
use crate::identity::Identity;
use crate::server::Rewound;
use crate::stream::Stream;

/// How a client connects.
#[derive(Clone)]
pub struct ClientConfig {
    config: Arc<rustls::ClientConfig>,
}

impl ClientConfig {
    /// A client that trusts some roots and presents an identity, or none.
    ///
    /// # Errors
    /// When the library refuses the identity or the roots.
    pub fn new(roots: &Roots, identity: Option<&Identity>) -> Result<Self, HandshakeError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| HandshakeError::Setup {
                reason: error.to_string(),
            })?
            .with_root_certificates(Arc::clone(&roots.store));
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
        })
    }
}

/// Connects over a socket to the server that `host` names (a DNS name or an address).
///
/// # Errors
/// Who broke the handshake off, and why.
pub async fn connect(
    socket: TcpStream,
    host: &str,
    config: &ClientConfig,
    timeout: Duration,
) -> Result<Stream, HandshakeError> {
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| {
        HandshakeError::Setup {
            reason: format!("`{host}` is no host: {error}"),
        }
    })?;
    let connector = TlsConnector::from(Arc::clone(&config.config));
    let connecting = connector.connect(name, Rewound { first: None, socket });
    let stream = tokio::time::timeout(timeout, connecting)
        .await
        .map_err(|_| HandshakeError::TimedOut)?
        .map_err(|error| HandshakeError::from_io(&error))?;
    let facts = Arc::new(facts(stream.get_ref().1, None));
    Ok(Stream {
        inner: stream.into(),
        facts,
    })
}
