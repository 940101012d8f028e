//! Cores that are fewer than the calls which want them.

use crate::base::{Span, Time};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How cores are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// First come, first served, to the end: an event loop.
    Fcfs,
    /// Everybody gets an equal part at every instant: threads under a fair scheduler.
    Even,
    /// One after the other, changing when somebody has waited this long: a global interpreter lock (CPython's
    /// `sys.getswitchinterval`, 5 ms).
    Switching(Span),
    /// The most urgent first, interrupting the others.
    Preemptive,
}

/// Work under way on shared cores, by the clock of their process. After each change ask [`Processor::next_change`] and come
/// back then.
#[derive(Clone, Debug)]
pub struct Processor<T> {
    sharing: Sharing,
    cores: u32,
    /// Even sharing: work done per job since the beginning, in nanoseconds, and when each is done.
    done: f64,
    at: Time,
    jobs: BinaryHeap<Reverse<(Bits, u64, T)>>,
    seq: u64,
    /// The other ways: who has a core, and who waits for one.
    running: Vec<Running<T>>,
    queue: VecDeque<Job<T>>,
}

/// An f64 that is not negative, ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bits(u64);

#[derive(Clone, Copy, Debug)]
struct Job<T> {
    id: T,
    left: Span,
    priority: u8,
    seq: u64,
}

#[derive(Clone, Copy, Debug)]
struct Running<T> {
    job: Job<T>,
    since: Time,
    /// When it must let another one have the core, if it is not done.
    until: Time,
}

impl<T: Copy + Ord> Processor<T> {
    pub fn new(sharing: Sharing, cores: u32) -> Self {
        Processor {
            sharing,
            cores: cores.max(1),
            done: 0.0,
            at: Time::ZERO,
            jobs: BinaryHeap::new(),
            seq: 0,
            running: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// Cores in use.
    pub fn busy(&self) -> u32 {
        match self.sharing {
            Sharing::Even => self.cores.min(self.jobs.len() as u32),
            _ => self.running.len() as u32,
        }
    }

    fn is_even(&self) -> bool {
        matches!(self.sharing, Sharing::Even)
    }

    /// Even sharing: how much work each job gets done in a nanosecond.
    fn speed(&self) -> f64 {
        if self.jobs.is_empty() {
            return 0.0;
        }
        // Without a division where everybody has a core.
        if self.jobs.len() <= self.cores as usize { 1.0 } else { f64::from(self.cores) / self.jobs.len() as f64 }
    }

    fn advance(&mut self, now: Time) {
        if self.is_even() {
            self.done += self.speed() * now.since(self.at).0 as f64;
        }
        self.at = now;
    }

    /// Add work of `span` for `id`.
    pub fn add(&mut self, now: Time, id: T, span: Span, priority: u8) {
        self.advance(now);
        self.seq += 1;
        if self.is_even() {
            if self.jobs.is_empty() {
                // Begin at zero again, so that the sum does not lose digits over a long run.
                self.done = 0.0;
            }
            self.jobs.push(Reverse((Bits((self.done + span.0 as f64).to_bits()), self.seq, id)));
            return;
        }
        let job = Job { id, left: span, priority, seq: self.seq };
        self.enqueue(job);
        self.dispatch(now);
    }

    fn enqueue(&mut self, job: Job<T>) {
        if self.sharing == Sharing::Preemptive {
            let at = self.queue.partition_point(|other| (other.priority, other.seq) < (job.priority, job.seq));
            self.queue.insert(at, job);
        } else {
            self.queue.push_back(job);
        }
    }

    /// Give cores to those who are to have them.
    fn dispatch(&mut self, now: Time) {
        while self.running.len() < self.cores as usize {
            let Some(job) = self.queue.pop_front() else { break };
            self.running.push(Running { job, since: now, until: Time::NEVER });
        }
        match self.sharing {
            Sharing::Preemptive => self.preempt(now),
            Sharing::Switching(interval) if !self.queue.is_empty() => {
                // Whoever runs alone is asked to make room once somebody has waited for the interval.
                for running in &mut self.running {
                    if running.until == Time::NEVER {
                        running.until = now + interval;
                    }
                }
            }
            _ => {}
        }
    }

    fn preempt(&mut self, now: Time) {
        while let Some(first) = self.queue.front() {
            let worst = self.running.iter().enumerate().max_by_key(|(_, r)| (r.job.priority, r.job.seq));
            let Some((i, worst)) = worst else { break };
            if worst.job.priority <= first.priority {
                break;
            }
            let mut out = *worst;
            out.job.left = out.job.left - now.since(out.since);
            let Some(job) = self.queue.pop_front() else { break };
            self.running[i] = Running { job, since: now, until: Time::NEVER };
            self.enqueue(out.job);
        }
    }

    /// When somebody will be done or must make room.
    #[inline(always)]
    pub fn next_change(&self) -> Option<Time> {
        if self.is_even() {
            let Reverse((end, _, _)) = self.jobs.peek()?;
            let left = (f64::from_bits(end.0) - self.done).max(0.0);
            let speed = self.speed();
            let takes = if speed == 1.0 { left } else { left / speed };
            // Rounded up, so that the work is done when the time has come.
            let whole = takes as u64;
            return Some(self.at + Span(whole.saturating_add(u64::from((whole as f64) < takes))));
        }
        self.running.iter().map(|r| (r.since + r.job.left).min(r.until)).min()
    }

    /// Take one who is done at `now`; call until there is none.
    pub fn take_done(&mut self, now: Time) -> Option<T> {
        self.advance(now);
        if self.is_even() {
            let Reverse((end, _, id)) = *self.jobs.peek()?;
            // Half a nanosecond of slack for what rounding has left over.
            if f64::from_bits(end.0) > self.done + 0.5 {
                return None;
            }
            self.jobs.pop();
            return Some(id);
        }
        if let Some(i) = self.running.iter().position(|r| r.since + r.job.left <= now) {
            let done = self.running.remove(i);
            self.dispatch(now);
            return Some(done.job.id);
        }
        while let Some(i) = self.running.iter().position(|r| r.until <= now) {
            let mut out = self.running.remove(i);
            out.job.left = out.job.left - now.since(out.since);
            self.queue.push_back(out.job);
            self.dispatch(now);
        }
        None
    }

    /// Change the number of cores.
    pub fn set_cores(&mut self, now: Time, cores: u32) {
        self.advance(now);
        self.cores = cores.max(1);
        while self.running.len() > self.cores as usize {
            if let Some(mut out) = self.running.pop() {
                out.job.left = out.job.left - now.since(out.since);
                self.queue.push_front(out.job);
            }
        }
        self.dispatch(now);
    }

    /// Take out one who is no longer wanted. False if it is not here.
    pub fn remove(&mut self, now: Time, id: T) -> bool {
        self.advance(now);
        let before = self.jobs.len() + self.queue.len() + self.running.len();
        self.jobs.retain(|Reverse((_, _, other))| *other != id);
        self.queue.retain(|job| job.id != id);
        self.running.retain(|running| running.job.id != id);
        let found = self.jobs.len() + self.queue.len() + self.running.len() < before;
        self.dispatch(now);
        found
    }

    pub fn clear(&mut self) {
        self.jobs.clear();
        self.queue.clear();
        self.running.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run to the end; who is done when, in milliseconds.
    fn finish(mut processor: Processor<u32>, arrivals: &[(u64, u32, u64, u8)]) -> Vec<(u32, u64)> {
        let ms = 1_000_000;
        let mut arrivals = arrivals.iter().peekable();
        let mut log = Vec::new();
        loop {
            let next = processor.next_change().unwrap_or(Time::NEVER);
            let arrival = arrivals.peek().map_or(Time::NEVER, |a| Time(a.0 * ms));
            if next == Time::NEVER && arrival == Time::NEVER {
                return log;
            }
            if arrival < next {
                if let Some(&(_, id, work, priority)) = arrivals.next() {
                    processor.add(arrival, id, Span(work * ms), priority);
                }
            } else {
                while let Some(id) = processor.take_done(next) {
                    log.push((id, next.0 / ms));
                }
            }
        }
    }

    const TWO: [(u64, u32, u64, u8); 2] = [(0, 1, 20, 1), (5, 2, 5, 0)];

    #[test]
    fn one_core_shared_in_four_ways() {
        assert_eq!(finish(Processor::new(Sharing::Fcfs, 1), &TWO), [(1, 20), (2, 25)]);
        assert_eq!(finish(Processor::new(Sharing::Even, 1), &TWO), [(2, 15), (1, 25)]);
        assert_eq!(finish(Processor::new(Sharing::Preemptive, 1), &TWO), [(2, 10), (1, 25)]);
        // The second waits 5 ms for the lock, then runs to its end.
        assert_eq!(finish(Processor::new(Sharing::Switching(Span::from_millis(5)), 1), &TWO), [(2, 15), (1, 25)]);
    }

    #[test]
    fn a_core_taken_away_costs_no_work() {
        let mut processor = Processor::new(Sharing::Fcfs, 2);
        processor.add(Time(0), 1, Span(100), 0);
        processor.add(Time(0), 2, Span(100), 0);
        processor.set_cores(Time(30), 1);
        assert_eq!(processor.next_change(), Some(Time(100)));
        assert_eq!(processor.take_done(Time(100)), Some(1));
        assert_eq!(processor.next_change(), Some(Time(170)));
    }
}
