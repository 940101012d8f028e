//! What befalls a queue: it is killed and restarted, stands still and goes on.

use super::{Place, Queue};
use crate::engine::{CallId, Child, Ctx, Fault, Meter, Reason, Reply};
use crate::kinds::kind::Kind;

/// What reaches a queue that stands still, and is taken up in this order when it goes on.
#[derive(Clone, Default)]
pub(super) struct Unheard {
    pub calls: Vec<CallId>,
    pub replies: Vec<Child>,
    pub timers: Vec<u64>,
}

impl Queue {
    pub(super) fn strike(&mut self, ctx: &mut Ctx, fault: Fault) {
        self.life.strike(fault);
        match fault {
            Fault::Kill => {
                self.sever(ctx);
                // Its own times go on.
                self.unheard = Unheard { timers: std::mem::take(&mut self.unheard.timers), ..Unheard::default() };
                for id in ctx.served_here() {
                    ctx.reply(id, Reply::failed(Reason::Refused));
                }
                if self.spec.durable {
                    self.take_back(ctx);
                } else {
                    self.lose(ctx, |_| true);
                }
                self.consumers.iter_mut().for_each(|consumer| consumer.unacknowledged = 0);
                ctx.meter_set(Meter::Busy, 0);
            }
            Fault::Thaw => self.go_on(ctx),
            _ => {}
        }
    }

    /// What was with consumers is to be delivered again: whether it was handled can no longer be told.
    fn take_back(&mut self, ctx: &mut Ctx) {
        for slot in 0..self.messages.len() as u32 {
            if self.messages[slot as usize].place == Place::Delivered {
                self.list(slot, true);
                self.show(ctx, slot);
                self.time_retention(ctx, slot);
            }
        }
    }

    fn go_on(&mut self, ctx: &mut Ctx) {
        let Unheard { calls, replies, timers } = std::mem::take(&mut self.unheard);
        replies.iter().for_each(|reply| self.on_reply(ctx, reply));
        timers.into_iter().for_each(|token| self.on_timer(ctx, token));
        for id in calls {
            if ctx.is_served(id) {
                self.on_call(ctx, id);
            }
        }
    }
}
