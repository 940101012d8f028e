//! The words of a text: blanks and comments, names, numbers, quoted texts.

use super::Problem;
use super::tree::{Number, quote};
use std::ops::Range;

/// How many mistakes of the syntax are reported before the rest of the text is left unread: a text with more is not RON.
pub(super) const MAX_SYNTAX_PROBLEMS: usize = 50;

/// A position in a text, and what was wrong before it.
pub(super) struct Lexer<'t> {
    pub text: &'t str,
    pub pos: usize,
    pub problems: Vec<Problem>,
    /// Too much was wrong: nothing more is read or reported.
    pub stopped: bool,
    /// A comment or a text that is never closed took the rest: what seems to be missing is in it.
    pub swallowed: bool,
    /// Where the last word ended, before the blanks that follow it.
    pub last_end: usize,
    blank_end: usize,
}

/// A word that stands for a value.
pub(super) enum Scalar {
    Number(Number),
    Text(String),
    Char(char),
    Broken,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        // Nothing but this character may precede the first line; some editors write it.
        let pos = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Lexer { text, pos, problems: Vec::new(), stopped: false, swallowed: false, last_end: pos, blank_end: pos }
    }

    pub fn report(&mut self, problem: Problem) {
        if self.stopped {
            return;
        }
        self.problems.push(problem);
        if self.problems.len() >= MAX_SYNTAX_PROBLEMS {
            self.stop();
        }
    }

    pub fn stop(&mut self) {
        self.stopped = true;
        self.pos = self.text.len();
    }

    /// The character here.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.pos..]
    }

    /// Step over the character here.
    pub fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn bump_while(&mut self, mut keep: impl FnMut(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.pos += len;
        &rest[..len]
    }

    fn skip_line(&mut self) {
        self.bump_while(|c| c != '\n');
    }

    /// Step over blanks and comments.
    pub fn skip_blanks(&mut self) {
        if self.pos != self.blank_end {
            self.last_end = self.pos;
        }
        loop {
            self.bump_while(char::is_whitespace);
            let rest = self.rest();
            if rest.starts_with("//") {
                self.skip_line();
            } else if rest.starts_with("/*") {
                self.skip_block_comment();
            } else if rest.starts_with('#') {
                let start = self.pos;
                self.skip_line();
                self.report(
                    Problem::syntax(start..start + 1, "`#` has no meaning here", "expected a value or a comment")
                        .with_help("comments begin with `//`"),
                );
            } else {
                break;
            }
        }
        self.blank_end = self.pos;
    }

    /// `/* … */`, which may contain others.
    fn skip_block_comment(&mut self) {
        let start = self.pos;
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        while self.pos < bytes.len() {
            match bytes[self.pos..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.pos += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.pos += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.pos += 1,
            }
        }
        self.swallowed = true;
        self.report(Problem::unclosed(start..start + 2, "this comment is never closed", "a `*/` is missing"));
    }

    /// The letters, digits and underscores here.
    pub fn word(&mut self) -> &'t str {
        self.bump_while(|c| c.is_alphanumeric() || c == '_')
    }

    /// As [`Lexer::word`], with what may also be in a name written `r#name`, or in a name that lacks its quotes.
    pub fn long_word(&mut self) -> &'t str {
        self.bump_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+'))
    }

    pub fn number(&mut self) -> Scalar {
        let start = self.pos;
        let mut last = ' ';
        self.bump_while(|c| {
            let sign = matches!(c, '+' | '-') && matches!(last, ' ' | 'e' | 'E');
            last = c;
            sign || c.is_alphanumeric() || matches!(c, '_' | '.' | '%')
        });
        // `10k/s`, but not the comment in `10//s`.
        if self.rest().starts_with('/') && !self.rest().starts_with("//") && !self.rest().starts_with("/*") {
            self.pos += 1;
            self.word();
        }
        let text = &self.text[start..self.pos];
        match parse_number(text) {
            Some(number) => Scalar::Number(number),
            None => {
                let problem =
                    Problem::syntax(start..self.pos, format!("`{}` is not a number", quote(text)), "expected a value");
                let unit = text.starts_with(|c: char| c.is_ascii_digit());
                self.report(if unit {
                    problem.with_help(format!("a number with a unit goes in quotes: \"{}\"", quote(text)))
                } else {
                    problem
                });
                Scalar::Broken
            }
        }
    }

    /// `"text"`.
    pub fn string(&mut self) -> Scalar {
        let start = self.pos;
        self.pos += 1;
        let mut text = String::new();
        let mut bad = Vec::new();
        let closed = loop {
            text.push_str(self.bump_while(|c| !matches!(c, '"' | '\\')));
            match self.peek() {
                None => break false,
                Some('"') => {
                    self.pos += 1;
                    break true;
                }
                Some(_) => {
                    let at = self.pos;
                    match self.escape() {
                        Some(Some(c)) => text.push(c),
                        Some(None) => {}
                        None => bad.push(at..self.pos),
                    }
                }
            }
            if bad.len() > MAX_SYNTAX_PROBLEMS {
                break false;
            }
        };
        if self.probably_unclosed(start, closed) {
            self.report(Problem::unclosed(start..start + 1, "this text is never closed", "a closing `\"` is missing"));
            if !self.stopped {
                self.pos = self.end_of_line_before_brackets(start);
            }
            return Scalar::Broken;
        }
        for span in bad {
            let what = format!("`{}` means nothing in a text", quote(&self.text[span.clone()]));
            self.report(
                Problem::syntax(span, what, "expected one of \\n \\t \\r \\0 \\\" \\\\ \\x41 \\u{e9}")
                    .with_help("a backslash itself is written `\\\\`"),
            );
        }
        Scalar::Text(text)
    }

    /// A forgotten quote makes a text run to the next one, lines below, and turns everything after it inside out. It
    /// shows: after the next quote comes what cannot follow a text.
    fn probably_unclosed(&self, start: usize, closed: bool) -> bool {
        if !closed {
            return true;
        }
        let follows = self.rest().trim_start_matches([' ', '\t', '\r']).chars().next();
        self.text[start..self.pos].contains('\n')
            && !matches!(follows, None | Some(',' | ')' | ']' | '}' | ':' | '\n' | '/' | ';' | '='))
    }

    /// The end of the line, less the commas and brackets that were probably meant to follow the text.
    fn end_of_line_before_brackets(&self, start: usize) -> usize {
        let rest = &self.text[start + 1..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        start + 1 + line.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | ']' | '}')).len()
    }

    /// A backslash and what follows: the character meant, `Some(None)` for one that stands for nothing, `None` if it
    /// has no meaning.
    fn escape(&mut self) -> Option<Option<char>> {
        self.pos += 1;
        Some(Some(match self.bump()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'b' => '\u{8}',
            c @ ('"' | '\\' | '\'' | '/') => c,
            'x' => {
                let digits = self.rest().get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
                self.pos += 2;
                char::from(u8::from_str_radix(digits, 16).ok()?)
            }
            'u' => {
                let digits = self.rest().strip_prefix('{')?;
                let digits = &digits[..digits.bytes().take(7).position(|b| b == b'}')?];
                self.pos += digits.len() + 2;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            '\n' => {
                self.bump_while(char::is_whitespace);
                return Some(None);
            }
            _ => return None,
        }))
    }

    /// Does `r"…"` or `r#"…"#` begin here? How many `#`, if so.
    pub fn raw_string_hashes(&self) -> Option<usize> {
        let rest = self.rest().strip_prefix('r')?;
        let hashes = rest.bytes().take_while(|b| *b == b'#').count();
        rest[hashes..].starts_with('"').then_some(hashes)
    }

    pub fn raw_string(&mut self, hashes: usize) -> Scalar {
        let start = self.pos;
        self.pos += hashes + 2;
        let end = format!("\"{}", "#".repeat(hashes));
        match self.rest().find(&end) {
            Some(len) => {
                let text = self.rest()[..len].to_owned();
                self.pos += len + end.len();
                Scalar::Text(text)
            }
            None => {
                self.report(Problem::unclosed(
                    start..self.pos,
                    "this text is never closed",
                    format!("a closing `{}` is missing", quote(&end)),
                ));
                self.swallowed = true;
                // Searching again from the next line would find nothing either.
                self.pos = self.text.len();
                Scalar::Broken
            }
        }
    }

    /// `'c'`.
    pub fn char(&mut self) -> Scalar {
        let start = self.pos;
        self.pos += 1;
        let c = match self.peek() {
            Some('\\') => self.escape().flatten(),
            Some('\'') | None => None,
            // A line end as a character is legal; on its own it is a quote that was never closed.
            Some('\n') if !self.rest().starts_with("\n'") => None,
            Some(_) => self.bump(),
        };
        if let (Some(c), Some('\'')) = (c, self.peek()) {
            self.pos += 1;
            return Scalar::Char(c);
        }
        self.bump_while(|c| !matches!(c, '\'' | '\n' | ','));
        if self.peek() == Some('\'') {
            self.pos += 1;
        }
        self.report(
            Problem::syntax(start..self.pos, "single quotes hold exactly one character", "expected one character")
                .with_help("a text goes in double quotes: \"like this\""),
        );
        Scalar::Broken
    }

    /// Step over the rest of a spoilt item: to the comma or closing bracket that ends it.
    pub fn skip_item(&mut self) {
        let mut depth = 0_usize;
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return,
                Some(',' | ')' | ']' | '}') if depth == 0 => return,
                Some('(' | '[' | '{') => depth += 1,
                Some(')' | ']' | '}') => depth -= 1,
                Some('"') => {
                    // What is skipped is not to be understood: a text ends with its line at the latest.
                    self.pos += 1;
                    self.bump_while(|c| !matches!(c, '"' | '\n'));
                }
                Some(_) => {}
            }
            self.bump();
        }
    }

    pub fn span_from(&self, start: usize) -> Range<usize> {
        start..self.pos
    }
}

/// What may follow the digits of a number and says nothing here.
const SUFFIXES: [&str; 14] =
    ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize", "f32", "f64"];

fn parse_number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    match digits {
        "inf" => return Some(Number::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY })),
        "NaN" => return Some(Number::Float(if negative { -f64::NAN } else { f64::NAN })),
        _ => {}
    }
    let plain = digits.replace('_', "");
    let radix = match plain.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    let (mut body, hex) = if radix == 10 { (plain.as_str(), false) } else { (&plain[2..], radix == 16) };
    if let Some(suffix) = SUFFIXES.iter().find(|s| body.ends_with(**s) && body.len() > s.len()) {
        // `0x1f32` is a number of four digits.
        if !(hex && suffix.starts_with('f')) {
            body = &body[..body.len() - suffix.len()];
        }
    }
    if !body.starts_with(|c: char| c.is_ascii_hexdigit() || c == '.') {
        return None;
    }
    if let Ok(n) = i128::from_str_radix(body, radix) {
        // Minus zero is a float that the sign would be lost from.
        return Some(match (negative, n) {
            (true, n) => Number::Integer(-n),
            (false, n) => Number::Integer(n),
        });
    }
    if radix != 10 || !body.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    body.parse::<f64>().ok().map(|x| Number::Float(if negative { -x } else { x }))
}
