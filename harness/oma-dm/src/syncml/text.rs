//! What the texts in a message say: as words, codes and numbers, with whatever they lose on the way noted.

use std::borrow::Cow;
use std::ops::Range;

use super::meta;
use super::observation::{Departure, Notes};
use crate::xml::{Element, Node};

/// Reads texts, and notes what is wrong with them.
pub(super) struct Texts<'n, 'e> {
    notes: &'n mut Notes<'e>,
}

impl<'n, 'e> Texts<'n, 'e> {
    pub(super) fn new(notes: &'n mut Notes<'e>) -> Self {
        Self { notes }
    }

    pub(super) fn enter(&mut self, element: &'e Element) {
        self.notes.enter(element);
    }

    pub(super) fn leave(&mut self) {
        self.notes.leave();
    }

    pub(super) fn note(&mut self, element: &Element, departure: Departure) {
        self.notes.note(element, departure);
    }

    pub(super) fn bad_value(&mut self, element: &Element, expected: &'static str) {
        let departure = Departure::BadValue {
            element: element.name.local.to_string(),
            expected,
            found: element.text().trim().to_owned(),
        };
        self.notes.note(element, departure);
    }

    /// A text as it is.
    pub(super) fn verbatim(&mut self, element: &Element) -> String {
        self.text(element).into_owned()
    }

    fn text<'t>(&mut self, element: &'t Element) -> Cow<'t, str> {
        let is_text = |node: &Node| match node {
            Node::Opaque(octets) => std::str::from_utf8(octets).is_ok(),
            Node::Text(_) | Node::Element(_) => true,
        };
        if !element.children.iter().all(is_text) {
            self.bad_value(element, "text in UTF-8");
        }
        element.text()
    }

    /// A text without the white space around it.
    pub(super) fn trimmed(&mut self, element: &Element) -> String {
        let found = self.text(element);
        let read = found.trim();
        if read.len() != found.len() {
            self.read_as(element, found.clone().into_owned(), read.to_owned());
        }
        read.to_owned()
    }

    /// A text that says something.
    pub(super) fn word(&mut self, element: &Element) -> String {
        let word = self.trimmed(element);
        if word.is_empty() {
            self.bad_value(element, "a text");
        }
        word
    }

    /// The word in a child; empty where there is none, which is for the content models to note.
    pub(super) fn required(&mut self, around: &Element, local: &str) -> String {
        match around.child(local) {
            Some(child) => self.word(child),
            None => String::new(),
        }
    }

    /// The code in `Data`; 0 where there is none.
    pub(super) fn code(&mut self, around: &Element, known: Range<u16>) -> u16 {
        let Some(data) = around.child("Data") else {
            return 0;
        };
        let Some(number) = self.number(data, "a code") else {
            return 0;
        };
        let code = u16::try_from(number).unwrap_or(0);
        if !known.contains(&code) {
            self.bad_value(data, "a code");
        }
        code
    }

    fn number(&mut self, element: &Element, expected: &'static str) -> Option<u64> {
        let found = self.trimmed(element);
        let is_number = !found.is_empty() && found.bytes().all(|octet| octet.is_ascii_digit());
        let number = found.parse::<u64>().ok().filter(|_| is_number);
        match number {
            None => self.bad_value(element, expected),
            Some(number) if number.to_string() != found => {
                self.read_as(element, found, number.to_string());
            }
            Some(_) => {}
        }
        number
    }

    fn read_as(&mut self, element: &Element, found: String, read: String) {
        let departure = Departure::ReadAs {
            element: element.name.local.to_string(),
            found,
            read,
        };
        self.notes.note(element, departure);
    }

    /// A text of an element's meta information.
    pub(super) fn meta(&mut self, around: &'e Element, local: &str) -> Option<String> {
        self.in_meta(around, local, Self::trimmed)
    }

    /// A number of octets of an element's meta information.
    pub(super) fn meta_number(&mut self, around: &'e Element, local: &str) -> Option<u64> {
        self.in_meta(around, local, |texts, child| {
            texts.number(child, "a number of octets")
        })
        .flatten()
    }

    /// A text of an element's meta information that can only be one of these.
    pub(super) fn meta_one_of(
        &mut self,
        around: &'e Element,
        local: &str,
        of: &[&str],
        expected: &'static str,
    ) {
        self.in_meta(around, local, |texts, child| {
            if !of.contains(&child.text().trim()) {
                texts.bad_value(child, expected);
            }
        });
    }

    fn in_meta<R>(
        &mut self,
        around: &'e Element,
        local: &str,
        read: impl FnOnce(&mut Self, &'e Element) -> R,
    ) -> Option<R> {
        let meta = around.child("Meta")?;
        let child = meta::child(meta, local)?;
        self.enter(meta);
        let read = read(self, child);
        self.leave();
        Some(read)
    }

    /// Notes the meta information of an element that is not kept.
    pub(super) fn only_meta(&mut self, around: &'e Element, kept: &[&str]) {
        let Some(meta) = around.child("Meta") else {
            return;
        };
        self.enter(meta);
        for child in meta::children(meta) {
            let local = &*child.name.local;
            if !kept.contains(&local) {
                self.note(child, Departure::LeftOut(local.to_owned()));
            }
        }
        let wrappers = meta.children_named("MetInf");
        for element in std::iter::once(meta).chain(wrappers) {
            let has_text = element.children.iter().any(|node| match node {
                Node::Text(text) => !text.trim().is_empty(),
                Node::Opaque(octets) => !octets.trim_ascii().is_empty(),
                Node::Element(_) => false,
            });
            if has_text {
                let what = format!("the text of {}", element.name.local);
                self.note(element, Departure::LeftOut(what));
            }
        }
        self.leave();
    }
}
