//! A session as the server holds it.

use std::collections::{BTreeMap, VecDeque};

use super::proof::{Check, Proof};
use super::{Authentication, Body, MAX_MESSAGES, Nonces, Standing, asking, header_status, status};
use crate::account::Credentials;
use crate::devinfo::DeviceInfo;
use crate::syncml::{Address, Alert, AlertCode, Challenge, Command, Header, Item, Message, StatusCode};

/// What a server brings into a session.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where the server is: `Source` of its messages.
    pub address: String,
    /// What it proves itself with; nothing when the device asks for none.
    pub credentials: Option<Credentials>,
    /// Where the client is to send its next message, where it differs from `address` (`RespURI`).
    pub response_uri: Option<String>,
    /// `MaxMsgSize` to name.
    pub max_message_size: Option<u64>,
    /// `MaxObjSize` to name.
    pub max_object_size: Option<u64>,
    /// Octets that nobody can guess and no other session has: nonces are made from them.
    pub seed: Vec<u8>,
}

impl ServerConfig {
    /// A server that names no limits.
    pub fn new(address: impl Into<String>, credentials: Option<Credentials>, seed: &[u8]) -> Self {
        Self {
            address: address.into(),
            credentials,
            response_uri: None,
            max_message_size: None,
            max_object_size: None,
            seed: seed.to_vec(),
        }
    }
}

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
    /// Whether there are credentials.
    pub has_credentials: bool,
}

/// Names a command of the caller's, to tell what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// What a message of the client meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
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
    /// What Gets found.
    pub results: Vec<CommandResults>,
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
    /// It has failed too often, and has not acted.
    Refused,
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

/// What is to be done after a message of the client. In any case it is answered with [`ServerSession::respond`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Commands may go out with the answer.
    Commands,
    /// The client is not done, or has to prove itself first: commands wait for a later answer.
    Wait,
    /// There will be no more commands: the client ended the session, or is refused, or refuses the server.
    Over,
}

/// A session of a server with a device.
pub struct ServerSession {
    config: ServerConfig,
    session_id: Option<String>,
    device: Address,
    client: Check,
    proof: Proof,
    nonces: Nonces,
    /// Number of the last message sent.
    sent: u32,
    answer: Option<Answer>,
    waiting: VecDeque<(Tag, Command)>,
    /// What went out with the last message, in case it has to go again.
    last_commands: Vec<(Tag, Command)>,
    /// By message and command identifier.
    known: BTreeMap<(String, String), Known>,
    is_over: bool,
}

struct Known {
    tag: Tag,
    member: Vec<usize>,
    is_answered: bool,
}

/// What the next message has to say of the last one of the client.
struct Answer {
    header: Header,
    code: StatusCode,
    challenge: Option<Challenge>,
    statuses: Vec<(String, &'static str, StatusCode)>,
    /// Whether the client has more to say before it is the server's turn.
    is_unfinished: bool,
    turn: Turn,
}

impl ServerSession {
    /// Whose message it is.
    pub fn peek(message: &Message) -> Peek {
        let header = &message.header;
        Peek {
            session_id: header.session_id.clone(),
            message_id: header.message_id.clone(),
            device_id: header.source.uri.clone(),
            user_name: header.source.name.clone(),
            has_credentials: header.credentials.is_some(),
        }
    }

    /// A session with a client that has to prove itself with these credentials, if with any.
    pub fn new(config: ServerConfig, client_credentials: Option<Credentials>) -> Self {
        let proof = Proof::new(config.credentials.clone());
        let nonces = Nonces::new(&config.seed);
        Self {
            config,
            session_id: None,
            device: Address::default(),
            client: Check::new(client_credentials),
            proof,
            nonces,
            sent: 0,
            answer: None,
            waiting: VecDeque::new(),
            last_commands: Vec::new(),
            known: BTreeMap::new(),
            is_over: false,
        }
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

    /// The commands that nothing has been said of, sent or not.
    pub fn unanswered(&self) -> Vec<Tag> {
        let mut tags: Vec<_> = self.waiting.iter().map(|(tag, _)| *tag).collect();
        let sent = self
            .known
            .values()
            .filter(|known| !known.is_answered && known.member.is_empty());
        tags.extend(sent.map(|known| known.tag));
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Takes a message of the client.
    pub fn receive(&mut self, message: &Message) -> Received {
        let header = &message.header;
        if self.session_id.is_none() {
            self.session_id = Some(header.session_id.clone());
            self.device.uri.clone_from(&header.source.uri);
        }
        let examined = self.client.examine(header, &mut self.nonces);
        let of_header = header_status(&message.commands, &self.sent.to_string());
        let standing = of_header.map(|status| self.proof.answered(status));
        let mut received = Received {
            authentication: self.client.authentication(),
            admission: Admission::Accepted,
            standing,
            alerts: Vec::new(),
            device_info: None,
            statuses: Vec::new(),
            results: Vec::new(),
            turn: Turn::Commands,
        };
        let mut statuses = Vec::new();
        if examined.is_admitted {
            self.proof.keep_nonce();
            statuses = answers(message);
            self.take(message, &mut received);
            received.turn = self.turn_after(message, standing);
        } else {
            // Nothing of a message that is refused is carried out, and all of it is answered (OMA-TS-DM_Protocol 9.1).
            let all = asking(&message.commands).into_iter();
            statuses.extend(all.map(|command| (command.id().to_owned(), command.name(), examined.code)));
            received.admission = if examined.is_hopeless {
                Admission::Refused
            } else {
                Admission::Challenged
            };
            received.turn = if examined.is_hopeless {
                Turn::Over
            } else {
                Turn::Wait
            };
        }
        if self.sent >= MAX_MESSAGES {
            received.turn = Turn::Over;
        }
        self.answer = Some(Answer {
            header: header.clone(),
            code: examined.code,
            challenge: examined.challenge,
            statuses,
            is_unfinished: examined.is_admitted && received.turn == Turn::Wait,
            turn: received.turn,
        });
        received
    }

    /// The answer to the last message: a Status for all of it, then the commands, if they may go now; they wait if not.
    pub fn respond(&mut self, commands: Vec<(Tag, Command)>) -> Message {
        self.waiting.extend(commands);
        self.sent = self.sent.saturating_add(1);
        let message_id = self.sent.to_string();
        let mut body = Body::default();
        let answer = self.answer.take();
        let turn = answer.as_ref().map_or(Turn::Commands, |answer| answer.turn);
        let mut is_final = true;
        if let Some(answer) = answer {
            let of = &answer.header;
            body.push_header_status(of, answer.code, answer.challenge);
            for (id, name, code) in &answer.statuses {
                body.push(Command::Status(status(&of.message_id, id, name, *code)));
            }
            // The rest of the client's package is asked for before anything else goes on (OMA-TS-DM_Protocol 6).
            if answer.is_unfinished {
                body.push_alert(AlertCode::NEXT_MESSAGE);
                is_final = false;
            }
        }
        self.last_commands.clear();
        if turn == Turn::Commands {
            for (tag, command) in self.waiting.drain(..) {
                let numbered = body.push(command);
                know(&mut self.known, &message_id, tag, numbered);
                self.last_commands.push((tag, numbered.clone()));
            }
        }
        self.client.told();
        self.is_over = turn == Turn::Over || (turn == Turn::Commands && self.last_commands.is_empty());
        Message {
            header: self.header(message_id),
            commands: body.commands,
            is_final,
        }
    }

    fn header(&self, message_id: String) -> Header {
        let credentials = self.proof.for_message();
        Header {
            session_id: self.session_id.clone().unwrap_or_default(),
            message_id,
            target: self.device.clone(),
            source: Address {
                uri: self.config.address.clone(),
                name: self
                    .proof
                    .name()
                    .filter(|_| credentials.is_some())
                    .map(str::to_owned),
            },
            response_uri: self.config.response_uri.clone(),
            credentials,
            max_message_size: self.config.max_message_size,
            max_object_size: self.config.max_object_size,
        }
    }

    fn turn_after(&mut self, message: &Message, standing: Option<Standing>) -> Turn {
        let is_aborted = message.commands.iter().any(
            |command| matches!(command, Command::Alert(alert) if alert.code == AlertCode::SESSION_ABORT),
        );
        if is_aborted || matches!(standing, Some(Standing::Refused(_))) {
            return Turn::Over;
        }
        if standing == Some(Standing::Challenged) {
            // What the client has not carried out of the last message goes again, with other credentials.
            let message_id = self.sent.to_string();
            self.known
                .retain(|(of, _), known| *of != message_id || known.is_answered);
            for (tag, command) in self.last_commands.drain(..).rev() {
                let place = (message_id.clone(), command.id().to_owned());
                if !self.known.contains_key(&place) {
                    self.waiting.push_front((tag, command));
                }
            }
        }
        if message.is_final {
            Turn::Commands
        } else {
            Turn::Wait
        }
    }

    /// Sorts what is in a message of a client that may act.
    fn take(&mut self, message: &Message, received: &mut Received) {
        let is_refused = matches!(
            received.standing,
            Some(Standing::Challenged | Standing::Refused(_))
        );
        for command in &message.commands {
            match command {
                Command::Alert(alert) => received.alerts.push(alert.clone()),
                Command::Replace(replace) => {
                    if let Ok(device_info) = DeviceInfo::from_command(replace) {
                        received.device_info = Some(device_info);
                    }
                }
                // That a command was not carried out for want of credentials is not what became of it: it goes again.
                Command::Status(status) if !(is_refused && is_for_credentials(status.code)) => {
                    let place = (status.message_ref.clone(), status.command_ref.clone());
                    let Some(known) = self.known.get_mut(&place) else {
                        continue;
                    };
                    known.is_answered = true;
                    received.statuses.push(CommandStatus {
                        tag: known.tag,
                        member: known.member.clone(),
                        targets: status.target_refs.clone(),
                        code: status.code,
                        items: status.items.clone(),
                    });
                }
                Command::Results(results) => {
                    let place = (results.message_ref.clone(), results.command_ref.clone());
                    let Some(known) = self.known.get(&place) else {
                        continue;
                    };
                    received.results.push(CommandResults {
                        tag: known.tag,
                        member: known.member.clone(),
                        items: results.items.clone(),
                    });
                }
                _ => {}
            }
        }
    }
}

/// What a server says of what a client sent: it takes Alerts and device information, and nothing else is for a client to
/// send (OMA-TS-DM_Protocol 8).
fn answers(message: &Message) -> Vec<(String, &'static str, StatusCode)> {
    let code = |command: &Command| match command {
        Command::Alert(alert) if alert.code.0 < 1200 => StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED,
        Command::Alert(_) => StatusCode::OK,
        Command::Replace(replace) if replace.items.iter().all(|item| item.source.is_some()) => StatusCode::OK,
        _ => StatusCode::COMMAND_NOT_ALLOWED,
    };
    let all = asking(&message.commands).into_iter();
    all.map(|command| (command.id().to_owned(), command.name(), code(command)))
        .collect()
}

fn is_for_credentials(code: StatusCode) -> bool {
    matches!(
        code,
        StatusCode::INVALID_CREDENTIALS | StatusCode::MISSING_CREDENTIALS
    )
}

/// Remembers under which identifiers a command and its members went out.
fn know(known: &mut BTreeMap<(String, String), Known>, message_id: &str, tag: Tag, command: &Command) {
    let mut waiting = vec![(Vec::new(), command)];
    while let Some((member, command)) = waiting.pop() {
        if let Command::Atomic(group) | Command::Sequence(group) = command {
            for (index, inner) in group.commands.iter().enumerate() {
                waiting.push(([member.as_slice(), &[index]].concat(), inner));
            }
        }
        let place = (message_id.to_owned(), command.id().to_owned());
        known.insert(
            place,
            Known {
                tag,
                member,
                is_answered: false,
            },
        );
    }
}
