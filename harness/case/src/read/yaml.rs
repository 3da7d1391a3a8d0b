//! YAML texts as trees of located values: the only place that names the YAML library. The build script reads with it, too.

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Error as Yaml;

/// How deep collections may be nested: a case needs about ten levels.
const MAX_DEPTH: usize = 48;
/// How many nodes a file may have, aliases written out.
const MAX_NODES: usize = 100_000;
/// How many characters of what the library says are passed on.
const TOLD: usize = 80;

/// A value in a YAML text, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where it is, in octets of the text.
    pub(crate) at: Range<usize>,
    /// What it is.
    pub(crate) value: Value,
}

/// What a node is. Scalars stay as they were written (`1.10`, `no`); what is read into decides what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A text.
    Scalar(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys and their values in order, doubles included.
    Map(Vec<(Node, Node)>),
}

/// Why a text cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    /// Where, in octets of the text; nowhere if it is the text as a whole.
    pub(crate) at: Option<Range<usize>>,
    /// A fragment that fits after "cannot".
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

/// Reads the one document of a YAML text. Depth and number of nodes are bounded.
pub(crate) fn read(text: &str) -> Result<Node, Unreadable> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    let read: Result<Located, Yaml> = serde_saphyr::from_str_with_options(text, options);
    match read {
        Ok(located) => Ok(lowered(text, located)),
        Err(error) => Err(unreadable(text, &error)),
    }
}

type Located = serde_saphyr::Spanned<Untyped>;

/// A value as the library gives it.
enum Untyped {
    Null,
    /// A number or boolean: its text is taken from the source.
    Plain,
    Text(String),
    List(Vec<Located>),
    Map(Vec<(Located, Located)>),
}

impl<'de> Deserialize<'de> for Untyped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UntypedVisitor)
    }
}

struct UntypedVisitor;

impl<'de> Visitor<'de> for UntypedVisitor {
    type Value = Untyped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Untyped, E> {
        Ok(Untyped::Null)
    }

    fn visit_none<E>(self) -> Result<Untyped, E> {
        Ok(Untyped::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Untyped, D::Error> {
        Untyped::deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Untyped, E> {
        Ok(Untyped::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Untyped, E> {
        Ok(Untyped::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Untyped, E> {
        Ok(Untyped::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Untyped, E> {
        Ok(Untyped::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Untyped, E> {
        Ok(Untyped::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Untyped, E> {
        Ok(Untyped::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Untyped, E> {
        Ok(Untyped::Text(text.to_owned()))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Untyped, E> {
        Err(E::custom("binary data is not read: write the text itself"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Untyped, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Untyped::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Untyped, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry::<Located, Located>()? {
            map.push(entry);
        }
        Ok(Untyped::Map(map))
    }
}

/// The depth is bounded by [`MAX_DEPTH`], which the library watched over.
fn lowered(text: &str, located: Located) -> Node {
    let defined = span(text, located.defined);
    let mut at = span(text, located.referenced);
    let value = match located.value {
        Untyped::Null => Value::Null,
        Untyped::Plain => Value::Scalar(text.get(defined).unwrap_or("").trim().to_owned()),
        Untyped::Text(text) => Value::Scalar(text),
        Untyped::List(items) => Value::List(items.into_iter().map(|item| lowered(text, item)).collect()),
        Untyped::Map(entries) => {
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| (lowered(text, key), lowered(text, value)))
                .collect();
            if let Some((first, _)) = entries.first() {
                at.start = at.start.min(first.at.start);
            }
            Value::Map(entries)
        }
    };
    at.end = at.end.max(at.start);
    Node { at, value }
}

fn span(text: &str, location: serde_saphyr::Location) -> Range<usize> {
    let span = location.span();
    let known = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    let Some(start) = known(span.byte_offset()) else {
        return line_and_column(text, location);
    };
    let start = boundary(text, start);
    let end = boundary(text, start.saturating_add(known(span.byte_len()).unwrap_or(0)));
    start..end.max(start)
}

/// The place of an error that has no octets.
fn line_and_column(text: &str, location: serde_saphyr::Location) -> Range<usize> {
    let number = |number: u64| usize::try_from(number).unwrap_or(1).max(1);
    let line_start: usize = text
        .split_inclusive('\n')
        .take(number(location.line()) - 1)
        .map(str::len)
        .sum();
    let in_line: usize = text
        .get(line_start..)
        .unwrap_or("")
        .chars()
        .take_while(|character| *character != '\n')
        .take(number(location.column()) - 1)
        .map(char::len_utf8)
        .sum();
    let start = (line_start + in_line).min(text.len());
    start..start
}

fn boundary(text: &str, octet: usize) -> usize {
    let mut octet = octet.min(text.len());
    while !text.is_char_boundary(octet) {
        octet -= 1;
    }
    octet
}

fn unreadable(text: &str, error: &Yaml) -> Unreadable {
    let (message, help) = in_own_words(error);
    Unreadable {
        at: error.location().map(|location| span(text, location)),
        message,
        help,
    }
}

/// The library's texts name its own options; those that people meet are said in the project's words.
fn in_own_words(error: &Yaml) -> (String, Option<String>) {
    let too_much = || {
        let help = "it is larger or more deeply nested than any such file needs to be".to_owned();
        ("read a file of this size or depth".to_owned(), Some(help))
    };
    match error.without_snippet() {
        Yaml::AliasError { error, .. } => in_own_words(error),
        Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. } => {
            let help = "write values out instead of referring to them many times".to_owned();
            ("read a file whose aliases multiply".to_owned(), Some(help))
        }
        Yaml::Budget { .. } => too_much(),
        Yaml::MultipleDocuments { .. } => {
            let help = "keep one document in a file: remove `---` and what follows".to_owned();
            ("read more than one document".to_owned(), Some(help))
        }
        Yaml::MergeKeyNotAllowed { .. } => {
            let help = "write the keys out".to_owned();
            ("read the merge key `<<`".to_owned(), Some(help))
        }
        other => match first_line(&other.to_string()) {
            line if line.starts_with("recursion limit") => too_much(),
            line => (format!("read YAML: {line}"), None),
        },
    }
}

/// The library appends the location and hints on lines of their own.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or("").trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line.split_once(": ") {
        Some((prefix, rest)) if prefix.starts_with("line ") => rest,
        _ => line,
    };
    let line = line.rsplit_once(" at line ").map_or(line, |(line, _)| line);
    line.chars().take(TOLD).collect()
}
