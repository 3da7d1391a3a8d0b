//! The command lines in the ready files for CI servers, read as they will be.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use rstest::rstest;

use super::{Arguments, Command, OutputFormat, ReportCommand};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci")
}

/// The command lines of this program in a file, as the shell has them once variables are filled.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', '/']));
    let commands = lines.filter_map(|line| {
        let at = ["dmconform run ", "dmconform report "]
            .iter()
            .find_map(|start| line.find(start))?;
        // In a Jenkinsfile it stands in quotes.
        let is_quoted = line[..at].ends_with('\'');
        let end = is_quoted.then(|| line[at..].find('\'').map(|end| at + end));
        let command = &line[at..end.flatten().unwrap_or(line.len())];
        Some(
            filled(&up_to_an_operator(command))
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        )
    });
    commands.collect()
}

/// A command with values for its variables, and with what depends on one being there.
fn filled(command: &str) -> String {
    let mut text = command.to_owned();
    while let Some(at) = text.find(":+") {
        let start = text[..at].rfind("${").expect("it depends on a variable");
        let end = at + text[at..].find('}').expect("it has an end");
        text = format!("{}{}{}", &text[..start], &text[at + 2..end], &text[end + 1..]);
    }
    for (variable, value) in [
        ("$IMPLEMENTATION", "my-product.yaml"),
        ("$EXPECTATIONS", "known-failures.yaml"),
        ("$SHARD", "2/4"),
        ("$OUT", "out"),
        ("$ARGUMENTS", "--strict --jobs 4"),
        ("$CI_NODE_INDEX", "2"),
        ("$CI_NODE_TOTAL", "4"),
        ("$PART", "2"),
    ] {
        text = text.replace(variable, value);
    }
    assert!(!text.contains('$'), "{text} has variables that are not known");
    text
}

/// A command without its quotes, up to what the shell does with it.
fn up_to_an_operator(command: &str) -> String {
    let words = command.split_whitespace();
    let words = words.take_while(|word| !matches!(*word, "||" | ">>" | ">" | "|" | "&&"));
    words
        .map(|word| word.replace('"', ""))
        .collect::<Vec<_>>()
        .join(" ")
}

#[rstest]
#[case::action("github/action.yml", 1, 0)]
#[case::workflow("github/workflow.yml", 0, 2)]
#[case::gitlab("gitlab/.gitlab-ci.yml", 1, 1)]
#[case::jenkins("jenkins/Jenkinsfile", 1, 1)]
fn every_command_is_one_of_this_program(#[case] file: &str, #[case] runs: usize, #[case] reports: usize) {
    let text = std::fs::read_to_string(folder().join(file)).expect("the file is there");
    let mut found = (0, 0);
    for words in commands(&text) {
        let read = Arguments::try_parse_from(&words);
        let read = read.unwrap_or_else(|error| panic!("{file}: {words:?}\n{error}"));
        match read.command.expect("it has a command") {
            Command::Run(run) => {
                found.0 += 1;
                assert!(run.gating.shard.is_some(), "{words:?}");
                assert!(run.gating.expectations.is_some(), "{words:?}");
                let is_for_github = run.output.format == OutputFormat::Github;
                assert_eq!(is_for_github, file.starts_with("github"), "{words:?}");
            }
            Command::Report(report) => {
                found.1 += 1;
                if let ReportCommand::Merge(merge) = report.what {
                    assert!(merge.runs.len() > 1, "{words:?}");
                }
            }
            _ => panic!("{file}: {words:?} is of no use there"),
        }
    }
    assert_eq!(found, (runs, reports), "{file}");
}

#[test]
fn a_command_that_is_none_of_this_program_is_found() {
    let found = commands("- dmconform run --expectation known.yaml --shard 5/4");
    assert_eq!(found.len(), 1);
    assert!(Arguments::try_parse_from(&found[0]).is_err());
}
