//! Text to tree, past every mistake: after one, reading goes on at the next comma or closing bracket, so that the mistakes
//! below it are found too. Takes time in proportion to the text.

use super::Problem;
use super::lexer::{Lexer, Scalar};
use super::tree::{Entry, Field, Name, Number, Tree, Value, quote};
use std::collections::BTreeMap;
use std::ops::Range;

/// How deep brackets may nest. What people draw nests a dozen deep; the limit keeps recursion off the end of the stack.
pub const MAX_DEPTH: usize = 64;

/// How many values a text may hold. A large design has some ten thousand; each takes a hundred bytes of memory, and a
/// text of sixteen million commas should not take them all: 100 MB is what a hostile file may cost.
pub const MAX_VALUES: u32 = 250_000;

/// What [`parse`] made of a text.
pub struct Parsed {
    /// Values that could not be read are [`Value::Broken`].
    pub tree: Tree,
    /// How many values the tree holds.
    pub values: u32,
    /// In the order in which they were met.
    pub problems: Vec<Problem>,
    /// There was more wrong than is reported.
    pub more: bool,
}

/// Read a text. Every mistake is among the problems, up to a limit; never panics.
pub fn parse(text: &str) -> Parsed {
    let mut parser = Parser { lexer: Lexer::new(text), open: [0; 3], values: 0, end_reported: false, unclosed: false };
    parser.headers();
    parser.lexer.skip_blanks();
    let tree = if parser.lexer.peek().is_none() {
        if parser.lexer.problems.is_empty() {
            let mut problem = Problem::syntax(0..0, "nothing is written here", "expected a value");
            problem.code = "empty";
            parser.lexer.report(problem);
        }
        parser.broken(text.len())
    } else {
        let mut tree = parser.value(0);
        // There is nothing around it that anything in it could belong to.
        tree.unclosed = false;
        parser.end();
        tree
    };
    let values = parser.values;
    let Lexer { mut problems, stopped, .. } = parser.lexer;
    for problem in &mut problems {
        problem.path = super::tree::path_at(&tree, problem.span.start);
    }
    Parsed { tree, values, problems, more: stopped }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// How many of each kind of bracket are open: a closing bracket that closes none of them is a stray.
    open: [usize; 3],
    values: u32,
    /// That the text ends too early has been said; it is the same mistake for every bracket still open.
    end_reported: bool,
    /// The group read last has no closing bracket.
    unclosed: bool,
}

fn bracket(c: char) -> usize {
    match c {
        '(' | ')' => 0,
        '[' | ']' => 1,
        _ => 2,
    }
}

const CLOSING: [char; 3] = [')', ']', '}'];
const OPENING: [char; 3] = ['(', '[', '{'];

fn starts_value(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '(' | '[' | '{' | '+' | '-' | '.')
}

impl Parser<'_> {
    /// `#![enable(implicit_some)]`: read, and needless, because everything that can be enabled is.
    fn headers(&mut self) {
        loop {
            // Blanks are skipped by hand: a `#` that begins no header is reported there.
            let rest = &self.lexer.text[self.lexer.pos..];
            let blanks = rest.len() - rest.trim_start().len();
            let rest = &rest[blanks..];
            if !rest.starts_with("#![") {
                return;
            }
            let Some(len) = rest.find(']') else { return };
            self.lexer.pos += blanks + len + 1;
        }
    }

    fn end(&mut self) {
        loop {
            self.lexer.skip_blanks();
            let start = self.lexer.pos;
            let Some(c) = self.lexer.bump() else { return };
            if CLOSING.contains(&c) {
                self.lexer.report(stray(start, c));
                continue;
            }
            self.lexer.report(Problem::syntax(
                start..self.lexer.pos,
                format!("`{c}` follows the end of the contents"),
                "expected nothing more",
            ));
            return;
        }
    }

    fn next_id(&mut self) -> u32 {
        self.values += 1;
        if self.values == MAX_VALUES {
            let at = self.lexer.pos;
            let mut problem =
                Problem::syntax(at..at, format!("there are more than {MAX_VALUES} values"), "the rest is not read");
            problem.code = "too-large";
            self.lexer.report(problem);
            self.lexer.stop();
        }
        self.values
    }

    fn broken(&mut self, at: usize) -> Tree {
        Tree { id: self.next_id(), span: at..at, value: Value::Broken, damaged: true, unclosed: false }
    }

    fn value(&mut self, depth: usize) -> Tree {
        self.lexer.skip_blanks();
        let id = self.next_id();
        let start = self.lexer.pos;
        let (value, damaged) = match self.lexer.peek() {
            None => {
                self.unclosed_at_end(None);
                (Value::Broken, true)
            }
            Some(c) if OPENING.contains(&c) => self.group(c, None, depth),
            Some('"') => scalar(self.lexer.string()),
            Some('\'') => scalar(self.lexer.char()),
            Some('r') if self.lexer.raw_string_hashes().is_some() => {
                let hashes = self.lexer.raw_string_hashes().unwrap_or(0);
                scalar(self.lexer.raw_string(hashes))
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => scalar(self.lexer.number()),
            Some(c) if c.is_alphanumeric() || c == '_' => self.named(depth),
            Some(c) => {
                let problem = if matches!(c, ',' | ')' | ']' | '}') {
                    let at = self.lexer.last_end;
                    Problem::syntax(at..at, "a value is missing", "expected a value here")
                } else {
                    Problem::syntax(start..start + c.len_utf8(), format!("`{c}` begins no value"), "expected a value")
                };
                self.lexer.report(problem);
                self.lexer.skip_item();
                (Value::Broken, true)
            }
        };
        let group = matches!(value, Value::List(_) | Value::Map(_) | Value::Fields { .. } | Value::Tuple { .. });
        let unclosed = group && self.unclosed;
        let end = if matches!(value, Value::Name(_)) { self.lexer.last_end.max(start) } else { self.lexer.pos };
        Tree { id, span: start..end.max(start), value, damaged, unclosed }
    }

    /// A name, alone or followed by what it holds in parentheses.
    fn named(&mut self, depth: usize) -> (Value, bool) {
        let start = self.lexer.pos;
        let word = if self.lexer.text[start..].starts_with("r#") {
            self.lexer.pos += 2;
            self.lexer.long_word()
        } else {
            let word = self.lexer.word();
            match word {
                "true" | "false" => return (Value::Bool(word == "true"), false),
                "inf" => return (Value::Number(Number::Float(f64::INFINITY)), false),
                "NaN" => return (Value::Number(Number::Float(f64::NAN)), false),
                _ => word,
            }
        };
        if matches!(self.lexer.peek(), Some('-' | '.')) && !self.lexer.text[start..].starts_with("r#") {
            self.lexer.long_word();
            let span = self.lexer.span_from(start);
            let text = self.lexer.text[span.clone()].to_owned();
            self.lexer.report(
                Problem::syntax(span, format!("`{}` is not a name", quote(&text)), "expected a text in quotes")
                    .with_help(format!("write \"{}\"", quote(&text))),
            );
            return (Value::Str(text), false);
        }
        let name = Name { text: word.to_owned(), span: self.lexer.span_from(start) };
        self.lexer.skip_blanks();
        if self.lexer.peek() == Some('(') { self.group('(', Some(name), depth) } else { (Value::Name(name), false) }
    }

    fn group(&mut self, open: char, name: Option<Name>, depth: usize) -> (Value, bool) {
        let start = self.lexer.pos;
        self.lexer.bump();
        if depth >= MAX_DEPTH {
            let mut problem = Problem::syntax(
                start..start + 1,
                format!("brackets are nested more than {MAX_DEPTH} deep"),
                "what is inside is not read",
            );
            problem.code = "too-deep";
            self.lexer.report(problem);
            self.skip_group();
            return (Value::Broken, true);
        }
        match open {
            '[' => {
                let mut items = Vec::new();
                let damaged = self.items(start, open, |parser| items.push(parser.value(depth + 1)));
                (Value::List(items), damaged)
            }
            '{' => self.map(start, depth),
            _ => self.parentheses(start, name, depth),
        }
    }

    /// Step over the rest of a group whose opening bracket has been read.
    fn skip_group(&mut self) {
        loop {
            self.lexer.skip_item();
            match self.lexer.bump() {
                Some(',') => {}
                Some(_) => return,
                None => {
                    self.end_reported = true;
                    return;
                }
            }
        }
    }

    /// Items between brackets, separated by commas; the opening one has been read. Returns whether anything was spoilt.
    fn items(&mut self, start: usize, open: char, mut item: impl FnMut(&mut Self)) -> bool {
        let kind = bracket(open);
        self.open[kind] += 1;
        let mut damaged = false;
        let mut closed = false;
        loop {
            self.lexer.skip_blanks();
            let at = self.lexer.pos;
            match self.lexer.peek() {
                None => {
                    self.unclosed_at_end(Some((start, open)));
                    damaged = true;
                    break;
                }
                Some(c) if c == CLOSING[kind] => {
                    self.lexer.bump();
                    closed = true;
                    break;
                }
                Some(c) if CLOSING.contains(&c) => {
                    damaged = true;
                    if self.open[bracket(c)] > 0 {
                        self.lexer.report(
                            Problem::unclosed(at..at + 1, format!("`{open}` is not closed before this `{c}`"), {
                                format!("expected `{}` first", CLOSING[kind])
                            })
                            .with_secondary(start..start + 1, "opened here"),
                        );
                        break;
                    }
                    self.lexer.report(stray(at, c));
                    self.lexer.bump();
                }
                Some(',') => {
                    damaged = true;
                    self.lexer.report(Problem::syntax(
                        at..at + 1,
                        "a value is missing before this comma",
                        "expected a value",
                    ));
                    self.lexer.bump();
                }
                Some(_) => {
                    item(self);
                    damaged |= !self.separator(at);
                }
            }
        }
        self.open[kind] -= 1;
        self.unclosed = !closed;
        damaged
    }

    /// What may stand between two items, after one that began at `start`. Returns whether that is so.
    fn separator(&mut self, start: usize) -> bool {
        self.lexer.skip_blanks();
        let at = self.lexer.pos;
        match self.lexer.peek() {
            None | Some(')' | ']' | '}') => true,
            Some(',') => {
                self.lexer.bump();
                true
            }
            Some(';') => {
                self.lexer.bump();
                self.lexer.report(Problem::syntax(at..at + 1, "`;` does not separate values", "expected `,`"));
                true
            }
            Some(c) if starts_value(c) && at > start => {
                let end = self.lexer.last_end;
                self.lexer.report(Problem::syntax(end..end, "a comma is missing", "expected `,` here"));
                true
            }
            Some(c) => {
                self.lexer.bump();
                self.lexer.report(Problem::syntax(
                    at..self.lexer.pos,
                    format!("`{c}` is not expected here"),
                    "expected `,`",
                ));
                self.lexer.skip_item();
                if self.lexer.peek() == Some(',') {
                    self.lexer.bump();
                }
                false
            }
        }
    }

    /// The `:` between a name and its value. Returns whether there is one (or what was meant to be one).
    fn colon(&mut self) -> bool {
        self.lexer.skip_blanks();
        let at = self.lexer.pos;
        match self.lexer.peek() {
            Some(':') => {
                self.lexer.bump();
                true
            }
            Some('=') => {
                self.lexer.bump();
                self.lexer.report(Problem::syntax(at..at + 1, "`=` does not assign a value", "expected `:`"));
                true
            }
            _ => false,
        }
    }

    fn parentheses(&mut self, start: usize, name: Option<Name>, depth: usize) -> (Value, bool) {
        let (mut fields, mut items) = (Vec::<Field>::new(), Vec::<Tree>::new());
        let mut seen = BTreeMap::<String, Range<usize>>::new();
        let mut spoilt = false;
        let damaged = self.items(start, '(', |parser| {
            let tree = parser.value(depth + 1);
            if !parser.colon() {
                if fields.is_empty() {
                    items.push(tree);
                } else {
                    spoilt = true;
                    // What was half read has been reported, and so has what comes next.
                    if tree.value != Value::Broken && ends_item(parser.lexer.peek()) {
                        parser.lexer.report(Problem::syntax(tree.anchor(), "this value has no name", {
                            "expected `name: value`"
                        }));
                    }
                }
                return;
            }
            let value = parser.value(depth + 1);
            let Some(name) = field_name(&tree) else {
                spoilt = true;
                if tree.value != Value::Broken {
                    let what = format!("{} is not the name of a field", tree.describe());
                    parser.lexer.report(Problem::syntax(tree.anchor(), what, "expected a name"));
                }
                return;
            };
            if let Some(first) = items.first() {
                if !spoilt && items.iter().all(|item| matches!(item.value, Value::Str(_) | Value::Number(_))) {
                    let place = first.anchor();
                    parser.lexer.report(Problem::syntax(place, "this value has no name", "expected `name: value`"));
                }
                items.clear();
                spoilt = true;
            }
            if let Some(first) = seen.get(&name.text) {
                parser.lexer.report(duplicate("duplicate-field", "field", &name, first.clone()));
                return;
            }
            seen.insert(name.text.clone(), name.span.clone());
            fields.push(Field { name, value });
        });
        let damaged = damaged || spoilt;
        if fields.is_empty() {
            (Value::Tuple { name, items }, damaged)
        } else {
            (Value::Fields { name, fields }, damaged)
        }
    }

    fn map(&mut self, start: usize, depth: usize) -> (Value, bool) {
        let mut entries = Vec::<Entry>::new();
        let mut seen = BTreeMap::<String, Range<usize>>::new();
        let mut spoilt = false;
        let damaged = self.items(start, '{', |parser| {
            let key = parser.value(depth + 1);
            if !parser.colon() {
                spoilt = true;
                if key.value != Value::Broken && ends_item(parser.lexer.peek()) {
                    let problem = Problem::syntax(key.anchor(), "this key has no value", "expected `key: value`");
                    parser.lexer.report(problem);
                }
                return;
            }
            let value = parser.value(depth + 1);
            let name = Name { text: key.key_text(), span: key.span.clone() };
            if let Some(first) = seen.get(&name.text) {
                parser.lexer.report(duplicate("duplicate-key", "key", &name, first.clone()));
                return;
            }
            seen.insert(name.text, name.span);
            entries.push(Entry { key, value });
        });
        (Value::Map(entries), damaged || spoilt)
    }

    fn unclosed_at_end(&mut self, opened: Option<(usize, char)>) {
        if self.end_reported || self.lexer.swallowed {
            return;
        }
        self.end_reported = true;
        let end = self.lexer.last_end;
        self.lexer.report(match opened {
            Some((start, open)) => {
                let expected = format!("expected `{}`", CLOSING[bracket(open)]);
                Problem::unclosed(end..end, format!("the text ends, and `{open}` is not closed"), expected)
                    .with_secondary(start..start + 1, "opened here")
            }
            None => Problem::syntax(end..end, "the text ends where a value is missing", "expected a value"),
        });
    }
}

fn ends_item(c: Option<char>) -> bool {
    matches!(c, None | Some(',' | ')' | ']' | '}')) || c.is_some_and(starts_value)
}

fn stray(at: usize, c: char) -> Problem {
    Problem::syntax(at..at + 1, format!("`{c}` closes nothing"), format!("no `{}` is open here", OPENING[bracket(c)]))
}

fn duplicate(code: &'static str, what: &str, name: &Name, first: Range<usize>) -> Problem {
    let message = format!("the {what} `{}` is written twice", quote(&name.text));
    let mut problem = Problem::syntax(name.span.clone(), message, "again here").with_secondary(first, "first here");
    problem.code = code;
    problem
}

fn field_name(tree: &Tree) -> Option<Name> {
    match &tree.value {
        Value::Name(name) => Some(name.clone()),
        Value::Str(text) => Some(Name { text: text.clone(), span: tree.span.clone() }),
        _ => None,
    }
}

fn scalar(scalar: Scalar) -> (Value, bool) {
    match scalar {
        Scalar::Number(number) => (Value::Number(number), false),
        Scalar::Text(text) => (Value::Str(text), false),
        Scalar::Char(c) => (Value::Char(c), false),
        Scalar::Broken => (Value::Broken, true),
    }
}
