//! Links as they stand in a file.

use crate::base::units::Bandwidth;
use crate::base::{Dist, Finding, Ratio, Span, Subject};
use crate::kinds::{Param, Visitor};
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
            &Param::new("step", "Steps are called in order; links of one step side by side.", &["2"]),
            &mut self.step,
        );
        v.visit(
            &Param::new(
                "when",
                "Which calls use the link: classes, probability, after_miss, after_failure.",
                &["(probability: 0.5)"],
            )
            .parts(&[
                ("classes", "Only these classes; all if there are none."),
                ("probability", "Share of the calls that use it."),
                ("after_miss", "Only after the node's link to this node (or of this name) reported a miss."),
                ("after_failure", "Only after the node's link to this node (or of this name) failed."),
            ]),
            &mut self.when,
        );
        v.visit(
            &Param::new("calls", "Calls per request; the part after the point is a probability.", &["2", "0.5"])
                .range(0.0, 10_000.0),
            &mut self.calls,
        );
        v.visit(
            &Param::new(
                "keys",
                "Same: the calls are about the caller's key; Spread: each about a key of its own.",
                &["Spread"],
            )
            .parts(&[("Same", "All are about the caller's key."), ("Spread", "Each is about a key of its own.")]),
            &mut self.keys,
        );
        v.visit(
            &Param::new("sequential", "One call after the other, instead of all at once.", &["true"]),
            &mut self.sequential,
        );
        v.visit(
            &Param::new(
                "wait",
                "How many calls of the step to wait for: All, First or Of(k); Choose calls only one, by weight.",
                &["First", "Of(1)"],
            )
            .parts(&[
                ("All", "Every call."),
                ("First", "The first that succeeds."),
                ("Of", "So many successes."),
                ("Choose", "Call only one of the step's links, chosen by weight."),
            ]),
            &mut self.wait,
        );
        v.visit(
            &Param::new("optional", "A failure does not fail the caller's call.", &["true"]).live(),
            &mut self.optional,
        );
        v.visit(
            &Param::new("weight", "Share of the load where the caller chooses among links.", &["3"]).range(0.0, 1e6),
            &mut self.weight,
        );
        v.visit(
            &Param::new("operation", "Turns the calls into Read, Write or Delete of their key.", &["Write"]).parts(&[
                ("Read", "They read their key."),
                ("Write", "They write it."),
                ("Delete", "They delete it."),
            ]),
            &mut self.operation,
        );
        v.visit(
            &Param::new("mode", "Sync waits for the reply, Async sends and goes on.", &["Async"])
                .parts(&[("Sync", "The caller waits for the reply."), ("Async", "It sends and goes on.")]),
            &mut self.mode,
        );
    }

    fn visit_policies(&mut self, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("fallback", "Answer in place of a callee that failed, after so long.", &["(after: \"1ms\")"])
                .parts(&[("after", "What making up the answer takes.")])
                .live(),
            &mut self.fallback,
        );
        v.visit(&Param::new("deadline", "Limit for all attempts together.", &["\"10ms\""]).live(), &mut self.deadline);
        v.visit(
            &Param::new(
                "propagate_deadline",
                "Tell the callee the deadline, and give up when the caller's own has passed.",
                &["true"],
            )
            .live(),
            &mut self.propagate_deadline,
        );
        v.visit(
            &Param::new(
                "retry",
                "Try again after a failure: attempts, backoff with jitter, budget. On a link to several replicas each attempt goes to \
                 one that was not tried, while others are left.",
                &["(attempts: 4)"],
            )
            .parts(&[
                ("attempts", "Attempts in all, the first one included: 1 to 1000."),
                ("backoff", "How long to wait before trying again."),
                ("growth", "How the waits grow from attempt to attempt."),
                ("Fixed", "Always `base`."),
                ("Exponential", "`base`, then `factor` times as long each time, up to `cap`."),
                ("base", "The first wait."),
                ("factor", "How many times as long the next one is."),
                ("cap", "The longest wait."),
                ("jitter", "How the waits are spread, so that those who failed together do not come back together."),
                ("None", "Not at all."),
                ("Full", "Anywhere between nothing and the whole wait."),
                ("Equal", "Half the wait, and anything up to the other half."),
                ("Decorrelated", "Between `base` and three times the last wait."),
                ("budget", "Retries are paid for by first attempts."),
                ("share", "What each first attempt puts in, in retries."),
                ("most", "Retries that can be saved up."),
            ])
            .live(),
            &mut self.retry,
        );
        v.visit(
            &Param::new(
                "hedge",
                "Send another copy when the answer takes longer than this, to another replica where there is one.",
                &["(after: \"5ms\")"],
            )
            .parts(&[("after", "How long to wait for the answer before."), ("copies", "Copies besides the first.")])
            .live(),
            &mut self.hedge,
        );
        v.visit(
            &Param::new(
                "breaker",
                "Circuit breaker: fail at once while too many attempts fail.",
                &["(minimum_calls: 5)"],
            )
            .parts(BreakerConfig::PARTS)
            .live(),
            &mut self.breaker,
        );
        v.visit(
            &Param::new("bulkhead", "Attempts in flight from each replica of the caller.", &["1"])
                .range(1.0, 1e6)
                .live(),
            &mut self.bulkhead,
        );
        v.visit(&Param::new("timeout", "Limit for one attempt.", &["\"6ms\""]).live(), &mut self.timeout);
        v.visit(
            &Param::new("pool", "Connections of each replica of the caller.", &["(size: 1)"])
                .parts(&[
                    ("size", "Connections of each replica of the caller."),
                    ("acquire_timeout", "How long to wait for one; for ever if none."),
                    ("connect", "What setting up a connection takes."),
                ])
                .live(),
            &mut self.pool,
        );
        v.visit(
            &Param::new("cancel", "Tell the callee when nobody waits any more.", &["true"]).live(),
            &mut self.cancel,
        );
    }

    fn visit_network(&mut self, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("latency", "Time a message takes there.", &["\"3ms\"", "Exponential(\"2ms\")"]).live(),
            &mut self.latency,
        );
        v.visit(
            &Param::new("latency_back", "Time a reply takes; as the way there unless given.", &["\"4ms\""]).live(),
            &mut self.latency_back,
        );
        v.visit(
            &Param::new(
                "bandwidth",
                "Messages of each direction are sent one after the other at this speed.",
                &["\"10 Mbit/s\""],
            )
            .live(),
            &mut self.bandwidth,
        );
        v.visit(
            &Param::new("loss", "Share of messages lost, each way.", &["\"5%\""]).range(0.0, 1.0).live(),
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
