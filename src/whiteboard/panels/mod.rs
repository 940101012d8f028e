//! The panels around the board. They read the app and say what was done; what changes a design goes through the editor.

mod bar;
mod commands;
pub mod dock;
pub mod fault;
pub mod fields;
mod form;
mod icons;
pub mod inspector;
pub mod keys;
mod palette;
pub mod plots;
mod popups;
mod run;
mod side;
mod tables;
pub mod trace;

pub use popups::Popup;

use super::app::App;
use super::{board, canvas, reader};
use egui::{CentralPanel, Frame, Margin, Panel, Ui};

/// What of the board the edge of a panel beside it takes, in points; the panel gives as much.
const EDGE: i8 = 3;

/// All panels, with the board in the middle.
pub fn show(app: &mut App, ui: &mut Ui) {
    if !app.panels.bare {
        Panel::top("bar").show(ui, |ui| bar::show(app, ui));
        Panel::bottom("run").show(ui, |ui| run::show(app, ui));
        if app.panels.plots {
            let shown = Panel::bottom("plots")
                .resizable(true)
                .default_size(app.panels.plots_height)
                .size_range(120.0..=700.0)
                .show(ui, |ui| dock::show(app, ui));
            app.panels.plots_height = shown.response.rect.height().round();
        }
        if app.panels.palette {
            let shown = Panel::left("palette")
                .resizable(true)
                .default_size(app.panels.palette_width)
                .size_range(140.0..=320.0)
                .show(ui, |ui| palette::show(app, ui));
            app.panels.palette_width = shown.response.rect.width().round();
        }
        if app.panels.inspector {
            let shown = Panel::right("side")
                .resizable(true)
                .default_size(app.panels.side_width)
                .size_range(240.0..=560.0)
                .show(ui, |ui| side::show(app, ui));
            app.panels.side_width = shown.response.rect.width().round();
        }
    }
    // Beside the board, the edges of panels are wide enough for the mouse.
    let ground = canvas::color(app.look.theme().background);
    let edges = if app.panels.bare { Margin::ZERO } else { Margin { left: EDGE, right: EDGE, top: 0, bottom: EDGE } };
    CentralPanel::default().frame(Frame::NONE.fill(ground).inner_margin(edges)).show(ui, |ui| {
        board::show(app, ui);
        reader::nodes(app, ui);
    });
    popups::show(app, ui);
}

#[cfg(test)]
mod tests;
