//! What one end has sent, and what the other has said of it.

use std::sync::Arc;

use super::chunks::Chunks;
use crate::syncml::{AlertCode, Command, Item, Message, StatusCode};

/// One end of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Headers and whatever was in the bodies, by `MsgID`.
    messages: Named<Parts>,
    /// What of it the other end has not closed a package on, in order.
    pending: Vec<(Id, Id)>,
    last: Option<Id>,
    /// What the other end's last message answered.
    answered: Vec<(Id, Id)>,
    /// Objects that it sends in parts.
    pub(super) chunks: Chunks,
}

/// A `MsgID` or `CmdID`: one stands in several lists.
type Id = Arc<str>;

/// Things by their names, in the order of those. Most sessions have a few messages of three parts each, and many sessions are followed at
/// once: a tree would make room for eleven in each.
#[derive(Clone, Debug)]
struct Named<T>(Vec<(Id, T)>);

/// The header and the body of a message, by `CmdID`.
type Parts = Named<Sent>;

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Some; of two of the same name the last one counts.
    fn of(mut all: Vec<(Id, T)>) -> Self {
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.dedup_by(|later, earlier| {
            let is_again = later.0 == earlier.0;
            if is_again {
                std::mem::swap(later, earlier);
            }
            is_again
        });
        all.shrink_to_fit();
        Self(all)
    }

    /// Adds some to those that are there.
    fn add(&mut self, new: Vec<(Id, T)>) {
        let mut all = std::mem::take(&mut self.0);
        all.extend(new);
        *self = Self::of(all);
    }

    /// Adds one that is not there yet.
    fn put(&mut self, name: Id, new: T) {
        let place = self.0.partition_point(|(known, _)| *known < name);
        self.0.reserve_exact(1);
        self.0.insert(place, (name, new));
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(id)).ok()
    }

    fn get(&self, id: &str) -> Option<&T> {
        self.place(id).map(|place| &self.0[place].1)
    }

    /// The name of one that is there, as it is kept.
    fn id(&self, id: &str) -> Option<Id> {
        self.place(id).map(|place| Arc::clone(&self.0[place].0))
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.place(id).map(|place| &mut self.0[place].1)
    }
}

/// A header, or a part of a body.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// Its name, as `Cmd` has it.
    pub(super) name: &'static str,
    /// How many items it has.
    pub(super) items: usize,
    /// Whether a Status has to come for it.
    pub(super) is_due: bool,
    /// Whether it asks for the structure of nodes, without their values (OMA-TS-DM_TND 8).
    pub(super) asks_structure: bool,
    /// Whether an object in it goes on in the next message.
    pub(super) is_part: bool,
    /// Whether an object ends in it that came in parts.
    pub(super) ends_object: bool,
    /// Whether an object that ends in it has not the size that was announced.
    pub(super) has_wrong_size: bool,
    /// How often something was said of it.
    pub(super) answers: usize,
    /// Whether it was said that it, or an item of it, succeeded.
    pub(super) has_succeeded: bool,
    /// Whether what was said of it is a first word only.
    is_going_on: bool,
    /// Whether what was said of it was refused with the message that said it: it may be said again.
    may_be_said_again: bool,
    /// Whether there were Results of it.
    pub(super) has_results: bool,
}

impl Sent {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            items: 0,
            is_due: true,
            asks_structure: false,
            is_part: false,
            ends_object: false,
            has_wrong_size: false,
            answers: 0,
            has_succeeded: false,
            is_going_on: false,
            may_be_said_again: false,
            has_results: false,
        }
    }

    pub(super) fn is_header(&self) -> bool {
        self.name == "SyncHdr"
    }

    /// Whether one more Status for it is one too many: there may be one for each item, and one after a first word.
    pub(super) fn is_settled(&self) -> bool {
        !self.may_be_said_again && !self.is_going_on && self.answers >= self.items.max(1)
    }

    fn answer(&mut self, code: StatusCode) {
        const IN_PROGRESS: StatusCode = StatusCode(101);
        if std::mem::take(&mut self.may_be_said_again) {
            self.answers = 0;
            self.has_succeeded = false;
        }
        let first_words = [IN_PROGRESS, StatusCode::ACCEPTED, StatusCode::CHUNK_ACCEPTED];
        self.answers += 1;
        self.has_succeeded |= code.is_success();
        self.is_going_on |= first_words.contains(&code);
    }
}

impl Ledger {
    /// Enters a message; what is in it asks for answers from now on.
    pub(super) fn enter(&mut self, message: &Message) {
        let message_id = &message.header.message_id;
        let message_id = self
            .messages
            .id(message_id)
            .unwrap_or_else(|| message_id.as_str().into());
        let commands = all(&message.commands);
        let mut parts = Vec::with_capacity(commands.len() + 1);
        parts.push(("0".into(), Sent::new("SyncHdr")));
        for command in commands {
            let is_due = match command {
                Command::Status(_) | Command::Results(_) => false,
                // Whether it has a Status differs: what comes next answers it, too.
                Command::Alert(alert) => alert.code != AlertCode::NEXT_MESSAGE,
                _ => true,
            };
            let sent = Sent {
                items: items(command).len(),
                is_due,
                asks_structure: items(command).iter().any(asks_structure),
                is_part: self.chunks.goes_on_in(command.id()),
                ends_object: self.chunks.ends_in(command.id()),
                has_wrong_size: self.chunks.has_wrong_size_in(command.id()),
                ..Sent::new(command.name())
            };
            parts.push((command.id().into(), sent));
        }
        let due = parts.iter().filter(|(_, sent)| sent.is_due);
        let due = due.map(|(id, _)| (Arc::clone(&message_id), Arc::clone(id)));
        self.pending.extend(due);
        self.last = Some(Arc::clone(&message_id));
        match self.messages.get_mut(&message_id) {
            Some(known) => known.add(parts),
            None => self.messages.put(message_id, Parts::of(parts)),
        }
    }

    /// Whether it has sent a message of this `MsgID`.
    pub(super) fn has_sent(&self, message: &str) -> bool {
        self.messages.get(message).is_some()
    }

    /// `MsgID` of the last message, if there is one.
    pub(super) fn last(&self) -> &str {
        self.last.as_deref().unwrap_or_default()
    }

    /// What a reference means.
    pub(super) fn find(&mut self, message: &str, command: &str) -> Option<&mut Sent> {
        self.messages.get_mut(message)?.get_mut(command)
    }

    /// The Get that Results refer to. `MsgRef` may be left out of them; it is the last message then, or one with such a Get.
    pub(super) fn find_get(&mut self, message: &str, command: &str) -> Option<&mut Sent> {
        let is_get = |message: &Parts| {
            let sent = message.get(command);
            sent.is_some_and(|sent| sent.name == "Get")
        };
        let key: Id = match message {
            "" if self.messages.get(self.last()).is_some_and(is_get) => self.last.clone()?,
            "" => Arc::clone(&self.messages.0.iter().find(|(_, sent)| is_get(sent))?.0),
            _ => message.into(),
        };
        self.find(&key, command).filter(|sent| sent.name == "Get")
    }

    /// Takes a word of the other end on something that was found.
    pub(super) fn answer(&mut self, message: &str, command: &str, code: StatusCode) {
        let Some(place) = self.messages.place(message) else {
            return;
        };
        let (message, parts) = &mut self.messages.0[place];
        let Some(place) = parts.place(command) else {
            return;
        };
        let (command, sent) = &mut parts.0[place];
        sent.answer(code);
        self.answered.push((Arc::clone(message), Arc::clone(command)));
    }

    /// The other end begins to speak: what it said before holds.
    pub(super) fn keep_answers(&mut self) {
        self.answered.clear();
    }

    /// The other end's last message was refused: what it said may be said again. Whether it has to is not certain.
    pub(super) fn doubt_answers(&mut self) {
        for (message, command) in std::mem::take(&mut self.answered) {
            if let Some(sent) = self.find(&message, &command) {
                sent.may_be_said_again = true;
            }
        }
    }

    /// Whether there are commands that nothing was said of yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.pending.iter().any(|(message, id)| {
            let sent = self.messages.get(message).and_then(|message| message.get(id));
            **id != *"0" && sent.is_some_and(|sent| sent.answers == 0)
        })
    }

    /// Takes out what is pending, with its `MsgID` and `CmdID`, as far as it is so.
    pub(super) fn take_pending(&mut self, is_so: impl Fn(&Sent) -> bool) -> Vec<(Id, Id, Sent)> {
        let mut taken = Vec::new();
        let messages = &self.messages;
        self.pending.retain(|(message, id)| {
            let sent = messages.get(message).and_then(|message| message.get(id));
            let Some(sent) = sent.filter(|sent| is_so(sent)) else {
                return true;
            };
            taken.push((Arc::clone(message), Arc::clone(id), sent.clone()));
            false
        });
        taken
    }
}

/// The parts of a body, members of groups after their group.
pub(super) fn all(commands: &[Command]) -> Vec<&Command> {
    let mut found = Vec::new();
    let mut waiting: Vec<_> = commands.iter().rev().collect();
    while let Some(command) = waiting.pop() {
        if let Command::Atomic(group) | Command::Sequence(group) = command {
            waiting.extend(group.commands.iter().rev());
        }
        found.push(command);
    }
    found
}

/// The items of a part of a body.
pub(super) fn items(command: &Command) -> &[Item] {
    match command {
        Command::Status(status) => &status.items,
        Command::Results(results) => &results.items,
        Command::Alert(alert) => &alert.items,
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => &operation.items,
        Command::Atomic(_) | Command::Sequence(_) => &[],
    }
}

fn asks_structure(item: &Item) -> bool {
    let query = item.target.as_deref().and_then(|target| target.split_once('?'));
    query.is_some_and(|(_, query)| query == "list=Struct")
}
