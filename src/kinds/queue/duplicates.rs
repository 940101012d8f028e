//! Messages that are handled more than once, whether the queue learns of it or not: the simulation does.

use super::measures;
use super::{Delivery, Queue};
use crate::base::hash::IntMap;
use crate::engine::{Child, Ctx};

/// Deliveries whose connections broke when the queue was killed: the message of each and its generation, or nothing where the
/// message was lost with the queue.
pub(super) type Severed = IntMap<u32, Option<(u32, u32)>>;

impl Queue {
    /// A consumer has handled a message.
    pub(super) fn handled(&mut self, ctx: &mut Ctx, slot: u32, generation: u32) {
        let again =
            !self.is_kept(slot, generation) || std::mem::replace(&mut self.messages[slot as usize].handled, true);
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

    /// The same, and the acknowledgement of that delivery was lost, came too late, or found the queue restarted.
    #[cold]
    pub(super) fn handled_unheard(&mut self, ctx: &mut Ctx, tag: u32) {
        let there = self.in_flight.get(&tag).map(|delivery| Some((delivery.slot, delivery.generation)));
        match there.or_else(|| self.severed.get(&tag).copied()) {
            Some(Some((slot, generation))) => self.handled(ctx, slot, generation),
            Some(None) => {}
            // The delivery has ended: another attempt was handled, or is to come.
            None => self.repeated(ctx),
        }
    }

    /// An answer to a delivery that the queue does not know any more.
    #[cold]
    pub(super) fn too_late(&mut self, ctx: &mut Ctx, child: &Child) {
        if child.reply.is_ok() {
            self.handled_unheard(ctx, child.tag);
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
