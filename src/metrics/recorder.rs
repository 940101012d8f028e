//! Takes the engine's counts out at fixed times. Windows carry counts and sums, segments (a thirty-second of the run)
//! carry histograms: so that a warm-up can be cut off afterwards, at the boundary of a segment, and so that memory does
//! not grow with the number of requests.

use super::heavy::{Heavy, HeavyTail};
use crate::base::{ClassId, Histogram, LinkId, NodeId, Span, Time, histogram};
use crate::engine::{Behaviour, ClassCounts, LinkCounts, METERS, Meter, NodeCounts, NodeKind, Plan, ReplicaLoad, Sim};
use std::mem::{size_of, size_of_val};
use std::sync::Arc;

mod small;

/// Segments of a run, which are also its batches for confidence intervals.
pub const SEGMENTS: usize = 32;
/// Windows of a segment, where the design is small.
const WINDOWS_PER_SEGMENT: usize = 30;
/// Rows kept at most, over all windows and nodes and links: bounds memory at some tens of megabytes.
const MOST_ROWS: usize = 100_000;

/// Copies of a node that are looked at one by one.
const MOST_COPIES: usize = 10_000;

/// A class in a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassRow {
    pub counts: ClassCounts,
    pub latency: Sparse,
}

/// A node in a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeRow {
    pub counts: NodeCounts,
    /// Level-nanoseconds of queue, busy slots, busy cores, slots, cores.
    pub areas: [u64; METERS],
    pub queue_peak: u32,
}

/// A link in a window.
pub type LinkRow = LinkCounts;

/// A histogram without its empty cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparse {
    cells: Box<[(u16, u32)]>,
    sum: u128,
    range: histogram::Range,
}

impl Sparse {
    pub(super) fn of(histogram: &Histogram) -> Sparse {
        Sparse { cells: histogram.occupied().collect(), sum: histogram.sum(), range: histogram.range() }
    }

    pub(super) fn count(&self) -> u64 {
        self.cells.iter().map(|(_, n)| u64::from(*n)).sum()
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.cells)
    }

    pub(super) fn sum(&self) -> u128 {
        self.sum
    }

    /// As [`histogram::count_below`].
    pub(super) fn count_below(&self, all: &Histogram, value: f64) -> f64 {
        histogram::count_below(self.cells.iter().copied(), all.range(), value)
    }

    /// Add it to a histogram.
    pub fn add_to(&self, histogram: &mut Histogram) {
        histogram.add_occupied(&self.cells, self.sum, self.range);
    }
}

/// A segment's histograms.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    pub classes: Vec<Sparse>,
    /// Latency, wait, lag.
    pub nodes: Vec<[Sparse; 3]>,
    pub links: Vec<Sparse>,
    /// What each copy of each node had done by its end, where there are several, but not too many to be looked at.
    pub loads: Vec<Box<[ReplicaLoad]>>,
}

/// Everything taken out so far.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The end of each window; the first begins at zero.
    pub ends: Vec<Time>,
    /// Row-major: window, then class, node or link.
    pub classes: Vec<ClassRow>,
    pub nodes: Vec<NodeRow>,
    pub links: Vec<LinkRow>,
    /// Levels of each kind at the end of the window, of all nodes in their order.
    pub gauges: Vec<f64>,
    /// The window after which each segment ends.
    pub segment_ends: Vec<usize>,
    /// What never changes again is shared by all copies of a recording.
    pub segments: Vec<Arc<Segment>>,
}

impl Series {
    /// Append what a later state of the same recording has more.
    fn follow(&mut self, later: &Series) {
        fn append<T: Clone>(rows: &mut Vec<T>, later: &[T]) {
            rows.extend_from_slice(&later[rows.len()..]);
        }
        append(&mut self.ends, &later.ends);
        append(&mut self.classes, &later.classes);
        append(&mut self.nodes, &later.nodes);
        append(&mut self.links, &later.links);
        append(&mut self.gauges, &later.gauges);
        append(&mut self.segment_ends, &later.segment_ends);
        append(&mut self.segments, &later.segments);
    }

    /// Memory that it takes, in bytes: of its windows, which every copy has for itself, and of its segments.
    pub fn bytes(&self) -> (usize, usize) {
        let windows = self.ends.len() * size_of::<Time>()
            + self.classes.iter().map(|row| size_of::<ClassRow>() + row.latency.bytes()).sum::<usize>()
            + self.nodes.len() * size_of::<NodeRow>()
            + self.links.len() * size_of::<LinkRow>()
            + self.gauges.len() * size_of::<f64>();
        let of_segment = |segment: &Arc<Segment>| {
            let all = segment.classes.iter().chain(segment.nodes.iter().flatten()).chain(&segment.links);
            let loads = segment.loads.iter().map(|loads| size_of::<Box<[ReplicaLoad]>>() + size_of_val(&**loads));
            all.map(|sparse| size_of::<Sparse>() + sparse.bytes()).sum::<usize>() + loads.sum::<usize>()
        };
        (windows, self.segments.iter().map(of_segment).sum())
    }

    /// The beginning of a window.
    pub fn start(&self, window: usize) -> Time {
        if window == 0 { Time::ZERO } else { self.ends[window - 1] }
    }
}

/// How the warm-up is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUpRule {
    Given(Span),
    /// By MSER, as [`super::steady::warm_up`] has it.
    Auto,
    /// The design changes over time: there is no steady state to wait for.
    None,
}

/// Records a run.
#[derive(Clone)]
pub struct Recorder {
    pub(super) plan: Plan,
    pub(super) kinds: Arc<[NodeKind]>,
    /// Where the levels of each node's kind stand among those of a window, and where the last ones end.
    gauges: Vec<usize>,
    pub(super) rule: WarmUpRule,
    pub(super) steady: bool,
    pub(super) length: Time,
    /// Where the run was to end, if it was stopped before.
    pub(super) meant: Option<Time>,
    /// The ends of all windows, and whether a segment ends there.
    boundaries: Vec<(Time, bool)>,
    /// In how many parts each of these windows is recorded now, and how many windows and parts of the present one are over.
    parts: u64,
    closed: usize,
    part: u64,
    pub(super) series: Series,
    pub(super) heavy: Heavy,
    /// The readings at the end of the last window.
    areas: Vec<[u64; METERS]>,
    pub(super) node_counts: Vec<NodeCounts>,
    pub(super) link_counts: Vec<LinkCounts>,
    pub(super) class_counts: Vec<ClassCounts>,
    /// Class histograms of the segment, merged from its windows.
    segment_classes: Vec<Histogram>,
    pub(super) events: u64,
    /// Nothing was scheduled any more when the last window ended.
    pub(super) idle: bool,
}

impl Recorder {
    /// `steady`: whether the design has a steady state, of which an average is an estimate.
    pub fn new(plan: &Plan, kinds: &[NodeKind], length: Span, rule: WarmUpRule, steady: bool) -> Recorder {
        let mut gauges = vec![0];
        gauges.extend(kinds.iter().scan(0, |sum, kind| {
            *sum += kind.gauges();
            Some(*sum)
        }));
        let places = plan.nodes.len() + plan.links.len() + plan.classes.len();
        let warm = match rule {
            WarmUpRule::Given(span) => span.0,
            _ => 0,
        };
        let span = length.0 - warm;
        // The windows of a warm-up are as long as the others, unless it is longer than the rest: a curve that is finer from
        // an instant on seems to tell of something that happened then.
        let share = warm as f64 / span.max(1) as f64;
        let segments = SEGMENTS as f64 * (1.0 + share.min(1.0));
        let per_segment =
            ((MOST_ROWS / places.max(1)) as f64 / segments).clamp(1.0, WINDOWS_PER_SEGMENT as f64) as usize;
        let windows = SEGMENTS * per_segment;
        let mut boundaries = Vec::new();
        if warm > 0 {
            cut(0, warm, ((share * windows as f64).round() as usize).min(windows), &mut boundaries);
        }
        for i in 0..SEGMENTS as u64 {
            let at = |i: u64| warm + (u128::from(span) * u128::from(i) / SEGMENTS as u128) as u64;
            cut(at(i), at(i + 1), per_segment, &mut boundaries);
        }
        Recorder {
            kinds: kinds.into(),
            gauges,
            rule,
            steady,
            length: Time(length.0),
            meant: None,
            boundaries,
            parts: 1,
            closed: 0,
            part: 0,
            series: Series::default(),
            heavy: Heavy::of(plan, Vec::new()),
            areas: vec![[0; METERS]; plan.nodes.len()],
            node_counts: vec![NodeCounts::default(); plan.nodes.len()],
            link_counts: vec![LinkCounts::default(); plan.links.len()],
            class_counts: vec![ClassCounts::default(); plan.classes.len()],
            segment_classes: vec![Histogram::new(); plan.classes.len()],
            events: 0,
            idle: false,
            plan: plan.clone(),
        }
    }

    /// Say where the design draws from distributions of infinite variance.
    #[must_use]
    pub fn with_heavy_tails(self, tails: Vec<HeavyTail>) -> Recorder {
        Recorder { heavy: Heavy::of(&self.plan, tails), ..self }
    }

    /// The same, where the timeline has changed.
    pub fn set_heavy_tails(&mut self, tails: Vec<HeavyTail>) {
        self.heavy = Heavy::of(&self.plan, tails);
    }

    /// Become equal to a later state of the same recording, for the price of the windows that came since.
    pub fn follow(&mut self, later: &Recorder) {
        // All by name, so that a new field is not forgotten.
        let Recorder {
            plan: _,
            kinds: _,
            gauges: _,
            length: _,
            meant: _,
            boundaries: _,
            parts,
            closed,
            part,
            heavy,
            rule,
            steady,
            series,
            areas,
            node_counts,
            link_counts,
            class_counts,
            segment_classes,
            events,
            idle,
        } = later;
        (self.rule, self.steady, self.events, self.idle) = (*rule, *steady, *events, *idle);
        if self.heavy.tails != heavy.tails {
            self.heavy = heavy.clone();
        }
        if self.parts == *parts {
            self.series.follow(series);
        } else {
            self.series.clone_from(series);
        }
        (self.parts, self.closed, self.part) = (*parts, *closed, *part);
        self.areas.clone_from(areas);
        self.node_counts.clone_from(node_counts);
        self.link_counts.clone_from(link_counts);
        self.class_counts.clone_from(class_counts);
        self.segment_classes.clone_from(segment_classes);
    }

    /// Something was put on the timeline, or taken off it. Does not move a window: a warm-up that was given stays.
    pub fn expect(&mut self, rule: WarmUpRule, steady: bool) {
        (self.rule, self.steady) = (rule, steady);
    }

    /// When the present window ends; never, after the last.
    pub fn next_boundary(&self) -> Time {
        let Some(&(end, _)) = self.boundaries.get(self.closed) else { return Time::NEVER };
        if self.parts == 1 {
            return end;
        }
        let start = self.closed.checked_sub(1).map_or(0, |before| self.boundaries[before].0.0);
        Time(start + (u128::from(end.0 - start) * u128::from(self.part + 1) / u128::from(self.parts)) as u64)
    }

    /// Take out what was counted in the window that ends now.
    pub fn close_window<B: Behaviour>(&mut self, sim: &mut Sim<B>) {
        let Some(&(_, ends_segment)) = self.boundaries.get(self.closed) else { return };
        let at = self.next_boundary();
        debug_assert_eq!(at, sim.now());
        self.close_classes(sim);
        self.close_nodes(sim);
        self.close_links(sim);
        self.look_at_gauges(sim);
        self.series.ends.push(at);
        self.part += 1;
        if self.part == self.parts {
            (self.part, self.closed) = (0, self.closed + 1);
            if ends_segment {
                self.close_segment(sim);
            }
            self.merge();
        }
        self.events = sim.events();
        self.idle = sim.next_event().is_none();
    }

    /// Make this instant the end of the run: what was counted since the last window ended is the last one.
    pub fn stop<B: Behaviour>(&mut self, sim: &mut Sim<B>) {
        self.meant = Some(self.length);
        self.length = sim.now();
        self.boundaries.truncate(self.series.ends.len());
        if self.series.ends.last().is_none_or(|end| *end < sim.now()) {
            self.boundaries.push((sim.now(), true));
            self.close_window(sim);
        } else if self.series.segment_ends.last() != Some(&self.series.ends.len()) {
            self.close_segment(sim);
        }
    }

    /// Count what happened since the last window ended as a window, for as long as a display looks at it; returns whether
    /// there is anything. [`Recorder::forget_window`] must follow then.
    pub fn open_window<B: Behaviour>(&mut self, sim: &mut Sim<B>) -> bool {
        let now = sim.now();
        if self.series.ends.last().is_some_and(|end| *end >= now) || now == Time::ZERO {
            return false;
        }
        for i in 0..self.class_counts.len() {
            let row = self.class_row(sim, i);
            self.series.classes.push(row);
        }
        for i in 0..self.plan.nodes.len() {
            let peak = sim.meters(NodeId(i as u32)).level(Meter::Queue);
            let row = self.node_row(sim, i, peak);
            self.series.nodes.push(row);
        }
        for i in 0..self.link_counts.len() {
            let row = self.link_row(sim, i);
            self.series.links.push(row);
        }
        self.look_at_gauges(sim);
        self.series.ends.push(now);
        true
    }

    /// Take that window away again.
    pub fn forget_window(&mut self) {
        self.series.ends.pop();
        let windows = self.series.ends.len();
        self.series.classes.truncate(windows * self.class_counts.len());
        self.series.nodes.truncate(windows * self.plan.nodes.len());
        self.series.links.truncate(windows * self.link_counts.len());
        self.series.gauges.truncate(windows * self.gauges_each());
    }

    fn class_row<B: Behaviour>(&self, sim: &mut Sim<B>, i: usize) -> ClassRow {
        let tally = sim.class_tally(ClassId(i as u8));
        ClassRow { counts: tally.counts.since(&self.class_counts[i]), latency: Sparse::of(&tally.latency) }
    }

    fn node_row<B: Behaviour>(&self, sim: &mut Sim<B>, i: usize, queue_peak: u32) -> NodeRow {
        let (id, last) = (NodeId(i as u32), &self.areas[i]);
        let areas = sim.meters(id).areas(sim.now());
        NodeRow {
            counts: sim.node_tally(id).counts.since(&self.node_counts[i]),
            areas: std::array::from_fn(|k| areas[k].wrapping_sub(last[k])),
            queue_peak,
        }
    }

    fn link_row<B: Behaviour>(&self, sim: &mut Sim<B>, i: usize) -> LinkRow {
        let link = LinkId(i as u32);
        let length = sim.now().since(self.series.ends.last().copied().unwrap_or(Time::ZERO)).0;
        let pool_ns = sim.pool_levels(link).map(|level| level.saturating_mul(length));
        LinkRow { pool_ns, ..sim.link_tally(link).counts.since(&self.link_counts[i]) }
    }

    fn close_classes<B: Behaviour>(&mut self, sim: &mut Sim<B>) {
        for i in 0..self.class_counts.len() {
            let row = self.class_row(sim, i);
            row.latency.add_to(&mut self.segment_classes[i]);
            self.series.classes.push(row);
            let tally = sim.class_tally(ClassId(i as u8));
            tally.latency.clear();
            self.class_counts[i].clone_from(&tally.counts);
        }
    }

    fn close_nodes<B: Behaviour>(&mut self, sim: &mut Sim<B>) {
        for i in 0..self.plan.nodes.len() {
            let id = NodeId(i as u32);
            let peak = sim.meters_mut(id).take_peak();
            let row = self.node_row(sim, i, peak);
            self.series.nodes.push(row);
            self.areas[i] = sim.meters(id).areas(sim.now());
            self.node_counts[i].clone_from(&sim.node_tally(id).counts);
        }
    }

    fn close_links<B: Behaviour>(&mut self, sim: &mut Sim<B>) {
        for i in 0..self.link_counts.len() {
            let row = self.link_row(sim, i);
            self.series.links.push(row);
            self.link_counts[i].clone_from(&sim.link_tally(LinkId(i as u32)).counts);
        }
    }

    /// Levels of all kinds together.
    pub(super) fn gauges_each(&self) -> usize {
        self.gauges.last().copied().unwrap_or(0)
    }

    /// Levels of a node's kind at the end of a window.
    pub(super) fn gauges_at(&self, window: usize, node: usize) -> &[f64] {
        let first = window * self.gauges_each();
        &self.series.gauges[first + self.gauges[node]..first + self.gauges[node + 1]]
    }

    fn look_at_gauges<B: Behaviour>(&mut self, sim: &Sim<B>) {
        for (i, each) in self.gauges.windows(2).enumerate() {
            if each[0] < each[1] {
                // One that has not started yet shows nothing.
                let levels = sim.behaviour(NodeId(i as u32)).gauges();
                let all = levels.into_iter().chain(std::iter::repeat(0.0));
                self.series.gauges.extend(all.take(each[1] - each[0]));
            }
        }
    }

    fn close_segment<B: Behaviour>(&mut self, sim: &mut Sim<B>) {
        let mut segment = Segment::default();
        segment.classes.extend(self.segment_classes.iter_mut().map(take));
        for i in 0..self.plan.nodes.len() {
            let id = NodeId(i as u32);
            let latency = take(sim.node_latency(id));
            let tally = sim.node_tally(id);
            segment.nodes.push([latency, take(&mut tally.wait), take(&mut tally.lag)]);
            let loads = sim.loads(id);
            segment.loads.push(if loads.len() <= MOST_COPIES { loads.into() } else { Box::default() });
        }
        for i in 0..self.plan.links.len() {
            segment.links.push(take(sim.link_latency(LinkId(i as u32))));
        }
        self.series.segment_ends.push(self.series.ends.len());
        self.series.segments.push(Arc::new(segment));
    }
}

fn take(histogram: &mut Histogram) -> Sparse {
    let taken = Sparse::of(histogram);
    histogram.clear();
    taken
}

/// Cut a segment into windows of a whole number of nanoseconds.
fn cut(from: u64, to: u64, windows: usize, boundaries: &mut Vec<(Time, bool)>) {
    let windows = (windows as u64).min(to - from).max(1);
    for i in 1..=windows {
        let at = from + (u128::from(to - from) * u128::from(i) / u128::from(windows)) as u64;
        // What is shorter than a nanosecond is none.
        if boundaries.last().map_or(Time::ZERO, |(last, _)| *last) < Time(at) {
            boundaries.push((Time(at), i == windows));
        }
    }
}
