//! A service's parameters: what they are, what is said of them, and what of them does not go together.

use crate::base::{Dist, Ratio, Span};
use crate::engine::Copies;
use crate::kinds::kind::Checker;
use crate::kinds::params::{Param, Section, Visitor};
use crate::kinds::station::StationSpec;
use crate::parts::processor::Sharing;
use crate::parts::waiting::Discipline;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub replicas: u16,
    pub runtime: Runtime,
    pub slots: u32,
    pub cores: u32,
    pub processes: u32,
    pub work: Dist,
    pub work_by_class: BTreeMap<String, Dist>,
    pub wait: Dist,
    pub work_after: Dist,
    pub discipline: Discipline,
    pub fair_weights: BTreeMap<String, f64>,
    pub queue_limit: Option<u32>,
    pub max_wait: Option<Dist>,
    pub codel: Option<CoDel>,
    pub drop_expired: bool,
    pub contention: f64,
    pub coherency: f64,
    pub error_share: Ratio,
    pub poison_share: Ratio,
    pub pauses: Option<Pauses>,
    pub breakdowns: Option<Breakdowns>,
    pub start_up: Span,
}

/// What runs the code of a replica.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Runtime {
    /// Worker threads that share all cores evenly.
    #[default]
    Threads,
    /// One core per process, first come first served; waiting costs nothing, work blocks everybody.
    EventLoop,
    /// Threads that take turns on one core per process (CPython's global lock).
    GlobalLock {
        #[serde(default = "switch_interval")]
        switch_interval: Span,
    },
    /// One call per instance; instances on demand, up to `slots`.
    Serverless { cold_start: Dist, keep_alive: Span },
}

impl Runtime {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Threads", "Worker threads that share all cores evenly."),
        (
            "EventLoop",
            "Event loop: one core per process, first come, first served; work blocks all other calls of the process.",
        ),
        ("GlobalLock", "Threads that take turns on one core per process (CPython's global interpreter lock)."),
        ("Serverless", "Serverless: one instance per call, up to `slots`, with cold starts."),
        (
            "switch_interval",
            "Time after which a thread passes on the lock that others wait for (default 5 ms, as in CPython).",
        ),
        ("cold_start", "Cold start: time to start an instance."),
        ("keep_alive", "Keep-alive: time for which an idle instance is kept."),
    ];
}

/// CPython's own.
fn switch_interval() -> Span {
    Span::from_millis(5)
}

/// Drop from a standing queue (controlled delay).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoDel {
    pub target: Span,
    pub interval: Span,
}

/// Stops of the whole replica, such as garbage collection: work goes on afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pauses {
    /// From the end of one to the beginning of the next.
    pub every: Dist,
    pub lasting: Dist,
}

/// Failures and repairs of a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakdowns {
    /// Time between a repair and the next failure.
    pub up: Dist,
    pub down: Dist,
    /// Whether calls are lost and refused meanwhile; otherwise they wait.
    pub lose: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            replicas: 1,
            runtime: Runtime::Threads,
            slots: 16,
            cores: 16,
            processes: 1,
            work: Dist::exponential(Span::from_millis(5)),
            work_by_class: BTreeMap::new(),
            wait: Dist::ZERO,
            work_after: Dist::ZERO,
            discipline: Discipline::Fifo,
            fair_weights: BTreeMap::new(),
            queue_limit: Some(1_000),
            max_wait: None,
            codel: None,
            drop_expired: true,
            contention: 0.0,
            coherency: 0.0,
            error_share: Ratio(0.0),
            poison_share: Ratio(0.0),
            pauses: None,
            breakdowns: None,
            start_up: Span::ZERO,
        }
    }
}

impl Spec {
    /// Slots and cores of one replica, and how cores are shared, by the run-time. What depends on the numbers of classes is
    /// left to whoever knows them.
    pub fn station(&self) -> StationSpec {
        let per_process = |n: u32| n.saturating_mul(self.processes);
        let (cores, sharing) = match &self.runtime {
            Runtime::Threads => (self.cores, Sharing::Even),
            Runtime::EventLoop => (self.processes.min(self.cores), Sharing::Fcfs),
            Runtime::GlobalLock { switch_interval } => {
                (self.processes.min(self.cores), Sharing::Switching(*switch_interval))
            }
            Runtime::Serverless { .. } => (per_process(self.slots), Sharing::Fcfs),
        };
        let queue_limit = self.queue_limit.unwrap_or(u32::MAX);
        let admits_all = self.discipline.admits_all();
        StationSpec {
            slots: if admits_all { cores.saturating_add(queue_limit) } else { per_process(self.slots) },
            admits_all,
            cores,
            sharing: match self.discipline {
                Discipline::PreemptivePriority => Sharing::Preemptive,
                Discipline::ProcessorSharing => Sharing::Even,
                _ => sharing,
            },
            discipline: self.discipline,
            fair_costs: Vec::new(),
            queue_limit,
            codel: self.codel.map(|codel| (codel.target, codel.interval)),
            drop_expired: self.drop_expired,
            cold: match &self.runtime {
                Runtime::Serverless { cold_start, keep_alive } => Some((cold_start.sampler(), *keep_alive)),
                _ => None,
            },
        }
    }
}

pub const COPIES: Copies =
    Copies { one: "replica", count: "replicas", places: "slots", places_param: "slots", has_cores: true };

/// Whether a call takes time here, or a start does.
pub fn takes_time(spec: &Spec) -> bool {
    let some = |dist: &Dist| *dist != Dist::ZERO;
    let times = [&spec.work, &spec.wait, &spec.work_after];
    times.into_iter().chain(spec.work_by_class.values()).any(some)
        || !spec.start_up.is_zero()
        || matches!(&spec.runtime, Runtime::Serverless { cold_start, .. } if some(cold_start))
}

/// Every parameter once.
pub fn visit(spec: &mut Spec, v: &mut dyn Visitor) {
    size_params(spec, v);
    work_params(spec, v);
    queue_params(spec, v);
    failure_params(spec, v);
}

pub fn check(spec: &Spec, checker: &mut Checker) {
    let dists = [("work", &spec.work), ("wait", &spec.wait), ("work_after", &spec.work_after)];
    for (name, dist) in dists.into_iter().chain(spec.work_by_class.values().map(|dist| ("work_by_class", dist))) {
        checker.dist(name, dist);
    }
    let most = (u64::from(spec.slots) * u64::from(spec.processes)).max(spec.cores.into());
    checker.places("slots", most, spec.replicas.into());
    if let Runtime::GlobalLock { switch_interval } = &spec.runtime
        && switch_interval.is_zero()
    {
        checker.error("runtime", "with a switch_interval of 0 threads would do nothing but take turns");
    } else if let Runtime::GlobalLock { switch_interval } = &spec.runtime {
        checker.recurs("runtime", "switch_interval", switch_interval.0 as f64, 1);
    }
    if spec.fair_weights.values().any(|weight| !(1e-3..=1e6).contains(weight)) {
        checker.error("fair_weights", "a weight is a number from 0.001 to a million");
    }
    if !spec.fair_weights.is_empty() && spec.discipline != Discipline::WeightedFair {
        checker.warning("fair_weights", format!("{:?} looks at no weights: WeightedFair does", spec.discipline));
    }
    if spec.discipline.admits_all() {
        let slots = spec.slots != Spec::default().slots;
        let useless = [("slots", slots), ("max_wait", spec.max_wait.is_some()), ("codel", spec.codel.is_some())];
        for (name, _) in useless.iter().filter(|(_, set)| *set) {
            let message = format!(
                "{:?} admits every call at once: none waits for a slot, which `{name}` is about",
                spec.discipline
            );
            checker.warning(name, message);
        }
    }
    if let Some(max_wait) = &spec.max_wait {
        checker.dist("max_wait", max_wait);
    }
    if let Some(pauses) = &spec.pauses {
        checker.dist("pauses", &pauses.every);
        checker.dist("pauses", &pauses.lasting);
        if pauses.every.as_constant() == Some(Span::ZERO) {
            checker.error("pauses", "pauses without time between them would stop the service for good");
        } else {
            let cycle = pauses.every.mean_or_so() + pauses.lasting.mean_or_so();
            checker.recurs("pauses", "every and lasting together", cycle, u32::from(spec.replicas));
        }
    }
    if let Some(breakdowns) = &spec.breakdowns {
        checker.dist("breakdowns", &breakdowns.up);
        checker.dist("breakdowns", &breakdowns.down);
        if breakdowns.up.as_constant() == Some(Span::ZERO) {
            checker.error("breakdowns", "breakdowns without time between them would stop the service for good");
        } else {
            let cycle = breakdowns.up.mean_or_so() + breakdowns.down.mean_or_so();
            checker.recurs("breakdowns", "up and down together", cycle, u32::from(spec.replicas));
        }
    }
    if let Runtime::Serverless { cold_start, .. } = &spec.runtime {
        checker.dist("runtime", cold_start);
    }
}

fn size_params(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new("replicas", "Number of replicas: horizontal scaling.", &["2", "5"])
            .leads(Section::Capacity)
            .range(1.0, 10_000.0)
            .live(),
        &mut spec.replicas,
    );
    v.visit(
        &Param::new(
            "runtime",
            "Runtime: concurrency model of a replica.",
            &[
                "EventLoop",
                "GlobalLock(switch_interval: \"5ms\")",
                "Serverless(cold_start: \"200ms\", keep_alive: \"1s\")",
            ],
        )
        .leads(Section::Capacity)
        .parts(Runtime::PARTS),
        &mut spec.runtime,
    );
    v.visit(
        &Param::new("slots", "Concurrency limit of a process: worker threads or connections.", &["1", "4"])
            .leads(Section::Capacity)
            .range(1.0, 1e6)
            .live(),
        &mut spec.slots,
    );
    v.visit(
        &Param::new("cores", "CPU cores of each replica: vertical scaling.", &["1", "2"])
            .leads(Section::Capacity)
            .range(1.0, 1e6)
            .live(),
        &mut spec.cores,
    );
    v.visit(
        &Param::new("processes", "Processes per replica; an event loop or a global lock is per process.", &["4"])
            .within(Section::Capacity)
            .range(1.0, 1e6)
            .live(),
        &mut spec.processes,
    );
}

fn work_params(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new(
            "work",
            "CPU time before the calls to other nodes.",
            &["\"8ms\"", "LogNormal(mean: \"5ms\", cv: 2)"],
        )
        .leads(Section::Time)
        .live(),
        &mut spec.work,
    );
    v.visit(
        &Param::new("work_by_class", "`work` for the classes named here.", &["{\"request\": \"9ms\"}"])
            .within(Section::Time)
            .live(),
        &mut spec.work_by_class,
    );
    v.visit(
        &Param::new(
            "wait",
            "I/O wait for something that is not drawn, such as a disk: holds the slot, not a core.",
            &["\"12ms\""],
        )
        .leads(Section::Time)
        .live(),
        &mut spec.wait,
    );
    v.visit(
        &Param::new("work_after", "CPU time after the calls to other nodes.", &["\"2ms\""])
            .within(Section::Time)
            .live(),
        &mut spec.work_after,
    );
    v.visit(
        &Param::new("contention", "Contention: with n calls in progress work takes longer by this share of n - 1 (alpha of Gunther's Universal Scalability Law).", &["0.1"]).within(Section::Advanced)
            .range(0.0, 100.0)
            .live(),
        &mut spec.contention,
    );
    v.visit(
        &Param::new("coherency", "Coherency: with n calls in progress work takes longer by this share of n(n - 1), the ordered pairs (beta of Gunther's Universal Scalability Law).", &["0.01"]).within(Section::Advanced)
            .range(0.0, 100.0)
            .live(),
        &mut spec.coherency,
    );
    v.visit(
        &Param::new("error_share", "Share of calls that end in an error after their work.", &["\"10%\""])
            .within(Section::Reliability)
            .range(0.0, 1.0)
            .live(),
        &mut spec.error_share,
    );
    v.visit(
        &Param::new("poison_share", "Share of keys whose calls always end in an error.", &["\"10%\""])
            .within(Section::Reliability)
            .range(0.0, 1.0)
            .live(),
        &mut spec.poison_share,
    );
}

fn queue_params(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new(
            "discipline",
            "Queue discipline: which waiting call is served next.",
            &[
                "Lifo",
                "AdaptiveLifo",
                "Priority",
                "PreemptivePriority",
                "Random",
                "ProcessorSharing",
                "EarliestDeadline",
                "WeightedFair",
            ],
        )
        .within(Section::Queue)
        .parts(Discipline::PARTS),
        &mut spec.discipline,
    );
    v.visit(
        &Param::new(
            "fair_weights",
            "WeightedFair: weight of each class named here; the others have 1.",
            &["{\"urgent\": 5}"],
        )
        .within(Section::Queue)
        .live(),
        &mut spec.fair_weights,
    );
    v.visit(
        &Param::new(
            "queue_limit",
            "Queue limit of each replica: more calls are rejected. None: no limit. With ProcessorSharing and PreemptivePriority it counts the calls beyond the cores.",
            &["0", "5"],
        ).leads(Section::Queue)
        .range(0.0, 1e9)
        .live(),
        &mut spec.queue_limit,
    );
    v.visit(
        &Param::new(
            "max_wait",
            "Longest wait for a slot, drawn for each call; the call then fails with `timeout`. None: no limit.",
            &["\"10ms\"", "Exponential(\"20ms\")"],
        )
        .within(Section::Queue)
        .live(),
        &mut spec.max_wait,
    );
    v.visit(
        &Param::new(
            "codel",
            "Load shedding from a standing queue (controlled delay, RFC 8289).",
            &["(target: \"1ms\", interval: \"20ms\")"],
        )
        .within(Section::Queue)
        .parts(&[
            ("target", "Acceptable queueing delay."),
            ("interval", "Calls are shed when the delay stays above the target for this long."),
        ])
        .live(),
        &mut spec.codel,
    );
    v.visit(
        &Param::new("drop_expired", "Fails a call at once if the deadline that came with it has passed.", &["false"])
            .within(Section::Queue)
            .live(),
        &mut spec.drop_expired,
    );
}

fn failure_params(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new(
            "pauses",
            "Pauses of a whole replica, such as garbage collection.",
            &["(every: Exponential(\"500ms\"), lasting: \"50ms\")"],
        )
        .within(Section::Reliability)
        .parts(&[("every", "Time between pauses."), ("lasting", "Length of a pause.")])
        .live(),
        &mut spec.pauses,
    );
    v.visit(
        &Param::new(
            "breakdowns",
            "Failures and repairs of each replica; `lose` says whether calls are lost.",
            &["(up: Exponential(\"1s\"), down: Exponential(\"100ms\"), lose: true)"],
        )
        .within(Section::Reliability)
        .parts(&[
            ("up", "Time between failures."),
            ("down", "Time to repair."),
            ("lose", "Calls are lost and refused meanwhile; otherwise they wait."),
        ])
        .live(),
        &mut spec.breakdowns,
    );
    v.visit(
        &Param::new("start_up", "Start-up time of a new replica until it takes calls.", &["\"2s\""])
            .within(Section::Time)
            .range(0.0, 1e5)
            .live(),
        &mut spec.start_up,
    );
}
