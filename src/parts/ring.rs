//! Which shard a key belongs to.

use crate::base::hash;
use serde::{Deserialize, Serialize};

/// How keys are shared out among shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Strategy {
    /// Hash modulo the number of shards: nearly every key moves when it changes.
    Modulo,
    /// Equal ranges of the ordered keys: neighbours stay together, and so do hot ones.
    Range,
    /// A hash ring with so many points for each shard (Karger et al. 1997): 1/n of the keys move.
    ConsistentHash { virtual_nodes: u32 },
    /// The shard with the highest hash of key and shard (Thaler and Ravishankar 1998).
    #[default]
    Rendezvous,
    /// A table of so many buckets, each assigned to a shard; as few as possible are reassigned.
    Directory { buckets: u32 },
}

impl Strategy {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Modulo", "Hash modulo the number of shards: nearly every key moves when the number changes."),
        (
            "Range",
            "Range partitioning: equal ranges of the ordered keys. Neighbouring keys share a shard, hot ones too.",
        ),
        ("ConsistentHash", "Consistent hashing: a hash ring with virtual nodes; 1/n of the keys move."),
        ("Rendezvous", "Rendezvous hashing: the shard with the highest hash of key and shard; 1/n of the keys move."),
        ("Directory", "Directory: keys hash into buckets, and a table assigns each bucket to a shard."),
        ("virtual_nodes", "Virtual nodes: points of each shard on the ring."),
        ("buckets", "Number of buckets in the table, 1 to 1,000,000."),
    ];
}

/// The assignment of keys to `n` shards.
#[derive(Clone, Debug)]
pub struct Ring {
    strategy: Strategy,
    shards: u32,
    /// Tells rings apart: by its node's name and the seed.
    salt: u64,
    /// Range: keys there are.
    keys: u64,
    /// Consistent hashing: points on the ring, in order, with their shard.
    points: Vec<(u64, u32)>,
    /// Directory: the shard of each bucket.
    table: Vec<u32>,
}

impl Ring {
    /// `keys` is the number of keys, which a range needs to know; `salt` tells rings apart.
    pub fn new(strategy: Strategy, shards: u32, keys: u64, salt: u64) -> Ring {
        let mut ring = Ring { strategy, shards: 0, salt, keys: keys.max(1), points: Vec::new(), table: Vec::new() };
        if let Strategy::Directory { buckets } = strategy {
            ring.table = vec![0; buckets.max(1) as usize];
        }
        ring.resize(shards);
        ring
    }

    pub fn shards(&self) -> u32 {
        self.shards
    }

    /// Change the number of shards.
    pub fn resize(&mut self, shards: u32) {
        let salt = self.salt;
        let shards = shards.max(1);
        match self.strategy {
            Strategy::ConsistentHash { virtual_nodes } => {
                self.points.retain(|(_, shard)| *shard < shards);
                for shard in self.shards..shards {
                    // Mixed once more than a key is, or the first keys would lie on the points of the first shard.
                    let identity = hash::mix2(salt, u64::from(shard));
                    for point in 0..virtual_nodes.max(1) {
                        let place = hash::mix2(identity, u64::from(point));
                        self.points.push((place, shard));
                    }
                }
                self.points.sort_unstable();
            }
            Strategy::Directory { .. } => self.rebalance(shards),
            _ => {}
        }
        self.shards = shards;
    }

    /// Move as few buckets as give each shard its fair part.
    fn rebalance(&mut self, shards: u32) {
        let n = self.table.len();
        let fair = |shard: u32| n / shards as usize + usize::from((shard as usize) < n % shards as usize);
        let mut held = vec![0usize; shards as usize];
        let mut homeless = Vec::new();
        let fresh = self.shards == 0;
        for (bucket, shard) in self.table.iter().enumerate() {
            let home = (*shard as usize) < held.len() && !fresh && held[*shard as usize] < fair(*shard);
            if home {
                held[*shard as usize] += 1;
            } else {
                homeless.push(bucket);
            }
        }
        let mut shard = 0u32;
        for bucket in homeless {
            while held[shard as usize] >= fair(shard) {
                shard += 1;
            }
            held[shard as usize] += 1;
            self.table[bucket] = shard;
        }
    }

    /// Where a key lies, for the strategies that hash it.
    #[inline]
    fn place(&self, key: u64) -> u64 {
        hash::mix2(self.salt, key)
    }

    /// The shard of a key.
    #[inline]
    pub fn shard(&self, key: u64) -> u32 {
        match self.strategy {
            Strategy::Modulo => (self.place(key) % u64::from(self.shards)) as u32,
            Strategy::Range => {
                let place = u128::from(key % self.keys) * u128::from(self.shards) / u128::from(self.keys);
                place as u32
            }
            Strategy::ConsistentHash { .. } => {
                let place = self.place(key);
                let next = self.points.partition_point(|(point, _)| *point < place);
                self.points[if next == self.points.len() { 0 } else { next }].1
            }
            Strategy::Rendezvous => {
                let score = |shard: &u32| hash::mix2(self.place(key), u64::from(*shard));
                (0..self.shards).max_by_key(score).unwrap_or(0)
            }
            Strategy::Directory { .. } => self.table[(self.place(key) % self.table.len() as u64) as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The popular keys are the first ones: they must not lie together.
    #[test]
    fn the_first_keys_are_spread_like_all_others() {
        let strategies = [
            Strategy::Modulo,
            Strategy::ConsistentHash { virtual_nodes: 500 },
            Strategy::Rendezvous,
            Strategy::Directory { buckets: 1_000 },
        ];
        for strategy in strategies {
            for salt in 0..20 {
                let ring = Ring::new(strategy, 8, 100_000, salt);
                let mut counts = [0; 8];
                (0..500).for_each(|key| counts[ring.shard(key) as usize] += 1);
                assert!(counts.iter().all(|n| (30..110).contains(n)), "{strategy:?}, {salt}: {counts:?}");
            }
        }
    }

    fn moved(strategy: Strategy, from: u32, to: u32) -> f64 {
        let keys = 100_000u64;
        let before = Ring::new(strategy, from, keys, 7);
        let mut after = before.clone();
        after.resize(to);
        let fresh = Ring::new(strategy, to, keys, 7);
        let mut moved = 0;
        for key in 0..keys {
            let shard = after.shard(key);
            assert!(shard < to);
            if !matches!(strategy, Strategy::Directory { .. }) {
                assert_eq!(shard, fresh.shard(key), "history must not matter");
            }
            moved += u32::from(shard != before.shard(key));
        }
        f64::from(moved) / keys as f64
    }

    #[test]
    fn as_many_keys_move_as_the_strategy_says() {
        for (to, fair, modulo) in [(11, 1.0 / 11.0, 0.909), (12, 1.0 / 6.0, 0.8333)] {
            assert!((moved(Strategy::Modulo, 10, to) - modulo).abs() < 0.005);
            assert!((moved(Strategy::Rendezvous, 10, to) - fair).abs() < 0.005);
            assert!((moved(Strategy::ConsistentHash { virtual_nodes: 200 }, 10, to) - fair).abs() < fair * 0.2);
            assert!((moved(Strategy::Directory { buckets: 4_096 }, 10, to) - fair).abs() < 0.01);
        }
        assert!((moved(Strategy::Rendezvous, 10, 9) - 0.1).abs() < 0.005);
    }

    fn square(x: f64) -> f64 {
        x * x
    }

    /// Shares of the key space on a ring of 10 shards with 100 points each: relative deviation 9.48 %.
    #[test]
    fn a_ring_is_as_uneven_as_theory_says() {
        let (rings, keys) = (60, 20_000u64);
        let mut squares = 0.0;
        for salt in 0..rings {
            let ring = Ring::new(Strategy::ConsistentHash { virtual_nodes: 100 }, 10, keys, hash::mix(salt));
            let mut counts = [0u32; 10];
            for key in 0..keys {
                counts[ring.shard(key ^ salt << 40) as usize] += 1;
            }
            squares += counts.iter().map(|&n| square(f64::from(n) / (keys as f64 / 10.0) - 1.0)).sum::<f64>() / 10.0;
        }
        // The keys are a sample: its own variance comes on top.
        let variance = squares / rings as f64 - 10.0 * 0.9 / keys as f64;
        assert!((variance.sqrt() / 0.0948 - 1.0).abs() < 0.08, "{}", variance.sqrt());
    }
}
