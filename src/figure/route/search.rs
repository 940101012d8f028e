//! The search for the way of a link along the grid.

use super::super::scene::Point;
use super::{BEND, Grid, MOST_STEPS, Port, SHARED};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a search works with, made once: to make it anew for every link would cost more than most searches.
pub(super) struct Search {
    best: Vec<f64>,
    from: Vec<u32>,
    /// The states that differ from the beginning.
    reached: Vec<usize>,
    /// Steps that may still be made.
    steps: usize,
}

impl Search {
    pub fn new(grid: &Grid) -> Search {
        let states = 2 * grid.blocked[0].len();
        Search {
            best: vec![f64::INFINITY; states],
            from: vec![u32::MAX; states],
            reached: Vec::new(),
            steps: MOST_STEPS,
        }
    }

    /// The cheapest way between two ports: the corners between their stubs. None if all are blocked, or no steps are left.
    pub fn way(&mut self, grid: &Grid, ports: &(Port, Port)) -> Option<Vec<usize>> {
        let way = self.search(grid, ports);
        for state in self.reached.drain(..) {
            (self.best[state], self.from[state]) = (f64::INFINITY, u32::MAX);
        }
        way
    }

    fn reach(&mut self, state: usize, cost: f64, from: u32) {
        if self.best[state] == f64::INFINITY {
            self.reached.push(state);
        }
        (self.best[state], self.from[state]) = (cost, from);
    }

    /// By A* over corners and the direction in which they are reached.
    fn search(&mut self, grid: &Grid, (from_port, to_port): &(Port, Port)) -> Option<Vec<usize>> {
        let corner = |p: Point| grid.corner(Grid::nearest(&grid.xs, p.x), Grid::nearest(&grid.ys, p.y));
        let begin = from_port.outside();
        let (start, goal) = (corner(begin), corner(to_port.outside()));
        let target = grid.point(goal);
        let ahead = |corner: usize| {
            let p = grid.point(corner);
            (p.x - target.x).abs() + (p.y - target.y).abs()
        };
        let mut open = BinaryHeap::new();
        // Thousandths of a pixel, so that the order is total.
        let key = |cost: f64| (cost * 1e3) as u64;
        let first = 2 * start + from_port.direction();
        self.reach(first, 0.0, u32::MAX);
        open.push(Reverse((key(ahead(start)), first)));
        while let Some(Reverse((cost, state))) = open.pop() {
            self.steps = self.steps.checked_sub(1)?;
            let (corner, direction) = (state / 2, state % 2);
            // To turn at the last corner costs as much as elsewhere: the goal is reached in the direction of its port.
            if corner == goal && direction != to_port.direction() {
                let (turned, total) = (2 * goal + to_port.direction(), self.best[state] + BEND);
                if total < self.best[turned] {
                    self.reach(turned, total, state as u32);
                    open.push(Reverse((key(total), turned)));
                }
                continue;
            }
            if corner == goal {
                return Some(self.trace(state, start));
            }
            if cost > key(self.best[state] + ahead(corner)) {
                continue;
            }
            for (next, edge, way) in grid.neighbours(corner) {
                if grid.blocked[way][edge] {
                    continue;
                }
                let touched = if grid.is_touched(corner) { SHARED } else { 0.0 };
                let bend = if way == direction { 0.0 } else { BEND + touched };
                let total = self.best[state] + grid.cost(corner, next, edge, way, begin.x) + bend;
                let reached = 2 * next + way;
                if total < self.best[reached] {
                    self.reach(reached, total, state as u32);
                    open.push(Reverse((key(total + ahead(next)), reached)));
                }
            }
        }
        None
    }

    fn trace(&self, mut state: usize, start: usize) -> Vec<usize> {
        let mut corners = vec![state / 2];
        while state / 2 != start && self.from[state] != u32::MAX {
            state = self.from[state] as usize;
            if corners.last() != Some(&(state / 2)) {
                corners.push(state / 2);
            }
        }
        corners.reverse();
        corners
    }
}
