//! The way of links around cards: along a grid of lines beside the cards, with few bends and crossings, and no two links
//! on one line where there is another way.

mod search;

use super::room::{Room, rooms};
use super::scene::{Point, Rect};
use search::Search;
use std::collections::BTreeMap;

/// How far a link goes straight before it may turn.
pub(super) const STUB: f64 = 14.0;
/// Tracks beside each other are so far apart; as many lie between two columns of cards.
const TRACK: f64 = 12.0;
const TRACKS: u32 = 10;
/// How close a link comes to a card that it passes.
const CLEARANCE: f64 = 8.0;
/// Links that share a side leave it so far apart, where there is room: a label fits between them.
const PITCH: f64 = 20.0;
/// A link that makes a smaller step beside a card leaves it elsewhere, so that it is straight. On a board of more links
/// nobody sees that, and to look for the ways again is dear.
const STEP: f64 = 24.0;
const MOST_SHIFTED: usize = 40;
/// What a way costs besides its length.
const BEND: f64 = 40.0;
const CROSSING: f64 = 16.0;
const SHARED: f64 = 60.0;
/// A grid of more corners takes too much memory, and a search of more steps too long: what is not found by then goes a
/// plain way, behind the cards. Nobody follows a single one of so many links.
const MOST_CORNERS: usize = 1_500_000;
const MOST_STEPS: usize = 1_500_000;

/// A card as links see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    pub card: Rect,
    /// What sticks out on the left.
    pub gutter: f64,
    /// Where links leave, measured from the top.
    pub waist: f64,
}

impl Body {
    pub(super) fn outer(&self) -> Rect {
        Rect::new(self.card.x - self.gutter, self.card.y, self.card.w + self.gutter, self.card.h)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

fn is_level(side: Side) -> bool {
    matches!(side, Side::Left | Side::Right)
}

/// The corners of each link's way, from the edge of the caller's card to that of the callee's. `links` are pairs of
/// positions in `bodies`.
pub fn routes(bodies: &[Body], links: &[(usize, usize)]) -> Vec<Vec<Point>> {
    let sides: Vec<(Side, Side)> = links.iter().map(|&(from, to)| sides(&bodies[from], &bodies[to])).collect();
    let rooms = rooms(bodies);
    let plain = ports(bodies, links, &sides, (&Shifts::new(), &rooms));
    let ways = ways(bodies, &plain, &rooms);
    if links.len() > MOST_SHIFTED {
        return ways;
    }
    let shifts = shifts(links, &sides, &ways);
    if shifts.is_empty() {
        return ways;
    }
    let shifted = self::ways(bodies, &ports(bodies, links, &sides, (&shifts, &rooms)), &rooms);
    let corners = |ways: &[Vec<Point>]| ways.iter().map(Vec::len).sum::<usize>();
    if corners(&shifted) < corners(&ways) { shifted } else { ways }
}

/// By how much the links on a side of a card stand lower, or farther to the right, than usual.
type Shifts = BTreeMap<(usize, Side), f64>;

/// Where a link makes a small step beside a card, all that meet the card on that side are moved by it, if there is room.
fn shifts(links: &[(usize, usize)], sides: &[(Side, Side)], ways: &[Vec<Point>]) -> Shifts {
    let mut shifts = Shifts::new();
    for ((&(from, to), &(out, into)), way) in links.iter().zip(sides).zip(ways) {
        let [first, second, third, fourth, ..] = way[..] else { continue };
        let [.., before, at, next, last] = way[..] else { continue };
        let step = |from: Point, a: Point, b: Point, to: Point| {
            let step = (b.x - a.x) + (b.y - a.y);
            let is_step = (from.x == a.x) != (a.x == b.x) && (from.x == a.x) == (b.x == to.x);
            (is_step && step.abs() < STEP).then_some(step)
        };
        let begin = step(first, second, third, fourth).map(|step| ((from, out), step));
        let end = step(last, next, at, before).map(|step| ((to, into), step));
        if shifts.contains_key(&(from, out)) || shifts.contains_key(&(to, into)) {
            continue;
        }
        shifts.extend(begin.or(end));
    }
    shifts
}

/// The ways between these ports.
fn ways(bodies: &[Body], ports: &[(Port, Port)], rooms: &[Room]) -> Vec<Vec<Point>> {
    let plain = |i: usize| straightened(plain(&ports[i].0, &ports[i].1, i));
    let Some(mut grid) = Grid::new(bodies, ports, rooms) else { return (0..ports.len()).map(plain).collect() };
    let mut search = Search::new(&grid);
    let distance =
        |&i: &usize| ((ports[i].0.at.x - ports[i].1.at.x).abs() + (ports[i].0.at.y - ports[i].1.at.y).abs()) as u64;
    // Of links side by side the one on the outside of the bend that they make first: the others turn behind it.
    let outside = |&i: &usize| {
        let (from, to) = (ports[i].0.at, ports[i].1.at);
        (if to.y > from.y { -from.y } else { from.y }) as i64
    };
    let mut order: Vec<usize> = (0..ports.len()).collect();
    order.sort_by_key(|i| (distance(i), outside(i), *i));
    let mut ways = vec![None; ports.len()];
    for &i in &order {
        ways[i] = search.way(&grid, &ports[i]);
        ways[i].iter().for_each(|way| grid.take(way));
    }
    // Those that came first did not know of the others: where they meet, there may be a better way now.
    for &i in &order {
        if let Some(way) = ways[i].take() {
            grid.leave(&way);
            let is_alone = grid.is_alone(&way);
            let better = if is_alone { None } else { search.way(&grid, &ports[i]) };
            ways[i] = better.or(Some(way));
            ways[i].iter().for_each(|way| grid.take(way));
        }
    }
    let points = |(i, way): (usize, &Option<Vec<usize>>)| {
        let Some(way) = way else { return plain(i) };
        let between = way.iter().map(|&corner| grid.point(corner)).collect();
        straightened([vec![ports[i].0.at], between, vec![ports[i].1.at]].concat())
    };
    ways.iter().enumerate().map(points).collect()
}

/// Out of the one card, across about half-way, and into the other. Links that lie side by side cross at different places.
fn plain(from: &Port, to: &Port, number: usize) -> Vec<Point> {
    let (a, b) = (from.outside(), to.outside());
    let share = 0.3 + 0.4 * (number * 7 % 11) as f64 / 10.0;
    let (x, y) = (a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share);
    let across = match (from.is_level(), to.is_level()) {
        (true, true) => [Point::new(x, a.y), Point::new(x, b.y)],
        (false, false) => [Point::new(a.x, y), Point::new(b.x, y)],
        (true, false) => [Point::new(b.x, a.y); 2],
        (false, true) => [Point::new(a.x, b.y); 2],
    };
    vec![from.at, a, across[0], across[1], b, to.at]
}

fn sides(from: &Body, to: &Body) -> (Side, Side) {
    let (a, b) = (from.outer(), to.outer());
    if b.x >= a.right() + 2.0 * STUB {
        (Side::Right, Side::Left)
    } else if b.y >= a.bottom() + STUB {
        (Side::Bottom, Side::Top)
    } else if b.bottom() + STUB <= a.y {
        (Side::Top, Side::Bottom)
    } else if b.x >= a.right() {
        (Side::Right, Side::Left)
    } else {
        (Side::Left, Side::Right)
    }
}

/// Where a link meets a card.
#[derive(Clone, Copy, Debug)]
struct Port {
    at: Point,
    side: Side,
    /// How far the link goes straight.
    stub: f64,
}

impl Port {
    fn outside(&self) -> Point {
        match self.side {
            Side::Left => Point::new(self.at.x - self.stub, self.at.y),
            Side::Right => Point::new(self.at.x + self.stub, self.at.y),
            Side::Top => Point::new(self.at.x, self.at.y - self.stub),
            Side::Bottom => Point::new(self.at.x, self.at.y + self.stub),
        }
    }

    fn is_level(&self) -> bool {
        is_level(self.side)
    }

    fn direction(&self) -> usize {
        if self.is_level() { LEVEL } else { UPRIGHT }
    }
}

/// Body, side, position of the other body along that side and away from it, link, whether it is the far end.
type End = (usize, Side, (i64, i64), usize, bool);

/// Both ends of each link. Those on one side of a card are spread over it, in the order of where they lead.
fn ports(
    bodies: &[Body],
    links: &[(usize, usize)],
    sides: &[(Side, Side)],
    (shifts, rooms): (&Shifts, &[Room]),
) -> Vec<(Port, Port)> {
    let mut ends: Vec<End> = Vec::new();
    for (i, (&(from, to), &(out, into))) in links.iter().zip(sides).enumerate() {
        let along = |body: usize, other: usize, side: Side| {
            let (a, b) = (bodies[body].card.center(), bodies[other].card.center());
            let (along, away) = if is_level(side) { (b.y, b.x - a.x) } else { (b.x, b.y - a.y) };
            (along as i64, away.abs() as i64)
        };
        ends.push((from, out, along(from, to, out), i, false));
        ends.push((to, into, along(to, from, into), i, true));
    }
    ends.sort_unstable();
    let nowhere = Port { at: Point::default(), side: Side::Left, stub: STUB };
    let mut ports = vec![(nowhere, nowhere); links.len()];
    let mut alone = vec![(false, false); links.len()];
    for group in ends.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (body, side) = (group[0].0, group[0].1);
        let shift = shifts.get(&(body, side)).copied().unwrap_or(0.0);
        let places = places(&bodies[body], side, group.len(), shift);
        for (&(.., link, far), at) in group.iter().zip(places) {
            let port = Port { at, side, stub: rooms[body].get(&side).map_or(STUB, |room| room.min(STUB)) };
            if far {
                ports[link].1 = port;
                alone[link].1 = group.len() == 1;
            } else {
                ports[link].0 = port;
                alone[link].0 = group.len() == 1;
            }
        }
    }
    for (i, (from, to)) in ports.iter_mut().enumerate() {
        level(from, to, &bodies[links[i].0], &bodies[links[i].1], alone[i]);
    }
    ports
}

/// Places of so many ends on a side of a card, shifted if there is room for that.
fn places(body: &Body, side: Side, n: usize, shift: f64) -> Vec<Point> {
    let card = &body.card;
    let (middle, length) = if is_level(side) { (body.waist, card.h) } else { (card.w / 2.0, card.w) };
    let pitch = if n > 1 { PITCH.min((length - 24.0) / (n - 1) as f64) } else { 0.0 };
    let half = pitch * (n - 1) as f64 / 2.0;
    let (least, most) = (12.0 + half, (length - 12.0 - half).max(12.0 + half));
    let middle = middle.clamp(least, most);
    let middle = if (least..=most).contains(&(middle + shift)) { middle + shift } else { middle };
    let place = |k: usize| {
        let along = middle - half + pitch * k as f64;
        match side {
            Side::Left => Point::new(card.x - body.gutter, card.y + along),
            Side::Right => Point::new(card.right(), card.y + along),
            Side::Top => Point::new(card.x + along, card.y),
            Side::Bottom => Point::new(card.x + along, card.bottom()),
        }
    };
    (0..n).map(place).collect()
}

/// Where an end is alone on its side, move it to the height of the other one, so that the link is straight.
fn level(from: &mut Port, to: &mut Port, a: &Body, b: &Body, alone: (bool, bool)) {
    let inside = |value: f64, start: f64, length: f64| (start + 12.0..=start + length - 12.0).contains(&value);
    if from.is_level() && to.is_level() {
        if alone.1 && inside(from.at.y, b.card.y, b.card.h) {
            to.at.y = from.at.y;
        } else if alone.0 && inside(to.at.y, a.card.y, a.card.h) {
            from.at.y = to.at.y;
        }
    } else if !from.is_level() && !to.is_level() {
        if alone.1 && inside(from.at.x, b.card.x, b.card.w) {
            to.at.x = from.at.x;
        } else if alone.0 && inside(to.at.x, a.card.x, a.card.w) {
            from.at.x = to.at.x;
        }
    }
}

/// Places of lines on an axis: those that ports need, and tracks beside them.
#[derive(Default)]
struct Lines {
    ports: Vec<f64>,
    tracks: Vec<f64>,
}

impl Lines {
    /// In order, without tracks that lie so close to another line that two links could not be told apart.
    fn merged(mut self) -> Vec<f64> {
        self.ports.sort_by(f64::total_cmp);
        self.ports.dedup_by(|a, b| (*a - *b).abs() < 0.01);
        self.tracks.sort_by(f64::total_cmp);
        let mut lines = self.ports;
        for track in self.tracks {
            let i = lines.partition_point(|line| *line < track);
            let far = |line: Option<&f64>| line.is_none_or(|line| (line - track).abs() >= TRACK / 2.0);
            if far(lines.get(i)) && far(i.checked_sub(1).and_then(|i| lines.get(i))) {
                lines.insert(i, track);
            }
        }
        lines
    }
}

/// The lines that links may follow, and which of them are taken. An edge is numbered by the corner where it begins.
struct Grid {
    xs: Vec<f64>,
    ys: Vec<f64>,
    blocked: [Vec<bool>; 2],
    taken: [Vec<u16>; 2],
}

const LEVEL: usize = 0;
const UPRIGHT: usize = 1;

impl Grid {
    /// None, if it would be too large.
    fn new(bodies: &[Body], ports: &[(Port, Port)], rooms: &[Room]) -> Option<Grid> {
        let (mut xs, mut ys) = (Lines::default(), Lines::default());
        for body in bodies {
            let outer = body.outer();
            for out in [STUB, STUB + TRACK] {
                xs.tracks.extend([outer.x - out, outer.right() + out]);
            }
            for out in [STUB, STUB + TRACK, STUB + 2.0 * TRACK] {
                ys.tracks.extend([outer.y - out, outer.bottom() + out]);
            }
        }
        for (from, to) in ports {
            let (a, b) = (from.outside(), to.outside());
            xs.ports.extend([a.x, b.x]);
            ys.ports.extend([a.y, b.y]);
            if from.is_level() && to.is_level() {
                let tracks = (1..=TRACKS).map(|k| a.x + TRACK * f64::from(k));
                xs.tracks.extend(tracks.take_while(|x| *x < b.x));
                xs.tracks.push((a.x + b.x) / 2.0);
            } else if !from.is_level() && !to.is_level() {
                ys.tracks.push((a.y + b.y) / 2.0);
            }
        }
        let (xs, ys) = (xs.merged(), ys.merged());
        let cells = xs.len() * ys.len();
        if cells > MOST_CORNERS {
            return None;
        }
        let mut grid =
            Grid { xs, ys, blocked: [vec![false; cells], vec![false; cells]], taken: [vec![0; cells], vec![0; cells]] };
        for (body, room) in bodies.iter().zip(rooms) {
            // The middle between two cards stays open.
            let out = |side: Side| room.get(&side).map_or(CLEARANCE, |room| (room - 1.0).clamp(0.0, CLEARANCE));
            let (outer, left, top) = (body.outer(), out(Side::Left), out(Side::Top));
            let (w, h) = (outer.w + left + out(Side::Right), outer.h + top + out(Side::Bottom));
            grid.block(&Rect::new(outer.x - left, outer.y - top, w, h));
        }
        Some(grid)
    }

    fn corner(&self, x: usize, y: usize) -> usize {
        y * self.xs.len() + x
    }

    /// No link may cross this rectangle.
    fn block(&mut self, rect: &Rect) {
        let (left, right) = (self.xs.partition_point(|x| *x <= rect.x), self.xs.partition_point(|x| *x < rect.right()));
        let (top, bottom) =
            (self.ys.partition_point(|y| *y <= rect.y), self.ys.partition_point(|y| *y < rect.bottom()));
        for y in top..bottom {
            for x in left.saturating_sub(1)..right.min(self.xs.len() - 1) {
                let corner = self.corner(x, y);
                self.blocked[LEVEL][corner] = true;
            }
        }
        for x in left..right {
            for y in top.saturating_sub(1)..bottom.min(self.ys.len() - 1) {
                let corner = self.corner(x, y);
                self.blocked[UPRIGHT][corner] = true;
            }
        }
    }

    fn nearest(axis: &[f64], value: f64) -> usize {
        let i = axis.partition_point(|v| *v < value - 0.02);
        i.min(axis.len() - 1)
    }

    /// The edges of a way, each by its direction and the corner where it begins.
    fn edges(way: &[usize]) -> impl Iterator<Item = (usize, usize)> {
        way.windows(2).map(|pair| {
            let (low, high) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            (if high - low == 1 { LEVEL } else { UPRIGHT }, low)
        })
    }

    fn take(&mut self, way: &[usize]) {
        Grid::edges(way).for_each(|(direction, edge)| self.taken[direction][edge] += 1);
    }

    fn leave(&mut self, way: &[usize]) {
        Grid::edges(way).for_each(|(direction, edge)| self.taken[direction][edge] -= 1);
    }

    /// Whether no link that has been taken meets this one.
    fn is_alone(&self, way: &[usize]) -> bool {
        !way.iter().any(|&corner| self.is_touched(corner))
    }

    fn point(&self, corner: usize) -> Point {
        Point::new(self.xs[corner % self.xs.len()], self.ys[corner / self.xs.len()])
    }

    /// Next corners, with the edge that leads there and its direction.
    fn neighbours(&self, corner: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let (columns, rows) = (self.xs.len(), self.ys.len());
        let (x, y) = (corner % columns, corner / columns);
        let all = [
            (x + 1 < columns).then(|| (corner + 1, corner, LEVEL)),
            (x > 0).then(|| (corner - 1, corner - 1, LEVEL)),
            (y + 1 < rows).then(|| (corner + columns, corner, UPRIGHT)),
            (y > 0).then(|| (corner - columns, corner - columns, UPRIGHT)),
        ];
        all.into_iter().flatten()
    }

    /// Whether another link passes or turns here.
    fn is_touched(&self, corner: usize) -> bool {
        let columns = self.xs.len();
        let before = |step: usize, way: usize| corner >= step && self.taken[way][corner - step] > 0;
        self.taken[LEVEL][corner] > 0 || self.taken[UPRIGHT][corner] > 0 || before(1, LEVEL) || before(columns, UPRIGHT)
    }

    fn cost(&self, corner: usize, next: usize, edge: usize, way: usize, begin: f64) -> f64 {
        let (a, b) = (self.point(corner), self.point(next));
        let length = (a.x - b.x).abs() + (a.y - b.y).abs();
        let shared = if self.taken[way][edge] > 0 { SHARED + 2.0 * length } else { 0.0 };
        let other = 1 - way;
        let step = if other == LEVEL { 1 } else { self.xs.len() };
        let across = self.taken[other][next] > 0 || next >= step && self.taken[other][next - step] > 0;
        let crossing = if across { CROSSING } else { 0.0 };
        // Of equal ways the one that turns first: what is level for long has room for a label.
        let aside = if way == UPRIGHT { (a.x - begin).abs() * 0.0002 * length.min(50.0) } else { 0.0 };
        length + shared + crossing + aside
    }
}

/// Without the corners at which nothing turns.
fn straightened(points: Vec<Point>) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    for point in points {
        if out.last().is_some_and(|last| (last.x - point.x).abs() + (last.y - point.y).abs() < 0.01) {
            continue;
        }
        if let [.., a, b] = out[..] {
            let level = (a.y - b.y).abs() < 0.01 && (b.y - point.y).abs() < 0.01;
            let upright = (a.x - b.x).abs() < 0.01 && (b.x - point.x).abs() < 0.01;
            if level || upright {
                out.pop();
            }
        }
        out.push(point);
    }
    out
}

/// The length of a way.
pub fn length(points: &[Point]) -> f64 {
    points.windows(2).map(|pair| (pair[0].x - pair[1].x).abs() + (pair[0].y - pair[1].y).abs()).sum()
}

/// The place so far along a way.
pub fn along(points: &[Point], mut distance: f64) -> Point {
    for pair in points.windows(2) {
        let step = (pair[0].x - pair[1].x).abs() + (pair[0].y - pair[1].y).abs();
        if distance <= step && step > 0.0 {
            let share = distance / step;
            return Point::new(
                pair[0].x + (pair[1].x - pair[0].x) * share,
                pair[0].y + (pair[1].y - pair[0].y) * share,
            );
        }
        distance -= step;
    }
    points.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(x: f64, y: f64) -> Body {
        Body { card: Rect::new(x, y, 168.0, 96.0), gutter: 0.0, waist: 36.0 }
    }

    fn crosses(way: &[Point], rect: &Rect) -> bool {
        way.windows(2).any(|pair| {
            let (x, y) = (pair[0].x.min(pair[1].x), pair[0].y.min(pair[1].y));
            Rect::new(x, y, (pair[0].x - pair[1].x).abs(), (pair[0].y - pair[1].y).abs()).grown(0.01).overlaps(rect)
        })
    }

    #[test]
    fn neighbours_are_joined_straight_and_cards_are_gone_round() {
        let bodies = [body(0.0, 0.0), body(280.0, 0.0), body(560.0, 0.0)];
        let ways = routes(&bodies, &[(0, 1), (0, 2), (2, 0)]);
        assert!(crosses(&ways[1], &Rect::new(0.0, -60.0, 700.0, 220.0)));
        for (way, ends) in ways.iter().zip([[0, 1], [0, 2], [2, 0]]) {
            for (i, body) in bodies.iter().enumerate().filter(|(i, _)| !ends.contains(i)) {
                assert!(!crosses(way, &body.card.grown(2.0)), "{i}: {way:?}");
            }
            assert!(way.windows(2).all(|pair| pair[0].x == pair[1].x || pair[0].y == pair[1].y), "{way:?}");
        }
        assert_eq!(routes(&bodies[..2], &[(0, 1)])[0].len(), 2);
    }

    fn crossings(one: &[Point], other: &[Point]) -> usize {
        let rects = |way: &[Point]| -> Vec<Rect> {
            way.windows(2)
                .map(|pair| {
                    let (x, y) = (pair[0].x.min(pair[1].x), pair[0].y.min(pair[1].y));
                    Rect::new(x, y, (pair[0].x - pair[1].x).abs(), (pair[0].y - pair[1].y).abs()).grown(0.01)
                })
                .collect()
        };
        rects(one).iter().map(|a| rects(other).iter().filter(|b| a.overlaps(b)).count()).sum()
    }

    /// Two links between the same cards lie side by side, whichever of the cards is higher.
    #[test]
    fn links_side_by_side_do_not_cross() {
        for dy in [-200.0, -96.0, -60.0, 60.0, 96.0, 200.0] {
            for dx in [296.0, 400.0] {
                let bodies = [body(0.0, 0.0), body(dx, dy)];
                let ways = routes(&bodies, &[(0, 1), (0, 1), (0, 1)]);
                for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                    assert_eq!(crossings(&ways[a], &ways[b]), 0, "{dx} {dy}: {ways:?}");
                }
            }
        }
    }

    /// Two links there and back between neighbours are straight, though more meet the one of them than the other.
    #[test]
    fn small_steps_are_avoided() {
        let ways = routes(&[body(0.0, 0.0), body(300.0, 0.0), body(600.0, 0.0)], &[(0, 1), (1, 0), (2, 0)]);
        assert_eq!((ways[0].len(), ways[1].len()), (2, 2), "{ways:?}");
    }

    #[test]
    fn a_way_is_walked_along() {
        let way = [Point::new(0.0, 0.0), Point::new(10.0, 0.0), Point::new(10.0, 5.0)];
        assert_eq!((length(&way), along(&way, 12.0)), (15.0, Point::new(10.0, 2.0)));
    }
}
