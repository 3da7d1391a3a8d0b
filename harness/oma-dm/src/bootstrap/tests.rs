//! Bootstraps written, read and applied, and those that must change nothing.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::account::Credentials;
use crate::acl::{Acl, Right};
use crate::auth::Secret;
use crate::tree::Format;

mod provisioning;
mod security;

fn uri(text: &str) -> NodeUri {
    NodeUri::parse(text).unwrap()
}

fn account(server_id: &str) -> Account {
    Account {
        client_credentials: Some(Credentials::digest(
            "dev-0001",
            Secret::new("s3cret-dev"),
            "nonce-A",
        )),
        server_credentials: Some(Credentials::digest(
            server_id,
            Secret::new("srv-pw-2"),
            [0, 1, 255],
        )),
        ..Account::new(server_id, format!("https://{server_id}/dm"))
    }
}

/// A device that knows another server already.
fn device() -> Tree {
    let mut tree = Tree::new();
    account("dms1.example")
        .write_to(&mut tree, &uri("./DMAcc/one"))
        .unwrap();
    tree.set_acl(&uri("./DMAcc/one"), Acl::parse("Get=dms1.example").unwrap())
        .unwrap();
    tree.insert_leaf(&uri("./Settings/a"), Format::Chr, "text/plain", "1")
        .unwrap();
    tree.set_acl(
        &uri("./Settings"),
        Acl::parse("Get=dms1.example&Replace=dms1.example").unwrap(),
    )
    .unwrap();
    tree
}

fn bootstrap_of(account: &Account) -> Bootstrap {
    let octets = write_dm_profile(account, Encoding::Wbxml).unwrap();
    read(&octets, Encoding::Wbxml.media_type()).unwrap()
}

fn message(body: &str) -> String {
    format!(
        r#"<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>0</SessionID>
        <MsgID>1</MsgID><Target><LocURI>.</LocURI></Target><Source><LocURI>s</LocURI></Source></SyncHdr>
        <SyncBody>{body}<Final/></SyncBody></SyncML>"#
    )
}

fn add(id: &str, target: &str, meta: &str, data: &str) -> String {
    format!(
        "<Add><CmdID>{id}</CmdID><Item><Target><LocURI>{target}</LocURI></Target>\
         <Meta xmlns:m='syncml:metinf'>{meta}</Meta><Data>{data}</Data></Item></Add>"
    )
}

const XML_OBJECT: &str = "<m:Format>xml</m:Format><m:Type>application/vnd.syncml.dmtnds+xml</m:Type>";

fn object(type_name: &str, nodes: &str) -> String {
    format!(
        r#"<![CDATA[<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>x</NodeName>
        <RTProperties><Format><node/></Format><Type><DDFName>{type_name}</DDFName></Type></RTProperties>{nodes}</Node></MgmtTree>]]>"#
    )
}

const ACCOUNT_NODES: &str = "<Node><NodeName>ServerID</NodeName><Value>s</Value></Node>
    <Node><NodeName>AppAddr</NodeName><Node><NodeName>1</NodeName><Node><NodeName>Addr</NodeName>
    <Value>https://s/</Value></Node></Node></Node>";

fn read_xml(body: &str) -> Result<Bootstrap, BootstrapError> {
    read(message(body).as_bytes(), Encoding::Xml.media_type())
}

#[rstest]
#[case(Encoding::Xml)]
#[case(Encoding::Wbxml)]
fn what_is_written_reads_back_the_same_and_departs_from_nothing(#[case] encoding: Encoding) {
    let written = write_dm_profile(&account("dms2.example"), encoding).unwrap();
    let bootstrap = read(&written, encoding.media_type()).unwrap();
    assert_eq!(
        bootstrap.accounts().collect::<Vec<_>>(),
        [&account("dms2.example")]
    );
    assert_eq!(bootstrap.observations, []);
    assert_eq!(bootstrap.skipped, [""; 0]);
    let acl = bootstrap.entries[0].object.acl.as_ref().unwrap().to_string();
    assert_eq!(acl, "Delete=dms2.example&Get=dms2.example&Replace=dms2.example");
}

#[test]
fn an_applied_bootstrap_adds_an_account_and_changes_nothing_else() {
    let mut tree = device();
    let before = tree.clone();
    let places = apply(&bootstrap_of(&account("dms2.example")), &mut tree).unwrap();
    assert_eq!(places, [uri("./DMAcc/account")]);
    assert_eq!(Account::read(&tree, &places[0]), Ok(account("dms2.example")));
    assert!(tree.permits("dms2.example", Right::Replace, &uri("./DMAcc/account/AppAddr")));
    assert!(!tree.permits("dms1.example", Right::Replace, &uri("./DMAcc/account")));
    tree.remove(&places[0]).unwrap();
    assert_eq!(tree, before);
}

#[test]
fn each_account_gets_a_name_of_its_own() {
    let mut tree = device();
    apply(&bootstrap_of(&account("dms2.example")), &mut tree).unwrap();
    let places = apply(&bootstrap_of(&account("dms3.example")), &mut tree).unwrap();
    assert_eq!(places, [uri("./DMAcc/account-2")]);
    assert_eq!(Account::read_all(&tree).len(), 3);
}

#[test]
fn another_servers_account_is_not_overwritten() {
    let mut tree = device();
    let before = tree.clone();
    let hostile = Account {
        address: "https://elsewhere.example/".into(),
        ..account("dms1.example")
    };
    let refused = apply(&bootstrap_of(&hostile), &mut tree).unwrap_err();
    insta::assert_snapshot!(refused, @"server `dms1.example` has the account `./DMAcc/one` already, with other data; the bootstrap is not applied");
    assert_eq!(tree, before);
}

#[test]
fn an_account_that_cannot_be_read_is_not_overwritten_either() {
    let mut tree = Tree::new();
    tree.insert_leaf(
        &uri("./DMAcc/odd/ServerID"),
        Format::Chr,
        "text/plain",
        "dms2.example",
    )
    .unwrap();
    let refused = apply(&bootstrap_of(&account("dms2.example")), &mut tree);
    assert!(matches!(refused, Err(BootstrapError::ServerHasAccount { .. })));
}

#[test]
fn of_two_accounts_for_one_server_none_is_applied() {
    let mut bootstrap = bootstrap_of(&account("dms2.example"));
    let other = Account {
        address: "https://other.example/".into(),
        ..account("dms2.example")
    };
    bootstrap.entries.extend(bootstrap_of(&other).entries);
    let mut tree = device();
    let before = tree.clone();
    assert!(apply(&bootstrap, &mut tree).is_err());
    assert_eq!(tree, before);
}

#[test]
fn a_repeated_bootstrap_does_no_harm() {
    let mut tree = device();
    let bootstrap = bootstrap_of(&account("dms2.example"));
    let places = apply(&bootstrap, &mut tree).unwrap();
    let mut used = account("dms2.example");
    used.client_credentials.as_mut().unwrap().nonce = b"moved on".to_vec();
    used.write_to(&mut tree, &places[0]).unwrap();
    let before = tree.clone();
    assert_eq!(apply(&bootstrap, &mut tree), Ok(places));
    assert_eq!(tree, before);
}

#[rstest]
#[case::object_in_text(&add("1", "./Inbox", XML_OBJECT, &object(crate::account::OBJECT_ID, ACCOUNT_NODES)))]
#[case::in_a_sequence(&format!("<Sequence><CmdID>0a</CmdID>{}</Sequence>",
    add("1", "./Inbox", XML_OBJECT, &object(crate::account::OBJECT_ID, ACCOUNT_NODES))))]
#[case::object_added_in_place(&add("1", "./DMAcc", XML_OBJECT, &object("", ACCOUNT_NODES)))]
#[case::node_by_node(&[add("1", "./DMAcc/x/ServerID", "", "s"), add("2", "./DMAcc/x/AppAddr/1/Addr", "", "https://s/")].concat())]
fn a_bootstrap_may_be_worded_in_any_way_that_a_device_takes(#[case] body: &str) {
    let bootstrap = read_xml(body).unwrap();
    assert_eq!(
        bootstrap.accounts().collect::<Vec<_>>(),
        [&Account::new("s", "https://s/")]
    );
}

#[test]
fn objects_that_are_not_supported_are_skipped() {
    let account = add(
        "1",
        "./Inbox",
        XML_OBJECT,
        &object(crate::account::OBJECT_ID, ACCOUNT_NODES),
    );
    let other = add(
        "2",
        "./Inbox",
        XML_OBJECT,
        &object("urn:oma:mo:connectivity:1.0", ""),
    );
    let bootstrap = read_xml(&format!("{account}{other}")).unwrap();
    assert_eq!(bootstrap.accounts().count(), 1);
    assert_eq!(bootstrap.skipped, ["urn:oma:mo:connectivity:1.0"]);
}

const TWO_OBJECTS: &str = r#"<![CDATA[<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>
    <Node><NodeName>nap</NodeName><RTProperties><Format><node/></Format>
      <Type><DDFName>urn:oma:mo:connectivity:1.0</DDFName></Type></RTProperties></Node>
    <Node><NodeName>acc</NodeName><RTProperties><Format><node/></Format>
      <Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties>
      <Node><NodeName>ServerID</NodeName><Value>s</Value></Node>
      <Node><NodeName>PrefConRef</NodeName><Value>./Inbox/acc/Ext/nap</Value></Node></Node>
    <Node><NodeName>AppAddr</NodeName><Path>acc</Path><Node><NodeName>1</NodeName>
      <Node><NodeName>Addr</NodeName><Value>https://s/</Value></Node></Node></Node>
  </MgmtTree>]]>"#;

#[test]
fn of_one_object_with_several_in_it_those_that_are_not_supported_are_skipped() {
    let bootstrap = read_xml(&add("1", "./Inbox", XML_OBJECT, TWO_OBJECTS)).unwrap();
    assert_eq!(
        bootstrap.accounts().collect::<Vec<_>>(),
        [&Account::new("s", "https://s/")]
    );
    assert_eq!(bootstrap.skipped, ["urn:oma:mo:connectivity:1.0"]);
}

#[test]
fn what_departs_inside_of_an_object_is_noted() {
    let body = add(
        "1",
        "./Inbox",
        XML_OBJECT,
        &TWO_OBJECTS.replace("<VerDTD>1.2</VerDTD>", "<VerDTD>1.3</VerDTD>"),
    );
    let noted: Vec<_> = read_xml(&body)
        .unwrap()
        .observations
        .iter()
        .map(|noted| format!("{}: {}", noted.path, noted.departure))
        .collect();
    assert_eq!(
        noted,
        ["SyncBody/Add/Item/Data/MgmtTree: `VerDTD` is `1.3`, where 1.2 belongs"]
    );
}

#[test]
fn references_inside_the_object_follow_to_where_the_device_puts_it() {
    let bootstrap = read_xml(&add("1", "./Inbox", XML_OBJECT, TWO_OBJECTS)).unwrap();
    let mut tree = device();
    tree.insert_interior(&uri("./DMAcc/acc"), "").unwrap();
    assert_eq!(apply(&bootstrap, &mut tree), Ok(vec![uri("./DMAcc/acc-2")]));
    assert_eq!(
        tree.text(&uri("./DMAcc/acc-2/PrefConRef")),
        Some("./DMAcc/acc-2/Ext/nap")
    );
}

#[test]
fn nodes_elsewhere_in_the_tree_are_passed_over_and_named() {
    let account = add(
        "1",
        "./Inbox",
        XML_OBJECT,
        &object(crate::account::OBJECT_ID, ACCOUNT_NODES),
    );
    let bootstrap = read_xml(&format!("{account}{}", add("2", "./Settings/x", "", "1"))).unwrap();
    assert_eq!(bootstrap.skipped, ["./Settings"]);
    let mut tree = device();
    apply(&bootstrap, &mut tree).unwrap();
    assert_eq!(tree.get(&uri("./Settings/x")), None);
}

#[rstest]
#[case(Form::DM_XML)]
#[case(Form::DM_WBXML)]
fn several_accounts_with_everything_come_back_the_same(#[case] form: Form) {
    let first = crate::account::tests::full_account();
    let second = AccountObject {
        server_id: "other.example".into(),
        ..first.clone()
    };
    let written = write(&[first.clone(), second.clone()], form).unwrap();
    let bootstrap = read(&written, form.media_type()).unwrap();
    assert_eq!(bootstrap.form, form);
    assert_eq!(bootstrap.observations, []);
    let objects: Vec<_> = bootstrap
        .entries
        .iter()
        .map(|entry| AccountObject::from_node(&entry.object).unwrap())
        .collect();
    assert_eq!(objects, [first, second]);
    assert_eq!(
        bootstrap.entries[1].object.acl.as_ref().unwrap().to_string(),
        "Delete=other.example&Get=other.example&Replace=other.example"
    );
}

#[rstest]
#[case::nothing_in_it(
    "",
    "the bootstrap brings no account; add a DMAcc object to ./Inbox, or an application w7"
)]
#[case::only_other_objects(
    &add("1", "./Inbox", XML_OBJECT, &object("urn:x", "")),
    "the bootstrap brings no account; add a DMAcc object to ./Inbox, or an application w7"
)]
#[case::account_without_address(
    &add("1", "./Inbox", XML_OBJECT, &object(crate::account::OBJECT_ID, "<Node><NodeName>ServerID</NodeName><Value>s</Value></Node>")),
    "account `./account` without `AppAddr/<X>/Addr`"
)]
#[case::object_that_is_none(&add("1", "./Inbox", XML_OBJECT, "<![CDATA[<Other/>]]>"), "`Other` where a TNDS object begins with `MgmtTree` (octet 0)")]
#[case::account_in_pieces_without_server(&add("1", "./DMAcc/x/Name", "", "s"), "account `./DMAcc/x` without `ServerID`")]
#[case::refused_command(&add("1", "./../x", "", "s"), "Add of `./../x` in the bootstrap is refused with 400")]
fn what_brings_no_usable_account_is_refused_with_the_reason(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(read_xml(body).unwrap_err().to_string(), expected);
}

#[test]
fn what_is_no_bootstrap_is_refused() {
    let written = write_dm_profile(&account("dms2.example"), Encoding::Wbxml).unwrap();
    assert!(matches!(
        read(&written, "text/html"),
        Err(BootstrapError::MediaType { .. })
    ));
    assert!(matches!(
        read(&written, Encoding::Xml.media_type()),
        Err(BootstrapError::Read(_))
    ));
    assert!(matches!(
        read(&written[..written.len() - 1], "application/vnd.syncml.dm+wbxml"),
        Err(BootstrapError::Read(_))
    ));
    assert!(matches!(
        read(b"", "application/vnd.syncml.dm+wbxml"),
        Err(BootstrapError::Read(_))
    ));
    assert!(read(&written, "application/vnd.syncml.dm+wbxml; charset=utf-8").is_ok());
}

#[test]
fn a_media_type_that_says_another_version_than_the_message_is_noted() {
    let written = write_dm_profile(&account("dms2.example"), Encoding::Wbxml).unwrap();
    let noted = |parameters: &str| {
        let read = read(&written, &format!("application/vnd.syncml.dm+wbxml{parameters}")).unwrap();
        let noted = read
            .observations
            .into_iter()
            .map(|noted| noted.departure.to_string());
        noted.collect::<Vec<_>>()
    };
    assert_eq!(noted(";verproto=\"DM/1.2\";verdtd=1.2"), [""; 0]);
    assert_eq!(
        noted(";verproto=\"DM/1.1\""),
        ["verproto is `DM/1.1`, where the message says `DM/1.2`"]
    );
}

#[test]
fn an_account_that_no_session_could_be_held_with_is_not_written() {
    assert!(write_dm_profile(&Account::new("*", "https://s/"), Encoding::Wbxml).is_err());
    assert!(write_dm_profile(&Account::new("s", ""), Encoding::Wbxml).is_err());
}

proptest! {
    #[test]
    fn a_damaged_bootstrap_is_read_or_refused(at in any::<proptest::sample::Index>(), octet in any::<u8>()) {
        let mut octets = write_dm_profile(&account("dms2.example"), Encoding::Wbxml).unwrap();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(bootstrap) = read(&octets, Encoding::Wbxml.media_type()) {
            let mut tree = device();
            let _done_or_refused = apply(&bootstrap, &mut tree);
            prop_assert!(tree.is_sound());
            prop_assert_eq!(Account::read(&tree, &uri("./DMAcc/one")), Ok(account("dms1.example")));
        }
    }
}
