//! Values with their places, and short ways to write what is usual.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::test_case::FieldChange;

/// The names by which the types here ask the reader of nodes for what serde cannot say.
pub(crate) const LOCATED: &str = "$located";
pub(crate) const ONE_OR_MANY: &str = "$one-or-many";
pub(crate) const TEXT_OR_REMOVED: &str = "$text-or-removed";
pub(crate) const TEXT_OR_OTHER: &str = "$text-or-other";

/// A value with its place in octets. In a list, one that cannot be read does not end the list.
#[derive(Clone, Debug)]
pub(crate) struct Tried<T> {
    /// Where it is.
    pub(crate) at: Range<usize>,
    /// The value; absent if it could not be read, which is then a mistake of the file.
    pub(crate) value: Option<T>,
}

/// A value with its place in octets.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    /// Where it is.
    pub(crate) at: Range<usize>,
    /// The value.
    pub(crate) value: T,
}

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

/// A mapping, in the order in which it was written, with the places of its keys.
#[derive(Clone, Debug)]
pub(crate) struct Entries<T>(pub(crate) Vec<(Located<String>, T)>);

/// What becomes of a field; a plain text stands for the new value.
#[derive(Clone, Debug)]
pub(crate) struct RawFieldChange(pub(crate) FieldChange);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct TriedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TriedVisitor<T> {
    type Value = Tried<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Tried<T>, A::Error> {
        let start = parts.next_element()?.unwrap_or(0);
        let end = parts.next_element()?.unwrap_or(start);
        Ok(Tried {
            at: start..end,
            value: parts.next_element()?,
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tried<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(LOCATED, TriedVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tried { at, value } = Tried::deserialize(deserializer)?;
        let value = value.ok_or_else(|| D::Error::custom(RECORDED))?;
        Ok(Self { at, value })
    }
}

/// What a failure is called whose reason has been recorded already.
pub(crate) const RECORDED: &str = "$recorded";

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany<T>, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        Ok(OneOrMany(found))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, OneOrManyVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Entries<T>, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            found.push(entry);
        }
        Ok(Entries(found))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct FieldChangeVisitor;

impl<'de> Visitor<'de> for FieldChangeVisitor {
    type Value = RawFieldChange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, `{to: text}` or `removed`")
    }

    fn visit_str<E>(self, text: &str) -> Result<RawFieldChange, E> {
        Ok(RawFieldChange(FieldChange::To(text.to_owned())))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawFieldChange, D::Error> {
        FieldChange::deserialize(deserializer).map(RawFieldChange)
    }
}

impl<'de> Deserialize<'de> for RawFieldChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TEXT_OR_REMOVED, FieldChangeVisitor)
    }
}

macro_rules! same_schema {
    ($name:ident) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                T::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                T::schema_name()
            }

            fn schema_id() -> Cow<'static, str> {
                T::schema_id()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                T::json_schema(generator)
            }
        }
    };
}

same_schema!(Tried);
same_schema!(Located);

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({
            "anyOf": [one, {"type": "array", "items": one, "minItems": 1}]
        })
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Entries_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        schemars::json_schema!({"type": "object", "additionalProperties": value})
    }
}

impl JsonSchema for RawFieldChange {
    fn schema_name() -> Cow<'static, str> {
        "FieldChange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "What becomes of a field: its new value, or `removed`.",
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": false}
            ]
        })
    }
}
