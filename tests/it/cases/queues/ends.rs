//! Every run ends, and what is kept of keys has a bound.

use super::super::{design, path, said, text};
use super::Ran;
use crate::catalogue::{kind_scenario, link_design, link_parameters, node_of, parameters};
use crate::memory::limited;
use tailboard::base::{Span, Time};
use tailboard::design::{Design, set_parameter};
use tailboard::kinds::{KINDS, Value as _};
use tailboard::run::Run;
use tailboard::scenario;

/// The program itself, with so many seconds of the processor.
fn ends(name: &str, megabytes: u32, seconds: u32) -> Option<i32> {
    let path = path(name);
    let output = limited(megabytes, Some(seconds), &["run", "--json", "-", &path.to_string_lossy()]).output();
    let output = output.expect("the program runs");
    output.status.code()
}

#[test]
fn evenly_spaced_arrivals_with_a_shape_end() {
    for name in ["faults/constant-that-steps-to-zero-hangs.ron", "faults/constant-with-shape-at-a-tiny-rate-hangs.ron"]
    {
        assert_eq!(ends(name, 400, 5), Some(0), "{name}");
        // A slice at a time, as in the window.
        let design = design(name);
        let mut run = Run::new(&design).expect("a sound design");
        for slice in 1..=200 {
            run.advance(Time(design.run.length.0 / 200 * slice));
        }
        assert!(run.events() < 10_000);
    }
}

/// A factor of a million that comes later, or never, costs nothing now, whatever the arrivals.
#[test]
fn a_spike_to_come_costs_nothing() {
    for arrivals in ["Poisson", "Constant", "Batches(size: 5)", "Bursty(ratio: 5, calm: \"1s\", burst: \"1s\")"] {
        let ran = Ran::new(
            "10s",
            &format!(
                r#""u": (kind: client(rate: "1k/s", arrivals: {arrivals}, shape: Spike(at: "1h", lasting: "1s", to: 1000000))),
                "s": (kind: service(work: "0s"))"#
            ),
            r#"(from: "u", to: "s")"#,
            "",
        );
        assert!(ran.run.events() < 4 * ran.report.total.offered + 100, "{arrivals}: {}", ran.run.events());
        assert!((4_000..16_000).contains(&ran.report.total.offered), "{arrivals}: {}", ran.report.total.offered);
    }
}

#[test]
fn what_comes_every_nanosecond_is_refused_with_a_word() {
    for (name, word) in [
        ("breakdowns", "up and down"),
        ("bursty", "calm and burst"),
        ("health-check", "interval"),
        ("pauses", "every and lasting"),
        ("stale", "a look"),
        ("switch-interval", "switch_interval"),
    ] {
        let name = format!("faults/every-nanosecond-{name}.ron");
        let said = said(&name);
        assert!(said.contains(word) && said.contains("too often"), "{name}: {said}");
        let Some(design) = scenario::read_str(&text(&name)).design else { continue };
        assert!(Run::new(&design).is_err(), "{name} is refused");
    }
    // The mean counts, whatever the distribution.
    for every in [
        "Exponential(\"1ns\")",
        "Clipped(of: Exponential(\"1s\"), min: \"0s\", max: \"5ns\")",
        "Normal(mean: \"1ns\", sd: \"2ns\")",
    ] {
        let text = text("faults/every-nanosecond-pauses.ron").replace("every: \"1ns\"", &format!("every: {every}"));
        assert!(scenario::read_str(&text).drawn("pauses", &text, false).contains("too often"), "{every}");
    }
}

/// A value with each of its times set to a nanosecond, one at a time.
fn with_nanoseconds(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('"').collect();
    let times = (0..parts.len()).filter(|i| i % 2 == 1 && parts[*i].parse_time().is_some());
    times
        .map(|time| {
            let changed: Vec<&str> =
                parts.iter().enumerate().map(|(i, part)| if i == time { "1ns" } else { part }).collect();
            changed.join("\"")
        })
        .collect()
}

trait ParseTime {
    fn parse_time(&self) -> Option<Span>;
}

impl ParseTime for &str {
    fn parse_time(&self) -> Option<Span> {
        let mut span = Span::ZERO;
        span.set(&format!("\"{self}\"")).ok().map(|()| span)
    }
}

/// Fifty milliseconds of a design: how many events that takes.
fn events_of(design: &Design) -> Option<u64> {
    let mut run = Run::new(design).ok()?;
    for slice in 1..=500 {
        run.advance(Time(slice * 100_000));
        // Stop where it would not end.
        if run.events() > MOST_EVENTS {
            break;
        }
    }
    Some(run.events())
}

/// What a node does by itself is at most 100,000 events a second; the rest is what the scenarios' traffic causes.
const MOST_EVENTS: u64 = 50_000;

/// Each time among the parameters of each kind and of links is set to a nanosecond: that is refused, or the run goes on.
#[test]
fn no_time_is_so_short_that_a_run_does_not_end() {
    let (mut tried, mut refused, mut endless) = (0, 0, Vec::new());
    let mut attempt = |design: &Design, path: &str, value: &str| {
        let mut changed = design.clone();
        changed.expect.clear();
        if set_parameter(&mut changed, path, value).is_err() {
            return;
        }
        tried += 1;
        match events_of(&changed) {
            None => refused += 1,
            Some(events) if events > MOST_EVENTS => endless.push(format!("{path} = {value}: {events} events")),
            Some(_) => {}
        }
    };
    for meta in KINDS {
        let design = kind_scenario(meta.key);
        let node = node_of(&design, meta.key);
        for (param, text) in parameters(&design.nodes[&node].kind) {
            for value in param.examples.iter().copied().chain([text.as_str()]).flat_map(with_nanoseconds) {
                attempt(&design, &format!("{node}.{}", param.name), &value);
            }
        }
    }
    let design = link_design();
    for param in link_parameters() {
        for value in param.examples.iter().copied().flat_map(with_nanoseconds) {
            attempt(&design, &format!("api->db.{}", param.name), &value);
        }
    }
    assert!(endless.is_empty(), "{endless:#?}");
    assert!(tried > 40 && refused > 5, "{tried} tried, {refused} refused");
}

/// Users who do not think and are refused at once, by all that refuses at once.
#[test]
fn users_who_are_refused_at_once_let_time_go_on() {
    for (service, link) in [
        (r#"slots: 1, queue_limit: 0, work: "1s""#, ""),
        (r#"work: "0s""#, ""),
        (r#"work: "1ns""#, ""),
        (r#"work: "0s", error_share: 1.0"#, ", breaker: (minimum_calls: 5, window: 5)"),
        (r#"work: "0s", error_share: 1.0"#, r#", retry: (attempts: 255, backoff: (base: "0s", jitter: None))"#),
        (r#"work: "0s", error_share: 1.0"#, ", fallback: ()"),
    ] {
        let nodes = format!(
            r#""u": (kind: client(arrivals: Closed(users: 5, think: "1us"))), "s": (kind: service({service}))"#
        );
        let ran = Ran::new("10ms", &nodes, &format!(r#"(from: "u", to: "s"{link})"#), "");
        // Five users, a request in a microsecond each, a few events each, and 255 attempts.
        let most = if link.contains("retry") { 5 * 1_000 * 600 } else { 5 * 10_000 * 4 };
        assert!(ran.run.events() < most, "{service}{link}: {} events", ran.run.events());
    }
}

// ---- what is kept of keys

/// Three million keys, each written once.
#[test]
fn written_keys_are_forgotten_once_all_have_them() {
    assert_eq!(ends("faults/written-keys-memory.ron", 400, 120), Some(0));
    let ran = Ran::new(
        "10s",
        r#""u": (kind: client(rate: "20k/s", keys: Uniform(keys: 10000000000), classes: { "w": (write: true) })),
        "d": (kind: database(replicas: 3, connections: 1000000, lag: "20ms"))"#,
        r#"(from: "u", to: "d")"#,
        "",
    );
    // Under way for 20 ms, and those since the last was noted.
    assert!(ran.report.nodes["d"].levels["replicating"] < 500.0, "{:?}", ran.report.nodes["d"].levels);
}
