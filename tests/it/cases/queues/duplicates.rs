//! What a queue's consumers handle more than once, whether an acknowledgement says so or not.

use super::Ran;

/// The source stops, and everything that is kept is handled in the end: what is handled beyond the first time is a
/// duplicate, whatever made it so.
#[test]
fn each_time_a_message_is_handled_beyond_the_first_is_a_duplicate() {
    let lossy = r#"(from: "q", to: "w", loss: 0.2)"#;
    let slow = r#"worker(concurrency: 20, cores: 20, work: Exponential("100ms"))"#;
    let quick = r#"worker(concurrency: 20, work: "2ms")"#;
    let kill = r#"(at: "5s", lasting: "1s", do: Kill("q"))"#;
    let frozen = r#"(at: "4s", lasting: "2s", do: Freeze("q")), (at: "5s", lasting: "1s", do: Kill("q"))"#;
    for (queue, worker, link, timeline) in [
        // The acknowledgement is lost.
        (r#"visibility_timeout: "1s""#, quick, lossy, ""),
        // It comes after the link's own policies had given it up, or another attempt was quicker.
        ("", slow, r#"(from: "q", to: "w", timeout: "80ms", retry: (attempts: 3, backoff: (base: "10ms")))"#, ""),
        ("", slow, r#"(from: "q", to: "w", timeout: "80ms")"#, ""),
        ("", slow, r#"(from: "q", to: "w", hedge: (after: "60ms"))"#, ""),
        (
            r#"visibility_timeout: "150ms""#,
            slow,
            r#"(from: "q", to: "w", timeout: "300ms", retry: (attempts: 2), loss: 0.1)"#,
            "",
        ),
        // It finds the queue restarted, or had found it standing still.
        ("durable: true", slow, r#"(from: "q", to: "w")"#, kill),
        ("durable: true", slow, r#"(from: "q", to: "w")"#, frozen),
        (r#"durable: true, visibility_timeout: "150ms""#, slow, lossy, frozen),
    ] {
        for (delivery, figure) in [("AtLeastOnce", "duplicates"), ("ExactlyOnce", "coalesced")] {
            let nodes = format!(
                r#""u": (kind: client(rate: "50/s", shape: Step(at: "10s", to: 0))), "w": (kind: {worker}),
                "q": (kind: queue(max_deliveries: 1000, delivery: {delivery}, {queue}))"#
            );
            let ran = Ran::new("60s", &nodes, &format!(r#"(from: "u", to: "q"), {link}"#), timeline);
            let (kept, handled) = (ran.report.nodes["q"].succeeded, ran.report.nodes["w"].succeeded);
            let repeated = ran.signal("q", figure);
            assert_eq!(ran.report.nodes["q"].levels["messages"], 0.0, "{queue} {link}: all is handled");
            assert!(repeated > 0, "{queue} {link} {timeline}: nothing was repeated");
            assert_eq!(handled - kept, repeated, "{queue} {link} {timeline}: {handled} of {kept}");
        }
    }
}

/// Where messages are lost with the queue, or delivered once at most, nothing is handled twice.
#[test]
fn what_is_delivered_once_has_no_duplicates() {
    let slow = r#"worker(concurrency: 20, cores: 20, work: Exponential("100ms"))"#;
    for (queue, link, timeline) in [
        (r#"delivery: AtMostOnce, visibility_timeout: "1s""#, r#"(from: "q", to: "w", loss: 0.2)"#, ""),
        ("durable: false", r#"(from: "q", to: "w")"#, r#"(at: "5s", lasting: "1s", do: Kill("q"))"#),
    ] {
        let nodes = format!(
            r#""u": (kind: client(rate: "50/s", shape: Step(at: "10s", to: 0))), "w": (kind: {slow}),
            "q": (kind: queue({queue}))"#
        );
        let ran = Ran::new("60s", &nodes, &format!(r#"(from: "u", to: "q"), {link}"#), timeline);
        assert!(ran.report.nodes["w"].succeeded > 100, "{queue}");
        assert_eq!(ran.signal("q", "duplicates"), 0, "{queue}");
    }
}

/// What is given up as a dead letter and handled late is handled once.
#[test]
fn a_dead_letter_that_is_handled_late_is_no_duplicate() {
    for (queue, worker, link, duplicates) in [
        (
            r#"visibility_timeout: "1s", max_deliveries: 1"#,
            r#"worker(replicas: 2, work: "50ms")"#,
            r#", timeout: "20ms""#,
            0.0,
        ),
        (
            r#"visibility_timeout: "20ms", max_deliveries: 1"#,
            r#"worker(concurrency: 9, cores: 9, work: "90ms")"#,
            "",
            0.0,
        ),
        // Handled five times, four of them again.
        (r#"visibility_timeout: "5ms""#, r#"worker(concurrency: 20, cores: 20, work: "100ms")"#, "", 0.8),
    ] {
        let nodes = format!(
            r#""u": (kind: client(rate: "5/s", shape: Step(at: "100s", to: 0))), "w": (kind: {worker}), "q": (kind: queue({queue}))"#
        );
        let ran = Ran::new("120s", &nodes, &format!(r#"(from: "u", to: "q"), (from: "q", to: "w"{link})"#), "");
        let handled = ran.report.nodes["w"].succeeded;
        assert!(handled > 400 && ran.signal("q", "dead_lettered") > 0, "{queue}");
        assert_eq!(ran.signal("q", "duplicates") as f64, duplicates * handled as f64, "{queue} {link}");
    }
}

/// What is delivered once at most and not handled is lost, and said to be.
#[test]
fn what_is_delivered_once_and_not_handled_is_lost() {
    for (worker, link) in [("worker(error_share: 0.3)", ""), ("worker()", ", loss: 0.2")] {
        let nodes = format!(
            r#""u": (kind: client(rate: "50/s", shape: Step(at: "50s", to: 0))), "w": (kind: {worker}),
            "q": (kind: queue(delivery: AtMostOnce, prefetch: 10_000))"#
        );
        let ran = Ran::new("60s", &nodes, &format!(r#"(from: "u", to: "q"), (from: "q", to: "w"{link})"#), "");
        let lost = ran.signal("q", "lost_writes");
        let (kept, handled) = (ran.report.nodes["q"].succeeded, ran.report.nodes["w"].succeeded);
        assert_eq!(lost, kept - handled, "{worker} {link}: {handled} of {kept}");
        let told = &ran.report.warnings;
        assert!(told.iter().any(|warning| warning.message.contains("lost though they were acknowledged")), "{told:?}");
    }
}
