//! Run-times and their limits: Python's ways of being concurrent, scalability, and what a frozen machine looks like to
//! different clients.

use super::Within::{Absolute, Range, Relative};
use super::{Effort, Figure, Row, Table, measure, times};

pub const ROWS: Table = &[
    ("py-capacity", capacity),
    ("py-asyncio-450", event_loop),
    ("py-blocking-100", blocking),
    ("asyncflow-readme", asyncflow),
    ("usl-specsdm91", scalability),
    ("co-tene", coordinated_omission),
    ("co-wrk2", wrk2),
];

fn capacity(row: &Row) -> Vec<Figure> {
    let of = |metric: &str, users: u32, service: &str| {
        let constant = "work: \"2ms\", wait: \"12ms\"";
        let work = if service.contains("work:") { "" } else { constant };
        let text = format!(
            "(nodes: {{
                \"client\": (kind: client(arrivals: Closed(users: {users}, think: \"1us\"))),
                \"app\": (kind: service(queue_limit: None, {service}, {work})),
            }}, links: [(from: \"client\", to: \"app\")])"
        );
        let [throughput] = measure(&text, Effort { seeds: 8, warm_up: 10.0, length: 210.0 }, ["throughput"]);
        let figure = Figure::new(metric, row.want(metric), Relative(0.01), throughput);
        // Nothing is drawn where times are constant: the ends of the window are all that is left of an error.
        if service.contains("work:") { figure } else { figure.approximate() }
    };
    let lock = "runtime: GlobalLock(switch_interval: \"5ms\"), processes: 1, cores: 4";
    // Where all times are constant, cores that are shared evenly keep everybody in step: all compute, then all wait. A
    // scheduler lets a turn of 2 ms end, which a switch interval longer than that says here.
    let turns = "runtime: GlobalLock(switch_interval: \"100ms\")";
    vec![
        of("1 sync worker", 20, "slots: 1, cores: 4"),
        of("4 sync workers on >=4 cores", 20, "slots: 4, cores: 4"),
        of("8 sync workers on 1 core", 20, &format!("{turns}, slots: 8, cores: 1")),
        of("1 asyncio process", 100, "runtime: EventLoop, processes: 1, cores: 1, slots: 1000"),
        of("4 asyncio processes on 4 cores", 400, "runtime: EventLoop, processes: 4, cores: 4, slots: 1000"),
        of(
            "1 process 8 threads with the GIL (exponential CPU and I/O, closed saturation)",
            20,
            &format!("{lock}, slots: 8, work: Exponential(\"2ms\"), wait: Exponential(\"12ms\")"),
        ),
        of("1 process 64 threads with the GIL", 100, &format!("{lock}, slots: 64")),
        of("64 threads free-threaded on 4 cores (bound)", 100, &format!("{turns}, slots: 16, processes: 4, cores: 4")),
    ]
}

/// Open traffic to one event loop.
fn on_loop(rate: f64, work: &str) -> String {
    format!(
        "(nodes: {{
            \"client\": (kind: client(rate: \"{rate}/s\")),
            \"app\": (kind: service(runtime: EventLoop, processes: 1, cores: 1, slots: 1000000, queue_limit: None,
                work: {work}, wait: \"12ms\")),
        }}, links: [(from: \"client\", to: \"app\")])"
    )
}

fn event_loop(row: &Row) -> Vec<Figure> {
    let paths = ["mean", "app.core_utilization", "app.busy"];
    let [mean, used, busy] = measure(&on_loop(450.0, "\"2ms\""), Effort::requests(450.0, 300), paths);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.015), samples);
    vec![
        relative("loop_utilization", used),
        relative("mean_latency_ms", times(&mean, 1e3)),
        relative("mean_in_flight", busy),
    ]
}

fn blocking(row: &Row) -> Vec<Figure> {
    let effort = Effort::requests(100.0, 300);
    let work = "Mixture([(0.99, \"2ms\"), (0.01, \"202ms\")])";
    let [mean, wait, used] = measure(&on_loop(100.0, work), effort, ["mean", "app.mean_wait", "app.core_utilization"]);
    let [without] = measure(&on_loop(100.0, "\"2ms\""), effort, ["mean"]);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.04), samples);
    vec![
        relative("loop_utilization", used),
        relative("mean_wait_ms", times(&wait, 1e3)),
        relative("mean_latency_ms", times(&mean, 1e3)),
        relative("without_blocking_mean_latency_ms", times(&without, 1e3)),
    ]
}

/// Three exponential edges: to the proxy, to the application, and back.
fn asyncflow(row: &Row) -> Vec<Figure> {
    let rate = 10_000.0 / 60.0;
    let text = on_loop(rate, "\"2ms\"").replace(
        "(from: \"client\", to: \"app\")",
        "(from: \"client\", to: \"proxy\", latency: Exponential(\"3ms\"), latency_back: Exponential(\"3ms\")),
         (from: \"proxy\", to: \"app\", latency: Exponential(\"3ms\"), latency_back: \"0s\")",
    );
    let text = text.replace(
        "nodes: {",
        "nodes: { \"proxy\": (kind: service(slots: 1000000, cores: 1000000, work: \"0s\", queue_limit: None)),",
    );
    let paths = ["offered", "mean", "app.core_utilization", "app.busy"];
    let [offered, mean, used, busy] = measure(&text, Effort::requests(rate, 200), paths);
    let relative = |metric: &str, samples| Figure::new(metric, row.want(metric), Relative(0.02), samples);
    vec![
        relative("arrival_rps", offered),
        relative("cpu_utilization", used),
        relative("mean_latency_ms", times(&mean, 1e3)),
        relative("mean_in_server", busy),
    ]
}

/// The universal scalability law at its peak: as many users as slots, so that concurrency stays what it is.
fn scalability(row: &Row) -> Vec<Figure> {
    let service = (1e9 / row.want("gamma")) as u64;
    let throughput = |users: u32| {
        let text = format!(
            "(nodes: {{
                \"client\": (kind: client(arrivals: Closed(users: {users}, think: \"1us\"))),
                \"app\": (kind: service(slots: {users}, cores: {users}, work: \"{service}ns\",
                    contention: {}, coherency: {})),
            }}, links: [(from: \"client\", to: \"app\")])",
            row.want("alpha"),
            row.want("beta")
        );
        let [throughput] = measure(&text, Effort { seeds: 2, warm_up: 10.0, length: 210.0 }, ["throughput"]);
        throughput
    };
    let figure = |metric: &str, want, samples| Figure::new(metric, want, Relative(0.01), samples).approximate();
    let peak = row.want("peak_throughput");
    vec![
        figure("peak_throughput", peak, throughput(97)),
        // One user meets nobody.
        figure("gamma", row.want("gamma"), throughput(1)),
        // Beyond the peak it falls: by the law, at 216 users.
        figure("throughput of 216", law(row, 216.0), throughput(216)),
    ]
}

fn law(row: &Row, n: f64) -> f64 {
    let (alpha, beta) = (row.want("alpha"), row.want("beta"));
    row.want("gamma") * n / (1.0 + alpha * (n - 1.0) + beta * n * (n - 1.0))
}

fn coordinated_omission(row: &Row) -> Vec<Figure> {
    let text = |client: &str| {
        format!(
            "(nodes: {{
                \"client\": (kind: client({client})),
                \"station\": (kind: service(slots: 100000, cores: 100000, queue_limit: None, work: \"1ms\")),
            }}, links: [(from: \"client\", to: \"station\")],
            timeline: [(at: \"100s\", lasting: \"100s\", do: Freeze(\"station\"))])"
        )
    };
    let effort = Effort::from_empty(4, 200.1);
    let [open, p90] = measure(&text("rate: \"100/s\", arrivals: Constant"), effort, ["mean", "p90"]);
    let [closed] = measure(&text("arrivals: Closed(users: 1, think: \"9ms\")"), effort, ["mean"]);
    let ms = |metric: &str, want, samples: &[f64]| {
        Figure::new(metric, want, Relative(0.01), times(samples, 1e3)).approximate()
    };
    vec![
        ms("open_mean_ms", row.want("open_mean_ms"), &open),
        // Evenly spread from 0 to 100 s over the second half of the requests: 80 s at the 90th percentile.
        ms("open p90", 80_000.0, &p90),
        ms("closed_loop_mean_ms", row.want("closed_loop_mean_ms"), &closed),
    ]
}

/// A freeze of 1.42 s in 19.75 s.
fn wrk2(row: &Row) -> Vec<Figure> {
    let text = "(nodes: {
            \"client\": (kind: client(rate: \"2000/s\", arrivals: Constant)),
            \"station\": (kind: service(slots: 100000, cores: 100000, queue_limit: None, work: \"1us\")),
        }, links: [(from: \"client\", to: \"station\")],
        timeline: [(at: \"5s\", lasting: \"1.42s\", do: Freeze(\"station\"))])";
    let [mean, p95, p99] = measure(text, Effort::from_empty(4, 19.75), ["mean", "p95", "p99"]);
    vec![
        Figure::new("ideal_p99_s", row.want("ideal_p99_s"), Range(1.21, 1.30), p99),
        Figure::new("ideal_p95_s", row.want("ideal_p95_s"), Relative(0.02), p95).approximate(),
        Figure::new(
            "ideal_mean_contribution_ms",
            row.want("ideal_mean_contribution_ms"),
            Absolute(0.5),
            times(&mean, 1e3),
        )
        .approximate(),
    ]
}
