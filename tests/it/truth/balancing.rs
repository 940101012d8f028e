//! Balancers: the same traffic spread over servers in different ways.

use super::Within::{Absolute, Range, Relative};
use super::{Effort, Figure, Row, Table, measure, station, times};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tailboard::base::{Dist, Rng};

pub const ROWS: Table = &[
    ("rr-10-0.9", round_robin),
    ("td-1", random),
    ("pod-n100-d2-0.5", |row| best_of_two_of_100(row, 0.5)),
    ("pod-n100-d2-0.7", |row| best_of_two_of_100(row, 0.7)),
    ("pod-n100-d2-0.95", |row| best_of_two_of_100(row, 0.95)),
    ("pod-n100-d2-0.99", |row| best_of_two_of_100(row, 0.99)),
    ("five-way-10-0.9", five_ways),
    ("fin-n10-d2-0.9", |row| of_ten(row, "PowerOfChoices(choices: 2, replacement: false)")),
    ("fin-n10-d2-with-replacement-0.9", |row| of_ten(row, "PowerOfChoices(choices: 2, replacement: true)")),
    ("fin-n10-jsq-0.9", |row| of_ten(row, "LeastConnections")),
    ("linkerd-slow-replica", slow_replica),
    ("rapgenius-smart-50", |row| shared_queue(row, 50)),
    ("rapgenius-smart-75", |row| shared_queue(row, 75)),
    ("rapgenius-random-75", |row| random_dynos(row, 75)),
    ("rapgenius-random-1000", |row| random_dynos(row, 1_000)),
    ("rapgenius-250-11000", dynos_at_11000),
    ("aphyr-gist-random", |row| pool_of_250(row, "Random")),
    ("aphyr-gist-round-robin", |row| pool_of_250(row, "RoundRobin")),
    ("aphyr-gist-least-connections", |row| pool_of_250(row, "LeastConnections")),
];

/// Poisson traffic through a balancer to servers of one slot.
fn balanced(rate: f64, balance: &str, servers: u32, work: &str) -> String {
    format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"{rate}/s\")),
            \"balancer\": (kind: load_balancer(balance: {balance})),
            \"server\": (kind: service(replicas: {servers}, slots: 1, cores: 1, queue_limit: None, work: {work})),
        }}, links: [(from: \"client\", to: \"balancer\"), (from: \"balancer\", to: \"server\")])"
    )
}

const SECOND: &str = "Exponential(\"1s\")";

fn round_robin(row: &Row) -> Vec<Figure> {
    let text = balanced(9.0, "RoundRobin", 10, SECOND);
    let paths = ["mean", "p99", "server.waited_share", "server.mean_wait"];
    let [mean, p99, waited, wait] = measure(&text, Effort::requests(9.0, 600), paths);
    let relative = |metric: &str, share, samples| Figure::new(metric, row.want(metric), Relative(share), samples);
    vec![
        relative("mean_sojourn_in_service_times", 0.015, mean),
        relative("sojourn_p99", 0.03, p99),
        relative("prob_wait", 0.015, waited),
        relative("mean_wait", 0.015, wait),
    ]
}

fn random(row: &Row) -> Vec<Figure> {
    let of = |load: f64| {
        let metric = format!("lambda={load}");
        let [mean] =
            measure(&balanced(10.0 * load, "Random", 10, SECOND), Effort::requests(10.0 * load, 400), ["mean"]);
        Figure::new(&metric, row.want(&metric), Relative(0.02), mean)
    };
    [0.5, 0.7, 0.8, 0.9].map(of).into()
}

fn best_of_two_of_100(row: &Row, load: f64) -> Vec<Figure> {
    let text = balanced(100.0 * load, "PowerOfChoices(choices: 2, replacement: true)", 100, SECOND);
    let [mean] = measure(&text, Effort::requests(100.0 * load, if load > 0.9 { 1_500 } else { 400 }), ["mean"]);
    let share = if load > 0.98 { 0.03 } else { 0.01 };
    let want = row.want("mean_time_in_system");
    vec![Figure::new("mean_time_in_system", want, Relative(share), mean).simulated(row.want("ci95_half"))]
}

fn of_ten(row: &Row, balance: &str) -> Vec<Figure> {
    let [mean] = measure(&balanced(9.0, balance, 10, SECOND), Effort::requests(9.0, 800), ["mean"]);
    vec![Figure::new("mean_time", row.want("mean_time"), Relative(0.01), mean).simulated(row.want("ci95_half"))]
}

fn five_ways(row: &Row) -> Vec<Figure> {
    let of = |metric: &str, text: &str, half_width: f64| {
        let [mean] = measure(text, Effort::requests(9.0, 400), ["mean"]);
        Figure::new(metric, row.want(metric), Relative(0.02), mean).simulated(half_width)
    };
    let balanced = |balance| balanced(9.0, balance, 10, SECOND);
    vec![
        of("random", &balanced("Random"), 0.0),
        of("round_robin", &balanced("RoundRobin"), 0.0),
        // The half-widths are those of the rows `fin-n10-*`, which give the same numbers.
        of("best_of_2_distinct", &balanced("PowerOfChoices(choices: 2, replacement: false)"), 0.004_2),
        of("best_of_2_with_replacement", &balanced("PowerOfChoices(choices: 2, replacement: true)"), 0.004_6),
        of("least_connections", &balanced("LeastConnections"), 0.004),
        of("shared_queue", &station(9.0, "slots: 10, cores: 10, work: Exponential(\"1s\")"), 0.0),
    ]
}

/// Replicas without queues, one of which takes two seconds for half of the time.
fn slow_replica(row: &Row) -> Vec<Figure> {
    let text = |balance: &str| {
        format!(
            "(nodes: {{
                \"client\": (kind: client(rate: \"1000/s\", arrivals: Constant, deadline: \"1s\")),
                \"balancer\": (kind: load_balancer(balance: {balance})),
                \"server\": (kind: service(replicas: 11, slots: 100000, cores: 100000, queue_limit: None,
                    work: Normal(mean: \"167ms\", sd: \"5ms\"))),
            }},
            links: [(from: \"client\", to: \"balancer\"), (from: \"balancer\", to: \"server\")],
            timeline: [(at: \"15s\", lasting: \"30s\", do: Slow(\"server#0\", 11.976))])"
        )
    };
    let run = |balance| {
        let [good] = measure(&text(balance), Effort::from_empty(16, 60.0), ["good_share"]);
        good
    };
    let published = |metric: &str, samples| Figure::new(metric, row.want(metric), Range(0.990, 0.998), samples);
    vec![
        Figure::new(
            "success_within_1s_rr_exact",
            row.want("success_within_1s_rr_exact"),
            Absolute(0.003),
            run("RoundRobin"),
        )
        .approximate(),
        published("success_within_1s_ll", run("LeastConnections")),
        published("success_within_1s_p2c", run("PowerOfChoices(choices: 2, replacement: false)")),
    ]
}

const DYNO: &str = "Clipped(of: Weibull(scale: \"110.917893ms\", shape: 0.46), min: \"10ms\", max: \"30s\")";

fn shared_queue(row: &Row, dynos: u32) -> Vec<Figure> {
    let text = station(150.0, &format!("slots: {dynos}, cores: {dynos}, work: {DYNO}"));
    let [short] = measure(&text, Effort::from_empty(64, 300.0), ["station.mean_wait"]);
    let [long, used] = measure(&text, Effort::requests(150.0, 800), ["station.mean_wait", "station.utilization"]);
    let steady = row.want("mean_queue_ms_steady_state");
    // With 75 dynos practically nobody waits: less than a hundredth of a millisecond is nothing.
    let steady = if steady == 0.0 {
        Figure::new("mean_queue_ms_steady_state", 0.0, Absolute(0.01), times(&long, 1e3)).approximate()
    } else {
        // The row's value (4.88) was simulated, without an error given, and is 10 % above what the recursion and this
        // run agree on; so the recursion is the judge.
        assert!((4.0..5.0).contains(&steady));
        let (want, error) = kiefer_wolfowitz(dynos as usize, 150.0);
        let figure = Figure::new("mean_queue_ms_steady_state", want * 1e3, Relative(0.1), times(&long, 1e3));
        figure.simulated(1.96e3 * error)
    };
    let (from, until) = (row.want("p5") - 0.01, row.want("p95") + 0.01);
    let metric = "mean_queue_ms_5min_run_from_empty";
    vec![
        Figure::new(metric, row.want(metric), Range(from, until), times(&short, 1e3)),
        steady,
        Figure::new("utilization", row.want("utilization"), Relative(0.02), used),
    ]
}

/// Mean wait, and its standard error, in a queue of several servers by the recursion of Kiefer and Wolfowitz (1955): a
/// job takes the server that is free first. No events, no calendar: nothing in common with the engine but the draws.
fn kiefer_wolfowitz(servers: usize, rate: f64) -> (f64, f64) {
    let service = tailboard::base::ron::read::<Dist>(DYNO).value.expect("a distribution").sampler();
    let mean = |seed: u64| {
        let mut rng = Rng::seeded(seed);
        let mut free: BinaryHeap<Reverse<u64>> = std::iter::repeat_n(Reverse(0), servers).collect();
        let (mut now, mut waits, requests) = (0.0, 0.0, 2_000_000);
        for i in 0..requests {
            now += rng.exp1() / rate * 1e9;
            let Reverse(first) = free.pop().expect("a server");
            let start = first.max(now as u64);
            free.push(Reverse(start + service.draw(&mut rng).0));
            waits += if i > requests / 10 { (start - now as u64) as f64 / 1e9 } else { 0.0 };
        }
        waits / (0.9 * f64::from(requests))
    };
    let means: Vec<f64> = (0..16).map(mean).collect();
    let all = means.iter().sum::<f64>() / 16.0;
    let variance = means.iter().map(|x| (x - all) * (x - all)).sum::<f64>() / 15.0;
    (all, (variance / 16.0).sqrt())
}

fn random_dynos(row: &Row, dynos: u32) -> Vec<Figure> {
    let text = balanced(150.0, "Random", dynos, DYNO);
    let [short] = measure(&text, Effort::from_empty(32, 300.0), ["server.mean_wait"]);
    let paths = ["server.mean_wait", "server.waited_share", "server.utilization"];
    let [long, queued, used] = measure(&text, Effort::requests(150.0, 1_000), paths);
    let metric = "mean_queue_ms_5min_run_from_empty";
    let relative = |metric: &str, share, samples| Figure::new(metric, row.want(metric), Relative(share), samples);
    vec![
        Figure::new(metric, row.want(metric), Range(row.want("p5"), row.want("p95")), times(&short, 1e3)),
        relative("mean_queue_ms_steady_state_PK", 0.05, times(&long, 1e3)),
        // Of the five minutes from empty, so that a long run may be off a little.
        relative("share_queued", 0.02, queued).approximate(),
        relative("utilization", 0.02, used),
    ]
}

fn dynos_at_11000(row: &Row) -> Vec<Figure> {
    let rate = 11_000.0 / 60.0;
    let text = balanced(rate, "Random", 250, DYNO);
    let [wait, used] = measure(&text, Effort::requests(rate, 1_000), ["server.mean_wait", "server.utilization"]);
    vec![
        Figure::new(
            "mean_queue_ms_steady_state_PK",
            row.want("mean_queue_ms_steady_state_PK"),
            Relative(0.05),
            times(&wait, 1e3),
        ),
        Figure::new("utilization", row.want("utilization"), Relative(0.02), used),
    ]
}

/// Ten thousand requests, a millisecond apart, into an empty system; all of them are waited for.
fn pool_of_250(row: &Row, balance: &str) -> Vec<Figure> {
    let text = balanced(1_000.0, balance, 250, "Exponential(\"200ms\")")
        .replace("rate: \"1000/s\"", "rate: \"1000/s\", arrivals: Constant, shape: Step(at: \"10s\", to: 0.0)");
    let [p50, p99] = measure(&text, Effort::from_empty(16, 60.0), ["p50", "p99"]);
    let within = |metric: &str, range: &str, samples: &[f64]| {
        let range = Range(row.want_at(range, 0), row.want_at(range, 1));
        Figure::new(metric, row.want(metric), range, times(samples, 1e3))
    };
    vec![within("p50", "p50_range_5_95", &p50), within("p99", "p99_range_5_95", &p99)]
}
