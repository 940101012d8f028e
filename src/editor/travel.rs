//! Going from node to node by key, and what lies upstream and downstream.

use super::arrange::card;
use super::input::{CARD, Point};
use crate::design::Design;
use std::collections::BTreeSet;

/// Nodes as one reads them: in rows from the top, each from left to right.
pub fn reading_order(design: &Design) -> Vec<&str> {
    let row = |at: Point| (at.1 / CARD.1).round();
    let mut order: Vec<(Point, &str)> =
        design.nodes.iter().map(|(name, node)| (node.at.unwrap_or_default(), name.as_str())).collect();
    order.sort_by(|a, b| row(a.0).total_cmp(&row(b.0)).then(a.0.0.total_cmp(&b.0.0)).then_with(|| a.1.cmp(b.1)));
    order.into_iter().map(|(_, name)| name).collect()
}

/// The node after this one in reading order, or before it; from the last to the first.
pub fn next<'a>(design: &'a Design, node: Option<&str>, backwards: bool) -> Option<&'a str> {
    let order = reading_order(design);
    let here = node.and_then(|node| order.iter().position(|name| *name == node));
    let n = order.len();
    let i = match (here, backwards) {
        (None, false) => 0,
        (None, true) => n.checked_sub(1)?,
        (Some(i), false) => (i + 1) % n,
        (Some(i), true) => (i + n - 1) % n,
    };
    order.get(i).copied()
}

/// The linked node that lies best in this direction (a step of one to the right or down).
pub fn along_link<'a>(design: &'a Design, node: &str, direction: Point) -> Option<&'a str> {
    let here = card(design, node)?.min;
    let linked = design.links.iter().filter_map(|link| {
        if link.from == node {
            Some(link.to.as_str())
        } else if link.to == node {
            Some(link.from.as_str())
        } else {
            None
        }
    });
    let rank = |name: &'a str| {
        let there = card(design, name)?.min;
        let way = (there.0 - here.0, there.1 - here.1);
        let ahead = way.0 * direction.0 + way.1 * direction.1;
        let aside = (way.0 * direction.1).abs() + (way.1 * direction.0).abs();
        // What lies more to the side than ahead belongs to another key, unless nothing else is ahead at all.
        (ahead > 0.0).then_some((aside / ahead, ahead, name))
    };
    let best = linked.filter_map(rank).min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    best.map(|(_, _, name)| name)
}

/// Which way along the links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To those that call.
    Up,
    /// To those that are called.
    Down,
}

/// These nodes and all that can be reached from them, in the order in which they are found.
pub fn reach(design: &Design, from: &[String], way: Way) -> Vec<String> {
    let mut found: Vec<String> = from.to_vec();
    let mut known: BTreeSet<String> = from.iter().cloned().collect();
    let mut i = 0;
    while i < found.len() {
        for link in &design.links {
            let (here, there) = match way {
                Way::Up => (&link.to, &link.from),
                Way::Down => (&link.from, &link.to),
            };
            if *here == found[i] && design.nodes.contains_key(there) && known.insert(there.clone()) {
                found.push(there.clone());
            }
        }
        i += 1;
    }
    found
}
