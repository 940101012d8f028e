//! Cases and faults: full lines, queues that deliver again, fencing, and what comes again without end.

mod ends;

mod duplicates;

use super::{design, said};
use tailboard::design::Design;
use tailboard::metrics::Report;
use tailboard::run::{Run, figure};
use tailboard::scenario;

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/noisy_neighbour.ron",
    "cases/preempt_without_queue.ron",
    "cases/fenced_primary.ron",
    "cases/split_brain.ron",
    "cases/visibility_too_short.ron",
    "cases/default_prefetch.ron",
    "cases/dropped_iterations.ron",
    "faults/queue-redelivers-at-the-same-instant.ron",
    "faults/written-keys-memory.ron",
    "faults/constant-that-steps-to-zero-hangs.ron",
    "faults/constant-with-shape-at-a-tiny-rate-hangs.ron",
    "faults/every-nanosecond-breakdowns.ron",
    "faults/every-nanosecond-bursty.ron",
    "faults/every-nanosecond-health-check.ron",
    "faults/every-nanosecond-pauses.ron",
    "faults/every-nanosecond-stale.ron",
    "faults/every-nanosecond-switch-interval.ron",
];

/// A design run to its end.
struct Ran {
    run: Run,
    report: Report,
}

impl Ran {
    fn of(design: &Design) -> Ran {
        let mut run = Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}"));
        run.advance(run.length());
        assert_eq!(run.sim().imbalance(), None);
        let report = run.report();
        Ran { run, report }
    }

    fn fixture(name: &str) -> Ran {
        Ran::of(&design(name))
    }

    /// Nodes, links and timeline of a run without warm-up.
    fn new(length: &str, nodes: &str, links: &str, timeline: &str) -> Ran {
        let text = format!(
            r#"(run: (length: "{length}", warm_up: "0s"), nodes: {{{nodes}}}, links: [{links}], timeline: [{timeline}])"#
        );
        let read = scenario::read_str(&text);
        let drawn = read.drawn("queues", &text, false);
        Ran::of(&read.design.unwrap_or_else(|| panic!("{drawn}")))
    }

    #[track_caller]
    fn figure(&self, path: &str) -> f64 {
        figure(path, self.run.recorder()).unwrap_or_else(|| panic!("no {path}"))
    }

    #[track_caller]
    fn within(&self, path: &str, least: f64, most: f64) {
        let value = self.figure(path);
        assert!((least..=most).contains(&value), "{path}: {value}, not from {least} to {most}");
    }

    fn signal(&self, node: &str, name: &str) -> u64 {
        self.report.nodes[node].signals.get(name).copied().unwrap_or(0)
    }
}

// ---- a full line obeys its discipline

#[test]
fn fair_queueing_gives_the_small_tenant_all_it_asks_for() {
    let ran = Ran::fixture("cases/noisy_neighbour.ron");
    ran.within("small.failed_share", 0.0, 0.02);
    ran.within("big.goodput", 170.0, 190.0);
}

#[test]
fn a_preemptive_server_without_a_waiting_room_takes_the_urgent() {
    let ran = Ran::fixture("cases/preempt_without_queue.ron");
    ran.within("high.failed_share", 0.0, 0.01);
    // 20 s from one to the next; three seconds after a low one has begun the urgent one comes.
    ran.within("low.failed_share", 0.9, 1.0);
}

/// Twice as much comes as is served. Whoever is urgent, has the earlier deadline or is the smaller flow gets in wherever the
/// discipline looks at that, and everybody alike where it does not.
#[test]
fn overflow_goes_by_the_discipline() {
    let ran = |discipline: &str, node: &str| {
        let nodes = format!(
            r#""big": (kind: client(rate: "400/s", deadline: "10s", classes: {{ "big": (priority: 5) }})),
            "small": (kind: client(rate: "20/s", deadline: "5s", classes: {{ "small": (priority: 0) }})),
            "api": (kind: service(slots: 4, cores: 4, {node}, discipline: {discipline}))"#
        );
        let links = r#"(from: "big", to: "api", propagate_deadline: true), (from: "small", to: "api", propagate_deadline: true)"#;
        Ran::new("60s", &nodes, links, "")
    };
    for node in ["work: \"20ms\", queue_limit: 50", "work: \"5ms\", wait: \"15ms\", queue_limit: 6"] {
        let io = node.contains("wait");
        for discipline in ["Priority", "PreemptivePriority", "EarliestDeadline", "WeightedFair"] {
            if io && discipline == "PreemptivePriority" {
                continue;
            }
            let ran = ran(discipline, node);
            let (small, big) = (ran.figure("small.failed_share"), ran.figure("big.failed_share"));
            assert!(small < 0.02 && (0.5..0.6).contains(&big), "{discipline} with {node}: {small} and {big}");
        }
        for discipline in ["Fifo", "Lifo", "AdaptiveLifo", "Random", "ProcessorSharing"] {
            if io && discipline == "ProcessorSharing" {
                continue;
            }
            let ran = ran(discipline, node);
            let (small, big) = (ran.figure("small.failed_share"), ran.figure("big.failed_share"));
            assert!((small - big).abs() < 0.1 && big > 0.45, "{discipline} with {node}: {small} and {big}");
        }
    }
}

/// The last in is the first out, and the oldest goes when there is no room: nobody is served late.
#[test]
fn a_full_stack_drops_the_oldest() {
    let ran = |discipline: &str| {
        let nodes = format!(
            r#""u": (kind: client(rate: "400/s")), "api": (kind: service(slots: 4, cores: 4, work: "20ms", queue_limit: 40,
            discipline: {discipline}))"#
        );
        Ran::new("30s", &nodes, r#"(from: "u", to: "api")"#, "")
    };
    for discipline in ["Lifo", "AdaptiveLifo"] {
        // Forty arrivals push a call out: a tenth of a second.
        ran(discipline).within("api.p99", 0.0, 0.2);
    }
    ran("Fifo").within("api.p99", 0.2, 0.3);
}

/// Whoever holds a place is put out for somebody more urgent, whatever it is doing: working, waiting, calling others.
#[test]
fn a_place_is_taken_from_a_call_in_any_phase() {
    for (service, others) in [
        (r#"work: "100ms""#, ""),
        (r#"work: "1ms", wait: "100ms""#, ""),
        (r#"work: "1ms""#, r#", (from: "api", to: "slow")"#),
        (r#"work: "1ms""#, r#", (from: "api", to: "slow", cancel: true)"#),
    ] {
        let slow =
            if others.is_empty() { "" } else { r#", "slow": (kind: service(slots: 100, work: "0s", wait: "100ms"))"# };
        let nodes = format!(
            r#""low": (kind: client(rate: "100/s", classes: {{ "low": (priority: 9) }})),
            "high": (kind: client(rate: "1/s", arrivals: Constant, classes: {{ "high": () }})),
            "api": (kind: service(cores: 2, {service}, discipline: PreemptivePriority, queue_limit: 1)) {slow}"#
        );
        let links = format!(r#"(from: "low", to: "api"), (from: "high", to: "api") {others}"#);
        // Frozen for a while: those that wait then give way as well.
        let ran = Ran::new("60s", &nodes, &links, r#"(at: "20s", lasting: "500ms", do: Freeze("api"))"#);
        assert_eq!(ran.figure("high.failed_share"), 0.0, "{service} {others}");
        ran.within("low.failed_share", 0.5, 0.95);
        assert!(ran.report.nodes["api"].in_flight <= 3);
    }
}

/// Those that left a fair line make their flow no longer: the queue of the impatient is short.
#[test]
fn who_left_the_line_does_not_count_for_its_flow() {
    let ran = Ran::new(
        "60s",
        r#""a": (kind: client(rate: "300/s", classes: { "a": () })), "b": (kind: client(rate: "300/s", classes: { "b": () })),
        "api": (kind: service(slots: 2, cores: 2, work: "10ms", queue_limit: 40, discipline: WeightedFair))"#,
        r#"(from: "a", to: "api", timeout: "20ms", cancel: true), (from: "b", to: "api")"#,
        "",
    );
    // Of those of `a` none is dropped, as they leave before their line is the longer. What is served of them has waited almost
    // as long as it was willing to, so that `b` gets at least its half of 200/s.
    ran.within("b.goodput", 90.0, 201.0);
    assert!(ran.report.links["a->api"].failed.get("queue_full").copied().unwrap_or(0) < 100);
}

/// A queue of messages by priority: whoever has to go, or to wait outside, is not the urgent.
#[test]
fn messages_overflow_by_priority() {
    let ran = |overflow: &str| {
        let nodes = format!(
            r#""a": (kind: client(rate: "10/s", classes: {{"urgent": (priority: 0)}})),
            "b": (kind: client(rate: "200/s", classes: {{"other": (priority: 1)}})),
            "q": (kind: queue(order: Priority, overflow: {overflow}, capacity: 20, delay: "50ms")),
            "w": (kind: worker(concurrency: 1, cores: 1, work: "10ms")), "u": (kind: service(work: "0s"))"#
        );
        let links = r#"(from: "a", to: "q"), (from: "b", to: "q"), (from: "q", to: "w"),
            (from: "w", to: "u", when: (classes: ["urgent"]))"#;
        Ran::new("30s", &nodes, links, "")
    };
    let dropped = ran("DropOldest");
    let (handled, offered) = (dropped.report.nodes["u"].succeeded, dropped.report.classes["urgent"].offered);
    assert!(
        dropped.signal("q", "evicted") > 1_000 && offered - handled <= 3,
        "{handled} of {offered}, also while they rest"
    );
    // An arrival that is the least urgent does not push the urgent out, and a producer of urgent ones is let in first.
    let blocked = ran("Block");
    blocked.within("urgent.p99", 0.0, 0.2);
    assert!(blocked.report.classes["other"].in_flight > 500);
}

// ---- what never reached the consumer is no delivery

#[test]
fn an_open_breaker_sends_nothing_to_the_dead_letters() {
    let ran = Ran::fixture("faults/queue-redelivers-at-the-same-instant.ron");
    assert_eq!(ran.signal("q", "dead_lettered"), 0);
    assert!(ran.run.events() < 10_000, "{} events", ran.run.events());
}

/// Turned away by whatever stands in front of the consumer, each message is handled once in the end, and none is given up.
#[test]
fn what_is_turned_away_is_handled_later() {
    let worker = r#"worker(concurrency: 4, work: "5ms")"#;
    let balancer = r#""b": (kind: load_balancer()), "l": (kind: rate_limiter(rate: "60/s", burst: 1)),"#;
    for (queue, worker, links, timeline) in [
        ("prefetch: 20", worker, r#"(from: "q", to: "w", bulkhead: 1)"#, ""),
        ("prefetch: 20", worker, r#"(from: "q", to: "w", pool: (size: 1, acquire_timeout: "1ms"))"#, ""),
        (
            "prefetch: 20",
            worker,
            r#"(from: "q", to: "w", bulkhead: 1, retry: (attempts: 3, backoff: (base: "0s")))"#,
            "",
        ),
        ("", worker, r#"(from: "q", to: "b"), (from: "b", to: "w")"#, r#"(at: "3s", lasting: "4s", do: Kill("w"))"#),
        ("", worker, r#"(from: "q", to: "l"), (from: "l", to: "w")"#, ""),
        ("", worker, r#"(from: "q", to: "w")"#, r#"(at: "3s", lasting: "4s", do: Kill("w"))"#),
        ("prefetch: 20", r#"service(slots: 1, work: "5ms", queue_limit: 0)"#, r#"(from: "q", to: "w")"#, ""),
    ] {
        let balancer = if links.contains("\"b\"") || links.contains("\"l\"") { balancer } else { "" };
        let more = match () {
            () if links.contains("\"b\"") => r#", (from: "l", to: "w")"#,
            () if links.contains("\"l\"") => r#", (from: "b", to: "w")"#,
            () => "",
        };
        let nodes = format!(
            r#""u": (kind: client(rate: "50/s", shape: Step(at: "10s", to: 0))), {balancer}
            "q": (kind: queue({queue}, max_deliveries: 1)), "w": (kind: {worker})"#
        );
        let nodes = nodes.replace("queue(, ", "queue(");
        let ran = Ran::new("90s", &nodes, &format!(r#"(from: "u", to: "q"), {links}{more}"#), timeline);
        let (kept, handled) = (ran.report.nodes["q"].succeeded, ran.report.nodes["w"].succeeded);
        let killed = ran.signal("q", "dead_lettered");
        // What a worker had when it was killed had been delivered.
        let allowed = if timeline.is_empty() { 0 } else { 20 };
        assert!(
            killed <= allowed && kept == handled + killed,
            "{links} {timeline}: {handled} of {kept}, {killed} given up"
        );
        assert!(ran.run.events() < 100 * kept, "{links}: {} events", ran.run.events());
    }
}

/// Over a cut link nothing is delivered, and when it is mended the consumer's window is as large as before.
#[test]
fn a_cut_link_takes_neither_deliveries_nor_the_window() {
    let ran = Ran::new(
        "60s",
        r#""u": (kind: client(rate: "50/s", shape: Step(at: "40s", to: 0))), "w": (kind: worker(work: "5ms")),
        "q": (kind: queue(visibility_timeout: "1s", max_deliveries: 3))"#,
        r#"(from: "u", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "10s", lasting: "20s", do: Partition(["q"], ["w"]))"#,
    );
    assert_eq!(ran.signal("q", "dead_lettered"), 0);
    assert_eq!(ran.report.nodes["q"].levels["messages"], 0.0);
    ran.within("w.throughput @ 11s..29s", 0.0, 0.1);
}

/// A consumer that fails in no time, for ever: time goes on.
#[test]
fn failing_at_once_takes_some_time() {
    let ran = Ran::new(
        "1s",
        r#""u": (kind: client(rate: "10/s", arrivals: Constant)), "w": (kind: worker(work: "0s", error_share: 1.0)),
        "q": (kind: queue(max_deliveries: 1_000_000))"#,
        r#"(from: "u", to: "q"), (from: "q", to: "w")"#,
        "",
    );
    // Ten messages, each once in 100 us from its arrival on.
    assert!((30_000..=60_000).contains(&ran.signal("q", "redelivered")), "{}", ran.signal("q", "redelivered"));
}

#[test]
fn a_message_that_takes_longer_than_its_visibility_timeout_is_done_three_times() {
    let ran = Ran::fixture("cases/visibility_too_short.ron");
    ran.within("w.throughput", 2.85, 3.15);
    let seconds = ran.report.length - ran.report.warm_up;
    for name in ["redelivered", "duplicates"] {
        let rate = ran.signal("q", name) as f64 / seconds;
        assert!((1.9..=2.1).contains(&rate), "{name}: {rate}/s");
    }
}

#[test]
fn a_worker_as_it_comes_gets_as_much_as_it_can_handle() {
    Ran::fixture("cases/default_prefetch.ron").within("w.throughput", 190.0, 210.0);
    assert!(!said("cases/default_prefetch.ron").contains("prefetch"));
    // Where it is set too low, it is said.
    let text = super::text("cases/default_prefetch.ron").replace("queue()", "queue(prefetch: 1)");
    assert!(scenario::read_str(&text).drawn("q", &text, false).contains("prefetch"));
    // More concurrency is used as soon as it is there.
    let ran = Ran::new(
        "20s",
        r#""u": (kind: client(rate: "200/s")), "q": (kind: queue()), "w": (kind: worker(concurrency: 1, work: "10ms"))"#,
        r#"(from: "u", to: "q"), (from: "q", to: "w")"#,
        r#"(at: "10s", do: Set("w.concurrency", "4"))"#,
    );
    ran.within("w.throughput @ 1s..10s", 95.0, 101.0);
    ran.within("w.throughput @ 10s..15s", 250.0, 401.0);
}

#[test]
fn one_user_with_one_request_at_a_time_drops_every_other_iteration() {
    Ran::fixture("cases/dropped_iterations.ron").within("sut.arrivals", 0.48, 0.52);
}

// ---- fencing

#[test]
fn a_primary_that_is_cut_off_is_fenced() {
    let ran = Ran::fixture("cases/fenced_primary.ron");
    // What had not been replicated: 200/s times 50 ms.
    let lost = ran.signal("mysql", "lost_writes");
    assert!((3..=40).contains(&lost), "{lost}");
    ran.within("failed_share @ 31s..39s", 0.95, 1.0);
    ran.within("failed_share @ 42s..120s", 0.0, 0.01);
}

#[test]
fn a_primary_that_goes_on_loses_what_it_acknowledged() {
    let lost = Ran::fixture("cases/split_brain.ron").signal("mysql", "lost_writes");
    assert!((1_990..=2_015).contains(&lost), "{lost}");
}

/// Writes and reads at a database that is parted for 5 seconds, before anybody takes over.
fn parted(database: &str, a: &str, b: &str) -> Ran {
    let nodes = format!(
        r#""wr": (kind: client(rate: "100/s", classes: {{"w": (write: true)}})), "rd": (kind: client(rate: "100/s", classes: {{"r": ()}})),
        "db": (kind: database({database}, write: "2ms", read: "2ms"))"#
    );
    let timeline = format!(r#"(at: "10s", lasting: "5s", do: Partition([{a}], [{b}]))"#);
    Ran::new("20s", &nodes, r#"(from: "wr", to: "db"), (from: "rd", to: "db")"#, &timeline)
}

#[test]
fn fencing_does_not_ask_how_writes_are_replicated() {
    let (two, three) = (r#""db#0", "db#1""#, r#""db#2", "db#3", "db#4""#);
    for replication in ["Async", "Sync(acks: 1)", "Sync(acks: 0)", "Quorum(r: 3, w: 3)"] {
        let ran = parted(&format!("replicas: 5, replication: {replication}"), two, three);
        let least = if replication.starts_with("Quorum") { 0.3 } else { 1.0 };
        ran.within("w.failed_share @ 11s..14s", least, 1.0);
        ran.within("r.failed_share @ 11s..14s", least, 1.0);
        ran.within("failed_share @ 16s..20s", 0.0, 0.0);
        assert_eq!(ran.signal("db", "lost_writes"), 0, "{replication}");
        // The larger side has the primary: it goes on.
        let ran = parted(
            &format!("replicas: 5, replication: {replication}"),
            r#""db#3", "db#4""#,
            r#""db#0", "db#1", "db#2""#,
        );
        let most = if replication.starts_with("Quorum") { 0.5 } else { 0.0 };
        ran.within("w.failed_share @ 11s..14s", 0.0, most);
        // Whoever wants to answer all the same, does.
        let ran = parted(&format!("replicas: 5, on_partition: ServeStale, replication: {replication}"), two, three);
        ran.within("failed_share @ 11s..14s", 0.0, 0.0);
    }
}

#[test]
fn a_replica_without_its_primary_does_not_read() {
    let ran = parted("replicas: 3, reads_from: Replicas", r#""db#2""#, r#""db#0", "db#1""#);
    ran.within("r.failed_share @ 11s..14s", 0.4, 0.6);
    ran.within("w.failed_share @ 11s..14s", 0.0, 0.0);
    // What is stale is so for no longer than the usual lag.
    let stale =
        parted(r#"replicas: 3, reads_from: Replicas, on_partition: ServeStale"#, r#""db#2""#, r#""db#0", "db#1""#);
    assert!(5 * ran.signal("db", "stale_reads") < stale.signal("db", "stale_reads"));
}

/// Two partitions lie on top of each other; the primary is fenced while both together take its majority.
#[test]
fn overlapping_partitions_fence_together() {
    let ran = Ran::new(
        "30s",
        r#""wr": (kind: client(rate: "100/s", classes: {"w": (write: true)})), "db": (kind: database(replicas: 3, write: "2ms"))"#,
        r#"(from: "wr", to: "db")"#,
        r#"(at: "5s", lasting: "10s", do: Partition(["db#0"], ["db#1"])), (at: "10s", lasting: "10s", do: Partition(["db#0"], ["db#2"]))"#,
    );
    ran.within("failed_share @ 6s..9s", 0.0, 0.0);
    ran.within("failed_share @ 11s..14s", 1.0, 1.0);
    ran.within("failed_share @ 16s..30s", 0.0, 0.0);
}

/// What an asynchronous primary had not sent when it died is lost by a failover, and is not if it comes back before.
#[test]
fn a_primary_that_dies_takes_what_it_had_not_sent_with_it() {
    let killed = |failover: &str| {
        let nodes = format!(
            r#""wr": (kind: client(rate: "200/s", arrivals: Constant, classes: {{"w": (write: true)}})),
            "db": (kind: database(replicas: 3, lag: "50ms", failover: "{failover}", write: "2ms"))"#
        );
        let kill = r#"(at: "10s", lasting: "5s", do: Kill("db#0"))"#;
        Ran::new("20s", &nodes, r#"(from: "wr", to: "db", timeout: "1s")"#, kill).signal("db", "lost_writes")
    };
    let lost = killed("2s");
    assert!((8..=12).contains(&lost), "{lost}: 200/s times 50 ms");
    assert_eq!(killed("8s"), 0);
}

/// Everything that is sent for a tenth of a second is lost. The messages come back after the visibility timeout (with at most
/// once they are gone), and what was lost holds no place with the consumers for ever.
#[test]
fn lost_deliveries_free_their_place() {
    for delivery in ["AtLeastOnce", "AtMostOnce", "ExactlyOnce"] {
        let nodes = format!(
            r#""u": (kind: client(rate: "100/s", arrivals: Constant)),
            "q": (kind: queue(visibility_timeout: "1s", delivery: {delivery})),
            "w": (kind: worker(replicas: 2, concurrency: 4, cores: 4, work: "20ms"))"#
        );
        for links in [r#"(from: "q", to: "w")"#, r#"(from: "q", to: "w", retry: (attempts: 2))"#] {
            let links = format!(r#"(from: "u", to: "q"), {links}"#);
            let ran = Ran::new("60s", &nodes, &links, r#"(at: "10s", lasting: "0.1s", do: Lose("q->w", 1.0))"#);
            let handled = ran.report.nodes["w"].succeeded;
            assert!((5_960..=6_000).contains(&handled), "{delivery}, {links}: {handled} of 6000");
            let again = ran.signal("q", "redelivered");
            let comes_back = delivery != "AtMostOnce" && !links.contains("retry");
            assert_eq!(again > 0, comes_back, "{delivery}, {links}: {again} delivered again");
        }
    }
}
