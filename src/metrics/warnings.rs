//! What a reader of the figures must be told: too few observations, too short a run, a load beyond the capacity.

use super::estimate::Estimate;
use super::limits::{LOST, Limits, SATURATED};
use super::recorder::{Recorder, WarmUpRule};
use super::report::{ClassReport, NodeReport, Report, Warning};
use super::steady;
use super::stretch::Stretch;
use crate::base::Span;
use crate::base::short::{count, number, percent, seconds};
use crate::engine::{Place, Role};

/// Half of an interval as a share of the value, from which a run is too short for it. The tail is wider by nature.
const TOO_WIDE_MEAN: f64 = 0.1;
const TOO_WIDE_PERCENTILE: f64 = 0.2;

/// Mean time to take a message, in seconds, from which producers are said to wait for room.
const BLOCKED: f64 = 1e-3;

impl Recorder {
    pub(super) fn warnings(&self, report: &Report, stretch: &Stretch) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |code, about: &str, message: String| {
            warnings.push(Warning { code, about: about.to_owned(), message });
        };
        if let Some(meant) = self.meant {
            let within = match self.rule {
                WarmUpRule::Given(warm_up) if self.length.0 <= warm_up.0 => {
                    ", within the warm-up: the figures are those of the warm-up"
                }
                _ => ": the figures are of what was simulated until then",
            };
            let (at, of) = (Span(self.length.0), Span(meant.0));
            warn("interrupted", "run", format!("interrupted at {at} of {of}{within}"));
        }
        if stretch.unsettled {
            let message = format!(
                "no steady state was found: latencies still change after a quarter of the run. The first {} are left out, and nothing has a confidence interval: run longer, or give a warm_up",
                seconds(report.warm_up)
            );
            warn("no-steady-state", "run", message);
        }
        for tail in &self.heavy.tails {
            let message = format!(
                "`{}` is a Pareto distribution with alpha {}: its variance is infinite, so means and standard deviations do not settle and have no confidence interval; compare percentiles, or put it into `Clipped`",
                tail.param, tail.alpha
            );
            warn("infinite-variance", self.name_of(tail.place), message);
        }
        for (name, class) in &report.classes {
            let n = class.latency.count;
            let unclaimed =
                class.latency.percentiles().into_iter().find(|(_, q, _)| n > 0 && n < steady::needed_for(*q));
            if let Some((percentile, q, _)) = unclaimed {
                let needed = steady::needed_for(q);
                warn("too-few", name, format!("{n} answers are too few to claim a {percentile}: {needed} are needed"));
            }
            let wide = too_wide(class);
            if self.steady && !wide.is_empty() {
                warn("too-short", name, format!("{}: run longer", wide.join(", ")));
            }
        }
        let limits = Limits::new(self, report, stretch);
        let stuck = self.stuck(report);
        if let Some((about, message)) = stuck.clone() {
            warn(if about == "run" { "stuck" } else { "deadlock" }, &about, message);
        }
        for (i, (name, node)) in report.nodes.iter().enumerate() {
            // Of what stands still, the cause is told.
            if let Some(message) = self.overload(&limits, report, i, node).filter(|_| stuck.is_none()) {
                warn("overload", name, message);
            }
        }
        for (name, message) in limits.of_links() {
            warn("limit", &name, message);
        }
        warnings
    }

    fn name_of(&self, place: Place) -> &str {
        match place {
            Place::Node(node) | Place::Replica(node, _) => &self.plan.nodes[node.index()].name,
            Place::Link(link) => &self.plan.links[link.index()].name,
        }
    }

    /// What shows that a node gets more than it can do: its queue grows without an end, it is saturated and loses calls or
    /// lets them wait, or it has no room for them at times.
    fn overload(&self, limits: &Limits, report: &Report, i: usize, node: &NodeReport) -> Option<String> {
        let load = self.full(limits, report, i, node);
        let room = Self::short_of_room(limits, i, node);
        match (load, room) {
            // Of a queue both are to be known; of others the first tells what is refused.
            (Some(load), Some(room)) if node.role == Some(Role::Broker) => Some(format!("{load}; {room}")),
            (load, room) => load.or(room),
        }
    }

    /// What shows that it is full: its queue grows, or it is busy all the time.
    fn full(&self, limits: &Limits, report: &Report, i: usize, node: &NodeReport) -> Option<String> {
        let busy = Limits::busy(node);
        if self.queue_grows(i) {
            return Some(format!(
                "its queue grew through the whole run ({} waited at most), so that its figures depend on how long the run was: {}",
                count(u64::from(node.queue_max)),
                limits.limit(i, node)
            ));
        }
        let refused = limits.refused(i, node, &["queue_full", "shed", "timeout", "deadline"]);
        // Who gives up waiting is seen by the caller; what it abandons may be served all the same.
        let abandoned: u64 = (self.plan.links.iter().filter(|link| link.to.0 as usize == i))
            .filter_map(|link| report.links.get(&link.name))
            .flat_map(|link| ["timeout", "deadline"].into_iter().filter_map(|reason| link.failed.get(reason)))
            .sum();
        let lost = (refused.max(abandoned) as f64 / node.arrived.max(1) as f64).min(1.0);
        // What has no slots of its own (a message queue) is saturated while its queue is full.
        let full = refused > 0 && node.queue.value > 0.9 * f64::from(node.queue_max);
        let saturated = busy.map_or(full, |busy| busy >= SATURATED) || limits.is_offered_too_much(i, node);
        if saturated && lost >= LOST {
            let waiting = match node.queue_max {
                0 => String::new(),
                _ => format!("{} calls wait on average, and ", number(node.queue.value)),
            };
            return Some(format!(
                "{}; {waiting}{} of the calls to it were refused or given up",
                limits.limit(i, node),
                percent(lost)
            ));
        }
        let full = busy.is_some_and(|busy| busy >= SATURATED) || limits.consumers_are_full(i, node);
        if full && node.queue.value >= 1.0 {
            let (what, blocked) = match node.role {
                Some(Role::Broker) => ("messages", node.latency.mean.filter(|mean| mean.value > BLOCKED)),
                _ => ("calls", None),
            };
            let producers = blocked.map_or(String::new(), |mean| {
                format!(", and producers wait for room for {} on average", seconds(mean.value))
            });
            return Some(format!(
                "{}; {} {what} wait on average{producers}: more load brings no more throughput",
                limits.limit(i, node),
                number(node.queue.value)
            ));
        }
        None
    }

    /// What a node turns away though it has time for it on average, since it has no room for what comes at once.
    fn short_of_room(limits: &Limits, i: usize, node: &NodeReport) -> Option<String> {
        let share = |n: u64| Some(n as f64 / node.arrived.max(1) as f64).filter(|share| *share >= LOST).map(percent);
        let refused = share(limits.refused(i, node, &["queue_full", "shed", "timeout"]));
        if node.role == Some(Role::Broker) {
            let of = |signal| share(node.signals.get(signal).copied().unwrap_or(0));
            let said = [
                (refused, "refused, as it was full at times"),
                (of("evicted"), "dropped to make room for newer ones"),
                (of("expired"), "dropped unhandled after the `retention`"),
                (of("dead_lettered"), "given up after `max_deliveries` (dead letters)"),
                (of("lost_writes"), "lost though they were acknowledged"),
            ];
            let said: Vec<String> =
                said.into_iter().filter_map(|(share, what)| Some(format!("{} were {what}", share?))).collect();
            return (!said.is_empty()).then(|| format!("of the messages, {}", said.join(", ")));
        }
        let refused = refused?;
        let how = match (node.queue_max, Limits::busy(node)) {
            (0, _) => limits.limit(i, node),
            (most, Some(busy)) => format!(
                "calls came faster than it took them at times ({} waited at most), though it is only {} busy on average",
                count(u64::from(most)),
                percent(busy)
            ),
            (most, None) => {
                format!("calls came faster than it took them at times ({} waited at most)", count(u64::from(most)))
            }
        };
        Some(format!("{how}; {refused} of the calls to it were refused"))
    }

    /// Whether the mean queue of each eighth of the run is well above that of the one before. The warm-up counts, since a
    /// queue that grows never ends it.
    fn queue_grows(&self, node: usize) -> bool {
        let n = self.plan.nodes.len();
        let windows: Vec<usize> = (0..self.series.ends.len()).collect();
        if windows.len() < 16 {
            return false;
        }
        let eighth = windows.len() / 8;
        let level = |part: &[usize]| {
            let area: f64 = part.iter().map(|w| self.series.nodes[w * n + node].areas[0] as f64).sum();
            let time: f64 = part.iter().map(|&w| self.series.ends[w].since(self.series.start(w)).0 as f64).sum();
            area / time.max(1.0)
        };
        let levels: Vec<f64> = windows.chunks_exact(eighth).map(level).collect();
        levels.windows(2).all(|pair| pair[1] > pair[0] * 1.02 + 0.5) && levels[levels.len() - 1] > 2.0 * levels[0] + 5.0
    }
}

/// The mean and the percentiles that are not known well, of those that may be claimed.
fn too_wide(class: &ClassReport) -> Vec<String> {
    let latency = &class.latency;
    if latency
        .percentiles()
        .into_iter()
        .chain([("mean", 0.0, latency.mean)])
        .all(|(_, _, estimate)| estimate.is_none_or(|estimate| estimate.half_width.is_none()))
    {
        // Too few batches to tell anything.
        return Vec::new();
    }
    let mean = ("the mean", latency.mean, TOO_WIDE_MEAN);
    let claimed = latency.percentiles().into_iter().filter(|(_, q, _)| latency.count >= steady::needed_for(*q));
    let percentiles = claimed.map(|(name, _, estimate)| (name, estimate, TOO_WIDE_PERCENTILE));
    let said = |(name, estimate, limit): (&str, Option<Estimate>, f64)| match estimate? {
        Estimate { value, half_width: Some(half) } if half > limit * value => {
            // Of nothing, everything is infinitely much.
            let half = if half < value { format!("{:.0} %", 100.0 * half / value) } else { seconds(half) };
            Some(format!("{name} is known to ±{half} only"))
        }
        Estimate { half_width: None, .. } if name != "the mean" => {
            Some(format!("too few answers lie above {name} to bound it"))
        }
        Estimate { .. } => None,
    };
    std::iter::once(mean).chain(percentiles).filter_map(said).collect()
}
