//! A cache: real keys in a real replacement policy, beside a service or in the path to a store.

mod behind;
mod faults;
mod measures;

use super::clock::{Clock, OVER};
use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::life::{Life, Phase};
use super::params::{Param, Section, Visitor};
use crate::base::hash::IntMap;
use crate::base::units::Count;
use crate::base::{Bytes, ClassId, Dist, LinkId, Ratio, Rng, Sampler, Span, Time, maths};
use crate::engine::{CallId, Child, Control, Ctx, Meter, Operation, Reason, Reply, Request, Role, Route, Stage};
use crate::parts::evict::{ABSENT, Entry, Policy, Store};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub policy: Policy,
    pub capacity: Capacity,
    pub ttl: Option<Span>,
    pub ttl_jitter: Ratio,
    pub negative_ttl: Option<Span>,
    pub writes: Writes,
    pub write_delay: Span,
    pub single_flight: bool,
    pub early_refresh: Option<f64>,
    pub lookup: Dist,
}

/// How much fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Capacity {
    Entries(Count),
    /// By the size of the responses.
    Memory(Bytes),
}

impl Capacity {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] =
        &[("Entries", "Number of entries."), ("Memory", "Bytes, by the size of the responses.")];

    /// The memory, where it is what limits.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Capacity::Entries(_) => None,
            Capacity::Memory(bytes) => Some(bytes.0),
        }
    }

    fn total(self) -> u64 {
        match self {
            Capacity::Entries(count) => count.0,
            Capacity::Memory(bytes) => bytes.0,
        }
    }
}

/// Where a write goes when there is a store behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Writes {
    /// To the store, then here; the writer waits for both.
    #[default]
    Through,
    /// Here; to the store later. Lost if the cache is.
    Behind,
    /// To the store only; what is here of the key is thrown away.
    Around,
}

impl Writes {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Through", "Write-through: to the store, then to the cache; the writer waits for both."),
        ("Behind", "Write-behind: to the cache, and later to the store; lost if the cache is killed."),
        ("Around", "Write-around: to the store only; the cached key is invalidated."),
    ];
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            policy: Policy::Lru,
            capacity: Capacity::Entries(Count(1_000)),
            ttl: None,
            ttl_jitter: Ratio(0.0),
            negative_ttl: None,
            writes: Writes::Through,
            write_delay: Span::from_secs(1),
            single_flight: false,
            early_refresh: None,
            lookup: Dist::ZERO,
        }
    }
}

/// A running cache.
#[derive(Clone)]
pub struct Cache {
    spec: Spec,
    rng: Rng,
    store: Store,
    evicted: Vec<Entry>,
    lookup: Sampler,
    /// The link to the store behind, if there is one.
    behind: Option<LinkId>,
    /// Keys being fetched, with the calls that joined.
    fetching: IntMap<u64, Vec<CallId>>,
    /// Keys to be written behind and when, in the order of their writes. What was written, evicted or written anew
    /// meanwhile has another time in the store, or none.
    unwritten: VecDeque<(Time, u64)>,
    /// Entries that are to be written behind.
    dirty: u32,
    /// Whether the timer for the next of them runs.
    timed: bool,
    /// How long the latest fetch took: what renewing a key is likely to take that was never fetched.
    fetch_cost: Span,
    /// The class of the latest write, for those behind.
    class: ClassId,
    life: Life,
    clock: Clock,
    /// Answers that came while it stood still.
    unheard: Vec<Child>,
    /// How often it was killed: a refresh that was begun before fills nothing.
    lives: u32,
}

/// Tags of children: what for, in the lowest two bits; with a refresh, how often the cache had been killed.
const FETCH: u32 = 0;
const REFRESH: u32 = 1;
const WRITE: u32 = 2;
const WRITE_BEHIND: u32 = 3;

impl Cache {
    fn read(&mut self, ctx: &mut Ctx, id: CallId) {
        match self.store.get(ctx.call(id).asks.key) {
            Some(entry) if entry.expires > ctx.now() => {
                ctx.count(measures::HITS, 1);
                if entry.is_absent() {
                    ctx.count(measures::NOT_FOUND, 1);
                    return ctx.reply(id, Reply::MISS);
                }
                let version = entry.version;
                if let Some(beta) = self.spec.early_refresh {
                    let entry = *entry;
                    self.refresh_early(ctx, id, &entry, beta);
                }
                return ctx.reply(id, Reply { version, ..Reply::OK });
            }
            Some(_) => ctx.count(measures::EXPIRED, 1),
            None => {}
        }
        ctx.count(measures::MISSES, 1);
        self.fetch(ctx, id);
    }

    /// Fetch what `id` asks for, or join who does already.
    fn fetch(&mut self, ctx: &mut Ctx, id: CallId) {
        let key = ctx.call(id).asks.key;
        let Some(link) = self.behind else { return ctx.reply(id, Reply::MISS) };
        if self.spec.single_flight {
            if let Some(joined) = self.fetching.get_mut(&key) {
                ctx.count(measures::COALESCED, 1);
                joined.push(id);
                return;
            }
            self.fetching.insert(key, Vec::new());
        }
        self.pass_on(ctx, id, link, FETCH);
    }

    fn pass_on(&self, ctx: &mut Ctx, id: CallId, link: LinkId, tag: u32) {
        ctx.meter_add(Meter::Busy, 1);
        let (route, request) = (Route::onward(ctx.call(id)), ctx.call(id).asks);
        ctx.send(id, link, tag, route, request);
    }

    /// Probabilistic early expiration (Vattani, Chierichetti and Lowenstein, VLDB 2015): each reader decides by itself,
    /// the sooner the longer a fetch takes.
    fn refresh_early(&mut self, ctx: &mut Ctx, id: CallId, entry: &Entry, beta: f64) {
        let Some(link) = self.behind else { return };
        if entry.expires == Time::NEVER {
            return;
        }
        let ahead = entry.cost.scale(-beta * maths::ln(self.rng.uniform_open()));
        if ctx.now() + ahead < entry.expires {
            return;
        }
        if self.spec.single_flight {
            if self.fetching.contains_key(&entry.key) {
                return;
            }
            self.fetching.insert(entry.key, Vec::new());
        }
        ctx.count(measures::EARLY_REFRESHES, 1);
        // On the cache's own account: the reader gets what is here.
        let (route, asks) = (Route::onward(ctx.call(id)), ctx.call(id).asks);
        ctx.send_root(
            link,
            REFRESH | self.lives << 2,
            route,
            Request { intended: ctx.now(), deadline: Time::NEVER, ..asks },
        );
    }

    /// When what is kept now expires.
    fn expires(&mut self, now: Time, ttl: Span) -> Time {
        // Spread evenly around the TTL, so that what was filled together does not expire together.
        let jitter = 1.0 + self.spec.ttl_jitter.0 * (2.0 * self.rng.uniform() - 1.0);
        now + if self.spec.ttl_jitter.0 > 0.0 { ttl.scale(jitter) } else { ttl }
    }

    /// Keep that there is no such key.
    fn fill_absent(&mut self, ctx: &mut Ctx, key: u64, ttl: Span, cost: Span) {
        // What was written here since the store was asked is newer.
        if self.store.peek(key).is_some_and(|entry| entry.is_dirty()) {
            return;
        }
        let expires = self.expires(ctx.now(), ttl);
        let entry = Entry { key, weight: 1, version: ABSENT, expires, cost, write_at: Time::NEVER };
        self.store.insert(entry, &mut self.rng, &mut self.evicted);
        self.after_eviction(ctx);
    }

    /// Keep a key. Without a `cost` it was not fetched.
    fn fill(&mut self, ctx: &mut Ctx, key: u64, size: u32, version: u32, cost: Option<Span>) {
        let expires = self.spec.ttl.map_or(Time::NEVER, |ttl| self.expires(ctx.now(), ttl));
        let weight = match self.spec.capacity {
            Capacity::Entries(_) => 1,
            Capacity::Memory(_) => size.max(1),
        };
        let before = self.store.peek(key);
        let cost = cost.unwrap_or_else(|| before.map_or(self.fetch_cost, |entry| entry.cost));
        let write_at = before.map_or(Time::NEVER, |entry| entry.write_at);
        let entry = Entry { key, weight, version, expires, cost, write_at };
        self.store.insert(entry, &mut self.rng, &mut self.evicted);
        self.after_eviction(ctx);
    }

    /// What was thrown out before it was written behind is written now.
    fn after_eviction(&mut self, ctx: &mut Ctx) {
        while let Some(gone) = self.evicted.pop() {
            ctx.count(measures::EVICTED, 1);
            if gone.is_dirty() {
                self.dirty -= 1;
                self.write_behind(ctx, gone.key);
            }
        }
        ctx.meter_set(Meter::Queue, self.dirty);
    }

    /// Forget a key; a write that it still owed is owed no more.
    fn forget(&mut self, ctx: &mut Ctx, key: u64) {
        if self.store.remove(key).is_some_and(|gone| gone.is_dirty()) {
            self.dirty -= 1;
            ctx.meter_set(Meter::Queue, self.dirty);
        }
    }

    fn write(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let (key, size, class) = (call.asks.key, call.asks.response, call.asks.class);
        let Some(link) = self.behind else {
            self.fill(ctx, key, size, 0, None);
            return ctx.reply(id, Reply::OK);
        };
        match self.spec.writes {
            Writes::Through | Writes::Around => self.pass_on(ctx, id, link, WRITE),
            Writes::Behind => {
                self.class = class;
                self.fill(ctx, key, size, 0, None);
                self.mark(ctx, key);
                ctx.reply(id, Reply::OK);
            }
        }
    }

    /// A key is thrown away here, and in the store if there is one: whatever the way of writing, a deleted key must not
    /// come back.
    fn delete(&mut self, ctx: &mut Ctx, id: CallId) {
        let key = ctx.call(id).asks.key;
        self.forget(ctx, key);
        let Some(link) = self.behind else { return ctx.reply(id, Reply::OK) };
        self.pass_on(ctx, id, link, WRITE);
    }

    /// A fetch has ended: those who joined it share its fate.
    fn fetched(&mut self, ctx: &mut Ctx, child: &Child) {
        let joined = self.fetching.remove(&child.key).unwrap_or_default();
        let cost = ctx.now().since(child.sent);
        if child.reply.is_ok() && child.reply.miss {
            // What the store does not have either is passed on as a miss.
            if let Some(ttl) = self.spec.negative_ttl {
                self.fill_absent(ctx, child.key, ttl, cost);
            }
        } else if child.reply.is_ok() {
            self.fetch_cost = cost;
            let size = if child.parent.is_none() { 0 } else { ctx.call(child.parent).asks.response };
            let size = if size == 0 { self.store.peek(child.key).map_or(1, |entry| entry.weight) } else { size };
            self.fill(ctx, child.key, size, child.reply.version, Some(cost));
        }
        for id in joined {
            if !ctx.is_served(id) {
                continue;
            }
            if child.reply.outcome == Err(Reason::Cancelled) {
                // Only the one who fetched has left.
                self.fetch(ctx, id);
            } else {
                ctx.reply(id, child.reply);
            }
        }
    }

    fn serve(&mut self, ctx: &mut Ctx, id: CallId) {
        match ctx.call(id).asks.operation {
            Operation::Read => self.read(ctx, id),
            Operation::Write => self.write(ctx, id),
            Operation::Delete => self.delete(ctx, id),
        }
    }
}

impl Kind for Cache {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "cache",
        title: "Cache",
        group: Group::State,
        summary: "Cache with a real eviction policy: in the path to a store (read-through) or beside a service (cache-aside).",
        help: HELP,
        role: Role::Cache,
        copies: None,
        waiting_room: None,
        chances: &[],
        accepts_calls: true,
        outs: Outs::One,
        measures: measures::MEASURES,
        controls: &[Handle::Kill, Handle::Freeze, Handle::Slow, Handle::Fail, Handle::Flush],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new(
                "policy",
                "Eviction policy.",
                &["Lfu", "Fifo", "Random", "Clock", "Sieve", "S3Fifo", "WTinyLfu"],
            )
            .leads(Section::Data)
            .parts(Policy::PARTS),
            &mut spec.policy,
        );
        v.visit(
            &Param::new(
                "capacity",
                "Capacity: a number of entries, or bytes by the size of the responses.",
                &["Entries(20)", "Memory(\"200 kB\")"],
            )
            .leads(Section::Capacity)
            .parts(Capacity::PARTS)
            .live(),
            &mut spec.capacity,
        );
        v.visit(
            &Param::new(
                "ttl",
                "Time to live: entries expire after it. None: they stay until they are evicted.",
                &["\"300ms\""],
            )
            .leads(Section::Data)
            .range(1e-6, 1e8)
            .live(),
            &mut spec.ttl,
        );
        v.visit(
            &Param::new(
                "ttl_jitter",
                "Spreads each TTL by up to this share either way, so that keys do not expire together.",
                &["0.5"],
            )
            .within(Section::Data)
            .range(0.0, 1.0)
            .live(),
            &mut spec.ttl_jitter,
        );
        v.visit(
            &Param::new(
                "negative_ttl",
                "Negative caching: how long a missing key is remembered. None: not at all.",
                &["\"2s\""],
            )
            .within(Section::Data)
            .range(1e-6, 1e8)
            .live(),
            &mut spec.negative_ttl,
        );
        v.visit(
            &Param::new("writes", "Write policy towards the store behind.", &["Behind", "Around"])
                .leads(Section::Data)
                .parts(Writes::PARTS)
                .live(),
            &mut spec.writes,
        );
        v.visit(
            &Param::new("write_delay", "Write-behind: time before a write goes to the store.", &["\"50ms\""])
                .within(Section::Data)
                .range(0.0, 1e6)
                .live(),
            &mut spec.write_delay,
        );
        v.visit(
            &Param::new(
                "single_flight",
                "Request coalescing (single-flight): one fetch per key at a time; other readers wait for it.",
                &["true"],
            )
            .within(Section::Data)
            .live(),
            &mut spec.single_flight,
        );
        v.visit(
            &Param::new(
                "early_refresh",
                "Probabilistic early expiration: the factor beta; 1 is usual, more refreshes earlier. None: off.",
                &["1"],
            )
            .within(Section::Data)
            .range(0.0, 1000.0)
            .live(),
            &mut spec.early_refresh,
        );
        v.visit(
            &Param::new("lookup", "Service time of a look-up.", &["\"1ms\""]).leads(Section::Time).live(),
            &mut spec.lookup,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        checker.dist("lookup", &spec.lookup);
        if spec.capacity.total() == 0 {
            checker.error("capacity", "a cache has room for something");
        }
    }

    fn takes_time(spec: &Spec) -> bool {
        spec.lookup != Dist::ZERO
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Cache {
        Cache {
            rng: ctx.stream("cache"),
            store: Store::new(spec.policy, spec.capacity.total()),
            evicted: Vec::new(),
            lookup: spec.lookup.sampler(),
            behind: ctx.outs().first().copied(),
            fetching: IntMap::default(),
            unwritten: VecDeque::new(),
            dirty: 0,
            timed: false,
            fetch_cost: Span::ZERO,
            class: ClassId(0),
            life: Life::new(Phase::Running),
            clock: Clock::new(),
            unheard: Vec::new(),
            lives: 0,
            spec: spec.clone(),
        }
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        let same_unit = std::mem::discriminant(&spec.capacity) == std::mem::discriminant(&self.spec.capacity);
        if !same_unit {
            // What was weighed in one unit cannot be weighed in the other.
            self.lose_everything(ctx);
            self.store = Store::new(self.spec.policy, spec.capacity.total());
        }
        self.spec = spec.clone();
        self.lookup = spec.lookup.sampler();
        self.store.resize(spec.capacity.total(), &mut self.rng, &mut self.evicted);
        self.after_eviction(ctx);
    }

    #[inline]
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        let lookup = self.lookup.draw(&mut self.rng);
        if lookup.is_zero() && !self.clock.is_stopped() {
            return self.serve(ctx, id);
        }
        self.clock.serve(ctx, id, lookup);
    }

    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, _token: u8) {
        if self.clock.is_due(ctx, id) {
            self.clock.served(ctx, id, OVER);
            self.serve(ctx, id);
        }
    }

    #[inline(never)]
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        if self.clock.is_stopped() {
            return self.unheard.push(*child);
        }
        match child.tag & 3 {
            FETCH => {
                ctx.meter_add(Meter::Busy, -1);
                self.fetched(ctx, child);
                ctx.reply(child.parent, child.reply);
            }
            REFRESH if child.tag >> 2 != self.lives || self.life.is_dead() => {}
            REFRESH => self.fetched(ctx, child),
            WRITE => {
                ctx.meter_add(Meter::Busy, -1);
                if child.reply.is_ok() {
                    let call = ctx.call(child.parent);
                    let (size, deletes) = (call.asks.response, call.asks.operation == Operation::Delete);
                    if deletes || self.spec.writes == Writes::Around {
                        // Once more: it may have been fetched meanwhile.
                        self.forget(ctx, child.key);
                    } else {
                        self.fill(ctx, child.key, size, child.reply.version, None);
                    }
                }
                ctx.reply(child.parent, child.reply);
            }
            _ => {
                if !child.reply.is_ok() {
                    ctx.count(measures::LOST_WRITES, 1);
                }
            }
        }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, _token: u64) {
        self.timed = false;
        if self.clock.is_stopped() {
            // Looked for again when it goes on.
            return;
        }
        let now = ctx.now();
        while let Some((at, key)) = self.unwritten.pop_front_if(|(at, _)| *at <= now) {
            if let Some(entry) = self.store.peek_mut(key).filter(|entry| entry.write_at == at) {
                entry.write_at = Time::NEVER;
                self.dirty -= 1;
                self.write_behind(ctx, key);
            }
        }
        ctx.meter_set(Meter::Queue, self.dirty);
        self.time_writes(ctx);
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Flush => self.lose_everything(ctx),
            Control::Fault(fault, _) => self.strike(ctx, fault),
            _ => {}
        }
    }

    fn gauges(&self) -> Vec<f64> {
        let share = self.store.weight() as f64 / self.spec.capacity.total().max(1) as f64;
        vec![self.store.len() as f64, share]
    }

    fn stages(&self) -> Vec<Option<Stage>> {
        vec![self.life.stage()]
    }
}

const HELP: &str = "\
A read of a key that is cached and not expired is a hit. On a miss a read-through cache (with a link to a store) fetches the \
key, keeps it and answers. A cache beside a service (cache-aside, without a link) answers with a miss: let the service call \
the store `when: (after_miss: ..)`, and then the cache again over a second link with `operation: Write` to fill it.

`policy` is the eviction policy, `capacity` the limit: Entries, or Memory by the size of the responses. Entries expire after \
the `ttl`, spread by `ttl_jitter`. With `single_flight` there is one fetch per key at a time, and other readers wait for it; \
without it a popular key that expires is fetched many times at once (a cache stampede). `early_refresh` refreshes entries at \
random before they expire. `writes` go Through to the store and the cache; Behind goes to the cache first and to the store \
after `write_delay` or at eviction (a kill loses the write); Around goes to the store only and invalidates the key. A delete \
goes to both at once. `lookup` is the time of each look-up; a Slow multiplies it. A kill or a flush empties the cache; a \
freeze keeps it and makes callers wait.

If the store does not have the key either (a database with `missing` keys, or another cache that misses), the miss is passed \
on and cached for the `negative_ttl`. Until then, or until the key is written over this cache, a read is answered with \"not \
found\", which counts as a hit and as not found. A cache-aside cache holds only what it is filled with, so it caches no \
misses.

A call that is cancelled does not stop its look-up or its fill: others may wait for the value.

Not modelled: cached errors; the cache's own capacity in calls per second, its memory overhead, replication among caches.";
