//! The kinds, in their groups: dragged onto the board, or searched for.

use super::commands::fit;
use super::fields::{Called, call};
use crate::editor::Input;
use crate::kinds::{Group, KINDS, Meta};
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Align2, FontId, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, pos2, vec2};

const GROUPS: [(Group, &str); 6] = [
    (Group::Traffic, "Traffic"),
    (Group::Edge, "Edge"),
    (Group::Compute, "Compute"),
    (Group::State, "State"),
    (Group::Messaging, "Messaging"),
    (Group::Control, "Control"),
];

pub fn show(app: &mut App, ui: &mut Ui) {
    ui.add_space(6.0);
    let field = TextEdit::singleline(&mut app.palette).hint_text("Search, or drag").desired_width(f32::INFINITY);
    call(ui.add(field), Called::By("Search the palette"));
    let typed = app.palette.clone();
    let fits = |meta: &&Meta| fit(&format!("{} {}", meta.title, meta.summary), &typed).is_some();
    ScrollArea::vertical().show(ui, |ui| {
        for (group, title) in GROUPS {
            let found: Vec<&Meta> = KINDS.iter().filter(|meta| meta.group == group).filter(fits).collect();
            if found.is_empty() {
                continue;
            }
            ui.add_space(6.0);
            ui.label(RichText::new(title).small().weak());
            for meta in found {
                kind(app, ui, meta.key, meta.title, meta.summary);
            }
        }
    });
}

fn kind(app: &mut App, ui: &mut Ui, key: &'static str, title: &str, summary: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::click_and_drag());
    let response = response.on_hover_text(summary);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, title));
    let visuals = *ui.style().interact(&response);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect(rect.shrink(1.0), 6.0, visuals.weak_bg_fill, visuals.bg_stroke, egui::StrokeKind::Inside);
    let icon = Rect::from_center_size(pos2(rect.left() + 18.0, rect.center().y), vec2(18.0, 18.0));
    let tint = canvas::color(app.look.theme().text);
    painter.add(app.printer.icon(painter.ctx(), key, icon, tint));
    painter.text(
        pos2(rect.left() + 36.0, rect.center().y),
        Align2::LEFT_CENTER,
        title,
        FontId::proportional(13.0),
        tint,
    );
    let now = ui.input(|input| input.time);
    if response.drag_started()
        && let Some(place) = ui.input(|input| input.pointer.latest_pos())
    {
        let effects = app.editor.input(Input::Take { kind: key, at: app.view.to_board(place) });
        app.carry_out(effects, now);
    } else if response.clicked() {
        app.insert_in_view(key, now);
    }
}
