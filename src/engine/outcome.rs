//! How a call ends.

/// Why a call failed: exhaustive, and shared by every plot and report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reason {
    /// No answer within the timeout of the attempt.
    Timeout,
    /// The deadline passed.
    Deadline,
    /// The callee's queue was at its limit.
    QueueFull,
    /// Refused by load shedding.
    Shed,
    /// Over a rate limit.
    RateLimited,
    /// The circuit breaker was open.
    BreakerOpen,
    /// Too many calls in flight on the link.
    BulkheadFull,
    /// No connection could be had in time.
    PoolExhausted,
    /// The callee was down.
    Refused,
    /// A message was lost, and nobody ever learns of it.
    Lost,
    /// The callee answered with an error.
    Error,
    /// Too few replicas answered.
    NoQuorum,
    /// Nowhere to send it.
    NoRoute,
    /// The shard that worked on it was taken away.
    Removed,
    /// Its caller gave it up: it left, was answered otherwise, or is gone.
    Cancelled,
}

/// Every reason, in the order of its number.
pub const REASONS: [Reason; 15] = [
    Reason::Timeout,
    Reason::Deadline,
    Reason::QueueFull,
    Reason::Shed,
    Reason::RateLimited,
    Reason::BreakerOpen,
    Reason::BulkheadFull,
    Reason::PoolExhausted,
    Reason::Refused,
    Reason::Lost,
    Reason::Error,
    Reason::NoQuorum,
    Reason::NoRoute,
    Reason::Removed,
    Reason::Cancelled,
];

impl Reason {
    /// Says when a call fails for it, in a sentence, for the manual.
    pub fn help(self) -> &'static str {
        match self {
            Reason::Timeout => "No answer within the `timeout` of the attempt, or no slot within `max_wait`.",
            Reason::Deadline => "The deadline passed, before an answer or before work began.",
            Reason::QueueFull => "The queue of the callee is full.",
            Reason::Shed => "Load shedding (`codel`): the queueing delay stays too long.",
            Reason::RateLimited => "A rate limiter rejected the call (429).",
            Reason::BreakerOpen => "The circuit breaker of the link is open.",
            Reason::BulkheadFull => "Too many attempts in flight on the link (`bulkhead`).",
            Reason::PoolExhausted => "No connection of the pool was free within `acquire_timeout`.",
            Reason::Refused => "The callee is down: connection refused.",
            Reason::Lost => "A message was lost on the network and nobody waits for its answer.",
            Reason::Error => "The callee answered with an error.",
            Reason::NoQuorum => "Too few replicas of a database answer, or the primary is fenced.",
            Reason::NoRoute => "No link or target takes the call.",
            Reason::Removed => "The node or link was removed while the call was in flight.",
            Reason::Cancelled => {
                "The caller gave the call up: another answer came first, or it failed or was cancelled itself."
            }
        }
    }

    /// The name used in tables and JSON.
    pub fn name(self) -> &'static str {
        self.figure().trim_start_matches("failed_")
    }

    /// The name of the share that fails for it.
    pub fn figure(self) -> &'static str {
        match self {
            Reason::Timeout => "failed_timeout",
            Reason::Deadline => "failed_deadline",
            Reason::QueueFull => "failed_queue_full",
            Reason::Shed => "failed_shed",
            Reason::RateLimited => "failed_rate_limited",
            Reason::BreakerOpen => "failed_breaker_open",
            Reason::BulkheadFull => "failed_bulkhead_full",
            Reason::PoolExhausted => "failed_pool_exhausted",
            Reason::Refused => "failed_refused",
            Reason::Lost => "failed_lost",
            Reason::Error => "failed_error",
            Reason::NoQuorum => "failed_no_quorum",
            Reason::NoRoute => "failed_no_route",
            Reason::Removed => "failed_removed",
            Reason::Cancelled => "failed_cancelled",
        }
    }
}

/// What a call does with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Operation {
    #[default]
    Read,
    Write,
    Delete,
}

/// Success, or the reason of failure.
pub type Outcome = Result<(), Reason>;

/// What travels back to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    pub outcome: Outcome,
    /// A cache or a store says that it does not have the key. A miss is a success: `when: (after_miss: ..)` acts on it.
    pub miss: bool,
    /// A store answered with a version older than the newest acknowledged one.
    pub stale: bool,
    /// A fallback answered in place of the callee.
    pub degraded: bool,
    /// The version of the value that was read or written, where the callee keeps versions.
    pub version: u32,
}

/// In place of the version of a failure: nobody has begun to work on the call.
const TURNED_AWAY: u32 = u32::MAX;

impl Reply {
    pub const OK: Reply = Reply { outcome: Ok(()), miss: false, stale: false, degraded: false, version: 0 };
    pub const MISS: Reply = Reply { miss: true, ..Reply::OK };

    pub const fn failed(reason: Reason) -> Reply {
        Reply { outcome: Err(reason), ..Reply::OK }
    }

    /// Fails a call that nobody has begun to work on: a guard of the link, a full queue or a dead replica turns it away. A
    /// node that only passes calls on passes this on too.
    pub const fn turned_away(reason: Reason) -> Reply {
        Reply { version: TURNED_AWAY, ..Reply::failed(reason) }
    }

    pub fn was_turned_away(&self) -> bool {
        self.outcome.is_err() && self.version == TURNED_AWAY
    }

    pub fn of(outcome: Outcome) -> Reply {
        Reply { outcome, ..Reply::OK }
    }

    pub fn is_ok(&self) -> bool {
        self.outcome.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_in_order_and_have_distinct_names() {
        for (i, reason) in REASONS.iter().enumerate() {
            assert_eq!(*reason as usize, i);
        }
        let names: std::collections::BTreeSet<_> = REASONS.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), REASONS.len());
    }
}
