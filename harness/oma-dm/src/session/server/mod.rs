//! A session as the server holds it.

use std::collections::{BTreeMap, BTreeSet};

use super::body::has_alert;
use super::check::Check;
use super::large_object::Inbound;
use super::nonces::Nonces;
use super::order::Sequence;
use super::outbox::Outbox;
use super::proof::Proof;
use super::{Authentication, Standing};
use crate::account::Credentials;
use crate::auth::HmacHeader;
use crate::syncml::{Address, AlertCode, Challenge, Command, Encoding, Header, Message, StatusCode};

mod received;
mod respond;
mod take;

use respond::Refused;

pub use received::{Admission, CommandResults, CommandStatus, Peek, Received, Turn};

/// What a server brings into a session. Its Debug form does not show the seed.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where the server is: `Source` of its messages.
    pub address: String,
    /// What it proves itself with; nothing when the device asks for none.
    pub credentials: Option<Credentials>,
    /// Where the client is to send its next message, where it differs from `address` (`RespURI`).
    pub response_uri: Option<String>,
    /// How messages will be written: what the client's `MaxMsgSize` is measured with.
    pub encoding: Encoding,
    /// `MaxMsgSize` to name.
    pub max_message_size: Option<u64>,
    /// The longest message to send, in octets, where it is shorter than what the client takes.
    pub longest_sent: Option<u64>,
    /// `MaxObjSize` to name. Objects that come in parts are not taken beyond [`MAX_OBJECT`](super::MAX_OBJECT) in any case.
    pub max_object_size: Option<u64>,
    /// Whether the client has to prove itself in each message, and is answered with 200, rather than once with 212.
    pub checks_each_message: bool,
    /// Octets that nobody can guess and no other session has: nonces are made from them.
    pub seed: Vec<u8>,
}

impl ServerConfig {
    /// A server that writes XML and names no limits.
    pub fn new(address: impl Into<String>, credentials: Option<Credentials>, seed: &[u8]) -> Self {
        Self {
            address: address.into(),
            credentials,
            response_uri: None,
            encoding: Encoding::Xml,
            max_message_size: None,
            longest_sent: None,
            max_object_size: None,
            checks_each_message: false,
            seed: seed.to_vec(),
        }
    }
}

impl std::fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConfig")
            .field("address", &self.address)
            .field("credentials", &self.credentials)
            .field("response_uri", &self.response_uri)
            .finish_non_exhaustive()
    }
}

/// Names a command of the caller's, to tell what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// A session of a server with a device.
///
/// It is worth keeping for a while after it is over: a client that did not get the last answer sends its last message again.
pub struct ServerSession {
    config: ServerConfig,
    session_id: Option<String>,
    device: Address,
    client: Check,
    proof: Proof,
    nonces: Nonces,
    of_client: Sequence,
    /// What was made of the last message that belongs here.
    admission: Admission,
    /// Number of the last message sent.
    sent: u32,
    /// The last message that was not sent to turn a misplaced one away: what the client answers, and is sent if it repeats itself.
    last: Option<Last>,
    answer: Option<Answer>,
    /// What the commands of the client are answered with at the end of its package.
    owed: Outbox,
    /// What is said of parts of objects, and cannot wait for that.
    of_parts: Vec<Command>,
    commands: Outbox,
    inbound: Inbound,
    /// Whether the server has not closed its package, as part of it is still to come.
    is_unfinished: bool,
    /// `MaxMsgSize` of the client.
    max_message: Option<u64>,
    /// `MaxObjSize` of the client.
    max_object: Option<u64>,
    /// By message and command identifier.
    known: BTreeMap<(String, String), Known>,
    is_over: bool,
    /// Whether one of both has ended the session; no message opens it again.
    is_closed: bool,
}

/// A command, or a member of one, as it went out.
struct Known {
    tag: Tag,
    member: Vec<usize>,
    is_answered: bool,
    /// Whether it is a part of an object that goes on in the next message.
    goes_on: bool,
}

/// What is kept of the last message, in case it has to go again.
struct Last {
    id: String,
    content: LastContent,
}

enum LastContent {
    All(Box<Message>),
    /// Of the refusal of one who has not proved himself, no more than it takes to refuse the same once more.
    Refusal {
        code: StatusCode,
        challenge: Option<Challenge>,
    },
}

/// What the next message has to say of the last one of the client.
struct Answer {
    header: Header,
    code: StatusCode,
    challenge: Option<Challenge>,
    /// Whether it was said before, in a message of the same number.
    is_repeated: bool,
    next: Next,
}

/// What the next message is for.
enum Next {
    /// The last one once more, which is kept.
    Repeat,
    /// Saying that the message does not belong here.
    TurnAway { commands: Vec<Refused> },
    /// Saying that nothing of what the client sent is carried out.
    Refuse {
        commands: Vec<Refused>,
        is_final: bool,
        is_over: bool,
    },
    /// Asking for the rest of the client's package.
    AskOn,
    /// Whatever there is to say.
    Speak,
    /// Nothing but what is owed.
    Close {
        /// Whether the client has to be told that it is over (Alert 1223).
        aborts: bool,
    },
}

impl ServerSession {
    /// Whose message it is.
    pub fn peek(message: &Message) -> Peek {
        Peek::of(message)
    }

    /// A session with a client that has to prove itself with these credentials, if with any.
    pub fn new(config: ServerConfig, client_credentials: Option<Credentials>) -> Self {
        Self {
            session_id: None,
            device: Address::default(),
            client: Check::new(client_credentials, config.checks_each_message),
            proof: Proof::new(config.credentials.clone()),
            nonces: Nonces::new(&config.seed),
            of_client: Sequence::of_device(),
            admission: Admission::Challenged,
            sent: 0,
            last: None,
            answer: None,
            owed: Outbox::default(),
            of_parts: Vec::new(),
            commands: Outbox::default(),
            inbound: Inbound::new(config.max_object_size),
            is_unfinished: false,
            max_message: None,
            max_object: None,
            known: BTreeMap::new(),
            is_over: false,
            is_closed: false,
            config,
        }
    }

    /// Whether a message is the last one of the client once more, and not for instance the first one of a new session that has the
    /// identifier of this one.
    pub fn is_repeated(&self, message: &Message) -> bool {
        self.of_client.is_repeated(message)
    }

    /// Whether a message is to be taken by this session: it is the last one of the client once more, or goes on from it. One that
    /// begins a session (with MsgID 1, or with the Alert of package 1 when this one is over) is of a new one, which happens to have
    /// the identifier of this one.
    pub fn continues_with(&self, message: &Message) -> bool {
        let opens = [AlertCode::SERVER_INITIATED, AlertCode::CLIENT_INITIATED]
            .into_iter()
            .any(|code| has_alert(&message.commands, code));
        !(message.header.message_id == "1" || (self.is_over && opens)) || self.is_repeated(message)
    }

    /// What is known of the client.
    pub fn authentication(&self) -> Authentication {
        self.client.authentication()
    }

    /// What the client has said of the server.
    pub fn standing(&self) -> Standing {
        self.proof.standing()
    }

    /// The client's credentials, with the nonce for the next session.
    pub fn client_credentials(&self) -> Option<&Credentials> {
        self.client.credentials()
    }

    /// The server's credentials, with the nonce for the next session.
    pub fn server_credentials(&self) -> Option<&Credentials> {
        self.proof.credentials()
    }

    /// Whether the client is to send nothing more after what was answered last.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The commands that nothing has been said of, sent or not, those included that fit in no message ([`ServerSession::oversized`]). A
    /// tag that several commands have is among them as long as one of these is.
    pub fn unanswered(&self) -> Vec<Tag> {
        let of_whole = || self.known.values().filter(|known| known.member.is_empty());
        // What is said of a part of an object is not said of the command.
        let out_to_the_end: BTreeSet<_> = of_whole()
            .filter(|known| !known.goes_on)
            .map(|known| known.tag)
            .collect();
        let is_open = |known: &&Known| match known.goes_on {
            true => !out_to_the_end.contains(&known.tag),
            false => !known.is_answered,
        };
        let mut tags: Vec<_> = of_whole().filter(is_open).map(|known| known.tag).collect();
        tags.extend(self.commands.tags());
        tags.extend(self.commands.dropped());
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Whether commands wait for a later message, since they did not fit in the last one or were not to go in it.
    pub fn has_unsent(&self) -> bool {
        !self.commands.is_empty()
    }

    /// The commands that are not sent: they fit in no message that the client takes, and cannot go in parts, or are larger than the
    /// largest object that it takes. Only an Add, Replace or Exec of a single item with data can go in parts.
    pub fn oversized(&self) -> &[Tag] {
        self.commands.dropped()
    }

    /// The longest message that the client takes, in octets, as far as it has said so in this session (`MaxMsgSize`).
    pub const fn longest_taken(&self) -> Option<u64> {
        self.max_message
    }

    /// Where the client is to send its messages from now on (`RespURI`).
    pub fn set_response_uri(&mut self, uri: Option<String>) {
        self.config.response_uri = uri;
    }

    /// How the next messages will be written.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.config.encoding = encoding;
    }

    /// What goes beside the message that is about to be sent, whose complete body is `body`: the header `x-syncml-hmac`, if the server's
    /// account says HMAC.
    pub fn seal(&self, body: &[u8]) -> Option<HmacHeader> {
        self.proof.seal(body)
    }

    /// Takes a message of the client.
    pub fn receive(&mut self, message: &Message) -> Received {
        self.receive_carried(message.into())
    }

    /// Answers an Alert of the client, by its CmdID, in another way than with 200: an event that cannot be processed with 406, a
    /// generic alert for instance with 202 or 415. To be called before [`ServerSession::respond`].
    pub fn answer_alert(&mut self, id: &str, code: StatusCode) {
        let Some(answer) = &self.answer else {
            return;
        };
        self.owed.set_status(&answer.header.message_id, id, code);
    }

    /// The answer to the last message: a Status for all of it, then the commands, if they may go now; they wait if not.
    pub fn respond(&mut self, commands: Vec<(Tag, Command)>) -> Message {
        for (tag, command) in commands {
            self.commands.push(Some(tag), vec![command]);
        }
        let answer = self.answer.take();
        self.compose(answer)
    }

    /// The answer to the last message, with which the server ends the session (Alert 1223). Commands that wait are not sent any more.
    pub fn abort(&mut self) -> Message {
        let mut answer = self.answer.take();
        if let Some(answer) = &mut answer
            && matches!(answer.next, Next::AskOn | Next::Speak)
        {
            answer.next = Next::Close { aborts: true };
        }
        let message = self.compose(answer);
        self.is_over = true;
        message
    }
}
