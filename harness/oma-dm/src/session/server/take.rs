//! What a server takes out of a message of the client.

use super::{
    Admission, Answer, CommandResults, CommandStatus, LastContent, Next, Received, Refused, ServerSession,
    Turn,
};
use crate::devinfo::DeviceInfo;
use crate::session::body::{alert, asking, has_alert, header_status, status};
use crate::session::large_object::{Part, Taken};
use crate::session::{Carried, MAX_MESSAGES, Order, Standing};
use crate::syncml::{Alert, AlertCode, Command, Item, Message, Results, Status, StatusCode};

/// Most commands of a client's package.
const MAX_OWED: usize = 10_000;

impl ServerSession {
    /// Takes a message of the client, with what digests of whole messages are checked with.
    pub fn receive_carried(&mut self, carried: Carried<'_>) -> Received {
        let message = carried.message;
        let order = self.of_client.place(message);
        let mut received = self.received(order);
        match order {
            Order::Repeated if self.answer.is_some() => {}
            Order::Repeated => self.answer = Some(self.repeat(message)),
            Order::Misplaced => {
                received.admission = Admission::Misplaced;
                self.answer = Some(Answer {
                    header: message.header.clone(),
                    code: StatusCode::BAD_REQUEST,
                    challenge: None,
                    is_repeated: false,
                    next: Next::TurnAway {
                        commands: refused(message),
                    },
                });
            }
            Order::Next | Order::Jumped => {
                self.answer = Some(self.take_in_order(&carried, &mut received));
            }
        }
        received
    }

    /// The same answer to the same message.
    fn repeat(&self, message: &Message) -> Answer {
        let (code, challenge, next) = match self.last.as_ref().map(|last| &last.content) {
            Some(LastContent::Refusal { code, challenge }) => {
                let next = Next::Refuse {
                    commands: refused(message),
                    is_final: message.is_final,
                    is_over: self.is_over,
                };
                (*code, challenge.clone(), next)
            }
            _ => (StatusCode::OK, None, Next::Repeat),
        };
        Answer {
            header: message.header.clone(),
            code,
            challenge,
            is_repeated: true,
            next,
        }
    }

    fn received(&self, order: Order) -> Received {
        Received {
            order,
            authentication: self.client.authentication(),
            admission: self.admission,
            standing: None,
            alerts: Vec::new(),
            device_info: None,
            statuses: Vec::new(),
            results: Vec::new(),
            lost_results: Vec::new(),
            turn: Turn::Wait,
        }
    }

    fn take_in_order(&mut self, carried: &Carried<'_>, received: &mut Received) -> Answer {
        let message = carried.message;
        let header = &message.header;
        if self.session_id.is_none() {
            self.session_id = Some(header.session_id.clone());
            self.device.uri.clone_from(&header.source.uri);
        }
        self.max_message = header.max_message_size.or(self.max_message);
        self.max_object = header.max_object_size.or(self.max_object);
        let examined = self.client.examine(carried, &mut self.nonces);
        let of_header = header_status(&message.commands, &self.last_message_id());
        let standing = of_header.map(|status| self.proof.answered(status));
        received.authentication = self.client.authentication();
        received.standing = standing;
        let next = if examined.is_admitted {
            self.proof.keep_nonce();
            received.admission = Admission::Accepted;
            self.take(message, received);
            self.note_delivery(standing);
            self.next_after(message, standing)
        } else {
            self.note_delivery(standing);
            received.admission = match examined.is_hopeless {
                true => Admission::Refused,
                false => Admission::Challenged,
            };
            // Nothing of a message that is refused is carried out, and all of it is answered (OMA-TS-DM_Protocol 9.1).
            Next::Refuse {
                commands: refused(message),
                is_final: message.is_final,
                is_over: examined.is_hopeless || self.sent >= MAX_MESSAGES,
            }
        };
        self.admission = received.admission;
        // An end without agreement is told to a client that has not asked for it.
        let is_too_much = self.sent >= MAX_MESSAGES || self.owed.len() > MAX_OWED;
        let next = match next {
            Next::AskOn | Next::Speak if self.is_closed => Next::Close { aborts: false },
            Next::AskOn | Next::Speak if is_too_much => Next::Close { aborts: true },
            next => next,
        };
        received.turn = match &next {
            Next::Speak if message.is_final || standing == Some(Standing::Challenged) => Turn::Commands,
            Next::Close { .. } | Next::Refuse { is_over: true, .. } => Turn::Over,
            _ => Turn::Wait,
        };
        Answer {
            header: header.clone(),
            code: examined.code,
            challenge: examined.challenge,
            is_repeated: false,
            next,
        }
    }

    /// MsgID of the message that the client answers.
    fn last_message_id(&self) -> String {
        self.last.as_ref().map(|last| last.id.clone()).unwrap_or_default()
    }

    /// What the client has not carried out of the last message goes again, with other credentials.
    fn note_delivery(&mut self, standing: Option<Standing>) {
        if standing != Some(Standing::Challenged) {
            self.owed.delivered();
            self.commands.delivered();
            return;
        }
        let message_id = self.last_message_id();
        let mut answered = Vec::new();
        self.known.retain(|(of, _), known| {
            let is_of_last = *of == message_id;
            if is_of_last && known.is_answered && known.member.is_empty() {
                answered.push(known.tag);
            }
            !is_of_last || known.is_answered
        });
        self.owed.take_back(|_| true);
        self.commands.take_back(|tag| !answered.contains(&tag));
    }

    fn next_after(&self, message: &Message, standing: Option<Standing>) -> Next {
        let is_refused = matches!(standing, Some(Standing::Refused(_) | Standing::NoCommonScheme(_)));
        if is_refused || has_alert(&message.commands, AlertCode::SESSION_ABORT) {
            return Next::Close { aborts: false };
        }
        // What the client did not take goes again at once.
        if standing == Some(Standing::Challenged) || (message.is_final && !self.inbound.is_open()) {
            return Next::Speak;
        }
        // One that asks on has nothing to say itself, before the server has closed its package.
        match self.is_unfinished && has_alert(&message.commands, AlertCode::NEXT_MESSAGE) {
            true => Next::Speak,
            false => Next::AskOn,
        }
    }

    /// Sorts what is in a message of a client that may act.
    fn take(&mut self, message: &Message, received: &mut Received) {
        let is_refused = matches!(
            received.standing,
            Some(Standing::Challenged | Standing::Refused(_) | Standing::NoCommonScheme(_))
        );
        let of = message.header.message_id.as_str();
        let mut has_part = false;
        for command in &message.commands {
            match command {
                // That a command was not carried out for want of credentials is not what became of it: it goes again.
                Command::Status(status) if is_refused && is_for_credentials(status.code) => {}
                Command::Status(status) => self.take_status(status, received),
                Command::Results(_) => {
                    if !self.inbound.continues(command) {
                        self.tell_interrupted(received);
                    }
                    has_part |= self.take_results(of, command, received);
                }
                Command::Alert(alert) => {
                    received.alerts.push(alert.clone());
                    if alert.code == AlertCode::NO_END_OF_DATA {
                        self.commands.give_up_object();
                    }
                }
                Command::Replace(replace) => {
                    if let Ok(device_info) = DeviceInfo::from_command(replace) {
                        received.device_info = Some(device_info);
                    }
                }
                _ => {}
            }
        }
        if message.is_final && !has_part {
            self.tell_interrupted(received);
        }
        for command in asking(&message.commands) {
            let answer = status(of, command.id(), command.name(), code_of(command));
            self.owed.push(None, vec![Command::Status(answer)]);
        }
    }

    fn take_status(&mut self, status: &Status, received: &mut Received) {
        let place = (status.message_ref.clone(), status.command_ref.clone());
        let Some(known) = self.known.get_mut(&place) else {
            return;
        };
        known.is_answered = true;
        // That a part was taken is not what became of the command.
        if known.goes_on {
            if status.code == StatusCode::CHUNK_ACCEPTED {
                return;
            }
            known.goes_on = false;
            self.commands.give_up_object();
        }
        received.statuses.push(CommandStatus {
            tag: known.tag,
            member: known.member.clone(),
            targets: status.target_refs.clone(),
            code: status.code,
            items: status.items.clone(),
        });
    }

    /// The command that Results refer to. Without `MsgRef`, which may be left out, it is that of the last message with such a command.
    fn place_of(&self, results: &Results) -> (String, String) {
        let place = (results.message_ref.clone(), results.command_ref.clone());
        if !place.0.is_empty() {
            return place;
        }
        let same = self.known.keys().filter(|(_, command)| *command == place.1);
        let last = same.max_by_key(|(message, _)| message.parse::<u64>().unwrap_or(0));
        last.cloned().unwrap_or(place)
    }

    /// Takes what a Get found, or a part of it; whether it was a part, and more is to come.
    fn take_results(&mut self, of: &str, command: &Command, received: &mut Received) -> bool {
        let Command::Results(results) = command else {
            return false;
        };
        let place = self.place_of(results);
        let Some((tag, member)) = self
            .known
            .get(&place)
            .map(|known| (known.tag, known.member.clone()))
        else {
            return false;
        };
        let mut found = |command| {
            if let Command::Results(Results { items, .. }) = command {
                let member = member.clone();
                received.results.push(CommandResults { tag, member, items });
            }
        };
        let (code, item) = match self.inbound.take(command) {
            Taken::Whole(whole) => {
                found(*whole);
                return false;
            }
            Taken::Part(part) => {
                let Part { whole, item, code } = *part;
                whole.into_iter().for_each(found);
                (code, Some(item))
            }
            Taken::Refused(code) => (code, None),
        };
        if !code.is_success() {
            received.lost_results.push((tag, code));
        }
        // A Status for Results is there when it is not 200 (OMA-TS-DM_RepPro 6.5.1).
        let item: Item = item.unwrap_or_default();
        self.of_parts.push(Command::Status(Status {
            target_refs: item.target.into_iter().collect(),
            source_refs: item.source.into_iter().collect(),
            ..status(of, &results.id, "Results", code)
        }));
        self.inbound.is_open()
    }

    /// The rest of the object that is coming in will not come (OMA-TS-DM_Protocol 7).
    fn tell_interrupted(&mut self, received: &mut Received) {
        let Some(broken) = self.inbound.give_up() else {
            return;
        };
        let known = broken.of.and_then(|place| self.known.get(&place));
        let lost = known.map(|known| (known.tag, StatusCode::BAD_REQUEST));
        received.lost_results.extend(lost);
        self.of_parts
            .push(alert(AlertCode::NO_END_OF_DATA, vec![broken.item]));
    }
}

/// What a server says of what a client sent: it takes Alerts and device information, and nothing else is for a client to
/// send (OMA-TS-DM_Protocol 8).
fn code_of(command: &Command) -> StatusCode {
    match command {
        Command::Alert(alert) => code_of_alert(alert),
        Command::Replace(replace) if replace.items.iter().all(|item| item.source.is_some()) => StatusCode::OK,
        _ => StatusCode::COMMAND_NOT_ALLOWED,
    }
}

/// Questions to a user and unknown codes are not supported; an event that does not say of what kind it is is incomplete
/// (OMA-TS-DM_RepPro 7, OMA-TS-DM_Protocol 8.7).
fn code_of_alert(alert: &Alert) -> StatusCode {
    let is_described = |item: &Item| item.meta.media_type.is_some() && item.meta.format.is_some();
    match alert.code {
        AlertCode::SERVER_INITIATED
        | AlertCode::CLIENT_INITIATED
        | AlertCode::NEXT_MESSAGE
        | AlertCode::SESSION_ABORT
        | AlertCode::NO_END_OF_DATA => StatusCode::OK,
        AlertCode::CLIENT_EVENT | AlertCode::GENERIC => {
            match !alert.items.is_empty() && alert.items.iter().all(is_described) {
                true => StatusCode::OK,
                false => StatusCode::INCOMPLETE_COMMAND,
            }
        }
        _ => StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED,
    }
}

fn is_for_credentials(code: StatusCode) -> bool {
    matches!(
        code,
        StatusCode::INVALID_CREDENTIALS | StatusCode::MISSING_CREDENTIALS
    )
}

/// All that a message asks for.
fn refused(message: &Message) -> Vec<Refused> {
    let all = asking(&message.commands).into_iter();
    all.map(|command| (command.id().to_owned(), command.name()))
        .collect()
}
