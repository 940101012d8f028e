//! The report as a table that is read at a glance, in lines of at most a hundred characters.

use super::columns::{Column, WIDTH, grid, hanging, wrap};
use crate::base::short::{count, number, percent, percent_in_column, rate, seconds, unit};
use crate::design::Design;
use crate::engine::{Counter, How, Role, Unit};
use crate::metrics::{ClassReport, Estimate, Hottest, Latency, LinkReport, NodeReport, Report, Warning, steady};
use crate::run::{Outcome, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything a person wants to know first: the requests, the nodes, the links that did something of their own, the
/// warnings, and the expectations. `not_judged` are those whose window the run does not reach.
pub fn text(design: &Design, report: &Report, verdicts: &[Verdict], not_judged: &[String]) -> String {
    let mut text = String::new();
    for line in [&report.title, &design.question] {
        if !line.is_empty() {
            let _ = writeln!(text, "{}", wrap(line, WIDTH));
        }
    }
    let _ = writeln!(
        text,
        "{} simulated, the first {} left out, seed {}\n",
        seconds(report.length),
        seconds(report.warm_up),
        report.seed
    );
    let _ = writeln!(text, "{}\n{}", classes(report), nodes(design, report));
    if report.links.values().any(is_notable) {
        let _ = writeln!(text, "{}", links(report));
    }
    for paragraph in warnings(report) {
        let _ = writeln!(text, "{}\n", hanging(&paragraph, 9));
    }
    for verdict in verdicts {
        let _ = writeln!(text, "{}", line(verdict));
    }
    for expectation in not_judged {
        let _ = writeln!(text, "  -      {}", hanging(&format!("{expectation}: not judged, the run ends before"), 9));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// All warnings; those of too few answers, which most short runs have, in one paragraph.
fn warnings(report: &Report) -> Vec<String> {
    let (few, others): (Vec<&Warning>, Vec<&Warning>) =
        report.warnings.iter().partition(|warning| warning.code == "too-few");
    let few =
        few.iter().map(|warning| format!("{}: {}", warning.about, warning.message)).collect::<Vec<_>>().join("; ");
    let others = others.iter().map(|warning| format!("warning: {}: {}", warning.about, warning.message));
    others.chain((!few.is_empty()).then(|| format!("warning: {few}"))).collect()
}

fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => seconds(value),
        Unit::Share => percent(value),
        Unit::PerSecond => rate(value),
        Unit::Number => number(value),
    }
}

fn line(verdict: &Verdict) -> String {
    let mark = match verdict.outcome {
        Outcome::Holds => "holds",
        Outcome::Fails => "FAILS",
        Outcome::CannotBeTold => "?    ",
    };
    let figure = |value: f64| in_unit(value, verdict.unit);
    let value = verdict.value.map_or("nothing".to_owned(), figure);
    // What a multiple of another figure came to.
    let bounds = [verdict.at_least, verdict.at_most].into_iter().flatten().map(figure).collect::<Vec<_>>();
    let bounds = if verdict.expectation.contains(" x ") && !bounds.is_empty() {
        format!(" (bound {})", bounds.join(" and "))
    } else {
        String::new()
    };
    let reason = verdict.reason.as_ref().map_or(String::new(), |reason| format!("; cannot be told: {reason}"));
    let mut text = format!("  {mark}  {}", hanging(&format!("{}: {value}{bounds}{reason}", verdict.expectation), 9));
    if !verdict.why.is_empty() {
        let _ = write!(text, "\n         {}", hanging(&verdict.why, 9));
    }
    text
}

fn classes(report: &Report) -> String {
    let several = report.classes.len() > 1;
    let rows = report.classes.iter().filter(|_| several).map(|(name, class)| (name.as_str(), class));
    let rows: Vec<(&str, &ClassReport)> = std::iter::once(("all", &report.total)).chain(rows).collect();
    let of = |figure: &dyn Fn(&ClassReport) -> String| rows.iter().map(|(_, class)| figure(class)).collect::<Vec<_>>();
    let failed = |class: &ClassReport| class.failed.values().sum::<u64>();
    let ended = |class: &ClassReport| class.good + class.late + failed(class);
    let goodput = of(&|class| rate(class.goodput));
    let mut offered = of(&|class| rate(class.offered_rate));
    if offered == goodput {
        offered.clear();
    }
    grid(vec![
        Column::words("requests", 0, rows.iter().map(|(name, _)| (*name).to_owned())),
        Column::of("n", 0, of(&|class| count(class.latency.count))),
        Column::of("offered", 1, offered),
        Column::of("goodput", 0, goodput),
        Column::of("failed", 0, of(&|class| share(failed(class), ended(class)))),
        Column::of("late", 0, of(&|class| share(class.late, ended(class)))),
        Column::of("mean", 0, of(&|class| class.latency.mean.map_or("-".to_owned(), with_interval))),
        Column::of("p50", 0, of(&|class| percentile(&class.latency, "p50"))),
        Column::of("p95", 3, of(&|class| percentile(&class.latency, "p95"))),
        Column::of("p99", 0, of(&|class| percentile(&class.latency, "p99"))),
        Column::of("p99.9", 0, of(&|class| percentile(&class.latency, "p99.9"))),
        Column::of("max", 2, of(&|class| class.latency.max.map_or("-".to_owned(), seconds))),
    ])
}

/// A percentile, where there are answers enough to claim it.
fn percentile(latency: &Latency, name: &str) -> String {
    let found = latency.percentiles().into_iter().find(|(percentile, _, _)| *percentile == name);
    let claimed = found.filter(|(_, q, _)| latency.count >= steady::needed_for(*q));
    claimed.and_then(|(_, _, estimate)| estimate).map_or("-".to_owned(), |estimate| seconds(estimate.value))
}

fn nodes(design: &Design, report: &Report) -> String {
    let rows: Vec<(&String, &NodeReport)> =
        report.nodes.iter().filter(|(_, node)| node.role != Some(Role::Source)).collect();
    let of = |figure: &dyn Fn(&NodeReport) -> String| rows.iter().map(|(_, node)| figure(node)).collect::<Vec<_>>();
    let failed = |node: &NodeReport| node.failed.values().sum::<u64>();
    let time = |estimate: Option<Estimate>| estimate.map_or("-".to_owned(), |estimate| seconds(estimate.value));
    grid(vec![
        Column::words("node", 0, rows.iter().map(|(name, _)| (*name).clone())),
        Column::words("kind", 2, of(&|node| node.kind.clone())),
        Column::of("arrivals", 0, of(&|node| if takes_calls(node) { rate(node.arrival_rate) } else { String::new() })),
        Column::of("failed", 0, of(&|node| share(failed(node), node.succeeded + failed(node)))),
        Column::of("mean", 0, of(&|node| time(node.latency.mean))),
        Column::of("p99", 0, of(&|node| percentile(&node.latency, "p99"))),
        Column::of("wait", 1, of(&|node| time(node.mean_wait))),
        Column::of("queue", 0, of(&|node| number(node.queue.value))),
        Column::of("busy", 0, of(&|node| node.utilization.map_or("-".to_owned(), |u| percent_in_column(u.value)))),
        Column::of("cores", 0, of(&|node| node.core_utilization.map_or("-".to_owned(), percent_in_column))),
        Column::words("notable", 0, rows.iter().map(|(name, node)| notable(design, name, node, report))),
    ])
}

/// Whether calls come to nodes of its kind: what only controls others has no arrivals.
fn takes_calls(node: &NodeReport) -> bool {
    node.role != Some(Role::Scaler)
}

/// Whether there may be something to compare with: another copy, or a store behind it.
fn has_copies(design: &Design, name: &str) -> bool {
    let copies = design.nodes.get(name).and_then(|node| node.kind.copies());
    copies.is_none_or(|(n, _)| n != 1)
}

/// What a node did besides answering calls.
fn notable(design: &Design, name: &str, node: &NodeReport, report: &Report) -> String {
    let window = report.length - report.warm_up;
    let mut parts: Vec<String> = Vec::new();
    // A share of 0 says nothing where there is nothing to compare with. What lags by more than the run is long has not arrived.
    let worth = |unit: Unit, value: f64| match unit {
        Unit::Share => value > 0.0 || has_copies(design, name),
        Unit::Seconds => value > 0.0 && value <= report.length,
        Unit::PerSecond | Unit::Number => value > 0.0,
    };
    for measure in node.measures.iter().filter(|measure| !measure.word.is_empty()) {
        if let Some(value) = node.own(measure).filter(|value| worth(measure.unit(), *value)) {
            parts.push(format!("{} {}", measure.word, in_unit(value, measure.unit())));
        }
    }
    if let Some(copy) = node.hottest.filter(|copy| is_uneven(node, copy)) {
        let busy = copy.utilization.map_or(String::new(), |busy| format!(" {} busy,", percent(busy)));
        parts.push(format!("hottest #{}:{busy} {} of calls", copy.copy, percent(copy.share)));
    }
    // What a share is made of is told by the share.
    let shares = node.measures.iter().filter_map(|measure| match measure.how {
        How::CountedShare(part, whole) => Some(part.iter().chain(whole)),
        _ => None,
    });
    let told: Vec<Counter> = shares.flatten().copied().collect();
    for measure in node.measures.iter().filter(|m| m.counter().is_some_and(|counter| !told.contains(&counter))) {
        if let Some(n) = node.signals.get(measure.name) {
            parts.push(format!("{} {}", measure.name.replace('_', " "), rate(*n as f64 / window)));
        }
    }
    if let Some((reason, n)) = worst(&node.failed) {
        parts.push(format!("{reason} {}", rate(n as f64 / window)));
    }
    parts.join(", ")
}

/// Whether the busiest copy has noticeably more to do than the others.
fn is_uneven(node: &NodeReport, copy: &Hottest) -> bool {
    let average = node.utilization.map(|u| u.value).into_iter().chain(node.core_utilization).reduce(f64::max);
    copy.utilization.zip(average).is_some_and(|(busy, average)| busy > 0.05 && busy > 1.25 * average)
}

/// The commonest reason of failure.
fn worst(failed: &BTreeMap<&'static str, u64>) -> Option<(String, u64)> {
    failed.iter().max_by_key(|(_, n)| **n).map(|(reason, n)| (reason.replace('_', " "), *n))
}

/// Whether a link did more than pass calls on.
fn is_notable(link: &LinkReport) -> bool {
    link.retries + link.hedges + link.fallbacks > 0 || !link.failed.is_empty()
}

fn links(report: &Report) -> String {
    let rows: Vec<(&String, &LinkReport)> = report.links.iter().filter(|(_, link)| is_notable(link)).collect();
    let of = |figure: &dyn Fn(&LinkReport) -> String| rows.iter().map(|(_, link)| figure(link)).collect::<Vec<_>>();
    let failed = |link: &LinkReport| link.failed.values().sum::<u64>();
    let window = report.length - report.warm_up;
    let count = |n: u64| if n == 0 { "-".to_owned() } else { rate(n as f64 / window) };
    grid(vec![
        Column::words("link", 0, rows.iter().map(|(name, _)| (*name).clone())),
        Column::of("attempts", 0, of(&|link| rate(link.attempt_rate))),
        Column::of("failed", 0, of(&|link| share(failed(link), link.succeeded + failed(link)))),
        Column::of("retries", 0, of(&|link| count(link.retries))),
        Column::of("hedges", 0, of(&|link| count(link.hedges))),
        Column::of("fallbacks", 0, of(&|link| count(link.fallbacks))),
        Column::of("mean", 1, of(&|link| link.latency.mean.map_or("-".to_owned(), |mean| seconds(mean.value)))),
        Column::of("p99", 2, of(&|link| percentile(&link.latency, "p99"))),
        Column::words("mostly", 0, of(&|link| worst(&link.failed).map_or(String::new(), |(reason, _)| reason))),
    ])
}

/// A time with one digit of the half-width of its interval, in the same unit: `43.2 ms ±0.1`.
fn with_interval(estimate: Estimate) -> String {
    let value = seconds(estimate.value);
    let (Some(half), Some((_, scale))) = (estimate.half_width, unit(estimate.value)) else { return value };
    match half * scale {
        0.0 => format!("{value} ±0"),
        h if h < 0.001 => format!("{value} ±<0.001"),
        h if h < 0.01 => format!("{value} ±{h:.3}"),
        h if h < 0.1 => format!("{value} ±{h:.2}"),
        h if h < 1.0 => format!("{value} ±{h:.1}"),
        h => format!("{value} ±{h:.0}"),
    }
}

fn share(part: u64, whole: u64) -> String {
    if part == 0 { "-".to_owned() } else { percent_in_column(part as f64 / whole.max(1) as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_the_unit_of_its_value() {
        let text = |value, half| with_interval(Estimate { value, half_width: half });
        assert_eq!(text(0.043_2, Some(0.000_12)), "43.2 ms ±0.1");
        assert_eq!(text(1.84, Some(0.02)), "1.84 s ±0.02");
        assert_eq!(text(0.005, None), "5.00 ms");
        assert_eq!(text(0.010, Some(0.0)), "10.0 ms ±0");
    }

    /// What cannot differ, has not arrived yet, or takes no calls has an empty cell.
    #[test]
    fn cells_that_would_say_nothing_are_empty() {
        let text = r#"(
            run: (length: "10s", warm_up: "0s"),
            nodes: {"u": (kind: client(rate: "50/s", classes: {"r": (), "w": (write: true)})), "api": (kind: service()),
                "one": (kind: database()), "two": (kind: database(replicas: 2, lag: "100s")), "sc": (kind: autoscaler())},
            links: [(from: "u", to: "api"), (from: "api", to: "one"), (from: "api", to: "two"), (from: "sc", to: "api")],
        )"#;
        let design: Design = crate::base::ron::read(text).value.expect("a design");
        let mut run = crate::run::Run::new(&design).expect("it runs");
        run.advance(crate::base::Time::NEVER);
        let table = nodes(&design, &run.report());
        let row = |name: &str| table.lines().find(|line| line.starts_with(name)).expect("a row");
        assert!(!row("one").contains("stale") && row("two").contains("stale 0 %"), "{table}");
        assert!(!table.contains("lag") && !row("sc").contains("/s"), "{table}");
    }

    #[test]
    fn a_multiple_shows_what_it_came_to() {
        let verdict = Verdict {
            expectation: "db.arrivals <= 0.35 x offered".to_owned(),
            why: String::new(),
            value: Some(806.0),
            unit: Unit::PerSecond,
            at_least: None,
            at_most: Some(1_404.0),
            holds: true,
            outcome: Outcome::Holds,
            reason: None,
        };
        assert_eq!(line(&verdict), "  holds  db.arrivals <= 0.35 x offered: 806/s (bound 1.40k/s)");
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let verdict = Verdict {
            expectation: "p99 <= 50ms".to_owned(),
            why: String::new(),
            value: Some(0.012),
            unit: Unit::Seconds,
            at_least: None,
            at_most: Some(0.05),
            holds: false,
            outcome: Outcome::CannotBeTold,
            reason: Some("only 1 answer; p99 needs 1000".to_owned()),
        };
        let wanted = "  ?      p99 <= 50ms: 12.0 ms; cannot be told: only 1 answer; p99 needs 1000";
        assert_eq!(line(&verdict), wanted);
    }
}
