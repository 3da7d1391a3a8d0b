//! Status and Results: what they answer, and what is left without (OMA-TS-DM_RepPro 6.5).

use super::{Conversation, Irregularity, Notes, Turn, is_refusal};
use crate::syncml::{Command, Item, Results, Status, StatusCode};

impl Conversation {
    /// What a message says of those of the other end.
    pub(super) fn check_answers(&mut self, turn: &Turn<'_>, notes: &mut Notes) {
        let (own, other) = self.ends(turn.sender);
        other.keep_answers();
        if turn.refusal.is_some() {
            own.doubt_answers();
        }
        for command in &turn.message.commands {
            match command {
                Command::Status(status) => self.check_status(turn, status, notes),
                Command::Results(results) => self.check_results(turn, results, notes),
                _ => {}
            }
        }
    }

    fn check_status(&mut self, turn: &Turn<'_>, status: &Status, notes: &mut Notes) {
        let mut note = |irregularity| notes.note(Some(&status.id), irregularity);
        let (_, other) = self.ends(turn.sender);
        if !other.has_sent(&status.message_ref) {
            note(Irregularity::UnknownMessage(status.message_ref.clone()));
            return;
        }
        let Some(sent) = other.find(&status.message_ref, &status.command_ref) else {
            note(Irregularity::UnknownCommand {
                message: status.message_ref.clone(),
                command: status.command_ref.clone(),
            });
            return;
        };
        match sent.name {
            "Status" => note(Irregularity::StatusForStatus),
            // The last part of an object is answered as every part is (OMA-TS-DM_Protocol 7).
            "Results" if status.code == StatusCode::OK && !sent.ends_object => {
                note(Irregularity::StatusForResults);
            }
            _ => {}
        }
        if status.command != sent.name {
            note(Irregularity::WrongName {
                expected: sent.name,
                found: status.command.clone(),
            });
        }
        if sent.is_settled() {
            note(Irregularity::RepeatedStatus {
                command: status.command_ref.clone(),
            });
        }
        if is_refusal(status) && status.challenge.is_none() {
            note(Irregularity::NoChallenge(status.code));
        }
        let is_taken = status.code.is_success();
        // Of several items, one may have a Status of its own that was not a part.
        let is_of_part = sent.is_part && sent.items <= 1;
        if is_of_part && is_taken && status.code != StatusCode::CHUNK_ACCEPTED {
            note(Irregularity::PartTakenWith(status.code));
        }
        if sent.has_wrong_size && is_taken {
            note(Irregularity::WrongSizeTaken(status.code));
        }
        if sent.is_part && !is_taken {
            other.chunks.drop_object();
        }
        other.answer(&status.message_ref, &status.command_ref, status.code);
    }

    fn check_results(&mut self, turn: &Turn<'_>, results: &Results, notes: &mut Notes) {
        let (_, other) = self.ends(turn.sender);
        let wrong = match other.find_get(&results.message_ref, &results.command_ref) {
            None => Some(Irregularity::ResultsWithoutGet),
            Some(get) => {
                get.has_results = true;
                match () {
                    () if get.answers == 0 => Some(Irregularity::ResultsBeforeStatus),
                    () if !get.has_succeeded => Some(Irregularity::ResultsOfFailure),
                    () if !get.asks_structure && lacks_data(results) => Some(Irregularity::ResultWithoutData),
                    () => None,
                }
            }
        };
        if let Some(irregularity) = wrong {
            notes.note(Some(&results.id), irregularity);
        }
    }

    /// What should have been said by now: of the header and of parts of objects at once, of the rest by the end of the
    /// package. A message that refuses the other one answers all of it; one that ends the session need not.
    pub(super) fn check_what_is_due(&mut self, turn: &Turn<'_>, notes: &mut Notes) {
        let is_last_chance = turn.message.is_final || turn.refusal.is_some();
        let (_, other) = self.ends(turn.sender);
        let due =
            other.take_pending(|sent| is_last_chance || turn.is_abort || sent.is_header() || sent.is_part);
        if turn.is_abort {
            return;
        }
        for (message, command, sent) in due {
            if sent.answers == 0 {
                let name = sent.name;
                notes.note(
                    None,
                    Irregularity::MissingStatus {
                        message: message.to_string(),
                        command: command.to_string(),
                        name,
                    },
                );
            } else if sent.name == "Get" && sent.has_succeeded && !sent.has_results {
                notes.note(
                    None,
                    Irregularity::MissingResults {
                        message: message.to_string(),
                        command: command.to_string(),
                    },
                );
            }
        }
    }
}

/// Whether a result says nothing of a node that has a value (OMA-TS-DM_RepPro 6.3.2).
fn lacks_data(results: &Results) -> bool {
    let has_value = |item: &&Item| {
        let format = item.meta.format.as_deref().or(results.meta.format.as_deref());
        !matches!(format, Some("null" | "node"))
    };
    let mut with_value = results.items.iter().filter(has_value);
    with_value.any(|item| item.data.is_none())
}
