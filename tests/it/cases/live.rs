//! Cases and faults: settings that change while running act on what is in progress, counted from when that began.

use super::pace::run_of;
use tailboard::base::{NodeId, Time};
use tailboard::engine::{Behaviour as _, NodeMeasure};
use tailboard::run::Run;

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[];

fn node(run: &Run, name: &str) -> NodeId {
    let at = run.sim().plan().nodes.iter().position(|node| node.name == name);
    NodeId(at.unwrap_or_else(|| panic!("no {name}")) as u32)
}

/// The first millisecond in which this holds, in seconds.
fn when(run: &mut Run, holds: impl Fn(&Run) -> bool) -> f64 {
    for at in (0..=run.length().0).step_by(1_000_000) {
        run.advance(Time(at));
        if holds(run) {
            return at as f64 / 1e9;
        }
    }
    panic!("it never held");
}

fn measure(run: &Run, node: NodeId, name: &str) -> NodeMeasure {
    let own = run.recorder().kinds()[node.index()].measures;
    *own.iter().find(|measure| measure.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// When something of `n` was counted for the first time.
fn first(text: &str, name: &str) -> f64 {
    let mut run = run_of(text);
    let n = node(&run, "n");
    let counter = measure(&run, n, name).counter().expect("a counter");
    when(&mut run, |run| run.sim().node_counts(n).counted(counter) > 0)
}

fn level(run: &Run, name: &str, what: &str) -> f64 {
    let gauge = measure(run, node(run, name), what).gauge().expect("a level");
    run.sim().behaviour(node(run, name)).gauges()[usize::from(gauge.0)]
}

fn assert_near(found: f64, wanted: f64, about: &str) {
    assert!((found - wanted).abs() < 1.5e-3, "{about}: {found} s and not {wanted} s");
}

/// One message, at 1 s, to a queue `n` with a worker that takes long.
fn queue(settings: &str, timeline: &str) -> String {
    format!(
        r#"(run: (length: "60s", warm_up: "0s"), nodes: {{
            "u": (kind: client(rate: "1/s", arrivals: Constant, shape: Step(at: "1.5s", to: 0))),
            "n": (kind: queue({settings})), "w": (kind: worker(work: "50s")),
        }}, links: [(from: "u", to: "n"), (from: "n", to: "w")], timeline: [{timeline}])"#
    )
}

/// Kept since 1 s, it is dropped once the retention of that instant has passed.
#[test]
fn a_retention_acts_on_messages_that_are_stored() {
    for (before, at, after, wanted) in [
        (r#"retention: "40s""#, "3s", "5s", 6.0),
        (r#"retention: "40s""#, "9s", "5s", 9.0),
        (r#"retention: "5s""#, "3s", "10s", 11.0),
        ("", "3s", "5s", 6.0),
    ] {
        let set = format!(r#"(at: "0s", do: Pause("n")), (at: "{at}", do: Set("n.retention", "\"{after}\""))"#);
        let found = first(&queue(before, &set), "expired");
        assert_near(found, wanted, &format!("{before}, {after} at {at}"));
    }
    // For two seconds only: then it is 40 s again.
    let set = r#"(at: "0s", do: Pause("n")), (at: "3s", lasting: "2s", do: Set("n.retention", "\"5s\""))"#;
    assert_near(first(&queue(r#"retention: "40s""#, set), "expired"), 41.0, "lasting");
}

/// Handed out at 1 s, it is handed out again once the visibility timeout of that instant has passed.
#[test]
fn a_visibility_timeout_acts_on_messages_that_are_handed_out() {
    for (before, at, after, wanted) in [("30s", "3s", "5s", 6.0), ("30s", "9s", "5s", 9.0), ("5s", "3s", "10s", 11.0)] {
        let set = format!(r#"(at: "{at}", do: Set("n.visibility_timeout", "\"{after}\""))"#);
        let text = queue(&format!("prefetch: 5, visibility_timeout: \"{before}\""), &set);
        assert_near(first(&text, "redelivered"), wanted, &format!("{before}, {after} at {at}"));
    }
}

/// The primary dies at 1 s; the other is promoted when the failover time of that instant has passed since.
#[test]
fn a_failover_time_acts_on_the_failover_under_way() {
    for (before, at, after, wanted) in [
        (r#"failover: "40s""#, "3s", "5s", 6.0),
        (r#"failover: "40s""#, "9s", "5s", 9.0),
        (r#"failover: "5s""#, "3s", "10s", 11.0),
        ("", "3s", "5s", 6.0),
    ] {
        let text = format!(
            r#"(run: (length: "60s", warm_up: "0s"), nodes: {{
                "u": (kind: client(rate: "10/s")), "n": (kind: database(replicas: 2, {before})),
            }}, links: [(from: "u", to: "n")],
            timeline: [(at: "1s", do: Kill("n#0")), (at: "{at}", do: Set("n.failover", "\"{after}\""))])"#
        );
        let found = when(&mut run_of(&text), |run| level(run, "n", "primary") > 0.0);
        assert_near(found, wanted, &format!("{before}, {after} at {at}"));
    }
}

/// An election is called off with the failover time, and called again with it.
#[test]
fn a_failover_that_is_called_off_does_not_come() {
    let text = r#"(run: (length: "30s", warm_up: "0s"), nodes: {
            "u": (kind: client(rate: "10/s")), "n": (kind: database(replicas: 2, failover: "5s")),
        }, links: [(from: "u", to: "n")],
        timeline: [(at: "1s", do: Kill("n#0")), (at: "3s", lasting: "10s", do: Set("n.failover", "None"))])"#;
    // The time had passed when it was set again.
    assert_near(when(&mut run_of(text), |run| level(run, "n", "primary") > 0.0), 13.0, "13 s");
}

/// When each of four messages is at the other end: `request` and `response` bytes, sent at 0.25, 0.5, 0.75 and 1 s.
fn arrivals(request: &str, response: &str, timeline: &str, answers: bool) -> Vec<f64> {
    let text = format!(
        r#"(run: (length: "20s", warm_up: "0s"), nodes: {{
            "u": (kind: client(rate: "4/s", arrivals: Constant, shape: Step(at: "1.1s", to: 0),
                classes: {{ "r": (request: "{request}", response: "{response}") }})),
            "n": (kind: service(work: "0s", slots: 10)),
        }}, links: [(from: "u", to: "n", latency: "100ms", latency_back: "100ms", bandwidth: "1 MB/s")], timeline: [{timeline}])"#
    );
    (1..=4)
        .map(|count| {
            let mut run = run_of(&text);
            let n = node(&run, "n");
            let found = when(&mut run, |run| {
                let link = &run.sim().link_counts(tailboard::base::LinkId(0));
                (if answers { link.succeeded } else { run.sim().node_counts(n).arrived }) >= count
            });
            run.advance(run.length());
            assert_eq!((run.sim().imbalance(), run.sim().node_counts(n).arrived), (None, 4));
            found
        })
        .collect()
}

/// A megabyte each at a megabyte a second: their last bytes leave at 1.25, 2.25, 3.25 and 4.25 s, and come 100 ms later.
#[test]
fn a_bandwidth_acts_on_what_is_not_sent_yet() {
    let set = |at: &str, more: &str, to: &str| format!(r#"(at: "{at}", {more}do: Set("u->n.bandwidth", "{to}"))"#);
    for (timeline, wanted) in [
        (String::new(), [1.35, 2.35, 3.35, 4.35]),
        // At 2 s 2.25 MB are left: they take a quarter of the time.
        (set("2s", "", "4 MB/s"), [1.35, 2.1625, 2.4125, 2.6625]),
        // In 250 ms 1 MB is sent; 1.25 MB are left at the old rate.
        (set("2s", r#"lasting: "250ms", "#, "4 MB/s"), [1.35, 2.1625, 2.6, 3.6]),
        (set("2s", "", "0.5 MB/s"), [1.35, 2.6, 4.6, 6.6]),
        (set("2s", "", "None"), [1.35, 2.1, 2.1, 2.1]),
    ] {
        let found = arrivals("1 MB", "0 B", &timeline, false);
        for (found, wanted) in found.iter().zip(wanted) {
            assert_near(*found, wanted, &timeline);
        }
        // The same of answers, which set out 100 ms later.
        let found = arrivals("0 B", "1 MB", &timeline.replace("\"2s\"", "\"2.1s\""), true);
        for (found, wanted) in found.iter().zip(wanted) {
            assert_near(*found, wanted + 0.1, &timeline);
        }
    }
}

/// A message whose last byte has left keeps its latency, whatever the bandwidth becomes.
#[test]
fn what_has_left_a_link_is_not_slowed() {
    let timeline = r#"(at: "1.3s", do: Set("u->n.bandwidth", "0.5 MB/s"))"#;
    // At 1.3 s 2.95 MB are left: 950 kB of the second message take 1.9 s.
    let wanted = [1.35, 3.3, 5.3, 7.3];
    for (found, wanted) in arrivals("1 MB", "0 B", timeline, false).iter().zip(wanted) {
        assert_near(*found, wanted, timeline);
    }
}

/// `a` fails from 1 s to 2 s and is ejected; it is back when the ejection time of that instant has passed since.
#[test]
fn an_ejection_time_acts_on_what_is_ejected() {
    let ejection = |lasting: &str| format!("(failures: 1, lasting: \\\"{lasting}\\\", most: 1)");
    for (before, at, after, wanted) in [("40s", "3s", "5s", 5.0), ("5s", "3s", "12s", 12.0), ("40s", "9s", "5s", 0.0)] {
        let text = format!(
            r#"(run: (length: "60s", warm_up: "0s"), nodes: {{
                "u": (kind: client(rate: "100/s", arrivals: Constant)), "n": (kind: load_balancer(ejection: {})),
                "a": (kind: service(work: "1ms")), "b": (kind: service(work: "1ms")),
            }}, links: [(from: "u", to: "n"), (from: "n", to: "a"), (from: "n", to: "b")],
            timeline: [(at: "1s", lasting: "1s", do: Fail("a", 1)), (at: "{at}", do: Set("n.ejection", "{}"))])"#,
            ejection(before).replace('\\', ""),
            ejection(after)
        );
        let mut run = run_of(&text);
        let out = when(&mut run, |run| level(run, "n", "usable") == 1.0);
        assert!((1.0..1.05).contains(&out), "{out}");
        let mut run = run_of(&text);
        let back = when(&mut run, |run| run.now() > Time(1_100_000_000) && level(run, "n", "usable") == 2.0);
        let wanted = if wanted == 0.0 { 9.0 } else { out + wanted };
        assert_near(back, wanted, &format!("{before}, {after} at {at}"));
    }
}

/// Users think from the beginning; what is left of it at 5 s is scaled by the ratio of the means.
#[test]
fn a_think_time_acts_on_users_who_think() {
    for (before, after, wanted) in [
        (r#""100s""#, r#""10s""#, 14.5),
        (r#""10s""#, r#""100s""#, 55.0),
        (r#""100s""#, r#"Exponential("10s")"#, 14.5),
        (r#""100s""#, r#""1ms""#, 5.001),
    ] {
        let text = format!(
            r#"(run: (length: "150s", warm_up: "0s"), nodes: {{
                "u": (kind: client(arrivals: Closed(users: 10, think: {before}))), "n": (kind: service(work: "1s", slots: 99, cores: 99)),
            }}, links: [(from: "u", to: "n")],
            timeline: [(at: "5s", do: Set("u.arrivals", "Closed(users: 10, think: {})"))])"#,
            after.replace('"', "\\\"")
        );
        let mut run = run_of(&text);
        assert_near(when(&mut run, |run| run.requests() > 0), wanted, &format!("{before}, {after}"));
        // Each asks once, and not when it would have, too.
        assert_eq!(run.requests(), 10);
        run.advance(Time(150_000_000_000));
        assert_eq!(run.sim().imbalance(), None);
        assert!(run.sim().in_flight() <= 10);
    }
}

/// What the manual says of links: a timeout holds from the next attempt on, a deadline from the next call on.
#[test]
fn limits_of_a_link_hold_for_what_is_sent_afterwards() {
    for limit in ["timeout", "deadline"] {
        let text = |before: &str, after: &str| {
            format!(
                r#"(run: (length: "60s", warm_up: "0s"), nodes: {{
                    "u": (kind: client(rate: "0.5/s", arrivals: Constant, shape: Step(at: "5s", to: 0))),
                    "n": (kind: service(work: "10s", slots: 9, cores: 9)),
                }}, links: [(from: "u", to: "n", {limit}: "{before}")],
                timeline: [(at: "3s", do: Set("u->n.{limit}", "\"{after}\""))])"#
            )
        };
        // One call at 2 s, one at 4 s: each takes 10 s.
        let mut shorter = run_of(&text("40s", "5s"));
        let link = tailboard::base::LinkId(0);
        let failed = |run: &Run| run.sim().link_counts(link).failed.iter().sum::<u64>();
        assert_near(when(&mut shorter, |run| failed(run) > 0), 9.0, limit);
        assert_near(when(&mut shorter, |run| run.sim().link_counts(link).succeeded > 0), 12.0, limit);
        let mut longer = run_of(&text("5s", "40s"));
        assert_near(when(&mut longer, |run| failed(run) > 0), 7.0, limit);
        assert_near(when(&mut longer, |run| run.sim().link_counts(link).succeeded > 0), 14.0, limit);
        longer.advance(longer.length());
        assert_eq!((failed(&longer), longer.sim().imbalance()), (1, None), "{limit}");
    }
}
