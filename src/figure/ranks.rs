//! Places for cards that have none, from left to right by who calls whom.

use super::layout::{BELOW, BESIDE, Block};
use super::scene::{Point, Rect};
use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

/// More free space between columns where many links pass.
const MOST_CROWD: f64 = 120.0;
/// A link with a smaller step than this is made straight: no two cards of a column are so near to each other.
const STEP: f64 = 40.0;
/// What is taller is folded: each rank into several columns, so that the whole is about as tall as this share of its width.
const TALLEST: f64 = 1_400.0;
const ASPECT: f64 = 0.6;
/// Free space below cards between which the links to the next columns pass.
const PASSAGE: f64 = 64.0;
/// `dagre` makes a place in every rank that a link passes. Beyond so many places it takes seconds, and cards are ranked
/// plainly.
const MOST_PLACES: usize = 700;
/// And so many times as many ranks as columns are too many, then.
const MOST_DRAWN_OUT: f64 = 2.0;
/// The order within the ranks is bettered so many times.
const SWEEPS: usize = 4;
/// Cards without links stand in rows of at least so many.
const ROW: f64 = 3.0;

/// With the waists of cards on a line. Unlinked parts stand below each other, and single cards at the bottom.
pub fn ranked(blocks: &[Block], which: &[usize], links: &[(usize, usize)]) -> Vec<Point> {
    let links: Vec<(usize, usize)> =
        links.iter().copied().filter(|(from, to)| from != to && which.contains(from) && which.contains(to)).collect();
    let is_linked = |i: &usize| links.iter().any(|(from, to)| from == i || to == i);
    let (linked, single): (Vec<usize>, Vec<usize>) = which.iter().copied().partition(is_linked);
    let mut places = vec![Point::default(); blocks.len()];
    if !linked.is_empty() {
        place_linked(blocks, &linked, &links, &mut places);
    }
    let all = Rect::around(linked.iter().map(|&i| room(blocks, &places, i)));
    place_single(blocks, &single, all, &mut places);
    which.iter().map(|&i| places[i]).collect()
}

fn room(blocks: &[Block], places: &[Point], i: usize) -> Rect {
    let (block, at) = (&blocks[i], places[i]);
    Rect::new(at.x - block.gutter, at.y, block.width + block.gutter, block.height)
}

fn place_linked(blocks: &[Block], which: &[usize], links: &[(usize, usize)], places: &mut [Point]) {
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    // Names that sort as the nodes do.
    let name = |i: usize| format!("{i:06}");
    let most = |size: fn(&Block) -> f64| which.iter().map(|&i| size(&blocks[i])).fold(0.0, f64::max);
    let (tallest, gutter) = (most(|block| block.height), most(|block| block.gutter));
    let lowest = which.iter().map(|&i| blocks[i].height).fold(f64::INFINITY, f64::min);
    for &i in which {
        let (width, height) = (blocks[i].width + gutter, blocks[i].height);
        graph.set_node(name(i), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for (n, &(from, to)) in links.iter().enumerate() {
        graph.set_edge(name(from), name(to), Some(EdgeLabel::default()), Some(&n.to_string()));
    }
    // More room between columns for more links than a tree has.
    let crowd = links.len().saturating_sub(which.len()) as f64;
    let beside = BESIDE + (4.0 * crowd).min(MOST_CROWD);
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        // Cards are moved up by half of what they are shorter than the tallest, so that their tops are on a line.
        nodesep: BELOW + (tallest - lowest) / 2.0,
        edgesep: 24.0,
        ranksep: beside,
        ..LayoutOptions::default()
    };
    let wide = most(|block| block.width) + gutter;
    let (ranks, passed) = plain_ranks(which, links);
    if which.len() + passed > MOST_PLACES {
        let ranks = gathered(ranks, wide + BESIDE, tallest + PASSAGE);
        let ranks: Vec<&[usize]> = ranks.iter().map(Vec::as_slice).collect();
        return fold(&ranks, (wide, beside), tallest + PASSAGE, places);
    }
    dagre::layout(&mut graph, Some(options));
    for &i in which {
        let node = graph.node(&name(i)).expect("a node that was set");
        let (x, y) = (node.x.unwrap_or(0.0), node.y.unwrap_or(0.0));
        places[i] = Point::new(x - node.width / 2.0 + gutter, y - tallest / 2.0);
    }
    let mut order = which.to_vec();
    order.sort_by(|&a, &b| {
        let (a, b) = (places[a], places[b]);
        a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y))
    });
    let whole = Rect::around(which.iter().map(|&i| room(blocks, places, i))).unwrap_or_default();
    if whole.h > TALLEST && whole.h > ASPECT * whole.w {
        let ranks: Vec<&[usize]> = order.chunk_by(|&a, &b| (places[a].x - places[b].x).abs() < 1.0).collect();
        fold(&ranks, (wide, beside), tallest + PASSAGE, places);
    } else {
        straighten(blocks, &order, links, places);
    }
}

/// Each card in the rank after the last one that calls it, links that close a cycle aside; cards that are linked with each
/// other at about the same height. And how many ranks all links pass together.
fn plain_ranks(which: &[usize], links: &[(usize, usize)]) -> (Vec<Vec<usize>>, usize) {
    let size = which.iter().max().map_or(0, |last| last + 1);
    let (mut outs, mut ins) = (vec![Vec::new(); size], vec![Vec::new(); size]);
    for &(from, to) in links {
        outs[from].push(to);
        ins[to].push(from);
    }
    let order = callers_first(which, &outs, &ins);
    let mut position = vec![0; size];
    order.iter().enumerate().for_each(|(n, &i)| position[i] = n);
    let mut rank = vec![0usize; size];
    for &i in &order {
        let before = ins[i].iter().filter(|&&caller| position[caller] < position[i]);
        rank[i] = before.map(|&caller| rank[caller] + 1).max().unwrap_or(0);
    }
    let passed = links.iter().map(|&(from, to)| rank[from].abs_diff(rank[to]).saturating_sub(1)).sum();
    let mut ranks = vec![Vec::new(); rank.iter().max().map_or(0, |last| last + 1)];
    order.iter().for_each(|&i| ranks[rank[i]].push(i));
    let mut height = vec![0.0; size];
    for sweep in 0..2 * SWEEPS {
        let others = if sweep % 2 == 0 { &ins } else { &outs };
        for n in 0..ranks.len() {
            let members = if sweep % 2 == 0 { n } else { ranks.len() - 1 - n };
            let members = &mut ranks[members];
            for &i in members.iter().filter(|&&i| !others[i].is_empty()) {
                height[i] = others[i].iter().map(|&other| height[other]).sum::<f64>() / others[i].len() as f64;
            }
            members.sort_by(|&a, &b| height[a].total_cmp(&height[b]).then(a.cmp(&b)));
            let all = members.len() as f64;
            members.iter().enumerate().for_each(|(k, &i)| height[i] = (k as f64 + 0.5) / all);
        }
    }
    (ranks, passed)
}

/// Many cards that call each other in one long chain would stand in a line that no screen shows: where there are far more
/// ranks than columns of a picture, neighbouring ranks share a column.
fn gathered(ranks: Vec<Vec<usize>>, column: f64, pitch: f64) -> Vec<Vec<usize>> {
    let cards = ranks.iter().map(Vec::len).sum::<usize>() as f64;
    let rows = (cards * ASPECT * column / pitch).sqrt().floor().max(1.0);
    if ranks.len() as f64 <= MOST_DRAWN_OUT * cards / rows {
        return ranks;
    }
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for rank in ranks {
        match columns.last_mut().filter(|last| last.len() + rank.len() <= rows as usize) {
            Some(last) => last.extend(rank),
            None => columns.push(rank),
        }
    }
    columns
}

/// All cards, each before those that it calls where no cycle makes that impossible.
fn callers_first(which: &[usize], outs: &[Vec<usize>], ins: &[Vec<usize>]) -> Vec<usize> {
    let (mut order, mut seen) = (Vec::new(), vec![false; outs.len()]);
    let uncalled = which.iter().filter(|&&i| ins[i].is_empty());
    for &start in uncalled.chain(which) {
        let mut path: Vec<(usize, usize)> = if seen[start] { Vec::new() } else { vec![(start, 0)] };
        seen[start] = true;
        while let Some((at, next)) = path.pop() {
            let Some(&to) = outs[at].get(next) else {
                order.push(at);
                continue;
            };
            path.push((at, next + 1));
            if !seen[to] {
                seen[to] = true;
                path.push((to, 0));
            }
        }
    }
    order.reverse();
    order
}

/// Move cards a little where that makes a link straight, from left to right.
fn straighten(blocks: &[Block], order: &[usize], links: &[(usize, usize)], places: &mut [Point]) {
    for (n, &i) in order.iter().enumerate() {
        let ends = links.iter().filter_map(|&(from, to)| {
            let other = if from == i { to } else { from };
            ((from == i || to == i) && order[..n].contains(&other)).then_some(other)
        });
        let steps: Vec<f64> = ends.map(|other| places[other].y - places[i].y).collect();
        if steps.iter().any(|step| step.abs() < 1.0) {
            continue;
        }
        let nearest = steps.into_iter().filter(|step| step.abs() < STEP).min_by(|a, b| a.abs().total_cmp(&b.abs()));
        let Some(step) = nearest else { continue };
        let moved = room(blocks, places, i).moved(0.0, step).grown(BELOW - 1.0);
        if !order.iter().any(|&other| other != i && room(blocks, places, other).overlaps(&moved)) {
            places[i].y += step;
        }
    }
}

/// Ranks of many cards in several columns, in rows of one height: neighbours stay near to each other, and links to the
/// next columns pass between the rows.
fn fold(ranks: &[&[usize]], (wide, beside): (f64, f64), pitch: f64, places: &mut [Point]) {
    let columns = |rank: &[usize], rows: usize| rank.len().div_ceil(rows);
    let largest = ranks.iter().map(|rank| rank.len()).max().unwrap_or(1);
    let fits = |rows: &usize| {
        let columns: usize = ranks.iter().map(|rank| columns(rank, *rows)).sum();
        *rows as f64 * pitch <= ASPECT * columns as f64 * (wide + BESIDE)
    };
    let rows = (1..=largest).rev().find(fits).unwrap_or(1);
    let needed = |rank: &[usize]| rank.len().div_ceil(columns(rank, rows));
    let tall = ranks.iter().map(|rank| needed(rank)).max().unwrap_or(1);
    let mut left = 0.0;
    for rank in ranks {
        let columns = columns(rank, rows);
        let top = (tall - needed(rank)) as f64 / 2.0 * pitch;
        for (n, &i) in rank.iter().enumerate() {
            let (row, column) = ((n / columns) as f64, (n % columns) as f64);
            places[i] = Point::new(left + column * (wide + BESIDE), top + row * pitch);
        }
        left += columns as f64 * (wide + BESIDE) - BESIDE + beside;
    }
}

/// Below what is linked, in rows about as wide as that.
fn place_single(blocks: &[Block], which: &[usize], linked: Option<Rect>, places: &mut [Point]) {
    let widest = which.iter().map(|&i| blocks[i].width + blocks[i].gutter).fold(0.0, f64::max);
    let left = linked.map_or(0.0, |all| all.x);
    let width = linked.map_or(0.0, |all| all.w).max(ROW * (widest + BELOW));
    let (mut x, mut y, mut tall) = (0.0, linked.map_or(0.0, |all| all.bottom() + 1.5 * BELOW), 0.0f64);
    for &i in which {
        let wide = blocks[i].width + blocks[i].gutter;
        if x > 0.0 && x + wide > width {
            (x, y, tall) = (0.0, y + tall + 1.5 * BELOW, 0.0);
        }
        places[i] = Point::new(left + x + blocks[i].gutter, y);
        x += wide + BELOW;
        tall = tall.max(blocks[i].height);
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::place;
    use super::*;

    const CARD: Block = Block { width: 168.0, height: 96.0, gutter: 12.0, at: None };

    #[test]
    fn what_would_be_a_tower_is_folded_into_columns() {
        // One calls four, each of which calls fifteen.
        let links: Vec<(usize, usize)> = (1..65).map(|i| (if i < 5 { 0 } else { 1 + (i - 5) / 15 }, i)).collect();
        let blocks = [CARD; 65];
        let places = place(&blocks, &links);
        let rooms: Vec<Rect> = (0..65).map(|i| room(&blocks, &places, i)).collect();
        let all = Rect::around(rooms.iter().copied()).expect("cards");
        assert!(all.h < TALLEST && all.h < all.w, "{all:?}");
        for (i, one) in rooms.iter().enumerate() {
            assert!(rooms[..i].iter().all(|other| !one.grown(BELOW / 2.0).overlaps(other)), "{i}");
        }
        assert!(links.iter().all(|&(from, to)| places[from].x < places[to].x));
    }

    /// Each calls twenty of the next forty: a chain of two hundred ranks.
    #[test]
    fn what_would_be_a_line_is_gathered_into_columns() {
        let links: Vec<(usize, usize)> = (0..200).flat_map(|i| (1..40).step_by(2).map(move |k| (i, i + k))).collect();
        let links: Vec<(usize, usize)> = links.into_iter().filter(|(_, to)| *to < 200).collect();
        let blocks = [CARD; 200];
        let places = place(&blocks, &links);
        let rooms: Vec<Rect> = (0..200).map(|i| room(&blocks, &places, i)).collect();
        let all = Rect::around(rooms.iter().copied()).expect("cards");
        assert!(all.w < 4.0 * all.h, "{all:?}");
        for (i, one) in rooms.iter().enumerate() {
            assert!(rooms[..i].iter().all(|other| !one.grown(BELOW / 2.0).overlaps(other)), "{i}");
        }
        // Callers still stand to the left of what they call, or in the same column.
        assert!(links.iter().all(|&(from, to)| places[from].x <= places[to].x));
    }

    #[test]
    fn a_cycle_is_on_one_line() {
        let places = place(&[CARD; 4], &[(0, 1), (1, 2), (2, 3), (3, 1), (2, 1)]);
        assert!(places.iter().all(|place| place.y == places[0].y), "{places:?}");
    }

    #[test]
    fn cards_without_links_stand_beside_each_other() {
        let places = place(&[CARD; 6], &[(0, 1), (1, 2)]);
        assert!(places[3..].iter().all(|place| place.y == places[3].y && place.y > CARD.height), "{places:?}");
    }
}
