//! How a message is written, apart from what it says: another one that is written the same way is read by its texts alone.
//!
//! Devices and servers write the same messages again and again: another session, another nonce, another value. Of such a message
//! everything that could depart from the specification is as it was in the first one, so that the elements need not be looked at.

use super::Reading;
use super::lower::is_base64;
use super::message::{Address, Command, Data, Header, Item, Message, Results, Status};
use crate::xml::Element;

/// The longest message that is learned from, and read by what was learned, in octets: the long ones hold data, and are not written
/// twice. It bounds what one that is all items takes of memory.
const LONGEST_LEARNED: usize = 4 * 1024;

/// How a message is written in XML, with gaps where another one may say something else.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What is written before each gap, and behind the last one, in one piece.
    fixed: String,
    gaps: Vec<Gap>,
    /// What the message says, with nothing in its gaps that counts.
    message: Message,
}

/// A text that may be another one.
#[derive(Clone, Debug)]
struct Gap {
    /// How many octets are written between the gap before it and this one.
    behind: usize,
    /// Which of the texts of the message it is, in the order of [`each_text`].
    text: usize,
    leaf: Leaf,
}

/// The elements whose text may be another one without any rule being concerned but those of [`Leaf::takes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf {
    SessionId,
    MessageId,
    Uri,
    Name,
    ResponseUri,
    Credentials,
    MessageRef,
    CommandRef,
    TargetRef,
    SourceRef,
    NextNonce,
    Data,
}

impl Leaf {
    fn of(around: &str, local: &str) -> Option<Self> {
        Some(match (around, local) {
            ("SyncHdr", "SessionID") => Self::SessionId,
            ("SyncHdr", "MsgID") => Self::MessageId,
            ("Target" | "Source", "LocURI") => Self::Uri,
            ("Target" | "Source", "LocName") => Self::Name,
            ("SyncHdr", "RespURI") => Self::ResponseUri,
            ("Cred", "Data") => Self::Credentials,
            ("Status" | "Results", "MsgRef") => Self::MessageRef,
            ("Status" | "Results", "CmdRef") => Self::CommandRef,
            ("Status" | "Results", "TargetRef") => Self::TargetRef,
            ("Status" | "Results", "SourceRef") => Self::SourceRef,
            ("Meta", "NextNonce") => Self::NextNonce,
            ("Item", "Data") => Self::Data,
            _ => return None,
        })
    }

    /// Whether a plain text may stand there without a departure.
    fn takes(self, text: &str) -> bool {
        !matches!(self, Self::Credentials | Self::NextNonce) || is_base64(text.as_bytes())
    }
}

impl Pattern {
    /// How a message is written that was read from XML without any departure; nothing for others, and for very long ones.
    pub fn of(octets: &[u8], reading: &Reading<'_>) -> Option<Self> {
        if !reading.observations.is_empty() || octets.len() > LONGEST_LEARNED {
            return None;
        }
        let mut message = reading.message.clone();
        let leaves = leaves(&reading.element);
        // Each text is where the order of the DTD has it, or the message is not understood well enough to say another one.
        let mut place = 0;
        let mut is_understood = true;
        each_text(&mut message, &mut |leaf, text| {
            let written = leaves.get(place);
            is_understood &= written.is_some_and(|(of, element)| *of == leaf && element.text() == *text);
            place += 1;
        });
        if !is_understood || place != leaves.len() {
            return None;
        }

        let document = std::str::from_utf8(octets).ok()?;
        let mut pattern = Self {
            fixed: String::new(),
            gaps: Vec::new(),
            message: Message::default(),
        };
        let mut written = 0;
        let mut place = 0;
        each_text(&mut message, &mut |leaf, text| {
            let (_, element) = leaves[place];
            if let Some(start) = start_of_plain(document, element, text).filter(|_| leaf.takes(text)) {
                pattern.fixed.push_str(&document[written..start]);
                pattern.gaps.push(Gap {
                    behind: start - written,
                    text: place,
                    leaf,
                });
                written = start + text.len();
                // An empty `MsgRef` would be one that is left out.
                if leaf != Leaf::MessageRef {
                    *text = String::new();
                }
            }
            place += 1;
        });
        pattern.fixed.push_str(&document[written..]);
        pattern.message = message;
        Some(pattern)
    }

    /// What a document says that is written in this way, and has no departure then; nothing where it is written in another way.
    pub fn read(&self, document: &str) -> Option<Message> {
        if document.len() > LONGEST_LEARNED {
            return None;
        }
        let mut texts = Vec::with_capacity(self.gaps.len());
        let (mut fixed, mut rest) = (self.fixed.as_str(), document);
        for gap in &self.gaps {
            let (before, behind) = fixed.split_at(gap.behind);
            fixed = behind;
            rest = rest.strip_prefix(before)?;
            let text = plain(rest).filter(|text| gap.leaf.takes(text))?;
            rest = &rest[text.len()..];
            texts.push(text);
        }
        if rest != fixed {
            return None;
        }
        let mut message = self.message.clone();
        let mut gaps = self.gaps.iter().zip(texts).peekable();
        let mut place = 0;
        each_text(&mut message, &mut |_, text| {
            if let Some((_, said)) = gaps.next_if(|(gap, _)| gap.text == place) {
                text.clear();
                text.push_str(said);
            }
            place += 1;
        });
        Some(message)
    }
}

/// The text that a document goes on with, if it means the same wherever it stands: nothing that XML, or a reader of words, would take for
/// something else.
fn plain(rest: &str) -> Option<&str> {
    let text = &rest[..rest.find('<')?];
    let is_plain = |octet: u8| matches!(octet, b' '..=b'~') & (octet != b'>') & (octet != b'&');
    // All of it is looked at, many octets at once.
    let is_all_plain = text.bytes().fold(true, |all, octet| all & is_plain(octet));
    let has_edge = text.starts_with(' ') || text.ends_with(' ');
    (!text.is_empty() && is_all_plain && !has_edge).then_some(text)
}

/// Where the text of an element begins, if it stands there in one piece and is plain.
fn start_of_plain(document: &str, element: &Element<'_>, text: &str) -> Option<usize> {
    let of_element = document.get(element.at.clone())?;
    let end = of_element.rfind("</")?;
    let start = end.checked_sub(text.len())?;
    let is_behind_markup = of_element.get(..start)?.ends_with('>');
    let is_it = is_behind_markup && plain(&of_element[start..]) == Some(text);
    is_it.then_some(element.at.start + start)
}

/// The leaves of a document, in its order.
fn leaves<'e, 'd>(around: &'e Element<'d>) -> Vec<(Leaf, &'e Element<'d>)> {
    fn add<'e, 'd>(around: &'e Element<'d>, to: &mut Vec<(Leaf, &'e Element<'d>)>) {
        for element in around.elements() {
            match Leaf::of(&around.name.local, &element.name.local) {
                Some(leaf) => to.push((leaf, element)),
                None => add(element, to),
            }
        }
    }
    let mut leaves = Vec::new();
    add(around, &mut leaves);
    leaves
}

/// Goes through the texts of a message that are leaves, in the order of the DTD.
fn each_text(message: &mut Message, take: &mut impl FnMut(Leaf, &mut String)) {
    let Header {
        session_id,
        message_id,
        target,
        source,
        response_uri,
        credentials,
        max_message_size: _,
        max_object_size: _,
    } = &mut message.header;
    take(Leaf::SessionId, session_id);
    take(Leaf::MessageId, message_id);
    for Address { uri, name } in [target, source] {
        take(Leaf::Uri, uri);
        if let Some(name) = name {
            take(Leaf::Name, name);
        }
    }
    if let Some(uri) = response_uri {
        take(Leaf::ResponseUri, uri);
    }
    if let Some(credentials) = credentials {
        take(Leaf::Credentials, &mut credentials.data);
    }
    for command in &mut message.commands {
        in_command(command, take);
    }
}

fn in_command(command: &mut Command, take: &mut impl FnMut(Leaf, &mut String)) {
    match command {
        Command::Status(status) => in_status(status, take),
        Command::Results(results) => in_results(results, take),
        Command::Alert(alert) => in_items(&mut alert.items, take),
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => in_items(&mut operation.items, take),
        Command::Atomic(group) | Command::Sequence(group) => {
            for command in &mut group.commands {
                in_command(command, take);
            }
        }
    }
}

fn in_status(status: &mut Status, take: &mut impl FnMut(Leaf, &mut String)) {
    take(Leaf::MessageRef, &mut status.message_ref);
    take(Leaf::CommandRef, &mut status.command_ref);
    for reference in &mut status.target_refs {
        take(Leaf::TargetRef, reference);
    }
    for reference in &mut status.source_refs {
        take(Leaf::SourceRef, reference);
    }
    let challenge = status.challenge.as_mut();
    if let Some(nonce) = challenge.and_then(|challenge| challenge.next_nonce.as_mut()) {
        take(Leaf::NextNonce, nonce);
    }
    in_items(&mut status.items, take);
}

fn in_results(results: &mut Results, take: &mut impl FnMut(Leaf, &mut String)) {
    // Left out, it is empty.
    if !results.message_ref.is_empty() {
        take(Leaf::MessageRef, &mut results.message_ref);
    }
    take(Leaf::CommandRef, &mut results.command_ref);
    if let Some(reference) = &mut results.target_ref {
        take(Leaf::TargetRef, reference);
    }
    if let Some(reference) = &mut results.source_ref {
        take(Leaf::SourceRef, reference);
    }
    in_items(&mut results.items, take);
}

fn in_items(items: &mut [Item], take: &mut impl FnMut(Leaf, &mut String)) {
    for item in items {
        for uri in [&mut item.target, &mut item.source].into_iter().flatten() {
            take(Leaf::Uri, uri);
        }
        if let Some(Data::Text(text)) = &mut item.data {
            take(Leaf::Data, text);
        }
    }
}
