//! Expectations against a run: each figure looked up, each bound judged.

use crate::base::{Histogram, Span, Time};
use crate::design::{Design, Expectation, FigureUnit, MetricPath};
use crate::engine::{ClassCounts, LinkCounts, METERS, NodeCounts, REASONS, SIGNALS};
use crate::metrics::{ClassReport, Estimate, Latency, LinkReport, NodeReport, Recorder, Report, steady};
use serde::Serialize;

/// An expectation and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    pub expectation: String,
    pub why: String,
    /// The figure, and the bounds that it was held against.
    pub value: Option<f64>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    /// What all three are measured in.
    pub unit: FigureUnit,
    pub holds: bool,
    pub outcome: Outcome,
    /// Why it cannot be told.
    pub reason: Option<String>,
}

/// What became of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Holds,
    Fails,
    /// There are too few observations, or none, of what it is about.
    CannotBeTold,
}

/// Judge every expectation of a design.
pub fn judge(design: &Design, recorder: &Recorder, report: &Report) -> Vec<Verdict> {
    let verdict = |expectation: &Expectation| {
        let value = figure(&expectation.that, recorder, report);
        let unit = expectation.times.as_ref().map_or(Some(1.0), |other| figure(other, recorder, report));
        let bound = |amount: Option<f64>| amount.zip(unit).map(|(amount, unit)| amount * unit);
        let at_least = bound(expectation.at_least.as_ref().map(|amount| amount.value));
        let at_most = bound(expectation.at_most.as_ref().map(|amount| amount.value));
        let within = unit.is_some()
            && value.is_some_and(|v| at_least.is_none_or(|min| v >= min) && at_most.is_none_or(|max| v <= max));
        let reason = doubt(&expectation.that, within, recorder, report).or_else(|| {
            let times = expectation.times.as_ref()?;
            doubt(times, false, recorder, report).map(|reason| format!("of `{times}`: {reason}"))
        });
        let outcome = match &reason {
            Some(_) => Outcome::CannotBeTold,
            None if within => Outcome::Holds,
            None => Outcome::Fails,
        };
        let (holds, unit) = (outcome == Outcome::Holds, FigureUnit::of(&expectation.that));
        let (expectation, why) = (text(expectation), expectation.why.clone());
        Verdict { expectation, why, value, at_least, at_most, unit, holds, outcome, reason }
    };
    design.expect.iter().map(verdict).collect()
}

/// Why a figure cannot be held against a bound, if it cannot. `within`: whether its value lies within its bounds.
fn doubt(text: &str, within: bool, recorder: &Recorder, report: &Report) -> Option<String> {
    let path = MetricPath::parse(text).ok()?;
    let name = path.figure.as_str();
    let (calls, answers) = occurred(&path, recorder, report);
    let percentile = name.strip_prefix("wait_").or_else(|| name.strip_prefix("lag_")).unwrap_or(name);
    let quantile = percentile.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    if let Some(needed) = quantile.map(|percent| steady::needed_for(percent / 100.0)).filter(|needed| answers < *needed)
    {
        let found = match answers {
            0 => "no answers".to_owned(),
            1 => "only 1 answer".to_owned(),
            n => format!("only {n} answers"),
        };
        return Some(format!("{found}; {percentile} needs {needed}"));
    }
    let Some(value) = lookup(&path, recorder, report) else { return Some(missing(name, calls, answers).to_owned()) };
    // What never happens stays below every bound. That nothing comes may be what is expected.
    let is_about_calls =
        FigureUnit::of(name) == FigureUnit::PerSecond && !["arrivals", "offered", "attempts"].contains(&name);
    (within && value == 0.0 && calls == 0 && is_about_calls).then(|| "there was no call at all".to_owned())
}

/// Why there is no such figure.
fn missing(name: &str, calls: u64, answers: u64) -> &'static str {
    match name {
        "hit_ratio" => "nothing was looked up",
        "stale_share" if answers > 0 => "no version of a value was checked",
        "lag_mean" | "lag_p99" => "nothing lagged behind",
        "utilization" => "slots are not limited",
        "core_utilization" => "cores are not limited",
        "hottest_share" | "hottest_utilization" if calls > 0 => "there is only one copy",
        "sd" | "cv" | "wait_sd" | "wait_cv" if answers > 0 => "the variance is infinite, or the mean zero",
        _ if calls == 0 => "there was no call at all",
        _ if answers == 0 => "nothing was answered",
        _ => "nothing was recorded in this time",
    }
}

/// How many calls a figure is about, and how many answers.
fn occurred(path: &MetricPath, recorder: &Recorder, report: &Report) -> (u64, u64) {
    let name = path.figure.as_str();
    if let Some(window) = path.window {
        return Windows::of(path, window, recorder).map_or((0, 0), |windows| match windows {
            Windows::Node { counts, .. } => (counts.arrived, counts.succeeded),
            Windows::Link { counts, .. } => (counts.sent, counts.succeeded),
            Windows::Class { counts, .. } => (counts.offered, counts.good + counts.late),
        });
    }
    let class = |class: &ClassReport| (class.offered, class.latency.count);
    let node = |node: &NodeReport| {
        let answers = match name {
            _ if name.starts_with("wait_") => node.wait.count,
            _ if name.starts_with("lag_") => node.lag.count,
            _ => node.latency.count,
        };
        (node.arrived, answers)
    };
    match path.subject.as_deref() {
        None => class(&report.total),
        Some(name) => (report.nodes.get(name).map(node))
            .or_else(|| report.links.get(name).map(|link| (link.attempts, link.latency.count)))
            .or_else(|| report.classes.get(name).map(class))
            .unwrap_or((0, 0)),
    }
}

/// An expectation in a line: `db.p99 <= 50ms`.
pub fn text(expectation: &Expectation) -> String {
    let mut text = expectation.that.clone();
    let times = expectation.times.as_ref().map_or(String::new(), |other| format!(" x {other}"));
    if let Some(amount) = &expectation.at_least {
        text += &format!(" >= {amount}{times}");
    }
    if let Some(amount) = &expectation.at_most {
        text += &format!(" <= {amount}{times}");
    }
    text
}

/// A figure by its path (`"db.p99"`, `"goodput @ 10s..20s"`): a number of the report, or of the windows that lie within
/// the times.
pub fn figure(text: &str, recorder: &Recorder, report: &Report) -> Option<f64> {
    lookup(&MetricPath::parse(text).ok()?, recorder, report)
}

pub(super) fn lookup(path: &MetricPath, recorder: &Recorder, report: &Report) -> Option<f64> {
    if let Some(window) = path.window {
        return windowed(path, window, recorder, report);
    }
    let seconds = report.length - report.warm_up;
    match path.subject.as_deref() {
        None => class_figure(&report.total, &path.figure, seconds),
        Some(name) => (report.nodes.get(name).and_then(|node| node_figure(node, &path.figure, seconds)))
            .or_else(|| report.links.get(name).and_then(|link| link_figure(link, &path.figure, seconds)))
            .or_else(|| report.classes.get(name).and_then(|class| class_figure(class, &path.figure, seconds))),
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn latency_figure(latency: &Latency, name: &str) -> Option<f64> {
    let estimate = match name {
        "mean" => latency.mean,
        "max" => return latency.max,
        "sd" => return latency.sd,
        "cv" => return latency.cv,
        _ => latency.percentiles().into_iter().find(|(percentile, _, _)| *percentile == name)?.2,
    };
    estimate.map(|estimate: Estimate| estimate.value)
}

/// `failed_<reason>` as a share of all.
fn reason_share(failed: &std::collections::BTreeMap<&'static str, u64>, name: &str, whole: u64) -> Option<f64> {
    let reason = REASONS.iter().find(|reason| name.strip_prefix("failed_") == Some(reason.name()))?;
    share(failed.get(reason.name()).copied().unwrap_or(0), whole)
}

fn class_figure(class: &ClassReport, name: &str, seconds: f64) -> Option<f64> {
    let failed: u64 = class.failed.values().sum();
    let ended = class.good + class.late + failed;
    match name {
        "offered" => Some(class.offered_rate),
        "goodput" => Some(class.goodput),
        "throughput" => Some((class.good + class.late) as f64 / seconds),
        "good_share" => share(class.good, ended),
        "late_share" => share(class.late, ended),
        "failed_share" => share(failed, ended),
        "degraded_share" => share(class.degraded, ended),
        "stale_share" => share(class.stale, ended),
        _ => reason_share(&class.failed, name, ended).or_else(|| latency_figure(&class.latency, name)),
    }
}

fn node_figure(node: &NodeReport, name: &str, seconds: f64) -> Option<f64> {
    let failed: u64 = node.failed.values().sum();
    let of = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
    match name {
        "arrivals" => Some(node.arrival_rate),
        "throughput" => Some(node.succeeded as f64 / seconds),
        "failed_share" => share(failed, node.succeeded + failed),
        "mean_wait" => of(node.mean_wait),
        "mean_service" => node.mean_service,
        "mean_others" => node.mean_others,
        "waited_share" => node.waited_share,
        "wait_sd" => node.wait.sd,
        "wait_cv" => node.wait.cv,
        "wait_p50" => of(node.wait.p50),
        "wait_p95" => of(node.wait.p95),
        "wait_p99" => of(node.wait.p99),
        "queue" => Some(node.queue.value),
        "queue_max" => Some(f64::from(node.queue_max)),
        "busy" => Some(node.busy),
        "utilization" => of(node.utilization),
        "core_utilization" => node.core_utilization,
        "slots" => Some(node.slots),
        "hit_ratio" => of(node.hit_ratio),
        "stale_share" => of(node.stale_share),
        "hottest_share" => node.hottest.as_ref().map(|copy| copy.share),
        "hottest_utilization" => node.hottest.as_ref().and_then(|copy| copy.utilization),
        "lag_mean" => of(node.lag.mean),
        "lag_p99" => of(node.lag.p99),
        _ => {
            let signal = SIGNALS.iter().find(|(_, signal)| *signal == name);
            signal
                .map(|(_, signal)| node.signals.get(signal).copied().unwrap_or(0) as f64 / seconds)
                .or_else(|| reason_share(&node.failed, name, node.succeeded + failed))
                .or_else(|| latency_figure(&node.latency, name))
        }
    }
}

fn link_figure(link: &LinkReport, name: &str, seconds: f64) -> Option<f64> {
    let failed: u64 = link.failed.values().sum();
    match name {
        "attempts" => Some(link.attempt_rate),
        "throughput" => Some(link.succeeded as f64 / seconds),
        "failed_share" => share(failed, link.succeeded + failed),
        "retries" => Some(link.retries as f64 / seconds),
        "hedges" => Some(link.hedges as f64 / seconds),
        "fallbacks" => Some(link.fallbacks as f64 / seconds),
        _ => reason_share(&link.failed, name, link.succeeded + failed).or_else(|| latency_figure(&link.latency, name)),
    }
}

/// What was counted in the windows that lie within a time.
enum Windows {
    Node { counts: NodeCounts, areas: [f64; METERS], peak: u32, seconds: f64 },
    Link { counts: LinkCounts, seconds: f64 },
    Class { counts: ClassCounts, latencies: Histogram, seconds: f64 },
}

impl Windows {
    /// None where there is no window within that time.
    fn of(path: &MetricPath, (from, until): (Span, Span), recorder: &Recorder) -> Option<Windows> {
        let (series, plan) = (recorder.series(), recorder.plan());
        let windows: Vec<usize> = (0..series.ends.len())
            .filter(|&w| series.start(w) >= Time(from.0) && series.ends[w] <= Time(until.0))
            .collect();
        let seconds: f64 = windows.iter().map(|&w| series.ends[w].since(series.start(w)).as_secs()).sum();
        if windows.is_empty() {
            return None;
        }
        let subject = path.subject.as_deref();
        if let Some(i) = plan.nodes.iter().position(|node| Some(node.name.as_str()) == subject) {
            let (mut counts, mut areas, mut peak) = (NodeCounts::default(), [0.0; METERS], 0);
            for &w in &windows {
                let row = &series.nodes[w * plan.nodes.len() + i];
                counts.add(&row.counts);
                (0..METERS).for_each(|k| areas[k] += row.areas[k] as f64 / 1e9);
                peak = peak.max(row.queue_peak);
            }
            return Some(Windows::Node { counts, areas, peak, seconds });
        }
        if let Some(i) = plan.links.iter().position(|link| Some(link.name.as_str()) == subject) {
            let mut counts = LinkCounts::default();
            windows.iter().for_each(|&w| counts.add(&series.links[w * plan.links.len() + i]));
            return Some(Windows::Link { counts, seconds });
        }
        let classes = (0..plan.classes.len()).filter(|&i| subject.is_none_or(|name| plan.classes[i] == name));
        let classes: Vec<usize> = classes.collect();
        let (mut counts, mut latencies) = (ClassCounts::default(), Histogram::new());
        for &w in &windows {
            for &class in &classes {
                let row = &series.classes[w * plan.classes.len() + class];
                counts.add(&row.counts);
                row.latency.add_to(&mut latencies);
            }
        }
        Some(Windows::Class { counts, latencies, seconds })
    }
}

/// A figure over the windows that lie within a time. Percentiles are kept by window for classes only.
fn windowed(path: &MetricPath, window: (Span, Span), recorder: &Recorder, report: &Report) -> Option<f64> {
    let name = path.figure.as_str();
    match Windows::of(path, window, recorder)? {
        Windows::Node { counts, areas, peak, seconds } => node_window(&counts, &areas, peak, seconds, name),
        Windows::Link { counts, seconds } => link_window(&counts, seconds, name),
        Windows::Class { counts, latencies, seconds } => {
            let class = ClassReport {
                offered: counts.offered,
                good: counts.good,
                late: counts.late,
                failed: REASONS.iter().zip(counts.failed).map(|(reason, n)| (reason.name(), n)).collect(),
                degraded: counts.degraded,
                stale: counts.stale,
                offered_rate: counts.offered as f64 / seconds,
                goodput: counts.good as f64 / seconds,
                latency: Latency::plain(&latencies),
                in_flight: report.total.in_flight,
            };
            class_figure(&class, name, seconds)
        }
    }
}

fn link_window(counts: &LinkCounts, seconds: f64, name: &str) -> Option<f64> {
    let failed: u64 = counts.failed.iter().sum();
    match name {
        "attempts" => Some(counts.sent as f64 / seconds),
        "throughput" => Some(counts.succeeded as f64 / seconds),
        "failed_share" => share(failed, counts.succeeded + failed),
        "retries" => Some(counts.retries as f64 / seconds),
        "hedges" => Some(counts.hedges as f64 / seconds),
        "fallbacks" => Some(counts.fallbacks as f64 / seconds),
        "mean" => (counts.succeeded > 0).then(|| counts.latency_ns as f64 / counts.succeeded as f64 / 1e9),
        _ => failed_for(&counts.failed, name, counts.succeeded + failed),
    }
}

/// `failed_<reason>` as a share of all, from counts in the order of the reasons.
fn failed_for(failed: &[u64], name: &str, whole: u64) -> Option<f64> {
    let i = REASONS.iter().position(|reason| name.strip_prefix("failed_") == Some(reason.name()))?;
    share(failed[i], whole)
}

fn node_window(counts: &NodeCounts, areas: &[f64; METERS], peak: u32, seconds: f64, name: &str) -> Option<f64> {
    let failed: u64 = counts.failed.iter().sum();
    let per_call = |sum: u64| (counts.succeeded > 0).then(|| sum as f64 / counts.succeeded as f64 / 1e9);
    let signal =
        |wanted: &str| SIGNALS.iter().zip(counts.signals).find(|((_, name), _)| *name == wanted).map(|(_, n)| n);
    let of_two = |a: &str, b: &str| signal(a).zip(signal(b)).and_then(|(a, b)| share(a, a + b));
    match name {
        "arrivals" => Some(counts.arrived as f64 / seconds),
        "throughput" => Some(counts.succeeded as f64 / seconds),
        "failed_share" => share(failed, counts.succeeded + failed),
        "mean" => per_call(counts.latency_ns),
        "mean_wait" => per_call(counts.queue_ns),
        "mean_service" => per_call(counts.service_ns),
        "mean_others" => per_call(counts.others_ns),
        "waited_share" => share(counts.waited, counts.succeeded),
        "queue" => Some(areas[0] / seconds),
        "queue_max" => Some(f64::from(peak)),
        "busy" => Some(areas[1] / seconds),
        "utilization" => (areas[3] > 0.0).then(|| areas[1] / areas[3]),
        "core_utilization" => (areas[4] > 0.0).then(|| areas[2] / areas[4]),
        "slots" => Some(areas[3] / seconds),
        "hit_ratio" => of_two("hits", "misses"),
        "stale_share" => signal("stale_reads").zip(signal("checked_reads")).and_then(|(a, b)| share(a, b)),
        _ => failed_for(&counts.failed, name, counts.succeeded + failed)
            .or_else(|| signal(name).map(|n| n as f64 / seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ron;
    use crate::design::{CLASS_FIGURES, Figure, LINK_FIGURES, NODE_FIGURES};
    use crate::run::Run;

    /// What the checks let through with a window has a value there.
    #[test]
    fn figures_by_window_are_those_that_the_lists_name() {
        let text = r#"(
            run: (length: "10s", warm_up: "0s"),
            nodes: {"u": (kind: client(rate: "50/s", classes: {"r": (), "w": (write: true)})), "cache": (kind: cache()),
                "db": (kind: database(replicas: 2, connections: 1))},
            links: [(from: "u", to: "cache"), (from: "cache", to: "db")],
        )"#;
        let design = ron::read::<Design>(text).value.expect("a design");
        let mut run = Run::new(&design).expect("it runs");
        run.advance(Time::NEVER);
        let report = run.report();
        let value = |subject: &str, figure: &str| {
            super::figure(&format!("{subject}{figure} @ 2s..8s"), run.recorder(), &report)
        };
        let walk = |subject: &str, figures: &[Figure]| {
            for Figure { name, by_window } in figures {
                let subject = if *name == "hit_ratio" { "cache." } else { subject };
                assert_eq!(value(subject, name).is_some(), *by_window, "{subject}{name}");
                assert!(
                    super::figure(&format!("{subject}{name}"), run.recorder(), &report).is_some(),
                    "{subject}{name}"
                );
            }
        };
        walk("", CLASS_FIGURES);
        walk("db.", NODE_FIGURES);
        walk("u->cache.", LINK_FIGURES);
        assert_eq!(value("u->cache.", "failed_timeout"), Some(0.0));
        assert_eq!((value("db.", "p99"), value("u->cache.", "p99")), (None, None));
    }

    /// An expectation on a p99 does not hold on one answer.
    #[test]
    fn what_was_seen_too_seldom_cannot_be_told() {
        let text = r#"(
            run: (length: "2s", warm_up: "0s"),
            nodes: {"u": (kind: client(rate: "50/s", classes: {"r": (), "w": (write: true, weight: 1e-9)})),
                "a": (kind: service()), "b": (kind: service())},
            links: [(from: "u", to: "a"), (from: "a", to: "b", when: (probability: 0))],
            expect: [
                (that: "p99", at_most: "1s"), (that: "p50", at_most: "1s"), (that: "p50", at_most: "1ns"),
                (that: "w.mean", at_most: "1s"), (that: "b.failed_share", at_most: 0), (that: "b.throughput", at_most: "1/s"),
                (that: "b.throughput", at_least: "1/s"), (that: "b.arrivals", at_most: 0), (that: "b.wait_p99", at_most: "1s"),
                (that: "p50 @ 1s..1.2s", at_most: "1s"), (that: "a.mean", at_most: 2, times: "b.mean"),
            ],
        )"#;
        let design = ron::read::<Design>(text).value.expect("a design");
        let mut run = Run::new(&design).expect("it runs");
        run.advance(Time::NEVER);
        let verdicts = judge(&design, run.recorder(), &run.report());
        let outcomes: Vec<Outcome> = verdicts.iter().map(|verdict| verdict.outcome).collect();
        use Outcome::{CannotBeTold as Untold, Fails, Holds};
        let expected = [Untold, Holds, Fails, Untold, Untold, Untold, Fails, Holds, Untold, Untold, Untold];
        assert_eq!(outcomes, expected, "{verdicts:#?}");
        let reason = |i: usize| verdicts[i].reason.as_deref().unwrap_or_default();
        assert!(reason(0).starts_with("only ") && reason(0).ends_with(" answers; p99 needs 1000"), "{}", reason(0));
        assert_eq!((reason(3), reason(10)), ("there was no call at all", "of `b.mean`: there was no call at all"));
        assert!(verdicts.iter().all(|verdict| verdict.holds == (verdict.outcome == Holds)));
    }

    #[test]
    fn the_figure_of_a_link_is_told_in_its_unit() {
        let text = r#"(
            run: (length: "2s", warm_up: "0s"),
            nodes: {"u": (kind: client(rate: "50/s")), "a": (kind: service())},
            links: [(from: "u", to: "a")],
            expect: [(that: "u->a.p50", at_most: "50ms"), (that: "u->a.failed_share", at_most: 0)],
        )"#;
        let design = ron::read::<Design>(text).value.expect("a design");
        let mut run = Run::new(&design).expect("it runs");
        run.advance(Time::NEVER);
        let report = run.report();
        let units: Vec<FigureUnit> = judge(&design, run.recorder(), &report).iter().map(|v| v.unit).collect();
        assert_eq!(units, [FigureUnit::Seconds, FigureUnit::Share]);
    }
}
