//! A load balancer: distributes calls over the replicas of its targets.

mod picking;

mod timers;

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::life::{Life, Phase};
use super::params::{Param, Section, Visitor};
use crate::base::{LinkId, Ratio, Rng, Span, Time};
use crate::engine::{
    Again, Aim, CallId, Child, Control, Counter, Ctx, Fault, Meter, NodeMeasure, Reason, Reply, Role, Route, Unit,
};
use crate::parts::picker::{Balance, Picker, Target};
use picking::{identity, says_nothing, warmth};
use serde::{Deserialize, Serialize};

const EJECTED: Counter = Counter(0);

/// The parameters.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub balance: Balance,
    pub health_check: Option<HealthCheck>,
    pub ejection: Option<Ejection>,
    pub slow_start: Option<Span>,
    pub stale: Option<Span>,
}

/// Probes that find out who is down, and who is back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    pub interval: Span,
    /// So many probes in a row must fail, or succeed.
    pub down_after: u32,
    pub up_after: u32,
}

impl HealthCheck {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("interval", "Time between probes."),
        ("down_after", "Consecutive failed probes before a replica is taken out."),
        ("up_after", "Consecutive successful probes before it is back."),
    ];
}

impl Default for HealthCheck {
    fn default() -> Self {
        HealthCheck { interval: Span::from_secs(5), down_after: 2, up_after: 2 }
    }
}

/// Taking out who fails too often (Envoy's outlier detection).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ejection {
    /// So many failures in a row.
    pub failures: u32,
    /// For so long; twice as long the second time, and so on.
    pub lasting: Span,
    /// Never more than this share of the targets.
    pub most: Ratio,
}

impl Ejection {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("failures", "Consecutive failures before a replica is ejected."),
        ("lasting", "Ejection time; multiplied by the number of ejections so far."),
        ("most", "Largest share of the targets that may be ejected at once."),
    ];
}

impl Default for Ejection {
    fn default() -> Self {
        Ejection { failures: 5, lasting: Span::from_secs(30), most: Ratio(0.5) }
    }
}

/// What the balancer keeps of a target besides what it picks by.
#[derive(Clone, Debug)]
struct Watch {
    number: u32,
    link: LinkId,
    replica: u16,
    weight: f64,
    healthy: bool,
    /// Probes in a row that contradict `healthy`.
    against: u32,
    failures: u32,
    /// When it was ejected, and until when that lasts.
    ejected_at: Time,
    ejected_until: Option<Time>,
    ejections: u32,
    /// Whether it seemed fit to be picked when last looked at.
    fit: bool,
    /// For slow start: when it became fit, if it was not from the beginning.
    since: Option<Time>,
}

/// A place that was ever picked from. Calls bear its number: it stays when the list of targets changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    link: LinkId,
    replica: u16,
    /// Its present place in the list; [`GONE`] if it is not there.
    at: u32,
}

const GONE: u32 = u32::MAX;

/// A running load balancer.
#[derive(Clone)]
pub struct LoadBalancer {
    spec: Spec,
    rng: Rng,
    picker: Picker,
    watches: Vec<Watch>,
    targets: Vec<Target>,
    known: Vec<Known>,
    /// Room for the places of a further attempt.
    others: Vec<u32>,
    topology: u64,
    /// What timers of probes and looks must carry to be meant, and when each happened last.
    epochs: [u64; 2],
    last: [Time; 2],
    life: Life,
    /// The targets differ in what links admit, so that each pick must ask.
    picky: bool,
    /// Weights grow as targets warm up, so that each pick must look.
    warming: bool,
}

const PROBE: u64 = 0;
const LOOK: u64 = 1;
const READMIT: u64 = 2;
const FIND: u64 = 3;

impl LoadBalancer {
    /// Bring the list of targets up to date.
    fn find_targets(&mut self, ctx: &Ctx) {
        let first = self.topology == u64::MAX;
        self.topology = ctx.topology();
        let outs = ctx.outs().to_vec();
        let mut wanted = Vec::new();
        for link in outs {
            wanted.extend((0..ctx.replicas(ctx.target(link))).map(|replica| (link, replica)));
        }
        let same = wanted.len() == self.watches.len()
            && wanted.iter().zip(&self.watches).all(|(w, watch)| *w == (watch.link, watch.replica));
        if !same {
            let (watches, targets) = (std::mem::take(&mut self.watches), std::mem::take(&mut self.targets));
            let mut old: Vec<(Watch, Target)> = watches.into_iter().zip(targets).collect();
            for (link, replica) in wanted {
                let known = old.iter().position(|(watch, _)| (watch.link, watch.replica) == (link, replica));
                let (watch, target) = known.map_or_else(|| self.new_target(ctx, link, replica), |i| old.swap_remove(i));
                self.known[watch.number as usize].at = self.watches.len() as u32;
                self.watches.push(watch);
                self.targets.push(target);
            }
            for (watch, _) in old {
                self.known[watch.number as usize].at = GONE;
            }
        }
        self.refresh(ctx);
        if first {
            // Who was there from the beginning is warm.
            self.watches.iter_mut().for_each(|watch| watch.since = None);
            self.refresh(ctx);
        }
    }

    fn new_target(&mut self, ctx: &Ctx, link: LinkId, replica: u16) -> (Watch, Target) {
        let weight = ctx.weight(link);
        let number = self.known.iter().position(|known| (known.link, known.replica) == (link, replica));
        let number = number.unwrap_or_else(|| {
            self.known.push(Known { link, replica, at: GONE });
            self.known.len() - 1
        });
        let watch = Watch {
            number: number as u32,
            link,
            replica,
            weight,
            healthy: true,
            against: 0,
            failures: 0,
            ejected_at: Time::ZERO,
            ejected_until: None,
            ejections: 0,
            fit: false,
            since: None,
        };
        (watch, Target::new(identity(ctx, link, replica), weight))
    }

    /// Who may be picked now.
    fn refresh(&mut self, ctx: &Ctx) {
        let now = ctx.now();
        // Elsewhere a target that warms up is passed over for others; smooth weighted round robin gives it less weight.
        let scaled = self.spec.slow_start.filter(|_| self.spec.balance == Balance::Weighted);
        self.warming = false;
        for (watch, target) in self.watches.iter_mut().zip(&mut self.targets) {
            // A platform knows whom it has started or stopped; a crash is found by probes or by failing.
            let serving = ctx.is_serving(ctx.target(watch.link), watch.replica);
            target.usable = watch.healthy && serving && watch.ejected_until.is_none_or(|until| now >= until);
            if !std::mem::replace(&mut watch.fit, target.usable) && target.usable {
                watch.since = Some(now);
            }
            let warmth = warmth(scaled, watch, now);
            target.weight = watch.weight * warmth;
            self.warming |= warmth < 1.0;
        }
        if self.targets.iter().all(|target| !target.usable) {
            // Nobody seems well: better try any than fail all (Envoy's panic mode).
            for target in &mut self.targets {
                target.usable = true;
            }
        }
        self.picker.refresh(&self.targets);
    }

    #[inline(always)]
    fn change_load(&mut self, picked: usize, change: i32) {
        let target = &mut self.targets[picked];
        target.load = target.load.saturating_add_signed(change);
        if self.spec.stale.is_none() {
            let before = std::mem::replace(&mut target.seen, target.load);
            self.picker.load_changed(picked, before, target.load);
        }
    }

    fn look(&mut self, ctx: &mut Ctx) {
        for target in &mut self.targets {
            target.seen = target.load;
        }
        self.picker.refresh(&self.targets);
        self.come_again(ctx, LOOK);
    }

    fn probe(&mut self, ctx: &mut Ctx) {
        let Some(check) = self.spec.health_check else { return };
        if self.topology != ctx.topology() {
            self.find_targets(ctx);
        }
        let mut changed = false;
        for watch in &mut self.watches {
            let up = ctx.is_up(ctx.target(watch.link), watch.replica) && !ctx.is_cut(watch.link);
            if up == watch.healthy {
                watch.against = 0;
                continue;
            }
            watch.against += 1;
            if watch.against >= if watch.healthy { check.down_after } else { check.up_after } {
                (watch.healthy, watch.against) = (up, 0);
                changed = true;
            }
        }
        if changed {
            self.refresh(ctx);
        }
        self.come_again(ctx, PROBE);
    }

    /// Learn from an answer.
    #[inline(always)]
    fn learn(&mut self, ctx: &mut Ctx, picked: usize, child: &Child) {
        if says_nothing(child) {
            return;
        }
        let now = ctx.now();
        self.picker.learn(&mut self.targets[picked], now.since(child.sent), now);
        if let Some(ejection) = self.spec.ejection {
            self.consider_ejection(ctx, picked, child.reply.is_ok(), ejection);
        }
    }

    #[inline(never)]
    fn consider_ejection(&mut self, ctx: &mut Ctx, picked: usize, is_ok: bool, ejection: Ejection) {
        let now = ctx.now();
        let out = self.watches.iter().filter(|watch| watch.ejected_until.is_some()).count();
        let room = (out + 1) as f64 <= ejection.most.0 * self.watches.len() as f64;
        let watch = &mut self.watches[picked];
        if is_ok {
            watch.failures = 0;
            return;
        }
        watch.failures += 1;
        if watch.failures >= ejection.failures && watch.ejected_until.is_none() && room {
            watch.ejections += 1;
            watch.failures = 0;
            let lasting = watch.ejection_time(ejection);
            (watch.ejected_at, watch.ejected_until) = (now, Some(now + lasting));
            ctx.count(EJECTED, 1);
            ctx.timer(lasting, READMIT);
            self.refresh(ctx);
        }
    }

    /// An attempt is no longer in flight, whatever came of it.
    #[inline(always)]
    fn ended(&mut self, ctx: &mut Ctx, child: &Child) {
        // By the number and not by the replica that answered: a database or a sharded store chooses that itself.
        let at = self.known[child.tag as usize].at;
        if at != GONE {
            self.change_load(at as usize, -1);
            self.learn(ctx, at as usize, child);
        }
    }

    /// Whose time is over may be picked again, with nothing held against it.
    fn readmit(&mut self, ctx: &mut Ctx) {
        let now = ctx.now();
        for watch in &mut self.watches {
            if watch.ejected_until.is_some_and(|until| now >= until) {
                (watch.ejected_until, watch.failures) = (None, 0);
            }
        }
        self.refresh(ctx);
    }
}

impl Kind for LoadBalancer {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "load_balancer",
        title: "Load balancer",
        group: Group::Edge,
        summary: "Distributes calls over the replicas of its targets.",
        help: HELP,
        role: Role::Balancer,
        copies: None,
        waiting_room: None,
        chances: &[],
        accepts_calls: true,
        outs: Outs::Some,
        measures: &[
            NodeMeasure::level(
                "usable",
                0,
                Unit::Number,
                "Targets that the balancer takes for usable: healthy as far as it knows, and not ejected.",
            ),
            NodeMeasure::counted("ejected", EJECTED, "Ejections after consecutive failures."),
        ],
        controls: &[Handle::Kill, Handle::Fail],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new(
                "balance",
                "Balancing policy: RoundRobin, Weighted, Random, LeastConnections, PowerOfChoices, PeakEwma, IpHash or \
                 ConsistentHash. Weights of links count under each.",
                &[
                    "Random",
                    "Weighted",
                    "LeastConnections",
                    "PowerOfChoices(choices: 2, replacement: false)",
                    "PeakEwma(decay: \"10s\")",
                    "IpHash",
                    "ConsistentHash(virtual_nodes: 100, bound: 1.25)",
                ],
            )
            .leads(Section::Calls)
            .parts(Balance::PARTS)
            .live(),
            &mut spec.balance,
        );
        v.visit(
            &Param::new(
                "health_check",
                "Active health checks: a replica that fails its probes gets no calls. Probes see crashes and cut links. None: off.",
                &["(interval: \"500ms\")"],
            ).leads(Section::Reliability)
            .parts(HealthCheck::PARTS)
            .live(),
            &mut spec.health_check,
        );
        v.visit(
            &Param::new(
                "ejection",
                "Outlier ejection: takes a replica out for a time after consecutive failures. None: off.",
                &["(failures: 1)"],
            )
            .leads(Section::Reliability)
            .parts(Ejection::PARTS)
            .live(),
            &mut spec.ejection,
        );
        v.visit(
            &Param::new(
                "slow_start",
                "Slow start: time in which the share of a new or recovered replica grows from a tenth to the whole. None: the whole at once.",
                &["\"5s\""],
            ).within(Section::Reliability)
            .live(),
            &mut spec.slow_start,
        );
        v.visit(
            &Param::new(
                "stale",
                "Stale load information: interval at which loads are sampled. None: every call sees the current loads.",
                &["\"2s\""],
            )
            .within(Section::Advanced)
            .live(),
            &mut spec.stale,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        match spec.balance {
            Balance::PowerOfChoices { choices, .. } if !(1..=16).contains(&choices) => {
                checker.error("balance", "choices is a number from 1 to 16");
            }
            Balance::ConsistentHash { bound, virtual_nodes }
                if !(bound >= 1.0 && (1..=10_000).contains(&virtual_nodes)) =>
            {
                checker.error("balance", "bound is a number from 1 up, virtual_nodes one from 1 to 10000");
            }
            _ => {}
        }
        if let Some(check) = spec.health_check {
            checker.recurs("health_check", "interval", check.interval.0 as f64, 1);
        }
        if let Some(interval) = spec.stale {
            checker.recurs("stale", "a look", interval.0 as f64, 1);
        }
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> LoadBalancer {
        let mut balancer = LoadBalancer {
            rng: ctx.stream("balance"),
            picker: Picker::new(spec.balance),
            watches: Vec::new(),
            targets: Vec::new(),
            known: Vec::new(),
            others: Vec::new(),
            topology: u64::MAX,
            epochs: [0; 2],
            last: [Time::ZERO; 2],
            life: Life::new(Phase::Running),
            picky: ctx.is_picky(),
            warming: false,
            spec: spec.clone(),
        };
        ctx.picks_again();
        balancer.begin(ctx);
        balancer
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        if spec.balance != self.spec.balance {
            self.picker = Picker::new(spec.balance);
        }
        let before = std::mem::replace(&mut self.spec, spec.clone());
        if self.spec.ejection != before.ejection {
            self.eject_anew(ctx);
        }
        for target in &mut self.targets {
            target.seen = target.load;
        }
        if self.spec.health_check != before.health_check {
            self.time(ctx, PROBE);
        }
        if self.spec.stale != before.stale {
            self.time(ctx, LOOK);
        }
        self.find_targets(ctx);
    }

    #[inline]
    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        if self.topology != ctx.topology() {
            self.find_targets(ctx);
        } else if self.warming {
            self.refresh(ctx);
        }
        let Some(picked) = self.pick(ctx, id) else { return ctx.reply(id, Reply::turned_away(Reason::NoRoute)) };
        let watch = &self.watches[picked];
        let (link, replica, number) = (watch.link, watch.replica, watch.number);
        self.change_load(picked, 1);
        ctx.meter_add(Meter::Busy, 1);
        let request = ctx.call(id).asks;
        ctx.send(id, link, number, Route { origin: 0, replica }, request);
    }

    #[inline(never)]
    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        ctx.meter_add(Meter::Busy, -1);
        if !child.attempts_told {
            self.ended(ctx, child);
        }
        ctx.reply(child.parent, child.reply);
    }

    fn on_attempt(&mut self, ctx: &mut Ctx, attempt: &Child) {
        self.ended(ctx, attempt);
    }

    fn pick_again(&mut self, ctx: &mut Ctx, again: &Again) -> Aim {
        self.pick_another(ctx, again)
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        match token & 0xF {
            READMIT => self.readmit(ctx),
            FIND => self.find_targets(ctx),
            // Asked for before the settings changed, or by a process that is gone.
            what if token >> 4 != self.epochs[what as usize] => {}
            PROBE => self.probe(ctx),
            _ => self.look(ctx),
        }
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        if let Control::Fault(fault, _) = control {
            let was_dead = self.life.is_dead();
            self.life.strike(fault);
            match fault {
                Fault::Kill => self.kill(ctx),
                Fault::Restart if was_dead => self.begin(ctx),
                _ => {}
            }
        }
    }

    fn gauges(&self) -> Vec<f64> {
        vec![self.targets.iter().filter(|target| target.usable).count() as f64]
    }
}

const HELP: &str = "\
The balancer passes each call on to one replica of one of its targets, the nodes that its links lead to. `balance` is the \
policy. RoundRobin and Weighted take turns, Random draws; LeastConnections, PowerOfChoices and PeakEwma go by the calls in flight; IpHash \
goes by tenant, ConsistentHash by key. PowerOfChoices with two choices is nearly as good as LeastConnections. The balancer \
knows the calls that it has in flight itself and nothing of other balancers. With `stale` it samples these loads at an \
interval; between two samples all calls then herd to the same target.

A link's `weight` is the weight of each of its replicas and counts under every policy: as share of the calls with \
RoundRobin, Weighted, Random, IpHash and ConsistentHash, as share of the calls in flight with LeastConnections, \
PowerOfChoices and PeakEwma. Weight 0 takes a target out. Hashes depend on the targets' names and the seed, not on the order \
of links.

A `retry` or `hedge` on a link from the balancer picks another replica while there is one that this call has not tried; then \
it starts over. It may use every link of the balancer that has the same `retry`, `hedge`, `deadline`, `propagate_deadline`, \
`fallback` and `operation` (as nginx tries all servers of an upstream); a link with other settings keeps its attempts to \
itself. Breaker, bulkhead, timeout and pool are those of the link that the attempt takes. Load, latency and failures count \
for the replica that the attempt went to.

A replica that crashes is picked, and refuses, until a `health_check` notices. One that was stopped on purpose or has not \
started is not picked. Probes see crashes and cut links; they see neither freezes nor errors. `ejection` takes a replica out \
after consecutive failures. `slow_start` gives a replica that becomes available a tenth of its share at first and the whole \
after that time; replicas that are there from the beginning are warm. If no target is available, all are tried. A balancer \
that is killed forgets what it knew of its targets.

Not modelled: the balancer's own capacity; sticky sessions by cookie; load reports between balancers.";
