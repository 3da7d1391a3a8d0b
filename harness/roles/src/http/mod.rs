//! HTTP/1.1 over recorded TLS, for servers that mock roles listen with and clients that they dial with.

mod alerted;
mod body;
pub mod client;
mod impatient;
#[cfg(test)]
mod limits_tests;
pub mod server;

use std::sync::Arc;

use dmconform_model::tls::Facts;
use dmconform_tls::{HandshakeError, Tap};

/// The longest head of a request or an answer that is read, in octets.
const MAX_HEAD: usize = 64 * 1024;
/// The most fields of a header that are read.
const MAX_FIELDS: usize = 100;

/// Is told what happens on connections, whoever opened them.
pub trait Observer: Send + Sync {
    /// A TCP connection was opened; the number it is known by from now on.
    fn opened(&self, address: std::net::SocketAddr) -> u64;
    /// For a while, no connection could be accepted.
    fn starved(&self, _: &std::io::Error) {}
    /// What listens in on it, where somebody does.
    fn tap(&self, connection: u64) -> Option<Tap>;
    /// TLS was established on it.
    fn established(&self, connection: u64, facts: &Arc<Facts>);
    /// TLS did not come about.
    fn failed(&self, connection: u64, reason: &str, refused_by_peer: bool);
    /// Something that is no TLS arrived.
    fn plaintext(&self, connection: u64, first: &[u8]);
    /// It ended.
    fn closed(&self, connection: u64, how: &str);
}

/// Tells of a version of TLS that was agreed upon, although nothing more could come of it.
fn agreed(observer: &dyn Observer, connection: u64, error: &HandshakeError) {
    if let HandshakeError::Outdated { version } = error {
        let facts = Facts {
            version: version.clone(),
            ..Facts::default()
        };
        observer.established(connection, &Arc::new(facts));
    }
}
