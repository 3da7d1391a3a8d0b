//! Tags: where elements begin and end, under which names and with which attributes.

use std::borrow::Cow;

use super::cursor::{Qualified, end_of_document, syntax};
use super::namespaces::XML;
use super::{Open, Reader};
use crate::xml::{Attribute, Element, MAX_ATTRIBUTES, MAX_DEPTH, MAX_TAG, Name, XmlError};

/// An attribute whose prefix is not resolved yet.
struct Unresolved<'d> {
    at: usize,
    prefix: Option<&'d str>,
    local: &'d str,
    value: Cow<'d, str>,
}

impl<'d> Reader<'d> {
    pub(super) fn start_tag(&mut self) -> Result<(), XmlError> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let (prefix, local) = self.cursor.qualified_name()?;
        if prefix == Some("xmlns") {
            let place = self.cursor.place(start + 1);
            return Err(syntax(format!(
                "the 'xmlns' prefix is used at {place}, but it must not be"
            )));
        }
        let outside = self.namespaces.depth();
        let mut attributes = Vec::new();
        let is_empty = loop {
            // A document that ends in a tag lacks an end, which is told where it is missed.
            if self.cursor.is_at_end() {
                return Ok(());
            }
            let has_space = self.cursor.is_at_space();
            self.cursor.skip_spaces();
            match self.cursor.octet() {
                Some(b'>') => break false,
                Some(b'/') => {
                    self.cursor.at += 1;
                    break true;
                }
                None => return Err(end_of_document()),
                found if !has_space => return Err(self.cursor.instead("a whitespace", found)),
                Some(_) => attributes.extend(self.attribute(start, outside)?),
            }
        };
        self.cursor.expect(b'>')?;
        self.check_tag(start)?;
        self.namespaces.check_prefixes(start)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlError::Depth { at: start });
        }
        let attributes = self.resolved(attributes, start)?;
        let name = self.element_name(prefix, local, start)?;
        self.end_text();
        self.count()?;
        self.begin_element();
        let open = Open {
            written: (prefix, local),
            element: Element {
                name,
                attributes,
                children: Vec::new(),
                at: start..self.cursor.at,
            },
            outside,
            from: self.children.len(),
            has_elements: false,
        };
        match is_empty {
            true => self.close(open),
            false => self.open.push(open),
        }
        Ok(())
    }

    /// Reads an attribute of the tag that begins at `tag`; nothing if it declares a namespace.
    fn attribute(&mut self, tag: usize, outside: usize) -> Result<Option<Unresolved<'d>>, XmlError> {
        let at = self.cursor.at;
        let (prefix, local) = self.cursor.qualified_name()?;
        self.equals()?;
        let value = self.cursor.attribute_value()?;
        self.check_tag(tag)?;
        self.attributes += 1;
        if self.attributes > MAX_ATTRIBUTES {
            return Err(XmlError::Attributes { at: tag });
        }
        let declared = match (prefix, local) {
            (Some("xmlns"), prefix) => Some(Some(prefix)),
            (_, "xmlns") => Some(None),
            _ => None,
        };
        if let Some(prefix) = declared {
            self.namespaces
                .declare(&self.cursor, at, prefix, value, outside)?;
            return Ok(None);
        }
        Ok(Some(Unresolved {
            at,
            prefix,
            local,
            value,
        }))
    }

    fn check_tag(&self, start: usize) -> Result<(), XmlError> {
        match self.cursor.at - start > MAX_TAG {
            true => Err(XmlError::Tag { at: start }),
            false => Ok(()),
        }
    }

    fn resolved(&self, attributes: Vec<Unresolved<'d>>, tag: usize) -> Result<Vec<Attribute<'d>>, XmlError> {
        let mut resolved: Vec<Attribute<'d>> = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let namespace = match attribute.prefix {
                None => None,
                Some("xml") => Some(Cow::Borrowed(XML)),
                prefix => self.namespaces.of(&self.cursor, prefix, attribute.at, tag)?,
            };
            let name = Name {
                namespace,
                local: attribute.local.into(),
            };
            if resolved.iter().any(|earlier| earlier.name == name) {
                let place = self.cursor.place(attribute.at);
                return Err(syntax(format!(
                    "attribute '{}' at {place} is already defined",
                    attribute.local
                )));
            }
            resolved.push(Attribute {
                name,
                value: attribute.value,
            });
        }
        Ok(resolved)
    }

    fn element_name(
        &self,
        prefix: Option<&'d str>,
        local: &'d str,
        start: usize,
    ) -> Result<Name<'d>, XmlError> {
        Ok(Name {
            namespace: self.namespaces.of(&self.cursor, prefix, start + 1, start)?,
            local: local.into(),
        })
    }

    pub(super) fn end_tag(&mut self) -> Result<(), XmlError> {
        let start = self.cursor.at;
        self.cursor.at += "</".len();
        // Mostly it is the one that is expected, as it is written.
        let expected = self.open.last().map_or((None, ""), |open| open.written);
        let written = match self.cursor.octets().strip_prefix(expected.1.as_bytes()) {
            Some([b'>', ..]) if expected.0.is_none() => {
                self.cursor.at += expected.1.len();
                expected
            }
            _ => self.cursor.qualified_name()?,
        };
        self.cursor.skip_spaces();
        self.cursor.expect(b'>')?;
        self.check_tag(start)?;
        self.end_text();
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        if open.written != written {
            let (expected, found) = (qualified(open.written), qualified(written));
            let what = format!("expected '{expected}' tag, not '{found}'");
            return Err(self.cursor.wrong(start, &what));
        }
        self.close(open);
        Ok(())
    }
}

fn qualified((prefix, local): Qualified<'_>) -> String {
    match prefix {
        None => local.to_owned(),
        Some(prefix) => format!("{prefix}:{local}"),
    }
}
