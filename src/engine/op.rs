//! Operations: what is kept around the attempts of a call while retries, hedges, a deadline or a fallback may act.

use super::call::{CallId, Waiter};
use super::ctx::Request;
use super::link::MAX_HEDGES;
use super::outcome::Reason;
use crate::base::{LinkId, Span, Time};

/// Attempts that can be in flight at once: one and its hedges.
pub(crate) const MAX_IN_FLIGHT: usize = MAX_HEDGES as usize + 1;

/// A call with the policies around its attempts.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub generation: u32,
    pub alive: bool,
    pub link: LinkId,
    pub waiter: Waiter,
    pub tag: u32,
    pub request: Request,
    /// When the caller asked.
    pub started: Time,
    /// The deadline of the whole operation.
    pub deadline: Time,
    /// Attempts begun, without hedges.
    pub attempts: u8,
    /// Copies of the present attempt, and when the next is due.
    pub hedges: u8,
    pub hedge_at: Time,
    /// Attempts and copies of all of them; a number too large to count stays at the largest.
    pub sent: u8,
    /// The delay before the last retry, which decorrelated jitter builds on.
    pub last_delay: Span,
    pub reason: Reason,
    /// The attempts in flight.
    pub in_flight: [CallId; MAX_IN_FLIGHT],
    /// Waiting to try again, or for the fallback.
    pub resting: bool,
}

impl Op {
    pub fn note(&mut self, id: CallId) {
        let free = self.in_flight.iter_mut().find(|slot| slot.is_none());
        *free.expect("no more copies than there is room for") = id;
    }

    pub fn forget(&mut self, id: CallId) {
        for slot in &mut self.in_flight {
            if *slot == id {
                *slot = CallId::NONE;
            }
        }
    }

    pub fn is_waiting(&self) -> bool {
        self.in_flight.iter().any(|id| !id.is_none())
    }
}

/// The operations under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ops {
    slab: Vec<Op>,
    free: Vec<u32>,
}

impl Ops {
    /// Keep an operation. Its id has the same shape as a call's, so that it can wait in a lane.
    pub fn insert(&mut self, mut op: Op) -> CallId {
        if let Some(slot) = self.free.pop() {
            op.generation = self.slab[slot as usize].generation;
            let generation = op.generation;
            self.slab[slot as usize] = op;
            return CallId { slot, generation };
        }
        let slot = u32::try_from(self.slab.len()).expect("fewer than 2^32 operations");
        op.generation = 0;
        self.slab.push(op);
        CallId { slot, generation: 0 }
    }

    pub fn remove(&mut self, slot: u32) {
        let op = &mut self.slab[slot as usize];
        debug_assert!(op.alive);
        op.alive = false;
        op.generation = op.generation.wrapping_add(1);
        self.free.push(slot);
    }

    pub fn id(&self, slot: u32) -> CallId {
        CallId { slot, generation: self.slab[slot as usize].generation }
    }

    pub fn is_alive(&self, id: CallId) -> bool {
        self.slab.get(id.slot as usize).is_some_and(|op| op.alive && op.generation == id.generation)
    }

    pub fn by_slot(&self, slot: u32, low_generation: u32, mask: u32) -> Option<CallId> {
        let op = self.slab.get(slot as usize)?;
        (op.alive && op.generation & mask == low_generation).then(|| self.id(slot))
    }

    /// Those that are alive, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (CallId, &Op)> {
        self.slab.iter().enumerate().filter(|(_, op)| op.alive).map(|(slot, op)| (self.id(slot as u32), op))
    }

    pub fn len(&self) -> usize {
        self.slab.len() - self.free.len()
    }
}

impl std::ops::Index<u32> for Ops {
    type Output = Op;
    fn index(&self, slot: u32) -> &Op {
        &self.slab[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Ops {
    fn index_mut(&mut self, slot: u32) -> &mut Op {
        &mut self.slab[slot as usize]
    }
}
