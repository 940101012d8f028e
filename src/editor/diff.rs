//! What lies between two designs, by name, and how much of a running simulation it concerns.

use crate::design::{Design, Intervention, LinkSpec};
use crate::kinds::{Param, Value, Visitor};
use std::collections::{BTreeMap, BTreeSet};

/// How far a change reaches into a running simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nothing is different.
    Nothing,
    /// Only the drawing and its words: the engine is not touched.
    Cosmetic,
    /// Live parameters: patches of running nodes and links.
    Live,
    /// The plan is another: compile again, and carry over the state of what is unchanged.
    Recompile,
}

/// Parameters of a node or link that are different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The name of the node or link.
    pub name: String,
    pub params: Vec<&'static str>,
}

/// What is different. All lists are in the order of names.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Diff {
    pub added_nodes: Vec<String>,
    pub removed_nodes: Vec<String>,
    /// Same name, another kind.
    pub replaced_nodes: Vec<String>,
    pub added_links: Vec<String>,
    pub removed_links: Vec<String>,
    /// Same name, other ends.
    pub rewired_links: Vec<String>,
    /// Nodes whose parameters are different, but only live ones.
    pub live_nodes: Vec<Changed>,
    pub live_links: Vec<Changed>,
    /// Nodes of which something else is different, too: with all parameters that are.
    pub restarted_nodes: Vec<Changed>,
    pub restarted_links: Vec<Changed>,
    /// Nodes with another place or label.
    pub redrawn: Vec<String>,
    pub added_interventions: Vec<Intervention>,
    pub removed_interventions: Vec<Intervention>,
    pub seed: bool,
    /// Length or warm-up.
    pub run: bool,
    pub expectations: bool,
    /// Title, question or notes.
    pub words: bool,
}

impl Diff {
    /// From one design to another.
    pub fn between(before: &Design, after: &Design) -> Diff {
        let mut diff = Diff {
            seed: before.seed != after.seed,
            run: before.run != after.run,
            expectations: before.expect != after.expect,
            words: (&before.title, &before.question, &before.notes) != (&after.title, &after.question, &after.notes),
            added_interventions: beyond(&after.timeline, &before.timeline),
            removed_interventions: beyond(&before.timeline, &after.timeline),
            ..Diff::default()
        };
        diff.compare_nodes(before, after);
        diff.compare_links(before, after);
        diff
    }

    fn compare_nodes(&mut self, before: &Design, after: &Design) {
        self.removed_nodes = before.nodes.keys().filter(|name| !after.nodes.contains_key(*name)).cloned().collect();
        for (name, new) in &after.nodes {
            let Some(old) = before.nodes.get(name) else {
                self.added_nodes.push(name.clone());
                continue;
            };
            if (old.at, &old.label) != (new.at, &new.label) {
                self.redrawn.push(name.clone());
            }
            if old.kind.meta().key != new.kind.meta().key {
                self.replaced_nodes.push(name.clone());
            } else if old.kind != new.kind {
                let (old, new) = (texts(|v| old.kind.clone().visit(v)), texts(|v| new.kind.clone().visit(v)));
                let (params, live) = different(old, new);
                let list = if live { &mut self.live_nodes } else { &mut self.restarted_nodes };
                list.push(Changed { name: name.clone(), params });
            }
        }
    }

    fn compare_links(&mut self, before: &Design, after: &Design) {
        let (old_links, new_links) = (by_name(before), by_name(after));
        self.removed_links = old_links.keys().filter(|name| !new_links.contains_key(*name)).cloned().collect();
        for (name, new) in new_links {
            let Some(old) = old_links.get(&name) else {
                self.added_links.push(name);
                continue;
            };
            if *old == new {
                continue;
            }
            if (&old.from, &old.to) != (&new.from, &new.to) {
                self.rewired_links.push(name.clone());
            }
            let (params, live) = different(texts(|v| (*old).clone().visit(v)), texts(|v| new.clone().visit(v)));
            if !params.is_empty() {
                let list = if live { &mut self.live_links } else { &mut self.restarted_links };
                list.push(Changed { name, params });
            }
        }
    }

    /// How far all of it reaches. Interventions count as a recompile; the caller that knows that what was added still
    /// lies ahead, or happens now, may look at [`is_only_interventions`](Diff::is_only_interventions) first.
    pub fn reach(&self) -> Reach {
        let plan = [&self.added_nodes, &self.removed_nodes, &self.replaced_nodes, &self.added_links]
            .into_iter()
            .chain([&self.removed_links, &self.rewired_links])
            .any(|names| !names.is_empty());
        let restarted = !self.restarted_nodes.is_empty() || !self.restarted_links.is_empty();
        let timeline = !self.added_interventions.is_empty() || !self.removed_interventions.is_empty();
        if plan || restarted || timeline || self.seed || self.run {
            Reach::Recompile
        } else if !self.live_nodes.is_empty() || !self.live_links.is_empty() {
            Reach::Live
        } else if !self.redrawn.is_empty() || self.expectations || self.words {
            Reach::Cosmetic
        } else {
            Reach::Nothing
        }
    }

    /// Whether nothing that the engine knows is different but the timeline, to which something was added.
    pub fn is_only_interventions(&self) -> bool {
        let rest = Diff { added_interventions: Vec::new(), ..self.clone() };
        !self.added_interventions.is_empty() && rest.reach() <= Reach::Cosmetic
    }

    /// Nodes of the later design that go on as they are, so that their state can be carried over.
    pub fn kept_nodes<'a>(&self, after: &'a Design) -> Vec<&'a str> {
        let restarted = self.restarted_nodes.iter().map(|changed| &changed.name);
        let other: BTreeSet<&String> = self.added_nodes.iter().chain(&self.replaced_nodes).chain(restarted).collect();
        after.nodes.keys().filter(|name| !other.contains(name)).map(String::as_str).collect()
    }
}

fn by_name(design: &Design) -> BTreeMap<String, &LinkSpec> {
    design.links.iter().map(|link| (link.name(), link)).collect()
}

/// What of the first list is not in the second, each as often as it is there more.
fn beyond(list: &[Intervention], other: &[Intervention]) -> Vec<Intervention> {
    let mut rest: Vec<&Intervention> = other.iter().collect();
    let mut beyond = Vec::new();
    for item in list {
        match rest.iter().position(|other| *other == item) {
            Some(i) => drop(rest.swap_remove(i)),
            None => beyond.push(item.clone()),
        }
    }
    beyond
}

/// Name, text, and whether it is live, of each parameter.
type Texts = Vec<(&'static str, String, bool)>;

fn texts(mut visit: impl FnMut(&mut dyn Visitor)) -> Texts {
    let mut texts = Vec::new();
    visit(&mut |param: &Param, value: &mut dyn Value| texts.push((param.name, value.text(), param.live)));
    texts
}

/// The parameters that are different, and whether all of these are live.
fn different(old: Texts, new: Texts) -> (Vec<&'static str>, bool) {
    let changed = || old.iter().zip(&new).filter(|(old, new)| old.1 != new.1);
    (changed().map(|(old, _)| old.0).collect(), changed().all(|(old, _)| old.2))
}
