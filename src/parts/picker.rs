//! Which of several targets a balancer picks.

use crate::base::{Rng, Span, Time, hash, maths};
use serde::{Deserialize, Serialize};

/// How a balancer picks.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// One after the other, in proportion to the weights, evenly interleaved (nginx's smooth weighted round robin).
    Weighted,
    /// Any.
    Random,
    /// The one with the fewest calls in flight; any among equals.
    LeastConnections,
    /// The better of so many drawn at random, two if nothing is said (Mitzenmacher 2001); distinct unless `replacement`.
    PowerOfChoices {
        #[serde(default = "two")]
        choices: u8,
        #[serde(default)]
        replacement: bool,
    },
    /// The better of two by expected latency: an average that jumps up and decays slowly, times the calls in flight
    /// (Finagle's peak EWMA).
    PeakEwma { decay: Span },
    /// By the caller's address: a tenant always goes to the same target while the targets are the same.
    IpHash,
    /// By the key, on a hash ring; none gets more than `bound` times its fair share of the calls in flight (Mirrokni,
    /// Thorup and Zadimoghaddam 2018).
    ConsistentHash { virtual_nodes: u32, bound: f64 },
}

fn two() -> u8 {
    2
}

impl Balance {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("RoundRobin", "One after the other."),
        ("Weighted", "One after the other, in proportion to the weights of the links."),
        ("Random", "Any."),
        ("LeastConnections", "The one with the fewest calls in flight."),
        ("PowerOfChoices", "The better of some drawn at random."),
        ("PeakEwma", "The better of two by expected latency times calls in flight."),
        ("IpHash", "Always the same for a tenant, while the targets are the same."),
        ("ConsistentHash", "By the key, on a hash ring with bounded loads."),
        ("choices", "How many are drawn; 2 if nothing is said."),
        ("replacement", "The same one may be drawn twice."),
        ("decay", "How fast the latency of a slow call is forgotten."),
        ("virtual_nodes", "Points of each target on the ring."),
        ("bound", "Most calls in flight, as a multiple of the fair share."),
    ];
}

/// A target as the balancer knows it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who it is, whatever its place in the list: consistent hashing goes by that.
    identity: u64,
    pub weight: f64,
    /// May be picked: up, healthy, and not ejected.
    pub usable: bool,
    /// Calls in flight.
    pub load: u32,
    /// What the balancer believes the calls in flight to be, where its information is old.
    pub seen: u32,
    /// Smooth weighted round robin: the running credit.
    credit: f64,
    /// Peak EWMA, in nanoseconds, and when it was last brought up to date.
    ewma: f64,
    at: Time,
}

impl Target {
    pub fn new(identity: u64, weight: f64) -> Target {
        Target { identity, weight, usable: true, load: 0, seen: 0, credit: 0.0, ewma: 0.0, at: Time::ZERO }
    }

    /// Nothing is known of it any more.
    pub fn forget(&mut self) {
        *self = Target::new(self.identity, self.weight);
    }
}

/// A balancer's memory.
#[derive(Clone, Debug)]
pub struct Picker {
    balance: Balance,
    next: usize,
    /// Usable targets, so that a draw needs no search.
    usable: Vec<u32>,
    /// Consistent hashing: points of all targets.
    points: Vec<(u64, u32)>,
    /// Whose points they are.
    points_of: u64,
    /// Least connections: usable targets by load. Empty for the other ways.
    by_load: ByLoad,
}

impl Picker {
    pub fn new(balance: Balance) -> Picker {
        Picker { balance, next: 0, usable: Vec::new(), points: Vec::new(), points_of: 0, by_load: ByLoad::default() }
    }

    /// After targets came or went, or became usable or not.
    pub fn refresh(&mut self, targets: &[Target]) {
        self.usable = (0..targets.len() as u32).filter(|&i| targets[i as usize].usable).collect();
        if let Balance::ConsistentHash { virtual_nodes, .. } = self.balance {
            // Every target has its points, usable or not, so that keys move only away from one that is gone.
            let whose = targets.iter().fold(1, |all, target| hash::mix2(all, target.identity));
            if self.points_of != whose {
                let points = targets.iter().zip(0..).flat_map(|(target, i)| {
                    let identity = target.identity;
                    (0..virtual_nodes.max(1)).map(move |point| (hash::mix2(identity, u64::from(point)), i))
                });
                (self.points, self.points_of) = (points.collect(), whose);
                self.points.sort_unstable();
            }
        }
        if self.balance == Balance::LeastConnections {
            self.by_load = ByLoad::new(targets.len(), self.usable.iter().map(|&i| (i, targets[i as usize].seen)));
        }
    }

    /// A target's load, as seen, has changed.
    #[inline]
    pub fn load_changed(&mut self, target: usize, before: u32, after: u32) {
        if self.balance == Balance::LeastConnections && self.by_load.remove(target as u32, before) {
            self.by_load.insert(target as u32, after);
        }
    }

    /// Pick a target; none if none is usable.
    #[inline]
    pub fn pick(&mut self, targets: &mut [Target], now: Time, key: u64, tenant: u32, rng: &mut Rng) -> Option<usize> {
        let n = self.usable.len();
        if n == 0 {
            return None;
        }
        Some(match self.balance {
            Balance::RoundRobin => {
                self.next = if self.next + 1 < n { self.next + 1 } else { 0 };
                self.usable[self.next] as usize
            }
            Balance::Random => self.usable[rng.below(n as u32) as usize] as usize,
            Balance::Weighted => self.smooth(targets),
            Balance::LeastConnections => self.by_load.least(rng)? as usize,
            Balance::PowerOfChoices { choices, replacement } => self.best_of(targets, choices, replacement, rng),
            Balance::PeakEwma { decay } => self.peak_ewma(targets, decay, now, rng),
            Balance::IpHash => self.usable[(hash::mix(u64::from(tenant)) % n as u64) as usize] as usize,
            Balance::ConsistentHash { bound, .. } => self.consistent(targets, bound, key),
        })
    }

    fn smooth(&self, targets: &mut [Target]) -> usize {
        let mut total = 0.0;
        let mut best = self.usable[0] as usize;
        for &i in &self.usable {
            let target = &mut targets[i as usize];
            target.credit += target.weight;
            total += target.weight;
            if targets[i as usize].credit > targets[best].credit {
                best = i as usize;
            }
        }
        targets[best].credit -= total;
        best
    }

    fn best_of(&self, targets: &[Target], choices: u8, replacement: bool, rng: &mut Rng) -> usize {
        let n = self.usable.len() as u32;
        let choices = u32::from(choices.max(1));
        if choices == 2 && n > 1 {
            // The usual case.
            let (a, mut b) = (rng.below(n), rng.below(n));
            while !replacement && b == a {
                b = rng.below(n);
            }
            let [a, b] = [a, b].map(|i| self.usable[i as usize] as usize);
            return if targets[b].seen < targets[a].seen { b } else { a };
        }
        let mut drawn = [u32::MAX; 16];
        let count = if replacement { choices } else { choices.min(n) }.min(16);
        let mut best = usize::MAX;
        for d in 0..count as usize {
            let mut i = rng.below(n);
            while !replacement && drawn[..d].contains(&i) {
                i = rng.below(n);
            }
            drawn[d] = i;
            let target = self.usable[i as usize] as usize;
            if best == usize::MAX || targets[target].seen < targets[best].seen {
                best = target;
            }
        }
        best
    }

    fn peak_ewma(&self, targets: &mut [Target], decay: Span, now: Time, rng: &mut Rng) -> usize {
        let n = self.usable.len() as u32;
        let a = rng.below(n);
        let b = if n > 1 { (a + 1 + rng.below(n - 1)) % n } else { a };
        let mut cost = |i: u32| {
            let target = &mut targets[self.usable[i as usize] as usize];
            fade(target, decay, now);
            // Who has calls under way and has not answered any yet may be slow or dead (the penalty of Finagle).
            let latency = if target.ewma == 0.0 && target.seen > 0 { UNMEASURED } else { target.ewma.max(1.0) };
            latency * f64::from(target.seen + 1)
        };
        let (cost_a, cost_b) = (cost(a), cost(b));
        self.usable[if cost_b < cost_a { b } else { a } as usize] as usize
    }

    fn consistent(&self, targets: &[Target], bound: f64, key: u64) -> usize {
        let in_flight: u32 =
            if bound.is_finite() { self.usable.iter().map(|&i| targets[i as usize].seen).sum() } else { 0 };
        let most = (bound * f64::from(in_flight + 1) / self.usable.len() as f64).ceil();
        let place = hash::mix(key);
        let start = self.points.partition_point(|(point, _)| *point < place);
        let round = self.points[start..].iter().chain(&self.points[..start]).map(|(_, target)| *target as usize);
        let mut usable = round.filter(|&i| targets[i].usable);
        let first = usable.clone().next().unwrap_or(self.usable[0] as usize);
        usable.find(|&i| f64::from(targets[i].seen) < most).unwrap_or(first)
    }

    /// A call has ended: peak EWMA learns its latency.
    pub fn learn(&self, target: &mut Target, took: Span, now: Time) {
        if let Balance::PeakEwma { decay } = self.balance {
            let took = took.0 as f64;
            if took > target.ewma {
                (target.ewma, target.at) = (took, now);
            } else {
                let share = maths::exp(-(now.since(target.at).0 as f64) / decay.0.max(1) as f64);
                target.ewma = target.ewma * share + took * (1.0 - share);
                target.at = now;
            }
        }
    }
}

/// Peak EWMA's latency of a target that has answered nothing yet, in nanoseconds: longer than any real one.
const UNMEASURED: f64 = 1e18;

/// Targets in buckets of equal load: any of the least loaded is found, and a load changes, in constant time.
#[derive(Clone, Debug, Default)]
struct ByLoad {
    buckets: Vec<Vec<u32>>,
    /// Where in its bucket each target is; [`ByLoad::ABSENT`] if it is in none.
    places: Vec<u32>,
    /// No bucket below this one has a target.
    least: usize,
}

impl ByLoad {
    const ABSENT: u32 = u32::MAX;

    fn new(targets: usize, loads: impl Iterator<Item = (u32, u32)>) -> ByLoad {
        let mut new = ByLoad { buckets: Vec::new(), places: vec![ByLoad::ABSENT; targets], least: 0 };
        loads.for_each(|(target, load)| new.insert(target, load));
        new
    }

    fn insert(&mut self, target: u32, load: u32) {
        let load = load as usize;
        if load >= self.buckets.len() {
            self.buckets.resize_with(load + 1, Vec::new);
        }
        self.places[target as usize] = self.buckets[load].len() as u32;
        self.buckets[load].push(target);
        self.least = self.least.min(load);
    }

    /// Whether it was there.
    fn remove(&mut self, target: u32, load: u32) -> bool {
        let Some(place) = self.places.get_mut(target as usize).filter(|place| **place != ByLoad::ABSENT) else {
            return false;
        };
        let place = std::mem::replace(place, ByLoad::ABSENT);
        let bucket = &mut self.buckets[load as usize];
        bucket.swap_remove(place as usize);
        if let Some(&moved) = bucket.get(place as usize) {
            self.places[moved as usize] = place;
        }
        true
    }

    fn least(&mut self, rng: &mut Rng) -> Option<u32> {
        while self.buckets.get(self.least)?.is_empty() {
            self.least += 1;
        }
        let bucket = &self.buckets[self.least];
        Some(bucket[rng.below(bucket.len() as u32) as usize])
    }
}

/// Let the average decay while nothing is learned, so that a target is tried again.
fn fade(target: &mut Target, decay: Span, now: Time) {
    let share = maths::exp(-(now.since(target.at).0 as f64) / decay.0.max(1) as f64);
    target.ewma *= share;
    target.at = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(n: u64) -> Vec<Target> {
        (0..n).map(|i| Target::new(i, 1.0)).collect()
    }

    fn counts(balance: Balance, targets: &mut [Target], picks: u32) -> Vec<u32> {
        let (mut picker, mut rng) = (Picker::new(balance), Rng::seeded(6));
        picker.refresh(targets);
        let mut counts = vec![0; targets.len()];
        for i in 0..picks {
            if let Some(target) = picker.pick(targets, Time(u64::from(i)), u64::from(i), i, &mut rng) {
                counts[target] += 1;
            }
        }
        counts
    }

    #[test]
    fn each_way_of_balancing_spreads_as_it_should() {
        let ways = [
            Balance::RoundRobin,
            Balance::Random,
            Balance::Weighted,
            Balance::LeastConnections,
            Balance::PowerOfChoices { choices: 2, replacement: false },
            Balance::PeakEwma { decay: Span::from_secs(1) },
            Balance::IpHash,
            Balance::ConsistentHash { virtual_nodes: 200, bound: 1.25 },
        ];
        for balance in ways {
            let counts = counts(balance, &mut targets(5), 10_000);
            assert!(counts.iter().all(|n| (1_400..2_600).contains(n)), "{balance:?}: {counts:?}");
        }
        let mut weighted = [Target::new(0, 1.0), Target::new(1, 3.0)];
        assert_eq!(counts(Balance::Weighted, &mut weighted, 400), [100, 300]);
    }

    #[test]
    fn what_is_not_usable_is_not_picked() {
        let mut targets = targets(4);
        targets[2].usable = false;
        for balance in
            [Balance::RoundRobin, Balance::LeastConnections, Balance::ConsistentHash { virtual_nodes: 50, bound: 2.0 }]
        {
            assert_eq!(counts(balance, &mut targets, 1_000)[2], 0, "{balance:?}");
        }
    }

    #[test]
    fn the_least_loaded_wins() {
        let mut targets = targets(3);
        for (target, load) in targets.iter_mut().zip([4, 1, 2]) {
            (target.load, target.seen) = (load, load);
        }
        assert_eq!(counts(Balance::LeastConnections, &mut targets, 100), [0, 100, 0]);
        let best = Balance::PowerOfChoices { choices: 3, replacement: false };
        assert_eq!(counts(best, &mut targets, 100), [0, 100, 0]);
    }

    /// A target more in the middle of the list takes keys from the others; no key moves between those.
    #[test]
    fn consistent_hashing_goes_by_identity() {
        let balance = Balance::ConsistentHash { virtual_nodes: 100, bound: f64::INFINITY };
        let pick = |identities: &[u64]| {
            let (mut picker, mut rng) = (Picker::new(balance), Rng::seeded(6));
            let mut targets: Vec<Target> = identities.iter().map(|i| Target::new(*i, 1.0)).collect();
            picker.refresh(&targets);
            let picks = (0..2_000).filter_map(|key| picker.pick(&mut targets, Time(0), key, 0, &mut rng));
            picks.map(|i| identities[i]).collect::<Vec<u64>>()
        };
        let moved: Vec<(u64, u64)> =
            pick(&[1, 2, 3]).into_iter().zip(pick(&[1, 9, 2, 3])).filter(|(before, after)| before != after).collect();
        assert!((300..=700).contains(&moved.len()), "{}", moved.len());
        assert!(moved.iter().all(|(_, after)| *after == 9));
    }

    /// Two targets of three answer; the third keeps its calls and is left alone.
    #[test]
    fn peak_ewma_avoids_who_has_answered_nothing_yet() {
        let decay = Span::from_secs(10);
        let (mut picker, mut rng) = (Picker::new(Balance::PeakEwma { decay }), Rng::seeded(6));
        let mut targets = targets(3);
        picker.refresh(&targets);
        for i in 0..1_000 {
            let now = Time(i * 10_000_000);
            let picked = picker.pick(&mut targets, now, 0, 0, &mut rng).expect("somebody");
            if picked == 2 {
                targets[2].seen += 1;
            } else {
                picker.learn(&mut targets[picked], Span::from_millis(5), now);
            }
        }
        assert!(targets[2].seen <= 2, "{}", targets[2].seen);
    }

    /// A balancer whose information is old goes by what it has seen, not by what is.
    #[test]
    fn every_way_that_looks_at_the_load_sees_the_old_one() {
        let ways = [
            Balance::LeastConnections,
            Balance::PowerOfChoices { choices: 2, replacement: false },
            Balance::PeakEwma { decay: Span::from_secs(1) },
            Balance::ConsistentHash { virtual_nodes: 100, bound: 1.0 },
        ];
        for balance in ways {
            let mut targets = targets(2);
            for (target, (load, seen)) in targets.iter_mut().zip([(50, 2), (0, 10)]) {
                (target.load, target.seen, target.ewma) = (load, seen, 1e6);
            }
            assert_eq!(counts(balance, &mut targets, 100), [100, 0], "{balance:?}");
        }
    }
}
