//! Simulated time against the wall clock. Of what computes figures, this alone reads it.

use super::Speed;
use crate::base::{Span, Time};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What the speed that is reached is measured over.
const MEASURED: Duration = Duration::from_millis(500);
/// What is not made up for when the machine cannot keep up.
const DEBT: Duration = Duration::from_millis(50);

/// The wall clock. It decides when something is simulated and shown, never what.
#[expect(clippy::disallowed_methods, reason = "a run is played to people, who live by this clock")]
pub fn wall() -> Instant {
    Instant::now()
}

/// Which instant of the run is due at which instant of the wall clock.
pub struct Pace {
    speed: Speed,
    /// Two instants that belong together.
    since: (Instant, Time),
    /// Where the run was, for as long as speed is measured over.
    been: VecDeque<(Instant, Time)>,
}

impl Pace {
    pub fn new(speed: Speed, now: Time) -> Pace {
        Pace { speed, since: (wall(), now), been: VecDeque::new() }
    }

    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// The run goes on from here.
    pub fn restart(&mut self, now: Time) {
        self.since = (wall(), now);
        self.been.clear();
    }

    pub fn set_speed(&mut self, speed: Speed, now: Time) {
        self.speed = match speed {
            Speed::Times(times) => Speed::Times(times.max(Speed::SLOWEST)),
            Speed::Fastest => Speed::Fastest,
        };
        self.since = (wall(), now);
    }

    /// Up to where the run is to be simulated by now.
    pub fn due(&self) -> Time {
        match self.speed {
            Speed::Times(times) => {
                self.since.1 + Span::from_secs_f64(wall().duration_since(self.since.0).as_secs_f64() * times)
            }
            Speed::Fastest => Time::NEVER,
        }
    }

    /// How long it takes until that instant is due.
    pub fn until(&self, at: Time) -> Duration {
        match self.speed {
            Speed::Times(times) => {
                let after = Duration::try_from_secs_f64(at.since(self.since.1).as_secs() / times);
                let at = after.ok().and_then(|after| self.since.0.checked_add(after));
                at.map_or(Duration::MAX, |at| at.saturating_duration_since(wall()))
            }
            Speed::Fastest => Duration::ZERO,
        }
    }

    /// The run did not get to where it should be, but here: what is too much to make up for is let go.
    pub fn fell_behind(&mut self, now: Time) {
        if let Speed::Times(times) = self.speed
            && self.due().since(now).as_secs() > DEBT.as_secs_f64() * times
        {
            self.since = (wall(), now);
        }
    }

    /// Simulated seconds per second since half a second ago.
    pub fn reached(&mut self, now: Time) -> f64 {
        let wall = wall();
        self.been.push_back((wall, now));
        while self.been.get(1).is_some_and(|(at, _)| wall.duration_since(*at) >= MEASURED) {
            self.been.pop_front();
        }
        let (at, was) = self.been[0];
        let seconds = wall.duration_since(at).as_secs_f64();
        if seconds > 0.0 { now.since(was).as_secs() / seconds } else { 0.0 }
    }
}
