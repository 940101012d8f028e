//! The series as CSV, long form: a line per window, subject and figure, over the whole run, its warm-up included.
//!
//! | column | what it is |
//! |---|---|
//! | `from_s`, `until_s` | the window, in seconds of the run |
//! | `subject` | `class`, `node` or `link` |
//! | `name` | of the class, node or link |
//! | `figure` | one of those below |
//! | `value` | counts of what happened in the window, unless the figure says otherwise |
//!
//! Sums end in `_sum_ns`, are in nanoseconds and belong to what was answered in the window: divided by the count, they
//! give a mean. `failed_<reason>` and what kinds count have a line only where they are not zero.
//!
//! | subject | figure | what it is |
//! |---|---|---|
//! | class | `offered` | requests issued |
//! | | `good`, `late` | answered within the deadline, and after it |
//! | | `degraded`, `stale` | of those answered: by a fallback, with an old version |
//! | | `latency_sum_ns` | over those answered, late ones included |
//! | | `p50_s`, `p99_s` | percentiles of the window, in seconds; no line without an answer |
//! | | `failed_<reason>` | failed requests |
//! | node | `arrived`, `succeeded`, `failed` | calls |
//! | | `failed_<reason>` | the failed ones by reason |
//! | | `latency_sum_ns` | from arrival to answer, over succeeded calls; the sum of the next three |
//! | | `wait_sum_ns`, `service_sum_ns`, `others_sum_ns` | waiting for a slot or core, being worked on, waiting for others |
//! | | `waited` | succeeded calls that had to wait |
//! | | `queue` | calls that wait: mean over the window |
//! | | `queue_max` | the most that waited at once |
//! | | `busy`, `cores` | slots and cores in use: means over the window |
//! | | `slots`, `core_capacity` | slots and cores there are: means over the window; 0 where they are not limited |
//! | | `hits`, `misses`, `evicted` … | what the kind counts besides calls |
//! | | `messages`, `replicas`, `filled` … | levels that the kind shows, at the end of the window |
//! | link | `attempts`, `succeeded`, `failed` | attempts as the caller sees them |
//! | | `failed_<reason>` | the failed ones by reason |
//! | | `retries`, `hedges` | attempts that were one |
//! | | `fallbacks` | operations answered by the fallback |
//! | | `latency_sum_ns` | over succeeded attempts |

use crate::base::{Histogram, plain};
use crate::engine::{Failures, REASONS};
use crate::metrics::{ClassRow, Recorder};

/// # Errors
/// If the writer fails, which one in memory does not.
pub fn csv(recorder: &Recorder) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut line = |fields: [&str; 6]| writer.write_record(fields).map_err(|error| error.to_string());
    line(["from_s", "until_s", "subject", "name", "figure", "value"])?;
    let (series, plan) = (recorder.series(), recorder.plan());
    for w in 0..series.ends.len() {
        let (from, until) = (series.start(w).as_secs().to_string(), series.ends[w].as_secs().to_string());
        let mut put = |subject: &str, name: &str, figure: &str, value: f64| {
            line([&from, &until, subject, &plain::line(name), figure, &value.to_string()])
        };
        for (i, name) in plan.classes.iter().enumerate() {
            let ClassRow { counts: row, latency } = &series.classes[w * plan.classes.len() + i];
            let figures = [
                ("offered", row.offered),
                ("good", row.good),
                ("late", row.late),
                ("degraded", row.degraded),
                ("stale", row.stale),
                ("latency_sum_ns", row.latency_ns),
            ];
            for (figure, value) in figures {
                put("class", name, figure, value as f64)?;
            }
            let mut latencies = Histogram::new();
            latency.add_to(&mut latencies);
            for (figure, q) in [("p50_s", 0.5), ("p99_s", 0.99)] {
                if let Some(ns) = latencies.quantile(q) {
                    put("class", name, figure, ns / 1e9)?;
                }
            }
            for (figure, n) in by_reason(&row.failed) {
                put("class", name, &figure, n)?;
            }
        }
        let seconds = series.ends[w].since(series.start(w)).as_secs();
        for (i, node) in plan.nodes.iter().enumerate() {
            let row = &series.nodes[w * plan.nodes.len() + i];
            let mean = |area: usize| row.areas[area] as f64 / 1e9 / seconds;
            for (figure, value) in [
                ("arrived", row.counts.arrived as f64),
                ("succeeded", row.counts.succeeded as f64),
                ("failed", row.counts.failed.iter().sum::<u64>() as f64),
                ("latency_sum_ns", row.counts.latency_ns as f64),
                ("wait_sum_ns", row.counts.queue_ns as f64),
                ("service_sum_ns", row.counts.service_ns as f64),
                ("others_sum_ns", row.counts.others_ns as f64),
                ("waited", row.counts.waited as f64),
                ("queue", mean(0)),
                ("queue_max", f64::from(row.queue_peak)),
                ("busy", mean(1)),
                ("cores", mean(2)),
                ("slots", mean(3)),
                ("core_capacity", mean(4)),
            ] {
                put("node", &node.name, figure, value)?;
            }
            for (figure, n) in by_reason(&row.counts.failed) {
                put("node", &node.name, &figure, n)?;
            }
            let reading = recorder.node(i, &recorder.of_windows(w..w + 1));
            for measure in recorder.kinds()[i].measures {
                let counted = measure.counter().map(|counter| row.counts.counted(counter) as f64);
                let level = measure.gauge().and_then(|_| reading.value(measure));
                if let Some(value) = counted.filter(|n| *n > 0.0).or(level) {
                    put("node", &node.name, measure.name, value)?;
                }
            }
        }
        for (i, link) in plan.links.iter().enumerate() {
            let row = &series.links[w * plan.links.len() + i];
            for (figure, value) in [
                ("attempts", row.sent),
                ("succeeded", row.succeeded),
                ("failed", row.failed.iter().sum::<u64>()),
                ("retries", row.retries),
                ("hedges", row.hedges),
                ("fallbacks", row.fallbacks),
                ("latency_sum_ns", row.latency_ns),
            ] {
                put("link", &link.name, figure, value as f64)?;
            }
            for (figure, n) in by_reason(&row.failed) {
                put("link", &link.name, &figure, n)?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// `failed_<reason>` of those that there were.
fn by_reason(failed: &Failures) -> impl Iterator<Item = (String, f64)> {
    let some = REASONS.iter().zip(failed).filter(|(_, n)| **n > 0);
    some.map(|(reason, n)| (format!("failed_{}", reason.name()), *n as f64))
}
