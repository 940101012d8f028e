//! What a link does to the calls that go over it: settings, and the state of each caller replica's guards.

use super::call::CallId;
use super::outcome::Operation;
use super::sending::Line;
use super::tally::LinkTally;
use crate::base::{NodeId, Rng, Sampler, Span};
use crate::parts::backoff::{Backoff, Budget, BudgetState};
use crate::parts::breaker::{Breaker, BreakerConfig};
use std::collections::VecDeque;

/// Whether the caller waits for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Wait for the reply, holding what one holds.
    #[default]
    Sync,
    /// Send and go on.
    Async,
}

/// What must have happened before a link of an itinerary is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WhenAfter {
    #[default]
    Always,
    /// The link with this mark reported a miss.
    Miss(u64),
    /// The link with this mark failed.
    Failure(u64),
}

/// Which calls use a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// A bit per class.
    pub classes: u64,
    pub probability: f64,
    pub after: WhenAfter,
}

impl Default for When {
    fn default() -> Self {
        When { classes: u64::MAX, probability: 1.0, after: WhenAfter::Always }
    }
}

/// Try again after a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Attempts in all, the first one included.
    pub attempts: u16,
    pub backoff: Backoff,
    pub budget: Option<Budget>,
}

/// Send another copy when the answer is slow in coming; the first answer wins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedge {
    pub after: Span,
    /// Copies besides the first, at most [`MAX_HEDGES`].
    pub copies: u8,
}

/// Copies in flight at once are kept in place in the operation.
pub const MAX_HEDGES: u8 = 3;

/// Connections are limited, and take time to set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Connections for each replica of the caller.
    pub size: u32,
    /// How long to wait for one.
    pub acquire_timeout: Option<Span>,
    /// What a new connection costs; one that is idle costs nothing.
    pub connect: Span,
}

/// Answer in place of a callee that failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fallback {
    pub after: Span,
}

/// Everything that can be set on a link. From the caller's side inwards: fallback, deadline, retry, hedge, breaker,
/// bulkhead, timeout, pool, network; each can be absent.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    pub mode: Mode,
    /// What calls over this link do, if it is not what the caller's call does.
    pub operation: Option<Operation>,
    /// Time there and time back.
    pub latency: Sampler,
    pub latency_back: Sampler,
    /// Bytes per second each way; calls are serialised on the link.
    pub bandwidth: Option<f64>,
    /// Share of messages lost, each way.
    pub loss: f64,
    pub timeout: Option<Span>,
    pub deadline: Option<Span>,
    /// Whether the callee learns the deadline.
    pub propagate_deadline: bool,
    pub retry: Option<Retry>,
    pub hedge: Option<Hedge>,
    pub breaker: Option<BreakerConfig>,
    pub bulkhead: Option<u32>,
    pub pool: Option<Pool>,
    pub fallback: Option<Fallback>,
    /// Whether the callee is told that nobody waits any more.
    pub cancel: bool,
    /// Whether the caller can do without: a failure does not fail the caller's call.
    pub optional: bool,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            mode: Mode::Sync,
            operation: None,
            latency: Sampler::Constant(Span::ZERO),
            latency_back: Sampler::Constant(Span::ZERO),
            bandwidth: None,
            loss: 0.0,
            timeout: None,
            deadline: None,
            propagate_deadline: true,
            retry: None,
            hedge: None,
            breaker: None,
            bulkhead: None,
            pool: None,
            fallback: None,
            cancel: false,
            optional: false,
        }
    }
}

impl LinkConfig {
    /// Whether an operation is kept around the attempts.
    pub(crate) fn needs_op(&self) -> bool {
        self.retry.is_some() || self.hedge.is_some() || self.fallback.is_some() || self.deadline.is_some()
    }

    /// Whether anything is kept per replica of the caller.
    pub(crate) fn needs_guard(&self) -> bool {
        self.breaker.is_some()
            || self.bulkhead.is_some()
            || self.pool.is_some()
            || self.retry.as_ref().is_some_and(|retry| retry.budget.is_some())
    }
}

/// What stands between one replica of the caller and the link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    pub breaker: Option<Breaker>,
    pub budget: Option<BudgetState>,
    /// Attempts past the bulkhead.
    pub in_flight: u32,
    /// Connections in use or being set up, and idle ones.
    pub connections: u32,
    pub idle: u32,
    /// Calls that wait for a connection, oldest first; entries of calls that gave up are skipped.
    pub waiting: VecDeque<CallId>,
    /// How many of them make it worth while to look for those that gave up.
    pub sweep_at: usize,
}

/// The number of the guard of a replica of the caller: a caller that knows no replicas is a single one.
#[inline]
pub(crate) fn guard_of(origin: u16) -> u16 {
    if origin == super::ANY_REPLICA { 0 } else { origin }
}

/// What goes wrong on a link at present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LinkFault {
    /// What messages take longer, each way.
    pub extra_there: Span,
    pub extra_back: Span,
    pub loss: f64,
    /// How many partitions cut it.
    pub cuts: u32,
    /// How many interventions hold its messages back until they end.
    pub holds: u32,
}

impl LinkFault {
    pub const NONE: LinkFault =
        LinkFault { extra_there: Span::ZERO, extra_back: Span::ZERO, loss: 0.0, cuts: 0, holds: 0 };
}

/// A link of a running simulation; aligned as nodes are.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Link {
    pub from: NodeId,
    pub to: NodeId,
    pub config: LinkConfig,
    pub fault: LinkFault,
    pub rng: Rng,
    /// Of the jitter of retries, so that it does not change what the network does.
    pub retry_rng: Rng,
    /// What is being sent there and back, where the bandwidth is limited.
    pub lines: Option<Box<[Line; 2]>>,
    /// A guard per replica of the caller, made when first used.
    pub guards: Vec<Guard>,
    /// Messages held back by a fault, with the direction: true is a reply.
    pub held: Vec<(CallId, bool)>,
    pub tally: LinkTally,
    /// Whether a message was ever lost on it.
    pub has_lost: bool,
    /// Lanes of the constant delays, if there are any.
    pub lanes: LinkLanes,
    pub way: Way,
}

/// What a call needs to know of a link's settings, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// There is nothing in the way: messages take no time, there are no guards and no operation around the attempt, the callee
    /// is told of no cancels, and calls do here what the caller's call does.
    pub straight: bool,
    /// Messages take no time and cannot be lost.
    pub plain: bool,
    /// Messages take the time of the settings and cannot be lost.
    pub steady: bool,
    /// There is a breaker, a bulkhead, a timeout or a pool.
    pub guarded: bool,
    /// There is an operation around the attempts.
    pub retried: bool,
    /// The callee learns the deadline, and the caller goes by it.
    pub propagates: bool,
    /// The callee is told that nobody waits any more.
    pub cancels: bool,
    /// What calls do here, if it is not what the caller's call does.
    pub operation: Option<Operation>,
}

/// The places of a link's lanes in the engine's list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkLanes {
    pub timeout: Option<u32>,
    pub pool_timeout: Option<u32>,
    pub arrive: Option<u32>,
    pub back: Option<u32>,
    pub op_deadline: Option<u32>,
    pub hedge: Option<u32>,
}

impl Link {
    /// Sum up what a call needs to know: after the settings, or what is wrong, changed.
    pub fn refresh(&mut self) {
        let (config, fault) = (&self.config, &self.fault);
        let steady = config.bandwidth.is_none() && config.loss <= 0.0 && *fault == LinkFault::NONE;
        let plain = config.latency.as_constant() == Some(Span::ZERO)
            && config.latency_back.as_constant() == Some(Span::ZERO)
            && steady;
        let mut way = Way {
            straight: false,
            plain,
            steady,
            guarded: config.needs_guard() || config.timeout.is_some(),
            retried: config.needs_op(),
            propagates: config.propagate_deadline,
            cancels: config.cancel,
            operation: config.operation,
        };
        way.straight = plain && !way.guarded && !way.retried && !way.cancels && way.operation.is_none();
        self.way = way;
    }

    /// The guard of a replica of the caller.
    #[inline]
    pub fn guard(&mut self, origin: u16) -> &mut Guard {
        let i = usize::from(guard_of(origin));
        if i >= self.guards.len() {
            self.make_guards(i + 1);
        }
        &mut self.guards[i]
    }

    #[cold]
    #[inline(never)]
    fn make_guards(&mut self, count: usize) {
        let config = &self.config;
        self.guards.resize_with(count, || Guard::new(config));
    }
}

impl Guard {
    pub fn new(config: &LinkConfig) -> Guard {
        Guard {
            breaker: config.breaker.as_ref().map(Breaker::new),
            budget: config.retry.as_ref().and_then(|retry| retry.budget.as_ref()).map(BudgetState::new),
            ..Guard::default()
        }
    }

    /// After the link's settings changed: keep what is in flight, start the mechanisms that changed anew.
    pub fn retune(&mut self, old: &LinkConfig, new: &LinkConfig) {
        let fresh = Guard::new(new);
        if old.breaker != new.breaker {
            self.breaker = fresh.breaker;
        }
        let budget = |config: &LinkConfig| config.retry.as_ref().and_then(|retry| retry.budget);
        if budget(old) != budget(new) {
            self.budget = fresh.budget;
        }
    }
}
