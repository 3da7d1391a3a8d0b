//! What the tree of the mock client shows, as a transcript has it.

use dmconform_model::Event;
use dmconform_model::transcript::{AccountState, Body, DeviceState, NodeState};
use oma_dm::account::Account;
use oma_dm::tree::Tree;

use crate::context::CaseContext;

/// Records the accounts and ACLs of the tree.
pub fn record_state(context: &CaseContext, tree: &Tree, after: &str) {
    record_tree(context, tree, after, Vec::new());
}

/// Records the mock client's whole tree, with what is in it.
pub fn record_whole_state(context: &CaseContext, tree: &Tree, after: &str) {
    let nodes = tree.nodes().map(|(uri, node)| NodeState {
        uri: uri.to_string(),
        format: node.format().name().to_owned(),
        acl: node.acl.to_string(),
        value: node.value().map(|value| Body::new(value.to_vec())),
    });
    record_tree(context, tree, after, nodes.collect());
}

fn record_tree(context: &CaseContext, tree: &Tree, after: &str, nodes: Vec<NodeState>) {
    let accounts = Account::read_all(tree)
        .into_iter()
        .map(|(node, account)| AccountState {
            node: node.to_string(),
            server_id: account.server_id,
        })
        .collect();
    let acls = tree
        .nodes()
        .filter(|(_, node)| !node.acl.is_empty())
        .map(|(uri, node)| (uri.to_string(), node.acl.to_string()))
        .collect();
    context.recorder.record(Event::DeviceState(DeviceState {
        after: after.to_owned(),
        accounts,
        acls,
        nodes,
    }));
}
