//! The trait that a kind's one file implements.

use super::params::Visitor;
use crate::base::{Dist, Finding, Span, Subject};
use crate::engine::{Again, Aim, CallId, Child, Control, Copies, Ctx, NodeKind, NodeMeasure, Reply, Role, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where a kind stands in the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Traffic,
    Edge,
    Compute,
    State,
    Messaging,
    Control,
}

/// How many outgoing links a kind can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outs {
    None,
    /// At most one.
    One,
    /// At least one: without it the node has nowhere to send.
    Some,
    Any,
}

/// What can be done to some kinds only. Faults of links are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// End it with what it holds, and start it again.
    Kill,
    /// Stop its work where it is.
    Freeze,
    /// Let its work take longer.
    Slow,
    /// Let a share of its answers be errors.
    Fail,
    /// Change the number of its replicas.
    Scale,
    /// Forget what is kept.
    Flush,
    /// Stop taking messages, and go on.
    Pause,
    /// Multiply traffic.
    Spike,
    /// Cut its replicas off from each other.
    Part,
}

/// What is said of a kind, once.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Its name in files.
    pub key: &'static str,
    /// Its name on screen.
    pub title: &'static str,
    pub group: Group,
    /// One sentence: what it is.
    pub summary: &'static str,
    /// The manual, ending with what is not modelled.
    pub help: &'static str,
    /// What it does with the calls that come.
    pub role: Role,
    /// Its copies, if it can have several.
    pub copies: Option<Copies>,
    /// The parameter that limits what waits at each copy, if something can wait.
    pub waiting_room: Option<&'static str>,
    /// Parameters under which copies stand still or break down by chance.
    pub chances: &'static [&'static str],
    /// Whether links may lead to it.
    pub accepts_calls: bool,
    pub outs: Outs,
    /// What it measures besides what every node does.
    pub measures: &'static [NodeMeasure],
    /// What can be done to it by hand or on the timeline; nothing would come of the rest, so that the checks refuse it.
    pub controls: &'static [Handle],
}

impl Meta {
    /// Its name in files in a sentence: `a service`, `an autoscaler`.
    pub fn one(&self) -> String {
        let article = if self.key.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {}", self.key)
    }

    /// Whether it has a measure of its own by this name.
    pub fn has_measure(&self, name: &str) -> bool {
        self.measures.iter().any(|measure| measure.name == name)
    }

    /// What reports need to know of a node of this kind.
    pub fn of_node(&self) -> NodeKind {
        NodeKind { key: self.key, role: self.role, copies: self.copies, measures: self.measures }
    }
}

/// What comes again by itself (pauses, probes, switches) comes no more often than this at a node: a second of it is at most
/// 100,000 events, as many as a second of heavy traffic.
pub const SHORTEST_PERIOD: Span = Span::from_micros(10);

/// Collects what is wrong with a spec.
pub struct Checker<'a> {
    pub subject: Subject,
    pub findings: &'a mut Vec<Finding>,
}

impl Checker<'_> {
    /// `param` is set to something that cannot be run.
    pub fn error(&mut self, param: &str, message: impl Into<String>) {
        self.findings.push(Finding::error("bad-value", self.subject.then(param), message));
    }

    /// `param` is set to something that is probably not meant.
    pub fn warning(&mut self, param: &str, message: impl Into<String>) {
        self.findings.push(Finding::warning("odd-value", self.subject.then(param), message));
    }

    /// What comes again by itself, every so many nanoseconds on average at each of `copies`, must not come so often that
    /// a run does not end: see [`SHORTEST_PERIOD`].
    pub fn recurs(&mut self, param: &str, what: &str, nanos: f64, copies: u32) {
        let least = SHORTEST_PERIOD * u64::from(copies.max(1));
        if nanos < least.0 as f64 {
            let (period, many) = (Span::from_nanos_f64(nanos), if copies > 1 { " for so many replicas" } else { "" });
            self.error(
                param,
                format!("{what}: {period} on average is too often, at least {least}{many}: the run would not end"),
            );
        }
    }

    /// So many slots or cores for each of the copies must be few enough to be counted together.
    pub fn places(&mut self, param: &str, each: u64, copies: u64) {
        let all = each.saturating_mul(copies);
        // One copy alone is within its range.
        if copies > 1 && all > i32::MAX as u64 {
            self.error(param, format!("{each} for each of {copies} are {all} in all: more than 2 billion"));
        }
    }

    /// A distribution must make sense.
    pub fn dist(&mut self, param: &str, dist: &Dist) {
        if let Some(problem) = dist.problem() {
            self.error(param, problem);
        }
    }
}

/// A kind: its parameters, and the behaviour of a node of it. `Self` is the state of a running node.
pub trait Kind: Sized + Clone {
    type Spec: Clone + Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned;

    const META: Meta;

    /// Name every parameter once, in the order in which a person wants to see them.
    fn params(spec: &mut Self::Spec, visitor: &mut dyn Visitor);

    /// Say what is wrong beyond the ranges of single parameters.
    fn check(_spec: &Self::Spec, _checker: &mut Checker) {}

    /// The request classes that it issues.
    fn classes(_spec: &Self::Spec) -> Vec<String> {
        Vec::new()
    }

    /// The request classes that its parameters speak of, each with its parameter.
    fn speaks_of(_spec: &Self::Spec) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Whether anything takes time at it, which a `Slow` could stretch.
    fn takes_time(_spec: &Self::Spec) -> bool {
        true
    }

    /// Whether it changes over time by itself (a ramp of traffic, say), so that there is no steady state.
    fn is_transient(_spec: &Self::Spec) -> bool {
        false
    }

    /// Begin: from spec to state.
    fn start(spec: &Self::Spec, ctx: &mut Ctx) -> Self;

    /// A live parameter has changed.
    fn retune(&mut self, spec: &Self::Spec, ctx: &mut Ctx);

    /// A call has arrived; answer it exactly once, now or later.
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        ctx.reply(id, Reply::failed(crate::engine::Reason::NoRoute));
    }

    /// A child call that this node asked for has ended.
    fn on_reply(&mut self, _ctx: &mut Ctx, _child: &Child) {}

    /// An attempt has ended of an operation that this node has sent, if it [picks](Ctx::picks_again) the place of each.
    fn on_attempt(&mut self, _ctx: &mut Ctx, _attempt: &Child) {}

    /// A call that this node has sent was lost, or has ended and its reply reached nobody: it was lost, or came too late for
    /// the policies of its link. Told to nodes that [pick](Ctx::picks_again) the place of each attempt.
    fn on_unheard(&mut self, _ctx: &mut Ctx, _done: &Child) {}

    /// Where a further attempt goes of what this node has sent, if it [picks](Ctx::picks_again) the place of each.
    fn pick_again(&mut self, _ctx: &mut Ctx, again: &Again) -> Aim {
        again.first
    }

    /// The itinerary of `id` has ended.
    fn on_steps_done(&mut self, _ctx: &mut Ctx, _id: CallId, _reply: Reply) {}

    fn on_timer(&mut self, _ctx: &mut Ctx, _token: u64) {}

    /// A timer of a call has fired, with the token it was given; the call is still with this node.
    fn on_call_timer(&mut self, _ctx: &mut Ctx, _id: CallId, _token: u8) {}

    /// Nobody waits for `id` any more; it may be answered early.
    fn on_cancel(&mut self, _ctx: &mut Ctx, _id: CallId) {}

    fn on_control(&mut self, _ctx: &mut Ctx, _control: Control) {}

    /// Levels worth showing that the engine's meters do not keep, in the order of the [gauges](crate::engine::Gauge) among its
    /// measures.
    fn gauges(&self) -> Vec<f64> {
        Vec::new()
    }

    /// What each of its replicas is doing, where it knows more than the engine; none for one that is not there (yet).
    fn stages(&self) -> Vec<Option<Stage>> {
        Vec::new()
    }

    /// Calls that each of its shards has taken.
    fn loads(&self) -> &[u64] {
        &[]
    }
}
