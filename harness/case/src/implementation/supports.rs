//! What a product claims to support (ICS).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claims::{Authentication, BootstrapForm, Claim, DelegationType, Encoding};
use crate::test_case::Opener;

/// What a product claims to support (ICS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Supports {
    /// Who may open a delegation in which it takes part.
    pub opens: Opens,
    /// Whether, as DMS-1, it removes its own account (step 8b).
    pub removes_own_account: Removal,
    /// How the messages of its DM sessions may be written. A client says in which way it writes itself.
    pub encodings: Vec<Encoding>,
    /// How it proves itself in DM sessions, and lets others do it.
    pub authentication: Vec<Authentication>,
    /// The forms of bootstrap documents that it takes, as a client.
    pub bootstraps: Vec<BootstrapForm>,
    /// The types of delegation that it takes part in.
    pub delegation_types: Vec<DelegationType>,
    /// How many delegations it takes part in at once; as many as there are devices if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub concurrent_delegations: Option<u32>,
    /// Further claims.
    pub claims: Vec<Claim>,
}

impl Supports {
    /// Whether a claim is made, by the name that requirements use for it: of an encoding, a way to prove oneself, a form of
    /// bootstrap, or anything else.
    pub fn includes(&self, claim: &str) -> bool {
        self.encodings.iter().any(|known| known.as_str() == claim)
            || self.authentication.iter().any(|known| known.as_str() == claim)
            || self.bootstraps.iter().any(|known| known.as_str() == claim)
            || self.claims.iter().any(|known| known.as_str() == claim)
    }
}

impl Default for Supports {
    fn default() -> Self {
        Self {
            opens: Opens::default(),
            removes_own_account: Removal::default(),
            encodings: vec![Encoding::default()],
            authentication: vec![Authentication::default()],
            bootstraps: vec![BootstrapForm::default()],
            delegation_types: DelegationType::ALL.to_vec(),
            concurrent_delegations: None,
            claims: Vec::new(),
        }
    }
}

/// Who may open a delegation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Opens {
    /// DMS-1 only.
    #[serde(rename = "dms-1")]
    Dms1,
    /// DMS-2 only.
    #[serde(rename = "dms-2")]
    Dms2,
    /// Either.
    #[default]
    #[serde(rename = "either")]
    Either,
}

impl Opens {
    /// Whether this claim includes an opener.
    pub const fn includes(self, opener: Opener) -> bool {
        matches!(
            (self, opener),
            (Self::Either, _) | (Self::Dms1, Opener::Dms1) | (Self::Dms2, Opener::Dms2)
        )
    }
}

/// Whether DMS-1 removes its own account from the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// In every delegation.
    Always,
    /// In none.
    Never,
    /// When the trigger asks for it.
    #[default]
    OnRequest,
}
