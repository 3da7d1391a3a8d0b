//! How one end proves itself to the other (OMA-TS-DM_Security 5.3, 5.4).

use super::check::MAX_CHALLENGES;
use crate::account::{AuthenticationType, Credentials};
use crate::auth::{self, HmacHeader};
use crate::syncml::{self, Status, StatusCode};

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
    /// That it wants them in a scheme that is not the one of our account, or that is not supported here. Another scheme than the one
    /// asked for would end the session in any case (OMA-TS-DM_Security 5.4.1).
    NoCommonScheme(StatusCode),
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

    /// Whether the proof goes beside the messages, with every one of them.
    pub(super) fn is_beside(&self) -> bool {
        self.credentials
            .as_ref()
            .is_some_and(|credentials| credentials.authentication_type == AuthenticationType::Hmac)
    }

    /// What to send in the header of the next message.
    pub(super) fn for_message(&self) -> Option<syncml::Credentials> {
        let credentials = self
            .credentials
            .as_ref()
            .filter(|_| self.standing != Standing::Accepted)?;
        let (name, secret) = (&credentials.name, &credentials.secret);
        let data = match credentials.authentication_type {
            AuthenticationType::Basic => auth::basic(name, secret),
            AuthenticationType::Digest => auth::md5(name, secret, self.nonce(credentials)?),
            _ => return None,
        };
        let scheme = scheme(credentials.authentication_type)?.to_owned();
        Some(syncml::Credentials {
            scheme,
            format: Some("b64".to_owned()),
            data,
        })
    }

    /// What to send beside a message with this body.
    pub(super) fn seal(&self, body: &[u8]) -> Option<HmacHeader> {
        let credentials = self.credentials.as_ref().filter(|_| self.is_beside())?;
        let nonce = self.nonce(credentials)?;
        // With a name that cannot be written, the other end will ask in vain.
        HmacHeader::sign(&credentials.name, &credentials.secret, nonce, body).ok()
    }

    /// Without any nonce there is nothing to prove that would hold: the other end will ask.
    fn nonce<'a>(&'a self, credentials: &'a Credentials) -> Option<&'a [u8]> {
        let nonce = self.next_nonce.as_ref().unwrap_or(&credentials.nonce);
        Some(nonce.as_slice()).filter(|nonce| !nonce.is_empty() || self.challenges > 0)
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
        let (Some(credentials), Some(challenge)) = (&self.credentials, &status.challenge) else {
            return Standing::Refused(status.code);
        };
        if scheme(credentials.authentication_type) != Some(challenge.scheme.as_str()) {
            return Standing::NoCommonScheme(status.code);
        }
        if self.challenges >= MAX_CHALLENGES {
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

/// The schemes that can be given and checked here; the others of an account are not supported.
pub(super) fn scheme(kind: AuthenticationType) -> Option<&'static str> {
    match kind {
        AuthenticationType::Basic => Some(auth::BASIC),
        AuthenticationType::Digest => Some(auth::MD5),
        AuthenticationType::Hmac => Some(auth::MAC),
        _ => None,
    }
}
