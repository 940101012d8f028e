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
    /// A read of a key that does not exist.
    NotFound,
}

impl Signal {
    /// Says what is counted, in a sentence, for the manual.
    pub fn help(self) -> &'static str {
        match self {
            Signal::Hit => "Look-ups that find a valid entry.",
            Signal::Miss => "Look-ups that find no valid entry.",
            Signal::StaleRead => "Reads that return an older version than the newest acknowledged one.",
            Signal::CheckedRead => "Reads whose version is compared with the newest acknowledged one.",
            Signal::Duplicate => "Messages that are handled more than once.",
            Signal::Redelivered => "Messages that are delivered again.",
            Signal::DeadLettered => "Messages that go to the dead-letter queue after `max_deliveries`.",
            Signal::Expired => "Entries or messages that are too old: past their `ttl` or `retention`.",
            Signal::Evicted => "Entries that are evicted, or messages that are dropped, to make room.",
            Signal::Coalesced => {
                "Calls that share another one's work on the same key (single-flight, or exactly once)."
            }
            Signal::EarlyRefresh => "Entries that are refreshed before they expire (`early_refresh`).",
            Signal::MovedKey => "Keys that are used for the first time since they moved to another shard.",
            Signal::Ejected => "Targets that are ejected after consecutive failures.",
            Signal::Started => "Instances or replicas that are started.",
            Signal::Stopped => "Instances or replicas that are stopped.",
            Signal::LostWrite => "Acknowledged writes or messages that are lost.",
            Signal::NotFound => "Reads of keys that do not exist.",
        }
    }
}

/// Every signal with its name in reports, in the order of its number.
pub const SIGNALS: [(Signal, &str); 17] = [
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
    (Signal::NotFound, "not_found"),
];

/// Failures by reason.
pub type Failures = [u64; REASONS.len()];

/// Differences of two readings of a set of counters. What every call changes stands first, but no two side by side that
/// change at once: a compiler would gather two such sums into one vector, which takes longer than to add each in its place.
macro_rules! counters {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl $name {
            /// What was counted since an earlier reading.
            pub fn since(&self, earlier: &Self) -> Self {
                $name { $($field: Minus::minus(&self.$field, &earlier.$field),)* }
            }

            /// Add another reading's counts.
            pub fn add(&mut self, other: &Self) {
                $(Minus::add(&mut self.$field, &other.$field);)*
            }
        }
    };
}

/// Counters, one or several, that wrap.
trait Minus: Sized {
    fn minus(&self, earlier: &Self) -> Self;
    fn add(&mut self, other: &Self);
}

impl Minus for u64 {
    fn minus(&self, earlier: &u64) -> u64 {
        self.wrapping_sub(*earlier)
    }
    fn add(&mut self, other: &u64) {
        *self = self.wrapping_add(*other);
    }
}

impl<const N: usize> Minus for [u64; N] {
    fn minus(&self, earlier: &[u64; N]) -> [u64; N] {
        std::array::from_fn(|i| self[i].wrapping_sub(earlier[i]))
    }
    fn add(&mut self, other: &[u64; N]) {
        for (mine, theirs) in self.iter_mut().zip(other) {
            *mine = mine.wrapping_add(*theirs);
        }
    }
}

counters! {
    /// Calls served by a node.
    NodeCounts {
        arrived: u64,
        succeeded: u64,
        /// Succeeded calls that had to wait.
        waited: u64,
        /// Sums over succeeded calls, in nanoseconds: from arrival to answer; waiting for a slot or core; being worked
        /// on; waiting for others.
        latency_ns: u64,
        queue_ns: u64,
        service_ns: u64,
        failed: Failures,
        others_ns: u64,
        signals: [u64; SIGNALS.len()],
    }
}

counters! {
    /// Attempts made over a link, as the caller sees them.
    LinkCounts {
        succeeded: u64,
        sent: u64,
        latency_ns: u64,
        retries: u64,
        hedges: u64,
        /// Operations answered by the fallback.
        fallbacks: u64,
        failed: Failures,
        /// Attempts that the link itself rejected: its breaker, its bulkhead, its pool. `failed` has the same reasons of links
        /// further on, too.
        rejected: [u64; 3],
        /// What sending requests and replies took, in nanoseconds, where the bandwidth is limited.
        sending_ns: [u64; 2],
        /// Nanoseconds of attempts that wait for a connection, of connections in use, and of connections allowed. The engine does
        /// not count them: a recorder samples them when a window ends.
        pool_ns: [u64; 3],
    }
}

/// A mechanism of a link that rejects attempts: its place in [`LinkCounts::rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Guarding {
    Breaker,
    Bulkhead,
    Pool,
}

counters! {
    /// Requests of one class, from when they were meant to be sent until their last answer.
    ClassCounts {
        offered: u64,
        /// Answered in time.
        good: u64,
        /// Answered, but after the deadline: not a success.
        late: u64,
        /// Sum over all that were answered, late ones included.
        latency_ns: u64,
        /// Of those answered, by a fallback.
        degraded: u64,
        /// Of those answered, with an old version.
        stale: u64,
        failed: Failures,
    }
}

/// A node's counts since the beginning, and its histograms since they were last taken.
#[derive(Clone, Debug, Default)]
pub struct NodeTally {
    pub counts: NodeCounts,
    /// Without the [shared](LinkTally::shared) ones.
    pub(super) latency: Histogram,
    pub wait: Histogram,
    /// How far behind something is (replicas, messages), where the kind says so.
    pub lag: Histogram,
}

impl NodeTally {
    pub fn in_flight(&self) -> u64 {
        self.counts.arrived - self.counts.succeeded - self.counts.failed.iter().sum::<u64>()
    }
}

/// A link's.
#[derive(Clone, Debug, Default)]
pub struct LinkTally {
    pub counts: LinkCounts,
    /// Without the shared ones.
    pub(super) latency: Histogram,
    /// Of calls on which the way took no time: they took the callee as long as the caller waited, so that both are counted
    /// here, until somebody asks.
    pub(super) shared: Histogram,
}

impl LinkTally {
    #[inline]
    pub fn done(&mut self, outcome: Outcome, latency_ns: u64, shared: bool) {
        match outcome {
            Ok(()) => {
                self.counts.succeeded += 1;
                self.counts.latency_ns = self.counts.latency_ns.wrapping_add(latency_ns);
                (if shared { &mut self.shared } else { &mut self.latency }).record(latency_ns);
            }
            Err(reason) => self.counts.failed[reason as usize] += 1,
        }
    }

    pub fn in_flight(&self) -> u64 {
        self.counts.sent - self.counts.succeeded - self.counts.failed.iter().sum::<u64>()
    }
}

/// A class's; aligned as nodes are.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
pub struct ClassTally {
    pub counts: ClassCounts,
    pub latency: Histogram,
}

impl ClassTally {
    pub fn in_flight(&self) -> u64 {
        let counts = &self.counts;
        counts.offered - counts.good - counts.late - counts.failed.iter().sum::<u64>()
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
