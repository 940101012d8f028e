//! Cases and faults: pace.

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/slow_io.ron",
    "faults/database-restart-thaws.ron",
    "faults/queue-delivers-while-dead.ron",
    "faults/queue-delivers-while-frozen.ron",
    "faults/utilization-above-one.ron",
    "cases/dead_work.ron",
];
