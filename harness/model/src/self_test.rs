//! What a self-test found: which case catches which deviation, and what that leaves open.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::result::Problem;
use crate::{CaseId, RequirementId, Role, Verdict};

/// A deviation in one of the roles that can have it: what the cases are tried on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mutant {
    /// The deviation.
    pub deviation: String,
    /// The role that has it.
    pub role: Role,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.deviation, self.role)
    }
}

/// How far a case caught a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caught {
    /// It blamed the role for nothing.
    No,
    /// It failed or warned, and blamed the role, but for another requirement.
    ForAnotherReason,
    /// It failed or warned on the requirement that the deviation breaks, and blamed the role.
    Yes,
}

/// One case tried on one deviation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The case.
    pub case: CaseId,
    /// The implementation it was run against.
    pub implementation: String,
    /// Whether the case names the deviation in `catches`.
    pub named: bool,
    /// What the case came to.
    pub verdict: Verdict,
    /// Whether that caught the deviation.
    pub caught: Caught,
    /// What it found, for comparison with another run: verdict, kind and requirement of each finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// A row of the kill matrix: one deviation in one role, and every case that was tried on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The deviation and its role.
    pub mutant: Mutant,
    /// The requirement that it breaks.
    pub breaks: RequirementId,
    /// What it does.
    pub words: String,
    /// The cases that name it for this role.
    pub named: Vec<CaseId>,
    /// The cases that were tried, in the order of the suite.
    pub trials: Vec<Trial>,
}

impl Row {
    /// Whether a case that names the deviation caught it.
    pub fn is_killed(&self) -> bool {
        self.named.iter().any(|case| self.is_killed_by(case))
    }

    /// Whether this case caught the deviation, on any implementation.
    pub fn is_killed_by(&self, case: &CaseId) -> bool {
        self.trials
            .iter()
            .any(|trial| trial.case == *case && trial.caught == Caught::Yes)
    }

    /// Whether any case blamed the role for anything.
    pub fn is_noticed(&self) -> bool {
        self.trials.iter().any(|trial| trial.caught != Caught::No)
    }
}

/// A case that names a deviation and did not catch it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BrokenPromise {
    /// The case.
    pub case: CaseId,
    /// What it names.
    pub mutant: Mutant,
    /// What it came to on each implementation: `reference-dms-1: pass`; empty where it does not apply.
    pub verdicts: Vec<String>,
}

/// Who had an oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HadBy {
    /// The reference implementation.
    Product,
    /// The roles that the harness played.
    Peers,
    /// All of them.
    Everybody,
}

impl fmt::Display for HadBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Product => "the product",
            Self::Peers => "its peers",
            Self::Everybody => "the product and its peers",
        })
    }
}

/// A case that fails a product without any deviation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FalseAlarm {
    /// The case.
    pub case: CaseId,
    /// The implementation.
    pub implementation: String,
    /// The oddity that there was, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oddity: Option<String>,
    /// Who had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub had_by: Option<HadBy>,
    /// What the case came to.
    pub verdict: Verdict,
}

/// A case that two runs judged differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flake {
    /// The case.
    pub case: CaseId,
    /// The implementation.
    pub implementation: String,
    /// The deviation, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<Mutant>,
    /// What each run said.
    pub said: Vec<String>,
}

/// A whole self-test, as `selftest.json` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The version of this form: [`SelfTest::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Its identifier; its directory is called so where nobody named another.
    pub id: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// The version of the harness.
    pub harness: String,
    /// Whether every deviation was tried on every case, twice; otherwise only on the cases that name it, once.
    pub full: bool,
    /// The number of cases that count.
    pub cases: u32,
    /// The number of deviations that were tried.
    pub deviations: u32,
    /// The number of deviations, each in each of its roles, that were tried.
    pub mutants: u32,
    /// The number of those that a case named for them caught.
    pub killed: u32,
    /// The number of oddities that were tried.
    pub oddities: u32,
    /// The deviations that no case noticed.
    pub survivors: Vec<Mutant>,
    /// The cases that no deviation fails.
    pub unprovable_cases: Vec<CaseId>,
    /// The deviations that were noticed, but not by a case named for them on the requirement they break.
    pub wrong_killer: Vec<Mutant>,
    /// The cases that name a deviation and did not catch it, though another one may have.
    pub broken_promises: Vec<BrokenPromise>,
    /// The cases that fail the reference implementation without any deviation.
    pub clean_failures: Vec<FalseAlarm>,
    /// The cases that fail an oddity.
    pub oddity_failures: Vec<FalseAlarm>,
    /// The cases that two runs judged differently.
    pub flaky: Vec<Flake>,
    /// Cases that the same deviations fail: perhaps one of them is enough.
    pub identical_kill_sets: Vec<Vec<CaseId>>,
    /// What went wrong outside the cases.
    pub problems: Vec<Problem>,
    /// Whether it was broken off.
    pub cancelled: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The kill matrix.
    pub matrix: Vec<Row>,
}

impl SelfTest {
    /// The version of the form that this program writes.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The exit code: 0 every case is proved and every deviation caught, 1 not so, 4 nothing was tried, 5 an error.
    pub fn exit_code(&self) -> u8 {
        if !self.problems.is_empty() || self.cancelled {
            return 5;
        }
        let clean = self.survivors.is_empty()
            && self.unprovable_cases.is_empty()
            && self.wrong_killer.is_empty()
            && self.broken_promises.is_empty()
            && self.clean_failures.is_empty()
            && self.oddity_failures.is_empty()
            && self.flaky.is_empty();
        match (clean, self.mutants) {
            (false, _) => 1,
            (true, 0) => 4,
            (true, _) => 0,
        }
    }
}
