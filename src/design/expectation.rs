//! Expectations: what a run must show, so that a file can be its own test.

use crate::base::Span;
use crate::base::units::{Quantity as _, Rate, Ratio};
use crate::engine::{CLASS_MEASURES, COPY_MEASURES, How, LINK_MEASURES, Measure, NodeMeasure, Unit};
use crate::kinds::{KINDS, Meta};
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
    pub unit: Option<Unit>,
    text: Option<String>,
}

impl Amount {
    pub fn plain(value: f64) -> Amount {
        Amount { value, unit: None, text: None }
    }

    fn parse(text: &str) -> Result<Amount, String> {
        let (value, unit) = if let Ok(share) = Ratio::parse(text) {
            (share.0, text.trim().ends_with('%').then_some(Unit::Share))
        } else if let Ok(span) = Span::parse(text) {
            (span.as_secs(), Some(Unit::Seconds))
        } else if let Ok(rate) = Rate::parse(text) {
            (rate.0, Some(Unit::PerSecond))
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
    pub fn problem(&self, figure: Unit) -> Option<String> {
        let wanted = format!("expected {}", expected(figure));
        match (self.unit, figure) {
            (Some(unit), _) if unit != figure => Some(format!("`{self}` is {}: {wanted}", expected(unit))),
            // Nothing is nothing in every unit.
            (None, Unit::Seconds | Unit::PerSecond) if self.value != 0.0 => {
                Some(format!("{self} has no unit: {wanted}"))
            }
            (None, Unit::Share) if !(0.0..=1.0).contains(&self.value) => {
                Some(format!("{self} is not between 0 and 1: {wanted}"))
            }
            _ => None,
        }
    }

    /// What is wrong with it as a multiple of another figure, if anything.
    pub fn problem_as_factor(&self) -> Option<String> {
        let is_factor = matches!(self.unit, None | Some(Unit::Share));
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

/// What a bound of a figure in such a unit looks like.
fn expected(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "a time such as \"50ms\"",
        Unit::PerSecond => "a rate such as \"1k/s\"",
        Unit::Share => "a share such as \"80%\" or 0.8",
        Unit::Number => "a plain number",
    }
}

/// The unit of a figure, by its path (without a window). A name means the same wherever it stands.
pub fn unit_of(path: &str) -> Unit {
    let (_, name) = split_figure(path.split('@').next().unwrap_or(path).trim());
    figures().find(|figure| figure.name == name).map_or(Unit::Share, |figure| figure.unit)
}

/// A figure that an expectation can name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    pub help: &'static str,
    pub unit: Unit,
    /// Whether it is known of a stretch of time (`@ 10s..20s`) too.
    pub by_window: bool,
}

impl Figure {
    pub fn of_node(measure: &NodeMeasure) -> Figure {
        Figure::of(measure, false)
    }

    fn of<C>(measure: &Measure<C>, distributions: bool) -> Figure {
        let by_window = match measure.how {
            How::Of(..) => distributions,
            _ => true,
        };
        Figure { name: measure.name, help: measure.help, unit: measure.unit(), by_window }
    }
}

/// What a figure may be of.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// All requests, or those of a class.
    Requests,
    Node(&'a Meta),
    Copy,
    Link,
}

/// What can be asked of such a subject, besides `failed_<reason>`. Percentiles are kept by window for requests only.
pub fn figures_of(of: Of) -> Vec<Figure> {
    fn all<C>(groups: &[&[Measure<C>]], distributions: bool) -> Vec<Figure> {
        groups.iter().copied().flatten().map(|measure| Figure::of(measure, distributions)).collect()
    }
    match of {
        Of::Requests => all(CLASS_MEASURES, true),
        Of::Node(meta) => meta.of_node().measures().map(Figure::of_node).collect(),
        Of::Copy => all(COPY_MEASURES, false),
        Of::Link => all(LINK_MEASURES, false),
    }
}

/// Every figure that there is of anything; some several times.
pub fn figures() -> impl Iterator<Item = Figure> {
    let kinds = KINDS.iter().flat_map(|meta| figures_of(Of::Node(meta)));
    let requests = figures_of(Of::Requests).into_iter();
    requests.chain(kinds).chain(figures_of(Of::Link)).chain(figures_of(Of::Copy))
}

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

    /// A name means the same wherever it stands, and once of each subject.
    #[test]
    fn a_name_has_one_unit() {
        let mut units = std::collections::BTreeMap::new();
        for figure in figures() {
            assert!(figure.help.ends_with('.'), "{}", figure.name);
            assert_eq!(*units.entry(figure.name).or_insert(figure.unit), figure.unit, "{}", figure.name);
        }
        let of_kinds = KINDS.iter().map(|meta| figures_of(Of::Node(meta)));
        for known in of_kinds.chain([Of::Requests, Of::Copy, Of::Link].map(figures_of)) {
            let mut names: Vec<&str> = known.iter().map(|figure| figure.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{names:?}");
        }
    }

    #[test]
    fn every_figure_has_a_unit() {
        let unit = unit_of;
        assert_eq!(unit("api.p99.9"), Unit::Seconds);
        assert_eq!(unit("api->db.p99"), Unit::Seconds);
        assert_eq!(unit("api->db.failed_share @ 1s..2s"), Unit::Share);
        assert_eq!(unit("cache.hit_ratio @ 10s..20s"), Unit::Share);
        assert_eq!(unit("queue.queue_max"), Unit::Number);
        assert_eq!(unit("goodput"), Unit::PerSecond);
        assert_eq!((unit("db.wait_sd"), unit("db.wait_cv"), unit("cv")), (Unit::Seconds, Unit::Number, Unit::Number));
        assert_eq!(unit("db.hottest_utilization"), Unit::Share);
    }

    #[test]
    fn bounds_have_the_unit_of_their_figure() {
        let problem = |amount: &str, unit| Amount::parse(amount).unwrap_or_else(|e| panic!("{e}")).problem(unit);
        for (good, unit) in [
            ("50ms", Unit::Seconds),
            ("0", Unit::Seconds),
            ("1k/s", Unit::PerSecond),
            ("80%", Unit::Share),
            ("0.8", Unit::Share),
        ] {
            assert_eq!(problem(good, unit), None, "{good}");
        }
        for (bad, unit, part) in [
            ("1", Unit::Seconds, "has no unit"),
            ("100/s", Unit::Seconds, "expected a time"),
            ("5ms", Unit::PerSecond, "expected a rate"),
            ("5ms", Unit::Share, "expected a share"),
            ("5%", Unit::Number, "expected a plain number"),
        ] {
            assert!(problem(bad, unit).is_some_and(|problem| problem.contains(part)), "{bad}");
        }
        assert!(Amount::plain(70.0).problem(Unit::Share).is_some());
        assert_eq!(Amount::plain(70.0).problem(Unit::Number), None);
        assert!(Amount::parse("10").is_err_and(|problem| problem.contains("without quotes (10)")));
        assert!(Amount::parse("100").is_err() && Amount::parse("5 MB").is_err());
        assert!(Amount::parse("2s").is_ok_and(|amount| amount.problem_as_factor().is_some()));
    }
}
