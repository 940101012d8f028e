//! A figure over time, window by window.

use super::judge::lookup;
use crate::base::{Span, Time};
use crate::design::MetricPath;
use crate::metrics::{Recorder, Report};

/// A figure in a window of the recording. Times in seconds; none where nothing was there to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub from: f64,
    pub until: f64,
    pub value: Option<f64>,
}

/// A figure that is kept by window, in all windows.
pub fn series(path: &MetricPath, recorder: &Recorder, report: &Report) -> Vec<Sample> {
    let series = recorder.series();
    let span = |time: Time| Span(time.0);
    (0..series.ends.len())
        .map(|w| {
            let (from, until) = (series.start(w), series.ends[w]);
            let path = MetricPath { window: Some((span(from), span(until))), ..path.clone() };
            Sample { from: from.as_secs(), until: until.as_secs(), value: lookup(&path, recorder, report) }
        })
        .collect()
}
