//! A message queue: takes messages at once, and hands them to consumers that acknowledge.

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::params::{Param, Visitor};
use crate::base::hash::IntMap;
use crate::base::units::Count;
use crate::base::{LinkId, Rng, Span, Time};
use crate::engine::{CallId, Child, Control, Ctx, Fault, Meter, Reason, Reply, Request, Signal};
use crate::parts::waiting::{Discipline, Ticket, Waiting};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub capacity: Count,
    pub overflow: Overflow,
    pub delivery: Delivery,
    pub order: Order,
    pub prefetch: u32,
    pub visibility_timeout: Option<Span>,
    pub max_deliveries: u32,
    pub redelivery_delay: Span,
    pub delay: Span,
    pub retention: Option<Span>,
    pub durable: bool,
}

/// What happens to a message that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Overflow {
    /// The producer is told.
    #[default]
    Reject,
    /// The oldest message goes.
    DropOldest,
    /// The producer waits until there is room.
    Block,
}

/// How often a message may be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "the names that the field uses")]
pub enum Delivery {
    /// Acknowledged when it is handed over: lost if the consumer fails.
    AtMostOnce,
    /// Acknowledged when it was handled: handled again if the acknowledgement does not come.
    #[default]
    AtLeastOnce,
    /// As at least once, to a consumer that recognises what it has handled.
    ExactlyOnce,
}

/// Which message goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Fifo,
    /// The most urgent class first.
    Priority,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            capacity: Count(100_000),
            overflow: Overflow::Reject,
            delivery: Delivery::AtLeastOnce,
            order: Order::Fifo,
            prefetch: 1,
            visibility_timeout: Some(Span::from_secs(30)),
            max_deliveries: 5,
            redelivery_delay: Span::ZERO,
            delay: Span::ZERO,
            retention: None,
            durable: true,
        }
    }
}

#[derive(Clone)]
struct Message {
    request: Request,
    since: Time,
    deliveries: u32,
    /// Waiting to be delivered, as against with a consumer.
    visible: bool,
    generation: u32,
    alive: bool,
}

/// A message under way to, or with, a consumer.
#[derive(Clone, Copy)]
struct InFlight {
    slot: u32,
    generation: u32,
    consumer: usize,
    /// Whether the prefetch window still counts it.
    counted: bool,
}

#[derive(Clone)]
struct Consumer {
    link: LinkId,
    replica: u16,
    unacknowledged: u32,
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
    in_flight: IntMap<u32, InFlight>,
    next_delivery: u32,
    consumers: Vec<Consumer>,
    topology: u64,
    next_consumer: usize,
    /// Producers that wait for room.
    blocked: VecDeque<CallId>,
    paused: bool,
    down: bool,
}

const VISIBLE: u64 = 0;
const TIMEOUT: u64 = 1;

impl Queue {
    fn accept(&mut self, ctx: &mut Ctx, id: CallId) {
        let request = Request::like(ctx.call(id));
        let message = Message { request, since: ctx.now(), deliveries: 0, visible: false, generation: 0, alive: true };
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
        ctx.reply(id, Reply::OK);
        if self.spec.delay.is_zero() {
            self.show(ctx, slot);
            self.dispatch(ctx);
        } else {
            self.show_later(ctx, slot, self.spec.delay);
        }
    }

    /// Make a message visible to consumers.
    fn show(&mut self, ctx: &mut Ctx, slot: u32) {
        let message = &mut self.messages[slot as usize];
        message.visible = true;
        let ticket = Ticket {
            id: (slot, message.generation),
            since: message.since,
            priority: message.request.priority,
            deadline: Time::NEVER,
            flow: 0,
        };
        self.waiting.push(ticket);
        self.visible += 1;
        ctx.meter_add(Meter::Queue, 1);
    }

    fn show_later(&mut self, ctx: &mut Ctx, slot: u32, after: Span) {
        let generation = u64::from(self.messages[slot as usize].generation & 0xFF_FFFF);
        ctx.timer(after, VISIBLE | u64::from(slot) << 4 | generation << 36);
    }

    fn hide(&mut self, ctx: &mut Ctx, slot: u32) {
        self.messages[slot as usize].visible = false;
        self.visible -= 1;
        ctx.meter_add(Meter::Queue, -1);
    }

    /// Take a message out for good.
    fn remove(&mut self, ctx: &mut Ctx, slot: u32) {
        if self.messages[slot as usize].visible {
            self.hide(ctx, slot);
        }
        let message = &mut self.messages[slot as usize];
        message.alive = false;
        message.generation = message.generation.wrapping_add(1);
        self.free.push(slot);
        self.kept -= 1;
        if let Some(producer) = self.next_blocked(ctx) {
            self.accept(ctx, producer);
        }
    }

    fn next_blocked(&mut self, ctx: &Ctx) -> Option<CallId> {
        while let Some(id) = self.blocked.pop_front() {
            if ctx.is_served(id) {
                return Some(id);
            }
        }
        None
    }

    /// Look who there is to take messages.
    fn find_consumers(&mut self, ctx: &Ctx) {
        if self.topology == ctx.topology() && !self.consumers.is_empty() {
            return;
        }
        self.topology = ctx.topology();
        let outs: Vec<LinkId> = ctx.outs().to_vec();
        let wanted = outs.into_iter().flat_map(|link| (0..ctx.replicas(ctx.target(link))).map(move |r| (link, r)));
        let mut consumers: Vec<Consumer> = self.consumers.clone();
        for (link, replica) in wanted {
            if !consumers.iter().any(|c| c.link == link && c.replica == replica) {
                consumers.push(Consumer { link, replica, unacknowledged: 0 });
            }
        }
        self.consumers = consumers;
    }

    /// The next consumer, in turn, that is up and has room.
    fn pick_consumer(&mut self, ctx: &Ctx) -> Option<usize> {
        self.find_consumers(ctx);
        let n = self.consumers.len();
        let free = (0..n).map(|i| (self.next_consumer + i) % n).find(|&i| {
            let consumer = &self.consumers[i];
            consumer.unacknowledged < self.spec.prefetch && ctx.is_up(ctx.target(consumer.link), consumer.replica)
        })?;
        self.next_consumer = free + 1;
        Some(free)
    }

    /// Hand out what can be handed out.
    fn dispatch(&mut self, ctx: &mut Ctx) {
        while self.visible > 0 && !self.paused && !self.down {
            let Some(consumer) = self.pick_consumer(ctx) else { return };
            let Some(slot) = self.next_visible(ctx) else { return };
            self.deliver(ctx, slot, consumer);
        }
    }

    fn next_visible(&mut self, ctx: &mut Ctx) -> Option<u32> {
        loop {
            let ((slot, generation), _) = self.waiting.pop(&mut self.rng)?;
            let message = &self.messages[slot as usize];
            if !message.alive || message.generation != generation || !message.visible {
                continue;
            }
            if self.spec.retention.is_some_and(|limit| ctx.now().since(message.since) > limit) {
                ctx.count(Signal::Expired, 1);
                self.remove(ctx, slot);
                continue;
            }
            self.hide(ctx, slot);
            return Some(slot);
        }
    }

    fn deliver(&mut self, ctx: &mut Ctx, slot: u32, consumer: usize) {
        let message = &mut self.messages[slot as usize];
        message.deliveries += 1;
        if message.deliveries > 1 {
            ctx.count(Signal::Redelivered, 1);
        }
        let (link, replica) = (self.consumers[consumer].link, self.consumers[consumer].replica);
        let request = Request { replica, origin: 0, ..message.request };
        let (generation, since) = (message.generation, message.since);
        let tag = self.next_delivery;
        self.next_delivery = self.next_delivery.wrapping_add(1);
        self.consumers[consumer].unacknowledged += 1;
        ctx.meter_add(Meter::Busy, 1);
        self.in_flight.insert(tag, InFlight { slot, generation, consumer, counted: true });
        ctx.send_root(link, tag, &request);
        if self.spec.delivery == Delivery::AtMostOnce {
            ctx.lag(ctx.now().since(since));
            self.remove(ctx, slot);
        } else if let Some(timeout) = self.spec.visibility_timeout {
            ctx.timer(timeout, TIMEOUT | u64::from(tag) << 4);
        }
    }

    /// The consumer's place in the prefetch window is free again.
    fn uncount(&mut self, ctx: &mut Ctx, delivery: &mut InFlight) {
        if delivery.counted {
            delivery.counted = false;
            self.consumers[delivery.consumer].unacknowledged -= 1;
            ctx.meter_add(Meter::Busy, -1);
        }
    }

    /// Not handled: deliver it again, unless that was tried often enough.
    fn again(&mut self, ctx: &mut Ctx, slot: u32) {
        if self.messages[slot as usize].deliveries >= self.spec.max_deliveries {
            ctx.count(Signal::DeadLettered, 1);
            self.remove(ctx, slot);
        } else if self.spec.redelivery_delay.is_zero() {
            self.show(ctx, slot);
        } else {
            self.show_later(ctx, slot, self.spec.redelivery_delay);
        }
    }

    fn is_kept(&self, slot: u32, generation: u32) -> bool {
        self.messages.get(slot as usize).is_some_and(|message| message.alive && message.generation == generation)
    }
}

impl Kind for Queue {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "queue",
        title: "Message queue",
        group: Group::Messaging,
        summary: "Takes messages at once and hands them to consumers, again if they are not acknowledged.",
        help: HELP,
        accepts_calls: true,
        outs: Outs::Some,
        signals: &[Signal::Redelivered, Signal::DeadLettered, Signal::Duplicate, Signal::Expired, Signal::Evicted],
        controls: &[Handle::Kill, Handle::Freeze, Handle::Fail, Handle::Flush, Handle::Pause],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("capacity", "Messages kept, with consumers or waiting.", &["5"]).range(1.0, 1e9).live(),
            &mut spec.capacity,
        );
        v.visit(
            &Param::new(
                "overflow",
                "What happens when it is full: Reject, DropOldest or Block the producer.",
                &["DropOldest", "Block"],
            )
            .live(),
            &mut spec.overflow,
        );
        v.visit(
            &Param::new(
                "delivery",
                "AtMostOnce, AtLeastOnce, or ExactlyOnce (an idempotent consumer).",
                &["AtMostOnce", "ExactlyOnce"],
            )
            .live(),
            &mut spec.delivery,
        );
        v.visit(&Param::new("order", "Fifo, or Priority by class.", &["Priority"]), &mut spec.order);
        v.visit(
            &Param::new("prefetch", "Unacknowledged messages each consumer replica may have.", &["20"])
                .range(1.0, 1e6)
                .live(),
            &mut spec.prefetch,
        );
        v.visit(
            &Param::new(
                "visibility_timeout",
                "Not acknowledged in this time, a message is delivered again. None waits for ever.",
                &["\"8ms\""],
            )
            .live(),
            &mut spec.visibility_timeout,
        );
        v.visit(
            &Param::new("max_deliveries", "After so many deliveries a message goes to the dead letters.", &["1"])
                .range(1.0, 1e6)
                .live(),
            &mut spec.max_deliveries,
        );
        v.visit(
            &Param::new("redelivery_delay", "How long a message rests before it is delivered again.", &["\"50ms\""])
                .live(),
            &mut spec.redelivery_delay,
        );
        v.visit(
            &Param::new("delay", "How long a new message rests before it is delivered.", &["\"20ms\""]).live(),
            &mut spec.delay,
        );
        v.visit(
            &Param::new("retention", "A message older than this is thrown away.", &["\"5ms\""]).live(),
            &mut spec.retention,
        );
        v.visit(
            &Param::new("durable", "Whether messages survive when the queue is killed.", &["false"]).live(),
            &mut spec.durable,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        if spec.visibility_timeout == Some(Span::ZERO) {
            checker.error("visibility_timeout", "a message needs some time to be handled");
        }
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Queue {
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
            in_flight: IntMap::default(),
            next_delivery: 0,
            consumers: Vec::new(),
            topology: u64::MAX,
            next_consumer: 0,
            blocked: VecDeque::new(),
            paused: false,
            down: false,
            spec: spec.clone(),
        }
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        self.spec = spec.clone();
        self.dispatch(ctx);
    }

    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        if self.kept < self.spec.capacity.0 {
            return self.accept(ctx, id);
        }
        match self.spec.overflow {
            Overflow::Reject => ctx.reply(id, Reply::failed(Reason::QueueFull)),
            Overflow::Block => self.blocked.push_back(id),
            Overflow::DropOldest => {
                if let Some(slot) = self.next_visible(ctx) {
                    ctx.count(Signal::Evicted, 1);
                    self.remove(ctx, slot);
                    self.accept(ctx, id);
                } else {
                    // Everything is with consumers; there is nothing to drop.
                    ctx.reply(id, Reply::failed(Reason::QueueFull));
                }
            }
        }
    }

    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        let Some(mut delivery) = self.in_flight.remove(&child.tag) else { return };
        let awaited = delivery.counted;
        self.uncount(ctx, &mut delivery);
        let kept = self.is_kept(delivery.slot, delivery.generation);
        if child.reply.is_ok() {
            if kept {
                let lag = ctx.now().since(self.messages[delivery.slot as usize].since);
                ctx.lag(lag);
                self.remove(ctx, delivery.slot);
            } else if self.spec.delivery == Delivery::ExactlyOnce {
                ctx.count(Signal::Coalesced, 1);
            } else if self.spec.delivery == Delivery::AtLeastOnce {
                ctx.count(Signal::Duplicate, 1);
            }
        } else if kept && awaited {
            self.again(ctx, delivery.slot);
        }
        self.dispatch(ctx);
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        if token & 0xF == VISIBLE {
            let (slot, generation) = ((token >> 4) as u32, (token >> 36) as u32);
            let message = &self.messages[slot as usize];
            if message.alive && message.generation & 0xFF_FFFF == generation && !message.visible {
                self.show(ctx, slot);
                self.dispatch(ctx);
            }
            return;
        }
        let tag = (token >> 4) as u32;
        let Some(mut delivery) = self.in_flight.get(&tag).copied() else { return };
        if delivery.counted && self.is_kept(delivery.slot, delivery.generation) {
            // The consumer may still be at work; its answer will find the message handled twice.
            self.uncount(ctx, &mut delivery);
            self.in_flight.insert(tag, delivery);
            self.again(ctx, delivery.slot);
            self.dispatch(ctx);
        }
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        // Only producers that wait for room are still here.
        ctx.reply(id, Reply::failed(Reason::Lost));
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Pause(paused) => self.paused = paused,
            Control::Fault(Fault::Kill, _) => {
                self.down = true;
                for id in ctx.served_here() {
                    ctx.reply(id, Reply::failed(Reason::Refused));
                }
                if !self.spec.durable {
                    self.lose_all(ctx);
                }
            }
            Control::Fault(Fault::Restart | Fault::Thaw, _) => self.down = false,
            Control::Fault(Fault::Freeze, _) => self.down = true,
            Control::Flush => self.lose_all(ctx),
            _ => {}
        }
        self.dispatch(ctx);
    }

    fn glance(&self) -> Vec<(&'static str, f64)> {
        vec![("messages", self.kept as f64)]
    }
}

impl Queue {
    /// Lose every message that waits; those with consumers are handled once more at most.
    fn lose_all(&mut self, ctx: &mut Ctx) {
        while let Some(slot) = self.next_visible(ctx) {
            ctx.count(Signal::LostWrite, 1);
            self.remove(ctx, slot);
        }
    }
}

const HELP: &str = "\
A producer's call is answered as soon as its message is kept; consumers (the nodes its links lead to) get messages as \
fast as they acknowledge them. That takes load off the producer's path and absorbs bursts; it does not add capacity.

`capacity` bounds the messages; `overflow` says what happens beyond. Each replica of a consumer may have `prefetch` \
messages unacknowledged. A message whose handling fails, or is not acknowledged within the `visibility_timeout`, is \
delivered again after the `redelivery_delay`, and given up (dead letters) after `max_deliveries`. `delivery` chooses at most \
once, at least once (duplicates are counted) or exactly once (the consumer recognises repetitions, which still cost it \
work). `order` is Fifo or Priority; `delay` keeps new messages back; `retention` throws old ones away. `durable` queues keep \
their messages when killed. The lag is the time from the producer's call to the acknowledgement.

Not modelled: the disk and network of the broker (give the links latency), transactions, partitions and their order.";
