//! Which key is asked for.

use crate::base::units::Count;
use crate::base::{Rng, maths};
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
    HotSet { keys: Count, hot: f64, traffic: f64 },
}

impl Default for Keys {
    fn default() -> Self {
        Keys::Uniform { keys: Count(1_000) }
    }
}

/// Tables of 8 bytes a key are made up to here (32 MiB); Zipf over more keys is drawn by rejection.
const MOST_IN_TABLE: u64 = 4_000_000;

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
            Keys::HotSet { hot, traffic, .. } if !((0.0..=1.0).contains(hot) && (0.0..=1.0).contains(traffic)) => {
                Some("hot and traffic are shares from 0 to 1".to_owned())
            }
            _ => None,
        }
    }

    pub fn popularity(&self) -> Popularity {
        match *self {
            Keys::Uniform { keys } => Popularity::Uniform(keys.0),
            Keys::Zipf { keys, exponent } if exponent == 0.0 || keys.0 == 1 => Popularity::Uniform(keys.0),
            Keys::Zipf { keys, exponent } if keys.0 <= MOST_IN_TABLE => {
                let weight = |k: u64| maths::pow(k as f64 + 1.0, -exponent);
                Popularity::Table(Arc::new(Alias::new((0..keys.0).map(weight))))
            }
            Keys::Zipf { keys, exponent } => Popularity::Rejection(Rejection::new(keys.0, exponent)),
            Keys::HotSet { keys, hot, traffic } => {
                let hot = ((keys.0 as f64 * hot) as u64).clamp(1, keys.0);
                let traffic = if hot == keys.0 { 1.0 } else { traffic };
                Popularity::HotSet { keys: keys.0, hot, traffic }
            }
        }
    }
}

/// Draws keys; key 0 is the most popular.
#[derive(Clone, Debug)]
pub enum Popularity {
    Uniform(u64),
    Table(Arc<Alias>),
    Rejection(Rejection),
    HotSet { keys: u64, hot: u64, traffic: f64 },
}

impl Popularity {
    #[inline]
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        match self {
            Popularity::Uniform(1) => 0,
            Popularity::Uniform(n) => below(rng, *n),
            Popularity::Table(alias) => alias.draw(rng),
            Popularity::Rejection(rejection) => rejection.draw(rng),
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

/// Walker's alias method (Vose 1991): any distribution over n, drawn with one look into one table.
#[derive(Clone, Debug)]
pub struct Alias {
    /// The share (of 2^32) of a cell that is its own, and whom the rest belongs to.
    cells: Vec<(u32, u32)>,
}

impl Alias {
    pub fn new(weights: impl Iterator<Item = f64>) -> Alias {
        let mut scaled: Vec<f64> = weights.collect();
        let n = scaled.len();
        let total: f64 = scaled.iter().sum();
        for weight in &mut scaled {
            *weight *= n as f64 / total;
        }
        let mut cells = vec![(u32::MAX, 0u32); n];
        let (mut small, mut large): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&i| scaled[i as usize] < 1.0);
        while let (Some(&s), Some(&l)) = (small.last(), large.last()) {
            small.pop();
            cells[s as usize] = ((scaled[s as usize] * 4_294_967_295.0) as u32, l);
            scaled[l as usize] -= 1.0 - scaled[s as usize];
            if scaled[l as usize] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
        for i in small.into_iter().chain(large) {
            cells[i as usize] = (u32::MAX, i);
        }
        Alias { cells }
    }

    #[inline]
    fn draw(&self, rng: &mut Rng) -> u64 {
        let bits = rng.next_u64();
        // The upper half chooses the cell, the lower half within it.
        let i = ((bits >> 32) * self.cells.len() as u64) >> 32;
        let (own, other) = self.cells[i as usize];
        if bits as u32 <= own { i } else { u64::from(other) }
    }
}

/// Zipf by rejection from the integral of `x^-s` (Hörmann and Derflinger 1996).
#[derive(Clone, Copy, Debug)]
pub struct Rejection {
    n: f64,
    s: f64,
    low: f64,
    high: f64,
    cut: f64,
}

impl Rejection {
    fn new(n: u64, s: f64) -> Rejection {
        let mut this = Rejection { n: n as f64, s, low: 0.0, high: 0.0, cut: 0.0 };
        this.low = this.integral(1.5) - 1.0;
        this.high = this.integral(this.n + 0.5);
        this.cut = 2.0 - this.inverse(this.integral(2.5) - maths::pow(2.0, -s));
        this
    }

    fn integral(&self, x: f64) -> f64 {
        let e = 1.0 - self.s;
        if e.abs() < 1e-9 { maths::ln(x) } else { (maths::pow(x, e) - 1.0) / e }
    }

    fn inverse(&self, y: f64) -> f64 {
        let e = 1.0 - self.s;
        if e.abs() < 1e-9 { maths::exp(y) } else { maths::pow((1.0 + y * e).max(0.0), 1.0 / e) }
    }

    fn draw(&self, rng: &mut Rng) -> u64 {
        loop {
            let u = self.high + rng.uniform() * (self.low - self.high);
            let x = self.inverse(u);
            let k = (x + 0.5).floor().clamp(1.0, self.n);
            if k - x <= self.cut || u >= self.integral(k + 0.5) - maths::pow(k, -self.s) {
                return k as u64 - 1;
            }
        }
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

    #[test]
    fn zipf_has_its_shares_by_table_and_by_rejection() {
        let draws = 1_000_000;
        let total: f64 = (1..=1_000u32).map(|k| 1.0 / f64::from(k)).sum();
        let table = shares(&Keys::Zipf { keys: Count(1_000), exponent: 1.0 }, draws);
        for k in [0usize, 1, 9, 99] {
            let expected = 1.0 / (k as f64 + 1.0) / total;
            assert!((table[k] / expected - 1.0).abs() < 0.05, "key {k}: {} against {expected}", table[k]);
        }
        let rejection = Rejection::new(1_000, 1.0);
        let mut rng = Rng::seeded(8);
        let first = (0..draws).filter(|_| rejection.draw(&mut rng) == 0).count() as f64 / f64::from(draws);
        assert!((first * total - 1.0).abs() < 0.02, "{first}");
    }

    #[test]
    fn a_hot_set_gets_its_traffic() {
        let shares = shares(&Keys::HotSet { keys: Count(100), hot: 0.1, traffic: 0.9 }, 200_000);
        let hot: f64 = shares[..10].iter().sum();
        assert!((hot - 0.9).abs() < 0.005, "{hot}");
    }
}
