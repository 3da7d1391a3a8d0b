//! The notification, package 0: what asks a device to open a session (OMA-TS-DM_Notification 6).
//!
//! ```
//! use oma_dm::auth::Secret;
//! use oma_dm::notification::{Notification, Proof, ZeroNonce};
//!
//! let secret = Secret::new("srv-pw-2");
//! let octets = Notification::new("dms2.example", 0xA7).sign(&secret, b"nonce")?;
//!
//! let signed = Notification::read(&octets)?;
//! assert_eq!(signed.notification.session_id_text(), "A7");
//! assert_eq!(signed.verify(&secret, b"nonce", &ZeroNonce::ALL), Some(Proof::Nonce));
//! assert_eq!(signed.verify(&Secret::new("another"), b"nonce", &ZeroNonce::ALL), None);
//! # Ok::<(), oma_dm::notification::NotificationError>(())
//! ```

use std::fmt;

use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::auth::{self, Secret};
use crate::syncml::{Departure, Observation};

#[cfg(test)]
mod tests;

/// The media type of the specification.
pub const MEDIA_TYPE: &str = "application/vnd.syncml.notification";

/// The media type that is registered with IANA.
pub const REGISTERED_MEDIA_TYPE: &str = "application/vnd.syncml.dm.notification";

/// Octets of the digest.
const DIGEST: usize = 16;
/// Octets of the header before the server identifier.
const HEADER: usize = 8;
/// Octets of the longest server identifier.
const MAX_SERVER_ID: usize = 255;

/// Whether a media type is one of a notification, parameters aside.
pub fn is_media_type(essence: &str) -> bool {
    [MEDIA_TYPE, REGISTERED_MEDIA_TYPE]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(essence))
}

/// A notification, without its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Which version of the notification.
    pub version: Version,
    /// How much the user should notice.
    pub ui_mode: UiMode,
    /// Who wanted the session.
    pub initiator: Initiator,
    /// The bits kept for later, 27 of them; zero.
    pub future_use: u32,
    /// The session to open; never zero.
    pub session_id: u16,
    /// The server that asks, at most 255 octets long.
    pub server_id: String,
    /// What vendors add.
    pub vendor_specific: Vec<u8>,
}

/// The version of a notification, in tenths: 11 is 1.1. Ten bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16);

impl Version {
    /// What OMA DM 1.2 sends.
    pub const V1_1: Self = Self(11);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// How much the user should notice of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum UiMode {
    /// 00.
    #[default]
    NotSpecified,
    /// 01.
    Background,
    /// 10.
    Informative,
    /// 11.
    UserInteraction,
}

impl UiMode {
    /// All modes, by their number.
    pub const ALL: [Self; 4] = [
        Self::NotSpecified,
        Self::Background,
        Self::Informative,
        Self::UserInteraction,
    ];

    fn bits(self) -> u64 {
        match self {
            Self::NotSpecified => 0,
            Self::Background => 1,
            Self::Informative => 2,
            Self::UserInteraction => 3,
        }
    }
}

impl fmt::Display for UiMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSpecified => "not specified",
            Self::Background => "background",
            Self::Informative => "informative",
            Self::UserInteraction => "user interaction",
        })
    }
}

/// Who wanted a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Initiator {
    /// 0.
    User,
    /// 1.
    #[default]
    Server,
}

impl fmt::Display for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Server => "server",
        })
    }
}

/// A notification as it was read, with its digest, which is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNotification {
    /// What it says.
    pub notification: Notification,
    /// The digest that it carries.
    pub digest: [u8; DIGEST],
    /// What departs from the specification.
    pub observations: Vec<Observation>,
    /// What the digest is over: everything behind it, as it came.
    signed: Vec<u8>,
}

/// What the nonce `0x00000000` is, with which a client tries again when a digest is wrong. The specification does not say
/// (OMA-TS-DM_Notification 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZeroNonce {
    /// Four zero octets.
    Octets,
    /// The ten characters.
    Text,
}

impl ZeroNonce {
    /// Both readings.
    pub const ALL: [Self; 2] = [Self::Octets, Self::Text];

    /// The octets of the nonce.
    pub fn octets(self) -> &'static [u8] {
        match self {
            Self::Octets => &[0; 4],
            Self::Text => b"0x00000000",
        }
    }
}

/// Which nonce a digest was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The one that both sides hold.
    Nonce,
    /// Zero: the nonces of both sides are to be renewed.
    Zero(ZeroNonce),
}

impl Notification {
    /// A notification of a server on its own behalf, as OMA DM 1.2 has it.
    pub fn new(server_id: impl Into<String>, session_id: u16) -> Self {
        Self {
            version: Version::V1_1,
            ui_mode: UiMode::default(),
            initiator: Initiator::default(),
            future_use: 0,
            session_id,
            server_id: server_id.into(),
            vendor_specific: Vec::new(),
        }
    }

    /// The session as it stands in SessionID: hexadecimal in upper case, without zeros in front (OMA-TS-DM_Notification 6.2.10).
    pub fn session_id_text(&self) -> String {
        format!("{:X}", self.session_id)
    }

    /// Everything but the digest, in octets.
    ///
    /// # Errors
    /// When a field holds more than its bits can say.
    pub fn to_octets(&self) -> Result<Vec<u8>, NotificationError> {
        let fits = |field, value: u64, bits: u32| match value >> bits {
            0 => Ok(value),
            _ => Err(NotificationError::Field { field, value, bits }),
        };
        let length = self.server_id.len();
        let length =
            u8::try_from(length).map_err(|_| NotificationError::ServerIdLength { octets: length })?;
        let initiator = match self.initiator {
            Initiator::User => 0,
            Initiator::Server => 1,
        };
        let header = fits("version", self.version.0.into(), 10)? << 54
            | self.ui_mode.bits() << 52
            | initiator << 51
            | fits("future-use", self.future_use.into(), 27)? << 24
            | u64::from(self.session_id) << 8
            | u64::from(length);
        Ok([
            header.to_be_bytes().as_slice(),
            self.server_id.as_bytes(),
            &self.vendor_specific,
        ]
        .concat())
    }

    /// The whole notification in octets, with the digest by a server's secret and nonce.
    ///
    /// # Errors
    /// As [`Notification::to_octets`].
    pub fn sign(&self, secret: &Secret, nonce: &[u8]) -> Result<Vec<u8>, NotificationError> {
        let octets = self.to_octets()?;
        let digest = digest(&self.server_id, secret, nonce, &octets);
        Ok([digest.as_slice(), &octets].concat())
    }

    /// Reads a whole notification. Its digest is for [`SignedNotification::verify`].
    ///
    /// # Errors
    /// When it stops too early, or its server identifier is no text.
    pub fn read(octets: &[u8]) -> Result<SignedNotification, NotificationError> {
        let needs = |needed: usize| match octets.len() < needed {
            true => Err(NotificationError::End {
                at: octets.len(),
                needed,
            }),
            false => Ok(()),
        };
        let server_id_at = DIGEST + HEADER;
        needs(server_id_at)?;
        let (digest, signed) = octets.split_at(DIGEST);
        let (header, rest) = signed.split_at(HEADER);
        let field = |from: u32, bits: u32| {
            let header = header
                .iter()
                .fold(0_u64, |header, octet| header << 8 | u64::from(*octet));
            (header >> (64 - from - bits)) & ((1 << bits) - 1)
        };
        let length = usize::from(header[HEADER - 1]);
        needs(server_id_at + length)?;
        let (server_id, vendor_specific) = rest.split_at(length);
        let server_id = std::str::from_utf8(server_id).map_err(|error| NotificationError::ServerId {
            at: server_id_at + error.valid_up_to(),
        })?;
        let narrow = "a field of at most 32 bits fits";
        let notification = Self {
            version: Version(u16::try_from(field(0, 10)).expect(narrow)),
            ui_mode: UiMode::ALL[usize::try_from(field(10, 2)).expect(narrow)],
            initiator: match field(12, 1) {
                0 => Initiator::User,
                _ => Initiator::Server,
            },
            future_use: u32::try_from(field(13, 27)).expect(narrow),
            session_id: u16::try_from(field(40, 16)).expect(narrow),
            server_id: server_id.to_owned(),
            vendor_specific: vendor_specific.to_vec(),
        };
        Ok(SignedNotification {
            digest: digest.try_into().expect("it was split off at that length"),
            observations: notification.departures(),
            notification,
            signed: signed.to_vec(),
        })
    }

    fn departures(&self) -> Vec<Observation> {
        let note = |element: &str, expected, found: String, at| Observation {
            departure: Departure::BadValue {
                element: element.to_owned(),
                expected,
                found,
            },
            path: "notification".to_owned(),
            at,
        };
        let mut departures = Vec::new();
        if self.version != Version::V1_1 {
            departures.push(note("version", "1.1", self.version.to_string(), 16..18));
        }
        if self.future_use != 0 {
            let found = format!("0x{:X}", self.future_use);
            departures.push(note("future-use", "zero", found, 17..21));
        }
        if self.session_id == 0 {
            departures.push(note("sessionid", "1 to 0xFFFF", "0".to_owned(), 21..23));
        }
        if self.server_id.is_empty() {
            departures.push(note(
                "length-identifier",
                "the length of an identifier",
                "0".to_owned(),
                23..24,
            ));
        }
        departures
    }
}

impl SignedNotification {
    /// Which nonce the digest was made with, if it was made with this secret at all: the one given, or one of the readings of zero
    /// that are accepted. In a time that does not tell which, or how far from right.
    pub fn verify(&self, secret: &Secret, nonce: &[u8], zero: &[ZeroNonce]) -> Option<Proof> {
        let is_right = |nonce: &[u8]| {
            digest(&self.notification.server_id, secret, nonce, &self.signed).ct_eq(&self.digest)
        };
        let all = std::iter::once((nonce, Proof::Nonce))
            .chain(zero.iter().map(|zero| (zero.octets(), Proof::Zero(*zero))));
        let checked: Vec<_> = all.map(|(nonce, proof)| (is_right(nonce), proof)).collect();
        checked
            .into_iter()
            .find(|(is_right, _)| bool::from(*is_right))
            .map(|(_, proof)| proof)
    }
}

/// The digest of a notification: `H(B64(H(server identifier ":" secret)) ":" nonce ":" B64(H(octets)))`, where the octets are
/// all that follows the digest.
fn digest(server_id: &str, secret: &Secret, nonce: &[u8], octets: &[u8]) -> [u8; DIGEST] {
    let of_server = auth::digest(format!("{server_id}:{}", secret.expose()).as_bytes());
    let parts = [
        auth::to_base64(&of_server).as_bytes(),
        b":",
        nonce,
        b":",
        auth::to_base64(&auth::digest(octets)).as_bytes(),
    ]
    .concat();
    auth::digest(&parts)
}

/// Why octets are no notification, or a notification cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotificationError {
    /// Fewer octets than it takes.
    #[error("notification ends at octet {at}, where it has to have {needed} at least; is the body complete?")]
    End {
        /// Where it ends.
        at: usize,
        /// How many octets it has to have.
        needed: usize,
    },
    /// The server identifier is not UTF-8.
    #[error("server identifier of the notification is no text (octet {at}); write it in UTF-8")]
    ServerId {
        /// The first octet that is not.
        at: usize,
    },
    /// The server identifier is too long.
    #[error("server identifier of {octets} octets; a notification holds at most {MAX_SERVER_ID}")]
    ServerIdLength {
        /// Its length.
        octets: usize,
    },
    /// A field holds more than its bits can say.
    #[error("`{field}` of the notification is {value}, for which its {bits} bits do not suffice")]
    Field {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// How many bits it has.
        bits: u32,
    },
}
