//! Cards under the pointer: moved, copied, taken out of a link, put into one, or new from the palette.

use super::arrange::{bounds, card, shift};
use super::clipboard;
use super::edit::{Edit, apply};
use super::input::{CARD, Hit, Input, Modifiers, Point};
use super::output::{Area, Effect, Target};
use super::selection::Selection;
use super::snap::{NEAR, snap};
use super::tool::{Gesture, Pressed};
use super::{Editor, wiring};
use crate::design::Node;
use crate::kinds::Spec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cards that are dragged.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    from: Point,
    /// The nodes that are moved or copied.
    nodes: Vec<String>,
    /// What the window leaves out of what lies under the pointer: these, or their copies.
    pub dragged: Vec<String>,
    pub copies: bool,
    /// The only node leaves its link, whose ends are joined.
    extracts: bool,
    pub before: Selection,
    /// What a release would do.
    edit: Option<Edit>,
}

/// A new card that is dragged.
#[derive(Clone, Debug)]
pub(super) struct Placing {
    pub kind: &'static str,
    pub name: String,
    pub edit: Option<Edit>,
}

impl Editor {
    /// A press on a node becomes a drag.
    pub(super) fn take_up(&mut self, start: Pressed, node: &str) -> Moving {
        let Pressed { at, held, before, .. } = start;
        let extracts = held.shift && !held.alt && wiring::neighbours(&self.design, node).is_some();
        if extracts || !self.selection.has_node(node) {
            self.selection = Selection::of_nodes([node]);
        }
        let nodes = self.selection.nodes.clone();
        Moving { from: at, dragged: nodes.clone(), nodes, copies: held.alt, extracts, before, edit: None }
    }

    /// Compute anew, from the beginning of the gesture, what it would do if it ended here.
    pub(super) fn drag(&mut self, mut moving: Moving, at: Point, hit: &Hit, held: Modifiers) -> Gesture {
        let by = (at.0 - moving.from.0, at.1 - moving.from.1);
        let by = bounds(&self.design, &moving.nodes).map_or(by, |start| {
            let stay = if moving.copies { &[][..] } else { &moving.nodes[..] };
            self.settled(start, by, held, stay)
        });
        self.overlay.target = None;
        let mut edit = if moving.copies {
            let clip = clipboard::cut_out(&self.design, &moving.nodes);
            let copy = clipboard::copy(&self.design, &clip, by, false);
            moving.dragged = copy.names;
            copy.edit
        } else {
            shift(&self.design, &moving.nodes, by)
        };
        if moving.extracts {
            edit = Edit::All(vec![Edit::Extract { node: moving.nodes[0].clone() }, edit]);
        } else if let ([node], false, false) = (&moving.nodes[..], moving.copies, held.alt) {
            edit = self.spliced(edit, node, hit);
        }
        self.show(&edit);
        moving.edit = Some(edit);
        Gesture::Moving(moving)
    }

    pub(super) fn moving(&mut self, moving: Moving, input: &Input, effects: &mut Vec<Effect>) -> Gesture {
        match input {
            Input::Move { at, hit, held } => self.drag(moving, *at, hit, *held),
            Input::Release { at, hit, held } => {
                let Gesture::Moving(mut moving) = self.drag(moving, *at, hit, *held) else { return Gesture::Idle };
                let what = if moving.copies {
                    "copy"
                } else if moving.extracts {
                    "extract"
                } else {
                    "move"
                };
                let edit = moving.edit.take();
                if let Some(edit) = edit
                    && self.finish(&edit, what, effects)
                    && moving.copies
                {
                    self.selection = Selection::of_nodes(moving.dragged);
                }
                Gesture::Idle
            }
            _ => Gesture::Moving(moving),
        }
    }

    /// Compute anew where the new card would be.
    pub(super) fn place(&mut self, mut placing: Placing, at: Point, hit: &Hit, held: Modifiers) -> Gesture {
        let corner = (at.0 - CARD.0 / 2.0, at.1 - CARD.1 / 2.0);
        let start = Area { min: corner, max: (corner.0 + CARD.0, corner.1 + CARD.1) };
        let by = self.settled(start, (0.0, 0.0), held, &[]);
        let Some(kind) = Spec::new(placing.kind) else { return Gesture::Idle };
        let node = Node { kind, at: Some((corner.0 + by.0, corner.1 + by.1)), label: String::new() };
        let nodes = BTreeMap::from([(placing.name.clone(), node)]);
        self.overlay.target = None;
        let mut edit = Edit::Add { nodes, links: Vec::new() };
        if !held.alt {
            edit = self.spliced(edit, &placing.name, hit);
        }
        self.show(&edit);
        placing.edit = Some(edit);
        Gesture::Placing(placing)
    }

    pub(super) fn placing(&mut self, placing: Placing, input: &Input, effects: &mut Vec<Effect>) -> Gesture {
        match input {
            Input::Move { at, hit, held } => self.place(placing, *at, hit, *held),
            Input::Release { at, hit, held } => {
                let Gesture::Placing(placing) = self.place(placing, *at, hit, *held) else { return Gesture::Idle };
                if let Some(edit) = &placing.edit
                    && self.finish(edit, "add", effects)
                {
                    self.remember(placing.kind);
                    self.selection = Selection::of_nodes([placing.name]);
                }
                Gesture::Idle
            }
            _ => Gesture::Placing(placing),
        }
    }

    /// How far to move what stood at `start`: as far as the pointer, and into line or onto the grid. The cards that stay
    /// are all but `moved`.
    fn settled(&mut self, start: Area, by: Point, held: Modifiers, moved: &[String]) -> Point {
        self.overlay.guides.clear();
        if self.free || held.ctrl {
            return (by.0.round(), by.1.round());
        }
        let there =
            Area { min: (start.min.0 + by.0, start.min.1 + by.1), max: (start.max.0 + by.0, start.max.1 + by.1) };
        let others: Vec<Area> = (self.design.nodes.keys())
            .filter(|name| !moved.contains(name))
            .filter_map(|name| card(&self.design, name))
            .collect();
        let (more, guides) = snap(there, &others, NEAR / self.zoom);
        self.overlay.guides = guides;
        (by.0 + more.0, by.1 + more.1)
    }

    /// The edit, and the node put into the link under the pointer, if it has no links yet and can be.
    fn spliced(&mut self, edit: Edit, node: &str, hit: &Hit) -> Edit {
        let Some(link) = hit.link().and_then(|i| Some((i, self.design.links.get(i)?))) else { return edit };
        let is_alone = !self.design.links.iter().any(|link| link.from == node || link.to == node);
        let (i, name) = (link.0, link.1.name());
        let both = Edit::All(vec![edit.clone(), Edit::Splice { node: node.to_owned(), link: name }]);
        if is_alone && apply(&self.design, &both).is_ok() {
            self.overlay.target = Some(Target::Link(i));
            return both;
        }
        edit
    }

    /// Preview an edit; links are not spliced before the end, so that the numbers of links stay what they are.
    fn show(&mut self, edit: &Edit) {
        let shown = match edit {
            Edit::All(edits) if matches!(edits.last(), Some(Edit::Splice { .. })) => &edits[0],
            other => other,
        };
        let preview = apply(&self.design, shown).ok().map(|edited| Arc::new(edited.design));
        self.preview = preview;
    }

    /// Commit the edit of a gesture. Whether it could be done.
    fn finish(&mut self, edit: &Edit, what: &str, effects: &mut Vec<Effect>) -> bool {
        match apply(&self.design, edit) {
            Ok(edited) => {
                self.commit(edited, what, None);
                true
            }
            Err(refusal) => {
                effects.push(Effect::Refuse(refusal));
                false
            }
        }
    }
}
