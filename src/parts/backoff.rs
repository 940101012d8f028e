//! How long to wait before trying again, and how often one may.

use crate::base::{Ratio, Rng, Span, Time};
use serde::{Deserialize, Serialize};

/// How the waits grow from attempt to attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Growth {
    /// Always `base`.
    Fixed,
    /// `base`, then `factor` times as long each time, up to `cap`.
    #[default]
    Exponential,
}

/// How the waits are spread, so that clients which failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Jitter {
    None,
    /// Anywhere between nothing and the whole wait.
    #[default]
    Full,
    /// Half the wait, and anything up to the other half.
    Equal,
    /// Between `base` and three times the last wait.
    Decorrelated,
}

/// The wait before each retry ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    pub growth: Growth,
    pub base: Span,
    pub factor: f64,
    pub cap: Span,
    pub jitter: Jitter,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            growth: Growth::Exponential,
            base: Span::from_millis(50),
            factor: 2.0,
            cap: Span::from_secs(2),
            jitter: Jitter::Full,
        }
    }
}

impl Backoff {
    /// The wait after so many attempts have failed (1 or more); `last` is the wait before the last of them.
    pub fn delay(&self, failed: u16, last: Span, rng: &mut Rng) -> Span {
        let whole = match self.growth {
            Growth::Fixed => self.base,
            Growth::Exponential => {
                let mut span = self.base.0 as f64;
                for _ in 1..failed {
                    span = (span * self.factor).min(self.cap.0 as f64);
                }
                Span::from_nanos_f64(span).min(self.cap)
            }
        };
        match self.jitter {
            Jitter::None => whole,
            Jitter::Full => whole.scale(rng.uniform()),
            Jitter::Equal => Span(whole.0 / 2) + Span(whole.0 / 2).scale(rng.uniform()),
            Jitter::Decorrelated => {
                let upper = (last.max(self.base) * 3).max(self.base);
                (self.base + (upper - self.base).scale(rng.uniform())).min(self.cap)
            }
        }
    }

    /// What makes the parameters meaningless, if anything.
    pub fn problem(&self) -> Option<String> {
        if !(1.0..=100.0).contains(&self.factor) {
            return Some(format!("factor is {}: expected 1 to 100", self.factor));
        }
        let capped = self.growth != Growth::Fixed || self.jitter == Jitter::Decorrelated;
        (capped && self.cap < self.base).then(|| format!("cap {} is below base {}", self.cap, self.base))
    }
}

/// Retries are paid for by first attempts: each puts in `share` of a retry, up to `most` (gRPC's retry throttling and
/// Finagle's retry budget work so).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    pub share: Ratio,
    pub most: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { share: Ratio(0.1), most: 10.0 }
    }
}

/// What is left of a budget; it starts full.
#[derive(Clone, Debug)]
pub struct BudgetState {
    budget: Budget,
    left: f64,
}

impl BudgetState {
    pub fn new(budget: &Budget) -> Self {
        BudgetState { budget: *budget, left: budget.most }
    }

    /// A first attempt is made.
    pub fn deposit(&mut self, _now: Time) {
        self.left = (self.left + self.budget.share.0).min(self.budget.most);
    }

    /// Pay for a retry; false if there is not enough left.
    pub fn withdraw(&mut self, _now: Time) -> bool {
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_capped() {
        let backoff = Backoff { jitter: Jitter::None, cap: Span::from_millis(300), ..Backoff::default() };
        let waits: Vec<u64> = (1..6).map(|n| backoff.delay(n, Span::ZERO, &mut Rng::seeded(1)).0 / 1_000_000).collect();
        assert_eq!(waits, [50, 100, 200, 300, 300]);
        // What does not grow is not capped.
        let fixed = Backoff { growth: Growth::Fixed, base: Span::from_secs(5), ..Backoff::default() };
        assert_eq!((fixed.delay(3, Span::ZERO, &mut Rng::seeded(1)) <= fixed.base, fixed.problem()), (true, None));
        assert!(Backoff { growth: Growth::Exponential, ..fixed }.problem().is_some());
    }

    #[test]
    fn jitter_stays_in_its_range_with_the_right_mean() {
        for (jitter, low, high, mean) in [
            (Jitter::Full, 0.0, 100.0, 50.0),
            (Jitter::Equal, 50.0, 100.0, 75.0),
            (Jitter::Decorrelated, 50.0, 300.0, 175.0),
        ] {
            let backoff = Backoff { jitter, ..Backoff::default() };
            let mut rng = Rng::seeded(5);
            let waits: Vec<f64> =
                (0..100_000).map(|_| backoff.delay(2, Span::from_millis(100), &mut rng).0 as f64 / 1e6).collect();
            let average = waits.iter().sum::<f64>() / waits.len() as f64;
            assert!(waits.iter().all(|w| (low..=high).contains(w)), "{jitter:?}");
            assert!((average - mean).abs() < 0.5, "{jitter:?}: {average}");
        }
    }

    #[test]
    fn a_budget_pays_for_its_share_of_retries() {
        let mut budget = BudgetState::new(&Budget { share: Ratio(0.1), most: 5.0 });
        let retries = (0..10_000).filter(|_| {
            budget.deposit(Time::ZERO);
            budget.withdraw(Time::ZERO)
        });
        let retries = retries.count();
        assert!((1_000..=1_006).contains(&retries), "{retries}");
    }
}
