//! Stores: quorums, rings, hot shards, redundancy.

use super::Within::{Absolute, Range, Relative};
use super::{Effort, Figure, Row, Table, measure, times};
use tailboard::base::Rng;
use tailboard::base::units::Count;
use tailboard::parts::popularity::Keys;
use tailboard::parts::ring::{Ring, Strategy};

pub const ROWS: Table = &[
    ("pbs-LNKD-SSD-R1W1", |row| quorum(row, 1, 1)),
    ("pbs-LNKD-SSD-R1W2", |row| quorum(row, 1, 2)),
    ("pbs-LNKD-SSD-R2W1", |row| quorum(row, 2, 1)),
    ("pbs-LNKD-SSD-R2W2", |row| quorum(row, 2, 2)),
    ("pbs-LNKD-SSD-R3W1", |row| quorum(row, 3, 1)),
    ("pbs-LNKD-SSD-R1W3", |row| quorum(row, 1, 3)),
    ("ring-10-100", |row| ring(row, 10, 100, 60, 100_000)),
    ("ring-1000-100", |row| ring(row, 1_000, 100, 4, 2_000_000)),
    ("ring-1000-1000", |row| ring(row, 1_000, 1_000, 4, 5_000_000)),
    ("resize-10-11", |row| resize(row, 11)),
    ("resize-10-12", |row| resize(row, 12)),
    ("hotshard-1000000-0.99-10", hot_shard),
    ("redundancy", redundancy),
];

/// One-way delays of LNKD-SSD, each of the four legs the same; the store itself takes no time.
const LEG: &str = "Mixture([(0.9122, Pareto(min: \"235us\", alpha: 10)), (0.0878, Exponential(\"602.409639us\"))])";

fn quorum(row: &Row, r: u32, w: u32) -> Vec<Figure> {
    // Each request writes its own key, and reads it so long after the write was acknowledged.
    let text = |later: &str| {
        format!(
            "(nodes: {{
                \"client\": (kind: client(rate: \"1000/s\", keys: Uniform(keys: 1000000))),
                \"app\": (kind: service(slots: 1000000, cores: 1000000, work: \"0s\", queue_limit: None)),
                \"db\": (kind: database(replicas: 3, replication: Quorum(r: {r}, w: {w}), connections: 1000000,
                    read: \"0s\", write: \"0s\", write_there: {LEG}, write_back: {LEG}, read_there: {LEG}, read_back: {LEG})),
            }}, links: [
                (from: \"client\", to: \"app\"),
                (from: \"app\", to: \"db\", step: 1, name: \"write\", operation: Write),
                (from: \"app\", to: \"db\", step: 2, name: \"read\", operation: Read, latency: \"{later}\", latency_back: \"0s\"),
            ])"
        )
    };
    let effort = Effort::requests(1_000.0, 100);
    let paths = ["write.p50", "write.p99.9", "read.p50", "read.p99.9", "db.stale_share"];
    let [write_p50, write_p999, read_p50, read_p999, stale] = measure(&text("0s"), effort, paths);
    let ms = |metric: &str, samples: &[f64]| Figure::new(metric, row.want(metric), Relative(0.02), times(samples, 1e3));
    let consistent = |metric: &str, stale: &[f64]| {
        let samples = stale.iter().map(|share| 1.0 - share).collect();
        Figure::new(metric, row.want(metric), Absolute(0.002), samples)
    };
    let mut figures = vec![
        ms("write_p50_ms", &write_p50),
        ms("write_p999_ms", &write_p999),
        ms("read_p50_ms", &read_p50),
        ms("read_p999_ms", &read_p999),
        consistent("prob_consistent_t0", &stale),
    ];
    // Where the quorums overlap there is nothing to wait for.
    if r + w <= 3 {
        let [later] = measure(&text("1ms"), effort, ["db.stale_share"]);
        figures.push(consistent("prob_consistent_t1ms", &later));
    }
    figures
}

fn square(x: f64) -> f64 {
    x * x
}

/// The spread of the load over shards, the sampling of the keys taken off.
fn ring(row: &Row, shards: u32, virtual_nodes: u32, rings: u64, keys: u64) -> Vec<Figure> {
    let spread = |salt: u64| {
        let ring = Ring::new(Strategy::ConsistentHash { virtual_nodes }, shards, keys, 1_000 + salt);
        let mut counts = vec![0u32; shards as usize];
        (0..keys).for_each(|key| counts[ring.shard(key) as usize] += 1);
        let fair = keys as f64 / f64::from(shards);
        let squares: f64 = counts.iter().map(|&n| square(f64::from(n) / fair - 1.0)).sum();
        squares / f64::from(shards) - 1.0 / fair
    };
    // The mean of the variances, not of the deviations, is without a bias.
    let variances: Vec<f64> = (0..rings).map(spread).collect();
    let deviation = (variances.iter().sum::<f64>() / rings as f64).sqrt();
    vec![Figure::new("relative_std", row.want("relative_std"), Relative(0.05), vec![deviation])]
}

fn resize(row: &Row, to: u32) -> Vec<Figure> {
    let keys = 200_000u64;
    let moved = |strategy| {
        let before = Ring::new(strategy, 10, keys, 7);
        let mut after = before.clone();
        after.resize(to);
        (0..keys).filter(|&key| before.shard(key) != after.shard(key)).count() as f64 / keys as f64
    };
    let want = row.want("consistent_or_rendezvous_or_jump");
    vec![
        Figure::new("modulo", row.want("modulo"), Absolute(0.002), vec![moved(Strategy::Modulo)]),
        Figure::new("rendezvous", want, Absolute(0.002), vec![moved(Strategy::Rendezvous)]),
        Figure::new(
            "consistent",
            want,
            Relative(1.0 / 10.0),
            vec![moved(Strategy::ConsistentHash { virtual_nodes: 100 })],
        ),
    ]
}

/// The share of the hottest of ten shards, on several placements of the keys.
fn hot_shard(row: &Row) -> Vec<Figure> {
    let popularity = Keys::Zipf { keys: Count(1_000_000), exponent: 0.99 }.popularity();
    let share = |salt: u64| {
        let ring = Ring::new(Strategy::ConsistentHash { virtual_nodes: 1_000 }, 10, 1_000_000, salt);
        let (mut rng, mut counts) = (Rng::seeded(salt), [0u32; 10]);
        (0..200_000).for_each(|_| counts[ring.shard(popularity.draw(&mut rng)) as usize] += 1);
        f64::from(*counts.iter().max().unwrap_or(&0)) / 200_000.0
    };
    let samples = (0..32).map(share).collect();
    vec![Figure::new("mean_max_share", row.want("mean_max_share"), Range(row.want("p5"), row.want("p95")), samples)]
}

/// Replicas that break down and are repaired; a call goes to any that is up.
fn redundancy(row: &Row) -> Vec<Figure> {
    let of = |metric: &str, replicas: u32, up: &str| {
        let text = format!(
            "(nodes: {{
                \"client\": (kind: client(rate: \"20/s\")),
                \"hosts\": (kind: service(replicas: {replicas}, work: \"0s\",
                    breakdowns: (up: Exponential(\"{up}\"), down: Exponential(\"1s\"), lose: true))),
            }}, links: [(from: \"client\", to: \"hosts\")])"
        );
        let [good] = measure(&text, Effort { seeds: 16, warm_up: 100.0, length: 20_100.0 }, ["good_share"]);
        Figure::new(metric, row.want(metric), Absolute(0.002), good)
    };
    vec![
        of("A=0.9,N=1", 1, "9s"),
        of("A=0.9,N=2", 2, "9s"),
        of("A=0.9,N=3", 3, "9s"),
        of("A=0.99,N=1", 1, "99s"),
        of("A=0.99,N=2", 2, "99s"),
    ]
}
