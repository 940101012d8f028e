//! What the actions do.

use super::arrange::{self, Edge};
use super::clipboard;
use super::edit::Edit;
use super::input::{CARD, Point, Side, Tool};
use super::output::{Effect, WindowAction};
use super::selection::Selection;
use super::snap::GRID;
use super::travel::{self, Way};
use super::{Editor, names, wiring};
use crate::base::{Ratio, Span};
use crate::design::{Action as Strike, Extra, LinkSpec, Target};
use crate::kinds::Handle;
use std::collections::BTreeMap;

/// What an arrow key moves by, and with Shift.
pub const STEP: f32 = GRID;
pub const LEAP: f32 = 5.0 * GRID;
/// How far beside and below a node another of its kind is put.
const BESIDE: f32 = arrange::COLUMN;
const BELOW: f32 = arrange::ROW;

pub fn window(action: WindowAction) -> Vec<Effect> {
    vec![Effect::Window(action)]
}

pub fn has_any(editor: &Editor) -> bool {
    !editor.selection.is_empty()
}

pub fn has_nodes(editor: &Editor) -> bool {
    !editor.selection.nodes.is_empty()
}

pub fn has_two(editor: &Editor) -> bool {
    editor.selection.nodes.len() >= 2
}

pub fn has_three(editor: &Editor) -> bool {
    editor.selection.nodes.len() >= 3
}

pub fn one_node(editor: &Editor) -> bool {
    editor.selection.nodes.len() == 1
}

pub fn can_heal(editor: &Editor) -> bool {
    editor.selection.nodes.iter().any(|node| wiring::neighbours(&editor.design, node).is_some())
}

/// Edit, or say why not.
fn edit(editor: &mut Editor, edit: &Edit, what: &str) -> Vec<Effect> {
    match editor.edit_as(edit, what, None) {
        Ok(()) => Vec::new(),
        Err(refusal) => vec![Effect::Refuse(refusal)],
    }
}

pub fn undo(editor: &mut Editor) -> Vec<Effect> {
    editor.undo();
    Vec::new()
}

pub fn redo(editor: &mut Editor) -> Vec<Effect> {
    editor.redo();
    Vec::new()
}

pub fn copy(editor: &mut Editor) -> Vec<Effect> {
    let clip = clipboard::cut_out(&editor.design, &editor.selection.nodes);
    vec![clipboard::write(&clip).map_or_else(Effect::Refuse, Effect::CopyText)]
}

pub fn cut(editor: &mut Editor) -> Vec<Effect> {
    let mut effects = copy(editor);
    // What could not be copied is not removed.
    if effects.iter().all(|effect| matches!(effect, Effect::CopyText(_))) {
        effects.extend(delete(editor, false));
    }
    effects
}

pub fn duplicate(editor: &mut Editor) -> Vec<Effect> {
    let clip = clipboard::cut_out(&editor.design, &editor.selection.nodes);
    let pasted = clipboard::paste(&editor.design, &clip, None, false);
    let said = edit(editor, &pasted.edit, "duplicate");
    editor.select(Selection::of_nodes(pasted.names));
    said
}

pub fn delete(editor: &mut Editor, heal: bool) -> Vec<Effect> {
    let Selection { nodes, links } = editor.selection.clone();
    let before = editor.design.clone();
    let mut effects = edit(editor, &Edit::Remove { nodes, links, heal }, "delete");
    let count = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("one {what}")),
        _ => Some(format!("{n} {what}s")),
    };
    let interventions = count(before.timeline.len() - editor.design.timeline.len(), "intervention");
    let expectations = count(before.expect.len() - editor.design.expect.len(), "expectation");
    let gone: Vec<String> = interventions.into_iter().chain(expectations).collect();
    if !gone.is_empty() {
        effects.push(Effect::Say(format!("Removed with it: {}.", gone.join(" and "))));
    }
    effects
}

pub fn rename(editor: &mut Editor) -> Vec<Effect> {
    editor.selection.nodes.first().map(|node| Effect::EditLabel(node.clone())).into_iter().collect()
}

pub fn select_all(editor: &mut Editor) -> Vec<Effect> {
    editor.cancel();
    editor.select(Selection::all(&editor.design));
    Vec::new()
}

/// One thing at a time: the gesture, then the tool, then the selection.
pub fn escape(editor: &mut Editor) -> Vec<Effect> {
    if editor.cancel() {
    } else if editor.tool != Tool::Select {
        editor.tool = Tool::Select;
    } else {
        editor.select(Selection::default());
    }
    Vec::new()
}

pub fn invert(editor: &mut Editor) -> Vec<Effect> {
    editor.cancel();
    editor.select(editor.selection.inverted(&editor.design));
    Vec::new()
}

/// The links of the selected nodes, or all; so that they can be set together.
pub fn select_links(editor: &mut Editor) -> Vec<Effect> {
    editor.cancel();
    let nodes = &editor.selection.nodes;
    let touches = |link: &&LinkSpec| nodes.is_empty() || nodes.contains(&link.from) || nodes.contains(&link.to);
    let links: Vec<String> = editor.design.links.iter().filter(touches).map(LinkSpec::name).collect();
    editor.select(Selection::of_links(links));
    Vec::new()
}

pub fn select_along(editor: &mut Editor, way: Way) -> Vec<Effect> {
    editor.cancel();
    let mut from = editor.selection.nodes.clone();
    for name in &editor.selection.links {
        if let Some(link) = editor.design.link(name) {
            let end = if way == Way::Up { &link.from } else { &link.to };
            from.push(end.clone());
        }
    }
    let mut selection = Selection::default();
    selection.add(&Selection::of_nodes(travel::reach(&editor.design, &from, way)));
    editor.select(selection);
    Vec::new()
}

pub fn travel(editor: &mut Editor, backwards: bool) -> Vec<Effect> {
    let next = travel::next(&editor.design, editor.selection.nodes.last().map(String::as_str), backwards);
    go(editor, next.map(str::to_owned))
}

pub fn along(editor: &mut Editor, direction: Point) -> Vec<Effect> {
    let here = editor.selection.nodes.last();
    let next = here.and_then(|node| travel::along_link(&editor.design, node, direction)).map(str::to_owned);
    go(editor, next)
}

fn go(editor: &mut Editor, node: Option<String>) -> Vec<Effect> {
    let Some(node) = node else { return Vec::new() };
    editor.cancel();
    editor.select(Selection::of_nodes([node.clone()]));
    vec![Effect::Reveal(node)]
}

pub fn tool(editor: &mut Editor, tool: Tool) -> Vec<Effect> {
    editor.set_tool(tool);
    Vec::new()
}

pub fn toggle_snap(editor: &mut Editor) -> Vec<Effect> {
    editor.set_snaps(!editor.snaps());
    Vec::new()
}

/// Links from each selected node to the next; those that are there already stay as they are.
pub fn link_selected(editor: &mut Editor) -> Vec<Effect> {
    let mut edits = Vec::new();
    for pair in editor.selection.nodes.windows(2) {
        let (from, to) = (&pair[0], &pair[1]);
        if !editor.design.links.iter().any(|link| link.from == *from && link.to == *to) {
            edits.push(Edit::add_link(wiring::new_link(&editor.design, from, to)));
        }
    }
    edit(editor, &Edit::All(edits), "link")
}

pub fn clone_linked(editor: &mut Editor, side: Side) -> Vec<Effect> {
    let Some(name) = editor.selection.nodes.first().cloned() else { return Vec::new() };
    let Some(node) = editor.design.nodes.get(&name) else { return Vec::new() };
    let by = if side == Side::Out { BESIDE } else { -BESIDE };
    let mut node = node.clone();
    node.label = String::new();
    let at = free_place(editor, node.at.unwrap_or_default(), (by, 0.0), (0.0, BELOW));
    node.at = Some(at);
    let new = names::fresh_node(&editor.design, &name);
    let (from, to) = if side == Side::Out { (&name, &new) } else { (&new, &name) };
    let link = wiring::new_link(&editor.design, from, to);
    let add = Edit::Add { nodes: BTreeMap::from([(new.clone(), node)]), links: vec![link] };
    select_new(editor, &add, new)
}

/// Another of its kind with the same callers and callees.
pub fn twin(editor: &mut Editor, direction: f32) -> Vec<Effect> {
    let Some(name) = editor.selection.nodes.first().cloned() else { return Vec::new() };
    let clip = clipboard::cut_out(&editor.design, std::slice::from_ref(&name));
    let Some(start) = editor.design.nodes.get(&name).and_then(|node| node.at) else { return Vec::new() };
    let step = (0.0, direction * BELOW);
    let at = free_place(editor, start, step, step);
    let copy = clipboard::copy(&editor.design, &clip, (at.0 - start.0, at.1 - start.1), true);
    let Some(new) = copy.names.first().cloned() else { return Vec::new() };
    select_new(editor, &copy.edit, new)
}

fn select_new(editor: &mut Editor, add: &Edit, name: String) -> Vec<Effect> {
    let said = edit(editor, add, "add");
    if said.is_empty() { go(editor, Some(name)) } else { said }
}

/// See [`Editor::room_at`].
pub fn room_at(editor: &Editor, middle: Point) -> Point {
    let half = (CARD.0 / 2.0, CARD.1 / 2.0);
    let corner = free_place(editor, (middle.0 - half.0, middle.1 - half.1), (0.0, 0.0), (BESIDE, 0.0));
    (corner.0 + half.0, corner.1 + half.1)
}

/// The first place that is free: a step from `start`, and then so much further at a time.
fn free_place(editor: &Editor, start: Point, first: Point, further: Point) -> Point {
    let mut at = (start.0 + first.0, start.1 + first.1);
    let cards: Vec<Point> = editor.design.nodes.values().filter_map(|node| node.at).collect();
    // A card is in the way of two places at most, so that there are not more to try than this.
    for _ in 0..=2 * cards.len() {
        if !cards.iter().any(|card| arrange::is_close(*card, at)) {
            break;
        }
        at = (at.0 + further.0, at.1 + further.1);
    }
    at
}

pub fn align(editor: &mut Editor, edge: Edge) -> Vec<Effect> {
    let aligned = arrange::align(&editor.design, &editor.selection.nodes, edge);
    edit(editor, &aligned, "align")
}

pub fn distribute(editor: &mut Editor, upright: bool) -> Vec<Effect> {
    let distributed = arrange::distribute(&editor.design, &editor.selection.nodes, upright);
    edit(editor, &distributed, "distribute")
}

/// All moves of the same cards by key, one after the other, are one step.
pub fn nudge(editor: &mut Editor, by: Point) -> Vec<Effect> {
    let moved = arrange::shift(&editor.design, &editor.selection.nodes, by);
    match editor.edit_as(&moved, "move", Some("nudge")) {
        Ok(()) => Vec::new(),
        Err(refusal) => vec![Effect::Refuse(refusal)],
    }
}

/// What a fault does to a node or link; `None` if it cannot be done to that.
pub type Fault = fn(&Editor, String) -> Option<Strike>;

/// The node has this handle, and something for it to act on.
fn takes(editor: &Editor, node: &str, handle: Handle) -> bool {
    let Some(node) = editor.design.nodes.get(node) else { return false };
    node.kind.meta().controls.contains(&handle) && (handle != Handle::Slow || node.kind.takes_time())
}

/// The node has this handle, or the node of this replica.
fn replica_takes(editor: &Editor, target: &str, handle: Handle) -> bool {
    match Target::find(&editor.design, target) {
        Some(Target::Node(node) | Target::Replica(node, _)) => takes(editor, node, handle),
        Some(Target::Link(_)) | None => false,
    }
}

pub fn kill(editor: &Editor, target: String) -> Option<Strike> {
    let dies = replica_takes(editor, &target, Handle::Kill) || editor.design.link(&target).is_some();
    dies.then_some(Strike::Kill(target))
}

pub fn restart(editor: &Editor, target: String) -> Option<Strike> {
    replica_takes(editor, &target, Handle::Kill).then_some(Strike::Restart(target))
}

pub fn slow(editor: &Editor, target: String) -> Option<Strike> {
    replica_takes(editor, &target, Handle::Slow).then_some(Strike::Slow(target, 4.0))
}

pub fn fail(editor: &Editor, target: String) -> Option<Strike> {
    replica_takes(editor, &target, Handle::Fail).then_some(Strike::Fail(target, Ratio(0.5)))
}

pub fn freeze(editor: &Editor, target: String) -> Option<Strike> {
    replica_takes(editor, &target, Handle::Freeze).then_some(Strike::Freeze(target))
}

pub fn flush(editor: &Editor, target: String) -> Option<Strike> {
    takes(editor, &target, Handle::Flush).then_some(Strike::Flush(target))
}

pub fn pause(editor: &Editor, target: String) -> Option<Strike> {
    takes(editor, &target, Handle::Pause).then_some(Strike::Pause(target))
}

pub fn spike(editor: &Editor, target: String) -> Option<Strike> {
    takes(editor, &target, Handle::Spike).then_some(Strike::Spike(target, 3.0))
}

pub fn lose(editor: &Editor, target: String) -> Option<Strike> {
    editor.design.link(&target).is_some().then_some(Strike::Lose(target, Ratio(0.1)))
}

pub fn delay(editor: &Editor, target: String) -> Option<Strike> {
    editor.design.link(&target).is_some().then_some(Strike::Delay(target, Extra::Both(Span::from_millis(100))))
}

pub fn hold(editor: &Editor, target: String) -> Option<Strike> {
    editor.design.link(&target).is_some().then_some(Strike::Hold(target))
}

/// Nothing passes between the ends of a link, over whichever links.
pub fn part(editor: &Editor, target: String) -> Option<Strike> {
    let link = editor.design.link(&target)?;
    Some(Strike::Partition(vec![link.from.clone()], vec![link.to.clone()]))
}

pub fn heal(editor: &Editor, target: String) -> Option<Strike> {
    let can_break = match Target::find(&editor.design, &target)? {
        Target::Link(_) => true,
        Target::Node(node) | Target::Replica(node, _) => !editor.design.nodes[node].kind.meta().controls.is_empty(),
    };
    can_break.then_some(Strike::Heal(target))
}

fn targets(editor: &Editor) -> impl Iterator<Item = &String> {
    editor.selection.nodes.iter().chain(&editor.selection.links)
}

pub fn can_strike(editor: &Editor, fault: Fault) -> bool {
    targets(editor).any(|target| fault(editor, target.clone()).is_some())
}

pub fn strike(editor: &mut Editor, fault: Fault) -> Vec<Effect> {
    targets(editor).filter_map(|target| fault(editor, target.clone())).map(Effect::Strike).collect()
}

/// Something can be done to one of them.
pub fn can_break(editor: &Editor) -> bool {
    targets(editor).any(|target| !super::actions::faults(editor, target).is_empty())
}

pub fn can_kill(editor: &Editor) -> bool {
    can_strike(editor, kill)
}

/// What can be killed, and links, which can be cut. Whether they are dead now only the window knows.
pub fn toggle_kill(editor: &mut Editor) -> Vec<Effect> {
    let mortal = targets(editor).filter(|target| kill(editor, (*target).clone()).is_some());
    vec![Effect::ToggleKill(mortal.cloned().collect())]
}

/// The selected nodes that are linked with others, and these others.
fn sides(editor: &Editor) -> (Vec<String>, Vec<String>) {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    let selected = |name: &String| editor.selection.has_node(name);
    for link in &editor.design.links {
        let across = match (selected(&link.from), selected(&link.to)) {
            (true, false) => (&link.from, &link.to),
            (false, true) => (&link.to, &link.from),
            _ => continue,
        };
        inside.push(across.0.clone());
        outside.push(across.1.clone());
    }
    for side in [&mut inside, &mut outside] {
        side.sort();
        side.dedup();
    }
    (inside, outside)
}

pub fn can_cut_off(editor: &Editor) -> bool {
    !sides(editor).0.is_empty()
}

pub fn cut_off(editor: &mut Editor) -> Vec<Effect> {
    let (inside, outside) = sides(editor);
    vec![Effect::Strike(Strike::Partition(inside, outside))]
}
