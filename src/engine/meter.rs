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

/// The levels and the areas under them, each brought up to date when it changes.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    at: [Time; METERS],
    level: [u32; METERS],
    /// Level times nanoseconds. It wraps; what is read is the difference over a window, which is far smaller.
    area: [u64; METERS],
    /// Largest queue since it was last taken.
    queue_peak: u32,
}

impl Meters {
    /// The area under a level at `now`.
    #[inline]
    fn area(&self, now: Time, i: usize) -> u64 {
        self.area[i].wrapping_add(u64::from(self.level[i]).wrapping_mul(now.0 - self.at[i].0))
    }

    #[inline]
    pub fn set(&mut self, now: Time, meter: Meter, level: u32) {
        let i = meter as usize;
        self.area[i] = self.area(now, i);
        self.at[i] = now;
        self.level[i] = level;
        if matches!(meter, Meter::Queue) {
            self.queue_peak = self.queue_peak.max(level);
        }
    }

    /// Add to a level; a level never falls below zero.
    #[inline]
    pub fn add(&mut self, now: Time, meter: Meter, change: i32) {
        let level = self.level[meter as usize].checked_add_signed(change);
        debug_assert!(level.is_some(), "{meter:?} would fall below zero");
        self.set(now, meter, level.unwrap_or(0));
    }

    /// The largest queue since this was last asked.
    pub fn take_peak(&mut self) -> u32 {
        std::mem::replace(&mut self.queue_peak, self.level[Meter::Queue as usize])
    }

    pub fn level(&self, meter: Meter) -> u32 {
        self.level[meter as usize]
    }

    /// The areas at `now`, in level-nanoseconds, modulo 2^64.
    pub fn areas(&self, now: Time) -> [u64; METERS] {
        std::array::from_fn(|i| self.area(now, i))
    }
}
