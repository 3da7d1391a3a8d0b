//! Makes diagnostics of problems: place, snippet, and the nearest name that exists.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use dmconform_model::{Diagnostic, Place, Severity};

/// A text that is read, and the name that errors give it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name: a path as the user wrote it, or a name inside the suite.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

impl Source<'_> {
    /// The place of octets in this text.
    pub fn place(&self, at: &std::ops::Range<usize>) -> Place {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.bytes().filter(|octet| *octet == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Place {
            file: self.name.to_owned(),
            line: number(line),
            column: number(column),
        }
    }

    /// An error at a place, with its snippet.
    pub fn error(
        &self,
        at: std::ops::Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        let message = message.into();
        let place = self.place(&at);
        let rendered = self.render(&message, at, help.as_deref());
        Diagnostic {
            severity: Severity::Error,
            message,
            place,
            help,
            rendered,
        }
    }

    /// An error about the file as a whole.
    pub fn error_in_file(&self, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        let message = message.into();
        let place = Place {
            file: self.name.to_owned(),
            line: 0,
            column: 0,
        };
        let mut rendered = format!("error: {message}\n --> {}", self.name);
        if let Some(help) = &help {
            rendered = format!("{rendered}\n  = help: {help}");
        }
        Diagnostic {
            severity: Severity::Error,
            message,
            place,
            help,
            rendered,
        }
    }

    fn render(&self, message: &str, at: std::ops::Range<usize>, help: Option<&str>) -> String {
        let end = at.end.min(self.text.len());
        let start = at.start.min(end);
        let snippet = Snippet::source(self.text)
            .path(self.name)
            .annotation(AnnotationKind::Primary.span(start..end.max(start)));
        let mut group = Level::ERROR.primary_title(message).element(snippet);
        if let Some(help) = help {
            group = group.element(Level::HELP.message(help));
        }
        Renderer::plain().render(&[group]).to_string()
    }
}

/// The name among `known` that is nearest to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1) + 1;
    let ranked = known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate));
    ranked
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of characters to add, remove or replace between two texts.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::nearest;

    #[rstest]
    #[case("cover", Some("covers"))]
    #[case("expct", Some("expect"))]
    #[case("zebra", None)]
    fn the_nearest_name_is_one_that_could_be_meant(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(nearest(name, ["covers", "expect", "purpose"]), expected);
    }
}
