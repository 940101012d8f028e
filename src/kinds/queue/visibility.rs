//! The visibility timeout: what is not acknowledged in time is delivered again.

use super::{InFlight, Queue, TIMEOUT};
use crate::base::Span;
use crate::engine::{Ctx, Meter};

impl Queue {
    /// A timer of a delivery has fired: by the timeout that is set now, it may be too early.
    pub(super) fn visibility_is_due(&mut self, ctx: &mut Ctx, tag: u32) {
        let Some(timeout) = self.spec.visibility_timeout else { return };
        let due = |delivery: &InFlight| delivery.awaited && ctx.now() >= delivery.since + timeout;
        if self.in_flight.get(&tag).is_some_and(due) {
            self.timed_out(ctx, tag);
        }
    }

    /// The timeout has changed, also for what is with consumers: it counts from when that was handed out.
    #[cold]
    pub(super) fn await_anew(&mut self, ctx: &mut Ctx) {
        let Some(timeout) = self.spec.visibility_timeout else { return };
        let messages = self.in_flight.iter().filter(|(_, d)| d.awaited && self.is_kept(d.slot, d.generation));
        let mut dues: Vec<_> = messages.map(|(&tag, delivery)| (delivery.since + timeout, tag)).collect();
        dues.sort_unstable();
        for (at, tag) in dues {
            ctx.timer_at(at.max(ctx.now()), TIMEOUT | u64::from(tag) << 4);
        }
    }

    /// A message was not acknowledged in time. The consumer may still be at work: it keeps its place in the window, and its
    /// answer, if another comes before, will find the message handled twice. Over a cut link no answer will come.
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
                self.again(ctx, slot, Span::ZERO);
            }
        }
    }
}
