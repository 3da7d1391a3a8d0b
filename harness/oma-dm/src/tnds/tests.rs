//! Objects through XML, WBXML and trees, and what is refused.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::acl::Right;

const OBJECT: &str = r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Man>Example Maker</Man>
  <Node><NodeName>dms2</NodeName>
    <RTProperties><ACL>Get=dms2.example&amp;Replace=dms2.example</ACL><Format><node/></Format>
      <Title>DMS-2</Title><Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties>
    <Node><NodeName>AppID</NodeName>
      <RTProperties><Format><chr/></Format><Type><MIME>text/plain</MIME></Type></RTProperties><Value>w7</Value></Node>
    <Node><NodeName>nonce</NodeName>
      <RTProperties><Format><b64/></Format><Type><MIME>application/octet-stream</MIME></Type></RTProperties>
      <Value>AAH/</Value></Node>
    <Node><NodeName>empty</NodeName><RTProperties><Format><node/></Format><Type><DDFName/></Type></RTProperties></Node>
  </Node></MgmtTree>"#;

fn uri(text: &str) -> NodeUri {
    NodeUri::parse(text).unwrap()
}

#[test]
fn an_object_in_xml_is_read() {
    let object = ManagementTree::from_xml(OBJECT.as_bytes()).unwrap();
    assert_eq!(object.manufacturer.as_deref(), Some("Example Maker"));
    let [account] = object.nodes.as_slice() else {
        panic!("one node expected")
    };
    assert_eq!(account.name, "dms2");
    assert_eq!(account.title.as_deref(), Some("DMS-2"));
    assert_eq!(account.type_name.as_deref(), Some("urn:oma:mo:oma-dm-dmacc:1.0"));
    assert!(
        account
            .acl
            .as_ref()
            .unwrap()
            .grants("dms2.example", Right::Replace)
    );
    assert_eq!(
        account.child("AppID").unwrap().value.as_deref(),
        Some(b"w7".as_slice())
    );
    let nonce = account.child("nonce").unwrap();
    assert_eq!(
        (nonce.format, nonce.value.as_deref()),
        (Some(Format::Bin), Some([0, 1, 255].as_slice()))
    );
    assert!(account.child("empty").unwrap().is_interior());
}

#[test]
fn an_object_is_added_to_a_tree_and_taken_out_again() {
    let object = ManagementTree::from_xml(OBJECT.as_bytes()).unwrap();
    let mut tree = Tree::new();
    assert_eq!(
        object.add_to(&mut tree, &uri("./DMAcc")).unwrap(),
        [uri("./DMAcc/dms2")]
    );
    assert_eq!(tree.text(&uri("./DMAcc/dms2/AppID")), Some("w7"));
    assert_eq!(
        tree.acl(&uri("./DMAcc/dms2")).unwrap().to_string(),
        "Get=dms2.example&Replace=dms2.example"
    );
    assert_eq!(
        tree.get(&uri("./DMAcc/dms2/nonce")).unwrap().format(),
        Format::Bin
    );
    let taken = ManagementTree::from_tree(&tree, &uri("./DMAcc/dms2"), |_, _| true);
    assert_eq!(taken.nodes[0].path, Some(uri("./DMAcc")));
    let mut again = Tree::new();
    taken.add_to(&mut again, &NodeUri::root()).unwrap();
    assert_eq!(again, tree);
}

#[test]
fn what_is_not_shown_hides_what_is_below_it() {
    let object = ManagementTree::from_xml(OBJECT.as_bytes()).unwrap();
    let mut tree = Tree::new();
    object.add_to(&mut tree, &NodeUri::root()).unwrap();
    let shown = |at: &str| ManagementTree::from_tree(&tree, &NodeUri::root(), |uri, _| uri.to_string() != at);
    assert_eq!(shown("./dms2").nodes[0].children, []);
    assert!(
        shown("./dms2/AppID").nodes[0].children[0]
            .child("nonce")
            .is_some()
    );
    assert_eq!(shown(".").nodes, []);
}

#[test]
fn an_object_that_does_not_fit_leaves_the_tree_as_it_was() {
    let object = ManagementTree::from_xml(OBJECT.as_bytes()).unwrap();
    let mut tree = Tree::new();
    tree.insert_leaf(&uri("./A/dms2/AppID"), Format::Chr, "text/plain", "other")
        .unwrap();
    let before = tree.clone();
    let refused = object.add_to(&mut tree, &uri("./A"));
    assert_eq!(
        refused,
        Err(TndsError::Tree(TreeError::Exists { uri: uri("./A/dms2") }))
    );
    assert_eq!(tree, before);
}

#[test]
fn a_path_is_relative_to_the_target() {
    let object = OBJECT.replace("</NodeName>\n    <RTP", "</NodeName><Path>./x/y</Path>\n    <RTP");
    let object = ManagementTree::from_xml(object.as_bytes()).unwrap();
    assert_eq!(object.places(&uri("./A")).unwrap(), [uri("./A/x/y/dms2")]);
}

#[rstest]
#[case::not_xml("<MgmtTree", "")]
#[case::another_document(
    "<Node xmlns='syncml:dmddf1.2'/>",
    "`Node` where a TNDS object begins with `MgmtTree` (octet 0)"
)]
#[case::without_node("<MgmtTree xmlns='syncml:dmddf1.2'/>", "`MgmtTree` without `Node` (octet 0)")]
#[case::without_name(&OBJECT.replace("NodeName", "Nodename"), "`Node` without `NodeName`")]
#[case::unknown_format(&OBJECT.replace("<chr/>", "<blob/>"), "unknown format `blob`")]
#[case::not_base64(&OBJECT.replace("AAH/", "?"), "value is not base64")]
#[case::value_of_an_interior_node(&OBJECT.replace("<chr/>", "<node/>"), "interior node `AppID` has a value")]
#[case::malformed_acl(&OBJECT.replace("Get=", "Copy="), "unknown command `Copy` in an ACL")]
#[case::bad_path(&OBJECT.replace("</NodeName>", "</NodeName><Path>../x</Path>"), "node name `..`")]
fn what_is_no_object_is_refused_with_the_reason(#[case] xml: &str, #[case] expected: &str) {
    let error = ManagementTree::from_xml(xml.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

fn noted(xml: &str) -> Vec<String> {
    departures(&Element::parse(xml.as_bytes()).unwrap())
        .iter()
        .map(|noted| format!("{}: {}", noted.path, noted.departure))
        .collect()
}

#[test]
fn an_object_as_it_should_be_departs_from_nothing() {
    assert_eq!(noted(OBJECT), [""; 0]);
    let object = ManagementTree::from_xml(OBJECT.as_bytes()).unwrap();
    for root in [
        Element::parse(&object.to_xml()).unwrap(),
        wbxml::decode(&object.to_wbxml()).unwrap().root,
    ] {
        assert_eq!(departures(&root), []);
    }
}

#[rstest]
#[case("<VerDTD>1.2</VerDTD>", "", "MgmtTree: `VerDTD` is missing")]
#[case(
    "<VerDTD>1.2",
    "<VerDTD>1.3",
    "MgmtTree: `VerDTD` is `1.3`, where 1.2 belongs"
)]
#[case(
    "<Man>Example Maker</Man>",
    "<Colour/>",
    "MgmtTree: `Colour` is not known here"
)]
#[case(
    "<Type><MIME>text/plain</MIME></Type>",
    "",
    "MgmtTree/Node/Node/RTProperties: `Type` is missing"
)]
#[case(
    "<Type><DDFName/></Type>",
    "<Type><DDFName/></Type><Title/>",
    "MgmtTree/Node/Node/RTProperties: `Title` should precede `Type`"
)]
#[case(
    "<Title>DMS-2</Title>",
    "<Title>a</Title><Title>b</Title>",
    "MgmtTree/Node/RTProperties: `Title` is there more than once"
)]
#[case(
    "<Format><chr/></Format>",
    "<Format>chr</Format>",
    "MgmtTree/Node/Node/RTProperties: `Format` is `chr`, where one element that names a format belongs"
)]
#[case(
    "<Format><b64/></Format>",
    "<Format><b64/></Format><Size>4</Size>",
    "MgmtTree/Node/Node: `Size` is `4`, where the size of the value belongs"
)]
#[case(
    "<Format><chr/></Format>",
    "<Format><chr/></Format><Size>9</Size>",
    "MgmtTree/Node/Node: `Size` is `9`, where the size of the value belongs"
)]
#[case(
    "<DDFName/>",
    "<DDFName xmlns='urn:x'/>",
    "MgmtTree/Node/Node/RTProperties/Type: `DDFName` is in the namespace `urn:x`"
)]
fn what_departs_but_leaves_an_object_is_noted(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
    let xml = OBJECT.replacen(from, to, 1);
    assert!(ManagementTree::from_xml(xml.as_bytes()).is_ok());
    assert_eq!(noted(&xml), [expected]);
}

#[test]
fn a_size_is_the_one_of_the_value_without_base64() {
    assert_eq!(
        noted(&OBJECT.replace("<b64/></Format>", "<b64/></Format><Size>3</Size>")),
        [""; 0]
    );
}

#[test]
fn an_object_written_flat_is_the_same_as_one_written_nested() {
    let nested = ManagementTree::from_xml(OBJECT.as_bytes()).unwrap();
    let [account] = nested.nodes.as_slice() else {
        panic!("one node expected")
    };
    let children = account.children.iter().cloned();
    let flat = children.map(|child| TreeNode {
        path: Some(uri("./dms2")),
        ..child
    });
    let alone = TreeNode {
        children: Vec::new(),
        ..account.clone()
    };
    let nodes: Vec<_> = flat.chain([alone]).collect();
    let flat = ManagementTree {
        nodes,
        ..nested.clone()
    };
    assert_eq!(flat.nested(), nested);
    assert_eq!(nested.clone().nested(), nested);
}

#[test]
fn a_node_whose_parent_is_not_in_the_object_stays_where_it_is() {
    let object = OBJECT.replace("</NodeName>\n    <RTP", "</NodeName><Path>./x</Path>\n    <RTP");
    let object = ManagementTree::from_xml(object.as_bytes()).unwrap();
    assert_eq!(object.clone().nested(), object);
}

#[test]
fn as_many_nodes_as_are_read_find_their_parents() {
    let leaf = |name: String, path: Option<&str>| TreeNode {
        name,
        path: path.map(uri),
        ..TreeNode::default()
    };
    let outermost = (0..MAX_NODES / 2).map(|number| leaf(format!("n{number}"), None));
    let inner = (0..MAX_NODES / 2).map(|number| leaf(format!("m{number}"), Some("./n0")));
    let nodes: Vec<_> = outermost.chain(inner).collect();
    let nested = ManagementTree {
        nodes,
        ..ManagementTree::default()
    }
    .nested();
    assert_eq!(nested.nodes.len(), MAX_NODES / 2);
    assert_eq!(nested.nodes[0].children.len(), MAX_NODES / 2);
}

#[test]
fn the_number_of_nodes_is_bounded() {
    let nodes = "<Node><NodeName>n</NodeName></Node>".repeat(MAX_NODES + 1);
    let object = format!("<MgmtTree xmlns='syncml:dmddf1.2'>{nodes}</MgmtTree>");
    assert!(matches!(
        ManagementTree::from_xml(object.as_bytes()),
        Err(TndsError::Nodes { .. })
    ));
}

#[test]
fn nesting_is_bounded() {
    let deep = (0..MAX_DEPTH + 1).fold(String::new(), |inner, _| {
        format!("<Node><NodeName>n</NodeName>{inner}</Node>")
    });
    let object = format!("<MgmtTree xmlns='syncml:dmddf1.2'>{deep}</MgmtTree>");
    assert!(matches!(
        ManagementTree::from_xml(object.as_bytes()),
        Err(TndsError::Depth { .. })
    ));
}

fn nodes() -> impl Strategy<Value = TreeNode> {
    let value = prop_oneof![
        "[ -~é]{0,8}".prop_map(|text| (Format::Chr, text.into_bytes())),
        proptest::collection::vec(any::<u8>(), 0..8).prop_map(|octets| (Format::Bin, octets)),
    ];
    let acl = proptest::option::of(Just(Acl::parse("Get=*&Replace=a+b").unwrap()));
    let leaf = ("[a-z]{1,4}", value, acl.clone()).prop_map(|(name, (format, value), acl)| TreeNode {
        name,
        acl,
        format: Some(format),
        type_name: Some("text/plain".into()),
        value: Some(value),
        ..TreeNode::default()
    });
    leaf.prop_recursive(4, 20, 4, move |inner| {
        (
            ".{0,3}",
            "[a-z]{1,4}",
            acl.clone(),
            proptest::collection::vec(inner, 0..4),
        )
            .prop_map(|(title, name, acl, children)| TreeNode {
                name,
                acl,
                title: Some(title.replace(char::is_control, "")).filter(|title| !title.trim().is_empty()),
                format: Some(Format::Node),
                type_name: Some("urn:x".into()),
                children,
                ..TreeNode::default()
            })
    })
}

proptest! {
    #[test]
    fn an_object_comes_back_the_same_from_both_encodings(nodes in proptest::collection::vec(nodes(), 1..3)) {
        let object = ManagementTree { model: Some("M".into()), nodes, ..ManagementTree::default() };
        prop_assert_eq!(ManagementTree::from_wbxml(&object.to_wbxml()), Ok(object.clone()));
        prop_assert_eq!(ManagementTree::from_xml(&object.to_xml()), Ok(object));
    }
}
