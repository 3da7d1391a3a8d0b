//! What OMA DM narrows of SyncML (OMA-TS-DM_RepPro 6): checked on the elements, whatever can be made of them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::observation::{Departure, Notes};
use super::{Encoding, grammar, meta};
use crate::auth;
use crate::xml::Element;

/// Notes all that breaks a rule of OMA DM in a document whose outermost element is `SyncML`.
pub(super) fn document<'e>(root: &'e Element, encoding: Encoding, notes: &mut Notes<'e>) {
    let mut checker = Checker {
        encoding,
        ids: BTreeSet::new(),
        notes,
    };
    checker.notes.enter(root);
    for header in root.children_named("SyncHdr") {
        checker.notes.enter(header);
        for credentials in header.children_named("Cred") {
            checker.credentials(credentials);
        }
        checker.notes.leave();
    }
    for body in root.children_named("SyncBody") {
        checker.commands(body, false);
    }
    checker.notes.leave();
}

struct Checker<'n, 'e> {
    encoding: Encoding,
    ids: BTreeSet<Cow<'e, str>>,
    notes: &'n mut Notes<'e>,
}

impl<'e> Checker<'_, 'e> {
    /// The commands of a body or a group.
    fn commands(&mut self, around: &'e Element, is_in_atomic: bool) {
        self.notes.enter(around);
        // What SyncML does not know is noted as such, and nothing can be said of its inside.
        let known = |command: &&Element| grammar::model(&command.name.local).is_some();
        for command in around.elements().filter(known) {
            let is_atomic = command.name.local == "Atomic";
            match &*command.name.local {
                "Atomic" if is_in_atomic => self.notes.note(command, Departure::NestedAtomic),
                "Get" if is_in_atomic => self.notes.note(command, Departure::GetInAtomic),
                _ => {}
            }
            self.id(command);
            match &*command.name.local {
                "Atomic" | "Sequence" => self.commands(command, is_in_atomic || is_atomic),
                _ => self.command(command),
            }
        }
        self.notes.leave();
    }

    fn id(&mut self, command: &'e Element) {
        let Some(element) = command.child("CmdID") else {
            return;
        };
        let id = meta::trimmed(element);
        self.notes.enter(command);
        if id == "0" {
            let departure = Departure::BadValue {
                element: "CmdID".to_owned(),
                expected: "anything but 0",
                found: id.clone().into_owned(),
            };
            self.notes.note(element, departure);
        }
        if self.ids.contains(&id) {
            self.notes
                .note(element, Departure::ReusedCommandId(id.into_owned()));
        } else if !id.is_empty() {
            self.ids.insert(id);
        }
        self.notes.leave();
    }

    fn command(&mut self, command: &'e Element) {
        self.notes.enter(command);
        for credentials in command.children_named("Cred") {
            self.notes.note(credentials, Departure::MisplacedCredentials);
        }
        for challenge in command.children_named("Chal") {
            self.challenge(challenge);
        }
        let format_for_all = meta::of(command, "Format");
        for item in command.children_named("Item") {
            self.item(&command.name.local, item, format_for_all.as_deref());
        }
        if command.name.local == "Alert" {
            self.alert(command);
        }
        self.notes.leave();
    }

    fn need(&mut self, around: &Element, local: &str) {
        if around.child(local).is_none() {
            self.notes.note(around, Departure::MissingForDm(local.to_owned()));
        }
    }

    fn need_meta(&mut self, around: &'e Element, local: &str) {
        if meta::of(around, local).is_none() {
            self.notes.note(around, Departure::MissingForDm(local.to_owned()));
        }
    }

    fn credentials(&mut self, credentials: &'e Element) {
        self.notes.enter(credentials);
        self.need_meta(credentials, "Type");
        self.notes.leave();
        match meta::of(credentials, "Type").as_deref() {
            Some(auth::MAC) => self.notes.note(credentials, Departure::MacInCredentials),
            Some(auth::MD5) => self.need_base64(credentials, "Cred"),
            _ => {}
        }
    }

    fn challenge(&mut self, challenge: &'e Element) {
        let scheme = meta::of(challenge, "Type");
        let has_digest = matches!(scheme.as_deref(), Some(auth::MAC | auth::MD5));
        if has_digest {
            self.need_base64(challenge, "Chal");
        }
        self.notes.enter(challenge);
        self.need_meta(challenge, "Type");
        if has_digest {
            self.need_meta(challenge, "NextNonce");
        }
        self.notes.leave();
    }

    fn need_base64(&mut self, element: &'e Element, local: &'static str) {
        let found = meta::of(element, "Format");
        if found.as_deref() != Some("b64") {
            self.notes.note(
                element,
                Departure::NotBase64 {
                    element: local,
                    found: found.map(Cow::into_owned),
                },
            );
        }
    }

    fn item(&mut self, command: &str, item: &'e Element, format_for_all: Option<&str>) {
        let format = meta::of(item, "Format");
        let format = format.as_deref().or(format_for_all).unwrap_or("chr");
        self.notes.enter(item);
        if format == "bin" && self.encoding == Encoding::Xml && item.child("Data").is_some() {
            self.notes.note(item, Departure::BinaryInXml);
        }
        match command {
            "Get" | "Add" | "Delete" | "Exec" => self.need(item, "Target"),
            "Copy" => {
                self.need(item, "Target");
                self.need(item, "Source");
            }
            // A device names its own nodes as source.
            "Replace" if item.child("Source").is_none() => self.need(item, "Target"),
            "Results" => self.need(item, "Source"),
            _ => {}
        }
        match item.child("Data") {
            // Whether Results need any depends on what was asked: a structure has none.
            None if matches!(command, "Add" | "Replace") && !matches!(format, "null" | "node") => {
                let departure = Departure::MissingData {
                    command: command.to_owned(),
                };
                self.notes.note(item, departure);
            }
            Some(data) if command == "Add" && format == "node" => {
                let departure = Departure::InteriorWithData {
                    is_empty: data.children.is_empty(),
                };
                self.notes.note(data, departure);
            }
            _ => {}
        }
        self.notes.leave();
    }

    fn alert(&mut self, alert: &'e Element) {
        let Some(data) = alert.child("Data") else {
            self.notes.note(alert, Departure::MissingForDm("Data".to_owned()));
            return;
        };
        let Ok(code) = data.text().trim().parse::<u16>() else {
            return;
        };
        let items = alert.children_named("Item");
        match code {
            // What is to be shown and how, then the text.
            1100..=1104 if items.count() < 2 => {
                self.notes.note(alert, Departure::MissingForDm("Item".to_owned()));
            }
            1224 | 1226 => {
                self.need(alert, "Item");
                for item in alert.children_named("Item") {
                    self.notes.enter(item);
                    self.need_meta(item, "Type");
                    self.need_meta(item, "Format");
                    self.notes.leave();
                }
            }
            1100..=1104 | 1200 | 1201 | 1222 | 1223 | 1225 => {}
            1100..=1299 => self.notes.note(data, Departure::ReservedAlert(code)),
            _ => {}
        }
    }
}
