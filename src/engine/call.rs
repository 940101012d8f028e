//! Calls: an attempt of a request over a link, and its reply. They live in a slab with generations, so that a late event
//! about a call that is gone is recognised.

use super::ctx::Request;
use super::outcome::{Operation, Reply};
use crate::base::{ClassId, LinkId, NodeId, Time};

/// A call's place in the slab and its generation: one word, because what is written in two pieces and read back soon as
/// one keeps the processor waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    /// No call.
    pub const NONE: CallId = CallId::new(u32::MAX, 0);

    #[inline]
    pub(crate) const fn new(slot: u32, generation: u32) -> CallId {
        CallId((slot as u64) << 32 | generation as u64)
    }

    #[inline]
    pub(crate) const fn slot(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        self.0 as u32
    }

    pub fn is_none(self) -> bool {
        self.slot() == u32::MAX
    }
}

impl Default for CallId {
    fn default() -> Self {
        CallId::NONE
    }
}

/// Who waits for a call's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// The node at the near end of the link, on its own account: a root request.
    Root,
    /// The call that the node at the near end is serving; the node asked for this child itself.
    Node(CallId),
    /// The same, on behalf of its itinerary of steps.
    Steps(CallId),
    /// An operation with policies around the attempt.
    Op(CallId),
    /// Nobody: sent and forgotten.
    Nobody,
}

/// The same in two parts, which a call has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    Root,
    Node,
    Steps,
    Op,
    Nobody,
}

impl Waiter {
    #[inline]
    pub fn parts(self) -> (Waits, CallId) {
        match self {
            Waiter::Root => (Waits::Root, CallId::NONE),
            Waiter::Node(parent) => (Waits::Node, parent),
            Waiter::Steps(parent) => (Waits::Steps, parent),
            Waiter::Op(op) => (Waits::Op, op),
            Waiter::Nobody => (Waits::Nobody, CallId::NONE),
        }
    }
}

/// Any replica: the callee chooses.
pub const ANY_REPLICA: u16 = u16::MAX;

/// The caller still waits.
pub(crate) const AWAITED: u16 = 1;
/// The request is on its way to the callee or with it; no answer has been given.
pub(crate) const SERVING: u16 = 2;
/// The reply is on its way.
pub(crate) const RETURNING: u16 = 4;
/// A connection is being set up for it.
pub(crate) const CONNECTING: u16 = 8;
/// While one of these is set, somebody will come back to the record.
pub(crate) const HELD: u16 = AWAITED | SERVING | RETURNING | CONNECTING;
/// It has reached its callee and was counted there.
pub(crate) const ARRIVED: u16 = 16;
/// The callee has been told, or will be, that nobody waits.
pub(crate) const CANCELLED: u16 = 32;
/// It holds a connection of the link's pool.
pub(crate) const CONNECTED: u16 = 64;
/// It waits for a connection of the link's pool.
pub(crate) const IN_POOL_QUEUE: u16 = 128;
/// It counts in the link's bulkhead.
pub(crate) const IN_BULKHEAD: u16 = 256;
/// The breaker let it pass, and waits for its outcome.
pub(crate) const PERMITTED: u16 = 512;
/// It was lost, and nothing will ever tell its caller.
pub(crate) const UNNOTICED: u16 = 1024;
/// What becomes of it is kept for displays.
pub(crate) const TRACED: u16 = 2048;
/// Nothing was in its way to the callee, and nothing will be on the way back, if it has set out: the caller waits as long as
/// the callee takes.
pub(crate) const STRAIGHT: u16 = 4096;
/// The link's own policies stopped it: it never left its caller.
pub(crate) const STOPPED: u16 = 8192;

/// An attempt of a request over a link: two lines of the processor's cache, as a test below holds, because with very many
/// calls in flight fetching them is most of what an event costs.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Call {
    pub(crate) generation: u32,
    /// Not the first attempt of its operation: a retry, or a copy.
    pub again: bool,
    pub(crate) waits: Waits,
    /// Not at a multiple of four, or a compiler reads it together with what stands behind it: the processor then waits for
    /// both to be written.
    pub(crate) flags: u16,
    /// The parent or the operation that waits, if one does.
    pub(crate) caller: CallId,
    /// What the caller wants to be told with the reply.
    pub(crate) tag: u32,
    /// The callee.
    pub node: NodeId,
    /// The link it came over.
    pub link: LinkId,
    /// The replica of the callee that it is for, or [`ANY_REPLICA`].
    pub replica: u16,
    /// The replica of the caller that it comes from.
    pub origin: u16,
    pub asks: Request,
    /// When the caller asked.
    pub(crate) sent: Time,
    /// When it reached the callee.
    pub arrived: Time,
    /// Nanoseconds at the callee so far: waiting for a slot or core, and being worked on. What is left of the latency
    /// was spent waiting for others.
    pub queue_ns: u64,
    pub service_ns: u64,
    pub(crate) reply: Reply,
    /// For the callee to use as it likes.
    pub scratch: [u64; 2],
}

impl Call {
    /// What lies in a place that has not been used yet.
    const NOBODYS: Call = Call {
        generation: 0,
        again: false,
        waits: Waits::Nobody,
        caller: CallId::NONE,
        tag: 0,
        node: NodeId(0),
        link: LinkId(0),
        replica: ANY_REPLICA,
        flags: 0,
        origin: 0,
        asks: Request {
            class: ClassId(0),
            priority: 0,
            operation: Operation::Read,
            tenant: 0,
            key: 0,
            request: 0,
            response: 0,
            intended: Time::ZERO,
            deadline: Time::NEVER,
        },
        sent: Time::ZERO,
        arrived: Time::ZERO,
        queue_ns: 0,
        service_ns: 0,
        reply: Reply::OK,
        scratch: [0; 2],
    };

    #[inline]
    pub(crate) fn waiter(&self) -> Waiter {
        match self.waits {
            Waits::Root => Waiter::Root,
            Waits::Node => Waiter::Node(self.caller),
            Waits::Steps => Waiter::Steps(self.caller),
            Waits::Op => Waiter::Op(self.caller),
            Waits::Nobody => Waiter::Nobody,
        }
    }

    /// Whether its caller still waits for it.
    pub fn is_awaited(&self) -> bool {
        self.flags & AWAITED != 0
    }

    /// Whether it holds a connection of its link's pool.
    pub fn is_connected(&self) -> bool {
        self.flags & CONNECTED != 0
    }

    /// Whether it is neither on its way nor with its callee nor waits for a connection: its message was lost.
    pub fn is_lost(&self) -> bool {
        self.flags & (SERVING | RETURNING | CONNECTING | IN_POOL_QUEUE) == 0
    }

    /// Whether it has arrived and was not answered.
    pub fn is_with_callee(&self) -> bool {
        self.flags & (ARRIVED | SERVING) == ARRIVED | SERVING
    }
}

/// Where a call under way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// The request is on the way to the callee.
    There,
    /// It waits at the callee, or is served.
    AtCallee,
    /// The reply is on the way.
    Back,
}

/// The calls in flight.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    slab: Vec<Call>,
    free: Vec<u32>,
}

impl Calls {
    /// Whether a place is free without more memory.
    #[inline]
    pub fn has_free(&self) -> bool {
        !self.free.is_empty()
    }

    /// A free place, into which the caller writes a record with the generation of this id.
    #[inline]
    pub fn reserve(&mut self) -> (CallId, &mut Call) {
        let slot = self.free.pop().unwrap_or_else(|| Self::grow(&mut self.slab));
        let call = &mut self.slab[slot as usize];
        (CallId::new(slot, call.generation), call)
    }

    #[cold]
    #[inline(never)]
    fn grow(slab: &mut Vec<Call>) -> u32 {
        let slot = u32::try_from(slab.len()).expect("fewer than 2^32 calls in flight");
        slab.push(Call::NOBODYS);
        slot
    }

    /// Free a place. What it held can be read until it is reserved again.
    #[inline]
    pub fn remove(&mut self, id: CallId) -> &Call {
        let call = &mut self.slab[id.slot() as usize];
        debug_assert_eq!(call.generation, id.generation(), "removed twice");
        call.generation = call.generation.wrapping_add(1);
        call.flags = 0;
        self.free.push(id.slot());
        call
    }

    #[inline]
    pub fn get(&self, id: CallId) -> Option<&Call> {
        self.slab.get(id.slot() as usize).filter(|call| call.generation == id.generation())
    }

    #[inline]
    pub fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.slab.get_mut(id.slot() as usize).filter(|call| call.generation == id.generation())
    }

    /// The call in `slot`, if its generation ends in these bits: for events, which have no room for all of them.
    #[inline]
    pub fn by_slot(&self, slot: u32, low_generation: u32, mask: u32) -> Option<CallId> {
        let call = self.slab.get(slot as usize)?;
        (call.generation & mask == low_generation).then_some(CallId::new(slot, call.generation))
    }

    /// The same, if that call is with its callee.
    #[inline]
    pub fn served_by_slot(&self, slot: u32, low_generation: u32, mask: u32) -> Option<CallId> {
        let call = self.slab.get(slot as usize)?;
        let served = call.generation & mask == low_generation && call.flags & SERVING != 0;
        served.then_some(CallId::new(slot, call.generation))
    }

    /// Whether so many have been in flight that their records are no longer all in the processor's cache.
    #[inline]
    pub fn are_many(&self) -> bool {
        self.slab.len() > 4_096
    }

    /// Read something of each line of the records of some calls, and of those who wait for them, to have them near: side by
    /// side they come many times faster than one after the other when each is needed.
    #[inline]
    pub fn read(&self, calls: impl Iterator<Item = CallId>) {
        let line = |call: &Call| call.asks.key ^ call.scratch[0];
        let read = calls.filter_map(|id| self.slab.get(id.slot() as usize)).fold(0, |read, call| {
            let caller = self.slab.get(call.caller.slot() as usize);
            read ^ line(call) ^ caller.map_or(0, line)
        });
        std::hint::black_box(read);
    }

    pub fn len(&self) -> usize {
        self.slab.len() - self.free.len()
    }

    /// Room that side tables need.
    pub fn slots(&self) -> usize {
        self.slab.len()
    }

    /// The calls that are alive, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (CallId, &Call)> {
        self.slab
            .iter()
            .enumerate()
            .filter(|(_, call)| call.flags != 0)
            .map(|(slot, call)| (CallId::new(slot as u32, call.generation), call))
    }
}

impl std::ops::Index<CallId> for Calls {
    type Output = Call;
    #[inline]
    fn index(&self, id: CallId) -> &Call {
        let call = &self.slab[id.slot() as usize];
        debug_assert_eq!(call.generation, id.generation(), "the call is gone");
        call
    }
}

impl std::ops::IndexMut<CallId> for Calls {
    #[inline]
    fn index_mut(&mut self, id: CallId) -> &mut Call {
        let call = &mut self.slab[id.slot() as usize];
        debug_assert_eq!(call.generation, id.generation(), "the call is gone");
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_two_lines_of_a_cache_and_a_touch_reads_both() {
        assert_eq!(size_of::<Call>(), 128);
        assert_ne!(std::mem::offset_of!(Call, flags) % 4, 0);
        assert_ne!(std::mem::offset_of!(Call, asks.key) / 64, std::mem::offset_of!(Call, scratch) / 64);
    }
}
