//! The four mock roles: projections of the procedure, with the changes of a case, over real sockets.

mod bootstrap;
mod capture;
mod change;
pub mod client;
mod context;
mod delegation;
mod dial;
mod documents;
mod errand;
mod hidden;
mod hostile;
mod hosts;
pub mod http;
mod kept_sessions;
mod knock;
mod listener;
mod recorder;
mod relay;
mod router;
mod script;
mod server_side;
mod stage;

pub use bootstrap::{credentials, wire_scheme};
pub use capture::{Captured, Taps};
pub use change::{Changes, certificate_in_words};
pub use context::{CaseContext, endpoint};
pub use dial::KeptLines;
pub use errand::Errand;
pub use hidden::{Hidden, SHORTEST};
pub use hosts::Hosts;
pub use knock::Knock;
pub use recorder::Recorder;
pub use router::Router;
pub use script::play;
pub use server_side::{Offers, notification, probe};
pub use stage::{Certified, Presents, Setting, Stage, StageError};
