//! What is signed: an in-toto statement with the predicate `test-result`.
//!
//! `failedTests` has every case that weighs on conformance and did not pass, inconclusive ones included: whoever looks only
//! there takes nothing for passed that was not judged.

use dmconform_model::{CaseResult, RunRecord, Verdict};
use serde::Serialize;

use crate::certification::{Certification, Outcome};
use crate::contents::names;

/// The type of the statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The type of what it says.
pub const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// A statement of a certification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Descriptor>,
    predicate_type: &'static str,
    predicate: Predicate,
}

/// A thing, by its name and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Descriptor {
    name: String,
    digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Digest {
    sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    result: &'static str,
    configuration: Vec<Descriptor>,
    passed_tests: Vec<String>,
    warned_tests: Vec<String>,
    failed_tests: Vec<String>,
    /// What the type of the predicate has no words for.
    certification: Certification,
}

impl Statement {
    /// The statement of a certification and its results, about the files of a manifest.
    pub(crate) fn new(certification: Certification, record: &RunRecord, manifest: &str) -> Self {
        let described = |name: &str, sha256: &str| Descriptor {
            name: name.to_owned(),
            digest: Digest {
                sha256: sha256.to_owned(),
            },
        };
        let tests = |is_meant: fn(Verdict) -> bool| {
            let weighing = record.cases.iter().filter(|case| record.counts(case));
            let meant = weighing.filter(|case: &&CaseResult| is_meant(case.verdict));
            meant.map(|case| case.id.0.clone()).collect::<Vec<_>>()
        };
        let warned = tests(|verdict| verdict == Verdict::Warn);
        let result = match certification.outcome {
            Outcome::Certified if warned.is_empty() => "PASSED",
            Outcome::Certified => "WARNED",
            _ => "FAILED",
        };
        Self {
            kind: STATEMENT_TYPE,
            subject: vec![
                described(&certification.product.to_string(), &certification.implementation),
                described(names::MANIFEST, manifest),
            ],
            predicate_type: PREDICATE_TYPE,
            predicate: Predicate {
                result,
                configuration: vec![
                    described("catalogue", &certification.catalogue.sha256),
                    described(names::CASES, &certification.selection.sha256),
                    described(names::PROFILE, &certification.profile.sha256),
                    described(names::IMPLEMENTATION, &certification.implementation),
                    described(
                        &format!("dmconform {}", certification.harness),
                        &certification.binary,
                    ),
                ],
                passed_tests: tests(|verdict| verdict == Verdict::Pass),
                warned_tests: warned,
                failed_tests: tests(|verdict| {
                    matches!(verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::Error)
                }),
                certification,
            },
        }
    }

    /// The text that is signed.
    ///
    /// # Panics
    /// Never: a statement has only texts and numbers.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a statement has only texts and numbers");
        text.push(b'\n');
        text
    }
}
