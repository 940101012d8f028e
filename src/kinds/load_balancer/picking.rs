//! Which of its targets a balancer picks: for a call, and for a further attempt of it.

use super::{LoadBalancer, Watch};
use crate::base::{ClassId, LinkId, NodeId, Span, Time, hash};
use crate::engine::{Again, Aim, CallId, Child, Ctx, Reason, Request, Route};
use crate::parts::picker::Balance;

impl LoadBalancer {
    #[inline(always)]
    pub(super) fn pick(&mut self, ctx: &mut Ctx, id: CallId) -> Option<usize> {
        let now = ctx.now();
        let Request { key, tenant, class, .. } = ctx.call(id).asks;
        if !self.picky && self.spec.slow_start.is_none() {
            return self.picker.pick(&mut self.targets, now, key, tenant, &mut self.rng);
        }
        self.pick_carefully(ctx, class, key, tenant)
    }

    /// The same where links may not admit the class, or targets warm up.
    fn pick_carefully(&mut self, ctx: &mut Ctx, class: ClassId, key: u64, tenant: u32) -> Option<usize> {
        let now = ctx.now();
        // A few tries: links may not admit the class.
        for _ in 0..8 {
            let picked = self.picker.pick(&mut self.targets, now, key, tenant, &mut self.rng)?;
            let watch = &self.watches[picked];
            if self.picky && !ctx.admits(watch.link, class) {
                continue;
            }
            if self.spec.slow_start.is_some() && self.spec.balance != Balance::Weighted {
                let warmth = warmth(self.spec.slow_start, watch, now);
                if warmth < 1.0 && self.rng.uniform() > warmth {
                    let other = self.pick_warm(now, key, tenant);
                    return other.filter(|&i| !self.picky || ctx.admits(self.watches[i].link, class)).or(Some(picked));
                }
            }
            return Some(picked);
        }
        let (watches, targets) = (&self.watches, &self.targets);
        let mut usable = (0..watches.len()).filter(|&i| targets[i].usable && targets[i].weight > 0.0);
        usable.find(|&i| ctx.admits(watches[i].link, class))
    }

    /// Pick among those that are warm; none if all warm up.
    fn pick_warm(&mut self, now: Time, key: u64, tenant: u32) -> Option<usize> {
        let cold = |watch: &Watch| warmth(self.spec.slow_start, watch, now) < 1.0;
        let cold: Vec<usize> =
            (0..self.watches.len()).filter(|&i| self.targets[i].usable && cold(&self.watches[i])).collect();
        cold.iter().for_each(|&i| self.targets[i].usable = false);
        self.picker.refresh(&self.targets);
        let picked = self.picker.pick(&mut self.targets, now, key, tenant, &mut self.rng);
        cold.iter().for_each(|&i| self.targets[i].usable = true);
        self.picker.refresh(&self.targets);
        picked
    }

    /// Where a further attempt goes: anywhere it has not been, while such places are left.
    pub(super) fn pick_another(&mut self, ctx: &mut Ctx, again: &Again) -> Aim {
        if self.topology != ctx.topology() {
            self.find_targets(ctx);
        } else if self.warming {
            self.refresh(ctx);
        }
        self.find_others(ctx, again);
        if self.others.is_empty() {
            ctx.start_over(again);
            self.find_others(ctx, again);
        }
        let Request { key, tenant, .. } = again.request;
        let LoadBalancer { picker, others, targets, rng, .. } = self;
        let picked = picker.pick_some(others.iter().copied(), targets, ctx.now(), (key, tenant), rng);
        // There is no other.
        let picked = picked.unwrap_or(self.known[again.first.tag as usize].at as usize);
        let Some(watch) = self.watches.get(picked) else { return again.first };
        let (link, tag, replica) = (watch.link, watch.number, watch.replica);
        self.change_load(picked, 1);
        Aim { link, tag, route: Route { origin: 0, replica } }
    }

    /// The places that a further attempt may go to: fit, over links whose policies around the attempts are the same, and not
    /// tried before.
    fn find_others(&mut self, ctx: &Ctx, again: &Again) {
        self.others.clear();
        for (i, watch) in (0..).zip(&self.watches) {
            let target = &self.targets[i as usize];
            let fits = target.usable
                && target.weight > 0.0
                && ctx.is_for(watch.link, again.request.class)
                && ctx.may_stand_in(again.first.link, watch.link);
            if fits && !ctx.was_tried(again, ctx.target(watch.link), watch.replica) {
                self.others.push(i);
            }
        }
    }
}

/// What a target is, for hashing: its node's name and replica, and the seed. Not the balancer, so that those in front of the
/// same caches agree; a second link to the same node is told apart by its place among these.
pub(super) fn identity(ctx: &Ctx, link: LinkId, replica: u16) -> u64 {
    let node: NodeId = ctx.target(link);
    let earlier = ctx.outs().iter().take_while(|other| **other != link).filter(|other| ctx.target(**other) == node);
    let name = hash::mix2(ctx.salt("targets"), hash::name(ctx.name_of(node)));
    hash::mix2(name, u64::from(replica) | (earlier.count() as u64) << 16)
}

/// Whether an attempt never left for its target, or was not waited for: how it ended says nothing of the target.
pub(super) fn says_nothing(attempt: &Child) -> bool {
    !attempt.was_sent || attempt.reply.outcome == Err(Reason::Cancelled)
}

/// Slow start: the share of what it would be given that a new target gets, from a tenth up to all.
pub(super) fn warmth(slow_start: Option<Span>, watch: &Watch, now: Time) -> f64 {
    match (slow_start, watch.since) {
        (Some(span), Some(since)) if now.since(since) < span => (now.since(since).0 as f64 / span.0 as f64).max(0.1),
        _ => 1.0,
    }
}
