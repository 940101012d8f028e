//! A message queue: takes messages at once, and hands them to consumers that acknowledge.

mod params;

pub use params::{Delivery, Order, Overflow, Spec};

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::params::Visitor;
use crate::base::hash::IntMap;
use crate::base::{LinkId, Rng, Span, Time};
use crate::engine::{Again, Aim, CallId, Child, Control, Ctx, Fault, Meter, Reason, Reply, Request, Route, Signal};
use crate::parts::waiting::{Discipline, Ticket, Waiting};
use std::collections::VecDeque;

#[derive(Clone)]
struct Message {
    request: Request,
    /// When the producer called, for the lag, and when the message was kept, for its retention.
    sent: Time,
    since: Time,
    deliveries: u32,
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
    /// Whether the answer still matters to the message: no visibility timeout has passed. The prefetch window counts it
    /// until the consumer lets go of it.
    awaited: bool,
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
    /// Those that are not with consumers, the oldest first; others among them are passed over.
    by_age: VecDeque<(u32, u32)>,
    /// Whether the timer for the retention of the oldest runs.
    timed: bool,
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
const EXPIRE: u64 = 2;

impl Queue {
    /// Keep a producer's message.
    fn accept(&mut self, ctx: &mut Ctx, id: CallId) {
        let (request, sent, since) = (ctx.call(id).asks, ctx.call(id).sent, ctx.now());
        let message =
            Message { request, sent, since, deliveries: 0, place: Place::Resting, listed: false, generation: 0 };
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
        self.time_retention(ctx);
        ctx.reply(id, Reply::OK);
        if self.spec.delay.is_zero() {
            self.show(ctx, slot);
        } else {
            self.show_later(ctx, slot, self.spec.delay);
        }
    }

    /// Note a message among those by age: as the youngest, or, when it comes back, as the oldest.
    fn list(&mut self, slot: u32, back: bool) {
        let message = &mut self.messages[slot as usize];
        if std::mem::replace(&mut message.listed, true) {
            return;
        }
        let entry = (slot, message.generation);
        if back {
            self.by_age.push_front(entry);
        } else {
            self.by_age.push_back(entry);
        }
        // Those handled before their turn by age must not add up.
        if self.by_age.len() as u64 > 2 * self.kept + 64 {
            let messages = &self.messages;
            self.by_age.retain(|(slot, generation)| {
                let message = &messages[*slot as usize];
                message.place != Place::Gone && message.generation == *generation
            });
        }
    }

    /// The oldest message that is not with a consumer.
    fn oldest(&mut self) -> Option<u32> {
        while let Some(&(slot, generation)) = self.by_age.front() {
            let message = &mut self.messages[slot as usize];
            if message.generation == generation {
                match message.place {
                    Place::Resting | Place::Visible => return Some(slot),
                    Place::Delivered => message.listed = false,
                    Place::Gone => {}
                }
            }
            self.by_age.pop_front();
        }
        None
    }

    /// Throw away what is too old.
    fn expire(&mut self, ctx: &mut Ctx) {
        let Some(limit) = self.spec.retention else { return };
        while let Some(slot) = self.oldest()
            && ctx.now().since(self.messages[slot as usize].since) >= limit
        {
            ctx.count(Signal::Expired, 1);
            self.remove(ctx, slot);
        }
        self.time_retention(ctx);
    }

    fn time_retention(&mut self, ctx: &mut Ctx) {
        if let Some(limit) = self.spec.retention
            && !self.timed
            && let Some(slot) = self.oldest()
        {
            self.timed = true;
            let at = self.messages[slot as usize].since + limit;
            ctx.timer_at(at.max(ctx.now()), EXPIRE);
        }
    }

    /// Make a message visible to consumers.
    fn show(&mut self, ctx: &mut Ctx, slot: u32) {
        let message = &mut self.messages[slot as usize];
        message.place = Place::Visible;
        let ticket = Ticket {
            id: (slot, message.generation),
            since: message.since,
            priority: message.request.priority,
            deadline: Time::NEVER,
            flow: 0,
            cost: 0,
        };
        self.waiting.push(ticket);
        self.visible += 1;
        ctx.meter_add(Meter::Queue, 1);
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

    /// The next consumer, in turn, that is up, has room, and was not tried.
    fn other_consumer(&mut self, ctx: &Ctx, again: &Again) -> Option<usize> {
        let n = self.consumers.len();
        let other = (0..n).map(|i| (self.next_consumer + i) % n).find(|&i| {
            let consumer = &self.consumers[i];
            let node = ctx.target(consumer.link);
            consumer.unacknowledged < self.spec.prefetch
                && ctx.is_up(node, consumer.replica)
                && ctx.may_stand_in(again.first.link, consumer.link)
                && !ctx.was_tried(again, node, consumer.replica)
        })?;
        self.next_consumer = other + 1;
        Some(other)
    }

    /// A delivery leaves the windows of the consumers that have it.
    fn let_go(consumers: &mut [Consumer], delivery: &mut InFlight) {
        for held in delivery.copies.drain(..).chain([delivery.consumer]) {
            consumers[held].unacknowledged -= 1;
        }
    }

    /// Hand out what can be handed out, and let producers in where that makes room: nobody else does either, so that one
    /// thing leading to another is a loop.
    fn dispatch(&mut self, ctx: &mut Ctx) {
        loop {
            self.admit_blocked(ctx);
            if self.visible == 0 || self.paused || self.down {
                return;
            }
            // Who has no room will say so when there is some; who comes, or comes back, does not.
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
        if message.deliveries > 1 {
            ctx.count(Signal::Redelivered, 1);
        }
        let (link, replica) = (self.consumers[consumer].link, self.consumers[consumer].replica);
        let (request, generation, sent) = (message.request, message.generation, message.sent);
        let tag = self.next_delivery;
        self.next_delivery = self.next_delivery.wrapping_add(1);
        self.consumers[consumer].unacknowledged += 1;
        ctx.meter_add(Meter::Busy, 1);
        self.in_flight.insert(tag, InFlight { slot, generation, consumer, copies: Vec::new(), awaited: true });
        ctx.send_root(link, tag, Route { origin: 0, replica }, request);
        if self.spec.delivery == Delivery::AtMostOnce {
            ctx.lag(ctx.now().since(sent));
            self.remove(ctx, slot);
        } else if let Some(timeout) = self.spec.visibility_timeout {
            ctx.timer(timeout, TIMEOUT | u64::from(tag) << 4);
        }
    }

    /// Not handled: deliver it again, unless that was tried often enough.
    fn again(&mut self, ctx: &mut Ctx, slot: u32) {
        if self.messages[slot as usize].deliveries >= self.spec.max_deliveries {
            ctx.count(Signal::DeadLettered, 1);
            return self.remove(ctx, slot);
        }
        self.list(slot, true);
        if self.spec.redelivery_delay.is_zero() {
            self.show(ctx, slot);
        } else {
            self.show_later(ctx, slot, self.spec.redelivery_delay);
        }
        self.time_retention(ctx);
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
        summary: "Takes messages at once and hands them to consumers, again if they are not acknowledged.",
        help: HELP,
        accepts_calls: true,
        outs: Outs::Some,
        signals: &[
            Signal::Redelivered,
            Signal::DeadLettered,
            Signal::Duplicate,
            Signal::Coalesced,
            Signal::Expired,
            Signal::Evicted,
            Signal::LostWrite,
        ],
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
            by_age: VecDeque::new(),
            timed: false,
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
        self.expire(ctx);
        self.dispatch(ctx);
    }

    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        if self.kept >= self.spec.capacity.0 {
            match self.spec.overflow {
                Overflow::Reject => return ctx.reply(id, Reply::failed(Reason::QueueFull)),
                Overflow::Block => return self.blocked.push_back(id),
                Overflow::DropOldest => {
                    // If everything is with consumers, there is nothing to drop.
                    let Some(slot) = self.oldest() else { return ctx.reply(id, Reply::failed(Reason::QueueFull)) };
                    ctx.count(Signal::Evicted, 1);
                    self.remove(ctx, slot);
                }
            }
        }
        self.accept(ctx, id);
        self.dispatch(ctx);
    }

    #[inline(never)]
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        let Some(mut delivery) = self.in_flight.remove(&child.tag) else { return };
        Self::let_go(&mut self.consumers, &mut delivery);
        ctx.meter_add(Meter::Busy, -1);
        let kept = self.is_kept(delivery.slot, delivery.generation);
        if child.reply.is_ok() {
            if kept {
                let lag = ctx.now().since(self.messages[delivery.slot as usize].sent);
                ctx.lag(lag);
                self.remove(ctx, delivery.slot);
            } else if self.spec.delivery == Delivery::ExactlyOnce {
                ctx.count(Signal::Coalesced, 1);
            } else if self.spec.delivery == Delivery::AtLeastOnce {
                ctx.count(Signal::Duplicate, 1);
            }
        } else if kept && delivery.awaited {
            self.again(ctx, delivery.slot);
        }
        self.dispatch(ctx);
    }

    fn pick_again(&mut self, ctx: &mut Ctx, again: &Again) -> Aim {
        self.find_consumers(ctx);
        let tag = again.first.tag;
        let Some(delivery) = self.in_flight.get_mut(&tag) else { return again.first };
        if !again.copy {
            Self::let_go(&mut self.consumers, delivery);
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
                (false, _) => delivery.consumer = picked,
            }
        }
        let consumer = &mut self.consumers[picked];
        consumer.unacknowledged += u32::from(!again.copy || other.is_some());
        Aim { link: consumer.link, tag, route: Route { origin: 0, replica: consumer.replica } }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        match token & 0xF {
            VISIBLE => {
                let (slot, generation) = ((token >> 4) as u32, (token >> 36) as u32);
                let message = &self.messages[slot as usize];
                if message.place == Place::Resting && message.generation & 0xFF_FFFF == generation {
                    self.show(ctx, slot);
                }
            }
            EXPIRE => {
                self.timed = false;
                self.expire(ctx);
            }
            _ => {
                let tag = (token >> 4) as u32;
                let Some(delivery) = self.in_flight.get_mut(&tag) else { return };
                let (slot, generation) = (delivery.slot, delivery.generation);
                // The consumer may still be at work: it keeps its place in the window, and its answer, if another comes
                // before, will find the message handled twice.
                if std::mem::replace(&mut delivery.awaited, false) && self.is_kept(slot, generation) {
                    self.again(ctx, slot);
                }
            }
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
            Control::Fault(Fault::Kill, _) => {
                self.down = true;
                for id in ctx.served_here() {
                    ctx.reply(id, Reply::failed(Reason::Refused));
                }
                if !self.spec.durable {
                    // Those with consumers too: the answers will find nothing to acknowledge.
                    self.lose(ctx, |_| true);
                    self.in_flight.clear();
                    self.consumers.iter_mut().for_each(|consumer| consumer.unacknowledged = 0);
                    ctx.meter_set(Meter::Busy, 0);
                }
            }
            Control::Fault(Fault::Restart | Fault::Thaw, _) => self.down = false,
            Control::Fault(Fault::Freeze, _) => self.down = true,
            Control::Flush => self.lose(ctx, |place| place != Place::Delivered),
            _ => {}
        }
        self.dispatch(ctx);
    }

    fn glance(&self) -> Vec<(&'static str, f64)> {
        vec![("messages", self.kept as f64)]
    }
}

impl Queue {
    /// Lose every message in such a place.
    fn lose(&mut self, ctx: &mut Ctx, which: impl Fn(Place) -> bool) {
        for slot in 0..self.messages.len() {
            let place = self.messages[slot].place;
            if place != Place::Gone && which(place) {
                ctx.count(Signal::LostWrite, 1);
                self.remove(ctx, slot as u32);
            }
        }
    }
}

const HELP: &str = "\
A producer's call is answered as soon as its message is kept; consumers (the nodes its links lead to) get messages as \
fast as they acknowledge them. That takes load off the producer's path and absorbs bursts; it does not add capacity.

`capacity` bounds the messages; `overflow` says what happens beyond: Reject, DropOldest (of those not with a consumer, \
whatever the priority) or Block the producer. Each replica of a consumer may have `prefetch` messages unacknowledged. A \
message whose handling fails, or is not acknowledged within the `visibility_timeout`, goes to the back of the queue and is \
delivered again after the `redelivery_delay`, and given up (dead letters) after `max_deliveries`; a consumer that is late \
keeps its place in the prefetch window until it answers. A `retry` or `hedge` on a link to consumers goes to another consumer \
that has room, while there is one that was not tried. `delivery` chooses at most once, at least once (duplicates are \
counted) or exactly once (the consumer recognises repetitions, which still cost it work and are counted as coalesced). \
`order` is Fifo or Priority; `delay` keeps new messages back; `retention` throws old ones away that are not with a consumer. \
A flush throws away all that are not with a consumer; a kill loses all unless the queue is `durable`. The lag is the time from \
the producer's call to the acknowledgement.

Not modelled: the disk and network of the broker (give the links latency), transactions, partitions and their order.";
