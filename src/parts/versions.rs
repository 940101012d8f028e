//! Which version of a key each replica has, and since when: so that a stale read is observed, not estimated.
//!
//! Only what is not settled is kept: a key whose newest write has reached every replica is forgotten, with the number of its
//! version noted for all those that are (`settled`). So memory goes with the writes under way and with what
//! replicas have missed, never with the keys that were ever written.

use crate::base::Time;
use crate::base::hash::IntMap;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Replicas at most: those that answered an operation are counted in place.
pub const MOST_REPLICAS: usize = 9;

/// Keys at most that replicas may differ in, of about 400 bytes each. Beyond, the oldest of those that some replica has
/// missed are taken to be the same everywhere; if they turn out to be lost, they are counted all the same.
const MOST_UNSETTLED: usize = 500_000;

/// Keys at most that are known to have been written where others are missing. Beyond, none is missing any more.
const MOST_WRITTEN: usize = 4_000_000;

/// What one replica has of a key.
#[derive(Clone, Debug, Default)]
struct Copy {
    version: u64,
    /// Writes that reach it, with their times, each later and newer than the one before: one that is overtaken by a newer
    /// one is never seen.
    coming: VecDeque<(Time, u64)>,
}

impl Copy {
    fn at(&self, time: Time) -> u64 {
        let come = self.coming.partition_point(|(at, _)| *at <= time);
        come.checked_sub(1).map_or(self.version, |last| self.coming[last].1.max(self.version))
    }

    /// Nobody asks any more what it had before `settled`.
    fn settle(&mut self, settled: Time) {
        while let Some((_, come)) = self.coming.pop_front_if(|(at, _)| *at <= settled) {
            self.version = self.version.max(come);
        }
    }

    /// A write, newer than all before, reaches it.
    fn receive(&mut self, version: u64, at: Time, settled: Time) {
        self.settle(settled);
        while self.coming.pop_back_if(|(other, _)| *other >= at).is_some() {}
        if at != Time::NEVER {
            self.coming.push_back((at, version));
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Key {
    key: u64,
    /// Changes whenever the key is written or forgotten.
    stamp: u32,
    kept: bool,
    /// Whether it did not exist before it was kept, and its version then.
    new: bool,
    base: u64,
    latest: u64,
    committed: u64,
    copies: Box<[Copy]>,
}

/// The versions of all keys that were ever written.
#[derive(Clone, Debug)]
pub struct Versions {
    replicas: usize,
    index: IntMap<u64, u32>,
    keys: Vec<Key>,
    free: Vec<u32>,
    /// When the newest write of a key will have reached all that it reaches, with the key's place and stamp.
    due: BinaryHeap<Reverse<(Time, u32, u32)>>,
    /// Keys that some replica has missed a write of, the oldest first.
    missed: VecDeque<(u32, u32)>,
    /// The version that every replica has of the keys that are not kept: as new as the newest that was forgotten.
    settled: u64,
    /// Acknowledged writes that each replica had missed of keys that were forgotten all the same.
    given_up: [u64; MOST_REPLICAS],
    /// Keys that were written, of those that would be missing otherwise.
    written: IntMap<u64, ()>,
}

impl Versions {
    pub fn new(replicas: usize) -> Versions {
        Versions {
            replicas: replicas.min(MOST_REPLICAS),
            index: IntMap::default(),
            keys: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            missed: VecDeque::new(),
            settled: 0,
            given_up: [0; MOST_REPLICAS],
            written: IntMap::default(),
        }
    }

    /// Keys that replicas may differ in.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// A write that reaches each replica at a time (never: not at all). Nobody asks any more what a replica had before
    /// `settled`. `missing` is whether the key does not exist unless it was written. Returns its version.
    pub fn write(&mut self, key: u64, at: &[Time], settled: Time, missing: bool) -> u64 {
        let new = missing && self.written.len() < MOST_WRITTEN && self.written.insert(key, ()).is_none();
        if self.replicas == 1 {
            // Nobody it could differ from.
            self.settled += 1;
            return self.settled;
        }
        self.forget(settled);
        let place = match self.index.get(&key) {
            Some(&place) => place,
            None => self.keep(key, new),
        };
        let key = &mut self.keys[place as usize];
        key.latest += 1;
        key.stamp = key.stamp.wrapping_add(1);
        let mut due = settled;
        for (copy, at) in key.copies.iter_mut().zip(at).filter(|(_, at)| **at != Time::NEVER) {
            copy.receive(key.latest, *at, settled);
            due = due.max(*at);
        }
        self.due.push(Reverse((due, place, key.stamp)));
        key.latest
    }

    /// Begin to keep a key, of which every replica has the same version.
    fn keep(&mut self, key: u64, new: bool) -> u32 {
        if self.index.len() >= MOST_UNSETTLED {
            self.give_up_oldest();
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.keys.push(Key { copies: vec![Copy::default(); self.replicas].into(), ..Key::default() });
            self.keys.len() as u32 - 1
        });
        let version = self.settled;
        let kept = &mut self.keys[place as usize];
        (kept.key, kept.kept, kept.new) = (key, true, new);
        (kept.base, kept.latest, kept.committed) = (version, version, version);
        for copy in &mut kept.copies {
            copy.version = version;
            copy.coming.clear();
        }
        self.index.insert(key, place);
        place
    }

    /// Forget the keys that every replica has the same version of.
    fn forget(&mut self, settled: Time) {
        while let Some(&Reverse((due, place, stamp))) = self.due.peek()
            && due <= settled
        {
            self.due.pop();
            let key = &mut self.keys[place as usize];
            if key.stamp != stamp || !key.kept {
                continue;
            }
            key.copies.iter_mut().for_each(|copy| copy.settle(settled));
            let first = key.copies[0].version;
            if key.copies.iter().all(|copy| copy.version == first && copy.coming.is_empty()) {
                self.drop_key(place);
            } else {
                self.missed.push_back((place, stamp));
            }
        }
    }

    fn drop_key(&mut self, place: u32) {
        let key = &mut self.keys[place as usize];
        key.kept = false;
        key.stamp = key.stamp.wrapping_add(1);
        self.settled = self.settled.max(key.latest);
        self.index.remove(&key.key);
        self.free.push(place);
    }

    /// Make room: the key whose write was missed the longest ago.
    #[cold]
    fn give_up_oldest(&mut self) {
        while let Some((place, stamp)) = self.missed.pop_front() {
            let key = &self.keys[place as usize];
            if key.kept && key.stamp == stamp {
                for (lost, copy) in self.given_up.iter_mut().zip(&key.copies) {
                    *lost += key.committed.saturating_sub(copy.version);
                }
                return self.drop_key(place);
            }
        }
    }

    fn of(&self, key: u64) -> Option<&Key> {
        self.index.get(&key).map(|place| &self.keys[*place as usize])
    }

    /// A write was acknowledged.
    pub fn commit(&mut self, key: u64, version: u64) {
        if let Some(&place) = self.index.get(&key) {
            let key = &mut self.keys[place as usize];
            key.committed = key.committed.max(version);
        }
    }

    /// The newest version that was acknowledged.
    pub fn committed(&self, key: u64) -> u64 {
        self.of(key).map_or(self.settled, |key| key.committed)
    }

    /// The version that a replica has, or had, at a time.
    pub fn at(&self, key: u64, replica: u16, time: Time) -> u64 {
        self.of(key).map_or(self.settled, |key| key.copies[usize::from(replica)].at(time))
    }

    /// Whether a key that is missing unless it was written exists for who has this version of it.
    pub fn exists(&self, key: u64, version: u64) -> bool {
        match self.of(key) {
            Some(key) => !key.new || version > key.base,
            None => self.written.len() >= MOST_WRITTEN || self.written.contains_key(&key),
        }
    }

    /// Those that are kept, in the order of their places.
    fn kept(&mut self) -> impl Iterator<Item = (u32, &mut Key)> {
        (0..).zip(&mut self.keys).filter(|(_, key)| key.kept)
    }

    /// What was on its way to these replicas (a bit each) will not reach them.
    pub fn cut_off(&mut self, replicas: u64, now: Time) {
        for (_, key) in self.kept() {
            let cut = key.copies.iter_mut().enumerate().filter(|(i, _)| replicas >> i & 1 == 1);
            cut.for_each(|(_, copy)| copy.coming.retain(|(at, _)| *at <= now));
        }
    }

    /// After a failover: what the new primary does not have is lost, wherever else it is or was going. Returns how many
    /// acknowledged writes that are.
    pub fn roll_back_to(&mut self, primary: u16, now: Time) -> u64 {
        let mut lost = std::mem::take(&mut self.given_up[usize::from(primary)]);
        let mut gone = Vec::new();
        for (_, key) in self.kept() {
            let has = key.copies[usize::from(primary)].at(now);
            lost += key.committed.saturating_sub(has);
            key.committed = key.committed.min(has);
            if key.new && has == key.base {
                gone.push(key.key);
            }
            for copy in &mut key.copies {
                copy.version = copy.version.min(has);
                copy.coming.retain(|(_, version)| *version <= has);
            }
        }
        gone.iter().for_each(|key| {
            self.written.remove(key);
        });
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
        if sources.is_empty() {
            return;
        }
        self.given_up[usize::from(replica)] = 0;
        let mut due = Vec::new();
        for (place, key) in self.kept() {
            let newest = sources.iter().map(|source| key.copies[usize::from(*source)].at(now)).max().unwrap_or(0);
            let copy = &mut key.copies[usize::from(replica)];
            if newest > copy.at(at) {
                // What is newer still and on its way stays on its way.
                let newer = copy.coming.partition_point(|(_, version)| *version <= newest);
                let newer = copy.coming.split_off(newer);
                while copy.coming.pop_back_if(|(other, _)| *other >= at).is_some() {}
                copy.coming.push_back((at, newest));
                copy.coming.extend(newer);
            }
            // Whatever it was that some replica had missed: look again when all that is on its way has come.
            let last = key.copies.iter().filter_map(|copy| copy.coming.back()).map(|(at, _)| *at).max();
            key.stamp = key.stamp.wrapping_add(1);
            due.push(Reverse((last.unwrap_or(now), place, key.stamp)));
        }
        // Stamps have changed, so that nothing else is current.
        self.missed.clear();
        self.due = due.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_what_has_reached_it() {
        let mut versions = Versions::new(2);
        let first = versions.write(7, &[Time(10), Time(50)], Time(10), false);
        let second = versions.write(7, &[Time(20), Time(30)], Time(20), false);
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
            versions.write(7, &[Time(n), Time(n + 500)], Time(n), false);
        }
        assert_eq!((versions.at(7, 0, Time(1_000)), versions.at(7, 1, Time(1_000))), (1_000, 500));
        let kept = |versions: &Versions| versions.keys[0].copies.iter().map(|copy| copy.coming.len()).sum::<usize>();
        assert!(kept(&versions) <= 502, "{}", kept(&versions));
        versions.write(7, &[Time(1_001), Time(1_001)], Time(1_001), false);
        assert_eq!(versions.at(7, 1, Time(1_001)), 1_001);
        versions.write(7, &[Time(1_002), Time(1_002)], Time(1_002), false);
        assert!(kept(&versions) <= 2, "{}", kept(&versions));
    }

    #[test]
    fn who_has_missed_something_gets_it_later() {
        let mut versions = Versions::new(2);
        versions.write(7, &[Time(10), Time::NEVER], Time(10), false);
        let version = versions.write(7, &[Time(20), Time::NEVER], Time(20), false);
        versions.catch_up(1, &[0], Time(30), Time(35));
        assert_eq!((versions.at(7, 1, Time(34)), versions.at(7, 1, Time(35))), (0, version));
    }

    /// Frozen from 15 to 40 and half as fast from then on: what would have come at 25 comes 20 after that.
    #[test]
    fn what_is_under_way_to_a_replica_that_stands_still_comes_later() {
        let mut versions = Versions::new(2);
        versions.write(7, &[Time(10), Time(12)], Time(10), false);
        let version = versions.write(7, &[Time(11), Time(25)], Time(11), false);
        versions.delay(1, Time(15), Time(40), 2.0);
        assert_eq!((versions.at(7, 1, Time(59)), versions.at(7, 1, Time(60))), (1, version));
    }

    #[test]
    fn what_only_the_old_primary_had_is_lost() {
        let mut versions = Versions::new(2);
        let version = versions.write(7, &[Time(10), Time(500)], Time(10), false);
        versions.commit(7, version);
        assert_eq!(versions.roll_back_to(1, Time(100)), 1);
        assert_eq!(versions.committed(7), 0);
    }

    /// A million keys, each written once: what every replica has is forgotten, and nobody can tell.
    #[test]
    fn what_is_settled_is_forgotten() {
        let mut versions = Versions::new(3);
        for n in 1..=1_000_000u64 {
            let version = versions.write(n, &[Time(n), Time(n + 100), Time(n + 50)], Time(n), false);
            versions.commit(n, version);
            assert!(versions.len() <= 101, "{} after {n}", versions.len());
        }
        assert!(versions.keys.len() <= 101 && versions.due.len() <= 101 && versions.missed.is_empty());
        let now = Time(1_000_000);
        let stale = |key: u64, replica| versions.at(key, replica, now) < versions.committed(key);
        assert!((1..=999_900).all(|key| !stale(key, 1)) && (1..=999_950).all(|key| !stale(key, 2)));
        assert!((999_901..=1_000_000).all(|key| stale(key, 1)), "what is under way is not");
    }

    /// A read that began before a key was forgotten, and written again since, does not look stale; nor does the new write
    /// look old.
    #[test]
    fn versions_grow_though_keys_are_forgotten() {
        let mut versions = Versions::new(2);
        let mut last = 0;
        for n in 0..100u64 {
            let now = Time(n * 10);
            let version = versions.write(7, &[now, now + crate::base::Span(5)], now, false);
            versions.write(8, &[now, now], now, false);
            assert!(version > last, "{version} after {last}");
            last = version;
        }
    }

    #[test]
    fn what_a_dead_replica_has_missed_is_kept_until_it_has_it() {
        let mut versions = Versions::new(2);
        for key in 0..100 {
            let version = versions.write(key, &[Time(key), Time::NEVER], Time(key), false);
            versions.commit(key, version);
        }
        assert_eq!(versions.len(), 100);
        assert!((0..100).all(|key| versions.at(key, 1, Time(200)) < versions.committed(key)));
        versions.catch_up(1, &[0], Time(200), Time(210));
        versions.write(1_000, &[Time(211), Time(211)], Time(211), false);
        assert_eq!(versions.len(), 1);
        assert!((0..100).all(|key| versions.at(key, 1, Time(211)) >= versions.committed(key)));
    }

    /// Half a million keys are missed by one replica, and a thousand more: memory is bounded, and no loss goes uncounted.
    #[test]
    fn beyond_the_bound_the_oldest_are_given_up_and_still_counted_when_lost() {
        let mut versions = Versions::new(2);
        let keys = MOST_UNSETTLED as u64 + 1_000;
        for key in 0..keys {
            let version = versions.write(key, &[Time(key), Time::NEVER], Time(key), false);
            versions.commit(key, version);
        }
        assert_eq!(versions.len(), MOST_UNSETTLED);
        assert_eq!(versions.roll_back_to(1, Time(keys)), keys);
    }

    #[test]
    fn what_was_written_exists_where_it_has_arrived() {
        for replicas in 1..=2 {
            let mut versions = Versions::new(replicas);
            assert!(!versions.exists(7, versions.at(7, 0, Time(0))));
            let at = [Time(10), Time(50)];
            versions.write(7, &at[..replicas], Time(10), true);
            assert!(versions.exists(7, versions.at(7, 0, Time(10))));
            if replicas == 2 {
                assert!(!versions.exists(7, versions.at(7, 1, Time(40))), "it is on its way");
            }
            versions.write(8, &[Time(60), Time(60)][..replicas], Time(60), true);
            assert!(versions.exists(7, versions.at(7, replicas as u16 - 1, Time(60))));
        }
        // Lost with the old primary, it does not exist any more.
        let mut versions = Versions::new(2);
        versions.write(7, &[Time(10), Time(50)], Time(10), true);
        versions.cut_off(2, Time(20));
        assert_eq!(versions.at(7, 1, Time(60)), 0);
        versions.roll_back_to(1, Time(60));
        assert!(!versions.exists(7, versions.at(7, 0, Time(60))));
    }
}
