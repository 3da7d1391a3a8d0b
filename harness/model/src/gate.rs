//! Failures that are known before a run, and how a run came out against them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::{CaseId, CaseResult, Place, RequirementId, Verdict};

/// A failure that is known, and expected until it is mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownFailure {
    /// The case, or a pattern of cases or families of them.
    pub case: String,
    /// The implementation, or a pattern; any, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<String>,
    /// What the case comes to.
    pub verdict: KnownVerdict,
    /// The requirement that is broken; any, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<RequirementId>,
    /// A part of what is found, in which `*` stands for anything; anything, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it is not mended yet.
    pub reason: String,
    /// Who mends it.
    pub owner: String,
    /// Where that is written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The last day on which it is expected.
    pub expires: Date,
    /// Where it stands.
    pub place: Place,
}

/// What a case may be known to come to. A fault of the harness is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnownVerdict {
    /// A requirement is broken.
    #[default]
    Fail,
    /// It cannot be judged.
    Inconclusive,
}

impl From<KnownVerdict> for Verdict {
    fn from(known: KnownVerdict) -> Self {
        match known {
            KnownVerdict::Fail => Self::Fail,
            KnownVerdict::Inconclusive => Self::Inconclusive,
        }
    }
}

/// A case of an implementation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CaseOf {
    /// The implementation.
    pub implementation: String,
    /// The case.
    pub case: CaseId,
}

impl CaseOf {
    /// The case of a result.
    pub fn result(case: &CaseResult) -> Self {
        Self {
            implementation: case.implementation.clone(),
            case: case.id.clone(),
        }
    }

    /// Whether it is the case of a result.
    pub fn is(&self, case: &CaseResult) -> bool {
        self.case == case.id && self.implementation == case.implementation
    }
}

impl fmt::Display for CaseOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.case, self.implementation)
    }
}

/// How a run came out against the failures that were known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// The day on which it was judged, in UTC.
    pub day: Date,
    /// The cases of which everything that was found was known: their verdicts stand, and they fail no run.
    pub known: Vec<CaseOf>,
    /// What became of each known failure, in the order of the file.
    pub entries: Vec<Entry>,
}

/// What became of a known failure. One of which nothing happened, nothing is missing and nothing is said was not selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The known failure.
    pub known: KnownFailure,
    /// Whether it was expected for a time that is over. Then it excuses nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// The cases in which it happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub happened: Vec<CaseOf>,
    /// The cases in which it did not happen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Why no case is meant by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused: Option<String>,
}

/// A case in which a known failure did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// The case.
    pub case: CaseOf,
    /// What happened instead.
    pub instead: String,
}

impl Entry {
    /// Whether it was not selected: the run was not about it.
    pub const fn is_passed_over(&self) -> bool {
        self.happened.is_empty() && self.missing.is_empty() && self.unused.is_none()
    }

    /// What is wrong with it, each in a sentence that begins with the case.
    pub fn faults(&self) -> Vec<String> {
        let known = &self.known;
        let mut faults = Vec::new();
        if self.expired {
            faults.push(format!(
                "{}: this was expected until {}; {} is to mend it, or to say until when it stays",
                known.case, known.expires, known.owner
            ));
        }
        let missing = self.missing.iter();
        faults.extend(missing.map(|missing| {
            format!(
                "{}: the known failure did not happen: {}; remove the entry, or say what is known now",
                missing.case, missing.instead
            )
        }));
        faults.extend(self.unused.iter().map(|why| format!("{}: {why}", known.case)));
        faults
    }
}

impl Gate {
    /// Why a case fails no run, where it does not.
    pub fn known(&self, case: &CaseResult) -> Option<&KnownFailure> {
        if !self.known.iter().any(|known| known.is(case)) {
            return None;
        }
        let mut entries = self.entries.iter().filter(|entry| !entry.expired);
        let entry = entries.find(|entry| entry.happened.iter().any(|happened| happened.is(case)))?;
        Some(&entry.known)
    }

    /// Everything that is not as the file says: where the entry stands, and what is wrong with it.
    pub fn faults(&self) -> impl Iterator<Item = (&Place, String)> {
        let entries = self.entries.iter();
        entries.flat_map(|entry| {
            let faults = entry.faults().into_iter();
            faults.map(|fault| (&entry.known.place, fault))
        })
    }
}
