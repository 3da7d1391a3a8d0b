//! A SyncML message of a DM session, reduced to what recognising needs.

use std::collections::VecDeque;
use std::sync::Arc;

use oma_dm::syncml::{self, Command, Data, Departure, Encoding, Item, Message, Reading};

/// One command of a server, as far as recognising needs it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Its CmdID.
    pub(crate) id: String,
    /// What it does.
    pub(crate) verb: Verb,
    /// The node it concerns, with its query.
    pub(crate) target: String,
    /// What it writes.
    pub(crate) data: Option<String>,
    /// Whether more of the data follows in the next message.
    pub(crate) more_data: bool,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Add,
    Replace,
    Delete,
    Other,
}

/// One Status.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) message_ref: String,
    pub(crate) command_ref: String,
    pub(crate) code: u16,
}

/// One Results element.
#[derive(Clone, Debug)]
pub(crate) struct Result {
    pub(crate) message_ref: String,
    pub(crate) command_ref: String,
    pub(crate) data: String,
}

/// A SyncML message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub(crate) session_id: String,
    pub(crate) message_id: String,
    /// The device, in what a client sends; the server, in what a server sends.
    pub(crate) source: String,
    pub(crate) sent: Vec<Sent>,
    pub(crate) statuses: Vec<Answered>,
    pub(crate) results: Vec<Result>,
    /// The codes of its Alerts.
    pub(crate) alerts: Vec<u16>,
    /// What a client writes of itself: node → value (DevInfo, in package 1).
    pub(crate) device_info: Vec<(String, String)>,
    /// `MaxMsgSize`, in octets.
    pub(crate) max_message_size: Option<u64>,
    /// How long the message is, in octets.
    pub(crate) octets: u64,
    /// `RespURI`: where the other end goes on.
    pub(crate) response_uri: Option<String>,
    /// How it is written.
    pub(crate) encoding: &'static str,
    /// The scheme of the credentials in its header, if there are any.
    pub(crate) scheme: Option<String>,
    /// The message itself.
    pub(crate) message: Message,
    /// What in it is not as it should be, whatever was said before it.
    pub(crate) departures: Vec<Departed>,
}

/// A departure of a message from its form.
#[derive(Clone, Debug)]
pub(crate) struct Departed {
    pub(crate) departure: Departure,
    /// The element that it is in; nothing where it is in none.
    pub(crate) path: Option<String>,
}

/// The messages read last. What passes between two mock roles is recorded at both ends, and read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    last: VecDeque<ReadBefore>,
}

/// How many messages are remembered: others may pass between the two records of one.
const REMEMBERED: usize = 4;

#[derive(Clone, Debug)]
struct ReadBefore {
    body: Vec<u8>,
    media_type: String,
    package: Arc<Package>,
}

impl Reader {
    /// Reads a body as a SyncML message; the reason when it is none.
    pub(crate) fn read(
        &mut self,
        body: &[u8],
        media_type: &str,
    ) -> std::result::Result<Arc<Package>, String> {
        let mut last = self.last.iter();
        if let Some(known) = last.find(|known| known.body == body && known.media_type == media_type) {
            return Ok(Arc::clone(&known.package));
        }
        let package = Arc::new(read(body, media_type)?);
        self.last.truncate(REMEMBERED - 1);
        self.last.push_front(ReadBefore {
            body: body.to_vec(),
            media_type: media_type.to_owned(),
            package: Arc::clone(&package),
        });
        Ok(package)
    }
}

/// Reads a body as a SyncML message; the reason when it is none.
pub(crate) fn read(body: &[u8], media_type: &str) -> std::result::Result<Package, String> {
    let (encoding, written) = if media_type.contains("wbxml") {
        (Encoding::Wbxml, "wbxml")
    } else {
        (Encoding::Xml, "xml")
    };
    let reading = syncml::read(body, encoding).map_err(|error| error.to_string())?;
    let departures = departures(&reading, media_type);
    let message = reading.message;
    let mut package = Package {
        session_id: message.header.session_id.clone(),
        message_id: message.header.message_id.clone(),
        source: message.header.source.uri.clone(),
        max_message_size: message.header.max_message_size,
        octets: body.len().try_into().unwrap_or(u64::MAX),
        response_uri: message.header.response_uri.clone(),
        encoding: written,
        scheme: message
            .header
            .credentials
            .as_ref()
            .map(|credentials| credentials.scheme.clone()),
        ..Package::default()
    };
    for command in &message.commands {
        collect(&mut package, command, 0);
    }
    package.message = message;
    package.departures = departures;
    Ok(package)
}

/// What breaks a rule; what is only unusual does not.
fn departures(reading: &Reading, media_type: &str) -> Vec<Departed> {
    let beside = reading.departures_of_media_type(media_type).into_iter();
    let beside = beside.map(|departure| Departed {
        departure,
        path: None,
    });
    let inside = reading.breaches().map(|observation| Departed {
        departure: observation.departure.clone(),
        path: Some(observation.path.clone()),
    });
    beside.chain(inside).collect()
}

fn collect(package: &mut Package, command: &Command, depth: usize) {
    let id = command.id().to_owned();
    match command {
        Command::Status(status) => package.statuses.push(Answered {
            message_ref: status.message_ref.clone(),
            command_ref: status.command_ref.clone(),
            code: status.code.0,
        }),
        Command::Results(results) => package.results.extend(results.items.iter().map(|item| Result {
            message_ref: results.message_ref.clone(),
            command_ref: results.command_ref.clone(),
            data: text(item).unwrap_or_default(),
        })),
        Command::Alert(alert) => package.alerts.push(alert.code.0),
        Command::Get(get) => send(package, id, Verb::Get, &get.items),
        Command::Add(edit) => send(package, id, Verb::Add, &edit.items),
        Command::Replace(edit) => {
            let own = edit
                .items
                .iter()
                .filter_map(|item| Some((item.source.clone()?, text(item)?)));
            package.device_info.extend(own);
            send(package, id, Verb::Replace, &edit.items);
        }
        Command::Delete(delete) => send(package, id, Verb::Delete, &delete.items),
        Command::Copy(edit) => send(package, id, Verb::Other, &edit.items),
        Command::Exec(exec) => send(package, id, Verb::Other, &exec.items),
        // The reader bounds the depth; this is only a second lock on the same door.
        Command::Atomic(block) | Command::Sequence(block) if depth < 8 => {
            for inner in &block.commands {
                collect(package, inner, depth + 1);
            }
        }
        Command::Atomic(_) | Command::Sequence(_) => {}
    }
}

fn send(package: &mut Package, id: String, verb: Verb, items: &[Item]) {
    for item in items {
        let target = item.target.clone().unwrap_or_default();
        let data = text(item);
        package.sent.push(Sent {
            id: id.clone(),
            verb,
            target,
            data,
            more_data: item.more_data,
        });
    }
}

fn text(item: &Item) -> Option<String> {
    match item.data.as_ref()? {
        Data::Text(text) => Some(text.clone()),
        Data::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Data::Element(element) => Some(String::from_utf8_lossy(&element.to_xml()).into_owned()),
    }
}

impl Package {
    /// The code of the Status for the header of the other end's message.
    pub(crate) fn header_status(&self) -> Option<u16> {
        self.statuses
            .iter()
            .find(|status| status.command_ref == "0")
            .map(|status| status.code)
    }
}
