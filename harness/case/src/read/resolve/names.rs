//! Roles, messages, fields and requirements by their names, with the nearest name for what does not exist.

use std::collections::BTreeSet;
use std::ops::Range;

use dmconform_model::{MessageId, Part, Requirement, RequirementId, Role, Step};

use super::Resolver;
use crate::field::{FieldRef, Given};
use crate::read::diagnose::{nearest, shown};
use crate::read::located::Located;

/// The fields of a message that is no document between the servers: what is seen of it on the wire.
pub const fn typed_fields(message: MessageId) -> &'static [&'static str] {
    match (message.step, message.part) {
        (Step::BootstrapEntry, Part::Request) => &[
            "url",
            "entry",
            "node",
            "messages",
            "fits",
            "scheme",
            "response-uri",
        ],
        (Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval, Part::Answer) => {
            &["status", "address", "session", "alert"]
        }
        (Step::BootstrapFetch, Part::Request) => &["url", "method"],
        (Step::BootstrapFetch, Part::Answer) => &["server", "address", "credentials", "readable"],
        (Step::ClientSession, Part::Request) => &[
            "device",
            "address",
            "manufacturer",
            "model",
            "authentication",
            "scheme",
            "encoding",
            "session",
            "alert",
        ],
        (Step::ClientSession, Part::Answer) => &["statuses", "authentication", "scheme", "encoding"],
        (Step::AclUpdate, Part::Request) => &[
            "nodes",
            "node",
            "servers",
            "removed",
            "acl",
            "well-formed",
            "messages",
            "fits",
            "scheme",
            "response-uri",
        ],
        (Step::AccountRemoval, Part::Request) => {
            &["node", "server", "messages", "fits", "scheme", "response-uri"]
        }
        _ => &[],
    }
}

/// The fields of a message that is a document between the servers: what mock roles have to say in one, and what is read in
/// an answer.
pub(crate) fn document_fields(message: MessageId) -> Vec<&'static str> {
    let mut fields = vec![
        "session",
        "delegating-server",
        "delegated-server",
        "device",
        "manufacturer",
        "model",
        "tree-part",
        "type",
    ];
    if message.part == Part::Answer {
        fields.extend(["result", "reason"]);
    }
    if message == MessageId::answer(Step::UrlRequest) {
        fields.push("url");
    }
    fields
}

/// The fields that `set-field` can change in a message that is no document between the servers.
pub const fn settable_fields(message: MessageId) -> &'static [&'static str] {
    match (message.step, message.part) {
        (Step::BootstrapEntry, Part::Request) => &["url", "size"],
        // The credentials are those of the sessions in which the client would come for the entry.
        (Step::BootstrapEntry, Part::Answer) => &["credentials", "mac"],
        (Step::AclUpdate, Part::Answer) => &["mac"],
        (Step::ClientSession, Part::Request) => &["credentials", "nonce", "mac"],
        (Step::ClientSession, Part::Answer) => &["mac"],
        (Step::BootstrapFetch, Part::Answer) => &[
            "server",
            "address",
            "client-name",
            "client-secret",
            "server-secret",
        ],
        (Step::AclUpdate, Part::Request) => &["acl", "servers"],
        (Step::AccountRemoval, Part::Request) => &["node"],
        _ => &[],
    }
}

/// The field that every message has: how often it was seen.
pub const TIMES: &str = "times";

/// What a field is looked up for.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// To be looked at.
    Seen,
    /// To be set.
    Set,
}

impl Resolver<'_> {
    pub(super) fn roles(&mut self, names: &[Located<String>]) -> Vec<Role> {
        let mut found = Vec::new();
        for name in names {
            let Some(role) = self.role(name) else { continue };
            if found.contains(&role) {
                self.problem(&name.at, format!("name {role} twice"), "keep one of the two");
            } else {
                found.push(role);
            }
        }
        found
    }

    pub(super) fn role(&mut self, name: &Located<String>) -> Option<Role> {
        let found = name.value.parse().ok();
        if found.is_none() {
            let roles = Role::ALL.map(Role::as_str);
            let message = format!("find the role `{}`", shown(&name.value));
            self.problem(&name.at, message, suggestion(&name.value, &roles));
        }
        found
    }

    pub(super) fn message(&mut self, name: &Located<String>) -> Option<MessageId> {
        let steps = self.known.procedure.steps.iter().map(|step| step.step);
        let messages: Vec<String> = steps
            .flat_map(|step| [MessageId::request(step), MessageId::answer(step)])
            .map(|message| message.to_string())
            .collect();
        let parsed: Option<MessageId> = name.value.parse().ok();
        let found = parsed.filter(|message| self.known.procedure.step(message.step).is_some());
        if found.is_none() {
            let one = parsed.is_some_and(|message| message.step == Step::TlsConnection);
            let help = if one {
                "step 1 is every connection between the servers: name the message that it carries".to_owned()
            } else {
                suggestion(
                    &name.value,
                    &messages.iter().map(String::as_str).collect::<Vec<_>>(),
                )
            };
            self.problem(
                &name.at,
                format!("find the message `{}`", shown(&name.value)),
                help,
            );
        }
        found
    }

    pub(super) fn requirement(&mut self, id: &Located<String>) -> Option<Requirement> {
        let known = self.known.requirements;
        let found = known.get(&RequirementId(id.value.clone()));
        if found.is_none() {
            let near = nearest(&id.value, known.keys().map(|id| id.0.as_str()));
            let help = near.map_or_else(
                || "`cases/requirements.yaml` lists those there are".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(
                &id.at,
                format!("find the requirement `{}`", shown(&id.value)),
                help,
            );
        }
        found.cloned()
    }

    /// The requirements that a case covers, each of which must bind a judged role.
    pub(super) fn covered(&mut self, ids: &[Located<String>]) -> Vec<RequirementId> {
        let mut found: Vec<RequirementId> = Vec::new();
        for id in ids {
            let Some(requirement) = self.requirement(id) else {
                continue;
            };
            if found.contains(&requirement.id) {
                self.problem(
                    &id.at,
                    format!("cover {} twice", requirement.id),
                    "keep one of the two",
                );
                continue;
            }
            let judged = self.iut.is_empty() || requirement.binds.iter().any(|role| self.iut.contains(role));
            if !judged {
                let binds: Vec<&str> = requirement.binds.iter().map(|role| role.as_str()).collect();
                let help = format!(
                    "it binds {}; judge that role, or cover another requirement",
                    binds.join(", ")
                );
                let message = format!("cover {}: it does not bind the judged role", requirement.id);
                self.problem(&id.at, message, help);
            }
            found.push(requirement.id);
        }
        found
    }

    /// The deviations that a case catches: each is of a judged role, and breaks what the case covers.
    pub(super) fn caught(&mut self, names: &[Located<String>]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for name in names {
            let known = self.known.deviations;
            let Some(deviation) = known.iter().find(|known| known.name == name.value) else {
                let near = nearest(&name.value, known.iter().map(|known| known.name.as_str()));
                let help = near.map_or_else(
                    || "`dmconform reference --list-deviations` names them all".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("find the deviation `{}`", shown(&name.value));
                self.problem(&name.at, message, help);
                continue;
            };
            if found.contains(&deviation.name) {
                self.problem(
                    &name.at,
                    format!("catch {} twice", deviation.name),
                    "keep one of the two",
                );
                continue;
            }
            if !self.iut.is_empty() && !deviation.of.iter().any(|role| self.iut.contains(role)) {
                let of: Vec<&str> = deviation.of.iter().map(|role| role.as_str()).collect();
                let message = format!("catch {}: no judged role has it", deviation.name);
                let help = format!("it is a deviation of {}", of.join(", "));
                self.problem(&name.at, message, help);
            }
            if !self.covers.is_empty() && !self.covers.contains(&deviation.breaks) {
                let message = format!("catch {}: it breaks {}", deviation.name, deviation.breaks);
                let help = "cover that requirement, or leave the deviation to a case that does";
                self.problem(&name.at, message, help);
            }
            found.push(deviation.name.clone());
        }
        found
    }

    /// Checks that a message has a field.
    pub(super) fn field(&mut self, at: &Range<usize>, message: MessageId, name: &str, purpose: Use) {
        let document = self.known.profile.messages.get(&message);
        let fields: BTreeSet<&str> = match (document, purpose) {
            (Some(document), _) => document.field_names(),
            (None, Use::Seen) => typed_fields(message).iter().copied().collect(),
            (None, Use::Set) => settable_fields(message).iter().copied().collect(),
        };
        if let (TIMES, Use::Seen) = (name, purpose) {
            return;
        }
        if fields.contains(name) {
            return;
        }
        let what = match purpose {
            Use::Seen => format!("find the field `{}` of {message}", shown(name)),
            Use::Set => format!("set the field `{}` of {message}", shown(name)),
        };
        let help = match (fields.is_empty(), purpose) {
            (true, Use::Seen) => format!("nothing that {message} carries can be looked at"),
            (true, Use::Set) => format!("no field of {message} can be set"),
            (false, _) => suggestion(name, &fields.into_iter().collect::<Vec<_>>()),
        };
        self.problem(at, what, help);
    }

    /// A reference such as `3.answer/url` or `given/device`.
    pub(super) fn field_ref(&mut self, text: &Located<String>) -> Option<FieldRef> {
        match text.value.parse() {
            Ok(FieldRef::Message(message, name)) => {
                self.known_field(&text.at, message, &name);
                Some(FieldRef::Message(message, name))
            }
            Ok(given) => Some(given),
            Err(_) => {
                self.unknown_field_ref(text);
                None
            }
        }
    }

    /// Checks a field that is referred to, and its message.
    pub(super) fn known_field(&mut self, at: &Range<usize>, message: MessageId, name: &str) {
        let message_name = Located {
            at: at.clone(),
            value: message.to_string(),
        };
        if self.message(&message_name).is_some() {
            self.field(at, message, name, Use::Seen);
        }
    }

    fn unknown_field_ref(&mut self, text: &Located<String>) {
        let facts = Given::ALL.map(Given::as_str);
        let help = match text.value.split_once('/') {
            Some(("given", fact)) => suggestion(fact, &facts),
            _ => {
                "write a message and a field (`3.answer/url`) or a fact (`given/dms-2-server-id`)".to_owned()
            }
        };
        self.problem(&text.at, format!("find the field `{}`", shown(&text.value)), help);
    }
}

/// The nearest of the names that there are, or all of them.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    }
}
