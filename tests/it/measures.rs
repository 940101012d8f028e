//! Every measure that a kind declares moves, and is the same number wherever it is shown.

use crate::catalogue::{kind_scenario, node_of};
use std::collections::BTreeMap;
use tailboard::base::Time;
use tailboard::design::{Design, Intervention, MetricPath, set_parameter};
use tailboard::engine::{How, NodeMeasure};
use tailboard::export;
use tailboard::kinds::KINDS;
use tailboard::metrics::Report;
use tailboard::run::{self, Run};

/// A measure, parameters to set, and a timeline.
type Moved = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Measures that do not move in their kind's scenario as it is: what to set and to do before they do. `N` is the node.
const MOVED_BY: &[Moved] = &[
    ("load_balancer.usable", &[("N.health_check", "(interval: \"500ms\")")], ""),
    ("load_balancer.ejected", &[("N.ejection", "(failures: 3, lasting: \"1s\", most: 0.5)")], ""),
    ("service.started", &[("N.runtime", "Serverless(cold_start: \"20ms\", keep_alive: \"50ms\")")], ""),
    ("service.stopped", &[], r#"(at: "5s", do: Set("N.replicas", "9")), (at: "8s", do: Set("N.replicas", "1"))"#),
    ("cache.coalesced", &[("N.single_flight", "true")], ""),
    ("cache.early_refreshes", &[("N.ttl", "\"500ms\""), ("N.early_refresh", "5")], ""),
    ("cache.lost_writes", &[("N.writes", "Behind"), ("N.write_delay", "\"2s\"")], r#"(at: "5s", do: Restart("N"))"#),
    ("cache.not_found", &[("db.missing", "\"50%\""), ("N.negative_ttl", "\"1s\"")], ""),
    ("database.primary", &[("N.failover", "\"500ms\"")], r#"(at: "5s", lasting: "9s", do: Kill("N#0"))"#),
    (
        "database.lost_writes",
        &[("N.failover", "\"500ms\""), ("N.lag", "\"2s\"")],
        r#"(at: "5s", lasting: "9s", do: Kill("N#0"))"#,
    ),
    ("database.not_found", &[("N.missing", "\"50%\"")], ""),
    ("queue.coalesced", &[("N.delivery", "ExactlyOnce"), ("N.visibility_timeout", "\"40ms\"")], ""),
    ("queue.expired", &[("N.retention", "\"50ms\"")], ""),
    ("queue.evicted", &[("N.overflow", "DropOldest"), ("N.capacity", "5")], ""),
    ("queue.lost_writes", &[("N.durable", "false")], r#"(at: "5s", lasting: "1s", do: Kill("N"))"#),
    ("worker.paused", &[], r#"(at: "5s", lasting: "1s", do: Pause("N"))"#),
    ("worker.started", &[], r#"(at: "5s", do: Set("N.replicas", "9")), (at: "8s", do: Set("N.replicas", "1"))"#),
    ("worker.stopped", &[], r#"(at: "5s", do: Set("N.replicas", "9")), (at: "8s", do: Set("N.replicas", "1"))"#),
];

/// The scenario of a kind in which a measure of it moves, and the name of its node.
fn moving(key: &str, measure: &NodeMeasure) -> (Design, String) {
    let mut design = kind_scenario(key);
    let node = node_of(&design, key);
    let name = format!("{key}.{}", measure.name);
    if let Some((_, settings, timeline)) = MOVED_BY.iter().find(|(of, ..)| *of == name) {
        for (path, value) in *settings {
            let path = path.replace("N.", &format!("{node}."));
            set_parameter(&mut design, &path, value).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
        }
        let quoted = timeline.replace("\"N", &format!("\"{node}"));
        let more = tailboard::base::ron::read::<Vec<Intervention>>(&format!("[{quoted}]"));
        design.timeline.extend(more.value.unwrap_or_else(|| panic!("{name}: {quoted}")));
    }
    (design, node)
}

/// What the CSV says of a node's figure: the end of each window and the value.
fn in_csv(csv: &str, node: &str, figure: &str) -> Vec<(f64, f64)> {
    let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let lines = csv.lines().skip(1).map(fields).filter(|line| line[3] == node && line[4] == figure);
    lines.map(|line| (line[1].parse().expect("a time"), line[5].parse().expect("a number"))).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-9)
}

/// What the report says of it.
fn in_report(report: &Report, node: &str, measure: &NodeMeasure) -> Option<f64> {
    let (node, seconds) = (&report.nodes[node], report.length - report.warm_up);
    match measure.how {
        How::Counted(_) => Some(node.signals.get(measure.name).copied().unwrap_or(0) as f64 / seconds),
        // The last, not the mean.
        How::Gauge(..) => None,
        _ => Some(node.own(measure).unwrap_or(f64::NAN)),
    }
}

#[test]
fn every_measure_moves_and_is_the_same_everywhere() {
    let mut wrong = BTreeMap::new();
    for (meta, measure) in KINDS.iter().flat_map(|meta| meta.measures.iter().map(move |measure| (meta, measure))) {
        let (design, node) = moving(meta.key, measure);
        let (name, path) = (format!("{}.{}", meta.key, measure.name), format!("{node}.{}", measure.name));
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
        run.advance(run.length());
        let report = run.report();
        // A frame of the end of the run is about what the report is about.
        let frame = run::frame(&mut run, &design, run::Basis::Report(&report));
        let recorder = run.recorder();
        let value = run::figure(&path, recorder);
        let by_window = run::series(&MetricPath::parse(&path).expect("a path"), recorder);
        let csv = export::csv(recorder).expect("a series");
        let (lines, warm_up) = (in_csv(&csv, &node, measure.name), report.warm_up);
        let seconds = report.length - warm_up;
        let after: f64 = lines.iter().filter(|(until, _)| *until > warm_up + 1e-9).map(|(_, value)| value).sum();
        // It moves.
        let first = by_window.first().and_then(|sample| sample.value);
        let is_still = match measure.how {
            How::Of(..) => value.is_none_or(|value| value == 0.0),
            _ => by_window.iter().all(|sample| sample.value == first),
        };
        let Some(value) = value.filter(|_| !is_still) else {
            wrong.insert(name, "does not move".to_owned());
            continue;
        };
        // It is the same.
        if let Some(reported) = in_report(&report, &node, measure)
            && !near(reported, value)
        {
            wrong.insert(name.clone(), format!("{reported} in the report, {value} in an expectation"));
        }
        if measure.counter().is_some() && !near(after / seconds, value) {
            wrong.insert(name.clone(), format!("{} in the CSV, {value} in an expectation", after / seconds));
        }
        if measure.gauge().is_some() {
            let last = by_window.last().and_then(|sample| sample.value).expect("a level");
            let all = [lines.last().map(|(_, value)| *value), report.nodes[&node].levels.get(measure.name).copied()];
            if all.iter().any(|shown| shown.is_none_or(|shown| !near(shown, last))) {
                wrong.insert(name.clone(), format!("{last} in the last window, {all:?} in CSV and report"));
            }
        }
        let shown = frame.nodes.iter().find(|shown| shown.name == node).expect("a node");
        let shown = shown.own.iter().find(|(shown, _)| shown.name == measure.name).map(|(_, value)| *value);
        assert_eq!(shown.is_some(), !measure.word.is_empty(), "{name}");
        if shown.is_some_and(|shown| !near(shown, value)) {
            wrong.insert(name, format!("{shown:?} in the frame, {value} in an expectation"));
        }
    }
    assert_eq!(wrong, BTreeMap::new());
    for (name, ..) in MOVED_BY {
        let known =
            KINDS.iter().any(|meta| name.strip_prefix(meta.key).is_some_and(|rest| meta.has_measure(&rest[1..])));
        assert!(known, "{name}");
    }
}

/// A replica's share and load add up to those of all of them.
#[test]
fn copies_add_up_to_their_node() {
    let design = kind_scenario("sharded_store");
    let node = node_of(&design, "sharded_store");
    let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    let figure = |path: &str| run::figure(path, run.recorder());
    let copies = || (0..).map_while(|copy| figure(&format!("{node}#{copy}.share")).map(|share| (copy, share)));
    let shares: Vec<f64> = copies().map(|(_, share)| share).collect();
    assert!(shares.len() > 1 && near(shares.iter().sum(), 1.0), "{shares:?}");
    let hottest = figure(&format!("{node}.hottest_share")).expect("there are several");
    assert!(shares.iter().any(|share| near(*share, hottest)), "{hottest} of {shares:?}");
    let sum = |name: &str| -> f64 {
        copies().map(|(copy, _)| figure(&format!("{node}#{copy}.{name}")).expect("a figure")).sum()
    };
    let (all, failed) = (figure(&format!("{node}.throughput")), figure(&format!("{node}.failed_share")));
    let (all, failed) = (all.expect("a rate"), failed.expect("a share"));
    // Those of copies include what failed.
    assert!((sum("calls") * (1.0 - failed) / all - 1.0).abs() < 0.01);
    let mean = sum("utilization") / shares.len() as f64;
    let utilization = figure(&format!("{node}.utilization")).expect("a share");
    assert!((mean / utilization - 1.0).abs() < 0.05, "{mean} and {utilization}");
}

/// Replicas come and go: each is measured by what it could do while it was there, and nothing of what it did is lost.
#[test]
fn copies_are_measured_while_they_are_there() {
    let run = |rate: &str, service: &str, timeline: &str| {
        let text = format!(
            r#"(run: (length: "32s", warm_up: "0s"), nodes: {{ "u": (kind: client(rate: "{rate}")), "lb": (kind: load_balancer()),
            "api": (kind: service({service}, slots: 1, cores: 1, work: Exponential("10ms"), queue_limit: 20)) }},
            links: [(from: "u", to: "lb"), (from: "lb", to: "api")], timeline: [{timeline}])"#
        );
        let design = tailboard::scenario::read_str(&text).design.unwrap_or_else(|| panic!("{text}"));
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(run.length());
        run
    };
    let of = |run: &Run, path: &str| run::figure(path, run.recorder()).unwrap_or_else(|| panic!("no {path}"));
    // The one that is left is as busy as the service.
    let killed = run("60/s", "replicas: 2", r#"(at: "10s", do: Kill("api#0"))"#);
    let (one, all) = (of(&killed, "api#1.utilization @ 16s..32s"), of(&killed, "api.utilization @ 16s..32s"));
    assert!((one / all - 1.0).abs() < 0.02 && (0.25..0.7).contains(&all), "{one} and {all}");
    // What it did alone is not forgotten when others come.
    let grown = run("60/s", "replicas: 1", r#"(at: "16s", do: Set("api.replicas", "4"))"#);
    let calls: f64 = (0..4).map(|copy| of(&grown, &format!("api#{copy}.calls"))).sum();
    assert!((calls / of(&grown, "api.throughput") - 1.0).abs() < 0.01, "{calls}");
    let (first, others) = (of(&grown, "api#0.share"), of(&grown, "api#3.share"));
    assert!((first - 0.625).abs() < 0.03 && (others - 0.125).abs() < 0.03, "{first} and {others}");
    assert!((of(&grown, "api#0.utilization") - 0.375).abs() < 0.05, "half of 0.6 and half of 0.15");
    // The only one is the service.
    let single = run("60/s", "replicas: 1", "");
    assert_eq!(of(&single, "api#0.share"), 1.0);
    assert!((of(&single, "api#0.utilization") / of(&single, "api.utilization") - 1.0).abs() < 0.02);
    assert_eq!(run::figure("api.hottest_share", single.recorder()), None);
    assert_eq!(run::figure("api#0.failed_error", single.recorder()), None);
}

/// Rates of a run that goes on are those of all that was recorded, also between two segments.
#[test]
fn a_report_in_the_middle_of_a_run_counts_what_there_is() {
    let text = r#"(run: (length: "32s", warm_up: "0s"), nodes: { "u": (kind: client(rate: "1k/s", arrivals: Constant)),
        "a": (kind: service(work: "1ms")) }, links: [(from: "u", to: "a")])"#;
    let design = tailboard::scenario::read_str(text).design.expect("a design");
    for seconds in [0.5, 1.5, 2.9, 10.7] {
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(Time((seconds * 1e9) as u64));
        let report = run.report();
        let rates = [report.total.offered_rate, report.nodes["a"].arrival_rate, report.links["u->a"].attempt_rate];
        assert!(rates.iter().all(|rate| (rate / 1_000.0 - 1.0).abs() < 0.01), "{seconds} s: {rates:?}");
    }
}
