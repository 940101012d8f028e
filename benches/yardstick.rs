//! Hand-written loops for four of the designs of `tailboard bench`: typed events, no kinds, no more policies than the design
//! names, the same statistics. What the engine costs beyond them is what it costs to be general.

mod shortener;

pub use shortener::url_shortener;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;
use tailboard::base::{Histogram, Rng};

/// The statistics that a report keeps of a node: latency and wait as histograms, the sums that its windows show, counts, and
/// time-weighted levels of what waits, of busy slots and of busy cores.
#[derive(Default)]
struct Stats {
    latency: Histogram,
    wait: Histogram,
    arrived: u64,
    served: u64,
    waited: u64,
    /// Of latency, and of its parts: waiting for a slot, being worked on, waiting for others.
    sums: [u64; 4],
    at: u64,
    level: [u32; 3],
    area: [u64; 3],
    queue_peak: u32,
}

impl Stats {
    #[inline]
    fn change(&mut self, now: u64, queue: i32, busy: i32, cores: i32) {
        let dt = now - self.at;
        for (area, level) in self.area.iter_mut().zip(self.level) {
            *area += u64::from(level) * dt;
        }
        self.at = now;
        for (level, change) in self.level.iter_mut().zip([queue, busy, cores]) {
            *level = level.wrapping_add_signed(change);
        }
        self.queue_peak = self.queue_peak.max(self.level[0]);
    }

    #[inline]
    fn served(&mut self, latency: u64, wait: u64, service: u64) {
        self.served += 1;
        self.waited += u64::from(wait > 0);
        for (sum, part) in self.sums.iter_mut().zip([latency, wait, service, latency - wait - service]) {
            *sum += part;
        }
        self.latency.record(latency);
        self.wait.record(wait);
    }

    fn show(&self) {
        black_box((self.latency.mean(), self.wait.mean(), self.arrived, self.served, self.waited));
        black_box((self.sums, self.area, self.queue_peak));
    }
}

/// A class of requests: how many were answered, in time or late, and after how long.
#[derive(Default)]
struct ClassStats {
    latency: Histogram,
    offered: u64,
    good: u64,
    late: u64,
    sum: u64,
}

impl ClassStats {
    #[inline]
    fn answered(&mut self, latency: u64, deadline: u64) {
        if latency > deadline {
            self.late += 1;
        } else {
            self.good += 1;
        }
        self.sum += latency;
        self.latency.record(latency);
    }

    fn show(&self) {
        black_box((self.latency.mean(), self.offered, self.good, self.late, self.sum));
    }
}

/// Requests may take as long as they like; nobody but the reader knows.
fn deadline() -> u64 {
    black_box(u64::MAX)
}

fn exponential(rng: &mut Rng, mean: f64) -> u64 {
    (rng.exp1() * mean) as u64
}

/// A link's: attempts and successes, with the latency that the caller sees.
#[derive(Default)]
struct LinkStats {
    latency: Histogram,
    sent: u64,
    succeeded: u64,
    sum: u64,
}

impl LinkStats {
    #[inline]
    fn succeeded(&mut self, latency: u64) {
        self.succeeded += 1;
        self.sum += latency;
        self.latency.record(latency);
    }

    fn show(&self) {
        black_box((self.latency.mean(), self.sent, self.succeeded, self.sum));
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StationEvent {
    Arrival,
    Done,
}

/// One station.
pub fn single_station(requests: u64) -> u64 {
    let (mut arrivals, mut services) = (Rng::seeded(1), Rng::seeded(2));
    let (mut station, mut client) = (Stats::default(), Stats::default());
    let (mut class, mut link, deadline) = (ClassStats::default(), LinkStats::default(), deadline());
    let mut waiting: VecDeque<u64> = VecDeque::new();
    // The one at work: when it arrived, when its work began.
    let mut working: Option<(u64, u64)> = None;
    let mut pending: BinaryHeap<Reverse<(u64, u64, StationEvent)>> = BinaryHeap::new();
    let (mut served, mut sequence) = (0, 0u64);
    let mut push = |pending: &mut BinaryHeap<_>, at: u64, event: StationEvent| {
        sequence += 1;
        pending.push(Reverse((at, sequence, event)));
    };
    push(&mut pending, 0, StationEvent::Arrival);
    while served < requests {
        let Some(Reverse((now, _, event))) = pending.pop() else { break };
        match event {
            StationEvent::Arrival => {
                push(&mut pending, now + exponential(&mut arrivals, 1.25e6), StationEvent::Arrival);
                class.offered += 1;
                link.sent += 1;
                station.arrived += 1;
                client.change(now, 0, 1, 0);
                if working.is_none() {
                    working = Some((now, now));
                    push(&mut pending, now + exponential(&mut services, 1e6), StationEvent::Done);
                    station.change(now, 0, 1, 1);
                } else {
                    waiting.push_back(now);
                    station.change(now, 1, 0, 0);
                }
            }
            StationEvent::Done => {
                let (arrived, began) = working.take().unwrap_or_default();
                station.served(now - arrived, began - arrived, now - began);
                link.succeeded(now - arrived);
                class.answered(now - arrived, deadline);
                client.change(now, 0, -1, 0);
                served += 1;
                if let Some(arrived) = waiting.pop_front() {
                    working = Some((arrived, now));
                    push(&mut pending, now + exponential(&mut services, 1e6), StationEvent::Done);
                    station.change(now, -1, 0, 0);
                } else {
                    station.change(now, 0, -1, -1);
                }
            }
        }
    }
    station.show();
    client.show();
    class.show();
    link.show();
    station.served + station.arrived
}

/// What happens in the network, with the request that it happens to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    /// A request reaches the balancer, after its way there.
    Reach(u32),
    ServiceDone(u32),
    DatabaseDone(u32),
    /// The answer is back at the client.
    Back(u32),
}

#[derive(Clone, Copy, Default)]
struct Request {
    issued: u64,
    reached: u64,
    /// When its work at the service began, and at the database.
    began: u64,
    asked: u64,
    asked_began: u64,
    service: u32,
    key: u32,
}

/// Least recently used, over a dense range of keys: lists by index.
struct Lru {
    /// Before and after, by key; `NONE` if it is not there.
    links: Vec<(u32, u32)>,
    held: Vec<bool>,
    head: u32,
    tail: u32,
    room: usize,
    evicted: u64,
}

const NONE: u32 = u32::MAX;

impl Lru {
    fn new(keys: usize, room: usize) -> Lru {
        Lru { links: vec![(NONE, NONE); keys], held: vec![false; keys], head: NONE, tail: NONE, room, evicted: 0 }
    }

    fn unlink(&mut self, key: u32) {
        let (before, after) = self.links[key as usize];
        if before == NONE {
            self.head = after
        } else {
            self.links[before as usize].1 = after
        }
        if after == NONE { self.tail = before } else { self.links[after as usize].0 = before }
    }

    fn push_front(&mut self, key: u32) {
        self.links[key as usize] = (NONE, self.head);
        if self.head == NONE {
            self.tail = key
        } else {
            self.links[self.head as usize].0 = key
        }
        self.head = key;
    }

    fn get(&mut self, key: u32) -> bool {
        let there = self.held[key as usize];
        if there {
            self.unlink(key);
            self.push_front(key);
        }
        there
    }

    fn put(&mut self, key: u32) {
        if self.held[key as usize] {
            return;
        }
        if self.room == 0 {
            let last = self.tail;
            self.unlink(last);
            self.held[last as usize] = false;
            self.evicted += 1;
        } else {
            self.room -= 1;
        }
        self.held[key as usize] = true;
        self.push_front(key);
    }
}

/// Source, round-robin balancer, services of four slots, cache with 80 % hits, a database with a slot for each service;
/// `way` is the mean of the way there and of the way back, in nanoseconds.
pub fn network(services: usize, way: f64, requests: u64) -> u64 {
    let mut sim = Network::new(services, way);
    sim.push(0, Event::Arrival);
    let mut events = 0u64;
    while sim.class.good + sim.class.late < requests {
        let Some(Reverse((now, _, event))) = sim.pending.pop() else { break };
        events += 1;
        sim.handle(now, event);
    }
    [&sim.client, &sim.balancer, &sim.service, &sim.cache, &sim.database].into_iter().for_each(Stats::show);
    sim.links.iter().for_each(LinkStats::show);
    sim.class.show();
    black_box((sim.hits, sim.misses, sim.lru.evicted, sim.checked));
    events
}

struct Network {
    pending: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    requests: Vec<Request>,
    free: Vec<u32>,
    rngs: [Rng; 5],
    client: Stats,
    balancer: Stats,
    service: Stats,
    cache: Stats,
    database: Stats,
    class: ClassStats,
    deadline: u64,
    /// To the balancer, the service, the cache and the database.
    links: [LinkStats; 4],
    hits: u64,
    misses: u64,
    /// Reads of the database whose version was looked at.
    checked: u64,
    busy: Vec<u32>,
    waiting: Vec<VecDeque<u32>>,
    turn: usize,
    lru: Lru,
    database_busy: usize,
    database_waiting: VecDeque<u32>,
    gap: f64,
    way: f64,
}

impl Network {
    fn new(services: usize, way: f64) -> Network {
        Network {
            pending: BinaryHeap::new(),
            sequence: 0,
            requests: Vec::new(),
            free: Vec::new(),
            rngs: [1, 2, 3, 4, 5].map(Rng::seeded),
            client: Stats::default(),
            balancer: Stats::default(),
            service: Stats::default(),
            cache: Stats::default(),
            database: Stats::default(),
            class: ClassStats::default(),
            deadline: deadline(),
            links: Default::default(),
            hits: 0,
            misses: 0,
            checked: 0,
            busy: vec![0; services],
            waiting: vec![VecDeque::new(); services],
            turn: 0,
            lru: Lru::new(1_000, 800),
            database_busy: 0,
            database_waiting: VecDeque::new(),
            gap: 1e9 / (1_400.0 * services as f64),
            way,
        }
    }

    #[inline]
    fn push(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.pending.push(Reverse((at, self.sequence, event)));
    }

    fn handle(&mut self, now: u64, event: Event) {
        match event {
            Event::Arrival => self.arrival(now),
            Event::Reach(id) => self.reach(now, id),
            Event::ServiceDone(id) => self.ask_cache(now, id),
            Event::DatabaseDone(id) => self.database_done(now, id),
            Event::Back(id) => self.back(now, id),
        }
    }

    fn arrival(&mut self, now: u64) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.requests.push(Request::default());
            self.requests.len() as u32 - 1
        });
        let key = self.rngs[1].below(1_000);
        self.requests[id as usize] = Request { issued: now, key, ..Request::default() };
        self.class.offered += 1;
        self.client.change(now, 0, 1, 0);
        self.links[0].sent += 1;
        let gap = exponential(&mut self.rngs[0], self.gap);
        self.push(now + gap, Event::Arrival);
        if self.way > 0.0 {
            let way = exponential(&mut self.rngs[4], self.way);
            self.push(now + way, Event::Reach(id));
        } else {
            self.reach(now, id);
        }
    }

    fn reach(&mut self, now: u64, id: u32) {
        self.balancer.arrived += 1;
        self.balancer.change(now, 0, 1, 0);
        self.turn = if self.turn + 1 < self.busy.len() { self.turn + 1 } else { 0 };
        let service = self.turn;
        self.service.arrived += 1;
        self.links[1].sent += 1;
        let request = &mut self.requests[id as usize];
        request.reached = now;
        request.service = service as u32;
        if self.busy[service] < 4 {
            self.busy[service] += 1;
            self.service.change(now, 0, 1, 1);
            self.begin(now, id);
        } else {
            self.service.change(now, 1, 0, 0);
            self.waiting[service].push_back(id);
        }
    }

    fn begin(&mut self, now: u64, id: u32) {
        self.requests[id as usize].began = now;
        let work = exponential(&mut self.rngs[2], 2e6);
        self.push(now + work, Event::ServiceDone(id));
    }

    fn ask_cache(&mut self, now: u64, id: u32) {
        self.cache.arrived += 1;
        self.links[2].sent += 1;
        self.service.change(now, 0, 0, -1);
        let request = &mut self.requests[id as usize];
        request.asked = now;
        if self.lru.get(request.key) {
            self.hits += 1;
            return self.answer(now, id);
        }
        self.misses += 1;
        self.cache.change(now, 0, 1, 0);
        self.database.arrived += 1;
        self.links[3].sent += 1;
        if self.database_busy < self.busy.len() {
            self.database_busy += 1;
            self.database.change(now, 0, 1, 1);
            self.read(now, id);
        } else {
            self.database.change(now, 1, 0, 0);
            self.database_waiting.push_back(id);
        }
    }

    fn read(&mut self, now: u64, id: u32) {
        self.requests[id as usize].asked_began = now;
        let work = exponential(&mut self.rngs[3], 2.5e6);
        self.push(now + work, Event::DatabaseDone(id));
    }

    fn database_done(&mut self, now: u64, id: u32) {
        let request = self.requests[id as usize];
        self.database.served(now - request.asked, request.asked_began - request.asked, now - request.asked_began);
        self.links[3].succeeded(now - request.asked);
        self.checked += 1;
        self.cache.change(now, 0, -1, 0);
        self.lru.put(request.key);
        if let Some(next) = self.database_waiting.pop_front() {
            self.database.change(now, -1, 0, 0);
            self.read(now, next);
        } else {
            self.database.change(now, 0, -1, -1);
            self.database_busy -= 1;
        }
        self.answer(now, id);
    }

    /// From the cache back to the service, the balancer and the client.
    fn answer(&mut self, now: u64, id: u32) {
        let request = self.requests[id as usize];
        self.cache.served(now - request.asked, 0, 0);
        self.links[2].succeeded(now - request.asked);
        self.service.served(now - request.reached, request.began - request.reached, request.asked - request.began);
        let service = request.service as usize;
        if let Some(next) = self.waiting[service].pop_front() {
            self.service.change(now, -1, 0, 1);
            self.begin(now, next);
        } else {
            self.service.change(now, 0, -1, 0);
            self.busy[service] -= 1;
        }
        self.links[1].succeeded(now - request.reached);
        self.balancer.served(now - request.reached, 0, 0);
        self.balancer.change(now, 0, -1, 0);
        if self.way > 0.0 {
            let way = exponential(&mut self.rngs[4], self.way);
            self.push(now + way, Event::Back(id));
        } else {
            self.back(now, id);
        }
    }

    fn back(&mut self, now: u64, id: u32) {
        let latency = now - self.requests[id as usize].issued;
        self.links[0].succeeded(latency);
        self.class.answered(latency, self.deadline);
        self.client.change(now, 0, -1, 0);
        self.free.push(id);
    }
}
