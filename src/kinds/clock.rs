//! The clock that a process works by. Whatever takes time at a process (work, waiting, look-ups) ends when its clock has gone
//! on by so much. The clock keeps step with the world while the process is well; it goes slower by the factor of a `Slow`, and
//! stands still while the process is frozen, paused or broken down. So a change of pace acts on what is in progress as on
//! what comes.

use crate::base::{Span, Time};
use crate::engine::{CallId, Ctx};

/// The token of the timer of what a call does by the clock.
pub const CLOCK_TIMER: u8 = 0;

/// While a call does something by the clock, the second word of its scratch says when that ends: below this, and not 0.
pub const BY_CLOCK: u64 = 1 << 62;

/// What that word is when it has ended, at the latest; also read as a signed number.
pub const OVER: u64 = i64::MAX as u64;

/// While the clock is out of step, nothing is due by a mere difference.
const OUT_OF_STEP: i64 = i64::MAX;

#[derive(Clone, Debug)]
pub struct Clock {
    /// In step: the world's time less the clock's.
    behind: i64,
    rare: Box<Rare>,
}

/// What is looked at only out of step.
#[derive(Clone, Debug)]
struct Rare {
    /// When the pace changed last, and what the clock read then.
    at: Time,
    read: u64,
    /// How many nanoseconds of the world one of the clock takes.
    slow: f64,
    stopped: bool,
    /// It has become quicker, so that timers may come too late.
    quicker: bool,
    /// Calls whose timers fired while it stood still.
    stalled: Vec<CallId>,
}

impl Clock {
    pub fn new() -> Clock {
        let rare = Rare { at: Time::ZERO, read: 0, slow: 1.0, stopped: false, quicker: false, stalled: Vec::new() };
        Clock { behind: 0, rare: Box::new(rare) }
    }

    /// Whether it stands still.
    #[inline(always)]
    pub fn is_stopped(&self) -> bool {
        self.behind == OUT_OF_STEP && self.rare.stopped
    }

    /// What it reads now.
    #[inline(always)]
    pub fn read(&self, now: Time) -> Time {
        if self.behind == OUT_OF_STEP { self.read_out_of_step(now) } else { Time((now.0 as i64 - self.behind) as u64) }
    }

    #[cold]
    #[inline(never)]
    fn read_out_of_step(&self, now: Time) -> Time {
        let Rare { at, read, slow, stopped, .. } = *self.rare;
        Time(read) + if stopped { Span::ZERO } else { now.since(at).scale(1.0 / slow) }
    }

    /// By how much it is behind the world, in nanoseconds.
    #[inline(always)]
    pub fn behind(&self, now: Time) -> i64 {
        if self.behind == OUT_OF_STEP { now.0 as i64 - self.read_out_of_step(now).0 as i64 } else { self.behind }
    }

    /// How long something takes at the present pace, as if it did not stand still.
    #[inline(always)]
    pub fn stretch(&self, span: Span) -> Span {
        if self.behind == OUT_OF_STEP { span.scale(self.rare.slow) } else { span }
    }

    /// When it will read `due`, at the present pace; never while it stands still.
    #[inline(always)]
    pub fn when(&self, due: Time) -> Time {
        if self.behind == OUT_OF_STEP {
            return self.when_out_of_step(due);
        }
        Time((due.0 as i64).saturating_add(self.behind).max(0) as u64)
    }

    #[cold]
    #[inline(never)]
    fn when_out_of_step(&self, due: Time) -> Time {
        let Rare { at, read, slow, stopped, .. } = *self.rare;
        if stopped {
            return Time::NEVER;
        }
        // Rounded up, so that it does read that by then.
        let takes = due.since(Time(read)).0 as f64 * slow;
        let whole = takes as u64;
        at + Span(whole.saturating_add(u64::from((whole as f64) < takes)))
    }

    /// A call does something that takes so long: a timer of [`CLOCK_TIMER`] comes, perhaps more than once; ask
    /// [`Clock::is_due`] then.
    #[inline(always)]
    pub fn begin(&mut self, ctx: &mut Ctx, id: CallId, span: Span) {
        let due = (self.read(ctx.now()) + span).0.min(BY_CLOCK - 1);
        ctx.call_mut(id).scratch[1] = due;
        if self.behind == OUT_OF_STEP {
            return self.wake(ctx, id, due);
        }
        ctx.call_timer(id, span, CLOCK_TIMER);
    }

    /// The same of what counts as being served: what the clock falls behind meanwhile counts too.
    #[inline(always)]
    pub fn serve(&mut self, ctx: &mut Ctx, id: CallId, span: Span) {
        let now = ctx.now();
        let in_step = self.behind != OUT_OF_STEP;
        let behind = if in_step { self.behind } else { self.behind(now) };
        let call = ctx.call_mut(id);
        call.service_ns = call.service_ns.wrapping_add(span.0).wrapping_sub(behind as u64);
        if !in_step {
            return self.begin(ctx, id, span);
        }
        call.scratch[1] = (Time((now.0 as i64 - behind) as u64) + span).0.min(BY_CLOCK - 1);
        ctx.call_timer(id, span, CLOCK_TIMER);
    }

    /// That is over, and `after` says what the call does now: [`OVER`], or something else that is not below [`BY_CLOCK`].
    #[inline(always)]
    pub fn served(&mut self, ctx: &mut Ctx, id: CallId, after: u64) {
        let behind = self.behind(ctx.now());
        let call = ctx.call_mut(id);
        call.service_ns = call.service_ns.wrapping_add(behind as u64);
        call.scratch[1] = after;
    }

    /// Have a timer come when a call's time is over, or once the clock goes on.
    #[cold]
    #[inline(never)]
    fn wake(&mut self, ctx: &mut Ctx, id: CallId, due: u64) {
        if self.rare.stopped {
            return self.rare.stalled.push(id);
        }
        let span = self.when(Time(due)).since(ctx.now()).max(Span(1));
        ctx.call_timer(id, span, CLOCK_TIMER);
    }

    /// A timer of a call has fired. False if what it does is not over yet (the timer comes again), or was over before.
    #[inline(always)]
    pub fn is_due(&mut self, ctx: &mut Ctx, id: CallId) -> bool {
        let now = ctx.now().0 as i64;
        now - self.behind >= ctx.call(id).scratch[1] as i64 || self.is_due_all_the_same(ctx, id)
    }

    #[cold]
    #[inline(never)]
    fn is_due_all_the_same(&mut self, ctx: &mut Ctx, id: CallId) -> bool {
        let due = ctx.call(id).scratch[1];
        if due == 0 || due >= BY_CLOCK {
            return false;
        }
        if !self.rare.stopped && self.read(ctx.now()).0 >= due {
            return true;
        }
        self.wake(ctx, id, due);
        false
    }

    /// Change the pace. True if all that calls do by the clock must be [hastened](Clock::hasten): it goes on more quickly than
    /// their timers expect.
    #[must_use]
    pub fn set(&mut self, ctx: &mut Ctx, slow: f64, stopped: bool) -> bool {
        if (slow, stopped) == (self.rare.slow, self.rare.stopped) {
            return false;
        }
        let now = ctx.now();
        let read = self.read(now);
        let rare = &mut *self.rare;
        rare.quicker |= slow < rare.slow;
        (rare.at, rare.read, rare.slow, rare.stopped) = (now, read.0, slow, stopped);
        let in_step = !stopped && slow == 1.0;
        self.behind = if in_step { now.0 as i64 - read.0 as i64 } else { OUT_OF_STEP };
        if stopped {
            return false;
        }
        let stalled = std::mem::take(&mut self.rare.stalled);
        if std::mem::take(&mut self.rare.quicker) {
            return true;
        }
        for id in stalled {
            self.hasten(ctx, id);
        }
        false
    }

    /// Set the timer of what a call does by the clock anew, if it does something.
    pub fn hasten(&mut self, ctx: &mut Ctx, id: CallId) {
        let Some(due) = ctx.served_mut(id).map(|call| call.scratch[1]) else { return };
        if due != 0 && due < BY_CLOCK {
            self.wake(ctx, id, due);
        }
    }

    /// The calls are gone.
    pub fn clear(&mut self) {
        self.rare.stalled.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that kept the world's time until `at`, and changes its pace then.
    fn clock(at: u64, slow: f64, stopped: bool) -> Clock {
        let mut clock = Clock::new();
        clock.behind = OUT_OF_STEP;
        (clock.rare.at, clock.rare.read, clock.rare.slow, clock.rare.stopped) = (Time(at), at, slow, stopped);
        clock
    }

    #[test]
    fn a_slow_clock_reads_less_and_says_when_it_will_read_more() {
        let slow = clock(1_000, 50.0, false);
        assert_eq!((slow.read(Time(1_500)), slow.behind(Time(1_500))), (Time(1_010), 490));
        assert_eq!(slow.when(Time(1_100)), Time(6_000));
        let stopped = clock(1_000, 1.0, true);
        assert_eq!((stopped.read(Time(5_000)), stopped.when(Time(1_001))), (Time(1_000), Time::NEVER));
    }

    /// Whatever the factor: when it is said to read something, it does.
    #[test]
    fn it_reads_what_is_due_when_it_is_due() {
        for slow in [0.001, 0.3, 1.0, 1.1, 3.0, 7.7, 50.0, 1e6] {
            let clock = clock(123_456_789, slow, false);
            for due in (1..2_000u64).map(|n| Time(123_456_789 + n * n * 7_919)) {
                assert!(clock.read(clock.when(due)) >= due, "{slow} {due:?}");
            }
        }
    }
}
