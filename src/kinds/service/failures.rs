//! What goes wrong with a replica by itself or by hand: pauses, breakdowns, freezes and kills. They come and go alone, and one
//! does not end another.

use super::replicas::{Life, Replica};
use super::{BREAK, PAUSE, REPAIR, RESUME, Service, Spec, chain};
use crate::engine::{Ctx, Reason, Reply};

/// What holds a replica. They come and go by themselves, and one must not end another.
pub const BY_HAND: u8 = 1;
const PAUSED: u8 = 2;
/// Broken down, keeping the calls, or losing them.
pub const BROKEN: u8 = 4;
pub const LOST: u8 = 8;
/// What stops the clock of work.
pub const FROZEN: u8 = BY_HAND | PAUSED | BROKEN;

impl Service {
    /// Begin pauses and breakdowns where they are set and not under way; forget them where they are not set any more.
    pub(super) fn arm(&mut self, ctx: &mut Ctx, replica: u16) {
        let Spec { pauses, breakdowns, .. } = &self.spec;
        let every = pauses.as_ref().map(|pauses| pauses.every.sampler());
        let up = breakdowns.as_ref().map(|breakdowns| breakdowns.up.sampler());
        for (what, between, under_way) in [(PAUSE, every, PAUSED), (BREAK, up, BROKEN | LOST)] {
            let Replica { timers, held, .. } = &mut self.replicas[usize::from(replica)];
            match between {
                Some(between) if timers[chain(what)] == 0 => {
                    self.begin_timers(chain(what), replica);
                    let span = between.draw(&mut self.failures);
                    self.timer(ctx, span, what, replica);
                }
                // One that is under way comes to its end.
                None if *held & under_way == 0 => timers[chain(what)] = 0,
                _ => {}
            }
        }
    }

    /// Hold a replica for a reason, or end that reason.
    pub(super) fn hold(&mut self, ctx: &mut Ctx, replica: u16, why: u8, on: bool) {
        let state = &mut self.replicas[usize::from(replica)];
        state.held = if on { state.held | why } else { state.held & !why };
        let frozen = state.held & FROZEN != 0;
        state.station.freeze(ctx, frozen);
        if why & LOST != 0 {
            // Nobody has ordered a breakdown, so that nobody is told of it.
            if on { ctx.break_down(replica) } else { self.show_up(ctx, replica) }
        }
        if !frozen {
            Self::rearm(ctx, replica, &mut self.replicas[usize::from(replica)].station);
            self.begin_waiting(ctx, replica);
        }
    }

    /// The process is gone, with a pause that it was in: everything that was with it fails.
    pub(super) fn kill(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].station.clear(ctx);
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
                if self.replicas[usize::from(replica)].state != Life::Down {
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
