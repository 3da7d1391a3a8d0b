//! TLS: who is let in, who is talked to, and the names in a peer's certificate.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::config::{ConfigError, TlsFiles};
use crate::deviation::{Deviation, Deviations};
use crate::role::RoleName;
use crate::verifiers::{ClientVerifier, GoodChains, LateRefusals, Leniency, ServerVerifier};

/// Whether devices or servers connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peers {
    /// Devices have no certificate.
    Devices,
    /// Servers must have one, and send delegation messages.
    Servers,
}

/// What accepts TLS connections.
#[derive(Clone)]
pub(crate) struct Acceptor {
    usual: Arc<ServerConfig>,
    /// For those who offer TLS 1.2 and nothing newer, where that is a difference: a deviation.
    of_tls_1_2: Option<Arc<ServerConfig>>,
}

impl Acceptor {
    /// Accepts a connection.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = match &self.of_tls_1_2 {
            Some(of_tls_1_2) if !offers_tls_1_3(&stream).await? => of_tls_1_2,
            _ => &self.usual,
        };
        TlsAcceptor::from(Arc::clone(config)).accept(stream).await
    }
}

/// Whether a connection begins with a hello that offers TLS 1.3: in the extension `supported_versions` (RFC 8446, section 4.2.1).
/// Nothing of it is taken away. A hello comes in one piece, or offers nothing here.
async fn offers_tls_1_3(stream: &TcpStream) -> io::Result<bool> {
    let mut hello = [0; 4096];
    let read = stream.peek(&mut hello).await?;
    let mut places = (0..read).map(|at| &hello[at..read]);
    Ok(places.any(|place| match place {
        [0, 43, 0, length, versions, list @ ..] if *length == versions.saturating_add(1) => list
            .get(..usize::from(*versions))
            .is_some_and(|list| list.chunks(2).any(|version| version == [3, 4])),
        _ => false,
    }))
}

/// Makes what accepts TLS connections.
pub(crate) fn acceptor(
    role: RoleName,
    files: &TlsFiles,
    peers: Peers,
    deviations: &Deviations,
) -> Result<Acceptor, TlsError> {
    let asks_under_1_3_only = peers == Peers::Servers && deviations.has(Deviation::TrustsPeersOfTls12);
    let config = |is_optional| accepting(role, files, peers, deviations, is_optional).map(Arc::new);
    Ok(Acceptor {
        usual: config(false)?,
        of_tls_1_2: asks_under_1_3_only.then(|| config(true)).transpose()?,
    })
}

/// How connections are accepted; `is_optional` says whether servers may come without a certificate.
fn accepting(
    role: RoleName,
    files: &TlsFiles,
    peers: Peers,
    deviations: &Deviations,
    is_optional: bool,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(provider());
    let (chain, key) = identity(role, files)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(deviations))
        .map_err(|source| TlsError::Unusable { role, source })?;
    let builder = match peers {
        Peers::Devices => builder.with_no_client_auth(),
        Peers::Servers => {
            let roots = Arc::new(roots(role, files)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .with_crls(revocation_lists(files, deviations)?)
                .only_check_end_entity_revocation()
                .allow_unknown_revocation_status()
                .build()
                .map_err(|source| TlsError::Verifier {
                    role,
                    problem: source.to_string(),
                })?;
            let leniency = Leniency::of_servers(deviations, Deviation::AcceptsAnyClientCertificate);
            builder.with_client_cert_verifier(Arc::new(ClientVerifier {
                inner: verifier,
                leniency,
                is_optional,
                late: LateRefusals::of(deviations, Deviation::TrustsPeersOfTls12),
                good: GoodChains::default(),
            }))
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|source| TlsError::Unusable { role, source })?;
    // A session can be resumed once; the library would offer it twice.
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// Makes what opens TLS connections; with the own certificate when the peers are servers.
pub(crate) fn connector(
    role: RoleName,
    files: &TlsFiles,
    peers: Peers,
    deviations: &Deviations,
) -> Result<TlsConnector, TlsError> {
    let provider = Arc::new(provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(role, files)?), Arc::clone(&provider))
            .with_crls(revocation_lists(files, deviations)?)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status()
            .build()
            .map_err(|source| TlsError::Verifier {
                role,
                problem: source.to_string(),
            })?;
    let (leniency, trusting) = match role {
        RoleName::DmClient => (
            Leniency::of_client(deviations),
            Deviation::ClientTrustsServersOfTls12,
        ),
        _ => (
            Leniency::of_servers(deviations, Deviation::AcceptsAnyServerCertificate),
            Deviation::TrustsPeersOfTls12,
        ),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(deviations))
        .map_err(|source| TlsError::Unusable { role, source })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier {
            inner: verifier,
            leniency,
            late: LateRefusals::of(deviations, trusting),
            good: GoodChains::default(),
        }));
    let mut config = match peers {
        Peers::Devices => builder.with_no_client_auth(),
        Peers::Servers => {
            let (chain, key) = identity(role, files)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|source| TlsError::Unusable { role, source })?
        }
    };
    // Every connection authenticates its server anew.
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The cryptography, with the cipher suite first that every implementation of TLS 1.3 has (RFC 8446, section 9.1).
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let suites = &mut provider.cipher_suites;
    suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

/// The versions that are spoken.
fn versions(deviations: &Deviations) -> &'static [&'static SupportedProtocolVersion] {
    const ONLY_1_2: &[&SupportedProtocolVersion] = &[&TLS12];
    const ONLY_1_3: &[&SupportedProtocolVersion] = &[&TLS13];
    if deviations.has(Deviation::SpeaksOnlyTls12) {
        ONLY_1_2
    } else if deviations.has(Deviation::SpeaksOnlyTls13) {
        ONLY_1_3
    } else {
        rustls::DEFAULT_VERSIONS
    }
}

/// The names that a certificate is for: its common names, and its DNS names.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let common = certificate
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok());
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let dns = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
    common.chain(dns).map(str::to_owned).collect()
}

/// Why no TLS can be spoken.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The configuration lacks a file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be read, or is not what it should be.
    #[error("read `{}` as PEM: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate and key do not go together, or cannot be used.
    #[error("use the certificate and key of `{role}`: {source}")]
    Unusable {
        /// The role.
        role: RoleName,
        /// What TLS says about them.
        source: rustls::Error,
    },
    /// The roots cannot be used.
    #[error("use the trusted roots of `{role}`: {problem}")]
    Verifier {
        /// The role.
        role: RoleName,
        /// What TLS says about them.
        problem: String,
    },
}

fn roots(role: RoleName, files: &TlsFiles) -> Result<RootCertStore, TlsError> {
    let path = files
        .roots
        .as_deref()
        .ok_or(ConfigError::MissingTlsFile { role, key: "roots" })?;
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| file_error(path, error))?;
    }
    Ok(store)
}

fn identity(
    role: RoleName,
    files: &TlsFiles,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = files.certificate.as_deref().ok_or(ConfigError::MissingTlsFile {
        role,
        key: "certificate",
    })?;
    let key = files
        .key
        .as_deref()
        .ok_or(ConfigError::MissingTlsFile { role, key: "key" })?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| file_error(key, error))?;
    Ok((certificates(chain)?, private))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| file_error(path, error))?;
    match found.is_empty() {
        true => Err(file_error(path, "there is no certificate in it")),
        false => Ok(found),
    }
}

fn revocation_lists(
    files: &TlsFiles,
    deviations: &Deviations,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    if deviations.has(Deviation::IgnoresRevocation) {
        return Ok(Vec::new());
    }
    let mut lists = Vec::new();
    for path in &files.revocation_lists {
        let found: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&read(path)?)
            .collect::<Result<_, _>>()
            .map_err(|error| file_error(path, error))?;
        if found.is_empty() {
            return Err(file_error(path, "there is no revocation list in it"));
        }
        lists.extend(found);
    }
    Ok(lists)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| file_error(path, error))
}

fn file_error(path: &Path, problem: impl ToString) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LIST: &str = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";

    #[rstest]
    #[case::one(LIST.to_owned(), Some(1))]
    #[case::two(LIST.repeat(2), Some(2))]
    #[case::none("nothing".to_owned(), None)]
    fn every_revocation_list_of_a_file_counts(#[case] text: String, #[case] count: Option<usize>) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("lists.pem");
        std::fs::write(&path, text).expect("the folder can be written");
        let files = TlsFiles {
            revocation_lists: vec![path.clone(), path],
            ..TlsFiles::default()
        };
        let found = revocation_lists(&files, &Deviations::default());
        assert_eq!(found.map(|lists| lists.len()).ok(), count.map(|count| 2 * count));
    }
}
