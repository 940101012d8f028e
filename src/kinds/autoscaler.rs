//! An autoscaler: scales the replicas of its target.

use super::kind::{Checker, Group, Kind, Meta, Outs};
use super::params::{Param, Section, Visitor};
use crate::base::{NodeId, Ratio, Span, Time};
use crate::engine::{Control, Counter, Ctx, Meter, NodeMeasure, Role, Unit};
use serde::{Deserialize, Serialize};

const STARTED: Counter = Counter(0);
const STOPPED: Counter = Counter(1);

const MEASURES: &[NodeMeasure] = &[
    NodeMeasure::level("wanted", 0, Unit::Number, "Replicas that are ordered."),
    NodeMeasure::level("measured", 1, Unit::Number, "What the metric was at the last evaluation."),
    NodeMeasure::counted("started", STARTED, "Replicas that are ordered in addition."),
    NodeMeasure::counted("stopped", STOPPED, "Replicas that are taken away."),
];

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub target: Target,
    pub min: u16,
    pub max: u16,
    pub interval: Span,
    pub tolerance: Ratio,
    pub cooldown_up: Span,
    pub cooldown_down: Span,
    pub max_step: u16,
    pub start_up: Span,
}

/// What it keeps near a set value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Target {
    /// Busy slots over slots.
    Utilization(Ratio),
    /// Busy cores over cores.
    Cores(Ratio),
    /// Waiting calls or messages per replica.
    Queue(f64),
}

impl Target {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Utilization", "Slot utilisation: slots in use over slots."),
        ("Cores", "CPU utilisation: cores in use over cores."),
        ("Queue", "Queue length per replica: waiting calls or messages."),
    ];
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            target: Target::Utilization(Ratio(0.6)),
            min: 1,
            max: 10,
            interval: Span::from_secs(5),
            tolerance: Ratio(0.1),
            cooldown_up: Span::ZERO,
            cooldown_down: Span::from_secs(60),
            max_step: 100,
            start_up: Span::ZERO,
        }
    }
}

/// A running autoscaler.
#[derive(Clone)]
pub struct Autoscaler {
    spec: Spec,
    scaled: NodeId,
    watched: NodeId,
    /// Replicas ordered, which may not have come yet.
    wanted: u16,
    last_areas: [u64; 5],
    /// The area under the cores of what it scales, and how many cores a replica has: 0 until all of them ran at once.
    last_cores: u64,
    cores_each: f64,
    last_at: Time,
    last_up: Option<Time>,
    last_down: Option<Time>,
    epoch: u64,
    measured: f64,
}

const LOOK: u64 = 0;
const ORDER: u64 = 1;

impl Autoscaler {
    /// The bounds may cross for a moment, while both are being changed: then the lower one holds.
    fn within(&self, wanted: u16) -> u16 {
        wanted.min(self.spec.max).max(self.spec.min)
    }

    /// How many replicas it scales ran since the last look, on average. Those that are ordered but have not started yet add
    /// no cores.
    fn running(&mut self, ctx: &Ctx, time: f64) -> f64 {
        let count = ctx.replicas(self.scaled);
        if (0..count).all(|replica| ctx.is_up(self.scaled, replica)) {
            self.cores_each = f64::from(ctx.level(self.scaled, Meter::CoreCapacity)) / f64::from(count.max(1));
        }
        let area = ctx.areas(self.scaled)[Meter::CoreCapacity as usize];
        let cores = area.wrapping_sub(std::mem::replace(&mut self.last_cores, area)) as f64;
        if self.cores_each > 0.0 && time > 0.0 { cores / time / self.cores_each } else { f64::from(self.wanted) }
    }

    /// The measured value over the set one, and how many replicas it was measured at, since the last look.
    fn pressure(&mut self, ctx: &Ctx) -> Option<(f64, f64)> {
        let (now, areas) = (ctx.now(), ctx.areas(self.watched));
        let since = |meter: Meter| areas[meter as usize].wrapping_sub(self.last_areas[meter as usize]) as f64;
        let time = now.since(self.last_at).0 as f64;
        let (busy, slots) = (since(Meter::Busy), since(Meter::SlotCapacity));
        let (cores, core_capacity, queue) = (since(Meter::Cores), since(Meter::CoreCapacity), since(Meter::Queue));
        let running = self.running(ctx, time);
        (self.last_areas, self.last_at) = (areas, now);
        if time <= 0.0 {
            return None;
        }
        let ordered = f64::from(self.wanted.max(1));
        let (value, set, replicas) = match self.spec.target {
            Target::Utilization(set) => ((slots > 0.0).then(|| busy / slots)?, set.0, running),
            Target::Cores(set) => ((core_capacity > 0.0).then(|| cores / core_capacity)?, set.0, running),
            Target::Queue(set) => (queue / time / ordered, set, ordered),
        };
        self.measured = value;
        Some((value / set, replicas))
    }

    fn look(&mut self, ctx: &mut Ctx) {
        ctx.timer(self.spec.interval, LOOK | self.epoch << 4);
        let Some((pressure, replicas)) = self.pressure(ctx) else { return };
        // Kubernetes' horizontal pod autoscaler: no change within the tolerance, else in proportion. Replicas that are
        // ordered but do not run yet count as idle: if that is within the tolerance, they will do.
        let mut wanted = self.wanted;
        let needed = pressure * replicas;
        let with_ordered = needed / f64::from(self.wanted.max(1));
        let (low, high) = (1.0 - self.spec.tolerance.0, 1.0 + self.spec.tolerance.0);
        if pressure.min(with_ordered) > high || pressure.max(with_ordered) < low {
            // What rounding has added is no replica.
            wanted = (needed - 1e-9).ceil().clamp(0.0, 60_000.0) as u16;
        }
        let step = self.spec.max_step;
        wanted = wanted.clamp(self.wanted.saturating_sub(step), self.wanted.saturating_add(step));
        wanted = self.within(wanted);
        let now = ctx.now();
        let rested = |last: Option<Time>, cooldown: Span| last.is_none_or(|last| now.since(last) >= cooldown);
        let up = wanted > self.wanted && rested(self.last_up, self.spec.cooldown_up);
        let down = wanted < self.wanted
            && rested(self.last_down, self.spec.cooldown_down)
            && rested(self.last_up, self.spec.cooldown_down);
        if up || down {
            self.order(ctx, wanted);
        }
    }

    fn order(&mut self, ctx: &mut Ctx, wanted: u16) {
        if wanted > self.wanted {
            ctx.count(STARTED, u64::from(wanted - self.wanted));
            self.last_up = Some(ctx.now());
        } else {
            ctx.count(STOPPED, u64::from(self.wanted - wanted));
            self.last_down = Some(ctx.now());
        }
        self.wanted = wanted;
        ctx.timer(self.spec.start_up, ORDER | u64::from(wanted) << 4);
    }
}

impl Kind for Autoscaler {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "autoscaler",
        title: "Autoscaler",
        group: Group::Control,
        summary: "Keeps utilisation or queue length near a target by changing the number of replicas.",
        help: HELP,
        role: Role::Scaler,
        copies: None,
        waiting_room: None,
        chances: &[],
        accepts_calls: false,
        outs: Outs::Some,
        measures: MEASURES,
        controls: &[],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new(
                "target",
                "Target metric and its set point.",
                &["Utilization(0.3)", "Cores(0.2)", "Queue(0.5)"],
            )
            .leads(Section::Load)
            .parts(Target::PARTS)
            .live(),
            &mut spec.target,
        );
        v.visit(
            &Param::new("min", "Minimum number of replicas.", &["3"])
                .leads(Section::Capacity)
                .range(1.0, 10_000.0)
                .live(),
            &mut spec.min,
        );
        v.visit(
            &Param::new("max", "Maximum number of replicas.", &["2"])
                .leads(Section::Capacity)
                .range(1.0, 10_000.0)
                .live(),
            &mut spec.max,
        );
        v.visit(
            &Param::new("interval", "Interval between two evaluations of the target metric.", &["\"700ms\""])
                .leads(Section::Time)
                .range(0.001, 1e5)
                .live(),
            &mut spec.interval,
        );
        v.visit(
            &Param::new(
                "tolerance",
                "Tolerance: no change while the metric is within this share of the target. 0: any deviation counts.",
                &["0.9"],
            )
            .within(Section::Advanced)
            .range(0.0, 1.0)
            .live(),
            &mut spec.tolerance,
        );
        v.visit(
            &Param::new("cooldown_up", "Cooldown after scaling up, before scaling up again.", &["\"30s\""])
                .within(Section::Time)
                .live(),
            &mut spec.cooldown_up,
        );
        v.visit(
            &Param::new("cooldown_down", "Cooldown after any change, before scaling down.", &["\"1s\""])
                .within(Section::Time)
                .live(),
            &mut spec.cooldown_down,
        );
        v.visit(
            &Param::new("max_step", "Largest change of the number of replicas at once.", &["1"])
                .within(Section::Advanced)
                .range(1.0, 10_000.0)
                .live(),
            &mut spec.max_step,
        );
        v.visit(
            &Param::new(
                "start_up",
                "Delay from the decision to the change, such as the start of a machine.",
                &["\"3s\""],
            )
            .within(Section::Time)
            .live(),
            &mut spec.start_up,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        if spec.min > spec.max {
            checker.error("min", format!("min {} is above max {}", spec.min, spec.max));
        }
        let set = match spec.target {
            Target::Utilization(set) | Target::Cores(set) => set.0,
            Target::Queue(set) => set,
        };
        if !(set > 0.0 && set.is_finite()) {
            checker.error("target", "the value to keep is a number above 0");
        }
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Autoscaler {
        let outs = ctx.outs().to_vec();
        let scaled = outs.first().map_or(ctx.node(), |link| ctx.target(*link));
        let watched = outs.get(1).map_or(scaled, |link| ctx.target(*link));
        let mut autoscaler = Autoscaler {
            scaled,
            watched,
            wanted: 0,
            last_areas: [0; 5],
            last_cores: 0,
            cores_each: 0.0,
            last_at: ctx.now(),
            last_up: None,
            last_down: None,
            epoch: 0,
            measured: 0.0,
            spec: spec.clone(),
        };
        // Nodes start one after the other; what it scales may not have started yet.
        ctx.timer(Span::ZERO, LOOK | autoscaler.epoch << 4);
        autoscaler.wanted = 0;
        autoscaler
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        let timed_alike = spec.interval == self.spec.interval;
        self.spec = spec.clone();
        if !timed_alike {
            // The time since the last look counts.
            self.epoch += 1;
            let next = (self.last_at + self.spec.interval).max(ctx.now());
            ctx.timer_at(next, LOOK | self.epoch << 4);
        }
        let within = self.within(self.wanted);
        if self.wanted > 0 && within != self.wanted {
            self.order(ctx, within);
        }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        if token & 0xF == ORDER {
            ctx.control(self.scaled, Control::Scale((token >> 4) as u16));
        } else if token >> 4 == self.epoch {
            if self.wanted == 0 {
                self.wanted = ctx.replicas(self.scaled).max(1);
                let within = self.within(self.wanted);
                if within != self.wanted {
                    self.wanted = within;
                    ctx.control(self.scaled, Control::Scale(within));
                }
            }
            self.look(ctx);
        }
    }

    fn gauges(&self) -> Vec<f64> {
        vec![f64::from(self.wanted), self.measured]
    }
}

const HELP: &str = "\
Every `interval` the autoscaler compares what it measured since the last evaluation with the `target` and sets the number of \
replicas in proportion, as Kubernetes' Horizontal Pod Autoscaler does: between `min` and `max`, by at most `max_step` at \
once, not within the `tolerance`, and not before `cooldown_up` or `cooldown_down` have passed. Replicas that are ordered but \
do not run yet count as idle, so they are not ordered twice. A change takes effect after `start_up`; the node's own start-up \
time comes on top. A new `min` or `max` that excludes the present number acts at once.

Links are taken in the order of their steps, and of their names where steps are equal. The first link leads to the node that \
is scaled: a service, a worker or a sharded store. The metric is of that node, or of the node of the second link (a queue, \
say, whose workers are scaled).

Not modelled: missing or late measurements; prediction; the cost of nodes.";
