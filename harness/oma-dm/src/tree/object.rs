//! Adding a TNDS object: below its target, or through the Inbox (OMA-TS-DM_TNDS 6, OMA-TS-DM_StdObj 5.3.4).

use super::execute::{Execution, of_tree, of_uri};
use crate::account::{self, Account};
use crate::acl::{Acl, Right};
use crate::syncml::StatusCode;
use crate::tnds::{ManagementTree, TndsError, TreeNode};
use crate::uri::NodeUri;

/// Adds an object, whole or not at all.
pub(super) fn add(
    execution: &mut Execution<'_>,
    target: &NodeUri,
    object: ManagementTree,
) -> Result<(), StatusCode> {
    let before = execution.tree.clone();
    let added = match target.starts_with(&execution.tree.settings().inbox) {
        true => add_through_inbox(execution, &object.nested().nodes),
        false => object
            .nodes
            .iter()
            .try_for_each(|node| add_below(execution, target, node)),
    };
    if added.is_err() {
        *execution.tree = before;
    }
    added
}

fn add_below(execution: &mut Execution<'_>, target: &NodeUri, node: &TreeNode) -> Result<(), StatusCode> {
    let place = node.place(target).map_err(|error| of_object(&error))?;
    let parent = execution.place_for(&place)?;
    let owned = execution.acl_of_creator(&parent);
    node.add_as(execution.tree, &place)
        .map_err(|error| of_object(&error))?;
    give_acl(execution, node, &place, owned)
}

/// The device finds the place of each node by the identifier of the object that it is. References between them, which are written
/// as if they were in the Inbox, follow (OMA-TS-DM_Bootstrap 5.4.5).
fn add_through_inbox(execution: &mut Execution<'_>, nodes: &[TreeNode]) -> Result<(), StatusCode> {
    let inbox = execution.tree.settings().inbox.clone();
    execution.need(Right::Add, &inbox)?;
    let mut moves = Vec::new();
    for node in nodes {
        let place = add_object(execution, node)?;
        // Without a name there is nothing to refer to.
        if let Ok(in_inbox) = node.place(&inbox) {
            moves.push((in_inbox, place));
        }
    }
    moves
        .iter()
        .try_for_each(|(_, place)| execution.tree.redirect(place, &moves))
        .map_err(|error| of_tree(&error))
}

fn add_object(execution: &mut Execution<'_>, node: &TreeNode) -> Result<NodeUri, StatusCode> {
    let identifier = node.type_name.as_deref().unwrap_or_default();
    let parent = execution
        .tree
        .settings()
        .object_parent(identifier)
        .ok_or(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED)?
        .clone();
    if account::is_object_id(identifier) {
        let account = Account::from_object(node).map_err(|_| StatusCode::BAD_REQUEST)?;
        if execution.tree.server_ids().contains(&account.server_id) {
            return Err(StatusCode::ALREADY_EXISTS);
        }
    }
    let place = execution
        .tree
        .place_for_object(&parent, &node.name)
        .map_err(|error| of_uri(&error))?;
    let owned = execution.acl_of_creator(&parent);
    node.add_as(execution.tree, &place)
        .map_err(|error| of_object(&error))?;
    give_acl(execution, node, &place, owned)?;
    Ok(place)
}

/// Whoever makes an interior node below one that it cannot replace has rights to it, unless the object gives it others.
fn give_acl(
    execution: &mut Execution<'_>,
    node: &TreeNode,
    place: &NodeUri,
    owned: Option<Acl>,
) -> Result<(), StatusCode> {
    let sets_acl = node.acl.as_ref().is_some_and(|acl| !acl.is_empty());
    match owned {
        Some(acl) if node.is_interior() && !sets_acl => execution
            .tree
            .set_acl(place, acl)
            .map_err(|error| of_tree(&error)),
        _ => Ok(()),
    }
}

fn of_object(error: &TndsError) -> StatusCode {
    match error {
        TndsError::Tree(error) => of_tree(error),
        TndsError::Uri(error) => of_uri(error),
        _ => StatusCode::BAD_REQUEST,
    }
}
