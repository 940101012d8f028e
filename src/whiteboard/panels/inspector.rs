//! The inspector: a field for each parameter that a kind or a link names, and for what is said of the whole scenario.

use super::fields::{Called, Field, call, commit};
use super::form::{self, Editing};
use crate::base::{Dist, Rng, short};
use crate::design::{Design, LinkSpec};
use crate::editor::{Edit, Selection};
use crate::kinds::{Form, Param, Value};
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{RichText, Sense, Stroke, Ui, pos2, vec2};
use std::collections::BTreeMap;

/// A parameter with its value, as a file has it.
struct Row {
    param: Param,
    text: String,
    form: Form,
    /// Several are selected, and not all have this value.
    differs: bool,
    is_default: bool,
}

/// The parameters that all of the targets have.
fn rows(design: &Design, targets: &[String]) -> Vec<Row> {
    let mut all: Vec<Row> = Vec::new();
    for (i, target) in targets.iter().enumerate() {
        let mut here: Vec<(Param, String, Form)> = Vec::new();
        let mut see = |param: &Param, value: &mut dyn Value| here.push((*param, value.text(), Form::of(value)));
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
                .map(|(n, (param, text, form))| Row { is_default: plain(n, &text), param, text, form, differs: false })
                .collect();
        } else {
            all.retain(|row| here.iter().any(|(param, ..)| param.name == row.param.name));
            for row in &mut all {
                row.differs |= here.iter().any(|(param, text, _)| param.name == row.param.name && *text != row.text);
            }
        }
    }
    all.sort_by_key(|row| row.param.rank());
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
        if let [one] = targets.as_slice() {
            cache_aside(app, ui, one);
        }
    }
    ui.add_space(4.0);
    let mut section = None;
    for row in rows(&design, &targets) {
        if section.replace(row.param.section) != Some(row.param.section) {
            ui.add_space(6.0);
            ui.label(RichText::new(row.param.section.title().to_uppercase()).weak().size(10.5));
        }
        parameter(app, ui, &targets, &row);
    }
}

/// A link of a service that calls a cache and a store side by side offers what the check does.
fn cache_aside(app: &mut App, ui: &mut Ui, link: &str) {
    let (design, findings) = (app.editor.design().clone(), app.findings.clone());
    let Some(link) = design.link(link) else { return };
    for (finding, fix) in findings.all.iter().zip(&findings.fixes) {
        let ([_, cache, ..], Some(fix)) = (finding.subject.0.as_slice(), fix) else { continue };
        let calls_it = design.links.iter().any(|other| other.from == link.from && other.to == *cache);
        if calls_it && ["never-filled", "asked-anyway"].contains(&finding.code) {
            let button = call(ui.button("Make cache-aside"), Called::By(&fix.words)).on_hover_text(&fix.words);
            if button.clicked()
                && let Err(problem) = app.editor.edit(&fix.edit)
            {
                app.say(problem, ui.input(|input| input.time));
            }
            return;
        }
    }
}

fn parameter(app: &mut App, ui: &mut Ui, targets: &[String], row: &Row) {
    if !row.differs {
        let editing = Editing { targets, param: &row.param, whole: &row.form };
        return form::show(app, ui, &editing, |ui| name(ui, row));
    }
    let key = format!("{}.{}", targets.join(","), row.param.name);
    ui.horizontal(|ui| {
        let called = Called::As(name(ui, row));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let field = Field { key: &key, called, shown: "", hint: "several values", width: 150.0, lines: 1 };
            if let Some(text) = field.show(app, ui) {
                let (targets, param) = (targets.to_vec(), row.param.name.to_owned());
                commit(app, &key, &Edit::Set { targets, param, text });
            }
        });
    });
    app.fields.complaint(&key, ui);
}

/// The name of a parameter, with all that is said of it.
fn name(ui: &mut Ui, row: &Row) -> egui::Id {
    let name = row.param.name.replace('_', " ");
    let name = if row.is_default { RichText::new(name).weak() } else { RichText::new(name).family(canvas::bold()) };
    let acts = if row.param.live { "acts at once" } else { "restarts the run" };
    let range = row.param.range_text(&row.text).map_or(String::new(), |range| format!("\nFrom {range}."));
    let examples = format!("\nFor example: {}", row.param.examples.join(", "));
    ui.label(name).on_hover_text(format!("{}{range}{examples}\nA change {acts}.", row.param.help)).id
}

/// Quantities without their quotes, whole numbers without a point.
pub fn plain(text: &str) -> String {
    if let Some(whole) = text.strip_suffix(".0").filter(|whole| whole.parse::<i64>().is_ok()) {
        return whole.to_owned();
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('"'));
    inner.unwrap_or(text).to_owned()
}

/// The shape of a distribution, found by drawing from it.
struct Curve {
    /// How many draws lie in each of equal parts of the way from 0 to the 99th percentile.
    cells: Vec<u32>,
    p50: f64,
    p99: f64,
}

/// Curves by the text of their distributions: they are drawn at every frame, and found once.
#[derive(Default)]
pub struct Curves(BTreeMap<String, Option<Curve>>);

impl Curves {
    /// More than fit into the panel.
    const MOST: usize = 200;

    fn of(&mut self, text: &str) -> Option<&Curve> {
        if self.0.len() > Curves::MOST {
            self.0.clear();
        }
        self.0.entry(text.to_owned()).or_insert_with(|| Curve::of(text)).as_ref()
    }
}

impl Curve {
    fn of(text: &str) -> Option<Curve> {
        const DRAWS: usize = 60_000;
        const CELLS: usize = 40;
        let shaped = text.contains('(') && !text.starts_with("Some") && !text.starts_with('(');
        let dist = shaped.then(|| crate::base::ron::read::<Dist>(text).value).flatten()?;
        if dist.problem().is_some() {
            return None;
        }
        let (sampler, mut rng) = (dist.sampler(), Rng::seeded(1));
        let mut draws: Vec<f64> = (0..DRAWS).map(|_| sampler.draw(&mut rng).as_secs()).collect();
        let mut below = |n: usize| *draws.select_nth_unstable_by(n, f64::total_cmp).1;
        let (p50, p99) = (below(DRAWS / 2), below(DRAWS * 99 / 100));
        let mut cells = vec![0u32; CELLS];
        draws.iter().filter(|draw| **draw < p99).for_each(|draw| cells[(draw / p99 * CELLS as f64) as usize] += 1);
        (p99 > 0.0).then_some(Curve { cells, p50, p99 })
    }
}

/// The density of a distribution.
pub fn curve(app: &mut App, ui: &mut Ui, text: &str) {
    let ink = canvas::color(app.look.theme().busy);
    let Some(Curve { cells, p50, p99 }) = app.curves.of(text) else { return };
    let tallest = cells.iter().copied().max().unwrap_or(1) as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let place = |(i, n): (usize, &u32)| {
        let share = (i as f32 + 0.5) / cells.len() as f32;
        pos2(rect.left() + rect.width() * share, rect.bottom() - rect.height() * *n as f32 / tallest)
    };
    ui.painter().add(egui::Shape::line(cells.iter().enumerate().map(place).collect(), Stroke::new(1.5, ink)));
    response.on_hover_text(format!("Half are below {}, 99 % below {}", short::seconds(*p50), short::seconds(*p99)));
}

/// What is said of the whole scenario.
pub fn scenario(app: &mut App, ui: &mut Ui) {
    let design = app.editor.design().clone();
    ui.label(RichText::new("Scenario").family(canvas::bold()).size(16.0));
    for (key, word, lines, shown, edit) in [
        ("title", "Title", 1, &design.title, Edit::SetTitle as fn(String) -> Edit),
        ("question", "Question", 3, &design.question, Edit::SetQuestion),
    ] {
        ui.add_space(4.0);
        let called = Called::As(ui.label(RichText::new(word).weak()).id);
        let field = Field { key, called, shown, hint: "", width: f32::INFINITY, lines };
        if let Some(text) = field.show(app, ui) {
            commit(app, key, &edit(text));
        }
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let called = Called::As(ui.label(RichText::new("Length").weak()).id);
        let shown = plain(&Value::text(&design.run.length));
        let field = Field { key: "length", called, shown: &shown, hint: "60s", width: 70.0, lines: 1 };
        if let Some(text) = field.show(app, ui) {
            set_length(app, "length", &text);
        }
        let called = Called::As(ui.label(RichText::new("Seed").weak()).id);
        let shown = design.seed.to_string();
        let field = Field { key: "seed", called, shown: &shown, hint: "1", width: 60.0, lines: 1 };
        if let Some(text) = field.show(app, ui) {
            match text.trim().parse() {
                Ok(seed) => commit(app, "seed", &Edit::SetSeed(seed)),
                Err(_) => app.fields.settle("seed", Err("a seed is a whole number".to_owned())),
            }
        }
    });
    for key in ["length", "seed"] {
        app.fields.complaint(key, ui);
    }
    ui.collapsing("Notes", |ui| {
        let called = Called::By("Notes");
        let field = Field { key: "notes", called, shown: &design.notes, hint: "", width: f32::INFINITY, lines: 6 };
        if let Some(text) = field.show(app, ui) {
            commit(app, "notes", &Edit::SetNotes(text));
        }
    });
    timeline(app, ui, &design);
    expectations(app, ui);
}

/// Let the run be as long as was typed into a field.
pub fn set_length(app: &mut App, key: &str, text: &str) {
    let mut run = app.editor.design().run;
    match crate::design::set_loosely(&mut run.length, text) {
        Ok(()) => commit(app, key, &Edit::SetRun(run)),
        Err(problem) => app.fields.settle(key, Err(problem)),
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
        use crate::run::Outcome;
        for verdict in crate::run::judge(&snapshot.design, &snapshot.recorder) {
            let (word, color) = match (snapshot.over, verdict.outcome) {
                (_, Outcome::Holds) => ("holds", ui.visuals().text_color()),
                (true, Outcome::Fails) => ("fails", ui.visuals().error_fg_color),
                (true, Outcome::CannotBeTold) => ("cannot be told", ui.visuals().warn_fg_color),
                (false, _) => ("not yet", ui.visuals().warn_fg_color),
            };
            let texts = verdict.reason.into_iter().chain((!verdict.why.is_empty()).then_some(verdict.why));
            let hover = texts.collect::<Vec<_>>().join("\n");
            ui.colored_label(color, format!("{word}: {}", verdict.expectation)).on_hover_text(hover);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_drawn_from_once() {
        let mut curves = Curves::default();
        let text = "Exponential(\"2ms\")";
        let first = curves.of(text).map(|curve| (curve.p50, std::ptr::from_ref(curve)));
        let (p50, place) = first.expect("a shape");
        assert!((p50 - 0.002 * std::f64::consts::LN_2).abs() < 1e-4, "{p50}");
        assert_eq!(curves.of(text).map(std::ptr::from_ref), Some(place));
        assert!(curves.of("\"2ms\"").is_none() && curves.of("Some(3)").is_none());
        for i in 0..2 * Curves::MOST {
            curves.of(&i.to_string());
        }
        assert!(curves.0.len() <= Curves::MOST + 1);
    }
}
