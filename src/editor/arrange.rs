//! Where cards stand: places for those without, room between them, aligning and distributing.

use super::edit::Edit;
use super::input::{CARD, Point};
use super::names::Renames;
use super::output::Area;
use super::snap::GRID;
use crate::design::Design;
use std::collections::BTreeMap;

/// From one column to the next, and from one row to the next, where the design says nothing.
pub(super) const COLUMN: f32 = 280.0;
pub(super) const ROW: f32 = 144.0;
/// How near to each other the corners of two cards may be: a card, its queue in front of it and the lines that it gets
/// while it runs, and 24 pixels, so that a link and the handles of both have room between them.
const NEAREST: Point = (208.0, ROW);
/// A card that makes room for one that it is linked with goes so far, so that the link can be seen.
const LINKED: f32 = 240.0;

/// To which edge cards are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Left,
    Right,
    Top,
    Bottom,
}

/// The card of a node.
pub(super) fn card(design: &Design, name: &str) -> Option<Area> {
    let at = design.nodes.get(name)?.at?;
    Some(Area { min: at, max: (at.0 + CARD.0, at.1 + CARD.1) })
}

/// What encloses all of these cards.
pub(super) fn bounds<'a>(design: &Design, names: impl IntoIterator<Item = &'a String>) -> Option<Area> {
    names.into_iter().filter_map(|name| card(design, name)).reduce(|a, b| Area {
        min: (a.min.0.min(b.min.0), a.min.1.min(b.min.1)),
        max: (a.max.0.max(b.max.0), a.max.1.max(b.max.1)),
    })
}

/// Give every node without a place one: in columns, callers left of those they call, below what has its place.
pub fn settle(design: &mut Design) {
    if design.nodes.values().all(|node| node.at.is_some()) {
        return;
    }
    let below = bounds(design, design.nodes.keys()).map_or((0.0, 0.0), |area| (area.min.0, area.max.1 + ROW - CARD.1));
    let mut columns: BTreeMap<String, usize> = design.nodes.keys().map(|name| (name.clone(), 0)).collect();
    // Each round moves what is called one further. A cycle would go on for ever, and nobody looks at more columns.
    for _ in 0..64 {
        let mut moved = false;
        for link in &design.links {
            let Some(from) = columns.get(&link.from).copied() else { continue };
            if let Some(to) = columns.get_mut(&link.to)
                && *to <= from
                && from + 1 < design.nodes.len()
            {
                *to = from + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut heights: BTreeMap<usize, f32> = BTreeMap::new();
    for (name, node) in design.nodes.iter_mut().filter(|(_, node)| node.at.is_none()) {
        let column = columns[name];
        let y = heights.entry(column).or_insert(below.1);
        node.at = Some((below.0 + COLUMN * column as f32, *y));
        *y += ROW;
    }
}

/// Whether two cards with their corners there leave too little room between them.
pub(super) fn is_close(a: Point, b: Point) -> bool {
    (a.0 - b.0).abs() < NEAREST.0 && (a.1 - b.1).abs() < NEAREST.1
}

/// Let cards that are where an edit has put new or moved ones make room for them: each as little as it can, and others
/// for them in turn. Those that were moved stay as they are to each other, and what was close before stays so.
pub(super) fn make_room(before: &Design, after: &mut Design, renames: &Renames) {
    let old: BTreeMap<&String, Option<Point>> = (before.nodes.iter())
        .map(|(name, node)| (renames.get(name).and_then(Option::as_ref).unwrap_or(name), node.at))
        .collect();
    let all = after.nodes.iter().filter_map(|(name, node)| Some((name.clone(), node.at?)));
    let (mut settled, mut others): (Vec<Place>, Vec<Place>) =
        all.partition(|(name, at)| old.get(name).is_none_or(|old| *old != Some(*at)));
    let Some(middle) = settled.first().map(|(_, at)| *at) else { return };
    let away = |at: Point| (at.0 - middle.0).hypot(at.1 - middle.1);
    loop {
        let is_in_the_way = |place: &&Place| settled.iter().any(|(_, at)| is_close(place.1, *at));
        let next = others.iter().filter(is_in_the_way).min_by(|a, b| away(a.1).total_cmp(&away(b.1)));
        let Some((name, at)) = next.cloned() else { return };
        others.retain(|(other, _)| *other != name);
        let at = beside(after, &name, at, &settled);
        if let Some(node) = after.nodes.get_mut(&name) {
            node.at = Some(at);
        }
        settled.push((name, at));
    }
}

type Place = (String, Point);

/// The nearest place straight to the side, above or below that is close to none of these cards. What is linked rather
/// stays on one line.
fn beside(design: &Design, name: &str, at: Point, settled: &[Place]) -> Point {
    let is_linked = |other: &str| {
        let joins = |from: &str, to: &str| (from, to) == (name, other) || (from, to) == (other, name);
        design.links.iter().any(|link| joins(&link.from, &link.to))
    };
    let linked: Vec<bool> = settled.iter().map(|(other, _)| is_linked(other)).collect();
    let upright =
        if settled.iter().zip(&linked).any(|((_, other), linked)| *linked && is_close(at, *other)) { 4.0 } else { 1.0 };
    let grid = |value: f32, up: bool| if up { (value / GRID).ceil() * GRID } else { (value / GRID).floor() * GRID };
    let around = |((_, other), linked): (&Place, &bool)| {
        let wide = if *linked { LINKED } else { NEAREST.0 };
        [
            (grid(other.0 + wide, true), at.1),
            (grid(other.0 - wide, false), at.1),
            (at.0, grid(other.1 + NEAREST.1, true)),
            (at.0, grid(other.1 - NEAREST.1, false)),
        ]
    };
    let free = settled.iter().zip(&linked).flat_map(around);
    let free = free.filter(|place| !settled.iter().any(|(_, other)| is_close(*place, *other)));
    let cost = |place: Point| (place.0 - at.0).abs() + upright * (place.1 - at.1).abs();
    // To the right of the rightmost there is always one.
    free.min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(at)
}

/// Move cards so that they share an edge: the outermost of them.
pub(super) fn align(design: &Design, names: &[String], edge: Edge) -> Edit {
    let all = bounds(design, names).unwrap_or(Area { min: (0.0, 0.0), max: (0.0, 0.0) });
    let aligned = |at: Point| match edge {
        Edge::Left => (all.min.0, at.1),
        Edge::Right => (all.max.0 - CARD.0, at.1),
        Edge::Top => (at.0, all.min.1),
        Edge::Bottom => (at.0, all.max.1 - CARD.1),
    };
    Edit::Move(places(design, names).map(|(name, at)| (name, aligned(at))).collect())
}

/// Move all cards but the two outermost, so that the gaps between them are equal.
pub(super) fn distribute(design: &Design, names: &[String], upright: bool) -> Edit {
    let along = |at: Point| if upright { at.1 } else { at.0 };
    let mut order: Vec<(String, Point)> = places(design, names).collect();
    order.sort_by(|a, b| along(a.1).total_cmp(&along(b.1)).then_with(|| a.0.cmp(&b.0)));
    if let [(_, first), .., (_, last)] = order[..] {
        let step = (along(last) - along(first)) / (order.len() - 1) as f32;
        for (i, (_, at)) in order.iter_mut().enumerate() {
            let place = (along(first) + step * i as f32).round();
            *at = if upright { (at.0, place) } else { (place, at.1) };
        }
    }
    Edit::Move(order)
}

/// Move cards by so much.
pub(super) fn shift(design: &Design, names: &[String], by: Point) -> Edit {
    Edit::Move(places(design, names).map(|(name, at)| (name, (at.0 + by.0, at.1 + by.1))).collect())
}

fn places(design: &Design, names: &[String]) -> impl Iterator<Item = (String, Point)> {
    names.iter().filter_map(|name| Some((name.clone(), design.nodes.get(name)?.at?)))
}
