//! Variables in implementation files: `${name}`, and `$${` for a plain `${`.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::read::nearest;

/// A variable that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnknownVariable {
    /// Where it is, in octets.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Fills in the variables of a text; those that are not known stay as they are.
pub fn fill(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut end = 0;
    for found in occurrences(text) {
        filled.push_str(&text[end..found.at.start]);
        match (found.escaped, variables.get(found.name)) {
            (true, _) => filled.push_str(&text[found.at.start + 1..found.at.end]),
            (false, Some(value)) => filled.push_str(value),
            (false, None) => filled.push_str(&text[found.at.clone()]),
        }
        end = found.at.end;
    }
    filled.push_str(&text[end..]);
    filled
}

/// The variables of a text that do not exist.
pub fn unknown_variables(text: &str, variables: &BTreeMap<String, String>) -> Vec<UnknownVariable> {
    occurrences(text)
        .into_iter()
        .filter(|found| !found.escaped && !variables.contains_key(found.name))
        .map(|found| UnknownVariable {
            message: format!("find the variable `${{{}}}`", found.name),
            help: nearest(found.name, variables.keys().map(String::as_str))
                .map(|near| format!("did you mean `${{{near}}}`?")),
            at: found.at,
        })
        .collect()
}

struct Occurrence<'a> {
    at: Range<usize>,
    name: &'a str,
    escaped: bool,
}

fn occurrences(text: &str) -> Vec<Occurrence<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| from + at) {
        let Some(length) = text[start..].find('}') else {
            break;
        };
        let end = start + length + 1;
        let escaped = text[..start].ends_with('$');
        let begin = if escaped { start - 1 } else { start };
        let name = &text[start + 2..end - 1];
        let plausible = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if plausible {
            found.push(Occurrence {
                at: begin..end,
                name,
                escaped,
            });
            from = end;
        } else {
            from = start + 2;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{fill, unknown_variables};

    fn variables() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("work".to_owned(), "/w".to_owned()),
            ("port.dm".to_owned(), "1".to_owned()),
        ])
    }

    #[test]
    fn variables_are_filled_and_escapes_are_not() {
        assert_eq!(
            fill("${work}/a:${port.dm} $${work} ${other}", &variables()),
            "/w/a:1 ${work} ${other}"
        );
    }

    #[test]
    fn an_unknown_variable_is_located_with_the_nearest_name() {
        let unknown = unknown_variables("x ${wrok} y", &variables());
        assert_eq!(unknown.len(), 1);
        assert_eq!(unknown[0].at, 2..9);
        assert_eq!(unknown[0].help.as_deref(), Some("did you mean `${work}`?"));
    }

    #[test]
    fn an_open_brace_harms_nothing() {
        assert_eq!(fill("${work", &variables()), "${work");
    }
}
