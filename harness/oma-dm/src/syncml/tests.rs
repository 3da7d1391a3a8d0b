//! Messages of the worked session and of another implementation; what departs; and that what is written reads back.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const PACKAGES: [&[u8]; 4] = [
    include_bytes!("../../tests/worked-session/1-client-package1.xml"),
    include_bytes!("../../tests/worked-session/2-server-package2.xml"),
    include_bytes!("../../tests/worked-session/3-client-package3.xml"),
    include_bytes!("../../tests/worked-session/4-server-package4.xml"),
];

/// As libwbxml writes a package 1 (domain facts, 8.7).
const PACKAGE_1_WBXML: &str =
    "02 a4 01 6a 00 6d 6c 71 03 31 2e 32 00 01 72 03 44 4d 2f 31 2e 32 00 01 65 03 41 37 00 01 5b 03
    31 00 01 6e 57 03 64 00 01 01 67 57 03 73 00 01 01 5a 00 01 4c 03 34 30 39 36 00 01 01 01 00 00
    6b 46 4b 03 31 00 01 4f 03 31 32 30 31 00 01 01 12 01 01";

fn xml(octets: &[u8]) -> Reading {
    read(octets, Encoding::Xml).unwrap()
}

#[rstest]
fn a_message_of_the_worked_session_is_read_without_a_departure_and_survives_both_encodings(
    #[values(0, 1, 2, 3)] package: usize,
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
) {
    let reading = xml(PACKAGES[package]);
    assert_eq!(reading.observations, []);
    let again = read(&write(&reading.message, encoding), encoding).unwrap();
    assert_eq!(again.observations, []);
    assert_eq!(again.message, reading.message);
}

#[test]
fn package_3_of_the_worked_session_says_what_it_says() {
    let message = xml(PACKAGES[2]).message;
    assert_eq!(message.header.source.name.as_deref(), Some("dev-0001"));
    assert!(message.is_final);
    let Command::Status(of_header) = &message.commands[0] else {
        panic!("a Status comes first")
    };
    assert_eq!(
        (of_header.command_ref.as_str(), of_header.code),
        ("0", StatusCode::AUTHENTICATED)
    );
    let challenge = of_header.challenge.as_ref().unwrap();
    assert_eq!(challenge.next_nonce.as_deref(), Some("bm9uY2UtRA=="));
    let Command::Results(results) = &message.commands[2] else {
        panic!("Results are the third")
    };
    assert_eq!(results.items[0].source.as_deref(), Some("./DMAcc/dms2?prop=ACL"));
    let acl = "Get=dms2.example&Replace=dms2.example&Delete=dms2.example";
    assert_eq!(results.items[0].text(), Some(acl));
    let Command::Status(refused) = &message.commands[3] else {
        panic!("a Status is the last")
    };
    assert_eq!(refused.code, StatusCode::PERMISSION_DENIED);
}

#[test]
fn octets_of_another_implementation_are_read_and_written_the_same() {
    let octets: Vec<u8> = PACKAGE_1_WBXML
        .split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect();
    let reading = read(&octets, Encoding::Wbxml).unwrap();
    assert_eq!(reading.observations, []);
    assert_eq!(reading.message.header.max_message_size, Some(4096));
    assert_eq!(write(&reading.message, Encoding::Wbxml), octets);
}

/// A message with `header` in its header and `body` in its body, besides what belongs there.
fn message(header: &str, body: &str) -> String {
    format!(
        "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>\
         <SessionID>A7</SessionID><MsgID>1</MsgID><Target><LocURI>t</LocURI></Target>\
         <Source><LocURI>s</LocURI></Source>{header}</SyncHdr><SyncBody>{body}<Final/></SyncBody></SyncML>"
    )
}

fn departures(text: &str) -> Vec<String> {
    let observations = xml(text.as_bytes()).observations;
    let within = |at: &std::ops::Range<usize>| at.start < at.end && at.end <= text.len();
    assert!(
        observations.iter().all(|observation| within(&observation.at)),
        "{observations:?}"
    );
    observations
        .iter()
        .map(|observation| format!("{}: {}", observation.path, observation.departure))
        .collect()
}

#[rstest]
#[case::unknown(
    "",
    "<Alert><CmdID>1</CmdID><Data>1201</Data><Mood/></Alert>",
    "SyncBody/Alert: `Mood` is not known here"
)]
#[case::not_for_dm("", "<Put/>", "SyncBody: `Put` has no place in OMA DM")]
#[case::order(
    "",
    "<Alert><CmdID>1</CmdID><Correlator>c</Correlator><Data>1226</Data></Alert>",
    "SyncBody/Alert: `Data` should precede `Correlator`"
)]
#[case::repeated(
    "<RespURI>a</RespURI><RespURI>b</RespURI>",
    "",
    "SyncHdr: `RespURI` is there more than once"
)]
#[case::identifier(
    "",
    "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert><Alert><CmdID>1</CmdID><Data>1224</Data></Alert>",
    "SyncBody/Alert: CmdID `1` is used twice"
)]
#[case::no_identifier("", "<Alert><Data>1201</Data></Alert>", "SyncBody/Alert: `CmdID` is missing")]
#[case::zero(
    "",
    "<Alert><CmdID>0</CmdID><Data>1201</Data></Alert>",
    "SyncBody/Alert: `CmdID` is `0`, where anything but 0 belongs"
)]
#[case::number(
    "",
    "<Alert><CmdID>1</CmdID><Data>soon</Data></Alert>",
    "SyncBody/Alert: `Data` is `soon`, where a code belongs"
)]
#[case::size(
    "<Meta><MaxMsgSize xmlns='syncml:metinf'>big</MaxMsgSize></Meta>",
    "",
    "SyncHdr: `MaxMsgSize` is `big`, where a number of octets belongs"
)]
#[case::namespace(
    "<Meta><MaxMsgSize>9</MaxMsgSize></Meta>",
    "",
    "SyncHdr: `MaxMsgSize` is in the namespace `SYNCML:SYNCML1.2`"
)]
#[case::credentials(
    "",
    "<Get><CmdID>1</CmdID><Cred><Data/></Cred><Item><Target><LocURI>.</LocURI></Target></Item></Get>",
    "SyncBody/Get: `Cred` belongs in the header only"
)]
#[case::no_item("", "<Get><CmdID>1</CmdID></Get>", "SyncBody/Get: `Item` is missing")]
#[case::behind_the_end(
    "",
    "<Final/><Alert><CmdID>1</CmdID><Data>1201</Data></Alert>",
    "SyncBody: `Alert` should precede `Final`"
)]
fn a_departure_is_noted_and_the_rest_is_read(
    #[case] header: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let text = message(header, body);
    let found = departures(&text);
    assert!(found.contains(&expected.to_owned()), "{found:#?}");
    assert_eq!(xml(text.as_bytes()).message.header.session_id, "A7");
}

#[test]
fn a_message_as_it_should_be_has_no_departures() {
    let body = "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>";
    assert_eq!(departures(&message("", body)), [""; 0]);
}

#[test]
fn a_message_of_another_version_is_read_and_noted() {
    let text = message("", "")
        .replace("SYNCML1.2", "SYNCML1.1")
        .replace("DM/1.2", "DM/1.3");
    let found = departures(&text);
    assert!(
        found.contains(&"SyncHdr: VerProto is `DM/1.3`".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn a_departure_is_located_where_it_is() {
    let text = message("", "<Alert><CmdID>1</CmdID><Data>1201</Data><Mood/></Alert>");
    let observation = xml(text.as_bytes()).observations.remove(0);
    assert_eq!(&text[observation.at], "<Mood/>");
}

#[test]
fn atomics_nested_too_deep_are_left_out_and_noted() {
    let deep = (0..20).fold(String::new(), |inner, id| {
        format!("<Atomic><CmdID>{id}x</CmdID>{inner}</Atomic>")
    });
    let reading = xml(message("", &deep).as_bytes());
    assert_eq!(reading.message.commands.len(), 1);
    let observations: Vec<_> = reading
        .observations
        .iter()
        .map(|observation| &observation.departure)
        .collect();
    assert_eq!(observations, [&Departure::TooDeep("Atomic".to_owned())]);
}

#[rstest]
#[case::nothing("", "read the document as XML: the document does not have a root node")]
#[case::other("<html/>", "read the document as SyncML: its root is `html`")]
#[case::no_header(
    "<SyncML><SyncBody/></SyncML>",
    "read the document as SyncML: there is no `SyncHdr`"
)]
#[case::no_body(
    "<SyncML><SyncHdr/></SyncML>",
    "read the document as SyncML: there is no `SyncBody`"
)]
fn what_is_no_message_is_refused(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(
        read(text.as_bytes(), Encoding::Xml).unwrap_err().to_string(),
        expected
    );
}

#[rstest]
#[case("application/vnd.syncml.dm+xml", Some(Encoding::Xml))]
#[case("application/vnd.syncml.dm+wbxml; charset=UTF-8", Some(Encoding::Wbxml))]
#[case("Application/VND.SyncML+XML", Some(Encoding::Xml))]
#[case("application/vnd.syncml+wbxml", Some(Encoding::Wbxml))]
#[case("text/xml", None)]
#[case("", None)]
fn a_media_type_tells_the_encoding(#[case] media_type: &str, #[case] expected: Option<Encoding>) {
    assert_eq!(Encoding::from_media_type(media_type), expected);
}

#[test]
fn octets_are_base64_in_xml_and_say_so() {
    let item = Item {
        data: Some(Data::Bytes(vec![0, 0xFF])),
        ..Item::at("./I/L")
    };
    let message = Message {
        commands: vec![Command::Add(Operation::on(vec![item]))],
        ..Message::default()
    };
    let text = String::from_utf8(write(&message, Encoding::Xml)).unwrap();
    assert!(
        text.contains("<Format xmlns=\"syncml:metinf\">b64</Format>"),
        "{text}"
    );
    assert!(text.contains("<Data>AP8=</Data>"), "{text}");
}

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
        let node = |local: &str| Element::new("syncml:dmddf1.2", local);
        let leaf = |local: &str, text: &str| match text {
            "" => node(local),
            _ => node(local).with_text(text),
        };
        Data::Element(
            node("MgmtTree").with_child(leaf("VerDTD", "1.2")).with_child(
                node("Node")
                    .with_child(leaf("NodeName", &name))
                    .with_child(leaf("Value", &value)),
            ),
        )
    });
    prop_oneof![3 => text().prop_map(Data::Text), 1 => element]
}

fn item() -> impl Strategy<Value = Item> {
    use prop::option::of;
    (of(word()), of(word()), meta(), of(data()), any::<bool>()).prop_map(
        |(target, source, meta, data, more_data)| Item {
            target,
            source,
            meta,
            data,
            more_data,
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
        items(),
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
    let results = (vec(word(), 3), meta(), of(word()), of(word()), items()).prop_map(
        |(words, meta, target_ref, source_ref, items)| {
            Command::Results(Results {
                id: words[0].clone(),
                message_ref: words[1].clone(),
                command_ref: words[2].clone(),
                meta,
                target_ref,
                source_ref,
                items,
            })
        },
    );
    let alert = (word(), any::<u16>(), of(word()), items()).prop_map(|(id, code, correlator, items)| {
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

/// Forgets where elements were read.
fn without_places(message: Message) -> Message {
    fn item(item: &mut Item) {
        if let Some(Data::Element(element)) = &mut item.data {
            *element = element.clone().without_places();
        }
    }
    fn command(of: &mut Command) {
        match of {
            Command::Status(status) => status.items.iter_mut().for_each(item),
            Command::Results(results) => results.items.iter_mut().for_each(item),
            Command::Alert(alert) => alert.items.iter_mut().for_each(item),
            Command::Get(operation)
            | Command::Add(operation)
            | Command::Replace(operation)
            | Command::Delete(operation)
            | Command::Copy(operation)
            | Command::Exec(operation) => operation.items.iter_mut().for_each(item),
            Command::Atomic(group) | Command::Sequence(group) => group.commands.iter_mut().for_each(command),
        }
    }
    let mut message = message;
    message.commands.iter_mut().for_each(command);
    message
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn octets_survive_wbxml(octets in prop::collection::vec(any::<u8>(), 0..40), is_of_all in any::<bool>()) {
        let binary = Meta { format: Some("bin".into()), ..Meta::default() };
        let (all, one) = if is_of_all { (binary, Meta::default()) } else { (Meta::default(), binary) };
        let item = Item { meta: one, data: Some(Data::Bytes(octets)), ..Item::at("./I/L") };
        let add = Operation { id: "1".into(), meta: all, correlator: None, items: vec![item] };
        let message = Message { commands: vec![Command::Add(add)], ..Message::default() };
        let reading = read(&write(&message, Encoding::Wbxml), Encoding::Wbxml).unwrap();
        prop_assert_eq!(reading.message, message);
    }

    #[test]
    fn what_is_written_reads_back_the_same(
        message in any_message(),
        encoding in prop_oneof![Just(Encoding::Xml), Just(Encoding::Wbxml)],
    ) {
        let reading = read(&write(&message, encoding), encoding).unwrap();
        prop_assert_eq!(without_places(reading.message), message);
    }

    #[test]
    fn a_message_with_changed_octets_is_read_or_refused(
        package in 0..4_usize,
        encoding in prop_oneof![Just(Encoding::Xml), Just(Encoding::Wbxml)],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut octets = write(&xml(PACKAGES[package]).message, encoding);
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if let Ok(reading) = read(&octets, encoding) {
            let again = read(&write(&reading.message, encoding), encoding).unwrap();
            prop_assert_eq!(again.message.header, reading.message.header);
        }
    }
}
