//! A replica that serves calls with slots and cores: what services, databases and shards have in common.

use super::clock::{BY_CLOCK, Clock, OVER};
use crate::base::{Rng, Sampler, Span, Time};
use crate::engine::{Call, CallId, Ctx, Meter, Reason};
use crate::parts::processor::{Processor, Sharing};
use crate::parts::waiting::{CoDel, Discipline, FAIR_COST, Ticket, Waiting};
use std::sync::Arc;

/// What a station is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct StationSpec {
    /// `u32::MAX` is no limit.
    pub slots: u32,
    /// Everybody gets a slot at once, and waits for a core: slots are only what bounds the calls at hand.
    pub admits_all: bool,
    pub cores: u32,
    pub sharing: Sharing,
    pub discipline: Discipline,
    /// What a call of each class costs its flow, by fair queueing; those beyond cost [`FAIR_COST`].
    pub fair_costs: Vec<u64>,
    /// Calls that may wait; `u32::MAX` is no limit.
    pub queue_limit: u32,
    /// Target and interval of controlled delay.
    pub codel: Option<(Span, Span)>,
    /// Whether a call whose deadline has passed is failed instead of served.
    pub drop_expired: bool,
    /// A slot that was not used lately must be started first: how long that takes, and how long one is kept.
    pub cold: Option<(Sampler, Span)>,
}

impl StationSpec {
    /// Calls worked on at once: where all are admitted, more than there are cores only wait.
    pub fn concurrency(&self) -> u32 {
        if self.admits_all { self.cores } else { self.slots }
    }

    /// Whether the urgent take the place of others that are being served.
    fn interrupts(&self) -> bool {
        self.admits_all && self.sharing == Sharing::Preemptive
    }

    fn is_careful(&self) -> bool {
        self.interrupts() || self.cold.is_some()
    }

    /// A plain station: first in, first out, as many cores as slots.
    pub fn plain(slots: u32, queue_limit: Option<u32>) -> StationSpec {
        StationSpec {
            slots,
            admits_all: false,
            cores: slots,
            sharing: Sharing::Fcfs,
            discipline: Discipline::Fifo,
            fair_costs: Vec::new(),
            queue_limit: queue_limit.unwrap_or(u32::MAX),
            codel: None,
            drop_expired: true,
            cold: None,
        }
    }
}

/// What becomes of a call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It has a slot; begin.
    Begin(CallId),
    /// It has a slot that must be started first, which takes so long.
    Cold(CallId, Span),
    /// Fail it: the arrival, or one that gives way to it and waited until now.
    Drop(CallId, Reason),
    /// The arrival may have the place of this call, which holds a slot: [put it out](Station::put_out).
    PutOut(CallId),
}

/// Slots, the queue in front of them, and the cores behind. What only some stations need lies elsewhere: a thousand of them
/// ought to fit into the cache.
#[derive(Clone, Debug)]
pub struct Station {
    spec: Arc<StationSpec>,
    /// Who takes or leaves a slot has more to do than to count.
    careful: bool,
    waiting: Waiting<CallId>,
    /// Calls that wait; entries of `waiting` that left are skipped.
    queued: u32,
    busy: u32,
    /// Only where cores are fewer than slots, or are shared in a special way.
    processor: Option<Box<Processor<CallId>>>,
    /// Calls at work on a core of their own.
    direct: u32,
    /// What the node's meters know of: calls that wait, slots and cores in use.
    shown: [u32; 3],
    /// They may have changed since.
    stale: bool,
    open: bool,
    /// More is in use than there ought to be: what is in use counts as capacity until it is given back.
    over: bool,
    generation: u32,
    /// When the timer of this generation is due; never, if it was.
    change_at: Time,
    clock: Clock,
    rare: Box<Rare>,
}

/// What of a station is seldom looked at.
#[derive(Clone, Debug, Default)]
struct Rare {
    codel: CoDel,
    /// Slots and cores that the node's meters know of.
    capacity: [u32; 2],
    /// Idle slots that are still warm: since when, oldest first.
    warm: Vec<Time>,
    /// Where the urgent interrupt the others: the calls that have a slot, and some that had one.
    seated: Option<Waiting<CallId>>,
}

/// The second word of a call's scratch besides what [ends by the clock](Clock): on shared cores, with the time since when;
/// with a slot, and no more; queued. They are later than any time, also where they are read as signed numbers.
const ON_CORES: u64 = BY_CLOCK;
const SERVED: u64 = QUEUED - 1;
const QUEUED: u64 = OVER;

impl Station {
    /// A station that is not yet [opened](Station::open).
    pub fn new(spec: &Arc<StationSpec>) -> Station {
        let shared = Self::shares(spec);
        Station {
            careful: spec.is_careful(),
            waiting: Waiting::new(spec.discipline),
            queued: 0,
            busy: 0,
            processor: shared.then(|| Box::new(Processor::new(spec.sharing, spec.cores))),
            direct: 0,
            shown: [0; 3],
            stale: false,
            open: false,
            over: false,
            generation: 0,
            change_at: Time::NEVER,
            clock: Clock::new(),
            rare: Box::new(Rare {
                seated: spec.interrupts().then(|| Waiting::new(spec.discipline)),
                ..Rare::default()
            }),
            spec: spec.clone(),
        }
    }

    fn shares(spec: &StationSpec) -> bool {
        spec.cores < spec.slots || spec.admits_all
    }

    /// Count the station's slots and cores among the node's.
    pub fn open(&mut self, ctx: &mut Ctx) {
        self.open = true;
        self.show_capacity(ctx);
    }

    /// The opposite, when the replica is dead or to go.
    pub fn close(&mut self, ctx: &mut Ctx) {
        self.open = false;
        self.show_capacity(ctx);
    }

    /// Slots or cores that are taken away while in use go when they are given back.
    #[cold]
    #[inline(never)]
    fn show_capacity(&mut self, ctx: &mut Ctx) {
        let unlimited = self.spec.slots == u32::MAX || self.spec.admits_all;
        let slots = if self.open { self.spec.slots } else { 0 };
        let cores = if self.open { self.spec.cores.min(i32::MAX as u32) } else { 0 };
        let [_, busy, working] = self.levels();
        let slots = if unlimited { [0; 2] } else { [slots, slots.max(busy)] };
        let cores = [cores, cores.max(working)];
        // Who began on a core of its own finishes on it, beside those that share them now.
        let mixed = self.processor.is_some() && self.direct > 0;
        self.over = mixed || slots[0] < slots[1] || cores[0] < cores[1];
        let capacity = [slots[1], cores[1]];
        let change = |i: usize| capacity[i].wrapping_sub(self.rare.capacity[i]) as i32;
        ctx.meter_add(Meter::SlotCapacity, change(0));
        ctx.meter_add(Meter::CoreCapacity, change(1));
        self.rare.capacity = capacity;
    }

    pub fn busy(&self) -> u32 {
        self.busy
    }

    pub fn is_idle(&self) -> bool {
        self.busy == 0 && self.queued == 0
    }

    /// Whether its clock stands still.
    #[inline(always)]
    pub fn is_frozen(&self) -> bool {
        self.clock.is_stopped()
    }

    /// Calls that wait, slots and cores in use.
    #[inline(always)]
    fn levels(&self) -> [u32; 3] {
        let shared = self.processor.as_ref().map_or(0, |p| if self.is_frozen() { 0 } else { p.busy() });
        [self.queued, self.busy, self.direct + shared]
    }

    /// A call has arrived. `None`: it waits. If it has a slot, [show](Station::show) the station when the call has gone on;
    /// [`Station::work`] does.
    #[inline(always)]
    pub fn arrive(&mut self, ctx: &mut Ctx, id: CallId, rng: &mut Rng) -> Option<Done> {
        let now = ctx.now();
        let call = ctx.call_mut(id);
        if self.spec.drop_expired && call.asks.deadline <= now {
            return Some(Done::Drop(id, Reason::Deadline));
        }
        if self.busy < self.spec.slots && self.queued == 0 && !self.is_frozen() {
            return Some(self.seat(call, id, now, rng));
        }
        let full = match self.spec.admits_all {
            true => self.busy.saturating_add(self.queued) >= self.spec.slots,
            false => self.queued >= self.spec.queue_limit,
        };
        if full {
            return Some(self.make_room(ctx, id));
        }
        call.scratch[1] = QUEUED;
        self.queue_up(call, id, now);
        self.show(ctx);
        None
    }

    /// The station is full: somebody gives way, by the discipline. If another does that waited, the arrival waits now.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, ctx: &mut Ctx, id: CallId) -> Done {
        let now = ctx.now();
        let ticket = self.ticket(ctx.call(id), id, now);
        if let Some(out) = self.waiting.make_room(&ticket, self.queued as usize, |id| Self::waits(ctx, id)) {
            self.queued -= 1;
            let call = ctx.call_mut(id);
            call.scratch[1] = QUEUED;
            self.queue_up(call, id, now);
            self.show(ctx);
            return Done::Drop(out, Reason::QueueFull);
        }
        let seated = self.rare.seated.as_mut();
        let out = seated.and_then(|seated| seated.make_room(&ticket, self.busy as usize, |id| ctx.is_served(id)));
        out.map_or(Done::Drop(id, Reason::QueueFull), Done::PutOut)
    }

    /// Take a call off its slot, and let an arrival have its place; the caller answers the first.
    #[cold]
    #[inline(never)]
    pub fn put_out(&mut self, ctx: &mut Ctx, out: CallId, id: CallId, rng: &mut Rng) -> Option<Done> {
        self.stop_work(ctx, out);
        self.leave(ctx);
        let now = ctx.now();
        let call = ctx.call_mut(id);
        if self.is_frozen() {
            call.scratch[1] = QUEUED;
            self.queue_up(call, id, now);
            self.show(ctx);
            return None;
        }
        Some(self.seat(call, id, now, rng))
    }

    /// To the others that wait.
    #[inline(always)]
    fn queue_up(&mut self, call: &Call, id: CallId, now: Time) {
        self.queued += 1;
        if !self.waiting.push_fifo(id, now) {
            self.waiting.push(self.ticket(call, id, now));
        }
    }

    fn ticket(&self, call: &Call, id: CallId, since: Time) -> Ticket<CallId> {
        let class = call.asks.class.index();
        Ticket {
            id,
            since,
            priority: call.asks.priority,
            deadline: call.asks.deadline,
            flow: Self::flow(call),
            cost: self.spec.fair_costs.get(class).copied().unwrap_or(FAIR_COST),
        }
    }

    /// Each tenant's calls of each class are a flow.
    fn flow(call: &Call) -> u64 {
        (call.asks.class.index() as u64) << 32 | u64::from(call.asks.tenant)
    }

    /// Note who has a slot where that may be taken away.
    fn note_seated(&mut self, call: &Call, id: CallId, since: Time) {
        let ticket = self.ticket(call, id, since);
        if let Some(seated) = &mut self.rare.seated {
            seated.push(ticket);
        }
    }

    /// Forget those that had a slot, before they add up.
    fn sweep_seated(&mut self, ctx: &Ctx) {
        if let Some(seated) = self.rare.seated.as_mut().filter(|seated| seated.len() > 2 * self.busy as usize + 64) {
            seated.retain(|id| ctx.is_served(id));
        }
    }

    /// Bring the node's meters up to date: once after all that happens at an instant, because a slot that one leaves and
    /// the next takes is no change.
    #[inline(always)]
    pub fn show(&mut self, ctx: &mut Ctx) {
        let levels = self.levels();
        let change = |i: usize| levels[i].wrapping_sub(self.shown[i]) as i32;
        ctx.meter_changes([change(0), change(1), change(2)]);
        self.shown = levels;
        self.stale = false;
        if self.over {
            self.show_capacity(ctx);
        }
    }

    #[inline(always)]
    fn seat(&mut self, call: &mut Call, id: CallId, now: Time, rng: &mut Rng) -> Done {
        self.busy += 1;
        self.stale = true;
        call.scratch[1] = SERVED;
        if self.careful { self.seat_with_care(call, id, now, rng) } else { Done::Begin(id) }
    }

    #[cold]
    #[inline(never)]
    fn seat_with_care(&mut self, call: &Call, id: CallId, now: Time, rng: &mut Rng) -> Done {
        if self.spec.interrupts() {
            self.note_seated(call, id, now);
        }
        let Some((cold_start, keep)) = &self.spec.cold else { return Done::Begin(id) };
        // The one used last is the one kept longest.
        self.rare.warm.retain(|&since| now.since(since) <= *keep);
        if self.rare.warm.pop().is_some() { Done::Begin(id) } else { Done::Cold(id, cold_start.draw(rng)) }
    }

    /// After a slot became free: the next call that waits, if it can be served or must be dropped.
    #[inline(always)]
    pub fn next(&mut self, ctx: &mut Ctx, rng: &mut Rng) -> Option<Done> {
        if self.queued == 0 || self.busy >= self.spec.slots || self.is_frozen() {
            if self.stale {
                self.show(ctx);
            }
            return None;
        }
        loop {
            let (id, since) = self.waiting.pop_of(self.queued as usize, rng)?;
            let now = ctx.now();
            // Those who gave up left their entry behind.
            let Some(call) = ctx.served_mut(id).filter(|call| call.scratch[1] == QUEUED) else {
                self.waiting.passed_over();
                continue;
            };
            self.queued -= 1;
            self.stale = true;
            if self.queued == 0 {
                self.waiting.clear();
            }
            let waited = now.since(since);
            call.queue_ns += waited.0;
            if self.spec.drop_expired && call.asks.deadline <= now {
                return Some(Done::Drop(id, Reason::Deadline));
            }
            if let Some((target, interval)) = self.spec.codel
                && self.rare.codel.drops(now, waited, target, interval, self.queued == 0)
            {
                return Some(Done::Drop(id, Reason::Shed));
            }
            return Some(self.seat(call, id, now, rng));
        }
    }

    /// Whether the call still waits for a slot.
    pub fn is_waiting(&self, ctx: &Ctx, id: CallId) -> bool {
        ctx.call(id).scratch[1] == QUEUED
    }

    fn waits(ctx: &Ctx, id: CallId) -> bool {
        ctx.is_served(id) && ctx.call(id).scratch[1] == QUEUED
    }

    /// A waiting call gives up. Its entry stays behind, but such entries must not pile up where they are never reached.
    pub fn left_queue(&mut self, ctx: &mut Ctx, id: CallId) {
        self.queued -= 1;
        self.waiting.left(Self::flow(ctx.call(id)));
        self.show(ctx);
        if self.queued == 0 {
            self.waiting.clear();
        } else if self.waiting.len() > 2 * self.queued as usize + 64 {
            self.waiting.retain(|id| Self::waits(ctx, id));
        }
    }

    /// A call has left its slot; ask for the [next](Station::next) one.
    #[inline(always)]
    pub fn leave(&mut self, ctx: &mut Ctx) {
        debug_assert!(self.busy > 0);
        self.busy -= 1;
        self.stale = true;
        if self.careful {
            self.leave_with_care(ctx);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_with_care(&mut self, ctx: &Ctx) {
        if self.spec.cold.is_some() {
            self.rare.warm.push(ctx.now());
        }
        self.sweep_seated(ctx);
    }

    /// Work for so long on a core. With a core for every slot the timer of the [clock](Clock::begin) comes; otherwise see
    /// [`Station::next_change`].
    #[inline(always)]
    pub fn work(&mut self, ctx: &mut Ctx, id: CallId, span: Span) {
        if let Some(processor) = &mut self.processor {
            let now = ctx.now();
            let call = ctx.call_mut(id);
            // Waiting for a core counts as queueing: what is left of the stay when the work is taken off.
            let takes = self.clock.stretch(span);
            // Very long work at a very slow pace may add up to more than there is.
            call.service_ns = call.service_ns.wrapping_add(takes.0);
            call.scratch[1] = ON_CORES | now.0;
            call.queue_ns = call.queue_ns.wrapping_sub(takes.0);
            processor.add(self.clock.read(now), id, span, call.asks.priority);
        } else {
            self.direct += 1;
            self.clock.serve(ctx, id, span);
        }
        self.show(ctx);
    }

    /// Something that takes so long and no core: the timer of the [clock](Clock::begin) comes.
    #[inline(always)]
    pub fn wait(&mut self, ctx: &mut Ctx, id: CallId, span: Span) {
        self.clock.begin(ctx, id, span);
    }

    /// The timer of the clock has fired: whether what the call does is over.
    #[inline(always)]
    pub fn is_due(&mut self, ctx: &mut Ctx, id: CallId) -> bool {
        self.clock.is_due(ctx, id)
    }

    /// The work of a call with a core of its own is over. [Show](Station::show) the station when the call has gone on.
    #[inline(always)]
    pub fn worked(&mut self, ctx: &mut Ctx, id: CallId) {
        self.clock.served(ctx, id, SERVED);
        self.direct -= 1;
        self.stale = true;
    }

    /// What a call [waited](Station::wait) for is over.
    #[inline(always)]
    pub fn waited(&mut self, ctx: &mut Ctx, id: CallId) {
        ctx.call_mut(id).scratch[1] = SERVED;
    }

    /// What its clock reads, and when it will read something at the present pace.
    pub fn read(&self, now: Time) -> Time {
        self.clock.read(now)
    }

    pub fn when(&self, due: Time) -> Time {
        self.clock.when(due)
    }

    /// Its process works at another pace, or stands still. True if all its calls must be [hastened](Station::hasten). Ask for
    /// the [next change](Station::next_change).
    #[must_use]
    pub fn set_pace(&mut self, ctx: &mut Ctx, slow: f64, stopped: bool) -> bool {
        let hastens = self.clock.set(ctx, slow, stopped);
        self.generation = self.generation.wrapping_add(1);
        self.change_at = Time::NEVER;
        self.show(ctx);
        hastens
    }

    pub fn hasten(&mut self, ctx: &mut Ctx, id: CallId) {
        self.clock.hasten(ctx, id);
    }

    /// When shared cores are done with something, and the generation of this answer; none where there is no change to
    /// wait for, or the last answer still holds.
    #[inline(always)]
    pub fn next_change(&mut self) -> Option<(Time, u32)> {
        let at = self.clock.when(self.processor.as_ref()?.next_change()?);
        if at == self.change_at || at == Time::NEVER {
            return None;
        }
        self.change_at = at;
        self.generation = self.generation.wrapping_add(1);
        Some((at, self.generation))
    }

    /// Whether a timer of this generation is the latest.
    pub fn is_current(&mut self, generation: u32) -> bool {
        let current = self.generation == generation;
        if current {
            self.change_at = Time::NEVER;
        }
        current
    }

    /// A call whose work on shared cores is done; ask until there is none.
    pub fn take_done(&mut self, ctx: &mut Ctx) -> Option<CallId> {
        let now = ctx.now();
        let Some(id) = self.processor.as_mut()?.take_done(self.clock.read(now)) else {
            self.show(ctx);
            return None;
        };
        self.stale = true;
        let call = ctx.call_mut(id);
        let stay = now.since(Time(call.scratch[1] & !ON_CORES));
        call.queue_ns = call.queue_ns.wrapping_add(stay.0);
        if (call.queue_ns as i64) < 0 {
            // It went more quickly than it began.
            call.service_ns = call.service_ns.wrapping_add(call.queue_ns);
            call.queue_ns = 0;
        }
        call.scratch[1] = SERVED;
        Some(id)
    }

    /// A call that works is not wanted any more: take it off its core.
    pub fn stop_work(&mut self, ctx: &mut Ctx, id: CallId) {
        let now = self.clock.read(ctx.now());
        // Whoever began on a core of its own has stayed there when cores became shared.
        let shared = self.processor.as_mut().is_some_and(|processor| processor.remove(now, id));
        if !shared && ctx.call(id).scratch[1] < BY_CLOCK && self.direct > 0 {
            self.direct -= 1;
        }
        self.show(ctx);
    }

    /// New settings; what is in progress goes on.
    pub fn retune(&mut self, ctx: &mut Ctx, spec: &Arc<StationSpec>) {
        if *spec == self.spec {
            return;
        }
        if let Some(processor) = &mut self.processor {
            processor.set_cores(self.clock.read(ctx.now()), spec.cores);
        } else if Self::shares(spec) {
            // Calls at work on a core of their own finish on it.
            self.processor = Some(Box::new(Processor::new(spec.sharing, spec.cores)));
        }
        self.spec = spec.clone();
        self.careful = spec.is_careful();
        self.show(ctx);
        self.show_capacity(ctx);
    }

    /// Its process is dead: [clear](Station::clear) it, and count it no longer as capacity.
    pub fn shut(&mut self, ctx: &mut Ctx) {
        self.clear(ctx);
        self.close(ctx);
    }

    /// Forget everything that waits or is served; the caller answers the calls.
    pub fn clear(&mut self, ctx: &mut Ctx) {
        self.waiting.clear();
        (self.queued, self.busy, self.direct) = (0, 0, 0);
        self.clock.clear();
        self.rare.warm.clear();
        if let Some(seated) = &mut self.rare.seated {
            seated.clear();
        }
        if let Some(processor) = &mut self.processor {
            processor.clear();
        }
        self.generation = self.generation.wrapping_add(1);
        self.change_at = Time::NEVER;
        self.show(ctx);
    }
}
