//! Diagrams and explanations, as people see them.

use dmconform_case::Suite;
use dmconform_case::diagram::Diagram;
use dmconform_case::explain::explain;
use dmconform_case::test_case::Opener;
use rstest::rstest;

#[test]
fn the_procedure_is_drawn_as_text() {
    let suite = Suite::embedded();
    insta::assert_snapshot!(Diagram::of_procedure(&suite.procedure, Opener::Dms1).text());
}

#[test]
fn the_procedure_is_drawn_as_mermaid() {
    let suite = Suite::embedded();
    insta::assert_snapshot!(Diagram::of_procedure(&suite.procedure, Opener::Dms1).mermaid());
}

#[rstest]
#[case("DEL-DMS1-8-030")]
#[case("DEL-DMS1-4-040")]
#[case("DEL-CLIENT-8-020")]
#[case("DEL-DMS1-1-010.none")]
fn a_case_is_drawn_and_explained(#[case] id: &str) {
    let suite = Suite::embedded();
    let case = suite.case(id).expect("the case is in the suite");
    let diagram = Diagram::of_case(&suite.procedure, case);
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!(format!("{id}-text"), diagram.text());
        insta::assert_snapshot!(format!("{id}-mermaid"), diagram.mermaid());
        insta::assert_snapshot!(format!("{id}-explained"), explain(&suite, case));
    });
}

#[test]
fn nothing_is_wider_than_a_hundred_characters() {
    let suite = Suite::embedded();
    for case in &suite.cases {
        let texts = [
            Diagram::of_case(&suite.procedure, case).text(),
            explain(&suite, case),
        ];
        for line in texts.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= 100, "{}: {line}", case.id);
        }
    }
}

#[test]
fn every_expectation_is_in_the_diagram() {
    let suite = Suite::embedded();
    for case in &suite.cases {
        let drawn = Diagram::of_case(&suite.procedure, case).mermaid();
        assert_eq!(
            drawn.matches("expected: ").count(),
            case.expect.len(),
            "{}",
            case.id
        );
    }
}
