//! Cases and faults: queues.

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/noisy_neighbour.ron",
    "cases/preempt_without_queue.ron",
    "cases/fenced_primary.ron",
    "cases/split_brain.ron",
    "cases/visibility_too_short.ron",
    "cases/default_prefetch.ron",
    "cases/dropped_iterations.ron",
    "faults/queue-redelivers-at-the-same-instant.ron",
    "faults/written-keys-memory.ron",
    "faults/constant-that-steps-to-zero-hangs.ron",
    "faults/constant-with-shape-at-a-tiny-rate-hangs.ron",
    "faults/every-nanosecond-breakdowns.ron",
    "faults/every-nanosecond-bursty.ron",
    "faults/every-nanosecond-health-check.ron",
    "faults/every-nanosecond-pauses.ron",
    "faults/every-nanosecond-stale.ron",
    "faults/every-nanosecond-switch-interval.ron",
];
