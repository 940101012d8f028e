//! The inspector: a field for each parameter that a kind or a link names, and for what is said of the whole scenario.

use crate::base::{Dist, Rng, short};
use crate::design::{Design, LinkSpec};
use crate::editor::{Edit, Selection};
use crate::kinds::{Param, Value};
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Response, RichText, Sense, Stroke, TextEdit, Ui, pos2, vec2};
use std::collections::BTreeMap;

/// What is being typed, by the field; and why it cannot be taken.
#[derive(Default)]
pub struct Fields {
    typed: BTreeMap<String, String>,
    refused: BTreeMap<String, String>,
}

/// A parameter with its value, as a file has it.
struct Row {
    param: Param,
    text: String,
    /// Several are selected, and not all have this value.
    differs: bool,
    is_default: bool,
}

/// The parameters that all of the targets have.
fn rows(design: &Design, targets: &[String]) -> Vec<Row> {
    let mut all: Vec<Row> = Vec::new();
    for (i, target) in targets.iter().enumerate() {
        let mut here: Vec<(Param, String)> = Vec::new();
        let mut see = |param: &Param, value: &mut dyn Value| here.push((*param, value.text()));
        let mut defaults: Vec<String> = Vec::new();
        if let Some(node) = design.nodes.get(target) {
            node.kind.clone().visit(&mut see);
            let plain = crate::kinds::Spec::new(node.kind.meta().key);
            plain
                .into_iter()
                .for_each(|mut spec| spec.visit(&mut |_: &Param, value: &mut dyn Value| defaults.push(value.text())));
        } else if let Some(link) = design.link(target) {
            link.clone().visit(&mut see);
            LinkSpec::default().visit(&mut |_: &Param, value: &mut dyn Value| defaults.push(value.text()));
        }
        if i == 0 {
            let plain = |n: usize, text: &str| defaults.get(n).is_some_and(|default| default == text);
            all = here
                .into_iter()
                .enumerate()
                .map(|(n, (param, text))| Row { is_default: plain(n, &text), param, text, differs: false })
                .collect();
        } else {
            all.retain(|row| here.iter().any(|(param, _)| param.name == row.param.name));
            for row in &mut all {
                row.differs |= here.iter().any(|(param, text)| param.name == row.param.name && *text != row.text);
            }
        }
    }
    all
}

/// What is selected: its name and its parameters; several of them together.
pub fn selected(app: &mut App, ui: &mut Ui, selection: &Selection) {
    let (targets, are_links) = match selection.nodes.is_empty() {
        true => (selection.links.clone(), true),
        false => (selection.nodes.clone(), false),
    };
    let design = app.editor.design().clone();
    let title = match targets.as_slice() {
        [one] => one.clone(),
        several => format!("{} selected", several.len()),
    };
    ui.label(RichText::new(title).family(canvas::bold()).size(16.0));
    if let [one] = targets.as_slice()
        && let Some(node) = design.nodes.get(one)
    {
        let meta = node.kind.meta();
        ui.label(RichText::new(format!("{}: {}", meta.title, meta.summary)).weak());
        ui.collapsing("Manual", |ui| ui.label(meta.help));
    } else if are_links {
        ui.label(RichText::new("Policies apply in this order, from the caller inwards: fallback, deadline, retry, hedge, breaker, bulkhead, timeout, pool, network.").weak());
    }
    ui.add_space(4.0);
    for row in rows(&design, &targets) {
        parameter(app, ui, &targets, &row);
    }
}

fn parameter(app: &mut App, ui: &mut Ui, targets: &[String], row: &Row) {
    let key = format!("{}.{}", targets.join(","), row.param.name);
    ui.horizontal(|ui| {
        let name = row.param.name.replace('_', " ");
        let name = if row.is_default { RichText::new(name).weak() } else { RichText::new(name).family(canvas::bold()) };
        let acts = if row.param.live { "acts at once" } else { "restarts the run" };
        let range = row.param.range.map_or(String::new(), |(min, max)| format!("\nFrom {min} to {max}."));
        let examples = format!("\nFor example: {}", row.param.examples.join(", "));
        ui.label(name).on_hover_text(format!("{}{range}{examples}\nA change {acts}.", row.param.help));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if row.text == "true" || row.text == "false" {
                let mut on = row.text == "true";
                if ui.checkbox(&mut on, "").changed() {
                    set(app, targets, &key, row.param.name, if on { "true" } else { "false" });
                }
                return;
            }
            let shown = if row.differs { String::new() } else { plain(&row.text) };
            let hint = if row.differs { "several values" } else { "" };
            if let Some(text) = field(app, ui, &key, &shown, hint, 150.0) {
                set(app, targets, &key, row.param.name, &text);
            }
        });
    });
    if let Some(problem) = app.fields.refused.get(&key) {
        ui.colored_label(ui.visuals().error_fg_color, problem);
    }
    if !row.differs {
        curve(app, ui, &row.text);
    }
}

/// Quantities without their quotes.
fn plain(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('"'));
    inner.unwrap_or(text).to_owned()
}

fn set(app: &mut App, targets: &[String], key: &str, param: &str, text: &str) {
    let edit = Edit::Set { targets: targets.to_vec(), param: param.to_owned(), text: text.to_owned() };
    match app.editor.edit(&edit) {
        Ok(()) => {
            app.fields.refused.remove(key);
            app.fields.typed.remove(key);
        }
        Err(problem) => {
            app.fields.refused.insert(key.to_owned(), problem);
        }
    }
}

/// A field that gives its text when one is done with it, if that has changed.
fn field(app: &mut App, ui: &mut Ui, key: &str, shown: &str, hint: &str, width: f32) -> Option<String> {
    let mut text = app.fields.typed.get(key).cloned().unwrap_or_else(|| shown.to_owned());
    let response = ui.add(TextEdit::singleline(&mut text).hint_text(hint).desired_width(width));
    done(app, &response, key, shown, text)
}

fn done(app: &mut App, response: &Response, key: &str, shown: &str, text: String) -> Option<String> {
    if response.changed() {
        app.fields.typed.insert(key.to_owned(), text.clone());
    }
    if !response.lost_focus() {
        return None;
    }
    let escaped = response.ctx.input(|input| input.key_pressed(egui::Key::Escape));
    if escaped || text == shown {
        app.fields.typed.remove(key);
        app.fields.refused.remove(key);
        return None;
    }
    Some(text)
}

/// The density of a distribution, by drawing from it.
fn curve(app: &App, ui: &mut Ui, text: &str) {
    const DRAWS: usize = 4_000;
    const CELLS: usize = 40;
    let shaped = text.contains('(') && !text.starts_with("Some") && !text.starts_with('(');
    let Some(dist) =
        shaped.then(|| crate::base::ron::read::<Dist>(text).value).flatten().filter(|d| d.problem().is_none())
    else {
        return;
    };
    let (sampler, mut rng) = (dist.sampler(), Rng::seeded(1));
    let mut draws: Vec<f64> = (0..DRAWS).map(|_| sampler.draw(&mut rng).as_secs()).collect();
    draws.sort_by(f64::total_cmp);
    let most = draws[DRAWS * 99 / 100];
    if most <= 0.0 {
        return;
    }
    let mut cells = [0u32; CELLS];
    draws.iter().filter(|draw| **draw < most).for_each(|draw| cells[(draw / most * CELLS as f64) as usize] += 1);
    let tallest = cells.iter().copied().max().unwrap_or(1) as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let place = |i: usize, n: u32| {
        pos2(
            rect.left() + rect.width() * (i as f32 + 0.5) / CELLS as f32,
            rect.bottom() - rect.height() * n as f32 / tallest,
        )
    };
    let points: Vec<_> = cells.iter().enumerate().map(|(i, n)| place(i, *n)).collect();
    ui.painter().add(egui::Shape::line(points, Stroke::new(1.5, canvas::color(app.look.theme().busy))));
    let share = |q: usize| short::seconds(draws[DRAWS * q / 100]);
    response.on_hover_text(format!("Half are below {}, 99 % below {}", share(50), share(99)));
}

/// What is said of the whole scenario.
pub fn scenario(app: &mut App, ui: &mut Ui) {
    let design = app.editor.design().clone();
    ui.label(RichText::new("Scenario").family(canvas::bold()).size(16.0));
    for (key, shown, edit) in [
        ("title", &design.title, Edit::SetTitle as fn(String) -> Edit),
        ("question", &design.question, Edit::SetQuestion),
    ] {
        ui.label(RichText::new(key).weak().small());
        if let Some(text) = field(app, ui, key, shown, key, f32::INFINITY) {
            commit(app, key, &edit(text));
        }
    }
    ui.horizontal(|ui| {
        ui.label(RichText::new("length").weak().small());
        let length = plain(&Value::text(&design.run.length));
        if let Some(text) = field(app, ui, "length", &length, "60s", 70.0) {
            let mut run = design.run;
            match crate::design::set_loosely(&mut run.length, &text) {
                Ok(()) => commit(app, "length", &Edit::SetRun(run)),
                Err(problem) => {
                    app.fields.refused.insert("length".to_owned(), problem);
                }
            }
        }
        ui.label(RichText::new("seed").weak().small());
        if let Some(text) = field(app, ui, "seed", &design.seed.to_string(), "1", 60.0) {
            match text.parse() {
                Ok(seed) => commit(app, "seed", &Edit::SetSeed(seed)),
                Err(_) => {
                    app.fields.refused.insert("seed".to_owned(), "a seed is a whole number".to_owned());
                }
            }
        }
    });
    for key in ["length", "seed"] {
        if let Some(problem) = app.fields.refused.get(key) {
            ui.colored_label(ui.visuals().error_fg_color, problem);
        }
    }
    ui.collapsing("Notes", |ui| {
        let mut text = app.fields.typed.get("notes").cloned().unwrap_or_else(|| design.notes.clone());
        let response = ui.add(TextEdit::multiline(&mut text).desired_width(f32::INFINITY).desired_rows(6));
        if let Some(text) = done(app, &response, "notes", &design.notes, text) {
            commit(app, "notes", &Edit::SetNotes(text));
        }
    });
    timeline(app, ui, &design);
    expectations(app, ui);
}

fn commit(app: &mut App, key: &str, edit: &Edit) {
    match app.editor.edit(edit) {
        Ok(()) => {
            app.fields.typed.remove(key);
            app.fields.refused.remove(key);
        }
        Err(problem) => {
            app.fields.refused.insert(key.to_owned(), problem);
        }
    }
}

/// What is done when; each can be taken away.
fn timeline(app: &mut App, ui: &mut Ui, design: &Design) {
    if design.timeline.is_empty() {
        return;
    }
    ui.collapsing(format!("Timeline ({})", design.timeline.len()), |ui| {
        for (i, intervention) in design.timeline.iter().enumerate() {
            ui.horizontal(|ui| {
                if ui.small_button("×").on_hover_text("Take it away").clicked() {
                    commit(app, "timeline", &Edit::RemoveIntervention(i));
                }
                ui.label(short::seconds(intervention.at.as_secs()));
                ui.label(crate::figure::sentence(&intervention.action));
            });
        }
    });
}

/// Whether what is expected holds so far.
fn expectations(app: &mut App, ui: &mut Ui) {
    let Some(snapshot) = app.snapshot.clone().filter(|snapshot| !snapshot.design.expect.is_empty()) else { return };
    ui.collapsing(format!("Expectations ({})", snapshot.design.expect.len()), |ui| {
        for verdict in crate::run::judge(&snapshot.design, &snapshot.recorder, &snapshot.report) {
            let (word, color) = match (snapshot.over, verdict.holds) {
                (_, true) => ("holds", ui.visuals().text_color()),
                (true, false) => ("fails", ui.visuals().error_fg_color),
                (false, false) => ("not yet", ui.visuals().warn_fg_color),
            };
            ui.colored_label(color, format!("{word}: {}", verdict.expectation)).on_hover_text(verdict.why);
        }
    });
}
