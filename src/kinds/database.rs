//! A database: a primary with replicas, or a quorum of equals, with a version of every key at every replica.

mod faults;
mod measures;
mod params;
mod primary;
#[cfg(test)]
mod tests;

use params::Delays;
pub use params::{OnPartition, ReadsFrom, Replication, Spec};

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::life::{Life, Phase};
use super::params::Visitor;
use super::station::{Done, Station, StationSpec};
use crate::base::{Rng, Span, Time, hash, hash::IntMap};
use crate::engine::{CallId, Control, Copies, Ctx, Fault, Operation, Reason, Reply, Role, Stage};
use crate::parts::versions::{MOST_REPLICAS, Versions};
use std::{collections::VecDeque, sync::Arc};

/// A read or write that waits for its quorum, or for the acknowledgements of replicas.
#[derive(Clone, Copy, Default)]
struct Pending {
    call: CallId,
    /// When the request reaches each replica, and whether its answer is among those waited for.
    at: [Time; MOST_REPLICAS],
    counted: u16,
    version: u64,
    /// The newest version known to be written when a read began.
    committed: u64,
}

/// A key that is being written.
#[derive(Clone)]
struct Lock {
    holder: CallId,
    /// Writes that wait for it.
    waiting: VecDeque<CallId>,
}

/// A running database.
#[derive(Clone)]
pub struct Database {
    spec: Spec,
    rng: Rng,
    delays: Delays,
    stations: Vec<Station>,
    lives: Vec<Life>,
    /// Since when each goes at its pace or stands still, and how many times slower it went last.
    paces: Vec<(Time, f64)>,
    versions: Versions,
    primary: u16,
    turn: u16,
    /// Partitions: a bit for each replica of either side.
    partitions: Vec<(u64, u64)>,
    /// Keys being written.
    locked: IntMap<u64, Lock>,
    pending: IntMap<u32, Pending>,
    next_pending: u32,
    /// The longest that an operation of a quorum has taken: nobody looks back further.
    longest_wait: Span,
    elections: u64,
    /// Since when another replica ought to be the primary.
    electing: Option<Time>,
    /// Replicas with a connection that became free, and writes that got their lock: what `settle` goes on with.
    freed: Vec<u16>,
    granted: Vec<CallId>,
    /// Operations that need the answer of a replica which stands still, to be asked anew.
    unanswered: Vec<CallId>,
}

/// The first word of the scratch of a call that the replica works on. While it waits for others, that is the number of what
/// is pending; while it waits for a lock, the time since when.
const WORKING: u64 = u64::MAX;

impl Database {
    fn station_spec(spec: &Spec) -> Arc<StationSpec> {
        Arc::new(StationSpec::plain(spec.connections, spec.queue_limit))
    }

    fn locks_rows(&self) -> bool {
        self.spec.row_locks && !self.is_quorum()
    }

    fn is_quorum(&self) -> bool {
        matches!(self.spec.replication, Replication::Quorum { .. })
    }

    fn is_up(&self, ctx: &Ctx, replica: u16) -> bool {
        ctx.is_up(ctx.node(), replica)
    }

    /// The replica that serves a call: the primary, one of the others in turn, or the one that is asked for.
    fn choose(&mut self, ctx: &mut Ctx, id: CallId) -> Option<u16> {
        let (call, n) = (ctx.call(id), self.spec.replicas);
        let (asked, again) = (call.replica, call.again);
        let write = call.asks.operation != Operation::Read;
        if self.is_quorum() {
            if asked < n {
                return self.is_up(ctx, asked).then_some(asked);
            }
            return self.next_in_turn(ctx, id, again, |_| true);
        }
        let primary = self.primary;
        if write || self.spec.reads_from == ReadsFrom::Primary || n == 1 {
            return self.is_up(ctx, primary).then_some(primary);
        }
        let any = self.spec.reads_from == ReadsFrom::Any;
        self.next_in_turn(ctx, id, again, |replica| any || replica != primary)
            .or_else(|| self.is_up(ctx, primary).then_some(primary))
    }

    /// The next in turn that fits, is up, and was not tried by an earlier attempt while others are left.
    fn next_in_turn(&mut self, ctx: &mut Ctx, id: CallId, again: bool, fits: impl Fn(u16) -> bool) -> Option<u16> {
        let n = self.spec.replicas;
        let others = again && ctx.others_left(id, |ctx, replica| fits(replica) && ctx.is_up(ctx.node(), replica));
        for _ in 0..n {
            self.turn = (self.turn + 1) % n;
            if fits(self.turn) && self.is_up(ctx, self.turn) && !(others && ctx.has_tried(id, self.turn)) {
                return Some(self.turn);
            }
        }
        None
    }

    fn take(&mut self, ctx: &mut Ctx, done: Done) {
        match done {
            Done::Begin(id) | Done::Cold(id, _) => self.lock_or_begin(ctx, id),
            Done::Drop(id, reason) => ctx.reply(id, Reply::turned_away(reason)),
            Done::PutOut(id) => ctx.reply(id, Reply::failed(Reason::QueueFull)),
        }
    }

    /// A write of a row that is being written waits, holding its connection.
    fn lock_or_begin(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let (key, write) = (call.asks.key, call.asks.operation != Operation::Read);
        if self.locks_rows() && write {
            if let Some(lock) = self.locked.get_mut(&key) {
                lock.waiting.push_back(id);
                let replica = ctx.call(id).replica;
                ctx.call_mut(id).scratch[0] = ctx.now().0;
                return self.stations[usize::from(replica)].show(ctx);
            }
            self.locked.insert(key, Lock { holder: id, waiting: VecDeque::new() });
        }
        self.begin(ctx, id);
    }

    fn begin(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let (replica, write) = (call.replica, call.asks.operation != Operation::Read);
        let sampler = if write { &self.delays.write } else { &self.delays.read };
        let span = sampler.draw(&mut self.rng);
        if span.is_zero() && !self.is_frozen(replica) {
            return self.worked(ctx, id);
        }
        ctx.call_mut(id).scratch[0] = WORKING;
        self.stations[usize::from(replica)].work(ctx, id, span);
    }

    /// The replica has done its own work on a call.
    fn worked(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let write = call.asks.operation != Operation::Read;
        match (self.spec.replication, write) {
            (Replication::Quorum { r, w }, _) => self.ask_quorum(ctx, id, if write { w } else { r }, write),
            (_, false) => self.read_here(ctx, id),
            (Replication::Sync { acks }, true) => self.write_here(ctx, id, acks),
            (Replication::Async, true) => self.write_here(ctx, id, 0),
        }
    }

    fn read_here(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let (key, replica, now) = (call.asks.key, call.replica, ctx.now());
        let cut_off = !self.connected(replica, self.primary) && self.spec.on_partition == OnPartition::Refuse;
        if cut_off || self.is_fenced(ctx, replica) {
            return self.finish(ctx, id, Reply::failed(Reason::NoQuorum));
        }
        let version = self.versions.at(key, replica, now);
        let stale = version < self.versions.committed(key);
        self.answer_read(ctx, id, version, stale);
    }

    fn answer_read(&mut self, ctx: &mut Ctx, id: CallId, version: u64, stale: bool) {
        ctx.count(measures::CHECKED_READS, 1);
        ctx.count(measures::STALE_READS, u64::from(stale));
        let key = ctx.call(id).asks.key;
        let miss = self.is_missing(ctx, key) && !self.versions.exists(key, version);
        ctx.count(measures::NOT_FOUND, u64::from(miss));
        self.finish(ctx, id, Reply { version: version as u32, stale, miss, ..Reply::OK });
    }

    /// Whether a key does not exist unless it was written: by the seed, and the same in all databases.
    fn is_missing(&self, ctx: &Ctx, key: u64) -> bool {
        let share = self.spec.missing.0;
        share > 0.0 && hash::unit(hash::mix2(ctx.salt("missing"), key)) <= share
    }

    /// The primary has the write; replicas get it after their lag.
    fn write_here(&mut self, ctx: &mut Ctx, id: CallId, acks: u16) {
        let call = ctx.call(id);
        let (key, replica, now) = (call.asks.key, call.replica, ctx.now());
        let n = self.spec.replicas;
        if !self.partitions.is_empty() && (self.is_fenced(ctx, replica) || !self.connected(replica, self.primary)) {
            // Or another has become the primary while this one, cut off, was at work.
            return self.finish(ctx, id, Reply::failed(Reason::NoQuorum));
        }
        let mut at = [Time::NEVER; MOST_REPLICAS];
        let mut others = Vec::with_capacity(usize::from(n));
        for other in 0..n {
            if other == replica {
                at[usize::from(other)] = now;
            } else if self.hears(ctx, replica, other) && !self.is_frozen(other) {
                let lag = self.delays.lag.draw(&mut self.rng).scale(ctx.slow(other));
                ctx.lag(lag);
                at[usize::from(other)] = now + lag;
                others.push(now + lag);
            }
        }
        others.sort_unstable();
        if usize::from(acks) > others.len() {
            return self.miss_quorum(ctx, id, usize::from(acks) - others.len());
        }
        let version = self.versions.write(key, &at[..usize::from(n)], now, self.is_missing(ctx, key));
        if acks == 0 {
            self.versions.commit(key, version);
            return self.finish(ctx, id, Reply { version: version as u32, ..Reply::OK });
        }
        let wait = others[usize::from(acks) - 1].since(now);
        self.wait(ctx, id, wait, Pending { version, ..Pending::default() });
    }

    /// The coordinator asks all replicas and waits for so many of them.
    fn ask_quorum(&mut self, ctx: &mut Ctx, id: CallId, needed: u16, write: bool) {
        let call = ctx.call(id);
        let (key, coordinator, now) = (call.asks.key, call.replica, ctx.now());
        let mut at = [Time::NEVER; MOST_REPLICAS];
        let mut answers: Vec<(Time, u16)> = Vec::with_capacity(MOST_REPLICAS);
        for replica in 0..self.spec.replicas {
            // The draws are made for each replica, up or not, so that a failure does not change what the others draw.
            let (there, back) = if write { (&self.delays.w, &self.delays.a) } else { (&self.delays.r, &self.delays.s) };
            let (there, back) = (there.draw(&mut self.rng), back.draw(&mut self.rng));
            if self.hears(ctx, coordinator, replica) && !self.is_frozen(replica) {
                let slow = ctx.slow(replica);
                let (there, back) = (there.scale(slow), back.scale(slow));
                at[usize::from(replica)] = now + there;
                answers.push((now + there + back, replica));
            }
        }
        answers.sort_unstable();
        let reachable = answers.len();
        let needed = usize::from(needed);
        if needed > reachable && (self.spec.on_partition == OnPartition::Refuse || reachable == 0) {
            let wanted = if self.spec.on_partition == OnPartition::Refuse { needed } else { 1 };
            return self.miss_quorum(ctx, id, wanted - reachable);
        }
        let last = needed.min(reachable) - 1;
        let counted = answers[..=last].iter().fold(0, |bits, (_, replica)| bits | 1 << replica);
        let committed = self.versions.committed(key);
        let version = if write {
            let (at, missing) = (&at[..usize::from(self.spec.replicas)], self.is_missing(ctx, key));
            self.versions.write(key, at, self.settled(now), missing)
        } else {
            0
        };
        let wait = answers[last].0.since(now);
        self.longest_wait = self.longest_wait.max(wait);
        self.wait(ctx, id, wait, Pending { at, counted, version, committed, call: id });
    }

    /// Nobody asks any more what a replica had before this time.
    fn settled(&self, now: Time) -> Time {
        Time(now.0.saturating_sub(self.longest_wait.0))
    }

    /// Answer after `span`; the connection is held meanwhile.
    fn wait(&mut self, ctx: &mut Ctx, id: CallId, span: Span, pending: Pending) {
        self.next_pending = self.next_pending.wrapping_add(1);
        self.pending.insert(self.next_pending, Pending { call: id, ..pending });
        let call = ctx.call_mut(id);
        call.scratch[0] = u64::from(self.next_pending);
        let replica = call.replica;
        // By the clock of the replica that waits, to which its own slowness is nothing.
        let span = span.scale(1.0 / ctx.slow(replica));
        let station = &mut self.stations[usize::from(replica)];
        station.wait(ctx, id, span);
        station.show(ctx);
    }

    /// As many have answered as were waited for.
    fn quorum_reached(&mut self, ctx: &mut Ctx, id: CallId) {
        let (key, number) = (ctx.call(id).asks.key, ctx.call(id).scratch[0] as u32);
        let Some(pending) = self.pending.remove(&number) else { return };
        if ctx.call(id).asks.operation != Operation::Read {
            self.versions.commit(key, pending.version);
            return self.finish(ctx, id, Reply { version: pending.version as u32, ..Reply::OK });
        }
        let replicas = (0..self.spec.replicas).filter(|replica| pending.counted >> replica & 1 == 1);
        let seen = replicas.map(|replica| self.versions.at(key, replica, pending.at[usize::from(replica)]));
        let version = seen.max().unwrap_or(0);
        self.answer_read(ctx, id, version, version < pending.committed);
    }

    /// Answer, give the lock on, free the connection. Who gets them is for `settle` to see to: with operations that take no
    /// time one would lead to the next without end.
    fn finish(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        let call = ctx.call(id);
        let (key, replica, write) = (call.asks.key, call.replica, call.asks.operation != Operation::Read);
        ctx.reply(id, reply);
        self.stations[usize::from(replica)].leave(ctx);
        if self.locks_rows() && write {
            self.unlock(ctx, key);
        }
        if self.freed.last() != Some(&replica) {
            self.freed.push(replica);
        }
    }

    fn unlock(&mut self, ctx: &mut Ctx, key: u64) {
        while let Some(lock) = self.locked.get_mut(&key) {
            let Some(id) = lock.waiting.pop_front() else {
                self.locked.remove(&key);
                return;
            };
            if ctx.is_served(id) {
                lock.holder = id;
                let waited = ctx.now().since(Time(ctx.call(id).scratch[0]));
                ctx.call_mut(id).queue_ns += waited.0;
                return self.granted.push(id);
            }
        }
    }

    /// Begin what can begin now, until nothing is left.
    fn settle(&mut self, ctx: &mut Ctx) {
        loop {
            if let Some(id) = self.granted.pop() {
                self.begin(ctx, id);
            } else if let Some(&replica) = self.freed.last() {
                match self.stations[usize::from(replica)].next(ctx, &mut self.rng) {
                    Some(done) => self.take(ctx, done),
                    None => self.freed.truncate(self.freed.len() - 1),
                }
            } else {
                return;
            }
        }
    }

    /// Begin what waits at a replica, as far as there is room.
    fn next(&mut self, ctx: &mut Ctx, replica: u16) {
        self.freed.push(replica);
        self.settle(ctx);
    }

    fn kill(&mut self, ctx: &mut Ctx, replica: u16) {
        self.stations[usize::from(replica)].shut(ctx);
        let gone = ctx.served_by(replica);
        // Calls at a former primary may still hold locks that others wait for.
        let keys: Vec<(CallId, u64)> = gone.iter().map(|id| (*id, ctx.call(*id).asks.key)).collect();
        for id in gone {
            ctx.reply(id, Reply::failed(Reason::Refused));
        }
        self.pending.retain(|_, pending| ctx.is_served(pending.call));
        for (id, key) in keys {
            if self.locked.get(&key).is_some_and(|lock| lock.holder == id) {
                self.unlock(ctx, key);
            }
        }
        self.settle(ctx);
        self.stop_replication(ctx);
        self.call_election(ctx);
    }
}

impl Kind for Database {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "database",
        title: "Database",
        group: Group::State,
        summary: "A replicated database: a primary with replicas, or a leaderless quorum, with a version of every key.",
        help: HELP,
        role: Role::Store,
        copies: Some(Copies {
            one: "replica",
            count: "replicas",
            places: "connections",
            places_param: "connections",
            has_cores: false,
        }),
        waiting_room: Some("queue_limit"),
        chances: &[],
        accepts_calls: true,
        outs: Outs::None,
        measures: measures::MEASURES,
        controls: &[Handle::Kill, Handle::Freeze, Handle::Slow, Handle::Fail, Handle::Part],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        params::visit(spec, v);
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        params::check(spec, checker);
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Database {
        let mut database = Database {
            rng: ctx.stream("work"),
            delays: Delays::of(spec),
            stations: Vec::new(),
            versions: Versions::new(usize::from(spec.replicas)),
            primary: 0,
            turn: 0,
            partitions: Vec::new(),
            locked: IntMap::default(),
            pending: IntMap::default(),
            next_pending: 0,
            longest_wait: Span::ZERO,
            elections: 0,
            electing: None,
            freed: Vec::new(),
            granted: Vec::new(),
            unanswered: Vec::new(),
            paces: vec![(Time::ZERO, 1.0); usize::from(spec.replicas)],
            lives: vec![Life::new(Phase::Running); usize::from(spec.replicas)],
            spec: spec.clone(),
        };
        ctx.set_replicas(spec.replicas);
        ctx.set_concurrency(spec.connections);
        for _ in 0..spec.replicas {
            let mut station = Station::new(&Self::station_spec(spec));
            station.open(ctx);
            database.stations.push(station);
        }
        database
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        let failover = self.spec.failover;
        self.spec = Spec { replicas: self.spec.replicas, row_locks: self.spec.row_locks, ..spec.clone() };
        if self.spec.failover != failover {
            self.time_election(ctx);
        }
        self.delays = Delays::of(spec);
        ctx.set_concurrency(spec.connections);
        let station = Self::station_spec(spec);
        for replica in 0..self.spec.replicas {
            self.stations[usize::from(replica)].retune(ctx, &station);
            self.next(ctx, replica);
        }
    }

    #[inline]
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        let Some(replica) = self.choose(ctx, id) else { return ctx.reply(id, Reply::turned_away(Reason::Refused)) };
        ctx.call_mut(id).replica = replica;
        if let Some(done) = self.stations[usize::from(replica)].arrive(ctx, id, &mut self.rng) {
            self.take(ctx, done);
            self.settle(ctx);
        }
    }

    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, _token: u8) {
        let station = &mut self.stations[usize::from(ctx.call(id).replica)];
        if !station.is_due(ctx, id) {
            return;
        }
        if ctx.call(id).scratch[0] == WORKING {
            station.worked(ctx, id);
            self.worked(ctx, id);
        } else {
            station.waited(ctx, id);
            self.quorum_reached(ctx, id);
        }
        self.settle(ctx);
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        if token == self.elections {
            self.elect(ctx);
        }
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let (read, doing) = (call.asks.operation == Operation::Read, call.scratch[0]);
        let station = &mut self.stations[usize::from(call.replica)];
        if station.is_waiting(ctx, id) {
            station.left_queue(ctx, id);
            ctx.reply(id, Reply::failed(Reason::Cancelled));
        } else if read {
            // A read leaves nothing half done; a write goes on.
            if doing == WORKING {
                station.stop_work(ctx, id);
            } else {
                self.pending.remove(&(doing as u32));
            }
            self.finish(ctx, id, Reply::failed(Reason::Cancelled));
            self.settle(ctx);
        }
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Part(a, b) => {
                self.partitions.push((a, b));
                self.stop_replication(ctx);
                self.call_election(ctx);
            }
            Control::Join(a, b) => {
                if let Some(i) = self.partitions.iter().position(|partition| *partition == (a, b)) {
                    self.partitions.remove(i);
                }
                self.call_election(ctx);
                self.catch_up(ctx, None);
                self.ask_again(ctx);
            }
            Control::Fault(fault, which) => {
                for replica in (0..self.spec.replicas).filter(|r| which.is_none_or(|which| which == *r)) {
                    self.strike(ctx, fault, replica);
                }
                if fault == Fault::Restart {
                    // The primary may be gone, and until now there was nobody else.
                    self.call_election(ctx);
                }
                self.ask_again(ctx);
            }
            _ => {}
        }
    }

    fn gauges(&self) -> Vec<f64> {
        vec![f64::from(self.primary), self.versions.len() as f64]
    }

    fn stages(&self) -> Vec<Option<Stage>> {
        self.lives.iter().map(Life::stage).collect()
    }
}

const HELP: &str = "\
With a primary (`replication` Async or Sync) writes go to it and reach each of the other `replicas` after a replication \
`lag`; Sync acknowledges a write only when `acks` replicas have it. Reads go to the Primary, the Replicas or Any \
(`reads_from`). Quorum is leaderless: the replica that gets a call asks all others, with the delays `write_there`, \
`write_back`, `read_there` and `read_back`. It answers a write after `w` acknowledgements, and a read after `r` answers with \
the newest version among them (Bailis et al., PVLDB 2012). Every key has a version at every replica, so stale reads are \
observed, not estimated: a read is stale if its version is older than the newest one that was acknowledged when the read \
began. Writes that a failover loses count as lost writes; reads after it are compared with what is left.

Each replica has `connections` and a queue (`queue_limit`); `read` and `write` are the service times. With `row_locks` \
writes of one key are serialised while they hold their connections. A call that is cancelled leaves the queue, and a read in \
progress ends at once; a write in progress goes on. The keys of the share `missing` do not exist until they \
are written: a read of one is a miss (`after_miss` acts on it) and counts as not found.

Failover: when the primary is lost, or another replica reaches more of the replicas that are up, the one that reaches the \
most is promoted after `failover`, and what it does not have is lost. With Async that is what the old primary had not \
replicated when it died or was cut off. In a partition (of `db#0` from `db#1`, say) `on_partition` decides. Refuse (CP): a \
primary that cannot reach a majority of all `replicas` is fenced at once under every replication mode, and neither writes \
nor reads; a replica without the primary does not read; an operation without its quorum fails. ServeStale (AP): both sides \
go on with what they have, and a primary that is replaced loses what it acknowledged meanwhile. Clients are on neither side: \
they find the primary wherever it is (cut their links to prevent that). Replicas that come back, or are connected again, \
catch up after a `lag` (with Quorum, `write_there`). A Slow multiplies the time in which a replica works, sends and applies \
writes. A frozen replica applies and answers nothing; operations that need it wait. Neither makes the primary lose its role.

Versions are kept only while replicas differ. Beyond half a million such keys the oldest are taken as replicated. Of written \
keys that would otherwise be `missing`, four million are known; beyond that no key is missing. Raising `missing` while \
running removes what was written before.

Not modelled: the work of the other replicas for a write or a quorum (only the replica that gets the call works on it), \
transactions of several keys, deleted rows (a delete is a write), indexes and scans, read repair, conflicting versions after \
a partition.";
