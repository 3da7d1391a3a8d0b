//! Messages of the worked session and of another implementation; what departs; and that what is written reads back.

use rstest::rstest;

use super::*;

mod departures;
mod messages;
mod patterns;
mod round_trip;

pub(crate) use messages::any_message;

const PACKAGES: [&[u8]; 4] = [
    include_bytes!("../../../tests/worked-session/1-client-package1.xml"),
    include_bytes!("../../../tests/worked-session/2-server-package2.xml"),
    include_bytes!("../../../tests/worked-session/3-client-package3.xml"),
    include_bytes!("../../../tests/worked-session/4-server-package4.xml"),
];

/// As libwbxml writes a package 1 (domain facts, 8.7).
const PACKAGE_1_WBXML: &str =
    "02 a4 01 6a 00 6d 6c 71 03 31 2e 32 00 01 72 03 44 4d 2f 31 2e 32 00 01 65 03 41 37 00 01 5b 03
    31 00 01 6e 57 03 64 00 01 01 67 57 03 73 00 01 01 5a 00 01 4c 03 34 30 39 36 00 01 01 01 00 00
    6b 46 4b 03 31 00 01 4f 03 31 32 30 31 00 01 01 12 01 01";

fn xml(octets: &[u8]) -> Reading<'_> {
    read(octets, Encoding::Xml).unwrap()
}

#[rstest]
fn a_message_of_the_worked_session_is_read_without_a_departure_and_survives_both_encodings(
    #[values(0, 1, 2, 3)] package: usize,
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
) {
    let reading = xml(PACKAGES[package]);
    assert_eq!(reading.observations, []);
    let written = write(&reading.message, encoding);
    let again = read(&written, encoding).unwrap();
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
