//! Package 1: why there is a session, and what the device says of itself (OMA-TS-DM_Protocol 8.3).

use super::{Irregularity, Notes};
use crate::syncml::{AlertCode, Command, Message};

/// Where package 1 stands.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// Whether the client is in package 1.
    is_on: bool,
    /// Whether the next message is the first of it.
    is_first: bool,
    has_alert: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            is_on: true,
            is_first: true,
            has_alert: false,
        }
    }
}

/// The leaves that every device has (OMA-TS-DM_StdObj 5.3.2).
const DEVICE_INFO: [&str; 5] = ["DevId", "Man", "Mod", "DmV", "Lang"];

impl Setup {
    /// Takes a message of the client.
    pub(super) fn check(&mut self, message: &Message, notes: &mut Notes) {
        if !self.is_on {
            return;
        }
        self.has_alert |= message.commands.iter().any(|command| {
            matches!(command, Command::Alert(alert) if matches!(
                alert.code,
                AlertCode::SERVER_INITIATED | AlertCode::CLIENT_INITIATED
            ))
        });
        if self.is_first {
            let missing = missing_device_info(message);
            if !missing.is_empty() {
                notes.note(None, Irregularity::MissingDeviceInfo(missing));
            }
        }
        if message.is_final && !self.has_alert {
            notes.note(None, Irregularity::MissingSessionAlert);
        }
        self.is_first = false;
    }

    /// Takes what the server makes of it: a client that is refused goes back to its beginning.
    pub(super) fn answered(&mut self, is_refused: bool, is_complete: bool) {
        if self.is_on && is_refused {
            *self = Self::default();
        } else if is_complete {
            self.is_on = false;
        }
    }

    /// What is wrong with a command of a client (OMA-TS-DM_Protocol 8).
    pub(super) fn wrong_for_client(&self, command: &Command) -> Option<Irregularity> {
        match command {
            Command::Status(_) | Command::Results(_) => None,
            Command::Alert(alert) => (1100..=1104)
                .contains(&alert.code.0)
                .then_some(Irregularity::WrongWay(alert.code)),
            Command::Replace(replace) if self.is_on && sources(replace).all(is_of_device_info) => None,
            _ => Some(Irregularity::NotForClient(command.name())),
        }
    }
}

fn sources(replace: &crate::syncml::Operation) -> impl Iterator<Item = &str> {
    replace
        .items
        .iter()
        .map(|item| item.source.as_deref().unwrap_or_default())
}

/// The path below `./DevInfo`, if it is one; `.` may be left out (OMA-TS-DM_TND 5).
fn below_device_info(source: &str) -> Option<&str> {
    let path = source.strip_prefix("./").unwrap_or(source);
    let below = path.strip_prefix("DevInfo")?;
    if below.is_empty() {
        Some("")
    } else {
        below.strip_prefix('/')
    }
}

fn is_of_device_info(source: &str) -> bool {
    below_device_info(source).is_some()
}

fn missing_device_info(message: &Message) -> Vec<&'static str> {
    let mut missing = DEVICE_INFO.to_vec();
    for command in &message.commands {
        let Command::Replace(replace) = command else {
            continue;
        };
        for said in sources(replace).filter_map(below_device_info) {
            missing.retain(|leaf| *leaf != said);
        }
    }
    missing
}
