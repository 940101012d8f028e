//! Fields in which something is typed that is taken when one is done with it.

use crate::editor::{Edit, Selection};
use crate::whiteboard::app::App;
use egui::{Id, Response, TextEdit, Ui};
use std::collections::BTreeMap;

/// What is being typed, by the field; and why it cannot be taken.
#[derive(Default)]
pub struct Fields {
    typed: BTreeMap<String, String>,
    refused: BTreeMap<String, String>,
    /// What was selected when it was typed.
    about: Selection,
    /// Something was refused since the last frame, so that nobody can have read it.
    is_news: bool,
}

impl Fields {
    /// What was typed and refused is forgotten when something else is selected. Returns what nobody can have read of it.
    pub fn follow(&mut self, selection: &Selection) -> Option<String> {
        let is_news = std::mem::take(&mut self.is_news);
        if self.about == *selection {
            return None;
        }
        self.about = selection.clone();
        let first = self.refused.values().next().cloned();
        self.forget();
        first.filter(|_| is_news)
    }

    /// Forget what was typed and refused. Whether there was something.
    pub fn forget(&mut self) -> bool {
        let was_refused = !self.refused.is_empty();
        for (key, _) in std::mem::take(&mut self.refused) {
            self.typed.remove(&key);
        }
        was_refused
    }

    /// Why what was typed cannot be taken.
    pub fn refusal(&self, key: &str) -> Option<&str> {
        self.refused.get(key).map(String::as_str)
    }

    /// What was typed has been taken, or cannot be.
    pub fn settle(&mut self, key: &str, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.typed.remove(key);
                self.refused.remove(key);
            }
            Err(problem) => {
                self.refused.insert(key.to_owned(), problem);
                self.is_news = true;
            }
        }
    }

    /// Say why it cannot be taken.
    pub fn complaint(&self, key: &str, ui: &mut Ui) {
        if let Some(problem) = self.refused.get(key) {
            ui.colored_label(ui.visuals().error_fg_color, problem);
        }
    }
}

/// What a screen reader calls a field.
#[derive(Clone, Copy)]
pub enum Called<'a> {
    /// As the label says that stands beside it.
    As(Id),
    /// There is no such label.
    By(&'a str),
}

/// A field as it is drawn.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    /// By which it is known.
    pub key: &'a str,
    pub called: Called<'a>,
    pub shown: &'a str,
    pub hint: &'a str,
    pub width: f32,
    pub lines: usize,
}

impl Field<'_> {
    /// The text, when one is done with it and it has changed.
    pub fn show(&self, app: &mut App, ui: &mut Ui) -> Option<String> {
        let mut text = app.fields.typed.get(self.key).cloned().unwrap_or_else(|| self.shown.to_owned());
        let edit = if self.lines > 1 {
            TextEdit::multiline(&mut text).desired_rows(self.lines)
        } else {
            TextEdit::singleline(&mut text)
        };
        let response = call(ui.add(edit.hint_text(self.hint).desired_width(self.width)), self.called);
        if response.changed() {
            app.fields.typed.insert(self.key.to_owned(), text.clone());
        }
        if !response.lost_focus() {
            return None;
        }
        let escaped = ui.input(|input| input.key_pressed(egui::Key::Escape));
        if escaped || text == self.shown {
            app.fields.settle(self.key, Ok(()));
            return None;
        }
        Some(text)
    }
}

/// Tell a screen reader what a widget is called.
pub fn call(response: Response, called: Called) -> Response {
    match called {
        Called::As(label) => {
            // An empty label of its own would come before that beside it.
            response.ctx.accesskit_node_builder(response.id, |node| node.clear_label());
            response.labelled_by(label)
        }
        Called::By(name) => {
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
            response
        }
    }
}

/// Edit the design with what was typed into a field.
pub fn commit(app: &mut App, key: &str, edit: &Edit) {
    let result = app.editor.edit(edit);
    app.fields.settle(key, result);
}
