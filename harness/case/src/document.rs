//! Documents between the servers, read and written as a profile says.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, ErrorKind, Output, UndefinedBehavior, Value};
use oma_dm::xml::Element;

use crate::profile::{Delegation, Document};

/// Why a document cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fill the template of `{document}`: {reason}; correct it in the profile")]
pub struct WriteError {
    /// The root element of the document, or `refusal`.
    document: String,
    /// What is wrong.
    pub(crate) reason: String,
    /// In which line of the template, from 0.
    pub(crate) line: Option<usize>,
}

/// The fields that a document carries, as far as it does: name → values.
pub fn fields(document: &Document, root: &Element) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (name, path) in &document.fields {
        let values = values(root, path);
        if !values.is_empty() {
            found.insert(name.clone(), values);
        }
    }
    found
}

/// The texts at a path of local names below an element.
fn values(root: &Element, path: &str) -> Vec<String> {
    let mut at = vec![root];
    for local in path.split('/') {
        at = at
            .into_iter()
            .flat_map(|element| element.children_named(local))
            .collect();
    }
    at.into_iter()
        .map(|element| element.text().trim().to_owned())
        .collect()
}

/// Writes a document. In the template a field is a list; one that is not given is an empty list.
///
/// # Errors
/// When the template is broken, refers to something that is no field, or writes without an end.
pub fn write(document: &Document, fields: &BTreeMap<String, Vec<String>>) -> Result<Vec<u8>, WriteError> {
    let context = BTreeMap::from([("field", complete(document, fields))]);
    render(&document.root, &document.write, context)
}

/// Writes the body of a refusal.
///
/// # Errors
/// When the template is broken, or refers to something else than `session` and `reason`.
pub fn refusal(delegation: &Delegation, session: &str, reason: &str) -> Result<Vec<u8>, WriteError> {
    let context = BTreeMap::from([("session", session.to_owned()), ("reason", reason.to_owned())]);
    render("refusal", &delegation.refusal, context)
}

fn render(name: &str, template: &str, context: impl Into<Value>) -> Result<Vec<u8>, WriteError> {
    let error = |reason: minijinja::Error| WriteError {
        document: name.to_owned(),
        line: reason.line().map(|line| line.saturating_sub(1)),
        reason: match reason.detail() {
            Some(detail) => format!("{}: {detail}", reason.kind()),
            None => reason.kind().to_string(),
        },
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|out, _, value| escaped(out, value));
    environment.set_fuel(Some(FUEL));
    let template = environment.template_from_str(template).map_err(error)?;
    let mut written = Bounded(Vec::new());
    template
        .render_captured_to(context, &mut written)
        .map_err(error)?;
    Ok(written.0)
}

/// Writes a value as XML character data (XML 1.0, section 2.4). The template engine's own escaping is for HTML, and
/// writes references that a simple reader might not know.
fn escaped(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let text = value.to_string();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)?;
    Ok(())
}

/// How many instructions a template may take: the largest shipped one takes a few hundred.
const FUEL: u64 = 50_000;
/// How large a document may get, in octets.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// A buffer that does not grow without bound: a template can write a long text many times.
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + octets.len() > MAX_DOCUMENT {
            return Err(std::io::Error::other("the document grows beyond 1 MiB"));
        }
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every field of the document, also those without a value; names as templates can write them.
fn complete(document: &Document, fields: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let named = |name: &str| name.replace('-', "_");
    let empty = document.fields.keys().map(|name| (named(name), Vec::new()));
    let given = fields.iter().map(|(name, values)| (named(name), values.clone()));
    empty.chain(given).collect()
}
