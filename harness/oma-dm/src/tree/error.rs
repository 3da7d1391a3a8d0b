//! Why a tree was not changed.

use thiserror::Error;

use crate::uri::{NodeUri, UriError};

/// Why the tree was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// There is no such node.
    #[error("no node `{uri}`")]
    NotFound {
        /// The place.
        uri: NodeUri,
    },
    /// Another node has that name.
    #[error("there is a node `{uri}` already")]
    Exists {
        /// The place.
        uri: NodeUri,
    },
    /// An interior node was expected, or needed above another node.
    #[error("`{uri}` is a leaf; it can have no children")]
    IsLeaf {
        /// The place.
        uri: NodeUri,
    },
    /// A leaf was expected.
    #[error("`{uri}` is an interior node; it can have no value")]
    IsInterior {
        /// The place.
        uri: NodeUri,
    },
    /// The root can be neither removed nor made to go.
    #[error("the root of the tree stays")]
    IsRoot,
    /// Nothing is above the root to inherit from.
    #[error("the ACL of the root cannot be empty")]
    EmptyRootAcl,
    /// As many nodes as the settings allow.
    #[error("the tree is full: it holds at most {nodes} nodes")]
    Full {
        /// The limit.
        nodes: usize,
    },
    /// As many octets in values as the settings allow.
    #[error("the tree is full: its values have at most {octets} octets together")]
    FullOfValues {
        /// The limit.
        octets: usize,
    },
    /// More than the settings allow.
    #[error("value of {octets} octets for `{uri}`; at most {limit} are accepted")]
    ValueTooLarge {
        /// The place.
        uri: NodeUri,
        /// Length of the value.
        octets: usize,
        /// The limit.
        limit: usize,
    },
    /// A name or a depth that no URI can have.
    #[error(transparent)]
    Uri(#[from] UriError),
}
