//! What can be done to a running simulation: faults, and changes of settings. Each takes effect at an event boundary.

use super::call::{AWAITED, CONNECTED, CONNECTING, CallId, IN_BULKHEAD, IN_POOL_QUEUE, PERMITTED, Waiter};
use super::core::Core;
use super::link::{Guard, LinkConfig, guard_of};
use super::outcome::Reason;
use crate::base::{LinkId, NodeId, Span};

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A node with all its replicas.
    Node(NodeId),
    /// One replica.
    Replica(NodeId, u16),
    Link(LinkId),
}

/// Something that goes wrong, or goes right again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The process is gone, with what it held.
    Kill,
    Restart,
    /// All that takes time takes this many times as long; 1 is healthy.
    Slow(f64),
    /// This share of answers are errors; 0 is healthy.
    Fail(f64),
    /// This share of messages are lost; 0 is healthy.
    Lose(f64),
    /// Messages on their way there take this much longer; 0 is healthy.
    DelayThere(Span),
    /// The same of replies on their way back.
    DelayBack(Span),
    /// No message passes. Cuts add up, so that overlapping partitions heal one by one.
    Cut,
    Mend,
    /// Messages are held back, and delivered when the hold ends.
    Hold,
    Unhold,
    /// Work stops where it is, and goes on later.
    Freeze,
    Thaw,
}

/// A timed change of a running simulation. `P` is what the kinds make of a change of settings.
#[derive(Clone, Debug)]
pub enum Patch<P> {
    Retune(NodeId, P),
    RetuneLink(LinkId, Box<LinkConfig>),
    Fault(Place, Fault),
    Control(NodeId, super::Control),
}

impl Core {
    /// Apply a fault to a link.
    pub(crate) fn link_fault(&mut self, id: LinkId, fault: Fault) {
        let link = &mut self.links[id.index()];
        let state = &mut link.fault;
        match fault {
            Fault::Lose(share) | Fault::Fail(share) => state.loss = share,
            Fault::DelayThere(extra) => state.extra_there = extra,
            Fault::DelayBack(extra) => state.extra_back = extra,
            Fault::Cut | Fault::Kill => state.cuts += 1,
            Fault::Mend | Fault::Restart => state.cuts = state.cuts.saturating_sub(1),
            Fault::Hold | Fault::Freeze => state.holds += 1,
            Fault::Unhold | Fault::Thaw => state.holds = state.holds.saturating_sub(1),
            // The checks refuse it: a link is delayed by a time.
            Fault::Slow(_) => {}
        }
        let released = state.holds == 0;
        link.refresh();
        if released && !self.links[id.index()].held.is_empty() {
            self.release_held(id);
        }
    }

    /// Change a link's settings. What is in flight goes on under the old ones, but what is not sent yet is sent at the new
    /// rate, and what waits for a connection gets one of a pool that has grown.
    pub(crate) fn retune_link(&mut self, id: LinkId, config: LinkConfig) {
        let link = &mut self.links[id.index()];
        let old = std::mem::replace(&mut link.config, config);
        let new = &self.links[id.index()].config.clone();
        for guard in &mut self.links[id.index()].guards {
            guard.retune(&old, new);
        }
        self.links[id.index()].refresh();
        self.make_lanes(id);
        if new.bandwidth != old.bandwidth {
            self.change_bandwidth(id, old.bandwidth);
        }
        if new.pool.is_none() {
            self.dissolve_pools(id);
        } else {
            self.refill_pools(id);
        }
    }

    /// A process is gone: one replica of a node, or all of them. With it goes all that it waited for, and would have tried
    /// again; those whom it called go on, unless the link cancels. What it knew of its links it has to learn anew.
    pub(crate) fn process_died(&mut self, node: NodeId, replica: Option<u16>) {
        let links = &self.links;
        let its_own = |link: LinkId, origin: u16| {
            links[link.index()].from == node && replica.is_none_or(|replica| replica == guard_of(origin))
        };
        let ops = self.ops.iter().filter(|(_, op)| op.waiter != Waiter::Root && its_own(op.link, op.route.origin));
        let ops: Vec<CallId> = ops.map(|(id, _)| id).collect();
        let calls = self.calls.iter().filter(|(_, call)| call.flags & AWAITED != 0 && its_own(call.link, call.origin));
        let calls: Vec<CallId> = calls.map(|(id, _)| id).collect();
        // First the guards, so that nothing is given back to those that were.
        for &id in &calls {
            self.calls[id].flags &= !(CONNECTED | IN_BULKHEAD | PERMITTED);
        }
        for link in self.links.iter_mut().filter(|link| link.from == node) {
            for (i, guard) in link.guards.iter_mut().enumerate() {
                if replica.is_none_or(|replica| usize::from(replica) == i) {
                    let waiting = std::mem::take(&mut guard.waiting);
                    *guard = Guard { waiting, ..Guard::new(&link.config) };
                }
            }
        }
        for op in ops {
            self.abandon_op(op.slot());
        }
        for id in calls {
            let Some(call) = self.calls.get(id).filter(|call| call.flags & AWAITED != 0) else { continue };
            let not_sent_yet = call.flags & (IN_POOL_QUEUE | CONNECTING) != 0;
            if matches!(call.waiter(), Waiter::Steps(_) | Waiter::Node(_))
                || call.waiter() == Waiter::Nobody && not_sent_yet
            {
                self.abandon(id, Reason::Cancelled, false);
            }
        }
        for i in 0..self.links.len() {
            if self.links[i].from == node {
                self.refill_pools(LinkId(i as u32));
            }
        }
    }

    /// Note a fault of one replica or all of them; the node's behaviour is told separately.
    pub(crate) fn fault_on_replicas(&mut self, node: NodeId, replica: Option<u16>, fault: Fault) {
        let state = &mut self.nodes[node.index()];
        let range = match replica {
            Some(one) => usize::from(one)..usize::from(one) + 1,
            None => 0..state.replicas.len(),
        };
        for replica in state.replicas.get_mut(range).unwrap_or_default() {
            match fault {
                Fault::Kill => replica.up = false,
                Fault::Restart => (replica.up, replica.serving) = (true, true),
                Fault::Slow(factor) => replica.slow = factor,
                Fault::Fail(share) => replica.fail = share,
                _ => {}
            }
        }
        state.refresh(self.now);
        self.topology_changed();
    }
}
