//! The connection pool of a link: who gets a connection, and who waits for one.

use super::call::{AWAITED, CONNECTED, CONNECTING, CallId, IN_POOL_QUEUE};
use super::core::{Core, What};
use super::link::Pool;
use super::outcome::{Outcome, Reason};
use super::tally::Guarding;
use crate::base::{LinkId, Span};

/// A queue for connections that is shorter is not swept.
const FEW_WAITING: usize = 64;
/// One that is longer is not looked at call by call.
const MANY_WAITING: usize = 4_096;

impl Core {
    /// An attempt needs a connection: an idle one, a new one, or the next that comes back.
    pub(super) fn acquire(&mut self, id: CallId, link: LinkId, pool: Pool) {
        let origin = self.calls[id].origin;
        let guard = self.links[link.index()].guard(origin);
        if guard.idle > 0 {
            guard.idle -= 1;
            self.connect(id, link, Span::ZERO);
        } else if guard.connections < pool.size {
            guard.connections += 1;
            self.connect(id, link, pool.connect);
        } else {
            if guard.waiting.len() >= guard.sweep_at {
                // While no connection comes back, those who gave up would be kept.
                let waits = |id: &CallId| self.calls.get(*id).is_some_and(|call| call.flags & IN_POOL_QUEUE != 0);
                guard.waiting.retain(waits);
                guard.sweep_at = (2 * guard.waiting.len()).max(FEW_WAITING);
            }
            guard.waiting.push_back(id);
            self.calls[id].flags |= IN_POOL_QUEUE;
            if pool.acquire_timeout.is_some() {
                let lane = self.links[link.index()].lanes.pool_timeout;
                self.lane_push(lane, id);
            }
        }
    }

    /// An attempt has waited for a connection for as long as it may.
    #[cold]
    pub(super) fn pool_timed_out(&mut self, id: CallId) {
        let link = self.calls[id].link;
        self.links[link.index()].tally.counts.rejected[Guarding::Pool as usize] += 1;
        self.give_up(id, Reason::PoolExhausted);
    }

    fn connect(&mut self, id: CallId, link: LinkId, takes: Span) {
        self.calls[id].flags |= CONNECTED;
        if takes.is_zero() {
            self.transmit(id, link);
        } else {
            self.calls[id].flags |= CONNECTING;
            self.push_what(self.now + takes, link.0, What::Connected, id);
        }
    }

    /// A new connection stands. If the caller gave up meanwhile, it gave the connection back then.
    pub(crate) fn connected(&mut self, id: CallId) {
        let call = &mut self.calls[id];
        call.flags &= !CONNECTING;
        if call.flags & AWAITED != 0 {
            let link = call.link;
            self.transmit(id, link);
        } else {
            self.release(id);
        }
    }

    /// A connection is free again: for the next that waits, or idle. One whose call was abandoned is closed.
    pub(super) fn give_back(&mut self, link: LinkId, origin: u16, outcome: Outcome) {
        let state = &mut self.links[link.index()];
        let pool = state.config.pool;
        let guard = state.guard(origin);
        let Some(pool) = pool else {
            // The pool was taken away while the call was out.
            guard.connections -= 1;
            return;
        };
        let broken = matches!(
            outcome,
            Err(Reason::Timeout | Reason::Deadline | Reason::Refused | Reason::Lost | Reason::Cancelled)
        );
        let over = guard.connections > pool.size;
        if over {
            guard.connections -= 1;
            return;
        }
        while let Some(next) = guard.waiting.pop_front() {
            let Some(call) = self.calls.get_mut(next).filter(|call| call.flags & IN_POOL_QUEUE != 0) else { continue };
            call.flags &= !IN_POOL_QUEUE;
            self.connect(next, link, if broken { pool.connect } else { Span::ZERO });
            return;
        }
        if broken {
            guard.connections -= 1;
        } else {
            guard.idle += 1;
        }
    }

    /// After the settings of a pool changed: whoever waits and can be served now, is; idle connections that are too many
    /// are closed.
    pub(crate) fn refill_pools(&mut self, link: LinkId) {
        for origin in 0..self.links[link.index()].guards.len() {
            let Some(pool) = self.links[link.index()].config.pool else { continue };
            let guard = &mut self.links[link.index()].guards[origin];
            let too_many = guard.connections.saturating_sub(pool.size).min(guard.idle);
            guard.idle -= too_many;
            guard.connections -= too_many;
            loop {
                let guard = &mut self.links[link.index()].guards[origin];
                if guard.connections >= pool.size {
                    break;
                }
                let Some(next) = guard.waiting.pop_front() else { break };
                let Some(call) = self.calls.get_mut(next).filter(|call| call.flags & IN_POOL_QUEUE != 0) else {
                    continue;
                };
                call.flags &= !IN_POOL_QUEUE;
                guard.connections += 1;
                self.connect(next, link, pool.connect);
            }
        }
    }

    /// Attempts that wait for a connection of a link, connections in use, and connections that its pools may have.
    pub(crate) fn pool_levels(&self, link: LinkId) -> [u64; 3] {
        let link = &self.links[link.index()];
        let Some(pool) = link.config.pool else { return [0; 3] };
        let waits = |id: &&CallId| self.calls.get(**id).is_some_and(|call| call.flags & IN_POOL_QUEUE != 0);
        let mut levels = [0; 3];
        for guard in &link.guards {
            // Of a long queue few have given up: it is swept.
            let waiting = match guard.waiting.len() {
                long if long > MANY_WAITING => long,
                _ => guard.waiting.iter().filter(waits).count(),
            };
            levels[0] += waiting as u64;
            levels[1] += u64::from(guard.connections - guard.idle);
            levels[2] += u64::from(pool.size);
        }
        levels
    }

    /// A call no longer needs the connection that it waits for.
    fn leave_pool_queue(&mut self, id: CallId, link: LinkId) {
        if let Some(call) = self.calls.get_mut(id).filter(|call| call.flags & IN_POOL_QUEUE != 0) {
            call.flags &= !IN_POOL_QUEUE;
            self.transmit(id, link);
        }
    }

    /// The pool was taken away: whoever waits for a connection may go. Connections in use are counted until they end, for
    /// there may be a pool again by then.
    pub(super) fn dissolve_pools(&mut self, id: LinkId) {
        for origin in 0..self.links[id.index()].guards.len() {
            let guard = &mut self.links[id.index()].guards[origin];
            guard.connections -= std::mem::take(&mut guard.idle);
            let waiting: Vec<CallId> = guard.waiting.drain(..).collect();
            for call in waiting {
                self.leave_pool_queue(call, id);
            }
        }
    }
}
