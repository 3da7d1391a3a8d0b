//! What is built in is read as the build script has prepared it: every command reads the suite, and YAML takes longer than all the rest.

use super::diagnose::Source;
use super::yaml::{Node, Value};
use crate::embedded;

/// What a text says, where it is built in and was prepared.
pub(crate) fn of(source: Source<'_>) -> Option<Node> {
    let file = embedded::find(source.name).filter(|file| file.text == source.text)?;
    read(file.text, file.prepared)
}

/// Reads what `prepare.rs` has written; nothing where that is not what it writes.
fn read(text: &str, octets: &[u8]) -> Option<Node> {
    let mut prepared = Prepared { text, octets };
    let node = prepared.node()?;
    prepared.octets.is_empty().then_some(node)
}

/// What is yet to be read.
struct Prepared<'a> {
    text: &'a str,
    octets: &'a [u8],
}

impl Prepared<'_> {
    fn node(&mut self) -> Option<Node> {
        let (kind, rest) = self.octets.split_first()?;
        self.octets = rest;
        let start = self.number()?;
        let at = start..start.checked_add(self.number()?)?;
        let value = match kind {
            b'0' => Value::Null,
            b'=' => Value::Scalar(self.text.get(at.clone())?.to_owned()),
            b't' => {
                let length = self.number()?;
                let (said, rest) = self.octets.split_at_checked(length)?;
                self.octets = rest;
                Value::Scalar(str::from_utf8(said).ok()?.to_owned())
            }
            b'l' => {
                let count = self.count()?;
                let mut items = Vec::with_capacity(count);
                for _ in 0..count {
                    items.push(self.node()?);
                }
                Value::List(items)
            }
            b'm' => {
                let count = self.count()?;
                let mut entries = Vec::with_capacity(count);
                for _ in 0..count {
                    entries.push((self.node()?, self.node()?));
                }
                Value::Map(entries)
            }
            _ => return None,
        };
        Some(Node { at, value })
    }

    /// How many values follow: each takes octets.
    fn count(&mut self) -> Option<usize> {
        self.number().filter(|count| *count <= self.octets.len())
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for place in (0..usize::BITS).step_by(7) {
            let (octet, rest) = self.octets.split_first()?;
            self.octets = rest;
            number |= usize::from(octet & 0x7F) << place;
            if octet & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{prepare, yaml};
    use super::*;

    #[test]
    fn everything_that_is_built_in_is_prepared_as_it_is_read() {
        for file in embedded::FILES {
            let source = Source {
                name: file.name,
                text: file.text,
            };
            let prepared = of(source);
            assert!(prepared.is_some(), "{}", file.name);
            assert_eq!(prepared, yaml::read(file.text).ok(), "{}", file.name);
        }
    }

    #[test]
    fn another_text_under_a_name_that_is_built_in_is_read_itself() {
        let file = embedded::FILES.first().expect("there are files");
        let text = format!("{}# mine\n", file.text);
        let source = Source {
            name: file.name,
            text: &text,
        };
        assert_eq!(of(source), None);
    }

    #[test]
    fn what_was_not_prepared_so_is_nothing() {
        let text = "list: [1, 'two', ~]\nmap: {\"a\\tb\": c}\n";
        let node = yaml::read(text).expect("it is YAML");
        let mut octets = Vec::new();
        prepare::write(&node, text, &mut octets);
        assert_eq!(read(text, &octets), Some(node));
        for length in 0..octets.len() {
            assert_eq!(read(text, &octets[..length]), None, "{length}");
        }
        octets.push(0);
        assert_eq!(read(text, &octets), None);
        assert_eq!(read(text, &[b'm', 0, 0, 0xFF, 0xFF, 0xFF, 0x7F]), None);
    }
}
