//! The side: what is wrong with the design, and the inspector of what is selected.

use super::fields::{Called, call};
use super::inspector;
use crate::base::Severity;
use crate::editor::Selection;
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Align, Layout, RichText, ScrollArea, Ui};

pub fn show(app: &mut App, ui: &mut Ui) {
    ui.add_space(6.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        findings(app, ui);
        let selection = app.editor.selection().clone();
        if selection.is_empty() {
            inspector::scenario(app, ui);
        } else {
            inspector::selected(app, ui, &selection);
        }
    });
}

/// What the checks say, with a click to what it is about, and what can be done about it at once.
fn findings(app: &mut App, ui: &mut Ui) {
    let findings = app.findings.clone();
    if findings.all.is_empty() || app.editor.design().nodes.is_empty() {
        return;
    }
    ui.label(RichText::new(format!("Findings ({})", findings.all.len())).family(canvas::bold()).size(16.0));
    for (finding, fix) in findings.all.iter().zip(&findings.fixes) {
        let color = match finding.severity {
            Severity::Error => ui.visuals().error_fg_color,
            Severity::Warning => ui.visuals().warn_fg_color,
            Severity::Hint => ui.visuals().weak_text_color(),
        };
        let words = match &finding.remedy {
            Some(remedy) => format!("{} ({remedy})", finding.message),
            None => finding.message.clone(),
        };
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            if let Some(fix) = fix {
                let button = call(ui.small_button("Fix"), Called::By(&format!("Fix: {}", fix.words)));
                if button.on_hover_text(&fix.words).clicked()
                    && let Err(problem) = app.editor.edit(&fix.edit)
                {
                    app.complain(problem, ui.input(|input| input.time));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Min).with_main_wrap(true), |ui| {
                let response = ui.add(egui::Button::new(RichText::new(words).color(color)).frame(false).wrap());
                if response.on_hover_text("Show what it is about").clicked() {
                    reveal(app, &finding.subject.0);
                }
            });
        });
    }
    ui.add_space(4.0);
    ui.separator();
}

/// Select what a finding is about: a node by its name, or a link by its number.
fn reveal(app: &mut App, subject: &[String]) {
    let selection = match subject {
        [section, name, ..] if section == "nodes" => Selection::of_nodes([name.clone()]),
        [section, number, ..] if section == "links" => {
            let link = number.parse::<usize>().ok().and_then(|number| app.editor.design().links.get(number));
            Selection::of_links(link.map(crate::design::LinkSpec::name))
        }
        _ => return,
    };
    let card = selection.nodes.first().and_then(|name| app.targets.card(name));
    app.editor.select(selection);
    if let Some(card) = card {
        app.view.reveal(crate::whiteboard::board::area(card), app.screen);
    }
}
