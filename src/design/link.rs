//! Links as they stand in a file.

use crate::base::units::Bandwidth;
use crate::base::{Dist, Finding, Ratio, Span, Subject};
use crate::kinds::{Param, Section, Visitor};
pub use crate::parts::backoff::Backoff;
use crate::parts::backoff::Budget;
use crate::parts::breaker::BreakerConfig;
use serde::{Deserialize, Serialize};

/// Attempts of one operation, the first one included: more than anybody waits for.
pub const MOST_ATTEMPTS: u16 = 1_000;

/// "`from` calls `to`", with everything that can be set on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkSpec {
    pub from: String,
    pub to: String,
    /// `from->to` unless given; needed where two links join the same nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Links of a node are called in the order of their steps; those of one step side by side.
    pub step: u16,
    pub when: WhenSpec,
    /// Calls per request; the part after the point is a probability.
    pub calls: f64,
    /// Which key each of the calls is about.
    pub keys: KeysSpec,
    /// One call after the other, instead of all at once.
    pub sequential: bool,
    /// How many of the calls of this step to wait for.
    pub wait: WaitSpec,
    /// A failure does not fail the caller's call.
    pub optional: bool,
    /// Share of the load where the caller chooses among links.
    pub weight: f64,
    pub mode: ModeSpec,
    /// What calls over this link do with their key, if it is not what the caller's call does: to fill a cache, say.
    pub operation: Option<OperationSpec>,
    pub latency: Dist,
    /// The way back; as the way there unless given.
    pub latency_back: Option<Dist>,
    pub bandwidth: Option<Bandwidth>,
    pub loss: Ratio,
    pub fallback: Option<FallbackSpec>,
    pub deadline: Option<Span>,
    pub propagate_deadline: bool,
    pub retry: Option<RetrySpec>,
    pub hedge: Option<HedgeSpec>,
    pub breaker: Option<BreakerConfig>,
    pub bulkhead: Option<u32>,
    pub timeout: Option<Span>,
    pub pool: Option<PoolSpec>,
    pub cancel: bool,
}

impl Default for LinkSpec {
    fn default() -> Self {
        LinkSpec {
            from: String::new(),
            to: String::new(),
            name: None,
            step: 1,
            when: WhenSpec::default(),
            calls: 1.0,
            keys: KeysSpec::Same,
            sequential: false,
            wait: WaitSpec::All,
            optional: false,
            weight: 1.0,
            mode: ModeSpec::Sync,
            operation: None,
            latency: Dist::ZERO,
            latency_back: None,
            bandwidth: None,
            loss: Ratio(0.0),
            fallback: None,
            deadline: None,
            propagate_deadline: false,
            retry: None,
            hedge: None,
            breaker: None,
            bulkhead: None,
            timeout: None,
            pool: None,
            cancel: false,
        }
    }
}

/// Which calls use the link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhenSpec {
    /// Only these classes; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    pub probability: Ratio,
    /// Only after the node's link to this node (or of this name) reported a miss.
    pub after_miss: Option<String>,
    /// Only after the node's link to this node (or of this name) failed.
    pub after_failure: Option<String>,
}

impl Default for WhenSpec {
    fn default() -> Self {
        WhenSpec { classes: Vec::new(), probability: Ratio(1.0), after_miss: None, after_failure: None }
    }
}

/// How many of a step's calls to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum WaitSpec {
    #[default]
    All,
    First,
    /// So many successes.
    Of(u16),
    /// Call only one of the step's links, chosen by weight.
    Choose,
}

/// The keys of the calls that one call makes over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum KeysSpec {
    /// The caller's own.
    #[default]
    Same,
    /// Each call has another one, always the same ones for the same caller's key: the followers of an author, say.
    Spread,
}

/// Whether the caller waits for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ModeSpec {
    #[default]
    Sync,
    Async,
}

/// What a call does with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationSpec {
    Read,
    Write,
    Delete,
}

/// Try again after a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySpec {
    /// Attempts in all, the first one included.
    pub attempts: u16,
    pub backoff: Backoff,
    pub budget: Option<Budget>,
}

impl Default for RetrySpec {
    fn default() -> Self {
        RetrySpec { attempts: 3, backoff: Backoff::default(), budget: None }
    }
}

/// Send another copy when the answer is slow in coming.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HedgeSpec {
    pub after: Span,
    /// Copies besides the first.
    pub copies: u8,
}

impl Default for HedgeSpec {
    fn default() -> Self {
        HedgeSpec { after: Span::from_millis(50), copies: 1 }
    }
}

impl HedgeSpec {
    /// Copies that can be in flight besides the first.
    pub const MOST: u8 = crate::engine::link::MAX_HEDGES;
}

/// Connections are limited.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSpec {
    /// Connections of each replica of the caller.
    pub size: u32,
    /// How long to wait for one; for ever if absent.
    pub acquire_timeout: Option<Span>,
    /// What setting up a connection takes.
    pub connect: Span,
}

impl Default for PoolSpec {
    fn default() -> Self {
        PoolSpec { size: 10, acquire_timeout: None, connect: Span::ZERO }
    }
}

/// Answer in place of a callee that failed.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FallbackSpec {
    /// What making up the answer takes.
    pub after: Span,
}

impl LinkSpec {
    /// A link with nothing set.
    pub fn new(from: &str, to: &str) -> LinkSpec {
        LinkSpec { from: from.to_owned(), to: to.to_owned(), ..LinkSpec::default() }
    }

    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{}->{}", self.from, self.to))
    }

    /// Look at or change each parameter in turn. The policies come in the order in which they are applied.
    pub fn visit(&mut self, v: &mut dyn Visitor) {
        self.visit_use(v);
        self.visit_policies(v);
        self.visit_network(v);
    }

    fn visit_use(&mut self, v: &mut dyn Visitor) {
        v.visit(
            &Param::new(
                "step",
                "Order of calls: steps run one after the other, links of one step in parallel.",
                &["2"],
            )
            .leads(Section::Calls),
            &mut self.step,
        );
        v.visit(
            &Param::new("when", "Condition: which requests use the link.", &["(probability: 0.5)"])
                .leads(Section::Calls)
                .parts(&[
                    ("classes", "Request classes that use the link. Empty: all."),
                    ("probability", "Share of the requests that use it."),
                    ("after_miss", "Only after a miss of the node's link to this node (or of this name): cache-aside."),
                    (
                        "after_failure",
                        "Only after the node's link to this node (or of this name) failed: a fallback to another node.",
                    ),
                ]),
            &mut self.when,
        );
        v.visit(
            &Param::new(
                "calls",
                "Mean number of calls per request; the part after the point is a probability.",
                &["2", "0.5"],
            )
            .within(Section::Calls)
            .range(0.0, 10_000.0),
            &mut self.calls,
        );
        v.visit(
            &Param::new("keys", "Keys of the calls of one request.", &["Spread"])
                .within(Section::Calls)
                .parts(&[("Same", "The caller's key."), ("Spread", "A different key for each call (fan-out).")]),
            &mut self.keys,
        );
        v.visit(
            &Param::new("sequential", "Makes several calls one after the other instead of in parallel.", &["true"])
                .within(Section::Calls),
            &mut self.sequential,
        );
        v.visit(
            &Param::new(
                "wait",
                "Completion of the step: which of its calls the caller waits for.",
                &["First", "Of(1)"],
            )
            .within(Section::Calls)
            .parts(&[
                ("All", "Every call."),
                ("First", "The first that succeeds."),
                ("Of", "k of n: the given number of successes."),
                ("Choose", "Calls only one of the step's links, chosen by weight."),
            ]),
            &mut self.wait,
        );
        v.visit(
            &Param::new("optional", "The caller's call succeeds even if this one fails.", &["true"])
                .within(Section::Calls)
                .live(),
            &mut self.optional,
        );
        v.visit(
            &Param::new("weight", "Weight where one of several links is chosen.", &["3"])
                .within(Section::Calls)
                .range(0.0, 1e6),
            &mut self.weight,
        );
        v.visit(
            &Param::new("operation", "Operation of the calls on their key, if not the caller's own: Write fills a cache, Delete invalidates it.", &["Write"]).within(Section::Calls).parts(&[
                ("Read", "Reads the key."),
                ("Write", "Writes the key."),
                ("Delete", "Deletes the key."),
            ]),
            &mut self.operation,
        );
        v.visit(
            &Param::new("mode", "Synchronous or asynchronous (fire and forget).", &["Async"])
                .within(Section::Calls)
                .parts(&[("Sync", "The caller waits for the reply."), ("Async", "The caller does not wait.")]),
            &mut self.mode,
        );
    }

    fn visit_policies(&mut self, v: &mut dyn Visitor) {
        v.visit(
            &Param::new(
                "fallback",
                "Fallback: a degraded answer in place of a failure, after all retries. It counts as a success.",
                &["(after: \"1ms\")"],
            )
            .within(Section::Reliability)
            .parts(&[("after", "Time that the fallback takes.")])
            .live(),
            &mut self.fallback,
        );
        v.visit(
            &Param::new(
                "deadline",
                "Deadline: time limit for all attempts together, retries and waits included.",
                &["\"10ms\""],
            )
            .within(Section::Reliability)
            .live(),
            &mut self.deadline,
        );
        v.visit(
            &Param::new(
                "propagate_deadline",
                "Deadline propagation: the callee learns the deadline, and the caller gives up when its own has passed.",
                &["true"],
            ).within(Section::Reliability)
            .live(),
            &mut self.propagate_deadline,
        );
        v.visit(
            &Param::new(
                "retry",
                "Retry: repeats a failed attempt after a back-off, within the deadline and the budget. Each attempt \
                 goes to a replica that was not tried, while others are left.",
                &["(attempts: 4)"],
            )
            .within(Section::Reliability)
            .parts(&[
                ("attempts", "Attempts in all, the first one included: 1 (retries nothing) to 1000."),
                ("backoff", "Back-off: wait before each retry."),
                ("growth", "Growth of the back-off from attempt to attempt."),
                ("Fixed", "Always `base`."),
                ("Exponential", "`base`, then `factor` times as long each time, up to `cap`."),
                ("base", "The first wait."),
                ("factor", "Factor from one wait to the next."),
                ("cap", "The longest wait."),
                ("jitter", "Jitter: spreads the waits, so that clients that failed together do not retry together."),
                ("None", "No jitter."),
                ("Full", "Full jitter: between 0 and the whole wait."),
                ("Equal", "Equal jitter: half the wait plus up to the other half."),
                ("Decorrelated", "Decorrelated jitter: between `base` and three times the last wait."),
                ("budget", "Retry budget: limits retries to a share of first attempts."),
                ("share", "Retries that each first attempt adds to the budget."),
                ("most", "Largest budget, in retries; it starts full."),
            ])
            .live(),
            &mut self.retry,
        );
        v.visit(
            &Param::new(
                "hedge",
                "Hedged request: sends another copy when the answer is slow; the first answer wins. The copy \
                 goes to another replica where there is one.",
                &["(after: \"5ms\")"],
            )
            .within(Section::Reliability)
            .parts(&[
                ("after", "Wait before the copy is sent: about the usual p95."),
                ("copies", "Copies besides the first, 1 to 3."),
            ])
            .live(),
            &mut self.hedge,
        );
        v.visit(
            &Param::new(
                "breaker",
                "Circuit breaker: opens when too many attempts fail and then rejects calls at once; half-open, it lets a few \
                 trial calls through. Each replica of the caller has a breaker of its own.",
                &["(minimum_calls: 5)"],
            ).within(Section::Reliability)
            .parts(BreakerConfig::PARTS)
            .live(),
            &mut self.breaker,
        );
        v.visit(
            &Param::new(
                "bulkhead",
                "Bulkhead: most attempts in flight from each replica of the caller; more are rejected.",
                &["1"],
            )
            .within(Section::Reliability)
            .range(1.0, 1e6)
            .live(),
            &mut self.bulkhead,
        );
        v.visit(
            &Param::new(
                "timeout",
                "Timeout of one attempt. The callee goes on working unless `cancel` is set.",
                &["\"6ms\""],
            )
            .within(Section::Reliability)
            .live(),
            &mut self.timeout,
        );
        v.visit(
            &Param::new("pool", "Connection pool of each replica of the caller.", &["(size: 1)"])
                .within(Section::Reliability)
                .parts(&[
                    ("size", "Pool size: connections of each replica of the caller."),
                    ("acquire_timeout", "Longest wait for a connection. None: no limit."),
                    ("connect", "Time to open a connection."),
                ])
                .live(),
            &mut self.pool,
        );
        v.visit(
            &Param::new("cancel", "Cancellation: tells the callee to stop when the caller has given up.", &["true"])
                .within(Section::Reliability)
                .live(),
            &mut self.cancel,
        );
    }

    fn visit_network(&mut self, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("latency", "Network latency of a call, one way.", &["\"3ms\"", "Exponential(\"2ms\")"])
                .leads(Section::Network)
                .live(),
            &mut self.latency,
        );
        v.visit(
            &Param::new("latency_back", "Network latency of a reply; as `latency` unless given.", &["\"4ms\""])
                .within(Section::Network)
                .live(),
            &mut self.latency_back,
        );
        v.visit(
            &Param::new(
                "bandwidth",
                "Bandwidth of each direction; messages are serialised by their size.",
                &["\"10 Mbit/s\""],
            )
            .within(Section::Network)
            .live(),
            &mut self.bandwidth,
        );
        v.visit(
            &Param::new(
                "loss",
                "Packet loss: share of messages lost, each way. Only a timeout or deadline notices.",
                &["\"5%\""],
            )
            .within(Section::Network)
            .range(0.0, 1.0)
            .live(),
            &mut self.loss,
        );
    }

    /// What is wrong with the parameters.
    pub fn check(&self, subject: &Subject) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.clone().visit(&mut |param: &Param, value: &mut dyn crate::kinds::Value| {
            if let Some(problem) = crate::kinds::params::out_of_range(param, value) {
                findings.push(Finding::error("out-of-range", subject.then(param.name), problem));
            }
        });
        let mut wrong = |param: &str, message: String| {
            findings.push(Finding::error("bad-value", subject.then(param), message));
        };
        for (name, dist) in [("latency", Some(&self.latency)), ("latency_back", self.latency_back.as_ref())] {
            if let Some(problem) = dist.and_then(Dist::problem) {
                wrong(name, problem);
            }
        }
        if self.hedge.is_some_and(|hedge| !(1..=crate::engine::link::MAX_HEDGES).contains(&hedge.copies)) {
            wrong("hedge", format!("copies is a number from 1 to {}", crate::engine::link::MAX_HEDGES));
        }
        if self.pool.is_some_and(|pool| pool.size == 0) {
            wrong("pool", "a pool has at least one connection".to_owned());
        }
        if let Some(retry) = &self.retry {
            if retry.attempts == 0 {
                wrong("retry", "attempts counts the first one too: at least 1".to_owned());
            } else if retry.attempts > MOST_ATTEMPTS {
                wrong("retry", format!("attempts is at most {MOST_ATTEMPTS}"));
            }
            if let Some(problem) = retry.backoff.problem() {
                wrong("retry", problem);
            }
        }
        if let Some(problem) = self.breaker.as_ref().and_then(BreakerConfig::problem) {
            wrong("breaker", problem);
        }
        if self.sequential && self.calls > 64.0 {
            wrong("sequential", "at most 64 calls can be made one after the other".to_owned());
        }
        findings
    }
}
