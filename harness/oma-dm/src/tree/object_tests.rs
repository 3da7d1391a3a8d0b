//! Objects that come into the tree whole, and the Inbox.

use rstest::rstest;

use super::command_tests::{
    add, add_node, copy, delete, get, item, operation, replace, status, statuses, tree, uri,
};
use super::*;
use crate::syncml::{Command, Data, Item, Meta};
use crate::tnds::ManagementTree;

const ACCOUNT_OBJECT: &str = r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>
  <Node><NodeName>two</NodeName>
    <RTProperties><ACL>Get=s2&amp;Replace=s2</ACL><Format><node/></Format>
      <Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties>
    <Node><NodeName>ServerID</NodeName><Value>s2</Value></Node>
    <Node><NodeName>AppAddr</NodeName><Node><NodeName>1</NodeName>
      <Node><NodeName>Addr</NodeName><Value>https://s2.example/dm</Value></Node></Node></Node>
  </Node></MgmtTree>"#;

fn add_object(target: &str, object: &str) -> Command {
    let media_type = Some("application/vnd.syncml.dmtnds+xml".to_owned());
    let meta = Meta {
        format: Some("xml".into()),
        media_type,
        ..Meta::default()
    };
    Command::Add(operation(Item {
        meta,
        ..item(target, Some(object))
    }))
}

#[test]
fn an_account_comes_through_the_inbox_to_where_accounts_are() {
    let mut tree = tree();
    assert_eq!(
        status(&mut tree, "s", &add_object("./Inbox", ACCOUNT_OBJECT)),
        200
    );
    assert_eq!(tree.text(&uri("./DMAcc/two/ServerID")), Some("s2"));
    assert_eq!(
        tree.acl(&uri("./DMAcc/two")).unwrap().to_string(),
        "Get=s2&Replace=s2"
    );
    assert_eq!(
        status(&mut tree, "s", &add_object("./Inbox", ACCOUNT_OBJECT)),
        418,
        "the server has one now"
    );
    assert_eq!(
        status(&mut tree, "reader", &add_object("./Inbox", ACCOUNT_OBJECT)),
        425
    );
}

#[rstest]
#[case::not_xml("<MgmtTree", 400)]
#[case::another_object(&ACCOUNT_OBJECT.replace("dmacc", "other"), 406)]
#[case::account_without_server(&ACCOUNT_OBJECT.replace("ServerID", "Other"), 400)]
#[case::malformed_acl(&ACCOUNT_OBJECT.replace("Get=s2", "Copy=s2"), 400)]
fn an_object_that_does_not_fit_the_inbox_is_refused(#[case] object: &str, #[case] expected: u16) {
    assert_eq!(status(&mut tree(), "s", &add_object("./Inbox", object)), expected);
}

#[test]
fn an_object_is_added_below_its_target_or_not_at_all() {
    let mut tree = tree();
    assert_eq!(status(&mut tree, "s", &add_object("./I", ACCOUNT_OBJECT)), 200);
    assert_eq!(
        tree.text(&uri("./I/two/AppAddr/1/Addr")),
        Some("https://s2.example/dm")
    );
    assert_eq!(status(&mut tree, "s", &add_object("./I", ACCOUNT_OBJECT)), 418);
    let node =
        &ACCOUNT_OBJECT[ACCOUNT_OBJECT.find("<Node>").unwrap()..ACCOUNT_OBJECT.rfind("</Mgmt").unwrap()];
    let one_too_many = ACCOUNT_OBJECT.replace(node, &format!("{}{node}", node.replace("two", "other")));
    assert_eq!(status(&mut tree, "s", &add_object("./I", &one_too_many)), 418);
    assert_eq!(tree.get(&uri("./I/other")), None);
}

#[rstest]
#[case::itself(get("./Inbox"))]
#[case::below(get("./Inbox/none"))]
#[case::struct_list(get("./Inbox?list=Struct"))]
#[case::tnds_list(get("./Inbox?list=TNDS"))]
#[case::a_leaf(add("./Inbox/x", "1"))]
#[case::a_leaf_as_itself(add("./Inbox", "1"))]
#[case::an_interior_node(add_node("./Inbox/x"))]
#[case::a_copy(copy("./I/L", "./Inbox/x"))]
#[case::removal(delete("./Inbox"))]
#[case::value(replace("./Inbox", "x"))]
fn of_the_inbox_nothing_can_be_read_and_nothing_stays_in_it(#[case] command: Command) {
    let mut tree = tree();
    crate::inbox::write_to(&mut tree, Acl::empty()).unwrap();
    assert_eq!(status(&mut tree, "s", &command), 405);
}

#[test]
fn the_inbox_has_an_acl_of_its_own() {
    let mut tree = Tree::new();
    crate::inbox::write_to(&mut tree, Acl::parse("Add=t&Replace=t").unwrap()).unwrap();
    let add = add_object("./Inbox", ACCOUNT_OBJECT);
    assert_eq!(
        status(&mut tree, "s", &add),
        425,
        "what it may elsewhere does not count"
    );
    assert_eq!(status(&mut tree, "t", &replace("./Inbox?prop=ACL", "Add=s")), 200);
    assert_eq!(status(&mut tree, "s", &get("./Inbox?prop=ACL")), 425);
    assert_eq!(status(&mut tree, "s", &add), 200);
    assert_eq!(
        tree.get(&uri("./Inbox")).unwrap().type_name,
        crate::inbox::OBJECT_ID
    );
}

#[test]
fn who_adds_an_object_through_the_inbox_owns_it_unless_it_says_otherwise() {
    let mut tree = tree();
    tree.set_acl(&NodeUri::root(), Acl::parse("Add=*&Get=*").unwrap())
        .unwrap();
    let without = ACCOUNT_OBJECT.replace("<ACL>Get=s2&amp;Replace=s2</ACL>", "");
    assert_eq!(status(&mut tree, "s", &add_object("./Inbox", &without)), 200);
    assert_eq!(
        tree.acl(&uri("./DMAcc/two")).unwrap().to_string(),
        "Add=s&Delete=s&Replace=s"
    );
}

#[test]
fn an_object_of_another_kind_goes_where_the_device_keeps_its_kind() {
    let settings = Settings {
        objects: vec![("urn:x:boot".to_owned(), uri("./Vendor/Boot"))],
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    let object = r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName/>
        <RTProperties><Format><node/></Format><Type><DDFName>urn:x:boot</DDFName></Type></RTProperties>
        <Node><NodeName>URL</NodeName><Value>https://x/</Value></Node></Node></MgmtTree>"#;
    for expected in ["./Vendor/Boot/1/URL", "./Vendor/Boot/2/URL"] {
        assert_eq!(status(&mut tree, "s", &add_object("./Inbox", object)), 200);
        assert_eq!(tree.text(&uri(expected)), Some("https://x/"));
    }
    let other = object.replace("urn:x:boot", "urn:x:other");
    assert_eq!(status(&mut tree, "s", &add_object("./Inbox", &other)), 406);
}

/// An account and a connection that it refers to, written one beside the other.
const TWO_OBJECTS: &str = r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>
  <Node><NodeName>acc</NodeName><RTProperties><Format><node/></Format>
    <Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties></Node>
  <Node><NodeName>1</NodeName><Path>acc/AppAddr</Path>
    <Node><NodeName>Addr</NodeName><Value>https://s2.example/</Value></Node></Node>
  <Node><NodeName>AppAddr</NodeName><Path>acc</Path><RTProperties><Format><node/></Format><Type><DDFName/></Type></RTProperties></Node>
  <Node><NodeName>ServerID</NodeName><Path>./acc</Path><Value>s2</Value></Node>
  <Node><NodeName>PrefConRef</NodeName><Path>acc</Path><Value>./Inbox/nap/a</Value></Node>
  <Node><NodeName>Name</NodeName><Path>acc</Path><Value>./Inbox/napkin</Value></Node>
  <Node><NodeName>nap</NodeName><RTProperties><Format><node/></Format><Type><DDFName>urn:x:nap</DDFName></Type></RTProperties>
    <Node><NodeName>a</NodeName><Value>1</Value></Node></Node>
</MgmtTree>"#;

fn device_with_connections() -> Tree {
    let settings = Settings {
        objects: vec![("urn:x:nap".to_owned(), uri("./NAP"))],
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    tree.insert_leaf(&uri("./NAP/nap/a"), Format::Chr, "text/plain", "taken")
        .unwrap();
    tree
}

#[test]
fn nodes_with_paths_are_one_object_and_references_follow_to_their_places() {
    let mut tree = device_with_connections();
    assert_eq!(status(&mut tree, "s", &add_object("./Inbox", TWO_OBJECTS)), 200);
    let account = crate::account::Account::read(&tree, &uri("./DMAcc/acc")).unwrap();
    assert_eq!(account.address, "https://s2.example/");
    assert_eq!(tree.text(&uri("./DMAcc/acc/PrefConRef")), Some("./NAP/nap-2/a"));
    assert_eq!(
        tree.text(&uri("./DMAcc/acc/Name")),
        Some("./Inbox/napkin"),
        "it names nothing of the object"
    );
}

#[rstest]
#[case::unknown_kind("urn:x:nap", "urn:x:unknown", 406)]
#[case::account_of_a_server_that_has_one("s2</Value>", "s1</Value>", 418)]
#[case::account_without_address("<NodeName>Addr</NodeName>", "<NodeName>Adr</NodeName>", 400)]
#[case::duplicate_node("<NodeName>PrefConRef", "<NodeName>ServerID", 400)]
#[case::leaf_as_parent("<Path>./acc</Path>", "<Path>nap/a</Path>", 400)]
fn an_object_is_added_through_the_inbox_whole_or_not_at_all(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: u16,
) {
    let mut tree = device_with_connections();
    tree.insert_leaf(&uri("./DMAcc/one/ServerID"), Format::Chr, "text/plain", "s1")
        .unwrap();
    let object = TWO_OBJECTS.replace(from, to);
    assert_eq!(status(&mut tree, "s", &add_object("./Inbox", &object)), expected);
}

#[test]
fn an_object_in_wbxml_comes_as_octets_or_as_base64() {
    let object = ManagementTree::from_xml(ACCOUNT_OBJECT.as_bytes())
        .unwrap()
        .to_wbxml();
    for (format, data) in [
        ("bin", Data::Bytes(object.clone())),
        ("b64", Data::Text(crate::auth::to_base64(&object))),
    ] {
        let meta = Meta {
            format: Some(format.into()),
            media_type: Some("application/vnd.syncml.dmtnds+wbxml".into()),
            ..Meta::default()
        };
        let item = Item {
            meta,
            data: Some(data),
            ..item("./Inbox", None)
        };
        let mut tree = tree();
        assert_eq!(status(&mut tree, "s", &Command::Add(operation(item))), 200);
        assert_eq!(tree.text(&uri("./DMAcc/two/ServerID")), Some("s2"));
    }
}

#[test]
fn a_device_without_objects_says_so() {
    let settings = Settings {
        takes_objects: false,
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    for target in ["./Inbox", "./x"] {
        assert_eq!(
            status(&mut tree, "s", &add_object(target, ACCOUNT_OBJECT)),
            415,
            "{target}"
        );
    }
    assert_eq!(status(&mut tree, "s", &get(".?list=TNDS")), 406);
    assert_eq!(status(&mut tree, "s", &get(".?list=Struct")), 200);
}

#[test]
fn secrets_cannot_be_read_wherever_the_accounts_are() {
    let settings = Settings {
        account_root: uri("./SyncML/DMAcc"),
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    let object = ACCOUNT_OBJECT.replace(
        "<Node><NodeName>AppAddr",
        "<Node><NodeName>AppAuth</NodeName><Node><NodeName>1</NodeName>
           <Node><NodeName>AAuthSecret</NodeName><Value>pass-phrase</Value></Node></Node></Node><Node><NodeName>AppAddr",
    ).replace("<ACL>Get=s2&amp;Replace=s2</ACL>", "<ACL>Get=*</ACL>");
    assert_eq!(status(&mut tree, "s", &add_object("./Inbox", &object)), 200);
    assert_eq!(status(&mut tree, "s", &get("./SyncML/DMAcc/two/ServerID")), 200);
    assert_eq!(
        status(&mut tree, "s", &get("./SyncML/DMAcc/two/AppAuth/1/AAuthSecret")),
        405
    );
    let listed = tree.execute("s", &get(".?list=TNDS"));
    assert_eq!(statuses(&listed), [200]);
    assert!(!format!("{listed:?}").contains("pass-phrase"));
}

#[test]
fn a_value_that_is_no_text_of_xml_comes_back_as_it_is() {
    let mut device = Tree::new();
    for octets in [&[0xff, 0x00][..], b"a\x01b", b"plain"] {
        let place = uri("./B");
        device
            .insert_leaf(&place, Format::Chr, "text/plain", octets)
            .expect("there is room");
        let object = ManagementTree::from_tree(&device, &place, |_, _| true);
        let again = ManagementTree::from_xml(&object.to_xml()).expect("it is an object");
        assert_eq!(again.nodes[0].value.as_deref(), Some(octets));
        let outcomes = device.execute("s", &Command::get("./B"));
        let found = &outcomes[0].results[0];
        let is_text = octets == b"plain";
        assert_eq!(found.meta.format.as_deref() == Some("b64"), !is_text, "{found:?}");
    }
}
