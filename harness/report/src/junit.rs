//! `junit.xml`, as CI servers read it.

use std::collections::BTreeMap;
use std::time::Duration;

use dmconform_model::result::{Attempt, Problem};
use dmconform_model::{CaseOf, CaseResult, RunRecord, Verdict};
use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use crate::{gate, wording};

/// Why no JUnit file could be written.
#[derive(Debug, thiserror::Error)]
#[error("write junit.xml: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// The whole run: a suite per implementation, a test case per case.
///
/// A fail is a failure, an error an error. What is inconclusive is an error of the type `inconclusive`, since CI
/// servers know nothing between passed and not. What does not apply is skipped. One that does not weigh on conformance is a
/// success with its findings as output, unless the run is strict or judged nothing else. One whose failure was known is
/// skipped, and says why; known failures that are not as their file says are failures of a suite of their own. Attempts at a
/// flaky case stand in it as Surefire writes them. A case that was not run is an error, unless the run was to stop before it, or
/// an error of its implementation says so of all.
///
/// The properties of a suite say which requirements each case covers, and of which class it is. A case has none of its
/// own: the schema by which Jenkins takes a file or leaves it allows properties in suites only.
///
/// # Errors
/// When the XML cannot be written.
pub fn write(record: &RunRecord) -> Result<Vec<u8>, JunitError> {
    let mut report = Report::new("dmconform");
    report.set_time(Duration::from_millis(record.run.duration_ms));
    for target in &record.run.targets {
        let mut suite = TestSuite::new(wording::clean(&target.name));
        suite.add_property(Property::new("product", wording::clean(&target.product)));
        for (number, reading) in record.run.own_readings.iter().enumerate() {
            suite.add_property(Property::new(
                format!("own-reading-{}", number + 1),
                wording::clean(reading),
            ));
        }
        let mut total = Duration::ZERO;
        for case in record
            .cases
            .iter()
            .filter(|case| case.implementation == target.name)
        {
            total += Duration::from_millis(case.duration_ms);
            for property in properties(case) {
                suite.add_property(property);
            }
            suite.add_test_case(test_case(record, case));
        }
        suite.set_time(total);
        for of in record
            .not_run
            .iter()
            .filter(|of| of.implementation == target.name)
        {
            suite.add_test_case(not_run(record, of));
        }
        let of_target = |problem: &&Problem| problem.implementation == target.name;
        for (number, problem) in record.problems.iter().filter(of_target).enumerate() {
            suite.add_test_case(untestable(problem, number));
        }
        report.add_test_suite(suite);
    }
    report.add_test_suites(known_failures(record));
    let text = report.to_string().map_err(JunitError)?;
    // That schema knows the number of skipped cases of a suite only; the name of the report is ours, so this finds no other.
    let skipped = format!(" skipped=\"{}\"", skipped(&report));
    Ok(text.replacen(&skipped, "", 1).into_bytes())
}

/// Why an implementation could not be tested. What servers show of it is the text, so that the reason is in that, too.
fn untestable(problem: &Problem, number: usize) -> TestCase {
    let implementation = wording::clean(&problem.implementation);
    let why = format!("failed to {}", wording::clean(&problem.message));
    let lines = problem.output.lines().map(wording::clean);
    let text: Vec<String> = std::iter::once(format!("{implementation} could not be tested: {why}"))
        .chain(lines)
        .collect();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("not-testable");
    status.set_message(why);
    status.set_description(text.join("\n"));
    let name = "the implementation can be tested";
    let mut case = TestCase::new(numbered(name, number), status);
    case.set_classname(implementation);
    case
}

/// A name that others may have, too: servers keep one of those that are called the same.
fn numbered(name: &str, before: usize) -> String {
    match before {
        0 => name.to_owned(),
        several => format!("{name} ({})", several + 1),
    }
}

fn skipped(report: &Report) -> usize {
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    cases
        .filter(|case| matches!(case.status, TestCaseStatus::Skipped { .. }))
        .count()
}

/// What is not as the known failures say: a suite of its own, if there is anything.
fn known_failures(record: &RunRecord) -> Option<TestSuite> {
    let faults = gate::faults(record);
    if faults.is_empty() {
        return None;
    }
    let mut suite = TestSuite::new("known failures");
    suite.set_time(Duration::ZERO);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, fault) in faults {
        let of_place = places.entry(place.clone()).or_default();
        let name = numbered(&place, *of_place);
        *of_place += 1;
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("known-failure");
        status.set_message(fault.clone());
        status.set_description(fault);
        let mut case = TestCase::new(name, status);
        case.set_classname("known failures");
        suite.add_test_case(case);
    }
    Some(suite)
}

/// What is to be known of a case, as properties of its suite.
fn properties(case: &CaseResult) -> Vec<Property> {
    let id = wording::clean(&case.id.0);
    let covers: Vec<&str> = case.covers.iter().map(|id| id.0.as_str()).collect();
    let mut properties = vec![Property::new(
        format!("{id}.requirements"),
        wording::clean(&covers.join(" ")),
    )];
    if !case.class.is_conformance() {
        let weighs = if case.weighs() {
            "weighs on conformance"
        } else {
            "weighs on no conformance"
        };
        properties.push(Property::new(
            format!("{id}.class"),
            format!("{}, {weighs}", case.class),
        ));
    }
    properties
}

/// A case whose failure was known: skipped, and not without a word.
fn known(case: &CaseResult, why: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_type("known");
    status.set_message(format!("known {}: {why}", case.verdict));
    status.set_description(text(case));
    named(case, status)
}

/// A case that was selected and not run: an error, unless the run was to stop before it, or one error says it of all.
fn not_run(record: &RunRecord, of: &CaseOf) -> TestCase {
    let skipped = |why: String| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("not run: {why}"));
        status
    };
    let has_problem = |problem: &Problem| problem.implementation == of.implementation;
    let status = match &record.run.stopped_by {
        Some(by) => skipped(format!("the run was to end with {}", by.case)),
        None if record.problems.iter().any(has_problem) => {
            skipped("the implementation could not be tested".to_owned())
        }
        None => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("not-run");
            status.set_message("not run: the run was broken off");
            status
        }
    };
    test_case_of(of, 0, status)
}

fn named(case: &CaseResult, status: TestCaseStatus) -> TestCase {
    test_case_of(&CaseOf::result(case), case.duration_ms, status)
}

fn test_case_of(of: &CaseOf, duration_ms: u64, status: TestCaseStatus) -> TestCase {
    let mut written = TestCase::new(wording::clean(&of.case.0), status);
    written.set_classname(wording::clean(&of.implementation));
    written.set_time(Duration::from_millis(duration_ms));
    written
}

/// The attempts that did not pass.
fn reruns<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Vec<TestRerun> {
    let failed = attempts.filter_map(|attempt| {
        let kind = match attempt.verdict {
            Verdict::Fail => NonSuccessKind::Failure,
            Verdict::Inconclusive | Verdict::Error => NonSuccessKind::Error,
            Verdict::Pass | Verdict::Warn | Verdict::NotApplicable => return None,
        };
        let mut rerun = TestRerun::new(kind);
        rerun.set_type(attempt.verdict.as_str());
        rerun.set_message(wording::clean(attempt.reason.as_deref().unwrap_or_default()));
        rerun.set_system_out(wording::clean(&attempt.transcript));
        Some(rerun)
    });
    failed.collect()
}

fn test_case(record: &RunRecord, case: &CaseResult) -> TestCase {
    if let Some(why) = record.known(case) {
        return known(case, &gate::why(why));
    }
    if case.is_flaky() && record.counts(case) {
        return flaky(record, case);
    }
    let verdict = if record.counts(case) {
        case.verdict
    } else {
        said_apart(case.verdict)
    };
    let mut status = match verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::NotApplicable => TestCaseStatus::skipped(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive | Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if !matches!(verdict, Verdict::Pass | Verdict::Warn) {
        if verdict != Verdict::NotApplicable {
            status.set_type(verdict.as_str());
            status.set_description(text(case));
        }
        status.set_message(wording::clean(case.reason.as_deref().unwrap_or("")));
    }
    // One of the attempts is the case itself.
    let mut attempts = case.attempts.iter();
    let standing = attempts.position(|attempt| attempt.verdict == case.verdict);
    let others = case.attempts.iter().enumerate();
    let others = others.filter(|(number, _)| Some(*number) != standing);
    status.add_reruns(reruns(others.map(|(_, attempt)| attempt)));
    let mut written = named(case, status);
    if verdict == Verdict::Warn {
        written.set_system_out(text(case));
    }
    written
}

/// A case that passed at a later attempt: a failure, unless that is allowed.
fn flaky(record: &RunRecord, case: &CaseResult) -> TestCase {
    let mut status = if record.run.allow_flaky {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("flaky");
        let attempts = gate::attempts(case).unwrap_or_default();
        status.set_message(format!("it passed at a later attempt only: {attempts}"));
        status.set_description(text(case));
        status
    };
    status.add_reruns(reruns(case.attempts.iter()));
    status.set_rerun_kind(FlakyOrRerun::Flaky);
    named(case, status)
}

/// What a verdict that weighs on nothing comes to: a CI server must not turn red for it.
const fn said_apart(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Fail | Verdict::Inconclusive => Verdict::Warn,
        other => other,
    }
}

fn text(case: &CaseResult) -> String {
    let mut text = wording::headline(case);
    for finding in &case.findings {
        for (label, line) in wording::finding(case, finding) {
            text = format!("{text}\n{label}: {line}");
        }
    }
    text
}
