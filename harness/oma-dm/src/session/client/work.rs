//! How a device carries out what a server commands, and what it has to say of it.

use super::ClientSession;
use crate::session::body::{alert, asking, status, status_of_header};
use crate::session::large_object::{Part, Taken};
use crate::session::outbox::octets_of_data;
use crate::session::{Device, UserAnswer};
use crate::syncml::{Alert, AlertCode, Challenge, Command, Item, Message, Results, Status, StatusCode};
use crate::tree::Outcome;

/// Most octets of results that wait to be taken by the server.
const MAX_PENDING: usize = 8 * 1024 * 1024;
/// Not all that is to be said of an Atomic fits in one message.
const ATOMIC_RESPONSE_TOO_LARGE: StatusCode = StatusCode(517);

impl ClientSession {
    /// Notes what the server says of the device's Alerts, and of the object that is on its way.
    pub(super) fn note_statuses(&mut self, commands: &[Command]) {
        for command in commands {
            let Command::Status(status) = command else {
                continue;
            };
            let is_of_part = self.part.as_ref() == Some(&status.command_ref)
                && status.message_ref == self.sent.to_string();
            if is_of_part && !status.code.is_success() {
                self.outbox.give_up_object();
            }
            let place = (status.message_ref.clone(), status.command_ref.clone());
            if let Some(alert) = self.alerts.remove(&place) {
                self.alert_statuses.push((alert, status.code));
            }
        }
    }

    pub(super) fn carry_out(&mut self, message: &Message, device: &mut dyn Device) {
        let of = message.header.message_id.as_str();
        let mut has_part = false;
        for command in &message.commands {
            match command {
                Command::Status(_) | Command::Results(_) => {}
                Command::Alert(alert) => self.take_alert(of, alert, device),
                _ => {
                    if !self.inbound.continues(command) {
                        self.tell_interrupted();
                    }
                    has_part |= self.take_command(of, command, device);
                }
            }
        }
        if message.is_final && !has_part {
            self.tell_interrupted();
        }
    }

    /// The rest of the object that is coming in will not come (OMA-TS-DM_Protocol 7).
    fn tell_interrupted(&mut self) {
        if let Some(broken) = self.inbound.give_up() {
            self.outbox
                .push(None, vec![alert(AlertCode::NO_END_OF_DATA, vec![broken.item])]);
        }
    }

    fn take_alert(&mut self, of: &str, alert: &Alert, device: &mut dyn Device) {
        let answer = match alert.code {
            code if code.is_for_user() => device.ask_user(alert),
            code => UserAnswer::of(code.answer_of_device()),
        };
        let answer = Command::Status(Status {
            items: answer.items,
            ..status(of, &alert.id, "Alert", answer.code)
        });
        match alert.code {
            // Before the rest of what it asks for.
            AlertCode::NEXT_MESSAGE => self.outbox.push_first(answer),
            _ => self.outbox.push(None, vec![answer]),
        }
        if alert.code == AlertCode::NO_END_OF_DATA {
            self.outbox.give_up_object();
        }
    }

    /// Carries out a command, or keeps a part of one; whether it was a part, and more is to come.
    fn take_command(&mut self, of: &str, command: &Command, device: &mut dyn Device) -> bool {
        let is_group = matches!(command, Command::Atomic(_) | Command::Sequence(_));
        // All of a group has to fit in one message (OMA-TS-DM_Protocol 6).
        if is_in_parts(command) && (is_group || !self.config.takes_large_objects) {
            for part in asking(std::slice::from_ref(command)) {
                let code = StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED;
                self.say_status(of, part, code, None);
            }
            return false;
        }
        match self.inbound.take(command) {
            Taken::Whole(command) => self.execute(of, &command, device),
            Taken::Refused(code) => self.say_status(of, command, code, None),
            Taken::Part(part) => {
                let Part { whole, item, code } = *part;
                if let Some(whole) = whole {
                    self.execute(of, &whole, device);
                }
                self.say_status(of, command, code, Some(item));
            }
        }
        self.inbound.is_open()
    }

    fn say_status(&mut self, of: &str, command: &Command, code: StatusCode, item: Option<Item>) {
        let item = item.unwrap_or_default();
        let answer = Status {
            target_refs: item.target.into_iter().collect(),
            source_refs: item.source.into_iter().collect(),
            ..status(of, command.id(), command.name(), code)
        };
        self.outbox.push(None, vec![Command::Status(answer)]);
    }

    fn execute(&mut self, of: &str, command: &Command, device: &mut dyn Device) {
        let is_atomic = matches!(command, Command::Atomic(_));
        if is_atomic && !self.has_room_for_answer(of, command) {
            let mut code = ATOMIC_RESPONSE_TOO_LARGE;
            for part in asking(std::slice::from_ref(command)) {
                self.say_status(of, part, code, None);
                code = StatusCode::NOT_EXECUTED;
            }
            return;
        }
        let outcomes = device.execute(&self.config.account.server_id, command);
        if outcomes.is_empty() {
            return self.say_status(of, command, StatusCode::COMMAND_FAILED, None);
        }
        let mut all = Vec::new();
        for outcome in outcomes {
            let answer = self.answer(of, outcome);
            if is_atomic {
                all.extend(answer);
            } else {
                // The Status first, then what was found (OMA-TS-DM_RepPro 6.6.12).
                answer
                    .into_iter()
                    .for_each(|command| self.outbox.push(None, vec![command]));
            }
        }
        if is_atomic {
            self.outbox.push(None, all);
        }
    }

    /// The Status for an outcome, and the Results if there are any that the server takes.
    fn answer(&self, of: &str, outcome: Outcome) -> Vec<Command> {
        let is_too_large = |item: &Item| {
            let octets = u64::try_from(octets_of_data(item)).unwrap_or(u64::MAX);
            self.max_object.is_some_and(|most| octets > most)
        };
        let octets: usize = outcome.results.iter().map(octets_of_data).sum();
        let has_room = self.outbox.octets().saturating_add(octets) <= MAX_PENDING;
        let fits = outcome.results.is_empty() || (has_room && !outcome.results.iter().any(is_too_large));
        let code = match fits {
            true => outcome.status,
            false => StatusCode::ENTITY_TOO_LARGE,
        };
        let mut answer = vec![Command::Status(Status {
            target_refs: outcome.target.into_iter().collect(),
            source_refs: outcome.source.into_iter().collect(),
            items: outcome.items,
            ..status(of, &outcome.command_id, outcome.command, code)
        })];
        if fits && !outcome.results.is_empty() {
            answer.push(Command::Results(Results {
                message_ref: of.to_owned(),
                command_ref: outcome.command_id,
                items: outcome.results,
                ..Results::default()
            }));
        }
        answer
    }

    /// Whether what there is to say of an Atomic fits in one message, since it has to be said in one.
    fn has_room_for_answer(&self, of: &str, atomic: &Command) -> bool {
        if self.max_message.is_none() {
            return true;
        }
        let mut packer = self.packer();
        let challenge = Challenge {
            scheme: crate::auth::MAC.to_owned(),
            format: Some("b64".to_owned()),
            next_nonce: Some("x".repeat(32)),
        };
        let header = crate::syncml::Header {
            message_id: of.to_owned(),
            target: self.config.device_info.device_id.as_str().into(),
            source: self.address.as_str().into(),
            ..crate::syncml::Header::default()
        };
        packer.push(status_of_header(&header, StatusCode::OK, Some(challenge)));
        let members = asking(std::slice::from_ref(atomic));
        let statuses = members.into_iter().flat_map(|member| {
            let items = items(member);
            let refs: Vec<_> = match items {
                [] => vec![Item::default()],
                items => items.to_vec(),
            };
            refs.into_iter().map(move |item| {
                Command::Status(Status {
                    target_refs: item.target.into_iter().collect(),
                    source_refs: item.source.into_iter().collect(),
                    ..status(of, member.id(), member.name(), StatusCode::OK)
                })
            })
        });
        packer.fits(&statuses.collect::<Vec<_>>())
    }
}

/// Whether something in it comes in more than one message.
fn is_in_parts(command: &Command) -> bool {
    asking(std::slice::from_ref(command))
        .into_iter()
        .any(|command| items(command).iter().any(|item| item.more_data))
}

fn items(command: &Command) -> &[Item] {
    match command {
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => &operation.items,
        _ => &[],
    }
}
