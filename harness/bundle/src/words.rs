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
            Self::Certified if warnings == 1 => "certified, with warnings in one case".to_owned(),
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

#[cfg(test)]
mod tests {
    use dmconform_case::implementation::Product;
    use dmconform_model::CaseId;
    use dmconform_model::result::Claim;

    use super::*;
    use crate::catalogue::CatalogueId;
    use crate::certification::{Excluded, ProfileUsed, Selected};

    fn certification(outcome: Outcome) -> Certification {
        Certification {
            outcome,
            product: Product {
                vendor: "Acme".to_owned(),
                product: "Manager".to_owned(),
                version: "2.1".to_owned(),
            },
            plays: vec![Role::Dms2, Role::BootstrapServer],
            claims: vec![Claim {
                name: "opens".to_owned(),
                value: "dms-2".to_owned(),
            }],
            run: "20260101T000000-7".to_owned(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            attempt: 3,
            harness: "0.1.0".to_owned(),
            judge: "0.1.0".to_owned(),
            binary: "b1".to_owned(),
            catalogue: CatalogueId {
                version: "0.1.0".to_owned(),
                sha256: "c2".to_owned(),
            },
            profile: ProfileUsed {
                name: "acme-json".to_owned(),
                is_default: false,
                sha256: "d3".to_owned(),
            },
            implementation: "e4".to_owned(),
            selection: Selected {
                count: 124,
                sha256: "f5".to_owned(),
                not_applicable: vec![Excluded {
                    case: CaseId("DEL-DMS2-0-560".to_owned()),
                    reason: "it does not claim authentication by mac".to_owned(),
                }],
            },
            summary: Summary::from([
                (Verdict::Pass, 87),
                (Verdict::Warn, 1),
                (Verdict::NotApplicable, 1),
            ]),
            robustness: Summary::new(),
        }
    }

    #[test]
    fn a_statement_says_all_that_a_reader_asks_for() {
        let other = |run: &str, outcome| OtherAttempt {
            run: run.to_owned(),
            began: "2025-12-31T00:00:00Z".to_owned(),
            plays: vec![Role::Dms2],
            outcome,
        };
        let others = [other("1", Some(Outcome::Failed)), other("2", None)];
        insta::assert_snapshot!(certification(Outcome::Certified).to_text(&others));
    }

    #[test]
    fn nothing_else_than_certified_begins_with_that_word() {
        for outcome in [
            Outcome::Failed,
            Outcome::Inconclusive,
            Outcome::Error,
            Outcome::BrokenOff,
            Outcome::NothingJudged,
        ] {
            let text = certification(outcome).to_text(&[]);
            assert!(text.contains("outcome: not certified: "), "{text}");
        }
    }
}
