//! Adding a TNDS object: below its target, or through the Inbox (OMA-TS-DM_TNDS 6, OMA-TS-DM_StdObj 5.3.4).

use super::execute::{Execution, of_tree, of_uri};
use crate::account::{self, Account};
use crate::acl::Right;
use crate::syncml::StatusCode;
use crate::tnds::{ManagementTree, TndsError, TreeNode};
use crate::uri::NodeUri;

/// Adds an object, whole or not at all.
pub(super) fn add(
    execution: &mut Execution<'_>,
    target: &NodeUri,
    object: &ManagementTree,
) -> Result<(), StatusCode> {
    let before = execution.tree.clone();
    let added = match *target == execution.tree.settings().inbox {
        true => object
            .nodes
            .iter()
            .try_for_each(|node| add_to_inbox(execution, node)),
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
    let sets_acl = node.acl.as_ref().is_some_and(|acl| !acl.is_empty());
    match owned {
        Some(acl) if node.is_interior() && !sets_acl => execution
            .tree
            .set_acl(&place, acl)
            .map_err(|error| of_tree(&error)),
        _ => Ok(()),
    }
}

/// The device finds the place by the identifier of the object; of those that may come, it knows accounts.
fn add_to_inbox(execution: &mut Execution<'_>, node: &TreeNode) -> Result<(), StatusCode> {
    let inbox = execution.tree.settings().inbox.clone();
    if !execution.tree.permits(execution.server_id, Right::Add, &inbox) {
        return Err(StatusCode::PERMISSION_DENIED);
    }
    if node.type_name.as_deref() != Some(account::OBJECT_ID) {
        return Err(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED);
    }
    let account = Account::from_object(node).map_err(|_| StatusCode::BAD_REQUEST)?;
    if execution.tree.server_ids().contains(&account.server_id) {
        return Err(StatusCode::ALREADY_EXISTS);
    }
    let place = account::free_place(execution.tree, node).map_err(|error| of_uri(&error))?;
    node.add_as(execution.tree, &place)
        .map_err(|error| of_object(&error))
}

fn of_object(error: &TndsError) -> StatusCode {
    match error {
        TndsError::Tree(error) => of_tree(error),
        TndsError::Uri(error) => of_uri(error),
        _ => StatusCode::BAD_REQUEST,
    }
}
