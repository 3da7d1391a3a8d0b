//! Cases explained, as people see them, and what their diagrams hold.

use dmconform_case::Suite;
use dmconform_case::diagram;
use dmconform_case::explain::explain;
use dmconform_model::diagram::Line;
use rstest::rstest;

#[rstest]
#[case("DEL-DMS1-8-030")]
#[case("DEL-DMS1-4-040")]
#[case("DEL-CLIENT-8-020")]
#[case("DEL-DMS1-1-010.none")]
fn a_case_is_explained(#[case] id: &str) {
    let suite = Suite::embedded();
    let case = suite.case(id).expect("the case is in the suite");
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!(format!("{id}-explained"), explain(&suite, case));
    });
}

#[test]
fn no_explanation_is_wider_than_a_hundred_characters() {
    let suite = Suite::embedded();
    for case in &suite.cases {
        for line in explain(&suite, case).lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", case.id);
        }
    }
}

#[test]
fn every_expectation_is_in_the_diagram() {
    let suite = Suite::embedded();
    for case in &suite.cases {
        let lines = diagram::of_case(&suite.procedure, case).lines;
        let expected = lines
            .iter()
            .filter(|line| matches!(line, Line::Note { text, .. } if text.starts_with("expected: ")));
        assert_eq!(expected.count(), case.expect.len(), "{}", case.id);
    }
}

/// Reports name steps without a procedure at hand.
#[test]
fn steps_are_called_what_the_procedure_calls_them() {
    let suite = Suite::embedded();
    for step in &suite.procedure.steps {
        assert_eq!(step.step.title(), step.name);
    }
}
