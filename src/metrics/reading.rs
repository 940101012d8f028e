//! The one reader: the figure of any measure, of any subject, over any stretch of a run, with its confidence interval where
//! there is one. Reports, expectations, plots, tables and frames ask here; nobody else has a formula.

use super::estimate::{Estimate, Hottest, Latency};
use super::recorder::{NodeRow, Recorder, Sparse};
use super::steady::{self, Interval};
use super::stretch::Stretch;
use crate::base::{Histogram, maths};
use crate::engine::{
    CLASS_MEASURES, COPY_MEASURES, ClassCounts, CopyCounts, Counter, Counts, How, LINK_MEASURES, LinkCounts, METERS,
    Measure, Meter, NodeCounts, NodeMeasure, ReplicaLoad, Role, Stat, Times, named,
};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All requests.
    All,
    Class(usize),
    Node(usize),
    /// A replica or shard of a node, by its number.
    Copy(usize, usize),
    Link(usize),
}

/// What may have an interval.
#[derive(Clone, Copy, Default)]
struct Sure {
    /// Shares and percentiles: not in a run without a steady state.
    shares: bool,
    /// Means: not where the variance is infinite either.
    means: bool,
    /// Standard deviations have a value.
    deviations: bool,
}

/// A part of a stretch.
#[derive(Clone, Default)]
struct Batch<C> {
    counts: C,
    /// Level-nanoseconds.
    areas: [u64; METERS],
    peak: u32,
    /// Levels of the kind: means of what they were when each window ended.
    gauges: Vec<f64>,
    seconds: f64,
}

/// What a subject did in a stretch of the run.
pub struct Reading<'a, C> {
    batches: Vec<Batch<C>>,
    /// All of them together.
    pub counts: C,
    seconds: f64,
    /// Latency, wait, lag: of each batch, where they are known.
    times: [Option<Vec<Cow<'a, Sparse>>>; 3],
    merged: [OnceCell<Histogram>; 3],
    pub(super) hottest: Option<Hottest>,
    sure: Sure,
}

/// Counters of a kind, which only nodes have.
trait Counted {
    fn counted(&self, _counter: Counter) -> u64 {
        0
    }
}

impl Counted for ClassCounts {}
impl Counted for LinkCounts {}
impl Counted for CopyCounts {}
impl Counted for NodeCounts {
    fn counted(&self, counter: Counter) -> u64 {
        NodeCounts::counted(self, counter)
    }
}

#[expect(private_bounds, reason = "what a subject counts is told by its type")]
impl<C: Counts + Counted> Reading<'_, C> {
    fn of(batches: Vec<Batch<C>>, seconds: f64) -> Self {
        let mut counts = C::default();
        batches.iter().for_each(|batch| counts.add_all(&batch.counts));
        let (times, merged) = ([None, None, None], Default::default());
        Reading { batches, counts, seconds, times, merged, hottest: None, sure: Sure::default() }
    }

    /// The value of a measure; none where nothing was there to measure.
    pub fn value(&self, measure: &Measure<C>) -> Option<f64> {
        Some(match measure.how {
            How::Rate(_) | How::Counted(_) | How::Level(_) | How::Gauge(..) => {
                self.sums(&measure.how)?.0 / self.seconds
            }
            How::Mean(..) => {
                let (sum, n) = self.sums(&measure.how)?;
                sum / n / 1e9
            }
            How::Share(..) | How::Failed(_) | How::Use(..) | How::CountedShare(..) => {
                let (part, whole) = self.sums(&measure.how)?;
                part / whole
            }
            How::Peak => f64::from(self.batches.iter().map(|batch| batch.peak).max()?),
            How::HottestShare => self.hottest?.share,
            How::HottestUse => self.hottest?.utilization?,
            How::Of(times, stat) => {
                let all = self.times(times)?;
                return match stat {
                    Stat::Mean => all.mean().map(|ns| ns / 1e9),
                    Stat::Quantile(q) => all.quantile(q).map(|ns| ns / 1e9),
                    Stat::Max => all.max().map(|max| max as f64 / 1e9),
                    Stat::Deviation => all.deviation().map(|sd| sd / 1e9).filter(|_| self.sure.deviations),
                    Stat::Variation => variation(all).filter(|_| self.sure.deviations),
                };
            }
        })
    }

    /// The same with the half-width of its confidence interval, where there are batches enough to tell.
    pub fn estimate(&self, measure: &Measure<C>) -> Option<Estimate> {
        let value = self.value(measure)?;
        let half_width = match measure.how {
            How::Of(times, Stat::Quantile(q)) => self.quantile_half_width(times, q),
            How::Of(times, Stat::Mean) => {
                let batches = self.times[times as usize].iter().flatten();
                let sums: Vec<(f64, f64)> = batches.map(|batch| (batch.sum() as f64, batch.count() as f64)).collect();
                ratio(&sums, 1e9)
            }
            How::Of(..) | How::Peak | How::HottestShare | How::HottestUse | How::Gauge(..) => None,
            _ => {
                let scale = if matches!(measure.how, How::Mean(..)) { 1e9 } else { 1.0 };
                let pairs: Vec<(f64, f64)> = self.batches.iter().map(|batch| batch.pair(&measure.how)).collect();
                ratio(&pairs, scale)
            }
        };
        let is_share = matches!(
            measure.how,
            How::Share(..) | How::Failed(_) | How::Use(..) | How::CountedShare(..) | How::Of(_, Stat::Quantile(_))
        );
        let sure = if is_share { self.sure.shares } else { self.sure.means };
        Some(Estimate { value, half_width: half_width.filter(|_| sure) })
    }

    /// How many observations a measure is of.
    pub fn observations(&self, measure: &Measure<C>) -> u64 {
        match measure.how {
            How::Of(times, _) => self.times(times).map_or(0, Histogram::count),
            _ => self.counts.answered(),
        }
    }

    /// What is divided by what; none where that is nothing.
    fn sums(&self, how: &How<C>) -> Option<(f64, f64)> {
        let pairs = self.batches.iter().map(|batch| batch.pair(how));
        let (top, bottom) = pairs.fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        (bottom > 0.0).then_some((top, bottom))
    }

    fn times(&self, times: Times) -> Option<&Histogram> {
        let batches = self.times[times as usize].as_ref()?;
        Some(self.merged[times as usize].get_or_init(|| {
            let mut all = Histogram::new();
            batches.iter().for_each(|batch| batch.add_to(&mut all));
            all
        }))
    }

    /// All that is said of a distribution.
    pub(super) fn latency(&self, times: Times) -> Latency {
        let of = |stat: Stat| self.estimate(&Measure::new("", How::Of(times, stat), ""));
        let value = |stat: Stat| of(stat).map(|estimate| estimate.value);
        Latency {
            count: self.times(times).map_or(0, Histogram::count),
            mean: of(Stat::Mean),
            p50: of(Stat::Quantile(0.5)),
            p90: of(Stat::Quantile(0.9)),
            p95: of(Stat::Quantile(0.95)),
            p99: of(Stat::Quantile(0.99)),
            p999: of(Stat::Quantile(0.999)),
            max: value(Stat::Max),
            sd: value(Stat::Deviation),
            cv: value(Stat::Variation),
        }
    }

    /// Half-width of the interval of a quantile of all batches together: the share of each batch that lies below it says how
    /// sure the share is, and the pooled distribution which values those shares have. The scatter of the batches' own
    /// quantiles would not do: under load a batch is too short to have a p99. None where too few answers, or answers of too
    /// few batches, lie beyond it: those of one congested stretch are no independent evidence.
    fn quantile_half_width(&self, times: Times, q: f64) -> Option<f64> {
        let (all, batches) = (self.times(times)?, self.times[times as usize].as_ref()?);
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
        Some((above - value).max(value - below).max(width / 2.0) / 1e9)
    }
}

impl<C: Counts + Counted> Batch<C> {
    /// What is divided by what.
    fn pair(&self, how: &How<C>) -> (f64, f64) {
        let counts = &self.counts;
        let all = |counters: &[Counter]| counters.iter().map(|counter| counts.counted(*counter)).sum::<u64>() as f64;
        let area = |meter: Meter| self.areas[meter as usize] as f64;
        match *how {
            How::Rate(count) => (count(counts) as f64, self.seconds),
            How::Counted(counter) => (counts.counted(counter) as f64, self.seconds),
            How::Level(meter) => (area(meter) / 1e9, self.seconds),
            How::Gauge(gauge, _) => {
                (self.gauges.get(usize::from(gauge.0)).copied().unwrap_or(0.0) * self.seconds, self.seconds)
            }
            How::Share(part, whole) | How::Mean(part, whole) => (part(counts) as f64, whole(counts) as f64),
            How::Failed(None) => (counts.failed() as f64, counts.ended() as f64),
            How::Failed(Some(reason)) => (counts.failures()[reason as usize] as f64, counts.ended() as f64),
            How::Use(used, there) => (area(used), area(there)),
            How::CountedShare(part, whole) => (all(part), all(whole)),
            How::Of(..) | How::Peak | How::HottestShare | How::HottestUse => (0.0, 0.0),
        }
    }
}

/// Of the slots or cores of all copies, in nanoseconds, those of one: each has as many while it is up.
fn capacity(load: &ReplicaLoad, loads: &[ReplicaLoad], all: u64) -> u64 {
    let up: u128 = loads.iter().map(|load| u128::from(load.up_ns)).sum();
    (u128::from(all) * u128::from(load.up_ns) / up.max(1)) as u64
}

/// Standard deviation over mean.
fn variation(histogram: &Histogram) -> Option<f64> {
    let mean = histogram.mean().filter(|mean| *mean > 0.0)?;
    histogram.deviation().map(|sd| sd / mean)
}

/// Half-width of a ratio of sums over batches, in units of `scale`.
fn ratio(batches: &[(f64, f64)], scale: f64) -> Option<f64> {
    steady::batch_interval(batches).map(|Interval { half_width, .. }| half_width / scale)
}

/// Their failures are not counted one by one.
fn copy_measure(name: &str) -> Option<Measure<CopyCounts>> {
    COPY_MEASURES.iter().copied().flatten().find(|measure| measure.name == name).copied()
}

impl Recorder {
    /// What a name in a path stands for: nothing for all requests, `redis#3` for a replica or shard. A client and a class may
    /// have the same name: what is measured of requests is of the class then.
    pub fn subject(&self, name: Option<&str>, figure: &str) -> Option<Subject> {
        let Some(name) = name else { return Some(Subject::All) };
        let node = |name: &str| self.plan.nodes.iter().position(|node| node.name == name);
        let class = self.plan.classes.iter().position(|class| class == name);
        let is_of_class = |node: &usize| {
            let is_client = self.kinds[*node].role == Role::Source;
            is_client && class.is_some() && named(CLASS_MEASURES, figure).is_some()
        };
        node(name)
            .filter(|node| !is_of_class(node))
            .map(Subject::Node)
            .or_else(|| self.plan.links.iter().position(|link| link.name == name).map(Subject::Link))
            .or(class.map(Subject::Class))
            .or_else(|| {
                let (name, copy) = name.rsplit_once('#')?;
                Some(Subject::Copy(node(name)?, copy.parse().ok()?))
            })
    }

    /// A figure by its name.
    pub fn figure(&self, subject: Subject, name: &str, stretch: &Stretch) -> Option<f64> {
        match subject {
            Subject::All | Subject::Class(_) => self.classes(subject, stretch).value(&named(CLASS_MEASURES, name)?),
            Subject::Node(node) => self.node(node, stretch).value(&self.node_measure(node, name)?),
            Subject::Copy(node, copy) => self.copy(node, copy, stretch)?.value(&copy_measure(name)?),
            Subject::Link(link) => self.link(link, stretch).value(&named(LINK_MEASURES, name)?),
        }
    }

    /// Calls that began, and observations that a figure is of.
    pub fn occurred(&self, subject: Subject, name: &str, stretch: &Stretch) -> (u64, u64) {
        fn of<C: Counts + Counted>(reading: &Reading<C>, measure: Option<Measure<C>>) -> (u64, u64) {
            let answers = measure.map_or(0, |measure| reading.observations(&measure));
            (reading.counts.began(), answers)
        }
        match subject {
            Subject::All | Subject::Class(_) => of(&self.classes(subject, stretch), named(CLASS_MEASURES, name)),
            Subject::Node(node) => of(&self.node(node, stretch), self.node_measure(node, name)),
            Subject::Copy(node, copy) => {
                self.copy(node, copy, stretch).map_or((0, 0), |reading| of(&reading, copy_measure(name)))
            }
            Subject::Link(link) => of(&self.link(link, stretch), named(LINK_MEASURES, name)),
        }
    }

    /// Whether this is a node that takes no calls and only changes others.
    pub fn is_scaler(&self, name: &str) -> bool {
        let node = self.plan.nodes.iter().position(|node| node.name == name);
        node.is_some_and(|node| self.kinds[node].role == Role::Scaler)
    }

    /// Whether a figure is known of whole segments only.
    pub fn is_by_segment(&self, subject: Subject, name: &str) -> bool {
        match subject {
            Subject::Copy(..) => true,
            Subject::Node(node) => self.node_measure(node, name).is_some_and(|measure| measure.is_of_copies()),
            _ => false,
        }
    }

    fn node_measure(&self, node: usize, name: &str) -> Option<NodeMeasure> {
        let own = self.kinds[node].measures().find(|measure| measure.name == name).copied();
        own.or_else(|| crate::engine::failed_for(name))
    }

    /// What requests of a class did, or all.
    pub fn classes(&self, subject: Subject, stretch: &Stretch) -> Reading<'_, ClassCounts> {
        let (n, series) = (self.plan.classes.len(), &self.series);
        let classes = match subject {
            Subject::Class(class) => class..class + 1,
            _ => 0..n,
        };
        let of_windows = |windows: Range<usize>| {
            let mut batch = Batch { seconds: self.seconds_of(&windows), ..Batch::<ClassCounts>::default() };
            for window in windows {
                classes.clone().for_each(|class| batch.counts.add(&series.classes[window * n + class].counts));
            }
            batch
        };
        let mut reading = Reading::of(self.batches(stretch, of_windows), stretch.seconds);
        let merged = |parts: &mut dyn Iterator<Item = &Sparse>| {
            let mut all = Histogram::new();
            parts.for_each(|part| part.add_to(&mut all));
            Sparse::of(&all)
        };
        reading.times[Times::Latency as usize] = Some(if stretch.is_whole {
            let of = |segment: usize| match classes.len() {
                1 => Cow::Borrowed(&series.segments[segment].classes[classes.start]),
                _ => Cow::Owned(merged(&mut series.segments[segment].classes[classes.clone()].iter())),
            };
            stretch.segments.clone().map(of).collect()
        } else {
            let rows =
                stretch.windows.clone().flat_map(|w| &series.classes[w * n + classes.start..w * n + classes.end]);
            vec![Cow::Owned(merged(&mut rows.map(|row| &row.latency)))]
        });
        reading.sure = self.sure(stretch, self.heavy.classes);
        reading
    }

    /// What a node did.
    pub fn node(&self, node: usize, stretch: &Stretch) -> Reading<'_, NodeCounts> {
        let batches = self.batches(stretch, |windows| self.node_batch(node, windows));
        let mut reading = Reading::of(batches, stretch.seconds);
        if stretch.is_whole {
            reading.times = [0, 1, 2].map(|i| {
                let segments = stretch.segments.clone();
                Some(segments.map(|s| Cow::Borrowed(&self.series.segments[s].nodes[node][i])).collect())
            });
        }
        reading.hottest = self.hottest(node, stretch);
        reading.sure = self.sure(stretch, self.heavy.nodes[node]);
        reading
    }

    /// What a replica or shard of a node did, as far as whole segments (thirty-seconds of the run) tell; none where there
    /// is no such copy, or no segment.
    pub fn copy(&self, node: usize, copy: usize, stretch: &Stretch) -> Option<Reading<'_, CopyCounts>> {
        let mut has_been = false;
        let batches: Vec<Batch<CopyCounts>> = stretch
            .segments
            .clone()
            .map(|segment| {
                let loads = self.loads(node, segment..segment + 1);
                let windows = self.windows_of(segment);
                let all = self.node_batch(node, windows);
                let of_all = loads.iter().map(|load| load.calls).sum();
                let counts = loads.get(copy).map(|load| CopyCounts {
                    calls: load.calls,
                    of_all,
                    held_ns: load.held_ns,
                    slots_ns: capacity(load, &loads, all.areas[Meter::SlotCapacity as usize]),
                    worked_ns: load.worked_ns,
                    cores_ns: capacity(load, &loads, all.areas[Meter::CoreCapacity as usize]),
                });
                has_been |= counts.is_some();
                // Before it came, the others had all calls.
                let counts = counts.unwrap_or(CopyCounts { of_all, ..CopyCounts::default() });
                Batch { counts, seconds: all.seconds, ..Batch::default() }
            })
            .collect();
        let seconds = batches.iter().map(|batch| batch.seconds).sum();
        let mut reading = Reading::of(batches, seconds);
        reading.sure = self.sure(stretch, self.heavy.nodes[node]);
        has_been.then_some(reading)
    }

    /// What was sent over a link.
    pub fn link(&self, link: usize, stretch: &Stretch) -> Reading<'_, LinkCounts> {
        let n = self.plan.links.len();
        let of_windows = |windows: Range<usize>| {
            let mut batch = Batch { seconds: self.seconds_of(&windows), ..Batch::<LinkCounts>::default() };
            windows.for_each(|window| batch.counts.add(&self.series.links[window * n + link]));
            batch
        };
        let mut reading = Reading::of(self.batches(stretch, of_windows), stretch.seconds);
        if stretch.is_whole {
            let segments = stretch.segments.clone();
            reading.times[Times::Latency as usize] =
                Some(segments.map(|s| Cow::Borrowed(&self.series.segments[s].links[link])).collect());
        }
        reading.sure = self.sure(stretch, self.heavy.links[link]);
        reading
    }

    fn batches<C>(&self, stretch: &Stretch, of_windows: impl Fn(Range<usize>) -> Batch<C>) -> Vec<Batch<C>> {
        if stretch.is_whole {
            let segments = stretch.segments.clone().map(|segment| self.windows_of(segment));
            // While a run goes on, there are windows of a segment that is not over.
            let rest =
                self.series.segment_ends.last().map_or(0, |end| *end).max(stretch.windows.start)..stretch.windows.end;
            segments.chain((!rest.is_empty()).then_some(rest)).map(of_windows).collect()
        } else {
            stretch.windows.clone().map(|window| of_windows(window..window + 1)).collect()
        }
    }

    fn node_batch(&self, node: usize, windows: Range<usize>) -> Batch<NodeCounts> {
        let (n, series) = (self.plan.nodes.len(), &self.series);
        let mut batch = Batch { seconds: self.seconds_of(&windows), ..Batch::<NodeCounts>::default() };
        for window in windows.clone() {
            let share = self.seconds_of(&(window..window + 1)) / batch.seconds;
            let levels = self.gauges_at(window, node);
            batch.gauges.resize(levels.len(), 0.0);
            batch.gauges.iter_mut().zip(levels).for_each(|(mean, level)| *mean += share * level);
        }
        for window in windows {
            let NodeRow { counts, areas, queue_peak } = &series.nodes[window * n + node];
            batch.counts.add(counts);
            (0..METERS).for_each(|k| batch.areas[k] = batch.areas[k].wrapping_add(areas[k]));
            batch.peak = batch.peak.max(*queue_peak);
        }
        batch
    }

    fn sure(&self, stretch: &Stretch, heavy: bool) -> Sure {
        let settled = stretch.is_whole && !stretch.unsettled;
        Sure { shares: settled, means: settled && !heavy, deviations: !heavy && (settled || !stretch.is_whole) }
    }

    /// What each copy of a node did in these segments.
    fn loads(&self, node: usize, segments: Range<usize>) -> Vec<ReplicaLoad> {
        let all = &self.series.segments;
        let Some(last) = segments.clone().next_back() else { return Vec::new() };
        let (after, before) = (&all[last].loads[node], segments.start.checked_sub(1).map(|s| &all[s].loads[node]));
        let since = |(i, now): (usize, &ReplicaLoad)| {
            let earlier = before.and_then(|loads| loads.get(i)).copied().unwrap_or_default();
            ReplicaLoad {
                calls: now.calls.wrapping_sub(earlier.calls),
                held_ns: now.held_ns.wrapping_sub(earlier.held_ns),
                worked_ns: now.worked_ns.wrapping_sub(earlier.worked_ns),
                up_ns: now.up_ns.wrapping_sub(earlier.up_ns),
            }
        };
        after.iter().enumerate().map(since).collect()
    }

    /// The copy that was busiest.
    fn hottest(&self, node: usize, stretch: &Stretch) -> Option<Hottest> {
        let loads = self.loads(node, stretch.segments.clone());
        let total: u64 = loads.iter().map(|load| load.calls).sum();
        if total == 0 || loads.len() < 2 {
            return None;
        }
        let mut areas = [0; METERS];
        for segment in stretch.segments.clone() {
            let batch = self.node_batch(node, self.windows_of(segment));
            (0..METERS).for_each(|k| areas[k] += batch.areas[k]);
        }
        let part = |load: &ReplicaLoad, ns: u64, meter: Meter| {
            let all = capacity(load, &loads, areas[meter as usize]);
            (all > 0).then(|| (ns as f64 / all as f64).min(1.0))
        };
        let utilization = |load: &ReplicaLoad| {
            let slots = part(load, load.held_ns, Meter::SlotCapacity);
            slots.into_iter().chain(part(load, load.worked_ns, Meter::CoreCapacity)).reduce(f64::max)
        };
        let key = |i: usize| (utilization(&loads[i]).unwrap_or(0.0), loads[i].calls);
        let hotter = |a: usize, b: usize| if key(b) > key(a) { b } else { a };
        let copy = (0..loads.len()).reduce(hotter)?;
        Some(Hottest { copy, share: loads[copy].calls as f64 / total as f64, utilization: utilization(&loads[copy]) })
    }
}
