//! Legal oddities: what messages and connections may look like without breaking anything.
//!
//! A conformance suite that fails a product for one of them is wrong, and so is a product that fails on one. Both the mock roles
//! and the reference implementation can have them, so that the self-test sees that no case does. What is one oddity, and why it
//! is legal, stands in `cases/deviations.yaml`.

mod body;
mod choice;
mod document;
mod header;
mod management;
mod names;
mod stream;

pub use body::OddBody;
pub use names::{Oddity, UnknownOddity};
pub use stream::OddStream;

use std::collections::BTreeSet;
use std::sync::Arc;

/// The oddities of one party, and the seed that decides what they leave open.
#[derive(Clone, Debug, Default)]
pub struct Oddities {
    chosen: Arc<BTreeSet<Oddity>>,
    seed: u64,
}

impl Oddities {
    /// These, with a seed.
    pub fn new(chosen: impl IntoIterator<Item = Oddity>, seed: u64) -> Self {
        Self {
            chosen: Arc::new(chosen.into_iter().collect()),
            seed,
        }
    }

    /// Reads their names, separated by commas.
    ///
    /// # Errors
    /// The first name that no oddity has.
    pub fn parse(names: &str, seed: u64) -> Result<Self, UnknownOddity> {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let chosen = names.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(chosen, seed))
    }

    /// Whether this is one of them.
    pub fn has(&self, oddity: Oddity) -> bool {
        self.chosen.contains(&oddity)
    }

    /// A number that the seed decides: from `low` up to and including `high`, the same for the same purpose.
    pub fn number(&self, purpose: &str, low: u64, high: u64) -> u64 {
        choice::number(self.seed, purpose, low, high)
    }
}
