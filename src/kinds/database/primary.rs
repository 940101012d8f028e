//! Who of a database's replicas is the primary, who reaches whom, and what the others get of it.

use super::measures;
use super::{Database, OnPartition, Replication};
use crate::engine::Ctx;

impl Database {
    /// Whether two replicas can talk to each other.
    pub(super) fn connected(&self, a: u16, b: u16) -> bool {
        let (a, b) = (1u64 << a, 1u64 << b);
        !self.partitions.iter().any(|(one, other)| a & one != 0 && b & other != 0 || a & other != 0 && b & one != 0)
    }

    /// How many replicas that are up a replica can talk to, itself included.
    fn reach(&self, ctx: &Ctx, replica: u16) -> usize {
        (0..self.spec.replicas).filter(|other| self.is_up(ctx, *other) && self.connected(replica, *other)).count()
    }

    /// Who ought to be the primary: it remains who it is while no replica reaches more of those that are up.
    fn rightful_primary(&self, ctx: &Ctx) -> u16 {
        let mut best = self.primary;
        let mut most = if self.is_up(ctx, best) { self.reach(ctx, best) } else { 0 };
        for replica in (0..self.spec.replicas).filter(|replica| self.is_up(ctx, *replica)) {
            let reach = self.reach(ctx, replica);
            if reach > most {
                (best, most) = (replica, reach);
            }
        }
        best
    }

    /// Whether a replica must not go on because it cannot reach a majority, itself included, through a partition: fencing.
    /// Those that are dead do not fence it by themselves, for none of them can take over.
    pub(super) fn is_fenced(&self, ctx: &Ctx, replica: u16) -> bool {
        self.spec.on_partition == OnPartition::Refuse
            && (0..self.spec.replicas).any(|other| !self.connected(replica, other))
            && 2 * self.reach(ctx, replica) <= usize::from(self.spec.replicas)
    }

    /// What an asynchronous primary has not replicated yet does not leave it any more where it is dead or cut off.
    pub(super) fn stop_replication(&mut self, ctx: &Ctx) {
        if self.spec.replication != Replication::Async {
            return;
        }
        let primary = self.primary;
        let others = (0..self.spec.replicas).filter(|other| *other != primary);
        let cut = others.filter(|other| !self.is_up(ctx, primary) || !self.connected(primary, *other));
        let replicas = cut.fold(0, |bits, other| bits | 1 << other);
        if replicas != 0 {
            self.versions.cut_off(replicas, ctx.now());
        }
    }

    /// If another replica ought to be the primary, it will be once `failover` has passed.
    pub(super) fn call_election(&mut self, ctx: &mut Ctx) {
        if self.is_quorum() {
            return;
        }
        let due = self.rightful_primary(ctx) != self.primary;
        if due != self.electing.is_some() {
            // One that is called already is not put off; one that is no longer due is called off.
            self.electing = due.then(|| ctx.now());
            self.time_election(ctx);
        }
    }

    /// Hold the election that is called once `failover` has passed since, if it is set; no other.
    pub(super) fn time_election(&mut self, ctx: &mut Ctx) {
        self.elections += 1;
        if let (Some(since), Some(after)) = (self.electing, self.spec.failover) {
            ctx.timer_at((since + after).max(ctx.now()), self.elections);
        }
    }

    /// The replica that reaches the most becomes the primary; what it does not have is lost.
    pub(super) fn elect(&mut self, ctx: &mut Ctx) {
        self.electing = None;
        let next = self.rightful_primary(ctx);
        if next != self.primary {
            self.primary = next;
            let lost = self.versions.roll_back_to(next, ctx.now());
            ctx.count(measures::LOST_WRITES, lost);
            if self.spec.replication == Replication::Async {
                // From the new primary, what the old one had not sent to all.
                self.catch_up(ctx, None);
            }
        }
    }

    /// Replicas that could not hear the others get what they have missed, each after its delay.
    pub(super) fn catch_up(&mut self, ctx: &mut Ctx, only: Option<u16>) {
        let now = ctx.now();
        for replica in (0..self.spec.replicas).filter(|replica| only.is_none_or(|only| only == *replica)) {
            if self.is_frozen(replica) {
                // It will, when it goes on.
                continue;
            }
            let delay = if self.is_quorum() { &self.delays.w } else { &self.delays.lag };
            let at = now + delay.draw(&mut self.rng).scale(ctx.slow(replica));
            let mut sources: Vec<u16> = (0..self.spec.replicas).filter(|other| *other != replica).collect();
            if !self.is_quorum() {
                sources.retain(|source| *source == self.primary);
            }
            sources.retain(|source| self.hears(ctx, replica, *source) && !self.is_frozen(*source));
            self.versions.catch_up(replica, &sources, now, at);
        }
    }
}
