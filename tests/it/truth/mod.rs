//! The simulation against exact and published values: the rows of `tests/fixtures/truth.json`, each run at several seeds.
//! A figure agrees if it is within the row's tolerance and within three standard errors of the value.

mod balancing;
mod caching;
mod machines;
mod queueing;
mod resilience;
mod storage;
mod theory;

use serde_json::Value;
use std::collections::BTreeMap;
use tailboard::base::{Span, hash};
use tailboard::design::{Design, WarmUp};
use tailboard::run::{Run, figure};
use tailboard::scenario;

/// Rows that the kinds can express, and how.
type Table = &'static [(&'static str, fn(&Row) -> Vec<Figure>)];

/// Rows that they cannot, and why.
const NOT_EXPRESSED: &[(&str, &str)] = &[
    ("mm1-runlength-0.5", "a rule for the length of runs, not a figure of one; it sizes the runs of mm1-0.5"),
    ("mm1-runlength-0.8", "a rule for the length of runs, not a figure of one; it sizes the runs of mm1-0.8"),
    ("mm1-runlength-0.9", "a rule for the length of runs, not a figure of one"),
    ("mm1-runlength-0.95", "a rule for the length of runs, not a figure of one"),
    ("retrial-80-50", "waits between retries are fixed or uniform (jitter), never exponential"),
    ("td-2", "exact for infinitely many servers only; pod-n100-* and fin-n10-* are its finite counterparts"),
    ("td-3", "exact for infinitely many servers only"),
    ("td-5", "exact for infinitely many servers only"),
    (
        "redundancy-10-2-0.8",
        "the two copies must go to different servers; a balancer does not know that two calls are copies",
    ),
    ("brooker-stale", "needs servers that all finish at the same fixed instants, busy or not"),
    ("evanjones-random", "placement of a fixed number of items; nothing happens in time"),
    ("facebook-leases", "the key rates behind the published figures are not given"),
    ("tail-table1", "reference only: no law of the leaves is given"),
    ("tail-table2", "reference only: no law of the reads is given"),
    ("aws-jitter-100", "needs a conditional write (optimistic concurrency control), which no kind has yet"),
    ("sre-throttle-2.0-3.0", "needs client-side adaptive throttling, which is not a link policy yet"),
    ("shuffle-54-4", "shuffle sharding is not a strategy of a kind yet"),
    ("shuffle-8-2", "shuffle sharding is not a strategy of a kind yet"),
    ("shuffle-100-5", "shuffle sharding is not a strategy of a kind yet"),
    ("quorum-avail-3", "replicas of a database fail by intervention only, not at random"),
    ("usl-raytracer", "a fit with no coherency: its throughput has no peak to compare with"),
    ("py-convoy", "needs a thread that computes without end beside the requests of one process"),
];

const TABLES: &[Table] =
    &[queueing::ROWS, balancing::ROWS, caching::ROWS, resilience::ROWS, storage::ROWS, machines::ROWS];

/// A row of the file.
pub struct Row {
    id: String,
    metrics: Value,
}

impl Row {
    /// A value by its name.
    pub fn want(&self, metric: &str) -> f64 {
        let value = &self.metrics[metric];
        value.as_f64().unwrap_or_else(|| panic!("{} has no number `{metric}`: {value}", self.id))
    }

    /// A value in a list.
    pub fn want_at(&self, metric: &str, i: usize) -> f64 {
        self.metrics[metric][i].as_f64().unwrap_or_else(|| panic!("{} has no number `{metric}`[{i}]", self.id))
    }
}

fn rows() -> BTreeMap<String, Row> {
    let text = include_str!("../../fixtures/truth.json");
    // Python writes infinity as a word that JSON does not have.
    let all: Value = serde_json::from_str(&text.replace("Infinity", "null")).expect("the fixture is JSON");
    let rows = all["rows"].as_array().expect("rows");
    let row = |row: &Value| Row { id: row["id"].as_str().expect("an id").to_owned(), metrics: row["metrics"].clone() };
    rows.iter().map(row).map(|row| (row.id.clone(), row)).collect()
}

/// How close a figure must be.
#[derive(Clone, Copy, Debug)]
pub enum Within {
    /// Of the value.
    Relative(f64),
    Absolute(f64),
    /// Between the two: the value is a range of seeds.
    Range(f64, f64),
}

/// A figure of a row as it was measured.
pub struct Figure {
    metric: String,
    want: f64,
    within: Within,
    samples: Vec<f64>,
    /// The standard error of the value itself, where it was simulated.
    want_error: f64,
    /// An approximation agrees within its tolerance, but not within the standard error of a long run.
    exact: bool,
}

impl Figure {
    pub fn new(metric: &str, want: f64, within: Within, samples: Vec<f64>) -> Figure {
        Figure { metric: metric.to_owned(), want, within, samples, want_error: 0.0, exact: true }
    }

    pub fn approximate(self) -> Figure {
        Figure { exact: false, ..self }
    }

    /// The value was simulated, with this half-width of a 95 % interval.
    pub fn simulated(self, half_width: f64) -> Figure {
        Figure { want_error: half_width / 1.96, ..self }
    }

    fn is_percentile(&self) -> bool {
        ["p50", "p90", "p95", "p99"].iter().any(|percentile| self.metric.contains(percentile))
    }

    /// What is wrong, if anything, and a line for the record.
    fn judge(&self, id: &str) -> (bool, String) {
        let n = self.samples.len() as f64;
        let mean = self.samples.iter().sum::<f64>() / n;
        let variance = self.samples.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0).max(1.0);
        // A percentile is read from a histogram whose cells are 1.1 % wide.
        let cell = if self.is_percentile() { 0.003 * self.want } else { 0.0 };
        let error = (variance / n + self.want_error * self.want_error + cell * cell).sqrt();
        let off = (mean - self.want).abs();
        let near = match self.within {
            Within::Relative(share) => off <= share * self.want.abs(),
            Within::Absolute(most) => off <= most,
            Within::Range(min, max) => (min..=max).contains(&mean),
        };
        // A run without randomness has no standard error; a range of seeds is no value to be near to.
        let certain = !self.exact || error < 1e-9 || matches!(self.within, Within::Range(..));
        let likely = certain || off <= 3.0 * error;
        let line = format!(
            "{} {id:<32} {:<28} want {:<12.6} got {mean:<12.6} +- {error:.2e} ({:+.2} %, {:.1} se)",
            if near && likely { "ok  " } else { "FAIL" },
            self.metric,
            self.want,
            100.0 * (mean - self.want) / self.want,
            if error > 0.0 { off / error } else { 0.0 },
        );
        (near && likely && mean.is_finite(), line)
    }
}

/// How long to run, and how often.
#[derive(Clone, Copy)]
pub struct Effort {
    pub seeds: u64,
    pub warm_up: f64,
    pub length: f64,
}

impl Effort {
    /// Sixteen runs of so many requests each at `rate`, after a tenth as many.
    pub fn requests(rate: f64, thousands: u32) -> Effort {
        let length = f64::from(thousands) * 1e3 / rate;
        Effort { seeds: 16, warm_up: length / 10.0, length: length * 1.1 }
    }

    /// From the beginning, without a warm-up.
    pub fn from_empty(seeds: u64, length: f64) -> Effort {
        Effort { seeds, warm_up: 0.0, length }
    }
}

pub fn design(text: &str) -> Design {
    let scenario = scenario::read_str(text);
    let drawn = scenario.drawn("truth", text, false);
    scenario.design.unwrap_or_else(|| panic!("{drawn}"))
}

/// The figures at `paths`, each at every seed.
pub fn measure<const N: usize>(text: &str, effort: Effort, paths: [&str; N]) -> [Vec<f64>; N] {
    let mut design = design(text);
    design.run.length = Span((effort.length * 1e9) as u64);
    design.run.warm_up = WarmUp::For(Span((effort.warm_up * 1e9) as u64));
    let mut samples = std::array::from_fn(|_| Vec::new());
    // Other seeds for other designs: figures that disagree by chance do so alone.
    let first = hash::name(text) >> 1;
    for seed in 0..effort.seeds {
        design.seed = first + seed;
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(run.length());
        for (samples, path) in samples.iter_mut().zip(paths) {
            let value = figure(path, run.recorder());
            samples.push(value.unwrap_or_else(|| panic!("there is no `{path}`")));
        }
    }
    samples
}

/// Every sample times a factor.
pub fn times(samples: &[f64], factor: f64) -> Vec<f64> {
    samples.iter().map(|x| x * factor).collect()
}

/// Two figures of the same runs, put together.
pub fn combine(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
}

/// A client at `rate` in front of one service without a limit to its queue.
pub fn station(rate: f64, service: &str) -> String {
    format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"{rate}/s\")),
            \"station\": (kind: service(queue_limit: None, {service})),
        }}, links: [(from: \"client\", to: \"station\")])"
    )
}

/// Run the rows of a table, and fail with every figure that disagrees. `TRUTH=id` runs one row.
fn check(table: Table) {
    let rows = rows();
    let only = std::env::var("TRUTH").ok();
    let wanted = table.iter().filter(|(id, _)| only.as_ref().is_none_or(|only| id.contains(only.as_str())));
    judge_all(wanted.flat_map(|(id, express)| express(&rows[*id]).into_iter().map(|figure| (*id, figure))));
}

fn judge_all<'a>(figures: impl Iterator<Item = (&'a str, Figure)>) {
    let mut wrong = String::new();
    for (id, figure) in figures {
        let (good, line) = figure.judge(id);
        println!("{line}");
        if !good {
            wrong += &format!("\n{line}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_row_is_expressed_or_has_a_reason() {
    let expressed: Vec<&str> = TABLES.iter().flat_map(|table| table.iter().map(|(id, _)| *id)).collect();
    let mut told: Vec<&str> = expressed.iter().copied().chain(NOT_EXPRESSED.iter().map(|(id, _)| *id)).collect();
    told.sort_unstable();
    let rows = rows();
    let all: Vec<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(told, all);
    println!("{} of {} rows are expressed", expressed.len(), all.len());
    for (id, reason) in NOT_EXPRESSED {
        println!("not expressed: {id}: {reason}");
    }
}

#[test]
fn queues_agree_with_theory() {
    check(queueing::ROWS);
}

#[test]
fn balancers_agree_with_theory_and_published_figures() {
    check(balancing::ROWS);
}

#[test]
fn caches_agree_with_theory_and_published_figures() {
    check(caching::ROWS);
}

#[test]
fn retries_hedges_and_fan_out_agree_with_theory_and_published_figures() {
    check(resilience::ROWS);
}

#[test]
fn stores_agree_with_theory_and_published_figures() {
    check(storage::ROWS);
}

#[test]
fn machines_agree_with_theory_and_published_figures() {
    check(machines::ROWS);
}
