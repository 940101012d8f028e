//! Where the cards stand: where the file puts them, stretched evenly where cards and labels would not fit otherwise; and
//! laid out from left to right where the file says nothing.

use super::ranks::ranked;
use super::scene::{Point, Rect};

/// Free space between cards, for a link with its label: beside each other and below each other.
pub(super) const BESIDE: f64 = 112.0;
pub(super) const BELOW: f64 = 36.0;
/// A file's positions are stretched so many times at most, and drawn together where there is much room between them.
const MOST_STRETCH: f64 = 3.0;
const LEAST_STRETCH: f64 = 0.5;
/// Cards stand on a grid of so many pixels.
const GRID: f64 = 8.0;

/// A card to be placed: its size, what sticks out of it on the left, and where the file puts it.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub width: f64,
    pub height: f64,
    pub gutter: f64,
    pub at: Option<Point>,
}

/// Upper left corners of the blocks. `links` are pairs of positions in `blocks`.
pub fn place(blocks: &[Block], links: &[(usize, usize)]) -> Vec<Point> {
    let fixed: Vec<usize> = (0..blocks.len()).filter(|&i| blocks[i].at.is_some()).collect();
    let free: Vec<usize> = (0..blocks.len()).filter(|&i| blocks[i].at.is_none()).collect();
    let mut places = vec![Point::default(); blocks.len()];
    for &i in &fixed {
        places[i] = blocks[i].at.unwrap_or_default();
    }
    stretch(blocks, &fixed, &mut places);
    part(blocks, &fixed, &mut places);
    let placed = Rect::around(fixed.iter().map(|&i| rect(blocks, &places, i)));
    for (i, at) in free.iter().zip(ranked(blocks, &free, links)) {
        let origin = placed.map_or(Point::default(), |all| Point::new(all.x, all.bottom() + 2.0 * BELOW));
        places[*i] = Point::new(origin.x + at.x, origin.y + at.y);
    }
    snap(&mut places);
    places
}

fn rect(blocks: &[Block], places: &[Point], i: usize) -> Rect {
    let block = &blocks[i];
    Rect::new(places[i].x - block.gutter, places[i].y, block.width + block.gutter, block.height)
}

/// Stretch the plane, first upright and then sideways, until neighbours are as far from each other as they should be.
fn stretch(blocks: &[Block], which: &[usize], places: &mut [Point]) {
    let pairs = || which.iter().flat_map(|&a| which.iter().map(move |&b| (a, b)));
    let bounded = |factor: Option<f64>| factor.map_or(1.0, |factor| factor.clamp(LEAST_STRETCH, MOST_STRETCH));
    let tall = pairs().filter_map(|(a, b)| {
        let (dx, dy) = (places[b].x - places[a].x, places[b].y - places[a].y);
        (dy > 8.0 && dx.abs() < blocks[a].width && dy > dx.abs()).then(|| (blocks[a].height + 1.5 * BELOW) / dy)
    });
    let tall = bounded(tall.reduce(f64::max));
    which.iter().for_each(|&i| places[i].y *= tall);
    let wide = pairs().filter_map(|(a, b)| {
        let (dx, dy) = (places[b].x - places[a].x, places[b].y - places[a].y);
        let beside = dy.abs() < blocks[a].height.max(blocks[b].height) && dx >= dy.abs();
        (dx > 8.0 && beside).then(|| (blocks[a].width + BESIDE + blocks[b].gutter) / dx)
    });
    let wide = bounded(wide.reduce(f64::max));
    which.iter().for_each(|&i| places[i].x *= wide);
}

/// Move down what still lies on something else, from top to bottom.
fn part(blocks: &[Block], which: &[usize], places: &mut [Point]) {
    let mut order = which.to_vec();
    order.sort_by(|&a, &b| {
        (places[a].y.total_cmp(&places[b].y)).then(places[a].x.total_cmp(&places[b].x)).then(a.cmp(&b))
    });
    // Less than what a move leaves, so that no rounding makes it move again.
    let near = BELOW - 1.0;
    for (n, &i) in order.iter().enumerate() {
        // Each move goes below one of those before, and never up again.
        while let Some(above) = order[..n].iter().map(|&j| rect(blocks, places, j)).find(|other| {
            let mine = rect(blocks, places, i);
            Rect::new(mine.x - 24.0, mine.y - near, mine.w + 48.0, mine.h + 2.0 * near).overlaps(other)
        }) {
            places[i].y = above.bottom() + BELOW;
        }
    }
}

/// Onto the grid of eight pixels, so that links between neighbours are straight; and the first to the origin.
fn snap(places: &mut [Point]) {
    let xs = snapped(places.iter().map(|p| p.x).collect());
    let ys = snapped(places.iter().map(|p| p.y).collect());
    for (place, (x, y)) in places.iter_mut().zip(xs.into_iter().zip(ys)) {
        *place = Point::new(x, y);
    }
}

/// Distances between neighbours are rounded, not places, so that equal ones stay equal; small ones must not add up.
fn snapped(mut values: Vec<f64>) -> Vec<f64> {
    let round = |value: f64| (value / GRID).round() * GRID;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut last, mut at, mut rest) = (order.first().map_or(0.0, |&first| values[first]), 0.0, 0.0);
    for i in order {
        let distance = values[i] - last;
        last = values[i];
        if distance >= 4.0 * GRID {
            at += round(distance);
        } else {
            rest += distance;
            at += round(rest);
            rest -= round(rest);
        }
        values[i] = at;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    const CARD: Block = Block { width: 168.0, height: 96.0, gutter: 12.0, at: None };

    fn at(x: f64, y: f64) -> Block {
        Block { at: Some(Point::new(x, y)), ..CARD }
    }

    fn assert_apart(blocks: &[Block], places: &[Point], what: &str) {
        for a in 0..blocks.len() {
            for b in 0..a {
                let (one, other) = (rect(blocks, places, a), rect(blocks, places, b));
                assert!(!one.grown(4.0).overlaps(&other.grown(4.0)), "{what}: {a} and {b}");
            }
        }
    }

    #[test]
    fn links_lead_to_the_right_and_a_new_leaf_leaves_the_order_alone() {
        let links = [(0, 1), (1, 2), (1, 3), (3, 4)];
        let before = place(&[CARD; 5], &links);
        assert!(links.iter().all(|&(a, b)| before[a].x + CARD.width + BESIDE <= before[b].x + 8.0));
        let after = place(&[CARD; 6], &[&links[..], &[(2, 5)]].concat());
        let columns = |places: &[Point]| places[..5].iter().map(|p| p.x as i64).collect::<Vec<_>>();
        assert_eq!(columns(&before), columns(&after));
        assert_eq!(before[2].y < before[3].y, after[2].y < after[3].y);
        assert_apart(&[CARD; 6], &after, "six");
    }

    #[test]
    fn positions_of_the_file_are_kept_or_stretched_evenly() {
        let wide = [at(0.0, 0.0), at(292.0, 0.0), at(292.0, 150.0)];
        assert_eq!(place(&wide, &[]), [(0.0, 0.0), (296.0, 0.0), (296.0, 152.0)].map(|(x, y)| Point::new(x, y)));
        let narrow = [at(0.0, 0.0), at(200.0, 0.0), at(400.0, 0.0), at(200.0, 100.0)];
        let places = place(&narrow, &[]);
        // But for the grid that they are put onto.
        assert!((places[1].x - places[0].x - (places[2].x - places[1].x)).abs() <= 8.0);
        assert_eq!(places[3].x, places[1].x);
        assert_apart(&narrow, &places, "narrow");
    }

    /// Rows that the file puts evenly stay even on the grid.
    #[test]
    fn equal_distances_stay_equal() {
        let rows: Vec<Block> = (0..6).map(|row| at(0.0, 150.7 * f64::from(row))).collect();
        let places = place(&rows, &[]);
        let steps: Vec<f64> = places.windows(2).map(|pair| pair[1].y - pair[0].y).collect();
        assert!(steps.iter().all(|step| *step == steps[0] && step % GRID == 0.0), "{steps:?}");
        // Rounded one by one, these would all be none.
        assert_eq!(snapped((0..50).map(|i| 3.0 * f64::from(i)).collect())[49], 144.0);
    }

    #[test]
    fn nothing_overlaps_wherever_the_file_puts_it() {
        for seed in 0..200 {
            let mut rng = Rng::seeded(seed);
            let n = 1 + rng.below(40) as usize;
            let blocks: Vec<Block> = (0..n)
                .map(|_| {
                    let point = at(f64::from(rng.below(900)), f64::from(rng.below(600)));
                    if rng.below(4) == 0 { CARD } else { point }
                })
                .collect();
            let links: Vec<(usize, usize)> =
                (0..n).map(|_| (rng.below(n as u32) as usize, rng.below(n as u32) as usize)).collect();
            let places = place(&blocks, &links);
            assert_apart(&blocks, &places, &format!("seed {seed}"));
            assert_eq!(places, place(&blocks, &links), "seed {seed}");
        }
    }
}
