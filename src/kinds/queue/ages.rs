//! The messages of a queue by age: which is the oldest, which goes first when there is no room, which are too old.

use super::measures;
use super::{Message, Order, Place, Queue};
use crate::base::Time;
use crate::engine::Ctx;
use std::collections::VecDeque;

/// Messages by age, the oldest first, with their generations. Those that are with consumers are passed over.
pub type Line = VecDeque<(u32, u32)>;

pub const EXPIRE: u64 = 2;

impl Queue {
    /// Where a message stands when something has to go: by its priority, if the queue goes by that.
    fn rank(&self, priority: u8) -> u8 {
        match self.spec.order {
            Order::Fifo => 0,
            Order::Priority => priority,
        }
    }

    /// Note a message among those by age: as the youngest, or, when it comes back, as the oldest.
    pub(super) fn list(&mut self, slot: u32, back: bool) {
        let message = &mut self.messages[slot as usize];
        if std::mem::replace(&mut message.listed, true) {
            return;
        }
        let (entry, priority) = ((slot, message.generation), message.request.priority);
        let line = self.by_age.entry(self.rank(priority)).or_default();
        if back {
            line.push_front(entry);
        } else {
            line.push_back(entry);
        }
        // Those handled before their turn by age must not add up.
        if self.by_age.values().map(VecDeque::len).sum::<usize>() as u64 > 2 * self.kept + 64 {
            let messages = &self.messages;
            for line in self.by_age.values_mut() {
                line.retain(|(slot, generation)| {
                    let message = &messages[*slot as usize];
                    message.place != Place::Gone && message.generation == *generation
                });
            }
        }
    }

    /// The oldest message of a line that is not with a consumer, and since when it is kept.
    fn first(line: &mut Line, messages: &mut [Message]) -> Option<(Time, u32)> {
        while let Some(&(slot, generation)) = line.front() {
            let message = &mut messages[slot as usize];
            if message.generation == generation {
                match message.place {
                    Place::Resting | Place::Visible => return Some((message.since, slot)),
                    Place::Delivered => message.listed = false,
                    Place::Gone => {}
                }
            }
            line.pop_front();
        }
        None
    }

    /// The oldest message that is not with a consumer.
    fn oldest(&mut self) -> Option<u32> {
        let Queue { by_age, messages, .. } = self;
        by_age.values_mut().filter_map(|line| Self::first(line, messages)).min().map(|(_, slot)| slot)
    }

    /// What has to go for an arrival of this priority: the oldest message, of the least urgent ones where priorities
    /// count. None if all that could go are more urgent, or with consumers.
    pub(super) fn victim(&mut self, priority: u8) -> Option<u32> {
        let rank = self.rank(priority);
        let Queue { by_age, messages, .. } = self;
        let mut lines = by_age.range_mut(rank..).rev();
        lines.find_map(|(_, line)| Self::first(line, messages)).map(|(_, slot)| slot)
    }

    /// Throw away what is too old.
    pub(super) fn expire(&mut self, ctx: &mut Ctx) {
        let Some(limit) = self.spec.retention else { return };
        while let Some(slot) = self.oldest()
            && ctx.now().since(self.messages[slot as usize].since) >= limit
        {
            ctx.count(measures::EXPIRED, 1);
            self.remove(ctx, slot);
        }
        if let Some(slot) = self.oldest() {
            self.time_retention(ctx, slot);
        }
    }

    /// A message is here, or here again: have the timer run by the time it is too old.
    #[inline]
    pub(super) fn time_retention(&mut self, ctx: &mut Ctx, slot: u32) {
        let Some(limit) = self.spec.retention else { return };
        let at = self.messages[slot as usize].since + limit;
        if at < self.timed {
            self.timed = at;
            ctx.timer_at(at.max(ctx.now()), EXPIRE);
        }
    }

    /// The timer for the retention has fired, unless a later one took its place when the retention changed.
    pub(super) fn retention_is_due(&mut self, ctx: &mut Ctx) {
        if ctx.now() >= self.timed {
            self.timed = Time::NEVER;
            self.expire(ctx);
        }
    }

    /// The retention has changed, also for what is here.
    pub(super) fn retain_anew(&mut self, ctx: &mut Ctx) {
        self.timed = Time::NEVER;
        self.expire(ctx);
    }
}
