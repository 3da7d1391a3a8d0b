//! What holds of a tree whatever servers do to it.

use proptest::prelude::*;

use super::command_tests::{
    add, add_node, atomic, copy, delete, exec, get, item, operation, replace, sequence, tree, uri,
};
use super::*;
use crate::syncml::{Command, Data, Item, Meta};

/// An account for a server, and a second node that may or may not fit.
fn object(server_id: &str, second: &str) -> String {
    format!(
        r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>acc</NodeName>
        <RTProperties><ACL>Get={server_id}&amp;Delete={server_id}</ACL><Format><node/></Format>
        <Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties>
        <Node><NodeName>ServerID</NodeName><Value>{server_id}</Value></Node>
        <Node><NodeName>AppAddr</NodeName><Node><NodeName>1</NodeName>
        <Node><NodeName>Addr</NodeName><Value>https://x/</Value></Node></Node></Node></Node>{second}</MgmtTree>"#
    )
}

fn add_object(target: &str, object: String) -> Command {
    let meta = Meta {
        format: Some("xml".into()),
        media_type: Some("application/vnd.syncml.dmtnds+xml".into()),
        ..Meta::default()
    };
    Command::Add(operation(Item {
        meta,
        data: Some(Data::Text(object)),
        ..item(target, None)
    }))
}

fn commands() -> impl Strategy<Value = Command> {
    let places = proptest::sample::select(vec![
        ".",
        "./I",
        "./I/L",
        "./I/a",
        "./I/a/b",
        "./P",
        "./R/L",
        "./new",
        "./Inbox",
        "./DMAcc",
        "./DMAcc/x",
        "./DMAcc/x/ServerID",
        "./DMAcc/acc",
        "./none//",
    ]);
    let queries = proptest::sample::select(vec![
        "",
        "",
        "",
        "?prop=ACL",
        "?prop=Name",
        "?list=TNDS",
        "?prop=Title",
    ]);
    let target = (places, queries).prop_map(|(place, query)| format!("{place}{query}"));
    let texts = proptest::sample::select(vec![
        "",
        "Get=*",
        "Replace=s+t&Add=t",
        "Delete=s&Replace=t",
        "t",
        "u",
    ]);
    let seconds = proptest::sample::select(vec!["", "<Node><NodeName>a</NodeName></Node>"]);
    let one = prop_oneof![
        2 => target.clone().prop_map(|target| add(&target, "t")),
        2 => target.clone().prop_map(|target| add_node(&target)),
        3 => (target.clone(), texts).prop_map(|(target, text)| replace(&target, text)),
        2 => target.clone().prop_map(|target| delete(&target)),
        1 => target.clone().prop_map(|target| get(&target)),
        1 => target.clone().prop_map(|target| exec(&target)),
        1 => (target.clone(), target.clone()).prop_map(|(source, target)| copy(&source, &target)),
        1 => (target, "[stu]", seconds).prop_map(|(target, id, second)| add_object(&target, object(&id, second))),
    ];
    one.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(atomic),
            proptest::collection::vec(inner, 0..4).prop_map(sequence),
        ]
    })
}

fn sessions() -> impl Strategy<Value = Vec<(Command, String)>> {
    proptest::collection::vec((commands(), "[stu]"), 0..20)
}

proptest! {
    #[test]
    fn no_command_leaves_an_orphan_or_a_root_without_acl(all in sessions()) {
        let mut tree = tree();
        for (command, server_id) in &all {
            tree.execute(server_id, command);
            prop_assert!(tree.is_sound(), "after {command:?}: {tree:#?}");
        }
    }

    #[test]
    fn a_command_of_which_nothing_succeeds_changes_nothing(all in sessions()) {
        let mut tree = tree();
        for (command, server_id) in &all {
            let before = tree.clone();
            let outcomes = tree.execute(server_id, command);
            prop_assert!(!outcomes.is_empty(), "every command has a status");
            if outcomes.iter().all(|outcome| !outcome.status.is_success()) {
                prop_assert_eq!(&tree, &before, "after {:?}", command);
            }
        }
    }

    #[test]
    fn an_atomic_is_done_whole_or_not_at_all(
        all in sessions(), members in proptest::collection::vec(commands(), 0..5), server_id in "[stu]",
    ) {
        let mut tree = tree();
        for (command, server_id) in &all {
            tree.execute(server_id, command);
        }
        let before = tree.clone();
        let outcomes = tree.execute(&server_id, &atomic(members));
        match outcomes[0].status.0 {
            200 => prop_assert!(outcomes.iter().all(|outcome| outcome.status.is_success())),
            507 => {
                prop_assert_eq!(tree, before);
                prop_assert!(outcomes.iter().all(|outcome| !outcome.status.is_success()));
            }
            other => prop_assert!(false, "an Atomic ends with {}", other),
        }
    }

    #[test]
    fn a_server_that_has_lost_its_account_is_in_no_acl(all in sessions()) {
        let mut tree = tree();
        for (command, server_id) in &all {
            let before = tree.server_ids();
            tree.execute(server_id, command);
            let after = tree.server_ids();
            // Within one command others may grant rights again to who has no account any more.
            let is_single = !matches!(command, Command::Atomic(_) | Command::Sequence(_));
            for gone in before.difference(&after).filter(|_| is_single) {
                prop_assert!(
                    tree.nodes().all(|(_, node)| !node.acl.names(gone)),
                    "{gone} after {command:?}: {tree:#?}"
                );
            }
        }
    }

    #[test]
    fn what_a_server_may_not_touch_it_does_not_change(all in proptest::collection::vec(commands(), 0..20)) {
        let mut tree = tree();
        let before = tree.clone();
        for command in &all {
            tree.execute("stranger", command);
        }
        prop_assert_eq!(tree, before);
    }

    #[test]
    fn no_single_command_changes_a_node_it_has_no_right_to(all in sessions()) {
        let mut tree = tree();
        for (command, server_id) in &all {
            if matches!(command, Command::Atomic(_) | Command::Sequence(_)) {
                continue;
            }
            let before = tree.clone();
            tree.execute(server_id, command);
            let has_lost = before.server_ids() != tree.server_ids();
            for (at, node) in before.nodes() {
                let is_same = tree.get(at) == Some(node);
                let above = std::iter::successors(Some(at.clone()), NodeUri::parent);
                let mut rights = above.map(|above| {
                    [Right::Replace, Right::Delete].iter().any(|right| before.permits(server_id, *right, &above))
                });
                prop_assert!(is_same || has_lost || rights.any(|has| has), "{at} after {command:?} by {server_id}");
            }
        }
    }

    #[test]
    fn access_is_what_the_nearest_acl_says(all in sessions(), server_id in "[stu]") {
        let mut tree = tree();
        for (command, server_id) in &all {
            tree.execute(server_id, command);
        }
        for (at, node) in tree.nodes() {
            let nearest = match node.acl.is_empty() {
                true => tree.effective_acl(&at.parent().unwrap()),
                false => &node.acl,
            };
            for right in Right::ALL {
                prop_assert_eq!(tree.permits(&server_id, right, at), nearest.grants(&server_id, right));
            }
            let refused = tree.clone().execute(&server_id, &get(&format!("{at}?prop=Name")))[0].status.0 == 425;
            prop_assert_eq!(refused, !tree.permits(&server_id, Right::Get, at));
        }
    }

    #[test]
    fn deleting_above_an_account_takes_its_server_out_of_every_acl(depth in 0_usize..3, other in "[ab]") {
        let settings = Settings { account_root: uri("./V/DMAcc"), ..Settings::default() };
        let mut tree = Tree::with_settings(settings);
        for (name, id) in [("one", "gone"), ("two", "gone-too")] {
            let place = uri(&format!("./V/DMAcc/{name}/ServerID"));
            tree.insert_leaf(&place, Format::Chr, "text/plain", id).unwrap();
        }
        tree.insert_interior(&uri(&format!("./{other}")), "").unwrap();
        tree.set_acl(&uri(&format!("./{other}")), Acl::parse("Get=gone+stays&Replace=gone").unwrap()).unwrap();
        tree.set_acl(&NodeUri::root(), Acl::parse("Delete=s&Get=gone").unwrap()).unwrap();
        let above = ["./V/DMAcc/one", "./V/DMAcc", "./V"][depth];
        prop_assert_eq!(tree.execute("s", &delete(above))[0].status.0, 200);
        prop_assert!(tree.nodes().all(|(_, node)| !node.acl.names("gone")));
        prop_assert_eq!(tree.acl(&uri(&format!("./{other}"))).unwrap().to_string(), "Get=stays");
        prop_assert_eq!(tree.acl(&NodeUri::root()).unwrap().to_string(), "Delete=s&Get=*");
    }
}
