//! The parameters `SEC` and `MAC` of a bootstrap's media type: what it is protected with beside what carries it.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::Profile;
use crate::auth::Secret;
use crate::media_type::{CONTENT_TYPE, MediaType, bad_parameter};
use crate::syncml::{Departure, Observation};

/// What the key of a bootstrap's MAC is made of (`SEC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityMethod {
    /// A secret that the network shares with the device: `NETWPIN` (0) of client provisioning, `NETWORKID` of the DM profile.
    NetworkSecret,
    /// A PIN that the user is told: `USERPIN`, 1.
    UserPin,
    /// Both: `USERNETWPIN` (2), `USERPIN_NETWORKID`.
    UserPinAndNetworkSecret,
    /// A PIN that carries the MAC itself: `USERPINMAC` (3), client provisioning only.
    UserPinMac,
}

impl SecurityMethod {
    /// All methods.
    pub const ALL: [Self; 4] = [
        Self::NetworkSecret,
        Self::UserPin,
        Self::UserPinAndNetworkSecret,
        Self::UserPinMac,
    ];

    /// Its name in a profile; nothing where the profile does not have it.
    pub fn name(self, profile: Profile) -> Option<&'static str> {
        match (profile, self) {
            (Profile::ClientProvisioning, Self::NetworkSecret) => Some("NETWPIN"),
            (Profile::ClientProvisioning, Self::UserPinAndNetworkSecret) => Some("USERNETWPIN"),
            (Profile::ClientProvisioning, Self::UserPinMac) => Some("USERPINMAC"),
            (Profile::Dm, Self::NetworkSecret) => Some("NETWORKID"),
            (Profile::Dm, Self::UserPinAndNetworkSecret) => Some("USERPIN_NETWORKID"),
            (Profile::Dm, Self::UserPinMac) => None,
            (_, Self::UserPin) => Some("USERPIN"),
        }
    }

    /// As written in `SEC`: a number in client provisioning, a name in the DM profile.
    pub fn value(self, profile: Profile) -> Option<&'static str> {
        match (profile, self) {
            (Profile::Dm, method) => method.name(profile),
            (Profile::ClientProvisioning, Self::NetworkSecret) => Some("0"),
            (Profile::ClientProvisioning, Self::UserPin) => Some("1"),
            (Profile::ClientProvisioning, Self::UserPinAndNetworkSecret) => Some("2"),
            (Profile::ClientProvisioning, Self::UserPinMac) => Some("3"),
        }
    }

    /// The method that `SEC` stands for.
    pub fn from_value(profile: Profile, value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| {
            method
                .value(profile)
                .is_some_and(|of| of.eq_ignore_ascii_case(value))
        })
    }
}

/// The secrets that a device was given beforehand. Their Debug form does not show them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The secret of the network; for GSM the IMSI in semi-octets.
    pub network_secret: Option<Vec<u8>>,
    /// What the user has typed in: the PIN, for `USERPINMAC` with the digits of the MAC behind it.
    pub user_pin: Option<Secret>,
}

impl Keys {
    /// The key of a method, as far as it is at hand.
    fn of(&self, method: SecurityMethod) -> Option<Vec<u8>> {
        let pin = || Some(self.user_pin.as_ref()?.expose().as_bytes().to_vec());
        match method {
            SecurityMethod::NetworkSecret => self.network_secret.clone(),
            SecurityMethod::UserPin | SecurityMethod::UserPinMac => pin(),
            SecurityMethod::UserPinAndNetworkSecret => {
                Some([pin()?, b":".to_vec(), self.network_secret.clone()?].concat())
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.network_secret.is_none() && self.user_pin.is_none()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("network_secret", &self.network_secret.as_ref().map(|_| "…"))
            .field("user_pin", &self.user_pin)
            .finish()
    }
}

/// What a reader wants of a bootstrap's own protection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// What to check a MAC with. One that can be checked is checked, and has to be right.
    pub keys: Keys,
    /// Whether a bootstrap without a MAC that can be checked is refused.
    pub is_required: bool,
}

impl Protection {
    /// What carries the bootstrap protects it, as TLS does (OMA-TS-DM_Security 5.7.2 wants "appropriate security").
    pub fn by_transport() -> Self {
        Self::default()
    }

    /// A MAC by one of these keys is needed.
    pub fn by_mac(keys: Keys) -> Self {
        Self {
            keys,
            is_required: true,
        }
    }
}

/// What is known of who wrote a bootstrap, from the bootstrap itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// It carries no MAC.
    Unprotected,
    /// It carries a MAC, for which no key was at hand.
    Unchecked(SecurityMethod),
    /// Its MAC is right.
    Verified(SecurityMethod),
}

/// The MAC of a bootstrap: HMAC-SHA1 (RFC 2104) over the document as it is sent.
pub fn mac(key: &[u8], document: &[u8]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(document);
    mac.finalize().into_bytes().into()
}

/// What a user is told for `USERPINMAC`: the PIN, and as many digits of the MAC behind it as the PIN is long.
///
/// # Errors
/// When the PIN is empty, or longer than a MAC has octets.
pub fn pin_with_mac(pin: &Secret, document: &[u8]) -> Result<Secret, SecurityError> {
    let pin = pin.expose();
    let digits = mac_digits(pin, document).ok_or(SecurityError::Pin { octets: pin.len() })?;
    Ok(Secret::new(format!("{pin}{digits}")))
}

/// The media type with which a bootstrap is sent, `SEC` and `MAC` included.
///
/// # Errors
/// When the profile does not have the method, or a key for it is missing.
pub(super) fn protect(
    media_type: MediaType,
    profile: Profile,
    document: &[u8],
    method: SecurityMethod,
    keys: &Keys,
) -> Result<MediaType, SecurityError> {
    let value = method
        .value(profile)
        .ok_or(SecurityError::NotOfProfile { method })?;
    let media_type = media_type.with("SEC", value);
    if method == SecurityMethod::UserPinMac {
        return Ok(media_type);
    }
    let key = keys.of(method).ok_or(SecurityError::NoKey { method })?;
    let hex: String = mac(&key, document)
        .iter()
        .map(|octet| format!("{octet:02X}"))
        .collect();
    Ok(media_type.with("MAC", &hex))
}

/// Checks a bootstrap against what its media type says and the reader wants. What is wrong with parameters that nobody asked for
/// is only noted.
pub(super) fn check(
    document: &[u8],
    media_type: &MediaType,
    profile: Profile,
    protection: &Protection,
    observations: &mut Vec<Observation>,
) -> Result<Integrity, SecurityError> {
    let stated = match Stated::read(media_type, profile, observations) {
        Ok(stated) => stated,
        Err(error) if protection.is_required || !protection.keys.is_empty() => return Err(error.into()),
        Err(error) => {
            observations.push(error.into_observation());
            None
        }
    };
    let Some(Stated { method, mac: found }) = stated else {
        return match protection.is_required {
            true => Err(SecurityError::Unprotected),
            false => Ok(Integrity::Unprotected),
        };
    };
    let Some(key) = protection.keys.of(method) else {
        return match protection.is_required {
            true => Err(SecurityError::NoKey { method }),
            false => Ok(Integrity::Unchecked(method)),
        };
    };
    let is_right = match found {
        Some(found) => bool::from(mac(&key, document).ct_eq(&found)),
        None => carries_mac(&key, document),
    };
    match is_right {
        true => Ok(Integrity::Verified(method)),
        false => Err(SecurityError::WrongMac { method }),
    }
}

/// What a media type says of protection.
struct Stated {
    method: SecurityMethod,
    /// Nothing where the PIN carries it.
    mac: Option<[u8; 20]>,
}

impl Stated {
    fn read(
        media_type: &MediaType,
        profile: Profile,
        observations: &mut Vec<Observation>,
    ) -> Result<Option<Self>, ParameterError> {
        let (method, mac) = match (media_type.parameter("SEC"), media_type.parameter("MAC")) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(ParameterError::Missing { parameter: "SEC" }),
            (Some(method), mac) => (method, mac),
        };
        let method = SecurityMethod::from_value(profile, method).ok_or_else(|| ParameterError::Method {
            found: method.to_owned(),
            expected: expected_methods(profile),
        })?;
        if method == SecurityMethod::UserPinMac {
            return Ok(Some(Self { method, mac: None }));
        }
        let text = mac.ok_or(ParameterError::Missing { parameter: "MAC" })?;
        let mac = from_hex(text).ok_or_else(|| ParameterError::Mac {
            found: text.to_owned(),
        })?;
        // Whether the digits may be in lower case is not said; they are read, and noted.
        if text.chars().any(|digit| digit.is_ascii_lowercase()) {
            observations.push(bad_parameter("MAC", "upper-case hexadecimal", text));
        }
        Ok(Some(Self {
            method,
            mac: Some(mac),
        }))
    }
}

/// Whether what a user has typed in is a PIN with the digits of this document's MAC behind it.
fn carries_mac(typed: &[u8], document: &[u8]) -> bool {
    let (pin, digits) = typed.split_at(typed.len() / 2);
    let expected = std::str::from_utf8(pin)
        .ok()
        .and_then(|pin| mac_digits(pin, document));
    expected.is_some_and(|expected| expected.as_bytes().ct_eq(digits).into())
}

/// The first octets of the MAC by this PIN, as many as it is long, each modulo 10 as a digit.
fn mac_digits(pin: &str, document: &[u8]) -> Option<String> {
    let mac = mac(pin.as_bytes(), document);
    let first = mac.get(..pin.len()).filter(|first| !first.is_empty())?;
    Some(first.iter().map(|octet| char::from(b'0' + octet % 10)).collect())
}

fn from_hex(text: &str) -> Option<[u8; 20]> {
    let digits: Vec<_> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if digits.len() != 40 {
        return None;
    }
    let octets: Vec<_> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    octets.try_into().ok()
}

fn expected_methods(profile: Profile) -> &'static str {
    match profile {
        Profile::Dm => "NETWORKID, USERPIN or USERPIN_NETWORKID",
        Profile::ClientProvisioning => "0, 1, 2 or 3",
    }
}

/// Why a bootstrap's own protection does not suffice.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecurityError {
    /// `SEC` or `MAC` is not as it should be.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A MAC was wanted, and there is none.
    #[error("the bootstrap carries no MAC; send it with `SEC` and `MAC`")]
    Unprotected,
    /// The key is not known.
    #[error("there is no key for the bootstrap's MAC ({method:?}); give the PIN or the network's secret")]
    NoKey {
        /// What it would be made of.
        method: SecurityMethod,
    },
    /// Another document, or another key.
    #[error("the MAC of the bootstrap is not the one of this document and key ({method:?})")]
    WrongMac {
        /// How the key is made.
        method: SecurityMethod,
    },
    /// The DM profile has no `USERPINMAC`.
    #[error("the profile of the bootstrap does not have the method {method:?}; take another")]
    NotOfProfile {
        /// The method.
        method: SecurityMethod,
    },
    /// A PIN that cannot carry a MAC.
    #[error("a PIN of {octets} octets cannot carry a MAC; take 1 to 20 digits")]
    Pin {
        /// Its length.
        octets: usize,
    },
}

/// What is wrong with `SEC` and `MAC` themselves.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// `SEC` says something that the profile does not know.
    #[error("`SEC={found}` in the media type of the bootstrap; write {expected}")]
    Method {
        /// What it says.
        found: String,
        /// What it may say.
        expected: &'static str,
    },
    /// One of `SEC` and `MAC` without the other.
    #[error("the media type of the bootstrap lacks the parameter `{parameter}`; `SEC` and `MAC` go together")]
    Missing {
        /// The one that is missing.
        parameter: &'static str,
    },
    /// `MAC` is none.
    #[error("`MAC={found}` in the media type of the bootstrap is no HMAC-SHA1; write 40 hexadecimal digits")]
    Mac {
        /// What it says.
        found: String,
    },
}

impl ParameterError {
    fn into_observation(self) -> Observation {
        match self {
            Self::Method { found, expected } => bad_parameter("SEC", expected, &found),
            Self::Mac { found } => bad_parameter("MAC", "an HMAC-SHA1 in hexadecimal", &found),
            Self::Missing { parameter } => Observation {
                departure: Departure::Missing(parameter.to_owned()),
                path: CONTENT_TYPE.to_owned(),
                at: 0..0,
            },
        }
    }
}
