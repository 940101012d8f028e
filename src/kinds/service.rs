//! A service: replicas with worker slots and cores, which do work and call others on the way.

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::params::Visitor;
use super::service_params;
pub use super::service_params::Spec;
use super::station::{Done, Station, WORK_TIMER};
use crate::base::hash;
use crate::base::{ClassId, Dist, Rng, Sampler, Span};
use crate::engine::{ANY_REPLICA, CallId, Control, Ctx, Fault, Reason, Reply, Signal, Steps};

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
    wait: Sampler,
    work_after: Sampler,
    max_wait: Option<Sampler>,
    /// Nothing but `work` happens to a call: no waiting, no itinerary, no work after.
    simple: bool,
    /// Whether there are an `error_share` and a `poison_share`, or one of them.
    faulty: bool,
    /// Whether work grows with the calls in progress.
    contended: bool,
    wanted: u16,
    /// Whether replicas show themselves as taking no calls, whatever their state.
    closed: bool,
    /// The latest generation of timers.
    generation: u32,
}

#[derive(Clone)]
struct Replica {
    station: Station,
    state: Life,
    /// What keeps it from working, one bit each: [`BY_HAND`] and the like.
    held: u8,
    /// The generation that a timer must carry to be meant, by what it belongs to: the start, the pauses (which go on while
    /// it is down), the breakdowns. 0 where none runs.
    timers: [u32; 3],
    /// Whether those who wait are being served: calls that end at once then leave the next ones to that loop.
    serving: bool,
}

impl Replica {
    fn new(station: Station) -> Replica {
        Replica { station, state: Life::Gone, held: 0, timers: [0; 3], serving: false }
    }

    /// Whether it takes calls.
    fn is_up(&self) -> bool {
        self.state == Life::Running && self.held & LOST == 0
    }
}

/// What holds a replica. They come and go by themselves, and one must not end another.
const BY_HAND: u8 = 1;
const PAUSED: u8 = 2;
/// Broken down, keeping the calls, or losing them.
const BROKEN: u8 = 4;
const LOST: u8 = 8;
/// What stops the clock of work.
const FROZEN: u8 = BY_HAND | PAUSED | BROKEN;

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Starting,
    Running,
    /// Killed; comes back when it is restarted.
    Down,
    /// Takes no new calls, and goes when it is empty.
    Draining,
    Gone,
}

/// Phases of a call, in the order in which it goes through them.
const WORK: u64 = 1;
const WAIT: u64 = 2;
const STEPS: u64 = 3;
const WORK_AFTER: u64 = 4;

/// Timers of calls, besides the station's own.
const WAIT_TIMER: u8 = 1;
const COLD_TIMER: u8 = 2;
const LEAVE_TIMER: u8 = 3;

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
        self.wait = self.spec.wait.sampler();
        self.work_after = self.spec.work_after.sampler();
        self.max_wait = self.spec.max_wait.as_ref().map(Dist::sampler);
        self.faulty = self.spec.error_share.0 > 0.0 || self.spec.poison_share.0 > 0.0;
        self.contended = self.spec.contention > 0.0 || self.spec.coherency > 0.0;
        let none = |sampler: &Sampler| sampler.as_constant() == Some(Span::ZERO);
        self.simple = none(&self.wait) && none(&self.work_after) && ctx.outs().is_empty();
    }

    /// The replica that takes a call which comes without a choice made: any that is up.
    #[inline]
    fn choose(&mut self, ctx: &Ctx) -> Option<u16> {
        let count = self.replicas.len() as u16;
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

    /// Work of a phase: the draw, times what contention and slowness make of it.
    #[inline(always)]
    fn draw(&mut self, ctx: &Ctx, id: CallId, replica: u16, phase: u64) -> Span {
        let sampler = match phase {
            WORK_AFTER => &self.work_after,
            _ if self.by_class.is_empty() => &self.work,
            _ => self.by_class.get(ctx.call(id).asks.class.index()).and_then(Option::as_ref).unwrap_or(&self.work),
        };
        let span = sampler.draw(&mut self.rng);
        let mut factor = ctx.slow(replica);
        if self.contended {
            // Universal scalability law (Gunther 2007).
            let n = f64::from(self.replicas[usize::from(replica)].station.busy());
            factor *= 1.0 + self.spec.contention * (n - 1.0) + self.spec.coherency * n * (n - 1.0);
        }
        if factor == 1.0 { span } else { span.scale(factor) }
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
                ctx.call_timer(id, span, WAIT_TIMER);
            }
            _ => {
                ctx.call_mut(id).scratch[0] = phase;
                match ctx.run_steps(id) {
                    Steps::Pending => {}
                    Steps::Done(reply) => self.steps_ended(ctx, id, reply),
                }
            }
        }
    }

    fn phase_done(&mut self, ctx: &mut Ctx, id: CallId) {
        match ctx.call(id).scratch[0] {
            WORK if self.simple => self.finish(ctx, id, Reply::OK),
            WORK => {
                self.replicas[usize::from(ctx.call(id).replica)].station.show(ctx);
                let waits = self.wait.as_constant() != Some(Span::ZERO);
                self.proceed(ctx, id, if waits { WAIT } else { STEPS });
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
            || poison > 0.0 && (hash::mix(ctx.call(id).asks.key) >> 11) as f64 / (1u64 << 53) as f64 <= poison
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
                Done::Drop(id, reason) => ctx.reply(id, Reply::failed(reason)),
            }
        }
        let replica_state = &mut self.replicas[usize::from(replica)];
        replica_state.serving = false;
        if replica_state.state == Life::Draining && replica_state.station.is_idle() {
            replica_state.state = Life::Gone;
            self.shed_gone(ctx);
        }
    }

    fn cold_start(&mut self, ctx: &mut Ctx, id: CallId, span: Span) {
        ctx.count(Signal::Started, 1);
        let call = ctx.call_mut(id);
        call.queue_ns += span.0;
        let replica = call.replica;
        ctx.call_timer(id, span, COLD_TIMER);
        self.replicas[usize::from(replica)].station.show(ctx);
    }

    /// Have the engine come back when the cores of a replica are done with something.
    #[inline(always)]
    fn rearm(ctx: &mut Ctx, replica: u16, station: &mut Station) {
        if let Some((at, generation)) = station.next_change() {
            ctx.timer_at(at, token(CORES, replica, generation));
        }
    }

    /// Have as many replicas as wanted: start new ones, or let the last ones go.
    fn scale(&mut self, ctx: &mut Ctx, wanted: u16) {
        self.wanted = wanted.max(1);
        let alive = |replica: &Replica| matches!(replica.state, Life::Starting | Life::Running | Life::Down);
        let mut count = self.replicas.iter().filter(|r| alive(r)).count();
        while count < usize::from(self.wanted) {
            count += 1;
            // A place that is free, or a new one at the end.
            let place = self.replicas.iter().position(|replica| replica.state == Life::Gone);
            let station = Station::new(&self.spec.station());
            let i = place.unwrap_or_else(|| {
                self.replicas.push(Replica::new(station.clone()));
                ctx.set_replicas(self.replicas.len() as u16);
                self.replicas.len() - 1
            });
            self.replicas[i] = Replica::new(station);
            if self.spec.start_up.is_zero() || ctx.now().0 == 0 {
                self.started(ctx, i as u16);
            } else {
                self.starting(ctx, i as u16);
            }
        }
        for i in (0..self.replicas.len()).rev() {
            if count <= usize::from(self.wanted) {
                break;
            }
            if alive(&self.replicas[i]) {
                count -= 1;
                ctx.count(Signal::Stopped, 1);
                ctx.set_up(i as u16, false);
                let idle = self.replicas[i].station.is_idle();
                self.replicas[i].station.close(ctx);
                self.replicas[i].state = if idle { Life::Gone } else { Life::Draining };
            }
        }
        self.shed_gone(ctx);
    }

    fn shed_gone(&mut self, ctx: &mut Ctx) {
        while self.replicas.last().is_some_and(|replica| replica.state == Life::Gone) && self.replicas.len() > 1 {
            self.replicas.pop();
            ctx.set_replicas(self.replicas.len() as u16);
        }
    }

    fn starting(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].state = Life::Starting;
        self.show_up(ctx, replica);
        self.begin_timers(chain(STARTED), replica);
        self.timer(ctx, self.spec.start_up, STARTED, replica);
    }

    /// A killed replica comes back: at once, or after its start-up.
    fn restart(&mut self, ctx: &mut Ctx, replica: u16) {
        match self.replicas[usize::from(replica)].state {
            Life::Down if self.spec.start_up.is_zero() => self.run(ctx, replica),
            Life::Down => self.starting(ctx, replica),
            // Nothing was killed, or it takes no calls yet, or none any more.
            Life::Running | Life::Starting | Life::Draining | Life::Gone => self.show_up(ctx, replica),
        }
    }

    fn started(&mut self, ctx: &mut Ctx, replica: u16) {
        if ctx.now().0 > 0 {
            ctx.count(Signal::Started, 1);
        }
        self.run(ctx, replica);
    }

    fn run(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].state = Life::Running;
        self.show_up(ctx, replica);
        self.replicas[usize::from(replica)].station.open(ctx);
        self.arm(ctx, replica);
    }

    /// Let callers know whether a replica takes calls.
    fn show_up(&self, ctx: &mut Ctx, replica: u16) {
        let up = self.replicas.get(usize::from(replica)).is_some_and(Replica::is_up);
        ctx.set_up(replica, up && !self.closed);
    }

    /// Have all replicas, and those to come, take no calls, or take them again. What they have begun they finish.
    pub fn close(&mut self, ctx: &mut Ctx, closed: bool) {
        self.closed = closed;
        for replica in 0..self.replicas.len() as u16 {
            self.show_up(ctx, replica);
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

    /// Begin pauses and breakdowns where they are set and not under way; forget them where they are not set any more.
    fn arm(&mut self, ctx: &mut Ctx, replica: u16) {
        let Spec { pauses, breakdowns, .. } = &self.spec;
        let every = pauses.as_ref().map(|pauses| pauses.every.sampler());
        let up = breakdowns.as_ref().map(|breakdowns| breakdowns.up.sampler());
        for (what, between, under_way) in [(PAUSE, every, PAUSED), (BREAK, up, BROKEN | LOST)] {
            let Replica { timers, held, .. } = &mut self.replicas[usize::from(replica)];
            match between {
                Some(between) if timers[chain(what)] == 0 => {
                    self.begin_timers(chain(what), replica);
                    let span = between.draw(&mut self.failures);
                    self.timer(ctx, span, what, replica);
                }
                // One that is under way comes to its end.
                None if *held & under_way == 0 => timers[chain(what)] = 0,
                _ => {}
            }
        }
    }

    /// Hold a replica for a reason, or end that reason.
    fn hold(&mut self, ctx: &mut Ctx, replica: u16, why: u8, on: bool) {
        let state = &mut self.replicas[usize::from(replica)];
        state.held = if on { state.held | why } else { state.held & !why };
        let frozen = state.held & FROZEN != 0;
        state.station.freeze(ctx, frozen);
        if why & LOST != 0 {
            // Nobody has ordered a breakdown, so that nobody is told of it.
            if on { ctx.break_down(replica) } else { self.show_up(ctx, replica) }
        }
        if !frozen {
            Self::rearm(ctx, replica, &mut self.replicas[usize::from(replica)].station);
            self.begin_waiting(ctx, replica);
        }
    }

    /// The process is gone, with a pause that it was in: everything that was with it fails.
    fn kill(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].station.clear(ctx);
        for id in ctx.served_by(replica) {
            ctx.reply(id, Reply::failed(Reason::Refused));
        }
        self.hold(ctx, replica, PAUSED, false);
    }

    fn on_failure_timer(&mut self, ctx: &mut Ctx, what: u64, replica: u16) {
        let (pauses, breakdowns) = (self.spec.pauses.clone(), self.spec.breakdowns.clone());
        // What comes next is asked for first: a replica that drains may be gone once it is not held any more.
        match (what, pauses, breakdowns) {
            (PAUSE, Some(pauses), _) => {
                let span = pauses.lasting.sampler().draw(&mut self.failures);
                self.timer(ctx, span, RESUME, replica);
                if self.replicas[usize::from(replica)].state != Life::Down {
                    self.hold(ctx, replica, PAUSED, true);
                }
            }
            (RESUME, pauses, _) => {
                match pauses {
                    Some(pauses) => {
                        let span = pauses.every.sampler().draw(&mut self.failures);
                        self.timer(ctx, span, PAUSE, replica);
                    }
                    None => self.replicas[usize::from(replica)].timers[chain(what)] = 0,
                }
                self.hold(ctx, replica, PAUSED, false);
            }
            (BREAK, _, Some(breakdowns)) => {
                let span = breakdowns.down.sampler().draw(&mut self.failures);
                self.timer(ctx, span, REPAIR, replica);
                if breakdowns.lose {
                    self.hold(ctx, replica, LOST, true);
                    self.kill(ctx, replica);
                } else {
                    self.hold(ctx, replica, BROKEN, true);
                }
            }
            (REPAIR, _, breakdowns) => {
                match breakdowns {
                    Some(breakdowns) => {
                        let span = breakdowns.up.sampler().draw(&mut self.failures);
                        self.timer(ctx, span, BREAK, replica);
                    }
                    None => self.replicas[usize::from(replica)].timers[chain(what)] = 0,
                }
                self.hold(ctx, replica, BROKEN | LOST, false);
            }
            _ => {}
        }
    }
}

impl Kind for Service {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "service",
        title: "Service",
        group: Group::Compute,
        summary: "Replicas with worker slots and cores that do work and call others on the way.",
        help: HELP,
        accepts_calls: true,
        outs: Outs::Any,
        signals: &[Signal::Started, Signal::Stopped],
        controls: &[Handle::Kill, Handle::Freeze, Handle::Slow, Handle::Fail, Handle::Scale],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        service_params::visit(spec, v);
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        service_params::check(spec, checker);
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Service {
        let mut service = Service {
            rng: ctx.stream("work"),
            pick: ctx.stream("replica"),
            failures: ctx.stream("failures"),
            replicas: Vec::new(),
            work: Sampler::Constant(Span::ZERO),
            by_class: Vec::new(),
            wait: Sampler::Constant(Span::ZERO),
            work_after: Sampler::Constant(Span::ZERO),
            max_wait: None,
            simple: true,
            faulty: false,
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
        self.spec = spec.clone();
        self.read_spec(ctx);
        let station = self.spec.station();
        // From the last one: those that drain may be gone afterwards.
        for i in (0..self.replicas.len() as u16).rev() {
            if usize::from(i) >= self.replicas.len() {
                continue;
            }
            self.replicas[usize::from(i)].station.retune(ctx, &station);
            // One that starts is armed when it runs.
            if matches!(self.replicas[usize::from(i)].state, Life::Running | Life::Down) {
                self.arm(ctx, i);
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
            let Some(chosen) = self.choose(ctx) else { return ctx.reply(id, Reply::failed(Reason::Refused)) };
            replica = chosen;
            ctx.call_mut(id).replica = replica;
        }
        let Some(state) = self.replicas.get_mut(usize::from(replica)) else {
            return ctx.reply(id, Reply::failed(Reason::Refused));
        };
        match state.station.arrive(ctx, id, &mut self.rng) {
            Some(Done::Begin(id)) => self.begin(ctx, id),
            Some(Done::Cold(id, span)) => self.cold_start(ctx, id, span),
            Some(Done::Drop(id, reason)) => ctx.reply(id, Reply::failed(reason)),
            None => {
                if let Some(max_wait) = &self.max_wait {
                    let span = max_wait.draw(&mut self.rng);
                    ctx.call_timer(id, span, LEAVE_TIMER);
                }
            }
        }
    }

    #[inline]
    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, token: u8) {
        let replica = ctx.call(id).replica;
        let station = &mut self.replicas[usize::from(replica)].station;
        match token {
            WORK_TIMER => {
                if station.worked(ctx, id) {
                    if self.simple {
                        self.finish(ctx, id, Reply::OK);
                    } else {
                        self.phase_done(ctx, id);
                    }
                }
            }
            WAIT_TIMER => self.phase_done(ctx, id),
            COLD_TIMER => self.proceed(ctx, id, WORK),
            _ => {
                // It has waited as long as it is willing to.
                if station.is_waiting(ctx, id) {
                    station.left_queue(ctx);
                    ctx.reply(id, Reply::failed(Reason::Timeout));
                }
            }
        }
    }

    fn on_steps_done(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        self.steps_ended(ctx, id, reply);
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
                    STARTED if state.is_some_and(|state| state.state == Life::Starting) => self.started(ctx, replica),
                    what => self.on_failure_timer(ctx, what, replica),
                }
            }
        }
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        let replica = ctx.call(id).replica;
        let station = &mut self.replicas[usize::from(replica)].station;
        if station.is_waiting(ctx, id) {
            station.left_queue(ctx);
            ctx.reply(id, Reply::failed(Reason::Lost));
        } else {
            station.stop_work(ctx, id);
            Self::rearm(ctx, replica, station);
            self.finish(ctx, id, Reply::failed(Reason::Lost));
        }
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Scale(wanted) => self.scale(ctx, wanted),
            Control::Fault(fault, replica) => {
                // From the last one: those that drain may be gone afterwards.
                let all = (0..self.replicas.len() as u16).rev();
                for i in all.filter(|i| replica.is_none_or(|replica| replica == *i)) {
                    if usize::from(i) >= self.replicas.len() {
                        continue;
                    }
                    match fault {
                        Fault::Kill => {
                            let state = &mut self.replicas[usize::from(i)].state;
                            if !matches!(state, Life::Draining | Life::Gone) {
                                *state = Life::Down;
                            }
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

    fn glance(&self) -> Vec<(&'static str, f64)> {
        let running = self.replicas.iter().filter(|replica| replica.state == Life::Running).count();
        vec![("replicas", running as f64)]
    }
}

const HELP: &str = "\
A call takes a slot (or waits for one), does its `work` on a core, waits (`wait`), makes the calls of the links in the \
order of their steps, does its `work_after`, answers, and frees the slot. The slot is held all the while: a slow callee \
starves the service in front of it.

`replicas` is scaling out; `slots` and `cores` are scaling up. The `runtime` decides what the two numbers mean: Threads \
share the cores evenly; an EventLoop has one core per process, first come first served, so that work blocks everybody; \
GlobalLock threads take turns on one core per process; Serverless has an instance per call, up to `slots`, with cold \
starts. `processes` multiplies slots, instances, and what an event loop or a lock can use of the cores; a call is not bound \
to one process, so that an idle one takes the next. `work_by_class` sets the work of single classes; `contention` and \
`coherency` make it grow with the calls in progress.

Waiting calls are ordered by the `discipline` and bounded by `queue_limit`, `max_wait` and `codel`; `drop_expired` fails \
those whose deadline has passed. Deadlines come with a call only over links with `propagate_deadline`: without it neither \
that nor EarliestDeadline does anything. With ProcessorSharing and PreemptivePriority every call has a slot at once and waits \
for a core: `queue_limit` bounds the calls beyond the cores, and `slots`, `max_wait` and `codel` mean nothing. WeightedFair is \
fair queueing: tenants share evenly, weights are not modelled.

`error_share`, `poison_share`, `pauses` and `breakdowns` are what goes wrong by itself; each comes and goes alone, and a \
restart ends neither a breakdown nor a freeze. `start_up` is what a new replica takes. A call that no balancer has assigned \
goes to a random replica.

Not modelled: memory, caches of the processor, the cost of switching between threads, warm-up of compiled code.";
