//! Steady state from one run: where the warm-up ends, and how sure a mean is.

use crate::base::maths;

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

/// Batches in which a warm-up is looked for: at most so many, and fewer while neighbours are correlated.
const MOST_BATCHES: usize = 96;
const FEWEST_TO_JOIN: usize = 48;
const FEWEST_TO_CUT: usize = 10;

/// Correlation of neighbours from which a batch is too short.
const CORRELATED: f64 = 0.3;

/// How many standard errors the mean of what is cut must differ from the mean of the rest. Noise does that in less than one run of a
/// hundred, also where congestion comes in long stretches.
const SIGNIFICANT: f64 = 4.0;

/// A warm-up longer than this share of a run (one part of so many) means that the run is too short.
const LONGEST_WARM_UP: usize = 4;

/// What was found of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// So many values.
    Ends(usize),
    /// Longer than a quarter of the run: too short a run to tell where it ends.
    TooLong,
}

/// How many of these means of windows (times, say) are warm-up, by MSER (White 1997: the cut that makes the standard error
/// of the rest smallest), with three precautions. The plain rule cuts off stretches of congestion, which come by chance, because the
/// rest is then less variable: at load 0.9 it takes 1 % off the mean of an M/M/1 queue. So it is applied to logarithms, in which
/// congestion stands out as little as idleness; to means of batches that are long enough to be nearly independent; and
/// nothing is cut unless it differs from the rest by more than noise does.
pub fn warm_up(means: &[f64]) -> WarmUp {
    let logs: Vec<f64> = means.iter().map(|mean| maths::ln(mean.max(1.0))).collect();
    let mut size = (logs.len() / MOST_BATCHES).max(1);
    let batches = loop {
        let batches: Vec<f64> = logs.chunks_exact(size).map(average).collect();
        let n = batches.len();
        if n < FEWEST_TO_JOIN || lag1(&batches[n / LONGEST_WARM_UP..]) <= CORRELATED {
            break batches;
        }
        size *= 2;
    };
    let n = batches.len();
    let cut = least_error(&batches);
    if n < FEWEST_TO_CUT || cut == 0 || !differs(&batches[..cut], &batches[cut..]) {
        WarmUp::Ends(0)
    } else if cut > n / LONGEST_WARM_UP {
        WarmUp::TooLong
    } else {
        WarmUp::Ends(cut * size)
    }
}

/// The longest part of so many values that may be warm-up.
pub fn longest_warm_up(values: usize) -> usize {
    values / LONGEST_WARM_UP
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The cut, within the first half, that makes the standard error of the rest smallest.
fn least_error(values: &[f64]) -> usize {
    let n = values.len();
    let (mut sum, mut squares, mut best) = (0.0, 0.0, (f64::INFINITY, 0));
    for cut in (0..n).rev() {
        sum += values[cut];
        squares += values[cut] * values[cut];
        let left = (n - cut) as f64;
        if cut <= n / 2 {
            let score = (squares - sum * sum / left).max(0.0) / (left * left);
            if score <= best.0 {
                best = (score, cut);
            }
        }
    }
    best.1
}

/// Whether the means of both differ by more than the noise of the second, with its correlation, explains.
fn differs(cut: &[f64], rest: &[f64]) -> bool {
    let mean = average(rest);
    let variance = rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (rest.len() - 1).max(1) as f64;
    let correlation = lag1(rest).clamp(0.0, 0.9);
    let widened = variance * (1.0 + correlation) / (1.0 - correlation);
    let error = (widened * (1.0 / cut.len() as f64 + 1.0 / rest.len() as f64)).sqrt();
    (average(cut) - mean).abs() > SIGNIFICANT * error
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
pub const FEWEST_BATCHES: usize = 8;

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
        let mut noisy = |level: f64| 1e7 * level * maths::exp(0.2 * rng.normal());
        let decaying: Vec<f64> = (0..1_000).map(|i| noisy(1.0 + 5.0 * maths::exp(-f64::from(i) / 30.0))).collect();
        let WarmUp::Ends(cut) = warm_up(&decaying) else { panic!("it settles") };
        assert!((100..=250).contains(&cut), "{cut}");
        let filling: Vec<f64> = (0..1_000).map(|i| noisy(1.0 - maths::exp(-f64::from(i + 1) / 20.0))).collect();
        let WarmUp::Ends(cut) = warm_up(&filling) else { panic!("it settles") };
        assert!((20..=100).contains(&cut), "{cut}");
        let steady: Vec<f64> = (0..1_000).map(|_| noisy(1.0)).collect();
        assert_eq!(warm_up(&steady), WarmUp::Ends(0));
        let rising: Vec<f64> = (0..1_000).map(|i| f64::from(i) * 1e7).collect();
        assert_eq!(warm_up(&rising), WarmUp::TooLong);
        let stepping: Vec<f64> = (0..1_000).map(|i| noisy(if i < 400 { 3.0 } else { 1.0 })).collect();
        assert_eq!(warm_up(&stepping), WarmUp::TooLong);
        assert_eq!(
            (warm_up(&[1e7; 960]), warm_up(&[0.0; 32]), warm_up(&[])),
            (WarmUp::Ends(0), WarmUp::Ends(0), WarmUp::Ends(0))
        );
    }

    /// A stretch of congestion at the beginning, as it comes by chance later too, is no warm-up.
    #[test]
    fn congestion_is_not_cut_off() {
        let mut rng = Rng::seeded(6);
        let mut means: Vec<f64> = (0..960).map(|_| 1e7 * maths::exp(0.5 * rng.normal())).collect();
        for from in [0, 300, 640] {
            means[from..from + 50].iter_mut().for_each(|mean| *mean *= 4.0);
        }
        assert_eq!(warm_up(&means), WarmUp::Ends(0));
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
