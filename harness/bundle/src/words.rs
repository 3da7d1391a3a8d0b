//! What is stated of a certification, in words for people.

use dmconform_model::{Role, Summary, Verdict};

use crate::attempts::OtherAttempt;
use crate::certification::{Certification, Outcome};

impl Certification {
    /// The statement as text, a line for each thing.
    pub fn to_text(&self, others: &[OtherAttempt]) -> String {
        let claims: Vec<String> = self
            .claims
            .iter()
            .map(|claim| format!("{}: {}", claim.name, claim.value))
            .collect();
        let profile = match self.profile.is_default {
            true => self.profile.name.clone(),
            false => format!("{}, which is not the default", self.profile.name),
        };
        let excluded = self.selection.not_applicable.iter();
        let excluded: String = excluded
            .map(|excluded| format!("\n                  {}: {}", excluded.case, excluded.reason))
            .collect();
        let lines = [
            ("outcome", self.outcome.in_words(&self.summary)),
            ("product", format!("{} as {}", self.product, roles(&self.plays))),
            ("claims", claims.join("; ")),
            ("run", format!("{}, begun {}", self.run, self.started)),
            ("attempt", attempt(self.attempt, others)),
            (
                "catalogue",
                named(&self.catalogue.version, &self.catalogue.sha256),
            ),
            ("profile", named(&profile, &self.profile.sha256)),
            (
                "selected",
                named(&format!("{} cases", self.selection.count), &self.selection.sha256),
            ),
            ("verdicts", counted(&self.summary)),
            ("robustness", counted(&self.robustness)),
            (
                "not applicable",
                format!("{}{excluded}", self.selection.not_applicable.len()),
            ),
            (
                "judged by",
                format!("dmconform {}, program sha256 {}", self.judge, self.binary),
            ),
        ];
        lines
            .into_iter()
            .map(|(name, text)| format!("{name:>14}: {text}\n"))
            .collect()
    }
}

impl Outcome {
    fn in_words(self, summary: &Summary) -> String {
        let warnings = summary.get(&Verdict::Warn).copied().unwrap_or_default();
        match self {
            Self::Certified if warnings > 0 => format!("certified, with warnings in {warnings} cases"),
            Self::Certified => "certified".to_owned(),
            Self::Failed => "not certified: a requirement was broken".to_owned(),
            Self::Inconclusive => "not certified: something could not be judged".to_owned(),
            Self::Error => "not certified: the product could not be tested, or the harness failed".to_owned(),
            Self::BrokenOff => "not certified: the run was broken off".to_owned(),
            Self::NothingJudged => {
                "not certified: the claims select nothing that weighs on conformance".to_owned()
            }
        }
    }
}

fn named(name: &str, sha256: &str) -> String {
    format!("{name}, sha256 {sha256}")
}

fn counted(summary: &Summary) -> String {
    let counts = summary
        .iter()
        .filter(|(verdict, count)| **verdict != Verdict::NotApplicable && **count > 0);
    let counts: Vec<String> = counts
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    match counts.is_empty() {
        true => "none".to_owned(),
        false => counts.join(", "),
    }
}

fn attempt(number: u64, others: &[OtherAttempt]) -> String {
    if others.is_empty() {
        return format!("{number}, the only one until then");
    }
    let others = others.iter().map(|other| {
        let outcome = other.outcome.map_or("not ended", Outcome::as_str);
        format!("{outcome} ({}, as {})", other.began, roles(&other.plays))
    });
    let others: Vec<String> = others.collect();
    format!("{number}; the others until then: {}", others.join(", "))
}

fn roles(plays: &[Role]) -> String {
    let names: Vec<&str> = plays.iter().map(|role| role.as_str()).collect();
    names.join(", ")
}
