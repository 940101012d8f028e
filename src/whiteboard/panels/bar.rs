//! Menus and toolbar: loops over the actions.

use crate::editor::actions::{ACTIONS, Action, Menu, On, by_id};
use crate::whiteboard::app::App;
use egui::{Button, MenuBar, RichText, Ui};

/// What stands in the toolbar, with a short word for each.
const TOOLS: &[(&str, &str)] = &[
    ("view.select_tool", "Select"),
    ("view.link_tool", "Link"),
    ("view.hand_tool", "Hand"),
    ("edit.undo", "Undo"),
    ("edit.redo", "Redo"),
    ("view.fit", "Fit"),
    ("break.kill", "Kill"),
    ("file.export", "Export"),
];

pub fn show(app: &mut App, ui: &mut Ui) {
    MenuBar::new().ui(ui, |ui| {
        for menu in Menu::ALL {
            ui.menu_button(menu.title(), |ui| {
                ui.set_min_width(230.0);
                for action in ACTIONS.iter().filter(|action| action.menu == *menu && action.in_menu) {
                    entry(app, ui, action);
                }
            });
        }
        ui.separator();
        for (id, word) in TOOLS {
            let Some(action) = by_id(id) else { continue };
            let on = action.is_on.is_some_and(|is_on| is_on(&app.editor));
            let enabled = (action.enabled)(&app.editor);
            let clicked =
                ui.add_enabled(enabled, Button::new(*word).selected(on)).on_hover_text(hint(action)).clicked();
            if clicked {
                let now = ui.input(|input| input.time);
                app.perform(action, now);
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let changed = if app.editor.is_changed() { "•" } else { "" };
            let name = app.files.name();
            ui.label(RichText::new(format!("{name} {changed}")).weak()).on_hover_text(app.files.place());
        });
    });
}

/// Label and shortcut.
pub fn hint(action: &Action) -> String {
    match action.shortcuts.first() {
        Some(shortcut) => format!("{} ({shortcut})", action.label),
        None => action.label.to_owned(),
    }
}

/// An action in a menu.
pub fn entry(app: &mut App, ui: &mut Ui, action: &Action) {
    let shortcut = action.shortcuts.first().map_or(String::new(), ToString::to_string);
    let on = action.is_on.is_some_and(|is_on| is_on(&app.editor));
    let button = Button::new(action.label).shortcut_text(shortcut).selected(on);
    if ui.add_enabled((action.enabled)(&app.editor), button).clicked() {
        let now = ui.input(|input| input.time);
        app.perform(action, now);
        ui.close();
    }
}

/// The menu of what was clicked on the board.
pub fn context(app: &mut App, ui: &mut Ui, on: On) {
    ui.set_min_width(230.0);
    let mut last = None;
    for action in ACTIONS.iter().filter(|action| action.on.contains(&on)) {
        if !(action.enabled)(&app.editor) {
            continue;
        }
        if last.is_some_and(|last| last != action.menu) {
            ui.separator();
        }
        last = Some(action.menu);
        entry(app, ui, action);
    }
}
