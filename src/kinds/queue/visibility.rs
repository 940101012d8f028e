//! The visibility timeout: what is not acknowledged in time is delivered again.

use super::{InFlight, Queue, TIMEOUT};
use crate::base::Span;
use crate::engine::{Ctx, Meter};

impl Queue {
    /// A timer of a delivery has fired: by the timeout that is set now, it may be too early.
    pub(super) fn visibility_is_due(&mut self, ctx: &mut Ctx, tag: u32) {
        let Some(timeout) = self.spec.visibility_timeout else { return };
        let Some(delivery) = self.in_flight.get(&tag) else { return };
        if !delivery.awaited {
            self.look_after(ctx, tag, timeout);
        } else if ctx.now() >= delivery.since + timeout {
            self.timed_out(ctx, tag);
            self.look_after(ctx, tag, timeout);
        }
    }

    /// A delivery that is late holds its place until it is answered; where it or its answer was lost, no answer will come. One
    /// that is tried anew may be lost anew.
    fn look_after(&mut self, ctx: &mut Ctx, tag: u32, timeout: Span) {
        if self.in_flight.contains_key(&tag) {
            ctx.give_up_lost(tag);
            ctx.timer(timeout, TIMEOUT | u64::from(tag) << 4);
        }
    }

    /// The timeout has changed, also for what is with consumers: it counts from when that was handed out.
    #[cold]
    pub(super) fn await_anew(&mut self, ctx: &mut Ctx) {
        let Some(timeout) = self.spec.visibility_timeout else { return };
        let messages = self.in_flight.iter().filter(|(_, delivery)| delivery.awaited);
        let mut dues: Vec<_> = messages.map(|(&tag, delivery)| (delivery.since + timeout, tag)).collect();
        dues.sort_unstable();
        for (at, tag) in dues {
            ctx.timer_at(at.max(ctx.now()), TIMEOUT | u64::from(tag) << 4);
        }
    }

    /// A message was not acknowledged in time. The consumer may still be at work: it keeps its place in the window, and its
    /// answer, if another comes before, will find the message handled twice.
    fn timed_out(&mut self, ctx: &mut Ctx, tag: u32) {
        let Some(delivery) = self.in_flight.get_mut(&tag) else { return };
        let InFlight { slot, generation, consumer, cut, .. } = *delivery;
        let awaited = std::mem::replace(&mut delivery.awaited, false);
        let lost = cut || ctx.is_cut(self.consumers[consumer].link);
        if lost && Self::let_go(&mut self.consumers, delivery) {
            ctx.meter_add(Meter::Busy, -1);
        }
        if cut {
            // Nothing of it is on its way.
            self.in_flight.remove(&tag);
        }
        if awaited && self.is_kept(slot, generation) {
            if cut {
                self.not_delivered(ctx, slot);
            } else {
                self.may_be_handled(slot, tag);
                self.again(ctx, slot, Span::ZERO);
            }
        }
    }
}
