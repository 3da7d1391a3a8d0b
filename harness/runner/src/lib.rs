//! Plans a run, starts the product, drives the cases, and tells what happens as it happens.

mod applies;
mod drive;
mod options;
mod ports;
mod process;
mod run;
mod self_test;
mod target;
mod tree;
mod trigger;
mod variables;

pub use globset::GlobSet;
pub use options::{RunOptions, TargetFile, globs, timestamp};
pub use run::{Emit, run};
pub use self_test::{EmitSelfTest, SelfTestEvent, SelfTestOptions, self_test};
pub use target::{TargetError, certificates, check_certificates};
