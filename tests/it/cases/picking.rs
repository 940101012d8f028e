//! Cases and faults: picking.

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/next_upstream.ron",
    "cases/weighted_least_connections.ron",
    "cases/eject_nobody.ron",
    "cases/panic_mode.ron",
    "cases/bulkhead_keeps_breaker_closed.ron",
    "faults/worker-65-links-after-failure.ron",
];
