//! Cases on products whose devices have other nodes than those that the cases name.

use std::collections::BTreeMap;

use crate::test_case::{FieldChange, How, Look, TestCase, What};

impl TestCase {
    /// The same case with the nodes of a product in place of those that cases name: node → node of the product.
    #[must_use]
    pub fn at_nodes(mut self, nodes: &BTreeMap<String, String>) -> Self {
        if nodes.is_empty() {
            return self;
        }
        let there = |node: &str| moved(node, nodes).unwrap_or_else(|| node.to_owned());
        for node in &mut self.given.tree {
            *node = there(node);
        }
        let acls = std::mem::take(&mut self.given.acls);
        self.given.acls = acls.into_iter().map(|(node, acl)| (there(&node), acl)).collect();
        for change in &mut self.changes {
            if let How::SetField(fields) = &mut change.how {
                for field in fields.values_mut() {
                    if let FieldChange::To(value) = field {
                        *value = there(value);
                    }
                }
            }
        }
        for expectation in &mut self.expect {
            let What::State(state) = &mut expectation.what else {
                continue;
            };
            match &mut state.look {
                Look::Probe { node, .. } | Look::Acl { node, .. } => *node = there(node),
                Look::Account { .. } | Look::Unchanged => {}
            }
        }
        self
    }
}

/// Where a node is, by the longest part of its path that is elsewhere; nothing where none is.
fn moved(node: &str, nodes: &BTreeMap<String, String>) -> Option<String> {
    let is_below = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
    let fitting = nodes
        .iter()
        .filter_map(|(from, to)| Some((from, to, node.strip_prefix(from.as_str())?)))
        .filter(|(_, _, rest)| is_below(rest));
    let (_, to, rest) = fitting.max_by_key(|(from, _, _)| from.len())?;
    Some(format!("{to}{rest}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::moved;

    #[rstest]
    #[case("./Com", Some("./Vendor/Acme"))]
    #[case("./Com/Name", Some("./Vendor/Label"))]
    #[case("./Com/Other?prop=ACL", Some("./Vendor/Acme/Other?prop=ACL"))]
    #[case("./Company", None)]
    #[case("./Net", None)]
    fn a_node_is_where_the_product_has_it(#[case] node: &str, #[case] there: Option<&str>) {
        let nodes = [("./Com", "./Vendor/Acme"), ("./Com/Name", "./Vendor/Label")];
        let nodes = nodes.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        assert_eq!(moved(node, &nodes).as_deref(), there);
    }
}
