//! Steady state from one run: where the warm-up ends, and how sure a mean is.

/// Student's t for a two-sided 95 % interval, by degrees of freedom 1 to 30; 1.96 is its limit.
const T95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The 97.5 % quantile of Student's t.
pub fn t95(degrees: usize) -> f64 {
    match degrees {
        0 => f64::INFINITY,
        1..=30 => T95[degrees - 1],
        // Cornish-Fisher, good to a part in a thousand from here on.
        n => 1.96 + 2.37 / n as f64,
    }
}

/// How many of these values are warm-up, by MSER-5 (White 1997): batches of five, and the cut that makes the standard
/// error of what is left smallest. Only the first half is searched; a minimum at its end means that no steady state was
/// found, and `None` is returned. Fewer than fifty values are means of long windows already and are searched one by one.
pub fn mser5(values: &[f64]) -> Option<usize> {
    let size = if values.len() < 50 { 1 } else { 5 };
    let batches: Vec<f64> = values.chunks_exact(size).map(|batch| batch.iter().sum::<f64>() / size as f64).collect();
    let n = batches.len();
    if n < 10 {
        return None;
    }
    let (mut sum, mut squares, mut best) = (0.0, 0.0, (f64::INFINITY, 0));
    for cut in (0..n).rev() {
        sum += batches[cut];
        squares += batches[cut] * batches[cut];
        let left = (n - cut) as f64;
        if cut <= n / 2 {
            let score = (squares - sum * sum / left).max(0.0) / (left * left);
            if score <= best.0 {
                best = (score, cut);
            }
        }
    }
    (best.1 < n / 2).then_some(best.1 * size)
}

/// A mean with the half-width of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub mean: f64,
    pub half_width: f64,
}

/// A ratio of sums (total latency over count, say) with its interval, from the sums of each batch.
pub fn ratio_interval(batches: &[(f64, f64)]) -> Option<Interval> {
    let n = batches.len();
    let (top, bottom) = batches.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    if n < 2 || bottom <= 0.0 {
        return None;
    }
    let ratio = top / bottom;
    let average = bottom / n as f64;
    let squares: f64 = batches.iter().map(|(x, y)| (x - ratio * y) * (x - ratio * y)).sum();
    let error = (squares / (n - 1) as f64 / n as f64).sqrt() / average;
    Some(Interval { mean: ratio, half_width: t95(n - 1) * error })
}

/// Correlation of each value with the next: near zero where batches are long enough.
pub fn lag1(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 4 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let variance: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let covariance: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

/// Batches that an interval needs at least: with fewer, Student's t makes it too wide to say anything.
const FEWEST_BATCHES: usize = 8;

/// As [`ratio_interval`], for batches that may be too short to be independent. Neighbours are merged while they are
/// correlated and batches enough are left; the correlation that remains then widens the interval as that of a first-order
/// autoregression does (as in ASAP3, Steiger et al. 2005). `None` where too few batches hold anything.
pub fn batch_interval(batches: &[(f64, f64)]) -> Option<Interval> {
    let mut batches = batches.to_vec();
    loop {
        let filled = batches.iter().filter(|(_, n)| *n > 0.0).count();
        let found = ratio_interval(&batches).filter(|_| filled >= FEWEST_BATCHES)?;
        let residuals: Vec<f64> = batches.iter().map(|(x, y)| x - found.mean * y).collect();
        let correlation = lag1(&residuals);
        // What independent batches exceed in one case of twenty.
        let chance = 1.64 / (batches.len() as f64).sqrt();
        if correlation > chance && batches.len() >= 2 * FEWEST_BATCHES {
            let merge = |pair: &[(f64, f64)]| pair.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
            batches = batches.chunks(2).map(merge).collect();
            continue;
        }
        let left = correlation.clamp(0.0, 0.9);
        let half_width = found.half_width * ((1.0 + left) / (1.0 - left)).sqrt();
        return Some(Interval { half_width, ..found });
    }
}

/// How many observations a quantile needs before it may be claimed: ten beyond it, so that its relative error from
/// counting alone is below a third.
pub fn needed_for(quantile: f64) -> u64 {
    (10.0 / (1.0 - quantile)).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn a_transient_is_cut_and_noise_is_not() {
        let mut rng = Rng::seeded(4);
        let decaying: Vec<f64> =
            (0..1_000).map(|i| 5.0 * libm::exp(-f64::from(i) / 60.0) + 0.2 * rng.normal() + 1.0).collect();
        let cut = mser5(&decaying).unwrap();
        assert!((100..400).contains(&cut), "{cut}");
        let steady: Vec<f64> = (0..1_000).map(|_| rng.normal()).collect();
        assert!(mser5(&steady).unwrap() < 100);
        let rising: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert_eq!(mser5(&rising), None);
    }

    #[test]
    fn correlated_batches_are_merged() {
        let mut rng = Rng::seeded(8);
        let mut level = 0.0;
        let mut batches = Vec::new();
        for _ in 0..32 {
            level = 0.8 * level + rng.normal();
            batches.push((level, 1.0));
        }
        let (naive, found) = (ratio_interval(&batches).unwrap(), batch_interval(&batches).unwrap());
        assert!((naive.mean - found.mean).abs() < 1e-9, "{found:?} {naive:?}");
        assert!(found.half_width > 1.5 * naive.half_width, "{found:?} {naive:?}");
        assert_eq!(batch_interval(&batches[..7]), None);
    }

    /// Waiting times of an M/M/1 queue at load 0.8 by Lindley's recursion: the interval of 32 batch means must hold the
    /// true mean in about 95 of 100 runs.
    #[test]
    fn the_interval_covers_the_truth() {
        let mut covered = 0;
        for seed in 0..200 {
            let mut rng = Rng::seeded(seed);
            let mut wait = 0.0f64;
            let mut batches = Vec::new();
            for _ in 0..32 {
                let (mut sum, n) = (0.0, 5_000);
                for _ in 0..n {
                    wait = (wait + rng.exp1() - rng.exp1() / 0.8).max(0.0);
                    sum += wait;
                }
                batches.push((sum, f64::from(n)));
            }
            let found = ratio_interval(&batches).unwrap();
            covered += u32::from((found.mean - 4.0).abs() <= found.half_width);
        }
        assert!((176..=198).contains(&covered), "{covered} of 200");
    }
}
