//! A value out of a tree, as serde wants it. Every error carries the place and the path of what it happened at.

use super::edits::Edits;
use super::error::{Error, Kind, StandIn, StepKind};
use super::standin::Filler;
use super::tree::{Entry, Field, Name, Number, Tree, Value};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// A tree to be read.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    tree: &'a Tree,
    edits: &'a Edits,
    /// What is meant is what its name holds: in `service(replicas: 3)`, the `(replicas: 3)`.
    inside: bool,
}

type Out<T> = Result<T, Error>;

impl<'a> Node<'a> {
    pub fn new(tree: &'a Tree, edits: &'a Edits) -> Self {
        Node { tree, edits, inside: false }
    }

    fn of(self, tree: &'a Tree) -> Self {
        Node { tree, inside: false, ..self }
    }

    fn within(self) -> Self {
        Node { inside: true, ..self }
    }

    fn wrong(self, expected: &str) -> Error {
        // Nothing can be said of what could not be read.
        let kind = match self.tree.value {
            Value::Broken => Kind::Broken,
            _ => Kind::Type { expected: expected.to_owned() },
        };
        Error::new(kind).at(self.tree.id)
    }

    /// Are its parentheses without a name, as far as this reading is concerned?
    fn is_anonymous(self) -> bool {
        self.inside || self.tree.name().is_none()
    }

    /// The value within parentheses that hold only one: `(5)` is 5, and `service((replicas: 3))` is `service(replicas: 3)`.
    fn single(self) -> Option<Self> {
        match &self.tree.value {
            Value::Tuple { items, .. } if items.len() == 1 && self.is_anonymous() => Some(self.of(&items[0])),
            _ => None,
        }
    }

    /// The right things in the wrong brackets: what this name holds, as it is written here.
    fn written(self, held: &str) -> Error {
        let name = self.tree.name().map_or_else(String::new, |name| name.text.clone());
        let as_here = format!("{name}({held})");
        Error::new(Kind::Written { name, as_here }).at(self.tree.id)
    }

    /// `Normal((mean: ..))`: the fields are there, in another pair of brackets.
    fn holds_fields(self) -> bool {
        let inner = self.within().resolved();
        matches!(inner.tree.value, Value::Fields { .. } | Value::Map(_)) && inner.tree.id != self.tree.id
    }

    fn resolved(self) -> Self {
        let mut node = self;
        while let Some(inner) = node.single() {
            node = inner;
        }
        node
    }

    fn number<'de, V: Visitor<'de>>(number: Number, visitor: V) -> Out<V::Value> {
        match number {
            Number::Float(x) => visitor.visit_f64(x),
            Number::Integer(n) => match (u64::try_from(n), i64::try_from(n)) {
                (Ok(n), _) => visitor.visit_u64(n),
                (_, Ok(n)) => visitor.visit_i64(n),
                _ => visitor.visit_f64(n as f64),
            },
        }
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        let some = |name: &Option<Name>| name.as_ref().is_some_and(|name| name.text == "Some");
        match &self.tree.value {
            Value::Broken => Err(self.wrong("")),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => Self::number(*number, visitor),
            Value::Str(text) => visitor.visit_str(text),
            Value::Char(c) => visitor.visit_char(*c),
            Value::List(items) => self.items(items, StepKind::Item, visitor),
            Value::Map(entries) => self.pairs(entries.iter().map(Pair::entry).collect(), visitor),
            Value::Name(_) if self.inside => visitor.visit_unit(),
            Value::Name(name) if name.text == "None" => visitor.visit_none(),
            Value::Name(_) => visitor.visit_enum(Choice(self)),
            Value::Fields { fields, .. } if self.is_anonymous() => {
                self.pairs(fields.iter().map(Pair::field).collect(), visitor)
            }
            Value::Tuple { items, .. } if self.is_anonymous() && items.is_empty() => visitor.visit_unit(),
            Value::Tuple { items, .. } if self.inside && items.len() == 1 => self.of(&items[0]).any(visitor),
            Value::Tuple { items, .. } if self.is_anonymous() => self.items(items, StepKind::Slot, visitor),
            Value::Fields { name, .. } | Value::Tuple { name, .. } if some(name) => visitor.visit_some(self.within()),
            Value::Fields { .. } | Value::Tuple { .. } => visitor.visit_enum(Choice(self)),
        }
        .map_err(|error| error.at(self.tree.id))
    }

    fn items<'de, V: Visitor<'de>>(self, items: &'a [Tree], kind: StepKind, visitor: V) -> Out<V::Value> {
        visitor.visit_seq(Items { items, next: 0, edits: self.edits, kind }).map_err(|error| error.at(self.tree.id))
    }

    fn pairs<'de, V: Visitor<'de>>(self, pairs: Vec<Pair<'a>>, visitor: V) -> Out<V::Value> {
        let mut pairs = Pairs { pairs, next: 0, added: 0, node: self };
        visitor.visit_map(&mut pairs).map_err(|error| match (&error.inner().kind, pairs.last()) {
            // Two names of one field: the later is the one too many.
            (Kind::Duplicate(_), Some(last)) if error.inner().steps.is_empty() => {
                let (name, span) = last.key.text_and_span();
                error.at(self.tree.id).placed(&span).within(name, last.value.id, StepKind::Entry)
            }
            _ => error.at(self.tree.id),
        })
    }

    /// A group of fields; `name` may stand before it.
    fn fields<'de, V: Visitor<'de>>(self, name: &str, visitor: V) -> Out<V::Value> {
        let node = self.resolved();
        let named = node.inside || node.tree.name().is_none_or(|given| given.text == name);
        match &node.tree.value {
            Value::Fields { fields, .. } if named => node.pairs(fields.iter().map(Pair::field).collect(), visitor),
            Value::Map(entries) => node.pairs(entries.iter().map(Pair::entry).collect(), visitor),
            Value::Tuple { items, .. } if named && items.is_empty() => node.pairs(Vec::new(), visitor),
            Value::Name(_) if named => node.pairs(Vec::new(), visitor),
            _ => Err(node.wrong("fields in ( ), such as `(name: value)`")),
        }
    }

    /// As many values as there are positions.
    fn positions<'de, V: Visitor<'de>>(self, name: &str, len: usize, visitor: V) -> Out<V::Value> {
        let expected = || format!("{len} value{} in ( )", if len == 1 { "" } else { "s" });
        let named = self.inside || self.tree.name().is_none_or(|given| given.text == name);
        let items = match &self.tree.value {
            Value::Tuple { items, .. } if named => items,
            Value::List(items) => items,
            _ => return Err(self.wrong(&expected())),
        };
        if let Some(inner) = self.single() {
            // Written with both pairs of parentheses.
            if len != 1 || (self.inside && inner.single().is_some()) {
                return inner.positions(name, len, visitor);
            }
        }
        if items.len() != len {
            let kind = match self.tree.damaged {
                true => Kind::Broken,
                false => Kind::Length { found: items.len(), expected: expected() },
            };
            return Err(Error::new(kind).at(self.tree.id));
        }
        self.items(items, StepKind::Slot, visitor)
    }
}

macro_rules! scalar {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
            self.resolved().any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        self.any(visitor)
    }
    scalar! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf
    }
    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        let node = self.resolved();
        match node.tree.value {
            Value::Number(Number::Integer(n)) => visitor.visit_i128(n).map_err(|error: Error| error.at(node.tree.id)),
            _ => node.any(visitor),
        }
    }
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        self.deserialize_i128(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        let name = self.tree.name().map(|name| name.text.as_str());
        match &self.tree.value {
            Value::Tuple { items, .. } if self.inside && items.len() == 1 => {
                return self.of(&items[0]).deserialize_option(visitor);
            }
            Value::Name(_) if !self.inside && name == Some("None") => visitor.visit_none(),
            Value::Fields { .. } | Value::Tuple { .. } if !self.inside && name == Some("Some") => {
                visitor.visit_some(self.within())
            }
            // A value stands for `Some` of it.
            _ => visitor.visit_some(self),
        }
        .map_err(|error| error.at(self.tree.id))
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        self.deserialize_unit_struct("", visitor)
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Out<V::Value> {
        let node = self.resolved();
        match &node.tree.value {
            Value::Name(given) if node.inside || given.text == name => visitor.visit_unit(),
            Value::Tuple { items, .. } if node.is_anonymous() && items.is_empty() => visitor.visit_unit(),
            _ => Err(node.wrong("`()`")),
        }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Out<V::Value> {
        let given = self.tree.name().map(|name| name.text.as_str());
        let inner = match (&self.tree.value, self.single()) {
            _ if self.inside => self,
            (_, Some(inner)) => inner,
            (Value::Fields { .. } | Value::Tuple { .. }, _) if given == Some(name) => self.within(),
            _ => self,
        };
        visitor.visit_newtype_struct(inner).map_err(|error| error.at(self.tree.id))
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        let node = self.resolved();
        match &node.tree.value {
            Value::List(items) => node.items(items, StepKind::Item, visitor),
            _ => Err(node.wrong("a list in [ ]")),
        }
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Out<V::Value> {
        self.positions("", len, visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, len: usize, visitor: V) -> Out<V::Value> {
        self.positions(name, len, visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        let node = self.resolved();
        match &node.tree.value {
            Value::Map(entries) => node.pairs(entries.iter().map(Pair::entry).collect(), visitor),
            Value::Fields { fields, .. } if node.is_anonymous() => {
                node.pairs(fields.iter().map(Pair::field).collect(), visitor)
            }
            _ => Err(node.wrong("a table in { }, such as `{ \"key\": value }`")),
        }
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Out<V::Value> {
        self.fields(name, visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Out<V::Value> {
        let node = self.resolved();
        if node.inside || node.tree.name().is_none() {
            return Err(node.wrong(&super::wording::one_of(names)));
        }
        visitor.visit_enum(Choice(node)).map_err(|error| error.at(node.tree.id))
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        match &self.tree.value {
            Value::Name(name) => visitor.visit_str(&name.text).map_err(|error: Error| error.at(self.tree.id)),
            _ => self.any(visitor),
        }
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        visitor.visit_unit()
    }
}

struct Items<'a> {
    items: &'a [Tree],
    next: usize,
    edits: &'a Edits,
    kind: StepKind,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Out<Option<T::Value>> {
        while let Some(item) = self.items.get(self.next) {
            let index = self.next;
            self.next += 1;
            let error = match self.kind {
                StepKind::Slot => match self.edits.slot(item) {
                    Some(attempt) => match seed.deserialize(Filler::new(attempt)) {
                        Ok(value) => return Ok(Some(value)),
                        Err(error) => error.of_stand_in(StandIn::Slot(item.id)),
                    },
                    None => match seed.deserialize(Node::new(item, self.edits)) {
                        Ok(value) => return Ok(Some(value)),
                        Err(error) => error,
                    },
                },
                _ if item.value == Value::Broken || self.edits.is_removed(item) => continue,
                _ => match seed.deserialize(Node::new(item, self.edits)) {
                    Ok(value) => return Ok(Some(value)),
                    Err(error) => error,
                },
            };
            return Err(error.within(index.to_string(), item.id, self.kind));
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Name(&'a Name),
    Tree(&'a Tree),
}

impl Key<'_> {
    fn text_and_span(self) -> (String, std::ops::Range<usize>) {
        match self {
            Key::Name(name) => (name.text.clone(), name.span.clone()),
            Key::Tree(tree) => (tree.key_text(), tree.span.clone()),
        }
    }
}

#[derive(Clone, Copy)]
struct Pair<'a> {
    key: Key<'a>,
    value: &'a Tree,
}

impl<'a> Pair<'a> {
    fn field(field: &'a Field) -> Self {
        Pair { key: Key::Name(&field.name), value: &field.value }
    }

    fn entry(entry: &'a Entry) -> Self {
        Pair { key: Key::Tree(&entry.key), value: &entry.value }
    }
}

/// Fields or entries, then the fields that are made up.
struct Pairs<'a> {
    pairs: Vec<Pair<'a>>,
    next: usize,
    added: usize,
    node: Node<'a>,
}

impl<'a> Pairs<'a> {
    fn last(&self) -> Option<Pair<'a>> {
        self.next.checked_sub(1).and_then(|last| self.pairs.get(last)).copied()
    }
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Out<Option<K::Value>> {
        let edits = self.node.edits;
        while let Some(pair) = self.pairs.get(self.next) {
            self.next += 1;
            if pair.value.value == Value::Broken || edits.is_removed(pair.value) {
                continue;
            }
            let key = match pair.key {
                Key::Name(name) => seed.deserialize(FieldName(name)),
                Key::Tree(tree) => seed.deserialize(Node::new(tree, edits)),
            };
            return key.map(Some).map_err(|error| {
                let (name, span) = pair.key.text_and_span();
                // What does not belong in a group without its closing bracket belongs behind that bracket.
                let error = if self.node.tree.unclosed { Error::new(Kind::Broken) } else { error };
                error.placed(&span).within(name, pair.value.id, StepKind::Entry)
            });
        }
        let Some((name, _)) = edits.added(self.node.tree.id).get(self.added) else { return Ok(None) };
        self.added += 1;
        let name: StrDeserializer<'_, Error> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Out<S::Value> {
        let (edits, owner) = (self.node.edits, self.node.tree.id);
        let added = self.added.checked_sub(1).and_then(|last| edits.added(owner).get(last));
        if let Some((name, attempt)) = added {
            return seed.deserialize(Filler::new(*attempt)).map_err(|error| {
                error.of_stand_in(StandIn::Field { owner, name }).within(*name, owner, StepKind::Added)
            });
        }
        let pair = self.last().expect("a value is asked for after its key");
        seed.deserialize(Node::new(pair.value, edits)).map_err(|error| {
            let (name, _) = pair.key.text_and_span();
            error.within(name, pair.value.id, StepKind::Entry)
        })
    }
}

/// The name of a field: a text to whoever asks.
struct FieldName<'a>(&'a Name);

impl<'de> Deserializer<'de> for FieldName<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        visitor.visit_str(&self.0.text)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Out<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Out<V::Value> {
        let name: StrDeserializer<'_, Error> = self.0.text.as_str().into_deserializer();
        visitor.visit_enum(name)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// A name with what it holds.
struct Choice<'a>(Node<'a>);

impl<'de, 'a> EnumAccess<'de> for Choice<'a> {
    type Error = Error;
    type Variant = Choice<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Out<(S::Value, Choice<'a>)> {
        let name = self.0.tree.name().expect("only what has a name is offered as a choice");
        let key = seed.deserialize(FieldName(name)).map_err(|error| error.at(self.0.tree.id).placed(&name.span))?;
        Ok((key, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Error;

    fn unit_variant(self) -> Out<()> {
        match &self.0.tree.value {
            Value::Name(_) => Ok(()),
            Value::Tuple { items, .. } if items.is_empty() => Ok(()),
            _ => {
                let name = self.0.tree.name().map_or_else(String::new, |name| name.text.clone());
                Err(Error::new(Kind::NotAlone(name)).at(self.0.tree.id))
            }
        }
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Out<S::Value> {
        let node = self.0;
        seed.deserialize(node.within()).map_err(|error| match &node.tree.value {
            // `Exponential(mean: "5ms")`, where it holds one value without a name.
            Value::Fields { fields, .. } if fields.len() == 1 && error.is_of_type(node.tree.id) => {
                node.written(&fields[0].value.as_written())
            }
            _ => error.at(node.tree.id),
        })
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Out<V::Value> {
        match &self.0.tree.value {
            // `Slow(target: "db", factor: 2)`, where positions tell which is which.
            Value::Fields { fields, .. } if fields.len() == len => {
                let values: Vec<String> = fields.iter().map(|field| field.value.as_written()).collect();
                Err(self.0.written(&values.join(", ")))
            }
            _ => self.0.within().positions("", len, visitor),
        }
    }
    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Out<V::Value> {
        match &self.0.tree.value {
            // `Normal("5ms", "1ms")`, where names tell which is which.
            Value::Tuple { items, .. } if !items.is_empty() && items.len() <= names.len() && !self.0.holds_fields() => {
                let named = names.iter().zip(items).map(|(name, item)| format!("{name}: {}", item.as_written()));
                Err(self.0.written(&named.collect::<Vec<String>>().join(", ")))
            }
            _ => self.0.within().fields("", visitor),
        }
    }
}
