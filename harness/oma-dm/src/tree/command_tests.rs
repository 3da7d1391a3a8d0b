//! What a server may do, and what it is told: the status codes of OMA-TS-DM_RepPro 6.6 and the rules of OMA-TS-DM_TND.

use rstest::rstest;

use super::*;
use crate::syncml::{Command, Data, Group, Item, Meta, Operation};

pub(super) fn uri(text: &str) -> NodeUri {
    NodeUri::parse(text).unwrap()
}

pub(super) fn acl(text: &str) -> Acl {
    Acl::parse(text).unwrap()
}

/// `./I` an interior node with the leaf `L`, `./P` permanent, `./R` with a leaf that can only be read; `s` may do everything,
/// `reader` only read.
pub(super) fn tree() -> Tree {
    let mut tree = Tree::new();
    tree.set_acl(&NodeUri::root(), acl("Add=s&Delete=s&Exec=s&Get=*&Replace=s"))
        .unwrap();
    tree.insert_leaf(&uri("./I/L"), Format::Chr, "text/plain", "old")
        .unwrap();
    tree.insert_interior(&uri("./P"), "").unwrap();
    tree.set_permanent(&uri("./P"), true).unwrap();
    tree.insert_leaf(&uri("./R/L"), Format::Chr, "text/plain", "fixed")
        .unwrap();
    tree.insert_interior(&uri("./Inbox"), "").unwrap();
    for at in ["./R", "./R/L"] {
        tree.set_access(&uri(at), AccessTypes::only(&[Right::Get]))
            .unwrap();
    }
    tree
}

pub(super) fn item(target: &str, data: Option<&str>) -> Item {
    Item {
        target: Some(target.into()),
        data: data.map(|text| Data::Text(text.to_owned())),
        ..Item::default()
    }
}

pub(super) fn in_format(format: &str, item: Item) -> Item {
    Item {
        meta: Meta {
            format: Some(format.to_owned()),
            ..Meta::default()
        },
        ..item
    }
}

pub(super) fn operation(item: Item) -> Operation {
    Operation {
        id: "7".into(),
        items: vec![item],
        ..Operation::default()
    }
}

pub(super) fn add(target: &str, data: &str) -> Command {
    Command::Add(operation(item(target, Some(data))))
}

pub(super) fn add_node(target: &str) -> Command {
    Command::Add(operation(in_format("node", item(target, None))))
}

pub(super) fn replace(target: &str, data: &str) -> Command {
    Command::Replace(operation(item(target, Some(data))))
}

pub(super) fn get(target: &str) -> Command {
    Command::Get(operation(item(target, None)))
}

pub(super) fn delete(target: &str) -> Command {
    Command::Delete(operation(item(target, None)))
}

pub(super) fn exec(target: &str) -> Command {
    Command::Exec(operation(item(target, None)))
}

pub(super) fn copy(source: &str, target: &str) -> Command {
    Command::Copy(operation(Item {
        source: Some(source.into()),
        ..item(target, None)
    }))
}

pub(super) fn atomic(commands: Vec<Command>) -> Command {
    Command::Atomic(Group {
        id: "8".into(),
        commands,
        ..Group::default()
    })
}

pub(super) fn sequence(commands: Vec<Command>) -> Command {
    Command::Sequence(Group {
        id: "9".into(),
        commands,
        ..Group::default()
    })
}

pub(super) fn statuses(outcomes: &[Outcome]) -> Vec<u16> {
    outcomes.iter().map(|outcome| outcome.status.0).collect()
}

/// The only status of a command, and that nothing changed unless it is a success.
pub(super) fn status(tree: &mut Tree, server_id: &str, command: &Command) -> u16 {
    let before = tree.clone();
    let outcomes = tree.execute(server_id, command);
    assert_eq!(outcomes.len(), 1);
    assert!(tree.is_sound());
    assert!(
        outcomes[0].status.is_success() || *tree == before,
        "a refused command changed the tree"
    );
    outcomes[0].status.0
}

pub(super) fn text_of(outcome: &Outcome) -> (Option<&str>, Option<&str>) {
    let [result] = outcome.results.as_slice() else {
        panic!("one result expected: {outcome:?}")
    };
    let Some(Data::Text(text)) = &result.data else {
        panic!("text expected: {outcome:?}")
    };
    (result.meta.format.as_deref(), Some(text))
}

#[rstest]
#[case::leaf(add("./I/new", "x"), 200)]
#[case::interior_node(add_node("./I/new"), 200)]
#[case::with_missing_parents(add("./I/a/b/c", "x"), 200)]
#[case::there_already(add("./I/L", "x"), 418)]
#[case::root(add(".", "x"), 418)]
#[case::below_a_leaf(add("./I/L/x", "x"), 405)]
#[case::deep_below_a_leaf(add("./I/L/x/y", "x"), 405)]
#[case::where_nothing_can_be_added(add("./R/new", "x"), 405)]
#[case::property(add("./I?prop=ACL", "Get=*"), 405)]
#[case::leaf_without_data(Command::Add(operation(item("./I/new", None))), 412)]
#[case::without_target(Command::Add(operation(Item::default())), 412)]
#[case::interior_node_with_a_value(
    Command::Add(operation(in_format("node", item("./I/new", Some("x"))))),
    400
)]
#[case::null_without_data(Command::Add(operation(in_format("null", item("./I/new", None)))), 200)]
#[case::unknown_format(Command::Add(operation(in_format("blob", item("./I/new", Some("x"))))), 415)]
#[case::not_base64(Command::Add(operation(in_format("b64", item("./I/new", Some("?"))))), 400)]
#[case::no_uri(add("./I/../x", "x"), 400)]
#[case::overlong_uri(add(&"x".repeat(4000), "x"), 414)]
#[case::value_leaf(replace("./I/L", "new"), 200)]
#[case::value_of_a_missing_node(replace("./I/none", "new"), 404)]
#[case::value_of_an_interior_node(replace("./I", "new"), 405)]
#[case::value_that_is_fixed(replace("./R/L", "new"), 405)]
#[case::value_without_data(Command::Replace(operation(item("./I/L", None))), 412)]
#[case::acl(replace("./I/L?prop=ACL", "Get=*"), 200)]
#[case::acl_taken_away(replace("./I/L?prop=ACL", ""), 200)]
#[case::acl_of_a_permanent_node(replace("./P?prop=ACL", "Get=*"), 200)]
#[case::acl_of_a_node_that_can_only_be_read(replace("./R/L?prop=ACL", "Get=*"), 200)]
#[case::acl_malformed(replace("./I/L?prop=ACL", "Copy=s"), 400)]
#[case::overlong_acl(replace("./I/L?prop=ACL", &format!("Get={}", "a".repeat(crate::acl::MAX_ACL_LENGTH))), 420)]
#[case::acl_of_the_root_taken_away(replace(".?prop=ACL", ""), 405)]
#[case::acl_of_a_missing_node(replace("./I/none?prop=ACL", "Get=*"), 404)]
#[case::format(replace("./I/L?prop=Format", "int"), 405)]
#[case::node_type(replace("./I/L?prop=Type", "x/y"), 405)]
#[case::size(replace("./I/L?prop=Size", "1"), 405)]
#[case::time(replace("./I/L?prop=TStamp", "x"), 406)]
#[case::unknown_property(replace("./I/L?prop=Colour", "x"), 406)]
#[case::name(replace("./I/L?prop=Name", "M"), 200)]
#[case::name_it_has(replace("./I/L?prop=Name", "L"), 200)]
#[case::name_of_a_sibling(replace("./I?prop=Name", "P"), 418)]
#[case::name_of_a_permanent_node(replace("./P?prop=Name", "Q"), 405)]
#[case::name_of_the_root(replace(".?prop=Name", "Q"), 405)]
#[case::name_that_is_none(replace("./I?prop=Name", "a/b"), 400)]
#[case::title(replace("./I?prop=Title", "a title"), 200)]
#[case::overlong_title(replace("./I?prop=Title", &"x".repeat(256)), 413)]
#[case::delete_leaf(delete("./I/L"), 200)]
#[case::delete_subtree(delete("./I"), 200)]
#[case::delete_missing(delete("./none"), 404)]
#[case::delete_permanent(delete("./P"), 405)]
#[case::delete_root(delete("."), 405)]
#[case::delete_what_cannot_be(delete("./R/L"), 405)]
#[case::delete_property(delete("./I?prop=ACL"), 405)]
#[case::get_leaf(get("./I/L"), 200)]
#[case::get_missing(get("./none"), 404)]
#[case::get_inbox(get("./Inbox"), 405)]
#[case::get_acl_of_inbox(get("./Inbox?prop=ACL"), 200)]
#[case::get_unknown_property(get("./I?prop=Colour"), 406)]
#[case::get_time(get("./I?prop=TStamp"), 406)]
#[case::get_size_of_an_interior_node(get("./I?prop=Size"), 406)]
#[case::get_unknown_list(get("./I?list=All"), 406)]
#[case::get_something_else(get("./I?children"), 406)]
#[case::exec_what_cannot_be(exec("./I/L"), 405)]
#[case::exec_missing(exec("./none"), 404)]
#[case::copy_to_a_new_leaf(copy("./I/L", "./I/M"), 200)]
#[case::copy_over_a_leaf(copy("./R/L", "./I/L"), 200)]
#[case::copy_over_a_fixed_leaf(copy("./I/L", "./R/L"), 403)]
#[case::copy_an_interior_node(copy("./I", "./J"), 405)]
#[case::copy_over_an_interior_node(copy("./I/L", "./P"), 405)]
#[case::copy_what_is_missing(copy("./none", "./J"), 404)]
#[case::copy_without_source(Command::Copy(operation(item("./J", None))), 412)]
#[case::no_items(Command::Get(Operation { id: "7".into(), ..Operation::default() }), 412)]
fn a_server_with_all_rights_is_told(#[case] command: Command, #[case] expected: u16) {
    assert_eq!(status(&mut tree(), "s", &command), expected);
}

#[rstest]
#[case::add(add("./I/new", "x"))]
#[case::add_where_something_is(add("./I/L", "x"))]
#[case::replace(replace("./I/L", "x"))]
#[case::replace_acl(replace("./I?prop=ACL", "Get=*&Replace=reader"))]
#[case::replace_name(replace("./I?prop=Name", "x"))]
#[case::replace_title(replace("./I?prop=Title", "x"))]
#[case::delete(delete("./I/L"))]
#[case::delete_permanent(delete("./P"))]
#[case::exec(exec("./I/L"))]
#[case::copy_to_a_new_leaf(copy("./I/L", "./I/M"))]
#[case::copy_over_a_leaf(copy("./R/L", "./I/L"))]
fn a_server_that_may_only_read_is_refused(#[case] command: Command) {
    assert_eq!(status(&mut tree(), "reader", &command), 425);
}

#[test]
fn a_server_that_may_not_read_is_refused() {
    let mut tree = tree();
    tree.set_acl(&uri("./I"), acl("Get=s")).unwrap();
    for target in ["./I/L", "./I", "./I?prop=ACL", "./I?list=TNDS"] {
        assert_eq!(status(&mut tree, "other", &get(target)), 425, "{target}");
    }
    assert_eq!(status(&mut tree, "other", &copy("./I/L", "./J")), 425);
}

#[test]
fn what_was_added_is_there_with_format_and_type() {
    let mut tree = tree();
    let octets = Item {
        meta: Meta {
            format: Some("b64".into()),
            media_type: Some("application/octet-stream".into()),
            ..Meta::default()
        },
        ..item("./I/octets", Some("AAH/"))
    };
    assert_eq!(status(&mut tree, "s", &Command::Add(operation(octets))), 200);
    let node = tree.get(&uri("./I/octets")).unwrap();
    assert_eq!(
        (node.format(), node.value()),
        (Format::Bin, Some([0, 1, 255].as_slice()))
    );
    let read = tree.execute("s", &get("./I/octets"));
    assert_eq!(text_of(&read[0]), (Some("b64"), Some("AAH/")));
    assert_eq!(
        read[0].results[0].meta.media_type.as_deref(),
        Some("application/octet-stream")
    );
    assert_eq!(read[0].results[0].source.as_ref().unwrap().as_str(), "./I/octets");
}

#[test]
fn what_the_command_says_of_format_and_type_holds_for_items_that_do_not() {
    let mut tree = tree();
    let meta = Meta {
        format: Some("node".into()),
        ..Meta::default()
    };
    let items = vec![item("./I/a", None), in_format("int", item("./I/b", Some("5")))];
    let outcomes = tree.execute(
        "s",
        &Command::Add(Operation {
            id: "1".into(),
            meta,
            items,
            ..Operation::default()
        }),
    );
    assert_eq!(statuses(&outcomes), [200, 200]);
    assert_eq!(
        outcomes.iter().map(|outcome| outcome.item).collect::<Vec<_>>(),
        [Some(0), Some(1)]
    );
    assert!(tree.get(&uri("./I/a")).unwrap().is_interior());
    assert_eq!(tree.get(&uri("./I/b")).unwrap().format(), Format::Int);
}

#[test]
fn a_replaced_value_keeps_format_type_and_acl_unless_told_otherwise() {
    let mut tree = tree();
    let place = uri("./I/L");
    tree.insert_leaf(&place, Format::Int, "x/y", "1").unwrap();
    tree.set_acl(&place, acl("Replace=s")).unwrap();
    assert_eq!(status(&mut tree, "s", &replace("./I/L", "2")), 200);
    let node = tree.get(&place).unwrap();
    assert_eq!(
        (node.format(), node.type_name.as_str(), node.text()),
        (Format::Int, "x/y", Some("2"))
    );
    assert_eq!(node.acl, acl("Replace=s"));
}

#[rstest]
#[case("./I", Some("node"), "L")]
#[case("./P", Some("node"), "")]
#[case(".", Some("node"), "I/Inbox/P/R")]
#[case("./I/L", None, "old")]
#[case("./I/L?prop=ACL", None, "")]
#[case(".?prop=ACL", None, "Add=s&Delete=s&Exec=s&Get=*&Replace=s")]
#[case("./I/L?prop=Name", None, "L")]
#[case("./I/L?prop=Format", None, "chr")]
#[case("./I?prop=Format", None, "node")]
#[case("./I/L?prop=Type", None, "text/plain")]
#[case("./I/L?prop=Size", None, "3")]
#[case("./I/L?prop=Title", None, "")]
fn a_get_answers_with_the_value(#[case] target: &str, #[case] format: Option<&str>, #[case] text: &str) {
    let outcomes = tree().execute("reader", &get(target));
    assert_eq!(text_of(&outcomes[0]), (format, Some(text)));
}

#[test]
fn the_worked_example_of_the_specification_holds_for_commands() {
    let mut tree = super::tests::worked_example();
    assert_eq!(status(&mut tree, "anybody", &get("./NodeA/Node1")), 200);
    assert_eq!(status(&mut tree, "ServerC", &replace("./NodeA/Node1", "x")), 425);
    assert_eq!(status(&mut tree, "ServerC", &delete("./NodeA/Node1")), 425);
    assert_eq!(
        text_of(&tree.execute("x", &get("./NodeA/Node1?prop=ACL"))[0]).1,
        Some("Get=*")
    );
    assert_eq!(
        text_of(&tree.execute("ServerB", &get("./NodeB/Node3/Node4?prop=ACL"))[0]).1,
        Some("")
    );
    assert_eq!(
        status(
            &mut tree,
            "ServerB",
            &replace("./NodeA/Node1?prop=ACL", "Get=ServerB")
        ),
        425
    );
    assert_eq!(
        status(
            &mut tree,
            "ServerC",
            &replace("./NodeA/Node1?prop=ACL", "Replace=ServerC")
        ),
        200
    );
    assert_eq!(status(&mut tree, "ServerC", &replace("./NodeA/Node1", "x")), 200);
}

#[test]
fn a_creator_without_replace_on_the_parent_owns_the_interior_node_it_makes() {
    let mut tree = Tree::new();
    assert_eq!(status(&mut tree, "s", &add_node("./mine")), 200);
    assert_eq!(
        tree.acl(&uri("./mine")).unwrap().to_string(),
        "Add=s&Delete=s&Replace=s"
    );
    assert_eq!(status(&mut tree, "s", &add_node("./mine/inner")), 200);
    assert_eq!(
        tree.acl(&uri("./mine/inner")),
        Some(&Acl::empty()),
        "it can replace the parent of this one"
    );
    assert_eq!(status(&mut tree, "s", &add("./leaf", "x")), 200);
    assert_eq!(tree.acl(&uri("./leaf")), Some(&Acl::empty()), "a leaf inherits");
    assert_eq!(status(&mut tree, "s", &add("./implied/a/leaf", "x")), 200);
    assert_eq!(
        tree.acl(&uri("./implied")).unwrap().to_string(),
        "Add=s&Delete=s&Replace=s"
    );
    assert_eq!(tree.acl(&uri("./implied/a")), Some(&Acl::empty()));
}

#[test]
fn parents_are_made_or_missed_as_the_device_likes() {
    let settings = Settings {
        missing_parents: MissingParents::Refuse,
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    assert_eq!(status(&mut tree, "s", &add("./a/b", "x")), 404);
    assert_eq!(status(&mut tree, "s", &add_node("./a")), 200);
    assert_eq!(status(&mut tree, "s", &add("./a/b", "x")), 200);
}

#[test]
fn uris_past_the_limits_of_the_device_are_too_long() {
    let settings = Settings {
        uri_limits: crate::uri::UriLimits {
            depth: Some(2),
            total_length: Some(12),
            segment_length: Some(6),
        },
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    tree.set_acl(&NodeUri::root(), acl("Add=s&Get=s&Replace=s"))
        .unwrap();
    assert_eq!(status(&mut tree, "s", &add("./a/b", "x")), 200);
    for target in ["./a/b/c", "./abcdefg", "./abcdef/abcdef"] {
        assert_eq!(status(&mut tree, "s", &add(target, "x")), 414, "{target}");
        assert_eq!(status(&mut tree, "s", &get(target)), 414, "{target}");
    }
    assert_eq!(status(&mut tree, "s", &replace("./a?prop=Name", "abcdefg")), 414);
    assert_eq!(status(&mut tree, "s", &replace("./a?prop=Name", "abcdef")), 200);
}

#[test]
fn limits_are_answered_with_their_codes() {
    let settings = Settings {
        max_nodes: 2,
        max_value: 3,
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    assert_eq!(status(&mut tree, "s", &add("./a", "1234")), 413);
    assert_eq!(status(&mut tree, "s", &add("./a", "123")), 200);
    assert_eq!(status(&mut tree, "s", &add("./b", "")), 420);
}

#[test]
fn a_command_cannot_copy_values_until_memory_is_full() {
    let settings = Settings {
        max_octets: 5,
        ..Settings::default()
    };
    let mut tree = Tree::with_settings(settings);
    assert_eq!(status(&mut tree, "s", &add("./a", "123")), 200);
    assert_eq!(status(&mut tree, "s", &copy("./a", "./b")), 420);
}

#[test]
fn one_get_cannot_ask_for_the_same_large_node_until_memory_is_full() {
    let mut tree = Tree::new();
    let megabyte = "x".repeat(1024 * 1024);
    assert_eq!(status(&mut tree, "s", &add("./a", &megabyte)), 200);
    for address in ["./a", "./a?list=TNDS", ".?list=StructData"] {
        let Command::Get(mut many) = get(address) else {
            panic!("it is a Get")
        };
        many.items = vec![many.items[0].clone(); 1_000];
        let outcomes = tree.execute("s", &Command::Get(many));
        let codes = statuses(&outcomes);
        let taken = codes.iter().filter(|code| **code == 200).count();
        assert!((1..=8).contains(&taken), "{address}: {taken}");
        assert_eq!(codes.iter().filter(|code| **code == 413).count(), 1_000 - taken);
    }
}

#[test]
fn what_is_done_after_too_much_was_asked_for_is_said_to_be_done() {
    let mut tree = Tree::new();
    let megabyte = "x".repeat(1024 * 1024);
    assert_eq!(status(&mut tree, "s", &add("./a", &megabyte)), 200);
    let Command::Get(mut many) = get("./a") else {
        panic!("it is a Get")
    };
    many.items = vec![many.items[0].clone(); 20];
    let sequence = Command::Sequence(Group {
        commands: vec![Command::Get(many), add("./b", "x")],
        ..Group::default()
    });
    let outcomes = tree.execute("s", &sequence);
    let codes = statuses(&outcomes);
    assert!(codes.contains(&413), "{codes:?}");
    assert_eq!(codes.last(), Some(&200));
}

#[test]
fn secrets_of_accounts_cannot_be_read_in_any_way() {
    let mut tree = tree();
    let secret = "./DMAcc/x/AppAuth/1/AAuthSecret";
    assert_eq!(status(&mut tree, "s", &add(secret, "pass-phrase")), 200);
    assert_eq!(status(&mut tree, "s", &get(secret)), 405);
    assert_eq!(status(&mut tree, "s", &copy(secret, "./open")), 405);
    for list in ["Struct", "StructData", "TNDS"] {
        let outcomes = tree.execute("s", &get(&format!("./DMAcc?list={list}")));
        assert_eq!(statuses(&outcomes), [200]);
        assert!(!format!("{outcomes:?}").contains("pass-phrase"), "{list}");
    }
    assert_eq!(status(&mut tree, "s", &replace(secret, "another")), 200);
}

#[test]
fn a_server_that_deletes_its_own_account_loses_every_right() {
    let mut tree = tree();
    tree.set_acl(&NodeUri::root(), acl("Add=*&Get=*")).unwrap();
    tree.insert_leaf(&uri("./DMAcc/one/ServerID"), Format::Chr, "text/plain", "s1")
        .unwrap();
    tree.insert_leaf(&uri("./DMAcc/two/ServerID"), Format::Chr, "text/plain", "s2")
        .unwrap();
    tree.set_acl(&uri("./DMAcc/one"), acl("Delete=s1")).unwrap();
    tree.set_acl(&uri("./I"), acl("Get=s1+s2&Replace=s1")).unwrap();
    let both = sequence(vec![delete("./DMAcc/one"), replace("./I/L", "late")]);
    assert_eq!(statuses(&tree.execute("s1", &both)), [200, 200, 425]);
    assert_eq!(tree.acl(&uri("./I")).unwrap().to_string(), "Get=s2");
    assert_eq!(tree.text(&uri("./DMAcc/two/ServerID")), Some("s2"));
    assert!(tree.nodes().all(|(_, node)| !node.acl.names("s1")));
}

#[test]
fn an_atomic_is_done_whole() {
    let mut tree = tree();
    let outcomes = tree.execute("s", &atomic(vec![add("./I/a", "x"), replace("./I/L", "new")]));
    assert_eq!(statuses(&outcomes), [200, 200, 200]);
    assert_eq!(
        outcomes
            .iter()
            .map(|outcome| outcome.command_id.as_str())
            .collect::<Vec<_>>(),
        ["8", "7", "7"]
    );
    assert_eq!(tree.text(&uri("./I/L")), Some("new"));
}

#[test]
fn an_atomic_that_fails_changes_nothing() {
    let mut tree = tree();
    let before = tree.clone();
    let outcomes = tree.execute(
        "s",
        &atomic(vec![add("./I/a", "x"), delete("./none"), add("./I/b", "x")]),
    );
    assert_eq!(statuses(&outcomes), [507, 216, 404, 215]);
    assert_eq!(tree, before);
}

#[rstest]
#[case::get(atomic(vec![add("./I/a", "x"), get("./I")]), &[507, 216, 500])]
#[case::atomic(atomic(vec![atomic(vec![add("./I/a", "x")])]), &[507, 500, 215])]
#[case::get_in_a_sequence(atomic(vec![sequence(vec![get("./I")])]), &[507, 216, 500])]
#[case::sequence(atomic(vec![sequence(vec![add("./I/a", "x")])]), &[200, 200, 200])]
#[case::in_a_sequence(sequence(vec![atomic(vec![add("./I/a", "x")]), get("./I/a")]), &[200, 200, 200, 200])]
fn what_may_stand_in_an_atomic(#[case] command: Command, #[case] expected: &[u16]) {
    assert_eq!(statuses(&tree().execute("s", &command)), expected);
}

#[test]
fn a_sequence_goes_on_in_order_whatever_becomes_of_its_members() {
    let mut tree = tree();
    let members = vec![
        delete("./none"),
        add("./I/a", "1"),
        replace("./I/a", "2"),
        get("./I/a"),
    ];
    let outcomes = tree.execute("s", &sequence(members));
    assert_eq!(statuses(&outcomes), [200, 404, 200, 200, 200]);
    assert_eq!(text_of(&outcomes[4]).1, Some("2"));
}

#[test]
fn nesting_is_bounded() {
    let deep = (0..1_000).fold(add("./I/a", "x"), |inner, _| sequence(vec![inner]));
    let outcomes = tree().execute("s", &deep);
    assert_eq!(outcomes.len(), 1_001, "every command has its status");
    assert_eq!(outcomes.last().unwrap().status.0, 500);
}

#[test]
fn a_subtree_is_listed_in_three_ways() {
    let mut tree = tree();
    tree.set_acl(&uri("./R"), acl("Get=other")).unwrap();
    let listed = |kind: &str, tree: &mut Tree| {
        tree.execute("s", &get(&format!(".?list={kind}")))
            .remove(0)
            .results
    };
    let places: Vec<_> = listed("Struct", &mut tree)
        .iter()
        .map(|item| item.source.clone().unwrap())
        .collect();
    assert_eq!(
        places.iter().map(|place| place.as_str()).collect::<Vec<_>>(),
        [".", "./I", "./I/L", "./Inbox", "./P"]
    );
    assert_eq!(
        listed("StructData", &mut tree)[2].data,
        Some(Data::Text("old".into()))
    );
    let [object] = listed("TNDS", &mut tree).try_into().unwrap();
    let Some(Data::Text(xml)) = object.data else {
        panic!("an object is text")
    };
    assert!(
        xml.contains("<Value>old</Value>") && !xml.contains("fixed"),
        "{xml}"
    );
}
