//! Itineraries: the calls a node makes on behalf of the call it serves, step by step. What it holds stays held.

use super::call::{CallId, Waiter};
use super::core::{Core, Ready};
use super::ctx::{Request, Steps};
use super::link::WhenAfter;
use super::outcome::{Reason, Reply};
use super::plan::{LinkUse, Wait};
use crate::base::{LinkId, NodeId, hash};
use std::ops::Range;

/// Where a call is in its node's itinerary.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepState {
    /// The next step to begin.
    next: u16,
    /// Replies still to come in this step, and successes still needed.
    outstanding: u16,
    needed: u16,
    /// Told apart from late replies to an earlier step.
    epoch: u8,
    /// The first failure of this step that nothing has taken care of.
    failure: Option<Reason>,
    degraded: bool,
    stale: bool,
    /// A bit per outgoing link.
    missed: u64,
    failed: u64,
}

/// A child that can be cancelled: a plain attempt, or an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChildRef {
    id: CallId,
    is_op: bool,
}

/// The tag of a child of an itinerary: its place among the links, and the epoch.
fn tag_of(local: u8, epoch: u8) -> u32 {
    u32::from(local) | u32::from(epoch) << 8
}

impl Core {
    /// Begin the itinerary of `call`'s node. Returns at once what is known at once.
    #[inline]
    pub(crate) fn run_steps(&mut self, id: CallId) -> Steps {
        let node = self.calls[id].node;
        if self.plan.nodes[node.index()].steps.is_empty() {
            return Steps::Done(Reply::OK);
        }
        let slots = self.calls.slots();
        if self.steps.len() < slots {
            self.steps.resize(slots, StepState::default());
        }
        let state = &mut self.steps[id.slot as usize];
        // The epoch goes on counting, so that a late reply to an earlier step is not taken for one to this.
        *state = StepState { epoch: state.epoch.wrapping_add(1), ..StepState::default() };
        if let Some(children) = self.children.get_mut(id.slot as usize) {
            children.clear();
        }
        self.advance_steps(id, node)
    }

    /// Remember a child that may have to be cancelled.
    pub(crate) fn note_child(&mut self, parent: CallId, link: LinkId, child: CallId, is_op: bool) {
        if !self.links[link.index()].config.cancel {
            return;
        }
        let slot = parent.slot as usize;
        if self.children.len() <= slot {
            self.children.resize(self.calls.slots(), Vec::new());
        }
        self.children[slot].push(ChildRef { id: child, is_op });
    }

    /// Nobody waits for the children of `id` any more: those on links that can say so are cancelled.
    pub(crate) fn cancel_children(&mut self, id: CallId) {
        let Some(children) = self.children.get_mut(id.slot as usize) else { return };
        let mut children = std::mem::take(children);
        for child in children.drain(..) {
            if child.is_op {
                if self.ops.is_alive(child.id) {
                    self.abandon_op(child.id.slot, Reason::Lost);
                }
            } else if self.awaited(child.id) {
                self.abandon(child.id, Reason::Lost);
            }
        }
        self.children[id.slot as usize] = children;
    }

    /// Begin steps until one has something to wait for.
    fn advance_steps(&mut self, id: CallId, node: NodeId) -> Steps {
        loop {
            let index = usize::from(self.steps[id.slot as usize].next);
            let Some(group) = self.plan.nodes[node.index()].steps.get(index) else {
                let state = &self.steps[id.slot as usize];
                let reply = state.failure.map_or(Reply::OK, Reply::failed);
                return Steps::Done(Reply { degraded: state.degraded, stale: state.stale, ..reply });
            };
            let (uses, wait) = (group.uses.clone(), group.wait);
            let mut sent = 0u16;
            let uses = if wait == Wait::Choose { self.choose(id, node, uses) } else { uses };
            for i in uses {
                let link_use = self.plan.nodes[node.index()].uses[i as usize];
                sent += self.issue(id, node, &link_use);
            }
            let state = &mut self.steps[id.slot as usize];
            state.next += 1;
            if sent > 0 {
                state.outstanding = sent;
                state.needed = match wait {
                    Wait::All | Wait::Choose => sent,
                    Wait::First => 1,
                    Wait::Of(k) => k.min(sent),
                };
                return Steps::Pending;
            }
            if state.failure.is_some() && !self.failure_is_handled(id, node) {
                let reason = self.steps[id.slot as usize].failure.unwrap_or(Reason::Error);
                return Steps::Done(Reply::failed(reason));
            }
        }
    }

    /// One of the links, by weight, among those that the call's class may use.
    fn choose(&mut self, id: CallId, node: NodeId, uses: Range<u32>) -> Range<u32> {
        let class = self.calls[id].class;
        let all = &self.plan.nodes[node.index()].uses;
        let weight = |i: u32| {
            let link_use = &all[i as usize];
            if link_use.when.classes >> class.0 & 1 == 1 { link_use.weight } else { 0.0 }
        };
        let total: f64 = uses.clone().map(weight).sum();
        let mut left = self.nodes[node.index()].step_rng.uniform() * total;
        for i in uses.clone() {
            left -= weight(i);
            if left < 0.0 {
                return i..i + 1;
            }
        }
        uses.end..uses.end
    }

    /// Send the calls of one use of a link; returns how many replies to wait for.
    fn issue(&mut self, id: CallId, node: NodeId, link_use: &LinkUse) -> u16 {
        let state = self.steps[id.slot as usize];
        let due = match link_use.when.after {
            WhenAfter::Always => state.failure.is_none(),
            WhenAfter::Miss(local) => state.failure.is_none() && state.missed >> local & 1 == 1,
            WhenAfter::Failure(local) => state.failed >> local & 1 == 1,
        };
        let call = &self.calls[id];
        if !due || link_use.when.classes >> call.class.0 & 1 == 0 {
            return 0;
        }
        let mut request = Request::like(call);
        let rng = &mut self.nodes[node.index()].step_rng;
        if link_use.when.probability < 1.0 && !rng.chance(link_use.when.probability) {
            return 0;
        }
        let whole = link_use.calls as u16;
        let calls = whole + u16::from(rng.chance(link_use.calls - f64::from(whole)));
        if let WhenAfter::Failure(local) = link_use.when.after {
            // This link takes care of the failure.
            let state = &mut self.steps[id.slot as usize];
            state.failed &= !(1 << local);
            state.failure = None;
        }
        let waiter = if link_use.asynchronous { Waiter::Nobody } else { Waiter::Steps(id) };
        let key = request.key;
        for n in 0..calls {
            if let Some(before) = link_use.spread {
                request.key = hash::mix2(key, u64::from(before) + u64::from(n));
            }
            self.send(link_use.link, waiter, tag_of(link_use.local, state.epoch), &request);
        }
        if link_use.asynchronous { 0 } else { calls }
    }

    /// Whether a later step waits for a failure that has happened.
    fn failure_is_handled(&self, id: CallId, node: NodeId) -> bool {
        let state = &self.steps[id.slot as usize];
        let plan = &self.plan.nodes[node.index()];
        let class = self.calls[id].class;
        plan.steps.iter().skip(usize::from(state.next)).flat_map(|group| group.uses.clone()).any(|i| {
            let link_use = &plan.uses[i as usize];
            let waits = matches!(link_use.when.after, WhenAfter::Failure(local) if state.failed >> local & 1 == 1);
            waits && link_use.when.classes >> class.0 & 1 == 1
        })
    }

    /// A child of an itinerary has answered.
    pub(crate) fn step_reply(&mut self, id: CallId, tag: u32, reply: Reply) {
        if !self.is_served(id) {
            return;
        }
        let node = self.calls[id].node;
        let local = tag & 0xFF;
        let plan = &self.plan.nodes[node.index()];
        let optional = self.links[plan.outs[local as usize].index()].config.optional;
        let state = &mut self.steps[id.slot as usize];
        if u32::from(state.epoch) != tag >> 8 & 0xFF || state.outstanding == 0 {
            return;
        }
        state.outstanding -= 1;
        state.degraded |= reply.degraded;
        state.stale |= reply.stale;
        state.missed |= u64::from(reply.miss) << local;
        match reply.outcome {
            Ok(()) => state.needed -= 1,
            Err(reason) => {
                state.failed |= 1 << local;
                if optional {
                    state.needed -= 1;
                } else if state.failure.is_none() {
                    state.failure = Some(reason);
                }
            }
        }
        let impossible = state.needed > state.outstanding;
        if state.needed > 0 && !impossible {
            return;
        }
        if state.needed == 0 {
            // First, or k of n, was reached in spite of failures.
            state.failure = None;
        }
        if state.outstanding > 0 {
            self.cancel_children(id);
        }
        let state = &mut self.steps[id.slot as usize];
        state.outstanding = 0;
        state.epoch = state.epoch.wrapping_add(1);
        let failed = state.failure.is_some() && !self.failure_is_handled(id, node);
        let steps = if failed {
            let reason = self.steps[id.slot as usize].failure.unwrap_or(Reason::Error);
            Steps::Done(Reply::failed(reason))
        } else {
            self.advance_steps(id, node)
        };
        if let Steps::Done(reply) = steps {
            self.ended.push_back(reply);
            self.ready.push_back(Ready::StepsDone(id));
        }
    }
}
