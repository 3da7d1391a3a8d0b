//! Where a value stands in a document: a path through XML, or a JSONPath.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use oma_dm::xml::Element;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::as_text::as_text;

/// Where a value stands in a document. What begins with `$` is a JSONPath (RFC 9535), everything else a path through XML.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In XML.
    Xml(XmlPath),
    /// In JSON: a query that was found to be one.
    Json(String),
}

/// A path through XML, from the root element on: a subset of XPath 1.0.
///
/// Steps are names of child elements, or `*`, separated by `/`; `[2]` takes the second, `[name='text']` and `[@name='text']` those
/// with such a child or attribute. The last step may be `@name` or `text()`. A name without a prefix fits in any namespace; with a
/// prefix it is of the namespace that the profile declares for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct XmlPath {
    text: String,
    steps: Vec<Step>,
    end: End,
}

/// One step to child elements.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    name: Named,
    predicates: Vec<Predicate>,
}

/// The name of an element or an attribute; a `*` is no name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    prefix: Option<String>,
    local: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Predicate {
    /// The place among those that fit, from 1.
    Position(usize),
    /// A child has this text.
    Child(Named, String),
    /// An attribute has this value.
    Attribute(Named, String),
}

/// What is taken of the element at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Text,
    Attribute(Named),
}

/// A text that is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read `{path}` as a path: {reason}")]
pub struct BadPath {
    path: String,
    reason: String,
}

/// The namespaces of prefixes in paths.
pub type Namespaces = BTreeMap<String, String>;

/// A document as far as it could be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'d> {
    /// XML: its root.
    Xml(Element<'d>),
    /// JSON.
    Json(Value),
    /// Nothing at all.
    Empty,
}

impl Content<'_> {
    /// The same with a copy of all that it borrows.
    pub fn into_owned(self) -> Content<'static> {
        match self {
            Self::Xml(root) => Content::Xml(root.into_owned()),
            Self::Json(value) => Content::Json(value),
            Self::Empty => Content::Empty,
        }
    }
}

impl Place {
    /// The values at this place, in the order of the document. A document of the other kind has none.
    pub fn values(&self, content: &Content<'_>, namespaces: &Namespaces) -> Vec<String> {
        match (self, content) {
            (Self::Xml(path), Content::Xml(root)) => path.values(root, namespaces),
            (Self::Json(query), Content::Json(value)) => json_values(query, value),
            _ => Vec::new(),
        }
    }

    /// The names of members that lead here from the root of a JSON document, and whether there is an array at the end;
    /// nothing if it is no such plain place.
    pub(crate) fn members(&self) -> Option<(Vec<String>, bool)> {
        let Self::Json(query) = self else { return None };
        let (query, is_array) = match query.strip_suffix("[*]") {
            Some(query) => (query, true),
            None => (query.as_str(), false),
        };
        let mut rest = query.strip_prefix('$')?;
        let mut names = Vec::new();
        while !rest.is_empty() {
            let (name, after) = match rest.strip_prefix("['") {
                Some(quoted) => quoted.split_once("']")?,
                None => {
                    let plain = rest.strip_prefix('.')?;
                    plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()))
                }
            };
            if name.is_empty() || name.contains(['*', '\\', '\'']) {
                return None;
            }
            names.push(name.to_owned());
            rest = after;
        }
        (!names.is_empty()).then_some((names, is_array))
    }

    /// The prefixes in it.
    pub(crate) fn prefixes(&self) -> Vec<&str> {
        match self {
            Self::Json(_) => Vec::new(),
            Self::Xml(path) => path.prefixes(),
        }
    }
}

fn json_values(query: &str, value: &Value) -> Vec<String> {
    let Ok(path) = JsonPath::parse(query) else {
        return Vec::new();
    };
    let found = path.query(value).all().into_iter();
    found
        .filter_map(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect()
}

impl XmlPath {
    fn values(&self, root: &Element, namespaces: &Namespaces) -> Vec<String> {
        let mut at = vec![root];
        for step in &self.steps {
            at = at
                .into_iter()
                .flat_map(|element| step.children(element, namespaces))
                .collect();
        }
        match &self.end {
            End::Text => at
                .into_iter()
                .map(|element| element.text().trim().to_owned())
                .collect(),
            End::Attribute(name) => at
                .into_iter()
                .filter_map(|element| name.attribute(element, namespaces))
                .collect(),
        }
    }

    /// Whether it leads through a child of the root of this local name, or ends there.
    pub fn begins_with(&self, local: &str) -> bool {
        let first = self.steps.first();
        first.is_some_and(|step| step.name.local.as_deref().is_none_or(|name| name == local))
    }

    fn prefixes(&self) -> Vec<&str> {
        let mut names: Vec<&Named> = Vec::new();
        for step in &self.steps {
            names.push(&step.name);
            names.extend(step.predicates.iter().filter_map(|predicate| match predicate {
                Predicate::Position(_) => None,
                Predicate::Child(name, _) | Predicate::Attribute(name, _) => Some(name),
            }));
        }
        if let End::Attribute(name) = &self.end {
            names.push(name);
        }
        names
            .into_iter()
            .filter_map(|name| name.prefix.as_deref())
            .collect()
    }
}

impl Step {
    fn children<'a>(&self, element: &'a Element<'a>, namespaces: &Namespaces) -> Vec<&'a Element<'a>> {
        let mut found: Vec<&Element> = element
            .elements()
            .filter(|child| {
                self.name
                    .fits(&child.name.local, child.name.namespace.as_deref(), namespaces)
            })
            .collect();
        for predicate in &self.predicates {
            found = match predicate {
                Predicate::Position(place) => found.into_iter().skip(place - 1).take(1).collect(),
                Predicate::Child(name, text) => {
                    let has = |child: &&Element| {
                        child.elements().any(|inner| {
                            name.fits(&inner.name.local, inner.name.namespace.as_deref(), namespaces)
                                && inner.text().trim() == text
                        })
                    };
                    found.into_iter().filter(has).collect()
                }
                Predicate::Attribute(name, value) => {
                    let has = |child: &&Element| name.attribute(child, namespaces).as_deref() == Some(value);
                    found.into_iter().filter(has).collect()
                }
            };
        }
        found
    }
}

impl Named {
    fn fits(&self, local: &str, namespace: Option<&str>, namespaces: &Namespaces) -> bool {
        let of_name = self.local.as_ref().is_none_or(|wanted| wanted == local);
        let of_namespace = self.prefix.as_ref().is_none_or(|prefix| {
            let declared = namespaces.get(prefix).map(String::as_str);
            declared.is_some() && declared == namespace
        });
        of_name && of_namespace
    }

    fn attribute(&self, element: &Element, namespaces: &Namespaces) -> Option<String> {
        let found = element.attributes.iter().find(|attribute| {
            self.fits(
                &attribute.name.local,
                attribute.name.namespace.as_deref(),
                namespaces,
            )
        });
        found.map(|attribute| attribute.value.to_string())
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self {
                prefix: None,
                local: None,
            });
        }
        let (prefix, local) = match text.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, text),
        };
        for name in prefix.iter().copied().chain([local]) {
            let mut characters = name.chars();
            let begins = characters
                .next()
                .is_some_and(|first| first.is_alphabetic() || first == '_');
            if !begins || !characters.all(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '.')) {
                return Err(format!("`{name}` is no name"));
            }
        }
        Ok(Self {
            prefix: prefix.map(str::to_owned),
            local: Some(local.to_owned()),
        })
    }
}

impl FromStr for Place {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        if !text.starts_with('$') {
            return text.parse().map(Self::Xml);
        }
        match JsonPath::parse(text) {
            Ok(_) => Ok(Self::Json(text.to_owned())),
            Err(error) => Err(BadPath {
                path: text.to_owned(),
                reason: format!("{error}; a JSONPath looks like `$.device.id` or `$.tree[*]`"),
            }),
        }
    }
}

impl FromStr for XmlPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let bad = |reason: String| BadPath {
            path: text.to_owned(),
            reason,
        };
        let parts = steps(text);
        let mut path = Self {
            text: text.to_owned(),
            steps: Vec::new(),
            end: End::Text,
        };
        for (at, part) in parts.iter().enumerate() {
            let is_last = at + 1 == parts.len();
            match *part {
                "" => {
                    return Err(bad(
                        "write the names of elements below the root, separated by single `/`".to_owned(),
                    ));
                }
                "text()" if is_last => {}
                part if part.starts_with('@') && is_last => {
                    path.end = End::Attribute(Named::parse(&part[1..]).map_err(bad)?);
                }
                part if part.starts_with('@') || part == "text()" => {
                    return Err(bad(format!("`{part}` can only be the last step")));
                }
                part => path.steps.push(step(part).map_err(bad)?),
            }
        }
        Ok(path)
    }
}

/// The steps of a path; a `/` in a quoted text separates nothing.
fn steps(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '/' if !quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

fn step(part: &str) -> Result<Step, String> {
    let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
    let mut predicates = Vec::new();
    while !rest.is_empty() {
        let inner = rest
            .strip_prefix('[')
            .ok_or_else(|| format!("`{rest}` follows a predicate"))?;
        // The bracket that ends it is the first one outside of a quoted text.
        let mut quoted = false;
        let end = inner.find(|character| {
            quoted ^= character == '\'';
            character == ']' && !quoted
        });
        let end = end.ok_or_else(|| format!("`{rest}` has no end"))?;
        predicates.push(predicate(&inner[..end])?);
        rest = &inner[end + 1..];
    }
    Ok(Step {
        name: Named::parse(name)?,
        predicates,
    })
}

fn predicate(text: &str) -> Result<Predicate, String> {
    if let Ok(place) = text.parse::<usize>() {
        return match place {
            0 => Err("the first one is `[1]`".to_owned()),
            place => Ok(Predicate::Position(place)),
        };
    }
    let known = "a predicate is `[2]`, `[name='text']` or `[@name='text']`";
    let (name, value) = text.split_once('=').ok_or(known)?;
    let value = value
        .trim()
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''))
        .ok_or(known)?
        .to_owned();
    match name.trim().strip_prefix('@') {
        Some(name) => Ok(Predicate::Attribute(Named::parse(name)?, value)),
        None => Ok(Predicate::Child(Named::parse(name.trim())?, value)),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(path) => f.write_str(&path.text),
            Self::Json(query) => f.write_str(query),
        }
    }
}

as_text!(Place);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const DOCUMENT: &str = "<r xmlns='urn:a' xmlns:b='urn:b'>\
        <device kind='phone'><id>one</id></device><device kind='tablet'><id>two</id></device>\
        <b:device><id>three</id></b:device><tree> ./A </tree><tree>./B</tree></r>";

    fn xml(path: &str) -> Vec<String> {
        let root = Element::parse(DOCUMENT.as_bytes()).expect("the document is XML");
        let namespaces = Namespaces::from([("x".to_owned(), "urn:b".to_owned())]);
        let place: Place = path.parse().expect("the path is one");
        place.values(&Content::Xml(root), &namespaces)
    }

    #[rstest]
    #[case("device/id", &["one", "two", "three"])]
    #[case("*/id", &["one", "two", "three"])]
    #[case("device[2]/id", &["two"])]
    #[case("device[@kind='phone']/id", &["one"])]
    #[case("device[id='two']/@kind", &["tablet"])]
    #[case("x:device/id", &["three"])]
    #[case("tree", &["./A", "./B"])]
    #[case("tree/text()", &["./A", "./B"])]
    #[case("device[@kind='a]/b']/id", &[])]
    #[case("nothing", &[])]
    fn a_path_leads_to_the_values(#[case] path: &str, #[case] expected: &[&str]) {
        assert_eq!(xml(path), expected);
    }

    #[rstest]
    #[case("$.device.id", &["7"])]
    #[case("$.tree[*]", &["./A", "./B"])]
    #[case("$.count", &["3"])]
    #[case("$.gone", &[])]
    #[case("$.tree[?@ == './B']", &["./B"])]
    fn a_json_path_leads_to_the_values(#[case] path: &str, #[case] expected: &[&str]) {
        let value =
            serde_json::json!({"device": {"id": "7"}, "tree": ["./A", "./B"], "count": 3, "gone": null});
        let place: Place = path.parse().expect("the path is one");
        assert_eq!(place.values(&Content::Json(value), &Namespaces::new()), expected);
    }

    #[rstest]
    #[case("$.device.id", Some((vec!["device", "id"], false)))]
    #[case("$.tree[*]", Some((vec!["tree"], true)))]
    #[case("$['device id'].name", Some((vec!["device id", "name"], false)))]
    #[case("$..id", None)]
    #[case("$.a[0]", None)]
    #[case("$", None)]
    #[case("a/b", None)]
    fn what_leads_through_members_alone_can_be_written(
        #[case] path: &str,
        #[case] expected: Option<(Vec<&str>, bool)>,
    ) {
        let place: Place = path.parse().expect("the path is one");
        let expected =
            expected.map(|(names, is_array)| (names.into_iter().map(str::to_owned).collect(), is_array));
        assert_eq!(place.members(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("a//b")]
    #[case("a/@b/c")]
    #[case("a[0]")]
    #[case("a[b=c]")]
    #[case("a[1")]
    #[case("a[1]b")]
    #[case("1a")]
    #[case("$.a[")]
    #[case("a|b")]
    fn what_is_no_path_is_refused(#[case] path: &str) {
        let error = path.parse::<Place>().expect_err("it is none").to_string();
        assert!(
            error.starts_with(&format!("read `{path}` as a path: ")),
            "{error}"
        );
    }
}
