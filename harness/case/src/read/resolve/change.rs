//! What the mock roles do differently, with its names looked up.

use std::collections::BTreeMap;
use std::ops::Range;

use dmconform_model::{MessageId, Part, Step};

use super::Resolver;
use super::names::Use;
use crate::read::located::{Entries, Located, RawFieldChange};
use crate::read::raw_case::RawChange;
use crate::test_case::{Change, FieldChange, How};

/// The ways in which a message can be changed.
const WAYS: &str = "write one of delay, omit, repeat, set-field, corrupt, answer, close-at, slow, tls, from-third-server, forged, resumed-by-third-server, replayed, plaintext, after";
/// How often a message may be repeated.
const MAX_REPEATS: u32 = 10;

impl Resolver<'_> {
    pub(super) fn change(&mut self, at: &Range<usize>, raw: &RawChange) -> Option<Change> {
        let message = self.message(&raw.at)?;
        let sender = self.known.procedure.sender(message, self.given.opens);
        if let Some(sender) = sender.filter(|sender| self.iut.contains(sender)) {
            self.problem(
                &raw.at.at,
                format!("change {message}: {sender} sends it, which is judged"),
                "only what a mock role sends can be changed; change a message that the judged role receives",
            );
        }
        let mut hows = self.hows(raw, message);
        let count = hows.len();
        let Some(how) = hows.pop().filter(|_| count == 1) else {
            self.problem(
                at,
                format!("read a change with {count} things that are different"),
                WAYS,
            );
            return None;
        };
        Some(Change {
            at: message,
            how,
            place: self.source.place(at),
        })
    }

    fn hows(&mut self, raw: &RawChange, message: MessageId) -> Vec<How> {
        let mut hows = Vec::new();
        hows.extend(raw.delay.as_ref().map(|_| How::Delay));
        hows.extend(raw.omit.filter(|omit| *omit).map(|_| How::Omit));
        hows.extend(raw.repeat.as_ref().map(|times| How::Repeat(self.repeats(times))));
        hows.extend(
            raw.set_field
                .as_ref()
                .map(|fields| How::SetField(self.fields(fields, message))),
        );
        hows.extend(raw.corrupt.map(How::Corrupt));
        hows.extend(
            raw.answer
                .as_ref()
                .map(|status| How::Answer(self.status(status, &raw.at, message))),
        );
        hows.extend(raw.close_at.map(How::CloseAt));
        if let Some(tls) = &raw.tls {
            hows.extend(tls.certificate.map(How::Tls));
            hows.extend(tls.version.map(How::TlsVersion));
        }
        if raw.from_third_server == Some(true) {
            self.between_servers(&raw.at, message, "from a third server");
            hows.push(How::FromThirdServer);
        }
        if raw.forged == Some(true) {
            self.between_servers(&raw.at, message, "from a third server");
            hows.push(How::Forged);
        }
        if raw.resumed_by_third_server == Some(true) {
            self.between_servers(&raw.at, message, "from a third server");
            hows.push(How::ResumedByThirdServer);
        }
        if raw.replayed == Some(true) {
            self.between_servers(&raw.at, message, "again when all is over");
            hows.push(How::Replayed);
        }
        hows.extend(raw.slow.filter(|slow| *slow).map(|_| How::Slow));
        if raw.plaintext == Some(true) {
            self.between_servers(&raw.at, message, "without TLS");
            hows.push(How::Plaintext);
        }
        hows.extend(raw.after.as_ref().and_then(|after| self.after(after, message)));
        hows
    }

    fn repeats(&mut self, times: &Located<u32>) -> u32 {
        if !(1..=MAX_REPEATS).contains(&times.value) {
            let help = format!("repeat it between once and {MAX_REPEATS} times");
            self.problem(&times.at, format!("repeat a message {} times", times.value), help);
        }
        times.value
    }

    fn fields(
        &mut self,
        fields: &Entries<RawFieldChange>,
        message: MessageId,
    ) -> BTreeMap<String, FieldChange> {
        let mut found = BTreeMap::new();
        for (name, RawFieldChange(change)) in &fields.0 {
            self.field(&name.at, message, &name.value, Use::Set);
            found.insert(name.value.clone(), change.clone());
        }
        found
    }

    fn status(&mut self, status: &Located<u16>, at: &Located<String>, message: MessageId) -> u16 {
        if message.part == Part::Request {
            let help = format!("write `at: {message}.answer`");
            self.problem(&at.at, format!("give {message} a status: it is no answer"), help);
        }
        if !(100..600).contains(&status.value) {
            let message = format!("give an answer the status {}", status.value);
            self.problem(
                &status.at,
                message,
                "a status has three digits and begins with 1 to 5",
            );
        }
        status.value
    }

    /// A request that comes when its sender sees another message.
    fn after(&mut self, after: &Located<String>, message: MessageId) -> Option<How> {
        let trigger = self.message(after)?;
        if message.part == Part::Answer || trigger.step == message.step {
            let help = "only a request can come at another time, and not after itself";
            self.problem(&after.at, format!("send {message} after {trigger}"), help);
        }
        Some(How::After(trigger))
    }

    /// Only requests between the servers can come from a third one, or without TLS.
    fn between_servers(&mut self, at: &Located<String>, message: MessageId, how: &str) {
        let between_servers = matches!(
            message.step,
            Step::Initiation
                | Step::UrlRequest
                | Step::BootstrapComplete
                | Step::ClientPrepared
                | Step::DelegationComplete
        );
        if !between_servers || message.part == Part::Answer {
            self.problem(
                &at.at,
                format!("send {message} {how}"),
                "only the requests between the servers (2, 3, 7, 9, 10) can come that way",
            );
        }
    }
}
