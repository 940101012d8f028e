//! Links of limited bandwidth: messages are sent one after the other, and each arrives its latency after its last byte.

use super::call::{ARRIVED, CallId, RETURNING, SERVING, TRACED};
use super::core::{Core, Ready, What};
use crate::base::{LinkId, Span, Time};
use std::collections::VecDeque;

/// One direction of such a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Until when it is busy.
    busy: Time,
    /// Messages in the order of their sending, with when the last byte of each leaves. Those that have left go when another
    /// comes.
    queue: VecDeque<(Time, CallId)>,
}

impl Line {
    /// Send a message that takes so long, after those before it. Returns when its last byte leaves.
    pub fn send(&mut self, now: Time, id: CallId, takes: Span) -> Time {
        self.forget(now);
        self.busy = self.busy.max(now) + takes;
        self.queue.push_back((self.busy, id));
        self.busy
    }

    fn forget(&mut self, now: Time) {
        while self.queue.front().is_some_and(|(leaves, _)| *leaves <= now) {
            self.queue.pop_front();
        }
    }

    /// What is left to be sent takes so many times as long from now on. Returns the messages that this concerns, each with
    /// when its last byte was to leave, and when it does now.
    fn change_pace(&mut self, now: Time, factor: f64) -> Vec<(CallId, Time, Time)> {
        self.forget(now);
        let later = |at: Time| now + at.since(now).scale(factor);
        self.busy = later(self.busy);
        let moved = self.queue.iter_mut().map(|(leaves, id)| {
            let before = std::mem::replace(leaves, later(*leaves));
            (*id, before, *leaves)
        });
        moved.collect()
    }
}

impl Core {
    /// A message arrives at this time, unless the bandwidth changes before: its call bears the time, so that an event of
    /// an earlier setting is recognised. The callee has not got the call yet, or is done with it.
    pub(super) fn arrives(&mut self, id: CallId, link: LinkId, back: bool, at: Time) {
        self.calls[id].scratch[0] = at.0;
        self.push_what(at, link.0, if back { What::SentBack } else { What::SentThere }, id);
    }

    /// The event of a message that was sent over a link of limited bandwidth.
    pub(crate) fn sent(&mut self, id: CallId, back: bool) {
        let (now, call) = (self.now, &mut self.calls[id]);
        let on_its_way = if back { call.flags & RETURNING != 0 } else { call.flags & (SERVING | ARRIVED) == SERVING };
        if on_its_way && call.scratch[0] == now.0 {
            call.scratch[0] = 0;
            self.ready.push(if back { Ready::Return(id) } else { Ready::Arrive(id) });
        }
    }

    /// The bandwidth of a link has changed: what is not sent yet goes at the new rate; bytes that have left, have.
    #[cold]
    pub(super) fn change_bandwidth(&mut self, link: LinkId, before: Option<f64>) {
        let state = &mut self.links[link.index()];
        let (Some(before), Some(lines)) = (before, &mut state.lines) else { return };
        let factor = state.config.bandwidth.map_or(0.0, |bandwidth| before / bandwidth);
        let now = self.now;
        let moved = [false, true].map(|back| lines[usize::from(back)].change_pace(now, factor));
        for (back, moved) in [false, true].into_iter().zip(moved) {
            for (id, before, leaves) in moved {
                let Some(call) = self.calls.get(id) else { continue };
                let at = leaves + Time(call.scratch[0]).since(before);
                if call.flags & TRACED != 0 {
                    self.trace_moved(id, back, at);
                }
                self.arrives(id, link, back, at);
            }
        }
    }
}
