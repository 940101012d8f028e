//! The syntax tree: what a text says, with the place of every piece, before anything is made of it.

use std::ops::Range;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Unique within its text; a parent's is smaller than its children's.
    pub id: u32,
    /// Bytes of the text.
    pub span: Range<usize>,
    pub value: Value,
    /// Something between its brackets could not be read, so what seems to be missing may be there.
    pub damaged: bool,
    /// Its closing bracket is missing, so what seems to be in it may belong to what is around it.
    pub unclosed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Could not be read; the problem has been reported.
    Broken,
    Bool(bool),
    Number(Number),
    Str(String),
    Char(char),
    /// `[a, b]`
    List(Vec<Tree>),
    /// `{ key: value }`
    Map(Vec<Entry>),
    /// `Name`, on its own.
    Name(Name),
    /// `Name(field: value)` or `(field: value)`
    Fields {
        name: Option<Name>,
        fields: Vec<Field>,
    },
    /// `Name(a, b)`, `(a, b)`, `Name()` or `()`
    Tuple {
        name: Option<Name>,
        items: Vec<Tree>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Integer(i128),
    Float(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: Name,
    pub value: Tree,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Tree,
    pub value: Tree,
}

/// Longest piece of a file quoted in a message, in characters.
const MAX_QUOTE: usize = 40;

/// `text`, cut to a length that fits in a message.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl Tree {
    /// Its name, if it has one: `service` in `service(replicas: 3)`.
    pub fn name(&self) -> Option<&Name> {
        match &self.value {
            Value::Name(name) => Some(name),
            Value::Fields { name, .. } | Value::Tuple { name, .. } => name.as_ref(),
            _ => None,
        }
    }

    /// A short place that stands for the whole: the name, the opening bracket, or the value itself if it is one word.
    pub fn anchor(&self) -> Range<usize> {
        match (&self.value, self.name()) {
            (_, Some(name)) => name.span.clone(),
            (Value::List(_) | Value::Map(_) | Value::Fields { .. } | Value::Tuple { .. }, None) => {
                self.span.start..(self.span.start + 1).min(self.span.end)
            }
            _ => self.span.clone(),
        }
    }

    /// Does it have parts of its own?
    pub fn is_composite(&self) -> bool {
        matches!(self.value, Value::List(_) | Value::Map(_) | Value::Fields { .. } | Value::Tuple { .. })
    }

    /// What a person would call it, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Broken => "something unreadable".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(Number::Integer(n)) => n.to_string(),
            Value::Number(Number::Float(x)) => format!("{x:?}"),
            Value::Str(text) => format!("the text \"{}\"", quote(text)),
            Value::Char(c) => format!("the character '{c}'"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a table".to_owned(),
            Value::Name(name) => format!("`{}`", quote(&name.text)),
            Value::Fields { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => {
                format!("`{}(…)`", quote(&name.text))
            }
            Value::Fields { name: None, .. } => "a group of fields".to_owned(),
            Value::Tuple { name: None, items } if items.is_empty() => "an empty `()`".to_owned(),
            Value::Tuple { name: None, .. } => "values in ( )".to_owned(),
        }
    }

    /// As it would be written in a message: values as they are, what is longer cut short.
    pub(super) fn as_written(&self) -> String {
        match &self.value {
            Value::Bool(_) | Value::Number(_) => self.describe(),
            Value::Str(text) => format!("\"{}\"", quote(text)),
            Value::Char(c) => format!("'{c}'"),
            Value::Name(name) => quote(&name.text),
            Value::Fields { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => {
                format!("{}(…)", quote(&name.text))
            }
            _ => "…".to_owned(),
        }
    }

    /// The text by which a key is known, in paths and when looking for keys written twice.
    pub fn key_text(&self) -> String {
        match &self.value {
            Value::Str(text) => text.clone(),
            Value::Name(name) => name.text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Char(c) => c.to_string(),
            Value::Number(Number::Integer(n)) => n.to_string(),
            Value::Number(Number::Float(x)) => format!("{x:?}"),
            Value::List(items) => Self::joined("[", items, "]"),
            Value::Tuple { name, items } => {
                let name = name.as_ref().map_or("", |name| name.text.as_str());
                Self::joined(&format!("{name}("), items, ")")
            }
            // Not keys anyone writes; the place keeps two of them apart.
            Value::Broken | Value::Map(_) | Value::Fields { .. } => format!("@{}", self.span.start),
        }
    }

    fn joined(open: &str, items: &[Tree], close: &str) -> String {
        let items: Vec<String> = items.iter().map(Tree::key_text).collect();
        format!("{open}{}{close}", items.join(", "))
    }

    /// Everything directly in it, keys included.
    pub(super) fn children(&self) -> Box<dyn Iterator<Item = &Tree> + '_> {
        match &self.value {
            Value::Map(entries) => Box::new(entries.iter().flat_map(|entry| [&entry.key, &entry.value])),
            _ => Box::new(self.parts().map(|(_, _, part)| part)),
        }
    }

    /// The parts with the step of a path that leads to each, and the place that introduces it.
    pub(super) fn parts(&self) -> Box<dyn Iterator<Item = (String, Range<usize>, &Tree)> + '_> {
        match &self.value {
            Value::Map(entries) => Box::new(entries.iter().map(|e| (e.key.key_text(), e.key.span.clone(), &e.value))),
            Value::Fields { fields, .. } => {
                Box::new(fields.iter().map(|f| (f.name.text.clone(), f.name.span.clone(), &f.value)))
            }
            Value::List(items) | Value::Tuple { items, .. } => {
                Box::new(items.iter().enumerate().map(|(i, item)| (i.to_string(), item.anchor(), item)))
            }
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Brackets that add no step to a path: `((a: 1))`, `Some(…)`, `service((a: 1))`.
    fn unwrapped(&self) -> Option<&Tree> {
        match &self.value {
            Value::Tuple { items, .. } if items.len() == 1 => items.first(),
            _ => None,
        }
    }

    fn step(&self, step: &str) -> Option<(Range<usize>, &Tree)> {
        // Further in first: `0` in `Mixture([a, b])` is `a`.
        let inside = self.unwrapped().and_then(|inner| inner.step(step));
        inside.or_else(|| {
            let found = self.parts().find(|(name, _, _)| name == step);
            found.map(|(_, place, part)| (place, part))
        })
    }
}

/// Where the value at `path` stands: field names, keys of tables and positions (from 0), outermost first. `None` if the
/// text does not say it.
pub fn span_of(tree: &Tree, path: &[String]) -> Option<Range<usize>> {
    let mut tree = tree;
    for step in path {
        tree = tree.step(step)?.1;
    }
    Some(tree.span.clone())
}

/// A short place for the value at `path`, or for the nearest thing around it that the text does say: a value left to its
/// default is drawn at the name of its owner. What spans several lines is represented by its name or key.
pub fn nearest_span(tree: &Tree, path: &[String]) -> Range<usize> {
    let mut at = tree.anchor();
    let mut tree = tree;
    for step in path {
        let Some((place, part)) = tree.step(step) else { break };
        at = if part.is_composite() { place } else { part.span.clone() };
        tree = part;
    }
    at
}

/// The path of what stands at a byte of the text.
pub fn path_at(tree: &Tree, offset: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut tree = tree;
    loop {
        if let Some(inner) = tree.unwrapped() {
            tree = inner;
            continue;
        }
        let found = tree.parts().find(|(_, place, part)| {
            (part.span.start..=part.span.end).contains(&offset) || (place.start..=place.end).contains(&offset)
        });
        let Some((step, _, part)) = found else { return path };
        path.push(step);
        tree = part;
    }
}
