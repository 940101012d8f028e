//! A bounded store of keys with a replacement policy: what a cache holds.

use super::sketch::Sketch;
use crate::base::hash::IntMap;
use crate::base::{Rng, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// The eviction policy of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Policy {
    /// The least recently used.
    #[default]
    Lru,
    /// The least often used; among equals the least recently used.
    Lfu,
    /// The oldest.
    Fifo,
    /// Any.
    Random,
    /// The oldest that was not used since the hand last passed (Corbató 1968).
    Clock,
    /// As the clock, but those who were used stay where they are (Zhang et al., NSDI 2024).
    Sieve,
    /// A small queue for newcomers, a main one, and a memory of those who left (Yang et al., SOSP 2023).
    S3Fifo,
    /// A small window, and a main part that only the more frequent may enter (Einziger, Friedman and Manes 2017).
    WTinyLfu,
}

impl Policy {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Lru", "LRU: evicts the least recently used entry."),
        ("Lfu", "LFU: evicts the least frequently used entry."),
        ("Fifo", "FIFO: evicts the oldest entry."),
        ("Random", "Random: evicts a random entry."),
        ("Clock", "CLOCK: evicts the first entry whose reference bit is clear."),
        ("Sieve", "SIEVE: as CLOCK, but entries that were used keep their place in the queue."),
        ("S3Fifo", "S3-FIFO: small and main FIFO queues with a ghost queue."),
        (
            "WTinyLfu",
            "W-TinyLFU: a small window; only entries that are used more often than the victim are admitted to the main part.",
        ),
    ];
}

/// Every policy, for tests and tables.
pub const POLICIES: [Policy; 8] = [
    Policy::Lru,
    Policy::Lfu,
    Policy::Fifo,
    Policy::Random,
    Policy::Clock,
    Policy::Sieve,
    Policy::S3Fifo,
    Policy::WTinyLfu,
];

/// What is kept of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: u64,
    /// What it takes of the capacity: 1 where entries are counted, else bytes.
    pub weight: u32,
    /// [`ABSENT`] if what is remembered is that there is no such key.
    pub version: u32,
    pub expires: Time,
    /// What fetching it took, for early refreshes.
    pub cost: Span,
    /// When it is to be written behind, if it was written here only; never if it is not to be.
    pub write_at: Time,
}

/// In place of a version.
pub const ABSENT: u32 = u32::MAX;

impl Entry {
    pub fn is_absent(&self) -> bool {
        self.version == ABSENT
    }

    /// Written here, but not yet behind.
    pub fn is_dirty(&self) -> bool {
        self.write_at != Time::NEVER
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    entry: Entry,
    /// Uses, where the policy counts them; 1 is "visited".
    uses: u32,
    /// LFU: the order among equals. Random: the place in `order`.
    stamp: u64,
    list: u8,
}

/// A slot's neighbours in its list: apart from the slots, because every use of an entry changes those of others.
#[derive(Clone, Copy, Debug)]
struct Links {
    prev: u32,
    next: u32,
}

const NIL: u32 = u32::MAX;
/// The lists: one for most policies; S3-FIFO: main and small; W-TinyLFU: protected, window, probation.
const MAIN: u8 = 0;
const SMALL: u8 = 1;
const PROBATION: u8 = 2;

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
    weight: u64,
}

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    policy: Policy,
    capacity: u64,
    index: IntMap<u64, u32>,
    slots: Vec<Slot>,
    links: Vec<Links>,
    free: Vec<u32>,
    lists: [List; 3],
    /// SIEVE's hand.
    hand: u32,
    /// Random: the slots in use.
    order: Vec<u32>,
    /// LFU: (uses, stamp, slot).
    ranks: BTreeSet<(u32, u64, u32)>,
    clock: u64,
    /// S3-FIFO: keys that left the small queue, oldest first, each with a number; and what each weighed, with its number.
    /// One that came back is in the queue still, but not in the index.
    ghosts: VecDeque<(u64, u64)>,
    ghost_index: IntMap<u64, (u64, u32)>,
    ghost_weight: u64,
    sketch: Option<Sketch>,
}

impl Store {
    /// A store for entries of this total weight.
    pub fn new(policy: Policy, capacity: u64) -> Store {
        let empty = List { head: NIL, tail: NIL, weight: 0 };
        Store {
            policy,
            capacity,
            index: IntMap::default(),
            slots: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            lists: [empty; 3],
            hand: NIL,
            order: Vec::new(),
            ranks: BTreeSet::new(),
            clock: 0,
            ghosts: VecDeque::new(),
            ghost_index: IntMap::default(),
            ghost_weight: 0,
            // It grows with the entries: the capacity may be in bytes.
            sketch: (policy == Policy::WTinyLfu).then(|| Sketch::new(0)),
        }
    }

    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub fn weight(&self) -> u64 {
        self.lists.iter().map(|list| list.weight).sum()
    }

    /// Look a key up, which counts as a use.
    #[inline]
    pub fn get(&mut self, key: u64) -> Option<&Entry> {
        if let Some(sketch) = &mut self.sketch {
            sketch.note(key);
        }
        let slot = *self.index.get(&key)?;
        self.touch(slot);
        Some(&self.slots[slot as usize].entry)
    }

    /// Look a key up without using it.
    pub fn peek(&self, key: u64) -> Option<Entry> {
        self.index.get(&key).map(|slot| self.slots[*slot as usize].entry)
    }

    /// Change what is kept of a key, which does not count as a use.
    pub fn peek_mut(&mut self, key: u64) -> Option<&mut Entry> {
        let slot = *self.index.get(&key)?;
        Some(&mut self.slots[slot as usize].entry)
    }

    fn touch(&mut self, slot: u32) {
        match self.policy {
            Policy::Lru => self.bring_forward(slot, MAIN),
            Policy::Fifo | Policy::Random => {}
            Policy::Clock | Policy::Sieve => self.slots[slot as usize].uses = 1,
            Policy::S3Fifo => {
                let uses = &mut self.slots[slot as usize].uses;
                *uses = (*uses + 1).min(3);
            }
            Policy::Lfu => {
                let Slot { uses, stamp, .. } = self.slots[slot as usize];
                self.ranks.remove(&(uses, stamp, slot));
                self.clock += 1;
                self.slots[slot as usize].uses = uses.saturating_add(1);
                self.slots[slot as usize].stamp = self.clock;
                self.ranks.insert((uses.saturating_add(1), self.clock, slot));
            }
            Policy::WTinyLfu => match self.slots[slot as usize].list {
                SMALL => self.bring_forward(slot, SMALL),
                _ => {
                    self.move_to_front(slot, MAIN);
                    // Protected is four fifths of the main part; who falls out of it is on probation again.
                    while self.lists[MAIN as usize].weight > self.main_capacity() * 4 / 5 {
                        let last = self.lists[MAIN as usize].tail;
                        self.move_to_front(last, PROBATION);
                    }
                }
            },
        }
    }

    /// Keep an entry; those who must go are added to `evicted`. What is too large for the store is not kept.
    pub fn insert(&mut self, entry: Entry, rng: &mut Rng, evicted: &mut Vec<Entry>) {
        if let Some(&slot) = self.index.get(&entry.key) {
            let list = self.slots[slot as usize].list as usize;
            let old = self.slots[slot as usize].entry.weight;
            self.slots[slot as usize].entry = entry;
            self.lists[list].weight = self.lists[list].weight + u64::from(entry.weight) - u64::from(old);
            self.touch(slot);
            self.make_room(0, rng, evicted);
            return;
        }
        let weight = u64::from(entry.weight);
        if weight > self.capacity {
            return;
        }
        if self.policy != Policy::WTinyLfu {
            self.make_room(weight, rng, evicted);
        }
        let came_back = self.policy == Policy::S3Fifo && self.was_ghost(entry.key);
        let list = match self.policy {
            Policy::WTinyLfu => SMALL,
            Policy::S3Fifo if !came_back => SMALL,
            _ => MAIN,
        };
        let slot = self.allocate(entry);
        self.index.insert(entry.key, slot);
        self.push_front(slot, list);
        match self.policy {
            Policy::Lfu => {
                self.clock += 1;
                self.slots[slot as usize].uses = 1;
                self.slots[slot as usize].stamp = self.clock;
                self.ranks.insert((1, self.clock, slot));
            }
            Policy::Random => {
                self.slots[slot as usize].stamp = self.order.len() as u64;
                self.order.push(slot);
            }
            Policy::WTinyLfu => {
                if let Some(sketch) = self.sketch.as_mut().filter(|sketch| sketch.is_too_small(self.index.len())) {
                    // What was noted is lost, as in Caffeine; it happens only while the store fills for the first time.
                    *sketch = Sketch::new(2 * self.index.len() as u64);
                }
                self.admit(evicted);
                self.make_room(0, rng, evicted);
            }
            _ => {}
        }
    }

    fn allocate(&mut self, entry: Entry) -> u32 {
        let slot = Slot { entry, uses: 0, stamp: 0, list: MAIN };
        if let Some(free) = self.free.pop() {
            self.slots[free as usize] = slot;
            return free;
        }
        self.slots.push(slot);
        self.links.push(Links { prev: NIL, next: NIL });
        self.slots.len() as u32 - 1
    }

    /// Evict until `weight` more fits.
    fn make_room(&mut self, weight: u64, rng: &mut Rng, evicted: &mut Vec<Entry>) {
        while self.weight() + weight > self.capacity {
            let Some(victim) = self.victim(rng) else { return };
            evicted.push(self.take_out(victim));
        }
    }

    /// Who goes next.
    fn victim(&mut self, rng: &mut Rng) -> Option<u32> {
        let tail = self.lists[MAIN as usize].tail;
        match self.policy {
            Policy::Lru | Policy::Fifo => (tail != NIL).then_some(tail),
            Policy::Lfu => self.ranks.first().map(|&(_, _, slot)| slot),
            Policy::Random => {
                let n = self.order.len() as u32;
                (n > 0).then(|| self.order[rng.below(n) as usize])
            }
            Policy::Clock => loop {
                let tail = self.lists[MAIN as usize].tail;
                if tail == NIL {
                    return None;
                }
                if self.slots[tail as usize].uses == 0 {
                    return Some(tail);
                }
                self.slots[tail as usize].uses = 0;
                self.move_to_front(tail, MAIN);
            },
            Policy::Sieve => {
                let mut hand = if self.hand == NIL { tail } else { self.hand };
                while hand != NIL && self.slots[hand as usize].uses > 0 {
                    self.slots[hand as usize].uses = 0;
                    hand = self.links[hand as usize].prev;
                    if hand == NIL {
                        hand = self.lists[MAIN as usize].tail;
                    }
                }
                self.hand = if hand == NIL { NIL } else { self.links[hand as usize].prev };
                (hand != NIL).then_some(hand)
            }
            Policy::S3Fifo => self.s3_victim(),
            Policy::WTinyLfu => {
                let lists = [PROBATION, SMALL, MAIN].map(|list| self.lists[list as usize].tail);
                lists.into_iter().find(|tail| *tail != NIL)
            }
        }
    }

    fn s3_victim(&mut self) -> Option<u32> {
        loop {
            let small = self.lists[SMALL as usize];
            let main = self.lists[MAIN as usize];
            // A tenth of the room is for newcomers.
            if small.tail != NIL && (small.weight * 10 >= self.capacity || main.tail == NIL) {
                let slot = small.tail;
                if self.slots[slot as usize].uses > 1 {
                    self.slots[slot as usize].uses = 0;
                    self.move_to_front(slot, MAIN);
                    continue;
                }
                self.remember(self.slots[slot as usize].entry);
                return Some(slot);
            }
            if main.tail == NIL {
                return None;
            }
            let slot = main.tail;
            if self.slots[slot as usize].uses == 0 {
                return Some(slot);
            }
            self.slots[slot as usize].uses -= 1;
            self.move_to_front(slot, MAIN);
        }
    }

    /// S3-FIFO: remember a key that left, as many as would fill the main queue (Yang et al., SOSP 2023).
    fn remember(&mut self, entry: Entry) {
        self.clock += 1;
        self.ghosts.push_back((entry.key, self.clock));
        self.ghost_weight += u64::from(entry.weight);
        if let Some((_, before)) = self.ghost_index.insert(entry.key, (self.clock, entry.weight)) {
            self.ghost_weight -= u64::from(before);
        }
        while self.ghost_weight > self.capacity * 9 / 10 {
            let Some((oldest, number)) = self.ghosts.pop_front() else { break };
            if self.ghost_index.get(&oldest).is_some_and(|ghost| ghost.0 == number) {
                self.was_ghost(oldest);
            }
        }
        // Those that came back must not add up.
        if self.ghosts.len() > 2 * self.ghost_index.len() + 64 {
            let index = &self.ghost_index;
            self.ghosts.retain(|(key, number)| index.get(key).is_some_and(|ghost| ghost.0 == *number));
        }
    }

    /// S3-FIFO: whether a key left lately; it is remembered no more.
    fn was_ghost(&mut self, key: u64) -> bool {
        let Some((_, weight)) = self.ghost_index.remove(&key) else { return false };
        self.ghost_weight -= u64::from(weight);
        true
    }

    fn main_capacity(&self) -> u64 {
        self.capacity - self.window_capacity()
    }

    /// W-TinyLFU's window: a hundredth, as in Caffeine.
    fn window_capacity(&self) -> u64 {
        (self.capacity / 100).max(1)
    }

    /// W-TinyLFU: who falls out of the window enters the main part if it is more frequent than who would have to go.
    fn admit(&mut self, evicted: &mut Vec<Entry>) {
        while self.lists[SMALL as usize].weight > self.window_capacity() {
            let candidate = self.lists[SMALL as usize].tail;
            self.move_to_front(candidate, PROBATION);
            while self.lists[MAIN as usize].weight + self.lists[PROBATION as usize].weight > self.main_capacity() {
                let probation = self.lists[PROBATION as usize].tail;
                let victim =
                    if probation == candidate || probation == NIL { self.lists[MAIN as usize].tail } else { probation };
                let frequency = |slot: u32| {
                    let key = self.slots[slot as usize].entry.key;
                    self.sketch.as_ref().map_or(0, |sketch| sketch.estimate(key))
                };
                let loser = if victim == NIL || frequency(candidate) <= frequency(victim) { candidate } else { victim };
                evicted.push(self.take_out(loser));
                if loser == candidate {
                    break;
                }
            }
        }
    }

    /// Take a key out.
    pub fn remove(&mut self, key: u64) -> Option<Entry> {
        let slot = *self.index.get(&key)?;
        Some(self.take_out(slot))
    }

    fn take_out(&mut self, slot: u32) -> Entry {
        if self.hand == slot {
            self.hand = self.links[slot as usize].prev;
        }
        self.unlink(slot);
        let Slot { entry, uses, stamp, .. } = self.slots[slot as usize];
        self.index.remove(&entry.key);
        self.free.push(slot);
        match self.policy {
            Policy::Lfu => {
                self.ranks.remove(&(uses, stamp, slot));
            }
            Policy::Random => {
                self.order.swap_remove(stamp as usize);
                if let Some(&moved) = self.order.get(stamp as usize) {
                    self.slots[moved as usize].stamp = stamp;
                }
            }
            _ => {}
        }
        entry
    }

    /// Throw everything away, dirty or not; returns how many there were.
    pub fn clear(&mut self) -> usize {
        let n = self.len();
        *self = Store::new(self.policy, self.capacity);
        n
    }

    /// Change the capacity; those who must go are added to `evicted`.
    pub fn resize(&mut self, capacity: u64, rng: &mut Rng, evicted: &mut Vec<Entry>) {
        self.capacity = capacity;
        if self.policy == Policy::WTinyLfu {
            self.admit(evicted);
        }
        self.make_room(0, rng, evicted);
    }

    /// To the front of the list that it is in.
    #[inline]
    fn bring_forward(&mut self, slot: u32, list: u8) {
        let Links { prev, next } = self.links[slot as usize];
        if prev == NIL {
            return;
        }
        self.links[prev as usize].next = next;
        let l = &mut self.lists[list as usize];
        let old = std::mem::replace(&mut l.head, slot);
        if next == NIL {
            l.tail = prev;
        } else {
            self.links[next as usize].prev = prev;
        }
        self.links[old as usize].prev = slot;
        self.links[slot as usize] = Links { prev: NIL, next: old };
    }

    fn move_to_front(&mut self, slot: u32, list: u8) {
        self.unlink(slot);
        self.push_front(slot, list);
    }

    fn push_front(&mut self, slot: u32, list: u8) {
        let l = &mut self.lists[list as usize];
        let old = l.head;
        l.head = slot;
        l.weight += u64::from(self.slots[slot as usize].entry.weight);
        if old == NIL {
            l.tail = slot;
        } else {
            self.links[old as usize].prev = slot;
        }
        self.links[slot as usize] = Links { prev: NIL, next: old };
        self.slots[slot as usize].list = list;
    }

    fn unlink(&mut self, slot: u32) {
        let Links { prev, next } = self.links[slot as usize];
        let Slot { list, entry, .. } = self.slots[slot as usize];
        let l = &mut self.lists[list as usize];
        l.weight -= u64::from(entry.weight);
        if prev == NIL {
            l.head = next;
        } else {
            self.links[prev as usize].next = next;
        }
        if next == NIL {
            self.lists[list as usize].tail = prev;
        } else {
            self.links[next as usize].prev = prev;
        }
    }
}

#[cfg(test)]
mod tests;
