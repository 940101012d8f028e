//! Which version of a key each replica has, and since when: so that a stale read is observed, not estimated.

use crate::base::Time;
use crate::base::hash::IntMap;

/// Replicas at most: they are kept in place.
pub const MOST_REPLICAS: usize = 9;
/// Writes of a key that are still on their way somewhere; more are taken to have arrived.
const MOST_UNDER_WAY: usize = 64;

#[derive(Clone, Debug)]
struct Write {
    version: u32,
    at: [Time; MOST_REPLICAS],
}

#[derive(Clone, Debug, Default)]
struct Key {
    latest: u32,
    committed: u32,
    /// What each replica is known to have.
    base: [u32; MOST_REPLICAS],
    under_way: Vec<Write>,
}

/// The versions of all keys that were ever written.
#[derive(Clone, Debug)]
pub struct Versions {
    replicas: usize,
    index: IntMap<u64, u32>,
    keys: Vec<Key>,
}

impl Versions {
    pub fn new(replicas: usize) -> Versions {
        Versions { replicas: replicas.min(MOST_REPLICAS), index: IntMap::default(), keys: Vec::new() }
    }

    /// Keys that were written.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A write that reaches each replica at a time (never: not at all). Returns its version.
    pub fn write(&mut self, key: u64, at: &[Time], now: Time) -> u32 {
        let place = *self.index.entry(key).or_insert(self.keys.len() as u32) as usize;
        if place == self.keys.len() {
            self.keys.push(Key::default());
        }
        let key = &mut self.keys[place];
        key.latest += 1;
        // What has arrived everywhere, or can only be overtaken, need not be kept apart. A read that is under way looks
        // back at most as long as its own delays, so that a margin is left.
        while let Some(first) = key.under_way.first() {
            let settled =
                first.at[..self.replicas].iter().all(|at| *at == Time::NEVER || at.0.saturating_add(MARGIN) < now.0);
            if !settled && key.under_way.len() < MOST_UNDER_WAY {
                break;
            }
            for (base, at) in key.base.iter_mut().zip(first.at) {
                if at != Time::NEVER {
                    *base = (*base).max(first.version);
                }
            }
            key.under_way.remove(0);
        }
        let mut write = Write { version: key.latest, at: [Time::NEVER; MOST_REPLICAS] };
        write.at[..at.len()].copy_from_slice(at);
        key.under_way.push(write);
        key.latest
    }

    /// A write was acknowledged.
    pub fn commit(&mut self, key: u64, version: u32) {
        if let Some(&place) = self.index.get(&key) {
            let key = &mut self.keys[place as usize];
            key.committed = key.committed.max(version);
        }
    }

    /// The newest version that was acknowledged.
    pub fn committed(&self, key: u64) -> u32 {
        self.index.get(&key).map_or(0, |place| self.keys[*place as usize].committed)
    }

    /// The version that a replica has, or had, at a time.
    pub fn at(&self, key: u64, replica: u16, time: Time) -> u32 {
        let Some(&place) = self.index.get(&key) else { return 0 };
        self.keys[place as usize].at(usize::from(replica), time)
    }

    /// After a failover: what the new primary does not have is lost. Returns how many acknowledged writes that are.
    pub fn roll_back_to(&mut self, primary: u16, now: Time) -> u64 {
        let mut lost = 0;
        for key in &mut self.keys {
            let has = key.at(usize::from(primary), now);
            lost += u64::from(key.committed.saturating_sub(has));
            key.committed = key.committed.min(has);
            key.latest = key.latest.max(has);
        }
        lost
    }

    /// A replica that comes back copies what the primary has.
    pub fn catch_up(&mut self, replica: u16, primary: u16, now: Time) {
        for key in &mut self.keys {
            let has = key.at(usize::from(primary), now);
            let base = &mut key.base[usize::from(replica)];
            *base = (*base).max(has);
        }
    }
}

/// Ten seconds, in nanoseconds.
const MARGIN: u64 = 10_000_000_000;

impl Key {
    fn at(&self, replica: usize, time: Time) -> u32 {
        let arrived = self.under_way.iter().filter(|write| write.at[replica] <= time).map(|write| write.version);
        arrived.max().unwrap_or(0).max(self.base[replica])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_what_has_reached_it() {
        let mut versions = Versions::new(2);
        let first = versions.write(7, &[Time(10), Time(50)], Time(10));
        let second = versions.write(7, &[Time(20), Time(30)], Time(20));
        versions.commit(7, second);
        assert_eq!((first, second, versions.committed(7)), (1, 2, 2));
        assert_eq!(versions.at(7, 0, Time(15)), 1);
        assert_eq!(versions.at(7, 1, Time(25)), 0);
        // The second write overtook the first.
        assert_eq!(versions.at(7, 1, Time(35)), 2);
        assert_eq!(versions.at(7, 1, Time(60)), 2);
    }

    #[test]
    fn what_only_the_old_primary_had_is_lost() {
        let mut versions = Versions::new(2);
        let version = versions.write(7, &[Time(10), Time(500)], Time(10));
        versions.commit(7, version);
        assert_eq!(versions.roll_back_to(1, Time(100)), 1);
        assert_eq!(versions.committed(7), 0);
    }
}
