//! How replicas come and go: ordered and let go, started, killed and restarted.

use super::failures::{BROKEN, FROZEN, LOST};
use super::{STARTED, Service, chain};
use crate::engine::{Ctx, Signal, Stage};
use crate::kinds::station::Station;

#[derive(Clone)]
pub(super) struct Replica {
    pub station: Station,
    pub state: Life,
    /// What keeps it from working, one bit each: `BY_HAND` and the like.
    pub held: u8,
    /// The generation that a timer must carry to be meant, by what it belongs to: the start, the pauses (which go on while
    /// it is down), the breakdowns. 0 where none runs.
    pub timers: [u32; 3],
    /// Whether those who wait are being served: calls that end at once then leave the next ones to that loop.
    pub serving: bool,
}

impl Replica {
    pub fn new(station: Station) -> Replica {
        Replica { station, state: Life::Gone, held: 0, timers: [0; 3], serving: false }
    }

    /// Whether it takes calls, for all that whoever has ordered it knows.
    pub fn is_meant(&self) -> bool {
        matches!(self.state, Life::Running | Life::Down)
    }

    /// Whether it takes calls.
    pub fn is_up(&self) -> bool {
        self.state == Life::Running && self.held & LOST == 0
    }

    pub fn stage(&self) -> Option<Stage> {
        Some(match self.state {
            Life::Gone => return None,
            Life::Down => Stage::Killed,
            _ if self.held & (BROKEN | LOST) != 0 => Stage::Broken,
            _ if self.held & FROZEN != 0 => Stage::Paused,
            Life::Starting => Stage::Starting,
            Life::Draining => Stage::Draining,
            Life::Running => Stage::Running,
        })
    }
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Starting,
    Running,
    /// Killed; comes back when it is restarted.
    Down,
    /// Takes no new calls, and goes when it is empty.
    Draining,
    Gone,
}

impl Service {
    /// Have as many replicas as wanted: start new ones, or let the last ones go.
    pub(super) fn scale(&mut self, ctx: &mut Ctx, wanted: u16) {
        self.wanted = wanted.max(1);
        let alive = |replica: &Replica| matches!(replica.state, Life::Starting | Life::Running | Life::Down);
        let mut count = self.replicas.iter().filter(|r| alive(r)).count();
        while count < usize::from(self.wanted) {
            count += 1;
            // A place that is free, or a new one at the end.
            let place = self.replicas.iter().position(|replica| replica.state == Life::Gone);
            let station = Station::new(&self.station);
            let i = place.unwrap_or_else(|| {
                self.replicas.push(Replica::new(station.clone()));
                ctx.set_replicas(self.replicas.len() as u16);
                self.replicas.len() - 1
            });
            self.replicas[i] = Replica::new(station);
            if self.spec.start_up.is_zero() || ctx.now().0 == 0 {
                self.started(ctx, i as u16);
            } else {
                self.starting(ctx, i as u16);
            }
        }
        for i in (0..self.replicas.len()).rev() {
            if count <= usize::from(self.wanted) {
                break;
            }
            if alive(&self.replicas[i]) {
                count -= 1;
                ctx.count(Signal::Stopped, 1);
                ctx.set_up(i as u16, false);
                let idle = self.replicas[i].station.is_idle();
                self.replicas[i].station.close(ctx);
                self.replicas[i].state = if idle { Life::Gone } else { Life::Draining };
            }
        }
        self.shed_gone(ctx);
    }

    pub(super) fn shed_gone(&mut self, ctx: &mut Ctx) {
        while self.replicas.last().is_some_and(|replica| replica.state == Life::Gone) && self.replicas.len() > 1 {
            self.replicas.pop();
            ctx.set_replicas(self.replicas.len() as u16);
        }
    }

    pub(super) fn starting(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].state = Life::Starting;
        self.show_up(ctx, replica);
        self.begin_timers(chain(STARTED), replica);
        self.timer(ctx, self.spec.start_up, STARTED, replica);
    }

    /// A killed replica comes back: at once, or after its start-up.
    pub(super) fn restart(&mut self, ctx: &mut Ctx, replica: u16) {
        match self.replicas[usize::from(replica)].state {
            Life::Down if self.spec.start_up.is_zero() => self.run(ctx, replica),
            Life::Down => self.starting(ctx, replica),
            // Nothing was killed, or it takes no calls yet, or none any more.
            Life::Running | Life::Starting | Life::Draining | Life::Gone => self.show_up(ctx, replica),
        }
    }

    pub(super) fn started(&mut self, ctx: &mut Ctx, replica: u16) {
        if ctx.now().0 > 0 {
            ctx.count(Signal::Started, 1);
        }
        self.run(ctx, replica);
    }

    pub(super) fn run(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].state = Life::Running;
        self.show_up(ctx, replica);
        self.replicas[usize::from(replica)].station.open(ctx);
        self.arm(ctx, replica);
    }

    /// Let callers know whether a replica takes calls.
    pub(super) fn show_up(&self, ctx: &mut Ctx, replica: u16) {
        let Some(state) = self.replicas.get(usize::from(replica)) else { return };
        ctx.set_up(replica, state.is_meant() && !self.closed);
        if !state.is_up() {
            ctx.set_crashed(replica);
        }
    }

    /// Have all replicas, and those to come, take no calls, or take them again. What they have begun they finish.
    pub fn close(&mut self, ctx: &mut Ctx, closed: bool) {
        self.closed = closed;
        for replica in 0..self.replicas.len() as u16 {
            self.show_up(ctx, replica);
        }
    }
}
