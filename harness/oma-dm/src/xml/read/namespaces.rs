//! The namespaces that are in scope in a document of XML (Namespaces in XML 1.0).

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::cursor::{Cursor, syntax};
use crate::xml::{MAX_NAMESPACE, MAX_NAMESPACES, MAX_PREFIXES, XmlError, namespace_of};

/// The namespace that the prefix `xml` always stands for.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of declarations themselves.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations that are in scope.
#[derive(Default)]
pub(super) struct Namespaces<'d> {
    /// Those of the outermost element first.
    declared: Vec<Declaration<'d>>,
    /// The different declarations so far, as they are written, from behind `xmlns`.
    written: BTreeSet<&'d str>,
    last: &'d str,
}

struct Declaration<'d> {
    /// Nothing for the namespace of names without a prefix.
    prefix: Option<&'d str>,
    namespace: Option<Cow<'d, str>>,
}

impl<'d> Namespaces<'d> {
    /// How many declarations are in scope: what [`leave`](Self::leave) goes back to.
    pub(super) fn depth(&self) -> usize {
        self.declared.len()
    }

    /// Forgets the declarations of an element.
    pub(super) fn leave(&mut self, depth: usize) {
        self.declared.truncate(depth);
    }

    /// Takes an attribute that declares a namespace: it begins at `at`, and ends where the cursor is. There were `outside`
    /// declarations outside of its element.
    pub(super) fn declare(
        &mut self,
        cursor: &Cursor<'d>,
        at: usize,
        prefix: Option<&'d str>,
        value: Cow<'d, str>,
        outside: usize,
    ) -> Result<(), XmlError> {
        let is_xml = value == XML;
        if value == XMLNS {
            let place = cursor.place(at);
            return Err(syntax(format!(
                "the 'xmlns' URI is used at {place}, but it must not be declared"
            )));
        }
        if prefix == Some("xml") && !is_xml {
            return Err(cursor.wrong(at, "'xml' namespace prefix mapped to wrong URI"));
        }
        if prefix != Some("xml") && is_xml {
            return Err(cursor.wrong(at, "the 'xml' namespace URI is used for not 'xml' prefix"));
        }
        let is_there = self.declared[outside..]
            .iter()
            .any(|declared| declared.prefix == prefix);
        if is_there && let Some(prefix) = prefix {
            let place = cursor.place(at);
            return Err(syntax(format!(
                "namespace '{prefix}' at {place} is already defined"
            )));
        }
        self.count(cursor.between(at, cursor.at))?;
        if !is_there && !is_xml {
            self.declared.push(Declaration {
                prefix,
                namespace: namespace_of(value),
            });
        }
        Ok(())
    }

    fn count(&mut self, written: &'d str) -> Result<(), XmlError> {
        // The same one is mostly declared again and again.
        if written == self.last {
            return Ok(());
        }
        self.last = written;
        self.written.insert(written);
        match self.written.len() > MAX_NAMESPACES {
            true => Err(XmlError::Namespaces),
            false => Ok(()),
        }
    }

    /// Refuses an element, which begins there, inside of too many declarations of prefixes.
    pub(super) fn check_prefixes(&self, at: usize) -> Result<(), XmlError> {
        if self.declared.len() <= MAX_PREFIXES {
            return Ok(());
        }
        let prefixes = self.declared.iter().filter(|declared| declared.prefix.is_some());
        match prefixes.count() > MAX_PREFIXES {
            true => Err(XmlError::Prefixes { at }),
            false => Ok(()),
        }
    }

    /// The namespace of names with a prefix, in the element that begins at `element`; `at` is where the prefix is.
    pub(super) fn of(
        &self,
        cursor: &Cursor<'d>,
        prefix: Option<&str>,
        at: usize,
        element: usize,
    ) -> Result<Option<Cow<'d, str>>, XmlError> {
        let mut inside_out = self.declared.iter().rev();
        let Some(found) = inside_out.find(|declared| declared.prefix == prefix) else {
            let Some(prefix) = prefix else {
                return Ok(None);
            };
            return Err(cursor.wrong(at, &format!("an unknown namespace prefix '{prefix}'")));
        };
        if found
            .namespace
            .as_ref()
            .is_some_and(|namespace| namespace.len() > MAX_NAMESPACE)
        {
            return Err(XmlError::Namespace { at: element });
        }
        Ok(found.namespace.clone())
    }
}
