//! Start-time fair queueing (Goyal, Vin and Cheng 1996): flows share by their weights, however many calls each has. A full
//! line drops from the longest flow (longest queue drop: Suter, Lakshman, Stiliadis and Choudhury 1998).

use super::Ticket;
use crate::base::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The calls that wait, by flow.
#[derive(Clone, Debug)]
pub struct Fair<T> {
    flows: BTreeMap<u64, Flow<T>>,
    /// The first call of each line: its start tag, its number, its flow.
    heads: BTreeSet<(u64, u64, u64)>,
    /// Flows with calls that wait, by what those cost together.
    loads: BTreeSet<(u64, u64)>,
    virtual_time: u64,
    seq: u64,
    entries: usize,
    /// The flow of the entry that was taken last.
    last: u64,
    /// So many flows make it worth while to forget those whose past does not matter any more.
    sweep_at: usize,
}

#[derive(Clone, Debug)]
struct Flow<T> {
    /// The start tag of its next call, if virtual time has not passed it by then.
    tag: u64,
    cost: u64,
    line: VecDeque<Entry<T>>,
    /// Entries of calls that left the line.
    gone: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    tag: u64,
    seq: u64,
    id: T,
    since: Time,
}

/// Fewer flows than this are not looked through.
const FEW_FLOWS: usize = 64;

impl<T> Flow<T> {
    fn waiting(&self) -> u64 {
        self.line.len().saturating_sub(self.gone) as u64
    }

    fn load(&self) -> u64 {
        self.waiting() * self.cost
    }
}

impl<T: Copy> Fair<T> {
    pub fn new() -> Fair<T> {
        Fair {
            flows: BTreeMap::new(),
            heads: BTreeSet::new(),
            loads: BTreeSet::new(),
            virtual_time: 0,
            seq: 0,
            entries: 0,
            last: 0,
            sweep_at: FEW_FLOWS,
        }
    }

    /// Entries, also of calls that left.
    pub fn len(&self) -> usize {
        self.entries
    }

    pub fn clear(&mut self) {
        self.flows.clear();
        self.heads.clear();
        self.loads.clear();
        self.entries = 0;
    }

    pub fn push(&mut self, ticket: &Ticket<T>) {
        if self.flows.len() >= self.sweep_at {
            let now = self.virtual_time;
            self.flows.retain(|_, flow| !flow.line.is_empty() || flow.tag > now);
            self.sweep_at = FEW_FLOWS.max(2 * self.flows.len());
        }
        self.seq += 1;
        let (number, seq, virtual_time) = (ticket.flow, self.seq, self.virtual_time);
        let new = || Flow { tag: 0, cost: ticket.cost, line: VecDeque::new(), gone: 0 };
        let flow = self.flows.entry(number).or_insert_with(new);
        let load = flow.load();
        // Calls count alike: their work is not known beforehand.
        let tag = flow.tag.max(virtual_time);
        flow.tag = tag + ticket.cost;
        flow.cost = ticket.cost;
        if flow.line.is_empty() {
            self.heads.insert((tag, seq, number));
        }
        flow.line.push_back(Entry { tag, seq, id: ticket.id, since: ticket.since });
        self.entries += 1;
        self.load_changed(number, load);
    }

    fn load_changed(&mut self, number: u64, before: u64) {
        let after = self.flows.get(&number).map_or(0, Flow::load);
        if before != after {
            self.loads.remove(&(before, number));
            if after > 0 {
                self.loads.insert((after, number));
            }
        }
    }

    pub fn pop(&mut self) -> Option<(T, Time)> {
        let (tag, _, number) = self.heads.pop_first()?;
        let flow = self.flows.get_mut(&number)?;
        let load = flow.load();
        let entry = flow.line.pop_front()?;
        if let Some(next) = flow.line.front() {
            self.heads.insert((next.tag, next.seq, number));
        }
        // Should the call have left, `passed_over` says so next.
        self.entries -= 1;
        (self.virtual_time, self.last) = (tag, number);
        self.load_changed(number, load);
        Some((entry.id, entry.since))
    }

    /// The entry that was taken last was of a call that had left.
    pub fn passed_over(&mut self) {
        let number = self.last;
        if let Some(flow) = self.flows.get_mut(&number).filter(|flow| flow.gone > 0) {
            let load = flow.load();
            flow.gone -= 1;
            self.load_changed(number, load);
        }
    }

    /// A call of this flow leaves; its entry stays behind.
    pub fn left(&mut self, number: u64) {
        if let Some(flow) = self.flows.get_mut(&number).filter(|flow| flow.gone < flow.line.len()) {
            let load = flow.load();
            flow.gone += 1;
            self.load_changed(number, load);
        }
    }

    /// The newest call of the longest flow gives way, unless the arrival's own is the longest.
    pub fn make_room(&mut self, arrival: &Ticket<T>, is_there: impl Fn(T) -> bool) -> Option<T> {
        let own = self.flows.get(&arrival.flow).map_or(0, Flow::waiting) + 1;
        let &(load, number) = self.loads.last()?;
        if load <= own * arrival.cost {
            return None;
        }
        let flow = self.flows.get_mut(&number)?;
        while let Some(entry) = flow.line.pop_back() {
            self.entries -= 1;
            if flow.line.is_empty() {
                self.heads.remove(&(entry.tag, entry.seq, number));
            }
            // What is not served is not paid for.
            flow.tag = entry.tag;
            if is_there(entry.id) {
                self.load_changed(number, load);
                return Some(entry.id);
            }
            flow.gone = flow.gone.saturating_sub(1);
        }
        self.load_changed(number, load);
        None
    }

    /// Forget the entries of those that left.
    pub fn retain(&mut self, alive: impl Fn(T) -> bool) {
        self.heads.clear();
        self.loads.clear();
        self.entries = 0;
        for (number, flow) in &mut self.flows {
            flow.line.retain(|entry| alive(entry.id));
            flow.gone = 0;
            self.entries += flow.line.len();
            if let Some(first) = flow.line.front() {
                self.heads.insert((first.tag, first.seq, *number));
                self.loads.insert((flow.load(), *number));
            }
        }
    }
}
