//! Which key is asked for.

use crate::base::units::Count;
use crate::base::{Ratio, Rng, maths};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How requests are spread over keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Keys {
    /// Every key equally often.
    Uniform { keys: Count },
    /// The k-th key with a frequency of `1/k^exponent`.
    Zipf { keys: Count, exponent: f64 },
    /// A share `hot` of the keys gets a share `traffic` of the requests.
    HotSet { keys: Count, hot: Ratio, traffic: Ratio },
}

impl Keys {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Uniform", "All keys are equally popular."),
        ("Zipf", "Zipf distribution: the k-th key has a frequency of 1/k^exponent."),
        ("HotSet", "Hot keys: a share of the keys gets a share of the requests."),
        ("keys", "Number of keys."),
        ("exponent", "Skew: 0 is uniform, 1 is usual; a larger exponent makes the popular keys hotter."),
        ("hot", "Share of the keys that are hot."),
        ("traffic", "Share of the requests that go to them."),
    ];
}

impl Default for Keys {
    fn default() -> Self {
        Keys::Uniform { keys: Count(1_000) }
    }
}

impl Keys {
    pub fn count(&self) -> u64 {
        match self {
            Keys::Uniform { keys } | Keys::Zipf { keys, .. } | Keys::HotSet { keys, .. } => keys.0,
        }
    }

    /// What makes the parameters meaningless, if anything.
    pub fn problem(&self) -> Option<String> {
        if !(1..=1_000_000_000_000).contains(&self.count()) {
            return Some(format!("{} keys: expected 1 to 1000G", self.count()));
        }
        match self {
            Keys::Zipf { exponent, .. } if !(0.0..=10.0).contains(exponent) => {
                Some(format!("exponent is {exponent}: expected 0 to 10"))
            }
            _ => None,
        }
    }

    pub fn popularity(&self) -> Popularity {
        match *self {
            Keys::Uniform { keys } => Popularity::Uniform(keys.0),
            Keys::Zipf { keys, exponent } if exponent == 0.0 || keys.0 == 1 => Popularity::Uniform(keys.0),
            Keys::Zipf { keys, exponent } => Popularity::Zipf(Arc::new(Zipf::new(keys.0, exponent))),
            Keys::HotSet { keys, hot, traffic } => {
                let hot = ((keys.0 as f64 * hot.0) as u64).clamp(1, keys.0);
                let traffic = if hot == keys.0 { 1.0 } else { traffic.0 };
                Popularity::HotSet { keys: keys.0, hot, traffic }
            }
        }
    }
}

/// Draws keys; key 0 is the most popular.
#[derive(Clone, Debug)]
pub enum Popularity {
    Uniform(u64),
    Zipf(Arc<Zipf>),
    HotSet { keys: u64, hot: u64, traffic: f64 },
}

impl Popularity {
    #[inline(always)]
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        match self {
            Popularity::Uniform(1) => 0,
            Popularity::Uniform(n) => below(rng, *n),
            Popularity::Zipf(zipf) => zipf.draw(rng),
            Popularity::HotSet { keys, hot, traffic } => {
                if rng.chance(*traffic) {
                    below(rng, *hot)
                } else {
                    hot + below(rng, keys - hot)
                }
            }
        }
    }
}

fn below(rng: &mut Rng, n: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(n)) >> 64) as u64
}

/// Zipf by rejection from a staircase over blocks of neighbouring ranks: the first few ranks are blocks of their own, later
/// ones are a twentieth of their rank long. A block is drawn by the alias method (Vose 1991), a rank in it evenly, and it is
/// kept with its own frequency over that of the block's first, nearly always. However many keys there are, that is some
/// hundreds of blocks, so that a draw touches no memory beyond the nearest cache; a table of all keys would.
#[derive(Clone, Debug)]
pub struct Zipf {
    exponent: f64,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    /// The share (of 2^32) of the block's cell that is its own, and whose the rest is.
    own: u32,
    other: u32,
    /// The first rank, from 1, and how many there are.
    first: u64,
    len: u64,
    /// The share (of 2^64) that any rank in it is kept with at least.
    sure: u64,
}

impl Zipf {
    fn new(keys: u64, exponent: f64) -> Zipf {
        let mut blocks = Vec::new();
        let mut first = 1;
        while first <= keys {
            let len = (first / 20).clamp(1, keys - first + 1);
            let least = maths::pow((first + len - 1) as f64 / first as f64, -exponent);
            blocks.push(Block { own: u32::MAX, other: 0, first, len, sure: (least * 1.84e19) as u64 });
            first += len;
        }
        let mut zipf = Zipf { exponent, blocks };
        zipf.share_out();
        zipf
    }

    /// Fill the cells: each block is drawn in proportion to its length times the frequency of its first rank.
    fn share_out(&mut self) {
        let weight = |block: &Block| block.len as f64 * maths::pow(block.first as f64, -self.exponent);
        let mut scaled: Vec<f64> = self.blocks.iter().map(weight).collect();
        let n = scaled.len();
        let total: f64 = scaled.iter().sum();
        scaled.iter_mut().for_each(|weight| *weight *= n as f64 / total);
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| scaled[i] < 1.0);
        while let (Some(&s), Some(&l)) = (small.last(), large.last()) {
            small.pop();
            (self.blocks[s].own, self.blocks[s].other) = ((scaled[s] * 4_294_967_295.0) as u32, l as u32);
            scaled[l] -= 1.0 - scaled[s];
            if scaled[l] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
    }

    #[inline(never)]
    fn draw(&self, rng: &mut Rng) -> u64 {
        loop {
            let bits = rng.next_u64();
            // The upper half chooses the cell, the lower half within it.
            let mut block = &self.blocks[(((bits >> 32) * self.blocks.len() as u64) >> 32) as usize];
            if bits as u32 > block.own {
                block = &self.blocks[block.other as usize];
            }
            if block.len == 1 {
                return block.first - 1;
            }
            // The whole part of the product chooses the rank; the rest is as good as another draw.
            let product = u128::from(rng.next_u64()) * u128::from(block.len);
            let (rank, rest) = (block.first + (product >> 64) as u64, product as u64);
            if rest < block.sure || self.keeps(block, rank, rest) {
                return rank - 1;
            }
        }
    }

    #[cold]
    fn keeps(&self, block: &Block, rank: u64, rest: u64) -> bool {
        let share = maths::pow(rank as f64 / block.first as f64, -self.exponent);
        rest as f64 <= share * 18_446_744_073_709_551_616.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(keys: &Keys, draws: u32) -> Vec<f64> {
        let (popularity, mut rng) = (keys.popularity(), Rng::seeded(3));
        let mut counts = vec![0u32; keys.count().min(1_000) as usize];
        for _ in 0..draws {
            if let Some(count) = counts.get_mut(popularity.draw(&mut rng) as usize) {
                *count += 1;
            }
        }
        counts.into_iter().map(|n| f64::from(n) / f64::from(draws)).collect()
    }

    /// Against the formula, rank by rank and in the tail, for exponents on both sides of 1.
    #[test]
    fn zipf_has_its_shares() {
        let draws = 1_000_000u32;
        for exponent in [0.6, 1.0, 1.3] {
            let frequency = |k: u32| maths::pow(f64::from(k), -exponent);
            let total: f64 = (1..=1_000).map(frequency).sum();
            let shares = shares(&Keys::Zipf { keys: Count(1_000), exponent }, draws);
            for k in [1u32, 2, 10, 21, 39, 100] {
                let expected = frequency(k) / total;
                let error = (expected / f64::from(draws)).sqrt();
                let share = shares[k as usize - 1];
                assert!(
                    (share - expected).abs() < 4.0 * error,
                    "exponent {exponent}, key {k}: {share}, not {expected}"
                );
            }
            let tail: f64 = (501..=1_000).map(frequency).sum::<f64>() / total;
            let share: f64 = shares[500..].iter().sum();
            assert!((share - tail).abs() < 4.0 * (tail / f64::from(draws)).sqrt(), "{exponent}: {share}, not {tail}");
        }
    }

    /// With a trillion keys the sum is an integral, to a millionth.
    #[test]
    fn zipf_over_very_many_keys_has_its_median() {
        let zipf = Zipf::new(1_000_000_000_000, 1.0);
        let harmonic = |n: f64| maths::ln(n) + 0.577_215_664_9 + 0.5 / n;
        let (mut rng, draws) = (Rng::seeded(8), 200_000);
        let below = (0..draws).filter(|_| zipf.draw(&mut rng) < 1_000_000).count() as f64 / f64::from(draws);
        let expected = harmonic(1e6) / harmonic(1e12);
        assert!((below - expected).abs() < 0.005, "{below}, not {expected}");
        assert!(zipf.blocks.len() < 1_000);
    }

    #[test]
    fn a_hot_set_gets_its_traffic() {
        let shares = shares(&Keys::HotSet { keys: Count(100), hot: Ratio(0.1), traffic: Ratio(0.9) }, 200_000);
        let hot: f64 = shares[..10].iter().sum();
        assert!((hot - 0.9).abs() < 0.005, "{hot}");
    }
}
