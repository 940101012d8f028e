//! The dialog in which something is broken by a number and for a while.

use super::fields::{Called, call};
use crate::base::Span;
use crate::base::units::Quantity as _;
use crate::design::{Action, Intervention, checks};
use crate::editor::actions::faults;
use crate::whiteboard::app::App;
use egui::{ComboBox, Grid, TextEdit, Ui};

/// What is chosen so far.
#[derive(Default)]
pub struct Fault {
    target: String,
    /// As a file names it: `Slow`.
    verb: String,
    amount: String,
    lasting: String,
    ramp: String,
    problem: Option<String>,
}

/// How a file names what is done.
fn verb(action: &Action) -> String {
    let text = format!("{action:?}");
    text.split('(').next().unwrap_or_default().to_owned()
}

/// What the number is.
fn measure(action: &Action) -> &'static str {
    match action {
        Action::Slow(..) => "Times as long",
        Action::Fail(..) => "Share of calls",
        Action::Lose(..) => "Share of messages",
        Action::Delay(..) => "Longer by",
        _ => "Times the traffic",
    }
}

/// Whatever can be broken of what is selected: nodes, their replicas, links.
fn targets(app: &App) -> Vec<String> {
    let selection = app.editor.selection();
    let nodes = selection.nodes.iter().flat_map(|node| std::iter::once(node.clone()).chain(app.replicas(node)));
    let all = nodes.chain(selection.links.iter().cloned());
    all.filter(|target| !faults(&app.editor, target).is_empty()).collect()
}

/// Returns whether it stays.
pub fn dialog(app: &mut App, ui: &mut Ui, fault: &mut Fault) -> bool {
    let targets = targets(app);
    if !targets.contains(&fault.target) {
        let Some(first) = targets.first() else { return false };
        fault.target.clone_from(first);
    }
    let mut keep = true;
    Grid::new("fault").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        let label = ui.label("What");
        let shown = ComboBox::from_id_salt("target").selected_text(&fault.target).width(200.0);
        let shown = shown.show_ui(ui, |ui| {
            for target in &targets {
                ui.selectable_value(&mut fault.target, target.clone(), target);
            }
        });
        call(shown.response, Called::As(label.id));
        ui.end_row();
        let faults: Vec<Action> = faults(&app.editor, &fault.target).into_iter().map(|(_, action)| action).collect();
        if !faults.iter().any(|action| verb(action) == fault.verb) {
            choose(fault, faults.first());
        }
        let label = ui.label("Fault");
        let shown = ComboBox::from_id_salt("verb").selected_text(&fault.verb).width(200.0).height(320.0);
        let shown = shown.show_ui(ui, |ui| {
            for action in &faults {
                let verb = verb(action);
                let words = crate::figure::sentence(action);
                if ui.selectable_label(verb == fault.verb, &verb).on_hover_text(words).clicked() {
                    choose(fault, Some(action));
                }
            }
        });
        call(shown.response, Called::As(label.id));
        ui.end_row();
        let Some(action) = faults.iter().find(|action| verb(action) == fault.verb) else { return };
        if action.amount().is_some() {
            field(ui, measure(action), &mut fault.amount, "");
            field(ui, "Growing over", &mut fault.ramp, "at once");
        }
        if action.goes_on() {
            field(ui, "Lasting", &mut fault.lasting, "until it is ended");
        }
        ui.label("");
        if ui.button("Do it now").clicked() {
            match intervention(app, fault, action.clone()) {
                Ok(Intervention { action, lasting, ramp, .. }) => {
                    app.intervene(action, lasting, ramp);
                    keep = false;
                }
                Err(problem) => fault.problem = Some(problem),
            }
        }
        ui.end_row();
    });
    if let Some(problem) = &fault.problem {
        ui.colored_label(ui.visuals().error_fg_color, problem);
    }
    keep
}

fn choose(fault: &mut Fault, action: Option<&Action>) {
    fault.verb = action.map_or(String::new(), verb);
    fault.amount = action.and_then(Action::amount).unwrap_or_default();
    fault.problem = None;
}

fn field(ui: &mut Ui, word: &str, text: &mut String, hint: &str) {
    let label = ui.label(word);
    call(ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(200.0)), Called::As(label.id));
    ui.end_row();
}

/// What was typed, if it can be done to this design.
fn intervention(app: &App, fault: &Fault, action: Action) -> Result<Intervention, String> {
    let span = |text: &str| {
        let text = text.trim();
        if text.is_empty() { Ok(None) } else { Span::parse(text).map(Some) }
    };
    if app.runner.is_none() {
        return Err("The design does not run".to_owned());
    }
    let has_amount = action.amount().is_some();
    let lasting = if action.goes_on() { span(&fault.lasting)? } else { None };
    let ramp = if has_amount { span(&fault.ramp)? } else { None };
    let action = if has_amount { action.with_amount(fault.amount.trim())? } else { action };
    let at = Span(app.snapshot.as_ref().map_or(0, |snapshot| snapshot.now.0));
    let intervention = Intervention { at, lasting, ramp, action };
    let mut design = (**app.editor.design()).clone();
    design.timeline.push(intervention.clone());
    let about = ["timeline".to_owned(), (design.timeline.len() - 1).to_string()];
    let wrong = |finding: &crate::base::Finding| {
        finding.severity == crate::base::Severity::Error && finding.subject.0.starts_with(&about)
    };
    match checks::check(&design).into_iter().find(wrong) {
        Some(finding) => Err(finding.message),
        None => Ok(intervention),
    }
}
