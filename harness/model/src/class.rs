//! The classes of test cases: what they weigh on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a case weighs on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What the requirements of the procedure ask for.
    #[default]
    Conformance,
    /// What something hostile or unusual does to a product. It weighs on conformance only where the case covers a
    /// requirement of the procedure; otherwise it is reported in a section of its own.
    Robustness,
}

impl Class {
    /// The name used in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conformance => "conformance",
            Self::Robustness => "robustness",
        }
    }

    /// Whether it is the usual one.
    pub fn is_conformance(&self) -> bool {
        *self == Self::Conformance
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
