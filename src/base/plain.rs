//! Text of others that is shown: it must not steer the terminal or the page that it is shown on.

use std::borrow::Cow;

/// What stands for a character that is not shown.
pub const STAND_IN: char = '\u{fffd}';

/// Whether a character does something instead of being something: control characters (escape sequences begin with one),
/// and those that turn the direction of what follows or break a line.
pub fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    c.is_control() || turns || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The character, or what stands for it where it steers.
pub fn visible(c: char) -> char {
    if steers(c) { STAND_IN } else { c }
}

/// A name or a title on one line.
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, steers)
}

/// Lines for a terminal.
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| steers(c) && !matches!(c, '\n' | '\t'))
}

fn replaced(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().any(&is_bad) {
        text.chars().map(|c| if is_bad(c) { STAND_IN } else { c }).collect()
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON that means the same and steers nothing: within its texts, the only place for such characters, each is written as
/// a number.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| steers(c) && c != '\n';
    if !text.chars().any(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // All of them are below 65,536.
        if is_bad(c) { out += &format!("\\u{:04x}", u32::from(c)) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_is_left() {
        let bad = "a\u{1b}[2J\r\u{7f}\u{9b}31m\u{202e}\u{2066}\u{ffff}b";
        for text in [line(bad), lines(bad), json(bad)] {
            assert!(!text.chars().any(steers) && text.starts_with('a') && text.ends_with('b'), "{text:?}");
        }
        assert_eq!((line("é → 大 🙂"), lines("a\n\tb")), ("é → 大 🙂".into(), "a\n\tb".into()));
        let text = serde_json::to_string_pretty(&[bad]).expect("a text");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json(&text)).expect("JSON"), [bad]);
    }
}
