//! An object on its way out, in as many parts as it takes.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::session::packer::Packer;
use crate::syncml::{Command, Data, Encoding, Format, Item};

/// An object that goes out in parts. A clone shares the data.
#[derive(Clone)]
pub(in crate::session) struct Outbound {
    /// Without the data.
    command: Arc<Command>,
    data: Arc<Payload>,
    /// How much of the data has gone out, in octets.
    gone: usize,
}

enum Payload {
    Text(String),
    Octets(Vec<u8>),
}

impl Outbound {
    /// The command whose only item is to go in parts; the command itself if it cannot.
    pub(in crate::session) fn new(
        mut command: Box<Command>,
        encoding: Encoding,
    ) -> Result<Self, Box<Command>> {
        let Some(item) = only_item(&mut command).filter(|item| item.data.as_ref().is_some_and(is_something))
        else {
            return Err(command);
        };
        item.meta.size = None;
        let data = match item.data.take() {
            Some(Data::Text(text)) => Payload::Text(text),
            Some(Data::Element(element)) => {
                Payload::Text(String::from_utf8(element.to_xml()).expect("the XML writer writes UTF-8"))
            }
            // XML cannot hold octets, and base64 has to be cut after it was made.
            Some(Data::Bytes(octets)) if encoding == Encoding::Xml => {
                item.meta.format = Some(Format::B64.name().to_owned());
                Payload::Text(BASE64.encode(octets))
            }
            Some(Data::Bytes(octets)) => Payload::Octets(octets),
            None => return Err(command),
        };
        Ok(Self {
            command: Arc::from(command),
            data: Arc::new(data),
            gone: 0,
        })
    }

    /// Octets of the whole object, as it is sent.
    pub(in crate::session) fn size(&self) -> usize {
        match &*self.data {
            Payload::Text(text) => text.len(),
            Payload::Octets(octets) => octets.len(),
        }
    }

    /// Whether a part of it, but not all, has gone out.
    pub(in crate::session) fn is_begun(&self) -> bool {
        self.gone > 0 && !self.is_gone()
    }

    /// Whether all of it has gone out.
    pub(in crate::session) fn is_gone(&self) -> bool {
        self.gone >= self.size()
    }

    /// The next part, as much as fits in the message; nothing if that is less than `least` octets, though more is left.
    pub(in crate::session) fn next(&mut self, packer: &Packer, least: usize) -> Option<Command> {
        // A part is no shorter in the message than by itself.
        let most = self.size().min(self.gone.saturating_add(packer.room()));
        let (mut fitting, mut too_much) = (self.gone, most + 1);
        while too_much - fitting > 1 {
            let middle = fitting + (too_much - fitting) / 2;
            match packer.fits(std::slice::from_ref(&self.part(self.boundary(middle)))) {
                true => fitting = middle,
                false => too_much = middle,
            }
        }
        let end = self.boundary(fitting);
        match end >= self.size().min(self.gone.saturating_add(least.max(1))) {
            true => Some(self.send_to(end)),
            false => None,
        }
    }

    /// The next part of about so many octets, whether it fits or not.
    pub(in crate::session) fn next_of(&mut self, octets: usize) -> Command {
        let mut end = self.gone.saturating_add(octets).min(self.size());
        while end < self.size() && self.boundary(end) <= self.gone {
            end += 1;
        }
        self.send_to(self.boundary(end))
    }

    fn send_to(&mut self, end: usize) -> Command {
        let part = self.part(end);
        self.gone = end;
        part
    }

    /// The last place up to `end` where text can be cut.
    fn boundary(&self, mut end: usize) -> usize {
        if let Payload::Text(text) = &*self.data {
            while !text.is_char_boundary(end) {
                end -= 1;
            }
        }
        end
    }

    fn part(&self, end: usize) -> Command {
        let data = match &*self.data {
            Payload::Text(text) => Data::Text(text.get(self.gone..end).unwrap_or_default().to_owned()),
            Payload::Octets(octets) => Data::Bytes(octets.get(self.gone..end).unwrap_or_default().to_vec()),
        };
        let size = u64::try_from(self.size()).unwrap_or(u64::MAX);
        let has_more = end < self.size();
        let mut part = Command::clone(&self.command);
        if let Some(item) = only_item(&mut part) {
            item.data = Some(data);
            item.more_data = has_more;
            // In the first part, where there are several.
            if self.gone == 0 && has_more {
                item.meta.size = Some(size);
            }
        }
        part
    }
}

fn is_something(data: &Data) -> bool {
    match data {
        Data::Text(text) => !text.is_empty(),
        Data::Bytes(octets) => !octets.is_empty(),
        Data::Element(_) => true,
    }
}

/// The item of a command that carries a single object which is not a part of one already.
fn only_item(command: &mut Command) -> Option<&mut Item> {
    let items = match command {
        Command::Add(operation) | Command::Replace(operation) | Command::Exec(operation) => {
            operation.meta.size = None;
            &mut operation.items
        }
        Command::Results(results) => {
            results.meta.size = None;
            &mut results.items
        }
        _ => return None,
    };
    match items.as_mut_slice() {
        [item] if !item.more_data => Some(item),
        _ => None,
    }
}
