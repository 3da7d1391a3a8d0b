//! A certificate chain with its private key.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// A certificate chain with its private key, ready to be presented. Its Debug form shows no key.
#[derive(Clone)]
pub struct Identity {
    pub(crate) key: Arc<CertifiedKey>,
    chain_pem: String,
    key_pem: String,
}

impl Identity {
    /// An identity from PEM texts; nothing if they are no chain with its key.
    pub(crate) fn from_pem(chain_pem: String, key_pem: String) -> Option<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .ok()?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).ok()?;
        let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).ok()?;
        let key = Arc::new(CertifiedKey::new(chain, signing));
        Some(Self {
            key,
            chain_pem,
            key_pem,
        })
    }

    /// The chain, leaf first, as PEM.
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The private key as PEM. Test keys only ever live as long as a run.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
