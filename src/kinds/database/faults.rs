//! What befalls the replicas of a database: they are killed and restarted, stand still and go on, become slower.

use super::Database;
use crate::engine::{CallId, Ctx, Fault, Reason, Reply};

impl Database {
    /// Whether a replica stands still: it answers nobody, and takes up what reaches it when it goes on.
    pub(super) fn is_frozen(&self, replica: u16) -> bool {
        self.stations[usize::from(replica)].is_frozen()
    }

    /// Whether what one replica sends reaches another, which is up.
    pub(super) fn hears(&self, ctx: &Ctx, one: u16, other: u16) -> bool {
        self.is_up(ctx, other) && self.connected(one, other)
    }

    pub(super) fn strike(&mut self, ctx: &mut Ctx, fault: Fault, replica: u16) {
        let life = &mut self.lives[usize::from(replica)];
        let was_dead = life.is_dead();
        life.strike(fault);
        match fault {
            Fault::Kill => self.kill(ctx, replica),
            Fault::Restart if was_dead => {
                self.stations[usize::from(replica)].open(ctx);
                // The others get what a primary had not sent to them when it went.
                self.catch_up(ctx, (replica != self.primary).then_some(replica));
            }
            Fault::Freeze | Fault::Thaw | Fault::Slow(_) => self.set_pace(ctx, replica),
            _ => {}
        }
        if fault == Fault::Thaw {
            // What it missed, and what others missed of it.
            self.catch_up(ctx, None);
        }
        self.next(ctx, replica);
    }

    /// Have a replica's clock go as its state demands; what is on its way to be applied there goes by it.
    fn set_pace(&mut self, ctx: &mut Ctx, replica: u16) {
        let (now, slow) = (ctx.now(), ctx.slow(replica));
        let frozen = self.lives[usize::from(replica)].is_frozen();
        let station = &mut self.stations[usize::from(replica)];
        let (since, before) = self.paces[usize::from(replica)];
        let from = if station.is_frozen() { since } else { now };
        if !frozen {
            self.versions.delay(replica, from, now, slow / before);
        }
        if !frozen || !station.is_frozen() {
            self.paces[usize::from(replica)] = (now, if frozen { before } else { slow });
        }
        if station.set_pace(ctx, slow, frozen) {
            for id in ctx.served_by(replica) {
                self.stations[usize::from(replica)].hasten(ctx, id);
            }
        }
    }

    /// So many answers are missing: the operation waits for replicas that stand still, if they would do, or fails.
    pub(super) fn miss_quorum(&mut self, ctx: &mut Ctx, id: CallId, missing: usize) {
        let coordinator = ctx.call(id).replica;
        let asleep = (0..self.spec.replicas).filter(|other| *other != coordinator && self.is_frozen(*other));
        if asleep.filter(|other| self.hears(ctx, coordinator, *other)).count() >= missing {
            self.unanswered.push(id);
            self.stations[usize::from(coordinator)].show(ctx);
        } else {
            self.finish(ctx, id, Reply::failed(Reason::NoQuorum));
        }
    }

    /// Something has changed among the replicas: operations that had too few answers are tried anew.
    pub(super) fn ask_again(&mut self, ctx: &mut Ctx) {
        for id in std::mem::take(&mut self.unanswered) {
            if !ctx.is_served(id) {
                continue;
            }
            if self.is_frozen(ctx.call(id).replica) {
                self.unanswered.push(id);
            } else {
                self.worked(ctx, id);
            }
        }
        self.settle(ctx);
    }
}
