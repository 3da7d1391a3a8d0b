//! Reads profiles.

use std::collections::BTreeMap;

use dmconform_model::{Diagnostic, MessageId, Part, Step};
use oma_dm::xml::Element;

use super::diagnose::Source;
use super::node::{self, Node};
use super::typed;
use crate::document::{self, WriteError};
use crate::profile::{Document, Profile};

/// The steps whose messages are documents between the servers.
const BETWEEN_SERVERS: [Step; 5] = [
    Step::Initiation,
    Step::UrlRequest,
    Step::BootstrapComplete,
    Step::ClientPrepared,
    Step::DelegationComplete,
];

/// Reads a profile, and checks that every document between the servers can be written, and that what is written
/// is read back as it was.
///
/// # Errors
/// What is wrong with the text, with its place; a document that is missing or whose template is broken.
pub fn profile(source: Source<'_>) -> Result<Profile, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let profile: Profile = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut check = Check {
        source,
        node: &node,
        profile: &profile,
        problems: Vec::new(),
    };
    check.messages();
    check.refusal();
    check.bootstrap_config();
    if check.problems.is_empty() {
        Ok(profile)
    } else {
        Err(check.problems)
    }
}

struct Check<'a> {
    source: Source<'a>,
    node: &'a Node,
    profile: &'a Profile,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    fn problem(&mut self, path: &[&str], message: String, help: &str) {
        let at = self.node.place_of(path);
        self.problems
            .push(self.source.error(at, message, Some(help.to_owned())));
    }

    /// A mistake in a template, in the line where it is.
    fn template(&mut self, path: &[&str], what: &str, error: &WriteError) {
        let whole = self.node.place_of(path);
        let lines = self.source.text[whole.clone()].split_inclusive('\n');
        let before: usize = lines.clone().take(error.line.unwrap_or(0)).map(str::len).sum();
        let line = lines.clone().nth(error.line.unwrap_or(0)).unwrap_or("");
        let indent = line.len() - line.trim_start().len();
        let start = whole.start + before + indent;
        let message = format!("{what}: {}", error.reason);
        let help =
            "correct the template; its variables are the keys of `fields`, with `_` for `-`".to_owned();
        let at = start..(start + line.trim().len()).min(self.source.text.len());
        self.problems.push(self.source.error(at, message, Some(help)));
    }

    fn messages(&mut self) {
        for step in BETWEEN_SERVERS {
            for part in [Part::Request, Part::Answer] {
                let message = MessageId { step, part };
                match self.profile.messages.get(&message) {
                    Some(document) => self.document(message, document),
                    None => self.problem(
                        &["messages"],
                        format!("find a document for {message}"),
                        "say its root, fields and template under `messages`",
                    ),
                }
            }
        }
        for message in self.profile.messages.keys() {
            if !BETWEEN_SERVERS.contains(&message.step) {
                self.problem(
                    &["messages", &message.to_string()],
                    format!("read a document for {message}"),
                    "only messages between the servers (2, 3, 7, 9, 10 and their answers) are documents",
                );
            }
        }
    }

    /// Writes a document with values that would show any mistake, and reads it back.
    fn document(&mut self, message: MessageId, document: &Document) {
        let name = message.to_string();
        let path = ["messages", name.as_str(), "write"];
        for (field, at) in &document.fields {
            if at.split('/').any(|local| local.trim().is_empty()) {
                self.problem(
                    &["messages", &name, "fields", field],
                    format!("follow the path `{at}`"),
                    "write the names of elements below the root, separated by single `/`",
                );
                return;
            }
        }
        if let Err(error) = document::write(document, &BTreeMap::new()) {
            self.template(&path, &format!("write {message}"), &error);
            return;
        }
        let fields: BTreeMap<String, Vec<String>> = document
            .fields
            .keys()
            .map(|field| (field.clone(), vec![format!("{field} <&>")]))
            .collect();
        match self.written(document, &fields) {
            Err(reason) => self.problem(
                &path,
                format!("read {message} as it is written: {reason}"),
                "correct the template",
            ),
            Ok(found) if found == fields => {}
            Ok(found) => {
                let lost: Vec<&str> = fields
                    .iter()
                    .filter(|(field, values)| found.get(*field) != Some(values))
                    .map(|(field, _)| field.as_str())
                    .collect();
                self.problem(
                    &path,
                    format!("read back {} of {message}", lost.join(", ")),
                    "let the template write each field where `fields` says that it is",
                );
            }
        }
    }

    fn written(
        &self,
        document: &Document,
        fields: &BTreeMap<String, Vec<String>>,
    ) -> Result<BTreeMap<String, Vec<String>>, String> {
        let written = document::write(document, fields).map_err(|error| error.to_string())?;
        let root = Element::parse(&written).map_err(|error| error.to_string())?;
        self.is_root(&root, &document.root)?;
        Ok(document::fields(document, &root))
    }

    fn is_root(&self, root: &Element, expected: &str) -> Result<(), String> {
        let namespace = &self.profile.delegation.namespace;
        if root.name.local != expected {
            return Err(format!("its root is `{}`, not `{expected}`", root.name.local));
        }
        if root.name.namespace.as_deref().unwrap_or("") != namespace {
            return Err(format!("its root is not in the namespace `{namespace}`"));
        }
        Ok(())
    }

    fn refusal(&mut self) {
        let path = ["delegation", "refusal"];
        match document::refusal(&self.profile.delegation, "a <session>", "a & reason") {
            Err(error) => self.template(&path, "write a refusal", &error),
            Ok(written) => {
                if let Err(reason) = Element::parse(&written) {
                    let message = format!("read a refusal as it is written: {reason}");
                    self.problem(&path, message, "correct the template");
                }
            }
        }
    }

    fn bootstrap_config(&mut self) {
        let config = &self.profile.bootstrap_config;
        if !config.root.starts_with("./") || config.root.ends_with('/') {
            let message = format!("find the Bootstrap Config object at `{}`", config.root);
            self.problem(
                &["bootstrap-config", "root"],
                message,
                "write the address of its root node, such as `./BootstrapConfig`",
            );
        }
        if config.url_leaf.is_empty() || config.url_leaf.contains('/') {
            let message = format!("find the URL of an entry in the leaf `{}`", config.url_leaf);
            self.problem(
                &["bootstrap-config", "url-leaf"],
                message,
                "write the name of one node below an entry",
            );
        }
    }
}
