//! The series as CSV, long form: a line per window, subject and figure.

use crate::engine::{REASONS, SIGNALS};
use crate::metrics::Recorder;

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
            line([&from, &until, subject, name, figure, &value.to_string()])
        };
        for (i, name) in plan.classes.iter().enumerate() {
            let row = &series.classes[w * plan.classes.len() + i].counts;
            let figures = [
                ("offered", row.offered),
                ("good", row.good),
                ("late", row.late),
                ("degraded", row.degraded),
                ("stale", row.stale),
                ("latency_sum_ns", row.latency_ns),
            ];
            let failed = REASONS.iter().zip(row.failed).filter(|(_, n)| *n > 0);
            for (figure, value) in figures {
                put("class", name, figure, value as f64)?;
            }
            for (reason, n) in failed {
                put("class", name, &format!("failed_{}", reason.name()), n as f64)?;
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
                ("queue", mean(0)),
                ("queue_max", f64::from(row.queue_peak)),
                ("busy", mean(1)),
                ("cores", mean(2)),
                ("slots", mean(3)),
            ] {
                put("node", &node.name, figure, value)?;
            }
            for ((_, signal), n) in SIGNALS.iter().zip(row.counts.signals).filter(|(_, n)| *n > 0) {
                put("node", &node.name, signal, n as f64)?;
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
            ] {
                put("link", &link.name, figure, value as f64)?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
