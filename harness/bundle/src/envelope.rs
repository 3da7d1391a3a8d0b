//! The signed envelope around a statement: DSSE v1, with one signature.

use oma_dm::auth::{from_base64, to_base64};
use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SigningKey};
use crate::refusal::Refusal;

/// What is in an envelope: an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signed payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

/// A signature, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs a payload.
    pub fn seal(payload: &[u8], key: &SigningKey) -> Self {
        Self {
            payload: to_base64(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![Signature {
                keyid: key.public().fingerprint(),
                sig: to_base64(&key.sign(&authenticated(payload))),
            }],
        }
    }

    /// The text of an envelope; there is only one.
    ///
    /// # Panics
    /// Never: an envelope is texts.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("an envelope is texts");
        text.push(b'\n');
        text
    }

    /// The payload, if the envelope has one signature, and it is this key's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(text: &[u8], key: &PublicKey) -> Result<Vec<u8>, Refusal> {
        let broken = |why: &str| Refusal::BadEnvelope(why.to_owned());
        let envelope: Self =
            serde_json::from_slice(text).map_err(|error| Refusal::BadEnvelope(error.to_string()))?;
        if envelope.to_json() != text {
            return Err(broken("it is not written the one way in which it is"));
        }
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(broken("what is in it is no in-toto statement"));
        }
        let [signature] = envelope.signatures.as_slice() else {
            return Err(broken("it has not one signature"));
        };
        if signature.keyid != key.fingerprint() {
            return Err(Refusal::OtherKey {
                signed_by: signature.keyid.clone(),
                known: key.fingerprint(),
            });
        }
        // A text of base64 may have bits that nobody reads: they are none of these.
        let exact = |text: &str| from_base64(text).filter(|octets| to_base64(octets) == *text);
        let payload = exact(&envelope.payload).ok_or_else(|| broken("its payload is no base64"))?;
        let octets = exact(&signature.sig).ok_or_else(|| broken("its signature is no base64"))?;
        if !key.verifies(&authenticated(&payload), &octets) {
            return Err(Refusal::BadSignature(key.fingerprint()));
        }
        Ok(payload)
    }
}

/// What is signed: the payload with its type, each with its length before it.
fn authenticated(payload: &[u8]) -> Vec<u8> {
    let mut octets = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    octets.extend_from_slice(payload);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_as_dsse_has_it() {
        let octets = authenticated(b"{}");
        assert_eq!(octets, b"DSSEv1 28 application/vnd.in-toto+json 2 {}");
    }

    #[test]
    fn an_envelope_opens_for_the_key_that_sealed_it() {
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let (key, other) = (key.expect("randomness"), other.expect("randomness"));
        let text = Envelope::seal(b"{}", &key).to_json();
        assert_eq!(Envelope::open(&text, &key.public()), Ok(b"{}".to_vec()));
        let refused = Envelope::open(&text, &other.public()).expect_err("it is another key");
        assert_eq!(refused.code(), "other-key");
    }

    #[test]
    fn an_envelope_that_is_written_in_another_way_is_refused() {
        let key = SigningKey::generate().expect("randomness");
        let text = String::from_utf8(Envelope::seal(b"{}", &key).to_json()).expect("it is text");
        for other in [
            text.replace(": ", ":"),
            format!("{text}\n"),
            text.replace('=', ""),
        ] {
            assert!(
                Envelope::open(other.as_bytes(), &key.public()).is_err(),
                "{other}"
            );
        }
    }

    #[test]
    fn every_octet_of_an_envelope_counts() {
        let key = SigningKey::generate().expect("randomness");
        let text = Envelope::seal(br#"{"a": 1}"#, &key).to_json();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(Envelope::open(&changed, &key.public()).is_err(), "octet {at}");
            }
        }
    }
}
