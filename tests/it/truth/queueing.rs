//! Queues: Markovian, general, with priorities, impatience and breakdowns; networks of them, open and closed.

use super::Within::{Absolute, Relative};
use super::{Effort, Figure, Row, Table, combine, measure, station, times};

pub const ROWS: Table = &[
    ("mm1-0.5", mm1_half),
    ("mm1-0.8", mm1),
    ("mmc-2-0.8", |row| mmc(row, 160.0, 2, 1_500)),
    ("mmc-5-0.5", |row| mmc(row, 250.0, 5, 300)),
    ("mmc-10-0.5", |row| mmc(row, 500.0, 10, 300)),
    ("mm1k10-80-100", |row| mm1k(row, 80.0)),
    ("mm1k10-150-100", |row| mm1k(row, 150.0)),
    ("md1-0.8", md1),
    ("mg1-lognormal-cv2-0.7", |row| lognormal(row, 70.0)),
    ("mg1-lognormal-cv2-0.8", |row| lognormal(row, 80.0)),
    ("mg1-h2-cv2_4-0.7", hyperexponential),
    ("brooker-open-bimodal", bimodal_open),
    ("brooker-closed1-bimodal", bimodal_closed),
    ("brooker-open-exp", exponential_open),
    ("prio-short-long", priorities),
    ("erlangA-call-center", erlang_a),
    ("mmc-timeout-110-0.05", pool_timeout),
    ("jackson-bolch-7.4", jackson),
    ("tandem-3tier", tandem),
    ("closed-lazowska-p117", lazowska),
    ("interactive-20", |row| interactive(row, 20)),
    ("interactive-200", |row| interactive(row, 200)),
    ("forkjoin-0.8", fork_join_of_two),
    ("fj-sim-2-0.8", |row| fork_join(row, 2)),
    ("fj-sim-4-0.8", |row| fork_join(row, 4)),
    ("fj-sim-8-0.8", |row| fork_join(row, 8)),
    ("fj-sim-16-0.8", |row| fork_join(row, 16)),
    ("mtminf-30", infinite_servers),
    ("mm1-failures-50", breakdowns),
    ("ciw-bank-3", |row| bank(row, 3)),
    ("ciw-bank-4", |row| bank(row, 4)),
    ("overload-80-150", overload),
];

/// A station of which the mean number in system is wanted too.
const ALL: [&str; 10] = [
    "station.utilization",
    "station.busy",
    "station.queue",
    "mean",
    "station.mean_wait",
    "p50",
    "p95",
    "p99",
    "p99.9",
    "station.waited_share",
];

fn mm1_half(row: &Row) -> Vec<Figure> {
    mm1_at(row, 50.0)
}

fn mm1(row: &Row) -> Vec<Figure> {
    mm1_at(row, 80.0)
}

fn mm1_at(row: &Row, rate: f64) -> Vec<Figure> {
    let text = station(rate, "slots: 1, cores: 1, work: Exponential(\"10ms\")");
    let effort = Effort::requests(rate, 400);
    let [utilization, busy, queue, mean, wait, p50, p95, p99, p999, waited] = measure(&text, effort, ALL);
    let [wait_p95, wait_p99] = measure(&text, effort, ["station.wait_p95", "station.wait_p99"]);
    let ms = |metric: &str, share, samples: &[f64]| {
        Figure::new(metric, row.want(metric), Relative(share), times(samples, 1e3))
    };
    vec![
        Figure::new("utilization", row.want("utilization"), Relative(0.02), utilization),
        Figure::new("mean_in_system", row.want("mean_in_system"), Relative(0.02), combine(&busy, &queue, |a, b| a + b)),
        Figure::new("mean_in_queue", row.want("mean_in_queue"), Relative(0.02), queue),
        ms("mean_sojourn_ms", 0.02, &mean),
        ms("mean_wait_ms", 0.02, &wait),
        Figure::new("prob_wait", row.want("prob_wait"), Relative(0.02), waited),
        ms("sojourn_p50_ms", 0.03, &p50),
        ms("sojourn_p95_ms", 0.03, &p95),
        ms("sojourn_p99_ms", 0.03, &p99),
        ms("sojourn_p99.9_ms", 0.05, &p999),
        ms("wait_p95_ms", 0.03, &wait_p95),
        ms("wait_p99_ms", 0.03, &wait_p99),
    ]
}

fn mmc(row: &Row, rate: f64, servers: u32, thousands: u32) -> Vec<Figure> {
    let text = station(rate, &format!("slots: {servers}, cores: {servers}, work: Exponential(\"10ms\")"));
    let [_, busy, queue, mean, wait, p50, p95, p99, p999, waited] =
        measure(&text, Effort::requests(rate, thousands), ALL);
    let ms = |metric: &str, share, samples: &[f64]| {
        Figure::new(metric, row.want(metric), Relative(share), times(samples, 1e3))
    };
    vec![
        Figure::new("erlang_C_prob_wait", row.want("erlang_C_prob_wait"), Relative(0.02), waited),
        ms("mean_wait_ms", 0.02, &wait),
        ms("mean_sojourn_ms", 0.02, &mean),
        Figure::new("mean_in_queue", row.want("mean_in_queue"), Relative(0.02), queue.clone()),
        Figure::new("mean_in_system", row.want("mean_in_system"), Relative(0.02), combine(&busy, &queue, |a, b| a + b)),
        ms("sojourn_p50_ms", 0.02, &p50),
        ms("sojourn_p95_ms", 0.03, &p95),
        ms("sojourn_p99_ms", 0.03, &p99),
        ms("sojourn_p99.9_ms", 0.05, &p999),
    ]
}

/// Room for ten, the one at work included.
fn mm1k(row: &Row, rate: f64) -> Vec<Figure> {
    let text = station(rate, "slots: 1, cores: 1, work: Exponential(\"10ms\")")
        .replace("queue_limit: None", "queue_limit: Some(9)");
    let effort = Effort::requests(rate, 200);
    let [blocked, throughput, busy, queue, mean, wait, utilization, p99] = measure(
        &text,
        effort,
        [
            "failed_share",
            "station.throughput",
            "station.busy",
            "station.queue",
            "mean",
            "station.mean_wait",
            "station.utilization",
            "p99",
        ],
    );
    let relative = |metric: &str, share, samples| Figure::new(metric, row.want(metric), Relative(share), samples);
    vec![
        Figure::new("block_prob", row.want("block_prob"), Absolute(0.002), blocked),
        relative("throughput", 0.02, throughput),
        relative("mean_in_system", 0.02, combine(&busy, &queue, |a, b| a + b)),
        relative("mean_sojourn_accepted", 0.02, mean),
        relative("mean_wait_accepted", 0.02, wait),
        relative("utilization", 0.02, utilization),
        relative("sojourn_p99_accepted", 0.03, p99),
    ]
}

fn md1(row: &Row) -> Vec<Figure> {
    let text = station(80.0, "slots: 1, cores: 1, work: \"10ms\"");
    let [mean, wait, queue, p95, p99, p999] = measure(
        &text,
        Effort::requests(80.0, 250),
        ["mean", "station.mean_wait", "station.queue", "p95", "p99", "p99.9"],
    );
    let relative = |metric: &str, share, samples| Figure::new(metric, row.want(metric), Relative(share), samples);
    vec![
        relative("mean_wait", 0.015, wait),
        relative("mean_sojourn", 0.015, mean),
        relative("mean_in_queue", 0.015, queue),
        relative("sojourn_p95", 0.03, p95),
        relative("sojourn_p99", 0.03, p99),
        relative("sojourn_p99.9", 0.05, p999),
    ]
}

fn lognormal(row: &Row, rate: f64) -> Vec<Figure> {
    let text = station(rate, "slots: 1, cores: 1, work: LogNormal(mean: \"10ms\", cv: 2.0)");
    let [mean, wait, queue] =
        measure(&text, Effort::requests(rate, 600), ["mean", "station.mean_wait", "station.queue"]);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.04), samples);
    vec![relative("mean_wait", wait), relative("mean_sojourn", mean), relative("mean_in_queue", queue)]
}

fn hyperexponential(row: &Row) -> Vec<Figure> {
    let text = station(
        70.0,
        "slots: 1, cores: 1, work: Hyperexponential(fast: \"5.635083ms\", slow: \"44.364917ms\", slow_share: 0.1127016654)",
    );
    let [mean, wait, p50, p95, p99] =
        measure(&text, Effort::requests(70.0, 400), ["mean", "station.mean_wait", "p50", "p95", "p99"]);
    let relative = |metric: &str, share, samples| Figure::new(metric, row.want(metric), Relative(share), samples);
    vec![
        relative("mean_wait", 0.03, wait),
        relative("mean_sojourn", 0.03, mean),
        relative("sojourn_p50", 0.03, p50),
        relative("sojourn_p95", 0.05, p95),
        relative("sojourn_p99", 0.05, p99),
    ]
}

const BIMODAL: &str = "slots: 1, cores: 1, work: Hyperexponential(fast: \"100us\", slow: \"10ms\", slow_share: 0.001)";

fn bimodal_open(row: &Row) -> Vec<Figure> {
    let rate = 7_279.344_858_962_694;
    let [mean, wait, p95, p99] =
        measure(&station(rate, BIMODAL), Effort::requests(rate, 2_000), ["mean", "station.mean_wait", "p95", "p99"]);
    let ms = |metric: &str, samples: &[f64]| Figure::new(metric, row.want(metric), Relative(0.1), times(samples, 1e3));
    vec![ms("mean_wait", &wait), ms("mean_sojourn", &mean), ms("sojourn_p95", &p95), ms("sojourn_p99", &p99)]
}

/// One user who never thinks.
fn bimodal_closed(row: &Row) -> Vec<Figure> {
    let text = station(1.0, BIMODAL).replace("rate: \"1/s\")", "arrivals: Closed(users: 1, think: \"1us\"))");
    let [mean, p99, p999] = measure(&text, Effort::requests(9_099.0, 2_000), ["mean", "p99", "p99.9"]);
    let ms = |metric: &str, samples: &[f64]| Figure::new(metric, row.want(metric), Relative(0.03), times(samples, 1e3));
    vec![ms("mean_ms", &mean), ms("p99_ms", &p99), ms("p999_ms", &p999)]
}

fn exponential_open(row: &Row) -> Vec<Figure> {
    let text = station(8_000.0, "slots: 1, cores: 1, work: Exponential(\"100us\")");
    let [mean, p99, p999] = measure(&text, Effort::requests(8_000.0, 400), ["mean", "p99", "p99.9"]);
    let ms = |metric: &str, samples: &[f64]| Figure::new(metric, row.want(metric), Relative(0.03), times(samples, 1e3));
    vec![ms("mean_ms", &mean), ms("p99_ms", &p99), ms("p999_ms", &p999)]
}

fn priorities(row: &Row) -> Vec<Figure> {
    let text = |discipline: &str| {
        format!(
            "(nodes: {{
                \"client\": (kind: client(rate: \"120/s\", classes: {{
                    \"high\": (weight: 100, priority: 0), \"low\": (weight: 20, priority: 1),
                }})),
                \"station\": (kind: service(slots: 1, cores: 1, queue_limit: None, discipline: {discipline},
                    work_by_class: {{ \"high\": Exponential(\"2ms\"), \"low\": Exponential(\"30ms\") }})),
            }}, links: [(from: \"client\", to: \"station\")])"
        )
    };
    let run = |discipline| measure(&text(discipline), Effort::requests(120.0, 400), ["high.mean", "low.mean"]);
    let ([fifo, _], [high, low], [first, second]) = (run("Fifo"), run("Priority"), run("PreemptivePriority"));
    let less = |samples: &[f64], service: f64| samples.iter().map(|x| x - service).collect::<Vec<_>>();
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.02), samples);
    vec![
        relative("fifo_wait", less(&fifo, 0.002)),
        relative("nonpreemptive_wait_high", less(&high, 0.002)),
        relative("nonpreemptive_wait_low", less(&low, 0.030)),
        relative("preemptive_resume_sojourn_high", first),
        relative("preemptive_resume_sojourn_low", second),
    ]
}

fn erlang_a(row: &Row) -> Vec<Figure> {
    let service = "slots: 50, cores: 50, work: Exponential(\"60s\")";
    let paths = ["failed_share", "station.waited_share", "station.queue", "station.utilization"];
    let patient = station(0.8, &format!("{service}, max_wait: Exponential(\"120s\")"));
    let [left, waited, queue, utilization] = measure(&patient, Effort::requests(0.8, 100), paths);
    // Whoever left had waited.
    let waited = combine(&left, &waited, |left, waited| left + (1.0 - left) * waited);
    let c_paths = ["station.waited_share", "station.mean_wait", "station.queue", "station.utilization"];
    let [c_waited, c_wait, c_queue, c_utilization] =
        measure(&station(0.8, service), Effort::requests(0.8, 200), c_paths);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.03), samples);
    vec![
        relative("prob_abandon", left),
        relative("prob_wait", waited),
        relative("mean_queue", queue),
        relative("agents_utilization", utilization),
        relative("erlangC_prob_wait", c_waited),
        relative("erlangC_mean_wait", c_wait),
        relative("erlangC_mean_queue", c_queue),
        relative("erlangC_utilization", c_utilization),
    ]
}

fn pool_timeout(row: &Row) -> Vec<Figure> {
    let text = station(110.0, "slots: 10, cores: 10, work: Exponential(\"100ms\"), max_wait: \"50ms\"");
    let paths = ["failed_share", "goodput", "station.utilization", "station.mean_wait"];
    let [left, goodput, utilization, wait] = measure(&text, Effort::requests(110.0, 200), paths);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.02), samples);
    vec![
        relative("prob_timeout", left),
        relative("goodput", goodput),
        relative("utilization", utilization),
        relative("mean_wait_of_served", wait),
    ]
}

/// A queue in front of one core; a call that waits for others holds nothing.
fn queue(mean: &str) -> String {
    format!("service(runtime: EventLoop, slots: 1000000, cores: 1, queue_limit: None, work: Exponential(\"{mean}\"))")
}

/// A job that goes from node to node is a call that calls the next.
fn jackson(row: &Row) -> Vec<Figure> {
    let text = format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"4/s\")),
            \"n1\": (kind: {}), \"n2\": (kind: {}), \"n3\": (kind: {}), \"n4\": (kind: {}),
        }}, links: [
            (from: \"client\", to: \"n4\"), (from: \"n4\", to: \"n1\"),
            (from: \"n1\", to: \"n2\", wait: Choose, weight: 0.5), (from: \"n1\", to: \"n3\", wait: Choose, weight: 0.5),
            (from: \"n2\", to: \"n1\"), (from: \"n3\", to: \"n1\", when: (probability: 0.6)),
        ])",
        queue("40ms"),
        queue("30ms"),
        queue("60ms"),
        queue("50ms")
    );
    let effort = Effort::requests(4.0, 60);
    let mut figures = Vec::new();
    for (i, node) in ["n1", "n2", "n3", "n4"].into_iter().enumerate() {
        let path = |figure: &str| format!("{node}.{figure}");
        let names = [path("arrivals"), path("core_utilization"), path("mean_wait"), path("mean_service")];
        let [arrivals, utilization, wait, service] = measure(&text, effort, names.each_ref().map(String::as_str));
        let of = |metric: &str, share, samples| {
            Figure::new(&format!("{metric} {node}"), row.want_at(metric, i), Relative(share), samples)
        };
        figures.push(of("throughput", 0.02, arrivals));
        figures.push(of("utilization", 0.02, utilization));
        figures.push(of("sojourn_per_visit", 0.03, combine(&wait, &service, |a, b| a + b)));
    }
    let [mean] = measure(&text, effort, ["mean"]);
    figures.push(Figure::new("end_to_end_response", row.want("end_to_end_response"), Relative(0.03), mean));
    figures
}

fn tandem(row: &Row) -> Vec<Figure> {
    let text = format!(
        "(nodes: {{ \"client\": (kind: client(rate: \"200/s\")), \"lb\": (kind: {}), \"app\": (kind: {}), \"db\": (kind: {}) }},
        links: [(from: \"client\", to: \"lb\"), (from: \"lb\", to: \"app\"), (from: \"app\", to: \"db\")])",
        queue("2ms"),
        queue("4ms"),
        queue("4.5ms")
    );
    let paths = ["mean", "p50", "p95", "p99", "lb.core_utilization", "app.core_utilization", "db.core_utilization"];
    let [mean, p50, p95, p99, lb, app, db] = measure(&text, Effort::requests(200.0, 500), paths);
    let ms = |metric: &str, share, samples: &[f64]| {
        Figure::new(metric, row.want(metric), Relative(share), times(samples, 1e3))
    };
    let used = |i, samples| Figure::new("utilization", row.want_at("utilization", i), Relative(0.02), samples);
    vec![
        ms("mean_ms", 0.02, &mean),
        ms("p50_ms", 0.02, &p50),
        ms("p95_ms", 0.03, &p95),
        ms("p99_ms", 0.03, &p99),
        used(0, lb),
        used(1, app),
        used(2, db),
    ]
}

fn lazowska(row: &Row) -> Vec<Figure> {
    let text = format!(
        "(nodes: {{ \"client\": (kind: client(arrivals: Closed(users: 3, think: Exponential(\"15s\")))),
            \"a\": (kind: {}), \"b\": (kind: {}), \"c\": (kind: {}) }},
        links: [(from: \"client\", to: \"a\"), (from: \"a\", to: \"b\"), (from: \"b\", to: \"c\")])",
        queue("605ms"),
        queue("2100ms"),
        queue("1350ms")
    );
    let effort = Effort::requests(0.1515, 30);
    let [throughput, response] = measure(&text, effort, ["throughput", "mean"]);
    let mut figures = vec![
        Figure::new("throughput", row.want("throughput"), Relative(0.02), throughput),
        Figure::new("response", row.want("response"), Relative(0.02), response),
    ];
    for (i, node) in ["a", "b", "c"].into_iter().enumerate() {
        let (wait, service) = (format!("{node}.mean_wait"), format!("{node}.mean_service"));
        let [wait, service] = measure(&text, effort, [&wait, &service]);
        let residence = combine(&wait, &service, |a, b| a + b);
        figures.push(Figure::new(&format!("residence {node}"), row.want_at("residence", i), Relative(0.02), residence));
    }
    figures
}

fn interactive(row: &Row, users: u32) -> Vec<Figure> {
    let text = format!(
        "(nodes: {{ \"client\": (kind: client(arrivals: Closed(users: {users}, think: Exponential(\"1s\")))),
            \"app\": (kind: {}), \"db\": (kind: {}) }},
        links: [(from: \"client\", to: \"app\"), (from: \"app\", to: \"db\")])",
        queue("10ms"),
        queue("20ms")
    );
    let paths = ["throughput", "mean", "app.core_utilization", "db.core_utilization"];
    let [throughput, response, app, db] = measure(&text, Effort::requests(30.0, 100), paths);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.015), samples);
    vec![
        relative("throughput", throughput),
        relative("response_ms", times(&response, 1e3)),
        relative("util_app", app),
        // At 200 users it is idle less than once in a million: no standard error to speak of.
        if users > 100 { relative("util_db", db).approximate() } else { relative("util_db", db) },
    ]
}

/// A request to `n` queues at once, which waits for all of them.
fn fork(n: usize) -> String {
    let nodes: String = (0..n).map(|i| format!("\"b{i}\": (kind: {}),", queue("1s"))).collect();
    let links: String = (0..n).map(|i| format!("(from: \"fork\", to: \"b{i}\"),")).collect();
    format!(
        "(nodes: {{ \"client\": (kind: client(rate: \"0.8/s\")),
            \"fork\": (kind: service(slots: 1000000, cores: 1000000, work: \"0s\", queue_limit: None)), {nodes} }},
        links: [(from: \"client\", to: \"fork\"), {links}])"
    )
}

fn fork_join_of_two(row: &Row) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (n, metric, share) in
        [(2, "n=2 (exact)", 0.02), (4, "n=4 (Nelson-Tantawi approx)", 0.05), (8, "n=8 (Nelson-Tantawi approx)", 0.05)]
    {
        let [mean] = measure(&fork(n), Effort::requests(0.8, 250), ["mean"]);
        let figure = Figure::new(metric, row.want(metric), Relative(share), mean);
        figures.push(if n == 2 { figure } else { figure.approximate() });
    }
    figures
}

fn fork_join(row: &Row, n: usize) -> Vec<Figure> {
    let [mean] = measure(&fork(n), Effort::requests(0.8, 200), ["mean"]);
    vec![Figure::new("mean_time", row.want("mean_time"), Relative(0.02), mean).simulated(row.want("ci95_half"))]
}

/// A day of an hour, twice: arrivals in a sine, service without a limit.
fn infinite_servers(row: &Row) -> Vec<Figure> {
    let text = station(100.0, "slots: 1000000, cores: 1000000, work: Exponential(\"30s\")")
        .replace("rate: \"100/s\"", "rate: \"100/s\", shape: Diurnal(period: \"1h\", amplitude: 0.8)");
    // Around the peak and the trough of the second hour, a minute to each side.
    let effort = Effort { seeds: 16, warm_up: 0.0, length: 7_200.0 };
    let paths = ["station.busy @ 3600s..7200s", "station.busy @ 4470s..4590s", "station.busy @ 6270s..6390s"];
    let [mean, peak, trough] = measure(&text, effort, paths);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.02), samples);
    // The minutes around the peak are a little lower than the peak itself.
    vec![
        relative("mean_concurrency", mean),
        relative("peak", peak).approximate(),
        relative("trough", trough).approximate(),
    ]
}

fn breakdowns(row: &Row) -> Vec<Figure> {
    let text = station(
        50.0,
        "slots: 1, cores: 1, work: Exponential(\"10ms\"), \
         breakdowns: (up: Exponential(\"60s\"), down: Exponential(\"3s\"), lose: false)",
    );
    let effort = Effort { seeds: 16, warm_up: 500.0, length: 60_500.0 };
    let [mean, busy, queue] = measure(&text, effort, ["mean", "station.busy", "station.queue"]);
    vec![
        Figure::new("mean_sojourn_s", row.want("mean_sojourn_s"), Relative(0.05), mean),
        Figure::new("mean_in_system", row.want("mean_in_system"), Relative(0.05), combine(&busy, &queue, |a, b| a + b)),
    ]
}

/// Minutes are seconds here.
fn bank(row: &Row, servers: u32) -> Vec<Figure> {
    let text = station(0.2, &format!("slots: {servers}, cores: {servers}, work: Exponential(\"10s\")"));
    let [wait, utilization] = measure(&text, Effort::requests(0.2, 200), ["station.mean_wait", "station.utilization"]);
    vec![
        Figure::new("exact_mean_wait_min", row.want("exact_mean_wait_min"), Relative(0.02), wait),
        Figure::new("exact_utilization", row.want("exact_utilization"), Relative(0.02), utilization),
    ]
}

/// A minute of more than can be served, and what it leaves behind.
fn overload(row: &Row) -> Vec<Figure> {
    let text = station(80.0, "slots: 1, cores: 1, work: \"10ms\"")
        .replace("rate: \"80/s\"", "rate: \"80/s\", shape: Spike(at: \"60s\", lasting: \"60s\", to: 1.875)");
    let [backlog, wait] = measure(&text, Effort::from_empty(32, 320.0), ["station.queue_max", "max"]);
    vec![
        Figure::new("peak_backlog", row.want("peak_backlog"), Relative(0.03), backlog),
        Figure::new("max_wait_s", row.want("max_wait_s"), Relative(0.03), wait),
    ]
}
