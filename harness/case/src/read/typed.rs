//! Nodes into types: a serde deserializer that knows places and goes on after a mistake.
//!
//! Unknown and double keys, unknown names and values of the wrong kind are recorded where they are, with the
//! nearest name that exists. Reading goes on as far as the types allow: to the next item of a list of
//! [`Tried`] values, and to the end of every mapping's keys.

mod access;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeOwned, Unexpected, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use self::access::{Choice, Entries, Items, Located};
use super::diagnose::{nearest, shown};
use super::located::{LOCATED, ONE_OR_MANY, RECORDED, TEXT_OR_OTHER, TEXT_OR_REMOVED};
use super::node::{Node, Value};

/// How many mistakes of one file are reported: who has more will read no more.
const MAX_MISTAKES: usize = 50;

/// A mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Where it is, in octets.
    pub(crate) at: Range<usize>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

/// Reads a value from a node.
///
/// # Errors
/// Every mistake that could be found.
pub(crate) fn read<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<Mistake>> {
    let mistakes = Mistakes::default();
    let read = mistakes.watch(node, |reader| T::deserialize(reader));
    let mut found = mistakes.0.into_inner();
    found.sort_by_key(|mistake| mistake.at.start);
    match read {
        Ok(value) if found.is_empty() => Ok(value),
        _ => Err(found),
    }
}

#[derive(Default)]
struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    fn add(&self, at: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        let mut found = self.0.borrow_mut();
        if found.len() < MAX_MISTAKES {
            found.push(Mistake {
                at: at.clone(),
                message: message.into(),
                help,
            });
        }
    }

    /// Reads a node; what goes wrong is recorded there, unless it was recorded deeper down.
    fn watch<'a, T>(
        &'a self,
        node: &'a Node,
        read: impl FnOnce(Reader<'a>) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let reader = Reader { node, mistakes: self };
        read(reader).map_err(|failed| {
            match failed {
                Failed::Because(message, help) => self.add(&node.at, message, help),
                Failed::Missing(key) => {
                    self.add(
                        &node.at,
                        format!("find `{key}`"),
                        Some(format!("add `{key}:` here")),
                    );
                }
                Failed::Recorded => {}
            }
            Failed::Recorded
        })
    }
}

/// Why a node could not be read.
#[derive(Debug)]
enum Failed {
    /// For a reason, and perhaps with something to do about it.
    Because(String, Option<String>),
    /// A key is not there.
    Missing(&'static str),
    /// The reason is recorded already.
    Recorded,
}

impl Failed {
    fn needs(what: &str, found: &Node) -> Self {
        Self::Because(format!("read {} where {what} is needed", found.described()), None)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(message, _) => f.write_str(message),
            Self::Missing(key) => write!(f, "find `{key}`"),
            Self::Recorded => f.write_str("something that is recorded"),
        }
    }
}

impl std::error::Error for Failed {}

impl serde::de::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        match message.to_string() {
            message if message == RECORDED => Self::Recorded,
            message => Self::Because(message, None),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let message = match unexpected {
            Unexpected::Unsigned(number) => format!("read {number}: it is too large here"),
            Unexpected::Signed(number) => format!("read {number}: it is too small or too large here"),
            other => format!("read {other} where {expected} is needed"),
        };
        Self::Because(message, None)
    }
}

/// A node that is being read.
#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    mistakes: &'a Mistakes,
}

impl<'a> Reader<'a> {
    fn text(self, what: &str) -> Result<&'a str, Failed> {
        self.node.text().ok_or_else(|| Failed::needs(what, self.node))
    }

    fn items(self) -> Result<Items<'a>, Failed> {
        match &self.node.value {
            Value::List(items) => Ok(Items {
                waiting: items.iter(),
                mistakes: self.mistakes,
            }),
            Value::Scalar(text) => {
                let help = format!("write `[{}]`", shown(text));
                let message = format!("read {} where a list is needed", self.node.described());
                Err(Failed::Because(message, Some(help)))
            }
            Value::Null | Value::Map(_) => Err(Failed::needs("a list", self.node)),
        }
    }

    /// The entries of a mapping without doubles and, where the keys are known, without unknown ones.
    fn entries(self, known: Option<&'static [&'static str]>) -> Result<Entries<'a>, Failed> {
        let Value::Map(entries) = &self.node.value else {
            return Err(Failed::needs("a mapping", self.node));
        };
        let mut kept = Vec::with_capacity(entries.len());
        let mut seen = BTreeSet::new();
        for entry in entries {
            let Some(key) = entry.0.text() else {
                let help = "write a name, in quotes if it is unusual".to_owned();
                self.mistakes
                    .add(&entry.0.at, "read a key that is no text", Some(help));
                continue;
            };
            if known.is_some_and(|known| !known.contains(&key)) {
                let known = known.unwrap_or_default();
                let message = format!("read the key `{}`: there is none of this name here", shown(key));
                self.mistakes.add(&entry.0.at, message, suggestion(key, known));
            } else if seen.insert(key) {
                kept.push(entry);
            } else {
                let help = "keep one of the two".to_owned();
                self.mistakes.add(
                    &entry.0.at,
                    format!("read the key `{}` twice", shown(key)),
                    Some(help),
                );
            }
        }
        Ok(Entries {
            waiting: kept.into_iter(),
            value: None,
            mistakes: self.mistakes,
        })
    }

    /// Whether a key is there, but misspelt: that is one mistake, not two.
    fn misspells(self, key: &str, known: &[&str]) -> bool {
        let Value::Map(entries) = &self.node.value else {
            return false;
        };
        let mut keys = entries.iter().filter_map(|(key, _)| key.text());
        keys.any(|found| !known.contains(&found) && nearest(found, known.iter().copied()) == Some(key))
    }

    fn number<T: std::str::FromStr>(self) -> Result<T, Failed> {
        let what = "a whole number";
        self.text(what)?
            .parse()
            .map_err(|_| Failed::needs(what, self.node))
    }
}

/// The nearest of the names that there are, or all of them.
fn suggestion(name: &str, known: &[&str]) -> Option<String> {
    let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    near.or_else(|| (!known.is_empty()).then(|| format!("there are {}", known.join(", "))))
}

macro_rules! whole_numbers {
    ($($method:ident => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
            visitor.$visit(self.number()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar(text) => visitor.visit_str(text),
            Value::List(_) => visitor.visit_seq(self.items()?),
            Value::Map(_) => visitor.visit_map(self.entries(None)?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match self.node.text() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            _ => Err(Failed::needs("true or false", self.node)),
        }
    }

    whole_numbers!(
        deserialize_i8 => visit_i64, deserialize_i16 => visit_i64, deserialize_i32 => visit_i64,
        deserialize_i64 => visit_i64, deserialize_u8 => visit_u64, deserialize_u16 => visit_u64,
        deserialize_u32 => visit_u64, deserialize_u64 => visit_u64
    );

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_str(self.text("a text")?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        if matches!(self.node.value, Value::Null) {
            let help = "write a value, or leave the key out".to_owned();
            return Err(Failed::Because(
                "read a key without a value".to_owned(),
                Some(help),
            ));
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        match (name, &self.node.value) {
            (LOCATED, _) => visitor.visit_seq(Located {
                node: self.node,
                mistakes: self.mistakes,
                next: 0,
            }),
            (ONE_OR_MANY, Value::List(_)) => visitor.visit_seq(self.items()?),
            (ONE_OR_MANY, _) => visitor.visit_seq(Items {
                waiting: std::slice::from_ref(self.node).iter(),
                mistakes: self.mistakes,
            }),
            (TEXT_OR_REMOVED, Value::Scalar(text)) if text != "removed" => visitor.visit_str(text),
            (TEXT_OR_OTHER, Value::Scalar(text)) => visitor.visit_str(text),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_map(self.entries(None)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        let entries = self.entries(Some(fields))?;
        match visitor.visit_map(entries) {
            Err(Failed::Missing(key)) if self.misspells(key, fields) => Err(Failed::Recorded),
            read => read,
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        let (name, content) = match &self.node.value {
            Value::Scalar(_) => (self.node, None),
            Value::Map(entries) if entries.len() == 1 => (&entries[0].0, Some(&entries[0].1)),
            Value::Null | Value::List(_) | Value::Map(_) => {
                let found = match &self.node.value {
                    Value::Map(entries) => format!("{} keys", entries.len()),
                    Value::Null | Value::Scalar(_) | Value::List(_) => self.node.described(),
                };
                let help = Some(format!("write one of {}", variants.join(", ")));
                return Err(Failed::Because(
                    format!("read {found} where one name is needed"),
                    help,
                ));
            }
        };
        let text = name.text().unwrap_or("");
        if !variants.contains(&text) {
            let message = format!("read `{}`: there is nothing of this name here", shown(text));
            self.mistakes.add(&name.at, message, suggestion(text, variants));
            return Err(Failed::Recorded);
        }
        visitor.visit_enum(Choice {
            name: text,
            content,
            mistakes: self.mistakes,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}
