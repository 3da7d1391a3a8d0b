//! The ledger of requirements: which of them a run has shown to be kept, which not, and why the others were not.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Basis, CaseId, RequirementId, Role, Verdict, Weight};

/// How a requirement is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// The peers keep to the procedure, and the product must do so, too.
    Positive,
    /// A peer departs from the procedure: it is late, silent, gone, wrong, or somebody else; the product must not follow.
    Negative,
}

impl CheckKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Positive, Self::Negative];

    /// The name used in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why something is not tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Untested {
    /// Nothing that passes between the roles would show a breach.
    Unobservable,
    /// The texts leave it open.
    LeftOpen,
    /// Whoever does not do it is as conformant.
    Optional,
    /// It could be tested, and no case does so far.
    NotYet,
}

impl Untested {
    /// The name used in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unobservable => "unobservable",
            Self::LeftOpen => "left-open",
            Self::Optional => "optional",
            Self::NotYet => "not-yet",
        }
    }
}

impl fmt::Display for Untested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is known of one kind of check of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was checked and held.
    Held,
    /// It was broken.
    Broken,
    /// A case was run, and could not be judged.
    Open,
    /// There are cases, and none was run.
    NotRun,
    /// There is no case.
    NotTested,
}

impl State {
    /// The name used in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Open => "open",
            Self::NotRun => "not-run",
            Self::NotTested => "not-tested",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far one kind of check covers a requirement for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// What is known.
    pub state: State,
    /// The cases that say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseId>,
    /// Why it neither held nor was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A requirement and a role that it binds, in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// The requirement.
    pub requirement: RequirementId,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// What breaking it comes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// The role.
    pub role: Role,
    /// What it came to: the worst that any case says of it.
    pub verdict: Verdict,
    /// What the cases in which all peers keep to the procedure say.
    pub positive: Coverage,
    /// What the cases in which a peer departs from it say.
    pub negative: Coverage,
}
