//! What the laws have brought out, each as the smallest scenario that showed it.

use tailboard::base::NodeId;
use tailboard::engine::Meter;
use tailboard::run::Run;
use tailboard::scenario;

#[track_caller]
fn runs(text: &str) {
    let design = scenario::read_str(text).design.expect("a design");
    let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    assert_eq!(run.sim().imbalance(), None);
}

/// Two pieces of work on shared cores, the second of which takes longer than there is time: their sum has no place in 64 bits.
#[test]
fn work_without_an_end_after_other_work() {
    runs(
        r#"(run: (length: "1s"), nodes: {
            "u": (kind: client(rate: "100/s")),
            "s": (kind: service(cores: 1, slots: 4, work: "1us", work_after: "100000000s")),
        }, links: [(from: "u", to: "s")], timeline: [(at: "0s", do: Slow("s", 1e9))])"#,
    );
}

/// Users who come all at once, to a queue of events that was laid out for few.
#[test]
fn a_million_users_at_once() {
    runs(
        r#"(run: (length: "100ms"), nodes: {
            "u": (kind: client(arrivals: Closed(users: 100, think: Uniform(min: "50ms", max: "60ms")))),
            "s": (kind: service(work: "0s", slots: 1000, cores: 1000)),
        }, links: [(from: "u", to: "s")], timeline: [
            (at: "10ms", do: Set("u.arrivals", "Closed(users: 1000000, think: Uniform(min: \"50ms\", max: \"60ms\"))")),
        ])"#,
    );
}

/// A queue hands messages to the consumer that has room: where the others are busy, all of them come back to it at once.
#[test]
fn a_queue_that_feeds_itself_is_refused() {
    let text = r#"(nodes: {
            "u": (kind: client(rate: "100/s")), "c": (kind: cache()), "q": (kind: queue()), "w": (kind: worker()),
        }, links: [(from: "u", to: "c"), (from: "c", to: "q", operation: Delete), (from: "q", to: "w"), (from: "q", to: "c")])"#;
    let read = scenario::read_str(text);
    let told = read.drawn("the queue", text, false);
    assert!(read.is_wrong() && told.contains("call each other without end: c -> q -> c"), "{told}");
}

/// The slots of all copies are counted together.
#[test]
fn more_slots_than_can_be_counted_are_refused() {
    for kind in [
        "service(slots: 1000000, replicas: 10000)",
        "service(cores: 1000000, replicas: 10000)",
        "service(slots: 10000, processes: 1000, replicas: 1000)",
        "worker(concurrency: 1000000, replicas: 10000)",
        "sharded_store(slots: 1000000, shards: 10000)",
    ] {
        let read = scenario::read_str(&format!(r#"(nodes: {{ "a": (kind: {kind}) }})"#));
        let told = read.drawn("slots", "", false);
        assert!(read.diagnostics.iter().any(|said| said.message.contains("more than 2 billion")), "{kind}: {told}");
    }
}

/// Cores that become fewer than the slots are shared by who comes; who began on one of its own finishes on it.
#[test]
fn cores_in_use_are_capacity_until_they_are_given_back() {
    let text = r#"(run: (length: "2s", warm_up: "0s"), nodes: {
            "u": (kind: client(rate: "1k/s")), "s": (kind: service(slots: 16, cores: 16, work: Exponential("10ms"))),
        }, links: [(from: "u", to: "s")], timeline: [(at: "1s", lasting: "200ms", do: Set("s.cores", "2"))])"#;
    let mut run = Run::new(&scenario::read_str(text).design.expect("a design")).unwrap_or_else(|f| panic!("{f:?}"));
    while !run.is_over() {
        run.advance_events(run.length(), 1);
        let meters = run.sim().meters(NodeId(0));
        let (busy, there) = (meters.level(Meter::Cores), meters.level(Meter::CoreCapacity));
        assert!(busy <= there, "{busy} of {there} at {:?}", run.now());
    }
}

/// The lower bound is raised at once, the upper one on a ramp: for some seconds they cross.
#[test]
fn bounds_of_an_autoscaler_that_cross() {
    runs(
        r#"(run: (length: "20s"), nodes: {
            "u": (kind: client(rate: "100/s")), "s": (kind: service(replicas: 2)),
            "sc": (kind: autoscaler(min: 1, max: 2, interval: "1s")),
        }, links: [(from: "u", to: "s"), (from: "sc", to: "s")], timeline: [
            (at: "1s", ramp: "10s", do: Set("sc.max", "9")), (at: "2s", do: Set("sc.min", "6")),
        ])"#,
    );
}

/// A retry or a fallback that a link gets while calls are in progress is for those that begin from then on, whatever other
/// policies those in progress have.
#[test]
fn a_policy_that_comes_later_is_for_later_calls() {
    for policy in ["retry\", \"(attempts: 4)", "fallback\", \"(after: \\\"1ms\\\")"] {
        let report = |deadline: &str| {
            let text = format!(
                r#"(run: (length: "91ms", warm_up: "0s"), nodes: {{
                    "u": (kind: client(rate: "4.5k/s")), "w": (kind: worker(work: Exponential("10ms"))),
                }}, links: [(from: "u", to: "w", timeout: "30ms"{deadline})],
                timeline: [(at: "62ms", do: Set("u->w.{policy}"))])"#
            );
            let read = scenario::read_str(&text);
            let design = read.design.unwrap_or_else(|| panic!("{:?}", read.diagnostics));
            Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}")).finish()
        };
        assert_eq!(report(""), report(r#", deadline: "1h""#), "{policy}");
    }
}
