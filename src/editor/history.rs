//! Undo and redo. A step is the design before it, with its selection; nobody writes an inverse.

use super::selection::Selection;
use crate::design::Design;
use std::sync::Arc;

/// More steps than anybody goes back.
pub const MOST_STEPS: usize = 500;
/// Nodes and links that all remembered designs may have together, so that 500 steps of a large design do not fill the
/// memory: at about half a kilobyte each, some 100 MB.
pub const MOST_ITEMS: usize = 200_000;

/// A state to go back to.
#[derive(Clone, Debug)]
struct Step {
    design: Arc<Design>,
    selection: Selection,
    /// What was done then, for "Undo move".
    what: String,
    /// Steps of one key are one step; see [`History::record`].
    key: Option<String>,
}

/// What can be undone and redone.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Step>,
    future: Vec<Step>,
}

impl History {
    /// Remember a state before it is changed. A step with the same key as the last, which must not have been
    /// [sealed](History::seal), is part of that.
    pub(super) fn record(&mut self, design: &Arc<Design>, selection: &Selection, what: &str, key: Option<&str>) {
        self.future.clear();
        if key.is_some() && self.past.last().is_some_and(|step| step.key.as_deref() == key) {
            return;
        }
        self.past.push(Step {
            design: design.clone(),
            selection: selection.clone(),
            what: what.to_owned(),
            key: key.map(str::to_owned),
        });
        self.trim();
    }

    /// The last step is complete: what follows is a step of its own.
    pub(super) fn seal(&mut self) {
        if let Some(step) = self.past.last_mut() {
            step.key = None;
        }
    }

    pub(super) fn undo(&mut self, design: &Arc<Design>, selection: &Selection) -> Option<(Arc<Design>, Selection)> {
        let step = self.past.pop()?;
        Some(Self::turn(step, &mut self.future, design, selection))
    }

    pub(super) fn redo(&mut self, design: &Arc<Design>, selection: &Selection) -> Option<(Arc<Design>, Selection)> {
        let step = self.future.pop()?;
        Some(Self::turn(step, &mut self.past, design, selection))
    }

    /// Go to the state of a step, and leave the present one on the other side.
    fn turn(
        step: Step,
        other: &mut Vec<Step>,
        design: &Arc<Design>,
        selection: &Selection,
    ) -> (Arc<Design>, Selection) {
        let (design, selection) = (design.clone(), selection.clone());
        other.push(Step { design, selection, what: step.what, key: None });
        (step.design, step.selection)
    }

    fn trim(&mut self) {
        let size = |step: &Step| step.design.nodes.len() + step.design.links.len();
        let mut items: usize = self.past.iter().map(size).sum();
        let mut gone = 0;
        while self.past.len() - gone > MOST_STEPS || (items > MOST_ITEMS && self.past.len() - gone > 1) {
            items -= size(&self.past[gone]);
            gone += 1;
        }
        self.past.drain(..gone);
    }

    /// What would be undone.
    pub fn undoable(&self) -> Option<&str> {
        self.past.last().map(|step| step.what.as_str())
    }

    /// What would be redone.
    pub fn redoable(&self) -> Option<&str> {
        self.future.last().map(|step| step.what.as_str())
    }

    /// Steps that can be undone, and that can be redone.
    pub fn depth(&self) -> (usize, usize) {
        (self.past.len(), self.future.len())
    }
}
