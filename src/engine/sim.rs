//! A plan being executed.

use super::call::{Call, CallId, Waiter};
use super::core::{Core, GENERATION_MASK, NODE_BITS, Ready, What};
use super::ctx::{Again, Aim, Child, Ctx};
use super::event::{Event, MAX_PLACES};
use super::fault::{Fault, Patch, Place};
use super::meter::Meters;
use super::outcome::Reply;
use super::plan::Plan;
use super::policy::Told;
use super::replica::{ReplicaLoad, ReplicaState};
use super::tally::{ClassCounts, ClassTally, LinkCounts, LinkTally, NodeCounts, NodeTally};
use super::trace::{Hop, Journey};
use crate::base::{ClassId, Histogram, LinkId, NodeId, Time};
use std::collections::VecDeque;

/// An order from one node to another, or from the timeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Have so many replicas.
    Scale(u16),
    /// Throw away what is cached.
    Flush,
    /// Stop taking messages; `false` goes on.
    Pause(bool),
    /// Multiply the traffic; 1 is as usual.
    Spike(f64),
    /// A replica's fault, told to the node as well: what it held is its own business.
    Fault(Fault, Option<u16>),
    /// The replicas of the first set (a bit each) no longer hear those of the second, nor these them.
    Part(u64, u64),
    /// That partition has healed.
    Join(u64, u64),
    /// A replica of some node came, went, died or recovered: for nodes that [wait for that](Ctx::watch_topology).
    Topology,
}

/// What a node does. The engine knows no more of a kind than this.
pub trait Behaviour: Clone {
    /// New settings for a node that runs.
    type Patch: Clone;

    /// Called once, before anything happens, in the order of the nodes.
    fn start(&mut self, ctx: &mut Ctx);
    /// A call has arrived. It must be answered, now or later, exactly once.
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId);
    /// A child call that this node asked for has ended.
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child);
    /// Where a further attempt goes of what this node has sent, if it [picks](Ctx::picks_again) the place of each.
    fn pick_again(&mut self, _ctx: &mut Ctx, again: &Again) -> Aim {
        again.first
    }
    /// An attempt has ended of an operation that this node has sent, if it [picks](Ctx::picks_again) the place of each.
    fn on_attempt(&mut self, _ctx: &mut Ctx, _attempt: &Child) {}
    /// A call that this node has sent was lost, or has ended and its reply reached nobody, if it
    /// [picks](Ctx::picks_again) the place of each.
    fn on_unheard(&mut self, _ctx: &mut Ctx, _done: &Child) {}
    /// The itinerary begun with [`Ctx::run_steps`] has ended.
    fn on_steps_done(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply);
    /// A timer has fired.
    fn on_timer(&mut self, ctx: &mut Ctx, token: u64);
    /// A timer of a call has fired; the call is still with this node.
    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, token: u8);
    /// Nobody waits for this call any more; it may be answered early.
    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId);
    fn on_control(&mut self, ctx: &mut Ctx, control: Control);
    fn retune(&mut self, ctx: &mut Ctx, patch: &Self::Patch);
    /// Levels of its own that are recorded, in the order of its kind's [gauges](super::Gauge).
    fn gauges(&self) -> Vec<f64> {
        Vec::new()
    }
}

/// A running simulation. Cloning it is a checkpoint.
#[derive(Clone)]
pub struct Sim<B: Behaviour> {
    behaviours: Vec<B>,
    core: Core,
    patches: Vec<Patch<B::Patch>>,
}

impl<B: Behaviour> Sim<B> {
    /// Assemble a plan and the behaviours of its nodes, in the same order.
    ///
    /// # Panics
    /// If their numbers differ, or if there are more nodes and links than an event has room for.
    pub fn new(plan: Plan, behaviours: Vec<B>) -> Sim<B> {
        assert_eq!(plan.nodes.len(), behaviours.len(), "a behaviour for each node");
        assert!(plan.nodes.len() < 1 << NODE_BITS && plan.links.len() * 12 < MAX_PLACES as usize, "too many nodes");
        let mut sim = Sim { behaviours, core: Core::new(plan), patches: Vec::new() };
        for i in 0..sim.behaviours.len() {
            sim.with(NodeId(i as u32), |behaviour, ctx| behaviour.start(ctx));
        }
        sim
    }

    #[inline(always)]
    fn with<R>(&mut self, node: NodeId, f: impl FnOnce(&mut B, &mut Ctx) -> R) -> R {
        f(&mut self.behaviours[node.index()], &mut Ctx { core: &mut self.core, node })
    }

    /// Do something at a time. Patches of the same time are applied in the order in which they were scheduled.
    pub fn schedule(&mut self, at: Time, patch: Patch<B::Patch>) {
        self.core.events.push(at.max(self.core.now), 0, What::Patch as u64 | (self.patches.len() as u64) << 4);
        self.patches.push(patch);
    }

    /// Simulate until `until`, including what happens at that very time.
    pub fn run_until(&mut self, until: Time) {
        self.run_events(until, u64::MAX);
        self.core.now = self.core.now.max(until);
    }

    /// Simulate one event, if there is one not later than `until`.
    pub fn step(&mut self, until: Time) -> bool {
        self.run_events(until, 1) == 1
    }

    /// Simulate the events that are not later than `until`, but no more than so many; returns how many there were.
    fn run_events(&mut self, until: Time, most: u64) -> u64 {
        self.core.folded = false;
        let before = self.core.handled;
        let enough = before.saturating_add(most);
        loop {
            self.settle();
            if self.core.handled == enough {
                break;
            }
            let Some(event) = self.core.events.pop_until(until) else { break };
            if self.core.events.take_fresh() {
                self.core.read_ahead();
            }
            self.handle(event);
        }
        self.core.handled - before
    }

    /// Everything that happens at this instant without an event.
    #[inline(always)]
    fn settle(&mut self) {
        let mut next = 0;
        while let Some(&ready) = self.core.ready.get(next) {
            next += 1;
            match ready {
                Ready::Arrive(id) => {
                    if let Some(node) = self.core.arrive(id) {
                        self.with(node, |behaviour, ctx| behaviour.on_call(ctx, id));
                    }
                }
                Ready::Return(id) => match self.core.returned(id) {
                    Told::Nothing => {}
                    Told::Child(node, child) => self.with(node, |behaviour, ctx| behaviour.on_reply(ctx, &child)),
                    Told::StepsDone(node, id, reply) => {
                        self.with(node, |behaviour, ctx| behaviour.on_steps_done(ctx, id, reply));
                    }
                },
                Ready::Reply => {
                    // The parent may have been answered since.
                    let child = self.core.replies.pop_front();
                    if let Some(child) = child.filter(|c| c.parent.is_none() || self.core.is_served(c.parent)) {
                        let node = self.core.links[child.link.index()].from;
                        self.with(node, |behaviour, ctx| behaviour.on_reply(ctx, &child));
                    }
                }
                Ready::Attempt => {
                    let attempt = self.core.attempts.pop_front();
                    if let Some(attempt) = attempt.filter(|a| a.parent.is_none() || self.core.is_served(a.parent)) {
                        let node = self.core.links[attempt.link.index()].from;
                        self.with(node, |behaviour, ctx| behaviour.on_attempt(ctx, &attempt));
                    }
                }
                Ready::Unheard => {
                    if let Some(done) = self.core.attempts.pop_front() {
                        let node = self.core.links[done.link.index()].from;
                        self.with(node, |behaviour, ctx| behaviour.on_unheard(ctx, &done));
                    }
                }
                Ready::Hedge(id) => {
                    if self.core.hedge_is_due(id) {
                        let aim = self.aim_again(id, true);
                        self.core.op_hedge(id.slot(), aim);
                    }
                }
                Ready::StepsDone(id) => {
                    let reply = self.core.ended.pop_front().unwrap_or(Reply::OK);
                    if self.core.is_served(id) {
                        let node = self.core.calls[id].node;
                        self.with(node, |behaviour, ctx| behaviour.on_steps_done(ctx, id, reply));
                    }
                }
                Ready::Cancel(id) => self.cancel(id),
                Ready::TooLate(id) => {
                    if self.core.ops.is_alive(id) {
                        self.core.op_deadline(id.slot());
                    }
                }
                Ready::Control => {
                    if let Some((node, control)) = self.core.controls.pop_front() {
                        self.with(node, |behaviour, ctx| behaviour.on_control(ctx, control));
                    }
                }
            }
        }
        self.core.ready.clear();
    }

    /// Where the next attempt or copy of an operation goes.
    #[inline(never)]
    fn aim_again(&mut self, id: CallId, copy: bool) -> Aim {
        let op = &self.core.ops[id.slot()];
        let first = Aim { link: op.link, tag: op.tag, route: op.route };
        if !op.picked {
            return first;
        }
        let parent = if let Waiter::Node(parent) = op.waiter { parent } else { CallId::NONE };
        if !parent.is_none() && !self.core.is_served(parent) {
            return first;
        }
        let again = Again { op: id, copy, parent, first, request: op.request };
        let node = self.core.links[op.link.index()].from;
        self.with(node, |behaviour, ctx| behaviour.pick_again(ctx, &again))
    }

    #[inline(never)]
    fn cancel(&mut self, id: CallId) {
        let Some(call) = self.core.calls.get(id) else { return };
        if call.is_with_callee() {
            let node = call.node;
            self.core.cancel_children(id);
            self.with(node, |behaviour, ctx| behaviour.on_cancel(ctx, id));
        }
    }

    #[inline(always)]
    fn handle(&mut self, event: Event) {
        self.core.now = event.at;
        self.core.handled += 1;
        let (what, slot, generation) = Core::unpack(event.what);
        match what {
            What::Timer => {
                let node = NodeId(event.place());
                self.with(node, |behaviour, ctx| behaviour.on_timer(ctx, Core::token(event.what)));
            }
            What::CallTimer => {
                if let Some(id) = self.core.calls.served_by_slot(slot, generation, GENERATION_MASK) {
                    let node = NodeId(event.place() & ((1 << NODE_BITS) - 1));
                    let token = (event.place() >> NODE_BITS) as u8;
                    self.with(node, |behaviour, ctx| behaviour.on_call_timer(ctx, id, token));
                }
            }
            What::Lane => self.core.lane_due(event.place()),
            What::Deadlines => self.core.deadlines_begin(event.place()),
            What::Patch => self.apply(Core::token(event.what) as usize),
            What::Arrive
            | What::Return
            | What::Connected
            | What::Cancel
            | What::CallDeadline
            | What::SentThere
            | What::SentBack => {
                if let Some(id) = self.core.calls.by_slot(slot, generation, GENERATION_MASK) {
                    match what {
                        What::Arrive => self.core.ready.push(Ready::Arrive(id)),
                        What::Return => self.core.ready.push(Ready::Return(id)),
                        What::Connected => self.core.connected(id),
                        What::CallDeadline => self.core.call_deadline(id),
                        What::SentThere => self.core.sent(id, false),
                        What::SentBack => self.core.sent(id, true),
                        _ => self.core.ready.push(Ready::Cancel(id)),
                    }
                }
            }
            What::OpDeadline | What::Retry | What::Fallback => {
                if let Some(id) = self.core.ops.by_slot(slot, generation, GENERATION_MASK) {
                    match what {
                        What::OpDeadline => self.core.op_deadline(slot),
                        What::Retry => {
                            let aim = self.aim_again(id, false);
                            self.core.op_attempt(slot, aim);
                        }
                        _ => self.core.fallback_now(slot),
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn apply(&mut self, index: usize) {
        match self.patches[index].clone() {
            Patch::Retune(node, patch) => self.with(node, |behaviour, ctx| behaviour.retune(ctx, &patch)),
            Patch::RetuneLink(link, config) => self.core.retune_link(link, *config),
            Patch::Control(node, control) => self.with(node, |behaviour, ctx| behaviour.on_control(ctx, control)),
            Patch::Fault(Place::Link(link), fault) => self.core.link_fault(link, fault),
            Patch::Fault(Place::Node(node), fault) => self.strike(node, None, fault),
            Patch::Fault(Place::Replica(node, replica), fault) => self.strike(node, Some(replica), fault),
        }
    }

    fn strike(&mut self, node: NodeId, replica: Option<u16>, fault: Fault) {
        self.core.fault_on_replicas(node, replica, fault);
        if fault == Fault::Kill {
            self.core.process_died(node, replica);
        }
        self.with(node, |behaviour, ctx| behaviour.on_control(ctx, Control::Fault(fault, replica)));
    }

    #[cfg(test)]
    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    // ---- what can be read

    pub fn now(&self) -> Time {
        self.core.now
    }

    pub fn plan(&self) -> &Plan {
        &self.core.plan
    }

    /// When the next event is due, if anything is still to happen.
    pub fn next_event(&mut self) -> Option<Time> {
        self.core.events.next_time()
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.core.handled
    }

    /// Root requests issued so far.
    pub fn requests(&self) -> u64 {
        self.core.classes.iter().map(|class| class.counts.offered).sum()
    }

    /// What was counted of a node, a link and a class since the beginning.
    pub fn node_counts(&self, node: NodeId) -> &NodeCounts {
        &self.core.nodes[node.index()].tally.counts
    }

    pub fn link_counts(&self, link: LinkId) -> &LinkCounts {
        &self.core.links[link.index()].tally.counts
    }

    pub fn class_counts(&self, class: ClassId) -> &ClassCounts {
        &self.core.classes[class.index()].counts
    }

    /// The calls in flight, one by one.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.core.calls.iter().map(|(_, call)| call)
    }

    /// Calls in flight, on the way and at nodes.
    pub fn in_flight(&self) -> usize {
        self.core.calls.len()
    }

    pub fn behaviour(&self, node: NodeId) -> &B {
        &self.behaviours[node.index()]
    }

    pub fn meters(&self, node: NodeId) -> &Meters {
        &self.core.nodes[node.index()].meters
    }

    pub fn meters_mut(&mut self, node: NodeId) -> &mut Meters {
        &mut self.core.nodes[node.index()].meters
    }

    pub fn node_tally(&mut self, node: NodeId) -> &mut NodeTally {
        &mut self.core.nodes[node.index()].tally
    }

    /// How long a node took to answer calls, since this was last cleared.
    pub fn node_latency(&mut self, node: NodeId) -> &mut Histogram {
        self.core.fold_latencies();
        &mut self.core.nodes[node.index()].tally.latency
    }

    /// How long callers waited for answers over a link, since this was last cleared.
    pub fn link_latency(&mut self, link: LinkId) -> &mut Histogram {
        self.core.fold_latencies();
        &mut self.core.links[link.index()].tally.latency
    }

    pub fn link_tally(&mut self, link: LinkId) -> &mut LinkTally {
        &mut self.core.links[link.index()].tally
    }

    /// Of the connection pools of a link: attempts that wait, connections in use, and connections that there may be.
    pub fn pool_levels(&self, link: LinkId) -> [u64; 3] {
        self.core.pool_levels(link)
    }

    pub fn class_tally(&mut self, class: ClassId) -> &mut ClassTally {
        &mut self.core.classes[class.index()]
    }

    /// Keep the journeys of one of so many requests from now on, for displays; 0 is none. The number grows by itself where
    /// more are under way than could be shown.
    pub fn trace(&mut self, every: u64) {
        self.core.tracer.set_every(every);
    }

    /// One of so many requests is kept.
    pub fn traced_every(&self) -> u64 {
        self.core.tracer.every()
    }

    /// Journeys that were begun to be kept so far.
    pub fn journeys_begun(&self) -> u64 {
        self.core.tracer.begun()
    }

    /// The journeys that have ended since this was asked last, of more than a thousand the latest.
    pub fn take_journeys(&mut self) -> VecDeque<Journey> {
        self.core.tracer.take_ended()
    }

    /// The journeys that go on.
    pub fn journeys(&self) -> impl Iterator<Item = &Journey> {
        self.core.tracer.open()
    }

    /// The calls of journeys that go on, each with the id of its journey.
    pub fn hops(&self) -> impl Iterator<Item = (u64, &Hop)> {
        self.core.tracer.hops()
    }

    /// The replicas of a node as the engine sees them.
    pub fn replicas(&self, node: NodeId) -> &[ReplicaState] {
        &self.core.nodes[node.index()].replicas
    }

    /// What each replica of a node has done so far; empty where it has none.
    pub fn loads(&mut self, node: NodeId) -> &[ReplicaLoad] {
        let (node, now) = (&mut self.core.nodes[node.index()], self.core.now);
        node.settle(now);
        &node.loads
    }

    /// Calls that have arrived at a node and were not answered, counted one by one: what conservation is checked
    /// against.
    pub fn count_at(&self, node: NodeId) -> u64 {
        self.calls().filter(|call| call.node == node && call.is_with_callee()).count() as u64
    }

    /// Attempts over a link that the caller still waits for, counted one by one.
    pub fn count_on(&self, link: LinkId) -> u64 {
        self.calls().filter(|call| call.link == link && call.is_awaited()).count() as u64
    }

    /// Whether every call is accounted for: at each node and on each link, what began less what ended is what is there,
    /// counted one by one. Says where it is not.
    pub fn imbalance(&self) -> Option<String> {
        let Core { nodes, links, plan, .. } = &self.core;
        let (mut at, mut on) = (vec![0; nodes.len()], vec![0; links.len()]);
        for call in self.calls() {
            at[call.node.index()] += u64::from(call.is_with_callee());
            on[call.link.index()] += u64::from(call.is_awaited());
        }
        let at = nodes.iter().zip(&plan.nodes).zip(at).map(|((n, plan), here)| (&plan.name, n.tally.in_flight(), here));
        let on = links.iter().zip(&plan.links).zip(on).map(|((l, plan), here)| (&plan.name, l.tally.in_flight(), here));
        let odd = at.chain(on).find(|(_, told, here)| told != here);
        odd.map(|(name, told, here)| format!("at {name}: {told} by the tally, {here} there"))
    }

    /// Operations under way.
    pub fn operations(&self) -> usize {
        self.core.ops.len()
    }
}
