//! What a reader of the figures must be told: too few observations, too short a run, a load beyond the capacity.

use super::recorder::{Recorder, WarmUpRule};
use super::report::{ClassReport, Cut, Estimate, NodeReport, Report, Warning};
use super::steady;
use crate::base::Span;

/// Half of an interval as a share of the value, from which a run is too short for it. The tail is wider by nature.
const TOO_WIDE_MEAN: f64 = 0.1;
const TOO_WIDE_PERCENTILE: f64 = 0.2;

/// Slots or cores this busy are saturated.
const SATURATED: f64 = 0.98;

/// Calls lost at a saturated node, as a share of all, from which its load is too much.
const LOST: f64 = 0.001;

impl Recorder {
    pub(super) fn warnings(&self, report: &Report, cut: &Cut) -> Vec<Warning> {
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
        if cut.unsettled {
            let message = "no steady state was found (MSER-5), so the first half is left out: the figures may depend on how long the run was; run longer, or give a warm_up".to_owned();
            warn("no-steady-state", "run", message);
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
        for (i, (name, node)) in report.nodes.iter().enumerate() {
            if let Some(message) = self.overload(report, i, node) {
                warn("overload", name, message);
            }
        }
        warnings
    }

    /// What shows that a node gets more than it can do: its queue grows without an end, or it is saturated and loses calls.
    fn overload(&self, report: &Report, i: usize, node: &NodeReport) -> Option<String> {
        let slots = node.utilization.map(|u| u.value);
        let busy = slots.into_iter().chain(node.core_utilization).reduce(f64::max);
        let percent = 100.0 * busy.unwrap_or(1.0);
        if self.queue_grows(i) {
            return Some(format!(
                "its queue grew through the whole run ({} waited at most): the load exceeds its capacity ({percent:.0} % busy), and its figures depend on how long the run was",
                node.queue_max,
            ));
        }
        let refused: u64 =
            ["queue_full", "shed", "timeout", "deadline"].iter().filter_map(|r| node.failed.get(r)).sum();
        // Who gives up waiting is seen by the caller; what it abandons may be served all the same.
        let abandoned: u64 = (self.plan.links.iter().filter(|link| link.to.0 as usize == i))
            .filter_map(|link| report.links.get(&link.name))
            .flat_map(|link| ["timeout", "deadline"].into_iter().filter_map(|reason| link.failed.get(reason)))
            .sum();
        let lost = (refused.max(abandoned) as f64 / node.arrived.max(1) as f64).min(1.0);
        // What has no slots of its own (a message queue) is saturated while its queue is full.
        let full = refused > 0 && node.queue.value > 0.9 * f64::from(node.queue_max);
        (busy.map_or(full, |busy| busy >= SATURATED) && lost >= LOST).then(|| {
            format!(
                "the load exceeds its capacity ({percent:.0} % busy, {:.0} waiting): {:.1} % of the calls to it were refused or given up",
                node.queue.value,
                100.0 * lost
            )
        })
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
    if latency.mean.is_none_or(|mean| mean.half_width.is_none()) {
        // Too few batches to tell anything.
        return Vec::new();
    }
    let mean = ("the mean", latency.mean, TOO_WIDE_MEAN);
    let claimed = latency.percentiles().into_iter().filter(|(_, q, _)| latency.count >= steady::needed_for(*q));
    let percentiles = claimed.map(|(name, _, estimate)| (name, estimate, TOO_WIDE_PERCENTILE));
    let said = |(name, estimate, limit): (&str, Option<Estimate>, f64)| match estimate? {
        Estimate { value, half_width: Some(half) } if half > limit * value => {
            Some(format!("{name} is known to ±{:.0} % only", 100.0 * half / value))
        }
        Estimate { half_width: None, .. } => Some(format!("{name} may be anything larger")),
        Estimate { .. } => None,
    };
    std::iter::once(mean).chain(percentiles).filter_map(said).collect()
}
