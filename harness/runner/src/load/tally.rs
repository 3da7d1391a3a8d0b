//! What comes of delegations, counted as they end.

use std::collections::BTreeMap;

use dmconform_model::load::{Fault, Latency, Level, MessageLatency};
use dmconform_model::result::{Blame, Summary};
use dmconform_model::{CaseResult, MessageId, RequirementId, Role, Verdict};
use hdrhistogram::Histogram;

/// How many transcripts of each kind of finding are kept.
const TRANSCRIPTS: usize = 3;

/// How many kinds of findings are told apart; what else there is counts as one more.
const MOST_KINDS: usize = 200;

/// The longest time that is told apart: one hour, in microseconds.
pub(super) const LONGEST_US: u64 = 3_600_000_000;

/// One delegation that has ended.
pub(super) struct Ended {
    pub(super) result: CaseResult,
    /// How many were in flight when it began or when it ended, whichever is more, itself included.
    pub(super) in_flight: u32,
    /// From when it was to begin to its last message, in microseconds.
    pub(super) whole_us: u64,
    /// What the product sent, and how long after the message before it, in microseconds.
    pub(super) messages: Vec<(MessageId, Role, u64)>,
}

/// What has come of all that ended.
pub(super) struct Tally {
    verdicts: Summary,
    whole: Histogram<u64>,
    messages: BTreeMap<(MessageId, Role), Histogram<u64>>,
    faults: BTreeMap<Kind, Fault>,
    levels: BTreeMap<u32, AtLevel>,
}

/// What makes findings the same kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    code: String,
    requirement: Option<RequirementId>,
    blame: Option<Blame>,
    /// What happened, where that is all there is to tell them apart: numbers aside, which differ each time.
    happened: String,
}

struct AtLevel {
    delegations: u32,
    not_passed: u32,
    /// Of those that passed.
    whole: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            verdicts: dmconform_model::result::summarise(&[]),
            whole: histogram(),
            messages: BTreeMap::new(),
            faults: BTreeMap::new(),
            levels: BTreeMap::new(),
        }
    }

    /// Counts a delegation; whether its transcript is worth keeping.
    pub(super) fn add(&mut self, ended: &Ended, transcript: &str) -> bool {
        let verdict = ended.result.verdict;
        *self.verdicts.entry(verdict).or_default() += 1;
        let passed = has_passed(verdict);
        let level = self
            .levels
            .entry(level(ended.in_flight))
            .or_insert_with(|| AtLevel {
                delegations: 0,
                not_passed: 0,
                whole: histogram(),
            });
        level.delegations += 1;
        level.not_passed += u32::from(!passed);
        if passed {
            // What broke off early was not quick.
            level.whole.saturating_record(ended.whole_us);
            self.whole.saturating_record(ended.whole_us);
        }
        for (message, from, took_us) in &ended.messages {
            let of_message = self.messages.entry((*message, *from)).or_insert_with(histogram);
            of_message.saturating_record(*took_us);
        }
        let mut is_kept = false;
        // A kind is counted once in a delegation, however often it was found there.
        let mut found = BTreeMap::new();
        for fault in faults(&ended.result) {
            found.entry(kind(&fault)).or_insert(fault);
        }
        for (kind, fault) in found {
            let is_one_more = self.faults.len() >= MOST_KINDS && !self.faults.contains_key(&kind);
            let (kind, fault) = match is_one_more {
                true => others(fault.verdict),
                false => (kind, fault),
            };
            let known = self.faults.entry(kind).or_insert(fault);
            known.count += 1;
            if known.transcripts.len() < TRANSCRIPTS {
                known.transcripts.push(transcript.to_owned());
                is_kept = true;
            }
        }
        is_kept
    }

    pub(super) fn not_passed(&self) -> u32 {
        let bad = self.verdicts.iter().filter(|(verdict, _)| !has_passed(**verdict));
        bad.map(|(_, count)| count).sum()
    }

    /// What 99 of a hundred did not exceed so far, in microseconds; nothing before one has passed.
    pub(super) fn p99_us(&self) -> Option<u64> {
        (!self.whole.is_empty()).then(|| self.whole.value_at_quantile(0.99))
    }

    pub(super) fn verdicts(&self) -> Summary {
        self.verdicts.clone()
    }

    pub(super) fn whole(&self) -> Latency {
        latency(&self.whole)
    }

    pub(super) fn messages(&self) -> Vec<MessageLatency> {
        let messages = self.messages.iter();
        messages
            .map(|((message, from), histogram)| MessageLatency {
                message: *message,
                from: *from,
                latency: latency(histogram),
            })
            .collect()
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self.faults.values().cloned().collect();
        faults.sort_by_key(|fault| std::cmp::Reverse(fault.count));
        faults
    }

    pub(super) fn levels(&self) -> Vec<Level> {
        let levels = self.levels.iter();
        levels
            .map(|(from, at)| Level {
                from: *from,
                to: from.saturating_mul(2) - 1,
                delegations: at.delegations,
                not_passed: at.not_passed,
                median_us: at.whole.value_at_quantile(0.5),
                p99_us: at.whole.value_at_quantile(0.99),
            })
            .collect()
    }
}

/// Whether a delegation counts as passed: what only warns has come to its end.
pub(super) const fn has_passed(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Warn)
}

/// Loads are told apart by powers of two.
const fn level(in_flight: u32) -> u32 {
    match in_flight {
        0 => 1,
        _ => 1 << in_flight.ilog2(),
    }
}

/// What is wrong with a delegation; something wherever it did not pass.
fn faults(result: &CaseResult) -> Vec<Fault> {
    let findings = result.findings.iter();
    findings
        .map(|finding| Fault {
            verdict: finding.verdict,
            code: finding.code.clone(),
            requirement: finding
                .requirement
                .clone()
                .filter(|_| is_of_requirement(&finding.code)),
            blame: finding.blame,
            statement: match is_of_requirement(&finding.code) {
                true => finding.statement.clone(),
                false => finding.observed.clone(),
            },
            observed: finding.observed.clone(),
            count: 0,
            transcripts: Vec::new(),
        })
        .collect()
}

/// Whether a finding of this code is the breach of a requirement. The others are about the delegation as a whole, and only what
/// happened tells them apart.
fn is_of_requirement(code: &str) -> bool {
    ![Verdict::Error, Verdict::Inconclusive]
        .map(Verdict::as_str)
        .contains(&code)
}

fn kind(fault: &Fault) -> Kind {
    Kind {
        code: fault.code.clone(),
        requirement: fault.requirement.clone(),
        blame: fault.blame,
        happened: match is_of_requirement(&fault.code) {
            true => String::new(),
            false => without_numbers(&fault.observed),
        },
    }
}

/// What counts for all kinds that are too many to be told apart.
fn others(verdict: Verdict) -> (Kind, Fault) {
    let fault = Fault {
        verdict,
        code: verdict.as_str().to_owned(),
        requirement: None,
        blame: None,
        statement: format!("something else, of more than {MOST_KINDS} kinds"),
        observed: String::new(),
        count: 0,
        transcripts: Vec::new(),
    };
    let kind = Kind {
        code: "others".to_owned(),
        requirement: None,
        blame: None,
        happened: verdict.as_str().to_owned(),
    };
    (kind, fault)
}

/// A text with its numbers as one sign each: times, ports and names of devices differ from delegation to delegation.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            other => plain.push(other),
        }
    }
    plain
}

pub(super) fn histogram() -> Histogram<u64> {
    // Three digits are what the library can tell apart, and the bounds are in order.
    #[expect(
        clippy::unwrap_used,
        reason = "the bounds are constants that the library takes"
    )]
    Histogram::new_with_bounds(1, LONGEST_US, 3).unwrap()
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    if histogram.is_empty() {
        return Latency::default();
    }
    let at = |per_mille: u32| match per_mille {
        0 => histogram.min(),
        _ => histogram.value_at_quantile(f64::from(per_mille) / 1000.0),
    };
    Latency {
        count: histogram.len(),
        mean_us: histogram.mean(),
        per_mille_us: Latency::KEPT.map(|per_mille| (per_mille, at(per_mille))).into(),
    }
}

#[cfg(test)]
mod tests {
    use dmconform_model::Finding;
    use dmconform_model::result::Evidence;

    use super::*;
    use crate::selection::excluded;

    #[test]
    fn loads_are_told_apart_by_powers_of_two() {
        assert_eq!([0, 1, 2, 3, 4, 1023, 1024].map(level), [1, 1, 2, 2, 4, 512, 1024]);
    }

    #[test]
    fn what_differs_in_numbers_only_is_one_kind() {
        let one = without_numbers("nothing within 5s, from 127.0.0.1:4711");
        assert_eq!(one, without_numbers("nothing within 15s, from 127.0.0.1:80"));
        assert_ne!(one, without_numbers("nothing within 5s"));
    }

    #[test]
    fn what_happened_tells_errors_apart_and_says_what_they_were() {
        let of = |code: &str, observed: &str| {
            kind(&Fault {
                verdict: Verdict::Error,
                code: code.to_owned(),
                requirement: None,
                blame: None,
                statement: String::new(),
                observed: observed.to_owned(),
                count: 0,
                transcripts: Vec::new(),
            })
        };
        assert_ne!(of("error", "no connection"), of("error", "the disk is full"));
        assert_eq!(of("missing", "nothing came"), of("missing", "it was refused"));
    }

    /// A delegation that came to an error, for this reason.
    fn error_result(reason: &str) -> CaseResult {
        let suite = dmconform_case::suite::Suite::embedded();
        let case = suite.cases.first().expect("the suite has cases");
        let finding = Finding {
            verdict: Verdict::Error,
            code: "error".to_owned(),
            requirement: case.covers.first().cloned(),
            statement: case.purpose.clone(),
            step: None,
            blame: Some(Blame::Harness),
            product: None,
            observed_by: None,
            expected: String::new(),
            observed: reason.to_owned(),
            place: None,
            evidence: Evidence::default(),
            see: None,
            rerun: String::new(),
        };
        CaseResult {
            verdict: Verdict::Error,
            findings: vec![finding],
            ..excluded("product", case, String::new())
        }
    }

    #[test]
    fn what_is_of_too_many_kinds_counts_as_one_more() {
        let mut tally = Tally::new();
        for number in 0..MOST_KINDS + 7 {
            // Numbers alone tell nothing apart.
            let result = error_result(&format!("a reason of its own: {}", "x".repeat(number)));
            let ended = Ended {
                result,
                in_flight: 1,
                whole_us: 1,
                messages: Vec::new(),
            };
            tally.add(&ended, "");
        }
        let faults = tally.faults();
        assert_eq!(faults.len(), MOST_KINDS + 1);
        let first = faults.first().expect("there are some");
        assert_eq!(first.count, 7, "{first:?}");
        assert!(first.statement.contains("something else"), "{first:?}");
    }

    #[test]
    fn what_nothing_was_measured_of_has_no_latency() {
        assert_eq!(latency(&histogram()), Latency::default());
        let mut some = histogram();
        some.saturating_record(5);
        some.saturating_record(u64::MAX);
        let found = latency(&some);
        assert_eq!((found.count, found.at(0)), (2, 5));
        assert!(found.at(1000) >= LONGEST_US, "{found:?}");
    }
}
