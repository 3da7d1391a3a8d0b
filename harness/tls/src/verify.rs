//! How certificates are looked at: observed only, or looked at once for the connections of the next seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Asks for a certificate, takes any or none, but insists on the proof of its key.
#[derive(Debug)]
pub(crate) struct Observing {
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Observing {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// For how many seconds a chain that was found good is taken as good: a run meets the same few peers hundreds of
/// times a second, and what is to be seen of a certificate that becomes invalid does not hang on seconds.
const REMEMBERED_FOR: u64 = 2;

/// How many chains are remembered; those of a run are fewer.
const MOST_REMEMBERED: usize = 64;

/// Looks at the chain of a peer as another verifier does, but not again where it did so seconds ago. That the peer has
/// the key of its certificate is checked on every connection.
#[derive(Debug)]
pub(crate) struct Remembering<V: ?Sized> {
    inner: Arc<V>,
    good: Mutex<Vec<Good>>,
}

/// A chain that was found good.
#[derive(Debug)]
struct Good {
    end_entity: CertificateDer<'static>,
    intermediates: Vec<CertificateDer<'static>>,
    /// The server that it is of; nothing for a client.
    name: Option<ServerName<'static>>,
    /// In seconds since the epoch.
    at: u64,
}

impl Good {
    fn is_of(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: Option<&ServerName<'_>>,
    ) -> bool {
        self.end_entity == *end_entity && self.intermediates == intermediates && self.name.as_ref() == name
    }

    const fn is_fresh(&self, now: u64) -> bool {
        // A clock that was set back makes nothing fresh again.
        self.at <= now && now - self.at < REMEMBERED_FOR
    }
}

impl<V: ?Sized> Remembering<V> {
    pub(crate) const fn new(inner: Arc<V>) -> Self {
        Self {
            inner,
            good: Mutex::new(Vec::new()),
        }
    }

    /// Looks at a chain with the other verifier, unless it was good seconds ago.
    fn verify<T>(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: Option<&ServerName<'_>>,
        now: UnixTime,
        look: impl FnOnce(&V) -> Result<T, Error>,
    ) -> Result<(), Error> {
        let at = now.as_secs();
        let is_known = |good: &Good| good.is_fresh(at) && good.is_of(end_entity, intermediates, name);
        if self.known().iter().any(is_known) {
            return Ok(());
        }
        look(&self.inner)?;
        let mut known = self.known();
        known.retain(|good| good.is_fresh(at));
        if known.len() < MOST_REMEMBERED {
            known.push(Good {
                end_entity: end_entity.clone().into_owned(),
                intermediates: intermediates
                    .iter()
                    .map(|certificate| certificate.clone().into_owned())
                    .collect(),
                name: name.map(ServerName::to_owned),
                at,
            });
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Vec<Good>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: ServerCertVerifier + ?Sized> ServerCertVerifier for Remembering<V> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, Some(server_name), now, |inner| {
            inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        })
        .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

impl<V: ClientCertVerifier + ?Sized> ClientCertVerifier for Remembering<V> {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, None, now, |inner| {
            inner.verify_client_cert(end_entity, intermediates, now)
        })
        .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use rustls::CertificateError;

    use super::*;

    /// Counts how often it is asked, and refuses chains that begin with 0.
    #[derive(Debug, Default)]
    struct Counting {
        asked: AtomicUsize,
    }

    impl ServerCertVerifier for Counting {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match end_entity.first() {
                Some(0) => Err(Error::InvalidCertificate(CertificateError::Expired)),
                _ => Ok(ServerCertVerified::assertion()),
            }
        }

        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _certificate: &CertificateDer<'_>,
            _signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("no signature is looked at here".to_owned()))
        }

        fn verify_tls13_signature(
            &self,
            _message: &[u8],
            _certificate: &CertificateDer<'_>,
            _signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("no signature is looked at here".to_owned()))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    /// Looks at a chain of two, for a name, at a second; whether it is good, and how often the other verifier was asked so far.
    fn look(
        (remembering, counting): &(Remembering<Counting>, Arc<Counting>),
        chain: [u8; 2],
        name: &'static str,
        at: u64,
    ) -> (bool, usize) {
        let [end_entity, intermediate] = chain.map(|octet| CertificateDer::from(vec![octet]));
        let name = ServerName::try_from(name).expect("it is a name");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
        let found = remembering.verify_server_cert(&end_entity, &[intermediate], &name, &[], now);
        (found.is_ok(), counting.asked.load(Ordering::Relaxed))
    }

    fn verifiers() -> (Remembering<Counting>, Arc<Counting>) {
        let counting = Arc::new(Counting::default());
        (Remembering::new(Arc::clone(&counting)), counting)
    }

    #[test]
    fn a_good_chain_is_looked_at_again_after_seconds() {
        let verifiers = verifiers();
        assert_eq!(look(&verifiers, [1, 2], "a.test", 100), (true, 1));
        assert_eq!(look(&verifiers, [1, 2], "a.test", 101), (true, 1));
        assert_eq!(
            look(&verifiers, [1, 2], "a.test", 100 + REMEMBERED_FOR),
            (true, 2)
        );
    }

    #[test]
    fn another_name_or_another_chain_is_looked_at() {
        let verifiers = verifiers();
        assert_eq!(look(&verifiers, [1, 2], "a.test", 100), (true, 1));
        assert_eq!(look(&verifiers, [1, 2], "b.test", 100), (true, 2));
        assert_eq!(look(&verifiers, [1, 3], "a.test", 100), (true, 3));
        assert_eq!(look(&verifiers, [3, 2], "a.test", 100), (true, 4));
    }

    #[test]
    fn a_bad_chain_is_looked_at_each_time() {
        let verifiers = verifiers();
        assert_eq!(look(&verifiers, [0, 2], "a.test", 100), (false, 1));
        assert_eq!(look(&verifiers, [0, 2], "a.test", 100), (false, 2));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_chain_good() {
        let verifiers = verifiers();
        assert_eq!(look(&verifiers, [1, 2], "a.test", 100), (true, 1));
        assert_eq!(look(&verifiers, [1, 2], "a.test", 99), (true, 2));
    }

    #[test]
    fn of_many_chains_a_number_is_remembered() {
        let verifiers = verifiers();
        for octet in 1..=200 {
            look(&verifiers, [octet, 2], "a.test", 100);
        }
        let good = verifiers.0.good.lock().expect("nobody panicked");
        assert_eq!(good.len(), MOST_REMEMBERED);
    }
}
