//! A sharded store: each key belongs to exactly one shard, and a hot key makes a hot shard.

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::life::{Life, Phase};
use super::params::{Param, Section, Visitor};
use super::station::{Done, Station, StationSpec};
use crate::base::hash::{self, IntMap};
use crate::base::units::Count;
use crate::base::{Dist, Rng, Sampler, Span};
use crate::engine::{
    CallId, Control, Copies, Counter, Ctx, Fault, NodeMeasure, Operation, Reason, Reply, Role, Stage, Unit,
};
use crate::parts::ring::{Ring, Strategy};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const MOVED_KEYS: Counter = Counter(0);

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub shards: u32,
    pub strategy: Strategy,
    pub keys: Count,
    pub slots: u32,
    pub queue_limit: Option<u32>,
    pub read: Dist,
    pub write: Dist,
    pub cold_read: Dist,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            shards: 4,
            strategy: Strategy::ConsistentHash { virtual_nodes: 100 },
            keys: Count(1_000_000),
            slots: 8,
            queue_limit: Some(1_000),
            read: Dist::exponential(Span::from_millis(2)),
            write: Dist::exponential(Span::from_millis(4)),
            cold_read: Dist::exponential(Span::from_millis(10)),
        }
    }
}

/// A running store.
#[derive(Clone)]
pub struct ShardedStore {
    spec: Spec,
    rng: Rng,
    ring: Ring,
    /// Before the last change of the shards: keys that lay elsewhere then are cold until they are asked for.
    before: Option<Ring>,
    warmed: IntMap<u64, ()>,
    stations: Vec<Station>,
    lives: Vec<Life>,
    served: Vec<u64>,
    read: Sampler,
    write: Sampler,
    cold_read: Sampler,
}

/// Beyond so many warmed keys all are taken to be warm, which bounds the memory.
const MOST_WARMED: usize = 4_000_000;

/// Points that a hash ring may have, which bounds the memory too.
const MOST_POINTS: u32 = 10_000_000;

impl ShardedStore {
    fn station_spec(spec: &Spec) -> Arc<StationSpec> {
        Arc::new(StationSpec::plain(spec.slots, spec.queue_limit))
    }

    fn resize(&mut self, ctx: &mut Ctx, shards: u32) {
        let most = match self.spec.strategy {
            Strategy::ConsistentHash { virtual_nodes } => MOST_POINTS / virtual_nodes.max(1),
            _ => u32::MAX,
        };
        let shards = shards.clamp(1, most.min(60_000));
        if shards == self.ring.shards() {
            return;
        }
        self.before = Some(self.ring.clone());
        self.warmed.clear();
        self.ring.resize(shards);
        for shard in (shards as usize..self.stations.len()).rev() {
            // What a shard that goes was working on fails; its keys live on elsewhere.
            self.stations[shard].shut(ctx);
            for id in ctx.served_by(shard as u16) {
                ctx.reply(id, Reply::failed(Reason::Removed));
            }
            self.stations.pop();
            self.lives.pop();
        }
        self.served.resize(shards as usize, 0);
        ctx.set_replicas(shards as u16);
        while self.stations.len() < shards as usize {
            let mut station = Station::new(&Self::station_spec(&self.spec));
            station.open(ctx);
            self.stations.push(station);
            self.lives.push(Life::new(Phase::Running));
        }
    }

    /// Whether a key has moved and was not asked for since.
    fn is_cold(&mut self, ctx: &mut Ctx, key: u64, shard: u32) -> bool {
        let Some(before) = &self.before else { return false };
        if before.shard(key) == shard || self.warmed.contains_key(&key) {
            return false;
        }
        if self.warmed.len() >= MOST_WARMED {
            self.before = None;
            self.warmed = IntMap::default();
            return false;
        }
        self.warmed.insert(key, ());
        ctx.count(MOVED_KEYS, 1);
        true
    }

    fn begin(&mut self, ctx: &mut Ctx, id: CallId) {
        let call = ctx.call(id);
        let (key, shard, operation) = (call.asks.key, call.replica, call.asks.operation);
        let cold = self.is_cold(ctx, key, u32::from(shard));
        let sampler = match operation {
            Operation::Read if cold => &self.cold_read,
            Operation::Read => &self.read,
            Operation::Write | Operation::Delete => &self.write,
        };
        let span = sampler.draw(&mut self.rng);
        self.stations[usize::from(shard)].work(ctx, id, span);
    }

    fn strike(&mut self, ctx: &mut Ctx, fault: Fault, shard: usize) {
        let (station, life) = (&mut self.stations[shard], &mut self.lives[shard]);
        life.strike(fault);
        match fault {
            Fault::Kill => {
                station.shut(ctx);
                for id in ctx.served_by(shard as u16) {
                    ctx.reply(id, Reply::failed(Reason::Refused));
                }
            }
            Fault::Restart => station.open(ctx),
            Fault::Freeze | Fault::Thaw | Fault::Slow(_) => {
                if station.set_pace(ctx, ctx.slow(shard as u16), life.is_frozen()) {
                    for id in ctx.served_by(shard as u16) {
                        station.hasten(ctx, id);
                    }
                }
                self.next(ctx, shard);
            }
            _ => {}
        }
    }

    fn next(&mut self, ctx: &mut Ctx, shard: usize) {
        while let Some(done) = self.stations.get_mut(shard).and_then(|station| station.next(ctx, &mut self.rng)) {
            self.take(ctx, done);
        }
    }

    fn take(&mut self, ctx: &mut Ctx, done: Done) {
        match done {
            Done::Begin(id) | Done::Cold(id, _) => self.begin(ctx, id),
            Done::Drop(id, reason) => ctx.reply(id, Reply::turned_away(reason)),
            Done::PutOut(id) => ctx.reply(id, Reply::failed(Reason::QueueFull)),
        }
    }
}

impl Kind for ShardedStore {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "sharded_store",
        title: "Sharded store",
        group: Group::State,
        summary: "A store whose keys are partitioned into shards, each with its own queue and slots.",
        help: HELP,
        role: Role::Store,
        copies: Some(Copies {
            one: "shard",
            count: "shards",
            places: "slots",
            places_param: "slots",
            has_cores: false,
        }),
        waiting_room: Some("queue_limit"),
        chances: &[],
        accepts_calls: true,
        outs: Outs::None,
        measures: &[
            NodeMeasure::level("shards", 0, Unit::Number, "Shards that there are."),
            NodeMeasure::counted(
                "moved_keys",
                MOVED_KEYS,
                "Keys that are used for the first time since they moved to another shard.",
            ),
        ],
        controls: &[Handle::Kill, Handle::Freeze, Handle::Slow, Handle::Fail, Handle::Scale],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("shards", "Number of shards.", &["2", "7"])
                .leads(Section::Capacity)
                .range(1.0, 60_000.0)
                .live(),
            &mut spec.shards,
        );
        v.visit(
            &Param::new(
                "strategy",
                "Sharding strategy: which shard a key belongs to.",
                &["Modulo", "Range", "ConsistentHash(virtual_nodes: 20)", "Rendezvous", "Directory(buckets: 64)"],
            )
            .leads(Section::Data)
            .parts(Strategy::PARTS),
            &mut spec.strategy,
        );
        v.visit(
            &Param::new("keys", "Number of keys; only Range uses it.", &["300"]).within(Section::Data).range(1.0, 1e12),
            &mut spec.keys,
        );
        v.visit(
            &Param::new("slots", "Concurrency limit of a shard: calls that it serves at once.", &["1"])
                .leads(Section::Capacity)
                .range(1.0, 1e6)
                .live(),
            &mut spec.slots,
        );
        v.visit(
            &Param::new("queue_limit", "Queue limit of a shard: more calls are rejected. 0: no call waits.", &["1"])
                .within(Section::Queue)
                .range(0.0, 1e9)
                .live(),
            &mut spec.queue_limit,
        );
        v.visit(
            &Param::new("read", "Service time of a read.", &["\"5ms\""]).leads(Section::Time).live(),
            &mut spec.read,
        );
        v.visit(
            &Param::new("write", "Service time of a write or delete.", &["\"9ms\""]).leads(Section::Time).live(),
            &mut spec.write,
        );
        v.visit(
            &Param::new(
                "cold_read",
                "Service time of the first read of a key after it moved to another shard.",
                &["\"50ms\""],
            )
            .within(Section::Time)
            .live(),
            &mut spec.cold_read,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        checker.dist("read", &spec.read);
        checker.dist("write", &spec.write);
        checker.dist("cold_read", &spec.cold_read);
        checker.places("slots", spec.slots.into(), spec.shards.into());
        match spec.strategy {
            Strategy::ConsistentHash { virtual_nodes } if !(1..=10_000).contains(&virtual_nodes) => {
                checker.error("strategy", "virtual_nodes is a number from 1 to 10000");
            }
            Strategy::ConsistentHash { virtual_nodes } if virtual_nodes.saturating_mul(spec.shards) > MOST_POINTS => {
                checker.error("strategy", format!("shards times virtual_nodes is at most {MOST_POINTS}"));
            }
            Strategy::Directory { buckets } if !(1..=1_000_000).contains(&buckets) => {
                checker.error("strategy", "buckets is a number from 1 to a million");
            }
            _ => {}
        }
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> ShardedStore {
        let salt = hash::mix2(ctx.salt("shards"), hash::name(ctx.name()));
        let mut store = ShardedStore {
            rng: ctx.stream("work"),
            ring: Ring::new(spec.strategy, spec.shards, spec.keys.0, salt),
            before: None,
            warmed: IntMap::default(),
            stations: Vec::new(),
            lives: vec![Life::new(Phase::Running); spec.shards as usize],
            served: vec![0; spec.shards as usize],
            read: spec.read.sampler(),
            write: spec.write.sampler(),
            cold_read: spec.cold_read.sampler(),
            spec: spec.clone(),
        };
        ctx.set_replicas(spec.shards as u16);
        ctx.set_concurrency(spec.slots);
        for _ in 0..spec.shards {
            let mut station = Station::new(&Self::station_spec(spec));
            station.open(ctx);
            store.stations.push(station);
        }
        store
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        // An autoscaler may have changed their number meanwhile.
        let resize = spec.shards != self.spec.shards;
        self.spec = spec.clone();
        self.read = spec.read.sampler();
        self.write = spec.write.sampler();
        self.cold_read = spec.cold_read.sampler();
        ctx.set_concurrency(spec.slots);
        let station = Self::station_spec(spec);
        for shard in 0..self.stations.len() {
            self.stations[shard].retune(ctx, &station);
            self.next(ctx, shard);
        }
        if resize {
            self.resize(ctx, spec.shards);
        }
    }

    #[inline]
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        let shard = self.ring.shard(ctx.call(id).asks.key);
        self.served[shard as usize] += 1;
        ctx.call_mut(id).replica = shard as u16;
        if !ctx.is_up(ctx.node(), shard as u16) {
            return ctx.reply(id, Reply::turned_away(Reason::Refused));
        }
        if let Some(done) = self.stations[shard as usize].arrive(ctx, id, &mut self.rng) {
            self.take(ctx, done);
        }
    }

    #[inline]
    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, _token: u8) {
        let shard = usize::from(ctx.call(id).replica);
        if self.stations[shard].is_due(ctx, id) {
            self.stations[shard].worked(ctx, id);
            ctx.reply(id, Reply::OK);
            self.stations[shard].leave(ctx);
            self.next(ctx, shard);
        }
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        let shard = usize::from(ctx.call(id).replica);
        let station = &mut self.stations[shard];
        if station.is_waiting(ctx, id) {
            station.left_queue(ctx, id);
            ctx.reply(id, Reply::failed(Reason::Cancelled));
        } else {
            station.stop_work(ctx, id);
            ctx.reply(id, Reply::failed(Reason::Cancelled));
            self.stations[shard].leave(ctx);
            self.next(ctx, shard);
        }
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        match control {
            Control::Scale(shards) => self.resize(ctx, u32::from(shards)),
            Control::Fault(fault, replica) => {
                let all = 0..self.stations.len();
                for shard in all.filter(|shard| replica.is_none_or(|replica| usize::from(replica) == *shard)) {
                    self.strike(ctx, fault, shard);
                }
            }
            _ => {}
        }
    }

    fn gauges(&self) -> Vec<f64> {
        vec![f64::from(self.ring.shards())]
    }

    fn stages(&self) -> Vec<Option<Stage>> {
        self.lives.iter().map(Life::stage).collect()
    }

    fn loads(&self) -> &[u64] {
        &self.served
    }
}

const HELP: &str = "\
Each key belongs to one of the `shards`, by the `strategy`: Modulo of a hash, Range of the ordered `keys`, ConsistentHash on \
a ring with virtual nodes, Rendezvous (the highest hash), or a Directory of buckets. Each shard has its own `slots` and \
queue (`queue_limit`), so that a hot key makes a hot shard while the others idle. `read` and `write` are the times of the \
operations. When shards are added or removed while running (set `shards`), the keys that the strategy moves are cold: the \
first read of each takes `cold_read`. A shard is a replica for interventions: `store#2`. Slow and freeze act on what is in \
progress too.

Not modelled: copying of moved keys in the background, queries over several shards, replication of a shard.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Behaviour as _;
    use crate::engine::{LinkConfig, Patch};
    use crate::kinds::testing::{NODE, at, sim};

    /// What an autoscaler asks for is not checked beforehand: it gets what the memory allows, and never nothing.
    #[test]
    fn an_excessive_number_of_shards_is_cut() {
        let strategies = [
            (Strategy::Modulo, [(65_000, 60_000.0), (0, 1.0)]),
            (Strategy::ConsistentHash { virtual_nodes: 10_000 }, [(1_002, 1_000.0), (2, 2.0)]),
        ];
        for (strategy, orders) in strategies {
            let spec = Spec { strategy, shards: 2, slots: 1, ..Spec::default() };
            let node = crate::kinds::Spec::ShardedStore(spec);
            let mut sim = sim("client(rate: \"10/s\")", node, LinkConfig::default());
            for (i, (ordered, shards)) in (1..).zip(orders) {
                sim.schedule(at(i), Patch::Control(NODE, Control::Scale(ordered)));
                sim.run_until(at(i));
                assert_eq!(sim.behaviour(NODE).gauges(), [shards], "{strategy:?}: {ordered} ordered");
            }
        }
    }
}
