//! What the plots are about: series in slices of time, from the windows of a recording.

use super::axis::{Axis, text};
use super::plot::{Curve, Form, Ink, Panel, Point3};
use crate::base::Histogram;
use crate::design::{Design, MetricPath, unit_of};
use crate::engine::Unit;
use crate::engine::{ClassCounts, REASONS};
use crate::metrics::Series;

/// Curves of percentiles have fewer, so that there are answers enough in each slice.
const ANSWERS_EACH: u64 = 200;
const FEWEST_SLICES: usize = 16;
/// Slices of a plot: more would show the noise of counting.
const SLICES: usize = 120;
const REQUESTS_EACH: u64 = 60;
/// Classes that have curves of their own.
const MOST_CLASSES: usize = 6;
/// With more classes only their 99th percentiles are drawn.
const MOST_MEDIANS: usize = 3;
/// Where no more than this share is not answered in time, a plot of it is a straight line.
const DULL: f64 = 0.001;
/// Reasons that have curves of their own.
const MOST_REASONS: usize = 4;

/// A series that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// As it was asked for.
    pub title: String,
    pub unit: Unit,
    /// Beginning and end of each window in seconds, and the figure in it.
    pub values: Vec<(f64, f64, Option<f64>)>,
}

/// A run as the plots see it.
#[derive(Clone, Copy)]
pub struct Recording<'a> {
    pub design: &'a Design,
    pub series: &'a Series,
    /// Names of the request classes, in their order.
    pub classes: &'a [String],
    pub asked: &'a [Asked],
}

/// Every plot of a run.
pub fn panels(recording: &Recording) -> Vec<Panel> {
    let mut panels = vec![latency(recording), throughput(recording)];
    if (2..=MOST_CLASSES).contains(&recording.classes.len()) {
        panels.push(good_shares(recording));
    }
    panels.push(failures(recording));
    panels.extend(recording.asked.iter().map(asked));
    panels
}

impl Recording<'_> {
    fn windows(&self) -> usize {
        self.series.ends.len()
    }

    /// Ranges of windows of nearly the same length, at most so many.
    fn slices(&self, most: usize) -> Vec<std::ops::Range<usize>> {
        let (windows, n) = (self.windows(), self.windows().min(most));
        (0..n).map(|i| windows * i / n..windows * (i + 1) / n).collect()
    }

    /// Fewer where there are few requests.
    fn usual_slices(&self) -> usize {
        let total = self.counts(&(0..self.windows()), &self.all());
        ((total.offered / REQUESTS_EACH) as usize).clamp(FEWEST_SLICES, SLICES)
    }

    fn seconds(&self, slice: &std::ops::Range<usize>) -> (f64, f64) {
        (self.series.start(slice.start).as_secs(), self.series.ends[slice.end - 1].as_secs())
    }

    fn counts(&self, slice: &std::ops::Range<usize>, classes: &[usize]) -> ClassCounts {
        let mut sum = ClassCounts::default();
        for w in slice.clone() {
            classes.iter().for_each(|class| sum.add(&self.series.classes[w * self.classes.len() + class].counts));
        }
        sum
    }

    fn all(&self) -> Vec<usize> {
        (0..self.classes.len()).collect()
    }

    /// A figure of each slice: its mean over the slice, and its least and most in the windows of it.
    fn points(
        &self,
        slices: &[std::ops::Range<usize>],
        classes: &[usize],
        figure: impl Fn(&ClassCounts, f64) -> Option<f64>,
    ) -> Vec<Option<Point3>> {
        let of = |slice: &std::ops::Range<usize>| {
            let (from, until) = self.seconds(slice);
            let mean = figure(&self.counts(slice, classes), until - from)?;
            let each = slice.clone().filter_map(|w| {
                let (from, until) = self.seconds(&(w..w + 1));
                figure(&self.counts(&(w..w + 1), classes), until - from)
            });
            let (min, max) = each.fold((mean, mean), |(min, max), value| (min.min(value), max.max(value)));
            Some(Point3 { at: (from + until) / 2.0, min, mean, max })
        };
        slices.iter().map(of).collect()
    }

    fn percentile(&self, slices: &[std::ops::Range<usize>], classes: &[usize], q: f64) -> Vec<Option<Point3>> {
        let of = |slice: &std::ops::Range<usize>| {
            let mut all = Histogram::new();
            for w in slice.clone() {
                classes.iter().for_each(|c| self.series.classes[w * self.classes.len() + c].latency.add_to(&mut all));
            }
            // Of fewer, the largest would be taken for a percentile.
            let enough = all.count() as f64 * (1.0 - q) >= 1.0;
            let value = enough.then(|| all.quantile(q)).flatten()? / 1e9;
            let (from, until) = self.seconds(slice);
            Some(Point3 { at: (from + until) / 2.0, min: value, mean: value, max: value })
        };
        slices.iter().map(of).collect()
    }
}

fn failed(counts: &ClassCounts) -> u64 {
    counts.failed.iter().sum()
}

fn latency(recording: &Recording) -> Panel {
    let slices = |classes: &[usize]| {
        let total = recording.counts(&(0..recording.windows()), classes);
        recording.slices((((total.good + total.late) / ANSWERS_EACH) as usize).clamp(FEWEST_SLICES, SLICES))
    };
    let mut curves = Vec::new();
    let curve = |label: String, ink: Ink, form: Form, points: Vec<Option<Point3>>| Curve { label, ink, form, points };
    if (2..=MOST_CLASSES).contains(&recording.classes.len()) {
        for (i, name) in recording.classes.iter().enumerate() {
            let slices = slices(&[i]);
            let tail = recording.percentile(&slices, &[i], 0.99);
            if recording.classes.len() <= MOST_MEDIANS {
                let median = recording.percentile(&slices, &[i], 0.5);
                // Where there are too few answers for the other, the legend is of this.
                let label = if tail.iter().any(Option::is_some) { String::new() } else { name.clone() };
                curves.push(curve(label, Ink::Class(i), Form::Thin, median));
            }
            curves.push(curve(name.clone(), Ink::Class(i), Form::Line, tail));
        }
    } else {
        let all = recording.all();
        let slices = slices(&all);
        for (name, q, form) in [("p50", 0.5, Form::Thin), ("p95", 0.95, Form::DashedLine), ("p99", 0.99, Form::Line)] {
            curves.push(curve(name.to_owned(), Ink::Class(0), form, recording.percentile(&slices, &all, q)));
        }
    }
    curves.retain(|curve| curve.points.iter().any(Option::is_some));
    let bounds: Vec<(f64, String)> = objectives(recording.design);
    let shown = curves.iter().flat_map(|curve| curve.points.iter().flatten()).map(|point| point.mean);
    let shown: Vec<f64> = shown.filter(|value| *value > 0.0).collect();
    let values = || shown.iter().copied().chain(bounds.iter().map(|(value, _)| *value));
    // A little lower, so that no curve lies on the axis.
    let least = 0.95 * values().fold(f64::INFINITY, f64::min).min(1e6);
    let axis = Axis::log(least, values().fold(0.0, f64::max));
    let note = match recording.classes.len() {
        2..=MOST_MEDIANS => "p99, and p50 as a thin line",
        n if n > MOST_MEDIANS && n <= MOST_CLASSES => "p99",
        _ => "",
    };
    Panel {
        title: "Latency".to_owned(),
        note,
        unit: Unit::Seconds,
        axis,
        curves,
        bounds,
        empty: shown.is_empty().then(|| "no answers".to_owned()),
        is_dull: false,
    }
}

/// What the file expects latencies of requests to be at most, in seconds, and how it is told.
pub fn objectives(design: &Design) -> Vec<(f64, String)> {
    let classes = design.classes();
    let mut found: Vec<(f64, String)> = Vec::new();
    for expectation in design.expect.iter().filter(|expectation| expectation.times.is_none()) {
        let Ok(path) = MetricPath::parse(&expectation.that) else { continue };
        let about_requests = path.subject.as_ref().is_none_or(|subject| classes.contains(subject));
        let Some(most) = expectation.at_most.as_ref() else { continue };
        if about_requests && path.figure.starts_with('p') && unit_of(&expectation.that) == Unit::Seconds {
            let whose = path.subject.filter(|_| classes.len() > 1).map_or(String::new(), |class| format!("{class} "));
            found.push((most.value, format!("{whose}{} ≤ {}", path.figure, text(most.value, Unit::Seconds))));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.dedup_by(|a, b| a.1 == b.1);
    found.truncate(2);
    found
}

fn throughput(recording: &Recording) -> Panel {
    let slices = recording.slices(recording.usual_slices());
    let all = recording.all();
    let rate = |figure: fn(&ClassCounts) -> u64| {
        recording.points(&slices, &all, move |counts, seconds| Some(figure(counts) as f64 / seconds))
    };
    let of = |label: &str, ink: Ink, form: Form, figure: fn(&ClassCounts) -> u64| Curve {
        label: label.to_owned(),
        ink,
        form,
        points: rate(figure),
    };
    let total = recording.counts(&(0..recording.windows()), &all);
    let mut curves = Vec::new();
    if total.good > 0 || total.late + failed(&total) == 0 {
        curves.push(of("in time", Ink::Good, Form::Area, |counts| counts.good));
    }
    if total.late > 0 {
        curves.push(of("late", Ink::Late, Form::Area, |counts| counts.late));
    }
    if failed(&total) > 0 {
        curves.push(of("failed", Ink::Failed, Form::Area, failed));
    }
    // Without others, what is in time is what was offered.
    if total.late + failed(&total) > 0 {
        curves.push(of("offered", Ink::Text, Form::Thin, |counts| counts.offered));
    }
    let stacked = (0..slices.len()).map(|i| {
        let areas = curves.iter().filter(|curve| curve.form == Form::Area);
        areas.filter_map(|curve| curve.points[i]).map(|point| point.mean).sum::<f64>()
    });
    let offered = curves.last().into_iter().flat_map(|curve| curve.points.iter().flatten()).map(|point| point.mean);
    let most = stacked.chain(offered).fold(0.0, f64::max);
    Panel {
        title: "Requests by outcome".to_owned(),
        note: "",
        unit: Unit::PerSecond,
        axis: Axis::linear(most, 5),
        curves,
        bounds: Vec::new(),
        empty: (total.offered == 0).then(|| "no requests".to_owned()),
        is_dull: false,
    }
}

/// Of several classes, which are answered in time.
fn good_shares(recording: &Recording) -> Panel {
    let slices = recording.slices(recording.usual_slices());
    let share = |counts: &ClassCounts, _: f64| {
        let ended = counts.good + counts.late + failed(counts);
        (ended > 0).then(|| counts.good as f64 / ended as f64)
    };
    let curve = |(i, name): (usize, &String)| Curve {
        label: name.clone(),
        ink: Ink::Class(i),
        form: Form::Line,
        points: recording.points(&slices, &[i], share),
    };
    Panel {
        title: "Answered in time".to_owned(),
        note: "share of what ended",
        unit: Unit::Share,
        axis: Axis::linear(1.0, 4),
        curves: recording.classes.iter().enumerate().map(curve).collect(),
        bounds: Vec::new(),
        empty: None,
        is_dull: recording.all().iter().all(|&class| {
            let counts = recording.counts(&(0..recording.windows()), &[class]);
            (counts.late + failed(&counts)) as f64 <= DULL * counts.good as f64
        }),
    }
}

fn failures(recording: &Recording) -> Panel {
    let slices = recording.slices(recording.usual_slices());
    let all = recording.all();
    let total = recording.counts(&(0..recording.windows()), &all);
    let mut reasons: Vec<usize> = (0..REASONS.len()).filter(|&i| total.failed[i] > 0).collect();
    reasons.sort_by_key(|&i| (std::cmp::Reverse(total.failed[i]), i));
    let rest = reasons.split_off(reasons.len().min(MOST_REASONS));
    // In the order in which they came, so that none changes its colour while a run goes on; of those that came together
    // the commonest then.
    let came = |i: usize| {
        let counts = |w: usize| recording.counts(&(w..w + 1), &all).failed[i];
        let first = (0..recording.windows()).find(|&w| counts(w) > 0);
        (first, std::cmp::Reverse(first.map(counts)))
    };
    reasons.sort_by_key(|&i| (came(i), i));
    let mut groups: Vec<(String, Vec<usize>)> =
        reasons.into_iter().map(|i| (REASONS[i].name().replace('_', " "), vec![i])).collect();
    if !rest.is_empty() {
        groups.push(("other".to_owned(), rest));
    }
    let curve = |(k, (label, which)): (usize, (String, Vec<usize>))| Curve {
        label,
        ink: Ink::Reason(k),
        form: if k == 0 { Form::Line } else { Form::DashedLine },
        points: recording.points(&slices, &all, |counts, seconds| {
            Some(which.iter().map(|&i| counts.failed[i]).sum::<u64>() as f64 / seconds)
        }),
    };
    let curves: Vec<Curve> = groups.into_iter().enumerate().map(curve).collect();
    let most =
        curves.iter().flat_map(|curve| curve.points.iter().flatten()).map(|point| point.mean).fold(0.0, f64::max);
    Panel {
        title: "Failures by reason".to_owned(),
        note: "",
        unit: Unit::PerSecond,
        axis: Axis::linear(if most > 0.0 { most } else { 1.0 }, 5),
        empty: curves.is_empty().then(|| "nothing failed".to_owned()),
        is_dull: curves.is_empty(),
        curves,
        bounds: Vec::new(),
    }
}

fn asked(asked: &Asked) -> Panel {
    let n = asked.values.len().min(SLICES);
    let slice = |i: usize| {
        let part = &asked.values[asked.values.len() * i / n..asked.values.len() * (i + 1) / n];
        let known: Vec<(f64, f64)> = part.iter().filter_map(|(from, until, v)| v.map(|v| (until - from, v))).collect();
        let seconds: f64 = known.iter().map(|(seconds, _)| seconds).sum();
        let mean = known.iter().map(|(seconds, v)| seconds * v).sum::<f64>() / seconds;
        let (min, max) = known.iter().fold((mean, mean), |(min, max), (_, v)| (min.min(*v), max.max(*v)));
        let at = (part[0].0 + part[part.len() - 1].1) / 2.0;
        (seconds > 0.0).then_some(Point3 { at, min, mean, max })
    };
    let points: Vec<Option<Point3>> = (0..n).map(slice).collect();
    let most = points.iter().flatten().map(|point| point.max).fold(0.0, f64::max);
    let most = if asked.unit == Unit::Share { most.min(1.0) } else { most };
    Panel {
        title: asked.title.clone(),
        note: "mean, within least and most",
        unit: asked.unit,
        axis: Axis::linear(if most > 0.0 { most } else { 1.0 }, 5),
        empty: points.iter().all(Option::is_none).then(|| "nothing to measure".to_owned()),
        curves: vec![Curve { label: String::new(), ink: Ink::Class(0), form: Form::Band, points }],
        bounds: Vec::new(),
        is_dull: false,
    }
}
