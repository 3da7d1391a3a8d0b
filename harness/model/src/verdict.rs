//! What a judged case comes to.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a case or of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything the case asks for was seen.
    Pass,
    /// A requirement of weight `warn` was broken.
    Warn,
    /// A requirement was broken.
    Fail,
    /// The test purpose could not be reached.
    Inconclusive,
    /// The product's claims or the roles it plays exclude the case.
    NotApplicable,
    /// The harness or its environment is at fault.
    Error,
}

impl Verdict {
    /// Every verdict, in the order in which tables show them.
    pub const ALL: [Self; 6] = [
        Self::Pass,
        Self::Warn,
        Self::Fail,
        Self::Inconclusive,
        Self::NotApplicable,
        Self::Error,
    ];

    /// The name used in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not-applicable",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
