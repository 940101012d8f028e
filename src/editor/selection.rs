//! What is selected, by name, in the order in which it was picked.

use super::names::Renames;
use crate::design::Design;
use std::collections::BTreeSet;

/// Selected nodes and links. Names that are picked later stand later.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Selection {
    pub nodes: Vec<String>,
    /// By their [`name`](crate::design::LinkSpec::name).
    pub links: Vec<String>,
}

impl Selection {
    pub fn of_nodes<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Selection {
        Selection { nodes: names.into_iter().map(Into::into).collect(), links: Vec::new() }
    }

    pub fn of_links<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Selection {
        Selection { nodes: Vec::new(), links: names.into_iter().map(Into::into).collect() }
    }

    /// All nodes. Their links go where they go, and are settings of another kind.
    pub fn all(design: &Design) -> Selection {
        Selection::of_nodes(design.nodes.keys())
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.links.is_empty()
    }

    /// How many nodes and links.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.links.len()
    }

    pub fn has_node(&self, name: &str) -> bool {
        self.nodes.iter().any(|other| other == name)
    }

    pub fn has_link(&self, name: &str) -> bool {
        self.links.iter().any(|other| other == name)
    }

    pub fn toggle_node(&mut self, name: &str) {
        toggle(&mut self.nodes, name);
    }

    pub fn toggle_link(&mut self, name: &str) {
        toggle(&mut self.links, name);
    }

    /// Add what is not in it yet.
    pub fn add(&mut self, other: &Selection) {
        self.nodes.extend(other.nodes.iter().cloned());
        self.links.extend(other.links.iter().cloned());
        for names in [&mut self.nodes, &mut self.links] {
            unique(names);
        }
    }

    pub fn remove(&mut self, other: &Selection) {
        self.nodes.retain(|name| !other.has_node(name));
        self.links.retain(|name| !other.has_link(name));
    }

    /// The other nodes; or the other links, if it holds only links.
    pub fn inverted(&self, design: &Design) -> Selection {
        let only_links = self.nodes.is_empty() && !self.links.is_empty();
        let links = || Selection::of_links(design.links.iter().map(|link| link.name()));
        let mut all = if only_links { links() } else { Selection::all(design) };
        all.remove(self);
        all
    }

    /// The same things under their new names; what is not there any more is left out.
    pub(super) fn follow(&mut self, renames: &Renames, design: &Design) {
        let links: BTreeSet<String> = design.links.iter().map(|link| link.name()).collect();
        let renamed = |names: &[String]| -> Vec<String> {
            names.iter().filter_map(|name| renames.get(name).map_or(Some(name.clone()), Clone::clone)).collect()
        };
        self.nodes = renamed(&self.nodes);
        self.nodes.retain(|name| design.nodes.contains_key(name));
        self.links = renamed(&self.links);
        self.links.retain(|name| links.contains(name));
        unique(&mut self.nodes);
        unique(&mut self.links);
    }
}

/// Each name once, where it was picked first.
fn unique(names: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    names.retain(|name| known.insert(name.clone()));
}

fn toggle(names: &mut Vec<String>, name: &str) {
    match names.iter().position(|other| other == name) {
        Some(i) => {
            names.remove(i);
        }
        None => names.push(name.to_owned()),
    }
}
