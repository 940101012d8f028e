//! What is counted while a run goes on: plain integers and histograms in flat arrays, recorded where the value is at
//! hand. `metrics` takes them out window by window and turns them into series and a report.

use super::outcome::{Outcome, REASONS};
use crate::base::Histogram;

/// Something that a kind counts besides calls: its place among the node's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(pub u8);

/// Counters that a kind can have.
pub const MOST_COUNTERS: usize = 10;

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
        /// What the kind counts besides calls.
        counted: [u64; MOST_COUNTERS],
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

/// What the counts of every subject have.
pub trait Counts: Clone + Default + 'static {
    /// Add another reading's counts.
    fn add_all(&mut self, other: &Self);
    fn failures(&self) -> &Failures;
    /// What began: came, was sent or was issued; and what was answered.
    fn began(&self) -> u64;
    fn answered(&self) -> u64;

    fn failed(&self) -> u64 {
        self.failures().iter().sum()
    }

    fn ended(&self) -> u64 {
        self.answered() + self.failed()
    }
}

/// The same by the names of the fields.
macro_rules! counts {
    ($($name:ident: $began:ident, $($answered:ident)+;)*) => {
        $(impl Counts for $name {
            fn add_all(&mut self, other: &Self) {
                self.add(other);
            }
            fn failures(&self) -> &Failures {
                &self.failed
            }
            fn began(&self) -> u64 {
                self.$began
            }
            fn answered(&self) -> u64 {
                0 $(+ self.$answered)+
            }
        })*
    };
}

counts! {
    NodeCounts: arrived, succeeded;
    LinkCounts: sent, succeeded;
    ClassCounts: offered, good late;
}

/// Calls that a copy of a node ended, of all that ended there, and what it was busy with: in nanoseconds of slots and cores.
#[derive(Clone, Debug, Default)]
pub struct CopyCounts {
    pub calls: u64,
    pub of_all: u64,
    pub held_ns: u64,
    pub slots_ns: u64,
    pub worked_ns: u64,
    pub cores_ns: u64,
}

impl Counts for CopyCounts {
    fn add_all(&mut self, other: &Self) {
        self.calls += other.calls;
        self.of_all += other.of_all;
        self.held_ns += other.held_ns;
        self.slots_ns += other.slots_ns;
        self.worked_ns += other.worked_ns;
        self.cores_ns += other.cores_ns;
    }
    // Not counted one by one.
    fn failures(&self) -> &Failures {
        &[0; REASONS.len()]
    }
    fn began(&self) -> u64 {
        self.calls
    }
    fn answered(&self) -> u64 {
        self.calls
    }
}

impl NodeCounts {
    pub fn counted(&self, counter: Counter) -> u64 {
        self.counted[usize::from(counter.0)]
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
        self.counts.began() - self.counts.ended()
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
        self.counts.began() - self.counts.ended()
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
        self.counts.began() - self.counts.ended()
    }
}
