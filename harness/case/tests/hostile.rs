//! Whatever is in a file: no panic, and an answer in bounded time and memory.

use dmconform_case::Suite;
use dmconform_case::read::{self, Source, nearest};
use dmconform_case::suite::{PROCEDURE, PROFILE, REQUIREMENTS, embedded_files};
use dmconform_case::template;
use dmconform_model::MessageId;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SUITE: LazyLock<Suite> = LazyLock::new(Suite::embedded);

/// Reads a text as every kind of file.
fn read_as_everything(text: &str) {
    let source = Source {
        name: "any.yaml",
        text,
    };
    let _ = read::cases(source, SUITE.known());
    let _ = read::implementation(source);
    let _ = read::procedure(source, &SUITE.requirements);
    let _ = read::profile(source);
    let _ = read::requirements(source);
}

fn file(name: &str) -> &'static str {
    let found = embedded_files().find(|(known, _)| *known == name);
    found.map(|(_, text)| text).expect("the file is embedded")
}

/// Readable files of every kind.
fn readable() -> Vec<&'static str> {
    let implementation = include_str!("../../../fixtures/implementations/reference-dms-1.yaml");
    let case = file("cases/step-08/acl-waits-for-bootstrap-complete.yaml");
    vec![
        case,
        implementation,
        file(PROCEDURE),
        file(PROFILE),
        file(REQUIREMENTS),
    ]
}

/// A readable file with some characters replaced.
fn damaged() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        ":", "-", "[", "]", "{", "}", "&a ", "*a", "!x ", "\"", "'", "|", ">", "\n", "\t", " ", "#", "?",
        "~", "é", "\u{feff}", "\0", "${", "{{", "%",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), pieces, 0..6_usize), 1..6);
    (prop::sample::select(readable()), edits).prop_map(|(text, edits)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, piece, removed) in edits {
            let start = at.index(characters.len() + 1);
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, piece.chars());
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,400}") {
        read_as_everything(&text);
    }

    #[test]
    fn text_that_looks_like_yaml_never_panics(text in "([a-z&*!?|>'\"#%@`\\[\\]{}:,.~ \\-\n\t0-9]){0,300}") {
        read_as_everything(&text);
    }

    #[test]
    fn a_damaged_file_never_panics(text in damaged()) {
        read_as_everything(&text);
    }

    #[test]
    fn variables_are_found_where_they_are(text in "[a-z$\\{\\}.é]{0,60}") {
        let variables = BTreeMap::from([("a".to_owned(), "value".to_owned())]);
        for unknown in template::unknown_variables(&text, &variables) {
            let begins = text[unknown.at].starts_with("${");
            prop_assert!(begins);
        }
        let _ = template::fill(&text, &variables);
    }

    #[test]
    fn a_text_without_variables_stays_as_it_is(text in "[^$]{0,60}") {
        prop_assert_eq!(template::fill(&text, &BTreeMap::new()), text);
    }

    #[test]
    fn the_nearest_name_is_a_name(name in ".{0,200}") {
        let known = ["covers", "expect"];
        let near = nearest(&name, known);
        prop_assert!(near.is_none_or(|near| known.contains(&near)));
    }
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused() {
    let text = "# ".repeat(600_000);
    let problems = read::implementation(Source {
        name: "large.yaml",
        text: &text,
    })
    .expect_err("it is too large");
    assert_eq!(problems[0].message, "read a file of more than 1 MiB");
}

#[test]
fn a_large_file_of_mistakes_gives_a_bounded_answer() {
    let text: String = (0..50_000).map(|number| format!("k{number}: 1\n")).collect();
    let problems = read::implementation(Source {
        name: "large.yaml",
        text: &text,
    })
    .expect_err("it is nonsense");
    assert!(problems.len() <= 50, "{}", problems.len());
    assert!(
        problems
            .iter()
            .map(|problem| problem.rendered.len())
            .sum::<usize>()
            < 100_000
    );
}

#[test]
fn a_very_long_line_gives_a_short_answer() {
    let text = format!("title: {}\n", "x".repeat(900_000));
    let problems = read::implementation(Source {
        name: "long.yaml",
        text: &text,
    })
    .expect_err("it is nonsense");
    assert!(
        problems
            .iter()
            .map(|problem| problem.rendered.len())
            .sum::<usize>()
            < 10_000
    );
}

#[test]
fn a_very_long_name_gives_a_short_answer() {
    let text = format!("iut: {}\n", "x".repeat(900_000));
    for problem in read::cases(
        Source {
            name: "long.yaml",
            text: &text,
        },
        SUITE.known(),
    )
    .expect_err("it is nonsense")
    {
        assert!(
            problem.message.len() < 1000 && problem.rendered.len() < 10_000,
            "{}",
            problem.rendered.len()
        );
    }
}

/// A transcript brings its procedure along, which nobody has checked.
#[test]
fn a_procedure_that_goes_round_in_circles_is_walked_to_an_end() {
    let mut procedure = (*SUITE.procedure).clone();
    let all: Vec<MessageId> = procedure
        .steps
        .iter()
        .map(|step| MessageId::answer(step.step))
        .collect();
    for step in &mut procedure.steps {
        step.optional = true;
        step.after.clone_from(&all);
    }
    let asked = MessageId::request(procedure.steps[0].step);
    // Each waits for all, and all are passed over: nothing is left to wait for.
    assert!(procedure.predecessors(asked, false).is_empty());
    assert_eq!(procedure.predecessors(asked, true).len(), all.len());
}
