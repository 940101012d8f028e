//! Deadlines that came with a call. Nearly all of them are met, and calls do not get them in the order in which they pass:
//! so they lie unsorted in buckets of time, and only those that still matter when their bucket begins become events.

use super::call::CallId;
use crate::base::Time;
use std::collections::VecDeque;

/// A bucket is 2^20 nanoseconds wide, about a millisecond.
const SHIFT: u32 = 20;
/// Deadlines further ahead than so many buckets (17 s) are events at once.
const MOST_BUCKETS: u64 = 1 << 14;
/// Fewer entries than this are not swept for those that matter no more.
const FEW: usize = 4_096;

/// Where a deadline was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In a bucket that is already waited for.
    Here,
    /// In a bucket: come back then.
    From(Time),
    /// Nowhere: it is too near or too far, and better an event.
    No,
}

/// Deadlines by the bucket of time that they are in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    buckets: VecDeque<Vec<(Time, CallId)>>,
    /// The number of the first bucket.
    first: u64,
    /// The earliest bucket for which an event is pending, plus one; 0 if there is none.
    armed: u64,
    len: usize,
    sweep_at: usize,
    /// Emptied buckets, for their memory.
    spare: Vec<Vec<(Time, CallId)>>,
}

impl Deadlines {
    /// Keep a deadline; `matters` tells which entries still do.
    #[inline]
    pub fn push(&mut self, now: Time, at: Time, id: CallId, matters: impl Fn(CallId) -> bool) -> Kept {
        let (bucket, current) = (at.0 >> SHIFT, now.0 >> SHIFT);
        if bucket <= current || bucket - current >= MOST_BUCKETS {
            return Kept::No;
        }
        if self.len >= self.sweep_at.max(FEW) {
            self.buckets.iter_mut().for_each(|bucket| bucket.retain(|(_, id)| matters(*id)));
            self.len = self.buckets.iter().map(Vec::len).sum();
            self.sweep_at = 2 * self.len;
        }
        if self.len == 0 {
            self.spare.extend(self.buckets.drain(..));
            self.first = current + 1;
        }
        let place = (bucket - self.first) as usize;
        while self.buckets.len() <= place {
            self.buckets.push_back(self.spare.pop().unwrap_or_default());
        }
        self.buckets[place].push((at, id));
        self.len += 1;
        if self.armed != 0 && self.armed <= bucket + 1 {
            return Kept::Here;
        }
        self.armed = bucket + 1;
        Kept::From(Time(bucket << SHIFT))
    }

    /// Take the next entry of a bucket that has begun.
    pub fn take_begun(&mut self, now: Time) -> Option<(Time, CallId)> {
        let current = now.0 >> SHIFT;
        while self.first <= current {
            if let Some(entry) = self.buckets.front_mut()?.pop() {
                self.len -= 1;
                return Some(entry);
            }
            self.spare.extend(self.buckets.pop_front());
            self.first += 1;
        }
        None
    }

    /// After those that had begun were taken: when to come back, if that was not said already.
    pub fn rearm(&mut self, now: Time) -> Option<Time> {
        if self.armed > (now.0 >> SHIFT) + 1 {
            return None;
        }
        let next = self.buckets.iter().position(|bucket| !bucket.is_empty());
        self.armed = next.map_or(0, |i| self.first + i as u64 + 1);
        next.map(|i| Time((self.first + i as u64) << SHIFT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    fn id(slot: u32) -> CallId {
        CallId::new(slot, 0)
    }

    /// Whatever comes in whatever order: each is handed out before it passes, within its bucket, and none is forgotten.
    #[test]
    fn each_deadline_is_handed_out_in_time() {
        let (mut deadlines, mut rng) = (Deadlines::default(), Rng::seeded(5));
        let (mut now, mut due) = (Time::ZERO, Vec::new());
        let (mut kept, mut handed) = (0, 0);
        for slot in 0..20_000u32 {
            let at = Time(now.0 + (rng.exp1() * 3e8) as u64);
            match deadlines.push(now, at, id(slot), |_| true) {
                Kept::Here => kept += 1,
                Kept::From(time) => {
                    kept += 1;
                    due.push(time);
                }
                Kept::No => assert!(at.0 >> SHIFT <= now.0 >> SHIFT || at.0 - now.0 > 1 << (SHIFT + 13)),
            }
            now = Time(now.0 + (rng.exp1() * 2e5) as u64);
            while let Some(i) = due.iter().position(|time| *time <= now) {
                let begun = due.swap_remove(i);
                while let Some((at, _)) = deadlines.take_begun(begun) {
                    assert!(at >= begun, "handed out too late");
                    assert!(at.0 - begun.0 < 1 << SHIFT || begun.0 >> SHIFT == at.0 >> SHIFT, "handed out too early");
                    handed += 1;
                }
                due.extend(deadlines.rearm(begun));
            }
        }
        assert_eq!(kept - handed, deadlines.len);
        assert!(handed > 10_000, "{handed}");
    }

    #[test]
    fn what_matters_no_more_does_not_pile_up() {
        let mut deadlines = Deadlines::default();
        for slot in 0..100_000u32 {
            deadlines.push(Time(u64::from(slot)), Time(10_000_000_000), id(slot), |id| id.slot() + 50 > slot);
        }
        assert!(deadlines.len <= 2 * FEW, "{}", deadlines.len);
    }
}
