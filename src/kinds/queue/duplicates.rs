//! Messages that are handled more than once, or never, whether the queue learns of it or not: the simulation does.

use super::measures;
use super::{Delivery, Queue};
use crate::base::hash::IntMap;
use crate::engine::{Child, Ctx};
use std::collections::VecDeque;

/// Deliveries whose connections broke when the queue was killed: the message of each and its generation, or nothing where the
/// message was lost with the queue.
pub(super) type Severed = IntMap<u32, Option<(u32, u32)>>;

/// Deliveries of messages that are gone and that nobody is known to have handled, though somebody may yet: each with the first
/// delivery of its message.
#[derive(Clone, Default)]
pub(super) struct Unsettled {
    of: IntMap<u32, u32>,
    order: VecDeque<u32>,
}

/// So many are remembered: a late answer comes soon, or never.
const MOST_UNSETTLED: usize = 100_000;

impl Unsettled {
    fn note(&mut self, deliveries: &[u32]) {
        for delivery in deliveries {
            self.of.insert(*delivery, deliveries[0]);
            self.order.push_back(*delivery);
        }
        while self.order.len() > MOST_UNSETTLED {
            if let Some(oldest) = self.order.pop_front() {
                self.of.remove(&oldest);
            }
        }
    }

    /// Whether this is the first time that anybody has handled its message; further times are not.
    fn is_first(&mut self, delivery: u32) -> bool {
        let Some(first) = self.of.remove(&delivery) else { return false };
        self.of.retain(|_, other| *other != first);
        true
    }
}

impl Queue {
    /// A consumer has handled a message.
    pub(super) fn handled(&mut self, ctx: &mut Ctx, slot: u32, generation: u32, delivery: u32) {
        let again = match self.is_kept(slot, generation) {
            true => std::mem::replace(&mut self.messages[slot as usize].handled, true),
            false => !self.unsettled.is_first(delivery),
        };
        if again {
            self.repeated(ctx);
        }
    }

    fn repeated(&self, ctx: &mut Ctx) {
        match self.spec.delivery {
            Delivery::AtMostOnce => {}
            Delivery::AtLeastOnce => ctx.count(measures::DUPLICATES, 1),
            Delivery::ExactlyOnce => ctx.count(measures::COALESCED, 1),
        }
    }

    /// A delivery was given up, and its consumer may handle the message all the same.
    pub(super) fn may_be_handled(&mut self, slot: u32, delivery: u32) {
        let message = &mut self.messages[slot as usize];
        if !message.handled {
            message.unsettled.push(delivery);
        }
    }

    /// A message goes without an acknowledgement.
    pub(super) fn settle(&mut self, slot: u32) {
        let message = &mut self.messages[slot as usize];
        let unsettled = std::mem::take(&mut message.unsettled);
        if !message.handled && !unsettled.is_empty() {
            self.unsettled.note(&unsettled);
        }
    }

    /// What became of a delivery of which no acknowledgement comes: it was lost, came too late, or found the queue restarted.
    #[cold]
    pub(super) fn ended_unheard(&mut self, ctx: &mut Ctx, done: &Child) {
        if !done.reply.is_ok() {
            return self.lost_at_once(ctx);
        }
        let tag = done.tag;
        let there = self.in_flight.get(&tag).map(|delivery| Some((delivery.slot, delivery.generation)));
        match there.or_else(|| self.severed.get(&tag).copied()) {
            Some(Some((slot, generation))) => self.handled(ctx, slot, generation, tag),
            Some(None) => {}
            // The delivery has ended: another attempt was handled, or is to come.
            None if self.unsettled.is_first(tag) => {}
            None => self.repeated(ctx),
        }
    }

    /// A message that was to be delivered once at most was not handled.
    pub(super) fn lost_at_once(&self, ctx: &mut Ctx) {
        if self.spec.delivery == Delivery::AtMostOnce {
            ctx.count(measures::LOST_WRITES, 1);
        }
    }

    /// An answer to a delivery that the queue does not know any more.
    #[cold]
    pub(super) fn too_late(&mut self, ctx: &mut Ctx, child: &Child) {
        if child.reply.is_ok() {
            self.ended_unheard(ctx, child);
        }
        self.severed.remove(&child.tag);
    }

    /// The connections are gone: answers will find nothing to acknowledge, also those that a queue that stood still has not
    /// heard yet.
    pub(super) fn sever(&mut self, ctx: &mut Ctx) {
        let durable = self.spec.durable;
        let message = |slot, generation| durable.then_some((slot, generation));
        let broken = self.in_flight.drain().map(|(tag, delivery)| (tag, message(delivery.slot, delivery.generation)));
        self.severed.extend(broken);
        for reply in std::mem::take(&mut self.unheard.replies) {
            self.too_late(ctx, &reply);
        }
    }
}
