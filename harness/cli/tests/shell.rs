//! What goes with the program into a shell: its version, completions, manual pages.

use std::process::{Command, Output};

use rstest::rstest;

fn dmconform(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command.args(arguments).output().expect("the program starts")
}

fn printed(arguments: &[&str]) -> String {
    let output = dmconform(arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}

#[rstest]
fn the_version_names_the_commit_and_the_catalogue(#[values("--version", "-V")] option: &str) {
    let said = printed(&[option]);
    let rest = said.strip_prefix(concat!("dmconform ", env!("CARGO_PKG_VERSION"), " (commit "));
    let rest = rest.and_then(|rest| rest.strip_suffix(")\n"));
    let (commit, catalogue) = rest
        .and_then(|rest| rest.split_once(", catalogue "))
        .expect(&said);
    let is_commit = commit.len() == 12 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
    // A packager's own word, or nothing known, is as good.
    assert!(is_commit || !commit.contains(' '), "{said}");
    assert_eq!(catalogue.split('.').count(), 3, "{said}");
}

#[rstest]
fn every_shell_has_completions(#[values("bash", "zsh", "fish", "elvish", "powershell")] shell: &str) {
    let script = printed(&["completions", shell]);
    assert!(
        script.contains("selftest") && script.contains("peer-oddity"),
        "{script}"
    );
}

#[test]
fn the_manual_has_a_page_for_each_command_and_no_date() {
    let page = printed(&["manual"]);
    assert!(page.contains(".SH NAME\ndmconform "), "{page}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    printed(&["manual", "--out", &folder.path().display().to_string()]);
    let run = std::fs::read_to_string(folder.path().join("dmconform-run.1")).expect("the page is there");
    assert!(run.contains("implementation"), "{run}");
    let head = run
        .lines()
        .find(|line| line.starts_with(".TH"))
        .expect("a page has a head");
    assert!(!head.contains("20"), "{head}");
    assert_eq!(
        dmconform(&["manual", "--out", "no/such/folder"]).status.code(),
        Some(5)
    );
}
