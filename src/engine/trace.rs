//! Journeys of sampled requests: which calls each made, and when they were where. For displays: nothing here changes a
//! run, and while it is off it costs a comparison for each call.

use super::call::{CallId, Leg, TRACED, Waiter};
use super::core::Core;
use super::outcome::{Outcome, Reason};
use crate::base::hash::{self, IntMap};
use crate::base::{ClassId, LinkId, Time};
use std::collections::VecDeque;

/// Calls of a journey that are kept; of a request that makes more, the rest is not shown.
const MOST_HOPS: usize = 64;
/// Calls under way that are kept: more could not be told apart.
pub const MOST_SHOWN: u64 = 4_000;
/// Journeys that have ended and that nobody has taken: of more, the oldest are forgotten.
const MOST_ENDED: usize = 1_024;

/// A message on the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passage {
    /// When it was put there; [`Time::NEVER`] if it was not.
    pub left: Time,
    /// When it is at the other end; [`Time::NEVER`] if it is lost.
    pub arrives: Time,
}

impl Passage {
    const NONE: Passage = Passage { left: Time::NEVER, arrives: Time::NEVER };

    /// How much of its way it has behind it, while it is on its way.
    fn share(self, now: Time) -> Option<f64> {
        let on_the_way = self.left <= now && now < self.arrives && self.arrives != Time::NEVER;
        on_the_way.then(|| now.since(self.left).0 as f64 / self.arrives.since(self.left).0 as f64)
    }
}

/// A call of a journey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hop {
    pub link: LinkId,
    pub class: ClassId,
    /// 1 for the first attempt of its operation; copies count too.
    pub attempt: u16,
    /// The call on whose behalf it was made, by its place in the journey.
    pub parent: Option<u16>,
    /// When the caller asked.
    pub sent: Time,
    pub request: Passage,
    pub reply: Passage,
    /// When the caller had the reply or gave up; [`Time::NEVER`] while it waits.
    pub settled: Time,
    /// How it went: as the caller knows it, or else as the reply on the way says.
    pub outcome: Outcome,
}

impl Hop {
    /// Where it is, and how much of that way it has behind it.
    pub fn leg(&self, now: Time) -> Option<(Leg, f64)> {
        if let Some(share) = self.request.share(now) {
            Some((Leg::There, share))
        } else if let Some(share) = self.reply.share(now) {
            Some((Leg::Back, share))
        } else {
            (self.request.arrives <= now && now < self.reply.left).then_some((Leg::AtCallee, 1.0))
        }
    }
}

/// The calls of a sampled request, in the order in which they were made.
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    /// By chance, and evenly spread: one of `n` is below the `n`th part of all.
    pub id: u64,
    pub hops: Vec<Hop>,
}

impl Journey {
    /// Whether it is among the sample if one of so many is.
    pub fn is_in(&self, every: u64) -> bool {
        is_in(self.id, every)
    }

    pub fn begin(&self) -> Time {
        self.hops.first().map_or(Time::ZERO, |hop| hop.sent)
    }

    /// When the last of its calls was settled, as far as they were.
    pub fn end(&self) -> Time {
        let known = |hop: &Hop| {
            let times = [hop.sent, hop.request.arrives, hop.reply.left, hop.settled];
            times.into_iter().filter(|time| *time != Time::NEVER).max()
        };
        self.hops.iter().filter_map(known).max().unwrap_or_default()
    }
}

/// Whether a journey is among the sample if one of so many is: who is in a small sample is in every larger one.
pub fn is_in(id: u64, every: u64) -> bool {
    id <= u64::MAX / every.max(1)
}

/// The next larger of 1, 2, 5, 10, 20, 50 and so on, as far as there is one.
pub fn next_every(every: u64) -> u64 {
    let power = 10u64.pow(every.max(1).ilog10());
    [1u64, 2, 5, 10].into_iter().map(|step| step.saturating_mul(power)).find(|next| *next > every).unwrap_or(every)
}

/// The next smaller of them, and 1 below 1.
pub fn previous_every(every: u64) -> u64 {
    let smaller = std::iter::successors(Some(1), |step| Some(next_every(*step)));
    smaller.take_while(|step| *step < every).last().unwrap_or(1)
}

/// A journey that goes on.
#[derive(Clone, Debug)]
struct Open {
    journey: Journey,
    intended: Time,
    /// Its calls in the slab.
    calls: Vec<CallId>,
    /// Calls and operations that have not ended: while there are any, more may come.
    going: u32,
}

/// What is kept of the journeys of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracer {
    seed: u64,
    /// One of so many; 0 is none.
    every: u64,
    open: Vec<Option<Open>>,
    free: Vec<u32>,
    by_intended: IntMap<u64, u32>,
    /// The journey of a call, and its place there.
    by_call: IntMap<u64, (u32, u16)>,
    ended: VecDeque<Journey>,
    live: u64,
    begun: u64,
}

fn key(id: CallId) -> u64 {
    id.slot() as u64 | u64::from(id.generation()) << 32
}

impl Tracer {
    pub fn new(seed: u64) -> Tracer {
        Tracer { seed, ..Tracer::default() }
    }

    #[inline]
    pub fn is_on(&self) -> bool {
        self.every > 0
    }

    /// Sample one of so many requests from now on; 0 is none.
    pub fn set_every(&mut self, every: u64) {
        let fewer = every > self.every || every == 0;
        self.every = every;
        if fewer {
            self.thin();
        }
    }

    pub fn every(&self) -> u64 {
        self.every
    }

    pub fn begun(&self) -> u64 {
        self.begun
    }

    pub fn take_ended(&mut self) -> VecDeque<Journey> {
        std::mem::take(&mut self.ended)
    }

    /// The calls under way of journeys that go on, each with its journey's id.
    pub fn hops(&self) -> impl Iterator<Item = (u64, &Hop)> {
        let open = self.open.iter().flatten();
        open.flat_map(|open| open.journey.hops.iter().map(move |hop| (open.journey.id, hop)))
    }

    /// The journeys that go on.
    pub fn open(&self) -> impl Iterator<Item = &Journey> {
        self.open.iter().flatten().map(|open| &open.journey)
    }

    fn id(&self, intended: Time) -> u64 {
        hash::mix2(self.seed, intended.0)
    }

    /// Forget who is no longer in the sample.
    fn thin(&mut self) {
        for slot in 0..self.open.len() {
            if self.open[slot].as_ref().is_some_and(|open| self.every == 0 || !open.journey.is_in(self.every)) {
                self.close(slot as u32);
            }
        }
    }

    fn close(&mut self, slot: u32) -> Option<Journey> {
        let open = self.open[slot as usize].take()?;
        self.free.push(slot);
        self.by_intended.remove(&open.intended.0);
        self.live -= open.calls.len() as u64;
        for id in open.calls {
            self.by_call.remove(&key(id));
        }
        Some(open.journey)
    }

    /// The journey of a request, if it is sampled.
    fn journey(&mut self, intended: Time) -> Option<u32> {
        if let Some(slot) = self.by_intended.get(&intended.0) {
            return Some(*slot);
        }
        let id = self.id(intended);
        if !is_in(id, self.every) {
            return None;
        }
        let journey = Journey { id, hops: Vec::new() };
        let open = Some(Open { journey, intended, calls: Vec::new(), going: 0 });
        let slot = self.free.pop().unwrap_or(self.open.len() as u32);
        if slot as usize == self.open.len() {
            self.open.push(open);
        } else {
            self.open[slot as usize] = open;
        }
        self.by_intended.insert(intended.0, slot);
        self.begun += 1;
        Some(slot)
    }

    fn hop(&mut self, id: CallId) -> Option<&mut Hop> {
        let (slot, place) = *self.by_call.get(&key(id))?;
        self.open[slot as usize].as_mut()?.journey.hops.get_mut(usize::from(place))
    }

    fn going(&mut self, slot: u32, change: i32) {
        let Some(open) = &mut self.open[slot as usize] else { return };
        open.going = open.going.saturating_add_signed(change);
        if open.going == 0
            && let Some(journey) = self.close(slot)
        {
            if self.ended.len() == MOST_ENDED {
                self.ended.pop_front();
            }
            self.ended.push_back(journey);
        }
    }
}

/// Where calls tell what becomes of them.
impl Core {
    /// A call is made.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_call(&mut self, id: CallId, attempt: u16) {
        let call = &self.calls[id];
        let (link, class, intended) = (call.link, call.asks.class, call.asks.intended);
        let waiter = call.waiter();
        let Some(slot) = self.tracer.journey(intended) else { return };
        let asks = match waiter {
            Waiter::Node(parent) | Waiter::Steps(parent) => Some(parent),
            Waiter::Op(op) => match self.ops[op.slot()].waiter {
                Waiter::Node(parent) | Waiter::Steps(parent) => Some(parent),
                _ => None,
            },
            Waiter::Root | Waiter::Nobody => None,
        };
        let from = self.links[link.index()].from;
        let Some(open) = &mut self.tracer.open[slot as usize] else { return };
        if open.journey.hops.len() == MOST_HOPS {
            return;
        }
        let known = asks.and_then(|parent| self.tracer.by_call.get(&key(parent)));
        let parent = known.map(|(_, place)| *place).or_else(|| {
            // Nobody waits for it: the latest call that is at its caller was the reason.
            let is_here = |hop: &Hop| self.links[hop.link.index()].to == from && hop.reply.left == Time::NEVER;
            open.journey.hops.iter().rposition(is_here).map(|place| place as u16)
        });
        let place = open.journey.hops.len() as u16;
        open.journey.hops.push(Hop {
            link,
            class,
            attempt,
            parent,
            sent: self.now,
            request: Passage::NONE,
            reply: Passage::NONE,
            settled: Time::NEVER,
            outcome: Ok(()),
        });
        open.calls.push(id);
        self.tracer.by_call.insert(key(id), (slot, place));
        self.tracer.live += 1;
        self.tracer.going(slot, 1);
        self.calls[id].flags |= TRACED;
        if self.tracer.live > MOST_SHOWN {
            self.tracer.set_every(next_every(self.tracer.every));
        }
    }

    /// An operation that may make calls begins, or ends.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_operation(&mut self, intended: Time, begins: bool) {
        let slot = match begins {
            true => self.tracer.journey(intended),
            false => self.tracer.by_intended.get(&intended.0).copied(),
        };
        if let Some(slot) = slot {
            self.tracer.going(slot, if begins { 1 } else { -1 });
        }
    }

    /// A message is put on the network.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_passage(&mut self, id: CallId, back: bool, arrives: Time) {
        let left = self.now;
        if let Some(hop) = self.tracer.hop(id) {
            *(if back { &mut hop.reply } else { &mut hop.request }) = Passage { left, arrives };
        }
    }

    /// A message that is on its way arrives at another time than was thought.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_moved(&mut self, id: CallId, back: bool, arrives: Time) {
        if let Some(hop) = self.tracer.hop(id) {
            (if back { &mut hop.reply } else { &mut hop.request }).arrives = arrives;
        }
    }

    /// The request has arrived.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_arrival(&mut self, id: CallId) {
        let now = self.now;
        if let Some(hop) = self.tracer.hop(id) {
            hop.request = Passage { left: hop.request.left.min(now), arrives: now };
        }
    }

    /// The callee has answered.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_answer(&mut self, id: CallId, outcome: Outcome) {
        let now = self.now;
        if let Some(hop) = self.tracer.hop(id) {
            hop.reply = Passage { left: now, arrives: now };
            if hop.settled == Time::NEVER {
                hop.outcome = outcome;
            }
        }
    }

    /// The caller is done with it.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_settled(&mut self, id: CallId, outcome: Outcome) {
        let now = self.now;
        if let Some(hop) = self.tracer.hop(id) {
            (hop.settled, hop.outcome) = (now, outcome);
        }
    }

    /// It is gone.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_end(&mut self, id: CallId) {
        if let Some(hop) = self.tracer.hop(id)
            && hop.settled == Time::NEVER
            && hop.reply.left == Time::NEVER
        {
            hop.outcome = Err(Reason::Lost);
        }
        if let Some((slot, _)) = self.tracer.by_call.remove(&key(id)) {
            if let Some(open) = &mut self.tracer.open[slot as usize] {
                open.calls.retain(|other| *other != id);
            }
            self.tracer.live -= 1;
            self.tracer.going(slot, -1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_nested_and_as_large_as_said() {
        let ids: Vec<u64> = (0..100_000).map(|n| hash::mix2(7, n)).collect();
        let mut every = 1;
        let mut last = ids.len();
        for wanted in [2, 5, 10, 20, 50, 100] {
            every = next_every(every);
            assert_eq!((every, next_every(previous_every(every))), (wanted, wanted));
            let sample = ids.iter().filter(|id| is_in(**id, every)).count();
            let expected = ids.len() as f64 / every as f64;
            assert!((sample as f64 - expected).abs() < 5.0 * expected.sqrt(), "{sample} of one in {every}");
            assert!(sample < last);
            last = sample;
        }
        assert_eq!(next_every(u64::MAX), u64::MAX);
    }
}
