//! Itineraries: the calls a node makes on behalf of the call it serves, step by step. What it holds stays held.

use super::call::{CallId, SERVING, Waiter};
use super::core::Core;
use super::ctx::{Child, Route, Steps};
use super::link::WhenAfter;
use super::outcome::{Reason, Reply};
use super::plan::{LinkUse, StepGroup, Wait};
use crate::base::{LinkId, NodeId, hash};
use std::ops::Range;

/// Where a call is in its node's itinerary.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepState {
    /// The next step to begin.
    next: u32,
    /// Replies still to come in this step, and successes still needed.
    outstanding: u32,
    needed: u32,
    /// Told apart from late replies to an earlier step.
    epoch: u32,
    /// The link that was chosen last, where only one is called.
    chosen: Option<LinkId>,
    /// The first failure of this step that nothing has taken care of.
    failure: Option<Reason>,
    degraded: bool,
    stale: bool,
    /// Marks of the links that reported a miss, and of those that failed.
    missed: u64,
    failed: u64,
}

impl StepState {
    /// What has come of the itinerary.
    fn result(&self) -> Reply {
        let reply = self.failure.map_or(Reply::OK, Reply::failed);
        Reply { degraded: self.degraded, stale: self.stale, ..reply }
    }
}

/// The children of a call that can be cancelled: plain attempts, and operations. Those that have ended are among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    /// The parent's generation: those of an earlier call in its slot are not its children.
    generation: u32,
    children: Vec<(CallId, bool)>,
}

impl Core {
    /// Begin the itinerary of `call`'s node. Returns at once what is known at once.
    #[inline(always)]
    pub(crate) fn run_steps(&mut self, id: CallId) -> Steps {
        let node = self.calls[id].node;
        match *self.plan.nodes[node.index()].steps {
            [] => Steps::Done(Reply::OK),
            [StepGroup { only: Some(link), .. }] => {
                self.send_onward(link, id, 0);
                Steps::Pending
            }
            _ => self.begin_steps(id, node),
        }
    }

    /// The same of an itinerary of which something must be kept.
    #[inline(never)]
    fn begin_steps(&mut self, id: CallId, node: NodeId) -> Steps {
        let slots = self.calls.slots();
        if self.steps.len() < slots {
            self.steps.resize(slots, StepState::default());
        }
        let state = &mut self.steps[id.slot() as usize];
        // The epoch goes on counting, so that a late reply to an earlier step is not taken for one to this.
        *state = StepState { epoch: state.epoch.wrapping_add(1), ..StepState::default() };
        self.advance_steps(id, node)
    }

    /// Pass on what `id` asks for, for its itinerary.
    #[inline(always)]
    fn send_onward(&mut self, link: LinkId, id: CallId, tag: u32) {
        let (route, request) = (Route::onward(&self.calls[id]), self.calls[id].asks);
        self.send(link, Waiter::Steps(id), tag, route, request);
    }

    /// Remember a child that may have to be cancelled.
    pub(crate) fn note_child(&mut self, waiter: Waiter, child: CallId, is_op: bool) {
        let (Waiter::Steps(parent) | Waiter::Node(parent)) = waiter else { return };
        let slot = parent.slot() as usize;
        if self.children.len() <= slot {
            self.children.resize(self.calls.slots(), Children::default());
        }
        let known = &mut self.children[slot];
        if known.generation != parent.generation() {
            known.generation = parent.generation();
            known.children.clear();
        }
        known.children.push((child, is_op));
    }

    /// Nobody waits for the children of `id` any more: those on links that can say so are cancelled. A node that asked for
    /// one itself is told, for it keeps account of what it asked for.
    pub(crate) fn cancel_children(&mut self, id: CallId) {
        let known = self.children.get_mut(id.slot() as usize).filter(|known| known.generation == id.generation());
        let Some(known) = known else { return };
        let mut children = std::mem::take(&mut known.children);
        let cancelled = Reply::failed(Reason::Cancelled);
        for (child, is_op) in children.drain(..) {
            if is_op {
                if !self.ops.is_alive(child) {
                    continue;
                }
                match self.ops[child.slot()].waiter {
                    Waiter::Node(_) => self.finish_op(child.slot(), cancelled),
                    _ => self.abandon_op(child.slot()),
                }
            } else if self.awaited(child) {
                let call = &self.calls[child];
                let (waiter, told) = (call.waiter(), Child::of(call, cancelled));
                self.abandon(child, Reason::Cancelled, false);
                if let Waiter::Node(_) = waiter {
                    self.deliver(waiter, told);
                }
            }
        }
        self.children[id.slot() as usize].children = children;
    }

    /// Begin steps until one has something to wait for.
    #[inline]
    fn advance_steps(&mut self, id: CallId, node: NodeId) -> Steps {
        let state = &mut self.steps[id.slot() as usize];
        let Some(group) = self.plan.nodes[node.index()].steps.get(state.next as usize) else {
            return Steps::Done(state.result());
        };
        match group.only {
            Some(link) if state.failure.is_none() => {
                state.next += 1;
                (state.outstanding, state.needed) = (1, 1);
                let epoch = state.epoch;
                self.send_onward(link, id, epoch);
                Steps::Pending
            }
            _ => self.advance_groups(id, node),
        }
    }

    /// The same for steps of any kind.
    fn advance_groups(&mut self, id: CallId, node: NodeId) -> Steps {
        loop {
            let state = &self.steps[id.slot() as usize];
            let Some(group) = self.plan.nodes[node.index()].steps.get(state.next as usize) else {
                return Steps::Done(state.result());
            };
            let (uses, wait) = (group.uses.clone(), group.wait);
            let mut sent = 0;
            let one = match wait {
                Wait::Choose => Some(self.choose(id, node, uses.clone())),
                Wait::Chosen => Some(self.chosen(id, node, uses.clone())),
                _ => None,
            };
            for i in one.clone().unwrap_or(uses) {
                let link_use = self.plan.nodes[node.index()].uses[i as usize];
                if one.is_some() || self.is_used(id, node, &link_use) {
                    sent += self.issue(id, node, &link_use);
                }
            }
            let state = &mut self.steps[id.slot() as usize];
            state.next += 1;
            if sent > 0 {
                state.outstanding = sent;
                state.needed = match wait {
                    Wait::All | Wait::Choose | Wait::Chosen => sent,
                    Wait::First => 1,
                    Wait::Of(k) => u32::from(k).min(sent),
                };
                return Steps::Pending;
            }
            if state.failure.is_some() && !self.failure_is_handled(id, node) {
                let reason = self.steps[id.slot() as usize].failure.unwrap_or(Reason::Error);
                return Steps::Done(Reply::failed(reason));
            }
        }
    }

    /// One of the links, by weight, among those that are to be used at all.
    fn choose(&mut self, id: CallId, node: NodeId, uses: Range<u32>) -> Range<u32> {
        let mut used = std::mem::take(&mut self.used);
        used.clear();
        for i in uses.clone() {
            let link_use = self.plan.nodes[node.index()].uses[i as usize];
            if self.is_used(id, node, &link_use) {
                used.push(i);
            }
        }
        let all = &self.plan.nodes[node.index()].uses;
        let total: f64 = used.iter().map(|&i| all[i as usize].weight).sum();
        let mut left = self.nodes[node.index()].step_rng.uniform() * total;
        let one = used.iter().copied().find(|&i| {
            left -= all[i as usize].weight;
            left < 0.0
        });
        self.steps[id.slot() as usize].chosen = one.map(|i| all[i as usize].link);
        self.used = used;
        one.map_or(uses.end..uses.end, |i| i..i + 1)
    }

    /// The next call over the link that was chosen, if it is to be called once more and nothing has failed.
    fn chosen(&self, id: CallId, node: NodeId, mut uses: Range<u32>) -> Range<u32> {
        let state = &self.steps[id.slot() as usize];
        let all = &self.plan.nodes[node.index()].uses;
        match uses.find(|&i| Some(all[i as usize].link) == state.chosen && state.failure.is_none()) {
            Some(i) => i..i + 1,
            None => 0..0,
        }
    }

    /// Whether a link is to be used now: its `when`. The probability is drawn.
    fn is_used(&mut self, id: CallId, node: NodeId, link_use: &LinkUse) -> bool {
        let state = &self.steps[id.slot() as usize];
        let due = match link_use.when.after {
            WhenAfter::Always => state.failure.is_none(),
            WhenAfter::Miss(mark) => state.failure.is_none() && state.missed & mark != 0,
            WhenAfter::Failure(mark) => state.failed & mark != 0,
        };
        if !due || link_use.when.classes >> self.calls[id].asks.class.0 & 1 == 0 {
            return false;
        }
        let rng = &mut self.nodes[node.index()].step_rng;
        link_use.when.probability >= 1.0 || rng.chance(link_use.when.probability)
    }

    /// Send the calls of one use of a link; returns how many replies to wait for.
    fn issue(&mut self, id: CallId, node: NodeId, link_use: &LinkUse) -> u32 {
        let rng = &mut self.nodes[node.index()].step_rng;
        let whole = link_use.calls as u32;
        let calls = whole + u32::from(rng.chance(link_use.calls - f64::from(whole)));
        if let WhenAfter::Failure(mark) = link_use.when.after
            && calls > 0
        {
            // This link takes care of the failure.
            let state = &mut self.steps[id.slot() as usize];
            state.failed &= !mark;
            state.failure = None;
        }
        let waiter = if link_use.asynchronous { Waiter::Nobody } else { Waiter::Steps(id) };
        let tag = self.steps[id.slot() as usize].epoch;
        let (route, mut request) = (Route::onward(&self.calls[id]), self.calls[id].asks);
        let key = request.key;
        for n in 0..calls {
            if let Some(before) = link_use.spread {
                request.key = hash::mix2(self.spread ^ key, u64::from(before) + u64::from(n));
            }
            self.send(link_use.link, waiter, tag, route, request);
        }
        if link_use.asynchronous { 0 } else { calls }
    }

    /// Whether a later step waits for a failure that has happened.
    fn failure_is_handled(&self, id: CallId, node: NodeId) -> bool {
        let state = &self.steps[id.slot() as usize];
        let plan = &self.plan.nodes[node.index()];
        let class = self.calls[id].asks.class;
        plan.steps.iter().skip(state.next as usize).flat_map(|group| group.uses.clone()).any(|i| {
            let link_use = &plan.uses[i as usize];
            let waits = matches!(link_use.when.after, WhenAfter::Failure(mark) if state.failed & mark != 0);
            waits && link_use.when.classes >> class.0 & 1 == 1
        })
    }

    /// A child of an itinerary, over this link, has answered. Returns how the itinerary ends, if that was its end.
    #[inline(always)]
    pub(crate) fn step_reply(&mut self, id: CallId, link: LinkId, tag: u32, reply: Reply) -> Option<Reply> {
        let node = self.calls.get(id).filter(|call| call.flags & SERVING != 0)?.node;
        if let [StepGroup { only: Some(_), .. }] = *self.plan.nodes[node.index()].steps {
            Some(self.reply_of_only(link, reply))
        } else {
            self.step_reply_of(id, node, (link, tag), reply)
        }
    }

    /// The same of an itinerary of which something is kept.
    #[inline(never)]
    fn step_reply_of(&mut self, id: CallId, node: NodeId, (link, epoch): (LinkId, u32), reply: Reply) -> Option<Reply> {
        let state = &mut self.steps[id.slot() as usize];
        if state.epoch != epoch || state.outstanding == 0 {
            return None;
        }
        state.outstanding -= 1;
        state.degraded |= reply.degraded;
        state.stale |= reply.stale;
        if reply.miss {
            state.missed |= self.plan.links[link.index()].mark;
        }
        let failed = match reply.outcome {
            Ok(()) => {
                state.needed -= 1;
                // Or a call beside it has failed, and too few are left.
                if state.needed > 0 && state.needed <= state.outstanding {
                    return None;
                }
                if state.needed == 0 {
                    // First, or k of n, was reached in spite of failures.
                    state.failure = None;
                }
                state.failure.is_some()
            }
            Err(reason) => {
                if !self.note_failure(id, link, reason) {
                    return None;
                }
                self.steps[id.slot() as usize].failure.is_some()
            }
        };
        if self.steps[id.slot() as usize].outstanding > 0 {
            self.cancel_children(id);
        }
        let state = &mut self.steps[id.slot() as usize];
        state.outstanding = 0;
        state.epoch = state.epoch.wrapping_add(1);
        if failed && !self.failure_is_handled(id, node) {
            let reason = self.steps[id.slot() as usize].failure.unwrap_or(Reason::Error);
            return Some(Reply::failed(reason));
        }
        match self.advance_steps(id, node) {
            Steps::Done(reply) => Some(reply),
            Steps::Pending => None,
        }
    }

    /// How an itinerary ends that is one call over this link: nothing had to be kept of it meanwhile.
    fn reply_of_only(&self, link: LinkId, reply: Reply) -> Reply {
        match reply.outcome {
            Err(reason) if !self.links[link.index()].config.optional => Reply::failed(reason),
            _ => Reply { degraded: reply.degraded, stale: reply.stale, ..Reply::OK },
        }
    }

    /// A child over this link has failed. Returns whether the step is over.
    #[cold]
    fn note_failure(&mut self, id: CallId, link: LinkId, reason: Reason) -> bool {
        let optional = self.links[link.index()].config.optional;
        let state = &mut self.steps[id.slot() as usize];
        state.failed |= self.plan.links[link.index()].mark;
        if !optional {
            state.failure = state.failure.or(Some(reason));
        } else if state.failure.is_none() {
            // Not a success, but the rest is enough.
            state.needed = state.needed.min(state.outstanding);
        }
        if state.needed == 0 {
            state.failure = None;
        }
        state.needed == 0 || state.needed > state.outstanding
    }
}
