//! What befalls a cache: it is killed and restarted, stands still and goes on, becomes slower, loses what it keeps.

use super::Cache;
use super::measures;
use crate::engine::{Ctx, Fault, Meter, Reason, Reply};
use crate::kinds::kind::Kind;

impl Cache {
    pub(super) fn strike(&mut self, ctx: &mut Ctx, fault: Fault) {
        self.life.strike(fault);
        match fault {
            Fault::Kill => {
                self.lose_everything(ctx);
                self.fetching.clear();
                self.unheard.clear();
                self.clock.clear();
                self.lives += 1;
                for id in ctx.served_here() {
                    ctx.reply(id, Reply::failed(Reason::Refused));
                }
                ctx.meter_set(Meter::Busy, 0);
            }
            Fault::Freeze | Fault::Thaw | Fault::Slow(_) => {
                let was_stopped = self.clock.is_stopped();
                if self.clock.set(ctx, ctx.slow(0), self.life.is_frozen()) {
                    for id in ctx.served_here() {
                        self.clock.hasten(ctx, id);
                    }
                }
                if was_stopped && !self.clock.is_stopped() {
                    self.go_on(ctx);
                }
            }
            _ => {}
        }
    }

    /// What happened while it stood still is taken up.
    fn go_on(&mut self, ctx: &mut Ctx) {
        for child in std::mem::take(&mut self.unheard) {
            if child.parent.is_none() || ctx.is_served(child.parent) {
                self.on_reply(ctx, &child);
            }
        }
        if !self.timed {
            self.on_timer(ctx, 0);
        }
    }

    pub(super) fn lose_everything(&mut self, ctx: &mut Ctx) {
        self.store.clear();
        ctx.count(measures::LOST_WRITES, u64::from(self.dirty));
        self.unwritten.clear();
        self.dirty = 0;
        ctx.meter_set(Meter::Queue, 0);
    }
}
