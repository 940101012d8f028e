//! What is counted while a run goes on: plain integers and histograms in flat arrays, recorded where the value is at
//! hand. `metrics` takes them out window by window and turns them into series and a report.

use super::outcome::{Outcome, REASONS};
use crate::base::Histogram;

/// Things that kinds count besides calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Signal {
    /// A key that was there and not expired.
    Hit,
    /// A key that was not.
    Miss,
    /// A read answered with an old version.
    StaleRead,
    /// A read whose version could be checked.
    CheckedRead,
    /// A message handled more than once.
    Duplicate,
    /// A message delivered again because it was not acknowledged in time.
    Redelivered,
    /// A message given up and set aside.
    DeadLettered,
    /// A message or entry too old to be of use.
    Expired,
    /// An entry or message thrown out to make room.
    Evicted,
    /// A call that joined another one's work on the same key.
    Coalesced,
    /// A value computed again before it expired.
    EarlyRefresh,
    /// A key that belongs to another shard than before.
    MovedKey,
    /// A target taken out because of its errors.
    Ejected,
    /// An instance started.
    Started,
    /// An instance stopped.
    Stopped,
    /// A write that another one overtook or that was lost with its node.
    LostWrite,
}

/// Every signal with its name in reports, in the order of its number.
pub const SIGNALS: [(Signal, &str); 16] = [
    (Signal::Hit, "hits"),
    (Signal::Miss, "misses"),
    (Signal::StaleRead, "stale_reads"),
    (Signal::CheckedRead, "checked_reads"),
    (Signal::Duplicate, "duplicates"),
    (Signal::Redelivered, "redelivered"),
    (Signal::DeadLettered, "dead_lettered"),
    (Signal::Expired, "expired"),
    (Signal::Evicted, "evicted"),
    (Signal::Coalesced, "coalesced"),
    (Signal::EarlyRefresh, "early_refreshes"),
    (Signal::MovedKey, "moved_keys"),
    (Signal::Ejected, "ejected"),
    (Signal::Started, "started"),
    (Signal::Stopped, "stopped"),
    (Signal::LostWrite, "lost_writes"),
];

/// Failures by reason.
pub type Failures = [u64; REASONS.len()];

/// Calls served by a node.
#[derive(Clone, Debug, Default)]
pub struct NodeTally {
    pub arrived: u64,
    pub succeeded: u64,
    pub failed: Failures,
    /// Sums over succeeded calls, in nanoseconds: waiting for a slot or core; being worked on; waiting for others.
    pub queue_ns: u64,
    pub service_ns: u64,
    pub others_ns: u64,
    /// Succeeded calls that had to wait.
    pub waited: u64,
    pub latency: Histogram,
    pub wait: Histogram,
    /// How far behind something is (replicas, messages), where the kind says so.
    pub lag: Histogram,
    pub signals: [u64; SIGNALS.len()],
}

impl NodeTally {
    pub fn in_flight(&self) -> u64 {
        self.arrived - self.succeeded - self.failed.iter().sum::<u64>()
    }
}

/// Attempts made over a link, as the caller sees them.
#[derive(Clone, Debug, Default)]
pub struct LinkTally {
    pub sent: u64,
    pub succeeded: u64,
    pub failed: Failures,
    pub retries: u64,
    pub hedges: u64,
    /// Operations answered by the fallback.
    pub fallbacks: u64,
    pub latency: Histogram,
}

impl LinkTally {
    #[inline]
    pub fn done(&mut self, outcome: Outcome, latency_ns: u64) {
        match outcome {
            Ok(()) => {
                self.succeeded += 1;
                self.latency.record(latency_ns);
            }
            Err(reason) => self.failed[reason as usize] += 1,
        }
    }

    pub fn in_flight(&self) -> u64 {
        self.sent - self.succeeded - self.failed.iter().sum::<u64>()
    }
}

/// Requests of one class, from when they were meant to be sent until their last answer.
#[derive(Clone, Debug, Default)]
pub struct ClassTally {
    pub offered: u64,
    /// Answered in time.
    pub good: u64,
    /// Answered, but after the deadline: not a success.
    pub late: u64,
    pub failed: Failures,
    /// Of those answered, by a fallback.
    pub degraded: u64,
    /// Of those answered, with an old version.
    pub stale: u64,
    /// Latency of all that were answered, late ones included.
    pub latency: Histogram,
}

impl ClassTally {
    pub fn in_flight(&self) -> u64 {
        self.offered - self.good - self.late - self.failed.iter().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_listed_in_order() {
        for (i, (signal, _)) in SIGNALS.iter().enumerate() {
            assert_eq!(*signal as usize, i);
        }
    }
}
