//! Findings: one thing that was broken, with everything that is needed to act on it.

use dmconform_model::result::Evidence;
use dmconform_model::{
    Blame, Check, Finding, FindingCode, Place, RequirementId, Role, Step, Verdict, Weight,
};

use crate::header::Header;

/// What came of one thing that had to be seen.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It was seen.
    Held(Vec<Check>),
    /// A requirement was broken.
    Broken(Box<Finding>),
    /// It could not be judged.
    Unreached(String),
}

/// The facts of a breach; [`broken`] makes a finding of them.
pub(crate) struct Breach<'a> {
    /// The kind of breach.
    pub code: FindingCode,
    /// The requirement.
    pub requirement: &'a RequirementId,
    /// The step.
    pub step: Step,
    /// Who broke it.
    pub blame: Role,
    /// Who saw it.
    pub observed_by: Option<Role>,
    /// What would have been acceptable.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The proof.
    pub records: Vec<u64>,
    /// What asked for it.
    pub place: Option<&'a Place>,
}

/// A finding of weight and words as the requirement has them. Nobody breaks a requirement that does not bind them.
pub(crate) fn broken(header: &Header, breach: Breach<'_>) -> Outcome {
    if !header.binds(breach.requirement, breach.blame) {
        return Outcome::Unreached(format!(
            "{}, which {} does not ask of {}: {}",
            breach.expected,
            breach.requirement,
            breach.blame.title(),
            breach.observed
        ));
    }
    let mut records = breach.records;
    records.sort_unstable();
    records.dedup();
    Outcome::Broken(Box::new(Finding {
        verdict: weigh(header, breach.requirement),
        code: breach.code.as_str().to_owned(),
        requirement: Some(breach.requirement.clone()),
        statement: header.words(breach.requirement).to_owned(),
        step: Some(breach.step),
        blame: Some(Blame::from(breach.blame)),
        product: None,
        observed_by: breach.observed_by,
        expected: breach.expected,
        observed: breach.observed,
        place: breach.place.cloned(),
        evidence: Evidence {
            transcript: header.transcript.clone(),
            records,
        },
        see: None,
        rerun: header.rerun.clone(),
    }))
}

/// What breaking a requirement comes to in this run.
fn weigh(header: &Header, requirement: &RequirementId) -> Verdict {
    match header.requirements.get(requirement).map(|known| known.weight) {
        Some(Weight::Warn) if !header.strict => Verdict::Warn,
        _ => Verdict::Fail,
    }
}

/// One thing that held.
pub(crate) fn held(requirement: &RequirementId, what: impl Into<String>, records: Vec<u64>) -> Outcome {
    Outcome::Held(vec![Check {
        requirement: Some(requirement.clone()),
        what: what.into(),
        records,
    }])
}
