//! A session as the device holds it.

use std::collections::BTreeMap;

use super::body::alert;
use super::check::Check;
use super::large_object::Inbound;
use super::nonces::Nonces;
use super::order::Sequence;
use super::outbox::Outbox;
use super::proof::Proof;
use super::{Authentication, Carried, Device, MAX_MESSAGES, Order, Standing};
use crate::account::Account;
use crate::auth::HmacHeader;
use crate::devinfo::DeviceInfo;
use crate::syncml::{Alert, AlertCode, Command, Encoding, Message, StatusCode};

mod address;
mod step;
mod work;

/// What a device brings into a session. Its Debug form does not show the seed.
#[derive(Clone)]
pub struct ClientConfig {
    /// The account of the server.
    pub account: Account,
    /// What the device says of itself.
    pub device_info: DeviceInfo,
    /// `SessionID`, unique for the device: up to four upper-case hexadecimal digits.
    pub session_id: String,
    /// Why there is a session: [`AlertCode::SERVER_INITIATED`] or [`AlertCode::CLIENT_INITIATED`].
    pub alert: AlertCode,
    /// Events to tell in the first package ([`AlertCode::CLIENT_EVENT`], [`AlertCode::GENERIC`]).
    pub events: Vec<Alert>,
    /// How messages will be written: what the server's `MaxMsgSize` is measured with.
    pub encoding: Encoding,
    /// `MaxMsgSize` to name.
    pub max_message_size: Option<u64>,
    /// `MaxObjSize` to name. Objects that come in parts are not taken beyond [`MAX_OBJECT`](super::MAX_OBJECT) in any case.
    pub max_object_size: Option<u64>,
    /// Whether objects are taken in parts (`./DevDetail/LrgObj`); they are answered with 406 if not.
    pub takes_large_objects: bool,
    /// Whether the server has to prove itself in each message, and is answered with 200, rather than once with 212.
    pub checks_each_message: bool,
    /// Octets that nobody can guess and no other session has: nonces are made from them.
    pub seed: Vec<u8>,
}

impl ClientConfig {
    /// A device that writes XML, takes messages of 64 KiB, and objects in parts.
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
            events: Vec::new(),
            encoding: Encoding::Xml,
            max_message_size: Some(64 * 1024),
            max_object_size: None,
            takes_large_objects: true,
            checks_each_message: false,
            seed: seed.to_vec(),
        }
    }

    /// A device that follows a notification: Alert 1200, and the notification's session identifier in upper-case hexadecimal digits
    /// without leading zeros (OMA-TS-DM_Notification 6.2.10).
    pub fn triggered(account: Account, device_info: DeviceInfo, session_id: u16, seed: &[u8]) -> Self {
        let session_id = format!("{session_id:X}");
        Self::new(
            account,
            device_info,
            session_id,
            AlertCode::SERVER_INITIATED,
            seed,
        )
    }
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("account", &self.account)
            .field("device_info", &self.device_info)
            .field("session_id", &self.session_id)
            .field("alert", &self.alert)
            .finish_non_exhaustive()
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
    /// The device ended it ([`ClientSession::abort`]).
    AbortedHere,
    /// The server does not take the device's credentials, or refuses for another reason.
    Refused(StatusCode),
    /// The server asks for credentials in another scheme than that of the account, or in one that is not supported.
    NoCommonScheme(StatusCode),
    /// The server did not prove itself.
    ServerNotAuthenticated(Authentication),
    /// The server sent a message of another session, or one with a MsgID that another of its messages has.
    Misplaced,
    /// The server asks for more than it takes the answers to.
    TooMuch,
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
    of_server: Sequence,
    order: Order,
    /// Number of the last message sent.
    sent: u32,
    /// What was done after the last message of the server, in case it comes again.
    last_step: Option<Step>,
    repeated: u32,
    outbox: Outbox,
    inbound: Inbound,
    /// `MaxMsgSize` of the server.
    max_message: Option<u64>,
    /// `MaxObjSize` of the server.
    max_object: Option<u64>,
    /// Whether the server has closed its package; if not, neither does the device.
    is_server_done: bool,
    /// The device's own Alerts, by message and command identifier.
    alerts: BTreeMap<(String, String), AlertCode>,
    alert_statuses: Vec<(AlertCode, StatusCode)>,
    /// Which command of the last message is a part of an object that goes on.
    part: Option<String>,
    is_aborting: bool,
    ended: Option<End>,
}

impl ClientSession {
    /// Begins a session: the device's first message.
    pub fn start(config: ClientConfig) -> (Self, Message) {
        let mut session = Self {
            address: config.account.url().into_owned(),
            server: Check::new(
                config.account.server_credentials.clone(),
                config.checks_each_message,
            ),
            proof: Proof::new(config.account.client_credentials.clone()),
            nonces: Nonces::new(&config.seed),
            of_server: Sequence::of_server(&config.session_id),
            order: Order::default(),
            sent: 0,
            last_step: None,
            repeated: 0,
            outbox: Outbox::default(),
            inbound: Inbound::new(config.max_object_size),
            max_message: None,
            max_object: None,
            is_server_done: true,
            alerts: BTreeMap::new(),
            alert_statuses: Vec::new(),
            part: None,
            is_aborting: false,
            ended: None,
            config,
        };
        let message = session.package_1();
        (session, message)
    }

    /// The server that the session is with.
    pub fn server_id(&self) -> &str {
        &self.config.account.server_id
    }

    /// Where the next message goes: the account's address, or what the server said instead (`RespURI`).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether [`ClientSession::address`] is on another host, port or scheme than the account says: whether to go there is for the
    /// caller to decide.
    pub fn is_address_elsewhere(&self) -> bool {
        !address::have_one_origin(&self.address, &self.config.account.url())
    }

    /// What is known of the server.
    pub fn server_authentication(&self) -> Authentication {
        self.server.authentication()
    }

    /// What the server has said of the device's credentials.
    pub fn standing(&self) -> Standing {
        self.proof.standing()
    }

    /// Where the last message of the server stood among its messages.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// Why the session ended, if it did.
    pub fn end(&self) -> Option<End> {
        self.ended
    }

    /// What the server has said of the device's own Alerts.
    pub fn alert_statuses(&self) -> &[(AlertCode, StatusCode)] {
        &self.alert_statuses
    }

    /// The longest message that the server takes, in octets, as far as it has said so (`MaxMsgSize`).
    pub const fn longest_taken(&self) -> Option<u64> {
        self.max_message
    }

    /// About how many octets wait until the server takes them: results that do not fit in one message.
    pub const fn pending_octets(&self) -> usize {
        self.outbox.octets()
    }

    /// The account that the session began with, with the nonces for the next session.
    pub fn into_account(self) -> Account {
        let mut account = self.config.account;
        account.client_credentials = self.proof.credentials().cloned();
        account.server_credentials = self.server.credentials().cloned();
        account
    }

    /// The account as it is by now, with the nonces for the next session. What a server has changed in it during the session, secrets
    /// and nonces too, is for the next session, and stays (OMA-TS-DM_Security 5.3).
    #[must_use]
    pub fn renew(&self, mut account: Account) -> Account {
        let began_with = &self.config.account;
        let pairs = [
            (
                account.client_credentials.as_mut(),
                began_with.client_credentials.as_ref(),
                self.proof.credentials(),
            ),
            (
                account.server_credentials.as_mut(),
                began_with.server_credentials.as_ref(),
                self.server.credentials(),
            ),
        ];
        for pair in pairs {
            if let (Some(now), Some(began_with), Some(moved_on)) = pair
                && now.nonce == began_with.nonce
            {
                now.nonce.clone_from(&moved_on.nonce);
            }
        }
        account
    }

    /// What goes beside the message that is about to be sent, whose complete body is `body`: the header `x-syncml-hmac`, if the account
    /// says HMAC. A message that is sent again goes with the same.
    pub fn seal(&self, body: &[u8]) -> Option<HmacHeader> {
        self.proof.seal(body)
    }

    /// Adds an event to what is said in the next message: [`AlertCode::CLIENT_EVENT`] or [`AlertCode::GENERIC`].
    pub fn push_event(&mut self, event: Alert) {
        self.outbox.push(None, vec![Command::Alert(event)]);
    }

    /// Ends the session with the message that was about to be sent, which the device sends instead of it (Alert 1223). What was
    /// finished is said with it; the server's answer is not answered any more.
    pub fn abort(&mut self, message: Message) -> Message {
        self.is_aborting = true;
        let mut message = message;
        message.commands.retain(
            |command| !matches!(command, Command::Alert(alert) if alert.code == AlertCode::NEXT_MESSAGE),
        );
        let id = u32::try_from(message.commands.len()).unwrap_or(u32::MAX);
        let id = message
            .commands
            .iter()
            .filter_map(|command| command.id().parse::<u32>().ok())
            .fold(id, u32::max);
        let abort = alert(AlertCode::SESSION_ABORT, Vec::new()).with_id(id.saturating_add(1).to_string());
        message.commands.push(abort);
        message.is_final = true;
        message
    }

    /// Takes a message of the server, and carries out its commands if it has proved itself.
    pub fn receive(&mut self, message: &Message, device: &mut dyn Device) -> Step {
        self.receive_carried(message.into(), device)
    }

    /// The same, with what digests of whole messages are checked with.
    pub fn receive_carried(&mut self, carried: Carried<'_>, device: &mut dyn Device) -> Step {
        if let Some(end) = self.ended {
            return Step::Ended(end);
        }
        let step = self.place_and_step(&carried, device);
        if let Step::Ended(end) = step {
            self.ended = Some(end);
        }
        step
    }

    fn place_and_step(&mut self, carried: &Carried<'_>, device: &mut dyn Device) -> Step {
        if self.is_aborting {
            return Step::Ended(End::AbortedHere);
        }
        if self.sent >= MAX_MESSAGES || self.repeated >= MAX_MESSAGES {
            return Step::Ended(End::TooLong);
        }
        self.order = self.of_server.place(carried.message);
        match (self.order, &self.last_step) {
            (Order::Repeated, Some(step)) => {
                self.repeated += 1;
                return step.clone();
            }
            (Order::Repeated | Order::Misplaced, _) => return Step::Ended(End::Misplaced),
            (Order::Next | Order::Jumped, _) => {}
        }
        let step = self.step(carried, device);
        self.last_step = Some(step.clone());
        step
    }
}
