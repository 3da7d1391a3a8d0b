//! Sessions of both ends with each other.

use std::collections::BTreeMap;

use super::client::{ClientConfig, ClientSession, End, Step};
use super::server::{Admission, ServerConfig, ServerSession, Tag, Turn};
use super::*;
use crate::account::{Account, AuthenticationType, Credentials};
use crate::acl::Acl;
use crate::auth::Secret;
use crate::devinfo::DeviceInfo;
use crate::syncml::{self, AlertCode, Challenge, Encoding, Group, Item, Status, StatusCode};
use crate::uri::NodeUri;

mod agreement;
mod course;
mod hostile;
mod large;
mod packages;
mod parts;
mod proving;
mod rules;
mod sealing;
mod unseen;
mod worked;

const SERVER_ID: &str = "dms2.example";
const ADDRESS: &str = "https://dms2.example/dm";

fn of_device() -> Credentials {
    Credentials::digest("dev-0001", Secret::new("s3cret-dev"), *b"nonce-A")
}

fn of_server() -> Credentials {
    Credentials::digest(SERVER_ID, Secret::new("srv-pw-2"), *b"nonce-B")
}

fn account() -> Account {
    let mut account = Account::new(SERVER_ID, ADDRESS);
    account.client_credentials = Some(of_device());
    account.server_credentials = Some(of_server());
    account
}

fn device_info() -> DeviceInfo {
    DeviceInfo {
        device_id: "IMEI:004999010640000".into(),
        manufacturer: "Example Maker".into(),
        model: "Model-1".into(),
        dm_version: "0.1".into(),
        language: "en".into(),
    }
}

fn config_of(account: Account) -> ClientConfig {
    ClientConfig::new(
        account,
        device_info(),
        "A7",
        AlertCode::CLIENT_INITIATED,
        b"client",
    )
}

fn client_of(account: Account) -> (ClientSession, Message) {
    ClientSession::start(config_of(account))
}

fn server_with(own: Option<Credentials>, of_client: Option<Credentials>) -> ServerSession {
    ServerSession::new(ServerConfig::new(ADDRESS, own, b"server"), of_client)
}

fn server() -> ServerSession {
    server_with(Some(of_server()), Some(of_device()))
}

/// A tree where the server may do everything but read `./DMAcc/dms1`.
fn tree() -> Tree {
    let mut tree = Tree::new();
    let mut put = |at: &str, acl: &str| {
        let at = NodeUri::parse(at).unwrap();
        tree.insert_interior(&at, "").unwrap();
        tree.set_acl(&at, Acl::parse(acl).unwrap()).unwrap();
    };
    put("./I", "Add=*&Get=*&Replace=*&Delete=*");
    put("./DMAcc/dms1", "Get=dms1.example");
    put(
        "./DMAcc/dms2",
        "Get=dms2.example&Replace=dms2.example&Delete=dms2.example",
    );
    tree
}

/// A message of the worked session.
fn package(number: usize) -> Message {
    let octets: [&[u8]; 4] = [
        include_bytes!("../../../tests/worked-session/1-client-package1.xml"),
        include_bytes!("../../../tests/worked-session/2-server-package2.xml"),
        include_bytes!("../../../tests/worked-session/3-client-package3.xml"),
        include_bytes!("../../../tests/worked-session/4-server-package4.xml"),
    ];
    syncml::read(octets[number - 1], Encoding::Xml).unwrap().message
}

fn codes(message: &Message) -> Vec<(&str, u16)> {
    let statuses = message.commands.iter().filter_map(|command| match command {
        Command::Status(status) => Some((status.command_ref.as_str(), status.code.0)),
        _ => None,
    });
    statuses.collect()
}

/// A session of both ends, about to be played.
struct Scene {
    client: ClientConfig,
    server: ServerSession,
    encoding: Encoding,
    /// What the server has to say, by turn.
    script: Vec<Vec<(Tag, Command)>>,
}

/// A message that went over.
struct Sent {
    by_client: bool,
    message: Message,
    octets: usize,
    is_sealed: bool,
}

/// How a session of both ends went.
struct Played {
    end: End,
    client: ClientSession,
    server: ServerSession,
    statuses: Vec<(Tag, u16)>,
    /// What was found, all items of a Get one after the other.
    results: BTreeMap<Tag, String>,
    lost: Vec<(Tag, u16)>,
    admissions: Vec<Admission>,
    sent: Vec<Sent>,
}

impl Scene {
    fn of(client: ClientConfig, server: ServerSession, commands: Vec<(Tag, Command)>) -> Self {
        Self {
            encoding: client.encoding,
            client,
            server,
            script: vec![commands],
        }
    }

    /// Plays it to its end, all messages as octets.
    fn play(self, device: &mut dyn Device) -> Played {
        self.play_with(device, |_, seal| seal)
    }

    /// The same, with what becomes of the seal of each message on the way.
    fn play_with(
        self,
        device: &mut dyn Device,
        on_the_way: impl Fn(usize, Option<String>) -> Option<String>,
    ) -> Played {
        let (client, message) = ClientSession::start(self.client);
        let mut played = Played {
            end: End::TooLong,
            client,
            server: self.server,
            statuses: Vec::new(),
            results: BTreeMap::new(),
            lost: Vec::new(),
            admissions: Vec::new(),
            sent: Vec::new(),
        };
        let mut script = self.script.into_iter();
        let mut step = Step::Send(Box::new(message));
        let mut is_first = true;
        loop {
            let message = match step {
                Step::Send(message) => message,
                Step::Ended(end) => return Played { end, ..played },
            };
            let turn = played.carry_to_server(&message, self.encoding, &on_the_way);
            // What is there from the beginning is said from the beginning, and waits if it has to.
            let commands = match is_first || turn == Turn::Commands {
                true => script.next().unwrap_or_default(),
                false => Vec::new(),
            };
            is_first = false;
            let answer = played.server.respond(commands);
            step = played.carry_to_client(&answer, self.encoding, device, &on_the_way);
        }
    }
}

impl Played {
    fn carry_to_server(
        &mut self,
        message: &Message,
        encoding: Encoding,
        on_the_way: &impl Fn(usize, Option<String>) -> Option<String>,
    ) -> Turn {
        let body = syncml::write(message, encoding);
        let seal = self.client.seal(&body).map(|header| header.to_string());
        let seal = on_the_way(self.sent.len(), seal);
        let message = syncml::read(&body, encoding).unwrap().message;
        let received = self.server.receive_carried(Carried {
            message: &message,
            body: &body,
            hmac: seal.as_deref(),
        });
        self.sent.push(Sent {
            by_client: true,
            message,
            octets: body.len(),
            is_sealed: seal.is_some(),
        });
        self.admissions.push(received.admission);
        let codes = received.statuses.iter().map(|status| (status.tag, status.code.0));
        self.statuses.extend(codes);
        let lost = received.lost_results.iter().map(|(tag, code)| (*tag, code.0));
        self.lost.extend(lost);
        for found in received.results {
            let text: String = found.items.iter().filter_map(Item::text).collect();
            self.results.entry(found.tag).or_default().push_str(&text);
        }
        received.turn
    }

    fn carry_to_client(
        &mut self,
        message: &Message,
        encoding: Encoding,
        device: &mut dyn Device,
        on_the_way: &impl Fn(usize, Option<String>) -> Option<String>,
    ) -> Step {
        let body = syncml::write(message, encoding);
        let seal = self.server.seal(&body).map(|header| header.to_string());
        let seal = on_the_way(self.sent.len(), seal);
        let message = syncml::read(&body, encoding).unwrap().message;
        let carried = Carried {
            message: &message,
            body: &body,
            hmac: seal.as_deref(),
        };
        let step = self.client.receive_carried(carried, device);
        self.sent.push(Sent {
            by_client: false,
            message,
            octets: body.len(),
            is_sealed: seal.is_some(),
        });
        step
    }

    fn of_client(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| sent.by_client)
    }

    fn of_server(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| !sent.by_client)
    }
}

/// Plays a session in which the server has some commands for its first turn.
fn play(
    account: Account,
    server: ServerSession,
    commands: Vec<(Tag, Command)>,
    device: &mut dyn Device,
) -> Played {
    Scene::of(config_of(account), server, commands).play(device)
}

fn alert_of(code: AlertCode) -> Command {
    Command::Alert(Alert {
        id: "9".into(),
        code,
        correlator: None,
        items: Vec::new(),
    })
}

/// The Alerts of a message, by code.
fn alerts(message: &Message) -> Vec<u16> {
    let alerts = message.commands.iter().filter_map(|command| match command {
        Command::Alert(alert) => Some(alert.code.0),
        _ => None,
    });
    alerts.collect()
}

/// The message that a step sends.
fn sent(step: Step) -> Message {
    match step {
        Step::Send(message) => *message,
        Step::Ended(end) => panic!("there is something to answer, not {end:?}"),
    }
}

/// The next message of a server in the session of the fixtures, with a Status for the header of the client's message of that number.
fn from_server(number: u32, code: u16, commands: Vec<Command>, is_final: bool) -> Message {
    let mut message = package(2);
    message.header.message_id = number.to_string();
    let of_header = match &message.commands[0] {
        Command::Status(status) => Status {
            message_ref: number.to_string(),
            code: StatusCode(code),
            ..status.clone()
        },
        other => panic!("a Status comes first: {other:?}"),
    };
    let numbered = commands.into_iter().enumerate();
    let numbered = numbered.map(|(index, command)| command.with_id((index + 2).to_string()));
    message.commands = vec![Command::Status(of_header)];
    message.commands.extend(numbered);
    message.is_final = is_final;
    message
}

/// The next message of a client in the session of the fixtures.
fn from_client(number: u32, commands: Vec<Command>, is_final: bool) -> Message {
    let mut message = package(1);
    message.header.message_id = number.to_string();
    let numbered = commands.into_iter().enumerate();
    message.commands = numbered
        .map(|(index, command)| command.with_id((index + 1).to_string()))
        .collect();
    message.is_final = is_final;
    message
}

/// Does nothing, and counts how often.
#[derive(Default)]
struct Counting(usize);

impl Device for Counting {
    fn execute(&mut self, _: &str, _: &Command) -> Vec<Outcome> {
        self.0 += 1;
        Vec::new()
    }
}
