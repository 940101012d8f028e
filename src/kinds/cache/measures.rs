//! What a cache measures.

use crate::engine::{Counter, How, Measure, NodeMeasure, Unit};

pub const HITS: Counter = Counter(0);
pub const MISSES: Counter = Counter(1);
pub const EXPIRED: Counter = Counter(2);
pub const EVICTED: Counter = Counter(3);
pub const COALESCED: Counter = Counter(4);
pub const EARLY_REFRESHES: Counter = Counter(5);
pub const LOST_WRITES: Counter = Counter(6);
pub const NOT_FOUND: Counter = Counter(7);

pub const MEASURES: &[NodeMeasure] = &[
    Measure::new("hit_ratio", How::CountedShare(&[HITS], &[HITS, MISSES]), "Share of look-ups that are hits.")
        .shown("hits"),
    NodeMeasure::level("entries", 0, Unit::Number, "Entries that the cache holds."),
    NodeMeasure::level("filled", 1, Unit::Share, "Share of the capacity that is in use."),
    NodeMeasure::counted("hits", HITS, "Look-ups that find a valid entry."),
    NodeMeasure::counted("misses", MISSES, "Look-ups that find no valid entry."),
    NodeMeasure::counted("expired", EXPIRED, "Entries that are past their `ttl`."),
    NodeMeasure::counted("evicted", EVICTED, "Entries that are evicted to make room."),
    NodeMeasure::counted(
        "coalesced",
        COALESCED,
        "Calls that share another one's fetch of the same key (single-flight).",
    ),
    NodeMeasure::counted(
        "early_refreshes",
        EARLY_REFRESHES,
        "Entries that are refreshed before they expire (`early_refresh`).",
    ),
    NodeMeasure::counted("lost_writes", LOST_WRITES, "Acknowledged writes that are lost before the store has them."),
    NodeMeasure::counted("not_found", NOT_FOUND, "Reads of keys that do not exist."),
];
