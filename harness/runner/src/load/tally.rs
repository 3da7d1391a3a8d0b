//! What comes of delegations, counted as they end.

use std::collections::BTreeMap;

use dmconform_model::load::{Fault, Latency, Level, MessageLatency};
use dmconform_model::result::{Blame, Summary};
use dmconform_model::{CaseResult, MessageId, RequirementId, Role, Verdict};
use hdrhistogram::Histogram;

/// How many transcripts of each kind of finding are kept.
const TRANSCRIPTS: usize = 3;

/// The longest time that is told apart: one hour, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;

/// One delegation that has ended.
pub(super) struct Ended {
    pub(super) result: CaseResult,
    /// How many were in flight when it began, itself included.
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
type Kind = (String, Option<RequirementId>, Option<Blame>);

struct AtLevel {
    not_passed: u32,
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
                not_passed: 0,
                whole: histogram(),
            });
        level.not_passed += u32::from(!passed);
        level.whole.saturating_record(ended.whole_us);
        if passed {
            // What broke off early was not quick.
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
            let kind = (fault.code.clone(), fault.requirement.clone(), fault.blame);
            found.entry(kind).or_insert(fault);
        }
        for (kind, fault) in found {
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

    /// What 99 of a hundred did not exceed so far, in microseconds.
    pub(super) fn p99_us(&self) -> u64 {
        self.whole.value_at_quantile(0.99)
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
                delegations: u32::try_from(at.whole.len()).unwrap_or(u32::MAX),
                not_passed: at.not_passed,
                median_us: at.whole.value_at_quantile(0.5),
                p99_us: at.whole.value_at_quantile(0.99),
            })
            .collect()
    }
}

/// Whether a delegation counts as passed: what only warns has come to its end.
const fn has_passed(verdict: Verdict) -> bool {
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
    let fault = |code: &str, statement: &str| Fault {
        verdict: result.verdict,
        code: code.to_owned(),
        requirement: None,
        blame: None,
        statement: statement.to_owned(),
        count: 0,
        transcripts: Vec::new(),
    };
    if result.verdict == Verdict::Pass {
        return Vec::new();
    }
    if result.findings.is_empty() {
        return vec![fault("no-finding", result.reason.as_deref().unwrap_or_default())];
    }
    let findings = result.findings.iter();
    findings
        .map(|finding| Fault {
            verdict: finding.verdict,
            requirement: finding.requirement.clone(),
            blame: finding.blame,
            ..fault(&finding.code, &finding.statement)
        })
        .collect()
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
    use super::*;

    #[test]
    fn loads_are_told_apart_by_powers_of_two() {
        assert_eq!([0, 1, 2, 3, 4, 1023, 1024].map(level), [1, 1, 2, 2, 4, 512, 1024]);
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
