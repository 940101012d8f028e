//! When a balancer probes and looks at loads, and what it forgets when it dies.

use super::{Ejection, FIND, LOOK, LoadBalancer, PROBE, READMIT, Watch};
use crate::base::Span;
use crate::engine::{Ctx, Meter, Reason, Reply};
use crate::parts::picker::Picker;

impl Watch {
    /// How long it is ejected: longer with each time.
    pub(super) fn ejection_time(&self, ejection: Ejection) -> Span {
        ejection.lasting * u64::from(self.ejections.min(10))
    }
}

impl LoadBalancer {
    /// The ejection has changed, also for what is ejected: its time counts from when it was.
    #[cold]
    pub(super) fn eject_anew(&mut self, ctx: &mut Ctx) {
        for watch in self.watches.iter_mut().filter(|watch| watch.ejected_until.is_some()) {
            let until = self.spec.ejection.map(|ejection| watch.ejected_at + watch.ejection_time(ejection));
            watch.ejected_until = until;
            if let Some(until) = until {
                ctx.timer_at(until.max(ctx.now()), READMIT);
            }
        }
    }

    /// Probe or look again after the interval that is set, if one is; what has passed of it counts.
    pub(super) fn time(&mut self, ctx: &mut Ctx, what: u64) {
        let i = what as usize;
        self.epochs[i] += 1;
        let interval = [self.spec.health_check.map(|check| check.interval), self.spec.stale][i];
        if let Some(interval) = interval.filter(|_| !self.life.is_dead()) {
            ctx.timer_at((self.last[i] + interval).max(ctx.now()), what | self.epochs[i] << 4);
        }
    }

    /// It has just been done.
    pub(super) fn come_again(&mut self, ctx: &mut Ctx, what: u64) {
        self.last[what as usize] = ctx.now();
        self.time(ctx, what);
    }

    /// Find the targets, and probe and look for the first time where that is set. Not at once: the nodes it points to may not have started yet.
    pub(super) fn begin(&mut self, ctx: &mut Ctx) {
        ctx.timer(Span::ZERO, FIND);
        for (what, set) in [(PROBE, self.spec.health_check.is_some()), (LOOK, self.spec.stale.is_some())] {
            self.epochs[what as usize] += 1;
            if set {
                ctx.timer(Span::ZERO, what | self.epochs[what as usize] << 4);
            }
        }
    }

    /// The process is gone, with all that it knew of its targets.
    pub(super) fn kill(&mut self, ctx: &mut Ctx) {
        for id in ctx.served_here() {
            ctx.meter_add(Meter::Busy, -1);
            ctx.reply(id, Reply::failed(Reason::Refused));
        }
        for (watch, target) in self.watches.iter_mut().zip(&mut self.targets) {
            (watch.healthy, watch.against, watch.failures) = (true, 0, 0);
            (watch.ejected_until, watch.ejections, watch.since) = (None, 0, None);
            target.forget();
        }
        self.picker = Picker::new(self.spec.balance);
        self.refresh(ctx);
        self.watches.iter_mut().for_each(|watch| watch.since = None);
        self.epochs.iter_mut().for_each(|epoch| *epoch += 1);
    }
}
