//! The examples of README and guide, run as they stand there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rstest::rstest;
use tempfile::TempDir;

use crate::common::{fixtures, is_there};

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository is there")
}

/// The commands of a document: the lines of its `sh` blocks that call this program.
fn commands(document: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in document.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside && line.starts_with("dmconform ") => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// A command as words: quoted ones are one word, and what follows `#` is no part of it.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '\'' => quoted = !quoted,
            '#' if !quoted => break,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("there is one").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What takes minutes, and has tests of its own.
fn is_tested_elsewhere(words: &[String]) -> bool {
    words.get(1).is_some_and(|command| command == "selftest")
}

#[rstest]
#[case::readme("README.md", 10)]
#[case::guide("docs/testing-your-implementation.md", 15)]
#[case::certification("docs/certification.md", 4)]
fn the_examples_work_as_they_stand(#[case] document: &str, #[case] at_least: usize) {
    let text = fs::read_to_string(root().join(document)).expect("the document is there");
    let commands = commands(&text);
    assert!(
        commands.len() >= at_least,
        "{} commands in {document}",
        commands.len()
    );
    let folder = TempDir::new().expect("a folder can be made");
    for part in ["fixtures", "cases", "docs"] {
        std::os::unix::fs::symlink(root().join(part), folder.path().join(part)).expect("a link can be made");
    }
    let product = fixtures().join("reference-dms-1.yaml");
    fs::copy(product, folder.path().join("my-product.yaml")).expect("a file can be copied");
    for command in commands {
        let mut words = words(&command);
        if is_tested_elsewhere(&words) {
            continue;
        }
        if command.contains("python") && !is_there("python3", &command) {
            continue;
        }
        if let Some(at) = words.iter().position(|word| word == "<") {
            words.truncate(at);
        }
        let output = Command::new(env!("CARGO_BIN_EXE_dmconform"))
            .args(&words[1..])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{command}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
