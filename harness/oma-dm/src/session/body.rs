//! What the bodies of messages are made of: Status elements, Alerts, and who asks for an answer.

use crate::syncml::{Alert, AlertCode, Challenge, Command, Header, Item, Status, StatusCode};

/// A Status for a command, without a CmdID yet.
pub(super) fn status(message_ref: &str, command_ref: &str, command: &str, code: StatusCode) -> Status {
    Status {
        id: String::new(),
        message_ref: message_ref.to_owned(),
        command_ref: command_ref.to_owned(),
        command: command.to_owned(),
        target_refs: Vec::new(),
        source_refs: Vec::new(),
        challenge: None,
        code,
        items: Vec::new(),
    }
}

/// The Status for the header of a message of the other end.
pub(super) fn status_of_header(of: &Header, code: StatusCode, challenge: Option<Challenge>) -> Command {
    Command::Status(Status {
        target_refs: vec![of.target.uri.clone()],
        source_refs: vec![of.source.uri.clone()],
        challenge,
        ..status(&of.message_id, "0", "SyncHdr", code)
    })
}

/// An Alert, without a CmdID yet.
pub(super) fn alert(code: AlertCode, items: Vec<Item>) -> Command {
    Command::Alert(Alert {
        id: String::new(),
        code,
        correlator: None,
        items,
    })
}

/// The Status for the header of a message that was sent, if a message has one.
pub(super) fn header_status<'a>(commands: &'a [Command], sent: &str) -> Option<&'a Status> {
    commands.iter().find_map(|command| match command {
        Command::Status(status) if status.command_ref == "0" && status.message_ref == sent => Some(status),
        _ => None,
    })
}

/// Whether there is an Alert with this code.
pub(super) fn has_alert(commands: &[Command], code: AlertCode) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::Alert(alert) if alert.code == code))
}

/// All that asks for a Status, members of groups too, in the order of the message.
pub(super) fn asking(commands: &[Command]) -> Vec<&Command> {
    let mut found = Vec::new();
    let mut waiting: Vec<_> = commands.iter().rev().collect();
    while let Some(command) = waiting.pop() {
        match command {
            Command::Status(_) | Command::Results(_) => continue,
            Command::Atomic(group) | Command::Sequence(group) => waiting.extend(group.commands.iter().rev()),
            _ => {}
        }
        found.push(command);
    }
    found
}
