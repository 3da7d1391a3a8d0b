//! `dmconform decode`: one sample of every kind, and what is none.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use oma_dm::account::{Account, AccountObject, Credentials};
use oma_dm::auth::Secret;
use oma_dm::bootstrap::{self, Form, Keys, SecurityMethod};
use oma_dm::notification::{Notification, UiMode};
use oma_dm::syncml::{self, Encoding, Message};
use oma_dm::tnds::ManagementTree;
use rstest::rstest;
use serde_json::Value;

const PACKAGE_1: &[u8] = include_bytes!("../../oma-dm/tests/worked-session/1-client-package1.xml");

/// A message with several things that are not as they should be.
const DEPARTING: &str = r#"<SyncML xmlns="SYNCML:SYNCML1.2">
  <SyncHdr>
    <VerDTD>1.2</VerDTD>
    <VerProto>DM/1.3</VerProto>
    <SessionID>A7</SessionID>
    <MsgID>2</MsgID>
    <Target><LocURI>https://dms2.example/dm</LocURI></Target>
    <Source><LocURI>IMEI:004999010640000</LocURI></Source>
    <Cred>
      <Meta><Type xmlns="syncml:metinf">syncml:auth-basic</Type></Meta>
      <Data> QnJ1Y2UyOk9oQmVoYXZl </Data>
    </Cred>
  </SyncHdr>
  <SyncBody>
    <Alert><CmdID>1</CmdID><Correlator>c</Correlator><Data>1226</Data></Alert>
    <Colour>red</Colour>
  </SyncBody>
</SyncML>
"#;

const INITIATION: &str = r#"<InitiationRequest xmlns="urn:dmconform:delegation:0">
  <SessionID>d-1</SessionID>
  <DelegatingServerID>dms1.example</DelegatingServerID>
  <DelegatedServerID>dms2.example</DelegatedServerID>
  <DeviceID>IMEI:004999010640000</DeviceID>
  <Manufacturer>Example Maker</Manufacturer>
  <Model>Model-1</Model>
  <TreePart>./Com</TreePart>
  <DelegationType>full-permanent</DelegationType>
  <Priority>high</Priority>
</InitiationRequest>
"#;

fn account() -> AccountObject {
    let account = Account {
        name: Some("DMS-2".into()),
        client_credentials: Some(Credentials::digest(
            "dev-0001",
            Secret::new("s3cret-dev"),
            "nonce-A",
        )),
        server_credentials: Some(Credentials::digest(
            "dms2.example",
            Secret::new("srv-pw-2"),
            [0, 1, 255],
        )),
        ..Account::new("dms2.example", "https://dms2.example/dm")
    };
    AccountObject::from(&account)
}

fn package_1() -> Message {
    let reading = syncml::read(PACKAGE_1, Encoding::Xml);
    reading.expect("it is a message").message
}

/// The samples, by their names in `fixtures/messages`.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let message = package_1();
    let acl = account().bootstrap_acl().expect("the server can stand in an ACL");
    let node = account()
        .to_node("dms2", Some(acl))
        .expect("the account is usable");
    let object = ManagementTree {
        nodes: vec![node],
        ..ManagementTree::default()
    };
    let notification = Notification {
        ui_mode: UiMode::Background,
        ..Notification::new("dms2.example", 0xA7)
    };
    let bootstrap = |form| bootstrap::write(&[account()], form).expect("the account is usable");
    vec![
        ("package-1.xml", PACKAGE_1.to_vec()),
        ("package-1.wbxml", syncml::write(&message, Encoding::Wbxml)),
        ("departing.xml", DEPARTING.into()),
        ("bootstrap-dm.xml", bootstrap(Form::DM_XML)),
        ("bootstrap-dm.wbxml", bootstrap(Form::DM_WBXML)),
        (
            "bootstrap-client-provisioning.xml",
            bootstrap(Form::PROVISIONING_XML),
        ),
        (
            "bootstrap-client-provisioning.wbxml",
            bootstrap(Form::PROVISIONING_WBXML),
        ),
        ("object.xml", object.to_xml()),
        ("object.wbxml", object.to_wbxml()),
        (
            "notification.bin",
            notification
                .sign(&Secret::new("srv-pw-2"), b"trig-nonce")
                .expect("it fits its fields"),
        ),
        ("delegation-initiation.xml", INITIATION.into()),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/messages")
        .join(name)
}

fn decode(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("it has an input").write_all(input);
    child.wait_with_output().expect("its output is readable")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("the program prints UTF-8")
}

fn shown(arguments: &[&str], name: &str) -> String {
    let path = path(name);
    let all = [arguments, &[path.to_str().expect("the path is UTF-8")]].concat();
    let output = decode(&all, b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn refused(arguments: &[&str], input: &[u8]) -> String {
    let output = decode(arguments, input);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn the_samples_that_are_checked_in_are_those_that_are_written_here() {
    for (name, octets) in samples() {
        if std::env::var_os("DMCONFORM_WRITE_SAMPLES").is_some() {
            fs::write(path(name), &octets).expect("the folder is there");
        }
        let checked_in = fs::read(path(name)).unwrap_or_default();
        assert!(
            checked_in == octets,
            "fixtures/messages/{name} is another one; run the tests with DMCONFORM_WRITE_SAMPLES=1"
        );
    }
}

#[rstest]
#[case("package-1.xml")]
#[case("package-1.wbxml")]
#[case("departing.xml")]
#[case("bootstrap-dm.xml")]
#[case("bootstrap-dm.wbxml")]
#[case("bootstrap-client-provisioning.xml")]
#[case("bootstrap-client-provisioning.wbxml")]
#[case("object.xml")]
#[case("object.wbxml")]
#[case("notification.bin")]
#[case("delegation-initiation.xml")]
fn every_kind_is_shown_without_its_secrets(#[case] name: &str) {
    let shown = shown(&[], name);
    for secret in [
        "s3cret-dev",
        "srv-pw-2",
        "bm9uY2UtQQ==",
        "lBXwH",
        "QnJ1Y2UyOk9oQmVoYXZl",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    insta::assert_snapshot!(format!("decode_{}", name.replace('.', "_")), shown);
}

#[rstest]
#[case("package-1.xml", "lBXwH+VDIDoSQRfB1kGzdg==")]
#[case("departing.xml", " QnJ1Y2UyOk9oQmVoYXZl ")]
#[case("bootstrap-dm.wbxml", "s3cret-dev")]
#[case("bootstrap-client-provisioning.wbxml", "srv-pw-2")]
#[case("object.xml", "srv-pw-2")]
fn secrets_are_shown_to_who_asks_for_them(#[case] name: &str, #[case] secret: &str) {
    assert!(shown(&["--show-secrets"], name).contains(secret));
}

#[test]
fn for_programs_it_is_json() {
    let json = shown(&["--format", "json"], "departing.xml");
    let value: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(value["kind"], "message");
    assert_eq!(value["details"]["session"][0], "A7");
    let first = &value["departures"][0];
    assert_eq!(
        (&first["line"], &first["octet"].is_u64()),
        (&Value::from(4), &true),
        "{json}"
    );
    insta::assert_snapshot!("decode_json", json);
}

#[test]
fn standard_input_is_read_where_a_dash_stands() {
    let by_input = decode(&["-"], PACKAGE_1);
    assert_eq!(text(&by_input.stdout), shown(&[], "package-1.xml"));
}

#[test]
fn the_media_type_is_believed_and_its_parameters_are_held_against_the_body() {
    let keys = Keys {
        user_pin: Some(Secret::new("1234")),
        ..Keys::default()
    };
    let octets = fs::read(path("bootstrap-dm.wbxml")).expect("it is checked in");
    let media_type = bootstrap::protect(&octets, Form::DM_WBXML, SecurityMethod::UserPin, &keys);
    let media_type = media_type.expect("there is a key");
    let protected = shown(&["--media-type", &media_type.to_string()], "bootstrap-dm.wbxml");
    assert!(
        protected
            .lines()
            .next()
            .unwrap()
            .contains("with a MAC by USERPIN, not checked"),
        "{protected}"
    );

    let other = shown(
        &[
            "--media-type",
            "application/vnd.syncml.dm+xml; verproto=\"DM/1.1\"",
        ],
        "package-1.xml",
    );
    assert!(
        other.contains("Content-Type: verproto is `DM/1.1`, where the message says `DM/1.2`"),
        "{other}"
    );
}

#[test]
fn a_profile_of_ones_own_tells_its_delegation_documents() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let own = folder.path().join("own.yaml");
    let shipped = include_str!("../../../fixtures/profiles/default.yaml");
    let renamed = shipped
        .replace("urn:dmconform:delegation:0", "urn:acme:delegation")
        .replace("InitiationRequest", "Begin");
    fs::write(&own, renamed).expect("it can be written to");
    let document = b"<Begin xmlns='urn:acme:delegation'><SessionID>d-1</SessionID></Begin>";
    let profile = ["--profile", own.to_str().expect("the path is UTF-8"), "-"];
    let output = decode(&profile, document);
    assert!(
        text(&output.stdout)
            .starts_with("delegation document in XML, 69 octets: Begin, message 2: session d-1\n"),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let by_the_shipped_one = refused(&["-"], document);
    insta::assert_snapshot!(by_the_shipped_one, @r#"error: failed to decode standard input: it is XML, but its root `Begin` (line 1, column 1) is none of OMA DM, nor of a delegation by the profile `default`; name another profile with --profile"#);
}

/// The default profile, but that the messages of steps 7, 9 and 10 are events of different kinds, with a part in a namespace of its
/// own.
fn of_events() -> String {
    let mut own = include_str!("../../../fixtures/profiles/default.yaml").replace(
        "  refusal: |",
        "  prefixes: {more: \"urn:acme:more\"}\n  refusal: |",
    );
    for kind in ["BootstrapComplete", "ClientPrepared", "DelegationComplete"] {
        own = own
            .replace(
                &format!("    root: {kind}\n    fields:\n"),
                &format!("    root: Event\n    when: {{Kind: {kind}}}\n    fields:\n"),
            )
            .replace(
                &format!("<{kind} xmlns=\"urn:dmconform:delegation:0\">"),
                &format!("<Event xmlns=\"urn:dmconform:delegation:0\"><Kind>{kind}</Kind>"),
            )
            .replace(&format!("</{kind}>"), "</Event>");
    }
    own.replace("device: DeviceID", "device: \"more:DeviceID\"")
        .replace("<DeviceID>", "<DeviceID xmlns=\"urn:acme:more\">")
}

fn profile_file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("own.yaml");
    fs::write(&path, text).expect("it can be written to");
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn a_document_is_the_message_whose_conditions_hold() {
    let (_folder, own) = profile_file(&of_events());
    let event = |kind: &str| {
        let document = format!(
            "<Event xmlns='urn:dmconform:delegation:0'><Kind>{kind}</Kind><SessionID>d-1</SessionID>\
             <DeviceID xmlns='urn:acme:more'>urn:1</DeviceID></Event>"
        );
        let output = decode(&["--profile", &own, "-"], document.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let prepared = event("ClientPrepared");
    assert!(
        prepared.contains("Event, message 9: device urn:1, session d-1\n"),
        "{prepared}"
    );
    assert!(
        prepared.contains("nothing departs from the profile"),
        "{prepared}"
    );
    let other = event("Unheard");
    assert!(
        other.contains("`Event` is no message of the profile\n"),
        "{other}"
    );
    assert!(
        other.contains("it is not message 9: at `Kind` stands `Unheard`, not `ClientPrepared`"),
        "{other}"
    );
}

#[test]
fn json_is_recognised_by_the_profile_and_its_secrets_are_hidden() {
    let event = br#"{"event": "client-prepared", "session": "s-1", "auth": [{"clientPassword": "hush", "nonce": 7}]}"#;
    let of_profile = ["--profile", "json-rest", "-"];
    let output = decode(&of_profile, event);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        shown.starts_with("delegation document in JSON, 96 octets: message 9: session s-1\n"),
        "{shown}"
    );
    assert!(!shown.contains("hush") && !shown.contains('7'), "{shown}");
    let all = text(&decode(&["--profile", "json-rest", "--show-secrets", "-"], event).stdout);
    assert!(all.contains("hush") && all.contains('7'), "{all}");
    let other = text(&decode(&of_profile, b"{\"foo\": 1}").stdout);
    assert!(
        other.contains("one departure from the profile `json-rest`:"),
        "{other}"
    );
    let refused = refused(&["-"], event);
    assert!(
        refused.contains("it is JSON, and the documents of the profile `default` are XML"),
        "{refused}"
    );
}

#[test]
fn what_is_none_of_all_is_refused_with_place_and_reason() {
    let wbxml = fs::read(path("bootstrap-client-provisioning.wbxml")).expect("it is checked in");
    let notification = fs::read(path("notification.bin")).expect("it is checked in");
    let bodies: [(&str, &[&str], &[u8]); 11] = [
        ("nothing", &["-"], b""),
        ("garbage", &["-"], b"\xFF\x00garbage"),
        ("text", &["-"], b"hello"),
        ("a page", &["-"], b"<html><body>404</body></html>"),
        ("XML that breaks off", &["-"], &PACKAGE_1[..300]),
        ("XML that is none", &["-"], b"<SyncML>\n <a></b>\n</SyncML>"),
        ("WBXML that breaks off", &["-"], &wbxml[..100]),
        (
            "a notification that breaks off",
            &["--media-type", "application/vnd.syncml.notification", "-"],
            &notification[..30],
        ),
        (
            "another media type",
            &["--media-type", "text/html", "-"],
            b"<html/>",
        ),
        (
            "a media type that is none",
            &["--media-type", "xml", "-"],
            b"<html/>",
        ),
        (
            "a media type that is wrong",
            &["--media-type", "application/vnd.syncml.dm+wbxml", "-"],
            PACKAGE_1,
        ),
    ];
    let all = bodies.map(|(what, arguments, input)| format!("{what}:\n{}", refused(arguments, input)));
    insta::assert_snapshot!(all.join("\n"), @r#"
    nothing:
    error: failed to decode standard input: there is nothing in it; was the body captured?

    garbage:
    error: failed to decode standard input: it is neither XML (which begins with `<`), nor WBXML (01, 02 or 03), nor a notification: octet 0 is FF; say with --media-type what it was sent as

    text:
    error: failed to decode standard input: it is neither XML (which begins with `<`), nor WBXML (01, 02 or 03), nor a notification: octet 0 is 68; say with --media-type what it was sent as

    a page:
    error: failed to decode standard input: it is XML, but its root `html` (line 1, column 1) is none of OMA DM, nor of a delegation by the profile `default`; name another profile with --profile

    XML that breaks off:
    error: failed to decode standard input: it begins like XML: failed to read the document as XML: unexpected end of stream (octet 300, line 8, column 85); look whether it was captured whole

    XML that is none:
    error: failed to decode standard input: it begins like XML: failed to read the document as XML: expected 'a' tag, not 'b' at 2:5; look whether it was captured whole

    WBXML that breaks off:
    error: failed to decode standard input: it begins like WBXML: document ends too early; is the body complete? (octet 100)

    a notification that breaks off:
    error: failed to decode standard input: notification ends at octet 30, where it has to have 36 at least; is the body complete?

    another media type:
    error: failed to decode standard input: `text/html` is no media type of OMA DM or of a delegation; leave --media-type out to have the body recognised

    a media type that is none:
    error: failed to read the media type: the end where `/` and a subtype belongs at octet 3 of `xml`; write it as it stood in Content-Type, such as `application/vnd.syncml.dm+wbxml`

    a media type that is wrong:
    error: failed to decode standard input: failed to read the document as WBXML: not WBXML 1.1 to 1.3: version octet 0x3C (octet 0); look whether the media type is right and the body complete
    "#);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    assert_eq!(
        refused(&["no-such-file"], b""),
        "error: failed to read `no-such-file`: No such file or directory (os error 2); look whether the path is right\n"
    );
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let body = vec![b' '; 16 * 1024 * 1024 + 1];
    assert_eq!(
        refused(&["-"], &body),
        "error: failed to read standard input: it has more than 16777216 octets; cut the one body out that is meant\n"
    );
}

#[test]
fn a_large_body_full_of_departures_is_shown_in_time_and_all_of_them() {
    let colours = "<Colour/>".repeat(100_000);
    let body = text(PACKAGE_1).replace("<Final/>", &format!("{colours}<Final/>"));
    let began = Instant::now();
    let shown = text(&decode(&["-"], body.as_bytes()).stdout);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(shown.contains("100000 departures from the specification"));
    let last = shown.lines().last().expect("there are lines");
    assert!(
        last.contains("line 25, column 899996: SyncBody: `Colour`"),
        "{last}"
    );
}

#[test]
fn what_could_steer_a_terminal_is_not_printed() {
    let mut message = package_1();
    message.header.session_id = "\u{1b}[2J\u{9b}1m".to_owned();
    let output = decode(&["-"], &syncml::write(&message, Encoding::Wbxml));
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(shown.contains("session \u{fffd}[2J\u{fffd}1m"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{9b}']));
}
