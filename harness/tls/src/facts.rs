//! What a finished handshake showed.

use std::sync::{Mutex, PoisonError};

use dmconform_model::tls::{Facts, PeerCertificate};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CommonState, HandshakeKind};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How many certificates are known; those of a run's peers are fewer.
const MOST_KNOWN: usize = 64;

/// What was read of certificates before: a run meets the same few on every connection.
#[derive(Debug, Default)]
pub(crate) struct KnownCertificates(Mutex<Vec<(CertificateDer<'static>, PeerCertificate)>>);

impl KnownCertificates {
    /// What the first certificate of a chain says.
    fn peer(&self, chain: &[CertificateDer<'_>]) -> Option<PeerCertificate> {
        let leaf = chain.first()?;
        let chain_length = u32::try_from(chain.len()).unwrap_or(u32::MAX);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, certificate)) = known.iter().find(|(known, _)| known == leaf) {
            let certificate = certificate.clone();
            return Some(PeerCertificate {
                chain_length,
                ..certificate
            });
        }
        let read = peer(leaf, chain_length);
        if known.len() < MOST_KNOWN {
            known.push((leaf.clone().into_owned(), read.clone()));
        }
        Some(read)
    }
}

pub(crate) fn facts(connection: &CommonState, server_name: Option<&str>, known: &KnownCertificates) -> Facts {
    Facts {
        version: match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            Some(other) => format!("{other:?}"),
            None => String::new(),
        },
        cipher_suite: connection
            .negotiated_cipher_suite()
            .map_or_else(String::new, |suite| iana_name(&format!("{:?}", suite.suite()))),
        server_name: server_name.map(str::to_owned),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        peer: connection.peer_certificates().and_then(|chain| known.peer(chain)),
    }
}

/// The library names the suites of TLS 1.3 `TLS13_…`; the registry names them `TLS_…`.
fn iana_name(name: &str) -> String {
    name.strip_prefix("TLS13_")
        .map_or_else(|| name.to_owned(), |rest| format!("TLS_{rest}"))
}

fn peer(leaf: &CertificateDer<'_>, chain_length: u32) -> PeerCertificate {
    let sha256 = sha256(leaf);
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else {
        let unreadable = "unreadable".to_owned();
        return PeerCertificate {
            subject: unreadable.clone(),
            issuer: unreadable,
            names: Vec::new(),
            validity: String::new(),
            sha256,
            chain_length,
        };
    };
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| {
            extension
                .value
                .general_names
                .iter()
                .filter_map(general_name)
                .collect::<Vec<_>>()
        });
    let validity = certificate.validity();
    PeerCertificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names.unwrap_or_default(),
        validity: format!("{} to {}", validity.not_before, validity.not_after),
        sha256,
        chain_length,
    }
}

/// When the first certificate of a PEM text ends to be valid, in seconds of Unix time; nothing if there is none.
pub(crate) fn not_after(pem: &str) -> Option<i64> {
    of_first(pem, |certificate| certificate.validity().not_after.timestamp())
}

/// Whether the first certificate of a PEM text names itself as its issuer, as roots do.
pub(crate) fn is_self_issued(pem: &str) -> bool {
    is_issued_by(pem, pem)
}

/// Whether the first certificate of a PEM text names the first of another one as its issuer, octet for octet.
pub(crate) fn is_issued_by(pem: &str, issuer_pem: &str) -> bool {
    let issuer = of_first(pem, |certificate| certificate.issuer().as_raw().to_vec());
    let subject = of_first(issuer_pem, |certificate| certificate.subject().as_raw().to_vec());
    issuer.is_some() && issuer == subject
}

/// Whether a public key (`SubjectPublicKeyInfo`) is the one in the first certificate of a PEM text.
pub(crate) fn is_key_of(pem: &str, public_key: &[u8]) -> bool {
    of_first(pem, |certificate| certificate.public_key().raw == public_key) == Some(true)
}

/// How the first certificate of a PEM text identifies its key; nothing if it does not.
pub(crate) fn key_identifier(pem: &str) -> Option<Vec<u8>> {
    let identifier = |certificate: &X509Certificate<'_>| {
        let mut extensions = certificate.extensions().iter();
        extensions.find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        })
    };
    of_first(pem, identifier).flatten()
}

/// What the first certificate of a PEM text says; nothing if there is none.
fn of_first<T>(pem: &str, says: impl FnOnce(&X509Certificate<'_>) -> T) -> Option<T> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Some(says(&certificate))
}

fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => match <[u8; 4]>::try_from(*octets) {
            Ok(four) => Some(std::net::Ipv4Addr::from(four).to_string()),
            Err(_) => <[u8; 16]>::try_from(*octets)
                .ok()
                .map(|six| std::net::Ipv6Addr::from(six).to_string()),
        },
        _ => None,
    }
}

fn sha256(octets: &[u8]) -> String {
    let provider = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = provider
        .tls13()
        .map(|suite| suite.common.hash_provider.hash(octets));
    hash.map_or_else(String::new, |hash| {
        hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(octets: &[u8]) -> CertificateDer<'static> {
        CertificateDer::from(octets.to_vec())
    }

    #[test]
    fn what_a_known_certificate_says_is_said_again_and_how_many_came_with_it_is_not() {
        let known = KnownCertificates::default();
        let [one, other] = [certificate(b"one"), certificate(b"other")];
        let alone = known.peer(std::slice::from_ref(&one)).expect("there is one");
        let among = known.peer(&[one, other.clone()]).expect("there is one");
        assert_eq!((alone.chain_length, among.chain_length), (1, 2));
        assert_eq!(alone.sha256, among.sha256);
        let another = known.peer(&[other]).expect("there is one");
        assert_ne!(another.sha256, alone.sha256);
        assert_eq!(known.peer(&[]), None);
    }

    #[test]
    fn of_many_certificates_a_number_is_remembered() {
        let known = KnownCertificates::default();
        for number in 0..2 * MOST_KNOWN {
            known.peer(&[certificate(&number.to_be_bytes())]);
        }
        assert_eq!(known.0.lock().expect("nobody panicked").len(), MOST_KNOWN);
    }
}
