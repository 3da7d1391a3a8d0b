//! The four roles over sockets, as they are configured in the examples.

mod common;
mod deviations;
mod foreign_peers;
mod whole_delegation;
