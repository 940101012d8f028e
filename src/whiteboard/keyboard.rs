//! Shortcuts: from what egui says of the keyboard to the actions.

use super::app::App;
use super::panels;
use crate::editor::actions;
use egui::{Key, Ui};

/// A pointer that moves less while Space is held has not moved, in points; and so long it may move as it likes.
const SLACK: f32 = 4.0;
const TAP: f64 = 0.2;

/// Whether an action is done again and again while its keys are held.
fn repeats(action: &actions::Action) -> bool {
    use actions::Menu;
    matches!(action.menu, Menu::Arrange | Menu::View | Menu::Select) || action.id.ends_with("do")
}

impl App {
    /// Shortcuts, while no field has the keyboard.
    pub(super) fn keys(&mut self, ui: &Ui) {
        let now = ui.input(|input| input.time);
        // An Escape that ends typing, or closes a menu, has done its work.
        let escaped = std::mem::take(&mut self.typing) && ui.input(|input| input.key_pressed(Key::Escape));
        let menu = egui::Popup::is_any_open(ui.ctx());
        if ui.ctx().text_edit_focused() || self.popup.is_open() || menu || escaped {
            return;
        }
        if ui.input(|input| input.key_pressed(Key::Escape)) && !self.editor.is_busy() {
            // One thing at a time.
            if self.messages.dismiss() || self.fields.forget() {
                return;
            }
        }
        // A button that the keyboard has come to keeps Enter, which presses it, and what leads on. Space plays, wherever the
        // keyboard is.
        let is_on_button = ui.ctx().egui_wants_keyboard_input();
        let of_buttons =
            [Key::Enter, Key::Tab, Key::Escape, Key::ArrowUp, Key::ArrowDown, Key::ArrowLeft, Key::ArrowRight];
        if !self.editor.selection().nodes.is_empty() {
            // Tab goes from node to node then, not from button to button.
            ui.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
        }
        let events = ui.input(|input| input.events.clone());
        ui.ctx().input_mut(|input| {
            input.events.retain(|event| !matches!(event, egui::Event::Key { key: Key::Space, .. }));
        });
        // Where Shift and a digit mean something, the sign that they type means nothing.
        let is_digit = |event: &egui::Event| match event {
            egui::Event::Key { key, physical_key, pressed: true, modifiers, .. } if modifiers.shift => {
                panels::keys::shortcut(*key, *physical_key, *modifiers)
                    .filter(|shortcut| matches!(shortcut.key, crate::editor::Key::Digit(_)))
                    .is_some_and(|shortcut| actions::by_shortcut(shortcut).is_some())
            }
            _ => false,
        };
        let has_signs = !ui.input(|input| input.modifiers.command) && !events.iter().any(is_digit);
        let has_nodes = !self.editor.selection().nodes.is_empty();
        for event in events {
            match event {
                egui::Event::Key { key, .. } if is_on_button && of_buttons.contains(&key) => {}
                // It goes from node to node where one is selected, and from button to button otherwise.
                egui::Event::Key { key: Key::Tab, .. } if !has_nodes => {}
                egui::Event::Key { key: Key::Space, pressed, repeat: false, modifiers, .. } if modifiers.is_none() => {
                    self.press_space(ui, pressed, now);
                }
                egui::Event::Key { key, physical_key, pressed: true, modifiers, repeat, .. } => {
                    if let Some(shortcut) = panels::keys::shortcut(key, physical_key, modifiers)
                        && let Some(action) = actions::by_shortcut(shortcut)
                        && (!repeat || repeats(action))
                    {
                        self.perform(action, now);
                    }
                }
                egui::Event::Text(text) if has_signs => {
                    if let Some(action) = panels::keys::sign(&text).and_then(actions::by_shortcut) {
                        self.perform(action, now);
                    }
                }
                _ => {}
            }
        }
    }

    /// Held, it moves the board; released, it plays or pauses, if the pointer has stayed where it was. Frames may be far
    /// apart, so that how long it was held says little.
    fn press_space(&mut self, ui: &Ui, pressed: bool, now: f64) {
        let at = ui.input(|input| input.pointer.latest_pos());
        if pressed {
            self.space = Some((now, at));
        } else if let Some((since, before)) = self.space.take() {
            let has_moved = before.zip(at).is_some_and(|(before, at)| before.distance(at) > SLACK);
            if !has_moved || now - since < TAP {
                self.act("run.play", now);
            }
        }
    }
}
