//! What a behaviour may do: the whole of the engine as a kind sees it.

use super::call::{ANY_REPLICA, CONNECTING, Call, CallId, IN_POOL_QUEUE, SERVING, STOPPED, Waiter};
use super::core::{Core, NODE_BITS, Ready, What};
use super::event::Event;
use super::meter::Meter;
use super::op::Op;
use super::outcome::{Operation, Reason, Reply};
use super::replica::{ReplicaLoad, ReplicaState};
use super::sim::Control;
use super::tally::Counter;
use crate::base::{ClassId, LinkId, NodeId, Rng, Span, Time, hash};

/// What is asked for. A node that passes a call on passes this on as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    pub class: ClassId,
    /// 0 is the most urgent.
    pub priority: u8,
    pub operation: Operation,
    pub tenant: u32,
    /// The key asked for.
    pub key: u64,
    /// Sizes in bytes.
    pub request: u32,
    pub response: u32,
    /// When the root request was meant to be sent.
    pub intended: Time,
    /// When an answer is no longer of use; [`Time::NEVER`] if there is no such time.
    pub deadline: Time,
}

/// Between which replicas a call goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    /// The replica of the caller that asks.
    pub origin: u16,
    /// The replica of the callee that is meant, or [`ANY_REPLICA`].
    pub replica: u16,
}

impl Route {
    /// From a node that is one, to whichever replica the callee chooses.
    pub const ANY: Route = Route { origin: 0, replica: ANY_REPLICA };

    /// From the replica that serves `call`, to whichever replica the callee chooses.
    #[inline]
    pub fn onward(call: &Call) -> Route {
        Route { origin: call.replica, replica: ANY_REPLICA }
    }
}

/// Where an attempt goes, and what its caller is told with the reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    pub link: LinkId,
    pub tag: u32,
    pub route: Route,
}

/// An operation of which another attempt or copy is due, as the node is told that [picks the place of each](Ctx::picks_again).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Again {
    pub(crate) op: CallId,
    /// A hedged copy, while an attempt is under way.
    pub copy: bool,
    /// The call on whose behalf it is; [`CallId::NONE`] for a root request.
    pub parent: CallId,
    /// Where the first attempt went.
    pub first: Aim,
    pub request: Request,
}

/// A child call that has ended, as its caller is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Child {
    /// The call on whose behalf it was made; [`CallId::NONE`] for a root request.
    pub parent: CallId,
    pub link: LinkId,
    /// What the caller gave along.
    pub tag: u32,
    pub reply: Reply,
    pub class: ClassId,
    /// The replica it went to, and the one it came from.
    pub replica: u16,
    pub origin: u16,
    pub key: u64,
    pub intended: Time,
    /// When the caller asked.
    pub sent: Time,
    /// It left its caller: the link's own policies did not stop it.
    pub was_sent: bool,
    /// This is an operation, and its caller was told of its attempts one by one.
    pub attempts_told: bool,
}

impl Child {
    pub(crate) fn of(call: &Call, reply: Reply) -> Child {
        Child {
            parent: CallId::NONE,
            link: call.link,
            tag: call.tag,
            reply,
            class: call.asks.class,
            replica: call.replica,
            origin: call.origin,
            key: call.asks.key,
            intended: call.asks.intended,
            sent: call.sent,
            was_sent: call.flags & (STOPPED | IN_POOL_QUEUE | CONNECTING) == 0,
            attempts_told: false,
        }
    }

    pub(crate) fn of_op(op: &Op, reply: Reply) -> Child {
        let request = &op.request;
        Child {
            parent: CallId::NONE,
            link: op.link,
            tag: op.tag,
            reply,
            class: request.class,
            replica: op.route.replica,
            origin: op.route.origin,
            key: request.key,
            intended: request.intended,
            sent: op.started,
            was_sent: true,
            attempts_told: op.picked,
        }
    }
}

/// How far an itinerary has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// There was nothing to wait for, or it failed on the spot.
    Done(Reply),
    /// `on_steps_done` will be called.
    Pending,
}

/// A node's view of the engine while it handles something.
pub struct Ctx<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) node: NodeId,
}

impl Ctx<'_> {
    #[inline]
    pub fn now(&self) -> Time {
        self.core.now
    }

    /// This node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// This node's name in the design.
    pub fn name(&self) -> &str {
        &self.core.plan.nodes[self.node.index()].name
    }

    /// The name of any node.
    pub fn name_of(&self, node: NodeId) -> &str {
        &self.core.plan.nodes[node.index()].name
    }

    /// A number that goes by the seed and a purpose, for hashes: the same for all nodes.
    pub fn salt(&self, purpose: &str) -> u64 {
        hash::mix2(self.core.plan.seed, hash::name(purpose))
    }

    /// A random stream of this node for one purpose. Ask once, at start.
    pub fn stream(&self, purpose: &str) -> Rng {
        self.core.streams.stream(self.name(), purpose)
    }

    // ---- calls that this node serves

    #[inline]
    pub fn call(&self, id: CallId) -> &Call {
        &self.core.calls[id]
    }

    #[inline]
    pub fn call_mut(&mut self, id: CallId) -> &mut Call {
        &mut self.core.calls[id]
    }

    /// A call, if this node still owes an answer to it.
    #[inline]
    pub fn served_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.core.calls.get_mut(id).filter(|call| call.flags & SERVING != 0)
    }

    /// Whether this node still owes an answer to `id`: it may have answered, for example when it was killed.
    #[inline]
    pub fn is_served(&self, id: CallId) -> bool {
        self.core.is_served(id)
    }

    /// The calls that this node still owes an answer, of one replica: looked for one by one, for rare occasions.
    pub fn served_by(&self, replica: u16) -> Vec<CallId> {
        let mine = |call: &Call| call.node == self.node && call.replica == replica && call.is_with_callee();
        self.core.calls.iter().filter(|(_, call)| mine(call)).map(|(id, _)| id).collect()
    }

    /// All calls that this node still owes an answer.
    pub fn served_here(&self) -> Vec<CallId> {
        let mine = |call: &Call| call.node == self.node && call.is_with_callee();
        self.core.calls.iter().filter(|(_, call)| mine(call)).map(|(id, _)| id).collect()
    }

    /// Answer a call. Each call is answered exactly once.
    #[inline]
    pub fn reply(&mut self, id: CallId, reply: Reply) {
        self.core.answer(id, reply);
    }

    // ---- places that were tried

    /// From now on this node says where each further attempt of what it sends by itself goes, and is told how each attempt ends,
    /// and what became of those whose request or reply reached nobody.
    pub fn picks_again(&mut self) {
        self.core.nodes[self.node.index()].picks = true;
    }

    /// Whether an operation has tried this replica of a node.
    pub fn was_tried(&self, again: &Again, node: NodeId, replica: u16) -> bool {
        self.core.has_tried(again.op, CallId::NONE, node, replica)
    }

    /// Forget what an operation has tried, but for the latest place.
    pub fn start_over(&mut self, again: &Again) {
        self.core.ops.start_over(again.op.slot());
    }

    /// Whether further attempts may go over `other` that began on `link`: the policies around the attempts are the same.
    pub fn may_stand_in(&self, link: LinkId, other: LinkId) -> bool {
        let [a, b] = [link, other].map(|link| &self.core.links[link.index()].config);
        link == other
            || (&a.retry, a.hedge, a.fallback, a.deadline) == (&b.retry, b.hedge, b.fallback, b.deadline)
                && (a.propagate_deadline, a.operation) == (b.propagate_deadline, b.operation)
    }

    /// Whether a replica of this node was tried by an earlier attempt of what `id` belongs to.
    pub fn has_tried(&self, id: CallId, replica: u16) -> bool {
        match self.core.calls[id].waiter() {
            Waiter::Op(op) => self.core.has_tried(op, id, self.node, replica),
            _ => false,
        }
    }

    /// Whether replicas of this node that fit are left which earlier attempts of what `id` belongs to have not tried. If none
    /// is, it starts over: all but the latest count as not tried.
    pub fn others_left(&mut self, id: CallId, fits: impl Fn(&Ctx, u16) -> bool) -> bool {
        let Waiter::Op(op) = self.core.calls[id].waiter() else { return false };
        if !self.core.ops.is_alive(op) {
            return false;
        }
        let is_left = |ctx: &Ctx| (0..ctx.replicas(ctx.node)).any(|r| fits(ctx, r) && !ctx.has_tried(id, r));
        if is_left(self) {
            return true;
        }
        self.core.ops.start_over(op.slot());
        is_left(self)
    }

    // ---- calls that this node makes

    /// Make the calls of this node's itinerary on behalf of `id`; what it holds stays held meanwhile.
    #[inline(always)]
    pub fn run_steps(&mut self, id: CallId) -> Steps {
        self.core.run_steps(id)
    }

    /// This node's outgoing links, in the order of their steps.
    pub fn outs(&self) -> &[LinkId] {
        &self.core.plan.nodes[self.node.index()].outs
    }

    /// The node at the far end of a link.
    pub fn target(&self, link: LinkId) -> NodeId {
        self.core.links[link.index()].to
    }

    /// The link's weight, where the caller chooses among links.
    pub fn weight(&self, link: LinkId) -> f64 {
        self.core.plan.links[link.index()].weight
    }

    /// Whether the link is for calls of this class, whatever the probability that they use it.
    pub fn is_for(&self, link: LinkId, class: ClassId) -> bool {
        self.core.plan.links[link.index()].when.classes >> class.0 & 1 == 1
    }

    /// Whether calls of this class may use the link (its `when`; the probability is drawn).
    pub fn admits(&mut self, link: LinkId, class: ClassId) -> bool {
        let when = &self.core.plan.links[link.index()].when;
        let (classes, probability) = (when.classes, when.probability);
        classes >> class.0 & 1 == 1
            && (probability >= 1.0 || self.core.nodes[self.node.index()].step_rng.chance(probability))
    }

    /// Whether some link of this node does not admit every call.
    pub fn is_picky(&self) -> bool {
        let when = |link: &LinkId| &self.core.plan.links[link.index()].when;
        self.outs().iter().map(when).any(|when| when.classes != u64::MAX || when.probability < 1.0)
    }

    /// The number of a request class, if the design has one of this name.
    pub fn class(&self, name: &str) -> Option<ClassId> {
        self.core.plan.classes.iter().position(|class| class == name).map(|i| ClassId(i as u8))
    }

    /// This node's outgoing links that calls of this class may use.
    pub fn outs_for(&self, class: ClassId) -> Vec<LinkId> {
        let links = &self.core.plan.links;
        self.outs().iter().copied().filter(|link| links[link.index()].when.classes >> class.0 & 1 == 1).collect()
    }

    /// Call over a link on behalf of `parent`; `on_reply` is told the outcome, with `tag`.
    #[inline]
    pub fn send(&mut self, parent: CallId, link: LinkId, tag: u32, route: Route, request: Request) {
        debug_assert_eq!(self.core.links[link.index()].from, self.node, "a link of another node");
        self.core.send(link, Waiter::Node(parent), tag, route, request);
    }

    /// Call over a link on this node's own account; `on_reply` is told the outcome, with `tag`.
    #[inline]
    pub fn send_root(&mut self, link: LinkId, tag: u32, route: Route, request: Request) {
        debug_assert_eq!(self.core.links[link.index()].from, self.node, "a link of another node");
        self.core.send(link, Waiter::Root, tag, route, request);
    }

    /// Give up what this node has sent on its own account with this tag, if it was lost: nothing else would tell. `on_reply` is
    /// told the outcome.
    pub fn give_up_lost(&mut self, tag: u32) {
        let core = &mut *self.core;
        let outs = &core.plan.nodes[self.node.index()].outs;
        if !outs.iter().any(|link| core.links[link.index()].has_lost) {
            return;
        }
        let is_root = |call: &Call| match call.waiter() {
            Waiter::Root => true,
            Waiter::Op(op) => core.ops[op.slot()].waiter == Waiter::Root,
            _ => false,
        };
        let sent_by_it = |call: &Call| outs.contains(&call.link) && call.tag == tag && is_root(call);
        let is_lost = |call: &Call| call.is_awaited() && call.is_lost();
        let lost: Vec<CallId> =
            core.calls.iter().filter(|(_, call)| is_lost(call) && sent_by_it(call)).map(|(id, _)| id).collect();
        for id in lost {
            core.give_up(id, Reason::Lost);
        }
    }

    // ---- time

    /// `on_timer` is called after `after`, with `token` (below 2^60). A timer cannot be taken back: put something into
    /// the token by which an outdated one is recognised.
    #[inline]
    pub fn timer(&mut self, after: Span, token: u64) {
        self.core.push_timer(self.core.now + after, self.node, token);
    }

    #[inline]
    pub fn timer_at(&mut self, at: Time, token: u64) {
        self.core.push_timer(at, self.node, token);
    }

    /// The timers of this node that are to fire, in that order, each with its token.
    #[cold]
    pub fn timers(&self) -> Vec<(Time, u64)> {
        let mine = |event: &&Event| matches!(Core::unpack(event.what).0, What::Timer) && event.place() == self.node.0;
        let mut timers: Vec<&Event> = self.core.events.iter().filter(mine).collect();
        timers.sort_unstable_by_key(|event| event.key());
        timers.into_iter().map(|event| (event.at, Core::token(event.what))).collect()
    }

    /// `on_call_timer` is called after `after` with `token` (below 16), if the call is then still with this node.
    #[inline]
    pub fn call_timer(&mut self, id: CallId, after: Span, token: u8) {
        debug_assert!(token < 16);
        let place = self.node.0 | u32::from(token) << NODE_BITS;
        self.core.push_what(self.core.now + after, place, What::CallTimer, id);
    }

    // ---- what is known and counted

    #[inline]
    pub fn meter_set(&mut self, meter: Meter, level: u32) {
        let now = self.core.now;
        self.core.nodes[self.node.index()].meters.set(now, meter, level);
    }

    #[inline]
    pub fn meter_add(&mut self, meter: Meter, change: i32) {
        let now = self.core.now;
        self.core.nodes[self.node.index()].meters.add(now, meter, change);
    }

    /// Change the levels of what waits, of busy slots and of busy cores.
    #[inline]
    pub fn meter_changes(&mut self, changes: [i32; 3]) {
        let now = self.core.now;
        self.core.nodes[self.node.index()].meters.add_work(now, changes);
    }

    /// Areas under the levels of any node, for controllers: take the difference of two readings.
    pub fn areas(&self, node: NodeId) -> [u64; 5] {
        self.core.nodes[node.index()].meters.areas(self.core.now)
    }

    /// The present level of any node.
    pub fn level(&self, node: NodeId, meter: Meter) -> u32 {
        self.core.nodes[node.index()].meters.level(meter)
    }

    #[inline]
    pub fn count(&mut self, counter: Counter, n: u64) {
        self.core.nodes[self.node.index()].tally.counts.counted[usize::from(counter.0)] += n;
    }

    /// Record how far behind something is.
    pub fn lag(&mut self, lag: Span) {
        self.core.nodes[self.node.index()].tally.lag.record(lag.0);
    }

    /// A request of this class was meant to be sent now.
    #[inline]
    pub fn offered(&mut self, class: ClassId) {
        self.core.classes[class.index()].counts.offered += 1;
    }

    /// A root request has ended.
    #[inline(always)]
    pub fn root_done(&mut self, child: &Child, deadline: Span) {
        let now = self.core.now;
        let tally = &mut self.core.classes[child.class.index()];
        match child.reply.outcome {
            Ok(()) => {
                let latency = now.since(child.intended);
                tally.latency.record(latency.0);
                let counts = &mut tally.counts;
                counts.latency_ns = counts.latency_ns.wrapping_add(latency.0);
                if latency > deadline {
                    counts.late += 1;
                } else {
                    counts.good += 1;
                }
                counts.degraded += u64::from(child.reply.degraded);
                counts.stale += u64::from(child.reply.stale);
            }
            Err(reason) => tally.counts.failed[reason as usize] += 1,
        }
    }

    // ---- replicas

    /// Say how many replicas this node has. New ones are healthy.
    pub fn set_replicas(&mut self, count: u16) {
        let (node, now) = (&mut self.core.nodes[self.node.index()], self.core.now);
        node.replicas.resize(usize::from(count), ReplicaState::default());
        // Those that are gone have done what they have done.
        let copies = node.loads.len().max(usize::from(count));
        node.loads.resize(copies, ReplicaLoad::default());
        node.up_since.resize(copies, Time::NEVER);
        node.refresh(now);
        self.core.topology_changed();
    }

    /// Say how many calls a replica of this node works on at once.
    pub fn set_concurrency(&mut self, calls: u32) {
        let known = &mut self.core.nodes[self.node.index()].concurrency;
        if std::mem::replace(known, calls) != calls {
            self.core.topology_changed();
        }
    }

    /// How many calls a replica of any node works on at once; 0 where that is not known.
    pub fn concurrency(&self, node: NodeId) -> u32 {
        self.core.nodes[node.index()].concurrency
    }

    /// Mark a replica of this node as taking calls or not, for example while it starts or drains.
    pub fn set_up(&mut self, replica: u16, up: bool) {
        let node = &mut self.core.nodes[self.node.index()];
        if let Some(state) = node.replicas.get_mut(usize::from(replica)) {
            (state.up, state.serving) = (up, up);
        }
        node.refresh(self.core.now);
        self.core.topology_changed();
    }

    /// Mark a replica of this node as crashed: it takes no calls, and whoever has ordered it does not know.
    pub fn set_crashed(&mut self, replica: u16) {
        self.core.fault_on_replicas(self.node, Some(replica), super::Fault::Kill);
    }

    /// A replica of this node has broken down. Nobody has ordered that, so nobody is told; nothing waits any more for what
    /// it had asked for.
    pub fn break_down(&mut self, replica: u16) {
        self.set_crashed(replica);
        self.core.process_died(self.node, Some(replica));
    }

    /// Say whether a replica of this node stands still. Its itineraries do then, and go on afterwards with what has been
    /// answered.
    pub fn set_frozen(&mut self, replica: u16, frozen: bool) {
        let node = &mut self.core.nodes[self.node.index()];
        let Some(state) = node.replicas.get_mut(usize::from(replica)) else { return };
        if std::mem::replace(&mut state.frozen, frozen) && !frozen {
            self.core.hear(self.node);
        }
    }

    /// How many replicas any node has.
    pub fn replicas(&self, node: NodeId) -> u16 {
        self.core.nodes[node.index()].replicas.len() as u16
    }

    /// Whether a replica of any node is up.
    #[inline]
    pub fn is_up(&self, node: NodeId, replica: u16) -> bool {
        self.core.nodes[node.index()].replicas.get(usize::from(replica)).is_some_and(|replica| replica.up)
    }

    /// Whether a replica of any node is meant to take calls, whether or not it has crashed: what a platform knows that has
    /// ordered replicas to start and stop.
    #[inline]
    pub fn is_serving(&self, node: NodeId, replica: u16) -> bool {
        self.core.nodes[node.index()].replicas.get(usize::from(replica)).is_some_and(|replica| replica.serving)
    }

    /// Whether all replicas of this node are up.
    #[inline]
    pub fn all_up(&self) -> bool {
        !self.core.nodes[self.node.index()].any_down
    }

    /// How many times slower than usual a replica of this node is.
    #[inline]
    pub fn slow(&self, replica: u16) -> f64 {
        let node = &self.core.nodes[self.node.index()];
        if node.any_slow { node.replicas.get(usize::from(replica)).map_or(1.0, |replica| replica.slow) } else { 1.0 }
    }

    /// Changes whenever a replica of any node comes, goes, dies or recovers, or works on more or fewer calls at once.
    #[inline]
    pub fn topology(&self) -> u64 {
        self.core.topology
    }

    /// Be told, once, with [`Control::Topology`], when that changes the next time.
    pub fn watch_topology(&mut self) {
        if !self.core.watchers.contains(&self.node) {
            self.core.watchers.push(self.node);
        }
    }

    /// Whether a link is cut, for kinds whose replicas talk to each other over it.
    pub fn is_cut(&self, link: LinkId) -> bool {
        self.core.links[link.index()].fault.cuts > 0
    }

    /// Tell another node to do something.
    pub fn control(&mut self, node: NodeId, control: Control) {
        self.core.controls.push_back((node, control));
        self.core.ready.push(Ready::Control);
    }

    /// Draw how long a probe over a link takes, there and back.
    pub fn round_trip(&mut self, link: LinkId) -> Span {
        self.core.round_trip(link)
    }
}
