//! Listings of a sub-tree: `?list=Struct`, `?list=StructData` and `?list=TNDS` (OMA-TS-DM_TND 6.3).

use super::{Node, Tree, value};
use crate::acl::Right;
use crate::syncml::{Item, StatusCode};
use crate::tnds::ManagementTree;
use crate::uri::{Address, NodeUri};

/// Lists what a server may read of a sub-tree. Selected properties (`TNDS+ACL`) are not supported (406).
pub(super) fn list(
    tree: &Tree,
    server_id: &str,
    target: &Address,
    kind: &str,
) -> Result<Vec<Item>, StatusCode> {
    let is_readable = |uri: &NodeUri, node: &Node| {
        tree.permits(server_id, Right::Get, uri) && (node.is_interior() || node.access.contains(Right::Get))
    };
    let each = |item: fn(&Address, &Node) -> Item| {
        let readable = tree
            .subtree(&target.node)
            .filter(|(uri, node)| is_readable(uri, node));
        readable
            .map(|(uri, node)| item(&Address::from(uri.clone()), node))
            .collect()
    };
    match kind {
        "Struct" => Ok(each(value::structure_item)),
        "StructData" => Ok(each(|at, node| match node.is_interior() {
            true => value::structure_item(at, node),
            false => value::node_item(at, node),
        })),
        "TNDS" if tree.settings().takes_objects => {
            let object = ManagementTree::from_tree(tree, &target.node, is_readable);
            Ok(vec![value::object_item(target, &object)])
        }
        _ => Err(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED),
    }
}
