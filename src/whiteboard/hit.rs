//! What lies under the pointer.

use super::view::View;
use crate::design::Design;
use crate::editor::{End, Hit, Point, Side};
use crate::figure::board::Board;
use crate::figure::scene::{self, Owner, Shape};
use egui::{Pos2, Rect, pos2};
use std::collections::BTreeMap;

/// How near is near enough, in points of the screen.
pub const NEAR: f32 = 7.0;
/// The radius of a handle, in points of the screen.
pub const HANDLE: f32 = 6.0;
/// On a smaller map handles would cover the cards beside them: there the tool links.
const SMALLEST_WITH_HANDLES: f32 = 0.35;
/// How far from the rim of the card it stands, where there is room.
const STAND_OFF: f32 = 10.0;

/// What can be hit of a board that was drawn, in the order of drawing, on the board.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    pub cards: Vec<(String, Rect)>,
    names: Vec<(String, Rect)>,
    /// The links by their number in the design, and their ways.
    pub ways: Vec<(usize, Vec<Pos2>)>,
}

impl Targets {
    /// Of the primitives of a design, whose own origin lies at `origin` of the board.
    pub fn of(design: &Design, drawn: &Board) -> Targets {
        let (items, origin) = (&drawn.scene.items, drawn.origin);
        let mut targets = Targets::default();
        let numbers: BTreeMap<String, usize> =
            design.links.iter().enumerate().map(|(i, link)| (link.name(), i)).collect();
        let at = |p: scene::Point| pos2((p.x + origin.x) as f32, (p.y + origin.y) as f32);
        let room = |rect: scene::Rect| {
            Rect::from_min_max(
                at(scene::Point::new(rect.x, rect.y)),
                at(scene::Point::new(rect.right(), rect.bottom())),
            )
        };
        for item in items {
            match (&item.owner, item.slot, &item.shape) {
                (Owner::Node(name), "card", Shape::Box { rect, .. }) => {
                    targets.cards.push((name.to_string(), room(*rect)));
                }
                (Owner::Node(name), "name", _) => targets.names.push((name.to_string(), room(item.bounds()))),
                _ => {}
            }
        }
        let ways = drawn.ways.iter();
        targets.ways = ways
            .filter_map(|way| Some((*numbers.get(&way.link)?, way.corners.iter().map(|p| at(*p)).collect())))
            .collect();
        targets
    }

    pub fn card(&self, name: &str) -> Option<Rect> {
        self.cards.iter().find(|(other, _)| other == name).map(|(_, rect)| *rect)
    }

    /// Where the handle of a card is, on the board: nearer to it than to any other.
    pub fn handle(&self, card: Rect, side: Side, view: &View) -> Pos2 {
        let is_beside = |other: &Rect| other.y_range().expand(HANDLE / view.zoom).contains(card.center().y);
        let others = self.cards.iter().map(|(_, other)| other).filter(|other| **other != card && is_beside(other));
        let gaps = others.filter_map(|other| match side {
            Side::Out => (other.center().x > card.center().x).then(|| other.left() - card.right()),
            Side::In => (other.center().x < card.center().x).then(|| card.left() - other.right()),
        });
        let gap = gaps.fold(f32::INFINITY, f32::min);
        let out = (STAND_OFF / view.zoom).min(gap / 2.0 - 1.0 / view.zoom).max(0.0);
        match side {
            Side::Out => pos2(card.right() + out, card.center().y),
            Side::In => pos2(card.left() - out, card.center().y),
        }
    }

    /// The place on a link that has this share of its way behind it.
    pub fn on_link(&self, design: &Design, link: &str, share: f64) -> Option<Pos2> {
        let (_, way) =
            self.ways.iter().find(|(number, _)| design.links.get(*number).is_some_and(|l| l.name() == link))?;
        let length: f32 = way.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
        let mut left = length * share as f32;
        for pair in way.windows(2) {
            let step = pair[0].distance(pair[1]);
            if left <= step && step > 0.0 {
                return Some(pair[0].lerp(pair[1], left / step));
            }
            left -= step;
        }
        way.last().copied()
    }

    /// What is under a place of the board. Handles are there for the cards that `with_handles` names; of what is dragged
    /// nothing is hit.
    pub fn hit(&self, at: Point, view: &View, with_handles: &[&str], dragged: &[String]) -> Hit {
        let at = pos2(at.0, at.1);
        let near = NEAR / view.zoom;
        let is_free = |name: &str| !dragged.iter().any(|other| other == name);
        let shown = self.cards.iter().rev().filter(|(name, _)| is_free(name));
        let shown = shown.filter(|(name, _)| has_handles(view) && with_handles.contains(&name.as_str()));
        let handles = shown.flat_map(|(name, card)| [Side::Out, Side::In].map(|side| (name, card, side)));
        let handles = handles.map(|(name, card, side)| (self.handle(*card, side, view).distance(at), name, side));
        let reached = handles.filter(|(distance, ..)| *distance <= (HANDLE + 4.0) / view.zoom);
        if let Some((_, name, side)) = reached.min_by(|a, b| a.0.total_cmp(&b.0)) {
            return Hit::Handle(name.clone(), side);
        }
        for (name, card) in self.cards.iter().rev().filter(|(name, _)| is_free(name)) {
            if card.contains(at) {
                let on_name = self.names.iter().any(|(other, room)| other == name && room.expand(3.0).contains(at));
                return if on_name { Hit::Label(name.clone()) } else { Hit::Node(name.clone()) };
            }
        }
        let mut nearest: Option<(f32, Hit)> = None;
        for (number, way) in &self.ways {
            let (Some(first), Some(last)) = (way.first(), way.last()) else { continue };
            for (end, place) in [(End::From, *first), (End::To, *last)] {
                if place.distance(at) <= near * 1.4 {
                    return Hit::LinkEnd(*number, end);
                }
            }
            let distance = way.windows(2).map(|piece| distance(at, piece[0], piece[1])).fold(f32::INFINITY, f32::min);
            if distance <= near && nearest.as_ref().is_none_or(|(other, _)| distance < *other) {
                nearest = Some((distance, Hit::Link(*number)));
            }
        }
        nearest.map_or(Hit::Empty, |(_, hit)| hit)
    }
}

/// Whether cards are large enough on the screen for handles.
pub fn has_handles(view: &View) -> bool {
    view.zoom >= SMALLEST_WITH_HANDLES
}

/// From a place to a line.
fn distance(at: Pos2, from: Pos2, until: Pos2) -> f32 {
    let along = until - from;
    let share =
        if along.length_sq() > 0.0 { ((at - from).dot(along) / along.length_sq()).clamp(0.0, 1.0) } else { 0.0 };
    (from + along * share).distance(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_come_before_links_and_handles_before_cards() {
        let card = Rect::from_min_max(pos2(0.0, 0.0), pos2(168.0, 72.0));
        let name = Rect::from_min_max(pos2(40.0, 8.0), pos2(90.0, 24.0));
        let targets = Targets {
            cards: vec![("api".to_owned(), card)],
            names: vec![("api".to_owned(), name)],
            ways: vec![(3, vec![pos2(168.0, 36.0), pos2(300.0, 36.0), pos2(300.0, 200.0)])],
        };
        let view = View::default();
        let hit = |x: f32, y: f32, handles: &[&str]| targets.hit((x, y), &view, handles, &[]);
        assert_eq!(hit(100.0, 50.0, &[]), Hit::Node("api".to_owned()));
        assert_eq!(hit(60.0, 16.0, &[]), Hit::Label("api".to_owned()));
        assert_eq!(hit(178.0, 36.0, &["api"]), Hit::Handle("api".to_owned(), Side::Out));
        assert_eq!(hit(175.0, 36.0, &[]), Hit::LinkEnd(3, End::From));
        assert_eq!(hit(250.0, 40.0, &[]), Hit::Link(3));
        assert_eq!(hit(250.0, 60.0, &[]), Hit::Empty);
        assert_eq!(targets.hit((100.0, 50.0), &view, &[], &["api".to_owned()]), Hit::Empty, "what is dragged");
    }
}
