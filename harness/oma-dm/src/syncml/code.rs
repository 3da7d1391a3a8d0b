//! The numbers of Status and Alert.

use std::fmt;

/// What became of a command (`Data` of a Status).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u16);

macro_rules! named {
    ($type:ident { $($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)+ }) => {
        impl $type {
            $($(#[$doc])* pub const $name: Self = Self($number);)+

            /// What the number means; nothing where it has no meaning in Device Management.
            pub fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.meaning() {
                    Some(meaning) => write!(f, "{} ({meaning})", self.0),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

named!(StatusCode {
    /// 101
    IN_PROGRESS = 101, "in progress";
    /// 200
    OK = 200, "done";
    /// 202: will be carried out later.
    ACCEPTED = 202, "accepted, carried out later";
    /// 212: no more credentials are needed in this session.
    AUTHENTICATED = 212, "authenticated for the rest of the session";
    /// 213: a part of a large object was taken.
    CHUNK_ACCEPTED = 213, "part taken";
    /// 214
    CANCELLED = 214, "cancelled by the user";
    /// 215
    NOT_EXECUTED = 215, "not carried out";
    /// 216: undone because another member of its Atomic failed.
    ROLLED_BACK = 216, "rolled back";
    /// 304
    NOT_MODIFIED = 304, "refused by the user";
    /// 400
    BAD_REQUEST = 400, "malformed";
    /// 401: credentials were given, and are wrong.
    INVALID_CREDENTIALS = 401, "credentials wrong";
    /// 403: refused for a reason other than an ACL.
    FORBIDDEN = 403, "forbidden";
    /// 404
    NOT_FOUND = 404, "not found";
    /// 405: the target does not take this command.
    COMMAND_NOT_ALLOWED = 405, "command not allowed on this target";
    /// 406
    OPTIONAL_FEATURE_NOT_SUPPORTED = 406, "optional feature not supported";
    /// 407: no credentials were given.
    MISSING_CREDENTIALS = 407, "credentials missing";
    /// 408
    TIMEOUT = 408, "no answer in time";
    /// 409
    CONFLICT = 409, "conflict";
    /// 410
    GONE = 410, "gone";
    /// 411
    SIZE_REQUIRED = 411, "size required";
    /// 412
    INCOMPLETE_COMMAND = 412, "incomplete command";
    /// 413
    ENTITY_TOO_LARGE = 413, "too large";
    /// 414
    URI_TOO_LONG = 414, "URI too long";
    /// 415
    UNSUPPORTED_MEDIA_TYPE = 415, "media type or format not supported";
    /// 416
    SIZE_TOO_BIG = 416, "size too big";
    /// 417
    RETRY_LATER = 417, "retry later";
    /// 418: the target of an Add is there.
    ALREADY_EXISTS = 418, "there already";
    /// 420
    DEVICE_FULL = 420, "device full";
    /// 424: the parts of a large object do not add up to its size.
    SIZE_MISMATCH = 424, "size mismatch";
    /// 425: refused because of an ACL.
    PERMISSION_DENIED = 425, "permission denied";
    /// 500
    COMMAND_FAILED = 500, "failed";
    /// 501
    NOT_IMPLEMENTED = 501, "command not implemented";
    /// 503
    SERVICE_UNAVAILABLE = 503, "service unavailable";
    /// 505
    DTD_VERSION_NOT_SUPPORTED = 505, "DTD version not supported";
    /// 506
    PROCESSING_ERROR = 506, "processing error";
    /// 507: the Atomic as a whole.
    ATOMIC_FAILED = 507, "atomic failed";
    /// 510
    DATA_STORE_FAILURE = 510, "data store failure";
    /// 511
    SERVER_FAILURE = 511, "server failure";
    /// 513
    PROTOCOL_VERSION_NOT_SUPPORTED = 513, "protocol version not supported";
    /// 514
    OPERATION_CANCELLED = 514, "cancelled";
    /// 516
    ATOMIC_ROLL_BACK_FAILED = 516, "roll back failed";
    /// 517
    ATOMIC_RESPONSE_TOO_LARGE = 517, "answer to atomic too large";
});

impl StatusCode {
    /// Whether the command was, or will be, carried out as asked (2xx, except those that say it was not or no more).
    pub fn is_success(self) -> bool {
        let is_other = matches!(self, Self::CANCELLED | Self::NOT_EXECUTED | Self::ROLLED_BACK);
        (200..300).contains(&self.0) && !is_other
    }
}

/// What an Alert is about (its `Data`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertCode(pub u16);

named!(AlertCode {
    /// 1100: show a text.
    DISPLAY = 1100, "display";
    /// 1101
    CONFIRM_OR_REJECT = 1101, "confirm or reject";
    /// 1102
    TEXT_INPUT = 1102, "text input";
    /// 1103
    SINGLE_CHOICE = 1103, "single choice";
    /// 1104
    MULTIPLE_CHOICE = 1104, "multiple choice";
    /// 1200: the session follows a trigger of the server.
    SERVER_INITIATED = 1200, "server-initiated management";
    /// 1201: the session is the client's own.
    CLIENT_INITIATED = 1201, "client-initiated management";
    /// 1222: asks for the next message of the package.
    NEXT_MESSAGE = 1222, "next message";
    /// 1223: ends the session.
    SESSION_ABORT = 1223, "session abort";
    /// 1224
    CLIENT_EVENT = 1224, "client event";
    /// 1225: the end of a large object did not come.
    NO_END_OF_DATA = 1225, "no end of data";
    /// 1226
    GENERIC_ALERT = 1226, "generic alert";
});

impl AlertCode {
    /// Whether it asks for something to be shown to the user.
    pub fn is_user_interaction(self) -> bool {
        (1100..1200).contains(&self.0)
    }
}
