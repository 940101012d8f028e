//! A message queue: takes messages at once, and hands them to consumers that acknowledge.

mod ages;
mod consumers;
mod duplicates;
mod faults;
mod measures;
mod params;
mod visibility;

pub use consumers::UNKNOWN_CONCURRENCY;
pub use params::{Delivery, Order, Overflow, Spec};

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::life::{Life, Phase};
use super::params::Visitor;
use crate::base::hash::IntMap;
use crate::base::{Rng, Span, Time};
use crate::engine::{Again, Aim, CallId, Child, Control, Ctx, Meter, Reason, Reply, Request, Role, Route, Stage};
use crate::parts::waiting::{Discipline, Ticket, Waiting};
use ages::{EXPIRE, Line};
use consumers::Consumer;
use duplicates::{Severed, Unsettled};
use faults::Unheard;
use std::collections::BTreeMap;

#[derive(Clone)]
struct Message {
    request: Request,
    /// When the producer called, for the lag, and when the message was kept, for its retention.
    sent: Time,
    since: Time,
    deliveries: u32,
    /// Up to which of them repetitions have been counted.
    repeated: u32,
    /// A consumer has handled it, and no acknowledgement has said so.
    handled: bool,
    /// Deliveries that were given up while their consumers were at work, as far as is known.
    unsettled: Vec<u32>,
    place: Place,
    /// Whether it is in the list of those by age.
    listed: bool,
    generation: u32,
}

/// Where a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Gone; its slot is free.
    Gone,
    /// Held back for a while.
    Resting,
    /// To be delivered.
    Visible,
    /// With a consumer.
    Delivered,
}

/// A message under way to, or with, a consumer.
#[derive(Clone)]
struct InFlight {
    slot: u32,
    generation: u32,
    consumer: usize,
    /// Consumers that hedged copies of it are with.
    copies: Vec<usize>,
    /// When it was handed out, for the visibility timeout.
    since: Time,
    /// Whether the answer still matters to the message: no visibility timeout has passed. The prefetch window counts it
    /// until the consumer lets go of it.
    awaited: bool,
    /// The link was cut when it was sent: nobody has got it.
    cut: bool,
    /// Whether the prefetch window counts it.
    counted: bool,
}

/// A running queue.
#[derive(Clone)]
pub struct Queue {
    spec: Spec,
    rng: Rng,
    waiting: Waiting<(u32, u32)>,
    visible: u32,
    messages: Vec<Message>,
    free: Vec<u32>,
    /// All that are kept, visible or not.
    kept: u64,
    /// Those that are not with consumers, the oldest first, by rank; others among them are passed over.
    by_age: BTreeMap<u8, Line>,
    /// For when the timer for the retention of the oldest is set; `NEVER` if it is not.
    timed: Time,
    in_flight: IntMap<u32, InFlight>,
    severed: Severed,
    unsettled: Unsettled,
    next_delivery: u32,
    consumers: Vec<Consumer>,
    topology: u64,
    next_consumer: usize,
    /// Producers that wait for room, in the order of the messages, and how many entries make it worth while to look for
    /// those that gave up.
    blocked: Waiting<CallId>,
    sweep_at: usize,
    paused: bool,
    life: Life,
    unheard: Unheard,
}

const VISIBLE: u64 = 0;
const TIMEOUT: u64 = 1;
const WAKE: u64 = 3;

/// What a message takes at least from one delivery to the next: no broker takes less, and time must go on.
const LEAST_CYCLE: Span = Span::from_micros(100);

/// Fewer blocked producers than this are not looked through.
const FEW_BLOCKED: usize = 64;

impl Queue {
    /// Keep a producer's message.
    fn accept(&mut self, ctx: &mut Ctx, id: CallId) {
        let (request, sent, since) = (ctx.call(id).asks, ctx.call(id).sent, ctx.now());
        let message = Message {
            request,
            sent,
            since,
            deliveries: 0,
            repeated: 1,
            handled: false,
            unsettled: Vec::new(),
            place: Place::Resting,
            listed: false,
            generation: 0,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                let generation = self.messages[slot as usize].generation;
                self.messages[slot as usize] = Message { generation, ..message };
                slot
            }
            None => {
                self.messages.push(message);
                self.messages.len() as u32 - 1
            }
        };
        self.kept += 1;
        self.list(slot, false);
        self.time_retention(ctx, slot);
        ctx.reply(id, Reply::OK);
        if self.spec.delay.is_zero() {
            self.show(ctx, slot);
        } else {
            self.show_later(ctx, slot, self.spec.delay);
        }
    }

    /// Make a message visible to consumers.
    fn show(&mut self, ctx: &mut Ctx, slot: u32) {
        let ticket = self.ticket(ctx, slot);
        self.waiting.push(ticket);
    }

    /// The same of one that no consumer has got: its turn is still to come.
    #[cold]
    fn show_again(&mut self, ctx: &mut Ctx, slot: u32) {
        let ticket = self.ticket(ctx, slot);
        self.waiting.put_back(ticket);
    }

    fn ticket(&mut self, ctx: &mut Ctx, slot: u32) -> Ticket<(u32, u32)> {
        self.visible += 1;
        ctx.meter_add(Meter::Queue, 1);
        let message = &mut self.messages[slot as usize];
        message.place = Place::Visible;
        Ticket {
            id: (slot, message.generation),
            since: message.since,
            priority: message.request.priority,
            deadline: Time::NEVER,
            flow: 0,
            cost: 0,
        }
    }

    fn show_later(&mut self, ctx: &mut Ctx, slot: u32, after: Span) {
        self.messages[slot as usize].place = Place::Resting;
        let generation = u64::from(self.messages[slot as usize].generation & 0xFF_FFFF);
        ctx.timer(after, VISIBLE | u64::from(slot) << 4 | generation << 36);
    }

    /// A message that was visible is so no more.
    fn hide(&mut self, ctx: &mut Ctx, slot: u32, place: Place) {
        self.messages[slot as usize].place = place;
        self.visible -= 1;
        ctx.meter_add(Meter::Queue, -1);
    }

    /// Take a message out for good. Who waits for its room is let in by `dispatch`.
    fn remove(&mut self, ctx: &mut Ctx, slot: u32) {
        if self.messages[slot as usize].place == Place::Visible {
            self.hide(ctx, slot, Place::Gone);
        }
        self.settle(slot);
        let message = &mut self.messages[slot as usize];
        message.place = Place::Gone;
        message.generation = message.generation.wrapping_add(1);
        self.free.push(slot);
        self.kept -= 1;
    }

    /// Let producers in that wait for room, as far as there is some.
    fn admit_blocked(&mut self, ctx: &mut Ctx) {
        while self.kept < self.spec.capacity.0 {
            let Some(producer) = self.next_blocked(ctx) else { return };
            self.accept(ctx, producer);
        }
    }

    fn next_blocked(&mut self, ctx: &Ctx) -> Option<CallId> {
        while let Some((id, _)) = self.blocked.pop(&mut self.rng) {
            if ctx.is_served(id) {
                return Some(id);
            }
        }
        None
    }

    /// A producer waits for room.
    fn block(&mut self, ctx: &Ctx, id: CallId) {
        if self.blocked.len() >= self.sweep_at {
            self.blocked.retain(|id| ctx.is_served(id));
            self.sweep_at = FEW_BLOCKED.max(2 * self.blocked.len());
        }
        let (since, priority) = (ctx.now(), ctx.call(id).asks.priority);
        self.blocked.push(Ticket { id, since, priority, deadline: Time::NEVER, flow: 0, cost: 0 });
    }

    /// A delivery leaves the windows of the consumers that have it; returns whether it was counted there.
    fn let_go(consumers: &mut [Consumer], delivery: &mut InFlight) -> bool {
        let counted = std::mem::replace(&mut delivery.counted, false);
        for held in delivery.copies.drain(..).chain(counted.then_some(delivery.consumer)) {
            consumers[held].unacknowledged -= 1;
        }
        counted
    }

    /// Hand out what can be handed out, and let producers in where that makes room: nobody else does either, so that one
    /// thing leading to another is a loop.
    fn dispatch(&mut self, ctx: &mut Ctx) {
        loop {
            if !self.life.works() {
                return;
            }
            self.admit_blocked(ctx);
            if self.visible == 0 || self.paused {
                return;
            }
            // A consumer without room says so when there is some, or is asked after a rest; one that comes, or comes
            // back, does not.
            let Some(consumer) = self.pick_consumer(ctx) else { return ctx.watch_topology() };
            let Some(slot) = self.next_visible() else { return };
            self.hide(ctx, slot, Place::Delivered);
            self.deliver(ctx, slot, consumer);
        }
    }

    /// The message whose turn it is.
    fn next_visible(&mut self) -> Option<u32> {
        loop {
            let ((slot, generation), _) = self.waiting.pop(&mut self.rng)?;
            let message = &self.messages[slot as usize];
            if message.place == Place::Visible && message.generation == generation {
                return Some(slot);
            }
        }
    }

    fn deliver(&mut self, ctx: &mut Ctx, slot: u32, consumer: usize) {
        let message = &mut self.messages[slot as usize];
        message.deliveries += 1;
        if message.deliveries > message.repeated {
            message.repeated = message.deliveries;
            ctx.count(measures::REDELIVERED, 1);
        }
        let (link, replica) = (self.consumers[consumer].link, self.consumers[consumer].replica);
        let (request, generation, sent) = (message.request, message.generation, message.sent);
        let tag = self.next_delivery;
        self.next_delivery = self.next_delivery.wrapping_add(1);
        self.consumers[consumer].unacknowledged += 1;
        ctx.meter_add(Meter::Busy, 1);
        let cut = ctx.is_cut(link);
        let (since, copies) = (ctx.now(), Vec::new());
        let delivery = InFlight { slot, generation, consumer, copies, since, awaited: true, cut, counted: true };
        self.in_flight.insert(tag, delivery);
        ctx.send_root(link, tag, Route { origin: 0, replica }, request);
        if self.spec.delivery == Delivery::AtMostOnce {
            ctx.lag(ctx.now().since(sent));
            self.remove(ctx, slot);
        }
        if let Some(timeout) = self.spec.visibility_timeout {
            ctx.timer(timeout, TIMEOUT | u64::from(tag) << 4);
        }
    }

    /// No consumer has got it: that was no delivery, and it keeps its place.
    #[cold]
    fn not_delivered(&mut self, ctx: &mut Ctx, slot: u32) {
        self.messages[slot as usize].deliveries -= 1;
        self.list(slot, true);
        self.show_again(ctx, slot);
        self.time_retention(ctx, slot);
    }

    /// Not handled: deliver it again after this time or the `redelivery_delay`, unless that was tried often enough.
    fn again(&mut self, ctx: &mut Ctx, slot: u32, after: Span) {
        if self.messages[slot as usize].deliveries >= self.spec.max_deliveries {
            ctx.count(measures::DEAD_LETTERED, 1);
            return self.remove(ctx, slot);
        }
        self.list(slot, true);
        let rest = self.spec.redelivery_delay.max(after);
        if rest.is_zero() {
            self.show(ctx, slot);
        } else {
            self.show_later(ctx, slot, rest);
        }
        self.time_retention(ctx, slot);
    }

    fn is_kept(&self, slot: u32, generation: u32) -> bool {
        self.messages
            .get(slot as usize)
            .is_some_and(|message| message.place != Place::Gone && message.generation == generation)
    }
}

impl Kind for Queue {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "queue",
        title: "Message queue",
        group: Group::Messaging,
        summary: "Stores messages and delivers them to consumers; unacknowledged messages are redelivered.",
        help: HELP,
        role: Role::Broker,
        copies: None,
        waiting_room: Some("capacity"),
        chances: &[],
        accepts_calls: true,
        outs: Outs::Some,
        measures: measures::MEASURES,
        controls: &[Handle::Kill, Handle::Freeze, Handle::Fail, Handle::Flush, Handle::Pause],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        params::visit(spec, v);
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        if spec.visibility_timeout == Some(Span::ZERO) {
            checker.error("visibility_timeout", "a message needs some time to be handled");
        }
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Queue {
        ctx.picks_again();
        let discipline = match spec.order {
            Order::Fifo => Discipline::Fifo,
            Order::Priority => Discipline::Priority,
        };
        Queue {
            rng: ctx.stream("order"),
            waiting: Waiting::new(discipline),
            visible: 0,
            messages: Vec::new(),
            free: Vec::new(),
            kept: 0,
            by_age: BTreeMap::new(),
            timed: Time::NEVER,
            in_flight: IntMap::default(),
            severed: Severed::default(),
            unsettled: Unsettled::default(),
            next_delivery: 0,
            consumers: Vec::new(),
            topology: u64::MAX,
            next_consumer: 0,
            blocked: Waiting::new(discipline),
            sweep_at: FEW_BLOCKED,
            paused: false,
            life: Life::new(Phase::Running),
            unheard: Unheard::default(),
            spec: spec.clone(),
        }
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        let before = std::mem::replace(&mut self.spec, spec.clone());
        if self.spec.retention != before.retention {
            self.retain_anew(ctx);
        }
        if self.spec.visibility_timeout != before.visibility_timeout {
            self.await_anew(ctx);
        }
        self.dispatch(ctx);
    }

    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        if self.life.is_frozen() {
            return self.unheard.calls.push(id);
        }
        if self.kept >= self.spec.capacity.0 {
            match self.spec.overflow {
                Overflow::Reject => return ctx.reply(id, Reply::failed(Reason::QueueFull)),
                Overflow::Block => return self.block(ctx, id),
                Overflow::DropOldest => {
                    let Some(slot) = self.victim(ctx.call(id).asks.priority) else {
                        return ctx.reply(id, Reply::failed(Reason::QueueFull));
                    };
                    ctx.count(measures::EVICTED, 1);
                    self.remove(ctx, slot);
                }
            }
        }
        self.accept(ctx, id);
        self.dispatch(ctx);
    }

    #[inline(never)]
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        if self.life.is_frozen() {
            return self.unheard.replies.push(*child);
        }
        let Some(mut delivery) = self.in_flight.remove(&child.tag) else { return self.too_late(ctx, child) };
        if Self::let_go(&mut self.consumers, &mut delivery) {
            ctx.meter_add(Meter::Busy, -1);
        }
        let kept = self.is_kept(delivery.slot, delivery.generation);
        let turned_away = child.reply.was_turned_away();
        if turned_away {
            self.turned_away(ctx, delivery.consumer);
        } else if child.reply.outcome != Err(Reason::Lost) {
            self.took(ctx, delivery.consumer);
        }
        if child.reply.is_ok() {
            self.handled(ctx, delivery.slot, delivery.generation, child.tag);
            if kept {
                let lag = ctx.now().since(self.messages[delivery.slot as usize].sent);
                ctx.lag(lag);
                self.remove(ctx, delivery.slot);
            }
        } else if !kept {
            // What was lost on the way has been noted as such.
            if child.reply.outcome != Err(Reason::Lost) {
                self.lost_at_once(ctx);
            }
        } else if delivery.awaited {
            if turned_away {
                self.not_delivered(ctx, delivery.slot);
            } else {
                if matches!(child.reply.outcome, Err(Reason::Timeout | Reason::Deadline)) {
                    self.may_be_handled(delivery.slot, child.tag);
                }
                self.again(ctx, delivery.slot, LEAST_CYCLE - ctx.now().since(child.sent));
            }
        }
        self.dispatch(ctx);
    }

    fn on_unheard(&mut self, ctx: &mut Ctx, done: &Child) {
        self.ended_unheard(ctx, done);
    }

    fn pick_again(&mut self, ctx: &mut Ctx, again: &Again) -> Aim {
        self.find_consumers(ctx);
        let tag = again.first.tag;
        let Some(delivery) = self.in_flight.get_mut(&tag) else { return again.first };
        if !again.copy && !Self::let_go(&mut self.consumers, delivery) {
            // It was given up, and is with a consumer again.
            ctx.meter_add(Meter::Busy, 1);
        }
        let held = delivery.consumer;
        let other = self.other_consumer(ctx, again).or_else(|| {
            ctx.start_over(again);
            self.other_consumer(ctx, again)
        });
        // Where no other has room, a copy goes to the same consumer, and has no place in its window.
        let picked = other.unwrap_or(held);
        if let Some(delivery) = self.in_flight.get_mut(&tag) {
            match (again.copy, other) {
                (true, None) => {}
                (true, Some(other)) => delivery.copies.push(other),
                (false, _) => {
                    let cut = delivery.cut && ctx.is_cut(self.consumers[picked].link);
                    (delivery.consumer, delivery.counted, delivery.cut) = (picked, true, cut);
                }
            }
        }
        let consumer = &mut self.consumers[picked];
        consumer.unacknowledged += u32::from(!again.copy || other.is_some());
        Aim { link: consumer.link, tag, route: Route { origin: 0, replica: consumer.replica } }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        if self.life.is_frozen() {
            return self.unheard.timers.push(token);
        }
        match token & 0xF {
            VISIBLE => {
                let (slot, generation) = ((token >> 4) as u32, (token >> 36) as u32);
                let message = &self.messages[slot as usize];
                if message.place == Place::Resting && message.generation & 0xFF_FFFF == generation {
                    self.show(ctx, slot);
                }
            }
            EXPIRE => self.retention_is_due(ctx),
            WAKE => self.wake((token >> 4) as usize),
            _ => self.visibility_is_due(ctx, (token >> 4) as u32),
        }
        self.dispatch(ctx);
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        // Only producers that wait for room are still here.
        ctx.reply(id, Reply::failed(Reason::Cancelled));
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Pause(paused) => self.paused = paused,
            Control::Fault(fault, _) => self.strike(ctx, fault),
            Control::Flush => self.lose(ctx, |place| place != Place::Delivered),
            _ => {}
        }
        self.dispatch(ctx);
    }

    fn gauges(&self) -> Vec<f64> {
        vec![self.kept as f64]
    }

    fn stages(&self) -> Vec<Option<Stage>> {
        vec![self.life.stage()]
    }
}

impl Queue {
    /// Lose every message in such a place.
    fn lose(&mut self, ctx: &mut Ctx, which: impl Fn(Place) -> bool) {
        for slot in 0..self.messages.len() {
            let place = self.messages[slot].place;
            if place != Place::Gone && which(place) {
                ctx.count(measures::LOST_WRITES, 1);
                self.remove(ctx, slot as u32);
            }
        }
    }
}

const HELP: &str = "\
A producer's call is answered as soon as the message is stored. Consumers, the nodes that the links lead to, get messages as \
fast as they acknowledge them. A queue decouples producers from consumers and absorbs bursts; it does not add capacity.

`capacity` limits the messages; `overflow` is the policy beyond it. Reject fails the new message. DropOldest drops the \
oldest message that is not with a consumer (with `order: Priority` the oldest of the least urgent class; RabbitMQ drops from \
the head). Block makes producers wait (with Priority the most urgent goes first).

Each consumer replica may have `prefetch` unacknowledged messages; without it as many as the consumer handles at once, or 20 \
where that is unknown. A message whose processing fails, or that is not acknowledged within the `visibility_timeout`, goes \
to the back of the queue and is redelivered after the `redelivery_delay` (at least 100 µs after the last delivery). After \
`max_deliveries` it goes to the dead-letter queue. A late consumer keeps its place in the prefetch window until it answers. \
A `retry` or `hedge` on a link to consumers goes to another consumer that has room, while there is one that was not tried.

A message that was turned away (by an open breaker, a bulkhead, a pool or a full queue) was not delivered. It keeps its \
place, and the consumer is tried again after 100 ms, then after twice that each time, up to 1 s. A message that is lost on \
the way, or sent over a cut link, is noticed only by the `visibility_timeout`: until then it holds a place in the prefetch \
window. With AtMostOnce both are lost. `delivery` is the guarantee. With AtLeastOnce each time that a message is handled \
beyond the first is a duplicate, also where the first acknowledgement was lost or came too late; with ExactlyOnce the \
consumer recognises them, works on them all the same, and they count as coalesced. `delay` postpones new messages. \
`retention` drops old messages that are not with a consumer.

A flush drops all messages that are not with a consumer. A kill loses all messages unless the queue is `durable`; then those \
that were with consumers are redelivered. A queue that is dead or frozen delivers nothing; a frozen one makes producers wait \
and takes acknowledgements when it goes on. A pause stops deliveries only. The lag is the time from the producer's call to \
the acknowledgement.

Not modelled: the broker's disk and network (give the links latency), transactions, partitions and their order.";
