//! Where cards stand: places for those without, aligning and distributing.

use super::edit::Edit;
use super::input::{CARD, Point};
use super::output::Area;
use crate::design::Design;
use std::collections::BTreeMap;

/// From one column to the next, and from one row to the next, where the design says nothing.
const COLUMN: f32 = 280.0;
const ROW: f32 = 128.0;

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
