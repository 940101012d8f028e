//! Time-weighted levels of a node: how many calls wait, how many slots and cores are busy, how many there are.

use crate::base::Time;

/// The levels that every node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Meter {
    /// Calls or messages that wait.
    Queue,
    /// Slots in use.
    Busy,
    /// Cores in use.
    Cores,
    /// Slots there are; 0 where they are not limited.
    SlotCapacity,
    /// Cores there are; 0 where they are not limited.
    CoreCapacity,
}

pub const METERS: usize = 5;

/// What of a node is in use, and what there is: levels, and the areas under them. A change by `d` at the instant `t` adds
/// nothing to an area until then, and `d` times what passes since; so an area at `now` is the level times `now`, less the
/// sum of all `d` times `t`, and a level that stays costs nothing. The products wrap; what is read is the difference of two
/// areas, which is far smaller.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    level: [u32; METERS],
    /// Largest queue since it was last taken.
    queue_peak: u32,
    /// Each change times its instant, in nanoseconds.
    changes: [u64; METERS],
}

impl Meters {
    #[inline]
    pub fn set(&mut self, now: Time, meter: Meter, level: u32) {
        let change = level.wrapping_sub(self.level(meter)) as i32;
        self.add(now, meter, change);
    }

    /// Add to a level; a level never falls below zero.
    #[inline]
    pub fn add(&mut self, now: Time, meter: Meter, change: i32) {
        let i = meter as usize;
        debug_assert!(self.level[i].checked_add_signed(change).is_some(), "a level would fall below zero");
        self.level[i] = self.level[i].wrapping_add_signed(change);
        self.changes[i] = self.changes[i].wrapping_add((i64::from(change) as u64).wrapping_mul(now.0));
        if matches!(meter, Meter::Queue) {
            self.queue_peak = self.queue_peak.max(self.level[i]);
        }
    }

    /// Add to the levels of queue, busy slots and busy cores.
    #[inline]
    pub fn add_work(&mut self, now: Time, [queue, busy, cores]: [i32; 3]) {
        self.add(now, Meter::Queue, queue);
        self.add(now, Meter::Busy, busy);
        self.add(now, Meter::Cores, cores);
    }

    /// The largest queue since this was last asked.
    pub fn take_peak(&mut self) -> u32 {
        let queue = self.level(Meter::Queue);
        std::mem::replace(&mut self.queue_peak, queue)
    }

    #[inline]
    pub fn level(&self, meter: Meter) -> u32 {
        self.level[meter as usize]
    }

    /// The areas at `now`, in level-nanoseconds, modulo 2^64.
    pub fn areas(&self, now: Time) -> [u64; METERS] {
        std::array::from_fn(|i| u64::from(self.level[i]).wrapping_mul(now.0).wrapping_sub(self.changes[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    /// Against areas summed up step by step.
    #[test]
    fn areas_are_levels_summed_over_time() {
        const ALL: [Meter; METERS] =
            [Meter::Queue, Meter::Busy, Meter::Cores, Meter::SlotCapacity, Meter::CoreCapacity];
        let mut rng = Rng::seeded(1);
        let (mut meters, mut now) = (Meters::default(), Time(1 << 55));
        let (mut levels, mut areas, mut peak) = ([0u32; METERS], [0u64; METERS], 0);
        let begun = meters.areas(now);
        for _ in 0..10_000 {
            let passed = u64::from(rng.below(1_000_000_000));
            now.0 += passed;
            for i in 0..METERS {
                areas[i] += u64::from(levels[i]) * passed;
                let level = rng.below(200);
                meters.set(now, ALL[i], level);
                levels[i] = level;
            }
            peak = peak.max(levels[0]);
        }
        let ended = meters.areas(now);
        for i in 0..METERS {
            assert_eq!(ended[i].wrapping_sub(begun[i]), areas[i], "{:?}", ALL[i]);
        }
        assert_eq!((meters.take_peak(), meters.take_peak()), (peak, levels[0]));
    }
}
