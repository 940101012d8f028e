//! Cases and faults: percentiles, warm-up, verdicts, warnings, and copies one by one.

use super::{design, path, report};
use tailboard::base::{Time, maths};
use tailboard::design::Design;
use tailboard::metrics::Report;
use tailboard::run::{Outcome, Run, judge};
use tailboard::scenario;

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "faults/auto-warm-up-bias.ron",
    "faults/percentile-below-the-minimum.ron",
    "faults/percentiles-of-a-crowded-cell.ron",
    "faults/csv-with-nan.ron",
    "faults/known-to-inf.ron",
    "cases/nested_connection.ron",
    "cases/one_shard_at_its_limit.ron",
];

#[test]
fn a_percentile_is_no_less_than_the_smallest_answer() {
    let latency = report("faults/percentile-below-the-minimum.ron").total.latency;
    let p50 = latency.p50.expect("answers");
    // Uniform between 150 and 151 ms.
    assert!((p50.value - 0.1505).abs() < 0.000_02, "{p50:?}");
    let half = p50.half_width.expect("batches enough");
    assert!(half >= 0.000_25, "the cell is a millisecond wide: {half}");
    assert!((latency.sd.expect("answers") - 0.001 / 12f64.sqrt()).abs() < 0.000_01, "{latency:?}");
    assert!(latency.max.is_some_and(|max| max <= 0.151 && max > 0.1509));
}

#[test]
fn percentiles_in_a_crowded_cell_are_told_apart() {
    let latency = report("faults/percentiles-of-a-crowded-cell.ron").total.latency;
    let value = |wanted: &str| {
        let found = latency.percentiles().into_iter().find(|(name, _, _)| *name == wanted);
        found.and_then(|(_, _, estimate)| estimate).map_or(0.0, |estimate| estimate.value)
    };
    // The longest of a hundred that are uniform: q^(1/100).
    for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let exact = maths::pow(q, 0.01);
        assert!((value(name) / exact - 1.0).abs() < 0.01, "{name}: {} and not {exact}", value(name));
    }
    let max = latency.max.expect("answers");
    assert!(value("p50") < value("p90") && value("p90") < value("p99") && value("p99") < max, "{latency:?}");
}

/// Runs of M/M/1, of which mean and p99 are exact.
struct Claims {
    rate: f64,
    runs: usize,
    /// Of mean and p99: runs that claim an interval, and those whose interval holds the exact value.
    claimed: [usize; 2],
    held: [usize; 2],
    /// Relative error of the mean: average over the runs, and its standard error.
    bias: f64,
    bias_error: f64,
    /// Average share of the run that was cut off.
    cut: f64,
}

/// 200,000 requests of 10 ms of work at this rate, with the warm-up that the tool finds.
fn claims(rate: f64, seeds: std::ops::RangeInclusive<u64>) -> Claims {
    let mut design = design("faults/auto-warm-up-bias.ron");
    tailboard::design::set_parameter(&mut design, "client.rate", &format!("\"{rate}/s\"")).expect("a parameter");
    design.run.length = tailboard::base::Span::from_millis((200_000.0 / rate * 1e3) as u64);
    let exact = [1.0 / (100.0 - rate), maths::ln(100.0) / (100.0 - rate)];
    let (mut claimed, mut held, mut errors, mut cut) = ([0; 2], [0; 2], Vec::new(), 0.0);
    for seed in seeds {
        design.seed = seed;
        let report: Report = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}")).finish();
        let latency = &report.total.latency;
        for (i, estimate) in [latency.mean, latency.p99].into_iter().enumerate() {
            let estimate = estimate.expect("answers");
            if let Some(half) = estimate.half_width {
                claimed[i] += 1;
                held[i] += usize::from((estimate.value - exact[i]).abs() <= half);
            }
        }
        errors.push(latency.mean.map_or(0.0, |mean| mean.value / exact[0] - 1.0));
        cut += report.warm_up / report.length;
    }
    let n = errors.len() as f64;
    let bias = errors.iter().sum::<f64>() / n;
    let variance = errors.iter().map(|error| (error - bias) * (error - bias)).sum::<f64>() / (n - 1.0);
    Claims { rate, runs: errors.len(), claimed, held, bias, bias_error: (variance / n).sqrt(), cut: cut / n }
}

impl Claims {
    fn line(&self) -> String {
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let [(mean, p99), (mean_held, p99_held)] = [(self.claimed[0], self.claimed[1]), (self.held[0], self.held[1])];
        format!(
            "load {:.2}: mean claimed {:.1} %, held {:.1} %; p99 claimed {:.1} %, held {:.1} %; bias {:+.3} % ± {:.3}; cut {:.2} %",
            self.rate / 100.0,
            percent(mean, self.runs),
            percent(mean_held, mean),
            percent(p99, self.runs),
            percent(p99_held, p99),
            100.0 * self.bias,
            100.0 * self.bias_error,
            100.0 * self.cut
        )
    }

    /// At least this share of the runs claims, and of those that claim holds the exact value.
    fn hold(&self, least_claimed: f64, least_held: f64) {
        for i in 0..2 {
            assert!(self.claimed[i] as f64 >= least_claimed * self.runs as f64, "{}", self.line());
            assert!(self.held[i] as f64 >= least_held * self.claimed[i] as f64, "{}", self.line());
        }
        assert!(self.bias.abs() <= 3.0 * self.bias_error, "{}", self.line());
    }
}

/// Three standard deviations below 95 of 100: 5 of 40 may miss.
#[test]
fn intervals_hold_what_they_claim_and_the_warm_up_does_not_bias() {
    for rate in [50.0, 80.0, 90.0] {
        let claims = claims(rate, 1..=40);
        println!("{}", claims.line());
        claims.hold(0.85, 0.847);
    }
}

#[test]
#[ignore = "takes minutes: 1,200 runs of 200,000 requests"]
fn intervals_of_four_hundred_runs_hold_what_they_claim() {
    let lines: Vec<Claims> = [50.0, 80.0, 90.0].into_iter().map(|rate| claims(rate, 1..=400)).collect();
    lines.iter().for_each(|claims| println!("{}", claims.line()));
    lines.iter().for_each(|claims| claims.hold(0.9, 0.925));
}

/// Table, CSV and JSON of a run by the program itself.
fn written(path: &std::path::Path) -> [String; 3] {
    let file = path.to_string_lossy();
    let said = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tailboard")).args(args).output().expect("it runs");
        String::from_utf8(output.stdout).expect("text")
    };
    [said(&["run", &file]), said(&["run", &file, "--csv", "-"]), said(&["run", &file, "--json", "-"])]
}

fn assert_finite(path: &std::path::Path) {
    for text in written(path) {
        assert!(text.len() > 40, "{text}");
        let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_ascii_lowercase);
        assert!(!words.any(|word| ["nan", "inf", "infinity"].contains(&word.as_str())), "{text}");
    }
}

#[test]
fn what_is_written_is_finite() {
    assert_finite(&path("faults/csv-with-nan.ron"));
    assert_finite(&path("faults/known-to-inf.ron"));
    // Nothing ever arrives, and nothing is ever answered.
    let folder = tempfile::tempdir().expect("a folder");
    for (name, rate, link) in [("none.ron", "0.001/s", ""), ("lost.ron", "10/s", ", loss: \"100%\"")] {
        let file = folder.path().join(name);
        let text = format!(
            r#"(run: (length: "3s"), nodes: {{"u": (kind: client(rate: "{rate}")), "c": (kind: cache()), "d": (kind: database(replicas: 3))}},
                links: [(from: "u", to: "c"{link}), (from: "c", to: "d")])"#
        );
        std::fs::write(&file, text).expect("a file");
        assert_finite(&file);
    }
}

fn of(text: &str) -> Design {
    let read = scenario::read_str(text);
    let drawn = read.drawn("test", text, false);
    read.design.unwrap_or_else(|| panic!("{drawn}"))
}

fn run(design: &Design) -> Report {
    Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}")).finish()
}

/// The warnings with this code: whom they are about, and what they say.
fn warned(report: &Report, code: &str) -> Vec<(String, String)> {
    let found = report.warnings.iter().filter(|warning| warning.code == code);
    found.map(|warning| (warning.about.clone(), warning.message.clone())).collect()
}

/// Ten calls hold the ten slots of `pool` and wait for an eleventh.
#[test]
fn a_deadlock_is_named_with_who_waits_for_whom() {
    let report = report("cases/nested_connection.ron");
    let found = warned(&report, "deadlock");
    let [(about, message)] = &found[..] else { panic!("{:?}", report.warnings) };
    assert!(["pool", "nested"].contains(&about.as_str()), "{about}");
    assert!(message.contains("`pool`") && message.contains("`nested`") && message.contains("since"), "{message}");
    assert!(message.contains("10 at `nested`") || message.contains("at `pool`"), "{message}");
    // With slots enough nothing waits for ever.
    let mut roomy = design("cases/nested_connection.ron");
    tailboard::design::set_parameter(&mut roomy, "pool.slots", "1000").expect("a parameter");
    assert_eq!(warned(&run(&roomy), "deadlock"), []);
}

#[test]
fn calls_that_nothing_will_answer_are_named() {
    let text = r#"(run: (length: "60s"),
        nodes: {"u": (kind: client(arrivals: Closed(users: 7, think: "100ms"))), "a": (kind: service())},
        links: [(from: "u", to: "a", loss: "1%")])"#;
    let report = run(&of(text));
    let found = warned(&report, "stuck");
    assert!(
        matches!(&found[..], [(about, message)] if about == "run" && message.contains("7 on `u->a`")),
        "{:?}",
        report.warnings
    );
    let bounded = run(&of(&text.replace("loss", "timeout: \"1s\", loss")));
    assert_eq!(warned(&bounded, "stuck"), []);
}

/// One key of a thousand takes nine tenths: its shard works (0.9 + 0.1 / 6) x 0.8 ms x 1,000/s = 73 % of the time.
#[test]
fn the_hottest_shard_is_shown_and_can_be_held_to_a_bound() {
    let name = "cases/one_shard_at_its_limit.ron";
    let mut design = design(name);
    let text = r#"(nodes: {"users": (kind: client()), "redis": (kind: sharded_store())}, links: [(from: "users", to: "redis")], expect: [
        (that: "redis.hottest_utilization", at_most: "70%"), (that: "redis.hottest_utilization", at_least: "71%", at_most: "76%"),
        (that: "redis.hottest_share", at_least: "90%", at_most: "93%"), (that: "users->redis.mean", at_least: "1ns")])"#;
    design.expect = of(text).expect;
    let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    let verdicts = judge(&design, run.recorder());
    let outcomes: Vec<Outcome> = verdicts.iter().map(|verdict| verdict.outcome).collect();
    assert_eq!(outcomes, [Outcome::Fails, Outcome::Holds, Outcome::Holds, Outcome::Holds], "{verdicts:#?}");
    let table = &written(&path(name))[0];
    assert!(table.contains("hottest #") && table.contains(" % of"), "{table}");
}

/// The same for replicas, of which one is slow; where all do alike there is nothing to show.
#[test]
fn the_hottest_replica_is_the_slow_one() {
    let text = r#"(run: (length: "60s", warm_up: "5s"),
        nodes: {"u": (kind: client(rate: "300/s")), "b": (kind: load_balancer()), "s": (kind: service(replicas: 3, slots: 4, cores: 4, work: Exponential("4ms")))},
        links: [(from: "u", to: "b"), (from: "b", to: "s")],
        timeline: [(at: "1ms", do: Slow("s#1", 3))])"#;
    let hottest = run(&of(text)).nodes["s"].hottest.expect("three replicas");
    // 100/s x 12 ms on 4 slots.
    assert!(hottest.copy == 1 && (hottest.utilization.unwrap_or(0.0) / 0.3 - 1.0).abs() < 0.06, "{hottest:?}");
    assert!((hottest.share - 1.0 / 3.0).abs() < 0.01, "{hottest:?}");
    let alone = run(&of(&text.replace("replicas: 3", "replicas: 1").replace("s#1", "s#0")));
    assert_eq!(alone.nodes["s"].hottest, None);
}

/// What is full is named, not "the load".
#[test]
fn an_overload_names_the_limit_that_is_reached() {
    let said = |nodes: &str, links: &str| {
        let text = format!(
            r#"(run: (length: "60s", warm_up: "10s"), nodes: {{"u": (kind: client(rate: "200/s")), {nodes}}}, links: [{links}])"#
        );
        let report = run(&of(&text));
        warned(&report, "overload").into_iter().chain(warned(&report, "limit")).collect::<Vec<_>>()
    };
    let names = |said: &[(String, String)], about: &str, part: &str| {
        assert!(
            said.iter().any(|(name, message)| name == about && message.contains(part)),
            "{about}, {part}: {said:#?}"
        );
    };
    let to = |node: &str, more: &str| format!(r#"(from: "u", to: "{node}"{more})"#);
    names(
        &said(r#""a": (kind: service(slots: 1, cores: 1, work: "10ms"))"#, &to("a", "")),
        "a",
        "its cores are all busy",
    );
    names(
        &said(r#""a": (kind: service(slots: 1, cores: 4, work: "0s", wait: "10ms"))"#, &to("a", "")),
        "a",
        "its slots (1) are all busy",
    );
    let both = r#""a": (kind: service(slots: 8, cores: 8, work: "1ms")), "b": (kind: service(slots: 1, cores: 1, work: "10ms"))"#;
    let said_of_both = said(both, &format!(r#"{}, (from: "a", to: "b")"#, to("a", "")));
    names(&said_of_both, "a", "wait for an answer over `a->b`");
    names(
        &said(both, &format!(r#"{}, (from: "a", to: "b", pool: (size: 2, acquire_timeout: "1ms"))"#, to("a", ""))),
        "a->b",
        "its connection pool is exhausted",
    );
    names(
        &said(both, &format!(r#"{}, (from: "a", to: "b", bulkhead: 1)"#, to("a", ""))),
        "a->b",
        "its bulkhead is full",
    );
    let queue =
        r#""q": (kind: queue(prefetch: 1)), "w": (kind: worker(replicas: 1, concurrency: 4, cores: 4, work: "10ms"))"#;
    names(&said(queue, &format!(r#"{}, (from: "q", to: "w")"#, to("q", ""))), "q", "`prefetch`");
}

/// Pareto with alpha 1.5 has no variance: no interval of a mean, but a word; percentiles have theirs.
#[test]
fn a_heavy_tail_has_no_interval_but_a_word() {
    let text = r#"(run: (length: "200s", warm_up: "10s"),
        nodes: {"u": (kind: client(rate: "200/s")), "a": (kind: service(slots: 1000, cores: 1000, work: Pareto(min: "1ms", alpha: 1.5)))},
        links: [(from: "u", to: "a")])"#;
    let heavy = run(&of(text));
    let latency = &heavy.total.latency;
    assert!(latency.mean.is_some_and(|mean| mean.half_width.is_none()) && latency.sd.is_none(), "{latency:?}");
    assert!(latency.p99.is_some_and(|p99| p99.half_width.is_some()), "{latency:?}");
    let found = warned(&heavy, "infinite-variance");
    assert!(matches!(&found[..], [(about, message)] if about == "a" && message.contains("`work`")), "{found:?}");
    for light in ["alpha: 2.5", "alpha: 1.5"] {
        let work = format!("Clipped(of: Pareto(min: \"1ms\", {light}), min: \"0s\", max: \"1s\")");
        let light = run(&of(&text.replace("Pareto(min: \"1ms\", alpha: 1.5)", &work)));
        assert_eq!(warned(&light, "infinite-variance"), []);
        assert!(
            light.total.latency.mean.is_some_and(|mean| mean.half_width.is_some()) && light.total.latency.sd.is_some()
        );
    }
}

/// M/M/1 at load 0.5: latencies are exponential (sd 20 ms, cv 1); waits have E[W^2] = 2 rho / (mu - lambda)^2, so that their sd is
/// sqrt(2 rho - rho^2) / (mu - lambda) = 17.32 ms, and 1.732 times their mean.
#[test]
fn deviations_of_latency_and_wait_are_figures() {
    let mut design = design("faults/auto-warm-up-bias.ron");
    tailboard::design::set_parameter(&mut design, "client.rate", "\"50/s\"").expect("a parameter");
    let report = run(&design);
    let (latency, wait) = (&report.total.latency, &report.nodes["s"].wait);
    let near = |found: Option<f64>, wanted: f64| {
        assert!(found.is_some_and(|x| (x / wanted - 1.0).abs() < 0.03), "{found:?} {wanted}")
    };
    near(latency.sd, 0.02);
    near(latency.cv, 1.0);
    near(wait.sd, 0.017_32);
    near(wait.cv, 1.732);
}

/// Shared cores that are never short make nobody wait: what rounding to whole nanoseconds adds is no wait.
#[test]
fn rounding_is_no_wait() {
    let text = r#"(run: (length: "100s", warm_up: "0s"),
        nodes: {"u": (kind: client(rate: "50/s")), "a": (kind: service(slots: 1000, cores: 900, work: Exponential("4ms"), work_after: Exponential("1ms")))},
        links: [(from: "u", to: "a")])"#;
    let report = run(&of(text));
    assert_eq!(report.nodes["a"].waited_share, Some(0.0));
}

/// A distribution of infinite variance that only comes while running is seen, by the timeline and by hand.
#[test]
fn infinite_variance_is_seen_where_it_is_set() {
    let text = |timeline: &str| {
        format!(
            r#"(run: (length: "100s", warm_up: "0s"),
            nodes: {{"u": (kind: client(rate: "100/s")), "a": (kind: service(slots: 1000, cores: 1000, work: "1ms"))}},
            links: [(from: "u", to: "a")], timeline: [{timeline}])"#
        )
    };
    let set =
        |at: &str, alpha: f64| format!(r#"(at: "{at}", do: Set("a.work", "Pareto(min: \"1ms\", alpha: {alpha})"))"#);
    let heavy = run(&of(&text(&set("50s", 1.5))));
    let found = warned(&heavy, "infinite-variance");
    assert!(matches!(&found[..], [(about, message)] if about == "a" && message.contains("`work`")), "{found:?}");
    let latency = &heavy.total.latency;
    assert!(latency.mean.is_some_and(|mean| mean.half_width.is_none()) && latency.sd.is_none(), "{latency:?}");
    // Twice the same is said once; what is light, or comes after the end, is not.
    let twice = run(&of(&text(&format!("{}, {}", set("50s", 1.5), set("60s", 1.8)))));
    assert_eq!(warned(&twice, "infinite-variance").len(), 1);
    for light in [set("50s", 2.5), set("100s", 1.5)] {
        let light = run(&of(&text(&light)));
        assert_eq!(warned(&light, "infinite-variance"), []);
        assert!(light.total.latency.sd.is_some());
    }
    // By hand, at a run that goes on.
    let mut by_hand = Run::new(&of(&text(""))).expect("a run");
    by_hand.advance(Time(10_000_000_000));
    assert!(by_hand.reschedule(&of(&text(&set("50s", 1.5)))));
    assert_eq!(warned(&by_hand.finish(), "infinite-variance").len(), 1);
}
