//! The side: what is wrong with the design, and the inspector of what is selected; a table of all nodes if nothing is.

use super::inspector;
use crate::base::{Severity, short};
use crate::editor::Selection;
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Grid, RichText, ScrollArea, Ui};

pub fn show(app: &mut App, ui: &mut Ui) {
    ui.add_space(6.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        findings(app, ui);
        let selection = app.editor.selection().clone();
        if selection.is_empty() {
            inspector::scenario(app, ui);
            ui.add_space(10.0);
            table(app, ui);
        } else {
            inspector::selected(app, ui, &selection);
        }
    });
}

/// What the checks say, with a click to what it is about.
fn findings(app: &mut App, ui: &mut Ui) {
    let findings = app.findings.1.clone();
    for finding in &findings {
        let color = match finding.severity {
            Severity::Error => ui.visuals().error_fg_color,
            _ => ui.visuals().warn_fg_color,
        };
        let words = match &finding.remedy {
            Some(remedy) => format!("{} ({remedy})", finding.message),
            None => finding.message.clone(),
        };
        let response = ui.add(egui::Button::new(RichText::new(words).color(color)).frame(false).wrap());
        if response.on_hover_text("Show what it is about").clicked() {
            reveal(app, &finding.subject.0);
        }
    }
    if !findings.is_empty() {
        ui.separator();
    }
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

/// All nodes with their figures, over the same time as the cards.
fn table(app: &mut App, ui: &mut Ui) {
    let Some(snapshot) = app.snapshot.clone() else { return };
    let frame = &snapshot.frame;
    ui.label(RichText::new("Nodes").family(canvas::bold()));
    let span = short::seconds(frame.at.as_secs() - frame.since.as_secs());
    ui.label(RichText::new(format!("over the last {span}")).weak().small());
    Grid::new("nodes").num_columns(5).striped(true).spacing([10.0, 4.0]).show(ui, |ui| {
        for head in ["", "calls", "p99", "busy", "failed"] {
            ui.label(RichText::new(head).weak().small());
        }
        ui.end_row();
        for node in &frame.nodes {
            if ui.add(egui::Button::new(&node.name).frame(false)).clicked() {
                app.editor.select(Selection::of_nodes([node.name.clone()]));
            }
            ui.label(short::rate(node.rate));
            ui.label(node.p99.map_or("–".to_owned(), short::seconds));
            ui.label(node.utilization().map_or("–".to_owned(), short::percent));
            ui.label(if node.failed_share > 0.0 { short::percent(node.failed_share) } else { "–".to_owned() });
            ui.end_row();
        }
    });
}
