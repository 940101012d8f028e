//! The journeys that are shown of a run: as many as can be followed by eye, however many requests there are.

use super::pace::wall;
use crate::engine::{Journey, next_every, previous_every};
use crate::run::Run;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Journeys begun per second of the wall clock: of more, fewer are sampled; of far fewer, more.
const MOST: f64 = 400.0;
const FEW: f64 = 80.0;
/// What that is measured over, and so how often it changes.
const MEASURED: Duration = Duration::from_millis(250);
/// How many that have ended are kept for whoever looks.
const KEPT: usize = 512;

pub struct Watch {
    /// One of so many requests.
    every: u64,
    since: Instant,
    begun: u64,
    kept: VecDeque<Arc<Journey>>,
    /// How many have ended.
    ended: u64,
}

impl Watch {
    pub fn new(run: &mut Run) -> Watch {
        let mut watch = Watch { every: 1, since: wall(), begun: 0, kept: VecDeque::new(), ended: 0 };
        watch.begin(run);
        watch
    }

    /// Watch another run, or go on with it after a rest.
    pub fn begin(&mut self, run: &mut Run) {
        run.trace(self.every);
        (self.since, self.begun) = (wall(), run.sim().journeys_begun());
    }

    /// Forget the journeys over links that may be others now.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// Take what has ended, and see to it that it is neither too much nor too little.
    pub fn look(&mut self, run: &mut Run) {
        for journey in run.take_journeys() {
            self.ended += 1;
            if self.kept.len() == KEPT {
                self.kept.pop_front();
            }
            self.kept.push_back(Arc::new(journey));
        }
        let elapsed = wall().duration_since(self.since);
        if elapsed < MEASURED {
            return;
        }
        let begun = run.sim().journeys_begun();
        let rate = (begun - self.begun) as f64 / elapsed.as_secs_f64();
        // It may have grown by itself.
        self.every = fitting(run.sim().traced_every(), rate);
        self.begin(run);
    }

    /// The latest that have ended, and how many have in all.
    pub fn journeys(&self) -> (Arc<[Arc<Journey>]>, u64) {
        (self.kept.iter().cloned().collect(), self.ended)
    }
}

/// One of how many is sampled, if one of `every` makes this rate.
fn fitting(every: u64, rate: f64) -> u64 {
    let mut fitting = every.max(1);
    while rate * every as f64 / fitting as f64 > MOST {
        fitting = next_every(fitting);
    }
    if rate < FEW { previous_every(fitting) } else { fitting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_fits_and_then_stays() {
        for requests in [10.0, 300.0, 5e3, 1e6, 3e8] {
            let (mut every, mut changes) = (1, 0);
            for _ in 0..40 {
                let next = fitting(every, requests / every as f64);
                changes += u32::from(next != every);
                every = next;
            }
            let rate = requests / every as f64;
            assert!(rate <= MOST && (rate >= FEW || every == 1), "{requests}: one of {every}");
            assert!(changes <= 1, "{requests}: it changed {changes} times");
        }
        // Much less again: step by step.
        assert_eq!(fitting(1_000, 3.0), 500);
    }
}
