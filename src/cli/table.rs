//! The report as a table that is read at a glance.

use crate::base::Span;
use crate::design::{Design, FigureUnit};
use crate::metrics::{Estimate, Latency, Report};
use crate::run::Verdict;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything a person wants to know first: the requests, the nodes, the links that did something of their own, the
/// warnings, and the expectations.
pub fn text(design: &Design, report: &Report, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    if !report.title.is_empty() {
        let _ = writeln!(text, "{}", report.title);
    }
    if !design.question.is_empty() {
        let _ = writeln!(text, "{}", design.question);
    }
    let _ = writeln!(
        text,
        "{} simulated, the first {} left out, seed {}\n",
        seconds(report.length),
        seconds(report.warm_up),
        report.seed
    );
    let _ = writeln!(text, "{}\n\n{}", classes(report), nodes(report));
    if report.links.values().any(|link| link.retries + link.hedges + link.fallbacks > 0 || !link.failed.is_empty()) {
        let _ = writeln!(text, "\n{}", links(report));
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "\nwarning: {}: {}", warning.about, warning.message);
    }
    if !verdicts.is_empty() {
        text.push('\n');
        for verdict in verdicts {
            let _ = writeln!(text, "{}", line(verdict));
        }
    }
    text
}

fn line(verdict: &Verdict) -> String {
    let mark = if verdict.holds { "holds" } else { "FAILS" };
    let why = if verdict.why.is_empty() { String::new() } else { format!("\n         {}", verdict.why) };
    let value = verdict.value.map_or("nothing".to_owned(), |value| match verdict.unit {
        FigureUnit::Seconds => seconds(value),
        FigureUnit::Share => percent(value),
        FigureUnit::PerSecond => rate(value),
        FigureUnit::Number => number(value),
    });
    format!("  {mark}  {}: {value}{why}", verdict.expectation)
}

fn table(head: &[&str], left: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if i == 0 { 0 } else { 1 }, 1));
        if i >= left {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn classes(report: &Report) -> Table {
    let mut table =
        table(&["requests", "offered", "goodput", "failed", "late", "mean", "p50", "p95", "p99", "p99.9", "max"], 1);
    let several = report.classes.len() > 1;
    let rows = report.classes.iter().filter(|_| several).map(|(name, class)| (name.as_str(), class));
    for (name, class) in std::iter::once(("all", &report.total)).chain(rows) {
        let failed: u64 = class.failed.values().sum();
        let ended = class.good + class.late + failed;
        let mut row = vec![
            name.to_owned(),
            rate(class.offered_rate),
            rate(class.goodput),
            share(failed, ended),
            share(class.late, ended),
        ];
        row.extend(times(&class.latency));
        table.add_row(row);
    }
    table
}

/// Mean, p50, p95, p99, p99.9 and maximum.
fn times(latency: &Latency) -> [String; 6] {
    let of = |estimate: Option<Estimate>| estimate.map_or("-".to_owned(), |estimate| seconds(estimate.value));
    let max = latency.max.map_or("-".to_owned(), seconds);
    [of(latency.mean), of(latency.p50), of(latency.p95), of(latency.p99), of(latency.p999), max]
}

fn nodes(report: &Report) -> Table {
    let head = ["node", "kind", "arrivals", "failed", "mean", "p99", "wait", "queue", "busy", "cores", "notable"];
    let mut table = table(&head, 2);
    if let Some(column) = table.column_mut(10) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    for (name, node) in report.nodes.iter().filter(|(_, node)| node.kind != "client") {
        let failed: u64 = node.failed.values().sum();
        let time = |estimate: Option<Estimate>| estimate.map_or("-".to_owned(), |estimate| seconds(estimate.value));
        table.add_row([
            name.clone(),
            node.kind.clone(),
            rate(node.arrival_rate),
            share(failed, node.succeeded + failed),
            time(node.latency.mean),
            time(node.latency.p99),
            time(node.mean_wait),
            number(node.queue.value),
            node.utilization.map_or("-".to_owned(), |estimate| percent(estimate.value)),
            node.core_utilization.map_or("-".to_owned(), percent),
            notable(node, report.length - report.warm_up),
        ]);
    }
    table
}

/// What a node did besides answering calls.
fn notable(node: &crate::metrics::NodeReport, window: f64) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(ratio) = node.hit_ratio {
        parts.push(format!("hits {}", percent(ratio.value)));
    }
    if let Some(share) = node.stale_share {
        parts.push(format!("stale {}", percent(share.value)));
    }
    if let Some(lag) = node.lag.mean.filter(|lag| lag.value > 0.0) {
        parts.push(format!("lag {}", seconds(lag.value)));
    }
    let told = ["hits", "misses", "stale_reads", "checked_reads"];
    let others = node.signals.iter().filter(|(name, n)| **n > 0 && !told.contains(name));
    parts.extend(others.map(|(name, n)| format!("{} {}", name.replace('_', " "), rate(*n as f64 / window))));
    if let Some((reason, n)) = worst(&node.failed) {
        parts.push(format!("{reason} {}", rate(n as f64 / window)));
    }
    parts.join(", ")
}

/// The commonest reason of failure.
fn worst(failed: &BTreeMap<&'static str, u64>) -> Option<(String, u64)> {
    failed.iter().max_by_key(|(_, n)| **n).map(|(reason, n)| (reason.replace('_', " "), *n))
}

fn links(report: &Report) -> Table {
    let mut table =
        table(&["link", "attempts", "failed", "retries", "hedges", "fallbacks", "mean", "p99", "mostly"], 1);
    if let Some(column) = table.column_mut(8) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    let window = report.length - report.warm_up;
    for (name, link) in &report.links {
        let failed: u64 = link.failed.values().sum();
        if failed + link.retries + link.hedges + link.fallbacks == 0 {
            continue;
        }
        let [mean, _, _, p99, ..] = times(&link.latency);
        let count = |n: u64| if n == 0 { "-".to_owned() } else { rate(n as f64 / window) };
        table.add_row([
            name.clone(),
            rate(link.attempt_rate),
            share(failed, link.succeeded + failed),
            count(link.retries),
            count(link.hedges),
            count(link.fallbacks),
            mean,
            p99,
            worst(&link.failed).map_or(String::new(), |(reason, _)| reason),
        ]);
    }
    table
}

/// Three digits of a time.
fn seconds(value: f64) -> String {
    let (unit, scale) = match value {
        0.0 => return "0 s".to_owned(),
        v if v < 0.999_5e-6 => ("ns", 1e9),
        v if v < 0.999_5e-3 => ("µs", 1e6),
        v if v < 0.999_5 => ("ms", 1e3),
        v if v < 600.0 => ("s", 1.0),
        _ => return Span((value * 1e9) as u64).to_string(),
    };
    format!("{} {unit}", digits(value * scale))
}

fn rate(value: f64) -> String {
    format!("{}/s", number(value))
}

/// Three digits of a number, with k, M or G.
fn number(value: f64) -> String {
    match value {
        v if v < 999.5 => digits(v),
        v if v < 999.5e3 => format!("{}k", digits(v / 1e3)),
        v if v < 999.5e6 => format!("{}M", digits(v / 1e6)),
        v => format!("{}G", digits(v / 1e9)),
    }
}

fn digits(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v < 0.995 => format!("{v:.3}"),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

fn percent(value: f64) -> String {
    let value = value * 100.0;
    match value {
        0.0 => "0 %".to_owned(),
        v if v < 0.1 => format!("{v:.3} %"),
        v if v < 10.0 => format!("{v:.2} %"),
        v => format!("{v:.1} %"),
    }
}

fn share(part: u64, whole: u64) -> String {
    if part == 0 { "-".to_owned() } else { percent(part as f64 / whole.max(1) as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        let cases =
            [(0.0, "0 s"), (1.234_5e-9, "1.23 ns"), (999.9e-9, "1.00 µs"), (0.012_34, "12.3 ms"), (59.96, "60.0 s")];
        for (value, wanted) in cases {
            assert_eq!(seconds(value), wanted);
        }
        assert_eq!([number(0.0), number(999.7), number(1_234.0), number(2.5e9)], ["0", "1.00k", "1.23k", "2.50G"]);
        assert_eq!([share(0, 10), share(1, 10_000), share(5, 10)], ["-", "0.010 %", "50.0 %"]);
    }
}
