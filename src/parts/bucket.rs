//! Rate limits: how many calls in a time. All in integers, so that nothing drifts over hours.

use crate::base::{Rate, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How a limit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Algorithm {
    /// Tokens flow in at the rate, up to the burst; a call takes one. Starts full.
    #[default]
    TokenBucket,
    /// Calls leave at the rate, evenly spaced, as many waiting as the burst allows: a queue that shapes.
    LeakyBucket,
    /// At most `rate * window` calls in each window of the clock: twice that may pass around a boundary.
    FixedWindow,
    /// At most `rate * window` calls in any window, by a log of the calls.
    SlidingWindow,
}

impl Algorithm {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("TokenBucket", "Token bucket: refilled at `rate` up to `burst`; a call takes a token or is rejected."),
        ("LeakyBucket", "Leaky bucket (traffic shaping): calls leave evenly spaced; up to `burst` wait."),
        (
            "FixedWindow",
            "Fixed-window counter: `rate` × `window` calls in each window; up to twice that around a boundary.",
        ),
        ("SlidingWindow", "Sliding-window log: at most `rate` × `window` calls in any window."),
    ];
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub algorithm: Algorithm,
    pub rate: Rate,
    /// Bucket size, in calls.
    pub burst: u32,
    /// For the windows.
    pub window: Span,
}

impl Limit {
    /// Nanoseconds that one call is worth.
    pub fn cost(&self) -> u64 {
        (1e9 / self.rate.0.max(1e-9)) as u64
    }

    /// Whole calls only, so that no window lets more than the rate pass.
    fn per_window(&self) -> u64 {
        // A product such as 100 times 0.29 may fall short of a whole number by the last bit.
        (self.calls_per_window() + 1e-9).floor() as u64
    }

    /// What the rate would make of a window.
    pub fn calls_per_window(&self) -> f64 {
        self.rate.0 * self.window.as_secs()
    }
}

/// What a call is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Pass,
    /// It may pass after this time.
    Wait(Span),
    Refuse,
}

/// The state of a limit, for one tenant or all.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// Token bucket: the time at which the bucket would have been empty (generic cell rate algorithm); leaky bucket:
    /// when the next call may leave.
    ahead: Time,
    /// Windows: the present one, and the calls in it.
    window: u64,
    count: u64,
    log: VecDeque<Time>,
}

impl Bucket {
    /// A call is now worth another time: what has been taken in advance is as many calls as before.
    pub fn rescale(&mut self, before: &Limit, after: &Limit, now: Time) {
        let ahead = self.ahead.since(now);
        if !ahead.is_zero() {
            self.ahead = now + ahead.scale(after.cost() as f64 / before.cost().max(1) as f64);
        }
    }

    /// May a call pass now?
    pub fn take(&mut self, limit: &Limit, now: Time) -> Decision {
        match limit.algorithm {
            Algorithm::TokenBucket => {
                // `ahead` is when the bucket will be full again; a full bucket holds `burst` calls' worth of time.
                let full_at = self.ahead.max(now);
                let missing = full_at.since(now).0;
                if missing + limit.cost() <= limit.cost().saturating_mul(u64::from(limit.burst)) {
                    self.ahead = full_at + Span(limit.cost());
                    Decision::Pass
                } else {
                    Decision::Refuse
                }
            }
            Algorithm::LeakyBucket => {
                let at = self.ahead.max(now);
                let wait = at.since(now);
                if wait.0 > limit.cost().saturating_mul(u64::from(limit.burst)) {
                    return Decision::Refuse;
                }
                self.ahead = at + Span(limit.cost());
                if wait.is_zero() { Decision::Pass } else { Decision::Wait(wait) }
            }
            Algorithm::FixedWindow => {
                let window = now.0 / limit.window.0.max(1);
                if window != self.window {
                    (self.window, self.count) = (window, 0);
                }
                if self.count >= limit.per_window() {
                    return Decision::Refuse;
                }
                self.count += 1;
                Decision::Pass
            }
            Algorithm::SlidingWindow => {
                while self.log.front().is_some_and(|&at| now.since(at) >= limit.window) {
                    self.log.pop_front();
                }
                // The log holds only calls that passed: at most one window's worth.
                if self.log.len() as u64 >= limit.per_window() {
                    return Decision::Refuse;
                }
                self.log.push_back(now);
                Decision::Pass
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    fn limit(algorithm: Algorithm) -> Limit {
        Limit { algorithm, rate: Rate(100.0), burst: 10, window: Span::from_secs(1) }
    }

    /// Poisson calls at the very rate, burst 10: 5.08 % are refused (M/D/1/B).
    #[test]
    fn a_token_bucket_refuses_as_theory_says() {
        let limit = limit(Algorithm::TokenBucket);
        let (mut bucket, mut rng, mut now) = (Bucket::default(), Rng::seeded(2), Time::ZERO);
        let n = 1_000_000;
        let mut refused = 0;
        for _ in 0..n {
            now = now + Span::from_nanos_f64(1e7 * rng.exp1());
            refused += u32::from(bucket.take(&limit, now) == Decision::Refuse);
        }
        let share = f64::from(refused) / f64::from(n);
        assert!((share - 0.0508).abs() < 0.001, "{share}");
    }

    #[test]
    fn no_algorithm_lets_more_than_its_rate_pass_for_long() {
        for algorithm in
            [Algorithm::TokenBucket, Algorithm::LeakyBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow]
        {
            let limit = limit(algorithm);
            let mut bucket = Bucket::default();
            // 1,000 calls a second for ten seconds.
            let passed =
                (0..10_000u64).filter(|i| bucket.take(&limit, Time(i * 1_000_000)) != Decision::Refuse).count();
            assert!((990..=1_011).contains(&passed), "{algorithm:?}: {passed}");
        }
    }

    #[test]
    fn twice_the_limit_passes_around_the_boundary_of_a_fixed_window_only() {
        let around = |algorithm| {
            let (limit, mut bucket) = (limit(algorithm), Bucket::default());
            let times = (0..200u64).map(|i| Time(900_000_000 + i * 1_000_000));
            times.filter(|&now| bucket.take(&limit, now) == Decision::Pass).count()
        };
        assert_eq!(around(Algorithm::FixedWindow), 200);
        assert_eq!(around(Algorithm::SlidingWindow), 100);
    }

    #[test]
    fn a_window_lets_no_more_than_the_rate_pass() {
        let passed = |algorithm, rate, window| {
            let limit = Limit { algorithm, rate: Rate(rate), burst: 1, window: Span::from_millis(window) };
            let mut bucket = Bucket::default();
            (0..10_000u64).filter(|i| bucket.take(&limit, Time(i * 1_000_000)) == Decision::Pass).count()
        };
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            assert_eq!(passed(algorithm, 0.5, 1_000), 0);
            assert_eq!(passed(algorithm, 29.0, 100), 200);
            assert_eq!(passed(algorithm, 100.0, 290), 29 * 35);
        }
    }

    /// An empty bucket of a slow rate, which is raised, is full again in the time of the new rate.
    #[test]
    fn a_raised_rate_lets_calls_pass_at_once() {
        for algorithm in [Algorithm::TokenBucket, Algorithm::LeakyBucket] {
            let slow = Limit { rate: Rate(10.0), burst: 300, ..limit(algorithm) };
            let fast = Limit { rate: Rate(1_000.0), ..slow };
            let (mut bucket, now) = (Bucket::default(), Time(1_000_000_000));
            while bucket.take(&slow, now) != Decision::Refuse {}
            bucket.rescale(&slow, &fast, now);
            let later = now + Span::from_secs(1);
            assert_eq!(bucket.take(&fast, later), Decision::Pass, "{algorithm:?}");
        }
    }
}
