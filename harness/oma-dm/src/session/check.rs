//! How one end checks the other (OMA-TS-DM_Security 5.3, 5.4).

use super::Carried;
use super::nonces::Nonces;
use super::proof::scheme;
use crate::account::{AuthenticationType, Credentials};
use crate::auth::{self, HmacHeader};
use crate::syncml::{self, Challenge, StatusCode};

/// How often one end asks for credentials again before it gives up: for one that began without, and for one whose
/// nonce was stale besides (OMA-TS-DM_Security 5.3.3).
pub(super) const MAX_CHALLENGES: u8 = 2;

/// What is known of the credentials of the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// It has given none.
    #[default]
    Missing,
    /// The last it gave are wrong.
    Wrong,
    /// It has given the right ones.
    Verified,
    /// None are asked for: there is no account for them.
    NotNeeded,
    /// The account has it prove itself in a way that cannot be checked here (X509, SecurID, Safeword, Digipass): it may not act.
    Unsupported,
}

impl Authentication {
    /// Whether the other end may act.
    pub fn is_enough(self) -> bool {
        matches!(self, Self::Verified | Self::NotNeeded)
    }
}

/// One end as it checks the other.
pub(super) struct Check {
    credentials: Option<Credentials>,
    /// Whether each message has to prove itself.
    is_for_each: bool,
    /// The nonce that this end gave out last, or knows from the last session.
    expected_nonce: Vec<u8>,
    challenges: u8,
    authentication: Authentication,
}

/// What to answer to a header.
pub(super) struct Examined {
    pub(super) code: StatusCode,
    pub(super) challenge: Option<Challenge>,
    /// Whether the sender may act.
    pub(super) is_admitted: bool,
    /// Whether there is no point in asking it again.
    pub(super) is_hopeless: bool,
}

/// What a message gives for a proof.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    Right,
    Wrong,
    OtherScheme,
}

impl Check {
    /// Checks for these credentials, in each message where that is wished; digests of whole messages are always for one message.
    pub(super) fn new(credentials: Option<Credentials>, is_for_each: bool) -> Self {
        let expected_nonce = credentials
            .as_ref()
            .map(|credentials| credentials.nonce.clone())
            .unwrap_or_default();
        let kind = credentials
            .as_ref()
            .map(|credentials| credentials.authentication_type);
        let authentication = match kind {
            // What carries the session has seen to it.
            None
            | Some(
                AuthenticationType::Transport
                | AuthenticationType::HttpBasic
                | AuthenticationType::HttpDigest,
            ) => Authentication::NotNeeded,
            Some(kind) if scheme(kind).is_none() => Authentication::Unsupported,
            Some(_) => Authentication::Missing,
        };
        Self {
            credentials,
            is_for_each: is_for_each || kind == Some(AuthenticationType::Hmac),
            expected_nonce,
            challenges: 0,
            authentication,
        }
    }

    pub(super) fn authentication(&self) -> Authentication {
        self.authentication
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Examines a message of the other end.
    pub(super) fn examine(&mut self, carried: &Carried<'_>, nonces: &mut Nonces) -> Examined {
        let admitted = |code, challenge| Examined {
            code,
            challenge,
            is_admitted: true,
            is_hopeless: false,
        };
        let is_settled = match self.authentication {
            Authentication::NotNeeded => true,
            Authentication::Verified => !self.is_for_each,
            _ => false,
        };
        let Some(credentials) = self.credentials.as_ref().filter(|_| !is_settled) else {
            return admitted(StatusCode::OK, None);
        };
        if self.authentication == Authentication::Unsupported {
            return Examined {
                code: StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED,
                challenge: None,
                is_admitted: false,
                is_hopeless: true,
            };
        }
        let given = given(credentials, &self.expected_nonce, carried);
        self.authentication = match given {
            Given::Nothing => Authentication::Missing,
            Given::Right => Authentication::Verified,
            Given::Wrong | Given::OtherScheme => Authentication::Wrong,
        };
        let challenge = self.challenge(nonces);
        if given == Given::Right {
            let code = if self.is_for_each {
                StatusCode::OK
            } else {
                StatusCode::AUTHENTICATED
            };
            return admitted(code, challenge.filter(|challenge| challenge.next_nonce.is_some()));
        }
        // Another scheme than the one asked for ends the session (OMA-TS-DM_Security 5.4.1).
        let has_asked = self.challenges > 0;
        let is_hopeless = self.challenges >= MAX_CHALLENGES || (has_asked && given == Given::OtherScheme);
        self.challenges = self.challenges.saturating_add(1);
        let code = match given {
            Given::Nothing => StatusCode::MISSING_CREDENTIALS,
            _ => StatusCode::INVALID_CREDENTIALS,
        };
        Examined {
            code,
            challenge,
            is_admitted: false,
            is_hopeless,
        }
    }

    /// The nonce of the last challenge has gone out; of one that was verified it is for the next session.
    pub(super) fn told(&mut self) {
        if let Some(credentials) = self.credentials.as_mut()
            && self.authentication == Authentication::Verified
        {
            credentials.nonce.clone_from(&self.expected_nonce);
        }
    }

    fn challenge(&mut self, nonces: &mut Nonces) -> Option<Challenge> {
        let kind = self.credentials.as_ref()?.authentication_type;
        let scheme = scheme(kind)?.to_owned();
        let next_nonce = (kind != AuthenticationType::Basic).then(|| {
            self.expected_nonce = nonces.fresh();
            auth::to_base64(&self.expected_nonce)
        });
        Some(Challenge {
            scheme,
            format: Some("b64".to_owned()),
            next_nonce,
        })
    }
}

/// What a message proves, in the scheme that is expected. An empty nonce proves nothing.
fn given(expected: &Credentials, nonce: &[u8], carried: &Carried<'_>) -> Given {
    let in_header = carried.message.header.credentials.as_ref();
    if expected.authentication_type == AuthenticationType::Hmac {
        return match (carried.hmac, in_header) {
            (Some(value), _) => verdict(is_sealed(expected, nonce, value, carried.body)),
            (None, Some(_)) => Given::OtherScheme,
            (None, None) => Given::Nothing,
        };
    }
    match (in_header, carried.hmac) {
        (Some(given), _) if Some(given.scheme.as_str()) != scheme(expected.authentication_type) => {
            Given::OtherScheme
        }
        (Some(given), _) => verdict(is_right(expected, nonce, given)),
        (None, Some(_)) => Given::OtherScheme,
        (None, None) => Given::Nothing,
    }
}

const fn verdict(is_right: bool) -> Given {
    if is_right { Given::Right } else { Given::Wrong }
}

fn is_sealed(expected: &Credentials, nonce: &[u8], value: &str, body: &[u8]) -> bool {
    !nonce.is_empty()
        && HmacHeader::parse(value)
            .is_ok_and(|header| header.verifies(&expected.name, &expected.secret, nonce, body))
}

fn is_right(expected: &Credentials, nonce: &[u8], given: &syncml::Credentials) -> bool {
    let right = match expected.authentication_type {
        AuthenticationType::Basic => auth::basic(&expected.name, &expected.secret),
        AuthenticationType::Digest if !nonce.is_empty() => auth::md5(&expected.name, &expected.secret, nonce),
        _ => return false,
    };
    auth::same(&right, given.data.trim())
}
