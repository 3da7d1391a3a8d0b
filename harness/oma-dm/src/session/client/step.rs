//! What a device makes of one message of the server: who may act, and what is said next.

use super::{ClientSession, End, Step};
use crate::session::body::{alert, asking, has_alert, header_status, status, status_of_header};
use crate::session::check::Examined;
use crate::session::packer::{Measure, Packer};
use crate::session::{Carried, Device, Standing};
use crate::syncml::{Address, AlertCode, Command, Header, Message, StatusCode};

/// Most things that wait to be said.
const MAX_WAITING: usize = 10_000;

impl ClientSession {
    /// The Alert and the device information, then the events.
    pub(super) fn package_1(&mut self) -> Message {
        let why = alert(self.config.alert, Vec::new());
        let device_info = self.config.device_info.to_command("");
        for command in [why, device_info] {
            self.outbox.push(None, vec![command]);
        }
        for event in std::mem::take(&mut self.config.events) {
            self.push_event(event);
        }
        let packer = self.begin(None);
        self.fill(packer)
    }

    pub(super) fn step(&mut self, carried: &Carried<'_>, device: &mut dyn Device) -> Step {
        let message = carried.message;
        let header = &message.header;
        if let Some(uri) = header.response_uri.as_ref().filter(|uri| !uri.is_empty()) {
            self.address.clone_from(uri);
        }
        self.max_message = header.max_message_size.or(self.max_message);
        self.max_object = header.max_object_size.or(self.max_object);
        let standing = header_status(&message.commands, &self.sent.to_string())
            .map(|status| self.proof.answered(status));
        let examined = self.server.examine(carried, &mut self.nonces);
        if examined.is_admitted {
            self.proof.keep_nonce();
        }
        match standing {
            Some(Standing::Refused(code)) => return Step::Ended(End::Refused(code)),
            Some(Standing::NoCommonScheme(code)) => return Step::Ended(End::NoCommonScheme(code)),
            _ => {}
        }
        if has_alert(&message.commands, AlertCode::SESSION_ABORT) {
            return Step::Ended(End::Aborted);
        }
        if standing == Some(Standing::Challenged) {
            // What was refused goes again: of package 1 all of it (OMA-TS-DM_Protocol 9).
            self.outbox.take_back(|_| true);
            let packer = self.refuse(message, examined, StatusCode::NOT_EXECUTED);
            return Step::Send(Box::new(self.fill(packer)));
        }
        self.outbox.delivered();
        if !examined.is_admitted {
            // One that gives neither credentials nor commands is not asked for any (OMA-TS-DM_Protocol 9).
            let asks_nothing = message.is_final && asking(&message.commands).is_empty();
            if asks_nothing || examined.is_hopeless {
                return Step::Ended(End::ServerNotAuthenticated(self.server.authentication()));
            }
            let code = examined.code;
            let is_final = message.is_final && self.outbox.is_empty();
            let packer = self.refuse(message, examined, code);
            return Step::Send(Box::new(packer.finish(is_final)));
        }
        self.note_statuses(&message.commands);
        let asks_nothing = asking(&message.commands).is_empty();
        self.carry_out(message, device);
        // One that asks on only has not begun a package.
        if !asks_on_only(&message.commands) || message.is_final {
            self.is_server_done = message.is_final && !self.inbound.is_open();
        }
        // Only a Status for the header would be left to say (OMA-TS-DM_Protocol 8).
        if asks_nothing && self.is_server_done && self.outbox.is_empty() {
            return Step::Ended(End::Finished);
        }
        if self.outbox.len() > MAX_WAITING {
            return Step::Ended(End::TooMuch);
        }
        let packer = self.begin(Some((header, examined)));
        Step::Send(Box::new(self.fill(packer)))
    }

    /// A Status for the header and the same code for each command, none of which is carried out.
    fn refuse(&mut self, message: &Message, examined: Examined, code: StatusCode) -> Packer {
        let of = &message.header.message_id;
        let mut packer = self.begin(Some((&message.header, examined)));
        for command in asking(&message.commands) {
            let refusal = Command::Status(status(of, command.id(), command.name(), code));
            // What does not fit goes without saying: what is refused is sent again.
            if packer.fits(std::slice::from_ref(&refusal)) {
                packer.push(refusal);
            }
        }
        packer
    }

    /// The next message, with the Status for the header that it answers.
    fn begin(&mut self, answered: Option<(&Header, Examined)>) -> Packer {
        self.sent = self.sent.saturating_add(1);
        self.part = None;
        self.server.told();
        let mut packer = self.packer();
        if let Some((header, examined)) = answered {
            packer.push(status_of_header(header, examined.code, examined.challenge));
        }
        packer
    }

    /// Adds what fits of what is waiting, and asks for the rest of the server's package once nothing is.
    fn fill(&mut self, mut packer: Packer) -> Message {
        for put in self.outbox.fill(&mut packer, None) {
            let command = &packer.commands()[put.index];
            if put.goes_on {
                self.part = Some(command.id().to_owned());
            }
            if let Command::Alert(alert) = command {
                let place = (self.sent.to_string(), alert.id.clone());
                self.alerts.insert(place, alert.code);
            }
        }
        let is_done = self.outbox.is_empty();
        if is_done && !self.is_server_done {
            packer.push(alert(AlertCode::NEXT_MESSAGE, Vec::new()));
        }
        packer.finish(is_done && self.is_server_done)
    }

    /// An empty message, with the number of the last one.
    pub(super) fn packer(&self) -> Packer {
        let header = Header {
            session_id: self.config.session_id.clone(),
            message_id: self.sent.to_string(),
            target: self.address.as_str().into(),
            source: Address {
                uri: self.config.device_info.device_id.clone(),
                name: self.proof.name().map(str::to_owned),
            },
            response_uri: None,
            credentials: self.proof.for_message(),
            max_message_size: self.config.max_message_size,
            max_object_size: self.config.max_object_size,
        };
        let measure = Measure {
            encoding: self.config.encoding,
            limit: self.max_message,
        };
        Packer::new(header, measure)
    }
}

/// Whether there are but notices, and one of them asks for the rest of the device's package.
fn asks_on_only(commands: &[Command]) -> bool {
    let are_notices = asking(commands)
        .iter()
        .all(|command| matches!(command, Command::Alert(_)));
    are_notices && has_alert(commands, AlertCode::NEXT_MESSAGE)
}
