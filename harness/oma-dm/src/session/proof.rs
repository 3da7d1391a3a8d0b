//! How the two ends prove themselves to each other (OMA-TS-DM_Security 5.3).

use crate::account::{AuthenticationType, Credentials};
use crate::auth;
use crate::session::Nonces;
use crate::syncml::{self, Challenge, Header, Status, StatusCode};

/// How often one end asks for credentials again before it gives up: for one that began without, and for one whose
/// nonce was stale besides (OMA-TS-DM_Security 5.3.3).
const MAX_CHALLENGES: u8 = 2;

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
}

impl Authentication {
    /// Whether the other end may act.
    pub fn is_enough(self) -> bool {
        matches!(self, Self::Verified | Self::NotNeeded)
    }
}

/// What the other end has said of our credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing so far.
    #[default]
    Open,
    /// That they are right, but needed in the next message again (200).
    AcceptedOnce,
    /// That they are right for the session (212).
    Accepted,
    /// That they are wrong or missing, and that it wants others.
    Challenged,
    /// That they are wrong, and there is nothing more to try; or it refuses for another reason.
    Refused(StatusCode),
}

/// One end as it proves itself to the other.
pub(super) struct Proof {
    credentials: Option<Credentials>,
    /// Of the other end, not to be stored before it has proved itself (OMA-TS-DM_Security 5.3.4).
    next_nonce: Option<Vec<u8>>,
    challenges: u8,
    standing: Standing,
}

impl Proof {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self {
            credentials,
            next_nonce: None,
            challenges: 0,
            standing: Standing::Open,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The name to give with any message.
    pub(super) fn name(&self) -> Option<&str> {
        self.credentials
            .as_ref()
            .map(|credentials| credentials.name.as_str())
            .filter(|name| !name.is_empty())
    }

    /// What to send with the next message.
    pub(super) fn for_message(&self) -> Option<syncml::Credentials> {
        let credentials = self
            .credentials
            .as_ref()
            .filter(|_| self.standing != Standing::Accepted)?;
        let (name, secret) = (&credentials.name, &credentials.secret);
        let data = match credentials.authentication_type {
            AuthenticationType::Basic => auth::basic(name, secret),
            AuthenticationType::Digest => {
                let nonce = self.next_nonce.as_ref().unwrap_or(&credentials.nonce);
                // Without any nonce there is nothing to prove that would hold: the other end will ask.
                if nonce.is_empty() && self.challenges == 0 {
                    return None;
                }
                auth::md5(name, secret, nonce)
            }
            _ => return None,
        };
        let scheme = scheme(credentials.authentication_type)?.to_owned();
        Some(syncml::Credentials {
            scheme,
            format: Some("b64".to_owned()),
            data,
        })
    }

    /// Takes what the other end says of the message with the credentials.
    pub(super) fn answered(&mut self, status: &Status) -> Standing {
        if let Some(nonce) = status
            .challenge
            .as_ref()
            .and_then(|challenge| challenge.next_nonce.as_deref())
        {
            // What is no base64 cannot be what the other end expects.
            if let Some(nonce) = auth::from_base64(nonce) {
                self.next_nonce = Some(nonce);
            }
        }
        self.standing = match (status.code, self.standing) {
            (StatusCode::AUTHENTICATED, _) | (StatusCode::OK, Standing::Accepted) => Standing::Accepted,
            (code, _) if code.is_success() => Standing::AcceptedOnce,
            (StatusCode::INVALID_CREDENTIALS | StatusCode::MISSING_CREDENTIALS, _) => self.challenged(status),
            (code, _) => Standing::Refused(code),
        };
        self.standing
    }

    fn challenged(&mut self, status: &Status) -> Standing {
        let own = self
            .credentials
            .as_ref()
            .and_then(|credentials| scheme(credentials.authentication_type));
        let asked = status
            .challenge
            .as_ref()
            .map(|challenge| challenge.scheme.as_str());
        let can_answer = own.is_some() && own == asked;
        if !can_answer || self.challenges >= MAX_CHALLENGES {
            return Standing::Refused(status.code);
        }
        self.challenges += 1;
        Standing::Challenged
    }

    /// Keeps the nonce for the next session: the other end has proved that it is the one it came from.
    pub(super) fn keep_nonce(&mut self) {
        if let (Some(credentials), Some(nonce)) = (&mut self.credentials, &self.next_nonce) {
            credentials.nonce.clone_from(nonce);
        }
    }
}

/// One end as it checks the other.
pub(super) struct Check {
    credentials: Option<Credentials>,
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
    /// Whether it has been asked too often.
    pub(super) is_hopeless: bool,
}

impl Check {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
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
            Some(_) => Authentication::Missing,
        };
        Self {
            credentials,
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

    /// Examines the header of a message of the other end.
    pub(super) fn examine(&mut self, header: &Header, nonces: &mut Nonces) -> Examined {
        let admitted = |code, challenge| Examined {
            code,
            challenge,
            is_admitted: true,
            is_hopeless: false,
        };
        let Some(credentials) = self
            .credentials
            .as_ref()
            .filter(|_| !self.authentication.is_enough())
        else {
            return admitted(StatusCode::OK, None);
        };
        let given = header.credentials.as_ref();
        self.authentication = match given {
            None => Authentication::Missing,
            Some(given) if is_right(credentials, &self.expected_nonce, given) => Authentication::Verified,
            Some(_) => Authentication::Wrong,
        };
        let challenge = self.challenge(nonces);
        if self.authentication == Authentication::Verified {
            return admitted(
                StatusCode::AUTHENTICATED,
                challenge.filter(|challenge| challenge.next_nonce.is_some()),
            );
        }
        let is_hopeless = self.challenges >= MAX_CHALLENGES;
        self.challenges = self.challenges.saturating_add(1);
        let code = match given {
            None => StatusCode::MISSING_CREDENTIALS,
            Some(_) => StatusCode::INVALID_CREDENTIALS,
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
        let next_nonce = (kind == AuthenticationType::Digest).then(|| {
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

/// Whether these are the credentials that are expected, in the kind that is expected. An empty nonce proves nothing.
fn is_right(expected: &Credentials, nonce: &[u8], given: &syncml::Credentials) -> bool {
    if Some(given.scheme.as_str()) != scheme(expected.authentication_type) {
        return false;
    }
    let right = match expected.authentication_type {
        AuthenticationType::Basic => auth::basic(&expected.name, &expected.secret),
        AuthenticationType::Digest if !nonce.is_empty() => auth::md5(&expected.name, &expected.secret, nonce),
        _ => return false,
    };
    auth::same(&right, given.data.trim())
}

/// The kinds of credentials that a header can carry.
fn scheme(kind: AuthenticationType) -> Option<&'static str> {
    match kind {
        AuthenticationType::Basic => Some(auth::BASIC),
        AuthenticationType::Digest => Some(auth::MD5),
        _ => None,
    }
}
