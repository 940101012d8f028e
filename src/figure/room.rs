//! The room between cards that stand close to each other: links keep to its middle.

use super::route::{Body, STUB, Side};
use std::collections::BTreeMap;

/// How far it is from each side of a body to the middle of the room between it and the next one there.
pub type Room = BTreeMap<Side, f64>;

/// More than this is never asked for.
const WIDE: f64 = 2.0 * STUB + 2.0;

/// The rooms that are so narrow that links have to keep to their middle.
pub fn rooms(bodies: &[Body]) -> Vec<Room> {
    let mut rooms = vec![Room::new(); bodies.len()];
    for (i, a) in bodies.iter().map(Body::outer).enumerate() {
        for (j, b) in bodies.iter().map(Body::outer).enumerate().skip(i + 1) {
            let level = a.y < b.bottom() && b.y < a.bottom();
            let upright = a.x < b.right() && b.x < a.right();
            let near = [
                (level, b.x - a.right(), Side::Right, Side::Left),
                (level, a.x - b.right(), Side::Left, Side::Right),
                (upright, b.y - a.bottom(), Side::Bottom, Side::Top),
                (upright, a.y - b.bottom(), Side::Top, Side::Bottom),
            ];
            for (beside, gap, mine, theirs) in near {
                if beside && (0.0..WIDE).contains(&gap) {
                    for (body, side) in [(i, mine), (j, theirs)] {
                        let room: &mut f64 = rooms[body].entry(side).or_insert(gap / 2.0);
                        *room = room.min(gap / 2.0);
                    }
                }
            }
        }
    }
    rooms
}

#[cfg(test)]
mod tests {
    use super::super::route::routes;
    use super::super::scene::{Point, Rect};
    use super::*;

    fn crosses(way: &[Point], rect: &Rect) -> bool {
        way.windows(2).any(|pair| {
            let (x, y) = (pair[0].x.min(pair[1].x), pair[0].y.min(pair[1].y));
            Rect::new(x, y, (pair[0].x - pair[1].x).abs(), (pair[0].y - pair[1].y).abs()).grown(0.01).overlaps(rect)
        })
    }

    /// Cards as close as a file may have them, in a block: no link runs through another card, and neighbours are joined
    /// through the room between them.
    #[test]
    fn links_keep_out_of_cards_however_close_these_are() {
        for (gap_x, gap_y) in [(4.0, 4.0), (8.0, 40.0), (12.0, 12.0), (20.0, 6.0), (24.0, 24.0)] {
            let at = |i: usize| Body {
                card: Rect::new((i % 3) as f64 * (168.0 + gap_x), (i / 3) as f64 * (96.0 + gap_y), 168.0, 96.0),
                gutter: 0.0,
                waist: 36.0,
            };
            let bodies: Vec<Body> = (0..9).map(at).collect();
            let all: Vec<(usize, usize)> =
                (0..9).flat_map(|a| (0..9).filter(move |b| *b != a).map(move |b| (a, b))).collect();
            for &(from, to) in &all {
                let way = &routes(&bodies, &[(from, to)])[0];
                for (i, body) in bodies.iter().enumerate() {
                    // The ends are on the rims of their own cards.
                    let inner = if [from, to].contains(&i) { body.card.grown(-1.0) } else { body.card };
                    assert!(!crosses(way, &inner), "{gap_x} {gap_y}: {from} to {to} through {i}: {way:?}");
                }
                assert!(way.windows(2).all(|pair| pair[0].x == pair[1].x || pair[0].y == pair[1].y), "{way:?}");
            }
            assert_eq!(routes(&bodies, &[(0, 1)])[0].len(), 2, "{gap_x} {gap_y}");
        }
    }
}
