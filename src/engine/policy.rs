//! A call's way over a link: around the operation (`op.rs`) fallback, deadline, retry and hedge; around each attempt
//! breaker, bulkhead, timeout and pool; then the network. In this order, so that every attempt counts for the breaker.

use super::call::{
    ARRIVED, AWAITED, CANCELLED, CONNECTED, CONNECTING, Call, CallId, HELD, IN_BULKHEAD, IN_POOL_QUEUE, PERMITTED,
    RETURNING, SERVING, STOPPED, STRAIGHT, TRACED, UNNOTICED, Waiter, Waits,
};
use super::core::{Core, Ready, What};
use super::ctx::{Child, Request, Route};
use super::outcome::{Outcome, Reason, Reply};
use super::tally::Guarding;
use crate::base::{LinkId, NodeId, Span, Time};
use crate::parts::breaker::Permit;

/// What a node must be told when a reply has come back.
pub(crate) enum Told {
    Nothing,
    Child(NodeId, Child),
    /// The itinerary of this call has ended.
    StepsDone(NodeId, CallId, Reply),
}

impl Core {
    /// A node asks for a call over one of its links. What becomes of it is told by a reply, never before this returns.
    #[inline(always)]
    pub(crate) fn send(&mut self, link: LinkId, waiter: Waiter, tag: u32, route: Route, request: Request) {
        let usual = self.links[link.index()].way.straight && request.deadline == Time::NEVER && !self.tracer.is_on();
        if !usual || self.ready.len() == self.ready.capacity() || !self.calls.has_free() {
            return self.send_with_care(link, waiter, tag, route, request);
        }
        let id = self.note_attempt(link, waiter.parts(), tag, route, &request, false);
        self.ready.push(Ready::Arrive(id));
    }

    /// The same in all cases.
    #[inline(never)]
    fn send_with_care(&mut self, link: LinkId, waiter: Waiter, tag: u32, route: Route, request: Request) {
        let way = self.links[link.index()].way;
        let deadline = if way.propagates { request.deadline } else { Time::NEVER };
        if way.retried || deadline <= self.now {
            return self.begin_op(link, waiter, tag, route, &request);
        }
        let id = self.attempt(link, waiter.parts(), tag, route, &Request { deadline, ..request }, 1);
        if deadline != Time::NEVER {
            // Nothing is tried again, so that the attempt is all there is to give up.
            self.push_deadline(deadline, What::CallDeadline, id);
        }
    }

    /// One attempt: past the guards and onto the network. Failures on the spot come back as replies, too.
    pub(super) fn attempt(
        &mut self,
        link: LinkId,
        waits: (Waits, CallId),
        tag: u32,
        route: Route,
        request: &Request,
        number: u16,
    ) -> CallId {
        let id = self.note_attempt(link, waits, tag, route, request, number > 1);
        if self.tracer.is_on() {
            self.trace_call(id, number);
        }
        if self.links[link.index()].way.straight {
            self.ready.push(Ready::Arrive(id));
        } else {
            self.set_out(id, link);
        }
        id
    }

    /// The record of an attempt; `again` says whether it is not the first of its operation.
    #[inline(always)]
    fn note_attempt(
        &mut self,
        link: LinkId,
        (waits, caller): (Waits, CallId),
        tag: u32,
        route: Route,
        request: &Request,
        again: bool,
    ) -> CallId {
        let (id, call) = self.calls.reserve();
        let state = &mut self.links[link.index()];
        state.tally.counts.sent += 1;
        *call = Call {
            generation: id.generation(),
            flags: AWAITED | SERVING | STRAIGHT,
            again,
            waits,
            caller,
            tag,
            node: state.to,
            link,
            replica: route.replica,
            origin: route.origin,
            asks: *request,
            sent: self.now,
            arrived: self.now,
            queue_ns: 0,
            service_ns: 0,
            reply: Reply::OK,
            scratch: [0; 2],
        };
        id
    }

    /// The first stretch of a way that is not straight.
    fn set_out(&mut self, id: CallId, link: LinkId) {
        let way = self.links[link.index()].way;
        let call = &mut self.calls[id];
        call.flags = call.flags & TRACED | AWAITED;
        call.asks.operation = way.operation.unwrap_or(call.asks.operation);
        if way.cancels {
            let waiter = call.waiter();
            self.note_child(waiter, id, false);
        }
        if way.guarded {
            self.pass_guards(id, link);
        } else {
            self.transmit(id, link);
        }
    }

    /// Breaker, bulkhead, timeout, pool.
    fn pass_guards(&mut self, id: CallId, link: LinkId) {
        let now = self.now;
        let origin = self.calls[id].origin;
        let state = &mut self.links[link.index()];
        let (timeout, bulkhead, pool) = (state.config.timeout, state.config.bulkhead, state.config.pool);
        let lane = state.lanes.timeout;
        if state.config.needs_guard() {
            let guard = state.guard(origin);
            let mut taken = 0;
            if let Some(breaker) = &mut guard.breaker {
                if breaker.permit(now) == Permit::Refused {
                    state.tally.counts.rejected[Guarding::Breaker as usize] += 1;
                    return self.fail_at_once(id, Reply::turned_away(Reason::BreakerOpen));
                }
                taken |= PERMITTED;
            }
            if let Some(limit) = bulkhead {
                if guard.in_flight >= limit {
                    // The breaker had let it pass; it must not wait for an outcome.
                    if let Some(breaker) = &mut guard.breaker {
                        breaker.release(now, Span::ZERO);
                    }
                    state.tally.counts.rejected[Guarding::Bulkhead as usize] += 1;
                    return self.fail_at_once(id, Reply::turned_away(Reason::BulkheadFull));
                }
                guard.in_flight += 1;
                taken |= IN_BULKHEAD;
            }
            self.calls[id].flags |= taken;
        }
        if timeout.is_some() {
            self.lane_push(lane, id);
        }
        match pool {
            None => self.transmit(id, link),
            Some(pool) => self.acquire(id, link, pool),
        }
    }

    fn fail_at_once(&mut self, id: CallId, reply: Reply) {
        let call = &mut self.calls[id];
        call.reply = reply;
        call.flags |= RETURNING | STOPPED;
        self.ready.push(Ready::Return(id));
    }

    /// Clear a call away if nobody will come back to it.
    #[inline]
    pub(super) fn release(&mut self, id: CallId) {
        let flags = self.calls[id].flags;
        if flags & HELD == 0 {
            if flags & TRACED != 0 {
                self.trace_end(id);
            }
            self.calls.remove(id);
        }
    }

    /// Put the request on the network.
    pub(crate) fn transmit(&mut self, id: CallId, link: LinkId) {
        self.calls[id].flags |= SERVING;
        if self.links[link.index()].way.plain {
            self.ready.push(Ready::Arrive(id));
        } else {
            self.carry(id, link, false);
        }
    }

    /// Carry a message over a link that is not plain; `back` is the direction.
    #[inline]
    fn carry(&mut self, id: CallId, link: LinkId, back: bool) {
        let state = &mut self.links[link.index()];
        if !state.way.steady || self.calls[id].flags & TRACED != 0 {
            return self.carry_with_care(id, link, back);
        }
        let (sampler, lane, what) = if back {
            (&state.config.latency_back, state.lanes.back, What::Return)
        } else {
            (&state.config.latency, state.lanes.arrive, What::Arrive)
        };
        if let Some(lane) = lane {
            return self.lane_send(lane, id);
        }
        let at = self.now + sampler.draw(&mut state.rng);
        if at == self.now {
            self.ready.push(if back { Ready::Return(id) } else { Ready::Arrive(id) });
        } else {
            self.push_what(at, link.0, what, id);
        }
    }

    /// The same where something is wrong with the link, its bandwidth is limited, or somebody looks.
    #[cold]
    #[inline(never)]
    fn carry_with_care(&mut self, id: CallId, link: LinkId, back: bool) {
        let traced = self.calls[id].flags & TRACED != 0;
        let state = &mut self.links[link.index()];
        if state.fault.holds > 0 {
            state.held.push((id, back));
            return;
        }
        let loss = 1.0 - (1.0 - state.config.loss) * (1.0 - state.fault.loss);
        if state.fault.cuts > 0 || state.rng.chance(loss) {
            return self.lose(id, back);
        }
        let mut start = self.now;
        if let Some(bandwidth) = state.config.bandwidth {
            let call = &self.calls[id];
            let size = if back { call.asks.response } else { call.asks.request };
            let takes = Span::from_secs_f64(f64::from(size) / bandwidth);
            start = state.lines.get_or_insert_default()[usize::from(back)].send(start, id, takes);
            let sending = &mut state.tally.counts.sending_ns[usize::from(back)];
            *sending = sending.wrapping_add(takes.0);
        }
        let sampler = if back { &state.config.latency_back } else { &state.config.latency };
        let extra = if back { state.fault.extra_back } else { state.fault.extra_there };
        let at = start + sampler.draw(&mut state.rng) + extra;
        let lane = if back { state.lanes.back } else { state.lanes.arrive };
        let what = if back { What::Return } else { What::Arrive };
        let limited = state.config.bandwidth.is_some();
        let steady = !limited && extra.is_zero();
        if traced {
            self.trace_passage(id, back, at);
        }
        if at == self.now {
            self.ready.push(if back { Ready::Return(id) } else { Ready::Arrive(id) });
        } else if let Some(lane) = lane.filter(|_| steady) {
            self.lane_send(lane, id);
        } else if limited {
            self.arrives(id, link, back, at);
        } else {
            self.push_what(at, link.0, what, id);
        }
    }

    /// A message is lost. The caller learns of it by a timeout only.
    fn lose(&mut self, id: CallId, back: bool) {
        if self.calls[id].flags & TRACED != 0 {
            self.trace_passage(id, back, Time::NEVER);
        }
        let call = &mut self.calls[id];
        call.flags &= if back { !RETURNING } else { !SERVING };
        self.links[call.link.index()].has_lost = true;
        let (reply, waits) = (call.reply, call.waits);
        match (back, waits) {
            (true, _) if reply.is_ok() => self.note_unheard(id, reply),
            // Of an attempt of an operation, that learns in time.
            (false, Waits::Root) => self.note_unheard(id, Reply::failed(Reason::Lost)),
            _ => {}
        }
        let call = &mut self.calls[id];
        let unnoticed = match call.waiter() {
            Waiter::Nobody => call.asks.deadline == Time::NEVER,
            Waiter::Op(op) if call.flags & AWAITED != 0 => {
                let op = &self.ops[op.slot()];
                let timeout = self.links[call.link.index()].config.timeout;
                op.waiter == Waiter::Nobody && op.deadline == Time::NEVER && timeout.is_none()
            }
            _ => false,
        };
        if unnoticed && call.flags & AWAITED != 0 {
            // Nobody waits for it, so that nobody would ever clear it away.
            call.flags |= UNNOTICED;
            self.fail_at_once(id, Reply::failed(Reason::Lost));
        } else {
            self.release(id);
        }
    }

    /// The same of a reply for which nobody waits any more, if it is a success.
    #[cold]
    fn note_late(&mut self, id: CallId) {
        let reply = self.calls[id].reply;
        if reply.is_ok() {
            self.note_unheard(id, reply);
        }
    }

    /// A request or a reply has reached nobody: it was lost, or came too late for the policies of its link. Tell a node that
    /// picks the places of attempts what became of what it asked.
    #[cold]
    fn note_unheard(&mut self, id: CallId, reply: Reply) {
        let call = &self.calls[id];
        let from = self.links[call.link.index()].from;
        if self.nodes[from.index()].picks {
            self.attempts.push_back(Child::of(call, reply));
            self.ready.push(Ready::Unheard);
        }
    }

    /// Let held messages go on, in the order in which they came.
    pub(crate) fn release_held(&mut self, link: LinkId) {
        let held = std::mem::take(&mut self.links[link.index()].held);
        for (id, back) in held {
            if self.calls.get(id).is_some() {
                self.carry(id, link, back);
            }
        }
    }

    /// The callee answers. The caller learns of it when the reply has travelled back.
    #[inline(never)]
    pub(crate) fn answer(&mut self, id: CallId, reply: Reply) {
        const USUAL: u16 = ARRIVED | SERVING | AWAITED | STRAIGHT;
        let call = &mut self.calls[id];
        let flags = call.flags;
        // As a whole, before anything is known of it, for it is read back as a whole soon.
        call.reply = reply;
        let node = &mut self.nodes[call.node.index()];
        let usual = flags & (USUAL | TRACED) == USUAL && reply.is_ok() && !node.any_fails;
        if !usual || !self.links[call.link.index()].way.plain || self.ready.len() == self.ready.capacity() {
            return self.answer_with_care(id, reply);
        }
        call.flags = flags & !(SERVING | ARRIVED) | RETURNING;
        self.ready.push(Ready::Return(id));
        node.succeeded(self.now, call);
    }

    /// The same in all cases.
    #[inline(never)]
    fn answer_with_care(&mut self, id: CallId, reply: Reply) {
        let call = &mut self.calls[id];
        let flags = call.flags;
        debug_assert!(flags & SERVING != 0, "answered twice");
        call.flags = flags & !(SERVING | ARRIVED) | RETURNING;
        call.reply = reply;
        let (link, plain) = (call.link, self.links[call.link.index()].way.plain);
        if !plain {
            call.flags &= !STRAIGHT;
        }
        if flags & ARRIVED != 0 {
            let shared = flags & (AWAITED | STRAIGHT) == AWAITED | STRAIGHT && plain;
            let node = &mut self.nodes[call.node.index()];
            if node.any_fails && node.spoils(call) {
                call.reply = Reply::failed(Reason::Error);
            }
            node.record(self.now, call, shared);
        }
        if flags & TRACED != 0 {
            let outcome = call.reply.outcome;
            self.trace_answer(id, outcome);
        }
        if !plain {
            self.carry(id, link, true);
        } else if flags & AWAITED == 0 {
            self.calls[id].flags &= !RETURNING;
            self.note_late(id);
            self.release(id);
        } else {
            self.ready.push(Ready::Return(id));
        }
    }

    /// The reply has reached the caller. Returns what its node must be told, if anything.
    #[inline(always)]
    pub(crate) fn returned(&mut self, id: CallId) -> Told {
        let call = &mut self.calls[id];
        let (flags, reply) = (call.flags, call.reply);
        let (unnoticed, latency) = (flags & UNNOTICED != 0, self.now.since(call.sent));
        let link = &mut self.links[call.link.index()];
        if flags & AWAITED == 0 {
            if flags & STRAIGHT != 0 && reply.is_ok() {
                // The caller has gone since it was answered, so that the callee does not share its latency.
                self.nodes[link.to.index()].tally.latency.record(latency.0);
            }
            self.calls[id].flags &= !RETURNING;
            self.note_late(id);
            self.release(id);
            return Told::Nothing;
        }
        link.tally.done(reply.outcome, latency.0, flags & STRAIGHT != 0);
        let node = link.from;
        if flags & (CONNECTED | IN_BULKHEAD | PERMITTED | TRACED) != 0 {
            self.let_go(id, flags, reply.outcome, true);
            if flags & TRACED != 0 {
                self.trace_end(id);
            }
        }
        debug_assert!(
            self.calls[id].flags & HELD & !(AWAITED | RETURNING) == 0,
            "somebody comes back to a call that has returned"
        );
        let call = self.calls.remove(id);
        let (waits, caller) = (call.waits, call.caller);
        match waits {
            Waits::Root | Waits::Node => {
                let child = Child { parent: caller, was_sent: flags & STOPPED == 0, ..Child::of(call, reply) };
                if matches!(waits, Waits::Root) || self.is_served(caller) {
                    Told::Child(node, child)
                } else {
                    Told::Nothing
                }
            }
            Waits::Steps => {
                let (link, tag) = (call.link, call.tag);
                match self.step_reply(caller, link, tag, reply) {
                    Some(end) => Told::StepsDone(node, caller, end),
                    None => Told::Nothing,
                }
            }
            Waits::Op => {
                if unnoticed {
                    self.op_lost(caller, id);
                } else {
                    // The record's own flags are gone.
                    let child = Child { was_sent: flags & STOPPED == 0, ..Child::of(call, reply) };
                    self.op_reply(caller, id, child);
                }
                Told::Nothing
            }
            Waits::Nobody => Told::Nothing,
        }
    }

    /// Tell whoever waits.
    pub(super) fn deliver(&mut self, waiter: Waiter, child: Child) {
        match waiter {
            Waiter::Root => self.tell_later(child),
            Waiter::Node(parent) if self.is_served(parent) => self.tell_later(Child { parent, ..child }),
            Waiter::Node(_) => {}
            Waiter::Steps(parent) => {
                if let Some(end) = self.step_reply(parent, child.link, child.tag, child.reply) {
                    self.ended.push_back(end);
                    self.ready.push(Ready::StepsDone(parent));
                }
            }
            Waiter::Op(op) => debug_assert!(false, "operation {} within an operation", op.slot()),
            Waiter::Nobody => {}
        }
    }

    fn tell_later(&mut self, child: Child) {
        self.replies.push_back(child);
        self.ready.push(Ready::Reply);
    }

    /// The caller is done with an attempt: give back what it held. How one ends that is no longer needed says nothing of the
    /// callee.
    #[inline(never)]
    fn let_go(&mut self, id: CallId, flags: u16, outcome: Outcome, needed: bool) {
        self.calls[id].flags &= !(AWAITED | CONNECTED | IN_BULKHEAD | IN_POOL_QUEUE | PERMITTED);
        if flags & TRACED != 0 {
            self.trace_settled(id, outcome);
        }
        if flags & (CONNECTED | IN_BULKHEAD | PERMITTED) == 0 {
            return;
        }
        let now = self.now;
        let call = &self.calls[id];
        let (link, origin, latency) = (call.link, call.origin, now.since(call.sent));
        let guard = self.links[link.index()].guard(origin);
        if flags & IN_BULKHEAD != 0 {
            guard.in_flight -= 1;
        }
        if let Some(breaker) = &mut guard.breaker
            && flags & PERMITTED != 0
        {
            if needed {
                breaker.record(now, outcome.is_ok(), latency);
            } else {
                breaker.release(now, latency);
            }
        }
        if flags & CONNECTED != 0 {
            self.give_back(link, origin, outcome);
        }
    }

    /// Whether a timeout of this attempt still matters.
    pub(crate) fn awaited(&self, id: CallId) -> bool {
        self.calls.get(id).is_some_and(|call| call.flags & AWAITED != 0)
    }

    /// The deadline that came with a call has passed.
    #[inline(never)]
    pub(crate) fn call_deadline(&mut self, id: CallId) {
        if self.awaited(id) {
            self.give_up(id, Reason::Deadline);
        }
    }

    /// The caller gives up on an attempt.
    pub(crate) fn give_up(&mut self, id: CallId, reason: Reason) {
        let call = &self.calls[id];
        let not_sent_yet = call.flags & (IN_POOL_QUEUE | CONNECTING) != 0;
        let reply = if not_sent_yet { Reply::turned_away(reason) } else { Reply::failed(reason) };
        let (child, waiter) = (Child::of(call, reply), call.waiter());
        self.abandon(id, reason, true);
        if let Waiter::Op(op) = waiter {
            self.op_reply(op, id, child);
        } else {
            self.deliver(waiter, child);
        }
    }

    /// Stop waiting for an attempt without telling who waits for it. One that is not `needed` any more was not given up
    /// because it failed.
    pub(super) fn abandon(&mut self, id: CallId, reason: Reason, needed: bool) {
        let call = &self.calls[id];
        let (flags, latency) = (call.flags, self.now.since(call.sent));
        self.links[call.link.index()].tally.done(Err(reason), latency.0, false);
        self.let_go(id, flags, Err(reason), needed);
        let call = &mut self.calls[id];
        let link = &mut self.links[call.link.index()];
        if link.config.cancel && call.flags & (SERVING | CANCELLED) == SERVING {
            call.flags |= CANCELLED;
            let delay = link.config.latency.draw(&mut link.rng);
            if delay.is_zero() {
                self.ready.push(Ready::Cancel(id));
            } else {
                let place = call.link.0;
                self.push_what(self.now + delay, place, What::Cancel, id);
            }
        }
        self.release(id);
    }
}
