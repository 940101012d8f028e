//! Parts of a run: what is left after the warm-up, or what lies between two times.

use super::recorder::{Recorder, WarmUpRule};
use super::steady::{self, WarmUp};
use crate::base::Time;
use crate::engine::Counts as _;
use std::ops::Range;

/// The part of the run that figures are about.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub(super) windows: Range<usize>,
    /// The whole of these.
    pub(super) segments: Range<usize>,
    /// Whether the windows are those of the segments: the batches are the segments then, and distributions are known of
    /// everything.
    pub(super) is_whole: bool,
    pub(super) seconds: f64,
    /// A steady state was looked for and not found.
    pub(super) unsettled: bool,
}

impl Stretch {
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Whether it holds no whole segment.
    pub fn is_short(&self) -> bool {
        self.segments.is_empty()
    }

    /// The first window.
    pub fn start(&self) -> usize {
        self.windows.start
    }
}

impl Recorder {
    /// The run after its warm-up, which ends at the end of a segment.
    pub fn after_warm_up(&self) -> Stretch {
        let series = &self.series;
        let (segment, unsettled) = self.warm_segments();
        let segment = segment.min(series.segments.len().saturating_sub(1));
        let window = if segment == 0 { 0 } else { series.segment_ends[segment - 1] };
        let end = series.ends.last().copied().unwrap_or(Time::ZERO);
        Stretch {
            windows: window..series.ends.len(),
            segments: segment.min(series.segments.len())..series.segments.len(),
            is_whole: true,
            seconds: end.since(series.start(window)).as_secs().max(1e-12),
            unsettled,
        }
    }

    /// The windows that lie within these times; none if there is none.
    pub fn between(&self, from: Time, until: Time) -> Option<Stretch> {
        let series = &self.series;
        let first = (0..series.ends.len()).find(|&w| series.start(w) >= from)?;
        let last = series.ends.partition_point(|end| *end <= until);
        (first < last).then(|| self.of_windows(first..last))
    }

    /// These windows.
    pub fn of_windows(&self, windows: Range<usize>) -> Stretch {
        let ends = &self.series.segment_ends;
        let first = if windows.start == 0 { 0 } else { ends.partition_point(|end| *end < windows.start) + 1 };
        let last = ends.partition_point(|end| *end <= windows.end);
        let seconds = windows.clone().map(|w| self.seconds_of(&(w..w + 1))).sum();
        Stretch { windows, segments: first..last.max(first), is_whole: false, seconds, unsettled: true }
    }

    /// How many segments the warm-up lasts, and whether no steady state was found.
    fn warm_segments(&self) -> (usize, bool) {
        let (series, classes) = (&self.series, self.plan.classes.len());
        match self.rule {
            WarmUpRule::Given(span) if !span.is_zero() => (1, false),
            WarmUpRule::Given(_) | WarmUpRule::None => (0, false),
            WarmUpRule::Auto => {
                // Without an answer in a window, the last known mean stands in.
                let mut last = 0.0;
                let means: Vec<f64> = (0..series.ends.len())
                    .map(|w| {
                        let rows = &series.classes[w * classes..(w + 1) * classes];
                        let sum: u64 = rows.iter().map(|row| row.counts.latency_ns).sum();
                        let n: u64 = rows.iter().map(|row| row.counts.answered()).sum();
                        if n > 0 {
                            last = sum as f64 / n as f64;
                        }
                        last
                    })
                    .collect();
                let (warm, unsettled) = match steady::warm_up(&means) {
                    WarmUp::Ends(warm) => (warm, false),
                    WarmUp::TooLong => (steady::longest_warm_up(means.len()), true),
                };
                let ends = series.segment_ends.iter().position(|end| *end >= warm);
                (if warm == 0 { 0 } else { ends.map_or(0, |s| s + 1) }, unsettled)
            }
        }
    }

    /// Windows of a segment.
    pub(super) fn windows_of(&self, segment: usize) -> Range<usize> {
        let ends = &self.series.segment_ends;
        let start = if segment == 0 { 0 } else { ends[segment - 1] };
        start..ends[segment]
    }

    pub(super) fn seconds_of(&self, windows: &Range<usize>) -> f64 {
        match windows.is_empty() {
            true => 0.0,
            false => self.series.ends[windows.end - 1].since(self.series.start(windows.start)).as_secs(),
        }
    }
}
