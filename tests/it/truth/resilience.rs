//! Fan-out, hedging, retries and what they do under failure.

use super::Within::{Absolute, Range, Relative};
use super::{Effort, Figure, Row, Table, combine, measure, times};
use tailboard::base::maths;

pub const ROWS: Table = &[
    ("fanout-63", fan_out),
    ("fanout-18", fan_out_of_2000),
    ("hedge-bigtable", hedged_reads),
    ("hedge-exp-1.0", hedged_exponential),
    ("brooker-tail-parallel-1", |row| parallel(row, 1)),
    ("brooker-tail-parallel-10", |row| parallel(row, 10)),
    ("retry-layers", layers),
    ("retry-geom-0.5-3", |row| geometric(row, 4)),
    ("retry-geom-0.5-1", |row| geometric(row, 2)),
    ("brooker-retry-0.1", |row| policies(row, 0.1)),
    ("brooker-retry-0.5", |row| policies(row, 0.5)),
    ("brooker-collapse-40", collapse),
    ("bronson-280", outage),
];

/// Something with room for everybody, that takes so long.
fn delay(work: &str) -> String {
    format!("service(slots: 1000000, cores: 1000000, queue_limit: None, work: {work})")
}

/// A caller that calls leaves as the link says.
fn fan(rate: f64, link: &str, leaf: &str, deadline: &str) -> String {
    format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"{rate}/s\", deadline: \"{deadline}\")),
            \"root\": (kind: {}), \"leaf\": (kind: {}),
        }}, links: [(from: \"client\", to: \"root\"), (from: \"root\", to: \"leaf\", {link})])",
        delay("\"0s\""),
        delay(leaf)
    )
}

fn fan_out(row: &Row) -> Vec<Figure> {
    let of = |n: u32| {
        let text = fan(10.0, &format!("calls: {n}"), "Mixture([(0.99, \"1ms\"), (0.01, \"2s\")])", "1s");
        let metric = format!("n={n}");
        let [late] = measure(&text, Effort::requests(10.0, if n < 100 { 20 } else { 4 }), ["late_share"]);
        Figure::new(&metric, row.want(&metric), Absolute(0.005), late)
    };
    [1, 10, 50, 100, 200, 500].map(of).into()
}

fn fan_out_of_2000(row: &Row) -> Vec<Figure> {
    let text = fan(10.0, "calls: 2000", "Mixture([(0.9999, \"1ms\"), (0.0001, \"2s\")])", "1s");
    let effort = Effort { seeds: 48, warm_up: 0.0, length: 100.0 };
    let [late] = measure(&text, effort, ["late_share"]);
    // Those of the last second are not late yet.
    vec![Figure::new("prob", row.want("prob"), Absolute(0.01), late).approximate()]
}

/// The published law of the leaves: lognormal with mu = 1.448118 and sigma = 1.674695 in milliseconds, as mean and cv.
fn hedged_reads(row: &Row) -> Vec<Figure> {
    let (mu, sigma) = (1.448_118_030_930_361_6_f64, 1.674_694_814_820_449_f64);
    let mean = maths::exp(mu + sigma * sigma / 2.0);
    let cv = (maths::exp(sigma * sigma) - 1.0).sqrt();
    let leaf = format!(
        "Mixture([(0.934415, Uniform(min: \"0ms\", max: \"10ms\")), (0.065585, LogNormal(mean: \"{mean}ms\", cv: {cv}))])"
    );
    let run = |hedge: &str, thousands: u32| {
        let text = fan(100.0, &format!("calls: 100{hedge}"), &leaf, "1h");
        measure(&text, Effort::requests(100.0, thousands), ["p50", "p99", "p99.9", "root->leaf.hedges", "offered"])
    };
    let [p50, p99, p999, _, _] = run("", 10);
    let [hedged_p50, hedged_p99, hedged_p999, hedges, offered] =
        run(", hedge: (after: \"10ms\", copies: 1), cancel: true", 10);
    let ms = |metric: &str, share, samples: &[f64]| {
        Figure::new(metric, row.want(metric), Relative(share), times(samples, 1e3))
    };
    vec![
        ms("p50_no_hedge_ms", 0.02, &p50),
        ms("p99_no_hedge_ms", 0.05, &p99),
        ms("p999_no_hedge_ms", 0.12, &p999),
        ms("p50_hedged_ms", 0.02, &hedged_p50),
        ms("p99_hedged_ms", 0.03, &hedged_p99),
        ms("p999_hedged_ms", 0.05, &hedged_p999),
        Figure::new(
            "extra_requests",
            row.want("extra_requests"),
            Absolute(0.001),
            combine(&hedges, &offered, |hedges, offered| hedges / offered / 100.0),
        ),
    ]
}

fn hedged_exponential(row: &Row) -> Vec<Figure> {
    let text = fan(100.0, "hedge: (after: \"1s\", copies: 1)", "Exponential(\"1s\")", "1h");
    let paths = ["mean", "p99", "p99.9", "root->leaf.hedges", "offered"];
    let [mean, p99, p999, hedges, offered] = measure(&text, Effort::requests(100.0, 100), paths);
    let relative = |metric: &str, share, samples| Figure::new(metric, row.want(metric), Relative(share), samples);
    vec![
        relative("mean", 0.01, mean),
        relative("p99", 0.01, p99),
        relative("p999", 0.02, p999),
        relative("extra_requests", 0.01, combine(&hedges, &offered, |hedges, offered| hedges / offered)),
    ]
}

fn parallel(row: &Row, n: u32) -> Vec<Figure> {
    let leaf = "Mixture([(0.99, Normal(mean: \"10ms\", sd: \"2ms\")), (0.01, Normal(mean: \"100ms\", sd: \"10ms\"))])";
    let text = fan(100.0, &format!("calls: {n}"), leaf, "40ms");
    let [p50, p99, slow] = measure(&text, Effort::requests(100.0, 200), ["p50", "p99", "late_share"]);
    // At n = 1 the 99th percentile stands on the edge between the two modes: no quantile of a sample agrees on it.
    let p99 = Figure::new("p99", row.want("p99"), Relative(0.02), times(&p99, 1e3));
    let mut figures = vec![
        Figure::new("p50", row.want("p50"), Relative(0.02), times(&p50, 1e3)),
        Figure::new("prob_slow", row.want("prob_slow"), Relative(0.02), slow),
    ];
    figures.extend((n > 1).then_some(p99));
    figures
}

/// A chain in which everybody tries again, and the last always fails.
fn chain(layers: usize, attempts: u32) -> String {
    let nodes: String = (1..=layers).map(|i| format!("\"s{i}\": (kind: {}),", delay("\"0s\""))).collect();
    let links: String = (1..layers)
        .map(|i| {
            format!("(from: \"s{i}\", to: \"s{}\", retry: (attempts: {attempts}, backoff: (base: \"1ms\"))),", i + 1)
        })
        .collect();
    format!(
        "(nodes: {{ \"client\": (kind: client(rate: \"10/s\")), {nodes}
            \"bottom\": (kind: service(slots: 1000000, cores: 1000000, work: \"0s\", error_share: 1.0)) }},
        links: [(from: \"client\", to: \"s1\"), {links}
            (from: \"s{layers}\", to: \"bottom\", retry: (attempts: {attempts}, backoff: (base: \"1ms\")))])"
    )
}

fn layers(row: &Row) -> Vec<Figure> {
    let of = |metric: &str, layers, attempts| {
        let [calls, offered] =
            measure(&chain(layers, attempts), Effort::from_empty(8, 300.0), ["bottom.arrivals", "offered"]);
        let amplification = combine(&calls, &offered, |calls, offered| calls / offered);
        // Exact but for the requests that are on their way at the end.
        Figure::new(metric, row.want(metric), Relative(0.001), amplification).approximate()
    };
    vec![of("3 layers x 4 attempts (3 retries)", 3, 4), of("5 layers x 3 attempts", 5, 3)]
}

/// A client whose calls fail at random, with what the link does about it.
fn failing(share: f64, link: &str) -> String {
    format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"1000/s\")),
            \"service\": (kind: service(slots: 1000000, cores: 1000000, work: \"0s\", error_share: {share})),
        }}, links: [(from: \"client\", to: \"service\", {link})])"
    )
}

fn geometric(row: &Row, attempts: u32) -> Vec<Figure> {
    let text = failing(0.5, &format!("retry: (attempts: {attempts}, backoff: (base: \"1ms\"))"));
    let paths = ["good_share", "service.arrivals", "offered"];
    let [good, calls, offered] = measure(&text, Effort::requests(1_000.0, 100), paths);
    vec![
        Figure::new("success", row.want("success"), Relative(0.005), good),
        Figure::new(
            "attempts_per_request",
            row.want("attempts_per_request"),
            Relative(0.005),
            combine(&calls, &offered, |calls, offered| calls / offered),
        ),
    ]
}

fn policies(row: &Row, share: f64) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, link) in [
        ("none", ""),
        ("three", "retry: (attempts: 4, backoff: (base: \"1ms\"))"),
        ("adaptive", "retry: (attempts: 4, backoff: (base: \"1ms\"), budget: (share: 0.1, most: 5))"),
    ] {
        let paths = ["good_share", "service.arrivals", "offered"];
        let [good, calls, offered] = measure(&failing(share, link), Effort::requests(1_000.0, 50), paths);
        let (success, load) = (format!("success_{name}"), format!("load_{name}"));
        let calls = combine(&calls, &offered, |calls, offered| calls / offered);
        // The values were simulated with 100,000 requests, which leaves this much.
        let error = |p: f64| 1.96 * (p * (1.0 - p) / 1e5).sqrt();
        let want = row.want(&success);
        figures.push(Figure::new(&success, want, Relative(0.01), good).simulated(error(want)));
        figures.push(Figure::new(&load, row.want(&load), Relative(0.02), calls).approximate());
    }
    figures
}

/// Latency grows with concurrency; a spike of five seconds pushes it over the timeout, and the retries keep it there.
fn collapse(row: &Row) -> Vec<Figure> {
    let text = |shape: &str, backoff: &str| {
        format!(
            "(nodes: {{
                \"client\": (kind: client(rate: \"40/s\", shape: {shape})),
                \"service\": (kind: service(slots: 1000000, cores: 1000000, queue_limit: None, work: \"1s\",
                    contention: 0.01)),
            }}, links: [(from: \"client\", to: \"service\", latency: Exponential(\"100ms\"), timeout: \"3s\",
                retry: (attempts: 3, backoff: {backoff}))])"
        )
    };
    let none = "(growth: Fixed, base: \"0s\", jitter: None)";
    let jitter = "(growth: Exponential, base: \"20s\", cap: \"60s\", jitter: Full)";
    let spike = "Spike(at: \"20s\", lasting: \"5s\", to: 2.0)";
    let last_minute = |shape, backoff| {
        let [good] = measure(&text(shape, backoff), Effort::from_empty(16, 240.0), ["good_share @ 180s..240s"]);
        good
    };
    // Qualitative: it stays collapsed (all but one of the four published runs did), or it recovers.
    vec![
        Figure::new("success_rate_last_60s_no_backoff", 0.25, Range(0.0, 0.6), last_minute(spike, none)),
        Figure::new("success_rate_last_60s_backoff_jitter", 1.0, Range(0.95, 1.0), last_minute(spike, jitter)),
        Figure::new(
            "success_without_spike",
            row.want_at("success_without_spike", 1),
            Absolute(0.05),
            last_minute("Steady", none),
        )
        .approximate(),
    ]
}

/// Ten seconds in which nothing arrives, all of it afterwards, and one retry after a second: it never recovers.
fn outage(row: &Row) -> Vec<Figure> {
    let text = "(nodes: {
            \"client\": (kind: client(rate: \"280/s\")),
            \"db\": (kind: service(slots: 1, cores: 1, work: \"3.333333ms\", queue_limit: None, drop_expired: false)),
        }, links: [(from: \"client\", to: \"db\", timeout: \"1s\",
            retry: (attempts: 2, backoff: (growth: Fixed, base: \"0s\", jitter: None)))],
        timeline: [(at: \"60s\", lasting: \"10s\", do: Hold(\"client->db\"))])";
    let paths = ["good_share @ 180s..240s", "client->db.attempts @ 180s..240s", "good_share @ 30s..60s"];
    let [good, calls, before] = measure(text, Effort::from_empty(8, 240.0), paths);
    vec![
        Figure::new("success_rate_last_60s", row.want_at("success_rate_last_60s", 0), Absolute(0.02), good)
            .approximate(),
        Figure::new("db_call_rate_last_60s", row.want_at("db_call_rate_last_60s", 0), Relative(0.03), calls)
            .approximate(),
        Figure::new("success before the outage", 1.0, Absolute(0.01), before).approximate(),
    ]
}
