//! The report of a run: what a person reads, and what `--json` writes. Times are in seconds, rates per second.

use super::recorder::{NodeRow, Recorder, Sparse, WarmUpRule};
use super::steady::{self, Interval, WarmUp};
use crate::base::{Histogram, Time, maths};
use crate::engine::{
    ClassCounts, Copies, Failures, LinkCounts, METERS, NodeCounts, NodeKind, REASONS, ReplicaLoad, Role, SIGNALS,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A figure with the half-width of its 95 % confidence interval, where there are batches enough to tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub value: f64,
    pub half_width: Option<f64>,
}

/// A distribution of times, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    pub count: u64,
    pub mean: Option<Estimate>,
    pub p50: Option<Estimate>,
    pub p90: Option<Estimate>,
    pub p95: Option<Estimate>,
    pub p99: Option<Estimate>,
    #[serde(rename = "p99.9")]
    pub p999: Option<Estimate>,
    pub max: Option<f64>,
    /// Standard deviation, and the same as a multiple of the mean; none where the variance is infinite.
    pub sd: Option<f64>,
    pub cv: Option<f64>,
}

impl Latency {
    /// Figures of a single histogram, without intervals.
    pub fn plain(histogram: &Histogram) -> Latency {
        let at = |q: f64| histogram.quantile(q).map(|ns| Estimate { value: ns / 1e9, half_width: None });
        Latency {
            count: histogram.count(),
            mean: histogram.mean().map(|ns| Estimate { value: ns / 1e9, half_width: None }),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max().map(|max| max as f64 / 1e9),
            sd: histogram.deviation().map(|sd| sd / 1e9),
            cv: variation(histogram),
        }
    }

    /// The percentiles with their names.
    pub fn percentiles(&self) -> [(&'static str, f64, Option<Estimate>); 5] {
        [
            ("p50", 0.5, self.p50),
            ("p90", 0.9, self.p90),
            ("p95", 0.95, self.p95),
            ("p99", 0.99, self.p99),
            ("p99.9", 0.999, self.p999),
        ]
    }
}

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

/// The busiest replica or shard of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hottest {
    /// Its number, from 0.
    pub copy: usize,
    /// Of the calls that ended at all copies, its share.
    pub share: f64,
    /// Share of its slots or cores that are busy, whichever is more; none where neither is limited. Slots and cores are taken to be
    /// spread evenly over the copies.
    pub utilization: Option<f64>,
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

/// The part of the run that the figures are about.
pub(super) struct Cut {
    /// First window and first segment.
    window: usize,
    segment: usize,
    pub(super) seconds: f64,
    /// A steady state was looked for and not found.
    pub(super) unsettled: bool,
}

/// What may have an interval.
#[derive(Clone, Copy)]
struct Sure {
    /// Shares and percentiles: not in a run without a steady state.
    shares: bool,
    /// Means and standard deviations: not where the variance is infinite either.
    means: bool,
}

/// Windows of segment `s`, from `recorder.series.segment_ends`.
fn windows_of(recorder: &Recorder, s: usize) -> std::ops::Range<usize> {
    let ends = &recorder.series.segment_ends;
    let start = if s == 0 { 0 } else { ends[s - 1] };
    start..ends[s]
}

/// Standard deviation over mean.
fn variation(histogram: &Histogram) -> Option<f64> {
    let mean = histogram.mean().filter(|mean| *mean > 0.0)?;
    histogram.deviation().map(|sd| sd / mean)
}

/// Latency figures from the histograms of segments; each is a batch.
fn latency<'a>(segments: impl Iterator<Item = &'a Sparse>, sure: Sure) -> Latency {
    let batches: Vec<&Sparse> = segments.collect();
    let mut all = Histogram::new();
    batches.iter().for_each(|batch| batch.add_to(&mut all));
    let sums: Vec<(f64, f64)> = batches.iter().map(|batch| (batch.sum() as f64, batch.count() as f64)).collect();
    let with_interval = |estimate: Estimate, q: f64| {
        let half_width = quantile_half_width(&batches, &all, q).filter(|_| sure.shares).map(|half| half / 1e9);
        Estimate { half_width, ..estimate }
    };
    let plain = Latency::plain(&all);
    Latency {
        mean: plain.mean.map(|mean| Estimate { half_width: ratio(&sums, 1e9).filter(|_| sure.means), ..mean }),
        p50: plain.p50.map(|p| with_interval(p, 0.5)),
        p90: plain.p90.map(|p| with_interval(p, 0.9)),
        p95: plain.p95.map(|p| with_interval(p, 0.95)),
        p99: plain.p99.map(|p| with_interval(p, 0.99)),
        p999: plain.p999.map(|p| with_interval(p, 0.999)),
        sd: plain.sd.filter(|_| sure.means),
        cv: plain.cv.filter(|_| sure.means),
        ..plain
    }
}

/// Half-width of the interval of a quantile of all batches together: the share of each batch that lies below it says how
/// sure the share is, and the pooled distribution which values those shares have. The scatter of the batches' own
/// quantiles would not do: under load a batch is too short to have a p99. None where too few answers, or answers of too few
/// batches, lie beyond it: those of one congested stretch are no independent evidence.
fn quantile_half_width(batches: &[&Sparse], all: &Histogram, q: f64) -> Option<f64> {
    if all.count() < steady::needed_for(q) {
        return None;
    }
    let (value, width) = all.quantile_and_width(q)?;
    let shares: Vec<(f64, f64)> =
        batches.iter().map(|batch| (batch.count_below(all, value), batch.count() as f64)).collect();
    let beyond = shares.iter().filter(|(below, count)| count - below >= 1.0).count();
    // Where the tail is one value (a constant), nothing lies beyond it.
    if beyond < steady::FEWEST_BATCHES && all.max().is_some_and(|max| max as f64 > value) {
        return None;
    }
    let half = ratio(&shares, 1.0)?;
    // An interval of the share that lies beyond may not reach zero, above which nothing is known: then in logarithms.
    let above = if q + half < 1.0 { q + half } else { 1.0 - (1.0 - q) * maths::exp(-half / (1.0 - q)) };
    let (above, below) = (all.quantile(above)?, all.quantile((q - half).max(0.0))?);
    // What one cell holds is not told apart.
    Some((above - value).max(value - below).max(width / 2.0))
}

/// Half-width of a ratio of sums over batches, in units of `scale`.
fn ratio(batches: &[(f64, f64)], scale: f64) -> Option<f64> {
    steady::batch_interval(batches).map(|Interval { half_width, .. }| half_width / scale)
}

fn by_reason(failed: &Failures) -> BTreeMap<&'static str, u64> {
    REASONS.iter().zip(failed).filter(|(_, n)| **n > 0).map(|(reason, n)| (reason.name(), *n)).collect()
}

impl Recorder {
    /// The report of all that was recorded. `kinds` and `levels` say of each node what the engine does not know.
    pub fn report(&self, title: &str, kinds: &[NodeKind], levels: Vec<Vec<(&'static str, f64)>>) -> Report {
        let cut = self.cut();
        let in_flight = |began: u64, ended: u64, failed: &Failures| began - ended - failed.iter().sum::<u64>();
        let classes = self.plan.classes.iter().zip(&self.class_counts).enumerate().map(|(i, (name, counts))| {
            let in_flight = in_flight(counts.offered, counts.good + counts.late, &counts.failed);
            (name.clone(), ClassReport { in_flight, ..self.class_report(&cut, &[i]) })
        });
        let classes: BTreeMap<String, ClassReport> = classes.collect();
        let total = ClassReport {
            in_flight: classes.values().map(|class| class.in_flight).sum(),
            ..self.class_report(&cut, &(0..self.plan.classes.len()).collect::<Vec<_>>())
        };
        let nodes = self.plan.nodes.iter().zip(&self.node_counts).zip(levels).enumerate();
        let nodes = nodes.map(|(i, ((node, counts), levels))| {
            let in_flight = in_flight(counts.arrived, counts.succeeded, &counts.failed);
            let NodeKind { key, role, copies } = kinds[i];
            let (kind, role, levels) = (key.to_owned(), Some(role), levels.into_iter().collect());
            (node.name.clone(), NodeReport { kind, role, copies, in_flight, levels, ..self.node_report(&cut, i) })
        });
        let links = self.plan.links.iter().zip(&self.link_counts).enumerate().map(|(i, (link, counts))| {
            let in_flight = in_flight(counts.sent, counts.succeeded, &counts.failed);
            (link.name.clone(), LinkReport { in_flight, ..self.link_report(&cut, i) })
        });
        let mut report = Report {
            format: 1,
            title: title.to_owned(),
            seed: self.plan.seed,
            length: self.length.as_secs(),
            warm_up: self.series.start(cut.window).as_secs(),
            interrupted: self.meant.is_some(),
            events: self.events,
            total,
            classes,
            nodes: nodes.collect(),
            links: links.collect(),
            warnings: Vec::new(),
        };
        report.warnings = self.warnings(&report, &cut);
        report
    }

    /// Where the warm-up ends: at the end of the segment in which it does.
    fn cut(&self) -> Cut {
        let series = &self.series;
        let classes = self.plan.classes.len();
        let mut unsettled = false;
        let segment = match self.rule {
            WarmUpRule::Given(span) if !span.is_zero() => 1,
            WarmUpRule::Given(_) | WarmUpRule::None => 0,
            WarmUpRule::Auto => {
                // Without an answer in a window, the last known mean stands in.
                let mut last = 0.0;
                let means: Vec<f64> = (0..series.ends.len())
                    .map(|w| {
                        let rows = &series.classes[w * classes..(w + 1) * classes];
                        let sum: u64 = rows.iter().map(|row| row.counts.latency_ns).sum();
                        let n: u64 = rows.iter().map(|row| row.counts.good + row.counts.late).sum();
                        if n > 0 {
                            last = sum as f64 / n as f64;
                        }
                        last
                    })
                    .collect();
                let warm = match steady::warm_up(&means) {
                    WarmUp::Ends(warm) => warm,
                    WarmUp::TooLong => {
                        unsettled = true;
                        steady::longest_warm_up(means.len())
                    }
                };
                if warm == 0 { 0 } else { series.segment_ends.iter().position(|end| *end >= warm).map_or(0, |s| s + 1) }
            }
        };
        let segment = segment.min(series.segments.len().saturating_sub(1));
        let window = if segment == 0 { 0 } else { series.segment_ends[segment - 1] };
        let end = series.ends.last().copied().unwrap_or(Time::ZERO);
        Cut { window, segment, seconds: end.since(series.start(window)).as_secs().max(1e-12), unsettled }
    }

    fn sure(&self, cut: &Cut, heavy: bool) -> Sure {
        Sure { shares: !cut.unsettled, means: !cut.unsettled && !heavy }
    }

    fn class_report(&self, cut: &Cut, classes: &[usize]) -> ClassReport {
        let n = self.plan.classes.len();
        let mut counts = ClassCounts::default();
        for window in cut.window..self.series.ends.len() {
            for &class in classes {
                counts.add(&self.series.classes[window * n + class].counts);
            }
        }
        let merged: Vec<Sparse> = self.series.segments[cut.segment.min(self.series.segments.len())..]
            .iter()
            .map(|segment| match classes {
                &[one] => segment.classes[one].clone(),
                several => {
                    let mut all = Histogram::new();
                    for &class in several {
                        segment.classes[class].add_to(&mut all);
                    }
                    Sparse::of(&all)
                }
            })
            .collect();
        ClassReport {
            offered: counts.offered,
            good: counts.good,
            late: counts.late,
            failed: by_reason(&counts.failed),
            degraded: counts.degraded,
            stale: counts.stale,
            offered_rate: counts.offered as f64 / cut.seconds,
            goodput: counts.good as f64 / cut.seconds,
            latency: latency(merged.iter(), self.sure(cut, self.heavy.classes)),
            in_flight: 0,
        }
    }

    /// A node's rows of a segment, summed.
    fn node_batch(&self, node: usize, segment: usize) -> NodeRow {
        let n = self.plan.nodes.len();
        let mut sum = NodeRow::default();
        for window in windows_of(self, segment) {
            let row = &self.series.nodes[window * n + node];
            sum.counts.add(&row.counts);
            for k in 0..METERS {
                sum.areas[k] = sum.areas[k].wrapping_add(row.areas[k]);
            }
            sum.queue_peak = sum.queue_peak.max(row.queue_peak);
        }
        sum
    }

    fn node_report(&self, cut: &Cut, node: usize) -> NodeReport {
        let series = &self.series;
        let sure = self.sure(cut, self.heavy.nodes[node]);
        let batches: Vec<NodeRow> =
            (cut.segment..series.segments.len()).map(|segment| self.node_batch(node, segment)).collect();
        let seconds: Vec<f64> = (cut.segment..series.segments.len())
            .map(|s| {
                let windows = windows_of(self, s);
                series.ends[windows.end - 1].since(series.start(windows.start)).as_secs()
            })
            .collect();
        let mut counts = NodeCounts::default();
        let mut areas = [0.0f64; METERS];
        for batch in &batches {
            counts.add(&batch.counts);
            for (sum, area) in areas.iter_mut().zip(batch.areas) {
                *sum += area as f64 / 1e9;
            }
        }
        let share = |top: &dyn Fn(&NodeRow) -> f64, bottom: &dyn Fn(&NodeRow) -> f64| {
            let pairs: Vec<(f64, f64)> = batches.iter().map(|batch| (top(batch), bottom(batch))).collect();
            let (top, bottom) = pairs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
            (bottom > 0.0)
                .then(|| Estimate { value: top / bottom, half_width: ratio(&pairs, 1.0).filter(|_| sure.shares) })
        };
        let signal = |batch: &NodeRow, i: usize| batch.counts.signals[i] as f64;
        let (hit, miss, stale, checked) = (0, 1, 2, 3);
        let queue_pairs: Vec<(f64, f64)> =
            batches.iter().zip(&seconds).map(|(batch, s)| (batch.areas[0] as f64 / 1e9, *s)).collect();
        let per_call = |sum: u64| (counts.succeeded > 0).then(|| sum as f64 / counts.succeeded as f64 / 1e9);
        let of = |i: usize| latency(series.segments[cut.segment..].iter().map(|segment| &segment.nodes[node][i]), sure);
        let mean_only = |estimate: Option<Estimate>| {
            estimate.map(|mean| Estimate { half_width: mean.half_width.filter(|_| sure.means), ..mean })
        };
        NodeReport {
            kind: String::new(),
            role: None,
            copies: None,
            arrived: counts.arrived,
            succeeded: counts.succeeded,
            failed: by_reason(&counts.failed),
            in_flight: 0,
            arrival_rate: counts.arrived as f64 / cut.seconds,
            latency: of(0),
            wait: of(1),
            mean_wait: mean_only(share(&|b| b.counts.queue_ns as f64 / 1e9, &|b| b.counts.succeeded as f64)),
            mean_service: per_call(counts.service_ns),
            mean_others: per_call(counts.others_ns),
            waited_share: (counts.succeeded > 0).then(|| counts.waited as f64 / counts.succeeded as f64),
            queue: Estimate {
                value: areas[0] / cut.seconds,
                half_width: ratio(&queue_pairs, 1.0).filter(|_| sure.means),
            },
            queue_max: batches.iter().map(|batch| batch.queue_peak).max().unwrap_or(0),
            busy: areas[1] / cut.seconds,
            utilization: share(&|b| b.areas[1] as f64, &|b| b.areas[3] as f64),
            core_utilization: (areas[4] > 0.0).then(|| areas[2] / areas[4]),
            slots: areas[3] / cut.seconds,
            hottest: self.hottest(cut, node, [areas[3], areas[4]]),
            signals: SIGNALS.iter().zip(&counts.signals).filter(|(_, n)| **n > 0).map(|((_, s), n)| (*s, *n)).collect(),
            hit_ratio: share(&|b| signal(b, hit), &|b| signal(b, hit) + signal(b, miss)),
            stale_share: share(&|b| signal(b, stale), &|b| signal(b, checked)),
            lag: of(2),
            levels: BTreeMap::new(),
        }
    }

    /// The copy that was busiest after the warm-up. `capacity`: slot-seconds and core-seconds of all.
    fn hottest(&self, cut: &Cut, node: usize, capacity: [f64; 2]) -> Option<Hottest> {
        let segments = &self.series.segments;
        let after = &segments.last()?.loads[node];
        let before = cut.segment.checked_sub(1).and_then(|s| segments.get(s)).map(|segment| &segment.loads[node]);
        let since = |i: usize, figure: &dyn Fn(&ReplicaLoad) -> u64| {
            let earlier = before.and_then(|loads| loads.get(i)).map_or(0, figure);
            figure(&after[i]).wrapping_sub(earlier)
        };
        let calls: Vec<u64> = (0..after.len()).map(|i| since(i, &|load| load.calls)).collect();
        let copies = calls.len() as f64;
        let part = |ns: u64, all: f64| (all > 0.0).then(|| (ns as f64 / 1e9 * copies / all).min(1.0));
        let utilization = |i: usize| {
            let slots = part(since(i, &|load| load.held_ns), capacity[0]);
            let cores = part(since(i, &|load| load.worked_ns), capacity[1]);
            slots.into_iter().chain(cores).reduce(f64::max)
        };
        let total: u64 = calls.iter().sum();
        let key = |i: usize| (utilization(i).unwrap_or(0.0), calls[i]);
        let hotter = |a: usize, b: usize| if key(b) > key(a) { b } else { a };
        let copy = (0..calls.len()).reduce(hotter).filter(|_| total > 0)?;
        Some(Hottest { copy, share: calls[copy] as f64 / total as f64, utilization: utilization(copy) })
    }

    /// What was counted of a link after the warm-up.
    pub(super) fn link_sum(&self, cut: &Cut, link: usize) -> LinkCounts {
        let n = self.plan.links.len();
        let mut counts = LinkCounts::default();
        for window in cut.window..self.series.ends.len() {
            counts.add(&self.series.links[window * n + link]);
        }
        counts
    }

    fn link_report(&self, cut: &Cut, link: usize) -> LinkReport {
        let counts = self.link_sum(cut, link);
        LinkReport {
            attempts: counts.sent,
            succeeded: counts.succeeded,
            failed: by_reason(&counts.failed),
            in_flight: 0,
            attempt_rate: counts.sent as f64 / cut.seconds,
            retries: counts.retries,
            hedges: counts.hedges,
            fallbacks: counts.fallbacks,
            latency: latency(
                self.series.segments[cut.segment..].iter().map(|segment| &segment.links[link]),
                self.sure(cut, self.heavy.links[link]),
            ),
        }
    }

    pub fn plan(&self) -> &crate::engine::Plan {
        &self.plan
    }

    /// What was recorded, window by window.
    pub fn series(&self) -> &super::recorder::Series {
        &self.series
    }
}
