//! Where the cards stand: where the file puts them, stretched evenly where cards and labels would not fit otherwise; and
//! laid out from left to right where the file says nothing.

use super::scene::{Point, Rect};
use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

/// Free space between cards, for a link with its label: beside each other and below each other.
const BESIDE: f64 = 112.0;
const BELOW: f64 = 36.0;
/// A file's positions are stretched so many times at most, and drawn together where there is much room between them.
const MOST_STRETCH: f64 = 3.0;
const LEAST_STRETCH: f64 = 0.5;
/// More free space between columns where many links pass.
const MOST_CROWD: f64 = 120.0;

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

/// From left to right by who calls whom, with the waists of cards on a line. Unlinked parts stand below each other.
fn ranked(blocks: &[Block], which: &[usize], links: &[(usize, usize)]) -> Vec<Point> {
    if which.is_empty() {
        return Vec::new();
    }
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    // Names that sort as the nodes do.
    let name = |i: usize| format!("{i:06}");
    for &i in which {
        let (width, height) = (blocks[i].width + blocks[i].gutter, blocks[i].height);
        graph.set_node(name(i), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for (n, &(from, to)) in links.iter().enumerate() {
        if from != to && which.contains(&from) && which.contains(&to) {
            graph.set_edge(name(from), name(to), Some(EdgeLabel::default()), Some(&n.to_string()));
        }
    }
    // More room between columns for more links than a tree has.
    let crowd = links.len().saturating_sub(which.len()) as f64;
    let heights = || which.iter().map(|&i| blocks[i].height);
    let (least, most) = (heights().fold(f64::INFINITY, f64::min), heights().fold(0.0, f64::max));
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        // Cards are moved up by half of what they are shorter than the tallest, so that their tops are on a line.
        nodesep: BELOW + (most - least) / 2.0,
        edgesep: 24.0,
        ranksep: BESIDE + (4.0 * crowd).min(MOST_CROWD),
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    let corner = |&i: &usize| {
        let node = graph.node(&name(i)).expect("a node that was set");
        let (x, y) = (node.x.unwrap_or(0.0), node.y.unwrap_or(0.0));
        Point::new(x - node.width / 2.0 + blocks[i].gutter, y - most / 2.0)
    };
    which.iter().map(corner).collect()
}

/// Onto the grid of eight pixels, so that links between neighbours are straight; and the first to the origin.
fn snap(places: &mut [Point]) {
    let left = places.iter().map(|p| p.x).fold(f64::INFINITY, f64::min);
    let top = places.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
    for place in places {
        *place = Point::new(((place.x - left) / 8.0).round() * 8.0, ((place.y - top) / 8.0).round() * 8.0);
    }
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
