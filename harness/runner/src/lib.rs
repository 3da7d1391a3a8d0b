//! Plans a run, starts the product, drives the cases, and tells what happens as it happens.

mod applies;
mod case_context;
mod case_run;
mod drive;
mod options;
mod plan;
mod ports;
mod process;
mod robustness;
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
