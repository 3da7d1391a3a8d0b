//! Every kind of mistake in a file, as people see it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};
use dmconform_model::Diagnostic;
use rstest::rstest;

static SUITE: LazyLock<Suite> = LazyLock::new(Suite::embedded);

/// Reads a file as what its name says that it is; what is wrong with it.
fn problems(file: &str, text: &str) -> Vec<Diagnostic> {
    let suite = &*SUITE;
    let source = Source { name: file, text };
    let (kind, _) = file.split_once('-').expect("the kind of file comes first");
    let read = match kind {
        "case" => read::cases(source, suite.known()).map(drop),
        "implementation" => read::implementation(source).map(drop),
        "procedure" => read::procedure(source, &suite.requirements).map(drop),
        "profile" => read::profile(source).map(drop),
        "expectations" => read::expectations(source, &suite.requirements).map(drop),
        "deviations" => read::deviations(source, &suite.requirements).map(drop),
        "requirements" => read::requirements(source).map(drop),
        other => panic!("no kind of file is called {other}"),
    };
    read.expect_err("a broken file is refused")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read their input"
)]
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file was just listed")
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[rstest]
fn a_broken_file_says_what_is_wrong_and_where(#[files("tests/broken/*.yaml")] path: PathBuf) {
    let name = name(&path);
    let rendered: Vec<String> = problems(&name, &text(&path))
        .into_iter()
        .map(|problem| problem.rendered)
        .collect();
    let stem = name.trim_end_matches(".yaml");
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(stem, rendered.join("\n\n"));
    });
}

#[rstest]
fn what_is_wrong_is_located_and_says_what_to_do(#[files("tests/broken/*.yaml")] path: PathBuf) {
    for problem in problems(&name(&path), &text(&path)) {
        let whole_file = problem.message.contains("empty file");
        assert!(whole_file || problem.place.line > 0, "{problem:?}");
        assert!(
            problem.message.chars().next().is_some_and(char::is_lowercase),
            "{problem:?}"
        );
    }
}
