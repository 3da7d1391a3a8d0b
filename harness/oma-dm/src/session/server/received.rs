//! What a server learns from a message of the client.

use super::Tag;
use crate::devinfo::DeviceInfo;
use crate::session::{Authentication, Order, Standing};
use crate::syncml::{Alert, Item, Message, StatusCode};

/// What tells whose message it is, before there is a session for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// `SessionID`
    pub session_id: String,
    /// `MsgID`
    pub message_id: String,
    /// `Source`: the device.
    pub device_id: String,
    /// Name beside the source: the user name of the credentials, if the client gives it.
    pub user_name: Option<String>,
    /// Whether there are credentials in the header; digests of whole messages are not.
    pub has_credentials: bool,
}

impl Peek {
    pub(super) fn of(message: &Message) -> Self {
        let header = &message.header;
        Self {
            session_id: header.session_id.clone(),
            message_id: header.message_id.clone(),
            device_id: header.source.uri.clone(),
            user_name: header.source.name.clone(),
            has_credentials: header.credentials.is_some(),
        }
    }
}

/// What a message of the client meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Where it stands among the client's messages. What is repeated has no meaning of its own: it is answered as before.
    pub order: Order,
    /// What it proved of the client.
    pub authentication: Authentication,
    /// What was made of that.
    pub admission: Admission,
    /// What the client said of the server's credentials, if it did in this message.
    pub standing: Option<Standing>,
    /// Its Alerts; none of a client that was not admitted.
    pub alerts: Vec<Alert>,
    /// What the device says of itself, if it does and all of it.
    pub device_info: Option<DeviceInfo>,
    /// What became of commands.
    pub statuses: Vec<CommandStatus>,
    /// What Gets found. What came in parts is here when all of it is; one Get may have its results here more than once.
    pub results: Vec<CommandResults>,
    /// Gets of which results could not be taken, and why: 413 too large, 424 not of the size that was announced, 411 of none; 400 for
    /// what broke off.
    pub lost_results: Vec<(Tag, StatusCode)>,
    /// What is to be done now.
    pub turn: Turn,
}

/// What a server makes of a client's proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The client may act.
    Accepted,
    /// It is asked for credentials, and has not acted.
    Challenged,
    /// It has failed too often, or cannot succeed, and has not acted.
    Refused,
    /// The message does not belong here ([`Order::Misplaced`]): it is refused, and the session stays as it is.
    Misplaced,
}

/// What became of a command, of a member of it, or of one of its items.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandStatus {
    /// The command.
    pub tag: Tag,
    /// Which member of which member, from 0; empty for the command itself.
    pub member: Vec<usize>,
    /// What it is about, as far as the client says so.
    pub targets: Vec<String>,
    /// What became of it.
    pub code: StatusCode,
    /// Further items.
    pub items: Vec<Item>,
}

/// What a Get found.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandResults {
    /// The command.
    pub tag: Tag,
    /// Which member of which member, from 0; empty for the command itself.
    pub member: Vec<usize>,
    /// What was found, each with its place as source.
    pub items: Vec<Item>,
}

/// What is to be done after a message of the client. In any case it is answered with
/// [`ServerSession::respond`](super::ServerSession::respond).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Commands may go out with the answer.
    Commands,
    /// One of both is not done, or the client has to prove itself first: commands wait for a later answer.
    Wait,
    /// There will be no more commands: the client ended the session, or is refused, or refuses the server.
    Over,
}
