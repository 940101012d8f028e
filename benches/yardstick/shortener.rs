//! The URL shortener of `scenarios/url_shortener.ron` by hand.

use super::{ClassStats, LinkStats, Stats, exponential};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;
use tailboard::base::dist::Shape;
use tailboard::base::units::Count;
use tailboard::base::{Dist, Histogram, Rng, Sampler, Span, Time};
use tailboard::parts::backoff::{Budget, BudgetState};
use tailboard::parts::breaker::{Breaker, BreakerConfig, Permit};
use tailboard::parts::evict::{Entry, Policy, Store};
use tailboard::parts::popularity::{Keys, Popularity};
use tailboard::parts::processor::{Processor, Sharing};
use tailboard::parts::versions::Versions;

/// What happens in the URL shortener, with the request that it happens to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Arrival,
    AtBalancer(u32),
    AtApi(u32),
    /// The cores of a machine are done with something, if the generation is the latest.
    Cores(u16, u32),
    AtCache(u32),
    LookedUp(u32),
    AtDatabase(u32),
    DatabaseDone(u32),
    BackAtCache(u32),
    BackAtApi(u32),
    BackAtBalancer(u32),
    Back(u32),
    /// The oldest timeout is due, if its request still waits for the cache.
    Timeout,
}

/// A request with all that happens to it: the instants at which it was sent and arrived, from node to node.
#[derive(Clone, Copy, Default)]
struct Visit {
    key: u64,
    issued: u64,
    balancer: u64,
    to_api: u64,
    api: u64,
    api_work: u64,
    api_done: u64,
    cache: u64,
    to_database: u64,
    database: u64,
    database_began: u64,
    generation: u32,
    machine: u16,
    replica: u16,
    write: bool,
    waits: bool,
}

/// One of the six machines: 32 slots that share two cores.
struct Machine {
    busy: u32,
    waiting: VecDeque<u32>,
    cores: Processor<u32>,
    generation: u32,
    change_at: Time,
    /// Of its link to the cache.
    breaker: Breaker,
    budget: BudgetState,
    /// Of the cache's link to the database, for calls on its behalf.
    connections: u32,
}

/// `scenarios/url_shortener.ron`, without what does not happen in it: refusals, retries, probes that find anything.
pub fn url_shortener(requests: u64) -> u64 {
    let mut sim = Shortener::new();
    sim.push(0, Step::Arrival);
    let mut events = 0u64;
    while sim.classes.iter().map(|class| class.good + class.late).sum::<u64>() < requests {
        let Some(Reverse((now, _, step))) = sim.pending.pop() else { break };
        events += 1;
        sim.handle(now, step);
    }
    [&sim.client, &sim.balancer, &sim.service, &sim.cache, &sim.database].into_iter().for_each(Stats::show);
    sim.links.iter().for_each(LinkStats::show);
    sim.classes.iter().for_each(ClassStats::show);
    black_box((sim.hits, sim.misses, sim.evicted, sim.checked, sim.stale, sim.timeouts_fired, sim.lag.mean()));
    events
}

struct Shortener {
    pending: BinaryHeap<Reverse<(u64, u64, Step)>>,
    sequence: u64,
    visits: Vec<Visit>,
    free: Vec<u32>,
    rng: Rng,
    keys: Popularity,
    /// Of people's way, of work, of reads, of writes.
    way: Sampler,
    work: Sampler,
    read: Sampler,
    write: Sampler,
    lag_of: Sampler,
    loads: [u32; 6],
    machines: Vec<Machine>,
    timeouts: VecDeque<(u64, u32, u32)>,
    timeout_armed: bool,
    timeouts_fired: u64,
    store: Store,
    thrown_out: Vec<Entry>,
    versions: Versions,
    replicas: [(u32, VecDeque<u32>); 3],
    turn: u16,
    client: Stats,
    balancer: Stats,
    service: Stats,
    cache: Stats,
    database: Stats,
    classes: [ClassStats; 2],
    links: [LinkStats; 4],
    lag: Histogram,
    hits: u64,
    misses: u64,
    evicted: u64,
    checked: u64,
    stale: u64,
}

/// One way over a link inside, and the time that the cache looks for a key.
const HOP: u64 = 250_000;
const LOOKUP: u64 = 200_000;
const TIMEOUT: u64 = 100_000_000;

impl Shortener {
    fn new() -> Shortener {
        let log_normal =
            |us: u64, cv| Dist::Shaped(Box::new(Shape::LogNormal { mean: Span(us * 1_000), cv })).sampler();
        let machine = || Machine {
            busy: 0,
            waiting: VecDeque::new(),
            cores: Processor::new(Sharing::Even, 2),
            generation: 0,
            change_at: Time::NEVER,
            breaker: Breaker::new(&BreakerConfig::default()),
            budget: BudgetState::new(&Budget::default()),
            connections: 0,
        };
        Shortener {
            pending: BinaryHeap::new(),
            sequence: 0,
            visits: Vec::new(),
            free: Vec::new(),
            rng: Rng::seeded(7),
            keys: Keys::Zipf { keys: Count(1_000_000), exponent: 1.1 }.popularity(),
            way: log_normal(20_000, 0.3),
            work: log_normal(1_000, 1.0),
            read: log_normal(4_000, 1.0),
            write: log_normal(8_000, 1.0),
            lag_of: Dist::exponential(Span::from_millis(20)).sampler(),
            loads: [0; 6],
            machines: std::iter::repeat_with(machine).take(6).collect(),
            timeouts: VecDeque::new(),
            timeout_armed: false,
            timeouts_fired: 0,
            store: Store::new(Policy::Lru, 20_000),
            thrown_out: Vec::new(),
            versions: Versions::new(3),
            replicas: Default::default(),
            turn: 0,
            client: Stats::default(),
            balancer: Stats::default(),
            service: Stats::default(),
            cache: Stats::default(),
            database: Stats::default(),
            classes: Default::default(),
            links: Default::default(),
            lag: Histogram::new(),
            hits: 0,
            misses: 0,
            evicted: 0,
            checked: 0,
            stale: 0,
        }
    }

    #[inline]
    fn push(&mut self, at: u64, step: Step) {
        self.sequence += 1;
        self.pending.push(Reverse((at, self.sequence, step)));
    }

    fn handle(&mut self, now: u64, step: Step) {
        match step {
            Step::Arrival => self.arrival(now),
            Step::AtBalancer(id) => self.balance(now, id),
            Step::AtApi(id) => self.at_api(now, id),
            Step::Cores(machine, generation) => self.cores(now, machine, generation),
            Step::AtCache(id) => {
                self.cache.arrived += 1;
                self.visits[id as usize].cache = now;
                self.push(now + LOOKUP, Step::LookedUp(id));
            }
            Step::LookedUp(id) => self.looked_up(now, id),
            Step::AtDatabase(id) => self.at_database(now, id),
            Step::DatabaseDone(id) => self.database_done(now, id),
            Step::BackAtCache(id) => self.back_at_cache(now, id),
            Step::BackAtApi(id) => self.back_at_api(now, id),
            Step::BackAtBalancer(id) => self.back_at_balancer(now, id),
            Step::Back(id) => self.back(now, id),
            Step::Timeout => self.timeout(now),
        }
    }

    fn arrival(&mut self, now: u64) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.visits.push(Visit::default());
            self.visits.len() as u32 - 1
        });
        let (write, key) = (self.rng.uniform() >= 100.0 / 101.0, self.keys.draw(&mut self.rng));
        let visit = &mut self.visits[id as usize];
        *visit = Visit { issued: now, key, write, generation: visit.generation + 1, ..Visit::default() };
        self.classes[usize::from(write)].offered += 1;
        self.client.change(now, 0, 1, 0);
        self.links[0].sent += 1;
        let gap = exponential(&mut self.rng, 250e3);
        self.push(now + gap, Step::Arrival);
        let way = self.way.draw(&mut self.rng).0;
        self.push(now + way, Step::AtBalancer(id));
    }

    /// To the less loaded of two machines.
    fn balance(&mut self, now: u64, id: u32) {
        self.balancer.arrived += 1;
        self.balancer.change(now, 0, 1, 0);
        let one = self.rng.below(6) as usize;
        let other = (one + 1 + self.rng.below(5) as usize) % 6;
        let machine = if self.loads[other] < self.loads[one] { other } else { one };
        self.loads[machine] += 1;
        let visit = &mut self.visits[id as usize];
        (visit.balancer, visit.to_api, visit.machine) = (now, now, machine as u16);
        self.links[1].sent += 1;
        self.push(now + HOP, Step::AtApi(id));
    }

    fn at_api(&mut self, now: u64, id: u32) {
        self.service.arrived += 1;
        let visit = &mut self.visits[id as usize];
        visit.api = now;
        let machine = visit.machine;
        if self.machines[usize::from(machine)].busy < 32 {
            self.machines[usize::from(machine)].busy += 1;
            self.service.change(now, 0, 1, 0);
            self.begin(now, id);
        } else {
            self.service.change(now, 1, 0, 0);
            self.machines[usize::from(machine)].waiting.push_back(id);
        }
    }

    fn begin(&mut self, now: u64, id: u32) {
        let visit = &mut self.visits[id as usize];
        let (number, work) = (visit.machine, self.work.draw(&mut self.rng));
        visit.api_work = work.0;
        let machine = &mut self.machines[usize::from(number)];
        let before = machine.cores.busy();
        machine.cores.add(Time(now), id, work, 0);
        let cores = machine.cores.busy() as i32 - before as i32;
        self.service.change(now, 0, 0, cores);
        self.rearm(number);
    }

    fn rearm(&mut self, number: u16) {
        let machine = &mut self.machines[usize::from(number)];
        let Some(at) = machine.cores.next_change().filter(|at| *at != machine.change_at) else { return };
        machine.change_at = at;
        machine.generation += 1;
        let generation = machine.generation;
        self.push(at.0, Step::Cores(number, generation));
    }

    /// Who has been worked on asks the cache.
    fn cores(&mut self, now: u64, number: u16, generation: u32) {
        if self.machines[usize::from(number)].generation != generation {
            return;
        }
        self.machines[usize::from(number)].change_at = Time::NEVER;
        let before = self.machines[usize::from(number)].cores.busy();
        while let Some(id) = self.machines[usize::from(number)].cores.take_done(Time(now)) {
            let machine = &mut self.machines[usize::from(number)];
            machine.budget.deposit(Time(now));
            if machine.breaker.permit(Time(now)) == Permit::Refused {
                unreachable!("nothing fails here");
            }
            let visit = &mut self.visits[id as usize];
            (visit.api_done, visit.waits) = (now, true);
            let generation = visit.generation;
            self.links[2].sent += 1;
            let visits = &self.visits;
            while self.timeouts.front().is_some_and(|&(_, id, generation)| !waits(visits, id, generation)) {
                self.timeouts.pop_front();
            }
            self.timeouts.push_back((now + TIMEOUT, id, generation));
            if !std::mem::replace(&mut self.timeout_armed, true) {
                self.push(now + TIMEOUT, Step::Timeout);
            }
            self.push(now + HOP, Step::AtCache(id));
        }
        let after = self.machines[usize::from(number)].cores.busy();
        self.service.change(now, 0, 0, after as i32 - before as i32);
        self.rearm(number);
    }

    fn timeout(&mut self, now: u64) {
        self.timeout_armed = false;
        while let Some(&(at, id, generation)) = self.timeouts.front() {
            let waits = waits(&self.visits, id, generation);
            if waits && at > now {
                self.timeout_armed = true;
                return self.push(at, Step::Timeout);
            }
            self.timeouts_fired += u64::from(waits);
            self.timeouts.pop_front();
        }
    }

    fn looked_up(&mut self, now: u64, id: u32) {
        let visit = &mut self.visits[id as usize];
        if !visit.write && self.store.get(visit.key).is_some_and(|entry| entry.expires > Time(now)) {
            self.hits += 1;
            return self.cache_answers(now, id);
        }
        self.misses += u64::from(!visit.write);
        self.cache.change(now, 0, 1, 0);
        let machine = &mut self.machines[usize::from(visit.machine)];
        machine.connections += 1;
        assert!(machine.connections <= 100, "the pool never runs out here");
        visit.to_database = now;
        self.links[3].sent += 1;
        self.push(now + HOP, Step::AtDatabase(id));
    }

    fn cache_answers(&mut self, now: u64, id: u32) {
        self.cache.served(now - self.visits[id as usize].cache, 0, 0);
        self.push(now + HOP, Step::BackAtApi(id));
    }

    fn at_database(&mut self, now: u64, id: u32) {
        self.database.arrived += 1;
        let visit = &mut self.visits[id as usize];
        visit.database = now;
        // Writes go to the first, reads to the others in turn.
        if !visit.write {
            self.turn = 3 - self.turn.max(1);
            visit.replica = self.turn;
        }
        let replica = &mut self.replicas[usize::from(visit.replica)];
        if replica.0 < 4 {
            replica.0 += 1;
            self.database.change(now, 0, 1, 1);
            self.query(now, id);
        } else {
            replica.1.push_back(id);
            self.database.change(now, 1, 0, 0);
        }
    }

    fn query(&mut self, now: u64, id: u32) {
        let visit = &mut self.visits[id as usize];
        visit.database_began = now;
        let took = if visit.write { &self.write } else { &self.read }.draw(&mut self.rng);
        self.push(now + took.0, Step::DatabaseDone(id));
    }

    fn database_done(&mut self, now: u64, id: u32) {
        let visit = self.visits[id as usize];
        if visit.write {
            let lags = [0; 2].map(|_: u8| self.lag_of.draw(&mut self.rng));
            lags.iter().for_each(|lag| self.lag.record(lag.0));
            let at = [Time(now), Time(now) + lags[0], Time(now) + lags[1]];
            let version = self.versions.write(visit.key, &at, Time(now), false);
            self.versions.commit(visit.key, version);
        } else {
            let version = self.versions.at(visit.key, visit.replica, Time(now));
            self.checked += 1;
            self.stale += u64::from(version < self.versions.committed(visit.key));
        }
        let (waited, worked) = (visit.database_began - visit.database, now - visit.database_began);
        self.database.served(now - visit.database, waited, worked);
        let replica = &mut self.replicas[usize::from(visit.replica)];
        if let Some(next) = replica.1.pop_front() {
            self.database.change(now, -1, 0, 0);
            self.query(now, next);
        } else {
            replica.0 -= 1;
            self.database.change(now, 0, -1, -1);
        }
        self.push(now + HOP, Step::BackAtCache(id));
    }

    fn back_at_cache(&mut self, now: u64, id: u32) {
        let visit = self.visits[id as usize];
        self.machines[usize::from(visit.machine)].connections -= 1;
        self.links[3].succeeded(now - visit.to_database);
        self.cache.change(now, 0, -1, 0);
        if visit.write {
            self.store.remove(visit.key);
        } else {
            let (key, cost) = (visit.key, Span(now - visit.to_database));
            let entry = Entry { key, weight: 1, version: 0, expires: Time::NEVER, cost, write_at: Time::NEVER };
            self.store.insert(entry, &mut self.rng, &mut self.thrown_out);
            self.evicted += self.thrown_out.drain(..).count() as u64;
        }
        self.cache_answers(now, id);
    }

    fn back_at_api(&mut self, now: u64, id: u32) {
        let visit = &mut self.visits[id as usize];
        visit.waits = false;
        let visit = *visit;
        let took = now - visit.api_done;
        self.links[2].succeeded(took);
        let machine = &mut self.machines[usize::from(visit.machine)];
        machine.breaker.record(Time(now), true, Span(took));
        // What of the stay until then was not work was waiting: for a slot, or for a core that others shared.
        let waited = (visit.api_done - visit.api).saturating_sub(visit.api_work);
        self.service.served(now - visit.api, waited, visit.api_work.min(visit.api_done - visit.api));
        if let Some(next) = machine.waiting.pop_front() {
            self.service.change(now, -1, 0, 0);
            self.begin(now, next);
        } else {
            machine.busy -= 1;
            self.service.change(now, 0, -1, 0);
        }
        self.push(now + HOP, Step::BackAtBalancer(id));
    }

    fn back_at_balancer(&mut self, now: u64, id: u32) {
        let visit = &self.visits[id as usize];
        self.loads[usize::from(visit.machine)] -= 1;
        self.links[1].succeeded(now - visit.to_api);
        self.balancer.served(now - visit.balancer, 0, 0);
        self.balancer.change(now, 0, -1, 0);
        let way = self.way.draw(&mut self.rng).0;
        self.push(now + way, Step::Back(id));
    }

    fn back(&mut self, now: u64, id: u32) {
        let visit = &self.visits[id as usize];
        let latency = now - visit.issued;
        self.links[0].succeeded(latency);
        let (class, deadline) = if visit.write { (1, 500_000_000) } else { (0, 250_000_000) };
        self.classes[class].answered(latency, deadline);
        self.client.change(now, 0, -1, 0);
        self.free.push(id);
    }
}

fn waits(visits: &[Visit], id: u32, generation: u32) -> bool {
    let visit = &visits[id as usize];
    visit.waits && visit.generation == generation
}
