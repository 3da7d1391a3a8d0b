//! Keys: Ed25519, read from and written as the PEM that openssl knows.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use oma_dm::auth::{from_base64, to_base64};

use crate::digest::sha256;

/// What stands before the 32 octets of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410, section 4).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no PEM of that kind.
    #[error("read the key: there is no `{0}` in it; {1}")]
    NoPem(&'static str, &'static str),
    /// It is one of another algorithm, or broken.
    #[error("read the key: it is no Ed25519 key; {0}")]
    NotEd25519(&'static str),
    /// There was no randomness.
    #[error("make a key: the system has no random octets to give")]
    NoRandomness,
}

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
const MAKE: &str =
    "`openssl genpkey -algorithm ed25519 -out key.pem` makes one, in PKCS#8 and without a password";
const SHOW: &str = "`openssl pkey -in key.pem -pubout -out public.pem` takes it out of a private key";

/// A key that signs.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes a key that nobody else has; it is gone with this value.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate()
            .map(Self)
            .map_err(|_| KeyError::NoRandomness)
    }

    /// Reads a private key: PKCS#8 in PEM.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = from_pem(text, PRIVATE).ok_or(KeyError::NoPem("BEGIN PRIVATE KEY", MAKE))?;
        Ed25519KeyPair::from_pkcs8(&der)
            .map(Self)
            .map_err(|_| KeyError::NotEd25519(MAKE))
    }

    /// Signs octets.
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        self.0.sign(octets).as_ref().to_vec()
    }

    /// The key that verifies what this one signs.
    ///
    /// # Panics
    /// Never: every public key has a DER form.
    pub fn public(&self) -> PublicKey {
        let der = self.0.public_key().as_der().expect("a public key has a DER form");
        PublicKey::from_der(der.as_ref()).expect("what signs is an Ed25519 key")
    }
}

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    fn from_der(der: &[u8]) -> Option<Self> {
        let key = der.strip_prefix(&SPKI)?;
        key.try_into().ok().map(Self)
    }

    fn der(&self) -> Vec<u8> {
        [&SPKI[..], &self.0[..]].concat()
    }

    /// Reads a public key: `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = from_pem(text, PUBLIC).ok_or(KeyError::NoPem("BEGIN PUBLIC KEY", SHOW))?;
        Self::from_der(&der).ok_or(KeyError::NotEd25519(SHOW))
    }

    /// The same key in PEM.
    pub fn to_pem(&self) -> String {
        format!(
            "-----BEGIN {PUBLIC}-----\n{}\n-----END {PUBLIC}-----\n",
            to_base64(&self.der())
        )
    }

    /// By what people compare keys: the SHA-256 digest of its DER form, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        sha256(&self.der())
    }

    /// Whether a signature over octets is this key's.
    pub fn verifies(&self, octets: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0[..])
            .verify(octets, signature)
            .is_ok()
    }
}

/// What a PEM text holds under a label.
fn from_pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    from_base64(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032, section 7.1: its secret key in PKCS#8.
    const RFC_8032: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";

    #[test]
    fn a_signature_is_that_of_rfc_8032() {
        let key = SigningKey::from_pem(RFC_8032).expect("it is a key");
        let signature = key.sign(b"");
        let start: Vec<u8> = vec![0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72];
        assert_eq!(&signature[..8], start);
        assert!(key.public().verifies(b"", &signature));
        assert!(!key.public().verifies(b"x", &signature));
    }

    #[test]
    fn a_public_key_reads_back_as_it_was_written() {
        let key = SigningKey::generate().expect("there is randomness").public();
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
    }

    #[test]
    fn what_is_no_key_says_how_to_make_one() {
        let error = SigningKey::from_pem("nothing").err().expect("it is no key");
        assert!(error.to_string().contains("openssl genpkey"), "{error}");
        let rsa = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
        assert!(matches!(PublicKey::from_pem(rsa), Err(KeyError::NotEd25519(_))));
    }
}
