//! Makes diagnostics of problems: place, snippet, and the nearest name that exists.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use dmconform_model::{Diagnostic, Place, Severity};

use super::typed::Mistake;

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

    /// An error at a place, with its snippet. The message is a fragment that fits after "cannot".
    pub fn error(
        &self,
        at: std::ops::Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        let message = message.into();
        let at = self.first_line(at);
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

    /// Errors at their places.
    pub(crate) fn errors(&self, mistakes: Vec<Mistake>) -> Vec<Diagnostic> {
        mistakes
            .into_iter()
            .map(|mistake| self.error(mistake.at, mistake.message, mistake.help))
            .collect()
    }

    /// An error about the file as a whole.
    pub fn error_in_file(&self, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        let message = message.into();
        let place = Place {
            file: self.name.to_owned(),
            line: 0,
            column: 0,
        };
        let mut rendered = format!("error: cannot {message}\n --> {}", self.name);
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

    /// What of a span lies in its first line: that is enough to point at.
    fn first_line(&self, at: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let mut start = at.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let rest = &self.text[start..];
        let mut length = at.end.saturating_sub(start).min(rest.len());
        while !rest.is_char_boundary(length) {
            length -= 1;
        }
        let line = rest[..length].lines().next().unwrap_or("").trim_end();
        let least = rest
            .chars()
            .next()
            .filter(|first| *first != '\n')
            .map_or(0, char::len_utf8);
        start..start + line.len().max(least)
    }

    /// The text without a byte order mark, which some editors put before it.
    pub(crate) fn without_mark(self) -> Self {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        Self { text, ..self }
    }

    fn render(&self, message: &str, at: std::ops::Range<usize>, help: Option<&str>) -> String {
        let snippet = Snippet::source(self.text)
            .path(self.name)
            .annotation(AnnotationKind::Primary.span(at));
        let title = format!("cannot {message}");
        let mut group = Level::ERROR.primary_title(title).element(snippet);
        if let Some(help) = help {
            group = group.element(Level::HELP.message(help));
        }
        Renderer::plain().render(&[group])
    }
}

/// The beginning of a text that may be of any length, for use in a message.
pub(crate) fn shown(text: &str) -> &str {
    let line = text.lines().next().unwrap_or("");
    line.char_indices().nth(80).map_or(line, |(end, _)| &line[..end])
}

/// The name among `known` that is nearest to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = shown(name);
    let limit = name.chars().count().div_ceil(3).min(3);
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
