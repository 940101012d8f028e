//! What a queue measures.

use crate::engine::{Counter, How, Measure, NodeMeasure, Stat, Times, Unit};

pub const REDELIVERED: Counter = Counter(0);
pub const DEAD_LETTERED: Counter = Counter(1);
pub const DUPLICATES: Counter = Counter(2);
pub const COALESCED: Counter = Counter(3);
pub const EXPIRED: Counter = Counter(4);
pub const EVICTED: Counter = Counter(5);
pub const LOST_WRITES: Counter = Counter(6);

pub const MEASURES: &[NodeMeasure] = &[
    NodeMeasure::level(
        "messages",
        0,
        Unit::Number,
        "Messages that the queue keeps, also those that are with consumers.",
    ),
    Measure::new(
        "lag_mean",
        How::Of(Times::Lag, Stat::Mean),
        "Mean time of a message from the producer's call to the acknowledgement.",
    )
    .shown("lag"),
    Measure::new("lag_p99", How::Of(Times::Lag, Stat::Quantile(0.99)), "99th percentile of that time."),
    NodeMeasure::counted("redelivered", REDELIVERED, "Messages that are delivered again."),
    NodeMeasure::counted(
        "dead_lettered",
        DEAD_LETTERED,
        "Messages that go to the dead-letter queue after `max_deliveries`.",
    ),
    NodeMeasure::counted("duplicates", DUPLICATES, "Messages that are handled again."),
    NodeMeasure::counted("coalesced", COALESCED, "Messages that are handled again and recognised (exactly once)."),
    NodeMeasure::counted("expired", EXPIRED, "Messages that are past their `retention`."),
    NodeMeasure::counted("evicted", EVICTED, "Messages that are dropped to make room."),
    NodeMeasure::counted(
        "lost_writes",
        LOST_WRITES,
        "Acknowledged messages that are lost: with the queue, or not handled with AtMostOnce.",
    ),
];
