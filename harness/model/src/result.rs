//! What a judged case and a judged run look like in every report.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gate::{CaseOf, Gate};
use crate::{CaseId, Class, LedgerEntry, MessageId, Place, RequirementId, Role, Shard, Spent, Step, Verdict};

/// Who is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The DM Client.
    DmClient,
    /// The delegating server.
    #[serde(rename = "dms-1")]
    Dms1,
    /// The delegated server.
    #[serde(rename = "dms-2")]
    Dms2,
    /// The Bootstrap Server.
    BootstrapServer,
    /// This harness.
    Harness,
    /// What lies between: the machine, the network.
    Network,
}

impl From<Role> for Blame {
    fn from(role: Role) -> Self {
        match role {
            Role::DmClient => Self::DmClient,
            Role::Dms1 => Self::Dms1,
            Role::Dms2 => Self::Dms2,
            Role::BootstrapServer => Self::BootstrapServer,
        }
    }
}

impl Blame {
    /// The role that is at fault, if it is one.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::DmClient => Some(Role::DmClient),
            Self::Dms1 => Some(Role::Dms1),
            Self::Dms2 => Some(Role::Dms2),
            Self::BootstrapServer => Some(Role::BootstrapServer),
            Self::Harness | Self::Network => None,
        }
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DmClient => Role::DmClient.as_str(),
            Self::Dms1 => Role::Dms1.as_str(),
            Self::Dms2 => Role::Dms2.as_str(),
            Self::BootstrapServer => Role::BootstrapServer.as_str(),
            Self::Harness => "harness",
            Self::Network => "network",
        })
    }
}

/// One thing that the judge found, with what is needed to act on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it comes to.
    pub verdict: Verdict,
    /// A stable name for the kind of finding, such as `order` or `missing`.
    pub code: String,
    /// The requirement concerned; absent when the harness itself is.
    pub requirement: Option<RequirementId>,
    /// The requirement in words, or what happened.
    pub statement: String,
    /// The step concerned.
    pub step: Option<Step>,
    /// Who is at fault; absent when nobody can be blamed.
    pub blame: Option<Blame>,
    /// The product that plays the role at fault, where several were observed talking to each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The mock role that saw it; where products were observed, the role at whose endpoint it was seen.
    pub observed_by: Option<Role>,
    /// What would have been acceptable.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The place in the case file that asked for it.
    pub place: Option<Place>,
    /// Where the proof is: the transcript file and the numbers of its records.
    pub evidence: Evidence,
    /// The case that owns the breach, where this one could only stumble over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub see: Option<CaseId>,
    /// The command that runs just this case again.
    pub rerun: String,
}

/// The records of a transcript that prove a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The transcript, relative to the run's directory.
    pub transcript: String,
    /// The numbers of the records in it.
    pub records: Vec<u64>,
}

/// One thing that was checked and held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The requirement it speaks for.
    pub requirement: Option<RequirementId>,
    /// What was checked.
    pub what: String,
    /// The records that show it.
    pub records: Vec<u64>,
}

/// One message as it was observed, for the sequence diagram of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Arrow {
    /// The record it was recognised in.
    pub record: u64,
    /// Which message of the procedure it is.
    pub message: MessageId,
    /// Who sent it.
    pub from: Role,
    /// Who it was for.
    pub to: Role,
    /// What it said, in a few words.
    pub note: String,
}

/// Which implementation a case was run against, and in which roles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// A short name, unique within the run, used for directories.
    pub name: String,
    /// Vendor, product and version, as one text.
    pub product: String,
    /// The roles that are real.
    pub plays: Vec<Role>,
    /// Which product plays which of them, where several were observed talking to each other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub products: BTreeMap<Role, String>,
    /// Vendor, product and version of each of them, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub full_names: BTreeMap<String, String>,
    /// What it claims, and what it may take, as its file says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

/// Something that is claimed of an implementation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// What it is about.
    pub name: String,
    /// What is claimed.
    pub value: String,
}

/// The result of one case against one implementation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// The case.
    pub id: CaseId,
    /// Its title.
    pub title: String,
    /// Its test purpose.
    pub purpose: String,
    /// The implementation it was run against, by its name in [`RunInfo::targets`].
    pub implementation: String,
    /// The roles that were judged.
    pub iut: Vec<Role>,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, in one sentence, where it is neither pass nor a finding's matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its class.
    #[serde(default, skip_serializing_if = "Class::is_conformance")]
    pub class: Class,
    /// The requirements it covers.
    pub covers: Vec<RequirementId>,
    /// What was checked and held.
    pub checks: Vec<Check>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was observed, message by message.
    pub observed: Vec<Arrow>,
    /// The file the case was read from.
    pub file: String,
    /// How long it took, in milliseconds, by the transcript's own times.
    pub duration_ms: u64,
    /// What that time went into.
    #[serde(default)]
    pub spent: Spent,
    /// Every attempt at it, the first one included, where there were several. What stands here is of the first that failed, or
    /// of the first if none did; a later one makes nothing good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// One of several attempts at a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// What it came to.
    pub verdict: Verdict,
    /// Why, in one sentence, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its transcript, relative to the run's directory.
    pub transcript: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl CaseResult {
    /// Whether it did not pass at first, and did later.
    pub fn is_flaky(&self) -> bool {
        let passed = |attempt: &Attempt| matches!(attempt.verdict, Verdict::Pass | Verdict::Warn);
        self.attempts.iter().any(passed)
    }

    /// Whether its verdict weighs on conformance.
    pub fn weighs(&self) -> bool {
        self.class == Class::Conformance || self.covers.iter().any(|id| !id.is_of_robustness())
    }
}

/// The number of cases per verdict.
pub type Summary = BTreeMap<Verdict, u32>;

/// What is known of a run as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Its identifier; its directory is called so where nobody named another.
    pub id: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The version of the harness.
    pub harness: String,
    /// The seed that fixed the order of the cases.
    pub seed: u64,
    /// How many cases ran at once at most.
    pub jobs: u32,
    /// Whether warnings fail.
    pub strict: bool,
    /// The deviations the reference implementation was told to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<String>,
    /// The legal oddities that it was told to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oddities: Vec<String>,
    /// The legal oddities of the roles that the harness played.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peer_oddities: Vec<String>,
    /// The implementations that were tested.
    pub targets: Vec<Target>,
    /// What the profile reads into texts that are silent.
    pub own_readings: Vec<String>,
    /// Whether the run was broken off.
    pub cancelled: bool,
    /// The options that left cases out, as they were given; the part is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selection: Vec<String>,
    /// Which part of the whole it is, where several machines share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The case whose failure let no other case begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<CaseOf>,
    /// Whether a case that passes at a later attempt fails no run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_flaky: bool,
}

/// A whole run, as `results.json` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The version of this form: [`RunRecord::SCHEMA_VERSION`]. It grows when something that was there changes its name, its
    /// place, its type or its meaning, or goes, and when something comes that an older program must not overlook; what else comes
    /// leaves it as it is.
    pub schema_version: u32,
    /// The run itself.
    pub run: RunInfo,
    /// The number of cases per verdict: those that weigh on conformance.
    pub summary: Summary,
    /// The number of the other cases per verdict: what a product withstands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub robustness: Summary,
    /// Every case, in the order of the suite.
    pub cases: Vec<CaseResult>,
    /// Every requirement and every role that it binds: what the run says of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<LedgerEntry>,
    /// What the mock roles saw that belongs to no case.
    #[serde(default)]
    pub strays: Vec<String>,
    /// What went wrong outside the cases: a product that did not start, a port in use.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// The cases that were selected, and that no verdict stands on since the run ended before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_run: Vec<CaseOf>,
    /// How it came out against the failures that were known, where any were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

/// Something that kept the harness from testing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The implementation concerned.
    pub implementation: String,
    /// What happened and what to do.
    pub message: String,
    /// The product's last output.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// Counts the cases that weigh on conformance per verdict; every verdict is listed, also those without a case.
pub fn summarise(cases: &[CaseResult]) -> Summary {
    let mut summary: Summary = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
    for case in cases.iter().filter(|case| case.weighs()) {
        *summary.entry(case.verdict).or_default() += 1;
    }
    summary
}

/// Counts the cases that do not weigh on conformance per verdict; nothing where there are none.
pub fn summarise_robustness(cases: &[CaseResult]) -> Summary {
    let mut summary = Summary::new();
    for case in cases.iter().filter(|case| !case.weighs()) {
        *summary.entry(case.verdict).or_default() += 1;
    }
    summary
}

impl RunRecord {
    /// The version of the form that this program writes.
    pub const SCHEMA_VERSION: u32 = 1;
}
