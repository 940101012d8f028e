//! Which of several targets a balancer picks.

use crate::base::{Rng, Span, Time, hash, maths};
use serde::{Deserialize, Serialize};

/// How a balancer picks. The weights of links count in each of these ways.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Balance {
    /// One after the other; in proportion to the weights, evenly interleaved, where these differ.
    #[default]
    RoundRobin,
    /// One after the other, in proportion to the weights, evenly interleaved (nginx's smooth weighted round robin).
    Weighted,
    /// At random, in proportion to the weights.
    Random,
    /// The one with the fewest calls in flight for its weight; at random among equals, in proportion to the weights.
    LeastConnections,
    /// Of so many drawn at random, two if nothing is said, the one with the fewest calls in flight for its weight
    /// (Mitzenmacher 2001); distinct unless `replacement`. Draws are in proportion to the weights, as in nginx.
    PowerOfChoices {
        #[serde(default = "two")]
        choices: u8,
        #[serde(default)]
        replacement: bool,
    },
    /// The better of two by expected latency: an average that jumps up and decays slowly, times the calls in flight, by the
    /// weight (Finagle's peak EWMA).
    PeakEwma { decay: Span },
    /// By the caller's address: a tenant stays with its target while that is there. Tenants are shared out by weight
    /// (rendezvous hashing: Thaler and Ravishankar 1998), so that a target that goes hands over its own tenants and no others.
    IpHash,
    /// By the key, on a hash ring with points in proportion to the weights; none gets more than `bound` times its fair share
    /// of the calls in flight (Mirrokni, Thorup and Zadimoghaddam 2018).
    ConsistentHash { virtual_nodes: u32, bound: f64 },
}

fn two() -> u8 {
    2
}

impl Balance {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("RoundRobin", "Round robin: one after the other, by weight where weights differ."),
        ("Weighted", "Smooth weighted round robin: one after the other, in proportion to the weights."),
        ("Random", "Random, in proportion to the weights."),
        ("LeastConnections", "Least connections: the fewest calls in flight, divided by the weight."),
        (
            "PowerOfChoices",
            "Power of d choices: draws `choices` targets at random and picks the one with the fewest calls in flight, divided by the weight.",
        ),
        (
            "PeakEwma",
            "Peak EWMA: draws two targets and picks the one with the smaller latency times calls in flight, divided by the weight.",
        ),
        ("IpHash", "IP hash: each tenant stays with its target while that is up; shares follow the weights."),
        ("ConsistentHash", "Consistent hashing with bounded loads: by key, on a ring whose points follow the weights."),
        ("choices", "Targets drawn for each call, 1 to 16; default 2."),
        ("replacement", "Draws with replacement: the same target may be drawn twice."),
        ("decay", "Time constant with which the latency average decays. Longer remembers a slow call for longer."),
        ("virtual_nodes", "Points of a target of weight 1 on the ring."),
        ("bound", "Load bound: most calls in flight of a target, as a multiple of its fair share; at least 1."),
    ];
}

/// A target as the balancer knows it.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is, whatever its place in the list: hashing goes by that.
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

    /// Calls in flight for the weight, with one more; what is idle is so whatever its weight (HAProxy's `leastconn`).
    fn strain(&self) -> f64 {
        if self.seen == 0 { 0.0 } else { f64::from(self.seen + 1) / self.weight }
    }
}

/// Targets to pick from, so that a draw needs no search.
#[derive(Clone, Debug, Default)]
struct Pool {
    members: Vec<u32>,
    /// Where weights differ, the sums of the weights up to each member; otherwise nothing.
    sums: Vec<f64>,
}

impl Pool {
    /// Those of weight 0 are left out, unless all are.
    fn fill(&mut self, targets: &[Target], members: impl Iterator<Item = u32>) {
        self.members.clear();
        self.members.extend(members);
        let weight = |i: &u32| targets[*i as usize].weight;
        if self.members.iter().any(|i| weight(i) > 0.0) {
            self.members.retain(|i| weight(i) > 0.0);
        }
        self.sums.clear();
        if self.members.windows(2).any(|pair| weight(&pair[0]) != weight(&pair[1])) {
            self.sums.extend(self.members.iter().scan(0.0, |sum, i| {
                *sum += weight(i);
                Some(*sum)
            }));
        }
    }

    fn len(&self) -> u32 {
        self.members.len() as u32
    }

    fn is_uneven(&self) -> bool {
        !self.sums.is_empty()
    }

    /// A member at random, by weight: its place.
    fn draw(&self, rng: &mut Rng) -> u32 {
        let Some(total) = self.sums.last() else { return rng.below(self.len()) };
        let at = rng.uniform() * total;
        (self.sums.partition_point(|sum| *sum <= at) as u32).min(self.len() - 1)
    }
}

/// A balancer's memory.
#[derive(Clone, Debug)]
pub struct Picker {
    balance: Balance,
    next: usize,
    usable: Pool,
    /// Room for some of them.
    some: Pool,
    /// Consistent hashing: points of all targets.
    points: Vec<(u64, u32)>,
    /// Whose points they are.
    points_of: u64,
    /// Least connections of equal weights: usable targets by load. Empty for the other ways.
    by_load: ByLoad,
}

/// Points that a hash ring may have, which bounds its memory.
const MOST_POINTS: f64 = 10e6;

/// Draws until a target is found that was not drawn before: with weights that differ much it may take for ever.
const MOST_DRAWS: u32 = 64;

impl Picker {
    pub fn new(balance: Balance) -> Picker {
        let (usable, some) = (Pool::default(), Pool::default());
        Picker { balance, next: 0, usable, some, points: Vec::new(), points_of: 0, by_load: ByLoad::default() }
    }

    /// After targets came or went, became usable or not, or changed their weights.
    pub fn refresh(&mut self, targets: &[Target]) {
        self.usable.fill(targets, (0..targets.len() as u32).filter(|&i| targets[i as usize].usable));
        if let Balance::ConsistentHash { virtual_nodes, .. } = self.balance {
            // Every target has its points, usable or not, so that keys move only away from one that is gone.
            let mixed = |all, target: &Target| hash::mix2(hash::mix2(all, target.identity), target.weight.to_bits());
            let whose = targets.iter().fold(1, mixed);
            if self.points_of != whose {
                self.points_of = whose;
                self.make_points(targets, virtual_nodes);
            }
        }
        if self.goes_by_load() {
            let members = self.usable.members.iter();
            self.by_load = ByLoad::new(targets.len(), members.map(|&i| (i, targets[i as usize].seen)));
        }
    }

    fn make_points(&mut self, targets: &[Target], virtual_nodes: u32) {
        let all: f64 = targets.iter().map(|target| target.weight).sum();
        let each = f64::from(virtual_nodes.max(1));
        let scale = if all > 0.0 { (MOST_POINTS / (all * each)).min(1.0) } else { 1.0 };
        self.points.clear();
        for (target, i) in targets.iter().zip(0..) {
            let weight = if all > 0.0 { target.weight } else { 1.0 };
            let count = if weight > 0.0 { (each * weight * scale).round().max(1.0) as u64 } else { 0 };
            let identity = target.identity;
            self.points.extend((0..count).map(|point| (hash::mix2(identity, point), i)));
        }
        self.points.sort_unstable();
    }

    /// Whether targets are kept by load.
    #[inline]
    fn goes_by_load(&self) -> bool {
        self.balance == Balance::LeastConnections && !self.usable.is_uneven()
    }

    /// A target's load, as seen, has changed.
    #[inline]
    pub fn load_changed(&mut self, target: usize, before: u32, after: u32) {
        if self.goes_by_load() && self.by_load.remove(target as u32, before) {
            self.by_load.insert(target as u32, after);
        }
    }

    /// Pick a target; none if none is usable.
    #[inline(always)]
    pub fn pick(&mut self, targets: &mut [Target], now: Time, key: u64, tenant: u32, rng: &mut Rng) -> Option<usize> {
        let n = self.usable.members.len();
        if n == 0 {
            return None;
        }
        if matches!(self.balance, Balance::RoundRobin) && !self.usable.is_uneven() {
            self.next = if self.next + 1 < n { self.next + 1 } else { 0 };
            return Some(self.usable.members[self.next] as usize);
        }
        self.pick_with_care(targets, now, key, tenant, rng)
    }

    /// The same where it is not just the next in turn.
    #[inline(never)]
    fn pick_with_care(
        &mut self,
        targets: &mut [Target],
        now: Time,
        key: u64,
        tenant: u32,
        rng: &mut Rng,
    ) -> Option<usize> {
        Some(match self.balance {
            Balance::LeastConnections if !self.usable.is_uneven() => self.by_load.least(rng)? as usize,
            Balance::ConsistentHash { bound, .. } => {
                self.consistent(&self.usable, targets, bound, key, |i| targets[i].usable)
            }
            _ => Self::pick_from(&self.usable, self.balance, targets, now, tenant, rng),
        })
    }

    /// Pick one of some targets, which are usable; none if there are none.
    pub fn pick_some(
        &mut self,
        some: impl Iterator<Item = u32>,
        targets: &mut [Target],
        now: Time,
        (key, tenant): (u64, u32),
        rng: &mut Rng,
    ) -> Option<usize> {
        let mut pool = std::mem::take(&mut self.some);
        pool.fill(targets, some);
        let picked = match self.balance {
            _ if pool.members.is_empty() => None,
            Balance::RoundRobin if !self.usable.is_uneven() => {
                // The next in turn that is among them.
                let n = self.usable.members.len();
                let turn =
                    (1..=n).map(|i| (self.next + i) % n).find(|&i| pool.members.contains(&self.usable.members[i]));
                self.next = turn.unwrap_or(self.next);
                Some(turn.map_or(pool.members[0], |i| self.usable.members[i]) as usize)
            }
            Balance::ConsistentHash { bound, .. } => {
                Some(self.consistent(&pool, targets, bound, key, |i| pool.members.contains(&(i as u32))))
            }
            _ => Some(Self::pick_from(&pool, self.balance, targets, now, tenant, rng)),
        };
        self.some = pool;
        picked
    }

    /// Pick one of a pool that has members, in one of the ways that need nothing else.
    #[inline(always)]
    fn pick_from(
        pool: &Pool,
        balance: Balance,
        targets: &mut [Target],
        now: Time,
        tenant: u32,
        rng: &mut Rng,
    ) -> usize {
        match balance {
            Balance::Random => pool.members[pool.draw(rng) as usize] as usize,
            Balance::PowerOfChoices { choices, replacement } => best_of(pool, targets, choices, replacement, rng),
            Balance::PeakEwma { decay } => peak_ewma(pool, targets, decay, now, rng),
            Balance::LeastConnections => least_strained(pool, targets, rng),
            Balance::IpHash => by_tenant(pool, targets, tenant),
            Balance::RoundRobin | Balance::Weighted | Balance::ConsistentHash { .. } => smooth(pool, targets),
        }
    }

    fn consistent(
        &self,
        pool: &Pool,
        targets: &[Target],
        bound: f64,
        key: u64,
        is_in: impl Fn(usize) -> bool,
    ) -> usize {
        let members = || pool.members.iter().map(|&i| &targets[i as usize]);
        let in_flight: u32 = if bound.is_finite() { members().map(|target| target.seen).sum() } else { 0 };
        let all = bound * f64::from(in_flight + 1);
        let total = pool.sums.last().copied();
        let most = |i: usize| match total {
            Some(total) => (all * targets[i].weight / total).ceil(),
            None => (all / pool.members.len() as f64).ceil(),
        };
        let place = hash::mix(key);
        let start = self.points.partition_point(|(point, _)| *point < place);
        let round = self.points[start..].iter().chain(&self.points[..start]).map(|(_, target)| *target as usize);
        let mut usable = round.filter(|&i| is_in(i));
        let first = usable.clone().next().unwrap_or(pool.members[0] as usize);
        usable.find(|&i| f64::from(targets[i].seen) < most(i)).unwrap_or(first)
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

fn smooth(pool: &Pool, targets: &mut [Target]) -> usize {
    let mut total = 0.0;
    let mut best = pool.members[0] as usize;
    for &i in &pool.members {
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

/// Fewest calls in flight for the weight. At random among equals, by weight: so all shares are right where nothing is in flight.
fn least_strained(pool: &Pool, targets: &[Target], rng: &mut Rng) -> usize {
    let (mut best, mut least, mut equals) = (pool.members[0] as usize, f64::INFINITY, 0.0);
    for &i in &pool.members {
        let target = &targets[i as usize];
        let strain = target.strain();
        if strain < least {
            (best, least, equals) = (i as usize, strain, target.weight);
        } else if strain == least {
            equals += target.weight;
            if rng.uniform() * equals < target.weight {
                best = i as usize;
            }
        }
    }
    best
}

#[inline(always)]
fn best_of(pool: &Pool, targets: &[Target], choices: u8, replacement: bool, rng: &mut Rng) -> usize {
    let n = pool.len();
    let choices = u32::from(choices.max(1));
    if choices == 2 && n > 1 && !pool.is_uneven() {
        // The usual case.
        let (a, mut b) = (rng.below(n), rng.below(n));
        while !replacement && b == a {
            b = rng.below(n);
        }
        let [a, b] = [a, b].map(|i| pool.members[i as usize] as usize);
        return if targets[b].seen < targets[a].seen { b } else { a };
    }
    best_of_many(pool, targets, choices, replacement, rng)
}

/// The same for any number of choices, and any weights.
#[inline(never)]
fn best_of_many(pool: &Pool, targets: &[Target], choices: u32, replacement: bool, rng: &mut Rng) -> usize {
    let n = pool.len();
    if pool.is_uneven() && !replacement && choices >= n {
        return least_strained(pool, targets, rng);
    }
    let mut drawn = [u32::MAX; 16];
    let count = if replacement { choices } else { choices.min(n) }.min(16);
    let mut best = usize::MAX;
    for d in 0..count as usize {
        let mut i = pool.draw(rng);
        let mut draws = 1;
        while !replacement && drawn[..d].contains(&i) && (draws < MOST_DRAWS || !pool.is_uneven()) {
            i = pool.draw(rng);
            draws += 1;
        }
        drawn[d] = i;
        let target = pool.members[i as usize] as usize;
        if best == usize::MAX || targets[target].strain() < targets[best].strain() {
            best = target;
        }
    }
    best
}

fn peak_ewma(pool: &Pool, targets: &mut [Target], decay: Span, now: Time, rng: &mut Rng) -> usize {
    let n = pool.len();
    let a = rng.below(n);
    let b = if n > 1 { (a + 1 + rng.below(n - 1)) % n } else { a };
    let mut cost = |i: u32| {
        let target = &mut targets[pool.members[i as usize] as usize];
        fade(target, decay, now);
        // What has calls under way and has not answered any yet may be slow or dead (the penalty of Finagle).
        let latency = if target.ewma == 0.0 && target.seen > 0 { UNMEASURED } else { target.ewma.max(1.0) };
        let cost = latency * f64::from(target.seen + 1);
        if pool.is_uneven() { cost / target.weight } else { cost }
    };
    let (cost_a, cost_b) = (cost(a), cost(b));
    pool.members[if cost_b < cost_a { b } else { a } as usize] as usize
}

/// Rendezvous hashing; with weights the score is exponential with the weight as its rate, and the smallest wins (Schindelhauer
/// and Schomaker, "Weighted distributed hash tables", 2005).
fn by_tenant(pool: &Pool, targets: &[Target], tenant: u32) -> usize {
    let hash = |i: usize| hash::mix2(targets[i].identity, u64::from(tenant));
    let members = pool.members.iter().map(|&i| i as usize);
    let picked = if pool.is_uneven() {
        let score = |i: &usize| -maths::ln(1.0 - hash::unit(hash(*i))) / targets[*i].weight;
        members.min_by(|a, b| score(a).total_cmp(&score(b)))
    } else {
        members.max_by_key(|&i| hash(i))
    };
    picked.unwrap_or(pool.members[0] as usize)
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
mod tests;
