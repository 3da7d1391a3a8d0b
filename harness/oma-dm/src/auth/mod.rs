//! Authentication of OMA DM: the digests, compared in constant time, and secrets that nobody prints
//! (OMA-TS-DM_Security 5.3 and 5.4).

use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

mod hmac;
#[cfg(test)]
mod tests;

pub use hmac::{HMAC_HEADER, HmacHeader, HmacHeaderError, HmacProblem};

/// The scheme of plain credentials.
pub const BASIC: &str = "syncml:auth-basic";
/// The scheme of MD5 digests.
pub const MD5: &str = "syncml:auth-md5";
/// The scheme of digests over whole messages.
pub const MAC: &str = "syncml:auth-MAC";

/// A password. Its Debug form does not show it, and comparing takes a time that does not tell where two differ.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for where it has to be written or hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Octets in base64.
pub fn to_base64(octets: &[u8]) -> String {
    BASE64.encode(octets)
}

/// Octets from base64; nothing if it is none.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim()).ok()
}

/// The MD5 digest of octets, as it is.
pub fn digest(octets: &[u8]) -> [u8; 16] {
    Md5::digest(octets).into()
}

/// A digest of what a value says, to tell it from others of its type while the program runs.
pub(crate) fn digest_of(value: &impl Hash) -> [u8; 16] {
    let mut digested = Digested(Md5::new());
    value.hash(&mut digested);
    digested.0.finalize().into()
}

/// Takes what a value says into a digest.
struct Digested(Md5);

impl Hasher for Digested {
    fn write(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The first octets of the digest, for whoever wants no more.
    fn finish(&self) -> u64 {
        let digest: [u8; 16] = self.0.clone().finalize().into();
        digest
            .iter()
            .take(8)
            .fold(0, |known, octet| known << 8 | u64::from(*octet))
    }
}

/// The data of basic credentials: `B64(name ":" secret)`.
pub fn basic(name: &str, secret: &Secret) -> String {
    BASE64.encode(format!("{name}:{}", secret.expose()))
}

/// The data of MD5 credentials: `B64(H(B64(H(name ":" secret)) ":" nonce))`, with the nonce in its decoded form.
pub fn md5(name: &str, secret: &Secret, nonce: &[u8]) -> String {
    let mut hash = Md5::new();
    hash.update(user_digest(name, secret));
    hash.update(b":");
    hash.update(nonce);
    BASE64.encode(hash.finalize())
}

/// The `mac` of a whole message: `B64(H(B64(H(name ":" secret)) ":" nonce ":" B64(H(body))))`. Not the
/// construction of RFC 2104.
pub fn mac(name: &str, secret: &Secret, nonce: &[u8], body: &[u8]) -> String {
    BASE64.encode(body_digest(name, secret, nonce, body))
}

/// The digest of a notification: `H(B64(H(server identifier ":" secret)) ":" nonce ":" B64(H(octets)))`, where the octets are
/// all that comes after the digest (OMA-TS-DM_Notification 6.2).
pub fn notification_digest(server_id: &str, secret: &Secret, nonce: &[u8], octets: &[u8]) -> [u8; 16] {
    body_digest(server_id, secret, nonce, octets)
}

/// Whether two digests are the same, in a time that does not tell where they differ.
pub fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn body_digest(name: &str, secret: &Secret, nonce: &[u8], body: &[u8]) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(user_digest(name, secret));
    hash.update(b":");
    hash.update(nonce);
    hash.update(b":");
    hash.update(BASE64.encode(Md5::digest(body)));
    hash.finalize().into()
}

fn user_digest(name: &str, secret: &Secret) -> String {
    BASE64.encode(Md5::digest(format!("{name}:{}", secret.expose())))
}
