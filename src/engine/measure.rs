//! What can be measured of requests, nodes and links: each figure is declared once, with its name, what it says, and how it
//! follows from what is counted. The metrics have the one reader of them.

use super::meter::Meter;
use super::outcome::{REASONS, Reason};
use super::tally::{ClassCounts, CopyCounts, Counter, Counts as _, LinkCounts, NodeCounts};
use serde::Serialize;

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Seconds,
    PerSecond,
    Share,
    Number,
}

/// A level that a kind shows of itself: its place among what [`Behaviour::gauges`](super::Behaviour::gauges) returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge(pub u8);

/// One of a subject's counts, or a sum of nanoseconds.
pub type Count<C> = fn(&C) -> u64;

/// A distribution of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Latency,
    /// Time in the queue.
    Wait,
    /// How far behind something is.
    Lag,
}

/// What of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stat {
    Mean,
    /// The value below which such a share lies.
    Quantile(f64),
    Max,
    /// Standard deviation, and the same over the mean.
    Deviation,
    Variation,
}

/// How a figure follows from what was counted of a subject in some time.
#[derive(Debug)]
pub enum How<C: 'static> {
    /// So many per second.
    Rate(Count<C>),
    /// One count as a share of another.
    Share(Count<C>, Count<C>),
    /// What failed, for this reason or for any, as a share of what ended.
    Failed(Option<Reason>),
    /// A sum of nanoseconds over a count.
    Mean(Count<C>, Count<C>),
    Of(Times, Stat),
    /// A level: its mean over time; and one level as a share of another.
    Level(Meter),
    Use(Meter, Meter),
    /// The longest queue.
    Peak,
    /// Of the calls, the share of the busiest copy; and the share of its slots or cores that are in use.
    HottestShare,
    HottestUse,
    /// What the kind counts: per second, and some counters as a share of others.
    Counted(Counter),
    CountedShare(&'static [Counter], &'static [Counter]),
    /// A level of the kind, looked at when each window ends: its mean.
    Gauge(Gauge, Unit),
}

/// A figure, by its name in paths such as `db.p99`.
#[derive(Debug)]
pub struct Measure<C: 'static> {
    pub name: &'static str,
    /// What it says, in a sentence, for the manual.
    pub help: &'static str,
    pub how: How<C>,
    /// What is written beside its value on cards and in tables; empty where it is not shown without being asked for.
    pub word: &'static str,
}

impl<C> Measure<C> {
    pub const fn new(name: &'static str, how: How<C>, help: &'static str) -> Measure<C> {
        Measure { name, help, how, word: "" }
    }

    /// The same, shown on cards and in tables with this word.
    pub const fn shown(self, word: &'static str) -> Measure<C> {
        Measure { word, ..self }
    }

    pub fn unit(&self) -> Unit {
        match self.how {
            How::Rate(_) | How::Counted(_) => Unit::PerSecond,
            How::Share(..)
            | How::Failed(_)
            | How::Use(..)
            | How::HottestShare
            | How::HottestUse
            | How::CountedShare(..) => Unit::Share,
            How::Mean(..) => Unit::Seconds,
            How::Of(_, Stat::Variation) | How::Level(_) | How::Peak => Unit::Number,
            How::Of(..) => Unit::Seconds,
            How::Gauge(_, unit) => unit,
        }
    }

    /// Whether it is about single replicas or shards, which are looked at less often.
    pub fn is_of_copies(&self) -> bool {
        matches!(self.how, How::HottestShare | How::HottestUse)
    }
}

/// A measure of a kind of node.
pub type NodeMeasure = Measure<NodeCounts>;

impl NodeMeasure {
    /// Something that a kind counts, per second.
    pub const fn counted(name: &'static str, counter: Counter, help: &'static str) -> NodeMeasure {
        Measure::new(name, How::Counted(counter), help)
    }

    /// A level that a kind shows, by its place among them.
    pub const fn level(name: &'static str, place: u8, unit: Unit, help: &'static str) -> NodeMeasure {
        Measure::new(name, How::Gauge(Gauge(place), unit), help)
    }

    /// The counter, if it is one that the kind counts.
    pub fn counter(&self) -> Option<Counter> {
        match self.how {
            How::Counted(counter) => Some(counter),
            _ => None,
        }
    }

    pub fn gauge(&self) -> Option<Gauge> {
        match self.how {
            How::Gauge(gauge, _) => Some(gauge),
            _ => None,
        }
    }
}

/// The distribution of latencies, of whatever subject.
macro_rules! latencies {
    ($mean:expr) => {
        &[
            Measure::new("mean", $mean, "Mean latency."),
            Measure::new("p50", How::Of(Times::Latency, Stat::Quantile(0.5)), "Median latency."),
            Measure::new("p90", How::Of(Times::Latency, Stat::Quantile(0.9)), "90th percentile of latency."),
            Measure::new("p95", How::Of(Times::Latency, Stat::Quantile(0.95)), "95th percentile of latency."),
            Measure::new("p99", How::Of(Times::Latency, Stat::Quantile(0.99)), "99th percentile of latency."),
            Measure::new("p99.9", How::Of(Times::Latency, Stat::Quantile(0.999)), "99.9th percentile of latency."),
            Measure::new("max", How::Of(Times::Latency, Stat::Max), "Longest latency."),
            Measure::new(
                "sd",
                How::Of(Times::Latency, Stat::Deviation),
                "Standard deviation of latency, to 0.5 % of the mean.",
            ),
            Measure::new(
                "cv",
                How::Of(Times::Latency, Stat::Variation),
                "Coefficient of variation of latency: standard deviation over mean.",
            ),
        ]
    };
}

/// Of a request class, and of all requests together.
pub const CLASS_MEASURES: &[&[Measure<ClassCounts>]] = &[
    &[
        Measure::new("offered", How::Rate(|c| c.offered), "Requests issued per second."),
        Measure::new("goodput", How::Rate(|c| c.good), "Requests per second that are answered within their deadline."),
        Measure::new("throughput", How::Rate(ClassCounts::answered), "Answers per second, late ones included."),
        Measure::new(
            "good_share",
            How::Share(|c| c.good, ClassCounts::ended),
            "Share of requests that are answered within their deadline (availability).",
        ),
        Measure::new(
            "late_share",
            How::Share(|c| c.late, ClassCounts::ended),
            "Share of requests that are answered after their deadline.",
        ),
        Measure::new("failed_share", How::Failed(None), "Share of requests that fail (error rate)."),
        Measure::new(
            "degraded_share",
            How::Share(|c| c.degraded, ClassCounts::ended),
            "Share of requests that a fallback answered.",
        ),
        Measure::new(
            "stale_share",
            How::Share(|c| c.stale, ClassCounts::ended),
            "Share of requests that were answered with an old version.",
        ),
    ],
    latencies!(How::Mean(|c| c.latency_ns, ClassCounts::answered)),
];

/// Of every node that takes calls, besides what its kind declares.
pub const NODE_MEASURES: &[&[NodeMeasure]] = &[
    &[
        Measure::new("arrivals", How::Rate(|c| c.arrived), "Calls per second that arrive at a node."),
        Measure::new("throughput", How::Rate(|c| c.succeeded), "Answers per second."),
        Measure::new("failed_share", How::Failed(None), "Share of calls that fail (error rate)."),
    ],
    latencies!(How::Mean(|c| c.latency_ns, |c| c.succeeded)),
    &[
        Measure::new("mean_wait", How::Mean(|c| c.queue_ns, |c| c.succeeded), "Mean time in the queue of a node."),
        Measure::new(
            "mean_service",
            How::Mean(|c| c.service_ns, |c| c.succeeded),
            "Mean time in which a node works on a call.",
        ),
        Measure::new(
            "mean_others",
            How::Mean(|c| c.others_ns, |c| c.succeeded),
            "Mean time in which a node waits for calls of its own.",
        ),
        Measure::new(
            "waited_share",
            How::Share(|c| c.waited, |c| c.succeeded),
            "Share of calls that waited in the queue.",
        ),
        Measure::new("wait_sd", How::Of(Times::Wait, Stat::Deviation), "Standard deviation of the time in the queue."),
        Measure::new(
            "wait_cv",
            How::Of(Times::Wait, Stat::Variation),
            "Coefficient of variation of the time in the queue: standard deviation over mean.",
        ),
        Measure::new("wait_p50", How::Of(Times::Wait, Stat::Quantile(0.5)), "Median time in the queue."),
        Measure::new(
            "wait_p95",
            How::Of(Times::Wait, Stat::Quantile(0.95)),
            "95th percentile of the time in the queue.",
        ),
        Measure::new(
            "wait_p99",
            How::Of(Times::Wait, Stat::Quantile(0.99)),
            "99th percentile of the time in the queue.",
        ),
        Measure::new("queue", How::Level(Meter::Queue), "Calls or messages that wait: mean over time."),
        Measure::new("queue_max", How::Peak, "Most that waited at once."),
        Measure::new("busy", How::Level(Meter::Busy), "Slots in use (calls in flight): mean over time."),
        Measure::new("utilization", How::Use(Meter::Busy, Meter::SlotCapacity), "Share of slots in use."),
        Measure::new("core_utilization", How::Use(Meter::Cores, Meter::CoreCapacity), "Share of cores in use (CPU)."),
        Measure::new(
            "slots",
            How::Level(Meter::SlotCapacity),
            "Slots there are: mean over time. It follows the number of replicas.",
        ),
        Measure::new(
            "hottest_share",
            How::HottestShare,
            "Share of the calls that the most utilized replica or shard takes.",
        ),
        Measure::new(
            "hottest_utilization",
            How::HottestUse,
            "Share of slots or cores in use at the most utilized replica or shard, whichever is more.",
        ),
    ],
];

/// Of a link.
pub const LINK_MEASURES: &[&[Measure<LinkCounts>]] = &[
    &[
        Measure::new(
            "attempts",
            How::Rate(|c| c.sent),
            "Attempts per second over a link, retries and hedges included.",
        ),
        Measure::new("throughput", How::Rate(|c| c.succeeded), "Answers per second."),
        Measure::new("failed_share", How::Failed(None), "Share of attempts that fail (error rate)."),
        Measure::new("retries", How::Rate(|c| c.retries), "Attempts per second that are a retry."),
        Measure::new("hedges", How::Rate(|c| c.hedges), "Attempts per second that are a hedged request."),
        Measure::new("fallbacks", How::Rate(|c| c.fallbacks), "Calls per second that the fallback answered."),
    ],
    latencies!(How::Mean(|c| c.latency_ns, |c| c.succeeded)),
];

/// Of a replica or shard.
pub const COPY_MEASURES: &[&[Measure<CopyCounts>]] = &[&[
    Measure::new(
        "calls",
        How::Rate(|c| c.calls),
        "Calls per second that end at the replica or shard, failed ones included.",
    ),
    Measure::new("share", How::Share(|c| c.calls, |c| c.of_all), "Share of the calls of all replicas or shards."),
    Measure::new(
        "utilization",
        How::Share(|c| c.held_ns.min(c.slots_ns), |c| c.slots_ns),
        "Share of its slots in use while it is up, if all have as many.",
    ),
    Measure::new(
        "core_utilization",
        How::Share(|c| c.worked_ns.min(c.cores_ns), |c| c.cores_ns),
        "Share of its cores in use while it is up, if all have as many.",
    ),
]];

/// `failed_<reason>`, of any subject.
pub fn failed_for<C>(name: &str) -> Option<Measure<C>> {
    let reason = REASONS.into_iter().find(|reason| reason.figure() == name)?;
    Some(Measure::new(reason.figure(), How::Failed(Some(reason)), reason.help()))
}

/// A measure by its name: of these groups, or of what fails for a reason.
pub fn named<C>(groups: &[&[Measure<C>]], name: &str) -> Option<Measure<C>> {
    let declared = groups.iter().copied().flatten().find(|measure| measure.name == name);
    declared.copied().or_else(|| failed_for(name))
}

/// Of one subject, a name is one measure.
impl<C> PartialEq for Measure<C> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<C> Clone for Measure<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Measure<C> {}

impl<C> Clone for How<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for How<C> {}
