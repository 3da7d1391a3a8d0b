//! Puts objects that come in parts together without looking at their size: a deviation.

use std::collections::BTreeMap;

use oma_dm::syncml::{Command, Item, Message, StatusCode};

/// What has come of objects so far, by target.
#[derive(Default)]
pub(super) struct Parts {
    begun: BTreeMap<String, String>,
    /// Objects that are whole, each as the command that its last part came in.
    whole: Vec<Command>,
}

impl Parts {
    /// Takes a message of the server.
    pub(super) fn take(&mut self, message: &Message) {
        for command in &message.commands {
            let Some(item) = item(command) else { continue };
            let (Some(target), Some(text)) = (item.target.clone(), item.text()) else {
                continue;
            };
            if item.more_data {
                self.begun.entry(target).or_default().push_str(text);
            } else if let Some(begun) = self.begun.remove(&target) {
                let mut whole = command.clone();
                if let Command::Add(operation) | Command::Replace(operation) = &mut whole {
                    let item = Item::at(&target)
                        .with_meta(item.meta.clone())
                        .with_text(&format!("{begun}{text}"));
                    operation.items = vec![item];
                }
                self.whole.push(whole);
            }
        }
    }

    /// Carries out what is whole and was refused for its size, and says so in the answer.
    pub(super) fn insist(&mut self, answer: &mut Message, mut execute: impl FnMut(&Command)) {
        for whole in std::mem::take(&mut self.whole) {
            for command in &mut answer.commands {
                if let Command::Status(status) = command
                    && status.command_ref == whole.id()
                    && status.code == StatusCode::SIZE_MISMATCH
                {
                    execute(&whole);
                    status.code = StatusCode::OK;
                }
            }
        }
    }
}

/// The item of a command that may be a part of an object.
fn item(command: &Command) -> Option<&Item> {
    match command {
        Command::Add(operation) | Command::Replace(operation) => operation.items.first(),
        _ => None,
    }
}
