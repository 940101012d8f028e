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
    /// Authentication failed.
    Unauthorized,
    /// The client held itself back.
    Throttled,
    /// The message was too old.
    Expired,
    /// Nowhere to send it.
    NoRoute,
    /// The shard that worked on it was taken away.
    Removed,
    /// Its caller gave it up: it left, was answered otherwise, or is gone.
    Cancelled,
}

/// Every reason, in the order of its number.
pub const REASONS: [Reason; 18] = [
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
    Reason::Unauthorized,
    Reason::Throttled,
    Reason::Expired,
    Reason::NoRoute,
    Reason::Removed,
    Reason::Cancelled,
];

impl Reason {
    /// Whether anything fails for this reason yet. A figure of one for which nothing does would be 0 in every run.
    pub fn is_produced(self) -> bool {
        !matches!(self, Reason::Unauthorized | Reason::Throttled | Reason::Expired)
    }

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
            Reason::Unauthorized => "Authentication failed.",
            Reason::Throttled => "The client held the call back.",
            Reason::Expired => "The message was too old.",
            Reason::NoRoute => "No link or target takes the call.",
            Reason::Removed => "The node or link was removed while the call was in flight.",
            Reason::Cancelled => {
                "The caller gave the call up: another answer came first, or it failed or was cancelled itself."
            }
        }
    }

    /// The name used in files, tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Timeout => "timeout",
            Reason::Deadline => "deadline",
            Reason::QueueFull => "queue_full",
            Reason::Shed => "shed",
            Reason::RateLimited => "rate_limited",
            Reason::BreakerOpen => "breaker_open",
            Reason::BulkheadFull => "bulkhead_full",
            Reason::PoolExhausted => "pool_exhausted",
            Reason::Refused => "refused",
            Reason::Lost => "lost",
            Reason::Error => "error",
            Reason::NoQuorum => "no_quorum",
            Reason::Unauthorized => "unauthorized",
            Reason::Throttled => "throttled",
            Reason::Expired => "expired",
            Reason::NoRoute => "no_route",
            Reason::Removed => "removed",
            Reason::Cancelled => "cancelled",
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
