//! Both ends of a session, given any message, in XML if it begins with `<`, else in WBXML: whatever they answer can be written and
//! read.

use oma_dm::account::{Account, Credentials};
use oma_dm::acl::Acl;
use oma_dm::auth::Secret;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::session::client::{ClientConfig, ClientSession, Step};
use oma_dm::session::server::{ServerConfig, ServerSession, Tag};
use oma_dm::syncml::{self, AlertCode, Command, Encoding, Message};
use oma_dm::tree::Tree;
use oma_dm::uri::NodeUri;

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let encoding = match octets.first() {
        Some(b'<') => Encoding::Xml,
        _ => Encoding::Wbxml,
    };
    let Ok(reading) = syncml::read(octets, encoding) else {
        return;
    };
    to_a_client(&reading.message);
    to_a_server(&reading.message);
}

/// The client takes the message twice, as package 2 and again, and is at its server's command.
fn to_a_client(message: &Message) {
    // A server that need not prove itself, so that its commands are carried out.
    let mut account = Account::new("dms1.example", "https://dms1.example/dm");
    account.client_credentials = Some(Credentials::digest(
        "dev-0001",
        Secret::new("s3cret-dev"),
        *b"nonce-A",
    ));
    let device_info = DeviceInfo {
        device_id: "IMEI:004999010640000".into(),
        manufacturer: "Example Maker".into(),
        model: "Model-1".into(),
        dm_version: "0.1".into(),
        language: "en".into(),
    };
    let mut device = Tree::new();
    let everything = Acl::parse("Add=*&Delete=*&Exec=*&Get=*&Replace=*");
    device
        .set_acl(&NodeUri::root(), everything.expect("it is an ACL"))
        .expect("the root is there");
    let config = ClientConfig::new(account, device_info, "A7", AlertCode::CLIENT_INITIATED, b"seed");
    let (mut session, _package_1) = ClientSession::start(config);
    for _ in 0..2 {
        if let Step::Send(answer) = session.receive(message, &mut device) {
            can_be_written(&answer);
        }
    }
    assert!(device.is_sound());
}

fn to_a_server(message: &Message) {
    let server = Credentials::digest("dms1.example", Secret::new("srv-pw-1"), *b"nonce-B");
    let _peek = ServerSession::peek(message);
    let config = ServerConfig::new("https://dms1.example/dm", Some(server), b"seed");
    let mut session = ServerSession::new(config, None);
    for _ in 0..2 {
        let _received = session.receive(message);
        can_be_written(&session.respond(vec![(Tag(1), Command::add_node("./BootstrapConfig"))]));
    }
}

fn can_be_written(message: &Message) {
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let written = syncml::write(message, encoding);
        syncml::read(&written, encoding).expect("what was written is a message");
    }
}
