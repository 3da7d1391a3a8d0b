//! Authentication of OMA DM: the digests, compared in constant time, and secrets that nobody prints
//! (OMA-TS-DM_Security 5.3 and 5.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// The scheme of plain credentials.
pub const BASIC: &str = "syncml:auth-basic";
/// The scheme of MD5 digests.
pub const MD5: &str = "syncml:auth-md5";
/// The scheme of digests over whole messages.
pub const MAC: &str = "syncml:auth-MAC";

/// A password. Its Debug form does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_printed_examples_of_the_specification_come_out() {
        // OMA-TS-DM_Protocol 9.4.1 and 9.4.2.
        assert_eq!(basic("Bruce2", &Secret::new("OhBehave")), "QnJ1Y2UyOk9oQmVoYXZl");
        assert_eq!(
            md5("Bruce2", &Secret::new("OhBehave"), b"Nonce"),
            "Zz6EivR3yeaaENcRN6lpAQ=="
        );
    }

    #[rstest]
    #[case("dev-0001", "s3cret-dev", "nonce-A", "lBXwH+VDIDoSQRfB1kGzdg==")]
    #[case("dms2.example", "srv-pw-2", "nonce-B", "7ioNd1FNAVNkfwqg4bPAHw==")]
    fn digests_are_those_computed_elsewhere(
        #[case] name: &str,
        #[case] secret: &str,
        #[case] nonce: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(md5(name, &Secret::new(secret), nonce.as_bytes()), expected);
    }

    #[test]
    fn a_digest_over_a_message_is_the_one_computed_elsewhere() {
        let body = b"<SyncML xmlns='SYNCML:SYNCML1.2'></SyncML>";
        let mac = mac("dev-0001", &Secret::new("s3cret-dev"), b"nonce-A", body);
        assert_eq!(mac, "fZKRYXNXTI1a22mdcbWwSw==");
    }

    #[rstest]
    #[case(b"trig-nonce", 0x2c35_eb3f_1752_088c_bed5_bc5e_4f1f_0601)]
    #[case(b"\0\0\0\0", 0xcdfe_6061_4456_ad3c_e909_f156_a627_0aff)]
    fn the_digest_of_a_notification_is_the_one_computed_elsewhere(
        #[case] nonce: &[u8],
        #[case] expected: u128,
    ) {
        let octets = b"\x02\xd8\0\0\0\0\xa7\x0cdms2.example";
        let digest = notification_digest("dms2.example", &Secret::new("srv-pw-2"), nonce, octets);
        assert_eq!(u128::from_be_bytes(digest), expected);
    }

    #[test]
    fn digests_are_the_same_only_when_all_of_them_is() {
        assert!(same("lBXwH+VDIDoSQRfB1kGzdg==", "lBXwH+VDIDoSQRfB1kGzdg=="));
        assert!(!same("lBXwH+VDIDoSQRfB1kGzdg==", "lBXwH+VDIDoSQRfB1kGzdg="));
        assert!(!same("lBXwH+VDIDoSQRfB1kGzdg==", "mBXwH+VDIDoSQRfB1kGzdg=="));
        assert!(!same("lBXwH+VDIDoSQRfB1kGzdg==", ""));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "Secret(…)");
    }
}
