//! The board for those who have it read to them: its nodes as a list, in the order of reading. To click one in the list
//! selects it.

use super::app::App;
use crate::editor::Selection;
use egui::Ui;
use egui::accesskit::{Action, Rect, Role};

pub fn nodes(app: &mut App, ui: &Ui) {
    let scale = f64::from(ui.ctx().pixels_per_point());
    let mut clicked = None;
    let order = app.editor.reading_order();
    for (i, name) in order.iter().enumerate() {
        let (Some(node), Some(card)) = (app.editor.design().nodes.get(*name), app.targets.card(name)) else { continue };
        let label = if node.label.is_empty() { name } else { node.label.as_str() };
        let sentence = format!("{label}, {}, {} of {}", node.kind.meta().title, i + 1, order.len());
        let (min, max) =
            (app.view.to_screen((card.left(), card.top())), app.view.to_screen((card.right(), card.bottom())));
        let at = |x: f32| f64::from(x) * scale;
        let id = app.board.with(name);
        let written = ui.ctx().accesskit_node_builder(id, |item| {
            item.set_role(Role::ListBoxOption);
            item.set_label(sentence);
            item.set_bounds(Rect { x0: at(min.x), y0: at(min.y), x1: at(max.x), y1: at(max.y) });
            item.set_selected(app.editor.selection().has_node(name));
            item.add_action(Action::Click);
        });
        if written.is_none() {
            // Nobody listens.
            return;
        }
        if ui.input(|input| input.has_accesskit_action_request(id, Action::Click)) {
            clicked = Some((*name).to_owned());
        }
    }
    if let Some(name) = clicked {
        app.editor.select(Selection::of_nodes([name]));
    }
}
