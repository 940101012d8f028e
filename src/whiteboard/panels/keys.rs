//! From egui's keys to those of the actions.

use crate::editor::{Key, Shortcut};
use egui::Modifiers;

/// The shortcut of a key that was pressed; none for those that only type. A key of the upper row that types a sign, with
/// Shift or without, is known by its place.
pub fn shortcut(key: egui::Key, place: Option<egui::Key>, held: Modifiers) -> Option<Shortcut> {
    use egui::Key as K;
    let key = match key {
        K::ArrowUp => Key::Up,
        K::ArrowDown => Key::Down,
        K::ArrowLeft => Key::Left,
        K::ArrowRight => Key::Right,
        K::Enter => Key::Enter,
        K::Escape => Key::Escape,
        K::Tab => Key::Tab,
        K::Space => Key::Space,
        K::Delete => Key::Delete,
        K::Backspace => Key::Backspace,
        K::Home => Key::Home,
        // With Ctrl no text is typed, so that a sign is known by its key only.
        K::Plus if held.command => Key::Sign('+'),
        K::Minus if held.command => Key::Sign('-'),
        K::Equals if held.command => Key::Sign('='),
        K::Period if held.command => Key::Sign('.'),
        K::Quote if held.command => Key::Sign('\''),
        other => named(other.name()).or_else(|| digit(place?))?,
    };
    Some(Shortcut { ctrl: held.command, shift: held.shift, alt: held.alt, key })
}

fn named(name: &str) -> Option<Key> {
    let mut letters = name.chars();
    let first = letters.next()?;
    match (first, letters.as_str()) {
        ('A'..='Z', "") => Some(Key::Letter(first)),
        ('0'..='9', "") => Some(Key::Digit(first as u8 - b'0')),
        ('F', number) => number.parse().ok().filter(|n| (1..=12).contains(n)).map(Key::Function),
        _ => None,
    }
}

fn digit(place: egui::Key) -> Option<Key> {
    named(place.name()).filter(|key| matches!(key, Key::Digit(_)))
}

/// The shortcut of a sign that was typed: by the character, which lies elsewhere on each keyboard.
pub fn sign(text: &str) -> Option<Shortcut> {
    let mut signs = text.chars();
    let sign = signs.next().filter(|c| c.is_ascii_punctuation())?;
    signs.next().is_none().then(|| Shortcut::of(Key::Sign(sign)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::actions;

    #[test]
    fn keys_reach_their_actions() {
        let of = |key, held| shortcut(key, None, held).and_then(actions::by_shortcut).map(|action| action.id);
        assert_eq!(of(egui::Key::Z, Modifiers::COMMAND), Some("edit.undo"));
        assert_eq!(of(egui::Key::Z, Modifiers::COMMAND | Modifiers::SHIFT), Some("edit.redo"));
        assert_eq!(of(egui::Key::F12, Modifiers::NONE), Some("file.picture"));
        assert_eq!(of(egui::Key::Num3, Modifiers::NONE), Some("view.errors"));
        assert_eq!(of(egui::Key::M, Modifiers::NONE), Some("break.kill"));
        assert_eq!(sign("?").and_then(actions::by_shortcut).map(|action| action.id), Some("help.shortcuts"));
        assert_eq!(sign("/").and_then(actions::by_shortcut).map(|action| action.id), Some("insert.node"));
        assert_eq!(sign("ab"), None);
    }

    #[test]
    fn digits_are_found_whatever_they_type() {
        use egui::Key as K;
        let of =
            |key, place, held| shortcut(key, Some(place), held).and_then(actions::by_shortcut).map(|action| action.id);
        // Shift and 1 where it types `!`, and where it types 1; 4 where it types `'` by itself.
        assert_eq!(of(K::Exclamationmark, K::Num1, Modifiers::SHIFT), Some("view.fit"));
        assert_eq!(of(K::Num1, K::Num1, Modifiers::SHIFT), Some("view.fit"));
        assert_eq!(of(K::Equals, K::Num0, Modifiers::SHIFT), Some("view.actual"));
        assert_eq!(of(K::Quote, K::Num4, Modifiers::NONE), Some("view.queues"));
        assert_eq!(of(K::Slash, K::Slash, Modifiers::NONE), None, "it is a sign");
    }
}
