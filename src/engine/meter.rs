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

/// Levels that change together, and the areas under them up to `at`. The areas wrap; what is read is the difference over a
/// window, which is far smaller.
#[derive(Clone, Debug)]
struct Levels<const N: usize> {
    at: Time,
    level: [u32; N],
    /// Level times nanoseconds.
    area: [u64; N],
}

impl<const N: usize> Default for Levels<N> {
    fn default() -> Self {
        Levels { at: Time::ZERO, level: [0; N], area: [0; N] }
    }
}

impl<const N: usize> Levels<N> {
    /// The areas at `now`.
    #[inline]
    fn areas(&self, now: Time) -> [u64; N] {
        let passed = now.0 - self.at.0;
        std::array::from_fn(|i| self.area[i].wrapping_add(u64::from(self.level[i]).wrapping_mul(passed)))
    }

    /// Bring the areas up to date, for the levels are about to change.
    #[inline]
    fn advance(&mut self, now: Time) {
        self.area = self.areas(now);
        self.at = now;
    }

    #[inline]
    fn add(&mut self, i: usize, change: i32) {
        debug_assert!(self.level[i].checked_add_signed(change).is_some(), "a level would fall below zero");
        self.level[i] = self.level[i].wrapping_add_signed(change);
    }
}

/// What of a node is in use, and what there is.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    /// Queue, busy slots, busy cores.
    work: Levels<WORK>,
    /// Slots, cores.
    capacity: Levels<{ METERS - WORK }>,
    /// Largest queue since it was last taken.
    queue_peak: u32,
}

/// The first so many meters are about work.
const WORK: usize = 3;

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
        if i < WORK {
            self.work.advance(now);
            self.work.add(i, change);
            if matches!(meter, Meter::Queue) {
                self.note_peak();
            }
        } else {
            self.capacity.advance(now);
            self.capacity.add(i - WORK, change);
        }
    }

    /// Add to the levels of queue, busy slots and busy cores.
    #[inline]
    pub fn add_work(&mut self, now: Time, changes: [i32; WORK]) {
        self.work.advance(now);
        for (i, change) in changes.into_iter().enumerate() {
            self.work.add(i, change);
        }
        self.note_peak();
    }

    #[inline]
    fn note_peak(&mut self) {
        self.queue_peak = self.queue_peak.max(self.level(Meter::Queue));
    }

    /// The largest queue since this was last asked.
    pub fn take_peak(&mut self) -> u32 {
        let queue = self.level(Meter::Queue);
        std::mem::replace(&mut self.queue_peak, queue)
    }

    #[inline]
    pub fn level(&self, meter: Meter) -> u32 {
        let i = meter as usize;
        if i < WORK { self.work.level[i] } else { self.capacity.level[i - WORK] }
    }

    /// The areas at `now`, in level-nanoseconds, modulo 2^64.
    pub fn areas(&self, now: Time) -> [u64; METERS] {
        let ([queue, busy, cores], [slots, all_cores]) = (self.work.areas(now), self.capacity.areas(now));
        [queue, busy, cores, slots, all_cores]
    }
}
