//! Menus and toolbar: loops over the actions.

use super::icons;
use crate::editor::actions::{ACTIONS, Action, Menu, On, by_id};
use crate::whiteboard::app::App;
use egui::{Button, MenuBar, RichText, Ui};

/// What stands in the toolbar, in groups.
pub const TOOLS: &[&[&str]] = &[
    &["view.select_tool", "view.link_tool", "view.hand_tool"],
    &["edit.undo", "edit.redo"],
    &["view.fit", "break.kill", "file.export"],
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
        ui.spacing_mut().item_spacing.x = 4.0;
        for group in TOOLS {
            ui.separator();
            for id in *group {
                tool(app, ui, id);
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let changed = if app.editor.is_changed() { "•" } else { "" };
            let name = app.files.name();
            ui.label(RichText::new(format!("{name} {changed}")).weak()).on_hover_text(app.files.place());
        });
    });
}

fn tool(app: &mut App, ui: &mut Ui, id: &str) {
    let Some(action) = by_id(id) else { return };
    let on = action.is_on.is_some_and(|is_on| is_on(&app.editor));
    let enabled = (action.enabled)(&app.editor);
    let button = icons::button(ui, id, &action.title(&app.editor), enabled, on);
    let hint = hint(app, action);
    if button.on_hover_text(&hint).on_disabled_hover_text(hint).clicked() {
        let now = ui.input(|input| input.time);
        app.perform(action, now);
    }
}

/// Label and shortcut.
pub fn hint(app: &App, action: &Action) -> String {
    let title = action.title(&app.editor);
    match action.shortcuts.first() {
        Some(shortcut) => format!("{title} ({shortcut})"),
        None => title,
    }
}

/// An action in a menu.
pub fn entry(app: &mut App, ui: &mut Ui, action: &Action) {
    let shortcut = action.shortcuts.first().map_or(String::new(), ToString::to_string);
    let on = action.is_on.is_some_and(|is_on| is_on(&app.editor));
    let button = Button::new(action.title(&app.editor)).shortcut_text(shortcut).selected(on);
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
