//! A queue of things that wait to be served, by one of the usual disciplines.

use crate::base::{Rng, Span, Time};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// Who is served next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Discipline {
    /// First in, first out.
    #[default]
    Fifo,
    /// Last in, first out.
    Lifo,
    /// First in, first out while the queue is short; last in, first out beyond [`ADAPTIVE_LENGTH`], when the oldest have
    /// probably given up (Facebook, "Fail at Scale", 2015).
    AdaptiveLifo,
    /// The most urgent class first; whoever is being served is not interrupted.
    Priority,
    /// The most urgent class first; it interrupts the others, who go on later. Everybody is admitted; the cores are what
    /// is waited for.
    PreemptivePriority,
    /// Any of the waiting.
    Random,
    /// Everybody at once, sharing the cores.
    ProcessorSharing,
    /// The nearest deadline first.
    EarliestDeadline,
    /// Flows share by their weights, whatever their part of the calls (start-time fair queueing: Goyal, Vin and Cheng 1996).
    WeightedFair,
}

impl Discipline {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Fifo", "First in, first out."),
        ("Lifo", "Last in, first out: the newest call first."),
        ("AdaptiveLifo", "First in, first out; last in, first out while more than 16 wait."),
        ("Priority", "Non-preemptive priority: the most urgent class first."),
        ("PreemptivePriority", "Preemptive priority: the most urgent class first; it interrupts the others."),
        ("Random", "Random order."),
        ("ProcessorSharing", "Processor sharing: all calls at once, sharing the cores evenly."),
        ("EarliestDeadline", "Earliest deadline first."),
        (
            "WeightedFair",
            "Weighted fair queueing: each tenant's calls of each class are a flow; flows share by their weights.",
        ),
    ];
}

impl Discipline {
    /// Whether everybody is admitted, so that what is waited for is a core, not a slot.
    pub fn admits_all(self) -> bool {
        matches!(self, Discipline::ProcessorSharing | Discipline::PreemptivePriority)
    }
}

/// The length from which adaptive LIFO serves the newest first.
pub const ADAPTIVE_LENGTH: usize = 16;

/// What the disciplines look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticket<T> {
    pub id: T,
    pub since: Time,
    pub priority: u8,
    pub deadline: Time,
    /// Whom it belongs to, for fairness, and what it costs there: [`FAIR_COST`] over the weight.
    pub flow: u64,
    pub cost: u64,
}

/// What a call of weight 1 costs its flow.
pub const FAIR_COST: u64 = 1 << 20;

/// Those who wait.
#[derive(Clone, Debug)]
pub struct Waiting<T: Ord> {
    discipline: Discipline,
    line: VecDeque<(T, Time)>,
    ranked: Box<Ranked<T>>,
}

/// What the disciplines need that do not go by the line.
#[derive(Clone, Debug)]
struct Ranked<T: Ord> {
    /// By (rank, sequence): the rank is a deadline or a start tag.
    heap: BinaryHeap<Reverse<(u64, u64, T, Time)>>,
    by_priority: BTreeMap<u8, VecDeque<(T, Time)>>,
    seq: u64,
    /// Start-time fair queueing: virtual time, and the tag at which each flow may go on.
    virtual_time: u64,
    tags: BTreeMap<u64, u64>,
}

impl<T: Copy + Ord> Waiting<T> {
    pub fn new(discipline: Discipline) -> Self {
        let ranked = Ranked {
            heap: BinaryHeap::new(),
            by_priority: BTreeMap::new(),
            seq: 0,
            virtual_time: 0,
            tags: BTreeMap::new(),
        };
        Waiting { discipline, line: VecDeque::new(), ranked: Box::new(ranked) }
    }

    pub fn len(&self) -> usize {
        self.line.len() + self.ranked.heap.len() + self.ranked.by_priority.values().map(VecDeque::len).sum::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forget everybody.
    #[inline]
    pub fn clear(&mut self) {
        self.line.clear();
        if self.discipline != Discipline::Fifo {
            self.clear_ranked();
        }
    }

    fn clear_ranked(&mut self) {
        self.ranked.by_priority.values_mut().for_each(VecDeque::clear);
        self.ranked.heap.clear();
        self.ranked.tags.clear();
    }

    /// Forget those who are not there any more.
    pub fn retain(&mut self, alive: impl Fn(T) -> bool) {
        self.line.retain(|(id, _)| alive(*id));
        self.ranked.by_priority.values_mut().for_each(|line| line.retain(|(id, _)| alive(*id)));
        self.ranked.heap.retain(|Reverse((_, _, id, _))| alive(*id));
    }

    /// Add to the end of the line, where that is all there is to it; false if a ticket is needed.
    #[inline]
    pub fn push_fifo(&mut self, id: T, since: Time) -> bool {
        let fifo = self.discipline == Discipline::Fifo;
        if fifo {
            self.line.push_back((id, since));
        }
        fifo
    }

    #[inline(never)]
    pub fn push(&mut self, ticket: Ticket<T>) {
        let entry = (ticket.id, ticket.since);
        match self.discipline {
            Discipline::Priority | Discipline::PreemptivePriority => {
                self.ranked.by_priority.entry(ticket.priority).or_default().push_back(entry);
            }
            Discipline::EarliestDeadline => self.rank(ticket.deadline.0, entry),
            Discipline::WeightedFair => {
                let tag = self.ranked.tags.get(&ticket.flow).copied().unwrap_or(0).max(self.ranked.virtual_time);
                // Calls count alike: their work is not known beforehand.
                self.ranked.tags.insert(ticket.flow, tag + ticket.cost);
                self.rank(tag, entry);
            }
            _ => self.line.push_back(entry),
        }
    }

    fn rank(&mut self, rank: u64, (id, since): (T, Time)) {
        self.ranked.seq += 1;
        self.ranked.heap.push(Reverse((rank, self.ranked.seq, id, since)));
    }

    /// Take the next one, with the time since when it waited.
    #[inline]
    pub fn pop(&mut self, rng: &mut Rng) -> Option<(T, Time)> {
        self.pop_of(self.line.len(), rng)
    }

    /// The same where only so many still wait: those who gave up have left their entry behind.
    #[inline]
    pub fn pop_of(&mut self, living: usize, rng: &mut Rng) -> Option<(T, Time)> {
        if self.discipline == Discipline::Fifo { self.line.pop_front() } else { self.pop_ranked(living, rng) }
    }

    #[inline(never)]
    fn pop_ranked(&mut self, living: usize, rng: &mut Rng) -> Option<(T, Time)> {
        match self.discipline {
            Discipline::Fifo | Discipline::ProcessorSharing => self.line.pop_front(),
            Discipline::Lifo => self.line.pop_back(),
            Discipline::AdaptiveLifo if living > ADAPTIVE_LENGTH => self.line.pop_back(),
            Discipline::AdaptiveLifo => self.line.pop_front(),
            Discipline::Random => {
                let n = u32::try_from(self.line.len()).ok().filter(|&n| n > 0)?;
                self.line.swap_remove_back(rng.below(n) as usize)
            }
            Discipline::Priority | Discipline::PreemptivePriority => {
                self.ranked.by_priority.values_mut().find_map(VecDeque::pop_front)
            }
            Discipline::EarliestDeadline | Discipline::WeightedFair => {
                let Reverse((rank, _, id, since)) = self.ranked.heap.pop()?;
                if matches!(self.discipline, Discipline::WeightedFair) {
                    self.ranked.virtual_time = rank;
                    if self.ranked.heap.is_empty() {
                        self.ranked.tags.clear();
                    }
                }
                Some((id, since))
            }
        }
    }
}

/// Controlled delay (Nichols and Jacobson, RFC 8289): when even the shortest wait in an interval is above the target, the
/// queue is standing, and calls are dropped at an increasing rate until it is not.
#[derive(Clone, Debug, Default)]
pub struct CoDel {
    first_above: Option<Time>,
    dropping: bool,
    drop_next: Time,
    count: u32,
}

impl CoDel {
    /// Whether the call that leaves the queue now, having waited so long, is to be dropped.
    #[inline(never)]
    pub fn drops(&mut self, now: Time, waited: Span, target: Span, interval: Span, queue_is_empty: bool) -> bool {
        if waited < target || queue_is_empty {
            self.first_above = None;
            self.dropping = false;
            return false;
        }
        let Some(since) = self.first_above else {
            self.first_above = Some(now + interval);
            return false;
        };
        if now < since {
            return false;
        }
        if !self.dropping {
            self.dropping = true;
            // Dropping went on a short while ago: begin near the rate that had been needed then.
            self.count =
                if now.since(self.drop_next) < interval * 16 { self.count.saturating_sub(2).max(1) } else { 1 };
            self.drop_next = now + Self::gap(interval, self.count);
            return true;
        }
        if now >= self.drop_next {
            self.count += 1;
            self.drop_next = self.drop_next + Self::gap(interval, self.count);
            return true;
        }
        false
    }

    fn gap(interval: Span, count: u32) -> Span {
        Span::from_nanos_f64(interval.0 as f64 / f64::from(count).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(discipline: Discipline) -> Vec<u32> {
        let mut waiting = Waiting::new(discipline);
        let mut rng = Rng::seeded(1);
        for id in 0..6u32 {
            let priority = (id % 2) as u8;
            waiting.push(Ticket {
                id,
                since: Time(u64::from(id)),
                priority,
                deadline: Time(100 - u64::from(id)),
                flow: u64::from(id >= 4),
                cost: FAIR_COST,
            });
        }
        std::iter::from_fn(|| waiting.pop(&mut rng).map(|(id, _)| id)).collect()
    }

    #[test]
    fn each_discipline_serves_in_its_order() {
        assert_eq!(order(Discipline::Fifo), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order(Discipline::Lifo), [5, 4, 3, 2, 1, 0]);
        assert_eq!(order(Discipline::AdaptiveLifo), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order(Discipline::Priority), [0, 2, 4, 1, 3, 5]);
        assert_eq!(order(Discipline::EarliestDeadline), [5, 4, 3, 2, 1, 0]);
        assert_eq!(order(Discipline::WeightedFair), [0, 4, 1, 5, 2, 3]);
        let mut random = order(Discipline::Random);
        assert_ne!(random, [0, 1, 2, 3, 4, 5]);
        random.sort_unstable();
        assert_eq!(random, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_dead_are_forgotten_wherever_they_lie() {
        for discipline in [Discipline::Lifo, Discipline::Priority, Discipline::EarliestDeadline] {
            let mut waiting = Waiting::new(discipline);
            for id in 0..6u32 {
                let deadline = Time(100 + u64::from(id));
                waiting.push(Ticket { id, since: Time(0), priority: id as u8, deadline, flow: 0, cost: FAIR_COST });
            }
            waiting.retain(|id| id % 2 == 0);
            assert_eq!(waiting.len(), 3);
            waiting.clear();
            assert!(waiting.is_empty());
        }
    }

    #[test]
    fn codel_lets_a_burst_pass_and_drains_a_standing_queue() {
        let (target, interval) = (Span::from_millis(5), Span::from_millis(100));
        let mut codel = CoDel::default();
        let mut drops = 0;
        // A burst: waits of 50 ms for 90 ms.
        for i in 0..90u64 {
            drops += u32::from(codel.drops(Time(i * 1_000_000), Span::from_millis(50), target, interval, false));
        }
        assert_eq!(drops, 0);
        // A standing queue of the same wait for two seconds.
        for i in 90..2_090u64 {
            drops += u32::from(codel.drops(Time(i * 1_000_000), Span::from_millis(50), target, interval, false));
        }
        assert!(drops > 50, "{drops}");
    }
}
