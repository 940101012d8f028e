//! Who takes the messages of a queue: each replica of a consumer with its window, and what becomes of it when it takes none.

use super::{Queue, WAKE};
use crate::base::{LinkId, Span};
use crate::engine::{Again, Ctx};

/// A replica that takes messages.
#[derive(Clone)]
pub struct Consumer {
    pub link: LinkId,
    pub replica: u16,
    pub unacknowledged: u32,
    /// What it may have unacknowledged, where it takes less than it could be given.
    window: u32,
    /// Rests in a row after each of which it took nothing; and whether it rests now.
    misses: u32,
    resting: bool,
}

/// Unacknowledged messages of a consumer whose concurrency is not known, a balancer say.
pub const UNKNOWN_CONCURRENCY: u32 = 20;

/// How long a queue waits before it tries a consumer again that took nothing, and twice as long each time, up to a second:
/// as Kafka's clients do (`retry.backoff.ms` and `retry.backoff.max.ms`).
const FIRST_REST: Span = Span::from_millis(100);
const LONGEST_REST: Span = Span::from_secs(1);

impl Queue {
    /// Look who there is to take messages.
    pub(super) fn find_consumers(&mut self, ctx: &Ctx) {
        if self.topology == ctx.topology() && !self.consumers.is_empty() {
            return;
        }
        self.topology = ctx.topology();
        let outs: Vec<LinkId> = ctx.outs().to_vec();
        let wanted = outs.into_iter().flat_map(|link| (0..ctx.replicas(ctx.target(link))).map(move |r| (link, r)));
        for (link, replica) in wanted {
            if !self.consumers.iter().any(|c| c.link == link && c.replica == replica) {
                let new = Consumer { link, replica, unacknowledged: 0, window: u32::MAX, misses: 0, resting: false };
                self.consumers.push(new);
            }
        }
    }

    /// Messages that a replica at the end of this link may have unacknowledged.
    fn prefetch(&self, ctx: &Ctx, link: LinkId) -> u32 {
        self.spec.prefetch.unwrap_or_else(|| match ctx.concurrency(ctx.target(link)) {
            0 => UNKNOWN_CONCURRENCY,
            known => known,
        })
    }

    fn has_room(&self, ctx: &Ctx, consumer: &Consumer) -> bool {
        consumer.unacknowledged < self.prefetch(ctx, consumer.link).min(consumer.window)
    }

    /// The next consumer, in turn, that is up and has room.
    pub(super) fn pick_consumer(&mut self, ctx: &Ctx) -> Option<usize> {
        self.find_consumers(ctx);
        let n = self.consumers.len();
        let free = (0..n).map(|i| (self.next_consumer + i) % n).find(|&i| {
            let consumer = &self.consumers[i];
            self.has_room(ctx, consumer) && ctx.is_up(ctx.target(consumer.link), consumer.replica)
        })?;
        self.next_consumer = free + 1;
        Some(free)
    }

    /// The next consumer, in turn, that is up, has room, and was not tried.
    pub(super) fn other_consumer(&mut self, ctx: &Ctx, again: &Again) -> Option<usize> {
        let n = self.consumers.len();
        let other = (0..n).map(|i| (self.next_consumer + i) % n).find(|&i| {
            let consumer = &self.consumers[i];
            let node = ctx.target(consumer.link);
            self.has_room(ctx, consumer)
                && ctx.is_up(node, consumer.replica)
                && ctx.may_stand_in(again.first.link, consumer.link)
                && !ctx.was_tried(again, node, consumer.replica)
        })?;
        self.next_consumer = other + 1;
        Some(other)
    }

    /// A consumer has turned a message away: for now it gets no more than it holds, and another try after a rest.
    #[cold]
    pub(super) fn turned_away(&mut self, ctx: &mut Ctx, consumer: usize) {
        let Consumer { unacknowledged, window, misses, resting, .. } = &mut self.consumers[consumer];
        *window = *unacknowledged;
        if !std::mem::replace(resting, true) {
            let rest = (FIRST_REST * (1 << (*misses).min(8))).min(LONGEST_REST);
            *misses += 1;
            ctx.timer(rest, WAKE | (consumer as u64) << 4);
        }
    }

    /// Its rest is over: one more is tried.
    pub(super) fn wake(&mut self, consumer: usize) {
        let Consumer { window, resting, .. } = &mut self.consumers[consumer];
        *resting = false;
        *window = window.saturating_add(1);
    }

    /// It has taken a message and answered: if it does not rest, it may be given more again.
    #[inline]
    pub(super) fn took(&mut self, ctx: &Ctx, consumer: usize) {
        if self.consumers[consumer].window != u32::MAX {
            let prefetch = self.prefetch(ctx, self.consumers[consumer].link);
            let Consumer { window, misses, resting, .. } = &mut self.consumers[consumer];
            if !*resting {
                *misses = 0;
                *window = if *window < prefetch { *window + 1 } else { u32::MAX };
            }
        }
    }
}
