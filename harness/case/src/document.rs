//! Documents between the servers, read and written as a profile says.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use oma_dm::xml::Element;

use crate::profile::Document;

/// Why a document cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("fill the template of `{root}`: {reason}; correct `write` in the profile")]
pub struct WriteError {
    /// The root element of the document.
    root: String,
    /// What is wrong.
    reason: String,
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
/// When the template is broken, or refers to something that is no field.
pub fn write(document: &Document, fields: &BTreeMap<String, Vec<String>>) -> Result<Vec<u8>, WriteError> {
    let error = |reason: minijinja::Error| WriteError {
        root: document.root.clone(),
        reason: format!("{reason:#}"),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let context = BTreeMap::from([("field", complete(document, fields))]);
    environment
        .render_str(&document.write, context)
        .map(String::into_bytes)
        .map_err(error)
}

/// Every field of the document, also those without a value; names as templates can write them.
fn complete(document: &Document, fields: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let named = |name: &str| name.replace('-', "_");
    let empty = document.fields.keys().map(|name| (named(name), Vec::new()));
    let given = fields.iter().map(|(name, values)| (named(name), values.clone()));
    empty.chain(given).collect()
}
