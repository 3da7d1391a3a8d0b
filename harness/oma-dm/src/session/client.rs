//! A session as the device holds it.

use super::proof::{Check, Examined, Proof};
use super::{Authentication, Body, Device, MAX_MESSAGES, Nonces, Standing, asking, header_status, status};
use crate::account::Account;
use crate::devinfo::DeviceInfo;
use crate::syncml::{Address, Alert, AlertCode, Command, Header, Item, Message, Results, Status, StatusCode};
use crate::tree::Outcome;

/// What a device brings into a session.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The account of the server.
    pub account: Account,
    /// What the device says of itself.
    pub device_info: DeviceInfo,
    /// `SessionID`, unique for the device: up to four upper-case hexadecimal digits.
    pub session_id: String,
    /// Why there is a session: [`AlertCode::SERVER_INITIATED`] or [`AlertCode::CLIENT_INITIATED`].
    pub alert: AlertCode,
    /// `MaxMsgSize` to name.
    pub max_message_size: Option<u64>,
    /// `MaxObjSize` to name.
    pub max_object_size: Option<u64>,
    /// Octets that nobody can guess and no other session has: nonces are made from them.
    pub seed: Vec<u8>,
}

impl ClientConfig {
    /// A device that takes messages of 64 KiB.
    pub fn new(
        account: Account,
        device_info: DeviceInfo,
        session_id: impl Into<String>,
        alert: AlertCode,
        seed: &[u8],
    ) -> Self {
        Self {
            account,
            device_info,
            session_id: session_id.into(),
            alert,
            max_message_size: Some(64 * 1024),
            max_object_size: None,
            seed: seed.to_vec(),
        }
    }
}

/// What a device does after a message of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It sends this to [`ClientSession::address`], and waits for the answer.
    Send(Box<Message>),
    /// It sends nothing more.
    Ended(End),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server asked for nothing more.
    Finished,
    /// The server ended it (Alert 1223).
    Aborted,
    /// The server does not take the device's credentials, or refuses for another reason.
    Refused(StatusCode),
    /// The server did not prove itself.
    ServerNotAuthenticated(Authentication),
    /// It went on for [`MAX_MESSAGES`].
    TooLong,
}

/// A session of a device with a server.
pub struct ClientSession {
    config: ClientConfig,
    /// Where the next message goes.
    address: String,
    server: Check,
    proof: Proof,
    nonces: Nonces,
    /// Number of the last message sent.
    sent: u32,
    ended: Option<End>,
}

impl ClientSession {
    /// Begins a session: the device's first message.
    pub fn start(config: ClientConfig) -> (Self, Message) {
        let mut session = Self {
            address: config.account.address.clone(),
            server: Check::new(config.account.server_credentials.clone()),
            proof: Proof::new(config.account.client_credentials.clone()),
            nonces: Nonces::new(&config.seed),
            sent: 0,
            ended: None,
            config,
        };
        let message = session.package_1(Body::default());
        (session, message)
    }

    /// Where the next message goes: the account's address, or what the server said instead (`RespURI`).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What is known of the server.
    pub fn server_authentication(&self) -> Authentication {
        self.server.authentication()
    }

    /// What the server has said of the device's credentials.
    pub fn standing(&self) -> Standing {
        self.proof.standing()
    }

    /// Why the session ended, if it did.
    pub fn end(&self) -> Option<End> {
        self.ended
    }

    /// The account, with the nonces for the next session.
    pub fn into_account(self) -> Account {
        let mut account = self.config.account;
        account.client_credentials = self.proof.credentials().cloned();
        account.server_credentials = self.server.credentials().cloned();
        account
    }

    /// Takes a message of the server, and carries out its commands if it has proved itself.
    pub fn receive(&mut self, message: &Message, device: &mut dyn Device) -> Step {
        if let Some(end) = self.ended {
            return Step::Ended(end);
        }
        let step = self.step(message, device);
        if let Step::Ended(end) = step {
            self.ended = Some(end);
        }
        step
    }

    fn step(&mut self, message: &Message, device: &mut dyn Device) -> Step {
        if self.sent >= MAX_MESSAGES {
            return Step::Ended(End::TooLong);
        }
        if let Some(uri) = message.header.response_uri.as_ref().filter(|uri| !uri.is_empty()) {
            self.address.clone_from(uri);
        }
        let standing = header_status(&message.commands, &self.sent.to_string())
            .map(|status| self.proof.answered(status));
        let examined = self.server.examine(&message.header, &mut self.nonces);
        if examined.is_admitted {
            self.proof.keep_nonce();
        }
        if let Some(Standing::Refused(code)) = standing {
            return Step::Ended(End::Refused(code));
        }
        if message.commands.iter().any(is_abort) {
            return Step::Ended(End::Aborted);
        }
        let asking = asking(&message.commands);
        if standing == Some(Standing::Challenged) {
            // Back to package 1 (OMA-TS-DM_Protocol 9).
            let body = self.answer_all(message, &examined, &asking, StatusCode::NOT_EXECUTED);
            return Step::Send(Box::new(self.package_1(body)));
        }
        if !examined.is_admitted {
            // One that gives neither credentials nor commands is not asked for any (OMA-TS-DM_Protocol 9).
            if asking.is_empty() || examined.is_hopeless {
                return Step::Ended(End::ServerNotAuthenticated(self.server.authentication()));
            }
            let body = self.answer_all(message, &examined, &asking, examined.code);
            return Step::Send(Box::new(self.message(body, message.is_final)));
        }
        if asking.is_empty() && message.is_final {
            return Step::Ended(End::Finished);
        }
        let body = self.carry_out(message, &examined, device);
        Step::Send(Box::new(self.message(body, message.is_final)))
    }

    /// The Alert and the device information, after what is in the body already.
    fn package_1(&mut self, mut body: Body) -> Message {
        body.push(Command::Alert(Alert {
            id: String::new(),
            code: self.config.alert,
            correlator: None,
            items: Vec::new(),
        }));
        body.push(self.config.device_info.to_command(""));
        self.message(body, true)
    }

    fn message(&mut self, body: Body, is_final: bool) -> Message {
        self.sent = self.sent.saturating_add(1);
        self.server.told();
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
        Message {
            header,
            commands: body.commands,
            is_final,
        }
    }

    /// A Status for the header and for each command, none of which is carried out.
    fn answer_all(
        &self,
        message: &Message,
        examined: &Examined,
        asking: &[&Command],
        code: StatusCode,
    ) -> Body {
        let mut body = Body::default();
        body.push_header_status(&message.header, examined.code, examined.challenge.clone());
        for command in asking {
            let of = &message.header.message_id;
            body.push(Command::Status(status(of, command.id(), command.name(), code)));
        }
        body
    }

    fn carry_out(&self, message: &Message, examined: &Examined, device: &mut dyn Device) -> Body {
        let mut body = Body::default();
        body.push_header_status(&message.header, examined.code, examined.challenge.clone());
        let of = message.header.message_id.as_str();
        for command in &message.commands {
            match command {
                Command::Status(_) | Command::Results(_) => {}
                Command::Alert(alert) => {
                    body.push(Command::Status(status(
                        of,
                        &alert.id,
                        "Alert",
                        code_of_alert(alert.code),
                    )));
                }
                _ if is_in_parts(command) => {
                    for part in super::asking(std::slice::from_ref(command)) {
                        let code = StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED;
                        body.push(Command::Status(status(of, part.id(), part.name(), code)));
                    }
                }
                _ => {
                    let outcomes = device.execute(&self.config.account.server_id, command);
                    if outcomes.is_empty() {
                        let code = StatusCode::COMMAND_FAILED;
                        body.push(Command::Status(status(of, command.id(), command.name(), code)));
                    }
                    outcomes
                        .into_iter()
                        .for_each(|outcome| push_outcome(&mut body, of, outcome));
                }
            }
        }
        if !message.is_final {
            body.push_alert(AlertCode::NEXT_MESSAGE);
        }
        body
    }
}

fn is_abort(command: &Command) -> bool {
    matches!(command, Command::Alert(alert) if alert.code == AlertCode::SESSION_ABORT)
}

/// There is nobody to show anything to.
fn code_of_alert(code: AlertCode) -> StatusCode {
    if code.0 < 1200 {
        StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED
    } else {
        StatusCode::OK
    }
}

/// Whether something in it comes in more than one message (`./DevDetail/LrgObj` is `false`).
fn is_in_parts(command: &Command) -> bool {
    let items = |command: &Command| match command {
        Command::Add(operation) | Command::Replace(operation) => {
            operation.items.iter().any(|item| item.more_data)
        }
        _ => false,
    };
    asking(std::slice::from_ref(command)).into_iter().any(items)
}

/// The Status first, then what was found (OMA-TS-DM_RepPro 6.6.12).
fn push_outcome(body: &mut Body, message_id: &str, outcome: Outcome) {
    body.push(Command::Status(Status {
        target_refs: outcome.target.into_iter().collect(),
        source_refs: outcome.source.into_iter().collect(),
        ..status(message_id, &outcome.command_id, outcome.command, outcome.status)
    }));
    let items: Vec<Item> = outcome.results;
    if !items.is_empty() {
        body.push(Command::Results(Results {
            message_ref: message_id.to_owned(),
            command_ref: outcome.command_id,
            items,
            ..Results::default()
        }));
    }
}
