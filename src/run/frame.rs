//! The state of a run at an instant: what the recorder kept, what the engine's meters say, and the calls in flight.

use super::Run;
use crate::base::{Histogram, LinkId, NodeId, Span, Time};
use crate::design::Design;
use crate::engine::{
    Behaviour as _, Hop, How, LinkCounts, Meter, NodeMeasure, REASONS, Reason, ReplicaState, Stage, Stat, Times,
};
use crate::metrics::{CopyFrame, Frame, LinkFrame, Moment, NodeFrame, Report, Series, Token, steady};
use std::collections::BTreeMap;

/// Points of a sparkline.
const HISTORY: usize = 60;
/// What a sparkline looks back on, in nanoseconds, where a frame is about an instant.
const LOOK_BACK: u64 = 60_000_000_000;
/// A rate is about no less.
const SHORTEST: Span = Span::from_millis(5);
/// What the figures of a frame are about.
#[derive(Clone, Copy, Debug)]
pub enum Basis<'a> {
    /// The run after its warm-up, from its report.
    Report(&'a Report),
    /// From the beginning of the last thirty-second of the run's length that is over until now.
    Recent,
}

/// Where the figures of a node come from.
enum Source {
    /// The calls that it serves.
    Calls,
    /// The request classes that it alone issues.
    Classes(Vec<usize>),
    /// The links over which it issues requests, of classes that others issue too.
    Links(Vec<usize>),
}

/// Calls or requests that were counted.
#[derive(Default)]
struct Count {
    began: u64,
    succeeded: u64,
    failed: [u64; REASONS.len()],
}

/// The present state of a run of this design.
pub fn frame(run: &mut Run, design: &Design, basis: Basis) -> Frame {
    let at = run.now();
    let (since, history_since) = match basis {
        Basis::Report(report) => (Time((report.warm_up * 1e9 + 0.5) as u64), Time::ZERO),
        Basis::Recent => (recent(run.recorder.series()), Time(at.0.saturating_sub(LOOK_BACK))),
    };
    let whole_run = matches!(basis, Basis::Report(_));
    let issuers = issuers(design);
    let kinds = design.nodes.values().map(|node| &node.kind);
    let ids = (0..design.nodes.len() as u32).map(NodeId);
    let sources: Vec<Source> = kinds.zip(ids).map(|(kind, id)| source(run, &kind.classes(), &issuers, id)).collect();
    let histories: Vec<Vec<Moment>> =
        sources.iter().enumerate().map(|(i, source)| history(run, i, source, history_since)).collect();
    // What happened since the last window counts too, once that is long enough to speak of a rate.
    let is_long_enough = !whole_run && at.since(since) >= SHORTEST;
    let opened = is_long_enough && run.recorder.open_window(&mut run.sim);
    let mut nodes = Vec::new();
    for (i, ((name, source), history)) in design.nodes.keys().zip(&sources).zip(histories).enumerate() {
        let id = NodeId(i as u32);
        let (copies, counted) = (copies(run, id), node(run, id, source, since, whole_run));
        nodes.push(NodeFrame { name: name.clone(), copies, history, ..counted });
    }
    let links = links(run, since);
    if opened {
        run.recorder.forget_window();
    }
    let (sampling, tokens) = (run.sim.traced_every().max(1), tokens(run));
    Frame { at, since, history_since, whole_run, nodes, links, tokens, sampling }
}

/// The beginning of the last segment that is over.
fn recent(series: &Series) -> Time {
    match series.segment_ends.len() {
        0 | 1 => Time::ZERO,
        n => series.ends[series.segment_ends[n - 2] - 1],
    }
}

/// How many nodes issue each class.
fn issuers(design: &Design) -> BTreeMap<String, usize> {
    let mut issuers = BTreeMap::new();
    for class in design.nodes.values().flat_map(|node| node.kind.classes()) {
        *issuers.entry(class).or_default() += 1;
    }
    issuers
}

fn source(run: &Run, mine: &[String], issuers: &BTreeMap<String, usize>, id: NodeId) -> Source {
    let plan = run.recorder.plan();
    if mine.is_empty() {
        Source::Calls
    } else if mine.iter().any(|class| issuers[class] > 1) {
        Source::Links(plan.nodes[id.index()].outs.iter().map(|link| link.index()).collect())
    } else {
        Source::Classes((0..plan.classes.len()).filter(|&i| mine.contains(&plan.classes[i])).collect())
    }
}

/// What was counted in these windows.
fn count(run: &Run, node: usize, source: &Source, windows: std::ops::Range<usize>) -> Count {
    let (series, plan) = (run.recorder.series(), run.recorder.plan());
    let mut sum = Count::default();
    let mut add = |began: u64, succeeded: u64, failed: &[u64]| {
        sum.began += began;
        sum.succeeded += succeeded;
        sum.failed.iter_mut().zip(failed).for_each(|(all, n)| *all += n);
    };
    for w in windows {
        match source {
            Source::Calls => {
                let counts = &series.nodes[w * plan.nodes.len() + node].counts;
                add(counts.arrived, counts.succeeded, &counts.failed);
            }
            Source::Classes(classes) => classes.iter().for_each(|class| {
                let counts = &series.classes[w * plan.classes.len() + class].counts;
                add(counts.offered, counts.good + counts.late, &counts.failed);
            }),
            Source::Links(links) => links.iter().for_each(|link| {
                let counts = &series.links[w * plan.links.len() + link];
                add(counts.sent, counts.succeeded, &counts.failed);
            }),
        }
    }
    sum
}

/// Times to answer since then.
fn latency(run: &mut Run, id: NodeId, source: &Source, since: Time) -> Histogram {
    let mut all = Histogram::new();
    let (series, classes) = (run.recorder.series(), run.recorder.plan().classes.len());
    let (window, segment) = first(series, since);
    match source {
        Source::Calls => {
            series.segments[segment..].iter().for_each(|segment| segment.nodes[id.index()][0].add_to(&mut all));
            all.merge(run.sim.node_latency(id));
        }
        Source::Classes(which) => {
            for w in window..series.ends.len() {
                which.iter().for_each(|class| series.classes[w * classes + class].latency.add_to(&mut all));
            }
        }
        Source::Links(links) => links.iter().for_each(|&link| {
            series.segments[segment..].iter().for_each(|segment| segment.links[link].add_to(&mut all));
            all.merge(run.sim.link_latency(LinkId(link as u32)));
        }),
    }
    all
}

/// The first window and the first segment that end after this.
fn first(series: &Series, since: Time) -> (usize, usize) {
    let window = series.ends.partition_point(|end| *end <= since);
    (window, series.segment_ends.partition_point(|end| *end <= window))
}

fn seconds_since(series: &Series, since: Time) -> f64 {
    series.ends.last().map_or(0.0, |end| end.since(since).as_secs()).max(1e-9)
}

fn claimed(histogram: &Histogram, q: f64) -> Option<f64> {
    (histogram.count() >= steady::needed_for(q)).then(|| histogram.quantile(q)).flatten().map(|ns| ns / 1e9)
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn commonest(failed: &[u64]) -> Option<&'static str> {
    let (i, n) = failed.iter().enumerate().max_by_key(|(i, n)| (**n, usize::MAX - *i))?;
    (*n > 0).then(|| REASONS[i].name())
}

/// A node's figures from the windows since then; queue and slots on average or as they are now.
fn node(run: &mut Run, id: NodeId, source: &Source, since: Time, on_average: bool) -> NodeFrame {
    let latency = latency(run, id, source, since);
    let series = run.recorder.series();
    let (window, segment) = first(series, since);
    let windows = window..series.ends.len();
    let mut lag = Histogram::new();
    series.segments[segment..].iter().for_each(|segment| segment.nodes[id.index()][2].add_to(&mut lag));
    lag.merge(&run.sim.node_tally(id).lag);
    let counted = count(run, id.index(), source, windows.clone());
    let reading = run.recorder.node(id.index(), &run.recorder.of_windows(windows));
    let kind = run.recorder.kinds()[id.index()];
    let value = |name: &str| kind.measures().find(|m| m.name == name).and_then(|measure| reading.value(measure));
    let (lost, seconds): (u64, f64) = (counted.failed.iter().sum(), seconds_since(series, since));
    // Lags of this instant are not in the recording yet.
    let lag = lag.mean().map(|ns| ns / 1e9);
    let of_now = |measure: &NodeMeasure| match measure.how {
        How::Of(Times::Lag, Stat::Mean) => lag,
        _ => reading.value(measure),
    };
    let shown = kind.measures.iter().filter(|measure| !measure.word.is_empty());
    let own = shown.filter_map(|measure| Some((measure, of_now(measure)?))).collect();
    let meters = run.sim.meters(id);
    let level = |name: &str, meter: Meter| {
        if on_average { value(name).unwrap_or(0.0) } else { f64::from(meters.level(meter)) }
    };
    NodeFrame {
        rate: counted.began as f64 / seconds,
        failed_share: share(lost, lost + counted.succeeded),
        reason: commonest(&counted.failed),
        p50: claimed(&latency, 0.5),
        p99: claimed(&latency, 0.99),
        queue: level("queue", Meter::Queue),
        queue_peak: value("queue_max").unwrap_or(0.0) as u32,
        busy: level("busy", Meter::Busy),
        slots: level("slots", Meter::SlotCapacity),
        core_utilization: value("core_utilization"),
        own,
        levels: levels(run, id),
        ..NodeFrame::default()
    }
}

/// What a node's kind shows of itself now.
fn levels(run: &Run, id: NodeId) -> Vec<(&'static str, f64)> {
    let gauges = run.sim.behaviour(id).gauges();
    let measures = run.recorder.kinds()[id.index()].measures.iter();
    measures.filter_map(|measure| Some((measure.name, *gauges.get(usize::from(measure.gauge()?.0))?))).collect()
}

/// The replicas or shards of a node: as its kind tells, and otherwise as the engine sees them.
fn copies(run: &Run, id: NodeId) -> Vec<CopyFrame> {
    let (behaviour, seen) = (run.sim.behaviour(id), run.sim.replicas(id));
    let (stages, loads) = (behaviour.stages(), behaviour.loads());
    let total = loads.iter().sum::<u64>().max(1) as f64;
    let copy = |(i, seen): (usize, &ReplicaState)| {
        let stage = match stages.get(i) {
            Some(stage) => (*stage)?,
            None if seen.up => Stage::Running,
            None => Stage::Killed,
        };
        let stage = match stage {
            // It runs, and takes no calls: it was told to pause.
            Stage::Running if !seen.up => Stage::Paused,
            Stage::Running if seen.slow != 1.0 || seen.fail > 0.0 => Stage::Degraded,
            other => other,
        };
        Some(CopyFrame { stage, share: loads.get(i).map_or(0.0, |load| *load as f64 / total) })
    };
    seen.iter().enumerate().filter_map(copy).collect()
}

/// Calls and failures per second in equal slices of the windows since then.
fn history(run: &Run, node: usize, source: &Source, since: Time) -> Vec<Moment> {
    let series = run.recorder.series();
    let (first, _) = first(series, since);
    let windows = series.ends.len() - first;
    let slices = windows.min(HISTORY);
    let slice = |s: usize| {
        let range = first + windows * s / slices..first + windows * (s + 1) / slices;
        let seconds = series.ends[range.end - 1].since(series.start(range.start)).as_secs();
        let counted = count(run, node, source, range);
        let failed = counted.failed.iter().sum::<u64>();
        Moment { rate: counted.began as f64 / seconds, failed: failed as f64 / seconds }
    };
    (0..slices).map(slice).collect()
}

fn links(run: &Run, since: Time) -> Vec<LinkFrame> {
    let (series, plan) = (run.recorder.series(), run.recorder.plan());
    let ((first, _), seconds) = (first(series, since), seconds_since(series, since));
    let link = |(i, link): (usize, &crate::engine::LinkPlan)| {
        let mut counts = LinkCounts::default();
        for w in first..series.ends.len() {
            counts.add(&series.links[w * plan.links.len() + i]);
        }
        let lost: u64 = counts.failed.iter().sum();
        LinkFrame {
            name: link.name.clone(),
            rate: counts.sent as f64 / seconds,
            failed_share: share(lost, lost + counts.succeeded),
            timeout_share: share(counts.failed[Reason::Timeout as usize], lost + counts.succeeded),
        }
    };
    plan.links.iter().enumerate().map(link).collect()
}

/// The calls of sampled requests that are on the way or with their callees.
fn tokens(run: &Run) -> Vec<Token> {
    let now = run.now();
    let token = |(journey, hop): (u64, &Hop)| {
        let (leg, way) = hop.leg(now)?;
        Some(Token {
            link: hop.link.index(),
            class: hop.class.index(),
            leg,
            way,
            journey,
            is_retry: hop.attempt > 1,
            failed: hop.outcome.is_err(),
        })
    };
    run.sim.hops().filter_map(token).collect()
}
