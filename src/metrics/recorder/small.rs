//! The windows of a run that is looked at while it goes on: they begin small, so that its plots begin at once, and are
//! merged two by two as the run grows, so that there are never more than at the end. There they are as ever.

use super::{ClassRow, NodeRow, Recorder, Series, Sparse};

/// The first windows are so many times shorter than the last.
const PARTS: u64 = 32;

impl Recorder {
    /// Begin with small windows; before anything is recorded. It changes no figure of the whole run.
    pub fn begin_small(&mut self) {
        debug_assert!(self.series.ends.is_empty());
        let starts = std::iter::once(0).chain(self.boundaries.iter().map(|(end, _)| end.0));
        let shortest = self.boundaries.iter().zip(starts).map(|((end, _), start)| end.0 - start).min();
        // A window has a nanosecond at least.
        while self.parts < PARTS && 2 * self.parts <= shortest.unwrap_or(0) {
            self.parts *= 2;
        }
        self.merge();
    }

    /// Merge windows until there is room for those of the next usual one.
    pub(super) fn merge(&mut self) {
        while self.parts > 1 && (self.closed as u64 + 1) * self.parts > self.boundaries.len() as u64 {
            self.parts /= 2;
            let (classes, nodes, links) = (self.class_counts.len(), self.plan.nodes.len(), self.link_counts.len());
            self.series.halve(classes, nodes, links, self.gauges_each());
        }
    }
}

impl Series {
    /// Make one window of every two, of which there is an even number; with so many rows in each.
    fn halve(&mut self, classes: usize, nodes: usize, links: usize, gauges: usize) {
        self.ends = self.ends.chunks_exact(2).map(|pair| pair[1]).collect();
        self.segment_ends.iter_mut().for_each(|end| *end /= 2);
        self.classes = merged(&self.classes, classes, |a, b| {
            let mut counts = a.counts.clone();
            counts.add(&b.counts);
            ClassRow { counts, latency: a.latency.with(&b.latency) }
        });
        self.nodes = merged(&self.nodes, nodes, |a, b| {
            let mut counts = a.counts.clone();
            counts.add(&b.counts);
            NodeRow {
                counts,
                areas: std::array::from_fn(|k| a.areas[k].wrapping_add(b.areas[k])),
                queue_peak: a.queue_peak.max(b.queue_peak),
            }
        });
        self.gauges = merged(&self.gauges, gauges, |_, last| *last);
        self.links = merged(&self.links, links, |a, b| {
            let mut counts = a.clone();
            counts.add(b);
            counts
        });
    }
}

/// The rows of every two windows made one.
fn merged<T>(rows: &[T], each: usize, merge: impl Fn(&T, &T) -> T) -> Vec<T> {
    let pairs = rows.chunks_exact(2 * each.max(1));
    pairs.flat_map(|pair| (0..each).map(|i| merge(&pair[i], &pair[each + i])).collect::<Vec<T>>()).collect()
}

impl Sparse {
    /// Both together.
    fn with(&self, other: &Sparse) -> Sparse {
        let mut cells: Vec<(u16, u32)> = self.cells.iter().chain(&*other.cells).copied().collect();
        cells.sort_unstable_by_key(|(cell, _)| *cell);
        cells.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        Sparse { cells: cells.into(), sum: self.sum + other.sum, range: self.range.with(other.range) }
    }
}
