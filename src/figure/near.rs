//! Rectangles by where they are, so that those near a place are found without a look at all of them.

use super::scene::Rect;
use std::collections::BTreeMap;

/// Side of a cell in pixels: about the size of a label.
const CELL: f64 = 96.0;
/// What lies in more cells is looked at every time.
const MOST_CELLS: i64 = 2_000;

#[derive(Default)]
pub struct Near {
    rects: Vec<(usize, Rect)>,
    cells: BTreeMap<(i64, i64), Vec<usize>>,
    large: Vec<usize>,
}

fn cell(x: f64, y: f64) -> (i64, i64) {
    ((x / CELL).floor() as i64, (y / CELL).floor() as i64)
}

impl Near {
    pub fn of(rects: impl IntoIterator<Item = (usize, Rect)>) -> Near {
        let mut near = Near::default();
        rects.into_iter().for_each(|(owner, rect)| near.add(owner, rect));
        near
    }

    pub fn add(&mut self, owner: usize, rect: Rect) {
        let (number, (left, top), (right, bottom)) =
            (self.rects.len(), cell(rect.x, rect.y), cell(rect.right(), rect.bottom()));
        self.rects.push((owner, rect));
        if (right - left + 1).saturating_mul(bottom - top + 1) > MOST_CELLS {
            self.large.push(number);
            return;
        }
        for x in left..=right {
            for y in top..=bottom {
                self.cells.entry((x, y)).or_default().push(number);
            }
        }
    }

    /// The owners of those that overlap it, once for each rectangle.
    pub fn overlapping(&self, rect: Rect) -> impl Iterator<Item = usize> + '_ {
        let ((left, top), (right, bottom)) = (cell(rect.x, rect.y), cell(rect.right(), rect.bottom()));
        let cells = (left..=right).flat_map(move |x| (top..=bottom).map(move |y| (x, y)));
        let small = cells.flat_map(move |at| {
            let here = self.cells.get(&at).into_iter().flatten();
            // Of the cells in which both are, the one where what they have in common begins.
            here.filter(move |&&number| {
                let other = &self.rects[number].1;
                cell(rect.x.max(other.x), rect.y.max(other.y)) == at
            })
        });
        let found = small.chain(&self.large).map(|&number| &self.rects[number]);
        found.filter(move |(_, other)| other.overlaps(&rect)).map(|(owner, _)| *owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn it_finds_what_a_look_at_all_finds() {
        let mut rng = Rng::seeded(5);
        let mut rect = |most: u32| {
            let mut below = |n: u32| f64::from(rng.below(n)) - 200.0;
            let (x, y) = (below(1_500), below(1_500));
            Rect::new(x, y, (below(most) + 200.0) * 20.0 / 16.0, (below(most) + 200.0) / 16.0)
        };
        let rects: Vec<Rect> = (0..300).map(|i| rect(if i % 50 == 0 { 9_000_000 } else { 900 })).collect();
        let near = Near::of(rects.iter().copied().enumerate());
        for _ in 0..300 {
            let one = rect(400);
            let mut found: Vec<usize> = near.overlapping(one).collect();
            found.sort_unstable();
            let all: Vec<usize> = (0..rects.len()).filter(|&i| rects[i].overlaps(&one)).collect();
            assert_eq!(found, all);
        }
    }
}
