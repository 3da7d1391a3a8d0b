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
//!
//! Where an account says HMAC, the proof is beside the messages, in a header of what carries them. Whoever sends asks the session
//! for it once the octets are there; whoever receives hands over the octets with the message:
//!
//! ```
//! use oma_dm::account::{Account, AuthenticationType, Credentials};
//! use oma_dm::auth::{HMAC_HEADER, Secret};
//! # use oma_dm::devinfo::DeviceInfo;
//! use oma_dm::session::client::{ClientConfig, ClientSession, End, Step};
//! use oma_dm::session::server::{ServerConfig, ServerSession};
//! use oma_dm::session::{Authentication, Carried};
//! use oma_dm::syncml::{self, AlertCode, Encoding};
//! use oma_dm::tree::Tree;
//!
//! let hmac = |credentials| Credentials { authentication_type: AuthenticationType::Hmac, ..credentials };
//! let device = hmac(Credentials::digest("dev-0001", Secret::new("s3cret-dev"), *b"nonce-A"));
//! let server = hmac(Credentials::digest("dms1.example", Secret::new("srv-pw-1"), *b"nonce-B"));
//! let mut account = Account::new("dms1.example", "https://dms1.example/dm");
//! account.client_credentials = Some(device.clone());
//! account.server_credentials = Some(server.clone());
//! # let device_info = DeviceInfo {
//! #     device_id: "IMEI:004999010640000".into(), manufacturer: "Example Maker".into(), model: "Model-1".into(),
//! #     dm_version: "0.1".into(), language: "en".into(),
//! # };
//! let config = ClientConfig::new(account, device_info, "A7", AlertCode::CLIENT_INITIATED, b"random octets of the client");
//! let (mut client, message) = ClientSession::start(config);
//!
//! // The client sends `body`, and beside it, as HMAC_HEADER, what seals it.
//! let body = syncml::write(&message, Encoding::Wbxml);
//! let seal = client.seal(&body).expect("the account says HMAC").to_string();
//! assert_eq!(HMAC_HEADER, "x-syncml-hmac");
//! assert!(seal.starts_with("algorithm=MD5, username=\"dev-0001\", mac="));
//!
//! // The server takes both, and seals its answer in the same way.
//! let config = ServerConfig::new("https://dms1.example/dm", Some(server), b"random octets of the server");
//! let mut session = ServerSession::new(config, Some(device));
//! let message = syncml::read(&body, Encoding::Wbxml)?.message;
//! let received = session.receive_carried(Carried { message: &message, body: &body, hmac: Some(&seal) });
//! assert_eq!(received.authentication, Authentication::Verified);
//! let body = syncml::write(&session.respond(Vec::new()), Encoding::Wbxml);
//! let seal = session.seal(&body).expect("the account says HMAC").to_string();
//!
//! let message = syncml::read(&body, Encoding::Wbxml)?.message;
//! let answer = Carried { message: &message, body: &body, hmac: Some(&seal) };
//! assert_eq!(client.receive_carried(answer, &mut Tree::new()), Step::Ended(End::Finished));
//! assert_eq!(client.server_authentication(), Authentication::Verified);
//! # Ok::<(), syncml::ReadError>(())
//! ```

use crate::syncml::{Alert, Command, Message};
use crate::tree::{Outcome, Tree};

mod body;
mod check;
pub mod client;
mod large_object;
mod nonces;
mod order;
mod outbox;
mod packer;
mod proof;
pub mod server;
#[cfg(test)]
mod tests;

pub use check::Authentication;
pub use large_object::MAX_OBJECT;
pub use order::Order;
pub use proof::Standing;

pub use crate::tree::UserAnswer;

/// Most messages that one end sends in a session; past it the session ends.
pub const MAX_MESSAGES: u32 = 1000;

/// A message with what carried it, to check digests of whole messages.
#[derive(Clone, Copy)]
pub struct Carried<'a> {
    /// The message.
    pub message: &'a Message,
    /// The octets that it was read from, all of them.
    pub body: &'a [u8],
    /// The value of the header [`HMAC_HEADER`](crate::auth::HMAC_HEADER), if there was one.
    pub hmac: Option<&'a str>,
}

impl<'a> From<&'a Message> for Carried<'a> {
    /// A message with nothing beside it.
    fn from(message: &'a Message) -> Self {
        Self {
            message,
            body: &[],
            hmac: None,
        }
    }
}

/// What carries out the commands of a server.
pub trait Device {
    /// Carries out a command of a server that has proved itself (or need not), and says what became of each part of it. Alerts in
    /// groups are part of them: [`Tree::execute_asking`] lets the user of the device answer.
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome>;

    /// Shows something to the user, or asks him (Alert 1100 to 1104). Without a user interface there is nobody to ask.
    fn ask_user(&mut self, alert: &Alert) -> UserAnswer {
        let _ = alert;
        UserAnswer::NO_USER_INTERFACE
    }
}

impl Device for Tree {
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome> {
        Self::execute(self, server_id, command)
    }
}
