//! What a database measures.

use crate::engine::{Counter, How, Measure, NodeMeasure, Stat, Times, Unit};

pub const STALE_READS: Counter = Counter(0);
pub const CHECKED_READS: Counter = Counter(1);
pub const LOST_WRITES: Counter = Counter(2);
pub const NOT_FOUND: Counter = Counter(3);

pub const MEASURES: &[NodeMeasure] = &[
    Measure::new(
        "stale_share",
        How::CountedShare(&[STALE_READS], &[CHECKED_READS]),
        "Share of checked reads that return an old version.",
    )
    .shown("stale"),
    NodeMeasure::level(
        "primary",
        0,
        Unit::Number,
        "Number of the replica that is the primary: a mean where that changes, 0 without one.",
    ),
    NodeMeasure::level("replicating", 1, Unit::Number, "Writes that have not reached all replicas yet."),
    Measure::new("lag_mean", How::Of(Times::Lag, Stat::Mean), "Mean lag of the replicas behind the primary.")
        .shown("lag"),
    Measure::new("lag_p99", How::Of(Times::Lag, Stat::Quantile(0.99)), "99th percentile of that lag."),
    NodeMeasure::counted(
        "stale_reads",
        STALE_READS,
        "Reads that return an older version than the newest acknowledged one.",
    ),
    NodeMeasure::counted(
        "checked_reads",
        CHECKED_READS,
        "Reads whose version is compared with the newest acknowledged one.",
    ),
    NodeMeasure::counted("lost_writes", LOST_WRITES, "Acknowledged writes that are lost."),
    NodeMeasure::counted("not_found", NOT_FOUND, "Reads of keys that do not exist."),
];
