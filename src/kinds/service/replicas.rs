//! How replicas come and go: ordered and let go, started, killed and restarted.

use super::measures;
use super::{STARTED, Service, chain};
use crate::base::Time;
use crate::engine::{CallId, Ctx, Reply};
use crate::kinds::life::{Life, Phase};
use crate::kinds::station::Station;

#[derive(Clone)]
pub(super) struct Replica {
    pub station: Station,
    pub life: Life,
    /// The generation that a timer must carry to be meant, by what it belongs to: the start, the pauses (which go on while
    /// it is down), the breakdowns. 0 where none runs.
    pub timers: [u32; 3],
    /// When its clock began to start it.
    pub started: Time,
    /// Itineraries that have ended while it stood still.
    pub unheard: Vec<(CallId, Reply)>,
    /// Whether those who wait are being served: calls that end at once then leave the next ones to that loop.
    pub serving: bool,
}

impl Replica {
    pub fn new(station: Station) -> Replica {
        Replica {
            station,
            life: Life::new(Phase::Gone),
            timers: [0; 3],
            started: Time::ZERO,
            unheard: Vec::new(),
            serving: false,
        }
    }

    /// The itinerary of a call has ended, but the replica stands still.
    #[cold]
    #[inline(never)]
    pub fn hear_later(&mut self, id: CallId, reply: Reply) {
        self.unheard.push((id, reply));
    }
}

impl Service {
    /// Have as many replicas as wanted: start new ones, or let the last ones go.
    pub(super) fn scale(&mut self, ctx: &mut Ctx, wanted: u16) {
        self.wanted = wanted.max(1);
        let alive = |replica: &Replica| matches!(replica.life.phase, Phase::Starting | Phase::Running | Phase::Down);
        let mut count = self.replicas.iter().filter(|r| alive(r)).count();
        while count < usize::from(self.wanted) {
            count += 1;
            // A place that is free, or a new one at the end.
            let place = self.replicas.iter().position(|replica| replica.life.phase == Phase::Gone);
            let station = Station::new(&self.station);
            let i = place.unwrap_or_else(|| {
                self.replicas.push(Replica::new(station.clone()));
                ctx.set_replicas(self.replicas.len() as u16);
                self.replicas.len() - 1
            });
            self.replicas[i] = Replica::new(station);
            self.set_pace(ctx, i as u16);
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
                ctx.count(measures::STOPPED, 1);
                ctx.set_up(i as u16, false);
                let idle = self.replicas[i].station.is_idle();
                self.replicas[i].station.close(ctx);
                self.replicas[i].life.phase = if idle { Phase::Gone } else { Phase::Draining };
            }
        }
        self.shed_gone(ctx);
    }

    pub(super) fn shed_gone(&mut self, ctx: &mut Ctx) {
        while self.replicas.last().is_some_and(|replica| replica.life.phase == Phase::Gone) && self.replicas.len() > 1 {
            self.replicas.pop();
            ctx.set_replicas(self.replicas.len() as u16);
        }
    }

    pub(super) fn starting(&mut self, ctx: &mut Ctx, replica: u16) {
        let state = &mut self.replicas[usize::from(replica)];
        state.life.phase = Phase::Starting;
        state.started = state.station.read(ctx.now());
        self.show_up(ctx, replica);
        self.time_start(ctx, replica);
    }

    /// Come back when a replica has started, by its clock.
    pub(super) fn time_start(&mut self, ctx: &mut Ctx, replica: u16) {
        let Replica { station, started, .. } = &self.replicas[usize::from(replica)];
        let at = station.when(*started + self.spec.start_up);
        self.begin_timers(chain(STARTED), replica);
        // One that stands still is asked again when it goes on.
        if at != Time::NEVER {
            self.timer(ctx, at.since(ctx.now()), STARTED, replica);
        }
    }

    /// A killed replica comes back: at once, or after its start-up.
    pub(super) fn restart(&mut self, ctx: &mut Ctx, replica: u16) {
        match self.replicas[usize::from(replica)].life.phase {
            Phase::Down if self.spec.start_up.is_zero() => self.run(ctx, replica),
            Phase::Down => self.starting(ctx, replica),
            // Nothing was killed, or it takes no calls yet, or none any more.
            Phase::Running | Phase::Starting | Phase::Draining | Phase::Gone => self.show_up(ctx, replica),
        }
    }

    pub(super) fn started(&mut self, ctx: &mut Ctx, replica: u16) {
        if ctx.now().0 > 0 {
            ctx.count(measures::STARTED, 1);
        }
        self.run(ctx, replica);
    }

    pub(super) fn run(&mut self, ctx: &mut Ctx, replica: u16) {
        self.replicas[usize::from(replica)].life.phase = Phase::Running;
        self.show_up(ctx, replica);
        self.replicas[usize::from(replica)].station.open(ctx);
        self.arm(ctx, replica);
    }

    /// Let callers know whether a replica takes calls.
    pub(super) fn show_up(&self, ctx: &mut Ctx, replica: u16) {
        let Some(state) = self.replicas.get(usize::from(replica)) else { return };
        ctx.set_up(replica, state.life.is_meant() && !self.closed);
        if !state.life.is_up() {
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
