//! The exit code of a run, and what it rests on.

use crate::{CaseResult, KnownFailure, RunRecord, Verdict};

impl RunRecord {
    /// The exit code of the run: 0 nothing failed, 1 a fail, 3 something inconclusive, 4 nothing judged, 5 an error, or not
    /// everything that was selected was judged.
    ///
    /// When several apply, the order is 5, 1, 3, 4, 0. Cases that do not weigh on conformance count only under
    /// `--strict`, or where nothing else was judged: then they are what was asked for. What is known fails nothing; a known
    /// failure that did not come as it is written down does.
    pub fn exit_code(&self) -> u8 {
        if !self.problems.is_empty() || self.is_broken_off() {
            return 5;
        }
        let counted: Vec<&CaseResult> = self.cases.iter().filter(|case| self.counts(case)).collect();
        let weighed = counted.iter().filter(|case| self.known(case).is_none());
        let verdicts: Vec<Verdict> = weighed.map(|case| self.verdict_for_code(case)).collect();
        match Self::code_of(&verdicts) {
            5 => 5,
            code if code == 1 || self.has_faults() => 1,
            4 if verdicts.len() < counted.len() || self.is_part_with_cases() => 0,
            code => code,
        }
    }

    /// Whether cases that were selected were not judged, and nothing that was asked for is the reason.
    pub fn is_broken_off(&self) -> bool {
        !self.not_run.is_empty() && self.run.stopped_by.is_none()
    }

    /// Whether it is a part of a run in which something was judged, though nothing that counts by itself.
    fn is_part_with_cases(&self) -> bool {
        let mut cases = self.cases.iter();
        self.run.shard.is_some() && cases.any(|case| case.verdict != Verdict::NotApplicable)
    }

    /// What a case counts as: one that passed at a later attempt is a failure, unless that is allowed.
    fn verdict_for_code(&self, case: &CaseResult) -> Verdict {
        match (case.is_flaky(), self.run.allow_flaky) {
            (true, true) => Verdict::Pass,
            (true, false) => Verdict::Fail,
            (false, _) => case.verdict,
        }
    }

    /// Why a case fails no run although it did not pass, where that was known before.
    pub fn known(&self, case: &CaseResult) -> Option<&KnownFailure> {
        self.gate.as_ref()?.known(case)
    }

    /// Whether a known failure did not come as it is written down.
    pub fn has_faults(&self) -> bool {
        self.gate
            .as_ref()
            .is_some_and(|gate| gate.faults().next().is_some())
    }

    /// The cases that make the run fail, and were not known to, in the order of the suite.
    pub fn unexpected(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.iter().filter(|case| {
            let verdict = self.verdict_for_code(case);
            matches!(verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::Error)
                && self.counts(case)
                && self.known(case).is_none()
        })
    }

    /// Whether a case counts for the exit code.
    pub fn counts(&self, case: &CaseResult) -> bool {
        case.weighs() || case.verdict == Verdict::Error || self.run.strict || self.is_of_robustness_only()
    }

    /// Whether nothing else was asked for. Where a part of a run has nothing else, that is chance, unless it was selected.
    fn is_of_robustness_only(&self) -> bool {
        if self.run.shard.is_some() && self.run.selection.is_empty() {
            return false;
        }
        let mut weighing = self.cases.iter().filter(|case| case.weighs());
        !weighing.any(|case| case.verdict != Verdict::NotApplicable)
    }

    /// The exit code of these verdicts.
    pub fn code_of(verdicts: &[Verdict]) -> u8 {
        let any = |verdict| verdicts.contains(&verdict);
        if any(Verdict::Error) {
            return 5;
        }
        if any(Verdict::Fail) {
            return 1;
        }
        if any(Verdict::Inconclusive) {
            return 3;
        }
        if !any(Verdict::Pass) && !any(Verdict::Warn) {
            return 4;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Entry, KnownVerdict};
    use crate::result::{Attempt, RunInfo, summarise, summarise_robustness};
    use crate::{CaseId, CaseOf, Class, Gate, Place, RequirementId, Role, Shard, Spent};

    fn case(id: &str, class: Class, covers: &str, verdict: Verdict) -> CaseResult {
        CaseResult {
            id: CaseId(id.to_owned()),
            title: String::new(),
            purpose: String::new(),
            implementation: "acme".to_owned(),
            iut: vec![Role::Dms1],
            verdict,
            reason: None,
            class,
            covers: vec![RequirementId(covers.to_owned())],
            checks: Vec::new(),
            findings: Vec::new(),
            observed: Vec::new(),
            file: String::new(),
            duration_ms: 0,
            spent: Spent::default(),
            attempts: Vec::new(),
        }
    }

    fn run(strict: bool, cases: Vec<CaseResult>) -> RunRecord {
        RunRecord {
            schema_version: RunRecord::SCHEMA_VERSION,
            run: RunInfo {
                id: String::new(),
                started: String::new(),
                duration_ms: 0,
                harness: String::new(),
                seed: 0,
                jobs: 1,
                strict,
                deviations: Vec::new(),
                oddities: Vec::new(),
                peer_oddities: Vec::new(),
                targets: Vec::new(),
                own_readings: Vec::new(),
                cancelled: false,
                selection: Vec::new(),
                shard: None,
                stopped_by: None,
                allow_flaky: false,
            },
            summary: summarise(&cases),
            robustness: summarise_robustness(&cases),
            cases,
            ledger: Vec::new(),
            strays: Vec::new(),
            problems: Vec::new(),
            not_run: Vec::new(),
            gate: None,
        }
    }

    fn conformance(verdict: Verdict) -> CaseResult {
        case("DEL-DMS1-8-010", Class::Conformance, "DEL-8-1", verdict)
    }

    fn apart(verdict: Verdict) -> CaseResult {
        case("ROB-DMS1-7-010", Class::Robustness, "ROB-0-1", verdict)
    }

    #[test]
    fn what_a_product_does_not_withstand_turns_no_exit_code() {
        for verdict in [Verdict::Fail, Verdict::Inconclusive] {
            let record = run(false, vec![conformance(Verdict::Pass), apart(verdict)]);
            assert_eq!(record.exit_code(), 0, "{verdict}");
            assert_eq!(record.summary[&verdict], 0);
            assert_eq!(record.robustness[&verdict], 1);
        }
    }

    #[test]
    fn a_run_that_was_broken_off_has_passed_nothing() {
        let mut record = run(false, vec![conformance(Verdict::Pass)]);
        record.run.cancelled = true;
        assert_eq!(record.exit_code(), 0, "everything was judged before");
        record.not_run = vec![CaseOf::result(&conformance(Verdict::Pass))];
        assert_eq!(record.exit_code(), 5);
        record.run.cancelled = false;
        assert_eq!(record.exit_code(), 5, "nobody knows why");
        record.run.stopped_by = Some(CaseOf::result(&conformance(Verdict::Pass)));
        assert_eq!(record.exit_code(), 0, "it was to be stopped");
    }

    #[test]
    fn it_does_under_strict_and_where_nothing_else_was_judged() {
        let strict = run(true, vec![conformance(Verdict::Pass), apart(Verdict::Fail)]);
        assert_eq!(strict.exit_code(), 1);
        let alone = run(
            false,
            vec![conformance(Verdict::NotApplicable), apart(Verdict::Fail)],
        );
        assert_eq!(alone.exit_code(), 1);
    }

    #[test]
    fn a_part_that_has_them_alone_by_chance_does_not_fail_for_them() {
        let mut part = run(false, vec![apart(Verdict::Fail)]);
        part.run.shard = Some(Shard { number: 2, of: 9 });
        assert_eq!(part.exit_code(), 0);
        part.cases.clear();
        assert_eq!(part.exit_code(), 4);
    }

    fn known(cases: &[CaseResult], expired: bool) -> Gate {
        let happened: Vec<CaseOf> = cases.iter().map(CaseOf::result).collect();
        let known = KnownFailure {
            case: "*".to_owned(),
            implementation: None,
            verdict: KnownVerdict::Fail,
            requirement: None,
            message: None,
            reason: "not mended yet".to_owned(),
            owner: "protocol team".to_owned(),
            link: None,
            expires: "2026-12-31".parse().unwrap(),
            place: Place {
                file: "known.yaml".to_owned(),
                line: 2,
                column: 5,
            },
        };
        Gate {
            day: "2026-11-28".parse().unwrap(),
            known: if expired { Vec::new() } else { happened.clone() },
            entries: vec![Entry {
                known,
                expired,
                happened,
                missing: Vec::new(),
                unused: None,
            }],
        }
    }

    #[test]
    fn what_was_known_fails_nothing_and_is_no_pass_that_nothing_was_judged_for() {
        let mut record = run(false, vec![conformance(Verdict::Fail)]);
        assert_eq!(record.exit_code(), 1);
        record.gate = Some(known(&record.cases, false));
        assert_eq!(record.exit_code(), 0);
        assert_eq!(record.summary[&Verdict::Fail], 1);
        assert_eq!(record.unexpected().count(), 0);
        record.gate = Some(known(&record.cases, true));
        assert_eq!(record.exit_code(), 1);
        assert_eq!(record.unexpected().count(), 1);
    }

    #[test]
    fn a_failure_is_known_by_the_entry_that_still_holds() {
        let mut record = run(false, vec![conformance(Verdict::Fail)]);
        let mut gate = known(&record.cases, false);
        let mut over = gate.entries[0].clone();
        over.expired = true;
        over.known.reason = "over".to_owned();
        gate.entries.insert(0, over);
        record.gate = Some(gate);
        let known = record.known(&record.cases[0]).unwrap();
        assert_eq!(known.reason, "not mended yet");
    }

    #[test]
    fn a_known_failure_that_is_none_any_more_fails_the_run() {
        let mut record = run(false, vec![conformance(Verdict::Pass)]);
        let mut gate = known(&[], false);
        gate.entries[0].unused = Some("no case has this name".to_owned());
        record.gate = Some(gate);
        assert_eq!(record.exit_code(), 1);
        record.cases.push(conformance(Verdict::Inconclusive));
        assert_eq!(record.exit_code(), 1);
        record.cases.push(conformance(Verdict::Error));
        assert_eq!(record.exit_code(), 5);
    }

    #[test]
    fn what_passes_at_a_later_attempt_fails_the_run_unless_that_is_allowed() {
        let mut flaky = conformance(Verdict::Inconclusive);
        flaky.attempts = [Verdict::Inconclusive, Verdict::Pass]
            .map(|verdict| Attempt {
                verdict,
                reason: None,
                transcript: String::new(),
                duration_ms: 0,
            })
            .to_vec();
        let mut record = run(false, vec![conformance(Verdict::Pass), flaky]);
        assert_eq!(record.exit_code(), 1);
        record.run.allow_flaky = true;
        assert_eq!(record.exit_code(), 0);
    }

    #[test]
    fn a_robustness_case_about_a_requirement_of_the_procedure_weighs() {
        let forged = case("ROB-DMS1-7-070", Class::Robustness, "DEL-0-5", Verdict::Fail);
        assert!(forged.weighs());
        let record = run(false, vec![conformance(Verdict::Pass), forged]);
        assert_eq!(record.exit_code(), 1);
        assert!(record.robustness.is_empty());
    }

    #[test]
    fn an_error_of_the_harness_counts_wherever_it_happens() {
        let record = run(false, vec![conformance(Verdict::Pass), apart(Verdict::Error)]);
        assert_eq!(record.exit_code(), 5);
    }
}
