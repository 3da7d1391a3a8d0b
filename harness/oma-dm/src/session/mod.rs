//! DM sessions without input and output: who may say what when, and who has proved himself to whom (OMA-TS-DM_Protocol 8, 9).
//!
//! A server makes a node and gives the rights on it to another server; both ends prove themselves from the first message:
//!
//! ```
//! use oma_dm::account::{Account, Credentials};
//! use oma_dm::acl::Acl;
//! use oma_dm::auth::Secret;
//! use oma_dm::devinfo::DeviceInfo;
//! use oma_dm::session::client::{ClientConfig, ClientSession, End, Step};
//! use oma_dm::session::server::{ServerConfig, ServerSession, Tag};
//! use oma_dm::session::{Authentication, Standing};
//! use oma_dm::syncml::{AlertCode, Command, StatusCode};
//! use oma_dm::tree::Tree;
//! use oma_dm::uri::NodeUri;
//!
//! let device = Credentials::digest("dev-0001", Secret::new("s3cret-dev"), *b"nonce-A");
//! let server = Credentials::digest("dms1.example", Secret::new("srv-pw-1"), *b"nonce-B");
//!
//! // What the device has.
//! let mut account = Account::new("dms1.example", "https://dms1.example/dm");
//! account.client_credentials = Some(device.clone());
//! account.server_credentials = Some(server.clone());
//! let device_info = DeviceInfo {
//!     device_id: "IMEI:004999010640000".into(),
//!     manufacturer: "Example Maker".into(),
//!     model: "Model-1".into(),
//!     dm_version: "0.1".into(),
//!     language: "en".into(),
//! };
//! let mut tree = Tree::new();
//! tree.set_acl(&NodeUri::root(), Acl::parse("Add=dms1.example&Get=*&Replace=dms1.example").expect("it is an ACL"))?;
//!
//! // Package 1.
//! let config = ClientConfig::new(account, device_info, "A7", AlertCode::CLIENT_INITIATED, b"random octets of the client");
//! let (mut client, package_1) = ClientSession::start(config);
//!
//! // Package 2: the server finds out whose session it is, then answers and commands.
//! assert_eq!(ServerSession::peek(&package_1).device_id, "IMEI:004999010640000");
//! let config = ServerConfig::new("https://dms1.example/dm", Some(server), b"random octets of the server");
//! let mut session = ServerSession::new(config, Some(device));
//! let received = session.receive(&package_1);
//! assert_eq!(received.authentication, Authentication::Verified);
//! assert_eq!(received.device_info.map(|info| info.model).as_deref(), Some("Model-1"));
//! let package_2 = session.respond(vec![
//!     (Tag(1), Command::add_node("./BootstrapConfig")),
//!     (Tag(2), Command::replace_text("./BootstrapConfig?prop=ACL", "Get=dms2.example&Replace=dms2.example")),
//! ]);
//!
//! // Package 3: what became of the commands.
//! let Step::Send(package_3) = client.receive(&package_2, &mut tree) else { panic!("there is something to answer") };
//! assert_eq!(client.server_authentication(), Authentication::Verified);
//! let received = session.receive(&package_3);
//! let codes: Vec<_> = received.statuses.iter().map(|status| (status.tag, status.code)).collect();
//! assert_eq!(codes, [(Tag(1), StatusCode::OK), (Tag(2), StatusCode::OK)]);
//! assert_eq!(session.standing(), Standing::Accepted);
//!
//! // Package 4 asks for nothing more: the session is over, and both ends have the nonces for the next one.
//! let package_4 = session.respond(Vec::new());
//! assert!(session.is_over());
//! assert_eq!(client.receive(&package_4, &mut tree), Step::Ended(End::Finished));
//! let account = client.into_account();
//! assert_eq!(account.client_credentials.as_ref(), session.client_credentials());
//! assert_eq!(account.server_credentials.as_ref(), session.server_credentials());
//! # Ok::<(), oma_dm::tree::TreeError>(())
//! ```

use crate::auth;
use crate::syncml::{Alert, AlertCode, Challenge, Command, Header, Status, StatusCode};
use crate::tree::{Outcome, Tree};

pub mod client;
mod proof;
pub mod server;
#[cfg(test)]
mod tests;

pub use proof::{Authentication, Standing};

/// Most messages that one end sends in a session; past it the session ends.
pub const MAX_MESSAGES: u32 = 1000;

/// What carries out the commands of a server.
pub trait Device {
    /// Carries out a command of a server that has proved itself (or need not), and says what became of each part of it.
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome>;
}

impl Device for Tree {
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome> {
        Self::execute(self, server_id, command)
    }
}

/// A supply of nonces, from a seed that nobody else knows.
#[derive(Clone)]
struct Nonces {
    seed: Vec<u8>,
    count: u64,
}

impl Nonces {
    fn new(seed: &[u8]) -> Self {
        Self {
            seed: seed.to_vec(),
            count: 0,
        }
    }

    /// Printable, since there are clients that keep nonces as text.
    fn fresh(&mut self) -> Vec<u8> {
        self.count += 1;
        let count = self.count.to_be_bytes();
        auth::to_base64(&auth::digest(&[self.seed.as_slice(), &count].concat())[..12]).into_bytes()
    }
}

/// The body of a message in the making.
#[derive(Default)]
struct Body {
    commands: Vec<Command>,
    numbered: u32,
}

impl Body {
    /// Adds a command, with identifiers for it and its members.
    fn push(&mut self, mut command: Command) -> &Command {
        self.number(&mut command);
        self.commands.push(command);
        self.commands.last().expect("one was just added")
    }

    fn number(&mut self, command: &mut Command) {
        self.numbered += 1;
        command.set_id(self.numbered.to_string());
        if let Command::Atomic(group) | Command::Sequence(group) = command {
            group.commands.iter_mut().for_each(|member| self.number(member));
        }
    }

    /// The Status for the header of a message of the other end.
    fn push_header_status(&mut self, of: &Header, code: StatusCode, challenge: Option<Challenge>) {
        self.push(Command::Status(Status {
            target_refs: vec![of.target.uri.clone()],
            source_refs: vec![of.source.uri.clone()],
            challenge,
            ..status(&of.message_id, "0", "SyncHdr", code)
        }));
    }

    fn push_alert(&mut self, code: AlertCode) {
        self.push(Command::Alert(Alert {
            id: String::new(),
            code,
            correlator: None,
            items: Vec::new(),
        }));
    }
}

fn status(message_ref: &str, command_ref: &str, command: &str, code: StatusCode) -> Status {
    Status {
        id: String::new(),
        message_ref: message_ref.to_owned(),
        command_ref: command_ref.to_owned(),
        command: command.to_owned(),
        target_refs: Vec::new(),
        source_refs: Vec::new(),
        challenge: None,
        code,
        items: Vec::new(),
    }
}

/// The Status for the header of a message that was sent, if a message has one.
fn header_status<'a>(commands: &'a [Command], sent: &str) -> Option<&'a Status> {
    commands.iter().find_map(|command| match command {
        Command::Status(status) if status.command_ref == "0" && status.message_ref == sent => Some(status),
        _ => None,
    })
}

/// All that asks for a Status, members of groups too, in the order of the message.
fn asking(commands: &[Command]) -> Vec<&Command> {
    let mut found = Vec::new();
    let mut waiting: Vec<_> = commands.iter().rev().collect();
    while let Some(command) = waiting.pop() {
        match command {
            Command::Status(_) | Command::Results(_) => continue,
            Command::Atomic(group) | Command::Sequence(group) => waiting.extend(group.commands.iter().rev()),
            _ => {}
        }
        found.push(command);
    }
    found
}
