//! Elements to messages: lenient, and whatever a message cannot hold is noted.

use super::message::{
    Address, Alert, Challenge, Command, Credentials, Data, Group, Header, Item, Message, Meta, Operation,
    Results, Status,
};
use super::observation::{Departure, Notes};
use super::text::Texts;
use super::{AlertCode, ReadError, StatusCode, meta};
use crate::auth;
use crate::xml::{Element, Node};

/// The deepest nesting of Atomic and Sequence that is read; what is deeper is noted and left out.
const MAX_NESTING: usize = 8;

/// The message that a document is whose outermost element is `SyncML`.
pub(super) fn message<'e>(root: &'e Element, notes: &mut Notes<'e>) -> Result<Message, ReadError> {
    let header = root
        .child("SyncHdr")
        .ok_or(ReadError::Missing { missing: "SyncHdr" })?;
    let body = root
        .child("SyncBody")
        .ok_or(ReadError::Missing { missing: "SyncBody" })?;
    notes.enter(root);
    let mut reader = Reader {
        texts: Texts::new(notes),
    };
    let message = Message {
        header: reader.header(header),
        commands: reader.commands(body, 0),
        is_final: body.child("Final").is_some(),
    };
    notes.leave();
    Ok(message)
}

struct Reader<'n, 'e> {
    texts: Texts<'n, 'e>,
}

impl<'e> Reader<'_, 'e> {
    fn header(&mut self, element: &'e Element) -> Header {
        self.texts.enter(element);
        for (local, expected) in [("VerDTD", "1.2"), ("VerProto", "DM/1.2")] {
            let Some(child) = element.child(local) else {
                continue;
            };
            let found = self.texts.trimmed(child);
            if found != expected {
                let departure = Departure::Version {
                    element: local,
                    found,
                };
                self.texts.note(child, departure);
            }
        }
        let header = Header {
            session_id: self.texts.required(element, "SessionID"),
            message_id: self.texts.required(element, "MsgID"),
            target: self.address(element, "Target"),
            source: self.address(element, "Source"),
            response_uri: element.child("RespURI").map(|uri| self.texts.word(uri)),
            credentials: element.child("Cred").map(|cred| self.credentials(cred)),
            max_message_size: self.texts.meta_number(element, "MaxMsgSize"),
            max_object_size: self.texts.meta_number(element, "MaxObjSize"),
        };
        self.texts.only_meta(element, &["MaxMsgSize", "MaxObjSize"]);
        self.texts.leave();
        header
    }

    fn address(&mut self, element: &'e Element, local: &str) -> Address {
        let Some(child) = element.child(local) else {
            return Address::default();
        };
        self.texts.enter(child);
        let address = Address {
            uri: self.texts.required(child, "LocURI"),
            name: child.child("LocName").map(|name| self.texts.trimmed(name)),
        };
        self.texts.leave();
        address
    }

    fn credentials(&mut self, element: &'e Element) -> Credentials {
        self.texts.enter(element);
        let format = self.texts.meta(element, "Format");
        let data = match element.child("Data") {
            Some(data) => self.texts.trimmed(data),
            None => String::new(),
        };
        if let Some(of) = element.child("Data")
            && format.as_deref() == Some("b64")
            && !is_base64(data.as_bytes())
        {
            self.texts.bad_value(of, "base64");
        }
        let credentials = Credentials {
            // The default of the scheme is basic (OMA-TS-SyncML_RepPro, Cred).
            scheme: self
                .texts
                .meta(element, "Type")
                .unwrap_or_else(|| auth::BASIC.to_owned()),
            format,
            data,
        };
        self.texts.only_meta(element, &["Format", "Type"]);
        self.texts.leave();
        credentials
    }

    /// The commands of a body or a group.
    fn commands(&mut self, around: &'e Element, nesting: usize) -> Vec<Command> {
        self.texts.enter(around);
        let commands = around
            .elements()
            .filter_map(|child| self.command(child, nesting))
            .collect();
        self.texts.leave();
        commands
    }

    /// What is none is noted by the content models.
    fn command(&mut self, element: &'e Element, nesting: usize) -> Option<Command> {
        Some(match &*element.name.local {
            "Status" if nesting == 0 => Command::Status(self.status(element)),
            "Results" if nesting == 0 => Command::Results(self.results(element)),
            "Alert" => Command::Alert(self.alert(element)),
            "Get" => Command::Get(self.operation(element)),
            "Add" => Command::Add(self.operation(element)),
            "Replace" => Command::Replace(self.operation(element)),
            "Delete" => Command::Delete(self.operation(element)),
            "Copy" => Command::Copy(self.operation(element)),
            "Exec" => Command::Exec(self.operation(element)),
            "Atomic" => Command::Atomic(self.group(element, nesting)?),
            "Sequence" => Command::Sequence(self.group(element, nesting)?),
            _ => return None,
        })
    }

    fn operation(&mut self, element: &'e Element) -> Operation {
        self.texts.enter(element);
        let operation = Operation {
            id: self.texts.required(element, "CmdID"),
            meta: self.meta(element),
            correlator: element.child("Correlator").map(|text| self.texts.verbatim(text)),
            items: self.items(element),
        };
        self.texts.leave();
        operation
    }

    fn group(&mut self, element: &'e Element, nesting: usize) -> Option<Group> {
        if nesting > MAX_NESTING {
            let local = element.name.local.to_string();
            self.texts.note(element, Departure::TooDeep(local));
            return None;
        }
        self.texts.enter(element);
        let id = self.texts.required(element, "CmdID");
        let meta = self.meta(element);
        self.texts.leave();
        Some(Group {
            id,
            meta,
            commands: self.commands(element, nesting + 1),
        })
    }

    fn status(&mut self, element: &'e Element) -> Status {
        self.texts.enter(element);
        let status = Status {
            id: self.texts.required(element, "CmdID"),
            message_ref: self.texts.required(element, "MsgRef"),
            command_ref: self.texts.required(element, "CmdRef"),
            command: self.texts.required(element, "Cmd"),
            target_refs: self.references(element, "TargetRef"),
            source_refs: self.references(element, "SourceRef"),
            challenge: element.child("Chal").map(|element| self.challenge(element)),
            code: StatusCode(self.texts.code(element, 100..600)),
            items: self.items(element),
        };
        self.texts.leave();
        status
    }

    fn references(&mut self, element: &'e Element, local: &'e str) -> Vec<String> {
        element
            .children_named(local)
            .map(|reference| self.texts.verbatim(reference))
            .collect()
    }

    fn challenge(&mut self, element: &'e Element) -> Challenge {
        self.texts.enter(element);
        let challenge = Challenge {
            scheme: self.texts.meta(element, "Type").unwrap_or_default(),
            format: self.texts.meta(element, "Format"),
            next_nonce: self.next_nonce(element),
        };
        self.texts.only_meta(element, &["Type", "Format", "NextNonce"]);
        self.texts.leave();
        challenge
    }

    /// The nonce in base64. There are writers of WBXML that put it as octets instead, which are then seldom base64.
    fn next_nonce(&mut self, challenge: &'e Element) -> Option<String> {
        let meta = challenge.child("Meta")?;
        let nonce = meta::child(meta, "NextNonce")?;
        self.texts.enter(meta);
        let read = match nonce.children.as_slice() {
            [Node::Opaque(octets)] if !is_base64(octets) => {
                let read = auth::to_base64(octets);
                let departure = Departure::ReadAs {
                    element: "NextNonce".to_owned(),
                    found: format!("{} octets", octets.len()),
                    read: read.clone(),
                };
                self.texts.note(nonce, departure);
                read
            }
            _ => {
                let read = self.texts.trimmed(nonce);
                if !is_base64(read.as_bytes()) {
                    self.texts.bad_value(nonce, "base64");
                }
                read
            }
        };
        self.texts.leave();
        Some(read)
    }

    fn results(&mut self, element: &'e Element) -> Results {
        self.texts.enter(element);
        let results = Results {
            id: self.texts.required(element, "CmdID"),
            message_ref: self.texts.required(element, "MsgRef"),
            command_ref: self.texts.required(element, "CmdRef"),
            meta: self.meta(element),
            target_ref: element.child("TargetRef").map(|text| self.texts.verbatim(text)),
            source_ref: element.child("SourceRef").map(|text| self.texts.verbatim(text)),
            items: self.items(element),
        };
        self.texts.leave();
        results
    }

    fn alert(&mut self, element: &'e Element) -> Alert {
        self.texts.enter(element);
        let alert = Alert {
            id: self.texts.required(element, "CmdID"),
            code: AlertCode(self.texts.code(element, 1..u16::MAX)),
            correlator: element.child("Correlator").map(|text| self.texts.verbatim(text)),
            items: self.items(element),
        };
        self.texts.leave();
        alert
    }

    fn items(&mut self, element: &'e Element) -> Vec<Item> {
        let format_for_all = meta::of(element, "Format");
        let items = element.children_named("Item");
        items
            .map(|item| self.item(item, format_for_all.as_deref()))
            .collect()
    }

    fn item(&mut self, element: &'e Element, format_for_all: Option<&str>) -> Item {
        self.texts.enter(element);
        let meta = self.meta(element);
        let is_binary = meta.format.as_deref().or(format_for_all) == Some("bin");
        let item = Item {
            target: self.location(element, "Target"),
            source: self.location(element, "Source"),
            meta,
            data: element.child("Data").map(|element| self.data(element, is_binary)),
            more_data: element.child("MoreData").is_some(),
        };
        self.texts.leave();
        item
    }

    fn location(&mut self, item: &'e Element, local: &str) -> Option<String> {
        let address = item.child(local)?;
        self.texts.enter(address);
        if let Some(name) = address.child("LocName") {
            self.texts.note(name, Departure::LeftOut("LocName".to_owned()));
        }
        let uri = address.child("LocURI").map(|uri| self.texts.word(uri));
        self.texts.leave();
        uri
    }

    fn meta(&mut self, element: &'e Element) -> Meta {
        if element.child("Meta").is_none() {
            return Meta::default();
        }
        let meta = Meta {
            format: self.texts.meta(element, "Format"),
            media_type: self.texts.meta(element, "Type"),
            size: self.texts.meta_number(element, "Size"),
            mark: self.texts.meta(element, "Mark"),
        };
        self.texts.meta_one_of(element, "Format", &FORMATS, "a format");
        self.texts.meta_one_of(element, "Mark", &MARKS, "an importance");
        self.texts.only_meta(element, &["Format", "Type", "Size", "Mark"]);
        meta
    }

    /// Octets of WBXML are text where they can be, unless they are said to be binary.
    fn data(&mut self, element: &'e Element, is_binary: bool) -> Data {
        if let Some(inner) = element.elements().next() {
            if element.children.len() > 1 {
                let what = "what is beside the first element of Data".to_owned();
                self.texts.note(element, Departure::LeftOut(what));
            }
            return Data::Element(inner.clone().into_owned());
        }
        let is_opaque = |node: &Node| matches!(node, Node::Opaque(_));
        if !element.children.iter().any(is_opaque) {
            return Data::Text(element.text().into_owned());
        }
        match String::from_utf8(element.octets()) {
            Ok(text) if !is_binary => Data::Text(text),
            Ok(text) => Data::Bytes(text.into_bytes()),
            Err(octets) => Data::Bytes(octets.into_bytes()),
        }
    }
}

pub(super) fn is_base64(octets: &[u8]) -> bool {
    std::str::from_utf8(octets)
        .ok()
        .and_then(auth::from_base64)
        .is_some()
}

/// OMA-TS-DM_TND 7.7.2.
const FORMATS: [&str; 11] = [
    "b64", "bin", "bool", "chr", "int", "node", "null", "xml", "date", "time", "float",
];

/// OMA-TS-DM_Protocol 8.7.1.8.
const MARKS: [&str; 7] = [
    "fatal",
    "critical",
    "minor",
    "warning",
    "informational",
    "harmless",
    "indeterminate",
];
