//! A SyncML message of a DM session, reduced to what recognising needs.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::sync::OnceLock;

use oma_dm::syncml::{
    self, Command, Data, Departure, Encoding, Header, Item, Message, Meta, Pattern, Reading, Results, Status,
};
use oma_dm::tnds::ManagementTree;
use oma_dm::tree::Tree;
use oma_dm::uri::NodeUri;

/// What one command writes or asks, item by item.
#[derive(Clone, Debug)]
pub(crate) struct Sent<'m> {
    /// Its CmdID.
    pub(crate) id: &'m str,
    /// What it does.
    pub(crate) verb: Verb,
    /// The node it concerns, with its query.
    pub(crate) target: Cow<'m, str>,
    /// What it writes.
    pub(crate) data: Option<Cow<'m, str>>,
    /// Whether more of the data follows in the next message.
    pub(crate) more_data: bool,
    /// What it is written in, where it adds something that may be an object: the meta of the command, and the item.
    pub(crate) written: Option<(&'m Meta, &'m Item)>,
}

impl<'m> Sent<'m> {
    /// The same with the data of all its parts, the first of which was written like this: leaf by leaf, where it is an object.
    pub(crate) fn joined(self, first: Option<&(Meta, Item)>, octets: Vec<u8>) -> Vec<Self> {
        if let Some((of_command, item)) = first {
            let data = match std::str::from_utf8(&octets) {
                Ok(text) => Data::Text(text.to_owned()),
                Err(_) => Data::Bytes(octets.clone()),
            };
            let whole = Item {
                data: Some(data),
                more_data: false,
                ..item.clone()
            };
            if let Some(leaves) = leaves_of_object(of_command, &whole, &self.target) {
                return leaves
                    .into_iter()
                    .map(|leaf| Self::leaf(self.id, self.verb, leaf))
                    .collect();
            }
        }
        let text = String::from_utf8_lossy(&octets).into_owned();
        vec![Self {
            data: Some(Cow::Owned(text)),
            ..self
        }]
    }

    fn leaf(id: &'m str, verb: Verb, (target, data): (String, String)) -> Self {
        Self {
            id,
            verb,
            target: Cow::Owned(target),
            data: Some(Cow::Owned(data)),
            more_data: false,
            written: None,
        }
    }
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

/// A SyncML message, as recognising looks at it.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The message itself.
    pub(crate) message: Message,
    /// How long it is, in octets.
    pub(crate) octets: u64,
    /// How it is written.
    pub(crate) encoding: &'static str,
    /// What in it is not as it should be, whatever was said before it.
    pub(crate) departures: Vec<Departed>,
    /// What stands for all that it says, once that was asked for: both of its ends may.
    pub(crate) digest: OnceLock<u64>,
}

/// A departure of a message from its form.
#[derive(Clone, Debug)]
pub(crate) struct Departed {
    pub(crate) departure: Departure,
    /// The element that it is in; nothing where it is in none.
    pub(crate) path: Option<String>,
}

/// What a body is said to be; nothing where that is not said.
pub fn content_type(headers: &[(String, String)]) -> &str {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map_or("", |(_, value)| value)
}

/// Reads a body as a SyncML message; the reason when it is none.
#[cfg(test)]
pub(crate) fn read(body: &[u8], media_type: &str) -> Result<Package, String> {
    read_with_pattern(body, media_type).map(|(package, _)| package)
}

/// Reads a body as a SyncML message, and the way in which it is written, where others that are written so can be read by that; the
/// reason when it is none.
pub(crate) fn read_with_pattern(body: &[u8], media_type: &str) -> Result<(Package, Option<Pattern>), String> {
    let encoding = Encoding::from_media_type(media_type).unwrap_or(Encoding::Xml);
    let written = match encoding {
        Encoding::Wbxml => "wbxml",
        Encoding::Xml => "xml",
    };
    let reading = syncml::read(body, encoding).map_err(|error| error.to_string())?;
    let pattern = match encoding {
        Encoding::Xml => Pattern::of(body, &reading),
        Encoding::Wbxml => None,
    };
    let package = Package {
        departures: departures(&reading, media_type),
        message: reading.message,
        octets: octets_of(body),
        encoding: written,
        digest: OnceLock::new(),
    };
    Ok((package, pattern))
}

/// How long a body is.
pub(crate) fn octets_of(body: &[u8]) -> u64 {
    body.len().try_into().unwrap_or(u64::MAX)
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

fn of_item<'m>(command: &'m Command, verb: Verb, item: &'m Item) -> Vec<Sent<'m>> {
    let target = from_root(item.target.as_deref().unwrap_or_default());
    let written = match command {
        Command::Add(add) => Some((&add.meta, item)),
        _ => None,
    };
    let leaves = written
        .filter(|_| !item.more_data)
        .and_then(|(of_command, item)| leaves_of_object(of_command, item, &target));
    if let Some(leaves) = leaves {
        let leaves = leaves.into_iter();
        return leaves.map(|leaf| Sent::leaf(command.id(), verb, leaf)).collect();
    }
    vec![Sent {
        id: command.id(),
        verb,
        target,
        data: text(item),
        more_data: item.more_data,
        written,
    }]
}

/// The leaves that an item adds, with their values, where it is an object (OMA-TS-DM_TND 6): a server may add nodes one by one, or all of
/// them at once.
fn leaves_of_object(of_command: &Meta, item: &Item, target: &str) -> Option<Vec<(String, String)>> {
    let element = ManagementTree::element_of_item(of_command, item).ok().flatten()?;
    let object = ManagementTree::from_element(&element).ok()?;
    let target = NodeUri::parse(target).ok()?;
    let mut tree = Tree::new();
    let mut above = NodeUri::root();
    for name in target.names() {
        above = above.join(name).ok()?;
        // One that is there already is as good.
        let _ = tree.insert_interior(&above, "");
    }
    let places = object.add_to(&mut tree, &target).ok()?;
    let is_added = |uri: &NodeUri| places.iter().any(|place| uri.starts_with(place));
    let added = tree.nodes().filter(|(uri, _)| is_added(uri));
    Some(
        added
            .filter_map(|(uri, node)| Some((uri.to_string(), node.text()?.to_owned())))
            .collect(),
    )
}

/// The address of a node, from the root: `A/B` is `./A/B` (OMA-TS-DM_TND 7.3).
pub fn from_root(address: &str) -> Cow<'_, str> {
    let begins_so = |beginnings: &[&str]| beginnings.iter().any(|beginning| address.starts_with(beginning));
    match matches!(address, "" | ".") || begins_so(&["./", ".?", "/"]) || address.contains("://") {
        true => Cow::Borrowed(address),
        false => Cow::Owned(format!("./{address}")),
    }
}

/// What an item says, in octets: a part of an object may end in the middle of a character.
pub(crate) fn octets(item: &Item) -> Cow<'_, [u8]> {
    match &item.data {
        None => Cow::Borrowed(&[]),
        Some(Data::Text(text)) => Cow::Borrowed(text.as_bytes()),
        Some(Data::Bytes(octets)) => Cow::Borrowed(octets),
        Some(Data::Element(element)) => Cow::Owned(element.to_xml()),
    }
}

/// What an item says, as text.
pub(crate) fn text(item: &Item) -> Option<Cow<'_, str>> {
    Some(match item.data.as_ref()? {
        Data::Text(text) => Cow::Borrowed(text),
        Data::Bytes(bytes) => String::from_utf8_lossy(bytes),
        Data::Element(element) => Cow::Owned(String::from_utf8_lossy(&element.to_xml()).into_owned()),
    })
}

/// The items of a command on nodes, and what it does with them.
fn on_nodes(command: &Command) -> Option<(Verb, &[Item])> {
    match command {
        Command::Get(get) => Some((Verb::Get, &get.items)),
        Command::Add(edit) => Some((Verb::Add, &edit.items)),
        Command::Replace(edit) => Some((Verb::Replace, &edit.items)),
        Command::Delete(delete) => Some((Verb::Delete, &delete.items)),
        Command::Copy(edit) | Command::Exec(edit) => Some((Verb::Other, &edit.items)),
        Command::Status(_)
        | Command::Results(_)
        | Command::Alert(_)
        | Command::Atomic(_)
        | Command::Sequence(_) => None,
    }
}

impl Package {
    /// The message itself.
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// The same for the same message, and hardly for another one.
    pub(crate) fn digest(&self) -> u64 {
        *self.digest.get_or_init(|| {
            let mut said = Gathered(Vec::with_capacity(2048));
            self.message.hash(&mut said);
            said.finish()
        })
    }

    pub(crate) const fn header(&self) -> &Header {
        &self.message.header
    }

    /// What is said in it, members of groups in the place of their group. The reader bounds how deep they are.
    fn commands(&self) -> impl Iterator<Item = &Command> {
        let mut waiting: Vec<&[Command]> = vec![&self.message.commands];
        std::iter::from_fn(move || {
            loop {
                match waiting.pop()? {
                    [] => {}
                    [Command::Atomic(group) | Command::Sequence(group), rest @ ..] => {
                        waiting.extend([rest, &group.commands]);
                    }
                    [command, rest @ ..] => {
                        waiting.push(rest);
                        return Some(command);
                    }
                }
            }
        })
    }

    /// What is said of commands of the other end.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &Status> {
        self.commands().filter_map(|command| match command {
            Command::Status(status) => Some(status),
            _ => None,
        })
    }

    /// What came of the other end's Gets.
    pub(crate) fn results(&self) -> impl Iterator<Item = &Results> {
        self.commands().filter_map(|command| match command {
            Command::Results(results) => Some(results),
            _ => None,
        })
    }

    /// The codes of its Alerts.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = u16> {
        self.commands().filter_map(|command| match command {
            Command::Alert(alert) => Some(alert.code.0),
            _ => None,
        })
    }

    /// The codes of the Alerts that open a session (OMA-TS-DM_Protocol 8, package 1); others may stand beside one.
    pub(crate) fn opening_alerts(&self) -> impl Iterator<Item = u16> {
        self.alerts().filter(|code| matches!(code, 1200 | 1201))
    }

    /// Whether it opens a session.
    pub(crate) fn opens(&self) -> bool {
        self.opening_alerts().next().is_some()
    }

    /// The commands on nodes, item by item; of an object, leaf by leaf.
    pub(crate) fn sent(&self) -> impl Iterator<Item = Sent<'_>> {
        self.commands().flat_map(|command| {
            let (verb, items) = on_nodes(command).unwrap_or((Verb::Other, &[]));
            items.iter().flat_map(move |item| of_item(command, verb, item))
        })
    }

    /// What a client writes of itself at one of its nodes (DevInfo, in package 1).
    pub(crate) fn own_value(&self, node: &str) -> Option<Cow<'_, str>> {
        self.commands().find_map(|command| match command {
            Command::Replace(edit) => edit.items.iter().find_map(|item| {
                item.source
                    .as_deref()
                    .filter(|source| from_root(source) == node)
                    .and_then(|_| text(item))
            }),
            _ => None,
        })
    }

    /// The scheme of the credentials in its header, if there are any.
    pub(crate) fn scheme(&self) -> Option<&str> {
        let credentials = self.header().credentials.as_ref();
        credentials.map(|credentials| credentials.scheme.as_str())
    }

    /// The code of the Status for the header of the other end's message.
    pub(crate) fn header_status(&self) -> Option<u16> {
        self.statuses()
            .find(|status| status.command_ref == "0")
            .map(|status| status.code.0)
    }
}

/// What is to be hashed, in one piece: a message has hundreds of small parts, and each by itself takes longer.
struct Gathered(Vec<u8>);

impl Hasher for Gathered {
    fn write(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
    }

    fn write_u8(&mut self, number: u8) {
        self.0.push(number);
    }

    /// Lengths, nearly all of them short.
    fn write_usize(&mut self, number: usize) {
        match u8::try_from(number) {
            Ok(short) if short < u8::MAX => self.0.push(short),
            _ => {
                self.0.push(u8::MAX);
                self.write(&number.to_le_bytes());
            }
        }
    }

    /// Which of the variants of an enumeration it is.
    fn write_isize(&mut self, number: isize) {
        self.write_usize(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.0);
        hasher.finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Verb, from_root, read};

    #[test]
    fn an_address_without_a_root_is_one_from_the_root() {
        let cases = [
            ("Com/Name", "./Com/Name"),
            ("Com?prop=ACL", "./Com?prop=ACL"),
            ("./Com", "./Com"),
            (".", "."),
            (".?prop=ACL", ".?prop=ACL"),
            (".hidden/x", "./.hidden/x"),
            ("", ""),
            ("https://dms2.example/dm", "https://dms2.example/dm"),
        ];
        for (address, expected) in cases {
            assert_eq!(from_root(address), expected, "{address}");
        }
    }

    #[test]
    fn media_types_have_no_case() {
        let wbxml = "application/vnd.syncml.dm+WBXML";
        let refused = read(b"<SyncML/>", wbxml).expect_err("it is no WBXML");
        let of_wbxml = read(b"<SyncML/>", "application/vnd.syncml.dm+wbxml").expect_err("it is no WBXML");
        assert_eq!(refused, of_wbxml);
    }

    #[test]
    fn an_object_that_is_added_is_each_of_its_leaves() {
        let message = adds(OBJECT, "");
        let package = read(message.as_bytes(), "application/vnd.syncml.dm+xml").expect("it is a message");
        let sent: Vec<_> = package.sent().collect();
        let [leaf] = sent.as_slice() else {
            panic!("it has one leaf: {sent:?}")
        };
        assert_eq!((leaf.id, leaf.verb), ("2", Verb::Add));
        assert_eq!(leaf.target, "./BootstrapConfig/dms2/URL");
        assert_eq!(leaf.data.as_deref(), Some("https://b.example/ü"));
    }

    /// The entry of step 4, as an object.
    pub(crate) const OBJECT: &str = r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>
            <Node><NodeName>dms2</NodeName><RTProperties><Format><node/></Format><Type><DDFName/></Type></RTProperties>
              <Node><NodeName>URL</NodeName><RTProperties><Format><chr/></Format><Type><MIME>text/plain</MIME></Type></RTProperties>
                <Value>https://b.example/ü</Value></Node></Node></MgmtTree>"#;

    /// A message that adds an object below the Bootstrap Config object.
    pub(crate) fn adds(object: &str, more: &str) -> String {
        format!(
            r#"<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID>
               <MsgID>1</MsgID><Target><LocURI>d</LocURI></Target><Source><LocURI>s</LocURI></Source></SyncHdr><SyncBody>
               <Add><CmdID>2</CmdID><Item><Target><LocURI>BootstrapConfig</LocURI></Target>
               <Meta><Format xmlns="syncml:metinf">xml</Format>
               <Type xmlns="syncml:metinf">application/vnd.syncml.dmtnds+xml</Type></Meta>
               <Data><![CDATA[{object}]]></Data>{more}</Item></Add><Final/></SyncBody></SyncML>"#
        )
    }
}
