//! YAML texts into values, with the errors of the YAML library turned into diagnostics.

use dmconform_model::Diagnostic;
use serde::de::DeserializeOwned;

use super::diagnose::{Source, nearest};

/// The largest file that is read, in octets.
const MAX_FILE: usize = 1024 * 1024;

/// Reads a YAML text.
pub(crate) fn parse<T: DeserializeOwned>(source: Source<'_>) -> Result<T, Diagnostic> {
    if source.text.len() > MAX_FILE {
        let help = "split it, or look whether it is the right file".to_owned();
        return Err(source.error_in_file("read a file of more than 1 MiB", Some(help)));
    }
    if source.text.trim().is_empty() {
        let help = "`dmconform list` names files to start from".to_owned();
        return Err(source.error_in_file("read an empty file", Some(help)));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(source.text, options).map_err(|error| diagnostic(source, &error))
}

fn diagnostic(source: Source<'_>, error: &serde_saphyr::Error) -> Diagnostic {
    let message = first_line(&error.without_snippet().to_string());
    let help = help(&message);
    match error.location().map(|location| octets(source.text, location)) {
        Some(at) => source.error(at, message, help),
        None => source.error_in_file(message, help),
    }
}

/// The octets that a location means: to the end of the word there.
fn octets(text: &str, location: serde_saphyr::Location) -> std::ops::Range<usize> {
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let line_start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(line_start..).unwrap_or("");
    let in_line: usize = rest.chars().take(column - 1).map(char::len_utf8).sum();
    let start = (line_start + in_line).min(text.len());
    let word: usize = text
        .get(start..)
        .unwrap_or("")
        .chars()
        .take_while(|character| !character.is_whitespace() && !matches!(character, ':' | ',' | ']' | '}'))
        .map(char::len_utf8)
        .sum();
    start..(start + word.max(1)).min(text.len())
}

/// The library appends the location and hints on lines of their own.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or("").trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.split_once(": ") {
        Some((prefix, rest)) if prefix.starts_with("line ") || prefix.starts_with("error: line ") => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    }
}

/// Suggests the nearest of the names that the message itself lists.
fn help(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    if known.is_empty() {
        return None;
    }
    nearest(wrong, known.iter().copied()).map(|near| format!("did you mean `{near}`?"))
}
