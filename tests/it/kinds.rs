//! What kinds do in a design: faults, live changes and odd corners, each with the least design that shows it.

use tailboard::metrics::Report;
use tailboard::parts::picker::Balance;
use tailboard::run::{Run, figure};
use tailboard::scenario;

/// A design run to its end.
struct Ran {
    run: Run,
    report: Report,
}

impl Ran {
    /// Nodes, links and timeline of a run without warm-up.
    fn new(length: &str, nodes: &str, links: &str, timeline: &str) -> Ran {
        let text = format!(
            r#"(run: (length: "{length}", warm_up: "0s"), nodes: {{{nodes}}}, links: [{links}], timeline: [{timeline}])"#
        );
        let read = scenario::read_str(&text);
        let drawn = read.drawn("kinds", &text, false);
        let design = read.design.unwrap_or_else(|| panic!("{drawn}"));
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(run.length());
        let report = run.report();
        assert_eq!(run.sim().imbalance(), None);
        Ran { run, report }
    }

    fn figure(&self, path: &str) -> f64 {
        figure(path, self.run.recorder()).unwrap_or_else(|| panic!("no {path}"))
    }

    fn signal(&self, node: &str, name: &str) -> u64 {
        self.report.nodes[node].signals.get(name).copied().unwrap_or(0)
    }
}

// ---- cache

#[test]
fn a_reader_who_gave_up_does_not_disturb_an_early_refresh() {
    let ran = Ran::new(
        "5s",
        r#""c": (kind: client(rate: "500/s", keys: Uniform(keys: 20))),
        "k": (kind: cache(ttl: "500ms", early_refresh: 1, lookup: "2ms")), "s": (kind: service(work: "5ms"))"#,
        r#"(from: "c", to: "k", timeout: "1ms"), (from: "k", to: "s")"#,
        "",
    );
    assert!(ran.signal("k", "early_refreshes") > 10);
}

/// 5,000 writes a second of different keys, of which 1,000 fit: all reach the store, and no more wait than fit.
#[test]
fn writes_behind_do_not_pile_up() {
    let ran = Ran::new(
        "5s",
        r#""c": (kind: client(rate: "5k/s", keys: Uniform(keys: 1000000), classes: {"w": (write: true)})),
        "k": (kind: cache(writes: Behind, write_delay: "500ms", capacity: Entries(1000))),
        "s": (kind: service(work: "10us"))"#,
        r#"(from: "c", to: "k"), (from: "k", to: "s")"#,
        r#"(at: "4s", do: Kill("k"))"#,
    );
    assert!(ran.report.nodes["k"].queue_max <= 1_000);
    assert!((ran.figure("s.arrivals @ 1s..4s") / 5_000.0 - 1.0).abs() < 0.05);
    let lost = ran.signal("k", "lost_writes");
    assert!((900..=1_000).contains(&lost), "{lost}");
}

/// Whatever the way of writing, a deleted key must not come back from the store.
#[test]
fn a_delete_goes_to_the_store_at_once() {
    for writes in ["Through", "Behind", "Around"] {
        let nodes = format!(
            r#""c": (kind: client(rate: "100/s", keys: Uniform(keys: 20))), "api": (kind: service(work: "1ms")),
            "k": (kind: cache(writes: {writes}, write_delay: "1h")), "s": (kind: service(work: "1ms"))"#
        );
        let links = r#"(from: "c", to: "api"), (from: "api", to: "k", operation: Delete), (from: "k", to: "s")"#;
        let ran = Ran::new("5s", &nodes, links, "");
        let (deleted, passed_on) = (ran.report.nodes["k"].arrived, ran.report.nodes["s"].arrived);
        assert!(deleted > 400 && deleted == passed_on, "{writes}: {passed_on} of {deleted}");
        assert_eq!(ran.report.nodes["k"].levels["entries"], 0.0, "{writes}");
    }
}

#[test]
fn a_miss_of_the_cache_behind_is_not_kept() {
    let ran = Ran::new(
        "5s",
        r#""c": (kind: client(rate: "100/s", keys: Uniform(keys: 20))), "api": (kind: service(work: "1ms")),
        "near": (kind: cache()), "far": (kind: cache()), "db": (kind: service(work: "1ms"))"#,
        r#"(from: "c", to: "api"), (from: "api", to: "near"), (from: "near", to: "far"),
        (from: "api", to: "db", step: 2, when: (after_miss: "near"))"#,
        "",
    );
    assert!(ran.figure("db.arrivals") > 95.0, "nobody fills either of them");
}

/// Ten of twenty keys do not exist.
#[test]
fn what_a_store_does_not_have_is_remembered() {
    let ran = |length: &str, client: &str, cache: &str| {
        let nodes = format!(
            r#""c": (kind: client(rate: "400/s", keys: Uniform(keys: 20){client})), "k": (kind: cache({cache})),
            "db": (kind: database(missing: "50%", connections: 100, read: "1ms", write: "1ms"))"#
        );
        Ran::new(length, &nodes, r#"(from: "c", to: "k"), (from: "k", to: "db")"#, "")
    };
    let missing = ran("20s", "", "");
    let share = missing.figure("db.arrivals @ 2s..20s") / 400.0;
    assert!((0.1..0.9).contains(&share), "every read of a key that does not exist: {share}");
    assert!(missing.signal("k", "not_found") == 0 && missing.signal("db", "not_found") > 0);
    // Once in a TTL and the time to the next read for each such key.
    let remembered = ran("20s", "", r#"negative_ttl: "1s""#);
    let asked = remembered.figure("db.arrivals @ 2s..20s") / (share * 20.0).round();
    assert!((0.9..1.05).contains(&asked), "{asked}");
    assert!(remembered.signal("k", "not_found") > remembered.signal("db", "not_found") * 10);
    // Written over the cache, however that is, it is there.
    for writes in ["Through", "Around", "Behind"] {
        let after = |length| {
            let cache = format!(r#"negative_ttl: "1h", writes: {writes}"#);
            ran(length, r#", classes: {"r": (), "w": (write: true)}"#, &cache).signal("k", "not_found")
        };
        assert!(after("2s") > 0 && after("2s") == after("4s"), "{writes}");
    }
}

// ---- queue

/// A queue that is paused while producers wait: they are let in one after the other when it goes on.
#[test]
fn blocked_producers_are_let_in_without_recursion() {
    let ran = Ran::new(
        "3s",
        r#""c": (kind: client(rate: "20k/s")),
        "q": (kind: queue(capacity: 10, overflow: Block, delivery: AtMostOnce, prefetch: 200000)),
        "w": (kind: worker(work: "1us"))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "500ms", lasting: "2s", do: Pause("q"))"#,
    );
    assert!(ran.report.total.good >= ran.report.total.offered - 5);
}

#[test]
fn a_flush_lets_blocked_producers_in() {
    let ran = Ran::new(
        "2s",
        r#""c": (kind: client(rate: "100/s", shape: Step(at: "1s", to: 0))), "w": (kind: worker(work: "1us")),
        "q": (kind: queue(capacity: 10, overflow: Block))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "100ms", do: Pause("w")), (at: "1500ms", do: Flush("q"))"#,
    );
    assert_eq!(ran.signal("q", "lost_writes"), 10);
    assert_eq!(ran.report.nodes["q"].levels["messages"], 10.0);
}

/// A full queue takes nothing that would make it look, and after the last producer nothing comes either.
#[test]
fn consumers_that_come_back_are_found() {
    for (queue, rate) in [
        ("capacity: 10", "rate: \"50/s\""),
        ("capacity: 10, overflow: Block", "rate: \"50/s\""),
        ("", "rate: \"50/s\", shape: Step(at: \"1500ms\", to: 0)"),
    ] {
        for timeline in [r#"(at: "1s", lasting: "1s", do: Pause("w"))"#, r#"(at: "1s", lasting: "1s", do: Kill("w"))"#]
        {
            let nodes = format!(
                r#""c": (kind: client({rate})), "q": (kind: queue({queue})), "w": (kind: worker(work: "1ms"))"#
            );
            let ran = Ran::new("5s", &nodes, r#"(from: "c", to: "q"), (from: "q", to: "w")"#, timeline);
            let (messages, blocked) = (ran.report.nodes["q"].levels["messages"], ran.report.nodes["q"].in_flight);
            assert!(messages <= 1.0 && blocked == 0, "{queue}: {messages} messages, {blocked} producers");
        }
    }
}

/// One consumer has its hands full for four seconds, and nothing happens at the queue until another is there.
#[test]
fn a_new_consumer_gets_what_waits_at_once() {
    let ran = Ran::new(
        "8s",
        r#""c": (kind: client(rate: "100/s", arrivals: Constant, shape: Step(at: "1s", to: 0))), "q": (kind: queue()),
        "w": (kind: worker(concurrency: 1, work: "4s"))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "2500ms", do: Set("w.replicas", "2"))"#,
    );
    assert_eq!(ran.figure("w.arrivals @ 1s..2s"), 0.0);
    assert!((ran.figure("w.arrivals @ 2s..3s") - 1.0).abs() < 1e-9);
    // Until then nobody looks again and again.
    let calls = ran.run.requests() + 4 * ran.report.nodes["w"].arrived;
    assert!(ran.run.events() <= calls + 10, "{} events", ran.run.events());
}

/// Nobody comes any more who would notice the room that there is.
#[test]
fn a_raised_capacity_lets_blocked_producers_in() {
    let ran = Ran::new(
        "2s",
        r#""c": (kind: client(rate: "100/s", shape: Step(at: "1s", to: 0))), "w": (kind: worker(work: "1us")),
        "q": (kind: queue(capacity: 10, overflow: Block))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "0s", do: Pause("q")), (at: "1500ms", do: Set("q.capacity", "1000"))"#,
    );
    let offered = ran.report.total.offered;
    assert!(offered > 80 && ran.report.total.good == offered, "{} of {offered}", ran.report.total.good);
    assert_eq!(ran.report.nodes["q"].levels["messages"], offered as f64);
}

/// A message is as late as its producer sees it: the way to the queue counts, and so does waiting for room.
#[test]
fn the_lag_counts_from_the_producers_call() {
    let lag = |queue: &str, link: &str| {
        let nodes = format!(
            r#""c": (kind: client(rate: "50/s", arrivals: Constant)), "q": (kind: queue({queue})),
            "w": (kind: worker(concurrency: 1, work: "10ms"))"#
        );
        let links = format!(r#"(from: "c", to: "q"{link}), (from: "q", to: "w")"#);
        Ran::new("5s", &nodes, &links, r#"(at: "2s", lasting: "1s", do: Pause("w"))"#)
    };
    let far = lag("", r#", latency: "100ms""#).figure("q.lag_mean") - lag("", "").figure("q.lag_mean");
    assert!((far - 0.1).abs() < 0.005, "{far}");
    let waited = lag("capacity: 1, overflow: Block", "").figure("q.lag_p99");
    let queued = lag("", "").figure("q.lag_p99");
    assert!((waited / queued - 1.0).abs() < 0.05 && queued > 0.9, "{waited} before the queue, {queued} in it");
}

/// A frozen consumer gets no more than its window holds, however often its message times out.
#[test]
fn a_late_consumer_keeps_its_place_in_the_window() {
    let ran = Ran::new(
        "20s",
        r#""c": (kind: client(rate: "50/s", arrivals: Constant)), "q": (kind: queue(prefetch: 1, visibility_timeout: "100ms")),
        "w": (kind: worker(replicas: 1, concurrency: 1, cores: 1, work: "1ms"))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "5s", lasting: "10s", do: Freeze("w"))"#,
    );
    assert!(ran.report.nodes["w"].queue_max <= 1, "{}", ran.report.nodes["w"].queue_max);
    let after = ran.figure("w.throughput @ 15s..20s");
    assert!(after > 140.0, "{after}: then what has waited for ten seconds, too");
}

/// Nobody consumes; what is older than a second goes, so that there is room for what comes.
#[test]
fn retention_makes_room() {
    let ran = Ran::new(
        "10s",
        r#""c": (kind: client(rate: "100/s", arrivals: Constant)), "w": (kind: worker(work: "1ms")),
        "q": (kind: queue(capacity: 150, retention: "1s"))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "0s", do: Pause("w"))"#,
    );
    assert_eq!(ran.figure("q.failed_share"), 0.0);
    assert!(ran.report.nodes["q"].queue_max <= 101);
}

/// The others alone overload the queue, and are dropped; an urgent message is delivered long before it could be the
/// oldest of 20, which takes a seventh of a second. (At twice their rate, one in fifty waits so long for its like, and goes.)
#[test]
fn the_oldest_is_dropped_and_not_the_most_urgent() {
    let ran = Ran::new(
        "20s",
        r#""a": (kind: client(rate: "20/s", classes: {"urgent": (priority: 0)})),
        "b": (kind: client(rate: "100/s", classes: {"other": (priority: 1)})),
        "q": (kind: queue(order: Priority, overflow: DropOldest, capacity: 20)),
        "w": (kind: worker(concurrency: 1, cores: 1, work: "20ms")), "u": (kind: service(work: "0s"))"#,
        r#"(from: "a", to: "q"), (from: "b", to: "q"), (from: "q", to: "w"),
        (from: "w", to: "u", when: (classes: ["urgent"]))"#,
        "",
    );
    assert!(ran.signal("q", "evicted") > 500);
    let (handled, offered) = (ran.report.nodes["u"].succeeded, ran.report.classes["urgent"].offered);
    assert!(offered > 350 && offered - handled <= 2, "{handled} of {offered}: all but those under way at the end");
}

#[test]
fn a_queue_that_is_not_durable_loses_what_it_holds_back_too() {
    let ran = Ran::new(
        "3s",
        r#""c": (kind: client(rate: "100/s", arrivals: Constant, shape: Step(at: "1s", to: 0))),
        "q": (kind: queue(durable: false, delay: "1h")), "w": (kind: worker(work: "1us"))"#,
        r#"(from: "c", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "2s", lasting: "500ms", do: Kill("q"))"#,
    );
    assert_eq!(ran.signal("q", "lost_writes"), ran.report.nodes["q"].succeeded);
    assert_eq!(ran.report.nodes["q"].levels["messages"], 0.0);
}

// ---- load balancer

#[test]
fn a_crash_is_found_by_failing_and_a_start_is_known() {
    let failed = |balancer: &str, timeline: &str| {
        let nodes = format!(
            r#""c": (kind: client(rate: "400/s")), "lb": (kind: load_balancer({balancer})),
            "s": (kind: service(replicas: 4, work: "1ms", start_up: "3s"))"#
        );
        Ran::new("10s", &nodes, r#"(from: "c", to: "lb"), (from: "lb", to: "s")"#, timeline)
    };
    let kill = r#"(at: "2s", lasting: "2s", do: Kill("s#1"))"#;
    let blind = failed("", kill);
    assert!((blind.figure("lb.failed_share @ 2s..4s") - 0.25).abs() < 0.01, "one of four refuses");
    assert_eq!(blind.figure("lb.failed_share @ 4s..7s"), 0.0, "it is starting, and that is known");
    let seeing = failed(r#"health_check: (interval: "100ms")"#, kill);
    assert!(seeing.figure("lb.failed_share @ 2s..4s") < 0.04);
    let scaled = failed("", r#"(at: "2s", do: Set("s.replicas", "2")), (at: "4s", do: Set("s.replicas", "6"))"#);
    assert_eq!(scaled.figure("lb.failed_share"), 0.0);
}

/// One target of four has crashed, and the platform means it to run: what else ends or begins there tells nobody.
#[test]
fn neither_a_repair_nor_a_restart_gives_a_crash_away() {
    for (breakdowns, timeline) in [
        // Killed, and then repaired of something else; restarted, and still broken down.
        (r#"(up: "2500ms", down: "100ms", lose: true)"#, r#"(at: "2s", lasting: "6s", do: Kill("s"))"#),
        (r#"(up: "2s", down: "6s", lose: true)"#, r#"(at: "3s", do: Restart("s"))"#),
    ] {
        let nodes = format!(
            r#""c": (kind: client(rate: "400/s")), "lb": (kind: load_balancer()),
            "s": (kind: service(work: "1ms", breakdowns: {breakdowns})), "t": (kind: service(replicas: 3, work: "1ms"))"#
        );
        let links = r#"(from: "c", to: "lb"), (from: "lb", to: "s"), (from: "lb", to: "t")"#;
        let share = Ran::new("8s", &nodes, links, timeline).figure("lb.failed_share @ 4s..7s");
        assert!((share - 0.25).abs() < 0.01, "{timeline}: {share}");
    }
}

#[test]
fn a_change_of_settings_does_not_keep_the_ejected_out() {
    let ran = Ran::new(
        "20s",
        r#""c": (kind: client(rate: "100/s")), "a": (kind: service(work: "1ms")), "b": (kind: service(work: "1ms")),
        "lb": (kind: load_balancer(ejection: (failures: 3, lasting: "5s")))"#,
        r#"(from: "c", to: "lb"), (from: "lb", to: "a"), (from: "lb", to: "b")"#,
        r#"(at: "2s", lasting: "1s", do: Fail("b", 1.0)), (at: "4s", do: Set("lb.slow_start", "1s"))"#,
    );
    assert!(ran.figure("b.throughput @ 12s..20s") > 40.0);
}

#[test]
fn slow_start_is_for_newcomers_only_and_grows() {
    for balance in ["RoundRobin", "LeastConnections", "Weighted", "ConsistentHash(virtual_nodes: 500, bound: 9)"] {
        let nodes = format!(
            r#""c": (kind: client(rate: "800/s", keys: Uniform(keys: 10000))),
            "lb": (kind: load_balancer(slow_start: "10s", balance: {balance})),
            "a": (kind: service(work: "1ms")), "b": (kind: service(work: "1ms")), "d": (kind: service(work: "1ms")),
            "e": (kind: service(work: "1ms", start_up: "1s"))"#
        );
        let ran = Ran::new(
            "25s",
            &nodes,
            r#"(from: "c", to: "lb"), (from: "lb", to: "a"), (from: "lb", to: "b"), (from: "lb", to: "d"), (from: "lb", to: "e")"#,
            r#"(at: "5s", lasting: "1s", do: Kill("e"))"#,
        );
        let rate = |times: &str| ran.figure(&format!("e.throughput @ {times}"));
        let full = rate("0s..5s");
        assert!((150.0..=250.0).contains(&full), "{balance}: {full} at first sight");
        let (early, late) = (rate("7s..9s") / full, rate("14s..16s") / full);
        assert!((0.05..=0.35).contains(&early) && (0.6..=1.0).contains(&late), "{balance}: {early}, {late}");
        assert!((rate("18s..25s") / full - 1.0).abs() < 0.1, "{balance}: {} at last", rate("18s..25s"));
        let gain = |node: &str| {
            ran.figure(&format!("{node}.throughput @ 7s..9s")) / ran.figure(&format!("{node}.throughput @ 0s..5s"))
        };
        let (a, b) = (gain("a"), gain("b"));
        assert!((a / b - 1.0).abs() < 0.25, "{balance}: what it is spared goes to all others, {a} and {b}");
    }
}

/// The database chooses its replica itself; the balancer's counts come back to nothing all the same.
#[test]
fn a_balancer_counts_by_its_own_choice() {
    let ran = Ran::new(
        "10s",
        r#""c": (kind: client(rate: "100/s", classes: {"w": (write: true)})), "d": (kind: service(work: "5ms")),
        "lb": (kind: load_balancer(balance: LeastConnections)), "db": (kind: database(replicas: 3, write: "5ms"))"#,
        r#"(from: "c", to: "lb"), (from: "lb", to: "db"), (from: "lb", to: "d")"#,
        "",
    );
    let share = ran.figure("db.throughput") / ran.figure("lb.throughput");
    assert!((share - 0.75).abs() < 0.05, "three targets of four: {share}");
}

// ---- rate limiter, client

#[test]
fn a_raised_limit_acts_at_once() {
    let ran = Ran::new(
        "20s",
        r#""c": (kind: client(rate: "200/s")), "rl": (kind: rate_limiter(rate: "10/s", burst: 300)),
        "s": (kind: service(work: "1ms"))"#,
        r#"(from: "c", to: "rl"), (from: "rl", to: "s")"#,
        r#"(at: "10s", do: Set("rl.rate", "1k/s"))"#,
    );
    assert!(ran.figure("s.throughput @ 11s..20s") > 190.0);
}

/// Most wait longer than their caller does.
#[test]
fn a_call_that_is_cancelled_while_it_waits_is_not_passed_on() {
    let ran = Ran::new(
        "10s",
        r#""c": (kind: client(rate: "100/s")), "rl": (kind: rate_limiter(algorithm: LeakyBucket, rate: "20/s", burst: 5)),
        "s": (kind: service(work: "0s"))"#,
        r#"(from: "c", to: "rl", timeout: "80ms", cancel: true), (from: "rl", to: "s")"#,
        "",
    );
    let (waited_for, served) = (ran.report.links["c->rl"].succeeded, ran.report.nodes["s"].arrived);
    assert!(ran.report.links["c->rl"].failed["timeout"] > 50);
    assert_eq!(served, waited_for);
    assert!(ran.report.nodes["rl"].queue_max <= 5, "{}", ran.report.nodes["rl"].queue_max);
}

#[test]
fn users_come_back_to_a_closed_loop() {
    let ran = Ran::new(
        "30s",
        r#""c": (kind: client(rate: "100/s", arrivals: Closed(users: 50, think: "500ms"))),
        "s": (kind: service(work: "1ms"))"#,
        r#"(from: "c", to: "s")"#,
        r#"(at: "10s", lasting: "10s", do: Set("c.arrivals", "Poisson"))"#,
    );
    let rate = |times: &str| ran.figure(&format!("s.throughput @ {times}"));
    assert!((rate("1s..10s") - 99.8).abs() < 2.0 && (rate("21s..30s") - 99.8).abs() < 2.0, "{}", rate("21s..30s"));
    assert!((rate("11s..20s") - 100.0).abs() < 10.0, "{}", rate("11s..20s"));
}

#[test]
fn evenly_spaced_arrivals_follow_the_sum_of_their_rate() {
    let shapes = [
        ("Diurnal(period: \"10s\", amplitude: 1)", 10_000),
        ("Ramp(start: \"20s\", over: \"40s\", to: 3)", 22_000),
        ("Spike(at: \"50s\", lasting: \"20s\", to: 0)", 8_000),
        ("Step(at: \"60s\", to: 0)", 6_000),
    ];
    for (shape, expected) in shapes {
        let ran = Ran::new(
            "100s",
            &format!(
                r#""c": (kind: client(rate: "100/s", arrivals: Constant, shape: {shape})), "s": (kind: service())"#
            ),
            r#"(from: "c", to: "s")"#,
            "",
        );
        assert!(ran.report.total.offered.abs_diff(expected) <= 2, "{shape}: {}", ran.report.total.offered);
    }
}

/// A rate that is turned more often than requests come: 5 until then, 15 on the way, 40 at twice the rate, 15 afterwards.
#[test]
fn evenly_spaced_arrivals_keep_what_has_passed_of_a_gap() {
    let ran = Ran::new(
        "100s",
        r#""c": (kind: client(rate: "0.5/s", arrivals: Constant)), "s": (kind: service())"#,
        r#"(from: "c", to: "s")"#,
        r#"(at: "10s", lasting: "60s", ramp: "20s", do: Spike("c", 2.0))"#,
    );
    assert!(ran.report.total.offered.abs_diff(75) <= 2, "{}", ran.report.total.offered);
}

// ---- database

const WRITER_AND_DB: &str = r#""c": (kind: client(rate: "100/s", classes: {"w": (write: true)})),"#;

#[test]
fn whoever_comes_back_is_elected_when_there_is_nobody_else() {
    let ran = Ran::new(
        "10s",
        &format!(r#"{WRITER_AND_DB} "db": (kind: database(replicas: 2, failover: "1s", connections: 100))"#),
        r#"(from: "c", to: "db")"#,
        r#"(at: "1s", do: Kill("db#1")), (at: "2s", do: Kill("db#0")), (at: "4s", do: Restart("db#1"))"#,
    );
    assert_eq!(ran.report.nodes["db"].levels["primary"], 1.0);
    assert_eq!(ran.figure("db.failed_share @ 6s..10s"), 0.0);
}

/// What was under way when the only replica died was never acknowledged, and so it is refused, not lost.
#[test]
fn only_acknowledged_writes_can_be_lost() {
    let ran = Ran::new(
        "5s",
        &format!(r#"{WRITER_AND_DB} "db": (kind: database(write: "500ms", connections: 1000))"#),
        r#"(from: "c", to: "db")"#,
        r#"(at: "2s", lasting: "1s", do: Kill("db"))"#,
    );
    assert!(ran.figure("db.failed_share") > 0.2);
    assert_eq!(ran.signal("db", "lost_writes"), 0);
}

/// A write holds the lock of the only row at a primary that is cut off and replaced, and then killed: the others go on.
#[test]
fn locks_of_a_killed_former_primary_are_released() {
    let ran = Ran::new(
        "10s",
        r#""c": (kind: client(rate: "10/s", keys: Uniform(keys: 1), classes: {"w": (write: true)})),
        "db": (kind: database(replicas: 3, failover: "1s", connections: 100, write: "8s", row_locks: true))"#,
        r#"(from: "c", to: "db")"#,
        r#"(at: "1s", do: Set("db.write", "5ms")), (at: "2s", do: Partition(["db#0"], ["db#1", "db#2"])),
        (at: "4s", do: Kill("db#0"))"#,
    );
    assert!((1.0..=2.0).contains(&ran.report.nodes["db"].levels["primary"]));
    assert_eq!(ran.figure("db.throughput @ 3s..4s"), 0.0, "all wait for the lock");
    assert!(ran.figure("db.throughput @ 4s..10s") > 9.0, "{}", ran.figure("db.throughput @ 4s..10s"));
}

/// A frozen database piles up a queue; when it goes on, thousands of calls that take no time follow each other.
#[test]
fn operations_without_a_duration_do_not_recurse() {
    let ran = Ran::new(
        "3s",
        r#""c": (kind: client(rate: "20k/s", keys: Uniform(keys: 1), classes: {"w": (write: true)})),
        "db": (kind: database(connections: 1, queue_limit: None, read: "0s", write: "0s", row_locks: true))"#,
        r#"(from: "c", to: "db")"#,
        r#"(at: "500ms", lasting: "2s", do: Freeze("db"))"#,
    );
    assert!(ran.report.total.good >= ran.report.total.offered - 5);
}

/// `db#0` is cut off from the two others; a writer and a reader, and how old what it reads is.
fn parted(replicas: u16, a: &str, b: &str) -> Ran {
    let nodes = format!(
        r#""wr": (kind: client(rate: "200/s", shape: Step(at: "10s", to: 0), keys: Uniform(keys: 200), classes: {{"w": (write: true)}})),
        "rd": (kind: client(rate: "100/s", keys: Uniform(keys: 200), classes: {{"r": ()}})),
        "db": (kind: database(replicas: {replicas}, reads_from: Replicas, connections: 50, lag: "10ms", failover: "1s",
            on_partition: ServeStale))"#
    );
    let timeline = format!(r#"(at: "5s", lasting: "6s", do: Partition([{a}], [{b}]))"#);
    Ran::new("20s", &nodes, r#"(from: "wr", to: "db"), (from: "rd", to: "db")"#, &timeline)
}

#[test]
fn the_larger_side_of_a_partition_elects_and_the_other_catches_up() {
    let minority = parted(3, r#""db#0""#, r#""db#1", "db#2""#);
    assert!((1.0..=2.0).contains(&minority.report.nodes["db"].levels["primary"]));
    assert!(minority.figure("db.stale_share @ 7s..10s") > 0.1, "who is cut off has missed something");
    assert!(minority.figure("db.stale_share @ 12s..20s") < 0.001, "and gets it");
    let majority = parted(3, r#""db#2""#, r#""db#0", "db#1""#);
    assert_eq!(majority.report.nodes["db"].levels["primary"], 0.0);
    let tie = parted(2, r#""db#0""#, r#""db#1""#);
    assert_eq!(tie.report.nodes["db"].levels["primary"], 0.0, "neither side is the larger");
    assert!(tie.figure("db.stale_share @ 12s..20s") < 0.001);
}

// ---- links

/// Operations take turns in the same slot of memory: the retry of one whose caller left must not strike the next.
#[test]
fn an_operation_is_not_retried_for_the_one_before() {
    let ran = Ran::new(
        "10s",
        r#""c": (kind: client(rate: "15/s", arrivals: Constant)), "api": (kind: service(work: "0s")),
        "s": (kind: service(work: "0s"))"#,
        r#"(from: "c", to: "api", timeout: "60ms", cancel: true),
        (from: "api", to: "s", cancel: true, retry: (attempts: 2, backoff: (base: "100ms", jitter: None)))"#,
        r#"(at: "0s", do: Fail("s", 1.0))"#,
    );
    assert!(ran.report.links["c->api"].failed["timeout"] >= ran.report.total.offered - 1);
    assert_eq!(ran.report.nodes["s"].arrived, ran.report.nodes["api"].arrived);
}

/// Otherwise half of a design that is dead would seem half as busy as it is, to a reader and to an autoscaler.
#[test]
fn who_is_dead_is_no_capacity() {
    for (kind, replicas, killed) in [
        ("service(replicas: 4, slots: 8, work: \"40ms\")", 4.0, "\"a#2\""),
        ("database(replicas: 4, connections: 8, read: \"40ms\", reads_from: Any)", 4.0, "\"a#2\""),
        ("sharded_store(shards: 4, slots: 8, read: \"40ms\")", 4.0, "\"a\""),
    ] {
        let nodes =
            format!("\"u\": (kind: client(rate: \"200/s\", keys: Uniform(keys: 10_000))), \"a\": (kind: {kind})");
        let links = "(from: \"u\", to: \"a\")";
        let timeline = format!("(at: \"10s\", do: Kill({killed})), (at: \"20s\", do: Restart({killed}))");
        let ran = Ran::new("32s", &nodes, links, &timeline);
        let busy = |from: u32, until: u32| ran.figure(&format!("a.utilization @ {from}s..{until}s"));
        let all = 200.0 * 0.04 / (replicas * 8.0);
        assert!((busy(1, 10) - all).abs() < 0.02 && (busy(22, 32) - all).abs() < 0.02, "{kind}");
        if killed != "\"a\"" {
            assert!((busy(11, 20) - all * replicas / (replicas - 1.0)).abs() < 0.02, "{kind}: {}", busy(11, 20));
        }
    }
}

#[test]
fn the_best_of_two_need_not_be_told_so() {
    let balance = |text: &str| tailboard::base::ron::read::<Balance>(text).into_result().ok();
    let two = Some(Balance::PowerOfChoices { choices: 2, replacement: false });
    assert_eq!([balance("PowerOfChoices()"), balance("PowerOfChoices(choices: 2)")], [two, two]);
}
