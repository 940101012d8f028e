//! What the laws have brought out, each as the smallest scenario that showed it.

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
