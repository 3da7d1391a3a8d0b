//! Elements to messages: lenient, with every departure noted.

use std::collections::BTreeSet;

use super::message::{
    Address, Alert, Challenge, Command, Credentials, Data, Group, Header, Item, Message, Meta, Operation,
    Results, Status,
};
use super::observation::{Departure, Observation};
use super::{AlertCode, METINF, NAMESPACE, ReadError, Reading, StatusCode};
use crate::auth;
use crate::xml::{Element, Node};

/// The deepest nesting of Atomic and Sequence that is read; what is deeper is noted and left out.
const MAX_NESTING: usize = 8;

pub(super) fn message(root: &Element) -> Result<Reading, ReadError> {
    if root.name.local != "SyncML" {
        return Err(ReadError::Root {
            root: root.name.local.clone(),
        });
    }
    let header = root
        .child("SyncHdr")
        .ok_or(ReadError::Missing { missing: "SyncHdr" })?;
    let body = root
        .child("SyncBody")
        .ok_or(ReadError::Missing { missing: "SyncBody" })?;
    let mut reader = Reader {
        observations: Vec::new(),
        path: Vec::new(),
        ids: BTreeSet::new(),
    };
    reader.check(root, &["SyncHdr", "SyncBody"], &[]);
    reader.path.clear();
    let header = reader.header(header);
    let (commands, is_final) = reader.body(body);
    let message = Message {
        header,
        commands,
        is_final,
    };
    Ok(Reading {
        message,
        observations: reader.observations,
    })
}

/// Notes departures on the way down.
struct Reader {
    observations: Vec<Observation>,
    path: Vec<String>,
    ids: BTreeSet<String>,
}

const COMMANDS: [&str; 11] = [
    "Status", "Results", "Alert", "Get", "Add", "Replace", "Delete", "Copy", "Exec", "Atomic", "Sequence",
];
const NOT_FOR_DM: [&str; 14] = [
    "Archive",
    "Lang",
    "NoResp",
    "NoResults",
    "NumberOfChanges",
    "SftDel",
    "Map",
    "MapItem",
    "Put",
    "Search",
    "Sync",
    "Move",
    "Filter",
    "Field",
];

impl Reader {
    fn note(&mut self, element: &Element, departure: Departure) {
        let path = self.path.join("/");
        self.observations.push(Observation {
            departure,
            path,
            at: element.at.clone(),
        });
    }

    /// Checks the children of an element against their order in the DTD; `many` may be there more than once.
    fn check(&mut self, element: &Element, order: &[&str], many: &[&str]) {
        self.path.push(element.name.local.clone());
        let mut highest: Option<usize> = None;
        let mut seen = BTreeSet::new();
        for child in element.elements() {
            let local = child.name.local.as_str();
            let Some(position) = order.iter().position(|known| *known == local) else {
                let name = local.to_owned();
                let not_for_dm = NOT_FOR_DM.contains(&local);
                self.note(
                    child,
                    if not_for_dm {
                        Departure::NotForDm(name)
                    } else {
                        Departure::UnknownElement(name)
                    },
                );
                continue;
            };
            if let Some(later) = highest.filter(|highest| *highest > position) {
                let departure = Departure::WrongOrder {
                    element: local.to_owned(),
                    before: order[later].to_owned(),
                };
                self.note(child, departure);
            }
            highest = Some(highest.map_or(position, |highest| highest.max(position)));
            if !seen.insert(local) && !many.contains(&local) {
                self.note(child, Departure::Repeated(local.to_owned()));
            }
            self.namespace(child, NAMESPACE);
        }
    }

    fn namespace(&mut self, element: &Element, expected: &str) {
        let found = element.name.namespace.as_deref();
        if found != Some(expected) {
            let departure = Departure::WrongNamespace {
                element: element.name.local.clone(),
                found: found.map(str::to_owned),
            };
            self.note(element, departure);
        }
    }

    /// The text of a child that must be there; empty, and noted, where it is not.
    fn required(&mut self, element: &Element, local: &str) -> String {
        match element.child(local) {
            Some(child) => child.text().trim().to_owned(),
            None => {
                self.note(element, Departure::Missing(local.to_owned()));
                String::new()
            }
        }
    }

    fn header(&mut self, element: &Element) -> Header {
        self.check(
            element,
            &[
                "VerDTD",
                "VerProto",
                "SessionID",
                "MsgID",
                "Target",
                "Source",
                "RespURI",
                "Cred",
                "Meta",
            ],
            &[],
        );
        for (local, expected) in [("VerDTD", "1.2"), ("VerProto", "DM/1.2")] {
            let found = self.required(element, local);
            if found != expected && !found.is_empty() {
                self.note(
                    element,
                    Departure::Version {
                        element: local,
                        found,
                    },
                );
            }
        }
        let meta = element.child("Meta");
        let sizes = meta.map(|meta| {
            self.metinf(meta);
            ["MaxMsgSize", "MaxObjSize"].map(|local| self.number(meta, local))
        });
        let [max_message_size, max_object_size] = sizes.unwrap_or_default();
        let header = Header {
            session_id: self.required(element, "SessionID"),
            message_id: self.required(element, "MsgID"),
            target: self.address(element, "Target"),
            source: self.address(element, "Source"),
            response_uri: element.child("RespURI").map(|uri| uri.text().trim().to_owned()),
            credentials: element.child("Cred").map(|cred| self.credentials(cred)),
            max_message_size,
            max_object_size,
        };
        self.path.pop();
        header
    }

    fn address(&mut self, element: &Element, local: &str) -> Address {
        let Some(child) = element.child(local) else {
            self.note(element, Departure::Missing(local.to_owned()));
            return Address::default();
        };
        self.check(child, &["LocURI", "LocName"], &[]);
        let uri = self.required(child, "LocURI");
        self.path.pop();
        Address {
            uri,
            name: child.child("LocName").map(|name| name.text().trim().to_owned()),
        }
    }

    fn credentials(&mut self, element: &Element) -> Credentials {
        self.check(element, &["Meta", "Data"], &[]);
        let meta = element.child("Meta");
        if let Some(meta) = meta {
            self.metinf(meta);
        }
        let scheme = meta.and_then(|meta| meta_child(meta, "Type"));
        if scheme.is_none() {
            self.note(element, Departure::Missing("Type".to_owned()));
        }
        let data = self.required(element, "Data");
        self.path.pop();
        Credentials {
            // The default of the scheme is basic (OMA-TS-SyncML_RepPro, Cred).
            scheme: scheme.unwrap_or_else(|| "syncml:auth-basic".to_owned()),
            format: meta.and_then(|meta| meta_child(meta, "Format")),
            data,
        }
    }

    fn body(&mut self, element: &Element) -> (Vec<Command>, bool) {
        self.path.push("SyncBody".to_owned());
        let mut commands = Vec::new();
        let mut is_final = false;
        for child in element.elements() {
            if child.name.local == "Final" {
                if is_final {
                    self.note(child, Departure::Repeated("Final".to_owned()));
                }
                is_final = true;
                continue;
            }
            if is_final {
                let name = child.name.local.clone();
                self.note(
                    child,
                    Departure::WrongOrder {
                        element: name,
                        before: "Final".to_owned(),
                    },
                );
            }
            commands.extend(self.command(child, 0));
        }
        if commands.is_empty() && !is_final {
            self.note(element, Departure::Missing("a command".to_owned()));
        }
        self.path.pop();
        (commands, is_final)
    }

    fn command(&mut self, element: &Element, nesting: usize) -> Option<Command> {
        let local = element.name.local.as_str();
        if nesting > MAX_NESTING {
            self.note(element, Departure::TooDeep(local.to_owned()));
            return None;
        }
        if !COMMANDS.contains(&local) {
            let name = local.to_owned();
            let not_for_dm = NOT_FOR_DM.contains(&local);
            self.note(
                element,
                if not_for_dm {
                    Departure::NotForDm(name)
                } else {
                    Departure::UnknownElement(name)
                },
            );
            return None;
        }
        self.namespace(element, NAMESPACE);
        let before = self.path.len();
        let command = match local {
            "Status" => self.status(element),
            "Results" => self.results(element),
            "Alert" => self.alert(element),
            "Atomic" | "Sequence" => self.group(element, nesting),
            _ => self.operation(element),
        };
        self.path.truncate(before);
        Some(command)
    }

    fn id(&mut self, element: &Element) -> String {
        let id = self.required(element, "CmdID");
        if id == "0" {
            let departure = Departure::BadValue {
                element: "CmdID".to_owned(),
                expected: "anything but 0",
                found: id.clone(),
            };
            self.note(element, departure);
        }
        if !id.is_empty() && !self.ids.insert(id.clone()) {
            self.note(element, Departure::ReusedCommandId(id.clone()));
        }
        id
    }

    fn operation(&mut self, element: &Element) -> Command {
        self.check(
            element,
            &["CmdID", "Cred", "Meta", "Correlator", "Item"],
            &["Item"],
        );
        if element.child("Cred").is_some() {
            self.note(element, Departure::MisplacedCredentials);
        }
        let operation = Operation {
            id: self.id(element),
            meta: self.meta(element),
            correlator: element.child("Correlator").map(owned),
            items: self.items(element),
        };
        if operation.items.is_empty() {
            self.note(element, Departure::Missing("Item".to_owned()));
        }
        match element.name.local.as_str() {
            "Get" => Command::Get(operation),
            "Add" => Command::Add(operation),
            "Replace" => Command::Replace(operation),
            "Delete" => Command::Delete(operation),
            "Copy" => Command::Copy(operation),
            _ => Command::Exec(operation),
        }
    }

    fn group(&mut self, element: &Element, nesting: usize) -> Command {
        self.path.push(element.name.local.clone());
        let id = self.id(element);
        let meta = self.meta(element);
        let mut commands = Vec::new();
        for child in element.elements() {
            match child.name.local.as_str() {
                "CmdID" | "Meta" => {}
                "Status" | "Results" => {
                    self.note(child, Departure::UnknownElement(child.name.local.clone()));
                }
                _ => commands.extend(self.command(child, nesting + 1)),
            }
        }
        let group = Group { id, meta, commands };
        if element.name.local == "Atomic" {
            Command::Atomic(group)
        } else {
            Command::Sequence(group)
        }
    }

    fn status(&mut self, element: &Element) -> Command {
        self.check(
            element,
            &[
                "CmdID",
                "MsgRef",
                "CmdRef",
                "Cmd",
                "TargetRef",
                "SourceRef",
                "Cred",
                "Chal",
                "Data",
                "Item",
            ],
            &["TargetRef", "SourceRef", "Item"],
        );
        let code = self.required(element, "Data");
        let code = self.code(element, &code);
        Command::Status(Status {
            id: self.id(element),
            message_ref: self.required(element, "MsgRef"),
            command_ref: self.required(element, "CmdRef"),
            command: self.required(element, "Cmd"),
            target_refs: element.children_named("TargetRef").map(owned).collect(),
            source_refs: element.children_named("SourceRef").map(owned).collect(),
            challenge: element.child("Chal").map(|element| self.challenge(element)),
            code: StatusCode(code),
            items: self.items(element),
        })
    }

    fn challenge(&mut self, element: &Element) -> Challenge {
        self.check(element, &["Meta"], &[]);
        let meta = element.child("Meta");
        if let Some(meta) = meta {
            self.metinf(meta);
        }
        let part = |local: &str| meta.and_then(|meta| meta_child(meta, local));
        let scheme = part("Type");
        if scheme.is_none() {
            self.note(element, Departure::Missing("Type".to_owned()));
        }
        self.path.pop();
        Challenge {
            scheme: scheme.unwrap_or_default(),
            format: part("Format"),
            next_nonce: meta.and_then(next_nonce),
        }
    }

    fn code(&mut self, element: &Element, text: &str) -> u16 {
        text.parse().unwrap_or_else(|_| {
            let departure = Departure::BadValue {
                element: "Data".to_owned(),
                expected: "a code",
                found: text.to_owned(),
            };
            self.note(element, departure);
            0
        })
    }

    fn results(&mut self, element: &Element) -> Command {
        self.check(
            element,
            &[
                "CmdID",
                "MsgRef",
                "CmdRef",
                "Meta",
                "TargetRef",
                "SourceRef",
                "Item",
            ],
            &["Item"],
        );
        Command::Results(Results {
            id: self.id(element),
            message_ref: element
                .child("MsgRef")
                .map(|text| text.text().trim().to_owned())
                .unwrap_or_default(),
            command_ref: self.required(element, "CmdRef"),
            meta: self.meta(element),
            target_ref: element.child("TargetRef").map(owned),
            source_ref: element.child("SourceRef").map(owned),
            items: self.items(element),
        })
    }

    fn alert(&mut self, element: &Element) -> Command {
        self.check(
            element,
            &["CmdID", "Cred", "Data", "Correlator", "Item"],
            &["Item"],
        );
        if element.child("Cred").is_some() {
            self.note(element, Departure::MisplacedCredentials);
        }
        let code = self.required(element, "Data");
        let code = self.code(element, &code);
        Command::Alert(Alert {
            id: self.id(element),
            code: AlertCode(code),
            correlator: element.child("Correlator").map(owned),
            items: self.items(element),
        })
    }

    fn items(&mut self, element: &Element) -> Vec<Item> {
        let format_of = |element: &Element| element.child("Meta").and_then(|meta| meta_child(meta, "Format"));
        let format_for_all = format_of(element);
        element
            .children_named("Item")
            .map(|item| {
                self.check(item, &["Target", "Source", "Meta", "Data", "MoreData"], &[]);
                let uri = |local: &str| {
                    item.child(local)
                        .and_then(|address| address.child("LocURI"))
                        .map(|uri| uri.text().trim().to_owned())
                };
                let is_binary = format_of(item).or_else(|| format_for_all.clone()).as_deref() == Some("bin");
                let lowered = Item {
                    target: uri("Target"),
                    source: uri("Source"),
                    meta: self.meta(item),
                    data: item.child("Data").map(|element| data(element, is_binary)),
                    more_data: item.child("MoreData").is_some(),
                };
                self.path.pop();
                lowered
            })
            .collect()
    }

    fn meta(&mut self, element: &Element) -> Meta {
        let Some(meta) = element.child("Meta") else {
            return Meta::default();
        };
        self.metinf(meta);
        Meta {
            format: meta_child(meta, "Format"),
            media_type: meta_child(meta, "Type"),
            size: self.number(meta, "Size"),
            mark: meta_child(meta, "Mark"),
        }
    }

    fn metinf(&mut self, meta: &Element) {
        for child in meta_children(meta) {
            self.namespace(child, METINF);
        }
    }

    /// A number of octets; what is none is noted.
    fn number(&mut self, meta: &Element, local: &str) -> Option<u64> {
        let found = meta_child(meta, local)?;
        let number = found.parse().ok();
        if number.is_none() {
            let departure = Departure::BadValue {
                element: local.to_owned(),
                expected: "a number of octets",
                found,
            };
            self.note(meta, departure);
        }
        number
    }
}

fn owned(element: &Element) -> String {
    element.text().into_owned()
}

/// The metinf elements, directly in `Meta` or in a `MetInf` of it.
fn meta_children(meta: &Element) -> impl Iterator<Item = &Element> {
    meta.elements().flat_map(|child| {
        let wrapped = child.name.local == "MetInf";
        let inner = child.elements().filter(move |_| wrapped);
        std::iter::once(child).filter(move |_| !wrapped).chain(inner)
    })
}

fn meta_child(meta: &Element, local: &str) -> Option<String> {
    meta_children(meta)
        .find(|child| child.name.local == local)
        .map(|child| child.text().trim().to_owned())
}

/// The nonce in base64. There are writers of WBXML that put it as octets instead, which are then seldom base64.
fn next_nonce(meta: &Element) -> Option<String> {
    let nonce = meta_children(meta).find(|child| child.name.local == "NextNonce")?;
    match nonce.children.as_slice() {
        [Node::Opaque(octets)]
            if std::str::from_utf8(octets)
                .ok()
                .and_then(auth::from_base64)
                .is_none() =>
        {
            Some(auth::to_base64(octets))
        }
        _ => Some(nonce.text().trim().to_owned()),
    }
}

/// Octets of WBXML are text where they can be, unless they are said to be binary.
fn data(element: &Element, is_binary: bool) -> Data {
    if let Some(inner) = element.elements().next() {
        return Data::Element(inner.clone());
    }
    match element.children.as_slice() {
        [Node::Opaque(octets)] => match std::str::from_utf8(octets) {
            Ok(text) if !is_binary => Data::Text(text.to_owned()),
            _ => Data::Bytes(octets.clone()),
        },
        _ => Data::Text(owned(element)),
    }
}
