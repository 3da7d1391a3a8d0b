//! An object on its way in: its parts are kept until all are there, or something is wrong with one.

use super::{MAX_OBJECT, SIZE_REQUIRED};
use crate::syncml::{Command, Data, Item, Meta, StatusCode};

/// The object that is coming in, if one is.
pub(in crate::session) struct Inbound {
    /// `MaxObjSize`, or the most that is kept in any case.
    most: u64,
    object: Option<Object>,
}

/// What came in with a command.
#[derive(Debug, PartialEq)]
pub(in crate::session) enum Taken {
    /// All that there is of it: the command was whole, or is now.
    Whole(Box<Command>),
    /// A part of an object.
    Part(Box<Part>),
    /// Nothing of it can be used.
    Refused(StatusCode),
}

/// A part of an object that came in.
#[derive(Debug, PartialEq)]
pub(in crate::session) struct Part {
    /// The command with the items before it, which are whole, if there are any.
    pub(in crate::session) whole: Option<Command>,
    /// Target or source of the item that is in parts.
    pub(in crate::session) item: Item,
    /// What to answer to it.
    pub(in crate::session) code: StatusCode,
}

/// An object that broke off.
pub(in crate::session) struct Broken {
    /// An item that says which it was.
    pub(in crate::session) item: Item,
    /// Of Results: message and command that they are the results of.
    pub(in crate::session) of: Option<(String, String)>,
}

struct Object {
    key: Key,
    /// The command as it began, with the item in parts only, and without its data.
    command: Command,
    expected: u64,
    octets: Vec<u8>,
    is_text: bool,
    /// What is answered to the rest of it, when it is not to be kept.
    refused: Option<StatusCode>,
}

/// What the parts of one object have in common.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    command: &'static str,
    target: Option<String>,
    source: Option<String>,
    /// Of Results: message and command that they are the results of.
    of: Option<(String, String)>,
}

impl Inbound {
    /// With the largest object that was said to be taken.
    pub(in crate::session) fn new(max_object_size: Option<u64>) -> Self {
        Self {
            most: max_object_size.map_or(MAX_OBJECT, |most| most.min(MAX_OBJECT)),
            object: None,
        }
    }

    /// Whether an object is not complete.
    pub(in crate::session) const fn is_open(&self) -> bool {
        self.object.is_some()
    }

    /// Whether a command goes on with the object that is coming in.
    pub(in crate::session) fn continues(&self, command: &Command) -> bool {
        let (Some(object), Some((meta, items))) = (&self.object, content(command)) else {
            return false;
        };
        match items {
            [item] => object.key == key(command, item) && size(meta, item).is_none() && item.data.is_some(),
            _ => false,
        }
    }

    /// Gives up the object that is coming in.
    pub(in crate::session) fn give_up(&mut self) -> Option<Broken> {
        let Key {
            target, source, of, ..
        } = self.object.take()?.key;
        let item = Item {
            target,
            source,
            ..Item::default()
        };
        Some(Broken { item, of })
    }

    /// Takes a command that may be a part. One that does not go on with the object that is coming in gives that up.
    pub(in crate::session) fn take(&mut self, command: &Command) -> Taken {
        let Some((meta, items)) = content(command) else {
            return Taken::Whole(Box::new(command.clone()));
        };
        let [before @ .., last] = items else {
            return Taken::Whole(Box::new(command.clone()));
        };
        if before.iter().any(|item| item.more_data) {
            return Taken::Refused(StatusCode::BAD_REQUEST);
        }
        if self.continues(command) {
            return self.go_on(command, last);
        }
        self.object = None;
        if !last.more_data {
            let is_too_large = items.iter().any(|item| octets(item) > self.most);
            return match is_too_large {
                true => Taken::Refused(StatusCode::ENTITY_TOO_LARGE),
                false => Taken::Whole(Box::new(command.clone())),
            };
        }
        let code = self.begin(command, meta, last);
        let mut whole = command.clone();
        if let Some(items) = content_mut(&mut whole) {
            items.pop();
        }
        Taken::Part(Box::new(Part {
            whole: Some(whole).filter(|_| !before.is_empty()),
            item: place(last),
            code,
        }))
    }

    fn begin(&mut self, command: &Command, meta: &Meta, item: &Item) -> StatusCode {
        let expected = size(meta, item);
        let refused = match expected {
            None => Some(SIZE_REQUIRED),
            Some(expected) if expected > self.most => Some(StatusCode::ENTITY_TOO_LARGE),
            Some(_) => None,
        };
        let mut first = command.clone();
        if let Some(items) = content_mut(&mut first) {
            items.clear();
            items.push(Item {
                data: None,
                more_data: false,
                ..item.clone()
            });
        }
        let mut object = Object {
            key: key(command, item),
            command: first,
            expected: expected.unwrap_or_default(),
            octets: Vec::new(),
            is_text: true,
            refused,
        };
        object.add(item);
        let code = object.refused.unwrap_or(StatusCode::CHUNK_ACCEPTED);
        self.object = Some(object);
        code
    }

    fn go_on(&mut self, command: &Command, item: &Item) -> Taken {
        let Some(mut object) = self.object.take() else {
            return Taken::Whole(Box::new(command.clone()));
        };
        object.add(item);
        let code = if item.more_data {
            let code = object.refused.unwrap_or(StatusCode::CHUNK_ACCEPTED);
            self.object = Some(object);
            code
        } else {
            match object.finish(command.id()) {
                Ok(whole) => return Taken::Whole(Box::new(whole)),
                Err(code) => code,
            }
        };
        Taken::Part(Box::new(Part {
            whole: None,
            item: place(item),
            code,
        }))
    }
}

impl Object {
    /// Adds a part. What is more than was announced is not kept.
    fn add(&mut self, item: &Item) {
        if self.refused.is_some() {
            return;
        }
        let part = match &item.data {
            None => return,
            Some(Data::Text(text)) => text.as_bytes(),
            Some(Data::Bytes(octets)) => {
                self.is_text = false;
                octets
            }
            // Markup cannot be cut.
            Some(Data::Element(_)) => return self.refuse(StatusCode::BAD_REQUEST),
        };
        let sum = self.octets.len().saturating_add(part.len());
        match u64::try_from(sum) {
            Ok(sum) if sum <= self.expected => self.octets.extend_from_slice(part),
            _ => self.refuse(StatusCode::SIZE_MISMATCH),
        }
    }

    fn refuse(&mut self, code: StatusCode) {
        self.refused = Some(code);
        self.octets = Vec::new();
    }

    /// The command with all of the data, under the identifier of the last part.
    fn finish(mut self, id: &str) -> Result<Command, StatusCode> {
        if let Some(code) = self.refused {
            return Err(code);
        }
        if u64::try_from(self.octets.len()) != Ok(self.expected) {
            return Err(StatusCode::SIZE_MISMATCH);
        }
        let data = match self.is_text {
            true => Data::Text(String::from_utf8(self.octets).map_err(|_| StatusCode::BAD_REQUEST)?),
            false => Data::Bytes(self.octets),
        };
        self.command.set_id(id.to_owned());
        if let Some([item]) = content_mut(&mut self.command).map(Vec::as_mut_slice) {
            item.data = Some(data);
        }
        Ok(self.command)
    }
}

/// The item without what it carries.
fn place(item: &Item) -> Item {
    Item {
        target: item.target.clone(),
        source: item.source.clone(),
        ..Item::default()
    }
}

fn key(command: &Command, item: &Item) -> Key {
    Key {
        command: command.name(),
        target: item.target.clone(),
        source: item.source.clone(),
        of: match command {
            Command::Results(results) => Some((results.message_ref.clone(), results.command_ref.clone())),
            _ => None,
        },
    }
}

fn size(meta: &Meta, item: &Item) -> Option<u64> {
    item.meta.size.or(meta.size)
}

fn octets(item: &Item) -> u64 {
    let octets = match &item.data {
        None | Some(Data::Element(_)) => 0,
        Some(Data::Text(text)) => text.len(),
        Some(Data::Bytes(octets)) => octets.len(),
    };
    u64::try_from(octets).unwrap_or(u64::MAX)
}

/// What a command carries that may come in parts.
fn content(command: &Command) -> Option<(&Meta, &[Item])> {
    match command {
        Command::Add(operation) | Command::Replace(operation) | Command::Exec(operation) => {
            Some((&operation.meta, &operation.items))
        }
        Command::Results(results) => Some((&results.meta, &results.items)),
        _ => None,
    }
}

fn content_mut(command: &mut Command) -> Option<&mut Vec<Item>> {
    match command {
        Command::Add(operation) | Command::Replace(operation) | Command::Exec(operation) => {
            Some(&mut operation.items)
        }
        Command::Results(results) => Some(&mut results.items),
        _ => None,
    }
}
