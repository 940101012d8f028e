//! Which calls come where, as far as the drawing says: what the checks must know of a design as a whole.

use crate::design::{Action, Design, LinkSpec, ModeSpec, OperationSpec, WaitSpec};
use crate::engine::{MAX_CLASSES, Role};
use crate::kinds::{Group, Param, Spec, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A set of request classes: a bit for each, in the order of [`Design::classes`].
pub type Classes = u64;

/// A design with what flows through it.
pub struct Flow<'a> {
    pub design: &'a Design,
    pub classes: Vec<String>,
    /// The links out of each node in the order in which the engine sees them, and those into it.
    outs: BTreeMap<&'a str, Vec<usize>>,
    ins: BTreeMap<&'a str, Vec<usize>>,
    /// The classes that come to a node, or that a client issues.
    at: BTreeMap<&'a str, Classes>,
    /// The classes that each link carries.
    carried: Vec<Classes>,
    /// The nodes that may report a miss.
    misses: BTreeSet<&'a str>,
    /// What the timeline sets: `api.slots`.
    set: Vec<&'a str>,
}

/// Whether a kind makes its calls step by step; the others pass each call on to one of their links.
pub fn walks(kind: &Spec) -> bool {
    kind.meta().role == Role::Service
}

/// The texts of a kind's parameters by name.
pub fn settings(kind: &Spec) -> BTreeMap<&'static str, String> {
    let mut settings = BTreeMap::new();
    kind.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
        settings.insert(param.name, value.text());
    });
    settings
}

impl<'a> Flow<'a> {
    /// None where the design has more classes than a run can have, or none of its clients issues anything.
    pub fn of(design: &'a Design) -> Option<Flow<'a>> {
        let classes = design.classes();
        if classes.is_empty() || classes.len() > MAX_CLASSES {
            return None;
        }
        let mut outs = BTreeMap::<&str, Vec<usize>>::new();
        let mut ins = BTreeMap::<&str, Vec<usize>>::new();
        for (i, link) in design.links.iter().enumerate() {
            outs.entry(&link.from).or_default().push(i);
            ins.entry(&link.to).or_default().push(i);
        }
        for links in outs.values_mut() {
            links.sort_by_cached_key(|&i| (design.links[i].step, design.links[i].name()));
        }
        let set = design.timeline.iter().filter_map(|intervention| match &intervention.action {
            Action::Set(path, _) => Some(path.as_str()),
            _ => None,
        });
        let carried = vec![0; design.links.len()];
        let (at, misses) = (BTreeMap::new(), BTreeSet::new());
        let mut flow = Flow { design, classes, outs, ins, at, carried, misses, set: set.collect() };
        flow.find_misses();
        flow.spread();
        Some(flow)
    }

    /// From the clients along the links, until nothing is added.
    fn spread(&mut self) {
        let design = self.design;
        let mut waiting: Vec<&str> = Vec::new();
        for (name, node) in &design.nodes {
            let issued = node.kind.classes();
            if !issued.is_empty() {
                let bits = (0..self.classes.len()).filter(|&i| issued.contains(&self.classes[i]));
                self.at.insert(name, bits.fold(0, |all, bit| all | 1 << bit));
                waiting.push(name);
            }
        }
        while let Some(node) = waiting.pop() {
            for (i, classes) in self.carried_from(node) {
                self.carried[i] |= classes;
                let to = design.links[i].to.as_str();
                let there = self.at.entry(to).or_default();
                if *there | classes != *there {
                    *there |= classes;
                    waiting.push(to);
                }
            }
        }
    }

    /// What each link out of a node takes of the classes that come there.
    fn carried_from(&self, node: &str) -> Vec<(usize, Classes)> {
        let Some(kind) = self.design.nodes.get(node).map(|node| &node.kind) else { return Vec::new() };
        let (here, outs) = (self.at(node), self.outs(node));
        let link = |i: usize| &self.design.links[i];
        match kind.meta().role {
            Role::Service => outs.iter().map(|&i| (i, here & self.admitted(link(i)))).collect(),
            Role::Balancer => outs.iter().map(|&i| (i, here & self.of_classes(link(i)))).collect(),
            Role::Source | Role::Gate => {
                let mut left = here;
                let take = |&i: &usize| {
                    let taken = left & if outs.len() == 1 { Classes::MAX } else { self.of_classes(link(i)) };
                    // What the probability of a link leaves over goes to the next.
                    left &= if link(i).when.probability.0 >= 1.0 { !taken } else { Classes::MAX };
                    (i, taken)
                };
                outs.iter().map(take).collect()
            }
            Role::Cache => outs.first().map(|&i| (i, here)).into_iter().collect(),
            Role::Broker => outs.iter().map(|&i| (i, here)).collect(),
            // What scales is no call.
            Role::Scaler | Role::Store => Vec::new(),
        }
    }

    pub fn of_classes(&self, link: &LinkSpec) -> Classes {
        if link.when.classes.is_empty() {
            return Classes::MAX;
        }
        let bits = (0..self.classes.len()).filter(|&i| link.when.classes.contains(&self.classes[i]));
        bits.fold(0, |all, bit| all | 1 << bit)
    }

    /// What a link of an itinerary lets through.
    fn admitted(&self, link: &LinkSpec) -> Classes {
        if self.never(link).is_some() { 0 } else { self.of_classes(link) }
    }

    /// Why no call of whatever class ever takes a link of an itinerary, if so.
    pub fn never(&self, link: &LinkSpec) -> Option<String> {
        if link.calls <= 0.0 {
            return Some("`calls` is 0".to_owned());
        }
        if link.when.probability.0 <= 0.0 {
            return Some("its probability is 0".to_owned());
        }
        if link.wait == WaitSpec::Choose && link.weight <= 0.0 {
            return Some("its weight is 0".to_owned());
        }
        let other = link.when.after_miss.as_ref().or(link.when.after_failure.as_ref())?;
        let before = self.sibling(link, other)?;
        if before.mode == ModeSpec::Async {
            return Some(format!("`{}` is asynchronous: its reply is not waited for", before.name()));
        }
        link.when.after_miss.as_ref()?;
        let reads = !matches!(before.operation, Some(OperationSpec::Write | OperationSpec::Delete));
        let misses = reads && self.can_miss(&before.to);
        (!misses).then(|| format!("`{}` never reports a miss", before.name()))
    }

    /// The link of the same node that a condition speaks of.
    pub fn sibling(&self, link: &LinkSpec, other: &str) -> Option<&'a LinkSpec> {
        let mut siblings = self.outs(&link.from).iter().map(|&i| &self.design.links[i]);
        siblings.find(|sibling| sibling.name() == other || sibling.to == other)
    }

    /// The nodes that may answer a read that there is no such key, and those that pass such an answer on.
    fn find_misses(&mut self) {
        let mut waiting: Vec<&str> = Vec::new();
        for (name, node) in &self.design.nodes {
            let own = match node.kind.meta().role {
                Role::Cache => self.outs(name).is_empty(),
                // What cannot count a key that is not there always has one.
                Role::Store if node.kind.meta().has_measure("not_found") => {
                    let share = settings(&node.kind).get("missing").and_then(|share| share.parse::<f64>().ok());
                    share != Some(0.0) || self.is_set(name, "missing")
                }
                _ => false,
            };
            if own {
                waiting.push(name);
            }
        }
        while let Some(node) = waiting.pop() {
            if self.misses.insert(node) {
                let callers = self.ins(node).iter().map(|&i| self.design.links[i].from.as_str());
                let passes = |from: &&str| {
                    let role = self.design.nodes.get(*from).map(|node| node.kind.meta().role);
                    role.is_some_and(|role| role == Role::Cache || role.passes_on())
                };
                waiting.extend(callers.filter(passes));
            }
        }
    }

    /// Whether a node may answer a read that there is no such key.
    pub fn can_miss(&self, node: &str) -> bool {
        self.misses.contains(node) || !self.design.nodes.contains_key(node)
    }

    /// The classes that come to a node, or that it issues.
    pub fn at(&self, node: &str) -> Classes {
        self.at.get(node).copied().unwrap_or(0)
    }

    pub fn carried(&self, link: usize) -> Classes {
        self.carried[link]
    }

    /// Links by number, in the order of their steps.
    pub fn outs(&self, node: &str) -> &[usize] {
        self.outs.get(node).map_or(&[], Vec::as_slice)
    }

    pub fn ins(&self, node: &str) -> &[usize] {
        self.ins.get(node).map_or(&[], Vec::as_slice)
    }

    /// Whether the timeline sets a parameter.
    pub fn is_set(&self, target: &str, param: &str) -> bool {
        self.set.iter().any(|path| path.strip_prefix(target).and_then(|rest| rest.strip_prefix('.')) == Some(param))
    }

    pub fn names(&self, classes: Classes) -> Vec<&str> {
        (0..self.classes.len()).filter(|bit| classes >> bit & 1 == 1).map(|bit| self.classes[bit].as_str()).collect()
    }

    /// The classes that write their key.
    pub fn writes(&self) -> Classes {
        let mut writes = 0;
        for node in self.design.nodes.values() {
            if let Spec::Client(client) = &node.kind {
                let written = client.classes.iter().filter(|(_, class)| class.write).map(|(name, _)| name);
                writes |= written.fold(0, |all, name| all | self.bit(name));
            }
        }
        writes
    }

    fn bit(&self, class: &str) -> Classes {
        self.classes.iter().position(|other| other == class).map_or(0, |bit| 1 << bit)
    }

    /// Whether some autoscaler changes the number of replicas of a node, and up to how many.
    pub fn scaled_to(&self, node: &str) -> Option<u64> {
        let controls = |&i: &usize| {
            let from = self.design.links[i].from.as_str();
            let scaler = self.design.nodes.get(from).filter(|node| node.kind.meta().group == Group::Control)?;
            let first = self.outs(from).first() == Some(&i);
            first.then(|| settings(&scaler.kind).get("max").and_then(|max| max.parse().ok())).flatten()
        };
        self.ins(node).iter().find_map(controls)
    }
}
