//! First-in-first-out lanes for delays that are always equal: they expire in order, so that only the head of a lane needs
//! an event, and a timeout that does not fire costs a push at one end and a drop at the other.

use super::call::CallId;
use crate::base::{Span, Time};
use std::collections::VecDeque;

/// What a lane's entry means when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The attempt's timeout.
    Timeout,
    /// The wait for a connection is over.
    PoolTimeout,
    /// The message arrives at the callee.
    Arrive,
    /// The reply arrives at the caller.
    Return,
    /// The operation's deadline.
    OpDeadline,
    /// Time to send a second copy.
    Hedge,
}

/// Entries that all wait equally long.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub delay: Span,
    pub due: Due,
    entries: VecDeque<(Time, CallId)>,
    /// Whether an event for the head is pending.
    armed: bool,
    /// Where the next sweep for dead entries in the middle happens.
    sweep_at: usize,
    /// Messages taken since the last [block](Lane::block).
    taken: usize,
}

/// Messages whose calls' records are read side by side.
const BLOCK: usize = 16;

impl Lane {
    pub fn new(delay: Span, due: Due) -> Self {
        Lane { delay, due, entries: VecDeque::new(), armed: false, sweep_at: 1024, taken: 0 }
    }

    /// Add an entry; `alive` tells which entries still matter. Returns the time for which an event must be scheduled, if
    /// one must be.
    #[inline]
    pub fn push(&mut self, now: Time, id: CallId, alive: impl Fn(CallId) -> bool) -> Option<Time> {
        // Drop what is dead at the head, so that a lane holds what is alive and little more.
        while let Some(&(_, head)) = self.entries.front() {
            if alive(head) {
                break;
            }
            self.entries.pop_front();
        }
        if self.entries.len() >= self.sweep_at {
            // A head that lives long holds dead ones behind it.
            self.entries.retain(|&(_, id)| alive(id));
            self.sweep_at = (2 * self.entries.len()).max(1024);
        }
        let at = now + self.delay;
        self.entries.push_back((at, id));
        if self.armed {
            return None;
        }
        self.armed = true;
        self.entries.front().map(|&(at, _)| at)
    }

    /// Add a message, which always matters.
    #[inline]
    pub fn push_message(&mut self, now: Time, id: CallId) -> Option<Time> {
        let at = now + self.delay;
        self.entries.push_back((at, id));
        (!std::mem::replace(&mut self.armed, true)).then_some(at)
    }

    /// Take the messages that are due. Returns when the next is.
    #[inline]
    pub fn take_messages(&mut self, now: Time, mut arrived: impl FnMut(CallId)) -> Option<Time> {
        while let Some(&(at, id)) = self.entries.front() {
            if at > now {
                return Some(at);
            }
            self.entries.pop_front();
            self.taken += 1;
            arrived(id);
        }
        self.armed = false;
        None
    }

    /// The messages that will be taken next, if those of the last block have been.
    #[inline]
    pub fn block(&mut self) -> impl Iterator<Item = CallId> {
        let mut n = 0;
        if self.taken >= BLOCK {
            (self.taken, n) = (0, BLOCK);
        }
        self.entries.iter().take(n).map(|&(_, id)| id)
    }

    /// Take the next entry that is due; the event of the head has fired.
    pub fn take_due(&mut self, now: Time) -> Option<CallId> {
        let &(at, id) = self.entries.front()?;
        if at > now {
            return None;
        }
        self.entries.pop_front();
        Some(id)
    }

    /// After the due ones were taken: when the event for the next living head must fire.
    pub fn rearm(&mut self, alive: impl Fn(CallId) -> bool) -> Option<Time> {
        while let Some(&(at, head)) = self.entries.front() {
            if alive(head) {
                return Some(at);
            }
            self.entries.pop_front();
        }
        self.armed = false;
        None
    }
}
