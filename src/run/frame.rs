//! The state of a run at an instant: what the recorder kept, what the engine's meters say, and the calls in flight.

use super::Run;
use crate::base::{Histogram, NodeId, Time, hash};
use crate::design::Design;
use crate::engine::{
    ClassCounts, InFlight, Leg, LinkCounts, METERS, Meter, NodeCounts, REASONS, Reason, SIGNALS, Signal,
};
use crate::metrics::{Frame, LinkFrame, Moment, NodeFrame, Report, Series, Token, steady};

/// Points of a sparkline.
const HISTORY: usize = 60;
/// What a sparkline looks back on, in nanoseconds, where a frame is about an instant.
const LOOK_BACK: u64 = 60_000_000_000;
/// Tokens of a frame at most: more could not be told apart.
const MOST_TOKENS: usize = 4_000;

/// What the figures of a frame are about.
#[derive(Clone, Copy, Debug)]
pub enum Basis<'a> {
    /// The run after its warm-up, from its report.
    Report(&'a Report),
    /// The last thirty-second or two of the run's length.
    Recent,
}

/// The present state of a run of this design.
pub fn frame(run: &mut Run, design: &Design, basis: Basis) -> Frame {
    let series = run.recorder.series();
    let at = run.now();
    let since = match basis {
        Basis::Report(report) => Time((report.warm_up * 1e9 + 0.5) as u64),
        Basis::Recent => recent(series),
    };
    let history_since = match basis {
        Basis::Report(_) => Time::ZERO,
        Basis::Recent => Time(at.0.saturating_sub(LOOK_BACK)),
    };
    let (sampling, tokens) = tokens(run, design);
    let mut frame = Frame {
        at,
        since,
        history_since,
        whole_run: matches!(basis, Basis::Report(_)),
        nodes: Vec::new(),
        links: links(run, since),
        tokens,
        sampling,
    };
    for (i, (name, node)) in design.nodes.iter().enumerate() {
        let id = NodeId(i as u32);
        let classes = class_numbers(design, &node.kind.classes());
        let mut shown = match basis {
            Basis::Report(report) => of_report(report, name, &node.kind.classes(), design),
            Basis::Recent => of_windows(run, id, &classes, since),
        };
        shown.name.clone_from(name);
        shown.levels = run.sim.behaviour(id).glance();
        shown.history = history(run.recorder.series(), design.nodes.len(), i, &classes, history_since);
        frame.nodes.push(shown);
    }
    frame
}

/// The beginning of the last segment that is over.
fn recent(series: &Series) -> Time {
    match series.segment_ends.len() {
        0 | 1 => Time::ZERO,
        n => series.ends[series.segment_ends[n - 2] - 1],
    }
}

fn class_numbers(design: &Design, names: &[String]) -> Vec<usize> {
    let all = design.classes();
    names.iter().filter_map(|name| all.iter().position(|other| other == name)).collect()
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

/// A node's figures from the report. Those of a client are about its classes.
fn of_report(report: &Report, name: &str, classes: &[String], design: &Design) -> NodeFrame {
    let mine: Vec<_> = classes.iter().filter_map(|class| report.classes.get(class)).collect();
    let node = &report.nodes[name];
    let value = |estimate: Option<crate::metrics::Estimate>| estimate.map(|estimate| estimate.value);
    let (failed, succeeded, rate, latency) = if mine.is_empty() {
        (node.failed.clone(), node.succeeded, node.arrival_rate, &node.latency)
    } else {
        let mut failed = std::collections::BTreeMap::new();
        for (reason, n) in mine.iter().flat_map(|class| &class.failed) {
            *failed.entry(*reason).or_insert(0) += n;
        }
        let answered = mine.iter().map(|class| class.good + class.late).sum();
        let rate = mine.iter().map(|class| class.offered_rate).sum();
        // Of several classes the most frequent speaks for the client; with one client it is all of them together.
        let all = design.classes().len() == classes.len();
        let most = mine.iter().max_by_key(|class| class.offered).map(|class| &class.latency);
        (failed, answered, rate, if all { &report.total.latency } else { most.unwrap_or(&node.latency) })
    };
    let lost: u64 = failed.values().sum();
    let enough = |q: f64| latency.count >= steady::needed_for(q);
    NodeFrame {
        rate,
        failed_share: share(lost, lost + succeeded),
        reason: failed.iter().max_by_key(|(_, n)| **n).map(|(reason, _)| *reason),
        p50: value(latency.p50).filter(|_| enough(0.5)),
        p99: value(latency.p99).filter(|_| enough(0.99)),
        queue: node.queue.value,
        queue_peak: node.queue_max,
        busy: node.busy,
        slots: node.slots,
        core_utilization: node.core_utilization,
        hit_ratio: value(node.hit_ratio),
        stale_share: value(node.stale_share),
        lag: value(node.lag.mean),
        ..NodeFrame::default()
    }
}

/// A node's figures from the windows since then; queue and slots as they are now.
fn of_windows(run: &mut Run, id: NodeId, classes: &[usize], since: Time) -> NodeFrame {
    let series = run.recorder.series();
    let (nodes, all_classes) = (run.kinds.len(), run.recorder.plan().classes.len());
    let first = series.ends.partition_point(|end| *end <= since);
    let seconds = series.ends.last().map_or(0.0, |end| end.since(since).as_secs()).max(1e-9);
    let (mut counts, mut areas, mut peak) = (NodeCounts::default(), [0.0; METERS], 0);
    let (mut roots, mut latency) = (ClassCounts::default(), Histogram::new());
    for w in first..series.ends.len() {
        let row = &series.nodes[w * nodes + id.index()];
        counts.add(&row.counts);
        (0..METERS).for_each(|k| areas[k] += row.areas[k] as f64 / 1e9);
        peak = peak.max(row.queue_peak);
        for &class in classes {
            let row = &series.classes[w * all_classes + class];
            roots.add(&row.counts);
            row.latency.add_to(&mut latency);
        }
    }
    let mut lag = Histogram::new();
    if let Some(segment) = series.segments.last() {
        segment.nodes[id.index()][2].add_to(&mut lag);
        if classes.is_empty() {
            segment.nodes[id.index()][0].add_to(&mut latency);
        }
    }
    let tally = run.sim.node_tally(id);
    lag.merge(&tally.lag);
    if classes.is_empty() {
        latency.merge(&tally.latency);
    }
    let (arrived, succeeded, failed) = if classes.is_empty() {
        (counts.arrived, counts.succeeded, counts.failed)
    } else {
        (roots.offered, roots.good + roots.late, roots.failed)
    };
    let lost: u64 = failed.iter().sum();
    let signal = |wanted: Signal| {
        let found = SIGNALS.iter().position(|(signal, _)| *signal == wanted);
        found.map_or(0, |i| counts.signals[i])
    };
    let of_two = |part: u64, whole: u64| (whole > 0).then(|| share(part, whole));
    let meters = run.sim.meters(id);
    let level = |meter: Meter| f64::from(meters.level(meter));
    NodeFrame {
        rate: arrived as f64 / seconds,
        failed_share: share(lost, lost + succeeded),
        reason: commonest(&failed),
        p50: claimed(&latency, 0.5),
        p99: claimed(&latency, 0.99),
        queue: level(Meter::Queue),
        queue_peak: peak,
        busy: level(Meter::Busy),
        slots: level(Meter::SlotCapacity),
        core_utilization: (areas[4] > 0.0).then(|| areas[2] / areas[4]),
        hit_ratio: of_two(signal(Signal::Hit), signal(Signal::Hit) + signal(Signal::Miss)),
        stale_share: of_two(signal(Signal::StaleRead), signal(Signal::CheckedRead)),
        lag: lag.mean().map(|ns| ns / 1e9),
        ..NodeFrame::default()
    }
}

/// Calls and failures per second in equal slices of the windows since then.
fn history(series: &Series, nodes: usize, node: usize, classes: &[usize], since: Time) -> Vec<Moment> {
    let first = series.ends.partition_point(|end| *end <= since);
    let windows = series.ends.len() - first;
    let all_classes = series.classes.len() / series.ends.len().max(1);
    let slices = windows.min(HISTORY);
    let slice = |s: usize| {
        let range = first + windows * s / slices..first + windows * (s + 1) / slices;
        let seconds = series.ends[range.end - 1].since(series.start(range.start)).as_secs();
        let (mut arrived, mut failed) = (0, 0);
        for w in range {
            if classes.is_empty() {
                let counts = &series.nodes[w * nodes + node].counts;
                arrived += counts.arrived;
                failed += counts.failed.iter().sum::<u64>();
            }
            for &class in classes {
                let counts = &series.classes[w * all_classes + class].counts;
                arrived += counts.offered;
                failed += counts.failed.iter().sum::<u64>();
            }
        }
        Moment { rate: arrived as f64 / seconds, failed: failed as f64 / seconds }
    };
    (0..slices).map(slice).collect()
}

fn links(run: &Run, since: Time) -> Vec<LinkFrame> {
    let (series, plan) = (run.recorder.series(), run.recorder.plan());
    let first = series.ends.partition_point(|end| *end <= since);
    let seconds = series.ends.last().map_or(0.0, |end| end.since(since).as_secs()).max(1e-9);
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

/// The calls on the way and with their callees, thinned by the journey that they belong to, so that a journey is seen whole. A request is
/// as far as the time since it was sent is of what the link takes on average; when a reply was sent is not kept, so that
/// it is put somewhere on the way.
fn tokens(run: &Run, design: &Design) -> (u64, Vec<Token>) {
    let total = run.sim.calls_in_flight().count();
    let steps = [1, 2, 5].into_iter();
    let mut sampling = steps.cycle().zip(0u32..).map(|(step, i)| step * 10u64.pow(i / 3));
    let sampling = sampling.find(|k| total as u64 / k <= MOST_TOKENS as u64).unwrap_or(1);
    let takes: Vec<f64> = (run.recorder.plan().links.iter())
        .map(|link| design.link(&link.name).and_then(|link| link.latency.mean()).unwrap_or(0.0))
        .collect();
    let journey = |call: &InFlight| hash::mix2(run.recorder.plan().seed, call.intended.0);
    let token = |call: InFlight| Token {
        link: call.link.index(),
        class: call.class.index(),
        leg: call.leg,
        way: match call.leg {
            Leg::There => run.now().since(call.sent).0 as f64 / takes[call.link.index()].max(1.0),
            Leg::AtCallee => 1.0,
            Leg::Back => (hash::mix(journey(&call)) >> 11) as f64 / (1u64 << 53) as f64,
        }
        .clamp(0.0, 1.0),
        journey: journey(&call),
        is_retry: call.attempt > 0,
        failed: call.failed,
    };
    let sampled = run.sim.calls_in_flight().filter(|call| journey(call) % sampling == 0).map(token).collect();
    (sampling, sampled)
}
