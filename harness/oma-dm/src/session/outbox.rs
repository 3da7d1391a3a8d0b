//! What one end has to say, spread over as many messages as the other end's `MaxMsgSize` makes of it (OMA-TS-DM_Protocol 6, 7).

use std::collections::VecDeque;

use super::large_object::Outbound;
use super::packer::Packer;
use super::server::Tag;
use crate::syncml::{Command, Data, Encoding, Item, Results, Status, StatusCode};

/// Least octets of a large object that are worth a place behind other commands.
const LEAST_PART: usize = 64;
/// Octets of a large object that go in a message in which, strictly, nothing fits.
const FORCED_PART: usize = 16;

/// What is to be said, and what was said last, in case it has to go again.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Unit>,
    in_flight: Vec<Unit>,
    /// What fits in no message that the other end takes.
    dropped: Vec<Tag>,
    /// About how many octets are waiting.
    octets: usize,
}

/// What stays together.
#[derive(Clone)]
struct Unit {
    /// The caller's name for it, when it is a command of the caller's.
    tag: Option<Tag>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    /// These go in one message.
    Together(Vec<Command>),
    /// This goes in parts.
    InParts(Outbound),
}

/// What was put in a message.
#[derive(Clone, Copy)]
pub(super) struct Put {
    /// Which of its commands.
    pub(super) index: usize,
    /// The caller's name for it.
    pub(super) tag: Option<Tag>,
    /// Whether it is a part of an object that goes on in the next message.
    pub(super) goes_on: bool,
}

impl Outbox {
    /// Adds commands that stay together.
    pub(super) fn push(&mut self, tag: Option<Tag>, commands: Vec<Command>) {
        let unit = Unit::together(tag, commands);
        self.octets = self.octets.saturating_add(unit.octets());
        self.waiting.push_back(unit);
    }

    /// Adds a command before all others, even those of which a part has gone out.
    pub(super) fn push_first(&mut self, command: Command) {
        self.put_back(Unit::together(None, vec![command]));
    }

    /// Changes the code of a Status for an Alert that is waiting.
    pub(super) fn set_status(&mut self, message_ref: &str, command_ref: &str, code: StatusCode) {
        for unit in &mut self.waiting {
            if let Content::Together(commands) = &mut unit.content
                && let [Command::Status(status)] = commands.as_mut_slice()
                && (status.message_ref.as_str(), status.command_ref.as_str()) == (message_ref, command_ref)
                && status.command == "Alert"
            {
                status.code = code;
            }
        }
    }

    /// Whether nothing is waiting.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many things are waiting.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// About how many octets are waiting.
    pub(super) const fn octets(&self) -> usize {
        self.octets
    }

    /// What fits in no message that the other end takes, and is not sent.
    pub(super) fn dropped(&self) -> &[Tag] {
        &self.dropped
    }

    /// The caller's names for what is waiting.
    pub(super) fn tags(&self) -> impl Iterator<Item = Tag> {
        self.waiting.iter().filter_map(|unit| unit.tag)
    }

    /// Whether a part of a large object has gone out, and the next is due.
    pub(super) fn is_in_parts(&self) -> bool {
        self.waiting.front().is_some_and(Unit::is_begun)
    }

    /// Does not send the rest of the large object of which a part has gone out.
    pub(super) fn give_up_object(&mut self) {
        if self.is_in_parts() {
            self.pop();
        }
    }

    /// The last message was taken.
    pub(super) fn delivered(&mut self) {
        self.in_flight.clear();
    }

    /// The last message was not taken: what of it is wanted still goes again.
    pub(super) fn take_back(&mut self, is_wanted: impl Fn(Tag) -> bool) {
        for unit in std::mem::take(&mut self.in_flight).into_iter().rev() {
            // What is waiting of an object is behind what goes again.
            if matches!(unit.content, Content::InParts(_)) {
                self.give_up_object();
            }
            if unit.tag.is_none_or(&is_wanted) {
                self.put_back(unit);
            }
        }
    }

    /// Puts into a message as much as fits. Into one with nothing but the Status elements for a header and an Alert, something goes
    /// in any case. `most` is the largest object that the other end takes.
    pub(super) fn fill(&mut self, packer: &mut Packer, most: Option<u64>) -> Vec<Put> {
        let mut put = Vec::new();
        while let Some(unit) = self.pop() {
            let is_bare = is_bare(packer.commands());
            let tag = unit.tag;
            match unit.content {
                Content::Together(commands) if is_too_large(&commands, most) && tag.is_some() => {
                    self.dropped.extend(tag);
                }
                Content::Together(commands) => {
                    let before = packer.commands().len();
                    match packer.try_push(commands) {
                        Ok(()) => self.note_put(tag, before, packer, &mut put),
                        Err(commands) if is_bare => self.reduce(tag, commands, packer, &mut put),
                        // A first part of it may fit where there is no other command.
                        Err(commands) if put.is_empty() => {
                            let (unit, is_object) = as_object(tag, commands, packer.encoding());
                            self.put_back(unit);
                            if !is_object {
                                break;
                            }
                        }
                        Err(commands) => {
                            self.put_back(Unit::together(tag, commands));
                            break;
                        }
                    }
                }
                Content::InParts(object) => {
                    let is_last = self.put_part(tag, object, is_bare, packer, &mut put);
                    if !is_last {
                        break;
                    }
                }
            }
        }
        put
    }

    /// Notes what was put in a message, from the command of that index on.
    fn note_put(&mut self, tag: Option<Tag>, from: usize, packer: &Packer, put: &mut Vec<Put>) {
        let commands = packer.commands().get(from..).unwrap_or_default();
        put.extend((from..packer.commands().len()).map(|index| Put {
            index,
            tag,
            goes_on: false,
        }));
        self.in_flight.push(Unit::together(tag, commands.to_vec()));
    }

    /// Makes something smaller of what fits in no message.
    fn reduce(
        &mut self,
        tag: Option<Tag>,
        mut commands: Vec<Command>,
        packer: &mut Packer,
        put: &mut Vec<Put>,
    ) {
        if commands.len() > 1 {
            for command in commands.into_iter().rev() {
                self.put_back(Unit::together(tag, vec![command]));
            }
            return;
        }
        let Some(command) = commands.pop() else {
            return;
        };
        match command {
            Command::Results(results) if results.items.len() > 1 => {
                for half in halves(results).into_iter().rev() {
                    self.put_back(Unit::together(tag, vec![Command::Results(half)]));
                }
            }
            Command::Status(status) if is_talkative(&status) => {
                let bare = Command::Status(Status {
                    target_refs: Vec::new(),
                    source_refs: Vec::new(),
                    items: Vec::new(),
                    ..status
                });
                self.put_back(Unit::together(tag, vec![bare]));
            }
            command => match Outbound::new(Box::new(command), packer.encoding()) {
                Ok(object) => self.put_back(Unit::in_parts(tag, object)),
                Err(command) if tag.is_none() => {
                    let before = packer.commands().len();
                    packer.push(*command);
                    self.note_put(tag, before, packer, put);
                }
                Err(_) => self.dropped.extend(tag),
            },
        }
    }

    /// Puts the next part of an object into a message; whether it was the last one.
    fn put_part(
        &mut self,
        tag: Option<Tag>,
        mut object: Outbound,
        is_bare: bool,
        packer: &mut Packer,
        put: &mut Vec<Put>,
    ) -> bool {
        let before = Unit::in_parts(tag, object.clone());
        let least = if is_bare { 1 } else { LEAST_PART };
        let part = match object.next(packer, least) {
            Some(part) => part,
            None if !is_bare => {
                self.put_back(before);
                return false;
            }
            None if tag.is_some() && !object.is_begun() => {
                self.dropped.extend(tag);
                return true;
            }
            None => object.next_of(FORCED_PART),
        };
        let is_last = object.is_gone();
        put.push(Put {
            index: packer.commands().len(),
            tag,
            goes_on: !is_last,
        });
        packer.push(part);
        self.in_flight.push(before);
        if !is_last {
            self.put_back(Unit::in_parts(tag, object));
        }
        is_last
    }

    fn put_back(&mut self, unit: Unit) {
        self.octets = self.octets.saturating_add(unit.octets());
        self.waiting.push_front(unit);
    }

    fn pop(&mut self) -> Option<Unit> {
        let unit = self.waiting.pop_front()?;
        self.octets = self.octets.saturating_sub(unit.octets());
        Some(unit)
    }
}

impl Unit {
    const fn together(tag: Option<Tag>, commands: Vec<Command>) -> Self {
        Self {
            tag,
            content: Content::Together(commands),
        }
    }

    const fn in_parts(tag: Option<Tag>, object: Outbound) -> Self {
        Self {
            tag,
            content: Content::InParts(object),
        }
    }

    fn is_begun(&self) -> bool {
        matches!(&self.content, Content::InParts(object) if object.is_begun())
    }

    /// About how many octets it takes to keep it.
    fn octets(&self) -> usize {
        match &self.content {
            Content::Together(commands) => commands.iter().map(octets).sum(),
            Content::InParts(object) => object.size(),
        }
    }
}

/// The same as an object that goes in parts, if it can.
fn as_object(tag: Option<Tag>, mut commands: Vec<Command>, encoding: Encoding) -> (Unit, bool) {
    if commands.len() != 1 {
        return (Unit::together(tag, commands), false);
    }
    let command = commands.remove(0);
    match Outbound::new(Box::new(command), encoding) {
        Ok(object) => (Unit::in_parts(tag, object), true),
        Err(command) => (Unit::together(tag, vec![*command]), false),
    }
}

/// Whether a message has no more than the Status elements for a header and for an Alert: what does not fit in it fits in none.
fn is_bare(commands: &[Command]) -> bool {
    let are_statuses = commands
        .iter()
        .all(|command| matches!(command, Command::Status(_)));
    commands.len() <= 2 && are_statuses
}

/// Octets of what a command carries, and some for the rest of it.
fn octets(command: &Command) -> usize {
    const REST: usize = 200;
    let items = match command {
        Command::Status(status) => {
            let references = status.target_refs.iter().chain(&status.source_refs);
            return references.map(String::len).sum::<usize>() + REST;
        }
        Command::Results(results) => &results.items,
        other => items(other),
    };
    items
        .iter()
        .map(|item| octets_of_data(item) + REST)
        .sum::<usize>()
        + REST
}

fn items(command: &Command) -> &[Item] {
    match command {
        Command::Add(operation) | Command::Replace(operation) | Command::Exec(operation) => &operation.items,
        _ => &[],
    }
}

/// Octets of an item's data, as far as it is no markup.
pub(super) fn octets_of_data(item: &Item) -> usize {
    item.data.as_ref().and_then(Data::octets).unwrap_or(0)
}

/// Whether an object in it is larger than the largest that is taken.
fn is_too_large(commands: &[Command], most: Option<u64>) -> bool {
    let Some(most) = most else {
        return false;
    };
    let is_too_large = |item: &Item| u64::try_from(octets_of_data(item)).is_ok_and(|octets| octets > most);
    commands.iter().flat_map(items).any(is_too_large)
}

fn is_talkative(status: &Status) -> bool {
    !(status.target_refs.is_empty() && status.source_refs.is_empty() && status.items.is_empty())
}

fn halves(mut results: Results) -> [Results; 2] {
    let second = results.items.split_off(results.items.len() / 2);
    let second = Results {
        items: second,
        ..results.clone()
    };
    [results, second]
}
