//! Exact results that the rows do not hold: larger pools, processor sharing, jitter, and Little's law at every node.

use super::Within::Relative;
use super::{Effort, Figure, combine, measure, station, times};

/// Probability of waiting in M/M/c, by the recursion of Erlang's B formula.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let b = (1..=servers).fold(1.0, |b, k| load * b / (f64::from(k) + load * b));
    let rho = load / f64::from(servers);
    b / (1.0 - rho * (1.0 - b))
}

fn pool(servers: u32, utilization: f64) -> Vec<Figure> {
    let load = f64::from(servers) * utilization;
    let rate = load * 100.0;
    let text = station(rate, &format!("slots: {servers}, cores: {servers}, work: Exponential(\"10ms\")"));
    let paths = ["station.waited_share", "station.mean_wait", "mean", "station.utilization"];
    let [waited, wait, mean, used] = measure(&text, Effort::requests(rate, 600), paths);
    let waits = erlang_c(servers, load);
    let mean_wait = waits * 0.010 / (f64::from(servers) - load);
    let of = |name: &str, want, samples| Figure::new(&format!("M/M/{servers} {name}"), want, Relative(0.02), samples);
    vec![
        of("prob_wait", waits, waited),
        of("mean_wait", mean_wait, wait),
        of("mean_sojourn", mean_wait + 0.010, mean),
        of("utilization", utilization, used),
    ]
}

/// M/G/1-PS is insensitive to the distribution of service (Kleinrock 1976).
fn processor_sharing() -> Vec<Figure> {
    let of = |work: &str| {
        let text = station(80.0, &format!("slots: 1, cores: 1, discipline: ProcessorSharing, work: {work}"));
        let [mean] = measure(&text, Effort::requests(80.0, 400), ["mean"]);
        Figure::new(&format!("M/G/1-PS {work}"), 0.050, Relative(0.02), mean)
    };
    ["\"10ms\"", "Exponential(\"10ms\")", "LogNormal(mean: \"10ms\", cv: 2.0)"].map(of).into()
}

/// Half of the calls fail; the second attempt of two comes after a wait whose mean the jitter decides.
fn jitter() -> Vec<Figure> {
    let of = |jitter: &str, mean_wait: f64| {
        let text = format!(
            "(nodes: {{
                \"client\": (kind: client(rate: \"1000/s\")),
                \"service\": (kind: service(slots: 1000000, cores: 1000000, work: \"0s\", error_share: 0.5)),
            }}, links: [(from: \"client\", to: \"service\",
                retry: (attempts: 2, backoff: (growth: Exponential, base: \"100ms\", cap: \"10s\", jitter: {jitter})))])"
        );
        let [mean] = measure(&text, Effort::requests(1_000.0, 100), ["mean"]);
        // Of three answers that come, one had to wait.
        Figure::new(&format!("jitter {jitter}"), mean_wait / 3.0, Relative(0.01), mean)
    };
    vec![of("None", 0.100), of("Full", 0.050), of("Equal", 0.075), of("Decorrelated", 0.200)]
}

/// Little's law: the mean number at a node is its throughput times the mean time there.
fn little() -> Vec<Figure> {
    let text = "(nodes: {
            \"client\": (kind: client(rate: \"300/s\", keys: Zipf(keys: 10000, exponent: 0.9))),
            \"api\": (kind: service(replicas: 3, slots: 8, cores: 2, work: LogNormal(mean: \"4ms\", cv: 1.5), queue_limit: None)),
            \"cache\": (kind: cache(capacity: Entries(500))),
            \"db\": (kind: database(replicas: 2, reads_from: Any, connections: 2, read: Exponential(\"6ms\"), queue_limit: None)),
            \"store\": (kind: sharded_store(shards: 4, slots: 1, read: Exponential(\"5ms\"), queue_limit: None)),
        }, links: [
            (from: \"client\", to: \"api\", latency: Exponential(\"2ms\")),
            (from: \"api\", to: \"cache\"),
            (from: \"cache\", to: \"db\", latency: \"1ms\"),
            (from: \"api\", to: \"store\", step: 2, latency: \"1ms\"),
        ])";
    let effort = Effort::requests(300.0, 100);
    let of = |node: &str| {
        let names = ["busy", "queue", "throughput", "mean"].map(|figure| format!("{node}.{figure}"));
        let [busy, queue, throughput, mean] = measure(text, effort, names.each_ref().map(String::as_str));
        let number = combine(&busy, &queue, |busy, queue| busy + queue);
        let expected = combine(&throughput, &mean, |throughput, mean| throughput * mean);
        // Both sides are of the same run: they differ by what is in flight at its ends.
        Figure::new(&format!("Little at {node}"), 1.0, Relative(0.002), combine(&number, &expected, |l, w| l / w))
            .approximate()
    };
    let [mean, offered, ..] = measure(text, effort, ["mean", "throughput"]);
    let [api, there] = measure(text, effort, ["api.mean", "offered"]);
    // The client's view is the service's, and the way there and back.
    let whole = combine(&mean, &api, |mean, api| mean - api);
    assert!(offered.iter().zip(&there).all(|(a, b)| (a / b - 1.0).abs() < 0.01));
    let mut figures: Vec<Figure> = ["api", "db", "store"].into_iter().map(of).collect();
    figures.push(Figure::new("mean way there and back", 4.0, Relative(0.01), times(&whole, 1e3)));
    figures
}

#[test]
fn what_the_rows_do_not_hold_agrees_with_theory_too() {
    let figures = [pool(8, 0.8), pool(64, 0.9), processor_sharing(), jitter(), little()].into_iter().flatten();
    super::judge_all(figures.map(|figure| ("theory", figure)));
}
