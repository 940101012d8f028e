//! The event queue, ordered by (time, sequence): a sorted array while few events are pending, a calendar queue (Brown
//! 1988) whose buckets are sorted when they come due otherwise. The calendar has two rows, as a ladder queue (Tang, Goh and
//! Thng 2005): narrow buckets for what is near, wide ones for what is later, so that with 100,000 pending events an
//! insertion touches one of a thousand places or so, which are in the cache. A binary heap is the oracle in the tests.

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
    pub fn key(&self) -> u128 {
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
/// Among more than this an insertion takes longer than laying out all anew, for each of them once.
const CROWD: usize = 512;
/// So many pending events no longer fit into the cache, with all that they are about.
const MANY: usize = 4_096;
/// Buckets of a row; powers of two. Every place at which one ends ought to stay in the cache.
const NEAR: [usize; 2] = [64, 1_024];
const LATER: [usize; 2] = [64, 4_096];

/// Events a narrow bucket should hold when it comes due, with so many pending: few, because they are sorted then; more
/// where the calls that they are about are far away in memory, and best fetched together.
fn per_bucket(pending: usize) -> usize {
    if pending > MANY { 8 } else { 4 }
}

/// How many buckets are narrow and how many are wide.
fn rows(pending: usize) -> (usize, usize) {
    let within = |n: usize, [least, most]: [usize; 2]| n.next_power_of_two().clamp(least, most);
    let near = within(4 * pending / per_bucket(pending), NEAR);
    (near, within(8 * pending / (per_bucket(pending) * near / 2), LATER))
}

/// Pending events, earliest first; equal times in the order of their scheduling.
#[derive(Clone, Debug)]
pub struct EventQueue {
    /// The events before `due_end`, latest first, so that the next one is at the end.
    due: Vec<Event>,
    /// Events at or after this time are in the buckets or in `far`.
    due_end: u64,
    /// A narrow bucket is 2^shift nanoseconds wide. They hold what is due before the one of the number `near_end`.
    near: Vec<Vec<Event>>,
    shift: u32,
    near_end: u64,
    in_near: usize,
    /// A bit for each narrow bucket that holds something.
    occupied: Vec<u64>,
    /// A wide bucket is as wide as half of the narrow ones.
    later: Vec<Vec<Event>>,
    in_later: usize,
    /// Events beyond the last bucket, earliest on top.
    far: BinaryHeap<Far>,
    seq: u64,
    /// When the buckets were laid out: `seq`, less the events that were pending.
    taken_before: u64,
    /// `seq` at that time.
    laid_out_at: u64,
    /// Since then: buckets opened, events that went to `far`.
    opened: u64,
    strays: u64,
    /// A bucket has been opened while very many events were pending, since this was last asked.
    fresh: bool,
}

impl Default for EventQueue {
    fn default() -> Self {
        EventQueue {
            due: Vec::with_capacity(2 * FEW),
            due_end: u64::MAX,
            near: Vec::new(),
            shift: 0,
            near_end: 0,
            in_near: 0,
            occupied: Vec::new(),
            later: Vec::new(),
            in_later: 0,
            far: BinaryHeap::new(),
            seq: 0,
            taken_before: 0,
            laid_out_at: 0,
            opened: 0,
            strays: 0,
            fresh: false,
        }
    }
}

impl EventQueue {
    pub fn len(&self) -> usize {
        self.due.len() + self.pending_later()
    }

    /// Those that are not among the due ones.
    fn pending_later(&self) -> usize {
        self.in_near + self.in_later + self.far.len()
    }

    /// All that are pending, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        let later = self.near.iter().chain(&self.later).flatten();
        self.due.iter().chain(later).chain(self.far.iter().map(|Far(event)| event))
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
        self.due.push(event);
        sink(&mut self.due, event);
    }

    /// The same where the array is long, or must grow. Nothing follows the call of this, so that the usual case saves no
    /// registers.
    #[cold]
    #[inline(never)]
    fn insert_among_many(&mut self, at: Time, seq_and_place: u64, what: u64) {
        let i = self.due.partition_point(|other| other.at > at);
        self.due.insert(i, Event { at, seq_and_place, what });
        let crowded =
            || self.due.len() > CROWD && self.shift > 0 && 2 * (self.seq - self.laid_out_at) > self.len() as u64;
        if self.due.len() > FEW && (self.due_end == u64::MAX || crowded()) {
            self.lay_out();
        }
    }

    #[inline(always)]
    fn insert_later(&mut self, event: Event) {
        let number = event.at.0 >> self.shift;
        let bucket = if number < self.near_end {
            let i = number as usize & (self.near.len() - 1);
            self.occupied[i / 64] |= 1 << (i % 64);
            self.in_near += 1;
            &mut self.near[i]
        } else {
            let wide = self.wide();
            if (number >> wide) - (self.near_end >> wide) >= self.later.len() as u64 {
                return self.insert_far(event.at, event.seq_and_place, event.what);
            }
            let i = (number >> wide) as usize & (self.later.len() - 1);
            self.in_later += 1;
            &mut self.later[i]
        };
        if bucket.len() == bucket.capacity() {
            return push_growing(bucket, event.at, event.seq_and_place, event.what);
        }
        bucket.push(event);
    }

    /// A wide bucket is 2^this narrow ones.
    #[inline]
    fn wide(&self) -> u32 {
        self.near.len().trailing_zeros() - 1
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
        let pending = self.pending_later();
        if pending == 0 {
            return false;
        }
        if pending <= VERY_FEW || self.badly_laid_out() || self.in_near + self.in_later == 0 {
            self.lay_out();
            if !self.due.is_empty() {
                return true;
            }
        }
        while self.in_near == 0 {
            self.due_end = self.near_end << self.shift;
            self.bring_near();
        }
        let mask = self.near.len() - 1;
        let start = (self.due_end >> self.shift) as usize & mask;
        let found = self.next_occupied(start);
        let step = (found.wrapping_sub(start) & mask) as u64;
        let absolute = (self.due_end >> self.shift) + step;
        self.occupied[found / 64] &= !(1 << (found % 64));
        std::mem::swap(&mut self.due, &mut self.near[found]);
        self.in_near -= self.due.len();
        self.due_end = (absolute + 1) << self.shift;
        self.opened += 1;
        sort(&mut self.due);
        self.fresh = pending > MANY;
        self.bring_near();
        true
    }

    /// Spread wide buckets over the narrow ones that are free, and let events from `far` in behind.
    fn bring_near(&mut self) {
        let wide = self.wide();
        while self.near_end - (self.due_end >> self.shift) <= 1 << wide {
            let i = (self.near_end >> wide) as usize & (self.later.len() - 1);
            self.near_end += 1 << wide;
            if !self.later[i].is_empty() {
                let mut events = std::mem::take(&mut self.later[i]);
                self.in_later -= events.len();
                events.drain(..).for_each(|event| self.insert_later(event));
                self.later[i] = events;
            }
            let end = (self.near_end >> wide) + self.later.len() as u64;
            while self.far.peek().is_some_and(|Far(event)| event.at.0 >> self.shift >> wide < end) {
                self.far.pop().into_iter().for_each(|Far(event)| self.insert_later(event));
            }
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
        let pending = self.pending_later();
        // All that were ever scheduled are pending or were taken.
        let taken = self.seq - pending as u64 - self.taken_before;
        if taken < 4 * pending as u64 + 1024 {
            return false;
        }
        let (found, wanted) = (taken / self.opened.max(1), per_bucket(pending) as u64);
        let crowded = found > 4 * wanted && self.shift > 0;
        let sparse = found < wanted / 2 && self.opened > 1024 && self.strays * 8 > taken;
        let (near, later) = rows(pending / 2);
        crowded || sparse || near > self.near.len() || later > self.later.len() || self.strays * 4 > taken
    }

    /// Choose an array or a calendar, and its width, by what is pending now.
    #[cold]
    fn lay_out(&mut self) {
        let mut all: Vec<Event> = std::mem::take(&mut self.due);
        for bucket in self.near.iter_mut().chain(&mut self.later) {
            all.append(bucket);
        }
        all.extend(self.far.drain().map(|Far(event)| event));
        all.sort_unstable_by_key(|event| std::cmp::Reverse(event.key()));
        (self.in_near, self.in_later) = (0, 0);
        self.taken_before = self.seq - all.len() as u64;
        self.laid_out_at = self.seq;
        (self.opened, self.strays) = (0, 0);
        if all.len() <= FEW {
            self.due_end = u64::MAX;
            self.due = all;
            return;
        }
        let n = all.len();
        let (near, later) = rows(n);
        self.near.resize_with(near, Vec::new);
        self.later.resize_with(later, Vec::new);
        self.occupied.clear();
        self.occupied.resize(near / 64, 0);
        // The near half says how dense the events are; the far end may be timeouts that never fire.
        let first = all[n - 1].at.0;
        let half = all[n - 1 - n / 2].at.0 - first;
        let width = (half.saturating_mul(per_bucket(n) as u64) / (n as u64 / 2)).max(1);
        self.shift = width.ilog2();
        self.due_end = (first >> self.shift) << self.shift;
        // A whole wide bucket, and what of the next one there is room for.
        self.near_end = ((first >> self.shift >> self.wide()) + 1) << self.wide();
        for event in all.into_iter().rev() {
            self.insert_later(event);
        }
        self.bring_near();
        self.strays = 0;
    }
}

/// Bring the last of the events to its place among the others, which are in order. It was scheduled last, so that it comes
/// last among equal times; and most that fall among those that are due are near the front of time, which is the end.
#[inline(always)]
fn sink(events: &mut [Event], last: Event) {
    let mut i = events.len() - 1;
    while i > 0 && events[i - 1].at <= last.at {
        events[i] = events[i - 1];
        i -= 1;
    }
    events[i] = last;
}

/// Latest first. A bucket holds equal times in the order of their scheduling.
fn sort(events: &mut [Event]) {
    if events.len() > FEW {
        return events.sort_unstable_by_key(|event| std::cmp::Reverse(event.key()));
    }
    for n in 1..events.len() {
        let event = events[n];
        sink(&mut events[..=n], event);
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

    /// As many as do not fit into the narrow buckets, for so long that wide ones are spread many times and all is laid out
    /// anew: what is taken is scheduled again, near or far, evenly or in clusters.
    #[test]
    fn order_is_that_of_a_heap_when_very_many_are_pending() {
        let near_and_far = |rng: &mut Rng| (rng.exp1() * if rng.chance(0.3) { 1e8 } else { 1e4 }) as u64;
        let clustered = |rng: &mut Rng| u64::from(rng.below(20)) * 1_000_000;
        let even = |rng: &mut Rng| (rng.exp1() * 35e6) as u64;
        let delays: [&dyn Fn(&mut Rng) -> u64; 3] = [&near_and_far, &clustered, &even];
        for (seed, delay) in delays.into_iter().enumerate() {
            let mut rng = Rng::seeded(seed as u64);
            let (mut queue, mut heap, mut now) = (EventQueue::default(), BinaryHeap::new(), 0);
            for seq in 0..200_000u64 {
                if seq >= 12_000 {
                    let Some(Reverse((at, id))) = heap.pop() else { panic!("empty") };
                    let event = queue.pop_until(Time(u64::MAX)).expect("as many as the heap");
                    assert_eq!((event.at.0, event.what), (at, id), "seed {seed}");
                    now = at;
                }
                let at = now + delay(&mut rng);
                heap.push(Reverse((at, seq)));
                queue.push(Time(at), 7, seq);
            }
            assert_eq!(queue.len(), heap.len());
        }
    }

    /// A bucket that was wide enough for few is open when very many fall into it: as users come to a closed loop.
    #[test]
    fn a_crowd_in_one_bucket_is_spread() {
        let (mut queue, mut rng) = (EventQueue::default(), Rng::seeded(1));
        (1..=40).for_each(|second| queue.push(Time(second * 1_000_000_000), 7, 0));
        assert!(queue.pop_until(Time(u64::MAX)).is_some());
        let mut times: Vec<u64> = (0..200_000).map(|_| 1_000_000_000 + u64::from(rng.below(900_000_000))).collect();
        for at in &times {
            queue.push(Time(*at), 7, 0);
            assert!(queue.due.len() < 2_000, "{} in order", queue.due.len());
        }
        times.sort_unstable();
        times.extend((2..=40).map(|second| second * 1_000_000_000));
        let taken: Vec<u64> = std::iter::from_fn(|| queue.pop_until(Time(u64::MAX))).map(|event| event.at.0).collect();
        assert!(taken == times);
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
