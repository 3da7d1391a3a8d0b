//! What serde asks for one by one: items, entries, places, variants.

use serde::Deserializer as _;
use serde::de::value::{StrDeserializer, U64Deserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::{Failed, Mistakes};
use crate::read::node::Node;

/// The items of a list. One that cannot be read ends it: the mistake is recorded, and what follows the list is
/// read all the same.
pub(super) struct Items<'a> {
    pub(super) waiting: std::slice::Iter<'a, Node>,
    pub(super) mistakes: &'a Mistakes,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failed> {
        let Some(item) = self.waiting.next() else {
            return Ok(None);
        };
        Ok(self.mistakes.watch(item, |reader| seed.deserialize(reader)).ok())
    }
}

/// The entries of a mapping.
pub(super) struct Entries<'a> {
    pub(super) waiting: std::vec::IntoIter<&'a (Node, Node)>,
    pub(super) value: Option<&'a Node>,
    pub(super) mistakes: &'a Mistakes,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failed> {
        let Some((key, value)) = self.waiting.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        self.mistakes
            .watch(key, |reader| seed.deserialize(reader))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        let value = self.value.take().ok_or(Failed::Recorded)?;
        self.mistakes.watch(value, |reader| seed.deserialize(reader))
    }
}

/// A node with its place: start, end, and the value unless it cannot be read.
pub(super) struct Located<'a> {
    pub(super) node: &'a Node,
    pub(super) mistakes: &'a Mistakes,
    pub(super) next: u8,
}

impl<'de> SeqAccess<'de> for Located<'_> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failed> {
        self.next += 1;
        let octet = |octet: usize| U64Deserializer::<Failed>::new(u64::try_from(octet).unwrap_or(u64::MAX));
        match self.next {
            1 => seed.deserialize(octet(self.node.at.start)).map(Some),
            2 => seed.deserialize(octet(self.node.at.end)).map(Some),
            _ => Ok(self
                .mistakes
                .watch(self.node, |reader| seed.deserialize(reader))
                .ok()),
        }
    }
}

/// One name of several, with what it holds.
pub(super) struct Choice<'a> {
    pub(super) name: &'a str,
    pub(super) content: Option<&'a Node>,
    pub(super) mistakes: &'a Mistakes,
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Failed;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Failed> {
        let name: StrDeserializer<'_, Failed> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl Choice<'_> {
    fn content(&self) -> Result<&Node, Failed> {
        self.content.ok_or_else(|| {
            let help = format!("write `{}: …`", self.name);
            Failed::Because(format!("read `{}` without a value", self.name), Some(help))
        })
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Failed;

    fn unit_variant(self) -> Result<(), Failed> {
        let Some(content) = self.content else {
            return Ok(());
        };
        let help = format!("write `{}` alone", self.name);
        self.mistakes.add(
            &content.at,
            format!("read a value of `{}`", self.name),
            Some(help),
        );
        Err(Failed::Recorded)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failed> {
        let content = self.content()?;
        self.mistakes.watch(content, |reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Failed> {
        let content = self.content()?;
        self.mistakes
            .watch(content, |reader| reader.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        let content = self.content()?;
        self.mistakes
            .watch(content, |reader| reader.deserialize_struct("", fields, visitor))
    }
}
