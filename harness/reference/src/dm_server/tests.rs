//! DMS-1 in DM sessions with a device, message by message.

use std::collections::BTreeSet;
use std::time::Duration;

use dmconform_oddity::Oddities;
use oma_dm::acl::Acl;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::session::client::{ClientConfig, ClientSession, Step};
use oma_dm::syncml::{AlertCode, Message};
use oma_dm::tree::Tree;
use rstest::rstest;

use super::*;
use crate::accounts;
use crate::background::Background;
use crate::bootstrap_server::Provider;
use crate::config::{Account, BootstrapConfig};
use crate::delegation::device_work::Site;
use crate::delegation::document::{DelegationType, Document, Kind, Scope};
use crate::delegation::ledger::Desk;
use crate::http::client::HttpClient;

const DEVICE: &str = "urn:example:device:1";
const URL: &str = "https://bootstrap.example/b/1";
const ADDRESS: &str = "https://dms1.example/dm";

fn uri(text: &str) -> NodeUri {
    NodeUri::parse(text).expect("a URI")
}

fn account() -> Account {
    Account {
        server_id: "dms1.example".to_owned(),
        name: None,
        address: ADDRESS.parse().expect("a URL"),
        credentials: Credentials {
            client_name: DEVICE.to_owned(),
            client_password: "client-secret".to_owned(),
            client_nonce: b"client".to_vec(),
            server_password: "server-secret".to_owned(),
            server_nonce: b"server".to_vec(),
        },
    }
}

fn notice(kind: Kind) -> Document {
    Document {
        kind,
        session: "s1".to_owned(),
        delegating: "dms1.example".to_owned(),
        delegated: "dms2.example".to_owned(),
        device: DEVICE.to_owned(),
        scope: None,
    }
}

/// A DMS-1 that has been given a URL, and a device.
struct Bench {
    server: DmServer<Delegating>,
    tree: Tree,
    sessions: u32,
}

/// A session of the device that goes on.
struct Talk {
    client: ClientSession,
    message: Message,
}

impl Bench {
    fn new(url: &str, parts: &[&str], oddities: &[Oddity]) -> Self {
        let desk = Desk {
            side: Side::Delegating,
            server_id: "dms1.example".to_owned(),
            peers: BTreeSet::from(["dms2.example".to_owned()]),
            deviations: Deviations::default(),
        };
        let oddities = Oddities::new(oddities.iter().copied(), 0);
        let site = Site {
            bootstrap_config: BootstrapConfig::default(),
            account_root: uri("./DMAcc"),
            session_timeout: Duration::from_secs(3600),
            oddities: oddities.clone(),
        };
        let mut machine = Delegating::new(desk, site, false);
        let terms = Document {
            scope: Some(Scope {
                manufacturer: "Maker".to_owned(),
                model: "Model".to_owned(),
                tree_parts: parts.iter().map(|&part| part.to_owned()).collect(),
                delegation_type: DelegationType::from_name("full-permanent"),
            }),
            ..notice(Kind::InitiationRequest)
        };
        machine.open(terms, false);
        machine.sent("s1", Kind::InitiationRequest, Ok(None));
        machine.sent("s1", Kind::BootstrapServerUrlRequest, Ok(Some(url.to_owned())));
        let office = Office {
            machine: Mutex::new(machine),
            client: HttpClient::plain(Duration::from_secs(1)),
            peers: BTreeMap::new(),
            provider: Provider::Nowhere,
            background: Background::new().0,
            deviations: Deviations::default(),
            oddities,
            path: "/delegation".to_owned(),
            side: Side::Delegating,
        };
        let server = DmServer::new(
            ServerAccount {
                server_id: "dms1.example".to_owned(),
                credentials: account().credentials,
            },
            &account().address,
            Arc::default(),
            Arc::new(office),
        );
        Self {
            server,
            tree: tree(parts),
            sessions: 0,
        }
    }

    /// The same, up to step 7.
    fn bootstrapped(parts: &[&str], oddities: &[Oddity]) -> Self {
        let mut bench = Self::new(URL, parts, oddities);
        bench.hold(|_| {});
        let certificate = ["dms2.example".to_owned()];
        lock(&bench.server.office.machine)
            .receive(&notice(Kind::BootstrapComplete), Some(&certificate))
            .expect("it is time for step 7");
        bench
    }

    /// Opens a session.
    fn talk(&mut self, change: impl FnOnce(&mut ClientConfig)) -> Talk {
        self.sessions += 1;
        let device_info = DeviceInfo {
            device_id: DEVICE.to_owned(),
            manufacturer: "Maker".to_owned(),
            model: "Model".to_owned(),
            dm_version: "1.2".to_owned(),
            language: "en".to_owned(),
        };
        let mut account = accounts::to_wire(&account());
        if let Some(nonces) = self.server.devices.nonces(DEVICE) {
            let pairs = [
                (&mut account.client_credentials, nonces.client),
                (&mut account.server_credentials, nonces.server),
            ];
            for (credentials, nonce) in pairs {
                credentials.as_mut().expect("it has both").nonce = nonce;
            }
        }
        let mut config = ClientConfig::new(
            account,
            device_info,
            self.sessions.to_string(),
            AlertCode::CLIENT_INITIATED,
            b"device",
        );
        change(&mut config);
        let (client, message) = ClientSession::start(config);
        Talk { client, message }
    }

    /// Holds a session to its end.
    fn hold(&mut self, change: impl FnOnce(&mut ClientConfig)) {
        let mut talk = self.talk(change);
        while self.go_on(&mut talk).is_some() {}
    }

    /// Brings the device's message to the server, and takes the answer; nothing when the session is over.
    fn go_on(&mut self, talk: &mut Talk) -> Option<Message> {
        let answer = self.say(&talk.message);
        self.hear(talk, &answer).then_some(answer)
    }

    /// Brings an answer to the device; whether that goes on.
    fn hear(&mut self, talk: &mut Talk, answer: &Message) -> bool {
        let Step::Send(message) = talk.client.receive(answer, &mut self.tree) else {
            return false;
        };
        talk.message = *message;
        true
    }

    /// What the server answers to a message.
    fn say(&self, message: &Message) -> Message {
        let (answer, _) = self.server.take(message.into(), Encoding::Xml);
        let read = syncml::read(&answer.body, Encoding::Xml);
        read.expect("a server writes SyncML").message
    }

    fn state(&self) -> &'static str {
        let machine = lock(&self.server.office.machine);
        machine.view("s1").expect("it was opened").state
    }

    fn acl(&self, at: &str) -> String {
        let node = self.tree.get(&uri(at)).expect("it is there");
        node.acl.to_string()
    }
}

/// A tree where DMS-1 may do what it has to, and another server something.
fn tree(parts: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for at in parts.iter().chain(&["./BootstrapConfig"]) {
        tree.insert_interior(&uri(at), "").expect("there is room");
    }
    let own = "Add=dms1.example&Delete=dms1.example&Get=dms1.example+dms9.example&Replace=dms1.example";
    let own = Acl::parse(own).expect("an ACL");
    tree.set_acl(&uri("."), own).expect("the root is there");
    tree
}

fn commands(message: &Message) -> Vec<&'static str> {
    let names = message.commands.iter().map(Command::name);
    names.filter(|name| *name != "Status").collect()
}

#[rstest]
#[case::by_two_commands(600, &[])]
#[case::by_separate_commands(400, &[Oddity::SeparateCommands])]
#[case::one_in_each_message(600, &[Oddity::OneCommandPerMessage])]
fn an_entry_is_done_when_its_url_is_there_though_it_goes_in_a_message_of_its_own(
    #[case] length: usize,
    #[case] oddities: &[Oddity],
) {
    let url = format!("{URL}/{}", "x".repeat(length));
    let mut bench = Bench::new(&url, &["./Com"], oddities);
    let mut talk = bench.talk(|config| config.max_message_size = Some(1500));
    let mut adds = 0;
    loop {
        let answer = bench.say(&talk.message);
        let is_there = bench.tree.text(&uri("./BootstrapConfig/s1/URL")) == Some(url.as_str());
        let is_done = bench.state() == "awaiting-bootstrap";
        assert!(is_there || !is_done, "after {adds} commands");
        adds += commands(&answer).iter().filter(|name| **name == "Add").count();
        if !bench.hear(&mut talk, &answer) {
            break;
        }
    }
    assert!(adds >= 2, "they do not go together");
    assert_eq!(bench.state(), "awaiting-bootstrap");
}

#[rstest]
#[case::together(200)]
#[case::behind_its_entry(600)]
fn an_entry_whose_url_the_device_does_not_take_is_not_done(#[case] length: usize) {
    let url = format!("{URL}/{}", "x".repeat(length));
    let mut bench = Bench::new(&url, &["./Com"], &[]);
    bench.hold(|config| config.max_object_size = Some(100));
    assert_eq!(bench.state(), "failed");
}

#[rstest]
#[case::what_fits_in_each_message(1300, &[])]
#[case::one_in_each_message(64 * 1024, &[Oddity::OneCommandPerMessage])]
#[case::one_in_each_message_after_another(64 * 1024, &[Oddity::OneCommandPerMessage, Oddity::ReadsFirst])]
fn acls_are_read_and_written_over_as_many_messages_as_that_takes(
    #[case] limit: u64,
    #[case] oddities: &[Oddity],
) {
    let parts = ["./A", "./B", "./C", "./D", "./E", "./F"];
    let mut bench = Bench::bootstrapped(&parts, oddities);
    let mut talk = bench.talk(|config| config.max_message_size = Some(limit));
    let mut messages = 0;
    while let Some(answer) = bench.go_on(&mut talk) {
        messages += usize::from(commands(&answer).contains(&"Replace"));
        let are_written = parts.iter().all(|part| bench.acl(part).contains("dms2.example"));
        let is_done = bench.state() != "bootstrapped";
        assert!(are_written || !is_done, "after {messages} messages");
    }
    assert!(messages > 1, "they do not go together");
    assert_eq!(bench.state(), "client-prepared-sent");
    let expected = "Add=dms1.example+dms2.example&Delete=dms1.example+dms2.example&Exec=dms2.example\
                    &Get=dms1.example+dms2.example+dms9.example&Replace=dms1.example+dms2.example";
    for part in parts {
        assert_eq!(bench.acl(part), expected);
    }
}

#[test]
fn a_repeated_message_gets_the_same_answer_where_each_message_has_one_command() {
    let mut bench = Bench::bootstrapped(&["./A", "./B", "./C"], &[Oddity::OneCommandPerMessage]);
    let mut talk = bench.talk(|_| {});
    loop {
        let said = talk.message.clone();
        let Some(answer) = bench.go_on(&mut talk) else {
            break;
        };
        assert_eq!(bench.say(&said), answer);
        assert!(commands(&answer).len() <= 1, "{answer:?}");
    }
    assert_eq!(bench.state(), "client-prepared-sent");
}

/// Ends a session in its next message, which lacks the last so many Status elements for commands.
fn break_off(bench: &Bench, talk: &mut Talk, unanswered: usize) {
    let mut message = talk.client.abort(talk.message.clone());
    for _ in 0..unanswered {
        let is_of_command =
            |command: &Command| matches!(command, Command::Status(of) if of.command_ref != "0");
        let last = message.commands.iter().rposition(is_of_command);
        message.commands.remove(last.expect("there is one more"));
    }
    bench.say(&message);
}

#[test]
fn an_entry_that_a_session_ended_without_is_for_the_next_one_at_once() {
    let mut bench = Bench::new(URL, &["./Com"], &[]);
    let mut talk = bench.talk(|_| {});
    bench.go_on(&mut talk);
    // One for each of its two items.
    break_off(&bench, &mut talk, 2);
    assert_eq!(bench.state(), "entry-due");
    bench.hold(|_| {});
    assert_eq!(bench.state(), "awaiting-bootstrap");
}

#[rstest]
#[case::one_answered(1, "bootstrapped")]
#[case::none_answered(2, "bootstrapped")]
#[case::both_answered(0, "client-prepared-sent")]
fn acls_that_a_session_ended_without_are_for_the_next_one_at_once(
    #[case] unanswered: usize,
    #[case] state: &str,
) {
    let mut bench = Bench::bootstrapped(&["./A", "./B"], &[]);
    let mut talk = bench.talk(|_| {});
    while !commands(&bench.go_on(&mut talk).expect("it goes on")).contains(&"Replace") {}
    break_off(&bench, &mut talk, unanswered);
    assert_eq!(bench.state(), state);
    bench.hold(|_| {});
    assert_eq!(bench.state(), "client-prepared-sent");
}

#[test]
fn acls_that_were_read_as_a_session_ended_are_written_in_the_next_one_at_once() {
    let mut bench = Bench::bootstrapped(&["./A", "./B"], &[]);
    let mut talk = bench.talk(|_| {});
    bench.go_on(&mut talk);
    break_off(&bench, &mut talk, 0);
    bench.hold(|_| {});
    assert_eq!(bench.state(), "client-prepared-sent");
}

#[test]
fn what_a_session_had_under_way_is_for_the_next_one_when_another_takes_its_place() {
    let mut bench = Bench::bootstrapped(&["./A", "./B"], &[]);
    let mut talk = bench.talk(|_| {});
    bench.go_on(&mut talk);
    bench.sessions -= 1;
    let without_credentials = bench.talk(|config| config.account.client_credentials = None);
    let answer = bench.say(&without_credentials.message);
    assert_eq!(commands(&answer), [""; 0], "it has to prove itself first");
    bench.hold(|_| {});
    assert_eq!(bench.state(), "client-prepared-sent");
}

#[test]
fn a_message_is_laid_out_only_as_long_as_the_device_has_once_said_that_it_takes() {
    const LONGEST: usize = 1500;

    let mut bench = Bench::bootstrapped(
        &["./A", "./B", "./C", "./D", "./E", "./F"],
        &[Oddity::SyncmlWithLayout],
    );
    let mut talk = bench.talk(|config| config.max_message_size = Some(LONGEST as u64));
    loop {
        let (answer, _) = bench.server.take((&talk.message).into(), Encoding::Xml);
        assert!(answer.body.len() <= LONGEST, "{} octets", answer.body.len());
        let answer = syncml::read(&answer.body, Encoding::Xml).expect("a server writes SyncML");
        if !bench.hear(&mut talk, &answer.message) {
            break;
        }
        talk.message.header.max_message_size = None;
    }
    assert_eq!(bench.state(), "client-prepared-sent");
}
