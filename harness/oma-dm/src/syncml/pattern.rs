//! How a message is written, apart from what it says: another one that is written the same way is read by its texts alone.
//!
//! Devices and servers write the same messages again and again: another session, another nonce, another value. Of such a message
//! everything that could depart from the specification is as it was in the first one, so that the elements need not be looked at.

use std::ops::Range;

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
    /// The message that it was learned from, as it was written.
    document: String,
    /// In the order in which they stand in it, with markup before and behind each.
    gaps: Vec<Gap>,
    /// What that message says.
    message: Message,
}

/// A text that may be another one.
#[derive(Clone, Debug)]
struct Gap {
    /// Where it is written.
    at: Range<usize>,
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
        let mut gaps = Vec::new();
        let mut place = 0;
        each_text(&mut message, &mut |leaf, text| {
            let (_, element) = leaves[place];
            if let Some(start) = start_of_plain(document, element, text).filter(|_| leaf.takes(text)) {
                gaps.push(Gap {
                    at: start..start + text.len(),
                    text: place,
                    leaf,
                });
            }
            place += 1;
        });
        Some(Self {
            document: document.to_owned(),
            gaps,
            message,
        })
    }

    /// What a document says that is written in this way, and has no departure then; nothing where it is written in another way.
    pub fn read(&self, document: &str) -> Option<Message> {
        if document.len() > LONGEST_LEARNED {
            return None;
        }
        let other = self.other_texts(document)?;
        let mut message = self.message.clone();
        if other.is_empty() {
            return Some(message);
        }
        let mut other = other.into_iter().peekable();
        let mut place = 0;
        each_text(&mut message, &mut |_, text| {
            if let Some((_, said)) = other.next_if(|(gap, _)| gap.text == place) {
                text.clear();
                text.push_str(said);
            }
            place += 1;
        });
        Some(message)
    }

    /// The texts of a document that are other ones than those of the message that was learned from, each with its gap; nothing where it is
    /// written in another way.
    fn other_texts<'p, 'd>(&'p self, document: &'d str) -> Option<Vec<(&'p Gap, &'d str)>> {
        let mut other = Vec::new();
        let mut gaps = self.gaps.iter();
        // How far both were compared.
        let (mut known, mut read) = (0, 0);
        loop {
            let (left, rest) = (&self.document.as_bytes()[known..], &document.as_bytes()[read..]);
            let same = same_octets(left, rest);
            if same == left.len() && same == rest.len() {
                return Some(other);
            }
            // What differs first, if only in its length, is a text, or it is written in another way.
            let differs = known + same;
            let gap = gaps.find(|gap| differs <= gap.at.end)?;
            let before = gap.at.start.checked_sub(known).filter(|before| *before <= same)?;
            let text = plain(&document[read + before..]).filter(|text| gap.leaf.takes(text))?;
            other.push((gap, text));
            (known, read) = (gap.at.end, read + before + text.len());
        }
    }
}

/// How many octets two begin with that are the same: many at once, then fewer.
fn same_octets(one: &[u8], other: &[u8]) -> usize {
    let same = same_pieces::<64>(one, other);
    let same = same + same_pieces::<8>(&one[same..], &other[same..]);
    same + same_pieces::<1>(&one[same..], &other[same..])
}

fn same_pieces<const OCTETS: usize>(one: &[u8], other: &[u8]) -> usize {
    let (one, _) = one.as_chunks::<OCTETS>();
    let (other, _) = other.as_chunks::<OCTETS>();
    let pieces = one.iter().zip(other);
    pieces.take_while(|(one, other)| one == other).count() * OCTETS
}

/// The text that a document goes on with, if it means the same wherever it stands: nothing that XML, or a reader of words, would take for
/// something else.
fn plain(rest: &str) -> Option<&str> {
    let is_plain = |octet: &u8| matches!(octet, b' '..=b'~') && !matches!(octet, b'<' | b'>' | b'&');
    let end = rest.bytes().position(|octet| !is_plain(&octet))?;
    let (text, behind) = rest.split_at(end);
    let has_edge = text.starts_with(' ') || text.ends_with(' ');
    (!text.is_empty() && !has_edge && behind.starts_with('<')).then_some(text)
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
