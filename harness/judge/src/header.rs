//! The header of a transcript: everything besides the records that judging needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use dmconform_case::implementation::{AccountCredentials, Endpoints, Limits, Supports};
use dmconform_case::procedure::Procedure;
use dmconform_case::profile::Profile;
use dmconform_case::test_case::TestCase;
use dmconform_model::{CaseId, MessageId, Requirement, RequirementId, Role, Target, Weight};
use serde::{Deserialize, Serialize};

/// The version of the judge's rules. A transcript says which it was written for.
pub const JUDGE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The form of transcripts that is written. It grows when something that was there changes its name, its place or its meaning,
/// or when something comes that an older program must not overlook.
pub const TRANSCRIPT_FORMAT: u32 = 1;

/// Everything besides the records that judging a case needs; the first line of its transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// The form of the transcript: [`TRANSCRIPT_FORMAT`]. The first ones did not say it.
    #[serde(default = "first_format")]
    pub format: u32,
    /// The version of the judge that ran along.
    pub judge: String,
    /// The run the case belongs to.
    pub run: String,
    /// The case.
    pub case: TestCase,
    /// The procedure it varies.
    pub procedure: Arc<Procedure>,
    /// How messages look on the wire.
    pub profile: Arc<Profile>,
    /// The requirements, by identifier.
    pub requirements: Arc<BTreeMap<RequirementId, Requirement>>,
    /// Which case owns a requirement, for a role: the one to look at when another stumbles over a breach.
    pub owners: Arc<Vec<Owner>>,
    /// The implementation under test and the roles it plays.
    pub target: Arc<Target>,
    /// What it claims.
    pub claims: Arc<Supports>,
    /// How long it may take.
    pub limits: Limits,
    /// The parties of this delegation.
    pub parties: Parties,
    /// Where every server role listens, mock or real.
    pub endpoints: BTreeMap<Role, Endpoints>,
    /// The credentials between the device and DMS-2.
    pub dms_2_credentials: AccountCredentials,
    /// Whether warnings fail.
    pub strict: bool,
    /// The command that runs just this case again.
    pub rerun: String,
    /// The transcript's place relative to the run's directory.
    pub transcript: String,
}

const fn first_format() -> u32 {
    1
}

/// Which case owns a requirement, for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Owner {
    /// The requirement.
    pub requirement: RequirementId,
    /// The role that can break it.
    pub role: Role,
    /// The case that tests it.
    pub case: CaseId,
}

/// The parties of one delegation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parties {
    /// The identifier of DMS-1.
    pub dms_1: String,
    /// The identifier of DMS-2.
    pub dms_2: String,
    /// The identifier of a server that has no part in the delegation.
    pub third: String,
    /// The identifier of the device.
    pub device: String,
    /// Its manufacturer.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
}

impl Header {
    /// Whether a role is played by the implementation under test.
    pub fn is_real(&self, role: Role) -> bool {
        self.target.plays.contains(&role)
    }

    /// Whether a role is real and judged in this case.
    pub fn is_judged(&self, role: Role) -> bool {
        self.is_real(role) && self.case.iut.contains(&role)
    }

    /// The case that owns a requirement for a role, unless it is this one.
    pub fn owner(&self, requirement: &RequirementId, role: Role) -> Option<&CaseId> {
        self.owners
            .iter()
            .find(|owner| owner.requirement == *requirement && owner.role == role)
            .map(|owner| &owner.case)
            .filter(|case| **case != self.case.id)
    }

    /// What a role breaks when a message of its does not come. An answer without a requirement of its own is part of
    /// the step that asks for it, unless that binds the asking role alone: then no text says that it has to be positive.
    pub fn presence(&self, message: MessageId, role: Role) -> Option<&RequirementId> {
        let own = self.procedure.presence(message);
        let of_step = || self.procedure.presence(MessageId::request(message.step));
        own.or_else(of_step).filter(|id| self.binds(id, role))
    }

    /// Whether a requirement concerns only products that claim what it is about.
    pub fn is_claim(&self, requirement: &RequirementId) -> bool {
        let known = self.requirements.get(requirement);
        known.is_some_and(|known| known.weight == Weight::FailIfClaimed)
    }

    /// Whether a role can break a requirement.
    pub fn binds(&self, requirement: &RequirementId, role: Role) -> bool {
        self.requirements
            .get(requirement)
            .is_none_or(|known| known.binds.contains(&role))
    }

    /// A requirement in words.
    pub fn words<'a>(&'a self, requirement: &'a RequirementId) -> &'a str {
        self.requirements
            .get(requirement)
            .map_or("", |known| &known.words)
    }

    /// A text of a case with `${dms-1}`, `${dms-2}`, `${third}` and `${device}` filled in.
    pub fn fill(&self, text: &str) -> String {
        text.replace("${dms-1}", &self.parties.dms_1)
            .replace("${dms-2}", &self.parties.dms_2)
            .replace("${third}", &self.parties.third)
            .replace("${device}", &self.parties.device)
    }
}
