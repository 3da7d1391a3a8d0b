//! Options of those who gate a change on a run.

use std::path::PathBuf;

use clap::Args;
use dmconform_model::Shard;

/// Which part of the cases is run, when a run stops, and what is known to fail.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "In CI")]
pub(crate) struct Gating {
    /// Failures that are known, each with a reason, an owner and a last day: they fail no run, and the run fails where one
    /// does not happen any more.
    #[arg(long, value_name = "FILE")]
    pub(crate) expectations: Option<PathBuf>,
    /// Only the cases that failed, could not be judged or met an error in this run: its directory.
    #[arg(long, value_name = "RUN")]
    pub(crate) rerun_failed: Option<PathBuf>,
    /// Only this part of the cases, such as `2/5`, for several machines; `dmconform report merge` makes one run of the parts.
    #[arg(long, value_name = "N/OF")]
    pub(crate) shard: Option<Shard>,
    /// Let no other case begin after one that fails the run; those that are running come to their end.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Try a case that did not pass again, up to so many times; one that passes then is flaky, and fails the run all the same.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub(crate) retries: u32,
    /// Let flaky cases not fail the run; they are reported all the same.
    #[arg(long, requires = "retries")]
    pub(crate) allow_flaky: bool,
}
