//! Expectations against a run: each figure looked up, each bound judged.

use crate::base::Time;
use crate::design::{Design, Expectation, MetricPath, unit_of};
use crate::engine::Unit;
use crate::metrics::{Recorder, Stretch, steady};
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
    pub unit: Unit,
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
pub fn judge(design: &Design, recorder: &Recorder) -> Vec<Verdict> {
    let verdict = |expectation: &Expectation| {
        let value = figure(&expectation.that, recorder);
        let unit = expectation.times.as_ref().map_or(Some(1.0), |other| figure(other, recorder));
        let bound = |amount: Option<f64>| amount.zip(unit).map(|(amount, unit)| amount * unit);
        let at_least = bound(expectation.at_least.as_ref().map(|amount| amount.value));
        let at_most = bound(expectation.at_most.as_ref().map(|amount| amount.value));
        let within = unit.is_some()
            && value.is_some_and(|v| at_least.is_none_or(|min| v >= min) && at_most.is_none_or(|max| v <= max));
        let reason = doubt(&expectation.that, within, recorder).or_else(|| {
            let times = expectation.times.as_ref()?;
            doubt(times, false, recorder).map(|reason| format!("of `{times}`: {reason}"))
        });
        let outcome = match &reason {
            Some(_) => Outcome::CannotBeTold,
            None if within => Outcome::Holds,
            None => Outcome::Fails,
        };
        let (holds, unit) = (outcome == Outcome::Holds, unit_of(&expectation.that));
        let (expectation, why) = (text(expectation), expectation.why.clone());
        Verdict { expectation, why, value, at_least, at_most, unit, holds, outcome, reason }
    };
    design.expect.iter().map(verdict).collect()
}

/// Why a figure cannot be held against a bound, if it cannot. `within`: whether its value lies within its bounds.
fn doubt(text: &str, within: bool, recorder: &Recorder) -> Option<String> {
    let path = MetricPath::parse(text).ok()?;
    let name = path.figure.as_str();
    let of = recorder.subject(path.subject.as_deref(), name).zip(stretch(&path, recorder));
    let (calls, answers) = of.as_ref().map_or((0, 0), |(subject, stretch)| recorder.occurred(*subject, name, stretch));
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
    let Some(value) = figure(text, recorder) else {
        let too_short =
            of.filter(|(subject, stretch)| stretch.is_short() && recorder.is_by_segment(*subject, name)).is_some();
        let reason = if too_short {
            "copies are looked at 32 times in a run: the window holds no whole part between two looks"
        } else {
            missing(name, calls, answers)
        };
        return Some(reason.to_owned());
    };
    // What never happens stays below every bound. That nothing comes may be what is expected; to a scaler nothing does.
    let of_scaler = path.subject.as_deref().is_some_and(|name| recorder.is_scaler(name));
    let is_about_calls = unit_of(name) == Unit::PerSecond && !["arrivals", "offered", "attempts"].contains(&name);
    (within && value == 0.0 && calls == 0 && is_about_calls && !of_scaler)
        .then(|| "there was no call at all".to_owned())
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

/// A figure by its path (`"db.p99"`, `"goodput @ 10s..20s"`): of the run after its warm-up, or of the windows that lie within
/// the times.
pub fn figure(text: &str, recorder: &Recorder) -> Option<f64> {
    let path = MetricPath::parse(text).ok()?;
    recorder.figure(recorder.subject(path.subject.as_deref(), &path.figure)?, &path.figure, &stretch(&path, recorder)?)
}

/// The part of the run that a figure is about.
fn stretch(path: &MetricPath, recorder: &Recorder) -> Option<Stretch> {
    match path.window {
        None => Some(recorder.after_warm_up()),
        Some((from, until)) => recorder.between(Time(from.0), Time(until.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ron;
    use crate::design::{Figure, Of, figures_of};
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
        let value = |path: &str| figure(path, run.recorder());
        for (subject, of) in [
            ("", Of::Requests),
            ("r.", Of::Requests),
            ("db.", Of::Node(design.nodes["db"].kind.meta())),
            ("cache.", Of::Node(design.nodes["cache"].kind.meta())),
            ("db#1.", Of::Copy),
            ("u->cache.", Of::Link),
        ] {
            for Figure { name, by_window, .. } in figures_of(of) {
                // A cache has no slots, cores or copies, and no wait that could vary.
                if subject == "cache." && ["utilization", "hottest", "wait_cv"].iter().any(|part| name.contains(part)) {
                    continue;
                }
                assert_eq!(value(&format!("{subject}{name} @ 2s..8s")).is_some(), by_window, "{subject}{name}");
                assert!(value(&format!("{subject}{name}")).is_some(), "{subject}{name}");
            }
        }
        assert_eq!(value("u->cache.failed_timeout @ 2s..8s"), Some(0.0));
        assert_eq!((value("db#2.utilization"), value("db#0.p99")), (None, None));
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
        let verdicts = judge(&design, run.recorder());
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
        let units: Vec<Unit> = judge(&design, run.recorder()).iter().map(|v| v.unit).collect();
        assert_eq!(units, [Unit::Seconds, Unit::Share]);
    }
}
