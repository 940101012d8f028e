//! Which links can be drawn, and what a new one is like.

use super::names;
use crate::base::{Dist, Severity, Span};
use crate::design::{Design, LinkSpec, checks};
use crate::kinds::Group;
use std::collections::BTreeMap;

/// What of the checks no half-finished drawing needs: it is refused as it is drawn. Everything else, such as a cycle, a
/// person may be about to mend.
pub const REFUSED: &[&str] = &["self-link", "no-way-in", "no-way-out", "one-way-out", "too-many"];

/// A message's way within one data centre. Without any, nothing could be seen to travel.
const HOP: Span = Span::from_micros(250);

/// Why there can be no link from here to there (in place of link number `instead_of`, if given): a sentence. Both are
/// nodes of the design.
pub fn problem(design: &Design, from: &str, to: &str, instead_of: Option<usize>) -> Option<String> {
    // The checks are asked about as much of the design as matters.
    let known = |name: &str| design.nodes.get(name).map(|node| (name.to_owned(), node.clone()));
    let nodes: BTreeMap<_, _> = [from, to].into_iter().filter_map(known).collect();
    let of_caller = || design.links.iter().enumerate().filter(|(_, link)| link.from == from);
    let others = of_caller().filter(|(i, _)| Some(*i) != instead_of).map(|(_, link)| link.clone());
    let mut part = Design { nodes, links: others.collect(), ..Design::default() };
    part.links.push(LinkSpec::new(from, to));
    let after = refusals(&part);
    if after.is_empty() {
        return None;
    }
    // What is wrong already does not speak against a link that makes it no worse.
    part.links = of_caller().map(|(_, link)| link.clone()).collect();
    let before = refusals(&part);
    after.into_iter().find(|message| !before.contains(message))
}

fn refusals(design: &Design) -> Vec<String> {
    let refused = checks::check(design)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error && REFUSED.contains(&finding.code));
    refused.map(|finding| finding.message).collect()
}

/// Whether a link of this name would share it with a node or link.
pub fn is_taken(design: &Design, name: &str) -> bool {
    design.nodes.contains_key(name) || design.link(name).is_some()
}

/// A new link, so that the checks have as little as possible to say.
pub fn new_link(design: &Design, from: &str, to: &str) -> LinkSpec {
    let mut link = LinkSpec::new(from, to);
    let siblings = || design.links.iter().filter(|other| other.from == from);
    if design.nodes.get(from).is_some_and(|node| node.kind.meta().group == Group::Control) {
        // The first is what is controlled, the next what is watched.
        link.step = siblings().map(|other| other.step).max().map_or(1, |step| step.saturating_add(1));
    } else {
        link.latency = Dist::constant(HOP);
    }
    if let Some(other) = siblings().find(|other| other.step == link.step) {
        link.wait = other.wait;
    }
    if is_taken(design, &link.name()) {
        link.name = Some(names::fresh(&link.name(), |name| is_taken(design, name)));
    }
    link
}

/// The one link into a node and the one out of it, by number; `None` if there are more or fewer, or if its neighbours
/// are the same node.
pub fn neighbours(design: &Design, node: &str) -> Option<(usize, usize)> {
    let only = |leads: &dyn Fn(&LinkSpec) -> bool| {
        let mut found = (0..design.links.len()).filter(|&i| leads(&design.links[i]));
        found.next().filter(|_| found.next().is_none())
    };
    let inward = only(&|link| link.to == node)?;
    let outward = only(&|link| link.from == node)?;
    (design.links[inward].from != design.links[outward].to).then_some((inward, outward))
}
