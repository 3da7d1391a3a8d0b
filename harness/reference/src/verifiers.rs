//! How certificates are looked at, and which of their faults deviations overlook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::background::lock;
use crate::deviation::{Deviation, Deviations};

/// Which faults of a certificate are overlooked; none but as deviations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leniency {
    everything: bool,
    time: bool,
    purpose: bool,
    host: bool,
}

impl Leniency {
    pub(crate) fn of_servers(deviations: &Deviations, anything: Deviation) -> Self {
        Self {
            everything: deviations.has(anything),
            time: deviations.has(Deviation::IgnoresExpiredCertificate),
            purpose: deviations.has(Deviation::IgnoresCertificatePurpose),
            host: deviations.has(Deviation::SkipsServerNameCheck),
        }
    }

    pub(crate) fn of_client(deviations: &Deviations) -> Self {
        Self {
            everything: deviations.has(Deviation::ClientIgnoresServerCertificate),
            time: deviations.has(Deviation::ClientIgnoresExpiredCertificate),
            host: deviations.has(Deviation::ClientSkipsServerNameCheck),
            ..Self::default()
        }
    }

    /// The time at which a certificate is looked at.
    fn moment(self, certificate: &CertificateDer<'_>, now: UnixTime) -> UnixTime {
        if !self.time {
            return now;
        }
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return now;
        };
        let validity = certificate.validity();
        let seconds = |time: i64| u64::try_from(time).unwrap_or_default();
        let (begin, end) = (
            seconds(validity.not_before.timestamp()),
            seconds(validity.not_after.timestamp()),
        );
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.as_secs().max(begin).min(end)))
    }

    fn overlooks(self, error: &rustls::Error) -> bool {
        let rustls::Error::InvalidCertificate(error) = error else {
            return self.everything;
        };
        match error {
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                self.purpose || self.everything
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.host || self.everything
            }
            _ => self.everything,
        }
    }
}

/// What is wrong with certificates, for a deviation that lets it count under TLS 1.3 only: a certificate is looked at before it is
/// known which version that is for, and its signature of the handshake after that.
#[derive(Debug)]
pub(crate) struct LateRefusals(Option<Mutex<BTreeMap<Vec<u8>, rustls::Error>>>);

impl LateRefusals {
    pub(crate) fn of(deviations: &Deviations, deviation: Deviation) -> Self {
        Self(deviations.has(deviation).then(Mutex::default))
    }

    /// The result for now: without the deviation, what was found.
    fn found<T>(
        &self,
        certificate: &CertificateDer<'_>,
        result: Result<T, rustls::Error>,
        trusted: fn() -> T,
    ) -> Result<T, rustls::Error> {
        let Some(refusals) = &self.0 else { return result };
        let mut refusals = lock(refusals);
        match result {
            Ok(_) => drop(refusals.remove(certificate.as_ref())),
            Err(error) => drop(refusals.insert(certificate.to_vec(), error)),
        }
        Ok(trusted())
    }

    /// What was wrong with a certificate after all.
    fn under_tls_1_3(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let known = self
            .0
            .as_ref()
            .and_then(|refusals| lock(refusals).get(certificate.as_ref()).cloned());
        known.map_or(Ok(()), Err)
    }
}

/// For how many seconds a chain that was found good is not looked at again.
const REMEMBERED_FOR: u64 = 2;

/// How many chains are remembered; the peers of a delegation are fewer.
const MOST_REMEMBERED: usize = 16;

/// The chains that were found good a moment ago, and when: servers meet the same few peers again and again. That a peer has the key
/// of its certificate is checked each time.
#[derive(Debug, Default)]
pub(crate) struct GoodChains(Mutex<Vec<(Vec<u8>, u64)>>);

impl GoodChains {
    /// Looks at a chain, unless it was good a moment ago; `name` is what it has to be for.
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &str,
        now: UnixTime,
        verify: impl FnOnce() -> Result<(), rustls::Error>,
    ) -> Result<(), rustls::Error> {
        let at = now.as_secs();
        let is_fresh = |since: u64| since <= at && at - since < REMEMBERED_FOR;
        let mut chain = Vec::new();
        for certificate in std::iter::once(end_entity).chain(intermediates) {
            // The length of each tells where the next begins.
            chain.extend(certificate.len().to_be_bytes());
            chain.extend_from_slice(certificate);
        }
        chain.extend_from_slice(name.as_bytes());
        if lock(&self.0)
            .iter()
            .any(|(good, since)| is_fresh(*since) && *good == chain)
        {
            return Ok(());
        }
        verify()?;
        let mut known = lock(&self.0);
        known.retain(|(_, since)| is_fresh(*since));
        if known.len() < MOST_REMEMBERED {
            known.push((chain, at));
        }
        Ok(())
    }
}

/// Decides whether the certificate of a peer that connects is good.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    pub(crate) inner: Arc<dyn ClientCertVerifier>,
    pub(crate) leniency: Leniency,
    /// Whether it may come without one: a deviation.
    pub(crate) is_optional: bool,
    pub(crate) late: LateRefusals,
    pub(crate) good: GoodChains,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        !self.leniency.everything && !self.is_optional
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A list would make clients of other authorities send nothing at all.
        if self.leniency.everything {
            &[]
        } else {
            self.inner.root_hint_subjects()
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let moment = self.leniency.moment(end_entity, now);
        let verified = self.good.verify(end_entity, intermediates, "", now, || {
            let verified = self.inner.verify_client_cert(end_entity, intermediates, moment);
            verified.map(|_| ())
        });
        let result = match verified {
            Err(error) if !self.leniency.overlooks(&error) => Err(error),
            _ => Ok(ClientCertVerified::assertion()),
        };
        self.late.found(end_entity, result, ClientCertVerified::assertion)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.late.under_tls_1_3(certificate)?;
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Decides whether the certificate of a server that is connected to is good.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    pub(crate) inner: Arc<WebPkiServerVerifier>,
    pub(crate) leniency: Leniency,
    pub(crate) late: LateRefusals,
    pub(crate) good: GoodChains,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let moment = self.leniency.moment(end_entity, now);
        let name = server_name.to_str();
        let verified = self.good.verify(end_entity, intermediates, &name, now, || {
            let inner = &self.inner;
            let verified =
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, moment);
            verified.map(|_| ())
        });
        let result = match verified {
            Err(error) if !self.leniency.overlooks(&error) => Err(error),
            _ => Ok(ServerCertVerified::assertion()),
        };
        self.late.found(end_entity, result, ServerCertVerified::assertion)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.late.under_tls_1_3(certificate)?;
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_chain_is_looked_at_again_where_anything_about_it_is_different_and_after_two_seconds() {
        let looked_at = Cell::new(0);
        let chains = GoodChains::default();
        let own = CertificateDer::from(vec![1, 2]);
        let intermediate = CertificateDer::from(vec![3]);
        let verify = |intermediates: &[CertificateDer<'_>], name: &str, at: u64, is_good: bool| {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
            let found = chains.verify(&own, intermediates, name, now, || {
                looked_at.set(looked_at.get() + 1);
                is_good.then_some(()).ok_or(CertificateError::Revoked.into())
            });
            assert!(found.is_ok() || !is_good);
            looked_at.get()
        };
        let whole = [intermediate];
        assert_eq!(verify(&whole, "one.example", 100, true), 1);
        assert_eq!(verify(&whole, "one.example", 101, true), 1);
        assert_eq!(verify(&whole, "other.example", 101, true), 2);
        assert_eq!(verify(&[], "one.example", 101, true), 3);
        assert_eq!(verify(&whole, "one.example", 102, true), 4);
        // A clock that was set back makes nothing fresh again, and what is not good is not remembered.
        assert_eq!(verify(&whole, "one.example", 50, false), 5);
        assert_eq!(verify(&whole, "one.example", 50, false), 6);
    }
}
