//! What goes wrong while a value is made of a tree, before it is put into words.

use serde::de::{Expected, Unexpected};
use std::fmt;
use std::ops::Range;

/// A mistake, and the way from it to the root.
#[derive(Debug)]
pub(super) struct Error(Box<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub kind: Kind,
    /// The tree at which it was noticed.
    pub node: Option<u32>,
    /// Where it is, if that is not where the tree is: at a key, at a name.
    pub place: Option<Range<usize>>,
    /// From the mistake outwards.
    pub steps: Vec<Step>,
    /// It is not the text that is wrong but what was made up in place of something missing.
    pub stand_in: Option<StandIn>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Reported already, as a mistake of the syntax.
    Broken,
    Custom(String),
    Type {
        expected: String,
    },
    Value {
        expected: String,
    },
    Length {
        found: usize,
        expected: String,
    },
    UnknownField {
        name: String,
        possible: &'static [&'static str],
    },
    UnknownName {
        name: String,
        possible: &'static [&'static str],
    },
    Missing(&'static str),
    Duplicate(&'static str),
    /// What a name holds is there, but not as it is written here.
    Written {
        name: String,
        as_here: String,
    },
    /// A name that stands alone was given something in parentheses.
    NotAlone(String),
}

/// A step of a path.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub name: String,
    /// The value it leads to.
    pub child: u32,
    pub kind: StepKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepKind {
    /// A field or a key with its value: can be left out.
    Entry,
    /// An element of a list: can be left out.
    Item,
    /// A place among values whose positions matter: can only be filled with something else.
    Slot,
    /// A field that is not in the text.
    Added,
}

/// Which stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandIn {
    Field { owner: u32, name: &'static str },
    Slot(u32),
}

impl Error {
    pub fn new(kind: Kind) -> Self {
        Error(Box::new(Inner { kind, node: None, place: None, steps: Vec::new(), stand_in: None }))
    }

    pub fn inner(&self) -> &Inner {
        &self.0
    }

    /// Noticed at this tree, unless it has been noticed further in.
    pub fn at(mut self, node: u32) -> Self {
        if self.0.node.is_none() {
            self.0.node = Some(node);
        }
        self
    }

    /// Whether this very tree is of another type than was wanted, or said to be.
    pub fn is_of_type(&self, node: u32) -> bool {
        self.0.steps.is_empty()
            && self.0.node.is_none_or(|at| at == node)
            && matches!(self.0.kind, Kind::Type { .. } | Kind::Value { .. } | Kind::Length { .. })
    }

    pub fn placed(mut self, place: &Range<usize>) -> Self {
        if self.0.place.is_none() && self.0.steps.is_empty() {
            self.0.place = Some(place.clone());
        }
        self
    }

    pub fn within(mut self, name: impl Into<String>, child: u32, kind: StepKind) -> Self {
        self.0.steps.push(Step { name: name.into(), child, kind });
        self
    }

    pub fn of_stand_in(mut self, stand_in: StandIn) -> Self {
        self.0.stand_in = Some(stand_in);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.kind)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error::new(Kind::Custom(message.to_string()))
    }
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Error::new(Kind::Type { expected: plain(&expected.to_string()) })
    }
    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Error::new(Kind::Value { expected: plain(&expected.to_string()) })
    }
    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        Error::new(Kind::Length { found, expected: plain(&expected.to_string()) })
    }
    fn unknown_variant(name: &str, possible: &'static [&'static str]) -> Self {
        Error::new(Kind::UnknownName { name: name.to_owned(), possible })
    }
    fn unknown_field(name: &str, possible: &'static [&'static str]) -> Self {
        Error::new(Kind::UnknownField { name: name.to_owned(), possible })
    }
    fn missing_field(name: &'static str) -> Self {
        Error::new(Kind::Missing(name))
    }
    fn duplicate_field(name: &'static str) -> Self {
        Error::new(Kind::Duplicate(name))
    }
}

/// What serde expects, without the names of types, which mean nothing to who writes a file.
pub(super) fn plain(expected: &str) -> String {
    let range = |low: String, high: String| format!("a whole number from {low} to {high}");
    let known = match expected {
        "u8" => range("0".into(), u8::MAX.to_string()),
        "u16" => range("0".into(), u16::MAX.to_string()),
        "u32" => range("0".into(), u32::MAX.to_string()),
        "i8" => range(i8::MIN.to_string(), i8::MAX.to_string()),
        "i16" => range(i16::MIN.to_string(), i16::MAX.to_string()),
        "i32" => range(i32::MIN.to_string(), i32::MAX.to_string()),
        "u64" | "usize" | "u128" | "a nonzero u32" | "a nonzero u64" => "a whole number, not negative".into(),
        "i64" | "isize" | "i128" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" | "bool" => "true or false".into(),
        "a string" | "string" | "a borrowed string" => "a text in quotes".into(),
        "a character" | "char" => "one character in single quotes".into(),
        "a sequence" | "sequence" => "a list in [ ]".into(),
        "a map" | "map" => "a table in { }".into(),
        "unit" => "`()`".into(),
        "variant identifier" | "field identifier" => "a name".into(),
        _ => String::new(),
    };
    if !known.is_empty() {
        return known;
    }
    // "tuple struct X with 2 elements", "a tuple of size 2", "an array of length 2"
    if let Some(count) = expected.split(' ').find_map(|word| word.parse::<u64>().ok()) {
        let tuple = ["a tuple", "tuple", "an array", "struct"].iter().any(|start| expected.starts_with(start));
        if tuple {
            return format!("{count} value{} in ( )", if count == 1 { "" } else { "s" });
        }
    }
    for (start, meaning) in [
        ("unit struct ", "a bare name"),
        ("unit variant ", "a bare name"),
        ("struct ", "fields in ( )"),
        ("newtype ", "one value in ( )"),
        ("tuple ", "values in ( )"),
        ("enum ", "a name"),
        ("option", "a value or `None`"),
    ] {
        if expected.starts_with(start) {
            return meaning.to_owned();
        }
    }
    expected.to_owned()
}
