//! Turns run records into every output format: pure functions from results to text.

pub mod json;
pub mod junit;
pub mod markdown;
pub mod progress;
pub mod self_test;
pub mod terminal;
mod wording;
