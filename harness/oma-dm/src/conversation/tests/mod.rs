//! Sessions as they should be, and what is noted of others.

mod irregular;
mod legal;

use super::*;
use crate::syncml::{self, Alert, Challenge, Data, Encoding, Group, Item, Meta, Operation, Results};

const DEVICE: &str = "IMEI:004999010640000";
const SERVER: &str = "https://dms2.example/dm";

type Session = Vec<(Sender, Message)>;

/// The worked session.
fn worked() -> Session {
    let octets: [&[u8]; 4] = [
        include_bytes!("../../../tests/worked-session/1-client-package1.xml"),
        include_bytes!("../../../tests/worked-session/2-server-package2.xml"),
        include_bytes!("../../../tests/worked-session/3-client-package3.xml"),
        include_bytes!("../../../tests/worked-session/4-server-package4.xml"),
    ];
    let senders = [Sender::Client, Sender::Server].into_iter().cycle();
    let messages = octets.map(|octets| syncml::read(octets, Encoding::Xml).unwrap().message);
    senders.zip(messages).collect()
}

/// What is noted, as text.
fn told(session: &[(Sender, Message)]) -> Vec<String> {
    let messages = session.iter().map(|(sender, message)| (*sender, message));
    check(messages).iter().map(ToString::to_string).collect()
}

/// What is noted, as codes with who is to blame.
fn codes(session: &[(Sender, Message)]) -> Vec<String> {
    let messages = session.iter().map(|(sender, message)| (*sender, message));
    let notes = check(messages);
    notes
        .iter()
        .map(|note| {
            format!(
                "{} {} {}",
                note.message + 1,
                note.sender,
                note.irregularity.code()
            )
        })
        .collect()
}

/// Messages in turn, the client's first, numbered as they come; each with its parts and whether it is final.
fn session(messages: Vec<(Vec<Command>, bool)>) -> Session {
    let senders = [Sender::Client, Sender::Server].into_iter().cycle();
    let numbered = messages.into_iter().zip(senders).enumerate();
    numbered
        .map(|(index, ((commands, is_final), sender))| {
            let (source, target) = match sender {
                Sender::Client => (DEVICE, SERVER),
                Sender::Server => (SERVER, DEVICE),
            };
            let header = Header {
                session_id: "A7".to_owned(),
                message_id: (1 + index / 2).to_string(),
                target: target.into(),
                source: source.into(),
                ..Header::default()
            };
            let mut count = 0;
            let mut message = Message {
                header,
                commands,
                is_final,
            };
            message
                .commands
                .iter_mut()
                .for_each(|command| number(command, &mut count));
            (sender, message)
        })
        .collect()
}

fn number(command: &mut Command, count: &mut u32) {
    *count += 1;
    command.set_id(count.to_string());
    if let Command::Atomic(group) | Command::Sequence(group) = command {
        group.commands.iter_mut().for_each(|member| number(member, count));
    }
}

fn status(message: &str, command: &str, name: &str, code: u16) -> Command {
    Command::Status(Status {
        id: String::new(),
        message_ref: message.to_owned(),
        command_ref: command.to_owned(),
        command: name.to_owned(),
        target_refs: Vec::new(),
        source_refs: Vec::new(),
        challenge: None,
        code: StatusCode(code),
        items: Vec::new(),
    })
}

fn header(message: &str, code: u16) -> Command {
    status(message, "0", "SyncHdr", code)
}

/// A refusal of a message, with a challenge.
fn challenge(message: &str, code: u16) -> Command {
    let Command::Status(status) = header(message, code) else {
        panic!("it is a Status")
    };
    Command::Status(Status {
        challenge: Some(Challenge {
            scheme: "syncml:auth-md5".to_owned(),
            format: Some("b64".to_owned()),
            next_nonce: Some("bm9uY2U=".to_owned()),
        }),
        ..status
    })
}

fn alert(code: u16) -> Command {
    Command::Alert(Alert {
        id: String::new(),
        code: AlertCode(code),
        correlator: None,
        items: Vec::new(),
    })
}

fn source(uri: &str, text: &str) -> Item {
    Item {
        source: Some(uri.to_owned()),
        data: Some(Data::Text(text.to_owned())),
        ..Item::default()
    }
}

fn device_info() -> Command {
    let leaves = ["DevId", "Man", "Mod", "DmV", "Lang"];
    let items = leaves.map(|leaf| source(&format!("./DevInfo/{leaf}"), "v"));
    Command::Replace(Operation::on(items.to_vec()))
}

fn results(message: &str, command: &str, uri: &str) -> Command {
    Command::Results(Results {
        message_ref: message.to_owned(),
        command_ref: command.to_owned(),
        items: vec![source(uri, "v")],
        ..Results::default()
    })
}

/// A part of an object at `./O`: its text, the size of the whole, and whether more is to come.
fn part(text: &str, size: Option<u64>, more_data: bool) -> Command {
    let meta = Meta {
        size,
        ..Meta::default()
    };
    Command::Replace(Operation::on(vec![Item {
        more_data,
        ..Item::at("./O").with_text(text).with_meta(meta)
    }]))
}

/// Package 1, and the answer to it.
fn package_1() -> (Vec<Command>, bool) {
    (vec![alert(1201), device_info()], true)
}

fn answers_to_package_1() -> Vec<Command> {
    vec![
        header("1", 212),
        status("1", "1", "Alert", 200),
        status("1", "2", "Replace", 200),
    ]
}

/// The answer to package 1, with more.
fn package_2(more: impl IntoIterator<Item = Command>) -> (Vec<Command>, bool) {
    (answers_to_package_1().into_iter().chain(more).collect(), true)
}

/// The server's last word on a message.
fn last_word(message: &str) -> (Vec<Command>, bool) {
    (vec![header(message, 200)], true)
}
