//! Reading and writing RON, the notation of scenario files. A text is read past its mistakes, so that all of them are
//! reported at once, each with its place; the `ron` crate, which stops at the first, only writes.

mod collect;
mod de;
mod edits;
mod error;
mod lexer;
mod slot;
mod standin;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod wording;

pub use collect::MAX_PROBLEMS;
pub use slot::{Slot, slot};
pub use syntax::{MAX_DEPTH, MAX_VALUES};
pub use tree::{Entry, Field, Name, Number, Tree, Value, nearest_span, path_at, span_of};
pub use wording::did_you_mean;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// A mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable short name, such as `unknown-field`.
    pub code: &'static str,
    /// Bytes of the text; empty where something is missing.
    pub span: Range<usize>,
    /// Names of fields, keys and positions (from 0) that lead there, outermost first.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to write at the place: mostly what was expected there.
    pub label: String,
    /// What to do about it, if that can be said.
    pub help: Option<String>,
    /// Another place that matters, such as the first of two equal keys, and what it is.
    pub secondary: Option<(Range<usize>, String)>,
}

impl Problem {
    fn syntax(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        let (message, label) = (message.into(), label.into());
        Problem { code: "syntax", span, path: Vec::new(), message, label, help: None, secondary: None }
    }

    fn unclosed(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Problem { code: "unclosed", ..Problem::syntax(span, message, label) }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn with_secondary(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.secondary = Some((span, label.into()));
        self
    }
}

/// What a text says, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Reading<T> {
    /// The value. Where there are problems: the value of what is right, the rest left out or at its default — good to
    /// look at, but what it lacks is no mistake of its author's. `None` if nothing sensible is left.
    pub value: Option<T>,
    /// In the order of their places. Empty means that the value is what the text says.
    pub problems: Vec<Problem>,
    /// More may be wrong than is reported.
    pub more: bool,
    /// Where everything is; see [`span_of`].
    pub tree: Tree,
}

impl<T> Reading<T> {
    /// The value, if nothing is wrong.
    ///
    /// # Errors
    /// All problems, in the order of their places.
    pub fn into_result(self) -> Result<T, Vec<Problem>> {
        match self.value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

/// Read a value, past every mistake. Never panics, whatever the text; mistakes are among the problems of the result.
pub fn read<T: DeserializeOwned>(text: &str) -> Reading<T> {
    let syntax::Parsed { tree, values, mut problems, mut more } = syntax::parse(text);
    let (value, more_wrong) = collect::collect(&tree, values, &mut problems);
    more |= more_wrong;
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    debug_assert!(value.is_some() || !problems.is_empty(), "nothing was read, and nothing said why");
    Reading { value, problems, more, tree }
}

/// What a text says, before anything is made of it.
pub fn parse(text: &str) -> Tree {
    syntax::parse(text).tree
}

/// What is written by default: `service(replicas: 3)` instead of `service((replicas: 3))`, and a value for `Some` of it.
fn options() -> ron::Options {
    use ron::extensions::Extensions;
    ron::Options::default()
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
        .with_default_extension(Extensions::IMPLICIT_SOME)
        // Values nest no deeper in memory than what is read may nest; see MAX_DEPTH for why there is a limit.
        .with_recursion_limit(4 * MAX_DEPTH)
}

/// A value as RON, on one line; [`read`] reads it back.
///
/// # Errors
/// A message, if the value cannot be written: it nests too deep, or its `Serialize` refuses.
pub fn to_text<T: Serialize>(value: &T) -> Result<String, String> {
    options().to_string(value).map_err(|error| format!("cannot be written: {error}"))
}

/// A value as RON, a line for each field; [`read`] reads it back.
///
/// # Errors
/// As [`to_text`].
pub fn to_pretty<T: Serialize>(value: &T) -> Result<String, String> {
    let config = ron::ser::PrettyConfig::new().new_line("\n").indentor("    ");
    options().to_string_pretty(value, config).map_err(|error| format!("cannot be written: {error}"))
}
