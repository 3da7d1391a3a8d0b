//! The codes of Status and Alert (OMA-TS-SyncML_RepPro section 10, OMA-TS-DM_RepPro section 7).

use std::fmt;

/// A status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u16);

/// The code of an Alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertCode(pub u16);

macro_rules! codes {
    ($type:ident: $($(#[$doc:meta])* $name:ident = $code:literal),* $(,)?) => {
        impl $type {
            $($(#[$doc])* pub const $name: Self = Self($code);)*
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

codes! { StatusCode:
    /// Done.
    OK = 200,
    /// Accepted, will run later.
    ACCEPTED = 202,
    /// Authenticated for the rest of the session.
    AUTHENTICATED = 212,
    /// A chunk was taken.
    CHUNK_ACCEPTED = 213,
    /// Cancelled by the user.
    CANCELLED = 214,
    /// Not executed.
    NOT_EXECUTED = 215,
    /// Rolled back because its Atomic failed.
    ROLLED_BACK = 216,
    /// Malformed command.
    BAD_REQUEST = 400,
    /// Wrong credentials.
    INVALID_CREDENTIALS = 401,
    /// Refused for another reason than an ACL.
    FORBIDDEN = 403,
    /// No such target.
    NOT_FOUND = 404,
    /// Not allowed on this target.
    COMMAND_NOT_ALLOWED = 405,
    /// An optional feature that is not supported.
    OPTIONAL_FEATURE_NOT_SUPPORTED = 406,
    /// Credentials are missing.
    MISSING_CREDENTIALS = 407,
    /// Something is missing in the command.
    INCOMPLETE_COMMAND = 412,
    /// Too large.
    ENTITY_TOO_LARGE = 413,
    /// The URI is too long.
    URI_TOO_LONG = 414,
    /// The media type or format is not supported.
    UNSUPPORTED_MEDIA_TYPE = 415,
    /// The target is there already.
    ALREADY_EXISTS = 418,
    /// No room.
    DEVICE_FULL = 420,
    /// The size of a chunked object is not the one announced.
    SIZE_MISMATCH = 424,
    /// Refused by an ACL.
    PERMISSION_DENIED = 425,
    /// Failed, unspecific.
    COMMAND_FAILED = 500,
    /// The command is not implemented.
    NOT_IMPLEMENTED = 501,
    /// The Atomic failed.
    ATOMIC_FAILED = 507,
}

codes! { AlertCode:
    /// A session that the server asked for.
    SERVER_INITIATED = 1200,
    /// A session of the client's own.
    CLIENT_INITIATED = 1201,
    /// Asks for the next message.
    NEXT_MESSAGE = 1222,
    /// Ends the session.
    SESSION_ABORT = 1223,
    /// An event of the client.
    CLIENT_EVENT = 1224,
    /// The end of a chunked object is missing.
    NO_END_OF_DATA = 1225,
    /// A generic alert.
    GENERIC = 1226,
}

impl StatusCode {
    /// Whether it says that something was done or accepted.
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300 && self.0 != Self::ROLLED_BACK.0 && self.0 != Self::NOT_EXECUTED.0
    }
}

impl AlertCode {
    /// Whether it shows something to the user, or asks him (1100 to 1104, and what is reserved for more of it).
    pub const fn is_for_user(self) -> bool {
        self.0 < 1200
    }

    /// What a device answers to a notice of a server, without asking anybody. What only a client may send is not allowed
    /// (OMA-TS-DM_RepPro 7).
    pub const fn answer_of_device(self) -> StatusCode {
        match self {
            Self::NEXT_MESSAGE | Self::NO_END_OF_DATA => StatusCode::OK,
            Self::SERVER_INITIATED | Self::CLIENT_INITIATED | Self::CLIENT_EVENT | Self::GENERIC => {
                StatusCode::COMMAND_NOT_ALLOWED
            }
            _ => StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED,
        }
    }
}
