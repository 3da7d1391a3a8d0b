//! `junit.xml`, as CI servers read it.

use std::time::Duration;

use dmconform_model::{CaseResult, RunRecord, Verdict};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::wording;

/// Why no JUnit file could be written.
#[derive(Debug, thiserror::Error)]
#[error("write junit.xml: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// The whole run: a suite per implementation, a test case per case.
///
/// A fail is a failure, an error an error. What is inconclusive is an error of the type `inconclusive`, since CI
/// servers know nothing between passed and not. What does not apply is skipped. One that does not weigh on conformance is a
/// success with its findings as output, unless the run is strict or judged nothing else.
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
        for problem in record
            .problems
            .iter()
            .filter(|problem| problem.implementation == target.name)
        {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(wording::clean(&problem.message));
            status.set_description(wording::clean(&problem.output));
            suite.add_test_case(TestCase::new("the implementation can be tested", status));
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(JunitError)?;
    // That schema knows the number of skipped cases of a suite only; the name of the report is ours, so this finds no other.
    let skipped = format!(" skipped=\"{}\"", skipped(&report));
    Ok(text.replacen(&skipped, "", 1).into_bytes())
}

fn skipped(report: &Report) -> usize {
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    cases
        .filter(|case| matches!(case.status, TestCaseStatus::Skipped { .. }))
        .count()
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

fn test_case(record: &RunRecord, case: &CaseResult) -> TestCase {
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
    let mut written = TestCase::new(wording::clean(&case.id.0), status);
    written.set_classname(wording::clean(&case.implementation));
    written.set_time(Duration::from_millis(case.duration_ms));
    if verdict == Verdict::Warn {
        written.set_system_out(text(case));
    }
    written
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
