//! Names: new ones for what is added, and following those that change through everything that speaks of them.

use crate::design::{Action, Design, LinkSpec, MetricPath, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes and links by their old names, with their new ones; `None` is gone. What is not in it keeps its name.
pub type Renames = BTreeMap<String, Option<String>>;

/// The name itself if it is free, or else with the lowest number that makes it so, from 2: `cache-2`.
pub fn fresh(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    // Of `cache-2` the next is `cache-3`, not `cache-2-2`.
    let stem = match name.rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && number.parse::<u32>().is_ok() => stem,
        _ => name,
    };
    (2..).map(|n: u64| format!("{stem}-{n}")).find(|name| !is_taken(name)).unwrap_or_default()
}

/// A free name for a node.
pub fn fresh_node(design: &Design, name: &str) -> String {
    let links: BTreeSet<String> = design.links.iter().map(LinkSpec::name).collect();
    fresh(name, |name| design.nodes.contains_key(name) || links.contains(name))
}

/// Why this cannot be the name of a node, if it cannot.
pub fn problem(name: &str) -> Option<String> {
    let bad = name.is_empty() || name.contains(['.', '#', '@', '>']) || name.trim() != name;
    bad.then(|| {
        format!("`{name}` is not a name: it must not be empty, contain `.`, `#`, `@` or `>`, or end with a space")
    })
}

/// What had to go because what it spoke of is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    pub interventions: usize,
    pub expectations: usize,
}

/// Let timeline, expectations, frames and conditions of links follow. `before` is the design in which the old names are meant;
/// in `after` nodes and links have their new names already.
pub fn follow(before: &Design, after: &mut Design, renames: &Renames) -> Dropped {
    // A link with a name of its own may lead elsewhere without a new name.
    let same_ends = before.links.len() == after.links.len()
        && before.links.iter().zip(&after.links).all(|(old, new)| old.from == new.from && old.to == new.to);
    if renames.is_empty() && same_ends {
        return Dropped::default();
    }
    let names = Names { before, renames };
    let (timeline, expect) = (after.timeline.len(), after.expect.len());
    after.timeline.retain_mut(|intervention| names.action(&mut intervention.action));
    after.expect.retain_mut(|expectation| {
        let times = expectation.times.as_mut().is_none_or(|times| names.figure(times));
        names.figure(&mut expectation.that) && times
    });
    names.frames(after);
    names.conditions(after);
    Dropped { interventions: timeline - after.timeline.len(), expectations: expect - after.expect.len() }
}

/// Give the targets of an action, as they stand in this design, their new names.
pub fn rename_targets(design: &Design, renames: &Renames, action: &mut Action) {
    Names { before: design, renames }.action(action);
}

struct Names<'a> {
    before: &'a Design,
    renames: &'a Renames,
}

impl Names<'_> {
    /// The new name; `None` if it is gone.
    fn new_name(&self, name: &str) -> Option<String> {
        self.renames.get(name).map_or_else(|| Some(name.to_owned()), Clone::clone)
    }

    /// A node, link, or replica of a node. Whether it is still there.
    fn target(&self, text: &mut String) -> bool {
        let new = match Target::find(self.before, text) {
            Some(Target::Replica(node, replica)) => self.new_name(node).map(|node| format!("{node}#{replica}")),
            Some(Target::Node(_) | Target::Link(_)) | None => self.new_name(text),
        };
        new.is_some_and(|new| {
            *text = new;
            true
        })
    }

    fn action(&self, action: &mut Action) -> bool {
        match action {
            Action::Set(path, _) => self.path(path),
            Action::Kill(target)
            | Action::Restart(target)
            | Action::Slow(target, _)
            | Action::Fail(target, _)
            | Action::Lose(target, _)
            | Action::Delay(target, _)
            | Action::Hold(target)
            | Action::Freeze(target)
            | Action::Flush(target)
            | Action::Pause(target)
            | Action::Spike(target, _)
            | Action::Heal(target) => self.target(target),
            Action::Partition(one, other) => {
                for side in [&mut *one, &mut *other] {
                    side.retain_mut(|target| self.target(target));
                }
                !one.is_empty() && !other.is_empty()
            }
        }
    }

    /// A frame around nothing goes with the last of its nodes.
    fn frames(&self, after: &mut Design) {
        after.frames.retain_mut(|frame| {
            let was_empty = frame.nodes.is_empty();
            frame.nodes = frame.nodes.iter().filter_map(|name| self.new_name(name)).collect();
            was_empty || !frame.nodes.is_empty()
        });
    }

    /// `node.param` or `link.param`: the longest name that there was.
    fn path(&self, path: &mut String) -> bool {
        let is_there = |name: &str| self.before.nodes.contains_key(name) || self.before.link(name).is_some();
        let found = path.rmatch_indices('.').map(|(i, _)| i).find(|&i| is_there(&path[..i]));
        let Some(i) = found else { return true };
        match self.new_name(&path[..i]) {
            Some(new) => {
                path.replace_range(..i, &new);
                true
            }
            None => false,
        }
    }

    /// `subject.figure @ window`. Classes keep their names.
    fn figure(&self, text: &mut String) -> bool {
        let subject = MetricPath::parse(text).ok().and_then(|path| path.subject);
        let Some(subject) = subject.filter(|subject| self.renames.contains_key(subject)) else { return true };
        match (self.new_name(&subject), text.find(&subject)) {
            (Some(new), Some(i)) => {
                text.replace_range(i..i + subject.len(), &new);
                true
            }
            _ => false,
        }
    }

    /// A condition of a link speaks of another link of the same node, by its name or by where it leads. If that is gone
    /// or leaves another node now, so is the condition.
    fn conditions(&self, after: &mut Design) {
        // By its new name: where each link comes from and leads to.
        let ends: BTreeMap<String, (String, String)> =
            after.links.iter().map(|link| (link.name(), (link.from.clone(), link.to.clone()))).collect();
        let before: BTreeMap<String, &LinkSpec> =
            (self.before.links.iter()).filter_map(|link| Some((self.new_name(&link.name())?, link))).collect();
        for link in &mut after.links {
            let Some(old) = before.get(&link.name()) else { continue };
            for condition in [&mut link.when.after_miss, &mut link.when.after_failure] {
                let Some(other) = condition.as_ref() else { continue };
                let mut siblings = self.before.links.iter().filter(|link| link.from == old.from);
                // What spoke of nothing before is a finding, and stays one.
                let found = siblings.find(|link| link.name() == *other || link.to == *other);
                let Some(sibling) = found else { continue };
                let by_name = sibling.name() == *other;
                let now = self.new_name(&sibling.name()).and_then(|name| Some((ends.get(&name)?, name)));
                *condition = now
                    .filter(|((from, _), _)| *from == link.from)
                    .map(|((_, to), name)| if by_name { name } else { to.clone() });
            }
        }
    }
}
