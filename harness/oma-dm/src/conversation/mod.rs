//! The messages of a session against the rules that hold between them: what is answered, by whom, when and in which order.
//!
//! A single message cannot tell whether it was to be sent: a session can. Everything is noted, with the rule that it breaks;
//! what follows from a breach is not noted on top of it.
//!
//! ```
//! use oma_dm::conversation::{self, Irregularity, Sender};
//! use oma_dm::syncml::{self, Encoding};
//!
//! let octets: [&[u8]; 3] = [
//!     include_bytes!("../../tests/worked-session/1-client-package1.xml"),
//!     include_bytes!("../../tests/worked-session/2-server-package2.xml"),
//!     include_bytes!("../../tests/worked-session/3-client-package3.xml"),
//! ];
//! let messages = octets.map(|octets| syncml::read(octets, Encoding::Xml).expect("it is a message").message);
//! let [package_1, package_2, package_3] = &messages;
//! let turns = [(Sender::Client, package_1), (Sender::Server, package_2), (Sender::Client, package_3)];
//! // The server's last word is missing, and nothing else.
//! let notes = conversation::check(turns);
//! assert_eq!(notes.len(), 1);
//! assert_eq!((notes[0].sender, &notes[0].irregularity), (Sender::Server, &Irregularity::BrokenOff));
//! ```

use std::fmt;

use crate::syncml::{AlertCode, Command, Header, Message, Status, StatusCode};

mod addresses;
mod answers;
mod chunks;
mod irregularity;
mod ledger;
mod setup;
#[cfg(test)]
mod tests;

pub use irregularity::{Irregularity, Strength};

use addresses::Addresses;
use ledger::Ledger;
use setup::Setup;

/// One of the two ends of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sender {
    /// The device.
    Client,
    /// The management server.
    Server,
}

impl Sender {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// Something that is not as it should be in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The message that it is noted in, counted from 0 in the order in which they were taken; the one that is missing
    /// where one is.
    pub message: usize,
    /// Who is to blame: the sender of that message.
    pub sender: Sender,
    /// `CmdID` of the part of that message that is concerned, if one is
    /// ([`Reading::command`](crate::syncml::Reading::command) finds its place).
    pub command: Option<String>,
    /// What is not as it should be.
    pub irregularity: Irregularity,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} ({})", self.message + 1, self.sender)?;
        if let Some(command) = &self.command {
            write!(f, ", CmdID {command}")?;
        }
        write!(f, ": {} ({})", self.irregularity, self.irregularity.section())
    }
}

/// Checks a session that is over: all of its messages, in order.
pub fn check<'m>(messages: impl IntoIterator<Item = (Sender, &'m Message)>) -> Vec<Note> {
    let mut conversation = Conversation::new();
    let mut notes = Vec::new();
    for (sender, message) in messages {
        notes.extend(conversation.take(sender, message));
    }
    notes.extend(conversation.end());
    notes
}

/// A session as it goes on.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    taken: usize,
    last: Option<Sender>,
    session_id: Option<String>,
    addresses: Addresses,
    client: Ledger,
    server: Ledger,
    setup: Setup,
    /// Whose package is unfinished.
    unfinished: Option<Sender>,
    /// Whose last message was refused for its credentials.
    refused: Option<Sender>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The server has asked for nothing in what it sent last, but not ended its package.
    Idle,
    /// The client has ended it; the server has a last word.
    AbortedByClient,
    /// The server has nothing that is to be answered: the client says no more, unless it has something of its own to say. What is
    /// forbidden is a message with nothing but the Status for the header (OMA-TS-DM_Protocol 8).
    Over,
    /// It was broken off: nobody says any more.
    Aborted,
}

/// A message and what it means as a whole.
struct Turn<'m> {
    sender: Sender,
    message: &'m Message,
    /// The code with which it refuses the last message of the other end for its credentials.
    refusal: Option<StatusCode>,
    is_abort: bool,
    asks_on: bool,
}

struct Notes {
    message: usize,
    sender: Sender,
    found: Vec<Note>,
}

impl Notes {
    fn note(&mut self, command: Option<&str>, irregularity: Irregularity) {
        self.found.push(Note {
            message: self.message,
            sender: self.sender,
            command: command.map(str::to_owned),
            irregularity,
        });
    }
}

impl Conversation {
    /// A session of which nothing has been said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next message: what is not as it should be with it, or missing in it.
    pub fn take(&mut self, sender: Sender, message: &Message) -> Vec<Note> {
        let mut notes = Notes {
            message: self.taken,
            sender,
            found: Vec::new(),
        };
        self.taken += 1;
        let (_, other) = self.ends(sender);
        let turn = Turn {
            sender,
            message,
            refusal: refusal(message, other.last()),
            is_abort: has_alert(message, AlertCode::SESSION_ABORT),
            asks_on: has_alert(message, AlertCode::NEXT_MESSAGE),
        };
        self.check_turn(sender, message, &mut notes);
        self.check_header(sender, &message.header, &mut notes);
        self.check_answers(&turn, &mut notes);
        self.check_what_is_due(&turn, &mut notes);
        self.check_commands(&turn, &mut notes);
        self.check_package(&turn, &mut notes);
        if sender == Sender::Client && !turn.is_abort {
            self.setup.check(message, &mut notes);
        }
        let (own, other) = self.ends(sender);
        if has_alert(message, AlertCode::NO_END_OF_DATA) {
            other.chunks.drop_object();
        } else if turn.refusal.is_some() {
            // What proves the sender may change between two parts, and a refused part is said again (OMA-TS-DM_Protocol 7).
            other.chunks.take_back();
        }
        for (command, irregularity) in own.chunks.take(message) {
            notes.note(command.as_deref(), irregularity);
        }
        own.enter(message);
        self.go_on(&turn);
        notes.found
    }

    /// Whether nobody has to say any more. A client may all the same, and may repeat what it said last.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over | State::Aborted)
    }

    /// What is missing when nothing more comes. No specification has a time limit: whether the end came too early is for
    /// the caller to say.
    pub fn end(&self) -> Vec<Note> {
        let (message, sender, irregularity) = match (self.last, self.state) {
            (None, _) | (_, State::Over | State::Aborted) => return Vec::new(),
            (Some(Sender::Server), State::Idle) => {
                (self.taken - 1, Sender::Server, Irregularity::MissingFinal)
            }
            (Some(last), _) => (self.taken, last.other(), Irregularity::BrokenOff),
        };
        vec![Note {
            message,
            sender,
            command: None,
            irregularity,
        }]
    }

    /// The ledgers of a sender and of the other end.
    fn ends(&mut self, sender: Sender) -> (&mut Ledger, &mut Ledger) {
        match sender {
            Sender::Client => (&mut self.client, &mut self.server),
            Sender::Server => (&mut self.server, &mut self.client),
        }
    }

    fn check_turn(&mut self, sender: Sender, message: &Message, notes: &mut Notes) {
        let is_over = match self.state {
            State::Over => demands(message).next().is_none(),
            State::Aborted => true,
            State::Open | State::Idle | State::AbortedByClient => false,
        };
        if self.last.unwrap_or(Sender::Server) == sender {
            notes.note(None, Irregularity::OutOfTurn);
        } else if is_over && sender == Sender::Client {
            notes.note(None, Irregularity::AfterEnd);
        }
        self.last = Some(sender);
    }

    fn check_header(&mut self, sender: Sender, header: &Header, notes: &mut Notes) {
        let expected = self
            .session_id
            .get_or_insert_with(|| header.session_id.clone())
            .clone();
        if expected != header.session_id {
            let found = header.session_id.clone();
            notes.note(None, Irregularity::SessionChanged { expected, found });
        }
        let (own, _) = self.ends(sender);
        if own.has_sent(&header.message_id) {
            notes.note(None, Irregularity::MessageIdReused(header.message_id.clone()));
        }
        for irregularity in self.addresses.take(sender, header) {
            notes.note(None, irregularity);
        }
    }

    /// What a message asks for, apart from its answers.
    fn check_commands(&self, turn: &Turn<'_>, notes: &mut Notes) {
        let is_early = turn.sender == Sender::Server
            && (self.unfinished == Some(Sender::Client) || self.server.is_waiting());
        let is_aborted = turn.sender == Sender::Server && self.state == State::AbortedByClient;
        // A client whose own message was refused goes back to package 1, whatever it thinks of the server.
        let is_refusal_only = turn.refusal.is_some() && self.refused != Some(turn.sender);
        for command in demands(turn.message) {
            let name = command.name();
            let wrong = match turn.sender {
                Sender::Client => self.setup.wrong_for_client(command),
                Sender::Server => wrong_for_server(command),
            };
            let irregularity = match wrong {
                Some(irregularity) => irregularity,
                None if is_housekeeping(command) => continue,
                None if is_refusal_only => Irregularity::MoreThanRefusal(name),
                None if is_aborted => Irregularity::AfterAbort(name),
                None if is_early => Irregularity::TooEarly(name),
                None => continue,
            };
            notes.note(Some(command.id()), irregularity);
        }
    }

    fn check_package(&self, turn: &Turn<'_>, notes: &mut Notes) {
        if turn.is_abort {
            if !turn.message.is_final {
                notes.note(None, Irregularity::MissingFinal);
            }
            return;
        }
        if turn.refusal.is_some() || self.unfinished != Some(turn.sender.other()) {
            return;
        }
        let says_more = turn.message.commands.iter().any(|command| match command {
            Command::Status(_) => false,
            Command::Results(_) => true,
            command => !is_housekeeping(command),
        });
        if turn.message.is_final {
            notes.note(None, Irregularity::FinalTooEarly);
        } else if !turn.asks_on && !says_more {
            notes.note(None, Irregularity::NotAskedOn);
        }
    }

    /// Where the session stands after a message.
    fn go_on(&mut self, turn: &Turn<'_>) {
        // Final beside a part of an object is noted; the object goes on all the same.
        let (own, _) = self.ends(turn.sender);
        let is_final = turn.message.is_final && !own.chunks.is_open();
        self.unfinished = match self.unfinished {
            _ if turn.refusal.is_some() || turn.is_abort => None,
            Some(sender) if sender == turn.sender && is_final => None,
            None if !is_final => Some(turn.sender),
            unchanged => unchanged,
        };
        if turn.sender == Sender::Server {
            let is_refused = turn.refusal.is_some();
            let is_complete = self.unfinished != Some(Sender::Client);
            self.setup.answered(is_refused, is_complete);
        }
        self.refused = turn.refusal.map(|_| turn.sender.other());
        let asks = demands(turn.message).next().is_some() || turn.refusal.is_some();
        self.state = match (turn.sender, self.state) {
            // What the server makes of a message after the end is its own affair.
            (Sender::Client, State::Aborted) => State::Aborted,
            (Sender::Client, State::Over) if !asks => State::Over,
            (Sender::Client, _) if turn.is_abort => State::AbortedByClient,
            (Sender::Client, _) => State::Open,
            (Sender::Server, State::AbortedByClient) => State::Aborted,
            (Sender::Server, _) if turn.is_abort => State::Aborted,
            (Sender::Server, _) if !asks && is_final => State::Over,
            (Sender::Server, _) if !asks => State::Idle,
            (Sender::Server, _) => State::Open,
        };
    }
}

/// The code with which a message refuses another one for its credentials.
fn refusal(message: &Message, of: &str) -> Option<StatusCode> {
    message.commands.iter().find_map(|command| match command {
        Command::Status(status) if is_refusal(status) && status.message_ref == of => Some(status.code),
        _ => None,
    })
}

/// Whether it refuses a message for its credentials.
fn is_refusal(status: &Status) -> bool {
    let is_for_credentials = matches!(
        status.code,
        StatusCode::INVALID_CREDENTIALS | StatusCode::MISSING_CREDENTIALS
    );
    status.command_ref == "0" && is_for_credentials
}

fn has_alert(message: &Message, code: AlertCode) -> bool {
    message
        .commands
        .iter()
        .any(|command| matches!(command, Command::Alert(alert) if alert.code == code))
}

/// What a message says of its own accord.
fn demands(message: &Message) -> impl Iterator<Item = &Command> {
    message
        .commands
        .iter()
        .filter(|command| !matches!(command, Command::Status(_) | Command::Results(_)))
}

/// Whether it is an Alert about the exchange of messages itself.
fn is_housekeeping(command: &Command) -> bool {
    matches!(command, Command::Alert(alert) if matches!(
        alert.code,
        AlertCode::NEXT_MESSAGE | AlertCode::SESSION_ABORT | AlertCode::NO_END_OF_DATA
    ))
}

fn wrong_for_server(command: &Command) -> Option<Irregularity> {
    match command {
        Command::Alert(alert) if matches!(alert.code.0, 1200 | 1201 | 1224 | 1226) => {
            Some(Irregularity::WrongWay(alert.code))
        }
        _ => None,
    }
}
