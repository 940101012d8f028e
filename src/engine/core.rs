//! What all parts of the engine share: the clock, the event queue, calls and operations, links, and what is known of each
//! node from outside.

use super::call::{ARRIVED, AWAITED, CANCELLED, Call, CallId, Calls, IN_POOL_QUEUE, SERVING, TRACED};
use super::ctx::Child;
use super::deadline::{Deadlines, Kept};
use super::event::EventQueue;
use super::lane::{Due, Lane};
use super::link::{Link, LinkFault, LinkLanes, Way};
use super::meter::Meters;
use super::op::Ops;
use super::outcome::Reply;
use super::plan::Plan;
use super::replica::{ReplicaLoad, ReplicaState};
use super::sim::Control;
use super::steps::{Children, StepState};
use super::tally::{ClassTally, LinkTally, NodeTally};
use super::trace::Tracer;
use crate::base::{LinkId, NodeId, Rng, Span, Streams, Time, hash};
use std::collections::VecDeque;

/// What happens next at this instant, in order. No event is spent on it. What the rarer ones carry is in queues of their
/// own, so that an entry is small.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    Arrive(CallId),
    Return(CallId),
    /// The next of `replies`.
    Reply,
    /// The next of `attempts`.
    Attempt,
    /// The same, of which the caller would not learn: its request or reply reached nobody.
    Unheard,
    /// An operation may be due for another copy.
    Hedge(CallId),
    /// With the next of `ended`.
    StepsDone(CallId),
    Cancel(CallId),
    /// An operation whose deadline had passed before it began.
    TooLate(CallId),
    /// The next of `controls`.
    Control,
}

/// The kinds of events, in the lowest four bits of an event's `what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum What {
    Timer,
    CallTimer,
    Lane,
    Arrive,
    Return,
    Connected,
    Cancel,
    OpDeadline,
    Retry,
    Fallback,
    Patch,
    /// A bucket of deadlines begins: of calls at place 0, of operations at 1.
    Deadlines,
    /// The deadline that came with a call.
    CallDeadline,
    /// A message over a link of limited bandwidth arrives at the callee, or is back at the caller.
    SentThere,
    SentBack,
}

/// By number. Those that are left over mean nothing.
const WHATS: [What; 1 << WHAT_BITS] = [
    What::Timer,
    What::CallTimer,
    What::Lane,
    What::Arrive,
    What::Return,
    What::Connected,
    What::Cancel,
    What::OpDeadline,
    What::Retry,
    What::Fallback,
    What::Patch,
    What::Deadlines,
    What::CallDeadline,
    What::SentThere,
    What::SentBack,
    What::SentBack,
];

const WHAT_BITS: u32 = 4;
/// A call timer's place holds the node, and a token above it.
pub(crate) const NODE_BITS: u32 = 20;
/// Bits of a generation that fit into an event beside the slot.
const GENERATION_BITS: u32 = 28;
pub(crate) const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;

/// What the engine knows of a node. Aligned, so that nothing a call changes lies across two lines of the processor's cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct NodeState {
    pub meters: Meters,
    pub tally: NodeTally,
    pub replicas: Vec<ReplicaState>,
    /// What each replica has done, where there are several.
    pub loads: Vec<ReplicaLoad>,
    /// Since when each of them is up; `NEVER` where it is not.
    pub up_since: Vec<Time>,
    /// The largest share of failures among the replicas.
    pub fail_share: f64,
    pub any_fails: bool,
    pub any_slow: bool,
    pub any_down: bool,
    pub all_down: bool,
    /// Answers to calls that are served by replicas which stand still: the call, the link and step of its child, and what came.
    pub unheard: Vec<(CallId, (LinkId, u32), Reply)>,
    /// It says where each further attempt goes of what it sends by itself.
    pub picks: bool,
    /// Calls that a replica works on at once, where that is known; 0 otherwise.
    pub concurrency: u32,
    pub step_rng: Rng,
    pub fault_rng: Rng,
}

impl NodeState {
    pub fn refresh(&mut self, now: Time) {
        self.settle(now);
        for (i, since) in self.up_since.iter_mut().enumerate() {
            *since = if self.replicas.get(i).is_some_and(|replica| replica.up) { now } else { Time::NEVER };
        }
        self.fail_share = self.replicas.iter().map(|replica| replica.fail).fold(0.0, f64::max);
        self.any_fails = self.fail_share > 0.0;
        self.any_slow = self.replicas.iter().any(|replica| replica.slow != 1.0);
        self.any_down = self.replicas.iter().any(|replica| !replica.up);
        self.all_down = !self.replicas.is_empty() && self.replicas.iter().all(|replica| !replica.up);
    }

    /// Bring the times up to date for which replicas were there.
    pub fn settle(&mut self, now: Time) {
        for (load, since) in self.loads.iter_mut().zip(&mut self.up_since) {
            if *since != Time::NEVER {
                load.up_ns += now.since(*since).0;
                *since = now;
            }
        }
    }

    /// Whether a replica that fails at times makes an error of this call's reply.
    #[cold]
    #[inline(never)]
    pub fn spoils(&mut self, call: &Call) -> bool {
        let share = self.replicas.get(usize::from(call.replica)).map_or(self.fail_share, |replica| replica.fail);
        call.reply.is_ok() && self.fault_rng.chance(share)
    }

    /// Whether a replica stands still.
    pub fn is_frozen(&self, replica: u16) -> bool {
        self.replicas.get(usize::from(replica)).is_some_and(|replica| replica.frozen)
    }

    /// Whether a call for this replica finds nobody there.
    #[cold]
    #[inline(never)]
    fn refuses(&self, replica: u16) -> bool {
        self.all_down || (self.any_down && self.replicas.get(usize::from(replica)).is_some_and(|replica| !replica.up))
    }

    /// Count a call's reply; its latency, unless it is shared with the link's.
    pub fn record(&mut self, now: Time, call: &Call, shared: bool) {
        match call.reply.outcome {
            Ok(()) => {
                if !shared {
                    self.tally.latency.record(now.since(call.arrived).0);
                }
                self.succeeded(now, call);
            }
            Err(reason) => {
                self.tally.counts.failed[reason as usize] += 1;
                self.load(now.since(call.arrived).0, call);
            }
        }
    }

    /// Count what a call took of its replica, where there are several.
    #[inline(always)]
    fn load(&mut self, latency: u64, call: &Call) {
        if let Some(load) = self.loads.get_mut(usize::from(call.replica)) {
            load.calls += 1;
            load.held_ns += latency.saturating_sub(call.queue_ns);
            load.worked_ns = load.worked_ns.wrapping_add(call.service_ns);
        }
    }

    /// Count a call's success, without its latency.
    #[inline(always)]
    pub fn succeeded(&mut self, now: Time, call: &Call) {
        let latency = now.since(call.arrived).0;
        let counts = &mut self.tally.counts;
        counts.succeeded += 1;
        counts.latency_ns = counts.latency_ns.wrapping_add(latency);
        counts.service_ns = counts.service_ns.wrapping_add(call.service_ns);
        // What runs side by side (a preemption, say) may add up to more than the latency.
        let others = latency.saturating_sub(call.queue_ns.wrapping_add(call.service_ns));
        counts.others_ns = counts.others_ns.wrapping_add(others);
        counts.queue_ns = counts.queue_ns.wrapping_add(call.queue_ns);
        self.load(latency, call);
        if call.queue_ns > ROUNDING {
            self.tally.counts.waited += 1;
            self.tally.wait.record(call.queue_ns);
        } else {
            self.tally.wait.record_zero();
        }
    }
}

/// Shared cores end each piece of work at a whole nanosecond. What that adds to a call (its work comes in two pieces) is no
/// wait.
const ROUNDING: u64 = 2;

/// Everything but the behaviours.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub now: Time,
    pub events: EventQueue,
    pub calls: Calls,
    pub ops: Ops,
    /// Where each call is in its node's itinerary, by the call's slot.
    pub steps: Vec<StepState>,
    /// Room for choosing among links.
    pub used: Vec<u32>,
    /// Children that can be cancelled, by the parent's slot.
    pub children: Vec<Children>,
    /// What happens at this instant without an event; cleared when all of it has happened.
    pub ready: Vec<Ready>,
    pub replies: VecDeque<Child>,
    /// Attempts that have ended, for the nodes that pick the place of each.
    pub attempts: VecDeque<Child>,
    pub ended: VecDeque<Reply>,
    pub controls: VecDeque<(NodeId, Control)>,
    pub lanes: Vec<Lane>,
    /// Deadlines that came with calls: of attempts, and of operations.
    pub deadlines: [Deadlines; 2],
    pub plan: Plan,
    pub links: Vec<Link>,
    pub nodes: Vec<NodeState>,
    pub classes: Vec<ClassTally>,
    pub streams: Streams,
    /// Keys that are made from others go by the seed, too.
    pub spread: u64,
    /// Grows whenever a replica comes, goes, dies or recovers, so that balancers know to look again.
    pub topology: u64,
    /// Nodes that are to be told when it does.
    pub watchers: Vec<NodeId>,
    /// Events handled so far.
    pub handled: u64,
    /// No call has been answered since shared latencies were last counted for both sides.
    pub folded: bool,
    pub tracer: Tracer,
}

impl Core {
    pub fn new(plan: Plan) -> Core {
        let streams = Streams::new(plan.seed);
        let nodes = plan.nodes.iter().map(|node| NodeState {
            meters: Meters::default(),
            tally: NodeTally::default(),
            replicas: vec![ReplicaState::default()],
            loads: Vec::new(),
            up_since: Vec::new(),
            fail_share: 0.0,
            any_fails: false,
            any_slow: false,
            any_down: false,
            all_down: false,
            unheard: Vec::new(),
            picks: false,
            concurrency: 0,
            step_rng: streams.stream(&node.name, "steps"),
            fault_rng: streams.stream(&node.name, "faults"),
        });
        let links = plan.links.iter().map(|link| Link {
            from: link.from,
            to: link.to,
            config: link.config.clone(),
            fault: LinkFault::NONE,
            rng: streams.stream(&link.name, "network"),
            retry_rng: streams.stream(&link.name, "retry"),
            lines: None,
            guards: Vec::new(),
            held: Vec::new(),
            tally: Default::default(),
            has_lost: false,
            lanes: LinkLanes::default(),
            way: Way::default(),
        });
        let mut core = Core {
            now: Time::ZERO,
            events: EventQueue::default(),
            calls: Calls::default(),
            ops: Ops::default(),
            steps: Vec::new(),
            used: Vec::new(),
            children: Vec::new(),
            ready: Vec::new(),
            replies: VecDeque::new(),
            attempts: VecDeque::new(),
            ended: VecDeque::new(),
            controls: VecDeque::new(),
            lanes: Vec::new(),
            deadlines: Default::default(),
            nodes: nodes.collect(),
            links: links.collect(),
            classes: vec![ClassTally::default(); plan.classes.len()],
            tracer: Tracer::new(plan.seed),
            spread: hash::mix2(plan.seed, hash::name("spread")),
            plan,
            streams,
            topology: 0,
            watchers: Vec::new(),
            handled: 0,
            folded: false,
        };
        for i in 0..core.links.len() {
            core.links[i].refresh();
            core.make_lanes(LinkId(i as u32));
        }
        core
    }

    /// Make the lanes of a link's constant delays. Lanes of earlier settings stay until they are empty.
    pub fn make_lanes(&mut self, id: LinkId) {
        let config = &self.links[id.index()].config;
        let constant = |sampler: &crate::base::Sampler| sampler.as_constant().filter(|span| !span.is_zero());
        let wanted = [
            (config.timeout, Due::Timeout),
            (config.pool.and_then(|pool| pool.acquire_timeout), Due::PoolTimeout),
            (constant(&config.latency), Due::Arrive),
            (constant(&config.latency_back), Due::Return),
            (config.deadline, Due::OpDeadline),
            (config.hedge.map(|hedge| hedge.after), Due::Hedge),
        ];
        let current = self.links[id.index()].lanes;
        let current =
            [current.timeout, current.pool_timeout, current.arrive, current.back, current.op_deadline, current.hedge];
        let mut lanes = [None; 6];
        for (i, (delay, due)) in wanted.into_iter().enumerate() {
            let Some(delay) = delay else { continue };
            let same = current[i].filter(|&lane| self.lanes[lane as usize].delay == delay);
            lanes[i] = Some(same.unwrap_or_else(|| {
                self.lanes.push(Lane::new(delay, due));
                self.lanes.len() as u32 - 1
            }));
        }
        let [timeout, pool_timeout, arrive, back, op_deadline, hedge] = lanes;
        self.links[id.index()].lanes = LinkLanes { timeout, pool_timeout, arrive, back, op_deadline, hedge };
    }

    /// Whether an entry of a lane still matters.
    #[inline]
    fn matters(calls: &Calls, ops: &Ops, due: Due, id: CallId) -> bool {
        match due {
            Due::Timeout => calls.get(id).is_some_and(|call| call.flags & AWAITED != 0),
            Due::PoolTimeout => calls.get(id).is_some_and(|call| call.flags & IN_POOL_QUEUE != 0),
            Due::Arrive | Due::Return => true,
            Due::OpDeadline | Due::Hedge => ops.is_alive(id),
        }
    }

    #[inline]
    pub fn lane_push(&mut self, lane: Option<u32>, id: CallId) {
        let Some(index) = lane else { return };
        let lane = &mut self.lanes[index as usize];
        let (calls, ops, due) = (&self.calls, &self.ops, lane.due);
        if let Some(at) = lane.push(self.now, id, |id| Self::matters(calls, ops, due, id)) {
            self.events.push(at, index, What::Lane as u64);
        }
    }

    /// A message waits in a lane.
    #[inline]
    pub fn lane_send(&mut self, index: u32, id: CallId) {
        if let Some(at) = self.lanes[index as usize].push_message(self.now, id) {
            self.events.push(at, index, What::Lane as u64);
        }
    }

    /// The event of a lane's head has fired.
    #[inline]
    pub fn lane_due(&mut self, index: u32) {
        let Core { lanes, ready, now, .. } = self;
        let lane = &mut lanes[index as usize];
        let next = match lane.due {
            Due::Arrive => lane.take_messages(*now, |id| ready.push(Ready::Arrive(id))),
            Due::Return => lane.take_messages(*now, |id| ready.push(Ready::Return(id))),
            _ => return self.limits_due(index),
        };
        if let Some(at) = next {
            self.events.push(at, index, What::Lane as u64);
        }
        if self.calls.are_many() {
            self.read_lane(index);
        }
    }

    /// Read the records of the next calls of a lane.
    #[cold]
    #[inline(never)]
    fn read_lane(&mut self, index: u32) {
        self.calls.read(self.lanes[index as usize].block());
    }

    /// The same of timeouts and the like, which may have become void.
    #[inline(never)]
    fn limits_due(&mut self, index: u32) {
        let due = self.lanes[index as usize].due;
        while let Some(id) = self.lanes[index as usize].take_due(self.now) {
            if !Self::matters(&self.calls, &self.ops, due, id) {
                continue;
            }
            match due {
                Due::Timeout => self.give_up(id, super::Reason::Timeout),
                Due::PoolTimeout => self.pool_timed_out(id),
                Due::Arrive | Due::Return => debug_assert!(false, "a message among limits"),
                Due::OpDeadline => self.op_deadline(id.slot()),
                Due::Hedge => self.ready.push(Ready::Hedge(id)),
            }
        }
        let (calls, ops) = (&self.calls, &self.ops);
        if let Some(at) = self.lanes[index as usize].rearm(|id| Self::matters(calls, ops, due, id)) {
            self.events.push(at, index, What::Lane as u64);
        }
    }

    /// A deadline that came with a call: for `what`, the attempt's or the operation's.
    #[inline(never)]
    pub fn push_deadline(&mut self, at: Time, what: What, id: CallId) {
        let of = usize::from(what == What::OpDeadline);
        let (calls, ops) = (&self.calls, &self.ops);
        let due = if of == 0 { Due::Timeout } else { Due::OpDeadline };
        match self.deadlines[of].push(self.now, at, id, |id| Self::matters(calls, ops, due, id)) {
            Kept::Here => {}
            Kept::From(begins) => self.events.push(begins, of as u32, What::Deadlines as u64),
            Kept::No => self.push_what(at, 0, what, id),
        }
    }

    /// A bucket of deadlines begins: those that still matter become events.
    #[inline(never)]
    pub fn deadlines_begin(&mut self, of: u32) {
        let (what, due) = [(What::CallDeadline, Due::Timeout), (What::OpDeadline, Due::OpDeadline)][of as usize];
        while let Some((at, id)) = self.deadlines[of as usize].take_begun(self.now) {
            if Self::matters(&self.calls, &self.ops, due, id) {
                self.push_what(at, 0, what, id);
            }
        }
        if let Some(begins) = self.deadlines[of as usize].rearm(self.now) {
            self.events.push(begins, of, What::Deadlines as u64);
        }
    }

    #[inline]
    pub fn push_what(&mut self, at: Time, place: u32, what: What, id: CallId) {
        let packed = what as u64
            | u64::from(id.generation() & GENERATION_MASK) << WHAT_BITS
            | u64::from(id.slot()) << (WHAT_BITS + GENERATION_BITS);
        self.events.push(at, place, packed);
    }

    #[inline]
    pub fn push_timer(&mut self, at: Time, node: NodeId, token: u64) {
        debug_assert!(token < 1 << 60);
        self.events.push(at, node.0, What::Timer as u64 | token << WHAT_BITS);
    }

    /// Take an event's `what` apart: its kind, the slot and the low bits of the generation.
    #[inline]
    pub fn unpack(what: u64) -> (What, u32, u32) {
        let kind = WHATS[(what & ((1 << WHAT_BITS) - 1)) as usize];
        (kind, (what >> (WHAT_BITS + GENERATION_BITS)) as u32, (what >> WHAT_BITS) as u32 & GENERATION_MASK)
    }

    /// Read the records of all calls that the due events are about.
    #[inline(never)]
    pub fn read_ahead(&self) {
        let calls = self.events.due().iter().map(|event| Core::unpack(event.what));
        let calls = calls.filter(|(what, ..)| matches!(what, What::Arrive | What::Return | What::CallTimer));
        self.calls.read(calls.map(|(_, slot, generation)| CallId::new(slot, generation)));
    }

    /// The token of a timer.
    pub fn token(what: u64) -> u64 {
        what >> WHAT_BITS
    }

    /// A request reaches its callee: the node that is to be told of it, unless nobody is there to take it.
    #[inline]
    pub fn arrive(&mut self, id: CallId) -> Option<NodeId> {
        let call = &mut self.calls[id];
        call.arrived = self.now;
        call.flags |= ARRIVED;
        let (to, flags) = (call.node, call.flags);
        let node = &mut self.nodes[to.index()];
        node.tally.counts.arrived += 1;
        if node.any_down || flags & (TRACED | CANCELLED) != 0 {
            return self.arrive_with_care(id, to, flags);
        }
        Some(to)
    }

    #[cold]
    #[inline(never)]
    fn arrive_with_care(&mut self, id: CallId, to: NodeId, flags: u16) -> Option<NodeId> {
        if flags & TRACED != 0 {
            self.trace_arrival(id);
        }
        let node = &self.nodes[to.index()];
        if node.any_down && node.refuses(self.calls[id].replica) {
            self.answer(id, Reply::turned_away(super::Reason::Refused));
            return None;
        }
        if flags & CANCELLED != 0 {
            self.answer(id, Reply::failed(super::Reason::Cancelled));
            return None;
        }
        Some(to)
    }

    /// Count the latencies that links and their callees share for both.
    pub fn fold_latencies(&mut self) {
        if std::mem::replace(&mut self.folded, true) {
            return;
        }
        for link in &mut self.links {
            let LinkTally { shared, latency, .. } = &mut link.tally;
            if shared.is_empty() {
                continue;
            }
            latency.merge(shared);
            self.nodes[link.to.index()].tally.latency.merge(shared);
            shared.clear();
        }
    }

    /// Whether a call is still with its callee.
    #[inline]
    pub fn is_served(&self, id: CallId) -> bool {
        self.calls.get(id).is_some_and(|call| call.flags & SERVING != 0)
    }

    /// A replica came, went, died or recovered.
    pub fn topology_changed(&mut self) {
        self.topology += 1;
        for node in self.watchers.drain(..) {
            self.controls.push_back((node, Control::Topology));
            self.ready.push(Ready::Control);
        }
    }

    /// Draw a latency for a probe over a link, there and back.
    pub fn round_trip(&mut self, link: LinkId) -> Span {
        let link = &mut self.links[link.index()];
        link.config.latency.draw(&mut link.rng) + link.config.latency_back.draw(&mut link.rng)
    }
}
