//! Messages between the servers, read and written as a profile says.

use std::collections::BTreeMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use dmconform_model::{MessageId, Part, Step};
use minijinja::{AutoEscape, Environment, ErrorKind, Output, UndefinedBehavior, Value};
use oma_dm::xml::Element;

use crate::profile::{Content, Delegation, Document, Profile, Syntax};

/// What a message carries: field → values.
pub type Fields = BTreeMap<String, Vec<String>>;

/// An HTTP request, as far as a profile looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query, or the whole URL.
    pub target: &'a str,
    /// The header fields.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// An HTTP answer, as far as a profile looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The header fields.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// What an answer says, and how it stands to what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What it carries.
    pub fields: Fields,
    /// Why it accepts nothing, in a few words; nothing if it accepts.
    pub refused: Option<String>,
}

/// A message as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The method of a request.
    pub method: String,
    /// What follows the receiver's address for delegations in the URL of a request.
    pub target: String,
    /// The status of an answer.
    pub status: u16,
    /// Header fields besides those of the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a request is no message that a profile knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// The body is no document of the kind that the profile has.
    #[error("no {} document: {reason}", syntax.title())]
    Unreadable {
        /// What it should be written in.
        syntax: Syntax,
        /// What is wrong.
        reason: String,
    },
    /// No form of a message fits.
    #[error("{0}")]
    Unknown(String),
}

/// Why something is not the message that a form describes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another method.
    #[error("its method is {found}, not {expected}")]
    Method {
        /// That of the message.
        expected: String,
        /// That of the request.
        found: String,
    },
    /// Another target.
    #[error("its target does not end as in `{0}`")]
    Target(String),
    /// No document, where the message is one.
    #[error("it has no readable document")]
    NoDocument,
    /// Another root element.
    #[error("its root is `{found}`, not `{expected}`")]
    Root {
        /// That of the message.
        expected: String,
        /// That of the document.
        found: String,
    },
    /// Something else stands where the message has something fixed.
    #[error("at `{place}` stands {}, not `{expected}`", found.as_ref().map_or_else(|| "nothing".to_owned(), |found| format!("`{found}`")))]
    Condition {
        /// Where.
        place: String,
        /// What the message has there.
        expected: String,
        /// What stands there.
        found: Option<String>,
    },
}

/// Why a document cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fill the template of `{document}`: {reason}; correct it in the profile")]
pub struct WriteError {
    /// The root element of the document, the message, or `refusal`.
    document: String,
    /// What is wrong.
    pub(crate) reason: String,
    /// In which line of the template, from 0.
    pub(crate) line: Option<usize>,
}

/// A body as the profile's documents are written.
///
/// # Errors
/// Why it is none.
pub fn content(syntax: Syntax, body: &[u8]) -> Result<Content<'_>, String> {
    if body.is_empty() {
        return Ok(Content::Empty);
    }
    match syntax {
        Syntax::Xml => Element::parse(body)
            .map(Content::Xml)
            .map_err(|error| error.to_string()),
        Syntax::Json => serde_json::from_slice(body)
            .map(Content::Json)
            .map_err(|error| error.to_string()),
    }
}

impl Profile {
    /// The messages that a request is, of those that it may be, with what they carry. Mostly it is one; a profile may let a
    /// request say two things.
    ///
    /// # Errors
    /// Why it is none of them.
    pub fn request(
        &self,
        request: &Request<'_>,
        is_possible: impl Fn(MessageId) -> bool,
    ) -> Result<Vec<(MessageId, Fields)>, Unrecognised> {
        let content = content(self.delegation.syntax, request.body);
        self.request_with(request, content.as_ref().map_err(Clone::clone), is_possible)
    }

    /// The same of a request whose body was read already ([`content`]).
    ///
    /// # Errors
    /// Why it is none of them.
    pub fn request_with(
        &self,
        request: &Request<'_>,
        content: Result<&Content<'_>, String>,
        is_possible: impl Fn(MessageId) -> bool,
    ) -> Result<Vec<(MessageId, Fields)>, Unrecognised> {
        let readable = content.as_ref().copied().unwrap_or(&Content::Empty);
        let possible = self
            .messages
            .iter()
            .filter(|(message, _)| message.part == Part::Request && is_possible(**message));
        let found: Vec<(MessageId, Fields)> = possible
            .filter_map(|(message, document)| {
                let fields = self.request_message(document, request, readable).ok()?;
                Some((*message, fields))
            })
            .collect();
        match content {
            _ if !found.is_empty() => Ok(found),
            Err(reason) => Err(self.unreadable(reason)),
            Ok(Content::Empty) => Err(self.unreadable("it is empty".to_owned())),
            Ok(Content::Xml(root)) => Err(Unrecognised::Unknown(format!("`{}`", root.name.local))),
            Ok(Content::Json(_)) => {
                let path = request.target.split('?').next().unwrap_or_default();
                Err(Unrecognised::Unknown(format!("{} {path}", request.method)))
            }
        }
    }

    const fn unreadable(&self, reason: String) -> Unrecognised {
        Unrecognised::Unreadable {
            syntax: self.delegation.syntax,
            reason,
        }
    }

    /// What a request carries as a message, in any of its forms.
    ///
    /// # Errors
    /// Why it is not this message.
    pub fn request_message(
        &self,
        document: &Document,
        request: &Request<'_>,
        content: &Content<'_>,
    ) -> Result<Fields, Mismatch> {
        first(
            document
                .forms()
                .map(|form| self.request_form(form, request, content)),
        )
    }

    /// What a request carries as this form of a message.
    ///
    /// # Errors
    /// Why it is not this message.
    pub(crate) fn request_form(
        &self,
        form: &Document,
        request: &Request<'_>,
        content: &Content<'_>,
    ) -> Result<Fields, Mismatch> {
        let mut fields = Fields::new();
        let method = form.method.as_ref().unwrap_or(&self.delegation.method);
        // A profile that looks at nothing but documents is not particular about methods: the rules of HTTP are not judged here.
        if (form.method.is_some() || form.target.is_some()) && method != request.method {
            return Err(Mismatch::Method {
                expected: method.clone(),
                found: request.method.to_owned(),
            });
        }
        if let Some(target) = &form.target {
            fields = target
                .read(request.target)
                .ok_or_else(|| Mismatch::Target(target.to_string()))?;
        }
        self.form(form, request.headers, content, fields)
    }

    /// What an answer carries as an answer to a message.
    ///
    /// # Errors
    /// Why it is no such answer.
    pub fn answer(&self, document: &Document, answer: &Answer<'_>) -> Result<Fields, Mismatch> {
        let content = content(self.delegation.syntax, answer.body).map_err(|_| Mismatch::NoDocument)?;
        self.carried(document, answer.headers, &content)
    }

    /// What an answer says to a message, in any of its forms or, where the profile allows that, without its body.
    ///
    /// # Errors
    /// Why it is no such answer.
    pub fn answered(
        &self,
        message: MessageId,
        document: &Document,
        status: u16,
        answer: &Answer<'_>,
    ) -> Result<Answered, Mismatch> {
        let content = content(self.delegation.syntax, answer.body);
        self.answered_with(message, document, status, answer, content.as_ref().ok())
    }

    /// The same of an answer whose body was read already ([`content`]), if that is possible.
    ///
    /// # Errors
    /// Why it is no such answer.
    pub fn answered_with(
        &self,
        message: MessageId,
        document: &Document,
        status: u16,
        answer: &Answer<'_>,
        content: Option<&Content<'_>>,
    ) -> Result<Answered, Mismatch> {
        let carried = match content {
            Some(content) => self.carried(document, answer.headers, content),
            None => Err(Mismatch::NoDocument),
        };
        let fields = carried.or_else(|mismatch| {
            let may_be = answer.body.is_empty() && document.body_optional;
            may_be
                .then(|| document.in_headers(answer.headers))
                .ok_or(mismatch)
        })?;
        let is_refusal = |values: &Vec<String>| values.iter().any(|value| value == "refused");
        let refused = if !(200..300).contains(&status) {
            Some(format!("status {status}"))
        } else if fields.get("result").is_some_and(is_refusal) {
            Some("result refused".to_owned())
        } else if message == MessageId::answer(Step::UrlRequest) && !fields.contains_key("url") {
            Some("there is no URL".to_owned())
        } else {
            None
        };
        Ok(Answered { fields, refused })
    }

    /// What a document carries as a message, in any of its forms, wherever it goes.
    ///
    /// # Errors
    /// Why it is not this message.
    pub fn carried(
        &self,
        document: &Document,
        headers: &[(String, String)],
        content: &Content<'_>,
    ) -> Result<Fields, Mismatch> {
        first(
            document
                .forms()
                .map(|form| self.form(form, headers, content, Fields::new())),
        )
    }

    /// What a body alone carries as a message, in those of its forms that have a document: where it went, and with what header,
    /// nobody says.
    ///
    /// # Errors
    /// Why it is not this message.
    pub fn in_body(&self, document: &Document, content: &Content<'_>) -> Result<Fields, Mismatch> {
        let documents = document.forms().filter(|form| !form.is_bodiless());
        first(documents.map(|form| self.form(form, &[], content, Fields::new())))
    }

    /// What a document carries as this form of a message.
    ///
    /// # Errors
    /// Why it is not this message.
    pub(crate) fn form(
        &self,
        form: &Document,
        headers: &[(String, String)],
        content: &Content<'_>,
        mut fields: Fields,
    ) -> Result<Fields, Mismatch> {
        for (field, values) in form.in_headers(headers) {
            join(&mut fields, &field, values);
        }
        let is_document = !form.is_bodiless();
        if is_document && *content == Content::Empty {
            return Err(Mismatch::NoDocument);
        }
        if let (Some(expected), Content::Xml(root)) = (&form.root, content)
            && root.name.local != *expected
        {
            return Err(Mismatch::Root {
                expected: expected.clone(),
                found: root.name.local.to_string(),
            });
        }
        let prefixes = &self.delegation.prefixes;
        for (place, expected) in &form.when {
            let found = place.values(content, prefixes);
            if !found.contains(expected) {
                return Err(Mismatch::Condition {
                    place: place.to_string(),
                    expected: expected.clone(),
                    found: found.into_iter().next(),
                });
            }
        }
        for (field, place) in &form.fields {
            join(&mut fields, field, place.values(content, prefixes));
        }
        fields.retain(|_, values| !values.is_empty());
        Ok(fields)
    }

    /// Writes a message. In a template a field is a list; one that is not given is an empty list.
    ///
    /// # Errors
    /// When the template is broken, refers to something that is no field, or writes without an end.
    pub fn write(
        &self,
        message: MessageId,
        document: &Document,
        fields: &Fields,
    ) -> Result<Written, WriteError> {
        let name = document.root.clone().unwrap_or_else(|| message.to_string());
        let body = match (&document.write, self.delegation.syntax) {
            (Some(template), syntax) => {
                let context = BTreeMap::from([("field", Value::from(complete(document, fields)))]);
                render(&name, syntax, template, context)?
            }
            (None, Syntax::Json) => json(&name, document, fields)?,
            (None, Syntax::Xml) => Vec::new(),
        };
        let headers = document.headers.iter().filter_map(|(header, field)| {
            let value = fields.get(field)?.first()?;
            Some((header.to_ascii_lowercase(), value.clone()))
        });
        Ok(Written {
            method: document
                .method
                .clone()
                .unwrap_or_else(|| self.delegation.method.clone()),
            target: document
                .target
                .as_ref()
                .map(|target| target.write(fields))
                .unwrap_or_default(),
            status: document.status.unwrap_or(200),
            headers: headers.collect(),
            body,
        })
    }
}

impl Document {
    /// What header fields say of a message in this form, whatever its body is.
    pub fn in_headers(&self, headers: &[(String, String)]) -> Fields {
        let mut fields = Fields::new();
        for (header, field) in &self.headers {
            let found = headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(header));
            join(
                &mut fields,
                field,
                found.map(|(_, value)| value.clone()).collect(),
            );
        }
        fields.retain(|_, values| !values.is_empty());
        fields
    }
}

/// Adds what one part of a message says of a field to what others say of it. What one part says twice, it says twice.
fn join(fields: &mut Fields, field: &str, values: Vec<String>) {
    let known = fields.entry(field.to_owned()).or_default();
    let mut new: Vec<String> = values
        .into_iter()
        .filter(|value| !known.contains(value))
        .collect();
    // Mostly there is one, and what is said is kept for as long as its case takes.
    known.reserve_exact(new.len());
    known.append(&mut new);
}

/// What the first form that fits carries, or else why the one that is written does not fit.
fn first(mut read: impl Iterator<Item = Result<Fields, Mismatch>>) -> Result<Fields, Mismatch> {
    match read.next() {
        Some(Err(mismatch)) => read.find(Result::is_ok).unwrap_or(Err(mismatch)),
        Some(found) => found,
        None => Err(Mismatch::NoDocument),
    }
}

/// Writes the body of a refusal.
///
/// # Errors
/// When the template is broken, or refers to something else than `session` and `reason`.
pub fn refusal(delegation: &Delegation, session: &str, reason: &str) -> Result<Vec<u8>, WriteError> {
    let context = BTreeMap::from([("session", session.to_owned()), ("reason", reason.to_owned())]);
    render("refusal", delegation.syntax, &delegation.refusal, context)
}

/// JSON with each field at its place, and what must stand there. A message without anything in its body has none.
fn json(name: &str, document: &Document, fields: &Fields) -> Result<Vec<u8>, WriteError> {
    if document.is_bodiless() {
        return Ok(Vec::new());
    }
    let mut root = serde_json::Value::Object(serde_json::Map::new());
    let fixed = document
        .when
        .iter()
        .map(|(place, text)| (place, vec![text.clone()]));
    let given = document.fields.iter().filter_map(|(field, place)| {
        let values = fields.get(field)?;
        (!values.is_empty()).then(|| (place, values.clone()))
    });
    for (place, values) in fixed.chain(given) {
        let error = |reason: String| WriteError {
            document: name.to_owned(),
            reason,
            line: None,
        };
        let (members, is_array) = place.members().ok_or_else(|| {
            error(format!(
                "`{place}` is no plain place such as `$.device.id`, and there is no template"
            ))
        })?;
        let mut values: Vec<serde_json::Value> = values.into_iter().map(serde_json::Value::from).collect();
        let value = match values.pop() {
            Some(only) if values.is_empty() && !is_array => only,
            last => serde_json::Value::Array(values.into_iter().chain(last).collect()),
        };
        let mut at = &mut root;
        for member in &members {
            let serde_json::Value::Object(object) = at else {
                return Err(error(format!(
                    "`{place}` leads through something that is no object"
                )));
            };
            at = object
                .entry(member.clone())
                .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
        }
        *at = value;
    }
    let mut text = root.to_string().into_bytes();
    text.push(b'\n');
    Ok(text)
}

/// The template engine as documents of each syntax are written with it: made once, since that takes longer than to write one. The
/// same of each template, which is its own name here.
static XML: LazyLock<RwLock<Environment<'static>>> = LazyLock::new(|| environment(Syntax::Xml).into());
static JSON: LazyLock<RwLock<Environment<'static>>> = LazyLock::new(|| environment(Syntax::Json).into());

/// How many templates are kept ready to be written with: those of some profiles.
const READY: usize = 256;

fn environment(syntax: Syntax) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(move |out, _, value| match syntax {
        Syntax::Xml => escaped(out, value),
        Syntax::Json => as_json(out, value),
    });
    environment.set_fuel(Some(FUEL));
    // An error says which name is unknown, in the program that is shipped as in the one that is tested.
    environment.set_debug(true);
    environment
}

fn render(
    name: &str,
    syntax: Syntax,
    template: &str,
    context: impl Into<Value>,
) -> Result<Vec<u8>, WriteError> {
    let error = |reason: minijinja::Error| WriteError {
        document: name.to_owned(),
        line: reason.line().map(|line| line.saturating_sub(1)),
        reason: match reason.detail() {
            Some(detail) => format!("{}: {detail}", reason.kind()),
            None => reason.kind().to_string(),
        },
    };
    let environment = match syntax {
        Syntax::Xml => &XML,
        Syntax::Json => &JSON,
    };
    make_ready(environment, template).map_err(error)?;
    let environment = environment.read().unwrap_or_else(PoisonError::into_inner);
    let mut written = Bounded(Vec::new());
    let ready = environment.get_template(template);
    ready
        .or_else(|_| environment.template_from_str(template))
        .and_then(|template| template.render_captured_to(context, &mut written))
        .map_err(error)?;
    Ok(written.0)
}

/// Keeps a template ready to be written with, while there is room: none is ever let go, since another thread may be about to use it.
fn make_ready(environment: &RwLock<Environment<'static>>, template: &str) -> Result<(), minijinja::Error> {
    let known = environment.read().unwrap_or_else(PoisonError::into_inner);
    if known.get_template(template).is_ok() || known.templates().count() >= READY {
        return Ok(());
    }
    drop(known);
    let mut environment = environment.write().unwrap_or_else(PoisonError::into_inner);
    environment.add_template_owned(template.to_owned(), template.to_owned())
}

/// Writes a value as XML character data (XML 1.0, section 2.4), in an element as well as in an attribute in quotes of either kind.
/// The template engine's own escaping is for HTML, and writes references that a simple reader might not know.
fn escaped(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let text = value.to_string();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\t', '\n', '\r']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            // A reader takes these for spaces in an attribute, and a carriage return for a line feed anywhere (sections 2.11 and 3.3.3).
            b'\t' => "&#9;",
            b'\n' => "&#10;",
            _ => "&#13;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)?;
    Ok(())
}

/// Writes a value as JSON: a text with its quotes, a list with its brackets.
fn as_json(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let text = serde_json::to_string(value)
        .map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    out.write_str(&text)?;
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

/// Every field of the document, also those without a value; names as templates can write them, and values that need not be copied
/// each time that a template looks at one.
fn complete(document: &Document, fields: &Fields) -> BTreeMap<String, Value> {
    let named = |name: &str| name.replace('-', "_");
    let nothing = Value::from(Vec::<String>::new());
    let empty = document
        .field_names()
        .into_iter()
        .map(|name| (named(name), nothing.clone()));
    let given = fields
        .iter()
        .map(|(name, values)| (named(name), Value::from(values.clone())));
    empty.chain(given).collect()
}
