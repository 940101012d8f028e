//! A source of requests: people or machines that call the first node of a design.

mod params;
mod shape;

use params::MOST_USERS;
pub use params::{Arrivals, Shape, Spec};

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::params::Visitor;
use crate::base::{ClassId, Dist, LinkId, Rng, Sampler, Span, Time};
use crate::base::{hash, maths};
use crate::engine::{ANY_REPLICA, CallId, Child, Control, Ctx, Meter, Operation, Reason, Reply, Request, Role, Route};
use crate::parts::popularity::{Keys, Popularity};

/// A running client.
#[derive(Clone)]
pub struct Client {
    spec: Spec,
    rng: Rng,
    key_rng: Rng,
    popularity: Popularity,
    tenants: Popularity,
    /// Tenants of one client are not those of another.
    first_tenant: u32,
    classes: Vec<RunningClass>,
    think: Sampler,
    /// Factor on the rate by intervention.
    spike: f64,
    /// Nanoseconds between arrivals, on average, in the present state, where the shape is steady.
    mean_gap: f64,
    /// Evenly spaced arrivals: what is left of the gap before the next one, as a share of it, and when that was.
    left: (f64, Time),
    bursting: bool,
    /// Told apart from timers of an earlier setting.
    epoch: u32,
    /// The same of thinking users.
    think_epoch: u64,
    users: u64,
    /// Users of a closed loop that are to leave when their answer comes or they have thought.
    leaving: u64,
}

#[derive(Clone)]
struct RunningClass {
    id: ClassId,
    /// Cumulative share.
    upto: f64,
    priority: u8,
    operation: Operation,
    /// Of request and response, in bytes.
    sizes: [u32; 2],
    /// Parameter of the lognormal factor on them; 0 if they are constant.
    sigma: f64,
    deadline: Span,
    links: Vec<LinkId>,
}

/// What a user of a closed loop takes at least from one request to the next: without it, users who get an answer in no time
/// and do not think would keep simulated time from advancing. To be refused takes a connection over the loopback at least.
const LEAST_CYCLE: Span = Span::from_micros(1);
pub const LEAST_CYCLE_FAILED: Span = Span::from_micros(10);

/// Arrivals at most: time has a resolution of a nanosecond.
const MOST_PER_SECOND: f64 = 1e9;

const ARRIVAL: u64 = 0;
const SWITCH: u64 = 1;
const THINK: u64 = 2;
/// Where the epoch of a thinking user stands in a token, above the user's number.
const THINK_BITS: u32 = 40;
const MOST_THINK_EPOCH: u64 = (1 << 19) - 1;

impl Client {
    /// Nanoseconds until the rate, summed from now on, makes so many arrivals; infinite if never.
    #[inline(never)]
    fn gap(&self, now: Time, arrivals: f64) -> f64 {
        self.spec.shape.gap(now.as_secs(), arrivals / self.base_rate()) * 1e9
    }

    /// Something of this is about to change: the part of a gap that has passed, has.
    fn pass(&mut self, now: Time) {
        let (left, since) = self.left;
        let passed = match self.spec.arrivals {
            Arrivals::Constant => self.base_rate() * self.spec.shape.area(since.as_secs(), now.since(since).as_secs()),
            // Memoryless, or without a rate.
            _ => 0.0,
        };
        self.left = ((left - passed).max(0.0), now);
    }

    /// Rate of arrivals in the present state, before the shape. However it is multiplied, no more than one comes in a
    /// nanosecond, or time would stand still.
    fn base_rate(&self) -> f64 {
        let rate = self.spec.rate.0 * self.spike;
        let rate = match &self.spec.arrivals {
            Arrivals::Bursty { ratio, calm, burst } => {
                let (calm_share, burst_share) = (calm.as_secs(), burst.as_secs());
                let mean = (calm_share + ratio * burst_share) / (calm_share + burst_share);
                if self.bursting { rate * ratio / mean } else { rate / mean }
            }
            Arrivals::Batches { size } => rate / f64::from(*size),
            _ => rate,
        };
        rate.min(MOST_PER_SECOND / self.spec.shape.peak())
    }

    #[inline(always)]
    fn schedule_arrival(&mut self, ctx: &mut Ctx) {
        // Where the rate changes, as many arrivals of a steady rate take longer or shorter (time change of a Poisson process).
        let gap = match (&self.spec.arrivals, &self.spec.shape) {
            (Arrivals::Constant, _) => self.gap(ctx.now(), self.left.0),
            (_, Shape::Steady) => self.rng.exp1() * self.mean_gap,
            _ => {
                let arrivals = self.rng.exp1();
                self.gap(ctx.now(), arrivals)
            }
        };
        let token = self.token(ARRIVAL);
        // Where the rate is zero for good nobody comes, until it is set anew.
        if gap.is_finite() {
            ctx.timer(Span::from_nanos_f64(gap), token);
        }
    }

    fn token(&self, what: u64) -> u64 {
        what | u64::from(self.epoch) << 8
    }

    fn arrive(&mut self, ctx: &mut Ctx) {
        self.left = (1.0, ctx.now());
        if let Arrivals::Batches { size } = self.spec.arrivals {
            self.issue_more(ctx, size - 1);
        }
        self.issue(ctx, 0);
        self.schedule_arrival(ctx);
    }

    /// The rest of a batch.
    #[cold]
    #[inline(never)]
    fn issue_more(&mut self, ctx: &mut Ctx, count: u32) {
        (0..count).for_each(|_| self.issue(ctx, 0));
    }

    #[inline(always)]
    fn issue(&mut self, ctx: &mut Ctx, user: u32) {
        let class = if self.classes.len() == 1 {
            &self.classes[0]
        } else {
            let u = self.rng.uniform();
            self.classes.iter().find(|class| u < class.upto).unwrap_or(&self.classes[self.classes.len() - 1])
        };
        let mut sizes = class.sizes;
        if class.sigma > 0.0 {
            sizes = varied(sizes, class.sigma, &mut self.rng);
        }
        let now = ctx.now();
        let deadline = if class.deadline == Span::MAX { Time::NEVER } else { now + class.deadline };
        let tenant = if self.spec.tenants.0 > 1 { self.tenants.draw(&mut self.key_rng) as u32 } else { 0 };
        let request = Request {
            class: class.id,
            priority: class.priority,
            operation: class.operation,
            tenant: self.first_tenant.wrapping_add(tenant),
            key: self.popularity.draw(&mut self.key_rng),
            request: sizes[0],
            response: sizes[1],
            intended: now,
            deadline,
        };
        ctx.offered(class.id);
        ctx.meter_add(Meter::Busy, 1);
        let link = match class.links.as_slice() {
            &[only] => Some(only),
            several => several.iter().copied().find(|&link| ctx.admits(link, request.class)),
        };
        if let Some(link) = link {
            ctx.send_root(link, user, Route::ANY, request);
        } else {
            self.send_nowhere(ctx, user, request);
        }
    }

    /// No link admits a request.
    #[cold]
    #[inline(never)]
    fn send_nowhere(&mut self, ctx: &mut Ctx, user: u32, request: Request) {
        let nowhere = Child {
            parent: CallId::NONE,
            link: LinkId(0),
            tag: user,
            reply: Reply::failed(Reason::NoRoute),
            class: request.class,
            was_sent: false,
            attempts_told: false,
            replica: ANY_REPLICA,
            origin: 0,
            key: request.key,
            intended: request.intended,
            sent: request.intended,
        };
        self.finished(ctx, &nowhere);
    }

    /// A user of a closed loop has thought enough.
    #[inline(never)]
    fn thought(&mut self, ctx: &mut Ctx, user: u32) {
        if !self.one_leaves() {
            self.issue(ctx, user);
        }
    }

    /// From calm to burst, or back.
    #[inline(never)]
    fn switch(&mut self, ctx: &mut Ctx) {
        self.bursting = !self.bursting;
        self.mean_gap = 1e9 / self.base_rate();
        // Memoryless: the next arrival can be drawn anew at the new rate.
        self.epoch += 1;
        self.schedule_switch(ctx);
        self.schedule_arrival(ctx);
    }

    #[inline]
    fn finished(&mut self, ctx: &mut Ctx, child: &Child) {
        let deadline = self.classes.iter().find(|class| class.id == child.class).map_or(Span::MAX, |c| c.deadline);
        ctx.meter_add(Meter::Busy, -1);
        ctx.root_done(child, deadline);
        // Users of a closed loop are numbered from 1.
        if child.tag != 0 && !self.one_leaves() {
            let least = if child.reply.is_ok() { LEAST_CYCLE } else { LEAST_CYCLE_FAILED };
            self.think(ctx, child.tag, least - ctx.now().since(child.sent));
        }
    }

    /// Whether a user who has got an answer, or has thought enough, is one too many.
    fn one_leaves(&mut self) -> bool {
        let leaves = self.leaving > 0;
        self.leaving -= u64::from(leaves);
        leaves
    }

    fn think(&mut self, ctx: &mut Ctx, user: u32, least: Span) {
        let pause = self.think.draw(&mut self.rng).max(least);
        ctx.timer(pause, THINK | u64::from(user) << 8 | self.think_epoch << THINK_BITS);
    }

    /// Think times have changed: what is left of those that users are at is longer or shorter by as much as the mean.
    #[cold]
    fn think_anew(&mut self, ctx: &mut Ctx, before: &Dist, now: &Dist) {
        let (before, after) = (before.mean_or_so(), now.mean_or_so());
        if before <= 0.0 {
            return;
        }
        let of = THINK | self.think_epoch << THINK_BITS;
        self.think_epoch = (self.think_epoch + 1) & MOST_THINK_EPOCH;
        const USER: u64 = (1 << THINK_BITS) - (1 << 8);
        for (at, token) in ctx.timers().into_iter().filter(|(_, token)| token & !USER == of) {
            let left = at.since(ctx.now()).scale(after / before);
            ctx.timer(left, THINK | token & USER | self.think_epoch << THINK_BITS);
        }
    }

    /// Bring the number of users of a closed loop to what is wanted.
    fn admit_users(&mut self, ctx: &mut Ctx) {
        let Arrivals::Closed { users, .. } = &self.spec.arrivals else {
            self.leaving += self.users;
            self.users = 0;
            return;
        };
        let wanted = ((users.0 as f64 * self.spike) as u64).min(MOST_USERS);
        while self.users < wanted {
            self.users += 1;
            if self.leaving > 0 {
                self.leaving -= 1;
            } else {
                self.think(ctx, self.users as u32, LEAST_CYCLE);
            }
        }
        self.leaving += self.users - wanted;
        self.users = wanted;
    }

    fn set_classes(&mut self, ctx: &Ctx) {
        let total: f64 = self.spec.classes.values().map(|class| class.weight).sum();
        let mut upto = 0.0;
        self.classes.clear();
        for (name, class) in &self.spec.classes {
            let Some(id) = ctx.class(name) else { continue };
            upto += class.weight / total;
            self.classes.push(RunningClass {
                id,
                upto,
                priority: class.priority,
                operation: if class.write { Operation::Write } else { Operation::Read },
                sizes: [class.request, class.response].map(|bytes| u32::try_from(bytes.0).unwrap_or(u32::MAX)),
                sigma: maths::ln(1.0 + class.size_cv * class.size_cv).sqrt(),
                deadline: class.deadline.or(self.spec.deadline).unwrap_or(Span::MAX),
                links: ctx.outs_for(id),
            });
        }
    }
}

impl Kind for Client {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "client",
        title: "Client",
        group: Group::Traffic,
        summary: "Issues requests: an open loop at a rate, or a closed loop of users with think time.",
        help: HELP,
        role: Role::Source,
        copies: None,
        waiting_room: None,
        chances: &[],
        accepts_calls: false,
        outs: Outs::Some,
        measures: &[],
        controls: &[Handle::Spike],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        params::visit(spec, v);
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        params::check(spec, checker);
    }

    fn classes(spec: &Spec) -> Vec<String> {
        spec.classes.keys().cloned().collect()
    }

    fn is_transient(spec: &Spec) -> bool {
        !matches!(spec.shape, Shape::Steady)
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Client {
        let mut client = Client {
            rng: ctx.stream("arrivals"),
            key_rng: ctx.stream("keys"),
            popularity: spec.keys.popularity(),
            tenants: tenants(spec),
            first_tenant: hash::name(ctx.name()) as u32,
            classes: Vec::new(),
            think: Sampler::Constant(Span::ZERO),
            spike: 1.0,
            mean_gap: f64::INFINITY,
            left: (1.0, Time::ZERO),
            bursting: false,
            epoch: 0,
            think_epoch: 0,
            users: 0,
            leaving: 0,
            spec: spec.clone(),
        };
        client.set_classes(ctx);
        client.begin(ctx);
        client
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        if spec.keys != self.spec.keys {
            self.popularity = spec.keys.popularity();
        }
        self.tenants = tenants(spec);
        let arrivals = |spec: &Spec| (spec.rate, spec.arrivals.clone(), spec.shape.clone());
        let arrives_alike = arrivals(spec) == arrivals(&self.spec);
        self.pass(ctx.now());
        let before = std::mem::replace(&mut self.spec, spec.clone());
        if let (Some(before), Some(now)) = (before.arrivals.think(), spec.arrivals.think())
            && before != now
        {
            self.think_anew(ctx, before, now);
        }
        self.set_classes(ctx);
        if !arrives_alike {
            self.begin(ctx);
        }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        match token & 0xFF {
            THINK if token >> THINK_BITS == self.think_epoch => self.thought(ctx, (token >> 8) as u32),
            THINK => {}
            _ if token >> 8 != u64::from(self.epoch) => {}
            ARRIVAL => self.arrive(ctx),
            _ => self.switch(ctx),
        }
    }

    #[inline(never)]
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        self.finished(ctx, child);
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        if let Control::Spike(factor) = control {
            self.pass(ctx.now());
            self.spike = factor;
            self.begin(ctx);
        }
    }
}

impl Client {
    /// Begin, or begin anew after a change.
    fn begin(&mut self, ctx: &mut Ctx) {
        self.epoch += 1;
        self.mean_gap = 1e9 / self.base_rate();
        if let Arrivals::Closed { think, .. } = &self.spec.arrivals {
            self.think = think.sampler();
        }
        self.admit_users(ctx);
        if !matches!(self.spec.arrivals, Arrivals::Closed { .. }) {
            self.schedule_switch(ctx);
            self.schedule_arrival(ctx);
        }
    }

    fn schedule_switch(&mut self, ctx: &mut Ctx) {
        if let Arrivals::Bursty { calm, burst, .. } = &self.spec.arrivals {
            let mean = if self.bursting { burst } else { calm };
            let stay = Span::from_nanos_f64(mean.0 as f64 * self.rng.exp1());
            ctx.timer(stay, self.token(SWITCH));
        }
    }
}

/// Sizes times a factor, which is drawn.
#[inline(never)]
fn varied(sizes: [u32; 2], sigma: f64, rng: &mut Rng) -> [u32; 2] {
    let factor = maths::exp(sigma * rng.normal() - sigma * sigma / 2.0);
    sizes.map(|size| (f64::from(size) * factor) as u32)
}

fn tenants(spec: &Spec) -> Popularity {
    Keys::Zipf { keys: spec.tenants, exponent: spec.tenant_skew }.popularity()
}

const HELP: &str = "\
A client issues requests. An open loop sends at its rate whatever the answers do, as the public does. A closed loop has a \
number of users: each waits for an answer, thinks, and asks again, so the load drops when the system slows down (Schroeder, \
Wierman and Harchol-Balter, NSDI 2006). Latency counts from when a request was meant to be sent, so stalls are not hidden \
(no coordinated omission).

`rate` is the mean rate, `arrivals` the arrival process, and `shape` changes the rate over time. `classes` are the \
operations, each with its weight, priority, sizes and deadline. `keys` is the popularity of keys; `tenants` and \
`tenant_skew` are the customers. An answer after the `deadline` counts as late, never as a success. With several links a \
request takes the first whose `when` admits it. A user of a closed loop waits at least 1 µs between two requests, and 10 µs \
after a failure.

Not modelled: name resolution, TLS and TCP handshakes of each client (use the link's latency), clients of different speed.";
