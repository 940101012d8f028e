//! The dock below the board: plots, tables of requests, nodes and links, and the trace of a request. What it shows can be copied.

use super::tables::{self, Sort};
use super::{plots, tables as t, trace};
use crate::whiteboard::app::App;
use egui::{Align, Button, Layout, RichText, Ui};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Plots,
    Requests,
    Nodes,
    Links,
    Trace,
}

/// What a tab shows, what is said beside it, and what is copied of it.
struct Content {
    tab: Tab,
    word: &'static str,
    show: fn(&mut App, &mut Ui),
    note: fn(&App) -> String,
    csv: fn(&App) -> Vec<Vec<String>>,
}

const TABS: [Content; 5] = [
    Content { tab: Tab::Plots, word: "Plots", show: plots::show, note: plots::note, csv: plots::csv },
    Content { tab: Tab::Requests, word: "Requests", show: tables::classes, note: t::note, csv: t::classes_csv },
    Content { tab: Tab::Nodes, word: "Nodes", show: tables::nodes, note: t::note, csv: t::nodes_csv },
    Content { tab: Tab::Links, word: "Links", show: tables::links, note: t::note, csv: t::links_csv },
    Content { tab: Tab::Trace, word: "Trace", show: trace::show, note: trace::note, csv: trace::csv },
];

/// The dock as it was left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dock {
    pub tab: Tab,
    pub classes: Sort,
    pub nodes: Sort,
    pub links: Sort,
}

pub fn show(app: &mut App, ui: &mut Ui) {
    if app.snapshot.is_none() {
        ui.centered_and_justified(|ui| ui.label("Nothing runs"));
        return;
    }
    ui.add_space(4.0);
    let Some(content) = TABS.iter().find(|content| content.tab == app.dock.tab) else { return };
    ui.horizontal(|ui| {
        for other in &TABS {
            if ui.add(Button::selectable(other.tab == app.dock.tab, other.word)).clicked() {
                app.dock.tab = other.tab;
            }
        }
        ui.add_space(8.0);
        ui.label(RichText::new((content.note)(app)).weak().small());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.small_button("Copy CSV").on_hover_text("Copy what is shown, for a spreadsheet").clicked() {
                match written(&(content.csv)(app)) {
                    Ok(text) => ui.ctx().copy_text(text),
                    Err(problem) => app.complain(problem, ui.input(|input| input.time)),
                }
            }
        });
    });
    ui.add_space(4.0);
    (content.show)(app, ui);
}

fn written(lines: &[Vec<String>]) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer.write_record(line).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
