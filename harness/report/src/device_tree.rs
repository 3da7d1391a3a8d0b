//! The device's management tree as a list that can be compared line by line.

use std::fmt::Write as _;

use dmconform_model::transcript::{DeviceState, NodeState};

use crate::wording::clean;

/// Nodes whose values are credentials (OMA-TS-DM_StdObj, DMAcc/AppAuth).
const SECRET: [&str; 2] = ["AAuthSecret", "AAuthData"];

/// One line for each node, in the order of the tree: its URI, its format, its value, its own ACL. Credentials are left out.
pub fn write(state: &DeviceState) -> String {
    let mut text = format!("# {}\n", clean(&state.after));
    for node in &state.nodes {
        let _ = write!(text, "{}  {}", clean(&node.uri), node.format);
        if let Some(value) = value(node) {
            let _ = write!(text, "  {value}");
        }
        if !node.acl.is_empty() {
            let _ = write!(text, "  [{}]", clean(&node.acl));
        }
        text.push('\n');
    }
    text
}

fn value(node: &NodeState) -> Option<String> {
    let value = node.value.as_ref()?;
    let name = node.uri.rsplit('/').next().unwrap_or_default();
    if SECRET.contains(&name) {
        return Some("(left out: a credential)".to_owned());
    }
    Some(match std::str::from_utf8(&value.bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("({} octets)", value.bytes.len()),
    })
}
