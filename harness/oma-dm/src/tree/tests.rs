//! The device's own side of the tree: what holds of every tree, and the access control of OMA-TS-DM_TND 7.7.1.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn uri(text: &str) -> NodeUri {
    NodeUri::parse(text).unwrap()
}

fn acl(text: &str) -> Acl {
    Acl::parse(text).unwrap()
}

fn leaf(tree: &mut Tree, at: &str, value: &str) {
    tree.insert_leaf(&uri(at), Format::Chr, "text/plain", value)
        .unwrap();
}

/// The tree of the worked example (OMA-TS-DM_TND 7.7.1.6).
pub(super) fn worked_example() -> Tree {
    let mut tree = Tree::new();
    leaf(&mut tree, "./NodeA/Node1", "one");
    leaf(&mut tree, "./NodeB/Node3/Node4", "four");
    for (at, text) in [
        ("./NodeA", "Get=ServerC&Replace=ServerC"),
        ("./NodeA/Node1", "Get=*"),
        ("./NodeB/Node3", "Get=ServerB&Replace=ServerB&Delete=ServerB"),
    ] {
        tree.set_acl(&uri(at), acl(text)).unwrap();
    }
    tree
}

#[test]
fn the_worked_example_of_the_specification_holds() {
    let tree = worked_example();
    let node_1 = uri("./NodeA/Node1");
    assert!(tree.permits("anybody", Right::Get, &node_1));
    for right in [Right::Delete, Right::Replace] {
        assert!(
            !tree.permits("ServerC", right, &node_1),
            "nobody may {right} it directly"
        );
    }
    assert!(tree.permits_acl_change("ServerC", &node_1));
    assert!(!tree.permits_acl_change("ServerB", &node_1));
    assert_eq!(tree.acl(&node_1).unwrap().to_string(), "Get=*");
    let node_4 = uri("./NodeB/Node3/Node4");
    assert!(tree.acl(&node_4).unwrap().is_empty());
    assert_eq!(
        tree.effective_acl(&node_4),
        tree.acl(&uri("./NodeB/Node3")).unwrap()
    );
}

#[rstest]
#[case::interior_by_its_own_replace("Get=x&Replace=s", "Get=x", "./P/I", true)]
#[case::interior_by_its_parents_replace("Get=x", "Replace=s", "./P/I", true)]
#[case::interior_by_what_it_inherits("", "Replace=s", "./P/I", true)]
#[case::interior_without_either("Get=s&Delete=s&Add=s", "Get=s&Delete=s&Add=s", "./P/I", false)]
#[case::leaf_by_its_parents_replace("Get=x", "Replace=s", "./P/L", true)]
#[case::leaf_by_its_own_replace_only("Replace=s", "Get=x", "./P/L", false)]
#[case::leaf_by_what_it_and_its_parent_inherit("", "", "./P/L", false)]
#[case::interior_by_all("Replace=*", "Get=x", "./P/I", true)]
fn who_may_change_an_acl_depends_on_the_kind_of_the_node(
    #[case] own: &str,
    #[case] parents: &str,
    #[case] at: &str,
    #[case] permitted: bool,
) {
    let mut tree = Tree::new();
    leaf(&mut tree, "./P/L", "");
    tree.insert_interior(&uri("./P/I"), "").unwrap();
    tree.set_acl(&uri("./P"), acl(parents)).unwrap();
    tree.set_acl(&uri(at), acl(own)).unwrap();
    assert_eq!(tree.permits_acl_change("s", &uri(at)), permitted);
}

#[test]
fn the_acl_of_the_root_is_changed_with_replace_on_the_root_alone() {
    let mut tree = Tree::new();
    assert!(!tree.permits_acl_change("s", &NodeUri::root()));
    tree.set_acl(&NodeUri::root(), acl("Replace=s")).unwrap();
    assert!(tree.permits_acl_change("s", &NodeUri::root()));
}

#[test]
fn the_nearest_acl_counts_whole_and_is_never_merged() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./A/B/C", "");
    tree.set_acl(&uri("./A"), acl("Get=s&Replace=s")).unwrap();
    tree.set_acl(&uri("./A/B"), acl("Delete=s")).unwrap();
    assert!(tree.permits("s", Right::Delete, &uri("./A/B/C")));
    assert!(
        !tree.permits("s", Right::Get, &uri("./A/B/C")),
        "not even a command that it does not name"
    );
}

#[test]
fn the_root_cannot_lose_its_acl_nor_go() {
    let mut tree = Tree::new();
    assert_eq!(
        tree.set_acl(&NodeUri::root(), Acl::empty()),
        Err(TreeError::EmptyRootAcl)
    );
    assert_eq!(tree.remove(&NodeUri::root()), Err(TreeError::IsRoot));
    assert_eq!(tree, Tree::new());
}

#[rstest]
#[case("Add=*&Get=*&Replace=s", "", "Add=*&Get=*&Replace=*")]
#[case("Add=*&Get=*&Replace=s+t", "", "Add=*&Get=*&Replace=t")]
#[case("Replace=s", "Replace=s+factory", "Replace=factory")]
#[case("Replace=s", "Replace=s", "Replace=*")]
#[case("Get=s", "Replace=factory", "Get=*")]
fn a_command_of_the_root_that_a_removed_server_alone_held_goes_back(
    #[case] before: &str,
    #[case] factory: &str,
    #[case] after: &str,
) {
    let mut tree = Tree::with_settings(Settings {
        root_acl: acl(factory),
        ..Settings::default()
    });
    tree.set_acl(&NodeUri::root(), acl(before)).unwrap();
    assert_eq!(tree.remove_server("s"), [NodeUri::root()]);
    assert_eq!(tree.acl(&NodeUri::root()), Some(&acl(after)));
}

#[test]
fn a_server_whose_account_goes_is_taken_out_of_every_acl() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./DMAcc/one/ServerID", "s1");
    leaf(&mut tree, "./DMAcc/two/ServerID", "s2");
    leaf(&mut tree, "./A/B", "");
    tree.set_acl(&uri("./A"), acl("Get=s1+s2&Replace=s1")).unwrap();
    tree.set_acl(&uri("./A/B"), acl("Get=s1")).unwrap();
    tree.set_acl(&uri("./DMAcc/two"), acl("Get=s2")).unwrap();

    tree.remove(&uri("./DMAcc/one")).unwrap();

    assert_eq!(tree.acl(&uri("./A")), Some(&acl("Get=s2")));
    assert_eq!(tree.acl(&uri("./A/B")), Some(&Acl::empty()), "it inherits now");
    assert_eq!(tree.text(&uri("./DMAcc/two/ServerID")), Some("s2"));
    assert_eq!(tree.acl(&uri("./DMAcc/two")), Some(&acl("Get=s2")));
}

#[test]
fn a_server_with_another_account_keeps_its_rights() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./DMAcc/one/ServerID", "s");
    leaf(&mut tree, "./DMAcc/two/ServerID", "s");
    leaf(&mut tree, "./A", "");
    tree.set_acl(&uri("./A"), acl("Get=s")).unwrap();
    tree.remove(&uri("./DMAcc/one")).unwrap();
    assert_eq!(tree.acl(&uri("./A")), Some(&acl("Get=s")));
    tree.remove(&uri("./DMAcc")).unwrap();
    assert_eq!(tree.acl(&uri("./A")), Some(&Acl::empty()));
}

#[test]
fn a_server_id_that_is_overwritten_is_gone_too() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./DMAcc/one/ServerID", "old");
    leaf(&mut tree, "./A", "");
    tree.set_acl(&uri("./A"), acl("Get=old")).unwrap();
    leaf(&mut tree, "./DMAcc/one/ServerID", "new");
    assert_eq!(tree.acl(&uri("./A")), Some(&Acl::empty()));
}

#[test]
fn what_is_inserted_can_be_found_and_walked() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./A/B/C", "c");
    leaf(&mut tree, "./A/D", "d");
    leaf(&mut tree, "./AB", "ab");
    let all: Vec<_> = tree.nodes().map(|(at, _)| at.to_string()).collect();
    assert_eq!(all, [".", "./A", "./A/B", "./A/B/C", "./A/D", "./AB"]);
    let at = uri("./A");
    assert_eq!(
        tree.children(&at)
            .filter_map(|(at, _)| at.name())
            .collect::<Vec<_>>(),
        ["B", "D"]
    );
    assert_eq!(tree.subtree(&at).count(), 4);
    assert_eq!(tree.text(&uri("./A/D")), Some("d"));
    assert_eq!(tree.text(&at), None);
}

#[test]
fn a_leaf_has_no_children_and_an_interior_node_no_value() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./A", "a");
    let below = tree.insert_leaf(&uri("./A/B"), Format::Chr, "text/plain", "");
    assert_eq!(below, Err(TreeError::IsLeaf { uri: uri("./A") }));
    let deep_below = tree.insert_interior(&uri("./A/B/C/D"), "");
    assert_eq!(deep_below, Err(TreeError::IsLeaf { uri: uri("./A") }));
    assert_eq!(
        tree.insert_interior(&uri("./A"), ""),
        Err(TreeError::IsLeaf { uri: uri("./A") })
    );
    let root = tree.insert_leaf(&NodeUri::root(), Format::Chr, "text/plain", "");
    assert_eq!(root, Err(TreeError::IsInterior { uri: NodeUri::root() }));
}

#[test]
fn number_and_size_are_bounded() {
    let mut tree = Tree::with_settings(Settings {
        max_nodes: 4,
        max_value: 3,
        ..Settings::default()
    });
    let full = tree.insert_interior(&uri("./A/B/C/D"), "");
    assert_eq!(full, Err(TreeError::Full { nodes: 4 }));
    assert_eq!(tree.nodes().count(), 1, "nothing of it was made");
    let large = tree.insert_leaf(&uri("./A"), Format::Chr, "text/plain", "1234");
    assert_eq!(
        large,
        Err(TreeError::ValueTooLarge {
            uri: uri("./A"),
            octets: 4,
            limit: 3
        })
    );
    leaf(&mut tree, "./A/B/C", "123");
}

#[test]
fn all_values_together_are_bounded_and_what_is_gone_makes_room() {
    let mut tree = Tree::with_settings(Settings {
        max_octets: 5,
        ..Settings::default()
    });
    leaf(&mut tree, "./A", "123");
    let put =
        |tree: &mut Tree, at: &str, value: &str| tree.insert_leaf(&uri(at), Format::Chr, "text/plain", value);
    let full = Err(TreeError::FullOfValues { octets: 5 });
    assert_eq!(put(&mut tree, "./B", "123"), full);
    assert_eq!(put(&mut tree, "./A", "123456"), full);
    assert_eq!(put(&mut tree, "./A", "1"), Ok(()));
    assert_eq!(put(&mut tree, "./B/C", "1234"), Ok(()));
    assert!(tree.is_sound());
    tree.remove(&uri("./B")).expect("it is there");
    assert!(tree.is_sound());
    assert_eq!(put(&mut tree, "./D", "1234"), Ok(()));
}

#[test]
fn credentials_of_accounts_cannot_be_read() {
    let mut tree = Tree::new();
    leaf(&mut tree, "./DMAcc/x/AppAuth/1/AAuthSecret", "secret");
    leaf(&mut tree, "./DMAcc/x/AppAuth/1/AAuthName", "name");
    let readable = |at: &str| tree.get(&uri(at)).unwrap().access.contains(Right::Get);
    assert!(!readable("./DMAcc/x/AppAuth/1/AAuthSecret"));
    assert!(readable("./DMAcc/x/AppAuth/1/AAuthName"));
    assert!(!format!("{tree:?}").contains("secret\""));
}

#[test]
fn a_tree_that_shares_its_nodes_is_what_it_was_and_changes_alone() {
    let named = |device: &str| {
        let mut tree = worked_example();
        leaf(&mut tree, "./DevInfo/DevId", device);
        tree
    };
    let (first, second) = (named("first"), named("second"));
    let mut sharing = second.clone().sharing(&first);
    assert_eq!(sharing, second);
    let is_shared = |(at, node): &(&NodeUri, &Arc<Node>)| Arc::ptr_eq(node, &first.nodes[*at]);
    let own: Vec<_> = sharing.nodes.iter().filter(|node| !is_shared(node)).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].0, &uri("./DevInfo/DevId"));
    let alike = named("first").sharing(&first);
    assert!(Arc::ptr_eq(&alike.nodes, &first.nodes));
    let few = Tree::with_settings(Settings {
        max_nodes: 7,
        ..Settings::default()
    });
    assert_eq!(few.clone().sharing(&first), few);
    assert_eq!(first.clone().sharing(&few), first);

    leaf(&mut sharing, "./NodeA/Node1", "another");
    assert_eq!(sharing.text(&uri("./NodeA/Node1")), Some("another"));
    assert_eq!(first, named("first"));
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut tree = worked_example();
    let before = tree.clone();
    assert!(
        Arc::ptr_eq(&tree.nodes, &before.nodes),
        "it costs nothing until something changes"
    );
    tree.remove(&uri("./NodeA")).unwrap();
    assert!(before.get(&uri("./NodeA/Node1")).is_some());
    assert_ne!(tree, before);
}

#[test]
fn a_free_name_is_found_beside_those_taken() {
    let mut tree = Tree::new();
    let parent = uri("./DMAcc");
    assert_eq!(tree.free_child(&parent, "a").unwrap(), uri("./DMAcc/a"));
    leaf(&mut tree, "./DMAcc/a/ServerID", "s");
    leaf(&mut tree, "./DMAcc/a-2/ServerID", "s");
    assert_eq!(tree.free_child(&parent, "a").unwrap(), uri("./DMAcc/a-3"));
}

/// Something done to a tree from within.
#[derive(Clone, Debug)]
enum Change {
    Interior(String),
    Leaf(String, String),
    Remove(String),
    Acl(String, String),
    RemoveServer(String),
    Rename(String, String),
}

fn places() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::collection::vec("[ab]", 0..4).prop_map(|names| match names.as_slice() {
            [] => ".".to_owned(),
            _ => names.join("/"),
        }),
        1 => "DMAcc/[ab]/ServerID",
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let acls = prop_oneof![
        Just(String::new()),
        "(Get|Add|Replace)=[st]",
        Just("Delete=*&Get=s+t".to_owned())
    ];
    prop_oneof![
        places().prop_map(Change::Interior),
        (places(), "[st]").prop_map(|(at, value)| Change::Leaf(at, value)),
        places().prop_map(Change::Remove),
        (places(), acls).prop_map(|(at, acl)| Change::Acl(at, acl)),
        "[st]".prop_map(Change::RemoveServer),
        (places(), "[abc]").prop_map(|(at, name)| Change::Rename(at, name)),
    ]
}

fn apply(tree: &mut Tree, change: &Change) {
    // Most changes do not fit the tree they meet; that they are refused is part of what is tested.
    let _done_or_refused = match change {
        Change::Interior(at) => tree.insert_interior(&uri(at), ""),
        Change::Leaf(at, value) => tree.insert_leaf(&uri(at), Format::Chr, "text/plain", value.as_str()),
        Change::Remove(at) => tree.remove(&uri(at)),
        Change::Acl(at, text) => tree.set_acl(&uri(at), acl(text)),
        Change::RemoveServer(server_id) => {
            tree.remove_server(server_id);
            Ok(())
        }
        Change::Rename(at, name) => match uri(at).parent() {
            Some(parent) => tree.rename(&uri(at), &parent.join(name).unwrap()),
            None => Ok(()),
        },
    };
}

proptest! {
    #[test]
    fn no_change_leaves_an_orphan_or_a_root_without_acl(all in proptest::collection::vec(changes(), 0..30)) {
        let mut tree = Tree::new();
        for change in &all {
            apply(&mut tree, change);
            prop_assert!(tree.is_sound(), "after {change:?}: {tree:#?}");
        }
    }

    #[test]
    fn a_removed_server_is_in_no_acl(all in proptest::collection::vec(changes(), 0..30)) {
        let mut tree = Tree::new();
        all.iter().for_each(|change| apply(&mut tree, change));
        tree.remove_server("s");
        prop_assert!(tree.nodes().all(|(_, node)| !node.acl.names("s")));
    }

    #[test]
    fn removing_a_node_touches_nothing_else_but_acls(all in proptest::collection::vec(changes(), 0..30), at in places()) {
        let mut tree = Tree::new();
        all.iter().for_each(|change| apply(&mut tree, change));
        let before = tree.clone();
        if tree.remove(&uri(&at)).is_ok() {
            let kept: Vec<_> = before.nodes().map(|(at, _)| at).filter(|kept| !kept.starts_with(&uri(&at))).collect();
            prop_assert_eq!(tree.nodes().map(|(at, _)| at).collect::<Vec<_>>(), kept);
        } else {
            prop_assert_eq!(tree, before);
        }
    }
}
