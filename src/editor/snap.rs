//! Where a card goes that is dragged nearly to some place: in line with another, or to the grid.

use super::input::Point;
use super::output::{Area, Guide};

/// The grid's step.
pub const GRID: f32 = 8.0;
/// A card is drawn into line from this far, in pixels of the screen.
pub const NEAR: f32 = 6.0;

/// The nearest point of the grid.
pub fn to_grid(at: Point) -> Point {
    ((at.0 / GRID).round() * GRID, (at.1 / GRID).round() * GRID)
}

/// By how much to move `moving` so that it lies in line with one of the others or, where none is near, on the grid; and
/// the lines on which it lies then. `near` is how far off a line may be.
pub fn snap(moving: Area, others: &[Area], near: f32) -> (Point, Vec<Guide>) {
    let upright = nearest(near, moving, others, |area| (area.min.0, area.max.0), |area| (area.min.1, area.max.1));
    let level = nearest(near, moving, others, |area| (area.min.1, area.max.1), |area| (area.min.0, area.max.0));
    let grid = to_grid(moving.min);
    let by =
        (upright.map_or(grid.0 - moving.min.0, |line| line.by), level.map_or(grid.1 - moving.min.1, |line| line.by));
    // Along a line, the card lies where the other direction has put it.
    let ends =
        |line: Line, shift: f32, mine: (f32, f32)| (line.span.0.min(mine.0 + shift), line.span.1.max(mine.1 + shift));
    let mut guides = Vec::new();
    if let Some(line) = upright {
        let (from, until) = ends(line, by.1, (moving.min.1, moving.max.1));
        guides.push(Guide::Upright { x: line.at, from, until });
    }
    if let Some(line) = level {
        let (from, until) = ends(line, by.0, (moving.min.0, moving.max.0));
        guides.push(Guide::Level { y: line.at, from, until });
    }
    (by, guides)
}

#[derive(Clone, Copy)]
struct Line {
    by: f32,
    at: f32,
    /// From where to where the other card reaches along the line.
    span: (f32, f32),
}

/// The line of another card that needs the shortest move; of equal ones, that of the nearest card.
fn nearest(
    near: f32,
    moving: Area,
    others: &[Area],
    across: fn(&Area) -> (f32, f32),
    along: fn(&Area) -> (f32, f32),
) -> Option<Line> {
    let lines = |area: &Area| {
        let (near, far) = across(area);
        [near, (near + far) / 2.0, far]
    };
    let middle = |area: &Area| (along(area).0 + along(area).1) / 2.0;
    let mut best: Option<((f32, f32), Line)> = None;
    for other in others {
        for (mine, at) in lines(&moving).into_iter().zip(lines(other)) {
            let line = Line { by: at - mine, at, span: along(other) };
            let rank = (line.by.abs(), (middle(&moving) - middle(other)).abs());
            if rank.0 <= near && best.as_ref().is_none_or(|(other, _)| rank < *other) {
                best = Some((rank, line));
            }
        }
    }
    best.map(|(_, line)| line)
}
