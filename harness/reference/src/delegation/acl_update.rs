//! The ACLs that DMS-1 writes in step 8.

use std::collections::{BTreeMap, BTreeSet};

use oma_dm::acl::{ANY_SERVER, Acl, Right};
use oma_dm::uri::NodeUri;

use crate::delegation::device_work::{Operation, Outcome, Site};
use crate::delegation::document::Document;
use crate::delegation::ledger::Desk;
use crate::deviation::Deviation;

/// The ACLs of the tree parts with the rights of DMS-2 added: what was in force stays.
pub(crate) fn new_acls(
    terms: &Document,
    outcomes: &[(Operation, Outcome)],
    desk: &Desk,
    site: &Site,
    rounds: u32,
) -> Result<Vec<(NodeUri, String)>, String> {
    let mut read = BTreeMap::new();
    let parts = tree_parts(terms);
    for (operation, outcome) in outcomes {
        let Operation::ReadAcl { node } = operation else {
            continue;
        };
        if !outcome.is_success() {
            match parts.contains(node) {
                true => {
                    return Err(format!(
                        "the client does not give the ACL of `{node}`: {}",
                        outcome.describe()
                    ));
                }
                false => continue,
            }
        }
        let text = outcome.value.clone().unwrap_or_default();
        let acl = Acl::parse(text.trim())
            .map_err(|error| format!("the ACL of `{node}` cannot be read: {error}"))?;
        read.insert(node.clone(), acl);
    }
    let in_force = |part: &NodeUri| {
        if desk.deviations.has(Deviation::AclDropsInherited) {
            return read.get(part).cloned().unwrap_or_default();
        }
        std::iter::successors(Some(part.clone()), NodeUri::parent)
            .filter_map(|node| read.get(&node))
            .find(|acl| !acl.is_empty())
            .cloned()
            .unwrap_or_default()
    };
    let mut acls = Vec::new();
    for part in parts {
        acls.push((part.clone(), extended(in_force(&part), terms, desk, rounds)?));
    }
    if desk.deviations.has(Deviation::AclOnOneNode) {
        acls.truncate(1);
    }
    if desk.deviations.has(Deviation::AclOnAnotherNode)
        && let Some((_, acl)) = acls.first()
    {
        acls.push((site.bootstrap_config.root.clone(), acl.clone()));
    }
    Ok(acls)
}

/// An ACL with the rights of DMS-2 added.
fn extended(acl: Acl, terms: &Document, desk: &Desk, rounds: u32) -> Result<String, String> {
    let has = |deviation| desk.deviations.has(deviation);
    let server = match () {
        () if has(Deviation::AclWildcard) => ANY_SERVER.to_owned(),
        () if has(Deviation::AclNamesAnotherServer) => format!("another-{}", terms.delegated),
        () => terms.delegated.clone(),
    };
    let mut acl = if has(Deviation::AclDropsOthers) {
        Acl::empty()
    } else {
        acl
    };
    let granted = match has(Deviation::WritesAclsTwice) && rounds == 0 {
        true => &[Right::Get],
        false => rights(terms),
    };
    for &right in granted {
        acl.add(right, &server)
            .map_err(|error| format!("`{server}` cannot stand in an ACL: {error}"))?;
    }
    Ok(match has(Deviation::AclMalformed) {
        true => format!("{acl}&Copy={server}"),
        false => acl.to_string(),
    })
}

/// The rights that DMS-2 gets: all of them, or those to read and change where the delegation is partial.
fn rights(terms: &Document) -> &'static [Right] {
    let delegation_type = terms.scope.as_ref().and_then(|scope| scope.delegation_type);
    match delegation_type.is_none_or(|delegation_type| delegation_type.is_full) {
        true => &Right::ALL,
        false => &[Right::Get, Right::Replace],
    }
}

fn tree_parts(terms: &Document) -> Vec<NodeUri> {
    let parts = terms.scope.iter().flat_map(|scope| &scope.tree_parts);
    parts.filter_map(|part| NodeUri::parse(part).ok()).collect()
}

pub(crate) fn nodes_with_ancestors(terms: &Document) -> Vec<NodeUri> {
    let mut nodes = tree_parts(terms);
    let ancestors: Vec<_> = nodes
        .iter()
        .flat_map(|part| std::iter::successors(part.parent(), NodeUri::parent))
        .collect();
    nodes.extend(ancestors);
    let mut seen = BTreeSet::new();
    nodes.retain(|node| seen.insert(node.clone()));
    nodes
}
