//! A queue of things that wait to be served, by one of the usual disciplines.

mod fair;

use crate::base::{Rng, Span, Time};
use fair::Fair;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

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
        ("Fifo", "First in, first out. A full queue drops the arrival."),
        ("Lifo", "Last in, first out: the newest call first. A full queue drops the oldest."),
        ("AdaptiveLifo", "First in, first out; last in, first out while more than 16 wait."),
        ("Priority", "Non-preemptive priority: the most urgent class first. A full queue drops the least urgent call."),
        (
            "PreemptivePriority",
            "Preemptive priority: the most urgent class first; it interrupts the others. Without room, the least urgent is dropped.",
        ),
        ("Random", "Random order. A full queue drops the arrival."),
        ("ProcessorSharing", "Processor sharing: all calls at once, sharing the cores evenly."),
        ("EarliestDeadline", "Earliest deadline first. A full queue drops the latest."),
        (
            "WeightedFair",
            "Weighted fair queueing: each tenant's calls of each class are a flow; flows share by their weights. A full queue \
             drops from the longest flow.",
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

/// Calls that wait.
#[derive(Clone, Debug)]
pub struct Waiting<T: Ord> {
    discipline: Discipline,
    line: VecDeque<(T, Time)>,
    ranked: Box<Ranked<T>>,
}

/// What the disciplines need that do not go by the line.
#[derive(Clone, Debug)]
struct Ranked<T: Ord> {
    /// By deadline and arrival.
    by_deadline: BTreeMap<(Time, u64), (T, Time)>,
    by_priority: BTreeMap<u8, VecDeque<(T, Time)>>,
    seq: u64,
    fair: Fair<T>,
}

impl<T: Copy + Ord> Waiting<T> {
    pub fn new(discipline: Discipline) -> Self {
        let ranked = Ranked { by_deadline: BTreeMap::new(), by_priority: BTreeMap::new(), seq: 0, fair: Fair::new() };
        Waiting { discipline, line: VecDeque::new(), ranked: Box::new(ranked) }
    }

    /// Entries, also of calls that left.
    pub fn len(&self) -> usize {
        let Ranked { by_deadline, by_priority, fair, .. } = &*self.ranked;
        self.line.len() + by_deadline.len() + by_priority.values().map(VecDeque::len).sum::<usize>() + fair.len()
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
        self.ranked.by_deadline.clear();
        self.ranked.fair.clear();
    }

    /// Forget those who are not there any more.
    pub fn retain(&mut self, alive: impl Fn(T) -> bool) {
        self.line.retain(|(id, _)| alive(*id));
        self.ranked.by_priority.values_mut().for_each(|line| line.retain(|(id, _)| alive(*id)));
        self.ranked.by_deadline.retain(|_, (id, _)| alive(*id));
        self.ranked.fair.retain(alive);
    }

    /// A call of this flow leaves the line; its entry stays behind.
    pub fn left(&mut self, flow: u64) {
        if self.discipline == Discipline::WeightedFair {
            self.ranked.fair.left(flow);
        }
    }

    /// The entry that was taken last was of a call that had left.
    #[cold]
    pub fn passed_over(&mut self) {
        if self.discipline == Discipline::WeightedFair {
            self.ranked.fair.passed_over();
        }
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
            Discipline::EarliestDeadline => {
                self.ranked.seq += 1;
                self.ranked.by_deadline.insert((ticket.deadline, self.ranked.seq), entry);
            }
            Discipline::WeightedFair => self.ranked.fair.push(&ticket),
            _ => self.line.push_back(entry),
        }
    }

    /// Put one back that was taken before its turn: ahead of the others, or of those as urgent, behind older ones that were
    /// put back before.
    pub fn put_back(&mut self, ticket: Ticket<T>) {
        let line = match self.discipline {
            Discipline::Priority | Discipline::PreemptivePriority => {
                self.ranked.by_priority.entry(ticket.priority).or_default()
            }
            Discipline::EarliestDeadline | Discipline::WeightedFair => return self.push(ticket),
            _ => &mut self.line,
        };
        let older = line.iter().take_while(|(_, since)| *since <= ticket.since).count();
        line.insert(older, (ticket.id, ticket.since));
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
            Discipline::EarliestDeadline => self.ranked.by_deadline.pop_first().map(|(_, entry)| entry),
            Discipline::WeightedFair => self.ranked.fair.pop(),
        }
    }

    /// The line is full: take out the call that gives way to `arrival`, which is the one that would be served last. None
    /// if that is the arrival itself. So many wait; entries of those that left are dropped on the way.
    #[inline(never)]
    pub fn make_room(&mut self, arrival: &Ticket<T>, living: usize, is_there: impl Fn(T) -> bool) -> Option<T> {
        match self.discipline {
            Discipline::Fifo | Discipline::ProcessorSharing | Discipline::Random => None,
            Discipline::AdaptiveLifo if living <= ADAPTIVE_LENGTH => None,
            Discipline::Lifo | Discipline::AdaptiveLifo => {
                std::iter::from_fn(|| self.line.pop_front()).map(|(id, _)| id).find(|id| is_there(*id))
            }
            Discipline::Priority | Discipline::PreemptivePriority => {
                let less_urgent = self.ranked.by_priority.range_mut(arrival.priority.checked_add(1)?..).rev();
                let mut newest = less_urgent.flat_map(|(_, line)| std::iter::from_fn(move || line.pop_back()));
                newest.find(|(id, _)| is_there(*id)).map(|(id, _)| id)
            }
            Discipline::EarliestDeadline => loop {
                let last = self.ranked.by_deadline.last_entry().filter(|last| last.key().0 > arrival.deadline)?;
                let (id, _) = last.remove();
                if is_there(id) {
                    return Some(id);
                }
            },
            Discipline::WeightedFair => self.ranked.fair.make_room(arrival, is_there),
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
        for discipline in
            [Discipline::Lifo, Discipline::Priority, Discipline::EarliestDeadline, Discipline::WeightedFair]
        {
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

    /// Calls 0 to 19 wait; every third has left. Which one gives way to whom?
    #[test]
    fn a_full_line_drops_what_it_would_serve_last() {
        let ticket = |id: u32, priority: u8, deadline: u64, flow: u64| Ticket {
            id,
            since: Time(u64::from(id)),
            priority,
            deadline: Time(deadline),
            flow,
            cost: if flow == 2 { FAIR_COST / 8 } else { FAIR_COST },
        };
        let full = |discipline| {
            let mut waiting = Waiting::new(discipline);
            for id in 0..20u32 {
                // Flow 1 has 6 calls, flow 2, of weight 8, has 14.
                let flow = if id < 6 { 1 } else { 2 };
                waiting.push(ticket(id, (id % 4) as u8, 100 + u64::from(id * 7 % 20), flow));
                if id % 3 == 0 {
                    waiting.left(flow);
                }
            }
            waiting
        };
        let there = |id: u32| !id.is_multiple_of(3);
        let drops = |discipline, arrival: Ticket<u32>| full(discipline).make_room(&arrival, 17, there);
        for discipline in [Discipline::Fifo, Discipline::Random, Discipline::ProcessorSharing] {
            assert_eq!(drops(discipline, ticket(20, 0, 0, 9)), None, "{discipline:?}");
        }
        for discipline in [Discipline::Lifo, Discipline::AdaptiveLifo] {
            assert_eq!(drops(discipline, ticket(20, 3, 999, 1)), Some(1), "{discipline:?}");
        }
        let few = full(Discipline::AdaptiveLifo).make_room(&ticket(20, 0, 0, 9), 16, there);
        assert_eq!(few, None, "first in, first out");
        for discipline in [Discipline::Priority, Discipline::PreemptivePriority] {
            assert_eq!(drops(discipline, ticket(20, 2, 0, 9)), Some(19), "the newest of priority 3");
            assert_eq!(drops(discipline, ticket(20, 3, 0, 9)), None, "nobody is less urgent");
            assert_eq!(drops(discipline, ticket(20, 255, 0, 9)), None);
        }
        // 17 * 7 % 20 = 19 is the latest.
        assert_eq!(drops(Discipline::EarliestDeadline, ticket(20, 0, 118, 9)), Some(17));
        assert_eq!(drops(Discipline::EarliestDeadline, ticket(20, 0, 119, 9)), None);
        // Of flow 1 four are there, of flow 2 nine of an eighth each.
        assert_eq!(drops(Discipline::WeightedFair, ticket(20, 0, 0, 9)), Some(5));
        assert_eq!(drops(Discipline::WeightedFair, ticket(20, 0, 0, 1)), None);
    }

    /// The small flow keeps all it asks for, the large one what is left, however often the line is full.
    #[test]
    fn a_full_fair_line_lets_the_small_flow_in_and_charges_nothing_for_what_it_drops() {
        let (mut waiting, mut rng) = (Waiting::new(Discipline::WeightedFair), Rng::seeded(1));
        let ticket = |id, flow| Ticket { id, since: Time(0), priority: 0, deadline: Time(0), flow, cost: FAIR_COST };
        let (mut next, mut waits, mut small) = (0u32, 0, 0);
        let mut served = [0; 2];
        for round in 0..1_000 {
            // Five arrivals, one of them of the small flow, and two that are served.
            for i in 0..5 {
                let flow = u64::from(i == 4);
                let arrival = ticket(next * 2 + flow as u32, flow);
                next += 1;
                small += flow;
                if waits < 20 {
                    waits += 1;
                } else if waiting.make_room(&arrival, waits, |_| true).is_none() {
                    continue;
                }
                waiting.push(arrival);
            }
            for _ in 0..2 {
                let (id, _) = waiting.pop(&mut rng).expect("calls that wait");
                waits -= 1;
                served[(id % 2) as usize] += 1;
            }
            assert_eq!(waiting.len(), waits, "in round {round}");
        }
        assert!(small - served[1] <= 10 && served[0] + served[1] == 2_000, "{served:?} of {small}");
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
