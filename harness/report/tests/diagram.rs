//! Diagrams of the procedure and of cases, drawn.

use dmconform_case::Suite;
use dmconform_case::diagram;
use dmconform_case::test_case::Opener;
use dmconform_report::diagram::{mermaid, svg, text};
use oma_dm::xml::Element;
use rstest::rstest;

#[test]
fn the_procedure_is_drawn_as_text() {
    let suite = Suite::embedded();
    let drawn = diagram::of_procedure(&suite.procedure, Opener::Dms1);
    insta::assert_snapshot!(text::write(&drawn));
}

#[test]
fn the_procedure_is_drawn_as_mermaid() {
    let suite = Suite::embedded();
    let drawn = diagram::of_procedure(&suite.procedure, Opener::Dms1);
    insta::assert_snapshot!(mermaid::write(&drawn));
}

#[rstest]
#[case("DEL-DMS1-8-030")]
#[case("DEL-DMS1-4-040")]
#[case("DEL-CLIENT-8-020")]
#[case("DEL-DMS1-1-010.none")]
fn a_case_is_drawn(#[case] id: &str) {
    let suite = Suite::embedded();
    let case = suite.case(id).expect("the case is in the suite");
    let drawn = diagram::of_case(&suite.procedure, case);
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!(format!("{id}-text"), text::write(&drawn));
        insta::assert_snapshot!(format!("{id}-mermaid"), mermaid::write(&drawn));
    });
}

#[test]
fn no_text_is_wider_than_a_hundred_characters() {
    let suite = Suite::embedded();
    for case in &suite.cases {
        for line in text::write(&diagram::of_case(&suite.procedure, case)).lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", case.id);
        }
    }
}

/// An SVG of every case is XML, and all text in it stands within its borders.
#[test]
fn everything_drawn_as_svg_is_within_its_borders() {
    let suite = Suite::embedded();
    for case in &suite.cases {
        let drawn = svg::write(&diagram::of_case(&suite.procedure, case));
        let root = Element::parse(drawn.as_bytes()).expect("it is XML");
        let (width, height) = (number(&root, "width"), number(&root, "height"));
        let texts = texts(&root);
        assert!(texts.len() > 10, "{}", case.id);
        for text in texts {
            let said = text.text();
            let (x, y) = (number(text, "x"), number(text, "y"));
            // About six units a character, half of them on each side.
            let half = match text.attribute("text-anchor") {
                Some(_) => said.chars().count() * 3,
                None => 0,
            };
            assert!((1..height).contains(&y), "{}: {said}", case.id);
            assert!(x >= half && x + half <= width, "{}: {said}", case.id);
        }
    }
}

fn number(element: &Element, name: &str) -> usize {
    let text = element.attribute(name).expect("it is there");
    text.parse().expect("it is a number")
}

fn texts<'e, 'd>(element: &'e Element<'d>) -> Vec<&'e Element<'d>> {
    let inside = element.elements().flat_map(texts);
    let own = (element.name.local == "text").then_some(element);
    own.into_iter().chain(inside).collect()
}
