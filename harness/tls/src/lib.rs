//! Test certification authority, and TLS that records what it saw.
//!
//! The types of the TLS library stay inside this crate: other crates hand over sockets and get streams, facts and
//! classified errors.

mod authority;
mod client;
mod clock;
mod error;
mod facts;
mod identity;
mod names;
mod outdated;
mod revocation;
mod server;
mod store;
mod stream;
mod tap;
mod verify;

pub use authority::{Authority, AuthorityError, AuthorityFiles, LoadError, Party, Roots};
pub use client::{ClientConfig, connect};
pub use clock::{now, timestamp};
pub use error::{HandshakeError, late_alert};
pub use identity::Identity;
pub use server::{AcceptError, ClientCertificates, ServerConfig, accept};
pub use store::{StoreError, already_stored, private_keys, read_text, write_store};
pub use stream::Stream;
pub use tap::{KeyLog, Tap, Tapped};
