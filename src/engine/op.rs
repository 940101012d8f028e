//! Operations: what is kept around the attempts of a call while retries, hedges, a deadline or a fallback may act.

use super::call::{ANY_REPLICA, CallId, Waiter};
use super::core::{Core, Ready, What};
use super::ctx::{Aim, Child, Request, Route};
use super::link::MAX_HEDGES;
use super::outcome::{Reason, Reply};
use crate::base::{LinkId, NodeId, Span, Time};

/// Attempts that can be in flight at once: one and its hedges.
pub(crate) const MAX_IN_FLIGHT: usize = MAX_HEDGES as usize + 1;

/// A call with the policies around its attempts.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub generation: u32,
    pub alive: bool,
    /// The link whose policies these are: the one the first attempt goes over.
    pub link: LinkId,
    pub waiter: Waiter,
    pub tag: u32,
    pub route: Route,
    pub request: Request,
    /// The node that sent it says where each attempt goes, and is told how each one ends.
    pub picked: bool,
    /// The link had a retry, and a fallback, when it began. Calls that began without are no operations as a rule: one that
    /// is, for the sake of another policy, is not to be better off.
    pub retries: bool,
    pub falls_back: bool,
    /// When the caller asked.
    pub started: Time,
    /// The deadline of the whole operation.
    pub deadline: Time,
    /// Attempts begun, without hedges.
    pub attempts: u16,
    /// Copies of the present attempt, and when the next is due.
    pub hedges: u8,
    pub hedge_at: Time,
    /// Attempts and copies of all of them.
    pub sent: u16,
    /// The delay before the last retry, which decorrelated jitter builds on.
    pub last_delay: Span,
    pub reason: Reason,
    /// The attempts in flight.
    pub in_flight: [CallId; MAX_IN_FLIGHT],
    /// Waiting to try again, or for the fallback.
    pub resting: bool,
    /// No attempt has reached anybody who began to work on it.
    pub turned_away: bool,
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
    /// Where the attempts of each that have failed had gone, each place once, the latest last.
    tried: Vec<Vec<(NodeId, u16)>>,
}

impl Ops {
    /// Keep an operation, of which `op` is told the generation. Its id has the same shape as a call's, so that it can wait
    /// in a lane.
    #[inline]
    pub fn insert(&mut self, op: impl FnOnce(u32) -> Op) -> CallId {
        let Some(slot) = self.free.pop() else {
            let slot = u32::try_from(self.slab.len()).expect("fewer than 2^32 operations");
            self.slab.push(op(0));
            self.tried.push(Vec::new());
            return CallId::new(slot, 0);
        };
        self.tried[slot as usize].clear();
        let place = &mut self.slab[slot as usize];
        let generation = place.generation;
        *place = op(generation);
        CallId::new(slot, generation)
    }

    pub fn remove(&mut self, slot: u32) {
        let op = &mut self.slab[slot as usize];
        debug_assert!(op.alive);
        op.alive = false;
        op.generation = op.generation.wrapping_add(1);
        self.free.push(slot);
    }

    /// Note where an attempt that failed had gone.
    fn note_tried(&mut self, slot: u32, node: NodeId, replica: u16) {
        let tried = &mut self.tried[slot as usize];
        if replica != ANY_REPLICA {
            tried.retain(|place| *place != (node, replica));
            tried.push((node, replica));
        }
    }

    /// All but the latest place may be tried once more.
    pub fn start_over(&mut self, slot: u32) {
        let tried = &mut self.tried[slot as usize];
        tried.drain(..tried.len().saturating_sub(1));
    }

    pub fn id(&self, slot: u32) -> CallId {
        CallId::new(slot, self.slab[slot as usize].generation)
    }

    pub fn is_alive(&self, id: CallId) -> bool {
        self.slab.get(id.slot() as usize).is_some_and(|op| op.alive && op.generation == id.generation())
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

/// The policies around attempts: deadline, retry, hedge, fallback.
impl Core {
    pub(super) fn begin_op(&mut self, link: LinkId, waiter: Waiter, tag: u32, route: Route, request: &Request) {
        let now = self.now;
        let state = &mut self.links[link.index()];
        let (config, lane) = (&state.config, state.lanes.op_deadline);
        let own = config.deadline.map_or(Time::NEVER, |span| now + span);
        let inherited = if config.propagate_deadline { request.deadline } else { Time::NEVER };
        let deadline = own.min(inherited);
        let request = Request { deadline: if config.propagate_deadline { deadline } else { Time::NEVER }, ..*request };
        let (retries, falls_back) = (config.retry.is_some(), config.fallback.is_some());
        let picked = self.nodes[state.from.index()].picks && matches!(waiter, Waiter::Node(_) | Waiter::Root);
        if config.retry.as_ref().is_some_and(|retry| retry.budget.is_some())
            && let Some(budget) = &mut state.guard(route.origin).budget
        {
            budget.deposit(now);
        }
        if self.tracer.is_on() {
            self.trace_operation(request.intended, true);
        }
        let id = self.ops.insert(|generation| Op {
            generation,
            alive: true,
            link,
            waiter,
            tag,
            route,
            request,
            picked,
            retries,
            falls_back,
            started: now,
            deadline,
            attempts: 0,
            hedges: 0,
            hedge_at: Time::NEVER,
            sent: 0,
            last_delay: Span::ZERO,
            reason: Reason::Timeout,
            in_flight: [CallId::NONE; MAX_IN_FLIGHT],
            resting: false,
            turned_away: true,
        });
        if self.links[link.index()].way.cancels {
            self.note_child(waiter, id, true);
        }
        if deadline <= now {
            // Too late before it began: nothing is sent, which says nothing of the place that was picked.
            let never_sent = Child::of_op(&self.ops[id.slot()], Reply::failed(Reason::Cancelled));
            self.tell_attempt(id.slot(), &never_sent);
            return self.ready.push(Ready::TooLate(id));
        }
        if deadline == own {
            self.lane_push(lane, id);
        } else {
            self.push_deadline(deadline, What::OpDeadline, id);
        }
        self.op_attempt(id.slot(), Aim { link, tag, route });
    }

    /// Send one attempt of an operation, which may have copies.
    pub(crate) fn op_attempt(&mut self, slot: u32, aim: Aim) {
        let op = &mut self.ops[slot];
        op.resting = false;
        op.attempts += 1;
        op.hedges = 0;
        let retries = u64::from(op.attempts > 1);
        self.links[aim.link.index()].tally.counts.retries += retries;
        self.arm_hedge(slot);
        self.op_send(slot, aim);
    }

    fn op_send(&mut self, slot: u32, aim: Aim) {
        let op = &mut self.ops[slot];
        op.sent += 1;
        let (number, request) = (op.sent, op.request);
        let id = self.attempt(aim.link, Waiter::Op(self.ops.id(slot)).parts(), aim.tag, aim.route, &request, number);
        self.ops[slot].note(id);
    }

    /// The next copy of the present attempt is due after a while, if there is to be one.
    fn arm_hedge(&mut self, slot: u32) {
        let op = &mut self.ops[slot];
        let link = &self.links[op.link.index()];
        let Some(hedge) = link.config.hedge else { return };
        if op.hedges < hedge.copies.min(MAX_HEDGES) {
            op.hedge_at = self.now + hedge.after;
            let lane = link.lanes.hedge;
            self.lane_push(lane, self.ops.id(slot));
        }
    }

    /// Whether an operation has tried a place, in an attempt that failed or in one that is under way besides `id`.
    pub(super) fn has_tried(&self, op: CallId, id: CallId, node: NodeId, replica: u16) -> bool {
        let there = |id: CallId| self.calls.get(id).is_some_and(|call| (call.node, call.replica) == (node, replica));
        self.ops.is_alive(op)
            && (self.ops.tried[op.slot() as usize].contains(&(node, replica))
                || self.ops[op.slot()].in_flight.iter().any(|&other| other != id && there(other)))
    }

    /// Tell the node that picks the places of attempts how one of them ended: before it is told of the operation, or asked for
    /// another place.
    #[inline(always)]
    fn tell_attempt(&mut self, slot: u32, child: &Child) {
        if self.ops[slot].picked {
            self.note_attempt_ended(slot, child);
        }
    }

    #[inline(never)]
    fn note_attempt_ended(&mut self, slot: u32, child: &Child) {
        let parent = if let Waiter::Node(parent) = self.ops[slot].waiter { parent } else { CallId::NONE };
        self.attempts.push_back(Child { parent, ..*child });
        self.ready.push(Ready::Attempt);
    }

    /// An attempt of an operation has ended.
    pub(super) fn op_reply(&mut self, op: CallId, id: CallId, child: Child) {
        debug_assert!(self.ops.is_alive(op), "a reply to an operation that is gone");
        if !self.ops.is_alive(op) {
            return;
        }
        let (slot, reply) = (op.slot(), child.reply);
        self.tell_attempt(slot, &child);
        let op = &mut self.ops[slot];
        op.forget(id);
        let reason = match reply.outcome {
            Ok(()) => return self.finish_op(slot, reply),
            Err(reason) => reason,
        };
        op.reason = reason;
        op.turned_away &= reply.was_turned_away();
        self.ops.note_tried(slot, self.links[child.link.index()].to, child.replica);
        let op = &self.ops[slot];
        if op.is_waiting() || op.resting {
            return;
        }
        if let Some(delay) = self.retry_delay(slot, reason) {
            self.ops[slot].resting = true;
            let link = self.ops[slot].link;
            let id = self.ops.id(slot);
            self.push_what(self.now + delay, link.0, What::Retry, id);
            return;
        }
        self.fail_op(slot, reason);
    }

    /// An attempt of an operation that nobody waits for was lost, and nothing will ever tell: when no other is under way,
    /// nothing is left to keep.
    pub(super) fn op_lost(&mut self, op: CallId, id: CallId) {
        self.ops[op.slot()].forget(id);
        if !self.ops[op.slot()].is_waiting() {
            self.remove_op(op.slot());
        }
    }

    /// How long to wait before the next attempt, if there is to be one.
    fn retry_delay(&mut self, slot: u32, reason: Reason) -> Option<Span> {
        let now = self.now;
        let op = &mut self.ops[slot];
        let state = &mut self.links[op.link.index()];
        let retry = state.config.retry.as_ref().filter(|_| op.retries)?;
        if op.attempts >= retry.attempts || !is_retryable(reason) {
            return None;
        }
        let delay = retry.backoff.delay(op.attempts, op.last_delay, &mut state.retry_rng);
        // A retry never outlives the deadline.
        if now + delay >= op.deadline {
            return None;
        }
        if let Some(budget) = &mut state.guard(op.route.origin).budget
            && !budget.withdraw(now)
        {
            return None;
        }
        op.last_delay = delay;
        Some(delay)
    }

    /// Whether another copy is to be sent now, because the answer is slow in coming.
    pub(crate) fn hedge_is_due(&self, id: CallId) -> bool {
        if !self.ops.is_alive(id) {
            return false;
        }
        let op = &self.ops[id.slot()];
        let copies = self.links[op.link.index()].config.hedge.map_or(0, |hedge| hedge.copies.min(MAX_HEDGES));
        // The timer of an earlier attempt is due at another time.
        op.hedge_at == self.now && op.hedges < copies && op.is_waiting()
    }

    /// Send another copy.
    pub(crate) fn op_hedge(&mut self, slot: u32, aim: Aim) {
        let op = &mut self.ops[slot];
        op.hedges += 1;
        self.links[aim.link.index()].tally.counts.hedges += 1;
        self.op_send(slot, aim);
        self.arm_hedge(slot);
    }

    /// The deadline of the whole operation has passed.
    #[inline(never)]
    pub(crate) fn op_deadline(&mut self, slot: u32) {
        if self.ops[slot].deadline <= self.now {
            self.fail_op(slot, Reason::Deadline);
        }
    }

    fn fail_op(&mut self, slot: u32, reason: Reason) {
        let turned_away = self.ops[slot].turned_away && !self.ops[slot].is_waiting();
        self.abandon_attempts(slot, reason, true);
        let link = self.ops[slot].link;
        let fallback = self.links[link.index()].config.fallback.filter(|_| self.ops[slot].falls_back);
        match fallback {
            None if turned_away => self.finish_op(slot, Reply::turned_away(reason)),
            None => self.finish_op(slot, Reply::failed(reason)),
            Some(fallback) => {
                self.links[link.index()].tally.counts.fallbacks += 1;
                if fallback.after.is_zero() {
                    return self.finish_op(slot, Reply { degraded: true, ..Reply::OK });
                }
                let op = &mut self.ops[slot];
                op.resting = true;
                // The deadline has done its work.
                op.deadline = Time::NEVER;
                let id = self.ops.id(slot);
                self.push_what(self.now + fallback.after, link.0, What::Fallback, id);
            }
        }
    }

    #[inline(never)]
    pub(crate) fn fallback_now(&mut self, slot: u32) {
        self.finish_op(slot, Reply { degraded: true, ..Reply::OK });
    }

    fn abandon_attempts(&mut self, slot: u32, reason: Reason, needed: bool) {
        let attempts = std::mem::replace(&mut self.ops[slot].in_flight, [CallId::NONE; MAX_IN_FLIGHT]);
        for id in attempts.into_iter().filter(|id| !id.is_none()) {
            if self.awaited(id) {
                let child = Child::of(&self.calls[id], Reply::failed(reason));
                self.tell_attempt(slot, &child);
                self.abandon(id, reason, needed);
            }
        }
    }

    pub(super) fn finish_op(&mut self, slot: u32, reply: Reply) {
        // Nobody waits for losing copies any more.
        if self.ops[slot].is_waiting() {
            self.abandon_attempts(slot, Reason::Cancelled, false);
        }
        let op = &self.ops[slot];
        let (waiter, child) = (op.waiter, Child::of_op(op, reply));
        self.remove_op(slot);
        self.deliver(waiter, child);
    }

    /// Forget an operation whose caller is gone.
    pub(super) fn abandon_op(&mut self, slot: u32) {
        self.abandon_attempts(slot, Reason::Cancelled, false);
        self.remove_op(slot);
    }

    fn remove_op(&mut self, slot: u32) {
        if self.tracer.is_on() {
            self.trace_operation(self.ops[slot].request.intended, false);
        }
        self.ops.remove(slot);
    }
}

/// Whether another attempt could help.
fn is_retryable(reason: Reason) -> bool {
    !matches!(reason, Reason::Deadline | Reason::NoRoute)
}
