//! Reads profiles.

use std::ops::Range;

use dmconform_model::{Diagnostic, MessageId, Part, Step};
use oma_dm::media_type::MediaType;
use oma_dm::xml::Element;

use super::diagnose::{Source, nearest, shown};
use super::node::{self, Node};
use super::resolve::{document_fields, suggestion};
use super::typed;
use crate::document::{self, Fields, Request, WriteError};
use crate::profile::{Content, Document, Place, Profile, Syntax, TargetPattern};

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
    check.delegation();
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
        self.problem_at(self.node.place_of(path), message, help.to_owned());
    }

    fn problem_at(&mut self, at: Range<usize>, message: String, help: String) {
        self.problems.push(self.source.error(at, message, Some(help)));
    }

    /// What the messages have in common: it has to fit into the head of a request.
    fn delegation(&mut self) {
        let delegation = &self.profile.delegation;
        self.method(&["delegation", "method"], &delegation.method);
        if let Err(error) = MediaType::parse(&delegation.media_type) {
            let help = "write one as in `application/json`";
            self.problem(&["delegation", "media-type"], error.to_string(), help);
        }
        if delegation.syntax == Syntax::Xml {
            return;
        }
        let of_xml = [
            ("namespace", delegation.namespace.is_some()),
            ("prefixes", !delegation.prefixes.is_empty()),
        ];
        for (key, is_given) in of_xml {
            if is_given {
                let message = format!("read `{key}`: documents in JSON have no namespaces");
                let at = self.node.place_of_key(&["delegation", key]);
                self.problem_at(at, message, "take it out".to_owned());
            }
        }
    }

    fn method(&mut self, path: &[&str], method: &str) {
        if is_token(method) {
            return;
        }
        let message = format!("read `{}` as an HTTP method", shown(method));
        self.problem(path, message, "write one as in `POST`");
    }

    /// The method and the header fields of a form, which have to fit into the head of a message, and the fields that it
    /// carries, which something has to fill.
    fn names(&mut self, message: MessageId, at: &[&str], form: &Document) {
        let path = |more: &[&'static str]| [at, more].concat();
        if let Some(method) = &form.method {
            self.method(&path(&["method"]), method);
        }
        for (header, field) in &form.headers {
            let place = [at, &["headers", header]].concat();
            let place = self.node.place_of_key(&place);
            if !is_token(header) {
                let what = format!("read `{}` as the name of a header field", shown(header));
                self.problem_at(place.clone(), what, "write one as in `X-Session`".to_owned());
            }
            self.filled(message, place, field);
        }
        for field in form.target.iter().flat_map(TargetPattern::fields) {
            self.filled(message, self.node.place_of(&path(&["target"])), field);
        }
        for field in form.fields.keys() {
            let place = [at, &["fields", field]].concat();
            self.read(message, form, self.node.place_of_key(&place), field);
        }
    }

    /// A field that mock roles are to write where they have nothing to write is a slip of the pen: what was meant would be missing.
    fn filled(&mut self, message: MessageId, at: Range<usize>, name: &str) {
        let known = document_fields(message);
        if known.contains(&name) {
            return;
        }
        let what = format!("find the field `{}` of {message}", shown(name));
        self.problem_at(at, what, suggestion(name, &known));
    }

    /// So is one that is called nearly like one of ours, in place of it. Others are the user's own, for cases of his own.
    fn read(&mut self, message: MessageId, form: &Document, at: Range<usize>, name: &str) {
        let known = document_fields(message);
        let is_missing = |known: &&str| !form.fields.contains_key(*known);
        let near = nearest(name, known.iter().copied().filter(is_missing));
        if near.is_some() && !known.contains(&name) {
            self.filled(message, at, name);
        }
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

    /// Writes a message with values that would show any mistake, and reads it back.
    fn document(&mut self, message: MessageId, document: &Document) {
        let name = message.to_string();
        let at = ["messages", name.as_str()];
        let before = self.problems.len();
        for (index, form) in document.also.iter().enumerate() {
            self.names(message, &["messages", &name, "also", &index.to_string()], form);
        }
        self.names(message, &at, document);
        if self.problems.len() > before {
            return;
        }
        for form in document.forms() {
            if let Some((what, help)) = self.unfitting(message, form) {
                return self.problem(&at, format!("read {message}: {what}"), help);
            }
        }
        if document.also.iter().any(|form| !form.also.is_empty()) {
            let help = "write every other form under the one `also` of the message";
            return self.problem(&at, format!("read {message}: a form has other forms"), help);
        }
        let path = match document.write {
            Some(_) => vec!["messages", name.as_str(), "write"],
            None => at.to_vec(),
        };
        if let Err(error) = self.profile.write(message, document, &Fields::new()) {
            return self.template(&path, &format!("write {message}"), &error);
        }
        let fields: Fields = document
            .field_names()
            .into_iter()
            .map(|field| (field.to_owned(), vec![format!("{field} <&>'\"")]))
            .collect();
        match self.written(message, document, &fields) {
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

    /// What a form says that does not fit the message or the syntax of the documents, and what to do.
    fn unfitting(&self, message: MessageId, form: &Document) -> Option<(String, &'static str)> {
        let delegation = &self.profile.delegation;
        if message.part == Part::Answer && (form.method.is_some() || form.target.is_some()) {
            let help = "only a request has a method and a target";
            return Some(("an answer has no method and no target".to_owned(), help));
        }
        if message.part == Part::Request && form.status.is_some() {
            return Some(("a request has no status".to_owned(), "only an answer has one"));
        }
        if form.status.is_some_and(|status| !(200..300).contains(&status)) {
            let what = "an answer that accepts has a status of 2xx".to_owned();
            return Some((what, "write one from 200 to 299"));
        }
        if message.part == Part::Request && form.body_optional {
            let help = "take it out; a request without a document goes without a body";
            return Some(("`body-optional` is for answers alone".to_owned(), help));
        }
        if form.status.is_some_and(has_no_body) && !form.is_bodiless() {
            let what = "an answer with the status 204 or 205 has no body".to_owned();
            return Some((what, "write another status, or no document"));
        }
        if delegation.syntax == Syntax::Json && form.root.is_some() {
            let help = "say under `when` what must stand in it";
            return Some(("JSON has no root element".to_owned(), help));
        }
        if delegation.syntax == Syntax::Xml && form.root.is_none() && !form.is_bodiless() {
            return Some(("it has no root".to_owned(), "say which root element it has"));
        }
        if delegation.syntax == Syntax::Xml && form.write.is_none() && !form.is_bodiless() {
            let help = "say under `write` how it is written";
            return Some(("it has no template".to_owned(), help));
        }
        let places = form.fields.values().chain(form.when.keys());
        for place in places {
            if form.write.is_none() && matches!(place, Place::Json(_)) && place.members().is_none() {
                let what = format!("`{place}` is no plain place, and there is no template");
                return Some((
                    what,
                    "write a place such as `$.device.id` or `$.tree[*]`, or the document under `write`",
                ));
            }
            let is_json = matches!(place, Place::Json(_));
            if is_json != (delegation.syntax == Syntax::Json) {
                let what = format!("`{place}` leads nowhere in {}", delegation.syntax.title());
                return Some((
                    what,
                    "in XML write names of elements, in JSON a JSONPath that begins with `$`",
                ));
            }
            let mut prefixes = place.prefixes().into_iter();
            if let Some(unknown) = prefixes.find(|prefix| !delegation.prefixes.contains_key(*prefix)) {
                let what = format!("`{place}` has the prefix `{unknown}`, which is not declared");
                return Some((what, "declare it under `delegation`, `prefixes`"));
            }
        }
        None
    }

    fn written(&self, message: MessageId, document: &Document, fields: &Fields) -> Result<Fields, String> {
        let written = self
            .profile
            .write(message, document, fields)
            .map_err(|error| error.to_string())?;
        let syntax = self.profile.delegation.syntax;
        let content = document::content(syntax, &written.body)?;
        if let (Content::Xml(root), Some(expected)) = (&content, &document.root) {
            self.is_root(root, expected)?;
        }
        let read = match message.part {
            Part::Request => {
                let request = Request {
                    method: &written.method,
                    target: &written.target,
                    headers: &written.headers,
                    body: &written.body,
                };
                self.profile.request_form(document, &request, &content)
            }
            Part::Answer => self
                .profile
                .form(document, &written.headers, &content, Fields::new()),
        };
        read.map_err(|mismatch| mismatch.to_string())
    }

    fn is_root(&self, root: &Element, expected: &str) -> Result<(), String> {
        let namespace = self.profile.delegation.namespace.as_deref().unwrap_or_default();
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
                if let Err(reason) = document::content(self.profile.delegation.syntax, &written) {
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

/// Whether an answer of this status ends with its head (RFC 9110, sections 15.3.5 and 15.3.6).
const fn has_no_body(status: u16) -> bool {
    matches!(status, 204 | 205)
}

/// Whether a text is a token (RFC 9110, section 5.6.2), as methods and names of header fields are.
fn is_token(text: &str) -> bool {
    let is_of_token = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(is_of_token)
}
