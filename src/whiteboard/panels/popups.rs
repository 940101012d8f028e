//! What opens over the board and closes again.

use super::commands::Command;
use super::fault::{self, Fault};
use super::fields::{Called, call};
use super::{bar, commands};
use crate::editor::actions::On;
use crate::editor::{Editor, Hit, Point, Wired};
use crate::figure::{Background, Parts, ThemeName};
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use crate::whiteboard::export::{Export, Format};
use crate::whiteboard::files::{Purpose, Question, Replacing};
use egui::{Align, Align2, Area, Frame, Grid, Key, Layout, RichText, TextEdit, Ui, Window};
use std::path::Path;

#[derive(Default)]
pub enum Popup {
    #[default]
    None,
    /// The kinds, to be inserted at a place of the board.
    Insert {
        at: Point,
        wired: Option<Wired>,
        typed: String,
        chosen: usize,
    },
    /// The name of a node is being typed.
    Label {
        node: String,
        was: String,
        typed: String,
        fresh: bool,
    },
    Commands {
        typed: String,
        chosen: usize,
    },
    Shortcuts {
        typed: String,
    },
    Export(Export),
    Fault(Fault),
    /// A path is asked for, where there is no dialog.
    Path {
        purpose: Purpose,
        typed: String,
    },
    Question(Question),
}

impl Popup {
    pub fn is_open(&self) -> bool {
        !matches!(self, Popup::None)
    }

    pub fn insert(at: Point, wired: Option<Wired>) -> Popup {
        Popup::Insert { at, wired, typed: String::new(), chosen: 0 }
    }

    pub fn label(editor: &Editor, node: String) -> Popup {
        let label = editor.design().nodes.get(&node).map_or(String::new(), |known| known.label.clone());
        let was = if label.is_empty() { node.clone() } else { label };
        Popup::Label { typed: was.clone(), was, node, fresh: true }
    }

    pub fn commands() -> Popup {
        Popup::Commands { typed: String::new(), chosen: 0 }
    }

    pub fn shortcuts() -> Popup {
        Popup::Shortcuts { typed: String::new() }
    }

    pub fn export(look: crate::figure::Look) -> Popup {
        Popup::Export(Export { look, ..Export::default() })
    }

    pub fn path(purpose: Purpose) -> Popup {
        Popup::Path { purpose, typed: String::new() }
    }

    pub fn question(question: Question) -> Popup {
        Popup::Question(question)
    }
}

pub fn show(app: &mut App, ui: &mut Ui) {
    context(app, ui);
    let now = ui.input(|input| input.time);
    let mut popup = std::mem::take(&mut app.popup);
    let keep = match &mut popup {
        Popup::None => false,
        Popup::Insert { at, wired, typed, chosen } => {
            let all: Vec<_> = (app.editor.choices(wired.as_ref()).iter())
                .map(|meta| (meta.title.to_owned(), String::new(), meta.key))
                .collect();
            let place = app.view.to_screen(*at);
            let (picked, beside) = sheet(ui, "Insert", Align2::LEFT_TOP, place, 240.0, |ui| {
                commands::choose(ui, "Search kinds", typed, chosen, &all)
            });
            if let Some(kind) = picked {
                app.insert(kind, *at, wired.as_ref(), now);
            }
            picked.is_none() && !beside
        }
        Popup::Label { node, was, typed, fresh } => label(app, ui, (node, was), (typed, fresh), now),
        Popup::Commands { typed, chosen } => {
            let all = commands::all(app);
            let place = app.screen.center_top() + egui::vec2(0.0, 40.0);
            let (picked, beside) = sheet(ui, "Commands", Align2::CENTER_TOP, place, 460.0, |ui| {
                commands::choose(ui, "Search commands", typed, chosen, &all)
            });
            let is_picked = picked.is_some();
            match picked {
                Some(Command::Act(action)) => app.perform(action, now),
                Some(Command::Insert(kind)) => app.insert_in_view(kind, now),
                Some(Command::Open(path)) => app.open_path(path, now),
                None => {}
            }
            !is_picked && !beside
        }
        Popup::Shortcuts { typed } => window(ui, "Shortcuts", |ui| {
            commands::sheet(ui, typed);
            true
        }),
        Popup::Export(export) => window(ui, "Export a picture", |ui| export_dialog(app, ui, export, now)),
        Popup::Fault(fault) => window(ui, "Break", |ui| fault::dialog(app, ui, fault)),
        Popup::Path { purpose, typed } => window(ui, purpose.title(), |ui| {
            let field = TextEdit::singleline(typed).hint_text("/path/to/design.ron").desired_width(380.0);
            let field = call(ui.add(field), Called::By("Path"));
            field.request_focus();
            let go = ui.button("OK").clicked() || ui.input(|input| input.key_pressed(Key::Enter));
            if go {
                let done = app.files.with_path(*purpose, Path::new(typed.trim()), Replacing::Ask, &mut app.editor);
                app.files_done(done, now);
            }
            !go
        }),
        Popup::Question(question) => ask(app, ui, question, now),
    };
    let closed = ui.input(|input| input.key_pressed(Key::Escape));
    // What was done may have opened another one.
    if keep && !closed && !app.popup.is_open() {
        app.popup = popup;
    }
}

/// A question that everything else waits for: Enter is its first answer, Escape the one that changes nothing. Returns
/// whether it stays.
fn ask(app: &mut App, ui: &Ui, question: &Question, now: f64) -> bool {
    let mut given = None;
    egui::Modal::new("question".into()).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.label(RichText::new(question.title()).family(canvas::bold()).size(15.0));
        ui.add_space(4.0);
        ui.label(question.text());
        ui.add_space(12.0);
        // The first answer stands last, where dialogs have it.
        let mut answers = question.answers().to_vec();
        answers.sort_by_key(|answer| *answer != question.primary());
        let row = Layout::right_to_left(Align::Center);
        ui.allocate_ui_with_layout(egui::vec2(420.0, 28.0), row, |ui| {
            for answer in answers {
                let is_primary = answer == question.primary();
                let mut button = egui::Button::new(question.word(answer)).min_size(egui::vec2(84.0, 28.0));
                if is_primary {
                    button = button.fill(ui.visuals().selection.bg_fill);
                }
                let button = ui.add(button);
                if is_primary && ui.memory(|memory| memory.focused().is_none()) {
                    button.request_focus();
                }
                if button.clicked() {
                    given = Some(answer);
                }
            }
        });
    });
    if given.is_none() && ui.input(|input| input.key_pressed(Key::Escape)) {
        match question.escape() {
            Some(answer) => given = Some(answer),
            None => return false,
        }
    }
    let Some(answer) = given else { return true };
    let done = app.files.answer(question, answer, &mut app.editor);
    app.files_done(done, now);
    false
}

/// A list over the board. Says too whether something beside it was pressed, which closes it.
fn sheet<R>(
    ui: &Ui,
    id: &'static str,
    pivot: Align2,
    place: egui::Pos2,
    width: f32,
    add: impl FnOnce(&mut Ui) -> R,
) -> (R, bool) {
    let area = Area::new(id.into()).order(egui::Order::Foreground).pivot(pivot).fixed_pos(place).constrain(true);
    let shown = area.show(ui.ctx(), |ui| {
        let frame = Frame::popup(ui.style()).show(ui, |ui| {
            ui.set_width(width);
            add(ui)
        });
        frame.inner
    });
    let pressed = ui.input(|input| input.pointer.any_pressed().then(|| input.pointer.interact_pos()).flatten());
    (shown.inner, pressed.is_some_and(|at| !shown.response.rect.contains(at)))
}

/// A window that can be closed; returns whether it stays.
fn window(ui: &Ui, title: &str, add: impl FnOnce(&mut Ui) -> bool) -> bool {
    let mut open = true;
    let shown =
        Window::new(title).open(&mut open).collapsible(false).auto_sized().anchor(Align2::CENTER_CENTER, [0.0, 0.0]);
    let add = |ui: &mut Ui| {
        // What is as wide as it may be would fill the screen.
        ui.set_max_width(480.0);
        add(ui)
    };
    let keep = shown.show(ui.ctx(), add).and_then(|response| response.inner).unwrap_or(true);
    open && keep
}

/// A field over a card's name. Returns whether it stays.
fn label(
    app: &mut App,
    ui: &Ui,
    (node, was): (&str, &str),
    (typed, fresh): (&mut String, &mut bool),
    now: f64,
) -> bool {
    let Some(card) = app.targets.card(node) else { return false };
    let place = app.view.to_screen((card.left() + 30.0, card.top() + 4.0));
    let area = Area::new("label".into()).order(egui::Order::Foreground).fixed_pos(place);
    let first = std::mem::take(fresh);
    let lost = area
        .show(ui.ctx(), |ui| {
            let field = TextEdit::singleline(typed).desired_width(130.0 * app.view.zoom.max(0.7));
            let field = call(ui.add(field), Called::By("Name"));
            if first {
                field.request_focus();
            }
            field.lost_focus()
        })
        .inner;
    let (enter, escape) = ui.input(|input| (input.key_pressed(Key::Enter), input.key_pressed(Key::Escape)));
    // The key that opened it is still pressed in its first frame.
    let done = !first && (lost || enter);
    if done
        && !escape
        && *typed != *was
        && let Err(problem) = app.editor.commit_label(node, typed)
    {
        app.complain(problem, now);
        *fresh = true;
        return true;
    }
    !done
}

fn context(app: &mut App, ui: &Ui) {
    let Some(response) = ui.ctx().read_response(app.board) else { return };
    let on = match &app.context {
        Hit::Empty => On::Board,
        hit if hit.node().is_some() => On::Node,
        _ => On::Link,
    };
    response.context_menu(|ui| bar::context(app, ui, on));
}

fn export_dialog(app: &mut App, ui: &mut Ui, export: &mut Export, now: f64) -> bool {
    Grid::new("export").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        let row = |ui: &mut Ui, word: &str, add: &mut dyn FnMut(&mut Ui)| {
            ui.label(RichText::new(word).weak());
            ui.horizontal(|ui| add(ui));
            ui.end_row();
        };
        row(ui, "Format", &mut |ui| {
            for (format, word) in [(Format::Png, "PNG"), (Format::Svg, "SVG")] {
                if ui.selectable_label(export.format == format, word).clicked() {
                    export.set_format(format);
                }
            }
        });
        if export.format == Format::Png {
            row(ui, "Scale", &mut |ui| {
                for scale in [1.0, 2.0, 3.0, 4.0] {
                    ui.selectable_value(&mut export.scale, scale, format!("{scale}×"));
                }
            });
        }
        row(ui, "Shows", &mut |ui| {
            ui.selectable_value(&mut export.look.parts, Parts::All, "Board and plots");
            ui.selectable_value(&mut export.look.parts, Parts::Board, "Board");
            ui.selectable_value(&mut export.look.parts, Parts::Plots, "Plots");
        });
        row(ui, "Colours", &mut |ui| {
            for (theme, word) in [(ThemeName::Light, "Light"), (ThemeName::Dark, "Dark"), (ThemeName::Print, "Print")] {
                ui.selectable_value(&mut export.look.theme, theme, word);
            }
        });
        row(ui, "Background", &mut |ui| {
            for (background, word) in
                [(Background::Theme, "Of the colours"), (Background::White, "White"), (Background::None, "None")]
            {
                ui.selectable_value(&mut export.look.background, background, word);
            }
        });
        row(ui, "", &mut |ui| {
            let selects = egui::Checkbox::new(&mut export.selection, "Only what is selected");
            ui.add_enabled(!app.editor.selection().nodes.is_empty(), selects);
        });
        let label = ui.label(RichText::new("File").weak());
        if export.path.is_empty() {
            export.path = app.files.picture(export.format.extension());
        }
        call(ui.add(TextEdit::singleline(&mut export.path).desired_width(360.0)), Called::As(label.id));
        ui.end_row();
    });
    ui.add_space(8.0);
    let go = ui.button("Export").clicked();
    if go {
        let result = export.write(app);
        app.report(result, now);
    }
    !go
}
