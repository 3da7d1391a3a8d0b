//! Messages of every shape, made at random.

use proptest::prelude::*;

use super::super::*;

/// Text as both encodings carry it: XML has no control characters.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß\u{10FFFD}&<>\"'\\r\\n\\t]{0,12}".prop_map(String::from)
}

/// What is read without the white space around it.
fn word() -> impl Strategy<Value = String> {
    "[!-~ä]{1,8}"
}

fn meta() -> impl Strategy<Value = Meta> {
    use prop::option::of;
    (of(word()), of(word()), of(any::<u64>()), of(word())).prop_map(|(format, media_type, size, mark)| Meta {
        format,
        media_type,
        size,
        mark,
    })
}

fn data() -> impl Strategy<Value = Data> {
    let element = (word(), text()).prop_map(|(value, name)| {
        let node = |local: &'static str| Element::new("syncml:dmddf1.2", local);
        let leaf = |local: &'static str, text: &str| match text {
            "" => node(local),
            _ => node(local).with_text(text.to_owned()),
        };
        Data::Element(
            node("MgmtTree").with_child(leaf("VerDTD", "1.2")).with_child(
                node("Node")
                    .with_child(leaf("NodeName", &name))
                    .with_child(leaf("Value", &value)),
            ),
        )
    });
    let octets = prop::collection::vec(any::<u8>(), 0..8).prop_map(Data::Bytes);
    prop_oneof![4 => text().prop_map(Data::Text), 1 => element, 1 => octets]
}

fn item() -> impl Strategy<Value = Item> {
    use prop::option::of;
    (of(word()), of(word()), meta(), of(data()), any::<bool>()).prop_map(
        |(target, source, mut meta, data, more_data)| {
            // Octets have to be said to be such, or they are read as the text that some of them are.
            if matches!(data, Some(Data::Bytes(_))) {
                meta.format = Some("bin".to_owned());
            }
            Item {
                target,
                source,
                meta,
                data,
                more_data,
            }
        },
    )
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec(item(), 1..3)
}

fn operation() -> impl Strategy<Value = Operation> {
    (word(), meta(), items()).prop_map(|(id, meta, items)| Operation {
        id,
        meta,
        correlator: None,
        items,
    })
}

fn challenge() -> impl Strategy<Value = Challenge> {
    use prop::option::of;
    (word(), of(word()), of(word())).prop_map(|(scheme, format, next_nonce)| Challenge {
        scheme,
        format,
        next_nonce,
    })
}

fn command() -> impl Strategy<Value = Command> {
    use prop::collection::vec;
    use prop::option::of;
    let status = (
        vec(word(), 4),
        vec(word(), 0..3),
        vec(word(), 0..2),
        of(challenge()),
        any::<u16>(),
        vec(item(), 0..3),
    )
        .prop_map(|(words, target_refs, source_refs, challenge, code, items)| {
            Command::Status(Status {
                id: words[0].clone(),
                message_ref: words[1].clone(),
                command_ref: words[2].clone(),
                command: words[3].clone(),
                target_refs,
                source_refs,
                challenge,
                code: StatusCode(code),
                items,
            })
        });
    let results = (
        vec(word(), 2),
        of(word()),
        meta(),
        of(word()),
        of(word()),
        items(),
    )
        .prop_map(|(words, message_ref, meta, target_ref, source_ref, items)| {
            Command::Results(Results {
                id: words[0].clone(),
                message_ref: message_ref.unwrap_or_default(),
                command_ref: words[1].clone(),
                meta,
                target_ref,
                source_ref,
                items,
            })
        });
    let alert =
        (word(), any::<u16>(), of(word()), vec(item(), 0..3)).prop_map(|(id, code, correlator, items)| {
            Command::Alert(Alert {
                id,
                code: AlertCode(code),
                correlator,
                items,
            })
        });
    let exec = (operation(), of(word())).prop_map(|(operation, correlator)| {
        Command::Exec(Operation {
            correlator,
            ..operation
        })
    });
    let nodes = prop_oneof![
        operation().prop_map(Command::Get),
        operation().prop_map(Command::Add),
        operation().prop_map(Command::Replace),
        operation().prop_map(Command::Delete),
        operation().prop_map(Command::Copy),
        exec,
    ];
    let grouped = nodes.boxed().prop_recursive(2, 6, 3, |inner| {
        (word(), meta(), vec(inner, 1..3), any::<bool>()).prop_map(|(id, meta, commands, is_atomic)| {
            let group = Group { id, meta, commands };
            if is_atomic {
                Command::Atomic(group)
            } else {
                Command::Sequence(group)
            }
        })
    });
    prop_oneof![status, results, alert, grouped]
}

pub(crate) fn any_message() -> impl Strategy<Value = Message> {
    use prop::option::of;
    let address = || (word(), of(word())).prop_map(|(uri, name)| Address { uri, name });
    let credentials =
        (word(), of(word()), word()).prop_map(|(scheme, format, data)| Credentials { scheme, format, data });
    let header = (
        (word(), word(), address(), address()),
        (of(word()), of(credentials), of(any::<u64>()), of(any::<u64>())),
    )
        .prop_map(
            |((session_id, message_id, target, source), (response_uri, credentials, message, object))| {
                Header {
                    session_id,
                    message_id,
                    target,
                    source,
                    response_uri,
                    credentials,
                    max_message_size: message,
                    max_object_size: object,
                }
            },
        );
    (header, prop::collection::vec(command(), 0..4), any::<bool>()).prop_map(
        |(header, commands, is_final)| Message {
            header,
            commands,
            is_final,
        },
    )
}

/// Messages that keep every rule, and say all that a message can.
pub(super) fn clean_message() -> impl Strategy<Value = Message> {
    any_message().prop_map(cleaned)
}

fn cleaned(mut message: Message) -> Message {
    if let Some(credentials) = &mut message.header.credentials {
        credentials.scheme = crate::auth::MD5.to_owned();
        credentials.format = Some("b64".to_owned());
        credentials.data = crate::auth::to_base64(credentials.data.as_bytes());
    }
    if message.commands.is_empty() {
        message.commands.push(Command::get("./DevInfo"));
    }
    let mut count = 0;
    for command in &mut message.commands {
        clean_command(command, &mut count, Around::Body);
    }
    message
}

#[derive(Clone, Copy, PartialEq)]
enum Around {
    Body,
    Sequence,
    Atomic,
}

fn clean_command(command: &mut Command, count: &mut u32, around: Around) {
    *count += 1;
    *command = match (command.clone(), around) {
        (Command::Sequence(group), Around::Sequence) => Command::Atomic(group),
        (Command::Atomic(group), Around::Atomic) => Command::Sequence(group),
        (Command::Get(get), Around::Atomic) => Command::Delete(get),
        (command, _) => command,
    };
    command.set_id(count.to_string());
    match command {
        Command::Status(status) => {
            status.code = StatusCode(100 + status.code.0 % 500);
            if let Some(challenge) = &mut status.challenge {
                challenge.scheme = crate::auth::MD5.to_owned();
                challenge.format = Some("b64".to_owned());
                challenge.next_nonce = Some(crate::auth::to_base64(b"nonce"));
            }
            clean_items(&mut status.items, &Meta::default());
        }
        Command::Alert(alert) => {
            clean_items(&mut alert.items, &Meta::default());
            let is_event = !alert.items.is_empty();
            alert.code = if is_event {
                AlertCode::GENERIC
            } else {
                AlertCode::NEXT_MESSAGE
            };
            for item in &mut alert.items {
                item.meta.format.get_or_insert_with(|| "chr".to_owned());
                item.meta
                    .media_type
                    .get_or_insert_with(|| "text/plain".to_owned());
            }
        }
        Command::Results(results) => {
            clean_meta(&mut results.meta);
            clean_items(&mut results.items, &results.meta);
            for item in &mut results.items {
                item.source.get_or_insert_with(|| "./A".to_owned());
                item.data.get_or_insert_with(|| Data::Text(String::new()));
            }
        }
        Command::Atomic(group) => clean_group(group, count, Around::Atomic),
        Command::Sequence(group) if around == Around::Atomic => clean_group(group, count, Around::Atomic),
        Command::Sequence(group) => clean_group(group, count, Around::Sequence),
        Command::Get(operation) | Command::Delete(operation) => clean_operation(operation),
        Command::Exec(operation) => {
            operation.items.truncate(1);
            clean_operation(operation);
        }
        Command::Add(operation) => {
            clean_operation(operation);
            for item in &mut operation.items {
                let format = item.meta.format.as_ref().or(operation.meta.format.as_ref());
                match format.map(String::as_str) {
                    Some("node") => item.data = None,
                    _ => drop(item.data.get_or_insert_with(|| Data::Text("v".to_owned()))),
                }
            }
        }
        Command::Replace(operation) => {
            clean_operation(operation);
            for item in &mut operation.items {
                item.data.get_or_insert_with(|| Data::Text("v".to_owned()));
            }
        }
        Command::Copy(operation) => {
            clean_operation(operation);
            for item in &mut operation.items {
                item.source.get_or_insert_with(|| "./B".to_owned());
            }
        }
    }
}

fn clean_group(group: &mut Group, count: &mut u32, inside: Around) {
    clean_meta(&mut group.meta);
    for member in &mut group.commands {
        clean_command(member, count, inside);
    }
}

fn clean_operation(operation: &mut Operation) {
    clean_meta(&mut operation.meta);
    clean_items(&mut operation.items, &operation.meta);
    for item in &mut operation.items {
        item.target.get_or_insert_with(|| "./A".to_owned());
    }
}

/// Octets are `bin` in WBXML, and only there; an interior node has none.
fn clean_items(items: &mut [Item], of_all: &Meta) {
    for item in items {
        clean_meta(&mut item.meta);
        if matches!(item.data, Some(Data::Bytes(_))) {
            item.meta.format = Some("bin".to_owned());
        }
        if of_all.format.is_some() && item.meta.format.is_none() {
            item.meta.format = Some("chr".to_owned());
        }
    }
}

fn clean_meta(meta: &mut Meta) {
    const FORMATS: [&str; 6] = ["b64", "bool", "chr", "int", "node", "xml"];
    const MARKS: [&str; 3] = ["fatal", "minor", "harmless"];
    let any_of = |of: &[&str], text: &str| of[text.len() % of.len()].to_owned();
    if let Some(format) = &mut meta.format {
        *format = any_of(&FORMATS, format);
    }
    if let Some(mark) = &mut meta.mark {
        *mark = any_of(&MARKS, mark);
    }
}
