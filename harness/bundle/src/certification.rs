//! What a certification is locked to before it begins, and what is stated of it afterwards.

use dmconform_case::Suite;
use dmconform_case::implementation::{Implementation, Product};
use dmconform_case::read::{self, Source};
use dmconform_case::stated::stated;
use dmconform_case::suite::PROFILE;
use dmconform_model::result::Claim;
use dmconform_model::{CaseId, Diagnostic, Role, RunRecord, Summary, Target, Verdict};
use dmconform_runner::Selection;
use serde::{Deserialize, Serialize};

use crate::archive::{Files, is_plain};
use crate::attempts::Began;
use crate::catalogue::{CatalogueId, digest, published};
use crate::contents::{cases_text, names};
use crate::digest::sha256;
use crate::refusal::Refusal;

/// The longest name of a product in results, in octets.
const LONGEST_NAME: usize = 100;

/// What is stated of a certification: everything that a reader of a certificate asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certification {
    /// What came out.
    pub outcome: Outcome,
    /// The product.
    pub product: Product,
    /// The roles in which it was tested.
    pub plays: Vec<Role>,
    /// What it claims.
    pub claims: Vec<Claim>,
    /// The run, and when it began.
    pub run: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// Which attempt of the product it is, from 1.
    pub attempt: u64,
    /// The version of dmconform.
    pub harness: String,
    /// The version of its judge.
    pub judge: String,
    /// The digest of its program file.
    pub binary: String,
    /// The catalogue.
    pub catalogue: CatalogueId,
    /// How the messages between the servers were written.
    pub profile: ProfileUsed,
    /// The digest of the implementation file.
    pub implementation: String,
    /// What the claims select of the catalogue.
    pub selection: Selected,
    /// How many cases that weigh on conformance came to which verdict.
    pub summary: Summary,
    /// The same for what a product withstands, which is reported apart.
    pub robustness: Summary,
}

/// The profile of a certification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProfileUsed {
    /// The name that it gives itself.
    pub name: String,
    /// Whether it is the default profile of the catalogue.
    pub is_default: bool,
    /// Its digest.
    pub sha256: String,
}

/// What the claims of a product select of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Selected {
    /// How many cases.
    pub count: usize,
    /// The digest of the cases as they were resolved.
    pub sha256: String,
    /// The cases of its roles that do not apply, and why.
    pub not_applicable: Vec<Excluded>,
}

/// A case that does not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Excluded {
    /// The case.
    pub case: CaseId,
    /// The claim, or the lack of one, that excludes it.
    pub reason: String,
}

/// What a certification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every case that weighs on conformance passed; some may have warned.
    Certified,
    /// A requirement was broken.
    Failed,
    /// Nothing failed, but something could not be judged.
    Inconclusive,
    /// The product could not be started or reached, or the harness failed.
    Error,
    /// The run was ended before everything was judged.
    BrokenOff,
    /// The claims select nothing that weighs on conformance.
    NothingJudged,
}

impl Outcome {
    /// What a run came to. A warning does not stand in the way; anything else that is no pass does.
    pub fn of(record: &RunRecord) -> Self {
        if record.run.cancelled && record.problems.is_empty() {
            return match record.exit_code() {
                1 => Self::Failed,
                _ => Self::BrokenOff,
            };
        }
        match record.exit_code() {
            5 => Self::Error,
            1 => Self::Failed,
            3 => Self::Inconclusive,
            0 if judges_conformance(record) => Self::Certified,
            _ => Self::NothingJudged,
        }
    }

    /// The exit code of the run.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Certified => 0,
            Self::Failed => 1,
            Self::Inconclusive => 3,
            Self::NothingJudged => 4,
            Self::Error | Self::BrokenOff => 5,
        }
    }

    /// The name used in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certified => "certified",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::BrokenOff => "broken-off",
            Self::NothingJudged => "nothing-judged",
        }
    }
}

fn judges_conformance(record: &RunRecord) -> bool {
    let mut weighing = record.cases.iter().filter(|case| case.weighs());
    weighing.any(|case| matches!(case.verdict, Verdict::Pass | Verdict::Warn))
}

/// What a certification is locked to: a catalogue, a product with its claims, a profile, and what follows from them.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The catalogue, with the profile.
    pub suite: Suite,
    /// The product and its claims.
    pub implementation: Implementation,
    /// What the claims select.
    pub selection: Selection,
    /// The product, as results call it.
    pub target: Target,
    catalogue: CatalogueId,
    profile: ProfileUsed,
    implementation_digest: String,
    selection_digest: String,
}

impl Locked {
    /// Computes what a certification is locked to, from the files of the catalogue, the implementation file and the profile.
    /// `name` is what results call the product.
    ///
    /// # Errors
    /// A file that cannot be read, or a catalogue that was never published.
    pub fn new(
        catalogue: &Files,
        implementation: &[u8],
        profile: &[u8],
        name: &str,
    ) -> Result<Self, Refusal> {
        // It is part of the names of the transcripts, which have to find room in an archive.
        if !is_plain(name) || name.contains('/') || name.len() > LONGEST_NAME {
            return Err(Refusal::BadName(name.to_owned()));
        }
        let sha256_of_catalogue = digest(catalogue);
        let mut known = published().into_iter();
        let id = known
            .find(|known| known.sha256 == sha256_of_catalogue)
            .ok_or(Refusal::UnknownCatalogue(sha256_of_catalogue))?;
        let profile_text = text(names::PROFILE, profile)?;
        let mut files: Vec<(&str, &str)> = vec![(PROFILE, profile_text)];
        for (file, octets) in catalogue.iter().filter(|(file, _)| *file != PROFILE) {
            files.push((file, text(file, octets)?));
        }
        let suite = Suite::load_named(files, Some(names::PROFILE))
            .map_err(|problems| unreadable("catalogue", &problems))?;
        let source = Source {
            name: names::IMPLEMENTATION,
            text: text(names::IMPLEMENTATION, implementation)?,
        };
        let product =
            read::implementation(source).map_err(|problems| unreadable(names::IMPLEMENTATION, &problems))?;
        let selection = dmconform_runner::selection(&suite, &product, name);
        Ok(Self {
            catalogue: id,
            profile: ProfileUsed {
                name: suite.profile.profile.clone(),
                is_default: catalogue.get(PROFILE).is_some_and(|default| default == profile),
                sha256: sha256(profile),
            },
            implementation_digest: sha256(implementation),
            selection_digest: sha256(cases_text(&selection).as_bytes()),
            target: Target {
                name: name.to_owned(),
                product: product.implementation.to_string(),
                plays: product.plays.clone(),
                products: std::collections::BTreeMap::new(),
                full_names: std::collections::BTreeMap::new(),
                claims: Vec::new(),
            },
            suite,
            implementation: product,
            selection,
        })
    }

    /// What an attempt begins with.
    pub fn began(&self, harness: &str, judge: &str, binary: &str) -> Began {
        Began {
            harness: harness.to_owned(),
            judge: judge.to_owned(),
            binary: binary.to_owned(),
            plays: self.implementation.plays.clone(),
            catalogue: self.catalogue.sha256.clone(),
            implementation: self.implementation_digest.clone(),
            profile: self.profile.sha256.clone(),
            selection: self.selection_digest.clone(),
        }
    }

    /// The product, with its claims, as a run tells them.
    pub fn target_with_claims(&self) -> Target {
        Target {
            claims: self.claims(),
            ..self.target.clone()
        }
    }

    /// Whether every case that the claims select was judged. Of a run in which some were not, there is no bundle.
    pub fn is_wholly_judged(&self, record: &RunRecord) -> bool {
        let is_judged = |id: &CaseId| record.cases.iter().any(|result| result.id == *id);
        self.selection.cases.iter().all(|case| is_judged(&case.id))
    }

    fn claims(&self) -> Vec<Claim> {
        stated(&self.implementation.supports, &self.implementation.limits)
    }

    /// What is stated of a run that was begun as `began`. What it was locked to is said as it was said then: another version may
    /// find other words for the same.
    pub fn certification(&self, record: &RunRecord, began: &Began, attempt: u64) -> Certification {
        let targets = record.run.targets.iter();
        let said = |id: &CaseId| {
            let result = record.cases.iter().find(|result| result.id == *id);
            result.and_then(|result| result.reason.clone())
        };
        let excluded = self.selection.not_applicable.iter();
        Certification {
            outcome: Outcome::of(record),
            product: self.implementation.implementation.clone(),
            plays: self.implementation.plays.clone(),
            claims: targets.flat_map(|target| target.claims.clone()).collect(),
            run: record.run.id.clone(),
            started: record.run.started.clone(),
            attempt,
            harness: began.harness.clone(),
            judge: began.judge.clone(),
            binary: began.binary.clone(),
            catalogue: self.catalogue.clone(),
            profile: self.profile.clone(),
            implementation: self.implementation_digest.clone(),
            selection: Selected {
                count: self.selection.cases.len(),
                sha256: began.selection.clone(),
                not_applicable: excluded
                    .map(|case| Excluded {
                        case: case.id.clone(),
                        reason: said(&case.id).unwrap_or_default(),
                    })
                    .collect(),
            },
            summary: record.summary.clone(),
            robustness: record.robustness.clone(),
        }
    }
}

/// A file as text.
pub(crate) fn text<'a>(name: &str, octets: &'a [u8]) -> Result<&'a str, Refusal> {
    std::str::from_utf8(octets).map_err(|error| Refusal::Unreadable {
        name: name.to_owned(),
        why: error.to_string(),
    })
}

fn unreadable(name: &str, problems: &[Diagnostic]) -> Refusal {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    Refusal::Unreadable {
        name: name.to_owned(),
        why: messages.join("; "),
    }
}
