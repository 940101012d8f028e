//! Services, workers, stores and autoscalers where several things happen to them at once.

use tailboard::base::{Span, Time};
use tailboard::design::Design;
use tailboard::run::Run;
use tailboard::scenario;

fn design(text: &str) -> Design {
    let read = scenario::read_str(text);
    let drawn = read.drawn("stations", text, false);
    read.design.unwrap_or_else(|| panic!("{drawn}"))
}

/// A client `u` at this rate calls `a`.
fn pair(rate: &str, node: &str, more: &str) -> Run {
    let text = format!(
        r#"(run: (length: "32s", warm_up: "0s"), nodes: {{ "u": (kind: client(rate: "{rate}", arrivals: Constant)),
        "a": (kind: {node}) }}, links: [(from: "u", to: "a")], {more})"#
    );
    run(&text)
}

fn run(text: &str) -> Run {
    Run::new(&design(text)).unwrap_or_else(|findings| panic!("{findings:?}"))
}

fn at(run: &mut Run, seconds: f64) -> tailboard::metrics::Report {
    run.advance(Time(Span::from_secs_f64(seconds).0));
    assert_eq!(run.sim().imbalance(), None);
    run.report()
}

/// Whole seconds: runs are recorded in 32 parts. What `node` did well between two times, in seconds.
fn served(run: &mut Run, node: &str, from: f64, to: f64) -> u64 {
    let before = at(run, from).nodes[node].succeeded;
    at(run, to).nodes[node].succeeded - before
}

fn codes(text: &str) -> Vec<&'static str> {
    scenario::read_str(text).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn findings(node: &str) -> Vec<&'static str> {
    codes(&format!(r#"(nodes: {{ "u": (kind: client()), "a": (kind: {node}) }}, links: [(from: "u", to: "a")])"#))
}

#[test]
fn a_lock_is_held_for_some_time() {
    assert_eq!(findings(r#"service(runtime: GlobalLock(switch_interval: "0s"), cores: 1)"#), ["bad-value"]);
}

#[test]
fn a_long_queue_of_calls_without_work_is_served_in_a_loop() {
    let timeline = r#"timeline: [(at: "1s", lasting: "4s", do: Freeze("a"))]"#;
    let mut run = pair("20k/s", r#"service(work: "0s", queue_limit: None)"#, timeline);
    let report = at(&mut run, 6.0);
    assert!(report.nodes["a"].succeeded >= 119_000 && report.nodes["a"].queue_max > 70_000);
}

#[test]
fn a_pause_does_not_end_a_freeze() {
    let node = r#"service(work: "1ms", queue_limit: None, pauses: Some((every: "1s", lasting: "10ms")),
        breakdowns: Some((up: "1700ms", down: "10ms", lose: false)))"#;
    let mut run = pair("50/s", node, r#"timeline: [(at: "10s", lasting: "10s", do: Freeze("a"))]"#);
    assert!(served(&mut run, "a", 8.0, 10.0) > 90);
    assert_eq!(served(&mut run, "a", 11.0, 19.0), 0);
    assert!(served(&mut run, "a", 21.0, 29.0) > 390);
}

#[test]
fn a_repair_does_not_revive_what_was_killed_and_a_restart_does_not_repair() {
    let node = r#"service(work: "1ms", breakdowns: Some((up: "9500ms", down: "10s", lose: true)))"#;
    let timeline =
        r#"timeline: [(at: "12s", lasting: "2s", do: Kill("a")), (at: "15s", lasting: "10s", do: Kill("a"))]"#;
    let mut run = pair("50/s", node, timeline);
    // Broken from 9.5 s to 19.5 s, killed until 25 s.
    assert_eq!(served(&mut run, "a", 10.0, 25.0), 0);
    assert!(served(&mut run, "a", 25.0, 28.0) > 140);
}

/// Breakdowns that are set while running, and never come, change nothing in the pauses.
#[test]
fn pauses_go_on_alone_when_breakdowns_are_added() {
    let node = r#"service(work: "1ms", pauses: Some((every: "2s", lasting: "500ms")))"#;
    let set =
        r#"timeline: [(at: "1s", do: Set("a.breakdowns", "Some((up: \"1000000s\", down: \"1s\", lose: true))"))]"#;
    let (mut alone, mut both) = (pair("100/s", node, ""), pair("100/s", node, set));
    let (alone, both) = (at(&mut alone, 32.0), at(&mut both, 32.0));
    assert_eq!(alone.nodes["a"].queue.value, both.nodes["a"].queue.value);
}

#[test]
fn a_restart_begins_the_start_up_anew() {
    let timeline = r#"timeline: [(at: "10s", do: Restart("a")), (at: "19s", do: Restart("a"))]"#;
    let mut run = pair("50/s", r#"service(work: "1ms", start_up: "10s")"#, timeline);
    assert_eq!(served(&mut run, "a", 11.0, 28.0), 0);
    assert!(served(&mut run, "a", 29.0, 31.0) > 95);
}

#[test]
fn a_queue_is_bounded_where_everybody_is_admitted() {
    for discipline in ["ProcessorSharing", "PreemptivePriority"] {
        let node =
            format!(r#"service(work: "10ms", cores: 2, queue_limit: Some(5), discipline: {discipline}, slots: 2)"#);
        let mut run = pair("400/s", &node, "");
        let report = at(&mut run, 10.0);
        assert!(report.nodes["a"].failed["queue_full"] > 1_900, "{:?}", report.nodes["a"].failed);
        assert!(report.nodes["a"].in_flight <= 7, "{discipline}");
        // Up to seven share two cores.
        assert!(report.nodes["a"].latency.max.is_some_and(|max| max < 0.06), "{:?}", report.nodes["a"].latency.max);
        // With priorities that are all alike.
        let idle =
            if discipline == "PreemptivePriority" { vec!["odd-value", "idle-setting"] } else { vec!["odd-value"] };
        assert_eq!(findings(&node), idle);
    }
    let idle =
        r#"service(discipline: ProcessorSharing, max_wait: Some("1s"), codel: Some((target: "1ms", interval: "9ms")))"#;
    assert_eq!(findings(idle), ["odd-value", "odd-value"]);
}

/// After the freeze ten calls wait, and seventy gave up: too few for serving the newest first.
#[test]
fn those_who_gave_up_do_not_turn_an_adaptive_queue() {
    let node = r#"service(work: "40ms", slots: 1, cores: 1, discipline: AdaptiveLifo, max_wait: Some("500ms"))"#;
    let mut run = pair("20/s", node, r#"timeline: [(at: "1s", lasting: "4s", do: Freeze("a"))]"#);
    let failed = at(&mut run, 10.0).nodes["a"].failed["timeout"];
    assert!((68..=71).contains(&failed), "{failed}");
}

#[test]
fn every_instance_has_a_core() {
    let node =
        r#"service(runtime: Serverless(cold_start: "0s", keep_alive: "100s"), slots: 1, processes: 4, work: "30ms")"#;
    let mut run = pair("100/s", node, "");
    assert!(at(&mut run, 20.0).nodes["a"].succeeded > 1_990);
}

#[test]
fn a_pause_of_consumers_neither_revives_nor_forgets() {
    let text = |worker: &str, timeline: &str| {
        format!(
            r#"(run: (length: "32s", warm_up: "0s"), nodes: {{ "u": (kind: client(rate: "50/s")), "q": (kind: queue()),
            "w": (kind: worker({worker})) }}, links: [(from: "u", to: "q"), (from: "q", to: "w")], timeline: [{timeline}])"#
        )
    };
    let killed = r#"(at: "5s", lasting: "20s", do: Kill("w")), (at: "8s", lasting: "2s", do: Pause("w"))"#;
    let mut killed = run(&text(r#"replicas: 2, work: "1ms""#, killed));
    assert_eq!(served(&mut killed, "w", 6.0, 24.0), 0);
    assert!(served(&mut killed, "w", 25.0, 30.0) > 900);
    // One that is ordered before the pause starts within it.
    let ordered = r#"(at: "4s", do: Set("w.replicas", "2")), (at: "5s", lasting: "10s", do: Pause("w"))"#;
    let mut ordered = run(&text(r#"work: "1ms", start_up: "3s""#, ordered));
    assert_eq!(served(&mut ordered, "w", 6.0, 14.0), 0);
    assert!(served(&mut ordered, "w", 15.0, 20.0) > 600);
}

#[test]
fn an_autoscaler_scales_something_with_replicas() {
    let text = |step: u32| {
        format!(
            r#"(nodes: {{ "u": (kind: client()), "orders": (kind: queue()), "workers": (kind: worker()),
            "sc": (kind: autoscaler(target: Queue(10))) }}, links: [(from: "u", to: "orders"), (from: "orders", to: "workers"),
            (from: "sc", to: "workers"), (from: "sc", to: "orders", step: {step})])"#
        )
    };
    // In the same step the names decide, and "sc->orders" comes first.
    assert_eq!(codes(&text(1)), ["not-scalable"]);
    assert_eq!(codes(&text(2)), [""; 0]);
}

/// Load triples at 10 s; nothing that is ordered runs before 25 s. Five replicas are enough, seven work off what has piled
/// up.
#[test]
fn an_autoscaler_does_not_order_twice() {
    let mut run = run(
        r#"(run: (length: "64s", warm_up: "0s"), nodes: { "u": (kind: client(rate: "200/s", shape: Step(at: "10s", to: 3))),
        "a": (kind: service(replicas: 2, slots: 4, cores: 4, work: Exponential("20ms"), queue_limit: 400)),
        "sc": (kind: autoscaler(target: Utilization(0.6), min: 2, max: 50, interval: "5s", start_up: "15s")) },
        links: [(from: "u", to: "a"), (from: "sc", to: "a")])"#,
    );
    let mut most = 0.0;
    for second in 1..=64 {
        most = f64::max(most, at(&mut run, f64::from(second)).nodes["sc"].levels["wanted"]);
    }
    assert!((5.0..=8.0).contains(&most), "{most}");
}

#[test]
fn other_settings_leave_scaled_shards_alone() {
    let mut run = run(r#"(run: (length: "32s", warm_up: "0s"), nodes: { "u": (kind: client(rate: "600/s")),
        "a": (kind: sharded_store(shards: 2, slots: 2, read: "5ms")),
        "sc": (kind: autoscaler(target: Utilization(0.3), interval: "1s")) },
        links: [(from: "u", to: "a"), (from: "sc", to: "a")], timeline: [(at: "10s", do: Set("a.read", "\"4ms\""))])"#);
    let before = at(&mut run, 9.9).nodes["a"].levels["shards"];
    assert!(before > 2.0);
    assert_eq!(at(&mut run, 10.1).nodes["a"].levels["shards"], before);
}

#[test]
fn a_ring_has_a_bounded_number_of_points() {
    let node = "sharded_store(shards: 60000, strategy: ConsistentHash(virtual_nodes: 10000))";
    assert_eq!(findings(node), ["bad-value"]);
}

/// Calls that began on cores of their own are cancelled when there are more slots than cores.
#[test]
fn a_core_is_given_back_although_cores_became_shared() {
    let mut run =
        run(r#"(run: (length: "32s", warm_up: "0s"), nodes: { "u": (kind: client(rate: "10/s", arrivals: Constant)),
        "a": (kind: service(slots: 4, cores: 4, work: "2s")) },
        links: [(from: "u", to: "a", timeout: "1s", cancel: true)],
        timeline: [(at: "5s", do: Set("a.slots", "8")), (at: "6s", do: Set("u.rate", "0/s"))])"#);
    at(&mut run, 32.0);
    let node = run.sim().plan().nodes.iter().position(|node| node.name == "a").expect("a node");
    let meters = run.sim().meters(tailboard::base::NodeId(node as u32));
    assert_eq!(meters.level(tailboard::engine::Meter::Cores), 0);
}

/// Both want twice what there is, and always wait.
#[test]
fn flows_share_by_the_weights_of_their_classes() {
    let shares = |weights: &str| {
        let text = format!(
            r#"(run: (length: "32s", warm_up: "0s"), nodes: {{
            "g": (kind: client(rate: "200/s", classes: {{"gold": ()}})), "f": (kind: client(rate: "800/s", classes: {{"free": ()}})),
            "a": (kind: service(slots: 1, cores: 1, work: "10ms", queue_limit: None, discipline: WeightedFair{weights})) }},
            links: [(from: "g", to: "a"), (from: "f", to: "a")])"#
        );
        let report = at(&mut run(&text), 32.0);
        report.classes["gold"].good as f64 / report.classes["free"].good as f64
    };
    assert!((shares("") - 1.0).abs() < 0.01);
    assert!((shares(r#", fair_weights: {"gold": 3}"#) - 3.0).abs() < 0.03);
    assert!((shares(r#", fair_weights: {"gold": 0.5, "free": 2}"#) - 0.25).abs() < 0.01);
}

#[test]
fn parameters_speak_of_classes_that_there_are() {
    assert_eq!(findings(r#"service(work_by_class: {"reqest": "1ms"})"#), ["no-such-class"]);
    let fair = |class: &str| format!("service(discipline: WeightedFair, fair_weights: {{\"{class}\": 2}})");
    // Which leaves all weights alike.
    assert_eq!(findings(&fair("reqest")), ["no-such-class", "idle-setting"]);
    assert_eq!(findings(&fair("request")), ["idle-setting"]);
    let set = r#"(nodes: { "u": (kind: client()), "a": (kind: service()) }, links: [(from: "u", to: "a")],
        timeline: [(at: "1s", do: Set("a.work_by_class", "{\"reqest\": \"1ms\"}"))])"#;
    assert_eq!(codes(set), ["no-such-class"]);
    assert_eq!(findings(r#"service(fair_weights: {"request": 2})"#), ["odd-value"]);
    assert_eq!(
        findings(r#"service(discipline: WeightedFair, fair_weights: {"request": 0})"#),
        ["bad-value", "idle-setting"]
    );
}
