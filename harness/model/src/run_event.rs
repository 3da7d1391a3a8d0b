//! What a run tells while it goes on: the stream that progress displays and reports are made from.

use serde::{Deserialize, Serialize};

use crate::CaseId;
use crate::result::{CaseResult, Problem, RunInfo, RunRecord};

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEvent {
    /// The run begins.
    RunStarted {
        /// What is known of it.
        run: Box<RunInfo>,
        /// How many cases will be driven (not counting those that do not apply).
        cases: u32,
    },
    /// An implementation is being started.
    TargetStarting {
        /// Its name.
        implementation: String,
    },
    /// An implementation is ready.
    TargetReady {
        /// Its name.
        implementation: String,
        /// How long it took, in milliseconds.
        after_ms: u64,
    },
    /// An implementation could not be tested.
    TargetFailed(Problem),
    /// A case begins.
    CaseStarted {
        /// Against which implementation.
        implementation: String,
        /// Which case.
        case: CaseId,
    },
    /// A case was judged.
    CaseFinished(Box<CaseResult>),
    /// The run is over; everything is on disk.
    RunFinished(Box<RunRecord>),
}
