//! Buttons with a drawn sign. Kinds have icons of their own, in files; these are a few lines each, on a square of 20.

use egui::{Color32, Painter, Pos2, Rect, Response, Sense, Stroke, Ui, WidgetInfo, WidgetType, vec2};

type Points = &'static [(f32, f32)];

/// A piece of a sign.
#[derive(Clone, Copy)]
enum Mark {
    Line(Points),
    Loop(Points),
    /// Without a dent.
    Filled(Points),
    Ring(f32, f32, f32),
    Dot(f32, f32, f32),
    /// A part of a ring, in degrees clockwise from the right.
    Arc(f32, f32, f32, f32, f32),
}

use Mark::{Arc, Dot, Filled, Line, Loop, Ring};

/// The signs by the actions that they stand for, and that of pausing.
const ICONS: &[(&str, &[Mark])] = &[
    (
        "view.select_tool",
        &[Loop(&[(5.0, 3.0), (5.0, 15.5), (8.4, 12.4), (10.4, 17.0), (12.4, 16.1), (10.4, 11.6), (15.0, 11.6)])],
    ),
    ("view.link_tool", &[Ring(4.8, 15.2, 2.3), Ring(15.2, 4.8, 2.3), Line(&[(6.5, 13.5), (13.5, 6.5)])]),
    (
        "view.hand_tool",
        &[
            Line(&[(10.0, 3.0), (10.0, 17.0)]),
            Line(&[(3.0, 10.0), (17.0, 10.0)]),
            Line(&[(7.8, 5.2), (10.0, 3.0), (12.2, 5.2)]),
            Line(&[(7.8, 14.8), (10.0, 17.0), (12.2, 14.8)]),
            Line(&[(5.2, 7.8), (3.0, 10.0), (5.2, 12.2)]),
            Line(&[(14.8, 7.8), (17.0, 10.0), (14.8, 12.2)]),
        ],
    ),
    (
        "edit.undo",
        &[
            Line(&[(7.4, 3.6), (3.6, 7.4), (7.4, 11.2)]),
            Line(&[(3.6, 7.4), (12.0, 7.4)]),
            Arc(12.0, 11.7, 4.3, -90.0, 90.0),
            Line(&[(12.0, 16.0), (8.0, 16.0)]),
        ],
    ),
    (
        "edit.redo",
        &[
            Line(&[(12.6, 3.6), (16.4, 7.4), (12.6, 11.2)]),
            Line(&[(16.4, 7.4), (8.0, 7.4)]),
            Arc(8.0, 11.7, 4.3, 90.0, 270.0),
            Line(&[(8.0, 16.0), (12.0, 16.0)]),
        ],
    ),
    (
        "view.fit",
        &[
            Line(&[(3.5, 7.5), (3.5, 3.5), (7.5, 3.5)]),
            Line(&[(12.5, 3.5), (16.5, 3.5), (16.5, 7.5)]),
            Line(&[(16.5, 12.5), (16.5, 16.5), (12.5, 16.5)]),
            Line(&[(7.5, 16.5), (3.5, 16.5), (3.5, 12.5)]),
        ],
    ),
    ("break.kill", &[Arc(10.0, 10.8, 6.0, -55.0, 235.0), Line(&[(10.0, 3.0), (10.0, 9.6)])]),
    (
        "file.export",
        &[
            Line(&[(10.0, 12.5), (10.0, 3.2)]),
            Line(&[(6.6, 6.4), (10.0, 3.0), (13.4, 6.4)]),
            Line(&[(3.5, 11.5), (3.5, 16.5), (16.5, 16.5), (16.5, 11.5)]),
        ],
    ),
    ("run.play", &[Filled(&[(6.0, 4.0), (16.0, 10.0), (6.0, 16.0)])]),
    (
        "pause",
        &[
            Filled(&[(5.5, 4.5), (8.5, 4.5), (8.5, 15.5), (5.5, 15.5)]),
            Filled(&[(11.5, 4.5), (14.5, 4.5), (14.5, 15.5), (11.5, 15.5)]),
        ],
    ),
    (
        "run.step",
        &[
            Filled(&[(4.5, 4.5), (12.0, 10.0), (4.5, 15.5)]),
            Filled(&[(13.2, 4.5), (15.6, 4.5), (15.6, 15.5), (13.2, 15.5)]),
        ],
    ),
    ("run.restart", &[Arc(10.0, 10.4, 6.0, -150.0, 150.0), Line(&[(3.6, 3.6), (4.6, 7.8), (8.8, 6.8)])]),
    (
        "run.new_seed",
        &[
            Loop(&[(4.0, 4.0), (16.0, 4.0), (16.0, 16.0), (4.0, 16.0)]),
            Dot(7.2, 7.2, 1.2),
            Dot(12.8, 7.2, 1.2),
            Dot(10.0, 10.0, 1.2),
            Dot(7.2, 12.8, 1.2),
            Dot(12.8, 12.8, 1.2),
        ],
    ),
];

/// A button with the sign of an action. It is called by a word, because it shows none.
pub fn button(ui: &mut Ui, sign: &str, called: &str, enabled: bool, on: bool) -> Response {
    let add = |ui: &mut Ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(28.0, 24.0), Sense::click());
        response.widget_info(|| match on {
            true => WidgetInfo::selected(WidgetType::Button, enabled, on, called),
            false => WidgetInfo::labeled(WidgetType::Button, enabled, called),
        });
        let look = ui.style().interact_selectable(&response, on);
        if on || response.hovered() || response.has_focus() {
            ui.painter().rect(rect, look.corner_radius, look.weak_bg_fill, look.bg_stroke, egui::StrokeKind::Inside);
        }
        let pen = if enabled { look.fg_stroke.color } else { ui.visuals().weak_text_color().gamma_multiply(0.5) };
        draw(ui.painter(), sign, Rect::from_center_size(rect.center(), vec2(18.0, 18.0)), pen);
        response
    };
    ui.add_enabled_ui(enabled, add).inner
}

fn draw(painter: &Painter, sign: &str, room: Rect, pen: Color32) {
    let Some((_, marks)) = ICONS.iter().find(|(id, _)| *id == sign) else { return };
    let scale = room.width() / 20.0;
    let at = |(x, y): (f32, f32)| -> Pos2 { room.min + vec2(x, y) * scale };
    let all = |points: Points| -> Vec<Pos2> { points.iter().map(|point| at(*point)).collect() };
    let stroke = Stroke::new(1.5, pen);
    for mark in *marks {
        match *mark {
            Line(points) => painter.add(egui::Shape::line(all(points), stroke)),
            Loop(points) => painter.add(egui::Shape::closed_line(all(points), stroke)),
            Filled(points) => painter.add(egui::Shape::convex_polygon(all(points), pen, Stroke::NONE)),
            Ring(x, y, radius) => painter.circle_stroke(at((x, y)), radius * scale, stroke),
            Dot(x, y, radius) => painter.circle_filled(at((x, y)), radius * scale, pen),
            Arc(x, y, radius, from, until) => {
                let point = |i: u8| {
                    let angle = (from + (until - from) * f32::from(i) / 16.0).to_radians();
                    at((x, y)) + egui::Vec2::angled(angle) * radius * scale
                };
                painter.add(egui::Shape::line((0..=16).map(point).collect(), stroke))
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::actions::by_id;
    use crate::whiteboard::panels::{bar, run};

    #[test]
    fn whatever_stands_in_a_bar_has_a_sign_and_does_something() {
        let tools = bar::TOOLS.iter().flat_map(|group| group.iter());
        for id in tools.chain(run::TOOLS) {
            assert!(by_id(id).is_some(), "{id} is no action");
            assert!(ICONS.iter().any(|(sign, _)| sign == id), "{id} has no sign");
        }
        for (sign, marks) in ICONS {
            assert!(*sign == "pause" || by_id(sign).is_some(), "{sign} is no action");
            assert!(!marks.is_empty());
        }
    }
}
