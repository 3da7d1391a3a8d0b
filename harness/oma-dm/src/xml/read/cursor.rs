//! A place in a document of XML that moves on: characters, names and references (XML 1.0, section 2).

use std::borrow::Cow;

use crate::xml::{XmlError, is_name_character, is_name_start};

/// A place in a document. Offsets are octets of the document, also where only a part of it is read.
#[derive(Clone)]
pub(super) struct Cursor<'d> {
    text: &'d str,
    /// Where it is.
    pub(super) at: usize,
}

/// A name: its prefix, and its local name.
pub(super) type Qualified<'d> = (Option<&'d str>, &'d str);

/// What becomes of white space in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    /// Line ends become `\n` (XML 1.0, 2.11).
    Content,
    /// All of it becomes spaces (XML 1.0, 3.3.3).
    Attribute,
}

impl<'d> Cursor<'d> {
    pub(super) const fn new(text: &'d str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn octet(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The octets that are left.
    pub(super) fn octets(&self) -> &'d [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    /// What is left. It begins with a whole character wherever the cursor stops.
    pub(super) fn rest(&self) -> &'d str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// What is between two places, both of which are between characters.
    pub(super) fn between(&self, start: usize, end: usize) -> &'d str {
        self.text.get(start..end).unwrap_or("")
    }

    pub(super) fn is_at(&self, text: &str) -> bool {
        self.octets().starts_with(text.as_bytes())
    }

    pub(super) fn is_at_space(&self) -> bool {
        matches!(self.octet(), Some(b' ' | b'\t' | b'\r' | b'\n'))
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.is_at_space() {
            self.at += 1;
        }
    }

    pub(super) fn expect(&mut self, expected: u8) -> Result<(), XmlError> {
        match self.octet() {
            Some(found) if found == expected => {
                self.at += 1;
                Ok(())
            }
            found => Err(self.instead(&format!("'{}'", char::from(expected)), found)),
        }
    }

    pub(super) fn expect_text(&mut self, expected: &str) -> Result<(), XmlError> {
        if !self.is_at(expected) {
            return Err(self.wrong(self.at, &format!("expected '{expected}'")));
        }
        self.at += expected.len();
        Ok(())
    }

    /// A name (XML 1.0, 2.3).
    pub(super) fn name(&mut self) -> Result<&'d str, XmlError> {
        let is_first = |character: char| character == ':' || is_name_start(character);
        let is_other = |character: char| character == ':' || is_name_character(character);
        let rest = self.rest();
        if !rest.starts_with(is_first) {
            return Err(self.bad_name(self.at));
        }
        let length = rest.find(|character| !is_other(character)).unwrap_or(rest.len());
        self.at += length;
        Ok(&rest[..length])
    }

    /// A name with its prefix, if it has one (Namespaces in XML 1.0, 4).
    pub(super) fn qualified_name(&mut self) -> Result<Qualified<'d>, XmlError> {
        let is_usual = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
        let octets = self.octets();
        let length = octets.iter().take_while(|octet| is_usual(octet)).count();
        let is_whole = !matches!(octets.get(length), Some(b':' | 0x80..));
        if !is_whole || !octets.first().is_some_and(|first| first.is_ascii_alphabetic()) {
            return self.unusual_name();
        }
        let start = self.at;
        self.at += length;
        Ok((None, self.between(start, self.at)))
    }

    fn unusual_name(&mut self) -> Result<Qualified<'d>, XmlError> {
        let start = self.at;
        let is_other = |character: char| character == ':' || is_name_character(character);
        let rest = self.rest();
        let length = rest.find(|character| !is_other(character)).unwrap_or(rest.len());
        let written = &rest[..length];
        let (prefix, local) = written.split_once(':').unwrap_or(("", written));
        let is_name = local.starts_with(is_name_start) && !local.contains(':');
        if !is_name || !(prefix.is_empty() || prefix.starts_with(is_name_start)) {
            return Err(self.bad_name(start));
        }
        self.at += length;
        Ok((Some(prefix).filter(|prefix| !prefix.is_empty()), local))
    }

    /// The characters up to what ends them, behind which the cursor is then.
    pub(super) fn until(&mut self, end: &str) -> Result<&'d str, XmlError> {
        let rest = self.rest();
        let length = rest.find(end).unwrap_or(rest.len());
        let found = &rest[..length];
        self.check_characters(self.at, found)?;
        self.at += length;
        self.expect_text(end)?;
        Ok(found)
    }

    /// Character data up to the next markup, unescaped.
    pub(super) fn character_data(&mut self) -> Result<Cow<'d, str>, XmlError> {
        let start = self.at;
        let (mut is_plain, mut is_usual, mut has_greater) = (true, true, false);
        let ends = |octet: &u8| {
            match octet {
                b'<' => return true,
                b'&' | b'\r' => is_plain = false,
                b'>' => has_greater = true,
                b'\t' | b'\n' | b' '..=0x7f => {}
                _ => is_usual = false,
            }
            false
        };
        let octets = self.octets();
        self.at += octets.iter().position(ends).unwrap_or(octets.len());
        let text = self.between(start, self.at);
        if !is_usual {
            self.check_characters(start, text)?;
        }
        if has_greater && text.contains("]]>") {
            let place = self.place(self.at);
            return Err(syntax(format!(
                "']]>' at {place} is not allowed inside a character data"
            )));
        }
        if is_plain {
            return Ok(Cow::Borrowed(text));
        }
        self.unescaped(start, self.at, Space::Content).map(Cow::Owned)
    }

    /// The value of an attribute with its quotes, unescaped.
    pub(super) fn attribute_value(&mut self) -> Result<Cow<'d, str>, XmlError> {
        let text = self.quoted()?;
        let end = self.at - 1;
        if text
            .bytes()
            .any(|octet| matches!(octet, b'&' | b'\t' | b'\n' | b'\r'))
        {
            return self
                .unescaped(end - text.len(), end, Space::Attribute)
                .map(Cow::Owned);
        }
        Ok(Cow::Borrowed(text))
    }

    /// What is between quotes, as it is written.
    pub(super) fn quoted(&mut self) -> Result<&'d str, XmlError> {
        let quote = self.quote()?;
        let start = self.at;
        let length = self
            .rest()
            .bytes()
            .position(|octet| octet == quote || octet == b'<');
        self.at += length.ok_or_else(end_of_document)?;
        let text = self.between(start, self.at);
        self.check_characters(start, text)?;
        self.expect(quote)?;
        Ok(text)
    }

    fn quote(&mut self) -> Result<u8, XmlError> {
        match self.octet() {
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                Ok(quote)
            }
            found => Err(self.instead("a quote", found)),
        }
    }

    /// Refuses the first character that XML does not have (XML 1.0, 2.2).
    fn check_characters(&self, start: usize, text: &str) -> Result<(), XmlError> {
        let is_none = |character: char| matches!(character, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
        match text.char_indices().find(|(_, character)| is_none(*character)) {
            Some((at, found)) => Err(self.wrong(start + at, &format!("a non-XML character {found:?} found"))),
            None => Ok(()),
        }
    }

    /// A part of the document with its references resolved.
    fn unescaped(&self, start: usize, end: usize, space: Space) -> Result<String, XmlError> {
        let mut part = Cursor {
            text: self.between(0, end),
            at: start,
        };
        let mut read = String::with_capacity(end - start);
        while let Some(octet) = part.octet() {
            match octet {
                b'&' => {
                    read.push(part.reference()?);
                    continue;
                }
                b'\r' if part.is_at("\r\n") => {}
                b'\r' | b'\n' if space == Space::Content => read.push('\n'),
                b'\r' | b'\n' | b'\t' if space == Space::Attribute => read.push(' '),
                _ => {
                    let rest = part.rest();
                    let is_special = |octet: u8| matches!(octet, b'&' | b'\r' | b'\n' | b'\t');
                    let length = 1 + rest
                        .bytes()
                        .skip(1)
                        .take_while(|octet| !is_special(*octet))
                        .count();
                    read.push_str(&rest[..length]);
                    part.at += length;
                    continue;
                }
            }
            part.at += 1;
        }
        Ok(read)
    }

    /// The character that a reference stands for.
    fn reference(&mut self) -> Result<char, XmlError> {
        let start = self.at;
        let malformed = || self.wrong(start, "malformed entity reference");
        let rest = &self.rest()[1..];
        let (character, length) = if let Some(digits) = rest.strip_prefix('#') {
            let (digits, radix, before) = match digits.strip_prefix('x') {
                Some(digits) => (digits, 16, 2),
                None => (digits, 10, 1),
            };
            let length = digits
                .find(|digit: char| !digit.is_digit(radix))
                .unwrap_or(digits.len());
            let number = u32::from_str_radix(&digits[..length], radix).map_err(|_| malformed())?;
            let character = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
            let mut buffer = [0; 4];
            self.check_characters(start, character.encode_utf8(&mut buffer))
                .map_err(|_| malformed())?;
            (Ok(character), before + length)
        } else {
            let mut part = self.clone();
            part.at += 1;
            let name = part.name().map_err(|_| malformed())?;
            let character = match name {
                "amp" => Ok('&'),
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "quot" => Ok('"'),
                "apos" => Ok('\''),
                _ => Err(name),
            };
            (character, name.len())
        };
        if rest.as_bytes().get(length) != Some(&b';') {
            return Err(malformed());
        }
        let character =
            character.map_err(|name| self.wrong(start, &format!("unknown entity reference '{name}'")))?;
        self.at += 1 + length + 1;
        Ok(character)
    }

    fn bad_name(&self, at: usize) -> XmlError {
        self.wrong(at, "invalid name token")
    }

    /// Something else than what belongs here.
    pub(super) fn instead(&self, expected: &str, found: Option<u8>) -> XmlError {
        match found {
            Some(found) => self.wrong(
                self.at,
                &format!("expected {expected} not '{}'", char::from(found)),
            ),
            None => end_of_document(),
        }
    }

    /// What is wrong at a place.
    pub(super) fn wrong(&self, at: usize, what: &str) -> XmlError {
        syntax(format!("{what} at {}", self.place(at)))
    }

    /// Line and column of an offset.
    pub(super) fn place(&self, at: usize) -> String {
        let before = self.between(0, at);
        let line = 1 + before.bytes().filter(|octet| *octet == b'\n').count();
        let column = 1 + before
            .chars()
            .rev()
            .take_while(|character| *character != '\n')
            .count();
        format!("{line}:{column}")
    }
}

pub(super) fn syntax(reason: impl Into<String>) -> XmlError {
    XmlError::Syntax {
        reason: reason.into(),
    }
}

pub(super) fn end_of_document() -> XmlError {
    syntax("unexpected end of stream")
}
