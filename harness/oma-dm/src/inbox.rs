//! The Inbox: where servers add objects for which the device finds the place (OMA-TS-DM_StdObj 5.3.4).
//!
//! What the Inbox does with commands is in the tree: objects go where [`Settings::object_parent`] says, nothing else can be added,
//! and nothing can be read.
//!
//! [`Settings::object_parent`]: crate::tree::Settings::object_parent

use crate::acl::{Acl, Right};
use crate::tree::{AccessTypes, Tree, TreeError};

/// Management object identifier of the Inbox.
pub const OBJECT_ID: &str = "urn:oma:mo:oma-dm-inbox:1.0";

/// Puts the Inbox where the tree's settings have it, permanent; an `acl` of its own says who may add objects, the empty one leaves
/// it to the nodes above.
///
/// # Errors
/// When it does not fit the tree; the tree is then as before.
pub fn write_to(tree: &mut Tree, acl: Acl) -> Result<(), TreeError> {
    let mut changed = tree.clone();
    let place = changed.settings().inbox.clone();
    changed.insert_interior(&place, OBJECT_ID)?;
    changed.set_permanent(&place, true)?;
    changed.set_access(&place, AccessTypes::only(&[Right::Add]))?;
    changed.set_acl(&place, acl)?;
    *tree = changed;
    Ok(())
}
