//! Expectations: what a run must show, so that a file can be its own test.

use crate::base::Span;
use crate::base::units::{Quantity as _, Rate, Ratio};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// `that` figure is at least, or at most, so much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// A figure of the report: `"db.p99"`, `"goodput"`, `"cache.hit_ratio @ 10s..20s"`.
    pub that: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Amount>,
    /// The amounts are multiples of this other figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<String>,
    /// The point that it makes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A number with or without a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// In seconds, per second, as a share, or plain.
    pub value: f64,
    /// Absent where only a number is given.
    pub unit: Option<FigureUnit>,
    text: Option<String>,
}

impl Amount {
    pub fn plain(value: f64) -> Amount {
        Amount { value, unit: None, text: None }
    }

    fn parse(text: &str) -> Result<Amount, String> {
        let (value, unit) = if let Ok(share) = Ratio::parse(text) {
            (share.0, text.trim().ends_with('%').then_some(FigureUnit::Share))
        } else if let Ok(span) = Span::parse(text) {
            (span.as_secs(), Some(FigureUnit::Seconds))
        } else if let Ok(rate) = Rate::parse(text) {
            (rate.0, Some(FigureUnit::PerSecond))
        } else {
            // A bare number in quotes has no unit; without them it is a plain one.
            let expected = match text.trim().parse::<f64>() {
                Ok(_) => format!("the number without quotes ({}), or a unit as in", text.trim()),
                Err(_) => "a number, or a time, rate or share such as".to_owned(),
            };
            return Err(format!("`{text}` is not an amount: expected {expected} \"50ms\", \"1k/s\" or \"80%\""));
        };
        Ok(Amount { value, unit, text: Some(text.to_owned()) })
    }

    /// What is wrong with it as a bound of a figure of this unit, if anything.
    pub fn problem(&self, figure: FigureUnit) -> Option<String> {
        let expected = format!("expected {}", figure.expected());
        match (self.unit, figure) {
            (Some(unit), _) if unit != figure => Some(format!("`{self}` is {}: {expected}", unit.expected())),
            // Nothing is nothing in every unit.
            (None, FigureUnit::Seconds | FigureUnit::PerSecond) if self.value != 0.0 => {
                Some(format!("{self} has no unit: {expected}"))
            }
            (None, FigureUnit::Share) if !(0.0..=1.0).contains(&self.value) => {
                Some(format!("{self} is not between 0 and 1: {expected}"))
            }
            _ => None,
        }
    }

    /// What is wrong with it as a multiple of another figure, if anything.
    pub fn problem_as_factor(&self) -> Option<String> {
        let is_factor = matches!(self.unit, None | Some(FigureUnit::Share));
        (!is_factor).then(|| format!("`{self}` is not a number by which `times` could be multiplied"))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => write!(f, "{}", self.value),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => s.serialize_str(text),
            None => s.serialize_f64(self.value),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct AmountVisitor;
        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a quantity such as \"50ms\", \"1k/s\" or \"80%\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
                Amount::parse(text).map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Amount, E> {
                if value.is_finite() {
                    Ok(Amount::plain(value))
                } else {
                    Err(E::custom("an amount is a finite number"))
                }
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Amount, E> {
                Ok(Amount::plain(value as f64))
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Amount, E> {
                Ok(Amount::plain(value as f64))
            }
        }
        d.deserialize_any(AmountVisitor)
    }
}

/// `subject.figure @ from..until`, taken apart. Without a subject the figure is of all root requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricPath {
    pub subject: Option<String>,
    pub figure: String,
    pub window: Option<(Span, Span)>,
}

impl MetricPath {
    /// # Errors
    /// If the window is not two times, the earlier first.
    pub fn parse(text: &str) -> Result<MetricPath, String> {
        let (path, window) = match text.split_once('@') {
            None => (text.trim(), None),
            Some((path, window)) => {
                let times = window.trim().split_once("..");
                let (from, until) =
                    times.ok_or_else(|| format!("`{}` is not a window such as 10s..20s", window.trim()))?;
                let (from, until) = (Span::parse(from)?, Span::parse(until)?);
                if from >= until {
                    return Err(format!("the window {from}..{until} ends before it begins"));
                }
                (path.trim(), Some((from, until)))
            }
        };
        let (subject, figure) = split_figure(path);
        Ok(MetricPath { subject: subject.map(str::to_owned), figure: figure.to_owned(), window })
    }
}

/// Subject and figure; percentiles such as `p99.9` have a point in their name.
fn split_figure(path: &str) -> (Option<&str>, &str) {
    let Some((subject, figure)) = path.rsplit_once('.') else { return (None, path) };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let begins = subject.rfind('.').map_or(0, |dot| dot + 1);
    if is_digits(figure) && subject[begins..].strip_prefix('p').is_some_and(is_digits) {
        return (begins.checked_sub(1).map(|dot| &path[..dot]), &path[begins..]);
    }
    (Some(subject), figure)
}

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureUnit {
    Seconds,
    PerSecond,
    Share,
    Number,
}

impl FigureUnit {
    /// What a bound of such a figure looks like.
    fn expected(self) -> &'static str {
        match self {
            FigureUnit::Seconds => "a time such as \"50ms\"",
            FigureUnit::PerSecond => "a rate such as \"1k/s\"",
            FigureUnit::Share => "a share such as \"80%\" or 0.8",
            FigureUnit::Number => "a plain number",
        }
    }

    /// The unit of a figure, by its path (without a window). Signals are rates.
    pub fn of(path: &str) -> FigureUnit {
        let (_, name) = split_figure(path.split('@').next().unwrap_or(path).trim());
        match name {
            "mean" | "max" | "sd" | "mean_wait" | "mean_service" | "mean_others" => FigureUnit::Seconds,
            "queue" | "queue_max" | "busy" | "slots" | "cv" | "wait_cv" => FigureUnit::Number,
            "utilization" | "core_utilization" | "hottest_utilization" | "hit_ratio" => FigureUnit::Share,
            _ if name.ends_with("_share") || name.starts_with("failed_") => FigureUnit::Share,
            _ if name.starts_with("wait_") || name.starts_with("lag_") => FigureUnit::Seconds,
            _ if name.strip_prefix('p').is_some_and(|rest| rest.parse::<f64>().is_ok()) => FigureUnit::Seconds,
            _ => FigureUnit::PerSecond,
        }
    }
}

/// A figure that an expectation can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    pub name: &'static str,
    /// Whether it is known of a stretch of time (`@ 10s..20s`) too.
    pub by_window: bool,
}

const fn by_window(name: &'static str) -> Figure {
    Figure { name, by_window: true }
}

const fn of_the_whole(name: &'static str) -> Figure {
    Figure { name, by_window: false }
}

/// What the figures are, in the words of the manual.
pub const FIGURES: &[(&str, &str)] = &[
    ("offered", "Requests issued per second."),
    ("goodput", "Requests per second that are answered within their deadline."),
    ("throughput", "Answers per second, late ones included."),
    ("good_share", "Share of requests that are answered within their deadline (availability)."),
    ("late_share", "Share of requests that are answered after their deadline."),
    ("failed_share", "Share of requests, calls or attempts that fail (error rate)."),
    ("degraded_share", "Share of answers that a fallback gave."),
    ("stale_share", "Share of checked reads that returned an old version."),
    ("mean", "Mean latency."),
    ("p50", "Median latency."),
    ("p90", "90th percentile of latency."),
    ("p95", "95th percentile of latency."),
    ("p99", "99th percentile of latency."),
    ("p99.9", "99.9th percentile of latency."),
    ("max", "Longest latency."),
    ("sd", "Standard deviation of latency, to 0.5 % of the mean."),
    ("cv", "Coefficient of variation of latency: standard deviation over mean."),
    ("arrivals", "Calls per second that arrive at a node."),
    ("attempts", "Attempts per second over a link, retries and hedges included."),
    ("retries", "Attempts per second that are a retry."),
    ("hedges", "Attempts per second that are a hedged request."),
    ("fallbacks", "Calls per second that the fallback answered."),
    ("mean_wait", "Mean time in the queue of a node."),
    ("mean_service", "Mean time in which a node works on a call."),
    ("mean_others", "Mean time in which a node waits for calls of its own."),
    ("waited_share", "Share of calls that waited in the queue."),
    ("wait_sd", "Standard deviation of the time in the queue."),
    ("wait_cv", "Coefficient of variation of the time in the queue: standard deviation over mean."),
    ("wait_p50", "Median time in the queue."),
    ("wait_p95", "95th percentile of the time in the queue."),
    ("wait_p99", "99th percentile of the time in the queue."),
    ("queue", "Calls or messages that wait: mean over time."),
    ("queue_max", "Most that waited at once."),
    ("busy", "Slots in use (calls in flight): mean over time."),
    ("utilization", "Share of slots in use."),
    ("core_utilization", "Share of cores in use (CPU)."),
    ("slots", "Slots there are: mean over time. It follows the number of replicas."),
    ("hottest_share", "Share of the calls that the busiest replica or shard takes."),
    ("hottest_utilization", "Share of slots or cores in use at the busiest replica or shard, whichever is more."),
    ("hit_ratio", "Share of look-ups of a cache that are hits."),
    ("lag_mean", "Mean lag: of messages from sending to acknowledgement, of replicas behind the primary."),
    ("lag_p99", "99th percentile of the lag."),
];

/// Figures of a request class, and of all requests together.
pub const CLASS_FIGURES: &[Figure] = &[
    by_window("offered"),
    by_window("goodput"),
    by_window("throughput"),
    by_window("good_share"),
    by_window("late_share"),
    by_window("failed_share"),
    by_window("degraded_share"),
    by_window("stale_share"),
    by_window("mean"),
    by_window("p50"),
    by_window("p90"),
    by_window("p95"),
    by_window("p99"),
    by_window("p99.9"),
    by_window("max"),
    by_window("sd"),
    by_window("cv"),
];

/// Figures of a node, besides its signals (`hits`, `stale_reads` …: rates per second) and `failed_<reason>`, which are known
/// by window too.
pub const NODE_FIGURES: &[Figure] = &[
    by_window("arrivals"),
    by_window("throughput"),
    by_window("failed_share"),
    by_window("mean"),
    of_the_whole("p50"),
    of_the_whole("p90"),
    of_the_whole("p95"),
    of_the_whole("p99"),
    of_the_whole("p99.9"),
    of_the_whole("max"),
    of_the_whole("sd"),
    of_the_whole("cv"),
    by_window("mean_wait"),
    by_window("mean_service"),
    by_window("mean_others"),
    by_window("waited_share"),
    of_the_whole("wait_sd"),
    of_the_whole("wait_cv"),
    of_the_whole("wait_p50"),
    of_the_whole("wait_p95"),
    of_the_whole("wait_p99"),
    by_window("queue"),
    by_window("queue_max"),
    by_window("busy"),
    by_window("utilization"),
    by_window("core_utilization"),
    by_window("slots"),
    of_the_whole("hottest_share"),
    of_the_whole("hottest_utilization"),
    by_window("hit_ratio"),
    by_window("stale_share"),
    of_the_whole("lag_mean"),
    of_the_whole("lag_p99"),
];

/// Figures of a link, besides `failed_<reason>`, which is known by window too.
pub const LINK_FIGURES: &[Figure] = &[
    by_window("attempts"),
    by_window("throughput"),
    by_window("failed_share"),
    by_window("retries"),
    by_window("hedges"),
    by_window("fallbacks"),
    by_window("mean"),
    of_the_whole("p50"),
    of_the_whole("p90"),
    of_the_whole("p95"),
    of_the_whole("p99"),
    of_the_whole("p99.9"),
    of_the_whole("max"),
    of_the_whole("sd"),
    of_the_whole("cv"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let parts = |text: &str| MetricPath::parse(text).map(|path| (path.subject, path.figure, path.window));
        let of = |subject: &str, figure: &str| Ok((Some(subject.to_owned()), figure.to_owned(), None));
        assert_eq!(parts("p99.9"), Ok((None, "p99.9".to_owned(), None)));
        assert_eq!(parts("api.p99.9"), of("api", "p99.9"));
        assert_eq!(parts("p99.99"), Ok((None, "p99.99".to_owned(), None)));
        assert_eq!(parts("a.b.p99.99"), of("a.b", "p99.99"));
        assert_eq!(parts("api->db.p99"), of("api->db", "p99"));
        let window = Some((Span::from_secs(10), Span::from_secs(20)));
        assert_eq!(parts("db.mean @ 10s..20s"), Ok((Some("db".to_owned()), "mean".to_owned(), window)));
        assert!(parts("db.mean @ 20s..10s").is_err());
    }

    #[test]
    fn every_figure_is_explained_once() {
        let mut listed: Vec<&str> =
            [CLASS_FIGURES, NODE_FIGURES, LINK_FIGURES].concat().iter().map(|f| f.name).collect();
        let mut explained: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        listed.dedup();
        explained.sort_unstable();
        assert_eq!(explained, listed);
    }

    #[test]
    fn every_figure_has_a_unit() {
        let unit = |path: &str| FigureUnit::of(path);
        assert_eq!(unit("api.p99.9"), FigureUnit::Seconds);
        assert_eq!(unit("api->db.p99"), FigureUnit::Seconds);
        assert_eq!(unit("api->db.failed_share @ 1s..2s"), FigureUnit::Share);
        assert_eq!(unit("cache.hit_ratio @ 10s..20s"), FigureUnit::Share);
        assert_eq!(unit("queue.queue_max"), FigureUnit::Number);
        assert_eq!(unit("goodput"), FigureUnit::PerSecond);
        assert_eq!(
            (unit("db.wait_sd"), unit("db.wait_cv"), unit("cv")),
            (FigureUnit::Seconds, FigureUnit::Number, FigureUnit::Number)
        );
        assert_eq!(unit("db.hottest_utilization"), FigureUnit::Share);
    }

    #[test]
    fn bounds_have_the_unit_of_their_figure() {
        let problem = |amount: &str, unit| Amount::parse(amount).unwrap_or_else(|e| panic!("{e}")).problem(unit);
        for (good, unit) in [
            ("50ms", FigureUnit::Seconds),
            ("0", FigureUnit::Seconds),
            ("1k/s", FigureUnit::PerSecond),
            ("80%", FigureUnit::Share),
            ("0.8", FigureUnit::Share),
        ] {
            assert_eq!(problem(good, unit), None, "{good}");
        }
        for (bad, unit, part) in [
            ("1", FigureUnit::Seconds, "has no unit"),
            ("100/s", FigureUnit::Seconds, "expected a time"),
            ("5ms", FigureUnit::PerSecond, "expected a rate"),
            ("5ms", FigureUnit::Share, "expected a share"),
            ("5%", FigureUnit::Number, "expected a plain number"),
        ] {
            assert!(problem(bad, unit).is_some_and(|problem| problem.contains(part)), "{bad}");
        }
        assert!(Amount::plain(70.0).problem(FigureUnit::Share).is_some());
        assert_eq!(Amount::plain(70.0).problem(FigureUnit::Number), None);
        assert!(Amount::parse("10").is_err_and(|problem| problem.contains("without quotes (10)")));
        assert!(Amount::parse("100").is_err() && Amount::parse("5 MB").is_err());
        assert!(Amount::parse("2s").is_ok_and(|amount| amount.problem_as_factor().is_some()));
    }
}
