//! Accounts in and out of trees and objects.

use rstest::rstest;

use super::*;
use crate::tree::Format;

fn uri(text: &str) -> NodeUri {
    NodeUri::parse(text).unwrap()
}

fn account() -> Account {
    Account {
        name: Some("DMS-2".into()),
        port: Some(8443),
        preferred_authentication: Some(AuthenticationType::Digest),
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
    }
}

fn with(at: &str, value: &str) -> Tree {
    let mut tree = Tree::new();
    account().write_to(&mut tree, &uri("./DMAcc/x")).unwrap();
    tree.insert_leaf(&uri(at), Format::Chr, "text/plain", value)
        .unwrap();
    tree
}

#[test]
fn an_account_is_written_as_the_nodes_of_its_object() {
    let mut tree = Tree::new();
    account().write_to(&mut tree, &uri("./DMAcc/x")).unwrap();
    let nodes: Vec<_> = tree
        .subtree(&uri("./DMAcc/x"))
        .map(|(at, node)| {
            format!(
                "{at} {} {}",
                node.format(),
                node.value().unwrap_or(b"-").escape_ascii()
            )
        })
        .collect();
    insta::assert_snapshot!(nodes.join("\n"), @r"
    ./DMAcc/x node -
    ./DMAcc/x/AAuthPref chr DIGEST
    ./DMAcc/x/AppAddr node -
    ./DMAcc/x/AppAddr/1 node -
    ./DMAcc/x/AppAddr/1/Addr chr https://dms2.example/dm
    ./DMAcc/x/AppAddr/1/AddrType chr URI
    ./DMAcc/x/AppAddr/1/Port node -
    ./DMAcc/x/AppAddr/1/Port/1 node -
    ./DMAcc/x/AppAddr/1/Port/1/PortNbr chr 8443
    ./DMAcc/x/AppAuth node -
    ./DMAcc/x/AppAuth/CLCRED node -
    ./DMAcc/x/AppAuth/CLCRED/AAuthData bin nonce-A
    ./DMAcc/x/AppAuth/CLCRED/AAuthLevel chr CLCRED
    ./DMAcc/x/AppAuth/CLCRED/AAuthName chr dev-0001
    ./DMAcc/x/AppAuth/CLCRED/AAuthSecret chr s3cret-dev
    ./DMAcc/x/AppAuth/CLCRED/AAuthType chr DIGEST
    ./DMAcc/x/AppAuth/SRVCRED node -
    ./DMAcc/x/AppAuth/SRVCRED/AAuthData bin \x00\x01\xff
    ./DMAcc/x/AppAuth/SRVCRED/AAuthLevel chr SRVCRED
    ./DMAcc/x/AppAuth/SRVCRED/AAuthName chr dms2.example
    ./DMAcc/x/AppAuth/SRVCRED/AAuthSecret chr srv-pw-2
    ./DMAcc/x/AppAuth/SRVCRED/AAuthType chr DIGEST
    ./DMAcc/x/AppID chr w7
    ./DMAcc/x/Name chr DMS-2
    ./DMAcc/x/ServerID chr dms2.example
    ");
    assert_eq!(tree.get(&uri("./DMAcc/x")).unwrap().type_name, OBJECT_ID);
}

#[test]
fn what_was_written_reads_back_the_same() {
    let mut tree = Tree::new();
    let bare = Account::new("bare", "https://bare.example/");
    account().write_to(&mut tree, &uri("./DMAcc/x")).unwrap();
    bare.write_to(&mut tree, &uri("./DMAcc/y")).unwrap();
    assert_eq!(
        Account::read_all(&tree),
        [(uri("./DMAcc/x"), account()), (uri("./DMAcc/y"), bare)]
    );
    assert_eq!(
        Account::find(&tree, "dms2.example"),
        Some((uri("./DMAcc/x"), account()))
    );
    assert_eq!(Account::find(&tree, "nobody"), None);
}

#[test]
fn an_account_of_another_making_is_changed_in_place() {
    let mut tree = Tree::new();
    let leaf = |tree: &mut Tree, at: &str, value: &str| {
        tree.insert_leaf(&uri(&format!("./DMAcc/7/{at}")), Format::Chr, "text/plain", value)
            .unwrap();
    };
    for (at, value) in [
        ("ServerID", "s"),
        ("AppAddr/a/Addr", "https://s.example/"),
        ("AppAuth/b/AAuthLevel", "SRVCRED"),
        ("AppAuth/b/AAuthType", "DIGEST"),
        ("AppAuth/b/AAuthData", "bm9uY2UtQg=="),
        ("Ext/vendor", "kept"),
    ] {
        leaf(&mut tree, at, value);
    }
    tree.set_acl(&uri("./DMAcc/7"), Acl::parse("Get=s").unwrap())
        .unwrap();
    let mut account = Account::read(&tree, &uri("./DMAcc/7")).unwrap();
    let credentials = account.server_credentials.as_mut().unwrap();
    assert_eq!(credentials.nonce, b"nonce-B", "a nonce that is text is base64");
    credentials.nonce = b"next".to_vec();
    account.write_to(&mut tree, &uri("./DMAcc/7")).unwrap();
    assert_eq!(
        tree.get(&uri("./DMAcc/7/AppAuth/b/AAuthData")).unwrap().value(),
        Some(b"next".as_slice())
    );
    assert_eq!(tree.children(&uri("./DMAcc/7/AppAuth")).count(), 1);
    assert_eq!(tree.text(&uri("./DMAcc/7/Ext/vendor")), Some("kept"));
    assert_eq!(tree.acl(&uri("./DMAcc/7")).unwrap().to_string(), "Get=s");
    assert_eq!(Account::read(&tree, &uri("./DMAcc/7")).unwrap(), account);
}

#[rstest]
#[case::other_application(
    "./DMAcc/x/AppID",
    "w4",
    "account `./DMAcc/x` is not one of device management (AppID `w7`)"
)]
#[case::authentication(
    "./DMAcc/x/AppAuth/CLCRED/AAuthType",
    "MAGIC",
    "`MAGIC` is no value for `AAuthType` of an account"
)]
#[case::preference(
    "./DMAcc/x/AAuthPref",
    "MAGIC",
    "`MAGIC` is no value for `AAuthPref` of an account"
)]
#[case::port(
    "./DMAcc/x/AppAddr/1/Port/1/PortNbr",
    "70000",
    "`70000` is no value for `PortNbr` of an account"
)]
#[case::address_type(
    "./DMAcc/x/AppAddr/1/AddrType",
    "IPX",
    "`IPX` is no value for `AddrType` of an account"
)]
#[case::address("./DMAcc/x/AppAddr/1/Addr", " ", "` ` is no value for `Addr` of an account")]
#[case::server_id("./DMAcc/x/ServerID", "*", "`*` is no value for `ServerID` of an account")]
#[case::no_server_id("./DMAcc/x/ServerID", "", "empty server identifier in an ACL")]
fn an_account_that_no_session_can_be_held_with_is_refused(
    #[case] at: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    let tree = with(at, value);
    assert_eq!(
        Account::read(&tree, &uri("./DMAcc/x")).unwrap_err().to_string(),
        expected
    );
    assert_eq!(Account::read_all(&tree), []);
}

#[rstest]
#[case("./DMAcc/x/ServerID", "account `./DMAcc/x` without `ServerID`")]
#[case("./DMAcc/x/AppAddr", "account `./DMAcc/x` without `AppAddr/<X>/Addr`")]
#[case(
    "./DMAcc/x/AppAuth/CLCRED/AAuthType",
    "account `./DMAcc/x/AppAuth/CLCRED` without `AAuthType`"
)]
fn what_is_missing_is_named(#[case] at: &str, #[case] expected: &str) {
    let mut tree = with("./DMAcc/x/AppID", "w7");
    tree.remove(&uri(at)).unwrap();
    assert_eq!(
        Account::read(&tree, &uri("./DMAcc/x")).unwrap_err().to_string(),
        expected
    );
}

#[test]
fn an_empty_preference_is_none() {
    let tree = with("./DMAcc/x/AAuthPref", "");
    assert_eq!(
        Account::read(&tree, &uri("./DMAcc/x"))
            .unwrap()
            .preferred_authentication,
        None
    );
}

#[test]
fn a_refused_account_leaves_the_tree_as_it_was() {
    let mut tree = with("./DMAcc/y", "a leaf in the way");
    let before = tree.clone();
    assert!(account().write_to(&mut tree, &uri("./DMAcc/y")).is_err());
    assert!(
        Account::new("*", "https://s.example/")
            .write_to(&mut tree, &uri("./DMAcc/z"))
            .is_err()
    );
    assert_eq!(tree, before);
}

#[test]
fn an_account_goes_through_an_object_with_its_secrets_and_its_acl() {
    let object = account()
        .to_object("dms2", Some(account().bootstrap_acl().unwrap()))
        .unwrap();
    let read = ManagementTree::from_wbxml(&object.to_wbxml()).unwrap();
    assert_eq!(
        read.nodes[0].acl.as_ref().unwrap().to_string(),
        "Delete=dms2.example&Get=dms2.example&Replace=dms2.example"
    );
    assert_eq!(Account::from_object(&read.nodes[0]).unwrap(), account());
}

#[test]
fn secrets_are_not_printed() {
    let printed = format!("{:?}", account());
    assert!(
        !printed.contains("s3cret-dev") && !printed.contains("srv-pw-2"),
        "{printed}"
    );
}

/// An account with everything that its object can hold.
pub(crate) fn full_account() -> AccountObject {
    let credentials = |name: &str, authentication_type| Credentials {
        authentication_type,
        ..Credentials::digest(name, Secret::new(format!("secret-of-{name}")), [0, 1, 255])
    };
    let authentication = |level, name: &str, kind| Authentication {
        level,
        credentials: credentials(name, kind),
    };
    let address = |address: &str, address_type, ports: &[u16]| ServerAddress {
        address: address.to_owned(),
        address_type,
        ports: ports.to_vec(),
    };
    AccountObject {
        server_id: "dms2.example".into(),
        name: Some("DMS-2".into()),
        preferred_connection: Some("./NAP/1".into()),
        connections: vec!["./NAP/2".into(), "./Proxy/1".into()],
        addresses: vec![
            address("https://dms2.example/dm", AddressType::Uri, &[]),
            address("192.0.2.7", AddressType::Ipv4, &[443, 8443]),
        ],
        preferred_authentication: Some(AuthenticationType::Hmac),
        authentications: vec![
            authentication(Level::Client, "dev-0001", AuthenticationType::Digest),
            authentication(Level::Server, "dms2.example", AuthenticationType::Hmac),
            authentication(Level::Http, "web", AuthenticationType::HttpBasic),
            authentication(Level::Obex, "obex", AuthenticationType::Digest),
        ],
        extension: Some(TreeNode {
            name: "Ext".into(),
            format: Some(Format::Node),
            type_name: Some(String::new()),
            children: vec![TreeNode {
                name: "Vendor".into(),
                format: Some(Format::Int),
                type_name: Some("text/plain".into()),
                value: Some(b"7".to_vec()),
                ..TreeNode::default()
            }],
            ..TreeNode::default()
        }),
    }
}

#[test]
fn an_account_with_everything_goes_through_both_encodings_and_a_tree() {
    let node = full_account().to_node("dms2", None).unwrap();
    let object = ManagementTree {
        nodes: vec![node],
        ..ManagementTree::default()
    };
    for read in [
        ManagementTree::from_wbxml(&object.to_wbxml()),
        ManagementTree::from_xml(&object.to_xml()),
    ] {
        assert_eq!(
            AccountObject::from_node(&read.unwrap().nodes[0]),
            Ok(full_account())
        );
    }
    let mut tree = Tree::new();
    object.add_to(&mut tree, &uri("./DMAcc")).unwrap();
    assert_eq!(
        AccountObject::read(&tree, &uri("./DMAcc/dms2")),
        Ok(full_account())
    );
}

#[test]
fn of_an_account_with_everything_the_first_of_each_is_for_sessions() {
    let account = Account::from_object(&full_account().to_node("dms2", None).unwrap()).unwrap();
    assert_eq!(account.address, "https://dms2.example/dm");
    assert_eq!(account.port, None);
    assert_eq!(account.client_credentials.unwrap().name, "dev-0001");
    assert_eq!(
        account.server_credentials.unwrap().authentication_type,
        AuthenticationType::Hmac
    );
}

#[test]
fn an_account_for_sessions_makes_the_same_nodes_as_an_object() {
    let node = AccountObject::from(&account()).to_node("x", None).unwrap();
    assert_eq!(Account::from_object(&node), Ok(account()));
}

#[rstest]
#[case::no_address(AccountObject { addresses: Vec::new(), ..full_account() }, "`` is no value for `Addr` of an account")]
#[case::server_id(AccountObject { server_id: "*".into(), ..full_account() }, "`*` is no value for `ServerID` of an account")]
fn an_object_that_no_session_can_be_held_with_is_not_written(
    #[case] object: AccountObject,
    #[case] expected: &str,
) {
    assert_eq!(object.to_node("x", None).unwrap_err().to_string(), expected);
}

#[rstest]
#[case::level(
    "./DMAcc/x/AppAuth/CLCRED/AAuthLevel",
    "X",
    "`X` is no value for `AAuthLevel` of an account"
)]
#[case::second_port(
    "./DMAcc/x/AppAddr/1/Port/2/PortNbr",
    "x",
    "`x` is no value for `PortNbr` of an account"
)]
#[case::second_address(
    "./DMAcc/x/AppAddr/2/AddrType",
    "URI",
    "account `./DMAcc/x/AppAddr/2` without `Addr`"
)]
#[case::connection(
    "./DMAcc/x/ToConRef/1/Other",
    "x",
    "account `./DMAcc/x/ToConRef/1` without `ConRef`"
)]
fn what_an_object_cannot_hold_is_named(#[case] at: &str, #[case] value: &str, #[case] expected: &str) {
    let error = AccountObject::read(&with(at, value), &uri("./DMAcc/x")).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn nothing_but_the_nonces_that_differ_is_written_with_the_nonces() {
    let mut tree = with("./DMAcc/x/Name", "changed");
    tree.remove(&uri("./DMAcc/x/AppAddr/1/Port")).unwrap();
    let mut expected = tree.clone();
    let (client, server) = ("./DMAcc/x/AppAuth/CLCRED", "./DMAcc/x/AppAuth/SRVCRED");
    let acl = Acl::parse("Get=dms2.example").unwrap();
    tree.set_acl(&uri(&format!("{client}/AAuthData")), acl.clone())
        .unwrap();
    expected.clone_from(&tree);

    let mut moved_on = account();
    moved_on.client_credentials.as_mut().unwrap().nonce = b"nonce-C".to_vec();
    moved_on.client_credentials.as_mut().unwrap().secret = Secret::new("another");
    moved_on.write_nonces_to(&mut tree, &uri("./DMAcc/x")).unwrap();

    let nonce = |tree: &Tree, at: &str| tree.get(&uri(&format!("{at}/AAuthData"))).cloned().unwrap();
    assert_eq!(nonce(&tree, client).value(), Some(b"nonce-C".as_slice()));
    assert_eq!(nonce(&tree, client).acl, acl);
    assert_eq!(nonce(&tree, server), nonce(&expected, server));
    for place in [client, server].map(|at| uri(&format!("{at}/AAuthData"))) {
        tree.remove(&place).unwrap();
        expected.remove(&place).unwrap();
    }
    assert_eq!(tree, expected);
}

#[test]
fn nonces_of_credentials_that_are_gone_or_of_no_account_are_not_written() {
    let place = uri("./DMAcc/x");
    let mut tree = Tree::new();
    assert!(account().write_nonces_to(&mut tree, &place).is_err());
    let without = Account {
        client_credentials: None,
        ..account()
    };
    without.write_to(&mut tree, &place).unwrap();
    let before = tree.clone();
    account().write_nonces_to(&mut tree, &place).unwrap();
    assert_eq!(tree, before);
}

#[rstest]
#[case("https://dms2.example/dm", Some(8443), "https://dms2.example:8443/dm")]
#[case("https://dms2.example", Some(8443), "https://dms2.example:8443")]
#[case("https://dms2.example:443/dm", Some(8443), "https://dms2.example:443/dm")]
#[case("https://[::1]/dm", Some(8443), "https://[::1]:8443/dm")]
#[case("https://[::1]:1/dm", Some(8443), "https://[::1]:1/dm")]
#[case("https://dms2.example/dm", None, "https://dms2.example/dm")]
#[case("https://dms2.example/dm", Some(443), "https://dms2.example/dm")]
#[case("192.0.2.1", Some(8443), "192.0.2.1")]
fn a_port_beside_the_address_counts_where_the_address_has_none(
    #[case] address: &str,
    #[case] port: Option<u16>,
    #[case] url: &str,
) {
    let account = Account {
        port,
        ..Account::new("dms2.example", address)
    };
    assert_eq!(account.url(), url);
}

#[test]
fn of_several_credentials_those_are_taken_that_are_to_be_tried_first() {
    let root = uri("./DMAcc/x");
    let mut tree = Tree::new();
    account().write_to(&mut tree, &root).unwrap();
    let read = |tree: &Tree| Account::read(tree, &root).unwrap().client_credentials;
    let digest = read(&tree);
    // Before the others by its name.
    for (leaf, value) in [
        ("AAuthLevel", "CLCRED"),
        ("AAuthType", "BASIC"),
        ("AAuthName", "dev-0001"),
        ("AAuthSecret", "in the clear"),
    ] {
        let at = uri(&format!("./DMAcc/x/AppAuth/0/{leaf}"));
        tree.insert_leaf(&at, Format::Chr, "text/plain", value).unwrap();
    }
    assert_eq!(read(&tree), digest);
    let preferred = uri("./DMAcc/x/AAuthPref");
    tree.insert_leaf(&preferred, Format::Chr, "text/plain", "BASIC")
        .unwrap();
    let basic = read(&tree).expect("they are there");
    assert_eq!(basic.authentication_type, AuthenticationType::Basic);
}
