//! Offsets of a text as people count: lines and columns.

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The place of an offset in octets, such as the start of [`Observation::at`](super::Observation::at) in a document of XML.
/// What is behind the end is at the end. `\n` ends a line; octets that are no UTF-8 count as the characters that they
/// would be replaced with.
pub fn place(document: &[u8], offset: usize) -> Place {
    let before = &document[..offset.min(document.len())];
    let line_start = before
        .iter()
        .rposition(|octet| *octet == b'\n')
        .map_or(0, |at| at + 1);
    Place {
        line: 1 + before.iter().filter(|octet| **octet == b'\n').count(),
        column: 1 + String::from_utf8_lossy(&before[line_start..]).chars().count(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::first(0, 1, 1)]
    #[case::end_of_the_first_line(4, 1, 4)]
    #[case::next_line(5, 2, 1)]
    #[case::behind_a_character_of_two_octets(7, 2, 2)]
    #[case::end(8, 2, 3)]
    #[case::behind_the_end(99, 2, 3)]
    fn a_place_is_counted_in_lines_and_characters(
        #[case] offset: usize,
        #[case] line: usize,
        #[case] column: usize,
    ) {
        assert_eq!(place("<aé\nü!".as_bytes(), offset), Place { line, column });
    }
}
