//! Which version of a key each replica has, and since when: so that a stale read is observed, not estimated.

use crate::base::Time;
use crate::base::hash::IntMap;
use std::collections::VecDeque;

/// Replicas at most: those that answered an operation are counted in place.
pub const MOST_REPLICAS: usize = 9;

/// What one replica has of a key.
#[derive(Clone, Debug, Default)]
struct Copy {
    version: u32,
    /// Writes that reach it, with their times, each later and newer than the one before: one that is overtaken by a newer
    /// one is never seen.
    coming: VecDeque<(Time, u32)>,
}

impl Copy {
    fn at(&self, time: Time) -> u32 {
        let come = self.coming.partition_point(|(at, _)| *at <= time);
        come.checked_sub(1).map_or(self.version, |last| self.coming[last].1.max(self.version))
    }

    /// A write, newer than all before, reaches it. Nobody asks any more what it had before `settled`.
    fn receive(&mut self, version: u32, at: Time, settled: Time) {
        while let Some((_, come)) = self.coming.pop_front_if(|(at, _)| *at <= settled) {
            self.version = self.version.max(come);
        }
        while self.coming.pop_back_if(|(other, _)| *other >= at).is_some() {}
        if at != Time::NEVER {
            self.coming.push_back((at, version));
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Key {
    latest: u32,
    committed: u32,
    copies: Box<[Copy]>,
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

    /// A write that reaches each replica at a time (never: not at all). Nobody asks any more what a replica had before
    /// `settled`. Returns its version.
    pub fn write(&mut self, key: u64, at: &[Time], settled: Time) -> u32 {
        let place = *self.index.entry(key).or_insert(self.keys.len() as u32) as usize;
        if place == self.keys.len() {
            self.keys.push(Key { copies: vec![Copy::default(); self.replicas].into(), ..Key::default() });
        }
        let key = &mut self.keys[place];
        key.latest += 1;
        for (copy, at) in key.copies.iter_mut().zip(at).filter(|(_, at)| **at != Time::NEVER) {
            copy.receive(key.latest, *at, settled);
        }
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
        self.keys[place as usize].copies[usize::from(replica)].at(time)
    }

    /// After a failover: what the new primary does not have is lost, wherever else it is or was going. Returns how many
    /// acknowledged writes that are.
    pub fn roll_back_to(&mut self, primary: u16, now: Time) -> u64 {
        let mut lost = 0;
        for key in &mut self.keys {
            let has = key.copies[usize::from(primary)].at(now);
            lost += u64::from(key.committed.saturating_sub(has));
            key.committed = key.committed.min(has);
            for copy in &mut key.copies {
                copy.version = copy.version.min(has);
                copy.coming.retain(|(_, version)| *version <= has);
            }
        }
        lost
    }

    /// What was to reach a replica some time after `from` reaches it so many times that time after `to`.
    pub fn delay(&mut self, replica: u16, from: Time, to: Time, factor: f64) {
        if from == to && factor == 1.0 {
            return;
        }
        for key in &mut self.keys {
            for (at, _) in key.copies[usize::from(replica)].coming.iter_mut().filter(|(at, _)| *at > from) {
                *at = to + at.since(from).scale(factor);
            }
        }
    }

    /// A replica that had missed writes gets at `at` what the newest of the `sources` has now.
    pub fn catch_up(&mut self, replica: u16, sources: &[u16], now: Time, at: Time) {
        for key in &mut self.keys {
            let newest = sources.iter().map(|source| key.copies[usize::from(*source)].at(now)).max().unwrap_or(0);
            let copy = &mut key.copies[usize::from(replica)];
            if newest <= copy.at(at) {
                continue;
            }
            // What is newer still and on its way stays on its way.
            let newer = copy.coming.partition_point(|(_, version)| *version <= newest);
            let newer = copy.coming.split_off(newer);
            while copy.coming.pop_back_if(|(other, _)| *other >= at).is_some() {}
            copy.coming.push_back((at, newest));
            copy.coming.extend(newer);
        }
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

    /// However many writes of a key are on their way: what has been overtaken is dropped, the rest is kept.
    #[test]
    fn writes_under_way_are_neither_lost_nor_kept_for_ever() {
        let mut versions = Versions::new(2);
        for n in 1..=1_000u64 {
            versions.write(7, &[Time(n), Time(n + 500)], Time(n));
        }
        assert_eq!((versions.at(7, 0, Time(1_000)), versions.at(7, 1, Time(1_000))), (1_000, 500));
        let kept = |versions: &Versions| versions.keys[0].copies.iter().map(|copy| copy.coming.len()).sum::<usize>();
        assert!(kept(&versions) <= 502, "{}", kept(&versions));
        versions.write(7, &[Time(1_001), Time(1_001)], Time(1_001));
        assert_eq!(versions.at(7, 1, Time(1_001)), 1_001);
        versions.write(7, &[Time(1_002), Time(1_002)], Time(1_002));
        assert!(kept(&versions) <= 2, "{}", kept(&versions));
    }

    #[test]
    fn who_has_missed_something_gets_it_later() {
        let mut versions = Versions::new(2);
        versions.write(7, &[Time(10), Time::NEVER], Time(10));
        let version = versions.write(7, &[Time(20), Time::NEVER], Time(20));
        versions.catch_up(1, &[0], Time(30), Time(35));
        assert_eq!((versions.at(7, 1, Time(34)), versions.at(7, 1, Time(35))), (0, version));
    }

    /// Frozen from 15 to 40 and half as fast from then on: what would have come at 25 comes 20 after that.
    #[test]
    fn what_is_under_way_to_a_replica_that_stands_still_comes_later() {
        let mut versions = Versions::new(2);
        versions.write(7, &[Time(10), Time(12)], Time(10));
        let version = versions.write(7, &[Time(11), Time(25)], Time(11));
        versions.delay(1, Time(15), Time(40), 2.0);
        assert_eq!((versions.at(7, 1, Time(59)), versions.at(7, 1, Time(60))), (1, version));
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
