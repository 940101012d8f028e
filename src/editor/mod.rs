//! Editing a design: tools, selection, history, clipboard, actions. No window in it: the window says where the pointer is
//! and on what ([`Input`]), and shows what comes back ([`Effect`], [`Overlay`], [`Editor::shown`]).
//!
//! A gesture is begun, previewed and committed or cancelled; each preview is computed from the design at its beginning,
//! so that to cancel is to forget. The editor never simulates.

pub mod actions;
mod arrange;
pub mod aside;
mod clipboard;
mod edit;
mod fix;
mod history;
mod input;
mod moving;
pub mod names;
mod output;
mod perform;
mod selection;
mod shortcut;
mod snap;
mod tool;
mod travel;
pub mod wiring;

pub use arrange::{Edge, settle};
pub use edit::{Edit, Edited, apply};
pub use fix::{Fix, remedy};
pub use history::{History, MOST_ITEMS, MOST_STEPS};
pub use input::{CARD, End, Hit, Input, Modifiers, Point, Side, Tool};
pub use output::{Area, Cursor, Effect, Guide, Marquee, Overlay, Target, WindowAction, Wire, Wired};
pub use selection::Selection;
pub use shortcut::{Key, Shortcut};

use crate::design::{Design, Node};
use crate::kinds::{KINDS, Meta, Spec};
use std::collections::BTreeMap;
use std::sync::Arc;
use tool::Gesture;

/// A design that is being edited.
#[derive(Clone, Debug)]
pub struct Editor {
    design: Arc<Design>,
    /// What is in the file.
    saved: Arc<Design>,
    history: History,
    selection: Selection,
    tool: Tool,
    gesture: Gesture,
    /// What the design would be if the gesture ended now.
    preview: Option<Arc<Design>>,
    overlay: Overlay,
    /// Whether what is dragged stays where the pointer puts it, instead of going to the grid and to guides.
    free: bool,
    /// Pixels of the screen to one of the board.
    zoom: f32,
    /// Kinds that were inserted, the latest first.
    recent: Vec<&'static str>,
}

impl Editor {
    /// Edit a design. Nodes without a place are [settled](settle), which is no change that would have to be saved.
    pub fn new(mut design: Design) -> Editor {
        settle(&mut design);
        let design = Arc::new(design);
        Editor {
            saved: design.clone(),
            design,
            history: History::default(),
            selection: Selection::default(),
            tool: Tool::default(),
            gesture: Gesture::default(),
            preview: None,
            overlay: Overlay::default(),
            free: false,
            zoom: 1.0,
            recent: Vec::new(),
        }
    }

    /// Edit another design instead, with a history of its own. Tool and settings stay.
    pub fn open(&mut self, design: Design) {
        let recent = std::mem::take(&mut self.recent);
        *self = Editor { tool: self.tool, free: self.free, zoom: self.zoom, recent, ..Editor::new(design) };
    }

    /// The design without what a gesture would make of it.
    pub fn design(&self) -> &Arc<Design> {
        &self.design
    }

    /// The design to show: as it would be if the gesture ended now.
    pub fn shown(&self) -> &Arc<Design> {
        self.preview.as_ref().unwrap_or(&self.design)
    }

    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Select these; names that are not in the design are left out.
    pub fn select(&mut self, mut selection: Selection) {
        selection.follow(&BTreeMap::new(), &self.design);
        self.selection = selection;
        self.history.seal();
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn tool(&self) -> Tool {
        self.tool
    }

    /// Take up a tool; a gesture that goes on is cancelled.
    pub fn set_tool(&mut self, tool: Tool) {
        self.cancel();
        self.tool = tool;
    }

    /// The nodes as one reads them: in rows from the top, each from left to right.
    pub fn reading_order(&self) -> Vec<&str> {
        travel::reading_order(&self.design)
    }

    /// Whether dragging goes to the grid and to guides.
    pub fn snaps(&self) -> bool {
        !self.free
    }

    pub fn set_snaps(&mut self, snaps: bool) {
        self.free = !snaps;
    }

    /// How many pixels of the screen one of the board is: what is near, and what is a click, is meant for the eye.
    pub fn set_zoom(&mut self, zoom: f32) {
        debug_assert!(zoom > 0.0);
        self.zoom = zoom;
    }

    /// Whether there is something to save.
    pub fn is_changed(&self) -> bool {
        !Arc::ptr_eq(&self.design, &self.saved) && self.design != self.saved
    }

    /// This design has been saved: not always the present one, if saving took a while.
    pub fn mark_saved(&mut self, design: &Arc<Design>) {
        self.saved = design.clone();
    }

    /// Change the design, in one step of the history. A gesture that goes on is cancelled.
    ///
    /// # Errors
    /// As [`apply`]; nothing is changed then.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), String> {
        self.edit_as(edit, edit.title(), None)
    }

    fn edit_as(&mut self, edit: &Edit, what: &str, key: Option<&str>) -> Result<(), String> {
        self.cancel();
        let edited = apply(&self.design, edit)?;
        self.commit(edited, what, key);
        Ok(())
    }

    /// One step of the history, if anything is different.
    fn commit(&mut self, edited: Edited, what: &str, key: Option<&str>) {
        let Edited { mut design, renames, .. } = edited;
        settle(&mut design);
        arrange::make_room(&self.design, &mut design, &renames);
        if design == *self.design {
            return;
        }
        self.history.record(&self.design, &self.selection, what, key);
        self.design = Arc::new(design);
        self.selection.follow(&renames, &self.design);
    }

    /// Undo a step. Whether there was one.
    pub fn undo(&mut self) -> bool {
        self.cancel();
        let state = self.history.undo(&self.design, &self.selection);
        self.go_to(state)
    }

    /// Redo a step. Whether there was one.
    pub fn redo(&mut self) -> bool {
        self.cancel();
        let state = self.history.redo(&self.design, &self.selection);
        self.go_to(state)
    }

    fn go_to(&mut self, state: Option<(Arc<Design>, Selection)>) -> bool {
        self.history.seal();
        let found = state.is_some();
        if let Some((design, selection)) = state {
            (self.design, self.selection) = (design, selection);
        }
        found
    }

    /// Kinds to offer for insertion, the latest used first; those that could not be joined to `wired` are left out.
    pub fn choices(&self, wired: Option<&Wired>) -> Vec<&'static Meta> {
        let mut kinds: Vec<&'static Meta> =
            KINDS.iter().filter(|meta| self.adding(meta.key, (0.0, 0.0), wired).is_ok()).collect();
        kinds.sort_by_key(|meta| self.recent.iter().position(|key| *key == meta.key).unwrap_or(usize::MAX));
        kinds
    }

    /// Insert a node of this kind, with its middle here; or, if it is joined to another, with the side to which the link
    /// leads. It is selected. Returns its name.
    ///
    /// # Errors
    /// If there is no such kind, or the link cannot be: a sentence. Nothing is changed then.
    pub fn insert(&mut self, kind: &str, at: Point, wired: Option<&Wired>) -> Result<String, String> {
        let (name, edit) = self.adding(kind, at, wired)?;
        self.edit(&aside::with_aside(&self.design, edit))?;
        self.remember(kind);
        self.select(Selection::of_nodes([name.clone()]));
        Ok(name)
    }

    /// Where a new card has room, its middle at a place or to the right of it.
    pub fn room_at(&self, middle: Point) -> Point {
        perform::room_at(self, middle)
    }

    /// The name of a new node, and the edit that adds it; or why it cannot be joined.
    fn adding(&self, kind: &str, at: Point, wired: Option<&Wired>) -> Result<(String, Edit), String> {
        let spec = Spec::new(kind).ok_or_else(|| format!("there is no kind `{kind}`"))?;
        let name = names::fresh_node(&self.design, kind);
        let left = match wired.map(|wired| wired.side) {
            None => at.0 - CARD.0 / 2.0,
            Some(Side::Out) => at.0,
            Some(Side::In) => at.0 - CARD.0,
        };
        let corner = (left, at.1 - CARD.1 / 2.0);
        let corner = if self.free { corner } else { snap::to_grid(corner) };
        let node = Node { kind: spec, at: Some(corner), label: String::new() };
        let mut links = Vec::new();
        if let Some(Wired { node: other, side }) = wired {
            // As much of the design as matters for the link.
            let known = self.design.nodes.get(other).map(|node| (other.clone(), node.clone()));
            let nodes = known.into_iter().chain([(name.clone(), node.clone())]).collect();
            let of_other = self.design.links.iter().filter(|link| link.from == *other).cloned().collect();
            let part = Design { nodes, links: of_other, ..Design::default() };
            let (from, to) = if *side == Side::Out { (other, &name) } else { (&name, other) };
            if let Some(problem) = wiring::problem(&part, from, to, None) {
                return Err(problem);
            }
            links.push(wiring::new_link(&part, from, to));
        }
        let nodes = BTreeMap::from([(name.clone(), node)]);
        Ok((name, Edit::Add { nodes, links }))
    }

    fn remember(&mut self, kind: &str) {
        let Some(meta) = KINDS.iter().find(|meta| meta.key == kind) else { return };
        self.recent.retain(|key| *key != kind);
        self.recent.insert(0, meta.key);
    }

    /// What was typed over the name of a node. What can be a name becomes that, and findings, plots and files use it; the
    /// rest is only shown.
    ///
    /// # Errors
    /// If another node has the name. Nothing is changed then.
    pub fn commit_label(&mut self, node: &str, text: &str) -> Result<(), String> {
        let text = text.trim();
        let label = |label: &str| Edit::SetLabel { node: node.to_owned(), label: label.to_owned() };
        let edit = if text.is_empty() || text == node {
            label("")
        } else if names::problem(text).is_some() {
            label(text)
        } else {
            let rename = Edit::RenameNode { from: node.to_owned(), to: text.to_owned() };
            Edit::All(vec![label(""), rename])
        };
        self.edit(&edit)
    }

    /// Insert what [`Effect::CopyText`] gave, or the nodes of a whole scenario: with its middle here, or else near to
    /// where it was. With `keep_outer`, links to nodes that were not copied are kept where these are there. What is
    /// inserted is selected.
    ///
    /// # Errors
    /// If the text holds no nodes. Nothing is changed then.
    pub fn paste(&mut self, text: &str, at: Option<Point>, keep_outer: bool) -> Result<(), String> {
        let clip = clipboard::read(text)?;
        let pasted = clipboard::paste(&self.design, &clip, at, keep_outer);
        self.edit_as(&pasted.edit, "paste", None)?;
        self.select(Selection::of_nodes(pasted.names));
        Ok(())
    }

    /// Do what an action does, if it is enabled.
    pub fn perform(&mut self, action: &actions::Action) -> Vec<Effect> {
        use actions::Menu;
        // What changes the design is about what is selected before a gesture makes something else of it.
        if matches!(action.menu, Menu::Edit | Menu::Insert | Menu::Arrange | Menu::Break) {
            self.cancel();
        }
        if (action.enabled)(self) { (action.perform)(self) } else { Vec::new() }
    }
}
