//! Plans a run, starts the product, drives the cases, and tells what happens as it happens.

mod applies;
mod case_context;
mod case_run;
mod certificates;
mod command;
mod doctor;
mod drive;
mod member;
mod observation;
mod operator;
mod options;
mod plan;
mod ports;
mod process;
mod ready;
mod robustness;
mod run;
mod secrets;
mod self_test;
mod setting;
mod target;
mod tree;
mod trigger;
mod variables;
mod workbench;

pub use certificates::{certificates, check_certificates};
pub use doctor::{Finding as Examined, State as Health, Tell, Topic, doctor, quick_look};
pub use globset::GlobSet;
pub use observation::{ObservationError, observation};
pub use operator::{Answer, Operator};
pub use options::{Kept, RunOptions, TargetFile, globs, timestamp};
pub use run::{Emit, run};
pub use secrets::SecretError;
pub use self_test::{EmitSelfTest, SelfTestEvent, SelfTestOptions, self_test};
pub use target::TargetError;
pub use workbench::{AtTheBench, Passed, Watch, workbench};
