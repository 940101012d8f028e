//! Keys as data. The window translates what its toolkit reports; a punctuation character is the one that was produced,
//! because it lies elsewhere on each keyboard.

use std::fmt;

/// A key, with what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shortcut {
    pub ctrl: bool,
    pub shift: bool,
    pub alt: bool,
    pub key: Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A letter, in upper case.
    Letter(char),
    /// A digit of the upper row, whatever it produces with Shift.
    Digit(u8),
    /// A character that is neither letter nor digit, as produced: `?` needs no `shift` here.
    Sign(char),
    /// F1 to F12.
    Function(u8),
    Up,
    Down,
    Left,
    Right,
    Enter,
    Escape,
    Tab,
    Space,
    Delete,
    Backspace,
    Home,
}

impl Shortcut {
    pub const fn of(key: Key) -> Shortcut {
        Shortcut { ctrl: false, shift: false, alt: false, key }
    }

    #[must_use]
    pub const fn ctrl(self) -> Shortcut {
        Shortcut { ctrl: true, ..self }
    }

    #[must_use]
    pub const fn shift(self) -> Shortcut {
        Shortcut { shift: true, ..self }
    }

    #[must_use]
    pub const fn alt(self) -> Shortcut {
        Shortcut { alt: true, ..self }
    }

    /// The same, with what does not matter left out: a sign is what it is, with Shift or without.
    pub(super) fn plain(self) -> Shortcut {
        Shortcut { shift: self.shift && !matches!(self.key, Key::Sign(_)), ..self }
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "Ctrl"), (self.alt, "Alt"), (self.shift, "Shift")] {
            if held {
                write!(f, "{name}+")?;
            }
        }
        match self.key {
            Key::Letter(c) | Key::Sign(c) => write!(f, "{c}"),
            Key::Digit(n) => write!(f, "{n}"),
            Key::Function(n) => write!(f, "F{n}"),
            Key::Up => f.write_str("↑"),
            Key::Down => f.write_str("↓"),
            Key::Left => f.write_str("←"),
            Key::Right => f.write_str("→"),
            Key::Escape => f.write_str("Esc"),
            other => write!(f, "{other:?}"),
        }
    }
}
