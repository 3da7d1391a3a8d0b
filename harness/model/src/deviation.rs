//! What products do wrong on purpose, and what they do otherwise and rightly so.

use serde::{Deserialize, Serialize};

use crate::{RequirementId, Role};

/// A named, deliberate defect that a product can have, as `cases/deviations.yaml` states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Its name.
    pub name: String,
    /// The roles that can have it.
    pub of: Vec<Role>,
    /// The requirement it breaks.
    pub breaks: RequirementId,
    /// What it does, in one sentence.
    pub words: String,
}

/// A named behaviour that is unusual and conformant: no case may fail a product for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oddity {
    /// Its name.
    pub name: String,
    /// The roles that can have it.
    pub of: Vec<Role>,
    /// What it does, in one sentence.
    pub words: String,
}
