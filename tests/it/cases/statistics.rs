//! Cases and faults: statistics.

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "faults/auto-warm-up-bias.ron",
    "faults/percentile-below-the-minimum.ron",
    "faults/percentiles-of-a-crowded-cell.ron",
    "faults/csv-with-nan.ron",
    "faults/known-to-inf.ron",
    "cases/nested_connection.ron",
    "cases/one_shard_at_its_limit.ron",
];
