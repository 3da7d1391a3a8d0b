//! Objects that are sent in parts, over several messages (OMA-TS-DM_Protocol 7).

use super::Irregularity;
use super::ledger::{all, items};
use crate::syncml::{AlertCode, Command, Data, Item, Message, Meta};

/// What one end sends in parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    /// In a box, as the other: few sessions have any, and many sessions are followed at once.
    open: Option<Box<Object>>,
    /// `CmdID` of the command of the last message in which an object goes on.
    part_in: Option<String>,
    /// The same of one in which an object ended with the wrong size.
    wrong_size_in: Option<String>,
    /// The same of one in which an object ended that came in parts.
    ended_in: Option<String>,
    /// What was open before the last message.
    before: Option<Box<Object>>,
    /// Whether it is noted already that something else comes first.
    is_interrupted: bool,
}

/// An object of which more is to come.
#[derive(Clone, Debug)]
struct Object {
    command: &'static str,
    place: String,
    announced: Option<u64>,
    /// Octets so far, if they can be told.
    sent: Option<u64>,
}

impl Chunks {
    pub(super) fn goes_on_in(&self, command: &str) -> bool {
        self.part_in.as_deref() == Some(command)
    }

    pub(super) fn has_wrong_size_in(&self, command: &str) -> bool {
        self.wrong_size_in.as_deref() == Some(command)
    }

    pub(super) fn ends_in(&self, command: &str) -> bool {
        self.ended_in.as_deref() == Some(command)
    }

    /// The other end has refused the last message as a whole: what was open before goes on where it was.
    pub(super) fn take_back(&mut self) {
        self.open.clone_from(&self.before);
    }

    /// Whether an object goes on in the next message.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The other end does not want the rest.
    pub(super) fn drop_object(&mut self) {
        self.open = None;
    }

    /// Takes a message of this end: what is wrong, each with the `CmdID` of the command concerned.
    pub(super) fn take(&mut self, message: &Message) -> Vec<(Option<String>, Irregularity)> {
        self.part_in = None;
        self.wrong_size_in = None;
        self.ended_in = None;
        self.before.clone_from(&self.open);
        self.is_interrupted = false;
        let mut found = Vec::new();
        let is_over = all(&message.commands).iter().any(
            |command| matches!(command, Command::Alert(alert) if alert.code == AlertCode::SESSION_ABORT),
        );
        if is_over {
            self.open = None;
            return found;
        }
        for command in &message.commands {
            if let Command::Atomic(_) | Command::Sequence(_) = command {
                self.group(command, &mut found);
            } else if carries_objects(command) {
                if items(command).is_empty() {
                    self.interrupt(Some(command.id()), &mut found);
                }
                for item in items(command) {
                    self.item(command, item, &mut found);
                }
            }
        }
        // The part that was due has not come.
        if self.open.is_some() && self.part_in.is_none() {
            self.interrupt(None, &mut found);
            self.open = None;
        }
        if self.part_in.is_some() && message.is_final {
            found.push((self.part_in.clone(), Irregularity::FinalWithPart));
        }
        found
    }

    fn group(&mut self, group: &Command, found: &mut Vec<(Option<String>, Irregularity)>) {
        self.interrupt(Some(group.id()), found);
        for member in all(std::slice::from_ref(group)) {
            if items(member).iter().any(|item| item.more_data) {
                found.push((
                    Some(member.id().to_owned()),
                    Irregularity::PartInGroup(group.name()),
                ));
            }
        }
    }

    /// Something other than the next part of the object that is open: that may still come.
    fn interrupt(&mut self, command: Option<&str>, found: &mut Vec<(Option<String>, Irregularity)>) {
        if self.open.is_some() && !self.is_interrupted {
            found.push((command.map(str::to_owned), Irregularity::Interrupted));
            self.is_interrupted = true;
        }
    }

    fn item(&mut self, command: &Command, item: &Item, found: &mut Vec<(Option<String>, Irregularity)>) {
        let mut note = |irregularity| found.push((Some(command.id().to_owned()), irregularity));
        let announced = item
            .meta
            .size
            .or_else(|| meta(command).and_then(|meta| meta.size));
        let octets = octets(item);
        let place = place(item);
        let continued = self.open.take_if(|object| {
            self.part_in.is_none() && object.command == command.name() && object.place == place
        });
        let is_continued = continued.is_some();
        let object = match continued {
            Some(mut object) => {
                if announced.is_some() {
                    note(Irregularity::RepeatedSize);
                }
                object.sent = object.sent.zip(octets).map(|(sent, octets)| sent + octets);
                object
            }
            None => {
                self.interrupt(Some(command.id()), found);
                if !item.more_data {
                    return;
                }
                if announced.is_none() {
                    found.push((Some(command.id().to_owned()), Irregularity::MissingSize));
                }
                Box::new(Object {
                    command: command.name(),
                    place: place.to_owned(),
                    announced,
                    sent: octets,
                })
            }
        };
        if item.more_data {
            self.part_in = Some(command.id().to_owned());
            self.open = Some(object);
            return;
        }
        if is_continued {
            self.ended_in = Some(command.id().to_owned());
        }
        if let (Some(announced), Some(sent)) = (object.announced, object.sent)
            && announced != sent
        {
            found.push((
                Some(command.id().to_owned()),
                Irregularity::WrongSize { announced, sent },
            ));
            self.wrong_size_in = Some(command.id().to_owned());
        }
    }
}

fn carries_objects(command: &Command) -> bool {
    !matches!(command, Command::Status(_))
        && !matches!(command, Command::Alert(alert) if matches!(
            alert.code,
            AlertCode::NEXT_MESSAGE | AlertCode::NO_END_OF_DATA
        ))
}

fn meta(command: &Command) -> Option<&Meta> {
    match command {
        Command::Results(results) => Some(&results.meta),
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => Some(&operation.meta),
        Command::Status(_) | Command::Alert(_) | Command::Atomic(_) | Command::Sequence(_) => None,
    }
}

fn place(item: &Item) -> &str {
    item.target
        .as_deref()
        .or(item.source.as_deref())
        .unwrap_or_default()
}

/// Octets as they are sent; of markup that depends on how it is written.
fn octets(item: &Item) -> Option<u64> {
    let length = item.data.as_ref().map_or(Some(0), Data::octets)?;
    u64::try_from(length).ok()
}
