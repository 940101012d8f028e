//! Writes behind: what is in the cache and not yet in the store.

use super::{Cache, WRITE_BEHIND};
use crate::base::Time;
use crate::engine::{Ctx, Meter, Operation, Request, Route};

impl Cache {
    /// A key that is here is to be written behind, if it is not already.
    pub(super) fn mark(&mut self, ctx: &mut Ctx, key: u64) {
        let at = ctx.now() + self.spec.write_delay;
        let Some(entry) = self.store.peek_mut(key) else {
            // Too large to be kept: straight to the store.
            return self.write_behind(ctx, key);
        };
        if entry.is_dirty() {
            return;
        }
        entry.write_at = at;
        self.dirty += 1;
        self.unwritten.push_back((at, key));
        // Those evicted meanwhile must not add up.
        if self.unwritten.len() > 2 * self.dirty as usize + 64 {
            let store = &self.store;
            self.unwritten.retain(|(at, key)| store.peek(*key).is_some_and(|entry| entry.write_at == *at));
        }
        self.time_writes(ctx);
        ctx.meter_set(Meter::Queue, self.dirty);
    }

    pub(super) fn time_writes(&mut self, ctx: &mut Ctx) {
        if let Some(&(at, _)) = self.unwritten.front().filter(|_| !self.timed) {
            self.timed = true;
            ctx.timer_at(at, 0);
        }
    }

    pub(super) fn write_behind(&mut self, ctx: &mut Ctx, key: u64) {
        let Some(link) = self.behind else { return };
        let request = Request {
            class: self.class,
            priority: 0,
            operation: Operation::Write,
            tenant: 0,
            key,
            request: 0,
            response: 0,
            intended: ctx.now(),
            deadline: Time::NEVER,
        };
        ctx.send_root(link, WRITE_BEHIND, Route::ANY, request);
    }
}
