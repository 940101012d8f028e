//! A call's way over a link: fallback, deadline, retry and hedge around the operation; breaker, bulkhead, timeout and
//! pool around each attempt; then the network. In this order, so that every attempt counts for the breaker.

use super::call::{
    ARRIVED, AWAITED, CANCELLED, CONNECTED, CONNECTING, Call, CallId, HELD, IN_BULKHEAD, IN_POOL_QUEUE, RETURNING,
    SERVING, Waiter,
};
use super::core::{Core, Ready, What};
use super::ctx::{Child, Request};
use super::op::{MAX_IN_FLIGHT, Op};
use super::outcome::{Outcome, Reason, Reply};
use crate::base::{LinkId, Span, Time};
use crate::parts::breaker::Permit;

impl Core {
    /// A node asks for a call over one of its links. What becomes of it is told by a reply, never before this returns.
    #[inline]
    pub(crate) fn send(&mut self, link: LinkId, waiter: Waiter, tag: u32, request: &Request) {
        let config = &self.links[link.index()].config;
        let inherits = config.propagate_deadline && request.deadline != Time::NEVER;
        if inherits || config.needs_op() {
            self.begin_op(link, waiter, tag, request);
        } else {
            self.attempt(link, waiter, tag, request, self.now, 0);
        }
    }

    fn begin_op(&mut self, link: LinkId, waiter: Waiter, tag: u32, request: &Request) {
        let now = self.now;
        let state = &mut self.links[link.index()];
        let (config, lanes) = (&state.config, state.lanes);
        let own = config.deadline.map_or(Time::NEVER, |span| now + span);
        let inherited = if config.propagate_deadline { request.deadline } else { Time::NEVER };
        let deadline = own.min(inherited);
        let request = Request { deadline: if config.propagate_deadline { deadline } else { Time::NEVER }, ..*request };
        let hedged = config.hedge.is_some_and(|hedge| hedge.copies > 0);
        if config.retry.as_ref().is_some_and(|retry| retry.budget.is_some())
            && let Some(budget) = &mut state.guard(request.origin).budget
        {
            budget.deposit(now);
        }
        let id = self.ops.insert(Op {
            generation: 0,
            alive: true,
            link,
            waiter,
            tag,
            request,
            started: self.now,
            deadline,
            attempts: 0,
            hedges: 0,
            last_delay: Span::ZERO,
            reason: Reason::Timeout,
            in_flight: [CallId::NONE; MAX_IN_FLIGHT],
            resting: false,
        });
        if let Waiter::Steps(parent) = waiter {
            self.note_child(parent, link, id, true);
        }
        if deadline <= now {
            // Too late before it began: nothing is sent.
            return self.fail_op(id.slot, Reason::Deadline);
        }
        if deadline == own {
            self.lane_push(lanes.op_deadline, id);
        } else {
            self.push_what(deadline, link.0, What::OpDeadline, id);
        }
        if hedged {
            self.lane_push(lanes.hedge, id);
        }
        self.op_attempt(id.slot);
    }

    /// Send one attempt of an operation.
    fn op_attempt(&mut self, slot: u32) {
        let op = &mut self.ops[slot];
        op.resting = false;
        let number = op.attempts + op.hedges;
        op.attempts += 1;
        let (link, request, started) = (op.link, op.request, op.started);
        let sent = if number == 0 { started } else { self.now };
        let id = self.attempt(link, Waiter::Op(slot), 0, &request, sent, number);
        self.ops[slot].note(id);
    }

    /// One attempt: past the guards and onto the network. Failures on the spot come back as replies, too.
    #[inline]
    fn attempt(&mut self, link: LinkId, waiter: Waiter, tag: u32, request: &Request, sent: Time, number: u8) -> CallId {
        let state = &mut self.links[link.index()];
        state.tally.counts.sent += 1;
        let config = &state.config;
        let deadline = if config.propagate_deadline { request.deadline } else { Time::NEVER };
        let id = self.calls.insert(Call {
            generation: 0,
            flags: AWAITED,
            class: request.class,
            priority: request.priority,
            operation: config.operation.unwrap_or(request.operation),
            attempt: number,
            waiter,
            tag,
            node: state.to,
            link,
            replica: request.replica,
            origin: request.origin,
            tenant: request.tenant,
            key: request.key,
            request: request.request,
            response: request.response,
            intended: request.intended,
            deadline,
            sent,
            arrived: self.now,
            queue_ns: 0,
            service_ns: 0,
            reply: Reply::OK,
            scratch: [0; 2],
        });
        if let Waiter::Steps(parent) = waiter {
            self.note_child(parent, link, id, false);
        }
        let state = &mut self.links[link.index()];
        if state.config.needs_guard() || state.config.timeout.is_some() {
            self.pass_guards(id, link);
        } else {
            self.transmit(id, link);
        }
        id
    }

    /// Breaker, bulkhead, timeout, pool.
    fn pass_guards(&mut self, id: CallId, link: LinkId) {
        let now = self.now;
        let origin = self.calls[id].origin;
        let state = &mut self.links[link.index()];
        let (timeout, bulkhead, pool) = (state.config.timeout, state.config.bulkhead, state.config.pool);
        let lanes = state.lanes;
        if state.config.needs_guard() {
            let guard = state.guard(origin);
            if let Some(breaker) = &mut guard.breaker
                && breaker.permit(now) == Permit::Refused
            {
                return self.fail_at_once(id, Reason::BreakerOpen);
            }
            if let Some(limit) = bulkhead {
                if guard.in_flight >= limit {
                    // The breaker had let it pass; it must not wait for an outcome.
                    if let Some(breaker) = &mut guard.breaker {
                        breaker.release(now);
                    }
                    return self.fail_at_once(id, Reason::BulkheadFull);
                }
                guard.in_flight += 1;
                self.calls[id].flags |= IN_BULKHEAD;
            }
        }
        if timeout.is_some() {
            self.lane_push(lanes.timeout, id);
        }
        let Some(pool) = pool else { return self.transmit(id, link) };
        let guard = self.links[link.index()].guard(origin);
        if guard.idle > 0 {
            guard.idle -= 1;
            self.connect(id, link, Span::ZERO);
        } else if guard.connections < pool.size {
            guard.connections += 1;
            self.connect(id, link, pool.connect);
        } else {
            guard.waiting.push_back(id);
            self.calls[id].flags |= IN_POOL_QUEUE;
            if pool.acquire_timeout.is_some() {
                self.lane_push(lanes.pool_timeout, id);
            }
        }
    }

    fn connect(&mut self, id: CallId, link: LinkId, takes: Span) {
        self.calls[id].flags |= CONNECTED;
        if takes.is_zero() {
            self.transmit(id, link);
        } else {
            self.calls[id].flags |= CONNECTING;
            self.push_what(self.now + takes, link.0, What::Connected, id);
        }
    }

    /// A new connection stands. If the caller gave up meanwhile, it gave the connection back then.
    pub(crate) fn connected(&mut self, id: CallId) {
        let call = &mut self.calls[id];
        call.flags &= !CONNECTING;
        if call.flags & AWAITED != 0 {
            let link = call.link;
            self.transmit(id, link);
        } else {
            self.release(id);
        }
    }

    fn fail_at_once(&mut self, id: CallId, reason: Reason) {
        let call = &mut self.calls[id];
        call.reply = Reply::failed(reason);
        call.flags |= RETURNING;
        self.ready.push_back(Ready::Return(id));
    }

    /// Clear a call away if nobody will come back to it.
    #[inline]
    fn release(&mut self, id: CallId) {
        if self.calls[id].flags & HELD == 0 {
            self.calls.remove(id);
        }
    }

    /// Put the request on the network.
    #[inline]
    pub(crate) fn transmit(&mut self, id: CallId, link: LinkId) {
        let state = &mut self.links[link.index()];
        self.calls[id].flags |= SERVING;
        if state.plain {
            self.ready.push_back(Ready::Arrive(id));
            return;
        }
        self.carry(id, link, false);
    }

    /// Carry a message over a link that is not plain; `back` is the direction.
    fn carry(&mut self, id: CallId, link: LinkId, back: bool) {
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
            let (busy, size) =
                if back { (&mut state.busy_back, call.response) } else { (&mut state.busy_there, call.request) };
            start = start.max(*busy) + Span::from_secs_f64(f64::from(size) / bandwidth);
            *busy = start;
        }
        let sampler = if back { &state.config.latency_back } else { &state.config.latency };
        let at = start + sampler.draw(&mut state.rng) + state.fault.extra_latency;
        let lane = if back { state.lanes.back } else { state.lanes.arrive };
        let what = if back { What::Return } else { What::Arrive };
        if at == self.now {
            self.ready.push_back(if back { Ready::Return(id) } else { Ready::Arrive(id) });
        } else if lane.is_some() && state.config.bandwidth.is_none() && state.fault.extra_latency.is_zero() {
            self.lane_push(lane, id);
        } else {
            self.push_what(at, link.0, what, id);
        }
    }

    /// A message is lost. The caller learns of it by a timeout only.
    fn lose(&mut self, id: CallId, back: bool) {
        let call = &mut self.calls[id];
        call.flags &= if back { !RETURNING } else { !SERVING };
        if call.waiter == Waiter::Nobody && call.flags & AWAITED != 0 {
            // Nobody waits for it, so that nobody would ever clear it away.
            self.fail_at_once(id, Reason::Lost);
        } else {
            self.release(id);
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
    #[inline]
    pub(crate) fn answer(&mut self, id: CallId, mut reply: Reply) {
        let call = &mut self.calls[id];
        debug_assert!(call.flags & SERVING != 0, "answered twice");
        let node = &mut self.nodes[call.node.index()];
        if call.flags & ARRIVED != 0 {
            if node.fail_share > 0.0 && reply.is_ok() && node.fault_rng.chance(node.fail_share_of(call.replica)) {
                reply = Reply::failed(Reason::Error);
            }
            node.record(self.now, call, reply.outcome);
        }
        call.flags &= !(SERVING | ARRIVED);
        call.reply = reply;
        let link = call.link;
        if self.links[link.index()].plain {
            if call.flags & AWAITED == 0 {
                self.release(id);
            } else {
                call.flags |= RETURNING;
                self.ready.push_back(Ready::Return(id));
            }
        } else {
            call.flags |= RETURNING;
            self.carry(id, link, true);
        }
    }

    /// The reply has reached the caller. Returns what its node must be told, if anything.
    #[inline]
    pub(crate) fn returned(&mut self, id: CallId) -> Option<Child> {
        let call = &mut self.calls[id];
        call.flags &= !RETURNING;
        if call.flags & AWAITED == 0 {
            self.release(id);
            return None;
        }
        let reply = call.reply;
        self.settle(id, reply.outcome);
        let child = Child::of(&self.calls[id], reply);
        let waiter = self.calls[id].waiter;
        self.release(id);
        match waiter {
            Waiter::Op(slot) => {
                self.op_reply(slot, id, reply);
                None
            }
            Waiter::Root | Waiter::Node(_) => self.for_node(waiter, child),
            _ => {
                self.deliver(waiter, child);
                None
            }
        }
    }

    /// The child's reply as its caller is told, if the caller is still there.
    fn for_node(&self, waiter: Waiter, child: Child) -> Option<Child> {
        match waiter {
            Waiter::Root => Some(child),
            Waiter::Node(parent) => self.is_served(parent).then_some(Child { parent, ..child }),
            _ => None,
        }
    }

    /// Tell whoever waits.
    fn deliver(&mut self, waiter: Waiter, child: Child) {
        match waiter {
            Waiter::Root | Waiter::Node(_) => {
                if let Some(child) = self.for_node(waiter, child) {
                    self.replies.push_back(child);
                    self.ready.push_back(Ready::Reply);
                }
            }
            Waiter::Steps(parent) => self.step_reply(parent, child.tag, child.reply),
            Waiter::Op(slot) => debug_assert!(false, "operation {slot} within an operation"),
            Waiter::Nobody => {}
        }
    }

    /// The caller is done with an attempt: give back what it held and count it.
    #[inline]
    fn settle(&mut self, id: CallId, outcome: Outcome) {
        let now = self.now;
        let call = &mut self.calls[id];
        let (flags, origin, link) = (call.flags, call.origin, call.link);
        call.flags &= !(AWAITED | CONNECTED | IN_BULKHEAD | IN_POOL_QUEUE);
        let latency = now.since(call.sent);
        let state = &mut self.links[link.index()];
        state.tally.done(outcome, latency.0);
        if !state.config.needs_guard() {
            return;
        }
        let guard = state.guard(origin);
        if flags & IN_BULKHEAD != 0 {
            guard.in_flight -= 1;
        }
        let refused_here = matches!(outcome, Err(Reason::BreakerOpen | Reason::BulkheadFull));
        if let Some(breaker) = &mut guard.breaker
            && !refused_here
        {
            breaker.record(now, outcome.is_ok(), latency);
        }
        if flags & CONNECTED != 0 {
            self.give_back(link, origin, outcome);
        }
    }

    /// A connection is free again: for the next that waits, or idle. One whose call was abandoned is closed.
    fn give_back(&mut self, link: LinkId, origin: u16, outcome: Outcome) {
        let state = &mut self.links[link.index()];
        let Some(pool) = state.config.pool else {
            // The pool was taken away while the call was out.
            return;
        };
        let guard = state.guard(origin);
        let broken = matches!(outcome, Err(Reason::Timeout | Reason::Deadline | Reason::Refused | Reason::Lost));
        let over = guard.connections > pool.size;
        if over {
            guard.connections -= 1;
            return;
        }
        while let Some(next) = guard.waiting.pop_front() {
            let Some(call) = self.calls.get_mut(next).filter(|call| call.flags & IN_POOL_QUEUE != 0) else { continue };
            call.flags &= !IN_POOL_QUEUE;
            self.connect(next, link, if broken { pool.connect } else { Span::ZERO });
            return;
        }
        if broken {
            guard.connections -= 1;
        } else {
            guard.idle += 1;
        }
    }

    /// After the settings of a pool changed: whoever waits and can be served now, is.
    pub(crate) fn refill_pools(&mut self, link: LinkId) {
        for origin in 0..self.links[link.index()].guards.len() {
            let Some(pool) = self.links[link.index()].config.pool else { continue };
            loop {
                let guard = &mut self.links[link.index()].guards[origin];
                if guard.connections >= pool.size {
                    break;
                }
                let Some(next) = guard.waiting.pop_front() else { break };
                let Some(call) = self.calls.get_mut(next).filter(|call| call.flags & IN_POOL_QUEUE != 0) else {
                    continue;
                };
                call.flags &= !IN_POOL_QUEUE;
                guard.connections += 1;
                self.connect(next, link, pool.connect);
            }
        }
    }

    /// Whether a timeout of this attempt still matters.
    pub(crate) fn awaited(&self, id: CallId) -> bool {
        self.calls.get(id).is_some_and(|call| call.flags & AWAITED != 0)
    }

    /// The caller gives up on an attempt.
    pub(crate) fn give_up(&mut self, id: CallId, reason: Reason) {
        let reply = Reply::failed(reason);
        let child = Child::of(&self.calls[id], reply);
        let waiter = self.calls[id].waiter;
        self.abandon(id, reason);
        if let Waiter::Op(slot) = waiter {
            self.op_reply(slot, id, reply);
        } else {
            self.deliver(waiter, child);
        }
    }

    /// Stop waiting for an attempt without telling who waits for it.
    pub(crate) fn abandon(&mut self, id: CallId, reason: Reason) {
        self.settle(id, Err(reason));
        let call = &mut self.calls[id];
        let link = &mut self.links[call.link.index()];
        if link.config.cancel && call.flags & (SERVING | CANCELLED) == SERVING {
            call.flags |= CANCELLED;
            let delay = link.config.latency.draw(&mut link.rng);
            if delay.is_zero() {
                self.ready.push_back(Ready::Cancel(id));
            } else {
                let place = call.link.0;
                self.push_what(self.now + delay, place, What::Cancel, id);
            }
        }
        self.release(id);
    }

    /// An attempt of an operation has ended.
    fn op_reply(&mut self, slot: u32, id: CallId, reply: Reply) {
        let op = &mut self.ops[slot];
        debug_assert!(op.alive);
        op.forget(id);
        let reason = match reply.outcome {
            Ok(()) => return self.finish_op(slot, reply),
            Err(reason) => reason,
        };
        op.reason = reason;
        if op.is_waiting() || op.resting {
            return;
        }
        if let Some(delay) = self.retry_delay(slot, reason) {
            self.ops[slot].resting = true;
            let link = self.ops[slot].link;
            self.links[link.index()].tally.counts.retries += 1;
            let id = self.ops.id(slot);
            self.push_what(self.now + delay, link.0, What::Retry, id);
            return;
        }
        self.fail_op(slot, reason);
    }

    /// How long to wait before the next attempt, if there is to be one.
    fn retry_delay(&mut self, slot: u32, reason: Reason) -> Option<Span> {
        let now = self.now;
        let op = &mut self.ops[slot];
        let state = &mut self.links[op.link.index()];
        let retry = state.config.retry.as_ref()?;
        if op.attempts >= retry.attempts || !is_retryable(reason) {
            return None;
        }
        let delay = retry.backoff.delay(op.attempts, op.last_delay, &mut state.rng);
        // A retry never outlives the deadline.
        if now + delay >= op.deadline {
            return None;
        }
        if let Some(budget) = &mut state.guard(op.request.origin).budget
            && !budget.withdraw(now)
        {
            return None;
        }
        op.last_delay = delay;
        Some(delay)
    }

    pub(crate) fn retry_now(&mut self, slot: u32) {
        self.op_attempt(slot);
    }

    /// The answer is slow in coming: send another copy.
    pub(crate) fn hedge_now(&mut self, slot: u32) {
        let op = &mut self.ops[slot];
        let link = op.link;
        let Some(hedge) = self.links[link.index()].config.hedge else { return };
        if op.hedges >= hedge.copies || !op.is_waiting() {
            return;
        }
        op.hedges += 1;
        let (request, number) = (op.request, op.attempts + op.hedges - 1);
        let more = op.hedges < hedge.copies;
        self.links[link.index()].tally.counts.hedges += 1;
        let id = self.attempt(link, Waiter::Op(slot), 0, &request, self.now, number);
        self.ops[slot].note(id);
        if more {
            let lane = self.links[link.index()].lanes.hedge;
            self.lane_push(lane, self.ops.id(slot));
        }
    }

    /// The deadline of the whole operation has passed.
    pub(crate) fn op_deadline(&mut self, slot: u32) {
        self.fail_op(slot, Reason::Deadline);
    }

    fn fail_op(&mut self, slot: u32, reason: Reason) {
        let op = &self.ops[slot];
        let link = op.link;
        let fallback = self.links[link.index()].config.fallback;
        match fallback {
            None => self.finish_op(slot, Reply::failed(reason)),
            Some(fallback) => {
                self.links[link.index()].tally.counts.fallbacks += 1;
                if fallback.after.is_zero() {
                    return self.finish_op(slot, Reply { degraded: true, ..Reply::OK });
                }
                self.abandon_attempts(slot, reason);
                let op = &mut self.ops[slot];
                op.resting = true;
                // The deadline has done its work.
                op.deadline = Time::NEVER;
                op.generation = op.generation.wrapping_add(1);
                let id = self.ops.id(slot);
                self.push_what(self.now + fallback.after, link.0, What::Fallback, id);
            }
        }
    }

    pub(crate) fn fallback_now(&mut self, slot: u32) {
        self.finish_op(slot, Reply { degraded: true, ..Reply::OK });
    }

    fn abandon_attempts(&mut self, slot: u32, reason: Reason) {
        let attempts = std::mem::replace(&mut self.ops[slot].in_flight, [CallId::NONE; MAX_IN_FLIGHT]);
        for id in attempts.into_iter().filter(|id| !id.is_none()) {
            if self.awaited(id) {
                self.abandon(id, reason);
            }
        }
    }

    fn finish_op(&mut self, slot: u32, reply: Reply) {
        // Losing copies count as lost: nobody waits for them any more.
        self.abandon_attempts(slot, reply.outcome.err().unwrap_or(Reason::Lost));
        let op = &self.ops[slot];
        let (waiter, child) = (op.waiter, Child::of_op(op, reply));
        self.ops.remove(slot);
        self.deliver(waiter, child);
    }

    /// Forget an operation whose caller is gone.
    pub(crate) fn abandon_op(&mut self, slot: u32, reason: Reason) {
        self.abandon_attempts(slot, reason);
        self.ops.remove(slot);
    }
}

/// Whether another attempt could help.
fn is_retryable(reason: Reason) -> bool {
    !matches!(reason, Reason::Deadline | Reason::Unauthorized | Reason::NoRoute | Reason::Removed)
}
