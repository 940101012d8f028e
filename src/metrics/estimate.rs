//! Figures with what is known of them.

use serde::Serialize;

/// A figure with the half-width of its 95 % confidence interval, where there are batches enough to tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub value: f64,
    pub half_width: Option<f64>,
}

/// A distribution of times, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    pub count: u64,
    pub mean: Option<Estimate>,
    pub p50: Option<Estimate>,
    pub p90: Option<Estimate>,
    pub p95: Option<Estimate>,
    pub p99: Option<Estimate>,
    #[serde(rename = "p99.9")]
    pub p999: Option<Estimate>,
    pub max: Option<f64>,
    /// Standard deviation, and the same as a multiple of the mean; none where the variance is infinite.
    pub sd: Option<f64>,
    pub cv: Option<f64>,
}

impl Latency {
    /// The percentiles with their names.
    pub fn percentiles(&self) -> [(&'static str, f64, Option<Estimate>); 5] {
        [
            ("p50", 0.5, self.p50),
            ("p90", 0.9, self.p90),
            ("p95", 0.95, self.p95),
            ("p99", 0.99, self.p99),
            ("p99.9", 0.999, self.p999),
        ]
    }
}

/// The busiest replica or shard of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hottest {
    /// Its number, from 0.
    pub copy: usize,
    /// Of the calls that ended at all copies, its share.
    pub share: f64,
    /// Share of its slots or cores that are busy, whichever is more; none where neither is limited. Slots and cores are taken to be
    /// spread evenly over the copies.
    pub utilization: Option<f64>,
}
