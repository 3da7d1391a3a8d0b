//! Requirements and the identifiers that cases and findings refer to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Role, Step};

/// The identifier of a requirement, such as `DEL-8-3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequirementId(pub String);

/// The identifier of a test case, such as `DEL-DMS1-8-030`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub String);

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a requirement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The words or the numbered order of the change request.
    ChangeRequest,
    /// Another public source: OMA DM 1.2 specifications, the media type's registration, RFCs, patent claims.
    Public,
    /// What a working implementation would have to do, though no text says so: our reading.
    Inferred,
}

/// What a broken requirement comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It fails the product.
    Fail,
    /// It warns; `--strict` makes it fail.
    Warn,
    /// It fails a product that claims it, and does not concern the others.
    FailIfClaimed,
}

/// One requirement, as `cases/requirements.yaml` states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its identifier.
    pub id: RequirementId,
    /// The steps it concerns; empty when it concerns all.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The roles that can break it.
    pub binds: Vec<Role>,
    /// What it asks for, in one sentence.
    pub words: String,
    /// Where it comes from.
    pub basis: Basis,
    /// What breaking it comes to.
    pub weight: Weight,
    /// The claim that makes it apply, for weight `fail-if-claimed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}
