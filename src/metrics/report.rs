//! The report of a run: what a person reads, and what `--json` writes. Times are in seconds, rates per second.

use super::estimate::{Estimate, Hottest, Latency};
use super::reading::Subject;
use super::recorder::Recorder;
use super::stretch::Stretch;
use crate::engine::{
    CLASS_MEASURES, Copies, Counts, Failures, How, LINK_MEASURES, NodeKind, NodeMeasure, REASONS, Role, Stat, Times,
    named,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Requests of a class. Rates are per second of the window of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassReport {
    pub offered: u64,
    pub good: u64,
    pub late: u64,
    pub failed: BTreeMap<&'static str, u64>,
    pub degraded: u64,
    pub stale: u64,
    pub offered_rate: f64,
    pub goodput: f64,
    pub latency: Latency,
    /// In flight at the end of what was recorded.
    pub in_flight: u64,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeReport {
    pub kind: String,
    /// What its kind is to others.
    #[serde(skip)]
    pub role: Option<Role>,
    #[serde(skip)]
    pub copies: Option<Copies>,
    #[serde(skip)]
    pub measures: &'static [NodeMeasure],
    pub arrived: u64,
    pub succeeded: u64,
    pub failed: BTreeMap<&'static str, u64>,
    pub in_flight: u64,
    pub arrival_rate: f64,
    pub latency: Latency,
    pub wait: Latency,
    /// Means over succeeded calls: waiting for a slot or core, being worked on, waiting for others.
    pub mean_wait: Option<Estimate>,
    pub mean_service: Option<f64>,
    pub mean_others: Option<f64>,
    /// Share of succeeded calls that had to wait.
    pub waited_share: Option<f64>,
    /// Time averages.
    pub queue: Estimate,
    pub queue_max: u32,
    pub busy: f64,
    pub utilization: Option<Estimate>,
    pub core_utilization: Option<f64>,
    pub slots: f64,
    /// Where there are several copies.
    pub hottest: Option<Hottest>,
    pub signals: BTreeMap<&'static str, u64>,
    pub hit_ratio: Option<Estimate>,
    pub stale_share: Option<Estimate>,
    pub lag: Latency,
    /// What the kind shows of itself at the end.
    pub levels: BTreeMap<&'static str, f64>,
    /// What else it measures, under the name of each.
    #[serde(flatten)]
    pub others: BTreeMap<&'static str, Option<Estimate>>,
}

impl NodeReport {
    /// The value of a measure of its kind.
    pub fn own(&self, measure: &NodeMeasure) -> Option<f64> {
        let estimate = match (measure.name, measure.how) {
            ("hit_ratio", _) => self.hit_ratio,
            ("stale_share", _) => self.stale_share,
            (_, How::Of(Times::Lag, Stat::Mean)) => self.lag.mean,
            (_, How::Of(Times::Lag, Stat::Quantile(q))) => {
                self.lag.percentiles().into_iter().find(|(_, other, _)| *other == q)?.2
            }
            (name, How::Gauge(..)) => return self.levels.get(name).copied(),
            (name, _) => *self.others.get(name)?,
        };
        estimate.map(|estimate| estimate.value)
    }
}

/// A link: attempts as the caller sees them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkReport {
    pub attempts: u64,
    pub succeeded: u64,
    pub failed: BTreeMap<&'static str, u64>,
    pub in_flight: u64,
    pub attempt_rate: f64,
    pub retries: u64,
    pub hedges: u64,
    pub fallbacks: u64,
    pub latency: Latency,
}

/// Something a reader of the figures must know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    pub code: &'static str,
    pub about: String,
    pub message: String,
}

/// A run in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The shape of this document; it grows, and changes meaning only with this number.
    pub format: u32,
    pub title: String,
    pub seed: u64,
    /// Seconds simulated, and how many of them were left out as warm-up.
    pub length: f64,
    pub warm_up: f64,
    /// It was to be longer, and was stopped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    pub events: u64,
    /// All classes together.
    pub total: ClassReport,
    pub classes: BTreeMap<String, ClassReport>,
    pub nodes: BTreeMap<String, NodeReport>,
    pub links: BTreeMap<String, LinkReport>,
    pub warnings: Vec<Warning>,
}

/// Whether a measure of a kind has no place of its own in a report.
fn is_other(measure: &NodeMeasure) -> bool {
    let has_place = ["hit_ratio", "stale_share"].contains(&measure.name);
    !has_place && !matches!(measure.how, How::Counted(_) | How::Gauge(..) | How::Of(Times::Lag, _))
}

fn by_reason(failed: &Failures) -> BTreeMap<&'static str, u64> {
    REASONS.iter().zip(failed).filter(|(_, n)| **n > 0).map(|(reason, n)| (reason.name(), *n)).collect()
}

impl Recorder {
    /// The report of all that was recorded. `gauges`: levels that each node shows now.
    pub fn report(&self, title: &str, gauges: &[Vec<f64>]) -> Report {
        let stretch = self.after_warm_up();
        fn in_flight(counts: &impl Counts) -> u64 {
            counts.began() - counts.ended()
        }
        let classes = self.plan.classes.iter().zip(&self.class_counts).enumerate().map(|(i, (name, counts))| {
            (
                name.clone(),
                ClassReport { in_flight: in_flight(counts), ..self.class_report(&stretch, Subject::Class(i)) },
            )
        });
        let classes: BTreeMap<String, ClassReport> = classes.collect();
        let total = ClassReport {
            in_flight: classes.values().map(|class| class.in_flight).sum(),
            ..self.class_report(&stretch, Subject::All)
        };
        let nodes = self.plan.nodes.iter().zip(&self.node_counts).zip(gauges).enumerate();
        let nodes = nodes.map(|(i, ((node, counts), gauges))| {
            let level = |measure: &NodeMeasure| Some((measure.name, *gauges.get(usize::from(measure.gauge()?.0))?));
            let levels = self.kinds[i].measures.iter().filter_map(level).collect();
            (node.name.clone(), NodeReport { in_flight: in_flight(counts), levels, ..self.node_report(&stretch, i) })
        });
        let links = self.plan.links.iter().zip(&self.link_counts).enumerate().map(|(i, (link, counts))| {
            (link.name.clone(), LinkReport { in_flight: in_flight(counts), ..self.link_report(&stretch, i) })
        });
        let mut report = Report {
            format: 1,
            title: title.to_owned(),
            seed: self.plan.seed,
            length: self.length.as_secs(),
            warm_up: self.series.start(stretch.start()).as_secs(),
            interrupted: self.meant.is_some(),
            events: self.events,
            total,
            classes,
            nodes: nodes.collect(),
            links: links.collect(),
            warnings: Vec::new(),
        };
        report.warnings = self.warnings(&report, &stretch);
        report
    }

    fn class_report(&self, stretch: &Stretch, subject: Subject) -> ClassReport {
        let reading = self.classes(subject, stretch);
        let value = |name: &str| named(CLASS_MEASURES, name).and_then(|measure| reading.value(&measure));
        let counts = &reading.counts;
        ClassReport {
            offered: counts.offered,
            good: counts.good,
            late: counts.late,
            failed: by_reason(&counts.failed),
            degraded: counts.degraded,
            stale: counts.stale,
            offered_rate: value("offered").unwrap_or(0.0),
            goodput: value("goodput").unwrap_or(0.0),
            latency: reading.latency(Times::Latency),
            in_flight: 0,
        }
    }

    fn node_report(&self, stretch: &Stretch, node: usize) -> NodeReport {
        let (reading, kind) = (self.node(node, stretch), self.kinds[node]);
        let measure = |name: &str| kind.measures().find(|measure| measure.name == name);
        let value = |name: &str| measure(name).and_then(|measure| reading.value(measure));
        let estimate = |name: &str| measure(name).and_then(|measure| reading.estimate(measure));
        let counts = &reading.counts;
        let counted = |measure: &NodeMeasure| Some((measure.name, counts.counted(measure.counter()?)));
        NodeReport {
            kind: kind.key.to_owned(),
            role: Some(kind.role),
            copies: kind.copies,
            measures: kind.measures,
            arrived: counts.arrived,
            succeeded: counts.succeeded,
            failed: by_reason(&counts.failed),
            in_flight: 0,
            arrival_rate: value("arrivals").unwrap_or(0.0),
            latency: reading.latency(Times::Latency),
            wait: reading.latency(Times::Wait),
            mean_wait: estimate("mean_wait"),
            mean_service: value("mean_service"),
            mean_others: value("mean_others"),
            waited_share: value("waited_share"),
            queue: estimate("queue").unwrap_or(Estimate { value: 0.0, half_width: None }),
            queue_max: value("queue_max").unwrap_or(0.0) as u32,
            busy: value("busy").unwrap_or(0.0),
            utilization: estimate("utilization"),
            core_utilization: value("core_utilization"),
            slots: value("slots").unwrap_or(0.0),
            hottest: reading.hottest,
            signals: kind.measures.iter().filter_map(counted).filter(|(_, n)| *n > 0).collect(),
            hit_ratio: estimate("hit_ratio"),
            stale_share: estimate("stale_share"),
            lag: reading.latency(Times::Lag),
            levels: BTreeMap::new(),
            others: kind
                .measures
                .iter()
                .filter(|measure| is_other(measure))
                .map(|m| (m.name, reading.estimate(m)))
                .collect(),
        }
    }

    fn link_report(&self, stretch: &Stretch, link: usize) -> LinkReport {
        let reading = self.link(link, stretch);
        let counts = &reading.counts;
        LinkReport {
            attempts: counts.sent,
            succeeded: counts.succeeded,
            failed: by_reason(&counts.failed),
            in_flight: 0,
            attempt_rate: named(LINK_MEASURES, "attempts").and_then(|rate| reading.value(&rate)).unwrap_or(0.0),
            retries: counts.retries,
            hedges: counts.hedges,
            fallbacks: counts.fallbacks,
            latency: reading.latency(Times::Latency),
        }
    }

    pub fn plan(&self) -> &crate::engine::Plan {
        &self.plan
    }

    /// What kind each node is of.
    pub fn kinds(&self) -> &[NodeKind] {
        &self.kinds
    }

    /// What was recorded, window by window.
    pub fn series(&self) -> &super::recorder::Series {
        &self.series
    }
}
