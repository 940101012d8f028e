//! What may be written at a place of a type: asked of its `Deserialize`, by going down to that place and no further.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use std::fmt;

/// What may stand at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Nothing may stand there: `None`.
    pub optional: bool,
    /// Names of which one stands there, alone or with something in brackets.
    pub names: &'static [&'static str],
    /// A bare value may stand there as well as one of the names.
    pub bare: bool,
    /// The fields of a group.
    pub fields: &'static [&'static str],
}

/// What may stand in a `T` at a path: names of fields and variants, keys, and positions in brackets.
pub fn slot<T: DeserializeOwned>(path: &[&str]) -> Slot {
    T::deserialize(Probe { path, optional: false }).map_or_else(|Found(slot)| slot, |_| Slot::default())
}

/// The answer. It comes as an error, because nothing is read.
#[derive(Debug, Default)]
struct Found(Slot);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Found {}

impl de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Found {
        Found::default()
    }
    fn unknown_variant(_: &str, names: &'static [&'static str]) -> Found {
        Found(Slot { names, ..Slot::default() })
    }
}

#[derive(Clone, Copy)]
struct Probe<'p> {
    path: &'p [&'p str],
    optional: bool,
}

impl<'p> Probe<'p> {
    fn here(self) -> bool {
        self.path.is_empty()
    }

    fn found(self, slot: Slot) -> Found {
        Found(Slot { optional: self.optional, ..slot })
    }

    /// Past the first step of the path.
    fn beyond(self) -> Probe<'p> {
        Probe { path: self.path.get(1..).unwrap_or_default(), optional: false }
    }

    fn key(self) -> StrDeserializer<'p, Found> {
        self.path.first().copied().unwrap_or_default().into_deserializer()
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Found;

    /// Those who ask for anything take a bare value, or a name: an unknown one makes them say which.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        let here = self.here();
        visitor.visit_enum(self).map_err(|Found(slot)| match here {
            true => self.found(Slot { bare: !slot.names.is_empty(), ..slot }),
            false => Found(slot),
        })
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        visitor.visit_some(Probe { optional: self.here(), ..self })
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Found> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Found> {
        if self.here() { Err(self.found(Slot { fields, ..Slot::default() })) } else { visitor.visit_map(self) }
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Found> {
        if self.here() { Err(self.found(Slot { names, ..Slot::default() })) } else { visitor.visit_enum(self) }
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        if self.here() { Err(self.found(Slot::default())) } else { visitor.visit_map(self) }
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        if self.here() { Err(self.found(Slot::default())) } else { visitor.visit_seq(self) }
    }
    fn deserialize_bool<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(self.found(Slot { names: &["true", "false"], ..Slot::default() }))
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Found> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Found> {
        self.deserialize_seq(visitor)
    }
    // What has no places of its own.
    fn deserialize_str<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(self.found(Slot::default()))
    }
    /// There is no such place.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found::default())
    }
    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct identifier
    }
}

impl<'de> MapAccess<'de> for Probe<'_> {
    type Error = Found;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Found> {
        seed.deserialize(self.key()).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Found> {
        seed.deserialize(self.beyond())
    }
}

impl<'de> SeqAccess<'de> for Probe<'_> {
    type Error = Found;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Found> {
        seed.deserialize(self.beyond()).map(Some)
    }
}

impl<'de> EnumAccess<'de> for Probe<'_> {
    type Error = Found;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Found> {
        Ok((seed.deserialize(self.key())?, self.beyond()))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Found;

    fn unit_variant(self) -> Result<(), Found> {
        Err(Found::default())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Found> {
        // `Name(value)`; a group may stand without its own brackets: `Name(field: value)`.
        seed.deserialize(if self.path.first() == Some(&"0") { self.beyond() } else { self })
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Found> {
        self.deserialize_tuple(len, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Found> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Dist, Span};
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "nothing is ever read")]
    struct Group {
        often: Option<Often>,
        how: Option<Span>,
        work: Dist,
        by_class: BTreeMap<String, Often>,
        on: bool,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "nothing is ever read")]
    enum Often {
        Never,
        Each(Dist),
        Between { low: f64, high: Option<Dist> },
    }

    #[test]
    fn what_may_stand_is_asked_of_the_type() {
        let often: &[&str] = &["Never", "Each", "Between"];
        assert_eq!(slot::<Group>(&[]).fields, ["often", "how", "work", "by_class", "on"]);
        assert_eq!(slot::<Group>(&["often"]), Slot { optional: true, names: often, ..Slot::default() });
        assert_eq!(slot::<Group>(&["how"]), Slot { optional: true, ..Slot::default() });
        assert_eq!(slot::<Group>(&["on"]).names, ["true", "false"]);
        assert_eq!(slot::<Group>(&["by_class", "anything"]).names, often);
        let work = slot::<Group>(&["work"]);
        assert!(work.bare && !work.optional && work.names.contains(&"LogNormal"), "{work:?}");
        for path in [&["often", "Each", "0"][..], &["often", "Between", "high"]] {
            let found = slot::<Group>(path);
            assert_eq!(
                (found.names, found.optional),
                (work.names, path.len() == 3 && path[1] == "Between"),
                "{path:?}"
            );
        }
        assert_eq!(slot::<Group>(&["often", "Between"]).fields, ["low", "high"]);
        assert_eq!(slot::<Group>(&["work", "LogNormal"]).fields, ["mean", "cv"]);
        assert_eq!(slot::<Group>(&["work", "Clipped", "of"]).names, work.names);
        for path in [&["nothing"][..], &["often", "Never"], &["how", "deeper", "still"], &["work", "LogNormal", "mean"]]
        {
            assert_eq!(slot::<Group>(path), Slot::default(), "{path:?}");
        }
    }
}
