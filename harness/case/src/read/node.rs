//! What was read of a YAML text: its values and where they are.

use std::ops::Range;

use dmconform_model::Diagnostic;

use super::diagnose::{Source, shown};
use super::prepared;
use super::yaml::{self, Unreadable};
pub(crate) use super::yaml::{Node, Value};

/// The largest file that is read, in octets.
const MAX_FILE: usize = 1024 * 1024;

impl Node {
    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether there is something at the end of a path.
    pub(crate) fn has(&self, path: &[&str]) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return true;
        };
        let Value::Map(entries) = &self.value else {
            return false;
        };
        entries
            .iter()
            .any(|(key, value)| key.text() == Some(first) && value.has(rest))
    }

    /// The place of what a path of keys and indexes leads to, as far as it leads.
    pub(crate) fn place_of(&self, path: &[&str]) -> Range<usize> {
        let mut node = self;
        let mut named = self;
        for part in path {
            let Some((next, place)) = node.entry(part) else {
                break;
            };
            // What is a collection is pointed at by its key: its own place is its first entry.
            named = if matches!(next.value, Value::Map(_)) {
                place
            } else {
                next
            };
            node = next;
        }
        named.at.clone()
    }

    /// The place of the key at the end of a path; of what the path leads to, where there is no such key.
    pub(crate) fn place_of_key(&self, path: &[&str]) -> Range<usize> {
        let mut node = self;
        let mut key = None;
        for part in path {
            let Some((next, place)) = node.entry(part) else {
                return self.place_of(path);
            };
            key = Some(place);
            node = next;
        }
        key.map_or_else(|| self.place_of(path), |key| key.at.clone())
    }

    /// What stands under a key or an index, and what names it: its key, or itself in a list.
    fn entry(&self, part: &str) -> Option<(&Self, &Self)> {
        match &self.value {
            Value::Map(entries) => {
                let entry = entries.iter().find(|(key, _)| key.text() == Some(part));
                entry.map(|(key, value)| (value, key))
            }
            Value::List(items) => {
                let item = part.parse::<usize>().ok().and_then(|index| items.get(index));
                item.map(|item| (item, item))
            }
            Value::Null | Value::Scalar(_) => None,
        }
    }

    /// The places of all scalars that are values.
    pub(crate) fn scalars(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut waiting = vec![self];
        while let Some(node) = waiting.pop() {
            match &node.value {
                Value::Null => {}
                Value::Scalar(_) => found.push(node.at.clone()),
                Value::List(items) => waiting.extend(items),
                Value::Map(entries) => waiting.extend(entries.iter().map(|(_, value)| value)),
            }
        }
        found
    }

    /// What the node is, as errors name it.
    pub(crate) fn described(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar(text) => format!("`{}`", shown(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads the one document of a YAML text. Size, depth and number of nodes are bounded.
pub(crate) fn parse(source: Source<'_>) -> Result<Node, Diagnostic> {
    if let Some(node) = prepared::of(source).filter(|node| node.value != Value::Null) {
        return Ok(node);
    }
    if source.text.len() > MAX_FILE {
        let help = "split it, or look whether it is the right file".to_owned();
        return Err(source.error_in_file("read a file of more than 1 MiB", Some(help)));
    }
    if source.text.trim().is_empty() {
        return Err(empty(source));
    }
    let node = yaml::read(source.text).map_err(|unreadable| diagnostic(source, unreadable))?;
    if matches!(node.value, Value::Null) {
        return Err(empty(source));
    }
    Ok(node)
}

fn empty(source: Source<'_>) -> Diagnostic {
    let help = "look whether it is the right file; `dmconform list` names files to start from".to_owned();
    source.error_in_file("read an empty file", Some(help))
}

fn diagnostic(source: Source<'_>, unreadable: Unreadable) -> Diagnostic {
    let Unreadable { at, message, help } = unreadable;
    match at {
        Some(at) => source.error(at, message, help),
        None => source.error_in_file(message, help),
    }
}
