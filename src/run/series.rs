//! A figure over time, window by window.

use crate::design::MetricPath;
use crate::metrics::Recorder;

/// A figure in a window of the recording. Times in seconds; none where nothing was there to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub from: f64,
    pub until: f64,
    pub value: Option<f64>,
}

/// A figure that is kept by window, in all windows; what is about single replicas or shards, in all segments.
pub fn series(path: &MetricPath, recorder: &Recorder) -> Vec<Sample> {
    let series = recorder.series();
    let Some(subject) = recorder.subject(path.subject.as_deref(), &path.figure) else { return Vec::new() };
    let ends: Vec<usize> = match recorder.is_by_segment(subject, &path.figure) {
        true => series.segment_ends.clone(),
        false => (1..=series.ends.len()).collect(),
    };
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts
        .zip(&ends)
        .map(|(first, &end)| Sample {
            from: series.start(first).as_secs(),
            until: series.ends[end - 1].as_secs(),
            value: recorder.figure(subject, &path.figure, &recorder.of_windows(first..end)),
        })
        .collect()
}
