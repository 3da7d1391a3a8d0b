//! What the time of cases went into.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the time of a case went into, or of several together, in microseconds. Every moment counts once: in the first of
/// these that holds of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spent {
    /// A message was held back, to see what happens meanwhile: the declared window.
    pub windows: u64,
    /// A mock role waited for an answer of the product.
    pub answers: u64,
    /// Nothing came, until the declared limit for a step had passed.
    pub limits: u64,
    /// At the end nothing moved, for as long as the product is declared to need to react.
    pub rests: u64,
    /// Everything else: what the harness did, and what the product did before it spoke by itself.
    pub others: u64,
}

impl Spent {
    /// What was waited because an implementation file declares it.
    pub const fn declared(&self) -> u64 {
        self.windows + self.limits + self.rests
    }

    /// All of it.
    pub const fn total(&self) -> u64 {
        self.declared() + self.answers + self.others
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.windows += more.windows;
        self.answers += more.answers;
        self.limits += more.limits;
        self.rests += more.rests;
        self.others += more.others;
    }
}
