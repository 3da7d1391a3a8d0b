//! What keeps a hostile document from costing the parser more than it is long, and the document type that it refuses.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES, MAX_PREFIXES, MAX_TAG, XmlError};

/// Blanks out a document type declaration without an internal subset, keeping every position.
pub(super) fn without_document_type(text: &str) -> Cow<'_, str> {
    let Some(start) = prologue_end(text).filter(|at| text[*at..].starts_with("<!DOCTYPE")) else {
        return text.into();
    };
    let mut quote = None;
    let end = text[start..].bytes().position(|octet| match (quote, octet) {
        (None, b'"' | b'\'') => {
            quote = Some(octet);
            false
        }
        (Some(open), _) => {
            if octet == open {
                quote = None;
            }
            false
        }
        // What begins here could declare entities: the parser is to see and refuse it.
        (None, b'[' | b'>') => true,
        (None, _) => false,
    });
    let Some(end) = end
        .map(|length| start + length)
        .filter(|end| text.as_bytes()[*end] == b'>')
    else {
        return text.into();
    };
    [&text[..start], &" ".repeat(end + 1 - start), &text[end + 1..]]
        .concat()
        .into()
}

/// Where white space, comments and processing instructions at the beginning end.
fn prologue_end(text: &str) -> Option<usize> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        let closing = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ => return Some(text.len() - rest.len()),
        };
        rest = &rest[rest.find(closing)? + closing.len()..];
    }
}

/// Bounds what the parser's work and memory grow with faster than the document does: attributes (each is compared with each of
/// its tag), prefixes in scope (each element may copy them all), namespaces (kept sorted) and, for all that follows, depth.
pub(super) fn check_tags(text: &str) -> Result<(), XmlError> {
    let mut scan = Scan::default();
    let mut at = 0;
    while let Some(length) = length_to(b'<', &text.as_bytes()[at..]) {
        let start = at + length;
        let rest = &text[start..];
        at = match skipped(rest) {
            Some(Some(length)) => start + length,
            // Without an end it is for the parser to complain.
            Some(None) => return Ok(()),
            None => match scan.tag(rest, start)? {
                Some(length) => start + length,
                None => return Ok(()),
            },
        };
    }
    Ok(())
}

/// Octets before the first one like this. Tags and texts are short: a plain loop beats what is made for long ones.
fn length_to(octet: u8, octets: &[u8]) -> Option<usize> {
    octets.iter().position(|of| *of == octet)
}

/// Whether `text` begins with something in which tags are no tags; how long it is, where it ends.
fn skipped(text: &str) -> Option<Option<usize>> {
    let close = match text.as_bytes().get(1)? {
        b'?' => "?>",
        b'!' if text.starts_with("<!--") => "-->",
        b'!' if text.starts_with("<![CDATA[") => "]]>",
        _ => return None,
    };
    Some(text.find(close).map(|length| length + close.len()))
}

#[derive(Default)]
struct Scan<'a> {
    /// For each open element, the prefixes that are in scope in it.
    open: Vec<usize>,
    attributes: usize,
    /// Declarations as they are written, from behind `xmlns`.
    namespaces: BTreeSet<&'a str>,
    last_namespace: &'a str,
}

impl<'a> Scan<'a> {
    /// Takes the tag that `text` begins with, and says how long it is, if it has an end.
    fn tag(&mut self, text: &'a str, at: usize) -> Result<Option<usize>, XmlError> {
        let octets = text.as_bytes();
        if octets.get(1) == Some(&b'/') {
            self.open.pop();
            return match length_to(b'>', octets) {
                Some(length) if length >= MAX_TAG => Err(XmlError::Tag { at }),
                length => Ok(length.map(|length| length + 1)),
            };
        }
        let mut prefixes = self.open.last().copied().unwrap_or(0);
        // The quote that is open, where the name before it ended, and from where on it is looked for: never in what came before, since
        // a tag may have as many attributes as it is long.
        let mut quote = None;
        let mut equals = 0;
        let mut name_from = 0;
        let mut length = None;
        for (place, octet) in octets.iter().copied().enumerate() {
            if place >= MAX_TAG {
                return Err(XmlError::Tag { at });
            }
            match quote {
                Some(open) if octet == open => {
                    quote = None;
                    let name = name_from..equals;
                    name_from = place + 1;
                    if let Some(declaration) = declaration(text, name, place) {
                        prefixes += usize::from(declaration.starts_with(':'));
                        self.namespace(declaration)?;
                    }
                }
                Some(_) => {}
                None => match octet {
                    b'>' => {
                        length = Some(place + 1);
                        break;
                    }
                    b'"' | b'\'' => quote = Some(octet),
                    b'=' => {
                        equals = place;
                        self.attributes += 1;
                    }
                    _ => {}
                },
            }
        }
        let Some(length) = length else { return Ok(None) };
        if self.attributes > MAX_ATTRIBUTES {
            return Err(XmlError::Attributes { at });
        }
        if prefixes > MAX_PREFIXES {
            return Err(XmlError::Prefixes { at });
        }
        if octets[length - 2] != b'/' {
            self.open.push(prefixes);
        }
        if self.open.len() > MAX_DEPTH {
            return Err(XmlError::Depth { at });
        }
        Ok(Some(length))
    }

    fn namespace(&mut self, declaration: &'a str) -> Result<(), XmlError> {
        // The same one is mostly declared again and again.
        if declaration == self.last_namespace {
            return Ok(());
        }
        self.last_namespace = declaration;
        self.namespaces.insert(declaration);
        match self.namespaces.len() > MAX_NAMESPACES {
            true => Err(XmlError::Namespaces),
            false => Ok(()),
        }
    }
}

/// What follows `xmlns` in the attribute whose name ends before `name` does, and whose closing quote is at `end`, if it is one of those.
fn declaration(tag: &str, name: Range<usize>, end: usize) -> Option<&str> {
    let from = name.start;
    let name = tag.get(name)?.trim_end();
    let start = name.rfind(|character: char| character.is_ascii_whitespace())? + 1;
    let behind = name[start..].strip_prefix("xmlns")?;
    let is_declaration = behind.is_empty() || behind.starts_with(':');
    is_declaration.then(|| tag.get(from + start + "xmlns".len()..end))?
}
