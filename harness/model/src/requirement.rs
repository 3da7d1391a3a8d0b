//! Requirements and the identifiers that cases and findings refer to.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::{CheckKind, Untested};
use crate::{Role, Step};

/// The identifier of a requirement, such as `DEL-8-3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequirementId(pub String);

/// The identifier of a test case, such as `DEL-DMS1-8-030`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It fails the product.
    Fail,
    /// It warns; `--strict` makes it fail.
    Warn,
    /// It fails a product that claims it, and does not concern the others.
    FailIfClaimed,
    /// It is no requirement of the procedure: it is reported in a section of its own, and weighs on no conformance.
    Robustness,
}

impl RequirementId {
    /// What the identifiers of requirements of weight [`Weight::Robustness`] begin with, and no others.
    pub const ROBUSTNESS: &'static str = "ROB-";

    /// Whether it is a requirement of weight [`Weight::Robustness`].
    pub fn is_of_robustness(&self) -> bool {
        self.0.starts_with(Self::ROBUSTNESS)
    }
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
    /// The claims of which each makes it apply, for weight `fail-if-claimed`; where there are several, a case says which one it is
    /// about. Transcripts of before have one, as `claim`.
    #[serde(
        default,
        alias = "claim",
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub claims: Vec<String>,
    /// Where the text that backs it is to be found; where no text does, what it is inferred from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What of it is not tested, and why.
    #[serde(default, rename = "not-tested", skip_serializing_if = "Vec::is_empty")]
    pub not_tested: Vec<NotTested>,
}

/// One text, or a list of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;

    impl<'de> serde::de::Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a name, or a list of names")
        }

        fn visit_str<E: serde::de::Error>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut many: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some(name) = many.next_element()? {
                names.push(name);
            }
            Ok(names)
        }
    }

    source.deserialize_any(OneOrMany)
}

/// A kind of check of a requirement that no case makes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotTested {
    /// For which roles; for all that it binds, if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Role>,
    /// Which kind of check; both, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckKind>,
    /// Why not, in a word.
    pub reason: Untested,
    /// Why not, in a sentence.
    pub why: String,
}

impl Requirement {
    /// The claims in words: "`revocation` or `mac`".
    pub fn claims_in_words(&self) -> String {
        let named: Vec<String> = self.claims.iter().map(|claim| format!("`{claim}`")).collect();
        named.join(" or ")
    }

    /// Why a kind of check of it is not made for a role, where it is not.
    pub fn untested(&self, role: Role, check: CheckKind) -> Option<&NotTested> {
        self.not_tested.iter().find(|untested| {
            (untested.of.is_empty() || untested.of.contains(&role))
                && untested.check.is_none_or(|known| known == check)
        })
    }
}

/// Something about delegations that no requirement states, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenQuestion {
    /// The steps it concerns; empty when it concerns all.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What is not tested.
    pub words: String,
    /// Why not, in a word.
    pub reason: Untested,
    /// Why not, in a sentence.
    pub why: String,
}
