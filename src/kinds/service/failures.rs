//! What goes wrong with a replica by itself or by hand: pauses, breakdowns, freezes and kills. They come and go alone, and one
//! does not end another.

use super::replicas::Replica;
use super::{BREAK, PAUSE, REPAIR, RESUME, Service, Spec, chain};
use crate::engine::{Ctx, Reason, Reply};
use crate::kinds::life::{BROKEN, LOST, PAUSED, Phase};

impl Service {
    /// Begin pauses and breakdowns where they are set and not under way; forget them where they are not set any more.
    pub(super) fn arm(&mut self, ctx: &mut Ctx, replica: u16) {
        let Spec { pauses, breakdowns, .. } = &self.spec;
        let every = pauses.as_ref().map(|pauses| pauses.every.sampler());
        let up = breakdowns.as_ref().map(|breakdowns| breakdowns.up.sampler());
        for (what, between, under_way) in [(PAUSE, every, PAUSED), (BREAK, up, BROKEN | LOST)] {
            let Replica { timers, life, .. } = &mut self.replicas[usize::from(replica)];
            match between {
                Some(between) if timers[chain(what)] == 0 => {
                    self.begin_timers(chain(what), replica);
                    let span = between.draw(&mut self.failures);
                    self.timer(ctx, span, what, replica);
                }
                // One that is under way comes to its end.
                None if !life.is_held(under_way) => timers[chain(what)] = 0,
                _ => {}
            }
        }
    }

    /// What is set anew is drawn anew, unless it is under way.
    pub(super) fn disarm(&mut self, replica: u16, [pauses, breakdowns]: [bool; 2]) {
        let Replica { timers, life, .. } = &mut self.replicas[usize::from(replica)];
        for (what, anew, under_way) in [(PAUSE, pauses, PAUSED), (BREAK, breakdowns, BROKEN | LOST)] {
            if anew && !life.is_held(under_way) {
                timers[chain(what)] = 0;
            }
        }
    }

    /// Hold a replica for a reason, or end that reason.
    pub(super) fn hold(&mut self, ctx: &mut Ctx, replica: u16, why: u8, on: bool) {
        self.replicas[usize::from(replica)].life.hold(why, on);
        if why & LOST != 0 {
            // Nobody has ordered a breakdown, so that nobody is told of it.
            if on { ctx.break_down(replica) } else { self.show_up(ctx, replica) }
        }
        if self.set_pace(ctx, replica) {
            for id in ctx.served_by(replica) {
                self.replicas[usize::from(replica)].station.hasten(ctx, id);
            }
        }
        self.go_on(ctx, replica);
    }

    /// Have a replica's clock go as its state demands. True if its calls must be hastened.
    pub(super) fn set_pace(&mut self, ctx: &mut Ctx, replica: u16) -> bool {
        let state = &mut self.replicas[usize::from(replica)];
        let frozen = state.life.is_frozen();
        let hastens = state.station.set_pace(ctx, ctx.slow(replica), frozen);
        ctx.set_frozen(replica, frozen);
        if state.life.phase == Phase::Starting {
            self.time_start(ctx, replica);
        }
        hastens
    }

    /// Its replicas have become slower or quicker: all, or one.
    pub(super) fn slow_down(&mut self, ctx: &mut Ctx, which: Option<u16>) {
        let mut hastens = false;
        for replica in (0..self.replicas.len() as u16).filter(|i| which.is_none_or(|which| which == *i)) {
            hastens |= self.set_pace(ctx, replica);
            Self::rearm(ctx, replica, &mut self.replicas[usize::from(replica)].station);
        }
        let calls = if hastens { ctx.served_here() } else { Vec::new() };
        for id in calls {
            let replica = ctx.call(id).replica;
            if which.is_none_or(|which| which == replica) {
                self.replicas[usize::from(replica)].station.hasten(ctx, id);
            }
        }
    }

    /// Unless it stands still: what has been answered meanwhile, and who waits.
    fn go_on(&mut self, ctx: &mut Ctx, replica: u16) {
        let state = &mut self.replicas[usize::from(replica)];
        if state.life.is_frozen() {
            return;
        }
        Self::rearm(ctx, replica, &mut state.station);
        for (id, reply) in std::mem::take(&mut state.unheard) {
            if ctx.is_served(id) {
                self.steps_ended(ctx, id, reply);
            }
        }
        // One that drains may be gone by now.
        if usize::from(replica) < self.replicas.len() {
            self.begin_waiting(ctx, replica);
        }
    }

    /// The process is gone, with a pause that it was in: everything that was with it fails.
    pub(super) fn kill(&mut self, ctx: &mut Ctx, replica: u16) {
        let state = &mut self.replicas[usize::from(replica)];
        state.station.clear(ctx);
        state.unheard.clear();
        for id in ctx.served_by(replica) {
            ctx.reply(id, Reply::failed(Reason::Refused));
        }
        self.hold(ctx, replica, PAUSED, false);
    }

    pub(super) fn on_failure_timer(&mut self, ctx: &mut Ctx, what: u64, replica: u16) {
        let (pauses, breakdowns) = (self.spec.pauses.clone(), self.spec.breakdowns.clone());
        // What comes next is asked for first: a replica that drains may be gone once it is not held any more.
        match (what, pauses, breakdowns) {
            (PAUSE, Some(pauses), _) => {
                let span = pauses.lasting.sampler().draw(&mut self.failures);
                self.timer(ctx, span, RESUME, replica);
                if !self.replicas[usize::from(replica)].life.is_dead() {
                    self.hold(ctx, replica, PAUSED, true);
                }
            }
            (RESUME, pauses, _) => {
                match pauses {
                    Some(pauses) => {
                        let span = pauses.every.sampler().draw(&mut self.failures);
                        self.timer(ctx, span, PAUSE, replica);
                    }
                    None => self.replicas[usize::from(replica)].timers[chain(what)] = 0,
                }
                self.hold(ctx, replica, PAUSED, false);
            }
            (BREAK, _, Some(breakdowns)) => {
                let span = breakdowns.down.sampler().draw(&mut self.failures);
                self.timer(ctx, span, REPAIR, replica);
                if breakdowns.lose {
                    self.hold(ctx, replica, LOST, true);
                    self.kill(ctx, replica);
                } else {
                    self.hold(ctx, replica, BROKEN, true);
                }
            }
            (REPAIR, _, breakdowns) => {
                match breakdowns {
                    Some(breakdowns) => {
                        let span = breakdowns.up.sampler().draw(&mut self.failures);
                        self.timer(ctx, span, BREAK, replica);
                    }
                    None => self.replicas[usize::from(replica)].timers[chain(what)] = 0,
                }
                self.hold(ctx, replica, BROKEN | LOST, false);
            }
            _ => {}
        }
    }
}
