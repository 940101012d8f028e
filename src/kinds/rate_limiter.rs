//! A rate limiter: limits the request rate; excess calls are rejected or delayed.

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::params::{Param, Section, Visitor};
use crate::base::hash::IntMap;
use crate::base::{Rate, Span, Time};
use crate::engine::{CallId, Child, Control, Ctx, Fault, Meter, Reason, Reply, Role, Route};
use crate::parts::bucket::{Algorithm, Bucket, Decision, Limit};
use serde::{Deserialize, Serialize};

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub algorithm: Algorithm,
    pub rate: Rate,
    pub burst: u32,
    pub window: Span,
    pub per_tenant: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            algorithm: Algorithm::TokenBucket,
            rate: Rate(100.0),
            burst: 10,
            window: Span::from_secs(1),
            per_tenant: false,
        }
    }
}

/// A running rate limiter.
#[derive(Clone)]
pub struct RateLimiter {
    spec: Spec,
    limit: Limit,
    /// One per tenant that was seen, or a single one.
    buckets: IntMap<u32, Bucket>,
}

/// The first word of a call's scratch while it waits for its turn.
const WAITS: u64 = 1;

fn limit(spec: &Spec) -> Limit {
    Limit { algorithm: spec.algorithm, rate: spec.rate, burst: spec.burst, window: spec.window }
}

impl RateLimiter {
    /// When a waiting call has its turn.
    fn leave_at(ctx: &mut Ctx, id: CallId, at: Time) {
        let (now, call) = (ctx.now(), ctx.call_mut(id));
        call.queue_ns = at.since(call.arrived).0;
        call.scratch[1] = at.0;
        ctx.call_timer(id, at.since(now), 0);
    }

    /// A turn takes so many times as long from now on, also for those that wait.
    fn reschedule(&self, ctx: &mut Ctx, factor: f64) {
        let now = ctx.now();
        for id in ctx.served_here() {
            if let [WAITS, at] = ctx.call(id).scratch {
                Self::leave_at(ctx, id, now + Time(at).since(now).scale(factor));
            }
        }
    }

    fn pass(&mut self, ctx: &mut Ctx, id: CallId) {
        let class = ctx.call(id).asks.class;
        let outs = ctx.outs();
        let link = if let &[only] = outs {
            Some(only)
        } else {
            let several = outs.to_vec();
            several.into_iter().find(|link| ctx.admits(*link, class))
        };
        let Some(link) = link else { return ctx.reply(id, Reply::turned_away(Reason::NoRoute)) };
        ctx.meter_add(Meter::Busy, 1);
        let request = ctx.call(id).asks;
        ctx.send(id, link, 0, Route::ANY, request);
    }
}

impl Kind for RateLimiter {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "rate_limiter",
        title: "Rate limiter",
        group: Group::Edge,
        summary: "Limits the request rate: excess calls are rejected (429) or delayed.",
        help: HELP,
        role: Role::Gate,
        copies: None,
        waiting_room: None,
        chances: &[],
        accepts_calls: true,
        outs: Outs::Some,
        measures: &[],
        controls: &[Handle::Kill, Handle::Fail, Handle::Flush],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("algorithm", "Rate-limiting algorithm.", &["LeakyBucket", "FixedWindow", "SlidingWindow"])
                .leads(Section::Calls)
                .parts(Algorithm::PARTS)
                .live(),
            &mut spec.algorithm,
        );
        v.visit(
            &Param::new("rate", "Rate limit: request rate that passes in the long run.", &["\"20/s\""])
                .leads(Section::Capacity)
                .range(1e-6, 1e9)
                .live(),
            &mut spec.rate,
        );
        v.visit(
            &Param::new(
                "burst",
                "Bucket size in calls: the largest burst (TokenBucket), or how many may wait (LeakyBucket).",
                &["1", "40"],
            )
            .leads(Section::Capacity)
            .range(1.0, 1e9)
            .live(),
            &mut spec.burst,
        );
        v.visit(
            &Param::new("window", "Length of the window of FixedWindow and SlidingWindow.", &["\"100ms\""])
                .within(Section::Capacity)
                .range(1e-6, 1e6)
                .live(),
            &mut spec.window,
        );
        v.visit(
            &Param::new("per_tenant", "Limit per tenant: each tenant has its own; false: all share one.", &["true"])
                .within(Section::Calls)
                .live(),
            &mut spec.per_tenant,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        let windowed = matches!(spec.algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindow);
        let calls = limit(spec).calls_per_window();
        if windowed && calls < 1.0 {
            checker.error("window", "less than one call would fit into a window");
        } else if windowed && (calls - calls.round()).abs() > 1e-6 {
            let whole = calls.floor();
            checker
                .warning("window", format!("`rate` times `window` is {calls:.3} calls: only {whole} pass in a window"));
        }
    }

    fn start(spec: &Spec, _ctx: &mut Ctx) -> RateLimiter {
        RateLimiter { spec: spec.clone(), limit: limit(spec), buckets: IntMap::default() }
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        if spec.algorithm != self.spec.algorithm || spec.per_tenant != self.spec.per_tenant {
            self.buckets.clear();
        }
        let before = std::mem::replace(&mut self.limit, limit(spec));
        if self.limit.cost() != before.cost() {
            self.buckets.values_mut().for_each(|bucket| bucket.rescale(&before, &self.limit, ctx.now()));
            self.reschedule(ctx, self.limit.cost() as f64 / before.cost().max(1) as f64);
        }
        self.spec = spec.clone();
    }

    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        let tenant = if self.spec.per_tenant { ctx.call(id).asks.tenant } else { 0 };
        let now = ctx.now();
        match self.buckets.entry(tenant).or_default().take(&self.limit, now) {
            Decision::Pass => self.pass(ctx, id),
            Decision::Refuse => ctx.reply(id, Reply::turned_away(Reason::RateLimited)),
            Decision::Wait(span) => {
                ctx.meter_add(Meter::Queue, 1);
                ctx.call_mut(id).scratch[0] = WAITS;
                Self::leave_at(ctx, id, now + span);
            }
        }
    }

    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, _token: u8) {
        if ctx.call(id).scratch != [WAITS, ctx.now().0] {
            // It was put off, or has left earlier.
            return;
        }
        ctx.meter_add(Meter::Queue, -1);
        ctx.call_mut(id).scratch[0] = 0;
        self.pass(ctx, id);
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        // Who waits is let go; its turn passes unused. What was passed on, the link cancels.
        if ctx.call(id).scratch[0] == WAITS {
            ctx.meter_add(Meter::Queue, -1);
            ctx.reply(id, Reply::failed(Reason::Cancelled));
        }
    }

    #[inline(never)]
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        ctx.meter_add(Meter::Busy, -1);
        ctx.reply(child.parent, child.reply);
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Flush => self.buckets.clear(),
            Control::Fault(Fault::Kill, _) => {
                for id in ctx.served_here() {
                    ctx.reply(id, Reply::failed(Reason::Refused));
                }
                ctx.meter_set(Meter::Busy, 0);
                ctx.meter_set(Meter::Queue, 0);
                self.buckets.clear();
            }
            _ => {}
        }
    }
}

const HELP: &str = "\
Calls within the limit go to the first link that admits them; excess calls fail with `rate_limited` at once. `algorithm` is \
the policy. TokenBucket allows bursts of up to `burst` calls and `rate` in the long run. LeakyBucket spaces calls evenly and \
queues up to `burst` of them. FixedWindow and SlidingWindow allow `rate` times `window` (whole calls) in each window; a \
fixed window allows up to twice that around its boundary. After a change of `rate` the calls that wait leave at the new \
rate; what the limiter has let pass in advance counts in calls, not in time. A call that is cancelled while it waits is not passed on, and its turn goes unused. With `per_tenant` each tenant has \
a limit of its own; otherwise all share one.

Not modelled: the shared store of several limiters; the cost of asking it.";
