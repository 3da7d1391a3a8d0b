//! What a run tells while it goes on: the stream that progress displays and reports are made from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::result::{CaseResult, Problem, RunInfo, RunRecord};
use crate::{CaseId, Role};

/// One event of a run: an object with one key, which names it. What is added leaves what is there as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunEvent {
    /// The run begins.
    RunStarted {
        /// What is known of it.
        run: Box<RunInfo>,
        /// How many cases will be driven (not counting those that do not apply).
        cases: u32,
        /// How many of them there are per implementation and roles that are judged.
        planned: Vec<Planned>,
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
        /// The roles that it judges.
        iut: Vec<Role>,
    },
    /// A case was judged.
    CaseFinished(Box<CaseResult>),
    /// The run is over; everything is on disk.
    RunFinished(Box<RunRecord>),
}

/// How many cases will be driven of an implementation, of those that judge the same roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// The implementation.
    pub implementation: String,
    /// The roles that are judged.
    pub iut: Vec<Role>,
    /// How many cases there are.
    pub cases: u32,
}
