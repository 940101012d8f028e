//! A service: replicas with worker slots and cores, which do work and call others on the way.

mod failures;
mod manual;
pub(super) mod measures;
mod params;
mod replicas;

pub use params::Spec;

use super::clock::CLOCK_TIMER;
use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::life::{BY_HAND, Phase};
use super::params::Visitor;
use super::station::{Done, Station, StationSpec};
use crate::base::{ClassId, Dist, Rng, Sampler, Span, hash};
use crate::engine::{ANY_REPLICA, CallId, Control, Ctx, Fault, Reason, Reply, Role, Stage, Steps};
use crate::parts::waiting::FAIR_COST;
use replicas::Replica;
use std::sync::Arc;

/// A running service.
#[derive(Clone)]
pub struct Service {
    spec: Spec,
    replicas: Vec<Replica>,
    rng: Rng,
    pick: Rng,
    failures: Rng,
    work: Sampler,
    by_class: Vec<Option<Sampler>>,
    /// What each replica is made of, by the spec.
    station: Arc<StationSpec>,
    wait: Sampler,
    work_after: Sampler,
    max_wait: Option<Sampler>,
    /// Nothing but `work` happens to a call: no waiting, no itinerary, no work after.
    simple: bool,
    /// Whether there are an `error_share` and a `poison_share`, or one of them.
    faulty: bool,
    /// Which keys are poison goes by the seed, and is the same for all nodes.
    poison_salt: u64,
    /// Whether work grows with the calls in progress.
    contended: bool,
    wanted: u16,
    /// Whether replicas show themselves as taking no calls, whatever their state.
    closed: bool,
    /// The latest generation of timers.
    generation: u32,
}

/// Phases of a call, in the order in which it goes through them.
const COLD: u64 = 0;
const WORK: u64 = 1;
const WAIT: u64 = 2;
const STEPS: u64 = 3;
const WORK_AFTER: u64 = 4;

/// A timer of calls besides that of the clock.
const LEAVE_TIMER: u8 = 1;

/// Timers of replicas: what in the lowest 4 bits, then the replica, then a generation.
const CORES: u64 = 0;
const STARTED: u64 = 1;
const PAUSE: u64 = 2;
const RESUME: u64 = 3;
const BREAK: u64 = 4;
const REPAIR: u64 = 5;

fn token(what: u64, replica: u16, generation: u32) -> u64 {
    what | u64::from(replica) << 4 | u64::from(generation) << 20
}

/// Which of a replica's timers this is.
fn chain(what: u64) -> usize {
    match what {
        STARTED => 0,
        PAUSE | RESUME => 1,
        _ => 2,
    }
}

impl Service {
    fn read_spec(&mut self, ctx: &mut Ctx) {
        self.work = self.spec.work.sampler();
        self.by_class.clear();
        for (name, dist) in &self.spec.work_by_class {
            if let Some(ClassId(i)) = ctx.class(name) {
                self.by_class.resize(self.by_class.len().max(usize::from(i) + 1), None);
                self.by_class[usize::from(i)] = Some(dist.sampler());
            }
        }
        let mut station = self.spec.station();
        for (name, weight) in &self.spec.fair_weights {
            if let Some(ClassId(i)) = ctx.class(name) {
                let costs = &mut station.fair_costs;
                costs.resize(costs.len().max(usize::from(i) + 1), FAIR_COST);
                costs[usize::from(i)] = (FAIR_COST as f64 / weight) as u64;
            }
        }
        ctx.set_concurrency(station.concurrency());
        self.station = Arc::new(station);
        self.wait = self.spec.wait.sampler();
        self.work_after = self.spec.work_after.sampler();
        self.max_wait = self.spec.max_wait.as_ref().map(Dist::sampler);
        self.faulty = self.spec.error_share.0 > 0.0 || self.spec.poison_share.0 > 0.0;
        self.contended = self.spec.contention > 0.0 || self.spec.coherency > 0.0;
        let none = |sampler: &Sampler| sampler.as_constant() == Some(Span::ZERO);
        self.simple = none(&self.wait) && none(&self.work_after) && ctx.outs().is_empty();
    }

    /// The replica that takes a call which comes without a choice made: any that is up, and for a further attempt one that the
    /// earlier ones have not tried, while others are left.
    #[inline]
    fn choose(&mut self, ctx: &mut Ctx, id: CallId) -> Option<u16> {
        let count = self.replicas.len() as u16;
        if ctx.call(id).again && count > 1 {
            let fits = |ctx: &Ctx, r: u16| ctx.is_up(ctx.node(), r);
            if ctx.others_left(id, fits) {
                let others = || (0..count).filter(|r| fits(ctx, *r) && !ctx.has_tried(id, *r));
                let n = others().count() as u32;
                return others().nth(self.pick.below(n) as usize);
            }
        }
        if ctx.all_up() {
            return Some(if count == 1 { 0 } else { self.pick.below(u32::from(count)) as u16 });
        }
        self.choose_among_some(ctx, count)
    }

    #[cold]
    fn choose_among_some(&mut self, ctx: &Ctx, count: u16) -> Option<u16> {
        if count == 1 {
            return ctx.is_up(ctx.node(), 0).then_some(0);
        }
        let up = |r: &u16| ctx.is_up(ctx.node(), *r);
        let n = (0..count).filter(up).count() as u32;
        if n == 0 {
            return None;
        }
        (0..count).filter(up).nth(self.pick.below(n) as usize)
    }

    /// Work of a phase: the draw, times what contention makes of it.
    #[inline(always)]
    fn draw(&mut self, ctx: &Ctx, id: CallId, replica: u16, phase: u64) -> Span {
        let sampler = match phase {
            WORK_AFTER => &self.work_after,
            _ if self.by_class.is_empty() => &self.work,
            _ => self.by_class.get(ctx.call(id).asks.class.index()).and_then(Option::as_ref).unwrap_or(&self.work),
        };
        let span = sampler.draw(&mut self.rng);
        if !self.contended {
            return span;
        }
        // Universal scalability law (Gunther 2007).
        let n = f64::from(self.replicas[usize::from(replica)].station.busy());
        span.scale(1.0 + self.spec.contention * (n - 1.0) + self.spec.coherency * n * (n - 1.0))
    }

    /// A call has a slot: begin its work.
    #[inline(always)]
    fn begin(&mut self, ctx: &mut Ctx, id: CallId) {
        self.compute(ctx, id, WORK);
    }

    /// Work on a core.
    #[inline(always)]
    fn compute(&mut self, ctx: &mut Ctx, id: CallId, phase: u64) {
        let call = ctx.call_mut(id);
        call.scratch[0] = phase;
        let replica = call.replica;
        let span = self.draw(ctx, id, replica, phase);
        if span.is_zero() {
            return self.phase_done(ctx, id);
        }
        let station = &mut self.replicas[usize::from(replica)].station;
        station.work(ctx, id, span);
        Self::rearm(ctx, replica, station);
    }

    /// Do the phases of a call until one takes time.
    fn proceed(&mut self, ctx: &mut Ctx, id: CallId, phase: u64) {
        match phase {
            WORK | WORK_AFTER => self.compute(ctx, id, phase),
            WAIT => {
                ctx.call_mut(id).scratch[0] = phase;
                let span = self.wait.draw(&mut self.rng);
                if span.is_zero() {
                    return self.phase_done(ctx, id);
                }
                let replica = usize::from(ctx.call(id).replica);
                self.replicas[replica].station.wait(ctx, id, span);
            }
            _ => self.call_others(ctx, id),
        }
    }

    /// The itinerary of a call.
    #[inline(always)]
    fn call_others(&mut self, ctx: &mut Ctx, id: CallId) {
        ctx.call_mut(id).scratch[0] = STEPS;
        match ctx.run_steps(id) {
            Steps::Pending => {}
            Steps::Done(reply) => self.steps_ended(ctx, id, reply),
        }
    }

    fn phase_done(&mut self, ctx: &mut Ctx, id: CallId) {
        match ctx.call(id).scratch[0] {
            WORK if self.simple => self.finish(ctx, id, Reply::OK),
            WORK => {
                self.replicas[usize::from(ctx.call(id).replica)].station.show(ctx);
                if self.wait.as_constant() == Some(Span::ZERO) {
                    self.call_others(ctx, id);
                } else {
                    self.proceed(ctx, id, WAIT);
                }
            }
            WAIT => self.proceed(ctx, id, STEPS),
            _ => self.finish(ctx, id, Reply::OK),
        }
    }

    fn steps_ended(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        if reply.is_ok() && self.work_after.as_constant() != Some(Span::ZERO) {
            self.proceed(ctx, id, WORK_AFTER);
        } else {
            self.finish(ctx, id, reply);
        }
    }

    /// Answer, free the slot, and begin the next.
    #[inline(always)]
    fn finish(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        let replica = ctx.call(id).replica;
        let failed = self.faulty && reply.is_ok() && self.fails(ctx, id);
        ctx.reply(id, if failed { Reply::failed(Reason::Error) } else { reply });
        self.replicas[usize::from(replica)].station.leave(ctx);
        self.begin_waiting(ctx, replica);
    }

    /// Whether the service makes an error of a call: by chance, or because the key is one of those that always fail.
    #[inline(never)]
    fn fails(&mut self, ctx: &Ctx, id: CallId) -> bool {
        let poison = self.spec.poison_share.0;
        self.failures.chance(self.spec.error_share.0)
            || poison > 0.0 && hash::unit(hash::mix2(self.poison_salt, ctx.call(id).asks.key)) <= poison
    }

    #[inline]
    fn begin_waiting(&mut self, ctx: &mut Ctx, replica: u16) {
        if std::mem::replace(&mut self.replicas[usize::from(replica)].serving, true) {
            return;
        }
        while let Some(done) = self.replicas[usize::from(replica)].station.next(ctx, &mut self.rng) {
            match done {
                Done::Begin(id) => self.begin(ctx, id),
                Done::Cold(id, span) => self.cold_start(ctx, id, span),
                Done::Drop(id, reason) => ctx.reply(id, Reply::turned_away(reason)),
                Done::PutOut(_) => debug_assert!(false, "only an arrival takes a place"),
            }
        }
        let state = &mut self.replicas[usize::from(replica)];
        state.serving = false;
        if state.life.phase == Phase::Draining && state.station.is_idle() {
            state.life.phase = Phase::Gone;
            self.shed_gone(ctx);
        }
    }

    /// A call that waits leaves after a while, if that is set.
    #[inline]
    fn limit_wait(&mut self, ctx: &mut Ctx, id: CallId) {
        if let Some(max_wait) = &self.max_wait {
            let span = max_wait.draw(&mut self.rng);
            ctx.call_timer(id, span, LEAVE_TIMER);
        }
    }

    /// A call loses its place to one that is more urgent; those that it has called go on.
    #[cold]
    #[inline(never)]
    fn put_out(&mut self, ctx: &mut Ctx, out: CallId, id: CallId) {
        let replica = ctx.call(id).replica;
        let station = &mut self.replicas[usize::from(replica)].station;
        let done = station.put_out(ctx, out, id, &mut self.rng);
        Self::rearm(ctx, replica, station);
        ctx.reply(out, Reply::failed(Reason::QueueFull));
        match done {
            Some(Done::Begin(id)) => self.begin(ctx, id),
            Some(Done::Cold(id, span)) => self.cold_start(ctx, id, span),
            _ => {}
        }
    }

    fn cold_start(&mut self, ctx: &mut Ctx, id: CallId, span: Span) {
        ctx.count(measures::STARTED, 1);
        let call = ctx.call_mut(id);
        call.queue_ns += span.0;
        call.scratch[0] = COLD;
        let station = &mut self.replicas[usize::from(call.replica)].station;
        station.wait(ctx, id, span);
        station.show(ctx);
    }

    /// Have the engine come back when the cores of a replica are done with something.
    #[inline(always)]
    fn rearm(ctx: &mut Ctx, replica: u16, station: &mut Station) {
        if let Some((at, generation)) = station.next_change() {
            ctx.timer_at(at, token(CORES, replica, generation));
        }
    }

    /// From now on only new timers of this chain are meant.
    fn begin_timers(&mut self, chain: usize, replica: u16) {
        self.generation += 1;
        self.replicas[usize::from(replica)].timers[chain] = self.generation;
    }

    fn timer(&self, ctx: &mut Ctx, after: Span, what: u64, replica: u16) {
        ctx.timer(after, token(what, replica, self.replicas[usize::from(replica)].timers[chain(what)]));
    }
}

impl Kind for Service {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "service",
        title: "Service",
        group: Group::Compute,
        summary: "Replicas with worker slots and cores that do work and call others on the way.",
        help: manual::HELP,
        role: Role::Service,
        copies: Some(params::COPIES),
        waiting_room: Some("queue_limit"),
        chances: &["pauses", "breakdowns"],
        accepts_calls: true,
        outs: Outs::Any,
        measures: measures::MEASURES,
        controls: &[Handle::Kill, Handle::Freeze, Handle::Slow, Handle::Fail, Handle::Scale],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        params::visit(spec, v);
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        params::check(spec, checker);
    }

    fn speaks_of(spec: &Spec) -> Vec<(&'static str, String)> {
        let work = spec.work_by_class.keys().map(|class| ("work_by_class", class.clone()));
        work.chain(spec.fair_weights.keys().map(|class| ("fair_weights", class.clone()))).collect()
    }

    fn takes_time(spec: &Spec) -> bool {
        params::takes_time(spec)
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Service {
        let mut service = Service {
            rng: ctx.stream("work"),
            pick: ctx.stream("replica"),
            failures: ctx.stream("failures"),
            replicas: Vec::new(),
            work: Sampler::Constant(Span::ZERO),
            by_class: Vec::new(),
            station: Arc::new(spec.station()),
            wait: Sampler::Constant(Span::ZERO),
            work_after: Sampler::Constant(Span::ZERO),
            max_wait: None,
            simple: true,
            faulty: false,
            poison_salt: ctx.salt("poison"),
            contended: false,
            wanted: 0,
            closed: false,
            generation: 0,
            spec: spec.clone(),
        };
        service.read_spec(ctx);
        ctx.set_replicas(0);
        service.scale(ctx, spec.replicas);
        service
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        let rescale = spec.replicas != self.spec.replicas;
        let anew = [spec.pauses != self.spec.pauses, spec.breakdowns != self.spec.breakdowns];
        self.spec = spec.clone();
        self.read_spec(ctx);
        // From the last one: those that drain may be gone afterwards.
        for i in (0..self.replicas.len() as u16).rev() {
            if usize::from(i) >= self.replicas.len() {
                continue;
            }
            self.replicas[usize::from(i)].station.retune(ctx, &self.station);
            self.disarm(i, anew);
            match self.replicas[usize::from(i)].life.phase {
                Phase::Running | Phase::Down => self.arm(ctx, i),
                // What has passed of its start-up counts. It is armed when it runs.
                Phase::Starting => self.time_start(ctx, i),
                Phase::Draining | Phase::Gone => {}
            }
            Self::rearm(ctx, i, &mut self.replicas[usize::from(i)].station);
            self.begin_waiting(ctx, i);
        }
        if rescale {
            self.scale(ctx, spec.replicas);
        }
    }

    #[inline]
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        let mut replica = ctx.call(id).replica;
        if replica == ANY_REPLICA {
            let Some(chosen) = self.choose(ctx, id) else { return ctx.reply(id, Reply::turned_away(Reason::Refused)) };
            replica = chosen;
            ctx.call_mut(id).replica = replica;
        }
        let Some(state) = self.replicas.get_mut(usize::from(replica)) else {
            return ctx.reply(id, Reply::turned_away(Reason::Refused));
        };
        match state.station.arrive(ctx, id, &mut self.rng) {
            Some(Done::Begin(id)) => self.begin(ctx, id),
            Some(Done::Cold(id, span)) => self.cold_start(ctx, id, span),
            Some(Done::Drop(dropped, reason)) => {
                ctx.reply(dropped, Reply::turned_away(reason));
                if dropped != id {
                    self.limit_wait(ctx, id);
                }
            }
            Some(Done::PutOut(out)) => self.put_out(ctx, out, id),
            None => self.limit_wait(ctx, id),
        }
    }

    #[inline]
    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, token: u8) {
        let replica = ctx.call(id).replica;
        let station = &mut self.replicas[usize::from(replica)].station;
        match token {
            CLOCK_TIMER => {
                if !station.is_due(ctx, id) {
                    return;
                }
                match ctx.call(id).scratch[0] {
                    WORK => {
                        station.worked(ctx, id);
                        if self.simple {
                            self.finish(ctx, id, Reply::OK);
                        } else {
                            self.phase_done(ctx, id);
                        }
                    }
                    WORK_AFTER => {
                        station.worked(ctx, id);
                        self.phase_done(ctx, id);
                    }
                    phase => {
                        station.waited(ctx, id);
                        if phase == COLD {
                            self.proceed(ctx, id, WORK);
                        } else {
                            self.phase_done(ctx, id);
                        }
                    }
                }
            }
            _ => {
                // It has waited as long as it is willing to.
                if station.is_waiting(ctx, id) {
                    station.left_queue(ctx, id);
                    ctx.reply(id, Reply::failed(Reason::Timeout));
                }
            }
        }
    }

    #[inline(always)]
    fn on_steps_done(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        let state = &mut self.replicas[usize::from(ctx.call(id).replica)];
        if state.station.is_frozen() { state.hear_later(id, reply) } else { self.steps_ended(ctx, id, reply) }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        let replica = (token >> 4 & 0xFFFF) as u16;
        match token & 0xF {
            CORES => {
                let Some(state) = self.replicas.get_mut(usize::from(replica)) else { return };
                if !state.station.is_current((token >> 20) as u32) {
                    return;
                }
                while let Some(id) = self.replicas[usize::from(replica)].station.take_done(ctx) {
                    self.phase_done(ctx, id);
                    if usize::from(replica) >= self.replicas.len() {
                        return;
                    }
                }
                Self::rearm(ctx, replica, &mut self.replicas[usize::from(replica)].station);
            }
            what => {
                let state = self.replicas.get(usize::from(replica));
                if state.is_none_or(|state| state.timers[chain(what)] != (token >> 20) as u32) {
                    return;
                }
                match what {
                    STARTED if state.is_some_and(|state| state.life.phase == Phase::Starting) => {
                        self.started(ctx, replica)
                    }
                    what => self.on_failure_timer(ctx, what, replica),
                }
            }
        }
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        let replica = ctx.call(id).replica;
        let station = &mut self.replicas[usize::from(replica)].station;
        if station.is_waiting(ctx, id) {
            station.left_queue(ctx, id);
            ctx.reply(id, Reply::failed(Reason::Cancelled));
        } else {
            if matches!(ctx.call(id).scratch[0], WORK | WORK_AFTER) {
                station.stop_work(ctx, id);
                Self::rearm(ctx, replica, station);
            }
            self.finish(ctx, id, Reply::failed(Reason::Cancelled));
        }
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Scale(wanted) => self.scale(ctx, wanted),
            Control::Fault(Fault::Slow(_), replica) => self.slow_down(ctx, replica),
            Control::Fault(fault, replica) => {
                // From the last one: those that drain may be gone afterwards.
                let all = (0..self.replicas.len() as u16).rev();
                for i in all.filter(|i| replica.is_none_or(|replica| replica == *i)) {
                    if usize::from(i) >= self.replicas.len() {
                        continue;
                    }
                    match fault {
                        Fault::Kill => {
                            let state = &mut self.replicas[usize::from(i)];
                            state.life.kill();
                            // Who is dead is no capacity.
                            state.station.close(ctx);
                            self.kill(ctx, i);
                        }
                        Fault::Freeze => self.hold(ctx, i, BY_HAND, true),
                        Fault::Thaw => self.hold(ctx, i, BY_HAND, false),
                        Fault::Restart => self.restart(ctx, i),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn gauges(&self) -> Vec<f64> {
        let running = self.replicas.iter().filter(|replica| replica.life.phase == Phase::Running).count();
        vec![running as f64]
    }

    fn stages(&self) -> Vec<Option<Stage>> {
        self.replicas.iter().map(|replica| replica.life.stage()).collect()
    }
}
