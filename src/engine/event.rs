//! The event queue, ordered by (time, sequence): a sorted array while few events are pending, a calendar queue (Brown
//! 1988) whose buckets are sorted when they come due otherwise. With 100,000 pending events a calendar touches memory in
//! order where a heap does not; with a handful it would only add bookkeeping. A binary heap is the oracle in the tests.

use crate::base::Time;
use std::collections::BinaryHeap;

/// An event: 24 bytes. `what` is the business of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub at: Time,
    /// Sequence number in the upper 40 bits, so that equal times keep their order; node or link in the lower 24.
    seq_and_place: u64,
    pub what: u64,
}

/// An event in a heap: the earliest is the greatest.
#[derive(Clone, Copy, Debug)]
struct Far(Event);

impl Ord for Far {
    fn cmp(&self, other: &Far) -> std::cmp::Ordering {
        other.0.key().cmp(&self.0.key())
    }
}

impl PartialOrd for Far {
    fn partial_cmp(&self, other: &Far) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Far {
    fn eq(&self, other: &Far) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for Far {}

const PLACE_BITS: u32 = 24;
/// So many nodes and links fit into an event.
pub const MAX_PLACES: u32 = 1 << PLACE_BITS;

impl Event {
    /// What events are ordered by: no two are equal.
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.at.0) << 64 | u128::from(self.seq_and_place)
    }

    #[inline]
    pub fn place(&self) -> u32 {
        (self.seq_and_place & u64::from(MAX_PLACES - 1)) as u32
    }
}

/// Up to here a sorted array is used; measured to be the faster one below about this many.
const FEW: usize = 24;
/// Below this a calendar is turned back into an array (well below `FEW`, so that it does not go back and forth).
const VERY_FEW: usize = 6;
const MIN_BUCKETS: usize = 64;
const MAX_BUCKETS: usize = 1 << 17;
/// So many pending events no longer fit into the cache, together with their buckets.
const MANY: usize = 4_096;

/// Events an average bucket should hold when it comes due, with so many pending: few, because they are sorted then; more
/// where it matters that the buckets' ends stay in the cache, because every insertion touches one.
fn per_bucket(pending: usize) -> u64 {
    if pending > MANY { 32 } else { 4 }
}

/// Pending events, earliest first; equal times in the order of their scheduling.
#[derive(Clone, Debug)]
pub struct EventQueue {
    /// The events before `due_end`, latest first, so that the next one is at the end.
    due: Vec<Event>,
    /// Events at or after this time are in `buckets` or `far`.
    due_end: u64,
    buckets: Vec<Vec<Event>>,
    /// A bit for each bucket that holds something.
    occupied: Vec<u64>,
    /// A bucket is 2^shift nanoseconds wide.
    shift: u32,
    in_buckets: usize,
    /// Events beyond the last bucket, earliest on top.
    far: BinaryHeap<Far>,
    seq: u64,
    /// When the buckets were laid out: `seq`, less the events that were pending.
    taken_before: u64,
    /// Since then: buckets opened, events that went to `far`.
    opened: u64,
    strays: u64,
    /// A bucket of very many events has been opened since this was last asked.
    fresh: bool,
}

impl Default for EventQueue {
    fn default() -> Self {
        EventQueue {
            due: Vec::with_capacity(2 * FEW),
            due_end: u64::MAX,
            buckets: Vec::new(),
            occupied: Vec::new(),
            shift: 0,
            in_buckets: 0,
            far: BinaryHeap::new(),
            seq: 0,
            taken_before: 0,
            opened: 0,
            strays: 0,
            fresh: false,
        }
    }
}

impl EventQueue {
    pub fn len(&self) -> usize {
        self.due.len() + self.in_buckets + self.far.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Schedule `what` for `place` at `at`. Events at [`Time::NEVER`] are not kept.
    #[inline]
    pub fn push(&mut self, at: Time, place: u32, what: u64) {
        if at == Time::NEVER {
            return;
        }
        self.seq += 1;
        self.insert(at, (self.seq << PLACE_BITS) | u64::from(place), what);
    }

    /// In parts, so that they are passed in registers.
    #[inline(never)]
    fn insert(&mut self, at: Time, seq_and_place: u64, what: u64) {
        let event = Event { at, seq_and_place, what };
        if at.0 >= self.due_end {
            return self.insert_later(event);
        }
        let n = self.due.len();
        if n >= FEW || n == self.due.capacity() {
            return self.insert_among_many(at, seq_and_place, what);
        }
        // Most events that fall among the due ones are near the front of time, that is the end of the array. Its sequence
        // number is the largest, so that among equal times it comes last.
        self.due.push(event);
        let (due, mut i) = (self.due.as_mut_slice(), n);
        while i > 0 && due[i - 1].at <= at {
            due[i] = due[i - 1];
            i -= 1;
        }
        due[i] = event;
    }

    /// The same where the array is long, or must grow. Nothing follows the call of this, so that the usual case saves no
    /// registers.
    #[cold]
    #[inline(never)]
    fn insert_among_many(&mut self, at: Time, seq_and_place: u64, what: u64) {
        let i = self.due.partition_point(|other| other.at > at);
        self.due.insert(i, Event { at, seq_and_place, what });
        if self.due.len() > FEW && self.due_end == u64::MAX {
            self.lay_out();
        }
    }

    #[inline(always)]
    fn insert_later(&mut self, event: Event) {
        let bucket = event.at.0 >> self.shift;
        let first = self.due_end >> self.shift;
        if bucket - first < self.buckets.len() as u64 {
            let i = bucket as usize & (self.buckets.len() - 1);
            self.occupied[i / 64] |= 1 << (i % 64);
            self.in_buckets += 1;
            let bucket = &mut self.buckets[i];
            if bucket.len() == bucket.capacity() {
                return push_growing(bucket, event.at, event.seq_and_place, event.what);
            }
            bucket.push(event);
        } else {
            self.insert_far(event.at, event.seq_and_place, event.what);
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_far(&mut self, at: Time, seq_and_place: u64, what: u64) {
        self.strays += 1;
        self.far.push(Far(Event { at, seq_and_place, what }));
    }

    /// Take the next event if it is not later than `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: Time) -> Option<Event> {
        if self.due.is_empty() && !self.open_next() {
            return None;
        }
        let last = self.due.last()?;
        if last.at > limit {
            return None;
        }
        self.due.pop()
    }

    /// Whether the events that are due next have become so since this was last asked, where very many are pending.
    #[inline]
    pub fn take_fresh(&mut self) -> bool {
        self.fresh && std::mem::take(&mut self.fresh)
    }

    /// The events that are due next, latest first.
    pub fn due(&self) -> &[Event] {
        &self.due
    }

    /// When the next event is due.
    pub fn next_time(&mut self) -> Option<Time> {
        if self.due.is_empty() && !self.open_next() {
            return None;
        }
        self.due.last().map(|event| event.at)
    }

    /// Make the next bucket that holds something the due one. False if nothing is pending.
    #[cold]
    #[inline(never)]
    fn open_next(&mut self) -> bool {
        if self.in_buckets + self.far.len() == 0 {
            return false;
        }
        if self.in_buckets + self.far.len() <= VERY_FEW || self.badly_laid_out() || self.in_buckets == 0 {
            self.lay_out();
            if !self.due.is_empty() {
                return true;
            }
        }
        let mask = self.buckets.len() - 1;
        let start = (self.due_end >> self.shift) as usize & mask;
        let found = self.next_occupied(start);
        let step = (found.wrapping_sub(start) & mask) as u64;
        let absolute = (self.due_end >> self.shift) + step;
        self.occupied[found / 64] &= !(1 << (found % 64));
        std::mem::swap(&mut self.due, &mut self.buckets[found]);
        self.in_buckets -= self.due.len();
        self.due_end = (absolute + 1) << self.shift;
        self.opened += 1;
        self.due.sort_unstable_by_key(|event| std::cmp::Reverse(event.key()));
        self.fresh = self.in_buckets > MANY;
        self.admit_far();
        true
    }

    /// Move events from `far` into the bucket that has just become free at the end of the horizon.
    fn admit_far(&mut self) {
        let end = (self.due_end >> self.shift) + self.buckets.len() as u64;
        while let Some(Far(event)) = self.far.peek().copied() {
            if event.at.0 >> self.shift >= end {
                break;
            }
            self.far.pop();
            self.insert_later(event);
        }
    }

    /// The first occupied bucket at or after `start`, in circular order. Something is occupied.
    fn next_occupied(&self, start: usize) -> usize {
        let words = self.occupied.len();
        let mut word = start / 64;
        let mut bits = self.occupied[word] & (u64::MAX << (start % 64));
        for _ in 0..=words {
            if bits != 0 {
                return word * 64 + bits.trailing_zeros() as usize;
            }
            word = (word + 1) % words;
            bits = self.occupied[word];
        }
        unreachable!("a bucket was occupied")
    }

    /// Whether the width or number of buckets has become unsuitable; looked at rarely, so that laying out anew costs
    /// little per event.
    fn badly_laid_out(&self) -> bool {
        let pending = self.in_buckets + self.far.len();
        // All that were ever scheduled are pending or were taken.
        let taken = self.seq - pending as u64 - self.taken_before;
        if taken < 4 * pending as u64 + 1024 {
            return false;
        }
        let (found, wanted) = (taken / self.opened.max(1), per_bucket(pending));
        let crowded = found > 4 * wanted && self.shift > 0;
        let sparse = found < wanted / 2 && self.opened > 1024 && self.strays * 8 > taken;
        let few_buckets = pending > wanted as usize * self.buckets.len() && self.buckets.len() < MAX_BUCKETS;
        crowded || sparse || few_buckets || self.strays * 4 > taken
    }

    /// Choose an array or a calendar, and its width, by what is pending now.
    #[cold]
    fn lay_out(&mut self) {
        let mut all: Vec<Event> = std::mem::take(&mut self.due);
        for bucket in &mut self.buckets {
            all.append(bucket);
        }
        all.extend(self.far.drain().map(|Far(event)| event));
        all.sort_unstable_by_key(|event| std::cmp::Reverse(event.key()));
        self.occupied.fill(0);
        self.in_buckets = 0;
        self.taken_before = self.seq - all.len() as u64;
        (self.opened, self.strays) = (0, 0);
        if all.len() <= FEW {
            self.due_end = u64::MAX;
            self.due = all;
            return;
        }
        let n = all.len();
        let wanted = per_bucket(n);
        let count = (2 * n / wanted as usize).next_power_of_two().clamp(MIN_BUCKETS, MAX_BUCKETS);
        // The near half says how dense the events are; the far end may be timeouts that never fire.
        let first = all[n - 1].at.0;
        let near = all[n - 1 - n / 2].at.0 - first;
        let width = (near.saturating_mul(wanted) / (n as u64 / 2)).max(1);
        self.shift = width.ilog2();
        if self.buckets.len() != count {
            self.buckets.resize_with(count, Vec::new);
            self.occupied.clear();
            self.occupied.resize(count / 64, 0);
        }
        self.due_end = (first >> self.shift) << self.shift;
        for event in all.into_iter().rev() {
            self.insert_later(event);
        }
        self.strays = 0;
    }
}

/// Apart, and in parts, for the sake of the usual case.
#[cold]
#[inline(never)]
fn push_growing(bucket: &mut Vec<Event>, at: Time, seq_and_place: u64, what: u64) {
    bucket.push(Event { at, seq_and_place, what });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use std::cmp::Reverse;

    /// Against a heap, over loads that grow, shrink, cluster and stray, with many equal times.
    #[test]
    fn order_is_that_of_a_heap() {
        for seed in 0..20 {
            let mut rng = Rng::seeded(seed);
            let (mut queue, mut heap) = (EventQueue::default(), BinaryHeap::new());
            let (mut now, mut seq) = (0u64, 0u64);
            for phase in 0..12 {
                let target = [3usize, 30, 3_000, 10, 500, 0, 20_000, 40, 2, 700, 5, 100][phase];
                let scale = f64::from(10u32.pow(rng.below(8)));
                for _ in 0..6_000 {
                    if heap.len() < target || (heap.len() == target && rng.chance(0.5)) {
                        let far = if rng.chance(0.02) { 1e4 } else { 1.0 };
                        let delay = if rng.chance(0.2) { 0 } else { (rng.exp1() * scale * far) as u64 };
                        seq += 1;
                        heap.push(Reverse((now + delay, seq)));
                        queue.push(Time(now + delay), 7, seq);
                    } else if let Some(Reverse((at, id))) = heap.pop() {
                        let event = queue.pop_until(Time(u64::MAX)).expect("as many as the heap");
                        assert_eq!((event.at.0, event.what, event.place()), (at, id, 7), "seed {seed}");
                        now = at;
                    }
                    assert_eq!(queue.len(), heap.len());
                }
            }
        }
    }

    #[test]
    fn nothing_later_than_the_limit_is_taken() {
        let mut queue = EventQueue::default();
        for i in 0..100 {
            queue.push(Time(i * 10), 0, i);
        }
        assert_eq!(std::iter::from_fn(|| queue.pop_until(Time(495))).count(), 50);
        assert_eq!(queue.next_time(), Some(Time(500)));
    }
}
