//! What is left out of a tree, or made up, so that reading can go on past a mistake. The tree itself stays as it was read.

use super::error::{Error, Kind, StandIn, StepKind};
use super::standin::MAX_ATTEMPTS;
use super::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    /// Values whose field, key or element is left out.
    removed: BTreeSet<u32>,
    /// Values in whose place another is made up, and how many attempts failed.
    slots: BTreeMap<u32, u32>,
    /// Fields made up for a group, and how many attempts failed.
    added: BTreeMap<u32, Vec<(&'static str, u32)>>,
}

impl Edits {
    pub fn is_removed(&self, tree: &Tree) -> bool {
        self.removed.contains(&tree.id)
    }

    pub fn slot(&self, tree: &Tree) -> Option<u32> {
        self.slots.get(&tree.id).copied()
    }

    pub fn added(&self, owner: u32) -> &[(&'static str, u32)] {
        self.added.get(&owner).map_or(&[], Vec::as_slice)
    }

    /// Does anything in `tree` differ from what the text says?
    pub fn touches(&self, tree: &Tree) -> bool {
        tree.damaged
            || self.removed.contains(&tree.id)
            || self.slots.contains_key(&tree.id)
            || self.added.contains_key(&tree.id)
            || tree.children().any(|child| self.touches(child))
    }

    /// Is any part of the value made up?
    pub fn has_stand_ins(&self) -> bool {
        !(self.slots.is_empty() && self.added.is_empty())
    }

    /// The same, with nothing made up.
    pub fn only_removed(&self) -> Edits {
        Edits { removed: self.removed.clone(), ..Edits::default() }
    }

    /// Change something so that the mistake does not occur again. `false` if nothing can be done.
    pub fn avoid(&mut self, error: &Error, make_up: bool) -> bool {
        let error = error.inner();
        if let Some(stand_in) = error.stand_in {
            if self.next_attempt(stand_in) {
                return true;
            }
        } else if let (true, Kind::Missing(name), Some(owner)) = (make_up, &error.kind, error.node) {
            let added = self.added.entry(owner).or_default();
            if added.iter().all(|(other, _)| other != name) {
                added.push((name, 0));
                return true;
            }
        }
        for step in &error.steps {
            let changed = match step.kind {
                StepKind::Entry | StepKind::Item => self.removed.insert(step.child),
                StepKind::Slot if make_up && !self.slots.contains_key(&step.child) => {
                    self.slots.insert(step.child, 0);
                    true
                }
                StepKind::Slot | StepKind::Added => false,
            };
            if changed {
                return true;
            }
        }
        false
    }

    fn next_attempt(&mut self, stand_in: StandIn) -> bool {
        let attempts = match stand_in {
            StandIn::Slot(id) => self.slots.get_mut(&id),
            StandIn::Field { owner, name } => self
                .added
                .get_mut(&owner)
                .and_then(|fields| fields.iter_mut().find(|(other, _)| *other == name))
                .map(|(_, attempts)| attempts),
        };
        attempts.is_some_and(|attempts| {
            *attempts += 1;
            *attempts < MAX_ATTEMPTS
        })
    }
}
