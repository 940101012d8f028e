//! A circuit breaker as Resilience4j defines it: closed, open, half-open, over a sliding window of the last calls.

use crate::base::{Ratio, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// When to open, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerConfig {
    /// Share of failures from which it opens.
    pub failure_share: Ratio,
    /// A call that takes longer is slow.
    pub slow_after: Option<Span>,
    /// Share of slow calls from which it opens.
    pub slow_share: Ratio,
    /// Calls looked at.
    pub window: u32,
    /// Only calls that are not older than this count, if given.
    pub window_time: Option<Span>,
    /// Fewer calls than this say nothing.
    pub minimum_calls: u32,
    pub open_for: Span,
    /// Trial calls when half-open; if they go well it closes.
    pub trials: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        BreakerConfig {
            failure_share: Ratio(0.5),
            slow_after: None,
            slow_share: Ratio(1.0),
            window: 100,
            window_time: None,
            minimum_calls: 20,
            open_for: Span::from_secs(5),
            trials: 5,
        }
    }
}

impl BreakerConfig {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("failure_share", "Failure rate at which the breaker opens."),
        ("slow_after", "Latency above which a call counts as slow. None: no call does."),
        ("slow_share", "Share of slow calls at which the breaker opens."),
        ("window", "Sliding window: number of recent calls that count."),
        ("window_time", "Sliding window: only calls younger than this count."),
        ("minimum_calls", "Calls in the window before the breaker may open."),
        ("open_for", "Time in the open state before it becomes half-open."),
        ("trials", "Trial calls in the half-open state; it closes when they succeed."),
    ];
}

impl BreakerConfig {
    /// What makes the parameters meaningless, if anything.
    pub fn problem(&self) -> Option<String> {
        let counts = [("window", self.window), ("minimum_calls", self.minimum_calls), ("trials", self.trials)];
        if let Some((name, value)) = counts.into_iter().find(|(_, n)| !(1..=1_000_000).contains(n)) {
            return Some(format!("{name} is {value}: expected 1 to a million"));
        }
        (self.minimum_calls > self.window && self.window_time.is_none())
            .then(|| format!("minimum_calls {} is above window {}", self.minimum_calls, self.window))
    }
}

/// Whether a call may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    Granted,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Time,
    },
    /// Trials that may still begin, and results that have come since then.
    HalfOpen {
        to_begin: u32,
        ended: u32,
        since: Time,
        bad: u32,
        slow: u32,
    },
}

/// A breaker at work.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    /// The last calls: when, failed, slow.
    calls: VecDeque<(Time, bool, bool)>,
    failed: u32,
    slow: u32,
}

impl Breaker {
    pub fn new(config: &BreakerConfig) -> Self {
        Breaker { config: *config, state: State::Closed, calls: VecDeque::new(), failed: 0, slow: 0 }
    }

    /// A call asks to pass.
    pub fn permit(&mut self, now: Time) -> Permit {
        if let State::Open { until } = self.state
            && now >= until
        {
            self.state = State::HalfOpen { to_begin: self.config.trials, ended: 0, since: now, bad: 0, slow: 0 };
        }
        match &mut self.state {
            State::Closed => Permit::Granted,
            State::Open { .. } | State::HalfOpen { to_begin: 0, .. } => Permit::Refused,
            State::HalfOpen { to_begin, .. } => {
                *to_begin -= 1;
                Permit::Granted
            }
        }
    }

    /// A call that was let pass so long ago was stopped, or given up, by something that has nothing to do with the callee:
    /// if it was a trial, another may be made in its place.
    pub fn release(&mut self, now: Time, took: Span) {
        if let State::HalfOpen { to_begin, since, .. } = &mut self.state
            && *since + took <= now
        {
            *to_begin += 1;
        }
    }

    /// A call that was let pass has ended. One from before the breaker opened is no trial.
    pub fn record(&mut self, now: Time, ok: bool, took: Span) {
        let slow = self.config.slow_after.is_some_and(|limit| took > limit);
        match &mut self.state {
            State::Open { .. } => {}
            State::Closed => {
                self.calls.push_back((now, !ok, slow));
                self.failed += u32::from(!ok);
                self.slow += u32::from(slow);
                self.forget(now);
                if self.is_bad(self.calls.len() as u32, self.config.minimum_calls, self.failed, self.slow) {
                    self.open(now);
                }
            }
            State::HalfOpen { since, .. } if *since + took > now => {}
            State::HalfOpen { ended, bad, slow: slow_trials, .. } => {
                *ended += 1;
                *bad += u32::from(!ok);
                *slow_trials += u32::from(slow);
                if *ended >= self.config.trials {
                    let (n, bad, slow) = (*ended, *bad, *slow_trials);
                    if self.is_bad(n, 1, bad, slow) {
                        self.open(now);
                    } else {
                        self.state = State::Closed;
                    }
                }
            }
        }
    }

    fn is_bad(&self, n: u32, minimum: u32, failed: u32, slow: u32) -> bool {
        let share = |k: u32| f64::from(k) / f64::from(n.max(1));
        let too_slow = self.config.slow_after.is_some() && share(slow) >= self.config.slow_share.0;
        n >= minimum && (share(failed) >= self.config.failure_share.0 || too_slow)
    }

    fn open(&mut self, now: Time) {
        self.state = State::Open { until: now + self.config.open_for };
        self.calls.clear();
        (self.failed, self.slow) = (0, 0);
    }

    fn forget(&mut self, now: Time) {
        while let Some(&(at, failed, slow)) = self.calls.front() {
            let old = match self.config.window_time {
                Some(window) => now.since(at) > window,
                None => self.calls.len() > self.config.window as usize,
            };
            if !old {
                break;
            }
            self.calls.pop_front();
            self.failed -= u32::from(failed);
            self.slow -= u32::from(slow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_tries_and_closes() {
        let mut breaker = Breaker::new(&BreakerConfig { minimum_calls: 10, window: 10, ..BreakerConfig::default() });
        let at = |s: u64| Time(s * 1_000_000_000);
        for i in 0..10 {
            assert_eq!(breaker.permit(at(0)), Permit::Granted);
            breaker.record(at(0), i % 2 == 0, Span::ZERO);
        }
        assert_eq!(breaker.permit(at(1)), Permit::Refused);
        // Half-open after five seconds: five trials, no sixth.
        for _ in 0..5 {
            assert_eq!(breaker.permit(at(6)), Permit::Granted);
        }
        assert_eq!(breaker.permit(at(6)), Permit::Refused);
        for _ in 0..5 {
            breaker.record(at(7), true, Span::ZERO);
        }
        assert_eq!(breaker.permit(at(7)), Permit::Granted);
        assert_eq!(breaker.state, State::Closed);
    }

    #[test]
    fn only_trials_count_when_half_open() {
        let mut breaker = Breaker::new(&BreakerConfig { minimum_calls: 2, trials: 2, ..BreakerConfig::default() });
        let at = |s: u64| Time(s * 1_000_000_000);
        for _ in 0..2 {
            breaker.record(at(0), false, Span::ZERO);
        }
        for _ in 0..2 {
            assert_eq!(breaker.permit(at(5)), Permit::Granted);
        }
        // These began before it opened: neither their failure nor their end means anything.
        breaker.record(at(6), false, Span::from_secs(6));
        breaker.release(at(6), Span::from_secs(6));
        assert_eq!(breaker.permit(at(6)), Permit::Refused);
        // A trial that was not needed makes room for another.
        breaker.release(at(6), Span::from_secs(1));
        assert_eq!(breaker.permit(at(6)), Permit::Granted);
        for _ in 0..2 {
            breaker.record(at(7), true, Span::from_secs(1));
        }
        assert_eq!(breaker.state, State::Closed);
    }

    #[test]
    fn slow_calls_open_it_too() {
        let config = BreakerConfig {
            slow_after: Some(Span::from_millis(100)),
            slow_share: Ratio(0.8),
            minimum_calls: 5,
            ..BreakerConfig::default()
        };
        let mut breaker = Breaker::new(&config);
        for _ in 0..5 {
            breaker.record(Time(1), true, Span::from_millis(200));
        }
        assert_eq!(breaker.permit(Time(2)), Permit::Refused);
    }
}
