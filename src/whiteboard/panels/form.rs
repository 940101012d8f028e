//! A parameter's value as it is edited: switched on and off, chosen, typed, down to its parts.

use super::fields::{Called, Field, call};
use super::inspector;
use crate::design::loosely;
use crate::editor::Edit;
use crate::kinds::form::NONE;
use crate::kinds::{Body, Form, Param};
use crate::whiteboard::app::App;
use egui::{Align, ComboBox, Id, Layout, RichText, Ui};

/// A parameter of one or several nodes or links, and its value.
#[derive(Clone, Copy)]
pub struct Editing<'a> {
    pub targets: &'a [String],
    pub param: &'a Param,
    pub whole: &'a Form,
}

/// A part of the value, with the way down to it.
#[derive(Clone, Copy)]
struct Part<'a> {
    form: &'a Form,
    place: &'a [usize],
    /// What a screen reader calls it: `retry backoff base`.
    words: &'a str,
}

/// Longer texts have a line of their own.
const SHORT: usize = 20;
/// Of a field that stands alone, and of one beside a choice.
const WIDTH: f32 = 150.0;
const NARROW: f32 = 80.0;

/// A value with all of its parts; its name has been put there as the label.
pub fn show(app: &mut App, ui: &mut Ui, editing: &Editing, label: impl FnOnce(&mut Ui) -> Id) {
    let words = editing.param.name.replace('_', " ");
    let part = Part { form: editing.whole, place: &[], words: &words };
    editing.line(app, ui, &part, label);
    editing.parts(app, ui, &part);
}

impl Editing<'_> {
    fn key(&self, place: &[usize]) -> String {
        let whole = format!("{}.{}", self.targets.join(","), self.param.name);
        place.iter().fold(whole, |key, i| format!("{key}.{i}"))
    }

    fn set(&self, app: &mut App, whole: &Form) -> Result<(), String> {
        let (targets, param) = (self.targets.to_vec(), self.param.name.to_owned());
        app.editor.edit(&Edit::Set { targets, param, text: whole.text() })
    }

    /// Take the first of the values that fits.
    fn set_first(&self, app: &mut App, place: &[usize], wholes: impl IntoIterator<Item = Form>) {
        let mut result = Ok(());
        for whole in wholes {
            result = self.set(app, &whole);
            if result.is_ok() {
                break;
            }
        }
        app.fields.settle(&self.key(place), result);
    }

    fn set_part(&self, app: &mut App, place: &[usize], texts: Vec<String>) {
        self.set_first(app, place, texts.iter().map(|text| self.whole.with(place, text)));
    }

    /// Take what was typed, which may lack its quotes; where there may be nothing, nothing is none.
    fn take(&self, app: &mut App, part: &Part, typed: &str) {
        let nothing = if part.form.slot.optional { NONE } else { "" };
        if typed.trim().is_empty() && (part.form.slot.optional || part.form.text().is_empty()) {
            return self.set_part(app, part.place, vec![nothing.to_owned()]);
        }
        let result = loosely(typed, |text| self.set(app, &self.whole.with(part.place, text)));
        app.fields.settle(&self.key(part.place), result);
    }

    /// The name of a part, and at its right what it is.
    fn line(&self, app: &mut App, ui: &mut Ui, part: &Part, label: impl FnOnce(&mut Ui) -> Id) {
        let form = part.form;
        let below = [part.place, &[0]].concat();
        let typed = match &form.body {
            Body::Text(_) if form.is_typed() => Some(*part),
            // `Exponential("2ms")`: the name and what is in its brackets stand side by side.
            Body::Items(_, items) => match items.as_slice() {
                [only] if only.parts().is_empty() => Some(Part { form: only, place: &below, ..*part }),
                _ => None,
            },
            _ => None,
        };
        let is_long = typed.is_some_and(|part| shown(part.form).len() > SHORT);
        ui.horizontal(|ui| {
            // A label at the top level names its field; deeper down, names repeat themselves.
            let label = label(ui);
            let called = if part.place.is_empty() { Called::As(label) } else { Called::By(part.words) };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.switch(app, ui, part, called);
                if let Some(typed) = typed.filter(|_| !is_long) {
                    let width = if form.choices().is_empty() { WIDTH } else { NARROW };
                    self.field(app, ui, &typed, called, width);
                }
                self.choice(app, ui, part, called, if typed.is_some() { WIDTH - NARROW + 24.0 } else { WIDTH });
                self.entry(app, ui, part);
            });
        });
        if let Some(typed) = typed {
            if is_long {
                self.field(app, ui, &typed, Called::By(part.words), f32::INFINITY);
            }
            app.fields.complaint(&self.key(typed.place), ui);
        }
        if typed.is_none_or(|typed| typed.place != part.place) {
            app.fields.complaint(&self.key(part.place), ui);
        }
        if form.slot.bare {
            inspector::curve(app, ui, &form.text());
        }
    }

    fn field(&self, app: &mut App, ui: &mut Ui, part: &Part, called: Called, width: f32) {
        let (key, shown) = (self.key(part.place), shown(part.form));
        let hint = if part.form.slot.optional { "none" } else { "" };
        if let Some(typed) = (Field { key: &key, called, shown: &shown, hint, width, lines: 1 }).show(app, ui) {
            self.take(app, part, &typed);
        }
    }

    /// On or off, true or false.
    fn switch(&self, app: &mut App, ui: &mut Ui, part: &Part, called: Called) {
        let form = part.form;
        let mut on = if form.is_switch() { form.choice() == "true" } else { !form.is_off() };
        if !(form.is_switch() || form.can_be_off()) {
            return;
        }
        // Its box is as dark as the panel: only a rim shows one that is off.
        let rim = egui::Stroke::new(1.0, ui.visuals().weak_text_color());
        let response = ui.scope(|ui| {
            let widgets = &mut ui.visuals_mut().widgets;
            widgets.inactive.bg_stroke = rim;
            for widget in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
                // Round, it would look like one choice of several.
                widget.corner_radius = 3.into();
            }
            ui.checkbox(&mut on, "")
        });
        if !call(response.inner, called).changed() {
            return;
        }
        let texts = match (form.is_switch(), on) {
            (true, on) => vec![on.to_string()],
            (false, true) => form.switched_on(self.param),
            (false, false) => vec![NONE.to_owned()],
        };
        self.set_part(app, part.place, texts);
    }

    /// Which of the names.
    fn choice(&self, app: &mut App, ui: &mut Ui, part: &Part, called: Called, width: f32) {
        let form = part.form;
        if form.choices().is_empty() || form.is_switch() || (form.can_be_off() && form.is_off()) {
            return;
        }
        let now = form.choice();
        let shown = ComboBox::from_id_salt(self.key(part.place)).selected_text(now).width(width).height(320.0);
        let shown = shown.show_ui(ui, |ui| {
            form.choices().into_iter().find(|name| {
                let label = ui.selectable_label(*name == now, *name);
                label.on_hover_text(self.param.of_part(name).unwrap_or_default()).clicked()
            })
        });
        call(shown.response, called);
        if let Some(name) = shown.inner.flatten().filter(|name| *name != now) {
            self.set_part(app, part.place, form.chosen(name, self.param));
        }
    }

    /// Where one more entry of a table is named.
    fn entry(&self, app: &mut App, ui: &mut Ui, part: &Part) {
        let Body::Table(entries) = &part.form.body else { return };
        let (key, words) = (format!("{}+", self.key(part.place)), format!("add to {}", part.words));
        let field =
            Field { key: &key, called: Called::By(&words), shown: "", hint: "add a name", width: WIDTH, lines: 1 };
        let Some(name) = field.show(app, ui) else { return };
        app.fields.settle(&key, Ok(()));
        // As the one before, or what most tables hold.
        let like = entries.last().map(Form::text);
        let texts = like.into_iter().chain(["()", "\"10ms\"", "1"].map(str::to_owned));
        let table = part.form;
        self.set_first(
            app,
            part.place,
            texts.map(|text| self.whole.with(part.place, &table.with_entry(name.trim(), &text).text())),
        );
    }

    /// The parts, one below the other.
    fn parts(&self, app: &mut App, ui: &mut Ui, part: &Part) {
        let parts = match &part.form.body {
            Body::Items(_, items) if items.len() == 1 && items[0].parts().is_empty() => return,
            _ => part.form.parts(),
        };
        if parts.is_empty() {
            return;
        }
        let in_table = matches!(part.form.body, Body::Table(_));
        ui.indent(self.key(part.place), |ui| {
            for (i, form) in parts.iter().enumerate() {
                let (place, name) = ([part.place, &[i]].concat(), inspector::plain(&form.name).replace('_', " "));
                let words = format!("{} {name}", part.words);
                let inner = Part { form, place: &place, words: &words };
                let mut gone = false;
                self.line(app, ui, &inner, |ui| {
                    if in_table {
                        let button = ui.small_button("×").on_hover_text("Take it away");
                        gone = call(button, Called::By(&format!("remove {}", inner.words))).clicked();
                    }
                    let label = ui.label(RichText::new(&name).weak());
                    match self.param.of_part(&form.name) {
                        Some(help) => label.on_hover_text(help).id,
                        None => label.id,
                    }
                });
                if gone {
                    self.set_part(app, &place, vec![String::new()]);
                }
                self.parts(app, ui, &inner);
            }
        });
    }
}

/// What a field of it shows.
fn shown(form: &Form) -> String {
    if form.is_off() { String::new() } else { inspector::plain(&form.text()) }
}
