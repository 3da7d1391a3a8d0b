//! How messages of DM sessions are made against the rules: deviations.

use oma_dm::syncml::{Command, Encoding, Message};

use crate::deviation::{Deviation, Deviations};

/// Departs from the rules with a message that is about to be written, as far as there is a deviation that says so.
pub(crate) fn depart(message: &mut Message, deviations: &Deviations) {
    if deviations.has(Deviation::ReusesCommandId)
        && let [Command::Status(first), Command::Status(second), ..] = message.commands.as_mut_slice()
    {
        second.id.clone_from(&first.id);
    }
    // The first one: of commands with several items, each may have its own.
    let first = message
        .commands
        .iter()
        .find(|command| matches!(command, Command::Status(status) if status.command_ref != "0"));
    let Some(Command::Status(first)) = first else {
        return;
    };
    let mut further = first.clone();
    further.id = (message.commands.len() + 1).to_string();
    if deviations.has(Deviation::RefersToNoMessage) {
        further.message_ref = "999".to_owned();
    } else if !deviations.has(Deviation::RepeatsStatus) {
        return;
    }
    message.commands.push(Command::Status(further));
}

/// The media type that messages are sent with.
pub(crate) fn media_type(encoding: Encoding, deviations: &Deviations) -> &'static str {
    match (deviations.has(Deviation::SaysDataSynchronisation), encoding) {
        (false, encoding) => encoding.media_type(),
        (true, Encoding::Xml) => "application/vnd.syncml+xml",
        (true, Encoding::Wbxml) => "application/vnd.syncml+wbxml",
    }
}
