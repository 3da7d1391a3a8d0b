//! Turns run records into every output format: pure functions from results to text.

pub mod comparison;
pub mod device_tree;
pub mod diagram;
pub mod gate;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
mod ladder;
pub mod load;
pub mod markdown;
mod markup;
pub mod matrix;
pub mod merging;
pub mod pcapng;
pub mod progress;
pub mod self_test;
mod spent;
pub mod terminal;
mod wording;

use std::collections::BTreeMap;

use dmconform_model::{CaseId, Ladder};

/// The ladders of the cases that did not pass, by implementation and case.
pub type Ladders = BTreeMap<(String, CaseId), Ladder>;
