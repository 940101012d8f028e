//! Cases and faults: slow, frozen, killed and resized nodes, and what is in progress there.

use super::{design, report};
use tailboard::design::{Design, set_parameter};
use tailboard::metrics::Report;
use tailboard::run::{Run, figure};
use tailboard::scenario;

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/slow_io.ron",
    "faults/database-restart-thaws.ron",
    "faults/queue-delivers-while-dead.ron",
    "faults/queue-delivers-while-frozen.ron",
    "faults/utilization-above-one.ron",
    "cases/dead_work.ron",
];

fn read(text: &str) -> Design {
    let read = scenario::read_str(text);
    let drawn = read.drawn("pace", text, false);
    read.design.unwrap_or_else(|| panic!("{drawn}"))
}

pub fn run_of(text: &str) -> Run {
    Run::new(&read(text)).unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// A client calls `n` once, at 1 s.
fn once(node: &str, timeline: &str) -> Report {
    let text = format!(
        r#"(run: (length: "200s", warm_up: "0s"), nodes: {{
            "u": (kind: client(rate: "1/s", arrivals: Constant, shape: Step(at: "1.5s", to: 0))), "n": (kind: {node}),
        }}, links: [(from: "u", to: "n")], timeline: [{timeline}])"#
    );
    run_of(&text).finish()
}

/// How long that call took, in seconds.
fn took(node: &str, timeline: &str) -> f64 {
    let report = once(node, timeline);
    assert_eq!(report.nodes["n"].succeeded, 1, "{node} {timeline}: {:?}", report.nodes["n"].failed);
    report.nodes["n"].latency.max.expect("a latency")
}

/// Every way in which a call takes a second at a node.
const SECONDS: &[&str] = &[
    r#"service(work: "1s")"#,
    r#"service(work: "1s", slots: 4, cores: 2)"#,
    r#"service(work: "1s", runtime: EventLoop)"#,
    r#"service(work: "1s", runtime: GlobalLock(switch_interval: "5ms"))"#,
    r#"service(work: "1s", discipline: PreemptivePriority)"#,
    r#"service(work: "1s", discipline: ProcessorSharing)"#,
    r#"service(work: "1s", runtime: Serverless(cold_start: "0s", keep_alive: "1s"))"#,
    r#"service(work: "0s", runtime: Serverless(cold_start: "1s", keep_alive: "1s"))"#,
    r#"service(work: "0s", wait: "1s")"#,
    r#"service(work: "0s", wait: "1s", slots: 4, cores: 2)"#,
    r#"service(work: "250ms", wait: "500ms", work_after: "250ms")"#,
    r#"service(work: "250ms", wait: "500ms", work_after: "250ms", slots: 4, cores: 1)"#,
    r#"worker(work: "1s")"#,
    r#"worker(work: "0s", wait: "1s")"#,
    r#"database(read: "1s")"#,
    r#"database(read: "0s", replicas: 3, replication: Quorum(r: 2, w: 2), read_there: "1s", read_back: "0s")"#,
    r#"database(read: "0s", replicas: 3, replication: Quorum(r: 3, w: 1), read_there: "400ms", read_back: "600ms")"#,
    r#"sharded_store(read: "1s")"#,
    r#"cache(lookup: "1s")"#,
];

fn assert_all_take(timeline: &str, seconds: f64) {
    for node in SECONDS {
        let took = took(node, timeline);
        assert!((took - seconds).abs() < 1e-6 + 0.008 * seconds, "{node} {timeline}: {took} and not {seconds}");
    }
}

/// Of a half-second spell at a fiftieth 10 ms of work come: 1.49 s in all, wherever in the call the spell lies.
#[test]
fn a_slow_spell_acts_on_what_is_in_progress_from_its_beginning_to_its_end() {
    assert_all_take("", 1.0);
    for at in ["500ms", "1s", "1.2s"] {
        let within: f64 = if at == "500ms" { 0.0 } else { 0.5 };
        assert_all_take(&format!(r#"(at: "{at}", lasting: "500ms", do: Slow("n", 50))"#), 1.0 + within * 0.98);
    }
    // It begins before the call and ends in it; it begins in it and goes on.
    assert_all_take(r#"(at: "900ms", lasting: "600ms", do: Slow("n", 50))"#, 1.49);
    assert_all_take(r#"(at: "1.5s", do: Slow("n", 50))"#, 0.5 + 25.0);
    // Spells in a row, the second milder; and one that is quicker.
    let two = r#"(at: "1s", lasting: "500ms", do: Slow("n", 50)), (at: "1.5s", lasting: "500ms", do: Slow("n", 2))"#;
    assert_all_take(two, 0.5 + 0.5 + 0.74);
    assert_all_take(r#"(at: "1.5s", do: Slow("n", 0.5))"#, 0.75);
    // A node that was slow for long keeps the new pace.
    assert_all_take(r#"(at: "0s", do: Slow("n", 3))"#, 3.0);
}

/// A process that stands still finishes nothing, waiting or working, and goes on where it was.
#[test]
fn a_freeze_stops_what_is_in_progress() {
    assert_all_take(r#"(at: "1.2s", lasting: "3s", do: Freeze("n"))"#, 4.0);
    assert_all_take(r#"(at: "500ms", lasting: "3s", do: Freeze("n"))"#, 3.5);
    // Slow begins, or ends, while it is frozen.
    let both = r#"(at: "1.5s", lasting: "3s", do: Freeze("n")), (at: "2s", do: Slow("n", 4))"#;
    assert_all_take(both, 3.5 + 2.0);
    let both = r#"(at: "1s", lasting: "2s", do: Slow("n", 10)), (at: "1.5s", lasting: "3s", do: Freeze("n"))"#;
    assert_all_take(both, 0.5 + 3.0 + 0.95);
}

/// The work of a slow service is longer, whoever looks: it does not seem to wait for others.
#[test]
fn what_is_slow_shows_as_service() {
    for node in [r#"service(work: "1s")"#, r#"service(work: "1s", slots: 4, cores: 2)"#, r#"cache(lookup: "1s")"#] {
        let report = once(node, r#"(at: "900ms", do: Slow("n", 5))"#);
        let service = report.nodes["n"].mean_service.expect("a mean");
        assert!((service - 5.0).abs() < 0.01, "{node}: {service}");
    }
}

/// Figures of a run, by their paths.
fn figures(mut run: Run, paths: &[&str]) -> Vec<f64> {
    run.advance(run.length());
    assert_eq!(run.sim().imbalance(), None);
    let value = |path: &&str| figure(path, run.recorder()).unwrap_or_else(|| panic!("no {path}"));
    paths.iter().map(value).collect()
}

fn figures_of(name: &str, paths: &[&str]) -> Vec<f64> {
    figures(Run::new(&design(name)).unwrap_or_else(|findings| panic!("{name}: {findings:?}")), paths)
}

/// Restarted at 1 s, it would start at 3 s. Slow by four from 2 s to 4 s, it starts at 4.5 s.
#[test]
fn a_slow_start_is_slow() {
    let text = r#"(run: (length: "32s", warm_up: "0s"), nodes: {
        "u": (kind: client(rate: "100/s", arrivals: Constant)), "n": (kind: service(work: "1ms", start_up: "2s")),
    }, links: [(from: "u", to: "n")],
    timeline: [(at: "1s", do: Restart("n")), (at: "2s", lasting: "2s", do: Slow("n", 4))])"#;
    let found = figures(run_of(text), &["n.throughput @ 1.1s..4.45s", "n.throughput @ 4.6s..6.6s"]);
    assert!(found[0] == 0.0 && (found[1] - 100.0).abs() < 3.0, "{found:?}");
}

#[test]
fn an_io_bound_dependency_that_is_slowed_opens_the_breaker() {
    let found = figures_of("cases/slow_io.ron", &["dep.mean @ 21s..40s", "api.failed_breaker_open @ 21s..40s"]);
    assert!((0.4..=0.5).contains(&found[0]) && found[1] > 0.2, "{found:?}");
}

#[test]
fn a_restart_thaws_neither_a_database_nor_a_queue() {
    let paths = ["n.throughput @ 3.1s..4.9s", "n.throughput @ 5.2s..6s"];
    let found = figures_of("faults/database-restart-thaws.ron", &paths);
    assert!(found[0] == 0.0 && found[1] > 95.0, "{found:?}");
    let paths = ["w.arrivals @ 3.1s..4.9s", "w.arrivals @ 5.2s..6s"];
    let found = figures_of("faults/queue-delivers-while-frozen.ron", &paths);
    assert!(found[0] == 0.0 && found[1] > 45.0, "{found:?}");
}

#[test]
fn a_thaw_does_not_revive_a_dead_queue() {
    let paths = ["w.arrivals @ 2.1s..3s", "w.arrivals @ 3.6s..4.9s", "w.arrivals @ 5.2s..6s"];
    let found = figures_of("faults/queue-delivers-while-dead.ron", &paths);
    assert!(found[0] == 0.0 && found[1] == 0.0 && found[2] > 45.0, "{found:?}");
}

#[test]
fn slots_that_are_taken_away_count_until_they_are_given_back() {
    let paths = ["a.utilization @ 1s..1.2s", "a.utilization @ 1.2s..2s"];
    let found = figures_of("faults/utilization-above-one.ron", &paths);
    assert!(found.iter().all(|share| (0.99..=1.0).contains(share)), "{found:?}");
}

#[test]
fn requests_that_nobody_waits_for_are_worked_on_all_the_same() {
    let all = report("cases/dead_work.ron");
    assert_eq!(all.total.good, 3);
    assert!((all.nodes["gunicorn"].busy - 0.5).abs() < 0.001, "{}", all.nodes["gunicorn"].busy);
    let mut limited = design("cases/dead_work.ron");
    assert_eq!(set_parameter(&mut limited, "gunicorn.max_wait", "\"5s\""), Ok(true));
    let limited = Run::new(&limited).expect("a run").finish();
    assert_eq!(limited.total.good, 2);
    assert!((limited.nodes["gunicorn"].busy - 0.1).abs() < 0.001, "{}", limited.nodes["gunicorn"].busy);
}

/// A node `n` of each kind to which something can happen, at a hundred calls a second. Those that take time take 2 ms.
fn with_kind(key: &str) -> Option<(&'static str, &'static str)> {
    const CALLED: &str = r#"(from: "u", to: "n")"#;
    Some(match key {
        "service" => (r#""n": (kind: service(work: "2ms"))"#, CALLED),
        "database" => (r#""n": (kind: database(read: "2ms"))"#, CALLED),
        "sharded_store" => (r#""n": (kind: sharded_store(read: "2ms"))"#, CALLED),
        "cache" => (r#""n": (kind: cache(lookup: "2ms"))"#, CALLED),
        "worker" => (
            r#""q": (kind: queue(prefetch: 16)), "n": (kind: worker(work: "2ms", concurrency: 16, cores: 16))"#,
            r#"(from: "u", to: "q"), (from: "q", to: "n")"#,
        ),
        "queue" => (
            r#""n": (kind: queue(prefetch: 16)), "w": (kind: worker(work: "2ms", concurrency: 16, cores: 16))"#,
            r#"(from: "u", to: "n"), (from: "n", to: "w")"#,
        ),
        "load_balancer" => (
            r#""n": (kind: load_balancer(health_check: Some((interval: "100ms")))), "s": (kind: service(work: "2ms", replicas: 2))"#,
            r#"(from: "u", to: "n"), (from: "n", to: "s")"#,
        ),
        "rate_limiter" => (
            r#""n": (kind: rate_limiter(rate: "1k/s")), "s": (kind: service(work: "2ms"))"#,
            r#"(from: "u", to: "n"), (from: "n", to: "s")"#,
        ),
        _ => return None,
    })
}

/// An intervention on `n`, with when it begins and ends, in seconds.
type On = (&'static str, f64, f64);

fn holds_law(key: &str, faults: &[On]) {
    let (nodes, links) = with_kind(key).expect("a design");
    let timeline: Vec<String> = faults
        .iter()
        .map(|(what, from, to)| {
            let action = if *what == "Slow" { r#"Slow("n", 4)"#.to_owned() } else { format!(r#"{what}("n")"#) };
            let lasting = if *what == "Restart" { String::new() } else { format!(r#"lasting: "{}s", "#, to - from) };
            format!(r#"(at: "{from}s", {lasting}do: {action})"#)
        })
        .collect();
    let text = format!(
        r#"(run: (length: "10s", warm_up: "0s"), nodes: {{ "u": (kind: client(rate: "100/s", arrivals: Constant)), {nodes} }},
            links: [{links}], timeline: [{}])"#,
        timeline.join(", ")
    );
    let mut run = run_of(&text);
    run.advance(run.length());
    assert_eq!(run.sim().imbalance(), None, "{key} {faults:?}");
    let within = |what: &str, from: f64, to: f64| {
        // Without what happens at the very instant of the change.
        let path = format!("{what} @ {}s..{}s", from + 0.15, to - 0.05);
        figure(&path, run.recorder()).unwrap_or(0.0)
    };
    // A restart ends what has killed it.
    let restart = faults.iter().find(|fault| fault.0 == "Restart").map(|fault| fault.1);
    let mut instants: Vec<f64> = faults.iter().flat_map(|fault| [fault.1, fault.2]).chain([10.0]).collect();
    instants.sort_by(f64::total_cmp);
    let delivered = if key == "queue" { "w.arrivals" } else { "n.arrivals" };
    for pair in instants.windows(2).filter(|pair| pair[1] - pair[0] > 0.5) {
        let (from, to) = (pair[0], pair[1]);
        let on = |what: &str| {
            let ended = |fault: &On| {
                if what == "Kill" && restart.is_some_and(|at| at > fault.1) { restart.unwrap_or(0.0) } else { fault.2 }
            };
            faults.iter().any(|fault| fault.0 == what && fault.1 <= from && to <= ended(fault))
        };
        let (dead, frozen, paused) = (on("Kill"), on("Freeze"), on("Pause"));
        let answered = within("n.throughput", from, to);
        let place = format!("{key} {faults:?} from {from} s to {to} s");
        if dead || frozen {
            assert_eq!(answered, 0.0, "{place}");
        }
        if paused || key == "queue" && (dead || frozen) {
            assert_eq!(within(delivered, from, to), 0.0, "{place}");
        }
        if !(dead || frozen || paused && key == "worker") {
            assert!(answered > 90.0, "{place}: {answered}");
            let mean = within("n.mean", from + 0.35, to);
            let settled = to - from > 1.0 && !["load_balancer", "rate_limiter", "queue"].contains(&key);
            assert!(!settled || (mean > 0.007) == on("Slow"), "{place}: a mean of {mean} s");
        }
    }
}

/// All pairs of faults at all kinds, in all orders: while it is dead nothing is taken, while it stands still nothing is
/// finished; a restart does not thaw; the end of one does not end the other; and when all are over, it works.
#[test]
fn no_fault_ends_another() {
    for meta in tailboard::kinds::KINDS {
        use tailboard::kinds::Handle;
        let handles =
            [(Handle::Kill, "Kill"), (Handle::Freeze, "Freeze"), (Handle::Slow, "Slow"), (Handle::Pause, "Pause")];
        let known = handles.iter().filter(|(handle, _)| meta.controls.contains(handle)).map(|(_, name)| *name);
        let known: Vec<&str> = known.collect();
        if with_kind(meta.key).is_none() {
            assert!(known.is_empty(), "{} can be struck, and is not tried", meta.key);
            continue;
        }
        for &one in &known {
            holds_law(meta.key, &[(one, 2.0, 5.0)]);
            if known.contains(&"Kill") {
                holds_law(meta.key, &[(one, 2.0, 7.0), ("Restart", 4.0, 4.0)]);
            }
            for &other in known.iter().filter(|other| **other != one) {
                holds_law(meta.key, &[(one, 2.0, 5.0), (other, 3.0, 7.0)]);
                holds_law(meta.key, &[(one, 2.0, 7.0), (other, 3.0, 5.0)]);
            }
        }
    }
}

/// From 100 to 1000 a second over 10 s, then 10 s of that: as many requests as under a straight line.
#[test]
fn a_ramp_is_a_straight_line() {
    let text = r#"(run: (length: "20s", warm_up: "0s"),
        nodes: { "u": (kind: client(rate: "100/s", arrivals: Constant)), "s": (kind: service(work: "100us")) },
        links: [(from: "u", to: "s")], timeline: [(at: "0s", ramp: "10s", do: Set("u.rate", "1k/s"))])"#;
    let offered = Run::new(&read(text)).unwrap_or_else(|findings| panic!("{findings:?}")).finish().total.offered;
    assert!((15_490..=15_510).contains(&offered), "{offered} instead of 15,500");
}
