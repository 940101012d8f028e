//! All actions by their names: to be searched and done, or read with their shortcuts.

use super::fields::{Called, call};
use crate::editor::actions::{ACTIONS, Action, Menu};
use crate::whiteboard::app::App;
use egui::{Grid, Response, RichText, ScrollArea, TextEdit, Ui};
use std::path::{Path, PathBuf};

/// How well a text fits what was typed: all its words must occur. Smaller is better, and within a word is worse than at its
/// beginning; none if it does not fit.
pub fn fit(text: &str, typed: &str) -> Option<usize> {
    const WITHIN: usize = 1_000;
    let text = text.to_lowercase();
    let of_word = |word: &str| {
        let begins = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
        let places = text.match_indices(word).map(|(at, _)| if begins(at) { at } else { at + WITHIN });
        places.min()
    };
    typed.to_lowercase().split_whitespace().map(of_word).sum()
}

/// A field for searching; what is searched for is said aloud.
pub fn search(ui: &mut Ui, typed: &mut String, called: &str) -> Response {
    let field = TextEdit::singleline(typed).hint_text("Search").desired_width(f32::INFINITY);
    call(ui.add(field), Called::By(called))
}

/// How tall a list is at most, in points.
const LIST: f32 = 320.0;

/// A field and what fits it; with arrows and Enter, or by click. Returns what was chosen.
pub fn choose<T: Clone>(
    ui: &mut Ui,
    called: &str,
    typed: &mut String,
    at: &mut usize,
    all: &[(String, String, T)],
) -> Option<T> {
    let field = search(ui, typed, called);
    field.request_focus();
    let mut found: Vec<(usize, &(String, String, T))> =
        all.iter().filter_map(|entry| Some((fit(&format!("{} {}", entry.0, entry.1), typed)?, entry))).collect();
    found.sort_by_key(|(worth, _)| if typed.is_empty() { 0 } else { *worth });
    let (up, down, enter) = ui.input(|input| {
        let pressed = |key| input.key_pressed(key);
        (pressed(egui::Key::ArrowUp), pressed(egui::Key::ArrowDown), pressed(egui::Key::Enter))
    });
    if field.changed() {
        *at = 0;
    }
    *at = (*at + usize::from(down)).saturating_sub(usize::from(up)).min(found.len().saturating_sub(1));
    let mut chosen = None;
    // As tall as what fits, not as what fitted first.
    ScrollArea::vertical().max_height(LIST).min_scrolled_height(LIST).show(ui, |ui| {
        for (i, (_, (title, more, what))) in found.iter().enumerate() {
            let button = egui::Button::new(title.as_str())
                .shortcut_text(more.as_str())
                .selected(i == *at)
                .frame_when_inactive(i == *at)
                .min_size(egui::vec2(ui.available_width(), 24.0));
            let response = ui.add(button);
            if i == *at && (up || down) {
                response.scroll_to_me(None);
            }
            if response.clicked() || i == *at && enter {
                chosen = Some(what.clone());
            }
        }
        if found.is_empty() {
            ui.label(RichText::new("Nothing fits").weak());
        }
    });
    chosen
}

/// What can be chosen in the palette.
#[derive(Clone)]
pub enum Command {
    Act(&'static Action),
    /// A node of a kind, in the middle of what is seen.
    Insert(&'static str),
    /// A file that was open before.
    Open(PathBuf),
}

/// All that can be done, with the shortcut; or that it cannot be done now, because it is about something to be selected.
pub fn all(app: &App) -> Vec<(String, String, Command)> {
    let note = |action: &Action| match action.shortcuts.first() {
        _ if !(action.enabled)(&app.editor) => "not now".to_owned(),
        Some(shortcut) => shortcut.to_string(),
        None => String::new(),
    };
    let title = |action: &Action| format!("{}: {}", action.menu.title(), action.title(&app.editor));
    let actions = ACTIONS.iter().map(|action| (title(action), note(action), Command::Act(action)));
    let kinds = app.editor.choices(None);
    let kinds = kinds.iter().map(|meta| (format!("Insert: {}", meta.title), String::new(), Command::Insert(meta.key)));
    let recent = app.files.recent.files().into_iter().map(|path| {
        let (name, folder) = in_two(&path);
        (format!("File: Open {name}"), folder, Command::Open(path))
    });
    actions.chain(kinds).chain(recent).collect()
}

/// The name of a file, and its folder.
pub fn in_two(path: &Path) -> (String, String) {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    (name, path.parent().map_or_else(String::new, |folder| folder.display().to_string()))
}

/// The sheet of all shortcuts.
pub fn sheet(ui: &mut Ui, typed: &mut String) {
    search(ui, typed, "Search shortcuts");
    ScrollArea::vertical().max_height(460.0).show(ui, |ui| {
        for menu in Menu::ALL {
            let of_menu = ACTIONS.iter().filter(|action| action.menu == *menu && !action.shortcuts.is_empty());
            let found: Vec<_> = of_menu.filter(|action| fit(action.label, typed).is_some()).collect();
            if found.is_empty() {
                continue;
            }
            ui.add_space(6.0);
            ui.label(RichText::new(menu.title()).weak());
            Grid::new(menu.title()).num_columns(2).min_col_width(190.0).show(ui, |ui| {
                for action in found {
                    ui.label(action.label);
                    let keys: Vec<String> = action.shortcuts.iter().map(ToString::to_string).collect();
                    ui.label(RichText::new(keys.join("   ")).weak());
                    ui.end_row();
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_occur() {
        assert!(fit("Align left", "left al").is_some());
        assert!(fit("Align left", "right").is_none());
        assert!(fit("Undo", "undo") < fit("Do not undo", "undo"));
        assert!(fit("Insert: Cache", "ca") < fit("Duplicate", "ca"), "words begin so");
        assert!(fit("Undo", "").is_some());
    }
}
