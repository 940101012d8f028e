//! Random streams: one per (seed, name, purpose), so that an added node does not disturb what others draw and two
//! variants of a design can be compared with common random numbers.

use super::hash;
use rand::{Rng as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp1, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The source of all streams of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    pub fn new(seed: u64) -> Self {
        Streams { seed }
    }

    /// The stream that belongs to `name` (a node or link of the design) and `purpose` (what it draws there).
    pub fn stream(&self, name: &str, purpose: &str) -> Rng {
        let mixed = hash::mix2(hash::mix2(self.seed, hash::name(name)), hash::name(purpose));
        Rng(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }
}

/// A stream of random numbers: xoshiro256++ (Blackman and Vigna, 2019), named and portable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// A stream for a test or a tool; simulations take theirs from [`Streams`].
    pub fn seeded(seed: u64) -> Self {
        Streams::new(seed).stream("", "")
    }

    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), 53 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in (0, 1]: safe to take a logarithm of, or to divide by.
    #[inline]
    pub fn uniform_open(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in 0..n by multiplication (Lemire 2019 without the rejection step: the bias is below n/2^64).
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u32
    }

    /// True with probability `p`; no draw is made when the answer is certain.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && (p >= 1.0 || self.uniform() < p)
    }

    /// Exponential with mean 1 (ziggurat).
    #[inline]
    pub fn exp1(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    /// Standard normal (ziggurat).
    #[inline]
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_independent_of_each_other_and_repeatable() {
        let streams = Streams::new(1);
        assert_eq!(streams.stream("db", "service"), streams.stream("db", "service"));
        assert_ne!(streams.stream("db", "service"), streams.stream("db", "routing"));
        assert_ne!(streams.stream("db", "service"), streams.stream("cache", "service"));
        assert_ne!(streams.stream("db", "service"), Streams::new(2).stream("db", "service"));
    }

    /// Pinned: a change of generator or of seeding would change every published result.
    #[test]
    fn the_first_draws_are_pinned() {
        let mut rng = Streams::new(42).stream("service", "work");
        let first = [rng.next_u64(), rng.next_u64()];
        let exp = rng.exp1();
        assert_eq!(format!("{first:?} {exp:?}"), PINNED);
    }
    const PINNED: &str = "[18388599621982961686, 6647223438995155887] 0.7238202546887758";

    #[test]
    fn below_covers_its_range_evenly() {
        let mut rng = Rng::seeded(7);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[rng.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|&c| (9_500..10_500).contains(&c)), "{counts:?}");
    }
}
