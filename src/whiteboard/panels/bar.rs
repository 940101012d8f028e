//! Menus and toolbar: loops over the actions.

use super::commands::in_two;
use super::fields::{Called, call};
use super::icons;
use crate::design::Action as Strike;
use crate::editor::Effect;
use crate::editor::actions::{self, ACTIONS, Action, Menu, On, by_id};
use crate::figure::Lens;
use crate::whiteboard::app::App;
use egui::accesskit::Toggled;
use egui::containers::menu::SubMenuButton;
use egui::{Button, MenuBar, RichText, ScrollArea, Ui, vec2};

/// What stands in the toolbar, in groups.
pub const TOOLS: &[&[&str]] = &[
    &["view.select_tool", "view.link_tool", "view.hand_tool"],
    &["edit.undo", "edit.redo"],
    &["view.fit", "break.kill", "file.export"],
];

pub fn show(app: &mut App, ui: &mut Ui) {
    MenuBar::new().ui(ui, |ui| {
        // Words and signs stand on one line.
        ui.spacing_mut().interact_size.y = 24.0;
        for menu in Menu::ALL {
            ui.menu_button(menu.title(), |ui| {
                prepare(ui);
                for action in ACTIONS.iter().filter(|action| action.menu == *menu && action.in_menu) {
                    entry(app, ui, action);
                    if action.id == "file.open" {
                        recent(app, ui);
                    }
                }
                if *menu == Menu::Break {
                    replicas(app, ui);
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

/// Whether a switch is on.
type IsOn = fn(&App) -> bool;

/// Switches of the window, of which the editor does not know.
const SWITCHES: &[(&str, IsOn)] = &[
    ("edit.inspect", |app| app.panels.inspector),
    ("view.grid", |app| app.panels.grid),
    ("view.palette", |app| app.panels.palette),
    ("view.plots", |app| app.panels.plots),
    ("view.bare", |app| app.panels.bare),
    ("view.motion", |app| !app.look.still),
    ("view.load", |app| app.lens == Lens::Load),
    ("view.latency", |app| app.lens == Lens::Latency),
    ("view.errors", |app| app.lens == Lens::Errors),
    ("view.queues", |app| app.lens == Lens::Queue),
    ("view.clean", |app| app.lens == Lens::None),
];

/// Whether a switch is on; none for what is no switch.
fn is_on(app: &App, action: &Action) -> Option<bool> {
    let of_window = || SWITCHES.iter().find(|(id, _)| *id == action.id).map(|(_, is_on)| is_on(app));
    action.is_on.map(|is_on| is_on(&app.editor)).or_else(of_window)
}

/// Room for a mark before the words of a menu.
const MARK: f32 = 24.0;

/// An action in a menu.
fn entry(app: &mut App, ui: &mut Ui, action: &Action) {
    let shortcut = action.shortcuts.first().map_or(String::new(), ToString::to_string);
    let on = is_on(app, action);
    let button = Button::new(action.title(&app.editor)).shortcut_text(shortcut);
    let response = ui.add_enabled((action.enabled)(&app.editor), button);
    if let Some(on) = on {
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_toggled(if on { Toggled::True } else { Toggled::False });
        });
    }
    if on == Some(true) {
        let at = response.rect.left_center();
        let mark = [vec2(8.0, 0.0), vec2(11.0, 3.5), vec2(16.5, -4.0)].map(|by| at + by);
        ui.painter().add(egui::Shape::line(mark.to_vec(), egui::Stroke::new(1.6, ui.visuals().text_color())));
    }
    if response.clicked() {
        let now = ui.input(|input| input.time);
        app.perform(action, now);
        ui.close();
    }
}

fn submenu(ui: &mut Ui, word: &str, add: impl FnOnce(&mut Ui)) {
    let (response, _) = SubMenuButton::from_button(Button::new(word).right_text("›")).ui(ui, |ui| {
        prepare(ui);
        add(ui);
    });
    call(response, Called::By(word));
}

fn prepare(ui: &mut Ui) {
    ui.set_min_width(230.0);
    ui.spacing_mut().button_padding.x = MARK;
}

/// The files that were open last.
fn recent(app: &mut App, ui: &mut Ui) {
    submenu(ui, "Open recent", |ui| {
        let files = app.files.recent.files();
        if files.is_empty() {
            ui.label(RichText::new("None yet").weak());
        }
        for path in files {
            let (name, folder) = in_two(&path);
            if ui.button(name).on_hover_text(folder).clicked() {
                app.open_path(path, ui.input(|input| input.time));
                ui.close();
            }
        }
    });
}

/// What can be done to one replica of the selected node.
fn replicas(app: &mut App, ui: &mut Ui) {
    let [node] = app.editor.selection().nodes.as_slice() else { return };
    let replicas = app.replicas(&node.clone());
    if replicas.is_empty() {
        return;
    }
    ui.separator();
    submenu(ui, "One replica", |ui| {
        ScrollArea::vertical().max_height(400.0).show(ui, |ui| {
            for replica in replicas {
                submenu(ui, &replica, |ui| faults(app, ui, &replica));
            }
        });
    });
}

fn faults(app: &mut App, ui: &mut Ui, target: &str) {
    for (action, strike) in actions::faults(&app.editor, target) {
        let is_kill = matches!(strike, Strike::Kill(_));
        let word = match is_kill {
            true if app.is_dead(target) => "Revive",
            true => "Kill",
            false => action.label,
        };
        if !ui.button(word).clicked() {
            continue;
        }
        let effect = if is_kill { Effect::ToggleKill(vec![target.to_owned()]) } else { Effect::Strike(strike) };
        app.carry_out(vec![effect], ui.input(|input| input.time));
        ui.close();
    }
}

/// The menu of what was clicked on the board.
pub fn context(app: &mut App, ui: &mut Ui, on: On) {
    prepare(ui);
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
    if on == On::Node {
        replicas(app, ui);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whiteboard::files::Files;
    use std::sync::Arc;

    #[test]
    fn switches_of_the_window_turn_what_they_say() {
        let mut app = App::new(crate::design::Design::default(), Files::new(None, None, None), Arc::new(|| {}));
        for (id, is_on) in SWITCHES.iter().rev() {
            let action = by_id(id).unwrap_or_else(|| panic!("{id} is no action"));
            let before = is_on(&app);
            app.perform(action, 0.0);
            // One of the lenses is always on.
            assert!(is_on(&app) != before || id.starts_with("view.") && is_on(&app), "{id}");
        }
    }
}
