//! What a server answers.

use super::{Answer, Known, Last, LastContent, Next, ServerSession};
use crate::session::body::{alert, status, status_of_header};
use crate::session::outbox::{Outbox, Put};
use crate::session::packer::{Measure, Packer};
use crate::syncml::{Address, AlertCode, Command, Header, Message, StatusCode};

impl ServerSession {
    pub(super) fn compose(&mut self, answer: Option<Answer>) -> Message {
        let Some(answer) = answer else {
            let packer = self.begin(None);
            return self.speak(packer);
        };
        let last = self.last.as_ref().map(|last| &last.content);
        match (answer.next, last) {
            (Next::Repeat, Some(LastContent::All(message))) => Message::clone(message),
            (Next::TurnAway { commands }, _) => self.turn_away(&answer.header, commands),
            (next, _) => {
                let of_header = status_of_header(&answer.header, answer.code, answer.challenge.clone());
                let packer = match answer.is_repeated {
                    true => self.packer(of_header),
                    false => self.begin(Some(of_header)),
                };
                match next {
                    Next::Refuse {
                        commands,
                        is_final,
                        is_over,
                    } => {
                        let packer = refuse(packer, &answer.header, commands, answer.code);
                        self.is_over = is_over;
                        self.last = Some(Last {
                            id: self.sent.to_string(),
                            content: LastContent::Refusal {
                                code: answer.code,
                                challenge: answer.challenge,
                            },
                        });
                        packer.finish(is_final)
                    }
                    Next::AskOn => self.ask_on(packer),
                    Next::Close { aborts } => self.close(packer, aborts),
                    Next::Repeat | Next::TurnAway { .. } | Next::Speak => self.speak(packer),
                }
            }
        }
    }

    /// The next message, with the Status for the header that it answers.
    fn begin(&mut self, of_header: Option<Command>) -> Packer {
        self.sent = self.sent.saturating_add(1);
        self.client.told();
        match of_header {
            Some(of_header) => self.packer(of_header),
            None => Packer::new(self.header(), self.measure()),
        }
    }

    /// A message with the number of the last one, and a Status for a header.
    fn packer(&self, of_header: Command) -> Packer {
        let mut packer = Packer::new(self.header(), self.measure());
        packer.push(of_header);
        packer
    }

    fn keep(&mut self, message: Message) -> Message {
        self.last = Some(Last {
            id: message.header.message_id.clone(),
            content: LastContent::All(Box::new(message.clone())),
        });
        message
    }

    /// What a message that does not belong here gets: nothing about the session, which stays as it is.
    fn turn_away(&mut self, of: &Header, commands: Vec<Refused>) -> Message {
        self.sent = self.sent.saturating_add(1);
        let header = Header {
            session_id: of.session_id.clone(),
            message_id: self.sent.to_string(),
            target: of.source.uri.as_str().into(),
            source: self.config.address.as_str().into(),
            ..Header::default()
        };
        let code = StatusCode::BAD_REQUEST;
        let mut packer = Packer::new(header, self.measure());
        packer.push(status_of_header(of, code, None));
        refuse(packer, of, commands, code).finish(true)
    }

    /// The rest of the client's package is asked for before anything else goes on (OMA-TS-DM_Protocol 6).
    fn ask_on(&mut self, mut packer: Packer) -> Message {
        for of_part in std::mem::take(&mut self.of_parts) {
            packer.push(of_part);
        }
        packer.push(alert(AlertCode::NEXT_MESSAGE, Vec::new()));
        self.keep(packer.finish(false))
    }

    /// What is owed, then the commands: as many as fit, the rest of them in later packages.
    fn speak(&mut self, mut packer: Packer) -> Message {
        let mut asks = false;
        for of_part in std::mem::take(&mut self.of_parts) {
            asks |= !matches!(of_part, Command::Status(_));
            packer.push(of_part);
        }
        self.owed.fill(&mut packer, None);
        let mut put = Vec::new();
        if self.owed.is_empty() {
            put = self.commands.fill(&mut packer, self.max_object);
        }
        for put in &put {
            self.know(*put, &packer.commands()[put.index]);
        }
        // The rest of what is owed, or of an object, belongs to this package still; other commands go in one of their own.
        let goes_on = put.iter().any(|put| put.goes_on);
        let found_no_room = put.is_empty() && !self.commands.is_empty();
        self.is_unfinished = !self.owed.is_empty() || goes_on || found_no_room;
        self.is_over = !self.is_unfinished && put.is_empty() && !asks;
        self.keep(packer.finish(!self.is_unfinished))
    }

    fn close(&mut self, mut packer: Packer, aborts: bool) -> Message {
        for of_part in std::mem::take(&mut self.of_parts) {
            packer.push(of_part);
        }
        self.owed.fill(&mut packer, None);
        self.owed = Outbox::default();
        if aborts {
            packer.push(alert(AlertCode::SESSION_ABORT, Vec::new()));
        }
        self.is_over = true;
        self.is_closed = true;
        self.keep(packer.finish(true))
    }

    fn measure(&self) -> Measure {
        Measure {
            encoding: self.config.encoding,
            limit: self.max_message.into_iter().chain(self.config.longest_sent).min(),
        }
    }

    fn header(&self) -> Header {
        let credentials = self.proof.for_message();
        let has_proof = credentials.is_some() || self.proof.is_beside();
        Header {
            session_id: self.session_id.clone().unwrap_or_default(),
            message_id: self.sent.to_string(),
            target: self.device.clone(),
            source: Address {
                uri: self.config.address.clone(),
                name: self.proof.name().filter(|_| has_proof).map(str::to_owned),
            },
            response_uri: self.config.response_uri.clone(),
            credentials,
            max_message_size: self.config.max_message_size,
            max_object_size: self.config.max_object_size,
        }
    }

    /// Remembers under which identifiers a command and its members go out.
    fn know(&mut self, put: Put, command: &Command) {
        let Some(tag) = put.tag else {
            return;
        };
        let mut waiting = vec![(Vec::new(), command)];
        while let Some((member, command)) = waiting.pop() {
            if let Command::Atomic(group) | Command::Sequence(group) = command {
                for (index, inner) in group.commands.iter().enumerate() {
                    waiting.push(([member.as_slice(), &[index]].concat(), inner));
                }
            }
            let place = (self.sent.to_string(), command.id().to_owned());
            let known = Known {
                tag,
                member,
                is_answered: false,
                goes_on: put.goes_on,
            };
            self.known.insert(place, known);
        }
    }
}

/// A command that is refused: its identifier and its name.
pub(super) type Refused = (String, &'static str);

/// A Status for each command. What does not fit goes without saying: what is refused is sent again.
fn refuse(mut packer: Packer, of: &Header, commands: Vec<Refused>, code: StatusCode) -> Packer {
    for (id, name) in commands {
        let refusal = Command::Status(status(&of.message_id, &id, name, code));
        if packer.fits(std::slice::from_ref(&refusal)) {
            packer.push(refusal);
        }
    }
    packer
}
